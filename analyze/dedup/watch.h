/*
 * Follows directories: what arrives in them.
 */
#ifndef SNAP_ANALYZE_DEDUP_WATCH_H
#define SNAP_ANALYZE_DEDUP_WATCH_H

#include "analyze/dedup/input_list.h"
#include "common/error.h"

struct snap_watch;

/*
 * Follow the trees below these directories, from now on. The paths are absolute and outlive it. What can't be
 * watched is told to complain. To be ended by snap_watch_destroy(). -1 and *err.
 */
int snap_watch_create(char *const *paths, size_t num, void (*complain)(const char *format, ...),
	struct snap_watch **ret, struct snap_error *err);
void snap_watch_destroy(struct snap_watch *watch);

/*
 * Wait until something was written whole or moved there, and add it to the list, as
 * snap_input_list_add() does. 1: so it was; 0: a signal said to stop; -1 and *err. From the first call on
 * SIGINT and SIGTERM no longer end the process, but the waiting.
 */
int snap_watch_wait(struct snap_watch *watch, struct snap_input_list *list,
	void (*complain)(const char *format, ...), struct snap_error *err);

#endif
