#include "capture/debugger/process_find.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/proc_info.h"
#include "common/escape.h"

/* TASK_COMM_LEN of the kernel's include/linux/sched.h, without the NUL. */
#define COMM_LEN 15
/* Processes that an error lists. */
#define MAX_LISTED 16

static struct snap_bytes without_mark(struct snap_bytes exe)
{
	static const char mark[] = " (deleted)";
	size_t len = sizeof(mark) - 1;
	if (exe.len > len && memcmp(exe.data + exe.len - len, mark, len) == 0)
		exe.len -= len;
	return exe;
}

static struct snap_bytes last_part(struct snap_bytes path)
{
	const uint8_t *slash = memrchr(path.data, '/', path.len);
	if (!slash)
		return path;
	size_t skip = (size_t)(slash - path.data) + 1;
	return snap_bytes(path.data + skip, path.len - skip);
}

bool snap_process_is_called(const char *name, struct snap_bytes exe, struct snap_bytes comm)
{
	struct snap_bytes wanted = snap_bytes_str(name);
	exe = without_mark(exe);
	if (strchr(name, '/'))
		return snap_bytes_equal(exe, wanted);
	if (snap_bytes_equal(last_part(exe), wanted))
		return true;
	return snap_bytes_equal(comm, wanted) ||
	       (comm.len == COMM_LEN && wanted.len > COMM_LEN &&
		       memcmp(comm.data, wanted.data, COMM_LEN) == 0);
}

/* Whether the process of the directory /proc/PID is one that can be meant. */
static bool is_called(int dir_fd, const char *name)
{
	struct snap_proc_stat stat;
	char exe[4096], comm[SNAP_COMM_MAX];
	/* PF_KTHREAD of the kernel's include/linux/sched.h. */
	if (snap_proc_stat_read(dir_fd, "stat", &stat) < 0 || stat.flags & 0x00200000 ||
		stat.state == 'Z' || stat.state == 'X')
		return false;
	ssize_t exe_len = readlinkat(dir_fd, "exe", exe, sizeof(exe));
	ssize_t comm_len = snap_proc_read(dir_fd, "comm", comm, sizeof(comm));
	if (comm_len > 0 && comm[comm_len - 1] == '\n')
		comm_len--;
	return snap_process_is_called(name, snap_bytes(exe, exe_len > 0 ? (size_t)exe_len : 0),
		snap_bytes(comm, comm_len > 0 ? (size_t)comm_len : 0));
}

int snap_process_find(const char *name, pid_t *ret, struct snap_error *err)
{
	DIR *dir = opendir("/proc");
	if (!dir)
		return snap_error_errno(err, errno, "cannot list the processes");
	pid_t found[MAX_LISTED];
	unsigned long num = 0;
	const struct dirent *entry;
	while ((entry = readdir(dir))) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);
		if (pid <= 0 || *end != '\0' || pid == getpid())
			continue;
		int fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (is_called(fd, name)) {
			if (num < MAX_LISTED)
				found[num] = (pid_t)pid;
			num++;
		}
		(void)close(fd); /* nothing was written */
	}
	(void)closedir(dir);
	if (num == 1) {
		*ret = found[0];
		return 0;
	}

	char shown[128], list[MAX_LISTED * 12 + 16] = "";
	(void)snap_escape(snap_bytes_str(name), SNAP_ESCAPE_TERMINAL, shown, sizeof(shown));
	if (num == 0)
		return snap_error_set(
			err, SNAP_ERROR_SYSTEM, "no process has the executable '%s'", shown);
	size_t len = 0;
	for (unsigned long i = 0; i < num && i < MAX_LISTED; i++)
		len += (size_t)snprintf(
			list + len, sizeof(list) - len, "%s%d", i > 0 ? ", " : "", (int)found[i]);
	return snap_error_set(err, SNAP_ERROR_SYSTEM,
		"%lu processes have the executable '%s', say which by its PID: %s%s", num, shown,
		list, num > MAX_LISTED ? ", ..." : "");
}
