/* analyze/dwarf, analyze/symbols: files in which little stands for much. Each of these takes hours,
 * or all memory, where a reader goes to the same bytes again for each unit or entry that says so.
 */
#include "tests/lib/made_dwarf.h"

#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static struct made made;
static struct out *info;

/* The most memory that was resident since the last call. */
static unsigned long peak_kib(void)
{
	char line[256];
	unsigned long kib = 0;
	FILE *file = fopen("/proc/self/status", "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		(void)sscanf(line, "VmHWM: %lu", &kib);
	(void)fclose(file);
	/* proc(5): the peak is what there is now. */
	file = fopen("/proc/self/clear_refs", "we");
	if (file) {
		(void)fputs("5", file);
		(void)fclose(file);
	}
	return kib;
}

static const char *test_name;
static unsigned int num_files;

#define begin(version) begin_test(__func__, version)
static void begin_test(const char *test, uint16_t version)
{
	(void)peak_kib();
	num_files = test_name && strcmp(test_name, test) == 0 ? num_files + 1 : 0;
	test_name = test;
	made_begin(&made, false, version, 8, 4);
	info = &made.sections[SNAP_DWARF_INFO];
}

/* Into the directory that SNAP_TEST_KEEP names, if it does: as tests/fixtures/invalid has them. */
static void keep(void)
{
	const char *dir = getenv("SNAP_TEST_KEEP");
	char path[4096];
	if (!dir)
		return;
	(void)snprintf(path, sizeof(path), "%s/%s-%u.elf", dir, test_name + strlen("test_hostile_"), num_files);
	made_write(&made, path);
}

static void finish(void)
{
	struct timespec begun, now;
	keep();
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begun);
	made_use(&made, SNAP_DWARF_INFO, NULL);
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	/* A second or less, and some ten under sanitizers. */
	assert_true(now.tv_sec - begun.tv_sec < 30);
	made_end(&made);
#ifndef __SANITIZE_ADDRESS__
	/* With what the test itself takes, which is the file twice. */
	unsigned long peak = peak_kib();
	print_message("%lu MiB\n", peak >> 10);
	assert_in_range(peak, 1, 512 << 10);
#endif
}

/* Abbreviation tables that begin one within the other. */
static void test_hostile_abbreviations(void **state)
{
	(void)state;
	begin(4);
	for (uint64_t i = 0; i < 50000; i++)
		made_abbrev(&made, 1 + i % 100, DW_TAG_compile_unit, 0, 0);
	for (uint64_t i = 0; i < 20000; i++) {
		made_unit(&made, DW_UT_compile, 5 * i, 0);
		out_u8(info, 1);
		made_unit_end(&made);
	}
	finish();
}

static void usual_unit(uint64_t language, const char *producer)
{
	made_abbrev(&made, 1, DW_TAG_compile_unit, 1, DW_AT_language, DW_FORM_data2, DW_AT_producer,
		DW_FORM_string, 0);
	made_unit(&made, DW_UT_compile, 0, 0);
	out_u8(info, 1);
	out_u16(info, language);
	out_string(info, producer);
}

/* Functions that all have the same list of ranges. */
static void test_hostile_ranges(void **state)
{
	(void)state;
	for (uint16_t version = 4; version <= 5; version++) {
		begin(version);
		usual_unit(DW_LANG_C99, "");
		made_abbrev(&made, 2, DW_TAG_subprogram, 0, DW_AT_ranges, DW_FORM_sec_offset, 0);
		made_abbrevs_end(&made);
		struct out *lists = &made.sections[SNAP_DWARF_RNGLISTS];
		for (uint64_t i = 0; i < 100000; i++) {
			out_u8(info, 2);
			out_u32(info, 0);
			out_ulebs(lists, DW_RLE_offset_pair, 0x1000 + i, 0x2000 + i);
			out_u64(&made.sections[SNAP_DWARF_RANGES], 0x1000 + i);
			out_u64(&made.sections[SNAP_DWARF_RANGES], 0x2000 + i);
		}
		out_u8(info, 0);
		made_unit_end(&made);
		finish();
	}
}

/* Units that all have the same line numbers. */
static void test_hostile_lines(void **state)
{
	(void)state;
	begin(4);
	made_abbrev(&made, 1, DW_TAG_compile_unit, 0, DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc,
		DW_FORM_data1, DW_AT_stmt_list, DW_FORM_sec_offset, 0);
	made_abbrevs_end(&made);
	for (uint64_t i = 0; i < 10000; i++) {
		made_unit(&made, DW_UT_compile, 0, 0);
		out_u8(info, 1);
		out_u64(info, 0x1000 + 16 * i);
		out_u8(info, 16);
		out_u32(info, 0);
		made_unit_end(&made);
	}
	struct out *line = &made.sections[SNAP_DWARF_LINE];
	out_u32(line, 500000 - 4);
	out_u16(line, 4);
	out_u32(line, 8);
	out_bytes(line, "\1\1\1\0\x0c\1\0\0", 8);
	out_bytes(line, "\0\x09\2\0\x10\0\0\0\0\0\0", 11);
	while (line->len < 500000)
		out_u8(line, 13 + line->len % 12);
	finish();
}

/* Entries of one byte that have thousands of attributes. */
static void test_hostile_attributes(void **state)
{
	(void)state;
	begin(5);
	usual_unit(DW_LANG_C99, "");
	struct out *abbrevs = &made.sections[SNAP_DWARF_ABBREV];
	out_ulebs(abbrevs, 2, DW_TAG_subprogram, DW_CHILDREN_no);
	for (int i = 0; i < 4095; i++) {
		out_ulebs(abbrevs, DW_AT_call_line, DW_FORM_implicit_const);
		out_u8(abbrevs, 1);
	}
	out_ulebs(abbrevs, 0, 0, 0);
	for (int i = 0; i < 4000000; i++)
		out_u8(info, 2);
	made_unit_end(&made);
	finish();
}

/* A class that is passed over, with many functions whose names are asked for. */
static void test_hostile_class(void **state)
{
	(void)state;
	begin(4);
	usual_unit(DW_LANG_C_plus_plus, "GNU C++");
	made_abbrev(&made, 2, DW_TAG_class_type, 1, DW_AT_sibling, DW_FORM_ref4, DW_AT_name,
		DW_FORM_string, 0);
	made_abbrev(&made, 3, DW_TAG_subprogram, 0, DW_AT_name, DW_FORM_string, 0);
	made_abbrev(&made, 4, DW_TAG_subprogram, 0, DW_AT_specification, DW_FORM_ref4, DW_AT_low_pc,
		DW_FORM_data4, DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc, DW_FORM_data1, 0);
	made_abbrevs_end(&made);
	enum { NUM = 150000 };
	out_u8(info, 2);
	size_t sibling_off = info->len;
	out_u32(info, 0);
	out_string(info, "C");
	size_t first = info->len;
	for (int i = 0; i < NUM; i++) {
		out_u8(info, 3);
		out_string(info, "f");
	}
	out_u8(info, 0);
	out_patch(info, sibling_off, info->len - made.unit_begun, 4);
	for (uint64_t i = 0; i < NUM; i++) {
		out_u8(info, 4);
		out_u32(info, first - made.unit_begun + 3 * i);
		out_u32(info, 0);
		out_u64(info, 0x1000 + 16 * i);
		out_u8(info, 16);
	}
	out_u8(info, 0);
	made_unit_end(&made);
	finish();
}

/* Names that are ends of one long string. */
static void test_hostile_names(void **state)
{
	(void)state;
	begin(4);
	usual_unit(DW_LANG_C99, "");
	made_abbrev(&made, 2, DW_TAG_subprogram, 0, DW_AT_name, DW_FORM_strp, DW_AT_low_pc,
		DW_FORM_addr, DW_AT_high_pc, DW_FORM_data1, 0);
	made_abbrevs_end(&made);
	for (uint64_t i = 0; i < 100000; i++) {
		out_u8(info, 2);
		out_u32(info, i);
		out_u64(info, 0x1000 + 16 * i);
		out_u8(info, 16);
	}
	out_u8(info, 0);
	made_unit_end(&made);
	for (int i = 0; i < 4000000; i++)
		out_u8(&made.sections[SNAP_DWARF_STR], 'x');
	out_u8(&made.sections[SNAP_DWARF_STR], 0);
	finish();
}

/* A function whose parts are all the same, with many calls. */
static void test_hostile_parts(void **state)
{
	(void)state;
	begin(4);
	usual_unit(DW_LANG_C99, "");
	made_abbrev(&made, 2, DW_TAG_subprogram, 1, DW_AT_ranges, DW_FORM_sec_offset, 0);
	made_abbrev(&made, 3, DW_TAG_GNU_call_site, 0, DW_AT_low_pc, DW_FORM_addr,
		DW_AT_abstract_origin, DW_FORM_ref1, 0);
	made_abbrevs_end(&made);
	out_u8(info, 2);
	out_u32(info, 0);
	for (uint64_t i = 0; i < 100000; i++) {
		out_u64(&made.sections[SNAP_DWARF_RANGES], 0x1000);
		out_u64(&made.sections[SNAP_DWARF_RANGES], 0x1000000);
		out_u8(info, 3);
		out_u64(info, 0x1001 + i);
		out_u8(info, 11);
	}
	out_u16(info, 0);
	made_unit_end(&made);
	finish();
}

/* Functions inlined into each other as deep as there are bytes. */
static void test_hostile_depth(void **state)
{
	(void)state;
	begin(4);
	usual_unit(DW_LANG_C_plus_plus, "");
	made_abbrev(&made, 2, DW_TAG_subprogram, 1, DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc,
		DW_FORM_data4, 0);
	made_abbrev(&made, 3, DW_TAG_inlined_subroutine, 1, DW_AT_low_pc, DW_FORM_addr,
		DW_AT_high_pc, DW_FORM_data4, 0);
	made_abbrev(&made, 4, DW_TAG_namespace, 1, 0);
	made_abbrevs_end(&made);
	for (uint64_t i = 0; i < 200000; i++) {
		out_u8(info, i == 0 ? 2 : 3);
		out_u64(info, 0x1000 + i);
		out_u32(info, 500000 - (uint32_t)(2 * i));
		out_u8(info, 4);
	}
	made_unit_end(&made);
	finish();
}

/* As many units as there is room for. */
static void test_hostile_units(void **state)
{
	(void)state;
	begin(4);
	made_abbrev(&made, 1, DW_TAG_compile_unit, 0, DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc,
		DW_FORM_data1, 0);
	made_abbrevs_end(&made);
	for (uint64_t i = 0; i < 200000; i++) {
		made_unit(&made, DW_UT_compile, 0, 0);
		out_u8(info, 1);
		out_u64(info, 0x1000 + i);
		out_u8(info, 255);
		made_unit_end(&made);
	}
	finish();
}

/* A function that is declared nowhere, and then somewhere: twice, each way. */
static void test_hostile_references(void **state)
{
	(void)state;
	for (int order = 0; order < 2; order++) {
		begin(4);
		usual_unit(DW_LANG_C99, "");
		made_abbrev(&made, 2, DW_TAG_subprogram, 1, DW_AT_low_pc, DW_FORM_addr,
			DW_AT_high_pc, DW_FORM_data1,
			order ? DW_AT_abstract_origin : DW_AT_specification, DW_FORM_ref_addr,
			order ? DW_AT_specification : DW_AT_abstract_origin, DW_FORM_ref4, 0);
		made_abbrev(&made, 3, DW_TAG_GNU_call_site, 0, DW_AT_low_pc, DW_FORM_addr,
			DW_AT_abstract_origin, DW_FORM_ref4, 0);
		made_abbrevs_end(&made);
		for (uint64_t i = 0; i < 2; i++) {
			size_t function = info->len - made.unit_begun;
			out_u8(info, 2);
			out_u64(info, 0x1000 + 16 * i);
			out_u8(info, 16);
			out_u32(info, 0x7fffffff);
			out_u32(info, function);
			out_u8(info, 3);
			out_u64(info, 0x1004 + 16 * i);
			out_u32(info, function);
			out_u8(info, 0);
		}
		out_u8(info, 0);
		made_unit_end(&made);
		finish();
	}
}

/* Inlined functions of a byte each. */
static void test_hostile_nodes(void **state)
{
	(void)state;
	begin(4);
	usual_unit(DW_LANG_C99, "");
	made_abbrev(&made, 2, DW_TAG_subprogram, 1, DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc,
		DW_FORM_data1, 0);
	made_abbrev(&made, 3, DW_TAG_inlined_subroutine, 0, 0);
	made_abbrevs_end(&made);
	out_u8(info, 2);
	out_u64(info, 0x1000);
	out_u8(info, 16);
	for (int i = 0; i < 8000000; i++)
		out_u8(info, 3);
	out_u16(info, 0);
	made_unit_end(&made);
	finish();
}

/* Calls of eleven bytes each, and as many functions. */
static void test_hostile_sites(void **state)
{
	(void)state;
	begin(4);
	usual_unit(DW_LANG_C99, "");
	made_abbrev(&made, 2, DW_TAG_subprogram, 1, DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc,
		DW_FORM_data1, 0);
	made_abbrev(&made, 3, DW_TAG_GNU_call_site, 0, DW_AT_low_pc, DW_FORM_data1, DW_AT_low_pc,
		DW_FORM_addr, DW_AT_abstract_origin, DW_FORM_ref4, 0);
	made_abbrevs_end(&made);
	for (uint64_t i = 0; i < 600000; i++) {
		size_t function = info->len - made.unit_begun;
		out_u8(info, 2);
		out_u64(info, 0x1000 + 16 * i);
		out_u8(info, 16);
		out_u8(info, 3);
		out_u8(info, 0);
		out_u64(info, 0x1004 + 16 * i);
		out_u32(info, function);
		out_u8(info, 0);
	}
	out_u8(info, 0);
	made_unit_end(&made);
	finish();
}

/* Functions of a few bytes in scopes with names of kilobytes. */
static void test_hostile_scopes(void **state)
{
	(void)state;
	begin(4);
	usual_unit(DW_LANG_C_plus_plus, "");
	made_abbrev(&made, 2, DW_TAG_namespace, 1, DW_AT_name, DW_FORM_string, 0);
	made_abbrev(&made, 3, DW_TAG_subprogram, 0, DW_AT_name, DW_FORM_string, DW_AT_low_pc,
		DW_FORM_addr, DW_AT_high_pc, DW_FORM_data1, 0);
	made_abbrevs_end(&made);
	char scope[4001], name[8];
	memset(scope, 's', sizeof(scope) - 1);
	scope[sizeof(scope) - 1] = 0;
	out_u8(info, 2);
	out_string(info, scope);
	for (int i = 0; i < 200000; i++) {
		(void)snprintf(name, sizeof(name), "%x", i);
		out_u8(info, 3);
		out_string(info, name);
		out_u64(info, 0x1000 + 16 * (uint64_t)i);
		out_u8(info, 16);
	}
	out_u16(info, 0);
	made_unit_end(&made);
	finish();
}

/* A row for each byte. */
static void test_hostile_rows(void **state)
{
	(void)state;
	begin(4);
	made_abbrev(&made, 1, DW_TAG_compile_unit, 0, DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc,
		DW_FORM_data4, DW_AT_stmt_list, DW_FORM_sec_offset, 0);
	made_abbrevs_end(&made);
	made_unit(&made, DW_UT_compile, 0, 0);
	out_u8(info, 1);
	out_u64(info, 0x1000);
	out_u32(info, 0x1000000);
	out_u32(info, 0);
	made_unit_end(&made);
	struct out *line = &made.sections[SNAP_DWARF_LINE];
	out_u32(line, 12000000 - 4);
	out_u16(line, 4);
	out_u32(line, 15);
	out_bytes(line, "\1\1\1\0\x0c\1\0a.c\0\0\0\0\0", 15);
	out_bytes(line, "\0\x09\2\0\x10\0\0\0\0\0\0", 11);
	while (line->len < 12000000)
		out_u8(line, 13 + line->len % 12);
	finish();
}

/* Lists of ranges, of three bytes a range. */
static void range_lists(void)
{
	struct out *lists = &made.sections[SNAP_DWARF_RNGLISTS];
	for (uint64_t i = 0; i < 40; i++) {
		for (uint64_t j = 0; j < 100000; j++) {
			out_u8(lists, DW_RLE_offset_pair);
			out_u8(lists, 16 + (i + j) % 100);
			out_u8(lists, 120);
		}
		out_u8(lists, 0);
	}
}

/* Functions, and then units, that have them. */
static void test_hostile_range_lists(void **state)
{
	(void)state;
	begin(5);
	usual_unit(DW_LANG_C99, "");
	made_abbrev(&made, 2, DW_TAG_subprogram, 0, DW_AT_ranges, DW_FORM_sec_offset, 0);
	made_abbrevs_end(&made);
	range_lists();
	for (uint64_t i = 0; i < 600; i++) {
		out_u8(info, 2);
		out_u32(info, i % 40 * 300001);
	}
	out_u8(info, 0);
	made_unit_end(&made);
	finish();

	begin(5);
	made_abbrev(&made, 1, DW_TAG_compile_unit, 0, DW_AT_low_pc, DW_FORM_addr, DW_AT_ranges,
		DW_FORM_sec_offset, 0);
	made_abbrevs_end(&made);
	range_lists();
	for (uint64_t i = 0; i < 600; i++) {
		made_unit(&made, DW_UT_compile, 0, 0);
		out_u8(info, 1);
		out_u64(info, 0x100000 * i);
		out_u32(info, i % 40 * 300001);
		made_unit_end(&made);
	}
	finish();
}

/* Units of the fewest bytes. */
static void test_hostile_short_units(void **state)
{
	(void)state;
	begin(4);
	made_abbrev(&made, 1, DW_TAG_compile_unit, 0, 0);
	made_abbrevs_end(&made);
	for (uint64_t i = 0; i < 1000000; i++) {
		made_unit(&made, DW_UT_compile, 0, 0);
		out_u8(info, 1);
		made_unit_end(&made);
	}
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostile_references),
		cmocka_unit_test(test_hostile_nodes),
		cmocka_unit_test(test_hostile_sites),
		cmocka_unit_test(test_hostile_scopes),
		cmocka_unit_test(test_hostile_rows),
		cmocka_unit_test(test_hostile_range_lists),
		cmocka_unit_test(test_hostile_short_units),
		cmocka_unit_test(test_hostile_abbreviations),
		cmocka_unit_test(test_hostile_ranges),
		cmocka_unit_test(test_hostile_lines),
		cmocka_unit_test(test_hostile_attributes),
		cmocka_unit_test(test_hostile_class),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_hostile_parts),
		cmocka_unit_test(test_hostile_depth),
		cmocka_unit_test(test_hostile_units),
	};
#ifndef __SANITIZE_ADDRESS__
	const struct rlimit memory = {UINT64_C(2) << 30, UINT64_C(2) << 30};
	(void)setrlimit(RLIMIT_AS, &memory);
#endif
	return cmocka_run_group_tests_name("dwarf_hostile", tests, NULL, NULL);
}
