/*
 * The spool: a directory of finished snapshots, and in it `incoming`, where they are written.
 *
 * A snapshot is written as incoming/<random>.part and appears in the spool under its final name
 * only when it is whole and on disk. What was abandoned stays as a .part, for adoption
 * (capture/adopt.h). Who writes a .part holds flock(2)'s exclusive lock on it, which goes along
 * when the descriptor is passed to another process and ends with the last one that has it: whoever
 * else gets the lock knows that nobody writes any more.
 *
 * Neither directory may be a symbolic link, or another user's: both are opened once, and files in
 * them only through these descriptors.
 *
 * Crash-time: no allocation, negative errno.
 */
#ifndef SNAP_CAPTURE_SPOOL_H
#define SNAP_CAPTURE_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/spool_name.h"
#include "common/bytes.h"

#define SNAP_SPOOL_INCOMING "incoming"

struct snap_spool_file {
	int dir_fd;	 /* the spool */
	int incoming_fd; /* the directory in it */
	int fd;		 /* the file */
	char part[32];	 /* its name in incoming */
};
#define SNAP_SPOOL_FILE_INIT                                                                       \
	{                                                                                          \
		-1, -1, -1, ""                                                                     \
	}

/* Whether name is one of a .part. */
bool snap_spool_is_part(const char *name);

/*
 * Open the spool and its incoming; with create, make them (and the spool's parents) where they are
 * missing. Returns 0, or a negative errno: -ELOOP if one of them is a symbolic link, -EPERM if one
 * is neither root's nor ours.
 */
int snap_spool_open(const char *spool, bool create, int *ret_dir_fd, int *ret_incoming_fd);

/* In words what an errno of these functions means. */
const char *snap_spool_strerror(int error);

/*
 * Create a .part in the spool's incoming, lock it, and make both directories (and their parents)
 * where they are missing. Returns 0 and fills *ret, or a negative errno.
 */
int snap_spool_create(const char *spool, struct snap_spool_file *ret);

/*
 * The same in directories that snap_spool_open() opened. On success they belong to *ret, else they
 * stay the caller's.
 */
int snap_spool_create_at(int dir_fd, int incoming_fd, struct snap_spool_file *ret);

/*
 * For whom the server has created one: fd is of the file incoming/part of spool. Returns 0 and
 * fills *ret, which then owns fd; or a negative errno, -ESTALE if that is another file.
 */
int snap_spool_attach(const char *spool, const char *part, int fd, struct snap_spool_file *ret);

/*
 * Bring the file to disk and give it its name. Returns 0, or a negative errno: -EEXIST if the name
 * is taken. The file then keeps its name in incoming. Access rights (capture/access.h) are to be
 * set before.
 */
int snap_spool_publish(struct snap_spool_file *file, const char *name);

/* Remove the .part. */
void snap_spool_discard(struct snap_spool_file *file);

/* Close the descriptors. */
void snap_spool_file_deinit(struct snap_spool_file *file);

/* len random lower-case hex digits and a NUL, for names. */
void snap_spool_random(char *out, size_t len);

#endif
