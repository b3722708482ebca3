/*
 * Which frames make up a signature, and what functions are called in it: rules as data (builtin.rules
 * says how they are written).
 */
#ifndef SNAP_ANALYZE_SIGNATURE_RULES_H
#define SNAP_ANALYZE_SIGNATURE_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/crash.h"
#include "common/arena.h"
#include "common/bytes.h"
#include "common/error.h"

enum snap_rule_action {
	/* What becomes of a frame. */
	SNAP_RULE_KEEP,
	SNAP_RULE_SKIP,
	SNAP_RULE_PREFIX,
	SNAP_RULE_TAIL,
	SNAP_RULE_OUTER,
	/* What a function is called. */
	SNAP_RULE_RENAME,
	/* What is taken off its name before. */
	SNAP_RULE_STRIP,
	SNAP_RULE_SUFFIX,
	SNAP_RULE_SYNONYM,
	SNAP_RULE_FAMILY,
	SNAP_RULE_VARIANT,
};

/* The part of a suffix that differs. */
enum snap_rule_class {
	SNAP_RULE_LITERAL, /* none does */
	SNAP_RULE_NUMBER,  /* %n: what hexadecimal digits are at the end, beginning with a decimal one */
	SNAP_RULE_HASH,	   /* %h: 16 hexadecimal digits in lower case */
};

struct snap_rule {
	enum snap_rule_action action;
	const char *modules, *function; /* as written; of a name's part: the part */
	const char *to;			/* of renames and synonyms: what stands there instead */
	uint32_t library;		/* its bit; 0: modules is a pattern */
	bool is_not;			/* the part stays */
	bool is_builtin;
	size_t line; /* where it is written, > 0 */
	/* Of rules for parts of names: what is looked for in them, not NUL-terminated; function without its
	 * class, and with the name behind a prefix, if that goes from some names alone. */
	struct snap_bytes text;
	enum snap_rule_class class;
	const char *whole; /* that name; NULL: any */
};

/* Limits of a file of rules. */
#define SNAP_RULES_MAX_BYTES	 (1u << 20)
#define SNAP_RULES_MAX_LIBRARIES 32u
#define SNAP_RULES_MAX_PARTS	 4096u /* rules for parts of names */
#define SNAP_RULES_MAX_TEXT	 63u   /* bytes of such a part */

struct snap_rules;

/*
 * The built-in rules, behind those of file (NULL: none). To be freed by snap_rules_free(). NULL
 * with the file, the line and what is wrong there in err.
 */
struct snap_rules *snap_rules_load(const char *file, struct snap_error *err);
void snap_rules_free(struct snap_rules *rules);
/* Of the file, in hexadecimal; "": there is none. */
const char *snap_rules_digest(const struct snap_rules *rules);

/* How many of the frames make up the id. */
enum snap_signature_depth snap_rules_depth(const struct snap_rules *rules);

/* The libraries, a bit each, that a module with this base name belongs to. */
uint32_t snap_rules_libraries(const struct snap_rules *rules, struct snap_bytes module);

/* Where a function is. */
struct snap_rules_place {
	struct snap_bytes module; /* its base name; empty: none */
	uint32_t libraries;	  /* that the module belongs to */
	uint32_t present;	  /* that the process has as modules of their own */
};

struct snap_rules_place snap_rules_place(
	const struct snap_rules *rules, struct snap_bytes module, uint32_t present);

/* Rules that changed a name, in that order; of more than there is room for, the first. */
struct snap_rules_used {
	const struct snap_rule *rules[8];
	size_t num;
};

/*
 * The rule for a function in its signature's form ("" if it has no name) that is there. NULL: an
 * ordinary one.
 */
const struct snap_rule *snap_rules_find(const struct snap_rules *rules, const char *function,
	const struct snap_rules_place *place);

/*
 * The name that rules give to a function of that name, both in their signature's form; name itself if none
 * does. In arena; NULL without memory. used: those rules are added to it; or NULL.
 */
const char *snap_rules_rename(const struct snap_rules *rules, const char *name,
	const struct snap_rules_place *place, struct snap_arena *arena,
	struct snap_rules_used *used);

/* "skip", as in a file. */
const char *snap_rule_action_name(enum snap_rule_action action);

#endif
