/*
 * A child of the server that waits for one connection of the kernel to the coredump socket,
 * captures the process that dumps core, lets it go, and only then goes the way of a client: asks
 * the server for a file, fills it, and says so.
 *
 * Crash-time, privileged, parses hostile input. All that takes time without need is done before.
 */
#ifndef SNAP_CAPTURE_SERVER_COREDUMP_WORKER_H
#define SNAP_CAPTURE_SERVER_COREDUMP_WORKER_H

#include "capture/config.h"

/*
 * listener_fd: blocks. done_fd: gets one byte when a connection was dealt with. As long as there is
 * none, it ends by SIGTERM, or with its parent; from then on it has so many seconds as the
 * configuration gives a dump. Returns the exit status of the child: it serves once.
 */
int snap_coredump_worker_run(const struct snap_config *config, int listener_fd, int done_fd);

#endif
