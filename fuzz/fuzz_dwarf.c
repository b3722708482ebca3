/* Debug information: units, abbreviations, attributes, ranges, line numbers; of two files. */
#include "fuzz/dwarf_input.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max_len, unsigned int seed)
{
	return fuzz_dwarf_mutate(data, len, max_len, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct made made, other;
	struct fuzz_input input = {data, len};
	uint8_t flags = fuzz_dwarf_read(&input, &made, &other);
	made_use(&made, (enum snap_dwarf_section)(flags >> 5),
		flags & FUZZ_DWARF_OTHER ? &other : NULL);
	fuzz_dwarf_free(&made);
	fuzz_dwarf_free(&other);
	return 0;
}
