/*
 * What stands at a code address of an object: functions, inlined functions, lines, call sites by
 * its debug information. From the units' tables, which come from the cache, or are made from DWARF
 * when an address needs them. What the cache has of the symbol table is here, too.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_CODE_INDEX_H
#define SNAP_ANALYZE_SYMBOLS_CODE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/symbols/elf_file.h"
#include "analyze/symbols/split_source.h"
#include "analyze/symbols/symbol_image.h"
#include "analyze/symbols/symtab.h"
#include "analyze/symbols/unit_table.h"
#include "common/bytes.h"
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
struct snap_dwarf_unit; /* dwarf/file.h */

struct snap_code_sources {
	const struct snap_elf_file *file;      /* with .debug_info; NULL: none has any */
	const struct snap_elf_file *alternate; /* what its .gnu_debugaltlink names; NULL */
	const struct snap_split_source *split; /* NULL: split DWARF is not looked for */
	uint64_t bias; /* what the file's addresses have on top of those that are asked for */
	struct snap_bytes image;	   /* of snap_cache_map(); absent: not in the cache */
	struct snap_image_sources made_of; /* what an image must be made of to be used */
};

/* What the sources point to outlives the index; image is taken over, also on failure. */
int snap_code_index_create(const struct snap_code_sources *sources, struct snap_code_index **ret,
	struct snap_error *err);
void snap_code_index_destroy(struct snap_code_index *index);

/* Whether there is debug information at all. */
bool snap_code_index_has_debug(const struct snap_code_index *index);

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

/* The entry of a function. */
struct snap_code_entry {
	struct snap_dwarf_unit *unit; /* open */
	uint64_t off;		      /* in the unit's section */
	/* Of the contiguous part that has the address, as the file with the entry has it; and what
	 * that file's addresses have on top of the object's. */
	uint64_t start, bias;
};

/*
 * The function, not an inlined one, that has the address. False if it is not known, or its unit
 * can't be read. It is as the cache, or the debug information, says: whether there is such an entry
 * is left to whoever reads it.
 */
bool snap_code_index_entry(
	struct snap_code_index *index, uint64_t vaddr, struct snap_code_entry *ret);

/*
 * Many addresses are going to be looked up: make the tables that they need, num_jobs at a time
 * where that is worth it.
 */
void snap_code_index_prepare(
	struct snap_code_index *index, const uint64_t *vaddrs, size_t num, size_t num_jobs);

/* ---------------------------------------------------------------- the symbol table */

enum snap_kept {
	SNAP_KEPT_NOT,	/* the cache has no symbol table: look into the files */
	SNAP_KEPT_NONE, /* it has, and there is no such symbol */
	SNAP_KEPT_FOUND,
};

/* A symbol; the names live as long as the index. */
struct snap_kept_symbol {
	uint64_t start, end;
	const char *raw, *shown;
};

/* As snap_symtab_find() and snap_symtab_find_name(). */
enum snap_kept snap_code_index_symbol(
	struct snap_code_index *index, uint64_t vaddr, struct snap_kept_symbol *ret);
enum snap_kept snap_code_index_find_name(
	struct snap_code_index *index, const char *name, uint64_t *ret);

/* ---------------------------------------------------------------- keeping */

/* Whether something was made that is not in the cache. */
bool snap_code_index_has_news(const struct snap_code_index *index);
/* Bytes of .debug_info: how much work the whole of it is. */
uint64_t snap_code_index_debug_len(struct snap_code_index *index);

/*
 * Make the tables of all units that have code, num_jobs at a time. told: called with how many are
 * done, of how many; NULL. -1 only without memory.
 */
int snap_code_index_make_all(struct snap_code_index *index, size_t num_jobs,
	void (*told)(size_t done, size_t all, void *data), void *data, struct snap_error *err);

/*
 * All that is known as an image, on the heap. symtab: the symbol table, unless the cache had it.
 * -1 without memory, or if it would be too large.
 */
int snap_code_index_encode(struct snap_code_index *index, struct snap_symtab *symtab,
	struct snap_bytes *ret, struct snap_error *err);

#endif
