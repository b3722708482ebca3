#include "analyze/symbols/encode.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

uint8_t *snap_encode_reserve(struct snap_encoded *out, size_t len)
{
	if (out->failed)
		return NULL;
	if (len > out->capacity - out->len) {
		size_t capacity = out->capacity ? out->capacity : 4096;
		while (capacity - out->len < len && capacity <= SIZE_MAX / 2)
			capacity *= 2;
		uint8_t *data = capacity - out->len >= len ? realloc(out->data, capacity) : NULL;
		if (!data) {
			out->failed = true;
			return NULL;
		}
		out->data = data;
		out->capacity = capacity;
	}
	out->len += len;
	return out->data + out->len - len;
}

void snap_encode_bytes(struct snap_encoded *out, const void *bytes, size_t len)
{
	uint8_t *to = len > 0 ? snap_encode_reserve(out, len) : NULL;
	if (to)
		memcpy(to, bytes, len);
}

void snap_encode_u32(struct snap_encoded *out, uint32_t v)
{
	v = htole32(v);
	snap_encode_bytes(out, &v, sizeof(v));
}

void snap_encode_u64(struct snap_encoded *out, uint64_t v)
{
	v = htole64(v);
	snap_encode_bytes(out, &v, sizeof(v));
}

void snap_encode_uleb(struct snap_encoded *out, uint64_t v)
{
	uint8_t bytes[10];
	size_t len = 0;
	do {
		bytes[len++] = (uint8_t)(v & 0x7f) | (v > 0x7f ? 0x80 : 0);
		v >>= 7;
	} while (v > 0);
	snap_encode_bytes(out, bytes, len);
}

void snap_encode_sleb(struct snap_encoded *out, int64_t v)
{
	uint8_t bytes[10];
	size_t len = 0;
	bool more = true;
	while (more) {
		uint8_t byte = (uint8_t)(v & 0x7f);
		v >>= 7;
		more = !((v == 0 && !(byte & 0x40)) || (v == -1 && byte & 0x40));
		bytes[len++] = byte | (more ? 0x80 : 0);
	}
	snap_encode_bytes(out, bytes, len);
}
