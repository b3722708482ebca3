#include "capture/lib/request.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ms(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* can't fail */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void snap_lib_request_init(
	struct snap_app_request *request, enum snap_app_type type, const char *reason)
{
	memset(request, 0, sizeof(*request));
	request->header = (struct snap_app_header){
		.magic = SNAP_APP_MAGIC,
		.version = SNAP_APP_VERSION,
		.type = (uint16_t)type,
		.size = type == SNAP_APP_CRASH ? sizeof(*request) : SNAP_APP_SNAPSHOT_SIZE,
	};
	request->tid = (uint32_t)syscall(SYS_gettid);
	size_t len = strnlen(reason, SNAP_APP_MAX_REASON - 1);
	memcpy(request->reason, reason, len);
	request->reason_len = (uint32_t)len;
}

int snap_lib_request_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd < 0 ? -errno : fd;
}

/* Until fd is ready for events, or something is wrong with it. Returns 0 or ETIMEDOUT. */
static int wait_for(int fd, short events, int64_t deadline_ms)
{
	for (;;) {
		int64_t left = deadline_ms - now_ms();
		struct pollfd poll_fd = {.fd = fd, .events = events};
		if (left < 0)
			return ETIMEDOUT;
		/* Longer waits in steps: the clock decides. */
		if (poll(&poll_fd, 1, left < 1000 ? (int)left : 1000) > 0)
			return 0;
	}
}

static int connect_to(int fd, const char *path, int64_t deadline_ms)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strnlen(path, sizeof(address.sun_path));
	if (len == sizeof(address.sun_path))
		return EMSGSIZE;
	memcpy(address.sun_path, path, len);
	for (;;) {
		if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
			return 0;
		/* The backlog is full: nothing tells when it is not any more. */
		if (errno != EAGAIN && errno != EINTR)
			return errno;
		if (now_ms() > deadline_ms)
			return ETIMEDOUT;
		(void)poll(NULL, 0, 20);
	}
}

static int send_message(int fd, const void *message, size_t len, int64_t deadline_ms)
{
	for (;;) {
		ssize_t n = send(fd, message, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n == (ssize_t)len)
			return 0;
		if (n >= 0 || (errno != EAGAIN && errno != EINTR))
			return EPROTO;
		int r = wait_for(fd, POLLOUT, deadline_ms);
		if (r != 0)
			return r;
	}
}

static int receive_answer(int fd, struct snap_app_answer *answer, int64_t deadline_ms)
{
	for (;;) {
		int r = wait_for(fd, POLLIN, deadline_ms);
		if (r != 0)
			return r;
		ssize_t n = recv(fd, answer, sizeof(*answer), MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		const struct snap_app_header *header = &answer->header;
		if (n != sizeof(*answer) || header->magic != SNAP_APP_MAGIC ||
			header->version != SNAP_APP_VERSION || header->size != sizeof(*answer))
			return EPROTO;
		return 0;
	}
}

/* An errno of the server's, which is not believed to be one. */
static int refusal(uint32_t error)
{
	return error > 0 && error < 4096 ? (int)error : EPROTO;
}

int snap_lib_request(int fd, const char *path, const struct snap_app_request *request,
	bool *accepted, uint8_t uuid[static 16])
{
	*accepted = false;
	int64_t deadline = now_ms() + SNAP_APP_ACCEPT_MS;
	struct snap_app_answer answer;
	int r = connect_to(fd, path, deadline);
	if (r == 0)
		r = send_message(fd, request, request->header.size, deadline);
	if (r == 0)
		r = receive_answer(fd, &answer, deadline);
	if (r != 0)
		return r;
	if (answer.header.type == SNAP_APP_REFUSED)
		return refusal(answer.error);
	if (answer.header.type != SNAP_APP_ACCEPTED)
		return EPROTO;

	*accepted = true;
	/* Only Yama knows this, and it fails where the worker's number is of another namespace. */
	bool traced = answer.needs_ptracer != 0;
	if (traced)
		(void)prctl(PR_SET_PTRACER, (unsigned long)answer.worker_pid, 0, 0, 0);
	const struct snap_app_header go = {
		.magic = SNAP_APP_MAGIC,
		.version = SNAP_APP_VERSION,
		.type = SNAP_APP_GO,
		.size = sizeof(go),
	};
	deadline = now_ms() + SNAP_APP_DONE_MS;
	r = send_message(fd, &go, sizeof(go), deadline);
	if (r == 0)
		r = receive_answer(fd, &answer, deadline);
	if (traced)
		(void)prctl(PR_SET_PTRACER, 0ul, 0, 0, 0);
	if (r != 0)
		return r;
	if (answer.header.type != SNAP_APP_DONE)
		return EPROTO;
	if (answer.error != 0)
		return refusal(answer.error);
	memcpy(uuid, answer.uuid, 16);
	return 0;
}
