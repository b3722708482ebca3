/*
 * Waiting for flock(2)'s lock, but not for ever: whoever holds it may be stopped.
 */
#ifndef SNAP_CAPTURE_LOCK_H
#define SNAP_CAPTURE_LOCK_H

/* What is done under a lock of ours takes well below a millisecond. */
#define SNAP_LOCK_WAIT_MS 200

/*
 * The exclusive lock of an open file or directory; it ends when that is closed. Returns 0, or a
 * negative errno: -EWOULDBLOCK if somebody else kept it for so long.
 */
int snap_lock(int fd, int wait_ms);

#endif
