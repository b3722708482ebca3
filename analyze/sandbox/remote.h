/*
 * A worker's side of the line to the broker. Everywhere else snap_remote_is_on() is false, and
 * files are opened directly.
 *
 * If the broker is gone, or what it says makes no sense, the worker ends: nobody waits for it.
 */
#ifndef SNAP_ANALYZE_SANDBOX_REMOTE_H
#define SNAP_ANALYZE_SANDBOX_REMOTE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "analyze/find/debuginfod.h"
#include "analyze/progress.h"
#include "analyze/sandbox/protocol.h"
#include "common/bytes.h"
#include "common/error.h"

/* Where a path begins. */
enum snap_remote_root {
	SNAP_REMOTE_HERE,
	SNAP_REMOTE_SYSROOT,
};

/*
 * errnum of a file that the broker did not hand over because it is no executable, library, debug or
 * object file; the text says so as a parser would.
 */
#define SNAP_NOT_ELF ENOEXEC

bool snap_remote_is_on(void);
/* From now on. */
void snap_remote_start(int socket, int work);
/* The input that is worked on next, if it is open already; -1. */
void snap_remote_set_input(int fd);
/* Whether the parent only looks from time to time at what is printed: it is woken if there is no room. */
void snap_remote_set_unheard(bool is_unheard);
/* For a process that the worker forked: it has no line of its own. */
void snap_remote_close(void);

/* Each returns a descriptor, or -1 and *err as snap_file_open() has it. */
int snap_remote_input(struct snap_error *err);
int snap_remote_open(enum snap_remote_root root, const char *path, struct snap_error *err);
int snap_remote_temporary(struct snap_error *err);

/* As realpath(3), on the heap; NULL. */
char *snap_remote_real_path(const char *path);

/* As snap_source_open_below() with the tree of --source of that index. */
int snap_remote_source(size_t tree, const char *path, struct snap_error *err);

/* The tree at path, as snap_tree_scan() wrote it into the descriptor that is returned. */
int snap_remote_scan(const char *path, struct snap_error *err);

/* Of the cache: a descriptor, or -1. */
int snap_remote_cache_open(const char *kind, const char *key, bool is_use);
int snap_remote_cache_begin(const char *kind, struct snap_error *err);
int snap_remote_cache_publish(const char *key, struct snap_error *err);

/* As snap_debuginfod_fetch(). */
bool snap_remote_fetch(
	const struct snap_debuginfod_request *request, struct snap_debuginfod_answer *answer);

/* The file of -o: *ret_is_stdout says what the descriptor is. */
int snap_remote_output_open(bool *ret_is_stdout, struct snap_error *err);
int snap_remote_output_publish(struct snap_error *err);

/* Of the directory of --store. place: 0 or a negative errno. */
int snap_remote_store_open(const char *xx, const char *name);
int snap_remote_store_place(
	const char *xx, const char *name, unsigned int number, bool *ret_not_linked);

/*
 * What is printed. It is sent when there is enough of it, before anything else is said, and, if
 * at_once, each time.
 */
void snap_remote_print(const void *bytes, size_t len, bool at_once);
/* The input is done with (an enum snap_exit), and its output is whole. wakes: the parent is to know. */
void snap_remote_done(int status, bool wakes);
/* This worker ends. */
void snap_remote_bye(void);

void snap_remote_complain(const char *text);
void snap_remote_progress(enum snap_progress_event event, const char *text);

/*
 * Called before a library is loaded: where that can't be done any more, the input is begun anew by
 * a worker that has it, and this one ends.
 */
void snap_remote_need_library(enum snap_library library);
/* Loaded beforehand, or known to be missing: it may be looked for once more. */
void snap_remote_set_library(enum snap_library library);

#endif
