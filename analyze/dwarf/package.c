#include "analyze/dwarf/package.h"

#include <stdlib.h>

#include "analyze/dwarf/file.h"

/* Columns of an index that is not hostile: there are not so many sections. */
#define MAX_COLUMNS 16

/* One unit's parts. */
struct row {
	uint64_t id;
	bool in_types;	   /* its units are in .debug_types */
	bool is_type;	   /* from .debug_tu_index */
	uint64_t off, len; /* of the part that has the units themselves */
	uint64_t part_off[SNAP_DWARF_NUM_SECTIONS];
};

struct snap_dwarf_package {
	struct row *rows; /* ascending by in_types, off */
	size_t num;
	size_t *by_id; /* indices of rows, ascending by id; compilation units only */
	size_t num_by_id;
};

/* The section that a column's number stands for, or -1. */
static int section_of(uint32_t version, uint32_t column)
{
	switch (column) {
	case 1:
		return SNAP_DWARF_INFO;
	case 2:
		return version < 5 ? SNAP_DWARF_TYPES : -1;
	case 3:
		return SNAP_DWARF_ABBREV;
	case 4:
		return SNAP_DWARF_LINE;
	case 5:
		return version < 5 ? SNAP_DWARF_LOC : SNAP_DWARF_LOCLISTS;
	case 6:
		return SNAP_DWARF_STR_OFFSETS;
	case 8:
		return version < 5 ? -1 : SNAP_DWARF_RNGLISTS;
	default:
		return -1;
	}
}

/* The parts of the unit that stands in a row (from 1) of the tables of offsets and sizes. */
static void read_row(struct row *row, struct snap_bytes section, bool big_endian,
	uint64_t table_off, uint32_t version, uint32_t columns, uint32_t units, uint32_t number)
{
	struct snap_cursor heads = snap_cursor(section, table_off, big_endian);
	uint64_t width = (uint64_t)columns * 4;
	struct snap_cursor offs = snap_cursor(section, table_off + width * number, big_endian);
	struct snap_cursor lens =
		snap_cursor(section, table_off + width * (units + number), big_endian);
	for (uint32_t i = 0; i < columns; i++) {
		int which = section_of(version, snap_cursor_u32(&heads));
		uint64_t off = snap_cursor_u32(&offs), len = snap_cursor_u32(&lens);
		if (which < 0 || heads.failed || offs.failed || lens.failed)
			continue;
		row->part_off[which] = off;
		if (which == SNAP_DWARF_INFO || which == SNAP_DWARF_TYPES) {
			row->in_types = which == SNAP_DWARF_TYPES;
			row->off = off;
			row->len = len;
		}
	}
}

static int read_index(struct snap_dwarf_package *package, struct snap_bytes section,
	bool big_endian, bool is_type)
{
	struct snap_cursor c = snap_cursor(section, 0, big_endian);
	/* Version 5 has it in two bytes, with two of padding behind it. */
	uint32_t version = snap_cursor_u32(&c);
	if (version != 2) {
		c = snap_cursor(section, 0, big_endian);
		version = snap_cursor_u16(&c);
		snap_cursor_skip(&c, 2);
	}
	uint32_t columns = snap_cursor_u32(&c), units = snap_cursor_u32(&c);
	uint32_t slots = snap_cursor_u32(&c);
	if (c.failed || (version != 2 && version != 5) || columns == 0 || columns > MAX_COLUMNS ||
		slots > snap_cursor_left(&c) / 12 || units > slots)
		return 0;
	uint64_t ids_off = (uint64_t)(c.p - section.data);
	uint64_t numbers_off = ids_off + UINT64_C(8) * slots;
	uint64_t table_off = numbers_off + UINT64_C(4) * slots;
	struct row *rows = reallocarray(package->rows, package->num + slots + 1, sizeof(*rows));
	if (!rows)
		return -1;
	package->rows = rows;
	struct snap_cursor ids = snap_cursor(section, ids_off, big_endian);
	struct snap_cursor numbers = snap_cursor(section, numbers_off, big_endian);
	for (uint32_t i = 0; i < slots; i++) {
		struct row row = {.id = snap_cursor_u64(&ids), .is_type = is_type};
		uint32_t number = snap_cursor_u32(&numbers);
		if (number == 0 || number > units)
			continue; /* a free slot */
		read_row(&row, section, big_endian, table_off, version, columns, units, number);
		if (row.len > 0)
			package->rows[package->num++] = row;
	}
	return 0;
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	if (x->in_types != y->in_types)
		return x->in_types ? 1 : -1;
	return x->off < y->off ? -1 : x->off > y->off;
}

static int compare_ids(const void *a, const void *b, void *data)
{
	const struct row *rows = data;
	uint64_t x = rows[*(const size_t *)a].id, y = rows[*(const size_t *)b].id;
	return x < y ? -1 : x > y;
}

static int make_indices(struct snap_dwarf_package *package)
{
	if (package->num > 0)
		qsort(package->rows, package->num, sizeof(*package->rows), compare_rows);
	package->by_id = calloc(package->num + 1, sizeof(*package->by_id));
	if (!package->by_id)
		return -1;
	for (size_t i = 0; i < package->num; i++)
		if (!package->rows[i].is_type)
			package->by_id[package->num_by_id++] = i;
	if (package->num_by_id > 0)
		qsort_r(package->by_id, package->num_by_id, sizeof(*package->by_id), compare_ids,
			package->rows);
	return 0;
}

int snap_dwarf_package_create(struct snap_dwarf_file *file, struct snap_dwarf_package **ret)
{
	*ret = NULL;
	struct snap_dwarf_sections *sections = &file->sections;
	struct snap_bytes units = snap_dwarf_section(sections, SNAP_DWARF_CU_INDEX);
	struct snap_bytes types = snap_dwarf_section(sections, SNAP_DWARF_TU_INDEX);
	if (units.len == 0)
		return 0;
	struct snap_dwarf_package *package = calloc(1, sizeof(*package));
	if (!package || read_index(package, units, sections->big_endian, false) < 0 ||
		read_index(package, types, sections->big_endian, true) < 0 ||
		make_indices(package) < 0) {
		snap_dwarf_package_destroy(package);
		return -1;
	}
	*ret = package;
	return 0;
}

void snap_dwarf_package_destroy(struct snap_dwarf_package *package)
{
	if (!package)
		return;
	free(package->rows);
	free(package->by_id);
	free(package);
}

void snap_dwarf_package_place(
	const struct snap_dwarf_package *package, struct snap_dwarf_unit *unit)
{
	size_t low = 0, high = package->num;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct row *row = &package->rows[mid];
		if (row->in_types < unit->in_types ||
			(row->in_types == unit->in_types && row->off <= unit->off))
			low = mid + 1;
		else
			high = mid;
	}
	const struct row *row = low > 0 ? &package->rows[low - 1] : NULL;
	if (row && row->in_types == unit->in_types && unit->off - row->off < row->len)
		memcpy(unit->part_off, row->part_off, sizeof(unit->part_off));
}

bool snap_dwarf_package_find(
	const struct snap_dwarf_package *package, uint64_t id, uint64_t *ret_off)
{
	size_t low = 0, high = package->num_by_id;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (package->rows[package->by_id[mid]].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == package->num_by_id || package->rows[package->by_id[low]].id != id)
		return false;
	*ret_off = package->rows[package->by_id[low]].off;
	return true;
}
