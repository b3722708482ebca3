#include "capture/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "common/escape.h"

/* One reading: where it stands, and whether something was wrong already. */
struct reading {
	const char *file;
	unsigned long line;
	bool failed;
	struct snap_config *config;
	struct snap_error *err;
};

/* Only the first fault is kept: the others often follow from it. */
static void fault(struct reading *r, const char *what, struct snap_bytes about)
{
	if (r->failed)
		return;
	r->failed = true;
	char shown[96];
	(void)snap_escape(about, SNAP_ESCAPE_TERMINAL, shown, sizeof(shown)); /* cut to fit */
	(void)snap_error_set(r->err, SNAP_ERROR_USAGE,
		about.data ? "%s:%lu: %s '%s'" : "%s:%lu: %s", r->file, r->line, what, shown);
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct snap_bytes trim(struct snap_bytes s)
{
	while (s.len > 0 && is_blank(s.data[0]))
		s = snap_bytes(s.data + 1, s.len - 1);
	while (s.len > 0 && is_blank(s.data[s.len - 1]))
		s.len--;
	return s;
}

static void take_line(struct reading *r, struct snap_bytes line)
{
	if (memchr(line.data, '\0', line.len)) {
		fault(r, "a NUL byte", snap_bytes(NULL, 0));
		return;
	}
	for (size_t i = 0; i < line.len; i++)
		if (line.data[i] == '#' && (i == 0 || is_blank(line.data[i - 1])))
			line.len = i;
	line = trim(line);
	if (line.len == 0)
		return;

	const uint8_t *equals = memchr(line.data, '=', line.len);
	if (!equals) {
		fault(r, "no '=' in", line);
		return;
	}
	size_t key_len = (size_t)(equals - line.data);
	struct snap_bytes key = trim(snap_bytes(line.data, key_len));
	struct snap_bytes value = trim(snap_bytes(equals + 1, line.len - key_len - 1));

	char *to;
	size_t size;
	if (snap_bytes_equal_str(key, "spool")) {
		to = r->config->spool;
		size = sizeof(r->config->spool);
	} else if (snap_bytes_equal_str(key, "socket")) {
		to = r->config->socket;
		size = sizeof(r->config->socket);
	} else {
		fault(r, "unknown key", key);
		return;
	}
	if (value.len == 0) {
		fault(r, "no value for", key);
	} else if (value.data[0] != '/') {
		fault(r, "not an absolute path:", value);
	} else if (value.len >= size) {
		fault(r, "path too long:", value);
	} else {
		memcpy(to, value.data, value.len);
		to[value.len] = '\0';
	}
}

static void take_file(struct reading *r, int fd)
{
	uint8_t line[SNAP_CONFIG_MAX_LINE];
	uint8_t buf[4096];
	size_t line_len = 0, total = 0;
	bool overlong = false;
	ssize_t n;

	r->line = 1;
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		total += (size_t)n;
		if (total > SNAP_CONFIG_MAX_FILE) {
			fault(r, "the file is too long", snap_bytes(NULL, 0));
			return;
		}
		for (size_t i = 0; i < (size_t)n; i++) {
			if (buf[i] != '\n') {
				if (line_len < sizeof(line))
					line[line_len++] = buf[i];
				else
					overlong = true;
				continue;
			}
			if (overlong)
				fault(r, "the line is too long", snap_bytes(NULL, 0));
			else
				take_line(r, snap_bytes(line, line_len));
			line_len = 0;
			overlong = false;
			r->line++;
		}
	}
	if (n < 0 && !r->failed) {
		r->failed = true;
		(void)snap_error_errno(r->err, errno, "cannot read '%s'", r->file);
	} else if (overlong) {
		fault(r, "the line is too long", snap_bytes(NULL, 0));
	} else if (line_len > 0) {
		take_line(r, snap_bytes(line, line_len));
	}
}

int snap_config_read(const char *file, struct snap_config *ret, struct snap_error *err)
{
	memcpy(ret->spool, SNAP_CONFIG_DEFAULT_SPOOL, sizeof(SNAP_CONFIG_DEFAULT_SPOOL));
	memcpy(ret->socket, SNAP_CONFIG_DEFAULT_SOCKET, sizeof(SNAP_CONFIG_DEFAULT_SOCKET));

	struct reading r = {
		.file = file ? file : SNAP_CONFIG_DEFAULT_FILE,
		.config = ret,
		.err = err,
	};
	int fd = open(r.file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		if (!file && errno == ENOENT)
			return 0;
		return snap_error_errno(err, errno, "cannot open '%s'", r.file);
	}
	take_file(&r, fd);
	(void)close(fd); /* nothing was written */
	return r.failed ? -1 : 0;
}
