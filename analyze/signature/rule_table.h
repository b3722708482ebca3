/*
 * Finds, of many rules for parts of names, the one whose text a name begins or ends with.
 */
#ifndef SNAP_ANALYZE_SIGNATURE_RULE_TABLE_H
#define SNAP_ANALYZE_SIGNATURE_RULE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/signature/rules.h"
#include "common/arena.h"

struct snap_rule_entry;

/* By texts of 1 to SNAP_RULES_MAX_TEXT bytes. All zero: an empty one. */
struct snap_rule_table {
	struct snap_rule_entry **slots;
	uint32_t mask;		 /* their number less 1: it is a power of 2 */
	bool from_end;		 /* texts are looked for at the end of names */
	uint64_t lengths;	 /* a bit for each that a text has */
	uint64_t bytes[4];	 /* a bit for each that a text begins (from_end: ends) with */
};

/* With room for num rules. -1 without memory. */
int snap_rule_table_init(
	struct snap_rule_table *table, size_t num, bool from_end, struct snap_arena *arena);

/*
 * Add a rule behind those that have the same text. *ret_before: one of the same file, of the same
 * text and for the same modules, behind which it never counts; or NULL. -1 without memory.
 */
int snap_rule_table_add(struct snap_rule_table *table, const struct snap_rule *rule,
	struct snap_arena *arena, const struct snap_rule **ret_before);

/*
 * The first rule that counts at that place, of those with the longest text that [s, s + len) begins
 * (from_end: ends) with and for which there is one. NULL: none.
 */
const struct snap_rule *snap_rule_table_find(const struct snap_rule_table *table, const char *s,
	size_t len, const struct snap_rules_place *place);

/* The same of those whose text is [s, s + len). */
const struct snap_rule *snap_rule_table_find_whole(const struct snap_rule_table *table,
	const char *s, size_t len, const struct snap_rules_place *place);

#endif
