/*
 * Whose snapshot a file of the spool is: kept beside its content, as the extended attribute
 * user.snapcrash, so that limits by user and executable can be kept without parsing it.
 *
 * The value is "UID EXE" in bytes, or "UID:app EXE" for a snapshot on demand, of a live process.
 * EXE is what /proc/PID/exe pointed to or, where that can't be told, the comm. From the target:
 * hostile.
 *
 * Crash-time: no allocation, negative errno.
 */
#ifndef SNAP_CAPTURE_ORIGIN_H
#define SNAP_CAPTURE_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"

#define SNAP_ORIGIN_EXE_MAX 255

struct snap_origin {
	bool has_uid; /* a file without the attribute does not tell */
	uint32_t uid;
	bool on_demand;
	size_t exe_len;
	uint8_t exe[SNAP_ORIGIN_EXE_MAX];
};

/* Of a longer exe the last bytes are kept: they tell more than the first. */
void snap_origin_init(struct snap_origin *origin, uint32_t uid, struct snap_bytes exe);

bool snap_origin_equal(const struct snap_origin *a, const struct snap_origin *b);

/* Whether both are of the same executable, whoever ran it. */
bool snap_origin_same_exe(const struct snap_origin *a, const struct snap_origin *b);

/* Returns 0 or a negative errno: -EOPNOTSUPP on a file system without extended attributes. */
int snap_origin_write(int fd, const struct snap_origin *origin);

/*
 * The origin of an open file. Returns 0, -ENODATA if it has none that can be understood, or another
 * negative errno.
 */
int snap_origin_read(int fd, struct snap_origin *ret);

#endif
