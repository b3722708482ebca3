#include "analyze/input/load.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

static int compare_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_mappings(const void *a, const void *b)
{
	const struct snap_mapping *x = a, *y = b;
	return compare_u64(x->start, y->start);
}

static int compare_modules(const void *a, const void *b)
{
	const struct snap_crash_module *x = a, *y = b;
	return compare_u64(x->record.start, y->record.start);
}

/* Look-ups by binary search need ranges that don't overlap; the lower one keeps its place. */
void snap_load_sort_mappings(struct snap_crash *crash)
{
	size_t kept = 0;
	if (crash->num_mappings > 0)
		qsort(crash->mappings, crash->num_mappings, sizeof(*crash->mappings),
			compare_mappings);
	for (size_t i = 0; i < crash->num_mappings; i++) {
		struct snap_mapping mapping = crash->mappings[i];
		if (kept > 0 && mapping.start < crash->mappings[kept - 1].end)
			mapping.start = crash->mappings[kept - 1].end;
		if (mapping.start < mapping.end)
			crash->mappings[kept++] = mapping;
	}
	crash->num_mappings = kept;
}

void snap_load_sort_modules(struct snap_crash *crash)
{
	size_t kept = 0;
	if (crash->num_modules > 0)
		qsort(crash->modules, crash->num_modules, sizeof(*crash->modules), compare_modules);
	for (size_t i = 0; i < crash->num_modules; i++) {
		struct snap_crash_module module = crash->modules[i];
		if (kept > 0 && module.record.start < crash->modules[kept - 1].record.end)
			module.record.start = crash->modules[kept - 1].record.end;
		if (module.record.start < module.record.end)
			crash->modules[kept++] = module;
	}
	crash->num_modules = kept;
}

/* A stack pointer further beyond its stack's end is none of that stack's. */
#define MAX_BEYOND (64u << 10)

/* Bytes from a stack's start to addr; false: it is on the other side. */
static bool distance(bool is_down, uint64_t start, uint64_t addr, uint64_t *ret)
{
	if (is_down ? addr > start : addr < start)
		return false;
	*ret = is_down ? start - addr : addr - start;
	return true;
}

/* Stacks go down, from start to end, unless these are the other way round. */
static void measure_stack(const struct snap_thread *thread, struct snap_stack_use *use)
{
	uint64_t start = thread->stack_start;
	if (!thread->has_stack_start)
		return;
	bool is_down = !thread->has_stack_end || thread->stack_end <= start;
	use->has_size =
		thread->has_stack_end && distance(is_down, start, thread->stack_end, &use->size);
	use->has_used = thread->has_stack_pointer &&
			distance(is_down, start, thread->stack_pointer, &use->used);
	use->has_peak =
		thread->has_stack_peak && distance(is_down, start, thread->stack_peak, &use->peak);
	if (thread->has_stack_pointer &&
		(!use->has_used || (use->has_size && use->used > use->size &&
					   use->used - use->size > MAX_BEYOND))) {
		use->has_used = false;
		use->is_elsewhere = true;
	}
	/* As it is estimated, it may lag behind. */
	if (use->has_peak && use->has_used && use->peak < use->used)
		use->peak = use->used;
	use->is_overflow = use->has_size && use->has_used && use->used > use->size;
	use->was_overflow = use->has_size && use->has_peak && use->peak > use->size;
}

/* A writer puts it first already; a stranger may not, or may give its tid to several. */
static void put_crashed_first(struct snap_crash *crash)
{
	if (!crash->has_signal || !crash->signal.has_tid)
		return;
	for (size_t i = 0; i < crash->num_threads; i++) {
		struct snap_crash_thread crashed = crash->threads[i];
		if (!crashed.record.has_tid || crashed.record.tid != crash->signal.tid)
			continue;
		crashed.crashed = true;
		memmove(crash->threads + 1, crash->threads, i * sizeof(crashed));
		crash->threads[0] = crashed;
		return;
	}
}

/* Of a compressed input that could not be decompressed to its end. */
static int add_loss(struct snap_crash *crash, struct snap_error *err)
{
	const struct snap_input *input = crash->input;
	if (input->lost[0] == '\0')
		return 0;
	/* A snapshot has a mark at its own end: it may be whole all the same. */
	if (!crash->is_core && crash->integrity == SNAP_INTEGRITY_COMPLETE)
		return snap_crash_note(crash, snap_bytes_str(input->lost), err);
	crash->integrity = input->is_damaged ? SNAP_INTEGRITY_CORRUPT : SNAP_INTEGRITY_TRUNCATED;
	crash->integrity_why = input->lost;
	return 0;
}

int snap_load_finish(struct snap_crash *crash, struct snap_error *err)
{
	snap_load_sort_mappings(crash);
	snap_load_sort_modules(crash);
	if (crash->process.has_elf)
		crash->arch = snap_arch_find(crash->process.elf_machine, crash->process.elf_class,
			crash->process.elf_data);

	for (size_t i = 0; i < crash->num_threads; i++) {
		struct snap_crash_thread *thread = &crash->threads[i];
		measure_stack(&thread->record, &thread->stack_use);
		for (size_t j = 0; j < thread->record.num_regsets; j++)
			if (thread->record.regsets[j].type == NT_PRSTATUS)
				thread->pr_reg = thread->record.regsets[j].data;
	}
	put_crashed_first(crash);
	if (add_loss(crash, err) < 0)
		return -1;
	return snap_memory_finish(&crash->memory, err);
}
