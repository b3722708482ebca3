#include "analyze/fields/raw.h"

int snap_raw_next(struct snap_bytes message, size_t *off, struct snap_raw_field *ret)
{
	struct snap_wire_field field;
	size_t value_off = *off;
	uint64_t tag;
	int r = snap_wire_next(message, off, &field);
	if (r <= 0)
		return r;
	bool has_payload = field.type == SNAP_WIRE_BYTES || field.type == SNAP_WIRE_GROUP;
	(void)snap_wire_varint(message, &value_off, &tag); /* it was read before */
	*ret = (struct snap_raw_field){
		.number = field.number,
		.wire = (enum snap_raw_wire)field.type,
		.value = field.value,
		.payload = field.payload,
		.size = has_payload ? field.payload.len : field.end - value_off,
	};
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
