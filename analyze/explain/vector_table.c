#include "analyze/explain/vector_table.h"

#include <string.h>

#include "analyze/symbols/object.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Entries that every table has: the stack's top, Reset, NMI, HardFault. */
#define MIN_ENTRIES 4u
/* Fault handlers are often one and the same; what so many of the others share is the default. */
#define FIRST_OTHER 11u
#define MIN_SHARED  2u
/* Tables are aligned to a power of two of at least 32 words (Armv7-M, B3.2.5). */
#define ALIGNMENT 128u
/* Within so much of the firmware's beginning a table is looked for: boot loaders' code stands before it
 * (RP2040's has 256 bytes). */
#define SEARCHED 4096u

/* What start-up code and linker scripts call it: CMSIS, STM32Cube, NXP, Nordic, libopencm3, Zephyr,
 * cortex-m-rt, Pigweed, TI, Microchip, Mbed, Arduino. */
static const char *const names[] = {
	"__Vectors",
	"g_pfnVectors",
	"__isr_vector",
	"__isr_vectors",
	"isr_vector",
	"__isr_vector_table",
	"__vector_table",
	"_vector_table",
	"vector_table",
	"pw_boot_vector_table",
	"_vectors",
	"__vectors",
	"vectors",
	"exception_table",
	"__VECTOR_TABLE",
	"g_vectors",
	"interruptVectors",
};

/* What its default handler is called. */
static const char *const default_names[] = {
	"Default_Handler",
	"DefaultHandler",
	"Dummy_Handler",
	"Infinite_Loop",
	"blocking_handler",
	"null_handler",
	"IntDefaultHandler",
	"dummy_handler_default",
	"pw_boot_DefaultHandler",
};

static struct snap_crash_module *firmware(const struct snap_crash *crash)
{
	if (crash->device.family != SNAP_CPU_CORTEX_M || crash->num_modules != 1)
		return NULL;
	struct snap_crash_module *module = &crash->modules[0];
	return module->object && module->record.has_load_bias ? module : NULL;
}

/* Thumb code that the file has. */
static bool is_code(const struct snap_crash_module *module, uint32_t vector)
{
	uint8_t code[2];
	uint64_t vaddr = (vector & ~UINT32_C(1)) - module->record.load_bias;
	/* Handlers in assembly need not have symbols of functions. */
	return vector & 1 &&
	       snap_object_read(module->object, vaddr, code, sizeof(code)) == sizeof(code);
}

/* The stack's top: in memory that may be RAM, and aligned. */
static bool is_stack_top(const struct snap_crash_module *module, uint32_t word)
{
	uint8_t below[4];
	if (word == 0 || word % 4 != 0 || word >= 0xa0000000 ||
		(word >= 0x40000000 && word < 0x60000000))
		return false;
	/* What stands below it is not in the file, or the file leaves it empty. */
	return word >= 0x10000000 ||
	       snap_object_read(module->object, word - 4 - module->record.load_bias, below,
		       sizeof(below)) < sizeof(below);
}

/* vaddr: of the object. */
static bool read_table(const struct snap_crash *crash, const struct snap_crash_module *module,
	uint64_t vaddr, struct snap_vectors *ret)
{
	uint8_t bytes[SNAP_VECTORS_MAX * 4];
	size_t num = snap_object_read(module->object, vaddr, bytes, sizeof(bytes)) / 4;
	if (num < MIN_ENTRIES || !crash->arch)
		return false;
	for (size_t i = 0; i < num; i++)
		ret->words[i] = (uint32_t)snap_arch_load(crash->arch, bytes + 4 * i, 4);
	if (!is_stack_top(module, ret->words[0]))
		return false;
	for (size_t i = 1; i < MIN_ENTRIES; i++)
		if (!is_code(module, ret->words[i]))
			return false;
	/* It ends where something else stands; unused vectors may be 0. */
	for (ret->num = MIN_ENTRIES; ret->num < num; ret->num++)
		if (ret->words[ret->num] != 0 && !is_code(module, ret->words[ret->num]))
			break;
	ret->addr = vaddr + module->record.load_bias;
	return true;
}

/* The Reset vector is where the program starts, if the file says where that is. */
static bool is_started_by(const struct snap_crash_module *module, const struct snap_vectors *vectors)
{
	uint64_t entry;
	return !snap_object_entry(module->object, &entry) ||
	       (entry & ~UINT64_C(1)) == (vectors->words[1] & ~UINT32_C(1));
}

bool snap_vectors_find(const struct snap_crash *crash, struct snap_vectors *ret)
{
	const struct snap_crash_module *module = firmware(crash);
	uint64_t vaddr;
	if (!module)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (snap_object_find_data(module->object, names[i], &vaddr) &&
			read_table(crash, module, vaddr, ret))
			return true;
	/* Where the flash begins, as processors expect it. */
	if (!snap_object_base(module->object, &vaddr))
		return false;
	for (uint64_t off = 0; off < SEARCHED; off += ALIGNMENT)
		if (read_table(crash, module, vaddr + off, ret) && is_started_by(module, ret))
			return true;
	return false;
}

bool snap_vectors_handler(const struct snap_vectors *vectors, unsigned int exception, uint64_t *ret,
	bool *ret_is_default)
{
	size_t num = 0;
	if (exception == 0 || exception >= vectors->num || vectors->words[exception] == 0)
		return false;
	for (size_t i = FIRST_OTHER; i < vectors->num; i++)
		num += vectors->words[i] == vectors->words[exception];
	*ret = vectors->words[exception] & ~UINT32_C(1);
	*ret_is_default = num >= MIN_SHARED;
	return true;
}

const char *snap_vectors_name(const struct snap_crash *crash, uint64_t handler, bool is_default)
{
	const struct snap_crash_module *module = firmware(crash);
	size_t num;
	uint64_t vaddr;
	if (!module)
		return NULL;
	for (size_t i = 0; is_default && i < ARRAY_LEN(default_names); i++)
		if (snap_object_find_name(module->object, default_names[i], &vaddr) &&
			(vaddr & ~UINT64_C(1)) == handler - module->record.load_bias)
			return default_names[i];
	const struct snap_source_frame *frames =
		snap_object_find(module->object, handler - module->record.load_bias, &num);
	return num > 0 ? frames[num - 1].function : NULL;
}
