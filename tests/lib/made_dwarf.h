/*
 * ELF files with DWARF made by hand, byte for byte: of either class and byte order.
 *
 * made_begin(), write into the sections, made_open(), the test, made_end(). Whatever fails here
 * aborts.
 */
#ifndef SNAP_TESTS_LIB_MADE_DWARF_H
#define SNAP_TESTS_LIB_MADE_DWARF_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "analyze/dwarf/file.h"
#include "analyze/symbols/split_source.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Bytes that grow. */
struct out {
	uint8_t *data;
	size_t len, capacity;
	bool big_endian;
};

void out_bytes(struct out *out, const void *bytes, size_t len);
void out_number(struct out *out, uint64_t v, unsigned int len);
void out_uleb(struct out *out, uint64_t v);
void out_sleb(struct out *out, int64_t v);
void out_string(struct out *out, const char *s); /* with its NUL */
/* Write over what stands at off. */
void out_patch(struct out *out, size_t off, uint64_t v, unsigned int len);

#define out_u8(out, v)	out_number(out, v, 1)
#define out_u16(out, v) out_number(out, v, 2)
#define out_u32(out, v) out_number(out, v, 4)
#define out_u64(out, v) out_number(out, v, 8)
/* out_ulebs(out, 1, 2, 3) */
#define out_ulebs(out, ...)                                                                        \
	do {                                                                                       \
		const uint64_t ulebs_[] = {__VA_ARGS__};                                           \
		for (size_t u_ = 0; u_ < ARRAY_LEN(ulebs_); u_++)                                  \
			out_uleb(out, ulebs_[u_]);                                                 \
	} while (0)

struct made {
	bool is_64bit, big_endian;
	bool is_split; /* .debug_*.dwo */
	struct out sections[SNAP_DWARF_NUM_SECTIONS];
	/* Of units: how they are encoded. */
	struct snap_dwarf_encoding encoding;
	size_t unit_begun; /* where the unit's length stands */
	/* made_open() */
	struct snap_elf_file elf;
	struct snap_dwarf_file *dwarf;
};

/* encoding: of the units, and what the ELF file is like follows from its address_size. */
void made_begin(struct made *made, bool big_endian, uint16_t version, uint8_t address_size,
	uint8_t offset_size);
void made_end(struct made *made);

/* Begin a unit in .debug_info (DWARF 4's type units: .debug_types), up to its first entry. */
void made_unit(struct made *made, uint8_t type, uint64_t abbrev_off, uint64_t id);
/* Set its length. */
void made_unit_end(struct made *made);
/* An offset, an address of the encoding. */
void made_offset(struct made *made, enum snap_dwarf_section section, uint64_t v);
void made_address(struct made *made, enum snap_dwarf_section section, uint64_t v);

/*
 * One abbreviation: tag, children, then pairs of name and form, ended by 0; behind an
 * implicit_const its value. made_abbrevs_end() ends the table.
 */
void made_abbrev(struct made *made, uint64_t code, uint64_t tag, int children, ...);
void made_abbrevs_end(struct made *made);

/*
 * The only unit, for lists: at 0x1000, with the addresses 0x2000 and 0x2010, behind which others may
 * be added. base: DW_AT_rnglists_base or DW_AT_loclists_base: the lists begin at byte 12.
 */
void made_lists_unit(struct made *made, int base);

/* The file; its last bytes are those of a section, so that a read beyond them is seen. */
struct snap_elf_file *made_elf(const struct made *made, enum snap_dwarf_section last);
/* The same as a file. */
void made_write(const struct made *made, const char *path);
void made_open(struct made *made);
struct snap_dwarf_unit *made_opened_unit(struct made *made, size_t index);

/* Where skeletons find what they ask for: in other, which is a package or a .dwo. */
struct snap_split_source made_split(const struct made *other);

/*
 * Make all tables of the file's units, look up every place of theirs, and more that reads: for
 * broken input. other: a package or .dwo that skeletons may ask for, or the alternate file; NULL.
 */
void made_use(const struct made *made, enum snap_dwarf_section last, const struct made *other);
/* made_use() with each section cut at each byte, and with each byte changed in several ways. */
void made_damage(struct made *made, struct made *other);

#endif
