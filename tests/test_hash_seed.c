/* analyze/symbols/hash_seed: other hashes in each process, which spread what a stranger chose. */
#include "analyze/symbols/hash_seed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Before this process has asked for its own. */
static void get_of_child(uint64_t ret[3])
{
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	if (pid == 0) {
		const uint64_t got[3] = {snap_hash_seed(), snap_hash_string(0, ""),
			snap_hash_string(7, "a longer name")};
		_exit(write(fds[1], got, sizeof(got)) != (ssize_t)sizeof(got));
	}
	assert_int_equal(read(fds[0], ret, 3 * sizeof(uint64_t)), 3 * sizeof(uint64_t));
	(void)close(fds[0]);
	(void)close(fds[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_hash_seed_other_in_each_process(void **state)
{
	uint64_t a[3], b[3];
	(void)state;
	get_of_child(a);
	get_of_child(b);
	for (size_t i = 0; i < 3; i++)
		assert_int_not_equal(a[i], b[i]);
	assert_int_equal(snap_hash_seed(), snap_hash_seed());
	assert_int_equal(snap_hash_string(7, "a name"), snap_hash_string(7, "a name"));
}

static void test_hash_seed_all_of_a_string_counts(void **state)
{
	(void)state;
	char name[64], other[64];
	for (size_t len = 0; len < 40; len++) {
		memset(name, 'x', sizeof(name));
		name[len] = '\0';
		uint64_t hash = snap_hash_string(0, name);
		assert_int_not_equal(hash, snap_hash_string(1, name));
		for (size_t i = 0; i < len; i++) {
			memcpy(other, name, sizeof(name));
			other[i] ^= 1;
			assert_int_not_equal(hash, snap_hash_string(0, other));
		}
		/* One byte longer. */
		memcpy(other, name, sizeof(name));
		other[len] = 'x';
		other[len + 1] = '\0';
		assert_int_not_equal(hash, snap_hash_string(0, other));
	}
}

enum { NUM = 1 << 16, SLOTS = 1 << 17 };

/* The longest way to a free slot, of open addressing. */
static size_t longest_way(const uint64_t *hashes)
{
	static uint8_t used[SLOTS];
	size_t longest = 0;
	memset(used, 0, sizeof(used));
	for (size_t i = 0; i < NUM; i++) {
		size_t at = hashes[i] & (SLOTS - 1), way = 0;
		for (; used[at]; at = (at + 1) & (SLOTS - 1))
			way++;
		used[at] = 1;
		longest = way > longest ? way : longest;
	}
	return longest;
}

/* Half full, 100 is what is hardly ever met; what falls together needs thousands. */
static void assert_spread(const uint64_t *hashes)
{
	size_t way = longest_way(hashes);
	if (way >= 400)
		fail_msg("%zu slots were tried", way);
}

static void test_hash_seed_numbers_spread(void **state)
{
	static uint64_t hashes[NUM];
	(void)state;
	/* One behind the other; of the same low and high bits; and such as a multiplication by the
	 * golden ratio, of which the upper half counts, gives all the same place. */
	const uint64_t factors[] = {1, UINT64_C(1) << 17, UINT64_C(1) << 48, UINT64_C(0xf1de83e19937733d)};
	assert_int_equal((uint64_t)(factors[3] * UINT64_C(0x9e3779b97f4a7c15)), 1);
	for (size_t f = 0; f < sizeof(factors) / sizeof(factors[0]); f++) {
		for (uint64_t i = 0; i < NUM; i++)
			hashes[i] = snap_hash_number(snap_hash_seed(), i * factors[f]);
		assert_spread(hashes);
		for (uint64_t i = 0; i < NUM; i++)
			hashes[i] = snap_hash_number(
				snap_hash_number(snap_hash_seed(), i * factors[f]), i);
		assert_spread(hashes);
	}
}

static void test_hash_seed_strings_spread(void **state)
{
	static uint64_t hashes[NUM];
	(void)state;
	for (uint32_t i = 0; i < NUM; i++) {
		char name[80];
		(void)snprintf(name, sizeof(name), "_ZN4name5spaceC2Ev%u_and_what_follows", i);
		hashes[i] = snap_hash_string(snap_hash_seed(), name);
	}
	assert_spread(hashes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash_seed_other_in_each_process),
		cmocka_unit_test(test_hash_seed_all_of_a_string_counts),
		cmocka_unit_test(test_hash_seed_numbers_spread),
		cmocka_unit_test(test_hash_seed_strings_spread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
