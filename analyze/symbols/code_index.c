#include "analyze/symbols/code_index.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/cache/cache_dir.h"
#include "analyze/dwarf/file.h"
#include "analyze/symbols/debug_info.h"
#include "analyze/symbols/name_pool.h"
#include "analyze/symbols/parallel.h"

/* Of .debug_info: less is read sooner than processes are started and their results are taken. */
#define MIN_PARALLEL_BYTES (UINT64_C(8) << 20)

struct unit {
	bool is_made;
	bool is_whole;		 /* nothing that it should have was missing */
	bool is_listed;		 /* during snap_code_index_prepare() */
	bool is_kept;		 /* bytes are in the image */
	struct snap_bytes bytes; /* owned, unless is_kept; absent: there is no table */
	struct snap_unit_table table;
};

struct snap_code_index {
	struct snap_code_sources sources;
	struct snap_symbol_image *image; /* NULL: there is none, or none any more */
	struct snap_image_info kept;	 /* what it has; 0 without */
	struct snap_debug_info *info;	 /* NULL: not needed yet */
	bool info_tried;
	struct snap_name_pool pool; /* first the image's names, filled in as they are needed */
	struct unit *units;
	size_t num_units;
	bool has_news;
};

static int begin_with_image(struct snap_code_index *index)
{
	index->image = snap_symbol_image_open(index->sources.image, &index->sources.made_of);
	if (!index->image)
		return 0;
	snap_symbol_image_info(index->image, &index->kept);
	return snap_name_pool_reserve(&index->pool, index->kept.num_names);
}

int snap_code_index_create(const struct snap_code_sources *sources, struct snap_code_index **ret,
	struct snap_error *err)
{
	struct snap_code_index *index = calloc(1, sizeof(*index));
	if (!index) {
		snap_cache_unmap(sources->image);
		return snap_error_no_memory(err);
	}
	index->sources = *sources;
	snap_name_pool_init(&index->pool);
	snap_name_pool_set_max_bytes(
		&index->pool, snap_debug_info_max_name_bytes(sources->file) + sources->image.len);
	if (begin_with_image(index) < 0) {
		snap_code_index_destroy(index);
		return snap_error_no_memory(err);
	}
	*ret = index;
	return 0;
}

static void drop_tables(struct snap_code_index *index)
{
	for (size_t i = 0; i < index->num_units; i++)
		if (!index->units[i].is_kept)
			free((void *)index->units[i].bytes.data);
	free(index->units);
	index->units = NULL;
	index->num_units = 0;
}

void snap_code_index_destroy(struct snap_code_index *index)
{
	if (!index)
		return;
	drop_tables(index);
	snap_debug_info_destroy(index->info);
	snap_symbol_image_close(index->image);
	snap_name_pool_deinit(&index->pool);
	snap_cache_unmap(index->sources.image);
	free(index);
}

/*
 * The image is not what was written, or not of this file: go on without it. (Its bytes stay: names
 * that were told may be in them.)
 */
static void drop_image(struct snap_code_index *index)
{
	snap_symbol_image_close(index->image);
	index->image = NULL;
	index->kept = (struct snap_image_info){0};
	drop_tables(index);
	index->has_news = true;
}

/* Whether there is an image that can be asked; one that has failed is dropped here. */
static bool has_image(struct snap_code_index *index)
{
	if (index->image && snap_symbol_image_has_failed(index->image))
		drop_image(index);
	return index->image != NULL;
}

static struct snap_debug_info *get_info(struct snap_code_index *index)
{
	if (index->info_tried || !index->sources.file)
		return index->info;
	index->info_tried = true;
	if (snap_debug_info_create(index->sources.file, index->sources.alternate,
		    index->sources.split, &index->pool, &index->info, NULL) < 0)
		return NULL; /* no memory */
	/* One without a map was made of a file that had no debug information. How many units there
	 * are, is not compared: all of them would have to be met. */
	if (has_image(index) && !index->kept.has_map)
		drop_image(index);
	return index->info;
}

/* ---------------------------------------------------------------- names */

/* NULL if it can't be told. */
static const struct snap_pool_name *get_name(struct snap_code_index *index, uint32_t number)
{
	if (number >= index->pool.num)
		return NULL;
	const char *raw, *shown;
	if (!index->pool.names[number].raw && has_image(index) &&
		snap_symbol_image_name(index->image, number, &raw, &shown))
		(void)snap_name_pool_fill(&index->pool, number, raw, shown); /* no memory: NULL */
	return index->pool.names[number].raw ? &index->pool.names[number] : NULL;
}

static const char *raw_name(struct snap_code_index *index, uint32_t number)
{
	const struct snap_pool_name *name = get_name(index, number);
	return name ? name->raw : NULL;
}

static const char *shown_name(struct snap_code_index *index, uint32_t number)
{
	return get_name(index, number) ? snap_name_pool_shown(&index->pool, number) : NULL;
}

/* ---------------------------------------------------------------- units */

/* The index plus one of the unit that has the address; 0: none. */
static size_t find_unit(struct snap_code_index *index, uint64_t vaddr)
{
	if (has_image(index) && index->kept.has_map) {
		uint32_t unit = snap_symbol_image_unit_at(index->image, vaddr);
		if (has_image(index) && (unit > 0 || index->kept.is_map_thorough))
			return unit;
	}
	struct snap_debug_info *info = get_info(index);
	return info ? snap_debug_info_unit_at(info, vaddr) : 0;
}

/* Room for what is known of a unit; NULL without memory. */
static struct unit *get_unit(struct snap_code_index *index, size_t number)
{
	if (number >= index->num_units) {
		size_t num = index->num_units ? 2 * index->num_units : 64;
		while (num <= number)
			num *= 2;
		/* Not realloc(): of many units, what is asked about is few, and the rest of such an
		 * array is not touched. */
		struct unit *units = calloc(num, sizeof(*units));
		if (!units)
			return NULL;
		if (index->num_units > 0)
			memcpy(units, index->units, index->num_units * sizeof(*units));
		free(index->units);
		index->units = units;
		index->num_units = num;
	}
	return &index->units[number];
}

/* From the image. False if it has not got it. */
static bool take_table(struct snap_code_index *index, uint32_t number)
{
	struct unit *unit = get_unit(index, number);
	if (!unit || number >= index->kept.num_units)
		return false;
	switch (snap_symbol_image_table(index->image, number, &unit->bytes)) {
	case SNAP_IMAGE_NO_TABLE:
		break;
	case SNAP_IMAGE_TABLE:
		if (!snap_unit_table_open(unit->bytes, &unit->table)) {
			drop_image(index);
			return false;
		}
		break;
	default:
		(void)has_image(index);
		return false;
	}
	unit->is_made = unit->is_kept = unit->is_whole = true;
	return true;
}

/* What is made now uses the image's names where it can. */
static void adopt_names(struct snap_code_index *index)
{
	if (index->pool.num_reserved == 0)
		return;
	for (uint32_t i = 0; i < index->kept.num_names && has_image(index); i++)
		(void)get_name(index, i);	  /* one that can't be told is not found again */
	(void)snap_name_pool_adopt(&index->pool); /* without memory: names stand there twice */
}

static void make_table(struct snap_code_index *index, uint32_t number)
{
	adopt_names(index);
	struct snap_debug_info *info = get_info(index);
	struct unit *unit = info ? get_unit(index, number) : NULL;
	if (!unit)
		return;
	unit->is_made = true;
	index->has_news = true;
	if (snap_debug_info_table(info, number, &unit->bytes, &unit->is_whole) < 0 ||
		!snap_unit_table_open(unit->bytes, &unit->table)) {
		free((void *)unit->bytes.data);
		unit->bytes = snap_bytes(NULL, 0);
	}
}

/* The table that has the address, and the number of its unit; NULL. */
static const struct snap_unit_table *find_numbered_table(
	struct snap_code_index *index, uint64_t vaddr, uint32_t *ret_number)
{
	size_t number = find_unit(index, vaddr);
	if (number == 0 || number > UINT32_MAX || !get_unit(index, number - 1))
		return NULL;
	number--;
	if (!index->units[number].is_made &&
		!(has_image(index) && take_table(index, (uint32_t)number)))
		make_table(index, (uint32_t)number);
	*ret_number = (uint32_t)number;
	return number < index->num_units && index->units[number].bytes.data
		       ? &index->units[number].table
		       : NULL;
}

static const struct snap_unit_table *find_table(struct snap_code_index *index, uint64_t vaddr)
{
	uint32_t number;
	return find_numbered_table(index, vaddr, &number);
}

/* ---------------------------------------------------------------- answers */

/* Whether the image failed since then: an answer that was begun with it has gaps. */
static bool has_lost_image(struct snap_code_index *index, bool had_image)
{
	return had_image && !has_image(index);
}

bool snap_code_index_has_debug(const struct snap_code_index *index)
{
	return index->sources.file != NULL;
}

static bool is_mangled(const char *raw)
{
	return raw[0] == '_' && (raw[1] == 'Z' || raw[1] == 'R');
}

static size_t find(
	struct snap_code_index *index, uint64_t vaddr, struct snap_source_frame *frames, size_t max)
{
	struct snap_unit_frame found[SNAP_MAX_INLINE_DEPTH + 1];
	const struct snap_unit_table *table = find_table(index, vaddr);
	if (max > SNAP_MAX_INLINE_DEPTH + 1)
		max = SNAP_MAX_INLINE_DEPTH + 1;
	size_t num = table ? snap_unit_table_find(table, vaddr, found, max) : 0;
	bool has_scopes = table && table->has_scopes; /* names may take the table with them */
	for (size_t i = 0; i < num; i++) {
		const struct snap_unit_frame *from = &found[i];
		frames[i] = (struct snap_source_frame){
			.is_inline = from->is_inline,
			.start = from->start - index->sources.bias,
			.line = from->line,
			.column = from->column,
		};
		if (from->name > 0) {
			const char *raw = raw_name(index, from->name - 1);
			frames[i].raw_function = raw;
			frames[i].function = shown_name(index, from->name - 1);
			frames[i].is_unmangled =
				raw && has_scopes && !from->is_inline && !is_mangled(raw);
		}
		if (from->file > 0)
			frames[i].file = raw_name(index, from->file - 1);
	}
	return num;
}

size_t snap_code_index_find(
	struct snap_code_index *index, uint64_t vaddr, struct snap_source_frame *frames, size_t max)
{
	vaddr += index->sources.bias;
	bool had_image = has_image(index);
	size_t num = find(index, vaddr, frames, max);
	return has_lost_image(index, had_image) ? find(index, vaddr, frames, max) : num;
}

static bool find_entry(struct snap_code_index *index, uint64_t vaddr, struct snap_code_entry *ret)
{
	uint32_t number;
	uint64_t entry_off, unit_off, start;
	const struct snap_unit_table *table =
		find_numbered_table(index, vaddr + index->sources.bias, &number);
	if (!table || !snap_unit_table_function(
			      table, vaddr + index->sources.bias, &entry_off, &start))
		return false;
	struct snap_debug_info *info = get_info(index);
	if (!info)
		return false;
	struct snap_dwarf_unit *unit =
		has_image(index) && number < index->kept.num_units &&
				snap_symbol_image_unit_off(index->image, number, &unit_off)
			? snap_debug_info_entries_at(info, unit_off)
			: snap_debug_info_entries(info, number);
	if (!unit || entry_off >= unit->end - unit->off)
		return false;
	*ret = (struct snap_code_entry){
		unit, unit->off + entry_off, start, index->sources.bias};
	return true;
}

bool snap_code_index_entry(
	struct snap_code_index *index, uint64_t vaddr, struct snap_code_entry *ret)
{
	bool had_image = has_image(index);
	bool found = find_entry(index, vaddr, ret);
	return has_lost_image(index, had_image) ? find_entry(index, vaddr, ret) : found;
}

static void set_site(struct snap_code_index *index, const struct snap_unit_site *from,
	struct snap_call_site *ret)
{
	*ret = (struct snap_call_site){
		.return_vaddr = from->return_vaddr - index->sources.bias,
		.is_tail_call = from->is_tail_call,
		.target_start = from->target_start ? from->target_start - index->sources.bias : 0,
	};
	if (from->target_name > 0)
		ret->target_name = raw_name(index, from->target_name - 1);
}

static bool find_site(
	struct snap_code_index *index, uint64_t return_vaddr, struct snap_call_site *ret)
{
	struct snap_unit_site site;
	return_vaddr += index->sources.bias;
	/* It may be the first address behind its function. */
	const struct snap_unit_table *table = find_table(index, return_vaddr - 1);
	if (!table || !snap_unit_table_site(table, return_vaddr, &site))
		return false;
	set_site(index, &site, ret);
	return true;
}

bool snap_code_index_site(
	struct snap_code_index *index, uint64_t return_vaddr, struct snap_call_site *ret)
{
	bool had_image = has_image(index);
	bool found = find_site(index, return_vaddr, ret);
	return has_lost_image(index, had_image) ? find_site(index, return_vaddr, ret) : found;
}

static size_t find_tail_calls(
	struct snap_code_index *index, uint64_t vaddr, struct snap_call_site *sites, size_t max)
{
	vaddr += index->sources.bias;
	const struct snap_unit_table *table = find_table(index, vaddr);
	struct snap_unit_site *found = table ? calloc(max + 1, sizeof(*found)) : NULL;
	size_t num = found ? snap_unit_table_tail_calls(table, vaddr, found, max) : 0;
	for (size_t i = 0; i < num; i++)
		set_site(index, &found[i], &sites[i]);
	free(found);
	return num;
}

size_t snap_code_index_tail_calls(
	struct snap_code_index *index, uint64_t vaddr, struct snap_call_site *sites, size_t max)
{
	bool had_image = has_image(index);
	size_t num = find_tail_calls(index, vaddr, sites, max);
	return has_lost_image(index, had_image) ? find_tail_calls(index, vaddr, sites, max) : num;
}

/* ---------------------------------------------------------------- the symbol table */

enum snap_kept snap_code_index_symbol(
	struct snap_code_index *index, uint64_t vaddr, struct snap_kept_symbol *ret)
{
	uint32_t name;
	if (!has_image(index) || !index->kept.has_symbols)
		return SNAP_KEPT_NOT;
	bool found = snap_symbol_image_symbol(index->image, vaddr, &ret->start, &ret->end, &name);
	if (found) {
		ret->raw = raw_name(index, name);
		ret->shown = shown_name(index, name);
	}
	if (!has_image(index))
		return SNAP_KEPT_NOT;
	return found && ret->raw ? SNAP_KEPT_FOUND : SNAP_KEPT_NONE;
}

enum snap_kept snap_code_index_find_name(
	struct snap_code_index *index, const char *name, uint64_t *ret)
{
	if (!has_image(index) || !index->kept.has_symbols)
		return SNAP_KEPT_NOT;
	bool found = snap_symbol_image_find_name(index->image, name, ret);
	if (!has_image(index))
		return SNAP_KEPT_NOT;
	return found ? SNAP_KEPT_FOUND : SNAP_KEPT_NONE;
}

/* ---------------------------------------------------------------- keeping */

bool snap_code_index_has_news(const struct snap_code_index *index)
{
	return index->has_news;
}

uint64_t snap_code_index_debug_len(struct snap_code_index *index)
{
	struct snap_debug_info *info = get_info(index);
	return info ? snap_debug_info_len(info) : 0;
}

/* The units that have code and no table yet. On the heap; NULL without memory. */
static uint32_t *list_missing(struct snap_code_index *index, size_t *ret_num)
{
	size_t num_map, num = 0, num_units = snap_debug_info_num_units(index->info);
	const struct snap_painted *map = snap_debug_info_map(index->info, &num_map);
	bool *listed = calloc(num_units + 1, sizeof(*listed));
	uint32_t *units = calloc(num_units + 1, sizeof(*units));
	bool has_room = listed && units && get_unit(index, num_units);
	for (size_t i = 0; has_room && i < num_map; i++) {
		if (map[i].colour == 0 || listed[map[i].colour - 1])
			continue;
		uint32_t number = map[i].colour - 1;
		listed[number] = true;
		const struct unit *unit = get_unit(index, number);
		if (unit && !unit->is_made && !(has_image(index) && take_table(index, number)))
			units[num++] = number;
	}
	free(listed);
	*ret_num = num;
	if (has_room && get_unit(index, num_units)) /* dropping the image takes all away */
		return units;
	free(units);
	return NULL;
}

/* Make the tables of num units. -1 without memory: some may be missing. */
static int make_tables(struct snap_code_index *index, const uint32_t *numbers, size_t num,
	size_t num_jobs, void (*told)(size_t done, size_t all, void *data), void *data)
{
	struct snap_made_table *made = calloc(num + 1, sizeof(*made));
	if (!made)
		return -1;
	/* Whatever the workers did not do is done here. */
	if (num_jobs > 1) {
		adopt_names(index);
		snap_parallel_tables(index->info, &index->pool, numbers, num, num_jobs, made,
			told != NULL, told, data);
	}
	for (size_t i = 0; i < num; i++) {
		struct unit *unit = get_unit(index, numbers[i]);
		if (!unit) {
			free((void *)made[i].bytes.data);
		} else if (!made[i].is_made) {
			make_table(index, numbers[i]);
		} else {
			unit->is_made = index->has_news = true;
			unit->is_whole = made[i].is_whole;
			unit->bytes = made[i].bytes;
			if (!snap_unit_table_open(unit->bytes, &unit->table)) {
				free((void *)unit->bytes.data);
				unit->bytes = snap_bytes(NULL, 0);
			}
		}
		if (told)
			told(i + 1, num, data);
	}
	free(made);
	return 0;
}

int snap_code_index_make_all(struct snap_code_index *index, size_t num_jobs,
	void (*told)(size_t done, size_t all, void *data), void *data, struct snap_error *err)
{
	size_t num;
	uint32_t *numbers = NULL;
	bool had_image;
	if (!get_info(index))
		return 0;
	index->has_news = true; /* the map of all units */
	do {
		/* What a bad image had is missing, too. */
		had_image = has_image(index);
		free(numbers);
		numbers = list_missing(index, &num);
		if (numbers && num > 0)
			adopt_names(index);
	} while (has_lost_image(index, had_image));
	int r = numbers ? make_tables(index, numbers, num, num_jobs, told, data) : -1;
	free(numbers);
	return r < 0 ? snap_error_no_memory(err) : 0;
}

void snap_code_index_prepare(
	struct snap_code_index *index, const uint64_t *vaddrs, size_t num, size_t num_jobs)
{
	if (num_jobs < 2 || num < 2 || (has_image(index) && index->kept.is_whole))
		return;
	uint32_t *numbers = calloc(num, sizeof(*numbers));
	size_t num_units = 0;
	uint64_t len = 0;
	for (size_t i = 0; numbers && i < num; i++) {
		size_t number = find_unit(index, vaddrs[i] + index->sources.bias);
		struct unit *unit =
			number > 0 && number < UINT32_MAX ? get_unit(index, number - 1) : NULL;
		if (!unit || unit->is_made || unit->is_listed ||
			(has_image(index) && take_table(index, (uint32_t)number - 1)) ||
			!get_info(index) || !(unit = get_unit(index, number - 1)))
			continue;
		unit->is_listed = true;
		numbers[num_units++] = (uint32_t)number - 1;
		len += snap_debug_info_unit_len(index->info, number - 1);
	}
	/* Without memory, or for little, each is made when it is asked for. */
	if (len >= MIN_PARALLEL_BYTES)
		(void)make_tables(index, numbers, num_units, num_jobs, NULL, NULL);
	for (size_t i = 0; i < num_units && numbers[i] < index->num_units; i++)
		index->units[numbers[i]].is_listed = false;
	free(numbers);
}

struct encoding {
	struct snap_image_contents contents;
	struct snap_image_map_entry *map;
	struct snap_image_table *tables;
	struct snap_image_name *names;
	struct snap_image_symbol *symbols;
	struct snap_image_rest *rests;
	struct snap_image_by_name *by_name;
};

static void encoding_deinit(struct encoding *e)
{
	free(e->map);
	free(e->tables);
	free(e->names);
	free(e->symbols);
	free(e->rests);
	free(e->by_name);
}

static int encode_map(struct snap_code_index *index, struct encoding *e)
{
	size_t num_map;
	struct snap_debug_info *info = get_info(index);
	if (!info)
		return 0;
	/* Without memory it would be none. */
	const struct snap_painted *map = snap_debug_info_map(info, &num_map);
	size_t num_units = snap_debug_info_num_units(info);
	e->map = calloc(num_map + 1, sizeof(*e->map));
	e->tables = calloc(num_units + 1, sizeof(*e->tables));
	if ((!map && num_map > 0) || !e->map || !e->tables || !get_unit(index, num_units))
		return -1;
	for (size_t i = 0; i < num_map; i++)
		e->map[i] = (struct snap_image_map_entry){map[i].start, map[i].colour};
	for (uint32_t i = 0; i < num_units; i++) {
		const struct unit *unit = get_unit(index, i);
		if (unit && !unit->is_made && has_image(index)) {
			(void)take_table(index, i);
			unit = get_unit(index, i); /* all are new ones, if the image fails here */
		}
		if (!unit)
			return -1;
		if (!unit->is_made || !unit->is_whole)
			continue;
		e->tables[i].state = unit->bytes.data ? SNAP_IMAGE_TABLE : SNAP_IMAGE_NO_TABLE;
		e->tables[i].bytes = unit->bytes;
	}
	for (uint32_t i = 0; i < num_units; i++)
		e->tables[i].unit_off = snap_debug_info_unit_off(info, i);
	e->contents.num_map = num_map;
	e->contents.num_tables = num_units;
	e->contents.has_map = e->contents.is_map_thorough = true;
	return 0;
}

/* Names get their numbers here: those of the table are new ones of the pool. */
static int encode_symtab(
	struct snap_code_index *index, struct encoding *e, struct snap_symtab *symtab)
{
	const struct snap_symbol_name *by_name;
	size_t num_by_name = snap_symtab_names(symtab, &by_name);
	e->symbols = calloc(symtab->num_symbols + 1, sizeof(*e->symbols));
	e->rests = calloc(symtab->num_rests + 1, sizeof(*e->rests));
	e->by_name = calloc(num_by_name + 1, sizeof(*e->by_name));
	if (!e->symbols || !e->rests || !e->by_name)
		return -1;
	for (size_t i = 0; i < symtab->num_symbols; i++) {
		const struct snap_symbol *symbol = &symtab->symbols[i];
		uint32_t number = snap_name_pool_add(&index->pool, symbol->name, NULL);
		if (number == SNAP_NO_NAME)
			return -1;
		e->symbols[i] = (struct snap_image_symbol){symbol->start, symbol->end, number, 0};
	}
	for (size_t i = 0; i < symtab->num_rests; i++)
		e->rests[i] = (struct snap_image_rest){
			symtab->rests[i].start, symtab->rests[i].end, symtab->rests[i].symbol};
	for (size_t i = 0; i < num_by_name; i++) {
		uint32_t number = snap_name_pool_add(&index->pool, by_name[i].name, NULL);
		if (number == SNAP_NO_NAME)
			return -1;
		e->by_name[i] = (struct snap_image_by_name){
			by_name[i].start, number, snap_image_hash(by_name[i].name)};
	}
	e->contents.num_symbols = symtab->num_symbols;
	e->contents.num_rests = symtab->num_rests;
	e->contents.num_by_name = num_by_name;
	e->contents.has_symbols = true;
	return 0;
}

static int encode_names(struct snap_code_index *index, struct encoding *e)
{
	e->names = calloc(index->pool.num + 1, sizeof(*e->names));
	if (!e->names)
		return -1;
	for (uint32_t i = 0; i < index->pool.num; i++) {
		const char *raw = raw_name(index, i), *shown = shown_name(index, i);
		/* One that can't be told is one that nothing refers to. */
		e->names[i] = (struct snap_image_name){raw ? raw : "", shown ? shown : ""};
	}
	e->contents.num_names = index->pool.num;
	return 0;
}

int snap_code_index_encode(struct snap_code_index *index, struct snap_symtab *symtab,
	struct snap_bytes *ret, struct snap_error *err)
{
	struct encoding e = {.contents = {.sources = &index->sources.made_of}};
	bool had_image = has_image(index);
	adopt_names(index);
	int r = encode_map(index, &e);
	if (r == 0)
		r = encode_symtab(index, &e, symtab);
	if (r == 0)
		r = encode_names(index, &e);
	e.contents.map = e.map;
	e.contents.tables = e.tables;
	e.contents.names = e.names;
	e.contents.symbols = e.symbols;
	e.contents.rests = e.rests;
	e.contents.by_name = e.by_name;
	/* An image that fails on the way takes its tables with it. */
	if (r == 0 && has_lost_image(index, had_image))
		r = snap_error_set(err, SNAP_ERROR_MALFORMED, "what was in the cache is damaged");
	else if (r < 0)
		r = snap_error_no_memory(err);
	else
		r = snap_symbol_image_encode(&e.contents, ret, err);
	encoding_deinit(&e);
	return r;
}
