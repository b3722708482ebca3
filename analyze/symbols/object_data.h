/*
 * The data that ELF symbol tables name, by address.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_OBJECT_DATA_H
#define SNAP_ANALYZE_SYMBOLS_OBJECT_DATA_H

#include "analyze/symbols/elf_file.h"

struct snap_object_data;

/* Of the first file that has .symtab, or else of all their .dynsym. Files may be NULL; they outlive
 * the result, which is NULL without memory. */
struct snap_object_data *snap_object_data_create(
	const struct snap_elf_file *const *files, size_t num_files);
void snap_object_data_destroy(struct snap_object_data *data);

/*
 * The name, as the file has it, of the object that has the address; or else, of firmware, of the linker
 * script's symbol that is the address.
 */
bool snap_object_data_find(const struct snap_object_data *data, uint64_t vaddr,
	const char **ret_name, uint64_t *ret_start);

#endif
