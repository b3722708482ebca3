/*
 * The only module of the analysis half that opens files. Parsers get descriptors.
 *
 * A path may have been named by a stranger (in a snapshot, in a debug link): opening it must not
 * block on a FIFO, trigger a device, or read from /proc. So it is looked at through O_PATH first,
 * and only a regular file is opened for reading.
 *
 * A worker of the sandbox opens nothing itself: there, what is not given a directory asks the
 * broker (sandbox/broker.h), who opens it by the functions here.
 */
#ifndef SNAP_ANALYZE_FILE_OPEN_H
#define SNAP_ANALYZE_FILE_OPEN_H

#include <stdbool.h>
#include <sys/stat.h>

#include "common/error.h"

/*
 * Open the regular file path for reading. Returns a descriptor that the caller closes, *ret_stat
 * (may be NULL) describing that very file; or -1 and *err, whose text has the reason alone ("No
 * such file or directory", "is a FIFO, not a regular file") and whose errnum is the errno, if any.
 */
int snap_file_open(const char *path, struct stat *ret_stat, struct snap_error *err);

/* The input that is being analysed, which path names: a user's own, of whatever content. */
int snap_file_open_input(const char *path, struct snap_error *err);

/* The same for a name in an open directory (symbolic links are not followed). */
int snap_file_open_in(int dir_fd, const char *name, struct stat *ret_stat, struct snap_error *err);

/*
 * The same for a path in the tree whose root is the open directory root_fd: as if that were "/" (a
 * leading one is allowed) also for absolute symbolic links and for "..", so that nothing outside of
 * the tree is reached. Links of the kernel's own kind (/proc/PID/exe) are not followed.
 */
int snap_file_open_in_root(
	int root_fd, const char *path, struct stat *ret_stat, struct snap_error *err);

/* Open a directory to list it; dir_fd as for openat(2), follow: whether path may be a link. */
int snap_directory_open(int dir_fd, const char *path, bool follow, struct snap_error *err);

/* An unnamed temporary file for reading and writing, in $TMPDIR or /tmp. -1 and *err on failure. */
int snap_file_temporary(struct snap_error *err);

#endif
