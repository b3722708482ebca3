/*
 * The DWARF of one file and its units: what lies where.
 *
 * Read by ourselves, not by libdw: its functions take a hundred times as long where thousands of
 * addresses are looked up, open files that a file names, and know no DWARF packages before 0.191.
 * Versions 2 to 5, 32 and 64 bits, both byte orders.
 *
 * Hostile: every offset is checked, chains of references are bounded, and what is malformed counts
 * as absent.
 */
#ifndef SNAP_ANALYZE_DWARF_FILE_H
#define SNAP_ANALYZE_DWARF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/dwarf/abbrev.h"
#include "analyze/dwarf/attr.h"
#include "analyze/dwarf/cursor.h"
#include "analyze/dwarf/sections.h"
#include "common/error.h"

struct snap_dwarf_package; /* package.h */

struct snap_dwarf_scope; /* names.h */

/* A unit of .debug_info or .debug_types. */
struct snap_dwarf_unit {
	struct snap_dwarf_file *file;
	struct snap_dwarf_encoding encoding;
	uint8_t type;  /* DW_UT_*; those before DWARF 5 count as DW_UT_compile or DW_UT_type */
	bool in_types; /* in .debug_types */
	size_t index;  /* among the units of its section */
	uint64_t off;  /* of its header in the section */
	uint64_t end;  /* just behind its last entry */
	uint64_t dies; /* of its first entry */
	uint64_t abbrev_off;
	uint64_t id; /* the signature of a type unit, the dwo_id of a skeleton or split unit */
	uint64_t type_off; /* of a type unit: where its type is, from off on */

	/* snap_dwarf_unit_open() fills in the rest. */
	bool is_open, is_readable;
	bool abbrevs_tried;
	const struct snap_abbrevs *abbrevs; /* through snap_dwarf_unit_abbrevs() */
	uint16_t tag;			    /* of the first entry */
	uint16_t language;		    /* DW_LANG_*; 0: not told */
	bool is_gnu;			    /* made by GCC */
	struct snap_attr ranges, low_pc, high_pc;
	const char *comp_dir, *dwo_name; /* NULL: not told */
	bool has_line_off;
	uint64_t line_off; /* in .debug_line */
	uint64_t str_offsets_base, addr_base, rnglists_base;
	bool has_rnglists_base;
	uint64_t loclists_base;
	uint64_t ranges_base; /* DW_AT_GNU_ranges_base: of a skeleton, for its split unit */
	/* In a package: where this unit's part of each section begins. */
	uint64_t part_off[SNAP_DWARF_NUM_SECTIONS];
	/* Of a split unit: its skeleton, in the file that has the addresses. */
	struct snap_dwarf_unit *skeleton;
	/* Of a skeleton: the unit that it stands for, once it was looked for; NULL: not found. */
	struct snap_dwarf_unit *split;
	bool split_tried;

	struct snap_dwarf_scope *scopes; /* for names.c: made when needed */
	size_t num_scopes;
	bool scopes_read;
};

/* The units of a section, as far as they were met: one header leads to the next. */
struct snap_dwarf_units {
	struct snap_dwarf_unit **list; /* ascending by offset; each on the heap */
	size_t num, capacity;
	uint64_t next_off; /* of the first header that was not read yet */
	bool is_done;	   /* there are no more */
};

struct snap_dwarf_file {
	struct snap_dwarf_sections sections;
	bool is_split;			     /* .dwo or .dwp */
	struct snap_dwarf_units info, types; /* of .debug_info, .debug_types */
	/* Units of .debug_info that were asked for before those in front of them were met. */
	struct snap_dwarf_unit **alone;
	size_t num_alone;
	struct snap_dwarf_file *alternate;   /* borrowed; NULL: none */
	struct snap_dwarf_package *package;  /* owned; NULL: this is none */
	void *abbrev_tables;		     /* a tree of search.h */
	bool has_first;			     /* a first entry was read, */
	uint64_t first_abbrevs_off;	     /* the last one with the table at this offset */
};

/* elf outlives the file; split: it is a .dwo or a .dwp. Without units is no error. -1 only without
 * memory. */
int snap_dwarf_file_create(const struct snap_elf_file *elf, bool split,
	struct snap_dwarf_file **ret, struct snap_error *err);
void snap_dwarf_file_destroy(struct snap_dwarf_file *file);

/* Read the first entry. False if the unit can't be read. */
bool snap_dwarf_unit_open(struct snap_dwarf_unit *unit);
/* The shapes of all entries of an open unit; NULL: they can't be read. */
const struct snap_abbrevs *snap_dwarf_unit_abbrevs(struct snap_dwarf_unit *unit);
/* The section that the unit is in. */
struct snap_bytes snap_dwarf_unit_section(const struct snap_dwarf_unit *unit);
/* How many units there are in .debug_info: it is gone through to its end. */
size_t snap_dwarf_file_num_units(struct snap_dwarf_file *file);
/* Number index of .debug_info; NULL: there are not so many. */
struct snap_dwarf_unit *snap_dwarf_file_unit(struct snap_dwarf_file *file, size_t index);
/* The unit of .debug_info (or .debug_types) that has the offset; NULL. */
struct snap_dwarf_unit *snap_dwarf_file_unit_at(
	struct snap_dwarf_file *file, uint64_t off, bool in_types);
/* The unit of .debug_info whose header is at the offset; NULL. */
struct snap_dwarf_unit *snap_dwarf_file_unit_with_header(
	struct snap_dwarf_file *file, uint64_t off);
/* The same without a look at those in front of it; the offset is one that was found before. */
struct snap_dwarf_unit *snap_dwarf_file_unit_alone(struct snap_dwarf_file *file, uint64_t off);
/* The split unit of the id; NULL. */
struct snap_dwarf_unit *snap_dwarf_file_split_unit(struct snap_dwarf_file *file, uint64_t id);

/* The entry of the type that has the signature (DW_FORM_ref_sig8). False if there is none. */
bool snap_dwarf_file_type(struct snap_dwarf_file *file, uint64_t signature, struct snap_die *ret);

/* Whether an entry of that language stands in named scopes that a reader expects to see. */
bool snap_dwarf_unit_has_scopes(const struct snap_dwarf_unit *unit);
bool snap_dwarf_unit_is_c(const struct snap_dwarf_unit *unit);
/* What an array's indices begin with where its entry does not say so (DWARF 5, section 7.12, table
 * 7.17; dwarfstd.org's list of codes given out since). 0 of a language that is not known. */
int64_t snap_dwarf_lower_bound(uint16_t language);

#endif
