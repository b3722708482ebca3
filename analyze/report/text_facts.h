/*
 * The parts of the text report about the process and its machine: of what was captured besides
 * registers and memory, what a reader of a crash asks for first. snapanalyze json has all of it.
 */
#ifndef SNAP_ANALYZE_REPORT_TEXT_FACTS_H
#define SNAP_ANALYZE_REPORT_TEXT_FACTS_H

#include <stdbool.h>
#include <stdio.h>

#include "analyze/crash.h"

/* Lines of the block "Process and device", its width of names included. Absent facts: no line. */
void snap_text_process_facts(const struct snap_crash *crash, FILE *out);
void snap_text_machine_facts(const struct snap_crash *crash, FILE *out);

/*
 * A line on what the thread waits for, if that is known: system call, open file, the kernel's
 * functions. for_many: what is true of threads that stand alike.
 */
void snap_text_wait(const struct snap_crash *crash, const struct snap_crash_thread *thread,
	bool for_many, FILE *out);

/* The last lines of the program's log, indented; none: nothing. */
void snap_text_logs(const struct snap_crash *crash, FILE *out);

/* What the program said before it ended, in a line or more; nothing: nothing. */
void snap_text_abort_message(const struct snap_crash *crash, FILE *out);

#endif
