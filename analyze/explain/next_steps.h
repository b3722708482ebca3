/*
 * What a person would do next about a crash: where to look, and how to know more.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_NEXT_STEPS_H
#define SNAP_ANALYZE_EXPLAIN_NEXT_STEPS_H

#include "analyze/crash.h"
#include "common/error.h"

/*
 * Fill crash->next_steps, the most useful first. Each is said only if what it rests on is in the model: a
 * frame to look at, a module without symbols, a file that was cut, a sender. only_crashed_thread:
 * modules of other threads do not count. After snap_sign(). -1 only if memory is exhausted.
 */
int snap_find_next_steps(
	struct snap_crash *crash, bool only_crashed_thread, struct snap_error *err);

/* What is missing of a module's symbols, in words; NULL: nothing that anybody would miss. Static. */
const char *snap_missing_words(const struct snap_crash_module *module);

/* Static. */
const char *snap_next_name(enum snap_next_kind kind);

#endif
