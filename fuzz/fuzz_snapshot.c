/* A snapshot, through the whole analysis. */
#include "fuzz/fuzz.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max_len, unsigned int seed)
{
	return fuzz_mutate_snapshot(data, len, max_len, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fuzz_analyse(fuzz_file(data, len));
	return 0;
}
