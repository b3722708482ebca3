#include "analyze/symbols/dwarf_index.h"

#include <stdlib.h>
#include <string.h>

#include <dwarf.h>

#include "analyze/symbols/dwarf_name.h"

/* Nesting of namespaces, classes and functions inside a unit. */
#define MAX_DEPTH 64

/* Addresses [start, end) and what is there: a unit's or a function's DIE offset. */
struct range {
	uint64_t start, end;
	uint64_t die_off;
};

struct ranges {
	struct range *items;
	size_t num, capacity;
};

struct unit {
	uint64_t die_off;
	struct ranges functions;
	bool functions_read;
	Dwarf_Lines *lines; /* owned by libdw */
	size_t num_lines;
	Dwarf_Files *files;
	size_t num_files;
};

struct snap_dwarf_index {
	Dwarf *dwarf;
	struct snap_arena arena;
	struct unit **units; /* those met so far, sorted by offset */
	size_t num_units, units_capacity;
	struct ranges unit_ranges; /* of all units, from their DIEs */
	bool unit_ranges_read;
	struct snap_dwarf_names *names;
};

static bool ranges_add(struct ranges *ranges, uint64_t start, uint64_t end, uint64_t die_off)
{
	/* Linkers set what they discarded to 0 (or 1, or to the top). */
	if (start == 0 || start >= end)
		return true;
	if (ranges->num == ranges->capacity) {
		size_t capacity = ranges->capacity ? 2 * ranges->capacity : 32;
		struct range *grown = reallocarray(ranges->items, capacity, sizeof(*grown));
		if (!grown)
			return false;
		ranges->items = grown;
		ranges->capacity = capacity;
	}
	ranges->items[ranges->num++] = (struct range){start, end, die_off};
	return true;
}

/* By start; of those that start together the longest first, so that the last is the innermost. */
static int compare_ranges(const void *a, const void *b)
{
	const struct range *x = a, *y = b;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->end != y->end)
		return x->end > y->end ? -1 : 1;
	return x->die_off < y->die_off ? -1 : x->die_off > y->die_off;
}

static void ranges_sort(struct ranges *ranges)
{
	if (ranges->num > 0)
		qsort(ranges->items, ranges->num, sizeof(*ranges->items), compare_ranges);
}

/* The innermost range with the address: nested ones (a function in a function) are few. */
static const struct range *ranges_find(const struct ranges *ranges, uint64_t vaddr)
{
	size_t low = 0, high = ranges->num;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (ranges->items[mid].start <= vaddr)
			low = mid + 1;
		else
			high = mid;
	}
	for (size_t i = low; i > 0 && low - i < MAX_DEPTH; i--)
		if (vaddr < ranges->items[i - 1].end)
			return &ranges->items[i - 1];
	return NULL;
}

/* All address ranges of a DIE: DW_AT_low_pc/high_pc or DW_AT_ranges. */
static bool add_die_ranges(struct ranges *ranges, Dwarf_Die *die, uint64_t die_off)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t off = 0;
	while ((off = dwarf_ranges(die, off, &base, &start, &end)) > 0)
		if (!ranges_add(ranges, start, end, die_off))
			return false;
	return true;
}

static bool die_has(Dwarf_Die *die, uint64_t vaddr, bool *ret_has_ranges, uint64_t *ret_start)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t off = 0;
	*ret_has_ranges = false;
	while ((off = dwarf_ranges(die, off, &base, &start, &end)) > 0) {
		*ret_has_ranges = true;
		if (vaddr >= start && vaddr < end) {
			*ret_start = start;
			return true;
		}
	}
	return false;
}

/* ---------------------------------------------------------------- units */

int snap_dwarf_index_create(Dwarf *dwarf, struct snap_dwarf_index **ret, struct snap_error *err)
{
	struct snap_dwarf_index *index = calloc(1, sizeof(*index));
	if (!index)
		return snap_error_no_memory(err);
	index->dwarf = dwarf;
	snap_arena_init(&index->arena, SIZE_MAX);
	index->names = snap_dwarf_names_create();
	if (!index->names) {
		free(index);
		return snap_error_no_memory(err);
	}
	*ret = index;
	return 0;
}

void snap_dwarf_index_destroy(struct snap_dwarf_index *index)
{
	if (!index)
		return;
	for (size_t i = 0; i < index->num_units; i++)
		free(index->units[i]->functions.items);
	free(index->units);
	free(index->unit_ranges.items);
	snap_dwarf_names_destroy(index->names);
	snap_arena_deinit(&index->arena);
	free(index);
}

/* The ranges of every unit from its DIE: for compilers that leave .debug_aranges out. */
static void read_unit_ranges(struct snap_dwarf_index *index)
{
	index->unit_ranges_read = true;
	Dwarf_CU *cu = NULL;
	Dwarf_Die die;
	uint8_t unit_type;
	/* No sub-DIE is asked for: libdw would open the file that a skeleton unit names. */
	while (dwarf_get_units(index->dwarf, cu, &cu, NULL, &unit_type, &die, NULL) == 0) {
		if (unit_type != DW_UT_compile && unit_type != DW_UT_skeleton)
			continue;
		if (!add_die_ranges(&index->unit_ranges, &die, dwarf_dieoffset(&die)))
			break;
	}
	ranges_sort(&index->unit_ranges);
}

static bool find_unit_die(struct snap_dwarf_index *index, uint64_t vaddr, uint64_t *ret_off)
{
	Dwarf_Aranges *aranges;
	size_t num;
	Dwarf_Die die;
	if (dwarf_getaranges(index->dwarf, &aranges, &num) == 0 && num > 0) {
		Dwarf_Arange *arange = dwarf_getarange_addr(aranges, vaddr);
		Dwarf_Off off;
		if (arange && dwarf_getarangeinfo(arange, NULL, NULL, &off) == 0 &&
			dwarf_offdie(index->dwarf, off, &die)) {
			*ret_off = off;
			return true;
		}
	}
	if (!index->unit_ranges_read)
		read_unit_ranges(index);
	const struct range *range = ranges_find(&index->unit_ranges, vaddr);
	if (range)
		*ret_off = range->die_off;
	return range != NULL;
}

static struct unit *get_unit(struct snap_dwarf_index *index, uint64_t die_off)
{
	size_t low = 0, high = index->num_units;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (index->units[mid]->die_off < die_off)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < index->num_units && index->units[low]->die_off == die_off)
		return index->units[low];

	if (index->num_units == index->units_capacity) {
		size_t capacity = index->units_capacity ? 2 * index->units_capacity : 16;
		struct unit **grown = reallocarray(index->units, capacity, sizeof(*grown));
		if (!grown)
			return NULL;
		index->units = grown;
		index->units_capacity = capacity;
	}
	struct unit *unit = snap_arena_alloc(&index->arena, sizeof(*unit));
	if (!unit)
		return NULL;
	unit->die_off = die_off;
	memmove(index->units + low + 1, index->units + low,
		(index->num_units - low) * sizeof(*index->units));
	index->units[low] = unit;
	index->num_units++;

	Dwarf_Die die;
	if (dwarf_offdie(index->dwarf, die_off, &die)) {
		if (dwarf_getsrclines(&die, &unit->lines, &unit->num_lines) != 0)
			unit->num_lines = 0;
		if (dwarf_getsrcfiles(&die, &unit->files, &unit->num_files) != 0)
			unit->num_files = 0;
	}
	return unit;
}

/* ---------------------------------------------------------------- functions */

/* Where functions with code can stand. */
static bool may_hold_functions(int tag)
{
	switch (tag) {
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_class_type:
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_interface_type:
	case DW_TAG_subprogram:
	case DW_TAG_lexical_block:
		return true;
	default:
		return false;
	}
}

static bool collect_functions(struct ranges *functions, Dwarf_Die *parent, unsigned int depth)
{
	Dwarf_Die die;
	if (depth > MAX_DEPTH || dwarf_child(parent, &die) != 0)
		return true;
	do {
		int tag = dwarf_tag(&die);
		if (tag == DW_TAG_subprogram &&
			!add_die_ranges(functions, &die, dwarf_dieoffset(&die)))
			return false;
		if (may_hold_functions(tag) && dwarf_haschildren(&die) > 0 &&
			!collect_functions(functions, &die, depth + 1))
			return false;
	} while (dwarf_siblingof(&die, &die) == 0);
	return true;
}

static void read_functions(struct snap_dwarf_index *index, struct unit *unit)
{
	unit->functions_read = true;
	Dwarf_Die die;
	if (!dwarf_offdie(index->dwarf, unit->die_off, &die))
		return;
	(void)collect_functions(&unit->functions, &die, 0); /* without memory: what there is */
	ranges_sort(&unit->functions);
}

/*
 * Descend from a function into what was inlined at the address. Appends the DIEs, outermost first.
 */
static size_t collect_inlines(
	Dwarf_Die *parent, uint64_t vaddr, Dwarf_Die *dies, size_t num, unsigned int depth)
{
	Dwarf_Die die;
	if (depth > 4 * SNAP_MAX_INLINE_DEPTH || dwarf_child(parent, &die) != 0)
		return num;
	do {
		int tag = dwarf_tag(&die);
		if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_lexical_block &&
			tag != DW_TAG_try_block && tag != DW_TAG_catch_block)
			continue;
		bool has_ranges;
		uint64_t start;
		bool inside = die_has(&die, vaddr, &has_ranges, &start);
		/* A block without addresses of its own is only a scope of names. */
		if (!inside && (has_ranges || tag == DW_TAG_inlined_subroutine))
			continue;
		if (inside && tag == DW_TAG_inlined_subroutine) {
			if (num == SNAP_MAX_INLINE_DEPTH)
				return num;
			dies[num++] = die;
		}
		size_t deeper = collect_inlines(&die, vaddr, dies, num, depth + 1);
		if (inside || deeper > num)
			return deeper;
	} while (dwarf_siblingof(&die, &die) == 0);
	return num;
}

/* ---------------------------------------------------------------- lines */

static Dwarf_Line *find_line(const struct unit *unit, uint64_t vaddr)
{
	size_t low = 0, high = unit->num_lines;
	Dwarf_Addr addr;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (dwarf_lineaddr(dwarf_onesrcline(unit->lines, mid), &addr) != 0)
			return NULL;
		if (addr <= vaddr)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == 0)
		return NULL;
	Dwarf_Line *best = dwarf_onesrcline(unit->lines, low - 1);
	bool ends;
	Dwarf_Addr best_addr;
	if (dwarf_lineendsequence(best, &ends) != 0 || ends ||
		dwarf_lineaddr(best, &best_addr) != 0)
		return NULL;
	/* Of the rows of one address the last statement counts, as debuggers have it. */
	for (size_t i = low; i > 0; i--) {
		Dwarf_Line *line = dwarf_onesrcline(unit->lines, i - 1);
		bool is_statement;
		if (dwarf_lineaddr(line, &addr) != 0 || addr != best_addr ||
			dwarf_lineendsequence(line, &ends) != 0 || ends)
			break;
		if (dwarf_linebeginstatement(line, &is_statement) == 0 && is_statement)
			return line;
	}
	return best;
}

static void set_line(const struct unit *unit, uint64_t vaddr, struct snap_source_frame *frame)
{
	Dwarf_Line *line = find_line(unit, vaddr);
	int number = 0, column = 0;
	/* Line 0: the compiler says that no source line stands for it. */
	if (!line || dwarf_lineno(line, &number) != 0 || number <= 0)
		return;
	frame->line = (uint32_t)number;
	if (dwarf_linecol(line, &column) == 0 && column > 0)
		frame->column = (uint32_t)column;
	frame->file = dwarf_linesrc(line, NULL, NULL);
}

static uint32_t unsigned_attribute(Dwarf_Die *die, unsigned int name)
{
	Dwarf_Attribute attr;
	Dwarf_Word value;
	if (dwarf_attr(die, name, &attr) && dwarf_formudata(&attr, &value) == 0 &&
		value <= UINT32_MAX)
		return (uint32_t)value;
	return 0;
}

/* Where an inlined function was called. */
static void set_call_site(const struct unit *unit, Dwarf_Die *die, struct snap_source_frame *frame)
{
	Dwarf_Attribute attr;
	Dwarf_Word file;
	frame->line = unsigned_attribute(die, DW_AT_call_line);
	frame->column = unsigned_attribute(die, DW_AT_call_column);
	if (dwarf_attr(die, DW_AT_call_file, &attr) && dwarf_formudata(&attr, &file) == 0 &&
		file < unit->num_files)
		frame->file = dwarf_filesrc(unit->files, file, NULL, NULL);
}

/* ---------------------------------------------------------------- all together */

/* The unit that contains the address, its functions read. */
static struct unit *find_unit(struct snap_dwarf_index *index, uint64_t vaddr)
{
	uint64_t off;
	struct unit *unit = find_unit_die(index, vaddr, &off) ? get_unit(index, off) : NULL;
	if (unit && !unit->functions_read)
		read_functions(index, unit);
	return unit;
}

bool snap_dwarf_index_function(struct snap_dwarf_index *index, uint64_t vaddr, Dwarf_Die *ret)
{
	const struct unit *unit = find_unit(index, vaddr);
	const struct range *range = unit ? ranges_find(&unit->functions, vaddr) : NULL;
	return range && dwarf_offdie(index->dwarf, range->die_off, ret);
}

size_t snap_dwarf_index_find(struct snap_dwarf_index *index, uint64_t vaddr,
	struct snap_source_frame *frames, size_t max)
{
	const struct unit *unit = find_unit(index, vaddr);
	if (!unit)
		return 0;

	struct snap_source_frame innermost = {0};
	set_line(unit, vaddr, &innermost);
	const struct range *range = ranges_find(&unit->functions, vaddr);
	Dwarf_Die function;
	if (!range || !dwarf_offdie(index->dwarf, range->die_off, &function)) {
		frames[0] = innermost;
		return 1;
	}
	Dwarf_Die inlines[SNAP_MAX_INLINE_DEPTH];
	size_t num_inlines = collect_inlines(&function, vaddr, inlines, 0, 0);

	/* The innermost has the line of the address, each outer one that of the call in it. */
	size_t num = 0;
	struct snap_source_frame frame = innermost;
	for (size_t i = num_inlines; i > 0 && num < max - 1; i--) {
		frame.is_inline = true;
		snap_dwarf_names_get(
			index->names, &inlines[i - 1], &frame.function, &frame.raw_function);
		frames[num++] = frame;
		frame = (struct snap_source_frame){0};
		set_call_site(unit, &inlines[i - 1], &frame);
	}
	snap_dwarf_names_get(index->names, &function, &frame.function, &frame.raw_function);
	frame.start = range->start;
	frames[num++] = frame;
	return num;
}
