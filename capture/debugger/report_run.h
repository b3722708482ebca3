/*
 * Hands a snapshot to snapanalyze, where the analysis half is installed, too.
 */
#ifndef SNAP_CAPTURE_DEBUGGER_REPORT_RUN_H
#define SNAP_CAPTURE_DEBUGGER_REPORT_RUN_H

#include <limits.h>

#include "common/error.h"

struct snap_report_program {
	char path[PATH_MAX];
};

/*
 * Where snapanalyze is: beside this program, else in /usr/local/bin, /usr/bin or /bin. The user's
 * PATH is not asked, for this program often runs as root. Returns 0, or -1 if there is none.
 */
int snap_report_program_find(struct snap_report_program *ret, struct snap_error *err);

/*
 * Run its "report" on the file fd (borrowed), from its start, and wait. Returns 0 and its exit
 * status, or -1.
 */
int snap_report_program_run(
	const struct snap_report_program *program, int fd, int *ret_status, struct snap_error *err);

#endif
