#include "analyze/input/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/input/text_trace.h"
#include "common/escape.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *name;
	const char *what; /* of which there is none */
	int (*next)(struct snap_text *text, struct snap_crash *crash, size_t *ret_line,
		struct snap_error *err);
} formats[] = {
	[SNAP_TEXT_GDB] = {"gdb", "backtrace of gdb's", snap_text_next_gdb},
	[SNAP_TEXT_ASAN] = {"asan", "report of a sanitizer with a stack", snap_text_next_sanitizer},
	[SNAP_TEXT_JSON] = {"json", "report of a crash", snap_text_next_json},
	[SNAP_TEXT_PLAIN] = {"plain", "frame", snap_text_next_plain},
};

bool snap_text_format_find(const char *name, enum snap_text_format *ret)
{
	for (size_t i = SNAP_TEXT_GDB; i < ARRAY_LEN(formats); i++)
		if (strcmp(formats[i].name, name) == 0) {
			*ret = (enum snap_text_format)i;
			return true;
		}
	return false;
}

/* The length of "\033[1;31m" and its like at the start; 0: there is none. */
static size_t escape_len(const uint8_t *bytes, size_t len)
{
	size_t i = 2;
	if (len < 3 || bytes[0] != '\033' || bytes[1] != '[')
		return 0;
	while (i < len && i < 32 && bytes[i] >= 0x20 && bytes[i] < 0x40)
		i++;
	return i < len && bytes[i] >= 0x40 && bytes[i] < 0x7f ? i + 1 : 0;
}

/* Drop colours, and carriage returns before the ends of lines. */
static void clean(struct snap_text *text)
{
	uint8_t *bytes = text->input.storage;
	size_t len = text->input.data.len, kept = 0;
	for (size_t i = 0; i < len;) {
		size_t escape = escape_len(bytes + i, len - i);
		if (escape > 0)
			i += escape;
		else if (bytes[i] == '\r' && i + 1 < len && bytes[i + 1] == '\n')
			i++;
		else
			bytes[kept++] = bytes[i++];
	}
	text->all = snap_bytes(bytes, kept);
}

int snap_text_open(const char *file, enum snap_text_format format, struct snap_text **ret,
	struct snap_error *err)
{
	struct snap_text *text = calloc(1, sizeof(*text));
	if (!text)
		return snap_error_no_memory(err);
	text->file = file;
	text->format = format;
	text->at.line = 1;
	snap_arena_init(&text->arena, SIZE_MAX);
	if (snap_input_open_text(file, &text->input, err) < 0) {
		free(text);
		return -1;
	}
	if (format == SNAP_TEXT_JSON)
		text->all = text->input.data;
	else
		clean(text);
	*ret = text;
	return 0;
}

void *snap_text_alloc(struct snap_text *text, size_t len)
{
	void *ret = snap_arena_alloc(&text->arena, len);
	text->is_exhausted |= !ret;
	return ret;
}

void snap_text_close(struct snap_text *text)
{
	if (!text)
		return;
	if (text->has_ahead)
		snap_crash_deinit(&text->ahead);
	snap_arena_deinit(&text->arena);
	snap_input_deinit(&text->input);
	free(text);
}

/* What could not be decompressed is told of each, since it may be any that lacks it. */
static int add_loss(const struct snap_text *text, struct snap_crash *crash, struct snap_error *err)
{
	if (text->input.lost[0] == '\0')
		return 0;
	crash->integrity = text->input.is_damaged ? SNAP_INTEGRITY_CORRUPT
						  : SNAP_INTEGRITY_TRUNCATED;
	crash->integrity_why =
		snap_arena_copy(&crash->arena, snap_bytes_str(text->input.lost));
	return crash->integrity_why ? 0 : snap_error_no_memory(err);
}

/* There may be no more than that many; but there may be nothing behind them. */
static int check_end(struct snap_text *text, struct snap_error *err)
{
	struct snap_crash crash;
	size_t line;
	snap_crash_init(&crash, text->file);
	int more = formats[text->format].next(text, &crash, &line, err);
	snap_crash_deinit(&crash);
	return more > 0 ? snap_error_set(err, SNAP_ERROR_LIMIT,
				  "it holds more than %d backtraces, which is the most that are read",
				  SNAP_TEXT_MAX_TRACES)
			: more;
}

/* Read one ahead. Why that can't be is told when it is its turn. */
static void read_ahead(struct snap_text *text)
{
	struct snap_error *err = &text->failure;
	struct snap_crash *crash = &text->ahead;
	int r;
	if (text->num_traces == SNAP_TEXT_MAX_TRACES) {
		r = check_end(text, err);
	} else {
		snap_crash_init(crash, text->file);
		crash->integrity = SNAP_INTEGRITY_COMPLETE;
		crash->file_bytes = text->input.size;
		r = formats[text->format].next(text, crash, &text->ahead_line, err);
		if (r >= 0 && text->is_exhausted)
			r = snap_error_no_memory(err);
		if (r > 0 && add_loss(text, crash, err) < 0)
			r = -1;
		if (r <= 0)
			snap_crash_deinit(crash);
	}
	snap_arena_deinit(&text->arena);
	text->has_ahead = r > 0;
	text->num_traces += r > 0;
	if (r == 0 && text->num_traces == 0)
		r = snap_error_set(err, SNAP_ERROR_MALFORMED, "there is no %s in it",
			formats[text->format].what);
	text->is_failed = r < 0;
}

/* "FILE:LINE" */
static const char *name_with_line(struct snap_crash *crash, const char *file, size_t line)
{
	char number[32];
	size_t len = strlen(file);
	(void)snprintf(number, sizeof(number), ":%zu", line); /* fits */
	char *name = snap_arena_alloc(&crash->arena, len + strlen(number) + 1);
	if (name)
		(void)stpcpy(mempcpy(name, file, len), number);
	return name;
}

static int fail(const struct snap_text *text, struct snap_error *err)
{
	char name[256];
	if (text->failure.code == SNAP_ERROR_NO_MEMORY)
		return snap_error_no_memory(err);
	(void)snap_escape(snap_bytes_str(text->file), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
	return snap_error_set(
		err, text->failure.code, "cannot analyse '%s': %s", name, text->failure.text);
}

int snap_text_next(struct snap_text *text, struct snap_crash *ret, struct snap_error *err)
{
	if (!text->is_begun)
		read_ahead(text);
	text->is_begun = true;
	if (text->is_failed)
		return fail(text, err);
	if (!text->has_ahead)
		return 0;
	struct snap_crash crash = text->ahead;
	size_t line = text->ahead_line;
	bool is_only = text->num_traces == 1;
	read_ahead(text);
	is_only &= !text->has_ahead && !text->is_failed;
	if (!is_only) {
		crash.text_line = line;
		crash.file = name_with_line(&crash, text->file, line);
		if (!crash.file) {
			snap_crash_deinit(&crash);
			return snap_error_no_memory(err);
		}
	}
	*ret = crash;
	return 1;
}
