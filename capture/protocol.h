/*
 * What client and server say to each other, over a socket of type SOCK_SEQPACKET on one machine.
 *
 *     client                         server
 *     REQUEST  ------------------->
 *              <-------------------  QUEUED (repeated while it waits), then
 *              <-------------------  GRANTED, with the file's descriptor, or REFUSED
 *     COMPLETE ------------------->
 *              <-------------------  DONE: it is on disk under its name
 *
 * Each message is one packet of the size that belongs to its type, in the machine's own byte order,
 * and begins with the same head. Whatever does not fit is refused as a whole.
 *
 * Crash-time: no allocation, negative errno. Both sides take the other for hostile.
 */
#ifndef SNAP_CAPTURE_PROTOCOL_H
#define SNAP_CAPTURE_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNAP_PROTOCOL_MAGIC   0x48434e53u /* "SNCH" in memory */
#define SNAP_PROTOCOL_VERSION 1

/* The longest silence after which a client takes the server for hung. */
#define SNAP_PROTOCOL_SILENCE_MS 1000
/* How often a server says QUEUED. */
#define SNAP_PROTOCOL_QUEUED_MS 300
/* How long a client waits for its turn before it writes to the spool without the server. */
#define SNAP_PROTOCOL_QUEUE_MS 4000

enum snap_message_type {
	SNAP_MESSAGE_REQUEST = 1,
	SNAP_MESSAGE_QUEUED,
	SNAP_MESSAGE_GRANTED,
	SNAP_MESSAGE_REFUSED,
	SNAP_MESSAGE_COMPLETE,
	SNAP_MESSAGE_DONE,
};

struct snap_message_head {
	uint32_t magic;
	uint16_t version;
	uint16_t type;
	uint32_t size; /* of the whole message */
	uint32_t zero;
};

/* Strings are NUL-terminated within their array. */
struct snap_message_request {
	struct snap_message_head head;
	uint64_t pid, tid; /* as the initial namespace has them */
	int64_t time_s;
	uint32_t signo, uid;
	uint32_t on_demand; /* 0, or 1: a program has asked for it (capture/server/app.h) */
	uint32_t zero;
	char comm[64];
	char exe[256]; /* raw bytes of its path, cut to fit; "": not known */
};

struct snap_message_queued {
	struct snap_message_head head;
};

struct snap_message_granted {
	struct snap_message_head head;
	char part[32]; /* the file's name in the spool's incoming */
};

enum snap_refusal {
	/* There shall be no snapshot; the server has counted the crash as skipped. */
	SNAP_REFUSED_RATE = 1,
	SNAP_REFUSED_IGNORED,
	SNAP_REFUSED_FULL,
	/* The server can't, but the client may by itself. */
	SNAP_REFUSED_BUSY,
	SNAP_REFUSED_STOPPING,
	SNAP_REFUSED_ERROR,
};
#define SNAP_REFUSED_LAST SNAP_REFUSED_ERROR

struct snap_message_refused {
	struct snap_message_head head;
	uint32_t reason; /* enum snap_refusal */
	uint32_t zero;
};

#define SNAP_OWNER_NONE UINT32_MAX

struct snap_message_complete {
	struct snap_message_head head;
	uint8_t uuid[16];
	uint32_t
		owner; /* a uid that may read it if the configuration says so, or SNAP_OWNER_NONE */
	uint32_t cut;  /* 0, or 1: not all could be written, and the last checkpoint is not final */
};

struct snap_message_done {
	struct snap_message_head head;
	int32_t error; /* 0 or a negative errno: it has not got its name */
	uint32_t zero;
	char name[256]; /* in the spool */
};

/* Large enough for any of them, and aligned. */
union snap_message {
	struct snap_message_head head;
	struct snap_message_request request;
	struct snap_message_queued queued;
	struct snap_message_granted granted;
	struct snap_message_refused refused;
	struct snap_message_complete complete;
	struct snap_message_done done;
};

/* Zero the message and fill in its head. */
void snap_message_init(union snap_message *message, enum snap_message_type type);

/*
 * Copy text, cut to fit, into a message's array of size bytes, which is zero. NULL: nothing.
 */
void snap_message_set_text(char *to, size_t size, const char *text);

/*
 * Whether len bytes, just received, are a message that the side which got them may get. Returns its
 * type, or a negative errno: -EPROTO if it is none of ours, -EPROTONOSUPPORT if it is another
 * version's, -EBADMSG if its content is not what it should be.
 */
int snap_message_check(const union snap_message *message, size_t len, bool from_client);

/* What is wrong, in words, for such an errno. */
const char *snap_message_fault(int error);

/* In words. */
const char *snap_refusal_text(enum snap_refusal reason);

/* Whether the client is to write no snapshot at all. */
static inline bool snap_refusal_is_final(enum snap_refusal reason)
{
	return reason <= SNAP_REFUSED_FULL;
}

/* <16 lower-case hex digits>.part */
bool snap_message_part_is_valid(const char *part);

#endif
