/*
 * A text that is put together in memory of a fixed size: what does not fit is left out, and that it
 * was is remembered.
 */
#ifndef SNAP_ANALYZE_TOKENS_TEXT_H
#define SNAP_ANALYZE_TOKENS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/bytes.h"

struct snap_token_text {
	uint8_t *data; /* the caller's, of size bytes */
	size_t size, len;
	bool is_cut; /* it would have been longer */
};

static inline void snap_token_text_put(struct snap_token_text *text, struct snap_bytes bytes)
{
	size_t len = bytes.len;
	if (len > text->size - text->len) {
		len = text->size - text->len;
		text->is_cut = true;
	}
	if (len > 0)
		memcpy(text->data + text->len, bytes.data, len);
	text->len += len;
}

static inline void snap_token_text_put_str(struct snap_token_text *text, const char *s)
{
	snap_token_text_put(text, snap_bytes_str(s));
}

static inline void snap_token_text_fill(struct snap_token_text *text, char c, size_t len)
{
	if (len > text->size - text->len) {
		len = text->size - text->len;
		text->is_cut = true;
	}
	if (len > 0)
		memset(text->data + text->len, c, len);
	text->len += len;
}

static inline struct snap_bytes snap_token_text_bytes(const struct snap_token_text *text)
{
	return snap_bytes(text->data, text->len);
}

#endif
