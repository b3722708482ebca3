/*
 * Text of bounded length, made piece by piece.
 */
#ifndef SNAP_ANALYZE_VARIABLES_TEXT_H
#define SNAP_ANALYZE_VARIABLES_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct snap_text {
	char *data; /* size bytes of the caller's; always ends with a NUL */
	size_t size, len;
	bool is_cut; /* not all fitted: it ends with "..." */
};

/* size > 3 */
void snap_text_init(struct snap_text *text, char *data, size_t size);
void snap_text_add(struct snap_text *text, const char *s);
void snap_text_addf(struct snap_text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Go back to a length that it had. */
void snap_text_rewind(struct snap_text *text, size_t len);

#endif
