/*
 * Text as wide as a terminal: how many columns it takes, and how it is broken into lines. Text is
 * UTF-8 that is safe for a terminal (common/escape.h); escape sequences of colours (color.h) take no
 * columns.
 */
#ifndef SNAP_ANALYZE_REPORT_COLUMNS_H
#define SNAP_ANALYZE_REPORT_COLUMNS_H

#include <stddef.h>
#include <stdio.h>

#include "common/bytes.h"

/*
 * How many bytes text's first character has (or its first colour), text not being empty, and its
 * columns: 2 of wide ones (Unicode's East Asian Width W and F), 0 of those that combine with the one
 * before. What is not UTF-8 is a byte of one column.
 */
size_t snap_character_columns(struct snap_bytes text, size_t *ret_columns);

size_t snap_columns(const char *text);

/*
 * Cut to at most so many columns (> 3) into out, which has room for text: the end, or the beginning,
 * becomes "...". No colours in it.
 */
void snap_cut_end(const char *text, size_t columns, char *out);
void snap_cut_begin(const char *text, size_t columns, char *out);

struct snap_wrap {
	size_t columns;	    /* of a line, at least 20 */
	size_t indent;	    /* of the lines after the first; less than half of columns */
	size_t max_lines;   /* > 0; the last one ends with "..." if there would be more */
	const char *before; /* of each line, and after it: colours, "" for none */
	const char *after;
};

/*
 * Text, a paragraph whose first line has its own indent, in lines, broken between words; a word that
 * is longer than a line is broken where it must. Returns the number of lines. No colours in it.
 */
size_t snap_wrap_print(FILE *out, const char *text, const struct snap_wrap *wrap);

#endif
