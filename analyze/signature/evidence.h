/*
 * What groups crashes across builds beside the signature: how much of it is by names, where in the
 * code it was, and the whole stack for comparison.
 */
#ifndef SNAP_ANALYZE_SIGNATURE_EVIDENCE_H
#define SNAP_ANALYZE_SIGNATURE_EVIDENCE_H

#include <stddef.h>
#include <stdint.h>

#include "analyze/crash.h"
#include "analyze/signature/rules.h"
#include "common/arena.h"
#include "common/error.h"

/* Places that are told, the innermost first. */
#define SNAP_EVIDENCE_MAX_PLACES 32
/* Functions that are told. */
#define SNAP_EVIDENCE_MAX_FUNCTIONS 300

struct snap_evidence {
	/* Lines of the signature without a name, and those with a name by a symbol alone, so that what
	 * was inlined there is not known. 0 and 0: nothing can be known better. */
	uint32_t num_nameless, num_symbols_only;
	/*
	 * A digest each of the kind, the message and the places (build ID and offset) of the first 1, 2,
	 * 3 ... frames. Two crashes with an equal one stood alike down to there, in the same build.
	 */
	uint64_t places[SNAP_EVIDENCE_MAX_PLACES];
	size_t num_places;
	/*
	 * The signature follows from so many frames, so that whoever has places[num_decisive - 1] has
	 * the same signature. 0: places do not tell.
	 */
	size_t num_decisive;
	/* In their signatures' form, the innermost first, without those that rules skip or take for
	 * tails; NULL: not known. In the arena, as the functions are. */
	const char **functions;
	size_t num_functions;
};

/* Of a crash that has a signature by these rules. -1 only without memory. */
int snap_evidence_read(const struct snap_crash *crash, const struct snap_rules *rules,
	struct snap_arena *arena, struct snap_evidence *ret, struct snap_error *err);

#endif
