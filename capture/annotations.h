/*
 * What a process that uses libsnapcrash tells of itself: its annotation areas (capture/lib/area.h),
 * found in its memory and taken apart.
 *
 * Crash-time and hostile: no allocation, bounded reads, no number or address of the target's is
 * believed. Usable in signal handlers, where the process reads its own.
 */
#ifndef SNAP_CAPTURE_ANNOTATIONS_H
#define SNAP_CAPTURE_ANNOTATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/lib/area.h"
#include "common/elf_image.h"
#include "common/memory_plan.h"
#include "common/snapshot.h"

/* A process has one, or one for each copy of the library that is linked into it. */
#define SNAP_ANNOTATIONS_MAX_AREAS 4u
/* Bytes of one registered range, and of all. */
#define SNAP_ANNOTATIONS_RANGE_BYTES (64u << 10)
#define SNAP_ANNOTATIONS_BYTES	     (256u << 10)

/* Where records go; what they hold is valid during the call. */
struct snap_annotations_sink {
	void (*tag)(void *arg, const struct snap_tag *tag);
	void (*log)(void *arg, const struct snap_log *log);
	void (*range)(void *arg, const struct snap_memory_range *range);
	void (*omission)(void *arg, const struct snap_omission *omission);
	void *arg;
};

/* The crash of which a process made, or had made, a snapshot already. */
struct snap_annotations_captured {
	uint32_t pid, tid, signo; /* in its own numbers */
	uint8_t uuid[16];
};

struct snap_annotations {
	snap_memory_read_fn *read;
	void *arg;
	size_t num_areas;
	uint64_t areas[SNAP_ANNOTATIONS_MAX_AREAS];
	uint64_t room; /* for registered memory */
	struct snap_lib_area area, again;
	uint8_t buf[SNAP_ANNOTATIONS_RANGE_BYTES];
};

/* read, arg: of the process's memory. */
void snap_annotations_init(struct snap_annotations *a, snap_memory_read_fn *read, void *arg);

/* A mapping of the process: its area, if it has the name. */
void snap_annotations_offer_mapping(struct snap_annotations *a, const struct snap_mapping *mapping);
/* An ELF image's note (snap_elf_image.area_pointer_addr): where the address of an area is. 0: it
 * has none. */
void snap_annotations_offer_pointer(struct snap_annotations *a, uint64_t addr);

/* Whether one of the areas tells of a captured crash. */
bool snap_annotations_find_captured(
	struct snap_annotations *a, struct snap_annotations_captured *ret);

/*
 * Hand everything to sink. running: the process goes on meanwhile, and what it changes just then is
 * left out (the client's and the debugger's stand still; a process that reads its own does not).
 * same_tids: the process numbers its threads as the snapshot does.
 */
void snap_annotations_read(struct snap_annotations *a, bool running, bool same_tids,
	const struct snap_annotations_sink *sink);

#endif
