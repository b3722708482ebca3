#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/command.h"
#include "analyze/find/store.h"
#include "analyze/path_map.h"
#include "analyze/report/words.h"
#include "analyze/symbols/demangle.h"
#include "analyze/symbols/object.h"
#include "common/escape.h"

#define MAX_LINE 4096
#define MAX_PATH 8192

struct symbolizer {
	const struct snap_arguments *arguments;
	struct snap_object *object;
	bool failed; /* something was no address */
};

/* ---------------------------------------------------------------- output */

static void put(const char *text)
{
	(void)fputs_unlocked(text, stdout);
}

static bool is_plain(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e || *text == '"' ||
			*text == '\\')
			return false;
	return true;
}

/* A string for JSON; nearly all are plain. */
static void put_json_string(const char *text)
{
	if (!text) {
		put("null");
		return;
	}
	(void)putc_unlocked('"', stdout);
	if (is_plain(text)) {
		put(text);
	} else {
		struct snap_bytes raw = snap_bytes_str(text);
		size_t len = snap_escape(raw, SNAP_ESCAPE_INVALID, NULL, 0);
		char *valid = malloc(len + 1);
		if (valid)
			(void)snap_escape(raw, SNAP_ESCAPE_INVALID, valid, len + 1);
		for (const char *p = valid; p && *p; p++) {
			if ((unsigned char)*p < 0x20)
				printf("\\u%04x", (unsigned char)*p);
			else if (*p == '"' || *p == '\\')
				printf("\\%c", *p);
			else
				(void)putc_unlocked(*p, stdout);
		}
		free(valid);
	}
	(void)putc_unlocked('"', stdout);
}

static void put_hex(uint64_t value)
{
	char text[20], *p = text + sizeof(text);
	*--p = '\0';
	do
		*--p = "0123456789abcdef"[value & 15];
	while (value >>= 4);
	*--p = 'x';
	*--p = '0';
	put(p);
}

static void put_decimal(uint32_t value)
{
	char text[12], *p = text + sizeof(text);
	*--p = '\0';
	do
		*--p = (char)('0' + value % 10);
	while (value /= 10);
	put(p);
}

static void print_json(uint64_t vaddr, const struct snap_source_frame *frames, size_t num)
{
	put("{\"address\":\"");
	put_hex(vaddr);
	put("\",\"frames\":[");
	for (size_t i = 0; i < num; i++) {
		const struct snap_source_frame *frame = &frames[i];
		put(i > 0 ? ",{\"inline\":" : "{\"inline\":");
		put(frame->is_inline ? "true" : "false");
		put(",\"function\":");
		put_json_string(frame->function);
		put(",\"raw_function\":");
		put_json_string(frame->raw_function);
		put(",\"offset\":");
		if (frame->function && !frame->is_inline) {
			(void)putc_unlocked('"', stdout);
			put_hex(vaddr - frame->start);
			(void)putc_unlocked('"', stdout);
		} else {
			put("null");
		}
		put(",\"file\":");
		put_json_string(frame->file);
		put(",\"line\":");
		if (frame->line)
			put_decimal(frame->line);
		else
			put("null");
		put(",\"column\":");
		if (frame->column)
			put_decimal(frame->column);
		else
			put("null");
		put("}");
	}
	put("]}\n");
}

/* As "addr2line -f -i -C" does: two lines for each function. */
static void print_addr2line(const struct snap_source_frame *frames, size_t num)
{
	for (size_t i = 0; i < num; i++) {
		const struct snap_source_frame *frame = &frames[i];
		char *whole = frame->raw_function ? snap_demangle_whole(frame->raw_function) : NULL;
		const char *name = whole ? whole : frame->function ? frame->function : "??";
		snap_print_str(stdout, name);
		free(whole);
		(void)putc_unlocked('\n', stdout);
		snap_print_str(stdout, frame->file ? frame->file : "??");
		(void)putc_unlocked(':', stdout);
		if (frame->line)
			put_decimal(frame->line);
		else
			put("?");
		(void)putc_unlocked('\n', stdout);
	}
	if (num == 0)
		put("??\n??:0\n");
}

static void print_text(uint64_t vaddr, const struct snap_source_frame *frames, size_t num)
{
	char head[24];
	int width = snprintf(head, sizeof(head), "0x%" PRIx64 "  ", vaddr);
	put(head);
	if (num == 0)
		put("??\n");
	for (size_t i = 0; i < num; i++) {
		const struct snap_source_frame *frame = &frames[i];
		if (i > 0)
			printf("%*s", width, "");
		snap_print_str(stdout, frame->function ? frame->function : "??");
		if (frame->function && !frame->is_inline) {
			put("+");
			put_hex(vaddr - frame->start);
		}
		if (frame->file) {
			put("  ");
			snap_print_str(stdout, frame->file);
			if (frame->line)
				printf(":%" PRIu32, frame->line);
			if (frame->line && frame->column)
				printf(":%" PRIu32, frame->column);
		}
		put(frame->is_inline ? "  [inlined]\n" : "\n");
	}
}

/* ---------------------------------------------------------------- addresses */

static void symbolize(struct symbolizer *s, uint64_t vaddr)
{
	struct snap_source_frame frames[SNAP_MAX_INLINE_DEPTH + 1];
	char paths[8][MAX_PATH];
	size_t num = snap_object_look_up(s->object, vaddr, frames, SNAP_MAX_INLINE_DEPTH + 1);
	const struct snap_path_map *map = &s->arguments->options.path_map;
	for (size_t i = 0; map->num > 0 && i < num && i < 8; i++)
		if (frames[i].file)
			frames[i].file = snap_path_map_apply(
				map, frames[i].file, paths[i], sizeof(paths[i]));
	if (s->arguments->json_lines)
		print_json(vaddr, frames, num);
	else if (s->arguments->addr2line)
		print_addr2line(frames, num);
	else
		print_text(vaddr, frames, num);
}

/* Hexadecimal, with or without 0x. Spaces round it are allowed. */
static bool parse_address(const char *text, size_t len, uint64_t *ret)
{
	while (len > 0 && (*text == ' ' || *text == '\t'))
		text++, len--;
	while (len > 0 && strchr(" \t\r", text[len - 1]))
		len--;
	if (len > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2, len -= 2;
	if (len == 0 || len > 16)
		return false;
	uint64_t value = 0;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		unsigned int digit = c >= '0' && c <= '9'   ? (unsigned int)(c - '0')
				     : c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a') + 10
				     : c >= 'A' && c <= 'F' ? (unsigned int)(c - 'A') + 10
							    : 16;
		if (digit == 16)
			return false;
		value = value << 4 | digit;
	}
	*ret = value;
	return true;
}

static void take(struct symbolizer *s, const char *text, size_t len)
{
	uint64_t vaddr;
	if (parse_address(text, len, &vaddr)) {
		symbolize(s, vaddr);
		return;
	}
	char shown[128];
	(void)snap_escape(snap_bytes(text, len), SNAP_ESCAPE_TERMINAL, shown, sizeof(shown));
	snap_complain("no hexadecimal address: '%s'", shown);
	s->failed = true;
	/* One answer for each line, so that whoever asked can count. */
	if (s->arguments->json_lines)
		put("{\"address\":null,\"frames\":[]}\n");
	else
		put(s->arguments->addr2line ? "??\n??:0\n" : "??\n");
}

/* Whole lines as they come, and then what was found of them: somebody may wait for it. */
static int take_stdin(struct symbolizer *s)
{
	static char buffer[1 << 16];
	size_t have = 0;
	for (;;) {
		ssize_t n = read(STDIN_FILENO, buffer + have, sizeof(buffer) - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			snap_complain("cannot read standard input: %s", strerror(errno));
			return -1;
		}
		have += (size_t)n;
		char *line = buffer, *end;
		while ((end = memchr(line, '\n', have - (size_t)(line - buffer)))) {
			take(s, line, (size_t)(end - line));
			line = end + 1;
		}
		have -= (size_t)(line - buffer);
		if (n == 0 && have > 0)
			take(s, line, have);
		if (n == 0 || fflush(stdout) < 0)
			return 0;
		if (have == sizeof(buffer)) { /* no line is so long */
			take(s, line, MAX_LINE);
			have = 0;
		}
		memmove(buffer, line, have);
	}
}

static enum snap_exit run_symbolize(const struct snap_arguments *arguments)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_store *store = NULL;
	struct symbolizer s = {.arguments = arguments};
	if (snap_store_create(&arguments->options, &store, &err) < 0 ||
		snap_store_open(store, arguments->files[0], &s.object, &err) < 0) {
		snap_complain("%s", err.text);
		snap_store_destroy(store);
		return err.code == SNAP_ERROR_USAGE ? SNAP_EXIT_USAGE : SNAP_EXIT_FAILED;
	}
	for (int i = 1; i < arguments->num_files; i++)
		take(&s, arguments->files[i], strlen(arguments->files[i]));
	int r = arguments->num_files == 1 ? take_stdin(&s) : 0;
	(void)fflush(stdout); /* that it failed is found at the end */
	snap_store_keep(store);
	snap_store_destroy(store);
	return r < 0 || s.failed ? SNAP_EXIT_FAILED : SNAP_EXIT_DONE;
}

const struct snap_verb snap_verb_symbolize = {
	.name = "symbolize",
	.arguments = "FILE|BUILD-ID [ADDRESS...]",
	.summary = "Addresses of an ELF file to functions, inlined ones, and lines",
	.text = "\nFILE is an executable, a library or a debug file; a build ID stands for "
		"whatever "
		"is found\n"
		"of it where modules are looked for. An ADDRESS is one of the file itself, as "
		"readelf, "
		"nm and\n"
		"objdump print it (\"module_offset\" of a frame in JSON), hexadecimal; without "
		"any, "
		"they are\n"
		"read from standard input, one a line. The look-up is of that very address: for a "
		"return\n"
		"address give the one before it.\n",
	.examples = "  snapanalyze symbolize /usr/bin/sensord 0x1139\n"
		    "  snapanalyze symbolize --json libfoo.so <addresses | jq .frames\n"
		    "  snapanalyze symbolize --addr2line --symbols release/ 4f5a8e17 0x1139\n",
	.takes = SNAP_TAKES_SYMBOLS | SNAP_TAKES_LINES | SNAP_TAKES_LOOK_UP,
	.run = run_symbolize,
};
