/* analyze/dwarf/ranges: every entry of a list in every version, width and byte order, what linkers
 * leave of discarded code, and lists that many entries share. */
#include "analyze/dwarf/ranges.h"

#include "tests/lib/made_dwarf.h"

#include <dwarf.h>
#include <stdlib.h>
#include <time.h>

static struct made made;
static struct snap_dwarf_ranges ranges;

/* A unit at 0x1000 without more; addresses 0x2000, 0x2010, 0x3000, and one tombstone. */
static void begin(bool big_endian, uint16_t version, uint8_t address_size, uint8_t offset_size)
{
	made_begin(&made, big_endian, version, address_size, offset_size);
	made_lists_unit(&made, DW_AT_rnglists_base);
	made_address(&made, SNAP_DWARF_ADDR, 0x3000);
	made_address(&made, SNAP_DWARF_ADDR, UINT64_MAX);
}

static void end(void)
{
	made_end(&made);
	snap_dwarf_ranges_deinit(&ranges);
}

static void read(
	const struct snap_attr *low, const struct snap_attr *high, const struct snap_attr *list)
{
	static const struct snap_attr none;
	if (!made.dwarf)
		made_open(&made);
	ranges.num = 0;
	assert_int_equal(snap_dwarf_ranges_read(made_opened_unit(&made, 0), low ? low : &none,
				 high ? high : &none, list ? list : &none, &ranges),
		0);
}

static void assert_ranges(const struct snap_dwarf_range *expected, size_t num)
{
	for (size_t i = 0; i < num || i < ranges.num; i++)
		if (i >= num || i >= ranges.num || ranges.items[i].start != expected[i].start ||
			ranges.items[i].end != expected[i].end)
			fail_msg("range %zu of %zu: [%llx, %llx)", i, ranges.num,
				i < ranges.num ? (unsigned long long)ranges.items[i].start : 0,
				i < ranges.num ? (unsigned long long)ranges.items[i].end : 0);
}

static const struct {
	bool big_endian;
	uint8_t address_size, offset_size;
} settings[] = {
	{false, 8, 4}, {false, 4, 4}, {true, 8, 8}, {true, 4, 4}, {false, 8, 8}, {true, 8, 4}};

/* ---------------------------------------------------------------- two addresses */

static void test_ranges_low_and_high(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		uint8_t size = settings[i].address_size;
		uint64_t last = size == 4 ? UINT32_MAX : UINT64_MAX;
		begin(settings[i].big_endian, 5, size, settings[i].offset_size);
		struct snap_attr low = {.form = DW_FORM_addr, .value = 0x1234};
		struct snap_attr high = {.form = DW_FORM_addr, .value = 0x1244};
		static const struct snap_dwarf_range expected[] = {{0x1234, 0x1244}};
		read(&low, &high, NULL);
		assert_ranges(expected, 1);
		high = (struct snap_attr){.form = DW_FORM_data4, .value = 0x10};
		read(&low, &high, NULL);
		assert_ranges(expected, 1);
		high = (struct snap_attr){.form = DW_FORM_implicit_const, .value = 0x10};
		read(&low, &high, NULL);
		assert_ranges(expected, 1);
		read(&low, NULL, NULL);
		assert_ranges(NULL, 0);
		read(NULL, &high, NULL);
		assert_ranges(NULL, 0);
		high.value = (uint64_t)-16;
		read(&low, &high, NULL);
		assert_ranges(NULL, 0);
		high.value = 0;
		read(&low, &high, NULL);
		assert_ranges(NULL, 0);
		static const struct snap_dwarf_range indexed[] = {{0x2010, 0x3000}};
		low = (struct snap_attr){.form = DW_FORM_addrx, .value = 1};
		high = (struct snap_attr){.form = DW_FORM_addrx1, .value = 2};
		read(&low, &high, NULL);
		assert_ranges(indexed, 1);
		low.value = 4; /* there is no such address */
		read(&low, &high, NULL);
		assert_ranges(NULL, 0);
		/* Code that was left out. */
		const uint64_t tombstones[] = {0, 1, last, last - 1};
		for (size_t j = 0; j < ARRAY_LEN(tombstones); j++) {
			low = (struct snap_attr){.form = DW_FORM_addr, .value = tombstones[j]};
			high = (struct snap_attr){.form = DW_FORM_data4, .value = 0x10};
			read(&low, &high, NULL);
			assert_ranges(NULL, 0);
		}
		low = (struct snap_attr){.form = DW_FORM_addrx, .value = 3};
		read(&low, &high, NULL);
		assert_ranges(NULL, 0);
		/* The highest addresses that are code. */
		low = (struct snap_attr){.form = DW_FORM_addr, .value = last - 0x20};
		high = (struct snap_attr){.form = DW_FORM_data4, .value = 0x10};
		const struct snap_dwarf_range highest[] = {{last - 0x20, last - 0x10}};
		read(&low, &high, NULL);
		assert_ranges(highest, 1);
		end();
	}
}

/* ---------------------------------------------------------------- .debug_ranges */

static void pair(uint64_t start, uint64_t end_addr)
{
	made_address(&made, SNAP_DWARF_RANGES, start);
	made_address(&made, SNAP_DWARF_RANGES, end_addr);
}

static void test_ranges_pairs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		begin(settings[i].big_endian, 2 + (uint16_t)i % 3, settings[i].address_size,
			settings[i].offset_size);
		pair(0, 0);	  /* the list before it */
		pair(0x10, 0x20); /* to the unit's address */
		pair(0x30, 0x30); /* empty */
		pair(0x50, 0x40); /* the wrong way round */
		pair(1, 1);
		pair(UINT64_MAX, 0x5000);
		pair(0x10, 0x20);
		pair(UINT64_MAX - 1, UINT64_MAX - 1); /* left out, by lld */
		pair(UINT64_MAX, 0);
		pair(0x6000, 0x6010);
		pair(0, 0x10);
		pair(1, 0x10);
		/* Bases of what was left out. */
		pair(UINT64_MAX, UINT64_MAX);
		pair(0x4, 0x6000);
		pair(UINT64_MAX, UINT64_MAX - 1);
		pair(0x4, 0x6000);
		pair(UINT64_MAX, 0x7000);
		pair(0, 1);
		pair(0, 0);
		pair(0x8000, 0x9000);
		static const struct snap_dwarf_range expected[] = {
			{0x1010, 0x1020}, {0x5010, 0x5020}, {0x6000, 0x6010}, {0x7000, 0x7001}};
		struct snap_attr list = {
			.form = DW_FORM_sec_offset, .value = 2u * settings[i].address_size};
		read(NULL, NULL, &list);
		assert_ranges(expected, 4);
		list.form = DW_FORM_data4;
		read(NULL, NULL, &list);
		assert_ranges(expected, 4);
		list.form = DW_FORM_data8;
		read(NULL, NULL, &list);
		assert_ranges(expected, 4);
		/* Without an end, and without a beginning. */
		list.value = made.sections[SNAP_DWARF_RANGES].len - 2u * settings[i].address_size;
		read(NULL, NULL, &list);
		static const struct snap_dwarf_range last[] = {{0x9000, 0xa000}};
		assert_ranges(last, 1);
		list.value = UINT64_MAX;
		read(NULL, NULL, &list);
		assert_ranges(NULL, 0);
		list.form = DW_FORM_string;
		read(NULL, NULL, &list);
		assert_ranges(NULL, 0);
		end();
	}
}

/* ---------------------------------------------------------------- .debug_rnglists */

static void test_ranges_lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		begin(settings[i].big_endian, 5, settings[i].address_size, settings[i].offset_size);
		struct out *out = &made.sections[SNAP_DWARF_RNGLISTS];
		for (int j = 0; j < 12; j++)
			out_u8(out, 0xee); /* the header is not asked */
		/* Of two lists, from the base. */
		uint64_t first = 2 * settings[i].offset_size;
		made_offset(&made, SNAP_DWARF_RNGLISTS, first + 1);
		made_offset(&made, SNAP_DWARF_RNGLISTS, first);
		out_u8(out, DW_RLE_end_of_list);
		out_ulebs(out, DW_RLE_offset_pair, 0x10, 0x20);
		out_ulebs(out, DW_RLE_base_addressx, 0, DW_RLE_offset_pair, 1, 2);
		out_u8(out, DW_RLE_base_address);
		made_address(&made, SNAP_DWARF_RNGLISTS, 0x4000);
		out_ulebs(out, DW_RLE_offset_pair, 0, 0x80, DW_RLE_offset_pair, 5, 5);
		out_ulebs(out, DW_RLE_startx_endx, 0, 1, DW_RLE_startx_endx, 0, 99);
		out_ulebs(out, DW_RLE_startx_length, 2, 0x100, DW_RLE_startx_length, 3, 0x100);
		out_ulebs(out, DW_RLE_startx_length, 99, 0x100);
		out_u8(out, DW_RLE_start_end);
		made_address(&made, SNAP_DWARF_RNGLISTS, 0x5000);
		made_address(&made, SNAP_DWARF_RNGLISTS, 0x5001);
		out_u8(out, DW_RLE_start_length);
		made_address(&made, SNAP_DWARF_RNGLISTS, 0x6000);
		out_uleb(out, 0x200);
		/* What was left out. */
		static const uint64_t tombstones[] = {0, 1, UINT64_MAX, UINT64_MAX - 1};
		for (size_t j = 0; j < ARRAY_LEN(tombstones); j++) {
			out_u8(out, DW_RLE_start_length);
			made_address(&made, SNAP_DWARF_RNGLISTS, tombstones[j]);
			out_uleb(out, 0x200);
		}
		for (size_t j = 2; j < ARRAY_LEN(tombstones); j++) {
			out_u8(out, DW_RLE_base_address);
			made_address(&made, SNAP_DWARF_RNGLISTS, tombstones[j]);
			out_ulebs(out, DW_RLE_offset_pair, 4, 0x1000);
		}
		out_ulebs(out, DW_RLE_base_addressx, 3, DW_RLE_offset_pair, 4, 0x1000);
		out_ulebs(out, DW_RLE_base_addressx, 99, DW_RLE_offset_pair, 4, 0x1000);
		out_ulebs(out, DW_RLE_base_addressx, 2, DW_RLE_offset_pair, 0, 1);
		out_u8(out, DW_RLE_end_of_list);
		out_ulebs(out, DW_RLE_startx_length, 2, 0x100, 0x55, DW_RLE_startx_length, 2, 1);
		static const struct snap_dwarf_range expected[] = {{0x1010, 0x1020},
			{0x2001, 0x2002}, {0x4000, 0x4080}, {0x2000, 0x2010}, {0x3000, 0x3100},
			{0x5000, 0x5001}, {0x6000, 0x6200}, {0x3000, 0x3001}};
		struct snap_attr list = {.form = DW_FORM_rnglistx};
		read(NULL, NULL, &list);
		assert_ranges(expected, ARRAY_LEN(expected));
		list.value = 1;
		read(NULL, NULL, &list);
		assert_ranges(NULL, 0);
		list = (struct snap_attr){.form = DW_FORM_sec_offset, .value = 12 + first + 1};
		read(NULL, NULL, &list);
		assert_ranges(expected, ARRAY_LEN(expected));
		/* Behind an entry of no known kind nothing is read. */
		list.value = out->len - 8;
		read(NULL, NULL, &list);
		assert_ranges(expected + 4, 1);
		list = (struct snap_attr){.form = DW_FORM_rnglistx, .value = UINT64_MAX};
		read(NULL, NULL, &list);
		assert_ranges(NULL, 0);
		end();
	}
}

/* ---------------------------------------------------------------- .debug_aranges */

static void test_ranges_of_units(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		uint8_t address_size = settings[i].address_size;
		uint8_t offset_size = settings[i].offset_size;
		begin(settings[i].big_endian, 5, address_size, offset_size);
		struct out *out = &made.sections[SNAP_DWARF_ARANGES];
		for (uint64_t set = 0; set < 3; set++) {
			size_t begun = out->len;
			if (offset_size == 8)
				out_u32(out, 0xffffffff);
			size_t len_off = out->len;
			made_offset(&made, SNAP_DWARF_ARANGES, 0);
			out_u16(out, set == 1 ? 3 : 2); /* the second is of no known version */
			made_offset(&made, SNAP_DWARF_ARANGES, 0x77 + set);
			out_u8(out, address_size);
			out_u8(out, 0);
			while ((out->len - begun) % (2u * address_size) != 0)
				out_u8(out, 0xee);
			made_address(&made, SNAP_DWARF_ARANGES, 0x1000 * (set + 1));
			made_address(&made, SNAP_DWARF_ARANGES, 0x10);
			made_address(&made, SNAP_DWARF_ARANGES, UINT64_MAX); /* left out */
			made_address(&made, SNAP_DWARF_ARANGES, 0x10);
			made_address(&made, SNAP_DWARF_ARANGES, 0);
			made_address(&made, SNAP_DWARF_ARANGES, 0);
			made_address(&made, SNAP_DWARF_ARANGES, 0x9000); /* behind the end */
			made_address(&made, SNAP_DWARF_ARANGES, 0x10);
			out_patch(out, len_off, out->len - len_off - offset_size, offset_size);
		}
		made_open(&made);
		struct snap_dwarf_arange_set set = {0};
		uint64_t off = 0;
		for (uint64_t j = 0; j < 3; j++) {
			assert_int_equal(snap_dwarf_aranges_next(made.dwarf, &off, &set), 0);
			if (j == 1) {
				assert_int_equal(set.ranges.num, 0);
				continue;
			}
			assert_int_equal(set.unit_off, 0x77 + j);
			assert_int_equal(set.ranges.num, 1);
			assert_int_equal(set.ranges.items[0].start, 0x1000 * (j + 1));
			assert_int_equal(set.ranges.items[0].end, 0x1000 * (j + 1) + 0x10);
			set.ranges.num = 0;
		}
		assert_int_equal(snap_dwarf_aranges_next(made.dwarf, &off, &set), 1);
		snap_dwarf_ranges_deinit(&set.ranges);
		end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges_low_and_high),
		cmocka_unit_test(test_ranges_pairs),
		cmocka_unit_test(test_ranges_lists),
		cmocka_unit_test(test_ranges_of_units),
	};
	return cmocka_run_group_tests_name("dwarf_ranges", tests, NULL, NULL);
}
