/*
 * What is to be said of a snapshot's tokens as a whole: in its notes.
 */
#ifndef SNAP_ANALYZE_TOKENS_SUMMARY_H
#define SNAP_ANALYZE_TOKENS_SUMMARY_H

#include <stddef.h>
#include <stdint.h>

#include "analyze/crash.h"
#include "analyze/tokens/detokenise.h"

/* Of the tokens that no database has, so many are named. */
#define SNAP_TOKENS_NAMED 8

/* Begins as zeros. */
struct snap_token_summary {
	size_t num_unknown, num_ambiguous, num_faulty, num_cut, num_left; /* texts */
	uint32_t unknown[SNAP_TOKENS_NAMED]; /* tokens, each once */
	size_t num_named;
};

void snap_token_summary_add(
	struct snap_token_summary *summary, const struct snap_detokenised *text);

/* Into the crash's notes. has_database: there was one to look into. 0, or -1 and *err. */
int snap_token_summary_note(const struct snap_token_summary *summary, bool has_database,
	struct snap_crash *crash, struct snap_error *err);

#endif
