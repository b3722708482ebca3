#include "capture/memory.h"

#include <errno.h>
#include <unistd.h>

/* The smallest page of any Linux: readable memory ends at a multiple of it. */
#define PAGE_BYTES 4096u

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

/* A mem file, and where to its bytes are read: SNAP_MEMORY_MAX of them. */
struct file {
	int mem_fd;
	uint8_t *buf;
};

static ssize_t read_file(void *arg, uint64_t addr, size_t len, const uint8_t **ret)
{
	struct file *file = arg;
	*ret = file->buf;
	return snap_memory_read(&file->mem_fd, addr, file->buf, len);
}

/* The plan's index-th part. chain, whose plan it then is, may be NULL. */
static void take_part(const struct snap_memory_reader *reader, const struct snap_memory_plan *plan,
	size_t index, struct snap_stack_chain *chain, const struct snap_memory_sink *sink)
{
	const struct snap_extent *part = &plan->parts[index];
	uint64_t addr = part->addr;
	uint64_t end = addr + (part->len < SNAP_MEMORY_MAX ? part->len : SNAP_MEMORY_MAX);
	while (addr < end) {
		const uint8_t *data;
		ssize_t n = reader->read(reader->arg, addr, (size_t)(end - addr), &data);
		if (n > 0 && chain) {
			snap_stack_chain_look(chain, addr, data, (size_t)n);
			if (end - part->addr > part->len)
				end = part->addr + part->len;
			if ((uint64_t)n > end - addr)
				n = (ssize_t)(end - addr);
		}
		if (n > 0) {
			struct snap_memory_range range = {
				.address = addr,
				.data = snap_bytes(data, (size_t)n),
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
			 reader->read(reader->arg, addr, 1, &data) < 0);
		if (gone || addr > end || addr < bad)
			addr = end;
		struct snap_omission omission = snap_memory_plan_omission(plan);
		omission.why = gone ? SNAP_OMITTED_GONE : SNAP_OMITTED_UNREADABLE;
		omission.address = bad;
		omission.bytes = addr - bad;
		omission.has_error = true;
		omission.error = (uint32_t)-n;
		sink->omission(sink->arg, &omission);
	}
}

static void take(const struct snap_memory_reader *reader, const struct snap_memory_plan *plan,
	struct snap_stack_chain *chain, const struct snap_memory_sink *sink)
{
	take_part(reader, plan, 0, chain, sink);
	take_part(reader, plan, 1, chain, sink);
	struct snap_omission omission;
	for (size_t i = 0; snap_memory_plan_cut(plan, i, &omission); i++)
		sink->omission(sink->arg, &omission);
}

void snap_memory_take(int mem_fd, const struct snap_memory_plan *plan,
	uint8_t buf[static SNAP_MEMORY_MAX], const struct snap_memory_sink *sink)
{
	struct file file = {mem_fd, buf};
	const struct snap_memory_reader reader = {read_file, &file};
	take(&reader, plan, NULL, sink);
}

uint64_t snap_memory_take_chain(const struct snap_memory_reader *reader,
	struct snap_stack_chain *chain, const struct snap_memory_sink *sink)
{
	uint64_t len = 0;
	do {
		take(reader, &chain->plan, chain, sink);
		len += snap_memory_plan_len(&chain->plan);
	} while (snap_stack_chain_next(chain));
	return len;
}

uint64_t snap_memory_take_stack(int mem_fd, const struct snap_areas *areas,
	const struct snap_arch *arch, const struct snap_memory_thread *thread, size_t cap,
	uint8_t buf[static SNAP_MEMORY_MAX], const struct snap_memory_sink *sink)
{
	struct file file = {mem_fd, buf};
	const struct snap_memory_reader reader = {read_file, &file};
	struct snap_stack_chain chain;
	snap_stack_chain_init(&chain, areas, arch, thread, cap);
	(void)snap_stack_chain_next(&chain); /* there is a first one */
	return snap_memory_take_chain(&reader, &chain, sink);
}
