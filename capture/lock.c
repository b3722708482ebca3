#include "capture/lock.h"

#include <errno.h>
#include <sys/file.h>
#include <time.h>

int snap_lock(int fd, int wait_ms)
{
	/* Not SIGALRM and a lock that waits: both belong to the program. */
	for (int waited_ms = 0;; waited_ms++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (waited_ms >= wait_ms)
			return -EWOULDBLOCK;
		struct timespec pause = {.tv_nsec = 1000000};
		(void)nanosleep(&pause, NULL); /* shorter does no harm */
	}
}
