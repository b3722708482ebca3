#include "analyze/user_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
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

char *snap_user_file_read(const char *file, size_t max, size_t *ret_len, struct snap_error *err)
{
	char name[NAME_SIZE];
	struct snap_error why = SNAP_ERROR_INIT;
	int fd = snap_file_open_input(file, &why);
	if (fd < 0) {
		(void)snap_error_set(err, SNAP_ERROR_USAGE, "cannot open '%s': %s",
			escaped(file, name), why.text);
		return NULL;
	}
	char *text = read_whole(fd, escaped(file, name), max, ret_len, err);
	(void)close(fd); /* nothing was written */
	return text;
}

char *snap_user_text_read(const char *file, size_t max, struct snap_error *err)
{
	char name[NAME_SIZE];
	size_t len;
	char *text = snap_user_file_read(file, max, &len, err);
	if (!text || strlen(text) == len)
		return text;
	(void)escaped(file, name);
	(void)snap_error_set(err, SNAP_ERROR_MALFORMED, "'%s' is no text: byte %zu is NUL", name,
		strlen(text));
	free(text);
	return NULL;
}

int snap_user_text_fault(const char *file, size_t line, const char *what, struct snap_error *err)
{
	char name[NAME_SIZE];
	return snap_error_set(
		err, SNAP_ERROR_USAGE, "%s:%zu: %s", escaped(file, name), line, what);
}
