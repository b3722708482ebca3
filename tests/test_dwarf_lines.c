/* analyze/dwarf/lines: every opcode, version and width, tables of version 5 in every form, and
 * sequences in no order. */
#include "analyze/dwarf/lines.h"

#include "tests/lib/made_dwarf.h"

#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct made made;
static struct snap_lines lines;
static struct out *line;
static size_t length_off, header_len_off;

static void begin(bool big_endian, uint16_t version, uint8_t address_size, uint8_t offset_size)
{
	made_begin(&made, big_endian, version, address_size, offset_size);
	made_abbrev(&made, 1, DW_TAG_compile_unit, 0, DW_AT_comp_dir, DW_FORM_string,
		DW_AT_stmt_list, version < 4 ? DW_FORM_data4 : DW_FORM_sec_offset,
		DW_AT_str_offsets_base, DW_FORM_data1, 0);
	made_abbrevs_end(&made);
	made_unit(&made, DW_UT_compile, 0, 0);
	struct out *info = &made.sections[SNAP_DWARF_INFO];
	out_uleb(info, 1);
	out_string(info, "/comp");
	if (version < 4)
		out_u32(info, 1);
	else
		made_offset(&made, SNAP_DWARF_INFO, 1);
	out_u8(info, 0);
	made_unit_end(&made);
	line = &made.sections[SNAP_DWARF_LINE];
	out_u8(line, 0xee); /* the program is at 1 */
}

/* A header up to the tables. */
static void header(uint8_t min_instruction, uint8_t max_ops, int8_t line_base, uint8_t line_range,
	uint8_t opcode_base)
{
	static const uint8_t lens[] = {0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 2, 0};
	uint16_t version = made.encoding.version;
	if (made.encoding.offset_size == 8)
		out_u32(line, 0xffffffff);
	length_off = line->len;
	made_offset(&made, SNAP_DWARF_LINE, 0);
	out_u16(line, version);
	if (version >= 5) {
		out_u8(line, made.encoding.address_size);
		out_u8(line, 0);
	}
	header_len_off = line->len;
	made_offset(&made, SNAP_DWARF_LINE, 0);
	out_u8(line, min_instruction);
	if (version >= 4)
		out_u8(line, max_ops);
	out_u8(line, 1);
	out_u8(line, (uint8_t)line_base);
	out_u8(line, line_range);
	out_u8(line, opcode_base);
	for (int i = 0; i < opcode_base - 1; i++)
		out_u8(line, lens[i]);
}

static void end_header(void)
{
	unsigned int width = made.encoding.offset_size;
	out_patch(line, header_len_off, line->len - header_len_off - width, width);
}

static void usual_header(void)
{
	header(1, 1, -3, 12, 13);
	if (made.encoding.version >= 5) {
		out_ulebs(line, 1, DW_LNCT_path, DW_FORM_string, 1);
		out_string(line, "/comp");
		out_ulebs(line, 2, DW_LNCT_path, DW_FORM_string, DW_LNCT_directory_index,
			DW_FORM_udata, 1);
		out_string(line, "a.c");
		out_uleb(line, 0);
	} else {
		out_u8(line, 0);
		out_string(line, "a.c");
		out_ulebs(line, 0, 1, 2);
		out_u8(line, 0);
	}
	end_header();
}

static void set_address(uint64_t addr, uint8_t len)
{
	out_u8(line, 0);
	out_uleb(line, len + 1u);
	out_u8(line, DW_LNE_set_address);
	out_number(line, addr, len);
}

static void end_sequence(void)
{
	out_bytes(line, "\0\1\1", 3);
}

static void read(void)
{
	unsigned int width = made.encoding.offset_size;
	out_patch(line, length_off, line->len - length_off - width, width);
	out_bytes(line, "\1\1\1", 3); /* behind the program's end */
	made_open(&made);
	assert_int_equal(snap_lines_read(made_opened_unit(&made, 0), &lines), 0);
}

static void end(void)
{
	made_end(&made);
	snap_lines_deinit(&lines);
}

static void assert_rows(const struct snap_line_row *expected, size_t num)
{
	for (size_t i = 0; i < num || i < lines.num_rows; i++) {
		const struct snap_line_row *x = &lines.rows[i], *y = &expected[i];
		if (i >= num || i >= lines.num_rows || x->addr != y->addr || x->file != y->file ||
			x->line != y->line || x->column != y->column ||
			x->is_statement != y->is_statement || x->ends != y->ends)
			fail_msg("row %zu of %zu: 0x%llx file %u line %u column %u %d %d", i,
				lines.num_rows, (unsigned long long)x->addr, x->file, x->line,
				x->column, x->is_statement, x->ends);
	}
}

static const struct {
	bool big_endian;
	uint8_t address_size, offset_size;
} settings[] = {
	{false, 8, 4}, {false, 4, 4}, {true, 8, 8}, {true, 4, 4}, {false, 8, 8}, {true, 8, 4}};

static void assert_path(uint64_t file, const char *expected)
{
	char buf[64];
	const char *path = snap_lines_path(&lines, file, buf, sizeof(buf));
	if (!expected || !path)
		assert_true(!path && !expected);
	else
		assert_string_equal(path, expected);
}

/* ---------------------------------------------------------------- opcodes */

static void test_lines_every_opcode(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(settings) * 4; i++) {
		uint16_t version = 2 + (uint16_t)(i % 4);
		uint8_t size = settings[i / 4].address_size;
		begin(settings[i / 4].big_endian, version, size, settings[i / 4].offset_size);
		usual_header();
		set_address(0x1000, size);
		out_u8(line, DW_LNS_copy);
		out_u8(line, DW_LNS_advance_pc);
		out_uleb(line, 0x200);
		out_u8(line, DW_LNS_advance_line);
		out_sleb(line, 300);
		out_u8(line, DW_LNS_set_file);
		out_uleb(line, 2);
		out_u8(line, DW_LNS_set_column);
		out_uleb(line, 7);
		out_u8(line, DW_LNS_negate_stmt);
		out_bytes(line, "\0\2\4\x81", 4); /* a discriminator, cut */
		out_u8(line, DW_LNS_copy);
		out_u8(line, DW_LNS_advance_line);
		out_sleb(line, -200);
		out_u8(line, DW_LNS_set_basic_block);
		out_u8(line, DW_LNS_set_prologue_end);
		out_u8(line, DW_LNS_set_epilogue_begin);
		out_u8(line, DW_LNS_set_isa);
		out_uleb(line, 0x12345);
		out_u8(line, DW_LNS_const_add_pc); /* (255 - 13) / 12 = 20 */
		out_u8(line, DW_LNS_negate_stmt);
		out_u8(line, 13 + 12 * 2 + 5); /* two on, line + 2 */
		out_u8(line, DW_LNS_fixed_advance_pc);
		out_u16(line, 0x8001);
		out_bytes(line, "\0\4\x80xyz", 6);   /* of a vendor */
		out_u8(line, 13);		     /* line - 3 */
		out_bytes(line, "\0\6\3b.c\0\0", 8); /* define_file, without times */
		out_u8(line, DW_LNS_set_column);
		out_uleb(line, 70000);
		out_u8(line, DW_LNS_advance_line);
		out_sleb(line, -1000);
		out_u8(line, DW_LNS_copy);
		end_sequence();
		/* The registers are as they were at first. */
		set_address(0x10000, 4);
		out_u8(line, DW_LNS_copy);
		out_u8(line, DW_LNS_advance_pc);
		out_uleb(line, 1);
		end_sequence();
		read();
		static const struct snap_line_row expected[] = {
			{0x1000, 1, 1, 0, true, false},
			{0x1200, 2, 301, 7, false, false},
			{0x1200 + 22, 2, 103, 7, true, false},
			{0x1200 + 22 + 0x8001, 2, 100, 7, true, false},
			{0x1200 + 22 + 0x8001, 2, 0, 0, true, false},
			{0x1200 + 22 + 0x8001, 2, 0, 0, true, true},
			{0x10000, 1, 1, 0, true, false},
			{0x10001, 1, 1, 0, true, true},
		};
		assert_rows(expected, ARRAY_LEN(expected));
		assert_path(version >= 5 ? 0 : 1, "/comp/a.c");
		assert_path(version >= 5 ? 1 : 2, "/comp/b.c");
		assert_path(version >= 5 ? 2 : 0, NULL);
		assert_path(UINT64_MAX, NULL);
		end();
	}
}

/* Several operations to an instruction (section 6.2.5.1), of 4 bytes each. */
static void test_lines_of_long_instructions(void **state)
{
	(void)state;
	for (uint16_t version = 4; version <= 5; version++) {
		begin(false, version, 8, 4);
		header(4, 3, -1, 4, 10);
		out_bytes(line, "\0\0\0\0", 4); /* tables without anything, by either version */
		end_header();
		set_address(0x1000, 8);
		out_u8(line, 10 + 4 * 2 + 1); /* operation 2 */
		out_u8(line, 10 + 4 * 2 + 1); /* 4: the next instruction, 1 */
		out_u8(line, DW_LNS_advance_pc);
		out_uleb(line, 7); /* 8: two on, 2 */
		out_u8(line, DW_LNS_copy);
		out_u8(line, DW_LNS_const_add_pc); /* 61: 63: 21 on, 0 */
		out_u8(line, DW_LNS_copy);
		out_u8(line, 10 + 4 * 2 + 1);
		out_u8(line, DW_LNS_fixed_advance_pc); /* resets the operation */
		out_u16(line, 3);
		out_u8(line, 10 + 4 * 2 + 1);
		end_sequence();
		read();
		static const struct snap_line_row expected[] = {
			{0x1000, 1, 1, 0, true, false},
			{0x1004, 1, 1, 0, true, false},
			{0x100c, 1, 1, 0, true, false},
			{0x1060, 1, 1, 0, true, false},
			{0x1060, 1, 1, 0, true, false},
			{0x1063, 1, 1, 0, true, false},
			{0x1063, 1, 1, 0, true, true},
		};
		assert_rows(expected, ARRAY_LEN(expected));
		end();
	}
	/* One operation, 4 bytes. */
	begin(false, 3, 8, 4);
	header(4, 1, -1, 4, 10);
	out_bytes(line, "\0\0", 2);
	end_header();
	set_address(0x1000, 8);
	out_u8(line, 10 + 4 * 2 + 1);
	out_u8(line, DW_LNS_advance_pc);
	out_uleb(line, 3);
	end_sequence();
	read();
	static const struct snap_line_row rows[] = {
		{0x1008, 1, 1, 0, true, false}, {0x1014, 1, 1, 0, true, true}};
	assert_rows(rows, 2);
	end();
}

/* A program whose opcodes begin early, or late. */
static void test_lines_opcode_base(void **state)
{
	(void)state;
	begin(false, 3, 8, 4);
	header(1, 1, 0, 2, 4);
	out_bytes(line, "\0\0", 2);
	end_header();
	set_address(0x1000, 8);
	out_u8(line, 4 + 2 * 1 + 1); /* would be DW_LNS_set_basic_block */
	out_u8(line, DW_LNS_advance_pc);
	out_uleb(line, 1);
	end_sequence();
	read();
	static const struct snap_line_row early[] = {
		{0x1001, 1, 2, 0, true, false}, {0x1002, 1, 2, 0, true, true}};
	assert_rows(early, 2);
	end();
	begin(false, 3, 8, 4);
	header(1, 1, 0, 2, 15);
	out_bytes(line, "\0\0", 2);
	end_header();
	set_address(0x1000, 8);
	out_u8(line, 13); /* nobody knows it: two operands, says the header */
	out_ulebs(line, 1000, 1);
	out_u8(line, 14); /* none */
	out_u8(line, 15 + 1);
	out_u8(line, 15 + 2 * 8);
	end_sequence();
	read();
	static const struct snap_line_row late[] = {{0x1000, 1, 2, 0, true, false},
		{0x1008, 1, 2, 0, true, false}, {0x1008, 1, 2, 0, true, true}};
	assert_rows(late, 3);
	end();
}

/* ---------------------------------------------------------------- sequences */

static void sequence(uint64_t addr, uint8_t len, int64_t its_line)
{
	set_address(addr, 8);
	out_u8(line, DW_LNS_advance_line);
	out_sleb(line, its_line - 1);
	out_u8(line, DW_LNS_copy);
	out_u8(line, DW_LNS_advance_pc);
	out_uleb(line, len);
	end_sequence();
}

static void test_lines_sequences_in_no_order(void **state)
{
	(void)state;
	begin(false, 4, 8, 4);
	usual_header();
	sequence(0x3000, 0x10, 3);
	sequence(0, 0x10, 99); /* discarded */
	sequence(UINT64_MAX, 0x10, 99);
	sequence(1, 0x10, 99);
	sequence(0x1000, 0x10, 1);
	sequence(0x2000, 0x10, 2);
	set_address(0x500, 8);
	out_u8(line, DW_LNS_copy); /* without an end */
	read();
	static const struct snap_line_row expected[] = {
		{0x500, 1, 1, 0, true, false},
		{0x1000, 1, 1, 0, true, false},
		{0x1010, 1, 1, 0, true, true},
		{0x2000, 1, 2, 0, true, false},
		{0x2010, 1, 2, 0, true, true},
		{0x3000, 1, 3, 0, true, false},
		{0x3010, 1, 3, 0, true, true},
	};
	assert_rows(expected, ARRAY_LEN(expected));
	end();
	/* One within the other, and one that goes backwards. */
	begin(false, 4, 8, 4);
	usual_header();
	set_address(0x1000, 8);
	out_u8(line, DW_LNS_copy);
	set_address(0x2000, 8);
	out_u8(line, DW_LNS_copy);
	set_address(0x1800, 8);
	end_sequence();
	sequence(0x1100, 0x10, 2);
	read();
	static const struct snap_line_row nested[] = {
		{0x1000, 1, 1, 0, true, false},
		{0x1100, 1, 2, 0, true, false},
		{0x1110, 1, 2, 0, true, true},
		{0x1800, 1, 1, 0, true, true},
		{0x2000, 1, 1, 0, true, false},
	};
	assert_rows(nested, ARRAY_LEN(nested));
	end();
}

/* A function without code (after __builtin_unreachable(), say) has a sequence nevertheless. It must
 * not end the one that begins at the same address. */
static void test_lines_empty_sequences(void **state)
{
	(void)state;
	begin(false, 4, 8, 4);
	usual_header();
	sequence(0x2000, 0x10, 2);
	sequence(0x2000, 0, 99);
	sequence(0x1000, 0, 99);
	set_address(0x2000, 8);
	end_sequence();
	read();
	static const struct snap_line_row expected[] = {
		{0x2000, 1, 2, 0, true, false}, {0x2010, 1, 2, 0, true, true}};
	assert_rows(expected, ARRAY_LEN(expected));
	end();
}

/* ---------------------------------------------------------------- files */

static void test_lines_old_tables(void **state)
{
	(void)state;
	begin(false, 3, 8, 4);
	header(1, 1, -3, 12, 13);
	out_string(line, "/usr/include");
	out_string(line, "sub");
	out_u8(line, 0);
	static const struct {
		const char *name;
		uint64_t dir;
	} files[] = {{"a.c", 0}, {"b.h", 1}, {"c.h", 2}, {"/d.h", 2}, {"e.h", 3}};
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		out_string(line, files[i].name);
		out_ulebs(line, files[i].dir, 0, 0);
	}
	out_u8(line, 0);
	end_header();
	read();
	assert_path(0, NULL);
	assert_path(1, "/comp/a.c");
	assert_path(2, "/usr/include/b.h");
	assert_path(3, "/comp/sub/c.h");
	assert_path(4, "/d.h");
	assert_path(5, "e.h"); /* there is no such directory */
	assert_path(6, NULL);
	char small[10];
	assert_null(snap_lines_path(&lines, 1, small, 9));
	assert_non_null(snap_lines_path(&lines, 1, small, 10));
	end();
}

static void put_strings(void)
{
	out_string(&made.sections[SNAP_DWARF_STR], "x.c");
	out_string(&made.sections[SNAP_DWARF_STR], "y.c");
	out_string(&made.sections[SNAP_DWARF_LINE_STR], "/comp");
	out_string(&made.sections[SNAP_DWARF_LINE_STR], "z.c");
	made_offset(&made, SNAP_DWARF_STR_OFFSETS, 0);
	made_offset(&made, SNAP_DWARF_STR_OFFSETS, 4);
}

/* Forms of a path, and of all else that may stand in an entry. */
static void test_lines_new_tables(void **state)
{
	(void)state;
	static const struct {
		uint16_t form;
		unsigned int width; /* 0: of an offset; 99: a string */
		uint64_t value;
		const char *path;
	} forms[] = {{DW_FORM_string, 99, 0, "/comp/in.c"}, {DW_FORM_strp, 0, 4, "/comp/y.c"},
		{DW_FORM_line_strp, 0, 6, "/comp/z.c"}, {DW_FORM_strx, 1, 1, "/comp/y.c"},
		{DW_FORM_strx1, 1, 0, "/comp/x.c"}, {DW_FORM_strx2, 2, 1, "/comp/y.c"},
		{DW_FORM_strx3, 3, 1, "/comp/y.c"}, {DW_FORM_strx4, 4, 1, "/comp/y.c"},
		{DW_FORM_strx4, 4, 2, NULL}, {DW_FORM_line_strp, 0, 99, NULL},
		{DW_FORM_data4, 4, 0, NULL}};
	for (size_t i = 0; i < ARRAY_LEN(settings) * ARRAY_LEN(forms); i++) {
		size_t s = i / ARRAY_LEN(forms), f = i % ARRAY_LEN(forms);
		begin(settings[s].big_endian, 5, settings[s].address_size, settings[s].offset_size);
		put_strings();
		header(1, 1, -3, 12, 13);
		out_ulebs(line, 1, DW_LNCT_path, DW_FORM_line_strp, 1);
		made_offset(&made, SNAP_DWARF_LINE, 0);
		out_ulebs(line, 6, DW_LNCT_MD5, DW_FORM_data16, DW_LNCT_path, forms[f].form,
			DW_LNCT_size, DW_FORM_udata, DW_LNCT_timestamp, DW_FORM_block, 0x2001,
			DW_FORM_addr, DW_LNCT_directory_index, DW_FORM_data1, 2);
		for (int j = 0; j < 2; j++) {
			out_number(line, 0, 16);
			if (forms[f].width == 99)
				out_string(line, "in.c");
			else
				out_number(line, forms[f].value,
					forms[f].width ? forms[f].width : settings[s].offset_size);
			out_uleb(line, 1000);
			out_bytes(line, "\2ab", 3);
			made_address(&made, SNAP_DWARF_LINE, 1);
			out_u8(line, 0);
		}
		end_header();
		read();
		assert_int_equal(lines.num_files, 2);
		assert_path(0, forms[f].path);
		assert_path(1, forms[f].path);
		end();
	}
}

/* The width of addresses is the header's own. */
static void test_lines_addresses_of_any_width(void **state)
{
	(void)state;
	for (unsigned int width = 0; width < 256; width++) {
		begin(false, 5, 8, 4);
		header(1, 1, -3, 12, 13);
		out_patch(line, 1 + 4 + 2, width, 1);
		out_ulebs(line, 1, DW_LNCT_path, DW_FORM_addr, 1);
		for (int i = 0; i < 256; i++)
			out_u8(line, 0xff);
		out_ulebs(line, 0, 0);
		end_header();
		read();
		end();
	}
}

/* Counts that no bytes stand behind. */
static void test_lines_tables_without_bytes(void **state)
{
	(void)state;
	static const uint8_t formats[][4] = {{0}, {1, DW_LNCT_path, DW_FORM_flag_present, 0},
		{1, DW_LNCT_path, DW_FORM_implicit_const, 0}, {1, DW_LNCT_path, DW_FORM_string, 0}};
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		begin(false, 5, 8, 4);
		header(1, 1, -3, 12, 13);
		out_bytes(line, formats[i], formats[i][0] ? 3 : 1);
		out_uleb(line, UINT64_MAX);
		end_header();
		set_address(0x1000, 8);
		out_u8(line, 15);
		read();
		assert_true(lines.num_dirs <= 1 && lines.num_files == 0);
		assert_int_equal(lines.num_rows, 1);
		end();
	}
}

static void test_lines_damage(void **state)
{
	(void)state;
	for (uint16_t version = 2; version <= 5; version++) {
		begin(version % 2, version, 8, 4);
		usual_header();
		set_address(0x1000, 8);
		out_u8(line, DW_LNS_copy);
		out_u8(line, DW_LNS_advance_pc);
		out_uleb(line, 0x200);
		out_u8(line, DW_LNS_fixed_advance_pc);
		out_u16(line, 1);
		out_u8(line, DW_LNS_set_isa);
		out_uleb(line, 1);
		out_bytes(line, "\0\6\3b.c\0\0", 8);
		end_sequence();
		read();
		made_damage(&made, NULL);
		end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_every_opcode),
		cmocka_unit_test(test_lines_of_long_instructions),
		cmocka_unit_test(test_lines_opcode_base),
		cmocka_unit_test(test_lines_sequences_in_no_order),
		cmocka_unit_test(test_lines_empty_sequences),
		cmocka_unit_test(test_lines_old_tables),
		cmocka_unit_test(test_lines_new_tables),
		cmocka_unit_test(test_lines_addresses_of_any_width),
		cmocka_unit_test(test_lines_tables_without_bytes),
		cmocka_unit_test(test_lines_damage),
	};
	return cmocka_run_group_tests_name("dwarf_lines", tests, NULL, NULL);
}
