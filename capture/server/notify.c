#include "capture/server/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_PASSED_FD 3

/* $NOTIFY_SOCKET and $WATCHDOG_USEC, kept when the environment forgets them. */
static struct {
	bool read;
	struct sockaddr_un address;
	socklen_t address_len; /* 0: nobody listens */
	int64_t watchdog_ms;
} service;

static bool number(const char *text, unsigned long long *ret)
{
	char *end;
	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0';
}

static void read_environment(void)
{
	if (service.read)
		return;
	service.read = true;
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;
	if (len > 1 && len < sizeof(service.address.sun_path) && (*path == '/' || *path == '@')) {
		service.address.sun_family = AF_UNIX;
		memcpy(service.address.sun_path, path, len);
		if (*path == '@')
			service.address.sun_path[0] = '\0';
		service.address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	}
	unsigned long long usec, pid;
	const char *for_pid = getenv("WATCHDOG_PID");
	if (number(getenv("WATCHDOG_USEC"), &usec) && usec > 0 && usec / 2000 <= INT64_MAX &&
		(!for_pid || (number(for_pid, &pid) && pid == (unsigned long long)getpid())))
		service.watchdog_ms = usec >= 2000 ? (int64_t)(usec / 2000) : 1;
}

void snap_notify(const char *lines)
{
	read_environment();
	if (service.address_len == 0)
		return;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	/* It has no way to answer, and nothing would be done about a failure. */
	(void)sendto(fd, lines, strlen(lines), MSG_NOSIGNAL,
		(const struct sockaddr *)&service.address, service.address_len);
	(void)close(fd); /* as above */
}

int64_t snap_notify_watchdog_ms(void)
{
	read_environment();
	return service.watchdog_ms;
}

unsigned int snap_notify_listen_fds(struct snap_passed_socket ret[static SNAP_LISTEN_FDS_MAX])
{
	unsigned long long pid, num;
	if (!number(getenv("LISTEN_PID"), &pid) || pid != (unsigned long long)getpid() ||
		!number(getenv("LISTEN_FDS"), &num))
		return 0;
	if (num > SNAP_LISTEN_FDS_MAX)
		num = SNAP_LISTEN_FDS_MAX;
	const char *names = getenv("LISTEN_FDNAMES");
	for (unsigned int i = 0; i < num; i++) {
		ret[i].fd = FIRST_PASSED_FD + (int)i;
		ret[i].name[0] = '\0';
		(void)fcntl(ret[i].fd, F_SETFD, FD_CLOEXEC); /* not open: found out when used */
		if (!names)
			continue;
		size_t len = strcspn(names, ":");
		if (len < sizeof(ret[i].name)) {
			memcpy(ret[i].name, names, len);
			ret[i].name[len] = '\0';
		}
		names = names[len] == ':' ? names + len + 1 : NULL;
	}
	return (unsigned int)num;
}

void snap_notify_forget(void)
{
	read_environment();
	static const char *const names[] = {"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC",
		"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unsetenv(names[i]); /* the names are valid */
}
