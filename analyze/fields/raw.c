#include "analyze/fields/raw.h"

#include <errno.h>

#include "common/wire.h"

#define GROUP_BEGIN 3
#define GROUP_END   4

static int read_tag(
	struct snap_bytes message, size_t *off, uint32_t *ret_number, unsigned int *ret_wire)
{
	uint64_t tag;
	int r = snap_wire_varint(message, off, &tag);
	if (r < 0)
		return r;
	if (tag > UINT32_MAX || tag >> 3 == 0)
		return -EBADMSG;
	*ret_number = (uint32_t)(tag >> 3);
	*ret_wire = (unsigned int)(tag & 7);
	return 0;
}

/* *off: behind the tag that begins the group; then behind the one that ends it. *ret_end: where
 * that begins. */
static int find_group_end(struct snap_bytes message, uint32_t number, size_t *off, size_t *ret_end)
{
	uint32_t open[SNAP_RAW_MAX_GROUPS] = {number};
	unsigned int depth = 1, wire;
	struct snap_wire_field field;
	size_t at = *off;
	while (depth > 0) {
		size_t start = at;
		int r = read_tag(message, &at, &number, &wire);
		if (r < 0)
			return r;
		if (wire == GROUP_BEGIN) {
			if (depth == SNAP_RAW_MAX_GROUPS)
				return -EBADMSG;
			open[depth++] = number;
		} else if (wire == GROUP_END) {
			if (open[--depth] != number)
				return -EBADMSG;
			*ret_end = start;
		} else {
			at = start;
			r = snap_wire_next(message, &at, &field);
			if (r < 0)
				return r;
		}
	}
	*off = at;
	return 0;
}

int snap_raw_next(struct snap_bytes message, size_t *off, struct snap_raw_field *ret)
{
	uint32_t number;
	unsigned int wire;
	size_t at = *off, end = at;
	if (at >= message.len)
		return 0;
	int r = read_tag(message, &at, &number, &wire);
	if (r < 0)
		return r;
	size_t start = at;
	if (wire == GROUP_BEGIN) {
		r = find_group_end(message, number, &at, &end);
		if (r < 0)
			return r;
		*ret = (struct snap_raw_field){
			.number = number,
			.wire = SNAP_RAW_GROUP,
			.payload = snap_bytes(message.data + start, end - start),
			.size = end - start,
		};
		*off = at;
		return 1;
	}
	struct snap_wire_field field;
	at = *off;
	r = snap_wire_next(message, &at, &field);
	if (r < 0)
		return r;
	*ret = (struct snap_raw_field){
		.number = number,
		.wire = (enum snap_raw_wire)field.type,
		.value = field.value,
		.payload = field.payload,
		.size = field.type == SNAP_WIRE_BYTES ? field.payload.len : field.end - start,
	};
	*off = at;
	return 1;
}

const char *snap_raw_wire_name(enum snap_raw_wire wire)
{
	static const char *const names[] = {
		[SNAP_RAW_VARINT] = "varint",
		[SNAP_RAW_FIXED64] = "fixed64",
		[SNAP_RAW_BYTES] = "bytes",
		[SNAP_RAW_GROUP] = "group",
		[SNAP_RAW_FIXED32] = "fixed32",
	};
	return names[wire];
}
