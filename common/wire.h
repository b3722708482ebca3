/*
 * Walks the fields of a serialised Protocol Buffers message without unpacking anything.
 *
 * Hostile input: bounded by the bytes given, no allocation, no recursion.
 * Source: the Protocol Buffers encoding specification ("Message Structure", "Groups"). A group (wire
 * types 3 and 4) is one field, whatever is in it: nobody here writes any, but others may.
 */
#ifndef SNAP_COMMON_WIRE_H
#define SNAP_COMMON_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"

enum snap_wire_type {
	SNAP_WIRE_VARINT = 0,
	SNAP_WIRE_FIXED64 = 1,
	SNAP_WIRE_BYTES = 2,
	SNAP_WIRE_GROUP = 3,
	SNAP_WIRE_FIXED32 = 5,
};

/* Groups in groups, at most. */
#define SNAP_WIRE_MAX_GROUPS 16

struct snap_wire_field {
	uint32_t number; /* 1 to 2^29 - 1 */
	enum snap_wire_type type;
	size_t off;		   /* of its tag */
	size_t end;		   /* of its last byte, plus one */
	uint64_t value;		   /* of the numbers */
	/* Of SNAP_WIRE_BYTES, and what stands between the tags of a group; points into the message.
	 */
	struct snap_bytes payload;
};

/*
 * The field that starts at message.data[*off]; *off then is that of the next one. Returns 1 and
 * fills *ret; 0 at the end; -ENODATA if the message ends within the field; -EBADMSG if there is no
 * valid field there, or groups are nested deeper than SNAP_WIRE_MAX_GROUPS. On failure *off stays.
 */
int snap_wire_next(struct snap_bytes message, size_t *off, struct snap_wire_field *ret);

/*
 * The varint at message.data[*off], *off <= message.len; *off then is behind it. Returns 0, -ENODATA or
 * -EBADMSG; on failure *off stays.
 */
int snap_wire_varint(struct snap_bytes message, size_t *off, uint64_t *ret);

#endif
