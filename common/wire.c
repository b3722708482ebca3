#include "common/wire.h"

#include <errno.h>

int snap_wire_varint(struct snap_bytes message, size_t *off, uint64_t *ret)
{
	uint64_t value = 0;
	for (unsigned int i = 0; i < 10; i++) {
		if (*off + i >= message.len)
			return -ENODATA;
		uint8_t byte = message.data[*off + i];
		if (i == 9 && byte > 1)
			return -EBADMSG;
		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80)) {
			*off += i + 1;
			*ret = value;
			return 0;
		}
	}
	return -EBADMSG;
}

static int read_fixed(struct snap_bytes message, size_t *off, size_t size, uint64_t *ret)
{
	if (message.len - *off < size)
		return -ENODATA;
	uint64_t value = 0;
	for (size_t i = 0; i < size; i++)
		value |= (uint64_t)message.data[*off + i] << (8 * i);
	*off += size;
	*ret = value;
	return 0;
}

/* The wire type of the tag that ends a group. */
#define GROUP_END 4

static int read_tag(
	struct snap_bytes message, size_t *off, uint32_t *ret_number, unsigned int *ret_type)
{
	uint64_t tag;
	int r = snap_wire_varint(message, off, &tag);
	if (r < 0)
		return r;
	if (tag > UINT32_MAX || tag >> 3 == 0)
		return -EBADMSG;
	*ret_number = (uint32_t)(tag >> 3);
	*ret_type = (unsigned int)(tag & 7);
	return 0;
}

/* What stands behind a tag of this type, which begins no group. */
static int read_value(struct snap_bytes message, size_t *off, unsigned int type,
	struct snap_wire_field *field)
{
	uint64_t len;
	int r;
	switch (type) {
	case SNAP_WIRE_VARINT:
		return snap_wire_varint(message, off, &field->value);
	case SNAP_WIRE_FIXED64:
		return read_fixed(message, off, 8, &field->value);
	case SNAP_WIRE_FIXED32:
		return read_fixed(message, off, 4, &field->value);
	case SNAP_WIRE_BYTES:
		r = snap_wire_varint(message, off, &len);
		if (r < 0)
			return r;
		if (len > message.len - *off)
			return len > INT32_MAX ? -EBADMSG : -ENODATA;
		field->payload = snap_bytes(message.data + *off, len);
		*off += len;
		return 0;
	default:
		return -EBADMSG;
	}
}

/* *off: behind the tag that begins the group; then behind the one that ends it. */
static int read_group(
	struct snap_bytes message, size_t *off, uint32_t number, struct snap_bytes *ret)
{
	uint32_t open[SNAP_WIRE_MAX_GROUPS] = {number};
	unsigned int depth = 1, type;
	const size_t start = *off;
	size_t end = start;
	while (depth > 0) {
		struct snap_wire_field ignored;
		end = *off;
		int r = read_tag(message, off, &number, &type);
		if (r == 0 && type == SNAP_WIRE_GROUP) {
			if (depth == SNAP_WIRE_MAX_GROUPS)
				return -EBADMSG;
			open[depth++] = number;
		} else if (r == 0 && type == GROUP_END) {
			if (open[--depth] != number)
				return -EBADMSG;
		} else if (r == 0) {
			r = read_value(message, off, type, &ignored);
		}
		if (r < 0)
			return r;
	}
	*ret = snap_bytes(message.data + start, end - start);
	return 0;
}

int snap_wire_next(struct snap_bytes message, size_t *off, struct snap_wire_field *ret)
{
	size_t at = *off;
	if (at >= message.len)
		return 0;
	struct snap_wire_field field = {.off = at};
	unsigned int type;
	int r = read_tag(message, &at, &field.number, &type);
	if (r < 0)
		return r;
	field.type = (enum snap_wire_type)type;
	r = type == SNAP_WIRE_GROUP ? read_group(message, &at, field.number, &field.payload)
				    : read_value(message, &at, type, &field);
	if (r < 0)
		return r;
	field.end = at;
	*off = at;
	*ret = field;
	return 1;
}
