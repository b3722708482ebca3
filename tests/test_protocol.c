/* capture/protocol: which messages are taken, and which are refused with which errno. */
#include "capture/protocol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

/* A valid message of each type. */
static union snap_message make(enum snap_message_type type)
{
	union snap_message m;
	snap_message_init(&m, type);
	switch (type) {
	case SNAP_MESSAGE_REQUEST:
		m.request.pid = 42;
		m.request.tid = 43;
		m.request.signo = 11;
		snap_message_set_text(m.request.comm, sizeof(m.request.comm), "a b\x01");
		snap_message_set_text(m.request.exe, sizeof(m.request.exe), "/bin/x");
		break;
	case SNAP_MESSAGE_GRANTED:
		snap_message_set_text(
			m.granted.part, sizeof(m.granted.part), "0123456789abcdef.part");
		break;
	case SNAP_MESSAGE_REFUSED:
		m.refused.reason = SNAP_REFUSED_RATE;
		break;
	default:
		break;
	}
	return m;
}

static bool is_from_client(enum snap_message_type type)
{
	return type == SNAP_MESSAGE_REQUEST || type == SNAP_MESSAGE_COMPLETE;
}

static int check(const union snap_message *m)
{
	return snap_message_check(m, m->head.size, is_from_client(m->head.type));
}

static void test_each_type_is_taken_from_its_side_only(void **state)
{
	(void)state;
	for (int type = SNAP_MESSAGE_REQUEST; type <= SNAP_MESSAGE_DONE; type++) {
		union snap_message m = make(type);
		bool from_client = is_from_client(type);
		assert_int_equal(snap_message_check(&m, m.head.size, from_client), type);
		assert_int_equal(snap_message_check(&m, m.head.size, !from_client), -EBADMSG);
	}
}

static void test_every_other_length_is_refused(void **state)
{
	(void)state;
	for (int type = SNAP_MESSAGE_REQUEST; type <= SNAP_MESSAGE_DONE; type++) {
		union snap_message m = make(type);
		for (size_t len = 0; len <= sizeof(m) + 1; len++)
			if (len != m.head.size)
				assert_true(snap_message_check(&m, len, is_from_client(type)) < 0);
	}
}

static void test_foreign_head_is_refused(void **state)
{
	(void)state;
	union snap_message m = make(SNAP_MESSAGE_REQUEST);
	m.head.magic ^= 1;
	assert_int_equal(check(&m), -EPROTO);
	m = make(SNAP_MESSAGE_REQUEST);
	m.head.version++;
	assert_int_equal(check(&m), -EPROTONOSUPPORT);
	m = make(SNAP_MESSAGE_REQUEST);
	m.head.zero = 1;
	assert_int_equal(check(&m), -EBADMSG);
	size_t size = m.head.size;
	m.head.zero = 0;
	m.head.size++;
	assert_int_equal(snap_message_check(&m, size, true), -EBADMSG);
	for (unsigned int type = 0; type <= UINT16_MAX; type += type < 16 ? 1 : 4093) {
		m = make(SNAP_MESSAGE_REQUEST);
		m.head.type = (uint16_t)type;
		assert_int_equal(snap_message_check(&m, size, true),
			type == SNAP_MESSAGE_REQUEST ? SNAP_MESSAGE_REQUEST : -EBADMSG);
	}
}

static void test_request_out_of_range(void **state)
{
	(void)state;
	union snap_message m = make(SNAP_MESSAGE_REQUEST);
	m.request.pid = 0;
	assert_int_equal(check(&m), -EBADMSG);
	m.request.pid = (uint64_t)INT32_MAX + 1;
	assert_int_equal(check(&m), -EBADMSG);
	m = make(SNAP_MESSAGE_REQUEST);
	m.request.tid = UINT64_MAX;
	assert_int_equal(check(&m), -EBADMSG);
	m = make(SNAP_MESSAGE_REQUEST);
	m.request.signo = 129;
	assert_int_equal(check(&m), -EBADMSG);
	m = make(SNAP_MESSAGE_REQUEST);
	m.request.time_s = -1;
	assert_int_equal(check(&m), -EBADMSG);
}

static void test_text_ends_within_its_array_and_hides_nothing(void **state)
{
	(void)state;
	union snap_message m = make(SNAP_MESSAGE_REQUEST);
	memset(m.request.comm, 'x', sizeof(m.request.comm));
	assert_int_equal(check(&m), -EBADMSG);
	m = make(SNAP_MESSAGE_REQUEST);
	m.request.exe[sizeof(m.request.exe) - 1] = 'x';
	assert_int_equal(check(&m), -EBADMSG);
	/* What is too long is cut. */
	char text[1000];
	memset(text, 'y', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	m = make(SNAP_MESSAGE_REQUEST);
	snap_message_set_text(m.request.comm, sizeof(m.request.comm), text);
	assert_int_equal(check(&m), SNAP_MESSAGE_REQUEST);
	assert_int_equal(strlen(m.request.comm), sizeof(m.request.comm) - 1);
}

static void test_part_is_one_file_name(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "x", "../0123456789abcd.part", "0123456789abcdef",
		"0123456789abcde.part", "0123456789abcdeff.part", "0123456789abcdeF.part",
		"0123456789abcdef.snap", "0123456789abcdef.part2"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		union snap_message m;
		snap_message_init(&m, SNAP_MESSAGE_GRANTED);
		snap_message_set_text(m.granted.part, sizeof(m.granted.part), bad[i]);
		assert_int_equal(check(&m), -EBADMSG);
	}
}

static void test_refusals_and_ends(void **state)
{
	(void)state;
	for (uint32_t reason = 0; reason < 10; reason++) {
		union snap_message m = make(SNAP_MESSAGE_REFUSED);
		m.refused.reason = reason;
		assert_int_equal(check(&m), reason >= 1 && reason <= SNAP_REFUSED_LAST
						    ? (int)SNAP_MESSAGE_REFUSED
						    : -EBADMSG);
	}
	union snap_message m = make(SNAP_MESSAGE_DONE);
	m.done.error = 1;
	assert_int_equal(check(&m), -EBADMSG);
	m.done.error = INT32_MIN;
	assert_int_equal(check(&m), -EBADMSG);
	m.done.error = -EIO;
	assert_int_equal(check(&m), SNAP_MESSAGE_DONE);
	m = make(SNAP_MESSAGE_COMPLETE);
	m.complete.cut = 2;
	assert_int_equal(check(&m), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_type_is_taken_from_its_side_only),
		cmocka_unit_test(test_every_other_length_is_refused),
		cmocka_unit_test(test_foreign_head_is_refused),
		cmocka_unit_test(test_request_out_of_range),
		cmocka_unit_test(test_text_ends_within_its_array_and_hides_nothing),
		cmocka_unit_test(test_part_is_one_file_name),
		cmocka_unit_test(test_refusals_and_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
