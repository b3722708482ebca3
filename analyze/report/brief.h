/*
 * The report that fits on a screen of 80 columns and 24 lines, whatever the crash: what happened,
 * where, and what to do next.
 */
#ifndef SNAP_ANALYZE_REPORT_BRIEF_H
#define SNAP_ANALYZE_REPORT_BRIEF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "analyze/crash.h"
#include "analyze/signature/rules.h"

/* With the line that a shell's prompt takes, 24. */
#define SNAP_BRIEF_LINES       23
#define SNAP_BRIEF_COLUMNS     80
#define SNAP_BRIEF_MIN_COLUMNS 40

struct snap_brief_style {
	const struct snap_rules *rules; /* by which long names are made short; NULL: they stay */
	bool color;
	size_t columns; /* of a line, SNAP_BRIEF_MIN_COLUMNS at least; fewer than 80 take more lines
			 */
};

/* Write it. -1 only if memory is exhausted; failed writes are left to ferror(out). */
int snap_report_brief(const struct snap_crash *crash, const struct snap_brief_style *style,
	FILE *out, struct snap_error *err);

#endif
