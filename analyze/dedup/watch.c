#include "analyze/dedup/watch.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "common/escape.h"

#define MASK                                                                                       \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK |  \
		IN_MOVE_SELF)

/* What arrives together is analysed together: until nothing came for so long, or this much did. */
#define PAUSE_MS   20
#define MAX_AT_ONCE 1000

struct watched {
	int number; /* inotify's */
	char *path;
};

struct snap_watch {
	int fd;
	struct watched *watched; /* in the order of adding, which is that of the numbers */
	size_t num, capacity;
	char *const *paths;
	size_t num_paths;
};

static volatile sig_atomic_t is_stopped;

static void stop(int signal)
{
	(void)signal;
	is_stopped = 1;
}

/* ---------------------------------------------------------------- directories */

static int compare_numbers(const void *key, const void *item)
{
	int x = *(const int *)key, y = ((const struct watched *)item)->number;
	return (x > y) - (x < y);
}

/* inotify numbers watches upwards. NULL: there is none. */
static struct watched *find_watched(const struct snap_watch *watch, int number)
{
	return watch->num > 0 ? bsearch(&number, watch->watched, watch->num,
					sizeof(watch->watched[0]), compare_numbers)
			      : NULL;
}

static int watch_directory(struct snap_watch *watch, const char *path,
	void (*complain)(const char *format, ...), struct snap_error *err)
{
	char name[1024];
	int number = inotify_add_watch(watch->fd, path, MASK);
	if (number < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0; /* it went again */
	if (number < 0) {
		(void)snap_escape(snap_bytes_str(path), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
		complain("cannot watch '%s': %s", name, strerror(errno));
		return 0;
	}
	struct watched *known = find_watched(watch, number);
	if (known) {
		/* It was moved. */
		char *moved = strdup(path);
		if (!moved)
			return snap_error_no_memory(err);
		free(known->path);
		known->path = moved;
		return 0;
	}
	if (watch->num == watch->capacity) {
		size_t capacity = watch->capacity ? 2 * watch->capacity : 16;
		struct watched *grown = reallocarray(watch->watched, capacity, sizeof(*grown));
		if (!grown)
			return snap_error_no_memory(err);
		watch->watched = grown;
		watch->capacity = capacity;
	}
	char *copy = strdup(path);
	if (!copy)
		return snap_error_no_memory(err);
	watch->watched[watch->num++] = (struct watched){.number = number, .path = copy};
	return 0;
}

static int watch_tree(struct snap_watch *watch, char *path,
	void (*complain)(const char *format, ...), struct snap_error *err)
{
	char *const paths[] = {path, NULL};
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_COMFOLLOW, NULL);
	FTSENT *entry;
	int r = tree ? 0 : snap_error_no_memory(err);
	while (r == 0 && (entry = fts_read(tree))) {
		if (entry->fts_info != FTS_D)
			continue;
		if (entry->fts_level > 0 && entry->fts_name[0] == '.')
			(void)fts_set(tree, entry, FTS_SKIP); /* of such an entry it can't fail */
		else
			r = watch_directory(watch, entry->fts_path, complain, err);
	}
	if (tree)
		(void)fts_close(tree); /* nothing was changed */
	return r;
}

int snap_watch_create(char *const *paths, size_t num, void (*complain)(const char *format, ...),
	struct snap_watch **ret, struct snap_error *err)
{
	struct snap_watch *watch = calloc(1, sizeof(*watch));
	if (!watch)
		return snap_error_no_memory(err);
	watch->paths = paths;
	watch->num_paths = num;
	watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	int r = watch->fd < 0 ? snap_error_errno(err, errno, "cannot watch directories") : 0;
	for (size_t i = 0; i < num && r == 0; i++)
		r = watch_tree(watch, paths[i], complain, err);
	if (r < 0) {
		snap_watch_destroy(watch);
		return -1;
	}
	*ret = watch;
	return 0;
}

void snap_watch_destroy(struct snap_watch *watch)
{
	if (!watch)
		return;
	if (watch->fd >= 0)
		(void)close(watch->fd); /* only read from */
	for (size_t i = 0; i < watch->num; i++)
		free(watch->watched[i].path);
	free(watch->watched);
	free(watch);
}

/* ---------------------------------------------------------------- events */

static void forget(struct snap_watch *watch, struct watched *watched)
{
	size_t at = (size_t)(watched - watch->watched);
	free(watched->path);
	memmove(watched, watched + 1, (watch->num - at - 1) * sizeof(*watched));
	watch->num--;
}

static int add_all(struct snap_watch *watch, struct snap_input_list *list,
	void (*complain)(const char *format, ...), struct snap_error *err)
{
	int r = 0;
	for (size_t i = 0; i < watch->num_paths && r == 0; i++) {
		r = watch_tree(watch, watch->paths[i], complain, err);
		if (r == 0)
			r = snap_input_list_add(list, watch->paths[i], complain, err);
	}
	return r;
}

static int take_event(struct snap_watch *watch, const struct inotify_event *event,
	struct snap_input_list *list, void (*complain)(const char *format, ...),
	struct snap_error *err)
{
	char path[PATH_MAX];
	if (event->mask & IN_Q_OVERFLOW)
		return add_all(watch, list, complain, err);
	struct watched *watched = find_watched(watch, event->wd);
	if (!watched)
		return 0;
	/* Moved out of the trees; if it is still in them, its path is the new one already. */
	if (event->mask & IN_MOVE_SELF && access(watched->path, F_OK) < 0)
		(void)inotify_rm_watch(watch->fd, event->wd); /* IN_IGNORED follows */
	if (event->mask & IN_IGNORED) {
		forget(watch, watched);
		return 0;
	}
	if (event->len == 0 || event->name[0] == '.' ||
		snprintf(path, sizeof(path), "%s/%s", watched->path, event->name) >=
			(int)sizeof(path))
		return 0;
	if (event->mask & IN_ISDIR) {
		int r = watch_tree(watch, path, complain, err);
		/* What came into it before it was watched. */
		return r < 0 ? -1 : snap_input_list_add(list, path, complain, err);
	}
	if (event->mask & (IN_CLOSE_WRITE | IN_MOVED_TO) && snap_input_list_takes(list, path))
		return snap_input_list_add(list, path, complain, err);
	return 0;
}

static int take_events(struct snap_watch *watch, struct snap_input_list *list,
	void (*complain)(const char *format, ...), struct snap_error *err)
{
	_Alignas(struct inotify_event) char events[16384];
	for (;;) {
		ssize_t len = read(watch->fd, events, sizeof(events));
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == EAGAIN)
			return 0;
		if (len <= 0)
			return snap_error_errno(err, len < 0 ? errno : EIO, "cannot watch directories");
		for (ssize_t off = 0; off < len;) {
			const struct inotify_event *event = (const void *)(events + off);
			if (take_event(watch, event, list, complain, err) < 0)
				return -1;
			off += (ssize_t)(sizeof(*event) + event->len);
		}
	}
}

/* 1: something is there; 0: nothing for timeout_ms (-1: any time), or a signal. */
static int wait_events(struct snap_watch *watch, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = watch->fd, .events = POLLIN};
	struct timespec timeout = {.tv_nsec = timeout_ms * 1000000L};
	sigset_t both, before;
	(void)sigemptyset(&both);
	(void)sigaddset(&both, SIGINT);
	(void)sigaddset(&both, SIGTERM);
	/* A signal comes while it waits, or is seen before. */
	(void)sigprocmask(SIG_BLOCK, &both, &before);
	int r = is_stopped ? 0 : ppoll(&poll_fd, 1, timeout_ms < 0 ? NULL : &timeout, &before);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return r > 0;
}

int snap_watch_wait(struct snap_watch *watch, struct snap_input_list *list,
	void (*complain)(const char *format, ...), struct snap_error *err)
{
	const struct sigaction action = {.sa_handler = stop};
	(void)sigaction(SIGINT, &action, NULL); /* there are such signals */
	(void)sigaction(SIGTERM, &action, NULL);
	while (!is_stopped) {
		int timeout_ms = list->num > 0 ? PAUSE_MS : -1;
		if (wait_events(watch, timeout_ms)) {
			if (take_events(watch, list, complain, err) < 0)
				return -1;
			if (list->num < MAX_AT_ONCE)
				continue;
		}
		if (list->num > 0)
			return 1;
	}
	return list->num > 0;
}
