/*
 * Arguments and local variables of every listed frame.
 */
#ifndef SNAP_ANALYZE_VARIABLES_VARIABLES_H
#define SNAP_ANALYZE_VARIABLES_VARIABLES_H

#include "analyze/analysis.h"

/*
 * Fill the listed frames' arguments and locals, as far as they are wanted; SNAP_VARIABLES_DEFAULT
 * is none (the verbs that show them say what they want). What the limits leave out is noted. -1
 * only without memory.
 */
int snap_variables_read(
	struct snap_crash *crash, enum snap_variables_wanted wanted, struct snap_error *err);

#endif
