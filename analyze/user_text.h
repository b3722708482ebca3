/*
 * Texts that the user wrote and named on the command line: rules, pins, known ids. Whole, and bounded.
 */
#ifndef SNAP_ANALYZE_USER_TEXT_H
#define SNAP_ANALYZE_USER_TEXT_H

#include <stddef.h>

#include "common/error.h"

/*
 * The text of a file, or what comes through a pipe, of at most max bytes, NUL-terminated, to be freed. NULL and *err, which names the
 * file: it can't be opened or read, is longer, or holds a NUL.
 */
char *snap_user_text_read(const char *file, size_t max, struct snap_error *err);

/* The same of a regular file that may hold any bytes, of which *ret_len is the number. */
char *snap_user_bytes_read(const char *file, size_t max, size_t *ret_len, struct snap_error *err);

/* "FILE:LINE: what" as wrong usage; file is escaped. Returns -1. */
int snap_user_text_fault(const char *file, size_t line, const char *what, struct snap_error *err);

#endif
