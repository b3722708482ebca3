/*
 * Finds, in one file's DWARF, what a code address belongs to: unit, function, the functions
 * inlined there, source lines. Only the units that an address needs are read.
 *
 * Hostile: depth and counts are bounded; libdw checks the encoding.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_DWARF_INDEX_H
#define SNAP_ANALYZE_SYMBOLS_DWARF_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <elfutils/libdw.h>

#include "common/arena.h"
#include "common/error.h"

/* More inlined functions round one address than any compiler makes. */
#define SNAP_MAX_INLINE_DEPTH 128

/* One function round an address; the innermost comes first. */
struct snap_source_frame {
	bool is_inline;		  /* inlined into the next one */
	const char *function;	  /* demangled or qualified; NULL: not known */
	const char *raw_function; /* linkage name, or the same as in DW_AT_name */
	uint64_t start;		  /* of the function's contiguous part that has the address;
				   * if !is_inline */
	const char *file;	  /* NULL: not known */
	uint32_t line, column;	  /* 0: not known */
};

struct snap_dwarf_index;

/* dwarf outlives the index. */
int snap_dwarf_index_create(Dwarf *dwarf, struct snap_dwarf_index **ret, struct snap_error *err);
void snap_dwarf_index_destroy(struct snap_dwarf_index *index);

/*
 * Fill frames[0 .. max) with what stands at the address; max > 0. Returns how many. If the address
 * is in a unit but in no function there, one frame without a name, with file and line if known; 0
 * if it is in no unit. Strings live as long as the index.
 */
size_t snap_dwarf_index_find(struct snap_dwarf_index *index, uint64_t vaddr,
	struct snap_source_frame *frames, size_t max);

/* The DIE of the function (not inlined) that contains the address. */
bool snap_dwarf_index_function(struct snap_dwarf_index *index, uint64_t vaddr, Dwarf_Die *ret);

#endif
