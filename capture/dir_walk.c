#include "capture/dir_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* struct linux_dirent64 of getdents(2). */
#define RECLEN_OFF 16
#define NAME_OFF   19

int snap_dir_walk_init(struct snap_dir_walk *walk, int dir_fd)
{
	walk->len = walk->at = 0;
	/* A description of its own, for the place in the directory is the description's. */
	walk->fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return walk->fd < 0 ? -errno : 0;
}

void snap_dir_walk_deinit(struct snap_dir_walk *walk)
{
	(void)close(walk->fd); /* nothing was written */
	walk->fd = -1;
}

int snap_dir_walk_next(struct snap_dir_walk *walk, const char **ret)
{
	for (;;) {
		if (walk->at == walk->len) {
			long n = syscall(SYS_getdents64, walk->fd, walk->buf, sizeof(walk->buf));
			/* ENOENT: the directory itself was removed. */
			if (n <= 0)
				return n == 0 || errno == ENOENT ? 0 : -errno;
			walk->len = (size_t)n;
			walk->at = 0;
		}
		uint16_t reclen;
		memcpy(&reclen, walk->buf + walk->at + RECLEN_OFF, sizeof(reclen));
		const char *name = (const char *)walk->buf + walk->at + NAME_OFF;
		walk->at += reclen;
		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
			*ret = name;
			return 1;
		}
	}
}
