#include "common/standard_fds.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

void snap_standard_fds_bind(const char *words)
{
	/* Each open() gets the lowest number that is free. */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
			continue;
		if (fd != STDERR_FILENO)
			(void)open("/", O_PATH);
		else if (!words || open(words, O_WRONLY | O_NOCTTY) < 0)
			(void)open("/dev/null", O_WRONLY);
	}
}
