#include "capture/live_threads.h"

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/interrupted_call.h"
#include "capture/proc_info.h"

static void take_entries(
	struct snap_live_threads *all, int tasks_fd, bool with_syscalls, const char *buf, long len)
{
	for (long i = 0; i < len;) {
		/* struct linux_dirent64 of getdents64(2), which glibc's dirent64 is. */
		const struct dirent64 *entry = (const void *)(buf + i);
		uint64_t tid;
		i += entry->d_reclen;
		if (!snap_proc_number(entry->d_name, &tid))
			continue;
		if (all->num < SNAP_LIVE_THREADS_MAX)
			snap_proc_thread_read(
				tasks_fd, tid, with_syscalls, &all->threads[all->num++]);
		else
			all->num_left_out++;
	}
}

void snap_live_threads_read(struct snap_live_threads *ret, pid_t pid, bool with_syscalls)
{
	_Alignas(struct dirent64) char buf[4096];
	char name[40];
	ret->num = 0;
	ret->num_left_out = 0;
	(void)snprintf(name, sizeof(name), "/proc/%d/task", (int)pid);
	int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return; /* it is gone, which whoever stops it will tell */
	long n;
	while ((n = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0)
		take_entries(ret, fd, with_syscalls, buf, n);
	(void)close(fd); /* nothing was written */
}

/* Mostly they have the same order; *at: where it is likely to be. NULL: it ended before. */
static const struct snap_tracee_thread *find_tracee(
	const struct snap_tracee *t, uint64_t tid, size_t *at)
{
	for (size_t i = 0; i < t->num_threads; i++) {
		*at = *at + 1 < t->num_threads ? *at + 1 : 0;
		if ((uint64_t)t->threads[*at].tid == tid)
			return &t->threads[*at];
	}
	return NULL;
}

void snap_live_threads_stopped(struct snap_live_threads *threads, const struct snap_tracee *t,
	const struct snap_arch *arch)
{
	size_t at = t->num_threads > 0 ? t->num_threads - 1 : 0;
	for (size_t i = 0; i < threads->num; i++) {
		struct snap_proc_thread *thread = &threads->threads[i];
		const struct snap_tracee_thread *tracee = find_tracee(t, thread->facts.tid, &at);
		if (!tracee)
			continue;
		if (snap_interrupted_call_known(arch) &&
			tracee->regs_len == arch->prstatus_reg_size)
			(void)snap_interrupted_call(
				arch, tracee->regs, tracee->regs_len, &thread->facts);
		else if (tracee->phase == SNAP_TRACEE_SEIZED)
			snap_proc_thread_read_syscall(t->tasks_fd, thread->facts.tid, thread);
	}
}

/* One omission for all threads of which this could not be read: they most often have one reason. */
struct missing {
	uint64_t num;
	int error;
};

static void count(struct missing *missing, int error)
{
	if (error == 0)
		return;
	missing->num++;
	missing->error = -error;
}

static void write_missing(struct snap_emit *e, enum snap_omission_what what,
	enum snap_omission_why why, const struct missing *missing)
{
	const struct snap_omission omission = {
		.what = what,
		.why = why,
		.has_count = true,
		.count = missing->num,
		.has_error = missing->error != 0,
		.error = (uint32_t)missing->error,
	};
	if (missing->num > 0)
		e->sink.omission(e, &omission);
}

void snap_live_threads_write(struct snap_emit *e, const struct snap_live_threads *threads)
{
	struct missing stacks = {0}, syscalls = {0}, cut = {0};
	const struct missing left_out = {threads->num_left_out, 0};
	for (size_t i = 0; i < threads->num; i++) {
		const struct snap_proc_thread *thread = &threads->threads[i];
		int r = snap_write_thread_facts(&e->writer, &thread->facts);
		/* What there is no room for is counted by the writer. */
		if (r < 0 && r != -ENOSPC && e->writer.error == 0)
			e->partial = true;
		count(&stacks, thread->stack_error);
		count(&syscalls, thread->syscall_error);
		cut.num += thread->stack_cut;
	}
	write_missing(e, SNAP_OMITTED_KERNEL_STACK, SNAP_OMITTED_UNREADABLE, &stacks);
	write_missing(e, SNAP_OMITTED_KERNEL_STACK, SNAP_OMITTED_CAP, &cut);
	write_missing(e, SNAP_OMITTED_SYSCALL, SNAP_OMITTED_UNREADABLE, &syscalls);
	write_missing(e, SNAP_OMITTED_SYSCALL, SNAP_OMITTED_CAP, &left_out);
}
