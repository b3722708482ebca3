/*
 * What pw_log_tokenized puts into the text of a message besides the message itself: "key" and value
 * pairs, each a black square, the key, a black diamond, the value (pigweed.dev, pw_log_tokenized).
 */
#ifndef SNAP_ANALYZE_TOKENS_FIELDS_H
#define SNAP_ANALYZE_TOKENS_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/bytes.h"

/*
 * The field with which text from *off on begins; *off then is that of the next one, or of the end. A
 * text without such fields begins with none: false, and *off stays.
 */
bool snap_log_field_next(
	struct snap_bytes text, size_t *off, struct snap_bytes *ret_key, struct snap_bytes *ret_value);

#endif
