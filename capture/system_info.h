/*
 * What is told of the machine: uname, load, memory and the like.
 *
 * Crash-time: fixed storage, no allocation. Nothing here is about the target, so that it can be
 * read when the target was let go.
 */
#ifndef SNAP_CAPTURE_SYSTEM_INFO_H
#define SNAP_CAPTURE_SYSTEM_INFO_H

#include <stdint.h>
#include <sys/utsname.h>

#include "common/snapshot.h"

struct snap_system_buf {
	struct utsname uts;
	char os_release[4096];
	uint8_t boot_id[16];
};

/* *ret points into *buf. What can't be told is absent. */
void snap_system_read(struct snap_system_buf *buf, struct snap_system *ret);

/* The pieces of it; text is NUL-terminated, as the kernel has it in /proc and /sys. */
/* /proc/loadavg: "0.20 0.18 0.12 1/80 11206". */
void snap_system_parse_loads(const char *text, struct snap_system *ret);
/* A UUID with its hyphens. False if it is none. */
bool snap_system_parse_uuid(const char *text, uint8_t ret[static 16]);
/* /sys/devices/system/cpu/online: "0-3,8". 0 if it is not understood. */
uint32_t snap_system_parse_cpus(const char *text);
/* A line of /proc/meminfo. */
void snap_system_parse_meminfo(const char *line, struct snap_system *ret);

#endif
