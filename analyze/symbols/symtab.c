#include "analyze/symbols/symtab.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/symbols/symtab_read.h"

/* ---------------------------------------------------------------- order */

#define DIGIT_BITS 11
#define DIGITS	   (1u << DIGIT_BITS)

static unsigned int digit(uint64_t value, unsigned int shift)
{
	return (unsigned int)(value >> shift) & (DIGITS - 1);
}

/*
 * By start, digit by digit from the lowest: qsort() would take longer than all the rest. other has
 * room for as many; in which of the two they are then is returned.
 */
static struct snap_symbol_entry *sort_by_start(
	struct snap_symbol_entry *entries, struct snap_symbol_entry *other, size_t num)
{
	uint64_t differing = 0;
	for (size_t i = 1; i < num; i++)
		differing |= entries[i].start ^ entries[0].start;
	for (unsigned int shift = 0; shift < 64; shift += DIGIT_BITS) {
		size_t places[DIGITS] = {0}, before = 0;
		if (digit(differing, shift) == 0)
			continue;
		for (size_t i = 0; i < num; i++)
			places[digit(entries[i].start, shift)]++;
		for (size_t i = 0; i < DIGITS; i++) {
			size_t here = places[i];
			places[i] = before;
			before += here;
		}
		for (size_t i = 0; i < num; i++)
			other[places[digit(entries[i].start, shift)]++] = entries[i];
		struct snap_symbol_entry *sorted = other;
		other = entries;
		entries = sorted;
	}
	return entries;
}

/* Whether alias a is to be shown rather than b. */
static bool is_better(const struct snap_symbol_entry *a, const struct snap_symbol_entry *b)
{
	if (a->binding_rank != b->binding_rank)
		return a->binding_rank < b->binding_rank;
	if (a->name == b->name)
		return false;
	size_t a_len = strlen(a->name), b_len = strlen(b->name);
	return a_len != b_len ? a_len < b_len : strcmp(a->name, b->name) < 0;
}

static const struct snap_symbol_entry *best_of(const struct snap_symbol_entry *entries, size_t num)
{
	const struct snap_symbol_entry *best = &entries[0];
	for (size_t i = 1; i < num; i++)
		if (is_better(&entries[i], best))
			best = &entries[i];
	return best;
}

/* ---------------------------------------------------------------- overlaps */

/*
 * The way through all symbols from the lowest address to the highest. Those open at the place
 * reached stand on a stack, the last that began on its top: the place belongs to that one.
 */
struct sweep {
	struct snap_symtab *table;
	size_t *open; /* indices into table->symbols */
	size_t num_open;
	uint64_t at;
	size_t rests_capacity;
};

static int add_rest(
	struct sweep *sweep, uint64_t start, uint64_t end, size_t symbol, struct snap_error *err)
{
	struct snap_symtab *table = sweep->table;
	struct snap_symbol_rest *last =
		table->num_rests > 0 ? &table->rests[table->num_rests - 1] : NULL;
	if (last && last->symbol == symbol && last->end == start) {
		last->end = end;
		return 0;
	}
	if (table->num_rests == sweep->rests_capacity) {
		size_t capacity = sweep->rests_capacity ? 2 * sweep->rests_capacity : 64;
		struct snap_symbol_rest *rests =
			reallocarray(table->rests, capacity, sizeof(*rests));
		if (!rests)
			return snap_error_no_memory(err);
		table->rests = rests;
		sweep->rests_capacity = capacity;
	}
	table->rests[table->num_rests++] = (struct snap_symbol_rest){start, end, symbol};
	return 0;
}

/* To the address to: close what ends before, and note what comes to light again. */
static int advance(struct sweep *sweep, uint64_t to, struct snap_error *err)
{
	const struct snap_symtab *table = sweep->table;
	while (sweep->num_open > 0) {
		size_t top = sweep->open[sweep->num_open - 1];
		uint64_t end = table->symbols[top].end;
		if (end > sweep->at) {
			uint64_t reached = end < to ? end : to;
			/* The last symbol so far is what a look-up finds first. */
			if (top + 1 != table->num_symbols && reached > sweep->at &&
				add_rest(sweep, sweep->at, reached, top, err) < 0)
				return -1;
			sweep->at = reached;
			if (end > to)
				return 0;
		}
		sweep->num_open--;
	}
	sweep->at = to;
	return 0;
}

static size_t add_symbol(struct sweep *sweep, const struct snap_symbol_entry *entry, uint64_t end)
{
	struct snap_symtab *table = sweep->table;
	table->symbols[table->num_symbols] = (struct snap_symbol){entry->start, end, entry->name};
	return table->num_symbols++;
}

/* By end, the farthest first; those without a size last. */
static int compare_ends(const void *a, const void *b)
{
	const struct snap_symbol_entry *x = a, *y = b;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return x->end > y->end ? -1 : x->end < y->end;
}

/*
 * Symbols that start together and have a size: of each length the best alias, and of those the
 * best of all on top, with whatever is longer below.
 */
static void open_group(struct sweep *sweep, const struct snap_symbol_entry *group, size_t num)
{
	const struct snap_symbol_entry *best = best_of(group, num);
	for (size_t i = 0, next; i < num && group[i].end > best->end; i = next) {
		next = i + 1;
		while (next < num && group[next].end == group[i].end)
			next++;
		const struct snap_symbol_entry *entry = best_of(&group[i], next - i);
		sweep->open[sweep->num_open++] = add_symbol(sweep, entry, entry->end);
	}
	sweep->open[sweep->num_open++] = add_symbol(sweep, best, best->end);
}

/* entries are sorted by start; table->symbols and sweep->open have room for all of them. */
static int flatten(
	struct sweep *sweep, struct snap_symbol_entry *entries, size_t num, struct snap_error *err)
{
	for (size_t i = 0, next; i < num; i = next) {
		bool same = true;
		next = i + 1;
		while (next < num && entries[next].start == entries[i].start) {
			same = same && compare_ends(&entries[next], &entries[i]) == 0;
			next++;
		}
		if (!same)
			qsort(&entries[i], next - i, sizeof(*entries), compare_ends);
		size_t num_sized = 0;
		while (num_sized < next - i && entries[i + num_sized].kind == SNAP_SYMBOL_SIZED)
			num_sized++;
		if (advance(sweep, entries[i].start, err) < 0)
			return -1;
		if (num_sized > 0) {
			open_group(sweep, &entries[i], num_sized);
		} else if (sweep->num_open == 0) {
			/* It reaches to the next one, or to the end of its section. */
			const struct snap_symbol_entry *best = best_of(&entries[i], next - i);
			uint64_t end = best->end;
			if (next < num && entries[next].start < end)
				end = entries[next].start;
			(void)add_symbol(sweep, best, end);
		}
	}
	return advance(sweep, UINT64_MAX, err);
}

static int read_sources(const struct snap_symtab *table, struct snap_symbol_entries *entries,
	struct snap_error *err)
{
	for (size_t i = 0; i < table->num_sources; i++)
		if (snap_symtab_read(&table->sources[i], entries, err) < 0)
			return -1;
	return 0;
}

static int make_symbols(
	struct snap_symtab *table, struct snap_symbol_entries *entries, struct snap_error *err)
{
	if (read_sources(table, entries, err) < 0)
		return -1;
	size_t num = entries->num;
	if (num == 0)
		return 0;
	struct sweep sweep = {.table = table, .open = calloc(num, sizeof(*sweep.open))};
	/* Fresh memory is the dearest part of all this: what the sort leaves is room enough. */
	static_assert(
		sizeof(*table->symbols) <= sizeof(*entries->items), "no room for the symbols");
	struct snap_symbol_entry *unsorted = entries->items, *other = calloc(num, sizeof(*other));
	int r = -1;
	if (!sweep.open || !other) {
		r = snap_error_no_memory(err);
		free(other);
	} else {
		entries->items = sort_by_start(unsorted, other, num);
		table->symbols = (void *)(entries->items == other ? unsorted : other);
		r = flatten(&sweep, entries->items, num, err);
	}
	free(sweep.open);
	if (r < 0)
		return -1;
	struct snap_symbol *symbols =
		reallocarray(table->symbols, table->num_symbols, sizeof(*symbols));
	if (symbols) /* it was only to shrink */
		table->symbols = symbols;
	return 0;
}

int snap_symtab_init(struct snap_symtab *table, const struct snap_symtab_source *sources,
	size_t num, struct snap_error *err)
{
	struct snap_symbol_entries entries = {0};
	*table = (struct snap_symtab){0};
	for (size_t i = 0; i < num && i < SNAP_SYMTAB_MAX_SOURCES; i++)
		table->sources[table->num_sources++] = sources[i];
	int r = make_symbols(table, &entries, err);
	free(entries.items);
	if (r < 0)
		snap_symtab_deinit(table);
	return r;
}

void snap_symtab_deinit(struct snap_symtab *table)
{
	free(table->symbols);
	free(table->rests);
	free(table->names);
	*table = (struct snap_symtab){0};
}

const struct snap_symbol *snap_symtab_find(const struct snap_symtab *table, uint64_t vaddr)
{
	size_t low = 0, high = table->num_symbols;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (table->symbols[mid].start <= vaddr)
			low = mid + 1;
		else
			high = mid;
	}
	if (low > 0 && vaddr < table->symbols[low - 1].end)
		return &table->symbols[low - 1];
	low = 0;
	high = table->num_rests;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (table->rests[mid].start <= vaddr)
			low = mid + 1;
		else
			high = mid;
	}
	if (low > 0 && vaddr < table->rests[low - 1].end)
		return &table->symbols[table->rests[low - 1].symbol];
	return NULL;
}

/* ---------------------------------------------------------------- names */

static size_t name_len(const char *name)
{
	return strcspn(name, "@");
}

/* FNV-1a, of the name without its version. */
static uint32_t hash_name(const char *name)
{
	uint32_t hash = UINT32_C(2166136261);
	for (; *name != '\0' && *name != '@'; name++)
		hash = (hash ^ (uint8_t)*name) * UINT32_C(16777619);
	return hash;
}

/* By hash first: names begin alike, and there may be many that are long. */
static int compare_name(const struct snap_symbol_name *a, const struct snap_symbol_name *b)
{
	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	if (a->name == b->name)
		return 0;
	size_t a_len = name_len(a->name), b_len = name_len(b->name);
	if (a_len != b_len)
		return a_len < b_len ? -1 : 1;
	return memcmp(a->name, b->name, a_len);
}

static int compare_names(const void *a, const void *b)
{
	const struct snap_symbol_name *x = a, *y = b;
	int r = compare_name(x, y);
	return r != 0 ? r : x->start < y->start ? -1 : x->start > y->start;
}

static bool make_names(struct snap_symtab *table)
{
	struct snap_symbol_entries entries = {0};
	size_t num = 0;
	if (read_sources(table, &entries, NULL) == 0 &&
		(table->names = calloc(entries.num + 1, sizeof(*table->names)))) {
		for (; num < entries.num; num++)
			table->names[num] = (struct snap_symbol_name){entries.items[num].start,
				entries.items[num].name, hash_name(entries.items[num].name)};
		qsort(table->names, num, sizeof(*table->names), compare_names);
	}
	table->num_names = num;
	free(entries.items);
	return table->names != NULL;
}

size_t snap_symtab_names(struct snap_symtab *table, const struct snap_symbol_name **ret)
{
	bool has_names = table->names || make_names(table);
	*ret = table->names;
	return has_names ? table->num_names : 0;
}

bool snap_symtab_find_name(struct snap_symtab *table, const char *name, uint64_t *ret)
{
	if (!table->names && !make_names(table))
		return false;
	struct snap_symbol_name wanted = {0, name, hash_name(name)};
	size_t low = 0, high = table->num_names;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (compare_name(&table->names[mid], &wanted) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	/* Those of one name stand together, by address: are the first and the last the same? */
	const struct snap_symbol_name *first = &table->names[low];
	size_t end = low;
	while (end < table->num_names && compare_name(&table->names[end], &wanted) == 0 &&
		table->names[end].start == first->start)
		end++;
	if (end == low ||
		(end < table->num_names && compare_name(&table->names[end], &wanted) == 0))
		return false;
	*ret = first->start;
	return true;
}
