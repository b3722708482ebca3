/*
 * Instructions that are decoded without capstone: what is said of them is what is said with it, for
 * all of the C library's code, read from every byte on, and for bytes that are chosen to be such
 * instructions with every operand.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/explain/disassembler.h"
#include "analyze/explain/x86_short.h"

#define ADDR UINT64_C(0x401000)

static const struct snap_arch *arch;

static void begin(const uint8_t *bytes, size_t len, struct snap_instruction *ret)
{
	memset(ret, 0, sizeof(*ret)); /* padding, too */
	ret->addr = ADDR;
	ret->value.index = -1;
	ret->len = (uint8_t)len;
	memcpy(ret->bytes, bytes, len);
}

static void expect_register(
	const char *text, const struct snap_register *a, const struct snap_register *b)
{
	if (a->index != b->index || a->shift != b->shift || a->bits != b->bits ||
		a->is_unknown != b->is_unknown || !a->name != !b->name ||
		(a->name && strcmp(a->name, b->name) != 0))
		fail_msg("%s: a register: %s, not %s", text, a->name, b->name);
}

static size_t num_compared, num_known;

/* Whether it is decoded, as capstone does. */
static bool compare(const uint8_t *bytes, size_t len)
{
	struct snap_instruction got, wanted;
	begin(bytes, len, &got);
	begin(bytes, len, &wanted);
	bool is_short = snap_x86_short_decode(arch, len, &got);
	num_compared++;
	if (!is_short && got.size == 0 && num_compared % 16) /* capstone takes long */
		return false;
	bool is_known = snap_disassemble(arch, len, &wanted);
	if (is_known && strncmp(wanted.text, "mov ", 4) == 0 && !snap_x86_may_move(bytes, len))
		fail_msg("%s may be a mov", wanted.text);
	if (is_known && wanted.action == SNAP_ACTION_CALL && !snap_x86_may_call(bytes, len))
		fail_msg("%s may be a call", wanted.text);
	if (!is_short)
		return false;
	num_known++;
	if (!is_known || strcmp(got.text, wanted.text) != 0)
		fail_msg("%02x %02x %02x %02x %02x %02x %02x: '%s', not '%s'", bytes[0], bytes[1],
			bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], got.text, wanted.text);
	assert_int_equal(wanted.size, got.size);
	if (wanted.action != got.action || wanted.width != got.width ||
		wanted.is_signed != got.is_signed || wanted.num_operands != got.num_operands)
		fail_msg("%02x %02x %02x %s: action %d, not %d, width %u, not %u, %u operands, not "
			 "%u",
			bytes[0], bytes[1], bytes[2], got.text, got.action, wanted.action,
			got.width, wanted.width, got.num_operands, wanted.num_operands);
	expect_register(got.text, &got.value, &wanted.value);
	for (unsigned int i = 0; i < got.num_operands; i++) {
		const struct snap_operand *a = &got.operands[i], *b = &wanted.operands[i];
		if (a->is_read != b->is_read || a->is_written != b->is_written ||
			a->is_implicit != b->is_implicit || a->size != b->size ||
			a->align != b->align || a->extend != b->extend ||
			a->is_subtracted != b->is_subtracted || a->index_shift != b->index_shift ||
			a->disp != b->disp)
			fail_msg("%s: operand %u: %d%d%d size %u align %u disp %llx; capstone "
				 "%d%d%d size %u align %u disp %llx",
				got.text, i, a->is_read, a->is_written, a->is_implicit, a->size,
				a->align, (long long)a->disp, b->is_read, b->is_written,
				b->is_implicit, b->size, b->align, (long long)b->disp);
		expect_register(got.text, &a->segment, &b->segment);
		expect_register(got.text, &a->base, &b->base);
		expect_register(got.text, &a->index, &b->index);
	}
	return true;
}

/* The C library's code. */
static int find_code(struct dl_phdr_info *info, size_t size, void *data)
{
	struct snap_bytes *ret = data;
	(void)size;
	for (int i = 0; i < info->dlpi_phnum && strstr(info->dlpi_name, "/libc.so"); i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X)
			*ret = snap_bytes(
				(const void *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr),
				info->dlpi_phdr[i].p_memsz);
	return 0;
}

static void test_code(void **state)
{
	(void)state;
#ifndef __x86_64__
	skip();
#endif
	struct snap_bytes code = {0};
	dl_iterate_phdr(find_code, &code);
	if (code.len < 100000)
		skip();
	num_compared = num_known = 0;
	for (size_t off = 0; off + 16 < code.len && off < 100000; off++)
		(void)compare(code.data + off, 16);
	print_message("%zu of %zu\n", num_known, num_compared);
	assert_true(num_known > num_compared / 2);
}

static void test_chosen(void **state)
{
	(void)state;
	static const uint8_t prefixes[][2] = {{0}, {0x66}, {0xf2}, {0xf3}, {0x64}, {0x65},
		{0x64, 0x66}, {0x66, 0x66}, {0x67}, {0x2e}};
	uint32_t seed = 1;
	num_compared = num_known = 0;
	for (size_t p = 0; p < sizeof(prefixes) / sizeof(prefixes[0]); p++)
		for (unsigned int rex = 0x3f; rex < 0x50; rex++)
			for (unsigned int opcode = 0; opcode < 0x200; opcode++)
				for (unsigned int n = 0; n < 4; n++) {
					uint8_t bytes[16];
					size_t len = 0;
					for (size_t i = 0; i < 2 && prefixes[p][i]; i++)
						bytes[len++] = prefixes[p][i];
					if (rex >= 0x40)
						bytes[len++] = (uint8_t)rex;
					if (opcode >= 0x100)
						bytes[len++] = 0x0f;
					bytes[len++] = (uint8_t)opcode;
					while (len < sizeof(bytes)) {
						seed = seed * 1664525 + 1013904223;
						bytes[len++] = (uint8_t)(seed >> 24);
					}
					/* Cut short, too. */
					(void)compare(bytes, n == 3 ? seed >> 16 & 7 : 16);
				}
	print_message("%zu of %zu\n", num_known, num_compared);
	assert_true(num_known > 16000);
}

static int load(void **state)
{
	(void)state;
	arch = snap_arch_find(EM_X86_64, ELFCLASS64, ELFDATA2LSB);
	return 0;
}

int main(void)
{
	if (snap_disassembler_load() != SNAP_DISASSEMBLER_LOADED)
		return 77;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_code),
		cmocka_unit_test(test_chosen),
	};
	return cmocka_run_group_tests(tests, load, NULL);
}
