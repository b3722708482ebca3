/*
 * What the JSON report says of the cause beyond the kind and the sentence: its parts.
 */
#ifndef SNAP_ANALYZE_REPORT_JSON_CAUSE_H
#define SNAP_ANALYZE_REPORT_JSON_CAUSE_H

#include "analyze/crash.h"
#include "analyze/report/json_writer.h"

/* Members of the object that is being written. */
void snap_json_put_cause_parts(struct snap_json *w, const struct snap_crash *crash);

/* "lock" of a thread that waits for one. */
void snap_json_put_lock(struct snap_json *w, const struct snap_crash *crash,
	const struct snap_crash_thread *thread);

#endif
