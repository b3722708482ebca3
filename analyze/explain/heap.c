#include "analyze/explain/heap.h"

#include <elf.h>
#include <inttypes.h>
#include <string.h>

#include "analyze/explain/address.h"
#include "analyze/explain/fault.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Functions of glibc's allocator that go by what it keeps beside the blocks. */
static const char *const inner[] = {"_int_free", "_int_free_chunk", "_int_free_create_chunk",
	"_int_free_maybe_consolidate", "_int_free_merge_chunk", "_int_malloc", "_int_memalign",
	"_int_realloc", "malloc_consolidate", "sysmalloc", "systrim", "tcache_get", "tcache_get_n",
	"tcache_put", "unlink_chunk", "heap_trim"};
/* And those that begin with what the program gives them: a block's address. */
static const char *const outer[] = {"free", "cfree", "realloc", "malloc_usable_size"};

static bool is_among(const char *const *names, size_t num, const char *name)
{
	for (size_t i = 0; i < num; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* Without what glibc's own names of public functions begin with. */
static const char *public_name(const char *name)
{
	static const char *const prefixes[] = {"__GI_", "__libc_"};
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			name += strlen(prefixes[i]);
	return name;
}

/* ---------------------------------------------------------------- freed blocks */

static bool read_word(struct snap_crash *crash, uint64_t addr, uint64_t *ret)
{
	uint8_t bytes[8];
	if (!snap_memory_read_all(&crash->memory, addr, bytes, sizeof(bytes)))
		return false;
	*ret = snap_arch_load(crash->arch, bytes, sizeof(bytes));
	return true;
}

static bool is_in_data_of_libc(const struct snap_crash *crash, uint64_t addr)
{
	const struct snap_mapping *mapping = snap_crash_mapping_at(crash, addr);
	const struct snap_crash_module *module = snap_crash_module_at(crash, addr);
	struct snap_bytes name = module ? snap_path_name(module->record.path) : snap_bytes(NULL, 0);
	return mapping && mapping->has_permissions && mapping->permissions & SNAP_MAPPING_WRITE &&
	       name.len >= 5 &&
	       (memcmp(name.data, "libc.", 5) == 0 || memcmp(name.data, "libc-", 5) == 0);
}

/*
 * Whether the block at addr, of which the first two words are given, is in one of the allocator's
 * lists. Of small blocks: the address of the next one, with bits of its own address over it (since
 * 2.32), and a key; of large ones: the next and the one before, at the ends of the list in libc's
 * own data.
 */
static bool is_freed(const struct snap_crash *crash, const struct snap_mapping *mapping,
	uint64_t addr, const uint64_t words[2])
{
	uint64_t next = words[0] ^ addr >> 12;
	bool is_next =
		next == 0 || (next % 16 == 0 && next >= mapping->start && next < mapping->end);
	/* Zeros and small numbers are no such link: they leave the address's own bits. */
	if (words[0] != 0 && is_next && words[1] != 0)
		return true;
	/* Before 2.34 the key is the address of the thread's cache, the first block of its heap. */
	if (words[1] == mapping->start + 16 &&
		(words[0] == 0 || (words[0] >= mapping->start && words[0] < mapping->end)))
		return true;
	return is_in_data_of_libc(crash, words[0]) && is_in_data_of_libc(crash, words[1]);
}

/* Memory that an allocator can have given out. */
static const struct snap_mapping *heap_at(const struct snap_crash *crash, uint64_t addr)
{
	const uint32_t wanted = SNAP_MAPPING_READ | SNAP_MAPPING_WRITE;
	const struct snap_mapping *mapping = snap_crash_mapping_at(crash, addr);
	bool is_heap = mapping && mapping->has_permissions &&
		       (mapping->permissions & wanted) == wanted &&
		       (mapping->path.len == 0 || snap_bytes_equal_str(mapping->path, "[heap]"));
	return is_heap ? mapping : NULL;
}

/* Whether a value led to the crash: the pointer, or the address that was jumped to. */
static bool led_astray(const struct snap_evidence *e, uint64_t value)
{
	if (e->crash->cause.kind == SNAP_KIND_EXEC_BAD_PC)
		return value == e->pc;
	return (e->operand && e->operand->has_address && e->operand->base.index >= 0 &&
		       value == e->operand->base_value) ||
	       (e->is_refused_target && value == e->fault);
}

/* Or, in between, stands in a register, as the table of functions that was read from the block. */
static bool is_in_register(const struct snap_evidence *e, uint64_t value)
{
	const struct snap_arch *arch = e->crash->arch;
	for (unsigned int i = 0; i < arch->num_regs; i++) {
		uint64_t other;
		if (snap_arch_reg_get(arch, i, e->pr_reg.data, e->pr_reg.len, &other) &&
			other == value)
			return true;
	}
	return false;
}

/* A register that leads to a freed block, from which the bad pointer was read. */
static void find_freed(struct snap_evidence *e)
{
	struct snap_crash *crash = e->crash;
	const struct snap_arch *arch = crash->arch;
	if (!arch || arch->elf_class != ELFCLASS64 || !e->pr_reg.data)
		return;
	for (unsigned int i = 0; i < arch->num_regs; i++) {
		uint64_t addr, words[2];
		const struct snap_mapping *mapping;
		if (i == arch->sp || i == arch->pc ||
			!snap_arch_reg_get(arch, i, e->pr_reg.data, e->pr_reg.len, &addr) ||
			addr % 16 != 0 || !(mapping = heap_at(crash, addr)) ||
			!read_word(crash, addr, &words[0]) ||
			!read_word(crash, addr + 8, &words[1]) ||
			!is_freed(crash, mapping, addr, words))
			continue;
		if (!led_astray(e, words[0]) && !led_astray(e, words[1]) &&
			!(is_in_data_of_libc(crash, words[0]) && is_in_register(e, words[0])))
			continue;
		e->heap = SNAP_HEAP_FREED;
		e->freed = addr;
		e->freed_register = arch->regs[i].name;
		return;
	}
}

/* ---------------------------------------------------------------- the whole */

void snap_heap_find(struct snap_evidence *e)
{
	const struct snap_crash_thread *thread = e->thread;
	if (!thread || e->is_misaligned)
		return;
	if (!snap_fault_is_null(e) || e->crash->cause.kind == SNAP_KIND_EXEC_BAD_PC)
		find_freed(e);
	if (e->heap != SNAP_HEAP_PLAIN || e->crash->cause.kind == SNAP_KIND_EXEC_BAD_PC)
		return;
	/* The innermost frame with what is inlined into it. */
	for (size_t i = 0; i < thread->num_listed && thread->listed[i].frame == 0; i++) {
		const char *name = thread->listed[i].function;
		if (!name)
			continue;
		name = public_name(name);
		if (is_among(inner, ARRAY_LEN(inner), name))
			e->heap = SNAP_HEAP_BOOKS;
		else if (is_among(outer, ARRAY_LEN(outer), name))
			e->heap = SNAP_HEAP_BAD_FREE;
		else
			continue;
		e->heap_function = name;
		return;
	}
}

const char *snap_heap_words(const struct snap_evidence *e)
{
	switch (e->heap) {
	case SNAP_HEAP_PLAIN:
		break;
	case SNAP_HEAP_BOOKS:
		return snap_crash_format(e->crash,
			"; the allocator itself (%s) went astray: most likely the program "
			"overwrote "
			"what it keeps beside the blocks of the heap or in freed ones",
			e->heap_function);
	case SNAP_HEAP_BAD_FREE:
		return snap_crash_format(e->crash,
			"; %s() was most likely given a pointer that is none of the allocator's",
			e->heap_function);
	case SNAP_HEAP_FREED:
		return snap_crash_format(e->crash,
			"; it was most likely read from a block of the heap that was freed before: "
			"at 0x%" PRIx64 ", to which %s leads, stands what the allocator keeps in "
			"such blocks (a use after free)",
			e->freed, e->freed_register);
	}
	return "";
}
