/*
 * A directory that keeps ELF files by build ID, as gdb and we look for them:
 *
 *   DIR/.build-id/xx/yyyy        the executable or library of build ID xxyyyy
 *   DIR/.build-id/xx/yyyy.debug  its debug file, or an alternate one (of dwz)
 *   DIR/.build-id/xx/yyyy.dwp    its split DWARF, packed
 *
 * A file appears there whole, or not at all, and never in the place of another, unless that is
 * asked for.
 */
#ifndef SNAP_ANALYZE_FIND_SYMBOL_DIR_H
#define SNAP_ANALYZE_FIND_SYMBOL_DIR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/error.h"
#include "common/snapshot.h"

enum snap_symbol_kind {
	SNAP_SYMBOL_EXECUTABLE, /* or library: what is mapped into processes */
	SNAP_SYMBOL_DEBUG,
	SNAP_SYMBOL_ALTERNATE,
	SNAP_SYMBOL_PACKAGE, /* .dwp */
};

const char *snap_symbol_kind_name(enum snap_symbol_kind kind);

struct snap_symbol_dir;

/* make: make it if it is missing (its parent is there). */
int snap_symbol_dir_open(
	const char *path, bool make, struct snap_symbol_dir **ret, struct snap_error *err);
void snap_symbol_dir_close(struct snap_symbol_dir *dir);

struct snap_symbol_file {
	char build_id[2 * SNAP_MAX_BUILD_ID + 1]; /* hex */
	enum snap_symbol_kind kind;
	uint64_t bytes;
	const char *path; /* valid until the next call */
	bool not_linked;  /* a hard link was asked for, and it was copied */
};

struct snap_symbol_add_options {
	bool link, force;
};

/*
 * Keep the ELF file at path, or of split DWARF (*.dwp) the file that belongs to the executable,
 * library or debug file beside it. An unstripped file joins a stripped one of its build ID as the
 * debug file; a stripped one adds nothing to an unstripped one, whose place is returned. -1 and
 * *err, whose text has the reason without the path.
 */
int snap_symbol_dir_add(struct snap_symbol_dir *dir, const char *path,
	const struct snap_symbol_add_options *options, struct snap_symbol_file *ret,
	struct snap_error *err);

/*
 * What the broker of a sandbox does of it; the names are checked. A kept file: a descriptor, or -1
 * and *err. place: keep what fd is under that name; 0 or a negative errno, -EEXIST if it is taken
 * and force not set.
 */
int snap_symbol_dir_open_kept(
	struct snap_symbol_dir *dir, const char *xx, const char *name, struct snap_error *err);
int snap_symbol_dir_place(struct snap_symbol_dir *dir, int fd, const char *xx, const char *name,
	const struct snap_symbol_add_options *options, bool *ret_not_linked);

/*
 * Call fn for each file below xx/, in order of build ID; nothing of it was looked at. It returns 0 to
 * go on. Returns what it returned last, or -1 and *err.
 */
int snap_symbol_dir_each(struct snap_symbol_dir *dir,
	int (*fn)(const char *xx, const char *name, void *data), void *data,
	struct snap_error *err);

/*
 * What such a file is; *ret_wrong: NULL, or what is wrong with it. *ret's path is valid until the next
 * call. In a worker the broker opens it. -1 and *err without memory.
 */
int snap_symbol_dir_look(struct snap_symbol_dir *dir, const char *xx, const char *name,
	struct snap_symbol_file *ret, const char **ret_wrong, struct snap_error *err);

#endif
