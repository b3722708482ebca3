#include "analyze/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/file_read.h"

#define PAGE_BYTES 16384u

void snap_memory_init(struct snap_memory *memory)
{
	*memory = (struct snap_memory){.page_fd = -1};
}

void snap_memory_deinit(struct snap_memory *memory)
{
	free(memory->segments);
	free(memory->page);
	snap_memory_init(memory);
}

int snap_memory_add(struct snap_memory *memory, const struct snap_memory_segment *segment,
	struct snap_error *err)
{
	if (segment->len == 0)
		return 0;
	if (memory->num_segments == memory->capacity) {
		size_t capacity = memory->capacity ? 2 * memory->capacity : 64;
		struct snap_memory_segment *grown =
			reallocarray(memory->segments, capacity, sizeof(*grown));
		if (!grown)
			return snap_error_no_memory(err);
		memory->segments = grown;
		memory->capacity = capacity;
	}
	memory->segments[memory->num_segments++] = *segment;
	return 0;
}

/* An event of the sweep in snap_memory_finish(): where a range starts. */
struct range {
	uint64_t start, last; /* last byte, so that the top of the address space is no case */
	size_t order;
};

static int compare_ranges(const void *a, const void *b)
{
	const struct range *x = a, *y = b;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* A binary heap of ranges, the one added first on top. */
struct heap {
	struct range *items;
	size_t len;
};

static void heap_push(struct heap *heap, struct range item)
{
	size_t i = heap->len++;
	while (i > 0 && heap->items[(i - 1) / 2].order > item.order) {
		heap->items[i] = heap->items[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	heap->items[i] = item;
}

static void heap_pop(struct heap *heap)
{
	struct range item = heap->items[--heap->len];
	size_t i = 0;
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= heap->len)
			break;
		if (child + 1 < heap->len &&
			heap->items[child + 1].order < heap->items[child].order)
			child++;
		if (heap->items[child].order > item.order)
			break;
		heap->items[i] = heap->items[child];
		i = child;
	}
	heap->items[i] = item;
}

static struct snap_memory_segment part_of(
	const struct snap_memory_segment *whole, uint64_t start, uint64_t last)
{
	uint64_t skip = start - whole->start;
	return (struct snap_memory_segment){
		.start = start,
		.len = last - start + 1,
		.data = whole->data ? whole->data + skip : NULL,
		.fd = whole->fd,
		.file_off = whole->file_off + skip,
	};
}

/*
 * Sweep over the addresses, the earliest-added of the ranges that are open giving the bytes: n
 * ranges make at most 2n pieces, in O(n log n) whatever they are.
 */
int snap_memory_finish(struct snap_memory *memory, struct snap_error *err)
{
	size_t n = memory->num_segments;
	if (n == 0)
		return 0;
	struct range *ranges = calloc(n, sizeof(*ranges));
	struct heap open = {calloc(n, sizeof(*ranges)), 0};
	struct snap_memory_segment *out = calloc(2 * n, sizeof(*out));
	if (!ranges || !open.items || !out) {
		free(ranges);
		free(open.items);
		free(out);
		return snap_error_no_memory(err);
	}
	for (size_t i = 0; i < n; i++)
		ranges[i] = (struct range){memory->segments[i].start,
			memory->segments[i].start + (memory->segments[i].len - 1), i};
	qsort(ranges, n, sizeof(*ranges), compare_ranges);

	size_t num_out = 0, next = 0;
	uint64_t at = 0; /* everything below is done */
	while (next < n || open.len > 0) {
		while (open.len > 0 && open.items[0].last < at)
			heap_pop(&open);
		if (open.len == 0) {
			if (next == n)
				break;
			at = ranges[next].start;
		}
		while (next < n && ranges[next].start <= at) {
			if (ranges[next].last >= at)
				heap_push(&open, ranges[next]);
			next++;
		}
		if (open.len == 0)
			continue;
		/* The top gives the bytes until it ends or another range starts. */
		uint64_t last = open.items[0].last;
		if (next < n && ranges[next].start <= last)
			last = ranges[next].start - 1;
		const struct snap_memory_segment *whole = &memory->segments[open.items[0].order];
		struct snap_memory_segment *before = num_out > 0 ? &out[num_out - 1] : NULL;
		struct snap_memory_segment piece = part_of(whole, at, last);
		if (before && before->start + before->len == at && before->fd == piece.fd &&
			piece.len <= UINT64_MAX - before->len &&
			(piece.data ? before->data && before->data + before->len == piece.data
				    : !before->data &&
						before->file_off + before->len == piece.file_off))
			before->len += piece.len;
		else
			out[num_out++] = piece;
		if (last == UINT64_MAX)
			break;
		at = last + 1;
	}
	free(ranges);
	free(open.items);
	free(memory->segments);
	memory->segments = out;
	memory->num_segments = num_out;
	memory->capacity = 2 * n;
	memory->last = 0;
	return 0;
}

const struct snap_memory_segment *snap_memory_find(struct snap_memory *memory, uint64_t addr)
{
	if (memory->last < memory->num_segments) {
		const struct snap_memory_segment *s = &memory->segments[memory->last];
		if (addr >= s->start && addr - s->start < s->len)
			return s;
	}
	size_t low = 0, high = memory->num_segments;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct snap_memory_segment *s = &memory->segments[mid];
		if (addr < s->start) {
			high = mid;
		} else if (addr - s->start >= s->len) {
			low = mid + 1;
		} else {
			memory->last = mid;
			return s;
		}
	}
	return NULL;
}

void snap_memory_fail(struct snap_memory *memory, int errnum, uint64_t off)
{
	if (memory->failed_errnum != 0)
		return;
	memory->failed_errnum = errnum;
	memory->failed_off = off;
}

static ssize_t read_noting(struct snap_memory *memory, int fd, uint64_t off, void *buf, size_t len)
{
	ssize_t n = snap_file_read_at(fd, buf, len, off);
	if (n < 0)
		snap_memory_fail(memory, (int)-n, off);
	return n;
}

/* Bytes of a core file, by way of one cached page. Returns how many, or a negative errno. */
static ssize_t read_file(struct snap_memory *memory, int fd, uint64_t off, void *buf, size_t len)
{
	if (len >= PAGE_BYTES)
		return read_noting(memory, fd, off, buf, len);
	if (memory->page_fd != fd || off < memory->page_off ||
		off - memory->page_off >= memory->page_len) {
		if (!memory->page && !(memory->page = malloc(PAGE_BYTES)))
			return -ENOMEM;
		uint64_t start = off & ~(uint64_t)(PAGE_BYTES / 4 - 1);
		ssize_t n = read_noting(memory, fd, start, memory->page, PAGE_BYTES);
		if (n < 0)
			return n;
		memory->page_fd = fd;
		memory->page_off = start;
		memory->page_len = (size_t)n;
		/* The file ends there, or can't be read on: only a read at that place tells. */
		if (off - start >= (uint64_t)n)
			return read_noting(memory, fd, off, buf, len);
	}
	size_t skip = (size_t)(off - memory->page_off);
	size_t n = memory->page_len - skip;
	if (n > len)
		n = len;
	memcpy(buf, memory->page + skip, n);
	return (ssize_t)n;
}

ssize_t snap_memory_read(struct snap_memory *memory, uint64_t addr, void *buf, size_t len)
{
	size_t done = 0;
	while (done < len) {
		const struct snap_memory_segment *s = snap_memory_find(memory, addr + done);
		if (!s)
			break;
		uint64_t skip = addr + done - s->start;
		size_t n = len - done;
		if (n > s->len - skip)
			n = (size_t)(s->len - skip);
		if (s->data) {
			memcpy((char *)buf + done, s->data + skip, n);
		} else {
			ssize_t r =
				read_file(memory, s->fd, s->file_off + skip, (char *)buf + done, n);
			if (r < 0)
				return r;
			if (r == 0)
				break;
			n = (size_t)r;
		}
		done += n;
		if (addr + done == 0) /* round the top of the address space */
			break;
	}
	return (ssize_t)done;
}

bool snap_memory_read_all(struct snap_memory *memory, uint64_t addr, void *buf, size_t len)
{
	return snap_memory_read(memory, addr, buf, len) == (ssize_t)len;
}
