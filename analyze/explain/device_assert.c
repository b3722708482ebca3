#include "analyze/explain/device_assert.h"

#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Of a text so much is looked at. */
#define MAX_TEXT 4096u
/* Frames of the crashing thread in which an assertion's function is looked for. */
#define MAX_LISTED 16u
/* Pigweed's levels (pw_log/levels.h). */
#define LEVEL_CRITICAL 5u
#define LEVEL_FATAL    7u

/* ---------------------------------------------------------------- text */

static bool begins_with(struct snap_bytes text, const char *start)
{
	size_t len = strlen(start);
	return text.len >= len && memcmp(text.data, start, len) == 0;
}

/* Where it first stands in the text from off on; text.len: nowhere. */
static size_t find(struct snap_bytes text, size_t off, const char *what)
{
	const uint8_t *at =
		off < text.len ? memmem(text.data + off, text.len - off, what, strlen(what)) : NULL;
	return at ? (size_t)(at - text.data) : text.len;
}

/* Where it last stands; text.len: nowhere. */
static size_t find_last(struct snap_bytes text, const char *what)
{
	size_t last = text.len;
	for (size_t at = 0; (at = find(text, at, what)) < text.len; at++)
		last = at;
	return last;
}

/* [from, to) of it, without the blanks at either end; nothing, if to is before from. */
static struct snap_bytes part(struct snap_bytes text, size_t from, size_t to)
{
	if (from > to)
		from = to;
	while (from < to && (text.data[from] == ' ' || text.data[from] == '\t'))
		from++;
	while (from < to && strchr(" \t\r\n", text.data[to - 1]) && text.data[to - 1] != '\0')
		to--;
	return snap_bytes(text.data + from, to - from);
}

static bool is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The same at off, capital letters aside; what is in small ones. */
static bool stands_at(struct snap_bytes text, size_t off, const char *what)
{
	size_t len = strlen(what);
	if (len > text.len - off)
		return false;
	for (size_t i = 0; i < len; i++) {
		uint8_t c = text.data[off + i];
		if (c >= 'A' && c <= 'Z')
			c = (uint8_t)(c - 'A' + 'a');
		if (c != (uint8_t)what[i])
			return false;
	}
	return true;
}

/* "123" at *off, which goes behind it. */
static bool read_number(struct snap_bytes text, size_t *off, uint32_t *ret)
{
	uint64_t number = 0;
	size_t at = *off;
	for (; at < text.len && text.data[at] >= '0' && text.data[at] <= '9'; at++) {
		number = number * 10 + (text.data[at] - '0');
		if (number > UINT32_MAX)
			return false;
	}
	if (at == *off)
		return false;
	*off = at;
	*ret = (uint32_t)number;
	return true;
}

bool snap_device_assert_is_told(struct snap_bytes text)
{
	/* Each at the beginning of a word. */
	static const char *const marks[] = {"assert", "check failed", "pw_check", "pw_dcheck",
		"pw_assert", "pw_dassert", "configassert", "__assert"};
	if (text.len > MAX_TEXT)
		text.len = MAX_TEXT;
	for (size_t i = 0; i < text.len; i++) {
		if (i > 0 && (is_letter(text.data[i - 1]) || text.data[i - 1] == '_'))
			continue;
		for (size_t j = 0; j < ARRAY_LEN(marks); j++)
			if (stands_at(text, i, marks[j]))
				return true;
	}
	return false;
}

/* ---------------------------------------------------------------- formats */

/*
 * Pigweed (pw_assert/internal/check_impl.h): "Check failed: a (=1) < b (=0). More.", and without
 * values "Check failed: a. More.".
 */
static bool read_check(struct snap_bytes text, struct snap_assert_text *ret)
{
	static const char mark[] = "Check failed: ";
	size_t at = find(text, 0, mark);
	if (at == text.len)
		return false;
	size_t from = at + sizeof(mark) - 1, to = from;
	int depth = 0;
	for (; to < text.len; to++) {
		uint8_t c = text.data[to];
		depth += c == '(' ? 1 : c == ')' && depth > 0 ? -1 : 0;
		if (c == '\n' ||
			(c == '.' && depth == 0 &&
				(to + 1 == text.len || strchr(" \n", text.data[to + 1]))))
			break;
	}
	ret->expression = part(text, from, to);
	ret->is_cut = to == text.len;
	return ret->expression.len > 0;
}

/* newlib, picolibc: assertion "x" failed: file "f", line 12, function: g */
static bool read_newlib(struct snap_bytes text, struct snap_assert_text *ret)
{
	static const char mark[] = "ssertion \"", failed[] = "\" failed";
	static const char file[] = "file \"", line[] = "\", line ", function[] = "function: ";
	size_t at = find(text, 0, mark);
	if (at == text.len)
		return false;
	size_t from = at + sizeof(mark) - 1, to = find(text, from, failed);
	ret->expression = part(text, from, to);
	ret->is_cut = to == text.len;
	size_t f = find(text, to, file);
	size_t l = f < text.len ? find(text, f + sizeof(file) - 1, line) : text.len;
	if (l < text.len) {
		ret->file = part(text, f + sizeof(file) - 1, l);
		l += sizeof(line) - 1;
		ret->has_line = read_number(text, &l, &ret->line);
		size_t g = find(text, l, function);
		if (g < text.len) {
			size_t end = find(text, g, "\n");
			ret->function = part(text, g + sizeof(function) - 1, end);
		}
	}
	return true;
}

/* "f:12: " or "f:12: g: " before off: a file's name has no blanks then. */
static void read_prefix(struct snap_bytes text, size_t off, struct snap_assert_text *ret)
{
	size_t end = find(text, 0, ": ");
	struct snap_bytes place = part(text, 0, end < off ? end : 0);
	size_t colon = find_last(place, ":"), number = colon + 1;
	uint32_t line;
	if (colon == 0 || colon >= place.len || find(place, 0, " ") < place.len ||
		!read_number(place, &number, &line) || number != place.len)
		return;
	ret->file = part(place, 0, colon);
	ret->has_line = true;
	ret->line = line;
	struct snap_bytes function = part(text, end + 1, off);
	if (function.len > 1 && function.data[function.len - 1] == ':' &&
		find(function, 0, " ") == function.len)
		ret->function = snap_bytes(function.data, function.len - 1);
}

/*
 * Arm's C library: "Assertion failed: x, file f, line 12"; BSD's: "Assertion failed: (x), function g,
 * file f, line 12."
 */
static bool read_comma(struct snap_bytes text, struct snap_assert_text *ret)
{
	static const char mark[] = "ssertion failed: ";
	static const char file[] = ", file ", line[] = ", line ", function[] = ", function ";
	size_t at = find(text, 0, mark);
	if (at == text.len)
		return false;
	size_t from = at + sizeof(mark) - 1;
	size_t l = find_last(text, line), f = find_last(text, file);
	if (f == text.len || l == text.len || f < from || l < f) {
		ret->expression = part(text, from, find(text, from, "\n"));
		/* Back to where the word begins. */
		read_prefix(text, at > 0 ? at - 1 : 0, ret);
		return ret->expression.len > 0;
	}
	size_t g = find(text, from, function), number = l + sizeof(line) - 1;
	ret->file = part(text, f + sizeof(file) - 1, l);
	ret->has_line = read_number(text, &number, &ret->line);
	if (g < f)
		ret->function = part(text, g + sizeof(function) - 1, f);
	ret->expression = part(text, from, g < f ? g : f);
	return true;
}

/* Zephyr (include/zephyr/sys/__assert.h): "ASSERTION FAIL [x] @ f:12". */
static bool read_zephyr(struct snap_bytes text, struct snap_assert_text *ret)
{
	static const char mark[] = "ASSERTION FAIL [", at_mark[] = "] @ ";
	size_t at = find(text, 0, mark), to = find(text, at, at_mark);
	if (at == text.len || to == text.len)
		return false;
	size_t from = to + sizeof(at_mark) - 1, end = find(text, from, "\n");
	ret->expression = part(text, at + sizeof(mark) - 1, to);
	struct snap_bytes place = part(text, from, end);
	size_t colon = find_last(place, ":"), number = colon + 1;
	ret->file = part(place, 0, colon);
	ret->has_line = colon < place.len && read_number(place, &number, &ret->line);
	return true;
}

/* ESP-IDF (components/newlib/assert.c): "assert failed: g f.c:12 (x)". */
static bool read_esp(struct snap_bytes text, struct snap_assert_text *ret)
{
	static const char mark[] = "assert failed: ";
	size_t at = find(text, 0, mark), from = at + sizeof(mark) - 1;
	if (at == text.len)
		return false;
	size_t space = find(text, from, " "), open = find(text, space, " (");
	size_t end = find_last(text, ")");
	if (space == text.len || open == text.len || end == text.len || end < open + 2)
		return false;
	struct snap_bytes place = part(text, space, open);
	size_t colon = find_last(place, ":"), number = colon + 1;
	if (colon == place.len || !read_number(place, &number, &ret->line))
		return false;
	ret->has_line = true;
	ret->file = part(place, 0, colon);
	ret->function = part(text, from, space);
	ret->expression = part(text, open + 2, end);
	return true;
}

bool snap_device_assert_read(struct snap_bytes text, struct snap_assert_text *ret)
{
	static bool (*const readers[])(struct snap_bytes text, struct snap_assert_text *ret) = {
		read_check, read_newlib, read_zephyr, read_esp};
	if (text.len > MAX_TEXT)
		text.len = MAX_TEXT;
	for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
		*ret = (struct snap_assert_text){.has_line = false};
		if (text.len > 0 && readers[i](text, ret))
			return true;
	}
	/* glibc's, which may also be a program's own. */
	struct snap_abort_text abort = snap_abort_text_read(text, snap_bytes(NULL, 0));
	*ret = (struct snap_assert_text){.has_line = false};
	if (abort.has_assertion) {
		*ret = abort.assertion;
		return true;
	}
	return text.len > 0 && read_comma(text, ret);
}

const char *snap_device_assert_expression(struct snap_bytes expression, struct snap_arena *arena)
{
	static const char value[] = " (=";
	char *ret = snap_arena_alloc(arena, expression.len + 1);
	size_t len = 0;
	if (!ret)
		return NULL;
	for (size_t i = 0; i < expression.len;) {
		struct snap_bytes rest =
			snap_bytes(expression.data + i, expression.len - i);
		size_t end = begins_with(rest, value) ? find(rest, 0, ")") : rest.len;
		if (end < rest.len) {
			i += end + 1;
			continue;
		}
		/* It becomes a string. */
		ret[len++] = expression.data[i] == '\0' ? ' ' : (char)expression.data[i];
		i++;
	}
	ret[len] = '\0';
	return ret;
}

/* ---------------------------------------------------------------- what tells of one */

/* Functions that end the program, by their names without parameters, and what is wrong then. */
static const struct {
	const char *name;
	enum snap_failure failure;
} functions[] = {
	{"__assert_func", SNAP_FAILURE_ASSERTION},
	{"__assert_fail", SNAP_FAILURE_ASSERTION},
	{"__assert", SNAP_FAILURE_ASSERTION},
	{"__aeabi_assert", SNAP_FAILURE_ASSERTION},
	{"__assert_no_args", SNAP_FAILURE_ASSERTION},	  /* picolibc */
	{"assert_post_action", SNAP_FAILURE_ASSERTION},	  /* Zephyr */
	{"assert_print", SNAP_FAILURE_ASSERTION},
	{"pw_assert_HandleFailure", SNAP_FAILURE_ASSERTION},
	{"pw_assert_basic_HandleFailure", SNAP_FAILURE_ASSERTION},
	{"pw_assert_tokenized_HandleAssertFailure", SNAP_FAILURE_ASSERTION},
	{"pw_assert_tokenized_HandleCheckFailure", SNAP_FAILURE_ASSERTION},
	{"pw_Crash", SNAP_FAILURE_ASSERTION},
	{"vAssertCalled", SNAP_FAILURE_ASSERTION},	  /* by FreeRTOS's configASSERT */
	{"assert_failed", SNAP_FAILURE_ASSERTION},	  /* STM32Cube: assert_param */
	{"assert_nrf_callback", SNAP_FAILURE_ASSERTION},  /* nRF5 SDK */
	{"app_error_fault_handler", SNAP_FAILURE_ASSERTION},
	{"std::__glibcxx_assert_fail", SNAP_FAILURE_ASSERTION},
	{"std::__replacement_assert", SNAP_FAILURE_ASSERTION},
	{"__stack_chk_fail", SNAP_FAILURE_STACK_SMASHING},
	{"__cxa_pure_virtual", SNAP_FAILURE_PURE_VIRTUAL_CALL},
	{"__cxxabiv1::__cxa_pure_virtual", SNAP_FAILURE_PURE_VIRTUAL_CALL},
	{"core::panicking::panic", SNAP_FAILURE_PANIC},
	{"core::panicking::panic_fmt", SNAP_FAILURE_PANIC},
	{"rust_begin_unwind", SNAP_FAILURE_PANIC},
	{"std::terminate", SNAP_FAILURE_TERMINATE},
	/* Of what all of these may call, last. */
	{"abort", SNAP_FAILURE_ABORT},
};

/* What kernels call where they find that a stack overflowed. */
static const char *const overflow_functions[] = {
	"vApplicationStackOverflowHook", /* FreeRTOS */
};

static size_t find_function(const char *name)
{
	size_t i = 0;
	while (i < ARRAY_LEN(functions) && strcmp(name, functions[i].name) != 0)
		i++;
	return i;
}

static void find_on_stack(const struct snap_crash *crash, struct snap_device_assert *ret)
{
	const struct snap_crash_thread *thread = snap_crash_crashed_thread(crash);
	size_t best = ARRAY_LEN(functions);
	for (size_t i = 0; thread && i < thread->num_listed && i < MAX_LISTED; i++) {
		const struct snap_listed_frame *listed = &thread->listed[i];
		/* What a scan finds may have been left by anything. */
		if (thread->frames[listed->frame].trust == SNAP_TRUST_SCAN)
			break;
		if (!listed->function)
			continue;
		for (size_t j = 0; j < ARRAY_LEN(overflow_functions); j++)
			if (strcmp(listed->function, overflow_functions[j]) == 0) {
				ret->source = SNAP_ASSERT_STACK;
				ret->is_stack_overflow = true;
				ret->function = listed->function;
				return;
			}
		size_t found = find_function(listed->function);
		if (found >= best)
			continue;
		best = found;
		ret->source = SNAP_ASSERT_STACK;
		ret->failure = functions[found].failure;
		ret->function = listed->function;
	}
}

static void set_text(
	struct snap_device_assert *found, enum snap_assert_source source, struct snap_bytes text)
{
	found->source = source;
	found->failure = SNAP_FAILURE_ASSERTION;
	found->text = text;
	(void)snap_device_assert_read(text, &found->parts); /* there may be none */
}

/* The last entry that is fatal, if there is one; Pigweed's assertions log at that level. */
static const struct snap_log *find_fatal(const struct snap_crash *crash)
{
	for (size_t i = crash->num_logs; i-- > 0;) {
		const struct snap_log *log = &crash->logs[i];
		uint32_t level = log->has_line_level ? snap_log_level(log) : 0;
		if (level == LEVEL_FATAL || level == LEVEL_CRITICAL)
			return log;
	}
	return NULL;
}

struct snap_device_assert snap_device_assert_find(const struct snap_crash *crash)
{
	struct snap_device_assert found = {.source = SNAP_ASSERT_NONE};
	const struct snap_log *log = find_fatal(crash);
	if (crash->abort_message.text.len > 0) {
		set_text(&found, SNAP_ASSERT_MESSAGE, crash->abort_message.text);
	} else if (snap_device_assert_is_told(crash->metadata.reason)) {
		set_text(&found, SNAP_ASSERT_REASON, crash->metadata.reason);
	} else if (log && snap_device_assert_is_told(log->message)) {
		set_text(&found, SNAP_ASSERT_LOG, log->message);
		/* The entry is the assertion's own. */
		if (found.parts.file.len == 0 && log->file.len > 0) {
			found.parts.file = log->file;
			found.parts.line = snap_log_line(log);
			found.parts.has_line = found.parts.line != 0;
		}
	} else {
		find_on_stack(crash, &found);
	}
	return found;
}
