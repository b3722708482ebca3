/*
 * The search for the files of one build: the order of the places (docs/symbols.rst), each file
 * verified on its open descriptor before use, and its fate written down.
 *
 *   0. of a microcontroller: what --elf names
 *   1. the --symbols trees, by build ID
 *   2. the module's own path: below --sysroot if there is one, else, unless --no-local, here
 *   3. the .build-id trees of --sysroot where distributions have them
 *   4. .build-id/xx/yyyy[.debug] below each --debug-dir (/usr/lib/debug if there is none, nor a
 *      sysroot, nor --no-local)
 *   5. what .gnu_debuglink of the executable or library names
 *   6. debuginfod, by a step of its own: only files that a stack leads to are fetched
 *
 * and, of what was found: the alternate debug file, and the symbol table inside .gnu_debugdata.
 */
#ifndef SNAP_ANALYZE_FIND_SEARCH_H
#define SNAP_ANALYZE_FIND_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "analyze/find/candidate.h"
#include "analyze/find/debuginfod.h"
#include "analyze/find/places.h"
#include "analyze/symbols/object.h"
#include "common/arena.h"
#include "common/bytes.h"
#include "common/error.h"

/* Where a file was found, as far as others may lie beside it. */
struct snap_origin {
	bool has_path; /* false: it came from a server or from memory */
	enum snap_root root;
	enum snap_candidate_where where;
	const char *path; /* below the root; in the arena */
};

struct snap_search {
	struct snap_places *places;
	struct snap_arena *arena;   /* of the words; limited */
	struct snap_bytes build_id; /* absent: by path alone */
	struct snap_bytes path;	    /* of the module, on the target */
	bool by_path;		    /* --trust-path: the path says enough where no build ID does */
	bool any_build_id;	    /* ... also of a file that has one */
	bool is_deleted;	    /* by_path: what is at the path now is another file */
	/* Of a microcontroller: its build ID may be the first bytes of the file's; --elf names these
	 * files (array and strings outlive the search). */
	bool is_device;
	const char *const *elfs;
	size_t num_elfs;
	bool is_alternate; /* for files.alternate, whose build ID it is, and nothing else */
	struct snap_candidates candidates;
	struct snap_object_files files; /* what was found so far */
	struct snap_origin main_at, debug_at;
	bool mismatch;		   /* where a file of this build belongs, there is another's */
	const char *why;	   /* the most telling failure so far; in the arena, or static */
	const char *why_alternate; /* why files.alternate is missing; likewise */
	const char *why_fetch;	   /* why fetching failed; likewise */
	bool alternate_tried;	   /* in all places but 6, for the files that there are */
	struct snap_debuginfod *client; /* during snap_search_fetch() */
};

/* Steps 0 to 5. -1 without memory, or if a --symbols tree can't be read. */
int snap_search_files(struct snap_search *search, struct snap_error *err);

/* The files that hang on those found: .alternate and .mini. After the steps above. */
int snap_search_dependents(struct snap_search *search, struct snap_error *err);

/*
 * Step 6: ask for the executable or library if it is missing, for the debug file if none has debug
 * information, and for what hangs on those.
 */
int snap_search_fetch(
	struct snap_search *search, struct snap_debuginfod *client, struct snap_error *err);

/* Whether a file with debug information was found. */
bool snap_search_has_dwarf(const struct snap_search *search);
/* Whether something is missing that another file might have. */
bool snap_search_is_whole(const struct snap_search *search);

/* In words, into the search's arena; static words if that is used up. */
const char *snap_search_format(struct snap_search *search, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* An account of something that was tried. */
int snap_search_note(
	struct snap_search *search, const struct snap_candidate *candidate, struct snap_error *err);

/* ---------------------------------------------------------------- for the other steps */

/* A file to look at. */
struct snap_attempt {
	enum snap_candidate_where where;
	enum snap_candidate_role role; /* what it is looked at for */
	enum snap_root root;
	const char *path;
	bool has_fd;
	int fd;		 /* has_fd: open already, at path; taken over */
	const char *url; /* what to call it in its candidate; NULL: by its path */
	bool expected;	 /* this build's file belongs there: a failure is worth telling */
	bool has_crc;	 /* a file without build ID is right if it has this CRC */
	uint32_t crc;
};

/* Look at one file, and keep it if it is right and has something that is missing. -1: no memory. */
int snap_search_try(
	struct snap_search *search, const struct snap_attempt *attempt, struct snap_error *err);

#endif
