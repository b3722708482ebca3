/* analyze/memory: overlapping ranges against a model that knows every byte, the top of the address
 * space, and ranges that lie in a file. */
#include "analyze/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static struct snap_memory memory;
static struct snap_error err;

static int setup(void **state)
{
	(void)state;
	snap_memory_init(&memory);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	snap_memory_deinit(&memory);
	return 0;
}

static void add(uint64_t start, uint64_t len, const void *data)
{
	const struct snap_memory_segment segment = {
		.start = start, .len = len, .data = data, .fd = -1};
	assert_int_equal(snap_memory_add(&memory, &segment, &err), 0);
}

static void add_file(uint64_t start, uint64_t len, int fd, uint64_t off)
{
	const struct snap_memory_segment segment = {
		.start = start, .len = len, .fd = fd, .file_off = off};
	assert_int_equal(snap_memory_add(&memory, &segment, &err), 0);
}

static void finish(void)
{
	assert_int_equal(snap_memory_finish(&memory, &err), 0);
	for (size_t i = 0; i < memory.num_segments; i++) {
		const struct snap_memory_segment *s = &memory.segments[i];
		assert_true(s->len > 0 && s->len - 1 <= UINT64_MAX - s->start);
		if (i > 0) /* sorted, apart */
			assert_true(s->start > s[-1].start + (s[-1].len - 1));
	}
}

/* A file with bytes that tell where they are. */
static int make_file(size_t len)
{
	int fd = memfd_create("core", MFD_CLOEXEC);
	assert_true(fd >= 0);
	uint8_t *data = malloc(len);
	assert_non_null(data);
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(i * 2654435761u >> 9);
	assert_int_equal(write(fd, data, len), len);
	free(data);
	return fd;
}

static uint8_t file_byte(uint64_t off)
{
	return (uint8_t)((uint32_t)off * 2654435761u >> 9);
}

static void test_memory_empty(void **state)
{
	(void)state;
	uint8_t byte;
	add(0x1000, 0, "x");
	finish();
	assert_int_equal(memory.num_segments, 0);
	assert_int_equal(snap_memory_read(&memory, 0x1000, &byte, 1), 0);
	assert_false(snap_memory_read_all(&memory, 0, &byte, 1));
	assert_true(snap_memory_read_all(&memory, 0, &byte, 0));
	assert_null(snap_memory_find(&memory, 0));
}

static void test_memory_first_added_wins(void **state)
{
	(void)state;
	char buf[12];
	add(103, 4, "BBBB");
	add(100, 10, "aaaaaaaaaa");
	add(108, 4, "cccc");
	finish();
	assert_int_equal(snap_memory_read(&memory, 100, buf, sizeof(buf)), 12);
	assert_memory_equal(buf, "aaaBBBBaaacc", 12);
	assert_int_equal(snap_memory_read(&memory, 99, buf, sizeof(buf)), 0);
	assert_int_equal(snap_memory_read(&memory, 112, buf, sizeof(buf)), 0);
}

/* A small address space, byte by byte. */
#define SPACE 256

static void assert_like_model(uint64_t base)
{
	static const uint8_t *owner[SPACE]; /* the byte that must be read there; NULL: none */
	static uint8_t data[24][SPACE];
	size_t num = 1 + (size_t)random() % 24;
	memset(owner, 0, sizeof(owner));
	snap_memory_init(&memory);
	for (size_t i = 0; i < num; i++) {
		size_t start = (size_t)random() % SPACE;
		size_t len = (size_t)random() % (random() & 1 ? 8 : SPACE);
		if (len > SPACE - start)
			len = SPACE - start;
		if (random() % 4 == 0)
			len = SPACE - start;
		for (size_t j = 0; j < len; j++) {
			data[i][j] = (uint8_t)random();
			if (!owner[start + j])
				owner[start + j] = &data[i][j];
		}
		add(base + start, len, data[i]);
	}
	finish();
	assert_true(memory.num_segments <= 2 * num);

	for (size_t at = 0; at < SPACE; at++) {
		uint8_t byte = 0;
		const struct snap_memory_segment *s = snap_memory_find(&memory, base + at);
		assert_int_equal(s != NULL, owner[at] != NULL);
		assert_int_equal(snap_memory_read(&memory, base + at, &byte, 1), owner[at] != NULL);
		if (owner[at]) {
			assert_int_equal(byte, *owner[at]);
			assert_true(base + at >= s->start && base + at - s->start < s->len);
		}
	}
	for (int i = 0; i < 50; i++) {
		uint8_t buf[SPACE + 8];
		size_t at = (size_t)random() % SPACE, len = (size_t)random() % sizeof(buf);
		size_t there = 0;
		while (there < len && at + there < SPACE && owner[at + there])
			there++;
		memset(buf, 0x77, sizeof(buf));
		assert_int_equal(snap_memory_read(&memory, base + at, buf, len), there);
		for (size_t j = 0; j < there; j++)
			assert_int_equal(buf[j], *owner[at + j]);
		assert_int_equal(snap_memory_read_all(&memory, base + at, buf, len), there == len);
	}
	snap_memory_deinit(&memory);
}

static void test_memory_overlaps_like_a_model_of_every_byte(void **state)
{
	(void)state;
	srandom(9);
	for (int round = 0; round < 3000; round++)
		assert_like_model(0x7fff00000000);
}

static void test_memory_overlaps_at_the_top_of_the_address_space(void **state)
{
	(void)state;
	srandom(10);
	for (int round = 0; round < 1000; round++)
		assert_like_model(UINT64_MAX - (SPACE - 1));
}

static void test_memory_overlaps_at_the_bottom_of_the_address_space(void **state)
{
	(void)state;
	srandom(11);
	for (int round = 0; round < 1000; round++)
		assert_like_model(0);
}

static void test_memory_read_ends_at_the_top(void **state)
{
	(void)state;
	char buf[8] = "........";
	add(UINT64_MAX - 3, 4, "abcd");
	add(0, 4, "wxyz");
	finish();
	assert_int_equal(snap_memory_read(&memory, UINT64_MAX - 1, buf, 8), 2);
	assert_memory_equal(buf, "cd......", 8);
	assert_int_equal(snap_memory_read(&memory, UINT64_MAX, buf, 1), 1);
	assert_memory_equal(buf, "d", 1);
	assert_int_equal(snap_memory_read(&memory, 0, buf, 8), 4);
}

static void test_memory_whole_address_space(void **state)
{
	(void)state;
	int fd = make_file(1000);
	/* As a hostile core's header would have it: two halves and a hole filler. */
	add_file(0, 1ull << 63, fd, 0);
	add_file(1, UINT64_MAX, fd, 1);
	finish();
	uint8_t buf[10];
	assert_int_equal(snap_memory_read(&memory, 5, buf, 10), 10);
	assert_int_equal(buf[0], file_byte(5));
	assert_int_equal(snap_memory_read(&memory, 998, buf, 10), 2);
	assert_true(snap_memory_find(&memory, UINT64_MAX) != NULL);
	(void)snap_memory_read(&memory, UINT64_MAX - 3, buf, 10); /* beyond any file */
	close(fd);
}

static void test_memory_many_ranges_in_bounded_time(void **state)
{
	(void)state;
	/* The worst for a naive sweep: all nested, all repeated. */
	static uint8_t data[200000];
	struct timespec start, end;
	for (uint64_t i = 0; i < 100000; i++)
		add(i, 200000 - 2 * i > 0 ? 200000 - 2 * i : 1, data);
	for (uint64_t i = 0; i < 100000; i++)
		add(500, 1000, data);
	clock_gettime(CLOCK_MONOTONIC, &start);
	finish();
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_true(end.tv_sec - start.tv_sec <= 2);
	assert_true(memory.num_segments <= 400000);
	uint8_t byte;
	assert_int_equal(snap_memory_read(&memory, 199999, &byte, 1), 1);
	assert_int_equal(snap_memory_read(&memory, 200000, &byte, 1), 0);
}

static void test_memory_adjacent_ranges_read_as_one(void **state)
{
	(void)state;
	char buf[9];
	add(16, 3, "ghi");
	add(10, 3, "abc");
	add(13, 3, "def");
	finish();
	assert_int_equal(snap_memory_read(&memory, 10, buf, 9), 9);
	assert_memory_equal(buf, "abcdefghi", 9);
	assert_true(snap_memory_read_all(&memory, 12, buf, 5));
	assert_memory_equal(buf, "cdefg", 5);
	assert_false(snap_memory_read_all(&memory, 12, buf, 8));
}

static void test_memory_pieces_of_one_range_are_joined(void **state)
{
	(void)state;
	static const char data[100];
	add(0, 100, data);
	for (uint64_t i = 0; i < 90; i += 10)
		add(i, 5, "abcde"); /* covered: none of their bytes is used */
	finish();
	assert_int_equal(memory.num_segments, 1);
	assert_int_equal(memory.segments[0].len, 100);
}

static void test_memory_file_and_memory_side_by_side(void **state)
{
	(void)state;
	int fd = make_file(100000);
	add_file(0x10000, 20000, fd, 300);
	add(0x10000 + 20000, 5, "hello");
	add_file(0x10000 + 20005, 20000, fd, 50000);
	finish();
	srandom(12);
	for (int round = 0; round < 2000; round++) {
		static uint8_t buf[50000];
		uint64_t at = (uint64_t)random() % 40100;
		size_t len = (size_t)random() % (round & 1 ? 64 : sizeof(buf));
		size_t there = at >= 40005 ? 0 : 40005 - at < len ? 40005 - at : len;
		assert_int_equal(snap_memory_read(&memory, 0x10000 + at, buf, len), there);
		for (size_t i = 0; i < there; i++) {
			uint64_t off = at + i;
			uint8_t byte = off < 20000   ? file_byte(300 + off)
				       : off < 20005 ? (uint8_t) "hello"[off - 20000]
						     : file_byte(50000 + off - 20005);
			if (buf[i] != byte)
				fail_msg("at %zu", (size_t)off);
		}
	}
	close(fd);
}

static void test_memory_overlapping_ranges_in_a_file(void **state)
{
	(void)state;
	int fd = make_file(10000);
	uint8_t buf[300];
	add_file(1100, 100, fd, 5000);
	add_file(1000, 300, fd, 0);
	finish();
	assert_int_equal(snap_memory_read(&memory, 1000, buf, 300), 300);
	for (uint64_t i = 0; i < 300; i++)
		assert_int_equal(buf[i], file_byte(i >= 100 && i < 200 ? 5000 + i - 100 : i));
	close(fd);
}

static void test_memory_two_files_do_not_mix(void **state)
{
	(void)state;
	int a = make_file(100), b = memfd_create("other", MFD_CLOEXEC);
	assert_int_equal(write(b, "..........0123456789", 20), 20);
	add_file(0, 10, a, 0);
	add_file(10, 10, b, 10); /* where the first would go on, were it one file */
	finish();
	uint8_t buf[20];
	for (int round = 0; round < 3; round++) {
		assert_int_equal(snap_memory_read(&memory, 0, buf, 20), 20);
		for (uint64_t i = 0; i < 10; i++)
			assert_int_equal(buf[i], file_byte(i));
		assert_memory_equal(buf + 10, "0123456789", 10);
	}
	close(a);
	close(b);
}

static void test_memory_truncated_file(void **state)
{
	(void)state;
	static uint8_t buf[70000];
	int fd = make_file(30000);
	add_file(0, 100000, fd, 0);
	finish();
	assert_int_equal(snap_memory_read(&memory, 0, buf, sizeof(buf)), 30000);
	assert_int_equal(snap_memory_read(&memory, 29990, buf, 64), 10);
	assert_int_equal(buf[9], file_byte(29999));
	assert_int_equal(snap_memory_read(&memory, 30000, buf, 64), 0);
	assert_int_equal(snap_memory_read(&memory, 60000, buf, 64), 0);
	assert_int_equal(snap_memory_read(&memory, 60000, buf, 40000), 0);
	assert_false(snap_memory_read_all(&memory, 29990, buf, 11));
	assert_int_equal(memory.failed_errnum, 0);
	/* What was there can still be read. */
	assert_true(snap_memory_read_all(&memory, 29990, buf, 10));
	assert_int_equal(buf[0], file_byte(29990));
	close(fd);
}

static void test_memory_unreadable_file(void **state)
{
	(void)state;
	uint8_t buf[20000];
	int fd = make_file(100);
	close(fd);
	add_file(0, 100000, fd, 0);
	finish();
	assert_int_equal(snap_memory_read(&memory, 0, buf, 8), -EBADF);
	assert_int_equal(snap_memory_read(&memory, 0, buf, sizeof(buf)), -EBADF);
	assert_false(snap_memory_read_all(&memory, 0, buf, 8));
	assert_int_equal(memory.failed_errnum, EBADF);
	assert_int_equal(memory.failed_off, 0);
}

/*
 * A file that can't be read from a place on, as of a bad disk: our own memory, where it ends. That is no end
 * of the file, whether a read begins there, behind it or before it.
 */
static void test_memory_unreadable_middle(void **state)
{
	(void)state;
	static uint8_t buf[70000];
	int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	uint8_t *map = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(fd >= 0 && map != MAP_FAILED);
	uint64_t bad = (uintptr_t)map + 32768;
	memset(map, 7, 32768);
	assert_int_equal(munmap(map + 32768, 32768), 0);
	static const struct {
		uint64_t addr, len;
	} reads[] = {{32768, 8}, {36000, 8}, {32768, 20000}, {32760, 16}, {1000, 65000}};
	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		add_file(0, 65536, fd, (uintptr_t)map);
		finish();
		/* The page that is kept ends within this one. */
		assert_true(snap_memory_read_all(&memory, 32760, buf, 8));
		assert_int_equal(buf[7], 7);
		assert_int_equal(memory.failed_errnum, 0);
		assert_int_equal(snap_memory_read(&memory, reads[i].addr, buf, reads[i].len), -EIO);
		assert_int_equal(memory.failed_errnum, EIO);
		assert_int_equal(memory.failed_off, bad);
		snap_memory_deinit(&memory);
	}
	assert_int_equal(munmap(map, 32768), 0);
	close(fd);
}

static void test_memory_file_offsets_that_no_file_has(void **state)
{
	(void)state;
	uint8_t buf[8];
	int fd = make_file(100);
	add_file(0, 64, fd, UINT64_MAX - 10);
	add_file(1000, 64, fd, 1ull << 63);
	add_file(2000, 64, fd, INT64_MAX - 10);
	finish();
	assert_true(snap_memory_read(&memory, 0, buf, 8) <= 0);
	assert_true(snap_memory_read(&memory, 40, buf, 8) <= 8);
	assert_true(snap_memory_read(&memory, 1000, buf, 8) <= 0);
	assert_true(snap_memory_read(&memory, 2000, buf, 8) <= 0);
	close(fd);
}

static void test_memory_look_up_remembers_safely(void **state)
{
	(void)state;
	add(100, 10, "aaaaaaaaaa");
	add(200, 10, "bbbbbbbbbb");
	finish();
	assert_int_equal(snap_memory_find(&memory, 205)->start, 200);
	assert_int_equal(snap_memory_find(&memory, 209)->start, 200);
	assert_int_equal(snap_memory_find(&memory, 109)->start, 100);
	assert_null(snap_memory_find(&memory, 110));
	assert_null(snap_memory_find(&memory, 199));
	assert_null(snap_memory_find(&memory, 210));
	assert_null(snap_memory_find(&memory, UINT64_MAX));
	assert_int_equal(snap_memory_find(&memory, 200)->start, 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_memory_empty),
		TEST(test_memory_first_added_wins),
		TEST(test_memory_overlaps_like_a_model_of_every_byte),
		TEST(test_memory_overlaps_at_the_top_of_the_address_space),
		TEST(test_memory_overlaps_at_the_bottom_of_the_address_space),
		TEST(test_memory_read_ends_at_the_top),
		TEST(test_memory_whole_address_space),
		TEST(test_memory_many_ranges_in_bounded_time),
		TEST(test_memory_adjacent_ranges_read_as_one),
		TEST(test_memory_pieces_of_one_range_are_joined),
		TEST(test_memory_file_and_memory_side_by_side),
		TEST(test_memory_overlapping_ranges_in_a_file),
		TEST(test_memory_two_files_do_not_mix),
		TEST(test_memory_truncated_file),
		TEST(test_memory_unreadable_file),
		TEST(test_memory_unreadable_middle),
		TEST(test_memory_file_offsets_that_no_file_has),
		TEST(test_memory_look_up_remembers_safely),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
