#include "capture/proc_info.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int snap_proc_open(pid_t pid, pid_t tid)
{
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d", (int)pid, (int)tid);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

ssize_t snap_proc_read(int dir_fd, const char *name, char *buf, size_t size)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	/*
	 * These files are made whole when they are first read (fs/seq_file.c, single_open();
	 * fs/proc/base.c for cmdline and auxv): one read gives all that fits.
	 */
	size_t len = 0;
	ssize_t n = read(fd, buf, size - 1);
	if (n > 0)
		len = (size_t)n;
	int error = n < 0 ? -errno : 0;
	(void)close(fd);
	buf[len] = '\0';
	return len == 0 && error < 0 ? error : (ssize_t)len;
}

int snap_proc_lines(int dir_fd, const char *name,
	void (*take)(void *arg, const char *line, size_t len), void *arg)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	char buf[SNAP_PROC_LINE_MAX + 1], *nl;
	size_t len = 0;
	bool in_long_line = false; /* what comes until the next newline was cut off */
	ssize_t n;
	while ((n = read(fd, buf + len, SNAP_PROC_LINE_MAX - len)) > 0) {
		char *p = buf, *end = buf + len + n;
		for (; (nl = memchr(p, '\n', (size_t)(end - p))); p = nl + 1) {
			*nl = '\0';
			if (!in_long_line)
				take(arg, p, (size_t)(nl - p));
			in_long_line = false;
		}
		len = (size_t)(end - p);
		memmove(buf, p, len);
		if (len == SNAP_PROC_LINE_MAX) {
			buf[len] = '\0';
			if (!in_long_line)
				take(arg, buf, len);
			in_long_line = true;
			len = 0;
		}
	}
	int error = n < 0 ? -errno : 0;
	(void)close(fd);
	buf[len] = '\0';
	if (error == 0 && len > 0 && !in_long_line)
		take(arg, buf, len); /* the last line had no newline */
	return error;
}

bool snap_proc_number(const char *s, uint64_t *ret)
{
	s += strspn(s, " \t");
	if (*s < '0' || *s > '9')
		return false;
	uint64_t value = 0;
	for (; *s >= '0' && *s <= '9'; s++) {
		if (value > (UINT64_MAX - 9) / 10)
			return false;
		value = value * 10 + (uint64_t)(*s - '0');
	}
	*ret = value;
	return true;
}

struct snap_bytes snap_proc_comm(int task_fd, uint64_t tid, char buf[static SNAP_COMM_MAX])
{
	char name[40];
	(void)snprintf(name, sizeof(name), "../%llu/comm", (unsigned long long)tid);
	ssize_t n = snap_proc_read(task_fd, name, buf, SNAP_COMM_MAX);
	if (n < 0)
		return snap_bytes(NULL, 0);
	if (n > 0 && buf[n - 1] == '\n')
		n--;
	return snap_bytes(buf, (size_t)n);
}

bool snap_proc_thread_state(char state, uint32_t *ret)
{
	switch (state) {
	case 'R':
		*ret = SNAP_THREAD_READY;
		return true;
	case 'S':
	case 'D':
	case 'I':
		*ret = SNAP_THREAD_BLOCKED;
		return true;
	case 'T':
	case 't':
		*ret = SNAP_THREAD_SUSPENDED;
		return true;
	case 'Z':
	case 'X':
	case 'x':
		*ret = SNAP_THREAD_INACTIVE;
		return true;
	}
	return false;
}

struct snap_bytes snap_proc_link(
	int dir_fd, const char *name, struct snap_proc_link *buf, bool *ret_deleted)
{
	static const char deleted[] = " (deleted)";
	const size_t mark = sizeof(deleted) - 1;
	ssize_t n = readlinkat(dir_fd, name, buf->text, SNAP_MAX_LINK);
	if (n < 0)
		return snap_bytes(NULL, 0);
	size_t len = (size_t)n;
	if (ret_deleted) {
		*ret_deleted = len > mark && memcmp(buf->text + len - mark, deleted, mark) == 0;
		if (*ret_deleted)
			len -= mark;
	}
	return snap_bytes(buf->text, len);
}
