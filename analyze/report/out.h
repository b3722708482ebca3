/*
 * Text on its way to a stdio stream, gathered in a buffer of its own: a call of stdio for every
 * piece takes longer than what is said in it took to find out.
 */
#ifndef SNAP_ANALYZE_REPORT_OUT_H
#define SNAP_ANALYZE_REPORT_OUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct snap_out {
	FILE *file;
	size_t len; /* of data */
	char data[1 << 14];
};

/* The most that can be reserved at once. */
#define SNAP_OUT_RESERVE_MAX 256

/* file is borrowed, and should get nothing past the buffer before snap_out_flush(). */
static inline void snap_out_init(struct snap_out *out, FILE *file)
{
	out->file = file;
	out->len = 0;
}

/* To the stream, which remembers in ferror() that it could not write. No fflush(). */
void snap_out_flush(struct snap_out *out);

/* More than there is room for. */
void snap_out_put_long(struct snap_out *out, const char *text, size_t len);

/* Room for len bytes, at most SNAP_OUT_RESERVE_MAX; whoever fills it adds what it took to out->len.
 */
static inline char *snap_out_reserve(struct snap_out *out, size_t len)
{
	if (len > sizeof(out->data) - out->len)
		snap_out_flush(out);
	return out->data + out->len;
}

static inline void snap_out_put(struct snap_out *out, const char *text, size_t len)
{
	if (len > sizeof(out->data) - out->len) {
		snap_out_put_long(out, text, len);
		return;
	}
	memcpy(out->data + out->len, text, len);
	out->len += len;
}

static inline void snap_out_put_str(struct snap_out *out, const char *text)
{
	snap_out_put(out, text, strlen(text));
}

static inline void snap_out_put_char(struct snap_out *out, char c)
{
	*snap_out_reserve(out, 1) = c;
	out->len++;
}

/* "0x7f3a": lower case, no zeros in front. */
void snap_out_put_hex(struct snap_out *out, uint64_t value);

void snap_out_put_decimal(struct snap_out *out, uint64_t value);

#endif
