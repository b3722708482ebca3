/*
 * Everything known about one build of one module: its executable or library, its debug file, and
 * what was read from them so far. Addresses are virtual addresses of the ELF file, so that one
 * object serves every process that had the module mapped.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_OBJECT_H
#define SNAP_ANALYZE_SYMBOLS_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "analyze/crash.h"
#include "analyze/symbols/cfi_row.h"
#include "analyze/symbols/code_index.h"
#include "analyze/symbols/elf_file.h"
#include "analyze/symbols/object_files.h"
#include "analyze/symbols/relocated.h"
#include "common/bytes.h"
#include "common/error.h"

struct snap_exidx; /* unwind/exidx.h */
struct snap_tokens; /* tokens/database.h */
struct snap_object;

/* Takes over the files, also on failure. At least one of main and debug is given. */
int snap_object_create(
	const struct snap_object_files *files, struct snap_object **ret, struct snap_error *err);
void snap_object_destroy(struct snap_object *object);

/*
 * Put what was found out, and is not in the cache yet, there. Of an object with little debug
 * information all of it; else what was asked for so far. Failing to is no error: it costs time
 * later.
 */
void snap_object_keep(struct snap_object *object);
/*
 * The same for all of it, whatever it takes. told: as for snap_code_index_make_all(). -1 and *err
 * if it could not be kept; *ret_bytes: of the entry.
 */
int snap_object_keep_all(struct snap_object *object, size_t num_jobs,
	void (*told)(size_t done, size_t all, void *data), void *data, uint64_t *ret_bytes,
	struct snap_error *err);

/* The bytes of the main file if it was made from memory, else absent. */
struct snap_bytes snap_object_image(const struct snap_object *object);
struct snap_bytes snap_object_build_id(const struct snap_object *object);
enum snap_symbols snap_object_symbols(const struct snap_object *object);
/* The file that names come from. */
const char *snap_object_symbol_file(const struct snap_object *object);
/* When the newest of its files was changed; false: it has none on disk. */
bool snap_object_changed(const struct snap_object *object, struct timespec *ret);
/* Whether code and call frame information can be read: a debug file alone has neither. */
bool snap_object_has_code(const struct snap_object *object);
/* Add the tokens in its files (tokens/database_elf.h). 0, or -1 and *err. */
int snap_object_add_tokens(
	const struct snap_object *object, struct snap_tokens *tokens, struct snap_error *err);
/* The lowest PT_LOAD's page-aligned virtual address; false if there is no main file. */
bool snap_object_base(const struct snap_object *object, uint64_t *ret);

/*
 * The functions round an address, innermost first: as snap_code_index_find(), with the symbol
 * table where DWARF says nothing. *ret_num is 0 if nothing is known. The result lives as long as
 * the object and is remembered: many stacks go through the same places.
 */
const struct snap_source_frame *snap_object_find(
	struct snap_object *object, uint64_t vaddr, size_t *ret_num);

/* The same into frames[0 .. max), not remembered: for many addresses that are looked up once each.
 */
size_t snap_object_look_up(
	struct snap_object *object, uint64_t vaddr, struct snap_source_frame *frames, size_t max);

/* As snap_code_index_prepare(). */
void snap_object_prepare(
	struct snap_object *object, const uint64_t *vaddrs, size_t num, size_t num_jobs);

/*
 * The row of call frame information for an address, from .eh_frame or .debug_frame. NULL if there
 * is none. Owned by the object; looked up once for all the addresses that it covers.
 */
const struct snap_cfi_row *snap_object_cfi_row(struct snap_object *object, uint64_t vaddr);

/* The tables that arm has instead; NULL if there are none, or they can't be used. */
const struct snap_exidx *snap_object_exidx(struct snap_object *object);

/* The symbol that contains the address, as [*ret_start, *ret_end). False if none does. */
bool snap_object_function(
	struct snap_object *object, uint64_t vaddr, uint64_t *ret_start, uint64_t *ret_end);
/* The bytes at vaddr as the main file has them; how many of len there are from vaddr on. */
size_t snap_object_read(const struct snap_object *object, uint64_t vaddr, void *buf, size_t len);
/* Where PT_LOAD segment i is in memory, as the file has it; flags: PF_R and so on. False: there are
 * no more. */
struct snap_segment {
	uint64_t start, end; /* [start, end); start == end: nothing, or nonsense */
	uint32_t flags;
};
bool snap_object_segment(const struct snap_object *object, size_t i, struct snap_segment *ret);
/*
 * The first section of instructions that ends above vaddr, [*ret_start, *ret_end). False: there is
 * none, or the file has no sections, or thousands.
 */
bool snap_object_next_code(const struct snap_object *object, uint64_t vaddr, uint64_t *ret_start,
	uint64_t *ret_end);
/* The section that has vaddr in memory, by the headers of the main file; NULL: none is known. */
const char *snap_object_section(const struct snap_object *object, uint64_t vaddr);
/* Where the program starts (e_entry); false if there is no main file, or it is a library. */
bool snap_object_entry(const struct snap_object *object, uint64_t *ret);

/* The data symbol that contains the address: its name, as long as the object lives, and its start. */
bool snap_object_data_at(
	struct snap_object *object, uint64_t vaddr, const char **ret_name, uint64_t *ret_start);

/* As snap_relocated_find(), in the main file. */
bool snap_object_relocated(
	const struct snap_object *object, uint64_t vaddr, struct snap_relocated *ret);

/* For whoever reads what snap_code_index_entry() gives: of its files (sandbox/note.h). */
uint32_t snap_object_note(const struct snap_object *object);
/* Whether memory at vaddr is as the main file has it: it was loaded from there, not to be written. */
bool snap_object_is_constant(const struct snap_object *object, uint64_t vaddr);
/*
 * Whether [vaddr, vaddr + len) is memory that the dynamic linker protects once it has written its
 * relocations, none of which is there: what the main file has.
 */
bool snap_object_is_relro(const struct snap_object *object, uint64_t vaddr, uint64_t len);

/* What its debug information says of code; NULL without memory. */
struct snap_code_index *snap_object_code_index(struct snap_object *object);
/* As snap_symtab_find_name(). */
bool snap_object_find_name(struct snap_object *object, const char *name, uint64_t *ret);
/* As snap_symtab_find_data(), in all tables; name, which outlives the object, is remembered. */
bool snap_object_find_data(struct snap_object *object, const char *name, uint64_t *ret);

#endif
