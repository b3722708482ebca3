/* capture/spool, capture/spool_name: what a name is made of is what is read from it. */
#include "capture/spool_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "capture/spool.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static const uint8_t uuid[16] = {0x78, 0x1f, 0x10, 0x14, 0xff};

static void test_names_are_read_back(void **state)
{
	(void)state;
	static const int64_t times[] = {
		0, 1, 951782399, 951782400, 951868800, 1795000000, 4107542399, 253402300799};
	static const struct snap_bytes comms[] = {
		{(const uint8_t *)"sensord", 7},
		{(const uint8_t *)"", 0},
		{(const uint8_t *)".hidden", 7},
		{(const uint8_t *)"a-b/c d%41", 10},
		{(const uint8_t *)"\x1b[2J\xff\n", 6},
		{(const uint8_t *)"012345678901234567890123456789012345678901234567890123456789012"
				  "3",
			64},
	};
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		for (size_t j = 0; j < ARRAY_LEN(comms); j++) {
			char name[SNAP_SPOOL_NAME_MAX];
			struct snap_spool_name parsed;
			snap_spool_name(name, times[i], comms[j], 4194304, uuid);
			assert_true(snap_spool_name_parse(name, &parsed));
			assert_int_equal(parsed.time_s, times[i]);
			assert_int_equal(parsed.comm_len, comms[j].len);
			assert_memory_equal(parsed.comm, comms[j].data, comms[j].len);
			assert_int_equal(parsed.pid, 4194304);
			assert_string_equal(parsed.uuid, "781f1014");
		}
	}
}

static void test_other_names_are_refused(void **state)
{
	(void)state;
	static const char *const names[] = {
		"",
		".",
		"..",
		"incoming",
		"skipped",
		"../20261123T013652Z-a-1-781f1014.snap",
		"/20261123T013652Z-a-1-781f1014.snap",
		"20261123T013652Z-a/b-1-781f1014.snap",
		"20261123T013652Z-a b-1-781f1014.snap",
		"20261123T013652Z-.a-1-781f1014.snap",
		"20261123T013652Z--1-781f1014.snap",
		"20261123T013652Z-a-b-1-781f1014.snap",
		"20261123T013652Z-a%2-1-781f1014.snap",
		"20261123T013652Z-a%2f-1-781f1014.snap",
		"20261123T013652Z-a%-1-781f1014.snap",
		"20261323T013652Z-a-1-781f1014.snap",
		"20261100T013652Z-a-1-781f1014.snap",
		"20261123T243652Z-a-1-781f1014.snap",
		"20261123T013652-a-1-781f1014.snap",
		"19691231T235959Z-a-1-781f1014.snap",
		"20261123T013652Z-a--781f1014.snap",
		"20261123T013652Z-a-1x-781f1014.snap",
		"20261123T013652Z-a-99999999999999999999-781f1014.snap",
		"20261123T013652Z-a-1-781f101.snap",
		"20261123T013652Z-a-1-781F1014.snap",
		"20261123T013652Z-a-1-781f10145.snap",
		"20261123T013652Z-a-1-781f1014.snap.gz",
		"20261123T013652Z-a-1-781f1014.part",
		"20261123T013652Z-a-1-781f1014",
		("20261123T013652Z-"
		 "01234567890123456789012345678901234567890123456789012345678901234-1-781f1014."
		 "snap"),
	};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct snap_spool_name parsed = {.pid = 77};
		if (snap_spool_name_parse(names[i], &parsed))
			fail_msg("'%s' is taken for a snapshot's name", names[i]);
		assert_int_equal(parsed.pid, 77);
	}
}

/* Every beginning of a good name, and every change of one character to something that ends it. */
static void test_damaged_names_are_survived(void **state)
{
	(void)state;
	static const char good[] = "20261123T013652Z-a%2Fb-31-781f1014.snap";
	char name[SNAP_SPOOL_NAME_MAX + 8];
	struct snap_spool_name parsed;
	assert_true(snap_spool_name_parse(good, &parsed));
	assert_int_equal(parsed.time_s, 1795397812);
	for (size_t len = 0; len < sizeof(good) - 1; len++) {
		memcpy(name, good, len);
		name[len] = '\0';
		assert_false(snap_spool_name_parse(name, &parsed));
	}
	for (size_t at = 0; at < sizeof(good) - 1; at++) {
		memcpy(name, good, sizeof(good));
		name[at] = '/';
		assert_false(snap_spool_name_parse(name, &parsed));
	}
	memset(name, '7', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_false(snap_spool_name_parse(name, &parsed));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_are_read_back),
		cmocka_unit_test(test_other_names_are_refused),
		cmocka_unit_test(test_damaged_names_are_survived),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
