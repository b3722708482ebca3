#include "analyze/convert/elf_build.h"

#include <elf.h>
#include <stdlib.h>

void snap_elf_build_init(struct snap_elf_build *build, uint8_t elf_class, uint8_t elf_data)
{
	*build = (struct snap_elf_build){.elf_class = elf_class, .elf_data = elf_data};
}

void snap_elf_build_deinit(struct snap_elf_build *build)
{
	free(build->data);
	*build = (struct snap_elf_build){0};
}

/* Room for len more bytes, zeroed; NULL if there is none. */
static uint8_t *extend(struct snap_elf_build *build, size_t len)
{
	if (build->failed)
		return NULL;
	if (len > build->capacity - build->len) {
		size_t capacity = build->capacity ? 2 * build->capacity : 4096;
		while (capacity - build->len < len)
			capacity *= 2;
		uint8_t *grown = realloc(build->data, capacity);
		if (!grown) {
			build->failed = true;
			return NULL;
		}
		build->data = grown;
		build->capacity = capacity;
	}
	uint8_t *at = build->data + build->len;
	memset(at, 0, len);
	build->len += len;
	return at;
}

static void store(
	const struct snap_elf_build *build, uint8_t *at, uint64_t value, unsigned int size)
{
	for (unsigned int i = 0; i < size; i++, value >>= 8)
		at[build->elf_data == ELFDATA2MSB ? size - 1 - i : i] = (uint8_t)value;
}

void snap_elf_build_number(struct snap_elf_build *build, uint64_t value, unsigned int size)
{
	uint8_t *at = extend(build, size);
	if (at)
		store(build, at, value, size);
}

void snap_elf_build_word(struct snap_elf_build *build, uint64_t value)
{
	snap_elf_build_number(build, value, snap_elf_build_word_size(build));
}

void snap_elf_build_bytes(struct snap_elf_build *build, struct snap_bytes bytes)
{
	snap_elf_build_field(build, bytes, bytes.len);
}

void snap_elf_build_field(struct snap_elf_build *build, struct snap_bytes bytes, size_t len)
{
	uint8_t *at = len > 0 ? extend(build, len) : NULL;
	if (at && bytes.len > 0)
		memcpy(at, bytes.data, bytes.len < len ? bytes.len : len);
}

void snap_elf_build_align(struct snap_elf_build *build, size_t align)
{
	size_t over = build->len % align;
	if (over > 0)
		(void)extend(build, align - over); /* remembers a failure */
}

void snap_elf_build_set(struct snap_elf_build *build, size_t off, uint64_t value, unsigned int size)
{
	if (!build->failed)
		store(build, build->data + off, value, size);
}
