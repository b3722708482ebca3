#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void fuzz_fail(const char *file, int line, const char *what)
{
	(void)fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	abort();
}

uint64_t fuzz_number(struct fuzz_input *input, unsigned int size)
{
	uint64_t value = 0;
	struct snap_bytes bytes = fuzz_bytes(input, size);
	for (size_t i = 0; i < bytes.len; i++)
		value |= (uint64_t)bytes.data[i] << 8 * i;
	return value;
}

struct snap_bytes fuzz_bytes(struct fuzz_input *input, size_t len)
{
	if (len > input->len)
		len = input->len;
	struct snap_bytes bytes = {input->data, len};
	input->data += len;
	input->len -= len;
	return bytes;
}

uint8_t *fuzz_copy(struct snap_bytes bytes)
{
	uint8_t *copy = malloc(bytes.len ? bytes.len : 1);
	FUZZ_REQUIRE(copy);
	if (bytes.len > 0)
		memcpy(copy, bytes.data, bytes.len);
	return copy;
}

static char file_path[4096];

const char *fuzz_file(const uint8_t *data, size_t len)
{
	static int fd = -1;
	if (fd < 0) {
		/* libFuzzer ends without atexit(3): who starts it removes the directory. */
		const char *dir = getenv("TMPDIR");
		(void)snprintf(file_path, sizeof(file_path), "%s/snapcrash-fuzz.XXXXXX",
			dir ? dir : "/dev/shm");
		fd = mkstemp(file_path);
		FUZZ_REQUIRE(fd >= 0);
	}
	FUZZ_REQUIRE(ftruncate(fd, 0) == 0);
	FUZZ_REQUIRE(pwrite(fd, data, len, 0) == (ssize_t)len);
	return file_path;
}

/* ---------------------------------------------------------------- ELF */

static void put(uint8_t *at, uint64_t value, unsigned int size)
{
	for (unsigned int i = 0; i < size; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

struct sizes {
	unsigned int word, ehdr, phdr, shdr;
};

static void put_phdr(
	uint8_t *at, const struct sizes *sizes, uint32_t type, uint64_t off, uint64_t len)
{
	bool is_64bit = sizes->word == 8;
	unsigned int word = sizes->word, first = is_64bit ? 8 : 4;
	put(at, type, 4);
	put(at + (is_64bit ? 4 : 24), 5, 4); /* PF_R | PF_X */
	put(at + first, off, word);
	put(at + first + word, off, word);
	put(at + first + 3 * word, len, word);
	put(at + first + 4 * word, len, word);
}

static void put_shdr(uint8_t *at, const struct sizes *sizes, uint32_t name,
	const struct fuzz_section *section, bool is_mapped)
{
	unsigned int word = sizes->word;
	put(at, name, 4);
	put(at + 4, section->type, 4);
	put(at + 8, is_mapped ? SHF_ALLOC : 0, word);
	put(at + 8 + word, is_mapped ? section->vaddr : 0, word);
	put(at + 8 + 2 * word, section->vaddr, word);
	put(at + 8 + 3 * word, section->bytes.len, word);
	put(at + 8 + 4 * word + 8, 1, word);
}

uint8_t *fuzz_elf_image(const struct fuzz_elf *elf, size_t *ret_len)
{
	bool is_64bit = elf->elf_class == ELFCLASS64;
	const struct sizes sizes =
		is_64bit ? (struct sizes){8, 64, 56, 64} : (struct sizes){4, 52, 32, 40};
	size_t end = 0x1000, num = elf->num_sections;
	for (size_t i = 0; i < num; i++)
		end = elf->sections[i].vaddr + elf->sections[i].bytes.len;
	char names[256] = "";
	size_t names_len = 1, at_names[FUZZ_MAX_SECTIONS];
	for (size_t i = 0; i < num; i++) {
		at_names[i] = names_len;
		names_len += strlen(strcpy(names + names_len, elf->sections[i].name)) + 1;
	}
	size_t headers = (end + names_len + 7) & ~(size_t)7;
	/* Nothing of what is tested stands last: the end of a mapped section is not the file's. */
	size_t len = headers + (num + 2) * sizes.shdr;
	uint8_t *image = calloc(1, len);
	FUZZ_REQUIRE(image);
	memcpy(image, ELFMAG, SELFMAG);
	image[EI_CLASS] = elf->elf_class;
	image[EI_DATA] = ELFDATA2LSB;
	image[EI_VERSION] = EV_CURRENT;
	put(image + 16, ET_DYN, 2);
	put(image + 18, elf->machine, 2);
	put(image + 20, EV_CURRENT, 4);
	put(image + 24 + sizes.word, sizes.ehdr, sizes.word);
	put(image + 24 + 2 * sizes.word, headers, sizes.word);
	uint8_t *rest = image + 24 + 3 * sizes.word + 4;
	const uint16_t counts[] = {(uint16_t)sizes.ehdr, (uint16_t)sizes.phdr, elf->segment ? 2 : 1,
		(uint16_t)sizes.shdr, (uint16_t)(num + 2), (uint16_t)(num + 1)};
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		put(rest + 2 * i, counts[i], 2);
	put_phdr(image + sizes.ehdr, &sizes, PT_LOAD, 0, end);
	if (elf->segment && num > 0)
		put_phdr(image + sizes.ehdr + sizes.phdr, &sizes, elf->segment,
			elf->sections[num - 1].vaddr, elf->sections[num - 1].bytes.len);
	for (size_t i = 0; i < num; i++) {
		const struct fuzz_section *section = &elf->sections[i];
		if (section->bytes.len > 0)
			memcpy(image + section->vaddr, section->bytes.data, section->bytes.len);
		put_shdr(image + headers + (i + 1) * sizes.shdr, &sizes, (uint32_t)at_names[i],
			section, true);
	}
	const struct fuzz_section strings = {"", SHT_STRTAB, end, {(uint8_t *)names, names_len}};
	memcpy(image + end, names, names_len);
	put_shdr(image + headers + (num + 1) * sizes.shdr, &sizes, 0, &strings, false);
	*ret_len = len;
	return image;
}
