#include "capture/identity.h"

#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/pidfd.h"

bool snap_identity_holds(const struct snap_identity *identity)
{
	if (identity->task_fd < 0 || identity->pidfd < 0)
		return false;
	/* Who may not send it a signal learns all the same that it is there. */
	return syscall(SYS_pidfd_send_signal, identity->pidfd, 0, NULL, 0) == 0 || errno == EPERM;
}

const char *snap_identity_find(
	uint64_t pid, uint64_t tid, int passed_pidfd, struct snap_identity *ret)
{
	*ret = (struct snap_identity){.task_fd = -1, .pidfd = -1};
	ret->task_fd = snap_proc_open((pid_t)pid, (pid_t)tid);
	if (ret->task_fd < 0) {
		ret->task_fd = -1;
		return "it is gone";
	}
	if (passed_pidfd >= 0 && snap_pidfd_is_of(passed_pidfd, pid)) {
		ret->pidfd = passed_pidfd;
	} else {
		ret->pidfd_was_foreign = passed_pidfd >= 0;
		ret->pidfd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	}
	const char *why = NULL;
	if (snap_proc_status_read(ret->task_fd, "status", &ret->status) < 0)
		why = "its status can't be read";
	else if (ret->status.tgid != pid)
		why = "the thread is another process's";
	else if (ret->status.core_dumping == 0) /* unknown before Linux 4.15 */
		why = "it does not dump core";
	else if (!snap_identity_holds(ret))
		why = "it is gone";
	if (why) {
		(void)close(ret->task_fd); /* nothing was written */
		ret->task_fd = -1;
	}
	return why;
}
