/*
 * The debug sections of one ELF file, decompressed when they are first asked for.
 *
 * Hostile: sizes are checked against the file; what compressed sections may grow to is bounded
 * where the file is opened (symbols/elf_file.h).
 */
#ifndef SNAP_ANALYZE_DWARF_SECTIONS_H
#define SNAP_ANALYZE_DWARF_SECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "analyze/symbols/elf_file.h"
#include "common/bytes.h"

enum snap_dwarf_section {
	SNAP_DWARF_INFO,
	SNAP_DWARF_TYPES,
	SNAP_DWARF_ABBREV,
	SNAP_DWARF_LINE,
	SNAP_DWARF_STR,
	SNAP_DWARF_LINE_STR,
	SNAP_DWARF_STR_OFFSETS,
	SNAP_DWARF_ADDR,
	SNAP_DWARF_RANGES,
	SNAP_DWARF_RNGLISTS,
	SNAP_DWARF_LOC,
	SNAP_DWARF_LOCLISTS,
	SNAP_DWARF_ARANGES,
	SNAP_DWARF_CU_INDEX,
	SNAP_DWARF_TU_INDEX,
	SNAP_DWARF_NUM_SECTIONS,
};

struct snap_packed;

struct snap_dwarf_sections {
	bool big_endian, is_64bit; /* of the ELF file */
	/* private */
	const struct snap_elf_file *file;
	struct {
		Elf_Scn *scn; /* NULL: the file has none */
		bool is_gnu_compressed;
		bool has_more; /* others of the same name follow */
		bool is_read;
		struct snap_bytes bytes; /* all of it; only have_len of it can be read */
		size_t have_len;
		struct snap_packed *packed; /* NULL: it is not compressed, or not any more */
		uint8_t *owned;		    /* what was decompressed or joined; NULL */
		size_t owned_len;
		uint64_t spent;
	} of[SNAP_DWARF_NUM_SECTIONS];
};

/* Find the sections; split: those of a .dwo or .dwp file (".debug_info.dwo"). file outlives them.
 */
void snap_dwarf_sections_init(
	struct snap_dwarf_sections *sections, const struct snap_elf_file *file, bool split);
void snap_dwarf_sections_deinit(struct snap_dwarf_sections *sections);

/* Empty if there is none, or if it can't be decompressed. */
struct snap_bytes snap_dwarf_section(
	struct snap_dwarf_sections *sections, enum snap_dwarf_section which);
/*
 * The section's beginning, at least up to end (if there is so much): what is compressed is
 * decompressed no further than somebody reads. The bytes stay where they are, whatever is asked for
 * later.
 */
struct snap_bytes snap_dwarf_section_to(
	struct snap_dwarf_sections *sections, enum snap_dwarf_section which, uint64_t end);
/* Where something begins whose end is told by itself: so much is asked for first, and each time
 * that it goes on behind it, so many times as much. */
#define SNAP_DWARF_WINDOW	 (UINT64_C(4) << 10)
#define SNAP_DWARF_WINDOW_GROWTH 4
/*
 * Copy len bytes at off, fewer at the section's end; returns how many. Of a mapped file nothing is
 * mapped for it: a look here and there would bring in all of it.
 */
size_t snap_dwarf_section_peek(struct snap_dwarf_sections *sections, enum snap_dwarf_section which,
	uint64_t off, void *buf, size_t len);
/* How long all of it is. */
uint64_t snap_dwarf_section_len(
	struct snap_dwarf_sections *sections, enum snap_dwarf_section which);
bool snap_dwarf_has_section(
	const struct snap_dwarf_sections *sections, enum snap_dwarf_section which);

/*
 * Count len bytes of a section that were read. False once all of it together was read far more
 * often than any compiler's output is: many units, or entries, refer to the same bytes, and what
 * they say would take their product in time and memory.
 */
bool snap_dwarf_section_spend(
	struct snap_dwarf_sections *sections, enum snap_dwarf_section which, uint64_t len);

#endif
