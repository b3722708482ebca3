/*
 * What the parts of the text report share, and those that are as long as a file of their own.
 */
#ifndef SNAP_ANALYZE_REPORT_TEXT_PARTS_H
#define SNAP_ANALYZE_REPORT_TEXT_PARTS_H

#include <stdbool.h>
#include <stdio.h>

#include "analyze/crash.h"
#include "analyze/report/color.h"
#include "analyze/signature/rules.h"

/* Of a list (threads that stand alike, notes, omissions) so many are named. */
#define SNAP_TEXT_LISTED 16

struct snap_text {
	const struct snap_crash *crash;
	const struct snap_rules *rules; /* by which long names are made short; NULL: they stay */
	bool only_crashed_thread;
	struct snap_colors colors;
	FILE *out;
	size_t columns; /* of a line; 0: any */
	bool *begun;	/* something stands above */
};

/* What happened to which program, in one line. */
void snap_text_headline(const struct snap_text *p);

/* An empty line, if something stands above. */
void snap_text_gap(const struct snap_text *p);
/* That, and a line of its own. */
void snap_text_heading(const struct snap_text *p, const char *text);

void snap_text_quoted(const struct snap_text *p, struct snap_bytes text);
void snap_text_thread_id(const struct snap_text *p, const struct snap_crash_thread *thread);
/* With a space in front; nothing if it has none, or stands as its id already. */
void snap_text_thread_name(const struct snap_text *p, const struct snap_crash_thread *thread);
void snap_text_module_name(const struct snap_text *p, const struct snap_crash_module *module);
/* Or why there is none. */
void snap_text_build_id(const struct snap_text *p, const struct snap_module *record);

/* ---------------------------------------------------------------- text_threads.c */

void snap_text_crashed_thread(const struct snap_text *p, const struct snap_crash_thread *thread);
void snap_text_registers(const struct snap_text *p, const struct snap_crash_thread *thread);
/* Those that stand alike together; or how many there are, if only the crashed one is wanted. */
void snap_text_other_threads(const struct snap_text *p);

/* ---------------------------------------------------------------- text_stacks.c */

/* Of a microcontroller's threads: state, use of CPU and stack. */
void snap_text_stacks(const struct snap_text *p);
/* What its clocks showed, and how much of a trace there is: lines of "Process and device". */
void snap_text_clocks(const struct snap_text *p);

/* ---------------------------------------------------------------- text_modules.c */

/* Those that have a frame. */
void snap_text_modules(const struct snap_text *p);
/* Of what modules on the stacks lack symbols, and how to get them. */
void snap_text_missing(const struct snap_text *p);

/* ---------------------------------------------------------------- text_memory.c */

/* What the registers point to, and the memory there. */
void snap_text_memory(const struct snap_text *p);

/* ---------------------------------------------------------------- text_fields.c */

/* Those of a snapshot that we do not know. */
void snap_text_fields(const struct snap_text *p);

/* ---------------------------------------------------------------- text_process.c */

/* "Process and device". */
void snap_text_facts(const struct snap_text *p);
/* Open files. */
void snap_text_files(const struct snap_text *p);
/* What was left out, and what the capturing program had to say. */
void snap_text_notes(const struct snap_text *p);
void snap_text_signature(const struct snap_text *p);

#endif
