#include "capture/pidfd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "capture/proc_info.h"

#define PIDFD_GET_INFO _IOWR(0xff, 11, struct snap_pidfd_info)

int snap_pidfd_info(int fd, uint64_t mask, struct snap_pidfd_info *ret)
{
	struct snap_pidfd_info info = {.mask = mask};
	if (ioctl(fd, PIDFD_GET_INFO, &info) < 0)
		return errno == ESRCH || errno == EBADF ? -errno : -EOPNOTSUPP;
	*ret = info;
	return 0;
}

bool snap_pidfd_is_of(int fd, uint64_t pid)
{
	struct snap_pidfd_info info;
	int r = snap_pidfd_info(fd, SNAP_PIDFD_INFO_PID, &info);
	if (r != -EOPNOTSUPP)
		return r == 0 && info.mask & SNAP_PIDFD_INFO_PID && info.tgid == pid;
	char name[40];
	(void)snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd); /* fits */
	struct snap_proc_status status;
	return snap_proc_status_read(AT_FDCWD, name, &status) == 0 && status.pid == pid;
}
