/* capture/vector_regsets: long register sets are kept as they were, or told to be missing. */
#include "capture/vector_regsets.h"

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static struct snap_vector_regsets v, copy;
static uint8_t bytes[SNAP_VECTOR_BYTES];

static int clear(void **state)
{
	(void)state;
	memset(&v, 0, offsetof(struct snap_vector_regsets, data));
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	return 0;
}

static void keep(uint32_t type, size_t there, uint64_t len)
{
	snap_vector_regsets_keep(&v, type, snap_bytes(bytes, there), len);
}

static void test_sets_are_kept(void **state)
{
	(void)state;
	struct snap_regset sets[SNAP_VECTOR_MAX];
	keep(NT_FPREGSET, 512, 512);
	keep(NT_X86_XSTATE, 11008, 11008);
	assert_int_equal(v.num_left_out, 0);
	/* What is copied is enough. */
	memset(&copy, 0xee, sizeof(copy));
	memcpy(&copy, &v, snap_vector_regsets_size(&v));
	assert_int_equal(snap_vector_regsets_list(&copy, sets), 2);
	assert_int_equal(sets[0].type, NT_FPREGSET);
	assert_int_equal(sets[0].data.len, 512);
	assert_memory_equal(sets[0].data.data, bytes, 512);
	assert_int_equal(sets[1].type, NT_X86_XSTATE);
	assert_int_equal(sets[1].data.len, 11008);
	assert_memory_equal(sets[1].data.data, bytes, 11008);
}

static void test_what_does_not_fit_is_counted(void **state)
{
	(void)state;
	struct snap_regset sets[SNAP_VECTOR_MAX];
	/* Cut already: half of a set is none. */
	keep(0x40c, 8192, 65536);
	assert_int_equal(v.num_left_out, 1);
	keep(NT_ARM_SVE, SNAP_VECTOR_BYTES - 100, SNAP_VECTOR_BYTES - 100);
	keep(NT_FPREGSET, 101, 101);
	assert_int_equal(v.num_left_out, 2);
	keep(NT_FPREGSET, 100, 100);
	keep(NT_FPREGSET, 0, 0);
	assert_int_equal(v.num_left_out, 2);
	assert_int_equal(snap_vector_regsets_list(&v, sets), 2);
	/* More of them than any machine has. */
	clear(state);
	for (int i = 0; i < 20; i++)
		keep(NT_FPREGSET, 1, 1);
	assert_int_equal(snap_vector_regsets_list(&v, sets), SNAP_VECTOR_MAX);
	assert_int_equal(v.num_left_out, 20 - SNAP_VECTOR_MAX);
}

static void test_which_they_are(void **state)
{
	(void)state;
	const struct snap_arch *x86 = snap_arch_find(EM_X86_64, ELFCLASS64, ELFDATA2LSB);
	const struct snap_arch *arm64 = snap_arch_find(EM_AARCH64, ELFCLASS64, ELFDATA2LSB);
	assert_true(snap_vector_regsets_has(x86, NT_FPREGSET));
	assert_true(snap_vector_regsets_has(NULL, NT_FPREGSET));
	assert_true(snap_vector_regsets_has(x86, NT_X86_XSTATE));
	assert_false(snap_vector_regsets_has(x86, NT_ARM_SVE));
	assert_true(snap_vector_regsets_has(arm64, NT_ARM_SVE));
	/* Keys are nobody's business. */
	assert_false(snap_vector_regsets_has(arm64, NT_ARM_PACA_KEYS));
	assert_false(snap_vector_regsets_has(x86, NT_PRSTATUS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_sets_are_kept, clear),
		cmocka_unit_test_setup(test_what_does_not_fit_is_counted, clear),
		cmocka_unit_test_setup(test_which_they_are, clear),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
