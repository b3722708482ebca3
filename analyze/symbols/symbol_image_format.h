/*
 * The head of an image of symbols, for those that read it and that make it (symbol_image.h says
 * what stands where).
 */
#ifndef SNAP_ANALYZE_SYMBOLS_SYMBOL_IMAGE_FORMAT_H
#define SNAP_ANALYZE_SYMBOLS_SYMBOL_IMAGE_FORMAT_H

#include <stdint.h>

#include "analyze/symbols/symbol_image.h"

#define SNAP_IMAGE_MAGIC "SnapSym" /* with its NUL */

enum snap_image_section {
	SNAP_IMAGE_PAGE_CRCS,
	SNAP_IMAGE_MAP_STARTS,
	SNAP_IMAGE_MAP_UNITS,
	SNAP_IMAGE_UNITS,
	SNAP_IMAGE_NAMES,
	SNAP_IMAGE_SYMBOLS,
	SNAP_IMAGE_RESTS,
	SNAP_IMAGE_BY_NAME,
	SNAP_IMAGE_STRINGS,
	SNAP_IMAGE_TABLES,
	SNAP_IMAGE_NUM_SECTIONS,
};

enum {
	SNAP_IMAGE_FLAG_WHOLE = 1,
	SNAP_IMAGE_FLAG_MAP_THOROUGH = 2,
	SNAP_IMAGE_FLAG_HAS_MAP = 4,
	SNAP_IMAGE_FLAG_HAS_SYMBOLS = 8,
};

/* All numbers little-endian. */
struct snap_image_header {
	char magic[8];
	uint32_t version, flags;
	uint64_t file_len;
	struct snap_image_sources sources;
	struct {
		uint64_t off, len;
	} sections[SNAP_IMAGE_NUM_SECTIONS];
	uint32_t num_kept, num_names; /* num_kept: tables */
	uint32_t reserved;
	uint32_t crc; /* of all before it */
};

struct snap_image_unit {
	uint64_t off; /* in SNAP_IMAGE_TABLES */
	uint32_t len, state;
	uint64_t unit_off; /* of its header in .debug_info */
};

static inline uint64_t snap_image_num_pages(uint64_t len)
{
	return (len + SNAP_IMAGE_PAGE - 1) / SNAP_IMAGE_PAGE;
}

#endif
