/*
 * What snapcrash-debugger is asked for.
 */
#ifndef SNAP_CAPTURE_DEBUGGER_OPTIONS_H
#define SNAP_CAPTURE_DEBUGGER_OPTIONS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"
#include "common/snapshot.h"

#define SNAP_DEBUGGER_PROGRAM "snapcrash-debugger"

#define SNAP_DEBUGGER_MAX_TAGS 64
/* Snapshots of one run. */
#define SNAP_DEBUGGER_MAX_COUNT 100000

/* What becomes of a snapshot. */
enum snap_debugger_output {
	SNAP_DEBUGGER_SPOOL,
	SNAP_DEBUGGER_FILE,   /* options.file */
	SNAP_DEBUGGER_TEXT,   /* printed, and not kept */
	SNAP_DEBUGGER_REPORT, /* likewise, by snapanalyze */
};

struct snap_debugger_options {
	enum snap_debugger_output output;
	const char *file; /* "-": standard output */
	const char *config_file;
	pid_t pid;	 /* 0: exe tells */
	const char *exe; /* NULL: pid tells */
	uint64_t after_ms, every_ms;
	unsigned long count;
	size_t num_tags;
	struct snap_tag tags[SNAP_DEBUGGER_MAX_TAGS];
};

/*
 * Read the command line, which must live as long as *ret. Returns -1 to go on; else everything was
 * said, and it is the status to exit with.
 */
int snap_debugger_options_parse(int argc, char **argv, struct snap_debugger_options *ret);

/*
 * A time as users write it: a number, perhaps with a fraction, and "ms", "s" (or nothing), "m",
 * "h". Returns 0, or -1: it is none, or longer than a year.
 */
int snap_debugger_parse_time(const char *s, uint64_t *ret_ms);

#endif
