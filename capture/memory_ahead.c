#include "capture/memory_ahead.h"

#include <errno.h>
#include <sys/uio.h>

#include "capture/memory.h"
#include "common/bytes.h"

void snap_memory_ahead_begin(struct snap_memory_ahead *ahead)
{
	ahead->num = ahead->len = 0;
	ahead->next = ahead->next_off = 0;
}

bool snap_memory_ahead_add(struct snap_memory_ahead *ahead, const struct snap_memory_plan *plan)
{
	const size_t max_parts = sizeof(plan->parts) / sizeof(plan->parts[0]);
	uint64_t len = snap_memory_plan_len(plan);
	if (ahead->refused || len > sizeof(ahead->bytes) - ahead->len ||
		ahead->num + max_parts > SNAP_MEMORY_AHEAD_PARTS)
		return false;
	for (size_t i = 0; i < max_parts; i++)
		if (plan->parts[i].addr > UINTPTR_MAX - plan->parts[i].len)
			return false; /* another program's pointers are longer */
	for (size_t i = 0; i < max_parts; i++)
		if (plan->parts[i].len > 0)
			ahead->parts[ahead->num++] = plan->parts[i];
	ahead->len += (size_t)len;
	return true;
}

/* Of the parts, len bytes were read: they come in order, and end where one can't be read. */
static void keep_read(struct snap_memory_ahead *ahead, size_t len)
{
	for (size_t i = 0; i < ahead->num; i++) {
		struct snap_extent *part = &ahead->parts[i];
		if (part->len > len)
			part->len = len;
		len -= (size_t)part->len;
	}
}

void snap_memory_ahead_read(
	struct snap_memory_ahead *ahead, pid_t pid, const struct snap_identity *identity)
{
	struct iovec to = {ahead->bytes, ahead->len}, from[SNAP_MEMORY_AHEAD_PARTS];
	if (ahead->num == 0)
		return;
	for (size_t i = 0; i < ahead->num; i++)
		from[i] = (struct iovec){
			(void *)(uintptr_t)ahead->parts[i].addr, (size_t)ahead->parts[i].len};
	ssize_t n = process_vm_readv(pid, &to, 1, from, ahead->num, 0);
	/* That one of them can't be read is no reason not to try the next ones. */
	if (n < 0 && errno != EFAULT)
		ahead->refused = true;
	keep_read(ahead, n > 0 && (!identity || snap_identity_holds(identity)) ? (size_t)n : 0);
}

/* What was read of [addr, addr + len), from addr on, as far as it goes; empty if nothing was. */
static struct snap_bytes find(struct snap_memory_ahead *ahead, uint64_t addr, size_t len)
{
	/* Mostly they are asked for in their order. */
	for (size_t i = 0; i < ahead->num; i++) {
		if (ahead->next >= ahead->num)
			ahead->next = ahead->next_off = 0;
		const struct snap_extent *part = &ahead->parts[ahead->next++];
		size_t off = ahead->next_off, part_len = (size_t)part->len;
		ahead->next_off += part_len;
		if (part->addr == addr && part_len > 0)
			return snap_bytes(ahead->bytes + off, part_len < len ? part_len : len);
	}
	return snap_bytes(NULL, 0);
}

ssize_t snap_memory_ahead_get(void *arg, uint64_t addr, size_t len, const uint8_t **ret)
{
	struct snap_memory_ahead_reader *reader = arg;
	struct snap_bytes found = find(reader->ahead, addr, len);
	*ret = found.len > 0 ? found.data : reader->buf;
	return found.len > 0 ? (ssize_t)found.len
			     : snap_memory_read(&reader->mem_fd, addr, reader->buf, len);
}
