/* analyze/variables/shape: arrays and strings of which their own object tells where they are, and
 * how large: descriptors as gfortran makes them. */
#include "analyze/variables/shape.h"
#include "analyze/variables/print.h"

#include "tests/lib/made_dwarf.h"

#include <dwarf.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY	   0x7000
#define DESCRIPTOR MEMORY
#define DATA	   (MEMORY + 0x80)

enum {
	UNIT = 1,
	BASE_TYPE,
	ARRAY,	   /* told by its object */
	COLUMNS,   /* the same of several dimensions */
	RANKED,	   /* the same, and how many dimensions */
	ALLOCATED, /* or not */
	ASSOCIATED,
	PLAIN,
	RANGE, /* from, to, and how far apart: expressions */
	GENERIC,
	FROM, /* from a constant on */
	FIXED,
	STRUCT,
	MEMBER,
	POINTER,
	STRING, /* of a length that an expression locates */
	STRING_BY_SIZE,
	STRING_BY_VARIABLE,
	STRING_ELSEWHERE,
	VARIABLE,
};

static struct made made;
static struct snap_crash crash;
static struct snap_views views;
static struct snap_view view;
static struct snap_frame frame;
static struct snap_crash_thread thread;
static uint64_t regs[SNAP_ARCH_MAX_DWARF_REGS];
static uint8_t memory[512];
static struct snap_location location;
static struct out *info;
static unsigned int word;
static struct {
	uint64_t number, character, allocatable, pointer, assumed, shape, ranked, holder, nested,
		itself, empty, string, string_4, string_variable, string_elsewhere, deferred;
} types;

static uint64_t here(void)
{
	return info->len - made.unit_begun;
}

/* ---------------------------------------------------------------- what gfortran makes */

#define EXPRESSION(...)                                                                            \
	do {                                                                                       \
		const uint8_t bytes_[] = {__VA_ARGS__};                                            \
		out_uleb(info, sizeof(bytes_));                                                    \
		out_bytes(info, bytes_, sizeof(bytes_));                                           \
	} while (0)

/* Words of a descriptor: data, offset, two of the type, span; then stride, lower and upper bound of
 * each dimension. */
#define WORD(n)	 (uint8_t)((n)*word)
#define SPAN	 4
#define DIM(n)	 (5 + 3 * (n))
#define FIELD(n) DW_OP_push_object_address, DW_OP_plus_uconst, WORD(n), DW_OP_deref

static void range(unsigned int n)
{
	out_uleb(info, RANGE);
	EXPRESSION(FIELD(DIM(n) + 1));
	EXPRESSION(FIELD(DIM(n) + 2));
	EXPRESSION(FIELD(DIM(n)), FIELD(SPAN), DW_OP_mul);
}

/* An array that begins where the descriptor says. */
static uint64_t array(unsigned int abbreviation, uint64_t element)
{
	uint64_t off = here();
	out_uleb(info, abbreviation);
	out_u32(info, element);
	if (abbreviation == COLUMNS)
		out_u8(info, DW_ORD_col_major);
	if (abbreviation != PLAIN)
		EXPRESSION(DW_OP_push_object_address, DW_OP_deref);
	if (abbreviation == ALLOCATED || abbreviation == ASSOCIATED)
		EXPRESSION(DW_OP_push_object_address, DW_OP_deref, DW_OP_lit0, DW_OP_ne);
	if (abbreviation == RANKED)
		EXPRESSION(
			DW_OP_push_object_address, DW_OP_plus_uconst, WORD(3), DW_OP_deref_size, 1);
	return off;
}

static void end_children(void)
{
	out_uleb(info, 0);
}

static uint64_t base_type(const char *name, uint8_t size, uint8_t encoding)
{
	uint64_t off = here();
	out_uleb(info, BASE_TYPE);
	out_string(info, name);
	out_u8(info, size);
	out_u8(info, encoding);
	return off;
}

static void make_arrays(void)
{
	types.allocatable = array(ALLOCATED, types.number);
	range(0);
	end_children();
	types.pointer = array(ASSOCIATED, types.number);
	range(0);
	end_children();
	types.assumed = array(COLUMNS, types.number);
	for (unsigned int i = 0; i < 2; i++) {
		out_uleb(info, FROM);
		out_sleb(info, i == 0 ? 2 : -1);
		EXPRESSION(DW_OP_const1s, i == 0 ? 2 : 0xff, FIELD(DIM(i) + 2), FIELD(DIM(i) + 1),
			DW_OP_minus, DW_OP_plus);
		EXPRESSION(FIELD(DIM(i)), FIELD(SPAN), DW_OP_mul);
	}
	end_children();
	types.ranked = array(RANKED, types.number);
	out_uleb(info, GENERIC);
#define OF_DIMENSION(n)                                                                            \
	DW_OP_push_object_address, DW_OP_over, DW_OP_lit3, DW_OP_mul, DW_OP_const1u, WORD(1),      \
		DW_OP_mul, DW_OP_plus_uconst, WORD(5 + (n)), DW_OP_plus, DW_OP_deref
	EXPRESSION(OF_DIMENSION(1));
	EXPRESSION(OF_DIMENSION(2));
	EXPRESSION(OF_DIMENSION(0), FIELD(SPAN), DW_OP_mul);
	end_children();
	/* Structures: one with an array behind a number, and an array of such. */
	types.holder = here();
	out_uleb(info, STRUCT);
	out_string(info, "holder");
	out_u8(info, WORD(9));
	out_uleb(info, MEMBER);
	out_string(info, "n");
	out_u32(info, types.number);
	out_u8(info, 0);
	out_uleb(info, MEMBER);
	out_string(info, "a");
	out_u32(info, types.allocatable);
	out_u8(info, WORD(1));
	end_children();
	types.nested = array(PLAIN, types.holder);
	out_uleb(info, FIXED);
	out_u8(info, 1);
	end_children();
	/* Hostile: an array of itself without dimensions, and of many without elements. */
	types.itself = here();
	(void)array(RANKED, types.itself);
	out_uleb(info, GENERIC);
	for (int i = 0; i < 3; i++)
		EXPRESSION(DW_OP_lit1);
	end_children();
	types.empty = array(ARRAY, types.number);
	for (unsigned int i = 0; i < SNAP_MAX_DIMENSIONS; i++) {
		out_uleb(info, RANGE);
		EXPRESSION(DW_OP_lit1);
		EXPRESSION(DW_OP_const4u, 0xff, 0xff, 0xff, i < 6 ? 0x7f : 0xff);
		EXPRESSION(DW_OP_lit1);
	}
	end_children();
}

static void make_strings(void)
{
	types.string = here();
	out_uleb(info, STRING);
	EXPRESSION(DW_OP_breg6, 0x10);
	types.string_4 = here();
	out_uleb(info, STRING_BY_SIZE);
	EXPRESSION(DW_OP_breg6, 0x10);
	out_u8(info, 4);
	uint64_t length = here();
	out_uleb(info, VARIABLE);
	out_u32(info, types.number);
	EXPRESSION(DW_OP_reg3);
	types.string_variable = here();
	out_uleb(info, STRING_BY_VARIABLE);
	out_u32(info, length);
	/* As flang has them: a pointer, and the length behind it. */
	types.string_elsewhere = here();
	out_uleb(info, STRING_ELSEWHERE);
	EXPRESSION(DW_OP_push_object_address, DW_OP_plus_uconst, 8);
	EXPRESSION(DW_OP_push_object_address, DW_OP_deref);
	types.deferred = here();
	out_uleb(info, POINTER);
	out_u32(info, types.string_variable);
}

static void make_abbrevs(void)
{
	made_abbrev(&made, UNIT, DW_TAG_compile_unit, 1, DW_AT_language, DW_FORM_data1, 0);
	made_abbrev(&made, BASE_TYPE, DW_TAG_base_type, 0, DW_AT_name, DW_FORM_string,
		DW_AT_byte_size, DW_FORM_data1, DW_AT_encoding, DW_FORM_data1, 0);
	made_abbrev(&made, ARRAY, DW_TAG_array_type, 1, DW_AT_type, DW_FORM_ref4,
		DW_AT_data_location, DW_FORM_exprloc, 0);
	made_abbrev(&made, COLUMNS, DW_TAG_array_type, 1, DW_AT_type, DW_FORM_ref4, DW_AT_ordering,
		DW_FORM_data1, DW_AT_data_location, DW_FORM_exprloc, 0);
	made_abbrev(&made, RANKED, DW_TAG_array_type, 1, DW_AT_type, DW_FORM_ref4,
		DW_AT_data_location, DW_FORM_exprloc, DW_AT_rank, DW_FORM_exprloc, 0);
	made_abbrev(&made, ALLOCATED, DW_TAG_array_type, 1, DW_AT_type, DW_FORM_ref4,
		DW_AT_data_location, DW_FORM_exprloc, DW_AT_allocated, DW_FORM_exprloc, 0);
	made_abbrev(&made, ASSOCIATED, DW_TAG_array_type, 1, DW_AT_type, DW_FORM_ref4,
		DW_AT_data_location, DW_FORM_exprloc, DW_AT_associated, DW_FORM_exprloc, 0);
	made_abbrev(&made, PLAIN, DW_TAG_array_type, 1, DW_AT_type, DW_FORM_ref4, 0);
	made_abbrev(&made, RANGE, DW_TAG_subrange_type, 0, DW_AT_lower_bound, DW_FORM_exprloc,
		DW_AT_upper_bound, DW_FORM_exprloc, DW_AT_byte_stride, DW_FORM_exprloc, 0);
	made_abbrev(&made, GENERIC, DW_TAG_generic_subrange, 0, DW_AT_lower_bound, DW_FORM_exprloc,
		DW_AT_upper_bound, DW_FORM_exprloc, DW_AT_byte_stride, DW_FORM_exprloc, 0);
	made_abbrev(&made, FROM, DW_TAG_subrange_type, 0, DW_AT_lower_bound, DW_FORM_sdata,
		DW_AT_upper_bound, DW_FORM_exprloc, DW_AT_byte_stride, DW_FORM_exprloc, 0);
	made_abbrev(&made, FIXED, DW_TAG_subrange_type, 0, DW_AT_upper_bound, DW_FORM_data1, 0);
	made_abbrev(&made, STRUCT, DW_TAG_structure_type, 1, DW_AT_name, DW_FORM_string,
		DW_AT_byte_size, DW_FORM_data1, 0);
	made_abbrev(&made, MEMBER, DW_TAG_member, 0, DW_AT_name, DW_FORM_string, DW_AT_type,
		DW_FORM_ref4, DW_AT_data_member_location, DW_FORM_data1, 0);
	made_abbrev(&made, POINTER, DW_TAG_pointer_type, 0, DW_AT_type, DW_FORM_ref4, 0);
	made_abbrev(&made, STRING, DW_TAG_string_type, 0, DW_AT_string_length, DW_FORM_exprloc, 0);
	made_abbrev(&made, STRING_BY_SIZE, DW_TAG_string_type, 0, DW_AT_string_length,
		DW_FORM_exprloc, DW_AT_string_length_byte_size, DW_FORM_data1, 0);
	made_abbrev(&made, STRING_BY_VARIABLE, DW_TAG_string_type, 0, DW_AT_string_length,
		DW_FORM_ref4, 0);
	made_abbrev(&made, STRING_ELSEWHERE, DW_TAG_string_type, 0, DW_AT_string_length,
		DW_FORM_exprloc, DW_AT_data_location, DW_FORM_exprloc, 0);
	made_abbrev(&made, VARIABLE, DW_TAG_variable, 0, DW_AT_type, DW_FORM_ref4, DW_AT_location,
		DW_FORM_exprloc, 0);
	made_abbrevs_end(&made);
}

static void begin_on(uint16_t machine, bool is_64bit, bool big_endian)
{
	word = is_64bit ? 8 : 4;
	made_begin(&made, big_endian, 5, (uint8_t)word, 4);
	make_abbrevs();
	made_unit(&made, DW_UT_compile, 0, 0);
	info = &made.sections[SNAP_DWARF_INFO];
	out_uleb(info, UNIT);
	out_u8(info, DW_LANG_Fortran08);
	types.number = base_type("integer(kind=4)", 4, DW_ATE_signed);
	types.character = base_type("character(kind=1)", 1, DW_ATE_unsigned_char);
	make_arrays();
	if (is_64bit)
		make_strings();
	end_children();
	made_unit_end(&made);
	made_open(&made);

	snap_crash_init(&crash, "test");
	crash.arch = snap_arch_find(machine, is_64bit ? ELFCLASS64 : ELFCLASS32,
		big_endian ? ELFDATA2MSB : ELFDATA2LSB);
	assert_non_null(crash.arch);
	memset(memory, 0, sizeof(memory));
	const struct snap_memory_segment segment = {
		.start = MEMORY, .len = sizeof(memory), .data = memory};
	assert_int_equal(snap_memory_add(&crash.memory, &segment, NULL), 0);
	assert_int_equal(snap_memory_finish(&crash.memory, NULL), 0);
	snap_views_init(&views, &crash);
	frame = (struct snap_frame){.regs = regs};
	thread = (struct snap_crash_thread){.frames = &frame, .num_frames = 1};
	memset(regs, 0, sizeof(regs));
	view = (struct snap_view){
		.views = &views,
		.arch = crash.arch,
		.thread = &thread,
		.frame = &frame,
		.known_regs = 1 << 3 | 1 << 6,
		.unit = made_opened_unit(&made, 0),
	};
	location = (struct snap_location){.is_whole = true,
		.num_pieces = 1,
		.pieces = {{.kind = SNAP_PIECE_MEMORY, .address = DESCRIPTOR}}};
}

static void begin(void)
{
	begin_on(EM_X86_64, true, false);
}

static void end(void)
{
	snap_crash_deinit(&crash);
	made_end(&made);
}

/* ---------------------------------------------------------------- memory */

static void put(uint64_t addr, uint64_t value, unsigned int len)
{
	for (unsigned int i = 0; i < len; i++)
		memory[addr - MEMORY + (made.big_endian ? len - 1 - i : i)] =
			(uint8_t)(value >> (8 * i));
}

static void put_word(unsigned int n, uint64_t value)
{
	put(DESCRIPTOR + (uint64_t)n * word, value, word);
}

static void dimension(unsigned int n, int64_t stride, int64_t from, int64_t to)
{
	put_word(DIM(n), (uint64_t)stride);
	put_word(DIM(n) + 1, (uint64_t)from);
	put_word(DIM(n) + 2, (uint64_t)to);
}

/* 1, 2 and so on at DATA, and a descriptor that begins at one of them. */
static void describe(uint64_t first)
{
	for (unsigned int i = 0; i < 16; i++)
		put(DATA + 4 * i, i + 1, 4);
	put_word(0, DATA + 4 * first);
	put_word(SPAN, 4);
}

static char text_buf[4096];

static struct snap_print_counts print(uint64_t type)
{
	struct snap_text text;
	struct snap_print_counts counts;
	snap_text_init(&text, text_buf, sizeof(text_buf));
	snap_print_value(&view, (struct snap_die){view.unit, view.unit->off + type}, &location,
		&text, &counts);
	return counts;
}

static void assert_prints(uint64_t type, const char *expected)
{
	(void)print(type);
	assert_string_equal(text_buf, expected);
}

static void assert_lacks(uint64_t type, enum snap_bits bits, const char *expected)
{
	const struct snap_print_counts counts = print(type);
	assert_string_equal(text_buf, expected);
	for (size_t i = 0; i < ARRAY_LEN(counts.num); i++)
		assert_int_equal(counts.num[i], i == bits);
}

/* ---------------------------------------------------------------- arrays */

static void check_arrays(void)
{
	describe(0);
	dimension(0, 1, -1, 2);
	assert_prints(types.allocatable, "{1, 2, 3, 4}");
	/* Every third, backwards. */
	describe(9);
	dimension(0, -3, 1, 4);
	assert_prints(types.pointer, "{10, 7, 4, 1}");
	/* b(1:3:2, :) of b(3, 3); it has bounds of its own. */
	describe(0);
	dimension(0, 2, 1, 2);
	dimension(1, 3, 1, 3);
	assert_prints(types.assumed, "{{1, 3}, {4, 6}, {7, 9}}");
	/* None, whatever the bounds. */
	dimension(0, 1, 1, 0);
	assert_prints(types.allocatable, "{}");
	dimension(0, 1, 5, -7);
	assert_prints(types.allocatable, "{}");
	/* What has no span stands side by side. */
	describe(0);
	put_word(SPAN, 0);
	dimension(0, 1, 1, 3);
	assert_prints(types.allocatable, "{1, 2, 3}");
}

static void test_shape_arrays(void **state)
{
	(void)state;
	begin();
	check_arrays();
	end();
}

/* Bounds and strides are as wide as addresses, and can be negative. */
static void test_shape_other_machines(void **state)
{
	(void)state;
	begin_on(EM_386, false, false);
	check_arrays();
	end();
	begin_on(EM_S390, true, true);
	check_arrays();
	end();
	begin_on(EM_68K, false, true);
	check_arrays();
	end();
}

static void test_shape_not_there(void **state)
{
	(void)state;
	begin();
	dimension(0, 1, 1, 3);
	assert_lacks(types.allocatable, SNAP_BITS_KNOWN, "<not allocated>");
	assert_lacks(types.pointer, SNAP_BITS_KNOWN, "<not associated>");
	/* Without that question, it would be at 0. */
	assert_prints(types.ranked, "<not captured: 0x0>");
	end();
}

static void test_shape_not_captured(void **state)
{
	(void)state;
	begin();
	/* The descriptor. */
	location.pieces[0].address = 0x9000;
	assert_lacks(types.allocatable, SNAP_BITS_NOT_CAPTURED, "<not captured: 0x9000>");
	assert_lacks(types.assumed, SNAP_BITS_NOT_CAPTURED, "<not captured: 0x9000>");
	/* A part of it: its data, but no bounds. */
	location.pieces[0].address = MEMORY + sizeof(memory) - 40;
	put(MEMORY + sizeof(memory) - 40, DATA, 8);
	assert_lacks(types.allocatable, SNAP_BITS_NOT_CAPTURED, "<not captured: 0x7208>");
	/* What it describes. */
	location.pieces[0].address = DESCRIPTOR;
	describe(0);
	put_word(0, 0x9000);
	dimension(0, 1, 1, 3);
	assert_lacks(types.allocatable, SNAP_BITS_NOT_CAPTURED, "{<not captured: 0x9000>...}");
	/* The end of it. */
	put_word(0, MEMORY + sizeof(memory) - 4);
	assert_prints(types.allocatable, "{0, <not captured: 0x7200>...}");
	end();
}

static void test_shape_rank(void **state)
{
	(void)state;
	begin();
	describe(0);
	dimension(0, 1, 1, 2);
	dimension(1, 2, 0, 2);
	put_word(3, 2);
	assert_prints(types.ranked, "{{1, 2}, {3, 4}, {5, 6}}");
	put_word(3, 1);
	assert_prints(types.ranked, "{1, 2}");
	put_word(3, 0);
	assert_prints(types.ranked, "1");
	put_word(3, 17);
	assert_lacks(types.ranked, SNAP_BITS_ERROR, "<malformed>");
	end();
}

/* The object is the member, not all of the structure. */
static void test_shape_of_members(void **state)
{
	(void)state;
	begin();
	put(DATA, 8, 4);
	put(DATA + 4, 9, 4);
	put_word(0, 7);
	put_word(1, DATA);
	put_word(1 + SPAN, 4);
	put_word(1 + DIM(0), 1);
	put_word(1 + DIM(0) + 1, 1);
	put_word(1 + DIM(0) + 2, 2);
	assert_prints(types.holder, "{n = 7, a = {8, 9}}");
	assert_prints(types.nested, "{{n = 7, a = {8, 9}}}");
	end();
}

/* A descriptor that is in registers and constants has no address, but can be asked all the same. */
static void test_shape_in_pieces(void **state)
{
	(void)state;
	begin();
	describe(0);
	regs[3] = DATA + 8;
	location = (struct snap_location){.num_pieces = 5};
	const uint64_t values[] = {0, 4, 1, 0, 1};
	/* data; offset and type; span, stride; bounds */
	for (size_t i = 0; i < 5; i++)
		location.pieces[i] = (struct snap_piece){.kind = SNAP_PIECE_VALUE,
			.num_bits = 64,
			.value = {(uint8_t)values[i]},
			.value_len = 8};
	location.pieces[5] = location.pieces[4];
	location.pieces[4] = location.pieces[3];
	location.pieces[3] = location.pieces[2];
	location.pieces[2] = location.pieces[1];
	location.pieces[1] = (struct snap_piece){
		.kind = SNAP_PIECE_NOTHING, .num_bits = 192, .bits = SNAP_BITS_OPTIMIZED_OUT};
	location.pieces[0] =
		(struct snap_piece){.kind = SNAP_PIECE_REGISTER, .number = 3, .num_bits = 64};
	location.num_pieces = 6;
	assert_prints(types.allocatable, "{3, 4}");
	regs[3] = 0;
	assert_prints(types.allocatable, "<not allocated>");
	regs[3] = DATA;
	/* One that is needed is lost. */
	location.pieces[5] = location.pieces[1];
	assert_lacks(types.allocatable, SNAP_BITS_OPTIMIZED_OUT, "<optimized out>");
	location.pieces[0].number = 5;
	assert_lacks(types.allocatable, SNAP_BITS_NOT_CAPTURED, "<not captured>");
	/* Beyond its end. */
	location.num_pieces = 1;
	location.pieces[0].number = 3;
	assert_lacks(
		types.allocatable, SNAP_BITS_NOT_CAPTURED, "<not captured: 0xffffffffffff0030>");
	end();
}

static void test_shape_hostile(void **state)
{
	(void)state;
	begin();
	describe(0);
	dimension(0, 1, INT64_MIN, INT64_MAX);
	assert_prints(types.allocatable, "<of unknown length>");
	dimension(0, 1, INT64_MIN, INT64_MAX - 1);
	(void)print(types.allocatable);
	dimension(0, INT64_MIN, 0, INT64_MAX - 1);
	put_word(SPAN, 3);
	(void)print(types.allocatable);
	dimension(0, INT64_MAX, INT64_MIN, 0);
	(void)print(types.assumed);
	/* Endless arrays of nothing end with the work that an input may take. */
	views.left.entries = 100000;
	(void)print(types.empty);
	assert_int_equal(views.left.entries, 0);
	/* An array that is its own only element. */
	views.left.entries = 100000;
	put_word(0, DESCRIPTOR);
	put_word(3, 0);
	assert_prints(types.itself, "{...}");
	end();
}

static void test_shape_type_names(void **state)
{
	(void)state;
	begin();
	const struct {
		uint64_t type;
		const char *name;
	} expected[] = {{types.allocatable, "integer(kind=4) []"},
		{types.assumed, "integer(kind=4) [][]"}, {types.ranked, "integer(kind=4) []"},
		{types.string, "character {...}"}};
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		struct snap_text text;
		struct snap_die die = {view.unit, view.unit->off + expected[i].type};
		struct snap_type type;
		snap_text_init(&text, text_buf, sizeof(text_buf));
		snap_type_name(&view, die, &text);
		assert_string_equal(text_buf, expected[i].name);
		/* How long it is does not follow from the type. */
		snap_type_read(&view, die, &type);
		assert_int_equal(snap_type_size(&view, &type), 0);
	}
	end();
}

/* ---------------------------------------------------------------- strings */

static void test_shape_strings(void **state)
{
	(void)state;
	begin();
	regs[6] = MEMORY;
	memcpy(memory, "some text in Fort", 16);
	put(DESCRIPTOR + 0x10, 9, 8);
	assert_prints(types.string, "\"some text\"");
	/* The length's own size: what stands behind it is none of it. */
	put(DESCRIPTOR + 0x10, UINT64_C(0xffffffff00000004), 8);
	assert_prints(types.string_4, "\"some\"");
	put(DESCRIPTOR + 0x10, (uint64_t)-5, 8);
	assert_prints(types.string, "\"\"");
	regs[3] = 7;
	assert_prints(types.string_variable, "\"some te\"");
	/* What a pointer leads to. */
	put(DATA, DESCRIPTOR, 8);
	location.pieces[0].address = DATA;
	assert_prints(types.deferred, "0x7000 \"some te\"");
	/* A length that is not known. */
	view.known_regs = 0;
	assert_prints(types.deferred, "0x7000");
	location.pieces[0].address = DESCRIPTOR;
	assert_lacks(types.string_variable, SNAP_BITS_NOT_CAPTURED,
		"<not captured: in a register that is not known>");
	/* In a descriptor. */
	put(DATA, DESCRIPTOR + 5, 8);
	put(DATA + 8, 4, 8);
	location.pieces[0].address = DATA;
	assert_prints(types.string_elsewhere, "\"text\"");
	location.pieces[0].address = 0x9000;
	assert_lacks(types.string_elsewhere, SNAP_BITS_NOT_CAPTURED, "<not captured: 0x9000>");
	end();
	/* The low bytes of a register, and those of memory. */
	begin_on(EM_S390, true, true);
	memcpy(memory, "some text in Fort", 16);
	regs[3] = 7;
	regs[6] = MEMORY;
	assert_prints(types.string_variable, "\"some te\"");
	put(DESCRIPTOR + 0x10, 4, 4);
	assert_prints(types.string_4, "\"some\"");
	end();
}

/* ---------------------------------------------------------------- expressions */

static void test_shape_object_address(void **state)
{
	(void)state;
	begin();
	static const uint8_t bytes[] = {DW_OP_push_object_address, DW_OP_plus};
	const struct snap_subject subject = {.addr = 0x1234};
	const uint64_t first = 0x100;
	struct snap_given given = {.first = &first, .subject = &subject};
	struct snap_piece lack;
	uint64_t value;
	assert_true(
		snap_evaluate_number(&view, view.unit, snap_bytes(bytes, 2), &given, &value, NULL));
	assert_int_equal(value, 0x1334);
	/* Without a number that it begins with; without an object. */
	given.first = NULL;
	assert_false(snap_evaluate_number(
		&view, view.unit, snap_bytes(bytes, 2), &given, &value, &lack));
	assert_int_equal(lack.bits, SNAP_BITS_ERROR);
	assert_false(
		snap_evaluate_number(&view, view.unit, snap_bytes(bytes, 1), NULL, &value, &lack));
	assert_int_equal(lack.kind, SNAP_PIECE_NOTHING);
	assert_int_equal(lack.bits, SNAP_BITS_OPTIMIZED_OUT);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shape_arrays),
		cmocka_unit_test(test_shape_other_machines),
		cmocka_unit_test(test_shape_not_there),
		cmocka_unit_test(test_shape_not_captured),
		cmocka_unit_test(test_shape_rank),
		cmocka_unit_test(test_shape_of_members),
		cmocka_unit_test(test_shape_in_pieces),
		cmocka_unit_test(test_shape_hostile),
		cmocka_unit_test(test_shape_type_names),
		cmocka_unit_test(test_shape_strings),
		cmocka_unit_test(test_shape_object_address),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
