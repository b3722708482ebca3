/*
 * One frame as its debug information sees it: the unit and the function that its pc is in, the
 * registers that are known there, memory, and the frame that called it.
 *
 * Hostile: all work is taken from one budget that all frames of an input share.
 */
#ifndef SNAP_ANALYZE_VARIABLES_VIEW_H
#define SNAP_ANALYZE_VARIABLES_VIEW_H

#include "analyze/crash.h"
#include "analyze/dwarf/file.h"

/* What is left of it. */
struct snap_variables_budget {
	uint64_t entries;    /* of debug information that may be looked at */
	uint64_t list_bytes; /* of location lists */
	uint64_t steps;	     /* of expressions */
	uint64_t text;	     /* bytes of names, types and values */
	uint64_t variables;
};

/* What views have in common. */
struct snap_views {
	struct snap_crash *crash;
	struct snap_variables_budget left;
};

struct snap_view {
	struct snap_views *views;
	const struct snap_arch *arch;
	const struct snap_crash_thread *thread;
	size_t index; /* of the frame in thread->frames */
	const struct snap_frame *frame;
	uint64_t known_regs; /* bit n: frame->regs[n] is known */
	struct snap_object *object;
	struct snap_dwarf_unit *unit;
	uint64_t load_bias;	  /* of the target's addresses on top of the file's */
	uint64_t vaddr;		  /* what is looked up, in the file */
	struct snap_die function; /* the entry whose code has vaddr; it is of the unit */
	uint64_t function_start;
};

void snap_views_init(struct snap_views *views, struct snap_crash *crash);

/* False if no debug information is known of the frame. */
bool snap_view_init(struct snap_views *views, const struct snap_crash_thread *thread, size_t index,
	struct snap_view *ret);
/* The frame that called. False if it is not known, or what called it is not sure. */
bool snap_view_caller(const struct snap_view *view, struct snap_view *ret);

/*
 * Memory of the target, as captured or, where the program could not write to it, as its file has
 * it. Returns how many of len bytes there are from addr on.
 */
size_t snap_view_read(const struct snap_view *view, uint64_t addr, void *buf, size_t len);

/* A register by its DWARF number, as it stands in memory: its length, or 0 if it is not known. */
#define SNAP_VIEW_MAX_REGISTER 16
size_t snap_view_register(
	const struct snap_view *view, uint64_t number, uint8_t ret[SNAP_VIEW_MAX_REGISTER]);

/* As snap_die_attrs(), out of the budget. */
const struct snap_abbrev *snap_view_attrs(const struct snap_view *view, struct snap_die die,
	const uint16_t *names, struct snap_attr *attrs, size_t num);

/* The entry that a reference leads to, those to type units included. */
bool snap_view_reference(const struct snap_view *view, const struct snap_dwarf_unit *unit,
	const struct snap_attr *attr, struct snap_die *ret);

#endif
