/*
 * The report for machines. docs/report.schema.json describes it.
 */
#ifndef SNAP_ANALYZE_REPORT_JSON_H
#define SNAP_ANALYZE_REPORT_JSON_H

#include <stdbool.h>
#include <stdio.h>

#include "analyze/crash.h"
#include "common/error.h"

struct snap_json_style {
	bool pretty;		  /* indented; else one line */
	bool only_crashed_thread; /* leave the other threads out */
};

/*
 * Write one report and a newline. -1 only if memory is exhausted, out then holding a part; failed
 * writes are left to ferror(out).
 */
int snap_report_json(const struct snap_crash *crash, const struct snap_json_style *style, FILE *out,
	struct snap_error *err);

#endif
