/*
 * Asks debuginfod servers for files, by libdebuginfod, which is loaded when the first file is asked
 * for. The servers are those of DEBUGINFOD_URLS; what came is in that library's own cache.
 *
 * Nothing is fetched silently: a listener is told of each request that goes out.
 */
#ifndef SNAP_ANALYZE_FIND_DEBUGINFOD_H
#define SNAP_ANALYZE_FIND_DEBUGINFOD_H

#include <stdbool.h>
#include <stdint.h>

#include "analyze/find/candidate.h"
#include "common/bytes.h"
#include "common/error.h"

/* A file takes no longer, however well it comes. (DEBUGINFOD_TIMEOUT is the library's own bound for
 * no progress, DEBUGINFOD_MAXTIME one for all.) */
#define SNAP_DEBUGINFOD_MAX_S 900

enum snap_fetch_event {
	SNAP_FETCH_BEGIN,    /* a request goes out */
	SNAP_FETCH_PROGRESS, /* as often as it comes */
	SNAP_FETCH_END,	     /* of what has begun, well or not */
	SNAP_FETCH_GIVE_UP,  /* no server is asked any more in this run; once */
};

struct snap_fetch {
	enum snap_fetch_event event;
	enum snap_candidate_role role;
	const char *name;	    /* of the module, or of a source file, as it was */
	const char *build_id;	    /* in hex */
	uint64_t done_len, all_len; /* all_len is 0 as long as it is not known */
	const char *text;	    /* of SNAP_FETCH_GIVE_UP: why, in words; safe to print */
};

typedef void snap_fetch_fn(const struct snap_fetch *fetch, void *data);

struct snap_debuginfod;

/* fn may be NULL: nobody wants to know. */
int snap_debuginfod_create(
	snap_fetch_fn *fn, void *data, struct snap_debuginfod **ret, struct snap_error *err);
/* NULL is ignored. */
void snap_debuginfod_destroy(struct snap_debuginfod *client);

/* Another bound than SNAP_DEBUGINFOD_MAX_S. */
void snap_debuginfod_set_max_s(struct snap_debuginfod *client, unsigned int max_s);

struct snap_debuginfod_request {
	struct snap_bytes build_id;
	/* SNAP_ROLE_EXECUTABLE, _SOURCE, or another for debug information */
	enum snap_candidate_role role;
	/* The module's, for the listener; of source, its absolute path as debug information has it.
	 */
	struct snap_bytes name;
};

/* What came of it. */
struct snap_debuginfod_answer {
	int fd;			       /* of a file that nothing is known of yet; -1: none came */
	enum snap_candidate_fate fate; /* SNAP_FATE_OK if one did */
	char path[4096];	       /* where it lies now */
	char url[1024];		       /* where it is from, or was looked for */
	char detail[512];	       /* why none came; "" if the fate says all */
};

/*
 * Ask for a file. The caller closes answer->fd. False: nothing was asked, because the servers were
 * given up; then only answer->detail is set, to why that was.
 */
bool snap_debuginfod_fetch(struct snap_debuginfod *client,
	const struct snap_debuginfod_request *request, struct snap_debuginfod_answer *answer);

#endif
