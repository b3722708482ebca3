/*
 * A crashing thread's stack as signatures see it.
 */
#ifndef SNAP_ANALYZE_SIGNATURE_STACK_H
#define SNAP_ANALYZE_SIGNATURE_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/crash.h"
#include "analyze/signature/rules.h"
#include "common/arena.h"
#include "common/bytes.h"
#include "common/error.h"

/* Lines that are looked at: what stands deeper tells no bug from another. */
#define SNAP_SIGNATURE_LINES 1024

/* One line of the backtrace: a frame, or a function inlined into one. */
struct snap_signature_line {
	const char *function;	      /* in its signature's form; NULL: not known */
	struct snap_bytes module;     /* the base name of its file; empty: none */
	const struct snap_rule *rule; /* NULL: an ordinary function */
	const struct snap_rules_used *used; /* what made function of its name; NULL: no rule did */
	bool is_library;	      /* its module is one of those that rules name */
	bool is_inline, is_signal;
	/* Of a line that is not inlined, in a module: where in that file's memory its pc is. */
	bool has_offset;
	struct snap_bytes build_id;
	uint64_t offset;
};

struct snap_signature_stack {
	enum snap_kind kind;
	const char *message; /* what was said of the cause, without what differs; NULL: nothing */
	const struct snap_signature_line *lines;
	size_t num_lines; /* those whose places on the stack are certain */
	enum snap_signature_depth depth; /* so many of its frames make up the id */
	bool is_device; /* a microcontroller's */
	bool is_smashed;  /* the innermost frame that did not end the program overwrote its own */
	bool is_cut;	  /* more lines follow, which are guesses, or too many */
	bool ends_at_gap; /* what follows on the stack was not captured */
};

/* Of a frame in a module: where in that file's memory its pc is. */
uint64_t snap_signature_offset(const struct snap_frame *frame);

/* Everything in *ret is the crash's, or allocated in arena. -1 only without memory. */
int snap_signature_stack_read(const struct snap_crash *crash,
	const struct snap_crash_thread *thread, const struct snap_rules *rules,
	struct snap_arena *arena, struct snap_signature_stack *ret, struct snap_error *err);

#endif
