#include "tests/lib/made_dwarf.h"

#include <dwarf.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/symbols/debug_info.h"
#include "analyze/symbols/unit_table.h"

/* ---------------------------------------------------------------- bytes */

void out_bytes(struct out *out, const void *bytes, size_t len)
{
	if (out->len + len > out->capacity) {
		out->capacity = 2 * (out->len + len) + 64;
		out->data = realloc(out->data, out->capacity);
		if (!out->data)
			abort();
	}
	if (len > 0)
		memcpy(out->data + out->len, bytes, len);
	out->len += len;
}

void out_patch(struct out *out, size_t off, uint64_t v, unsigned int len)
{
	for (unsigned int i = 0; i < len; i++) {
		unsigned int shift = 8 * (out->big_endian ? len - 1 - i : i);
		out->data[off + i] = shift < 64 ? (uint8_t)(v >> shift) : 0;
	}
}

void out_number(struct out *out, uint64_t v, unsigned int len)
{
	static const uint8_t zeros[16];
	out_bytes(out, zeros, len);
	out_patch(out, out->len - len, v, len);
}

void out_uleb(struct out *out, uint64_t v)
{
	do
		out_u8(out, (v & 0x7f) | (v > 0x7f ? 0x80 : 0));
	while ((v >>= 7) > 0);
}

void out_sleb(struct out *out, int64_t v)
{
	for (;;) {
		uint8_t byte = (uint8_t)(v & 0x7f);
		v >>= 7;
		if ((v == 0 && !(byte & 0x40)) || (v == -1 && byte & 0x40)) {
			out_u8(out, byte);
			return;
		}
		out_u8(out, byte | 0x80u);
	}
}

void out_string(struct out *out, const char *s)
{
	out_bytes(out, s, strlen(s) + 1);
}

/* ---------------------------------------------------------------- DWARF */

void made_begin(struct made *made, bool big_endian, uint16_t version, uint8_t address_size,
	uint8_t offset_size)
{
	*made = (struct made){
		.is_64bit = address_size == 8,
		.big_endian = big_endian,
		.encoding = {version, address_size, offset_size},
	};
	for (size_t i = 0; i < SNAP_DWARF_NUM_SECTIONS; i++)
		made->sections[i].big_endian = big_endian;
}

void made_end(struct made *made)
{
	snap_dwarf_file_destroy(made->dwarf);
	if (made->elf.elf)
		snap_elf_file_deinit(&made->elf);
	for (size_t i = 0; i < SNAP_DWARF_NUM_SECTIONS; i++)
		free(made->sections[i].data);
	*made = (struct made){0};
}

void made_offset(struct made *made, enum snap_dwarf_section section, uint64_t v)
{
	out_number(&made->sections[section], v, made->encoding.offset_size);
}

void made_address(struct made *made, enum snap_dwarf_section section, uint64_t v)
{
	out_number(&made->sections[section], v, made->encoding.address_size);
}

static enum snap_dwarf_section section_of_unit(const struct made *made, uint8_t type)
{
	return type == DW_UT_type && made->encoding.version < 5 ? SNAP_DWARF_TYPES
								: SNAP_DWARF_INFO;
}

static struct out *begun;

void made_unit(struct made *made, uint8_t type, uint64_t abbrev_off, uint64_t id)
{
	enum snap_dwarf_section section = section_of_unit(made, type);
	struct out *out = begun = &made->sections[section];
	uint16_t version = made->encoding.version;
	made->unit_begun = out->len;
	if (made->encoding.offset_size == 8)
		out_u32(out, 0xffffffff);
	made_offset(made, section, 0);
	out_u16(out, version);
	if (version >= 5) {
		out_u8(out, type);
		out_u8(out, made->encoding.address_size);
		made_offset(made, section, abbrev_off);
		if (type != DW_UT_compile && type != DW_UT_partial)
			out_u64(out, id);
	} else {
		made_offset(made, section, abbrev_off);
		out_u8(out, made->encoding.address_size);
		if (type == DW_UT_type)
			out_u64(out, id);
	}
	if (type == DW_UT_type || type == DW_UT_split_type)
		made_offset(made, section, 0);
}

void made_unit_end(struct made *made)
{
	size_t head = made->encoding.offset_size == 8 ? 12 : 4;
	size_t off = made->unit_begun + head - made->encoding.offset_size;
	out_patch(begun, off, begun->len - made->unit_begun - head, made->encoding.offset_size);
}

void made_abbrev(struct made *made, uint64_t code, uint64_t tag, int children, ...)
{
	struct out *out = &made->sections[SNAP_DWARF_ABBREV];
	va_list args;
	out_ulebs(out, code, tag);
	out_u8(out, (uint64_t)children);
	va_start(args, children);
	for (int name; (name = va_arg(args, int)) != 0;) {
		int form = va_arg(args, int);
		out_ulebs(out, (uint64_t)name, (uint64_t)form);
		if (form == DW_FORM_implicit_const)
			out_sleb(out, va_arg(args, int));
	}
	va_end(args);
	out_ulebs(out, 0, 0);
}

void made_abbrevs_end(struct made *made)
{
	out_u8(&made->sections[SNAP_DWARF_ABBREV], 0);
}

void made_lists_unit(struct made *made, int base)
{
	made_abbrev(made, 1, DW_TAG_compile_unit, 0, DW_AT_low_pc, DW_FORM_addr, DW_AT_addr_base,
		DW_FORM_sec_offset, base, DW_FORM_sec_offset, 0);
	made_abbrevs_end(made);
	made_unit(made, DW_UT_compile, 0, 0);
	out_uleb(&made->sections[SNAP_DWARF_INFO], 1);
	made_address(made, SNAP_DWARF_INFO, 0x1000);
	made_offset(made, SNAP_DWARF_INFO, 8);
	made_offset(made, SNAP_DWARF_INFO, 12);
	made_unit_end(made);
	out_u64(&made->sections[SNAP_DWARF_ADDR], 0);
	made_address(made, SNAP_DWARF_ADDR, 0x2000);
	made_address(made, SNAP_DWARF_ADDR, 0x2010);
}

/* ---------------------------------------------------------------- ELF */

static const char *const names[SNAP_DWARF_NUM_SECTIONS] = {"info", "types", "abbrev", "line", "str",
	"line_str", "str_offsets", "addr", "ranges", "rnglists", "loc", "loclists",
	"aranges", "cu_index", "tu_index"};

struct layout {
	struct out out, strings;
	size_t headers; /* where the section headers are */
};

static void put_header(struct layout *l, const struct made *made, size_t index, uint32_t name,
	uint32_t type, uint64_t off, uint64_t len)
{
	unsigned int word = made->is_64bit ? 8 : 4;
	size_t at = l->headers + index * (made->is_64bit ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr));
	out_patch(&l->out, at, name, 4);
	out_patch(&l->out, at + 4, type, 4);
	out_patch(&l->out, at + 8 + 2 * word, off, word);
	out_patch(&l->out, at + 8 + 3 * word, len, word);
}

static void put_section(
	struct layout *l, const struct made *made, size_t index, enum snap_dwarf_section which)
{
	char name[64];
	bool is_index = which == SNAP_DWARF_CU_INDEX || which == SNAP_DWARF_TU_INDEX;
	(void)snprintf(name, sizeof(name), ".debug_%s%s", names[which],
		made->is_split && !is_index ? ".dwo" : "");
	put_header(l, made, index, (uint32_t)l->strings.len, SHT_PROGBITS, l->out.len,
		made->sections[which].len);
	out_string(&l->strings, name);
	out_bytes(&l->out, made->sections[which].data, made->sections[which].len);
}

struct snap_elf_file *made_elf(const struct made *made, enum snap_dwarf_section last)
{
	struct layout l = {.out.big_endian = made->big_endian};
	unsigned int word = made->is_64bit ? 8 : 4;
	unsigned int header_len = made->is_64bit ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	unsigned int shdr_len = made->is_64bit ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
	enum { NUM = SNAP_DWARF_NUM_SECTIONS + 2 };
	const uint8_t ident[EI_NIDENT] = {0x7f, 'E', 'L', 'F',
		made->is_64bit ? ELFCLASS64 : ELFCLASS32,
		made->big_endian ? ELFDATA2MSB : ELFDATA2LSB, EV_CURRENT};
	out_bytes(&l.out, ident, sizeof(ident));
	out_u16(&l.out, ET_EXEC);
	out_u16(&l.out, EM_X86_64);
	out_u32(&l.out, EV_CURRENT);
	out_number(&l.out, 0, word);
	out_number(&l.out, 0, word);
	out_number(&l.out, header_len, word);
	out_u32(&l.out, 0);
	out_u16(&l.out, header_len);
	out_u16(&l.out, 0);
	out_u16(&l.out, 0);
	out_u16(&l.out, shdr_len);
	out_u16(&l.out, NUM);
	out_u16(&l.out, 1);
	l.headers = l.out.len;
	for (size_t i = 0; i < NUM * shdr_len; i++)
		out_u8(&l.out, 0);
	out_string(&l.strings, "");
	for (int i = 0; i < SNAP_DWARF_NUM_SECTIONS; i++)
		if (i != (int)last)
			put_section(&l, made, 2 + (size_t)i, (enum snap_dwarf_section)i);
	/* The strings need the last one's name, and are to stand before it. */
	struct out bytes = made->sections[last];
	((struct made *)made)->sections[last].len = 0;
	put_section(&l, made, 2 + last, last);
	((struct made *)made)->sections[last].len = bytes.len;
	put_header(&l, made, 1, 0, SHT_STRTAB, l.out.len, l.strings.len);
	out_bytes(&l.out, l.strings.data, l.strings.len);
	size_t at = l.headers + (2 + (size_t)last) * shdr_len;
	out_patch(&l.out, at + 8 + 2 * word, l.out.len, word);
	out_patch(&l.out, at + 8 + 3 * word, bytes.len, word);
	out_bytes(&l.out, bytes.data, bytes.len);
	free(l.strings.data);

	uint8_t *image = malloc(l.out.len);
	struct snap_elf_file *file = calloc(1, sizeof(*file));
	if (!image || !file)
		abort();
	memcpy(image, l.out.data, l.out.len);
	struct snap_error err;
	if (snap_elf_file_from_unpacked(image, l.out.len, "made", file, &err) < 0)
		abort();
	free(l.out.data);
	return file;
}

void made_write(const struct made *made, const char *path)
{
	struct snap_elf_file *file = made_elf(made, SNAP_DWARF_INFO);
	size_t len;
	const char *bytes = elf_rawfile(file->elf, &len);
	FILE *out = fopen(path, "we");
	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, len, out), len);
	assert_int_equal(fclose(out), 0);
	snap_elf_file_destroy(file);
}

void made_open(struct made *made)
{
	struct snap_elf_file *file = made_elf(made, SNAP_DWARF_INFO);
	made->elf = *file;
	free(file);
	if (snap_dwarf_file_create(&made->elf, made->is_split, &made->dwarf, NULL) < 0)
		abort();
}

struct snap_dwarf_unit *made_opened_unit(struct made *made, size_t index)
{
	struct snap_dwarf_unit *unit = snap_dwarf_file_unit(made->dwarf, index);
	assert_non_null(unit);
	assert_true(snap_dwarf_unit_open(unit));
	return unit;
}

/* ---------------------------------------------------------------- damage */

static int open_other(const struct made *other, size_t *place, struct snap_elf_file **ret)
{
	if ((*place)++ > 0)
		return 0;
	*ret = made_elf(other, SNAP_DWARF_INFO);
	return 1;
}

static int open_dwo(void *context, const char *comp_dir, const char *dwo_name, size_t *place,
	struct snap_elf_file **ret)
{
	(void)comp_dir;
	(void)dwo_name;
	return open_other(context, place, ret);
}

static int open_dwp(void *context, size_t *place, struct snap_elf_file **ret)
{
	return open_other(context, place, ret);
}

struct snap_split_source made_split(const struct made *other)
{
	return (struct snap_split_source){.context = (void *)(uintptr_t)other,
		.open_dwo = open_dwo,
		.open_dwp = open_dwp};
}

static void look_up(struct snap_unit_table *table, uint64_t vaddr)
{
	struct snap_unit_frame frames[16];
	struct snap_unit_site sites[16];
	assert_true(snap_unit_table_find(table, vaddr, frames, 16) <= 16);
	(void)snap_unit_table_site(table, vaddr, sites);
	assert_true(snap_unit_table_tail_calls(table, vaddr, sites, 16) <= 16);
}

void made_use(const struct made *made, enum snap_dwarf_section last, const struct made *other)
{
	struct snap_elf_file *elf = made_elf(made, last);
	struct snap_elf_file *alternate =
		other && !other->is_split ? made_elf(other, SNAP_DWARF_STR) : NULL;
	const struct snap_split_source split = made_split(other);
	struct snap_name_pool pool;
	struct snap_debug_info *info;
	size_t num_map;
	snap_name_pool_init(&pool);
	snap_name_pool_set_max_bytes(&pool, snap_debug_info_max_name_bytes(elf));
	if (snap_debug_info_create(elf, alternate, other && other->is_split ? &split : NULL, &pool,
		    &info, NULL) < 0)
		abort();
	(void)snap_debug_info_unit_at(info, 0x1000);
	const struct snap_painted *map = snap_debug_info_map(info, &num_map);
	for (size_t i = 0; i < snap_debug_info_num_units(info); i++) {
		struct snap_bytes bytes;
		struct snap_unit_table table;
		bool is_whole;
		if (snap_debug_info_table(info, i, &bytes, &is_whole) < 0)
			abort();
		assert_true(snap_unit_table_open(bytes, &table));
		for (size_t j = 0; j < num_map && j < 16; j++) {
			look_up(&table, map[j].start - 1);
			look_up(&table, map[j].start);
			look_up(&table, map[j].start + 2);
		}
		free((void *)(uintptr_t)bytes.data);
	}
	for (uint32_t i = 0; i < pool.num; i++)
		assert_non_null(snap_name_pool_shown(&pool, i));
	snap_debug_info_destroy(info);
	snap_name_pool_deinit(&pool);
	snap_elf_file_destroy(alternate);
	snap_elf_file_destroy(elf);
}

/* One file's sections; the other way round, too: what it is used with changes. */
static void damage(struct made *changed, const struct made *used, const struct made *other)
{
	static const uint8_t changes[] = {0x01, 0x80, 0xff};
	for (int i = 0; i < SNAP_DWARF_NUM_SECTIONS; i++) {
		struct out *out = &changed->sections[i];
		size_t len = out->len;
		enum snap_dwarf_section last =
			used == changed ? (enum snap_dwarf_section)i : SNAP_DWARF_INFO;
		for (out->len = 0; out->len < len; out->len++)
			made_use(used, last, other);
		for (size_t j = 0; j < len; j++) {
			uint8_t was = out->data[j];
			for (size_t k = 0; k < ARRAY_LEN(changes); k++) {
				out->data[j] = was ^ changes[k];
				made_use(used, last, other);
			}
			out->data[j] = 0;
			made_use(used, last, other);
			out->data[j] = was;
		}
	}
}

void made_damage(struct made *made, struct made *other)
{
	damage(made, made, other);
	if (other)
		damage(other, made, other);
}
