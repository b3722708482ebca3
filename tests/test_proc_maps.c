/* capture/proc_maps: lines of /proc/PID/maps, hostile paths. */
#include "capture/proc_maps.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/areas.h"

#define FILE_LINE "7f419feaf000-7f419feb9000 r-xp 00027000 fe:00 332383                     "

static struct snap_maps_parser parser;
static struct snap_areas areas;
static struct snap_mapping last;
static uint8_t last_path[SNAP_MAPS_MAX_LINE];
static unsigned int num_seen;

static void see(void *arg, const struct snap_mapping *mapping)
{
	(void)arg;
	num_seen++;
	last = *mapping;
	if (mapping->path.data) {
		memcpy(last_path, mapping->path.data, mapping->path.len);
		last.path.data = last_path;
	}
}

static void feed(const char *text, size_t len)
{
	snap_maps_parser_feed(&parser, snap_bytes(text, len), see, NULL);
}

static void parse(const char *text)
{
	num_seen = 0;
	snap_maps_parser_init(&parser);
	feed(text, strlen(text));
}

static void assert_path(const char *expected)
{
	assert_int_equal(last.path.len, strlen(expected));
	assert_memory_equal(last.path.data, expected, last.path.len);
}

static void test_all_fields(void **state)
{
	(void)state;
	parse(FILE_LINE "/usr/lib/ld.so\n");
	assert_int_equal(num_seen, 1);
	assert_int_equal(last.start, 0x7f419feaf000);
	assert_int_equal(last.end, 0x7f419feb9000);
	assert_true(last.has_permissions);
	assert_int_equal(last.permissions, SNAP_MAPPING_READ | SNAP_MAPPING_EXEC);
	assert_int_equal(last.file_offset, 0x27000);
	assert_int_equal(last.device_major, 0xfe);
	assert_int_equal(last.device_minor, 0);
	assert_int_equal(last.inode, 332383);
	assert_path("/usr/lib/ld.so");
	assert_false(last.deleted);
	assert_true(snap_mapping_is_file(&last));
}

static void test_anonymous_and_named_by_the_kernel(void **state)
{
	(void)state;
	parse("1000-2000 rw-s 00000000 00:00 0 \n");
	assert_int_equal(num_seen, 1);
	assert_null(last.path.data);
	assert_int_equal(
		last.permissions, SNAP_MAPPING_READ | SNAP_MAPPING_WRITE | SNAP_MAPPING_SHARED);
	parse("1000-2000 ---p 00000000 00:00 0                          [stack]\n");
	assert_path("[stack]");
	assert_false(snap_mapping_is_file(&last));
}

static void test_newline_in_path_is_unescaped(void **state)
{
	(void)state;
	parse(FILE_LINE "/tmp/a\\012b \\01 c\n");
	assert_path("/tmp/a\nb \\01 c");
}

static void test_spaces_in_path(void **state)
{
	(void)state;
	parse(FILE_LINE "/tmp/a  b \n");
	assert_path("/tmp/a  b ");
}

static void test_deleted_mark_is_removed_once(void **state)
{
	(void)state;
	parse(FILE_LINE "/tmp/x (deleted) (deleted)\n");
	assert_path("/tmp/x (deleted)");
	assert_true(last.deleted);
	/* Only files can be deleted. */
	parse("1000-2000 rw-p 00000000 00:00 0    [anon:x (deleted)]\n");
	assert_false(last.deleted);
}

static void test_lines_cut_anywhere(void **state)
{
	(void)state;
	const char *text = FILE_LINE "/tmp/a\\012b\n" FILE_LINE "/usr/lib/c\n";
	for (size_t cut = 0; cut <= strlen(text); cut++) {
		num_seen = 0;
		snap_maps_parser_init(&parser);
		feed(text, cut);
		feed(text + cut, strlen(text) - cut);
		assert_int_equal(num_seen, 2);
		assert_int_equal(parser.num_bad, 0);
		assert_path("/usr/lib/c");
	}
}

static void test_the_largest_numbers(void **state)
{
	(void)state;
	parse("fffffffffffff000-ffffffffffffffff rw-p 0123456789abcdef ffffffff:9a 18446744073709551615\n");
	assert_int_equal(num_seen, 1);
	assert_int_equal(last.start, 0xfffffffffffff000);
	assert_int_equal(last.end, UINT64_MAX);
	assert_int_equal(last.file_offset, 0x0123456789abcdef);
	assert_int_equal(last.device_major, UINT32_MAX);
	assert_int_equal(last.device_minor, 0x9a);
	assert_int_equal(last.inode, UINT64_MAX);
}

static void test_what_is_no_mapping(void **state)
{
	(void)state;
	static const char *const lines[] = {
		"\n",
		"nonsense\n",
		"2000-1000 r--p 00000000 00:00 0 \n",
		"1000-1000 r--p 00000000 00:00 0 \n",
		"1000-2000 r--q 00000000 00:00 0 \n",
		"1000-2000 r-- 00000000 00:00 0 \n",
		"11111111111111111-2000 r--p 00000000 00:00 0 \n",
		"1000-2000 r--p 00000000 fffffffff:00 0 \n",
		"1000-2000 r--p 00000000 00:00 0x\n",
		"1000-2000 r--p 00000000 00:00\n",
		"1000-2000 r--p 00000000 00:00 18446744073709551616\n",
		"1000-2000 r--p 00000000 00:00 a\n",
		"1000-200g r--p 00000000 00:00 0\n",
		"1000-200A r--p 00000000 00:00 0\n",
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		parse(lines[i]);
		assert_int_equal(num_seen, 0);
		assert_int_equal(parser.num_bad, 1);
	}
}

static void test_overlong_line_is_counted_and_passed_over(void **state)
{
	(void)state;
	static char text[SNAP_MAPS_MAX_LINE + 200];
	memset(text, 'x', sizeof(text));
	memcpy(text, FILE_LINE "/", strlen(FILE_LINE) + 1);
	strcpy(text + SNAP_MAPS_MAX_LINE + 10, "\n" FILE_LINE "/ok\n");
	for (int split = 0; split < 2; split++) {
		num_seen = 0;
		snap_maps_parser_init(&parser);
		size_t len = strlen(text), at = split ? 100 : len;
		feed(text, at);
		feed(text + at, len - at);
		assert_int_equal(parser.num_bad, 1);
		assert_int_equal(num_seen, 1);
		assert_path("/ok");
	}
}

static void test_unfinished_last_line_is_no_mapping(void **state)
{
	(void)state;
	parse(FILE_LINE "/usr/lib/c");
	assert_int_equal(num_seen, 0);
}

static void test_own_maps(void **state)
{
	(void)state;
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	snap_areas_init(&areas);
	assert_int_equal(snap_maps_read(&parser, fd, snap_areas_add, &areas), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(parser.num_bad, 0);
	assert_int_equal(areas.num_left_out, 0);
	const struct snap_area *stack = snap_areas_find(&areas, (uint64_t)(uintptr_t)&fd);
	assert_non_null(stack);
	assert_true(stack->flags & SNAP_MAPPING_WRITE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_fields),
		cmocka_unit_test(test_anonymous_and_named_by_the_kernel),
		cmocka_unit_test(test_newline_in_path_is_unescaped),
		cmocka_unit_test(test_spaces_in_path),
		cmocka_unit_test(test_deleted_mark_is_removed_once),
		cmocka_unit_test(test_lines_cut_anywhere),
		cmocka_unit_test(test_the_largest_numbers),
		cmocka_unit_test(test_what_is_no_mapping),
		cmocka_unit_test(test_overlong_line_is_counted_and_passed_over),
		cmocka_unit_test(test_unfinished_last_line_is_no_mapping),
		cmocka_unit_test(test_own_maps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
