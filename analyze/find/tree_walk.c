#include "analyze/find/tree_walk.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "analyze/file_open.h"
#include "analyze/file_read.h"
#include "analyze/find/tree_scan.h"
#include "analyze/sandbox/remote.h"
#include "analyze/symbols/elf_file.h"
#include "common/escape.h"
#include "common/snapshot.h"

#define NONE UINT32_MAX

/*
 * Times are those of the kernel's last tick, on FAT of two seconds: what is younger when the walk
 * begins may be changed again without showing.
 */
#define RACY_NS INT64_C(3000000000)

/* ---------------------------------------------------------------- stamps */

/* The file system that a directory is on. */
struct file_system {
	dev_t dev;
	uint64_t salt;
	bool is_pseudo;
};

/* Steele, Lea and Flood, Fast splittable pseudorandom number generators (2014): the finalizer. */
static uint64_t mix(uint64_t h, uint64_t value)
{
	h = (h ^ value) + UINT64_C(0x9e3779b97f4a7c15);
	h = (h ^ h >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	h = (h ^ h >> 27) * UINT64_C(0x94d049bb133111eb);
	return h ^ h >> 31;
}

static int64_t ns_of(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/*
 * Images that are mounted read-only (squashfs, ISO 9660) may have all their times set to one value,
 * and have no others: the next release at the same place differs in size at least.
 */
static struct file_system file_system_of(int fd, dev_t dev)
{
	struct file_system ret = {.dev = dev};
	struct statfs fs;
	if (fstatfs(fd, &fs) < 0)
		return ret;
	ret.is_pseudo = fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC ||
			fs.f_type == DEBUGFS_MAGIC || fs.f_type == TRACEFS_MAGIC;
	if ((unsigned long)fs.f_flags & ST_RDONLY)
		ret.salt = mix(mix(mix(1, (uint64_t)fs.f_type), fs.f_blocks), fs.f_files);
	return ret;
}

/* 0: a later change might leave it the same. */
static uint64_t stamp_of(
	const struct snap_tree_walk *walk, const struct file_system *fs, const struct stat *st)
{
	int64_t mtime = ns_of(st->st_mtim), ctime = ns_of(st->st_ctim);
	int64_t racy = walk->begun_ns - RACY_NS;
	/* A change sets ctime, to which nothing else can set it; where there is none, mtime may
	 * have been set to a time to come. */
	if (ctime >= racy || (mtime >= racy && mtime <= walk->begun_ns + RACY_NS))
		return 0;
	/* Directories of FAT's root and of some FUSE file systems have no times. */
	if (S_ISDIR(st->st_mode) && st->st_mtim.tv_sec == 0)
		return 0;
	uint64_t h = mix(mix(fs->salt, st->st_ino), (uint64_t)st->st_size);
	h = mix(mix(mix(h, (uint64_t)mtime), (uint64_t)ctime), st->st_mode);
	return h ? h : 1;
}

/* ---------------------------------------------------------------- the shown path */

/* Appends "/name"; shorten() takes it off again. */
static int lengthen(
	struct snap_tree_walk *walk, const char *name, size_t *ret_len, struct snap_error *err)
{
	size_t len = strlen(name);
	if (walk->shown_len + len + 2 > walk->shown_size) {
		size_t size = 2 * (walk->shown_len + len + 2);
		char *grown = realloc(walk->shown, size);
		if (!grown)
			return snap_error_no_memory(err);
		walk->shown = grown;
		walk->shown_size = size;
	}
	*ret_len = walk->shown_len;
	walk->shown[walk->shown_len] = '/';
	memcpy(walk->shown + walk->shown_len + 1, name, len + 1);
	walk->shown_len += 1 + len;
	return 0;
}

static void shorten(struct snap_tree_walk *walk, size_t len)
{
	walk->shown_len = len;
	walk->shown[len] = '\0';
}

static void tell_progress(const struct snap_tree_walk *walk)
{
	char name[256], text[512];
	if (!walk->progress.fn || walk->made.num_files % 128 != 0)
		return;
	(void)snap_escape(snap_bytes_str(walk->path), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
	(void)snprintf(text, sizeof(text), "%zu files looked at (%zu read) in %s",
		walk->made.num_files, walk->num_opened, name);
	snap_progress_tell(walk->progress, SNAP_PROGRESS_UPDATE, text);
}

/* ---------------------------------------------------------------- a file */

static bool is_split_name(const char *name)
{
	size_t len = strlen(name);
	return len > 4 &&
	       (strcmp(name + len - 4, ".dwo") == 0 || strcmp(name + len - 4, ".dwp") == 0);
}

/*
 * What an open file is, which is closed. build_id: filled if it returns SNAP_TREE_ID; it points
 * into *ret_file then, which is to be ended.
 */
static uint32_t look_into(
	int fd, const char *name, const char *shown, struct snap_elf_file *ret_file)
{
	/* No ELF file is shorter. */
	uint8_t head[sizeof(Elf32_Ehdr)];
	ssize_t n = snap_file_read_at(fd, head, sizeof(head), 0);
	if (n != (ssize_t)sizeof(head) || memcmp(head, ELFMAG, SELFMAG) != 0) {
		(void)close(fd); /* only read from */
		return SNAP_TREE_NOTHING;
	}
	if (is_split_name(name)) {
		(void)close(fd); /* only read from */
		return SNAP_TREE_BY_NAME;
	}
	if (snap_elf_file_open_part(fd, shown, ret_file, NULL) < 0)
		return SNAP_TREE_NOTHING; /* a core, a broken one */
	if (ret_file->build_id.len > 0 && ret_file->build_id.len <= SNAP_MAX_BUILD_ID)
		return SNAP_TREE_ID;
	snap_elf_file_deinit(ret_file);
	return SNAP_TREE_BY_NAME;
}

static int report(struct snap_tree_walk *walk, const char *name, struct snap_bytes build_id,
	struct snap_error *err)
{
	size_t len;
	if (lengthen(walk, name, &len, err) < 0)
		return -1;
	int r = walk->found(walk->shown, build_id, walk->data, err);
	shorten(walk, len);
	return r;
}

/* By its whole path where there is no directory at hand. */
static int open_file(struct snap_tree_walk *walk, int dir_fd, const char *name, struct stat *ret,
	struct snap_error *why)
{
	size_t len;
	if (dir_fd >= 0)
		return snap_file_open_in(dir_fd, name, ret, why);
	if (lengthen(walk, name, &len, why) < 0)
		return -1;
	int fd = snap_file_open(walk->shown, ret, why);
	shorten(walk, len);
	return fd;
}

/* dir_fd: -1 of one that was scanned. */
static int read_file(struct snap_tree_walk *walk, const struct file_system *fs, int dir_fd,
	const char *name, const struct stat *seen, struct snap_error *err)
{
	struct snap_elf_file file;
	struct stat st;
	struct snap_bytes build_id = {0};
	uint64_t stamp = 0; /* unreadable: to be tried again */
	uint32_t info = SNAP_TREE_NOTHING;
	struct snap_error why = SNAP_ERROR_INIT;
	/* The stamp is of what is read: an earlier one of the name may be another file's. */
	int fd = open_file(walk, dir_fd, name, &st, &why);
	if (fd >= 0) {
		walk->num_opened++;
		stamp = stamp_of(walk, fs, &st);
		info = look_into(fd, name, name, &file);
	} else if (why.errnum == SNAP_NOT_ELF) {
		walk->num_opened++;
		stamp = stamp_of(walk, fs, seen);
	} else if (why.errnum != ENOENT) {
		walk->num_unreadable++;
	}
	if (info == SNAP_TREE_ID)
		build_id = file.build_id;
	int r = snap_tree_add_file(&walk->made, name, stamp, info, build_id, err);
	if (r == 0 && info != SNAP_TREE_NOTHING)
		r = report(walk, name, build_id, err);
	if (info == SNAP_TREE_ID)
		snap_elf_file_deinit(&file);
	return r;
}

/* known: its number in walk->known, or NONE. */
static int add_seen(struct snap_tree_walk *walk, const struct file_system *fs, int dir_fd,
	const char *name, const struct stat *st, uint32_t known, struct snap_error *err)
{
	tell_progress(walk);
	uint64_t stamp = stamp_of(walk, fs, st);
	const struct snap_tree_file *file = known != NONE ? &walk->known->files[known] : NULL;
	struct snap_bytes build_id = {0};
	if (file && stamp && stamp == file->stamp)
		build_id = snap_tree_id(walk->known, file);
	else if (st->st_size >= (off_t)sizeof(Elf32_Ehdr))
		return read_file(walk, fs, dir_fd, name, st, err);
	else
		file = NULL; /* too small to be anything */
	uint32_t info = file ? file->info : SNAP_TREE_NOTHING;
	if (snap_tree_add_file(&walk->made, name, stamp, info, build_id, err) < 0)
		return -1;
	return info == SNAP_TREE_NOTHING ? 0 : report(walk, name, build_id, err);
}

/* *ret_gone: there is no such file, though it was listed. */
static int add_file(struct snap_tree_walk *walk, const struct file_system *fs, int dir_fd,
	const char *name, uint32_t known, bool *ret_gone, struct snap_error *err)
{
	struct stat st;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode)) {
		*ret_gone = true;
		return 0;
	}
	return add_seen(walk, fs, dir_fd, name, &st, known, err);
}

/* ---------------------------------------------------------------- what is in a directory */

struct item {
	size_t name;	/* offset in names of the listing */
	uint32_t known; /* number of the file or directory in walk->known, or NONE */
	bool is_dir;
};

struct listing {
	const char *names; /* own, or walk->known's */
	char *own_names;
	struct item *items; /* in order of name */
	size_t num, capacity;
	size_t names_len, names_size;
};

static void listing_deinit(struct listing *l)
{
	free(l->own_names);
	free(l->items);
}

static int add_item(
	struct listing *l, size_t name, uint32_t known, bool is_dir, struct snap_error *err)
{
	if (l->num == l->capacity) {
		size_t capacity = l->capacity ? 2 * l->capacity : 64;
		struct item *grown = reallocarray(l->items, capacity, sizeof(*grown));
		if (!grown)
			return snap_error_no_memory(err);
		l->items = grown;
		l->capacity = capacity;
	}
	l->items[l->num++] = (struct item){name, known, is_dir};
	return 0;
}

/* A directory that is as it was. */
static int list_known(
	const struct snap_tree *known, uint32_t dir, struct listing *l, struct snap_error *err)
{
	l->names = known->names;
	for (uint32_t i = 0; i < known->dirs[dir].num_files; i++) {
		uint32_t file = known->first_file[dir] + i;
		if (add_item(l, known->files[file].name, file, false, err) < 0)
			return -1;
	}
	for (uint32_t sub = dir + 1; sub < known->end[dir]; sub = known->end[sub])
		if (add_item(l, known->dirs[sub].name, sub, true, err) < 0)
			return -1;
	return 0;
}

static int add_listed(
	struct listing *l, int dir_fd, const struct dirent *entry, struct snap_error *err)
{
	unsigned char type = entry->d_type;
	struct stat st;
	if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
		return 0;
	if (type == DT_UNKNOWN && fstatat(dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		type = S_ISDIR(st.st_mode) ? DT_DIR : S_ISREG(st.st_mode) ? DT_REG : DT_UNKNOWN;
	if (type != DT_DIR && type != DT_REG)
		return 0;
	size_t len = strlen(entry->d_name) + 1, name = l->names_len;
	if (name + len > l->names_size) {
		size_t size = 2 * (name + len) + 1024;
		char *grown = realloc(l->own_names, size);
		if (!grown)
			return snap_error_no_memory(err);
		l->own_names = grown;
		l->names_size = size;
	}
	memcpy(l->own_names + name, entry->d_name, len);
	l->names_len += len;
	return add_item(l, name, NONE, type == DT_DIR, err);
}

static int compare_items(const void *a, const void *b, void *names)
{
	const struct item *x = a, *y = b;
	return strcmp((const char *)names + x->name, (const char *)names + y->name);
}

/* Which of the names were known. Both are in order; a known one that is not is not found. */
static void match_known(struct listing *l, const struct snap_tree *known, uint32_t dir)
{
	uint32_t file = known->first_file[dir], file_end = file + known->dirs[dir].num_files;
	uint32_t sub = dir + 1;
	for (size_t i = 0; i < l->num; i++) {
		struct item *item = &l->items[i];
		const char *name = l->names + item->name;
		int r = 1;
		if (item->is_dir) {
			while (sub < known->end[dir] &&
				(r = strcmp(known->names + known->dirs[sub].name, name)) < 0)
				sub = known->end[sub];
			if (sub < known->end[dir] && r == 0)
				item->known = sub;
		} else {
			while (file < file_end &&
				(r = strcmp(known->names + known->files[file].name, name)) < 0)
				file++;
			if (file < file_end && r == 0)
				item->known = file;
		}
	}
}

/* Returns 1 if it could not be read. */
static int list(int dir_fd, struct listing *l, struct snap_error *err)
{
	/* fdopendir() takes the descriptor for itself. */
	int fd = snap_directory_open(dir_fd, ".", false, NULL);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		if (fd >= 0)
			(void)close(fd); /* nothing was read */
		return 1;
	}
	const struct dirent *entry;
	int r = 0;
	errno = 0;
	while (r == 0 && (entry = readdir(dir))) {
		r = add_listed(l, dir_fd, entry, err);
		errno = 0;
	}
	if (r == 0 && errno)
		r = 1;
	(void)closedir(dir);
	l->names = l->own_names;
	if (l->num > 0)
		qsort_r(l->items, l->num, sizeof(*l->items), compare_items, l->own_names);
	return r;
}

/* ---------------------------------------------------------------- a directory */

static int walk_dir(struct snap_tree_walk *walk, const struct file_system *parent, int fd,
	const char *name, uint32_t known, unsigned int depth, struct snap_error *err);

static int walk_items(struct snap_tree_walk *walk, const struct file_system *fs, int fd,
	size_t made, const struct listing *l, unsigned int depth, struct snap_error *err)
{
	bool gone = false;
	for (size_t i = 0; i < l->num; i++) {
		const struct item *item = &l->items[i];
		if (!item->is_dir &&
			add_file(walk, fs, fd, l->names + item->name, item->known, &gone, err) < 0)
			return -1;
	}
	/* It is being changed: what was seen of it is not sure. */
	if (gone)
		walk->made.dirs[made].stamp = 0;
	for (size_t i = 0; i < l->num; i++) {
		const struct item *item = &l->items[i];
		if (!item->is_dir)
			continue;
		walk->made.dirs[made].num_dirs++;
		int sub = depth < SNAP_TREE_MAX_DEPTH
				  ? snap_directory_open(fd, l->names + item->name, false, NULL)
				  : -1;
		if (walk_dir(walk, fs, sub, l->names + item->name, item->known, depth + 1, err) < 0)
			return -1;
	}
	return 0;
}

static int walk_open_dir(struct snap_tree_walk *walk, struct file_system fs, int fd, size_t made,
	uint32_t known, unsigned int depth, struct snap_error *err)
{
	struct stat st;
	struct listing l = {0};
	if (fstat(fd, &st) < 0) {
		walk->num_unreadable++;
		return 0;
	}
	if (depth == 0 || st.st_dev != fs.dev)
		fs = file_system_of(fd, st.st_dev);
	if (fs.is_pseudo)
		return 0;
	uint64_t stamp = stamp_of(walk, &fs, &st);
	walk->made.dirs[made].stamp = stamp;
	int r;
	if (known != NONE && stamp && stamp == walk->known->dirs[known].stamp) {
		r = list_known(walk->known, known, &l, err);
	} else {
		walk->num_listed++;
		r = list(fd, &l, err);
		if (r > 0) {
			walk->num_unreadable++;
			walk->made.dirs[made].stamp = 0;
			r = 0;
		}
		if (r == 0 && known != NONE)
			match_known(&l, walk->known, known);
	}
	if (r == 0)
		r = walk_items(walk, &fs, fd, made, &l, depth, err);
	listing_deinit(&l);
	return r;
}

/* fd: closed; -1: it can't be opened. */
static int walk_dir(struct snap_tree_walk *walk, const struct file_system *parent, int fd,
	const char *name, uint32_t known, unsigned int depth, struct snap_error *err)
{
	size_t made = walk->made.num_dirs, len = walk->shown_len;
	int r = snap_tree_add_dir(&walk->made, name, err);
	if (r == 0 && depth > 0)
		r = lengthen(walk, name, &len, err);
	if (r == 0 && fd < 0)
		walk->num_unreadable++;
	if (r == 0 && fd >= 0)
		r = walk_open_dir(walk, *parent, fd, made, known, depth, err);
	shorten(walk, len);
	if (fd >= 0)
		(void)close(fd); /* a directory: nothing can be lost */
	return r;
}

static int begin(struct snap_tree_walk *walk, struct snap_error *err)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_REALTIME, &now); /* there is such a clock */
	walk->begun_ns = ns_of(now);
	walk->shown = strdup(walk->path);
	if (!walk->shown)
		return snap_error_no_memory(err);
	walk->shown_len = strlen(walk->shown);
	walk->shown_size = walk->shown_len + 1;
	/* "dir/" and "/" have the separator already. */
	while (walk->shown_len > 0 && walk->shown[walk->shown_len - 1] == '/')
		shorten(walk, walk->shown_len - 1);
	snap_progress_tell(walk->progress, SNAP_PROGRESS_BEGIN, NULL);
	return 0;
}

static void end(struct snap_tree_walk *walk)
{
	snap_progress_tell(walk->progress, SNAP_PROGRESS_END, NULL);
	free(walk->shown);
	walk->shown = NULL;
}

int snap_tree_walk(struct snap_tree_walk *walk, int root_fd, struct snap_error *err)
{
	if (begin(walk, err) < 0) {
		(void)close(root_fd); /* a directory */
		return -1;
	}
	const struct file_system none = {0};
	int r = walk_dir(walk, &none, root_fd, walk->absolute_path, walk->known ? 0 : NONE, 0, err);
	end(walk);
	return r;
}

/* ---------------------------------------------------------------- what was scanned */

/* The directories and files of a known directory, gone through in step with those of the scan. */
struct known_place {
	uint32_t dir, file, file_end;
	uint32_t sub, sub_end;
};

static struct known_place known_place(const struct snap_tree *known, uint32_t dir)
{
	struct known_place place = {.dir = dir};
	if (dir == NONE)
		return place;
	place.file = known->first_file[dir];
	place.file_end = place.file + known->dirs[dir].num_files;
	place.sub = dir + 1;
	place.sub_end = known->end[dir];
	return place;
}

static uint32_t known_file(
	const struct snap_tree *known, struct known_place *place, const char *name)
{
	int r = -1;
	while (place->file < place->file_end &&
		(r = strcmp(known->names + known->files[place->file].name, name)) < 0)
		place->file++;
	return place->file < place->file_end && r == 0 ? place->file : NONE;
}

static uint32_t known_sub(
	const struct snap_tree *known, struct known_place *place, const char *name)
{
	int r = -1;
	while (place->sub < place->sub_end &&
		(r = strcmp(known->names + known->dirs[place->sub].name, name)) < 0)
		place->sub = known->end[place->sub];
	return place->sub < place->sub_end && r == 0 ? place->sub : NONE;
}

static int walk_scanned(struct snap_tree_walk *walk, struct snap_scan_reader *scan,
	const char *name, uint32_t known, unsigned int depth, struct snap_error *err);

static int cut_short(struct snap_error *err)
{
	return snap_error_set(err, SNAP_ERROR_NO_MEMORY, "the list of a tree can't be read");
}

static int walk_scanned_items(struct snap_tree_walk *walk, struct snap_scan_reader *scan,
	const struct snap_scan_dir *head, const struct file_system *fs, size_t made, uint32_t known,
	unsigned int depth, struct snap_error *err)
{
	struct known_place place = known_place(walk->known, known);
	for (uint32_t i = 0; i < head->num_files; i++) {
		struct snap_scan_stat seen;
		struct stat st;
		char *name = snap_scan_read(scan, &seen, sizeof(seen)) ? snap_scan_read_name(scan)
								       : NULL;
		if (!name)
			return cut_short(err);
		snap_scan_stat_expand(&seen, &st);
		int r = add_seen(walk, fs, -1, name, &st, known_file(walk->known, &place, name),
			err);
		free(name);
		if (r < 0)
			return -1;
	}
	for (uint32_t i = 0; i < head->num_dirs; i++) {
		char *name = snap_scan_read_name(scan);
		if (!name)
			return cut_short(err);
		walk->made.dirs[made].num_dirs++;
		int r = walk_scanned(walk, scan, name, known_sub(walk->known, &place, name),
			depth + 1, err);
		free(name);
		if (r < 0)
			return -1;
	}
	return 0;
}

static int walk_scanned(struct snap_tree_walk *walk, struct snap_scan_reader *scan,
	const char *name, uint32_t known, unsigned int depth, struct snap_error *err)
{
	size_t made = walk->made.num_dirs, len = walk->shown_len;
	struct snap_scan_dir head;
	struct stat st;
	if (depth > SNAP_TREE_MAX_DEPTH + 1 || !snap_scan_read(scan, &head, sizeof(head)))
		return cut_short(err);
	if (snap_tree_add_dir(&walk->made, name, err) < 0 ||
		(depth > 0 && lengthen(walk, name, &len, err) < 0))
		return -1;
	walk->num_unreadable += head.is_unreadable > 0;
	walk->num_listed += !head.is_pseudo && head.is_unreadable != 1;
	int r = 0;
	if (head.is_unreadable != 1 && !head.is_pseudo) {
		struct file_system fs = {.dev = head.dev};
		if (head.is_read_only)
			fs.salt = mix(mix(mix(1, head.fs_type), head.fs_blocks), head.fs_files);
		snap_scan_stat_expand(&head.stat, &st);
		if (!head.is_unreadable && !head.is_changing)
			walk->made.dirs[made].stamp = stamp_of(walk, &fs, &st);
		r = walk_scanned_items(walk, scan, &head, &fs, made, known, depth, err);
	}
	shorten(walk, len);
	return r;
}

int snap_tree_walk_scanned(
	struct snap_tree_walk *walk, struct snap_scan_reader *scan, struct snap_error *err)
{
	if (begin(walk, err) < 0)
		return -1;
	int r = walk_scanned(walk, scan, walk->absolute_path, walk->known ? 0 : NONE, 0, err);
	end(walk);
	return r;
}
