/*
 * The ELF files of a directory tree by build ID, and those that are found by name.
 *
 * What was found is kept in the cache ("trees") and renewed: an unchanged directory is not listed
 * again, an unchanged file not opened again. Whether they are is told by inode, times to the
 * nanosecond and, of files, size; what was changed so shortly before it was looked at that a later
 * change could have left the same times is looked at again the next time. Whoever opens a file that
 * was found here verifies the build ID.
 */
#ifndef SNAP_ANALYZE_FIND_DIR_INDEX_H
#define SNAP_ANALYZE_FIND_DIR_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/progress.h"
#include "common/bytes.h"
#include "common/error.h"
#include "common/snapshot.h"

struct snap_cache_dir; /* cache/cache_dir.h */

/* The kind of its entries in the cache. */
#define SNAP_TREES_KIND "trees"

struct snap_dir_entry {
	uint8_t build_id[SNAP_MAX_BUILD_ID];
	size_t build_id_len;
	char *path; /* owned by the index */
};

/*
 * A file that is found by its base name alone: split DWARF (.dwo, .dwp), an object file, which may
 * hold split DWARF, too, or an executable, library or debug file without a build ID.
 */
struct snap_dir_name {
	char *path; /* owned by the index */
};

/* Begins as zeros. */
struct snap_dir_index {
	struct snap_dir_entry *entries; /* sorted by build ID, then path */
	size_t num_entries, capacity;
	struct snap_dir_name *names; /* sorted by base name, then path */
	size_t num_names, names_capacity;
	size_t num_unreadable; /* directories and files that could not be looked into */
	/* What it took. */
	size_t num_files, num_opened; /* files that are there, that were opened */
	size_t num_dirs, num_listed;  /* directories likewise */
};

/*
 * Read the tree below path (symbolic links inside are not followed, pseudo file systems not
 * entered). cache: where to find and keep what is known of it; NULL: nowhere. Progress is told as
 * files are counted.
 */
int snap_dir_index_add(struct snap_dir_index *index, const char *path, struct snap_cache_dir *cache,
	struct snap_progress progress, struct snap_error *err);
/* After the last add. */
void snap_dir_index_sort(struct snap_dir_index *index);
void snap_dir_index_deinit(struct snap_dir_index *index);

/* The first entry of the build ID; those that follow have it as long as it is equal. NULL: none. */
const struct snap_dir_entry *snap_dir_index_find(
	const struct snap_dir_index *index, struct snap_bytes build_id);

/*
 * The first entry whose build ID begins with these bytes; NULL: none, or files of several builds
 * do.
 */
const struct snap_dir_entry *snap_dir_index_find_prefix(
	const struct snap_dir_index *index, struct snap_bytes prefix);

/*
 * The first of names with this base name; those that follow have it as long as it is equal, as
 * snap_dir_name_is() says. NULL: none.
 */
const struct snap_dir_name *snap_dir_index_find_name(
	const struct snap_dir_index *index, const char *base_name);
bool snap_dir_name_is(const struct snap_dir_name *name, const char *base_name);

#endif
