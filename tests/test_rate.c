/* capture/rate: token buckets, in memory and in a file. */
#include "capture/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/temp_tree.h"

#define S 1000000000ull

static struct snap_rate rate;

static struct snap_origin who(uint32_t uid, const char *exe)
{
	struct snap_origin origin;
	snap_origin_init(&origin, uid, snap_bytes_str(exe));
	return origin;
}

static void test_a_burst_and_then_one_an_interval(void **state)
{
	(void)state;
	const struct snap_rate_limit limit = {.burst = 3, .interval_ns = 30 * S};
	const struct snap_origin origin = who(7, "/bin/x");
	/* When, and whether it is allowed. */
	static const struct {
		uint64_t now_ns;
		bool allowed;
	} attempts[] = {
		{0, true},
		{0, true},
		{0, true},
		{0, false},
		{29 * S, false},
		{30 * S, true},
		{30 * S, false},
		{60 * S, true},
		{61 * S, false},
		{120 * S, true},
		{120 * S, true},
		{120 * S, false},
		{1000 * S, true},
		{1000 * S, true},
		{1000 * S, true},
		{1000 * S, false},
		/* Far in the past, as if the clock had gone back. */
		{500 * S, false},
		{UINT64_MAX, true},
		{UINT64_MAX, true},
	};
	memset(&rate, 0, sizeof(rate));
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
		if (snap_rate_allow(&rate, &limit, &origin, attempts[i].now_ns) !=
			attempts[i].allowed)
			fail_msg("attempt %zu", i);
	assert_int_equal(rate.num, 1);
}

static void test_a_loop_of_300(void **state)
{
	(void)state;
	const struct snap_rate_limit limit = {.burst = 5, .interval_ns = 3600 * S};
	const struct snap_origin origin = who(7, "/bin/x");
	unsigned int num_allowed = 0;
	memset(&rate, 0, sizeof(rate));
	for (unsigned int i = 0; i < 300; i++)
		num_allowed += snap_rate_allow(&rate, &limit, &origin, 5 * S + i * S / 10);
	assert_int_equal(num_allowed, 5);
}

static void test_buckets_are_of_executable_and_user(void **state)
{
	(void)state;
	const struct snap_rate_limit limit = {.burst = 1, .interval_ns = 30 * S};
	const struct snap_origin origins[] = {who(7, "/x"), who(8, "/x"), who(7, "/y"), who(7, "")};
	memset(&rate, 0, sizeof(rate));
	for (size_t i = 0; i < 4; i++)
		assert_true(snap_rate_allow(&rate, &limit, &origins[i], S));
	for (size_t i = 0; i < 4; i++)
		assert_false(snap_rate_allow(&rate, &limit, &origins[i], S));
}

static void test_no_limit(void **state)
{
	(void)state;
	static const struct snap_rate_limit limits[] = {
		{0, S}, {1, 0}, {UINT64_MAX, UINT64_MAX}, {UINT64_MAX, 1}};
	const struct snap_origin origin = who(7, "/x");
	for (size_t i = 0; i < 2; i++) {
		memset(&rate, 0, sizeof(rate));
		for (unsigned int k = 0; k < 1000; k++)
			assert_true(snap_rate_allow(&rate, &limits[i], &origin, S));
	}
	memset(&rate, 0, sizeof(rate));
	for (size_t i = 2; i < 4; i++)
		assert_true(snap_rate_allow(&rate, &limits[i], &origin, S));
}

static void test_a_loop_is_not_forgotten_over_many_others(void **state)
{
	(void)state;
	const struct snap_rate_limit limit = {.burst = 2, .interval_ns = 30 * S};
	const struct snap_origin loop = who(7, "/loop");
	memset(&rate, 0, sizeof(rate));
	assert_true(snap_rate_allow(&rate, &limit, &loop, S));
	assert_true(snap_rate_allow(&rate, &limit, &loop, S));
	for (unsigned int i = 0; i < 3 * SNAP_RATE_MAX; i++) {
		char exe[32];
		(void)snprintf(exe, sizeof(exe), "/other%u", i);
		const struct snap_origin other = who(7, exe);
		assert_true(snap_rate_allow(&rate, &limit, &other, 2 * S));
		assert_false(snap_rate_allow(&rate, &limit, &loop, 2 * S));
	}
	assert_int_equal(rate.num, SNAP_RATE_MAX);
}

static void test_a_limit_that_was_made_smaller_counts_at_once(void **state)
{
	(void)state;
	struct snap_rate_limit limit = {.burst = 1000, .interval_ns = 86400 * S};
	const struct snap_origin origin = who(7, "/x");
	memset(&rate, 0, sizeof(rate));
	for (unsigned int i = 0; i < 1000; i++)
		assert_true(snap_rate_allow(&rate, &limit, &origin, S));
	limit = (struct snap_rate_limit){.burst = 2, .interval_ns = 10 * S};
	assert_false(snap_rate_allow(&rate, &limit, &origin, S));
	assert_false(snap_rate_allow(&rate, &limit, &origin, 2 * S));
	limit.burst = 3;
	assert_true(snap_rate_allow(&rate, &limit, &origin, 2 * S));
	assert_false(snap_rate_allow(&rate, &limit, &origin, 3 * S));
	/* As from an exhausted bucket of the new size. */
	assert_true(snap_rate_allow(&rate, &limit, &origin, 11 * S));
	assert_true(snap_rate_allow(&rate, &limit, &origin, 21 * S));
	assert_false(snap_rate_allow(&rate, &limit, &origin, 22 * S));
}

static bool file_allows(int dir_fd, const struct snap_rate_limit *limit, const char *exe, int *r)
{
	const struct snap_origin origin = who(7, exe);
	bool allowed = false;
	memset(&rate, 0xa5, sizeof(rate));
	*r = snap_rate_file_allow(dir_fd, limit, &origin, &rate, &allowed);
	return allowed;
}

static void test_in_a_file(void **state)
{
	(void)state;
	const struct snap_rate_limit limit = {.burst = 3, .interval_ns = 3600 * S};
	int dir_fd = open(top, O_RDONLY | O_DIRECTORY), r;
	struct stat st;
	for (unsigned int i = 0; i < 5; i++) {
		assert_int_equal(file_allows(dir_fd, &limit, "/x", &r), i < 3);
		assert_int_equal(r, 0);
		assert_int_equal(file_allows(dir_fd, &limit, "/y", &r), i < 3);
		assert_int_equal(r, 0);
	}
	assert_int_equal(fstatat(dir_fd, SNAP_RATE_FILE, &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(st.st_size < 1024);

	/* Another boot, another layout, cut short: as if there were none. */
	static const off_t places[] = {0, 8, 20, 56};
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int fd = openat(dir_fd, SNAP_RATE_FILE, O_RDWR);
		assert_int_equal(pwrite(fd, "\xff", 1, places[i]), 1);
		assert_int_equal(close(fd), 0);
		assert_true(file_allows(dir_fd, &limit, "/x", &r));
		assert_int_equal(r, 0);
		assert_true(file_allows(dir_fd, &limit, "/x", &r));
		assert_true(file_allows(dir_fd, &limit, "/x", &r));
		assert_false(file_allows(dir_fd, &limit, "/x", &r));
	}
	int fd = openat(dir_fd, SNAP_RATE_FILE, O_RDWR);
	assert_int_equal(ftruncate(fd, 100), 0);
	assert_true(file_allows(dir_fd, &limit, "/x", &r));
	assert_int_equal(r, 0);

	/* Held by another one. */
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_true(file_allows(dir_fd, &limit, "/x", &r));
	assert_int_equal(r, -EWOULDBLOCK);
	assert_int_equal(close(fd), 0);
	assert_int_equal(unlinkat(dir_fd, SNAP_RATE_FILE, 0), 0);
	assert_int_equal(close(dir_fd), 0);
}

static void test_what_is_no_file(void **state)
{
	(void)state;
	const struct snap_rate_limit limit = {.burst = 1, .interval_ns = 3600 * S};
	const char *target = in_top("target");
	int dir_fd = open(top, O_RDONLY | O_DIRECTORY), r;
	assert_int_equal(symlinkat(target, dir_fd, SNAP_RATE_FILE), 0);
	assert_true(file_allows(dir_fd, &limit, "/x", &r));
	assert_int_equal(r, -ELOOP);
	assert_int_equal(access(target, F_OK), -1);
	assert_int_equal(unlinkat(dir_fd, SNAP_RATE_FILE, 0), 0);
	assert_int_equal(mkfifoat(dir_fd, SNAP_RATE_FILE, 0600), 0);
	assert_true(file_allows(dir_fd, &limit, "/x", &r));
	assert_int_equal(r, -EINVAL);
	assert_int_equal(unlinkat(dir_fd, SNAP_RATE_FILE, 0), 0);
	assert_int_equal(close(dir_fd), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_burst_and_then_one_an_interval),
		cmocka_unit_test(test_a_loop_of_300),
		cmocka_unit_test(test_buckets_are_of_executable_and_user),
		cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_a_loop_is_not_forgotten_over_many_others),
		cmocka_unit_test(test_a_limit_that_was_made_smaller_counts_at_once),
		cmocka_unit_test(test_in_a_file),
		cmocka_unit_test(test_what_is_no_file),
	};
	return cmocka_run_group_tests(tests, make_top, remove_top);
}
