#include "analyze/dedup/database.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/escape.h"

#define LIBRARY	     "libsqlite3.so.0"
#define BUSY_MS	     600000
/* STRICT tables. */
#define LEAST_VERSION 3037000

/* Not linked: most runs need none of it, and it takes time of every start. */
#define FUNCTIONS(x)                                                                               \
	x(libversion_number) x(open_v2) x(close_v2) x(exec) x(prepare_v2) x(finalize) x(step)      \
		x(reset) x(bind_int64) x(bind_double) x(bind_text) x(bind_blob) x(bind_null)       \
			x(column_int64) x(column_double) x(column_text) x(column_blob)             \
				x(column_bytes) x(column_type) x(errmsg) x(errstr)                 \
					x(busy_timeout) x(changes64) x(last_insert_rowid)

static struct {
	void *handle;
#define DECLARE(name) __typeof__(sqlite3_##name) *name;
	FUNCTIONS(DECLARE)
#undef DECLARE
} lib;

struct snap_db {
	sqlite3 *handle;
	char name[256]; /* of the file, to be shown */
};

struct snap_statement {
	struct snap_db *db;
	sqlite3_stmt *handle;
	int failed; /* SQLite's status of a parameter that could not be given */
};

static int load(struct snap_error *err)
{
	static const struct {
		const char *name;
		void *slot;
	} functions[] = {
#define LIST(name) {"sqlite3_" #name, &lib.name},
		FUNCTIONS(LIST)
#undef LIST
	};
	if (lib.handle)
		return 0;
	void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		return snap_error_set(err, SNAP_ERROR_UNSUPPORTED,
			"grouping needs SQLite, and " LIBRARY " is not installed here");
	bool ok = true;
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		void *symbol = dlsym(handle, functions[i].name);
		memcpy(functions[i].slot, &symbol, sizeof(symbol)); /* as dlsym(3) has it */
		ok &= symbol != NULL;
	}
	if (!ok || lib.libversion_number() < LEAST_VERSION) {
		(void)dlclose(handle); /* nothing of it is used */
		return snap_error_set(err, SNAP_ERROR_UNSUPPORTED,
			"grouping needs SQLite 3.37 or newer, and " LIBRARY " is older");
	}
	lib.handle = handle;
	return 0;
}

/* What SQLite says of its last failure. */
static int fail(const struct snap_db *db, int status, struct snap_error *err)
{
	if (status == SQLITE_NOMEM)
		return snap_error_no_memory(err);
	char why[256];
	const char *text = db->handle ? lib.errmsg(db->handle) : lib.errstr(status);
	(void)snap_escape(snap_bytes_str(text), SNAP_ESCAPE_TERMINAL, why, sizeof(why));
	return snap_error_set(
		err, SNAP_ERROR_SYSTEM, "the index '%s' can't be used: %s", db->name, why);
}

int snap_db_open(const char *path, struct snap_db **ret, struct snap_error *err)
{
	if (load(err) < 0)
		return -1;
	struct snap_db *db = calloc(1, sizeof(*db));
	if (!db)
		return snap_error_no_memory(err);
	(void)snap_escape(snap_bytes_str(path ? path : "in memory"), SNAP_ESCAPE_TERMINAL, db->name,
		sizeof(db->name));
	/* A path that looks like an URI, or like the name of what is in memory, is still a path. */
	char *plain = NULL;
	if (path && path[0] != '/') {
		plain = malloc(strlen(path) + 3);
		if (!plain) {
			free(db);
			return snap_error_no_memory(err);
		}
		(void)stpcpy(stpcpy(plain, "./"), path);
	}
	/* What crashed is nobody else's business, as in the spool. */
	if (path) {
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
		if (fd >= 0)
			(void)close(fd); /* if it can't be opened, SQLite says so */
	}
	int status = lib.open_v2(plain ? plain : path ? path : ":memory:", &db->handle,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	free(plain);
	if (status == SQLITE_OK)
		status = lib.busy_timeout(db->handle, BUSY_MS);
	if (status != SQLITE_OK) {
		(void)fail(db, status, err);
		snap_db_close(db);
		return -1;
	}
	*ret = db;
	return 0;
}

void snap_db_close(struct snap_db *db)
{
	if (!db)
		return;
	(void)lib.close_v2(db->handle); /* takes NULL; what was not committed is undone */
	free(db);
}

int snap_db_run(struct snap_db *db, const char *sql, struct snap_error *err)
{
	int status = lib.exec(db->handle, sql, NULL, NULL, NULL);
	return status == SQLITE_OK ? 0 : fail(db, status, err);
}

int64_t snap_db_num_changed(const struct snap_db *db)
{
	return lib.changes64(db->handle);
}

int64_t snap_db_last_row(const struct snap_db *db)
{
	return lib.last_insert_rowid(db->handle);
}

int snap_db_prepare(
	struct snap_db *db, const char *sql, struct snap_statement **ret, struct snap_error *err)
{
	struct snap_statement *statement = calloc(1, sizeof(*statement));
	if (!statement)
		return snap_error_no_memory(err);
	int status = lib.prepare_v2(db->handle, sql, -1, &statement->handle, NULL);
	if (status != SQLITE_OK) {
		free(statement);
		return fail(db, status, err);
	}
	statement->db = db;
	*ret = statement;
	return 0;
}

void snap_statement_free(struct snap_statement *statement)
{
	if (!statement)
		return;
	(void)lib.finalize(statement->handle); /* tells of the last step, which was seen */
	free(statement);
}

static void note(struct snap_statement *statement, int status)
{
	if (status != SQLITE_OK)
		statement->failed = status;
}

void snap_statement_bind_number(struct snap_statement *statement, int index, int64_t value)
{
	note(statement, lib.bind_int64(statement->handle, index, value));
}

void snap_statement_bind_real(struct snap_statement *statement, int index, double value)
{
	note(statement, lib.bind_double(statement->handle, index, value));
}

void snap_statement_bind_text(struct snap_statement *statement, int index, const char *value)
{
	note(statement, value ? lib.bind_text(statement->handle, index, value, -1, SQLITE_STATIC)
			      : lib.bind_null(statement->handle, index));
}

void snap_statement_bind_bytes(
	struct snap_statement *statement, int index, struct snap_bytes value)
{
	note(statement, value.data ? lib.bind_blob(statement->handle, index, value.data,
					     (int)value.len, SQLITE_STATIC)
				   : lib.bind_null(statement->handle, index));
}

int snap_statement_step(struct snap_statement *statement, struct snap_error *err)
{
	int status = statement->failed ? statement->failed : lib.step(statement->handle);
	statement->failed = 0;
	if (status == SQLITE_ROW)
		return 1;
	int r = status == SQLITE_DONE ? 0 : fail(statement->db, status, err);
	snap_statement_reset(statement);
	return r;
}

void snap_statement_reset(struct snap_statement *statement)
{
	(void)lib.reset(statement->handle); /* tells of the last step, which was seen */
}

int snap_statement_run(struct snap_statement *statement, struct snap_error *err)
{
	int r = snap_statement_step(statement, err);
	if (r > 0)
		snap_statement_reset(statement);
	return r < 0 ? -1 : 0;
}

int64_t snap_statement_number(const struct snap_statement *statement, int column)
{
	return lib.column_int64(statement->handle, column);
}

double snap_statement_real(const struct snap_statement *statement, int column)
{
	return lib.column_double(statement->handle, column);
}

const char *snap_statement_text(const struct snap_statement *statement, int column)
{
	return (const char *)lib.column_text(statement->handle, column);
}

struct snap_bytes snap_statement_bytes(const struct snap_statement *statement, int column)
{
	const void *data = lib.column_blob(statement->handle, column);
	return snap_bytes(data, (size_t)lib.column_bytes(statement->handle, column));
}

bool snap_statement_is_null(const struct snap_statement *statement, int column)
{
	return lib.column_type(statement->handle, column) == SQLITE_NULL;
}
