#include "capture/server_link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ms(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* can't fail */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void snap_server_link_close(struct snap_server_link *link)
{
	if (link->fd >= 0)
		(void)close(link->fd); /* nothing is lost by it that send() has not told */
	link->fd = -1;
}

static int send_message(const struct snap_server_link *link, const union snap_message *message)
{
	ssize_t n;
	do
		n = send(link->fd, message, message->head.size, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == (ssize_t)message->head.size ? 0 : -EIO;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	if (len >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, len + 1);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* What connect() waits for with a full backlog, and send() with a full buffer. */
	struct timeval wait = {
		.tv_sec = SNAP_PROTOCOL_SILENCE_MS / 1000,
		.tv_usec = SNAP_PROTOCOL_SILENCE_MS % 1000 * 1000L,
	};
	struct ucred peer;
	socklen_t peer_len = sizeof(peer);
	int r = 0;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0 ||
		connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_len) < 0)
		r = -errno;
	/* Where not only root can make sockets, not every socket is the server's. */
	else if (peer.uid != 0)
		r = -EPERM;
	if (r < 0) {
		(void)close(fd); /* nothing was sent */
		return r;
	}
	return fd;
}

int snap_server_link_request(
	struct snap_server_link *link, const char *path, union snap_message *request)
{
	link->asked_ms = now_ms();
	link->answered_ms = link->asked_ms;
	link->fd = connect_to(path);
	if (link->fd < 0) {
		int r = link->fd;
		link->fd = -1;
		return r;
	}
	int r = send_message(link, request);
	if (r < 0)
		snap_server_link_close(link);
	return r;
}

/*
 * Receive one message, at the latest at the time given. Descriptors that come along: exactly one
 * into *ret_fd if that is not NULL; any others are closed, and make the message a bad one. Returns
 * its type or a negative errno.
 */
static int receive(
	const struct snap_server_link *link, int64_t until_ms, union snap_message *ret, int *ret_fd)
{
	for (;;) {
		int64_t left = until_ms - now_ms();
		if (left <= 0)
			return -ETIMEDOUT;
		struct pollfd poll_fd = {.fd = link->fd, .events = POLLIN};
		int n = poll(&poll_fd, 1, (int)left);
		if (n > 0)
			break;
		if (n < 0 && errno != EINTR)
			return -errno;
	}

	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(8 * sizeof(int))];
	} control;
	struct iovec part = {ret, sizeof(*ret)};
	struct msghdr header = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t len = recvmsg(link->fd, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (len < 0)
		return -errno;

	int fd = -1;
	bool too_many = false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; CMSG_LEN((i + 1) * sizeof(int)) <= c->cmsg_len; i++) {
			int one;
			memcpy(&one, CMSG_DATA(c) + i * sizeof(int), sizeof(one));
			if (ret_fd && fd < 0) {
				fd = one;
			} else {
				(void)close(one); /* not asked for */
				too_many = true;
			}
		}
	}
	int r = len == 0 ? -ECONNRESET : snap_message_check(ret, (size_t)len, false);
	if (r >= 0 && (too_many || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
			      (fd >= 0) != (r == SNAP_MESSAGE_GRANTED)))
		r = -EBADMSG;
	if (r < 0 && fd >= 0)
		(void)close(fd); /* nothing was written */
	else if (fd >= 0)
		*ret_fd = fd;
	return r;
}

/* A file to write a snapshot into, and nothing else. */
static bool is_empty_file(int fd)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);
	return flags >= 0 && (flags & O_ACCMODE) == O_RDWR && !(flags & O_APPEND) &&
	       fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0;
}

static int take_answer(struct snap_server_link *link, int64_t queue_ends_ms,
	struct snap_server_file *ret, enum snap_refusal *ret_refusal)
{
	for (;;) {
		union snap_message message;
		int64_t until = link->answered_ms + SNAP_PROTOCOL_SILENCE_MS;
		int fd = -1;
		int r = receive(link, until < queue_ends_ms ? until : queue_ends_ms, &message, &fd);
		if (r < 0)
			return r;
		switch (r) {
		case SNAP_MESSAGE_QUEUED:
			link->answered_ms = now_ms();
			break;
		case SNAP_MESSAGE_REFUSED:
			*ret_refusal = (enum snap_refusal)message.refused.reason;
			return 1;
		case SNAP_MESSAGE_GRANTED:
			if (!is_empty_file(fd)) {
				(void)close(fd); /* nothing was written */
				return -EBADMSG;
			}
			ret->fd = fd;
			memcpy(ret->part, message.granted.part, sizeof(ret->part));
			return 0;
		default:
			return -EBADMSG;
		}
	}
}

int snap_server_link_wait(
	struct snap_server_link *link, struct snap_server_file *ret, enum snap_refusal *ret_refusal)
{
	if (link->fd < 0)
		return -ENOTCONN;
	int r = take_answer(link, link->asked_ms + SNAP_PROTOCOL_QUEUE_MS, ret, ret_refusal);
	if (r != 0)
		snap_server_link_close(link);
	return r;
}

int snap_server_link_complete(struct snap_server_link *link, union snap_message *complete)
{
	return link->fd < 0 ? -ENOTCONN : send_message(link, complete);
}

int snap_server_link_done(struct snap_server_link *link, int64_t wait_ms)
{
	if (link->fd < 0)
		return -ENOTCONN;
	union snap_message message;
	int r = receive(link, now_ms() + wait_ms, &message, NULL);
	if (r == SNAP_MESSAGE_DONE)
		r = message.done.error;
	else if (r >= 0)
		r = -EBADMSG;
	snap_server_link_close(link);
	return r;
}
