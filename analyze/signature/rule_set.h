/*
 * Rules as they are kept: what those share who read them, and who go by them.
 */
#ifndef SNAP_ANALYZE_SIGNATURE_RULE_SET_H
#define SNAP_ANALYZE_SIGNATURE_RULE_SET_H

#include <sha2.h>
#include <stdbool.h>
#include <stddef.h>

#include "analyze/signature/rule_table.h"
#include "analyze/signature/rules.h"
#include "common/arena.h"

struct snap_rules_library {
	const char *name;
	const char **patterns;
	size_t num_patterns, capacity;
};

/* In the order in which they count. */
struct snap_rule_list {
	struct snap_rule *rules;
	size_t num, capacity;
};

struct snap_rules {
	struct snap_arena arena;
	struct snap_rules_library libraries[SNAP_RULES_MAX_LIBRARIES];
	size_t num_libraries;
	struct snap_rule_list frames, renames;
	struct snap_rule_list parts; /* of names; they are looked for in the tables: */
	struct snap_rule_table strips, whole_strips, synonyms, families, variants;
	struct snap_rule_table suffixes[SNAP_RULE_HASH + 1]; /* by their classes */
	size_t growth; /* so many bytes a synonym makes of each of its own, at most, but > 0 */
	char digest[2 * SHA256_DIGEST_LENGTH + 1]; /* of the file's text */
	enum snap_signature_depth depth;
	bool is_reset, is_parts_reset; /* the built-in ones are not wanted */
};

/* Whether a rule counts for functions that are there. */
bool snap_rule_is_for(const struct snap_rule *rule, const struct snap_rules_place *place);

/* Add a rule that changed a name; used may be NULL. */
void snap_rules_use(struct snap_rules_used *used, const struct snap_rule *rule);

#endif
