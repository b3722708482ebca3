/* common/crc32c: the published vectors, and that neither the division into calls nor the alignment
 * changes the result, by whichever way it is computed. */
#include "common/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* Bit by bit, straight from the polynomial. */
static uint32_t reference(const uint8_t *p, size_t len)
{
	uint32_t crc = UINT32_MAX;
	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
	}
	return ~crc;
}

static void test_crc32c_vectors_of_rfc_3720(void **state)
{
	(void)state;
	uint8_t data[32];
	memset(data, 0, sizeof(data));
	assert_int_equal(snap_crc32c(0, data, sizeof(data)), 0x8a9136aa);
	memset(data, 0xff, sizeof(data));
	assert_int_equal(snap_crc32c(0, data, sizeof(data)), 0x62a8ab43);
	for (int i = 0; i < 32; i++)
		data[i] = (uint8_t)i;
	assert_int_equal(snap_crc32c(0, data, sizeof(data)), 0x46dd794e);
	for (int i = 0; i < 32; i++)
		data[i] = (uint8_t)(31 - i);
	assert_int_equal(snap_crc32c(0, data, sizeof(data)), 0x113fdb5c);
	static const uint8_t read_command[48] = {[0] = 0x01,
		[1] = 0xc0,
		[16] = 0x14,
		[22] = 0x04,
		[27] = 0x14,
		[31] = 0x18,
		[32] = 0x28,
		[40] = 0x02};
	assert_int_equal(snap_crc32c(0, read_command, sizeof(read_command)), 0xd9963a56);
	assert_int_equal(snap_crc32c(0, "123456789", 9), 0xe3069283);
}

static void test_crc32c_of_nothing_is_what_was_before(void **state)
{
	(void)state;
	assert_int_equal(snap_crc32c(0, "", 0), 0);
	assert_int_equal(snap_crc32c(0x12345678, "", 0), 0x12345678);
}

static void test_crc32c_every_length_and_alignment(void **state)
{
	(void)state;
	srandom(1);
	for (size_t len = 0; len < 80; len++) {
		for (size_t shift = 0; shift < 16; shift++) {
			/* Of its exact size, so that a sanitizer sees a byte too far. */
			uint8_t *data = malloc(shift + len + 1);
			assert_non_null(data);
			for (size_t i = 0; i < shift + len; i++)
				data[i] = (uint8_t)random();
			assert_int_equal(
				snap_crc32c(0, data + shift, len), reference(data + shift, len));
			assert_int_equal(snap_crc32c_by_table(0, data + shift, len),
				reference(data + shift, len));
			free(data);
		}
	}
}

/* Long ones are summed in several strands at once. */
static void test_crc32c_long(void **state)
{
	enum { MAX = 5000 };
	(void)state;
	srandom(2);
	uint8_t *data = malloc(MAX);
	assert_non_null(data);
	for (size_t i = 0; i < MAX; i++)
		data[i] = (uint8_t)random();
	for (size_t len = 1500; len < MAX; len += 13) {
		assert_int_equal(snap_crc32c(0, data, len), reference(data, len));
		assert_int_equal(snap_crc32c(snap_crc32c(0, data, 7), data + 7, len - 7),
			reference(data, len));
	}
	free(data);
}

static void test_crc32c_in_pieces_equals_whole(void **state)
{
	(void)state;
	uint8_t data[300];
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 37 + (i >> 3));
	uint32_t whole = reference(data, sizeof(data));
	for (size_t split = 0; split <= sizeof(data); split++) {
		uint32_t crc = snap_crc32c(0, data, split);
		assert_int_equal(crc, reference(data, split));
		assert_int_equal(snap_crc32c(crc, data + split, sizeof(data) - split), whole);
		assert_int_equal(
			snap_crc32c_by_table(crc, data + split, sizeof(data) - split), whole);
	}
	uint32_t crc = 0;
	for (size_t i = 0; i < sizeof(data); i++)
		crc = snap_crc32c(crc, data + i, 1);
	assert_int_equal(crc, whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crc32c_vectors_of_rfc_3720),
		cmocka_unit_test(test_crc32c_of_nothing_is_what_was_before),
		cmocka_unit_test(test_crc32c_every_length_and_alignment),
		cmocka_unit_test(test_crc32c_long),
		cmocka_unit_test(test_crc32c_in_pieces_equals_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
