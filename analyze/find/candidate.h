/*
 * What became of each file that was looked at for a module: the account that tells a person why
 * symbols are missing, and what to do about it. Only what was really tried is in it.
 */
#ifndef SNAP_ANALYZE_FIND_CANDIDATE_H
#define SNAP_ANALYZE_FIND_CANDIDATE_H

#include <stddef.h>

#include "common/arena.h"
#include "common/error.h"

/* By which way it was come to. */
enum snap_candidate_where {
	SNAP_WHERE_SYMBOLS,    /* a --symbols tree, by build ID or name */
	SNAP_WHERE_LOCAL,      /* the module's path, on this machine */
	SNAP_WHERE_SYSROOT,    /* its path or build ID below --sysroot */
	SNAP_WHERE_DEBUG_DIR,  /* .build-id of a --debug-dir, or of /usr/lib/debug */
	SNAP_WHERE_DEBUGLINK,  /* what .gnu_debuglink names */
	SNAP_WHERE_ALTLINK,    /* what .gnu_debugaltlink names */
	SNAP_WHERE_DEBUGDATA,  /* .gnu_debugdata: inside the file itself */
	SNAP_WHERE_SPLIT,      /* what a skeleton unit names, or a package of these */
	SNAP_WHERE_DEBUGINFOD, /* fetched from a server */
	SNAP_WHERE_MEMORY,     /* the input's own memory */
	SNAP_WHERE_ELF,	       /* what --elf names */
};

/* What it was looked at for. */
enum snap_candidate_role {
	SNAP_ROLE_EXECUTABLE, /* the executable or library */
	SNAP_ROLE_DEBUG,      /* the separate debug file */
	SNAP_ROLE_ALTERNATE,  /* what several debug files have in common (dwz) */
	SNAP_ROLE_MINI,	      /* MiniDebugInfo: a symbol table */
	SNAP_ROLE_SPLIT,      /* .dwo or .dwp */
	SNAP_ROLE_SOURCE,     /* a source file: none of a module's candidates */
};

enum snap_candidate_fate {
	SNAP_FATE_OK,		  /* used */
	SNAP_FATE_UNUSED,	  /* the right one, but it has nothing that was still missing */
	SNAP_FATE_NOT_FOUND,	  /* there is no such file */
	SNAP_FATE_WRONG_BUILD_ID, /* a file of another build */
	SNAP_FATE_NO_BUILD_ID,	  /* nothing says of which build it is */
	SNAP_FATE_CRC_DIFFERS,	  /* not the file that the link means */
	SNAP_FATE_MALFORMED,
	SNAP_FATE_NOT_A_FILE, /* a FIFO, a directory, a device: not opened */
	SNAP_FATE_NO_PERMISSION,
	SNAP_FATE_REFUSED,	/* not looked for: what it is called must not be followed */
	SNAP_FATE_FETCH_FAILED, /* no answer, or a bad one */
	SNAP_FATE_ERROR,	/* could not be read for another reason */
};

struct snap_candidate {
	enum snap_candidate_where where;
	enum snap_candidate_role role;
	enum snap_candidate_fate fate;
	const char *path;   /* or URL; as it was, a printer escapes it */
	const char *detail; /* more about the fate, in words; NULL */
};

/* No module has more: those that follow are only counted. */
#define SNAP_MAX_CANDIDATES 128

/* In the order in which they were tried. */
struct snap_candidates {
	struct snap_candidate *list; /* in the arena */
	size_t num, capacity;
	size_t num_untold;
};

/* Add a copy, strings included, in the arena; beyond its limit it is only counted. -1 without
 * memory.
 */
int snap_candidates_add(struct snap_candidates *candidates, struct snap_arena *arena,
	const struct snap_candidate *candidate, struct snap_error *err);

/* The first that tells of missing split debug information (.dwo); NULL: nothing of it is missing,
 * as far as it was looked for. candidates: may be NULL. */
const struct snap_candidate *snap_candidates_split(const struct snap_candidates *candidates);

/* Static; the words of the JSON report. */
const char *snap_candidate_where_name(enum snap_candidate_where where);
const char *snap_candidate_role_name(enum snap_candidate_role role);
const char *snap_candidate_fate_name(enum snap_candidate_fate fate);
/* The same for people: "a FIFO or the like", ... */
const char *snap_candidate_fate_words(enum snap_candidate_fate fate);

/* The fate of a file that could not be opened (analyze/file_open.h). */
enum snap_candidate_fate snap_candidate_fate_of(const struct snap_error *err);

#endif
