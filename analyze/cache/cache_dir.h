/*
 * The directory of what is kept between runs: entries of several kinds, each written whole and
 * replaced atomically, so that any number of processes can use it at once.
 *
 * Nothing in it is needed: what can't be read is made anew, what can't be written is not kept.
 * Whoever reads an entry verifies what it says (it may be old, cut, or another's).
 */
#ifndef SNAP_ANALYZE_CACHE_CACHE_DIR_H
#define SNAP_ANALYZE_CACHE_CACHE_DIR_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "common/bytes.h"
#include "common/error.h"

struct snap_cache_dir;

/* All entries together are kept below so many bytes: those not used for longest go first. */
#define SNAP_CACHE_MAX_BYTES (UINT64_C(2) << 30)

/*
 * Open (and make, mode 0700) the directory path, or by default $XDG_CACHE_HOME/snapcrash or
 * $HOME/.cache/snapcrash. -1 and *err if that can't be.
 */
int snap_cache_dir_open(const char *path, struct snap_cache_dir **ret, struct snap_error *err);
void snap_cache_dir_close(struct snap_cache_dir *dir);
const char *snap_cache_dir_path(const struct snap_cache_dir *dir);

/*
 * Map an entry. kind is a directory ("symbols"), key a file name there: lower-case hex digits. The
 * bytes stay valid until snap_cache_unmap(), also if the entry is replaced meanwhile. An absent
 * result means that there is no such entry, or none that can be read. Counts as a use.
 */
struct snap_bytes snap_cache_map(struct snap_cache_dir *dir, const char *kind, const char *key);
void snap_cache_unmap(struct snap_bytes bytes);

/*
 * Write an entry of the parts, in order, under a temporary name and then rename it. Afterwards, from
 * time to time, what exceeds SNAP_CACHE_MAX_BYTES is removed. -1 and *err if it could not be
 * written: no part of it is left then.
 */
int snap_cache_write(struct snap_cache_dir *dir, const char *kind, const char *key,
	const struct iovec *parts, size_t num_parts, struct snap_error *err);

struct snap_cache_entry {
	const char *kind, *key; /* valid during the call */
	uint64_t bytes;
	int64_t used_s; /* since the epoch: when it was last read or written */
};

/* Call fn for each entry, in no order; it returns 0 to go on. Returns what fn returned last, or -1. */
int snap_cache_each(struct snap_cache_dir *dir,
	int (*fn)(const struct snap_cache_entry *entry, void *data), void *data,
	struct snap_error *err);

/*
 * Remove the entries not used for longest until the rest takes max_bytes or less, and what
 * interrupted writers left. *ret_num, *ret_bytes: what was removed.
 */
int snap_cache_prune(struct snap_cache_dir *dir, uint64_t max_bytes, size_t *ret_num,
	uint64_t *ret_bytes, struct snap_error *err);

#endif
