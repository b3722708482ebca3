/*
 * What the path of a control group tells by its name: systemd's unit, and the container.
 *
 * Crash-time and hostile: whoever may make control groups chooses the path. No allocation.
 */
#ifndef SNAP_CAPTURE_CGROUP_NAMES_H
#define SNAP_CAPTURE_CGROUP_NAMES_H

#include "common/bytes.h"

struct snap_cgroup_names {
	struct snap_bytes unit;		/* the innermost one; absent: none */
	struct snap_bytes container_id; /* id, or name where there is no id; absent: none */
};

/* Both point into path. */
void snap_cgroup_names(struct snap_bytes path, struct snap_cgroup_names *ret);

#endif
