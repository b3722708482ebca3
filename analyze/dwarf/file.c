#include "analyze/dwarf/file.h"

#include <dwarf.h>
#include <search.h>
#include <stdlib.h>

#include "analyze/dwarf/package.h"

/* The largest programs have some fifty thousand. */
#define MAX_UNITS 500000
/* Attributes of a unit's first entry. */
#define MAX_FIRST_ATTRS 64
/* Units that are met alone. Further ones are met as all are, one after the other. */
#define MAX_ALONE 1024

/* ---------------------------------------------------------------- units */

/* DWARF 5, section 7.4: a unit's own width of offsets. */
static uint64_t read_initial_length(struct snap_cursor *c, uint8_t *ret_offset_size)
{
	uint64_t len = snap_cursor_u32(c);
	*ret_offset_size = 4;
	if (len == 0xffffffff) {
		*ret_offset_size = 8;
		len = snap_cursor_u64(c);
	}
	return len;
}

/* More than any header takes. */
#define MAX_HEADER_BYTES 64

/* Read the header at off. False if there is no more. */
static bool read_header(
	struct snap_dwarf_file *file, uint64_t off, bool in_types, struct snap_dwarf_unit *ret)
{
	enum snap_dwarf_section which = in_types ? SNAP_DWARF_TYPES : SNAP_DWARF_INFO;
	uint64_t all = snap_dwarf_section_len(&file->sections, which);
	uint8_t bytes[MAX_HEADER_BYTES];
	size_t have = snap_dwarf_section_peek(&file->sections, which, off, bytes, sizeof(bytes));
	struct snap_cursor c = snap_cursor(snap_bytes(bytes, have), 0, file->sections.big_endian);
	*ret = (struct snap_dwarf_unit){.file = file, .in_types = in_types, .off = off};
	uint64_t len = read_initial_length(&c, &ret->encoding.offset_size);
	uint64_t here = off + (uint64_t)(c.p - bytes);
	if (c.failed || len == 0 || here > all || len > all - here)
		return false;
	ret->end = here + len;
	if (len < snap_cursor_left(&c))
		c.end = c.p + len;
	ret->encoding.version = snap_cursor_u16(&c);
	ret->type = in_types ? DW_UT_type : DW_UT_compile;
	if (ret->encoding.version >= 5) {
		ret->type = snap_cursor_u8(&c);
		ret->encoding.address_size = snap_cursor_u8(&c);
		ret->abbrev_off = snap_cursor_unsigned(&c, ret->encoding.offset_size);
		if (ret->type != DW_UT_compile && ret->type != DW_UT_partial)
			ret->id = snap_cursor_u64(&c);
	} else {
		ret->abbrev_off = snap_cursor_unsigned(&c, ret->encoding.offset_size);
		ret->encoding.address_size = snap_cursor_u8(&c);
		if (in_types)
			ret->id = snap_cursor_u64(&c);
	}
	if (ret->type == DW_UT_type || ret->type == DW_UT_split_type)
		ret->type_off = snap_cursor_unsigned(&c, ret->encoding.offset_size);
	ret->dies = off + (uint64_t)(c.p - bytes);
	/* One that is not known has a length, and so can be passed over. */
	if (c.failed || ret->encoding.version < 2 || ret->encoding.version > 5 ||
		(ret->encoding.address_size != 4 && ret->encoding.address_size != 8))
		ret->dies = ret->end;
	return true;
}

static void free_unit(struct snap_dwarf_unit *unit)
{
	if (unit)
		free(unit->scopes);
	free(unit);
}

/* One that was asked for alone, out of the list of these: NULL if there is none at off. */
static struct snap_dwarf_unit *take_alone(struct snap_dwarf_file *file, uint64_t off)
{
	for (size_t i = 0; i < file->num_alone; i++) {
		struct snap_dwarf_unit *unit = file->alone[i];
		if (unit->off == off) {
			file->alone[i] = file->alone[--file->num_alone];
			return unit;
		}
	}
	return NULL;
}

/* Meet one more unit. False if there is none. */
static bool meet_unit(struct snap_dwarf_file *file, bool in_types)
{
	struct snap_dwarf_units *units = in_types ? &file->types : &file->info;
	struct snap_dwarf_unit unit;
	if (units->is_done)
		return false;
	units->is_done = true; /* unless all goes well */
	if (units->num >= MAX_UNITS || !read_header(file, units->next_off, in_types, &unit))
		return false;
	/* Others may already point to it. */
	struct snap_dwarf_unit *kept = in_types ? NULL : take_alone(file, units->next_off);
	if (units->num == units->capacity) {
		size_t capacity = units->capacity ? 2 * units->capacity : 64;
		struct snap_dwarf_unit **list = reallocarray(units->list, capacity, sizeof(*list));
		if (!list) {
			free_unit(kept);
			return false;
		}
		units->list = list;
		units->capacity = capacity;
	}
	if (!kept) {
		kept = malloc(sizeof(*kept));
		if (!kept)
			return false;
		*kept = unit;
	}
	kept->index = units->num;
	units->list[units->num++] = kept;
	units->next_off = unit.end;
	units->is_done = false;
	return true;
}

size_t snap_dwarf_file_num_units(struct snap_dwarf_file *file)
{
	while (meet_unit(file, false))
		continue;
	return file->info.num;
}

struct snap_dwarf_unit *snap_dwarf_file_unit(struct snap_dwarf_file *file, size_t index)
{
	while (index >= file->info.num && meet_unit(file, false))
		continue;
	return index < file->info.num ? file->info.list[index] : NULL;
}

int snap_dwarf_file_create(const struct snap_elf_file *elf, bool split,
	struct snap_dwarf_file **ret, struct snap_error *err)
{
	struct snap_dwarf_file *file = calloc(1, sizeof(*file));
	if (!file)
		return snap_error_no_memory(err);
	snap_dwarf_sections_init(&file->sections, elf, split);
	file->is_split = split;
	if (snap_dwarf_package_create(file, &file->package) < 0) {
		snap_dwarf_file_destroy(file);
		return snap_error_no_memory(err);
	}
	*ret = file;
	return 0;
}

/* An abbreviation table that units share: by where it is, and by the widths it was read for. */
struct shared_abbrevs {
	uint64_t off;
	struct snap_dwarf_encoding encoding;
	struct snap_abbrevs *abbrevs;
};

static int compare_shared(const void *a, const void *b)
{
	const struct shared_abbrevs *x = a, *y = b;
	if (x->off != y->off)
		return x->off < y->off ? -1 : 1;
	if (x->encoding.version != y->encoding.version)
		return x->encoding.version < y->encoding.version ? -1 : 1;
	if (x->encoding.address_size != y->encoding.address_size)
		return x->encoding.address_size < y->encoding.address_size ? -1 : 1;
	return x->encoding.offset_size < y->encoding.offset_size
		       ? -1
		       : x->encoding.offset_size > y->encoding.offset_size;
}

static void free_shared(void *pointer)
{
	struct shared_abbrevs *shared = pointer;
	snap_abbrevs_destroy(shared->abbrevs);
	free(shared);
}

/* So much is decompressed for a table, and four times as much if that was not all of it. */
#define ABBREV_WINDOW (UINT64_C(16) << 10)

static struct snap_abbrevs *read_abbrevs(
	struct snap_dwarf_file *file, uint64_t off, const struct snap_dwarf_encoding *encoding)
{
	uint64_t all = snap_dwarf_section_len(&file->sections, SNAP_DWARF_ABBREV);
	if (off >= all)
		return NULL;
	for (uint64_t window = ABBREV_WINDOW;; window *= 4) {
		struct snap_bytes section =
			snap_dwarf_section_to(&file->sections, SNAP_DWARF_ABBREV, off + window);
		struct snap_abbrevs *abbrevs = snap_abbrevs_create(section, off, encoding);
		if (!abbrevs || !abbrevs->is_cut || window >= all)
			return abbrevs;
		snap_abbrevs_destroy(abbrevs);
	}
}

static const struct snap_abbrevs *get_abbrevs(
	struct snap_dwarf_file *file, uint64_t off, const struct snap_dwarf_encoding *encoding)
{
	struct shared_abbrevs key = {.off = off, .encoding = *encoding};
	struct shared_abbrevs **found = tfind(&key, &file->abbrev_tables, compare_shared);
	if (found)
		return (*found)->abbrevs;
	if (!snap_dwarf_section_spend(&file->sections, SNAP_DWARF_ABBREV, 0))
		return NULL;
	struct shared_abbrevs *shared = malloc(sizeof(*shared));
	if (!shared)
		return NULL;
	*shared = key;
	shared->abbrevs = read_abbrevs(file, off, encoding);
	if (!shared->abbrevs || !tsearch(shared, &file->abbrev_tables, compare_shared)) {
		free_shared(shared);
		return NULL;
	}
	(void)snap_dwarf_section_spend(&file->sections, SNAP_DWARF_ABBREV, shared->abbrevs->len);
	return shared->abbrevs;
}

static void free_units(struct snap_dwarf_units *units)
{
	for (size_t i = 0; i < units->num; i++)
		free_unit(units->list[i]);
	free(units->list);
}

void snap_dwarf_file_destroy(struct snap_dwarf_file *file)
{
	if (!file)
		return;
	free_units(&file->info);
	free_units(&file->types);
	for (size_t i = 0; i < file->num_alone; i++)
		free_unit(file->alone[i]);
	free(file->alone);
	tdestroy(file->abbrev_tables, free_shared);
	snap_dwarf_package_destroy(file->package);
	snap_dwarf_sections_deinit(&file->sections);
	free(file);
}

struct snap_bytes snap_dwarf_unit_section(const struct snap_dwarf_unit *unit)
{
	return snap_dwarf_section_to(&unit->file->sections,
		unit->in_types ? SNAP_DWARF_TYPES : SNAP_DWARF_INFO, unit->end);
}

/* The last unit that begins at off or before it; NULL. */
static struct snap_dwarf_unit *unit_before(
	struct snap_dwarf_file *file, uint64_t off, bool in_types)
{
	struct snap_dwarf_units *units = in_types ? &file->types : &file->info;
	while (units->next_off <= off && meet_unit(file, in_types))
		continue;
	size_t low = 0, high = units->num;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (units->list[mid]->off <= off)
			low = mid + 1;
		else
			high = mid;
	}
	return low > 0 ? units->list[low - 1] : NULL;
}

struct snap_dwarf_unit *snap_dwarf_file_unit_at(
	struct snap_dwarf_file *file, uint64_t off, bool in_types)
{
	struct snap_dwarf_unit *unit = unit_before(file, off, in_types);
	return unit && off >= unit->dies && off < unit->end ? unit : NULL;
}

struct snap_dwarf_unit *snap_dwarf_file_unit_with_header(struct snap_dwarf_file *file, uint64_t off)
{
	struct snap_dwarf_unit *unit = unit_before(file, off, false);
	return unit && unit->off == off ? unit : NULL;
}

struct snap_dwarf_unit *snap_dwarf_file_unit_alone(struct snap_dwarf_file *file, uint64_t off)
{
	struct snap_dwarf_unit unit, *kept;
	if (off < file->info.next_off || file->num_alone == MAX_ALONE)
		return snap_dwarf_file_unit_with_header(file, off);
	for (size_t i = 0; i < file->num_alone; i++)
		if (file->alone[i]->off == off)
			return file->alone[i];
	if (!file->alone && !(file->alone = calloc(MAX_ALONE, sizeof(struct snap_dwarf_unit *))))
		return NULL;
	if (!read_header(file, off, false, &unit) || !(kept = malloc(sizeof(*kept))))
		return NULL;
	*kept = unit;
	file->alone[file->num_alone++] = kept;
	return kept;
}

bool snap_dwarf_unit_has_scopes(const struct snap_dwarf_unit *unit)
{
	switch (unit->language) {
	case DW_LANG_C_plus_plus:
	case DW_LANG_C_plus_plus_03:
	case DW_LANG_C_plus_plus_11:
	case DW_LANG_C_plus_plus_14:
	case DW_LANG_ObjC_plus_plus:
	case DW_LANG_Rust:
	case DW_LANG_D:
	case DW_LANG_Swift:
	case 0x002b: /* DW_LANG_C_plus_plus_17, _20: given out after DWARF 5 */
	case 0x002a:
	case 0x0027: /* DW_LANG_Zig */
		return true;
	default:
		return false;
	}
}

bool snap_dwarf_unit_is_c(const struct snap_dwarf_unit *unit)
{
	switch (unit->language) {
	case DW_LANG_C89:
	case DW_LANG_C:
	case DW_LANG_C99:
	case DW_LANG_C11:
	case DW_LANG_Mips_Assembler:
	case 0x002c: /* DW_LANG_C17 */
		return true;
	default:
		return false;
	}
}

int64_t snap_dwarf_lower_bound(uint16_t language)
{
	switch (language) {
	case DW_LANG_Ada83:
	case DW_LANG_Ada95:
	case 0x002e: /* DW_LANG_Ada2005, _2012, and below: given out after DWARF 5 */
	case 0x002f:
	case DW_LANG_Cobol74:
	case DW_LANG_Cobol85:
	case DW_LANG_Fortran77:
	case DW_LANG_Fortran90:
	case DW_LANG_Fortran95:
	case DW_LANG_Fortran03:
	case DW_LANG_Fortran08:
	case 0x002d: /* DW_LANG_Fortran18, _23 */
	case 0x003f:
	case DW_LANG_Pascal83:
	case DW_LANG_Modula2:
	case DW_LANG_Modula3:
	case DW_LANG_PLI:
	case DW_LANG_Julia:
		return 1;
	default:
		return 0;
	}
}

/* ---------------------------------------------------------------- the first entry */

/* Where the tables begin for a split unit that does not say so (DWARF 5, section 7.26 and on). */
static uint64_t default_base(const struct snap_dwarf_unit *unit, enum snap_dwarf_section which)
{
	if (!unit->file->is_split || unit->encoding.version < 5)
		return 0;
	uint64_t header = unit->encoding.offset_size == 8 ? 20 : 12;
	return which == SNAP_DWARF_STR_OFFSETS ? header - 4 : header;
}

/* The strings of the first entry: read when the bases are known, which may come after them. */
struct first_strings {
	struct snap_attr producer, comp_dir, dwo_name;
};

static void take_attribute(
	struct snap_dwarf_unit *unit, const struct snap_attr *attr, struct first_strings *strings)
{
	switch (attr->name) {
	case DW_AT_producer:
		strings->producer = *attr;
		break;
	case DW_AT_language:
		unit->language = (uint16_t)attr->value;
		break;
	case DW_AT_low_pc:
		unit->low_pc = *attr;
		break;
	case DW_AT_high_pc:
		unit->high_pc = *attr;
		break;
	case DW_AT_ranges:
		unit->ranges = *attr;
		break;
	case DW_AT_comp_dir:
		strings->comp_dir = *attr;
		break;
	case DW_AT_dwo_name:
	case DW_AT_GNU_dwo_name:
		strings->dwo_name = *attr;
		break;
	case DW_AT_stmt_list:
		unit->has_line_off = true;
		unit->line_off = attr->value;
		break;
	case DW_AT_str_offsets_base:
		unit->str_offsets_base = attr->value;
		break;
	case DW_AT_addr_base:
	case DW_AT_GNU_addr_base:
		unit->addr_base = attr->value;
		break;
	case DW_AT_rnglists_base:
		unit->rnglists_base = attr->value;
		unit->has_rnglists_base = true;
		break;
	case DW_AT_loclists_base:
		unit->loclists_base = attr->value;
		break;
	case DW_AT_GNU_ranges_base:
		unit->ranges_base = attr->value;
		break;
	case DW_AT_GNU_dwo_id:
		unit->id = attr->value;
		break;
	}
}

static uint64_t abbrevs_at(const struct snap_dwarf_unit *unit)
{
	return unit->abbrev_off + unit->part_off[SNAP_DWARF_ABBREV];
}

/*
 * The abbreviation of the first entry. A table that many units share is read whole when the second
 * one comes, and others only up to there.
 */
static const struct snap_abbrev *read_first(struct snap_dwarf_unit *unit, uint64_t code,
	struct snap_attr_spec specs[MAX_FIRST_ATTRS], struct snap_abbrev *buf)
{
	struct snap_dwarf_file *file = unit->file;
	struct snap_dwarf_sections *sections = &file->sections;
	uint64_t off = abbrevs_at(unit);
	uint64_t all = snap_dwarf_section_len(sections, SNAP_DWARF_ABBREV);
	if (file->has_first && file->first_abbrevs_off == off) {
		unit->is_readable = true;
		const struct snap_abbrevs *abbrevs = snap_dwarf_unit_abbrevs(unit);
		return abbrevs ? snap_abbrevs_find(abbrevs, code) : NULL;
	}
	file->has_first = true;
	file->first_abbrevs_off = off;
	for (uint64_t window = ABBREV_WINDOW; off < all; window *= 4) {
		struct snap_bytes section =
			snap_dwarf_section_to(sections, SNAP_DWARF_ABBREV, off + window);
		size_t len = 0;
		bool found = snap_dwarf_section_spend(sections, SNAP_DWARF_ABBREV, 0) &&
			     snap_abbrev_read_one(section, off, code, &unit->encoding, specs,
				     MAX_FIRST_ATTRS, buf, &len);
		(void)snap_dwarf_section_spend(sections, SNAP_DWARF_ABBREV, len);
		if (found)
			return buf;
		if (section.len == all || window >= all)
			break;
	}
	return NULL;
}

bool snap_dwarf_unit_open(struct snap_dwarf_unit *unit)
{
	struct snap_attr_spec specs[MAX_FIRST_ATTRS];
	struct snap_abbrev buf;
	if (unit->is_open)
		return unit->is_readable;
	unit->is_open = true;
	if (unit->dies >= unit->end)
		return false;
	if (unit->file->package)
		snap_dwarf_package_place(unit->file->package, unit);
	unit->str_offsets_base = default_base(unit, SNAP_DWARF_STR_OFFSETS);
	unit->rnglists_base = default_base(unit, SNAP_DWARF_RNGLISTS);
	unit->loclists_base = default_base(unit, SNAP_DWARF_LOCLISTS);
	struct snap_cursor c = snap_die_cursor(unit, unit->dies);
	uint64_t code = snap_cursor_uleb(&c);
	const struct snap_abbrev *abbrev = c.failed ? NULL : read_first(unit, code, specs, &buf);
	unit->is_readable = abbrev != NULL;
	if (!abbrev)
		return false;
	unit->tag = (uint16_t)abbrev->tag;
	struct first_strings strings = {0};
	for (uint32_t i = 0; i < abbrev->num_attrs; i++) {
		struct snap_attr attr;
		snap_attr_read(&c, unit, &abbrev->attrs[i], &attr);
		take_attribute(unit, &attr, &strings);
	}
	const char *producer = snap_attr_string(unit, &strings.producer);
	unit->is_gnu = producer && strncmp(producer, "GNU ", 4) == 0;
	unit->comp_dir = snap_attr_string(unit, &strings.comp_dir);
	unit->dwo_name = snap_attr_string(unit, &strings.dwo_name);
	if (unit->encoding.version < 5 && unit->dwo_name && unit->type == DW_UT_compile &&
		!unit->file->is_split)
		unit->type = DW_UT_skeleton;
	return true;
}

const struct snap_abbrevs *snap_dwarf_unit_abbrevs(struct snap_dwarf_unit *unit)
{
	if (!unit->abbrevs_tried && unit->is_readable) {
		unit->abbrevs_tried = true;
		unit->abbrevs = get_abbrevs(unit->file, abbrevs_at(unit), &unit->encoding);
	}
	return unit->abbrevs;
}

struct snap_dwarf_unit *snap_dwarf_file_split_unit(struct snap_dwarf_file *file, uint64_t id)
{
	if (file->package) {
		uint64_t off;
		if (!snap_dwarf_package_find(file->package, id, &off))
			return NULL;
		struct snap_dwarf_unit *unit = snap_dwarf_file_unit_with_header(file, off);
		return unit && snap_dwarf_unit_open(unit) && unit->id == id ? unit : NULL;
	}
	struct snap_dwarf_unit *unit;
	for (size_t i = 0; (unit = snap_dwarf_file_unit(file, i)); i++)
		if (unit->type != DW_UT_split_type && unit->type != DW_UT_type &&
			snap_dwarf_unit_open(unit) && unit->id == id)
			return unit;
	return NULL;
}

/* The type of a unit, if it is that of the signature. */
static bool type_of(struct snap_dwarf_unit *unit, uint64_t signature, struct snap_die *ret)
{
	if ((unit->type != DW_UT_type && unit->type != DW_UT_split_type) || unit->id != signature ||
		unit->type_off >= unit->end - unit->off || unit->off + unit->type_off < unit->dies ||
		!snap_dwarf_unit_open(unit))
		return false;
	*ret = (struct snap_die){unit, unit->off + unit->type_off};
	return true;
}

bool snap_dwarf_file_type(struct snap_dwarf_file *file, uint64_t signature, struct snap_die *ret)
{
	struct snap_dwarf_unit *unit;
	for (size_t i = 0; (unit = snap_dwarf_file_unit(file, i)); i++)
		if (type_of(unit, signature, ret))
			return true;
	while (meet_unit(file, true))
		continue;
	for (size_t i = 0; i < file->types.num; i++)
		if (type_of(file->types.list[i], signature, ret))
			return true;
	return false;
}
