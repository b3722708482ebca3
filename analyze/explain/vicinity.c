#include "analyze/explain/vicinity.h"

#include <inttypes.h>
#include <stdlib.h>

#include "analyze/explain/address.h"
#include "analyze/symbols/object.h"

#define LINE	 SNAP_VICINITY_LINE
#define ABOVE_SP 256
/* What is so low is no pointer: counts, descriptors, flags. */
#define LOWEST_ADDR 4096

/* "value+0x10", of code or data; "" if no symbol is there; NULL without memory. */
static const char *symbol_words(struct snap_crash *crash, uint64_t addr)
{
	struct snap_crash_module *module = snap_crash_module_at(crash, addr);
	const struct snap_mapping *mapping = snap_crash_mapping_at(crash, addr);
	if (!module || !module->object || !module->record.has_load_bias)
		return "";
	const char *name = NULL;
	uint64_t vaddr = addr - module->record.load_bias, start, end;
	if (!mapping || !mapping->has_permissions || mapping->permissions & SNAP_MAPPING_EXEC) {
		size_t num;
		const struct snap_source_frame *frames =
			snap_object_find(module->object, vaddr, &num);
		if (num > 0 && snap_object_function(module->object, vaddr, &start, &end))
			name = frames[num - 1].function;
	}
	if (!name && !snap_object_data_at(module->object, vaddr, &name, &start))
		return "";
	if (!name)
		return "";
	return vaddr > start
		       ? snap_crash_format(crash, "%.200s+0x%" PRIx64 ", ", name, vaddr - start)
		       : snap_crash_format(crash, "%.200s, ", name);
}

static const char *pointer_words(struct snap_crash *crash, uint64_t addr)
{
	const char *place = snap_address_place(crash, addr);
	const char *symbol = symbol_words(crash, addr);
	return place && symbol ? snap_crash_format(crash, "%s%s", symbol, place) : NULL;
}

struct lines {
	struct snap_memory_line *list;
	size_t num, capacity;
};

/* Those of the captured bytes from addr - below on, whole lines, up to addr + above. */
static int add_lines(struct snap_crash *crash, struct lines *lines, uint64_t addr, uint64_t below,
	uint64_t above, struct snap_error *err)
{
	uint64_t start = addr > below ? addr - below : 0;
	uint64_t last = addr > UINT64_MAX - above ? UINT64_MAX : addr + above - 1;
	for (uint64_t at = start - start % LINE; at <= last; at += LINE) {
		struct snap_memory_line line = {.addr = at};
		for (unsigned int i = 0; i < LINE;) {
			ssize_t n =
				snap_memory_read(&crash->memory, at + i, line.bytes + i, LINE - i);
			if (n <= 0) {
				i++;
				continue;
			}
			for (ssize_t j = 0; j < n; j++)
				line.known |= (uint16_t)(1u << (i + (unsigned int)j));
			i += (unsigned int)n;
		}
		if (line.known) {
			lines->list = snap_arena_grow(&crash->arena, lines->list, lines->num,
				&lines->capacity, sizeof(line));
			if (!lines->list)
				return snap_error_no_memory(err);
			lines->list[lines->num++] = line;
		}
		if (at > UINT64_MAX - LINE)
			break;
	}
	return 0;
}

static int compare_lines(const void *a, const void *b)
{
	const struct snap_memory_line *x = a, *y = b;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static bool is_in_memory(struct snap_crash *crash, uint64_t addr)
{
	uint8_t byte;
	return snap_memory_read_all(&crash->memory, addr, &byte, 1);
}

/* A register that points somewhere; *ret_value with the bit taken off that is no part of it. */
static bool get_pointer(struct snap_crash *crash, const struct snap_crash_thread *thread,
	unsigned int reg, uint64_t *ret_value)
{
	const struct snap_arch *arch = crash->arch;
	uint64_t value;
	/* Of a microcontroller, those that neither DWARF numbers nor point to a stack are flags. */
	if (crash->device.is_device && arch->regs[reg].dwarf == SNAP_DWARF_NONE &&
		reg != arch->pc && strcmp(arch->regs[reg].name, "msp") != 0 &&
		strcmp(arch->regs[reg].name, "psp") != 0)
		return false;
	if (!snap_crash_register(crash, thread, reg, &value))
		return false;
	*ret_value = value;
	return value >= LOWEST_ADDR &&
	       (snap_crash_mapping_at(crash, value) || is_in_memory(crash, value));
}

int snap_find_vicinity(struct snap_crash *crash, struct snap_error *err)
{
	const struct snap_crash_thread *thread = snap_crash_crashed_thread(crash);
	const struct snap_arch *arch = crash->arch;
	struct lines lines = {0};
	size_t num = 0;
	crash->pointers = NULL;
	crash->vicinity = NULL;
	crash->num_pointers = crash->num_vicinity = 0;
	if (!thread || !arch || !thread->pr_reg.data)
		return 0;
	struct snap_pointer *pointers =
		snap_arena_alloc(&crash->arena, arch->num_regs * sizeof(*pointers));
	if (!pointers)
		return snap_error_no_memory(err);
	for (unsigned int i = 0; i < arch->num_regs; i++) {
		uint64_t value;
		if (!get_pointer(crash, thread, i, &value))
			continue;
		const char *words = pointer_words(crash, value);
		if (!words)
			return snap_error_no_memory(err);
		pointers[num++] = (struct snap_pointer){arch->regs[i].name, value, words};
		if (add_lines(crash, &lines, value, i == arch->pc ? 64 : 32,
			    i == arch->pc   ? 64
			    : i == arch->sp ? ABOVE_SP
					    : 96,
			    err) < 0)
			return -1;
	}
	if (lines.num > 0)
		qsort(lines.list, lines.num, sizeof(*lines.list), compare_lines);
	size_t kept = 0;
	for (size_t i = 0; i < lines.num; i++)
		if (kept == 0 || lines.list[kept - 1].addr != lines.list[i].addr)
			lines.list[kept++] = lines.list[i];
	crash->pointers = pointers;
	crash->num_pointers = num;
	crash->vicinity = lines.list;
	crash->num_vicinity = kept;
	return 0;
}
