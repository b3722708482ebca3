/*
 * Which frames make up a signature: rules as data (builtin.rules says how they are written).
 */
#ifndef SNAP_ANALYZE_SIGNATURE_RULES_H
#define SNAP_ANALYZE_SIGNATURE_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/bytes.h"
#include "common/error.h"

enum snap_rule_action {
	SNAP_RULE_KEEP,
	SNAP_RULE_SKIP,
	SNAP_RULE_PREFIX,
	SNAP_RULE_TAIL,
	SNAP_RULE_OUTER,
};

struct snap_rule {
	enum snap_rule_action action;
	const char *modules, *function; /* as written */
	uint32_t library;		/* its bit; 0: modules is a pattern */
	bool is_builtin;
	size_t line; /* where it is written, > 0 */
};

/* Limits of a file of rules. */
#define SNAP_RULES_MAX_BYTES	 (1u << 20)
#define SNAP_RULES_MAX_LIBRARIES 32u

struct snap_rules;

/*
 * The built-in rules, behind those of file (NULL: none). To be freed by snap_rules_free(). NULL
 * with the file, the line and what is wrong there in err.
 */
struct snap_rules *snap_rules_load(const char *file, struct snap_error *err);
void snap_rules_free(struct snap_rules *rules);
/* Of the file, in hexadecimal; "": there is none. */
const char *snap_rules_digest(const struct snap_rules *rules);

/* The libraries, a bit each, that a module with this base name belongs to. */
uint32_t snap_rules_libraries(const struct snap_rules *rules, struct snap_bytes module);

/*
 * The rule for a function in its signature's form ("" if it has no name) in a module with this base
 * name; present: the libraries that the process has as modules of their own. NULL: an ordinary one.
 */
const struct snap_rule *snap_rules_find(const struct snap_rules *rules, const char *function,
	struct snap_bytes module, uint32_t present);

/*
 * The name that rules give to a function of that name, both in their signature's form; name itself if none
 * does. In arena; NULL without memory.
 */
const char *snap_rules_rename(const struct snap_rules *rules, const char *name,
	struct snap_bytes module, uint32_t present, struct snap_arena *arena);

/* "skip", as in a file. */
const char *snap_rule_action_name(enum snap_rule_action action);

#endif
