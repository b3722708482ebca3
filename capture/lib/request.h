/*
 * Asks the server for a snapshot of this process (capture/app_protocol.h).
 *
 * Runs in signal handlers: system calls alone, each with a deadline.
 */
#ifndef SNAP_CAPTURE_LIB_REQUEST_H
#define SNAP_CAPTURE_LIB_REQUEST_H

#include <stdbool.h>

#include "capture/app_protocol.h"
#include "capture/lib/snapcrash.h"

/*
 * Fill in what is the same in every request: its header, the thread that calls, the reason (cut to
 * fit).
 */
void snap_lib_request_init(
	struct snap_app_request *request, enum snap_app_type type, const char *reason);

/*
 * Ask over fd, a socket of snap_lib_request_socket() that is not connected yet. path: an absolute
 * path of less than SNAPCRASH_MAX_SOCKET bytes. Returns 0 and the snapshot's uuid, or a positive
 * errno (snapcrash.h says which); *accepted: whether the server has begun with it.
 */
int snap_lib_request(int fd, const char *path, const struct snap_app_request *request,
	bool *accepted, uint8_t uuid[static 16]);

/* A socket for that, or a negative errno. */
int snap_lib_request_socket(void);

#endif
