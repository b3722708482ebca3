/*
 * How similar inputs are to those before them: for whoever wants to see whether groups are right,
 * or to choose a threshold.
 */
#ifndef SNAP_ANALYZE_DEDUP_SCORES_H
#define SNAP_ANALYZE_DEDUP_SCORES_H

#include "analyze/command.h"
#include "analyze/dedup/input_list.h"

/* Of each input, so many are printed at most. */
#define SNAP_SCORES_MAX 100

/*
 * Of each input, in the order of the list, prints the inputs before it that share a function with it,
 * the most similar first: "FILE<TAB>EARLIER<TAB>SIMILARITY". Returns the worst enum snap_exit.
 */
enum snap_exit snap_scores_print(
	const struct snap_arguments *arguments, const struct snap_input_list *list);

#endif
