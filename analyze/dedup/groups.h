/*
 * Groups of the crashes in an index, as they are shown.
 */
#ifndef SNAP_ANALYZE_DEDUP_GROUPS_H
#define SNAP_ANALYZE_DEDUP_GROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/dedup/filter.h"
#include "analyze/dedup/index.h"
#include "analyze/dedup/joins.h"
#include "common/arena.h"
#include "common/error.h"

/* So many crashes of a group have this name: a version, a device. */
struct snap_group_count {
	const char *name;
	uint64_t num;
	int64_t first_ns; /* when the first of them was captured */
};

/* A signature that crashes of a group have, its own or another. */
struct snap_group_id {
	const char *id;
	uint64_t num; /* of them */
	bool has_similarity; /* it joined the group by this similarity */
	double similarity;
};

struct snap_group_file {
	const char *path;
	uint64_t line; /* 0: the whole file */
	int64_t captured_ns;
	int64_t completeness;
};

/* How the crashes of the last week compare with those of the week before. */
enum snap_trend {
	SNAP_TREND_NEW, /* there were none before that week */
	SNAP_TREND_RISING,
	SNAP_TREND_STEADY,
	SNAP_TREND_FALLING,
	SNAP_TREND_GONE, /* none in that week */
};

struct snap_group {
	const char *id, *text, *kind;
	int64_t signature; /* the row of its id */
	uint64_t count;
	int64_t first_ns, last_ns;
	uint64_t num_last_week, num_week_before; /* before the newest crash of all */
	enum snap_trend trend;
	const char *new_in; /* the version of the first crash that has one; NULL: none has */
	struct snap_group_count *versions; /* in the order in which they were first seen */
	size_t num_versions;
	struct snap_group_count *devices; /* by name */
	size_t num_devices;
	struct snap_group_id *ids; /* by id */
	size_t num_ids;
	const struct snap_group_file *example; /* the most complete one; NULL: all files are gone */
	/* If they are wanted, those that are there, by time. */
	struct snap_group_file *files;
	size_t num_files;
};

/* Begins as {0}, and needs snap_groups_deinit(). */
struct snap_groups {
	struct snap_arena arena; /* of all that the groups point to */
	struct snap_group *groups; /* the largest first, then by id */
	size_t num;
	uint64_t num_crashes;	/* in them */
	uint64_t num_unsigned;	/* crashes without a signature */
	struct snap_group_file *unsigned_files; /* theirs, if files are wanted */
	size_t num_unsigned_files;
};

/* joins: which groups count as one. -1 and *err: the index can't be read, no memory. */
int snap_groups_read(struct snap_index *index, const struct snap_filter *filter,
	const struct snap_joins *joins, bool wants_files, struct snap_groups *ret,
	struct snap_error *err);
void snap_groups_deinit(struct snap_groups *groups);

/* "rising". Static. */
const char *snap_trend_name(enum snap_trend trend);

#endif
