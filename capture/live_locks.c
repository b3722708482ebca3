#include "capture/live_locks.h"

#include <elf.h>

#include "capture/memory.h"

/* futex(2) and futex_time64(2): the kernel's include/uapi/asm-generic/unistd.h, and the tables of
 * arch/x86/entry/syscalls and arch/arm/tools. */
static const struct {
	uint16_t elf_machine;
	uint8_t elf_class; /* 0: any */
	int32_t numbers[2];
} machines[] = {
	{EM_X86_64, 0, {202, -1}},
	{EM_386, 0, {240, 422}},
	{EM_ARM, 0, {240, 422}},
	{EM_AARCH64, 0, {98, -1}},
	{EM_RISCV, ELFCLASS64, {98, -1}},
	{EM_RISCV, ELFCLASS32, {98, 422}},
};

/* Whether the thread waited at a word, before all were stopped. */
static bool find_word(
	const struct snap_arch *arch, const struct snap_thread_facts *facts, uint64_t *ret)
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		if (machines[i].elf_machine != arch->elf_machine ||
			(machines[i].elf_class && machines[i].elf_class != arch->elf_class))
			continue;
		*ret = facts->syscall_arguments[0];
		return facts->has_syscall_number && facts->num_syscall_arguments > 0 &&
		       facts->syscall_number >= 0 &&
		       (facts->syscall_number == machines[i].numbers[0] ||
			       facts->syscall_number == machines[i].numbers[1]);
	}
	return false;
}

static void take(const struct snap_areas *areas, int mem_fd, uint64_t word, uint64_t tid,
	const struct snap_memory_sink *sink)
{
	uint8_t buf[SNAP_LOCK_BYTES];
	const struct snap_area *area = snap_areas_find(areas, word);
	if (!area || !(area->flags & SNAP_MAPPING_READ))
		return;
	uint64_t start =
		word - area->start > SNAP_LOCK_BEFORE ? word - SNAP_LOCK_BEFORE : area->start;
	uint64_t len = area->end - start < sizeof(buf) ? area->end - start : sizeof(buf);
	ssize_t n = snap_memory_read(&mem_fd, start, buf, (size_t)len);
	const struct snap_memory_range range = {
		.address = start,
		.data = snap_bytes(buf, n > 0 ? (size_t)n : 0),
		.reason = SNAP_MEMORY_LOCK,
		.has_tid = true,
		.tid = tid,
	};
	if (n > 0)
		sink->range(sink->arg, &range);
}

void snap_live_locks_take(const struct snap_live_threads *threads, const struct snap_arch *arch,
	const struct snap_areas *areas, int mem_fd, const struct snap_memory_sink *sink)
{
	uint64_t words[SNAP_LIVE_THREADS_MAX];
	size_t num = 0;
	for (size_t i = 0; arch && i < threads->num; i++) {
		uint64_t word = 0;
		bool is_new = find_word(arch, &threads->threads[i].facts, &word);
		for (size_t j = 0; is_new && j < num; j++)
			is_new = words[j] != word;
		if (!is_new)
			continue;
		words[num++] = word;
		take(areas, mem_fd, word, threads->threads[i].facts.tid, sink);
	}
}
