/*
 * The names in a directory, without readdir(3), which allocates.
 *
 * Crash-time: bounded memory, negative errno. The names are hostile: any bytes but '/' and NUL, at
 * most NAME_MAX of them.
 */
#ifndef SNAP_CAPTURE_DIR_WALK_H
#define SNAP_CAPTURE_DIR_WALK_H

#include <stddef.h>
#include <stdint.h>

struct snap_dir_walk {
	int fd; /* its own */
	size_t len, at;
	_Alignas(8) uint8_t buf[8192];
};

/* From the start, whatever was read through dir_fd before. Returns 0 or a negative errno. */
int snap_dir_walk_init(struct snap_dir_walk *walk, int dir_fd);
void snap_dir_walk_deinit(struct snap_dir_walk *walk);

/*
 * The next name but "." and "..", valid until the next call. Returns 1, 0 at the end, or a negative
 * errno. What is renamed or removed meanwhile may come or not.
 */
int snap_dir_walk_next(struct snap_dir_walk *walk, const char **ret);

#endif
