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

/* Frames that are told, the innermost first. */
#define SNAP_EVIDENCE_MAX_FRAMES 64
/* Functions of the signature that are told; it has no more. */
#define SNAP_EVIDENCE_MAX_KEPT 16
/* Functions that are told. */
#define SNAP_EVIDENCE_MAX_FUNCTIONS 300

struct snap_evidence {
	/* Lines of the signature without a name, and those with a name by a symbol alone, so that what
	 * was inlined there is not known. 0 and 0: nothing can be known better. */
	uint32_t num_nameless, num_symbols_only;
	/*
	 * A digest each of build ID and offset, of frames in modules, guessed ones too: who stood there
	 * in the same build has them in this order. Tail calls, which are not on the stack, are none.
	 */
	uint64_t frames[SNAP_EVIDENCE_MAX_FRAMES];
	size_t num_frames;
	/* A digest of the kind, the message and the first of the frames: without it, nobody stood there. */
	uint64_t first;
	/*
	 * The signature follows from so many frames, so that whoever stood at these, and the first, has
	 * the same signature. 0: it does not.
	 */
	size_t num_decisive;
	/* So many of them, down to the innermost that is no library's: whose stack is known no further
	 * stood at the same place, at least. */
	size_t num_telling;
	/* The lines of a signature of any depth, the innermost first. In the arena. */
	const char **functions;
	size_t num_functions;
	/* Those of them that count in the signature, and a digest of the build ID of the module that each
	 * is in; 0: not known. */
	struct snap_evidence_kept {
		const char *function;
		uint64_t build;
	} kept[SNAP_EVIDENCE_MAX_KEPT];
	size_t num_kept;
};

/* Of a crash that has a signature by these rules. -1 only without memory. */
int snap_evidence_read(const struct snap_crash *crash, const struct snap_rules *rules,
	struct snap_arena *arena, struct snap_evidence *ret, struct snap_error *err);

#endif
