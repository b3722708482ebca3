/*
 * The files to be grouped: those that were named, and those in directories that were named.
 */
#ifndef SNAP_ANALYZE_DEDUP_INPUT_LIST_H
#define SNAP_ANALYZE_DEDUP_INPUT_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "common/error.h"

struct snap_listed_input {
	char *path;
	struct stat st; /* of the file; of standard input and what can't be looked at, zeros */
	bool is_named;	/* not found in a directory */
};

struct snap_input_list {
	struct snap_listed_input *inputs;
	size_t num, capacity;
	size_t num_passed_over; /* files in directories that are no inputs */
	size_t num_unreadable;	/* directories, complained of */
	bool is_text;		/* texts are looked for, not snapshots and cores */
	bool is_absolute;	/* paths are to be, without links, whatever was named */
};

/* Begins as {0}. */
void snap_input_list_deinit(struct snap_input_list *list);

/*
 * Add a file, or whatever is an input by its name or first bytes in the tree below a directory, in the
 * order of names; links in it are not followed, and what is hidden or still being written (.part) is
 * passed over. A file that is in the list, by whatever name, is not added again. What can't be read
 * in a directory is told to complain. -1 and *err: path itself can't be read, or no memory.
 */
int snap_input_list_add(struct snap_input_list *list, const char *path,
	void (*complain)(const char *format, ...), struct snap_error *err);

/* Whether the file would be added if it was found in a directory. */
bool snap_input_list_takes(const struct snap_input_list *list, const char *path);

/* Leave out files that are there already. To be called when all were added. */
void snap_input_list_finish(struct snap_input_list *list);

#endif
