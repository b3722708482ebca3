/*
 * The ring of log lines in the annotation area. Nobody waits for anybody.
 *
 * Usable in signal handlers.
 */
#ifndef SNAP_CAPTURE_LIB_LOG_H
#define SNAP_CAPTURE_LIB_LOG_H

#include <stdbool.h>
#include <stddef.h>

/* cut: the line was longer. Keeps errno. */
void snap_lib_log_put(int level, const char *text, size_t len, bool cut);

#endif
