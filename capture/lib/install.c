/* What is done outside signal handlers: snapcrash_install(), snapcrash_snapshot(), fork(). */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/lib/handler.h"
#include "capture/lib/own_area.h"
#include "capture/lib/request.h"
#include "capture/lib/snapcrash.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char socket_path[SNAPCRASH_MAX_SOCKET]; /* "": not set */
static bool installed;

/* ---------------------------------------------------------------- fork */

static void before_fork(void)
{
	(void)pthread_mutex_lock(&mutex); /* can't fail */
}

static void after_fork(void)
{
	(void)pthread_mutex_unlock(&mutex);
}

static void in_child(void)
{
	snap_own_area_forked();
	snap_lib_handler_forked();
	after_fork();
}

__attribute__((constructor)) static void start(void)
{
	/* No memory for that, at the very start: then children are as those of clone(2). */
	(void)pthread_atfork(before_fork, after_fork, in_child);
}

/* ---------------------------------------------------------------- the server */

int snapcrash_set_socket(const char *path)
{
	if (path && path[0] != '/')
		return EINVAL;
	size_t len = path ? strlen(path) : 0;
	if (len >= sizeof(socket_path))
		return EMSGSIZE;
	(void)pthread_mutex_lock(&mutex); /* can't fail */
	memset(socket_path, 0, sizeof(socket_path));
	if (path)
		memcpy(socket_path, path, len);
	(void)pthread_mutex_unlock(&mutex);
	return 0;
}

static void find_socket_path(char to[static SNAPCRASH_MAX_SOCKET])
{
	const char *path = secure_getenv("SNAPCRASH_SOCKET");
	(void)pthread_mutex_lock(&mutex);
	if (socket_path[0] != '\0')
		path = socket_path;
	else if (!path || path[0] != '/' || strlen(path) >= SNAPCRASH_MAX_SOCKET)
		path = SNAPCRASH_DEFAULT_SOCKET;
	memcpy(to, path, strlen(path) + 1);
	(void)pthread_mutex_unlock(&mutex);
}

int snapcrash_snapshot(const char *reason)
{
	char path[SNAPCRASH_MAX_SOCKET];
	struct snap_app_request request;
	uint8_t uuid[16];
	bool accepted;
	int cancel_state;
	find_socket_path(path);
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state); /* can't fail */
	int fd = snap_lib_request_socket();
	int r = fd < 0 ? -fd : 0;
	if (r == 0) {
		snap_lib_request_init(
			&request, SNAP_APP_SNAPSHOT, reason && *reason ? reason : "on demand");
		r = snap_lib_request(fd, path, &request, &accepted, uuid);
		(void)close(fd);
	}
	(void)pthread_setcancelstate(cancel_state, &cancel_state);
	return r;
}

/* ---------------------------------------------------------------- the handler */

static void close_all(struct snap_lib_handler *h)
{
	struct snap_lib_fd *fds[] = {&h->socket, &h->file, &h->dir};
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (snap_lib_fd_holds(fds[i]))
			(void)close(fds[i]->fd);
		fds[i]->fd = -1;
	}
	h->given.fd = -1;
}

/* Everything that may be impossible to open later. */
static int open_all(struct snap_lib_handler *h, const struct snapcrash_options *options)
{
	int fd = snap_lib_request_socket();
	if (fd < 0)
		return -fd;
	snap_lib_fd_set(&h->socket, fd);
	snap_lib_fd_set(&h->given, options->snapshot_fd);
	if (options->snapshot_fd >= 0 && h->given.fd < 0)
		return EBADF;
	if (!options->snapshot_dir)
		return 0;
	fd = open(options->snapshot_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	snap_lib_fd_set(&h->dir, fd);
	/* Not every file system has files without names. */
	fd = openat(h->dir.fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		snap_lib_fd_set(&h->file, fd);
	return 0;
}

/* Returns 0 or an errno; then no handler is ours. */
static int set_handlers(struct snap_lib_handler *h)
{
	struct sigaction ours = {
		.sa_sigaction = snap_lib_on_crash,
		.sa_flags = SA_SIGINFO | SA_ONSTACK,
	};
	(void)sigemptyset(&ours.sa_mask); /* none of these can fail */
	for (size_t i = 0; i < SNAP_LIB_NUM_SIGNALS; i++)
		(void)sigaddset(&ours.sa_mask, snap_lib_signals[i]);
	/* All of them first: the handler may run as soon as one is set. */
	for (size_t i = 0; i < SNAP_LIB_NUM_SIGNALS; i++)
		if (sigaction(snap_lib_signals[i], NULL, &h->former[i]) < 0)
			return errno;
	for (size_t i = 0; i < SNAP_LIB_NUM_SIGNALS; i++)
		(void)sigaction(snap_lib_signals[i], &ours, NULL);
	return 0;
}

static int install(const struct snapcrash_options *options, const char *path)
{
	struct snap_lib_handler *h = &snap_lib_handler;
	if (installed)
		return EALREADY;
	memcpy(h->socket_path, path, strlen(path) + 1);
	if (!snap_own_area_make())
		return ENOMEM;
	int r = snapcrash_thread_init();
	if (r == 0)
		r = open_all(h, options);
	if (r == 0) {
		h->pid = getpid();
		h->given_used = false;
		h->num_minimal = 0;
		r = set_handlers(h);
	}
	if (r != 0)
		close_all(h);
	installed = r == 0;
	return r;
}

int snapcrash_install(const struct snapcrash_options *options)
{
	static const struct snapcrash_options defaults = SNAPCRASH_OPTIONS_INIT;
	if (!options)
		options = &defaults;
	if (options->size != sizeof(*options))
		return EINVAL;
	char path[SNAPCRASH_MAX_SOCKET];
	find_socket_path(path);
	(void)pthread_mutex_lock(&mutex); /* can't fail */
	int r = install(options, path);
	(void)pthread_mutex_unlock(&mutex);
	return r;
}

int snapcrash_uninstall(void)
{
	struct snap_lib_handler *h = &snap_lib_handler;
	(void)pthread_mutex_lock(&mutex); /* can't fail */
	bool was_installed = installed;
	if (was_installed) {
		for (size_t i = 0; i < SNAP_LIB_NUM_SIGNALS; i++) {
			struct sigaction current;
			if (sigaction(snap_lib_signals[i], NULL, &current) == 0 &&
				(current.sa_flags & SA_SIGINFO) &&
				current.sa_sigaction == snap_lib_on_crash)
				(void)sigaction(snap_lib_signals[i], &h->former[i], NULL);
		}
		close_all(h);
		installed = false;
	}
	(void)pthread_mutex_unlock(&mutex);
	return was_installed ? 0 : EINVAL;
}
