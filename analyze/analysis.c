#include "analyze/analysis.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/explain/alike.h"
#include "analyze/explain/explain.h"
#include "analyze/explain/instruction.h"
#include "analyze/explain/next_steps.h"
#include "analyze/explain/repeats.h"
#include "analyze/explain/vicinity.h"
#include "analyze/input/input.h"
#include "analyze/input/load.h"
#include "analyze/signature/signature.h"
#include "analyze/symbols/jit.h"
#include "analyze/find/source.h"
#include "analyze/find/store.h"
#include "analyze/symbols/symbolise.h"
#include "analyze/symbols/tail_call.h"
#include "analyze/unwind/unwind.h"
#include "analyze/variables/variables.h"
#include "common/escape.h"

static int load(struct snap_crash *crash, struct snap_error *err)
{
	struct snap_error why = SNAP_ERROR_INIT;
	crash->input = malloc(sizeof(*crash->input));
	if (!crash->input)
		return snap_error_no_memory(err);
	if (snap_input_open(crash->file, crash->input, err) < 0) {
		free(crash->input);
		crash->input = NULL;
		return -1;
	}
	crash->file_bytes = crash->input->size;
	int r = crash->input->is_core ? snap_load_core(crash, &why)
				      : snap_load_snapshot(crash, &why);
	if (r == 0)
		return 0;
	char name[256];
	(void)snap_escape(snap_bytes_str(crash->file), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
	return snap_error_set(err, why.code, "cannot analyse '%s': %s", name, why.text);
}

int snap_analysis_load(const char *file, struct snap_crash *ret, struct snap_error *err)
{
	snap_crash_init(ret, file);
	if (load(ret, err) == 0)
		return 0;
	snap_crash_deinit(ret);
	return -1;
}

/* Stacks are followed again with what was fetched, so often at most: it leads to further modules.
 */
#define MAX_ROUNDS 8

/*
 * Which modules a stack leads to, and so which files are worth fetching, is known when it was
 * followed; how it goes on, when these files are there.
 */
static int unwind(struct snap_crash *crash, struct snap_store *store,
	const struct snap_options *options, struct snap_error *err)
{
	bool again = true;
	for (int round = 0; again && round < MAX_ROUNDS; round++) {
		for (size_t i = 0; i < crash->num_modules; i++)
			crash->modules[i].has_frame = crash->modules[i].has_crashed_frame = false;
		if (snap_unwind(crash, options, err) < 0 ||
			snap_store_fetch(store, crash, &again, err) < 0)
			return -1;
	}
	return again ? snap_crash_note(crash,
			       snap_bytes_str("stacks may lead further: files were fetched for "
					      "them too often"),
			       err)
		     : 0;
}

int snap_analysis_run(const char *file, struct snap_store *store,
	const struct snap_options *options, struct snap_crash *ret, struct snap_error *err)
{
	if (snap_analysis_load(file, ret, err) < 0)
		return -1;
	bool is_resolved = snap_store_resolve(store, ret, err) == 0;
	if (is_resolved && !options->no_instruction)
		snap_instruction_prepare(ret);
	if (is_resolved && snap_jit_resolve(ret, err) == 0 &&
		unwind(ret, store, options, err) == 0 && snap_tail_calls_insert(ret, err) == 0 &&
		snap_symbolise(ret, &options->path_map, err) == 0 &&
		snap_source_read(ret, options, snap_store_debuginfod(store), err) == 0 &&
		snap_variables_read(ret, options->variables, err) == 0 &&
		snap_find_repeats(ret, err) == 0 && snap_find_alike(ret, err) == 0 &&
		snap_explain(ret, err) == 0 &&
		(!options->rules || snap_sign(ret, options->rules, err) == 0) &&
		snap_find_next_steps(ret, options->only_crashed_thread, err) == 0 &&
		(!options->vicinity || snap_find_vicinity(ret, err) == 0))
		return 0;
	snap_crash_deinit(ret);
	return -1;
}
