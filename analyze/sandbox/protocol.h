/*
 * What a worker asks of the broker in its parent, and how both put it: each message is one packet
 * of a SOCK_SEQPACKET pair, a fixed head and strings whose lengths it has. There are two pairs:
 *
 * - the line: requests and their answers, one at a time.
 * - the work: what the worker is to do comes by it, much of it ahead of time, and what it has printed
 *   and is done with goes back. The parent need not hear that at once: while a worker still has much
 *   to do the parent only looks from time to time, since each time that one wakes the other costs as
 *   much as a small input. Before it answers a request it has read all that was printed before.
 *
 * Descriptors go from the broker to the worker only.
 */
#ifndef SNAP_ANALYZE_SANDBOX_PROTOCOL_H
#define SNAP_ANALYZE_SANDBOX_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/bytes.h"
#include "common/snapshot.h"

enum snap_request_op {
	SNAP_REQUEST_OUTPUT = 1, /* by the work: bytes that it printed. Not answered */
	SNAP_REQUEST_DONE,	/* by the work: number: exit status of the input; the last bytes that it
				   printed. Not answered: it goes on with the next */
	SNAP_REQUEST_WAKE,	/* there is something to be read by the work. Not answered */
	SNAP_REQUEST_COMPLAIN,	/* a line for stderr */
	SNAP_REQUEST_PROGRESS,	/* number: enum snap_progress_event; text */
	SNAP_REQUEST_LIBRARY,	/* number: enum snap_library; the worker is replaced by one that has it */
	SNAP_REQUEST_INPUT,	/* the input itself */
	SNAP_REQUEST_TEMPORARY, /* a temporary file */
	SNAP_REQUEST_OPEN,	/* number: enum snap_remote_root; a path */
	SNAP_REQUEST_REAL_PATH, /* of a file that the user named */
	SNAP_REQUEST_SCAN,	/* what is in a tree, as find/tree_scan.h has it */
	SNAP_REQUEST_SOURCE,	/* number: index of a tree of --source; a path below it */
	SNAP_REQUEST_CACHE_OPEN,    /* kind, key; number: 1 if it is a use */
	SNAP_REQUEST_CACHE_BEGIN,   /* kind */
	SNAP_REQUEST_CACHE_PUBLISH, /* key, of what was begun */
	SNAP_REQUEST_FETCH,	    /* build ID, name; number: enum snap_candidate_role */
	SNAP_REQUEST_OUTPUT_OPEN,   /* what -o names */
	SNAP_REQUEST_OUTPUT_PUBLISH,
	SNAP_REQUEST_STORE_OPEN,  /* what is kept in --store: "xx", name */
	SNAP_REQUEST_STORE_PLACE, /* keep the file there that was opened last but so many (number &
				     0xff): "xx", name; number also has the flags */
	SNAP_REQUEST_BYE, /* it ends now. Not answered */
	SNAP_NUM_REQUESTS,
};

#define SNAP_PLACE_LINK	 0x100u
#define SNAP_PLACE_FORCE 0x200u

/* Libraries that are loaded only where they are needed, which a worker can't do any more. */
enum snap_library {
	SNAP_LIBRARY_ARCHIVE,
	SNAP_LIBRARY_DEFLATE,
	SNAP_LIBRARY_ZSTD,
	SNAP_LIBRARY_CAPSTONE,
	SNAP_NUM_LIBRARIES,
};

#define SNAP_REQUEST_STRINGS 2
#define SNAP_MAX_OUTPUT	     32768 /* of one packet */
#define SNAP_MAX_STRING	     4096 /* Linux's PATH_MAX */

struct snap_request {
	uint32_t op;
	uint32_t number;
	uint32_t len[SNAP_REQUEST_STRINGS];
	/* On the wire only the lengths' bytes of it; then the strings, one after the other. */
	char bytes[SNAP_MAX_OUTPUT];
};
#define SNAP_REQUEST_HEAD offsetof(struct snap_request, bytes)

/*
 * Whether a packet of n bytes is a request as it should be: known, of exactly its length, no string
 * too long or with a NUL in it (but a build ID, which are bytes). Splits it: text[i] is a string of
 * its own, NUL-terminated; output points into the request, and is of SNAP_REQUEST_OUTPUT and _DONE
 * alone, which have no strings.
 */
struct snap_request_view {
	enum snap_request_op op;
	uint32_t number;
	struct snap_bytes output;
	size_t len[SNAP_REQUEST_STRINGS];
	char text[SNAP_REQUEST_STRINGS][SNAP_MAX_STRING + 1];
};
bool snap_request_read(const struct snap_request *request, size_t n, struct snap_request_view *ret);

#define SNAP_REPLY_STRINGS 3

struct snap_reply {
	int32_t result; /* 0 or -1 */
	uint32_t code;	/* enum snap_error_code of a failure */
	int32_t errnum;
	uint32_t number;
	uint32_t len[SNAP_REPLY_STRINGS];
	char bytes[SNAP_MAX_STRING + 2048];
};
#define SNAP_REPLY_HEAD offsetof(struct snap_reply, bytes)

/* What the parent tells a worker that waits for work. */
enum snap_command_op {
	SNAP_COMMAND_RUN = 1, /* the inputs from this index on, one after the other */
	SNAP_COMMAND_FINISH,  /* keep what is worth it, and end */
};

/* Inputs that are given in one packet; not more descriptors than the kernel takes (253). */
#define SNAP_MAX_GIVEN 32

#define SNAP_MAX_QUARANTINED 8

struct snap_quarantined {
	uint32_t len;
	uint8_t build_id[SNAP_MAX_BUILD_ID];
	char why[192]; /* NUL-terminated, safe to print */
};

struct snap_command {
	uint32_t op;
	uint32_t index, num_inputs;
	uint32_t has_file; /* bit i: the input index + i comes with it, as the next descriptor */
	uint32_t is_unheard; /* it has to say when it is out of work, or has no room for output */
	uint32_t num_quarantined; /* of all these inputs */
	/* On the wire only as many as there are. */
	struct snap_quarantined quarantined[SNAP_MAX_QUARANTINED];
};
#define SNAP_COMMAND_HEAD offsetof(struct snap_command, quarantined)

/*
 * Send a packet, with a descriptor if fd >= 0. 0 or a negative errno; never SIGPIPE. flags:
 * MSG_DONTWAIT or 0.
 */
int snap_packet_send(int socket, const void *bytes, size_t len, int fd, int flags);
/* The same with num_fds <= SNAP_MAX_GIVEN descriptors. */
int snap_packet_send_fds(int socket, const void *bytes, size_t len, const int *fds, size_t num_fds,
	int flags);

/*
 * Receive one. Returns its length (0: the other end is closed), or a negative errno; -EMSGSIZE if
 * it is longer than size. *ret_fd is a descriptor that came with it, or -1; NULL: none is taken,
 * the kernel drops them.
 */
ssize_t snap_packet_receive(int socket, void *buf, size_t size, int *ret_fd, int flags);
/* The same with up to SNAP_MAX_GIVEN descriptors; those that did not come are -1. */
ssize_t snap_packet_receive_fds(int socket, void *buf, size_t size, int ret_fds[SNAP_MAX_GIVEN],
	int flags);

/* Append the strings to a reply or request; false if they don't fit. */
bool snap_reply_add(struct snap_reply *reply, size_t i, const char *text);

#endif
