/* analyze/dwarf/file, abbrev, names, package: units and entries of every version, width and byte
 * order, each form, references to everywhere, scopes, packages; and all of that cut and changed at
 * every byte. */
#include "analyze/dwarf/file.h"

#include "tests/lib/made_dwarf.h"

#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/dwarf/names.h"
#include "analyze/symbols/debug_info.h"
#include "analyze/symbols/unit_table.h"

static struct made made, other;
static struct out *info;

static const struct {
	bool big_endian;
	uint8_t address_size, offset_size;
} settings[] = {
	{false, 8, 4}, {false, 4, 4}, {true, 8, 8}, {true, 4, 4}, {false, 8, 8}, {true, 8, 4}};

static void begin(size_t setting, uint16_t version)
{
	made_begin(&made, settings[setting].big_endian, version, settings[setting].address_size,
		settings[setting].offset_size);
	info = &made.sections[SNAP_DWARF_INFO];
}

/* ---------------------------------------------------------------- abbreviations */

static void test_abbrevs_by_code(void **state)
{
	(void)state;
	static const struct snap_dwarf_encoding encoding = {4, 8, 4};
	static const struct {
		uint64_t codes[4];
		bool is_dense;
	} cases[] = {{{1, 2, 3, 4}, true}, {{4, 3, 2, 1}, false}, {{2, 3, 4, 5}, false},
		{{1, 2, 2, 3}, false}, {{1, 1000000, UINT64_MAX, 5}, false}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin(0, 4);
		for (size_t j = 0; j < 4; j++)
			made_abbrev(&made, cases[i].codes[j], 100 + j, j % 2, DW_AT_name,
				DW_FORM_data1, DW_AT_sibling, j == 3 ? DW_FORM_udata : DW_FORM_ref4,
				0);
		made_abbrevs_end(&made);
		struct out *out = &made.sections[SNAP_DWARF_ABBREV];
		struct snap_abbrevs *abbrevs =
			snap_abbrevs_create(snap_bytes(out->data, out->len), 0, &encoding);
		assert_non_null(abbrevs);
		assert_int_equal(abbrevs->num, 4);
		assert_int_equal(abbrevs->len, out->len);
		assert_int_equal(abbrevs->is_dense, cases[i].is_dense);
		for (size_t j = 0; j < 4; j++) {
			if (j == 2 && cases[i].codes[1] == cases[i].codes[2])
				continue; /* the first counts */
			const struct snap_abbrev *abbrev =
				snap_abbrevs_find(abbrevs, cases[i].codes[j]);
			assert_non_null(abbrev);
			assert_int_equal(abbrev->tag, 100 + j);
			assert_int_equal(abbrev->has_children, j % 2);
			assert_true(abbrev->has_sibling);
			assert_int_equal(abbrev->num_attrs, 2);
			assert_int_equal(abbrev->fixed_len, j == 3 ? -1 : 5);
		}
		assert_null(snap_abbrevs_find(abbrevs, 0));
		assert_null(snap_abbrevs_find(abbrevs, 77));
		snap_abbrevs_destroy(abbrevs);
		/* Cut: what is whole counts. */
		for (size_t len = 0; len < out->len; len++) {
			uint8_t *cut = malloc(len ? len : 1);
			memcpy(cut, out->data, len);
			abbrevs = snap_abbrevs_create(snap_bytes(cut, len), 0, &encoding);
			assert_non_null(abbrevs);
			assert_true(abbrevs->num <= 4);
			assert_int_equal(abbrevs->num == 4, len == out->len - 1);
			snap_abbrevs_destroy(abbrevs);
			free(cut);
		}
		made_end(&made);
	}
}

/* ---------------------------------------------------------------- units */

static void test_units_of_every_kind(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(settings) * 4; i++) {
		uint16_t version = 2 + (uint16_t)(i % 4);
		begin(i / 4, version);
		made_abbrev(&made, 7, DW_TAG_compile_unit, 0, DW_AT_language, DW_FORM_data1, 0);
		made_abbrevs_end(&made);
		static const uint8_t types[] = {DW_UT_compile, DW_UT_type, DW_UT_partial,
			DW_UT_skeleton, DW_UT_split_compile, DW_UT_split_type, DW_UT_lo_user};
		size_t num = version < 5 ? 2 : ARRAY_LEN(types);
		for (size_t j = 0; j < num; j++) {
			made_unit(&made, types[j], 0, 0x123456789abcdef0 + j);
			struct out *out = &made.sections[version == 4 && types[j] == DW_UT_type
								 ? SNAP_DWARF_TYPES
								 : SNAP_DWARF_INFO];
			if (version < 4 && types[j] == DW_UT_type)
				out = &made.sections[SNAP_DWARF_TYPES];
			out_u8(out, 7);
			out_u8(out, DW_LANG_C99);
			made_unit_end(&made);
		}
		/* One of no known version is passed over. */
		size_t unknown = info->len;
		made.encoding.version = 4;
		made_unit(&made, DW_UT_compile, 0, 0);
		out_u8(info, 7);
		made_unit_end(&made);
		out_patch(info, unknown + (settings[i / 4].offset_size == 8 ? 12 : 4), 6, 2);
		made_unit(&made, DW_UT_compile, 0, 0);
		out_u8(info, 7);
		out_u8(info, DW_LANG_C_plus_plus);
		made_unit_end(&made);
		made_open(&made);
		size_t num_info = snap_dwarf_file_num_units(made.dwarf);
		assert_int_equal(num_info, (version < 5 ? 1 : num) + 2);
		assert_null(snap_dwarf_file_unit_at(made.dwarf, UINT64_MAX, true)); /* meets all */
		assert_int_equal(num_info + made.dwarf->types.num, num + 2);
		for (size_t j = 0; j < num + 2; j++) {
			struct snap_dwarf_unit *unit =
				j < num_info ? snap_dwarf_file_unit(made.dwarf, j)
					     : made.dwarf->types.list[j - num_info];
			if (unit->off == unknown && !unit->in_types) {
				assert_false(snap_dwarf_unit_open(unit));
				continue;
			}
			assert_true(snap_dwarf_unit_open(unit));
			assert_int_equal(unit->end - unit->dies, 2);
			assert_true(unit->language == DW_LANG_C99 ||
				    (unit->language == DW_LANG_C_plus_plus && unit->off > unknown));
			if (unit->type != DW_UT_compile && unit->type != DW_UT_partial)
				assert_true(unit->id >> 8 == 0x123456789abcde);
			assert_ptr_equal(
				snap_dwarf_file_unit_at(made.dwarf, unit->dies, unit->in_types),
				unit);
			assert_null(snap_dwarf_file_unit_at(
				made.dwarf, unit->dies - 1, unit->in_types));
			if (!unit->in_types)
				assert_ptr_equal(
					snap_dwarf_file_unit_with_header(made.dwarf, unit->off),
					unit);
		}
		made_end(&made);
	}
}

/* Asked for before those in front of it, a unit is the same one as afterwards. */
static void test_units_met_alone(void **state)
{
	(void)state;
	enum { NUM = 5 };
	for (int first = 0; first < NUM; first++) {
		uint64_t offs[NUM];
		struct snap_dwarf_unit *units[NUM];
		begin(0, 5);
		made_abbrev(&made, 7, DW_TAG_compile_unit, 0, DW_AT_language, DW_FORM_data1, 0);
		made_abbrevs_end(&made);
		for (int i = 0; i < NUM; i++) {
			offs[i] = info->len;
			made_unit(&made, DW_UT_compile, 0, 0);
			out_u8(info, 7);
			out_u8(info, (unsigned int)i + 1);
			made_unit_end(&made);
		}
		made_open(&made);
		for (int i = 0; i < NUM; i++) {
			int n = (first + 3 * i) % NUM;
			units[n] = snap_dwarf_file_unit_alone(made.dwarf, offs[n]);
			assert_non_null(units[n]);
			assert_true(units[n]->off == offs[n] && snap_dwarf_unit_open(units[n]));
			assert_int_equal(units[n]->language, n + 1);
			assert_ptr_equal(
				snap_dwarf_file_unit_alone(made.dwarf, offs[n]), units[n]);
			assert_int_equal(made.dwarf->info.num, 0);
		}
		/* Some are met by the way, */
		assert_ptr_equal(snap_dwarf_file_unit(made.dwarf, 1), units[1]);
		assert_ptr_equal(snap_dwarf_file_unit_alone(made.dwarf, offs[1]), units[1]);
		assert_null(snap_dwarf_file_unit_alone(made.dwarf, offs[1] + 1));
		/* and the others are what they were. */
		assert_ptr_equal(snap_dwarf_file_unit_alone(made.dwarf, offs[4]), units[4]);
		assert_int_equal(snap_dwarf_file_num_units(made.dwarf), NUM);
		for (size_t i = 0; i < NUM; i++) {
			assert_ptr_equal(snap_dwarf_file_unit(made.dwarf, i), units[i]);
			assert_int_equal(units[i]->index, i);
		}
		assert_null(snap_dwarf_file_unit_alone(made.dwarf, info->len));
		assert_null(snap_dwarf_file_unit_alone(made.dwarf, UINT64_MAX));
		made_end(&made);
	}
}

/* ---------------------------------------------------------------- forms */

struct form {
	uint16_t form;
	unsigned int width; /* 0: of an offset, 98: of an address, 99: bytes as they stand */
	uint64_t value;
	const char *bytes;
	size_t len;
	enum { NUMBER, STRING, ADDRESS, ENTRY, BLOCK, FLAG, NOTHING } kind;
	uint64_t expected;
	const char *string;
};

static const struct form forms[] = {
	{DW_FORM_data1, 1, 0xff, NULL, 0, NUMBER, 0xff, NULL},
	{DW_FORM_data2, 2, 0x8001, NULL, 0, NUMBER, 0x8001, NULL},
	{DW_FORM_data4, 4, 0x80000001, NULL, 0, NUMBER, 0x80000001, NULL},
	{DW_FORM_data8, 8, 0x8000000000000001, NULL, 0, NUMBER, 0x8000000000000001, NULL},
	{DW_FORM_udata, 99, 0, "\x80\x01", 2, NUMBER, 128, NULL},
	{DW_FORM_sdata, 99, 0, "\x3f", 1, NUMBER, 63, NULL},
	{DW_FORM_sdata, 99, 0, "\x7f", 1, NOTHING, 0, NULL},
	{DW_FORM_implicit_const, 99, 0, "", 0, NUMBER, 77, NULL},
	{DW_FORM_data16, 99, 0, "0123456789abcdef", 16, BLOCK, 16, NULL},
	{DW_FORM_flag, 1, 1, NULL, 0, FLAG, 1, NULL},
	{DW_FORM_flag, 1, 0, NULL, 0, FLAG, 0, NULL},
	{DW_FORM_flag_present, 99, 0, "", 0, FLAG, 1, NULL},
	{DW_FORM_string, 99, 0, "inline", 7, STRING, 0, "inline"},
	{DW_FORM_strp, 0, 4, NULL, 0, STRING, 0, "two"},
	{DW_FORM_strp, 0, 8, NULL, 0, STRING, 0, NULL}, /* not there */
	{DW_FORM_line_strp, 0, 1, NULL, 0, STRING, 0, "ine"},
	{DW_FORM_strx, 99, 0, "\1", 1, STRING, 0, "two"},
	{DW_FORM_strx1, 1, 0, NULL, 0, STRING, 0, "one"},
	{DW_FORM_strx2, 2, 1, NULL, 0, STRING, 0, "two"},
	{DW_FORM_strx3, 3, 1, NULL, 0, STRING, 0, "two"},
	{DW_FORM_strx4, 4, 1, NULL, 0, STRING, 0, "two"},
	{DW_FORM_strx4, 4, UINT32_MAX, NULL, 0, STRING, 0, NULL},
	{DW_FORM_GNU_str_index, 99, 0, "\1", 1, STRING, 0, "two"},
	{DW_FORM_strp_sup, 0, 3, NULL, 0, STRING, 0, "lt"},
	{DW_FORM_GNU_strp_alt, 0, 2, NULL, 0, STRING, 0, "alt"},
	{DW_FORM_addr, 98, 0x1234, NULL, 0, ADDRESS, 0x1234, NULL},
	{DW_FORM_addrx, 99, 0, "\1", 1, ADDRESS, 0x2222, NULL},
	{DW_FORM_addrx1, 1, 0, NULL, 0, ADDRESS, 0x1111, NULL},
	{DW_FORM_addrx2, 2, 1, NULL, 0, ADDRESS, 0x2222, NULL},
	{DW_FORM_addrx3, 3, 1, NULL, 0, ADDRESS, 0x2222, NULL},
	{DW_FORM_addrx4, 4, 1, NULL, 0, ADDRESS, 0x2222, NULL},
	{DW_FORM_GNU_addr_index, 99, 0, "\1", 1, ADDRESS, 0x2222, NULL},
	{DW_FORM_exprloc, 99, 0, "\3abc", 4, BLOCK, 3, NULL},
	{DW_FORM_block, 99, 0, "\3abc", 4, BLOCK, 3, NULL},
	{DW_FORM_block1, 99, 0, "\3abc", 4, BLOCK, 3, NULL},
	{DW_FORM_sec_offset, 0, 5, NULL, 0, NOTHING, 0, NULL},
	{DW_FORM_loclistx, 99, 0, "\x81\1", 2, NOTHING, 0, NULL},
	{DW_FORM_rnglistx, 99, 0, "\x81\1", 2, NOTHING, 0, NULL},
	{DW_FORM_ref_sig8, 8, 1, NULL, 0, NOTHING, 0, NULL},
	/* An entry's offset is put in: of this unit, or of the other file's first. */
	{DW_FORM_ref1, 1, 0, NULL, 0, ENTRY, 0, NULL},
	{DW_FORM_ref2, 2, 0, NULL, 0, ENTRY, 0, NULL},
	{DW_FORM_ref4, 4, 0, NULL, 0, ENTRY, 0, NULL},
	{DW_FORM_ref8, 8, 0, NULL, 0, ENTRY, 0, NULL},
	{DW_FORM_ref_udata, 99, 0, NULL, 1, ENTRY, 0, NULL},
	{DW_FORM_ref_addr, 0, 0, NULL, 0, ENTRY, 0, NULL},
	{DW_FORM_GNU_ref_alt, 0, 0, NULL, 0, ENTRY, 1, NULL},
	{DW_FORM_ref_sup4, 4, 0, NULL, 0, ENTRY, 1, NULL},
	{DW_FORM_ref_sup8, 8, 0, NULL, 0, ENTRY, 1, NULL},
};

/* The alternate file: strings, and a unit with an entry. Returns where the entry is. */
static uint64_t begin_other(size_t setting)
{
	made_begin(&other, settings[setting].big_endian, 4, settings[setting].address_size,
		settings[setting].offset_size);
	made_abbrev(&other, 1, DW_TAG_partial_unit, 0, 0);
	made_abbrevs_end(&other);
	made_unit(&other, DW_UT_compile, 0, 0);
	uint64_t off = other.sections[SNAP_DWARF_INFO].len;
	out_u8(&other.sections[SNAP_DWARF_INFO], 1);
	made_unit_end(&other);
	out_bytes(&other.sections[SNAP_DWARF_STR], "x\0alt", 6);
	return off;
}

static void put_form(const struct form *form, uint64_t this_entry, uint64_t other_entry)
{
	unsigned int width = form->width;
	uint64_t value = form->value;
	if (form->kind == ENTRY) {
		value = form->expected ? other_entry : this_entry - made.unit_begun;
		if (form->form == DW_FORM_ref_addr) {
			value = this_entry;
			/* As wide as an address in version 2. */
			width = made.encoding.version == 2 ? 98 : 0;
		}
	}
	if (width == 99 && form->kind == ENTRY)
		out_uleb(info, value);
	else if (width == 99)
		out_bytes(info, form->bytes, form->len);
	else
		out_number(info, value,
			width == 0    ? made.encoding.offset_size
			: width == 98 ? made.encoding.address_size
				      : width);
}

static void check_form(const struct form *form, struct snap_dwarf_unit *unit,
	const struct snap_attr *attr, uint64_t this_entry, uint64_t other_entry)
{
	struct snap_die die;
	uint64_t number;
	const char *string = snap_attr_string(unit, attr);
	assert_true(snap_attr_is_there(attr));
	if (form->kind == STRING && form->string)
		assert_string_equal(string, form->string);
	else
		assert_null(string);
	assert_int_equal(snap_attr_unsigned(attr, &number), form->kind == NUMBER);
	if (form->kind == NUMBER)
		assert_true(number == form->expected);
	assert_int_equal(snap_attr_address(unit, attr, &number), form->kind == ADDRESS);
	if (form->kind == ADDRESS)
		assert_true(number == form->expected);
	assert_int_equal(snap_attr_die(unit, attr, &die), form->kind == ENTRY);
	if (form->kind == ENTRY) {
		assert_true(die.off == (form->expected ? other_entry : this_entry));
		assert_ptr_equal(die.unit->file, form->expected ? other.dwarf : made.dwarf);
	}
	if (form->kind == FLAG)
		assert_int_equal(snap_attr_flag(attr), form->expected);
	if (form->kind == BLOCK)
		assert_int_equal(attr->block.len, form->expected);
}

static void test_attributes_of_every_form(void **state)
{
	(void)state;
	static const uint16_t names[] = {DW_AT_const_value, DW_AT_decl_line};
	for (size_t i = 0; i < ARRAY_LEN(settings) * ARRAY_LEN(forms) * 8; i++) {
		size_t setting = i % ARRAY_LEN(settings);
		const struct form *form = &forms[i / ARRAY_LEN(settings) % ARRAY_LEN(forms)];
		size_t variant = i / ARRAY_LEN(settings) / ARRAY_LEN(forms);
		uint16_t version = 2 + (uint16_t)(variant % 4);
		bool is_indirect = variant / 4;
		if (is_indirect && form->form == DW_FORM_implicit_const)
			continue;
		uint64_t other_entry = begin_other(setting);
		begin(setting, version);
		made_abbrev(&made, 1, DW_TAG_compile_unit, 1, DW_AT_str_offsets_base, DW_FORM_data1,
			DW_AT_addr_base, DW_FORM_data1, 0);
		if (form->form == DW_FORM_implicit_const)
			made_abbrev(&made, 2, DW_TAG_variable, 0, DW_AT_const_value,
				DW_FORM_implicit_const, 77, DW_AT_decl_line, DW_FORM_data1, 0);
		else
			made_abbrev(&made, 2, DW_TAG_variable, 0, DW_AT_const_value,
				is_indirect ? DW_FORM_indirect : form->form, DW_AT_decl_line,
				DW_FORM_data1, 0);
		made_abbrevs_end(&made);
		out_bytes(&made.sections[SNAP_DWARF_STR], "one\0two", 8);
		out_bytes(&made.sections[SNAP_DWARF_LINE_STR], "line", 5);
		out_u8(&made.sections[SNAP_DWARF_STR_OFFSETS], 0xee);
		made_offset(&made, SNAP_DWARF_STR_OFFSETS, 0);
		made_offset(&made, SNAP_DWARF_STR_OFFSETS, 4);
		out_u8(&made.sections[SNAP_DWARF_ADDR], 0xee);
		made_address(&made, SNAP_DWARF_ADDR, 0x1111);
		made_address(&made, SNAP_DWARF_ADDR, 0x2222);
		/* A unit before it, so that offsets in it and in the section differ. */
		made_unit(&made, DW_UT_compile, 0, 0);
		out_bytes(info, "\1\1\1\0", 4);
		made_unit_end(&made);
		made_unit(&made, DW_UT_compile, 0, 0);
		uint64_t root = info->len;
		out_bytes(info, "\1\1\1", 3);
		uint64_t entry = info->len;
		out_u8(info, 2);
		if (is_indirect)
			out_uleb(info, form->form);
		put_form(form, root, other_entry);
		out_bytes(info, "\x99\0", 2);
		made_unit_end(&made);
		made_open(&made);
		made_open(&other);
		made.dwarf->alternate = other.dwarf;
		struct snap_dwarf_unit *unit = made_opened_unit(&made, 1);
		struct snap_attr attrs[2];
		assert_non_null(snap_die_attrs((struct snap_die){unit, entry}, names, attrs, 2));
		if (attrs[1].value != 0x99)
			fail_msg("form %d of version %d: what follows", form->form, version);
		assert_int_equal(attrs[0].form, form->form);
		check_form(form, unit, &attrs[0], root, other_entry);
		/* Passed over. */
		assert_non_null(
			snap_die_attrs((struct snap_die){unit, entry}, names + 1, attrs, 1));
		assert_int_equal(attrs[0].value, 0x99);
		made_end(&made);
		made_end(&other);
	}
}

/* What has no end, or no known length. */
static void test_attributes_that_lead_nowhere(void **state)
{
	(void)state;
	static const struct {
		uint16_t form;
		const char *bytes;
		size_t len;
	} bad[] = {{DW_FORM_indirect, "\x16\x16\x16", 3}, {DW_FORM_indirect, "\x21", 1},
		{DW_FORM_indirect, "\xff\xff\x7f", 3}, {0x7777, "", 0}, {DW_FORM_string, "abc", 3},
		{DW_FORM_block, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10},
		{DW_FORM_block4, "\xff\xff\xff\xff", 4}, {DW_FORM_block2, "\x10\x10", 2},
		{DW_FORM_data16, "123456789abcdef", 15}};
	static const uint16_t names[] = {DW_AT_const_value};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		begin(0, 5);
		made_abbrev(&made, 1, DW_TAG_compile_unit, 1, DW_AT_const_value, bad[i].form, 0);
		made_abbrevs_end(&made);
		made_unit(&made, DW_UT_compile, 0, 0);
		out_u8(info, 1);
		out_bytes(info, bad[i].bytes, bad[i].len);
		made_unit_end(&made);
		made_open(&made);
		struct snap_dwarf_unit *unit = made_opened_unit(&made, 0);
		struct snap_attr attr;
		(void)snap_die_attrs((struct snap_die){unit, unit->dies}, names, &attr, 1);
		assert_false(snap_attr_is_there(&attr));
		assert_null(snap_attr_string(unit, &attr));
		made_end(&made);
	}
}

/* ---------------------------------------------------------------- names */

static const char *qualified(uint64_t off, char *buf, size_t size)
{
	struct snap_dwarf_name name;
	struct snap_dwarf_unit *unit = snap_dwarf_file_unit_at(made.dwarf, off, false);
	assert_non_null(unit);
	assert_true(snap_dwarf_unit_open(unit));
	snap_dwarf_name_read((struct snap_die){unit, off}, &name);
	assert_non_null(name.name);
	return snap_dwarf_qualify(name.declaration, name.name, buf, size) ? buf : NULL;
}

static uint64_t entry(uint64_t code, const char *name)
{
	uint64_t off = info->len;
	out_u8(info, code);
	if (name)
		out_string(info, name);
	return off;
}

static void test_names_and_their_scopes(void **state)
{
	(void)state;
	char buf[128];
	begin(0, 4);
	made_abbrev(&made, 1, DW_TAG_compile_unit, 1, DW_AT_language, DW_FORM_data1, 0);
	made_abbrev(&made, 2, DW_TAG_namespace, 1, DW_AT_name, DW_FORM_string, 0);
	made_abbrev(&made, 3, DW_TAG_namespace, 1, 0);
	made_abbrev(&made, 4, DW_TAG_class_type, 1, DW_AT_name, DW_FORM_string, 0);
	made_abbrev(&made, 5, DW_TAG_subprogram, 1, DW_AT_name, DW_FORM_string, 0);
	made_abbrev(&made, 6, DW_TAG_subprogram, 0, DW_AT_specification, DW_FORM_ref_addr, 0);
	made_abbrev(&made, 7, DW_TAG_class_type, 1, DW_AT_specification, DW_FORM_ref_addr, 0);
	made_abbrev(&made, 8, DW_TAG_structure_type, 1, 0);
	made_abbrev(&made, 9, DW_TAG_lexical_block, 1, 0);
	made_abbrevs_end(&made);
	made_unit(&made, DW_UT_compile, 0, 0);
	out_u8(info, 1);
	out_u8(info, DW_LANG_C_plus_plus);
	entry(2, "ns");
	uint64_t in_ns = entry(5, "f");
	entry(9, NULL);
	uint64_t in_block = entry(5, "nested");
	out_u8(info, 0);
	out_u16(info, 0); /* of the block, of f */
	entry(3, NULL);
	uint64_t anonymous = entry(5, "g");
	out_u8(info, 0);
	uint64_t class_decl = entry(4, "C");
	uint64_t in_class = entry(5, "m");
	out_u8(info, 0);
	out_u8(info, 0); /* C */
	out_u8(info, 0); /* anonymous */
	entry(8, NULL);
	uint64_t in_unnamed = entry(5, "u");
	out_u8(info, 0);
	out_u8(info, 0); /* unnamed */
	out_u8(info, 0); /* ns */
	uint64_t behind = entry(5, "h");
	out_u8(info, 0);
	uint64_t specified = info->len;
	out_u8(info, 6);
	out_u32(info, in_class);
	/* The class again, where its declaration is elsewhere. */
	out_u8(info, 7);
	out_u32(info, class_decl);
	uint64_t in_definition = entry(5, "late");
	out_u8(info, 0);
	out_u8(info, 0);
	out_u8(info, 0); /* unit */
	made_unit_end(&made);
	/* From another unit, and in C. */
	made_unit(&made, DW_UT_compile, 0, 0);
	out_u8(info, 1);
	out_u8(info, DW_LANG_C99);
	uint64_t far = info->len;
	out_u8(info, 6);
	out_u32(info, in_class);
	entry(2, "ns");
	uint64_t in_c = entry(5, "c");
	out_u8(info, 0);
	out_u16(info, 0);
	made_unit_end(&made);
	made_open(&made);
	assert_string_equal(qualified(in_ns, buf, sizeof(buf)), "ns::f");
	assert_string_equal(qualified(in_block, buf, sizeof(buf)), "ns::nested");
	assert_string_equal(qualified(anonymous, buf, sizeof(buf)), "ns::(anonymous namespace)::g");
	assert_string_equal(
		qualified(in_class, buf, sizeof(buf)), "ns::(anonymous namespace)::C::m");
	assert_string_equal(qualified(in_unnamed, buf, sizeof(buf)), "ns::u");
	assert_null(qualified(behind, buf, sizeof(buf)));
	assert_string_equal(
		qualified(specified, buf, sizeof(buf)), "ns::(anonymous namespace)::C::m");
	assert_string_equal(
		qualified(in_definition, buf, sizeof(buf)), "ns::(anonymous namespace)::C::late");
	assert_string_equal(qualified(far, buf, sizeof(buf)), "ns::(anonymous namespace)::C::m");
	assert_null(qualified(in_c, buf, sizeof(buf)));
	/* It fits with its NUL, or not at all. */
	assert_string_equal(qualified(in_ns, buf, 6), "ns::f");
	assert_null(qualified(in_ns, buf, 5));
	assert_null(qualified(in_ns, buf, 4));
	made_damage(&made, NULL);
	made_end(&made);
}

/* References in circles. */
static void test_names_in_circles(void **state)
{
	(void)state;
	char buf[64];
	begin(0, 4);
	made_abbrev(&made, 1, DW_TAG_compile_unit, 1, DW_AT_language, DW_FORM_data1, 0);
	made_abbrev(&made, 2, DW_TAG_namespace, 1, DW_AT_specification, DW_FORM_ref4, DW_AT_name,
		DW_FORM_string, 0);
	made_abbrev(&made, 3, DW_TAG_subprogram, 0, DW_AT_specification, DW_FORM_ref4, 0);
	made_abbrevs_end(&made);
	made_unit(&made, DW_UT_compile, 0, 0);
	out_u8(info, 1);
	out_u8(info, DW_LANG_C_plus_plus);
	out_u8(info, 2);
	size_t outer = info->len;
	out_u32(info, 0);
	out_string(info, "o");
	out_u8(info, 2);
	out_u32(info, outer - 1);
	out_string(info, "i");
	uint64_t function = info->len;
	out_patch(info, outer, outer + 6, 4);
	out_u8(info, 3);
	out_u32(info, function);
	out_u8(info, 0);
	out_u16(info, 0);
	made_unit_end(&made);
	made_open(&made);
	struct snap_dwarf_unit *unit = made_opened_unit(&made, 0);
	struct snap_dwarf_name name;
	snap_dwarf_name_read((struct snap_die){unit, function}, &name);
	assert_null(name.name);
	(void)snap_dwarf_qualify((struct snap_die){unit, function}, "f", buf, sizeof(buf));
	made_end(&made);
}

/* ---------------------------------------------------------------- packages */

/* A package of two units of each kind with an index of version 2 or 5. */
static void begin_package(size_t setting, uint16_t version, uint32_t num_slots)
{
	made_begin(&other, settings[setting].big_endian, version, settings[setting].address_size,
		settings[setting].offset_size);
	other.is_split = true;
	struct out *out = &other.sections[SNAP_DWARF_INFO];
	uint32_t offs[4][4] = {{0}};
	static const uint64_t ids[] = {0x1111111111111111, 0x2222222222222222};
	for (uint32_t i = 0; i < 2; i++) {
		offs[i][0] = (uint32_t)out->len;
		offs[i][1] = (uint32_t)other.sections[SNAP_DWARF_ABBREV].len;
		offs[i][2] = (uint32_t)other.sections[SNAP_DWARF_STR_OFFSETS].len;
		made_abbrev(&other, 1, DW_TAG_compile_unit, 1, DW_AT_name,
			version >= 5 ? DW_FORM_strx1 : DW_FORM_GNU_str_index, DW_AT_GNU_dwo_id,
			DW_FORM_data8, 0);
		made_abbrev(&other, 2, DW_TAG_subprogram, 0, DW_AT_name,
			version >= 5 ? DW_FORM_strx1 : DW_FORM_GNU_str_index, DW_AT_low_pc,
			version >= 5 ? DW_FORM_addrx : DW_FORM_GNU_addr_index, DW_AT_high_pc,
			DW_FORM_data1, 0);
		made_abbrevs_end(&other);
		made_unit(&other, version >= 5 ? DW_UT_split_compile : DW_UT_compile, 0, ids[i]);
		out_bytes(out, "\1\0", 2);
		out_u64(out, ids[i]);
		out_bytes(out, "\2\0\0\x10\0", 5);
		made_unit_end(&other);
		for (int j = 0; version >= 5 && j < (settings[setting].offset_size == 8 ? 16 : 8);
			j++)
			out_u8(&other.sections[SNAP_DWARF_STR_OFFSETS], 0);
		made_offset(&other, SNAP_DWARF_STR_OFFSETS, 4 * i);
	}
	out_bytes(&other.sections[SNAP_DWARF_STR], "one\0two", 8);
	struct out *index = &other.sections[SNAP_DWARF_CU_INDEX];
	if (version >= 5) {
		out_u16(index, 5);
		out_u16(index, 0);
	} else {
		out_u32(index, 2);
	}
	out_u32(index, 3);
	out_u32(index, 2);
	out_u32(index, num_slots);
	for (uint32_t i = 0; i < num_slots; i++)
		out_u64(index, i < 2 ? ids[1 - i] : 0);
	for (uint32_t i = 0; i < num_slots; i++)
		out_u32(index, i < 2 ? 2 - i : 0);
	out_u32(index, 1); /* DW_SECT_INFO, _ABBREV, _STR_OFFSETS */
	out_u32(index, 3);
	out_u32(index, 6);
	for (int i = 0; i < 2; i++)
		for (int j = 0; j < 3; j++)
			out_u32(index, offs[i][j]);
	for (int i = 0; i < 2; i++) {
		out_u32(index, i ? (uint32_t)out->len - offs[1][0] : offs[1][0]);
		out_u32(index, 1);
		out_u32(index, 1);
	}
}

static void test_package_of_split_units(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(settings) * 4; i++) {
		uint16_t version = i % 2 ? 5 : 4;
		begin_package(i / 4, version, i / 2 % 2 ? 2 : 8); /* full, or not */
		made_open(&other);
		assert_non_null(other.dwarf->package);
		for (int j = 0; j < 2; j++) {
			struct snap_dwarf_unit *unit = snap_dwarf_file_split_unit(
				other.dwarf, j ? 0x2222222222222222 : 0x1111111111111111);
			assert_ptr_equal(unit, snap_dwarf_file_unit(other.dwarf, (size_t)j));
			static const uint16_t names[] = {DW_AT_name};
			struct snap_attr attr;
			assert_non_null(snap_die_attrs(
				(struct snap_die){unit, unit->dies}, names, &attr, 1));
			assert_string_equal(snap_attr_string(unit, &attr), j ? "two" : "one");
		}
		assert_null(snap_dwarf_file_split_unit(other.dwarf, 0));
		assert_null(snap_dwarf_file_split_unit(other.dwarf, 0x3333333333333333));
		assert_null(snap_dwarf_file_split_unit(other.dwarf, UINT64_MAX));
		made_end(&other);
	}
}

/* One object file that was linked twice: its unit has the addresses of whoever asks. */
static void test_package_unit_of_two_skeletons(void **state)
{
	(void)state;
	begin_package(0, 5, 2);
	begin(0, 5);
	made_abbrev(&made, 1, DW_TAG_skeleton_unit, 0, DW_AT_addr_base, DW_FORM_data1, DW_AT_low_pc,
		DW_FORM_addr, DW_AT_high_pc, DW_FORM_data1, 0);
	made_abbrevs_end(&made);
	for (uint64_t i = 0; i < 2; i++) {
		made_unit(&made, DW_UT_skeleton, 0, 0x2222222222222222);
		out_u8(info, 1);
		out_u8(info, 8 * i);
		out_u64(info, 0x1000 + 0x1000 * i);
		out_u8(info, 16);
		made_unit_end(&made);
		out_u64(&made.sections[SNAP_DWARF_ADDR], 0x1000 + 0x1000 * i);
	}
	const struct snap_split_source split = made_split(&other);
	struct snap_elf_file *elf = made_elf(&made, SNAP_DWARF_INFO);
	struct snap_name_pool pool;
	struct snap_debug_info *debug;
	snap_name_pool_init(&pool);
	assert_int_equal(snap_debug_info_create(elf, NULL, &split, &pool, &debug, NULL), 0);
	static const size_t order[] = {0, 1, 0, 0, 1};
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		struct snap_bytes bytes;
		struct snap_unit_table table;
		struct snap_unit_frame frame;
		bool is_whole;
		assert_int_equal(snap_debug_info_table(debug, order[i], &bytes, &is_whole), 0);
		assert_true(is_whole && snap_unit_table_open(bytes, &table));
		uint64_t addr = 0x1000 + 0x1000 * order[i];
		assert_int_equal(snap_unit_table_find(&table, addr + 5, &frame, 1), 1);
		assert_int_equal(frame.start, addr);
		assert_string_equal(snap_name_pool_shown(&pool, frame.name - 1), "two");
		free((void *)(uintptr_t)bytes.data);
	}
	snap_debug_info_destroy(debug);
	snap_name_pool_deinit(&pool);
	snap_elf_file_destroy(elf);
	made_end(&made);
	made_end(&other);
}

/* A skeleton and the package that it asks for. */
static void test_package_damage(void **state)
{
	(void)state;
	for (uint16_t version = 4; version <= 5; version++) {
		begin_package(0, version, 2);
		begin(0, version);
		made_abbrev(&made, 1, version >= 5 ? DW_TAG_skeleton_unit : DW_TAG_compile_unit, 0,
			DW_AT_GNU_dwo_name, DW_FORM_string, DW_AT_GNU_dwo_id, DW_FORM_data8,
			DW_AT_GNU_addr_base, DW_FORM_data1, DW_AT_low_pc, DW_FORM_addr,
			DW_AT_high_pc, DW_FORM_data1, 0);
		made_abbrevs_end(&made);
		made_unit(&made, version >= 5 ? DW_UT_skeleton : DW_UT_compile, 0,
			0x2222222222222222);
		out_u8(info, 1);
		out_string(info, "x.dwo");
		out_u64(info, 0x2222222222222222);
		out_u8(info, 0);
		out_u64(info, 0x1000);
		out_u8(info, 16);
		made_unit_end(&made);
		out_u64(&made.sections[SNAP_DWARF_ADDR], 0x1000);
		made_damage(&made, &other);
		made_end(&made);
		made_end(&other);
	}
}

/* ---------------------------------------------------------------- damage */

/* A bit of everything, in each version. */
static void test_damage_of_entries(void **state)
{
	(void)state;
	for (uint16_t version = 2; version <= 5; version++) {
		uint64_t other_entry = begin_other(0);
		begin(0, version);
		made_abbrev(&made, 1, DW_TAG_compile_unit, 1, DW_AT_language, DW_FORM_data1,
			DW_AT_addr_base, DW_FORM_data1, DW_AT_rnglists_base, DW_FORM_data1,
			DW_AT_ranges, version >= 5 ? DW_FORM_rnglistx : DW_FORM_data4, 0);
		made_abbrev(&made, 2, DW_TAG_subprogram, 1, DW_AT_name, DW_FORM_string,
			DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc, DW_FORM_data1, DW_AT_sibling,
			DW_FORM_ref1, 0);
		made_abbrev(&made, 3, DW_TAG_inlined_subroutine, 1, DW_AT_abstract_origin,
			DW_FORM_GNU_ref_alt, DW_AT_ranges,
			version >= 5 ? DW_FORM_sec_offset : DW_FORM_data4, DW_AT_call_file,
			DW_FORM_indirect, DW_AT_call_line, DW_FORM_udata, 0);
		made_abbrev(&made, 4, version >= 5 ? DW_TAG_call_site : DW_TAG_GNU_call_site, 0,
			version >= 5 ? DW_AT_call_return_pc : DW_AT_low_pc, DW_FORM_addrx,
			version >= 5 ? DW_AT_call_origin : DW_AT_abstract_origin, DW_FORM_ref_addr,
			version >= 5 ? DW_AT_call_tail_call : DW_AT_GNU_tail_call,
			DW_FORM_flag_present, 0);
		made_abbrevs_end(&made);
		made_unit(&made, DW_UT_compile, 0, 0);
		out_u8(info, 1);
		out_bytes(info, "\4\0\0", 3);
		if (version >= 5)
			out_u8(info, 0);
		else
			out_u32(info, 0);
		size_t function = info->len;
		out_u8(info, 2);
		out_string(info, "f");
		out_u64(info, 0x1000);
		out_u8(info, 0x40);
		size_t sibling = info->len;
		out_u8(info, 0);
		out_u8(info, 3);
		out_u32(info, other_entry);
		out_u32(info, version >= 5 ? 4 : 0);
		out_bytes(info, "\x0b\1\5", 3);
		out_u8(info, 4);
		out_u8(info, 0);
		out_number(info, function, version == 2 ? 8 : 4);
		out_u16(info, 0);
		out_patch(info, sibling, info->len - made.unit_begun, 1);
		out_u8(info, 0);
		made_unit_end(&made);
		out_u64(&made.sections[SNAP_DWARF_ADDR], 0x1040);
		out_u64(&made.sections[SNAP_DWARF_RANGES], 0x1010);
		out_u64(&made.sections[SNAP_DWARF_RANGES], 0x1020);
		struct out *lists = &made.sections[SNAP_DWARF_RNGLISTS];
		out_u32(lists, 4);
		out_u8(lists, DW_RLE_start_length);
		out_u64(lists, 0x1010);
		out_ulebs(lists, 0x10, DW_RLE_startx_length, 0, 1, 0);
		made_damage(&made, &other);
		made_end(&made);
		made_end(&other);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_abbrevs_by_code),
		cmocka_unit_test(test_units_of_every_kind),
		cmocka_unit_test(test_units_met_alone),
		cmocka_unit_test(test_attributes_of_every_form),
		cmocka_unit_test(test_attributes_that_lead_nowhere),
		cmocka_unit_test(test_names_and_their_scopes),
		cmocka_unit_test(test_names_in_circles),
		cmocka_unit_test(test_package_of_split_units),
		cmocka_unit_test(test_package_unit_of_two_skeletons),
		cmocka_unit_test(test_package_damage),
		cmocka_unit_test(test_damage_of_entries),
	};
	return cmocka_run_group_tests_name("dwarf_file", tests, NULL, NULL);
}
