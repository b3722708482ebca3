#include "analyze/dedup/index.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/dedup/schema_1.h"
#include "analyze/dedup/schema_2.h"
#include "analyze/dedup/schema_3.h"
#include "common/escape.h"

/* Marks the file as an index of ours: "Snap". */
#define APPLICATION_ID 0x536e6170

static const char *const schemas[] = {SNAP_SCHEMA_1, SNAP_SCHEMA_2, SNAP_SCHEMA_3};
#define VERSION ((int64_t)(sizeof(schemas) / sizeof(schemas[0])))

enum statement {
	HAS_FILE,
	FIND_UUID,
	PUT_FILE,
	FORGET_FILE,
	CLEAR_FILE,
	PUT_SIGNATURE,
	FIND_SIGNATURE,
	PUT_CRASH,
	MOVE_CRASH,
	KEEP_CRASH,
	DROP_LESS_TAGS,
	DROP_LESS,
	PUT_TAG,
	PUT_BUILT,
	LEARN_STACK,
	FIND_LEARNERS,
	FIND_STACKS,
	COUNT_TWIN,
	FIND_TWIN,
	DECIDE_INLINED,
	SPREAD_INLINED,
	FIND_INLINED,
	SET_GROUP,
	NUM_STATEMENTS,
};

static const char *const texts[NUM_STATEMENTS] = {
	[HAS_FILE] = "SELECT 1 FROM files WHERE file = ?1 AND inode = ?2 AND size = ?3 AND changed_ns = ?4",
	[FIND_UUID] = "SELECT file, completeness FROM crashes WHERE uuid = ?1",
	[PUT_FILE] = "INSERT OR REPLACE INTO files VALUES (?1, ?2, ?3, ?4)",
	[FORGET_FILE] = "DELETE FROM files WHERE file = ?1",
	[CLEAR_FILE] = "UPDATE crashes SET completeness = -1 - completeness WHERE file = ?1 AND completeness "
		       ">= 0",
	[PUT_SIGNATURE] = "INSERT INTO signatures (id, kind, text, functions, kept) VALUES (?1, ?2, ?3, ?4, ?5) "
			  "ON CONFLICT (id) DO UPDATE SET text = excluded.text, functions = "
			  "excluded.functions, kept = excluded.kept WHERE text IS NULL AND excluded.text IS "
			  "NOT NULL",
	[FIND_SIGNATURE] = "SELECT signature FROM signatures WHERE id = ?1",
	[PUT_CRASH] = "INSERT OR IGNORE INTO crashes (uuid, file, line, captured_ns, completeness, kind, "
		      "project, device, version, signature, belongs, rank, belongs_rank, physical, "
		      "first, frames) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11, ?11, "
		      "?12, ?13, ?14)",
	/* ?4: also if another file has it. */
	[MOVE_CRASH] = "UPDATE crashes SET file = ?2, line = ?3, completeness = max(completeness, -1 - "
		       "completeness) WHERE uuid = ?1 AND (?4 OR completeness < 0)",
	/* One without a uuid that the file had when it was read before. */
	[KEEP_CRASH] = "UPDATE crashes SET completeness = ?4 WHERE crash = (SELECT crash FROM crashes WHERE "
		       "file = ?1 AND line = ?2 AND signature IS ?3 AND uuid IS NULL AND completeness < 0 "
		       "LIMIT 1)",
	[DROP_LESS_TAGS] = "DELETE FROM tags WHERE crash IN (SELECT crash FROM crashes WHERE uuid = ?1 AND "
			   "max(completeness, -1 - completeness) < ?2)",
	[DROP_LESS] = "DELETE FROM crashes WHERE uuid = ?1 AND max(completeness, -1 - completeness) < ?2",
	[PUT_TAG] = "INSERT OR IGNORE INTO tags VALUES (?1, ?2, ?3)",
	[PUT_BUILT] = "INSERT OR IGNORE INTO built VALUES (?1, ?2)",
	[LEARN_STACK] = "INSERT INTO stacks (first, frames, telling, signature, rank) VALUES (?1, ?2, ?3, ?4, "
			"?5) ON CONFLICT (first, frames) DO UPDATE SET telling = excluded.telling, signature = "
			"excluded.signature, rank = excluded.rank WHERE rank > excluded.rank",
	[FIND_LEARNERS] = "SELECT crash, frames, belongs_rank FROM crashes WHERE first = ?1 AND belongs_rank > 0 AND "
			  "belongs_rank > ?2",
	[FIND_STACKS] = "SELECT frames, signature, rank, telling FROM stacks WHERE first = ?1 AND rank < ?2 ORDER "
			"BY rank, length(frames) DESC, stack",
	[COUNT_TWIN] = "INSERT INTO twins VALUES (?1, ?2, 1) ON CONFLICT (physical, signature) DO UPDATE SET "
		       "crashes = crashes + 1",
	[FIND_TWIN] = "SELECT signature FROM twins WHERE physical = ?1 ORDER BY crashes DESC, signature LIMIT 1",
	[DECIDE_INLINED] = "INSERT OR IGNORE INTO inlined VALUES (?1, ?2)",
	[SPREAD_INLINED] = "UPDATE crashes SET belongs = ?2, belongs_rank = 0 WHERE (physical = ?1 OR "
			   "belongs = ?1) AND belongs_rank > 0",
	[FIND_INLINED] = "SELECT signature FROM inlined WHERE physical = ?1",
	[SET_GROUP] = "UPDATE crashes SET belongs = ?2, belongs_rank = ?3 WHERE crash = ?1",
};

struct snap_index {
	struct snap_db *db;
	struct snap_statement *statements[NUM_STATEMENTS];
	bool is_changing;
};

struct snap_db *snap_index_db(struct snap_index *index)
{
	return index->db;
}

/* ---------------------------------------------------------------- opening */

static int read_pragma(struct snap_db *db, const char *name, int64_t *ret, struct snap_error *err)
{
	struct snap_statement *statement;
	char sql[64];
	(void)snprintf(sql, sizeof(sql), "PRAGMA %s", name);
	if (snap_db_prepare(db, sql, &statement, err) < 0)
		return -1;
	int r = snap_statement_step(statement, err);
	if (r > 0)
		*ret = snap_statement_number(statement, 0);
	snap_statement_free(statement);
	return r < 0 ? -1 : 0;
}

static int is_empty(struct snap_db *db, bool *ret, struct snap_error *err)
{
	struct snap_statement *statement;
	if (snap_db_prepare(db, "SELECT 1 FROM sqlite_schema", &statement, err) < 0)
		return -1;
	int r = snap_statement_step(statement, err);
	snap_statement_free(statement);
	*ret = r == 0;
	return r < 0 ? -1 : 0;
}

/* Bring it to our version, within a transaction. */
static int migrate(struct snap_db *db, const char *name, struct snap_error *err)
{
	int64_t application = 0, version = 0;
	bool empty = false;
	char sql[128];
	if (read_pragma(db, "application_id", &application, err) < 0 ||
		read_pragma(db, "user_version", &version, err) < 0 || is_empty(db, &empty, err) < 0)
		return -1;
	if (!empty && application != APPLICATION_ID)
		return snap_error_set(err, SNAP_ERROR_UNSUPPORTED,
			"'%s' is a database, but no index of crashes", name);
	if (version > VERSION)
		return snap_error_set(err, SNAP_ERROR_UNSUPPORTED,
			"the index '%s' was made by a newer snapanalyze (its version is %" PRId64
			", the newest known here %" PRId64 ")",
			name, version, VERSION);
	for (int64_t v = version < 0 ? 0 : version; v < VERSION; v++)
		if (snap_db_run(db, schemas[v], err) < 0)
			return -1;
	(void)snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %" PRId64,
		APPLICATION_ID, VERSION); /* fits */
	return version < VERSION ? snap_db_run(db, sql, err) : 0;
}

static int set_up(struct snap_index *index, const char *path, struct snap_error *err)
{
	int64_t version = 0;
	char name[256];
	(void)snap_escape(snap_bytes_str(path ? path : "in memory"), SNAP_ESCAPE_TERMINAL, name,
		sizeof(name));
	/* Before anything is written to somebody else's database. */
	if (snap_db_run(index->db, "PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = OFF", err) < 0 ||
		read_pragma(index->db, "user_version", &version, err) < 0)
		return -1;
	bool is_read_only = snap_db_is_read_only(index->db);
	if (version < VERSION && is_read_only)
		return snap_error_set(err, SNAP_ERROR_SYSTEM,
			"the index '%s' is of an older version, or none, and there is no permission to write to it "
			"and its directory",
			name);
	if (version != VERSION && !is_read_only) {
		if (snap_db_run(index->db, "BEGIN IMMEDIATE", err) < 0 ||
			migrate(index->db, name, err) < 0 ||
			snap_db_run(index->db, "COMMIT", err) < 0)
			return -1;
	} else if (migrate(index->db, name, err) < 0) {
		return -1;
	}
	if (path && !is_read_only && snap_db_run(index->db,
			    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", err) < 0)
		return -1;
	for (int i = 0; i < NUM_STATEMENTS; i++)
		if (snap_db_prepare(index->db, texts[i], &index->statements[i], err) < 0)
			return -1;
	return 0;
}

/* ---------------------------------------------------------------- transactions */

int snap_index_begin(struct snap_index *index, struct snap_error *err)
{
	if (snap_db_run(index->db, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	index->is_changing = true;
	return 0;
}

int snap_index_end(struct snap_index *index, struct snap_error *err)
{
	if (snap_db_run(index->db, "COMMIT", err) == 0) {
		index->is_changing = false;
		return 0;
	}
	snap_index_undo(index);
	return -1;
}

void snap_index_undo(struct snap_index *index)
{
	/* SQLite may have undone it by itself. */
	if (index->is_changing)
		(void)snap_db_run(index->db, "ROLLBACK", NULL);
	index->is_changing = false;
}

/* ---------------------------------------------------------------- by what it is made */

/* A row of the table made: 1, 0 if there is none, or -1. */
static int read_made(
	struct snap_index *index, char signatures[16], char rules[80], struct snap_error *err)
{
	struct snap_statement *find;
	if (snap_db_prepare(index->db, "SELECT signatures, rules FROM made", &find, err) < 0)
		return -1;
	int r = snap_statement_step(find, err);
	if (r > 0) {
		const char *text = snap_statement_text(find, 0), *digest = snap_statement_text(find, 1);
		(void)snprintf(signatures, 16, "%s", text ? text : ""); /* cut to fit */
		(void)snprintf(rules, 80, "%s", digest ? digest : "");
	}
	snap_statement_free(find);
	return r;
}

int snap_index_begin_by(struct snap_index *index, const char *signatures, const char *rules,
	struct snap_error *err)
{
	char made_signatures[16], made_rules[80];
	struct snap_statement *put;
	if (snap_index_begin(index, err) < 0)
		return -1;
	int r = read_made(index, made_signatures, made_rules, err);
	if (r > 0 && (strcmp(made_signatures, signatures) != 0 || strcmp(made_rules, rules) != 0))
		r = snap_error_set(err, SNAP_ERROR_USAGE,
			"the index was made %s: ids would not be the same; begin another one",
			strcmp(made_signatures, signatures) != 0 ? "by signatures of another version"
								 : "with other --rules");
	else if (r == 0 && (r = snap_db_prepare(index->db, "INSERT INTO made VALUES (?1, ?2)", &put,
				    err)) == 0) {
		snap_statement_bind_text(put, 1, signatures);
		snap_statement_bind_text(put, 2, rules);
		r = snap_statement_run(put, err);
		snap_statement_free(put);
	}
	if (r < 0)
		snap_index_undo(index);
	return r < 0 ? -1 : 0;
}

/* ---------------------------------------------------------------- open and closed */

typedef int open_fn(const char *path, struct snap_db **ret, struct snap_error *err);

static int open_index(
	const char *path, open_fn *open_it, struct snap_index **ret, struct snap_error *err)
{
	struct snap_index *index = calloc(1, sizeof(*index));
	if (!index)
		return snap_error_no_memory(err);
	if (open_it(path, &index->db, err) < 0 || set_up(index, path, err) < 0) {
		snap_index_close(index);
		return -1;
	}
	*ret = index;
	return 0;
}

int snap_index_open(const char *path, struct snap_index **ret, struct snap_error *err)
{
	return open_index(path, snap_db_open, ret, err);
}

int snap_index_open_to_read(const char *path, struct snap_index **ret, struct snap_error *err)
{
	return open_index(path, snap_db_open_to_read, ret, err);
}

void snap_index_close(struct snap_index *index)
{
	if (!index)
		return;
	for (int i = 0; i < NUM_STATEMENTS; i++)
		snap_statement_free(index->statements[i]);
	snap_db_close(index->db);
	free(index);
}

/* ---------------------------------------------------------------- statements with numbers */

/* Run with these numbers as parameters. */
static int run_numbers(struct snap_index *index, enum statement which, const int64_t *numbers,
	int num, struct snap_error *err)
{
	struct snap_statement *statement = index->statements[which];
	for (int i = 0; i < num; i++)
		snap_statement_bind_number(statement, i + 1, numbers[i]);
	return snap_statement_run(statement, err);
}

#define RUN(index, which, err, ...)                                                                \
	run_numbers(index, which, (const int64_t[]){__VA_ARGS__},                                  \
		(int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), err)

/* The first row for one number: 1 and its column, 0: there is none, or -1. */
static int find_number(struct snap_index *index, enum statement which, int64_t number,
	int64_t *ret, struct snap_error *err)
{
	struct snap_statement *statement = index->statements[which];
	snap_statement_bind_number(statement, 1, number);
	int r = snap_statement_step(statement, err);
	if (r > 0)
		*ret = snap_statement_number(statement, 0);
	snap_statement_reset(statement);
	return r;
}

/* ---------------------------------------------------------------- files */

static void bind_file(
	struct snap_statement *statement, const char *file, const struct stat *st)
{
	snap_statement_bind_text(statement, 1, file);
	snap_statement_bind_number(statement, 2, (int64_t)st->st_ino);
	snap_statement_bind_number(statement, 3, (int64_t)st->st_size);
	snap_statement_bind_number(statement, 4,
		(int64_t)((uint64_t)st->st_mtim.tv_sec * 1000000000u + (uint64_t)st->st_mtim.tv_nsec));
}

int snap_index_has_file(struct snap_index *index, const char *file, const struct stat *st,
	bool *ret, struct snap_error *err)
{
	struct snap_statement *statement = index->statements[HAS_FILE];
	bind_file(statement, file, st);
	int r = snap_statement_step(statement, err);
	snap_statement_reset(statement);
	*ret = r > 0;
	return r < 0 ? -1 : 0;
}

int snap_index_find_uuid(struct snap_index *index, struct snap_bytes uuid, char *ret, size_t size,
	uint64_t *ret_completeness, bool *ret_has, struct snap_error *err)
{
	struct snap_statement *statement = index->statements[FIND_UUID];
	snap_statement_bind_bytes(statement, 1, uuid);
	int r = snap_statement_step(statement, err);
	*ret_has = r > 0;
	if (r > 0) {
		const char *file = snap_statement_text(statement, 0);
		int64_t completeness = snap_statement_number(statement, 1);
		bool is_there = completeness >= 0;
		(void)snprintf(ret, size, "%s", file && is_there ? file : ""); /* cut to fit */
		*ret_completeness = (uint64_t)(is_there ? completeness : -1 - completeness);
	}
	snap_statement_reset(statement);
	return r < 0 ? -1 : 0;
}

static int run_file(
	struct snap_index *index, enum statement which, const char *file, struct snap_error *err)
{
	snap_statement_bind_text(index->statements[which], 1, file);
	return snap_statement_run(index->statements[which], err);
}

int snap_index_add_file(
	struct snap_index *index, const char *file, const struct stat *st, struct snap_error *err)
{
	struct snap_statement *statement = index->statements[PUT_FILE];
	bind_file(statement, file, st);
	return snap_statement_run(statement, err) < 0 ? -1 : run_file(index, CLEAR_FILE, file, err);
}

int snap_index_remove_file(struct snap_index *index, const char *file, struct snap_error *err)
{
	return run_file(index, FORGET_FILE, file, err) < 0 ? -1
							   : run_file(index, CLEAR_FILE, file, err);
}

/* ---------------------------------------------------------------- crashes */

/* Names with a NUL behind each; *ret->data is to be freed. */
static int join_names(
	const char *const *names, size_t num, struct snap_bytes *ret, struct snap_error *err)
{
	size_t len = 0;
	for (size_t i = 0; i < num; i++)
		len += (names[i] ? strlen(names[i]) : 0) + 1;
	char *joined = malloc(len > 0 ? len : 1), *p = joined;
	if (!joined)
		return snap_error_no_memory(err);
	for (size_t i = 0; i < num; i++)
		p = stpcpy(p, names[i] ? names[i] : "") + 1;
	*ret = snap_bytes(joined, len);
	return 0;
}

/* text, functions and kept: NULL and absent of a signature that no crash has as its own. */
static int put_signature(struct snap_index *index, const char *id, const char *kind,
	const char *text, struct snap_bytes functions, struct snap_bytes kept, int64_t *ret,
	struct snap_error *err)
{
	struct snap_statement *put = index->statements[PUT_SIGNATURE];
	struct snap_statement *find = index->statements[FIND_SIGNATURE];
	snap_statement_bind_text(put, 1, id);
	snap_statement_bind_text(put, 2, kind);
	snap_statement_bind_text(put, 3, text);
	snap_statement_bind_bytes(put, 4, functions);
	snap_statement_bind_bytes(put, 5, kept);
	if (snap_statement_run(put, err) < 0)
		return -1;
	snap_statement_bind_text(find, 1, id);
	int r = snap_statement_step(find, err);
	if (r > 0)
		*ret = snap_statement_number(find, 0);
	snap_statement_reset(find);
	return r < 0 ? -1 : 0;
}

/* The signatures of a crash that has one. */
static int put_signatures(struct snap_index *index, const struct snap_entry *entry,
	int64_t *ret_signature, int64_t *ret_physical, struct snap_error *err)
{
	const struct snap_evidence *evidence = &entry->evidence;
	const struct snap_bytes none = snap_bytes(NULL, 0);
	struct snap_bytes functions, kept = none;
	const char *names[SNAP_EVIDENCE_MAX_KEPT];
	for (size_t i = 0; i < evidence->num_kept; i++)
		names[i] = evidence->kept[i].function;
	if (join_names(evidence->functions, evidence->num_functions, &functions, err) < 0)
		return -1;
	int r = join_names(names, evidence->num_kept, &kept, err);
	if (r == 0)
		r = put_signature(index, entry->id, entry->kind, entry->text, functions, kept,
			ret_signature, err);
	if (r == 0)
		r = put_signature(
			index, entry->physical_id, entry->kind, NULL, none, none, ret_physical, err);
	free((void *)functions.data);
	free((void *)kept.data);
	struct snap_statement *put = index->statements[PUT_BUILT];
	for (size_t i = 0; i < evidence->num_kept && r == 0; i++) {
		if (evidence->kept[i].build == 0)
			continue;
		snap_statement_bind_text(put, 1, names[i]);
		snap_statement_bind_number(put, 2, (int64_t)evidence->kept[i].build);
		r = snap_statement_run(put, err);
	}
	return r;
}

/* How much less than everything is known; 0: nothing. Names count more than what was inlined. */
static int64_t rank_of(const struct snap_evidence *evidence)
{
	const uint32_t most = 1000;
	uint32_t symbols = evidence->num_symbols_only < most ? evidence->num_symbols_only : most - 1;
	return (int64_t)evidence->num_nameless * most + symbols;
}

/* As they are kept. */
#define FRAME_BYTES sizeof(((struct snap_evidence *)NULL)->frames[0])

static struct snap_bytes frames_bytes(const struct snap_evidence *evidence, size_t num)
{
	return snap_bytes(evidence->frames, num * FRAME_BYTES);
}

struct added {
	int64_t crash, signature, physical, rank;
};

/* always: also if another file has it. */
static int move_crash(struct snap_index *index, struct snap_bytes uuid, const char *file,
	int64_t line, bool always, struct snap_error *err)
{
	struct snap_statement *move = index->statements[MOVE_CRASH];
	snap_statement_bind_bytes(move, 1, uuid);
	snap_statement_bind_text(move, 2, file);
	snap_statement_bind_number(move, 3, line);
	snap_statement_bind_number(move, 4, always);
	return snap_statement_run(move, err);
}

int snap_index_add_copy(struct snap_index *index, const char *file, const struct stat *st,
	struct snap_bytes uuid, bool moves, struct snap_error *err)
{
	if (snap_index_add_file(index, file, st, err) < 0)
		return -1;
	return move_crash(index, uuid, file, 0, moves, err);
}

/* It was seen before, but less of it. */
static int drop_less(struct snap_index *index, const struct snap_entry *entry, struct snap_error *err)
{
	static const enum statement statements[] = {DROP_LESS_TAGS, DROP_LESS};
	for (int i = 0; i < 2; i++) {
		struct snap_statement *drop = index->statements[statements[i]];
		snap_statement_bind_bytes(drop, 1, entry->uuid);
		snap_statement_bind_number(drop, 2, (int64_t)(entry->completeness & INT64_MAX));
		if (snap_statement_run(drop, err) < 0)
			return -1;
	}
	return 0;
}

/* One without a uuid: the file had it before. 1: so it did, 0, or -1. */
static int keep_crash(struct snap_index *index, const char *file, const struct snap_entry *entry,
	const struct added *added, struct snap_error *err)
{
	struct snap_statement *keep = index->statements[KEEP_CRASH];
	snap_statement_bind_text(keep, 1, file);
	snap_statement_bind_number(keep, 2, (int64_t)entry->line);
	if (entry->id)
		snap_statement_bind_number(keep, 3, added->signature);
	else
		snap_statement_bind_text(keep, 3, NULL);
	snap_statement_bind_number(keep, 4, (int64_t)(entry->completeness & INT64_MAX));
	if (snap_statement_run(keep, err) < 0)
		return -1;
	return snap_db_num_changed(index->db) > 0;
}

static int put_crash(struct snap_index *index, const char *file, const struct snap_entry *entry,
	int64_t captured_ns, struct added *added, bool *ret_is_new, struct snap_error *err)
{
	if (entry->uuid.len > 0) {
		if (drop_less(index, entry, err) < 0)
			return -1;
	} else {
		int kept = keep_crash(index, file, entry, added, err);
		*ret_is_new = false;
		if (kept != 0)
			return kept < 0 ? -1 : 0;
	}
	struct snap_statement *put = index->statements[PUT_CRASH];
	const struct snap_evidence *evidence = &entry->evidence;
	snap_statement_bind_bytes(put, 1, entry->uuid);
	snap_statement_bind_text(put, 2, file);
	snap_statement_bind_number(put, 3, (int64_t)entry->line);
	snap_statement_bind_number(put, 4, entry->has_time ? entry->captured_ns : captured_ns);
	snap_statement_bind_number(put, 5, (int64_t)(entry->completeness & INT64_MAX));
	snap_statement_bind_text(put, 6, entry->kind);
	snap_statement_bind_text(put, 7, entry->project);
	snap_statement_bind_text(put, 8, entry->device);
	snap_statement_bind_text(put, 9, entry->version);
	if (entry->id)
		snap_statement_bind_number(put, 10, added->signature);
	else
		snap_statement_bind_text(put, 10, NULL);
	snap_statement_bind_number(put, 11, added->rank);
	if (entry->id)
		snap_statement_bind_number(put, 12, added->physical);
	else
		snap_statement_bind_text(put, 12, NULL);
	if (added->rank > 0 && evidence->num_frames > 0) {
		snap_statement_bind_number(put, 13, (int64_t)evidence->first);
		snap_statement_bind_bytes(put, 14, frames_bytes(evidence, evidence->num_frames));
	} else {
		snap_statement_bind_text(put, 13, NULL);
		snap_statement_bind_text(put, 14, NULL);
	}
	if (snap_statement_run(put, err) < 0)
		return -1;
	*ret_is_new = snap_db_num_changed(index->db) > 0;
	if (*ret_is_new) {
		added->crash = snap_db_last_row(index->db);
		return 0;
	}
	return move_crash(index, entry->uuid, file, (int64_t)entry->line, false, err);
}

static int put_tags(struct snap_index *index, const struct snap_entry *entry, int64_t crash,
	struct snap_error *err)
{
	struct snap_statement *put = index->statements[PUT_TAG];
	for (size_t i = 0; i < entry->num_tags; i++) {
		snap_statement_bind_number(put, 1, crash);
		snap_statement_bind_text(put, 2, entry->tags[i].key);
		snap_statement_bind_text(put, 3, entry->tags[i].value);
		if (snap_statement_run(put, err) < 0)
			return -1;
	}
	return 0;
}

/* Whether all of these frames are among those, in this order. */
static bool stood_at(struct snap_bytes frames, struct snap_bytes among)
{
	size_t i = 0;
	for (size_t j = 0; i + FRAME_BYTES <= frames.len && j + FRAME_BYTES <= among.len;
		j += FRAME_BYTES)
		if (memcmp(frames.data + i, among.data + j, FRAME_BYTES) == 0)
			i += FRAME_BYTES;
	return i + FRAME_BYTES > frames.len;
}

/*
 * Whose signature a crash has that stood at these frames, if that is better than *rank: 1, and *group and *rank
 * are changed, 0, or -1.
 */
static int find_stack(struct snap_index *index, int64_t first, struct snap_bytes frames,
	int64_t *group, int64_t *rank, struct snap_error *err)
{
	struct snap_statement *find = index->statements[FIND_STACKS];
	int64_t maybe = 0, maybe_rank = 0;
	bool is_ambiguous = false;
	int r;
	snap_statement_bind_number(find, 1, first);
	snap_statement_bind_number(find, 2, *rank);
	while ((r = snap_statement_step(find, err)) > 0) {
		struct snap_bytes stack = snap_statement_bytes(find, 0);
		int64_t signature = snap_statement_number(find, 1);
		if (stood_at(stack, frames)) {
			*group = signature;
			*rank = snap_statement_number(find, 2);
			break;
		}
		size_t telling = (size_t)snap_statement_number(find, 3) * FRAME_BYTES;
		if (telling == 0 || frames.len < telling || frames.len > stack.len ||
			memcmp(frames.data, stack.data, frames.len) != 0)
			continue;
		is_ambiguous |= maybe != 0 && maybe != signature;
		if (maybe == 0) {
			maybe = signature;
			maybe_rank = snap_statement_number(find, 2);
		}
	}
	snap_statement_reset(find);
	if (r == 0 && maybe != 0 && !is_ambiguous) {
		*group = maybe;
		*rank = maybe_rank;
		r = 1;
	}
	return r;
}

/* Those that stood there, and know less, belong to this one's group. */
static int teach_stack(struct snap_index *index, const struct snap_evidence *evidence,
	const struct added *added, struct snap_error *err)
{
	struct snap_statement *put = index->statements[LEARN_STACK];
	struct snap_statement *find = index->statements[FIND_LEARNERS];
	snap_statement_bind_number(put, 1, (int64_t)evidence->first);
	snap_statement_bind_bytes(put, 2, frames_bytes(evidence, evidence->num_decisive));
	snap_statement_bind_number(put, 3, (int64_t)evidence->num_telling);
	snap_statement_bind_number(put, 4, added->signature);
	snap_statement_bind_number(put, 5, added->rank);
	if (snap_statement_run(put, err) < 0)
		return -1;
	if (snap_db_num_changed(index->db) == 0)
		return 0; /* it was known */
	snap_statement_bind_number(find, 1, (int64_t)evidence->first);
	snap_statement_bind_number(find, 2, added->rank);
	/* The table is changed while it is read: where it was read already, and to see a row once more
	 * does no harm. */
	int r = 0;
	while (r >= 0 && (r = snap_statement_step(find, err)) > 0) {
		int64_t group, rank = snap_statement_number(find, 2);
		r = find_stack(index, (int64_t)evidence->first, snap_statement_bytes(find, 1), &group,
			&rank, err);
		if (r > 0)
			r = RUN(index, SET_GROUP, err, snap_statement_number(find, 0), group, rank);
	}
	snap_statement_reset(find);
	return r;
}

/*
 * What this crash tells of those that know less. Those that wait for one like it, being the same without
 * inlined functions, are its group's from now on, and all others of them, whatever comes later.
 */
static int teach(struct snap_index *index, const struct snap_evidence *evidence,
	const struct added *added, struct snap_error *err)
{
	int64_t decided;
	if (evidence->num_decisive > 0 && teach_stack(index, evidence, added, err) < 0)
		return -1;
	if (added->rank > 0)
		return 0;
	if (RUN(index, COUNT_TWIN, err, added->physical, added->signature) < 0)
		return -1;
	int r = find_number(index, FIND_INLINED, added->physical, &decided, err);
	if (r != 0)
		return r < 0 ? -1 : 0;
	if (RUN(index, SPREAD_INLINED, err, added->physical, added->signature) < 0)
		return -1;
	return snap_db_num_changed(index->db) > 0
		       ? RUN(index, DECIDE_INLINED, err, added->physical, added->signature)
		       : 0;
}

/*
 * The signature with inlined functions of one without: 1 and it, 0: none is known, or -1. The first that
 * asks decides for all.
 */
static int find_inlined(
	struct snap_index *index, int64_t physical, int64_t *ret, struct snap_error *err)
{
	int r = find_number(index, FIND_INLINED, physical, ret, err);
	if (r != 0)
		return r;
	r = find_number(index, FIND_TWIN, physical, ret, err);
	if (r > 0 && RUN(index, DECIDE_INLINED, err, physical, *ret) < 0)
		return -1;
	return r;
}

/* What others tell of this one, which knows less. */
static int learn(struct snap_index *index, const struct snap_evidence *evidence,
	const struct added *added, struct snap_error *err)
{
	int64_t group = added->signature, rank = added->rank, found;
	int r = evidence->num_frames > 0
			? find_stack(index, (int64_t)evidence->first,
				  frames_bytes(evidence, evidence->num_frames), &group, &rank, err)
			: 0;
	const int64_t physicals[] = {added->physical, group};
	for (int i = 0; i < 2 && rank > 0 && r >= 0; i++) {
		r = find_inlined(index, physicals[i], &found, err);
		if (r > 0) {
			group = found;
			rank = 0;
		}
	}
	return r < 0 ? -1 : RUN(index, SET_GROUP, err, added->crash, group, rank);
}

int snap_index_add(struct snap_index *index, const char *file, const struct snap_entry *entry,
	int64_t captured_ns, bool *ret_is_new, struct snap_error *err)
{
	struct added added = {.rank = rank_of(&entry->evidence)};
	if (entry->id &&
		put_signatures(index, entry, &added.signature, &added.physical, err) < 0)
		return -1;
	if (put_crash(index, file, entry, captured_ns, &added, ret_is_new, err) < 0)
		return -1;
	if (!*ret_is_new)
		return 0;
	if (put_tags(index, entry, added.crash, err) < 0)
		return -1;
	if (!entry->id)
		return 0;
	if (teach(index, &entry->evidence, &added, err) < 0)
		return -1;
	return added.rank > 0 ? learn(index, &entry->evidence, &added, err) : 0;
}
