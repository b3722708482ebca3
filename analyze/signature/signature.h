/*
 * Sign: a short text, and an id made of it, that are the same for the same bug. docs/signatures.rst
 * has the algorithm, step by step.
 */
#ifndef SNAP_ANALYZE_SIGNATURE_SIGNATURE_H
#define SNAP_ANALYZE_SIGNATURE_SIGNATURE_H

#include "analyze/crash.h"
#include "analyze/signature/rules.h"
#include "common/error.h"

/* Fill crash->signature by these rules. -1 only if memory is exhausted. */
int snap_sign(struct snap_crash *crash, const struct snap_rules *rules, struct snap_error *err);

/*
 * Of a backtrace whose text names no signal: an abort if what ends programs on purpose stands on top.
 * -1 only if memory is exhausted.
 */
int snap_signature_find_kind(
	struct snap_crash *crash, const struct snap_rules *rules, struct snap_error *err);

/* What became of a line of the crashing thread. */
struct snap_signature_reason {
	bool is_kept;
	const char *words;	      /* "ends the program"; static */
	const struct snap_rule *rule; /* by which; NULL: by none */
	const char *name; /* the function as signatures have it; NULL: it has none */
	const struct snap_rules_used *used; /* rules that made that of its name; NULL: none did */
};

/*
 * Tell why the signature is what it is: a reason for each of the crashing thread's listed lines, as
 * far as *ret_num, in crash->arena. -1 only if memory is exhausted.
 */
int snap_signature_explain(struct snap_crash *crash, const struct snap_rules *rules,
	struct snap_signature_reason **ret, size_t *ret_num, struct snap_error *err);

#endif
