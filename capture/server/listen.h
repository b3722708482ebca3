/*
 * The server's sockets: those that systemd passes, and those that it makes itself.
 *
 * A server that listens at a path holds the lock of the file PATH.lock beside it, so that no two
 * take the path from each other; a socket that a server left behind when it was killed is replaced
 * in one step.
 */
#ifndef SNAP_CAPTURE_SERVER_LISTEN_H
#define SNAP_CAPTURE_SERVER_LISTEN_H

#include <stdbool.h>
#include <sys/types.h>

#include "capture/config.h"
#include "common/error.h"

struct snap_listener {
	int fd; /* -1: none */
	int lock_fd;
	bool passed; /* by systemd, whose path it is */
	char path[SNAP_CONFIG_SOCKET_MAX];
	dev_t dev; /* of the path, unless passed */
	ino_t ino;
};
#define SNAP_LISTENER_INIT                                                                         \
	{                                                                                          \
		-1, -1, false, "", 0, 0                                                            \
	}

/*
 * Listen at path: on a socket that was passed under the name, or with that path; else on one that
 * is made, with the mode, in directories that are made where they are missing. type: SOCK_SEQPACKET
 * or SOCK_STREAM. The descriptor does not block. Returns 0, or -1 with *err.
 */
int snap_listen(struct snap_listener *ret, const char *path, const char *name, int type,
	mode_t mode, struct snap_error *err);

/* Stop, and remove the path if it still is ours. */
void snap_listener_close(struct snap_listener *listener);

/* Take over what systemd passed; to be called once, first. */
void snap_listen_init(void);

/* Close what was passed and nobody listens on, with a word in the log. */
void snap_listen_finish(void);

#endif
