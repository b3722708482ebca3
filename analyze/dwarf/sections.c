#include "analyze/dwarf/sections.h"

#include <dlfcn.h>
#include <elf.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <gelf.h>
#include <zlib.h>

/* gABI's number, not in the elf.h of glibc 2.36. */
#ifndef ELFCOMPRESS_ZSTD
#define ELFCOMPRESS_ZSTD 2
#endif

/* How often a section may be read, and how much of a small one. */
#define MAX_READS	16
#define MAX_SMALL_READS (1u << 20)

static const char *const names[SNAP_DWARF_NUM_SECTIONS] = {
	[SNAP_DWARF_INFO] = "info",
	[SNAP_DWARF_TYPES] = "types",
	[SNAP_DWARF_ABBREV] = "abbrev",
	[SNAP_DWARF_LINE] = "line",
	[SNAP_DWARF_STR] = "str",
	[SNAP_DWARF_LINE_STR] = "line_str",
	[SNAP_DWARF_STR_OFFSETS] = "str_offsets",
	[SNAP_DWARF_ADDR] = "addr",
	[SNAP_DWARF_RANGES] = "ranges",
	[SNAP_DWARF_RNGLISTS] = "rnglists",
	[SNAP_DWARF_ARANGES] = "aranges",
	[SNAP_DWARF_CU_INDEX] = "cu_index",
	[SNAP_DWARF_TU_INDEX] = "tu_index",
};

/* The section that a name stands for, or -1. */
static int section_of(const char *name, bool split, bool *ret_is_gnu_compressed)
{
	size_t prefix = strncmp(name, ".debug_", 7) == 0    ? 7
			: strncmp(name, ".zdebug_", 8) == 0 ? 8
							    : 0;
	if (prefix == 0)
		return -1;
	*ret_is_gnu_compressed = prefix == 8;
	const char *rest = name + prefix;
	size_t len = strlen(rest);
	bool is_index = strcmp(rest, "cu_index") == 0 || strcmp(rest, "tu_index") == 0;
	bool is_split = len > 4 && strcmp(rest + len - 4, ".dwo") == 0;
	if (is_index ? !split : is_split != split)
		return -1;
	if (is_split)
		len -= 4;
	for (int i = 0; i < SNAP_DWARF_NUM_SECTIONS; i++)
		if (strlen(names[i]) == len && memcmp(names[i], rest, len) == 0)
			return i;
	return -1;
}

/* The next section behind scn (NULL: from the first on) that counts, and what it is. */
static Elf_Scn *next_section(
	Elf *elf, Elf_Scn *scn, bool split, int *ret_which, bool *ret_is_gnu_compressed)
{
	size_t strings;
	if (elf_getshdrstrndx(elf, &strings) < 0)
		return NULL;
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr shdr;
		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type == SHT_NOBITS)
			continue;
		const char *name = elf_strptr(elf, strings, shdr.sh_name);
		*ret_which = name ? section_of(name, split, ret_is_gnu_compressed) : -1;
		if (*ret_which >= 0)
			return scn;
	}
	return NULL;
}

void snap_dwarf_sections_init(
	struct snap_dwarf_sections *sections, const struct snap_elf_file *file, bool split)
{
	*sections = (struct snap_dwarf_sections){
		.big_endian = file->elf_data == ELFDATA2MSB,
		.is_64bit = file->elf_class == ELFCLASS64,
		.elf = file->elf,
	};
	int which;
	bool is_gnu_compressed;
	if (file->no_dwarf)
		return;
	for (Elf_Scn *scn = NULL;
		(scn = next_section(file->elf, scn, split, &which, &is_gnu_compressed));) {
		if (sections->of[which].scn) {
			/* GCC has each type unit in a section of its own, in front of the one that
			 * has the functions. */
			sections->of[which].has_more =
				split && (which == SNAP_DWARF_INFO || which == SNAP_DWARF_TYPES);
			continue;
		}
		sections->of[which].scn = scn;
		sections->of[which].is_gnu_compressed = is_gnu_compressed;
	}
}

void snap_dwarf_sections_deinit(struct snap_dwarf_sections *sections)
{
	for (size_t i = 0; i < SNAP_DWARF_NUM_SECTIONS; i++)
		free(sections->of[i].owned);
	*sections = (struct snap_dwarf_sections){0};
}

static bool inflate_zlib(uint8_t *to, uint64_t to_len, const uint8_t *from, size_t from_len)
{
	uLongf len = to_len;
	return uncompress(to, &len, from, from_len) == Z_OK && len == to_len;
}

/* libzstd is loaded when a section wants it: few do, and the time counts. */
static bool inflate_zstd(uint8_t *to, uint64_t to_len, const uint8_t *from, size_t from_len)
{
	static size_t (*decompress)(void *, size_t, const void *, size_t);
	static bool tried;
	if (!tried) {
		tried = true;
		void *library = dlopen("libzstd.so.1", RTLD_NOW | RTLD_LOCAL);
		if (library)
			*(void **)&decompress = dlsym(library, "ZSTD_decompress");
	}
	/* Errors are sizes close to the largest. */
	return decompress && decompress(to, to_len, from, from_len) == to_len;
}

/* ELFCOMPRESS_ZLIB or _ZSTD; len: what it takes unpacked. On the heap; absent if it can't be. */
static struct snap_bytes unpack(uint32_t type, uint64_t len, struct snap_bytes packed)
{
	if (len == 0 || len > SIZE_MAX)
		return snap_bytes(NULL, 0);
	uint8_t *to = malloc(len);
	bool done = to && (type == ELFCOMPRESS_ZLIB ? inflate_zlib(to, len, packed.data, packed.len)
				  : type == ELFCOMPRESS_ZSTD
					  ? inflate_zstd(to, len, packed.data, packed.len)
					  : false);
	if (done)
		return snap_bytes(to, len);
	free(to);
	return snap_bytes(NULL, 0);
}

/* *ret_owned: whether they are on the heap. */
static struct snap_bytes read_one(
	bool is_64bit, Elf_Scn *scn, bool is_gnu_compressed, bool *ret_owned)
{
	GElf_Shdr shdr;
	GElf_Chdr chdr;
	Elf_Data *data = gelf_getshdr(scn, &shdr) ? elf_rawdata(scn, NULL) : NULL;
	*ret_owned = false;
	if (!data || !data->d_buf)
		return snap_bytes(NULL, 0);
	struct snap_bytes raw = snap_bytes(data->d_buf, data->d_size);
	uint64_t len;
	if (shdr.sh_flags & SHF_COMPRESSED) {
		size_t header = is_64bit ? sizeof(Elf64_Chdr) : sizeof(Elf32_Chdr);
		*ret_owned = true;
		return gelf_getchdr(scn, &chdr) && raw.len >= header
			       ? unpack(chdr.ch_type, chdr.ch_size,
					 snap_bytes(raw.data + header, raw.len - header))
			       : snap_bytes(NULL, 0);
	}
	if (!is_gnu_compressed || raw.len < 12 || memcmp(raw.data, "ZLIB", 4) != 0)
		return raw;
	/* GNU's older form: "ZLIB" and the size, big-endian. */
	memcpy(&len, raw.data + 4, sizeof(len));
	*ret_owned = true;
	return unpack(ELFCOMPRESS_ZLIB, be64toh(len), snap_bytes(raw.data + 12, raw.len - 12));
}

/* All that have the first one's name, one behind the other. */
static void join(struct snap_dwarf_sections *sections, enum snap_dwarf_section which)
{
	int other;
	bool is_gnu_compressed, owned;
	uint8_t *all = NULL;
	size_t len = 0;
	for (Elf_Scn *scn = NULL;
		(scn = next_section(sections->elf, scn, true, &other, &is_gnu_compressed));) {
		if (other != (int)which)
			continue;
		struct snap_bytes bytes =
			read_one(sections->is_64bit, scn, is_gnu_compressed, &owned);
		uint8_t *grown = bytes.len > 0 && bytes.len <= SIZE_MAX - len
					 ? realloc(all, len + bytes.len)
					 : NULL;
		if (grown) {
			memcpy(grown + len, bytes.data, bytes.len);
			all = grown;
			len += bytes.len;
		}
		if (owned)
			free((void *)bytes.data);
	}
	sections->of[which].owned = all;
	sections->of[which].bytes = snap_bytes(all, len);
}

static void read_section(struct snap_dwarf_sections *sections, enum snap_dwarf_section which)
{
	sections->of[which].is_read = true;
	if (!sections->of[which].scn)
		return;
	if (sections->of[which].has_more) {
		join(sections, which);
		return;
	}
	bool owned;
	struct snap_bytes bytes = read_one(sections->is_64bit, sections->of[which].scn,
		sections->of[which].is_gnu_compressed, &owned);
	sections->of[which].bytes = bytes;
	if (owned)
		sections->of[which].owned = (uint8_t *)bytes.data;
}

struct snap_bytes snap_dwarf_section(
	struct snap_dwarf_sections *sections, enum snap_dwarf_section which)
{
	if (!sections->of[which].is_read)
		read_section(sections, which);
	return sections->of[which].bytes;
}

bool snap_dwarf_has_section(
	const struct snap_dwarf_sections *sections, enum snap_dwarf_section which)
{
	return sections->of[which].scn != NULL;
}

bool snap_dwarf_section_spend(
	struct snap_dwarf_sections *sections, enum snap_dwarf_section which, uint64_t len)
{
	uint64_t max = MAX_READS * (uint64_t)snap_dwarf_section(sections, which).len;
	sections->of[which].spent += len;
	return sections->of[which].spent <= max + MAX_SMALL_READS;
}
