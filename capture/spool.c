#include "capture/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "capture/rename.h"

bool snap_spool_is_part(const char *name)
{
	size_t len = strlen(name);
	return len > 5 && len < sizeof(((struct snap_spool_file *)0)->part) && name[0] != '.' &&
	       strchr(name, '/') == NULL && strcmp(name + len - 5, ".part") == 0;
}

void snap_spool_random(char *out, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t bytes[32];
	if (len > sizeof(bytes))
		len = sizeof(bytes);
	if (getrandom(bytes, len, GRND_NONBLOCK) != (ssize_t)len) {
		/* Early at boot: O_EXCL finds out what is taken. */
		struct timespec now;
		(void)clock_gettime(CLOCK_MONOTONIC, &now); /* can't fail */
		uint64_t seed = (uint64_t)now.tv_nsec * 2654435761u + (uint64_t)getpid();
		for (size_t i = 0; i < len; i++, seed = seed * 6364136223846793005u + 1)
			bytes[i] = (uint8_t)(seed >> 56);
	}
	for (size_t i = 0; i < len; i++)
		out[i] = digits[bytes[i] & 15];
	out[len] = '\0';
}

/* mkdir -p, but for the last directory being nobody else's business. */
static int make_directories(const char *path)
{
	char partial[PATH_MAX];
	size_t len = strlen(path);
	if (len == 0 || len >= sizeof(partial))
		return -ENAMETOOLONG;
	memcpy(partial, path, len + 1);
	for (char *p = partial + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(partial, 0755) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	if (mkdir(partial, 0700) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

/* path, relative to at_fd, if it is a directory of root's or ours. */
static int open_directory(int at_fd, const char *path)
{
	struct stat st;
	int fd = openat(at_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		int error = errno;
		/* With O_DIRECTORY a symbolic link gives ENOTDIR, which says too little. */
		if (error == ENOTDIR && fstatat(at_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISLNK(st.st_mode))
			error = ELOOP;
		return -error;
	}
	int r = fstat(fd, &st) < 0 ? -errno : 0;
	if (r == 0 && st.st_uid != 0 && st.st_uid != geteuid())
		r = -EPERM;
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	return fd;
}

int snap_spool_open(const char *spool, bool create, int *ret_dir_fd, int *ret_incoming_fd)
{
	int dir_fd = open_directory(AT_FDCWD, spool);
	if (dir_fd == -ENOENT && create) {
		int r = make_directories(spool);
		if (r < 0)
			return r;
		dir_fd = open_directory(AT_FDCWD, spool);
	}
	if (dir_fd < 0)
		return dir_fd;

	int incoming_fd = open_directory(dir_fd, SNAP_SPOOL_INCOMING);
	if (incoming_fd == -ENOENT && create) {
		if (mkdirat(dir_fd, SNAP_SPOOL_INCOMING, 0700) == 0 || errno == EEXIST)
			incoming_fd = open_directory(dir_fd, SNAP_SPOOL_INCOMING);
		else
			incoming_fd = -errno;
	}
	if (incoming_fd < 0) {
		(void)close(dir_fd);
		return incoming_fd;
	}
	*ret_dir_fd = dir_fd;
	*ret_incoming_fd = incoming_fd;
	return 0;
}

const char *snap_spool_strerror(int error)
{
	switch (error < 0 ? -error : error) {
	case ELOOP:
		return "the spool or its " SNAP_SPOOL_INCOMING " is a symbolic link";
	case EPERM:
		return "the spool or its " SNAP_SPOOL_INCOMING " is another user's";
	}
	return strerror(error < 0 ? -error : error);
}

/*
 * The new file's lock. An adopter may have been quicker and have taken it, as it was yet, for one
 * that was left empty: then it is, or is about to be, removed. Where there are no locks, nobody
 * adopts either.
 */
static bool lock_new_file(int fd)
{
	struct stat st;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return false;
	return fstat(fd, &st) == 0 && st.st_nlink > 0;
}

int snap_spool_create_at(int dir_fd, int incoming_fd, struct snap_spool_file *ret)
{
	struct snap_spool_file file = {dir_fd, incoming_fd, -1, ""};
	int r = -EEXIST;
	for (int attempt = 0; attempt < 8 && file.fd < 0 && r == -EEXIST; attempt++) {
		snap_spool_random(file.part, 16);
		memcpy(file.part + 16, ".part", sizeof(".part"));
		file.fd = openat(file.incoming_fd, file.part,
			O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (file.fd < 0) {
			r = -errno;
		} else if (!lock_new_file(file.fd)) {
			(void)close(file.fd); /* empty */
			file.fd = -1;
		}
	}
	if (file.fd < 0)
		return r;
	*ret = file;
	return 0;
}

int snap_spool_create(const char *spool, struct snap_spool_file *ret)
{
	int dir_fd, incoming_fd;
	int r = snap_spool_open(spool, true, &dir_fd, &incoming_fd);
	if (r < 0)
		return r;
	r = snap_spool_create_at(dir_fd, incoming_fd, ret);
	if (r < 0) {
		(void)close(incoming_fd); /* nothing was written */
		(void)close(dir_fd);
	}
	return r;
}

int snap_spool_attach(const char *spool, const char *part, int fd, struct snap_spool_file *ret)
{
	struct snap_spool_file file = SNAP_SPOOL_FILE_INIT;
	struct stat of_fd, of_name;
	if (!snap_spool_is_part(part))
		return -EINVAL;
	int r = snap_spool_open(spool, false, &file.dir_fd, &file.incoming_fd);
	if (r < 0)
		return r;
	if (fstat(fd, &of_fd) < 0 ||
		fstatat(file.incoming_fd, part, &of_name, AT_SYMLINK_NOFOLLOW) < 0)
		r = -errno;
	else if (of_fd.st_dev != of_name.st_dev || of_fd.st_ino != of_name.st_ino ||
		 !S_ISREG(of_fd.st_mode))
		r = -ESTALE;
	if (r < 0) {
		snap_spool_file_deinit(&file);
		return r;
	}
	file.fd = fd;
	memcpy(file.part, part, strlen(part) + 1);
	*ret = file;
	return 0;
}

int snap_spool_publish(struct snap_spool_file *file, const char *name)
{
	if (fsync(file->fd) < 0)
		return -errno;
	if (snap_rename_noreplace(file->incoming_fd, file->part, file->dir_fd, name) < 0) {
		/* A file system without that flag; most of those have hard links. */
		if (errno != EINVAL && errno != ENOSYS)
			return -errno;
		if (linkat(file->incoming_fd, file->part, file->dir_fd, name, 0) < 0)
			return -errno;
		(void)unlinkat(file->incoming_fd, file->part, 0); /* a second name does no harm */
	}
	return fsync(file->dir_fd) < 0 || fsync(file->incoming_fd) < 0 ? -errno : 0;
}

void snap_spool_discard(struct snap_spool_file *file)
{
	(void)unlinkat(file->incoming_fd, file->part, 0); /* it stays, for the server to sweep */
}

void snap_spool_file_deinit(struct snap_spool_file *file)
{
	int *fds[] = {&file->fd, &file->incoming_fd, &file->dir_fd};
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (*fds[i] >= 0)
			(void)close(*fds[i]); /* fsync() has told of failures */
		*fds[i] = -1;
	}
}
