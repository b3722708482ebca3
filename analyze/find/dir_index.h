/*
 * The ELF files of a directory tree by build ID.
 */
#ifndef SNAP_ANALYZE_FIND_DIR_INDEX_H
#define SNAP_ANALYZE_FIND_DIR_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/error.h"
#include "common/snapshot.h"

struct snap_dir_entry {
	uint8_t build_id[SNAP_MAX_BUILD_ID];
	size_t build_id_len;
	char *path; /* owned by the index */
};

/* A file that is found by its base name alone: of split DWARF (.dwo, .dwp), or without build ID. */
struct snap_dir_name {
	char *path; /* owned by the index */
};

struct snap_dir_index {
	struct snap_dir_entry *entries; /* sorted by build ID, then path */
	size_t num_entries, capacity;
	struct snap_dir_name *names; /* sorted by base name, then path */
	size_t num_names, names_capacity;
	size_t num_unreadable; /* directories and files that could not be looked into */
};

/* Read the tree below path (symbolic links inside are not followed). */
int snap_dir_index_add(struct snap_dir_index *index, const char *path, struct snap_error *err);
/* After the last add. */
void snap_dir_index_sort(struct snap_dir_index *index);
void snap_dir_index_deinit(struct snap_dir_index *index);

/* The first entry of the build ID; those that follow have it as long as it is equal. NULL: none. */
const struct snap_dir_entry *snap_dir_index_find(
	const struct snap_dir_index *index, struct snap_bytes build_id);

/* The first of names with this base name; those that follow have it as long as it is equal. NULL:
 * none. */
const struct snap_dir_name *snap_dir_index_find_name(
	const struct snap_dir_index *index, const char *name);

#endif
