/*
 * Reading DWARF's encodings within bounds.
 *
 * Hostile: a read beyond the end gives 0, marks the cursor as failed and leaves it at the end, so
 * that loops over it stop; whoever reads looks at failed once, afterwards.
 */
#ifndef SNAP_ANALYZE_DWARF_CURSOR_H
#define SNAP_ANALYZE_DWARF_CURSOR_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/bytes.h"

struct snap_cursor {
	const uint8_t *p, *end;
	bool big_endian;
	bool failed;
};

/* A cursor at byte off of the bytes; failed if there is no such byte and off is not the end. */
static inline struct snap_cursor snap_cursor(struct snap_bytes bytes, uint64_t off, bool big_endian)
{
	struct snap_cursor c = {.big_endian = big_endian, .failed = off > bytes.len};
	c.p = c.end = bytes.data;
	if (bytes.len > 0) { /* absent bytes are NULL, to which C has even 0 not added */
		c.end = bytes.data + bytes.len;
		c.p = c.failed ? c.end : bytes.data + off;
	}
	return c;
}

static inline size_t snap_cursor_left(const struct snap_cursor *c)
{
	return (size_t)(c->end - c->p);
}

static inline bool snap_cursor_fail(struct snap_cursor *c)
{
	c->failed = true;
	c->p = c->end;
	return false;
}

static inline void snap_cursor_skip(struct snap_cursor *c, uint64_t len)
{
	if (len > snap_cursor_left(c))
		(void)snap_cursor_fail(c);
	else
		c->p += len;
}

static inline uint8_t snap_cursor_u8(struct snap_cursor *c)
{
	if (c->p == c->end) {
		(void)snap_cursor_fail(c);
		return 0;
	}
	return *c->p++;
}

static inline uint16_t snap_cursor_u16(struct snap_cursor *c)
{
	uint16_t v;
	if (snap_cursor_left(c) < sizeof(v)) {
		(void)snap_cursor_fail(c);
		return 0;
	}
	memcpy(&v, c->p, sizeof(v));
	c->p += sizeof(v);
	return c->big_endian ? be16toh(v) : le16toh(v);
}

static inline uint32_t snap_cursor_u32(struct snap_cursor *c)
{
	uint32_t v;
	if (snap_cursor_left(c) < sizeof(v)) {
		(void)snap_cursor_fail(c);
		return 0;
	}
	memcpy(&v, c->p, sizeof(v));
	c->p += sizeof(v);
	return c->big_endian ? be32toh(v) : le32toh(v);
}

static inline uint64_t snap_cursor_u64(struct snap_cursor *c)
{
	uint64_t v;
	if (snap_cursor_left(c) < sizeof(v)) {
		(void)snap_cursor_fail(c);
		return 0;
	}
	memcpy(&v, c->p, sizeof(v));
	c->p += sizeof(v);
	return c->big_endian ? be64toh(v) : le64toh(v);
}

/* An integer of 1 to 8 bytes: 3 is DW_FORM_strx3's and DW_FORM_addrx3's. */
static inline uint64_t snap_cursor_unsigned(struct snap_cursor *c, unsigned int len)
{
	switch (len) {
	case 1:
		return snap_cursor_u8(c);
	case 2:
		return snap_cursor_u16(c);
	case 4:
		return snap_cursor_u32(c);
	case 8:
		return snap_cursor_u64(c);
	}
	uint64_t v = 0;
	for (unsigned int i = 0; i < len; i++) {
		uint64_t byte = snap_cursor_u8(c);
		v = c->big_endian ? v << 8 | byte : v | byte << (8 * i);
	}
	return v;
}

/* DWARF 5, section 7.6. Bits beyond the 64th are dropped. */
static inline uint64_t snap_cursor_uleb(struct snap_cursor *c)
{
	uint64_t v = 0;
	unsigned int shift = 0;
	if (c->p < c->end && !(*c->p & 0x80))
		return *c->p++; /* most of them */
	while (c->p < c->end) {
		uint8_t byte = *c->p++;
		if (shift < 64)
			v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return v;
		shift += 7;
	}
	(void)snap_cursor_fail(c);
	return 0;
}

static inline int64_t snap_cursor_sleb(struct snap_cursor *c)
{
	uint64_t v = 0;
	unsigned int shift = 0;
	while (c->p < c->end) {
		uint8_t byte = *c->p++;
		if (shift < 64)
			v |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
		if (byte & 0x80)
			continue;
		if (shift < 64 && byte & 0x40)
			v |= ~UINT64_C(0) << shift;
		return (int64_t)v;
	}
	(void)snap_cursor_fail(c);
	return 0;
}

/* A string with its NUL; NULL if there is none. It points into the bytes. */
static inline const char *snap_cursor_string(struct snap_cursor *c)
{
	const uint8_t *start = c->p;
	const uint8_t *nul = start < c->end ? memchr(start, '\0', snap_cursor_left(c)) : NULL;
	if (!nul) {
		(void)snap_cursor_fail(c);
		return NULL;
	}
	c->p = nul + 1;
	return (const char *)start;
}

#endif
