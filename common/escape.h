/*
 * Making hostile bytes fit to be shown. No allocation; usable at crash time.
 */
#ifndef SNAP_COMMON_ESCAPE_H
#define SNAP_COMMON_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"

enum snap_escape {
	/* Only what is not valid UTF-8 (RFC 3629; surrogates and NUL count as invalid) becomes
	 * `\xNN`: for fields of the file and for JSON, which has its own escapes for the rest. */
	SNAP_ESCAPE_INVALID,
	/* Also control characters (C0, DEL, C1), line and paragraph separators and bidirectional
	 * controls, each of their bytes as `\xNN`: for a terminal. */
	SNAP_ESCAPE_TERMINAL,
};

/*
 * Write in, escaped, to out[0 .. size), always NUL-terminated if size > 0, never ending within an
 * escape or a character. Returns the length that the whole result has without its NUL: as with
 * snprintf, >= size means that it was cut.
 */
size_t snap_escape(struct snap_bytes in, enum snap_escape how, char *out, size_t size);

/* Whether in needs no escaping. */
bool snap_escape_unneeded(struct snap_bytes in, enum snap_escape how);

/*
 * The length of the valid UTF-8 character (RFC 3629, section 4) that in, which is not empty, begins
 * with, and its code. 0 if there is none, ret_code then untouched; NUL is none.
 */
size_t snap_utf8_character(struct snap_bytes in, uint32_t *ret_code);

/*
 * The UTF-8 of a character into ret; NUL is one here. Returns how many bytes that are; 0: no
 * character has the code (surrogates, above U+10FFFF), ret then untouched.
 */
size_t snap_utf8_encode(uint32_t code, uint8_t ret[4]);

/* Whether a terminal may act on the character, or show it (or not) so that it deceives. */
bool snap_character_is_unsafe(uint32_t code);

/* The bytes as lower-case hex digits and a NUL; out has at least 2 * in.len + 1 bytes. */
void snap_hex(struct snap_bytes in, char *out);

#endif
