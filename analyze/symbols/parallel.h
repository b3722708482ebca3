/*
 * Makes the tables of many units by several processes at once.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_PARALLEL_H
#define SNAP_ANALYZE_SYMBOLS_PARALLEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/symbols/debug_info.h"
#include "analyze/symbols/name_pool.h"
#include "common/bytes.h"

struct snap_made_table {
	bool is_made;
	bool is_whole;		 /* as snap_debug_info_table() says */
	struct snap_bytes bytes; /* on the heap */
};

/*
 * units: num of them, none twice. made[i], zeroed by the caller, is filled in for each unit that a
 * worker was done with: one that dies, or memory that is short, leaves the others' as they are.
 * Names go to the pool; shown: also as people are to see them. told: called now and then with how
 * many are done; NULL.
 */
void snap_parallel_tables(struct snap_debug_info *info, struct snap_name_pool *pool,
	const uint32_t *units, size_t num, size_t num_jobs, struct snap_made_table *made,
	bool shown, void (*told)(size_t done, size_t all, void *data), void *data);

#endif
