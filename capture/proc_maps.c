#include "capture/proc_maps.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* What is left of a line. */
struct cursor {
	const uint8_t *p, *end;
};

/* base is a constant where it is called: a process may have thousands of lines. */
static inline __attribute__((always_inline)) bool take_number(
	struct cursor *c, const unsigned int base, uint64_t *ret)
{
	uint64_t value = 0;
	const uint8_t *p = c->p, *start = p;
	for (; p < c->end; p++) {
		unsigned int digit = *p - (unsigned int)'0';
		if (digit > 9) {
			digit = *p - (unsigned int)'a';
			if (base != 16 || digit > 5)
				break;
			digit += 10;
		}
		if (value > (UINT64_MAX - digit) / base)
			return false;
		value = value * base + digit;
	}
	*ret = value;
	c->p = p;
	return p > start;
}

static bool take_char(struct cursor *c, char expected)
{
	if (c->p == c->end || *c->p != (uint8_t)expected)
		return false;
	c->p++;
	return true;
}

static bool take_permissions(struct cursor *c, uint32_t *ret)
{
	static const struct {
		char set, clear;
		uint32_t bit;
	} letters[] = {
		{'r', '-', SNAP_MAPPING_READ},
		{'w', '-', SNAP_MAPPING_WRITE},
		{'x', '-', SNAP_MAPPING_EXEC},
		{'s', 'p', SNAP_MAPPING_SHARED},
	};
	*ret = 0;
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		if (take_char(c, letters[i].set))
			*ret |= letters[i].bit;
		else if (!take_char(c, letters[i].clear))
			return false;
	}
	return true;
}

static bool ends_with(struct snap_bytes s, const char *end)
{
	size_t len = strlen(end);
	return s.len >= len && memcmp(s.data + s.len - len, end, len) == 0;
}

/* The kernel escapes the newline and nothing else here. */
static struct snap_bytes unescape(struct snap_bytes path, uint8_t *buf)
{
	if (!memchr(path.data, '\\', path.len))
		return path;
	size_t len = 0;
	for (size_t i = 0; i < path.len;) {
		if (path.len - i >= 4 && memcmp(path.data + i, "\\012", 4) == 0) {
			buf[len++] = '\n';
			i += 4;
		} else {
			buf[len++] = path.data[i++];
		}
	}
	return snap_bytes(buf, len);
}

bool snap_maps_parse_line(struct snap_bytes line, uint8_t *path_buf, struct snap_mapping *ret)
{
	struct cursor c = {line.data, line.data + line.len};
	struct snap_mapping m = {.has_permissions = true, .has_device = true};
	uint64_t major, minor;
	if (!take_number(&c, 16, &m.start) || !take_char(&c, '-') || !take_number(&c, 16, &m.end) ||
		!take_char(&c, ' ') || !take_permissions(&c, &m.permissions) ||
		!take_char(&c, ' ') || !take_number(&c, 16, &m.file_offset) ||
		!take_char(&c, ' ') || !take_number(&c, 16, &major) || !take_char(&c, ':') ||
		!take_number(&c, 16, &minor) || !take_char(&c, ' ') ||
		!take_number(&c, 10, &m.inode))
		return false;
	if (m.start >= m.end || major > UINT32_MAX || minor > UINT32_MAX)
		return false;
	m.device_major = (uint32_t)major;
	m.device_minor = (uint32_t)minor;

	if (c.p < c.end && *c.p != ' ')
		return false;
	while (c.p < c.end && *c.p == ' ')
		c.p++;
	struct snap_bytes path = snap_bytes(c.p, (size_t)(c.end - c.p));
	if (path.len > 0) {
		m.path = unescape(path, path_buf);
		/* A file that is really called so can't be told from a deleted one. */
		if (m.inode != 0 && ends_with(m.path, " (deleted)")) {
			m.deleted = true;
			m.path.len -= strlen(" (deleted)");
		}
	}
	*ret = m;
	return true;
}

void snap_maps_parser_init(struct snap_maps_parser *p)
{
	p->line_len = 0;
	p->overlong = false;
	p->num_bad = 0;
}

static void take_line(
	struct snap_maps_parser *p, struct snap_bytes line, snap_maps_fn *fn, void *arg)
{
	struct snap_mapping mapping;
	if (!p->overlong && snap_maps_parse_line(line, p->path, &mapping))
		fn(arg, &mapping);
	else
		p->num_bad++;
	p->line_len = 0;
	p->overlong = false;
}

static void keep(struct snap_maps_parser *p, const uint8_t *data, size_t len)
{
	if (len > sizeof(p->line) - p->line_len) {
		p->overlong = true;
		return;
	}
	memcpy(p->line + p->line_len, data, len);
	p->line_len += len;
}

void snap_maps_parser_feed(
	struct snap_maps_parser *p, struct snap_bytes bytes, snap_maps_fn *fn, void *arg)
{
	const uint8_t *data = bytes.data, *end = bytes.data + bytes.len;
	while (data < end) {
		const uint8_t *newline = memchr(data, '\n', (size_t)(end - data));
		size_t len = (size_t)((newline ? newline : end) - data);
		/* Parsed where it stands unless an earlier piece of it was kept. */
		if (newline && p->line_len == 0 && !p->overlong && len <= sizeof(p->line)) {
			take_line(p, snap_bytes(data, len), fn, arg);
		} else {
			keep(p, data, len);
			if (newline)
				take_line(p, snap_bytes(p->line, p->line_len), fn, arg);
		}
		data += len + (newline ? 1 : 0);
	}
}

int snap_maps_read(struct snap_maps_parser *p, int fd, snap_maps_fn *fn, void *arg)
{
	uint8_t buf[16384];
	ssize_t n;
	snap_maps_parser_init(p);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		snap_maps_parser_feed(p, snap_bytes(buf, (size_t)n), fn, arg);
	return n < 0 ? -errno : 0;
}
