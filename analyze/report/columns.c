#include "analyze/report/columns.h"

#include <stdint.h>
#include <string.h>

#include "common/escape.h"

/* EastAsianWidth W and F of Unicode 14.0, unassigned code points between them included. */
static const uint32_t wide[][2] = {
	{0x1100, 0x115f}, {0x231a, 0x231b}, {0x2329, 0x232a}, {0x23e9, 0x23ec},
	{0x23f0, 0x23f0}, {0x23f3, 0x23f3}, {0x25fd, 0x25fe}, {0x2614, 0x2615},
	{0x2648, 0x2653}, {0x267f, 0x267f}, {0x2693, 0x2693}, {0x26a1, 0x26a1},
	{0x26aa, 0x26ab}, {0x26bd, 0x26be}, {0x26c4, 0x26c5}, {0x26ce, 0x26ce},
	{0x26d4, 0x26d4}, {0x26ea, 0x26ea}, {0x26f2, 0x26f3}, {0x26f5, 0x26f5},
	{0x26fa, 0x26fa}, {0x26fd, 0x26fd}, {0x2705, 0x2705}, {0x270a, 0x270b},
	{0x2728, 0x2728}, {0x274c, 0x274c}, {0x274e, 0x274e}, {0x2753, 0x2755},
	{0x2757, 0x2757}, {0x2795, 0x2797}, {0x27b0, 0x27b0}, {0x27bf, 0x27bf},
	{0x2b1b, 0x2b1c}, {0x2b50, 0x2b50}, {0x2b55, 0x2b55}, {0x2e80, 0x303e},
	{0x3041, 0x3247}, {0x3250, 0x4dbf}, {0x4e00, 0xa4c6}, {0xa960, 0xa97c},
	{0xac00, 0xd7a3}, {0xf900, 0xfad9}, {0xfe10, 0xfe19}, {0xfe30, 0xfe6b},
	{0xff01, 0xff60}, {0xffe0, 0xffe6}, {0x16fe0, 0x1b2fb}, {0x1f004, 0x1f004},
	{0x1f0cf, 0x1f0cf}, {0x1f18e, 0x1f18e}, {0x1f191, 0x1f19a}, {0x1f200, 0x1f320},
	{0x1f32d, 0x1f335}, {0x1f337, 0x1f37c}, {0x1f37e, 0x1f393}, {0x1f3a0, 0x1f3ca},
	{0x1f3cf, 0x1f3d3}, {0x1f3e0, 0x1f3f0}, {0x1f3f4, 0x1f3f4}, {0x1f3f8, 0x1f43e},
	{0x1f440, 0x1f440}, {0x1f442, 0x1f4fc}, {0x1f4ff, 0x1f53d}, {0x1f54b, 0x1f54e},
	{0x1f550, 0x1f567}, {0x1f57a, 0x1f57a}, {0x1f595, 0x1f596}, {0x1f5a4, 0x1f5a4},
	{0x1f5fb, 0x1f64f}, {0x1f680, 0x1f6c5}, {0x1f6cc, 0x1f6cc}, {0x1f6d0, 0x1f6d2},
	{0x1f6d5, 0x1f6df}, {0x1f6eb, 0x1f6ec}, {0x1f6f4, 0x1f6fc}, {0x1f7e0, 0x1f7f0},
	{0x1f90c, 0x1f93a}, {0x1f93c, 0x1f945}, {0x1f947, 0x1f9ff}, {0x1fa70, 0x1faf6},
	{0x20000, 0x3fffd},
};

/* Blocks of marks that combine, of the scripts that names are written in. */
static const uint32_t combining[][2] = {
	{0x0300, 0x036f}, {0x0483, 0x0489}, {0x1ab0, 0x1ace}, {0x1dc0, 0x1dff}, {0x20d0, 0x20f0},
	{0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xe0100, 0xe01ef}};

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static int is_in(uint32_t code, const uint32_t (*ranges)[2], size_t num)
{
	size_t low = 0, high = num;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (code > ranges[mid][1])
			low = mid + 1;
		else
			high = mid;
	}
	return low < num && code >= ranges[low][0];
}

/* "\033[1;31m"; 0: it is none. */
static size_t color_len(struct snap_bytes text)
{
	size_t len = 2;
	if (text.len < 3 || text.data[0] != '\033' || text.data[1] != '[')
		return 0;
	while (len < text.len && ((text.data[len] >= '0' && text.data[len] <= '9') ||
					 text.data[len] == ';'))
		len++;
	return len < text.len && text.data[len] == 'm' ? len + 1 : 0;
}

size_t snap_character_columns(struct snap_bytes text, size_t *ret_columns)
{
	uint32_t code;
	size_t len = color_len(text);
	*ret_columns = 0;
	if (len > 0)
		return len;
	len = snap_utf8_character(text, &code);
	*ret_columns = 1;
	if (len == 0)
		return 1;
	if (code >= wide[0][0] && is_in(code, wide, ARRAY_LEN(wide)))
		*ret_columns = 2;
	else if (code >= combining[0][0] && is_in(code, combining, ARRAY_LEN(combining)))
		*ret_columns = 0;
	return len;
}

/* How many bytes of text fit into so many columns. */
static size_t fitting(struct snap_bytes text, size_t columns, size_t *ret_columns)
{
	size_t off = 0, used = 0, width;
	while (off < text.len) {
		size_t len = snap_character_columns(
			snap_bytes(text.data + off, text.len - off), &width);
		if (used + width > columns)
			break;
		used += width;
		off += len;
	}
	*ret_columns = used;
	return off;
}

size_t snap_columns(const char *text)
{
	size_t columns;
	(void)fitting(snap_bytes_str(text), SIZE_MAX, &columns); /* all of it */
	return columns;
}

void snap_cut_end(const char *text, size_t columns, char *out)
{
	struct snap_bytes bytes = snap_bytes_str(text);
	size_t used, len = bytes.len;
	bool fits = fitting(bytes, columns, &used) == len;
	if (!fits)
		len = fitting(bytes, columns - 3, &used);
	memmove(out, text, len);
	memcpy(out + len, fits ? "" : "...", fits ? 1 : 4);
}

void snap_cut_begin(const char *text, size_t columns, char *out)
{
	struct snap_bytes bytes = snap_bytes_str(text);
	size_t used, all = snap_columns(text), off = 0;
	if (all <= columns) {
		memmove(out, text, bytes.len + 1);
		return;
	}
	/* Drop characters until the rest fits behind the dots. */
	for (size_t width; all > columns - 3; all -= width)
		off += snap_character_columns(
			snap_bytes(bytes.data + off, bytes.len - off), &width);
	/* A mark would combine with the dots. */
	while (off < bytes.len) {
		size_t len = snap_character_columns(
			snap_bytes(bytes.data + off, bytes.len - off), &used);
		if (used > 0)
			break;
		off += len;
	}
	memcpy(out, "...", 3);
	memmove(out + 3, text + off, bytes.len - off + 1);
}

/* Where to break the line: the bytes of text that stand on it; all of it if it fits. */
static size_t line_len(struct snap_bytes text, size_t columns)
{
	size_t used, len = fitting(text, columns, &used);
	if (len == text.len)
		return len;
	for (size_t i = len; i > 0; i--)
		if (text.data[i] == ' ' && text.data[i - 1] != ' ')
			return i;
	/* A word that is longer; not even one of its characters may fit. */
	return len > 0 ? len : snap_character_columns(text, &used);
}

size_t snap_wrap_print(FILE *out, const char *text, const struct snap_wrap *wrap)
{
	struct snap_bytes rest = snap_bytes_str(text);
	size_t num = 0, used;
	do {
		size_t indent = num == 0 ? 0 : wrap->indent, columns = wrap->columns - indent;
		/* Spaces in front are the first line's own. */
		size_t own = num == 0 ? strspn(text, " ") : 0;
		size_t len = own + line_len(snap_bytes(rest.data + own, rest.len - own),
					   columns > own ? columns - own : 1);
		bool cut = len < rest.len && num + 1 == wrap->max_lines;
		if (cut)
			len = fitting(rest, columns - 3, &used);
		(void)fprintf(out, "%*s%s%.*s%s%s\n", (int)indent, "", wrap->before, (int)len,
			(const char *)rest.data, cut ? "..." : "", wrap->after);
		num++;
		if (cut)
			break;
		while (len < rest.len && rest.data[len] == ' ')
			len++;
		rest = snap_bytes(rest.data + len, rest.len - len);
	} while (rest.len > 0);
	return num;
}
