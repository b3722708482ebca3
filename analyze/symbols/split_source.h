/*
 * Where the files with split DWARF come from: libdw is not to open them, and neither is the reader.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_SPLIT_SOURCE_H
#define SNAP_ANALYZE_SYMBOLS_SPLIT_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "analyze/symbols/elf_file.h"

struct snap_split_source {
	void *context;
	/*
	 * The nth candidate (from 0) of a DWARF package for the object; NULL: there are no more.
	 * The caller owns it.
	 */
	struct snap_elf_file *(*open_package)(void *context, size_t nth);
	/*
	 * The nth candidate for the .dwo file that a unit names (DW_AT_dwo_name, DW_AT_comp_dir or
	 * NULL); NULL: there are no more. The caller owns it, and compares the id.
	 */
	struct snap_elf_file *(*open_dwo)(
		void *context, const char *comp_dir, const char *dwo_name, size_t nth);
};

#endif
