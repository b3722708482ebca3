/*
 * Finds the annotation areas of a process that runs, before it is stopped: while it stands still,
 * there shall be nothing to look for.
 *
 * Crash-time and hostile: no allocation, bounded reads.
 */
#ifndef SNAP_CAPTURE_ANNOTATIONS_FIND_H
#define SNAP_CAPTURE_ANNOTATIONS_FIND_H

#include "capture/annotations.h"
#include "capture/proc_maps.h"

/*
 * Look through the mappings and ELF images of the process whose /proc/PID/task/TID is task_fd and
 * whose memory is mem_fd. What can't be read is not found. a: initialised; parser: room to work in.
 */
void snap_annotations_find(
	struct snap_annotations *a, int task_fd, int mem_fd, struct snap_maps_parser *parser);

#endif
