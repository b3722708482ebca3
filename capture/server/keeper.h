/*
 * A child of the server that does to the spool what may have to wait for a disk: creating files,
 * bringing them to disk, naming and deleting them. The server and it exchange fixed-size messages
 * over a socket pair; it handles one after the other.
 *
 * It ends when the server does, after finishing what was asked, and is started anew should it end
 * earlier. It is privileged, and parses nothing that came from a target.
 */
#ifndef SNAP_CAPTURE_SERVER_KEEPER_H
#define SNAP_CAPTURE_SERVER_KEEPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "capture/config.h"
#include "capture/protocol.h"
#include "capture/server/loop.h"

enum snap_keeper_op {
	/* A file for a crash: uid, signo, comm, exe. Answered by OPENED: a descriptor and part; or
	 * error; or a refusal. */
	SNAP_KEEPER_OPEN = 1,
	SNAP_KEEPER_OPENED,
	/* To be published: part, name, owner, cut, as_it_is, and the descriptor. Answered by
	 * PUBLISHED with error: -ENOENT if it is not there any more, -EBADMSG if it does not end as
	 * it should. */
	SNAP_KEEPER_PUBLISH,
	SNAP_KEEPER_PUBLISHED,
	/* part is not wanted any more. No answer. */
	SNAP_KEEPER_DISCARD,
	/* Look for files that nobody writes any more. Answered by some ORPHANs, part and descriptor
	 * each, and one SWEPT, whose more says that there are others. */
	SNAP_KEEPER_SWEEP,
	SNAP_KEEPER_ORPHAN,
	SNAP_KEEPER_SWEPT,
};

struct snap_keeper_message {
	uint32_t op;
	uint32_t id; /* the asker's own; comes back with the answer */
	int32_t error;
	uint32_t refusal; /* 0: none */
	uint32_t uid, signo, owner;
	uint8_t cut;	   /* it may end with a checkpoint that is not final */
	uint8_t as_it_is;  /* however it ends: it was adopted */
	uint8_t on_demand; /* not a crash, but a snapshot that a program asked for */
	uint8_t more;
	uint64_t pid;
	int64_t time_s;
	char comm[64];
	char exe[256];
	char part[32];
	char name[256];
};

struct snap_keeper {
	struct snap_loop *loop;
	const char *what; /* "opener", ...: for the log */
	bool in_hurry;	  /* clients wait for it */
	const struct snap_config *config;
	/* Owns fd, which is -1 if none came along. */
	void (*answer)(void *arg, const struct snap_keeper_message *message, int fd);
	/* It was started anew: whatever was asked and not answered is to be asked again. */
	void (*renewed)(void *arg);
	void *arg;

	struct snap_watch watch; /* fd -1: there is none now */
	struct snap_timer retry;
	int64_t started_ms;
};

/* Start it; the members before watch are filled in. Returns 0 or a negative errno. */
int snap_keeper_start(struct snap_keeper *keeper);

/*
 * Ask. fd: to be sent along, or -1; stays the caller's. Returns 0, or a negative errno: -EAGAIN if
 * there is none now (renewed() will follow), or it is too far behind.
 */
int snap_keeper_ask(struct snap_keeper *keeper, const struct snap_keeper_message *message, int fd);

/* Let it finish what was asked, and start another one, which has the configuration as it is now. */
void snap_keeper_restart(struct snap_keeper *keeper);

/* Let it finish what was asked; nothing more is heard of it. */
void snap_keeper_stop(struct snap_keeper *keeper);

/* What the child runs, until the other end is closed. */
int snap_keeper_serve(int fd, const struct snap_config *config);

#endif
