/*
 * Backtraces as text, as other programs print them: gdb, sanitizers, this one's own reports in JSON,
 * and a plain form. docs/signatures.rst says what is read of each.
 *
 * Each becomes a crash with one thread, whose frames and lines stand there as after unwinding and
 * symbolising. What texts do not tell (registers, memory, mostly addresses) is absent.
 */
#ifndef SNAP_ANALYZE_INPUT_TEXT_H
#define SNAP_ANALYZE_INPUT_TEXT_H

#include <stdbool.h>

#include "analyze/crash.h"
#include "common/error.h"

enum snap_text_format {
	SNAP_TEXT_NONE, /* no text: a snapshot or a core */
	SNAP_TEXT_GDB,
	SNAP_TEXT_ASAN, /* and the other sanitizers */
	SNAP_TEXT_JSON,
	SNAP_TEXT_PLAIN,
};

/* By its name on the command line; false: there is none of that name. */
bool snap_text_format_find(const char *name, enum snap_text_format *ret);

/* Of one trace, frames; of one file, traces. */
#define SNAP_TEXT_MAX_FRAMES 4096
#define SNAP_TEXT_MAX_TRACES 100000
/* Of a line, bytes: what stands behind them is not looked at. */
#define SNAP_TEXT_MAX_LINE 65536
/* Lines before a trace that are kept as the crash's log. */
#define SNAP_TEXT_LOG_LINES 16

struct snap_text;

/*
 * Open file ("-": standard input), which is of that format. err->text is the whole message. Close
 * with snap_text_close().
 */
int snap_text_open(const char *file, enum snap_text_format format, struct snap_text **ret,
	struct snap_error *err);
/* NULL is ignored. */
void snap_text_close(struct snap_text *text);

/*
 * The next trace into *ret, which the caller ends with snap_crash_deinit(), and which may outlive
 * the text: returns 1. 0: there is no other. -1: memory is exhausted, or there is no trace at all, or
 * something else in the text is not what it has to be: err->text is the whole message.
 *
 * ret->file is the file's name, or, where it holds several traces, with ":LINE" behind it.
 */
int snap_text_next(struct snap_text *text, struct snap_crash *ret, struct snap_error *err);

#endif
