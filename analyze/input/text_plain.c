/*
 * A frame on each line: a form to write by hand or from a script, and what glibc's
 * backtrace_symbols(3), glog, Breakpad's stackwalk and coredumpctl print.
 */
#include <ctype.h>
#include <string.h>

#include "analyze/input/text_trace.h"
#include "common/escape.h"

/* "0x.. " or "@ 0x.. " before what follows; "in " may stand between. */
static void take_address(struct snap_bytes *line, struct snap_text_frame *frame)
{
	if (snap_text_begins(*line, "@ "))
		*line = snap_text_trim(snap_text_from(*line, 2));
	struct snap_bytes rest = *line;
	if (!snap_text_hex(&rest, &frame->pc) || (rest.len > 0 && rest.data[0] != ' '))
		return;
	frame->has_pc = true;
	*line = snap_text_trim(rest);
	if (snap_text_begins(*line, "in "))
		*line = snap_text_trim(snap_text_from(*line, 3));
}

/* " at FILE:LINE", " [FILE : LINE]" or " [FILE : LINE + 0x12]" at the end. */
static void take_source(struct snap_bytes *line, struct snap_text_frame *frame)
{
	size_t at = 0;
	for (size_t next; (next = snap_text_find(snap_text_from(*line, at), " at ")) <
			  line->len - at && line->len - at > 4;
		at += next + 4)
		if (snap_text_split_line(snap_text_from(*line, at + next + 4), &frame->file,
			    &frame->line, &frame->column)) {
			line->len = at + next;
			return;
		}
	at = snap_text_last_bracket(*line, '[', ']');
	if (at == line->len || at == 0 || line->data[at - 1] != ' ')
		return;
	struct snap_bytes inner = snap_text_from(*line, at + 1);
	inner.len--;
	uint64_t offset, number;
	(void)snap_text_take_offset(&inner, &offset); /* may be there */
	size_t colon = snap_text_find(inner, " : ");
	struct snap_bytes digits = snap_text_from(inner, colon + 3);
	if (colon == inner.len || !snap_text_number(&digits, &number) || digits.len > 0 ||
		number > UINT32_MAX)
		return;
	frame->file = snap_text_first(inner, colon);
	frame->line = (uint32_t)number;
	*line = snap_text_trim(snap_text_first(*line, at));
}

static bool is_nameless(struct snap_bytes name)
{
	static const char *const none[] = {"?", "??", "(unknown)", "<unknown>", "n/a", "???"};
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (snap_bytes_equal_str(name, none[i]))
			return true;
	return name.len == 0;
}

static bool is_module(struct snap_bytes name)
{
	return snap_text_find(name, " ") == name.len && snap_text_find(name, "::") == name.len &&
	       (snap_text_find(name, "/") < name.len || snap_text_find(name, ".so") < name.len ||
		       snap_text_ends(name, ".exe"));
}

/* "MODULE!" before a name: "a!operator!=" has one, "operator!=" none. */
static void take_module(struct snap_bytes *line, struct snap_text_frame *frame)
{
	size_t at = snap_text_find(*line, "!");
	struct snap_bytes head = snap_text_first(*line, at);
	if (at == line->len || at == 0 || snap_text_ends(head, "operator") ||
		snap_text_find(head, "(") < head.len || snap_text_find(head, "<") < head.len)
		return;
	frame->module = head;
	*line = snap_text_from(*line, at + 1);
}

/* backtrace_symbols(3)'s "/bin/prog(main+0x12) [0x4011]", or coredumpctl's "main (prog + 0x12)". */
static bool take_bracketed(struct snap_bytes line, struct snap_text_frame *frame)
{
	size_t at = snap_text_last_bracket(line, '[', ']');
	struct snap_bytes address = snap_text_from(line, at + 1);
	if (at < line.len && snap_text_hex(&address, &frame->pc) && address.len == 1) {
		frame->has_pc = true;
		line = snap_text_trim(snap_text_first(line, at));
		at = snap_text_last_bracket(line, '(', ')');
		if (at == line.len) {
			frame->module = line;
			return true;
		}
		struct snap_bytes name = snap_text_from(line, at + 1);
		uint64_t offset;
		name.len--;
		bool has_offset = snap_text_take_offset(&name, &offset);
		frame->module = snap_text_trim(snap_text_first(line, at));
		if (name.len > 0)
			frame->function = name;
		else if (has_offset) {
			frame->has_offset = true;
			frame->offset = offset;
		}
		return true;
	}
	at = snap_text_last_bracket(line, '(', ')');
	if (at == line.len || at == 0 || line.data[at - 1] != ' ')
		return false;
	struct snap_bytes module = snap_text_from(line, at + 1);
	module.len--;
	if (!snap_text_take_offset(&module, &frame->offset))
		return false;
	frame->has_offset = true;
	frame->module = module;
	struct snap_bytes name = snap_text_trim(snap_text_first(line, at));
	if (!is_nameless(name))
		frame->function = name;
	return true;
}

static void read_frame(struct snap_text *text, struct snap_bytes line, struct snap_text_frame *frame)
{
	static const char *const inlined[] = {" [inlined]", " (inlined)"};
	if (snap_text_begins(line, "<signal handler called>") ||
		snap_text_begins(line, "<exception handler called>")) {
		frame->is_signal = true;
		return;
	}
	take_address(&line, frame);
	if (!take_bracketed(line, frame)) {
		for (size_t i = 0; i < 2; i++)
			if (snap_text_ends(line, inlined[i])) {
				frame->is_inline = true;
				line.len -= strlen(inlined[i]);
			}
		take_source(&line, frame);
		take_module(&line, frame);
		uint64_t offset;
		bool has_offset = snap_text_take_offset(&line, &offset);
		if (has_offset && frame->module.len == 0 && is_module(line)) {
			frame->module = line;
			line.len = 0;
		}
		if (!is_nameless(line))
			frame->function = line;
		else if (has_offset && frame->module.len > 0) {
			frame->has_offset = true;
			frame->offset = offset;
		}
	}
	if (frame->function.data)
		frame->function = snap_text_name_clean(text, frame->function);
}

/* "#12 " or Breakpad's " 2  " before a frame. */
static struct snap_bytes skip_number(struct snap_bytes line)
{
	struct snap_bytes rest = line.len > 0 && line.data[0] == '#' ? snap_text_from(line, 1) : line;
	uint64_t number;
	if (snap_text_number(&rest, &number) && rest.len > 0 && rest.data[0] == ' ')
		return snap_text_trim(rest);
	return line;
}

/* "kind: segv" and "message: text", at most once each at the start of a trace. 1: it is one of them. */
static int take_head(struct snap_text *text, struct snap_bytes line, struct snap_text_trace *trace,
	struct snap_error *err)
{
	static const char kind[] = "kind: ", message[] = "message: ";
	if (snap_text_begins(line, message)) {
		trace->message = snap_text_trim(snap_text_from(line, sizeof(message) - 1));
		trace->is_message_of_library = true;
		return 1;
	}
	if (!snap_text_begins(line, kind))
		return 0;
	struct snap_bytes name = snap_text_trim(snap_text_from(line, sizeof(kind) - 1));
	if (snap_kind_find(name, &trace->kind))
		return 1;
	char shown[64];
	(void)snap_escape(name, SNAP_ESCAPE_TERMINAL, shown, sizeof(shown));
	return snap_error_set(err, SNAP_ERROR_MALFORMED, "line %zu: there is no kind '%s'",
		text->at.line - 1, shown);
}

int snap_text_next_plain(struct snap_text *text, struct snap_crash *crash, size_t *ret_line,
	struct snap_error *err)
{
	struct snap_text_trace trace;
	struct snap_bytes line;
	snap_text_trace_init(&trace);
	while (snap_text_line(text, &text->at, &line)) {
		if (line.len > 0 && memchr(line.data, '\0', line.len))
			return snap_error_set(err, SNAP_ERROR_MALFORMED,
				"it is no text: line %zu has a NUL", text->at.line - 1);
		line = snap_text_trim(line);
		if (line.len == 0 && trace.num_frames > 0)
			break;
		if (line.len == 0)
			continue;
		if (trace.line == 0)
			trace.line = text->at.line - 1;
		int is_head = trace.num_frames == 0 ? take_head(text, line, &trace, err) : 0;
		if (is_head < 0)
			return -1;
		if (is_head)
			continue;
		struct snap_text_frame *frame = snap_text_trace_add(text, &trace);
		if (!frame)
			return snap_error_no_memory(err);
		read_frame(text, skip_number(line), frame);
	}
	if (trace.num_frames == 0)
		return 0;
	*ret_line = trace.line;
	return snap_text_build(&trace, crash, err) < 0 ? -1 : 1;
}
