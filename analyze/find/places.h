/*
 * The places where files are looked for: what the options name, opened once for all modules.
 */
#ifndef SNAP_ANALYZE_FIND_PLACES_H
#define SNAP_ANALYZE_FIND_PLACES_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/analysis.h"
#include "analyze/find/dir_index.h"
#include "common/bytes.h"
#include "common/error.h"

#define SNAP_DEFAULT_DEBUG_DIR "/usr/lib/debug"
/* No longer path is followed: Linux's PATH_MAX. */
#define SNAP_MAX_PATH_BYTES 4096

/* Where a path begins. */
enum snap_root {
	SNAP_ROOT_HERE,	   /* on this machine */
	SNAP_ROOT_SYSROOT, /* below --sysroot, as if that were "/" */
};

struct snap_places {
	const struct snap_options *options;
	int sysroot_fd;		     /* -1: none */
	struct snap_dir_index trees; /* of --symbols; read when first asked for */
	bool trees_read;
};

/* options outlives it. */
int snap_places_init(
	struct snap_places *places, const struct snap_options *options, struct snap_error *err);
void snap_places_deinit(struct snap_places *places);

/* The index of the --symbols trees; NULL and *err if one can't be read. */
const struct snap_dir_index *snap_places_trees(struct snap_places *places, struct snap_error *err);

/*
 * The nth file of the --symbols trees that has this name and is found by name alone: of split
 * DWARF, or without build ID. *ret is NULL if there are no more. -1 and *err if a tree can't be
 * read.
 */
int snap_places_named(struct snap_places *places, const char *name, size_t nth, const char **ret,
	struct snap_error *err);

/* As snap_file_open(). */
int snap_places_open(const struct snap_places *places, enum snap_root root, const char *path,
	struct snap_error *err);
/* The path as a person here would name it: with that of --sysroot before it. */
void snap_places_name(const struct snap_places *places, enum snap_root root, const char *path,
	char out[2 * SNAP_MAX_PATH_BYTES]);

/*
 * Where the paths of the target's files are looked up at all: below --sysroot, or here unless
 * --no-local. False: nowhere.
 */
bool snap_places_target_root(const struct snap_places *places, enum snap_root *ret);

/*
 * A path of the target as a string: only absolute ones, none of the kernel's own (/proc, /dev,
 * /sys). False: it is not to be followed.
 */
bool snap_places_is_path(struct snap_bytes path, char out[SNAP_MAX_PATH_BYTES]);

/* The debug directories: of --debug-dir, else /usr/lib/debug unless that is not to be looked at. */
size_t snap_places_num_debug_dirs(const struct snap_places *places);
const char *snap_places_debug_dir(const struct snap_places *places, size_t i);

/* Joined into out, cut never: false if it does not fit. */
bool snap_path_join(char out[SNAP_MAX_PATH_BYTES], const char *dir, const char *name);
/* path without its last component, "" for those below the root; out as large as path. */
void snap_path_dir(const char *path, char out[SNAP_MAX_PATH_BYTES]);
/* Its last component. */
const char *snap_path_base(const char *path);

#endif
