/*
 * JSON of what Pigweed's threads tell besides their frames, and of a device's clocks.
 */
#ifndef SNAP_ANALYZE_REPORT_JSON_STACK_H
#define SNAP_ANALYZE_REPORT_JSON_STACK_H

#include "analyze/crash.h"
#include "analyze/report/json_writer.h"

/* "stack" of a thread, and of a microcontroller's "active", "cpu_usage_hundredths", and the
 * device's own "backtrace" and "symbolized_backtrace". */
void snap_json_put_stack(struct snap_json *w, const struct snap_crash *crash,
	const struct snap_crash_thread *thread);
/* "timestamps" and "trace_data_bytes", members of "device"; of a microcontroller. */
void snap_json_put_clocks(struct snap_json *w, const struct snap_crash *crash);

#endif
