#include "analyze/tokens/base64.h"

/* -1: none of the alphabet's. */
static int value_of(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

size_t snap_base64_span(struct snap_bytes text)
{
	size_t len = 0;
	for (; text.len - len >= 4; len += 4) {
		const uint8_t *p = text.data + len;
		if (value_of(p[0]) < 0 || value_of(p[1]) < 0)
			break;
		if (value_of(p[2]) < 0)
			return p[2] == '=' && p[3] == '=' ? len + 4 : len;
		if (value_of(p[3]) < 0)
			return p[3] == '=' ? len + 4 : len;
	}
	return len;
}

size_t snap_base64_decoded_len(struct snap_bytes text)
{
	size_t len = text.len / 4 * 3;
	if (text.len >= 4)
		len -= (text.data[text.len - 1] == '=') + (text.data[text.len - 2] == '=');
	return len;
}

void snap_base64_decode(struct snap_bytes text, uint8_t *out)
{
	size_t left = snap_base64_decoded_len(text);
	for (const uint8_t *p = text.data; left > 0; p += 4) {
		uint32_t bits = 0;
		for (int i = 0; i < 4; i++) {
			int value = value_of(p[i]);
			bits = bits << 6 | (value < 0 ? 0u : (uint32_t)value);
		}
		for (int shift = 16; shift >= 0 && left > 0; shift -= 8, left--)
			*out++ = (uint8_t)(bits >> shift);
	}
}

void snap_base64_encode(struct snap_bytes bytes, char *out)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t left = bytes.len - i;
		uint32_t bits = (uint32_t)bytes.data[i] << 16;
		if (left > 1)
			bits |= (uint32_t)bytes.data[i + 1] << 8;
		if (left > 2)
			bits |= bytes.data[i + 2];
		*out++ = alphabet[bits >> 18];
		*out++ = alphabet[bits >> 12 & 63];
		*out++ = left > 1 ? alphabet[bits >> 6 & 63] : '=';
		*out++ = left > 2 ? alphabet[bits & 63] : '=';
	}
}
