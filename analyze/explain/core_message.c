#include "analyze/explain/core_message.h"

#include <string.h>

#include "analyze/explain/address.h"
#include "analyze/symbols/object.h"
#include "common/abort_message.h"

/* C libraries that are tried: dlmopen(3) may have loaded more than one. */
#define MAX_LIBRARIES 4

/* libc.so.6, libc-2.31.so */
static bool is_c_library(const struct snap_module *module)
{
	struct snap_bytes name = snap_path_name(module->path);
	return name.len > 5 && memcmp(name.data, "libc", 4) == 0 &&
	       (name.data[4] == '.' || name.data[4] == '-');
}

static ssize_t read_memory(void *arg, uint64_t addr, void *buf, size_t len)
{
	return snap_memory_read(arg, addr, buf, len);
}

/* The text to which the module's variable points. */
static bool read_text(struct snap_crash *crash, const struct snap_crash_module *module,
	uint8_t buf[static SNAP_MAX_ABORT_MESSAGE], struct snap_abort_message *ret)
{
	unsigned int word = snap_arch_word(crash->arch);
	struct snap_abort_finder finder;
	uint64_t vaddr;
	uint8_t pointer[8];
	if (!module->object || !module->record.has_load_bias ||
		!snap_object_find_data(module->object, SNAP_ABORT_VARIABLE, &vaddr) ||
		!snap_memory_read_all(
			&crash->memory, vaddr + module->record.load_bias, pointer, word))
		return false;
	snap_abort_finder_init(&finder, read_memory, &crash->memory);
	finder.has_library = true;
	finder.library_addr = snap_arch_load(crash->arch, pointer, word);
	return snap_abort_message_read(&finder, NULL, false, crash->arch->elf_data, buf, ret);
}

static int keep(struct snap_crash *crash, const struct snap_crash_module *module,
	const struct snap_abort_message *message)
{
	const char *copy = snap_arena_copy(&crash->arena, message->text);
	if (!copy)
		return -1;
	crash->abort_message = *message;
	crash->abort_message.text = snap_bytes(copy, message->text.len);
	crash->abort_message_module = module;
	return 0;
}

int snap_core_message_find(struct snap_crash *crash)
{
	uint8_t buf[SNAP_MAX_ABORT_MESSAGE];
	struct snap_abort_message message;
	size_t num = 0;
	if (!crash->is_core || crash->abort_message.text.data || !crash->arch ||
		!crash->has_signal)
		return 0;
	for (size_t i = 0; i < crash->num_modules && num < MAX_LIBRARIES; i++) {
		const struct snap_crash_module *module = &crash->modules[i];
		if (!is_c_library(&module->record))
			continue;
		num++;
		if (read_text(crash, module, buf, &message))
			return keep(crash, module, &message);
	}
	/* A static program is its own C library. */
	for (size_t i = 0; i < crash->num_modules && num == 0; i++) {
		const struct snap_crash_module *module = &crash->modules[i];
		if (snap_bytes_equal(module->record.path, crash->process.exe)) {
			num++;
			if (read_text(crash, module, buf, &message))
				return keep(crash, module, &message);
		}
	}
	return 0;
}
