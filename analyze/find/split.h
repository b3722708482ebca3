/*
 * Finds the files of split DWARF: the .dwo that a skeleton unit names, and the package (.dwp) that
 * has those of a whole executable. Hostile: the names are what the ELF file says.
 *
 * .dwp: beside the executable or the debug file, under its name with ".dwp"; in the --symbols trees
 * by name.
 * .dwo: its path on the system that it was built on (DW_AT_dwo_name in DW_AT_comp_dir), looked up
 * as the path of a module is; beside the executable and the debug file, by its base name; in the
 * --symbols trees by the name as it is, and by its base name.
 */
#ifndef SNAP_ANALYZE_FIND_SPLIT_H
#define SNAP_ANALYZE_FIND_SPLIT_H

#include "analyze/find/search.h"
#include "analyze/symbols/object.h"

/* Files that are there, and can't be used: of one that is looked for, and of the packages. */
#define SNAP_SPLIT_MAX_BAD 4

struct snap_split_bad {
	struct snap_candidate list[SNAP_SPLIT_MAX_BAD]; /* strings in the search's arena, or static */
	size_t num;
};

struct snap_split {
	struct snap_search *search; /* borrowed: its places, files' origins and candidates */
	size_t num_told;	    /* missing .dwo files in the candidates */
	bool is_dwp;		    /* what was opened last was a package */
	struct snap_split_bad bad_dwo, bad_dwp;
};

/* split, and the search in it, outlive the object that the source is given to. */
struct snap_split_source snap_split_source(struct snap_split *split);

#endif
