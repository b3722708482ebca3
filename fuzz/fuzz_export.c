/* A snapshot to a core, and that core back through the analysis. */
#include <stdio.h>
#include <stdlib.h>

#include "analyze/analysis.h"
#include "analyze/convert/export.h"
#include "analyze/crash.h"
#include "analyze/find/store.h"
#include "fuzz/fuzz.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max_len, unsigned int seed)
{
	return fuzz_mutate_snapshot(data, len, max_len, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct snap_options options = {
		.no_local = true, .no_cache = true, .num_jobs = 1, .max_frames = 20};
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_store *store;
	struct snap_crash crash;
	struct snap_export_report report;
	FUZZ_REQUIRE(snap_store_create(&options, &store, &err) == 0);
	if (snap_analysis_run(fuzz_file(data, len), store, &options, &crash, &err) == 0) {
		char *core = NULL;
		size_t core_len = 0;
		FILE *out = open_memstream(&core, &core_len);
		FUZZ_REQUIRE(out);
		int r = snap_export(&crash, out, &report, &err);
		FUZZ_REQUIRE(fclose(out) == 0);
		bool has_threads =
			crash.num_threads > (r == 0 ? report.notes.num_threads_left_out : 0);
		snap_crash_deinit(&crash);
		if (r == 0 && has_threads) {
			/* What we write, we read. */
			FUZZ_REQUIRE(snap_analysis_load(fuzz_file((uint8_t *)core, core_len),
					     &crash, &err) == 0);
			snap_crash_deinit(&crash);
		} else if (r < 0) {
			FUZZ_REQUIRE(err.text[0]);
		}
		free(core);
	}
	snap_store_destroy(store);
	return 0;
}
