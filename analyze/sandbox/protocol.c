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

int snap_packet_send(int socket, const void *bytes, size_t len, int fd, int flags)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_base = (void *)bytes, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	if (fd >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control.space);
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	ssize_t n;
	do
		n = sendmsg(socket, &msg, MSG_NOSIGNAL | flags);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

ssize_t snap_packet_receive(int socket, void *buf, size_t size, int *ret_fd, int flags)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_base = buf, .iov_len = size};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	if (ret_fd) {
		*ret_fd = -1;
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control.space);
	}
	ssize_t n;
	do
		n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC | flags);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	struct cmsghdr *c = ret_fd ? CMSG_FIRSTHDR(&msg) : NULL;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
		c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_fd, CMSG_DATA(c), sizeof(int));
	return msg.msg_flags & MSG_TRUNC ? -EMSGSIZE : n;
}
