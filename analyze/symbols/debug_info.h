/*
 * The DWARF of one object: which unit an address belongs to, and the units' tables, each made when
 * it is first asked for.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_DEBUG_INFO_H
#define SNAP_ANALYZE_SYMBOLS_DEBUG_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/symbols/elf_file.h"
#include "analyze/symbols/name_pool.h"
#include "analyze/symbols/paint.h"
#include "analyze/symbols/split_source.h"
#include "common/bytes.h"
#include "common/error.h"

struct snap_debug_info;
struct snap_dwarf_unit; /* dwarf/file.h */

/* All outlive the result. alternate, split: NULL if there is none. */
int snap_debug_info_create(const struct snap_elf_file *file, const struct snap_elf_file *alternate,
	const struct snap_split_source *split, struct snap_name_pool *pool,
	struct snap_debug_info **ret, struct snap_error *err);
void snap_debug_info_destroy(struct snap_debug_info *info);

/* All units are met for it. */
size_t snap_debug_info_num_units(struct snap_debug_info *info);
/* Bytes of .debug_info, and of one unit's entries (of a split one: 0). */
uint64_t snap_debug_info_len(const struct snap_debug_info *info);
uint64_t snap_debug_info_unit_len(struct snap_debug_info *info, size_t unit);

/*
 * The index plus one of the unit that has the address; 0: none. Where several claim it, the first
 * has it: linkers keep the first copy of a function, and point the others' debug information at it.
 * Asks .debug_aranges first, and all units only if that does not know.
 */
size_t snap_debug_info_unit_at(struct snap_debug_info *info, uint64_t vaddr);

/*
 * The unit that has the entries of that unit: itself, or the split unit that it stands for. NULL if
 * that was not found, or can't be read.
 */
struct snap_dwarf_unit *snap_debug_info_entries(struct snap_debug_info *info, size_t unit);
/* The same by the offset of that unit's header; those before it are not gone through. */
struct snap_dwarf_unit *snap_debug_info_entries_at(struct snap_debug_info *info, uint64_t off);
uint64_t snap_debug_info_unit_off(struct snap_debug_info *info, size_t unit);

/*
 * The same for all addresses, by all that the units say: colours are the units' indices plus one.
 * Owned by info; *ret_num is 0 without memory.
 */
const struct snap_painted *snap_debug_info_map(struct snap_debug_info *info, size_t *ret_num);

/*
 * What names may take that are put together from the file: far more than any compiler's. (Scopes can
 * be named endlessly, and each entry of a few bytes can stand in them.)
 */
uint64_t snap_debug_info_max_name_bytes(const struct snap_elf_file *file);

/* Let the names of the tables made from now on go to another pool. -1 without memory. */
int snap_debug_info_use_pool(struct snap_debug_info *info, struct snap_name_pool *pool);

/*
 * Make a unit's table, on the heap. *ret_is_whole: false if the unit's split file was not found.
 * -1 only without memory.
 */
int snap_debug_info_table(
	struct snap_debug_info *info, size_t unit, struct snap_bytes *ret, bool *ret_is_whole);

#endif
