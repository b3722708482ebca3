/*
 * Entries on their way from where inputs are analysed: of one file any number, one behind the other.
 */
#ifndef SNAP_ANALYZE_DEDUP_ENTRY_STREAM_H
#define SNAP_ANALYZE_DEDUP_ENTRY_STREAM_H

#include "analyze/command.h"
#include "common/bytes.h"

/* A snap_input_fn for snap_collect_inputs(): adds the crash's entry. */
enum snap_exit snap_entry_stream_give(
	struct snap_crash *crash, const struct snap_arguments *arguments, void *data);

/* The next packed entry of what was collected of a file, which is taken off it; false: no more. */
bool snap_entry_stream_next(struct snap_bytes *stream, struct snap_bytes *ret);

/* Those options with which inputs are analysed for it: only the crashing thread is looked at. */
struct snap_arguments snap_entry_stream_arguments(const struct snap_arguments *arguments);

#endif
