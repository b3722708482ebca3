#include "analyze/dedup/database.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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
	bool is_read_only;
	/* Of one that is read without locks: its path, and what was there at first. */
	char *path;
	struct stat st;
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
	return snap_error_set(err, SNAP_ERROR_SYSTEM, "the index '%s' can't be used: %s%s", db->name, why,
		db->is_read_only ? " (there is no permission to write to it and its directory)" : "");
}

/* A path that looks like an URI, or like the name of what is in memory, is still a path. */
static char *plain_path(const char *path)
{
	char *plain = malloc(strlen(path) + 3);
	if (plain)
		(void)stpcpy(stpcpy(plain, path[0] == '/' ? "" : "./"), path);
	return plain;
}

/* "file:PATH?immutable=1", in which SQLite looks for no locks and no log. */
static char *immutable_uri(const char *plain)
{
	static const char digits[] = "0123456789abcdef", begin[] = "file:", end[] = "?immutable=1";
	char *uri = malloc(3 * strlen(plain) + sizeof(begin) + sizeof(end)), *p = uri;
	if (!uri)
		return NULL;
	p = stpcpy(p, begin);
	for (; *plain; plain++) {
		if (*plain != '%' && *plain != '?' && *plain != '#') {
			*p++ = *plain;
			continue;
		}
		*p++ = '%';
		*p++ = digits[(uint8_t)*plain >> 4];
		*p++ = digits[*plain & 15];
	}
	(void)stpcpy(p, end);
	return uri;
}

/* Whether what was written last is in the log of those who write, or may be. */
static bool has_log(const char *plain)
{
	struct stat st;
	char *log = malloc(strlen(plain) + sizeof("-wal"));
	bool ret = true;
	if (log) {
		(void)stpcpy(stpcpy(log, plain), "-wal");
		ret = stat(log, &st) == 0 && st.st_size > 0;
	}
	free(log);
	return ret;
}

/* Readers make files beside it, and leave marks in them. */
static bool may_write(const char *plain)
{
	char *dir = strdup(plain);
	if (!dir)
		return true;
	char *slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir] = '\0';
	bool ret = faccessat(AT_FDCWD, plain, W_OK, AT_EACCESS) == 0 &&
		   faccessat(AT_FDCWD, dir, W_OK, AT_EACCESS) == 0;
	free(dir);
	return ret;
}

static int open_read_only(struct snap_db *db, const char *plain)
{
	db->is_read_only = true;
	if (has_log(plain) || stat(plain, &db->st) < 0)
		return lib.open_v2(plain, &db->handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	char *uri = immutable_uri(plain);
	db->path = strdup(plain);
	int status = SQLITE_NOMEM;
	if (uri && db->path)
		status = lib.open_v2(uri, &db->handle,
			SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, NULL);
	free(uri);
	return status;
}

static int open_database(
	const char *path, bool reads_alone, struct snap_db **ret, struct snap_error *err)
{
	if (load(err) < 0)
		return -1;
	struct snap_db *db = calloc(1, sizeof(*db));
	char *plain = path ? plain_path(path) : strdup(":memory:");
	if (!db || !plain) {
		free(db);
		free(plain);
		return snap_error_no_memory(err);
	}
	(void)snap_escape(snap_bytes_str(path ? path : "in memory"), SNAP_ESCAPE_TERMINAL, db->name,
		sizeof(db->name));
	int status;
	if (path && reads_alone && !may_write(plain)) {
		status = open_read_only(db, plain);
	} else {
		/* What crashed is nobody else's business, as in the spool. */
		int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600)
			      : -1;
		if (fd >= 0)
			(void)close(fd); /* if it can't be opened, SQLite says so */
		status = lib.open_v2(plain, &db->handle,
			SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	}
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

int snap_db_open(const char *path, struct snap_db **ret, struct snap_error *err)
{
	return open_database(path, false, ret, err);
}

int snap_db_open_to_read(const char *path, struct snap_db **ret, struct snap_error *err)
{
	return open_database(path, true, ret, err);
}

bool snap_db_is_read_only(const struct snap_db *db)
{
	return db->is_read_only;
}

int snap_db_check_unchanged(const struct snap_db *db, struct snap_error *err)
{
	struct stat st;
	if (!db->path)
		return 0;
	/* What is in a log by now was not read. */
	if (stat(db->path, &st) == 0 && st.st_ino == db->st.st_ino && st.st_size == db->st.st_size &&
		st.st_mtim.tv_sec == db->st.st_mtim.tv_sec &&
		st.st_mtim.tv_nsec == db->st.st_mtim.tv_nsec)
		return 0;
	return snap_error_set(err, SNAP_ERROR_SYSTEM,
		"the index '%s' was written to while it was read, by who may: try again", db->name);
}

void snap_db_close(struct snap_db *db)
{
	if (!db)
		return;
	(void)lib.close_v2(db->handle); /* takes NULL; what was not committed is undone */
	free(db->path);
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
