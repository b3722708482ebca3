#include "analyze/crash.h"

#include <stdarg.h>
#include <stdio.h>

#include "analyze/input/input.h"
#include "analyze/symbols/jit.h"

static const char *const kinds[] = {
	[SNAP_KIND_NONE] = "none",
	[SNAP_KIND_STACK_OVERFLOW] = "stack-overflow",
	[SNAP_KIND_EXEC_BAD_PC] = "exec-bad-pc",
	[SNAP_KIND_SEGV_NULL] = "segv-null",
	[SNAP_KIND_SEGV] = "segv",
	[SNAP_KIND_ABORT] = "abort",
	[SNAP_KIND_ILL] = "ill",
	[SNAP_KIND_FPE] = "fpe",
	[SNAP_KIND_BUS] = "bus",
	[SNAP_KIND_TRAP] = "trap",
	[SNAP_KIND_SYS] = "sys",
	[SNAP_KIND_SIGNAL] = "signal",
	[SNAP_KIND_HARDFAULT] = "hardfault",
	[SNAP_KIND_BUSFAULT] = "busfault",
	[SNAP_KIND_USAGEFAULT] = "usagefault",
	[SNAP_KIND_MEMMANAGE] = "memmanage",
	[SNAP_KIND_ASSERT] = "assert",
	[SNAP_KIND_SANITIZER] = "sanitizer",
	[SNAP_KIND_UNKNOWN] = "unknown",
};

const char *snap_kind_name(enum snap_kind kind)
{
	return kinds[kind];
}

bool snap_kind_find(struct snap_bytes name, enum snap_kind *ret)
{
	for (size_t i = SNAP_KIND_NONE + 1; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (snap_bytes_equal_str(name, kinds[i])) {
			*ret = (enum snap_kind)i;
			return true;
		}
	return false;
}

void snap_crash_init(struct snap_crash *crash, const char *file)
{
	*crash = (struct snap_crash){.file = file, .integrity_why = ""};
	snap_arena_init(&crash->arena, SIZE_MAX);
	snap_memory_init(&crash->memory);
}

void snap_crash_deinit(struct snap_crash *crash)
{
	/* Their bytes are this one's. */
	for (size_t i = 0; i < crash->num_related; i++)
		snap_crash_deinit(&crash->related[i]);
	snap_jit_destroy(crash->jit);
	snap_memory_deinit(&crash->memory);
	snap_reader_deinit(&crash->reader);
	snap_input_close(crash->input);
	snap_arena_deinit(&crash->arena);
}

bool snap_crash_register(const struct snap_crash *crash, const struct snap_crash_thread *thread,
	unsigned int index, uint64_t *ret)
{
	return crash->arch && thread->pr_reg.data && !(thread->absent_regs >> index & 1) &&
	       snap_arch_reg_get(crash->arch, index, thread->pr_reg.data, thread->pr_reg.len, ret);
}

struct snap_crash_module *snap_crash_module_at(const struct snap_crash *crash, uint64_t addr)
{
	size_t low = 0, high = crash->num_modules;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		struct snap_crash_module *module = &crash->modules[mid];
		if (addr < module->record.start)
			high = mid;
		else if (addr >= module->record.end)
			low = mid + 1;
		else
			return module;
	}
	return NULL;
}

const struct snap_mapping *snap_crash_mapping_at(const struct snap_crash *crash, uint64_t addr)
{
	size_t low = 0, high = crash->num_mappings;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct snap_mapping *mapping = &crash->mappings[mid];
		if (addr < mapping->start)
			high = mid;
		else if (addr >= mapping->end)
			low = mid + 1;
		else
			return mapping;
	}
	return NULL;
}

struct snap_crash_thread *snap_crash_crashed_thread(const struct snap_crash *crash)
{
	for (size_t i = 0; i < crash->num_threads; i++)
		if (crash->threads[i].crashed)
			return &crash->threads[i];
	return NULL;
}

bool snap_log_ticks(const struct snap_crash *crash, size_t index, int64_t *ret)
{
	const struct snap_log *log = &crash->logs[index];
	const struct snap_log_facts *facts = crash->log_facts ? &crash->log_facts[index] : NULL;
	if (facts && facts->has_ticks)
		*ret = facts->ticks;
	else if (log->has_timestamp)
		*ret = log->timestamp;
	else
		return false;
	return true;
}

int snap_crash_note(struct snap_crash *crash, struct snap_bytes text, struct snap_error *err)
{
	struct snap_bytes *notes = snap_arena_grow(&crash->arena, crash->notes, crash->num_notes,
		&crash->notes_capacity, sizeof(*notes));
	if (!notes)
		return snap_error_no_memory(err);
	crash->notes = notes;
	notes[crash->num_notes++] = text;
	return 0;
}

int snap_crash_tell_unreadable(struct snap_crash *crash, struct snap_error *err)
{
	const struct snap_memory *memory = &crash->memory;
	if (memory->failed_errnum == 0 || crash->is_unreadable)
		return 0;
	const char *why = snap_crash_format(crash, "it can't be read at byte %llu: %s%s%s",
		(unsigned long long)memory->failed_off, strerror(memory->failed_errnum),
		crash->integrity_why[0] ? "; " : "", crash->integrity_why);
	if (!why)
		return snap_error_no_memory(err);
	crash->integrity = SNAP_INTEGRITY_CORRUPT;
	crash->integrity_why = why;
	crash->is_unreadable = true;
	return 0;
}

const char *snap_crash_format(struct snap_crash *crash, const char *format, ...)
{
	char text[1024];
	va_list args;
	va_start(args, format);
	int len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (len < 0)
		return NULL;
	size_t used = (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1;
	return snap_arena_copy(&crash->arena, snap_bytes(text, used));
}
