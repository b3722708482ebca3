/*
 * What was found in a directory tree, as it is kept in the cache: for each directory and file a
 * stamp, by which an unchanged one is known again, and of each file what matters for finding it.
 *
 * The format is this machine's own (its byte order, the arrays as they are in memory), with a
 * checksum; anything that is not exactly as it would be written here is no such file.
 */
#ifndef SNAP_ANALYZE_FIND_TREE_FILE_H
#define SNAP_ANALYZE_FIND_TREE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "common/bytes.h"
#include "common/error.h"

/* Directories below the root of the tree. */
#define SNAP_TREE_MAX_DEPTH 32

struct snap_tree_dir {
	uint64_t stamp;		      /* 0: may have changed since, look again */
	uint32_t name;		      /* offset in names */
	uint32_t num_files, num_dirs; /* in it */
	uint32_t zero;
};

struct snap_tree_file {
	uint64_t stamp;
	uint32_t name;
	uint32_t info; /* SNAP_TREE_NOTHING, SNAP_TREE_BY_NAME or SNAP_TREE_ID + an offset in ids */
};

enum {
	SNAP_TREE_NOTHING, /* nothing that is looked for */
	SNAP_TREE_BY_NAME, /* to be found by name: an object file, split DWARF, an ELF file without
			      build ID */
	SNAP_TREE_ID,
};

/*
 * Directories stand before those in them, in order of name (strcmp()); dirs[0] is the root. Files
 * follow each other in the order of their directories and then of names.
 */
struct snap_tree {
	struct snap_tree_dir *dirs;
	struct snap_tree_file *files;
	uint8_t *ids; /* of each build ID the length, 1 .. SNAP_MAX_BUILD_ID, and the bytes */
	char *names;  /* NUL-terminated; the first is the root's path */
	size_t num_dirs, num_files, ids_len, names_len;
	/* Of those that are made. */
	size_t dirs_capacity, files_capacity, ids_capacity, names_capacity;
	/* Of those that are read, for each directory: its first file, and the first directory that
	 * is not below it. */
	uint32_t *first_file, *end;
};

/* ---------------------------------------------------------------- reading */

/*
 * bytes stay where they are until snap_tree_deinit(). False, and nothing to end, if they are no
 * such file of the tree whose root is at path (NULL: of any).
 */
bool snap_tree_read(struct snap_bytes bytes, const char *path, struct snap_tree *ret);
struct snap_bytes snap_tree_id(const struct snap_tree *tree, const struct snap_tree_file *file);
/* For a tree that was read; those that are made end by snap_tree_deinit_made(). */
void snap_tree_deinit(struct snap_tree *tree);

/* ---------------------------------------------------------------- making */

/* Each returns 0, or -1 and *err. tree begins as zeros, and the root's name is its path. */
int snap_tree_add_dir(struct snap_tree *tree, const char *name, struct snap_error *err);
/* To the directory that was added last. build_id: absent, or it decides info. */
int snap_tree_add_file(struct snap_tree *tree, const char *name, uint64_t stamp, uint32_t info,
	struct snap_bytes build_id, struct snap_error *err);
void snap_tree_deinit_made(struct snap_tree *tree);

/* Whether both would be written as the same bytes. */
bool snap_tree_equal(const struct snap_tree *a, const struct snap_tree *b);

struct snap_tree_header {
	char magic[8];
	uint32_t byte_order, crc; /* CRC32C of all that follows it */
	uint32_t num_dirs, num_files, ids_len, names_len;
};

enum { SNAP_TREE_PARTS = 5 };

/* The parts that make up the file; they point into *header and the tree. False: it is too large. */
bool snap_tree_parts(const struct snap_tree *tree, struct snap_tree_header *header,
	struct iovec parts[SNAP_TREE_PARTS]);

#endif
