#include <stdlib.h>
#include <string.h>

#include "analyze/input/text_trace.h"
#include "analyze/symbols/demangle.h"

void snap_text_trace_init(struct snap_text_trace *trace)
{
	*trace = (struct snap_text_trace){.kind = SNAP_KIND_UNKNOWN,
		.end = SNAP_END_COMPLETE,
		.end_reason = "the backtrace's last line"};
}

struct snap_text_frame *snap_text_trace_add(struct snap_text *text, struct snap_text_trace *trace)
{
	if (trace->num_frames == SNAP_TEXT_MAX_FRAMES) {
		trace->end = SNAP_END_LIMIT;
		trace->end_reason = "the backtrace has more lines than are read";
		return &trace->beyond;
	}
	struct snap_text_frame *frames = snap_arena_grow(&text->arena, trace->frames,
		trace->num_frames, &trace->capacity, sizeof(*frames));
	if (!frames)
		return NULL;
	trace->frames = frames;
	frames[trace->num_frames] = (struct snap_text_frame){0};
	return &frames[trace->num_frames++];
}

void snap_text_trace_log(struct snap_text_trace *trace, struct snap_bytes line)
{
	if (line.len > 0)
		trace->logged[trace->num_logged++ % SNAP_TEXT_LOG_LINES] = line;
}

/* ---------------------------------------------------------------- modules */

static struct snap_bytes copy(struct snap_arena *arena, struct snap_bytes bytes, bool *ret_failed)
{
	if (!bytes.data)
		return bytes;
	const char *copied = snap_arena_copy(arena, bytes);
	*ret_failed |= !copied;
	return snap_bytes(copied, copied ? bytes.len : 0);
}

static int compare_bytes(struct snap_bytes a, struct snap_bytes b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int r = len > 0 ? memcmp(a.data, b.data, len) : 0;
	return r != 0 ? r : (a.len > b.len) - (a.len < b.len);
}

static int compare_modules(const void *a, const void *b)
{
	const struct snap_text_frame *const *x = a, *const *y = b;
	int r = compare_bytes((*x)->module, (*y)->module);
	return r != 0 ? r : (*x > *y) - (*x < *y);
}

struct snap_bytes snap_text_decode_hex(
	struct snap_arena *arena, struct snap_bytes hex, bool *ret_failed)
{
	static const char digits[] = "0123456789abcdef";
	size_t len = hex.len / 2;
	if (hex.len % 2 != 0 || len == 0 || len > SNAP_MAX_BUILD_ID)
		return snap_bytes(NULL, 0);
	uint8_t *bytes = snap_arena_alloc(arena, len);
	*ret_failed |= !bytes;
	for (size_t i = 0; bytes && i < hex.len; i++) {
		const char *digit = hex.data[i] ? strchr(digits, hex.data[i] | 0x20) : NULL;
		if (!digit || !*digit)
			return snap_bytes(NULL, 0);
		bytes[i / 2] = (uint8_t)(bytes[i / 2] << 4 | (digit - digits));
	}
	return snap_bytes(bytes, bytes ? len : 0);
}

/*
 * One module of each path that frames are in, in the order of the paths; which[i]: that of frame i.
 * A module is where the first of its frames that tells it says.
 */
static int build_modules(const struct snap_text_trace *trace, struct snap_crash *crash,
	const struct snap_crash_module **which)
{
	size_t num = 0;
	bool failed = false;
	const struct snap_text_frame **sorted = calloc(trace->num_frames + 1, sizeof(*sorted));
	if (!sorted)
		return -1;
	for (size_t i = 0; i < trace->num_frames; i++)
		if (trace->frames[i].module.len > 0)
			sorted[num++] = &trace->frames[i];
	if (num > 0)
		qsort(sorted, num, sizeof(sorted[0]), compare_modules);
	crash->modules = snap_arena_alloc(&crash->arena, num * sizeof(crash->modules[0]));
	failed = !crash->modules;
	for (size_t i = 0; i < num && !failed; i++) {
		const struct snap_text_frame *frame = sorted[i];
		if (i == 0 || !snap_bytes_equal(frame->module, sorted[i - 1]->module))
			crash->modules[crash->num_modules++] = (struct snap_crash_module){
				.record = {.path = copy(&crash->arena, frame->module, &failed)},
				.symbols = SNAP_SYMBOLS_SYMTAB,
				.has_frame = true,
				.has_crashed_frame = true,
			};
		struct snap_crash_module *module = &crash->modules[crash->num_modules - 1];
		struct snap_module *record = &module->record;
		if (!record->has_load_bias && frame->has_offset) {
			record->has_load_bias = true;
			record->load_bias = frame->has_pc ? frame->pc - frame->offset : 0;
		}
		if (record->build_id.len == 0 && frame->build_id.len > 0)
			record->build_id = snap_text_decode_hex(&crash->arena, frame->build_id, &failed);
		if (!frame->function.data && !frame->is_signal)
			module->symbols = SNAP_SYMBOLS_NONE;
		which[frame - trace->frames] = module;
	}
	free(sorted);
	return failed ? -1 : 0;
}

/* ---------------------------------------------------------------- frames */

static int name_line(struct snap_arena *arena, const struct snap_text_frame *frame,
	struct snap_listed_frame *listed)
{
	bool failed = false;
	listed->file = (const char *)copy(arena, frame->file, &failed).data;
	listed->built_file = listed->file;
	listed->line = frame->line;
	listed->column = frame->column;
	const char *function = (const char *)copy(arena, frame->function, &failed).data;
	if (failed || !function)
		return failed ? -1 : 0;
	char *demangled = snap_demangle(function);
	listed->function = function;
	if (demangled) {
		listed->raw_function = function;
		listed->function = snap_arena_copy(arena, snap_bytes_str(demangled));
		free(demangled);
	}
	return listed->function ? 0 : -1;
}

static void place_frame(const struct snap_text_frame *from, const struct snap_crash_module *module,
	struct snap_frame *frame)
{
	*frame = (struct snap_frame){
		.pc = from->pc,
		.is_signal = from->is_signal,
		.trust = SNAP_TRUST_CFI,
		.module = module,
		.is_place_unknown = !from->has_offset,
	};
	if (module && from->has_offset)
		frame->pc = module->record.load_bias + from->offset;
}

/* Lines that are inlined share the frame of the next that is not. */
static int build_thread(const struct snap_text_trace *trace, struct snap_crash *crash,
	const struct snap_crash_module *const *which)
{
	struct snap_arena *arena = &crash->arena;
	size_t num = trace->num_frames, num_frames = 0;
	struct snap_crash_thread *thread = snap_arena_alloc(arena, sizeof(*thread));
	struct snap_frame *frames = snap_arena_alloc(arena, num * sizeof(*frames));
	struct snap_listed_frame *listed = snap_arena_alloc(arena, num * sizeof(*listed));
	if (!thread || !frames || !listed)
		return -1;
	for (size_t i = 0; i < num; i++) {
		const struct snap_text_frame *from = &trace->frames[i];
		listed[i].frame = num_frames;
		listed[i].is_inline = from->is_inline && i + 1 < num;
		if (name_line(arena, from, &listed[i]) < 0)
			return -1;
		if (listed[i].is_inline)
			continue;
		place_frame(from, which[i], &frames[num_frames]);
		if (num_frames == 0) {
			frames[0].trust = SNAP_TRUST_CONTEXT;
			frames[0].exact_pc = true;
		}
		num_frames++;
	}
	*thread = (struct snap_crash_thread){
		.crashed = true,
		.frames = frames,
		.num_frames = num_frames,
		.end = trace->end,
		.end_reason = trace->end_reason,
		.listed = listed,
		.num_listed = num,
	};
	crash->threads = thread;
	crash->num_threads = 1;
	return 0;
}

static int build_logs(const struct snap_text_trace *trace, struct snap_crash *crash)
{
	size_t num = trace->num_logged < SNAP_TEXT_LOG_LINES ? trace->num_logged
							     : SNAP_TEXT_LOG_LINES;
	bool failed = false;
	crash->logs = snap_arena_alloc(&crash->arena, num * sizeof(crash->logs[0]));
	for (size_t i = 0; crash->logs && i < num; i++) {
		struct snap_bytes line =
			trace->logged[(trace->num_logged - num + i) % SNAP_TEXT_LOG_LINES];
		crash->logs[i] = (struct snap_log){
			.message = copy(&crash->arena,
				snap_text_first(line, SNAP_MAX_LOG_MESSAGE), &failed)};
		crash->num_logs++;
	}
	return crash->logs && !failed ? 0 : -1;
}

int snap_text_build(
	const struct snap_text_trace *trace, struct snap_crash *crash, struct snap_error *err)
{
	const struct snap_crash_module **which = calloc(trace->num_frames + 1, sizeof(*which));
	bool failed = !which || build_modules(trace, crash, which) < 0 ||
		      build_thread(trace, crash, which) < 0 || build_logs(trace, crash) < 0;
	free(which);
	crash->cause = (struct snap_cause){
		.kind = trace->kind,
		.signal = trace->signal,
		.has_address = trace->has_address,
		.address = trace->address,
		.access = trace->access,
	};
	crash->abort_message = (struct snap_abort_message){
		.text = copy(&crash->arena, trace->message, &failed),
		.source = trace->is_message_of_library ? SNAP_ABORT_C_LIBRARY : SNAP_ABORT_PROGRAM,
	};
	crash->process.cmdline = copy(&crash->arena, trace->program, &failed);
	return failed ? snap_error_no_memory(err) : 0;
}
