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

struct snap_text_style {
	bool color;
	bool only_crashed_thread; /* leave the other threads out */
	unsigned int sections;	  /* bits (sections.h) */
};

/* Write the report. Failed writes are left to ferror(out). */
void snap_report_text(
	const struct snap_crash *crash, const struct snap_text_style *style, FILE *out);

#endif
