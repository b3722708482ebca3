/*
 * Base64 (RFC 4648), as tokenised messages come in it.
 */
#ifndef SNAP_ANALYZE_TOKENS_BASE64_H
#define SNAP_ANALYZE_TOKENS_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"

/*
 * How much of text, from its beginning, is base64: whole groups of four characters of either alphabet
 * (section 4 or 5), the last of which may have padding.
 */
size_t snap_base64_span(struct snap_bytes text);

/* So many bytes are in a text of which all is base64, and they are put to out. Trailing bits of a
 * padded group are ignored. */
size_t snap_base64_decoded_len(struct snap_bytes text);
void snap_base64_decode(struct snap_bytes text, uint8_t *out);

/* So many characters, without a NUL, come of len bytes, in the alphabet of section 4. */
static inline size_t snap_base64_encoded_len(size_t len)
{
	return (len / 3 + (len % 3 != 0)) * 4;
}
void snap_base64_encode(struct snap_bytes bytes, char *out);

#endif
