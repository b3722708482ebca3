/*
 * The dynamic linker's list of what it loaded, read from a process's memory: DT_DEBUG of the
 * executable points to struct r_debug, that to a list of struct link_map (<link.h>). The same for
 * glibc, musl, bionic and uClibc. Namespaces of dlmopen(3) have lists of their own, chained since
 * glibc 2.35 (r_version 2).
 *
 * Hostile: lists may be cut, go in circles, or lead anywhere; what was read until then is kept.
 */
#ifndef SNAP_ANALYZE_INPUT_LINK_MAP_H
#define SNAP_ANALYZE_INPUT_LINK_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/input/exe_image.h"
#include "common/arena.h"
#include "common/bytes.h"
#include "common/error.h"

struct snap_link_map {
	uint64_t load_bias;	/* l_addr */
	uint64_t dynamic_addr;	/* l_ld */
	struct snap_bytes name; /* l_name: empty for the executable */
};

struct snap_link_maps {
	struct snap_link_map *maps; /* in the arena; the executable's first */
	size_t num;
	const char *broken; /* why the list is not whole, in words; NULL: it is */
};

/*
 * No list at all (a static executable, or one that had not yet come so far) is an empty one. -1
 * only if memory is exhausted.
 */
int snap_link_maps_read(const struct snap_process_memory *process, const struct snap_exe_image *exe,
	struct snap_arena *arena, struct snap_link_maps *ret, struct snap_error *err);

/*
 * The string at addr, in the arena; absent if its first byte was not captured or it is longer than
 * a path. NULL data and *err only if memory is exhausted.
 */
int snap_process_read_string(const struct snap_process_memory *process, uint64_t addr,
	struct snap_arena *arena, struct snap_bytes *ret, struct snap_error *err);

#endif
