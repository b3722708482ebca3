#include "analyze/find/symbol_dir.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/file_open.h"
#include "analyze/file_read.h"
#include "analyze/sandbox/remote.h"
#include "analyze/symbols/elf_file.h"
#include "common/escape.h"

#define TREE	       ".build-id"
#define PACKAGE_SUFFIX ".dwp"

struct snap_symbol_dir {
	int fd;		 /* of DIR/.build-id */
	char *path;	 /* DIR */
	char *file_path; /* what snap_symbol_file.path points to */
};

static const struct {
	const char *name, *suffix;
} kinds[] = {
	[SNAP_SYMBOL_EXECUTABLE] = {"executable", ""},
	[SNAP_SYMBOL_DEBUG] = {"debug", ".debug"},
	[SNAP_SYMBOL_ALTERNATE] = {"alternate", ".debug"},
	[SNAP_SYMBOL_PACKAGE] = {"package", PACKAGE_SUFFIX},
};

const char *snap_symbol_kind_name(enum snap_symbol_kind kind)
{
	return kinds[kind].name;
}

/* ---------------------------------------------------------------- the directory */

static int fail(struct snap_error *err, int errnum, const char *path)
{
	char name[256];
	(void)snap_escape(snap_bytes_str(path), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
	return snap_error_errno(err, errnum, "'%s'", name);
}

static int open_tree(struct snap_symbol_dir *dir, bool make, struct snap_error *err)
{
	struct snap_error why = SNAP_ERROR_INIT;
	if (make && mkdir(dir->path, 0777) < 0 && errno != EEXIST)
		return fail(err, errno, dir->path);
	int fd = snap_directory_open(AT_FDCWD, dir->path, true, &why);
	if (fd < 0)
		return fail(err, why.errnum, dir->path);
	if (make && mkdirat(fd, TREE, 0777) < 0 && errno != EEXIST)
		why.errnum = errno;
	else
		dir->fd = snap_directory_open(fd, TREE, true, &why);
	(void)close(fd); /* a directory */
	return dir->fd < 0 ? fail(err, why.errnum, dir->path) : 0;
}

int snap_symbol_dir_open(
	const char *path, bool make, struct snap_symbol_dir **ret, struct snap_error *err)
{
	struct snap_symbol_dir *dir = calloc(1, sizeof(*dir));
	if (!dir)
		return snap_error_no_memory(err);
	dir->fd = -1;
	dir->path = strdup(path);
	if (!dir->path || open_tree(dir, make, err) < 0) {
		int r = dir->path ? -1 : snap_error_no_memory(err);
		snap_symbol_dir_close(dir);
		return r;
	}
	*ret = dir;
	return 0;
}

void snap_symbol_dir_close(struct snap_symbol_dir *dir)
{
	if (!dir)
		return;
	if (dir->fd >= 0)
		(void)close(dir->fd); /* a directory */
	free(dir->path);
	free(dir->file_path);
	free(dir);
}

static int set_path(
	struct snap_symbol_dir *dir, const char *xx, const char *name, struct snap_error *err)
{
	size_t len = strlen(dir->path);
	free(dir->file_path);
	if (asprintf(&dir->file_path, "%s%s" TREE "/%s/%s", dir->path,
		    len > 0 && dir->path[len - 1] == '/' ? "" : "/", xx, name) < 0) {
		dir->file_path = NULL;
		return snap_error_no_memory(err);
	}
	return 0;
}

/* ---------------------------------------------------------------- what a file is */

/* dwz's have nothing that is loaded but their build ID, and of DWARF perhaps nothing but strings.
 */
static bool is_alternate(const struct snap_elf_file *file)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	size_t names;
	bool has_dwarf = false;
	if (elf_getshdrstrndx(file->elf, &names) < 0)
		return false;
	while ((scn = elf_nextscn(file->elf, scn))) {
		if (!gelf_getshdr(scn, &shdr))
			continue;
		if (shdr.sh_flags & SHF_ALLOC && shdr.sh_type != SHT_NOTE)
			return false;
		const char *name = elf_strptr(file->elf, names, shdr.sh_name);
		has_dwarf |= name && strncmp(name, ".debug_", 7) == 0;
	}
	return has_dwarf;
}

static enum snap_symbol_kind kind_of(const struct snap_elf_file *file)
{
	if (is_alternate(file))
		return SNAP_SYMBOL_ALTERNATE;
	/* What a debug file has of the rest takes no bytes; a library may be all data. */
	if (file->has_code_frames || file->has_dynsym ||
		(!file->has_debug_info && !file->has_symtab))
		return SNAP_SYMBOL_EXECUTABLE;
	return SNAP_SYMBOL_DEBUG;
}

/* fd: closed if it fails. */
static int open_elf(int fd, struct snap_elf_file *ret, struct snap_error *err)
{
	if (snap_elf_file_open_part(fd, "", ret, err) < 0)
		return -1;
	/* At least two: the first is a directory's name. */
	if (ret->build_id.len >= 2 && ret->build_id.len <= SNAP_MAX_BUILD_ID)
		return 0;
	snap_elf_file_deinit(ret);
	return snap_error_set(err, SNAP_ERROR_UNSUPPORTED, "it has no build ID");
}

static bool ends_with(const char *s, const char *suffix)
{
	size_t len = strlen(s), suffix_len = strlen(suffix);
	return len > suffix_len && strcmp(s + len - suffix_len, suffix) == 0;
}

static bool is_elf(int fd)
{
	char magic[SELFMAG];
	return snap_file_read_at(fd, magic, SELFMAG, 0) == SELFMAG &&
	       memcmp(magic, ELFMAG, SELFMAG) == 0;
}

/* The build ID of the file that path, less ".dwp", is beside. *num_opened counts those looked at.
 */
static int find_owner(
	const char *path, char *ret_hex, unsigned int *num_opened, struct snap_error *err)
{
	static const char *const suffixes[] = {"", ".debug"};
	for (size_t i = 0; i < 2; i++) {
		char *owner;
		struct snap_elf_file file;
		if (asprintf(&owner, "%.*s%s", (int)(strlen(path) - strlen(PACKAGE_SUFFIX)), path,
			    suffixes[i]) < 0)
			return snap_error_no_memory(err);
		int fd = snap_file_open(owner, NULL, NULL);
		free(owner);
		*num_opened += fd >= 0;
		if (fd < 0 || open_elf(fd, &file, NULL) < 0)
			continue;
		snap_hex(file.build_id, ret_hex);
		snap_elf_file_deinit(&file);
		return 0;
	}
	return snap_error_set(err, SNAP_ERROR_UNSUPPORTED,
		"no file with a build ID, to which it could belong, is beside it");
}

/* ---------------------------------------------------------------- keeping */

/* What is to be kept, and where. */
struct addition {
	struct snap_symbol_dir *dir;
	const struct snap_symbol_add_options *options;
	int fd;
	struct stat st;
	unsigned int
		remote_number; /* in a worker: of the file, counted back from the last opened */
	int xx_fd;	       /* -1 in a worker */
	struct snap_symbol_file *file;
	char name[2 * SNAP_MAX_BUILD_ID + 8];
};

/* 0 or a negative errno. */
static int copy(int from, int to)
{
	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	static uint8_t buffer[1 << 16];
	off_t off = 0;
	ssize_t n;
	/* Between file systems, or of kinds that can't: byte by byte, from where it stopped. */
	while ((n = copy_file_range(from, &off, to, NULL, 1 << 30, 0)) > 0)
		;
	while ((n = snap_file_read_at(from, buffer, sizeof(buffer), (uint64_t)off)) > 0) {
		for (ssize_t done = 0; done < n;) {
			ssize_t m = write(to, buffer + done, (size_t)(n - done));
			if (m < 0 && errno == EINTR)
				continue;
			if (m < 0)
				return -errno;
			done += m;
		}
		off += n;
	}
	return (int)n;
}

/* A copy under a temporary name. 0 or a negative errno. */
static int make_copy(const struct addition *a, const char *temp)
{
	int fd = openat(a->xx_fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (fd < 0)
		return -errno;
	int r = copy(a->fd, fd);
	/* Nothing makes it anew: it has its name only when it is on disk. */
	if (r == 0 && fdatasync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	return r;
}

/* A hard link to the very file that was looked at. */
static int make_link(const struct addition *a, const char *name)
{
	char path[32];
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", a->fd);
	return linkat(AT_FDCWD, path, a->xx_fd, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

static int rename_new(int dir_fd, const char *from, const char *to)
{
	if (renameat2(dir_fd, from, dir_fd, to, RENAME_NOREPLACE) == 0)
		return 0;
	/* Not every file system has it. */
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	return linkat(dir_fd, from, dir_fd, to, 0) < 0 ? -errno : 0;
}

static int place_remote(struct addition *a, bool force)
{
	const char xx[] = {a->file->build_id[0], a->file->build_id[1], '\0'};
	unsigned int flags = a->remote_number | (force ? SNAP_PLACE_FORCE : 0) |
			     (a->options->link ? SNAP_PLACE_LINK : 0);
	return snap_remote_store_place(xx, a->name, flags, &a->file->not_linked);
}

/* Puts the file there. 0, -EEXIST if the name is taken (and force is not set), or another errno. */
static int place(struct addition *a, bool force)
{
	if (snap_remote_is_on())
		return place_remote(a, force);
	char temp[40];
	uint64_t random;
	struct stat st;
	/* Said before anything is copied; what counts is the rename. */
	if (!force && fstatat(a->xx_fd, a->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	(void)snprintf(temp, sizeof(temp), ".tmp-%016llx", (unsigned long long)random);
	int r = -EXDEV;
	if (a->options->link) {
		r = make_link(a, temp);
		a->file->not_linked = r < 0;
	}
	if (r == -EXDEV || r == -EPERM || r == -EMLINK || r == -EOPNOTSUPP)
		r = make_copy(a, temp);
	if (r == 0 && force)
		r = renameat(a->xx_fd, temp, a->xx_fd, a->name) < 0 ? -errno : 0;
	else if (r == 0)
		r = rename_new(a->xx_fd, temp, a->name);
	(void)unlinkat(a->xx_fd, temp, 0); /* as a rule it has its name by now */
	return r;
}

static bool same_contents(int a, int b)
{
	static uint8_t x[1 << 15], y[1 << 15];
	off_t off = 0;
	for (;;) {
		ssize_t n = snap_file_read_at(a, x, sizeof(x), (uint64_t)off);
		ssize_t m = snap_file_read_at(b, y, sizeof(y), (uint64_t)off);
		if (n != m || n < 0 || memcmp(x, y, (size_t)n) != 0)
			return false;
		if (n == 0)
			return true;
		off += n;
	}
}

enum taken {
	TAKEN_BY_IT,	   /* it is there already */
	TAKEN_BY_STRIPPED, /* by an executable without debug information, and it has some */
	TAKEN_BY_RICHER,   /* by what has all that it has, as far as debuggers care */
	TAKEN_BY_ANOTHER,
};

static enum taken compare(const struct snap_elf_file *there, const struct snap_elf_file *elf)
{
	bool is_executable = kind_of(elf) == SNAP_SYMBOL_EXECUTABLE;
	if (!snap_bytes_equal(there->build_id, elf->build_id))
		return TAKEN_BY_ANOTHER;
	if (kind_of(there) != SNAP_SYMBOL_EXECUTABLE)
		/* In the place of the debug file, for the other is taken by a stripped one. */
		return is_executable && there->has_debug_info ? TAKEN_BY_RICHER : TAKEN_BY_ANOTHER;
	if (there->has_debug_info && (!is_executable || !elf->has_debug_info))
		return TAKEN_BY_RICHER;
	return is_executable && elf->has_debug_info && !there->has_debug_info ? TAKEN_BY_STRIPPED
									      : TAKEN_BY_ANOTHER;
}

/* What is kept under a name. */
static int open_kept(int xx_fd, const char *build_id, const char *name, struct stat *ret)
{
	if (!snap_remote_is_on())
		return snap_file_open_in(xx_fd, name, ret, NULL);
	const char xx[] = {build_id[0], build_id[1], '\0'};
	int fd = snap_remote_store_open(xx, name);
	if (fd >= 0 && fstat(fd, ret) < 0) {
		(void)close(fd); /* nothing was read */
		fd = -1;
	}
	return fd;
}

/* elf: what is to be kept; NULL: split DWARF. */
static enum taken who_took(const struct addition *a, const struct snap_elf_file *elf)
{
	struct stat st;
	struct snap_elf_file there;
	int fd = open_kept(a->xx_fd, a->file->build_id, a->name, &st);
	if (fd < 0)
		return TAKEN_BY_ANOTHER;
	bool same = st.st_dev == a->st.st_dev && st.st_ino == a->st.st_ino;
	if (same || (st.st_size == a->st.st_size && same_contents(fd, a->fd))) {
		(void)close(fd); /* only read from */
		return TAKEN_BY_IT;
	}
	if (!elf) {
		(void)close(fd); /* only read from */
		return TAKEN_BY_ANOTHER;
	}
	if (open_elf(fd, &there, NULL) < 0)
		return TAKEN_BY_ANOTHER;
	enum taken taken = compare(&there, elf);
	snap_elf_file_deinit(&there);
	return taken;
}

static int place_as(struct addition *a, enum snap_symbol_kind kind, const struct snap_elf_file *elf,
	struct snap_error *err)
{
	a->file->kind = kind;
	(void)snprintf(a->name, sizeof(a->name), "%s%s", a->file->build_id + 2, kinds[kind].suffix);
	int r = place(a, false);
	if (r == -EEXIST) {
		enum taken taken = who_took(a, elf);
		if (taken == TAKEN_BY_IT)
			r = 0;
		else if (a->options->force)
			r = place(a, true);
		else if (taken == TAKEN_BY_RICHER)
			r = 0;
		else if (taken == TAKEN_BY_STRIPPED && kind == SNAP_SYMBOL_EXECUTABLE)
			return place_as(a, SNAP_SYMBOL_DEBUG, elf, err);
		else
			return snap_error_set(err, SNAP_ERROR_OUTPUT,
				"another file of its build ID, %s, is kept already (--force "
				"replaces it)",
				a->file->build_id);
	}
	if (r < 0)
		return snap_error_errno(err, -r, "cannot keep it");
	return 0;
}

static int open_xx(struct snap_symbol_dir *dir, const char *xx, struct snap_error *err)
{
	if (mkdirat(dir->fd, xx, 0777) < 0 && errno != EEXIST)
		return snap_error_errno(err, errno, "cannot keep it");
	return snap_directory_open(dir->fd, xx, true, err);
}

/* elf: what a.fd is; NULL: split DWARF, whose owner's build ID stands in *a.file. */
static int keep(struct addition a, const struct snap_elf_file *elf, struct snap_error *err)
{
	struct snap_symbol_dir *dir = a.dir;
	struct snap_symbol_file *ret = a.file;
	char xx[3] = {ret->build_id[0], ret->build_id[1], '\0'};
	if (!snap_remote_is_on() && (a.xx_fd = open_xx(dir, xx, err)) < 0)
		return -1;
	int r = place_as(&a, elf ? kind_of(elf) : SNAP_SYMBOL_PACKAGE, elf, err);
	if (a.xx_fd >= 0)
		(void)close(a.xx_fd); /* a directory */
	if (r == 0 && set_path(dir, xx, a.name, err) < 0)
		r = -1;
	ret->bytes = (uint64_t)a.st.st_size;
	ret->path = dir->file_path;
	return r;
}

int snap_symbol_dir_add(struct snap_symbol_dir *dir, const char *path,
	const struct snap_symbol_add_options *options, struct snap_symbol_file *ret,
	struct snap_error *err)
{
	struct stat st;
	struct snap_elf_file elf;
	struct snap_symbol_file file = {0};
	int r, fd = snap_file_open(path, &st, err);
	if (fd < 0)
		return -1;
	struct addition a = {
		.dir = dir, .options = options, .fd = fd, .st = st, .file = &file, .xx_fd = -1};
	if (ends_with(path, PACKAGE_SUFFIX)) {
		if (!is_elf(fd))
			r = snap_error_set(err, SNAP_ERROR_MALFORMED, "not an ELF file");
		else
			r = find_owner(path, file.build_id, &a.remote_number, err);
		if (r == 0)
			r = keep(a, NULL, err);
		(void)close(fd); /* only read from */
	} else {
		if (open_elf(fd, &elf, err) < 0)
			return -1;
		snap_hex(elf.build_id, file.build_id);
		r = keep(a, &elf, err);
		snap_elf_file_deinit(&elf);
	}
	if (r == 0)
		*ret = file;
	return r;
}

/* ---------------------------------------------------------------- for the broker of a sandbox */

#define HEX "0123456789abcdef"

static bool is_kept_name(const char *xx, const char *name)
{
	size_t len = strspn(name, HEX);
	if (strspn(xx, HEX) != 2 || xx[2] != '\0' || len < 2 || len > 2 * SNAP_MAX_BUILD_ID)
		return false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(name + len, kinds[i].suffix) == 0)
			return true;
	return false;
}

int snap_symbol_dir_open_kept(
	struct snap_symbol_dir *dir, const char *xx, const char *name, struct snap_error *err)
{
	int fd = -1, xx_fd = -1;
	if (is_kept_name(xx, name))
		xx_fd = snap_directory_open(dir->fd, xx, true, err);
	else
		snap_error_set(err, SNAP_ERROR_USAGE, "no name of a kept file");
	if (xx_fd >= 0) {
		fd = snap_file_open_in(xx_fd, name, NULL, err);
		(void)close(xx_fd); /* a directory */
	}
	return fd;
}

int snap_symbol_dir_place(struct snap_symbol_dir *dir, int fd, const char *xx, const char *name,
	const struct snap_symbol_add_options *options, bool *ret_not_linked)
{
	struct snap_symbol_file file = {0};
	struct snap_error err = SNAP_ERROR_INIT;
	struct addition a = {.dir = dir, .options = options, .fd = fd, .file = &file};
	if (!is_kept_name(xx, name))
		return -EINVAL;
	(void)snprintf(a.name, sizeof(a.name), "%s", name);
	a.xx_fd = open_xx(dir, xx, &err);
	if (a.xx_fd < 0)
		return err.errnum > 0 ? -err.errnum : -EIO;
	int r = place(&a, options->force);
	(void)close(a.xx_fd); /* a directory */
	*ret_not_linked = file.not_linked;
	return r;
}

/* ---------------------------------------------------------------- listing */

static int is_listed(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* fd is closed. */
static const char *look_at(int fd, const char *name, struct snap_symbol_file *file)
{
	struct snap_elf_file elf;
	char hex[2 * SNAP_MAX_BUILD_ID + 1];
	if (ends_with(name, PACKAGE_SUFFIX)) {
		file->kind = SNAP_SYMBOL_PACKAGE;
		const char *wrong = is_elf(fd) ? NULL : "it is no ELF file";
		(void)close(fd); /* only read from */
		return wrong;
	}
	if (open_elf(fd, &elf, NULL) < 0)
		return "it is no ELF file with a build ID";
	snap_hex(elf.build_id, hex);
	/* An unstripped file may serve as its own debug file. */
	file->kind = ends_with(name, ".debug") && !is_alternate(&elf) ? SNAP_SYMBOL_DEBUG
								      : kind_of(&elf);
	const char *wrong = strcmp(hex, file->build_id) == 0 ? NULL : "it has another build ID";
	snap_elf_file_deinit(&elf);
	return wrong;
}

int snap_symbol_dir_look(struct snap_symbol_dir *dir, const char *xx, const char *name,
	struct snap_symbol_file *ret, const char **ret_wrong, struct snap_error *err)
{
	struct stat st;
	*ret = (struct snap_symbol_file){0};
	if (set_path(dir, xx, name, err) < 0)
		return -1;
	ret->path = dir->file_path;
	if (!is_kept_name(xx, name)) {
		*ret_wrong = "its name is no build ID's";
		return 0;
	}
	int fd = snap_remote_is_on() ? snap_remote_store_open(xx, name)
				     : snap_symbol_dir_open_kept(dir, xx, name, NULL);
	*ret_wrong = "it can't be read";
	if (fd < 0)
		return 0;
	(void)snprintf(ret->build_id, sizeof(ret->build_id), "%s%.*s", xx,
		(int)strcspn(name, "."), name);
	if (fstat(fd, &st) == 0) {
		ret->bytes = (uint64_t)st.st_size;
		*ret_wrong = look_at(fd, name, ret);
	} else {
		(void)close(fd); /* nothing was read */
	}
	return 0;
}

static int list_names(int fd, struct dirent ***ret, struct snap_error *err)
{
	int num = scandirat(fd, ".", ret, is_listed, alphasort);
	return num < 0 ? snap_error_errno(err, errno, "cannot list it") : num;
}

static int each_in(struct snap_symbol_dir *dir, const char *xx,
	int (*fn)(const char *xx, const char *name, void *data), void *data,
	struct snap_error *err)
{
	struct dirent **names;
	int fd = snap_directory_open(dir->fd, xx, true, NULL);
	if (fd < 0)
		return 0; /* nothing of ours */
	int num = list_names(fd, &names, err), r = num < 0 ? -1 : 0;
	for (int i = 0; i < num; i++) {
		if (r == 0)
			r = fn(xx, names[i]->d_name, data);
		free(names[i]);
	}
	if (num >= 0)
		free(names);
	(void)close(fd); /* a directory */
	return r;
}

int snap_symbol_dir_each(struct snap_symbol_dir *dir,
	int (*fn)(const char *xx, const char *name, void *data), void *data,
	struct snap_error *err)
{
	struct dirent **names;
	int num = list_names(dir->fd, &names, err), r = num < 0 ? -1 : 0;
	for (int i = 0; i < num; i++) {
		if (r == 0)
			r = each_in(dir, names[i]->d_name, fn, data, err);
		free(names[i]);
	}
	if (num >= 0)
		free(names);
	return r;
}
