/*
 * Which frames say nothing of the bug: rules as data.
 */
#ifndef SNAP_ANALYZE_SIGNATURE_RULES_H
#define SNAP_ANALYZE_SIGNATURE_RULES_H

#include <stdbool.h>

#include "common/bytes.h"

/*
 * Whether a function, in its signature's form, is one that a library ends the program with: skipped
 * from the top. module: the base name of its module; has_libc: whether the C library is a module of
 * its own (else the program is statically linked, and it may be anywhere).
 */
bool snap_signature_skips(const char *function, struct snap_bytes module, bool has_libc);

/* Whether a function is one that only starts programs and threads: dropped from the end. */
bool snap_signature_drops(const char *function);

/* Whether such functions may be in a module at all. */
bool snap_signature_may_skip(struct snap_bytes module, bool has_libc);

/* Whether a module's base name is that of the C library. */
bool snap_signature_is_libc(struct snap_bytes module);

#endif
