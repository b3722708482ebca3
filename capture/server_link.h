/*
 * The client's side of the hand-over: asks the server for a file in the spool, and says when it is
 * written. Whatever goes wrong, the caller can go on with a file of its own (capture/spool.h).
 *
 * Crash-time: no allocation, negative errno, and nothing here waits longer than it says.
 */
#ifndef SNAP_CAPTURE_SERVER_LINK_H
#define SNAP_CAPTURE_SERVER_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/protocol.h"

struct snap_server_link {
	int fd;		     /* -1: there is no server */
	int64_t asked_ms;    /* when, by CLOCK_MONOTONIC */
	int64_t answered_ms; /* the last answer, or asked_ms */
};
#define SNAP_SERVER_LINK_INIT                                                                      \
	{                                                                                          \
		-1, 0, 0                                                                           \
	}

/*
 * Connect to the server at the path and send *request, of which only the head need not be filled
 * in. Waits at most SNAP_PROTOCOL_SILENCE_MS (for a server whose queue of connections is full).
 * Returns 0, or a negative errno: there is no server that would answer.
 */
int snap_server_link_request(
	struct snap_server_link *link, const char *path, union snap_message *request);

/* What the server gave. */
struct snap_server_file {
	int fd;	       /* open for reading and writing, empty, the caller's to close */
	char part[32]; /* its name in the spool's incoming */
};

/*
 * Wait for the answer: at most SNAP_PROTOCOL_SILENCE_MS for the first and between two of them, and
 * SNAP_PROTOCOL_QUEUE_MS altogether. Returns 0 and fills *ret; 1 if the server refused, with the
 * reason in *ret_refusal; or a negative errno. Unless it is 0, the link is closed.
 */
int snap_server_link_wait(struct snap_server_link *link, struct snap_server_file *ret,
	enum snap_refusal *ret_refusal);

/*
 * Tell that the file is written. *complete: all but its head filled in. Returns 0 or a negative
 * errno.
 */
int snap_server_link_complete(struct snap_server_link *link, union snap_message *complete);

/*
 * Wait until the file is published, at most wait_ms. Returns 0; or a negative errno: the server
 * could not, or is gone. The link is closed in any case.
 */
int snap_server_link_done(struct snap_server_link *link, int64_t wait_ms);

void snap_server_link_close(struct snap_server_link *link);

#endif
