/*
 * What the crashing thread's stack and registers point to, where the configuration wants it
 * (memory = indirect): after all threads, with the room that they left.
 *
 * Crash-time: no allocation. Errors stick in the writer.
 */
#ifndef SNAP_CAPTURE_CRASH_INDIRECT_H
#define SNAP_CAPTURE_CRASH_INDIRECT_H

#include "capture/crash.h"

void snap_crash_write_indirect(struct snap_crash *c);

#endif
