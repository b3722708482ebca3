/*
 * The options of all verbs: one table gives getopt_long() its own and --help its lines.
 */
#ifndef SNAP_ANALYZE_OPTION_TABLE_H
#define SNAP_ANALYZE_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>

enum snap_option_id {
	/* Above any character, so that they are no short options. */
	OPTION_SYMBOLS = 256,
	OPTION_ELF,
	OPTION_DEBUG_DIR,
	OPTION_SYSROOT,
	OPTION_NO_LOCAL,
	OPTION_PATH_MAP,
	OPTION_TRUST_PATH,
	OPTION_DEBUGINFOD,
	OPTION_NO_DEBUGINFOD,
	OPTION_CACHE,
	OPTION_NO_CACHE,
	OPTION_JOBS,
	OPTION_UNORDERED,
	OPTION_NO_SANDBOX,
	OPTION_WORKER_MEMORY,
	OPTION_WORKER_TIME,
	OPTION_WORKER_OUTPUT,
	OPTION_WORKER_REQUESTS,
	OPTION_WORKER_INPUTS,
	OPTION_MAX_FRAMES,
	OPTION_THREADS,
	OPTION_VARIABLES,
	OPTION_COLOR,
	OPTION_BRIEF,
	OPTION_SECTIONS,
	OPTION_SOURCE,
	OPTION_FETCH_SOURCE,
	OPTION_WIDTH,
	OPTION_EXPLAIN,
	OPTION_INDEX,
	OPTION_WATCH,
	OPTION_GROUPS_JSON,
	OPTION_UNIQUE,
	OPTION_SIMILAR,
	OPTION_SCORES,
	OPTION_SINCE,
	OPTION_UNTIL,
	OPTION_OF_VERSION,
	OPTION_OF_DEVICE,
	OPTION_OF_PROJECT,
	OPTION_OF_KIND,
	OPTION_OF_TAG,
	OPTION_KNOWN,
	OPTION_FAIL_ON_NEW,
	OPTION_MERGE,
	OPTION_SPLIT,
	OPTION_PINS,
	OPTION_KEEP,
	OPTION_DELETE,
	OPTION_RULES,
	OPTION_TOKENS,
	OPTION_FROM,
	OPTION_PROTO,
	OPTION_PROTO_PATH,
	OPTION_PRETTY,
	OPTION_MISSING,
	OPTION_MEMORY,
	OPTION_FULL,
	OPTION_FULL_STACKS,
	OPTION_JSON_LINES,
	OPTION_MAX_SIZE,
	OPTION_ALL,
	OPTION_STORE,
	OPTION_LINK,
	OPTION_FORCE,
	OPTION_TAKE,
	OPTION_ADDR2LINE,
	OPTION_VERSION,
	/* Those that have a letter, too. */
	OPTION_HELP = 'h',
	OPTION_OUTPUT = 'o',
};

struct snap_option_entry {
	enum snap_option_id id;
	unsigned int takes; /* verbs of these sets have it; 0: all */
	const char *name;
	const char *argument; /* its placeholder; NULL: none */
	const char *help;
};

/* In the order of --help. */
extern const struct snap_option_entry snap_option_entries[];
/* How many there are, and at most. */
extern const size_t snap_num_options;
#define SNAP_MAX_OPTIONS 128

/* Whether verbs with these sets have it. */
bool snap_option_is_taken(unsigned int takes, const struct snap_option_entry *entry);
/* NULL: there is none. */
const struct snap_option_entry *snap_option_find(int id);

#endif
