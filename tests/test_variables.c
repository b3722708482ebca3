/* analyze/variables: what expressions make of registers and memory, and what values look like. */
#include "analyze/variables/evaluate.h"
#include "analyze/variables/print.h"
#include "analyze/variables/shape.h"
#include "analyze/variables/types.h"

#include "tests/lib/made_dwarf.h"

#include <dwarf.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY 0x7000

static struct made made;
static struct snap_crash crash;
static struct snap_views views;
static struct snap_crash_thread thread;
static struct snap_frame frame;
static struct snap_view view;
static uint64_t regs[SNAP_ARCH_MAX_DWARF_REGS];
static uint8_t memory[256];
static struct snap_location location;
static struct {
	uint64_t integer, byte, real, single, point, flags, size, bits, numbers, letters, pointer,
		text, truth, either, function, base;
	uint64_t counted, from, computed, rows, columns; /* arrays */
	uint64_t quad, extended, string, elsewhere, range, short_range, colours, utf8, octet;
	uint64_t wide, short_wide, half, whole, aliased; /* characters */
	uint64_t wide_pointer, half_pointer, whole_array, half_array, no_wide;
} types;

/* The entry at an offset of the unit. */
static struct snap_die die(uint64_t off)
{
	return (struct snap_die){view.unit, view.unit->off + off};
}

static uint64_t here(void)
{
	return made.sections[SNAP_DWARF_INFO].len - made.unit_begun;
}

static uint64_t base_type(const char *name, uint8_t size, uint8_t encoding)
{
	struct out *info = &made.sections[SNAP_DWARF_INFO];
	uint64_t off = here();
	out_uleb(info, 2);
	out_string(info, name);
	out_u8(info, size);
	out_u8(info, encoding);
	return off;
}

static void member(const char *name, uint64_t type, uint64_t off)
{
	struct out *info = &made.sections[SNAP_DWARF_INFO];
	out_uleb(info, 4);
	out_string(info, name);
	out_u32(info, type);
	out_uleb(info, off);
}

/* An array of element, with one range: of an abbreviation, whose values are so many bytes. */
static uint64_t array_type(
	uint64_t element, unsigned int abbreviation, const uint8_t *values, size_t len)
{
	struct out *info = &made.sections[SNAP_DWARF_INFO];
	uint64_t off = here();
	out_uleb(info, 9);
	out_u32(info, element);
	out_uleb(info, abbreviation);
	for (size_t i = 0; i < len; i++)
		out_u8(info, values[i]);
	out_uleb(info, 0);
	return off;
}

static uint64_t pointer_to(uint64_t type)
{
	uint64_t off = here();
	out_uleb(&made.sections[SNAP_DWARF_INFO], 11);
	out_u32(&made.sections[SNAP_DWARF_INFO], type);
	return off;
}

static uint64_t alias_of(const char *name, uint64_t type)
{
	uint64_t off = here();
	out_uleb(&made.sections[SNAP_DWARF_INFO], 21);
	out_string(&made.sections[SNAP_DWARF_INFO], name);
	out_u32(&made.sections[SNAP_DWARF_INFO], type);
	return off;
}

static void make_types(void)
{
	struct out *info = &made.sections[SNAP_DWARF_INFO];
	types.integer = base_type("int", 4, DW_ATE_signed);
	types.byte = base_type("char", 1, DW_ATE_signed_char);
	types.real = base_type("double", 8, DW_ATE_float);
	types.single = base_type("float", 4, DW_ATE_float);
	types.truth = base_type("bool", 1, DW_ATE_boolean);
	types.base = types.integer;
	types.point = here();
	out_uleb(info, 3);
	out_string(info, "point");
	out_u8(info, 8);
	member("x", types.integer, 0);
	member("y", types.integer, 4);
	out_uleb(info, 0);
	types.flags = here();
	out_uleb(info, 5);
	out_string(info, "flags");
	out_u8(info, 4);
	out_u32(info, types.integer);
	static const char *const names[] = {"A", "B", "C"};
	for (unsigned int i = 0; i < 3; i++) {
		out_uleb(info, 6);
		out_string(info, names[i]);
		out_u8(info, 1u << i);
	}
	out_uleb(info, 0);
	types.bits = here();
	out_uleb(info, 3);
	out_string(info, "bits");
	out_u8(info, 4);
	for (unsigned int i = 0; i < 2; i++) {
		out_uleb(info, i == 0 ? 7 : 8); /* data_bit_offset 3; bit_offset 32 - 3 - 5 */
		out_string(info, i == 0 ? "new" : "old");
		out_u32(info, types.integer);
		out_u8(info, 5);
		out_u8(info, i == 0 ? 3 : 24);
	}
	out_uleb(info, 0);
	types.numbers = array_type(types.integer, 10, (const uint8_t[]){29}, 1);
	types.letters = array_type(types.byte, 10, (const uint8_t[]){7}, 1);
	types.counted = array_type(types.integer, 13, (const uint8_t[]){12}, 1);
	types.from = array_type(types.integer, 14, (const uint8_t[]){0x7e /* -2 */, 9}, 2);
	types.computed = array_type(types.integer, 15, (const uint8_t[]){1, DW_OP_lit7}, 2);
	for (unsigned int i = 0; i < 2; i++) {
		*(i == 0 ? &types.rows : &types.columns) = here();
		out_uleb(info, i == 0 ? 9 : 16);
		out_u32(info, types.integer);
		if (i == 1)
			out_u8(info, DW_ORD_col_major);
		out_uleb(info, 13);
		out_u8(info, 2);
		out_uleb(info, 13);
		out_u8(info, 3);
		out_uleb(info, 0);
	}
	types.utf8 = base_type("char8_t", 1, DW_ATE_unsigned);
	types.octet = base_type("octet", 1, DW_ATE_unsigned);
	types.quad = base_type("real(kind=16)", 16, DW_ATE_float);
	types.extended = base_type("long double", 16, DW_ATE_float);
	types.string = here();
	out_uleb(info, 17);
	out_u8(info, 8);
	types.elsewhere = here();
	out_uleb(info, 18);
	out_u8(info, 8);
	out_uleb(info, 1);
	out_u8(info, DW_OP_call_frame_cfa);
	/* Ada's subtypes: of integers, of integers in less room, of an enumeration's values */
	types.range = here();
	out_uleb(info, 19);
	out_u32(info, types.integer);
	types.short_range = here();
	out_uleb(info, 20);
	out_u32(info, types.integer);
	out_u8(info, 1);
	types.colours = here();
	out_uleb(info, 19);
	out_u32(info, types.flags);
	types.pointer = pointer_to(types.integer);
	types.text = pointer_to(types.byte);
	types.wide = base_type("wchar_t", 4, DW_ATE_signed);
	types.short_wide = base_type("wchar_t", 2, DW_ATE_unsigned);
	types.half = base_type("char16_t", 2, DW_ATE_UTF);
	types.whole = base_type("char32_t", 4, DW_ATE_UTF);
	types.no_wide = base_type("char16_t", 4, DW_ATE_unsigned);
	/* As C has it: a name of a name of a number. */
	uint64_t number = base_type("short unsigned int", 2, DW_ATE_unsigned);
	uint64_t inner = alias_of("__uint_least16_t", number), outer = alias_of("char16_t", inner);
	types.aliased = alias_of("letter", outer);
	types.wide_pointer = pointer_to(types.wide);
	types.half_pointer = pointer_to(types.aliased);
	types.whole_array = array_type(types.whole, 10, (const uint8_t[]){5}, 1);
	types.half_array = array_type(types.half, 10, (const uint8_t[]){249}, 1);
}

static void begin(void)
{
	made_begin(&made, false, 5, 8, 4);
	made_abbrev(&made, 1, DW_TAG_compile_unit, 1, DW_AT_language, DW_FORM_data1, 0);
	made_abbrev(&made, 2, DW_TAG_base_type, 0, DW_AT_name, DW_FORM_string, DW_AT_byte_size,
		DW_FORM_data1, DW_AT_encoding, DW_FORM_data1, 0);
	made_abbrev(&made, 3, DW_TAG_structure_type, 1, DW_AT_name, DW_FORM_string, DW_AT_byte_size,
		DW_FORM_data1, 0);
	made_abbrev(&made, 4, DW_TAG_member, 0, DW_AT_name, DW_FORM_string, DW_AT_type,
		DW_FORM_ref4, DW_AT_data_member_location, DW_FORM_udata, 0);
	made_abbrev(&made, 5, DW_TAG_enumeration_type, 1, DW_AT_name, DW_FORM_string,
		DW_AT_byte_size, DW_FORM_data1, DW_AT_type, DW_FORM_ref4, 0);
	made_abbrev(&made, 6, DW_TAG_enumerator, 0, DW_AT_name, DW_FORM_string, DW_AT_const_value,
		DW_FORM_data1, 0);
	made_abbrev(&made, 7, DW_TAG_member, 0, DW_AT_name, DW_FORM_string, DW_AT_type,
		DW_FORM_ref4, DW_AT_bit_size, DW_FORM_data1, DW_AT_data_bit_offset, DW_FORM_data1,
		0);
	made_abbrev(&made, 8, DW_TAG_member, 0, DW_AT_name, DW_FORM_string, DW_AT_type,
		DW_FORM_ref4, DW_AT_bit_size, DW_FORM_data1, DW_AT_bit_offset, DW_FORM_data1, 0);
	made_abbrev(&made, 9, DW_TAG_array_type, 1, DW_AT_type, DW_FORM_ref4, 0);
	made_abbrev(&made, 10, DW_TAG_subrange_type, 0, DW_AT_upper_bound, DW_FORM_data1, 0);
	made_abbrev(&made, 11, DW_TAG_pointer_type, 0, DW_AT_type, DW_FORM_ref4, 0);
	made_abbrev(&made, 12, DW_TAG_subprogram, 0, DW_AT_frame_base, DW_FORM_exprloc, 0);
	made_abbrev(&made, 13, DW_TAG_subrange_type, 0, DW_AT_count, DW_FORM_data1, 0);
	made_abbrev(&made, 14, DW_TAG_subrange_type, 0, DW_AT_lower_bound, DW_FORM_sdata,
		DW_AT_upper_bound, DW_FORM_data1, 0);
	made_abbrev(&made, 15, DW_TAG_subrange_type, 0, DW_AT_upper_bound, DW_FORM_exprloc, 0);
	made_abbrev(&made, 16, DW_TAG_array_type, 1, DW_AT_type, DW_FORM_ref4, DW_AT_ordering,
		DW_FORM_data1, 0);
	made_abbrev(&made, 17, DW_TAG_string_type, 0, DW_AT_byte_size, DW_FORM_data1, 0);
	made_abbrev(&made, 18, DW_TAG_string_type, 0, DW_AT_byte_size, DW_FORM_data1,
		DW_AT_string_length, DW_FORM_exprloc, 0);
	made_abbrev(&made, 19, DW_TAG_subrange_type, 0, DW_AT_type, DW_FORM_ref4, 0);
	made_abbrev(&made, 20, DW_TAG_subrange_type, 0, DW_AT_type, DW_FORM_ref4, DW_AT_byte_size,
		DW_FORM_data1, 0);
	made_abbrev(&made, 21, DW_TAG_typedef, 0, DW_AT_name, DW_FORM_string, DW_AT_type,
		DW_FORM_ref4, 0);
	made_abbrevs_end(&made);
	made_unit(&made, DW_UT_compile, 0, 0);
	struct out *info = &made.sections[SNAP_DWARF_INFO];
	out_uleb(info, 1);
	out_u8(info, DW_LANG_C11);
	make_types();
	types.function = here();
	out_uleb(info, 12);
	out_uleb(info, 1);
	out_u8(info, DW_OP_call_frame_cfa);
	out_uleb(info, 0);
	made_unit_end(&made);
	made_open(&made);

	snap_crash_init(&crash, "test");
	crash.arch = snap_arch_find(EM_X86_64, ELFCLASS64, ELFDATA2LSB);
	for (size_t i = 0; i < sizeof(memory); i++)
		memory[i] = (uint8_t)i;
	const struct snap_memory_segment segment = {
		.start = MEMORY, .len = sizeof(memory), .data = memory};
	assert_int_equal(snap_memory_add(&crash.memory, &segment, NULL), 0);
	assert_int_equal(snap_memory_finish(&crash.memory, NULL), 0);
	snap_views_init(&views, &crash);
	frame = (struct snap_frame){.cfa = MEMORY + 0x40, .has_cfa = true, .regs = regs};
	thread = (struct snap_crash_thread){.frames = &frame, .num_frames = 1};
	regs[3] = MEMORY;
	regs[6] = 0x1122334455667788;
	view = (struct snap_view){
		.views = &views,
		.arch = crash.arch,
		.thread = &thread,
		.frame = &frame,
		.known_regs = 1 << 3 | 1 << 6,
		.unit = made_opened_unit(&made, 0),
		.load_bias = 0x5000,
	};
	view.function = die(types.function);
}

static void end(void)
{
	snap_crash_deinit(&crash);
	made_end(&made);
}

static const struct snap_piece *evaluate(const uint8_t *bytes, size_t len)
{
	/* A copy, so that a read beyond its end is seen. */
	static uint8_t *copy;
	free(copy);
	copy = malloc(len ? len : 1);
	assert_non_null(copy);
	if (len > 0)
		memcpy(copy, bytes, len);
	memset(&location, 0x5a, sizeof(location));
	snap_evaluate_location(&view, view.unit, snap_bytes(copy, len), NULL, &location);
	return &location.pieces[0];
}
#define EVALUATE(...)                                                                              \
	evaluate((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void assert_address(const struct snap_piece *piece, uint64_t address)
{
	assert_true(location.is_whole);
	assert_int_equal(piece->kind, SNAP_PIECE_MEMORY);
	assert_int_equal(piece->address, address);
}

static void assert_value(const struct snap_piece *piece, uint64_t value)
{
	assert_true(location.is_whole);
	assert_int_equal(piece->kind, SNAP_PIECE_VALUE);
	uint8_t bytes[8] = {0};
	memcpy(bytes, piece->value, piece->value_len);
	assert_int_equal(snap_arch_load(crash.arch, bytes, 8), value);
}

static void assert_lacks(const struct snap_piece *piece, enum snap_bits bits)
{
	assert_true(location.is_whole);
	assert_int_equal(piece->kind, SNAP_PIECE_NOTHING);
	assert_int_equal(piece->bits, bits);
}

static void test_variables_addresses(void **state)
{
	(void)state;
	begin();
	assert_address(EVALUATE(DW_OP_addr, 1, 2, 0, 0, 0, 0, 0, 0), 0x5201);
	assert_address(EVALUATE(DW_OP_fbreg, 0x70), MEMORY + 0x40 - 16);
	assert_address(EVALUATE(DW_OP_breg3, 5), MEMORY + 5);
	assert_address(EVALUATE(DW_OP_bregx, 3, 0x7f), MEMORY - 1);
	assert_address(EVALUATE(DW_OP_breg3, 0, DW_OP_deref), 0x0706050403020100);
	assert_address(EVALUATE(DW_OP_breg3, 1, DW_OP_deref_size, 3), 0x030201);
	assert_lacks(EVALUATE(DW_OP_breg0, 5), SNAP_BITS_NOT_CAPTURED);
	assert_lacks(EVALUATE(DW_OP_lit1, DW_OP_deref), SNAP_BITS_NOT_CAPTURED);
	assert_true(location.pieces[0].has_address);
	assert_int_equal(location.pieces[0].address, 1);
	frame.has_cfa = false;
	assert_lacks(EVALUATE(DW_OP_fbreg, 0x70), SNAP_BITS_NOT_CAPTURED);
	assert_lacks(evaluate(NULL, 0), SNAP_BITS_OPTIMIZED_OUT);
	assert_lacks(EVALUATE(DW_OP_lit0, DW_OP_form_tls_address), SNAP_BITS_NOT_CAPTURED);
	end();
}

static void test_variables_values(void **state)
{
	(void)state;
	begin();
	assert_value(EVALUATE(DW_OP_const1s, 0xff, DW_OP_stack_value), UINT64_MAX);
	assert_value(EVALUATE(DW_OP_lit7, DW_OP_const1s, 0xfe, DW_OP_div, DW_OP_stack_value),
		(uint64_t)-3);
	assert_value(EVALUATE(DW_OP_lit7, DW_OP_lit2, DW_OP_lt, DW_OP_stack_value), 0);
	assert_value(
		EVALUATE(DW_OP_lit1, DW_OP_bra, 1, 0, DW_OP_lit5, DW_OP_lit6, DW_OP_stack_value),
		6);
	/* Of types: 200 as a char is negative, and as an int again -56. */
	const uint8_t byte = (uint8_t)types.byte, integer = (uint8_t)types.integer,
		      real = (uint8_t)types.real;
	assert_true(types.real < 128); /* they are LEB128 numbers of a byte */
	assert_value(EVALUATE(DW_OP_const1u, 200, DW_OP_convert, byte, DW_OP_convert, integer,
			     DW_OP_stack_value),
		(uint32_t)-56);
	/* 5 / 2.0 */
	assert_value(EVALUATE(DW_OP_lit5, DW_OP_convert, real, DW_OP_lit2, DW_OP_convert, real,
			     DW_OP_div, DW_OP_stack_value),
		0x4004000000000000);
	assert_value(EVALUATE(DW_OP_regval_type, 6, integer, DW_OP_stack_value), 0x55667788);
	assert_value(EVALUATE(DW_OP_breg3, 0, DW_OP_deref_type, 4, integer, DW_OP_stack_value),
		0x03020100);
	assert_value(
		EVALUATE(DW_OP_const_type, integer, 4, 1, 2, 3, 4, DW_OP_stack_value), 0x04030201);
	/* Operands of two types; no base type. */
	assert_lacks(EVALUATE(DW_OP_lit5, DW_OP_convert, real, DW_OP_lit2, DW_OP_plus,
			     DW_OP_stack_value),
		SNAP_BITS_ERROR);
	assert_lacks(EVALUATE(DW_OP_lit5, DW_OP_convert, 1, DW_OP_stack_value), SNAP_BITS_ERROR);
	end();
}

static void test_variables_malformed(void **state)
{
	(void)state;
	begin();
	assert_lacks(EVALUATE(DW_OP_plus), SNAP_BITS_ERROR);
	assert_lacks(EVALUATE(DW_OP_addr, 1, 2), SNAP_BITS_ERROR);
	assert_lacks(EVALUATE(DW_OP_lit1, DW_OP_lit0, DW_OP_div), SNAP_BITS_ERROR);
	assert_lacks(EVALUATE(DW_OP_skip, 0xfd, 0xff), SNAP_BITS_ERROR); /* for ever */
	assert_lacks(EVALUATE(DW_OP_skip, 0x10, 0), SNAP_BITS_ERROR);
	assert_lacks(EVALUATE(0xff), SNAP_BITS_ERROR);
	assert_lacks(EVALUATE(DW_OP_implicit_value, 9, 1), SNAP_BITS_ERROR);
	assert_lacks(EVALUATE(DW_OP_entry_value, 1, DW_OP_reg5), SNAP_BITS_OPTIMIZED_OUT);
	/* The stack is full. */
	uint8_t many[100];
	memset(many, DW_OP_lit1, sizeof(many));
	assert_lacks(evaluate(many, sizeof(many)), SNAP_BITS_ERROR);
	/* A frame base that is itself a location in the frame. */
	memset(many, DW_OP_nop, sizeof(many));
	views.left.steps = 50;
	assert_lacks(evaluate(many, sizeof(many)), SNAP_BITS_ERROR);
	assert_int_equal(views.left.steps, 0);
	end();
}

/* ---------------------------------------------------------------- values */

static char text_buf[4096];

static struct snap_print_counts print(uint64_t type)
{
	struct snap_text text;
	struct snap_print_counts counts;
	snap_text_init(&text, text_buf, sizeof(text_buf));
	snap_print_value(&view, die(type), &location, &text, &counts);
	return counts;
}

static void assert_prints(uint64_t type, const char *expected)
{
	(void)print(type);
	assert_string_equal(text_buf, expected);
}

static void at(uint64_t address)
{
	location = (struct snap_location){.is_whole = true, .num_pieces = 1};
	location.pieces[0] = (struct snap_piece){.kind = SNAP_PIECE_MEMORY, .address = address};
}

static void test_variables_print_memory(void **state)
{
	(void)state;
	begin();
	at(MEMORY);
	assert_prints(types.integer, "50462976");
	assert_prints(types.point, "{x = 50462976, y = 117835012}");
	memory[0] = 'a';
	assert_prints(types.byte, "97 'a'");
	assert_prints(types.utf8, "97 'a'");
	assert_prints(types.octet, "97");
	memory[0] = 1;
	assert_prints(types.truth, "true");
	memory[0] = 5;
	memory[1] = memory[2] = memory[3] = 0;
	assert_prints(types.flags, "(A | C)");
	memory[0] = 0x42;
	assert_prints(types.flags, "(B | unknown: 0x40)");
	memory[0] = 2;
	assert_prints(types.flags, "B");
	/* Both are bits 3 to 7: 10110 is -10. */
	memory[0] = 0xb0;
	assert_prints(types.bits, "{new = -10, old = -10}");
	memset(memory, 0, sizeof(memory));
	memory[4 * 29] = 9;
	assert_prints(types.numbers, "{0 <repeats 29 times>, 9}");
	memory[4 * 20] = 7;
	assert_prints(types.numbers, "{0 <repeats 20 times>, 7, 0, 0, 0, 0, 0, 0, 0, 0, 9}");
	memcpy(memory, "ab\n\"\1\0\0\0", 8);
	assert_prints(types.letters, "\"ab\\n\\\"\\001\\000\\000\"");
	memcpy(memory, "\x18\x2d\x44\x54\xfb\x21\x09\x40", 8);
	assert_prints(types.real, "3.1415926535897931");
	memcpy(memory, "\x10\x70\0\0\0\0\0\0", 8);
	memcpy(memory + 0x10, "text", 5);
	assert_prints(types.pointer, "0x7010");
	assert_prints(types.text, "0x7010 \"text\"");
	memset(memory, 0, 8);
	assert_prints(types.text, "0x0");
	end();
}

#define WIDE 0x20000
static union {
	uint8_t bytes[512];
	uint16_t halves[256];
	uint32_t wholes[128];
} wide;

static void begin_wide(void)
{
	begin();
	const struct snap_memory_segment segment = {
		.start = WIDE, .len = sizeof(wide), .data = wide.bytes};
	assert_int_equal(snap_memory_add(&crash.memory, &segment, NULL), 0);
	assert_int_equal(snap_memory_finish(&crash.memory, NULL), 0);
	memset(wide.bytes, 0, sizeof(wide));
	at(WIDE);
}

static void test_variables_print_wide_characters(void **state)
{
	(void)state;
	static const struct {
		uint32_t code;
		const char *shown;
	} cases[] = {
		{'a', "97 U'a'"},
		{'"', "34 U'\"'"},
		{'\'', "39 U'\\''"},
		{'\\', "92 U'\\\\'"},
		{0, "0 U'\\000'"},
		{'\n', "10 U'\\n'"},
		{0x1b, "27 U'\\033'"},
		{0x7f, "127 U'\\177'"},
		{0x9b, "155 U'\\233'"},
		{0xe9, "233 U'\xc3\xa9'"},
		{0x4e2d, "20013 U'\xe4\xb8\xad'"},
		{0xd7ff, "55295 U'\xed\x9f\xbf'"},
		{0xd800, "55296 U'\\xd800'"},
		{0xdfff, "57343 U'\\xdfff'"},
		{0xe000, "57344 U'\xee\x80\x80'"},
		{0x202e, "8238 U'\\x202e'"},
		{0xfdd0, "64976 U'\\xfdd0'"},
		{0xfeff, "65279 U'\\xfeff'"},
		{0xffff, "65535 U'\\xffff'"},
		{0x1f600, "128512 U'\xf0\x9f\x98\x80'"},
		{0x1fffe, "131070 U'\\x1fffe'"},
		{0x10fffd, "1114109 U'\xf4\x8f\xbf\xbd'"},
		{0x110000, "1114112 U'\\x110000'"},
		{UINT32_MAX, "4294967295 U'\\xffffffff'"},
	};
	begin_wide();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		wide.wholes[0] = cases[i].code;
		assert_prints(types.whole, cases[i].shown);
	}
	assert_prints(types.wide, "-1 L'\\xffffffff'");
	wide.wholes[0] = 0x4e2d;
	assert_prints(types.wide, "20013 L'\xe4\xb8\xad'");
	assert_prints(types.half, "20013 u'\xe4\xb8\xad'");
	assert_prints(types.short_wide, "20013 L'\xe4\xb8\xad'");
	assert_prints(types.aliased, "20013 u'\xe4\xb8\xad'");
	assert_prints(types.no_wide, "20013"); /* of another size */
	wide.wholes[0] = 0xd83d;
	assert_prints(types.half, "55357 u'\\xd83d'");
	end();
}

static void test_variables_print_wide_text(void **state)
{
	(void)state;
	begin_wide();
	memcpy(wide.wholes, (const uint32_t[]){'a', 0x110000, 'b', 0x4e2d, 'x', 0}, 24);
	assert_prints(types.whole_array, "U\"a\\x110000\\142\xe4\xb8\xadx\"");
	memcpy(wide.wholes, (const uint32_t[]){0xd800, 'g', 0xd800, 0, '1', 0x85}, 24);
	assert_prints(types.whole_array, "U\"\\xd800g\\xd800\\0001\\205\"");
	memset(wide.bytes, 0, 24);
	assert_prints(types.whole_array, "U\"\\000\\000\\000\\000\\000\"");
	/* Pairs, their halves, and many of each. */
	memcpy(wide.halves, (const uint16_t[]){0xd83d, 0xde00, 0xde00, 0xd83d, 'a', 'z', 0xd83d},
		14);
	for (size_t i = 8; i < 28; i++)
		wide.halves[i] = i % 2 ? 0xde00 : 0xd83d;
	for (size_t i = 28; i < 50; i++)
		wide.halves[i] = i % 2 ? 0xde01 : 0xd83d;
	wide.halves[249] = 1;
	assert_prints(types.half_array,
		"u\"\xf0\x9f\x98\x80\\xde00\\xd83d\\141z\\xd83d\\000"
		"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80"
		"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\""
		", "
		"'\xf0\x9f\x98\x81' <repeats 11 times>, '\\000' <repeats 199 times>, \"\\001\"");
	for (size_t i = 0; i < 12; i++)
		wide.halves[i] = 0xd83d;
	wide.halves[12] = 0xde00;
	(void)print(types.half_array);
	static const char begins[] = "u'\\xd83d' <repeats 11 times>, \"\xf0\x9f\x98\x80";
	assert_memory_equal(text_buf, begins, strlen(begins));
	/* Of 250 that all differ, 200 are shown. */
	for (size_t i = 0; i < 250; i++)
		wide.halves[i] = (uint16_t)('a' + i % 2);
	(void)print(types.half_array);
	assert_int_equal(strlen(text_buf), 206);
	assert_memory_equal(text_buf, "u\"abab", 6);
	assert_string_equal(text_buf + 198, "abab\"...");
	/* So they are where the last one was not captured; and not half of one. */
	at(WIDE + 14);
	(void)print(types.half_array);
	assert_int_equal(strlen(text_buf), 206);
	assert_string_equal(text_buf + 198, "baba\"...");
	wide.halves[206] = 0xd83d;
	wide.halves[207] = 0xde00;
	(void)print(types.half_array);
	assert_string_equal(text_buf + 197, "abab\"...");
	end();
}

static void test_variables_print_wide_pointers(void **state)
{
	(void)state;
	begin_wide();
	const uint64_t end_addr = WIDE + sizeof(wide);
	uint64_t addr = WIDE + 16;
	memcpy(wide.bytes, &addr, 8);
	memcpy(wide.wholes + 4, (const uint32_t[]){'g', 0xfc, 0}, 12);
	struct snap_print_counts counts = print(types.wide_pointer);
	assert_string_equal(text_buf, "0x20010 L\"g\xc3\xbc\"");
	assert_int_equal(counts.num[SNAP_BITS_NOT_CAPTURED], 0);
	assert_prints(types.half_pointer, "0x20010 u\"g\"");
	memset(wide.bytes, 0, 8);
	assert_prints(types.wide_pointer, "0x0");
	/* Without a NUL, up to where it was captured, which may be within a character. */
	wide.wholes[125] = wide.wholes[126] = wide.wholes[127] = 'x';
	static const struct {
		uint64_t left;
		const char *shown;
	} ends[] = {
		{0, "0x20200 <not captured>"},
		{3, "0x201fd <not captured>"},
		{4, "0x201fc L\"x\"... <not captured further>"},
		{6, "0x201fa L\"\\x780000\"... <not captured further>"},
		{8, "0x201f8 L\"xx\"... <not captured further>"},
	};
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		addr = end_addr - ends[i].left;
		memcpy(wide.bytes, &addr, 8);
		counts = print(types.wide_pointer);
		assert_string_equal(text_buf, ends[i].shown);
		assert_int_equal(counts.num[SNAP_BITS_NOT_CAPTURED], 1);
	}
	/* More than 200 characters, and not within one. */
	addr = WIDE + 10;
	memcpy(wide.bytes, &addr, 8);
	wide.halves[5] = 'a';
	for (size_t i = 6; i < 256; i++)
		wide.halves[i] = (uint16_t)(i % 2 ? 0xde00 + i % 4 : 0xd83d);
	counts = print(types.half_pointer);
	assert_int_equal(counts.num[SNAP_BITS_NOT_CAPTURED], 0);
	assert_string_equal(text_buf + strlen(text_buf) - 8, "\xf0\x9f\x98\x83\"...");
	assert_null(strstr(text_buf, "\\x"));
	end();
}

/* What gfortran makes: gdb says ((1, 2) (3, 4) (5, 6)), 1.25, 'name    '. */
static void test_variables_print_fortran(void **state)
{
	(void)state;
	begin();
	at(MEMORY);
	for (uint8_t i = 0; i < 6; i++)
		memcpy(memory + 4 * (size_t)i, (const uint8_t[]){(uint8_t)(i + 1), 0, 0, 0}, 4);
	assert_prints(types.rows, "{{1, 2, 3}, {4, 5, 6}}");
	assert_prints(types.columns, "{{1, 2}, {3, 4}, {5, 6}}");
	memcpy(memory, "name    ", 8);
	assert_prints(types.string, "\"name    \"");
	memset(memory + 0x40, 0, 8);
	memory[0x40] = 4;
	assert_prints(types.elsewhere, "\"name\"");
	frame.has_cfa = false;
	assert_prints(types.elsewhere, "<not captured: its frame is not known>");
	frame.has_cfa = true;
#if defined(__x86_64__) || defined(__i386__)
	static const struct {
		uint8_t top[8], next;
		const char *text;
	} numbers[] = {
		{{0, 0, 0, 0, 0, 0x40, 0xff, 0x3f}, 0, "1.25"},
		{{0, 0, 0, 0, 0, 0, 0, 0xc0}, 0, "-2"},
		{{0, 0, 0, 0, 0, 0, 0, 0}, 0, "0"},
		{{1, 0, 0, 0, 0, 0, 0xff, 0x3f}, 0, "1.00000000000000355"},
		{{0, 0, 0, 0, 0, 0, 0xff, 0x3f}, 0x80, "1.00000000000000178"},
		{{0, 0, 0, 0, 0, 0, 0xff, 0x7f}, 0, "inf"},
		{{0, 0, 0, 0, 0, 0x80, 0xff, 0x7f}, 0, "nan"},
	};
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		memset(memory, 0, 16);
		memory[7] = numbers[i].next;
		memcpy(memory + 8, numbers[i].top, 8);
		assert_prints(types.quad, numbers[i].text);
	}
	/* x87's: 64 bits that begin with a one, and what is above them. */
	memcpy(memory, "\0\0\0\0\0\0\0\xa0\xff\x3f", 10);
	assert_prints(types.extended, "1.25");
#endif
	end();
}

static void test_variables_print_ranges(void **state)
{
	(void)state;
	begin();
	at(MEMORY);
	memcpy(memory, "\xfe\xff\xff\xff", 4);
	assert_prints(types.range, "-2");
	memcpy(memory, "\xfe\x01\0\0", 4);
	assert_prints(types.range, "510");
	assert_prints(types.short_range, "-2");
	memcpy(memory, "\2\0\0\0", 4);
	assert_prints(types.colours, "B");
	end();
}

static void test_variables_print_lacks(void **state)
{
	(void)state;
	begin();
	/* The last four bytes are there, the next are not. */
	at(MEMORY + sizeof(memory) - 4);
	struct snap_print_counts counts = print(types.point);
	assert_string_equal(text_buf, "{x = -66052, y = <not captured: 0x7100>}");
	assert_int_equal(counts.num[SNAP_BITS_KNOWN], 1);
	assert_int_equal(counts.num[SNAP_BITS_NOT_CAPTURED], 1);
	assert_prints(types.numbers, "{-66052, <not captured: 0x7100>...}");
	at(0x9000);
	assert_prints(types.integer, "<not captured: 0x9000>");
	/* A pointer to what was not captured is one all the same. */
	memcpy(memory, "\0\x90\0\0\0\0\0\0", 8);
	at(MEMORY);
	counts = print(types.text);
	assert_string_equal(text_buf, "0x9000 <not captured>");
	assert_int_equal(counts.num[SNAP_BITS_NOT_CAPTURED], 1);
	(void)EVALUATE(DW_OP_breg0, 5);
	assert_prints(types.integer, "<not captured: in a register that is not known>");
	(void)EVALUATE(DW_OP_reg0);
	assert_prints(types.integer, "<not captured: in a register that is not known>");
	(void)evaluate(NULL, 0);
	assert_prints(types.point, "<optimized out>");
	end();
}

static void test_variables_print_pieces(void **state)
{
	(void)state;
	begin();
	(void)EVALUATE(DW_OP_reg6);
	assert_prints(types.integer, "1432778632");
	(void)EVALUATE(DW_OP_lit5, DW_OP_stack_value, DW_OP_piece, 4, DW_OP_piece, 4);
	struct snap_print_counts counts = print(types.point);
	assert_string_equal(text_buf, "{x = 5, y = <optimized out>}");
	assert_int_equal(counts.num[SNAP_BITS_OPTIMIZED_OUT], 1);
	(void)EVALUATE(DW_OP_reg0, DW_OP_piece, 4, DW_OP_breg3, 4, DW_OP_piece, 4);
	assert_prints(types.point,
		"{x = <not captured: in a register that is not known>, y = 117835012}");
	/* Three bits 5, then the rest of a byte out of the third bit on of 0x55667788. */
	(void)EVALUATE(DW_OP_lit5, DW_OP_stack_value, DW_OP_bit_piece, 3, 0, DW_OP_reg6,
		DW_OP_bit_piece, 29, 3);
	assert_prints(types.integer, "1432778637");
	(void)EVALUATE(DW_OP_implicit_value, 4, 1, 2, 3, 4);
	assert_prints(types.integer, "67305985");
	(void)EVALUATE(DW_OP_implicit_pointer, 0, 0, 0, 0, 0);
	assert_int_equal(location.pieces[0].bits, SNAP_BITS_ERROR); /* no entry is there */
	/* Larger than its register. */
	(void)EVALUATE(DW_OP_reg6);
	assert_int_equal(print(types.numbers).num[SNAP_BITS_KNOWN], 0);
	end();
}

static void test_variables_type_names(void **state)
{
	(void)state;
	begin();
	const struct {
		uint64_t type;
		const char *name;
	} expected[] = {{types.integer, "int"}, {types.point, "struct point"},
		{types.flags, "enum flags"}, {types.numbers, "int [30]"}, {types.text, "char *"},
		{types.rows, "int [2][3]"}, {types.columns, "int [3][2]"},
		{types.string, "character {...}"}};
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		struct snap_text text;
		snap_text_init(&text, text_buf, sizeof(text_buf));
		snap_type_name(&view, die(expected[i].type), &text);
		assert_string_equal(text_buf, expected[i].name);
	}
	end();
}

static uint64_t elements(struct snap_dwarf_unit *unit, uint64_t off)
{
	struct snap_type type;
	struct snap_shape shape;
	snap_type_read(&view, (struct snap_die){unit, unit->off + off}, &type);
	snap_shape_read(&view, &type, NULL, &shape);
	assert_int_equal(shape.num_dimensions, 1);
	assert_true(shape.dimensions[0].has_count);
	return shape.dimensions[0].count;
}

/* Where the lower bound is not told, the language has one (DWARF 5, table 7.17). */
static void test_variables_array_bounds(void **state)
{
	(void)state;
	static const uint16_t from_0[] = {DW_LANG_C89, DW_LANG_C, DW_LANG_C_plus_plus, DW_LANG_Java,
		DW_LANG_C99, DW_LANG_ObjC, DW_LANG_UPC, DW_LANG_D, DW_LANG_Python, DW_LANG_Go,
		DW_LANG_Haskell, DW_LANG_OCaml, DW_LANG_Rust, DW_LANG_C11, DW_LANG_Swift,
		DW_LANG_C_plus_plus_14, DW_LANG_Dylan, DW_LANG_RenderScript, DW_LANG_BLISS, 0x27,
		0x2c, 0x31, 0x3e, 0x40, DW_LANG_Mips_Assembler, 0xffff, 0};
	static const uint16_t from_1[] = {DW_LANG_Ada83, DW_LANG_Cobol74, DW_LANG_Cobol85,
		DW_LANG_Fortran77, DW_LANG_Fortran90, DW_LANG_Pascal83, DW_LANG_Modula2,
		DW_LANG_Ada95, DW_LANG_Fortran95, DW_LANG_PLI, DW_LANG_Modula3, DW_LANG_Julia,
		DW_LANG_Fortran03, DW_LANG_Fortran08, 0x2d, 0x2e, 0x2f, 0x3f};
	begin();
	for (size_t i = 0; i < ARRAY_LEN(from_0) + ARRAY_LEN(from_1); i++) {
		uint64_t first = i >= ARRAY_LEN(from_0);
		view.unit->language = first ? from_1[i - ARRAY_LEN(from_0)] : from_0[i];
		assert_int_equal(elements(view.unit, types.numbers), 30 - first);
		assert_int_equal(elements(view.unit, types.computed), 8 - first);
		/* What is told does not depend on it. */
		assert_int_equal(elements(view.unit, types.counted), 12);
		assert_int_equal(elements(view.unit, types.from), 12);
	}
	/* A partial unit without a language has the frame's; one with a language has its own. */
	struct snap_dwarf_unit partial = *view.unit;
	view.unit->language = DW_LANG_Fortran08;
	partial.language = 0;
	assert_int_equal(elements(&partial, types.numbers), 29);
	partial.language = DW_LANG_C11;
	assert_int_equal(elements(&partial, types.numbers), 30);
	end();
}

static void test_variables_text_is_cut(void **state)
{
	(void)state;
	char buf[8];
	struct snap_text text;
	snap_text_init(&text, buf, sizeof(buf));
	snap_text_add(&text, "abcd");
	assert_false(text.is_cut);
	snap_text_add(&text, "efgh");
	assert_string_equal(buf, "abcd...");
	assert_true(text.is_cut);
	snap_text_add(&text, "x");
	assert_string_equal(buf, "abcd...");
	/* Not within a character. */
	snap_text_init(&text, buf, sizeof(buf));
	snap_text_add(&text, "abc\xc3\xa4zz");
	assert_string_equal(buf, "abc...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_variables_addresses),
		cmocka_unit_test(test_variables_values),
		cmocka_unit_test(test_variables_malformed),
		cmocka_unit_test(test_variables_print_memory),
		cmocka_unit_test(test_variables_print_wide_characters),
		cmocka_unit_test(test_variables_print_wide_text),
		cmocka_unit_test(test_variables_print_wide_pointers),
		cmocka_unit_test(test_variables_print_fortran),
		cmocka_unit_test(test_variables_print_ranges),
		cmocka_unit_test(test_variables_print_lacks),
		cmocka_unit_test(test_variables_print_pieces),
		cmocka_unit_test(test_variables_type_names),
		cmocka_unit_test(test_variables_array_bounds),
		cmocka_unit_test(test_variables_text_is_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
