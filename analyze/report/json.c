/*
 * The report is written member by member, and the long arrays item by item: a report of ten
 * thousand threads takes the memory of one.
 */
#include "analyze/report/json.h"

#include <inttypes.h>
#include <stdlib.h>

#include <jansson.h>

#include "analyze/explain/explain.h"
#include "analyze/find/candidate.h"
#include "analyze/find/package_note.h"
#include "analyze/report/words.h"
#include "common/escape.h"

#define INDENT 2

struct json_writer {
	FILE *out;
	bool pretty;
	bool failed;	    /* memory was exhausted */
	bool first;	    /* no member or item written yet at this level */
	unsigned int depth; /* open brackets */
	char buffer[8192];
};

/* ---------------------------------------------------------------- writing */

static void new_line(const struct json_writer *w)
{
	if (w->pretty)
		(void)fprintf(w->out, "\n%*s", (int)w->depth * INDENT, "");
}

/* What jansson leaves as it is and a terminal may act on: DEL and C1, which stand in strings only.
 */
static void write_text(FILE *out, const char *data, size_t size)
{
	size_t done = 0;
	for (size_t i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)data[i], next = i + 1 < size ? (uint8_t)data[i + 1] : 0;
		bool c1 = byte == 0xc2 && next >= 0x80 && next < 0xa0;
		if (byte != 0x7f && !c1)
			continue;
		(void)fwrite_unlocked(data + done, 1, i - done, out);
		(void)fprintf(out, "\\u%04x", c1 ? next : byte);
		i += c1;
		done = i + 1;
	}
	(void)fwrite_unlocked(data + done, 1, size - done, out);
}

/* jansson indents from the margin: what it writes is moved to where it stands. */
static int write_dumped(const char *data, size_t size, void *arg)
{
	const struct json_writer *w = arg;
	while (size > 0) {
		const char *line = w->pretty ? memchr(data, '\n', size) : NULL;
		size_t len = line ? (size_t)(line - data) : size;
		write_text(w->out, data, len);
		data += len;
		size -= len;
		if (line) {
			new_line(w);
			data++;
			size--;
		}
	}
	return 0;
}

static void begin_item(struct json_writer *w, const char *key)
{
	if (!w->first)
		(void)fputc_unlocked(',', w->out);
	w->first = false;
	new_line(w);
	if (key)
		(void)fprintf(w->out, "\"%s\":%s", key, w->pretty ? " " : "");
}

static void open_bracket(struct json_writer *w, const char *key, char bracket)
{
	if (w->depth > 0)
		begin_item(w, key);
	(void)fputc_unlocked(bracket, w->out);
	w->depth++;
	w->first = true;
}

static void close_bracket(struct json_writer *w, char bracket)
{
	w->depth--;
	if (!w->first)
		new_line(w);
	(void)fputc_unlocked(bracket, w->out);
	w->first = false;
}

/* Takes value. key NULL: an item of an array. */
static void put(struct json_writer *w, const char *key, json_t *value)
{
	if (!value) {
		w->failed = true;
		return;
	}
	begin_item(w, key);
	size_t flags = JSON_ENCODE_ANY | (w->pretty ? JSON_INDENT(INDENT) : JSON_COMPACT);
	/* A callback is called for every comma: only for what is larger than any frame. */
	size_t len = json_dumpb(value, w->buffer, sizeof(w->buffer), flags);
	if (len > 0 && len <= sizeof(w->buffer))
		(void)write_dumped(w->buffer, len, w);
	else if (json_dump_callback(value, write_dumped, w, flags) < 0)
		w->failed = true;
	json_decref(value);
}

/* ---------------------------------------------------------------- values */

/*
 * The builders return NULL without memory; a NULL put into an object makes json_object_set_new()
 * fail, which set() remembers.
 */
static void set(struct json_writer *w, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new_nocheck(object, key, value) < 0)
		w->failed = true;
}

static void append(struct json_writer *w, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) < 0)
		w->failed = true;
}

static json_t *text(struct snap_bytes bytes)
{
	if (!bytes.data)
		return json_null();
	if (snap_escape_unneeded(bytes, SNAP_ESCAPE_INVALID))
		return json_stringn_nocheck((const char *)bytes.data, bytes.len);
	size_t len = snap_escape(bytes, SNAP_ESCAPE_INVALID, NULL, 0);
	char *escaped = malloc(len + 1);
	if (!escaped)
		return NULL;
	(void)snap_escape(bytes, SNAP_ESCAPE_INVALID, escaped, len + 1); /* fits */
	json_t *value = json_stringn_nocheck(escaped, len);
	free(escaped);
	return value;
}

static json_t *string(const char *s)
{
	return text(snap_bytes_str(s));
}

static json_t *hex_number(bool known, uint64_t value)
{
	char buffer[24];
	if (!known)
		return json_null();
	(void)snprintf(buffer, sizeof(buffer), "0x%" PRIx64, value);
	return json_string_nocheck(buffer);
}

static json_t *number(bool known, uint64_t value)
{
	/* json_int_t is signed: what it can't hold no count or id of a real system reaches. */
	return known && value <= INT64_MAX ? json_integer((json_int_t)value) : json_null();
}

static json_t *boolean(bool known, bool value)
{
	return known ? json_boolean(value) : json_null();
}

static json_t *hex_bytes(struct snap_bytes bytes)
{
	if (bytes.len == 0)
		return json_null();
	char *buffer = malloc(2 * bytes.len + 1);
	if (!buffer)
		return NULL;
	snap_hex(bytes, buffer);
	json_t *value = json_string_nocheck(buffer);
	free(buffer);
	return value;
}

/* The name of an enum's value, or its number where it has none. */
static json_t *name_or_number(bool known, const char *name, uint32_t value)
{
	char buffer[16];
	if (!known)
		return json_null();
	if (name)
		return json_string_nocheck(name);
	(void)snprintf(buffer, sizeof(buffer), "%" PRIu32, value);
	return json_string_nocheck(buffer);
}

/* ---------------------------------------------------------------- the members */

static json_t *snapshot_json(struct json_writer *w, const struct snap_crash *crash)
{
	const struct snap_metadata *metadata = &crash->metadata;
	const struct snap_capture *capture = &crash->capture;
	json_t *object = json_object();
	set(w, object, "file", string(crash->file));
	set(w, object, "uuid", hex_bytes(metadata->snapshot_uuid));
	char time[40] = "";
	if (capture->has_time)
		snap_time_words(capture->time_s, capture->time_ns, time);
	set(w, object, "captured_at", time[0] ? string(time) : json_null());
	set(w, object, "integrity", string(snap_integrity_name(crash->integrity)));
	set(w, object, "integrity_reason",
		crash->integrity_why[0] ? string(crash->integrity_why) : json_null());
	set(w, object, "format", string(crash->is_core ? "core" : "snapshot"));
	set(w, object, "writer", text(crash->header.writer));
	set(w, object, "bytes", number(true, crash->file_bytes));
	set(w, object, "fatal", boolean(metadata->has_fatal, metadata->fatal));
	set(w, object, "reason", text(metadata->reason));
	set(w, object, "method",
		name_or_number(capture->has_method, snap_capture_method_name(capture->method),
			capture->method));
	set(w, object, "hold_time_ns", number(capture->has_hold_time, capture->hold_time_ns));
	set(w, object, "pause_time_ns", number(capture->has_pause_time, capture->pause_time_ns));
	json_t *notes = json_array();
	for (size_t i = 0; i < crash->num_notes; i++)
		append(w, notes, text(crash->notes[i]));
	set(w, object, "notes", notes);
	return object;
}

static json_t *device_json(struct json_writer *w, const struct snap_crash *crash)
{
	const struct snap_metadata *metadata = &crash->metadata;
	const struct snap_system *system = &crash->system;
	json_t *object = json_object();
	set(w, object, "project", text(metadata->project_name));
	set(w, object, "device", text(metadata->device_name));
	set(w, object, "software_version", text(metadata->software_version));
	set(w, object, "software_build_uuid", hex_bytes(metadata->software_build_uuid));
	set(w, object, "arch", crash->arch ? string(crash->arch->name) : text(system->machine));
	set(w, object, "os", text(system->os));
	/* "Linux 6.1.0-18-amd64", as far as known. */
	struct snap_bytes name = system->sysname, release = system->release;
	json_t *kernel = NULL;
	if (name.len > 0 && release.len > 0) {
		char *joined = malloc(name.len + release.len + 1);
		if (joined) {
			memcpy(joined, name.data, name.len);
			joined[name.len] = ' ';
			memcpy(joined + name.len + 1, release.data, release.len);
			kernel = text(snap_bytes(joined, name.len + 1 + release.len));
			free(joined);
		}
	} else {
		kernel = text(release.len > 0 ? release : name);
	}
	set(w, object, "kernel", kernel);
	set(w, object, "kernel_version", text(system->version));
	return object;
}

/* Arguments as people type them, without the NULs that end them. */
static json_t *command_line(struct snap_bytes cmdline)
{
	if (!cmdline.data)
		return json_null();
	if (cmdline.len > 0 && cmdline.data[cmdline.len - 1] == '\0')
		cmdline.len--;
	char *copy = malloc(cmdline.len + 1);
	if (!copy)
		return NULL;
	memcpy(copy, cmdline.data, cmdline.len);
	for (size_t i = 0; i < cmdline.len; i++)
		if (copy[i] == '\0')
			copy[i] = ' ';
	json_t *value = text(snap_bytes(copy, cmdline.len));
	free(copy);
	return value;
}

static json_t *process_json(struct json_writer *w, const struct snap_crash *crash)
{
	const struct snap_process *process = &crash->process;
	const struct snap_crash_thread *crashed = snap_crash_crashed_thread(crash);
	json_t *object = json_object();
	set(w, object, "pid", number(process->has_pid, process->pid));
	if (crash->has_signal && crash->signal.has_tid)
		set(w, object, "tid", number(true, crash->signal.tid));
	else
		set(w, object, "tid",
			number(crashed && crashed->record.has_tid,
				crashed ? crashed->record.tid : 0));
	set(w, object, "comm", text(process->comm));
	set(w, object, "exe", text(process->exe));
	set(w, object, "exe_deleted", boolean(process->has_exe_deleted, process->exe_deleted));
	set(w, object, "cmdline", command_line(process->cmdline));
	set(w, object, "uid", number(process->has_uid, process->uid));
	set(w, object, "gid", number(process->has_gid, process->gid));
	set(w, object, "uptime_ms", number(process->has_uptime, process->uptime_ms));
	set(w, object, "num_threads", number(process->has_num_threads, process->num_threads));
	set(w, object, "identity_unverified",
		boolean(process->has_identity_unverified, process->identity_unverified));
	return object;
}

static json_t *crash_json(struct json_writer *w, const struct snap_crash *crash)
{
	const struct snap_cause *cause = &crash->cause;
	const struct snap_signal *signal = &crash->signal;
	json_t *object = json_object();
	set(w, object, "kind", string(snap_kind_name(cause->kind)));
	set(w, object, "signal", string(cause->signal));
	set(w, object, "signo",
		crash->has_signal && signal->has_signo ? json_integer(signal->signo) : json_null());
	set(w, object, "code", string(cause->code));
	set(w, object, "code_number",
		crash->has_signal && signal->has_code ? json_integer(signal->code) : json_null());
	set(w, object, "address", hex_number(cause->has_address, cause->address));
	set(w, object, "access", string(cause->access));
	set(w, object, "instruction", json_null());
	set(w, object, "message", json_null());
	set(w, object, "explanation", string(cause->explanation));
	json_t *sender = json_null();
	if (crash->has_signal && signal->has_sender) {
		sender = json_object();
		set(w, sender, "pid", json_integer(signal->sender_pid));
		set(w, sender, "uid", number(true, signal->sender_uid));
	}
	set(w, object, "sender", sender);
	return object;
}

static json_t *signature_json(struct json_writer *w, const struct snap_crash *crash)
{
	json_t *object = json_object();
	set(w, object, "id", string(crash->signature.id));
	set(w, object, "text", string(crash->signature.text));
	set(w, object, "levels", json_object());
	return object;
}

static json_t *tags_json(struct json_writer *w, const struct snap_crash *crash)
{
	json_t *object = json_object();
	for (size_t i = 0; i < crash->num_tags; i++) {
		/* Through a string, for its escaped form. A key that occurs again replaces. */
		json_t *key = text(crash->tags[i].key);
		if (json_is_string(key))
			set(w, object, json_string_value(key), text(crash->tags[i].value));
		else if (!key)
			w->failed = true;
		json_decref(key);
	}
	return object;
}

static json_t *omissions_json(struct json_writer *w, const struct snap_crash *crash)
{
	json_t *array = json_array();
	for (size_t i = 0; i < crash->num_omissions; i++) {
		const struct snap_omission *omission = &crash->omissions[i];
		char words[256];
		snap_omission_words(omission, words, sizeof(words));
		json_t *object = json_object();
		set(w, object, "what",
			name_or_number(
				true, snap_omission_what_name(omission->what), omission->what));
		set(w, object, "why",
			name_or_number(true, snap_omission_why_name(omission->why), omission->why));
		set(w, object, "tid", number(omission->has_tid, omission->tid));
		set(w, object, "address", hex_number(omission->has_range, omission->address));
		set(w, object, "bytes", number(omission->has_range, omission->bytes));
		set(w, object, "count", number(omission->has_count, omission->count));
		set(w, object, "errno", number(omission->has_error, omission->error));
		set(w, object, "text", string(words));
		append(w, array, object);
	}
	return array;
}

/* ---------------------------------------------------------------- threads and modules */

static json_t *module_name(const struct snap_crash_module *module)
{
	return module ? text(snap_base_name(module->record.path)) : json_null();
}

static json_t *registers_json(struct json_writer *w, const struct snap_crash *crash,
	const struct snap_crash_thread *thread)
{
	json_t *object = json_object();
	for (unsigned int i = 0; crash->arch && i < crash->arch->num_regs; i++) {
		uint64_t value;
		if (thread->pr_reg.data && snap_arch_reg_get(crash->arch, i, thread->pr_reg.data,
						   thread->pr_reg.len, &value))
			set(w, object, crash->arch->regs[i].name, hex_number(true, value));
	}
	return object;
}

static json_t *frame_json(
	struct json_writer *w, const struct snap_crash_thread *thread, size_t index)
{
	const struct snap_listed_frame *listed = &thread->listed[index];
	const struct snap_frame *frame = &thread->frames[listed->frame];
	const struct snap_crash_module *module = frame->module;
	json_t *object = json_object();
	set(w, object, "index", number(true, index));
	set(w, object, "pc", hex_number(true, frame->pc));
	set(w, object, "trust", string(snap_trust_name(frame->trust)));
	set(w, object, "inline", json_boolean(listed->is_inline));
	set(w, object, "signal_frame", json_boolean(frame->is_signal && !listed->is_inline));
	set(w, object, "tail_call", json_boolean(frame->is_tail_call && !listed->is_inline));
	set(w, object, "function", string(listed->function));
	set(w, object, "raw_function", string(listed->raw_function));
	set(w, object, "offset",
		hex_number(listed->has_offset && !listed->is_inline, listed->offset));
	set(w, object, "file", string(listed->file));
	set(w, object, "line", number(listed->line != 0, listed->line));
	set(w, object, "column", number(listed->column != 0, listed->column));
	set(w, object, "module", module_name(module));
	set(w, object, "build_id", module ? hex_bytes(module->record.build_id) : json_null());
	set(w, object, "module_offset",
		hex_number(module && module->record.has_load_bias,
			module ? frame->pc - module->record.load_bias : 0));
	set(w, object, "cfa", hex_number(frame->has_cfa, frame->cfa));
	set(w, object, "arguments", json_array());
	set(w, object, "locals", json_array());
	return object;
}

static json_t *gaps_json(struct json_writer *w, const struct snap_crash_thread *thread)
{
	json_t *array = json_array();
	for (size_t i = 0; i < thread->num_listed; i++) {
		const struct snap_frame *frame = &thread->frames[thread->listed[i].frame];
		bool is_last = i + 1 == thread->num_listed ||
			       thread->listed[i + 1].frame != thread->listed[i].frame;
		if (frame->gap_bytes == 0 || !is_last)
			continue;
		json_t *object = json_object();
		set(w, object, "after_index", number(true, i));
		set(w, object, "bytes", number(true, frame->gap_bytes));
		set(w, object, "frames_estimated",
			number(frame->gap_frames > 0, frame->gap_frames));
		append(w, array, object);
	}
	return array;
}

static json_t *repeats_json(struct json_writer *w, const struct snap_crash_thread *thread)
{
	json_t *array = json_array();
	for (size_t i = 0; i < thread->num_repeats; i++) {
		json_t *object = json_object();
		set(w, object, "first_index", number(true, thread->repeats[i].first));
		set(w, object, "length", number(true, thread->repeats[i].length));
		set(w, object, "count", number(true, thread->repeats[i].count));
		append(w, array, object);
	}
	return array;
}

static void put_thread(struct json_writer *w, const struct snap_crash *crash,
	const struct snap_crash_thread *thread)
{
	const struct snap_thread *record = &thread->record;
	open_bracket(w, NULL, '{');
	put(w, "tid", number(record->has_tid, record->tid));
	put(w, "name", text(record->name));
	put(w, "crashed", json_boolean(thread->crashed));
	put(w, "state",
		name_or_number(
			record->has_state, snap_thread_state_name(record->state), record->state));
	put(w, "end", string(snap_end_name(thread->end)));
	put(w, "end_reason", string(thread->end_reason));
	put(w, "registers", registers_json(w, crash, thread));
	put(w, "missing_bytes",
		number(thread->end == SNAP_END_TRUNCATED && thread->missing_bytes > 0,
			thread->missing_bytes));
	put(w, "gaps", gaps_json(w, thread));
	put(w, "repeats", repeats_json(w, thread));
	open_bracket(w, "frames", '[');
	for (size_t i = 0; i < thread->num_listed && !w->failed; i++)
		put(w, NULL, frame_json(w, thread, i));
	close_bracket(w, ']');
	close_bracket(w, '}');
}

static json_t *candidates_json(struct json_writer *w, const struct snap_crash_module *module)
{
	json_t *array = json_array();
	for (size_t i = 0; module->candidates && i < module->candidates->num; i++) {
		const struct snap_candidate *candidate = &module->candidates->list[i];
		json_t *object = json_object();
		set(w, object, "where", string(snap_candidate_where_name(candidate->where)));
		set(w, object, "path", string(candidate->path));
		set(w, object, "role", string(snap_candidate_role_name(candidate->role)));
		set(w, object, "fate", string(snap_candidate_fate_name(candidate->fate)));
		set(w, object, "detail", string(candidate->detail));
		append(w, array, object);
	}
	return array;
}

static json_t *package_json(struct json_writer *w, const struct snap_package *package)
{
	if (!package)
		return json_null();
	json_t *object = json_object();
	set(w, object, "type", string(package->type));
	set(w, object, "name", string(package->name));
	set(w, object, "version", string(package->version));
	set(w, object, "architecture", string(package->architecture));
	set(w, object, "os_cpe", string(package->os_cpe));
	return object;
}

static json_t *module_json(struct json_writer *w, const struct snap_crash_module *module)
{
	const struct snap_module *record = &module->record;
	json_t *object = json_object();
	set(w, object, "name", module_name(module));
	set(w, object, "path", text(record->path));
	set(w, object, "build_id", hex_bytes(record->build_id));
	set(w, object, "build_id_reason",
		record->build_id.len > 0
			? json_null()
			: string(snap_build_id_status_words(record->build_id_status)));
	set(w, object, "start", hex_number(true, record->start));
	set(w, object, "end", hex_number(true, record->end));
	set(w, object, "load_bias", hex_number(record->has_load_bias, record->load_bias));
	set(w, object, "deleted", json_boolean(record->deleted));
	set(w, object, "symbols", string(snap_symbols_name(module->symbols)));
	set(w, object, "symbol_file", string(module->symbol_file));
	set(w, object, "why", string(module->why));
	set(w, object, "package", package_json(w, module->package));
	set(w, object, "candidates", candidates_json(w, module));
	set(w, object, "candidates_left_out",
		number(true, module->candidates ? module->candidates->num_untold : 0));
	set(w, object, "has_frame", json_boolean(module->has_frame));
	return object;
}

int snap_report_json(const struct snap_crash *crash, const struct snap_json_style *style, FILE *out,
	struct snap_error *err)
{
	struct json_writer writer = {.out = out, .pretty = style->pretty, .first = true};
	struct json_writer *w = &writer;

	open_bracket(w, NULL, '{');
	put(w, "schema", string("snapcrash-report/1"));
	put(w, "snapshot", snapshot_json(w, crash));
	put(w, "device", device_json(w, crash));
	put(w, "process", process_json(w, crash));
	put(w, "crash", crash_json(w, crash));
	put(w, "signature", signature_json(w, crash));
	put(w, "tags", tags_json(w, crash));
	put(w, "logs", json_array());
	put(w, "threads_count", number(true, crash->num_threads));
	open_bracket(w, "threads", '[');
	for (size_t i = 0; i < crash->num_threads && !w->failed; i++)
		if (crash->threads[i].crashed || !style->only_crashed_thread)
			put_thread(w, crash, &crash->threads[i]);
	close_bracket(w, ']');
	open_bracket(w, "modules", '[');
	for (size_t i = 0; i < crash->num_modules && !w->failed; i++)
		put(w, NULL, module_json(w, &crash->modules[i]));
	close_bracket(w, ']');
	put(w, "open_files", json_array());
	put(w, "mappings_count", number(true, crash->num_mappings));
	put(w, "omissions", omissions_json(w, crash));
	put(w, "related", json_array());
	close_bracket(w, '}');
	(void)fputc_unlocked('\n', out);
	return writer.failed ? snap_error_no_memory(err) : 0;
}
