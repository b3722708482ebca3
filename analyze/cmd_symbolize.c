#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/command.h"
#include "analyze/find/store.h"
#include "analyze/path_map.h"
#include "analyze/report/json_writer.h"
#include "analyze/report/out.h"
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

static struct snap_out out;
static struct snap_json json;

static void put(const char *text)
{
	snap_out_put_str(&out, text);
}

/* With what a terminal must not get escaped. */
static void put_escaped(const char *text)
{
	struct snap_bytes raw = snap_bytes_str(text);
	char escaped[SNAP_PRINT_MAX + 4];
	if (snap_escape_unneeded(raw, SNAP_ESCAPE_TERMINAL))
		snap_out_put(&out, text, raw.len);
	else
		snap_out_put(&out, escaped, snap_print_to(raw, escaped));
}

/* As --path-map has it: valid until the next call; NULL as it is. */
static const char *mapped(const struct symbolizer *s, const char *path)
{
	static char buf[MAX_PATH];
	const struct snap_path_map *map = &s->arguments->options.path_map;
	return path && map->num > 0 ? snap_path_map_apply(map, path, buf, sizeof(buf)) : path;
}

static void print_json(const struct symbolizer *s, bool known, uint64_t vaddr,
	const struct snap_source_frame *frames, size_t num)
{
	snap_json_begin_object(&json, NULL);
	if (known)
		snap_json_put_hex(&json, "address", vaddr);
	else
		snap_json_put_null(&json, "address");
	snap_json_begin_array(&json, "frames");
	for (size_t i = 0; i < num; i++) {
		const struct snap_source_frame *frame = &frames[i];
		snap_json_begin_object(&json, NULL);
		snap_json_put_bool(&json, "inline", frame->is_inline);
		snap_json_put_string(&json, "function", frame->function);
		snap_json_put_string(&json, "raw_function", frame->raw_function);
		if (frame->function && !frame->is_inline)
			snap_json_put_hex(&json, "offset", vaddr - frame->start);
		else
			snap_json_put_null(&json, "offset");
		snap_json_put_string(&json, "file", mapped(s, frame->file));
		if (frame->line)
			snap_json_put_number(&json, "line", frame->line);
		else
			snap_json_put_null(&json, "line");
		if (frame->column)
			snap_json_put_number(&json, "column", frame->column);
		else
			snap_json_put_null(&json, "column");
		snap_json_end_object(&json);
	}
	snap_json_end_array(&json);
	snap_json_end_object(&json);
	snap_json_end_line(&json);
}

/*
 * The name with its parameters; NULL if it is not mangled. The same names come again and again,
 * each by the same pointer: those made last are kept. Valid until the next call.
 */
static const char *whole_name(const char *raw)
{
	static struct {
		const char *raw;
		char *whole; /* on the heap; NULL */
	} made[1 << 14];
	size_t at = (size_t)((uintptr_t)raw * UINT64_C(0x9e3779b97f4a7c15) >> 50);
	if (made[at].raw != raw) {
		free(made[at].whole);
		made[at].raw = raw;
		made[at].whole = snap_demangle_whole(raw);
	}
	return made[at].whole;
}

/* As "addr2line -f -i -C" does: two lines for each function. */
static void print_addr2line(
	const struct symbolizer *s, const struct snap_source_frame *frames, size_t num)
{
	for (size_t i = 0; i < num; i++) {
		const struct snap_source_frame *frame = &frames[i];
		const char *raw =
			frame->raw_function; /* what has no linkage name is not qualified */
		const char *whole = raw ? whole_name(raw) : NULL;
		put_escaped(whole ? whole : raw ? raw : "??");
		snap_out_put_char(&out, '\n');
		put_escaped(frame->file ? mapped(s, frame->file) : "??");
		snap_out_put_char(&out, ':');
		if (frame->line)
			snap_out_put_decimal(&out, frame->line);
		else
			snap_out_put_char(&out, '?');
		snap_out_put_char(&out, '\n');
	}
	if (num == 0)
		put("??\n??:0\n");
}

static void print_text(const struct symbolizer *s, uint64_t vaddr,
	const struct snap_source_frame *frames, size_t num)
{
	char head[24];
	size_t width = (size_t)snprintf(head, sizeof(head), "0x%" PRIx64, vaddr);
	snap_out_put(&out, head, width);
	if (num == 0)
		put("  ??\n");
	for (size_t i = 0; i < num; i++) {
		const struct snap_source_frame *frame = &frames[i];
		static const char spaces[] = "                    ";
		snap_out_put(&out, spaces, i > 0 ? width + 2 : 2);
		put_escaped(frame->function ? frame->function : "??");
		if (frame->function && !frame->is_inline) {
			snap_out_put_char(&out, '+');
			snap_out_put_hex(&out, vaddr - frame->start);
		}
		if (frame->file) {
			put("  ");
			put_escaped(mapped(s, frame->file));
			if (frame->line) {
				snap_out_put_char(&out, ':');
				snap_out_put_decimal(&out, frame->line);
			}
			if (frame->line && frame->column) {
				snap_out_put_char(&out, ':');
				snap_out_put_decimal(&out, frame->column);
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
		print_json(s, true, vaddr, frames, num);
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
	snap_out_flush(&out); /* in front of the complaint */
	(void)snap_escape(snap_bytes(text, len), SNAP_ESCAPE_TERMINAL, shown, sizeof(shown));
	snap_complain("no hexadecimal address: '%s'", shown);
	s->failed = true;
	/* One answer for each line, so that whoever asked can count. */
	if (s->arguments->json_lines)
		print_json(s, false, 0, NULL, 0);
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
		snap_out_flush(&out);
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

static int symbolize_all(size_t index, void *data)
{
	const struct snap_arguments *arguments = data;
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_store *store = NULL;
	struct symbolizer s = {.arguments = arguments};
	(void)index; /* there is but one file */
	if (snap_store_create(&arguments->options, &store, &err) < 0 ||
		snap_store_open(store, arguments->files[0], &s.object, &err) < 0) {
		snap_complain("%s", err.text);
		snap_store_destroy(store);
		return err.code == SNAP_ERROR_USAGE ? SNAP_EXIT_USAGE : SNAP_EXIT_FAILED;
	}
	snap_out_init(&out, stdout);
	snap_json_init(&json, &out, false);
	for (int i = 1; i < arguments->num_files; i++)
		take(&s, arguments->files[i], strlen(arguments->files[i]));
	int r = arguments->num_files == 1 ? take_stdin(&s) : 0;
	snap_out_flush(&out);
	(void)fflush(stdout); /* that it failed is found at the end */
	snap_store_keep(store);
	snap_store_destroy(store);
	return r < 0 || s.failed ? SNAP_EXIT_FAILED : SNAP_EXIT_DONE;
}

static const char *file_name(size_t index, void *data)
{
	const struct snap_arguments *arguments = data;
	return arguments->files[index];
}

static enum snap_exit run_symbolize(const struct snap_arguments *arguments)
{
	const struct snap_work work = {
		.job = {.num_inputs = 1, .run = symbolize_all, .name = file_name,
			.data = (void *)arguments},
		.files = arguments->files,
		.takes_symbols = true,
		.is_streaming = true,
		.is_interactive = true,
		.keeps_stdin = arguments->num_files == 1,
		.may_fork = true,
		.num_workers = 1,
		.unpacks = true,
	};
	return snap_do_work(arguments, &work);
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
		    "  snapanalyze symbolize --addr2line --symbols release/ "
		    "4f5a8e17c2d0b6935e1f7a48 0x1139\n",
	.takes = SNAP_TAKES_SYMBOLS | SNAP_TAKES_JOBS | SNAP_TAKES_LINES | SNAP_TAKES_LOOK_UP |
		 SNAP_TAKES_ELF | SNAP_TAKES_SANDBOX,
	.run = run_symbolize,
};
