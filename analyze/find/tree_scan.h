/*
 * What is in a directory tree: names and attributes, of which no file is opened. It is found out by
 * the broker, which parses nothing, and read by a worker, which opens nothing.
 */
#ifndef SNAP_ANALYZE_FIND_TREE_SCAN_H
#define SNAP_ANALYZE_FIND_TREE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "common/error.h"

/* No more files and directories together, and no more bytes of what is said of them. */
#define SNAP_SCAN_MAX_ITEMS (4u << 20)
#define SNAP_SCAN_MAX_BYTES ((size_t)512 << 20)

/* Of struct stat what stamps are made of. */
struct snap_scan_stat {
	uint64_t ino, size;
	int64_t mtime_s, ctime_s;
	uint32_t mtime_ns, ctime_ns, mode, zero;
};

struct snap_scan_dir {
	uint64_t dev;
	struct snap_scan_stat stat;
	/* Of its file system. */
	uint64_t fs_type, fs_blocks, fs_files;
	uint32_t is_read_only, is_pseudo; /* of a pseudo file system nothing else is said */
	uint32_t is_unreadable; /* 1: wholly, nothing else is said; 2: its list is not complete */
	uint32_t is_changing;	/* something in it vanished meanwhile */
	uint32_t num_files, num_dirs;
};

/*
 * A whole scan: this head and the absolute path; then the root. A directory is its struct, its
 * files, and its directories, both in order of name (strcmp()). A file is a struct snap_scan_stat
 * and its name; a directory in another its name and then itself. A name is its length as uint32_t
 * and that many bytes.
 */
struct snap_scan_head {
	uint64_t dev, ino; /* of the root */
	uint32_t path_len, zero;
};

/*
 * Scan the tree at path, as deep as SNAP_TREE_MAX_DEPTH says, without following symbolic links in
 * it. Returns a memory file at offset 0, or -1 and *err with the reason alone.
 */
int snap_tree_scan(const char *path, struct snap_error *err);

/* ---------------------------------------------------------------- reading */

struct snap_scan_reader {
	const uint8_t *data;
	size_t len, off;
};

/* False: there is nothing more, which a scan that was made here never says too early. */
bool snap_scan_read(struct snap_scan_reader *reader, void *ret, size_t len);
/* On the heap; NULL: as above, or without memory. */
char *snap_scan_read_name(struct snap_scan_reader *reader);
void snap_scan_stat_expand(const struct snap_scan_stat *from, struct stat *ret);

#endif
