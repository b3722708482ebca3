/*
 * The threads of a process that dumps core: their records, stacks and names.
 *
 * Crash-time: all storage is in the capture's struct.
 */
#ifndef SNAP_CAPTURE_CRASH_THREADS_H
#define SNAP_CAPTURE_CRASH_THREADS_H

#include "capture/crash.h"

/* Its tid, by what the notes call it. */
void snap_crash_find_host_tid(struct snap_crash *c, struct snap_crash_thread *thread);

/*
 * Write a thread of which all notes are there; the first one to be written is the crashing one.
 * name: absent if /proc is to be asked.
 */
void snap_crash_write_thread(
	struct snap_crash *c, const struct snap_crash_thread *notes, struct snap_bytes name);

/* Write those of c->waiting, for whose names the kernel is asked together. */
void snap_crash_write_waiting(struct snap_crash *c);

void snap_crash_checkpoint(struct snap_crash *c);

#endif
