/*
 * Lines of source round the frames of the crashing thread, from the trees of --source, or fetched.
 */
#ifndef SNAP_ANALYZE_FIND_SOURCE_H
#define SNAP_ANALYZE_FIND_SOURCE_H

#include "analyze/analysis.h"
#include "analyze/crash.h"
#include "analyze/find/debuginfod.h"
#include "common/error.h"

/* A file that is larger is not read; of all files of a crash, so much is. */
#define SNAP_SOURCE_FILE_MAX (UINT64_C(4) << 20)
#define SNAP_SOURCE_ALL_MAX  (UINT64_C(32) << 20)

/*
 * Open path, relative and without "..", below the directory: a regular file of at most
 * SNAP_SOURCE_FILE_MAX bytes; links lead to what is below, too. A descriptor, or -1 and *err.
 */
int snap_source_open_below(const char *directory, const char *path, struct snap_error *err);

/*
 * Fill crash->source, if there are trees or it is fetched: of each frame of the crashing thread
 * with a line, the first of these files that is there: the file's path, taken from the root of a
 * tree; without its first component, and so on. Of the trees the first that has it. What is in none
 * is asked of debuginfod, if that is wanted; it may be NULL. -1 only if memory is exhausted.
 */
int snap_source_read(struct snap_crash *crash, const struct snap_options *options,
	struct snap_debuginfod *debuginfod, struct snap_error *err);

#endif
