/* analyze/symbols/name_pool: each name once, by number, also those of an image. */
#include "analyze/symbols/name_pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct snap_name_pool pool;

static void test_name_pool_each_once(void **state)
{
	(void)state;
	enum { NUM = 5000 };
	snap_name_pool_init(&pool);
	for (int round = 0; round < 3; round++)
		for (uint32_t i = 0; i < NUM; i++) {
			char name[32], shown[32];
			(void)snprintf(name, sizeof(name), "f%u", i);
			(void)snprintf(shown, sizeof(shown), "ns::f%u", i);
			/* Its bytes go away: it is copied. */
			assert_int_equal(snap_name_pool_add_copy(&pool, name, NULL), 2 * i);
			/* Another name than the one that follows from it. */
			assert_int_equal(snap_name_pool_add_copy(&pool, name, shown), 2 * i + 1);
			memset(name, '!', sizeof(name) - 1);
		}
	assert_int_equal(pool.num, 2 * NUM);
	for (uint32_t i = 0; i < NUM; i++) {
		char name[32], shown[32];
		(void)snprintf(name, sizeof(name), "f%u", i);
		(void)snprintf(shown, sizeof(shown), "ns::f%u", i);
		assert_string_equal(pool.names[2 * i].raw, name);
		assert_string_equal(snap_name_pool_shown(&pool, 2 * i), name);
		assert_string_equal(pool.names[2 * i + 1].raw, name);
		assert_string_equal(snap_name_pool_shown(&pool, 2 * i + 1), shown);
		/* Borrowed names stay where they are. */
		const char *kept = pool.names[2 * i].raw;
		assert_int_equal(snap_name_pool_add(&pool, kept, NULL), 2 * i);
		assert_int_equal(snap_name_pool_add(&pool, kept, NULL), 2 * i);
		assert_int_equal(snap_name_pool_add(&pool, kept, shown), 2 * i + 1);
	}
	snap_name_pool_deinit(&pool);
}

/* Hashed one behind the other, a name and the same with another look are two nevertheless. */
static void test_name_pool_given_first(void **state)
{
	(void)state;
	enum { NUM = 20000 };
	snap_name_pool_init(&pool);
	for (int round = 0; round < 2; round++)
		for (uint32_t i = 0; i < NUM; i++) {
			char name[32];
			(void)snprintf(name, sizeof(name), "f%u", i);
			assert_int_equal(snap_name_pool_add_copy(&pool, name, "the same"), 2 * i);
			assert_int_equal(snap_name_pool_add_copy(&pool, name, NULL), 2 * i + 1);
		}
	snap_name_pool_deinit(&pool);
}

static void test_name_pool_shown(void **state)
{
	(void)state;
	static const struct {
		const char *raw, *shown;
	} cases[] = {{"main", "main"}, {"_ZN2ns1fEi", "ns::f"}, {"memcpy@@GLIBC_2.14", "memcpy"},
		{"/home/a@b/c.c", "/home/a@b/c.c"}, {"", ""}, {"@", "@"}, {"_Z", "_Z"}};
	snap_name_pool_init(&pool);
	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(snap_name_pool_add(&pool, cases[i].raw, NULL), i);
		const char *shown = snap_name_pool_shown(&pool, i);
		assert_string_equal(shown, cases[i].shown);
		assert_ptr_equal(snap_name_pool_shown(&pool, i), shown);
		/* Made for people or not, it is the same name. */
		assert_int_equal(snap_name_pool_add(&pool, cases[i].raw, NULL), i);
	}
	assert_int_equal(snap_name_pool_add_made(&pool, "_ZN2ns1gEi", "ns::g"), 7);
	assert_string_equal(pool.names[7].shown, "ns::g");
	assert_int_equal(snap_name_pool_add(&pool, "_ZN2ns1gEi", NULL), 7);
	assert_int_equal(snap_name_pool_add_made(&pool, "main", "main"), 0);
	snap_name_pool_deinit(&pool);
}

/* An image's names are found again, each in the way in which it was made. */
static void test_name_pool_adopts(void **state)
{
	(void)state;
	snap_name_pool_init(&pool);
	assert_int_equal(snap_name_pool_reserve(&pool, 6), 0);
	static const struct snap_pool_name kept[] = {{"main", "main"}, {"_ZN2ns1fEi", "ns::f"},
		{"g", "ns::g"}, {NULL, NULL}, {"read@@GLIBC_2", "read"}, {"main", "main"}};
	memcpy(pool.names, kept, sizeof(kept));
	/* Before that they are not looked for. */
	assert_int_equal(snap_name_pool_add(&pool, "new", NULL), 6);
	assert_int_equal(snap_name_pool_adopt(&pool), 0);
	assert_int_equal(snap_name_pool_adopt(&pool), 0);
	uint32_t number = snap_name_pool_add(&pool, "main", NULL);
	assert_true(number == 0 || number == 5);
	assert_int_equal(snap_name_pool_add(&pool, "_ZN2ns1fEi", NULL), 1);
	assert_int_equal(snap_name_pool_add(&pool, "g", "ns::g"), 2);
	assert_int_equal(snap_name_pool_add(&pool, "read@@GLIBC_2", NULL), 4);
	assert_int_equal(snap_name_pool_add(&pool, "new", NULL), 6);
	/* Not the one that is shown as ns::g. */
	assert_int_equal(snap_name_pool_add(&pool, "g", NULL), 7);
	assert_int_equal(snap_name_pool_add(&pool, "main", "ns::main"), 8);
	snap_name_pool_deinit(&pool);
	assert_int_equal(snap_name_pool_reserve(&pool, 0), 0);
	assert_int_equal(snap_name_pool_adopt(&pool), 0);
	snap_name_pool_deinit(&pool);
}

/* Beyond the limit names are not known; those before it stay, and mangled ones are shown as they
 * are. */
static void test_name_pool_limit(void **state)
{
	(void)state;
	char name[256], shown[2048];
	uint32_t num = 0, number;
	snap_name_pool_init(&pool);
	snap_name_pool_set_max_bytes(&pool, 1 << 20);
	memset(shown, 's', sizeof(shown) - 1);
	shown[sizeof(shown) - 1] = 0;
	do {
		(void)snprintf(name, sizeof(name), "f%u", num++);
		number = snap_name_pool_add_copy(&pool, name, shown);
	} while (number != SNAP_NO_NAME && num < 10000);
	assert_in_range(num, 400, 512);
	assert_true(pool.arena.total <= 1 << 20);
	assert_int_equal(snap_name_pool_add_copy(&pool, "f7", shown), 7);
	assert_string_equal(snap_name_pool_shown(&pool, 7), shown);
	/* Borrowed ones take nothing. */
	number = snap_name_pool_add(&pool, "_ZN5outer5inner8functionEv", NULL);
	assert_int_not_equal(number, SNAP_NO_NAME);
	while (snap_name_pool_add_copy(&pool, "a", NULL) != SNAP_NO_NAME &&
		pool.arena.total + 16 <= 1 << 20) {
		(void)snprintf(name, sizeof(name), "g%u", num++);
		(void)snap_name_pool_add_copy(&pool, name, NULL);
	}
	assert_string_equal(snap_name_pool_shown(&pool, number), "_ZN5outer5inner8functionEv");
	snap_name_pool_deinit(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name_pool_each_once),
		cmocka_unit_test(test_name_pool_given_first),
		cmocka_unit_test(test_name_pool_shown),
		cmocka_unit_test(test_name_pool_adopts),
		cmocka_unit_test(test_name_pool_limit),
	};
	return cmocka_run_group_tests_name("name_pool", tests, NULL, NULL);
}
