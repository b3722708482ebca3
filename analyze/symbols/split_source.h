/*
 * Where split DWARF comes from: neither libdw nor our own reader opens files.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_SPLIT_SOURCE_H
#define SNAP_ANALYZE_SYMBOLS_SPLIT_SOURCE_H

#include <stddef.h>

#include "analyze/symbols/elf_file.h"

/*
 * Where the files of split DWARF are looked for. They have no build ID: whoever reads one compares
 * its dwo_id first, and asks for the next if it is another.
 *
 * Both return 1 and *ret, on the heap, which the caller ends with snap_elf_file_destroy(); 0 if
 * there are no more; -1 without memory. *place is 0 at first, and then as the call before left it:
 * one file after another.
 */
struct snap_split_source {
	void *context; /* borrowed; outlives the object */
	/* DW_AT_comp_dir (NULL: none) and DW_AT_dwo_name of a skeleton unit. NULL: none are looked
	 * for. */
	int (*open_dwo)(void *context, const char *comp_dir, const char *dwo_name, size_t *place,
		struct snap_elf_file **ret);
	/* The package that has the units of the whole executable or library. NULL likewise. */
	int (*open_dwp)(void *context, size_t *place, struct snap_elf_file **ret);
	/* The file that was given last, which is still open, is not the one that is wanted; why: in
	 * words. NULL: nobody wants to know. */
	void (*refuse)(void *context, const struct snap_elf_file *file, const char *why);
	/* None of them was, and the unit's entries are missing. is_left_out: not all places were
	 * looked at, since too many files were others'. NULL likewise. */
	void (*miss)(void *context, const char *comp_dir, const char *dwo_name, bool is_left_out);
};

#endif
