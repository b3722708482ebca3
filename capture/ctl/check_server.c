#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
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
 * Whether a stream socket listens at the path, without connecting: that would be a crash to the
 * server. Source: the kernel's net/unix/af_unix.c (unix_seq_show): "Num: RefCount Protocol Flags
 * Type St Inode Path", in Flags __SO_ACCEPTCON.
 */
static bool is_listening(const char *path)
{
	char line[512];
	bool found = false;
	FILE *f = fopen("/proc/net/unix", "re");
	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		unsigned int flags;
		int path_at = 0;
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%*s %*x %*x %x %*x %*x %*u %n", &flags, &path_at) == 1 &&
			path_at > 0)
			found = (flags & 0x10000) && strcmp(line + path_at, path) == 0;
	}
	(void)fclose(f); /* nothing was written */
	return found;
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
			"no server runs: the client does without, and nobody removes old "
			"snapshots");
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
	if (is_listening(ctl->config.coredump_socket))
		snap_checks_add(checks, SNAP_CHECK_OK, "coredump_socket",
			"the server listens at '%s'", path);
	else
		snap_checks_add(checks, SNAP_CHECK_BAD, "coredump_socket",
			"nobody listens at '%s': crashes are lost as long as no server runs", path);
}
