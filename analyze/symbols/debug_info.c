#include "analyze/symbols/debug_info.h"

#include <dwarf.h>
#include <stdlib.h>

#include "analyze/dwarf/file.h"
#include "analyze/dwarf/ranges.h"
#include "analyze/symbols/unit_build.h"

/* Packages that are tried for one object, and .dwo files for one unit. */
#define MAX_CANDIDATES 8
/* .dwo files that were opened in vain: a file can name the same wrong one for each of its units. */
#define MAX_MISMATCHES 256
/* .dwo files that are open at once; further ones count as not found. */
#define MAX_SPLIT_FILES 16384

/* Ranges of all units together: more than any program has. */
#define MAX_PAINTS (1u << 22)

/* Names that are put together: so much for any file, and twice its size besides. */
#define MIN_NAME_BYTES (UINT64_C(64) << 20)

/* What was read of .debug_info is let go of after so much of it. */
#define LET_GO_BYTES (UINT64_C(2) << 20)

struct split_file {
	struct snap_elf_file *elf;
	struct snap_dwarf_file *dwarf;
};

struct snap_debug_info {
	const struct snap_elf_file *elf;
	const struct snap_split_source *split;
	struct snap_dwarf_file *file, *alternate;
	struct snap_unit_builder *builder;
	struct snap_painted *map;
	size_t num_map;
	bool map_made, map_thorough; /* not thorough: colours are numbers of sets plus one */
	uint64_t *sets;		     /* of .debug_aranges: the offsets of their units' headers */
	size_t num_sets, sets_capacity;
	struct split_file *split_files; /* packages first */
	size_t num_split_files, split_capacity, num_packages;
	bool packages_tried;
	size_t num_mismatches;
	uint64_t num_read; /* bytes of units since pages were let go of */
};

int snap_debug_info_create(const struct snap_elf_file *elf, const struct snap_elf_file *alternate,
	const struct snap_split_source *split, struct snap_name_pool *pool,
	struct snap_debug_info **ret, struct snap_error *err)
{
	struct snap_debug_info *info = calloc(1, sizeof(*info));
	if (!info)
		return snap_error_no_memory(err);
	info->elf = elf;
	info->split = split;
	info->builder = snap_unit_builder_create(pool);
	if (!info->builder || snap_dwarf_file_create(elf, false, &info->file, err) < 0 ||
		(alternate &&
			snap_dwarf_file_create(alternate, false, &info->alternate, err) < 0)) {
		snap_debug_info_destroy(info);
		return snap_error_no_memory(err);
	}
	info->file->alternate = info->alternate;
	*ret = info;
	return 0;
}

void snap_debug_info_destroy(struct snap_debug_info *info)
{
	if (!info)
		return;
	for (size_t i = 0; i < info->num_split_files; i++) {
		snap_dwarf_file_destroy(info->split_files[i].dwarf);
		snap_elf_file_destroy(info->split_files[i].elf);
	}
	free(info->split_files);
	snap_unit_builder_destroy(info->builder);
	snap_dwarf_file_destroy(info->file);
	snap_dwarf_file_destroy(info->alternate);
	free(info->map);
	free(info->sets);
	free(info);
}

uint64_t snap_debug_info_max_name_bytes(const struct snap_elf_file *file)
{
	uint64_t file_len = file ? (uint64_t)file->map_len + file->image_len : 0;
	return MIN_NAME_BYTES + 2 * file_len;
}

int snap_debug_info_use_pool(struct snap_debug_info *info, struct snap_name_pool *pool)
{
	struct snap_unit_builder *builder = snap_unit_builder_create(pool);
	if (!builder)
		return -1;
	snap_name_pool_set_max_bytes(pool, snap_debug_info_max_name_bytes(info->elf));
	snap_unit_builder_destroy(info->builder);
	info->builder = builder;
	return 0;
}

size_t snap_debug_info_num_units(struct snap_debug_info *info)
{
	return snap_dwarf_file_num_units(info->file);
}

uint64_t snap_debug_info_len(const struct snap_debug_info *info)
{
	return snap_dwarf_section_len(&info->file->sections, SNAP_DWARF_INFO);
}

uint64_t snap_debug_info_unit_len(struct snap_debug_info *info, size_t index)
{
	const struct snap_dwarf_unit *unit = snap_dwarf_file_unit(info->file, index);
	return unit ? unit->end - unit->off : 0;
}

static void let_go(struct snap_debug_info *info)
{
	snap_elf_file_let_go(info->elf);
	info->num_read = 0;
}

/* ---------------------------------------------------------------- split DWARF */

/* Takes over elf. NULL if it is none, or without memory. */
static struct snap_dwarf_file *keep_split(struct snap_debug_info *info, struct snap_elf_file *elf)
{
	struct snap_dwarf_file *dwarf;
	if (info->num_split_files == info->split_capacity) {
		size_t capacity = info->split_capacity ? 2 * info->split_capacity : 8;
		struct split_file *files =
			reallocarray(info->split_files, capacity, sizeof(*files));
		if (!files) {
			snap_elf_file_destroy(elf);
			return NULL;
		}
		info->split_files = files;
		info->split_capacity = capacity;
	}
	if (snap_dwarf_file_create(elf, true, &dwarf, NULL) < 0) {
		snap_elf_file_destroy(elf);
		return NULL;
	}
	info->split_files[info->num_split_files++] = (struct split_file){elf, dwarf};
	return dwarf;
}

static void drop_last_split(struct snap_debug_info *info)
{
	struct split_file *last = &info->split_files[--info->num_split_files];
	snap_dwarf_file_destroy(last->dwarf);
	snap_elf_file_destroy(last->elf);
}

static void refuse(
	const struct snap_debug_info *info, const struct snap_elf_file *elf, const char *why)
{
	if (info->split->refuse)
		info->split->refuse(info->split->context, elf, why);
}

static void open_packages(struct snap_debug_info *info)
{
	info->packages_tried = true;
	struct snap_elf_file *elf;
	size_t place = 0;
	for (size_t i = 0; i < MAX_CANDIDATES && info->split->open_dwp; i++) {
		if (info->split->open_dwp(info->split->context, &place, &elf) <= 0)
			break;
		struct snap_dwarf_file *dwarf = keep_split(info, elf);
		if (dwarf && !dwarf->package) {
			refuse(info, elf, "it is no package of split debug information");
			drop_last_split(info);
		}
	}
	info->num_packages = info->num_split_files;
}

/* The unit that a skeleton stands for; NULL, and *ret_left_out whether not all was tried. */
static struct snap_dwarf_unit *look_for_split(
	struct snap_debug_info *info, struct snap_dwarf_unit *skeleton, bool *ret_left_out)
{
	if (!info->packages_tried)
		open_packages(info);
	for (size_t i = 0; i < info->num_packages; i++) {
		struct snap_dwarf_unit *unit =
			snap_dwarf_file_split_unit(info->split_files[i].dwarf, skeleton->id);
		if (unit)
			return unit;
	}
	*ret_left_out = false;
	if (!skeleton->dwo_name || !info->split->open_dwo)
		return NULL;
	size_t place = 0;
	for (size_t i = 0;
		i < MAX_CANDIDATES && info->num_split_files < MAX_SPLIT_FILES &&
		info->num_mismatches < MAX_MISMATCHES;
		i++) {
		struct snap_elf_file *elf;
		if (info->split->open_dwo(info->split->context, skeleton->comp_dir,
			    skeleton->dwo_name, &place, &elf) <= 0)
			return NULL;
		struct snap_dwarf_file *dwarf = keep_split(info, elf);
		struct snap_dwarf_unit *unit =
			dwarf ? snap_dwarf_file_split_unit(dwarf, skeleton->id) : NULL;
		if (unit)
			return unit;
		if (dwarf) {
			refuse(info, elf, "its dwo_id is another: it is of another build, or unit");
			drop_last_split(info);
		}
		info->num_mismatches++;
	}
	*ret_left_out = true;
	return NULL;
}

static struct snap_dwarf_unit *find_split(
	struct snap_debug_info *info, struct snap_dwarf_unit *skeleton)
{
	bool is_left_out;
	if (!info->split)
		return NULL;
	struct snap_dwarf_unit *unit = look_for_split(info, skeleton, &is_left_out);
	if (!unit && skeleton->dwo_name && info->split->miss)
		info->split->miss(info->split->context, skeleton->comp_dir, skeleton->dwo_name,
			is_left_out);
	return unit;
}

/* The unit that has the entries; NULL if its file was not found. */
static struct snap_dwarf_unit *entries_of(
	struct snap_debug_info *info, struct snap_dwarf_unit *unit)
{
	if (unit->type != DW_UT_skeleton)
		return unit;
	if (!unit->split_tried) {
		unit->split_tried = true;
		unit->split = find_split(info, unit);
	}
	/* Each time: several may share it, where one object file was linked twice. */
	if (unit->split)
		unit->split->skeleton = unit;
	return unit->split;
}

static struct snap_dwarf_unit *open_entries(
	struct snap_debug_info *info, struct snap_dwarf_unit *unit)
{
	struct snap_dwarf_unit *entries =
		unit && snap_dwarf_unit_open(unit) ? entries_of(info, unit) : NULL;
	return entries && snap_dwarf_unit_open(entries) ? entries : NULL;
}

struct snap_dwarf_unit *snap_debug_info_entries(struct snap_debug_info *info, size_t index)
{
	return open_entries(info, snap_dwarf_file_unit(info->file, index));
}

struct snap_dwarf_unit *snap_debug_info_entries_at(struct snap_debug_info *info, uint64_t off)
{
	return open_entries(info, snap_dwarf_file_unit_alone(info->file, off));
}

uint64_t snap_debug_info_unit_off(struct snap_debug_info *info, size_t index)
{
	const struct snap_dwarf_unit *unit = snap_dwarf_file_unit(info->file, index);
	return unit ? unit->off : 0;
}

/* ---------------------------------------------------------------- which unit */

struct painting {
	struct snap_paint *paints;
	size_t num, capacity;
};

/* number: of the unit, or of its set of .debug_aranges. Of several the first counts. */
static int add_paints(struct painting *p, const struct snap_dwarf_ranges *ranges, size_t number)
{
	for (size_t i = 0; i < ranges->num && p->num < MAX_PAINTS; i++) {
		if (p->num == p->capacity) {
			size_t capacity = p->capacity ? 2 * p->capacity : 1024;
			struct snap_paint *paints =
				reallocarray(p->paints, capacity, sizeof(*paints));
			if (!paints)
				return -1;
			p->paints = paints;
			p->capacity = capacity;
		}
		p->paints[p->num++] = (struct snap_paint){
			.start = ranges->items[i].start,
			.end = ranges->items[i].end,
			.layer = UINT32_MAX - (uint32_t)number,
			.colour = (uint32_t)number + 1,
		};
	}
	return 0;
}

/* What the unit's first entry says; where it says nothing, what its functions do. */
static int add_unit(struct snap_debug_info *info, struct painting *p, size_t index)
{
	struct snap_dwarf_unit *unit = snap_dwarf_file_unit(info->file, index);
	struct snap_dwarf_ranges ranges = {0};
	if (!unit || (unit->type != DW_UT_compile && unit->type != DW_UT_skeleton) ||
		!snap_dwarf_unit_open(unit) || unit->tag == DW_TAG_partial_unit)
		return 0;
	int r = snap_dwarf_ranges_read(unit, &unit->low_pc, &unit->high_pc, &unit->ranges, &ranges);
	struct snap_dwarf_unit *entries = r == 0 && ranges.num == 0 ? entries_of(info, unit) : NULL;
	if (entries && snap_dwarf_unit_open(entries))
		r = snap_unit_builder_ranges(info->builder, entries, &ranges);
	if (r == 0)
		r = add_paints(p, &ranges, index);
	snap_dwarf_ranges_deinit(&ranges);
	return r;
}

/* One set's ranges after the other: fn gets the header's offset of the unit that they are of. */
static int each_set(struct snap_debug_info *info,
	int (*fn)(struct snap_debug_info *info, struct painting *p,
		const struct snap_dwarf_arange_set *set),
	struct painting *p)
{
	struct snap_dwarf_arange_set set = {0};
	uint64_t off = 0;
	int r;
	while ((r = snap_dwarf_aranges_next(info->file, &off, &set)) == 0) {
		if (set.ranges.num > 0 && fn(info, p, &set) < 0) {
			r = -1;
			break;
		}
		set.ranges.num = 0;
	}
	snap_dwarf_ranges_deinit(&set.ranges);
	return r < 0 ? -1 : 0;
}

static int add_set(
	struct snap_debug_info *info, struct painting *p, const struct snap_dwarf_arange_set *set)
{
	if (info->num_sets == info->sets_capacity) {
		size_t capacity = info->sets_capacity ? 2 * info->sets_capacity : 256;
		uint64_t *sets = reallocarray(info->sets, capacity, sizeof(*sets));
		if (!sets)
			return -1;
		info->sets = sets;
		info->sets_capacity = capacity;
	}
	info->sets[info->num_sets++] = set->unit_off;
	return add_paints(p, &set->ranges, info->num_sets - 1);
}

static int add_set_of_unit(
	struct snap_debug_info *info, struct painting *p, const struct snap_dwarf_arange_set *set)
{
	const struct snap_dwarf_unit *unit =
		snap_dwarf_file_unit_with_header(info->file, set->unit_off);
	return unit ? add_paints(p, &set->ranges, unit->index) : 0;
}

/* By .debug_aranges alone: no unit is looked at. Its sets ascend as the units do. */
static int paint_quickly(struct snap_debug_info *info, struct painting *p)
{
	info->num_sets = 0;
	return each_set(info, add_set, p);
}

/* With what every unit says of itself: .debug_aranges may leave something out. */
static int paint_thoroughly(struct snap_debug_info *info, struct painting *p)
{
	int r = each_set(info, add_set_of_unit, p);
	size_t num_units = snap_dwarf_file_num_units(info->file);
	for (size_t i = 0; i < num_units && r == 0; i++) {
		r = add_unit(info, p, i);
		/* The kernel maps pages round each first entry: together they are the whole file.
		 */
		if (i % 64 == 63)
			let_go(info);
	}
	return r;
}

/* Without memory: what there was. */
static void make_map(struct snap_debug_info *info, bool thorough)
{
	struct painting p = {0};
	struct snap_painted *map = NULL;
	size_t num_map = 0;
	int r = thorough ? paint_thoroughly(info, &p) : paint_quickly(info, &p);
	if (r == 0)
		r = snap_paint(p.paints, p.num, &map, &num_map);
	free(p.paints);
	if (r < 0)
		return;
	free(info->map);
	info->map = map;
	info->num_map = num_map;
	info->map_made = true;
	info->map_thorough = thorough;
}

const struct snap_painted *snap_debug_info_map(struct snap_debug_info *info, size_t *ret_num)
{
	if (!info->map_thorough)
		make_map(info, true);
	*ret_num = info->map_thorough ? info->num_map : 0;
	return info->map_thorough ? info->map : NULL;
}

static uint32_t search_map(const struct snap_debug_info *info, uint64_t vaddr)
{
	size_t low = 0, high = info->num_map;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (info->map[mid].start <= vaddr)
			low = mid + 1;
		else
			high = mid;
	}
	return low > 0 ? info->map[low - 1].colour : 0;
}

size_t snap_debug_info_unit_at(struct snap_debug_info *info, uint64_t vaddr)
{
	if (!info->map_made)
		make_map(info, false);
	uint32_t colour = search_map(info, vaddr);
	if (info->map_thorough)
		return colour;
	if (colour > 0) {
		const struct snap_dwarf_unit *unit =
			snap_dwarf_file_unit_with_header(info->file, info->sets[colour - 1]);
		if (unit)
			return unit->index + 1;
	}
	make_map(info, true);
	return info->map_thorough ? search_map(info, vaddr) : 0;
}

int snap_debug_info_table(
	struct snap_debug_info *info, size_t index, struct snap_bytes *ret, bool *ret_is_whole)
{
	struct snap_dwarf_unit *unit = snap_dwarf_file_unit(info->file, index);
	if (!unit)
		return -1;
	struct snap_dwarf_unit *entries =
		snap_dwarf_unit_open(unit) ? entries_of(info, unit) : NULL;
	*ret_is_whole = entries != NULL;
	int r = snap_unit_build(info->builder, unit, entries, ret);
	info->num_read += unit->end - unit->off;
	if (info->num_read >= LET_GO_BYTES)
		let_go(info);
	return r;
}
