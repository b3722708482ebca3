/*
 * Assertions of a microcontroller's program: that one failed, and its parts.
 *
 * Hostile: the text may be anything, and cut anywhere.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_DEVICE_ASSERT_H
#define SNAP_ANALYZE_EXPLAIN_DEVICE_ASSERT_H

#include <stdbool.h>

#include "analyze/crash.h"
#include "analyze/explain/abort_text.h"
#include "common/bytes.h"

/* What tells of the assertion. */
enum snap_assert_source {
	SNAP_ASSERT_NONE,
	SNAP_ASSERT_MESSAGE, /* what the program left in the snapshot (AbortMessage) */
	SNAP_ASSERT_REASON,  /* the snapshot's metadata */
	SNAP_ASSERT_LOG,     /* the last fatal entry of its log */
	SNAP_ASSERT_STACK,   /* a function on the crashing thread's stack: there is no text */
};

struct snap_device_assert {
	enum snap_assert_source source;
	enum snap_failure failure;
	struct snap_bytes text;	  /* absent of SNAP_ASSERT_STACK */
	struct snap_assert_text parts;
	/* A function that is called where a stack was found to have overflowed. */
	bool is_stack_overflow;
	const char *function; /* of SNAP_ASSERT_STACK; the listing's */
};

/* Whether a text tells of an assertion that failed. */
bool snap_device_assert_is_told(struct snap_bytes text);

/*
 * The parts that it has; false if there are none. Known are the words of Pigweed's PW_CHECK, newlib
 * and picolibc, glibc, BSD's and Arm's C libraries, Zephyr and ESP-IDF.
 */
bool snap_device_assert_read(struct snap_bytes text, struct snap_assert_text *ret);

/*
 * An expression as it is in all builds and runs: "a (=1) < b (=0)" of PW_CHECK without the values. In
 * arena; NULL without memory.
 */
const char *snap_device_assert_expression(struct snap_bytes expression, struct snap_arena *arena);

/* What tells of one, in the order of the sources. */
struct snap_device_assert snap_device_assert_find(const struct snap_crash *crash);

#endif
