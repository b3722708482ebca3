#include "analyze/symbols/paint.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Those that are being painted with: a heap, the one that counts on top. */
struct heap {
	const struct snap_paint **items;
	size_t num;
};

static bool is_above(const struct snap_paint *a, const struct snap_paint *b)
{
	/* Of one layer the one that starts later counts. */
	return a->layer != b->layer ? a->layer > b->layer : a > b;
}

static void push(struct heap *heap, const struct snap_paint *paint)
{
	size_t i = heap->num++;
	for (; i > 0 && is_above(paint, heap->items[(i - 1) / 2]); i = (i - 1) / 2)
		heap->items[i] = heap->items[(i - 1) / 2];
	heap->items[i] = paint;
}

static void pop(struct heap *heap)
{
	const struct snap_paint *last = heap->items[--heap->num];
	size_t i = 0;
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= heap->num)
			break;
		if (child + 1 < heap->num && is_above(heap->items[child + 1], heap->items[child]))
			child++;
		if (!is_above(heap->items[child], last))
			break;
		heap->items[i] = heap->items[child];
		i = child;
	}
	heap->items[i] = last;
}

/*
 * By start, those that start together in any order: is_above() tells them apart. A byte of the
 * differences to the lowest start at a time, from the last on. False without memory.
 */
static bool sort(struct snap_paint *paints, size_t num)
{
	uint64_t low = UINT64_MAX, high = 0;
	bool is_sorted = true;
	for (size_t i = 0; i < num; i++) {
		low = paints[i].start < low ? paints[i].start : low;
		high = paints[i].start > high ? paints[i].start : high;
		is_sorted &= i == 0 || paints[i - 1].start <= paints[i].start;
	}
	if (is_sorted)
		return true;
	struct snap_paint *other = calloc(num, sizeof(*other)), *from = paints, *to = other;
	if (!other)
		return false;
	for (unsigned int shift = 0; shift < 64 && (high - low) >> shift; shift += 8) {
		size_t at[256] = {0}, sum = 0;
		for (size_t i = 0; i < num; i++)
			at[(from[i].start - low) >> shift & 0xff]++;
		for (size_t i = 0; i < 256; i++) {
			size_t n = at[i];
			at[i] = sum;
			sum += n;
		}
		for (size_t i = 0; i < num; i++)
			to[at[(from[i].start - low) >> shift & 0xff]++] = from[i];
		struct snap_paint *sorted = to;
		to = from;
		from = sorted;
	}
	if (from != paints)
		memcpy(paints, from, num * sizeof(*paints));
	free(other);
	return true;
}

int snap_paint(struct snap_paint *paints, size_t num, struct snap_painted **ret, size_t *ret_num)
{
	struct heap heap = {.items = calloc(num + 1, sizeof(*heap.items))};
	struct snap_painted *out = calloc(2 * num + 1, sizeof(*out));
	if (!heap.items || !out || !sort(paints, num)) {
		free(heap.items);
		free(out);
		return -1;
	}

	size_t n = 0, next = 0;
	while (next < num || heap.num > 0) {
		uint64_t at;
		if (heap.num == 0 || (next < num && paints[next].start < heap.items[0]->end))
			at = paints[next].start;
		else
			at = heap.items[0]->end;
		while (heap.num > 0 && heap.items[0]->end <= at)
			pop(&heap);
		for (; next < num && paints[next].start == at; next++)
			if (paints[next].end > at)
				push(&heap, &paints[next]);
		uint32_t colour = heap.num > 0 ? heap.items[0]->colour : 0;
		if (n > 0 && out[n - 1].start == at)
			out[n - 1].colour = colour;
		else if (n == 0 || out[n - 1].colour != colour)
			out[n++] = (struct snap_painted){at, colour};
	}
	free(heap.items);
	*ret = out;
	*ret_num = n;
	return 0;
}
