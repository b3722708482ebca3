/*
 * One message with at most one descriptor, over a Unix socket.
 */
#ifndef SNAP_CAPTURE_SERVER_FD_PASS_H
#define SNAP_CAPTURE_SERVER_FD_PASS_H

#include <stddef.h>

/*
 * Send the whole message; passed_fd: to go along, or -1. flags: of send(2). Returns 0 or a negative
 * errno.
 */
int snap_fd_send(int socket, const void *message, size_t len, int passed_fd, int flags);

/*
 * Receive a message of just that length. Returns 1, with what came along in *ret_passed_fd or -1 if
 * nothing did; 0 at the end; or a negative errno: -EBADMSG if it has another length.
 */
int snap_fd_receive(int socket, void *message, size_t len, int *ret_passed_fd, int flags);

#endif
