/*
 * Flattens ranges that overlap: which of them counts at each address.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_PAINT_H
#define SNAP_ANALYZE_SYMBOLS_PAINT_H

#include <stddef.h>
#include <stdint.h>

/* Paint addresses [start, end), start < end, with a colour, over whatever a smaller layer painted.
 */
struct snap_paint {
	uint64_t start, end;
	uint32_t layer;	 /* of equal ones the later in the array counts */
	uint32_t colour; /* > 0 */
};

/* From start to the next one's start; colour 0: nothing was painted. Neighbours differ. */
struct snap_painted {
	uint64_t start;
	uint32_t colour;
};

/*
 * *ret: on the heap, ascending, at most twice as many as there are paints; the last one has colour
 * 0. The paints are sorted. -1 without memory.
 */
int snap_paint(struct snap_paint *paints, size_t num, struct snap_painted **ret, size_t *ret_num);

#endif
