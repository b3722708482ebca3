#include "analyze/report/fold.h"

#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "analyze/report/columns.h"

/* A line of more bytes is broken there. */
#define MAX_LINE 65536

struct fold {
	FILE *to;
	size_t columns, len;
	uint8_t line[MAX_LINE];
};

/* Where what a line is about begins: behind its number or label, if a gap follows that; else two
 * columns behind where the line begins. */
static size_t find_indent(struct snap_bytes line, size_t columns)
{
	size_t column = 0, lead = 0, num_spaces = 0, width;
	bool has_word = false;
	for (size_t off = 0; off < line.len; column += width) {
		bool is_space = line.data[off] == ' ';
		off += snap_character_columns(snap_bytes(line.data + off, line.len - off), &width);
		if (width == 0) /* a colour, or a mark */
			continue;
		if (!is_space && !has_word)
			lead = column < columns / 3 ? column : 0;
		else if (!is_space && num_spaces > 0)
			return num_spaces > 1 && column <= columns / 3 ? column : lead + 2;
		has_word |= !is_space;
		num_spaces = is_space ? num_spaces + 1 : 0;
	}
	return lead + 2;
}

/*
 * Where to break: before the last gap of several spaces if that fills half of the line at least,
 * else before the last space; behind a word that is too long. All of it if it fits. begin: columns
 * that are taken already; no break is at or before indent, where it would win nothing.
 */
static size_t find_break(struct snap_bytes text, size_t begin, size_t indent, size_t columns)
{
	size_t off = 0, column = begin, single = 0, gap = 0, width;
	while (off < text.len) {
		bool begins = text.data[off] == ' ' && off > 0 && text.data[off - 1] != ' ' &&
			      column > indent;
		if (begins && column > columns)
			return single || gap ? (gap ? gap : single) : off;
		if (begins) {
			single = off;
			if (off + 1 < text.len && text.data[off + 1] == ' ' &&
				column >= columns / 2)
				gap = off;
		}
		size_t len =
			snap_character_columns(snap_bytes(text.data + off, text.len - off), &width);
		column += width;
		if (column > columns && (gap || single))
			return gap ? gap : single;
		off += len;
	}
	return text.len;
}

static size_t skip_spaces(struct snap_bytes text, size_t off)
{
	while (off < text.len && text.data[off] == ' ')
		off++;
	return off;
}

static void print_line(struct fold *fold)
{
	struct snap_bytes rest = snap_bytes(fold->line, fold->len);
	size_t indent = find_indent(rest, fold->columns), begin = 0;
	for (;;) {
		size_t len = find_break(rest, begin, indent, fold->columns);
		(void)fprintf(fold->to, "%*s", (int)begin, "");
		(void)fwrite(rest.data, 1, len, fold->to);
		len = skip_spaces(rest, len);
		rest = snap_bytes(rest.data + len, rest.len - len);
		if (rest.len == 0)
			break;
		(void)fputc('\n', fold->to);
		begin = indent;
	}
	fold->len = 0;
}

/* As fopencookie(3) has them. */
static ssize_t take(void *cookie, const char *bytes, size_t len)
{
	struct fold *fold = cookie;
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n' || fold->len == MAX_LINE) {
			print_line(fold);
			(void)fputc('\n', fold->to);
		}
		if (bytes[i] != '\n')
			fold->line[fold->len++] = (uint8_t)bytes[i];
	}
	return (ssize_t)len;
}

static int end(void *cookie)
{
	struct fold *fold = cookie;
	if (fold->len > 0)
		print_line(fold);
	free(fold);
	return 0;
}

FILE *snap_fold_open(FILE *to, size_t columns)
{
	struct fold *fold = malloc(sizeof(*fold));
	if (!fold)
		return NULL;
	fold->to = to;
	fold->columns = columns;
	fold->len = 0;
	FILE *out = fopencookie(fold, "w", (cookie_io_functions_t){.write = take, .close = end});
	if (!out)
		free(fold);
	return out;
}
