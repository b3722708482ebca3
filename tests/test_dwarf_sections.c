/* analyze/dwarf/sections: which sections are found, of which kind of file, and what is taken for
 * compressed. */
#include "analyze/dwarf/sections.h"

#include "tests/lib/made_dwarf.h"

#include <stdio.h>

static void test_sections_by_name(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		bool is_split = i & 1, big_endian = i & 2;
		struct made made;
		made_begin(&made, big_endian, 5, i & 4 ? 4 : 8, 4);
		made.is_split = is_split;
		for (int j = 0; j < SNAP_DWARF_NUM_SECTIONS; j++)
			for (int k = 0; k <= j; k++)
				out_u8(&made.sections[j], (uint64_t)j);
		struct snap_elf_file *elf = made_elf(&made, SNAP_DWARF_STR);
		for (int split = 0; split < 2; split++) {
			struct snap_dwarf_sections sections;
			snap_dwarf_sections_init(&sections, elf, split);
			assert_int_equal(sections.big_endian, big_endian);
			for (int j = 0; j < SNAP_DWARF_NUM_SECTIONS; j++) {
				bool is_index =
					j == SNAP_DWARF_CU_INDEX || j == SNAP_DWARF_TU_INDEX;
				bool is_there =
					split ? is_split || is_index : !is_split && !is_index;
				struct snap_bytes bytes = snap_dwarf_section(&sections, j);
				assert_int_equal(snap_dwarf_has_section(&sections, j), is_there);
				assert_int_equal(bytes.len, is_there ? j + 1 : 0);
				if (is_there)
					assert_int_equal(bytes.data[j], j);
			}
			snap_dwarf_sections_deinit(&sections);
		}
		/* Nothing of a file whose DWARF must not be read. */
		struct snap_dwarf_sections sections;
		elf->no_dwarf = "as it is";
		snap_dwarf_sections_init(&sections, elf, is_split);
		assert_false(snap_dwarf_has_section(&sections, SNAP_DWARF_STR));
		assert_int_equal(snap_dwarf_section(&sections, SNAP_DWARF_STR).len, 0);
		snap_dwarf_sections_deinit(&sections);
		snap_elf_file_destroy(elf);
		made_end(&made);
	}
}

/* Only a section .zdebug_* is compressed in GNU's way: zlib's own strings begin like that, too. Nor
 * are others counted where a file is opened. */
static void test_sections_strings_about_zlib(void **state)
{
	(void)state;
	static const char strings[] = "ZLIB_VERSION\0\x10\0\0 and more";
	struct made made;
	made_begin(&made, false, 5, 8, 4);
	out_bytes(&made.sections[SNAP_DWARF_STR], strings, sizeof(strings));
	made_open(&made);
	struct snap_bytes bytes = snap_dwarf_section(&made.dwarf->sections, SNAP_DWARF_STR);
	assert_true(snap_bytes_equal(bytes, snap_bytes(strings, sizeof(strings))));
	made_end(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sections_by_name),
		cmocka_unit_test(test_sections_strings_about_zlib),
	};
	return cmocka_run_group_tests_name("dwarf_sections", tests, NULL, NULL);
}
