/*
 * Which crashes of an index are looked at: the options of dedup that say so, as SQL.
 */
#ifndef SNAP_ANALYZE_DEDUP_FILTER_H
#define SNAP_ANALYZE_DEDUP_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/dedup/database.h"
#include "common/error.h"

enum snap_filter_column {
	SNAP_FILTER_VERSION,
	SNAP_FILTER_DEVICE,
	SNAP_FILTER_PROJECT,
	SNAP_FILTER_KIND,
	SNAP_FILTER_TAG, /* "key=value" */
	SNAP_FILTER_NUM_COLUMNS,
};

/* Of several values of one column one must fit, but all tags must be there. */
struct snap_filter_value {
	enum snap_filter_column column;
	const char *value;
};

struct snap_filter {
	bool has_since, has_until;
	int64_t since_ns, until_ns; /* captured in [since, until) */
	struct snap_filter_value *values; /* owned array of borrowed strings */
	size_t num_values;
};

/* False without memory. */
bool snap_filter_add(struct snap_filter *filter, enum snap_filter_column column, const char *value);
void snap_filter_deinit(struct snap_filter *filter);

/*
 * A point in time: "2026-11-27", "2026-11-27T10:30", "2026-11-27T10:30:00Z" (all UTC), or "7d", "12h", "30m"
 * before now_ns. False if it is none.
 */
bool snap_filter_parse_time(const char *text, int64_t now_ns, int64_t *ret);

/*
 * Conditions on the table crashes, as " AND ..." on the heap, with parameters from number first on; NULL without
 * memory.
 */
char *snap_filter_sql(const struct snap_filter *filter, int first);
/* Give them their values. */
void snap_filter_bind(
	const struct snap_filter *filter, int first, struct snap_statement *statement);

#endif
