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

#include "capture/annotations.h"
#include "capture/emit.h"
#include "common/abort_message.h"
#include "common/areas.h"
#include "common/elf_image.h"

struct snap_layout {
	struct snap_emit *emit;
	const struct snap_areas *areas;
	int mem_fd;
	uint64_t vdso_addr;

	struct snap_mapping_quota quota;
	uint64_t modules_left_out;
	uint64_t num_modules, num_looks;
	uint64_t vdso_start, vdso_end;

	/* The module whose mappings go by, if any. */
	bool active, has_image, executable;
	struct snap_elf_image image;
	struct snap_mapping first; /* its path is in path */
	uint64_t end;
	enum snap_build_id_status status; /* where there is no image */
	struct snap_annotations *annotations;
	bool aborted;
	struct snap_abort_finder abort_finder;
	uint8_t path[PATH_MAX];
};

/* areas: of the same maps file, read before; borrowed. vdso_addr: AT_SYSINFO_EHDR, or 0. mem_fd:
 * borrowed. annotations: what libsnapcrash left in the mappings is found for it; borrowed, or
 * NULL. aborted: whether the C library may have said why. */
void snap_layout_init(struct snap_layout *l, struct snap_emit *emit, const struct snap_areas *areas,
	int mem_fd, uint64_t vdso_addr, struct snap_annotations *annotations, bool aborted);
/* What is mapped round addr is of interest: it is told however many mappings there are. */
void snap_layout_want(struct snap_layout *l, uint64_t addr);
/* A snap_maps_fn; arg is the struct snap_layout. */
void snap_layout_add(void *arg, const struct snap_mapping *mapping);
/* The last module, what was left out, the bytes of the vDSO and of places like it. */
void snap_layout_finish(struct snap_layout *l);
/* What the C library said before it aborted the process, if it did; guess, elf_data: as for
 * snap_abort_message_read(). After _finish(). */
void snap_layout_write_abort_message(struct snap_layout *l, bool guess, uint8_t elf_data);

#endif
