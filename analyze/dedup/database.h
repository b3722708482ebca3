/*
 * SQLite as the index uses it: loaded on first use, its failures as errors of ours.
 */
#ifndef SNAP_ANALYZE_DEDUP_DATABASE_H
#define SNAP_ANALYZE_DEDUP_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/error.h"

struct snap_db;
struct snap_statement;

/*
 * path: made if it is not there; NULL: in memory. Others may write at the same time: who comes second
 * waits, ten minutes at most. To be closed by snap_db_close(). -1 and *err, which names the file, as in
 * all that follows.
 */
int snap_db_open(const char *path, struct snap_db **ret, struct snap_error *err);
/*
 * The same of one that is there, to be read alone. Who may not write to it, or not into its directory,
 * reads it all the same: beside those who write, or, as long as nobody does, without a word to others.
 */
int snap_db_open_to_read(const char *path, struct snap_db **ret, struct snap_error *err);
bool snap_db_is_read_only(const struct snap_db *db);
/* -1 and *err: somebody has written to what was read without a word to others, so that what was read may
 * belong to different times. */
int snap_db_check_unchanged(const struct snap_db *db, struct snap_error *err);
/* A transaction that goes on is undone. NULL is ignored. */
void snap_db_close(struct snap_db *db);

/* One or more statements that give nothing back. */
int snap_db_run(struct snap_db *db, const char *sql, struct snap_error *err);
/* How many rows the last statement inserted, changed or deleted. */
int64_t snap_db_num_changed(const struct snap_db *db);
/* The row ID of the last row that was inserted. */
int64_t snap_db_last_row(const struct snap_db *db);

/* A statement, to be freed by snap_statement_free(), before the database is closed. */
int snap_db_prepare(
	struct snap_db *db, const char *sql, struct snap_statement **ret, struct snap_error *err);
void snap_statement_free(struct snap_statement *statement);

/*
 * Give its parameters, numbered from 1, values. Bytes and strings must stay until the statement is
 * begun again; absent ones are NULL. That there is no memory is told by the next step.
 */
void snap_statement_bind_number(struct snap_statement *statement, int index, int64_t value);
void snap_statement_bind_real(struct snap_statement *statement, int index, double value);
void snap_statement_bind_text(struct snap_statement *statement, int index, const char *value);
void snap_statement_bind_bytes(
	struct snap_statement *statement, int index, struct snap_bytes value);

/* The next row: 1 if there is one, 0 at the end, from which it can be begun again, or -1. */
int snap_statement_step(struct snap_statement *statement, struct snap_error *err);
/* Begin again, whatever was read; parameters stay. */
void snap_statement_reset(struct snap_statement *statement);
/* Run it once, for its effect, and begin again. */
int snap_statement_run(struct snap_statement *statement, struct snap_error *err);

/* Of the row, columns from 0; text and bytes are valid until the next step. NULL is 0, NULL, absent.
 */
int64_t snap_statement_number(const struct snap_statement *statement, int column);
double snap_statement_real(const struct snap_statement *statement, int column);
const char *snap_statement_text(const struct snap_statement *statement, int column);
struct snap_bytes snap_statement_bytes(const struct snap_statement *statement, int column);
bool snap_statement_is_null(const struct snap_statement *statement, int column);

#endif
