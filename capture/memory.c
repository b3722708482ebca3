#include "capture/memory.h"

#include <errno.h>
#include <unistd.h>

/* The smallest page of any Linux: readable memory ends at a multiple of it. */
#define PAGE_BYTES 4096u

size_t snap_stack_cap(uint64_t index, uint64_t num_others)
{
	if (index == 0)
		return SNAP_STACK_FIRST;
	if (index <= SNAP_STACK_NUM_SECOND)
		return SNAP_STACK_SECOND;
	if (index >= SNAP_STACK_NUM_TAKEN)
		return 0;
	uint64_t num_third = num_others;
	if (num_third > SNAP_STACK_NUM_TAKEN - 1)
		num_third = SNAP_STACK_NUM_TAKEN - 1;
	/* More threads may turn up than were counted. */
	num_third = num_third > SNAP_STACK_NUM_SECOND ? num_third - SNAP_STACK_NUM_SECOND : 1;
	uint64_t share =
		(SNAP_STACK_BUDGET - SNAP_STACK_NUM_SECOND * SNAP_STACK_SECOND) / num_third;
	share &= ~(uint64_t)15;
	if (share < SNAP_STACK_THIRD_MIN)
		return SNAP_STACK_THIRD_MIN;
	return share < SNAP_STACK_SECOND ? (size_t)share : SNAP_STACK_SECOND;
}

void snap_memory_plan_stack(const struct snap_areas *areas, uint64_t tid, uint64_t sp, size_t cap,
	struct snap_memory_plan *ret)
{
	*ret = (struct snap_memory_plan){
		.reason = SNAP_MEMORY_STACK,
		.has_tid = true,
		.tid = tid,
	};
	const struct snap_area *area = snap_areas_find(areas, sp);
	uint64_t start;
	if (area && (area->flags & SNAP_MAPPING_READ)) {
		start = sp - area->start > SNAP_STACK_BELOW ? sp - SNAP_STACK_BELOW : area->start;
	} else {
		/* Overflown into a guard page, or below all that is mapped. */
		area = snap_areas_above(areas, sp);
		if (!area || area->start - sp > SNAP_STACK_GAP ||
			!(area->flags & SNAP_MAPPING_WRITE)) {
			ret->unmapped = true;
			ret->cut_addr = sp;
			return;
		}
		start = area->start;
	}
	uint64_t whole = area->end - start;
	ret->addr = start;
	ret->len = whole < cap ? whole : cap;
	ret->cut_addr = start + ret->len;
	ret->cut_len = whole - ret->len;
}

void snap_memory_plan_code(
	const struct snap_areas *areas, uint64_t tid, uint64_t pc, struct snap_memory_plan *ret)
{
	*ret = (struct snap_memory_plan){
		.reason = SNAP_MEMORY_CODE,
		.has_tid = true,
		.tid = tid,
	};
	const struct snap_area *area = snap_areas_find(areas, pc);
	if (!area) {
		ret->unmapped = true;
		ret->cut_addr = pc;
		return;
	}
	ret->addr = pc - area->start > SNAP_CODE_BEFORE ? pc - SNAP_CODE_BEFORE : area->start;
	uint64_t end = area->end - pc > SNAP_CODE_AFTER ? pc + SNAP_CODE_AFTER : area->end;
	ret->len = end - ret->addr;
}

ssize_t snap_memory_read(void *arg, uint64_t addr, void *buf, size_t len)
{
	int fd = *(const int *)arg;
	size_t done = 0;
	while (done < len) {
		/* Beyond that a file offset would be negative, and no user memory is there. */
		if (addr + done < addr || addr + done > INT64_MAX)
			return done > 0 ? (ssize_t)done : -EFAULT;
		ssize_t n = pread(fd, (uint8_t *)buf + done, len - done, (off_t)(addr + done));
		if (n <= 0) {
			/* 0 bytes: the address space is gone. */
			int error = n < 0 ? -errno : -ESRCH;
			return done > 0 ? (ssize_t)done : error;
		}
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static uint32_t what_of(uint32_t reason)
{
	switch (reason) {
	case SNAP_MEMORY_STACK:
		return SNAP_OMITTED_STACK;
	case SNAP_MEMORY_CODE:
		return SNAP_OMITTED_CODE;
	case SNAP_MEMORY_VDSO:
		return SNAP_OMITTED_VDSO;
	}
	return SNAP_OMITTED_OTHER;
}

void snap_memory_take(int mem_fd, const struct snap_memory_plan *plan,
	uint8_t buf[static SNAP_MEMORY_MAX], const struct snap_memory_sink *sink)
{
	struct snap_omission omission = {
		.what = what_of(plan->reason),
		.has_tid = plan->has_tid,
		.tid = plan->tid,
		.has_range = true,
	};
	uint64_t addr = plan->addr;
	uint64_t end = addr + (plan->len < SNAP_MEMORY_MAX ? plan->len : SNAP_MEMORY_MAX);
	while (addr < end) {
		ssize_t n = snap_memory_read(&mem_fd, addr, buf, (size_t)(end - addr));
		if (n > 0) {
			struct snap_memory_range range = {
				.address = addr,
				.data = snap_bytes(buf, (size_t)n),
				.reason = plan->reason,
				.has_tid = plan->has_tid,
				.tid = plan->tid,
			};
			sink->range(sink->arg, &range);
			addr += (uint64_t)n;
			continue;
		}
		/* Pass over the pages that can't be read. */
		uint64_t bad = addr;
		bool gone = n == -ESRCH;
		do {
			addr = (addr | (PAGE_BYTES - 1)) + 1;
		} while (!gone && addr > bad && addr < end &&
			 snap_memory_read(&mem_fd, addr, buf, 1) < 0);
		if (gone || addr > end || addr < bad)
			addr = end;
		omission.why = gone ? SNAP_OMITTED_GONE : SNAP_OMITTED_UNREADABLE;
		omission.address = bad;
		omission.bytes = addr - bad;
		omission.has_error = true;
		omission.error = (uint32_t)-n;
		sink->omission(sink->arg, &omission);
	}
	if (plan->cut_len > 0 || plan->unmapped) {
		omission.why = plan->unmapped ? SNAP_OMITTED_UNREADABLE : SNAP_OMITTED_CAP;
		omission.address = plan->cut_addr;
		omission.bytes = plan->cut_len;
		omission.has_error = plan->unmapped;
		omission.error = EFAULT;
		sink->omission(sink->arg, &omission);
	}
}
