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

int snap_wire_next(struct snap_bytes message, size_t *off, struct snap_wire_field *ret)
{
	size_t at = *off;
	if (at >= message.len)
		return 0;
	uint64_t tag;
	int r = snap_wire_varint(message, &at, &tag);
	if (r < 0)
		return r;
	struct snap_wire_field field = {
		.number = (uint32_t)(tag >> 3),
		.type = (enum snap_wire_type)(tag & 7),
		.off = *off,
	};
	if (tag > UINT32_MAX || field.number == 0)
		return -EBADMSG;

	switch (field.type) {
	case SNAP_WIRE_VARINT:
		r = snap_wire_varint(message, &at, &field.value);
		break;
	case SNAP_WIRE_FIXED64:
		r = read_fixed(message, &at, 8, &field.value);
		break;
	case SNAP_WIRE_FIXED32:
		r = read_fixed(message, &at, 4, &field.value);
		break;
	case SNAP_WIRE_BYTES: {
		uint64_t len;
		r = snap_wire_varint(message, &at, &len);
		if (r < 0)
			break;
		if (len > message.len - at)
			return len > INT32_MAX ? -EBADMSG : -ENODATA;
		field.payload = snap_bytes(message.data + at, len);
		at += len;
		break;
	}
	default:
		return -EBADMSG;
	}
	if (r < 0)
		return r;
	field.end = at;
	*off = at;
	*ret = field;
	return 1;
}
