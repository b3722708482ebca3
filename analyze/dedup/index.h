/*
 * The index: an SQLite database of crashes, or the same in memory for one run. The tables are in
 * analyze/dedup/schema/, one file for each version, each of which makes the one before into its own.
 *
 * What is learned when a crash is added holds for those that were added before as well: one that
 * stood at the same places of the same build, and knows fewer names, belongs to the group of the one
 * that knows more; one whose inlined functions are not known, to that of the first one that is its
 * like and knows them.
 */
#ifndef SNAP_ANALYZE_DEDUP_INDEX_H
#define SNAP_ANALYZE_DEDUP_INDEX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "analyze/dedup/database.h"
#include "analyze/dedup/entry.h"
#include "common/error.h"

struct snap_index;

/* path: NULL: in memory. To be closed by snap_index_close(). -1 and *err: also if it is of a newer
 * version, or no index. */
int snap_index_open(const char *path, struct snap_index **ret, struct snap_error *err);
/* The same of one that is there, to be asked alone, also by who may not write to it. */
int snap_index_open_to_read(const char *path, struct snap_index **ret, struct snap_error *err);
void snap_index_close(struct snap_index *index);

/* For questions. */
struct snap_db *snap_index_db(struct snap_index *index);

/* Whether the file was read already, and is as it was. */
int snap_index_has_file(struct snap_index *index, const char *file, const struct stat *st,
	bool *ret, struct snap_error *err);
/* Which file has the snapshot with this uuid, copied to ret[size], "" if it is gone, and how complete it
 * was (entry.h); *ret_has: false: it was not seen. */
int snap_index_find_uuid(struct snap_index *index, struct snap_bytes uuid, char *ret, size_t size,
	uint64_t *ret_completeness, bool *ret_has, struct snap_error *err);

/*
 * What changes it stands between these two: all of it is there afterwards, or, if the process ends or
 * the end fails, nothing. Others wait until then.
 */
int snap_index_begin(struct snap_index *index, struct snap_error *err);
/* The same, and remember, the first time, that ids are of this version of signatures ("s1") and by rules of
 * the user's with this digest ("": none); -1 and *err if they were others then. */
int snap_index_begin_by(struct snap_index *index, const char *signatures, const char *rules,
	struct snap_error *err);
int snap_index_end(struct snap_index *index, struct snap_error *err);
/* Instead of the end, when something failed. */
void snap_index_undo(struct snap_index *index);

/* A file was read; what is added of it follows: no other crash is in it any more. */
int snap_index_add_file(
	struct snap_index *index, const char *file, const struct stat *st, struct snap_error *err);
/* A crash. captured_ns: if the entry does not tell. *ret_is_new: false: its uuid was seen before. */
int snap_index_add(struct snap_index *index, const char *file, const struct snap_entry *entry,
	int64_t captured_ns, bool *ret_is_new, struct snap_error *err);
/* A file was read and has the snapshot with this uuid, which is known. moves: the file that had it is
 * gone. */
int snap_index_add_copy(struct snap_index *index, const char *file, const struct stat *st,
	struct snap_bytes uuid, bool moves, struct snap_error *err);
/* The file is no more; its crashes stay. */
int snap_index_remove_file(struct snap_index *index, const char *file, struct snap_error *err);

#endif
