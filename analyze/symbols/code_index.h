/*
 * What stands at a code address of an object, by its debug information: functions, inlined
 * functions, lines, call sites. From the units' tables, which are made from DWARF when an address
 * needs them.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_CODE_INDEX_H
#define SNAP_ANALYZE_SYMBOLS_CODE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/symbols/elf_file.h"
#include "analyze/symbols/split_source.h"
#include "analyze/symbols/unit_table.h"
#include "common/error.h"

/* One function round an address; the innermost comes first. */
struct snap_source_frame {
	bool is_inline;		  /* inlined into the next one */
	const char *function;	  /* demangled or qualified; NULL: not known */
	const char *raw_function; /* linkage name, or the same as in DW_AT_name */
	bool is_unmangled;	  /* the language mangles names, and DWARF has this one plain only;
				   * if !is_inline */
	uint64_t start;		  /* of the function's contiguous part that has the address;
				   * if !is_inline */
	const char *file;	  /* NULL: not known */
	uint32_t line, column;	  /* 0: not known */
};

struct snap_call_site {
	uint64_t return_vaddr; /* of the instruction after the call or jump */
	bool is_tail_call;
	uint64_t target_start;	 /* of the function called; 0: not known */
	const char *target_name; /* the linker's; NULL: not known */
};

struct snap_code_index;

/*
 * file: with .debug_info; alternate: what its .gnu_debugaltlink names, or NULL; split: or NULL. All
 * outlive the index.
 */
int snap_code_index_create(const struct snap_elf_file *file, const struct snap_elf_file *alternate,
	const struct snap_split_source *split, struct snap_code_index **ret,
	struct snap_error *err);
void snap_code_index_destroy(struct snap_code_index *index);

/*
 * Fill frames[0 .. max) with what stands at the address; max > 0. Returns how many. If the address
 * is in a unit but in no function there, one frame without a name, with file and line; 0 if nothing
 * is known. Strings live as long as the index.
 */
size_t snap_code_index_find(struct snap_code_index *index, uint64_t vaddr,
	struct snap_source_frame *frames, size_t max);

/* The call site with that return address. */
bool snap_code_index_site(
	struct snap_code_index *index, uint64_t return_vaddr, struct snap_call_site *ret);
/* The tail calls of the function that has the address; at most max of them. */
size_t snap_code_index_tail_calls(
	struct snap_code_index *index, uint64_t vaddr, struct snap_call_site *sites, size_t max);

#endif
