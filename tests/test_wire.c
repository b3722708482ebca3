/* common/wire: every wire type, and that nothing that is not a whole field passes for one. */
#include "common/wire.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_LEN(a)   (sizeof(a) / sizeof((a)[0]))
#define BYTES(literal) snap_bytes(literal, sizeof(literal) - 1)
#define NINE	       "\xff\xff\xff\xff\xff\xff\xff\xff\xff"

static struct snap_wire_field field;

/* What snap_wire_next() says of a message of exactly these bytes; *off must then be moved on
 * success only. */
static int next(struct snap_bytes message)
{
	uint8_t *copy = malloc(message.len ? message.len : 1);
	assert_non_null(copy);
	memcpy(copy, message.data, message.len);
	size_t off = 0;
	memset(&field, 0x5a, sizeof(field));
	int r = snap_wire_next(snap_bytes(copy, message.len), &off, &field);
	if (r == 1) {
		assert_int_equal(off, field.end);
		if (field.type == SNAP_WIRE_BYTES || field.type == SNAP_WIRE_GROUP) {
			/* Of the caller's bytes, so that a test can compare them. */
			assert_true(field.payload.data >= copy &&
				    field.payload.data + field.payload.len <= copy + message.len);
			field.payload.data = message.data + (field.payload.data - copy);
		}
	} else {
		assert_int_equal(off, 0);
	}
	free(copy);
	return r;
}

static void test_wire_varint(void **state)
{
	(void)state;
	static const struct {
		struct snap_bytes message;
		uint64_t value;
	} cases[] = {
		{{(const uint8_t *)"\x08\x00", 2}, 0},
		{{(const uint8_t *)"\x08\x7f", 2}, 127},
		{{(const uint8_t *)"\x08\x80\x01", 3}, 128},
		{{(const uint8_t *)"\x08\x96\x01", 3}, 150},
		{{(const uint8_t *)"\x08\xff\xff\xff\xff\x0f", 6}, UINT32_MAX},
		{{(const uint8_t *)"\x08" NINE "\x01", 11}, UINT64_MAX},
		/* longer than need be, yet a number */
		{{(const uint8_t *)"\x08\x85\x80\x80\x00", 5}, 5},
		{{(const uint8_t *)"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11}, 1ull << 63},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(next(cases[i].message), 1);
		assert_int_equal(field.number, 1);
		assert_int_equal(field.type, SNAP_WIRE_VARINT);
		assert_true(field.value == cases[i].value);
		assert_int_equal(field.off, 0);
		assert_int_equal(field.end, cases[i].message.len);
	}
}

static void test_wire_varint_beyond_64_bits_is_broken(void **state)
{
	(void)state;
	assert_int_equal(next(BYTES("\x08" NINE "\x02")), -EBADMSG);
	assert_int_equal(next(BYTES("\x08" NINE "\x7f")), -EBADMSG);
	assert_int_equal(next(BYTES("\x08" NINE "\x81\x00")), -EBADMSG);
	assert_int_equal(next(BYTES("\x08" NINE "\xff\xff\x01")), -EBADMSG);
}

static void test_wire_fixed(void **state)
{
	(void)state;
	assert_int_equal(next(BYTES("\x11\x01\x02\x03\x04\x05\x06\x07\x88")), 1);
	assert_int_equal(field.number, 2);
	assert_int_equal(field.type, SNAP_WIRE_FIXED64);
	assert_true(field.value == 0x8807060504030201u);
	assert_int_equal(next(BYTES("\x1d\x01\x02\x03\x84")), 1);
	assert_int_equal(field.number, 3);
	assert_int_equal(field.type, SNAP_WIRE_FIXED32);
	assert_true(field.value == 0x84030201u);
	assert_int_equal(field.end, 5);
}

static void test_wire_bytes(void **state)
{
	(void)state;
	struct snap_bytes message = BYTES("\x22\x03xyz");
	assert_int_equal(next(message), 1);
	assert_int_equal(field.number, 4);
	assert_int_equal(field.type, SNAP_WIRE_BYTES);
	assert_ptr_equal(field.payload.data, message.data + 2);
	assert_int_equal(field.payload.len, 3);
	assert_int_equal(next(BYTES("\x22\x00")), 1);
	assert_non_null(field.payload.data); /* empty, not absent */
	assert_int_equal(field.payload.len, 0);
}

static void test_wire_field_numbers(void **state)
{
	(void)state;
	assert_int_equal(next(BYTES("\xf8\xff\xff\xff\x0f\x00")), 1);
	assert_int_equal(field.number, (1u << 29) - 1);
	assert_int_equal(next(BYTES("\xc0\x40\x00")), 1);
	assert_int_equal(field.number, 1032);
	/* 0, alone and with every type */
	for (uint8_t type = 0; type < 8; type++) {
		const uint8_t message[12] = {type};
		assert_int_equal(next(snap_bytes(message, sizeof(message))), -EBADMSG);
	}
	/* 2^29 and beyond: the tag has more than 32 bits */
	assert_int_equal(next(BYTES("\x80\x80\x80\x80\x10\x00")), -EBADMSG);
	assert_int_equal(next(BYTES("\x88\x80\x80\x80\x80\x01\x00")), -EBADMSG);
	assert_int_equal(next(BYTES(NINE "\x01\x00")), -EBADMSG);
	assert_int_equal(next(BYTES(NINE "\xff\x00")), -EBADMSG);
}

static void test_wire_unknown_types_are_broken(void **state)
{
	(void)state;
	/* 4 ends a group that none has begun */
	static const uint8_t types[] = {4, 6, 7};
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		const uint8_t message[] = {
			(uint8_t)(1 << 3 | types[i]), 1 << 3 | 4, 0, 0, 0, 0, 0, 0};
		assert_int_equal(next(snap_bytes(message, sizeof(message))), -EBADMSG);
	}
}

static void test_wire_a_group_is_one_field(void **state)
{
	(void)state;
	/* 1 { 2: 5, 1 { }, 3: "\x0c" } 4: 7 */
	const struct snap_bytes message = BYTES("\x0b\x10\x05\x0b\x0c\x1a\x01\x0c\x0c\x20\x07");
	assert_int_equal(next(message), 1);
	assert_int_equal(field.number, 1);
	assert_int_equal(field.type, SNAP_WIRE_GROUP);
	assert_int_equal(field.off, 0);
	assert_int_equal(field.end, 9);
	assert_int_equal(field.payload.len, 7);
	assert_ptr_equal(field.payload.data, message.data + 1);
	/* an empty one, with a tag of two bytes */
	assert_int_equal(next(BYTES("\xc3\x40\xc4\x40")), 1);
	assert_int_equal(field.number, 1032);
	assert_int_equal(field.payload.len, 0);
	/* ended early, by another's end, with what is no field in it, deeper */
	assert_int_equal(next(BYTES("\x0b")), -ENODATA);
	assert_int_equal(next(BYTES("\x0b\x10\x05\x0b\x0c")), -ENODATA);
	assert_int_equal(next(BYTES("\x0b\x1a\x09xyz\x0c")), -ENODATA);
	assert_int_equal(next(BYTES("\x0b\x14")), -EBADMSG);
	assert_int_equal(next(BYTES("\x0b\x13\x0c\x14")), -EBADMSG);
	assert_int_equal(next(BYTES("\x0b\x0f\x0c")), -EBADMSG);
	assert_int_equal(next(BYTES("\x0b\x03\x04\x0c")), -EBADMSG);
}

static void test_wire_groups_are_nested_to_a_limit(void **state)
{
	(void)state;
	for (size_t extra = 0; extra < 2; extra++) {
		uint8_t message[2 * (SNAP_WIRE_MAX_GROUPS + 1)];
		size_t depth = SNAP_WIRE_MAX_GROUPS + extra;
		memset(message, 0x0b, depth);
		memset(message + depth, 0x0c, depth);
		assert_int_equal(
			next(snap_bytes(message, 2 * depth)), extra ? -EBADMSG : 1);
	}
}

static void test_wire_length_beyond_the_message(void **state)
{
	(void)state;
	assert_int_equal(next(BYTES("\x0a\x01")), -ENODATA);
	assert_int_equal(next(BYTES("\x0a\x04xyz")), -ENODATA);
	/* the greatest that a file cut short could have, and what none has */
	assert_int_equal(next(BYTES("\x0a\xff\xff\xff\xff\x07xyz")), -ENODATA);
	assert_int_equal(next(BYTES("\x0a\x80\x80\x80\x80\x08xyz")), -EBADMSG);
	assert_int_equal(next(BYTES("\x0a" NINE "\x01xyz")), -EBADMSG);
	/* a sum with the offset that goes round */
	assert_int_equal(next(BYTES("\x0a\xf6\xff\xff\xff\xff\xff\xff\xff\xff\x01xyz")), -EBADMSG);
}

static void test_wire_cut_at_each_byte(void **state)
{
	(void)state;
	static const struct snap_bytes fields[] = {
		{(const uint8_t *)"\xc0\x40" NINE "\x01", 12},
		{(const uint8_t *)"\xc1\x40"
				  "12345678",
			10},
		{(const uint8_t *)"\xc2\x40\x88\x00"
				  "12345678",
			12},
		{(const uint8_t *)"\xc5\x40"
				  "1234",
			6},
	};
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		assert_int_equal(next(snap_bytes(fields[i].data, 0)), 0);
		for (size_t len = 1; len < fields[i].len; len++)
			assert_int_equal(next(snap_bytes(fields[i].data, len)), -ENODATA);
		assert_int_equal(next(fields[i]), 1);
		assert_int_equal(field.number, 1032);
		assert_int_equal(field.end, fields[i].len);
	}
}

static void test_wire_walks_one_field_after_the_other(void **state)
{
	(void)state;
	struct snap_bytes message = BYTES("\x08\x01\x12\x02hi\x1d\x01\x00\x00\x00\x21"
					  "\x02\x00\x00\x00\x00\x00\x00\x00\x2c");
	static const size_t ends[] = {2, 6, 11, 20};
	size_t off = 0;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		size_t start = off;
		assert_int_equal(snap_wire_next(message, &off, &field), 1);
		assert_int_equal(field.number, i + 1);
		assert_int_equal(field.off, start);
		assert_int_equal(field.end, ends[i]);
		assert_int_equal(off, ends[i]);
	}
	/* A broken one stops the walk where it is. */
	assert_int_equal(snap_wire_next(message, &off, &field), -EBADMSG);
	assert_int_equal(snap_wire_next(message, &off, &field), -EBADMSG);
	assert_int_equal(off, 20);
	assert_int_equal(field.number, 4);
	off = message.len;
	assert_int_equal(snap_wire_next(message, &off, &field), 0);
}

static void test_wire_random_bytes(void **state)
{
	(void)state;
	srandom(3);
	for (int round = 0; round < 200000; round++) {
		uint8_t message[24];
		size_t len = (size_t)random() % (sizeof(message) + 1);
		for (size_t i = 0; i < len; i++)
			message[i] = (uint8_t)(random() & 1 ? random() : random() & 0x0f);
		int r = next(snap_bytes(message, len));
		if (r == 1) {
			assert_true(field.end > 0 && field.end <= len);
			assert_in_range(field.number, 1, (1u << 29) - 1);
		} else {
			assert_true(len == 0 ? r == 0 : r == -ENODATA || r == -EBADMSG);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wire_varint),
		cmocka_unit_test(test_wire_varint_beyond_64_bits_is_broken),
		cmocka_unit_test(test_wire_fixed),
		cmocka_unit_test(test_wire_bytes),
		cmocka_unit_test(test_wire_field_numbers),
		cmocka_unit_test(test_wire_unknown_types_are_broken),
		cmocka_unit_test(test_wire_a_group_is_one_field),
		cmocka_unit_test(test_wire_groups_are_nested_to_a_limit),
		cmocka_unit_test(test_wire_length_beyond_the_message),
		cmocka_unit_test(test_wire_cut_at_each_byte),
		cmocka_unit_test(test_wire_walks_one_field_after_the_other),
		cmocka_unit_test(test_wire_random_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
