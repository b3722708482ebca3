#include "analyze/symbols/symtab_read.h"

#include <stdlib.h>
#include <string.h>

#include <gelf.h>

/* Longer names are hostile: any number of symbols can name the same megabytes. */
#define MAX_NAME_BYTES 16384

struct section {
	uint64_t start, end; /* empty: no symbol in it is a function */
};

struct reader {
	const uint8_t *symbols; /* Elf32_Sym or Elf64_Sym, in this machine's order */
	size_t num;
	bool is_64;
	const uint8_t *extended; /* Elf32_Word for each symbol (SHT_SYMTAB_SHNDX); NULL */
	size_t num_extended;
	const char *strings; /* strings_len bytes, the last one is 0 */
	size_t strings_len;
	struct section *sections; /* by number; on the heap */
	size_t num_sections;
	struct section *code; /* those with code, by start; on the heap */
	size_t num_code;
	bool has_thumb_bit;
};

static void reader_deinit(struct reader *reader)
{
	free(reader->sections);
	free(reader->code);
}

static void find_strings(struct reader *reader, Elf *elf, size_t index)
{
	GElf_Shdr shdr;
	Elf_Scn *scn = elf_getscn(elf, index);
	if (!scn || !gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_STRTAB)
		return;
	Elf_Data *data = elf_getdata(scn, NULL);
	if (!data || !data->d_buf)
		return;
	/* Behind the last 0, names would have no end. */
	const char *last = memrchr(data->d_buf, '\0', data->d_size);
	reader->strings = data->d_buf;
	reader->strings_len = last ? (size_t)(last - reader->strings) + 1 : 0;
}

static void find_extended(struct reader *reader, Elf *elf, size_t symbols_index)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	while ((scn = elf_nextscn(elf, scn))) {
		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_SYMTAB_SHNDX ||
			shdr.sh_link != symbols_index)
			continue;
		Elf_Data *data = elf_getdata(scn, NULL);
		if (data && data->d_buf) {
			reader->extended = data->d_buf;
			reader->num_extended = data->d_size / sizeof(Elf32_Word);
		}
		return;
	}
}

static int compare_starts(const void *a, const void *b)
{
	const struct section *x = a, *y = b;
	return x->start < y->start ? -1 : x->start > y->start;
}

static int find_sections(struct reader *reader, Elf *elf, struct snap_error *err)
{
	size_t num;
	if (elf_getshdrnum(elf, &num) != 0)
		return 0;
	reader->sections = calloc(num + 1, sizeof(*reader->sections));
	reader->code = calloc(num + 1, sizeof(*reader->code));
	if (!reader->sections || !reader->code) {
		reader_deinit(reader);
		return snap_error_no_memory(err);
	}
	reader->num_sections = num;
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	while ((scn = elf_nextscn(elf, scn))) {
		size_t i = elf_ndxscn(scn);
		if (i >= num || !gelf_getshdr(scn, &shdr) || !(shdr.sh_flags & SHF_EXECINSTR) ||
			shdr.sh_size > UINT64_MAX - shdr.sh_addr)
			continue;
		reader->sections[i] = (struct section){shdr.sh_addr, shdr.sh_addr + shdr.sh_size};
		reader->code[reader->num_code++] = reader->sections[i];
	}
	qsort(reader->code, reader->num_code, sizeof(*reader->code), compare_starts);
	return 0;
}

/* num is 0 if there is no such table. */
static int reader_init(struct reader *reader, Elf *elf, uint32_t sh_type, struct snap_error *err)
{
	*reader = (struct reader){0};
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr = {0};
	GElf_Ehdr ehdr;
	while ((scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &shdr) && shdr.sh_type == sh_type)
			break;
	/* Of that type, it comes in this machine's form. */
	Elf_Data *data = scn ? elf_getdata(scn, NULL) : NULL;
	if (!data || !data->d_buf || data->d_type != ELF_T_SYM || !gelf_getehdr(elf, &ehdr))
		return 0;
	reader->is_64 = ehdr.e_ident[EI_CLASS] == ELFCLASS64;
	reader->has_thumb_bit = ehdr.e_machine == EM_ARM;
	reader->symbols = data->d_buf;
	find_strings(reader, elf, shdr.sh_link);
	find_extended(reader, elf, elf_ndxscn(scn));
	if (find_sections(reader, elf, err) < 0)
		return -1;
	reader->num = data->d_size / (reader->is_64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym));
	return 0;
}

/* gelf_getsym() without its checks and locks, which take longer than all the rest of the work. */
static inline Elf64_Sym get_symbol(const struct reader *reader, size_t i)
{
	Elf64_Sym sym;
	Elf32_Sym sym32;
	if (reader->is_64) {
		memcpy(&sym, reader->symbols + i * sizeof(sym), sizeof(sym));
		return sym;
	}
	memcpy(&sym32, reader->symbols + i * sizeof(sym32), sizeof(sym32));
	return (Elf64_Sym){.st_name = sym32.st_name,
		.st_info = sym32.st_info,
		.st_other = sym32.st_other,
		.st_shndx = sym32.st_shndx,
		.st_value = sym32.st_value,
		.st_size = sym32.st_size};
}

static const struct section *find_code(const struct reader *reader, uint64_t addr)
{
	size_t low = 0, high = reader->num_code;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (reader->code[mid].start <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low > 0 && addr < reader->code[low - 1].end ? &reader->code[low - 1] : NULL;
}

/*
 * The section with code that the symbol is in. Where a tool took sections out of the file, the
 * numbers in .dynsym may still be those from before (binutils' objcopy 2.40): then the address
 * tells where a function is.
 */
static const struct section *find_section(
	const struct reader *reader, const Elf64_Sym *sym, size_t i)
{
	uint32_t index = sym->st_shndx;
	if (index == SHN_XINDEX && i < reader->num_extended)
		memcpy(&index, reader->extended + i * sizeof(index), sizeof(index));
	else if (index == SHN_UNDEF || index >= SHN_LORESERVE)
		return NULL;
	const struct section *section =
		index < reader->num_sections ? &reader->sections[index] : NULL;
	uint64_t addr = sym->st_value;
	if (section && addr >= section->start && addr < section->end)
		return section;
	/* One that starts where its section ends is nowhere. */
	bool is_behind = section && section->end > section->start && addr == section->end;
	return is_behind || ELF64_ST_TYPE(sym->st_info) == STT_NOTYPE ? NULL
								      : find_code(reader, addr);
}

/* "$a", "$d.7", "$xrv64i2p1": where code and data begin (AAELF32, AAELF64, the RISC-V psABI). */
static bool is_mapping_symbol(const Elf64_Sym *sym, const char *name)
{
	if (name[0] != '$' || ELF64_ST_TYPE(sym->st_info) != STT_NOTYPE)
		return false;
	switch (name[1]) {
	case 'a':
	case 'd':
	case 't':
		return name[2] == '\0' || name[2] == '.';
	case 'x':
		return name[2] == '\0' || name[2] == '.' || strncmp(name + 2, "rv", 2) == 0;
	default:
		return false;
	}
}

static const char *find_name(const struct reader *reader, const Elf64_Sym *sym)
{
	if (sym->st_name >= reader->strings_len)
		return NULL;
	const char *name = reader->strings + sym->st_name;
	return name[0] == '\0' || is_mapping_symbol(sym, name) || strncmp(name, ".L", 2) == 0 ||
			       strnlen(name, MAX_NAME_BYTES) == MAX_NAME_BYTES
		       ? NULL
		       : name;
}

/* Whether symbol i is a function; in the file's addresses. */
static inline bool read_symbol(const struct reader *reader, size_t i, struct snap_symbol_entry *ret)
{
	Elf64_Sym sym = get_symbol(reader, i);
	int type = ELF64_ST_TYPE(sym.st_info);
	if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE)
		return false;
	/* Bit 0 of a Thumb function's value is no part of its address (AAELF32, 5.5.3). */
	if (reader->has_thumb_bit && type != STT_NOTYPE)
		sym.st_value &= ~UINT64_C(1);
	const struct section *section = find_section(reader, &sym, i);
	if (!section)
		return false;
	const char *name = find_name(reader, &sym);
	if (!name)
		return false;
	int binding = ELF64_ST_BIND(sym.st_info);
	uint64_t left = section->end - sym.st_value;
	*ret = (struct snap_symbol_entry){
		.start = sym.st_value,
		.end = sym.st_size > 0 && sym.st_size < left ? sym.st_value + sym.st_size
							     : section->end,
		.name = name,
		.kind = sym.st_size > 0 ? SNAP_SYMBOL_SIZED : SNAP_SYMBOL_SIZELESS,
		.binding_rank = binding == STB_LOCAL  ? 2
				: binding == STB_WEAK ? 1
						      : 0,
	};
	return true;
}

static int reserve(struct snap_symbol_entries *entries, size_t num, struct snap_error *err)
{
	if (num <= entries->capacity - entries->num)
		return 0;
	size_t capacity = entries->num + num;
	struct snap_symbol_entry *items =
		reallocarray(entries->items, capacity, sizeof(*entries->items));
	if (!items)
		return snap_error_no_memory(err);
	entries->items = items;
	entries->capacity = capacity;
	return 0;
}

int snap_symtab_read(const struct snap_symtab_source *source, struct snap_symbol_entries *entries,
	struct snap_error *err)
{
	struct reader reader;
	if (reader_init(&reader, source->elf, source->sh_type, err) < 0)
		return -1;
	int r = reserve(entries, reader.num, err);
	for (size_t i = 0; r == 0 && i < reader.num; i++) {
		struct snap_symbol_entry *entry = &entries->items[entries->num];
		if (!read_symbol(&reader, i, entry))
			continue;
		entry->start += (uint64_t)source->bias;
		entry->end += (uint64_t)source->bias;
		if (entry->start < entry->end)
			entries->num++;
	}
	reader_deinit(&reader);
	return r;
}

bool snap_symtab_find_data(Elf *elf, uint32_t sh_type, const char *name, uint64_t *ret)
{
	struct reader reader;
	if (reader_init(&reader, elf, sh_type, NULL) < 0)
		return false;
	bool found = false;
	for (size_t i = 0; i < reader.num && !found; i++) {
		Elf64_Sym sym = get_symbol(&reader, i);
		unsigned int type = ELF64_ST_TYPE(sym.st_info);
		/* Linker scripts' and much of assembly's have no type. */
		found = (type == STT_OBJECT || type == STT_NOTYPE) && sym.st_shndx != SHN_UNDEF &&
			sym.st_name < reader.strings_len &&
			strcmp(reader.strings + sym.st_name, name) == 0;
		if (found)
			*ret = sym.st_value;
	}
	reader_deinit(&reader);
	return found;
}
