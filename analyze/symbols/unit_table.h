/*
 * What the look-up of an address needs of one DWARF unit, in a few bytes: functions, inlined
 * functions, lines and call sites.
 *
 * The unit's addresses are cut into *places*: [start, next place's start) with the same innermost
 * function and the same line. A place refers to a *node*, a function or an inlined one, which
 * refers to the node that it was inlined into. So one binary search, the decoding of at most
 * SNAP_PLACES_PER_CHUNK places and a walk up the nodes answer for an address.
 *
 * The bytes are the same in memory and in the symbol cache. All numbers in them are little-endian;
 * varint and svarint are DWARF's ULEB128 and SLEB128, "address" is a difference to base:
 *
 *   header      u32 magic, len, num_refs, num_chunks, num_site_chunks, nodes_len, places_len,
 *               sites_len, targets_len, flags; u64 base
 *   chunks      u64 [num_chunks]: address of the chunk's first place
 *   site chunks u64 [num_site_chunks]: return address of the chunk's first call site
 *   offsets     u32 [num_chunks + num_site_chunks]: where the chunk begins in places, in sites
 *   refs        u32 [num_refs]: numbers in the object's name pool
 *   nodes       function: varint ref + 1, 0, entry, num_parts; num_parts of svarint start, varint
 *               len; entry: where its entry is, from the header of the unit with the entries on
 *               inlined:  varint ref + 1, distance back to the node it was inlined into; file of
 * the call (ref + 1), line, column places      u8 flags and line; varint distance in addresses;
 * what flags say has changed: node (svarint difference), file (ref + 1), line (svarint difference),
 * column sites       varint distance in addresses, target << 1 | is_tail_call targets     varint
 * ref + 1 << 1 | has_start; svarint start
 *
 * Nodes and targets are referred to by their offset; of a place's node, 0 is none and others count
 * from 1. A ref + 1 of 0 is unknown.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_UNIT_TABLE_H
#define SNAP_ANALYZE_SYMBOLS_UNIT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"

#define SNAP_PLACES_PER_CHUNK 16
/* More inlined functions round one address than any compiler makes. */
#define SNAP_MAX_INLINE_DEPTH 128

/* ---------------------------------------------------------------- to be encoded */

/* Names are numbers in a name pool plus one, 0: not known. */
struct snap_unit_node {
	uint32_t name;
	uint32_t parent; /* index plus one of the node it was inlined into; 0: a function */
	uint32_t call_file, call_line, call_column;
	uint32_t first_part, num_parts; /* of a function: where its code is */
	uint64_t entry_off; /* of a function: its entry, from the header of its unit on */
};

struct snap_unit_part {
	uint64_t start, end;
};

struct snap_unit_place {
	uint64_t start;
	uint32_t node;	       /* index plus one; 0: none */
	uint32_t file;	       /* a name */
	uint32_t line, column; /* 0: not known, or none */
};

struct snap_unit_site {
	uint64_t return_vaddr; /* of the instruction after the call or jump */
	uint64_t target_start; /* of the function called; 0: not known */
	uint32_t target_name;
	bool is_tail_call;
};

/* Arrays are borrowed. Places and sites ascend by address; a node stands after its parent. */
struct snap_unit_contents {
	const struct snap_unit_node *nodes;
	size_t num_nodes;
	const struct snap_unit_part *parts;
	size_t num_parts;
	const struct snap_unit_place *places;
	size_t num_places;
	const struct snap_unit_site *sites;
	size_t num_sites;
	bool has_scopes; /* of a language whose names can be mangled */
};

/*
 * Encode: *ret is on the heap. num_names: of the pool that the contents' names are in. -1 without
 * memory, or if it would take 4 GiB.
 */
int snap_unit_table_encode(
	const struct snap_unit_contents *contents, size_t num_names, struct snap_bytes *ret);

/* ---------------------------------------------------------------- to be looked up */

struct snap_unit_table {
	struct snap_bytes bytes; /* borrowed */
	uint64_t base;
	bool has_scopes;
	uint32_t num_refs, num_chunks, num_site_chunks;
	const uint8_t *chunks, *site_chunks, *offsets, *refs;
	struct snap_bytes nodes, places, sites, targets;
};

/* False if the bytes are no table. Whatever they hold, looking up stays within them. */
bool snap_unit_table_open(struct snap_bytes bytes, struct snap_unit_table *ret);

/* One function round an address. */
struct snap_unit_frame {
	bool is_inline;
	uint32_t name, file; /* numbers plus one; 0: not known */
	uint32_t line, column;
	uint64_t start; /* of the part of the function that has the address; if !is_inline */
};

/*
 * Fill frames[0 .. max) with what stands at the address, innermost first. Returns how many; one
 * without a name if only the line is known; 0 if nothing is.
 */
size_t snap_unit_table_find(const struct snap_unit_table *table, uint64_t vaddr,
	struct snap_unit_frame *frames, size_t max);

/*
 * The function, not an inlined one, that has the address: where its entry is, from the header of
 * the unit with the entries on, and where the part of it begins that has the address.
 */
bool snap_unit_table_function(const struct snap_unit_table *table, uint64_t vaddr,
	uint64_t *ret_entry_off, uint64_t *ret_start);

/* The call site with that return address. */
bool snap_unit_table_site(
	const struct snap_unit_table *table, uint64_t return_vaddr, struct snap_unit_site *ret);

/*
 * The tail calls of the function (inlined ones included) that has the address, at most max of
 * them, ascending within each of its parts.
 */
size_t snap_unit_table_tail_calls(const struct snap_unit_table *table, uint64_t vaddr,
	struct snap_unit_site *sites, size_t max);

/* Renumber: each ref becomes map[ref]. bytes: an encoded table; refs are below num_map. */
bool snap_unit_table_renumber(uint8_t *bytes, size_t len, const uint32_t *map, size_t num_map);

#endif
