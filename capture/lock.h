/*
 * Waiting for flock(2)'s lock, but not for ever: whoever holds it may be stopped.
 */
#ifndef SNAP_CAPTURE_LOCK_H
#define SNAP_CAPTURE_LOCK_H

/*
 * What is done under a lock of ours takes well below a millisecond, but many may want it at once:
 * how long to wait while a process is held, and how long when nobody is.
 */
#define SNAP_LOCK_HELD_MS    200
#define SNAP_LOCK_PATIENT_MS 3000

/*
 * The exclusive lock of an open file or directory; it ends when that is closed. Returns 0, or a
 * negative errno: -EWOULDBLOCK if somebody else kept it for so long.
 */
int snap_lock(int fd, int wait_ms);

#endif
