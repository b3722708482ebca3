#include "analyze/file_open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

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

static int open_regular(
	int dir_fd, const char *path, int flags, struct stat *ret_stat, struct snap_error *err)
{
	int fd = openat(dir_fd, path, O_PATH | O_CLOEXEC | flags);
	if (fd < 0) {
		int errnum = errno;
		snap_error_set(err, SNAP_ERROR_SYSTEM, "%s", strerror(errnum));
		if (err)
			err->errnum = errnum;
		return -1;
	}
	return reopen_regular(fd, ret_stat, err);
}

int snap_file_open(const char *path, struct stat *ret_stat, struct snap_error *err)
{
	return open_regular(AT_FDCWD, path, 0, ret_stat, err);
}

int snap_file_open_in(int dir_fd, const char *name, struct stat *ret_stat, struct snap_error *err)
{
	return open_regular(dir_fd, name, O_NOFOLLOW, ret_stat, err);
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
	const char *dir = getenv("TMPDIR");
	if (!dir || !*dir)
		dir = "/tmp";
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return snap_error_errno(err, errno, "no temporary file");
	return fd;
}
