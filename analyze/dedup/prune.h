/*
 * Removes files of groups that have many.
 */
#ifndef SNAP_ANALYZE_DEDUP_PRUNE_H
#define SNAP_ANALYZE_DEDUP_PRUNE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/dedup/groups.h"
#include "analyze/dedup/index.h"
#include "common/error.h"

struct snap_pruned {
	size_t num_files;    /* that went, or would */
	size_t num_kept;     /* of the groups */
	size_t num_failures; /* complained of */
	uint64_t bytes;	     /* that they had */
};

/*
 * Of each group, keep so many files (> 0) of those that are there: the most complete one, and then the
 * newest. The others are told to tell, and removed if that is wanted: those that are still the regular
 * files that were analysed, hold nothing else, and are not, by another name, one that is kept. What can't
 * be removed is told to complain. -1 and *err: the index.
 */
int snap_prune(struct snap_index *index, const struct snap_groups *groups, uint64_t keep,
	bool removes, void (*tell)(const struct snap_group_file *file),
	void (*complain)(const char *format, ...), struct snap_pruned *ret, struct snap_error *err);

#endif
