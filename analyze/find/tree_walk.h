/*
 * Goes through a directory tree, with what is known of it from the last time.
 */
#ifndef SNAP_ANALYZE_FIND_TREE_WALK_H
#define SNAP_ANALYZE_FIND_TREE_WALK_H

#include <stddef.h>

#include "analyze/find/tree_file.h"
#include "analyze/progress.h"
#include "common/bytes.h"
#include "common/error.h"

struct snap_tree_walk {
	/* In. */
	const char *path;	       /* the root's, as it is to be shown */
	const char *absolute_path;     /* as the root is called in *made */
	const struct snap_tree *known; /* of the last time; NULL */
	struct snap_progress progress;
	/* For each file that is to be found: with its build ID, or absent if by name. */
	int (*found)(
		const char *path, struct snap_bytes build_id, void *data, struct snap_error *err);
	void *data;

	/* Out: what is known now, and what it took. */
	struct snap_tree made;
	size_t num_unreadable; /* directories and files */
	size_t num_opened;     /* files */
	size_t num_listed;     /* directories */

	/* Private. */
	char *shown; /* the path of what is looked at */
	size_t shown_len, shown_size;
	int64_t begun_ns;
};

struct snap_scan_reader; /* tree_scan.h */

/*
 * root_fd: of the root, open for listing; closed. Returns 0, or -1 and *err if memory ends or found
 * said so. In both cases the caller ends walk->made with snap_tree_deinit_made().
 */
int snap_tree_walk(struct snap_tree_walk *walk, int root_fd, struct snap_error *err);

/* The same over what was scanned, from the root on: in a worker, which can't list directories. */
int snap_tree_walk_scanned(
	struct snap_tree_walk *walk, struct snap_scan_reader *scan, struct snap_error *err);

#endif
