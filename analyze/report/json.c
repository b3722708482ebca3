/*
 * The report is written value by value as the schema orders them; nothing of it is held in memory.
 */
#include "analyze/report/json.h"

#include <inttypes.h>
#include <stdlib.h>

#include "analyze/explain/explain.h"
#include "analyze/explain/next_steps.h"
#include "analyze/find/candidate.h"
#include "analyze/find/package_note.h"
#include "analyze/report/json_cause.h"
#include "analyze/report/json_device.h"
#include "analyze/report/json_facts.h"
#include "analyze/report/json_fields.h"
#include "analyze/report/json_stack.h"
#include "analyze/report/json_values.h"
#include "analyze/report/json_writer.h"
#include "analyze/report/words.h"
#include "analyze/signature/levels.h"
#include "common/escape.h"

/* ---------------------------------------------------------------- the members */

static void put_snapshot(struct snap_json *w, const struct snap_crash *crash)
{
	const struct snap_metadata *metadata = &crash->metadata;
	const struct snap_capture *capture = &crash->capture;
	char time[40] = "";
	if (capture->has_time)
		snap_time_words(capture->time_s, capture->time_ns, time);
	snap_json_begin_object(w, "snapshot");
	snap_json_put_string(w, "file", crash->file);
	snap_json_maybe_hex_bytes(w, "uuid", metadata->snapshot_uuid);
	snap_json_put_string(w, "captured_at", time[0] ? time : NULL);
	snap_json_put_string(w, "integrity", snap_integrity_name(crash->integrity));
	snap_json_put_string(
		w, "integrity_reason", crash->integrity_why[0] ? crash->integrity_why : NULL);
	snap_json_put_string(w, "format", crash->is_core ? "core" : "snapshot");
	snap_json_put_text(w, "writer", crash->header.writer);
	snap_json_put_number(w, "bytes", crash->file_bytes);
	snap_json_maybe_bool(w, "fatal", metadata->has_fatal, metadata->fatal);
	snap_json_put_text(w, "reason", metadata->reason);
	snap_json_maybe_name(w, "method", capture->has_method,
		snap_capture_method_name(capture->method), capture->method);
	snap_json_maybe_number(w, "hold_time_ns", capture->has_hold_time, capture->hold_time_ns);
	snap_json_maybe_number(w, "pause_time_ns", capture->has_pause_time, capture->pause_time_ns);
	snap_json_maybe_name(w, "storage", capture->has_storage,
		snap_capture_storage_name(capture->storage), capture->storage);
	snap_json_maybe_number(w, "queue_time_ns", capture->has_queue_time, capture->queue_time_ns);
	snap_json_begin_array(w, "notes");
	for (size_t i = 0; i < crash->num_notes; i++)
		snap_json_put_text(w, NULL, crash->notes[i]);
	snap_json_end_array(w);
	snap_json_end_object(w);
}

/* "Linux 6.1.0-18-amd64", as far as known. */
static void put_kernel(struct snap_json *w, const char *key, const struct snap_system *system)
{
	struct snap_bytes name = system->sysname, release = system->release;
	if (name.len == 0 || release.len == 0) {
		snap_json_put_text(w, key, release.len > 0 ? release : name);
		return;
	}
	snap_json_begin_string(w, key);
	snap_json_put_part(w, name);
	snap_json_put_part(w, snap_bytes_str(" "));
	snap_json_put_part(w, release);
	snap_json_end_string(w);
}

static void put_device(struct snap_json *w, const struct snap_crash *crash)
{
	const struct snap_metadata *metadata = &crash->metadata;
	const struct snap_system *system = &crash->system;
	snap_json_begin_object(w, "device");
	snap_json_put_text(w, "project", metadata->project_name);
	snap_json_put_text(w, "device", metadata->device_name);
	snap_json_put_text(w, "software_version", metadata->software_version);
	snap_json_maybe_hex_bytes(w, "software_build_uuid", metadata->software_build_uuid);
	snap_json_put_text(
		w, "arch", crash->arch ? snap_bytes_str(crash->arch->name) : system->machine);
	snap_json_put_bool(w, "microcontroller", crash->device.is_device);
	snap_json_put_string(w, "cpu_arch",
		metadata->has_cpu_arch ? snap_cpu_arch_name(metadata->cpu_arch) : NULL);
	snap_json_put_text(w, "os", system->os);
	put_kernel(w, "kernel", system);
	snap_json_put_text(w, "kernel_version", system->version);
	snap_json_put_device_facts(w, system);
	snap_json_put_clocks(w, crash);
	snap_json_end_object(w);
}

/* Arguments as people type them, without the NULs that end them. */
static void put_command_line(struct snap_json *w, const char *key, struct snap_bytes cmdline)
{
	if (!cmdline.data) {
		snap_json_put_null(w, key);
		return;
	}
	const uint8_t *p = cmdline.data, *end = p + cmdline.len, *nul;
	if (p < end && end[-1] == '\0')
		end--;
	snap_json_begin_string(w, key);
	for (; p < end && (nul = memchr(p, '\0', (size_t)(end - p))); p = nul + 1) {
		snap_json_put_part(w, snap_bytes(p, (size_t)(nul - p)));
		snap_json_put_part(w, snap_bytes_str(" "));
	}
	snap_json_put_part(w, snap_bytes(p, (size_t)(end - p)));
	snap_json_end_string(w);
}

static void put_process(struct snap_json *w, const struct snap_crash *crash)
{
	const struct snap_process *process = &crash->process;
	const struct snap_crash_thread *crashed = snap_crash_crashed_thread(crash);
	snap_json_begin_object(w, "process");
	snap_json_maybe_number(w, "pid", process->has_pid, process->pid);
	if (crash->has_signal && crash->signal.has_tid)
		snap_json_put_number(w, "tid", crash->signal.tid);
	else
		snap_json_maybe_number(w, "tid", crashed && crashed->record.has_tid,
			crashed ? crashed->record.tid : 0);
	snap_json_put_text(w, "comm", process->comm);
	snap_json_put_text(w, "exe", process->exe);
	snap_json_maybe_bool(w, "exe_deleted", process->has_exe_deleted, process->exe_deleted);
	put_command_line(w, "cmdline", process->cmdline);
	snap_json_maybe_number(w, "uid", process->has_uid, process->uid);
	snap_json_maybe_number(w, "gid", process->has_gid, process->gid);
	snap_json_maybe_number(w, "uptime_ms", process->has_uptime, process->uptime_ms);
	snap_json_maybe_number(w, "num_threads", process->has_num_threads, process->num_threads);
	snap_json_maybe_bool(w, "identity_unverified", process->has_identity_unverified,
		process->identity_unverified);
	snap_json_put_process_facts(w, process);
	snap_json_end_object(w);
}

/* Without the newline that it was printed with. */
static struct snap_bytes message_text(struct snap_bytes text)
{
	while (text.len > 0 && text.data[text.len - 1] == '\n')
		text.len--;
	return text;
}

static void put_crash(struct snap_json *w, const struct snap_crash *crash)
{
	const struct snap_cause *cause = &crash->cause;
	const struct snap_signal *signal = &crash->signal;
	snap_json_begin_object(w, "crash");
	snap_json_put_string(w, "kind", snap_kind_name(cause->kind));
	snap_json_put_string(w, "signal", cause->signal);
	snap_json_maybe_signed(w, "signo", crash->has_signal && signal->has_signo, signal->signo);
	snap_json_put_string(w, "code", cause->code);
	snap_json_maybe_signed(
		w, "code_number", crash->has_signal && signal->has_code, signal->code);
	snap_json_maybe_hex(w, "address", cause->has_address, cause->address);
	snap_json_put_string(w, "access", cause->access);
	snap_json_put_string(w, "instruction", cause->instruction);
	snap_json_put_text(w, "message", message_text(crash->abort_message.text));
	snap_json_put_string(w, "explanation", cause->explanation);
	snap_json_put_cause_parts(w, crash);
	snap_json_fault(w, crash);
	if (crash->has_signal && signal->has_sender) {
		snap_json_begin_object(w, "sender");
		snap_json_put_signed(w, "pid", signal->sender_pid);
		snap_json_put_number(w, "uid", signal->sender_uid);
		snap_json_end_object(w);
	} else {
		snap_json_put_null(w, "sender");
	}
	snap_json_end_object(w);
}

static void put_signature(struct snap_json *w, const struct snap_crash *crash)
{
	snap_json_begin_object(w, "signature");
	snap_json_put_string(w, "id", crash->signature.id);
	snap_json_put_string(w, "text", crash->signature.text);
	snap_json_begin_object(w, "levels");
	for (int level = 0; level < SNAP_SIGNATURE_NUM_LEVELS; level++) {
		snap_json_begin_object(w, snap_signature_level_name((enum snap_signature_level)level));
		for (int depth = 0; depth < SNAP_SIGNATURE_NUM_DEPTHS; depth++)
			snap_json_put_string(w,
				snap_signature_depth_name((enum snap_signature_depth)depth),
				crash->signature.ids[level][depth]);
		snap_json_end_object(w);
	}
	snap_json_end_object(w);
	snap_json_end_object(w);
}

static void put_next_steps(struct snap_json *w, const struct snap_crash *crash)
{
	snap_json_begin_array(w, "next");
	for (size_t i = 0; i < crash->num_next_steps; i++) {
		const struct snap_next_step *step = &crash->next_steps[i];
		const struct snap_module *module = step->module ? &step->module->record : NULL;
		snap_json_begin_object(w, NULL);
		snap_json_put_string(w, "kind", snap_next_name(step->kind));
		snap_json_put_string(w, "text", step->text);
		snap_json_put_text(w, "module", module ? module->path : snap_bytes(NULL, 0));
		snap_json_maybe_hex_bytes(
			w, "build_id", module ? module->build_id : snap_bytes(NULL, 0));
		snap_json_end_object(w);
	}
	snap_json_end_array(w);
}

/* A tag's key as it stands in JSON, where two that differ may look the same. */
struct tag_key {
	const char *text;
	size_t index; /* in crash->tags */
};

static int compare_keys(const void *a, const void *b)
{
	const struct tag_key *x = a, *y = b;
	int r = strcmp(x->text, y->text);
	return r ? r : x->index < y->index ? -1 : 1;
}

/* The keys there are, sorted, in one piece of memory; NULL without. */
static struct tag_key *sort_keys(const struct snap_crash *crash, size_t *ret_num)
{
	size_t num = 0, size = 1;
	for (size_t i = 0; i < crash->num_tags; i++)
		if (crash->tags[i].key.data) {
			size += snap_escape(crash->tags[i].key, SNAP_ESCAPE_INVALID, NULL, 0) + 1;
			num++;
		}
	struct tag_key *keys = malloc(num * sizeof(*keys) + size);
	if (!keys)
		return NULL;
	char *text = (char *)(keys + num), *end = text + size;
	num = 0;
	for (size_t i = 0; i < crash->num_tags; i++)
		if (crash->tags[i].key.data) {
			keys[num++] = (struct tag_key){text, i};
			text += snap_escape(crash->tags[i].key, SNAP_ESCAPE_INVALID, text,
					(size_t)(end - text)) +
				1;
		}
	qsort(keys, num, sizeof(*keys), compare_keys);
	*ret_num = num;
	return keys;
}

/* A key that occurs again stands where it first did, with its last value. */
static int put_tags(struct snap_json *w, const struct snap_crash *crash, struct snap_error *err)
{
	size_t num_keys;
	struct tag_key *keys = sort_keys(crash, &num_keys);
	/* By the index of a key's first tag: its last one. */
	const struct snap_tag **last = calloc(crash->num_tags + 1, sizeof(*last));
	if (!keys || !last) {
		free(keys);
		free(last);
		return snap_error_no_memory(err);
	}
	for (size_t i = 0, first = 0; i < num_keys; i++) {
		if (strcmp(keys[i].text, keys[first].text) != 0)
			first = i;
		last[keys[first].index] = &crash->tags[keys[i].index];
	}
	snap_json_begin_object(w, "tags");
	for (size_t i = 0; i < crash->num_tags; i++)
		if (last[i]) {
			snap_json_put_key(w, last[i]->key);
			snap_json_put_text(w, NULL, last[i]->value);
		}
	snap_json_end_object(w);
	free(keys);
	free(last);
	return 0;
}

static void put_omissions(struct snap_json *w, const struct snap_crash *crash)
{
	snap_json_begin_array(w, "omissions");
	for (size_t i = 0; i < crash->num_omissions; i++) {
		const struct snap_omission *omission = &crash->omissions[i];
		char words[256];
		snap_omission_words(omission, words, sizeof(words));
		snap_json_begin_object(w, NULL);
		snap_json_maybe_name(
			w, "what", true, snap_omission_what_name(omission->what), omission->what);
		snap_json_maybe_name(
			w, "why", true, snap_omission_why_name(omission->why), omission->why);
		snap_json_maybe_number(w, "tid", omission->has_tid, omission->tid);
		snap_json_maybe_hex(w, "address", omission->has_range, omission->address);
		snap_json_maybe_number(w, "bytes", omission->has_range, omission->bytes);
		snap_json_maybe_number(w, "count", omission->has_count, omission->count);
		snap_json_maybe_number(w, "errno", omission->has_error, omission->error);
		snap_json_put_string(w, "text", words);
		snap_json_end_object(w);
	}
	snap_json_end_array(w);
}

static void put_regions(struct snap_json *w, const struct snap_crash *crash)
{
	snap_json_begin_array(w, "memory_regions");
	for (size_t i = 0; i < crash->num_regions; i++) {
		const struct snap_memory_range *region = &crash->regions[i];
		snap_json_begin_object(w, NULL);
		snap_json_put_text(w, "name", region->name);
		snap_json_put_hex(w, "address", region->address);
		snap_json_put_number(w, "bytes", region->data.len);
		snap_json_maybe_number(w, "tid", region->has_tid, region->tid);
		snap_json_end_object(w);
	}
	snap_json_end_array(w);
}

/* ---------------------------------------------------------------- threads and modules */

static struct snap_bytes module_name(const struct snap_crash_module *module)
{
	return module ? snap_base_name(module->record.path) : snap_bytes(NULL, 0);
}

static void put_registers(
	struct snap_json *w, const struct snap_crash *crash, const struct snap_crash_thread *thread)
{
	snap_json_begin_object(w, "registers");
	for (unsigned int i = 0; crash->arch && i < crash->arch->num_regs; i++) {
		uint64_t value;
		if (snap_crash_register(crash, thread, i, &value))
			snap_json_put_hex(w, crash->arch->regs[i].name, value);
	}
	snap_json_end_object(w);
}

static const char *variable_state_name(enum snap_variable_state state)
{
	switch (state) {
	case SNAP_VARIABLE_VALUE:
		return "value";
	case SNAP_VARIABLE_PARTIAL:
		return "partial";
	case SNAP_VARIABLE_OPTIMIZED_OUT:
		return "optimized-out";
	case SNAP_VARIABLE_NOT_CAPTURED:
		return "not-captured";
	case SNAP_VARIABLE_ERROR:
		break;
	}
	return "error";
}

static void put_variables(struct snap_json *w, const char *key,
	const struct snap_variable *variables, size_t num)
{
	snap_json_begin_array(w, key);
	for (size_t i = 0; i < num; i++) {
		const struct snap_variable *variable = &variables[i];
		snap_json_begin_object(w, NULL);
		snap_json_put_string(w, "name", variable->name);
		snap_json_put_string(w, "type", variable->type[0] ? variable->type : NULL);
		snap_json_put_string(w, "value", variable->value);
		snap_json_put_string(w, "state", variable_state_name(variable->state));
		snap_json_maybe_hex(w, "address", variable->has_address, variable->address);
		snap_json_end_object(w);
	}
	snap_json_end_array(w);
}

static void put_frame(struct snap_json *w, const struct snap_crash_thread *thread, size_t index)
{
	const struct snap_listed_frame *listed = &thread->listed[index];
	const struct snap_frame *frame = &thread->frames[listed->frame];
	const struct snap_crash_module *module = frame->module;
	bool is_inline = listed->is_inline;
	snap_json_begin_object(w, NULL);
	snap_json_put_number(w, "index", index);
	snap_json_put_hex(w, "pc", frame->pc);
	snap_json_put_string(w, "trust", snap_trust_name(frame->trust));
	snap_json_put_bool(w, "inline", is_inline);
	snap_json_put_bool(w, "signal_frame", frame->is_signal && !is_inline);
	snap_json_put_bool(w, "tail_call", frame->is_tail_call && !is_inline);
	snap_json_put_string(w, "function", listed->function);
	snap_json_put_string(w, "raw_function", listed->raw_function);
	snap_json_maybe_hex(w, "offset", listed->has_offset && !is_inline, listed->offset);
	snap_json_put_string(w, "file", listed->file);
	snap_json_maybe_number(w, "line", listed->line != 0, listed->line);
	snap_json_maybe_number(w, "column", listed->column != 0, listed->column);
	snap_json_put_text(w, "module", module_name(module));
	snap_json_maybe_hex_bytes(
		w, "build_id", module ? module->record.build_id : snap_bytes(NULL, 0));
	snap_json_maybe_hex(w, "module_offset", module && module->record.has_load_bias,
		module ? frame->pc - module->record.load_bias : 0);
	snap_json_maybe_hex(w, "cfa", frame->has_cfa, frame->cfa);
	put_variables(w, "arguments", listed->arguments, listed->num_arguments);
	put_variables(w, "locals", listed->locals, listed->num_locals);
	snap_json_put_number(w, "variables_left_out", listed->num_left_out);
	snap_json_end_object(w);
}

static void put_gaps(struct snap_json *w, const struct snap_crash_thread *thread)
{
	snap_json_begin_array(w, "gaps");
	for (size_t i = 0; i < thread->num_listed; i++) {
		const struct snap_frame *frame = &thread->frames[thread->listed[i].frame];
		bool is_last = i + 1 == thread->num_listed ||
			       thread->listed[i + 1].frame != thread->listed[i].frame;
		if (frame->gap_bytes == 0 || !is_last)
			continue;
		snap_json_begin_object(w, NULL);
		snap_json_put_number(w, "after_index", i);
		snap_json_put_number(w, "bytes", frame->gap_bytes);
		snap_json_maybe_number(
			w, "frames_estimated", frame->gap_frames > 0, frame->gap_frames);
		snap_json_end_object(w);
	}
	snap_json_end_array(w);
}

static void put_repeats(struct snap_json *w, const struct snap_crash_thread *thread)
{
	snap_json_begin_array(w, "repeats");
	for (size_t i = 0; i < thread->num_repeats; i++) {
		snap_json_begin_object(w, NULL);
		snap_json_put_number(w, "first_index", thread->repeats[i].first);
		snap_json_put_number(w, "length", thread->repeats[i].length);
		snap_json_put_number(w, "count", thread->repeats[i].count);
		snap_json_end_object(w);
	}
	snap_json_end_array(w);
}

static void put_thread(
	struct snap_json *w, const struct snap_crash *crash, const struct snap_crash_thread *thread)
{
	const struct snap_thread *record = &thread->record;
	snap_json_begin_object(w, NULL);
	snap_json_maybe_number(w, "tid", record->has_tid, record->tid);
	snap_json_put_text(w, "name", record->name);
	snap_json_put_bool(w, "crashed", thread->crashed);
	snap_json_put_number(w, "group", thread->group);
	snap_json_maybe_name(w, "state", record->has_state, snap_thread_state_name(record->state),
		record->state);
	snap_json_maybe_number(w, "ns_tid", record->has_ns_tid, record->ns_tid);
	snap_json_put_wait(w, crash, thread);
	snap_json_put_lock(w, crash, thread);
	snap_json_put_string(w, "end", snap_end_name(thread->end));
	snap_json_put_string(w, "end_reason", thread->end_reason);
	put_registers(w, crash, thread);
	snap_json_put_stack(w, crash, thread);
	snap_json_maybe_number(w, "missing_bytes",
		thread->end == SNAP_END_TRUNCATED && thread->missing_bytes > 0,
		thread->missing_bytes);
	put_gaps(w, thread);
	put_repeats(w, thread);
	snap_json_begin_array(w, "frames");
	for (size_t i = 0; i < thread->num_listed; i++)
		put_frame(w, thread, i);
	snap_json_end_array(w);
	snap_json_end_object(w);
}

static void put_candidates(struct snap_json *w, const struct snap_crash_module *module)
{
	snap_json_begin_array(w, "candidates");
	for (size_t i = 0; module->candidates && i < module->candidates->num; i++) {
		const struct snap_candidate *candidate = &module->candidates->list[i];
		snap_json_begin_object(w, NULL);
		snap_json_put_string(w, "where", snap_candidate_where_name(candidate->where));
		snap_json_put_string(w, "path", candidate->path);
		snap_json_put_string(w, "role", snap_candidate_role_name(candidate->role));
		snap_json_put_string(w, "fate", snap_candidate_fate_name(candidate->fate));
		snap_json_put_string(w, "detail", candidate->detail);
		snap_json_end_object(w);
	}
	snap_json_end_array(w);
}

static void put_package(struct snap_json *w, const struct snap_package *package)
{
	if (!snap_json_maybe_object(w, "package", package != NULL))
		return;
	snap_json_put_string(w, "type", package->type);
	snap_json_put_string(w, "name", package->name);
	snap_json_put_string(w, "version", package->version);
	snap_json_put_string(w, "architecture", package->architecture);
	snap_json_put_string(w, "os_cpe", package->os_cpe);
	snap_json_end_object(w);
}

static void put_module(struct snap_json *w, const struct snap_crash_module *module)
{
	const struct snap_module *record = &module->record;
	snap_json_begin_object(w, NULL);
	snap_json_put_text(w, "name", module_name(module));
	snap_json_put_text(w, "path", record->path);
	snap_json_maybe_hex_bytes(w, "build_id", record->build_id);
	snap_json_put_string(w, "build_id_reason",
		record->build_id.len > 0 ? NULL
					 : snap_build_id_status_words(record->build_id_status));
	snap_json_put_hex(w, "start", record->start);
	snap_json_put_hex(w, "end", record->end);
	snap_json_maybe_hex(w, "load_bias", record->has_load_bias, record->load_bias);
	snap_json_put_bool(w, "deleted", record->deleted);
	snap_json_put_string(w, "symbols", snap_symbols_name(module->symbols));
	snap_json_put_string(w, "symbol_file", module->symbol_file);
	snap_json_put_string(w, "why", module->why);
	put_package(w, module->package);
	put_candidates(w, module);
	snap_json_put_number(
		w, "candidates_left_out", module->candidates ? module->candidates->num_untold : 0);
	snap_json_put_bool(w, "has_frame", module->has_frame);
	snap_json_end_object(w);
}

static int put_report(struct snap_json *w, const struct snap_crash *crash,
	const struct snap_json_style *style, struct snap_error *err)
{
	snap_json_begin_object(w, NULL);
	snap_json_put_string(w, "schema", "snapcrash-report/1");
	put_snapshot(w, crash);
	put_device(w, crash);
	put_process(w, crash);
	put_crash(w, crash);
	put_signature(w, crash);
	put_next_steps(w, crash);
	int r = put_tags(w, crash, err);
	snap_json_put_logs(w, crash);
	snap_json_put_number(w, "threads_count", crash->num_threads);
	snap_json_begin_array(w, "threads");
	for (size_t i = 0; i < crash->num_threads && r == 0; i++)
		if (crash->threads[i].crashed || !style->only_crashed_thread)
			put_thread(w, crash, &crash->threads[i]);
	snap_json_end_array(w);
	snap_json_begin_array(w, "modules");
	for (size_t i = 0; i < crash->num_modules && r == 0; i++)
		put_module(w, &crash->modules[i]);
	snap_json_end_array(w);
	snap_json_put_open_files(w, crash);
	snap_json_put_fields(w, crash->fields);
	snap_json_put_number(w, "mappings_count", crash->num_mappings);
	put_omissions(w, crash);
	put_regions(w, crash);
	snap_json_begin_array(w, "related");
	for (size_t i = 0; i < crash->num_related && r == 0; i++)
		r = put_report(w, &crash->related[i], style, err);
	snap_json_end_array(w);
	snap_json_end_object(w);
	return r;
}

int snap_report_json(const struct snap_crash *crash, const struct snap_json_style *style, FILE *out,
	struct snap_error *err)
{
	struct snap_out buffer;
	struct snap_json writer;
	snap_out_init(&buffer, out);
	snap_json_init(&writer, &buffer, style->pretty);
	int r = put_report(&writer, crash, style, err);
	snap_json_end_line(&writer);
	snap_out_flush(&buffer);
	return r;
}
