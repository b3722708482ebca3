#include "analyze/explain/device_place.h"

#include <inttypes.h>

#include "analyze/explain/address.h"
#include "analyze/symbols/object.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* So close to a stack's end an address is worth saying so. */
#define NEAR_STACK 256u
/* So many threads are looked at for whose stack it is. */
#define MAX_THREADS 4096u
/* Of a symbol's name so much is shown. */
#define MAX_NAME 200

/* Armv7-M Architecture Reference Manual (ARM DDI 0403E.e), B3.1, tables B3-1 and B3-3; later
 * versions divide it alike. The first that has the address. */
static const struct {
	uint32_t first, last;
	const char *name;
} regions[] = {
	{0x00000000, 0x1fffffff, "the code region"},
	{0x20000000, 0x3fffffff, "the SRAM region"},
	{0x40000000, 0x5fffffff, "the peripheral region"},
	{0x60000000, 0x9fffffff, "the region of external RAM"},
	{0xa0000000, 0xdfffffff, "the region of external devices"},
	{0xe000e000, 0xe000efff, "the System Control Space"},
	{0xe0000000, 0xe00fffff, "the private peripheral bus"},
	{0xe0100000, 0xffffffff, "the vendor's system region"},
};

static bool is_cortex_m(const struct snap_crash *crash)
{
	return crash->device.family == SNAP_CPU_CORTEX_M;
}

static size_t find_region(const struct snap_crash *crash, uint64_t addr)
{
	for (size_t i = 0; is_cortex_m(crash) && i < ARRAY_LEN(regions); i++)
		if (addr >= regions[i].first && addr <= regions[i].last)
			return i;
	return ARRAY_LEN(regions);
}

const char *snap_device_region(const struct snap_crash *crash, uint64_t addr)
{
	size_t i = find_region(crash, addr);
	return i < ARRAY_LEN(regions) ? regions[i].name : NULL;
}

const char *snap_device_thread_words(
	struct snap_crash *crash, const struct snap_crash_thread *thread)
{
	if (thread->record.name.len > 0)
		return snap_crash_format(
			crash, "thread '%.*s'", SNAP_NAME_ARGS(thread->record.name));
	return thread->record.has_tid
		       ? snap_crash_format(crash, "thread %" PRIu64, thread->record.tid)
		       : "a thread without a name";
}

bool snap_device_stack(
	const struct snap_crash_thread *thread, uint64_t *ret_low, uint64_t *ret_high)
{
	const struct snap_thread *record = &thread->record;
	if (!record->has_stack_start || !record->has_stack_end ||
		record->stack_end >= record->stack_start)
		return false;
	*ret_low = record->stack_end;
	*ret_high = record->stack_start;
	return true;
}

/* Of the threads the one in whose stack the address is, or just below whose stack; NULL: of none. */
static const struct snap_crash_thread *stack_owner(
	const struct snap_crash *crash, uint64_t addr, bool is_below)
{
	uint64_t low, high;
	for (size_t i = 0; i < crash->num_threads && i < MAX_THREADS; i++) {
		const struct snap_crash_thread *thread = &crash->threads[i];
		if (snap_device_stack(thread, &low, &high) &&
			(is_below ? addr < low && low - addr <= NEAR_STACK
				  : addr >= low && addr < high))
			return thread;
	}
	return NULL;
}

/* NULL: it is in none, or below none, of the threads' stacks. "" without memory. */
static const char *stack_words(struct snap_crash *crash, uint64_t addr, bool is_below)
{
	const struct snap_crash_thread *thread = stack_owner(crash, addr, is_below);
	uint64_t low = 0, high = 0;
	if (!thread)
		return NULL;
	(void)snap_device_stack(thread, &low, &high); /* it has one */
	const char *whose = snap_device_thread_words(crash, thread), *text = NULL;
	if (whose && !is_below)
		text = snap_crash_format(crash,
			", in the stack of %s (0x%" PRIx64 " to 0x%" PRIx64 ")", whose, low,
			high - 1);
	else if (whose)
		text = snap_crash_format(crash,
			", %" PRIu64 " byte%s below the stack of %s (0x%" PRIx64 " to 0x%" PRIx64
			")",
			low - addr, low - addr == 1 ? "" : "s", whose, low, high - 1);
	return text ? text : "";
}

static const struct snap_crash_module *firmware_at(const struct snap_crash *crash, uint64_t addr)
{
	const struct snap_crash_module *module = snap_crash_module_at(crash, addr);
	return module && module->object && module->record.has_load_bias ? module : NULL;
}

/* The function that contains the address, with what is inlined into it; NULL: not known. */
static const char *function_at(const struct snap_crash *crash, uint64_t addr, uint64_t *ret_start)
{
	const struct snap_crash_module *module = firmware_at(crash, addr);
	uint64_t start, end;
	size_t num;
	if (!module)
		return NULL;
	uint64_t vaddr = addr - module->record.load_bias;
	if (!snap_object_function(module->object, vaddr, &start, &end))
		return NULL;
	const struct snap_source_frame *frames = snap_object_find(module->object, vaddr, &num);
	/* The outermost is the one that has a symbol. */
	const char *name = num > 0 ? frames[num - 1].function : NULL;
	*ret_start = start + module->record.load_bias;
	return name && name[0] ? name : NULL;
}

/* NULL: the firmware has nothing there. "" without memory. */
static const char *symbol_words(struct snap_crash *crash, uint64_t addr)
{
	const struct snap_crash_module *module = firmware_at(crash, addr);
	const char *name, *text = NULL;
	uint64_t start;
	if (!module)
		return NULL;
	uint64_t vaddr = addr - module->record.load_bias;
	const char *section = snap_object_section(module->object, vaddr);
	name = function_at(crash, addr, &start);
	bool is_function = name != NULL;
	if (!is_function && !snap_object_data_at(module->object, vaddr, &name, &start))
		name = NULL;
	if (!name && !section)
		return NULL;
	if (is_function)
		text = snap_crash_format(crash, ", in function %.*s", MAX_NAME, name);
	else if (name)
		text = snap_crash_format(crash, ", in variable %.*s%s%.60s", MAX_NAME, name,
			section ? " of section " : "", section ? section : "");
	else
		text = snap_crash_format(crash, ", in the firmware's section %.60s", section);
	return text ? text : "";
}

const char *snap_device_place_words(struct snap_crash *crash, uint64_t addr)
{
	const char *region = snap_region_words(crash, addr);
	const char *words = stack_words(crash, addr, false);
	if (!region)
		return NULL;
	if (!words)
		words = symbol_words(crash, addr);
	if (*region)
		return !words ? region
		       : *words ? snap_crash_format(crash, "%s%s", words, region)
				: NULL;
	if (!words)
		words = stack_words(crash, addr, true);
	if (words)
		return words[0] ? words : NULL;
	size_t i = find_region(crash, addr);
	if (i == ARRAY_LEN(regions))
		return "";
	return snap_crash_format(crash, ", in %s (0x%" PRIx32 " to 0x%" PRIx32 ")", regions[i].name,
		regions[i].first, regions[i].last);
}

const char *snap_device_code_words(struct snap_crash *crash, uint64_t addr)
{
	uint64_t start = addr;
	const char *name = function_at(crash, addr, &start);
	if (!name)
		return snap_crash_format(crash, "address 0x%" PRIx64, addr);
	return addr == start ? snap_crash_format(crash, "%.*s", MAX_NAME, name)
			     : snap_crash_format(crash, "%.*s+0x%" PRIx64, MAX_NAME, name,
				       addr - start);
}
