/*
 * Groups as people and programs read them.
 */
#ifndef SNAP_ANALYZE_DEDUP_PRINT_H
#define SNAP_ANALYZE_DEDUP_PRINT_H

#include <stdbool.h>
#include <stdio.h>

#include "analyze/dedup/groups.h"
#include "analyze/dedup/known.h"

/* Two lines for each. known: NULL: nobody asks what is new. */
void snap_groups_print(const struct snap_groups *groups, const struct snap_known *known, FILE *out);

/* One object, as docs/dedup.schema.json has it. The groups have all their files. */
void snap_groups_print_json(const struct snap_groups *groups, const struct snap_known *known,
	bool pretty, FILE *out);

/* The example's name on a line each, if it has one. */
void snap_groups_print_examples(const struct snap_groups *groups, FILE *out);

/* "FILE", "FILE:LINE", safe for terminals, whole. */
void snap_group_file_print(const struct snap_group_file *file, FILE *out);

#endif
