#include "capture/ctl/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "common/escape.h"

#define PATTERN	   "/proc/sys/kernel/core_pattern"
#define PIPE_LIMIT "/proc/sys/kernel/core_pipe_limit"

#define LOCK_WAIT_MS 5000
#define LOCK_STEP_MS 50

/* The lock is on the setting itself: one for all configurations, and nothing is left behind. */
int snap_settings_lock(struct snap_error *err)
{
	int fd = open(PATTERN, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return snap_error_errno(err, errno, "cannot open '" PATTERN "'");
	for (int waited = 0;; waited += LOCK_STEP_MS) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return fd;
		int errnum = errno;
		if (errnum != EWOULDBLOCK && errnum != EINTR) {
			(void)close(fd);
			return snap_error_errno(err, errnum, "cannot lock '" PATTERN "'");
		}
		if (waited >= LOCK_WAIT_MS) {
			(void)close(fd);
			return snap_error_set(err, SNAP_ERROR_SYSTEM,
				"another snapcrashctl is at work and does not end");
		}
		struct timespec step = {.tv_nsec = LOCK_STEP_MS * 1000000L};
		(void)nanosleep(&step, NULL); /* shorter is as good */
	}
}

/* One line of at most size - 1 bytes, without its newline. */
static int read_line(const char *path, char *buf, size_t size, struct snap_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return snap_error_errno(err, errno, "cannot open '%s'", path);
	ssize_t n = read(fd, buf, size - 1);
	int errnum = errno;
	(void)close(fd); /* nothing was written */
	if (n < 0)
		return snap_error_errno(err, errnum, "cannot read '%s'", path);
	if (n > 0 && buf[n - 1] == '\n')
		n--;
	buf[n] = '\0';
	return 0;
}

int snap_settings_read(struct snap_settings *ret, struct snap_error *err)
{
	struct snap_settings settings;
	char limit[32], *end;
	if (read_line(PATTERN, settings.pattern, sizeof(settings.pattern), err) < 0 ||
		read_line(PIPE_LIMIT, limit, sizeof(limit), err) < 0)
		return -1;
	settings.pipe_limit = strtoull(limit, &end, 10);
	if (end == limit || *end != '\0')
		return snap_error_set(
			err, SNAP_ERROR_MALFORMED, "'" PIPE_LIMIT "' does not hold a number");
	*ret = settings;
	return 0;
}

static int write_line(const char *path, const char *value, struct snap_error *err)
{
	char line[SNAP_CORE_PATTERN_SIZE + 1];
	int len = snprintf(line, sizeof(line), "%s\n", value);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return snap_error_errno(err, errno, "cannot open '%s' for writing", path);
	/* At once: the kernel takes each write for a whole value. */
	ssize_t n = write(fd, line, (size_t)len);
	int errnum = n < 0 ? errno : EIO;
	(void)close(fd); /* a setting is not buffered */
	if (n != len)
		return snap_error_errno(err, errnum, "cannot write '%s'", path);
	return 0;
}

int snap_settings_write_pattern(const char *pattern, struct snap_error *err)
{
	struct snap_settings now;
	if (write_line(PATTERN, pattern, err) < 0 || snap_settings_read(&now, err) < 0)
		return -1;
	if (strcmp(now.pattern, pattern) == 0)
		return 0;
	char shown[256];
	(void)snap_escape(snap_bytes_str(now.pattern), SNAP_ESCAPE_TERMINAL, shown, sizeof(shown));
	return snap_error_set(err, SNAP_ERROR_SYSTEM,
		"the kernel did not take the core_pattern, which now is '%s'", shown);
}

int snap_settings_write_pipe_limit(uint64_t limit, struct snap_error *err)
{
	struct snap_settings now;
	char text[32];
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)limit);
	if (write_line(PIPE_LIMIT, text, err) < 0 || snap_settings_read(&now, err) < 0)
		return -1;
	if (now.pipe_limit == limit)
		return 0;
	return snap_error_set(err, SNAP_ERROR_SYSTEM,
		"the kernel did not take the core_pipe_limit, which now is %llu",
		(unsigned long long)now.pipe_limit);
}

bool snap_kernel_is(unsigned int major, unsigned int minor)
{
	struct utsname uts;
	unsigned int has_major = 0, has_minor = 0;
	if (uname(&uts) < 0 || sscanf(uts.release, "%u.%u", &has_major, &has_minor) != 2)
		return false;
	return has_major > major || (has_major == major && has_minor >= minor);
}
