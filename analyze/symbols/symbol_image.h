/*
 * What is kept of one build's symbols in the cache: the units' tables, which unit has which
 * addresses, the symbol table, names.
 *
 * The file is little-endian, made of pages of SNAP_IMAGE_PAGE bytes, each with a CRC32C:
 *
 *   header      struct snap_image_header, its own CRC last
 *   page CRCs   u32 for each page of the file; those of header and CRCs are not looked at
 *   map         u64 start[], u32 unit + 1 []: see snap_debug_info_map()
 *   units       struct snap_image_unit []
 *   names       u32 []: where each SNAP_NAMES_PER_BLOCK-th name begins in strings
 *   symbols     struct snap_image_symbol [], as snap_symtab has them
 *   rests       u64 start, end, symbol []: likewise
 *   by name     u64 start, u32 name, u32 hash []: ascending by hash
 *   strings     names, ascending by what people see, each relative to the one before it in its
 *               block: varint bytes that raw has in common with that, the rest with its NUL; the
 *               same of shown, with 1 added to the varint: 0 is "as raw", with nothing behind it
 *   tables      as unit_table.h says, each at a multiple of 8; their refs are numbers of names
 *
 * Nothing is trusted: the header's CRC and bounds are checked at once, a page's CRC when something
 * on it is first read, an index when it is used. Whatever fails makes the whole image fail.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_SYMBOL_IMAGE_H
#define SNAP_ANALYZE_SYMBOLS_SYMBOL_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/error.h"
#include "common/snapshot.h"

/* Its kind in the cache; the key is the build ID. */
#define SNAP_SYMBOLS_KIND    "symbols"
#define SNAP_IMAGE_PAGE	     4096
#define SNAP_NAMES_PER_BLOCK 16

/* Changed whenever what an image holds, or how it is made, changes: older ones are made anew. */
#define SNAP_IMAGE_VERSION 5

/* What an image was made of: another file of the same build ID may have other sections. */
struct snap_image_sources {
	uint8_t build_id[SNAP_MAX_BUILD_ID];
	uint32_t build_id_len;
	uint32_t reserved;
	uint64_t file_len[4]; /* of main, debug, alternate and mini; 0: there is none */
};

struct snap_symbol_image;

/*
 * file: stays as it is as long as the image does; may hold anything. NULL if it is no image of
 * these sources in this version, or without memory.
 */
struct snap_symbol_image *snap_symbol_image_open(
	struct snap_bytes file, const struct snap_image_sources *sources);
void snap_symbol_image_close(struct snap_symbol_image *image);

/* Whether something that was read did not pass. From then on nothing is found in it any more. */
bool snap_symbol_image_has_failed(const struct snap_symbol_image *image);

struct snap_image_info {
	uint32_t num_units, num_units_kept, num_names, num_symbols;
	bool is_whole;	      /* no unit's table is missing */
	bool is_map_thorough; /* as snap_debug_info_map() was asked */
	bool has_map;	      /* there is debug information */
	bool has_symbols;     /* the symbol table is in it, even if that names nothing */
};
void snap_symbol_image_info(const struct snap_symbol_image *image, struct snap_image_info *ret);
/* The same of a file whose sources are not known. False if it is no image. */
bool snap_symbol_image_peek(struct snap_bytes file, struct snap_image_info *ret);

/* The index plus one of the unit that has the address; 0: none. */
uint32_t snap_symbol_image_unit_at(struct snap_symbol_image *image, uint64_t vaddr);

enum snap_image_state {
	SNAP_IMAGE_MISSING, /* its table was not made */
	SNAP_IMAGE_TABLE,
	SNAP_IMAGE_NO_TABLE, /* there is nothing to be told of it */
};
enum snap_image_state snap_symbol_image_table(
	struct snap_symbol_image *image, uint32_t unit, struct snap_bytes *ret);
/* Where the header of the unit is in .debug_info. */
bool snap_symbol_image_unit_off(struct snap_symbol_image *image, uint32_t unit, uint64_t *ret);

/* The strings are valid until the next call that is given the image. */
bool snap_symbol_image_name(struct snap_symbol_image *image, uint32_t number, const char **ret_raw,
	const char **ret_shown);

/* As snap_symtab_find(): [*ret_start, *ret_end) and the number of its name. */
bool snap_symbol_image_symbol(struct snap_symbol_image *image, uint64_t vaddr, uint64_t *ret_start,
	uint64_t *ret_end, uint32_t *ret_name);
/* As snap_symtab_find_name(). */
bool snap_symbol_image_find_name(
	struct snap_symbol_image *image, const char *name, uint64_t *ret_start);

/* ---------------------------------------------------------------- making one */

struct snap_image_name {
	const char *raw, *shown;
};

struct snap_image_symbol {
	uint64_t start, end;
	uint32_t name, reserved;
};

struct snap_image_rest {
	uint64_t start, end, symbol;
};

struct snap_image_by_name {
	uint64_t start;
	uint32_t name, hash;
};

struct snap_image_table {
	enum snap_image_state state;
	struct snap_bytes bytes;
	uint64_t unit_off; /* of its unit's header in .debug_info */
};

struct snap_image_map_entry {
	uint64_t start;
	uint32_t unit; /* plus one; 0: none */
};

/* Borrowed. Names are numbers here as the tables have them: what is written has others. */
struct snap_image_contents {
	const struct snap_image_sources *sources;
	const struct snap_image_map_entry *map;
	const struct snap_image_table *tables;
	const struct snap_image_name *names;
	const struct snap_image_symbol *symbols;
	const struct snap_image_rest *rests;
	struct snap_image_by_name *by_name; /* sorted by the call */
	size_t num_map, num_tables, num_names, num_symbols, num_rests, num_by_name;
	bool is_map_thorough, has_map, has_symbols;
};

/* The whole file, on the heap. -1 without memory, or if it would be too large. */
int snap_symbol_image_encode(
	struct snap_image_contents *contents, struct snap_bytes *ret, struct snap_error *err);

/* The hash that names are found by: of all up to a "@", where a version begins. */
uint32_t snap_image_hash(const char *name);

#endif
