/*
 * The files that are known of one build of one module.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_OBJECT_FILES_H
#define SNAP_ANALYZE_SYMBOLS_OBJECT_FILES_H

#include "analyze/symbols/elf_file.h"
#include "analyze/symbols/split_source.h"

struct snap_cache; /* cache/cache_dir.h */

/* The files of one build, on the heap; NULL: not found, or none is needed. */
struct snap_object_files {
	struct snap_elf_file *main;	 /* the executable or library */
	struct snap_elf_file *debug;	 /* the separate debug file */
	struct snap_elf_file *alternate; /* what debug's or main's .gnu_debugaltlink names */
	struct snap_elf_file *mini;	 /* main's .gnu_debugdata, unpacked */
	struct snap_split_source split;
	struct snap_cache *cache; /* borrowed; NULL: nothing is kept between runs */
};

void snap_object_files_deinit(struct snap_object_files *files);

#endif
