/*
 * What `snapcrashctl enable` found in the kernel and put something else in place of: a small file
 * in the directory of the server's socket, root's alone. `disable` puts it back, and the client
 * reads in it which handler there was, if it is to chain to that.
 *
 * The directory is on a file system that ends with the machine's run, as the settings do.
 *
 * Reading is crash-time: no allocation, negative errno.
 */
#ifndef SNAP_CAPTURE_SAVED_H
#define SNAP_CAPTURE_SAVED_H

#include <stdint.h>

#include "capture/core_pattern.h"

#define SNAP_SAVED_NAME "saved"

struct snap_saved {
	char pattern[SNAP_CORE_PATTERN_SIZE]; /* core_pattern as it was */
	uint64_t pipe_limit;		      /* core_pipe_limit as it was */
	char ours[SNAP_CORE_PATTERN_SIZE];    /* what was written instead */
};

/*
 * Descriptor of the directory in which the socket is, or a negative errno; -EINVAL: the path is not
 * absolute.
 */
int snap_saved_open_dir(const char *socket);

/*
 * Read the save in the directory. Returns 0; -ENOENT if there is none; -EPERM if it is not a
 * regular file that belongs to us and that nobody else can write; -EBADMSG if it is no save;
 * another negative errno.
 */
int snap_saved_read(int dir_fd, struct snap_saved *ret);

/*
 * Write it in place of the one that may be there: at any moment the old or the new one is there,
 * whole. Returns 0 or a negative errno; -EINVAL: a pattern has a line break.
 */
int snap_saved_write(int dir_fd, const struct snap_saved *saved);

/* Returns 0, also if there is none, or a negative errno. */
int snap_saved_remove(int dir_fd);

#endif
