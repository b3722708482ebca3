/*
 * What is mapped where: the records of mappings, modules and the vDSO, written as the lines of
 * maps stream by.
 *
 * Crash-time and hostile: fixed buffers, no allocation; build IDs are read from the target's
 * memory, never from the files that it names.
 */
#ifndef SNAP_CAPTURE_LAYOUT_H
#define SNAP_CAPTURE_LAYOUT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "capture/emit.h"
#include "capture/proc_maps.h"
#include "common/elf_image.h"

/* Records written at most. Where mappings are too many, the anonymous ones are left out first: in
 * a process of thousands of threads, stacks come before libraries. */
#define SNAP_LAYOUT_MAX_MAPPINGS 4096
#define SNAP_LAYOUT_MAX_MODULES	 1024

struct snap_layout {
	struct snap_emit *emit;
	int mem_fd;
	uint64_t vdso_addr;

	uint64_t room, plain_room; /* records still allowed, of these not SNAP_AREA_TELLING */
	uint64_t mappings_left_out, modules_left_out;
	uint64_t num_modules, num_looks;
	uint64_t vdso_start, vdso_end;

	/* The module whose mappings go by, if any. */
	bool active, has_image, executable;
	struct snap_elf_image image;
	struct snap_mapping first; /* its path is in path */
	uint64_t end;
	enum snap_build_id_status status; /* where there is no image */
	uint8_t path[PATH_MAX];
};

/* areas: of the same maps file, read before. vdso_addr: AT_SYSINFO_EHDR, or 0. mem_fd: borrowed. */
void snap_layout_init(struct snap_layout *l, struct snap_emit *emit, const struct snap_areas *areas,
	int mem_fd, uint64_t vdso_addr);
/* A snap_maps_fn; arg is the struct snap_layout. */
void snap_layout_add(void *arg, const struct snap_mapping *mapping);
/* The last module, the vDSO's bytes, and what was left out. */
void snap_layout_finish(struct snap_layout *l);

#endif
