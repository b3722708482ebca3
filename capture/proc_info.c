#include "capture/proc_info.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
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

/* The decimal number that s starts with, after blanks. */
static bool parse_number(const char *s, uint64_t *ret)
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

static void take_status_line(const char *line, struct snap_proc_status *status)
{
	const struct {
		const char *key;
		uint64_t *to;
	} numbers[] = {
		{"Tgid:", &status->tgid},
		{"Pid:", &status->pid},
		{"TracerPid:", &status->tracer_pid},
		{"Uid:", &status->uid},
		{"Gid:", &status->gid},
		{"Threads:", &status->num_threads},
		{"CoreDumping:", &status->core_dumping},
		{"Kthread:", &status->kthread},
	};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		size_t len = strlen(numbers[i].key);
		if (strncmp(line, numbers[i].key, len) == 0) {
			(void)parse_number(line + len, numbers[i].to); /* else stays unknown */
			return;
		}
	}
	if (strncmp(line, "State:", 6) == 0) {
		status->state = line[6 + strspn(line + 6, " \t")];
	} else if (strncmp(line, "NSpid:", 6) == 0) {
		const char *p = line + 6;
		status->num_pid_namespaces = 0;
		while (parse_number(p, &status->ns_pid)) {
			status->num_pid_namespaces++;
			p += strspn(p, " \t");
			p += strspn(p, "0123456789");
		}
	}
}

/*
 * Line by line: with tens of thousands of supplementary groups the file is far larger than what
 * is wanted of it. The process's name comes escaped, and so can't forge a line.
 */
int snap_proc_status_read(int dir_fd, const char *name, struct snap_proc_status *ret)
{
	struct snap_proc_status status = {
		.tgid = SNAP_PROC_UNKNOWN,
		.pid = SNAP_PROC_UNKNOWN,
		.tracer_pid = SNAP_PROC_UNKNOWN,
		.uid = SNAP_PROC_UNKNOWN,
		.gid = SNAP_PROC_UNKNOWN,
		.num_threads = SNAP_PROC_UNKNOWN,
		.core_dumping = SNAP_PROC_UNKNOWN,
		.kthread = SNAP_PROC_UNKNOWN,
		.ns_pid = SNAP_PROC_UNKNOWN,
	};
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	char buf[4096], line[512];
	size_t line_len = 0;
	ssize_t n;
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (size_t i = 0; i < (size_t)n; i++) {
			if (buf[i] != '\n') {
				if (line_len < sizeof(line) - 1)
					line[line_len++] = buf[i];
				continue;
			}
			line[line_len] = '\0';
			line_len = 0;
			take_status_line(line, &status);
		}
	}
	int error = n < 0 ? -errno : 0;
	(void)close(fd);
	if (error < 0)
		return error;
	*ret = status;
	return 0;
}

int snap_proc_stat_read(int dir_fd, const char *name, struct snap_proc_stat *ret)
{
	char buf[1536];
	ssize_t n = snap_proc_read(dir_fd, name, buf, sizeof(buf));
	if (n < 0)
		return (int)n;
	/* The comm before it may hold anything, parentheses included. */
	const char *p = strrchr(buf, ')');
	if (!p || p[1] != ' ' || p[2] == '\0')
		return -EBADMSG;
	p += 2;
	struct snap_proc_stat stat = {.state = *p};
	for (unsigned int field = 3; *p != '\0'; field++) {
		uint64_t value = 0;
		(void)parse_number(p, &value); /* negative numbers are in fields not used */
		switch (field) {
		case 9:
			stat.flags = value;
			break;
		case 22:
			stat.start_time = value;
			break;
		case 28:
			stat.start_stack = value;
			break;
		case 29:
			stat.sp = value;
			break;
		case 30:
			stat.pc = value;
			break;
		}
		p += strcspn(p, " \n");
		p += strspn(p, " \n");
	}
	*ret = stat;
	return 0;
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

bool snap_proc_uptime_ms(int task_fd, uint64_t pid, uint64_t *ret)
{
	char name[40];
	(void)snprintf(name, sizeof(name), "../%llu/stat", (unsigned long long)pid);
	struct snap_proc_stat stat;
	struct timespec now;
	long hz = sysconf(_SC_CLK_TCK);
	if (hz <= 0 || snap_proc_stat_read(task_fd, name, &stat) < 0 ||
		clock_gettime(CLOCK_BOOTTIME, &now) < 0)
		return false;
	uint64_t now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	uint64_t start_ms = stat.start_time / (uint64_t)hz * 1000 +
			    stat.start_time % (uint64_t)hz * 1000 / (uint64_t)hz;
	*ret = now_ms > start_ms ? now_ms - start_ms : 0;
	return true;
}

void snap_proc_late_read(
	int task_fd, uint64_t pid, struct snap_proc_late *late, struct snap_process *process)
{
	process->has_uptime = snap_proc_uptime_ms(task_fd, pid, &process->uptime_ms);
	process->comm = snap_proc_comm(task_fd, pid, late->comm);

	ssize_t n = readlinkat(task_fd, "exe", late->exe, sizeof(late->exe));
	if (n > 0) {
		static const char deleted[] = " (deleted)";
		size_t len = (size_t)n, mark = sizeof(deleted) - 1;
		process->has_exe_deleted = true;
		process->exe_deleted =
			len > mark && memcmp(late->exe + len - mark, deleted, mark) == 0;
		process->exe = snap_bytes(late->exe, process->exe_deleted ? len - mark : len);
	}

	/* Last: it lies in the target's own memory, which may be slow to come. */
	n = snap_proc_read(task_fd, "cmdline", late->cmdline, sizeof(late->cmdline));
	late->cmdline_error = n < 0 ? (int)n : 0;
	late->cmdline_cut = n > SNAP_CMDLINE_MAX;
	if (n > 0)
		process->cmdline =
			snap_bytes(late->cmdline, late->cmdline_cut ? SNAP_CMDLINE_MAX : (size_t)n);
}

/* struct linux_dirent64 of getdents64(2), which glibc's dirent64 is; opendir() would allocate. */
int snap_tid_map_read(struct snap_tid_map *map, int task_fd)
{
	map->num = 0;
	int fd = openat(task_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	_Alignas(struct dirent64) char buf[4096];
	long n;
	while ((n = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0) {
		for (long i = 0; i < n;) {
			const struct dirent64 *entry = (const void *)(buf + i);
			i += entry->d_reclen;
			uint64_t tid;
			char name[40];
			struct snap_proc_status status;
			if (map->num == SNAP_TID_MAP_MAX || !parse_number(entry->d_name, &tid))
				continue;
			(void)snprintf(name, sizeof(name), "%llu/status", (unsigned long long)tid);
			if (snap_proc_status_read(fd, name, &status) < 0 ||
				status.num_pid_namespaces == 0)
				continue;
			map->entries[map->num].tid = (uint32_t)tid;
			map->entries[map->num++].ns_tid = (uint32_t)status.ns_pid;
		}
	}
	int error = n < 0 ? -errno : 0;
	(void)close(fd);
	return error;
}

bool snap_tid_map_find(const struct snap_tid_map *map, uint32_t ns_tid, uint64_t *ret)
{
	for (size_t i = 0; i < map->num; i++) {
		if (map->entries[i].ns_tid == ns_tid) {
			*ret = map->entries[i].tid;
			return true;
		}
	}
	return false;
}

/* The value of PRETTY_NAME, unquoted in place. Source: os-release(5). */
static struct snap_bytes pretty_name(char *text)
{
	static const char key[] = "PRETTY_NAME=";
	char *p = text;
	while (strncmp(p, key, sizeof(key) - 1) != 0) {
		p = strchr(p, '\n');
		if (!p)
			return snap_bytes(NULL, 0);
		p++;
	}
	p += sizeof(key) - 1;
	char quote = *p == '"' || *p == '\'' ? *p++ : '\0';
	char *start = p, *to = p;
	while (*p != '\0' && *p != '\n' && *p != quote) {
		if (quote == '"' && *p == '\\' && p[1] != '\0')
			p++;
		*to++ = *p++;
	}
	return snap_bytes(start, (size_t)(to - start));
}

void snap_system_read(struct snap_system_buf *buf, struct snap_system *ret)
{
	*ret = (struct snap_system){0};
	if (uname(&buf->uts) == 0) {
		ret->sysname = snap_bytes_str(buf->uts.sysname);
		ret->release = snap_bytes_str(buf->uts.release);
		ret->version = snap_bytes_str(buf->uts.version);
		ret->machine = snap_bytes_str(buf->uts.machine);
	}
	/* A link into /usr/lib on most systems: opened here, for _proc_read() follows none. */
	int fd = open("/etc/os-release", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return;
	ssize_t n = read(fd, buf->os_release, sizeof(buf->os_release) - 1);
	(void)close(fd);
	if (n > 0) {
		buf->os_release[n] = '\0';
		ret->os = pretty_name(buf->os_release);
	}
}
