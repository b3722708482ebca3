#include "capture/tracee.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture/interrupted_call.h"
#include "common/escape.h"

static uint64_t now_ns(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* can't fail */
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void snap_tracee_init(struct snap_tracee *t)
{
	memset(t, 0, offsetof(struct snap_tracee, known));
	t->known_start = t->known_end = 0;
	t->tasks_fd = -1;
	t->num_threads = 0;
}

void snap_tracee_deinit(struct snap_tracee *t)
{
	memset(t->known + t->known_start, 0, t->known_end - t->known_start);
	t->known_start = t->known_end = 0;
	if (t->tasks_fd >= 0)
		(void)close(t->tasks_fd); /* nothing was written */
	t->tasks_fd = -1;
}

static bool test_and_set(struct snap_tracee *t, uint64_t tid)
{
	uint8_t bit = (uint8_t)(1u << (tid % 8));
	bool was = t->known[tid / 8] & bit;
	t->known[tid / 8] |= bit;
	if (t->known_end == 0 || tid / 8 < t->known_start)
		t->known_start = tid / 8;
	if (tid / 8 >= t->known_end)
		t->known_end = tid / 8 + 1;
	return was;
}

/* False if there is no such thread (any more). */
static bool read_stat(const struct snap_tracee *t, pid_t tid, struct snap_proc_stat *ret)
{
	char name[32];
	(void)snprintf(name, sizeof(name), "%d/stat", (int)tid);
	return snap_proc_stat_read(t->tasks_fd, name, ret) == 0;
}

/* The same, of name and state only, from what was seen before: that was listed in the same order.
 */
static bool take_seen(struct snap_tracee *t, pid_t tid, struct snap_proc_stat *ret)
{
	for (size_t i = t->next_seen; i < t->num_seen; i++) {
		const struct snap_proc_thread *seen = &t->seen[i];
		if (seen->facts.tid != (uint64_t)tid)
			continue;
		t->next_seen = i + 1;
		ret->state = (char)seen->facts.letter;
		ret->comm_len = seen->comm_len;
		memcpy(ret->comm, seen->comm, seen->comm_len);
		return seen->has_stat;
	}
	return false;
}

static void set_stat(struct snap_tracee_thread *thread, const struct snap_proc_stat *stat)
{
	thread->state = stat->state;
	thread->has_comm = true;
	thread->comm_len = (uint8_t)stat->comm_len;
	memcpy(thread->comm, stat->comm, stat->comm_len);
}

/* Those that wait for their names get them. */
static void name_them(struct snap_tracee *t)
{
	uint64_t tids[SNAP_THREAD_NAMES_MAX] = {0};
	for (size_t i = 0; i < t->num_nameless; i++)
		tids[i] = (uint64_t)t->threads[t->nameless[i]].tid;
	snap_thread_names_ask(&t->names, tids, t->num_nameless);
	for (size_t i = 0; i < t->num_nameless; i++) {
		struct snap_tracee_thread *thread = &t->threads[t->nameless[i]];
		struct snap_bytes name;
		struct snap_proc_stat stat;
		if (snap_thread_names_get(&t->names, i, &name)) {
			thread->has_comm = true;
			thread->comm_len = (uint8_t)name.len;
			memcpy(thread->comm, name.data, name.len);
		} else if (read_stat(t, thread->tid, &stat)) {
			set_stat(thread, &stat);
		}
	}
	t->num_nameless = 0;
}

static bool may_name_later(struct snap_tracee *t)
{
	if (t->ask_names && !t->has_asked) {
		snap_thread_names_open(&t->names);
		t->has_asked = true;
	}
	return t->ask_names && t->names.fd >= 0;
}

static void name_later(struct snap_tracee *t, size_t index)
{
	t->nameless[t->num_nameless++] = index;
	if (t->num_nameless == SNAP_THREAD_NAMES_MAX)
		name_them(t);
}

static bool has_ended(const struct snap_proc_stat *stat)
{
	return stat->state == 'Z' || stat->state == 'X';
}

int snap_tracee_traced_error(pid_t pid, uint64_t tracer, struct snap_error *err)
{
	char name[40], comm[SNAP_COMM_MAX], shown[4 * SNAP_COMM_MAX];
	(void)snprintf(name, sizeof(name), "/proc/%llu/comm", (unsigned long long)tracer);
	ssize_t n = snap_proc_read(AT_FDCWD, name, comm, sizeof(comm));
	if (n > 0 && comm[n - 1] == '\n')
		n--;
	if (n <= 0)
		return snap_error_set(err, SNAP_ERROR_SYSTEM,
			"process %d is already traced by process %llu", (int)pid,
			(unsigned long long)tracer);
	(void)snap_escape(snap_bytes(comm, (size_t)n), SNAP_ESCAPE_TERMINAL, shown, sizeof(shown));
	return snap_error_set(err, SNAP_ERROR_SYSTEM,
		"process %d is already traced by process %llu (%s)", (int)pid,
		(unsigned long long)tracer, shown);
}

/* The setting of the Yama security module; 0 where there is none. */
static int yama_scope(void)
{
	char text[16];
	ssize_t n =
		snap_proc_read(AT_FDCWD, "/proc/sys/kernel/yama/ptrace_scope", text, sizeof(text));
	return n > 0 ? atoi(text) : 0;
}

/* EPERM has many reasons: the likely one. */
static int not_permitted(
	pid_t pid, const struct snap_proc_status *status, uid_t uid, struct snap_error *err)
{
	int scope = yama_scope();
	if (uid != 0 && status->uid != uid && status->uid != SNAP_PROC_UNKNOWN)
		return snap_error_set(err, SNAP_ERROR_SYSTEM,
			"not permitted to trace process %d: it is user %llu's, and you are user "
			"%llu, not root",
			(int)pid, (unsigned long long)status->uid, (unsigned long long)uid);
	if (scope >= 3 || (uid != 0 && scope > 0))
		return snap_error_set(err, SNAP_ERROR_SYSTEM,
			"not permitted to trace process %d: kernel.yama.ptrace_scope is %d%s",
			(int)pid, scope, scope >= 3 ? "" : ", so that only root may");
	if (uid != 0)
		return snap_error_set(err, SNAP_ERROR_SYSTEM,
			"not permitted to trace process %d: its program or its privileges hide it "
			"(dumpable flag, capabilities, user namespace), so that only root may",
			(int)pid);
	return snap_error_set(err, SNAP_ERROR_SYSTEM,
		"not permitted to trace process %d: root here lacks CAP_SYS_PTRACE over it, or a "
		"security module forbids it",
		(int)pid);
}

static int seize_error(struct snap_tracee *t, pid_t tid, int errnum, struct snap_error *err)
{
	char name[32];
	struct snap_proc_status status = {.uid = SNAP_PROC_UNKNOWN};
	if (errnum != EPERM)
		return snap_error_errno(err, errnum, "cannot trace process %d", (int)t->pid);
	(void)snprintf(name, sizeof(name), "%d/status", (int)tid);
	if (snap_proc_status_read(t->tasks_fd, name, &status) == 0 && status.tracer_pid != 0 &&
		status.tracer_pid != SNAP_PROC_UNKNOWN)
		return snap_tracee_traced_error(t->pid, status.tracer_pid, err);
	return not_permitted(t->pid, &status, geteuid(), err);
}

/* Attach to one more thread. Returns 1 if it is new, 0 if not or already gone, -1 on error. */
static int seize_one(struct snap_tracee *t, pid_t tid, struct snap_error *err)
{
	if ((uint64_t)tid >= SNAP_TRACEE_MAX_TID || test_and_set(t, (uint64_t)tid))
		return 0;
	if (t->num_threads == SNAP_MAX_THREADS) {
		t->num_left_out++;
		return 0;
	}
	struct snap_tracee_thread *thread = &t->threads[t->num_threads];
	memset(thread, 0, offsetof(struct snap_tracee_thread, comm));
	thread->tid = tid;
	struct snap_proc_stat stat;
	bool has_stat = take_seen(t, tid, &stat);
	bool later = !has_stat && tid != t->pid && may_name_later(t);
	if (!has_stat && !later && !read_stat(t, tid, &stat))
		return 0;
	if (!later)
		set_stat(thread, &stat);
	if (!later && has_ended(&stat)) {
		/* Only a main thread stays, as long as there are others. */
		if (tid != t->pid)
			return 0;
		thread->phase = SNAP_TRACEE_ZOMBIE;
		t->num_threads++;
		return 1;
	}
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0) {
		int errnum = errno;
		if (errnum == ESRCH || !read_stat(t, tid, &stat) || has_ended(&stat))
			return 0;
		return seize_error(t, tid, errnum, err);
	}
	thread->phase = SNAP_TRACEE_SEIZED;
	t->num_threads++;
	if (later)
		name_later(t, t->num_threads - 1);
	return 1;
}

/* Attach to every thread that is not yet. Returns how many were new, or -1. */
static int seize_listed(struct snap_tracee *t, struct snap_error *err)
{
	_Alignas(struct dirent64) char buf[16384];
	int num_new = 0;
	long n;
	if (lseek(t->tasks_fd, 0, SEEK_SET) < 0)
		return snap_error_errno(
			err, errno, "cannot list the threads of process %d", (int)t->pid);
	/* struct linux_dirent64 of getdents64(2), which glibc's dirent64 is. */
	while ((n = syscall(SYS_getdents64, t->tasks_fd, buf, sizeof(buf))) > 0) {
		for (long i = 0; i < n;) {
			const struct dirent64 *entry = (const void *)(buf + i);
			i += entry->d_reclen;
			long tid = strtol(entry->d_name, NULL, 10); /* "." and ".." give 0 */
			if (tid <= 0)
				continue;
			int r = seize_one(t, (pid_t)tid, err);
			if (r < 0)
				return r;
			num_new += r;
		}
	}
	if (n < 0)
		return snap_error_errno(
			err, errno, "cannot list the threads of process %d", (int)t->pid);
	return num_new;
}

int snap_tracee_seize(struct snap_tracee *t, pid_t pid, const struct snap_arch *arch,
	const struct snap_proc_thread *seen, size_t num_seen, struct snap_error *err)
{
	char name[40];
	t->pid = pid;
	t->num_threads = 0;
	(void)snprintf(name, sizeof(name), "/proc/%d/task", (int)pid);
	t->tasks_fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->tasks_fd < 0)
		return snap_error_set(err, SNAP_ERROR_SYSTEM, "no such process: %d", (int)pid);

	/* Those that start meanwhile are found when the others stand still. */
	t->seen = seen;
	t->num_seen = num_seen;
	t->next_seen = 0;
	t->num_nameless = 0;
	t->ask_names = snap_interrupted_call_known(arch);
	t->has_asked = false;
	int r = seize_one(t, pid, err);
	if (r >= 0)
		r = seize_listed(t, err);
	if (t->has_asked) {
		name_them(t);
		snap_thread_names_close(&t->names);
	}
	/* By the next time it is no longer so, and time is short. */
	t->num_seen = 0;
	t->ask_names = false;
	if (r < 0)
		return r;
	if (t->num_threads == 0)
		return snap_error_set(err, SNAP_ERROR_SYSTEM, "no such process: %d", (int)pid);
	return 0;
}

static void read_extra_regs(const struct snap_arch *arch, struct snap_tracee_thread *thread)
{
	for (size_t i = 0; i < arch->num_extra_regsets; i++) {
		/* More than is kept, to see that there is more; the kernel wants whole
		 * registers. */
		uint8_t set[2 * SNAP_ARCH_EXTRA_REGSET_MAX_BYTES];
		struct iovec iov = {set, sizeof(set)};
		uint32_t type = arch->extra_regsets[i];
		/* EINVAL: this processor or kernel has no such set. */
		if (ptrace(PTRACE_GETREGSET, thread->tid, type, &iov) == 0)
			snap_extra_regsets_keep(
				&thread->extra, arch, type, snap_bytes(set, iov.iov_len));
	}
}

/* The letter that says what it was about: it waited, or ran. */
static char state_by_registers(
	const struct snap_arch *arch, const struct snap_tracee_thread *thread)
{
	switch (snap_interrupted_call(arch, thread->regs, thread->regs_len, NULL)) {
	case SNAP_CALL_NONE:
		return 'R';
	case SNAP_CALL_BROKEN_OFF:
		return 'S';
	case SNAP_CALL_DONE:
		break;
	}
	return 0;
}

static void read_regs(
	struct snap_tracee *t, const struct snap_arch *arch, struct snap_tracee_thread *thread)
{
	struct iovec iov = {thread->regs, sizeof(thread->regs)};
	if (ptrace(PTRACE_GETREGSET, thread->tid, NT_PRSTATUS, &iov) < 0)
		thread->regs_error = -errno;
	else
		thread->regs_len = iov.iov_len;
	/* A process of the other ABI has that one's. */
	const struct snap_arch *other = snap_arch_other_abi(arch);
	if (other && thread->regs_len == other->prstatus_reg_size)
		arch = other;
	if (arch && thread->regs_len == arch->prstatus_reg_size) {
		read_extra_regs(arch, thread);
		if (thread->state == 0 && snap_interrupted_call_known(arch))
			thread->state = state_by_registers(arch, thread);
	}
	if (thread != &t->threads[0])
		return;
	iov = (struct iovec){t->fpregs, sizeof(t->fpregs)};
	if (ptrace(PTRACE_GETREGSET, thread->tid, NT_FPREGSET, &iov) == 0)
		t->fpregs_len = iov.iov_len;
}

/* Only to interrupt waitpid(). */
static void on_alarm(int signo)
{
	(void)signo;
}

static bool is_stop_signal(int signo)
{
	return signo == SIGSTOP || signo == SIGTSTP || signo == SIGTTIN || signo == SIGTTOU;
}

/*
 * Wait for one thread to stop. The alarm recurs, so that one that comes too early does no harm.
 *
 * WNOWAIT: to have waited takes the signal that the thread was about to get away from it, and only
 * our detaching would give it back. If we are killed in between, it would be lost. Source: the
 * kernel's kernel/exit.c (wait_task_stopped), kernel/signal.c (ptrace_stop).
 */
static void wait_one(
	struct snap_tracee *t, const struct snap_arch *arch, struct snap_tracee_thread *thread)
{
	while (thread->phase == SNAP_TRACEE_SEIZED) {
		bool late = now_ns() >= t->deadline_ns;
		siginfo_t info = {0};
		int options = WSTOPPED | WEXITED | WNOWAIT | __WALL | (late ? WNOHANG : 0);
		int r = waitid(P_PID, (id_t)thread->tid, &info, options);
		if (r < 0 && errno == EINTR)
			continue;
		if (r == 0 && info.si_pid == 0)
			return;
		if (r < 0 || (info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED)) {
			thread->phase = SNAP_TRACEE_ENDED;
			return;
		}
		thread->phase = SNAP_TRACEE_STOPPED;
		/* On its way to take a signal rather than stopped by us. */
		if (info.si_status >> 8 == 0)
			thread->signo = info.si_status;
		/* Of all, by a signal that stops them; one that only comes may have a handler. */
		if (thread->state == 0 && info.si_status >> 8 == PTRACE_EVENT_STOP &&
			is_stop_signal(info.si_status & 0xff))
			thread->state = 'T';
		read_regs(t, arch, thread);
	}
}

/*
 * Whether the process has no more threads than those we know of; to ask for their number takes
 * far less than to list them. For when all these stand still, or have ended.
 */
static bool all_are_known(const struct snap_tracee *t)
{
	struct snap_proc_stat stat;
	uint64_t num = 0;
	for (size_t i = 0; i < t->num_threads; i++)
		num += t->threads[i].phase != SNAP_TRACEE_ENDED;
	for (size_t i = 0; i < t->num_threads; i++)
		if (t->threads[i].phase != SNAP_TRACEE_ENDED)
			return read_stat(t, t->threads[i].tid, &stat) && stat.num_threads > 0 &&
			       stat.num_threads <= num;
	return false;
}

void snap_tracee_stop(struct snap_tracee *t, const struct snap_arch *arch)
{
	struct sigaction action = {.sa_handler = on_alarm};
	struct itimerval timer = {{0, 10000}, {0, SNAP_TRACEE_DEADLINE_MS * 1000}};
	(void)sigaction(SIGALRM, &action, &t->old_action); /* valid arguments: can't fail */
	(void)setitimer(ITIMER_REAL, &timer, &t->old_timer);
	t->pause_start_ns = now_ns();
	t->deadline_ns = t->pause_start_ns + SNAP_TRACEE_DEADLINE_MS * 1000000ull;

	/* Those that run meanwhile may start others, until none does. */
	for (size_t done = 0;;) {
		size_t num = t->num_threads;
		for (size_t i = done; i < num; i++)
			if (t->threads[i].phase == SNAP_TRACEE_SEIZED)
				/* ESRCH: it ended, and waiting tells */
				(void)ptrace(PTRACE_INTERRUPT, t->threads[i].tid, NULL, NULL);
		for (size_t i = done; i < num; i++)
			wait_one(t, arch, &t->threads[i]);
		done = num;
		if (all_are_known(t) || seize_listed(t, NULL) <= 0 || now_ns() >= t->deadline_ns)
			break;
	}
	struct snap_proc_stat stat;
	for (size_t i = 0; i < t->num_threads; i++)
		if (t->threads[i].phase == SNAP_TRACEE_SEIZED && t->threads[i].state == 0 &&
			read_stat(t, t->threads[i].tid, &stat))
			t->threads[i].state = stat.state;
}

void snap_tracee_read_vectors(const struct snap_tracee_thread *thread, const struct snap_arch *arch,
	struct snap_vector_regsets *ret)
{
	ret->num = ret->num_left_out = ret->len = 0;
	for (int i = -1; i < (arch ? arch->num_vector_regsets : 0); i++) {
		uint32_t type = i < 0 ? NT_FPREGSET : arch->vector_regsets[i];
		struct iovec iov = {ret->data + ret->len, sizeof(ret->data) - ret->len};
		size_t room = iov.iov_len;
		/* EINVAL: this processor or kernel has no such set, or it is not in use. */
		if (ptrace(PTRACE_GETREGSET, thread->tid, type, &iov) < 0 || iov.iov_len == 0)
			continue;
		/* What fills it may be more. */
		if (iov.iov_len == room || ret->num == SNAP_VECTOR_MAX) {
			ret->num_left_out++;
			continue;
		}
		ret->sets[ret->num].type = type;
		ret->sets[ret->num++].len = (uint32_t)iov.iov_len;
		ret->len += (uint32_t)iov.iov_len;
	}
}

static void detach(struct snap_tracee_thread *thread)
{
	/* Killed meanwhile: nothing is left to be let go. */
	(void)ptrace(PTRACE_DETACH, thread->tid, NULL, (void *)(intptr_t)thread->signo);
}

void snap_tracee_release(struct snap_tracee *t)
{
	for (size_t i = 0; i < t->num_threads; i++)
		if (t->threads[i].phase == SNAP_TRACEE_STOPPED)
			detach(&t->threads[i]);
	t->pause_ns = now_ns() - t->pause_start_ns;
	(void)setitimer(ITIMER_REAL, &t->old_timer, NULL); /* as they were: can't fail */
	(void)sigaction(SIGALRM, &t->old_action, NULL);
}
