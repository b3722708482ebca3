#include "analyze/explain/address.h"

#include <elf.h>
#include <inttypes.h>
#include <string.h>

#include "analyze/explain/evidence.h"
#include "analyze/explain/stack_overflow.h"
#include "analyze/symbols/object.h"

/* An access so close to a mapping is worth saying so. */
#define NEAR_MAPPING (64u << 10)
/* So many threads are looked at for whose stack a mapping is. */
#define MAX_THREADS 4096

struct snap_bytes snap_path_name(struct snap_bytes path)
{
	const void *slash = path.len > 0 ? memrchr(path.data, '/', path.len) : NULL;
	if (!slash)
		return path;
	size_t skip = (size_t)((const uint8_t *)slash - path.data) + 1;
	return snap_bytes(path.data + skip, path.len - skip);
}

static const char *permission_words(const struct snap_mapping *mapping)
{
	if (!mapping->has_permissions)
		return "memory";
	bool r = mapping->permissions & SNAP_MAPPING_READ;
	bool w = mapping->permissions & SNAP_MAPPING_WRITE;
	bool x = mapping->permissions & SNAP_MAPPING_EXEC;
	return !r && !w && !x ? "inaccessible memory"
	       : w && x	      ? "writable and executable memory"
	       : w	      ? "writable, non-executable memory"
	       : x	      ? "executable, read-only memory"
			      : "read-only memory";
}

static bool is_inaccessible(const struct snap_mapping *mapping)
{
	return mapping->has_permissions &&
	       !(mapping->permissions &
		       (SNAP_MAPPING_READ | SNAP_MAPPING_WRITE | SNAP_MAPPING_EXEC));
}

static bool is_read_only(const struct snap_mapping *mapping)
{
	return mapping->has_permissions && !(mapping->permissions & SNAP_MAPPING_WRITE);
}

/* Microcontrollers tell where each thread's stack is. */
static bool is_stack_of(const struct snap_thread *thread, const struct snap_mapping *mapping)
{
	return thread->has_stack_start && thread->has_stack_end &&
	       mapping->start >= thread->stack_end && mapping->end <= thread->stack_start;
}

/* The thread whose stack pointer is in a mapping; NULL: none is known. */
static const struct snap_crash_thread *thread_on(
	const struct snap_crash *crash, const struct snap_mapping *mapping)
{
	const struct snap_arch *arch = crash->arch;
	for (size_t i = 0; arch && i < crash->num_threads && i < MAX_THREADS; i++) {
		const struct snap_crash_thread *thread = &crash->threads[i];
		uint64_t sp;
		if (crash->device.is_device) {
			if (is_stack_of(&thread->record, mapping))
				return thread;
			continue;
		}
		if (thread->pr_reg.data && thread->record.has_tid &&
			snap_arch_reg_get(
				arch, arch->sp, thread->pr_reg.data, thread->pr_reg.len, &sp) &&
			sp >= mapping->start && sp < mapping->end)
			return thread;
	}
	return NULL;
}

/* "thread 12 'worker'". */
static const char *thread_words(struct snap_crash *crash, const struct snap_crash_thread *thread)
{
	if (!thread->record.has_tid)
		return thread->record.name.len == 0 ? "a thread without a name"
						    : snap_crash_format(crash, "thread '%.*s'",
							      SNAP_NAME_ARGS(thread->record.name));
	if (thread->record.name.len == 0)
		return snap_crash_format(crash, "thread %" PRIu64, thread->record.tid);
	return snap_crash_format(crash, "thread %" PRIu64 " '%.*s'", thread->record.tid,
		SNAP_NAME_ARGS(thread->record.name));
}

static bool is_file(const struct snap_mapping *mapping)
{
	return mapping->path.len > 0 && mapping->path.data[0] == '/';
}

/* The stack that a thread has in this anonymous memory, or in what is above it. */
static const char *stack_words(struct snap_crash *crash, const struct snap_mapping *mapping)
{
	bool is_guard =
		crash->device.is_device ? is_inaccessible(mapping) : snap_is_guard(crash, mapping);
	const struct snap_mapping *stack = mapping;
	if (is_guard) {
		stack = mapping + 1;
		if (stack >= crash->mappings + crash->num_mappings ||
			stack->start != mapping->end || is_inaccessible(stack))
			return NULL;
	}
	/* A stack pointer may be in it, but nothing was ever pushed there. */
	if (!crash->device.is_device && is_read_only(stack))
		return NULL;
	/* Threads' stacks have their own memory; a file's is what a program put its stack pointer
	 * to. */
	const struct snap_crash_thread *thread = is_file(stack) ? NULL : thread_on(crash, stack);
	const char *words = thread ? thread_words(crash, thread) : NULL;
	if (!words)
		return NULL;
	return snap_crash_format(crash,
		is_guard ? "the guard page below the stack of %s" : "the stack of %s", words);
}

const char *snap_address_section(const struct snap_crash *crash, uint64_t addr)
{
	const struct snap_crash_module *module = snap_crash_module_at(crash, addr);
	return module && module->object && module->record.has_load_bias
		       ? snap_object_section(module->object, addr - module->record.load_bias)
		       : NULL;
}

/* "read-only memory of libfoo.so, section .rodata". addr: in it, or NULL for no particular one. */
static const char *mapping_words(
	struct snap_crash *crash, const struct snap_mapping *mapping, const uint64_t *addr)
{
	const char *access = permission_words(mapping);
	struct snap_bytes name = snap_path_name(mapping->path);
	if (snap_bytes_equal_str(name, "[stack]"))
		return snap_crash_format(crash, "the main thread's stack (%s)", access);
	if (snap_bytes_equal_str(name, "[heap]"))
		return snap_crash_format(crash, "the heap (%s)", access);
	const char *stack = is_file(mapping) ? NULL : stack_words(crash, mapping);
	if (stack)
		return snap_crash_format(crash, "%s (%s)", stack, access);
	if (name.len == 0)
		return is_inaccessible(mapping)
			       ? "memory that is set aside and inaccessible (a guard page or a "
				 "reservation)"
			       : access;
	const char *section = addr ? snap_address_section(crash, *addr) : NULL;
	return snap_crash_format(crash, "%s of %.*s%s%.60s", access, SNAP_NAME_ARGS(name),
		section ? ", section " : "", section ? section : "");
}

/* The mappings next to an address that is in none, and how far they are; UINT64_MAX: there is none.
 */
struct neighbours {
	const struct snap_mapping *below, *above;
	uint64_t past, before;
};

static struct neighbours find_neighbours(const struct snap_crash *crash, uint64_t addr)
{
	size_t low = 0, high = crash->num_mappings;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (crash->mappings[mid].start <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	struct neighbours n = {.past = UINT64_MAX, .before = UINT64_MAX};
	if (low > 0 && addr >= crash->mappings[low - 1].end) {
		n.below = &crash->mappings[low - 1];
		n.past = addr - n.below->end;
	}
	if (low < crash->num_mappings) {
		n.above = &crash->mappings[low];
		n.before = n.above->start - addr;
	}
	return n;
}

bool snap_address_has_neighbour(const struct snap_crash *crash, uint64_t addr)
{
	struct neighbours n = find_neighbours(crash, addr);
	return n.past < NEAR_MAPPING || n.before <= NEAR_MAPPING;
}

/* ", 16 bytes past the end of the heap (...)"; "" if no mapping is near. */
static const char *neighbour_words(struct snap_crash *crash, uint64_t addr)
{
	struct neighbours n = find_neighbours(crash, addr);
	const char *words;
	if (n.past < NEAR_MAPPING && n.past <= n.before) {
		words = mapping_words(crash, n.below, NULL);
		return words && n.past == 0
			       ? snap_crash_format(crash, ", right past the end of %s", words)
		       : words ? snap_crash_format(crash, ", %" PRIu64 " byte%s past the end of %s",
					 n.past, n.past == 1 ? "" : "s", words)
			       : NULL;
	}
	if (n.before <= NEAR_MAPPING) {
		words = mapping_words(crash, n.above, NULL);
		return words ? snap_crash_format(crash,
				       ", %" PRIu64 " byte%s before the start of %s", n.before,
				       n.before == 1 ? "" : "s", words)
			     : NULL;
	}
	return "";
}

/* " (vectors+0x8)": the firmware's name for an address; "" if it has none. */
static const char *firmware_words(struct snap_crash *crash, uint64_t addr)
{
	const struct snap_crash_module *module = snap_crash_module_at(crash, addr);
	const char *name;
	uint64_t start;
	if (!crash->device.is_device || !module || !module->object ||
		!snap_object_data_at(module->object, addr, &name, &start))
		return "";
	return addr > start
		       ? snap_crash_format(crash, " (%.200s+0x%" PRIx64 ")", name, addr - start)
		       : snap_crash_format(crash, " (%.200s)", name);
}

/* The memory that the program has given a name to; NULL: none is there. */
static const struct snap_memory_range *region_at(const struct snap_crash *crash, uint64_t addr)
{
	for (size_t i = 0; i < crash->num_regions; i++)
		if (addr - crash->regions[i].address < crash->regions[i].data.len)
			return &crash->regions[i];
	return NULL;
}

const char *snap_region_words(struct snap_crash *crash, uint64_t addr)
{
	const struct snap_memory_range *region = region_at(crash, addr);
	if (!region)
		return "";
	const char *who = crash->device.is_device ? "firmware" : "program";
	return addr > region->address
		       ? snap_crash_format(crash, ", at +0x%" PRIx64 " in what the %s calls '%.*s'",
				 addr - region->address, who, SNAP_NAME_ARGS(region->name))
		       : snap_crash_format(crash, ", where what the %s calls '%.*s' begins", who,
				 SNAP_NAME_ARGS(region->name));
}

const char *snap_address_words(struct snap_crash *crash, uint64_t addr, bool unmapped_known)
{
	const struct snap_mapping *mapping = snap_crash_mapping_at(crash, addr);
	const char *region = snap_region_words(crash, addr);
	if (!region)
		return NULL;
	if (mapping) {
		const char *words = mapping_words(crash, mapping, &addr);
		const char *name = firmware_words(crash, addr);
		return words && name ? snap_crash_format(crash, "which lies in %s%s%s", words, name,
					       region)
				     : NULL;
	}
	if (*region)
		return snap_crash_format(crash, "which lies in captured memory%s", region);
	/* The upper half of 64 bits is never a program's. */
	if (crash->arch && crash->arch->elf_class == ELFCLASS64 && addr >> 63)
		return "which belongs to the kernel, not to programs";
	if (unmapped_known && addr >= SNAP_NULL_END && crash->num_mappings > 0) {
		const char *near = neighbour_words(crash, addr);
		return near ? snap_crash_format(crash, "which is not mapped%s", near) : NULL;
	}
	return unmapped_known ? "which is not mapped"
			      : "of which the input does not say what was mapped there";
}

const char *snap_address_place(struct snap_crash *crash, uint64_t addr)
{
	const struct snap_mapping *mapping = snap_crash_mapping_at(crash, addr);
	const char *words = mapping ? mapping_words(crash, mapping, &addr) : "captured memory";
	const char *region = snap_region_words(crash, addr);
	return words && region && *region ? snap_crash_format(crash, "%s%s", words, region)
	       : region			  ? words
					  : NULL;
}
