/*
 * Reports of "snapanalyze json": one on each line, one that is spread over lines, or an array of them.
 * docs/report.rst has what stands in them. Read is what signatures and grouping need.
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "analyze/explain/abort.h"
#include "analyze/input/load.h"
#include "analyze/input/text_trace.h"
#include "analyze/report/words.h"
#include "common/escape.h"
#include "common/snapshot_scan.h"

#define SCHEMA "snapcrash-report/1"

/* ---------------------------------------------------------------- values */

/* What fills a crash from a report. */
struct filling {
	struct snap_crash *crash;
	bool failed; /* no memory */
};

static const char *string_of(struct filling *f, const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));
	if (!value)
		return NULL;
	const char *copy = snap_arena_copy(&f->crash->arena, snap_bytes_str(value));
	f->failed |= !copy;
	return copy;
}

static struct snap_bytes text_of(struct filling *f, const json_t *object, const char *key)
{
	return snap_bytes_str(string_of(f, object, key));
}

static bool is_string(const json_t *object, const char *key, const char *wanted)
{
	const char *value = json_string_value(json_object_get(object, key));
	return value && strcmp(value, wanted) == 0;
}

static bool is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

/* Numbers are read as reals: those of 64 bits need not fit an integer of jansson's. */
static bool number_of(const json_t *object, const char *key, uint32_t *ret)
{
	const json_t *value = json_object_get(object, key);
	double number = json_number_value(value);
	if (!json_is_number(value) || number < 0 || number > UINT32_MAX)
		return false;
	*ret = (uint32_t)number;
	return true;
}

/* "0x12ab" */
static bool address_of(const json_t *object, const char *key, uint64_t *ret)
{
	struct snap_bytes text = snap_bytes_str(json_string_value(json_object_get(object, key)));
	uint64_t value;
	if (!text.data || !snap_text_hex(&text, &value) || text.len > 0)
		return false;
	*ret = value;
	return true;
}

/* "12ab" */
static struct snap_bytes bytes_of(struct filling *f, const json_t *object, const char *key)
{
	struct snap_bytes hex = snap_bytes_str(json_string_value(json_object_get(object, key)));
	return hex.data ? snap_text_decode_hex(&f->crash->arena, hex, &f->failed) : hex;
}

/* The first number below num that is called so; num: none is. */
static size_t find_name(const json_t *object, const char *key, const char *(*name_of)(size_t),
	size_t num)
{
	const char *value = json_string_value(json_object_get(object, key));
	for (size_t i = 0; value && i < num; i++) {
		const char *name = name_of(i);
		if (name && strcmp(name, value) == 0)
			return i;
	}
	return num;
}

static const char *trust_name(size_t i)
{
	return snap_trust_name((enum snap_trust)i);
}

static const char *end_name(size_t i)
{
	return snap_end_name((enum snap_end)i);
}

static const char *symbols_name(size_t i)
{
	return snap_symbols_name((enum snap_symbols)i);
}

static const char *integrity_name(size_t i)
{
	return snap_integrity_name((enum snap_integrity)i);
}

static const char *failure_name(size_t i)
{
	return snap_failure_name((enum snap_failure)i);
}

/* ---------------------------------------------------------------- what was captured */

/* Days since 1970 of a date in the proleptic Gregorian calendar, months and days from 1. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	/* Years that begin in March have their odd day at the end. */
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* Of "2024-05-06T07:08:09.123456789Z", as snap_time_words() writes it. */
static void read_time(const char *words, struct snap_capture *capture)
{
	static const char separators[] = {'-', '-', 'T', ':', ':', '\0'};
	struct snap_bytes rest = snap_bytes_str(words);
	uint64_t parts[6], fraction = 0;
	for (size_t i = 0; i < 6; i++) {
		if (!snap_text_number(&rest, &parts[i]) || parts[i] > 9999)
			return;
		if (separators[i] && (rest.len == 0 || rest.data[0] != separators[i]))
			return;
		rest = snap_text_from(rest, separators[i] != '\0');
	}
	if (rest.len > 0 && rest.data[0] == '.') {
		rest = snap_text_from(rest, 1);
		size_t len = rest.len;
		if (!snap_text_number(&rest, &fraction) || fraction > 999999999)
			return;
		for (len -= rest.len; len < 9; len++)
			fraction *= 10;
	}
	if (!snap_bytes_equal_str(rest, "Z") || parts[1] < 1 || parts[1] > 12 || fraction > 999999999)
		return;
	capture->has_time = true;
	capture->time_s = days_of((int64_t)parts[0], (int64_t)parts[1], (int64_t)parts[2]) * 86400 +
			  (int64_t)(parts[3] * 3600 + parts[4] * 60 + parts[5]);
	capture->time_ns = (uint32_t)fraction;
}

static void read_snapshot(struct filling *f, const json_t *report)
{
	struct snap_crash *crash = f->crash;
	const json_t *snapshot = json_object_get(report, "snapshot");
	const json_t *device = json_object_get(report, "device");
	const json_t *process = json_object_get(report, "process");
	const char *time = json_string_value(json_object_get(snapshot, "captured_at"));
	size_t num = SNAP_INTEGRITY_CORRUPT + 1;
	size_t integrity = find_name(snapshot, "integrity", integrity_name, num);
	crash->integrity = integrity < num ? (enum snap_integrity)integrity : SNAP_INTEGRITY_UNMARKED;
	const char *why = string_of(f, snapshot, "integrity_reason");
	crash->integrity_why = why ? why : "";
	crash->is_core = is_string(snapshot, "format", "core");
	crash->metadata = (struct snap_metadata){
		.snapshot_uuid = bytes_of(f, snapshot, "uuid"),
		.reason = text_of(f, snapshot, "reason"),
		.has_fatal = json_is_boolean(json_object_get(snapshot, "fatal")),
		.fatal = is_true(snapshot, "fatal"),
		.project_name = text_of(f, device, "project"),
		.device_name = text_of(f, device, "device"),
		.software_version = text_of(f, device, "software_version"),
		.software_build_uuid = bytes_of(f, device, "software_build_uuid"),
	};
	if (time)
		read_time(time, &crash->capture);
	const char *arch = json_string_value(json_object_get(device, "arch"));
	crash->arch = arch ? snap_arch_find_name(arch) : NULL;
	crash->device.is_device = is_true(device, "microcontroller");
	crash->system.os = text_of(f, device, "os");
	crash->system.hostname = text_of(f, device, "hostname");
	crash->process.comm = text_of(f, process, "comm");
	crash->process.exe = text_of(f, process, "exe");
	crash->process.has_pid = number_of(process, "pid", &crash->process.pid);
}

static void read_tags(struct filling *f, json_t *tags)
{
	struct snap_crash *crash = f->crash;
	const char *key;
	json_t *value;
	crash->tags = snap_arena_alloc(
		&crash->arena, json_object_size(tags) * sizeof(crash->tags[0]));
	f->failed |= !crash->tags;
	json_object_foreach(tags, key, value)
	{
		const char *copy = f->failed ? NULL
					     : snap_arena_copy(&crash->arena, snap_bytes_str(key));
		if (!copy) {
			f->failed = true;
			return;
		}
		crash->tags[crash->num_tags++] = (struct snap_tag){
			.key = snap_bytes_str(copy), .value = text_of(f, tags, key)};
	}
}

/* ---------------------------------------------------------------- the cause */

static void read_cause(struct filling *f, const json_t *report)
{
	struct snap_crash *crash = f->crash;
	struct snap_cause *cause = &crash->cause;
	const json_t *from = json_object_get(report, "crash");
	const json_t *assertion = json_object_get(from, "assertion");
	const json_t *exception = json_object_get(from, "exception");
	const json_t *severity = json_object_get(from, "severity");
	const char *kind = json_string_value(json_object_get(from, "kind"));
	*cause = (struct snap_cause){.kind = SNAP_KIND_NONE};
	/* "none" is none, and so is what a later version may call one. */
	(void)snap_kind_find(snap_bytes_str(kind ? kind : ""), &cause->kind);
	cause->signal = string_of(f, from, "signal");
	cause->code = string_of(f, from, "code");
	cause->has_address = address_of(from, "address", &cause->address);
	cause->access = string_of(f, from, "access");
	cause->instruction = string_of(f, from, "instruction");
	cause->explanation = string_of(f, from, "explanation");
	cause->severity.name = string_of(f, severity, "class");
	cause->severity.rule = string_of(f, severity, "rule");
	size_t num = SNAP_FAILURE_SANITIZER + 1;
	size_t failure = find_name(from, "failure", failure_name, num);
	cause->failure = failure < num ? (enum snap_failure)failure : SNAP_FAILURE_NONE;
	cause->has_assertion = json_is_object(assertion);
	cause->assertion = (struct snap_assertion){
		.expression = string_of(f, assertion, "expression"),
		.file = string_of(f, assertion, "file"),
		.function = string_of(f, assertion, "function"),
	};
	cause->assertion.has_line = number_of(assertion, "line", &cause->assertion.line);
	cause->has_exception = json_is_object(exception);
	cause->exception = (struct snap_exception){
		.type = string_of(f, exception, "type"),
		.what = string_of(f, exception, "what"),
		.value = string_of(f, exception, "value"),
		.thrown_in = string_of(f, exception, "thrown_in"),
	};
	crash->abort_message.text = text_of(f, from, "message");
	crash->abort_message.source =
		is_string(json_object_get(from, "message_source"), "from", "c-library")
			? SNAP_ABORT_C_LIBRARY
			: SNAP_ABORT_PROGRAM;
}

/* ---------------------------------------------------------------- modules */

static void read_modules(struct filling *f, const json_t *modules)
{
	struct snap_crash *crash = f->crash;
	size_t num = json_array_size(modules);
	crash->modules = snap_arena_alloc(&crash->arena, num * sizeof(crash->modules[0]));
	f->failed |= !crash->modules;
	for (size_t i = 0; i < num && !f->failed; i++) {
		const json_t *from = json_array_get(modules, i);
		struct snap_crash_module module = {
			.record = {.path = text_of(f, from, "path"),
				.build_id = bytes_of(f, from, "build_id")}};
		size_t symbols = find_name(from, "symbols", symbols_name, SNAP_SYMBOLS_DWARF + 1);
		if (!address_of(from, "start", &module.record.start) ||
			!address_of(from, "end", &module.record.end))
			continue;
		if (symbols <= SNAP_SYMBOLS_DWARF)
			module.symbols = (enum snap_symbols)symbols;
		module.record.has_load_bias =
			address_of(from, "load_bias", &module.record.load_bias);
		module.has_frame = is_true(from, "has_frame");
		crash->modules[crash->num_modules++] = module;
	}
	snap_load_sort_modules(crash);
}

/* The module that a frame says it is in; NULL: none, or it is not listed. */
static struct snap_crash_module *find_module(
	struct snap_crash *crash, const json_t *frame, uint64_t pc)
{
	const char *name = json_string_value(json_object_get(frame, "module"));
	for (uint64_t back = 0; name && back <= 1; back++) {
		/* A call that does not return may be a module's last instruction. */
		struct snap_crash_module *module = snap_crash_module_at(crash, pc - back);
		if (module && snap_bytes_equal_str(snap_base_name(module->record.path), name))
			return module;
	}
	return NULL;
}

/* One of its own, of a report whose list of modules does not have it. */
static struct snap_crash_module *make_module(struct filling *f, const json_t *frame, uint64_t pc)
{
	struct snap_crash_module *module = snap_arena_alloc(&f->crash->arena, sizeof(*module));
	uint64_t offset;
	if (!module) {
		f->failed = true;
		return NULL;
	}
	module->record.path = text_of(f, frame, "module");
	module->record.build_id = bytes_of(f, frame, "build_id");
	if (address_of(frame, "module_offset", &offset)) {
		module->record.has_load_bias = true;
		module->record.load_bias = pc - offset;
	}
	module->symbols = SNAP_SYMBOLS_SYMTAB;
	return module;
}

/* ---------------------------------------------------------------- the thread */

static void read_frame(struct filling *f, const json_t *from, struct snap_frame *frame)
{
	size_t trust = find_name(from, "trust", trust_name, SNAP_TRUST_PREWALKED + 1);
	*frame = (struct snap_frame){
		.is_signal = is_true(from, "signal_frame"),
		.is_tail_call = is_true(from, "tail_call"),
		.trust = trust <= SNAP_TRUST_PREWALKED ? (enum snap_trust)trust
						       : SNAP_TRUST_PREWALKED,
	};
	(void)address_of(from, "pc", &frame->pc); /* there is one in every report */
	frame->has_cfa = address_of(from, "cfa", &frame->cfa);
	struct snap_crash_module *module = find_module(f->crash, from, frame->pc);
	if (module)
		module->has_crashed_frame = true;
	else if (json_is_string(json_object_get(from, "module")))
		module = make_module(f, from, frame->pc);
	frame->module = module;
}

static void read_line(struct filling *f, const json_t *from, struct snap_listed_frame *listed)
{
	*listed = (struct snap_listed_frame){
		.is_inline = is_true(from, "inline"),
		.function = string_of(f, from, "function"),
		.raw_function = string_of(f, from, "raw_function"),
		.file = string_of(f, from, "file"),
	};
	listed->built_file = listed->file;
	listed->has_offset = address_of(from, "offset", &listed->offset);
	(void)number_of(from, "line", &listed->line);	  /* 0: not known */
	(void)number_of(from, "column", &listed->column); /* likewise */
}

static void read_registers(struct filling *f, const json_t *registers, struct snap_bytes *ret)
{
	const struct snap_arch *arch = f->crash->arch;
	bool any = false;
	if (!arch)
		return;
	uint8_t *bytes = snap_arena_alloc(&f->crash->arena, arch->prstatus_reg_size);
	f->failed |= !bytes;
	for (unsigned int i = 0; bytes && i < arch->num_regs; i++) {
		uint64_t value;
		if (address_of(registers, arch->regs[i].name, &value))
			any |= snap_arch_reg_set(arch, i, bytes, arch->prstatus_reg_size, value);
	}
	if (any)
		*ret = snap_bytes(bytes, arch->prstatus_reg_size);
}

static void read_thread(struct filling *f, const json_t *from)
{
	struct snap_arena *arena = &f->crash->arena;
	const json_t *lines = json_object_get(from, "frames");
	size_t num = json_array_size(lines), num_frames = 0;
	struct snap_crash_thread *thread = snap_arena_alloc(arena, sizeof(*thread));
	struct snap_frame *frames = snap_arena_alloc(arena, num * sizeof(*frames));
	struct snap_listed_frame *listed = snap_arena_alloc(arena, num * sizeof(*listed));
	if (!thread || !frames || !listed) {
		f->failed = true;
		return;
	}
	for (size_t i = 0; i < num && !f->failed; i++) {
		const json_t *line = json_array_get(lines, i);
		read_line(f, line, &listed[i]);
		listed[i].frame = num_frames;
		/* What is inlined is so into what follows. */
		listed[i].is_inline &= i + 1 < num;
		if (!listed[i].is_inline)
			read_frame(f, line, &frames[num_frames++]);
	}
	size_t end = find_name(from, "end", end_name, SNAP_END_UNAVAILABLE + 1);
	const char *reason = string_of(f, from, "end_reason");
	uint32_t tid;
	*thread = (struct snap_crash_thread){
		.record = {.name = text_of(f, from, "name")},
		.crashed = true,
		.frames = frames,
		.num_frames = num_frames,
		.end = end <= SNAP_END_UNAVAILABLE ? (enum snap_end)end : SNAP_END_UNAVAILABLE,
		.end_reason = reason ? reason : "",
		.listed = listed,
		.num_listed = num,
	};
	thread->record.has_tid = number_of(from, "tid", &tid);
	thread->record.tid = thread->record.has_tid ? tid : 0;
	read_registers(f, json_object_get(from, "registers"), &thread->pr_reg);
	f->crash->threads = thread;
	f->crash->num_threads = 1;
}

static void read_threads(struct filling *f, const json_t *threads)
{
	for (size_t i = 0; i < json_array_size(threads); i++) {
		const json_t *thread = json_array_get(threads, i);
		if (!is_true(thread, "crashed"))
			continue;
		read_thread(f, thread);
		return;
	}
}

/* ---------------------------------------------------------------- the text */

/* Moves text->at behind spaces, line ends, and, of an array, what stands between its items. False at
 * the end. */
static bool skip_between(struct snap_text *text)
{
	for (; text->at.off < text->all.len; text->at.off++) {
		uint8_t c = text->all.data[text->at.off];
		if (c == '[' && text->num_traces == 0 && !text->is_array)
			text->is_array = true;
		else if (c == '\n')
			text->at.line++;
		else if (c != ' ' && c != '\t' && c != '\r' &&
			 !(text->is_array && (c == ',' || c == ']')))
			return true;
	}
	return false;
}

static int complain(
	const struct snap_text *text, const char *what, const char *why, struct snap_error *err)
{
	char words[128];
	(void)snap_escape(snap_bytes_str(why), SNAP_ESCAPE_TERMINAL, words, sizeof(words));
	return snap_error_set(err, SNAP_ERROR_MALFORMED, "line %zu: %s%s%s", text->at.line, what,
		words[0] ? ": " : "", words);
}

int snap_text_next_json(struct snap_text *text, struct snap_crash *crash, size_t *ret_line,
	struct snap_error *err)
{
	json_error_t error;
	struct filling f = {.crash = crash};
	if (!skip_between(text))
		return 0;
	struct snap_bytes rest = snap_text_from(text->all, text->at.off);
	json_t *report = json_loadb((const char *)rest.data, rest.len,
		JSON_DISABLE_EOF_CHECK | JSON_DECODE_INT_AS_REAL, &error);
	if (!report && json_error_code(&error) == json_error_out_of_memory)
		return snap_error_no_memory(err);
	if (!report)
		return complain(text, "no JSON begins there", error.text, err);
	if (!is_string(report, "schema", SCHEMA)) {
		json_decref(report);
		return complain(text, "what begins there is no report of snapanalyze", "", err);
	}
	*ret_line = text->at.line;
	read_snapshot(&f, report);
	read_tags(&f, json_object_get(report, "tags"));
	read_cause(&f, report);
	read_modules(&f, json_object_get(report, "modules"));
	read_threads(&f, json_object_get(report, "threads"));
	json_decref(report);
	for (int i = 0; i < error.position && text->at.off < text->all.len; i++)
		text->at.line += text->all.data[text->at.off++] == '\n';
	return f.failed ? snap_error_no_memory(err) : 1;
}
