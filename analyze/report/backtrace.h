/*
 * A thread's backtrace and registers as text.
 */
#ifndef SNAP_ANALYZE_REPORT_BACKTRACE_H
#define SNAP_ANALYZE_REPORT_BACKTRACE_H

#include <stdio.h>

#include "analyze/crash.h"
#include "analyze/report/color.h"
#include "analyze/signature/rules.h"
#include "common/words.h"

/* The longest name of a frame, with its NUL. */
#define SNAP_FRAME_NAME_MAX (SNAP_PRINT_MAX + 40)

/*
 * What stands in the column of functions, safe to print: a function, or where the pc is. rules: by
 * which a long name is made short, as signatures have it; NULL: it stays.
 */
void snap_frame_name(const struct snap_crash_thread *thread, size_t index,
	const struct snap_rules *rules, char *out, size_t size);

struct snap_backtrace_style {
	const struct snap_rules *rules; /* as of snap_frame_name() */
	const struct snap_colors *colors;
	const struct snap_source_text *source; /* of each listed line; NULL: none */
	size_t columns; /* of a line; 0: any */
	bool for_many; /* of threads that stand alike: without what differs, variables and addresses */
};

/* The listed frames, a line each, and how the stack ends where that needs saying. */
void snap_backtrace_print(const struct snap_crash_thread *thread,
	const struct snap_backtrace_style *style, FILE *out);

/* The general registers, four in a row, or as many as fit into so many columns (0: any). Prints nothing if
 * there are none. */
void snap_registers_print(const struct snap_crash *crash, const struct snap_crash_thread *thread,
	size_t columns, FILE *out);

#endif
