/*
 * Into the index: analyses what was not seen yet.
 */
#ifndef SNAP_ANALYZE_DEDUP_INGEST_H
#define SNAP_ANALYZE_DEDUP_INGEST_H

#include <stddef.h>

#include "analyze/command.h"
#include "analyze/dedup/index.h"
#include "analyze/dedup/input_list.h"

/* What became of the files of a list. */
struct snap_ingested {
	size_t num_new;	    /* crashes that were added */
	size_t num_known;   /* files that were read before */
	size_t num_copies;  /* files with a snapshot that another file has */
	size_t num_unsigned; /* of the new ones, those without a signature */
};

/*
 * Analyse the files and add what is found. keeps: the index stays, so that what it has is not analysed
 * again. What can't be analysed is complained of; *ret counts on. Returns the worst enum snap_exit.
 */
enum snap_exit snap_ingest(const struct snap_arguments *arguments, struct snap_index *index,
	bool keeps, const struct snap_input_list *list, struct snap_ingested *ret);

#endif
