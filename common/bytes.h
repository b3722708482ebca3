/*
 * Bytes somewhere in memory with their length: the form in which everything that came from a
 * target travels. Not NUL-terminated; may hold anything.
 */
#ifndef SNAP_COMMON_BYTES_H
#define SNAP_COMMON_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed: whoever hands one out says how long data lives. data == NULL means "absent". */
struct snap_bytes {
	const uint8_t *data;
	size_t len;
};

static inline struct snap_bytes snap_bytes(const void *data, size_t len)
{
	return (struct snap_bytes){data, len};
}

static inline struct snap_bytes snap_bytes_str(const char *s)
{
	return (struct snap_bytes){(const uint8_t *)s, s ? strlen(s) : 0};
}

static inline bool snap_bytes_equal(struct snap_bytes a, struct snap_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool snap_bytes_equal_str(struct snap_bytes a, const char *s)
{
	return snap_bytes_equal(a, snap_bytes_str(s));
}

#endif
