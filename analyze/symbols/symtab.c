#include "analyze/symbols/symtab.h"

#include <stdlib.h>
#include <string.h>

#include <gelf.h>

/* How many symbols back an enclosing one is searched, where the nearest does not reach. */
#define MAX_ENCLOSING 64
/* Longer names are hostile: any number of symbols can name the same megabytes. */
#define MAX_NAME_BYTES 16384

struct candidate {
	struct snap_symbol symbol;
	bool sizeless;
	uint8_t binding_rank; /* 0 global, 1 weak, 2 local */
	uint64_t section_end;
};

static int compare(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	if (x->symbol.start != y->symbol.start)
		return x->symbol.start < y->symbol.start ? -1 : 1;
	if (x->sizeless != y->sizeless)
		return x->sizeless ? 1 : -1;
	if (x->binding_rank != y->binding_rank)
		return x->binding_rank < y->binding_rank ? -1 : 1;
	size_t x_len = strlen(x->symbol.name), y_len = strlen(y->symbol.name);
	if (x_len != y_len)
		return x_len < y_len ? -1 : 1;
	return strcmp(x->symbol.name, y->symbol.name);
}

static bool is_function(Elf *elf, const GElf_Sym *sym, uint64_t *ret_section_end)
{
	int type = GELF_ST_TYPE(sym->st_info);
	if (sym->st_shndx == SHN_UNDEF || sym->st_shndx >= SHN_LORESERVE)
		return false;
	if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE)
		return false;
	GElf_Shdr shdr;
	Elf_Scn *scn = elf_getscn(elf, sym->st_shndx);
	if (!scn || !gelf_getshdr(scn, &shdr) || !(shdr.sh_flags & SHF_EXECINSTR))
		return false;
	if (sym->st_value < shdr.sh_addr || sym->st_value - shdr.sh_addr >= shdr.sh_size)
		return false;
	*ret_section_end = shdr.sh_addr + shdr.sh_size;
	return *ret_section_end > sym->st_value;
}

/* Mapping symbols ($a, $x, ...) and compiler-local labels say nothing to a person. */
static bool is_name(const char *name)
{
	return name && name[0] != '\0' && name[0] != '$' && strncmp(name, ".L", 2) != 0 &&
	       strnlen(name, MAX_NAME_BYTES) < MAX_NAME_BYTES;
}

static size_t collect(
	Elf *elf, Elf_Data *data, size_t num, uint32_t strings, struct candidate *candidates)
{
	size_t found = 0;
	GElf_Ehdr ehdr;
	bool is_arm = gelf_getehdr(elf, &ehdr) && ehdr.e_machine == EM_ARM;
	for (size_t i = 0; i < num; i++) {
		GElf_Sym sym;
		struct candidate c = {0};
		if (!gelf_getsym(data, (int)i, &sym))
			continue;
		/* Bit 0 of a Thumb function's value is no part of its address (AAELF32, 5.5.3). */
		if (is_arm && GELF_ST_TYPE(sym.st_info) == STT_FUNC)
			sym.st_value &= ~(GElf_Addr)1;
		if (!is_function(elf, &sym, &c.section_end))
			continue;
		c.symbol.name = elf_strptr(elf, strings, sym.st_name);
		if (!is_name(c.symbol.name))
			continue;
		c.symbol.start = sym.st_value;
		c.sizeless = sym.st_size == 0;
		uint64_t left = c.section_end - sym.st_value;
		c.symbol.end = sym.st_value + (sym.st_size < left ? sym.st_size : left);
		int binding = GELF_ST_BIND(sym.st_info);
		c.binding_rank = binding == STB_LOCAL ? 2 : binding == STB_WEAK ? 1 : 0;
		candidates[found++] = c;
	}
	return found;
}

static size_t name_len(const char *name)
{
	return strcspn(name, "@");
}

static int compare_name(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int r = memcmp(a, b, a_len < b_len ? a_len : b_len);
	return r != 0 ? r : a_len < b_len ? -1 : a_len > b_len;
}

static int compare_names(const void *a, const void *b)
{
	const struct snap_symbol_name *x = a, *y = b;
	int r = compare_name(x->name, name_len(x->name), y->name, name_len(y->name));
	return r != 0 ? r : x->start < y->start ? -1 : x->start > y->start;
}

static int index_names(struct snap_symtab *table, const struct candidate *candidates, size_t num,
	struct snap_error *err)
{
	table->names = calloc(num ? num : 1, sizeof(*table->names));
	if (!table->names)
		return snap_error_no_memory(err);
	for (size_t i = 0; i < num; i++)
		table->names[i] = (struct snap_symbol_name){
			candidates[i].symbol.name, candidates[i].symbol.start};
	qsort(table->names, num, sizeof(*table->names), compare_names);
	table->num_names = num;
	return 0;
}

bool snap_symtab_find_name(const struct snap_symtab *table, const char *name, uint64_t *ret)
{
	size_t len = name_len(name), low = 0, high = table->num_names;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const char *other = table->names[mid].name;
		if (compare_name(other, name_len(other), name, len) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	bool found = false;
	for (size_t i = low; i < table->num_names; i++) {
		const struct snap_symbol_name *other = &table->names[i];
		if (compare_name(other->name, name_len(other->name), name, len) != 0)
			break;
		if (found && other->start != *ret)
			return false;
		*ret = other->start;
		found = true;
	}
	return found;
}

/* The symbols of the first section of that type, and the section of their names. */
static Elf_Data *open_table(Elf *elf, uint32_t sh_type, size_t *ret_num, uint32_t *ret_strings)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr = {0};
	while ((scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &shdr) && shdr.sh_type == sh_type)
			break;
	Elf_Data *data = scn ? elf_getdata(scn, NULL) : NULL;
	size_t entry = gelf_fsize(elf, ELF_T_SYM, 1, EV_CURRENT);
	*ret_num = data && entry > 0 ? data->d_size / entry : 0;
	*ret_strings = shdr.sh_link;
	return data;
}

bool snap_symtab_find_data(Elf *elf, uint32_t sh_type, const char *name, uint64_t *ret)
{
	size_t num;
	uint32_t strings;
	Elf_Data *data = open_table(elf, sh_type, &num, &strings);
	for (size_t i = 0; i < num; i++) {
		GElf_Sym sym;
		if (!gelf_getsym(data, (int)i, &sym) ||
			GELF_ST_TYPE(sym.st_info) != STT_OBJECT || sym.st_shndx == SHN_UNDEF)
			continue;
		const char *other = elf_strptr(elf, strings, sym.st_name);
		if (other && strcmp(other, name) == 0) {
			*ret = sym.st_value;
			return true;
		}
	}
	return false;
}

int snap_symtab_init(struct snap_symtab *table, Elf *elf, uint32_t sh_type, struct snap_error *err)
{
	*table = (struct snap_symtab){0};
	size_t num;
	uint32_t strings;
	Elf_Data *data = open_table(elf, sh_type, &num, &strings);
	if (num == 0)
		return 0;
	struct candidate *candidates = calloc(num, sizeof(*candidates));
	if (!candidates)
		return snap_error_no_memory(err);
	size_t found = collect(elf, data, num, strings, candidates);
	qsort(candidates, found, sizeof(*candidates), compare);

	struct snap_symbol *symbols = calloc(found ? found : 1, sizeof(*symbols));
	if (!symbols) {
		free(candidates);
		return snap_error_no_memory(err);
	}
	size_t kept = 0;
	for (size_t i = 0; i < found; i++) {
		if (kept > 0 && symbols[kept - 1].start == candidates[i].symbol.start)
			continue;
		symbols[kept] = candidates[i].symbol;
		if (candidates[i].sizeless) {
			/* It reaches to the next one, or to the end of its section. */
			size_t next = i + 1;
			while (next < found && candidates[next].symbol.start == symbols[kept].start)
				next++;
			symbols[kept].end = candidates[i].section_end;
			if (next < found && candidates[next].symbol.start < symbols[kept].end)
				symbols[kept].end = candidates[next].symbol.start;
		}
		kept++;
	}
	table->symbols = symbols;
	table->num_symbols = kept;
	int r = index_names(table, candidates, found, err);
	free(candidates);
	return r;
}

void snap_symtab_deinit(struct snap_symtab *table)
{
	free(table->symbols);
	free(table->names);
	*table = (struct snap_symtab){0};
}

const struct snap_symbol *snap_symtab_find(const struct snap_symtab *table, uint64_t vaddr)
{
	size_t low = 0, high = table->num_symbols;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (table->symbols[mid].start <= vaddr)
			low = mid + 1;
		else
			high = mid;
	}
	for (size_t i = low; i > 0 && low - i < MAX_ENCLOSING; i--)
		if (vaddr < table->symbols[i - 1].end)
			return &table->symbols[i - 1];
	return NULL;
}
