/* A DWARF package (.dwp), its index above all, and an executable whose units are in it. */
#include "analyze/dwarf/package.h"

#include "analyze/dwarf/file.h"
#include "fuzz/dwarf_input.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max_len, unsigned int seed)
{
	return fuzz_dwarf_mutate(data, len, max_len, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct made made, package;
	struct fuzz_input input = {data, len};
	(void)fuzz_dwarf_read(&input, &made, &package);
	made.is_split = false;
	package.is_split = true;
	made_use(&made, SNAP_DWARF_INFO, &package);

	struct snap_elf_file *elf = made_elf(&package, SNAP_DWARF_CU_INDEX);
	struct snap_dwarf_file *file;
	FUZZ_REQUIRE(snap_dwarf_file_create(elf, true, &file, NULL) == 0);
	size_t num = snap_dwarf_file_num_units(file);
	for (size_t i = 0; i < num && i < 64; i++) {
		struct snap_dwarf_unit *unit = snap_dwarf_file_unit(file, i);
		FUZZ_REQUIRE(unit);
		if (snap_dwarf_unit_open(unit))
			(void)snap_dwarf_unit_abbrevs(unit);
		struct snap_dwarf_unit *found = snap_dwarf_file_split_unit(file, unit->id);
		FUZZ_REQUIRE(!found || found->id == unit->id);
	}
	(void)snap_dwarf_file_split_unit(file, 0);
	snap_dwarf_file_destroy(file);
	snap_elf_file_destroy(elf);
	fuzz_dwarf_free(&made);
	fuzz_dwarf_free(&package);
	return 0;
}
