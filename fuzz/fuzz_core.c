/* A core, through the whole analysis, and what "import" makes of it. */
#include <fcntl.h>
#include <unistd.h>

#include "analyze/convert/import.h"
#include "analyze/crash.h"
#include "analyze/analysis.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static int out = -1;
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_crash crash;
	const char *file = fuzz_file(data, len);
	fuzz_analyse(file);
	if (snap_analysis_load(file, &crash, &err) < 0)
		return 0;
	if (out < 0)
		out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	const struct snap_import_options options = {.full_stacks = len & 1, .indirect = len & 2};
	(void)snap_import(&crash, &options, out, &err); /* refusing it is fine */
	snap_crash_deinit(&crash);
	return 0;
}
