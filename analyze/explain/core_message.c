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

static bool find_variable(const struct snap_crash_module *module, uint64_t *ret_addr)
{
	uint64_t vaddr;
	if (!module->object || !module->record.has_load_bias ||
		!snap_object_find_data(module->object, SNAP_ABORT_VARIABLE, &vaddr))
		return false;
	*ret_addr = vaddr + module->record.load_bias;
	return true;
}

/* The text to which the module's variable points. */
static bool read_text(struct snap_crash *crash, const struct snap_crash_module *module,
	uint8_t buf[static SNAP_MAX_ABORT_MESSAGE], struct snap_abort_message *ret)
{
	unsigned int word = snap_arch_word(crash->arch);
	struct snap_abort_finder finder;
	uint64_t variable;
	uint8_t pointer[8];
	if (!find_variable(module, &variable) ||
		!snap_memory_read_all(&crash->memory, variable, pointer, word))
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

/* The modules that may tell, at most MAX_LIBRARIES: C libraries, or, as a static program is its own
 * one, the executable. */
static size_t list_modules(struct snap_crash *crash, struct snap_crash_module **ret)
{
	size_t num = 0;
	for (size_t i = 0; i < crash->num_modules && num < MAX_LIBRARIES; i++)
		if (is_c_library(&crash->modules[i].record))
			ret[num++] = &crash->modules[i];
	for (size_t i = 0; i < crash->num_modules && num == 0; i++)
		if (snap_bytes_equal(crash->modules[i].record.path, crash->process.exe))
			ret[num++] = &crash->modules[i];
	return num;
}

bool snap_core_message_variable(struct snap_crash *crash, uint64_t *ret_addr)
{
	struct snap_crash_module *modules[MAX_LIBRARIES];
	size_t num = list_modules(crash, modules);
	for (size_t i = 0; i < num; i++)
		if (find_variable(modules[i], ret_addr))
			return true;
	return false;
}

static bool may_have_message(const struct snap_crash *crash)
{
	return crash->is_core && !crash->abort_message.text.data && crash->arch &&
	       crash->has_signal;
}

int snap_core_message_find(struct snap_crash *crash)
{
	uint8_t buf[SNAP_MAX_ABORT_MESSAGE];
	struct snap_abort_message message;
	struct snap_crash_module *modules[MAX_LIBRARIES];
	size_t num = may_have_message(crash) ? list_modules(crash, modules) : 0;
	for (size_t i = 0; i < num; i++)
		if (read_text(crash, modules[i], buf, &message))
			return keep(crash, modules[i], &message);
	return 0;
}

int snap_core_message_look(
	struct snap_crash *crash, struct snap_store *store, struct snap_error *err)
{
	struct snap_crash_module *modules[MAX_LIBRARIES], before[MAX_LIBRARIES];
	size_t num = may_have_message(crash) ? list_modules(crash, modules) : 0;
	size_t num_notes = crash->num_notes;
	bool again;
	int r = 0;
	for (size_t i = 0; i < num; i++) {
		before[i] = *modules[i];
		if (r == 0)
			r = snap_store_resolve_module(store, crash, modules[i], err);
		/* That is what is fetched. */
		modules[i]->has_frame = !modules[i]->object;
	}
	if (num > 0 && r == 0)
		r = snap_store_fetch(store, crash, &again, err);
	if (r == 0 && snap_core_message_find(crash) < 0)
		r = snap_error_no_memory(err);
	for (size_t i = 0; i < num; i++)
		*modules[i] = before[i];
	crash->num_notes = num_notes;
	return r;
}
