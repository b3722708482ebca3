/*
 * The directory of what is kept between runs: entries of several kinds, each written whole and
 * replaced atomically, so that any number of processes can use it at once.
 *
 * Nothing in it is needed: what can't be read is made anew, what can't be written is not kept.
 * Whoever reads an entry verifies what it says (it may be old, cut, or another's). Nothing is
 * synced to disk either: what a power failure cuts short is such an entry.
 *
 * The directory is the user's alone (0700, files 0600). One that belongs to somebody else, that
 * others may write to, or that has other things in it is refused. Below it no symbolic link is
 * followed.
 *
 * All functions but close may be called by several threads at once.
 */
#ifndef SNAP_ANALYZE_CACHE_CACHE_DIR_H
#define SNAP_ANALYZE_CACHE_CACHE_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "common/bytes.h"
#include "common/error.h"

struct snap_cache_dir;

/*
 * All entries together are kept near so many bytes: those not used for longest go first. What is
 * written is counted, and looked through after each sixteenth of it.
 */
#define SNAP_CACHE_MAX_BYTES (UINT64_C(2) << 30)
/* Larger entries are neither written nor read. */
#define SNAP_CACHE_MAX_ENTRY_BYTES (UINT64_C(1) << 30)

/*
 * Open (and make, with its parents, mode 0700) the directory path; NULL: $XDG_CACHE_HOME/snapcrash
 * or else $HOME/.cache/snapcrash. -1 and *err, which names the directory, if that can't be.
 */
int snap_cache_dir_open(const char *path, struct snap_cache_dir **ret, struct snap_error *err);
void snap_cache_dir_close(struct snap_cache_dir *dir);
const char *snap_cache_dir_path(const struct snap_cache_dir *dir);
/* Another limit than SNAP_CACHE_MAX_BYTES, for what is written from now on. */
void snap_cache_dir_set_max_bytes(struct snap_cache_dir *dir, uint64_t max_bytes);

/*
 * Map an entry. kind is a directory ("symbols": lower-case letters, 16 at most), key a file name
 * there: lower-case hex digits, 128 at most. The bytes stay valid until snap_cache_unmap(), also if
 * the entry is replaced or removed meanwhile: no entry is ever written to again. An absent result
 * means that there is no such entry, or none that can be read. Counts as a use (the time of which
 * is kept to the hour).
 */
struct snap_bytes snap_cache_map(struct snap_cache_dir *dir, const char *kind, const char *key);
/* The same, but not a use: to tell what is there. */
struct snap_bytes snap_cache_peek(struct snap_cache_dir *dir, const char *kind, const char *key);
void snap_cache_unmap(struct snap_bytes bytes);

/*
 * Write an entry of the parts, in order, at least one byte in all, under a temporary name and then
 * rename it. Afterwards, from time to time, the limit is enforced. -1 and *err if it could not be
 * written: no part of it is left then, and an entry that was there still is.
 */
int snap_cache_write(struct snap_cache_dir *dir, const char *kind, const char *key,
	const struct iovec *parts, size_t num_parts, struct snap_error *err);

/* ---------------------------------------------------------------- for the broker of a sandbox */

/* An entry that is being written. */
struct snap_cache_writing {
	int kind_fd;
	char temp[32]; /* its name meanwhile */
};

/* What snap_cache_map() maps, as a descriptor; -1. */
int snap_cache_open(struct snap_cache_dir *dir, const char *kind, const char *key, bool is_use);

/*
 * The steps of snap_cache_write(): a descriptor to be written to, or -1 and *err; after it was
 * closed either of the others ends *writing. publish: len is that of the entry, and what fails is
 * abandoned.
 */
int snap_cache_begin(struct snap_cache_dir *dir, const char *kind,
	struct snap_cache_writing *ret, struct snap_error *err);
int snap_cache_publish(struct snap_cache_dir *dir, struct snap_cache_writing *writing,
	const char *key, uint64_t len, struct snap_error *err);
void snap_cache_abandon(struct snap_cache_writing *writing);

/*
 * The length of what another process has written, which must have let go of it. 0, or a negative
 * errno: -EBUSY if it can still be written to, -EFBIG, -EINVAL if nothing was written.
 */
int snap_cache_written_len(const struct snap_cache_writing *writing, uint64_t *ret_len);

/* ---------------------------------------------------------------- all of them */

struct snap_cache_entry {
	const char *kind, *key; /* valid during the call */
	uint64_t bytes;
	int64_t used_s; /* since the epoch: when it was last read or written */
};

/* Call fn for each entry, in no order; it returns 0 to go on. Returns what fn returned last, or -1.
 */
int snap_cache_each(struct snap_cache_dir *dir,
	int (*fn)(const struct snap_cache_entry *entry, void *data), void *data,
	struct snap_error *err);

/*
 * Remove the entries not used for longest until the rest takes max_bytes or less, and what writers
 * that were interrupted more than an hour ago left. *ret_num, *ret_bytes: the entries that were
 * removed. -1 and *err if the directory could not be read or something could not be removed.
 */
int snap_cache_prune(struct snap_cache_dir *dir, uint64_t max_bytes, size_t *ret_num,
	uint64_t *ret_bytes, struct snap_error *err);

/* ---------------------------------------------------------------- opened when it is needed */

/* The cache of a run. */
struct snap_cache;

/* path: as for snap_cache_dir_open(), kept. */
int snap_cache_create(const char *path, struct snap_cache **ret, struct snap_error *err);
void snap_cache_destroy(struct snap_cache *cache);

/*
 * The directory, opened by the first who asks. NULL if it can't be used (that is found out once;
 * *err says each time why), or if cache is NULL: go on without.
 */
struct snap_cache_dir *snap_cache_get(struct snap_cache *cache, struct snap_error *err);

#endif
