/*
 * The cause of a crash whose backtrace came as text (input/text.h), as far as the text does not say it
 * itself.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_TEXT_CAUSE_H
#define SNAP_ANALYZE_EXPLAIN_TEXT_CAUSE_H

#include "analyze/crash.h"
#include "common/error.h"

/*
 * Of an abort, fill the cause's failure and assertion, and the crash's message, if the text has none
 * of its own, by the lines that stand before the backtrace. -1 only without memory.
 */
int snap_text_cause_find(struct snap_crash *crash, struct snap_error *err);

#endif
