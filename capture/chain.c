#include "capture/chain.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture/priority.h"
#include "capture/proc_status.h"

/* As many bytes as a pipe may hold without asking for more rights. */
#define PIPE_BYTES   (1 << 20)
#define WAIT_STEP_MS 5

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* Linux 6.3 */
#endif

/* For the child to read, and for the client to write. */
static struct snap_core_words words;

static int64_t now_ms(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* can't fail */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---------------------------------------------------------------- the child */

/* What it is told: a packet of NUL-terminated words. False if the client ended without that. */
static bool receive_words(int fd)
{
	ssize_t n;
	do
		n = recv(fd, words.text, sizeof(words.text), 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0 || words.text[n - 1] != '\0')
		return false;
	words.num = 0;
	for (char *p = words.text; p < words.text + n; p += strlen(p) + 1) {
		if (words.num == SNAP_CORE_WORDS_MAX)
			return false;
		words.argv[words.num++] = p;
	}
	words.argv[words.num] = NULL;
	return true;
}

/*
 * As the kernel starts a helper: nothing open but standard input and the pidfd, no environment, "/"
 * as directory, RLIMIT_CORE 1. Source: the kernel's fs/coredump.c (umh_coredump_setup),
 * kernel/umh.c.
 */
_Noreturn static void become_handler(int words_fd, int core_fd, int pidfd)
{
	static char *const no_environment[] = {NULL};
	const struct rlimit core = {1, 1};
	sigset_t signals;
	/* At once: as long as anybody has the core's stream open, the process is held. */
	if (dup2(core_fd, STDIN_FILENO) < 0 || !receive_words(words_fd))
		_exit(0);
	for (int signo = 1; signo < NSIG; signo++)
		(void)signal(signo, SIG_DFL); /* some can't be set, and need not */
	(void)sigemptyset(&signals);
	(void)sigprocmask(SIG_SETMASK, &signals, NULL);
	(void)setrlimit(RLIMIT_CORE, &core);
	if (chdir("/") < 0)
		_exit(127);
	if (pidfd < 0)
		(void)close(3); /* perhaps there is none */
	(void)close(STDOUT_FILENO);
	(void)close(STDERR_FILENO);
	(void)execve(words.argv[0], words.argv, no_environment);
	int error = -errno;
	(void)send(words_fd, &error, sizeof(error), MSG_NOSIGNAL); /* else the status tells */
	_exit(127);
}

/* Everything but standard files and the pidfd is to end with execve(). */
static void close_on_exec(int pidfd)
{
	for (int fd = 3; fd < 64; fd++) {
		int flags = fd == pidfd ? -1 : fcntl(fd, F_GETFD);
		if (flags >= 0)
			(void)fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
	}
}

static int fork_child(struct snap_chain *chain, int pidfd, int priority)
{
	int pair[2], core[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	if (pipe2(core, O_CLOEXEC) < 0) {
		int r = -errno;
		(void)close(pair[0]);
		(void)close(pair[1]);
		return r;
	}
	pid_t pid = fork();
	if (pid == 0) {
		(void)close(pair[0]);
		(void)close(core[1]);
		close_on_exec(pidfd);
		snap_priority_restore(priority);
		become_handler(pair[1], core[0], pidfd);
	}
	int r = pid < 0 ? -errno : 0;
	(void)close(pair[1]);
	(void)close(core[0]);
	if (r < 0) {
		(void)close(pair[0]);
		(void)close(core[1]);
		return r;
	}
	(void)fcntl(core[1], F_SETFL, O_WRONLY | O_NONBLOCK); /* of a fresh pipe: can't fail */
	(void)fcntl(core[1], F_SETPIPE_SZ, PIPE_BYTES);	      /* a smaller one does as well */
	chain->child = pid;
	chain->words_fd = pair[0];
	chain->core_fd = core[1];
	return 0;
}

/* A child that was told nothing ends. */
static void give_up(struct snap_chain *chain)
{
	int *fds[] = {&chain->words_fd, &chain->core_fd, &chain->copy.fd};
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (*fds[i] >= 0)
			(void)close(*fds[i]); /* of no further use */
		*fds[i] = -1;
	}
	chain->child = 0;
}

int snap_chain_start(struct snap_chain *chain, int pidfd, int priority)
{
	int fd = memfd_create("core", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("core", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	chain->copy = (struct snap_core_copy){.fd = fd};
	int r = fork_child(chain, pidfd, priority);
	if (r < 0)
		give_up(chain);
	return r;
}

/*
 * The host's name where the process lives: that of its UTS namespace, which is entered for that.
 * Should somebody else have got the process's number, this one word is another's.
 */
static void read_hostname(uint64_t pid, char ret[static SNAP_CHAIN_HOSTNAME_MAX])
{
	char path[40];
	struct utsname uts;
	int ours = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	(void)snprintf(path, sizeof(path), "/proc/%llu/ns/uts", (unsigned long long)pid);
	int theirs = open(path, O_RDONLY | O_CLOEXEC);
	bool moved = ours >= 0 && theirs >= 0 && setns(theirs, CLONE_NEWUTS) == 0;
	if (uname(&uts) == 0)
		(void)snprintf(ret, SNAP_CHAIN_HOSTNAME_MAX, "%s", uts.nodename); /* fits */
	if (moved)
		(void)setns(ours, CLONE_NEWUTS); /* by the right that was just used */
	if (theirs >= 0)
		(void)close(theirs);
	if (ours >= 0)
		(void)close(ours);
}

int snap_chain_find(struct snap_chain *chain, const char *socket, uint64_t pid)
{
	int dir_fd = snap_saved_open_dir(socket);
	int r = dir_fd < 0 ? dir_fd : snap_saved_read(dir_fd, &chain->saved);
	if (dir_fd >= 0)
		(void)close(dir_fd); /* nothing was written through it */
	if (r == 0 && snap_core_pattern_program(chain->saved.pattern).len == 0)
		r = -EINVAL;
	if (r == 0 && strcmp(chain->saved.pattern, chain->saved.ours) == 0)
		r = -ELOOP; /* it would go round for ever */
	if (r < 0)
		give_up(chain);
	else if (strstr(chain->saved.pattern, "%h"))
		read_hostname(pid, chain->hostname);
	return r;
}

/* ---------------------------------------------------------------- what the kernel would say */

/* What is left to be found out, into the facts and, their strings, *exe and the chain. */
static void complete_facts(
	struct snap_chain *chain, struct snap_core_facts *facts, int task_fd, char exe[static 4096])
{
	struct snap_proc_status status;
	struct snap_proc_stat stat;
	facts->ns_pid = facts->pid;
	facts->ns_tid = facts->tid;
	facts->hostname = snap_bytes_str(chain->hostname);
	if (task_fd < 0)
		return;
	if (snap_proc_status_read(task_fd, "status", &status) == 0) {
		if (status.ns_pid != SNAP_PROC_UNKNOWN)
			facts->ns_tid = status.ns_pid;
		if (status.ns_tgid != SNAP_PROC_UNKNOWN)
			facts->ns_pid = status.ns_tgid;
	}
	if (snap_proc_stat_read(task_fd, "stat", &stat) == 0)
		facts->cpu = stat.cpu;
	ssize_t len = readlinkat(task_fd, "exe", exe, 4096);
	if (len > 0)
		facts->exe = snap_bytes(exe, (size_t)len);
}

/* ---------------------------------------------------------------- feeding */

/* Wait for an event, until a moment. Returns 0 or a negative errno. */
static int wait_for(int fd, short events, int64_t until_ms)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = events};
		int64_t left = until_ms - now_ms();
		if (left <= 0)
			return -ETIMEDOUT;
		int r = poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left);
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r > 0)
			return (events & POLLOUT) && (p.revents & POLLERR) ? -EPIPE : 0;
	}
}

/* What was read already, and then what the kernel still has to say. */
static int feed(struct snap_chain *chain, int stream_fd, int64_t until_ms, uint64_t *ret_bytes)
{
	loff_t off = 0;
	for (;;) {
		bool replaying = (uint64_t)off < chain->copy.len;
		int r = wait_for(chain->core_fd, POLLOUT, until_ms);
		if (r == 0 && !replaying)
			r = wait_for(stream_fd, POLLIN, until_ms);
		if (r < 0)
			return r;
		ssize_t n = replaying ? splice(chain->copy.fd, &off, chain->core_fd, NULL,
						(size_t)(chain->copy.len - (uint64_t)off),
						SPLICE_F_NONBLOCK)
				      : splice(stream_fd, NULL, chain->core_fd, NULL, PIPE_BYTES,
						SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
		if (n > 0)
			*ret_bytes += (uint64_t)n;
		else if (n == 0)
			return replaying ? -EIO : 0;
		else if (errno != EAGAIN && errno != EINTR)
			return -errno;
	}
}

/* Until it has ended. Returns 0 or -ETIMEDOUT. */
static int wait_for_end(struct snap_chain *chain, int64_t until_ms, struct snap_chain_end *ret)
{
	for (;;) {
		pid_t pid = waitpid(chain->child, &ret->status, WNOHANG);
		if (pid == chain->child) {
			ret->has_status = true;
			return 0;
		}
		if (pid < 0 && errno != EINTR)
			return -errno;
		if (now_ms() >= until_ms)
			return -ETIMEDOUT;
		struct timespec step = {.tv_nsec = WAIT_STEP_MS * 1000000L};
		(void)nanosleep(&step, NULL); /* shorter is as good */
	}
}

void snap_chain_feed(struct snap_chain *chain, struct snap_core_facts *facts, int task_fd,
	int stream_fd, unsigned int time_s, struct snap_chain_end *ret)
{
	static char exe[4096];
	struct snap_chain_end end = {.error = chain->copy.error};
	int64_t until_ms = now_ms() + (int64_t)time_s * 1000;
	complete_facts(chain, facts, task_fd, exe);
	if (end.error == 0)
		end.error = snap_core_pattern_expand(chain->saved.pattern, facts, &words);
	if (end.error == 0 && send(chain->words_fd, words.text, words.len, MSG_NOSIGNAL) < 0)
		end.error = -errno;
	if (end.error == 0)
		end.error = feed(chain, stream_fd, until_ms, &end.bytes);
	/* The end of its input, be it the core's or not. A child that was told nothing ends. */
	(void)close(chain->core_fd);
	chain->core_fd = -1;
	(void)shutdown(chain->words_fd, SHUT_WR);
	/* The kernel waits for its helper if there is a limit, and only then. */
	if (chain->saved.pipe_limit == 0)
		(void)close(stream_fd);
	int waited = wait_for_end(chain, until_ms, &end);
	if (chain->saved.pipe_limit != 0)
		(void)close(stream_fd);

	/* Why it could not be started explains the rest. */
	int exec_error;
	if (recv(chain->words_fd, &exec_error, sizeof(exec_error), MSG_DONTWAIT) ==
		(ssize_t)sizeof(exec_error))
		end.error = exec_error;
	else if (end.error == 0)
		end.error = waited;
	give_up(chain);
	*ret = end;
}
