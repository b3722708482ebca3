#include "common/abort_message.h"

#include <elf.h>
#include <string.h>

#include "common/elf_load.h"
#include "common/elf_symbol.h"

#define PAGE_BYTES 4096u
/* Images that are called like a C library; there may be some more in other namespaces (dlmopen). */
#define MAX_LIBRARIES 4
/* Of what may be the memory of a static program's message: areas looked at, and bytes of one. */
#define MAX_GUESSES	256
#define MAX_GUESS_BYTES (64u << 10)
/* A text that is shorter is none. */
#define MIN_GUESS_TEXT 8

void snap_abort_finder_init(struct snap_abort_finder *finder, snap_memory_read_fn *read, void *arg)
{
	*finder = (struct snap_abort_finder){.read = read, .arg = arg};
}

void snap_abort_finder_offer_mapping(
	struct snap_abort_finder *finder, const struct snap_mapping *mapping)
{
	if (snap_bytes_equal_str(mapping->path, "[anon: glibc: fatal]") ||
		snap_bytes_equal_str(mapping->path, "[anon: glibc: assert]"))
		finder->named_addr = mapping->start;
}

static bool is_c_library(struct snap_bytes path)
{
	const uint8_t *name = path.data;
	for (size_t i = 0; i < path.len; i++)
		if (path.data[i] == '/')
			name = path.data + i + 1;
	size_t len = path.len - (size_t)(name - path.data);
	/* libc.so.6, libc-2.31.so */
	return len > 5 && memcmp(name, "libc", 4) == 0 && (name[4] == '.' || name[4] == '-');
}

void snap_abort_finder_offer_image(struct snap_abort_finder *finder, struct snap_bytes path,
	const struct snap_elf_image *image)
{
	uint64_t variable;
	uint8_t pointer[8];
	unsigned int word = image->elf_class == ELFCLASS64 ? 8 : 4;
	if (!path.data || !is_c_library(path) || finder->num_libraries == MAX_LIBRARIES ||
		finder->library_addr != 0)
		return;
	finder->num_libraries++;
	if (snap_elf_symbol_find(finder->read, finder->arg, image, SNAP_ABORT_VARIABLE, &variable) < 0 ||
		finder->read(finder->arg, variable, pointer, word) != (ssize_t)word)
		return;
	finder->has_library = true;
	finder->library_addr = snap_elf_load(pointer, word, image->elf_data);
}

/* The text of the message at addr, and how many bytes its memory says that it has; false: none. */
static bool read_text(const struct snap_abort_finder *finder, uint64_t addr, uint8_t elf_data,
	uint8_t buf[static SNAP_MAX_ABORT_MESSAGE], size_t *ret_len, uint64_t *ret_size)
{
	uint8_t size_bytes[4];
	if (finder->read(finder->arg, addr, size_bytes, 4) != 4)
		return false;
	uint64_t size = snap_elf_load(size_bytes, 4, elf_data);
	size_t len = SNAP_MAX_ABORT_MESSAGE;
	if (size <= 4)
		return false;
	if (size - 4 < len)
		len = (size_t)(size - 4);
	ssize_t n = finder->read(finder->arg, addr + 4, buf, len);
	if (n <= 0)
		return false;
	const uint8_t *nul = memchr(buf, '\0', (size_t)n);
	*ret_len = nul ? (size_t)(nul - buf) : (size_t)n;
	*ret_size = size;
	return *ret_len > 0;
}

static bool is_text(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((p[i] < ' ' && p[i] != '\n' && p[i] != '\t') || p[i] == 0x7f)
			return false;
	return true;
}

/* The kernel puts new memory below what a process got last, so that it is where an area begins. */
static bool guess_text(const struct snap_abort_finder *finder, const struct snap_areas *areas,
	uint8_t elf_data, uint8_t buf[static SNAP_MAX_ABORT_MESSAGE], uint64_t *ret_addr,
	size_t *ret_len)
{
	const uint32_t kind = SNAP_MAPPING_READ | SNAP_MAPPING_WRITE;
	unsigned int num = 0;
	for (size_t i = 0; i < areas->num && num < MAX_GUESSES; i++) {
		const struct snap_area *area = &areas->areas[i];
		size_t len;
		uint64_t size;
		if (area->flags != kind)
			continue;
		num++;
		if (read_text(finder, area->start, elf_data, buf, &len, &size) &&
			size % PAGE_BYTES == 0 && size <= MAX_GUESS_BYTES &&
			size <= area->end - area->start && len >= MIN_GUESS_TEXT &&
			is_text(buf, len)) {
			*ret_addr = area->start;
			*ret_len = len;
			return true;
		}
	}
	return false;
}

bool snap_abort_message_read(const struct snap_abort_finder *finder, const struct snap_areas *areas,
	bool guess, uint8_t elf_data, uint8_t buf[static SNAP_MAX_ABORT_MESSAGE],
	struct snap_abort_message *ret)
{
	uint64_t addr = finder->library_addr != 0 ? finder->library_addr : finder->named_addr;
	uint64_t size;
	size_t len;
	bool found = addr != 0 && read_text(finder, addr, elf_data, buf, &len, &size);
	if (!found && guess && !finder->has_library)
		found = guess_text(finder, areas, elf_data, buf, &addr, &len);
	if (!found)
		return false;
	*ret = (struct snap_abort_message){
		.text = snap_bytes(buf, len),
		.source = SNAP_ABORT_C_LIBRARY,
		.has_address = true,
		.address = addr,
	};
	return true;
}
