#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/symbols/encode.h"
#include "analyze/symbols/symbol_image.h"
#include "analyze/symbols/symbol_image_format.h"
#include "analyze/symbols/unit_table.h"
#include "common/crc32c.h"

struct writer {
	struct snap_encoded out;
	struct snap_image_header header;
	uint32_t *order, *numbers; /* of names: see sort_names() */
	uint64_t *blocks;	   /* where they begin in strings */
};

static void align(struct writer *w)
{
	static const uint8_t zeros[8];
	snap_encode_bytes(&w->out, zeros, (8 - w->out.len % 8) % 8);
}

static void begin(struct writer *w, enum snap_image_section section)
{
	align(w);
	w->header.sections[section].off = w->out.len;
}

static void end(struct writer *w, enum snap_image_section section)
{
	w->header.sections[section].len = w->out.len - w->header.sections[section].off;
}

static void put_map(struct writer *w, const struct snap_image_contents *c)
{
	begin(w, SNAP_IMAGE_MAP_STARTS);
	for (size_t i = 0; i < c->num_map; i++)
		snap_encode_u64(&w->out, c->map[i].start);
	end(w, SNAP_IMAGE_MAP_STARTS);
	begin(w, SNAP_IMAGE_MAP_UNITS);
	for (size_t i = 0; i < c->num_map; i++)
		snap_encode_u32(&w->out, c->map[i].unit);
	end(w, SNAP_IMAGE_MAP_UNITS);
}

static void put_units(struct writer *w, const struct snap_image_contents *c)
{
	uint64_t off = 0;
	begin(w, SNAP_IMAGE_UNITS);
	for (size_t i = 0; i < c->num_tables; i++) {
		const struct snap_image_table *table = &c->tables[i];
		bool has = table->state == SNAP_IMAGE_TABLE;
		snap_encode_u64(&w->out, has ? off : 0);
		snap_encode_u32(&w->out, has ? (uint32_t)table->bytes.len : 0);
		snap_encode_u32(&w->out, table->state);
		snap_encode_u64(&w->out, table->unit_off);
		if (has)
			off += (table->bytes.len + 7) & ~(size_t)7;
		w->header.num_kept += table->state != SNAP_IMAGE_MISSING;
	}
	end(w, SNAP_IMAGE_UNITS);
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
	begin(w, SNAP_IMAGE_STRINGS);
	for (size_t i = 0; i < c->num_names; i++) {
		const struct snap_image_name *name = &c->names[w->order[i]];
		if (i % SNAP_NAMES_PER_BLOCK == 0) {
			raw = shown = "";
			w->blocks[i / SNAP_NAMES_PER_BLOCK] =
				w->out.len - w->header.sections[SNAP_IMAGE_STRINGS].off;
		}
		size_t common = count_common(raw, name->raw);
		snap_encode_uleb(&w->out, common);
		snap_encode_bytes(&w->out, name->raw + common, strlen(name->raw + common) + 1);
		if (strcmp(name->raw, name->shown) == 0) {
			snap_encode_uleb(&w->out, 0);
		} else {
			common = count_common(shown, name->shown);
			snap_encode_uleb(&w->out, common + 1);
			snap_encode_bytes(
				&w->out, name->shown + common, strlen(name->shown + common) + 1);
		}
		raw = name->raw;
		shown = name->shown;
	}
	end(w, SNAP_IMAGE_STRINGS);
}

/* After the strings: where their blocks begin. */
static void put_names(struct writer *w, const struct snap_image_contents *c)
{
	begin(w, SNAP_IMAGE_NAMES);
	for (size_t i = 0; i < (c->num_names + 15) / SNAP_NAMES_PER_BLOCK; i++) {
		snap_encode_u32(&w->out, (uint32_t)w->blocks[i]);
		w->out.failed |= w->blocks[i] > UINT32_MAX;
	}
	end(w, SNAP_IMAGE_NAMES);
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
	begin(w, SNAP_IMAGE_SYMBOLS);
	for (size_t i = 0; i < c->num_symbols; i++) {
		snap_encode_u64(&w->out, c->symbols[i].start);
		snap_encode_u64(&w->out, c->symbols[i].end);
		snap_encode_u32(&w->out, w->numbers[c->symbols[i].name]);
		snap_encode_u32(&w->out, 0);
	}
	end(w, SNAP_IMAGE_SYMBOLS);
	begin(w, SNAP_IMAGE_RESTS);
	for (size_t i = 0; i < c->num_rests; i++) {
		snap_encode_u64(&w->out, c->rests[i].start);
		snap_encode_u64(&w->out, c->rests[i].end);
		snap_encode_u64(&w->out, c->rests[i].symbol);
	}
	end(w, SNAP_IMAGE_RESTS);
	if (c->num_by_name > 0)
		qsort(c->by_name, c->num_by_name, sizeof(*c->by_name), compare_by_name);
	begin(w, SNAP_IMAGE_BY_NAME);
	for (size_t i = 0; i < c->num_by_name; i++) {
		snap_encode_u64(&w->out, c->by_name[i].start);
		snap_encode_u32(&w->out, w->numbers[c->by_name[i].name]);
		snap_encode_u32(&w->out, c->by_name[i].hash);
	}
	end(w, SNAP_IMAGE_BY_NAME);
}

static void put_tables(struct writer *w, const struct snap_image_contents *c)
{
	begin(w, SNAP_IMAGE_TABLES);
	for (size_t i = 0; i < c->num_tables; i++) {
		if (c->tables[i].state != SNAP_IMAGE_TABLE)
			continue;
		size_t off = w->out.len, len = c->tables[i].bytes.len;
		snap_encode_bytes(&w->out, c->tables[i].bytes.data, len);
		if (!w->out.failed &&
			!snap_unit_table_renumber(w->out.data + off, len, w->numbers, c->num_names))
			w->out.failed = true;
		align(w);
	}
	end(w, SNAP_IMAGE_TABLES);
}

/* The header, in the space that was left for it, and the CRCs of all pages. */
static void finish(struct writer *w, const struct snap_image_contents *c)
{
	struct snap_image_header h = w->header;
	bool whole = true;
	for (size_t i = 0; i < c->num_map && whole; i++)
		whole = c->map[i].unit == 0 ||
			c->tables[c->map[i].unit - 1].state != SNAP_IMAGE_MISSING;
	memcpy(h.magic, SNAP_IMAGE_MAGIC, sizeof(SNAP_IMAGE_MAGIC));
	h.version = htole32(SNAP_IMAGE_VERSION);
	h.flags = htole32((whole ? SNAP_IMAGE_FLAG_WHOLE : 0) |
			  (c->is_map_thorough ? SNAP_IMAGE_FLAG_MAP_THOROUGH : 0) |
			  (c->has_map ? SNAP_IMAGE_FLAG_HAS_MAP : 0) |
			  (c->has_symbols ? SNAP_IMAGE_FLAG_HAS_SYMBOLS : 0));
	h.file_len = htole64(w->out.len);
	h.sources = *c->sources;
	h.sources.build_id_len = htole32(h.sources.build_id_len);
	for (size_t i = 0; i < 4; i++)
		h.sources.file_len[i] = htole64(h.sources.file_len[i]);
	for (size_t i = 0; i < SNAP_IMAGE_NUM_SECTIONS; i++) {
		h.sections[i].off = htole64(h.sections[i].off);
		h.sections[i].len = htole64(h.sections[i].len);
	}
	h.num_kept = htole32(h.num_kept);
	h.num_names = htole32(h.num_names);
	h.crc = htole32(snap_crc32c(0, &h, offsetof(struct snap_image_header, crc)));
	memcpy(w->out.data, &h, sizeof(h));
	uint8_t *crcs = w->out.data + w->header.sections[SNAP_IMAGE_PAGE_CRCS].off;
	uint64_t first_after =
		(w->header.sections[SNAP_IMAGE_PAGE_CRCS].off +
			w->header.sections[SNAP_IMAGE_PAGE_CRCS].len + SNAP_IMAGE_PAGE - 1) /
		SNAP_IMAGE_PAGE;
	for (uint64_t page = first_after; page < snap_image_num_pages(w->out.len); page++) {
		size_t len = w->out.len - page * SNAP_IMAGE_PAGE;
		uint32_t crc = htole32(snap_crc32c(0, w->out.data + page * SNAP_IMAGE_PAGE,
			len < SNAP_IMAGE_PAGE ? len : SNAP_IMAGE_PAGE));
		memcpy(crcs + 4 * page, &crc, sizeof(crc));
	}
}

static size_t total_len(const struct snap_image_contents *c)
{
	size_t len = sizeof(struct snap_image_header) + SNAP_IMAGE_NUM_SECTIONS * 8;
	len += c->num_map * 12 + c->num_tables * sizeof(struct snap_image_unit);
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
	w.out.failed = !w.blocks || !sort_names(&w, contents);
	/* So much at the most, that the CRCs have room in front; what follows starts on a page of
	 * its own, since the pages of the CRCs have none themselves. */
	uint64_t pages = snap_image_num_pages(total_len(contents)) + 2;
	pages += snap_image_num_pages(pages * 4);
	uint8_t *head = snap_encode_reserve(&w.out, sizeof(struct snap_image_header));
	if (head)
		memset(head, 0, sizeof(struct snap_image_header));
	begin(&w, SNAP_IMAGE_PAGE_CRCS);
	size_t crcs_end = w.out.len + pages * 4;
	crcs_end = (crcs_end + SNAP_IMAGE_PAGE - 1) / SNAP_IMAGE_PAGE * SNAP_IMAGE_PAGE;
	uint8_t *crcs = snap_encode_reserve(&w.out, crcs_end - w.out.len);
	if (crcs)
		memset(crcs, 0, crcs_end - w.header.sections[SNAP_IMAGE_PAGE_CRCS].off);
	put_map(&w, contents);
	put_units(&w, contents);
	if (!w.out.failed) {
		put_symbols(&w, contents);
		put_strings(&w, contents);
		put_names(&w, contents);
		put_tables(&w, contents);
	}
	free(w.order);
	free(w.numbers);
	free(w.blocks);
	if (w.out.failed) {
		free(w.out.data);
		return snap_error_no_memory(err);
	}
	w.header.sections[SNAP_IMAGE_PAGE_CRCS].len = 4 * snap_image_num_pages(w.out.len);
	finish(&w, contents);
	*ret = snap_bytes(w.out.data, w.out.len);
	return 0;
}
