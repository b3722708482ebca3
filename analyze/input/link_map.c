#include "analyze/input/link_map.h"

#include <elf.h>
#include <string.h>

#include "common/elf_load.h"

/* The largest programs load some thousands. */
#define MAX_MAPS       16384u
#define MAX_NAMESPACES 64u
/* Entries of a dynamic section: 40 are many. */
#define MAX_DYNAMIC 1024u
#define MAX_NAME    4096u

int snap_process_read_string(const struct snap_process_memory *process, uint64_t addr,
	struct snap_arena *arena, struct snap_bytes *ret, struct snap_error *err)
{
	uint8_t buf[MAX_NAME];
	*ret = snap_bytes(NULL, 0);
	if (addr == 0)
		return 0;
	ssize_t n = snap_memory_read(process->memory, addr, buf, sizeof(buf));
	const uint8_t *end = n > 0 ? memchr(buf, '\0', (size_t)n) : NULL;
	if (!end)
		return 0;
	size_t len = (size_t)(end - buf);
	const char *copy = snap_arena_copy(arena, snap_bytes(buf, len));
	if (!copy)
		return snap_error_no_memory(err);
	*ret = snap_bytes(copy, len);
	return 0;
}

/* The address of struct r_debug, as the dynamic linker left it in the dynamic section. */
static bool find_r_debug(
	const struct snap_process_memory *process, const struct snap_exe_image *exe, uint64_t *ret)
{
	unsigned int word = snap_process_word(process);
	uint64_t num = exe->dynamic_len / (2 * word);
	for (uint64_t i = 0; i < num && i < MAX_DYNAMIC; i++) {
		uint64_t addr = exe->dynamic_addr + i * 2 * word, tag, value;
		if (!snap_process_read_word(process, addr, &tag) ||
			!snap_process_read_word(process, addr + word, &value) || tag == DT_NULL)
			return false;
		if (tag == DT_DEBUG) {
			*ret = value;
			return value != 0;
		}
		/* MIPS's dynamic section is not writable: the pointer stands elsewhere. */
		if (process->elf_machine == EM_MIPS && tag == DT_MIPS_RLD_MAP)
			return snap_process_read_word(process, value, ret) && *ret != 0;
		if (process->elf_machine == EM_MIPS && tag == DT_MIPS_RLD_MAP_REL)
			return snap_process_read_word(process, addr + value, ret) && *ret != 0;
	}
	return false;
}

struct reader {
	const struct snap_process_memory *process;
	struct snap_arena *arena;
	struct snap_link_maps *maps;
	size_t capacity;
};

/* struct link_map: l_addr, l_name, l_ld, l_next, l_prev. */
enum { L_ADDR, L_NAME, L_LD, L_NEXT, L_PREV, NUM_WORDS };

static int append(struct reader *r, const uint64_t *words, struct snap_error *err)
{
	struct snap_link_map map = {.load_bias = words[L_ADDR], .dynamic_addr = words[L_LD]};
	if (snap_process_read_string(r->process, words[L_NAME], r->arena, &map.name, err) < 0)
		return -1;
	struct snap_link_map *grown = snap_arena_grow(
		r->arena, r->maps->maps, r->maps->num, &r->capacity, sizeof(*grown));
	if (!grown)
		return snap_error_no_memory(err);
	r->maps->maps = grown;
	grown[r->maps->num++] = map;
	return 0;
}

/*
 * One list. Each entry must name the one before it: such a list can't lead back into itself, since
 * an entry has one predecessor only, and the first has none.
 */
static int read_list(struct reader *r, uint64_t first, struct snap_error *err)
{
	unsigned int word = snap_process_word(r->process);
	uint64_t before = 0;
	for (uint64_t addr = first; addr != 0;) {
		uint64_t words[NUM_WORDS];
		if (r->maps->num == MAX_MAPS) {
			r->maps->broken = "it has more entries than are read";
			return 0;
		}
		for (unsigned int i = 0; i < NUM_WORDS; i++) {
			if (!snap_process_read_word(r->process, addr + i * word, &words[i])) {
				r->maps->broken = "a part of it was not captured";
				return 0;
			}
		}
		if (words[L_PREV] != before) {
			r->maps->broken = "an entry does not fit to the one before it";
			return 0;
		}
		if (append(r, words, err) < 0)
			return -1;
		before = addr;
		addr = words[L_NEXT];
	}
	return 0;
}

int snap_link_maps_read(const struct snap_process_memory *process, const struct snap_exe_image *exe,
	struct snap_arena *arena, struct snap_link_maps *ret, struct snap_error *err)
{
	/* struct r_debug: an int, padded; r_map, r_brk; an int, padded; r_ldbase; of version 2
	 * also r_next. */
	enum { R_MAP = 1, R_NEXT = 5 };
	unsigned int word = snap_process_word(process);
	struct reader r = {.process = process, .arena = arena, .maps = ret};
	uint64_t addr;
	*ret = (struct snap_link_maps){0};
	if (exe->dynamic_addr == 0 || !find_r_debug(process, exe, &addr))
		return 0;
	for (unsigned int i = 0; addr != 0 && !ret->broken; i++) {
		uint8_t version[4];
		uint64_t first;
		if (i == MAX_NAMESPACES) {
			ret->broken = "it has more namespaces than are read";
			break;
		}
		if (!snap_memory_read_all(process->memory, addr, version, sizeof(version)) ||
			!snap_process_read_word(process, addr + R_MAP * word, &first)) {
			ret->broken = "its head was not captured";
			break;
		}
		if (read_list(&r, first, err) < 0)
			return -1;
		if (snap_elf_load(version, sizeof(version), process->elf_data) < 2 ||
			!snap_process_read_word(process, addr + R_NEXT * word, &addr))
			break;
	}
	return 0;
}
