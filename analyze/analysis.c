#include "analyze/analysis.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/explain/alike.h"
#include "analyze/explain/explain.h"
#include "analyze/explain/instruction.h"
#include "analyze/explain/log_clock.h"
#include "analyze/explain/next_steps.h"
#include "analyze/explain/repeats.h"
#include "analyze/explain/text_cause.h"
#include "analyze/explain/vicinity.h"
#include "analyze/fields/unknown.h"
#include "analyze/input/input.h"
#include "analyze/input/load.h"
#include "analyze/signature/signature.h"
#include "analyze/symbols/firmware.h"
#include "analyze/symbols/jit.h"
#include "analyze/find/source.h"
#include "analyze/find/store.h"
#include "analyze/symbols/symbolise.h"
#include "analyze/symbols/tail_call.h"
#include "analyze/tokens/apply.h"
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
	if (load(ret, err) == 0 && snap_crash_tell_unreadable(ret, err) == 0)
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
		if (snap_firmware_lay_out(crash, err) < 0 || snap_unwind(crash, options, err) < 0 ||
			snap_store_fetch(store, crash, &again, err) < 0)
			return -1;
	}
	return again ? snap_crash_note(crash,
			       snap_bytes_str("stacks may lead further: files were fetched for "
					      "them too often"),
			       err)
		     : 0;
}

/* Of a snapshot, what we do not know ourselves. */
static int find_fields(
	struct snap_crash *crash, struct snap_overlays *overlays, struct snap_error *err)
{
	if (crash->is_core)
		return 0;
	struct snap_fields *fields = snap_arena_alloc(&crash->arena, sizeof(*fields));
	if (!fields)
		return snap_error_no_memory(err);
	crash->fields = fields;
	return snap_fields_find(crash->reader.file,
		crash->integrity == SNAP_INTEGRITY_UNMARKED, overlays, &crash->arena, fields, err);
}

/* All that follows when the input was read. */
static int run_stages(struct snap_crash *crash, struct snap_store *store,
	const struct snap_options *options, struct snap_error *err)
{
	/* Before files are opened, if it can be: in a worker, the input may be begun anew. */
	bool is_prepared = options->no_instruction || snap_instruction_prepare(crash);
	bool is_resolved = snap_store_resolve(store, crash, err) == 0;
	if (is_resolved && !is_prepared)
		(void)snap_instruction_prepare(crash);
	is_resolved = is_resolved && snap_detokenise_crash(crash, options->tokens, err) == 0;
	if (is_resolved)
		snap_log_clock_find(crash);
	if (is_resolved && snap_jit_resolve(crash, err) == 0 &&
		unwind(crash, store, options, err) == 0 &&
		snap_tail_calls_insert(crash, err) == 0 &&
		snap_symbolise(crash, &options->path_map, err) == 0 &&
		snap_source_read(crash, options, snap_store_debuginfod(store), err) == 0 &&
		snap_variables_read(crash, options->variables, err) == 0 &&
		snap_crash_tell_unreadable(crash, err) == 0 && snap_find_repeats(crash, err) == 0 &&
		snap_find_alike(crash, err) == 0 && snap_explain(crash, err) == 0 &&
		(!options->rules || snap_sign(crash, options->rules, err) == 0) &&
		snap_find_next_steps(crash, options->only_crashed_thread, err) == 0 &&
		(!options->overlays || find_fields(crash, options->overlays, err) == 0) &&
		(!options->vicinity || snap_find_vicinity(crash, err) == 0) &&
		snap_crash_tell_unreadable(crash, err) == 0)
		return 0;
	return -1;
}

/* A snapshot that is in another, whose bytes it shares. *ret is to be ended also on failure. */
static int load_related(const struct snap_crash *outer, struct snap_bytes record,
	struct snap_crash *ret, struct snap_error *err)
{
	snap_crash_init(ret, outer->file);
	ret->input = malloc(sizeof(*ret->input));
	if (!ret->input)
		return snap_error_no_memory(err);
	*ret->input = (struct snap_input){.fd = -1, .size = record.len, .data = record};
	ret->file_bytes = record.len;
	ret->is_related = true;
	if (snap_load_snapshot(ret, err) < 0)
		return -1;
	/* It has no marks of its own: those of the outer one vouch for it. */
	if (ret->integrity == SNAP_INTEGRITY_UNMARKED &&
		outer->integrity == SNAP_INTEGRITY_COMPLETE) {
		ret->integrity = SNAP_INTEGRITY_COMPLETE;
		ret->integrity_why = "";
	}
	return 0;
}

static int note_related(struct snap_crash *crash, size_t num_left_out, struct snap_error *err)
{
	const char *text = snap_crash_format(crash,
		"%zu related snapshot%s not shown: %d of a file are, in others up to %d deep",
		num_left_out, num_left_out == 1 ? " is" : "s are", SNAP_MAX_RELATED,
		SNAP_MAX_RELATED_DEPTH);
	return text ? snap_crash_note(crash, snap_bytes_str(text), err) : snap_error_no_memory(err);
}

/* depth: how many it is in; *room: how many may still be read. */
static int run_related(struct snap_crash *crash, unsigned int depth, size_t *room,
	struct snap_store *store, const struct snap_options *options, struct snap_error *err)
{
	size_t num = depth < SNAP_MAX_RELATED_DEPTH ? crash->num_related_records : 0;
	if (num > *room)
		num = *room;
	/* Where they stay: what is in them points to them. */
	crash->related = snap_arena_alloc(&crash->arena, num * sizeof(*crash->related));
	if (!crash->related)
		return snap_error_no_memory(err);
	*room -= num;
	for (size_t i = 0; i < num; i++) {
		struct snap_crash *related = &crash->related[crash->num_related];
		struct snap_error why = SNAP_ERROR_INIT;
		if (load_related(crash, crash->related_records[i], related, &why) < 0) {
			snap_crash_deinit(related);
			const char *text = snap_crash_format(crash,
				"related snapshot %zu is not shown: %s", i + 1, why.text);
			if (!text || snap_crash_note(crash, snap_bytes_str(text), err) < 0)
				return snap_error_no_memory(err);
			continue;
		}
		crash->num_related++;
		if (run_stages(related, store, options, err) < 0 ||
			run_related(related, depth + 1, room, store, options, err) < 0)
			return -1;
	}
	return crash->num_related_records > num
		       ? note_related(crash, crash->num_related_records - num, err)
		       : 0;
}

int snap_analysis_run(const char *file, struct snap_store *store,
	const struct snap_options *options, struct snap_crash *ret, struct snap_error *err)
{
	size_t room = SNAP_MAX_RELATED;
	if (snap_analysis_load(file, ret, err) < 0)
		return -1;
	if (run_stages(ret, store, options, err) == 0 &&
		run_related(ret, 0, &room, store, options, err) == 0)
		return 0;
	snap_crash_deinit(ret);
	return -1;
}

int snap_analysis_text(struct snap_text *text, const struct snap_options *options,
	struct snap_crash *ret, struct snap_error *err)
{
	int r = snap_text_next(text, ret, err);
	if (r <= 0)
		return r;
	/* A report says what its analysis found. */
	bool is_report = options->from == SNAP_TEXT_JSON;
	if ((!options->rules || snap_signature_find_kind(ret, options->rules, err) == 0) &&
		(is_report || snap_text_cause_find(ret, err) == 0) && snap_find_repeats(ret, err) == 0 &&
		(!options->rules || snap_sign(ret, options->rules, err) == 0))
		return 1;
	snap_crash_deinit(ret);
	return -1;
}
