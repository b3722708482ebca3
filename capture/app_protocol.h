/*
 * What libsnapcrash and the server say to each other over app_socket: SOCK_SEQPACKET, one message a
 * packet, of a fixed size by its type, in the machine's byte order.
 *
 *    program                          server, and the worker that it forks for the connection
 *    SNAPSHOT or CRASH  ------------>
 *                       <------------ ACCEPTED, or REFUSED and the end
 *    GO                 ------------>
 *                       <------------ DONE
 *
 * The program is who the kernel says is at the other end; what a message says of threads and
 * registers is looked at only within that very process. The program lets the worker trace it (if it
 * has to: needs_ptracer) between ACCEPTED and GO.
 */
#ifndef SNAP_CAPTURE_APP_PROTOCOL_H
#define SNAP_CAPTURE_APP_PROTOCOL_H

#include <stdint.h>

/* "SNAP" read as a little-endian number. */
#define SNAP_APP_MAGIC	 0x50414e53u
#define SNAP_APP_VERSION 1u

enum snap_app_type {
	SNAP_APP_SNAPSHOT = 1, /* struct snap_app_request without its crash */
	SNAP_APP_CRASH = 2,    /* struct snap_app_request */
	SNAP_APP_GO = 3,       /* struct snap_app_header alone */
	SNAP_APP_ACCEPTED = 16,
	SNAP_APP_REFUSED = 17,
	SNAP_APP_DONE = 18,
};

struct snap_app_header {
	uint32_t magic;
	uint16_t version;
	uint16_t type; /* enum snap_app_type */
	uint32_t size; /* of the whole message */
};

#define SNAP_APP_MAX_REASON 256u
#define SNAP_APP_MAX_REGS   512u
#define SNAP_APP_MAX_FPREGS 1024u

struct snap_app_request {
	struct snap_app_header header;
	uint32_t tid; /* the calling thread's, as the program numbers it */
	uint32_t reason_len;
	char reason[SNAP_APP_MAX_REASON];
	/* SNAP_APP_CRASH: */
	int32_t signo;
	uint32_t siginfo_len, regs_len, fpregs_len;
	uint8_t siginfo[128];
	/* As NT_PRSTATUS's pr_reg and NT_FPREGSET have them, of where the signal came. */
	uint8_t regs[SNAP_APP_MAX_REGS];
	uint8_t fpregs[SNAP_APP_MAX_FPREGS];
};
/* Of SNAP_APP_SNAPSHOT. */
#define SNAP_APP_SNAPSHOT_SIZE __builtin_offsetof(struct snap_app_request, signo)

struct snap_app_answer {
	struct snap_app_header header;
	uint32_t error; /* of REFUSED and DONE: an errno, 0 if published */
	uint32_t worker_pid;
	uint32_t needs_ptracer; /* of ACCEPTED */
	uint8_t uuid[16];	/* of DONE */
};

/* How long the program waits, in milliseconds: until ACCEPTED or REFUSED, and from GO to DONE. */
#define SNAP_APP_ACCEPT_MS 2000
#define SNAP_APP_DONE_MS   10000

#endif
