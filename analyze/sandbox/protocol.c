#include "analyze/sandbox/protocol.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

bool snap_request_read(const struct snap_request *request, size_t n, struct snap_request_view *ret)
{
	size_t off = 0;
	if (n < SNAP_REQUEST_HEAD || request->op == 0 || request->op >= SNAP_NUM_REQUESTS)
		return false;
	bool is_output =
		request->op == SNAP_REQUEST_OUTPUT || request->op == SNAP_REQUEST_DONE;
	for (size_t i = 0; i < SNAP_REQUEST_STRINGS; i++)
		if (request->len[i] > (is_output ? SNAP_MAX_OUTPUT : SNAP_MAX_STRING))
			return false;
	if (n - SNAP_REQUEST_HEAD != (size_t)request->len[0] + request->len[1])
		return false;
	ret->op = (enum snap_request_op)request->op;
	ret->number = request->number;
	ret->output = snap_bytes(NULL, 0);
	if (is_output) {
		for (size_t i = 0; i < SNAP_REQUEST_STRINGS; i++) {
			ret->len[i] = 0;
			ret->text[i][0] = '\0';
		}
		ret->output = snap_bytes((const uint8_t *)request->bytes, request->len[0]);
		return request->len[1] == 0;
	}
	for (size_t i = 0; i < SNAP_REQUEST_STRINGS; i++) {
		size_t len = request->len[i];
		bool is_binary = ret->op == SNAP_REQUEST_FETCH && i == 0;
		if (!is_binary && memchr(request->bytes + off, '\0', len))
			return false;
		memcpy(ret->text[i], request->bytes + off, len);
		ret->text[i][len] = '\0';
		ret->len[i] = len;
		off += len;
	}
	return true;
}

bool snap_reply_add(struct snap_reply *reply, size_t i, const char *text)
{
	size_t off = 0, len = strlen(text);
	for (size_t j = 0; j < SNAP_REPLY_STRINGS; j++)
		off += reply->len[j];
	if (len > sizeof(reply->bytes) - off)
		return false;
	memcpy(reply->bytes + off, text, len);
	reply->len[i] = (uint32_t)len;
	return true;
}

/* Of descriptors, which go with a packet. */
union control {
	struct cmsghdr head;
	char space[CMSG_SPACE(sizeof(int) * SNAP_MAX_GIVEN)];
};

int snap_packet_send_fds(int socket, const void *bytes, size_t len, const int *fds, size_t num_fds,
	int flags)
{
	union control control;
	struct iovec iov = {.iov_base = (void *)bytes, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	if (num_fds > SNAP_MAX_GIVEN)
		return -EINVAL;
	if (num_fds > 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * num_fds);
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * num_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * num_fds);
	}
	ssize_t n;
	do
		n = sendmsg(socket, &msg, MSG_NOSIGNAL | flags);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int snap_packet_send(int socket, const void *bytes, size_t len, int fd, int flags)
{
	return snap_packet_send_fds(socket, bytes, len, &fd, fd >= 0, flags);
}

/* Up to max descriptors, into fds; the kernel drops others. */
static ssize_t receive(int socket, void *buf, size_t size, int *fds, size_t max, int flags)
{
	union control control;
	struct iovec iov = {.iov_base = buf, .iov_len = size};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	for (size_t i = 0; i < max; i++)
		fds[i] = -1;
	if (max > 0) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_LEN(sizeof(int) * max); /* else another has room, too */
	}
	ssize_t n;
	do
		n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC | flags);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	struct cmsghdr *c = max > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
		c->cmsg_len <= CMSG_LEN(sizeof(int) * max))
		memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	return msg.msg_flags & MSG_TRUNC ? -EMSGSIZE : n;
}

ssize_t snap_packet_receive_fds(int socket, void *buf, size_t size, int ret_fds[SNAP_MAX_GIVEN],
	int flags)
{
	return receive(socket, buf, size, ret_fds, SNAP_MAX_GIVEN, flags);
}

ssize_t snap_packet_receive(int socket, void *buf, size_t size, int *ret_fd, int flags)
{
	return receive(socket, buf, size, ret_fd, ret_fd ? 1 : 0, flags);
}
