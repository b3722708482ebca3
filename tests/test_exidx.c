/* analyze/unwind/exidx: every unwinding instruction of EHABI32, table 4, every form of an entry,
 * the search, and tables that are not what they should be. The ELF files are made here. */
#include "analyze/unwind/exidx.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <elfutils/libdw.h>
#include <gelf.h>

#include "common/call_site.h"
#include "analyze/unwind/expression.h"

#define UNTOUCHED UINT64_C(0x5a5a5a5a5a5a5a5a)

/* The stack: every word holds its own address and STACK_MARK. */
#define STACK_ADDR	 0x40000000u
#define STACK_LEN	 0x8000u
#define STACK_MARK	 0x00800000u
#define SP_ADDR		 (STACK_ADDR + 0x1000)
#define ON_STACK(offset) (STACK_MARK + SP_ADDR + (offset))

/*
 * The file: one executable segment from CODE_ADDR on with the ELF header, code, extab and exidx,
 * and one of data behind it.
 */
#define CODE_ADDR  0x10000u
#define EXTAB_ADDR 0x11000u
#define EXIDX_ADDR 0x11800u
#define CODE_END   0x12000u
#define DATA_ADDR  0x13000u
#define DATA_OFF   (CODE_END - CODE_ADDR)
#define FILE_LEN   (DATA_OFF + 0x100)
#define FUNCTION   0x10400u

enum { SEGMENT_CODE, SEGMENT_EXIDX, SEGMENT_DATA, NUM_SEGMENTS };

static uint8_t *file; /* on the heap, so that the sanitizers see its end */
static size_t file_len;
static Elf *elf;
static struct snap_exidx *exidx;
static struct snap_memory memory;

static uint64_t regs[SNAP_EXIDX_NUM_REGS], known, cfa, fault;

/* ---------------------------------------------------------------- a file */

static Elf32_Phdr *segment(unsigned int i)
{
	return (Elf32_Phdr *)(void *)(file + sizeof(Elf32_Ehdr)) + i;
}

static void put_word(uint32_t addr, uint32_t word)
{
	memcpy(file + (addr - CODE_ADDR), &word, sizeof(word));
}

static uint32_t prel31(uint32_t target, uint32_t place)
{
	return (target - place) & 0x7fffffff;
}

static void put_entry(unsigned int i, uint32_t function, uint32_t second)
{
	uint32_t addr = EXIDX_ADDR + 8 * i;
	put_word(addr, prel31(function, addr));
	put_word(addr + 4, second);
	segment(SEGMENT_EXIDX)->p_memsz = segment(SEGMENT_EXIDX)->p_filesz = 8 * (i + 1);
}

/* The entry i leads to the table at addr. */
static void put_table_entry(unsigned int i, uint32_t function, uint32_t addr)
{
	put_entry(i, function, prel31(addr, EXIDX_ADDR + 8 * i + 4));
}

static int setup(void **state)
{
	(void)state;
	(void)elf_version(EV_CURRENT);
	file_len = FILE_LEN;
	file = calloc(1, file_len);
	assert_non_null(file);
	Elf32_Ehdr ehdr = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB,
			EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_ARM,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(ehdr),
		.e_ehsize = sizeof(ehdr),
		.e_phentsize = sizeof(Elf32_Phdr),
		.e_phnum = NUM_SEGMENTS,
	};
	memcpy(file, &ehdr, sizeof(ehdr));
	*segment(SEGMENT_CODE) = (Elf32_Phdr){.p_type = PT_LOAD,
		.p_vaddr = CODE_ADDR,
		.p_filesz = CODE_END - CODE_ADDR,
		.p_memsz = CODE_END - CODE_ADDR,
		.p_flags = PF_R | PF_X};
	*segment(SEGMENT_EXIDX) = (Elf32_Phdr){.p_type = PT_ARM_EXIDX,
		.p_offset = EXIDX_ADDR - CODE_ADDR,
		.p_vaddr = EXIDX_ADDR,
		.p_flags = PF_R};
	*segment(SEGMENT_DATA) = (Elf32_Phdr){.p_type = PT_LOAD,
		.p_offset = DATA_OFF,
		.p_vaddr = DATA_ADDR,
		.p_filesz = 0x100,
		.p_memsz = 0x200,
		.p_flags = PF_R | PF_W};

	static uint8_t stack[STACK_LEN];
	for (uint32_t i = 0; i < STACK_LEN; i += 4) {
		uint32_t word = STACK_ADDR + i + STACK_MARK;
		memcpy(stack + i, &word, sizeof(word));
	}
	const struct snap_memory_segment range = {
		.start = STACK_ADDR, .len = STACK_LEN, .data = stack, .fd = -1};
	snap_memory_init(&memory);
	assert_int_equal(snap_memory_add(&memory, &range, NULL), 0);
	assert_int_equal(snap_memory_finish(&memory, NULL), 0);
	return 0;
}

static void close_file(void)
{
	snap_exidx_destroy(exidx);
	exidx = NULL;
	(void)elf_end(elf);
	elf = NULL;
}

static int teardown(void **state)
{
	(void)state;
	close_file();
	snap_memory_deinit(&memory);
	free(file);
	file = NULL;
	return 0;
}

static int open_file(struct snap_error *err)
{
	close_file();
	elf = elf_memory((char *)file, file_len);
	assert_non_null(elf);
	return snap_exidx_create(elf, &exidx, err);
}

static void open_good_file(void)
{
	struct snap_error err = SNAP_ERROR_INIT;
	if (open_file(&err) < 0)
		fail_msg("%s", err.text);
	assert_non_null(exidx);
}

static void assert_refused(const char *text)
{
	struct snap_error err = SNAP_ERROR_INIT;
	assert_int_equal(open_file(&err), -1);
	assert_null(exidx);
	assert_int_equal(err.code, SNAP_ERROR_MALFORMED);
	assert_string_equal(err.text, text);
}

/* ---------------------------------------------------------------- a step */

#define RN(n)	 (0x00c0ff00u + (n)) /* what r[n] is before, sp aside */
#define BIT(n)	 (UINT64_C(1) << (n))
#define SAVED	 UINT64_C(0x0ff0) /* r4 to r11 */
#define NOT_LR	 (SAVED | BIT(13) | BIT(15))
#define USUAL	 (NOT_LR | BIT(14))
#define ALL_REGS UINT64_C(0xffff)

static void set_regs(void)
{
	for (unsigned int i = 0; i < SNAP_EXIDX_NUM_REGS; i++)
		regs[i] = RN(i);
	regs[13] = SP_ADDR;
	known = ALL_REGS;
}

static enum snap_exidx_status step_at(uint64_t vaddr)
{
	uint64_t before[SNAP_EXIDX_NUM_REGS], before_known = known;
	memcpy(before, regs, sizeof(regs));
	cfa = fault = UNTOUCHED;
	enum snap_exidx_status status =
		snap_exidx_step(exidx, &memory, vaddr, regs, &known, &cfa, &fault);
	assert_true((fault == UNTOUCHED) == (status != SNAP_EXIDX_NO_MEMORY));
	if (status == SNAP_EXIDX_STEPPED) {
		assert_true((known & (BIT(13) | BIT(15))) == (BIT(13) | BIT(15)));
		assert_true(regs[13] == cfa);
		return status;
	}
	assert_true(cfa == UNTOUCHED);
	assert_true(known == before_known);
	assert_memory_equal(regs, before, sizeof(regs));
	return status;
}

static enum snap_exidx_status step(void)
{
	set_regs();
	return step_at(FUNCTION + 4);
}

/* A table of instructions for the function, finishes after them. */
static void put_instructions(const uint8_t *bytes, size_t len)
{
	size_t num_words = len > 2 ? (len - 2 + 3) / 4 : 0;
	uint8_t padded[64];
	assert_true(len <= sizeof(padded));
	memset(padded, 0xb0, sizeof(padded));
	memcpy(padded, bytes, len);
	put_word(EXTAB_ADDR,
		0x81000000 | (uint32_t)num_words << 16 | (uint32_t)padded[0] << 8 | padded[1]);
	for (size_t i = 0; i < num_words; i++) {
		const uint8_t *at = padded + 2 + 4 * i;
		put_word(EXTAB_ADDR + 4 + 4 * (uint32_t)i, (uint32_t)at[0] << 24 |
								   (uint32_t)at[1] << 16 |
								   (uint32_t)at[2] << 8 | at[3]);
	}
	put_table_entry(0, FUNCTION, EXTAB_ADDR);
}

static enum snap_exidx_status execute_bytes(const uint8_t *bytes, size_t len)
{
	put_instructions(bytes, len);
	open_good_file();
	return step();
}

#define EXECUTE(...)                                                                               \
	execute_bytes((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void expect_reg(unsigned int reg, uint64_t value, int line)
{
	if (regs[reg] != value)
		fail_msg("line %d: r%u is 0x%llx, not 0x%llx", line, reg,
			(unsigned long long)regs[reg], (unsigned long long)value);
}

static void expect_stepped(enum snap_exidx_status status, uint64_t sp, uint64_t mask, int line)
{
	if (status != SNAP_EXIDX_STEPPED)
		fail_msg("line %d: status %d", line, (int)status);
	if (cfa != sp)
		fail_msg("line %d: CFA 0x%llx, not 0x%llx", line, (unsigned long long)cfa,
			(unsigned long long)sp);
	if (known != mask)
		fail_msg("line %d: known 0x%llx, not 0x%llx", line, (unsigned long long)known,
			(unsigned long long)mask);
}

/* The instructions, where sp is then, and what is known. */
#define STEPS(sp, mask, ...) expect_stepped(EXECUTE(__VA_ARGS__), (sp), (mask), __LINE__)
#define REG(reg, value)	     expect_reg((reg), (value), __LINE__)
#define FAILS(status, ...)   assert_int_equal(EXECUTE(__VA_ARGS__), SNAP_EXIDX_##status)

/* ---------------------------------------------------------------- instructions */

static void test_exidx_finish(void **state)
{
	(void)state;
	STEPS(SP_ADDR, USUAL, 0xb0);
	REG(15, RN(14));
	REG(14, RN(14));
	for (unsigned int i = 4; i < 12; i++)
		REG(i, RN(i));
	/* Nothing after it counts. */
	STEPS(SP_ADDR, USUAL, 0xb0, 0x00);
	STEPS(SP_ADDR, USUAL, 0xb0, 0xb7, 0xff, 0xff);
}

static void test_exidx_adjust_vsp(void **state)
{
	(void)state;
	STEPS(SP_ADDR + 4, USUAL, 0x00);
	STEPS(SP_ADDR + 8, USUAL, 0x01);
	STEPS(SP_ADDR + 0x100, USUAL, 0x3f);
	STEPS(SP_ADDR + 0x200, USUAL, 0x3f, 0x3f);
	STEPS(SP_ADDR - 4, USUAL, 0x40);
	STEPS(SP_ADDR - 0x100, USUAL, 0x7f);
	STEPS(SP_ADDR + 0x204, USUAL, 0xb2, 0x00);
	STEPS(SP_ADDR + 0x204 + 4, USUAL, 0xb2, 0x01);
	STEPS(SP_ADDR + 0x204 + (0x7f << 2), USUAL, 0xb2, 0x7f);
	STEPS(SP_ADDR + 70004, USUAL, 0xb2, 0xdc, 0x87, 0x01);
	STEPS(SP_ADDR + 7000004, USUAL, 0xb2, 0xf0, 0xe6, 0x6a);
	/* Addresses have 32 bits. */
	STEPS((uint32_t)(SP_ADDR + 0x204 + 0xfffffffcu), USUAL, 0xb2, 0xff, 0xff, 0xff, 0xff, 0x03);
	FAILS(MALFORMED, 0xb2, 0x80, 0x80, 0x80, 0x80, 0x04);
	FAILS(MALFORMED, 0xb2, 0xff, 0xff, 0xff, 0xff, 0x13);
	FAILS(MALFORMED, 0xb2, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00);
}

static void test_exidx_set_vsp(void **state)
{
	(void)state;
	for (uint8_t reg = 0; reg < SNAP_EXIDX_NUM_REGS; reg++) {
		if (reg == 13 || reg == 15)
			FAILS(MALFORMED, 0x90 | reg);
		else
			STEPS(RN(reg), USUAL, 0x90 | reg);
	}
	/* A register that was popped is the caller's already. */
	STEPS(ON_STACK(12), USUAL, 0xa7, 0x97);
}

static void test_exidx_pop_mask(void **state)
{
	(void)state;
	STEPS(SP_ADDR + 4, USUAL, 0x84, 0x00); /* lr */
	REG(14, ON_STACK(0));
	REG(15, ON_STACK(0));
	STEPS(SP_ADDR + 8, USUAL, 0x80, 0x11); /* r4, r8 */
	REG(4, ON_STACK(0));
	REG(5, RN(5));
	REG(8, ON_STACK(4));
	REG(15, RN(14));
	STEPS(SP_ADDR + 40, USUAL | BIT(12), 0x85, 0xff); /* r4 to r11, ip, lr */
	for (unsigned int i = 4; i <= 12; i++)
		REG(i, ON_STACK(4 * (i - 4)));
	REG(14, ON_STACK(36));
	STEPS(SP_ADDR + 4, NOT_LR, 0x88, 0x00); /* pc: lr is then nobody's */
	REG(15, ON_STACK(0));
	STEPS(SP_ADDR + 8, USUAL, 0x8c, 0x00); /* lr, pc */
	REG(14, ON_STACK(0));
	REG(15, ON_STACK(4));
	/* fp, sp, lr, as -mapcs-frame saves them: sp is what was saved, whatever else was popped.
	 */
	STEPS(ON_STACK(4), USUAL, 0x86, 0x80);
	REG(11, ON_STACK(0));
	REG(14, ON_STACK(8));
	REG(15, ON_STACK(8));
	FAILS(CANT_UNWIND, 0x80, 0x00);
	FAILS(CANT_UNWIND, 0x00, 0x80, 0x00);
}

static void test_exidx_pop_range(void **state)
{
	(void)state;
	for (uint8_t last = 4; last < 12; last++) {
		uint32_t bytes = 4u * (last - 3u);
		STEPS(SP_ADDR + bytes, USUAL, 0xa0 | (last - 4));
		for (unsigned int i = 4; i < 12; i++)
			REG(i, i <= last ? ON_STACK(4 * (i - 4)) : RN(i));
		REG(15, RN(14));
		STEPS(SP_ADDR + bytes + 4, USUAL, 0xa8 | (last - 4));
		for (unsigned int i = 4; i < 12; i++)
			REG(i, i <= last ? ON_STACK(4 * (i - 4)) : RN(i));
		REG(14, ON_STACK(bytes));
		REG(15, ON_STACK(bytes));
	}
}

static void test_exidx_pop_low(void **state)
{
	(void)state;
	STEPS(SP_ADDR + 4, USUAL | BIT(3), 0xb1, 0x08);
	REG(3, ON_STACK(0));
	STEPS(SP_ADDR + 16, USUAL | 0xf, 0xb1, 0x0f);
	for (unsigned int i = 0; i < 4; i++)
		REG(i, ON_STACK(4 * i));
	FAILS(MALFORMED, 0xb1, 0x00);
	FAILS(MALFORMED, 0xb1, 0x10);
	FAILS(MALFORMED, 0xb1, 0x81);
	/* What Linux has for the return from a signal handler: everything is restored. */
	STEPS(ON_STACK(160 + 52), ALL_REGS, 0x27, 0xb1, 0x0f, 0x8f, 0xff);
	REG(0, ON_STACK(160));
	REG(12, ON_STACK(160 + 48));
	REG(14, ON_STACK(160 + 56));
	REG(15, ON_STACK(160 + 60));
}

static void test_exidx_vector_registers(void **state)
{
	(void)state;
	for (uint8_t n = 0; n < 8; n++) {
		STEPS(SP_ADDR + 8u * (n + 1u) + 4, USUAL, 0xb8 | n); /* FSTMFDX */
		STEPS(SP_ADDR + 8u * (n + 1u), USUAL, 0xd0 | n);     /* VPUSH */
		if (n < 6)
			STEPS(SP_ADDR + 8u * (n + 1u), USUAL, 0xc0 | n); /* Wireless MMX */
	}
	STEPS(SP_ADDR + 12, USUAL, 0xb3, 0x80);
	STEPS(SP_ADDR + 16 * 8 + 4, USUAL, 0xb3, 0x0f);
	STEPS(SP_ADDR + 12, USUAL, 0xb3, 0xf0);
	FAILS(MALFORMED, 0xb3, 0xf1);
	STEPS(SP_ADDR + 16, USUAL, 0xc6, 0xa1);
	STEPS(SP_ADDR + 16 * 8, USUAL, 0xc6, 0x0f);
	FAILS(MALFORMED, 0xc6, 0x1f);
	STEPS(SP_ADDR + 4, USUAL, 0xc7, 0x08);
	STEPS(SP_ADDR + 16, USUAL, 0xc7, 0x0f);
	FAILS(MALFORMED, 0xc7, 0x00);
	FAILS(MALFORMED, 0xc7, 0x11);
	STEPS(SP_ADDR + 8, USUAL, 0xc8, 0xf0);
	STEPS(SP_ADDR + 16 * 8, USUAL, 0xc8, 0x0f);
	FAILS(MALFORMED, 0xc8, 0x2e);
	STEPS(SP_ADDR + 16, USUAL, 0xc9, 0x81);
	STEPS(SP_ADDR + 16 * 8, USUAL, 0xc9, 0xff);
}

static void test_exidx_return_address_authentication(void **state)
{
	(void)state;
	/* push {r4, lr}; the code in ip is pushed after it */
	STEPS(SP_ADDR + 12, USUAL, 0xb4, 0xa8);
	REG(4, ON_STACK(4));
	REG(15, ON_STACK(8));
	STEPS(SP_ADDR + 4, USUAL, 0xb5, 0x00);
}

static void test_exidx_spare(void **state)
{
	(void)state;
	FAILS(MALFORMED, 0xb6);
	FAILS(MALFORMED, 0xb7);
	for (uint8_t code = 0xca; code < 0xd0; code++)
		FAILS(MALFORMED, code, 0x00);
	for (unsigned int code = 0xd8; code <= 0xff; code++)
		FAILS(MALFORMED, (uint8_t)code, 0x00);
}

/* What gcc writes for a real function: alloca, VFP registers, a frame pointer. */
static void test_exidx_several(void **state)
{
	(void)state;
	put_instructions((const uint8_t[]){0x97, 0x41, 0xc9, 0x83, 0x84, 0x0b}, 6);
	open_good_file();
	set_regs();
	regs[7] = SP_ADDR + 0x100;
	expect_stepped(step_at(FUNCTION), SP_ADDR + 0x100 - 8 + 32 + 16, USUAL, __LINE__);
	REG(4, ON_STACK(0x100 - 8 + 32));
	REG(5, ON_STACK(0x100 - 8 + 36));
	REG(6, RN(6));
	REG(7, ON_STACK(0x100 - 8 + 40));
	REG(15, ON_STACK(0x100 - 8 + 44));
}

/* ---------------------------------------------------------------- what is not known */

static void test_exidx_unknown_registers(void **state)
{
	(void)state;
	put_instructions((const uint8_t[]){0xa8}, 1); /* r4, lr */
	open_good_file();
	set_regs();
	known = BIT(13) | BIT(6) | BIT(1) | BIT(20);
	expect_stepped(step_at(FUNCTION), SP_ADDR + 8,
		BIT(4) | BIT(6) | BIT(13) | BIT(14) | BIT(15), __LINE__);
	REG(5, RN(5)); /* as it was */

	set_regs();
	known &= ~BIT(13);
	assert_int_equal(step_at(FUNCTION), SNAP_EXIDX_NO_REGISTER);

	put_instructions((const uint8_t[]){0xa0}, 1); /* r4, and the return address in lr */
	open_good_file();
	set_regs();
	known &= ~BIT(14);
	assert_int_equal(step_at(FUNCTION), SNAP_EXIDX_NO_REGISTER);

	put_instructions((const uint8_t[]){0x97, 0xa8}, 2);
	open_good_file();
	set_regs();
	known &= ~BIT(7);
	assert_int_equal(step_at(FUNCTION), SNAP_EXIDX_NO_REGISTER);
}

static void test_exidx_thumb_bit(void **state)
{
	(void)state;
	put_instructions((const uint8_t[]){0xb0}, 1);
	open_good_file();
	set_regs();
	regs[14] = 0x00010101;
	assert_int_equal(step_at(FUNCTION | 1), SNAP_EXIDX_STEPPED);
	REG(14, 0x10101);
	REG(15, 0x10101);
}

static void test_exidx_no_memory(void **state)
{
	(void)state;
	put_instructions((const uint8_t[]){0xa9}, 1); /* r4, r5, lr */
	open_good_file();
	set_regs();
	regs[13] = STACK_ADDR + STACK_LEN - 8;
	assert_int_equal(step_at(FUNCTION), SNAP_EXIDX_NO_MEMORY);
	assert_true(fault == STACK_ADDR + STACK_LEN);
	set_regs();
	regs[13] = 0;
	assert_int_equal(step_at(FUNCTION), SNAP_EXIDX_NO_MEMORY);
	assert_true(fault == 0);
}

/* ---------------------------------------------------------------- entries */

/* The entry's second word. */
static enum snap_exidx_status step_inline(uint32_t second)
{
	put_entry(0, FUNCTION, second);
	open_good_file();
	return step();
}

/* A table of words. */
static enum snap_exidx_status step_table(const uint32_t *words, size_t num)
{
	for (size_t i = 0; i < num; i++)
		put_word(EXTAB_ADDR + 4 * (uint32_t)i, words[i]);
	put_table_entry(0, FUNCTION, EXTAB_ADDR);
	open_good_file();
	return step();
}

#define TABLE(...)                                                                                 \
	step_table((const uint32_t[]){__VA_ARGS__},                                                \
		sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void test_exidx_inline_entry(void **state)
{
	(void)state;
	expect_stepped(step_inline(0x800102a8), SP_ADDR + 28, USUAL, __LINE__);
	expect_stepped(step_inline(0x80a8b0b0), SP_ADDR + 8, USUAL, __LINE__);
	/* What it ends with may lack its finish, but not an operand. */
	expect_stepped(step_inline(0x80000000), SP_ADDR + 12, USUAL, __LINE__);
	assert_int_equal(step_inline(0x800000b1), SNAP_EXIDX_MALFORMED);
	assert_int_equal(step_inline(0x80000084), SNAP_EXIDX_MALFORMED);
	assert_int_equal(step_inline(0x8000b280), SNAP_EXIDX_MALFORMED);
	assert_int_equal(step_inline(0x800000b3), SNAP_EXIDX_MALFORMED);
	assert_int_equal(step_inline(0x800000c9), SNAP_EXIDX_MALFORMED);
	/* The long forms, as far as they fit. */
	expect_stepped(step_inline(0x8100a8b0), SP_ADDR + 8, USUAL, __LINE__);
	assert_int_equal(step_inline(0x8101a8b0), SNAP_EXIDX_MALFORMED);
	assert_int_equal(step_inline(0x1), SNAP_EXIDX_CANT_UNWIND);
	for (uint32_t routine = 3; routine < 128; routine++)
		assert_int_equal(
			step_inline((0x80 | routine) << 24 | 0xb0b0b0), SNAP_EXIDX_MALFORMED);
}

static void test_exidx_compact_tables(void **state)
{
	(void)state;
	/* Short: what follows the word is no instruction. */
	expect_stepped(TABLE(0x80000102, 0x03040506), SP_ADDR + 4 + 8 + 12, USUAL, __LINE__);
	expect_stepped(TABLE(0x81000102, 0x03040506), SP_ADDR + 8 + 12, USUAL, __LINE__);
	/* Bytes go from the most significant one down, words up, operands from one to the next. */
	for (uint32_t routine = 0x81; routine <= 0x82; routine++) {
		expect_stepped(TABLE(routine << 24 | 0x0200b1, 0x01a00284, 0x00b0b6b6),
			SP_ADDR + 4 + 4 + 4 + 12 + 4, USUAL | BIT(0), __LINE__);
		REG(0, ON_STACK(4));
		REG(4, ON_STACK(8));
		REG(15, ON_STACK(24));
		/* What follows the words that it says it has is no instruction. */
		expect_stepped(TABLE(routine << 24 | 0x010001, 0x02030405, 0x06070809),
			SP_ADDR + 4 + 8 + 12 + 16 + 20 + 24, USUAL, __LINE__);
		assert_int_equal(TABLE(routine << 24 | 0x010001, 0x020304b1, 0x01000000),
			SNAP_EXIDX_MALFORMED);
	}
	for (uint32_t routine = 0x83; routine <= 0xff; routine++)
		assert_int_equal(TABLE(routine << 24 | 0xb0b0), SNAP_EXIDX_MALFORMED);
}

/* The personality routine's address, then the number of words and instructions. */
static void test_exidx_generic_table(void **state)
{
	(void)state;
	uint32_t routine = prel31(CODE_ADDR + 0x100, EXTAB_ADDR);
	expect_stepped(
		TABLE(routine, 0x000001a8, 0x02030405), SP_ADDR + 4 + 8 + 8, USUAL, __LINE__);
	REG(4, ON_STACK(12));
	expect_stepped(TABLE(routine, 0x01000102, 0x03040506, 0x07070707),
		SP_ADDR + 4 * (1 + 2 + 3 + 4 + 5 + 6 + 7), USUAL, __LINE__);
	/* Not in this file, behind any procedure linkage table: nobody calls it here. */
	expect_stepped(TABLE(0x3fffffff, 0x00a8b0b0), SP_ADDR + 8, USUAL, __LINE__);
}

/* A table that ends with its segment. */
static void test_exidx_table_ends(void **state)
{
	(void)state;
	const uint32_t end = CODE_END;
	put_table_entry(0, FUNCTION, end - 4);
	put_word(end - 4, 0x80a8b0b0);
	open_good_file();
	assert_int_equal(step(), SNAP_EXIDX_STEPPED);
	put_word(end - 4, 0x8100a8b0);
	assert_int_equal(step(), SNAP_EXIDX_STEPPED);
	put_word(end - 4, 0x8101a8b0); /* one word more than there is */
	assert_int_equal(step(), SNAP_EXIDX_MALFORMED);
	put_word(end - 4, 0x00000010); /* generic, with nothing behind it */
	assert_int_equal(step(), SNAP_EXIDX_MALFORMED);
	put_word(end - 8, 0x00000010);
	put_word(end - 4, 0x00a8b0b0);
	put_table_entry(0, FUNCTION, end - 8);
	assert_int_equal(step(), SNAP_EXIDX_STEPPED);
	put_word(end - 4, 0x01a8b0b0);
	assert_int_equal(step(), SNAP_EXIDX_MALFORMED);
	/* Tables between the segments, at the last bytes of one, in the data, and nowhere. */
	put_table_entry(0, FUNCTION, end);
	assert_int_equal(step(), SNAP_EXIDX_MALFORMED);
	put_table_entry(0, FUNCTION, end - 3);
	assert_int_equal(step(), SNAP_EXIDX_MALFORMED);
	put_word(CODE_END + 0xfc, /* where the file has it */ 0x80a8b0b0);
	put_table_entry(0, FUNCTION, DATA_ADDR + 0xfc);
	assert_int_equal(step(), SNAP_EXIDX_STEPPED);
	put_table_entry(0, FUNCTION, DATA_ADDR + 0x100); /* in memory, but not in the file */
	assert_int_equal(step(), SNAP_EXIDX_MALFORMED);
	put_table_entry(0, FUNCTION, 0x20000000);
	assert_int_equal(step(), SNAP_EXIDX_MALFORMED);
	put_table_entry(0, FUNCTION, 0xfffffffc);
	assert_int_equal(step(), SNAP_EXIDX_MALFORMED);
}

/* ---------------------------------------------------------------- the search */

/* Which entry covers vaddr, from one to the next. */
static void expect_function(uint64_t vaddr, uint64_t start, uint64_t end, int line)
{
	uint64_t got_start = UNTOUCHED, got_end = UNTOUCHED;
	bool found = snap_exidx_function(exidx, vaddr, &got_start, &got_end);
	if (!found)
		got_start = got_end = 0;
	if (got_start != start || got_end != end)
		fail_msg("line %d: [0x%llx, 0x%llx), not [0x%llx, 0x%llx)", line,
			(unsigned long long)got_start, (unsigned long long)got_end,
			(unsigned long long)start, (unsigned long long)end);
	set_regs();
	enum snap_exidx_status status = step_at(vaddr);
	assert_int_equal(status == SNAP_EXIDX_NONE, !found);
}

static void test_exidx_search(void **state)
{
	(void)state;
	/* With as many entries as make every depth: function i pops i + 1 registers. */
	for (unsigned int num = 1; num <= 8; num++) {
		for (unsigned int i = 0; i < num; i++)
			put_entry(i, FUNCTION + 0x20 * i, 0x80a0b0b0 | i << 16);
		open_good_file();
		expect_function(FUNCTION - 2, 0, 0, __LINE__);
		expect_function(CODE_ADDR, 0, 0, __LINE__);
		for (unsigned int i = 0; i < num; i++) {
			uint32_t start = FUNCTION + 0x20 * i;
			uint32_t end = i + 1 < num ? start + 0x20 : CODE_END;
			for (uint32_t addr = start; addr < start + 0x20; addr++) {
				expect_function(addr, start, end, __LINE__);
				assert_true(cfa == SP_ADDR + 4 * (i + 1));
			}
		}
		expect_function(CODE_END - 1, FUNCTION + 0x20 * (num - 1), CODE_END, __LINE__);
		expect_function(CODE_END, 0, 0, __LINE__);
		expect_function(DATA_ADDR, 0, 0, __LINE__);
		expect_function(0, 0, 0, __LINE__);
		expect_function(UINT32_MAX, 0, 0, __LINE__);
		expect_function(UINT64_C(0x100000000) + FUNCTION, 0, 0, __LINE__);
		expect_function(UINT64_MAX, 0, 0, __LINE__);
	}
}

/* Each entry with a table of its own, and each table in a segment of its own. */
static void test_exidx_search_segments(void **state)
{
	(void)state;
	Elf32_Ehdr *ehdr = (Elf32_Ehdr *)(void *)file;
	for (unsigned int num = 1; num <= 9; num++) {
		ehdr->e_phnum = (Elf32_Half)(NUM_SEGMENTS + num);
		for (unsigned int i = 0; i < num; i++) {
			uint32_t addr = DATA_ADDR + 0x1000 + 0x10 * i;
			*segment(NUM_SEGMENTS + i) = (Elf32_Phdr){.p_type = PT_LOAD,
				.p_offset = DATA_OFF + 4 * i,
				.p_vaddr = addr,
				.p_filesz = 4};
			put_word(CODE_ADDR + DATA_OFF + 4 * i, 0x80a0b0b0 | i << 16);
			put_table_entry(i, FUNCTION + 0x20 * i, addr);
		}
		open_good_file();
		for (unsigned int i = 0; i < num; i++) {
			set_regs();
			assert_int_equal(step_at(FUNCTION + 0x20 * i), SNAP_EXIDX_STEPPED);
			assert_true(cfa == SP_ADDR + 4 * ((i & 7) + 1) + (i & 8 ? 4 : 0));
		}
		for (unsigned int i = 0; i < num; i++) { /* beside them */
			put_table_entry(i, FUNCTION + 0x20 * i, DATA_ADDR + 0x1004 + 0x10 * i);
			set_regs();
			assert_int_equal(step_at(FUNCTION + 0x20 * i), SNAP_EXIDX_MALFORMED);
		}
	}
}

static void test_exidx_search_odd_entries(void **state)
{
	(void)state;
	/* Thumb bits are no part of an address; of two entries for one, the last counts. */
	put_entry(0, FUNCTION | 1, 0x80a0b0b0);
	put_entry(1, FUNCTION + 0x10, 0x80a1b0b0);
	put_entry(2, FUNCTION + 0x10, 0x80a2b0b0);
	put_entry(3, DATA_ADDR + 0x10, 0x80a3b0b0);
	put_entry(4, DATA_ADDR + 0x20, 0x1);
	open_good_file();
	expect_function(FUNCTION, FUNCTION, FUNCTION + 0x10, __LINE__);
	expect_function(FUNCTION + 0x10, FUNCTION + 0x10, CODE_END, __LINE__);
	assert_true(cfa == SP_ADDR + 12);
	expect_function(DATA_ADDR + 0x10, 0, 0, __LINE__);

	/* A second segment of code does not belong to the first one's last entry. */
	segment(SEGMENT_DATA)->p_flags = PF_R | PF_X;
	open_good_file();
	expect_function(DATA_ADDR, 0, 0, __LINE__);
	expect_function(DATA_ADDR + 0x10, DATA_ADDR + 0x10, DATA_ADDR + 0x20, __LINE__);
	expect_function(DATA_ADDR + 0xff, DATA_ADDR + 0x20, DATA_ADDR + 0x100, __LINE__);
}

/* ---------------------------------------------------------------- files */

static void assert_none(void)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_exidx *made = (struct snap_exidx *)(void *)file; /* not NULL */
	Elf *image = elf_memory((char *)file, file_len);
	assert_non_null(image);
	assert_int_equal(snap_exidx_create(image, &made, &err), 0);
	assert_null(made);
	(void)elf_end(image);
}

static void test_exidx_no_table(void **state)
{
	(void)state;
	Elf32_Ehdr *ehdr = (Elf32_Ehdr *)(void *)file;
	assert_none(); /* empty */
	put_entry(0, FUNCTION, 0x80b0b0b0);
	open_good_file();
	close_file();
	segment(SEGMENT_EXIDX)->p_type = PT_NOTE;
	assert_none();
	segment(SEGMENT_EXIDX)->p_type = PT_ARM_EXIDX;
	ehdr->e_machine = EM_386;
	assert_none();
	ehdr->e_machine = EM_ARM;
	ehdr->e_phnum = 0;
	assert_none();
	ehdr->e_phnum = NUM_SEGMENTS;
	ehdr->e_ident[EI_DATA] = ELFDATA2MSB;
	assert_none();
	snap_exidx_destroy(NULL);
}

static void test_exidx_bad_files(void **state)
{
	(void)state;
	Elf32_Phdr *index = segment(SEGMENT_EXIDX), *code = segment(SEGMENT_CODE),
		   *data = segment(SEGMENT_DATA);
	put_entry(0, FUNCTION + 0x20, 0x80b0b0b0);
	put_entry(1, FUNCTION, 0x80b0b0b0);
	assert_refused("its unwind index is not sorted");
	put_entry(0, FUNCTION, 0x80b0b0b0);
	put_entry(1, FUNCTION + 0x20, 0x80b0b0b0);
	open_good_file();

	/* Somewhere else, longer than the segment, with the file's last word. */
	const Elf32_Phdr good = *index;
	index->p_vaddr = 0x20000000;
	assert_refused("its unwind index is not in it");
	*index = good;
	index->p_memsz = CODE_END - EXIDX_ADDR + 8;
	assert_refused("its unwind index is not in it");
	index->p_memsz = UINT32_MAX;
	assert_refused("its unwind index is not in it");
	*index = good;
	index->p_memsz += 7; /* no whole entry */
	open_good_file();
	expect_function(FUNCTION + 0x20, FUNCTION + 0x20, CODE_END, __LINE__);
	*index = good;

	/* A debug file: headers, but not the bytes. */
	code->p_filesz = 0;
	assert_refused("its unwind index is not in it");
	code->p_filesz = CODE_END - CODE_ADDR;
	code->p_offset = FILE_LEN;
	assert_refused("its unwind index is not in it");
	code->p_offset = 0;
	file_len = EXIDX_ADDR - CODE_ADDR + 12;
	assert_refused("its unwind index is not in it");
	file_len += 4;
	open_good_file();
	file_len = FILE_LEN;

	data->p_vaddr = CODE_END - 1;
	assert_refused("segments out of order");
	data->p_vaddr = CODE_END;
	open_good_file();
	data->p_vaddr = UINT32_MAX - 0x100 + 1;
	assert_refused("a segment goes round the address space");
	data->p_vaddr = UINT32_MAX - 0x100;
	open_good_file();
	data->p_vaddr = DATA_ADDR;

	index->p_offset = UINT32_MAX; /* where it is loaded decides */
	open_good_file();
	assert_int_equal(step(), SNAP_EXIDX_STEPPED);
}

/* Whatever stands in the tables and headers, nothing is read that is not there. */
static void test_exidx_noise(void **state)
{
	(void)state;
	uint64_t random = 1;
	unsigned int num_steps = 0;
	for (unsigned int round = 0; round < 3000; round++) {
		for (uint32_t addr = EXTAB_ADDR; addr < EXIDX_ADDR; addr += 4) {
			random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
			put_word(addr, (uint32_t)(random >> 32));
		}
		for (unsigned int i = 0; i < 8; i++) {
			random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
			uint32_t second = (uint32_t)(random >> 32);
			if (i % 2)
				put_table_entry(
					i, FUNCTION + 0x20 * i, EXTAB_ADDR + second % 0x3200);
			else
				put_entry(i, FUNCTION + 0x20 * i, second);
		}
		if (round % 8 == 0)
			segment(round % NUM_SEGMENTS)->p_filesz ^= (uint32_t)random >> 20;
		if (open_file(NULL) == 0 && exidx)
			for (unsigned int i = 0; i < 8; i++) {
				set_regs();
				num_steps += step_at(FUNCTION + 0x20 * i) == SNAP_EXIDX_STEPPED;
			}
		if (round % 8 == 0)
			segment(round % NUM_SEGMENTS)->p_filesz ^= (uint32_t)random >> 20;
	}
	assert_true(num_steps > 100);
}

/* ---------------------------------------------------------------- real code */

/* A large stack whose every word is another address on it. */
#define BIG_STACK_LEN 0x40000u

static struct snap_expression_context context;

/* What DWARF's rule gives: of the CFA if has_cfa is false, else of a register. */
static uint64_t evaluate(const Dwarf_Op *ops, size_t num_ops, bool has_cfa)
{
	uint64_t value, unused_fault;
	enum snap_expression_result kind;
	context.has_cfa = has_cfa;
	assert_int_equal(
		snap_expression_evaluate(&context, ops, num_ops, &value, &kind, &unused_fault),
		SNAP_EXPRESSION_OK);
	uint32_t word = (uint32_t)value;
	if (has_cfa && kind == SNAP_EXPRESSION_ADDRESS)
		assert_true(snap_memory_read_all(context.memory, value, &word, sizeof(word)));
	return word;
}

/* The same step by both tables from the call before return_addr. */
static void compare_tables(Dwarf_CFI *cfi, uint64_t return_addr)
{
	Dwarf_Frame *frame;
	Dwarf_Op *ops, space[3];
	size_t num_ops;
	uint64_t want[SNAP_EXIDX_NUM_REGS];
	for (unsigned int i = 0; i < 15; i++)
		regs[i] = STACK_ADDR + 0x400 * i;
	regs[7] = regs[11] = STACK_ADDR + 0x8000; /* frame pointers: above sp */
	regs[15] = return_addr;
	known = ALL_REGS;

	assert_int_equal(dwarf_cfi_addrframe(cfi, return_addr - 1, &frame), 0);
	assert_int_equal(dwarf_frame_cfa(frame, &ops, &num_ops), 0);
	context.cfa = evaluate(ops, num_ops, false);
	for (unsigned int i = 4; i < 15; i++) {
		assert_int_equal(dwarf_frame_register(frame, (int)i, space, &ops, &num_ops), 0);
		want[i] = num_ops ? evaluate(ops, num_ops, true) : regs[i];
	}
	want[13] = context.cfa;
	free(frame);

	assert_int_equal(step_at(return_addr - 1), SNAP_EXIDX_STEPPED);
	assert_true((known & USUAL) == USUAL);
	for (unsigned int i = 4; i < 15; i++)
		if (i != 12)
			expect_reg(i, want[i], (int)return_addr);
	expect_reg(15, want[14], (int)return_addr);
}

/* At every call that is in the code of tests/fixtures/arm-exidx. */
static void compare_file(const char *path, bool is_thumb, unsigned int num_expected)
{
	const struct snap_arch *arch = snap_arch_find(EM_ARM, ELFCLASS32, ELFDATA2LSB);
	int fd = open(path, O_RDONLY);
	if (fd < 0)
		fail_msg("cannot open %s: tests run at the top of the tree", path);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	Dwarf *dwarf = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
	Dwarf_CFI *cfi = dwarf_getcfi(dwarf);
	assert_non_null(cfi);
	assert_int_equal(snap_exidx_create(elf, &exidx, NULL), 0);
	assert_non_null(exidx);
	context = (struct snap_expression_context){
		.arch = arch, .memory = &memory, .regs = regs, .known_regs = ALL_REGS};

	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	size_t names;
	unsigned int num = 0;
	assert_int_equal(elf_getshdrstrndx(elf, &names), 0);
	while ((scn = elf_nextscn(elf, scn)) && gelf_getshdr(scn, &shdr)) {
		const uint8_t *code = elf_rawdata(scn, NULL)->d_buf;
		if (strcmp(elf_strptr(elf, names, shdr.sh_name), ".text") != 0)
			continue;
		/* All are "bl", of 4 bytes. */
		for (uint64_t at = 4; at <= shdr.sh_size; at += 2)
			if (snap_is_after_call(
				    arch, code + at - 4, 4, (shdr.sh_addr + at) | is_thumb)) {
				compare_tables(cfi, shdr.sh_addr + at);
				num++;
			}
	}
	assert_int_equal(num, num_expected);
	(void)dwarf_end(dwarf);
	close_file();
	(void)close(fd); /* only read from */
}

static void test_exidx_real_code(void **state)
{
	(void)state;
	uint32_t *stack = malloc(BIG_STACK_LEN);
	assert_non_null(stack);
	for (uint32_t i = 0; i < BIG_STACK_LEN / 4; i++)
		stack[i] = STACK_ADDR + i * 4 * 7 % BIG_STACK_LEN;
	const struct snap_memory_segment range = {.start = STACK_ADDR,
		.len = BIG_STACK_LEN,
		.data = (const uint8_t *)stack,
		.fd = -1};
	snap_memory_deinit(&memory);
	assert_int_equal(snap_memory_add(&memory, &range, NULL), 0);
	assert_int_equal(snap_memory_finish(&memory, NULL), 0);
	compare_file("tests/fixtures/arm-exidx/arm.so", false, 34);
	compare_file("tests/fixtures/arm-exidx/thumb.so", true, 34);
	snap_memory_deinit(&memory);
	free(stack);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_exidx_##name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(finish),
		TEST(adjust_vsp),
		TEST(set_vsp),
		TEST(pop_mask),
		TEST(pop_range),
		TEST(pop_low),
		TEST(vector_registers),
		TEST(return_address_authentication),
		TEST(spare),
		TEST(several),
		TEST(unknown_registers),
		TEST(thumb_bit),
		TEST(no_memory),
		TEST(inline_entry),
		TEST(compact_tables),
		TEST(generic_table),
		TEST(table_ends),
		TEST(search),
		TEST(search_segments),
		TEST(search_odd_entries),
		TEST(no_table),
		TEST(bad_files),
		TEST(noise),
		TEST(real_code),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
