#include "capture/server/fd_pass.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int snap_fd_send(int socket, const void *message, size_t len, int passed_fd, int flags)
{
	union control control = {.bytes = {0}};
	/* sendmsg() does not write through it, it only lacks the const. */
	struct iovec part = {(void *)(uintptr_t)message, len};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
	if (passed_fd >= 0) {
		header.msg_control = &control;
		header.msg_controllen = sizeof(control);
		struct cmsghdr *c = CMSG_FIRSTHDR(&header);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &passed_fd, sizeof(int));
	}
	ssize_t n;
	do
		n = sendmsg(socket, &header, MSG_NOSIGNAL | flags);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == (ssize_t)len ? 0 : -EIO;
}

int snap_fd_receive(int socket, void *message, size_t len, int *ret_passed_fd, int flags)
{
	union control control;
	struct iovec part = {message, len};
	struct msghdr header = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;
	do
		n = recvmsg(socket, &header, MSG_CMSG_CLOEXEC | flags);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno : 0;
	int fd = -1;
	struct cmsghdr *c = CMSG_FIRSTHDR(&header);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
		c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(c), sizeof(int));
	if (n != (ssize_t)len || (header.msg_flags & MSG_TRUNC)) {
		if (fd >= 0)
			(void)close(fd); /* nothing was written */
		return -EBADMSG;
	}
	*ret_passed_fd = fd;
	return 1;
}
