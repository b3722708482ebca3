#include "capture/saved.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/spool.h"

/* The first line. Then come lines of a key, a blank and a value. */
#define FIRST_LINE "snapcrash saved 1\n"

int snap_saved_open_dir(const char *socket)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(socket, '/');
	size_t len = slash ? (size_t)(slash - socket) : 0;
	if (socket[0] != '/' || len >= sizeof(dir))
		return -EINVAL;
	memcpy(dir, socket, len);
	dir[len] = '\0';
	int fd = open(len > 0 ? dir : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The value of the line that begins with key and a blank, up to its end. */
static struct snap_bytes find(const char *text, const char *key)
{
	size_t key_len = strlen(key);
	for (const char *p = text; *p != '\0';) {
		size_t len = strcspn(p, "\n");
		if (p[len] == '\n' && len > key_len && memcmp(p, key, key_len) == 0 &&
			p[key_len] == ' ')
			return snap_bytes(p + key_len + 1, len - key_len - 1);
		p += len + (p[len] == '\n');
	}
	return snap_bytes(NULL, 0);
}

static bool take_pattern(const char *text, const char *key, char to[static SNAP_CORE_PATTERN_SIZE])
{
	struct snap_bytes value = find(text, key);
	if (!value.data || value.len >= SNAP_CORE_PATTERN_SIZE)
		return false;
	memcpy(to, value.data, value.len);
	to[value.len] = '\0';
	return true;
}

static bool take_number(const char *text, const char *key, uint64_t *to)
{
	struct snap_bytes value = find(text, key);
	uint64_t number = 0;
	if (value.len == 0 || value.len > 10)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		if (value.data[i] < '0' || value.data[i] > '9')
			return false;
		number = number * 10 + (uint64_t)(value.data[i] - '0');
	}
	*to = number;
	return true;
}

int snap_saved_read(int dir_fd, struct snap_saved *ret)
{
	char text[1024];
	int fd = openat(
		dir_fd, SNAP_SAVED_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return errno == ELOOP ? -EPERM : -errno;
	struct stat st;
	int r = fstat(fd, &st) < 0 ? -errno : 0;
	if (r == 0 && (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022) != 0))
		r = -EPERM;
	ssize_t n = r < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	if (n < 0)
		r = -errno;
	(void)close(fd); /* nothing was written */
	if (r < 0)
		return r;
	size_t len = n > 0 ? (size_t)n : 0;
	text[len] = '\0';

	struct snap_saved saved;
	if (strlen(text) != len || strncmp(text, FIRST_LINE, sizeof(FIRST_LINE) - 1) != 0 ||
		!take_pattern(text, "core_pattern", saved.pattern) ||
		!take_number(text, "core_pipe_limit", &saved.pipe_limit) ||
		!take_pattern(text, "ours", saved.ours))
		return -EBADMSG;
	*ret = saved;
	return 0;
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

int snap_saved_write(int dir_fd, const struct snap_saved *saved)
{
	char text[512], random[9], name[32];
	if (strchr(saved->pattern, '\n') || strchr(saved->ours, '\n'))
		return -EINVAL;
	int len = snprintf(text, sizeof(text),
		FIRST_LINE "core_pattern %s\ncore_pipe_limit %llu\nours %s\n", saved->pattern,
		(unsigned long long)saved->pipe_limit, saved->ours);
	snap_spool_random(random, 8);
	(void)snprintf(name, sizeof(name), "." SNAP_SAVED_NAME ".%s", random);

	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	int r = write_all(fd, text, (size_t)len);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && renameat(dir_fd, name, dir_fd, SNAP_SAVED_NAME) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(dir_fd, name, 0); /* at worst it lies there until the next boot */
	return r;
}

int snap_saved_remove(int dir_fd)
{
	return unlinkat(dir_fd, SNAP_SAVED_NAME, 0) < 0 && errno != ENOENT ? -errno : 0;
}
