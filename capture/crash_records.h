/*
 * Single records of the capture of a crash (capture/crash.h): what the core's notes, the kernel's
 * arguments and /proc tell of the process as a whole.
 *
 * Crash-time: no allocation. Errors stick in the writer.
 */
#ifndef SNAP_CAPTURE_CRASH_RECORDS_H
#define SNAP_CAPTURE_CRASH_RECORDS_H

#include "capture/crash.h"

/* A number of the target's out of its bytes; size: 1 to 8. */
uint64_t snap_crash_load(const struct snap_crash *c, const uint8_t *p, unsigned int size);

/* Why and when. */
void snap_crash_write_metadata(struct snap_crash *c);
/* The signal. */
void snap_crash_write_signal(struct snap_crash *c);
/* The process, as the kernel named it. */
void snap_crash_write_process(struct snap_crash *c);
/* Mappings, modules and the vDSO. */
void snap_crash_write_layout(struct snap_crash *c);
/* What the process tells of itself through libsnapcrash; after the layout. */
void snap_crash_write_annotations(struct snap_crash *c);
/* What a target can stretch or slow down; and, after the last reading of /proc, whether it was the
 * process that crashed. */
void snap_crash_write_late(struct snap_crash *c);

#endif
