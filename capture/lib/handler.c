#include "capture/lib/handler.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "capture/lib/minimal.h"
#include "capture/lib/own_area.h"
#include "capture/lib/registers.h"
#include "capture/lib/request.h"
#include "capture/spool_name.h"

/* How long other threads that crash meanwhile wait for the first one. */
#define OTHERS_WAIT_MS 5000
/* A former handler may let the process go on: then there may be more of them. */
#define MAX_MINIMAL 4

const int snap_lib_signals[SNAP_LIB_NUM_SIGNALS] = {
	SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
static const char *const names[SNAP_LIB_NUM_SIGNALS] = {
	"SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT", "SIGTRAP", "SIGSYS"};

struct snap_lib_handler snap_lib_handler = {
	.socket = {.fd = -1},
	.file = {.fd = -1},
	.dir = {.fd = -1},
	.given = {.fd = -1},
};

void snap_lib_fd_set(struct snap_lib_fd *to, int fd)
{
	struct stat st;
	to->fd = fd;
	if (fd >= 0 && fstat(fd, &st) == 0) {
		to->device = st.st_dev;
		to->inode = st.st_ino;
	} else {
		to->fd = -1;
	}
}

bool snap_lib_fd_holds(const struct snap_lib_fd *fd)
{
	struct stat st;
	return fd->fd >= 0 && fstat(fd->fd, &st) == 0 && st.st_dev == fd->device &&
	       st.st_ino == fd->inode;
}

static uint32_t own_tid(void)
{
	return (uint32_t)syscall(SYS_gettid);
}

/* ---------------------------------------------------------------- one thread at a time */

static bool claim(struct snap_lib_handler *h, uint32_t tid)
{
	uint32_t busy = 0;
	if (__atomic_compare_exchange_n(
		    &h->busy_tid, &busy, tid, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return true;
	/* A child of vfork() that ended here has left its mark in its parent's memory. */
	if (busy == tid || syscall(SYS_tgkill, getpid(), (pid_t)busy, 0) == 0 || errno != ESRCH)
		return false;
	return __atomic_compare_exchange_n(
		&h->busy_tid, &busy, tid, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static void let_go(struct snap_lib_handler *h)
{
	__atomic_store_n(&h->busy_tid, 0, __ATOMIC_RELEASE);
}

/* Whether it is this thread's crash that is to be captured, now or after a while. */
static bool take_turn(struct snap_lib_handler *h, uint32_t tid)
{
	struct timespec begun, now;
	(void)clock_gettime(CLOCK_MONOTONIC, &begun); /* can't fail */
	while (!claim(h, tid)) {
		/* The capture itself failed: an abort() of the compiler's own checks, say. */
		if (__atomic_load_n(&h->busy_tid, __ATOMIC_ACQUIRE) == tid)
			return false;
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
		if ((now.tv_sec - begun.tv_sec) * 1000 + (now.tv_nsec - begun.tv_nsec) / 1000000 >
			OTHERS_WAIT_MS)
			return false;
		(void)poll(NULL, 0, 10);
	}
	return true;
}

/* ---------------------------------------------------------------- the capture */

/* A child must not use its parent's: the socket would be connected for both. */
static bool is_own(const struct snap_lib_handler *h, const struct snap_lib_fd *fd)
{
	return h->pid == getpid() && snap_lib_fd_holds(fd);
}

static bool ask_server(
	struct snap_lib_handler *h, const struct snap_lib_crash *crash, uint8_t uuid[static 16])
{
	static struct snap_app_request request;
	bool accepted;
	if (!is_own(h, &h->socket)) {
		/* Its place may be the only one left. */
		if (snap_lib_fd_holds(&h->socket))
			(void)close(h->socket.fd);
		h->socket.fd = snap_lib_request_socket();
	}
	if (h->socket.fd < 0)
		return false;
	snap_lib_request_init(&request, SNAP_APP_CRASH, crash->reason);
	request.signo = crash->signo;
	request.siginfo_len = sizeof(*crash->info) < sizeof(request.siginfo)
				      ? sizeof(*crash->info)
				      : sizeof(request.siginfo);
	memcpy(request.siginfo, crash->info, request.siginfo_len);
	request.regs_len =
		(uint32_t)snap_lib_registers(crash->context, request.regs, sizeof(request.regs));
	request.fpregs_len = (uint32_t)snap_lib_fp_registers(
		crash->context, request.fpregs, sizeof(request.fpregs));
	int r = snap_lib_request(h->socket.fd, h->socket_path, &request, &accepted, uuid);
	/* For the next time, should there be one. */
	(void)close(h->socket.fd);
	snap_lib_fd_set(&h->socket, snap_lib_request_socket());
	return r == 0;
}

/* Into the directory: first without a name, or where that can't be, with one that says so. */
static bool write_in_dir(struct snap_lib_handler *h, const struct snap_lib_crash *crash)
{
	char name[SNAP_SPOOL_NAME_MAX], part[SNAP_SPOOL_NAME_MAX + 8], link[64];
	char comm[17] = "";
	if (!snap_lib_fd_holds(&h->dir))
		return false;
	(void)prctl(PR_GET_NAME, comm, 0, 0, 0); /* empty then */
	snap_spool_name(name, crash->time_s, snap_bytes_str(comm), (uint64_t)getpid(), crash->uuid);
	memcpy(part, name, sizeof(name));
	memcpy(part + strlen(part) - strlen("snap"), "part", sizeof("part"));

	bool nameless = true;
	int fd = is_own(h, &h->file) ? h->file.fd : -1;
	h->file.fd = -1;
	if (fd < 0)
		fd = openat(h->dir.fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0) {
		nameless = false;
		fd = openat(
			h->dir.fd, part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	}
	if (fd < 0)
		return false;
	int r = snap_lib_minimal_write(fd, crash);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && nameless) {
		/* linkat(2)'s way without privileges. */
		char *out = link;
		memcpy(out, "/proc/self/fd/", 14);
		out += 14;
		unsigned int num = 0;
		char digits[12];
		int left = fd;
		do
			digits[num++] = (char)('0' + left % 10);
		while ((left /= 10) > 0);
		while (num > 0)
			*out++ = digits[--num];
		*out = '\0';
		if (linkat(AT_FDCWD, link, h->dir.fd, name, AT_SYMLINK_FOLLOW) < 0)
			r = -errno;
	} else if (r == 0 && renameat(h->dir.fd, part, h->dir.fd, name) < 0) {
		r = -errno;
	}
	(void)fsync(h->dir.fd); /* the file is there, for now */
	(void)close(fd);
	return r == 0;
}

static void write_minimal(struct snap_lib_handler *h, struct snap_lib_crash *crash)
{
	if (h->num_minimal >= MAX_MINIMAL)
		return;
	h->num_minimal++;
	if (getrandom(crash->uuid, sizeof(crash->uuid), GRND_NONBLOCK) != sizeof(crash->uuid)) {
		/* Early at boot. */
		memcpy(crash->uuid, &crash->time_s, 8);
		memcpy(crash->uuid + 8, &crash->time_ns, 4);
		memcpy(crash->uuid + 12, &crash->tid, 4);
	}
	/* Version 4 and the variant of RFC 9562, section 5.4. */
	crash->uuid[6] = (uint8_t)((crash->uuid[6] & 0x0f) | 0x40);
	crash->uuid[8] = (uint8_t)((crash->uuid[8] & 0x3f) | 0x80);
	if (h->dir.fd >= 0 && write_in_dir(h, crash))
		return;
	if (h->given_used || !snap_lib_fd_holds(&h->given))
		return;
	h->given_used = true;
	(void)snap_lib_minimal_write(h->given.fd, crash); /* there is nobody to be told */
}

static void capture(struct snap_lib_handler *h, int signo, const char *name, const siginfo_t *info,
	const ucontext_t *context)
{
	struct timespec now;
	uint8_t uuid[16];
	(void)clock_gettime(CLOCK_REALTIME, &now); /* can't fail */
	struct snap_lib_crash crash = {
		.signo = signo,
		.info = info,
		.context = context,
		.tid = own_tid(),
		.time_s = now.tv_sec,
		.time_ns = (uint32_t)now.tv_nsec,
		.reason = name,
	};
	/* The kernel's handler, should there be one, knows more than the small snapshot. */
	if (ask_server(h, &crash, uuid))
		snap_own_area_captured(crash.tid, signo, uuid);
	else
		write_minimal(h, &crash);
}

/* ---------------------------------------------------------------- and then */

/* End as without us: by this signal, at the place where it came. */
static void end_by(int signo, siginfo_t *info)
{
	const struct sigaction ending = {.sa_handler = SIG_DFL};
	(void)sigaction(signo, &ending, NULL); /* can't fail */
	/* It is blocked until the handler returns, and then comes before any instruction. */
	if (syscall(SYS_rt_tgsigqueueinfo, getpid(), (pid_t)own_tid(), signo, info) == 0)
		return;
	/* A filter of system calls, perhaps. A fault comes again by itself, what was sent does not.
	 */
	if (info->si_code <= 0 || signo == SIGTRAP || signo == SIGSYS || signo == SIGABRT)
		(void)syscall(SYS_tgkill, getpid(), (pid_t)own_tid(), signo);
}

static void call_former(
	const struct sigaction *former, int signo, siginfo_t *info, ucontext_t *context)
{
	sigset_t mask = context->uc_sigmask;
	for (int i = 1; i < NSIG; i++)
		if (sigismember(&former->sa_mask, i) == 1)
			(void)sigaddset(&mask, i); /* a valid one */
	if (!(former->sa_flags & SA_NODEFER))
		(void)sigaddset(&mask, signo);
	(void)pthread_sigmask(SIG_SETMASK, &mask, NULL); /* can't fail */
	if (former->sa_flags & SA_SIGINFO)
		former->sa_sigaction(signo, info, context);
	else
		former->sa_handler(signo);
}

static bool is_function(const struct sigaction *action)
{
	return (action->sa_flags & SA_SIGINFO) ||
	       (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
}

void snap_lib_on_crash(int signo, siginfo_t *info, void *context)
{
	struct snap_lib_handler *h = &snap_lib_handler;
	int saved_errno = errno, cancel_state;
	size_t index = 0;
	while (index < SNAP_LIB_NUM_SIGNALS - 1 && snap_lib_signals[index] != signo)
		index++;
	struct sigaction former = h->former[index];
	/* The kernel does not let its own signals be ignored, only others'. */
	if (!is_function(&former) && former.sa_handler == SIG_IGN && info->si_code <= 0)
		return;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state); /* can't fail */
	bool captured = take_turn(h, own_tid());
	if (captured)
		capture(h, signo, names[index], info, context);
	(void)pthread_setcancelstate(cancel_state, &cancel_state);
	if (is_function(&former)) {
		/* Which may let the process go on, or jump away. */
		if (captured) {
			snap_own_area_not_captured();
			let_go(h);
		}
		if (former.sa_flags & SA_RESETHAND)
			h->former[index] = (struct sigaction){.sa_handler = SIG_DFL};
		errno = saved_errno;
		call_former(&former, signo, info, context);
	} else {
		end_by(signo, info);
	}
	errno = saved_errno;
}

void snap_lib_handler_forked(void)
{
	struct snap_lib_handler *h = &snap_lib_handler;
	let_go(h);
	h->num_minimal = 0;
}
