/*
 * The threads of a process that lives in a PID namespace: the host's ids for those that the core's
 * notes name.
 *
 * Crash-time: fixed storage, no allocation, negative errno.
 */
#ifndef SNAP_CAPTURE_PROC_TIDS_H
#define SNAP_CAPTURE_PROC_TIDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNAP_TID_MAP_MAX 65536
struct snap_tid_map {
	size_t num;
	struct {
		uint32_t ns_tid, tid;
	} entries[SNAP_TID_MAP_MAX];
};

/* Read them all. task_fd: /proc/PID/task/TID. Returns 0 or a negative errno. */
int snap_tid_map_read(struct snap_tid_map *map, int task_fd);

/* False if there is no such thread. */
bool snap_tid_map_find(const struct snap_tid_map *map, uint32_t ns_tid, uint64_t *ret);

#endif
