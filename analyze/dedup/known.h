/*
 * Ids that are known: what dedup --known reads.
 */
#ifndef SNAP_ANALYZE_DEDUP_KNOWN_H
#define SNAP_ANALYZE_DEDUP_KNOWN_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/dedup/groups.h"
#include "common/error.h"

/* Of the file. */
#define SNAP_KNOWN_MAX_BYTES (256u << 20)

/* Begins as {0}. */
struct snap_known {
	char **ids; /* ascending */
	size_t num, capacity;
};

/*
 * Of a text, the first word of each line that does not begin with '#': what the verb signature prints
 * will do. Of an object of JSON, as dedup --json prints it, the ids of groups and of the signatures in
 * them. -1 and *err, with the file's name.
 */
int snap_known_read(const char *file, struct snap_known *ret, struct snap_error *err);
void snap_known_deinit(struct snap_known *known);

/* Whether its id is known, or that of a signature in it. */
bool snap_known_has(const struct snap_known *known, const struct snap_group *group);

#endif
