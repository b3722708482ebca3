/*
 * Reports of sanitizers: of each the first stack, which is where it was found.
 *
 * What they print: LLVM's compiler-rt/lib/sanitizer_common/sanitizer_stacktrace_printer.cpp and
 * sanitizer_symbolizer_report.cpp, asan/asan_errors.cpp, lsan/lsan_common.cpp,
 * tsan/rtl/tsan_report.cpp, ubsan/ubsan_diag.cpp, fuzzer/FuzzerLoop.cpp; gcc's libsanitizer is a copy.
 */
#include <string.h>

#include "analyze/input/text_trace.h"

/* They show no more (kStackTraceMax). */
#define MAX_SHOWN 255

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* ---------------------------------------------------------------- frames */

/* "(BuildId: 12ab)" and "(/lib/x.so+0x12)" at the end, in this order. */
static void take_module(struct snap_bytes *body, struct snap_text_frame *frame)
{
	static const char build_id[] = "(BuildId: ";
	size_t at = snap_text_last_bracket(*body, '(', ')');
	struct snap_bytes bracket = snap_text_from(*body, at);
	if (snap_text_begins(bracket, build_id)) {
		frame->build_id = snap_text_from(bracket, sizeof(build_id) - 1);
		frame->build_id.len--;
		*body = snap_text_trim(snap_text_first(*body, at));
	}
	/* The path may have brackets of its own: it begins with a slash, or holds none. */
	if (!snap_text_ends(*body, ")"))
		return;
	at = snap_text_find(*body, " (/") + 1;
	if (snap_text_begins(*body, "(/"))
		at = 0;
	else if (at > body->len)
		at = snap_text_last_bracket(*body, '(', ')');
	struct snap_bytes module = snap_text_from(*body, at + 1);
	if (at >= body->len || module.len == 0)
		return;
	module.len--;
	if (!snap_text_take_offset(&module, &frame->offset))
		return;
	frame->has_offset = true;
	frame->module = module;
	*body = snap_text_trim(snap_text_first(*body, at));
}

/* "FUNCTION FILE:LINE:COLUMN", "FUNCTION <null>", "FUNCTION+0x12": what is left of a frame. */
static void take_function(struct snap_text *text, struct snap_bytes body, struct snap_text_frame *frame)
{
	uint64_t offset;
	if (snap_text_ends(body, "<null>"))
		body = snap_text_trim(snap_text_first(body, body.len - strlen("<null>")));
	struct snap_bytes file;
	if (snap_text_split_line(body, &file, &frame->line, &frame->column)) {
		/* Of a path that begins with a slash, spaces are part; of others they are not. */
		size_t at = snap_text_name_len(body, true);
		if (at >= file.len) {
			const uint8_t *space = memrchr(file.data, ' ', file.len);
			at = space ? (size_t)(space - file.data) : 0;
		}
		frame->file = snap_text_trim(snap_text_from(file, at));
		body = snap_text_first(body, at);
	} else if (snap_text_name_len(body, true) < body.len) {
		/* A path without a line. */
		size_t at = snap_text_name_len(body, true);
		frame->file = snap_text_from(body, at + 1);
		body = snap_text_first(body, at);
	}
	(void)snap_text_take_offset(&body, &offset); /* may be there */
	body = snap_text_trim(body);
	if (body.len > 0 && !snap_bytes_equal_str(body, "<null>") &&
		!snap_text_begins(body, "(<unknown module>"))
		frame->function = snap_text_name_clean(text, body);
}

/* Functions that sanitizers put before the C library's, and that stand on top of reports. */
static bool is_interceptor(struct snap_bytes function)
{
	static const char *const names[] = {"malloc", "calloc", "realloc", "reallocarray", "free",
		"cfree", "posix_memalign", "aligned_alloc", "memalign", "valloc", "pvalloc",
		"memcpy", "memmove", "memset", "memcmp", "memchr", "memmem", "strlen", "strnlen",
		"strcpy", "strncpy", "stpcpy", "strcat", "strncat", "strcmp", "strncmp",
		"strcasecmp", "strncasecmp", "strchr", "strrchr", "strstr", "strdup", "strndup",
		"strtol", "strtoll", "atoi", "atol", "wcslen", "printf", "fprintf", "sprintf",
		"snprintf", "vprintf", "vfprintf", "vsprintf", "vsnprintf", "scanf", "fscanf",
		"sscanf", "read", "pread", "write", "recv", "send", "fread", "fwrite", "qsort"};
	if (snap_text_begins(function, "operator new") ||
		snap_text_begins(function, "operator delete"))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (snap_bytes_equal_str(function, names[i]))
			return true;
	return false;
}

/* body: what stands behind "#N". */
static void read_frame(struct snap_text *text, struct snap_bytes body, struct snap_text_frame *frame)
{
	struct snap_bytes rest = body;
	if (snap_text_hex(&rest, &frame->pc)) {
		frame->has_pc = true;
		body = snap_text_trim(rest);
		if (snap_text_begins(body, "in "))
			body = snap_text_trim(snap_text_from(body, 3));
	}
	take_module(&body, frame);
	take_function(text, body, frame);
	struct snap_bytes library = snap_text_library_of(frame->file, frame->function);
	if (!frame->module.data)
		frame->module = library;
}

/* Whether a line is one of a stack, and which. */
static bool is_frame(struct snap_bytes line, uint64_t *ret_number, struct snap_bytes *ret_body)
{
	if (!snap_text_frame_number(line, ret_number, ret_body) || ret_body->len == 0)
		return false;
	/* Without an address (ThreadSanitizer), it has at least a module or a file. */
	return snap_text_begins(*ret_body, "0x") || snap_text_ends(*ret_body, ")") ||
	       snap_text_find(*ret_body, ":") < ret_body->len ||
	       snap_text_find(*ret_body, "<null>") < ret_body->len;
}

/* ---------------------------------------------------------------- heads */

static const struct {
	const char *name; /* as the report calls it */
	const char *signal;
	enum snap_kind kind;
} errors[] = {
	{"SEGV", "SIGSEGV", SNAP_KIND_SEGV},
	{"stack-overflow", "SIGSEGV", SNAP_KIND_STACK_OVERFLOW},
	{"FPE", "SIGFPE", SNAP_KIND_FPE},
	{"ILL", "SIGILL", SNAP_KIND_ILL},
	{"BUS", "SIGBUS", SNAP_KIND_BUS},
	{"ABRT", "SIGABRT", SNAP_KIND_ABORT},
	{"TRAP", "SIGTRAP", SNAP_KIND_TRAP},
};

/* "heap-use-after-free on address 0x..": the name is what stands before any of these. */
static struct snap_bytes error_name(struct snap_bytes words)
{
	static const char *const ends[] = {" on ", " (", ":", " after ", ", "};
	size_t len = words.len;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		size_t at = snap_text_find(words, ends[i]);
		if (at < len)
			len = at;
	}
	return snap_text_trim(snap_text_first(words, len));
}

static void take_error(struct snap_text_trace *trace, struct snap_bytes words)
{
	static const char unknown[] = "unknown address ";
	struct snap_bytes name = error_name(words), address = snap_text_behind(words, unknown);
	trace->kind = SNAP_KIND_SANITIZER;
	trace->message = name;
	for (size_t i = 0; i < ARRAY_LEN(errors); i++)
		if (snap_bytes_equal_str(name, errors[i].name)) {
			trace->kind = errors[i].kind;
			trace->signal = errors[i].signal;
			trace->message = snap_bytes(NULL, 0);
		}
	if (address.data && snap_text_hex(&address, &trace->address))
		trace->has_address = true;
	if (trace->kind == SNAP_KIND_SEGV && trace->has_address && trace->address < SNAP_NULL_END)
		trace->kind = SNAP_KIND_SEGV_NULL;
}

/*
 * "==12==ERROR: AddressSanitizer: ...", "WARNING: ThreadSanitizer: ...", "Direct leak of 7 byte(s) ...",
 * "a.c:3:5: runtime error: ...". Whether a report begins with the line.
 */
static bool take_head(struct snap_bytes line, struct snap_text_trace *trace)
{
	static const char *const levels[] = {"ERROR: ", "WARNING: ", "=="};
	static const char runtime[] = ": runtime error: ";
	struct snap_bytes words = snap_text_behind(line, runtime);
	if (words.data) {
		trace->kind = SNAP_KIND_SANITIZER;
		trace->message = snap_text_first(words, snap_text_find(words, ":"));
		return true;
	}
	if ((snap_text_begins(line, "Direct leak of ") || snap_text_begins(line, "Indirect leak of ")) &&
		snap_text_find(line, "allocated from") < line.len) {
		trace->kind = SNAP_KIND_SANITIZER;
		trace->message = snap_bytes_str(line.data[0] == 'D' ? "direct leak" : "indirect leak");
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		words = snap_text_behind(line, levels[i]);
		/* "==12==AddressSanitizer: CHECK failed": behind the second "==". */
		if (words.data && i == 2)
			words = snap_text_behind(words, "==");
		size_t colon = snap_text_find(words, ": ");
		struct snap_bytes who = snap_text_first(words, colon);
		if (!words.data || colon == words.len || snap_text_find(who, " ") < who.len ||
			(!snap_text_ends(who, "Sanitizer") && !snap_bytes_equal_str(who, "libFuzzer")))
			continue;
		words = snap_text_from(words, colon + 2);
		/* Each leak has a head of its own. */
		if (i == 2 && !snap_text_begins(words, "CHECK failed"))
			continue;
		if (snap_text_begins(words, "detected memory leaks"))
			continue;
		take_error(trace, words);
		return true;
	}
	return false;
}

/* What a report says between its head and its first stack. */
static void take_detail(struct snap_bytes line, struct snap_text_trace *trace)
{
	struct snap_bytes access = snap_text_behind(line, "The signal is caused by a ");
	if (snap_text_begins(access, "READ"))
		trace->access = "read";
	else if (snap_text_begins(access, "WRITE"))
		trace->access = "write";
	if ((trace->kind == SNAP_KIND_SEGV || trace->kind == SNAP_KIND_SEGV_NULL) &&
		(snap_text_behind(line, "Hint: pc points to the zero page").data ||
			snap_text_behind(line, "Hint: PC is at a non-executable region").data))
		trace->kind = SNAP_KIND_EXEC_BAD_PC;
}

/* ---------------------------------------------------------------- the whole */

/* An address twice in a row is that of what was inlined, and of what it was inlined into; twice in the
 * same function, it is that of recursion. */
static void find_inlined(struct snap_text_trace *trace)
{
	for (size_t i = 0; i + 1 < trace->num_frames; i++) {
		struct snap_text_frame *frame = &trace->frames[i], *below = frame + 1;
		frame->is_inline =
			frame->has_pc && below->has_pc && frame->pc == below->pc &&
			frame->function.data && below->function.data &&
			!snap_bytes_equal(frame->function, below->function);
	}
}

/* The allocator of a program that holds the sanitizer itself is no part of the program. */
static void find_interceptor(struct snap_text_trace *trace)
{
	struct snap_text_frame *first = &trace->frames[0];
	if (trace->num_frames > 1 && !first->file.data && is_interceptor(first->function) &&
		trace->kind == SNAP_KIND_SANITIZER) {
		first->module = snap_bytes_str("libclang_rt.so");
		first->has_offset = false;
	}
}

/* libFuzzer's own functions that stand on top are its signal handler's, called by the kernel through a
 * function of the C library's without a name. */
static void find_trampoline(struct snap_text_trace *trace)
{
	size_t i = 0;
	while (i < trace->num_frames &&
		(snap_text_begins(trace->frames[i].function, "fuzzer::") ||
			snap_text_begins(trace->frames[i].function, "__sanitizer_")))
		i++;
	if (i == 0 || i == trace->num_frames)
		return;
	struct snap_text_frame *frame = &trace->frames[i];
	frame->is_signal = snap_bytes_equal_str(frame->function, "__restore_rt") ||
			   (!frame->function.data && frame->module.data);
}

static int finish(struct snap_text_trace *trace, struct snap_crash *crash, size_t *ret_line,
	struct snap_error *err)
{
	if (trace->num_frames >= MAX_SHOWN && trace->end == SNAP_END_COMPLETE) {
		trace->end = SNAP_END_LIMIT;
		trace->end_reason = "the sanitizer shows no more frames";
	}
	find_inlined(trace);
	find_interceptor(trace);
	find_trampoline(trace);
	*ret_line = trace->line;
	return snap_text_build(trace, crash, err) < 0 ? -1 : 1;
}

int snap_text_next_sanitizer(struct snap_text *text, struct snap_crash *crash, size_t *ret_line,
	struct snap_error *err)
{
	struct snap_text_trace trace;
	struct snap_bytes line, body;
	struct snap_text_place here = text->at;
	uint64_t number;
	snap_text_trace_init(&trace);
	for (; snap_text_line(text, &text->at, &line); here = text->at) {
		if (trace.line > 0 && is_frame(line, &number, &body) && number == trace.num_read) {
			struct snap_text_frame *frame = snap_text_trace_add(text, &trace);
			if (!frame)
				return snap_error_no_memory(err);
			trace.num_read++;
			*frame = (struct snap_text_frame){0};
			read_frame(text, body, frame);
			continue;
		}
		if (trace.num_frames > 0) {
			/* The stack is at its end; what the line says is the next report's. */
			text->at = here;
			return finish(&trace, crash, ret_line, err);
		}
		struct snap_text_trace next;
		snap_text_trace_init(&next);
		line = snap_text_unquote(line);
		if (take_head(line, &next)) {
			/* One without a stack is passed over. */
			memcpy(next.logged, trace.logged, sizeof(next.logged));
			next.num_logged = trace.num_logged;
			trace = next;
			trace.line = here.line;
		} else if (trace.line > 0) {
			take_detail(line, &trace);
		} else {
			snap_text_trace_log(&trace, line);
		}
	}
	return trace.num_frames > 0 ? finish(&trace, crash, ret_line, err) : 0;
}
