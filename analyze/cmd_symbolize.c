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

/* stdio's calls would take longer than the look-ups. */
static struct {
	char data[1 << 16];
	size_t len;
} out;

static void put_out(void)
{
	(void)fwrite(out.data, 1, out.len, stdout); /* that it failed is found at the end */
	out.len = 0;
}

static void put_bytes(const char *bytes, size_t len)
{
	if (len > sizeof(out.data) - out.len)
		put_out();
	if (len > sizeof(out.data)) {
		(void)fwrite(bytes, 1, len, stdout);
		return;
	}
	memcpy(out.data + out.len, bytes, len);
	out.len += len;
}

static void put(const char *text)
{
	put_bytes(text, strlen(text));
}

static void put_char(char c)
{
	put_bytes(&c, 1);
}

/* With what a terminal must not get escaped. */
static void put_escaped(const char *text)
{
	struct snap_bytes raw = snap_bytes_str(text);
	if (snap_escape_unneeded(raw, SNAP_ESCAPE_TERMINAL)) {
		put_bytes(text, raw.len);
		return;
	}
	put_out();
	snap_print_str(stdout, text);
}

/* Whether a byte of the word is below n, 1 <= n <= 128; or equal to c. */
static uint64_t has_less(uint64_t word, uint8_t n)
{
	uint64_t ones = UINT64_MAX / 255;
	return (word - ones * n) & ~word & ones * 128;
}

static uint64_t has_byte(uint64_t word, uint8_t c)
{
	return has_less(word ^ UINT64_MAX / 255 * c, 1);
}

/* Whether JSON has all of it as it is: ASCII but for controls, quotes and backslashes. */
static bool is_plain(const char *text, size_t len)
{
	uint64_t found = 0;
	for (size_t i = 0; i < len; i += 8) {
		uint64_t word = UINT64_MAX / 255 * ' ';
		memcpy(&word, text + i, len - i < 8 ? len - i : 8);
		found |= (word & UINT64_MAX / 255 * 128) | has_less(word, 0x20) |
			 has_byte(word, '"') | has_byte(word, '\\') | has_byte(word, 0x7f);
	}
	return found == 0;
}

static void put_json_string(const char *text)
{
	if (!text) {
		put("null");
		return;
	}
	struct snap_bytes raw = snap_bytes_str(text);
	put_char('"');
	if (is_plain(text, raw.len)) {
		put_bytes(text, raw.len);
	} else {
		size_t len = snap_escape(raw, SNAP_ESCAPE_INVALID, NULL, 0);
		char *valid = malloc(len + 1);
		if (valid)
			(void)snap_escape(raw, SNAP_ESCAPE_INVALID, valid, len + 1);
		for (const char *p = valid; p && *p; p++) {
			char escaped[8] = {'\\', *p};
			if ((unsigned char)*p < 0x20)
				(void)snprintf(escaped, sizeof(escaped), "\\u%04x", *p);
			put(strchr("\"\\", *p) || (unsigned char)*p < 0x20 ? escaped : escaped + 1);
		}
		free(valid);
	}
	put_char('"');
}

static void put_hex(uint64_t value)
{
	char text[20], *p = text + sizeof(text);
	do
		*--p = "0123456789abcdef"[value & 15];
	while (value >>= 4);
	*--p = 'x';
	*--p = '0';
	put_bytes(p, (size_t)(text + sizeof(text) - p));
}

static void put_decimal(uint32_t value)
{
	char text[12], *p = text + sizeof(text);
	do
		*--p = (char)('0' + value % 10);
	while (value /= 10);
	put_bytes(p, (size_t)(text + sizeof(text) - p));
}

/* As --path-map has it: valid until the next call; NULL as it is. */
static const char *mapped(const struct symbolizer *s, const char *path)
{
	static char buf[MAX_PATH];
	const struct snap_path_map *map = &s->arguments->options.path_map;
	return path && map->num > 0 ? snap_path_map_apply(map, path, buf, sizeof(buf)) : path;
}

static void print_json(const struct symbolizer *s, uint64_t vaddr,
	const struct snap_source_frame *frames, size_t num)
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
			put_char('"');
			put_hex(vaddr - frame->start);
			put_char('"');
		} else {
			put("null");
		}
		put(",\"file\":");
		put_json_string(mapped(s, frame->file));
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
static void print_addr2line(
	const struct symbolizer *s, const struct snap_source_frame *frames, size_t num)
{
	for (size_t i = 0; i < num; i++) {
		const struct snap_source_frame *frame = &frames[i];
		const char *raw = frame->raw_function; /* what has no linkage name is not qualified */
		char *whole = raw ? snap_demangle_whole(raw) : NULL;
		put_escaped(whole ? whole : raw ? raw : "??");
		free(whole);
		put_char('\n');
		put_escaped(frame->file ? mapped(s, frame->file) : "??");
		put_char(':');
		if (frame->line)
			put_decimal(frame->line);
		else
			put_char('?');
		put_char('\n');
	}
	if (num == 0)
		put("??\n??:0\n");
}

static void print_text(const struct symbolizer *s, uint64_t vaddr,
	const struct snap_source_frame *frames, size_t num)
{
	char head[24];
	size_t width = (size_t)snprintf(head, sizeof(head), "0x%" PRIx64, vaddr);
	put_bytes(head, width);
	if (num == 0)
		put("  ??\n");
	for (size_t i = 0; i < num; i++) {
		const struct snap_source_frame *frame = &frames[i];
		static const char spaces[] = "                    ";
		put_bytes(spaces, i > 0 ? width + 2 : 2);
		put_escaped(frame->function ? frame->function : "??");
		if (frame->function && !frame->is_inline) {
			put_char('+');
			put_hex(vaddr - frame->start);
		}
		if (frame->file) {
			put("  ");
			put_escaped(mapped(s, frame->file));
			if (frame->line) {
				put_char(':');
				put_decimal(frame->line);
			}
			if (frame->line && frame->column) {
				put_char(':');
				put_decimal(frame->column);
			}
		}
		put(frame->is_inline ? "  [inlined]\n" : "\n");
	}
}

/* ---------------------------------------------------------------- addresses */

static void symbolize(struct symbolizer *s, uint64_t vaddr)
{
	struct snap_source_frame frames[SNAP_MAX_INLINE_DEPTH + 1];
	size_t num = snap_object_look_up(s->object, vaddr, frames, SNAP_MAX_INLINE_DEPTH + 1);
	if (s->arguments->json_lines)
		print_json(s, vaddr, frames, num);
	else if (s->arguments->addr2line)
		print_addr2line(s, frames, num);
	else
		print_text(s, vaddr, frames, num);
}

/* Hexadecimal, with or without 0x. Spaces round it are allowed. */
static bool parse_address(const char *text, size_t len, uint64_t *ret)
{
	while (len > 0 && (*text == ' ' || *text == '\t'))
		text++, len--;
	while (len > 0 && memchr(" \t\r", text[len - 1], 3))
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
	put_out(); /* in front of the complaint */
	(void)snap_escape(snap_bytes(text, len), SNAP_ESCAPE_TERMINAL, shown, sizeof(shown));
	snap_complain("no hexadecimal address: '%s'", shown);
	s->failed = true;
	/* One answer for each line, so that whoever asked can count. */
	if (s->arguments->json_lines)
		put("{\"address\":null,\"frames\":[]}\n");
	else
		put(s->arguments->addr2line ? "??\n??:0\n" : "??\n");
}

/* Of the whole lines of text: those that are addresses get ready. */
static void prepare(struct symbolizer *s, const char *text, const char *end)
{
	size_t num = 0;
	uint64_t *vaddrs = calloc((size_t)(end - text) / 2 + 1, sizeof(*vaddrs));
	const char *newline;
	for (; vaddrs && (newline = memchr(text, '\n', (size_t)(end - text))); text = newline + 1)
		num += parse_address(text, (size_t)(newline - text), &vaddrs[num]);
	if (vaddrs)
		snap_object_prepare(s->object, vaddrs, num, s->arguments->options.num_jobs);
	free(vaddrs); /* without: one after the other */
}

/* Whole lines as they come, and then what was found of them: somebody may wait for it. */
static int take_stdin(struct symbolizer *s)
{
	static char buffer[1 << 16];
	size_t have = 0;
	bool is_rest = false; /* what comes next, of a line that was answered already */
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
		if (is_rest) {
			end = memchr(buffer, '\n', have);
			line = end ? end + 1 : buffer + have;
			is_rest = !end;
		}
		prepare(s, line, buffer + have);
		while ((end = memchr(line, '\n', have - (size_t)(line - buffer)))) {
			take(s, line, (size_t)(end - line));
			line = end + 1;
		}
		have -= (size_t)(line - buffer);
		if (n == 0 && have > 0)
			take(s, line, have);
		put_out();
		if (n == 0 || fflush(stdout) < 0)
			return 0;
		if (have == sizeof(buffer)) { /* no address is so long */
			take(s, line, MAX_LINE);
			have = 0;
			is_rest = true;
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
	put_out();
	(void)fflush(stdout); /* that it failed is found at the end */
	snap_store_keep(store);
	snap_store_destroy(store);
	return r < 0 || s.failed ? SNAP_EXIT_FAILED : SNAP_EXIT_DONE;
}

const struct snap_verb snap_verb_symbolize = {
	.name = "symbolize",
	.arguments = "FILE|BUILD-ID [ADDRESS...]",
	.summary = "Addresses of an ELF file to functions, inlined ones, and lines",
	.text = "\nFILE is an executable, a library or a debug file. A build ID stands for what is "
		"found of it\n"
		"where files of modules are looked for. An ADDRESS is one of the file itself, "
		"hexadecimal, as\n"
		"nm and objdump print it (\"module_offset\" of a frame in JSON). Without any, they "
		"are read\n"
		"from standard input, one on each line, and each is answered at once. The look-up "
		"is of that\n"
		"very address: for a return address give the one before it.\n",
	.examples = "  snapanalyze symbolize /usr/bin/sensord 0x1139\n"
		    "  snapanalyze symbolize --json libfoo.so <addresses | jq .frames\n"
		    "  snapanalyze symbolize --addr2line --symbols release/ 4f5a8e17c2d0b6935e1f7a48 0x1139\n",
	.takes = SNAP_TAKES_SYMBOLS | SNAP_TAKES_JOBS | SNAP_TAKES_LINES | SNAP_TAKES_LOOK_UP |
		 SNAP_TAKES_ELF,
	.run = run_symbolize,
};
