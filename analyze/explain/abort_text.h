/*
 * What the C library said before it aborted the process, taken apart: which of its checks failed,
 * and of an assertion its parts.
 *
 * Hostile: the text may be anything, and cut anywhere.
 *
 * Sources: glibc 2.31 to 2.42: assert/assert.c, assert/assert-perr.c, malloc/malloc.c, debug/
 * (fortify_fail.c, stack_chk_fail.c, ____longjmp_chk.c, fdelt_chk.c),
 * stdio-common/vfprintf-internal.c, sysdeps/posix/libc_fatal.c, include/assert.h.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_ABORT_TEXT_H
#define SNAP_ANALYZE_EXPLAIN_ABORT_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "analyze/crash.h"
#include "common/bytes.h"

/* The parts point into the text; absent ones are not told. */
struct snap_assert_text {
	struct snap_bytes expression, file, function;
	bool has_line;
	uint32_t line;
	bool is_cut; /* the text ends before the expression does */
};

struct snap_abort_text {
	enum snap_failure failure; /* SNAP_FAILURE_NONE: not known */
	const char *words;	   /* what that means, as a sentence part; static; NULL likewise */
	bool has_assertion;
	struct snap_assert_text assertion;
};

/* program: what the process is called, by which the text may begin; absent: not known. */
struct snap_abort_text snap_abort_text_read(struct snap_bytes text, struct snap_bytes program);

#endif
