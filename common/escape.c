#include "common/escape.h"

#include <string.h>

size_t snap_utf8_character(struct snap_bytes in, uint32_t *ret_code)
{
	const uint8_t *p = in.data;
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = p[0] < 0x80 ? 1 : p[0] >= 0xf5 ? 0 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (len == 0 || len > in.len || (p[0] >= 0x80 && p[0] < 0xc2))
		return 0;
	uint32_t code = len == 1 ? p[0] : p[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code == 0 || code < least[len] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	*ret_code = code;
	return len;
}

size_t snap_utf8_encode(uint32_t code, uint8_t ret[4])
{
	static const uint8_t first[] = {0, 0, 0xc0, 0xe0, 0xf0};
	if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	for (size_t i = len; i-- > 1; code >>= 6)
		ret[i] = (uint8_t)(0x80 | (code & 0x3f));
	ret[0] = (uint8_t)(first[len] | code);
	return len;
}

bool snap_character_is_unsafe(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c ||
	       (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2060 && code <= 0x206f) || code == 0xfeff ||
	       (code >= 0xfff9 && code <= 0xfffb) || (code >= 0xe0000 && code <= 0xe007f);
}

/* The next piece that is kept or escaped as a whole; *ret_keep says which. */
static size_t next_piece(const uint8_t *p, size_t left, enum snap_escape how, bool *ret_keep)
{
	uint32_t code;
	size_t len = snap_utf8_character(snap_bytes(p, left), &code);
	*ret_keep = len > 0 && !(how == SNAP_ESCAPE_TERMINAL && snap_character_is_unsafe(code));
	return len > 0 ? len : 1;
}

size_t snap_escape(struct snap_bytes in, enum snap_escape how, char *out, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	size_t total = 0, written = 0;
	bool full = size == 0;

	for (size_t i = 0; i < in.len;) {
		bool keep;
		size_t len = next_piece(in.data + i, in.len - i, how, &keep);
		size_t out_len = keep ? len : 4 * len;
		if (!full && written + out_len >= size)
			full = true;
		for (size_t j = 0; !full && j < len; j++) {
			uint8_t byte = in.data[i + j];
			if (keep) {
				out[written++] = (char)byte;
			} else {
				out[written++] = '\\';
				out[written++] = 'x';
				out[written++] = digits[byte >> 4];
				out[written++] = digits[byte & 15];
			}
		}
		total += out_len;
		i += len;
	}
	if (size > 0)
		out[written] = '\0';
	return total;
}

/*
 * How many bytes at the beginning are printable ASCII, looked at eight at a time: nearly all of
 * what is shown. Adding sets the upper bit of a byte from 0x7f on, subtracting that of one below
 * 0x20.
 */
static size_t count_printable(struct snap_bytes in)
{
	const uint64_t ones = UINT64_MAX / 255;
	size_t i = 0;
	for (; in.len - i >= 8; i += 8) {
		uint64_t word;
		memcpy(&word, in.data + i, sizeof(word));
		if ((word | (word + ones) | (word - ones * 0x20)) & ones * 0x80)
			break;
	}
	return i;
}

bool snap_escape_unneeded(struct snap_bytes in, enum snap_escape how)
{
	for (size_t i = count_printable(in); i < in.len;) {
		bool keep;
		i += next_piece(in.data + i, in.len - i, how, &keep);
		if (!keep)
			return false;
	}
	return true;
}

void snap_hex(struct snap_bytes in, char *out)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < in.len; i++) {
		*out++ = digits[in.data[i] >> 4];
		*out++ = digits[in.data[i] & 15];
	}
	*out = '\0';
}
