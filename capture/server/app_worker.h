/*
 * One snapshot that a program has asked for: what a child of the server does for it, from the
 * answer to the request to the published file.
 *
 * Privileged, parses hostile input. Only the process at the other end of the connection is ever
 * looked at, whatever its message says. The file comes from the server, and goes through its
 * socket, as a client's does.
 */
#ifndef SNAP_CAPTURE_SERVER_APP_WORKER_H
#define SNAP_CAPTURE_SERVER_APP_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/app_protocol.h"
#include "capture/config.h"
#include "capture/server/peer.h"

struct snap_app_work {
	const struct snap_config *config;
	int fd; /* the connection */
	struct snap_peer peer;
	struct snap_app_request request; /* valid */
};

/* Whether len bytes, just received, are a request. */
bool snap_app_request_is_valid(const struct snap_app_request *request, size_t len);

/* Answer; what can't be sent at once is not. error: an errno, or 0. uuid: of DONE, or NULL. */
void snap_app_answer(int fd, enum snap_app_type type, int error, const uint8_t *uuid);

/* In the child, which ends with it. Returns its exit status: 0 if the program was answered. */
int snap_app_work(const struct snap_app_work *work);

#endif
