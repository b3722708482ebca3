#include "analyze/symbols/object_data.h"

#include <stdlib.h>

#include <elf.h>
#include <gelf.h>

/* More than the largest programs have. */
#define MAX_SYMBOLS (4u << 20)

struct item {
	uint64_t start, end; /* start == end: of a linker script's symbol, which has no size */
	const char *name;
};

struct items {
	struct item *items; /* ascending by start */
	size_t num, capacity;
};

struct snap_object_data {
	struct items objects, marks;
};

static int compare(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	return x->start < y->start ? -1 : x->start > y->start;
}

static bool add(struct items *data, const struct item *item)
{
	if (data->num == data->capacity) {
		size_t capacity = data->capacity ? 2 * data->capacity : 256;
		struct item *items = reallocarray(data->items, capacity, sizeof(*items));
		if (!items)
			return false;
		data->items = items;
		data->capacity = capacity;
	}
	data->items[data->num++] = *item;
	return true;
}

/*
 * What firmware's linker scripts name: where memory begins and ends (_estack, __bss_start__). Mapping
 * symbols ("$d") name nothing.
 */
static bool is_mark(const struct snap_elf_file *file, const GElf_Sym *sym, const char *name)
{
	return file->elf_class == ELFCLASS32 && file->elf_type == ET_EXEC &&
	       GELF_ST_TYPE(sym->st_info) == STT_NOTYPE && sym->st_size == 0 &&
	       GELF_ST_BIND(sym->st_info) == STB_GLOBAL && sym->st_shndx != SHN_UNDEF &&
	       name[0] != '$';
}

static void read_table(struct snap_object_data *data, const struct snap_elf_file *file, uint32_t type)
{
	Elf *elf = file->elf;
	GElf_Shdr shdr;
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != type || shdr.sh_entsize == 0)
			continue;
		Elf_Data *bytes = elf_getdata(scn, NULL);
		size_t num = bytes ? bytes->d_size / shdr.sh_entsize : 0;
		for (size_t i = 0; i < num && i < MAX_SYMBOLS; i++) {
			GElf_Sym sym;
			if (!gelf_getsym(bytes, (int)i, &sym))
				continue;
			const char *name = elf_strptr(elf, shdr.sh_link, sym.st_name);
			bool is_object = GELF_ST_TYPE(sym.st_info) == STT_OBJECT &&
					 sym.st_size > 0 && sym.st_shndx != SHN_UNDEF &&
					 sym.st_shndx != SHN_ABS &&
					 sym.st_size <= UINT64_MAX - sym.st_value;
			if (!name || !*name || (!is_object && !is_mark(file, &sym, name)))
				continue;
			const struct item item = {
				sym.st_value, sym.st_value + sym.st_size, name};
			if (!add(is_object ? &data->objects : &data->marks, &item))
				return;
		}
		return;
	}
}

static void sort(struct items *items)
{
	if (items->num > 0)
		qsort(items->items, items->num, sizeof(*items->items), compare);
}

struct snap_object_data *snap_object_data_create(
	const struct snap_elf_file *const *files, size_t num_files)
{
	struct snap_object_data *data = calloc(1, sizeof(*data));
	if (!data)
		return NULL;
	for (size_t i = 0; i < num_files && data->objects.num == 0; i++)
		if (files[i] && files[i]->has_symtab)
			read_table(data, files[i], SHT_SYMTAB);
	for (size_t i = 0; i < num_files && data->objects.num == 0; i++)
		if (files[i] && files[i]->has_dynsym)
			read_table(data, files[i], SHT_DYNSYM);
	sort(&data->objects);
	sort(&data->marks);
	return data;
}

void snap_object_data_destroy(struct snap_object_data *data)
{
	if (!data)
		return;
	free(data->objects.items);
	free(data->marks.items);
	free(data);
}

/* The last one that starts at the address or below; NULL: none. */
static const struct item *last_below(const struct items *items, uint64_t vaddr)
{
	size_t low = 0, high = items->num;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (items->items[mid].start <= vaddr)
			low = mid + 1;
		else
			high = mid;
	}
	/* Of aliases, the last has it as well as any other. */
	return low > 0 ? &items->items[low - 1] : NULL;
}

bool snap_object_data_find(const struct snap_object_data *data, uint64_t vaddr,
	const char **ret_name, uint64_t *ret_start)
{
	const struct item *found = last_below(&data->objects, vaddr);
	if (!found || vaddr >= found->end) {
		found = last_below(&data->marks, vaddr);
		if (!found || found->start != vaddr)
			return false;
	}
	*ret_name = found->name;
	*ret_start = found->start;
	return true;
}
