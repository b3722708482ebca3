#include "analyze/symbols/symbol_image.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "common/crc32c.h"

static const char magic[8] = "SnapSym";

enum section {
	PAGE_CRCS,
	MAP_STARTS,
	MAP_UNITS,
	UNITS,
	NAMES,
	SYMBOLS,
	RESTS,
	BY_NAME,
	STRINGS,
	TABLES,
	NUM_SECTIONS,
};

enum {
	FLAG_WHOLE = 1,
	FLAG_MAP_THOROUGH = 2,
	FLAG_HAS_MAP = 4,
	FLAG_HAS_SYMBOLS = 8,
};

/* All numbers little-endian. */
struct header {
	char magic[8];
	uint32_t version, flags;
	uint64_t file_len;
	struct snap_image_sources sources;
	struct {
		uint64_t off, len;
	} sections[NUM_SECTIONS];
	uint32_t num_kept; /* tables */
	uint32_t crc;	   /* of all before it */
};

struct unit {
	uint64_t off; /* in TABLES */
	uint32_t len, state;
};

struct name {
	uint32_t raw, shown;
};

struct snap_symbol_image {
	struct snap_bytes file;
	struct header header;
	uint8_t *verified; /* a bit for each page */
	bool failed;
};

/* ---------------------------------------------------------------- opening */

static void header_to_host(struct header *h)
{
	h->version = le32toh(h->version);
	h->flags = le32toh(h->flags);
	h->file_len = le64toh(h->file_len);
	for (size_t i = 0; i < NUM_SECTIONS; i++) {
		h->sections[i].off = le64toh(h->sections[i].off);
		h->sections[i].len = le64toh(h->sections[i].len);
	}
	h->num_kept = le32toh(h->num_kept);
	h->crc = le32toh(h->crc);
}

static uint64_t num_pages(uint64_t len)
{
	return (len + SNAP_IMAGE_PAGE - 1) / SNAP_IMAGE_PAGE;
}

static bool read_header(struct snap_bytes file, struct header *ret)
{
	if (file.len < sizeof(*ret))
		return false;
	memcpy(ret, file.data, sizeof(*ret));
	uint32_t crc = snap_crc32c(0, file.data, offsetof(struct header, crc));
	header_to_host(ret);
	if (memcmp(ret->magic, magic, sizeof(magic)) != 0 || ret->version != SNAP_IMAGE_VERSION ||
		ret->crc != crc || ret->file_len != file.len)
		return false;
	for (size_t i = 0; i < NUM_SECTIONS; i++)
		if (ret->sections[i].off > file.len || ret->sections[i].off % 8 != 0 ||
			ret->sections[i].len > file.len - ret->sections[i].off)
			return false;
	return ret->sections[PAGE_CRCS].len == 4 * num_pages(file.len) &&
	       ret->sections[MAP_STARTS].len / 8 == ret->sections[MAP_UNITS].len / 4;
}

static uint32_t count(const struct header *h, enum section section, size_t item_len)
{
	uint64_t num = h->sections[section].len / item_len;
	return num > UINT32_MAX ? UINT32_MAX : (uint32_t)num;
}

static void fill_info(const struct header *h, struct snap_image_info *ret)
{
	*ret = (struct snap_image_info){
		.num_units = count(h, UNITS, sizeof(struct unit)),
		.num_units_kept = h->num_kept,
		.num_names = count(h, NAMES, sizeof(struct name)),
		.num_symbols = count(h, SYMBOLS, sizeof(struct snap_image_symbol)),
		.is_whole = h->flags & FLAG_WHOLE,
		.is_map_thorough = h->flags & FLAG_MAP_THOROUGH,
		.has_map = h->flags & FLAG_HAS_MAP,
		.has_symbols = h->flags & FLAG_HAS_SYMBOLS,
	};
}

bool snap_symbol_image_peek(struct snap_bytes file, struct snap_image_info *ret)
{
	struct header header;
	if (!read_header(file, &header))
		return false;
	fill_info(&header, ret);
	return true;
}

struct snap_symbol_image *snap_symbol_image_open(
	struct snap_bytes file, const struct snap_image_sources *sources)
{
	struct header header;
	struct snap_image_sources little = *sources;
	little.build_id_len = htole32(little.build_id_len);
	for (size_t i = 0; i < 4; i++)
		little.file_len[i] = htole64(little.file_len[i]);
	if (!read_header(file, &header) ||
		memcmp(&header.sources, &little, sizeof(little)) != 0)
		return NULL;
	struct snap_symbol_image *image = calloc(1, sizeof(*image));
	if (!image)
		return NULL;
	image->file = file;
	image->header = header;
	image->verified = calloc(1, num_pages(file.len) / 8 + 1);
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
	memcpy(&crc, image->file.data + image->header.sections[PAGE_CRCS].off + 4 * page,
		sizeof(crc));
	if (snap_crc32c(0, image->file.data + off,
		    len < SNAP_IMAGE_PAGE ? len : SNAP_IMAGE_PAGE) != le32toh(crc)) {
		image->failed = true;
		return false;
	}
	image->verified[page / 8] |= (uint8_t)(1u << page % 8);
	return true;
}

/* len bytes at off of a section; NULL if they are not there, or not what was written. */
static const uint8_t *get(
	struct snap_symbol_image *image, enum section section, uint64_t off, uint64_t len)
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
static uint64_t get_u64(struct snap_symbol_image *image, enum section section, uint64_t off)
{
	uint64_t v = 0;
	const uint8_t *p = get(image, section, off, sizeof(v));
	if (p)
		memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static uint32_t get_u32(struct snap_symbol_image *image, enum section section, uint64_t off)
{
	uint32_t v = 0;
	const uint8_t *p = get(image, section, off, sizeof(v));
	if (p)
		memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

/* How many of the num items of item_len bytes, ascending by their first u64, begin at vaddr or
 * before. */
static uint64_t count_before(struct snap_symbol_image *image, enum section section, uint64_t num,
	size_t item_len, uint64_t vaddr)
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
	uint64_t low =
		count_before(image, MAP_STARTS, count(&image->header, MAP_STARTS, 8), 8, vaddr);
	return low > 0 ? get_u32(image, MAP_UNITS, 4 * (low - 1)) : 0;
}

enum snap_image_state snap_symbol_image_table(
	struct snap_symbol_image *image, uint32_t index, struct snap_bytes *ret)
{
	struct unit unit;
	const uint8_t *p = get(image, UNITS, (uint64_t)index * sizeof(unit), sizeof(unit));
	if (!p)
		return SNAP_IMAGE_MISSING;
	memcpy(&unit, p, sizeof(unit));
	uint32_t state = le32toh(unit.state);
	if (state != SNAP_IMAGE_TABLE)
		return state == SNAP_IMAGE_NO_TABLE ? SNAP_IMAGE_NO_TABLE : SNAP_IMAGE_MISSING;
	uint32_t len = le32toh(unit.len);
	p = get(image, TABLES, le64toh(unit.off), len);
	if (!p)
		return SNAP_IMAGE_MISSING;
	*ret = snap_bytes(p, len);
	return SNAP_IMAGE_TABLE;
}

/* NULL if it does not end within the section. */
static const char *get_string(struct snap_symbol_image *image, uint32_t off)
{
	uint64_t all = image->header.sections[STRINGS].len, start = off;
	const uint8_t *first = get(image, STRINGS, off, 1);
	while (first && start < all) {
		/* To the end of its page, and then page by page. */
		uint64_t at = image->header.sections[STRINGS].off + start;
		uint64_t len = SNAP_IMAGE_PAGE - at % SNAP_IMAGE_PAGE;
		if (len > all - start)
			len = all - start;
		const uint8_t *p = get(image, STRINGS, start, len);
		if (!p)
			return NULL;
		if (memchr(p, '\0', len))
			return (const char *)first;
		start += len;
	}
	image->failed = true;
	return NULL;
}

bool snap_symbol_image_name(struct snap_symbol_image *image, uint32_t number,
	const char **ret_raw, const char **ret_shown)
{
	struct name name;
	const uint8_t *p = get(image, NAMES, (uint64_t)number * sizeof(name), sizeof(name));
	if (!p)
		return false;
	memcpy(&name, p, sizeof(name));
	*ret_raw = get_string(image, le32toh(name.raw));
	*ret_shown = name.shown == name.raw ? *ret_raw : get_string(image, le32toh(name.shown));
	return *ret_raw && *ret_shown;
}

static bool read_symbol(
	struct snap_symbol_image *image, uint64_t index, struct snap_image_symbol *ret)
{
	const uint8_t *p = get(image, SYMBOLS, index * sizeof(*ret), sizeof(*ret));
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
	uint32_t num = count(&image->header, SYMBOLS, sizeof(symbol));
	uint64_t low = count_before(image, SYMBOLS, num, sizeof(symbol), vaddr);
	if (low == 0 || !read_symbol(image, low - 1, &symbol))
		return false;
	if (vaddr >= symbol.end) {
		/* Perhaps behind the end of one that lies inside another. */
		uint32_t num_rests = count(&image->header, RESTS, sizeof(struct snap_image_rest));
		low = count_before(image, RESTS, num_rests, sizeof(struct snap_image_rest), vaddr);
		uint64_t off = (low - 1) * sizeof(struct snap_image_rest);
		if (low == 0 ||
			vaddr >= get_u64(image, RESTS, off + offsetof(struct snap_image_rest, end)))
			return false;
		uint64_t index =
			get_u64(image, RESTS, off + offsetof(struct snap_image_rest, symbol));
		if (image->failed || index >= num || !read_symbol(image, index, &symbol))
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
	uint32_t hash = snap_image_hash(name), num = count(&image->header, BY_NAME, LEN);
	size_t len = name_len(name);
	uint64_t low = 0, high = num;
	while (low < high && !image->failed) {
		uint64_t mid = low + (high - low) / 2;
		if (get_u32(image, BY_NAME,
			    mid * LEN + offsetof(struct snap_image_by_name, hash)) < hash)
			low = mid + 1;
		else
			high = mid;
	}
	bool found = false;
	for (; low < num && !image->failed; low++) {
		const char *raw, *shown;
		uint64_t off = low * LEN, start = get_u64(image, BY_NAME, off);
		if (get_u32(image, BY_NAME, off + offsetof(struct snap_image_by_name, hash)) !=
			hash)
			break;
		uint32_t number = get_u32(
			image, BY_NAME, off + offsetof(struct snap_image_by_name, name));
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

/* ---------------------------------------------------------------- making one */

struct writer {
	uint8_t *data;
	size_t len, capacity;
	struct header header;
	bool failed;
};

static uint8_t *reserve(struct writer *w, size_t len)
{
	if (w->failed)
		return NULL;
	if (len > w->capacity - w->len) {
		size_t capacity = w->capacity ? w->capacity : 1 << 16;
		while (capacity - w->len < len && capacity < SIZE_MAX / 2)
			capacity *= 2;
		uint8_t *data = realloc(w->data, capacity);
		if (!data) {
			w->failed = true;
			return NULL;
		}
		w->data = data;
		w->capacity = capacity;
	}
	w->len += len;
	return w->data + w->len - len;
}

static void put(struct writer *w, const void *bytes, size_t len)
{
	uint8_t *to = len > 0 ? reserve(w, len) : NULL;
	if (to)
		memcpy(to, bytes, len);
}

static void align(struct writer *w)
{
	static const uint8_t zeros[8];
	put(w, zeros, (8 - w->len % 8) % 8);
}

static void begin(struct writer *w, enum section section)
{
	align(w);
	w->header.sections[section].off = w->len;
}

static void end(struct writer *w, enum section section)
{
	w->header.sections[section].len = w->len - w->header.sections[section].off;
}

static void put_u32(struct writer *w, uint32_t v)
{
	v = htole32(v);
	put(w, &v, sizeof(v));
}

static void put_u64(struct writer *w, uint64_t v)
{
	v = htole64(v);
	put(w, &v, sizeof(v));
}

static void put_map(struct writer *w, const struct snap_image_contents *c)
{
	begin(w, MAP_STARTS);
	for (size_t i = 0; i < c->num_map; i++)
		put_u64(w, c->map[i].start);
	end(w, MAP_STARTS);
	begin(w, MAP_UNITS);
	for (size_t i = 0; i < c->num_map; i++)
		put_u32(w, c->map[i].unit);
	end(w, MAP_UNITS);
}

static void put_units(struct writer *w, const struct snap_image_contents *c)
{
	uint64_t off = 0;
	begin(w, UNITS);
	for (size_t i = 0; i < c->num_tables; i++) {
		const struct snap_image_table *table = &c->tables[i];
		bool has = table->state == SNAP_IMAGE_TABLE;
		put_u64(w, has ? off : 0);
		put_u32(w, has ? (uint32_t)table->bytes.len : 0);
		put_u32(w, table->state);
		if (has)
			off += (table->bytes.len + 7) & ~(size_t)7;
		w->header.num_kept += table->state != SNAP_IMAGE_MISSING;
	}
	end(w, UNITS);
}

/* Names first, their strings later: in the order of their numbers, so that offsets are known. */
static void put_names(struct writer *w, const struct snap_image_contents *c)
{
	uint64_t off = 0;
	begin(w, NAMES);
	for (size_t i = 0; i < c->num_names; i++) {
		const struct snap_image_name *name = &c->names[i];
		bool same = strcmp(name->raw, name->shown) == 0;
		uint64_t shown = same ? off : off + strlen(name->raw) + 1;
		put_u32(w, (uint32_t)off);
		put_u32(w, (uint32_t)shown);
		off = shown + strlen(name->shown) + 1;
		if (off > UINT32_MAX)
			w->failed = true;
	}
	end(w, NAMES);
}

static void put_strings(struct writer *w, const struct snap_image_contents *c)
{
	begin(w, STRINGS);
	for (size_t i = 0; i < c->num_names; i++) {
		const struct snap_image_name *name = &c->names[i];
		put(w, name->raw, strlen(name->raw) + 1);
		if (strcmp(name->raw, name->shown) != 0)
			put(w, name->shown, strlen(name->shown) + 1);
	}
	end(w, STRINGS);
}

static int compare_by_name(const void *a, const void *b)
{
	const struct snap_image_by_name *x = a, *y = b;
	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	if (x->name != y->name)
		return x->name < y->name ? -1 : 1;
	return x->start < y->start ? -1 : x->start > y->start;
}

static void put_symbols(struct writer *w, struct snap_image_contents *c)
{
	begin(w, SYMBOLS);
	for (size_t i = 0; i < c->num_symbols; i++) {
		put_u64(w, c->symbols[i].start);
		put_u64(w, c->symbols[i].end);
		put_u32(w, c->symbols[i].name);
		put_u32(w, 0);
	}
	end(w, SYMBOLS);
	begin(w, RESTS);
	for (size_t i = 0; i < c->num_rests; i++) {
		put_u64(w, c->rests[i].start);
		put_u64(w, c->rests[i].end);
		put_u64(w, c->rests[i].symbol);
	}
	end(w, RESTS);
	if (c->num_by_name > 0)
		qsort(c->by_name, c->num_by_name, sizeof(*c->by_name), compare_by_name);
	begin(w, BY_NAME);
	for (size_t i = 0; i < c->num_by_name; i++) {
		put_u64(w, c->by_name[i].start);
		put_u32(w, c->by_name[i].name);
		put_u32(w, c->by_name[i].hash);
	}
	end(w, BY_NAME);
}

static void put_tables(struct writer *w, const struct snap_image_contents *c)
{
	begin(w, TABLES);
	for (size_t i = 0; i < c->num_tables; i++) {
		if (c->tables[i].state != SNAP_IMAGE_TABLE)
			continue;
		put(w, c->tables[i].bytes.data, c->tables[i].bytes.len);
		align(w);
	}
	end(w, TABLES);
}

/* The header, in the space that was left for it, and the CRCs of all pages. */
static void finish(struct writer *w, const struct snap_image_contents *c)
{
	struct header h = w->header;
	bool whole = true;
	for (size_t i = 0; i < c->num_map && whole; i++)
		whole = c->map[i].unit == 0 ||
			c->tables[c->map[i].unit - 1].state != SNAP_IMAGE_MISSING;
	memcpy(h.magic, magic, sizeof(magic));
	h.version = htole32(SNAP_IMAGE_VERSION);
	h.flags = htole32((whole ? FLAG_WHOLE : 0) |
			  (c->is_map_thorough ? FLAG_MAP_THOROUGH : 0) |
			  (c->has_map ? FLAG_HAS_MAP : 0) |
			  (c->has_symbols ? FLAG_HAS_SYMBOLS : 0));
	h.file_len = htole64(w->len);
	h.sources = *c->sources;
	h.sources.build_id_len = htole32(h.sources.build_id_len);
	for (size_t i = 0; i < 4; i++)
		h.sources.file_len[i] = htole64(h.sources.file_len[i]);
	for (size_t i = 0; i < NUM_SECTIONS; i++) {
		h.sections[i].off = htole64(h.sections[i].off);
		h.sections[i].len = htole64(h.sections[i].len);
	}
	h.num_kept = htole32(h.num_kept);
	h.crc = htole32(snap_crc32c(0, &h, offsetof(struct header, crc)));
	memcpy(w->data, &h, sizeof(h));
	uint8_t *crcs = w->data + w->header.sections[PAGE_CRCS].off;
	uint64_t first_after = (w->header.sections[PAGE_CRCS].off +
				       w->header.sections[PAGE_CRCS].len + SNAP_IMAGE_PAGE - 1) /
			       SNAP_IMAGE_PAGE;
	for (uint64_t page = first_after; page < num_pages(w->len); page++) {
		size_t len = w->len - page * SNAP_IMAGE_PAGE;
		uint32_t crc = htole32(snap_crc32c(0, w->data + page * SNAP_IMAGE_PAGE,
			len < SNAP_IMAGE_PAGE ? len : SNAP_IMAGE_PAGE));
		memcpy(crcs + 4 * page, &crc, sizeof(crc));
	}
}

static size_t total_len(const struct snap_image_contents *c)
{
	size_t len = sizeof(struct header) + NUM_SECTIONS * 8;
	len += c->num_map * 12 + c->num_tables * sizeof(struct unit);
	len += c->num_names * sizeof(struct name);
	len += c->num_symbols * sizeof(struct snap_image_symbol);
	len += c->num_rests * sizeof(struct snap_image_rest);
	len += c->num_by_name * sizeof(struct snap_image_by_name);
	for (size_t i = 0; i < c->num_names; i++)
		len += strlen(c->names[i].raw) + strlen(c->names[i].shown) + 2;
	for (size_t i = 0; i < c->num_tables; i++)
		len += (c->tables[i].bytes.len + 7) & ~(size_t)7;
	return len;
}

int snap_symbol_image_encode(
	struct snap_image_contents *contents, struct snap_bytes *ret, struct snap_error *err)
{
	struct writer w = {0};
	/* So much at the most, that the CRCs have room in front; what follows starts on a page of
	 * its own, since the pages of the CRCs have none themselves. */
	uint64_t pages = num_pages(total_len(contents)) + 2;
	pages += num_pages(pages * 4);
	uint8_t *head = reserve(&w, sizeof(struct header));
	if (head)
		memset(head, 0, sizeof(struct header));
	begin(&w, PAGE_CRCS);
	size_t crcs_end = w.len + pages * 4;
	crcs_end = (crcs_end + SNAP_IMAGE_PAGE - 1) / SNAP_IMAGE_PAGE * SNAP_IMAGE_PAGE;
	uint8_t *crcs = reserve(&w, crcs_end - w.len);
	if (crcs)
		memset(crcs, 0, crcs_end - w.header.sections[PAGE_CRCS].off);
	put_map(&w, contents);
	put_units(&w, contents);
	put_names(&w, contents);
	put_symbols(&w, contents);
	put_strings(&w, contents);
	put_tables(&w, contents);
	if (w.failed) {
		free(w.data);
		return snap_error_no_memory(err);
	}
	w.header.sections[PAGE_CRCS].len = 4 * num_pages(w.len);
	finish(&w, contents);
	*ret = snap_bytes(w.data, w.len);
	return 0;
}
