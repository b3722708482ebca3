#include "analyze/input/text_gdb.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* What a frame's lines are joined to, and how many they are: arguments are values, which can be long. */
#define MAX_JOINED 16384
#define MAX_LINES  32
/* Of an argument's value. */
#define MAX_VALUE 1024

/* ---------------------------------------------------------------- arguments */

/* Where the quote that opens at off is closed; bytes.len: nowhere. */
static size_t skip_quoted(struct snap_bytes bytes, size_t off)
{
	uint8_t quote = bytes.data[off];
	for (size_t i = off + 1; i < bytes.len; i++) {
		if (bytes.data[i] == '\\')
			i++;
		else if (bytes.data[i] == quote)
			return i;
	}
	return bytes.len;
}

/* Behind the parenthesis that closes the one that bytes begin with; 0: none does. */
static size_t arguments_len(struct snap_bytes bytes)
{
	size_t depth = 0;
	for (size_t i = 0; i < bytes.len; i++) {
		uint8_t c = bytes.data[i];
		if (c == '"' || c == '\'') {
			/* Of a quote that is none the rest is no quotation. */
			size_t end = skip_quoted(bytes, i);
			if (end == bytes.len && c == '"')
				return 0;
			if (end < bytes.len)
				i = end;
		} else if (c == '(') {
			depth++;
		} else if (c == ')' && --depth == 0) {
			return i + 1;
		}
	}
	return 0;
}

/* The text that an argument points to: of 'assertion=0x55 "a \"b\""' what is quoted. Absent: none. */
static struct snap_bytes text_of_argument(
	struct snap_text *text, struct snap_bytes arguments, const char *name)
{
	size_t at = 0, len = strlen(name);
	for (;; at++) {
		at += snap_text_find(snap_text_from(arguments, at), name);
		if (at >= arguments.len)
			return snap_bytes(NULL, 0);
		if (at > 0 && (arguments.data[at - 1] == '(' || arguments.data[at - 1] == ' ') &&
			at + len < arguments.len && arguments.data[at + len] == '=')
			break;
	}
	struct snap_bytes value = snap_text_from(arguments, at + len);
	size_t quote = snap_text_find(value, "\"");
	size_t comma = snap_text_find(value, ", ");
	if (quote == value.len || comma < quote)
		return snap_bytes(NULL, 0);
	size_t end = skip_quoted(value, quote), num = 0, max = end - quote;
	if (max > MAX_VALUE)
		max = MAX_VALUE;
	char *out = snap_text_alloc(text, max);
	for (size_t i = quote + 1; out && i < end && num < max; i++) {
		uint8_t c = value.data[i];
		if (c == '\\' && i + 1 < end) {
			c = value.data[++i];
			c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
		}
		out[num++] = (char)c;
	}
	return snap_bytes(out, out ? num : 0);
}

static struct snap_bytes number_of_argument(struct snap_bytes arguments, const char *name)
{
	struct snap_bytes value = snap_text_from(arguments, snap_text_find(arguments, name));
	value = snap_text_from(value, strlen(name));
	/* "line=line@entry=12" */
	size_t entry = snap_text_find(snap_text_first(value, snap_text_find(value, ",")), "=");
	if (entry < snap_text_find(value, ","))
		value = snap_text_from(value, entry + 1);
	size_t len = 0;
	while (len < value.len && isdigit(value.data[len]))
		len++;
	return snap_text_first(value, len);
}

#define ARGS(bytes) (int)(bytes).len, (const char *)(bytes).data

/*
 * What the C library prints and keeps before it aborts, by what its functions are called with: as
 * assert/assert.c, malloc/malloc.c and debug/fortify_fail.c put it together.
 */
static void read_said(struct snap_text *text, struct snap_bytes arguments, struct snap_gdb_frame *gdb)
{
	struct snap_bytes function = gdb->frame.function;
	if (snap_text_begins(function, "__GI_"))
		function = snap_text_from(function, 5);
	if (snap_bytes_equal_str(function, "malloc_printerr")) {
		gdb->said = text_of_argument(text, arguments, "str");
		return;
	}
	bool is_assert = snap_bytes_equal_str(function, "__assert_fail") ||
			 snap_bytes_equal_str(function, "__assert_fail_base");
	if (!is_assert && !snap_text_begins(function, "__fortify_fail"))
		return;
	struct snap_bytes what = text_of_argument(text, arguments, is_assert ? "assertion" : "msg");
	struct snap_bytes file = text_of_argument(text, arguments, "file");
	struct snap_bytes in = text_of_argument(text, arguments, "function");
	struct snap_bytes line = number_of_argument(arguments, " line=");
	if (what.len == 0)
		return;
	size_t size = what.len + file.len + in.len + line.len + 64;
	char *out = snap_text_alloc(text, size);
	if (!out)
		return;
	int len = is_assert ? snprintf(out, size, "%.*s:%.*s: %.*s: Assertion `%.*s' failed.",
				      ARGS(file), ARGS(line), ARGS(in), ARGS(what))
			    : snprintf(out, size, "*** %.*s ***: terminated", ARGS(what));
	gdb->said = snap_bytes(out, strnlen(out, len < 0 ? 0 : size));
}

/* ---------------------------------------------------------------- one frame */

/* " at FILE:LINE" or " from LIBRARY" behind arguments. */
static bool take_place(struct snap_bytes rest, struct snap_text_frame *frame)
{
	if (snap_text_begins(rest, "from ")) {
		frame->module = snap_text_trim(snap_text_from(rest, 5));
		return frame->module.len > 0;
	}
	if (!snap_text_begins(rest, "at "))
		return false;
	rest = snap_text_trim(snap_text_from(rest, 3));
	return snap_text_split_line(rest, &frame->file, &frame->line, &frame->column);
}

/* Where arguments that are not closed, or whose quotes deceive, end: before " at " or " from ", or at
 * the line's end. 0: nowhere. */
static size_t guess_arguments_len(struct snap_bytes bytes)
{
	static const char *const ends[] = {") at ", ") from "};
	for (size_t i = 0; i < 2; i++) {
		size_t at = snap_text_find(bytes, ends[i]);
		if (at < bytes.len)
			return at + 1;
	}
	return snap_text_ends(bytes, ")") ? bytes.len : 0;
}

enum state {
	STATE_NONE,    /* no frame */
	STATE_PARTIAL, /* more has to follow */
	STATE_OPEN,    /* whole; where it is may follow */
	STATE_WHOLE,
};

/* body: what stands behind "#N". arguments: those of the function. */
static enum state parse(struct snap_bytes body, bool is_last_try, struct snap_gdb_frame *ret,
	struct snap_bytes *ret_arguments)
{
	struct snap_text_frame *frame = &ret->frame;
	*frame = (struct snap_text_frame){0};
	*ret_arguments = snap_bytes(NULL, 0);
	if (snap_text_begins(body, "<signal handler called>")) {
		frame->is_signal = true;
		return STATE_WHOLE;
	}
	if (snap_text_begins(body, "<function called from gdb>")) {
		ret->is_call = true;
		return STATE_WHOLE;
	}
	struct snap_bytes rest = body;
	ret->has_pc = snap_text_hex(&rest, &frame->pc);
	if (ret->has_pc) {
		rest = snap_text_trim(rest);
		if (snap_bytes_equal_str(rest, "in") || rest.len == 0)
			return STATE_PARTIAL;
		if (!snap_text_begins(rest, "in "))
			return STATE_NONE;
		rest = snap_text_trim(snap_text_from(rest, 3));
		frame->has_pc = true;
	}
	size_t name_len = snap_text_name_len(rest, false);
	if (name_len == 0)
		return STATE_NONE;
	if (name_len == rest.len)
		return ret->has_pc ? STATE_PARTIAL : STATE_NONE;
	frame->function = snap_text_first(rest, name_len);
	rest = snap_text_from(rest, name_len + 1);
	size_t len = arguments_len(rest);
	if (len == 0 && is_last_try)
		len = guess_arguments_len(rest);
	if (len == 0)
		return STATE_PARTIAL;
	*ret_arguments = snap_text_first(rest, len);
	rest = snap_text_trim(snap_text_from(rest, len));
	if (take_place(rest, frame))
		return STATE_WHOLE;
	if (rest.len == 0)
		return STATE_OPEN;
	return snap_bytes_equal_str(rest, "at") || snap_bytes_equal_str(rest, "from") ||
			       snap_text_begins(rest, "at ")
		       ? STATE_PARTIAL
		       : STATE_OPEN;
}

/* Whether a line may be the rest of the one before. */
static bool goes_on(struct snap_bytes line, enum state state)
{
	uint64_t number;
	struct snap_bytes rest;
	if (line.len == 0 || snap_text_frame_number(line, &number, &rest))
		return false;
	return state == STATE_PARTIAL || snap_text_begins(line, "at ") ||
	       snap_text_begins(line, "from ");
}

/* Lines as one, in the text's arena. */
struct joined {
	char *chars;
	size_t len, size;
};

/* False: they are too long together, or there is no memory. */
static bool append(struct snap_text *text, struct joined *joined, struct snap_bytes line)
{
	size_t len = joined->len + line.len + 1;
	if (len > MAX_JOINED)
		return false;
	if (len > joined->size) {
		char *grown = snap_text_alloc(text, 2 * len);
		if (!grown)
			return false;
		memcpy(grown, joined->chars, joined->len);
		joined->chars = grown;
		joined->size = 2 * len;
	}
	joined->chars[joined->len] = ' ';
	memcpy(joined->chars + joined->len + 1, line.data, line.len);
	joined->len = len;
	return true;
}

/* The frame that is as complete as it gets; *at behind its lines. */
static enum state join(struct snap_text *text, struct snap_text_place *at, struct snap_bytes body,
	struct snap_gdb_frame *ret, struct snap_bytes *ret_arguments)
{
	enum state state = parse(body, false, ret, ret_arguments);
	struct snap_text_place next = *at;
	struct snap_bytes line;
	/* Not written to before it is copied. */
	struct joined joined = {(char *)(uintptr_t)body.data, body.len, 0};
	for (int i = 0; i < MAX_LINES && (state == STATE_PARTIAL || state == STATE_OPEN); i++) {
		if (!snap_text_line(text, &next, &line))
			break;
		line = snap_text_unquote(line);
		if (!goes_on(line, state) || !append(text, &joined, line))
			break;
		struct snap_gdb_frame more = {.number = ret->number};
		state = parse(snap_bytes(joined.chars, joined.len), false, &more, ret_arguments);
		if (state == STATE_OPEN || state == STATE_WHOLE) {
			*ret = more;
			*at = next;
		}
	}
	return state == STATE_PARTIAL ? parse(body, true, ret, ret_arguments) : state;
}

bool snap_gdb_frame_read(struct snap_text *text, struct snap_text_place *at, struct snap_bytes line,
	struct snap_gdb_frame *ret)
{
	struct snap_bytes body, arguments;
	*ret = (struct snap_gdb_frame){0};
	/* What a pager printed stands before the line that it held back. */
	if (snap_text_begins(line, "--Type <RET>") || snap_text_begins(line, "---Type <return>")) {
		size_t off = snap_text_find(line, "--#");
		line = snap_text_from(line, off + 2);
	}
	if (!snap_text_frame_number(line, &ret->number, &body))
		return false;
	enum state state = join(text, at, body, ret, &arguments);
	if (state != STATE_OPEN && state != STATE_WHOLE)
		return false;
	struct snap_text_frame *frame = &ret->frame;
	if (!frame->function.data)
		return true;
	if (snap_bytes_equal_str(frame->function, "??")) {
		frame->function = snap_bytes(NULL, 0);
		return true;
	}
	frame->function = snap_text_name_clean(text, frame->function);
	read_said(text, arguments, ret);
	if (!frame->module.data)
		frame->module = snap_text_library_of(frame->file, frame->function);
	return true;
}
