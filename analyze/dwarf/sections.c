#include "analyze/dwarf/sections.h"

#include <dlfcn.h>
#include <elf.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <gelf.h>
#include <zlib.h>

#include "analyze/file_read.h"
#include "analyze/sandbox/remote.h"

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
	[SNAP_DWARF_LOC] = "loc",
	[SNAP_DWARF_LOCLISTS] = "loclists",
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
		.file = file,
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

/* libdeflate unpacks whole sections in a third of zlib's time; where it is not installed, zlib
 * does. */
static bool inflate_zlib(uint8_t *to, uint64_t to_len, const uint8_t *from, size_t from_len)
{
	static void *(*create)(void);
	static int (*decompress)(void *, const void *, size_t, void *, size_t, size_t *);
	static void *decompressor; /* of the process */
	static bool tried;
	if (!tried) {
		tried = true;
		snap_remote_need_library(SNAP_LIBRARY_DEFLATE);
		void *library = dlopen("libdeflate.so.0", RTLD_NOW | RTLD_LOCAL);
		if (library) {
			*(void **)&create = dlsym(library, "libdeflate_alloc_decompressor");
			*(void **)&decompress = dlsym(library, "libdeflate_zlib_decompress");
		}
		decompressor = create && decompress ? create() : NULL;
	}
	/* 0 is success; with NULL for it, the size must be exact. */
	if (decompressor)
		return decompress(decompressor, from, from_len, to, to_len, NULL) == 0;
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
		snap_remote_need_library(SNAP_LIBRARY_ZSTD);
		void *library = dlopen("libzstd.so.1", RTLD_NOW | RTLD_LOCAL);
		if (library)
			*(void **)&decompress = dlsym(library, "ZSTD_decompress");
	}
	/* Errors are sizes close to the largest. */
	return decompress && decompress(to, to_len, from, from_len) == to_len;
}

/* A section that is being decompressed from its beginning on. */
struct snap_packed {
	uint32_t type; /* ELFCOMPRESS_ZLIB or _ZSTD */
	struct snap_bytes from;
	z_stream stream;
	bool is_streaming;
};

/* What is decompressed at once; and the part of a section from which on all of it is. */
#define STEP_BYTES ((size_t)64 << 10)
#define MAX_PART   8

static void end_packed(struct snap_packed *packed)
{
	if (packed && packed->is_streaming)
		(void)inflateEnd(&packed->stream); /* nothing can be lost */
	free(packed);
}

void snap_dwarf_sections_deinit(struct snap_dwarf_sections *sections)
{
	for (size_t i = 0; i < SNAP_DWARF_NUM_SECTIONS; i++) {
		end_packed(sections->of[i].packed);
		if (sections->of[i].owned)
			(void)munmap(sections->of[i].owned, sections->of[i].owned_len);
	}
	*sections = (struct snap_dwarf_sections){0};
}

/* len: what it takes unpacked. */
static void begin_packed(struct snap_dwarf_sections *sections, enum snap_dwarf_section which,
	uint32_t type, uint64_t len, struct snap_bytes from)
{
	if (len == 0 || len > SIZE_MAX / 2)
		return;
	/* Pages that nobody writes to take nothing. */
	void *to = mmap(NULL, len, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct snap_packed *packed = to == MAP_FAILED ? NULL : calloc(1, sizeof(*packed));
	if (!packed) {
		if (to != MAP_FAILED)
			(void)munmap(to, len);
		return;
	}
	packed->type = type;
	packed->from = from;
	sections->of[which].packed = packed;
	sections->of[which].owned = to;
	sections->of[which].owned_len = len;
	sections->of[which].bytes = snap_bytes(to, len);
}

static bool unpack(uint32_t type, uint8_t *to, uint64_t to_len, struct snap_bytes from)
{
	return type == ELFCOMPRESS_ZLIB	  ? inflate_zlib(to, to_len, from.data, from.len)
	       : type == ELFCOMPRESS_ZSTD ? inflate_zstd(to, to_len, from.data, from.len)
					  : false;
}

/* From Linux 5.14 on; not in the mman.h of glibc 2.34 and before. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static void unpack_all(struct snap_dwarf_sections *sections, enum snap_dwarf_section which)
{
	struct snap_packed *packed = sections->of[which].packed;
	size_t len = sections->of[which].bytes.len;
	/* All its pages at once take less than one by one; without, they come so. */
	(void)madvise(sections->of[which].owned, len, MADV_POPULATE_WRITE);
	if (unpack(packed->type, sections->of[which].owned, len, packed->from))
		sections->of[which].have_len = len;
	end_packed(packed);
	sections->of[which].packed = NULL;
}

/* At least up to end, which is not behind the section's. */
static void unpack_to(
	struct snap_dwarf_sections *sections, enum snap_dwarf_section which, size_t end)
{
	struct snap_packed *packed = sections->of[which].packed;
	size_t len = sections->of[which].bytes.len, have = sections->of[which].have_len;
	if (!packed->is_streaming &&
		(packed->type != ELFCOMPRESS_ZLIB || packed->from.len > UINT32_MAX ||
			inflateInit(&packed->stream) != Z_OK)) {
		unpack_all(sections, which);
		return;
	}
	if (!packed->is_streaming) {
		packed->is_streaming = true;
		packed->stream.next_in = (uint8_t *)packed->from.data;
		packed->stream.avail_in = (uInt)packed->from.len;
	}
	/* The whole of it goes faster at once than piece by piece. */
	if (end > len / MAX_PART && len > STEP_BYTES) {
		unpack_all(sections, which);
		return;
	}
	size_t wanted = end - have < STEP_BYTES ? STEP_BYTES : end - have;
	if (wanted > len - have)
		wanted = len - have;
	packed->stream.next_out = sections->of[which].owned + have;
	packed->stream.avail_out = (uInt)wanted;
	int r = inflate(&packed->stream, Z_NO_FLUSH);
	sections->of[which].have_len = have + wanted - packed->stream.avail_out;
	if (r != Z_OK || sections->of[which].have_len == len) {
		end_packed(packed);
		sections->of[which].packed = NULL;
	}
}

/* The bytes of a section as they stand in the file; and what they hold: *ret_len bytes, packed as
 * *ret_type says (0: not packed) behind the header that is passed over. */
static struct snap_bytes raw_section(
	bool is_64bit, Elf_Scn *scn, bool is_gnu_compressed, uint32_t *ret_type, uint64_t *ret_len)
{
	GElf_Shdr shdr;
	GElf_Chdr chdr;
	Elf_Data *data = gelf_getshdr(scn, &shdr) ? elf_rawdata(scn, NULL) : NULL;
	if (!data || !data->d_buf)
		return snap_bytes(NULL, 0);
	struct snap_bytes raw = snap_bytes(data->d_buf, data->d_size);
	size_t header = 0;
	*ret_type = 0;
	if (shdr.sh_flags & SHF_COMPRESSED) {
		header = is_64bit ? sizeof(Elf64_Chdr) : sizeof(Elf32_Chdr);
		if (!gelf_getchdr(scn, &chdr) || raw.len < header || chdr.ch_type == 0)
			return snap_bytes(NULL, 0);
		*ret_type = chdr.ch_type;
		*ret_len = chdr.ch_size;
	} else if (is_gnu_compressed && raw.len >= 12 && memcmp(raw.data, "ZLIB", 4) == 0) {
		/* GNU's older form: "ZLIB" and the size, big-endian. */
		header = 12;
		*ret_type = ELFCOMPRESS_ZLIB;
		memcpy(ret_len, raw.data + 4, sizeof(*ret_len));
		*ret_len = be64toh(*ret_len);
	}
	raw = snap_bytes(raw.data + header, raw.len - header);
	if (*ret_type == 0)
		*ret_len = raw.len;
	return raw;
}

/* All that have the first one's name, one behind the other. */
static void join(struct snap_dwarf_sections *sections, enum snap_dwarf_section which)
{
	Elf *elf = sections->file->elf;
	uint64_t all = 0, len;
	uint32_t type;
	int other;
	bool is_gnu;
	for (Elf_Scn *scn = NULL; (scn = next_section(elf, scn, true, &other, &is_gnu));)
		if (other == (int)which &&
			raw_section(sections->is_64bit, scn, is_gnu, &type, &len).data)
			all = len > SIZE_MAX / 2 - all ? SIZE_MAX / 2 : all + len;
	void *map = all > 0 && all < SIZE_MAX / 2
			    ? mmap(NULL, all, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
			    : MAP_FAILED;
	if (map == MAP_FAILED)
		return;
	uint8_t *to = map;
	size_t have = 0;
	for (Elf_Scn *scn = NULL; (scn = next_section(elf, scn, true, &other, &is_gnu));) {
		struct snap_bytes raw;
		if (other != (int)which ||
			!(raw = raw_section(sections->is_64bit, scn, is_gnu, &type, &len)).data)
			continue;
		bool done = true;
		if (type == 0)
			memcpy(to + have, raw.data, len);
		else
			done = len > 0 && unpack(type, to + have, len, raw);
		have += done ? len : 0;
	}
	sections->of[which].owned = to;
	sections->of[which].owned_len = all;
	sections->of[which].bytes = snap_bytes(to, have);
	sections->of[which].have_len = have;
}

static void read_section(struct snap_dwarf_sections *sections, enum snap_dwarf_section which)
{
	uint32_t type;
	uint64_t len;
	sections->of[which].is_read = true;
	if (!sections->of[which].scn)
		return;
	if (sections->of[which].has_more) {
		join(sections, which);
		return;
	}
	struct snap_bytes raw = raw_section(sections->is_64bit, sections->of[which].scn,
		sections->of[which].is_gnu_compressed, &type, &len);
	if (raw.data && type != 0) {
		begin_packed(sections, which, type, len, raw);
	} else if (raw.data) {
		sections->of[which].bytes = raw;
		sections->of[which].have_len = raw.len;
	}
}

struct snap_bytes snap_dwarf_section_to(
	struct snap_dwarf_sections *sections, enum snap_dwarf_section which, uint64_t end)
{
	if (!sections->of[which].is_read)
		read_section(sections, which);
	size_t len = sections->of[which].bytes.len;
	if (end > len)
		end = len;
	if (end > sections->of[which].have_len && sections->of[which].packed)
		unpack_to(sections, which, (size_t)end);
	return snap_bytes(sections->of[which].bytes.data, sections->of[which].have_len);
}

struct snap_bytes snap_dwarf_section(
	struct snap_dwarf_sections *sections, enum snap_dwarf_section which)
{
	return snap_dwarf_section_to(sections, which, UINT64_MAX);
}

size_t snap_dwarf_section_peek(struct snap_dwarf_sections *sections, enum snap_dwarf_section which,
	uint64_t off, void *buf, size_t len)
{
	uint64_t all = snap_dwarf_section_len(sections, which);
	if (off >= all)
		return 0;
	if (len > all - off)
		len = (size_t)(all - off);
	uintptr_t data = (uintptr_t)sections->of[which].bytes.data;
	uintptr_t map = (uintptr_t)sections->file->map;
	if (!sections->of[which].owned && map && data >= map &&
		data - map < sections->file->map_len) {
		ssize_t n = snap_file_read_at(sections->file->fd, buf, len, data - map + off);
		return n > 0 ? (size_t)n : 0;
	}
	struct snap_bytes bytes = snap_dwarf_section_to(sections, which, off + len);
	if (bytes.len < off + len)
		return 0;
	memcpy(buf, bytes.data + off, len);
	return len;
}

uint64_t snap_dwarf_section_len(struct snap_dwarf_sections *sections, enum snap_dwarf_section which)
{
	if (!sections->of[which].is_read)
		read_section(sections, which);
	return sections->of[which].bytes.len;
}

bool snap_dwarf_has_section(
	const struct snap_dwarf_sections *sections, enum snap_dwarf_section which)
{
	return sections->of[which].scn != NULL;
}

bool snap_dwarf_section_spend(
	struct snap_dwarf_sections *sections, enum snap_dwarf_section which, uint64_t len)
{
	uint64_t max = MAX_READS * snap_dwarf_section_len(sections, which);
	sections->of[which].spent += len;
	return sections->of[which].spent <= max + MAX_SMALL_READS;
}
