#include "analyze/symbols/unit_build.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/dwarf/lines.h"
#include "analyze/dwarf/names.h"
#include "analyze/symbols/hash_seed.h"
#include "analyze/symbols/paint.h"
#include "analyze/symbols/unit_scan.h"
#include "analyze/symbols/unit_table.h"

#define MAX_NAME 4096
#define MAX_PATH 8192

/* The name of an entry, once found. */
struct known_name {
	const struct snap_dwarf_file *file; /* NULL: a free slot */
	uint64_t key;			    /* offset, twice; odd: in .debug_types */
	uint32_t name;			    /* number plus one; 0: it has none */
};

/* Where an entry's function begins. */
struct known_start {
	const struct snap_dwarf_file *file;
	uint64_t die_off;
	uint64_t start;
};

struct snap_unit_builder {
	struct snap_name_pool *pool;
	struct known_name *known;    /* a hash table with open addressing */
	uint64_t seed;		     /* of its hashes */
	size_t num_known, num_slots; /* a power of 2 */
	/* Of the unit at hand. */
	struct snap_unit_scan scan;
	struct snap_lines lines;
	uint32_t *files; /* by number in lines: name plus one; 0: not made yet */
	size_t files_capacity;
};

struct snap_unit_builder *snap_unit_builder_create(struct snap_name_pool *pool)
{
	struct snap_unit_builder *builder = calloc(1, sizeof(*builder));
	if (builder) {
		builder->pool = pool;
		builder->seed = snap_hash_seed();
	}
	return builder;
}

void snap_unit_builder_destroy(struct snap_unit_builder *builder)
{
	if (!builder)
		return;
	snap_scan_deinit(&builder->scan);
	snap_lines_deinit(&builder->lines);
	free(builder->known);
	free(builder->files);
	free(builder);
}

/* ---------------------------------------------------------------- names */

static struct known_name *known_slot(struct known_name *slots, size_t num_slots, uint64_t seed,
	const struct snap_dwarf_file *file, uint64_t key)
{
	size_t i = (size_t)snap_hash_number(seed ^ (uintptr_t)file, key) & (num_slots - 1);
	while (slots[i].file && (slots[i].file != file || slots[i].key != key))
		i = (i + 1) & (num_slots - 1);
	return &slots[i];
}

static bool grow_known(struct snap_unit_builder *b)
{
	size_t num_slots = b->num_slots ? 2 * b->num_slots : 1024;
	struct known_name *slots = calloc(num_slots, sizeof(*slots));
	if (!slots)
		return false;
	for (size_t i = 0; i < b->num_slots; i++)
		if (b->known[i].file)
			*known_slot(slots, num_slots, b->seed, b->known[i].file, b->known[i].key) =
				b->known[i];
	free(b->known);
	b->known = slots;
	b->num_slots = num_slots;
	return true;
}

static uint32_t read_name(struct snap_unit_builder *b, struct snap_die die)
{
	struct snap_dwarf_name name;
	snap_dwarf_name_read(die, &name);
	uint32_t number = SNAP_NO_NAME;
	char text[MAX_NAME];
	if (name.linkage)
		number = snap_name_pool_add(b->pool, name.linkage, NULL);
	else if (name.name && snap_dwarf_qualify(name.declaration, name.name, text, sizeof(text)))
		number = snap_name_pool_add_copy(b->pool, name.name, text);
	else if (name.name)
		number = snap_name_pool_add(b->pool, name.name, NULL);
	return number == SNAP_NO_NAME ? 0 : number + 1;
}

/* Number plus one; 0: it has none. */
static uint32_t name_of(struct snap_unit_builder *b, struct snap_die die)
{
	if (!die.unit)
		return 0;
	if (2 * (b->num_known + 1) > b->num_slots && !grow_known(b))
		return 0;
	uint64_t key = die.off << 1 | die.unit->in_types;
	struct known_name *slot = known_slot(b->known, b->num_slots, b->seed, die.unit->file, key);
	if (!slot->file) {
		*slot = (struct known_name){die.unit->file, key, read_name(b, die)};
		b->num_known++;
	}
	return slot->name;
}

/* Number plus one; 0: there is no such file. */
static uint32_t file_of(struct snap_unit_builder *b, uint32_t file)
{
	char path[MAX_PATH];
	if (file >= b->lines.num_files)
		return 0;
	if (b->files[file] == 0) {
		const char *whole = snap_lines_path(&b->lines, file, path, sizeof(path));
		uint32_t number =
			whole ? snap_name_pool_add_copy(b->pool, whole, NULL) : SNAP_NO_NAME;
		b->files[file] = number == SNAP_NO_NAME ? UINT32_MAX : number + 1;
	}
	return b->files[file] == UINT32_MAX ? 0 : b->files[file];
}

static int reset_files(struct snap_unit_builder *b)
{
	size_t num = b->lines.num_files;
	if (num > b->files_capacity) {
		uint32_t *files = reallocarray(b->files, num, sizeof(*files));
		if (!files)
			return -1;
		b->files = files;
		b->files_capacity = num;
	}
	if (num > 0)
		memset(b->files, 0, num * sizeof(*b->files));
	return 0;
}

/* ---------------------------------------------------------------- places */

/* All of it on the heap. */
struct made {
	struct snap_unit_node *nodes;
	struct snap_unit_part *parts;
	struct snap_painted *painted;
	size_t num_painted;
	struct snap_unit_place *places;
	size_t num_places;
	struct snap_unit_site *sites;
	size_t num_sites;
};

static void made_deinit(struct made *m)
{
	free(m->nodes);
	free(m->parts);
	free(m->painted);
	free(m->places);
	free(m->sites);
}

static int make_nodes(struct snap_unit_builder *b, struct made *m)
{
	const struct snap_unit_scan *scan = &b->scan;
	m->nodes = calloc(scan->num_nodes + 1, sizeof(*m->nodes));
	m->parts = calloc(scan->ranges.num + 1, sizeof(*m->parts));
	struct snap_paint *paints = calloc(scan->ranges.num + 1, sizeof(*paints));
	size_t num_paints = 0;
	if (!m->nodes || !m->parts || !paints) {
		free(paints);
		return -1;
	}
	for (size_t i = 0; i < scan->num_nodes; i++) {
		const struct snap_scan_node *from = &scan->nodes[i];
		m->nodes[i] = (struct snap_unit_node){
			.name = name_of(b, from->named),
			.parent = from->parent,
			.first_part = (uint32_t)from->first_range,
			.num_parts = from->parent ? 0 : (uint32_t)from->num_ranges,
			.entry_off =
				from->parent ? 0 : from->entry.off - from->entry.unit->off,
		};
		if (from->parent > 0) {
			m->nodes[i].call_file = file_of(b, from->call_file);
			m->nodes[i].call_line = from->call_line;
			m->nodes[i].call_column = from->call_column;
		}
		for (size_t j = from->first_range; j < from->first_range + from->num_ranges; j++) {
			const struct snap_dwarf_range *range = &scan->ranges.items[j];
			m->parts[j] = (struct snap_unit_part){range->start, range->end};
			paints[num_paints++] = (struct snap_paint){
				.start = range->start,
				.end = range->end,
				.layer = (uint32_t)i,
				.colour = (uint32_t)i + 1,
			};
		}
	}
	int r = snap_paint(paints, num_paints, &m->painted, &m->num_painted);
	free(paints);
	return r;
}

/* The row that counts for the addresses from rows[*i].addr on; *i becomes the first behind it. */
static const struct snap_line_row *row_at(const struct snap_lines *lines, size_t *i)
{
	uint64_t addr = lines->rows[*i].addr;
	while (*i < lines->num_rows && lines->rows[*i].addr == addr)
		(*i)++;
	/* The last: those before it have no instruction of their own. */
	return &lines->rows[*i - 1];
}

static void add_place(
	struct made *m, uint64_t start, uint32_t node, const struct snap_unit_place *line)
{
	struct snap_unit_place place = *line;
	place.start = start;
	place.node = node;
	struct snap_unit_place *last = m->num_places > 0 ? &m->places[m->num_places - 1] : NULL;
	if (last && last->start == start)
		*last = place;
	else if (!last ? node != 0 || place.file != 0
		       : last->node != node || last->file != place.file ||
				 last->line != place.line || last->column != place.column)
		m->places[m->num_places++] = place;
}

static int make_places(struct snap_unit_builder *b, struct made *m)
{
	const struct snap_lines *lines = &b->lines;
	m->places = calloc(m->num_painted + lines->num_rows + 1, sizeof(*m->places));
	if (!m->places)
		return -1;
	struct snap_unit_place line = {0};
	uint32_t node = 0;
	for (size_t i = 0, j = 0; i < m->num_painted || j < lines->num_rows;) {
		uint64_t at = i < m->num_painted ? m->painted[i].start : UINT64_MAX;
		if (j < lines->num_rows && lines->rows[j].addr < at)
			at = lines->rows[j].addr;
		if (i < m->num_painted && m->painted[i].start == at)
			node = m->painted[i++].colour;
		if (j < lines->num_rows && lines->rows[j].addr == at) {
			const struct snap_line_row *row = row_at(lines, &j);
			line = (struct snap_unit_place){0};
			/* Line 0: the compiler says that no source line stands for it. */
			line.file = row->ends ? 0 : file_of(b, row->file);
			if (line.file > 0 && row->line > 0) {
				line.line = row->line;
				line.column = row->column;
			}
		}
		add_place(m, at, node, &line);
	}
	return 0;
}

/* ---------------------------------------------------------------- call sites */

static int compare_entries(const struct known_start *x, const struct known_start *y)
{
	if (x->file != y->file)
		return (uintptr_t)x->file < (uintptr_t)y->file ? -1 : 1;
	return x->die_off < y->die_off ? -1 : x->die_off > y->die_off;
}

static int compare_starts(const void *a, const void *b)
{
	const struct known_start *x = a, *y = b;
	int r = compare_entries(x, y);
	return r != 0 ? r : x->start < y->start ? -1 : x->start > y->start;
}

static int compare_sites(const void *a, const void *b)
{
	const struct snap_unit_site *x = a, *y = b;
	return x->return_vaddr < y->return_vaddr ? -1 : x->return_vaddr > y->return_vaddr;
}

/* Functions by their entry, and by the one or two that it refers to. *ret: on the heap. */
static int find_starts(struct snap_unit_builder *b, struct known_start **ret, size_t *ret_num)
{
	static const uint16_t names[] = {DW_AT_specification, DW_AT_abstract_origin};
	const struct snap_unit_scan *scan = &b->scan;
	struct known_start *starts = calloc(3 * scan->num_nodes + 1, sizeof(*starts));
	size_t num = 0;
	if (!starts)
		return -1;
	for (size_t i = 0; i < scan->num_nodes; i++) {
		const struct snap_scan_node *node = &scan->nodes[i];
		if (node->parent > 0 || node->num_ranges == 0)
			continue;
		uint64_t start = scan->ranges.items[node->first_range].start;
		struct snap_attr attrs[2];
		struct snap_die next = node->origin;
		starts[num++] =
			(struct known_start){node->entry.unit->file, node->entry.off, start};
		if (!next.unit)
			continue;
		starts[num++] = (struct known_start){next.unit->file, next.off, start};
		if (snap_die_attrs(next, names, attrs, 2) &&
			(snap_attr_die(next.unit, &attrs[0], &next) ||
				snap_attr_die(next.unit, &attrs[1], &next)))
			starts[num++] = (struct known_start){next.unit->file, next.off, start};
	}
	if (num > 0)
		qsort(starts, num, sizeof(*starts), compare_starts);
	*ret = starts;
	*ret_num = num;
	return 0;
}

/* 0: not known. */
static uint64_t start_of(const struct known_start *starts, size_t num, struct snap_die die)
{
	if (!die.unit)
		return 0;
	const struct known_start key = {.file = die.unit->file, .die_off = die.off};
	size_t low = 0, high = num;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (compare_entries(&starts[mid], &key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < num && compare_entries(&starts[low], &key) == 0 ? starts[low].start : 0;
}

static int make_sites(struct snap_unit_builder *b, struct made *m)
{
	const struct snap_unit_scan *scan = &b->scan;
	struct known_start *starts;
	size_t num_starts;
	if (scan->num_sites == 0)
		return 0;
	m->sites = calloc(scan->num_sites, sizeof(*m->sites));
	if (!m->sites || find_starts(b, &starts, &num_starts) < 0)
		return -1;
	for (size_t i = 0; i < scan->num_sites; i++) {
		const struct snap_scan_site *from = &scan->sites[i];
		m->sites[m->num_sites++] = (struct snap_unit_site){
			.return_vaddr = from->return_vaddr,
			.target_name = name_of(b, from->target),
			.target_start = start_of(starts, num_starts, from->target),
			.is_tail_call = from->is_tail_call,
		};
	}
	free(starts);
	bool is_sorted = true;
	for (size_t i = 1; i < m->num_sites && is_sorted; i++)
		is_sorted = compare_sites(&m->sites[i - 1], &m->sites[i]) <= 0;
	if (!is_sorted)
		qsort(m->sites, m->num_sites, sizeof(*m->sites), compare_sites);
	return 0;
}

/* ---------------------------------------------------------------- all together */

static int scan(struct snap_unit_builder *b, struct snap_dwarf_unit *entries)
{
	b->scan.num_nodes = b->scan.num_sites = b->scan.ranges.num = 0;
	return entries && snap_dwarf_unit_open(entries) ? snap_scan_unit(entries, &b->scan) : 0;
}

int snap_unit_build(struct snap_unit_builder *b, struct snap_dwarf_unit *lines,
	struct snap_dwarf_unit *entries, struct snap_bytes *ret)
{
	struct made m = {0};
	bool had_scopes = entries && entries->scopes_read;
	int r = scan(b, entries);
	if (r == 0)
		r = snap_lines_read(lines, &b->lines);
	if (r == 0)
		r = reset_files(b);
	if (r == 0)
		r = make_nodes(b, &m);
	if (r == 0)
		r = make_places(b, &m);
	if (r == 0)
		r = make_sites(b, &m);
	const struct snap_unit_contents contents = {
		.nodes = m.nodes,
		.num_nodes = b->scan.num_nodes,
		.parts = m.parts,
		.num_parts = b->scan.ranges.num,
		.places = m.places,
		.num_places = m.num_places,
		.sites = m.sites,
		.num_sites = m.num_sites,
		.has_scopes = entries && snap_dwarf_unit_has_scopes(entries),
	};
	if (r == 0)
		r = snap_unit_table_encode(&contents, b->pool->num, ret);
	made_deinit(&m);
	if (entries && !had_scopes)
		snap_dwarf_scopes_drop(entries); /* other units rarely ask for them */
	return r;
}

int snap_unit_builder_ranges(struct snap_unit_builder *b, struct snap_dwarf_unit *entries,
	struct snap_dwarf_ranges *ranges)
{
	if (scan(b, entries) < 0)
		return -1;
	for (size_t i = 0; i < b->scan.num_nodes; i++) {
		const struct snap_scan_node *node = &b->scan.nodes[i];
		for (size_t j = 0; node->parent == 0 && j < node->num_ranges; j++)
			if (snap_dwarf_ranges_add(
				    ranges, &b->scan.ranges.items[node->first_range + j]) < 0)
				return -1;
	}
	return 0;
}
