#include "analyze/symbols/object_data.h"

#include <stdlib.h>

#include <elf.h>
#include <gelf.h>

/* More than the largest programs have. */
#define MAX_SYMBOLS (4u << 20)

struct item {
	uint64_t start, end;
	const char *name;
};

struct snap_object_data {
	struct item *items; /* ascending by start */
	size_t num, capacity;
};

static int compare(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	return x->start < y->start ? -1 : x->start > y->start;
}

static bool add(struct snap_object_data *data, const struct item *item)
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

static void read_table(struct snap_object_data *data, Elf *elf, uint32_t type)
{
	GElf_Shdr shdr;
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != type || shdr.sh_entsize == 0)
			continue;
		Elf_Data *bytes = elf_getdata(scn, NULL);
		size_t num = bytes ? bytes->d_size / shdr.sh_entsize : 0;
		for (size_t i = 0; i < num && i < MAX_SYMBOLS; i++) {
			GElf_Sym sym;
			if (!gelf_getsym(bytes, (int)i, &sym) ||
				GELF_ST_TYPE(sym.st_info) != STT_OBJECT || sym.st_size == 0 ||
				sym.st_shndx == SHN_UNDEF || sym.st_shndx == SHN_ABS ||
				sym.st_size > UINT64_MAX - sym.st_value)
				continue;
			const struct item item = {sym.st_value, sym.st_value + sym.st_size,
				elf_strptr(elf, shdr.sh_link, sym.st_name)};
			if (item.name && *item.name && !add(data, &item))
				return;
		}
		return;
	}
}

struct snap_object_data *snap_object_data_create(
	const struct snap_elf_file *const *files, size_t num_files)
{
	struct snap_object_data *data = calloc(1, sizeof(*data));
	if (!data)
		return NULL;
	for (size_t i = 0; i < num_files && data->num == 0; i++)
		if (files[i] && files[i]->has_symtab)
			read_table(data, files[i]->elf, SHT_SYMTAB);
	for (size_t i = 0; i < num_files && data->num == 0; i++)
		if (files[i] && files[i]->has_dynsym)
			read_table(data, files[i]->elf, SHT_DYNSYM);
	if (data->num > 0)
		qsort(data->items, data->num, sizeof(*data->items), compare);
	return data;
}

void snap_object_data_destroy(struct snap_object_data *data)
{
	if (!data)
		return;
	free(data->items);
	free(data);
}

bool snap_object_data_find(const struct snap_object_data *data, uint64_t vaddr,
	const char **ret_name, uint64_t *ret_start)
{
	size_t low = 0, high = data->num;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (data->items[mid].start <= vaddr)
			low = mid + 1;
		else
			high = mid;
	}
	/* Of aliases, the last has it as well as any other. */
	if (low == 0 || vaddr >= data->items[low - 1].end)
		return false;
	*ret_name = data->items[low - 1].name;
	*ret_start = data->items[low - 1].start;
	return true;
}
