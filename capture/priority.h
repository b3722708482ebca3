/*
 * Whoever holds another process is in a hurry: on a busy machine each of its waits would take as
 * long as all the others' turns, and the held process waits with it.
 *
 * Crash-time: no allocation.
 */
#ifndef SNAP_CAPTURE_PRIORITY_H
#define SNAP_CAPTURE_PRIORITY_H

/* This task before ordinary ones, as far as it may; for what takes milliseconds. Returns what is to
 * be restored. */
int snap_priority_raise(void);
/* When nobody waits for it any more. */
void snap_priority_restore(int former);

#endif
