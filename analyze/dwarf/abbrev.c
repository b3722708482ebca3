#include "analyze/dwarf/abbrev.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/dwarf/cursor.h"

/* More of either is no compiler's work. */
#define MAX_ABBREVS 1000000
#define MAX_ATTRS   256

int snap_form_len(uint16_t form, const struct snap_dwarf_encoding *encoding)
{
	switch (form) {
	case DW_FORM_flag_present:
	case DW_FORM_implicit_const:
		return 0;
	case DW_FORM_data1:
	case DW_FORM_ref1:
	case DW_FORM_flag:
	case DW_FORM_strx1:
	case DW_FORM_addrx1:
		return 1;
	case DW_FORM_data2:
	case DW_FORM_ref2:
	case DW_FORM_strx2:
	case DW_FORM_addrx2:
		return 2;
	case DW_FORM_strx3:
	case DW_FORM_addrx3:
		return 3;
	case DW_FORM_data4:
	case DW_FORM_ref4:
	case DW_FORM_ref_sup4:
	case DW_FORM_strx4:
	case DW_FORM_addrx4:
		return 4;
	case DW_FORM_data8:
	case DW_FORM_ref8:
	case DW_FORM_ref_sup8:
	case DW_FORM_ref_sig8:
		return 8;
	case DW_FORM_data16:
		return 16;
	case DW_FORM_addr:
		return encoding->address_size;
	case DW_FORM_ref_addr: /* DWARF 2 has it as wide as an address */
		return encoding->version <= 2 ? encoding->address_size : encoding->offset_size;
	case DW_FORM_strp:
	case DW_FORM_line_strp:
	case DW_FORM_strp_sup:
	case DW_FORM_sec_offset:
	case DW_FORM_GNU_ref_alt:
	case DW_FORM_GNU_strp_alt:
		return encoding->offset_size;
	default:
		return -1;
	}
}

static int32_t sum_lens(const struct snap_abbrev *abbrev)
{
	int32_t sum = 0;
	for (uint32_t i = 0; i < abbrev->num_attrs; i++) {
		if (abbrev->attrs[i].len < 0)
			return -1;
		sum += abbrev->attrs[i].len;
	}
	return sum;
}

/* The attributes of one abbreviation, to specs[*num ..). False at the table's end or fault. */
static bool read_specs(
	struct snap_cursor *c, struct snap_abbrevs *abbrevs, size_t *num, size_t *capacity)
{
	size_t first = *num;
	for (;;) {
		uint64_t name = snap_cursor_uleb(c), form = snap_cursor_uleb(c);
		if (c->failed || *num - first > MAX_ATTRS)
			return false;
		if (name == 0 && form == 0)
			return true;
		if (*num == *capacity) {
			size_t grown = *capacity ? 2 * *capacity : 512;
			struct snap_attr_spec *specs =
				reallocarray(abbrevs->specs, grown, sizeof(*specs));
			if (!specs)
				return false;
			abbrevs->specs = specs;
			*capacity = grown;
		}
		struct snap_attr_spec *spec = &abbrevs->specs[(*num)++];
		*spec = (struct snap_attr_spec){
			.name = name > UINT16_MAX ? UINT16_MAX : (uint16_t)name,
			.form = form > UINT16_MAX ? UINT16_MAX : (uint16_t)form,
		};
		if (form == DW_FORM_implicit_const)
			spec->implicit_const = snap_cursor_sleb(c);
	}
}

static bool read_items(struct snap_cursor *c, struct snap_abbrevs *abbrevs, size_t *ret_num_specs)
{
	size_t capacity = 0, num_specs = 0, specs_capacity = 0;
	while (abbrevs->num < MAX_ABBREVS) {
		struct snap_abbrev abbrev = {.code = snap_cursor_uleb(c)};
		if (c->failed || abbrev.code == 0)
			break;
		uint64_t tag = snap_cursor_uleb(c);
		abbrev.tag = tag > UINT32_MAX ? UINT32_MAX : (uint32_t)tag;
		abbrev.has_children = snap_cursor_u8(c) == DW_CHILDREN_yes;
		size_t first = num_specs;
		if (!read_specs(c, abbrevs, &num_specs, &specs_capacity))
			break;
		abbrev.num_attrs = (uint32_t)(num_specs - first);
		if (abbrevs->num == capacity) {
			capacity = capacity ? 2 * capacity : 128;
			struct snap_abbrev *items =
				reallocarray(abbrevs->items, capacity, sizeof(*items));
			if (!items)
				return false;
			abbrevs->items = items;
		}
		abbrevs->items[abbrevs->num++] = abbrev;
	}
	*ret_num_specs = num_specs;
	return true;
}

/* In place; equal codes keep their order, so that the first counts. */
static int compare(const void *a, const void *b)
{
	const struct snap_abbrev *x = a, *y = b;
	if (x->code != y->code)
		return x->code < y->code ? -1 : 1;
	return x->attrs < y->attrs ? -1 : x->attrs > y->attrs;
}

struct snap_abbrevs *snap_abbrevs_create(
	struct snap_bytes section, uint64_t off, const struct snap_dwarf_encoding *encoding)
{
	struct snap_abbrevs *abbrevs = calloc(1, sizeof(*abbrevs));
	struct snap_cursor c = snap_cursor(section, off, false); /* nothing here has a byte order */
	size_t num_specs;
	if (!abbrevs || !read_items(&c, abbrevs, &num_specs)) {
		snap_abbrevs_destroy(abbrevs);
		return NULL;
	}
	abbrevs->len = (size_t)(c.p - section.data - off);
	for (size_t i = 0; i < num_specs; i++)
		abbrevs->specs[i].len = (int8_t)snap_form_len(abbrevs->specs[i].form, encoding);
	const struct snap_attr_spec *specs = abbrevs->specs;
	abbrevs->is_cut = c.failed;
	abbrevs->is_dense = true;
	bool is_sorted = true;
	for (size_t i = 0; i < abbrevs->num; i++) {
		struct snap_abbrev *abbrev = &abbrevs->items[i];
		abbrev->attrs = specs;
		if (specs) /* some abbreviation has attributes */
			specs += abbrev->num_attrs;
		abbrev->fixed_len = sum_lens(abbrev);
		for (uint32_t j = 0; j < abbrev->num_attrs; j++)
			abbrev->has_sibling |= abbrev->attrs[j].name == DW_AT_sibling;
		abbrevs->is_dense &= abbrev->code == i + 1;
		is_sorted &= i == 0 || abbrev[-1].code < abbrev->code;
	}
	if (!is_sorted)
		qsort(abbrevs->items, abbrevs->num, sizeof(*abbrevs->items), compare);
	return abbrevs;
}

void snap_abbrevs_destroy(struct snap_abbrevs *abbrevs)
{
	if (!abbrevs)
		return;
	free(abbrevs->items);
	free(abbrevs->specs);
	free(abbrevs);
}

const struct snap_abbrev *snap_abbrevs_find_slowly(
	const struct snap_abbrevs *abbrevs, uint64_t code)
{
	size_t low = 0, high = abbrevs->num;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (abbrevs->items[mid].code < code)
			low = mid + 1;
		else
			high = mid;
	}
	return low < abbrevs->num && abbrevs->items[low].code == code ? &abbrevs->items[low] : NULL;
}

bool snap_abbrev_read_one(struct snap_bytes section, uint64_t off, uint64_t code,
	const struct snap_dwarf_encoding *encoding, struct snap_attr_spec *specs, uint32_t max,
	struct snap_abbrev *ret, size_t *ret_len)
{
	struct snap_cursor c = snap_cursor(section, off, false);
	const uint8_t *begun = c.p;
	for (size_t i = 0; i < MAX_ABBREVS && !c.failed; i++) {
		struct snap_abbrev abbrev = {.code = snap_cursor_uleb(&c), .attrs = specs};
		*ret_len = (size_t)(c.p - begun);
		if (abbrev.code == 0)
			return false;
		uint64_t tag = snap_cursor_uleb(&c);
		abbrev.tag = tag > UINT32_MAX ? UINT32_MAX : (uint32_t)tag;
		abbrev.has_children = snap_cursor_u8(&c) == DW_CHILDREN_yes;
		for (;;) {
			uint64_t name = snap_cursor_uleb(&c), form = snap_cursor_uleb(&c);
			int64_t constant =
				form == DW_FORM_implicit_const ? snap_cursor_sleb(&c) : 0;
			if (c.failed || (name == 0 && form == 0))
				break;
			if (abbrev.code != code)
				continue;
			if (abbrev.num_attrs == max)
				return false;
			uint16_t short_form = form > UINT16_MAX ? UINT16_MAX : (uint16_t)form;
			specs[abbrev.num_attrs++] = (struct snap_attr_spec){
				.name = name > UINT16_MAX ? UINT16_MAX : (uint16_t)name,
				.form = short_form,
				.len = (int8_t)snap_form_len(short_form, encoding),
				.implicit_const = constant,
			};
		}
		*ret_len = (size_t)(c.p - begun);
		if (abbrev.code == code && !c.failed) {
			*ret = abbrev;
			return true;
		}
	}
	return false;
}
