/*
 * The backtrace that a device has made of its own thread (raw_backtrace), where we know less.
 */
#ifndef SNAP_ANALYZE_UNWIND_PREWALKED_H
#define SNAP_ANALYZE_UNWIND_PREWALKED_H

#include "analyze/unwind/walk.h"

/*
 * Add the frames (trust prewalked) that the device found and we did not: all if there are none; what
 * follows the last frame in the device's list, if that is in it and the stack did not end there.
 * No more than max_frames in all. -1: no memory.
 */
int snap_prewalked_add(struct snap_walk *w, size_t max_frames, struct snap_error *err);

#endif
