#include <stdlib.h>
#include <string.h>

#include "common/crc32c.h"
#include "common/snapshot.h"
#include "common/wire.h"
#include "fuzz/fuzz.h"

enum { MAX_FIELDS = 4096, MAX_DEPTH = 4 };

static uint32_t next_random(unsigned int *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 8 & 0xffffff;
}

/* The fields of a message; 0: it is none. */
static size_t find_fields(struct snap_bytes message, struct snap_wire_field *fields, bool whole)
{
	size_t off = 0, num = 0;
	int r = 0;
	while (num < MAX_FIELDS && (r = snap_wire_next(message, &off, &fields[num])) > 0)
		num++;
	return whole && r != 0 ? 0 : num;
}

static size_t put_varint(uint8_t *at, uint64_t value)
{
	size_t len = 0;
	for (; value > 0x7f; value >>= 7)
		at[len++] = (uint8_t)(value | 0x80);
	at[len++] = (uint8_t)value;
	return len;
}

/* Replace [off, end) by len bytes; the new length, or the old one if there is no room. */
static size_t splice(uint8_t *data, size_t data_len, size_t max_len, size_t off, size_t end,
	const uint8_t *with, size_t len)
{
	if (data_len - (end - off) + len > max_len)
		return data_len;
	memmove(data + off + len, data + end, data_len - end);
	memcpy(data + off, with, len);
	return data_len - (end - off) + len;
}

static size_t mutate_message(
	uint8_t *data, size_t len, size_t max_len, unsigned int *seed, unsigned int depth);

/* Change what a field holds, or a field in it. */
static size_t mutate_payload(uint8_t *data, size_t len, size_t max_len,
	const struct snap_wire_field *field, unsigned int *seed, unsigned int depth)
{
	size_t room = field->payload.len + 256;
	uint8_t *with = malloc(room + 20), *payload = malloc(room);
	FUZZ_REQUIRE(with && payload);
	size_t payload_len = field->payload.len;
	if (payload_len > 0)
		memcpy(payload, field->payload.data, payload_len);
	payload_len = depth < MAX_DEPTH && next_random(seed) % 4 > 0
			      ? mutate_message(payload, payload_len, room, seed, depth + 1)
			      : LLVMFuzzerMutate(payload, payload_len, room);
	size_t head = put_varint(with, (uint64_t)field->number << 3 | SNAP_WIRE_BYTES);
	head += put_varint(with + head, payload_len);
	memcpy(with + head, payload, payload_len);
	len = splice(data, len, max_len, field->off, field->end, with, head + payload_len);
	free(with);
	free(payload);
	return len;
}

static size_t mutate_message(
	uint8_t *data, size_t len, size_t max_len, unsigned int *seed, unsigned int depth)
{
	struct snap_wire_field *fields = calloc(MAX_FIELDS, sizeof(*fields));
	FUZZ_REQUIRE(fields);
	size_t num = find_fields(snap_bytes(data, len), fields, depth > 0);
	if (num == 0) {
		free(fields);
		return LLVMFuzzerMutate(data, len, max_len);
	}
	const struct snap_wire_field *field = &fields[next_random(seed) % num];
	const struct snap_wire_field *other = &fields[next_random(seed) % num];
	uint8_t *copy = fuzz_copy(snap_bytes(data + other->off, other->end - other->off));
	switch (next_random(seed) % 16) {
	case 0: /* left out */
		len = splice(data, len, max_len, field->off, field->end, copy, 0);
		break;
	case 1: /* a second time, elsewhere */
		len = splice(
			data, len, max_len, field->off, field->off, copy, other->end - other->off);
		break;
	case 2: /* by another's */
		len = splice(
			data, len, max_len, field->off, field->end, copy, other->end - other->off);
		break;
	case 3:
		len = LLVMFuzzerMutate(data, len, max_len);
		break;
	default:
		if (field->type == SNAP_WIRE_BYTES) {
			len = mutate_payload(data, len, max_len, field, seed, depth);
		} else {
			uint8_t with[20];
			static const uint64_t odd[] = {0, 1, UINT64_MAX, INT64_MAX, UINT32_MAX,
				INT32_MAX, UINT64_C(1) << 63, 0x1000, UINT64_MAX - 4095, 62, 183,
				40};
			uint64_t value =
				next_random(seed) % 2
					? odd[next_random(seed) % (sizeof(odd) / sizeof(odd[0]))]
					: field->value + next_random(seed) % 33 - 16;
			size_t n = put_varint(with, (uint64_t)field->number << 3);
			n += put_varint(with + n, value);
			len = splice(data, len, max_len, field->off, field->end, with, n);
		}
	}
	free(copy);
	free(fields);
	return len;
}

/* Put right what each checkpoint says of the bytes before it. */
static void seal(uint8_t *data, size_t len)
{
	struct snap_bytes file = snap_bytes(data, len);
	struct snap_wire_field field, inner;
	size_t off = 0, summed = 0;
	uint32_t crc = 0;
	while (snap_wire_next(file, &off, &field) > 0) {
		if (field.number != SNAP_RECORD_CHECKPOINT || field.type != SNAP_WIRE_BYTES)
			continue;
		crc = snap_crc32c(crc, data + summed, field.off - summed);
		summed = field.off;
		size_t in = 0, begun = (size_t)(field.payload.data - data);
		while (snap_wire_next(field.payload, &in, &inner) > 0) {
			uint64_t value = inner.number == 1 ? field.off : crc;
			size_t size = inner.type == SNAP_WIRE_FIXED64	? 8
				      : inner.type == SNAP_WIRE_FIXED32 ? 4
									: 0;
			if (inner.number > 2)
				continue;
			for (size_t i = 0; i < size; i++)
				data[begun + inner.end - size + i] = (uint8_t)(value >> 8 * i);
		}
	}
}

size_t fuzz_mutate_snapshot(uint8_t *data, size_t len, size_t max_len, unsigned int seed)
{
	for (unsigned int n = 1 + next_random(&seed) % 3; n > 0; n--)
		len = mutate_message(data, len, max_len, &seed, 0);
	if (next_random(&seed) % 16 > 0)
		seal(data, len);
	return len;
}
