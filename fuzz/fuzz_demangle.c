/* Names that claim to be mangled. */
#include "analyze/symbols/demangle.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *name = malloc(len + 1);
	FUZZ_REQUIRE(name);
	if (len > 0)
		memcpy(name, data, len);
	name[len] = 0;
	free(snap_demangle(name));
	free(snap_demangle_whole(name));
	free(name);
	return 0;
}
