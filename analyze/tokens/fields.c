#include "analyze/tokens/fields.h"

/* U+25A0 and U+2666 in UTF-8. */
#define SQUARE	 "\xe2\x96\xa0"
#define DIAMOND	 "\xe2\x99\xa6"
#define MARK_LEN 3u

static bool is_letter(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool has_mark(struct snap_bytes text, size_t off, const char *mark)
{
	return text.len - off >= MARK_LEN && memcmp(text.data + off, mark, MARK_LEN) == 0;
}

/* The key that stands with its marks at off. Returns where the value begins; off if there is none.
 */
static size_t parse_key(struct snap_bytes text, size_t off, struct snap_bytes *ret)
{
	if (!has_mark(text, off, SQUARE))
		return off;
	size_t begin = off + MARK_LEN, end = begin;
	if (end == text.len || !is_letter(text.data[end]))
		return off;
	while (end < text.len && (is_letter(text.data[end]) || text.data[end] == '_' ||
					 (text.data[end] >= '0' && text.data[end] <= '9')))
		end++;
	if (!has_mark(text, end, DIAMOND))
		return off;
	*ret = snap_bytes(text.data + begin, end - begin);
	return end + MARK_LEN;
}

bool snap_log_field_next(struct snap_bytes text, size_t *off, struct snap_bytes *ret_key,
	struct snap_bytes *ret_value)
{
	struct snap_bytes next;
	size_t begin = parse_key(text, *off, ret_key);
	if (begin == *off)
		return false;
	size_t end = begin;
	while (end < text.len && parse_key(text, end, &next) == end)
		end++;
	*ret_value = snap_bytes(text.data + begin, end - begin);
	*off = end;
	return true;
}
