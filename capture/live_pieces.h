/*
 * Records that are made while a process stands still (capture/live.h), and written when it runs
 * again.
 *
 * No allocation. What there is no room for is counted in pieces_left_out.
 */
#ifndef SNAP_CAPTURE_LIVE_PIECES_H
#define SNAP_CAPTURE_LIVE_PIECES_H

#include "capture/live.h"

/* As members of sinks: arg is the struct snap_live. Bytes are copied. */
void snap_live_keep_range(void *arg, const struct snap_memory_range *range);
void snap_live_keep_omission(void *arg, const struct snap_omission *omission);
void snap_live_keep_tag(void *arg, const struct snap_tag *tag);
/* Its message, and no other words. */
void snap_live_keep_log(void *arg, const struct snap_log *log);

/* Those of [first, end). */
void snap_live_write_pieces(struct snap_live *l, size_t first, size_t end);

#endif
