/*
 * A table of a process's mappings that tells which of them an address lies in.
 *
 * Crash-time: fixed size, no allocation.
 */
#ifndef SNAP_COMMON_AREAS_H
#define SNAP_COMMON_AREAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/snapshot.h"

/* Whether a file is mapped there (and no anonymous memory that has a name). */
bool snap_mapping_is_file(const struct snap_mapping *mapping);

/* Bits of snap_area.flags beside SNAP_MAPPING_READ and so on. */
#define SNAP_AREA_FILE 16u
#define SNAP_AREA_VDSO 32u
/* Says more than a range of anonymous data: a file's, or named by the kernel, or executable. */
#define SNAP_AREA_TELLING 64u

struct snap_area {
	uint64_t start, end;
	uint32_t flags;
};

/* The kernel's default limit (vm.max_map_count) is 65530. */
#define SNAP_AREAS_MAX 65536

struct snap_areas {
	uint64_t num_left_out; /* for want of room, or out of order */
	uint64_t num_telling;
	size_t num;
	struct snap_area areas[SNAP_AREAS_MAX];
};

void snap_areas_init(struct snap_areas *areas);
/* arg is a struct snap_areas; mappings come in ascending order. */
void snap_areas_add(void *arg, const struct snap_mapping *mapping);
/* The one that contains addr, else NULL. */
const struct snap_area *snap_areas_find(const struct snap_areas *areas, uint64_t addr);
/* The first one that starts above addr, else NULL. */
const struct snap_area *snap_areas_above(const struct snap_areas *areas, uint64_t addr);
/* The last one that starts at addr or below it, and the first one that starts at addr or above it;
 * NULL if there is none. */
const struct snap_area *snap_areas_below(const struct snap_areas *areas, uint64_t addr);
const struct snap_area *snap_areas_at_or_above(const struct snap_areas *areas, uint64_t addr);
/* SNAP_AREA_ bits and permissions of a mapping. */
uint32_t snap_area_flags(const struct snap_mapping *mapping);

/* Records of mappings and modules written at most. Where mappings are too many, the anonymous ones
 * are left out first: in a process of thousands of threads, stacks come before libraries. */
#define SNAP_MAX_MAPPINGS_TAKEN 4096
#define SNAP_MAX_MODULES_TAKEN	1024

/* Of addresses that the crash itself speaks of, the mappings there are taken in any case. */
#define SNAP_MAPPINGS_WANTED 12

/* Which of the mappings become records, as they go by in order. */
struct snap_mapping_quota {
	uint64_t room, plain_room; /* still allowed, of these not SNAP_AREA_TELLING */
	uint64_t num_left_out;
	uint64_t wanted[SNAP_MAPPINGS_WANTED]; /* where they start */
	size_t num_wanted;
};

/* num_telling: as struct snap_areas has counted them. */
void snap_mapping_quota_init(struct snap_mapping_quota *quota, uint64_t num_telling);
/* Those round addr: the one that it is in, and the ones before and behind it. */
void snap_mapping_quota_want(
	struct snap_mapping_quota *quota, const struct snap_areas *areas, uint64_t addr);
/* Whether this one does; if not, it is counted. */
bool snap_mapping_quota_take(struct snap_mapping_quota *quota, const struct snap_mapping *mapping);

#endif
