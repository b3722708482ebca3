#include "analyze/cache/cache_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "analyze/file_open.h"
#include "analyze/file_read.h"
#include "analyze/sandbox/remote.h"
#include "common/escape.h"

#define MAX_KIND 16
#define MAX_KEY	 128

/* How often a use is written down. */
#define TOUCH_AFTER_S 3600
/* No writer takes that long. */
#define ABANDONED_AFTER_S 3600

/* No hex digits: never taken for an entry. */
#define TEMP_PREFIX "tmp-"

/*
 * https://bford.info/cachedir/: backups leave such directories out. It also says that the directory
 * is ours, so that no slip of --cache lets prune loose on something else.
 */
#define TAG_NAME "CACHEDIR.TAG"
static const char tag[] = "Signature: 8a477f597d28d172789f06886806bc55\n"
			  "# This directory is Snapcrash's cache: see snapanalyze help cache.\n";

/*
 * Has one byte for each unit that was written since the last look at the limit, started ones too:
 * appending is atomic, and the size is the count.
 */
#define GROWTH_NAME "GROWTH"
#define GROWTH_UNIT (UINT64_C(1) << 20)

struct snap_cache_dir {
	int fd;
	char *path;
	_Atomic uint64_t max_bytes;
	bool is_remote; /* the broker's, of which nothing is known here */
};

/* ---------------------------------------------------------------- the directory */

static int fail(const char *path, struct snap_error *err, enum snap_error_code code, int errnum,
	const char *why)
{
	char name[256];
	(void)snap_escape(snap_bytes_str(path), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
	snap_error_set(err, code, "cache '%s': %s", name, why);
	if (err)
		err->errnum = errnum;
	return -1;
}

static int fail_errno(const struct snap_cache_dir *dir, int errnum, struct snap_error *err)
{
	return fail(dir->path, err, SNAP_ERROR_SYSTEM, errnum, strerror(errnum));
}

static int default_path(char **ret, struct snap_error *err)
{
	/* A relative one is to be ignored (XDG Base Directory Specification). */
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int n;
	if (xdg && *xdg == '/')
		n = asprintf(ret, "%s/snapcrash", xdg);
	else if (home && *home == '/')
		n = asprintf(ret, "%s/.cache/snapcrash", home);
	else
		return snap_error_set(err, SNAP_ERROR_UNSUPPORTED,
			"no cache: neither XDG_CACHE_HOME nor HOME is set");
	return n < 0 ? snap_error_no_memory(err) : 0;
}

/* Make what is missing of the path. 0 or a negative errno. */
static int make_path(const char *path)
{
	char *part = *path ? strdup(path) : NULL;
	for (char *p = part ? part + 1 : NULL; p && *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		(void)mkdir(part, 0700); /* as a rule it is there */
		*p = '/';
	}
	free(part);
	return mkdir(path, 0700) < 0 ? -errno : 0;
}

/* NULL, or what is wrong with an open directory. */
static const char *why_not_private(int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return strerror(errno);
	if (st.st_uid != geteuid())
		return "it belongs to another user";
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return "others may write to it";
	return NULL;
}

enum tag_state {
	TAG_OURS,
	TAG_ANOTHERS,
	TAG_NONE,
};

static enum tag_state look_at_tag(int dir_fd)
{
	char text[sizeof(tag)];
	struct snap_error err = SNAP_ERROR_INIT;
	int fd = snap_file_open_in(dir_fd, TAG_NAME, NULL, &err);
	if (fd < 0)
		return err.errnum == ENOENT ? TAG_NONE : TAG_ANOTHERS;
	ssize_t n = snap_file_read_at(fd, text, sizeof(text), 0);
	(void)close(fd); /* only read from */
	/* The beginning of it is one that is being written. */
	return n >= 0 && (size_t)n < sizeof(tag) && memcmp(text, tag, (size_t)n) == 0
		       ? TAG_OURS
		       : TAG_ANOTHERS;
}

static DIR *list_directory(int fd)
{
	/* A descriptor of its own, with a position of its own. */
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = own >= 0 ? fdopendir(own) : NULL;
	if (!list && own >= 0)
		(void)close(own); /* nothing was read */
	return list;
}

static bool is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool is_empty(int fd)
{
	DIR *list = list_directory(fd);
	const struct dirent *entry;
	bool empty = list != NULL;
	while (empty && (entry = readdir(list)))
		empty = is_dot(entry->d_name);
	if (list)
		(void)closedir(list);
	return empty;
}

static int write_tag(const struct snap_cache_dir *dir, struct snap_error *err)
{
	int fd = openat(
		dir->fd, TAG_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == EEXIST ? 0 : fail_errno(dir, errno, err);
	/* On a full disk it stays empty, which is as good. */
	ssize_t n = write(fd, tag, sizeof(tag) - 1);
	(void)n;
	(void)close(fd);
	return 0;
}

static int check_directory(const struct snap_cache_dir *dir, struct snap_error *err)
{
	const char *why = why_not_private(dir->fd);
	if (why)
		return fail(dir->path, err, SNAP_ERROR_UNSUPPORTED, 0, why);
	enum tag_state state = look_at_tag(dir->fd);
	if (state == TAG_NONE && is_empty(dir->fd))
		return write_tag(dir, err);
	/* Whoever makes it writes the tag first: between two looks it may have come. */
	if (state == TAG_NONE)
		state = look_at_tag(dir->fd);
	if (state != TAG_OURS)
		return fail(dir->path, err, SNAP_ERROR_UNSUPPORTED, 0,
			"it is not empty and no cache of Snapcrash");
	return 0;
}

static int open_directory(struct snap_cache_dir *dir, struct snap_error *err)
{
	struct snap_error why = SNAP_ERROR_INIT;
	dir->fd = snap_directory_open(AT_FDCWD, dir->path, true, &why);
	if (dir->fd < 0 && why.errnum == ENOENT) {
		int r = make_path(dir->path);
		if (r < 0 && r != -EEXIST)
			return fail_errno(dir, -r, err);
		dir->fd = snap_directory_open(AT_FDCWD, dir->path, true, &why);
	}
	if (dir->fd < 0)
		return fail(dir->path, err, SNAP_ERROR_SYSTEM, why.errnum, why.text);
	return check_directory(dir, err);
}

int snap_cache_dir_open(const char *path, struct snap_cache_dir **ret, struct snap_error *err)
{
	struct snap_cache_dir *dir = calloc(1, sizeof(*dir));
	if (!dir)
		return snap_error_no_memory(err);
	dir->fd = -1;
	dir->max_bytes = SNAP_CACHE_MAX_BYTES;
	int r = 0;
	if (!path)
		r = default_path(&dir->path, err);
	else if (!(dir->path = strdup(path)))
		r = snap_error_no_memory(err);
	if (r < 0 || open_directory(dir, err) < 0) {
		snap_cache_dir_close(dir);
		return -1;
	}
	*ret = dir;
	return 0;
}

void snap_cache_dir_close(struct snap_cache_dir *dir)
{
	if (!dir)
		return;
	if (dir->fd >= 0)
		(void)close(dir->fd); /* a directory: nothing can be lost */
	free(dir->path);
	free(dir);
}

const char *snap_cache_dir_path(const struct snap_cache_dir *dir)
{
	return dir->path;
}

void snap_cache_dir_set_max_bytes(struct snap_cache_dir *dir, uint64_t max_bytes)
{
	dir->max_bytes = max_bytes;
}

/* ---------------------------------------------------------------- names */

static bool is_made_of(const char *name, const char *accept, size_t max_len)
{
	size_t len = strspn(name, accept);
	return len > 0 && len <= max_len && name[len] == '\0';
}

static bool is_kind(const char *name)
{
	return is_made_of(name, "abcdefghijklmnopqrstuvwxyz", MAX_KIND);
}

static bool is_key(const char *name)
{
	return is_made_of(name, "0123456789abcdef", MAX_KEY);
}

/* Returns a descriptor or -1 and errno. */
static int open_kind(const struct snap_cache_dir *dir, const char *kind, bool make)
{
	if (!is_kind(kind)) {
		errno = EINVAL;
		return -1;
	}
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dir->fd, kind, flags);
	if (fd < 0 && errno == ENOENT && make) {
		if (mkdirat(dir->fd, kind, 0700) < 0 && errno != EEXIST)
			return -1;
		fd = openat(dir->fd, kind, flags);
	}
	if (fd >= 0 && why_not_private(fd)) {
		(void)close(fd); /* a directory */
		errno = EPERM;
		return -1;
	}
	return fd;
}

/* ---------------------------------------------------------------- reading */

static void touch(int fd, const struct stat *st)
{
	time_t now = time(NULL), used = st->st_mtime;
	/* A time in the future would keep it for ever. */
	if (used > now - TOUCH_AFTER_S && used < now + TOUCH_AFTER_S)
		return;
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_NOW}};
	(void)futimens(fd, times); /* then it is removed earlier */
}

int snap_cache_open(struct snap_cache_dir *dir, const char *kind, const char *key, bool is_use)
{
	struct stat st;
	int kind_fd = is_key(key) ? open_kind(dir, kind, false) : -1;
	if (kind_fd < 0)
		return -1;
	int fd = snap_file_open_in(kind_fd, key, &st, NULL);
	(void)close(kind_fd); /* a directory */
	if (fd < 0)
		return -1;
	if (st.st_uid != geteuid() || st.st_size <= 0 ||
		(uint64_t)st.st_size > SNAP_CACHE_MAX_ENTRY_BYTES) {
		(void)close(fd); /* nothing was read */
		return -1;
	}
	if (is_use)
		touch(fd, &st);
	return fd;
}

static struct snap_bytes map_entry(
	struct snap_cache_dir *dir, const char *kind, const char *key, bool is_use)
{
	struct snap_bytes absent = {0};
	struct stat st;
	int fd = dir->is_remote ? snap_remote_cache_open(kind, key, is_use)
				: snap_cache_open(dir, kind, key, is_use);
	if (fd < 0)
		return absent;
	void *data = MAP_FAILED;
	if (fstat(fd, &st) == 0 && st.st_size > 0)
		data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	(void)close(fd); /* only read from */
	return data == MAP_FAILED ? absent : snap_bytes(data, (size_t)st.st_size);
}

struct snap_bytes snap_cache_map(struct snap_cache_dir *dir, const char *kind, const char *key)
{
	return map_entry(dir, kind, key, true);
}

struct snap_bytes snap_cache_peek(struct snap_cache_dir *dir, const char *kind, const char *key)
{
	return map_entry(dir, kind, key, false);
}

void snap_cache_unmap(struct snap_bytes bytes)
{
	if (bytes.data)
		(void)munmap((void *)bytes.data, bytes.len); /* what map returned */
}

/* ---------------------------------------------------------------- all entries */

/* What was found in the directory of a kind. */
typedef int found_fn(
	int kind_fd, const char *kind, const char *name, const struct stat *st, void *data);

static int each_of_kind(
	const struct snap_cache_dir *dir, const char *kind, found_fn *fn, void *data)
{
	int fd = open_kind(dir, kind, false);
	DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
	if (!list) {
		if (fd >= 0)
			(void)close(fd); /* nothing was read */
		return 0;
	}
	const struct dirent *entry;
	int r = 0;
	while (r == 0 && (entry = readdir(list))) {
		struct stat st;
		/* It may be gone by now. */
		if (fstatat(dirfd(list), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(st.st_mode))
			r = fn(dirfd(list), kind, entry->d_name, &st, data);
	}
	(void)closedir(list);
	return r;
}

static int each_file(
	const struct snap_cache_dir *dir, found_fn *fn, void *data, struct snap_error *err)
{
	DIR *list = list_directory(dir->fd);
	if (!list)
		return fail_errno(dir, errno, err);
	const struct dirent *entry;
	int r = 0;
	while (r == 0 && (entry = readdir(list)))
		if (is_kind(entry->d_name))
			r = each_of_kind(dir, entry->d_name, fn, data);
	(void)closedir(list);
	return r;
}

struct each {
	int (*fn)(const struct snap_cache_entry *entry, void *data);
	void *data;
};

static int tell_entry(
	int kind_fd, const char *kind, const char *name, const struct stat *st, void *data)
{
	(void)kind_fd;
	const struct each *each = data;
	const struct snap_cache_entry entry = {
		.kind = kind,
		.key = name,
		.bytes = (uint64_t)st->st_size,
		.used_s = st->st_mtime,
	};
	return is_key(name) ? each->fn(&entry, each->data) : 0;
}

int snap_cache_each(struct snap_cache_dir *dir,
	int (*fn)(const struct snap_cache_entry *entry, void *data), void *data,
	struct snap_error *err)
{
	struct each each = {fn, data};
	return each_file(dir, tell_entry, &each, err);
}

/* ---------------------------------------------------------------- pruning */

struct candidate {
	char kind[MAX_KIND + 1], key[MAX_KEY + 1];
	uint64_t bytes;
	struct timespec used;
};

struct pruning {
	struct candidate *candidates;
	size_t num, capacity;
	uint64_t bytes; /* of all */
	time_t now;
	int errnum; /* why something could not be removed */
};

static int collect(
	int kind_fd, const char *kind, const char *name, const struct stat *st, void *data)
{
	struct pruning *p = data;
	if (strncmp(name, TEMP_PREFIX, strlen(TEMP_PREFIX)) == 0) {
		if (st->st_mtime < p->now - ABANDONED_AFTER_S && unlinkat(kind_fd, name, 0) < 0 &&
			errno != ENOENT)
			p->errnum = errno;
		return 0;
	}
	if (!is_key(name))
		return 0;
	if (p->num == p->capacity) {
		size_t capacity = p->capacity ? 2 * p->capacity : 64;
		struct candidate *grown = reallocarray(p->candidates, capacity, sizeof(*grown));
		if (!grown) {
			p->errnum = ENOMEM;
			return -1;
		}
		p->candidates = grown;
		p->capacity = capacity;
	}
	struct candidate *candidate = &p->candidates[p->num++];
	memcpy(candidate->kind, kind, strlen(kind) + 1);
	memcpy(candidate->key, name, strlen(name) + 1);
	candidate->bytes = (uint64_t)st->st_size;
	candidate->used = st->st_mtim;
	p->bytes += candidate->bytes;
	return 0;
}

static int compare_use(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	if (x->used.tv_sec != y->used.tv_sec)
		return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
	if (x->used.tv_nsec != y->used.tv_nsec)
		return x->used.tv_nsec < y->used.tv_nsec ? -1 : 1;
	return strcmp(x->key, y->key);
}

/* Whoever has it mapped keeps it. One that was used or replaced just now is made anew. */
static int remove_entry(const struct snap_cache_dir *dir, const struct candidate *candidate)
{
	int fd = open_kind(dir, candidate->kind, false);
	int r = fd < 0 || unlinkat(fd, candidate->key, 0) < 0 ? -errno : 0;
	if (fd >= 0)
		(void)close(fd); /* a directory */
	return r;
}

/* If all take more than limit: remove until they take target. */
static int prune(struct snap_cache_dir *dir, uint64_t limit, uint64_t target, size_t *ret_num,
	uint64_t *ret_bytes, struct snap_error *err)
{
	struct pruning p = {.now = time(NULL)};
	size_t num = 0;
	uint64_t bytes = 0;
	if (each_file(dir, collect, &p, err) < 0) {
		free(p.candidates);
		return p.errnum == ENOMEM ? snap_error_no_memory(err) : -1;
	}
	if (p.num > 0)
		qsort(p.candidates, p.num, sizeof(*p.candidates), compare_use);
	for (size_t i = 0; p.bytes > limit && i < p.num && p.bytes - bytes > target; i++) {
		int r = remove_entry(dir, &p.candidates[i]);
		if (r < 0 && r != -ENOENT) {
			p.errnum = -r;
			continue;
		}
		bytes += p.candidates[i].bytes;
		num += r == 0;
	}
	free(p.candidates);
	*ret_num = num;
	*ret_bytes = bytes;
	return p.errnum ? fail_errno(dir, p.errnum, err) : 0;
}

int snap_cache_prune(struct snap_cache_dir *dir, uint64_t max_bytes, size_t *ret_num,
	uint64_t *ret_bytes, struct snap_error *err)
{
	return prune(dir, max_bytes, max_bytes, ret_num, ret_bytes, err);
}

static bool is_look_due(const struct snap_cache_dir *dir, uint64_t written)
{
	static const char units[256];
	struct stat st;
	int fd = openat(dir->fd, GROWTH_NAME,
		O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd < 0)
		return false; /* it was possible to write an entry: it will be again */
	uint64_t num = written / GROWTH_UNIT + 1;
	if (write(fd, units, num < sizeof(units) ? num : sizeof(units)) < 0 || fstat(fd, &st) < 0)
		st.st_size = 0;
	(void)close(fd); /* a lost count is a later look */
	return (uint64_t)st.st_size > dir->max_bytes / 16 / GROWTH_UNIT;
}

static void enforce_limit(struct snap_cache_dir *dir, uint64_t written)
{
	size_t num;
	uint64_t bytes;
	if (!is_look_due(dir, written))
		return;
	if (flock(dir->fd, LOCK_EX | LOCK_NB) < 0)
		return;				 /* somebody is at it */
	(void)unlinkat(dir->fd, GROWTH_NAME, 0); /* else the next look comes too early */
	/* Below the limit, so that the next look finds nothing to do. */
	(void)prune(dir, dir->max_bytes, dir->max_bytes - dir->max_bytes / 8, &num, &bytes,
		NULL); /* the next write tries again */
	(void)flock(dir->fd, LOCK_UN);
}

/* ---------------------------------------------------------------- writing */

/* 0 or a negative errno. */
static int write_parts(int fd, const struct iovec *parts, size_t num_parts)
{
	enum { BATCH = 64 };
	size_t next = 0, off = 0; /* in parts[next] */
	while (next < num_parts) {
		struct iovec batch[BATCH] = {0};
		size_t num = 0;
		for (; num < BATCH && next + num < num_parts; num++)
			batch[num] = parts[next + num];
		batch[0].iov_base = (char *)batch[0].iov_base + off;
		batch[0].iov_len -= off;
		ssize_t n = writev(fd, batch, (int)num);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		off += (size_t)n;
		while (next < num_parts && off >= parts[next].iov_len)
			off -= parts[next++].iov_len;
	}
	return 0;
}

static int create_temp(int kind_fd, char *name, size_t size)
{
	uint64_t random;
	int fd;
	do {
		if (getrandom(&random, sizeof(random), 0) != sizeof(random))
			return -1;
		(void)snprintf(name, size, TEMP_PREFIX "%016llx", (unsigned long long)random);
		fd = openat(
			kind_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	} while (fd < 0 && errno == EEXIST);
	return fd;
}

int snap_cache_begin(struct snap_cache_dir *dir, const char *kind,
	struct snap_cache_writing *ret, struct snap_error *err)
{
	struct snap_cache_writing writing = {.kind_fd = open_kind(dir, kind, true)};
	if (writing.kind_fd < 0)
		return fail_errno(dir, errno, err);
	int fd = create_temp(writing.kind_fd, writing.temp, sizeof(writing.temp));
	if (fd < 0) {
		int errnum = errno;
		(void)close(writing.kind_fd); /* a directory */
		return fail_errno(dir, errnum, err);
	}
	*ret = writing;
	return fd;
}

void snap_cache_abandon(struct snap_cache_writing *writing)
{
	(void)unlinkat(writing->kind_fd, writing->temp, 0); /* else prune does it */
	(void)close(writing->kind_fd);			    /* a directory */
}

int snap_cache_publish(struct snap_cache_dir *dir, struct snap_cache_writing *writing,
	const char *key, uint64_t len, struct snap_error *err)
{
	int r = is_key(key) ? 0 : -EINVAL;
	if (r == 0 && renameat(writing->kind_fd, writing->temp, writing->kind_fd, key) < 0)
		r = -errno;
	if (r < 0) {
		snap_cache_abandon(writing);
		return fail_errno(dir, -r, err);
	}
	(void)close(writing->kind_fd); /* a directory */
	enforce_limit(dir, len);
	return 0;
}

/*
 * Of what somebody else has written: whether nobody can write to it any more, for whom it would be
 * mapped. A read lease is granted only then; file systems that know none are believed.
 */
int snap_cache_written_len(const struct snap_cache_writing *writing, uint64_t *ret_len)
{
	struct stat st;
	int fd = openat(writing->kind_fd, writing->temp,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int r = fstat(fd, &st) < 0 ? -errno : 0;
	if (r == 0 && (!S_ISREG(st.st_mode) || st.st_size == 0))
		r = -EINVAL;
	if (r == 0 && (uint64_t)st.st_size > SNAP_CACHE_MAX_ENTRY_BYTES)
		r = -EFBIG;
	if (r == 0 && fcntl(fd, F_SETLEASE, F_RDLCK) < 0 && errno == EAGAIN)
		r = -EBUSY;
	(void)close(fd); /* which ends the lease */
	*ret_len = r == 0 ? (uint64_t)st.st_size : 0;
	return r;
}

/* In a worker: the broker makes the file and gives it its name. */
static int write_remote(const char *kind, const char *key, const struct iovec *parts,
	size_t num_parts, struct snap_cache_dir *dir, struct snap_error *err)
{
	int fd = snap_remote_cache_begin(kind, err);
	if (fd < 0)
		return -1;
	int r = write_parts(fd, parts, num_parts);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	/* Without a name, the broker drops it. */
	return r < 0 ? fail_errno(dir, -r, err) : snap_remote_cache_publish(key, err);
}

int snap_cache_write(struct snap_cache_dir *dir, const char *kind, const char *key,
	const struct iovec *parts, size_t num_parts, struct snap_error *err)
{
	uint64_t len = 0;
	for (size_t i = 0; i < num_parts; i++)
		len += parts[i].iov_len;
	if (len > SNAP_CACHE_MAX_ENTRY_BYTES)
		return fail_errno(dir, EFBIG, err);
	if (len == 0 || !is_key(key))
		return fail_errno(dir, EINVAL, err);
	if (dir->is_remote)
		return write_remote(kind, key, parts, num_parts, dir, err);
	struct snap_cache_writing writing;
	int fd = snap_cache_begin(dir, kind, &writing, err);
	if (fd < 0)
		return -1;
	int r = write_parts(fd, parts, num_parts);
	/* Network file systems tell here that there was no room. */
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r < 0) {
		snap_cache_abandon(&writing);
		return fail_errno(dir, -r, err);
	}
	return snap_cache_publish(dir, &writing, key, len, err);
}

/* ---------------------------------------------------------------- opened when it is needed */

struct snap_cache {
	const char *path;
	pthread_mutex_t lock;
	bool tried;
	struct snap_cache_dir *dir;
	struct snap_error why;
};

int snap_cache_create(const char *path, struct snap_cache **ret, struct snap_error *err)
{
	struct snap_cache *cache = calloc(1, sizeof(*cache));
	if (!cache)
		return snap_error_no_memory(err);
	cache->path = path;
	(void)pthread_mutex_init(&cache->lock, NULL); /* a default one takes no resources */
	*ret = cache;
	return 0;
}

void snap_cache_destroy(struct snap_cache *cache)
{
	if (!cache)
		return;
	snap_cache_dir_close(cache->dir);
	(void)pthread_mutex_destroy(&cache->lock);
	free(cache);
}

struct snap_cache_dir *snap_cache_get(struct snap_cache *cache, struct snap_error *err)
{
	if (!cache) {
		snap_error_set(err, SNAP_ERROR_UNSUPPORTED, "no cache is used");
		return NULL;
	}
	static struct snap_cache_dir remote = {.fd = -1, .path = "cache", .is_remote = true};
	if (snap_remote_is_on())
		return &remote;
	(void)pthread_mutex_lock(&cache->lock); /* not recursive: it can't fail */
	if (!cache->tried) {
		cache->tried = true;
		(void)snap_cache_dir_open(cache->path, &cache->dir, &cache->why); /* see why */
	}
	if (!cache->dir && err)
		*err = cache->why;
	(void)pthread_mutex_unlock(&cache->lock);
	return cache->dir;
}
