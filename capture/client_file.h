/*
 * The file that the client writes a snapshot into: one that the server gives, or, where there is no
 * server that answers in time, one of its own in the spool. Published by whoever can.
 *
 * Crash-time: no allocation, negative errno.
 */
#ifndef SNAP_CAPTURE_CLIENT_FILE_H
#define SNAP_CAPTURE_CLIENT_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "capture/config.h"
#include "capture/crash.h"
#include "capture/origin.h"
#include "capture/protocol.h"
#include "capture/server_link.h"
#include "capture/skipped.h"

struct snap_client_file {
	int fd;
	char part[32]; /* its name in the spool's incoming */
	struct snap_server_link link;
	/* Why the server did not give it; 0: it did. -ENOENT and -ECONNREFUSED: there is none. */
	int server_error;
	struct snap_bytes exe; /* in path */
	char path[PATH_MAX];
	/* From the request until the server's file came, or was given up; 0: there is no server. */
	uint64_t asked_ns, queue_time_ns;
	struct snap_origin origin; /* unless the server gave it */
	/* There is no snapshot, and nobody else counts it: snap_client_file_count(). */
	bool to_be_counted;
	enum snap_skipped_reason skipped_reason;
	int access_error; /* the readers that are configured could not be let in: negative errno */
};

/*
 * Ask the server for a file, if there is one, and go on at once. *ret stays at its place from then
 * on.
 */
void snap_client_file_ask(struct snap_client_file *ret, const struct snap_config *config,
	const struct snap_crash_facts *facts);

/*
 * Take the file that was asked for, or make one. Returns 0; 1 if there shall be none; or the
 * negative errno of the spool.
 */
int snap_client_file_take(struct snap_client_file *file, const struct snap_config *config,
	const struct snap_crash_facts *facts);

/* Both. */
int snap_client_file_open(struct snap_client_file *ret, const struct snap_config *config,
	const struct snap_crash_facts *facts);

/*
 * Where there is no snapshot: record that, unless the server did. To be called last, when the
 * process is gone. Returns 0 or a negative errno.
 */
int snap_client_file_count(struct snap_client_file *file, const struct snap_config *config,
	const struct snap_crash_facts *facts);

/* How it is to be published. */
struct snap_client_file_end {
	const uint8_t *uuid; /* 16 bytes */
	uint32_t owner;	     /* SNAP_OWNER_NONE: nobody */
	bool cut;	     /* its last checkpoint is not final */
};

/*
 * Publish the file, now that it is written, by the server or, if it does not do it within some
 * seconds, without it. Returns 0; -EDQUOT if it was removed again, because there is no room for it
 * in the spool; or another negative errno: it then keeps its name in incoming.
 */
int snap_client_file_publish(struct snap_client_file *file, const struct snap_config *config,
	const struct snap_crash_facts *facts, const struct snap_client_file_end *end);

/*
 * Tell the server that the file is written, and leave it at that: it publishes it, or the next one
 * adopts it. Returns 0, or a negative errno: there is no server, and it is to be published.
 */
int snap_client_file_hand_over(
	struct snap_client_file *file, const struct snap_client_file_end *end);

/* Nothing is to be published, for that reason: remove it. */
void snap_client_file_discard(struct snap_client_file *file, const struct snap_config *config,
	const struct snap_crash_facts *facts, enum snap_skipped_reason reason);

#endif
