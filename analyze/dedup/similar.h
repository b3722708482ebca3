/*
 * Group: how similar stacks are, and which of those seen before are most similar to one.
 *
 * The measure is FaST (Rodrigues, Aloise, Fernandes: "FaST: A linear time stack trace alignment
 * heuristic for crash report deduplication", MSR 2022). docs/similarity.rst has the formula, and
 * where the numbers below come from.
 */
#ifndef SNAP_ANALYZE_DEDUP_SIMILAR_H
#define SNAP_ANALYZE_DEDUP_SIMILAR_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* All 0 or more; 0 takes that part out of the formula. */
struct snap_similar_weights {
	double alpha; /* how much less a function weighs the deeper it stands; at most 10 */
	double beta;  /* how much less one weighs the more stacks it is in; at most 5 */
	double gamma; /* how much less it counts that two stacks share one, the further apart it
		       * stands in them; at most 100 */
};

#define SNAP_SIMILAR_WEIGHTS                                                                       \
	{                                                                                          \
		.alpha = 1.0, .beta = 0.03, .gamma = 0.1                                           \
	}

/* From this similarity on, two stacks are taken for the same bug. */
#define SNAP_SIMILAR_THRESHOLD 0.4

/* So many functions of a stack count, the innermost, recursion taken out before. */
#define SNAP_SIMILAR_FRAMES 300

/*
 * A stack's function names, innermost first, in the form that signatures use ("MODULE!?" where only
 * the module is known): the lines that snap_pick() keeps at SNAP_PICK_ALL. With the frames that end
 * and start programs, which these leave out, new bugs are taken for known ones more often.
 */
struct snap_similar_stack {
	const char *kind;	      /* of the crash; those of other kinds are never similar */
	const char *const *functions; /* NULL among them: not known, and like no other */
	size_t num;
};

struct snap_similar_hit {
	uint32_t number;   /* of the stack, in the order in which they were added, from 0 */
	double similarity; /* from -1 (nothing in common) to 1 (equal), in steps of 1e-9 */
};

struct snap_similar;

/* NULL: no memory, or weights out of range. */
struct snap_similar *snap_similar_create(
	const struct snap_similar_weights *weights, struct snap_error *err);
/* NULL does nothing. */
void snap_similar_destroy(struct snap_similar *similar);

/* Of all kinds. */
uint32_t snap_similar_num(const struct snap_similar *similar);

/*
 * Remember a stack; its strings are copied. *ret_number: that of the stack. -1, and nothing was
 * added: no memory, or 2^32 - 1 stacks are there.
 */
int snap_similar_add(struct snap_similar *similar, const struct snap_similar_stack *stack,
	uint32_t *ret_number, struct snap_error *err);

/*
 * The stacks of the same kind that share a function with this one and are at least so similar to it
 * (min: -1 for all), up to max: the most similar first, of equal ones the one that was added first.
 * Returns how many were put into hits. Nothing is allocated, and nothing but time is different for
 * the next one.
 *
 * How rare a function is, is told of all stacks, of any kind, as if this one had been added, too;
 * so ask first, then add. The higher min is and the smaller max, the fewer stacks are looked at.
 */
size_t snap_similar_query(struct snap_similar *similar, const struct snap_similar_stack *stack,
	double min, struct snap_similar_hit *hits, size_t max);

#endif
