#include "analyze/fields/decode_parts.h"

enum snap_raw_wire snap_field_wire(enum snap_field_type type)
{
	switch (type) {
	case SNAP_FIELD_DOUBLE:
	case SNAP_FIELD_FIXED64:
	case SNAP_FIELD_SFIXED64:
		return SNAP_RAW_FIXED64;
	case SNAP_FIELD_FLOAT:
	case SNAP_FIELD_FIXED32:
	case SNAP_FIELD_SFIXED32:
		return SNAP_RAW_FIXED32;
	case SNAP_FIELD_STRING:
	case SNAP_FIELD_BYTES:
	case SNAP_FIELD_MESSAGE:
		return SNAP_RAW_BYTES;
	case SNAP_FIELD_GROUP:
		return SNAP_RAW_GROUP;
	default:
		return SNAP_RAW_VARINT;
	}
}

bool snap_field_is_message(enum snap_field_type type)
{
	return type == SNAP_FIELD_MESSAGE || type == SNAP_FIELD_GROUP;
}

bool snap_field_is_packed(const struct snap_schema_field *field, const struct snap_raw_field *raw)
{
	return field->is_repeated && raw->wire == SNAP_RAW_BYTES &&
	       snap_field_wire(field->type) != SNAP_RAW_BYTES &&
	       snap_field_wire(field->type) != SNAP_RAW_GROUP;
}

bool snap_field_fits(const struct snap_schema_field *field, const struct snap_raw_field *raw)
{
	if (snap_field_is_message(field->type) && !field->message)
		return false;
	return raw->wire == snap_field_wire(field->type) || snap_field_is_packed(field, raw);
}

static int64_t unzigzag(uint64_t value)
{
	return (int64_t)(value >> 1 ^ -(value & 1));
}

void snap_value_take_number(
	const struct snap_schema_field *field, uint64_t value, struct snap_value *ret)
{
	uint32_t low = (uint32_t)value;
	float single;
	ret->kind = SNAP_VALUE_SIGNED;
	ret->number = value;
	switch (field->type) {
	case SNAP_FIELD_DOUBLE:
		ret->kind = SNAP_VALUE_DOUBLE;
		memcpy(&ret->real, &value, sizeof(ret->real));
		break;
	case SNAP_FIELD_FLOAT:
		ret->kind = SNAP_VALUE_FLOAT;
		memcpy(&single, &low, sizeof(single));
		ret->real = (double)single;
		break;
	case SNAP_FIELD_UINT64:
	case SNAP_FIELD_FIXED64:
		ret->kind = SNAP_VALUE_UNSIGNED;
		break;
	case SNAP_FIELD_UINT32:
	case SNAP_FIELD_FIXED32:
		ret->kind = SNAP_VALUE_UNSIGNED;
		ret->number = low;
		break;
	case SNAP_FIELD_INT32:
	case SNAP_FIELD_SFIXED32:
		ret->number = (uint64_t)(int64_t)(int32_t)low;
		break;
	case SNAP_FIELD_SINT32:
		ret->number = (uint64_t)unzigzag(low);
		break;
	case SNAP_FIELD_SINT64:
		ret->number = (uint64_t)unzigzag(value);
		break;
	case SNAP_FIELD_BOOL:
		ret->kind = SNAP_VALUE_BOOL;
		ret->number = value != 0;
		break;
	case SNAP_FIELD_ENUM:
		ret->kind = SNAP_VALUE_ENUM;
		ret->number = (uint64_t)(int64_t)(int32_t)low;
		ret->name = snap_schema_enum_name(field->values, (int32_t)low);
		break;
	default:
		break;
	}
}

void snap_value_take_bytes(struct snap_decoder *d, enum snap_value_kind kind,
	struct snap_bytes bytes, struct snap_value *ret)
{
	size_t len = bytes.len < SNAP_DECODE_MAX_TEXT ? bytes.len : SNAP_DECODE_MAX_TEXT;
	if (len > d->bytes_left)
		len = d->bytes_left;
	/* Not within a character. */
	if (kind == SNAP_VALUE_TEXT && len < bytes.len)
		for (int i = 0; i < 3 && len > 0 && (bytes.data[len] & 0xc0) == 0x80; i++)
			len--;
	d->bytes_left -= len;
	ret->kind = kind;
	ret->bytes = snap_bytes(bytes.data, len);
	ret->left_out = bytes.len - len;
}
