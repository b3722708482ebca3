/* capture/extra_regsets: what is kept of a thread's notes, on machines that have some and on
 * those that have none. */
#include "capture/extra_regsets.h"

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static const struct snap_arch *aarch64, *x86_64;

static int find_tables(void **state)
{
	(void)state;
	aarch64 = snap_arch_find(EM_AARCH64, ELFCLASS64, ELFDATA2LSB);
	x86_64 = snap_arch_find(EM_X86_64, ELFCLASS64, ELFDATA2LSB);
	return aarch64 && x86_64 ? 0 : -1;
}

/* The set of a type among those listed, or NULL. */
static const struct snap_regset *listed(const struct snap_regset *sets, size_t num, uint32_t type)
{
	for (size_t i = 0; i < num; i++)
		if (sets[i].type == type)
			return &sets[i];
	return NULL;
}

static void keep(struct snap_extra_regsets *extra, const struct snap_arch *arch, uint32_t type,
	uint8_t byte, size_t len)
{
	uint8_t desc[64];
	assert_true(len <= sizeof(desc));
	memset(desc, byte, len);
	snap_extra_regsets_keep(extra, arch, type, snap_bytes(desc, len));
}

static void test_listed_are_kept(void **state)
{
	(void)state;
	struct snap_extra_regsets extra = {0};
	struct snap_regset sets[SNAP_ARCH_MAX_EXTRA_REGSETS];
	keep(&extra, aarch64, NT_ARM_TLS, 7, 8);
	keep(&extra, aarch64, NT_ARM_PAC_MASK, 9, 16);
	assert_int_equal(snap_extra_regsets_list(&extra, aarch64, sets), 2);
	const struct snap_regset *set = listed(sets, 2, NT_ARM_PAC_MASK);
	assert_non_null(set);
	assert_int_equal(set->data.len, 16);
	assert_int_equal(set->data.data[15], 9);
	set = listed(sets, 2, NT_ARM_TLS);
	assert_non_null(set);
	assert_int_equal(set->data.len, 8);
	assert_int_equal(set->data.data[0], 7);
}

static void test_unlisted_and_too_long_left_out(void **state)
{
	(void)state;
	struct snap_extra_regsets extra = {0};
	struct snap_regset sets[SNAP_ARCH_MAX_EXTRA_REGSETS];
	/* The keys themselves are nobody's business. */
	keep(&extra, aarch64, NT_ARM_PACA_KEYS, 1, 16);
	keep(&extra, aarch64, NT_ARM_PAC_MASK, 1, SNAP_ARCH_EXTRA_REGSET_MAX_BYTES + 1);
	assert_int_equal(snap_extra_regsets_list(&extra, aarch64, sets), 0);
}

static void test_machine_without_any(void **state)
{
	(void)state;
	struct snap_extra_regsets extra = {0};
	struct snap_regset sets[SNAP_ARCH_MAX_EXTRA_REGSETS];
	keep(&extra, x86_64, NT_ARM_PAC_MASK, 1, 16);
	assert_int_equal(snap_extra_regsets_list(&extra, x86_64, sets), 0);
	keep(&extra, NULL, NT_ARM_PAC_MASK, 1, 16);
	assert_int_equal(snap_extra_regsets_list(&extra, NULL, sets), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listed_are_kept),
		cmocka_unit_test(test_unlisted_and_too_long_left_out),
		cmocka_unit_test(test_machine_without_any),
	};
	return cmocka_run_group_tests(tests, find_tables, NULL);
}
