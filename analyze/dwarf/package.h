/*
 * DWARF packages (.dwp): where the parts of each split unit lie in the sections that many share
 * (DWARF 5, section 7.3.5, and GNU's form of it for DWARF 4:
 * https://gcc.gnu.org/wiki/DebugFissionDWP).
 */
#ifndef SNAP_ANALYZE_DWARF_PACKAGE_H
#define SNAP_ANALYZE_DWARF_PACKAGE_H

#include <stdbool.h>
#include <stdint.h>

struct snap_dwarf_file;
struct snap_dwarf_unit;
struct snap_dwarf_package;

/* *ret is NULL if the file has no .debug_cu_index (or none that can be used). -1 without memory. */
int snap_dwarf_package_create(struct snap_dwarf_file *file, struct snap_dwarf_package **ret);
void snap_dwarf_package_destroy(struct snap_dwarf_package *package);

/* Fill in the part_off of a unit of the package. */
void snap_dwarf_package_place(
	const struct snap_dwarf_package *package, struct snap_dwarf_unit *unit);

/* Where the header of the compilation unit of that id is in .debug_info.dwo. */
bool snap_dwarf_package_find(
	const struct snap_dwarf_package *package, uint64_t id, uint64_t *ret_off);

#endif
