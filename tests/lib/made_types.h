/*
 * Types in made debug information, and their values in made memory: what the tests of containers
 * share. Included by a test's own file alone.
 */
#ifndef SNAP_TESTS_LIB_MADE_TYPES_H
#define SNAP_TESTS_LIB_MADE_TYPES_H

#include "analyze/variables/print.h"

#include "tests/lib/made_dwarf.h"

#include <dwarf.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY 0x7000

static struct made made;
static struct snap_crash crash;
static struct snap_views views;
static struct snap_view view;
static uint8_t memory[512];
static struct out *info;

enum {
	UNIT = 1,
	NAMESPACE,
	STRUCT,
	MEMBER,
	BASE_TYPE,
	POINTER,
	INHERITS,
	ARRAY,
	SUBRANGE,
	PARAMETER,
	DECLARED,
	UNION,
	NAMELESS,
	VARIANTS,
	VARIANT,
	OTHER_VARIANT,
	VARIANT_STRUCT,
};

static struct {
	uint64_t character, number, word, truth;
} types;

static inline uint64_t here(void)
{
	return info->len - made.unit_begun;
}

static inline uint64_t base_type(const char *name, uint8_t size, uint8_t encoding)
{
	uint64_t off = here();
	out_uleb(info, BASE_TYPE);
	out_string(info, name);
	out_u8(info, size);
	out_u8(info, encoding);
	return off;
}

static inline uint64_t pointer_to(uint64_t type)
{
	uint64_t off = here();
	out_uleb(info, POINTER);
	out_u32(info, type);
	return off;
}

static inline void scope(const char *name)
{
	out_uleb(info, NAMESPACE);
	out_string(info, name);
}

static inline uint64_t structure(const char *name, uint8_t size)
{
	uint64_t off = here();
	out_uleb(info, STRUCT);
	out_string(info, name);
	out_u8(info, size);
	return off;
}

static inline void member(const char *name, uint64_t type, uint8_t at)
{
	out_uleb(info, name ? MEMBER : NAMELESS);
	if (name)
		out_string(info, name);
	out_u32(info, type);
	out_u8(info, at);
}

static inline void inherits(uint64_t type, uint8_t at)
{
	out_uleb(info, INHERITS);
	out_u32(info, type);
	out_u8(info, at);
}

static inline void parameter(const char *name, uint64_t type)
{
	out_uleb(info, PARAMETER);
	out_string(info, name);
	out_u32(info, type);
}

static inline void ends(int num)
{
	while (num-- > 0)
		out_uleb(info, 0);
}

/* A structure of one member. */
static inline uint64_t wrap(const char *name, const char *inner, uint64_t type, uint8_t size)
{
	uint64_t off = structure(name, size);
	member(inner, type, 0);
	ends(1);
	return off;
}

static inline void begin(uint8_t language)
{
	made_begin(&made, false, 5, 8, 4);
	made_abbrev(&made, UNIT, DW_TAG_compile_unit, 1, DW_AT_language, DW_FORM_data1, 0);
	made_abbrev(&made, NAMESPACE, DW_TAG_namespace, 1, DW_AT_name, DW_FORM_string, 0);
	made_abbrev(&made, STRUCT, DW_TAG_structure_type, 1, DW_AT_name, DW_FORM_string,
		DW_AT_byte_size, DW_FORM_data1, 0);
	made_abbrev(&made, MEMBER, DW_TAG_member, 0, DW_AT_name, DW_FORM_string, DW_AT_type,
		DW_FORM_ref4, DW_AT_data_member_location, DW_FORM_data1, 0);
	made_abbrev(&made, BASE_TYPE, DW_TAG_base_type, 0, DW_AT_name, DW_FORM_string,
		DW_AT_byte_size, DW_FORM_data1, DW_AT_encoding, DW_FORM_data1, 0);
	made_abbrev(&made, POINTER, DW_TAG_pointer_type, 0, DW_AT_type, DW_FORM_ref4, 0);
	made_abbrev(&made, INHERITS, DW_TAG_inheritance, 0, DW_AT_type, DW_FORM_ref4,
		DW_AT_data_member_location, DW_FORM_data1, 0);
	made_abbrev(&made, ARRAY, DW_TAG_array_type, 1, DW_AT_type, DW_FORM_ref4, 0);
	made_abbrev(&made, SUBRANGE, DW_TAG_subrange_type, 0, DW_AT_upper_bound, DW_FORM_data1, 0);
	made_abbrev(&made, PARAMETER, DW_TAG_template_type_parameter, 0, DW_AT_name, DW_FORM_string,
		DW_AT_type, DW_FORM_ref4, 0);
	made_abbrev(&made, DECLARED, DW_TAG_structure_type, 0, DW_AT_name, DW_FORM_string,
		DW_AT_declaration, DW_FORM_flag_present, 0);
	made_abbrev(&made, UNION, DW_TAG_union_type, 1, DW_AT_byte_size, DW_FORM_data1, 0);
	made_abbrev(&made, NAMELESS, DW_TAG_member, 0, DW_AT_type, DW_FORM_ref4,
		DW_AT_data_member_location, DW_FORM_data1, 0);
	made_abbrev(&made, VARIANTS, DW_TAG_variant_part, 1, DW_AT_discr, DW_FORM_ref4, 0);
	made_abbrev(&made, VARIANT, DW_TAG_variant, 1, DW_AT_discr_value, DW_FORM_data1, 0);
	made_abbrev(&made, OTHER_VARIANT, DW_TAG_variant, 1, DW_AT_alignment, DW_FORM_data1, 0);
	made_abbrevs_end(&made);
	made_unit(&made, DW_UT_compile, 0, 0);
	info = &made.sections[SNAP_DWARF_INFO];
	out_uleb(info, UNIT);
	out_u8(info, language);
	types.character = base_type(
		"char", 1, language == DW_LANG_Rust ? DW_ATE_unsigned : DW_ATE_signed_char);
	types.number = base_type("int", 4, DW_ATE_signed);
	types.word = base_type("usize", 8, DW_ATE_unsigned);
	types.truth = base_type("bool", 1, DW_ATE_boolean);
}

static inline void open_all(void)
{
	ends(1);
	made_unit_end(&made);
	made_open(&made);
	snap_crash_init(&crash, "test");
	crash.arch = snap_arch_find(EM_X86_64, ELFCLASS64, ELFDATA2LSB);
	const struct snap_memory_segment segment = {
		.start = MEMORY, .len = sizeof(memory), .data = memory};
	assert_int_equal(snap_memory_add(&crash.memory, &segment, NULL), 0);
	assert_int_equal(snap_memory_finish(&crash.memory, NULL), 0);
	memset(memory, 0, sizeof(memory));
	snap_views_init(&views, &crash);
	view = (struct snap_view){
		.views = &views, .arch = crash.arch, .unit = made_opened_unit(&made, 0)};
}

static inline void end(void)
{
	snap_crash_deinit(&crash);
	made_end(&made);
}

static inline void put(size_t at, uint64_t value)
{
	memcpy(memory + at, &value, sizeof(value));
}

static uint64_t value_addr = MEMORY;

/* What stands at value_addr. */
static inline const char *value_of(uint64_t type)
{
	static char buf[1024];
	struct snap_text text;
	struct snap_print_counts counts;
	const struct snap_location location = {.is_whole = true,
		.num_pieces = 1,
		.pieces = {{.kind = SNAP_PIECE_MEMORY, .address = value_addr}}};
	snap_text_init(&text, buf, sizeof(buf));
	snap_print_value(&view, (struct snap_die){view.unit, view.unit->off + type}, &location,
		&text, &counts);
	return buf;
}
#define assert_value(type, expected) assert_string_equal(value_of(type), expected)
#define assert_raw(type)	     assert_int_equal(value_of(type)[0], '{')

#endif
