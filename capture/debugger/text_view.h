/*
 * A snapshot's records, put where the printer of text finds them.
 *
 * Allocates: to be used when the target runs again. What the target made up stays in it as bytes.
 */
#ifndef SNAP_CAPTURE_DEBUGGER_TEXT_VIEW_H
#define SNAP_CAPTURE_DEBUGGER_TEXT_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arch.h"
#include "common/arena.h"
#include "common/bytes.h"
#include "common/error.h"
#include "common/snapshot.h"
#include "common/snapshot_read.h"

/* A list that grows. */
#define SNAP_TEXT_LIST(type)                                                                       \
	struct {                                                                                   \
		type *items;                                                                       \
		size_t num, capacity;                                                              \
	}

struct snap_text_view {
	struct snap_reader reader;
	struct snap_arena arena;
	const struct snap_arch *arch; /* NULL: not known */
	struct snap_process process;  /* what all its records say */
	struct snap_metadata metadata;
	struct snap_system system;
	struct snap_capture capture;
	SNAP_TEXT_LIST(struct snap_thread) threads;	  /* as they come, the main one first */
	SNAP_TEXT_LIST(struct snap_thread_facts) facts;	  /* by tid */
	SNAP_TEXT_LIST(struct snap_memory_range) memory;  /* by address */
	SNAP_TEXT_LIST(struct snap_memory_range) stacks;  /* by tid and address */
	SNAP_TEXT_LIST(struct snap_mapping) mappings;	  /* by address, as the kernel lists them */
	SNAP_TEXT_LIST(struct snap_module) modules;	  /* by address */
	SNAP_TEXT_LIST(struct snap_open_file) open_files; /* as they come */
	SNAP_TEXT_LIST(struct snap_omission) omissions;
	SNAP_TEXT_LIST(struct snap_tag) tags;
	SNAP_TEXT_LIST(struct snap_bytes) notes;
	SNAP_TEXT_LIST(struct snap_bytes) faults; /* records that could not be read: why */
};

/* file must outlive the view. Returns 0, or -1; in either case _deinit() is needed. */
int snap_text_view_init(
	struct snap_text_view *view, struct snap_bytes file, struct snap_error *err);
void snap_text_view_deinit(struct snap_text_view *view);

/* The bytes that were captured from addr on; none: their len is 0. */
struct snap_bytes snap_text_memory(const struct snap_text_view *view, uint64_t addr);
/* What is mapped at addr, or NULL. */
const struct snap_mapping *snap_text_mapping(const struct snap_text_view *view, uint64_t addr);
const struct snap_module *snap_text_module(const struct snap_text_view *view, uint64_t addr);
/* What the kernel tells of a thread, or NULL. */
const struct snap_thread_facts *snap_text_facts(const struct snap_text_view *view, uint64_t tid);
/* The ranges of a thread's stacks: the first, and how many. */
const struct snap_memory_range *snap_text_stacks(
	const struct snap_text_view *view, uint64_t tid, size_t *ret_num);

#endif
