/*
 * Where a process lives: its namespaces, its ids in its own user namespace, its control group.
 *
 * Crash-time and hostile: fixed buffers, bounded reads, negative errno, no allocation. No namespace
 * is entered, and none is opened: what stands in the links of /proc/PID/ns is all that is read.
 *
 * Sources: namespaces(7), user_namespaces(7), cgroups(7).
 */
#ifndef SNAP_CAPTURE_PROC_CONTAINER_H
#define SNAP_CAPTURE_PROC_CONTAINER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/snapshot.h"

/* The numbers that name them, by kind; 0: not known. */
struct snap_namespaces {
	uint64_t inodes[SNAP_NAMESPACES + 1];
	int error; /* negative errno if one can't be read that should be there, else 0 */
};

/* task_fd: /proc/PID/task/TID, or "/proc/self" open. */
void snap_namespaces_read(int task_fd, struct snap_namespaces *ret);

/* The capturing program's own. */
void snap_namespaces_read_own(struct snap_namespaces *ret);

/* Fill process->namespaces with those that are known. own: the capturing program's. */
void snap_namespaces_compare(const struct snap_namespaces *namespaces,
	const struct snap_namespaces *own, struct snap_process *process);

/*
 * The id that the process itself sees for what we see as id. map: "uid_map" or "gid_map". False if
 * it has none, or lives in our own user namespace (where the map is about the one above).
 */
bool snap_user_namespace_id(int task_fd, const char *map, uint32_t id, uint32_t *ret);

struct snap_proc_cgroup {
	char path[SNAP_MAX_CGROUP + 1];
	size_t len;
	bool cut;
	int error; /* negative errno if it can't be read, else 0 */
	/* The one that counts its memory; memory_len 0: not known, or too long. */
	char memory_path[SNAP_MAX_CGROUP + 1];
	size_t memory_len;
	bool is_memory_v1; /* of the old hierarchy */
};

/*
 * The path of its control group: in the unified hierarchy or, if it is at the root of that, where
 * systemd put it, or any other. Absent (len 0) if the kernel has none.
 */
void snap_proc_cgroup_read(int task_fd, struct snap_proc_cgroup *ret);

#endif
