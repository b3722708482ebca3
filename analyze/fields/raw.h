/*
 * The fields of a serialised message, with the size of each one's value.
 *
 * Hostile input: bounded by the bytes given, no allocation, no recursion.
 * Source: the Protocol Buffers encoding specification ("Message Structure", "Groups").
 */
#ifndef SNAP_ANALYZE_FIELDS_RAW_H
#define SNAP_ANALYZE_FIELDS_RAW_H

#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/wire.h"

enum snap_raw_wire {
	SNAP_RAW_VARINT = SNAP_WIRE_VARINT,
	SNAP_RAW_FIXED64 = SNAP_WIRE_FIXED64,
	SNAP_RAW_BYTES = SNAP_WIRE_BYTES,
	SNAP_RAW_GROUP = SNAP_WIRE_GROUP,
	SNAP_RAW_FIXED32 = SNAP_WIRE_FIXED32,
};

struct snap_raw_field {
	uint32_t number; /* 1 to 2^29 - 1 */
	enum snap_raw_wire wire;
	uint64_t value; /* of the numbers */
	/* Of SNAP_RAW_BYTES, and what stands between the tags of a group; points into the message.
	 */
	struct snap_bytes payload;
	size_t size; /* of the value in the message, without tags and a length */
};

/*
 * The field that starts at message.data[*off]; *off then is that of the next one. Returns 1 and
 * fills *ret; 0 at the end; -ENODATA if the message ends within the field; -EBADMSG if there is no
 * valid field there, or groups are nested deeper than SNAP_WIRE_MAX_GROUPS. On failure *off stays.
 */
int snap_raw_next(struct snap_bytes message, size_t *off, struct snap_raw_field *ret);

/* "varint", "bytes" and so on. Static. */
const char *snap_raw_wire_name(enum snap_raw_wire wire);

#endif
