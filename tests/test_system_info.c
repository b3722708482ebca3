/* capture/system_info: what the kernel's texts about the machine mean. */
#include "capture/system_info.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <unistd.h>

static void test_loads(void **state)
{
	(void)state;
	struct snap_system sys = {0};
	snap_system_parse_loads("0.20 11.05 123.99 1/80 11206\n", &sys);
	assert_int_equal(sys.num_loads, 3);
	assert_int_equal(sys.load_hundredths[0], 20);
	assert_int_equal(sys.load_hundredths[1], 1105);
	assert_int_equal(sys.load_hundredths[2], 12399);
	static const char *const bad[] = {
		"", "x", "1", "1.2 1.00", "1.234", ".10", "99999999999.00"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snap_system_parse_loads(bad[i], &sys);
		assert_int_equal(sys.num_loads, 0);
	}
	snap_system_parse_loads("1.00 x", &sys);
	assert_int_equal(sys.num_loads, 1);
}

static void test_uuid(void **state)
{
	(void)state;
	uint8_t uuid[16] = {0xee};
	static const char *const bad[] = {"", "37f332e4", "37f332e4-543a-42f7-bf1c-37adb90ec54",
		"37f332e4543a-42f7-bf1c-37adb90ec548", "37F332E4-543a-42f7-bf1c-37adb90ec548"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(snap_system_parse_uuid(bad[i], uuid));
	assert_int_equal(uuid[0], 0xee);
	assert_true(snap_system_parse_uuid("37f332e4-543a-42f7-bf1c-37adb90ec548\n", uuid));
	assert_memory_equal(
		uuid, "\x37\xf3\x32\xe4\x54\x3a\x42\xf7\xbf\x1c\x37\xad\xb9\x0e\xc5\x48", 16);
}

static void test_cpus(void **state)
{
	(void)state;
	assert_int_equal(snap_system_parse_cpus("0\n"), 1);
	assert_int_equal(snap_system_parse_cpus("0-3,8,10-11\n"), 7);
	assert_int_equal(snap_system_parse_cpus("0-1048575"), 1048576);
	static const char *const bad[] = {
		"", "\n", "x", "0-", "3-1", "0,", "0-99999999", "0 1", "0-1048575,0-1048575"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(snap_system_parse_cpus(bad[i]), 0);
}

static void test_meminfo(void **state)
{
	(void)state;
	struct snap_system sys = {0};
	snap_system_parse_meminfo("MemTotal:       24683620 kB", &sys);
	snap_system_parse_meminfo("MemFree:        0 kB", &sys);
	snap_system_parse_meminfo("MemAvailable:   x", &sys);
	snap_system_parse_meminfo("SwapTotal:      18446744073709551600 kB", &sys);
	snap_system_parse_meminfo("SwapFreeX:      1 kB", &sys);
	assert_true(sys.has_memory_total && sys.memory_total == 24683620ull * 1024);
	assert_true(sys.has_memory_free && sys.memory_free == 0);
	assert_false(sys.has_memory_available || sys.has_swap_total || sys.has_swap_free);
}

static void test_this_machine(void **state)
{
	(void)state;
	static struct snap_system_buf buf;
	struct snap_system sys;
	char name[256];
	snap_system_read(&buf, &sys);
	assert_int_equal(gethostname(name, sizeof(name)), 0);
	assert_true(snap_bytes_equal_str(sys.hostname, name));
	assert_true(snap_bytes_equal_str(sys.sysname, "Linux"));
	assert_true(sys.has_uptime && sys.uptime_ms > 0);
	assert_int_equal(sys.boot_id.len, 16);
	assert_int_equal(sys.num_loads, 3);
	assert_true(sys.has_memory_total && sys.has_memory_free && sys.has_memory_available);
	assert_true(sys.memory_available <= sys.memory_total);
	assert_int_equal(sys.num_cpus, sysconf(_SC_NPROCESSORS_ONLN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loads),
		cmocka_unit_test(test_uuid),
		cmocka_unit_test(test_cpus),
		cmocka_unit_test(test_meminfo),
		cmocka_unit_test(test_this_machine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
