#include "common/standard_fds.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

/* What standard error is to become when something is said; NULL: it is that already. */
static const char *words;

void snap_standard_fds_bind(const char *path)
{
	words = NULL;
	/* Each open() gets the lowest number that is free. */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
			continue;
		if (fd == STDERR_FILENO)
			words = path;
		(void)(fd == STDERR_FILENO ? open("/dev/null", O_WRONLY) : open("/", O_PATH));
	}
}

FILE *snap_standard_error(void)
{
	int error = errno; /* the caller may be about to tell of it */
	int fd = words ? open(words, O_WRONLY | O_NOCTTY | O_CLOEXEC) : -1;
	if (fd >= 0) {
		(void)dup2(fd, STDERR_FILENO); /* else it stays /dev/null */
		(void)close(fd);
	}
	words = NULL;
	errno = error;
	return stderr;
}
