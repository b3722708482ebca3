/* analyze/dwarf/locations and children: every entry of a list in every version, width and byte order,
 * what is broken, and the entries below another one. */
#include "analyze/dwarf/locations.h"

#include "analyze/dwarf/children.h"
#include "tests/lib/made_dwarf.h"

#include <dwarf.h>

static struct made made;
static uint64_t left;

/* A unit at 0x1000; addresses 0x2000, 0x2010. */
static void begin(bool big_endian, uint16_t version, uint8_t address_size, uint8_t offset_size)
{
	made_begin(&made, big_endian, version, address_size, offset_size);
	made_lists_unit(&made, DW_AT_loclists_base);
	left = 1 << 20;
}

/* An expression of one byte: an operation without operands. */
static void block(struct out *out, bool is_short, uint8_t op)
{
	if (is_short)
		out_u16(out, 1);
	else
		out_uleb(out, 1);
	out_u8(out, op);
}

/* The one byte; 0: none, 0xff: unreadable. */
static unsigned int at(uint16_t form, uint64_t value, uint64_t vaddr)
{
	const struct snap_attr attr = {DW_AT_location, form, value, {0}};
	struct snap_bytes found;
	if (!made.dwarf)
		made_open(&made);
	switch (snap_dwarf_location(made_opened_unit(&made, 0), &attr, vaddr, &left, &found)) {
	case SNAP_LOCATION_FOUND:
		assert_int_equal(found.len, 1);
		return found.data[0];
	case SNAP_LOCATION_NONE:
		return 0;
	case SNAP_LOCATION_UNREADABLE:
		break;
	}
	return 0xff;
}

static void test_dwarf_locations_pairs(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++)
		for (uint8_t size = 4; size <= 8; size += 4) {
			uint64_t last = size == 4 ? UINT32_MAX : UINT64_MAX;
			begin(big, 4, size, 4);
			struct out *lists = &made.sections[SNAP_DWARF_LOC];
			const struct {
				uint64_t start, end;
				uint8_t op;
			} pairs[] = {{0x10, 0x20, DW_OP_lit1}, {0x20, 0x20, DW_OP_lit2},
				{last, 0x5000, 0}, {0x10, 0x20, DW_OP_lit3}, {last, 0, 0},
				{0x7000, 0x7001, DW_OP_lit4}};
			out_u32(lists, 0); /* lists begin anywhere */
			for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
				made_address(&made, SNAP_DWARF_LOC, pairs[i].start);
				made_address(&made, SNAP_DWARF_LOC, pairs[i].end);
				if (pairs[i].start != last)
					block(lists, true, pairs[i].op);
			}
			made_address(&made, SNAP_DWARF_LOC, 0);
			made_address(&made, SNAP_DWARF_LOC, 0);
			assert_int_equal(at(DW_FORM_sec_offset, 4, 0x1010), DW_OP_lit1);
			assert_int_equal(at(DW_FORM_sec_offset, 4, 0x101f), DW_OP_lit1);
			assert_int_equal(at(DW_FORM_sec_offset, 4, 0x1020), 0);
			assert_int_equal(at(DW_FORM_sec_offset, 4, 0x5010), DW_OP_lit3);
			assert_int_equal(at(DW_FORM_sec_offset, 4, 0x7000), DW_OP_lit4);
			assert_int_equal(at(DW_FORM_sec_offset, 4, 0x10), 0);
			/* Beyond the section; no list in DWARF 4; what is no location. */
			assert_int_equal(at(DW_FORM_sec_offset, 4000, 0x1010), 0xff);
			assert_int_equal(at(DW_FORM_data4, 4, 0x1010), 0xff);
			assert_int_equal(at(DW_FORM_loclistx, 0, 0x1010), 0xff);
			assert_int_equal(at(DW_FORM_flag, 1, 0x1010), 0xff);
			made_end(&made);
		}
}

static void test_dwarf_locations_entries(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++)
		for (uint8_t size = 4; size <= 8; size += 4) {
			begin(big, 5, size, size);
			struct out *lists = &made.sections[SNAP_DWARF_LOCLISTS];
			out_bytes(lists, "heads of 12.", 12);
			made_offset(&made, SNAP_DWARF_LOCLISTS, size);
			size_t begun = lists->len;
			out_ulebs(lists, 9, 1, 2); /* DW_LLE_GNU_view_pair */
			out_ulebs(lists, DW_LLE_offset_pair, 0x10, 0x20);
			block(lists, false, DW_OP_lit1);
			out_ulebs(lists, DW_LLE_startx_endx, 0, 1);
			block(lists, false, DW_OP_lit2);
			out_ulebs(lists, DW_LLE_startx_length, 1, 0x10);
			block(lists, false, DW_OP_lit3);
			out_uleb(lists, DW_LLE_start_end);
			made_address(&made, SNAP_DWARF_LOCLISTS, 0x3000);
			made_address(&made, SNAP_DWARF_LOCLISTS, 0x3010);
			block(lists, false, DW_OP_lit4);
			out_uleb(lists, DW_LLE_start_length);
			made_address(&made, SNAP_DWARF_LOCLISTS, 0x3010);
			out_uleb(lists, 0x10);
			block(lists, false, DW_OP_lit5);
			out_uleb(lists, DW_LLE_base_address);
			made_address(&made, SNAP_DWARF_LOCLISTS, 0x6000);
			out_ulebs(lists, DW_LLE_offset_pair, 0x10, 0x20);
			block(lists, false, DW_OP_lit6);
			out_ulebs(lists, DW_LLE_base_addressx, 0);
			out_ulebs(lists, DW_LLE_offset_pair, 0x100, 0x120);
			block(lists, false, DW_OP_lit7);
			out_uleb(lists, DW_LLE_end_of_list);
			size_t other = lists->len;
			out_uleb(lists, DW_LLE_default_location);
			block(lists, false, DW_OP_lit8);
			out_ulebs(lists, DW_LLE_offset_pair, 0x10, 0x20);
			block(lists, false, DW_OP_lit9);
			out_uleb(lists, DW_LLE_end_of_list);
			size_t broken = lists->len;
			out_ulebs(lists, 0x70, 0x10, 0x20);
			size_t cut = lists->len;
			out_ulebs(lists, DW_LLE_offset_pair, 0x10, 0x20, 100);
			assert_int_equal(begun, 12 + size);
			const struct {
				uint64_t vaddr;
				unsigned int op;
			} expected[] = {{0x1010, DW_OP_lit1}, {0x2005, DW_OP_lit2}, {0x2010, DW_OP_lit3},
				{0x301f, DW_OP_lit5}, {0x3000, DW_OP_lit4}, {0x601f, DW_OP_lit6},
				{0x2100, DW_OP_lit7}, {0x9000, 0}};
			for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
				assert_int_equal(at(DW_FORM_loclistx, 0, expected[i].vaddr),
					expected[i].op);
				assert_int_equal(at(DW_FORM_sec_offset, begun, expected[i].vaddr),
					expected[i].op);
			}
			assert_int_equal(at(DW_FORM_sec_offset, other, 0x1010), DW_OP_lit9);
			assert_int_equal(at(DW_FORM_sec_offset, other, 0x9999), DW_OP_lit8);
			assert_int_equal(at(DW_FORM_sec_offset, broken, 0x1010), 0xff);
			assert_int_equal(at(DW_FORM_sec_offset, cut, 0x1010), 0xff);
			assert_int_equal(at(DW_FORM_loclistx, 1 << 20, 0x1010), 0xff);
			/* What is read is counted. */
			left = 1;
			assert_int_equal(at(DW_FORM_sec_offset, begun, 0x9000), 0);
			assert_int_equal(left, 0);
			assert_int_equal(at(DW_FORM_sec_offset, begun, 0x1010), 0xff);
			made_end(&made);
		}
}

static void test_dwarf_children(void **state)
{
	(void)state;
	made_begin(&made, false, 5, 8, 4);
	made_abbrev(&made, 1, DW_TAG_compile_unit, 1, 0);
	made_abbrev(&made, 2, DW_TAG_subprogram, 1, DW_AT_name, DW_FORM_string, 0);
	made_abbrev(&made, 3, DW_TAG_variable, 0, DW_AT_name, DW_FORM_string, 0);
	made_abbrev(&made, 4, DW_TAG_lexical_block, 1, DW_AT_sibling, DW_FORM_ref4, 0);
	made_abbrevs_end(&made);
	made_unit(&made, DW_UT_compile, 0, 0);
	struct out *info = &made.sections[SNAP_DWARF_INFO];
	size_t begun = made.unit_begun;
	out_uleb(info, 1);
	out_uleb(info, 2); /* with children of its own, and no sibling */
	out_string(info, "f");
	out_uleb(info, 3);
	out_string(info, "within");
	out_uleb(info, 2);
	out_string(info, "g");
	out_ulebs(info, 0, 0);
	out_uleb(info, 4);
	size_t sibling = info->len;
	out_u32(info, 0);
	out_ulebs(info, 99, 99, 99); /* nobody looks at these */
	out_patch(info, sibling, info->len - begun, 4);
	out_uleb(info, 3);
	out_string(info, "last");
	out_uleb(info, 0);
	made_unit_end(&made);
	made_open(&made);
	struct snap_dwarf_unit *unit = made_opened_unit(&made, 0);
	static const uint32_t tags[] = {DW_TAG_subprogram, DW_TAG_lexical_block, DW_TAG_variable};
	struct snap_children children;
	struct snap_child child;
	left = 100;
	snap_children_begin(&children, (struct snap_die){unit, unit->dies}, &left);
	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		assert_true(snap_children_next(&children, &child));
		assert_int_equal(child.abbrev->tag, tags[i]);
	}
	struct snap_die last = child.die;
	assert_false(snap_children_next(&children, &child));
	assert_false(snap_children_next(&children, &child));
	/* An entry without children has none. */
	snap_children_begin(&children, last, &left);
	assert_false(snap_children_next(&children, &child));
	/* Nor has one that is not there. */
	snap_children_begin(&children, (struct snap_die){0}, &left);
	assert_false(snap_children_next(&children, &child));
	/* Out of work on the way. */
	left = 3;
	snap_children_begin(&children, (struct snap_die){unit, unit->dies}, &left);
	assert_true(snap_children_next(&children, &child));
	assert_false(snap_children_next(&children, &child));
	assert_int_equal(left, 0);
	made_end(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dwarf_locations_pairs),
		cmocka_unit_test(test_dwarf_locations_entries),
		cmocka_unit_test(test_dwarf_children),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
