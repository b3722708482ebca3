#include "analyze/symbols/jit_image.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "common/elf_load.h"

/* Objects of -ffunction-sections have some thousands. */
#define MAX_SECTIONS 4096
/* Of a table of section names or symbols, or of call frame information. */
#define MAX_PART_BYTES (8u << 20)
/* Of one section of code: as far as calls reach, and more than any JIT compiler makes. */
#define MAX_CODE_BYTES UINT64_C(0x100000000)

#ifndef SHT_X86_64_UNWIND
#define SHT_X86_64_UNWIND 0x70000001 /* psABI: what LLVM calls its .eh_frame */
#endif

/* The sections of the copy; code sections follow. */
enum { SHSTRTAB = 1, STRTAB, SYMTAB, EH_FRAME, FIRST_CODE };

static const char section_names[] = "\0.shstrtab\0.strtab\0.symtab\0.eh_frame\0.text";
enum { SHSTRTAB_NAME = 1, STRTAB_NAME = 11, SYMTAB_NAME = 19, EH_FRAME_NAME = 27, TEXT_NAME = 37 };

struct section {
	uint32_t name, type, link, info;
	uint64_t flags, addr, off, size, entsize;
	uint16_t code_index; /* its number in the copy, if it is code; else 0 */
};

/* The image as it stands in the target. */
struct source {
	struct snap_jit_reader *reader;
	uint8_t elf_class, elf_data;
	uint64_t addr, len;
	uint16_t type;
	uint32_t flags;
	struct section *sections;
	size_t num_sections, num_code;
	char *names; /* NUL-terminated */
	size_t names_len;
};

/* What was read of it. */
struct part {
	uint8_t *bytes; /* on the heap; NULL: there is none */
	size_t len;
	uint64_t addr;
};

#define FIELD(s, base, kind, member)                                                               \
	SNAP_ELF_CLASS_MEMBER(base, kind, member, (s)->elf_class, (s)->elf_data)
#define SIZE(s, kind) ((s)->elf_class == ELFCLASS64 ? sizeof(Elf64_##kind) : sizeof(Elf32_##kind))

/* ---------------------------------------------------------------- reading */

static bool note_range(struct snap_jit_reader *reader, uint64_t addr, uint64_t len)
{
	if (reader->num_ranges == reader->capacity) {
		size_t capacity = reader->capacity ? 2 * reader->capacity : 64;
		struct snap_jit_range *grown =
			reallocarray(reader->ranges, capacity, sizeof(*grown));
		if (!grown)
			return false;
		reader->ranges = grown;
		reader->capacity = capacity;
	}
	reader->ranges[reader->num_ranges++] = (struct snap_jit_range){addr, len};
	return true;
}

enum snap_jit_result snap_jit_read(
	struct snap_jit_reader *reader, uint64_t addr, void *buf, size_t len)
{
	if (len > reader->bytes_left)
		return SNAP_JIT_LIMIT;
	reader->bytes_left -= len;
	if (!snap_memory_read_all(reader->memory, addr, buf, len))
		return SNAP_JIT_NOT_CAPTURED;
	return note_range(reader, addr, len) ? SNAP_JIT_OK : SNAP_JIT_NO_MEMORY;
}

/* len bytes at addr onto the heap, a NUL behind them. *ret is set on success. */
static enum snap_jit_result read_bytes(struct source *s, uint64_t addr, uint64_t len, uint8_t **ret)
{
	if (len > MAX_PART_BYTES || len > s->reader->bytes_left)
		return SNAP_JIT_LIMIT;
	uint8_t *bytes = malloc(len + 1);
	if (!bytes)
		return SNAP_JIT_NO_MEMORY;
	enum snap_jit_result r = snap_jit_read(s->reader, addr, bytes, len);
	if (r != SNAP_JIT_OK) {
		free(bytes);
		return r;
	}
	bytes[len] = '\0';
	*ret = bytes;
	return SNAP_JIT_OK;
}

static bool is_within(const struct source *s, uint64_t off, uint64_t len)
{
	return off <= s->len && len <= s->len - off;
}

/* What the image itself holds of a section. */
static enum snap_jit_result read_section(
	struct source *s, const struct section *section, struct part *ret)
{
	if (section->type == SHT_NOBITS || section->flags & SHF_COMPRESSED ||
		!is_within(s, section->off, section->size))
		return SNAP_JIT_MALFORMED;
	enum snap_jit_result r = read_bytes(s, s->addr + section->off, section->size, &ret->bytes);
	if (r == SNAP_JIT_OK) {
		ret->len = section->size;
		ret->addr = section->addr ? section->addr : s->addr + section->off;
	}
	return r;
}

/* ---------------------------------------------------------------- headers */

/* The top of the target's addresses. */
static uint64_t last_addr(const struct source *s)
{
	return s->elf_class == ELFCLASS64 ? UINT64_MAX : UINT32_MAX;
}

static bool is_code(const struct source *s, const struct section *section)
{
	return section->flags & SHF_EXECINSTR && section->addr != 0 && section->size > 0 &&
	       section->size <= MAX_CODE_BYTES && section->size <= last_addr(s) - section->addr;
}

static enum snap_jit_result read_sections(struct source *s, uint64_t off, size_t num)
{
	uint8_t *headers = NULL;
	size_t entry = SIZE(s, Shdr);
	if (!is_within(s, off, num * entry))
		return SNAP_JIT_MALFORMED;
	enum snap_jit_result r = read_bytes(s, s->addr + off, num * entry, &headers);
	if (r != SNAP_JIT_OK)
		return r;
	s->sections = calloc(num, sizeof(*s->sections));
	if (!s->sections) {
		free(headers);
		return SNAP_JIT_NO_MEMORY;
	}
	s->num_sections = num;
	for (size_t i = 0; i < num; i++) {
		const uint8_t *h = headers + i * entry;
		struct section *section = &s->sections[i];
		*section = (struct section){
			.name = (uint32_t)FIELD(s, h, Shdr, sh_name),
			.type = (uint32_t)FIELD(s, h, Shdr, sh_type),
			.link = (uint32_t)FIELD(s, h, Shdr, sh_link),
			.info = (uint32_t)FIELD(s, h, Shdr, sh_info),
			.flags = FIELD(s, h, Shdr, sh_flags),
			.addr = FIELD(s, h, Shdr, sh_addr),
			.off = FIELD(s, h, Shdr, sh_offset),
			.size = FIELD(s, h, Shdr, sh_size),
			.entsize = FIELD(s, h, Shdr, sh_entsize),
		};
		if (is_code(s, section))
			section->code_index = (uint16_t)(FIRST_CODE + s->num_code++);
	}
	free(headers);
	return s->num_code > 0 ? SNAP_JIT_OK : SNAP_JIT_MALFORMED;
}

static enum snap_jit_result read_headers(struct source *s)
{
	const struct snap_arch *arch = s->reader->arch;
	uint8_t header[sizeof(Elf64_Ehdr)];
	if (s->len < SIZE(s, Ehdr) || s->len > last_addr(s) - s->addr)
		return SNAP_JIT_MALFORMED;
	enum snap_jit_result r = snap_jit_read(s->reader, s->addr, header, SIZE(s, Ehdr));
	if (r != SNAP_JIT_OK)
		return r;
	s->type = (uint16_t)FIELD(s, header, Ehdr, e_type);
	s->flags = (uint32_t)FIELD(s, header, Ehdr, e_flags);
	size_t num = FIELD(s, header, Ehdr, e_shnum), names = FIELD(s, header, Ehdr, e_shstrndx);
	if (memcmp(header, ELFMAG, SELFMAG) != 0 || header[EI_CLASS] != s->elf_class ||
		header[EI_DATA] != s->elf_data ||
		FIELD(s, header, Ehdr, e_machine) != arch->elf_machine ||
		(s->type != ET_REL && s->type != ET_EXEC && s->type != ET_DYN) ||
		FIELD(s, header, Ehdr, e_shentsize) != SIZE(s, Shdr) || num == 0 || names >= num)
		return SNAP_JIT_MALFORMED;
	if (num > MAX_SECTIONS)
		return SNAP_JIT_LIMIT;
	r = read_sections(s, FIELD(s, header, Ehdr, e_shoff), num);
	struct part part = {0};
	if (r == SNAP_JIT_OK)
		r = read_section(s, &s->sections[names], &part);
	if (r == SNAP_JIT_OK) {
		s->names = (char *)part.bytes;
		s->names_len = part.len;
	}
	return r;
}

static bool is_named(const struct source *s, const struct section *section, const char *name)
{
	return section->name < s->names_len && strcmp(s->names + section->name, name) == 0;
}

/* ---------------------------------------------------------------- call frame information */

/* Whether the image holds a section as the compiler made it, before relocation. */
static bool is_unrelocated(const struct source *s, size_t index)
{
	for (size_t i = 0; s->type == ET_REL && i < s->num_sections; i++) {
		const struct section *section = &s->sections[i];
		if ((section->type == SHT_RELA || section->type == SHT_REL) &&
			section->info == index && section->size > 0)
			return true;
	}
	return false;
}

static enum snap_jit_result read_eh_frame(struct source *s, size_t index, struct part *ret)
{
	const struct section *section = &s->sections[index];
	if (!is_unrelocated(s, index))
		return read_section(s, section, ret);
	if (section->addr == 0)
		return SNAP_JIT_MALFORMED; /* it was never put anywhere */
	enum snap_jit_result r = read_bytes(s, section->addr, section->size, &ret->bytes);
	if (r == SNAP_JIT_OK) {
		ret->len = section->size;
		ret->addr = section->addr;
	}
	return r;
}

static void put(uint8_t *bytes, unsigned int size, uint64_t value, uint8_t elf_data)
{
	for (unsigned int i = 0; i < size; i++)
		bytes[elf_data == ELFDATA2MSB ? size - 1 - i : i] = (uint8_t)(value >> 8 * i);
}

/*
 * In place: of entries of the 32-bit format nothing differs but how a CIE is marked, and how an FDE
 * points to its own (the Linux Standard Base's table against DWARF's). False if they are malformed.
 */
static bool debug_frame_to_eh_frame(struct part *part, uint8_t elf_data)
{
	enum { LENGTH = 4, DEBUG_FRAME_CIE_ID = 0xffffffff };
	size_t off = 0;
	while (part->len - off >= 2 * LENGTH) {
		uint8_t *id_at = part->bytes + off + LENGTH;
		uint64_t len = snap_elf_load(part->bytes + off, LENGTH, elf_data);
		uint64_t id = snap_elf_load(id_at, LENGTH, elf_data);
		if (len < LENGTH || len > part->len - off - LENGTH)
			return false;
		if (id == DEBUG_FRAME_CIE_ID)
			put(id_at, LENGTH, 0, elf_data);
		else if (id < off)
			put(id_at, LENGTH, off + LENGTH - id, elf_data);
		else
			return false;
		off += LENGTH + len;
	}
	part->len = off;
	return off > 0;
}

/* The first section of that name that may hold such entries; 0: none. */
static size_t find_cfi(const struct source *s, const char *name)
{
	for (size_t i = 1; i < s->num_sections; i++)
		if ((s->sections[i].type == SHT_PROGBITS ||
			    s->sections[i].type == SHT_X86_64_UNWIND) &&
			is_named(s, &s->sections[i], name))
			return i;
	return 0;
}

/* part stays empty, with a reason, where there is none to be had. */
static enum snap_jit_result read_cfi(struct source *s, struct part *part, const char **ret_why)
{
	size_t eh_frame = find_cfi(s, ".eh_frame"), debug_frame = find_cfi(s, ".debug_frame");
	enum snap_jit_result r = SNAP_JIT_OK;
	*ret_why = "it was registered without unwind information";
	if (eh_frame > 0) {
		r = read_eh_frame(s, eh_frame, part);
	} else if (debug_frame > 0 && !is_unrelocated(s, debug_frame)) {
		r = read_section(s, &s->sections[debug_frame], part);
		if (r == SNAP_JIT_OK && !debug_frame_to_eh_frame(part, s->elf_data)) {
			free(part->bytes);
			part->bytes = NULL;
			r = SNAP_JIT_MALFORMED;
		}
	}
	if (part->bytes)
		*ret_why = NULL;
	else if (r == SNAP_JIT_NOT_CAPTURED)
		*ret_why = "its unwind information was not captured";
	else if (r == SNAP_JIT_MALFORMED)
		*ret_why = "its unwind information is malformed";
	else if (r == SNAP_JIT_LIMIT)
		*ret_why = "its unwind information is too large";
	return r == SNAP_JIT_NO_MEMORY ? r : SNAP_JIT_OK;
}

/* ---------------------------------------------------------------- symbols */

#define PUT(s, base, kind, member, value)                                                          \
	((s)->elf_class == ELFCLASS64                                                              \
			? put((uint8_t *)(base) + offsetof(Elf64_##kind, member),                  \
				  sizeof(((Elf64_##kind *)NULL)->member), (value), (s)->elf_data)  \
			: put((uint8_t *)(base) + offsetof(Elf32_##kind, member),                  \
				  sizeof(((Elf32_##kind *)NULL)->member), (value), (s)->elf_data))

/* Those of code get the copy's section numbers and absolute addresses, the others none. */
static void renumber_symbols(const struct source *s, struct part *symbols)
{
	size_t entry = SIZE(s, Sym);
	for (size_t off = 0; symbols->len - off >= entry; off += entry) {
		uint8_t *symbol = symbols->bytes + off;
		uint64_t index = FIELD(s, symbol, Sym, st_shndx);
		const struct section *section =
			index < s->num_sections ? &s->sections[index] : &s->sections[0];
		PUT(s, symbol, Sym, st_shndx, section->code_index);
		if (s->type == ET_REL)
			PUT(s, symbol, Sym, st_value,
				FIELD(s, symbol, Sym, st_value) + section->addr);
	}
}

/* Both parts stay empty where there are none to be had. */
static enum snap_jit_result read_symbols(
	struct source *s, struct part *symbols, struct part *strings)
{
	const struct section *table = NULL;
	for (size_t i = 0; i < s->num_sections && !table; i++)
		if (s->sections[i].type == SHT_SYMTAB)
			table = &s->sections[i];
	if (!table || table->entsize != SIZE(s, Sym) || table->link >= s->num_sections ||
		s->sections[table->link].type != SHT_STRTAB)
		return SNAP_JIT_OK;
	enum snap_jit_result r = read_section(s, table, symbols);
	if (r == SNAP_JIT_OK)
		r = read_section(s, &s->sections[table->link], strings);
	if (r == SNAP_JIT_OK) {
		renumber_symbols(s, symbols);
		strings->len++; /* the NUL that was put behind it */
		return SNAP_JIT_OK;
	}
	free(symbols->bytes);
	*symbols = (struct part){0};
	return r == SNAP_JIT_NO_MEMORY ? r : SNAP_JIT_OK;
}

/* ---------------------------------------------------------------- the copy */

static size_t align8(size_t len)
{
	return (len + 7) & ~(size_t)7;
}

static void put_section(const struct source *s, uint8_t *header, uint32_t name,
	const struct section *section, size_t align)
{
	PUT(s, header, Shdr, sh_name, name);
	PUT(s, header, Shdr, sh_type, section->type);
	PUT(s, header, Shdr, sh_flags, section->flags);
	PUT(s, header, Shdr, sh_addr, section->addr);
	PUT(s, header, Shdr, sh_offset, section->off);
	PUT(s, header, Shdr, sh_size, section->size);
	PUT(s, header, Shdr, sh_link, section->link);
	PUT(s, header, Shdr, sh_info, section->info);
	PUT(s, header, Shdr, sh_addralign, align);
	PUT(s, header, Shdr, sh_entsize, section->entsize);
}

static void put_header(const struct source *s, uint8_t *header, size_t num_sections)
{
	memcpy(header, ELFMAG, SELFMAG);
	header[EI_CLASS] = s->elf_class;
	header[EI_DATA] = s->elf_data;
	header[EI_VERSION] = EV_CURRENT;
	PUT(s, header, Ehdr, e_type, ET_EXEC);
	PUT(s, header, Ehdr, e_machine, s->reader->arch->elf_machine);
	PUT(s, header, Ehdr, e_version, EV_CURRENT);
	PUT(s, header, Ehdr, e_shoff, align8(SIZE(s, Ehdr)));
	PUT(s, header, Ehdr, e_flags, s->flags);
	PUT(s, header, Ehdr, e_ehsize, SIZE(s, Ehdr));
	PUT(s, header, Ehdr, e_shentsize, SIZE(s, Shdr));
	PUT(s, header, Ehdr, e_shnum, num_sections);
	PUT(s, header, Ehdr, e_shstrndx, SHSTRTAB);
}

static enum snap_jit_result build(const struct source *s, const struct part *symbols,
	const struct part *strings, const struct part *cfi, struct snap_jit_image *ret)
{
	struct {
		uint32_t name, type;
		const uint8_t *bytes;
		size_t len;
		uint64_t addr;
	} parts[] = {
		{SHSTRTAB_NAME, SHT_STRTAB, (const uint8_t *)section_names, sizeof(section_names),
			0},
		{STRTAB_NAME, SHT_STRTAB, strings->bytes, strings->len, 0},
		{SYMTAB_NAME, SHT_SYMTAB, symbols->bytes, symbols->len, 0},
		{EH_FRAME_NAME, SHT_PROGBITS, cfi->bytes, cfi->len, cfi->addr},
	};
	size_t num = FIRST_CODE + s->num_code, entry = SIZE(s, Shdr);
	size_t headers_off = align8(SIZE(s, Ehdr)), off = align8(headers_off + num * entry);
	size_t len = off;
	for (size_t i = 0; i < FIRST_CODE - 1; i++)
		len += align8(parts[i].len);
	uint8_t *bytes = calloc(1, len);
	struct snap_jit_range *code = calloc(s->num_code, sizeof(*code));
	if (!bytes || !code) {
		free(bytes);
		free(code);
		return SNAP_JIT_NO_MEMORY;
	}
	put_header(s, bytes, num);
	for (size_t i = 0; i < FIRST_CODE - 1; i++) {
		if (!parts[i].bytes)
			continue; /* all zeros: SHT_NULL */
		memcpy(bytes + off, parts[i].bytes, parts[i].len);
		struct section section = {.type = parts[i].type,
			.addr = parts[i].addr,
			.off = off,
			.size = parts[i].len};
		if (section.type == SHT_SYMTAB) {
			section.link = STRTAB;
			section.entsize = SIZE(s, Sym);
		} else if (section.type == SHT_PROGBITS) {
			section.flags = SHF_ALLOC;
		}
		put_section(s, bytes + headers_off + (i + 1) * entry, parts[i].name, &section, 8);
		off += align8(parts[i].len);
	}
	for (size_t i = 0; i < s->num_sections; i++) {
		const struct section *from = &s->sections[i];
		if (from->code_index == 0)
			continue;
		struct section section = {.type = SHT_NOBITS,
			.flags = SHF_ALLOC | SHF_EXECINSTR,
			.addr = from->addr,
			.off = off,
			.size = from->size};
		put_section(
			s, bytes + headers_off + from->code_index * entry, TEXT_NAME, &section, 1);
		code[ret->num_code++] = (struct snap_jit_range){from->addr, from->size};
	}
	ret->bytes = bytes;
	ret->len = len;
	ret->code = code;
	return SNAP_JIT_OK;
}

enum snap_jit_result snap_jit_image_read(
	struct snap_jit_reader *reader, uint64_t addr, uint64_t len, struct snap_jit_image *ret)
{
	struct source s = {
		.reader = reader,
		.elf_class = reader->arch->elf_class,
		.elf_data = reader->arch->elf_data,
		.addr = addr,
		.len = len,
	};
	struct snap_jit_image image = {0};
	struct part symbols = {0}, strings = {0}, cfi = {0};
	enum snap_jit_result r = read_headers(&s);
	if (r == SNAP_JIT_OK)
		r = read_cfi(&s, &cfi, &image.no_cfi);
	if (r == SNAP_JIT_OK)
		r = read_symbols(&s, &symbols, &strings);
	if (r == SNAP_JIT_OK)
		r = build(&s, &symbols, &strings, &cfi, &image);
	free(symbols.bytes);
	free(strings.bytes);
	free(cfi.bytes);
	free(s.sections);
	free(s.names);
	if (r == SNAP_JIT_OK)
		*ret = image;
	return r;
}

void snap_jit_image_deinit(struct snap_jit_image *image)
{
	free(image->bytes);
	free(image->code);
	*image = (struct snap_jit_image){0};
}
