#include "analyze/user_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/file_open.h"
#include "common/escape.h"

#define NAME_SIZE 256

static const char *escaped(const char *file, char name[NAME_SIZE])
{
	(void)snap_escape(snap_bytes_str(file), SNAP_ESCAPE_TERMINAL, name, NAME_SIZE);
	return name;
}

/* All of it, NUL-terminated; NULL and *err. */
static char *read_whole(int fd, const char *name, size_t max, size_t *ret_len, struct snap_error *err)
{
	size_t size = max < 65536 ? max : 65536, len = 0;
	char *text = malloc(size + 1);
	for (;;) {
		ssize_t n = text ? read(fd, text + len, size + 1 - len) : 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			(void)snap_error_errno(err, errno, "cannot read '%s'", name);
		else if (!text)
			(void)snap_error_no_memory(err);
		if (n < 0 || !text)
			break;
		len += (size_t)n;
		if (len > max) {
			(void)snap_error_set(err, SNAP_ERROR_LIMIT,
				"'%s' is longer than the %zu bytes that it may have", name, max);
			break;
		}
		if (n == 0) {
			text[len] = '\0';
			*ret_len = len;
			return text;
		}
		if (len <= size)
			continue;
		size = size < max / 2 ? 2 * size : max;
		char *grown = realloc(text, size + 1);
		if (!grown)
			free(text);
		text = grown;
	}
	free(text);
	return NULL;
}

/* A pipe's end, "<(command)" in a shell: waits for who writes, as who reads a FIFO does. */
static int open_pipe(const char *file, struct snap_error *err)
{
	struct stat st;
	int fd;
	do
		fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	while (fd < 0 && errno == EINTR);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
		return fd;
	(void)snap_error_set(err, SNAP_ERROR_SYSTEM, "%s", fd < 0 ? strerror(errno) : "is a FIFO no more");
	if (fd >= 0)
		(void)close(fd); /* nothing was read */
	return -1;
}

static char *read_file(
	const char *file, bool may_be_pipe, size_t max, size_t *ret_len, struct snap_error *err)
{
	char name[NAME_SIZE];
	struct snap_error why = SNAP_ERROR_INIT;
	struct stat st;
	bool is_pipe = may_be_pipe && stat(file, &st) == 0 && S_ISFIFO(st.st_mode);
	int fd = is_pipe ? open_pipe(file, &why) : snap_file_open_input(file, &why);
	if (fd < 0) {
		(void)snap_error_set(err, SNAP_ERROR_USAGE, "cannot open '%s': %s",
			escaped(file, name), why.text);
		return NULL;
	}
	char *bytes = read_whole(fd, escaped(file, name), max, ret_len, err);
	(void)close(fd); /* nothing was written */
	return bytes;
}

char *snap_user_bytes_read(const char *file, size_t max, size_t *ret_len, struct snap_error *err)
{
	return read_file(file, false, max, ret_len, err);
}

char *snap_user_text_read(const char *file, size_t max, struct snap_error *err)
{
	char name[NAME_SIZE];
	size_t len;
	char *text = read_file(file, true, max, &len, err);
	if (!text || strlen(text) == len)
		return text;
	(void)snap_error_set(err, SNAP_ERROR_MALFORMED, "'%s' is no text: byte %zu is NUL",
		escaped(file, name), strlen(text));
	free(text);
	return NULL;
}

int snap_user_text_fault(const char *file, size_t line, const char *what, struct snap_error *err)
{
	char name[NAME_SIZE];
	return snap_error_set(
		err, SNAP_ERROR_USAGE, "%s:%zu: %s", escaped(file, name), line, what);
}
