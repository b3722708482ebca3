#include "capture/proc_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "capture/proc_info.h"

static bool starts_with(struct snap_bytes text, const char *prefix)
{
	size_t len = strlen(prefix);
	return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

enum snap_open_file_kind snap_open_file_kind(struct snap_bytes link)
{
	/* Only the names of paths begin with a slash, or, if they can't be reached from here, with
	 * "(unreachable)" (fs/d_path.c). */
	if (starts_with(link, "/memfd:"))
		return SNAP_OPEN_MEMFD;
	if (starts_with(link, "/") || starts_with(link, "(unreachable)"))
		return SNAP_OPEN_PATH;
	if (starts_with(link, "pipe:["))
		return SNAP_OPEN_PIPE;
	if (starts_with(link, "socket:["))
		return SNAP_OPEN_SOCKET;
	if (starts_with(link, "anon_inode:"))
		return SNAP_OPEN_ANONYMOUS;
	return link.len > 0 ? SNAP_OPEN_OTHER : SNAP_OPEN_UNKNOWN;
}

/*
 * The file begins with "pos:\t0\nflags:\t0100002\n"; some kinds of files print much more behind
 * that. (A process that holds many locks on a file makes it slow to read: it is only its own time.)
 */
static void read_info(int info_fd, const char *name, struct snap_open_file *file)
{
	char text[128], *flags, *end;
	if (snap_proc_read(info_fd, name, text, sizeof(text)) <= 0)
		return;
	if (strncmp(text, "pos:", 4) == 0)
		file->has_position = snap_proc_number(text + 4, &file->position);
	flags = strstr(text, "\nflags:\t");
	if (!flags)
		return;
	unsigned long value = strtoul(flags + 8, &end, 8);
	file->has_flags = *end == '\n' && end > flags + 8 && value <= UINT32_MAX;
	file->flags = (uint32_t)value;
}

struct listing {
	const struct snap_proc_files_wish *wish;
	struct snap_proc_files *ret;
	void (*take)(void *arg, const struct snap_open_file *file);
	void *arg;
	int fds_fd, info_fd;
	uint64_t start_ns;
};

static uint64_t now_ns(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* can't fail */
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static bool is_late(const struct listing *l)
{
	return (l->wish->timed_out && *l->wish->timed_out) ||
	       now_ns() - l->start_ns > l->wish->max_ns;
}

static void take_one(struct listing *l, const char *name, uint64_t fd)
{
	struct snap_proc_link link;
	struct snap_open_file file = {.has_fd = true, .fd = (uint32_t)fd};
	bool deleted;
	/* Absent if it was closed meanwhile (a live process), or its name is too long to be told.
	 */
	struct snap_bytes text = snap_proc_link(l->fds_fd, name, &link, &deleted);
	file.kind = snap_open_file_kind(text);
	bool has_path = file.kind == SNAP_OPEN_PATH || file.kind == SNAP_OPEN_MEMFD;
	file.deleted = has_path && text.data && deleted;
	/* The mark behind anything else is part of its name. */
	if (text.data && deleted && !has_path)
		text.len += sizeof(" (deleted)") - 1;
	file.path = text;
	if (!l->wish->only_named_flags || (has_path && !starts_with(text, "/dev/")))
		read_info(l->info_fd, name, &file);
	l->take(l->arg, &file);
	l->ret->num_listed++;
}

/* Returns false when nothing more is wanted. */
static bool take_entries(struct listing *l, const char *buf, long len)
{
	for (long i = 0; i < len;) {
		/* struct linux_dirent64 of getdents64(2), which glibc's dirent64 is. */
		const struct dirent64 *entry = (const void *)(buf + i);
		uint64_t fd;
		i += entry->d_reclen;
		if (!snap_proc_number(entry->d_name, &fd) || fd > UINT32_MAX)
			continue;
		if (l->ret->num_listed == l->wish->max_files) {
			l->ret->cut = true;
			return false;
		}
		if (is_late(l)) {
			l->ret->late = true;
			return false;
		}
		take_one(l, entry->d_name, fd);
	}
	return true;
}

static void list(struct listing *l)
{
	/* Small: the kernel makes an inode for each entry that it lists. */
	_Alignas(struct dirent64) char buf[1024];
	struct stat st;
	/* Since Linux 6.2 the size is the number of open files, before it was 0. */
	if (fstat(l->fds_fd, &st) == 0 && st.st_size > 0) {
		l->ret->has_num_open = true;
		l->ret->num_open = (uint64_t)st.st_size;
	}
	long n;
	while ((n = syscall(SYS_getdents64, l->fds_fd, buf, sizeof(buf))) > 0)
		if (!take_entries(l, buf, n))
			return;
	if (n < 0) {
		l->ret->error = -errno;
	} else if (!l->ret->has_num_open) {
		l->ret->has_num_open = true;
		l->ret->num_open = l->ret->num_listed;
	}
}

void snap_proc_files_read(int task_fd, const struct snap_proc_files_wish *wish,
	void (*take)(void *arg, const struct snap_open_file *file), void *arg,
	struct snap_proc_files *ret)
{
	*ret = (struct snap_proc_files){0};
	struct listing l = {wish, ret, take, arg, .start_ns = now_ns()};
	l.fds_fd = openat(task_fd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l.fds_fd < 0) {
		ret->error = -errno;
		return;
	}
	l.info_fd = openat(task_fd, "fdinfo", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	list(&l);
	(void)close(l.fds_fd); /* nothing was written */
	if (l.info_fd >= 0)
		(void)close(l.info_fd);
}
