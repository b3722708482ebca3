#include "analyze/symbols/symbol_image.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/symbols/unit_table.h"
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
	uint32_t num_kept, num_names; /* num_kept: tables */
	uint32_t reserved;
	uint32_t crc; /* of all before it */
};

struct unit {
	uint64_t off; /* in TABLES */
	uint32_t len, state;
};

/* Look-ups of units that are verified step by step. */
#define MAX_LOOKS 256

/* A string that was put together. */
struct text {
	char *data; /* owned */
	size_t len, capacity;
};

struct snap_symbol_image {
	struct snap_bytes file;
	struct header header;
	uint8_t *verified; /* a bit for each page */
	bool failed;
	uint64_t num_looks;			   /* at the map */
	const uint8_t *map_starts, *map_units; /* once they are verified; NULL */
	struct text raw, shown; /* of the name that was asked for last */
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
	h->num_names = le32toh(h->num_names);
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
	return ret->sections[NAMES].len / 4 ==
		       (ret->num_names + UINT64_C(15)) / SNAP_NAMES_PER_BLOCK &&
	       ret->sections[PAGE_CRCS].len == 4 * num_pages(file.len) &&
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
		.num_names = h->num_names,
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
	if (!read_header(file, &header) || memcmp(&header.sources, &little, sizeof(little)) != 0)
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
	memcpy(&crc, image->file.data + image->header.sections[PAGE_CRCS].off + 4 * page,
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
	uint32_t num = count(&image->header, MAP_STARTS, 8);
	if (image->num_looks++ < MAX_LOOKS) {
		uint64_t low = count_before(image, MAP_STARTS, num, 8, vaddr);
		return low > 0 ? get_u32(image, MAP_UNITS, 4 * (low - 1)) : 0;
	}
	/* So many are asked for that all of the map is verified once, instead of at each step. */
	if (!image->map_starts) {
		image->map_starts = get(image, MAP_STARTS, 0, UINT64_C(8) * num);
		image->map_units = get(image, MAP_UNITS, 0, UINT64_C(4) * num);
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

/* The bytes of strings from *off on, to the end of the page there; *off moves behind them. */
static struct snap_bytes next_strings(struct snap_symbol_image *image, uint64_t *off)
{
	uint64_t all = image->header.sections[STRINGS].len;
	uint64_t at = image->header.sections[STRINGS].off + *off;
	uint64_t len = SNAP_IMAGE_PAGE - at % SNAP_IMAGE_PAGE;
	if (*off < all && len > all - *off)
		len = all - *off;
	const uint8_t *p = get(image, STRINGS, *off, *off < all ? len : 1);
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
		.off = get_u32(image, NAMES, UINT64_C(4) * (number / SNAP_NAMES_PER_BLOCK))};
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
		if (get_u32(image, BY_NAME, mid * LEN + offsetof(struct snap_image_by_name, hash)) <
			hash)
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
		uint32_t number =
			get_u32(image, BY_NAME, off + offsetof(struct snap_image_by_name, name));
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
	uint32_t *order, *numbers; /* of names: see sort_names() */
	uint64_t *blocks;	   /* where they begin in strings */
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

static int compare_names(const void *a, const void *b, void *data)
{
	const struct snap_image_name *names = data;
	const struct snap_image_name *x = &names[*(const uint32_t *)a];
	const struct snap_image_name *y = &names[*(const uint32_t *)b];
	int r = strcmp(x->shown, y->shown);
	return r != 0 ? r : strcmp(x->raw, y->raw);
}

/* How the names are ordered, and the other way round: their new numbers. */
static bool sort_names(struct writer *w, const struct snap_image_contents *c)
{
	w->order = calloc(c->num_names + 1, sizeof(*w->order));
	w->numbers = calloc(c->num_names + 1, sizeof(*w->numbers));
	if (!w->order || !w->numbers)
		return false;
	for (size_t i = 0; i < c->num_names; i++)
		w->order[i] = (uint32_t)i;
	if (c->num_names > 0)
		qsort_r(w->order, c->num_names, sizeof(*w->order), compare_names, (void *)c->names);
	for (size_t i = 0; i < c->num_names; i++)
		w->numbers[w->order[i]] = (uint32_t)i;
	return true;
}

static void put_number(struct writer *w, uint64_t v)
{
	uint8_t bytes[10];
	size_t len = 0;
	do {
		bytes[len++] = (uint8_t)(v & 0x7f) | (v > 0x7f ? 0x80 : 0);
		v >>= 7;
	} while (v > 0);
	put(w, bytes, len);
}

static size_t count_common(const char *a, const char *b)
{
	size_t i = 0;
	while (a[i] && a[i] == b[i])
		i++;
	return i;
}

static void put_strings(struct writer *w, const struct snap_image_contents *c)
{
	const char *raw = "", *shown = "";
	begin(w, STRINGS);
	for (size_t i = 0; i < c->num_names; i++) {
		const struct snap_image_name *name = &c->names[w->order[i]];
		if (i % SNAP_NAMES_PER_BLOCK == 0) {
			raw = shown = "";
			w->blocks[i / SNAP_NAMES_PER_BLOCK] =
				w->len - w->header.sections[STRINGS].off;
		}
		size_t common = count_common(raw, name->raw);
		put_number(w, common);
		put(w, name->raw + common, strlen(name->raw + common) + 1);
		if (strcmp(name->raw, name->shown) == 0) {
			put_number(w, 0);
		} else {
			common = count_common(shown, name->shown);
			put_number(w, common + 1);
			put(w, name->shown + common, strlen(name->shown + common) + 1);
		}
		raw = name->raw;
		shown = name->shown;
	}
	end(w, STRINGS);
}

/* After the strings: where their blocks begin. */
static void put_names(struct writer *w, const struct snap_image_contents *c)
{
	begin(w, NAMES);
	for (size_t i = 0; i < (c->num_names + 15) / SNAP_NAMES_PER_BLOCK; i++) {
		put_u32(w, (uint32_t)w->blocks[i]);
		w->failed |= w->blocks[i] > UINT32_MAX;
	}
	end(w, NAMES);
	w->header.num_names = (uint32_t)c->num_names;
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
		put_u32(w, w->numbers[c->symbols[i].name]);
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
		put_u32(w, w->numbers[c->by_name[i].name]);
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
		size_t off = w->len, len = c->tables[i].bytes.len;
		put(w, c->tables[i].bytes.data, len);
		if (!w->failed &&
			!snap_unit_table_renumber(w->data + off, len, w->numbers, c->num_names))
			w->failed = true;
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
	h.flags =
		htole32((whole ? FLAG_WHOLE : 0) | (c->is_map_thorough ? FLAG_MAP_THOROUGH : 0) |
			(c->has_map ? FLAG_HAS_MAP : 0) | (c->has_symbols ? FLAG_HAS_SYMBOLS : 0));
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
	h.num_names = htole32(h.num_names);
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
	len += c->num_names * 4;
	len += c->num_symbols * sizeof(struct snap_image_symbol);
	len += c->num_rests * sizeof(struct snap_image_rest);
	len += c->num_by_name * sizeof(struct snap_image_by_name);
	for (size_t i = 0; i < c->num_names; i++)
		len += strlen(c->names[i].raw) + strlen(c->names[i].shown) + 12;
	for (size_t i = 0; i < c->num_tables; i++)
		len += (c->tables[i].bytes.len + 7) & ~(size_t)7;
	return len;
}

int snap_symbol_image_encode(
	struct snap_image_contents *contents, struct snap_bytes *ret, struct snap_error *err)
{
	struct writer w = {.blocks = calloc(contents->num_names / SNAP_NAMES_PER_BLOCK + 1,
				   sizeof(*w.blocks))};
	w.failed = !w.blocks || !sort_names(&w, contents);
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
	if (!w.failed) {
		put_symbols(&w, contents);
		put_strings(&w, contents);
		put_names(&w, contents);
		put_tables(&w, contents);
	}
	free(w.order);
	free(w.numbers);
	free(w.blocks);
	if (w.failed) {
		free(w.data);
		return snap_error_no_memory(err);
	}
	w.header.sections[PAGE_CRCS].len = 4 * num_pages(w.len);
	finish(&w, contents);
	*ret = snap_bytes(w.data, w.len);
	return 0;
}
