/*
 * snapcrash-server: gives clients files in the spool, publishes what they wrote, keeps the spool
 * within its limits, and starts the hook. Without it clients manage by themselves.
 *
 * Privileged, long-lived. One event loop that never blocks and parses nothing that came from a
 * target: children do both (capture/server/keeper.h, capture/server/workers.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/config.h"
#include "capture/program.h"
#include "capture/server/app.h"
#include "capture/server/coredump_pool.h"
#include "capture/server/dumps.h"
#include "capture/server/hook.h"
#include "capture/server/listen.h"
#include "capture/server/log.h"
#include "capture/server/loop.h"
#include "capture/server/notify.h"
#include "capture/server/workers.h"
#include "capture/spool.h"
#include "common/standard_fds.h"

#define PROGRAM "snapcrash-server"

/* Descriptors: some for every client that waits. */
#define MAX_FILES 16384

struct server {
	const char *config_file; /* NULL: the default one */
	bool log_given;
	enum snap_config_log log; /* as the command line says, if log_given */
	struct snap_config config;

	struct snap_loop loop;
	struct snap_watch signals;
	struct snap_timer watchdog;
	struct snap_workers workers;
	int spool_lock_fd;
	struct snap_listener listener, app_listener, coredump_listener;
	struct snap_dumps dumps;
	struct snap_apps apps;
	struct snap_coredump_pool coredumps;
	struct snap_hooks hooks;
	bool stopping, dumps_stopped, dumps_done;
};

static struct server server;

/* ---------------------------------------------------------------- the command line */

static void print_usage(FILE *to)
{
	fputs("usage: " PROGRAM " [--config FILE] [--log=WHERE]\n"
	      "\n"
	      "Give snapcrash-client files to write snapshots into, publish them, keep the spool\n"
	      "within its limits. Stays in the foreground; systemd may start it by its socket.\n"
	      "\n"
	      "  --config FILE  read FILE instead of " SNAP_CONFIG_DEFAULT_FILE "\n"
	      "  --log=WHERE    auto, journal, syslog or stderr; else what the configuration says\n"
	      "  --help         print this\n"
	      "  --version      print the version\n"
	      "\n"
	      "SIGTERM lets it finish what is being written, and end; SIGHUP makes it read the\n"
	      "configuration anew.\n"
	      "\n"
	      "Exit status: 0 stopped, 2 it could not start or go on, 64 wrong usage or\n"
	      "configuration.\n",
		to);
}

static int usage_error(const char *what, const char *about)
{
	char shown[96];
	fprintf(stderr, PROGRAM ": %s '%s'\n", what,
		snap_log_text(snap_bytes_str(about), shown, sizeof(shown)));
	print_usage(stderr);
	return EXIT_USAGE;
}

static bool parse_log(const char *word, enum snap_config_log *ret)
{
	static const char *const names[] = {
		[SNAP_CONFIG_LOG_AUTO] = "auto",
		[SNAP_CONFIG_LOG_JOURNAL] = "journal",
		[SNAP_CONFIG_LOG_SYSLOG] = "syslog",
		[SNAP_CONFIG_LOG_STDERR] = "stderr",
	};
	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(word, names[i]) == 0) {
			*ret = (enum snap_config_log)i;
			return true;
		}
	}
	return false;
}

/* The value of "NAME=VALUE" or of "NAME" "VALUE"; NULL if argv[*i] is neither. "" may be missing.
 */
static const char *option(int argc, char **argv, int *i, const char *name)
{
	size_t len = strlen(name);
	if (strncmp(argv[*i], name, len) != 0)
		return NULL;
	if (argv[*i][len] == '=')
		return argv[*i] + len + 1;
	if (argv[*i][len] != '\0')
		return NULL;
	return *i + 1 < argc ? argv[++*i] : "";
}

/* Returns -1 to go on, or the status to exit with. */
static int parse_arguments(int argc, char **argv, struct server *s)
{
	for (int i = 1; i < argc; i++) {
		const char *value;
		if (strcmp(argv[i], "--help") == 0) {
			print_usage(stdout);
			return snap_program_shown(PROGRAM);
		}
		if (strcmp(argv[i], "--version") == 0) {
			puts(PROGRAM " " SNAP_VERSION);
			return snap_program_shown(PROGRAM);
		}
		if ((value = option(argc, argv, &i, "--config")) != NULL) {
			s->config_file = value;
		} else if ((value = option(argc, argv, &i, "--log")) != NULL) {
			if (!parse_log(value, &s->log))
				return usage_error("there is no log", value);
			s->log_given = true;
		} else {
			return usage_error("unknown argument", argv[i]);
		}
	}
	return -1;
}

/* ---------------------------------------------------------------- start and end */

static void open_log(const struct server *s)
{
	snap_log_open(s->log_given ? s->log : s->config.log, PROGRAM);
}

static void prepare_process(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < MAX_FILES) {
		limit.rlim_cur = limit.rlim_max < MAX_FILES ? limit.rlim_max : MAX_FILES;
		(void)setrlimit(RLIMIT_NOFILE, &limit); /* then there are fewer clients at once */
	}
	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(022);
	/* A crash of ours in the middle of a crash would help nobody. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* One server for a spool: who holds the lock of its incoming adopts what is left there. */
static int lock_spool(struct server *s, struct snap_error *err)
{
	int dir_fd;
	int r = snap_spool_open(s->config.spool, true, &dir_fd, &s->spool_lock_fd);
	if (r < 0)
		return snap_error_set(err, SNAP_ERROR_SYSTEM, "cannot use the spool '%s': %s",
			s->config.spool, snap_spool_strerror(r));
	(void)close(dir_fd); /* only looked at */
	if (flock(s->spool_lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK
		       ? snap_error_set(err, SNAP_ERROR_UNSUPPORTED,
				 "another server uses the spool '%s' already", s->config.spool)
		       : snap_error_errno(
				 err, errno, "cannot lock the spool '%s'", s->config.spool);
}

static void dumps_done(void *arg);

static void may_end(void *arg)
{
	struct server *s = arg;
	/* What these capture goes through dumps: they end first. */
	if (s->stopping && !s->dumps_stopped && snap_apps_are_idle(&s->apps) &&
		snap_coredump_pool_is_idle(&s->coredumps)) {
		s->dumps_stopped = true;
		snap_dumps_stop(&s->dumps, dumps_done, s);
		snap_listener_close(&s->listener);
	}
	if (s->dumps_done && snap_worker_pool_is_idle(&s->hooks.pool))
		snap_loop_stop(&s->loop);
}

static void dumps_done(void *arg)
{
	struct server *s = arg;
	s->dumps_done = true;
	snap_hooks_stop(&s->hooks);
	may_end(s);
}

static void stop(struct server *s)
{
	if (s->stopping)
		return;
	s->stopping = true;
	snap_log(SNAP_LOG_INFO, "stopping");
	snap_notify("STOPPING=1\nSTATUS=Finishing what is being written");
	snap_coredump_pool_stop(&s->coredumps);
	snap_listener_close(&s->coredump_listener);
	snap_apps_stop(&s->apps);
	snap_listener_close(&s->app_listener);
	may_end(s);
}

static void reload(struct server *s)
{
	static struct snap_config fresh;
	struct snap_error err = SNAP_ERROR_INIT;
	char line[64];
	(void)snprintf(line, sizeof(line), "RELOADING=1\nMONOTONIC_USEC=%lld",
		(long long)snap_loop_now_ms() * 1000);
	snap_notify(line);
	if (snap_config_read(s->config_file, &fresh, &err) < 0) {
		snap_log(SNAP_LOG_ERROR, "the configuration stays as it was: %s", err.text);
	} else {
		/* What the locks and sockets were taken for can't change in between. */
		if (strcmp(fresh.spool, s->config.spool) != 0 ||
			strcmp(fresh.socket, s->config.socket) != 0 ||
			strcmp(fresh.coredump_socket, s->config.coredump_socket) != 0)
			snap_log(SNAP_LOG_WARNING,
				"another spool or socket is used after a restart only");
		memcpy(fresh.spool, s->config.spool, sizeof(fresh.spool));
		memcpy(fresh.socket, s->config.socket, sizeof(fresh.socket));
		memcpy(fresh.coredump_socket, s->config.coredump_socket,
			sizeof(fresh.coredump_socket));
		s->config = fresh;
		open_log(s);
		snap_dumps_reload(&s->dumps);
		snap_coredump_pool_reload(&s->coredumps);
		snap_log(SNAP_LOG_INFO, "the configuration was read anew");
	}
	snap_notify("READY=1");
}

static void signal_ready(void *arg, uint32_t events)
{
	struct server *s = arg;
	struct signalfd_siginfo info;
	(void)events; /* read() tells, too */
	if (read(s->signals.fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGCHLD:
		snap_workers_reap(&s->workers);
		break;
	case SIGHUP:
		if (!s->stopping)
			reload(s);
		break;
	default:
		stop(s);
		break;
	}
}

static int watch_signals(struct server *s, struct snap_error *err)
{
	sigset_t set;
	(void)sigemptyset(&set);
	static const int signals[] = {SIGCHLD, SIGHUP, SIGINT, SIGTERM};
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)sigaddset(&set, signals[i]); /* valid signals */
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	s->signals = (struct snap_watch){
		.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
		.ready = signal_ready,
		.arg = s,
	};
	int r = s->signals.fd < 0 ? -errno : snap_loop_add(&s->loop, &s->signals, EPOLLIN);
	return r < 0 ? snap_error_errno(err, -r, "cannot wait for signals") : 0;
}

static void feed_watchdog(void *arg)
{
	struct server *s = arg;
	snap_notify("WATCHDOG=1");
	snap_loop_arm(&s->loop, &s->watchdog, snap_notify_watchdog_ms());
}

static int start_coredumps(struct server *s, struct snap_error *err)
{
	const char *path = s->config.coredump_socket;
	if (path[0] == '\0')
		return 0;
	if (snap_listen(&s->coredump_listener, path, "coredump", SOCK_STREAM, 0600, err) < 0)
		return -1;
	s->coredumps = (struct snap_coredump_pool){
		.loop = &s->loop,
		.config = &s->config,
		.listener_fd = s->coredump_listener.fd,
		.idle = may_end,
		.idle_arg = s,
	};
	int r = snap_coredump_pool_start(&s->coredumps);
	return r < 0 ? snap_error_errno(err, -r, "cannot wait for coredumps") : 0;
}

static int start(struct server *s, struct snap_error *err)
{
	if (snap_loop_init(&s->loop, err) < 0 || watch_signals(s, err) < 0 ||
		lock_spool(s, err) < 0 ||
		snap_listen(&s->listener, s->config.socket, "server", SOCK_SEQPACKET, 0600, err) <
			0 ||
		start_coredumps(s, err) < 0)
		return -1;
	if (s->config.app_socket[0] != '\0' && snap_listen(&s->app_listener, s->config.app_socket,
						       "app", SOCK_SEQPACKET, 0666, err) < 0)
		return -1;
	snap_listen_finish();
	snap_workers_init(&s->workers, &s->loop);
	s->hooks = (struct snap_hooks){
		.workers = &s->workers,
		.config = &s->config,
		.ended = may_end,
		.ended_arg = s,
	};
	snap_hooks_init(&s->hooks);
	s->dumps = (struct snap_dumps){
		.loop = &s->loop,
		.workers = &s->workers,
		.config = &s->config,
		.hooks = &s->hooks,
	};
	int r = snap_dumps_start(&s->dumps);
	if (r == 0)
		r = snap_dumps_listen(&s->dumps, s->listener.fd);
	s->apps = (struct snap_apps){
		.loop = &s->loop,
		.workers = &s->workers,
		.config = &s->config,
		.ended = may_end,
		.ended_arg = s,
	};
	if (r == 0)
		r = snap_apps_listen(&s->apps, s->app_listener.fd);
	if (r < 0)
		return snap_error_errno(err, -r, "cannot start");
	if (snap_notify_watchdog_ms() > 0) {
		s->watchdog = (struct snap_timer){.due = feed_watchdog, .arg = s};
		feed_watchdog(s);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct server *s = &server;
	struct snap_error err = SNAP_ERROR_INIT;
	snap_standard_fds_bind(NULL);
	int status = parse_arguments(argc, argv, s);
	if (status >= 0)
		return status;
	if (snap_config_read(s->config_file, &s->config, &err) < 0) {
		fprintf(stderr, PROGRAM ": %s\n", err.text);
		return EXIT_USAGE;
	}
	prepare_process();
	open_log(s);
	snap_listen_init();
	s->spool_lock_fd = -1;
	s->listener = s->app_listener = s->coredump_listener =
		(struct snap_listener)SNAP_LISTENER_INIT;
	status = EXIT_NOTHING;
	if (start(s, &err) == 0) {
		snap_notify_forget();
		snap_log(SNAP_LOG_INFO, "ready at '%s', for the spool '%s'", s->config.socket,
			s->config.spool);
		snap_notify("READY=1");
		if (snap_loop_run(&s->loop, &err) == 0)
			status = EXIT_COMPLETE;
	}
	if (status != EXIT_COMPLETE)
		snap_log(SNAP_LOG_ERROR, "%s", err.text);
	snap_listener_close(&s->coredump_listener);
	snap_listener_close(&s->listener);
	snap_listener_close(&s->app_listener);
	return status;
}
