/*
 * A thread's backtrace and registers as text.
 */
#ifndef SNAP_ANALYZE_REPORT_BACKTRACE_H
#define SNAP_ANALYZE_REPORT_BACKTRACE_H

#include <stdio.h>

#include "analyze/crash.h"
#include "analyze/report/color.h"

/* The listed frames, a line each, and how the stack ends where that needs saying. */
void snap_backtrace_print(
	const struct snap_crash_thread *thread, const struct snap_colors *colors, FILE *out);

/* The general registers, four in a row. Prints nothing if there are none. */
void snap_registers_print(
	const struct snap_crash *crash, const struct snap_crash_thread *thread, FILE *out);

#endif
