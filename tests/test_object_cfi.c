/* analyze/symbols/object: where call frame information comes from, which addresses share a row, and
 * the bytes and the entry point of the file. */
#include "analyze/symbols/object.h"

#include "tests/lib/target.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Functions of 0x40 bytes each; of the one at index i, the CFA is 8 * (i + 2) above rsp. */
#define FUNCTION(i) (0x1100u + 0x100u * (unsigned int)(i))
#define LEN	    0x40u
#define NUM	    9

static struct snap_error err;

static void begin(void)
{
	target_begin(EM_X86_64);
	for (unsigned int i = 0; i < NUM; i++) {
		const uint8_t program[] = {0x0c, 7, (uint8_t)(8 * (i + 2)), 0x90, 1};
		target_describe(FUNCTION(i), LEN, false, program, sizeof(program));
	}
}

static bool has_all_rows(struct snap_object *object)
{
	for (unsigned int i = 0; i < NUM; i++)
		for (unsigned int off = 0; off < LEN; off += LEN - 1) {
			const struct snap_cfi_row *row =
				snap_object_cfi_row(object, FUNCTION(i) + off);
			if (!row || row->start != FUNCTION(i) || row->end != FUNCTION(i) + LEN ||
				row->cfa.u.offset != 8 * ((int)i + 2))
				return false;
		}
	return true;
}

/* ---------------------------------------------------------------- ranges */

/* A row for the first byte, for the next three, and for the rest. */
static const char prologue[] = "\x0c\7\x08\x90\1\x41\x0e\x10\x86\2\x43\x0d\6";

static void test_object_cfi_rows_are_shared(void **state)
{
	(void)state;
	target_begin(EM_X86_64);
	target_describe(FUNCTION(0), LEN, false, prologue, sizeof(prologue) - 1);
	target_describe(FUNCTION(0) + LEN, LEN, false, "\x0c\7\x20\x90\1", 5);
	target_ready();
	static const struct {
		unsigned int start, end, cfa_column;
		int64_t cfa_off;
	} rows[] = {{0, 1, 7, 8}, {1, 4, 7, 16}, {4, LEN, 6, 16}, {LEN, 2 * LEN, 7, 32}};
	const struct snap_cfi_row *found[2 * LEN];
	/* Every address, in an order that jumps about. */
	for (unsigned int i = 0; i < 2 * LEN; i++) {
		unsigned int off = i * 37 % (2 * LEN);
		found[off] = snap_object_cfi_row(target_object, FUNCTION(0) + off);
		assert_non_null(found[off]);
	}
	for (size_t r = 0; r < ARRAY_LEN(rows); r++)
		for (unsigned int off = rows[r].start; off < rows[r].end; off++) {
			assert_ptr_equal(found[off], found[rows[r].start]);
			assert_int_equal(found[off]->start, FUNCTION(0) + rows[r].start);
			assert_int_equal(found[off]->end, FUNCTION(0) + rows[r].end);
			assert_int_equal(found[off]->cfa.column, rows[r].cfa_column);
			assert_int_equal(found[off]->cfa.u.offset, rows[r].cfa_off);
			assert_ptr_equal(
				snap_object_cfi_row(target_object, FUNCTION(0) + off), found[off]);
		}
	for (size_t r = 1; r < ARRAY_LEN(rows); r++)
		assert_ptr_not_equal(found[rows[r].start], found[rows[r].start - 1]);
	target_end();
}

static void test_object_cfi_no_row(void **state)
{
	(void)state;
	begin();
	target_ready();
	for (int again = 0; again < 2; again++) {
		assert_null(snap_object_cfi_row(target_object, FUNCTION(0) - 1));
		assert_null(snap_object_cfi_row(target_object, FUNCTION(0) + LEN));
		assert_null(snap_object_cfi_row(target_object, FUNCTION(1) - 1));
		assert_null(snap_object_cfi_row(target_object, 0));
		assert_null(snap_object_cfi_row(target_object, UINT64_MAX));
		assert_null(snap_object_cfi_row(target_object, UINT64_MAX - 1));
		assert_true(has_all_rows(target_object));
	}
	target_end();
}

/* Hostile stacks ask for any number of addresses, and in any order. */
static void test_object_cfi_many_addresses(void **state)
{
	(void)state;
	begin();
	target_ready();
	/* Distinct ones: the step and the number of all have no common divisor. */
	const uint64_t all = UINT64_C(1) << 20;
	uint64_t vaddr = 12345;
	for (uint64_t i = 0; i < all; i++) {
		vaddr = (vaddr + 0x9e375) & (all - 1);
		const struct snap_cfi_row *row = snap_object_cfi_row(target_object, vaddr);
		uint64_t index = (vaddr - FUNCTION(0)) / 0x100;
		bool expected =
			vaddr >= FUNCTION(0) && index < NUM && vaddr - FUNCTION(index) < LEN;
		if (!!row != expected || (row && row->start != FUNCTION(index)))
			fail_msg("0x%jx", (uintmax_t)vaddr);
	}
	target_end();
}

/* ---------------------------------------------------------------- sources */

static void test_object_cfi_sources(void **state)
{
	(void)state;
	static const struct {
		enum target_cfi cfi;
		bool good;
	} cases[] = {{TARGET_BY_INDEX, true}, {TARGET_NO_INDEX, true}, {TARGET_DEBUG_FRAME, true},
		{TARGET_NO_CFI, false}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin();
		target_set_cfi(cases[i].cfi);
		target_ready();
		if (has_all_rows(target_object) != cases[i].good)
			fail_msg("case %zu", i);
		assert_null(snap_object_cfi_row(target_object, FUNCTION(0) - 1));
		target_end();
	}
}

/* .debug_frame of the separate debug file, where the executable has nothing. */
static void test_object_cfi_separate_debug_file(void **state)
{
	(void)state;
	for (int has_main = 0; has_main < 2; has_main++) {
		struct snap_object *object;
		begin();
		target_set_cfi(TARGET_NO_CFI);
		struct snap_elf_file *main = has_main ? target_open() : NULL;
		target_end();
		begin();
		target_set_cfi(TARGET_DEBUG_FRAME);
		struct snap_elf_file *debug = target_open();
		assert_int_equal(snap_object_create(
					 &(struct snap_object_files){.main = main, .debug = debug},
					 &object, &err),
			0);
		/* The machine is the main file's: a debug file alone is not enough to unwind. */
		assert_int_equal(has_all_rows(object), has_main);
		assert_int_equal(snap_object_has_code(object), has_main);
		snap_object_destroy(object);
		target_end();
	}
}

static void put(size_t off, unsigned int size, uint64_t value)
{
	for (unsigned int i = 0; i < size; i++)
		target_file[off + i] = (uint8_t)(value >> 8 * i);
}

static size_t entry(unsigned int i)
{
	return TARGET_INDEX + 12 + 8 * i;
}

static size_t index_segment(size_t member)
{
	return sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) + member;
}

/* An index that can't be searched does not hide what is there. */
static void test_object_cfi_insane_index(void **state)
{
	(void)state;
	for (int fault = 0; fault <= 12; fault++) {
		uint8_t last[8];
		begin();
		target_build();
		switch (fault) {
		case 0: /* sane: what the others are made of */
			break;
		case 1: /* not sorted */
			memcpy(last, target_file + entry(NUM - 1), 8);
			memcpy(target_file + entry(NUM - 1), target_file + entry(0), 8);
			memcpy(target_file + entry(0), last, 8);
			break;
		case 2:
			put(entry(NUM / 2), 4, 0x7fffffff);
			break;
		case 3: /* more entries than there is room for */
			put(TARGET_INDEX + 8, 4, NUM + 1);
			break;
		case 4:
			put(TARGET_INDEX + 8, 4, UINT32_MAX);
			break;
		case 5: /* the pointer to .eh_frame: absolute, 8 bytes */
			put(TARGET_INDEX + 1, 1, 0x04);
			break;
		case 6: /* the number of entries: 2 bytes */
			put(TARGET_INDEX + 2, 1, 0x02);
			break;
		case 7: /* the table: relative to its place */
			put(TARGET_INDEX + 3, 1, 0x1b);
			break;
		case 8: /* indirect */
			put(TARGET_INDEX + 3, 1, 0xbb);
			break;
		case 9:
			put(TARGET_INDEX, 1, 2); /* version */
			break;
		case 10: /* cut */
			put(index_segment(offsetof(Elf64_Phdr, p_filesz)), 8, 11);
			break;
		case 11: /* beyond the file */
			put(index_segment(offsetof(Elf64_Phdr, p_offset)), 8, UINT64_MAX - 4);
			break;
		case 12: /* no table: that is sane */
			put(TARGET_INDEX + 3, 1, 0xff);
			break;
		}
		target_ready();
		if (!has_all_rows(target_object))
			fail_msg("fault %d", fault);
		assert_null(snap_object_cfi_row(target_object, FUNCTION(0) - 1));
		target_end();
	}
}

/* Registers and states in numbers that would make libdw take gigabytes: that entry has no row. With
 * an index the others have theirs, without one nothing is believed. */
static void test_object_cfi_greedy(void **state)
{
	(void)state;
	static const struct {
		const char *program;
		size_t len;
		bool good;
	} cases[] = {
		{"\x0c\7\x08\x90\1\x05\xff\x0f\1", 9, true}, /* register 2047 */
		{"\x0c\7\x08\x90\1\x05\x80\x10\1", 9, false},
		{"\x0c\7\x08\x90\1\x05\x80\x80\x80\x20\1", 11, false}, /* 2^26 */
		{"\x0c\7\x08\x90\1\x0a\x0a\x0b\x0b\x0a\x0b", 11, true},
		{"\x0c\7\x08\x90\1"
		 "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"
		 "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n",
			5 + 65, false},
	};
	static const enum target_cfi places[] = {
		TARGET_BY_INDEX, TARGET_NO_INDEX, TARGET_DEBUG_FRAME};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (size_t j = 0; j < ARRAY_LEN(places); j++) {
			begin();
			target_describe(FUNCTION(NUM), LEN, false, cases[i].program, cases[i].len);
			target_set_cfi(places[j]);
			target_ready();
			if (!snap_object_cfi_row(target_object, FUNCTION(NUM)) == cases[i].good)
				fail_msg("case %zu, place %zu", i, j);
			bool others = cases[i].good || places[j] == TARGET_BY_INDEX;
			if (has_all_rows(target_object) != others)
				fail_msg("others of case %zu, place %zu", i, j);
			target_end();
		}
}

/* Of what came with an input, entries are looked through one by one: an index could lead past them.
 */
static void test_object_cfi_image_from_memory_without_index(void **state)
{
	(void)state;
	for (int has_segment = 0; has_segment < 2; has_segment++) {
		struct snap_object *object;
		struct snap_elf_file *file = malloc(sizeof(*file));
		assert_non_null(file);
		begin();
		target_build();
		/* The entry of the first function is said to be the second one's. */
		memcpy(target_file + entry(0) + 4, target_file + entry(1) + 4, 4);
		if (!has_segment)
			put(index_segment(offsetof(Elf64_Phdr, p_type)), 4, PT_NULL);
		assert_int_equal(snap_elf_file_from_memory(
					 target_file, TARGET_FILE_LEN, "image", file, &err),
			0);
		target_file = NULL;
		assert_null(file->no_cfi);
		assert_int_equal(snap_object_create(
					 &(struct snap_object_files){.main = file}, &object, &err),
			0);
		assert_true(has_all_rows(object));
		snap_object_destroy(object);
		target_end();
	}
}

/* Whatever the index says, nothing worse than rows missing comes of it. */
static void test_object_cfi_damaged(void **state)
{
	(void)state;
	srandom(2024);
	for (int round = 0; round < 2000; round++) {
		begin();
		target_build();
		for (long i = random() % 4; i >= 0; i--) {
			size_t at = random() % 2 ? TARGET_INDEX + (size_t)random() % 84
						 : TARGET_EH_FRAME + (size_t)random() % 512;
			target_file[at] ^= (uint8_t)(1u << random() % 8);
		}
		target_ready();
		for (unsigned int i = 0; i < NUM; i++) {
			const struct snap_cfi_row *row =
				snap_object_cfi_row(target_object, FUNCTION(i) + 4);
			if (row)
				assert_true(row->rules != NULL);
		}
		target_end();
	}
}

/* Two sources may describe the same code: an address keeps the row that it got first. */
static void test_object_cfi_contradictions(void **state)
{
	(void)state;
	enum { ALL = 4 * LEN };
	for (int inner_first = 0; inner_first < 2; inner_first++) {
		struct snap_object *object;
		target_begin(EM_X86_64);
		target_describe(FUNCTION(0), LEN, false, "\x0c\7\x10\x90\1", 5);
		struct snap_elf_file *main = target_open();
		target_end();
		target_begin(EM_X86_64);
		target_set_cfi(TARGET_DEBUG_FRAME);
		target_describe(FUNCTION(0) - LEN, ALL, false, "\x0c\7\x30\x90\1", 5);
		struct snap_elf_file *debug = target_open();
		assert_int_equal(snap_object_create(
					 &(struct snap_object_files){.main = main, .debug = debug},
					 &object, &err),
			0);

		const struct snap_cfi_row *first[ALL];
		for (int again = 0; again < 2; again++)
			for (unsigned int i = 0; i < ALL; i++) {
				unsigned int off = (i + (inner_first ? LEN : 0)) % ALL;
				const struct snap_cfi_row *row =
					snap_object_cfi_row(object, FUNCTION(0) - LEN + off);
				bool is_inner = inner_first && off >= LEN && off < 2 * LEN;
				assert_non_null(row);
				assert_int_equal(row->cfa.u.offset, is_inner ? 0x10 : 0x30);
				if (again)
					assert_ptr_equal(row, first[off]);
				first[off] = row;
			}
		snap_object_destroy(object);
		target_end();
	}
}

/* ---------------------------------------------------------------- bytes */

static void test_object_cfi_read(void **state)
{
	(void)state;
	uint8_t bytes[16], fill[16];
	memset(fill, 0xee, sizeof(fill));
	begin();
	target_code(FUNCTION(0), "0123456789abcdef", 16);
	target_ready();
	memcpy(bytes, fill, sizeof(bytes));
	assert_int_equal(snap_object_read(target_object, FUNCTION(0), bytes, 16), 16);
	assert_memory_equal(bytes, "0123456789abcdef", 16);
	assert_int_equal(snap_object_read(target_object, FUNCTION(0) + 3, bytes, 4), 4);
	assert_memory_equal(bytes, "3456", 4);
	assert_int_equal(snap_object_read(target_object, 0, bytes, 4), 4);
	assert_memory_equal(bytes, ELFMAG, 4);
	/* Up to the segment's end, not into what stands behind it in the file. */
	memcpy(bytes, fill, sizeof(bytes));
	assert_int_equal(snap_object_read(target_object, TARGET_DATA - 5, bytes, 16), 5);
	assert_memory_equal(bytes + 5, fill, 11);
	assert_int_equal(snap_object_read(target_object, TARGET_DATA, bytes, 16), 0);
	assert_int_equal(snap_object_read(target_object, UINT64_MAX, bytes, 16), 0);
	assert_int_equal(snap_object_read(target_object, FUNCTION(0), bytes, 0), 0);
	target_end();
}

static void test_object_cfi_read_lying_segments(void **state)
{
	(void)state;
	static const struct {
		uint64_t off, filesz;
		uint64_t vaddr;
		size_t expected;
	} cases[] = {
		{0, UINT64_MAX, TARGET_FILE_LEN - 8, 8},
		{0, UINT64_MAX, TARGET_FILE_LEN, 0},
		{0, UINT64_MAX, UINT64_MAX - 1, 0},
		{UINT64_MAX, 0x8000, 0, 0},
		{TARGET_FILE_LEN, 0x8000, 0, 0},
		{TARGET_FILE_LEN - 4, 0x8000, 0, 4},
		{TARGET_FILE_LEN - 4, 0x8000, 4, 0},
		{TARGET_FILE_LEN + 1, UINT64_MAX, 0, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t bytes[16];
		begin();
		target_build();
		put(sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_offset), 8, cases[i].off);
		put(sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_filesz), 8, cases[i].filesz);
		target_ready();
		size_t n = snap_object_read(target_object, cases[i].vaddr, bytes, 16);
		if (n != cases[i].expected)
			fail_msg("case %zu: %zu", i, n);
		target_end();
	}
}

static void test_object_cfi_entry_and_functions(void **state)
{
	(void)state;
	uint64_t entry_vaddr = 1, start, end;
	begin();
	target_symbol("f", FUNCTION(2), LEN);
	target_ready();
	assert_false(snap_object_entry(target_object, &entry_vaddr));
	assert_int_equal(entry_vaddr, 1);
	assert_true(snap_object_function(target_object, FUNCTION(2) + LEN - 1, &start, &end));
	assert_int_equal(start, FUNCTION(2));
	assert_int_equal(end, FUNCTION(2) + LEN);
	assert_false(snap_object_function(target_object, FUNCTION(2) + LEN, &start, &end));
	assert_false(snap_object_function(target_object, FUNCTION(2) - 1, &start, &end));
	target_end();
	begin();
	target_entry = FUNCTION(3);
	target_ready();
	assert_true(snap_object_entry(target_object, &entry_vaddr));
	assert_int_equal(entry_vaddr, FUNCTION(3));
	target_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_object_cfi_rows_are_shared),
		cmocka_unit_test(test_object_cfi_no_row),
		cmocka_unit_test(test_object_cfi_many_addresses),
		cmocka_unit_test(test_object_cfi_sources),
		cmocka_unit_test(test_object_cfi_separate_debug_file),
		cmocka_unit_test(test_object_cfi_insane_index),
		cmocka_unit_test(test_object_cfi_greedy),
		cmocka_unit_test(test_object_cfi_image_from_memory_without_index),
		cmocka_unit_test(test_object_cfi_damaged),
		cmocka_unit_test(test_object_cfi_contradictions),
		cmocka_unit_test(test_object_cfi_read),
		cmocka_unit_test(test_object_cfi_read_lying_segments),
		cmocka_unit_test(test_object_cfi_entry_and_functions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
