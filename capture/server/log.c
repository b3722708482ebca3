#include "capture/server/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/escape.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define SYSLOG_SOCKET  "/dev/log"
#define FACILITY       (3 << 3) /* LOG_DAEMON */

#define MAX_MESSAGE 1024

static struct {
	enum snap_config_log where; /* never AUTO */
	int fd;			    /* the socket, or what stderr is written through */
	bool is_socket;
	bool prefix; /* stderr goes to the journal: it takes <N> before a line */
	const char *program;
	unsigned long num_lost;
} out = {.where = SNAP_CONFIG_LOG_STDERR, .fd = STDERR_FILENO, .program = "snapcrash"};

static int connect_datagram(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		(void)close(fd); /* nothing was sent */
		fd = -1;
	}
	return fd;
}

/* systemd.exec(5): $JOURNAL_STREAM is device and inode of what it connected. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;
	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

static bool stderr_is_heard(void)
{
	struct stat st;
	return fstat(STDERR_FILENO, &st) == 0 &&
	       !(S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3));
}

static void use_stderr(void)
{
	struct stat st;
	out.where = SNAP_CONFIG_LOG_STDERR;
	out.fd = STDERR_FILENO;
	out.prefix = stderr_is_journal();
	out.is_socket = fstat(STDERR_FILENO, &st) == 0 && S_ISSOCK(st.st_mode);
	if (out.is_socket)
		return;
	/* An open file description of our own, since O_NONBLOCK would hold for everybody who shares
	 * the inherited one. */
	int fd = open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0)
		out.fd = fd;
}

void snap_log_open(enum snap_config_log where, const char *program)
{
	if (out.fd > STDERR_FILENO)
		(void)close(out.fd); /* whatever it could not take is lost already */
	out.program = program;
	if (where == SNAP_CONFIG_LOG_AUTO)
		where = stderr_is_journal() ? SNAP_CONFIG_LOG_JOURNAL
			: stderr_is_heard() ? SNAP_CONFIG_LOG_STDERR
					    : SNAP_CONFIG_LOG_SYSLOG;
	out.fd = -1;
	if (where == SNAP_CONFIG_LOG_JOURNAL)
		out.fd = connect_datagram(JOURNAL_SOCKET);
	else if (where == SNAP_CONFIG_LOG_SYSLOG)
		out.fd = connect_datagram(SYSLOG_SOCKET);
	if (out.fd < 0) {
		use_stderr();
		return;
	}
	out.where = where;
	out.is_socket = true;
}

int snap_log_fd(void)
{
	return out.fd;
}

const char *snap_log_text(struct snap_bytes text, char *buf, size_t size)
{
	(void)snap_escape(text, SNAP_ESCAPE_TERMINAL, buf, size); /* cut to fit */
	return buf;
}

static bool put(const char *packet, size_t len)
{
	if (out.is_socket)
		return send(out.fd, packet, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
	/* Where it could not be opened anew, at least not when it is known to block. */
	struct pollfd poll_fd = {.fd = out.fd, .events = POLLOUT};
	return poll(&poll_fd, 1, 0) == 1 && write(out.fd, packet, len) == (ssize_t)len;
}

static bool put_message(enum snap_log_level level, const char *message)
{
	char packet[MAX_MESSAGE + 256];
	int len;
	switch (out.where) {
	case SNAP_CONFIG_LOG_JOURNAL:
		/* systemd's "Native Journal Protocol": FIELD=value lines, none with a newline. */
		len = snprintf(packet, sizeof(packet),
			"PRIORITY=%d\nSYSLOG_FACILITY=%d\nSYSLOG_IDENTIFIER=%s\nSYSLOG_PID=%ld\n"
			"MESSAGE=%s\n",
			(int)level, FACILITY >> 3, out.program, (long)getpid(), message);
		break;
	case SNAP_CONFIG_LOG_SYSLOG:
		/* As syslog(3) sends it, but without the time, which the daemon then adds. */
		len = snprintf(packet, sizeof(packet), "<%d>%s[%ld]: %s", FACILITY | (int)level,
			out.program, (long)getpid(), message);
		break;
	default:
		if (out.prefix)
			len = snprintf(packet, sizeof(packet), "<%d>%s\n", (int)level, message);
		else
			len = snprintf(packet, sizeof(packet), "%s: %s\n", out.program, message);
		break;
	}
	return put(packet, (size_t)len);
}

void snap_log(enum snap_log_level level, const char *format, ...)
{
	char text[MAX_MESSAGE], message[MAX_MESSAGE];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* cut to fit */
	va_end(args);
	(void)snap_log_text(snap_bytes_str(text), message, sizeof(message));
	if (out.num_lost > 0) {
		char lost[80];
		(void)snprintf(
			lost, sizeof(lost), "%lu messages could not be logged", out.num_lost);
		if (put_message(SNAP_LOG_WARNING, lost))
			out.num_lost = 0;
	}
	if (!put_message(level, message))
		out.num_lost++;
}
