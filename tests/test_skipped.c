/* capture/skipped: the record of what was not captured. */
#include "capture/skipped.h"

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
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/temp_tree.h"

static struct snap_skipped collected, work;
static const struct snap_access nobody = SNAP_ACCESS_INIT;
static int dir_fd = -1;

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(top))
		return -1;
	dir_fd = open(top, O_RDONLY | O_DIRECTORY);
	return dir_fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)close(dir_fd);
	remove_tree(top);
	return 0;
}

static int clear(void **state)
{
	(void)state;
	memset(&collected, 0, sizeof(collected));
	memset(&work, 0xa5, sizeof(work));
	(void)unlinkat(dir_fd, SNAP_SKIPPED_FILE, 0);
	return 0;
}

static void add(const void *exe, size_t len, uint32_t uid, enum snap_skipped_reason reason,
	uint32_t signo, int64_t now_s)
{
	struct snap_origin origin;
	snap_origin_init(&origin, uid, snap_bytes(exe, len));
	snap_skipped_add(&collected, &origin, reason, signo, now_s);
}

static void add_str(const char *exe, uint32_t uid, enum snap_skipped_reason reason, int64_t now_s)
{
	add(exe, strlen(exe), uid, reason, 11, now_s);
}

static void flush(void)
{
	assert_int_equal(snap_skipped_flush(dir_fd, &nobody, &collected, &work), 0);
	assert_int_equal(collected.num, 0);
}

static char content[1 << 20];

static void read_content(void)
{
	int fd = openat(dir_fd, SNAP_SKIPPED_FILE, O_RDONLY);
	assert_true(fd >= 0);
	ssize_t n = read(fd, content, sizeof(content) - 1);
	assert_true(n >= 0);
	content[n] = '\0';
	assert_int_equal(close(fd), 0);
}

static void write_content(const void *data, size_t len)
{
	int fd = openat(dir_fd, SNAP_SKIPPED_FILE, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	assert_int_equal(close(fd), 0);
}

static void test_one_line_for_each_kind(void **state)
{
	(void)state;
	add_str("/bin/x", 7, SNAP_SKIPPED_RATE, 1000000000);
	add("/bin/x", 6, 7, SNAP_SKIPPED_RATE, 6, 1000000060);
	add_str("/bin/x", 8, SNAP_SKIPPED_RATE, 1000000000);
	add_str("/bin/x", 7, SNAP_SKIPPED_FULL, 1000000000);
	add("\tnew\nline\x1b[2J\xff\\x", 15, 0, SNAP_SKIPPED_IGNORED, 11, 1000000000);
	add_str("", 0, SNAP_SKIPPED_DISK, 1000000000);
	flush();
	read_content();
	assert_string_equal(content,
		"2\t2001-09-09T01:46:40Z\t2001-09-09T01:47:40Z\t6\t7\trate\t/bin/x\n"
		"1\t2001-09-09T01:46:40Z\t2001-09-09T01:46:40Z\t11\t8\trate\t/bin/x\n"
		"1\t2001-09-09T01:46:40Z\t2001-09-09T01:46:40Z\t11\t7\tfull\t/bin/x\n"
		"1\t2001-09-09T01:46:40Z\t2001-09-09T01:46:40Z\t11\t0\tignored\t"
		"\\x09new\\x0aline\\x1b[2J\\xff\\\n"
		"1\t2001-09-09T01:46:40Z\t2001-09-09T01:46:40Z\t11\t0\tdisk\t-\n");
}

static void test_counts_add_up_over_programs(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 300; i++) {
		add("a\nb", 3, 7, SNAP_SKIPPED_RATE, 11, 1000000000 + i);
		if (i % 7 == 0)
			flush();
	}
	flush();
	add("a\nb", 3, 7, SNAP_SKIPPED_RATE, 11, 999999999);
	flush();
	read_content();
	assert_string_equal(content, "301\t2001-09-09T01:46:39Z\t2001-09-09T01:51:39Z\t11\t7\trate"
				     "\ta\\x0ab\n");
	struct stat st;
	assert_int_equal(fstatat(dir_fd, SNAP_SKIPPED_FILE, &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_several_at_once_lose_nothing(void **state)
{
	(void)state;
	enum { CHILDREN = 4, EACH = 25 };
	pid_t pids[CHILDREN];
	for (int c = 0; c < CHILDREN; c++) {
		pids[c] = fork();
		assert_true(pids[c] >= 0);
		if (pids[c] > 0)
			continue;
		int failed = 0;
		for (int i = 0; i < EACH; i++) {
			add_str("/x", 7, SNAP_SKIPPED_RATE, 1000000000);
			int r;
			/* On a busy machine, the lock may not be had in time. */
			do
				r = snap_skipped_flush(dir_fd, &nobody, &collected, &work);
			while (r == -EWOULDBLOCK);
			failed |= r < 0;
		}
		_exit(failed);
	}
	for (int c = 0; c < CHILDREN; c++) {
		int status = -1;
		assert_int_equal(waitpid(pids[c], &status, 0), pids[c]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(snap_skipped_read(dir_fd, &work), 0);
	assert_int_equal(work.num, 1);
	assert_int_equal(work.lines[0].count, CHILDREN * EACH);
}

static void test_more_kinds_than_lines(void **state)
{
	(void)state;
	enum { NUM = 1000 };
	for (unsigned int i = 0; i < NUM; i++) {
		char exe[32];
		(void)snprintf(exe, sizeof(exe), "/bin/x%u", i);
		add_str(exe, 7, SNAP_SKIPPED_RATE, 1000000000 + i);
		if (i % 100 == 0)
			flush();
	}
	flush();
	assert_int_equal(snap_skipped_read(dir_fd, &work), 0);
	assert_int_equal(work.num, SNAP_SKIPPED_MAX);
	uint64_t total = 0;
	size_t num_more = 0;
	bool newest = false;
	for (size_t i = 0; i < work.num; i++) {
		const struct snap_skipped_line *line = &work.lines[i];
		total += line->count;
		newest = newest || strcmp(line->exe, "/bin/x999") == 0;
		if (strcmp(line->reason, "more") != 0)
			continue;
		num_more++;
		assert_string_equal(line->exe, "-");
		assert_false(line->has_uid);
		assert_int_equal(line->count, NUM - SNAP_SKIPPED_MAX + 1);
		assert_int_equal(line->first_s, 1000000000);
	}
	assert_int_equal(total, NUM);
	assert_int_equal(num_more, 1);
	assert_true(newest);
}

/* Which are merged depends on their times, not on their places. */
static void test_the_oldest_lines_go(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < SNAP_SKIPPED_MAX + 10; i++) {
		char exe[32];
		(void)snprintf(exe, sizeof(exe), "/bin/x%u", i);
		add_str(exe, 7, SNAP_SKIPPED_RATE, 1000000000 - i);
	}
	flush();
	assert_int_equal(snap_skipped_read(dir_fd, &work), 0);
	bool newest = false;
	for (size_t i = 0; i < work.num; i++)
		newest = newest || strcmp(work.lines[i].exe, "/bin/x0") == 0;
	assert_true(newest);
}

static void test_lines_that_are_none_are_dropped(void **state)
{
	(void)state;
#define GOOD "5\t2001-09-09T01:46:40Z\t2001-09-09T01:46:40Z\t11\t7\trate\t/x"
	static const char *const bad[] = {
		"",
		"5",
		"-5\t2001-09-09T01:46:40Z\t2001-09-09T01:46:40Z\t11\t7\trate\t/x",
		"18446744073709551616\t2001-09-09T01:46:40Z\t2001-09-09T01:46:40Z\t11\t7\trate\t/x",
		"5\t2001-09-09 01:46:40Z\t2001-09-09T01:46:40Z\t11\t7\trate\t/x",
		"5\t2001-02-30T01:46:40Z\t2001-09-09T01:46:40Z\t11\t7\trate\t/x",
		"5\t2001-09-09T01:46:40Z\t2001-09-09T01:46:4\t11\t7\trate\t/x",
		"5\t2001-09-09T01:46:40Z\t2001-09-09T01:46:40Z\t4294967296\t7\trate\t/x",
		"5\t2001-09-09T01:46:40Z\t2001-09-09T01:46:40Z\t11\tseven\trate\t/x",
		"5\t2001-09-09T01:46:40Z\t2001-09-09T01:46:40Z\t11\t7\tmuch_too_long\t/x",
		"5\t2001-09-09T01:46:40Z\t2001-09-09T01:46:40Z\t11\t7\trate\t",
		"5\t2001-09-09T01:46:40Z\t2001-09-09T01:46:40Z\t11\t7\trate\t/x\ty",
		"5\t2001-09-09T01:46:40Z\t2001-09-09T01:46:40Z\t11\t7\trate\t/x\x1b[2J",
		"5\t2001-09-09T01:46:40Z\t2001-09-09T01:46:40Z\t11\t7\trate\t/x\xff",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int len = snprintf(content, sizeof(content), "%s\n" GOOD "\n%s\n", bad[i], bad[i]);
		write_content(content, (size_t)len);
		assert_int_equal(snap_skipped_read(dir_fd, &work), 0);
		if (work.num != 1 || work.lines[0].count != 5 ||
			strcmp(work.lines[0].exe, "/x") != 0)
			fail_msg("line %zu: %zu lines", i, work.num);
	}
	/* The last line without its end may be half of one. */
	write_content(GOOD, sizeof(GOOD) - 1);
	assert_int_equal(snap_skipped_read(dir_fd, &work), 0);
	assert_int_equal(work.num, 0);

	/* Garbage, with and without newlines, larger than is read. */
	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (char)(i * 2654435761u >> 13);
	write_content(content, sizeof(content));
	assert_int_equal(snap_skipped_read(dir_fd, &work), 0);
	memset(content, 0, sizeof(content));
	write_content(content, sizeof(content));
	add_str("/x", 7, SNAP_SKIPPED_RATE, 1000000000);
	flush();
	read_content();
	assert_string_equal(
		content, "1\t2001-09-09T01:46:40Z\t2001-09-09T01:46:40Z\t11\t7\trate\t/x\n");
	/* Counts end at the largest number. */
	static const char most[] = "18446744073709551615\t2001-09-09T01:46:40Z\t"
				   "2001-09-09T01:46:40Z\t11\t7\trate\t/x\n";
	write_content(most, sizeof(most) - 1);
	add_str("/x", 7, SNAP_SKIPPED_RATE, 1000000000);
	flush();
	read_content();
	assert_string_equal(content, most);
}

static void test_long_names(void **state)
{
	(void)state;
	char exe[255];
	memset(exe, '\n', sizeof(exe));
	for (unsigned int i = 0; i < 2 * SNAP_SKIPPED_MAX; i++) {
		add(exe, sizeof(exe), i, SNAP_SKIPPED_FAILED, UINT32_MAX, 253402300799);
		if (i % 50 == 0)
			flush();
	}
	flush();
	assert_int_equal(snap_skipped_read(dir_fd, &work), 0);
	assert_int_equal(work.num, SNAP_SKIPPED_MAX);
	assert_int_equal(strlen(work.lines[SNAP_SKIPPED_MAX - 1].exe), 508);
}

static void test_links_in_the_files_place(void **state)
{
	(void)state;
	const char *target = in_top("target");
	int fd = open(target, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(symlinkat(target, dir_fd, SNAP_SKIPPED_FILE), 0);
	assert_int_equal(symlinkat(target, dir_fd, ".skipped.new"), 0);
	assert_int_equal(snap_skipped_read(dir_fd, &work), -ELOOP);
	add_str("/x", 7, SNAP_SKIPPED_RATE, 1000000000);
	flush();
	struct stat st;
	assert_int_equal(fstatat(dir_fd, SNAP_SKIPPED_FILE, &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(stat(target, &st), 0);
	assert_int_equal(st.st_size, 0);

	assert_int_equal(unlinkat(dir_fd, SNAP_SKIPPED_FILE, 0), 0);
	assert_int_equal(mkfifoat(dir_fd, SNAP_SKIPPED_FILE, 0600), 0);
	assert_int_equal(snap_skipped_read(dir_fd, &work), -EINVAL);
	add_str("/x", 7, SNAP_SKIPPED_RATE, 1000000000);
	flush();

	/* A directory stays, and what was collected is kept. */
	assert_int_equal(unlinkat(dir_fd, SNAP_SKIPPED_FILE, 0), 0);
	assert_int_equal(mkdirat(dir_fd, SNAP_SKIPPED_FILE, 0700), 0);
	add_str("/x", 7, SNAP_SKIPPED_RATE, 1000000000);
	assert_int_equal(snap_skipped_flush(dir_fd, &nobody, &collected, &work), -EISDIR);
	assert_int_equal(collected.num, 1);
	assert_int_equal(unlinkat(dir_fd, SNAP_SKIPPED_FILE, AT_REMOVEDIR), 0);
	flush();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_one_line_for_each_kind, clear),
		cmocka_unit_test_setup(test_counts_add_up_over_programs, clear),
		cmocka_unit_test_setup(test_several_at_once_lose_nothing, clear),
		cmocka_unit_test_setup(test_more_kinds_than_lines, clear),
		cmocka_unit_test_setup(test_the_oldest_lines_go, clear),
		cmocka_unit_test_setup(test_lines_that_are_none_are_dropped, clear),
		cmocka_unit_test_setup(test_long_names, clear),
		cmocka_unit_test_setup(test_links_in_the_files_place, clear),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
