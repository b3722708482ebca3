#include "capture/server/app_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "capture/access.h"
#include "capture/client_file.h"
#include "capture/live.h"
#include "capture/prefault.h"
#include "capture/privileges.h"
#include "capture/proc_info.h"
#include "capture/server/log.h"
#include "capture/spool.h"
#include "capture/spool_usage.h"
#include "common/escape.h"

#define PROGRAM "snapcrash-server " SNAP_VERSION

/* Until the program says that it is ready to be looked at. */
#define GO_MS 2000

static struct snap_live live;
static struct snap_tid_map tids;

/* ---------------------------------------------------------------- messages */

static bool header_is_valid(const struct snap_app_header *header, size_t len)
{
	return len >= sizeof(*header) && header->magic == SNAP_APP_MAGIC &&
	       header->version == SNAP_APP_VERSION && header->size == len;
}

bool snap_app_request_is_valid(const struct snap_app_request *request, size_t len)
{
	if (!header_is_valid(&request->header, len))
		return false;
	if (request->header.type == SNAP_APP_SNAPSHOT)
		return len == SNAP_APP_SNAPSHOT_SIZE &&
		       request->reason_len <= sizeof(request->reason);
	return request->header.type == SNAP_APP_CRASH && len == sizeof(*request) &&
	       request->reason_len <= sizeof(request->reason) &&
	       request->siginfo_len <= sizeof(request->siginfo) &&
	       request->regs_len <= sizeof(request->regs) &&
	       request->fpregs_len <= sizeof(request->fpregs) && request->signo > 0 &&
	       request->signo <= SIGRTMAX;
}

void snap_app_answer(int fd, enum snap_app_type type, int error, const uint8_t *uuid)
{
	struct snap_app_answer answer = {
		.header = {SNAP_APP_MAGIC, SNAP_APP_VERSION, (uint16_t)type, sizeof(answer)},
		.error = (uint32_t)error,
		.worker_pid = (uint32_t)getpid(),
		.needs_ptracer = type == SNAP_APP_ACCEPTED && geteuid() != 0,
	};
	if (uuid)
		memcpy(answer.uuid, uuid, sizeof(answer.uuid));
	/* Who does not read its answers is no concern of ours. */
	(void)send(fd, &answer, sizeof(answer), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static bool wait_for_go(int fd)
{
	struct snap_app_header go;
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	int r;
	do
		r = poll(&poll_fd, 1, GO_MS);
	while (r < 0 && errno == EINTR);
	return r > 0 && recv(fd, &go, sizeof(go), MSG_DONTWAIT | MSG_TRUNC) == sizeof(go) &&
	       header_is_valid(&go, sizeof(go)) && go.type == SNAP_APP_GO;
}

/* ---------------------------------------------------------------- who asks */

/* Whether it is still there, so that its number is nobody else's. */
static bool is_alive(const struct snap_peer *peer)
{
	struct pollfd poll_fd = {.fd = peer->pidfd, .events = POLLIN};
	return poll(&poll_fd, 1, 0) == 0;
}

/* The caller's thread in our numbers; 0 if the process has no such thread. */
static uint64_t find_tid(const struct snap_app_work *work)
{
	uint64_t tid = 0;
	int task_fd = snap_proc_open(work->peer.pid, work->peer.pid);
	if (task_fd < 0)
		return 0;
	if (live.status.num_pid_namespaces < 2)
		tid = work->request.tid;
	else if (snap_tid_map_read(&tids, task_fd) < 0 ||
		 !snap_tid_map_find(&tids, work->request.tid, &tid))
		tid = 0;
	(void)close(task_fd); /* only looked at */
	return tid;
}

/* Of what the user asked for there may be so much. Returns 0 or an errno. */
static int check_quota(const struct snap_app_work *work)
{
	int dir_fd, incoming_fd;
	uint64_t num, bytes;
	int r = snap_spool_open(work->config->spool, true, &dir_fd, &incoming_fd);
	if (r < 0)
		return EIO;
	r = snap_spool_usage_on_demand(dir_fd, work->peer.uid, &num, &bytes);
	(void)close(incoming_fd); /* only looked at */
	(void)close(dir_fd);
	if (r < 0)
		return EIO;
	return bytes >= work->config->app_max_bytes ? EDQUOT : 0;
}

/* ---------------------------------------------------------------- the snapshot */

static const char *reason_of(const struct snap_app_work *work, char *buf, size_t size)
{
	const struct snap_app_request *request = &work->request;
	(void)snap_escape(snap_bytes(request->reason, request->reason_len), SNAP_ESCAPE_TERMINAL,
		buf, size); /* cut to fit */
	return buf;
}

static int capture(const struct snap_app_work *work)
{
	const struct snap_app_request *request = &work->request;
	struct snap_error err = SNAP_ERROR_INIT;
	snap_prefault_program();
	snap_live_init(&live);
	live.config = work->config;
	if (snap_live_find(&live, work->peer.pid, &err) < 0 || !is_alive(&work->peer)) {
		snap_log(SNAP_LOG_WARNING, "process %ld can't be captured: %s",
			(long)work->peer.pid, err.text);
		return EPERM;
	}
	live.caller = (struct snap_live_caller){.tid = find_tid(work)};
	if (request->header.type == SNAP_APP_CRASH) {
		live.caller.crashed = true;
		live.caller.signo = request->signo;
		live.caller.siginfo = snap_bytes(request->siginfo, request->siginfo_len);
		live.caller.regs = snap_bytes(request->regs, request->regs_len);
		live.caller.fpregs = snap_bytes(request->fpregs, request->fpregs_len);
	}
	if (snap_live_capture(&live, &err) < 0) {
		snap_log(SNAP_LOG_WARNING, "process %ld can't be captured: %s",
			(long)work->peer.pid, err.text);
		return EPERM;
	}
	return 0;
}

/*
 * Who may read it besides root and the group, if the configuration lets him: its user, as of a
 * crash. That the process is dumpable in the ordinary way shows in whose its files in /proc are
 * (proc(5)).
 */
static uint32_t owner(void)
{
	static char auxv[SNAP_AUXV_MAX];
	struct stat st;
	if (live.task_fd < 0 || !live.arch || fstatat(live.task_fd, "auxv", &st, 0) < 0)
		return SNAP_OWNER_NONE;
	ssize_t n = snap_proc_read(live.task_fd, "auxv", auxv, sizeof(auxv));
	const struct snap_access_facts facts = {
		.dumpable = st.st_uid == live.status.uid && st.st_gid == live.status.gid ? 1 : 2,
		.uid = live.status.uid,
		.gid = live.status.gid,
		.identity_verified = !snap_live_ended(&live),
		.auxv = snap_bytes(auxv, n > 0 ? (size_t)n : 0),
		.elf_class = live.arch->elf_class,
		.elf_data = live.arch->elf_data,
	};
	return snap_access_owner_allowed(&facts) ? (uint32_t)facts.uid : SNAP_OWNER_NONE;
}

static int write_and_publish(const struct snap_app_work *work)
{
	const struct snap_tracee_thread *first = &live.tracee.threads[0];
	char comm[SNAP_COMM_MAX + 1] = "", reason[4 * SNAP_APP_MAX_REASON];
	memcpy(comm, first->comm, first->has_comm ? first->comm_len : 0);
	struct snap_crash_facts facts = {
		.pid = (uint64_t)work->peer.pid,
		.tid = (uint64_t)first->tid,
		.signo = live.caller.crashed ? (uint64_t)live.caller.signo : 0,
		.time_s = (uint64_t)live.start.tv_sec,
		.uid = work->peer.uid,
		.pidfd = -1,
		.comm = comm,
		.method = SNAP_CAPTURE_LIBRARY,
	};
	struct snap_client_file file;
	int r = snap_client_file_open(&file, work->config, &facts);
	if (r != 0)
		return r > 0 ? EAGAIN : EIO; /* the program hears of it: nobody has to count it */
	struct snap_live_words words = {
		.program = PROGRAM,
		.reason = reason_of(work, reason, sizeof(reason)),
		.method = SNAP_CAPTURE_LIBRARY,
		.storage = file.server_error == 0 ? SNAP_STORAGE_SERVER : SNAP_STORAGE_OWN,
		.queue_time_ns = file.queue_time_ns,
	};
	r = snap_live_write(&live, file.fd, &words);
	struct snap_client_file_end end = {
		.uuid = live.uuid,
		.owner = owner(),
		.cut = r < 0,
	};
	int p = snap_client_file_publish(&file, work->config, &facts, &end);
	return r < 0 || p < 0 ? EIO : 0;
}

int snap_app_work(const struct snap_app_work *work)
{
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* can't fail */
	(void)signal(SIGPIPE, SIG_IGN);
	snap_privileges_drop();
	int error = check_quota(work);
	if (error != 0) {
		snap_app_answer(work->fd, SNAP_APP_REFUSED, error, NULL);
		return 0;
	}
	snap_app_answer(work->fd, SNAP_APP_ACCEPTED, 0, NULL);
	if (!wait_for_go(work->fd))
		return 0; /* it does not want it any more */
	error = capture(work);
	if (error == 0)
		error = write_and_publish(work);
	snap_app_answer(work->fd, SNAP_APP_DONE, error, live.uuid);
	snap_live_deinit(&live);
	return 0;
}
