/*
 * The file that a verb writes for -o: under a temporary name beside it, and renamed when it is
 * whole. Owner-only: what came from a process's memory is nobody else's.
 */
#ifndef SNAP_ANALYZE_OUTPUT_FILE_H
#define SNAP_ANALYZE_OUTPUT_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "common/error.h"

struct snap_output_file {
	FILE *stream; /* to be written to */
	int errnum;   /* why that failed, if whoever writes has seen it */
	/* private */
	const char *path;
	char *part; /* the temporary name; NULL: stream is the thing itself */
	bool is_remote, is_stdout; /* the broker's; and what that is */
};

/*
 * path: kept; "-" for standard output, which must not be a terminal. A path that is there and no
 * regular file (a pipe, a device) is written to directly. Returns 0, or -1 and *err:
 * SNAP_ERROR_USAGE for a terminal, else SNAP_ERROR_OUTPUT.
 */
int snap_output_file_open(const char *path, struct snap_output_file *ret, struct snap_error *err);

/*
 * Write what is buffered, check that everything was written, and give the file its name. Returns 0,
 * or -1 and *err (SNAP_ERROR_OUTPUT). Whether standard output took it is for main to see.
 */
int snap_output_file_publish(struct snap_output_file *file, struct snap_error *err);

/* Close, and remove what was not published. */
void snap_output_file_deinit(struct snap_output_file *file);

#endif
