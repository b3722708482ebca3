#include "capture/server/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "capture/server/log.h"
#include "capture/server/notify.h"

/* Clients that the kernel lets connect before we accept them; at most net.core.somaxconn. */
#define BACKLOG 4096

static struct snap_passed_socket passed[SNAP_LISTEN_FDS_MAX];
static unsigned int num_passed;

void snap_listen_init(void)
{
	num_passed = snap_notify_listen_fds(passed);
}

void snap_listen_finish(void)
{
	for (unsigned int i = 0; i < num_passed; i++) {
		if (passed[i].fd < 0)
			continue;
		snap_log(SNAP_LOG_WARNING, "nothing listens on the socket '%s' that was passed",
			passed[i].name);
		(void)close(passed[i].fd); /* nothing to lose */
		passed[i].fd = -1;
	}
}

/* ---------------------------------------------------------------- passed */

static bool has_path(int fd, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNSPEC};
	socklen_t len = sizeof(address);
	return getsockname(fd, (struct sockaddr *)&address, &len) == 0 &&
	       address.sun_family == AF_UNIX &&
	       strncmp(address.sun_path, path, sizeof(address.sun_path)) == 0;
}

static int take_passed(struct snap_listener *l, const char *name, int type, struct snap_error *err)
{
	struct snap_passed_socket *found = NULL;
	for (unsigned int i = 0; i < num_passed && !found; i++)
		if (passed[i].fd >= 0 &&
			(strcmp(passed[i].name, name) == 0 || has_path(passed[i].fd, l->path)))
			found = &passed[i];
	if (!found)
		return 0;
	int domain, its_type, accepts;
	socklen_t len = sizeof(int);
	if (getsockopt(found->fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 ||
		getsockopt(found->fd, SOL_SOCKET, SO_TYPE, &its_type, &len) < 0 ||
		getsockopt(found->fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &len) < 0 ||
		domain != AF_UNIX || its_type != type || !accepts)
		return snap_error_set(err, SNAP_ERROR_UNSUPPORTED,
			"the socket '%s' that was passed is no listening Unix socket of type %s",
			name, type == SOCK_SEQPACKET ? "SOCK_SEQPACKET" : "SOCK_STREAM");
	int flags = fcntl(found->fd, F_GETFL);
	if (flags < 0 || fcntl(found->fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return snap_error_errno(err, errno, "cannot use the socket '%s'", name);
	l->fd = found->fd;
	l->passed = true;
	found->fd = -1;
	return 0;
}

/* ---------------------------------------------------------------- made */

static void make_parents(const char *path)
{
	char partial[SNAP_CONFIG_SOCKET_MAX];
	(void)snprintf(partial, sizeof(partial), "%s", path); /* fits */
	for (char *p = partial + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		(void)mkdir(partial, 0755); /* what fails here fails again at the lock */
		*p = '/';
	}
}

static int take_lock(struct snap_listener *l, struct snap_error *err)
{
	char name[SNAP_CONFIG_SOCKET_MAX + 8];
	(void)snprintf(name, sizeof(name), "%s.lock", l->path); /* fits */
	l->lock_fd = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
	if (l->lock_fd < 0)
		return snap_error_errno(err, errno, "cannot open '%s'", name);
	if (flock(l->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return snap_error_set(err, SNAP_ERROR_UNSUPPORTED,
			"another server listens at '%s' already", l->path);
	return snap_error_errno(err, errno, "cannot lock '%s'", name);
}

/*
 * Bound beside the path and then renamed: whoever connects finds the old one, which is dead, or the
 * new one, which listens.
 */
static int make(struct snap_listener *l, int type, mode_t mode, struct snap_error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;
	if (lstat(l->path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return snap_error_set(
			err, SNAP_ERROR_UNSUPPORTED, "'%s' is there and is no socket", l->path);
	int len = snprintf(address.sun_path, sizeof(address.sun_path), "%s.n", l->path);
	if (len < 0 || (size_t)len >= sizeof(address.sun_path))
		return snap_error_set(err, SNAP_ERROR_LIMIT, "'%s' is too long a path", l->path);
	l->fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return snap_error_errno(err, errno, "cannot make a socket");
	(void)unlink(address.sun_path); /* of one that was killed right here */
	mode_t mask = umask(0777 & ~mode);
	int bound = bind(l->fd, (const struct sockaddr *)&address, sizeof(address));
	int error = errno;
	(void)umask(mask); /* can't fail */
	if (bound < 0)
		return snap_error_errno(err, error, "cannot bind a socket to '%s'", l->path);
	if (listen(l->fd, BACKLOG) < 0 || lstat(address.sun_path, &st) < 0 ||
		rename(address.sun_path, l->path) < 0) {
		error = errno;
		(void)unlink(address.sun_path); /* the error above counts */
		return snap_error_errno(err, error, "cannot listen at '%s'", l->path);
	}
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	return 0;
}

int snap_listen(struct snap_listener *ret, const char *path, const char *name, int type,
	mode_t mode, struct snap_error *err)
{
	struct snap_listener l = SNAP_LISTENER_INIT;
	(void)snprintf(l.path, sizeof(l.path), "%s", path); /* fits */
	make_parents(path);
	int r = take_lock(&l, err);
	if (r == 0)
		r = take_passed(&l, name, type, err);
	if (r == 0 && l.fd < 0)
		r = make(&l, type, mode, err);
	if (r < 0) {
		snap_listener_close(&l);
		return -1;
	}
	*ret = l;
	return 0;
}

void snap_listener_close(struct snap_listener *listener)
{
	struct stat st;
	if (listener->fd >= 0 && !listener->passed && lstat(listener->path, &st) == 0 &&
		st.st_dev == listener->dev && st.st_ino == listener->ino)
		(void)unlink(listener->path); /* a socket that is left behind does no harm */
	if (listener->fd >= 0)
		(void)close(listener->fd); /* nothing to lose */
	if (listener->lock_fd >= 0)
		(void)close(listener->lock_fd); /* gives up the lock */
	*listener = (struct snap_listener)SNAP_LISTENER_INIT;
}
