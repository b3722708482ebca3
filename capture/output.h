/*
 * A snapshot that is written to a file of the user's choice: under a temporary name beside it, and
 * renamed when it is whole.
 */
#ifndef SNAP_CAPTURE_OUTPUT_H
#define SNAP_CAPTURE_OUTPUT_H

#include <limits.h>
#include <stdbool.h>

#include "common/error.h"

struct snap_output {
	int fd;
	int dir_fd;		 /* -1: fd is the thing itself (standard output, a device) */
	const char *path;	 /* borrowed */
	const char *name;	 /* its last part */
	char part[NAME_MAX + 1]; /* the temporary name in dir_fd */
	bool keep_existing;	 /* to be set by the caller: never replace a file */
};
#define SNAP_OUTPUT_INIT                                                                           \
	{                                                                                          \
		-1, -1, NULL, NULL, "", false                                                      \
	}

/* path: "-" for standard output, which must not be a terminal. Kept. Returns 0 or -1. */
int snap_output_create(const char *path, struct snap_output *ret, struct snap_error *err);

/*
 * Close it and give it its name, replacing a file that has it unless keep_existing is set. Returns
 * 0 or -1.
 */
int snap_output_publish(struct snap_output *output, struct snap_error *err);

/* Remove what was not published, and close. */
void snap_output_deinit(struct snap_output *output);

#endif
