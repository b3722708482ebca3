#include "capture/server/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/server/log.h"
#include "capture/server/user.h"
#include "capture/spool.h"

#define MAX_RUNNING 2
#define MAX_QUEUED  256
#define MAX_WORDS   64
/* What the child says by its exit status, as shells do. */
#define EXIT_NOT_STARTED 126
/* Above all that hook_fd can be. */
#define FIRST_FREE_FD 16
/* Descriptors that a program may expect to be able to open. */
#define MAX_FILES 1024

struct hook {
	struct snap_hooks *hooks;
	int fd;
	char name[SNAP_SPOOL_NAME_MAX];
};

void snap_hooks_init(struct snap_hooks *hooks)
{
	hooks->pool = (struct snap_worker_pool){
		.max_running = MAX_RUNNING,
		.max_queued = MAX_QUEUED,
	};
}

/* ---------------------------------------------------------------- in the child */

/* line's blanks become the ends of words. Returns how many there are. */
static size_t split(char *line, char *words[static MAX_WORDS + 1])
{
	size_t num = 0;
	for (char *word = strtok(line, " \t"); word && num < MAX_WORDS; word = strtok(NULL, " \t"))
		words[num++] = word;
	words[num] = NULL;
	return num;
}

/*
 * The snapshot at hook_fd, /dev/null at the other standard ones, and nothing else. Opened anew,
 * since the server's own descriptor could be written to.
 */
static int arrange_fds(int snapshot, int hook_fd)
{
	char name[32];
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", snapshot); /* fits */
	int opened = open(name, O_RDONLY | O_CLOEXEC);
	int file = opened < 0 ? -1 : fcntl(opened, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (file < 0 || null < 0)
		return -errno;
	for (int fd = 0; fd <= 2; fd++)
		if (fd != hook_fd && dup2(null, fd) < 0)
			return -errno;
	return dup2(file, hook_fd) < 0 ? -errno : 0;
}

static int exec_hook(void *arg, int report_fd)
{
	struct hook *hook = arg;
	const struct snap_config *config = hook->hooks->config;
	struct snap_user user;
	char line[SNAP_CONFIG_MAX_LINE], name[16 + SNAP_SPOOL_NAME_MAX];
	char *words[MAX_WORDS + 1];
	char *environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", name, NULL};

	/* Above all that may be hook_fd. */
	report_fd = fcntl(report_fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
	memcpy(line, config->hook, sizeof(line));
	(void)split(line, words); /* the configuration has seen to it that there is one */
	(void)snprintf(name, sizeof(name), "SNAPCRASH_NAME=%s", hook->name); /* fits */
	int r = snap_user_find(config->hook_user, NULL, &user);
	const char *what = "there is no such user as hook_user";
	if (r == 0) {
		what = "the snapshot can't be opened";
		r = arrange_fds(hook->fd, (int)config->hook_fd);
	}
	if (r == 0) {
		what = "its user can't be changed";
		/* If it crashes, that must not start it again: with 1, the kernel starts no
		 * handler. */
		struct rlimit no_core = {1, 1}, files = {MAX_FILES, MAX_FILES};
		(void)setrlimit(RLIMIT_CORE, &no_core); /* they only go down */
		(void)setrlimit(RLIMIT_NOFILE, &files);
		(void)setsid(); /* so that all of it can be killed */
		r = snap_user_become(&user);
	}
	if (r == 0) {
		what = "it can't be started";
		(void)chdir("/"); /* there is one */
		(void)execve(words[0], words, environment);
		r = -errno;
	}
	char report[256];
	int len = snprintf(report, sizeof(report), "%s: %s", what, strerror(-r));
	(void)!write(report_fd, report, (size_t)len); /* the status tells as well */
	return EXIT_NOT_STARTED;
}

/* ---------------------------------------------------------------- in the server */

static void tell_left_out(struct snap_hooks *hooks)
{
	if (hooks->num_left_out == 0)
		return;
	snap_log(SNAP_LOG_ERROR, "the hook was not started for %lu snapshots: %s",
		hooks->num_left_out, hooks->stopped ? "the server stops" : "too many wait for it");
	hooks->num_left_out = 0;
}

static void hook_ended(void *arg, const struct snap_worker_result *result)
{
	struct hook *hook = arg;
	struct snap_hooks *hooks = hook->hooks;
	char text[SNAP_WORKER_REPORT_MAX + 1];
	if (result->error == -ECANCELED) {
		hooks->num_left_out++;
		(void)close(hook->fd); /* only read from */
		free(hook);
		return;
	}
	bool good =
		result->error == 0 && WIFEXITED(result->status) && WEXITSTATUS(result->status) == 0;
	if (result->report_len > 0)
		(void)snprintf(text, sizeof(text), "%.*s", (int)result->report_len,
			(const char *)result->report); /* fits */
	else
		(void)snap_worker_result_text(result, text, sizeof(text));
	snap_log(good ? SNAP_LOG_INFO : SNAP_LOG_WARNING, "the hook for %s: %s", hook->name,
		good ? "done" : text);
	(void)close(hook->fd); /* only read from */
	free(hook);
	tell_left_out(hooks);
	if (hooks->ended)
		hooks->ended(hooks->ended_arg);
}

void snap_hooks_run(struct snap_hooks *hooks, const char *name, int fd)
{
	if (hooks->config->hook[0] == '\0')
		return;
	if (hooks->stopped) {
		hooks->num_left_out++;
		return;
	}
	struct hook *hook = calloc(1, sizeof(*hook));
	int own_fd = hook ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
	if (own_fd < 0) {
		hooks->num_left_out++;
		free(hook);
		return;
	}
	hook->hooks = hooks;
	hook->fd = own_fd;
	(void)snprintf(hook->name, sizeof(hook->name), "%s", name); /* fits */
	struct snap_worker_job job = {
		.run = exec_hook,
		.ended = hook_ended,
		.arg = hook,
		.keep_fds = {own_fd},
		.num_keep = 1,
		.time_ms = (int64_t)hooks->config->hook_time_s * 1000,
		.own_group = true,
	};
	if (snap_workers_start(hooks->workers, &hooks->pool, &job) < 0) {
		hooks->num_left_out++;
		(void)close(own_fd); /* only read from */
		free(hook);
	}
}

void snap_hooks_stop(struct snap_hooks *hooks)
{
	hooks->stopped = true;
	snap_workers_give_up_queued(&hooks->pool);
	tell_left_out(hooks);
}
