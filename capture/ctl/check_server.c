#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "capture/ctl/checks.h"

/*
 * Whether somebody listens there. Returns 0, or a negative errno: -EAGAIN if it does not accept
 * what is waiting already.
 */
static int try_connect(const char *path, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path); /* same size */
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int r = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	(void)close(fd); /* nothing was said */
	return r;
}

/*
 * The name that a socket was bound to, which is not the path's if it was made beside it and then
 * put in its place (capture/server/listen.c), but begins so.
 */
static bool is_name_of(const char *name, const char *path)
{
	size_t len = strlen(path);
	return strncmp(name, path, len) == 0 && (name[len] == '\0' || name[len] == '.');
}

/*
 * Source: the kernel's net/unix/af_unix.c (unix_seq_show): "Num: RefCount Protocol Flags Type St
 * Inode Path", in Flags __SO_ACCEPTCON.
 */
static bool is_listed(const char *path)
{
	char line[512], buf[65536];
	bool found = false;
	FILE *f = fopen("/proc/net/unix", "re");
	if (!f)
		return false;
	(void)setvbuf(f, buf, _IOFBF, sizeof(buf)); /* a smaller one does as well */
	while (!found && fgets(line, sizeof(line), f)) {
		unsigned int flags;
		int path_at = 0;
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%*s %*x %*x %x %*x %*x %*u %n", &flags, &path_at) == 1 &&
			path_at > 0)
			found = (flags & 0x10000) && is_name_of(line + path_at, path);
	}
	(void)fclose(f); /* nothing was written */
	return found;
}

/* Where sockets come and go while the list is read, some are left out. */
bool snap_socket_is_listening(const char *path)
{
	struct stat st;
	if (stat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	for (int attempt = 0; attempt < 5; attempt++) {
		struct timespec step = {.tv_nsec = 20000000};
		if (is_listed(path))
			return true;
		(void)nanosleep(&step, NULL); /* shorter is as good */
	}
	return false;
}

void snap_check_server(const struct snap_ctl *ctl, struct snap_checks *checks)
{
	struct snap_ctl_shown shown;
	const char *path = snap_ctl_show_str(ctl->config.socket, &shown);
	int r = try_connect(ctl->config.socket, SOCK_SEQPACKET);
	checks->server_listens = r == 0;
	if (r == 0)
		snap_checks_add(
			checks, SNAP_CHECK_OK, "server", "the server listens at '%s'", path);
	else if (r == -ENOENT || r == -ECONNREFUSED)
		snap_checks_add(checks, SNAP_CHECK_NOTE, "server",
			"no server runs: the client does without it, but no hook is started and "
			"nothing adopted");
	else if (r == -EAGAIN)
		snap_checks_add(checks, SNAP_CHECK_WARN, "server",
			"the server at '%s' does not answer: it hangs, or has too much to do",
			path);
	else
		snap_checks_add(checks, SNAP_CHECK_WARN, "server",
			"the server at '%s' can't be reached: %s", path, strerror(-r));

	if (!checks->by_socket)
		return;
	path = snap_ctl_show_str(ctl->config.coredump_socket, &shown);
	if (snap_socket_is_listening(ctl->config.coredump_socket))
		snap_checks_add(checks, SNAP_CHECK_OK, "coredump_socket",
			"the server listens at '%s'", path);
	else
		snap_checks_add(checks, SNAP_CHECK_BAD, "coredump_socket",
			"nobody listens at '%s': crashes are lost as long as no server runs", path);
}
