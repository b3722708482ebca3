/*
 * The report for people: what happened, in one line, in one sentence, as a backtrace; then what
 * supports it; then what is missing and how to get it.
 */
#ifndef SNAP_ANALYZE_REPORT_TEXT_H
#define SNAP_ANALYZE_REPORT_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "analyze/crash.h"
#include "analyze/report/sections.h"
#include "analyze/signature/rules.h"

struct snap_text_style {
	const struct snap_rules *rules; /* by which long names are made short; NULL: they stay */
	bool color;
	bool only_crashed_thread; /* leave the other threads out */
	unsigned int sections;	  /* bits (sections.h) */
	size_t columns;		  /* to which lines are folded, SNAP_MIN_COLUMNS at least; 0: any */
};

/* Write the report. -1 only if memory is exhausted; failed writes are left to ferror(out). */
int snap_report_text(
	const struct snap_crash *crash, const struct snap_text_style *style, FILE *out);

#endif
