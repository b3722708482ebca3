/* An entry of the symbol cache: its checksums are right, and nothing else need be. */
#include "analyze/symbols/symbol_image.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/symbols/symbol_image_format.h"
#include "analyze/symbols/unit_table.h"
#include "common/crc32c.h"
#include "fuzz/fuzz.h"

static void seal(uint8_t *data, size_t len)
{
	struct snap_image_header header;
	if (len < sizeof(header))
		return;
	memcpy(&header, data, sizeof(header));
	memcpy(header.magic, SNAP_IMAGE_MAGIC, sizeof(SNAP_IMAGE_MAGIC));
	header.version = SNAP_IMAGE_VERSION;
	header.file_len = len;
	uint64_t pages = snap_image_num_pages(len);
	if (header.sections[SNAP_IMAGE_PAGE_CRCS].off > len ||
		len - header.sections[SNAP_IMAGE_PAGE_CRCS].off < 4 * pages)
		header.sections[SNAP_IMAGE_PAGE_CRCS].off = sizeof(header);
	header.sections[SNAP_IMAGE_PAGE_CRCS].len = 4 * pages;
	uint64_t crcs = header.sections[SNAP_IMAGE_PAGE_CRCS].off;
	header.crc = snap_crc32c(0, &header, offsetof(struct snap_image_header, crc));
	memcpy(data, &header, sizeof(header));
	if (crcs > len || len - crcs < 4 * pages)
		return;
	for (uint64_t page = 0; page < pages; page++) {
		size_t off = page * SNAP_IMAGE_PAGE;
		uint32_t crc = snap_crc32c(
			0, data + off, len - off < SNAP_IMAGE_PAGE ? len - off : SNAP_IMAGE_PAGE);
		memcpy(data + crcs + 4 * page, &crc, sizeof(crc));
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max_len, unsigned int seed)
{
	/* Mostly within the head, where the sections are, or within one section. */
	size_t head = sizeof(struct snap_image_header);
	if (len > head && seed % 4 == 0) {
		size_t off = offsetof(struct snap_image_header, sections);
		(void)LLVMFuzzerMutate(data + off, head - off, head - off);
	} else if (len > head && seed % 4 < 3) {
		struct snap_image_header header;
		memcpy(&header, data, head);
		unsigned int which = seed / 4 % SNAP_IMAGE_NUM_SECTIONS;
		uint64_t off = header.sections[which].off, n = header.sections[which].len;
		if (off < len && n > 0 && n <= len - off)
			(void)LLVMFuzzerMutate(data + off, n, n);
	} else {
		len = LLVMFuzzerMutate(data, len, max_len);
	}
	seal(data, len);
	return len;
}

static void use_table(struct snap_bytes bytes)
{
	struct snap_unit_table table;
	struct snap_unit_frame frames[SNAP_MAX_INLINE_DEPTH];
	struct snap_unit_site sites[8];
	if (!snap_unit_table_open(bytes, &table))
		return;
	for (uint64_t i = 0; i < 8; i++) {
		uint64_t vaddr = table.base + 16 * i;
		if (table.num_chunks > 0 && i > 4)
			memcpy(&vaddr, table.chunks + 8 * (i % table.num_chunks), sizeof(vaddr));
		FUZZ_REQUIRE(snap_unit_table_find(&table, vaddr, frames, SNAP_MAX_INLINE_DEPTH) <=
			     SNAP_MAX_INLINE_DEPTH);
		(void)snap_unit_table_site(&table, vaddr, sites);
		FUZZ_REQUIRE(snap_unit_table_tail_calls(&table, vaddr, sites, 8) <= 8);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct snap_image_header header;
	struct snap_image_info info;
	if (len < sizeof(header))
		return 0;
	memcpy(&header, data, sizeof(header));
	uint8_t *copy = fuzz_copy(snap_bytes(data, len));
	struct snap_bytes file = snap_bytes(copy, len);
	(void)snap_symbol_image_peek(file, &info);
	struct snap_symbol_image *image = snap_symbol_image_open(file, &header.sources);
	if (image) {
		snap_symbol_image_info(image, &info);
		for (uint32_t i = 0; i < info.num_units && i < 16; i++) {
			struct snap_bytes table;
			if (snap_symbol_image_table(image, i, &table) == SNAP_IMAGE_TABLE)
				use_table(table);
		}
		const char *raw, *shown;
		for (uint32_t i = 0; i < info.num_names && i < 64; i++)
			if (snap_symbol_image_name(image, i, &raw, &shown))
				FUZZ_REQUIRE(strlen(raw) < len * 64 && strlen(shown) < len * 64);
		for (uint64_t i = 0; i < 300; i++) {
			uint64_t start = 0, end = 0, vaddr = 0x1000 + 8 * i;
			uint32_t name;
			(void)snap_symbol_image_unit_at(image, vaddr);
			if (snap_symbol_image_symbol(image, vaddr, &start, &end, &name))
				FUZZ_REQUIRE(start <= vaddr);
		}
		uint64_t at;
		(void)snap_symbol_image_find_name(image, "main", &at);
		snap_symbol_image_close(image);
	}
	free(copy);
	return 0;
}
