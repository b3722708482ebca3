#include "capture/server/dumps.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/server/adoption.h"
#include "capture/server/fd_pass.h"
#include "capture/server/log.h"
#include "capture/server/peer.h"

/* Until a client that has connected has asked. */
#define HELLO_MS 1000
/* After the time of a dump, until its client is killed: it has an alarm of its own. */
#define GRACE_MS 1000
/* After which a client has stopped waiting for its turn, or for the end. */
#define FORGET_MS (SNAP_PROTOCOL_QUEUE_MS + 1000)
/* Files that wait in the publisher's socket at a time. */
#define MAX_PUBLISHING 8
/* Connections beyond those that can be queued: of clients that have written. */
#define MORE_CONNECTIONS 256
/* How often it is looked for orphans: of clients that fell back to the spool and died, too. */
#define SWEEP_MS 60000
/* How often at most it is told of each reason that somebody was refused. */
#define REFUSED_MS 10000
/* Adoptions at once, and waiting. */
#define MAX_ADOPTING	  2
#define MAX_TO_BE_ADOPTED 4096

enum state {
	HELLO,	    /* has connected */
	QUEUED,	    /* has asked */
	OPENING,    /* the opener was asked for a file */
	WRITING,    /* has the file */
	WRITTEN,    /* is done, or was adopted; to be published */
	PUBLISHING, /* the publisher was asked */
	ADOPTING,   /* its writer is gone */
};

struct snap_dump {
	struct snap_dumps *dumps;
	enum state state;
	uint32_t id; /* for the keepers' answers */
	struct snap_dump *next, **at;

	struct snap_watch watch; /* the connection; fd -1: none (any more) */
	struct snap_peer peer;
	struct snap_timer timer;

	/* As the client said; zero for what was found in the spool. */
	struct snap_message_request request;
	int fd; /* the file's, -1: none */
	char part[32];
	/* Once it is written. */
	uint8_t uuid[16];
	uint32_t owner;
	bool cut, adopted;
	unsigned int num_renamed;
	char name[SNAP_SPOOL_NAME_MAX];
};

static void advance(struct snap_dumps *dumps);

/* ---------------------------------------------------------------- one dump */

/* "process 123 (comm)" for messages. */
struct who {
	char text[160];
};

static struct who who(const struct snap_dump *d)
{
	struct who w;
	char comm[96];
	if (d->request.pid == 0 && d->peer.pid > 0)
		(void)snprintf(w.text, sizeof(w.text), "client %ld", (long)d->peer.pid);
	else if (d->request.pid == 0)
		(void)snprintf(w.text, sizeof(w.text), "'%s'", d->part);
	else
		(void)snprintf(w.text, sizeof(w.text), "process %llu (%s) of uid %lu, signal %lu",
			(unsigned long long)d->request.pid,
			snap_log_text(snap_bytes_str(d->request.comm), comm, sizeof(comm)),
			(unsigned long)d->request.uid, (unsigned long)d->request.signo);
	return w;
}

static struct snap_dump *add(struct snap_dumps *dumps, enum state state)
{
	struct snap_dump *d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->dumps = dumps;
	d->state = state;
	d->id = ++dumps->last_id;
	d->watch.fd = -1;
	d->peer.pidfd = -1;
	d->fd = -1;
	d->owner = SNAP_OWNER_NONE;
	d->at = dumps->end;
	*dumps->end = d;
	dumps->end = &d->next;
	return d;
}

static struct snap_dump *find(struct snap_dumps *dumps, uint32_t id, enum state state)
{
	for (struct snap_dump *d = dumps->first; d; d = d->next)
		if (d->id == id)
			return d->state == state ? d : NULL;
	return NULL;
}

static void set_state(struct snap_dump *d, enum state state)
{
	struct snap_dumps *dumps = d->dumps;
	dumps->num_queued -= d->state == QUEUED;
	dumps->num_writing -= d->state == OPENING || d->state == WRITING;
	dumps->num_publishing -= d->state == PUBLISHING;
	d->state = state;
	dumps->num_queued += state == QUEUED;
	dumps->num_writing += state == OPENING || state == WRITING;
	dumps->num_publishing += state == PUBLISHING;
}

static void hang_up(struct snap_dump *d)
{
	if (d->watch.fd < 0)
		return;
	snap_loop_remove(d->dumps->loop, &d->watch);
	(void)close(d->watch.fd); /* nothing is lost by it that send() has not told */
	d->watch.fd = -1;
	d->dumps->num_connected--;
}

static void forget(struct snap_dump *d)
{
	struct snap_dumps *dumps = d->dumps;
	set_state(d, HELLO);
	hang_up(d);
	snap_loop_disarm(dumps->loop, &d->timer);
	if (d->peer.pidfd >= 0)
		(void)close(d->peer.pidfd); /* nothing to lose */
	if (d->fd >= 0)
		(void)close(d->fd); /* fsync() has told of failures */
	*d->at = d->next;
	if (d->next)
		d->next->at = d->at;
	else
		dumps->end = d->at;
	free(d);
	advance(dumps);
}

static void arm(struct snap_dump *d, void (*due)(void *arg), int64_t after_ms)
{
	snap_loop_disarm(d->dumps->loop, &d->timer);
	d->timer = (struct snap_timer){.due = due, .arg = d};
	snap_loop_arm(d->dumps->loop, &d->timer, after_ms);
}

/* False if the client does not take it: it is gone, or does not read. */
static bool say(const struct snap_dump *d, const union snap_message *message, int fd)
{
	return d->watch.fd >= 0 &&
	       snap_fd_send(d->watch.fd, message, message->head.size, fd, MSG_DONTWAIT) == 0;
}

static void say_queued(const struct snap_dump *d)
{
	union snap_message message;
	snap_message_init(&message, SNAP_MESSAGE_QUEUED);
	(void)say(d, &message, -1); /* who is gone is noticed otherwise */
}

/* A crash loop must not fill the log: what is skipped is counted in the spool. */
static void tell_refused(const struct snap_dump *d, enum snap_refusal reason)
{
	static int64_t told_ms[SNAP_REFUSED_LAST + 1];
	static unsigned long num_untold[SNAP_REFUSED_LAST + 1];
	int64_t now = snap_loop_now_ms();
	if (told_ms[reason] != 0 && now - told_ms[reason] < REFUSED_MS) {
		num_untold[reason]++;
		return;
	}
	char more[48] = "";
	if (num_untold[reason] > 0)
		(void)snprintf(more, sizeof(more), ", as were %lu before", num_untold[reason]);
	snap_log(snap_refusal_is_final(reason) ? SNAP_LOG_INFO : SNAP_LOG_WARNING,
		"%s is refused: %s%s", who(d).text, snap_refusal_text(reason), more);
	told_ms[reason] = now;
	num_untold[reason] = 0;
}

static void refuse(struct snap_dump *d, enum snap_refusal reason)
{
	union snap_message message;
	snap_message_init(&message, SNAP_MESSAGE_REFUSED);
	message.refused.reason = reason;
	(void)say(d, &message, -1); /* as above */
	tell_refused(d, reason);
	forget(d);
}

/* ---------------------------------------------------------------- a file */

static void discard(struct snap_dumps *dumps, const char *part)
{
	struct snap_keeper_message message = {.op = SNAP_KEEPER_DISCARD};
	memcpy(message.part, part, sizeof(message.part));
	/* What can't be told stays, empty, and is swept away some time. */
	(void)snap_keeper_ask(&dumps->opener, &message, -1);
}

static void drop_part(struct snap_dump *d)
{
	discard(d->dumps, d->part);
	forget(d);
}

static bool was_renewed(struct snap_dump *d)
{
	/* The name is taken, by a client that lies about its uuid, or by one chance in 2^32. */
	if (d->num_renamed++ >= 3 || getrandom(d->uuid, 4, GRND_NONBLOCK) != 4)
		return false;
	snap_spool_name(d->name, d->request.time_s, snap_bytes_str(d->request.comm), d->request.pid,
		d->uuid);
	return true;
}

static void adopted(void *arg, const struct snap_adoption *adoption)
{
	struct snap_dump *d = arg;
	if (adoption->error == -ECANCELED) {
		forget(d); /* for the next server to find */
	} else if (adoption->error < 0) {
		snap_log(SNAP_LOG_ERROR, "%s: what its writer left can't be adopted: %s",
			who(d).text, strerror(-adoption->error));
		forget(d);
	} else if (adoption->empty) {
		snap_log(SNAP_LOG_WARNING, "%s: its writer left nothing", who(d).text);
		drop_part(d);
	} else {
		memcpy(d->name, adoption->name, sizeof(d->name));
		d->adopted = true;
		set_state(d, WRITTEN);
		advance(d->dumps);
	}
}

static void adopt(struct snap_dump *d, const char *why)
{
	struct snap_dumps *dumps = d->dumps;
	hang_up(d);
	snap_loop_disarm(dumps->loop, &d->timer);
	set_state(d, ADOPTING);
	int r = snap_adoption_start(dumps->workers, &dumps->adoptions, d->fd, why, adopted, d);
	if (r < 0) {
		snap_log(SNAP_LOG_ERROR, "%s: what its writer left can't be adopted now: %s",
			who(d).text, strerror(-r));
		forget(d);
	} else {
		advance(dumps);
	}
}

static void publish(struct snap_dump *d)
{
	struct snap_keeper_message message = {
		.op = SNAP_KEEPER_PUBLISH,
		.id = d->id,
		.owner = d->owner,
		.uid = d->request.uid,
		.signo = d->request.signo,
		.cut = d->cut,
		.as_it_is = d->adopted,
	};
	memcpy(message.comm, d->request.comm, sizeof(message.comm));
	memcpy(message.exe, d->request.exe, sizeof(message.exe));
	memcpy(message.part, d->part, sizeof(message.part));
	memcpy(message.name, d->name, sizeof(message.name));
	if (snap_keeper_ask(&d->dumps->publisher, &message, d->fd) == 0)
		set_state(d, PUBLISHING);
}

static void published(struct snap_dump *d, int error)
{
	if (error == -EBADMSG && !d->adopted) {
		adopt(d, "its writer took it for finished, which it is not");
		return;
	}
	if (error == -EEXIST && was_renewed(d)) {
		set_state(d, WRITTEN);
		advance(d->dumps);
		return;
	}
	union snap_message message;
	snap_message_init(&message, SNAP_MESSAGE_DONE);
	message.done.error = error;
	snap_message_set_text(message.done.name, sizeof(message.done.name), d->name);
	(void)say(d, &message, -1); /* it may have gone */
	if (error < 0) {
		snap_log(SNAP_LOG_ERROR, "%s: '%s' can't be published: %s", who(d).text, d->name,
			snap_spool_strerror(error));
	} else {
		snap_log(SNAP_LOG_NOTICE, "%s: published%s: %s", who(d).text,
			d->adopted ? " as its writer left it" : "", d->name);
		snap_hooks_run(d->dumps->hooks, d->name, d->fd);
	}
	forget(d);
}

/* ---------------------------------------------------------------- time */

static void hello_timed_out(void *arg)
{
	struct snap_dump *d = arg;
	snap_log(SNAP_LOG_WARNING, "%s is cut off: it asks for nothing", who(d).text);
	forget(d);
}

static void queue_timed_out(void *arg)
{
	struct snap_dump *d = arg;
	snap_log(SNAP_LOG_WARNING, "%s has waited too long", who(d).text);
	forget(d);
}

static void writing_timed_out(void *arg)
{
	struct snap_dump *d = arg;
	snap_log(SNAP_LOG_WARNING, "%s: its client takes too long and is killed", who(d).text);
	snap_peer_kill(&d->peer, SIGKILL);
	adopt(d, "its writer took too long");
}

/* ---------------------------------------------------------------- what clients say */

static void take_request(struct snap_dump *d, const struct snap_message_request *request)
{
	struct snap_dumps *dumps = d->dumps;
	d->request = *request;
	if (dumps->stopping) {
		refuse(d, SNAP_REFUSED_STOPPING);
		return;
	}
	bool at_once = dumps->num_queued == 0 && dumps->num_writing < dumps->config->max_dumps;
	if (!at_once && dumps->num_queued >= dumps->config->max_queue) {
		refuse(d, SNAP_REFUSED_BUSY);
		return;
	}
	set_state(d, QUEUED);
	arm(d, queue_timed_out, FORGET_MS);
	advance(dumps);
	/* It is there still: only what is said on it takes it away. */
	if (d->state == QUEUED)
		say_queued(d);
}

static void take_complete(struct snap_dump *d, const struct snap_message_complete *complete)
{
	snap_loop_disarm(d->dumps->loop, &d->timer);
	memcpy(d->uuid, complete->uuid, sizeof(d->uuid));
	d->owner = complete->owner;
	d->cut = complete->cut != 0;
	snap_spool_name(d->name, d->request.time_s, snap_bytes_str(d->request.comm), d->request.pid,
		d->uuid);
	set_state(d, WRITTEN);
	advance(d->dumps);
}

static void lost_client(struct snap_dump *d, const char *why)
{
	switch (d->state) {
	case HELLO:
	case QUEUED:
		forget(d);
		break;
	case WRITING:
		adopt(d, why);
		break;
	default:
		hang_up(d);
		break;
	}
}

static void client_ready(void *arg, uint32_t events)
{
	struct snap_dump *d = arg;
	union snap_message message;
	(void)events; /* recv() tells, too */
	/* Without room for them, descriptors that come along are closed by the kernel. */
	ssize_t n = recv(d->watch.fd, &message, sizeof(message), MSG_DONTWAIT | MSG_TRUNC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		if (d->state == WRITING)
			snap_log(SNAP_LOG_WARNING, "%s: its client has ended early", who(d).text);
		lost_client(d, "its writer ended early");
		return;
	}
	int type = snap_message_check(&message, (size_t)n, true);
	if (type == SNAP_MESSAGE_REQUEST && d->state == HELLO) {
		take_request(d, &message.request);
	} else if (type == SNAP_MESSAGE_COMPLETE && d->state == WRITING) {
		take_complete(d, &message.complete);
	} else {
		snap_log(SNAP_LOG_WARNING, "%s is cut off: a message of %zd bytes: %s", who(d).text,
			n, type < 0 ? snap_message_fault(type) : "it is out of place");
		lost_client(d, "its writer was cut off");
	}
}

/* ---------------------------------------------------------------- who connects */

static void accepted(void *arg, int fd, const struct snap_peer *peer)
{
	struct snap_dumps *dumps = arg;
	const char *why = NULL;
	if (peer->uid != 0)
		why = "it is not root's";
	else if (dumps->num_connected >=
		 dumps->config->max_queue + dumps->config->max_dumps + MORE_CONNECTIONS)
		why = "there are too many";
	struct snap_dump *d = why ? NULL : add(dumps, HELLO);
	if (d) {
		d->peer = *peer;
		d->watch = (struct snap_watch){fd, client_ready, d};
		if (snap_loop_add(dumps->loop, &d->watch, EPOLLIN) == 0) {
			dumps->num_connected++;
			arm(d, hello_timed_out, HELLO_MS);
			return;
		}
		d->watch.fd = -1;
		d->peer.pidfd = -1;
		forget(d);
	}
	snap_log(SNAP_LOG_WARNING, "process %ld of uid %lu is cut off: %s", (long)peer->pid,
		(unsigned long)peer->uid, why ? why : "no memory for it");
	(void)close(peer->pidfd); /* nothing to lose */
	(void)close(fd);
}

int snap_dumps_listen(struct snap_dumps *dumps, int fd)
{
	dumps->acceptor =
		(struct snap_acceptor){.loop = dumps->loop, .accepted = accepted, .arg = dumps};
	return snap_acceptor_start(&dumps->acceptor, fd);
}

/* ---------------------------------------------------------------- what keepers say */

static void ask_for_file(struct snap_dump *d)
{
	struct snap_keeper_message message = {
		.op = SNAP_KEEPER_OPEN,
		.id = d->id,
		.uid = d->request.uid,
		.signo = d->request.signo,
		.pid = d->request.pid,
		.time_s = d->request.time_s,
		.on_demand = d->request.on_demand != 0,
	};
	memcpy(message.comm, d->request.comm, sizeof(message.comm));
	memcpy(message.exe, d->request.exe, sizeof(message.exe));
	/* Else it waits for the next one, or until its time is over. */
	if (snap_keeper_ask(&d->dumps->opener, &message, -1) == 0)
		set_state(d, OPENING);
}

static void grant(struct snap_dump *d)
{
	union snap_message message;
	snap_message_init(&message, SNAP_MESSAGE_GRANTED);
	memcpy(message.granted.part, d->part, sizeof(message.granted.part));
	if (!say(d, &message, d->fd)) {
		drop_part(d);
		return;
	}
	set_state(d, WRITING);
	arm(d, writing_timed_out, (int64_t)d->dumps->config->dump_time_s * 1000 + GRACE_MS);
}

static void opener_answers(void *arg, const struct snap_keeper_message *message, int fd)
{
	struct snap_dumps *dumps = arg;
	struct snap_dump *d = find(dumps, message->id, OPENING);
	if (message->op != SNAP_KEEPER_OPENED || !d || d->watch.fd < 0) {
		if (fd >= 0) {
			discard(dumps, message->part);
			(void)close(fd); /* nothing was written */
		}
		if (d)
			forget(d);
		return;
	}
	if (message->refusal != 0) {
		refuse(d, (enum snap_refusal)message->refusal);
	} else if (message->error < 0 || fd < 0) {
		refuse(d, SNAP_REFUSED_ERROR);
	} else {
		d->fd = fd;
		memcpy(d->part, message->part, sizeof(d->part));
		grant(d);
	}
}

static void opener_renewed(void *arg)
{
	struct snap_dumps *dumps = arg;
	for (struct snap_dump *d = dumps->first; d; d = d->next)
		if (d->state == OPENING)
			set_state(d, QUEUED);
	advance(dumps);
}

static void found_orphan(struct snap_dumps *dumps, const char *part, int fd)
{
	struct snap_dump *d = fd >= 0 ? add(dumps, ADOPTING) : NULL;
	if (!d) {
		if (fd >= 0)
			(void)close(fd); /* left for the next sweep */
		return;
	}
	d->fd = fd;
	memcpy(d->part, part, sizeof(d->part));
	adopt(d, "its writer ended early");
}

static void publisher_answers(void *arg, const struct snap_keeper_message *message, int fd)
{
	struct snap_dumps *dumps = arg;
	struct snap_dump *d;
	switch (message->op) {
	case SNAP_KEEPER_ORPHAN:
		found_orphan(dumps, message->part, fd);
		return;
	case SNAP_KEEPER_SWEPT:
		dumps->sweeping = false;
		dumps->more_orphans = message->more != 0;
		break;
	case SNAP_KEEPER_PUBLISHED:
		d = find(dumps, message->id, PUBLISHING);
		if (d)
			published(d, message->error);
		break;
	}
	if (fd >= 0)
		(void)close(fd); /* not asked for */
	advance(dumps);
}

static void publisher_renewed(void *arg)
{
	struct snap_dumps *dumps = arg;
	for (struct snap_dump *d = dumps->first; d; d = d->next)
		if (d->state == PUBLISHING)
			set_state(d, WRITTEN);
	if (dumps->sweeping) {
		dumps->sweeping = false;
		snap_dumps_sweep(dumps);
	}
	advance(dumps);
}

/* ---------------------------------------------------------------- all of them */

/* Whatever can go on now does. */
static void advance(struct snap_dumps *dumps)
{
	bool anybody_waits = false;
	for (struct snap_dump *d = dumps->first; d; d = d->next) {
		if (d->state == QUEUED && !dumps->stopping &&
			dumps->num_writing < dumps->config->max_dumps)
			ask_for_file(d);
		else if (d->state == WRITTEN && dumps->num_publishing < MAX_PUBLISHING)
			publish(d);
		anybody_waits = anybody_waits || d->state == QUEUED || d->state == OPENING;
	}
	if (anybody_waits && !dumps->heartbeat.armed)
		snap_loop_arm(dumps->loop, &dumps->heartbeat, SNAP_PROTOCOL_QUEUED_MS);
	if (dumps->more_orphans && !dumps->stopping && snap_worker_pool_is_idle(&dumps->adoptions))
		snap_dumps_sweep(dumps);
	if (dumps->stopping && !dumps->first && dumps->idle) {
		void (*idle)(void *arg) = dumps->idle;
		dumps->idle = NULL;
		idle(dumps->idle_arg);
	}
}

static void heartbeat(void *arg)
{
	struct snap_dumps *dumps = arg;
	for (struct snap_dump *d = dumps->first; d; d = d->next)
		if (d->state == QUEUED || d->state == OPENING)
			say_queued(d);
	advance(dumps);
}

void snap_dumps_sweep(struct snap_dumps *dumps)
{
	struct snap_keeper_message message = {.op = SNAP_KEEPER_SWEEP};
	if (dumps->sweeping || dumps->stopping)
		return;
	dumps->more_orphans = false;
	dumps->sweeping = snap_keeper_ask(&dumps->publisher, &message, -1) == 0;
}

static void time_to_sweep(void *arg)
{
	struct snap_dumps *dumps = arg;
	snap_dumps_sweep(dumps);
	snap_loop_arm(dumps->loop, &dumps->sweep, SWEEP_MS);
}

int snap_dumps_start(struct snap_dumps *dumps)
{
	dumps->end = &dumps->first;
	dumps->opener = (struct snap_keeper){.loop = dumps->loop,
		.what = "opener",
		.in_hurry = true,
		.config = dumps->config,
		.answer = opener_answers,
		.renewed = opener_renewed,
		.arg = dumps};
	dumps->publisher = (struct snap_keeper){.loop = dumps->loop,
		.what = "publisher",
		.config = dumps->config,
		.answer = publisher_answers,
		.renewed = publisher_renewed,
		.arg = dumps};
	dumps->adoptions = (struct snap_worker_pool){
		.max_running = MAX_ADOPTING,
		.max_queued = MAX_TO_BE_ADOPTED,
	};
	dumps->heartbeat = (struct snap_timer){.due = heartbeat, .arg = dumps};
	dumps->sweep = (struct snap_timer){.due = time_to_sweep, .arg = dumps};
	int r = snap_keeper_start(&dumps->opener);
	if (r == 0)
		r = snap_keeper_start(&dumps->publisher);
	if (r < 0)
		return r;
	time_to_sweep(dumps);
	return 0;
}

void snap_dumps_reload(struct snap_dumps *dumps)
{
	snap_keeper_restart(&dumps->opener);
	snap_keeper_restart(&dumps->publisher);
}

void snap_dumps_stop(struct snap_dumps *dumps, void (*idle)(void *arg), void *arg)
{
	dumps->stopping = true;
	dumps->idle = NULL;
	snap_loop_disarm(dumps->loop, &dumps->sweep);
	snap_acceptor_stop(&dumps->acceptor);
	/* What these would have adopted stays where it is, until the next start. */
	snap_workers_kill(dumps->workers, &dumps->adoptions);
	for (struct snap_dump *d = dumps->first, *next; d; d = next) {
		next = d->next;
		if (d->state == HELLO)
			forget(d);
		else if (d->state == QUEUED)
			refuse(d, SNAP_REFUSED_STOPPING);
	}
	dumps->idle = idle;
	dumps->idle_arg = arg;
	advance(dumps);
}
