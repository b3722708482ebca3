/*
 * How a control group stands with its memory: limit, use, and what the kernel killed for want of it.
 *
 * Crash-time: no allocation. The path is the kernel's word (/proc/PID/cgroup); it is walked below
 * /sys/fs/cgroup one name after the other, no link is followed, and only control group file systems
 * are looked at. Sources: the kernel's Documentation/admin-guide/cgroup-v2.rst (memory) and
 * cgroup-v1/memory.rst.
 */
#ifndef SNAP_CAPTURE_CGROUP_MEMORY_H
#define SNAP_CAPTURE_CGROUP_MEMORY_H

#include <stdbool.h>

#include "common/bytes.h"
#include "common/snapshot.h"

/*
 * Fill the process's cgroup_ fields, of the group itself or the nearest one above that has a limit:
 * absent ones were not to be read. is_v1: the path is that of the old memory hierarchy.
 */
void snap_cgroup_memory_read(struct snap_bytes path, bool is_v1, struct snap_process *process);

/* The same below a directory of any file system. */
void snap_cgroup_memory_read_at(
	int root_fd, struct snap_bytes path, bool is_v1, struct snap_process *process);

#endif
