#include "common/elf_symbol.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/elf_load.h"

/* More entries than any dynamic section has that a linker made. */
#define MAX_DYNAMIC 96
/* Symbols of one bucket; tables are made so that there are a few. */
#define MAX_CHAIN 256
/* Hashes that are read at once. */
#define CHAIN_PART 16

struct tables {
	snap_memory_read_fn *read;
	void *arg;
	const struct snap_elf_image *image;
	unsigned int word;
	uint64_t hash, symbols, strings; /* addresses in the process; 0: there is none */
};

static int read_all(const struct tables *t, uint64_t addr, void *buf, size_t len)
{
	ssize_t n = t->read(t->arg, addr, buf, len);
	if (n < 0)
		return (int)n;
	return (size_t)n == len ? 0 : -EFAULT;
}

static int read_number(const struct tables *t, uint64_t addr, unsigned int size, uint64_t *ret)
{
	uint8_t buf[8];
	int r = read_all(t, addr, buf, size);
	if (r == 0)
		*ret = snap_elf_load(buf, size, t->image->elf_data);
	return r;
}

/* A dynamic entry's pointer: glibc's dynamic linker puts the process's addresses there, on most
 * machines; others leave the file's. */
static uint64_t as_address(const struct tables *t, uint64_t value)
{
	const struct snap_elf_image *image = t->image;
	return value >= image->start && value < image->end ? value : value + image->load_bias;
}

static int read_dynamic(struct tables *t)
{
	uint8_t buf[MAX_DYNAMIC * sizeof(Elf64_Dyn)];
	const struct snap_elf_image *image = t->image;
	size_t entry = 2 * t->word, len = MAX_DYNAMIC * entry;
	if (image->dynamic_len < len)
		len = (size_t)image->dynamic_len / entry * entry;
	int r = read_all(t, image->dynamic_addr, buf, len);
	if (r < 0)
		return r;
	for (size_t at = 0; at + entry <= len; at += entry) {
		uint64_t tag = snap_elf_load(buf + at, t->word, image->elf_data);
		uint64_t value = snap_elf_load(buf + at + t->word, t->word, image->elf_data);
		if (tag == DT_NULL)
			break;
		if (tag == DT_GNU_HASH)
			t->hash = as_address(t, value);
		else if (tag == DT_SYMTAB)
			t->symbols = as_address(t, value);
		else if (tag == DT_STRTAB)
			t->strings = as_address(t, value);
	}
	return t->hash && t->symbols && t->strings ? 0 : -ENOENT;
}

/* Whether the index-th symbol is the one: 1, 0, or a negative errno. */
static int is_symbol(const struct tables *t, uint64_t index, const char *name, uint64_t *ret)
{
	uint8_t sym[sizeof(Elf64_Sym)];
	char found[SNAP_ELF_SYMBOL_NAME_MAX + 1];
	uint8_t class = t->image->elf_class, data = t->image->elf_data;
	size_t size = class == ELFCLASS64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	size_t len = strlen(name) + 1;
	int r = read_all(t, t->symbols + index * size, sym, size);
	if (r < 0)
		return r;
	uint64_t name_off = SNAP_ELF_CLASS_MEMBER(sym, Sym, st_name, class, data);
	r = read_all(t, t->strings + name_off, found, len);
	if (r < 0)
		return r;
	if (memcmp(found, name, len) != 0 ||
		SNAP_ELF_CLASS_MEMBER(sym, Sym, st_shndx, class, data) == SHN_UNDEF)
		return 0;
	*ret = SNAP_ELF_CLASS_MEMBER(sym, Sym, st_value, class, data) + t->image->load_bias;
	return 1;
}

static uint32_t gnu_hash(const char *name)
{
	uint32_t hash = 5381;
	for (; *name; name++)
		hash = hash * 33 + (uint8_t)*name;
	return hash;
}

/* u32 nbuckets, symoffset, bloom_size, bloom_shift; bloom_size words; nbuckets u32, the first
 * symbol of each; then of each symbol from symoffset on its hash, whose bit 0 ends the bucket. */
static int search(const struct tables *t, const char *name, uint64_t *ret)
{
	uint8_t header[16];
	uint8_t data = t->image->elf_data;
	int r = read_all(t, t->hash, header, sizeof(header));
	if (r < 0)
		return r;
	uint64_t num_buckets = snap_elf_load(header, 4, data);
	uint64_t first_symbol = snap_elf_load(header + 4, 4, data);
	uint64_t buckets = t->hash + sizeof(header) + snap_elf_load(header + 8, 4, data) * t->word;
	uint64_t chains = buckets + 4 * num_buckets, index = 0;
	uint32_t hash = gnu_hash(name);
	if (num_buckets == 0)
		return -ENOENT;
	r = read_number(t, buckets + 4 * (hash % num_buckets), 4, &index);
	if (r < 0)
		return r;
	if (index < first_symbol)
		return -ENOENT;
	for (unsigned int done = 0; done < MAX_CHAIN; done += CHAIN_PART) {
		uint8_t part[4 * CHAIN_PART];
		ssize_t n =
			t->read(t->arg, chains + 4 * (index - first_symbol), part, sizeof(part));
		if (n < 4)
			return n < 0 ? (int)n : -EFAULT;
		for (size_t at = 0; at + 4 <= (size_t)n; at += 4, index++) {
			uint32_t found = (uint32_t)snap_elf_load(part + at, 4, data);
			r = (found | 1) == (hash | 1) ? is_symbol(t, index, name, ret) : 0;
			if (r != 0)
				return r < 0 ? r : 0;
			if (found & 1)
				return -ENOENT;
		}
		if ((size_t)n < sizeof(part))
			return -EFAULT;
	}
	return -ENOENT;
}

int snap_elf_symbol_find(snap_memory_read_fn *read, void *arg, const struct snap_elf_image *image,
	const char *name, uint64_t *ret)
{
	struct tables t = {
		.read = read,
		.arg = arg,
		.image = image,
		.word = image->elf_class == ELFCLASS64 ? 8 : 4,
	};
	if (strlen(name) > SNAP_ELF_SYMBOL_NAME_MAX)
		return -EINVAL;
	if (image->dynamic_addr == 0)
		return -ENOENT;
	int r = read_dynamic(&t);
	return r < 0 ? r : search(&t, name, ret);
}
