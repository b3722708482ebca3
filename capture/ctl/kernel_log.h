/*
 * What the kernel's log says from a moment on about crashes: there the kernel tells why it started
 * no client, and the client what it could not do.
 */
#ifndef SNAP_CAPTURE_CTL_KERNEL_LOG_H
#define SNAP_CAPTURE_CTL_KERNEL_LOG_H

/* Begin now. Returns a descriptor, or -1 where the log can't be read. */
int snap_kernel_log_open(void);

/*
 * Print to stderr, escaped and behind prefix, the lines since then that tell of core dumps or of
 * our client; no more than some.
 */
void snap_kernel_log_show(int fd, const char *prefix);

#endif
