#include "capture/server/app.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture/app_protocol.h"
#include "capture/server/app_worker.h"
#include "capture/server/log.h"

/* Until a program that has connected has asked. */
#define REQUEST_MS 1000
/* Connections, and of one user; captures at a time, and waiting for their turn. */
#define MAX_CONNECTED	   64
#define MAX_CONNECTED_USER 16
#define MAX_RUNNING	   2
#define MAX_QUEUED	   16
/* After the time of a dump, until a worker is killed: it has deadlines of its own. */
#define GRACE_MS 5000
/* Lines in the log for one user at once, and then one in so long. */
#define LOG_BURST	10
#define LOG_INTERVAL_NS 60000000000ull

struct snap_app {
	struct snap_apps *apps;
	struct snap_app *next, **at;
	struct snap_watch watch; /* the connection */
	struct snap_timer timer;
	bool working;
	struct snap_app_work work;
};

static uint64_t now_ns(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* can't fail */
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Anybody can make us say something, but not fill the log. */
static void say(struct snap_apps *apps, enum snap_log_level level, const struct snap_peer *peer,
	const char *what)
{
	static const struct snap_rate_limit limit = {LOG_BURST, LOG_INTERVAL_NS};
	struct snap_origin origin;
	snap_origin_init(&origin, peer->uid, snap_bytes("", 0));
	if (snap_rate_allow(&apps->log_rate, &limit, &origin, now_ns()))
		snap_log(level, "a snapshot for process %ld of uid %lu: %s", (long)peer->pid,
			(unsigned long)peer->uid, what);
}

static void forget(struct snap_app *app)
{
	struct snap_apps *apps = app->apps;
	if (!app->working)
		snap_loop_remove(apps->loop, &app->watch);
	snap_loop_disarm(apps->loop, &app->timer);
	(void)close(app->watch.fd); /* nothing is lost by it that send() has not told */
	(void)close(app->work.peer.pidfd);
	*app->at = app->next;
	if (app->next)
		app->next->at = app->at;
	apps->num--;
	free(app);
}

static void refuse(struct snap_app *app, int error, const char *why)
{
	say(app->apps, SNAP_LOG_INFO, &app->work.peer, why);
	snap_app_answer(app->watch.fd, SNAP_APP_REFUSED, error, NULL);
	forget(app);
}

static void request_timed_out(void *arg)
{
	refuse(arg, ETIMEDOUT, "it asks for nothing");
}

/* ---------------------------------------------------------------- one request */

static int run(void *arg, int report_fd)
{
	struct snap_app *app = arg;
	(void)report_fd; /* the exit status says it all */
	return snap_app_work(&app->work);
}

static void ended(void *arg, const struct snap_worker_result *result)
{
	struct snap_app *app = arg;
	struct snap_apps *apps = app->apps;
	char text[128];
	if (result->error < 0 || result->timed_out || !WIFEXITED(result->status) ||
		WEXITSTATUS(result->status) != 0) {
		say(apps, SNAP_LOG_WARNING, &app->work.peer,
			snap_worker_result_text(result, text, sizeof(text)));
		/* If it has answered already, this one is not looked at. */
		snap_app_answer(
			app->watch.fd, SNAP_APP_REFUSED, result->timed_out ? ETIMEDOUT : EIO, NULL);
	}
	forget(app);
	if (apps->ended)
		apps->ended(apps->ended_arg);
}

static void start_work(struct snap_app *app)
{
	struct snap_apps *apps = app->apps;
	const struct snap_config *config = apps->config;
	struct snap_origin origin;
	struct snap_rate_limit limit = {
		config->app_rate_burst, config->app_rate_interval_s * 1000000000};
	snap_origin_init(&origin, app->work.peer.uid, snap_bytes("", 0));
	if (!snap_rate_allow(&apps->rate, &limit, &origin, now_ns())) {
		refuse(app, EAGAIN, "its user has asked for too many");
		return;
	}
	app->work.config = config;
	app->work.fd = app->watch.fd;
	struct snap_worker_job job = {
		.run = run,
		.ended = ended,
		.arg = app,
		.keep_fds = {app->watch.fd, app->work.peer.pidfd},
		.num_keep = 2,
		.time_ms = (int64_t)config->dump_time_s * 1000 + GRACE_MS,
	};
	snap_loop_remove(apps->loop, &app->watch);
	snap_loop_disarm(apps->loop, &app->timer);
	app->working = true;
	int r = snap_workers_start(apps->workers, &apps->pool, &job);
	if (r < 0)
		refuse(app, EAGAIN, r == -EAGAIN ? "too many are asked for at once" : strerror(-r));
}

static void program_ready(void *arg, uint32_t events)
{
	struct snap_app *app = arg;
	struct snap_app_request *request = &app->work.request;
	(void)events; /* recv() tells, too */
	/* Without room for them, descriptors that come along are closed by the kernel. */
	ssize_t n = recv(app->watch.fd, request, sizeof(*request), MSG_DONTWAIT | MSG_TRUNC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		forget(app);
	else if (!snap_app_request_is_valid(request, (size_t)n))
		refuse(app, EPROTO, "a message that is none of ours");
	else
		start_work(app);
}

/* ---------------------------------------------------------------- who connects */

static const char *why_not(const struct snap_apps *apps, const struct snap_peer *peer)
{
	unsigned int num_same = 0;
	if (apps->num >= MAX_CONNECTED)
		return "there are too many connections";
	for (const struct snap_app *app = apps->first; app; app = app->next)
		num_same += app->work.peer.uid == peer->uid;
	if (num_same >= MAX_CONNECTED_USER)
		return "its user has too many connections";
	return NULL;
}

static void accepted(void *arg, int fd, const struct snap_peer *peer)
{
	struct snap_apps *apps = arg;
	const char *why = why_not(apps, peer);
	struct snap_app *app = why ? NULL : calloc(1, sizeof(*app));
	if (app) {
		app->apps = apps;
		app->work.peer = *peer;
		app->watch = (struct snap_watch){fd, program_ready, app};
		if (snap_loop_add(apps->loop, &app->watch, EPOLLIN) == 0) {
			app->next = apps->first;
			app->at = &apps->first;
			if (app->next)
				app->next->at = &app->next;
			apps->first = app;
			apps->num++;
			app->timer = (struct snap_timer){.due = request_timed_out, .arg = app};
			snap_loop_arm(apps->loop, &app->timer, REQUEST_MS);
			return;
		}
		free(app);
	}
	/* Others wait in the socket's own queue, and then give up. */
	if (apps->num >= MAX_CONNECTED)
		snap_acceptor_pause(&apps->acceptor);
	say(apps, SNAP_LOG_WARNING, peer, why ? why : "no memory for it");
	snap_app_answer(fd, SNAP_APP_REFUSED, EAGAIN, NULL);
	(void)close(peer->pidfd); /* nothing to lose */
	(void)close(fd);
}

int snap_apps_listen(struct snap_apps *apps, int fd)
{
	apps->pool = (struct snap_worker_pool){
		.max_running = MAX_RUNNING,
		.max_queued = MAX_QUEUED,
	};
	apps->acceptor =
		(struct snap_acceptor){.loop = apps->loop, .accepted = accepted, .arg = apps};
	return snap_acceptor_start(&apps->acceptor, fd);
}

void snap_apps_stop(struct snap_apps *apps)
{
	snap_acceptor_stop(&apps->acceptor);
	for (struct snap_app *app = apps->first, *next; app; app = next) {
		next = app->next;
		if (!app->working)
			refuse(app, EAGAIN, "the server stops");
	}
}
