/*
 * Which groups count as one: those of similar stacks, and those that somebody said so of, in words
 * ("pins"):
 *
 *     # The same, whatever their stacks say.
 *     merge s1:0b5d... s1:71c2...     the first is shown as part of the second
 *     split s1:93aa...                stands alone
 */
#ifndef SNAP_ANALYZE_DEDUP_JOINS_H
#define SNAP_ANALYZE_DEDUP_JOINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/dedup/index.h"
#include "common/error.h"

/* Limits of a file of pins. */
#define SNAP_PINS_MAX_BYTES (16u << 20)

/* What was pinned; begins as {0}. */
struct snap_pins {
	struct snap_pin {
		char *id, *into; /* into: NULL: split */
	} *pins;
	size_t num, capacity;
};

/* "A=B". -1 and *err: it is no such thing, no memory. */
int snap_pins_merge(struct snap_pins *pins, const char *text, struct snap_error *err);
int snap_pins_split(struct snap_pins *pins, const char *id, struct snap_error *err);
/* into: NULL: id is split. Both are copied. */
int snap_pins_add(
	struct snap_pins *pins, const char *id, const char *into, struct snap_error *err);
/* Of a file: *err has its name and the line of what is wrong. */
int snap_pins_read(struct snap_pins *pins, const char *file, struct snap_error *err);
void snap_pins_deinit(struct snap_pins *pins);

/* By row of the table signatures, ascending. */
struct snap_join {
	int64_t signature, into; /* never joined to another itself */
	bool has_similarity;
	double similarity;
};

/* Begins as {0}. */
struct snap_joins {
	struct snap_join *joins;
	size_t num, capacity;
	int64_t *splits; /* signatures that stand alone, ascending */
	size_t num_splits;
	size_t num_unknown; /* pins that name a signature that is not there */
};

/* similar: those of the table leaders, too. */
int snap_joins_read(struct snap_index *index, bool similar, const struct snap_pins *pins,
	struct snap_joins *ret, struct snap_error *err);
void snap_joins_deinit(struct snap_joins *joins);

/* NULL: it is part of nothing else. */
const struct snap_join *snap_joins_get(const struct snap_joins *joins, int64_t signature);
/* What a signature is part of; itself if of nothing else. */
int64_t snap_joins_find(const struct snap_joins *joins, int64_t signature);

#endif
