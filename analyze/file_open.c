#include "analyze/file_open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "analyze/sandbox/remote.h"

/* As many as the kernel follows in one path (include/linux/namei.h, MAXSYMLINKS). */
#define MAX_LINKS 40
/* Directories that are open at once while a path is followed by hand. */
#define MAX_DEPTH 128

static const char *kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a directory";
	case S_IFIFO:
		return "a FIFO";
	case S_IFSOCK:
		return "a socket";
	case S_IFCHR:
	case S_IFBLK:
		return "a device";
	case S_IFLNK:
		return "a symbolic link";
	default:
		return "something else";
	}
}

/* fd: O_PATH. Closed in any case. */
static int reopen_regular(int fd, struct stat *ret_stat, struct snap_error *err)
{
	struct stat st;
	struct statfs fs;
	int ret = -1;
	if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0) {
		snap_error_set(err, SNAP_ERROR_SYSTEM, "%s", strerror(errno));
	} else if (!S_ISREG(st.st_mode)) {
		snap_error_set(err, SNAP_ERROR_UNSUPPORTED, "is %s, not a regular file",
			kind_of(st.st_mode));
	} else if (fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC ||
		   fs.f_type == DEBUGFS_MAGIC || fs.f_type == TRACEFS_MAGIC) {
		snap_error_set(err, SNAP_ERROR_UNSUPPORTED, "is in a pseudo file system");
	} else {
		char path[32];
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ret = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (ret < 0) {
			int errnum = errno;
			snap_error_set(err, SNAP_ERROR_SYSTEM, "%s", strerror(errnum));
			if (err)
				err->errnum = errnum;
		} else if (ret_stat) {
			*ret_stat = st;
		}
	}
	(void)close(fd); /* O_PATH: nothing can be lost */
	return ret;
}

/* fd: O_PATH, or a negative errno. Closed in any case. */
static int finish_open(int fd, struct stat *ret_stat, struct snap_error *err)
{
	if (fd >= 0)
		return reopen_regular(fd, ret_stat, err);
	snap_error_set(err, SNAP_ERROR_SYSTEM, "%s", strerror(-fd));
	if (err)
		err->errnum = -fd;
	return -1;
}

static int open_regular(
	int dir_fd, const char *path, int flags, struct stat *ret_stat, struct snap_error *err)
{
	int fd = openat(dir_fd, path, O_PATH | O_CLOEXEC | flags);
	return finish_open(fd < 0 ? -errno : fd, ret_stat, err);
}

/* fd: from the broker, which has looked at it. */
static int describe(int fd, struct stat *ret_stat, struct snap_error *err)
{
	if (fd < 0 || !ret_stat || fstat(fd, ret_stat) == 0)
		return fd;
	int errnum = errno;
	(void)close(fd); /* nothing was read */
	return snap_error_set(err, SNAP_ERROR_SYSTEM, "%s", strerror(errnum));
}

int snap_file_open(const char *path, struct stat *ret_stat, struct snap_error *err)
{
	if (snap_remote_is_on())
		return describe(snap_remote_open(SNAP_REMOTE_HERE, path, err), ret_stat, err);
	return open_regular(AT_FDCWD, path, 0, ret_stat, err);
}

int snap_file_open_input(const char *path, struct snap_error *err)
{
	return snap_remote_is_on() ? snap_remote_input(err) : snap_file_open(path, NULL, err);
}

int snap_file_open_in(int dir_fd, const char *name, struct stat *ret_stat, struct snap_error *err)
{
	return open_regular(dir_fd, name, O_NOFOLLOW, ret_stat, err);
}

/* ---------------------------------------------------------------- below a root */

/* A path that is followed by hand. */
struct walk {
	int root_fd; /* borrowed */
	int dirs[MAX_DEPTH];
	unsigned int depth, num_links;
	char rest[PATH_MAX]; /* what is still to be followed */
};

static int current(const struct walk *w)
{
	return w->depth > 0 ? w->dirs[w->depth - 1] : w->root_fd;
}

static void leave(struct walk *w, unsigned int depth)
{
	while (w->depth > depth)
		(void)close(w->dirs[--w->depth]); /* O_PATH: nothing can be lost */
}

/* fd: of a symbolic link, whose target replaces it before the rest. 0 or a negative errno. */
static int follow_link(struct walk *w, int fd, const char *rest)
{
	char target[PATH_MAX], joined[PATH_MAX];
	ssize_t n = readlinkat(fd, "", target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	if (++w->num_links > MAX_LINKS)
		return -ELOOP;
	target[n] = '\0';
	int len = snprintf(joined, sizeof(joined), "%s/%s", target, rest);
	if (len < 0 || (size_t)len >= sizeof(joined))
		return -ENAMETOOLONG;
	if (target[0] == '/')
		leave(w, 0);
	memcpy(w->rest, joined, (size_t)len + 1);
	return 0;
}

/* The next component of w->rest. Returns an O_PATH descriptor of the end, -EAGAIN: not there yet.
 */
static int step(struct walk *w)
{
	char name[NAME_MAX + 1], rest[PATH_MAX];
	const char *start = w->rest + strspn(w->rest, "/");
	size_t len = strcspn(start, "/");
	const char *after = start + len + strspn(start + len, "/");
	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, start, len);
	name[len] = '\0';
	(void)snprintf(rest, sizeof(rest), "%s", after);
	if (strcmp(name, "..") == 0 && w->depth > 0)
		leave(w, w->depth - 1);
	if (len == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		memcpy(w->rest, rest, strlen(rest) + 1);
		if (*rest)
			return -EAGAIN;
		int self = openat(current(w), ".", O_PATH | O_CLOEXEC);
		return self < 0 ? -errno : self;
	}
	int fd = openat(current(w), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	struct stat st;
	int r = fstat(fd, &st) < 0 ? -errno : 0;
	if (r == 0 && S_ISLNK(st.st_mode)) {
		r = follow_link(w, fd, rest);
		(void)close(fd); /* O_PATH */
		return r < 0 ? r : -EAGAIN;
	}
	if (r == 0 && !*rest)
		return fd;
	if (r == 0 && w->depth == MAX_DEPTH)
		r = -ENAMETOOLONG;
	if (r < 0) {
		(void)close(fd); /* O_PATH */
		return r;
	}
	w->dirs[w->depth++] = fd;
	memcpy(w->rest, rest, strlen(rest) + 1);
	return -EAGAIN;
}

/* openat2() came with Linux 5.6, and seccomp filters may not know it. */
static int open_in_root_by_hand(int root_fd, const char *path)
{
	struct walk w = {.root_fd = root_fd};
	if (strlen(path) >= sizeof(w.rest))
		return -ENAMETOOLONG;
	memcpy(w.rest, path, strlen(path) + 1);
	int fd;
	do
		fd = step(&w);
	while (fd == -EAGAIN);
	leave(&w, 0);
	return fd;
}

int snap_file_open_in_root(
	int root_fd, const char *path, struct stat *ret_stat, struct snap_error *err)
{
	if (snap_remote_is_on())
		return describe(snap_remote_open(SNAP_REMOTE_SYSROOT, path, err), ret_stat, err);
	const struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	if (fd < 0)
		fd = errno == ENOSYS || errno == EPERM || errno == EAGAIN
			     ? open_in_root_by_hand(root_fd, path)
			     : -errno;
	return finish_open(fd, ret_stat, err);
}

int snap_directory_open(int dir_fd, const char *path, bool follow, struct snap_error *err)
{
	int fd = openat(dir_fd, path,
		O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
	if (fd < 0) {
		int errnum = errno;
		snap_error_set(err, SNAP_ERROR_SYSTEM, "%s", strerror(errnum));
		if (err)
			err->errnum = errnum;
	}
	return fd;
}

int snap_file_temporary(struct snap_error *err)
{
	if (snap_remote_is_on())
		return snap_remote_temporary(err);
	const char *dir = getenv("TMPDIR");
	if (!dir || !*dir)
		dir = "/tmp";
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return snap_error_errno(err, errno, "no temporary file");
	return fd;
}
