#include "analyze/find/tree_scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "analyze/file_open.h"
#include "analyze/find/tree_file.h"

struct scan {
	uint8_t *data;
	size_t len, size, num_items;
	int errnum; /* why it can't go on */
};

static void put(struct scan *scan, const void *bytes, size_t len)
{
	if (scan->errnum)
		return;
	if (len > SNAP_SCAN_MAX_BYTES - scan->len) {
		scan->errnum = E2BIG;
		return;
	}
	if (scan->len + len > scan->size) {
		size_t size = 2 * (scan->len + len) + 4096;
		uint8_t *grown = realloc(scan->data, size);
		if (!grown) {
			scan->errnum = ENOMEM;
			return;
		}
		scan->data = grown;
		scan->size = size;
	}
	memcpy(scan->data + scan->len, bytes, len);
	scan->len += len;
}

static void put_name(struct scan *scan, const char *name)
{
	uint32_t len = (uint32_t)strlen(name);
	put(scan, &len, sizeof(len));
	put(scan, name, len);
}

static struct snap_scan_stat shorten(const struct stat *st)
{
	return (struct snap_scan_stat){
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.mtime_s = st->st_mtim.tv_sec,
		.ctime_s = st->st_ctim.tv_sec,
		.mtime_ns = (uint32_t)st->st_mtim.tv_nsec,
		.ctime_ns = (uint32_t)st->st_ctim.tv_nsec,
		.mode = st->st_mode,
	};
}

/* ---------------------------------------------------------------- a directory's list */

struct item {
	char *name;
	struct snap_scan_stat stat;
	bool is_dir;
};

struct listing {
	struct item *items;
	size_t num, capacity;
};

static void listing_deinit(struct listing *l)
{
	for (size_t i = 0; i < l->num; i++)
		free(l->items[i].name);
	free(l->items);
}

static int compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	return strcmp(x->name, y->name);
}

static void add_item(struct scan *scan, struct listing *l, const char *name,
	const struct stat *st, bool is_dir)
{
	if (l->num == l->capacity) {
		size_t capacity = l->capacity ? 2 * l->capacity : 64;
		struct item *grown = reallocarray(l->items, capacity, sizeof(*grown));
		if (!grown) {
			scan->errnum = ENOMEM;
			return;
		}
		l->items = grown;
		l->capacity = capacity;
	}
	struct item *item = &l->items[l->num];
	*item = (struct item){.name = strdup(name), .is_dir = is_dir};
	if (st)
		item->stat = shorten(st);
	if (!item->name)
		scan->errnum = ENOMEM;
	else
		l->num++;
	if (++scan->num_items > SNAP_SCAN_MAX_ITEMS)
		scan->errnum = E2BIG;
}

/* False: not all of it could be listed. */
static bool list(struct scan *scan, int fd, struct listing *l, struct snap_scan_dir *head)
{
	/* fdopendir() takes the descriptor for itself. */
	int own = snap_directory_open(fd, ".", false, NULL);
	DIR *dir = own >= 0 ? fdopendir(own) : NULL;
	if (!dir) {
		if (own >= 0)
			(void)close(own); /* nothing was read */
		return false;
	}
	const struct dirent *entry;
	errno = 0;
	while (!scan->errnum && (entry = readdir(dir))) {
		struct stat st;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			;
		else if (entry->d_type == DT_DIR)
			add_item(scan, l, entry->d_name, NULL, true);
		else if (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN)
			;
		else if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			head->is_changing = 1;
		else if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
			add_item(scan, l, entry->d_name, &st, S_ISDIR(st.st_mode));
		errno = 0;
	}
	bool ok = errno == 0;
	(void)closedir(dir);
	if (l->num > 0)
		qsort(l->items, l->num, sizeof(*l->items), compare_items);
	return ok;
}

/* ---------------------------------------------------------------- the tree */

static void describe(int fd, const struct stat *st, struct snap_scan_dir *head)
{
	struct statfs fs;
	head->dev = st->st_dev;
	head->stat = shorten(st);
	if (fstatfs(fd, &fs) < 0)
		return;
	head->fs_type = (uint64_t)fs.f_type;
	head->fs_blocks = fs.f_blocks;
	head->fs_files = fs.f_files;
	head->is_read_only = ((unsigned long)fs.f_flags & ST_RDONLY) != 0;
	head->is_pseudo = fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC ||
			  fs.f_type == DEBUGFS_MAGIC || fs.f_type == TRACEFS_MAGIC;
}

/* fd: closed; -1: it can't be opened. */
static void scan_dir(struct scan *scan, int fd, unsigned int depth)
{
	struct snap_scan_dir head = {0};
	struct listing l = {0};
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		head.is_unreadable = 1;
	else
		describe(fd, &st, &head);
	if (!head.is_unreadable && !head.is_pseudo && !list(scan, fd, &l, &head))
		head.is_unreadable = 2;
	for (size_t i = 0; i < l.num; i++) {
		head.num_dirs += l.items[i].is_dir;
		head.num_files += !l.items[i].is_dir;
	}
	put(scan, &head, sizeof(head));
	for (size_t i = 0; i < l.num; i++) {
		if (l.items[i].is_dir)
			continue;
		put(scan, &l.items[i].stat, sizeof(l.items[i].stat));
		put_name(scan, l.items[i].name);
	}
	for (size_t i = 0; i < l.num && !scan->errnum; i++) {
		if (!l.items[i].is_dir)
			continue;
		put_name(scan, l.items[i].name);
		scan_dir(scan,
			depth < SNAP_TREE_MAX_DEPTH
				? snap_directory_open(fd, l.items[i].name, false, NULL)
				: -1,
			depth + 1);
	}
	listing_deinit(&l);
	if (fd >= 0)
		(void)close(fd); /* a directory: nothing can be lost */
}

static int fail(int errnum, struct snap_error *err)
{
	snap_error_set(err, SNAP_ERROR_SYSTEM, "%s",
		errnum == E2BIG ? "there are too many files in it" : strerror(errnum));
	if (err)
		err->errnum = errnum;
	return -1;
}

static int write_out(const struct scan *scan, struct snap_error *err)
{
	int fd = memfd_create("tree", MFD_CLOEXEC);
	if (fd < 0)
		return fail(errno, err);
	for (size_t done = 0; done < scan->len;) {
		ssize_t n = write(fd, scan->data + done, scan->len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int errnum = n < 0 ? errno : EIO;
			(void)close(fd); /* gone */
			return fail(errnum, err);
		}
		done += (size_t)n;
	}
	(void)lseek(fd, 0, SEEK_SET); /* a memory file */
	return fd;
}

int snap_tree_scan(const char *path, struct snap_error *err)
{
	struct scan scan = {0};
	struct snap_scan_head head = {0};
	struct stat st;
	int fd = snap_directory_open(AT_FDCWD, path, true, err);
	if (fd < 0)
		return -1;
	char *absolute_path = realpath(path, NULL);
	if (fstat(fd, &st) == 0) {
		head.dev = st.st_dev;
		head.ino = st.st_ino;
	}
	head.path_len = absolute_path ? (uint32_t)strlen(absolute_path) : 0;
	put(&scan, &head, sizeof(head));
	put(&scan, absolute_path ? absolute_path : "", head.path_len);
	scan_dir(&scan, fd, 0);
	free(absolute_path);
	int r = scan.errnum ? fail(scan.errnum, err) : write_out(&scan, err);
	free(scan.data);
	return r;
}

/* ---------------------------------------------------------------- reading */

bool snap_scan_read(struct snap_scan_reader *reader, void *ret, size_t len)
{
	if (len > reader->len - reader->off)
		return false;
	memcpy(ret, reader->data + reader->off, len);
	reader->off += len;
	return true;
}

char *snap_scan_read_name(struct snap_scan_reader *reader)
{
	uint32_t len;
	if (!snap_scan_read(reader, &len, sizeof(len)) || len > reader->len - reader->off)
		return NULL;
	char *name = strndup((const char *)reader->data + reader->off, len);
	reader->off += len;
	return name;
}

void snap_scan_stat_expand(const struct snap_scan_stat *from, struct stat *ret)
{
	*ret = (struct stat){
		.st_ino = from->ino,
		.st_size = (off_t)from->size,
		.st_mode = from->mode,
		.st_mtim = {.tv_sec = from->mtime_s, .tv_nsec = from->mtime_ns},
		.st_ctim = {.tv_sec = from->ctime_s, .tv_nsec = from->ctime_ns},
	};
}
