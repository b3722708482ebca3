/*
 * What systemd and the server have to say to each other: sd_notify(3)'s messages and its watchdog,
 * sd_listen_fds(3)'s sockets. Without systemd the variables are missing and nothing happens.
 */
#ifndef SNAP_CAPTURE_SERVER_NOTIFY_H
#define SNAP_CAPTURE_SERVER_NOTIFY_H

#include <stdint.h>

/* Lines "KEY=value"; see sd_notify(3). Never blocks. */
void snap_notify(const char *lines);

/* Milliseconds between two "WATCHDOG=1", or 0: nobody waits for them. */
int64_t snap_notify_watchdog_ms(void);

#define SNAP_LISTEN_FDS_MAX 8

/*
 * The sockets that were passed, their names (from $LISTEN_FDNAMES; "" where it has none) into
 * names. They are made close-on-exec. Returns their number, at most SNAP_LISTEN_FDS_MAX.
 */
struct snap_passed_socket {
	int fd;
	char name[64];
};
unsigned int snap_notify_listen_fds(struct snap_passed_socket ret[static SNAP_LISTEN_FDS_MAX]);

/* Remove the variables, so that no child takes them for its own. */
void snap_notify_forget(void);

#endif
