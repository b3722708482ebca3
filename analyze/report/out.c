#include "analyze/report/out.h"

void snap_out_flush(struct snap_out *out)
{
	(void)fwrite_unlocked(out->data, 1, out->len, out->file); /* ferror() knows */
	out->len = 0;
}

void snap_out_put_long(struct snap_out *out, const char *text, size_t len)
{
	snap_out_flush(out);
	if (len > sizeof(out->data)) {
		(void)fwrite_unlocked(text, 1, len, out->file); /* ferror() knows */
		return;
	}
	memcpy(out->data, text, len);
	out->len = len;
}

void snap_out_put_hex(struct snap_out *out, uint64_t value)
{
	size_t num_digits = (size_t)(67 - __builtin_clzll(value | 1)) / 4;
	char *p = snap_out_reserve(out, 2 + num_digits);
	out->len += 2 + num_digits;
	*p++ = '0';
	*p++ = 'x';
	for (size_t i = num_digits; i-- > 0; value >>= 4)
		p[i] = "0123456789abcdef"[value & 15];
}

void snap_out_put_decimal(struct snap_out *out, uint64_t value)
{
	char text[20], *p = text + sizeof(text);
	do
		*--p = (char)('0' + value % 10);
	while (value /= 10);
	snap_out_put(out, p, (size_t)(text + sizeof(text) - p));
}
