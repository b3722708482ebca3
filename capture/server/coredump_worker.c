#include "capture/server/coredump_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "capture/client_file.h"
#include "capture/crash.h"
#include "capture/prefault.h"
#include "capture/priority.h"
#include "capture/privileges.h"
#include "capture/seal.h"
#include "capture/server/coredump_peer.h"
#include "capture/server/log.h"
#include "capture/spool.h"

#define WRITER "snapcrash-server " SNAP_VERSION

/* Bytes of the memory file whose pages are there before they are needed. */
#define READY_BYTES (64u << 10)
/* Seconds, from the time on when the capture is to be brought to an end, until it is killed. */
#define GRACE_S 2
/* Seconds to get a file and to fill it. */
#define FINISH_S 120

static struct snap_crash crash;
static volatile sig_atomic_t timed_out;

/*
 * Two deadlines: SIGALRM asks the capture to end; where it waits for memory that never comes, only
 * SIGKILL wakes it.
 */
static timer_t killer;
static bool has_killer;

static void on_alarm(int signo)
{
	(void)signo;
	timed_out = 1;
}

static void prepare_deadlines(void)
{
	struct sigaction action = {.sa_handler = on_alarm}; /* so that it interrupts what waits */
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
	(void)sigaction(SIGALRM, &action, NULL); /* valid arguments: can't fail */
	has_killer = timer_create(CLOCK_MONOTONIC, &event, &killer) == 0;
}

static void set_deadlines(unsigned int seconds)
{
	struct itimerspec when = {.it_value = {.tv_sec = seconds + GRACE_S}};
	(void)alarm(seconds);
	if (has_killer)
		(void)timer_settime(killer, 0, &when, NULL); /* valid arguments: can't fail */
}

/* ---------------------------------------------------------------- before */

/* After fork() everything would be mapped page by page, when it is used first. */
static void warm_up(int memory_fd)
{
	snap_prefault_program();
	snap_crash_prefault(&crash);
	(void)fallocate(memory_fd, FALLOC_FL_KEEP_SIZE, 0, READY_BYTES); /* else page by page */
}

/* ---------------------------------------------------------------- after */

static bool copy(int from_fd, int to_fd, uint64_t len)
{
	off_t at = 0;
	while ((uint64_t)at < len) {
		ssize_t n = sendfile(to_fd, from_fd, &at, len - (uint64_t)at);
		if (n <= 0) {
			if (n == 0)
				errno = EIO;
			return false;
		}
	}
	return true;
}

/* Where nobody but the log can be told. */
static void complain(const char *what, int error)
{
	snap_log(SNAP_LOG_ERROR, "process %llu of uid %llu: %s: %s",
		(unsigned long long)crash.facts.pid, (unsigned long long)crash.facts.uid, what,
		snap_spool_strerror(error));
}

static int fill(const struct snap_config *config, struct snap_client_file *file, int memory_fd)
{
	int error = copy(memory_fd, file->fd, crash.emit.writer.len) ? 0 : -errno;
	struct snap_seal seal;
	if (error < 0) {
		complain("its snapshot is not whole", error);
		if (snap_seal(file->fd, WRITER, strerror(-error), &seal) < 0 ||
			seal.keep_len == 0) {
			snap_client_file_discard(file, config, &crash.facts, SNAP_SKIPPED_DISK);
			return EXIT_FAILURE;
		}
	}
	struct snap_client_file_end end = {
		.uuid = crash.uuid,
		.owner = snap_crash_owner_allowed(&crash) ? (uint32_t)crash.facts.uid
							  : SNAP_OWNER_NONE,
		.cut = error < 0,
	};
	/* The server does the rest, or the next one adopts it: with this one done, another crash
	 * can have its turn. */
	if (snap_client_file_hand_over(file, &end) == 0)
		return EXIT_SUCCESS;
	int r = snap_client_file_publish(file, config, &crash.facts, &end);
	if (r < 0)
		complain("its snapshot can't be published", r);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int keep(const struct snap_config *config, int memory_fd)
{
	struct snap_client_file file;
	int status = EXIT_SUCCESS;
	int r = snap_client_file_open(&file, config, &crash.facts);
	if (r == 0 && crash.has_snapshot)
		snap_client_file_discard(&file, config, &crash.facts, SNAP_SKIPPED_LIBRARY);
	else if (r == 0)
		status = fill(config, &file, memory_fd);
	else if (r < 0)
		complain("there is no file for its snapshot", r);
	r = snap_client_file_count(&file, config, &crash.facts);
	if (r < 0)
		complain("it can't be recorded that it has no snapshot", r);
	return status;
}

/* ---------------------------------------------------------------- in between */

/* The kernel's, until it is closed. */
static void capture(const struct snap_config *config, const struct snap_coredump_peer *peer, int fd,
	int memory_fd, const struct timespec *start)
{
	struct snap_crash_facts facts = {
		.pid = (uint64_t)peer->pid,
		.time_s = (uint64_t)time(NULL),
		.dumpable = peer->dumpable,
		.uid = peer->uid,
		.gid = peer->gid,
		.rlimit_core = SNAP_CRASH_UNKNOWN,
		.pidfd = peer->pidfd,
		.method = SNAP_CAPTURE_COREDUMP_SOCKET,
		.storage = SNAP_STORAGE_SERVER,
		.config = config,
	};
	static char exe[PATH_MAX];
	struct rlimit limit;
	if (prlimit(peer->pid, RLIMIT_CORE, NULL, &limit) == 0)
		facts.rlimit_core = limit.rlim_cur;
	snap_privileges_drop();
	snap_crash_begin(&crash, &facts, memory_fd, WRITER, start, &timed_out);
	crash.emit.writer.lazy = true;
	snap_crash_capture(&crash, fd);
	if (crash.identity.task_fd >= 0) {
		ssize_t n = readlinkat(crash.identity.task_fd, "exe", exe, sizeof(exe) - 1);
		exe[n > 0 ? n : 0] = '\0';
	}
	crash.facts.exe = exe;
	struct timespec released;
	(void)clock_gettime(CLOCK_MONOTONIC, &released); /* can't fail */
	(void)close(fd);
	int r = snap_crash_finish(&crash, &released);
	if (r < 0)
		complain("its snapshot is not whole", r);
}

int snap_coredump_worker_run(const struct snap_config *config, int listener_fd, int done_fd)
{
	pid_t parent = getppid();
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* a valid signal */
	(void)signal(SIGPIPE, SIG_IGN);
	int memory_fd = memfd_create("snapcrash", MFD_CLOEXEC);
	if (memory_fd < 0) {
		snap_log(SNAP_LOG_ERROR, "no memory for coredumps: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	prepare_deadlines();
	warm_up(memory_fd);
	int priority = snap_priority_raise();
	if (getppid() != parent)
		return EXIT_SUCCESS; /* it ended before it was asked to be told */

	int fd;
	do
		fd = accept4(listener_fd, NULL, NULL, SOCK_CLOEXEC);
	while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	(void)signal(SIGTERM, SIG_IGN);
	struct timespec start;
	(void)clock_gettime(CLOCK_MONOTONIC, &start); /* can't fail */
	if (fd < 0) {
		snap_log(SNAP_LOG_ERROR, "cannot accept a coredump: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	set_deadlines((unsigned int)config->dump_time_s);

	struct snap_coredump_peer peer;
	int r = snap_coredump_peer_find(fd, &peer);
	if (r == 0)
		r = snap_coredump_peer_agree(fd);
	if (r < 0) {
		snap_log(SNAP_LOG_WARNING, "a connection to the coredump socket is cut off: %s",
			r == -EPERM ? "it is not the kernel's" : strerror(-r));
		(void)write(done_fd, "", 1); /* nobody there: then nobody waits for it */
		return EXIT_FAILURE;
	}
	capture(config, &peer, fd, memory_fd, &start);
	snap_priority_restore(priority);
	set_deadlines(FINISH_S);
	timed_out = 0;
	int status = keep(config, memory_fd);
	(void)write(done_fd, "", 1); /* as above */
	return status;
}
