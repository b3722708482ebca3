#include "analyze/symbols/code_index.h"

#include <stdlib.h>

#include "analyze/symbols/debug_info.h"
#include "analyze/symbols/name_pool.h"

struct unit {
	bool is_made;
	struct snap_bytes bytes; /* owned; empty: there is no table */
	struct snap_unit_table table;
};

struct snap_code_index {
	struct snap_debug_info *info;
	struct snap_name_pool pool;
	struct unit *units;
	size_t num_units;
	const struct snap_painted *map;
	size_t num_map;
	bool is_map_thorough;
};

int snap_code_index_create(const struct snap_elf_file *file, const struct snap_elf_file *alternate,
	const struct snap_split_source *split, struct snap_code_index **ret, struct snap_error *err)
{
	struct snap_code_index *index = calloc(1, sizeof(*index));
	if (!index)
		return snap_error_no_memory(err);
	snap_name_pool_init(&index->pool);
	if (snap_debug_info_create(file, alternate, split, &index->pool, &index->info, err) < 0) {
		snap_code_index_destroy(index);
		return -1;
	}
	index->num_units = snap_debug_info_num_units(index->info);
	index->units = calloc(index->num_units + 1, sizeof(*index->units));
	if (!index->units) {
		snap_code_index_destroy(index);
		return snap_error_no_memory(err);
	}
	*ret = index;
	return 0;
}

void snap_code_index_destroy(struct snap_code_index *index)
{
	if (!index)
		return;
	for (size_t i = 0; index->units && i < index->num_units; i++)
		free((void *)index->units[i].bytes.data);
	free(index->units);
	snap_debug_info_destroy(index->info);
	snap_name_pool_deinit(&index->pool);
	free(index);
}

/* ---------------------------------------------------------------- units */

/* The index plus one of the unit that has the address; 0: none. */
static uint32_t search_map(const struct snap_painted *map, size_t num, uint64_t vaddr)
{
	size_t low = 0, high = num;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (map[mid].start <= vaddr)
			low = mid + 1;
		else
			high = mid;
	}
	return low > 0 ? map[low - 1].colour : 0;
}

static uint32_t find_unit(struct snap_code_index *index, uint64_t vaddr)
{
	if (!index->map)
		index->map = snap_debug_info_map(index->info, false, &index->num_map);
	uint32_t unit = search_map(index->map, index->num_map, vaddr);
	if (unit == 0 && !index->is_map_thorough) {
		index->is_map_thorough = true;
		index->map = snap_debug_info_map(index->info, true, &index->num_map);
		unit = search_map(index->map, index->num_map, vaddr);
	}
	return unit;
}

/* The table that has the address; NULL. */
static const struct snap_unit_table *find_table(struct snap_code_index *index, uint64_t vaddr)
{
	uint32_t number = find_unit(index, vaddr);
	if (number == 0 || number > index->num_units)
		return NULL;
	struct unit *unit = &index->units[number - 1];
	if (!unit->is_made) {
		bool is_whole;
		unit->is_made = true;
		if (snap_debug_info_table(index->info, number - 1, &unit->bytes, &is_whole) < 0 ||
			!snap_unit_table_open(unit->bytes, &unit->table)) {
			free((void *)unit->bytes.data);
			unit->bytes = snap_bytes(NULL, 0);
		}
	}
	return unit->bytes.data ? &unit->table : NULL;
}

/* ---------------------------------------------------------------- answers */

size_t snap_code_index_find(
	struct snap_code_index *index, uint64_t vaddr, struct snap_source_frame *frames, size_t max)
{
	struct snap_unit_frame found[SNAP_MAX_INLINE_DEPTH + 1];
	const struct snap_unit_table *table = find_table(index, vaddr);
	if (max > SNAP_MAX_INLINE_DEPTH + 1)
		max = SNAP_MAX_INLINE_DEPTH + 1;
	size_t num = table ? snap_unit_table_find(table, vaddr, found, max) : 0;
	for (size_t i = 0; i < num; i++) {
		const struct snap_unit_frame *from = &found[i];
		frames[i] = (struct snap_source_frame){
			.is_inline = from->is_inline,
			.start = from->start,
			.line = from->line,
			.column = from->column,
		};
		if (from->name > 0 && from->name <= index->pool.num) {
			const char *raw = index->pool.names[from->name - 1].raw;
			frames[i].raw_function = raw;
			frames[i].is_unmangled =
				table->has_scopes && !from->is_inline &&
				!(raw[0] == '_' && (raw[1] == 'Z' || raw[1] == 'R'));
			frames[i].function = snap_name_pool_shown(&index->pool, from->name - 1);
		}
		if (from->file > 0 && from->file <= index->pool.num)
			frames[i].file = index->pool.names[from->file - 1].raw;
	}
	return num;
}

static void set_site(const struct snap_code_index *index, const struct snap_unit_site *from,
	struct snap_call_site *ret)
{
	*ret = (struct snap_call_site){
		.return_vaddr = from->return_vaddr,
		.is_tail_call = from->is_tail_call,
		.target_start = from->target_start,
	};
	if (from->target_name > 0 && from->target_name <= index->pool.num)
		ret->target_name = index->pool.names[from->target_name - 1].raw;
}

bool snap_code_index_site(
	struct snap_code_index *index, uint64_t return_vaddr, struct snap_call_site *ret)
{
	struct snap_unit_site site;
	/* It may be the first address behind its function. */
	const struct snap_unit_table *table = find_table(index, return_vaddr - 1);
	if (!table || !snap_unit_table_site(table, return_vaddr, &site))
		return false;
	set_site(index, &site, ret);
	return true;
}

size_t snap_code_index_tail_calls(
	struct snap_code_index *index, uint64_t vaddr, struct snap_call_site *sites, size_t max)
{
	const struct snap_unit_table *table = find_table(index, vaddr);
	struct snap_unit_site *found = table ? calloc(max + 1, sizeof(*found)) : NULL;
	size_t num = found ? snap_unit_table_tail_calls(table, vaddr, found, max) : 0;
	for (size_t i = 0; i < num; i++)
		set_site(index, &found[i], &sites[i]);
	free(found);
	return num;
}
