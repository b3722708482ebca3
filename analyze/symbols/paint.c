#include "analyze/symbols/paint.h"

#include <stdbool.h>
#include <stdlib.h>

/* Those that are being painted with: a heap, the one that counts on top. */
struct heap {
	const struct snap_paint **items;
	size_t num;
};

static bool is_above(const struct snap_paint *a, const struct snap_paint *b)
{
	/* The array is sorted so that of one layer the later is the one that counts. */
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

static int compare(const void *a, const void *b)
{
	const struct snap_paint *x = a, *y = b;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->layer < y->layer ? -1 : x->layer > y->layer;
}

int snap_paint(struct snap_paint *paints, size_t num, struct snap_painted **ret, size_t *ret_num)
{
	struct heap heap = {.items = calloc(num + 1, sizeof(*heap.items))};
	struct snap_painted *out = calloc(2 * num + 1, sizeof(*out));
	if (!heap.items || !out) {
		free(heap.items);
		free(out);
		return -1;
	}
	bool is_sorted = true;
	for (size_t i = 1; i < num && is_sorted; i++)
		is_sorted = compare(&paints[i - 1], &paints[i]) <= 0;
	if (!is_sorted)
		qsort(paints, num, sizeof(*paints), compare);

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
