#include "analyze/tokens/arguments.h"

/* Seven bits each. */
#define MAX_VARINT_LEN 10

static void skip(struct snap_bytes *bytes, size_t len)
{
	*bytes = snap_bytes(bytes->data + len, bytes->len - len);
}

enum snap_argument_status snap_argument_integer(struct snap_bytes *bytes, int64_t *ret)
{
	uint64_t value = 0;
	size_t len = 0;
	if (bytes->len == 0)
		return SNAP_ARGUMENT_MISSING;
	while (len < bytes->len && len < MAX_VARINT_LEN) {
		uint8_t byte = bytes->data[len];
		value |= (uint64_t)(byte & 0x7f) << (7 * len);
		len++;
		if (byte & 0x80)
			continue;
		skip(bytes, len);
		/* Of the last there is room for one bit. */
		if (len == MAX_VARINT_LEN && byte > 1)
			return SNAP_ARGUMENT_BROKEN;
		*ret = (int64_t)(value >> 1 ^ (0 - (value & 1)));
		return SNAP_ARGUMENT_OK;
	}
	skip(bytes, len);
	return SNAP_ARGUMENT_BROKEN;
}

enum snap_argument_status snap_argument_real(struct snap_bytes *bytes, double *ret)
{
	const uint8_t *p = bytes->data;
	float value;
	if (bytes->len == 0)
		return SNAP_ARGUMENT_MISSING;
	if (bytes->len < sizeof(value)) {
		skip(bytes, bytes->len);
		return SNAP_ARGUMENT_BROKEN;
	}
	uint32_t bits = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
	memcpy(&value, &bits, sizeof(value));
	*ret = (double)value;
	skip(bytes, sizeof(value));
	return SNAP_ARGUMENT_OK;
}

enum snap_argument_status snap_argument_string(
	struct snap_bytes *bytes, struct snap_bytes *ret, bool *ret_is_cut)
{
	if (bytes->len == 0)
		return SNAP_ARGUMENT_MISSING;
	size_t len = bytes->data[0] & 0x7f;
	bool is_cut = bytes->data[0] & 0x80;
	skip(bytes, 1);
	size_t there = len < bytes->len ? len : bytes->len;
	*ret = snap_bytes(bytes->data, there);
	*ret_is_cut = is_cut;
	skip(bytes, there);
	return there == len ? SNAP_ARGUMENT_OK : SNAP_ARGUMENT_BROKEN;
}
