#include "analyze/symbols/symbol_image.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/symbols/symbol_image_format.h"
#include "common/crc32c.h"

/* Look-ups of units that are verified step by step. */
#define MAX_LOOKS 256

/* A string that was put together. */
struct text {
	char *data; /* owned */
	size_t len, capacity;
};

struct snap_symbol_image {
	struct snap_bytes file;
	struct snap_image_header header;
	uint8_t *verified; /* a bit for each page */
	bool failed;
	uint64_t num_looks;		       /* at the map */
	const uint8_t *map_starts, *map_units; /* once they are verified; NULL */
	struct text raw, shown;		       /* of the name that was asked for last */
};

/* ---------------------------------------------------------------- opening */

static void header_to_host(struct snap_image_header *h)
{
	h->version = le32toh(h->version);
	h->flags = le32toh(h->flags);
	h->file_len = le64toh(h->file_len);
	for (size_t i = 0; i < SNAP_IMAGE_NUM_SECTIONS; i++) {
		h->sections[i].off = le64toh(h->sections[i].off);
		h->sections[i].len = le64toh(h->sections[i].len);
	}
	h->num_kept = le32toh(h->num_kept);
	h->num_names = le32toh(h->num_names);
	h->crc = le32toh(h->crc);
}

static bool read_header(struct snap_bytes file, struct snap_image_header *ret)
{
	if (file.len < sizeof(*ret))
		return false;
	memcpy(ret, file.data, sizeof(*ret));
	uint32_t crc = snap_crc32c(0, file.data, offsetof(struct snap_image_header, crc));
	header_to_host(ret);
	if (memcmp(ret->magic, SNAP_IMAGE_MAGIC, sizeof(SNAP_IMAGE_MAGIC)) != 0 ||
		ret->version != SNAP_IMAGE_VERSION || ret->crc != crc || ret->file_len != file.len)
		return false;
	for (size_t i = 0; i < SNAP_IMAGE_NUM_SECTIONS; i++)
		if (ret->sections[i].off > file.len || ret->sections[i].off % 8 != 0 ||
			ret->sections[i].len > file.len - ret->sections[i].off)
			return false;
	return ret->sections[SNAP_IMAGE_NAMES].len / 4 ==
		       (ret->num_names + UINT64_C(15)) / SNAP_NAMES_PER_BLOCK &&
	       ret->sections[SNAP_IMAGE_PAGE_CRCS].len == 4 * snap_image_num_pages(file.len) &&
	       ret->sections[SNAP_IMAGE_MAP_STARTS].len / 8 ==
		       ret->sections[SNAP_IMAGE_MAP_UNITS].len / 4;
}

static uint32_t count(
	const struct snap_image_header *h, enum snap_image_section section, size_t item_len)
{
	uint64_t num = h->sections[section].len / item_len;
	return num > UINT32_MAX ? UINT32_MAX : (uint32_t)num;
}

static void fill_info(const struct snap_image_header *h, struct snap_image_info *ret)
{
	*ret = (struct snap_image_info){
		.num_units = count(h, SNAP_IMAGE_UNITS, sizeof(struct snap_image_unit)),
		.num_units_kept = h->num_kept,
		.num_names = h->num_names,
		.num_symbols = count(h, SNAP_IMAGE_SYMBOLS, sizeof(struct snap_image_symbol)),
		.is_whole = h->flags & SNAP_IMAGE_FLAG_WHOLE,
		.is_map_thorough = h->flags & SNAP_IMAGE_FLAG_MAP_THOROUGH,
		.has_map = h->flags & SNAP_IMAGE_FLAG_HAS_MAP,
		.has_symbols = h->flags & SNAP_IMAGE_FLAG_HAS_SYMBOLS,
	};
}

bool snap_symbol_image_peek(struct snap_bytes file, struct snap_image_info *ret)
{
	struct snap_image_header header;
	if (!read_header(file, &header))
		return false;
	fill_info(&header, ret);
	return true;
}

struct snap_symbol_image *snap_symbol_image_open(
	struct snap_bytes file, const struct snap_image_sources *sources)
{
	struct snap_image_header header;
	struct snap_image_sources little = *sources;
	little.build_id_len = htole32(little.build_id_len);
	for (size_t i = 0; i < 4; i++)
		little.file_len[i] = htole64(little.file_len[i]);
	if (!read_header(file, &header) || memcmp(&header.sources, &little, sizeof(little)) != 0)
		return NULL;
	struct snap_symbol_image *image = calloc(1, sizeof(*image));
	if (!image)
		return NULL;
	image->file = file;
	image->header = header;
	image->verified = calloc(1, snap_image_num_pages(file.len) / 8 + 1);
	if (!image->verified) {
		free(image);
		return NULL;
	}
	return image;
}

void snap_symbol_image_close(struct snap_symbol_image *image)
{
	if (!image)
		return;
	free(image->verified);
	free(image->raw.data);
	free(image->shown.data);
	free(image);
}

bool snap_symbol_image_has_failed(const struct snap_symbol_image *image)
{
	return image->failed;
}

void snap_symbol_image_info(const struct snap_symbol_image *image, struct snap_image_info *ret)
{
	fill_info(&image->header, ret);
}

/* ---------------------------------------------------------------- reading */

static bool verify_page(struct snap_symbol_image *image, uint64_t page)
{
	if (image->verified[page / 8] & 1u << page % 8)
		return true;
	uint64_t off = page * SNAP_IMAGE_PAGE, len = image->file.len - off;
	uint32_t crc;
	memcpy(&crc, image->file.data + image->header.sections[SNAP_IMAGE_PAGE_CRCS].off + 4 * page,
		sizeof(crc));
	if (snap_crc32c(0, image->file.data + off, len < SNAP_IMAGE_PAGE ? len : SNAP_IMAGE_PAGE) !=
		le32toh(crc)) {
		image->failed = true;
		return false;
	}
	image->verified[page / 8] |= (uint8_t)(1u << page % 8);
	return true;
}

/* len bytes at off of a section; NULL if they are not there, or not what was written. */
static const uint8_t *get(struct snap_symbol_image *image, enum snap_image_section section,
	uint64_t off, uint64_t len)
{
	uint64_t all = image->header.sections[section].len;
	if (image->failed || off > all || len > all - off) {
		image->failed = true;
		return NULL;
	}
	uint64_t start = image->header.sections[section].off + off;
	for (uint64_t page = start / SNAP_IMAGE_PAGE; page * SNAP_IMAGE_PAGE < start + len; page++)
		if (!verify_page(image, page))
			return NULL;
	return image->file.data + start;
}

/* 0 if it is not there: image->failed says so. */
static uint64_t get_u64(
	struct snap_symbol_image *image, enum snap_image_section section, uint64_t off)
{
	uint64_t v = 0;
	const uint8_t *p = get(image, section, off, sizeof(v));
	if (p)
		memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static uint32_t get_u32(
	struct snap_symbol_image *image, enum snap_image_section section, uint64_t off)
{
	uint32_t v = 0;
	const uint8_t *p = get(image, section, off, sizeof(v));
	if (p)
		memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

/* How many of the num items of item_len bytes, ascending by their first u64, begin at vaddr or
 * before. */
static uint64_t count_before(struct snap_symbol_image *image, enum snap_image_section section,
	uint64_t num, size_t item_len, uint64_t vaddr)
{
	uint64_t low = 0, high = num;
	while (low < high && !image->failed) {
		uint64_t mid = low + (high - low) / 2;
		if (get_u64(image, section, mid * item_len) <= vaddr)
			low = mid + 1;
		else
			high = mid;
	}
	return image->failed ? 0 : low;
}

uint32_t snap_symbol_image_unit_at(struct snap_symbol_image *image, uint64_t vaddr)
{
	uint32_t num = count(&image->header, SNAP_IMAGE_MAP_STARTS, 8);
	if (image->num_looks++ < MAX_LOOKS) {
		uint64_t low = count_before(image, SNAP_IMAGE_MAP_STARTS, num, 8, vaddr);
		return low > 0 ? get_u32(image, SNAP_IMAGE_MAP_UNITS, 4 * (low - 1)) : 0;
	}
	/* So many are asked for that all of the map is verified once, instead of at each step. */
	if (!image->map_starts || !image->map_units) {
		image->map_starts = get(image, SNAP_IMAGE_MAP_STARTS, 0, UINT64_C(8) * num);
		image->map_units = get(image, SNAP_IMAGE_MAP_UNITS, 0, UINT64_C(4) * num);
		if (!image->map_starts || !image->map_units)
			return 0;
	}
	uint32_t low = 0, high = num;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		uint64_t start;
		memcpy(&start, image->map_starts + UINT64_C(8) * mid, sizeof(start));
		if (le64toh(start) <= vaddr)
			low = mid + 1;
		else
			high = mid;
	}
	uint32_t unit = 0;
	if (low > 0)
		memcpy(&unit, image->map_units + UINT64_C(4) * (low - 1), sizeof(unit));
	return le32toh(unit);
}

enum snap_image_state snap_symbol_image_table(
	struct snap_symbol_image *image, uint32_t index, struct snap_bytes *ret)
{
	struct snap_image_unit unit;
	const uint8_t *p =
		get(image, SNAP_IMAGE_UNITS, (uint64_t)index * sizeof(unit), sizeof(unit));
	if (!p)
		return SNAP_IMAGE_MISSING;
	memcpy(&unit, p, sizeof(unit));
	uint32_t state = le32toh(unit.state);
	if (state != SNAP_IMAGE_TABLE)
		return state == SNAP_IMAGE_NO_TABLE ? SNAP_IMAGE_NO_TABLE : SNAP_IMAGE_MISSING;
	uint32_t len = le32toh(unit.len);
	p = get(image, SNAP_IMAGE_TABLES, le64toh(unit.off), len);
	if (!p)
		return SNAP_IMAGE_MISSING;
	*ret = snap_bytes(p, len);
	return SNAP_IMAGE_TABLE;
}

bool snap_symbol_image_unit_off(struct snap_symbol_image *image, uint32_t index, uint64_t *ret)
{
	*ret = get_u64(image, SNAP_IMAGE_UNITS,
		(uint64_t)index * sizeof(struct snap_image_unit) +
			offsetof(struct snap_image_unit, unit_off));
	return !image->failed;
}

/* The bytes of strings from *off on, to the end of the page there; *off moves behind them. */
static struct snap_bytes next_strings(struct snap_symbol_image *image, uint64_t *off)
{
	uint64_t all = image->header.sections[SNAP_IMAGE_STRINGS].len;
	uint64_t at = image->header.sections[SNAP_IMAGE_STRINGS].off + *off;
	uint64_t len = SNAP_IMAGE_PAGE - at % SNAP_IMAGE_PAGE;
	if (*off < all && len > all - *off)
		len = all - *off;
	const uint8_t *p = get(image, SNAP_IMAGE_STRINGS, *off, *off < all ? len : 1);
	*off += len;
	return snap_bytes(p, p ? len : 0);
}

/* A walk over strings, page by page. */
struct strings {
	struct snap_symbol_image *image;
	struct snap_bytes bytes; /* of the page at hand, those that are left */
	uint64_t off;		 /* behind them */
};

static bool has_more(struct strings *s)
{
	if (s->bytes.len == 0)
		s->bytes = next_strings(s->image, &s->off);
	return s->bytes.len > 0;
}

static uint64_t next_number(struct strings *s)
{
	uint64_t v = 0;
	for (unsigned int shift = 0; shift < 63 && has_more(s); shift += 7) {
		uint8_t byte = *s->bytes.data++;
		s->bytes.len--;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return v;
	}
	s->image->failed = true;
	return 0;
}

static bool append(struct text *text, const void *bytes, size_t len)
{
	if (len > text->capacity - text->len) {
		size_t capacity = text->capacity ? text->capacity : 256;
		while (capacity - text->len < len)
			capacity *= 2;
		char *data = realloc(text->data, capacity);
		if (!data)
			return false;
		text->data = data;
		text->capacity = capacity;
	}
	if (len > 0)
		memcpy(text->data + text->len, bytes, len);
	text->len += len;
	return true;
}

/* The rest of a text that has common bytes of the one before; with its NUL. */
static bool next_text(struct strings *s, uint64_t common, struct text *text)
{
	if (s->image->failed || common > (text->len > 0 ? text->len - 1 : 0)) {
		s->image->failed = true;
		return false;
	}
	text->len = common;
	while (has_more(s)) {
		const uint8_t *nul = memchr(s->bytes.data, '\0', s->bytes.len);
		size_t len = nul ? (size_t)(nul + 1 - s->bytes.data) : s->bytes.len;
		if (!append(text, s->bytes.data, len))
			break;
		s->bytes.data += len;
		s->bytes.len -= len;
		if (nul)
			return true;
	}
	s->image->failed = true;
	return false;
}

bool snap_symbol_image_name(struct snap_symbol_image *image, uint32_t number, const char **ret_raw,
	const char **ret_shown)
{
	if (number >= image->header.num_names)
		image->failed = true;
	struct strings s = {.image = image,
		.off = get_u32(
			image, SNAP_IMAGE_NAMES, UINT64_C(4) * (number / SNAP_NAMES_PER_BLOCK))};
	image->raw.len = image->shown.len = 0;
	for (uint32_t i = 0; i <= number % SNAP_NAMES_PER_BLOCK; i++) {
		if (image->failed || !next_text(&s, next_number(&s), &image->raw))
			return false;
		uint64_t common = next_number(&s);
		if (common > 0) {
			if (!next_text(&s, common - 1, &image->shown))
				return false;
		} else {
			image->shown.len = 0;
			if (!append(&image->shown, image->raw.data, image->raw.len))
				return false;
		}
	}
	*ret_raw = image->raw.data;
	*ret_shown = image->shown.data;
	return !image->failed;
}

static bool read_symbol(
	struct snap_symbol_image *image, uint64_t index, struct snap_image_symbol *ret)
{
	const uint8_t *p = get(image, SNAP_IMAGE_SYMBOLS, index * sizeof(*ret), sizeof(*ret));
	if (!p)
		return false;
	memcpy(ret, p, sizeof(*ret));
	ret->start = le64toh(ret->start);
	ret->end = le64toh(ret->end);
	ret->name = le32toh(ret->name);
	return true;
}

bool snap_symbol_image_symbol(struct snap_symbol_image *image, uint64_t vaddr, uint64_t *ret_start,
	uint64_t *ret_end, uint32_t *ret_name)
{
	struct snap_image_symbol symbol;
	uint32_t num = count(&image->header, SNAP_IMAGE_SYMBOLS, sizeof(symbol));
	uint64_t low = count_before(image, SNAP_IMAGE_SYMBOLS, num, sizeof(symbol), vaddr);
	if (low == 0 || !read_symbol(image, low - 1, &symbol))
		return false;
	if (vaddr >= symbol.end) {
		/* Perhaps behind the end of one that lies inside another. */
		uint32_t num_rests =
			count(&image->header, SNAP_IMAGE_RESTS, sizeof(struct snap_image_rest));
		low = count_before(
			image, SNAP_IMAGE_RESTS, num_rests, sizeof(struct snap_image_rest), vaddr);
		uint64_t off = (low - 1) * sizeof(struct snap_image_rest);
		if (low == 0 || vaddr >= get_u64(image, SNAP_IMAGE_RESTS,
						 off + offsetof(struct snap_image_rest, end)))
			return false;
		uint64_t index = get_u64(
			image, SNAP_IMAGE_RESTS, off + offsetof(struct snap_image_rest, symbol));
		if (image->failed || index >= num || !read_symbol(image, index, &symbol))
			return false;
	}
	if (vaddr < symbol.start) {
		image->failed = true;
		return false;
	}
	*ret_start = symbol.start;
	*ret_end = symbol.end;
	*ret_name = symbol.name;
	return true;
}

static size_t name_len(const char *name)
{
	return strcspn(name, "@");
}

uint32_t snap_image_hash(const char *name)
{
	return snap_crc32c(0, name, name_len(name));
}

bool snap_symbol_image_find_name(
	struct snap_symbol_image *image, const char *name, uint64_t *ret_start)
{
	enum { LEN = sizeof(struct snap_image_by_name) };
	uint32_t hash = snap_image_hash(name), num = count(&image->header, SNAP_IMAGE_BY_NAME, LEN);
	size_t len = name_len(name);
	uint64_t low = 0, high = num;
	while (low < high && !image->failed) {
		uint64_t mid = low + (high - low) / 2;
		if (get_u32(image, SNAP_IMAGE_BY_NAME,
			    mid * LEN + offsetof(struct snap_image_by_name, hash)) < hash)
			low = mid + 1;
		else
			high = mid;
	}
	bool found = false;
	for (; low < num && !image->failed; low++) {
		const char *raw, *shown;
		uint64_t off = low * LEN, start = get_u64(image, SNAP_IMAGE_BY_NAME, off);
		if (get_u32(image, SNAP_IMAGE_BY_NAME,
			    off + offsetof(struct snap_image_by_name, hash)) != hash)
			break;
		uint32_t number = get_u32(
			image, SNAP_IMAGE_BY_NAME, off + offsetof(struct snap_image_by_name, name));
		if (image->failed || !snap_symbol_image_name(image, number, &raw, &shown))
			return false;
		if (name_len(raw) != len || memcmp(raw, name, len) != 0)
			continue;
		if (found && start != *ret_start)
			return false; /* several functions have it */
		*ret_start = start;
		found = true;
	}
	return found && !image->failed;
}
