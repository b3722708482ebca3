/* capture/spool_usage: how full a spool is, and what goes first. */
#include "capture/spool_usage.h"

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
#include <time.h>
#include <unistd.h>

#include "tests/lib/temp_tree.h"

/* Every file of the tests has so many bytes on disk, times its size. */
#define BLOCK 4096

static struct snap_spool_evict work;
static int dir_fd = -1;
static unsigned int num_spools;
static bool no_attributes;

/* A new spool for each test. */
static int begin(void **state)
{
	(void)state;
	const char *path = in_top("spool%u", num_spools++);
	if (mkdir(path, 0700) < 0)
		return -1;
	dir_fd = open(path, O_RDONLY | O_DIRECTORY);
	return dir_fd < 0 || mkdirat(dir_fd, "incoming", 0700) < 0 ? -1 : 0;
}

static int end(void **state)
{
	(void)state;
	return close(dir_fd);
}

/* The name of a snapshot that came at time_s. */
static const char *name_of(int64_t time_s, const char *comm)
{
	static char name[SNAP_SPOOL_NAME_MAX];
	static const uint8_t uuid[16] = {0};
	snap_spool_name(name, 1000000000 + time_s, snap_bytes_str(comm), 1, uuid);
	return name;
}

#define NO_UID -1

static void put(int64_t time_s, const char *comm, int64_t uid, const char *exe, unsigned int size)
{
	int fd = openat(dir_fd, name_of(time_s, comm), O_CREAT | O_EXCL | O_WRONLY, 0600);
	assert_true(fd >= 0);
	char block[BLOCK] = {1};
	for (unsigned int i = 0; i < size; i++)
		assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
	if (uid != NO_UID) {
		struct snap_origin origin;
		snap_origin_init(&origin, (uint32_t)uid, snap_bytes_str(exe));
		int r = snap_origin_write(fd, &origin);
		no_attributes = r == -EOPNOTSUPP;
		if (no_attributes)
			skip();
		assert_int_equal(r, 0);
	}
	assert_int_equal(close(fd), 0);
}

static bool is_there(int64_t time_s, const char *comm)
{
	return faccessat(dir_fd, name_of(time_s, comm), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static struct snap_spool_limits max_files(uint64_t num)
{
	return (struct snap_spool_limits){.max_files = num, .max_bytes = UINT64_MAX};
}

static struct snap_spool_limits max_bytes(uint64_t num)
{
	return (struct snap_spool_limits){.max_files = UINT64_MAX, .max_bytes = num};
}

/* The files of a table row: "exe/uid/size ..." from old to new; what is left, likewise by place. */
struct row {
	const char *what;
	const char *files; /* letter: executable, digit: uid, digit: blocks */
	uint64_t max_files, max_blocks, num_more;
	const char *own; /* "": no executable's last one may go */
	int r;
	const char *left; /* places in files, as letters from 'a' on */
};

#define ANY UINT64_MAX

static const struct row rows[] = {
	{"below the limit", "A11 A11 A11", 3, ANY, 0, "", 0, "abc"},
	{"one too many", "A11 A11 A11", 2, ANY, 0, "", 0, "bc"},
	{"one more to come", "A11 A11 A11", 3, ANY, 1, "", 0, "bc"},
	{"never the last of another", "B11 A11 A11 A11", 2, ANY, 0, "", 0, "ad"},
	{"each the last", "A11 B11 C11", 2, ANY, 0, "", -EDQUOT, "abc"},
	{"each the last, one more of A", "A11 B11 C11", 3, ANY, 1, "A", 0, "bc"},
	{"own last as the last resort", "A11 B11 B11", 3, ANY, 1, "A", 0, "ac"},
	{"each the last, one more of D", "A11 B11 C11", 3, ANY, 1, "D", -EDQUOT, "abc"},
	{"the user who has most", "A11 A11 A21 A21 A21", 4, ANY, 0, "", 0, "abde"},
	{"the user who has most, by bytes", "A19 A19 B21 B21 B21 B21", ANY, 20, 0, "", 0, "bcdef"},
	{"the user who has most goes on being asked", "A11 A21 A21 A21 A21", 3, ANY, 0, "", 0,
		"ade"},
	{"the user who has most changes", "A21 A21 A21 A11 A11 A11", 4, ANY, 0, "", 0, "bcef"},
	{"the user who has most has nothing that may go", "A21 A11 A11 A11 B29", 3, ANY, 0, "", 0,
		"cde"},
	{"another user's newest of one executable", "A11 A21", 1, ANY, 0, "", 0, "b"},
	{"by bytes", "A13 A13 A13", ANY, 6, 0, "", 0, "bc"},
	{"by bytes, exactly", "A13 A13 A13", ANY, 9, 0, "", 0, "abc"},
	{"one alone too large", "A19", ANY, 8, 0, "", -EDQUOT, "a"},
	{"nothing at all", "", 1, ANY, 1, "", 0, ""},
	{"no room for one", "", 0, ANY, 1, "", -EDQUOT, ""},
	{"no origin: by the name", "a-1 b-1 a-1 a-1", 2, ANY, 0, "", 0, "bd"},
};

static void run_row(const struct row *row)
{
	char left[32] = "";
	size_t num = 0, num_left = 0;
	for (const char *p = row->files; *p != '\0'; p += p[3] == ' ' ? 4 : 3, num++) {
		char exe[2] = {p[0], '\0'};
		put((int64_t)num, p[1] == '-' ? exe : "x", p[1] == '-' ? NO_UID : p[1] - '0', exe,
			(unsigned int)(p[2] - '0'));
	}
	const struct snap_spool_limits limits = {
		.max_files = row->max_files,
		.max_bytes = row->max_blocks == ANY ? ANY : row->max_blocks * BLOCK,
	};
	struct snap_origin own;
	snap_origin_init(&own, 1, snap_bytes_str(row->own));
	int r = snap_spool_make_room(
		dir_fd, &limits, row->num_more, row->own[0] ? &own : NULL, &work);
	num = 0;
	for (const char *p = row->files; *p != '\0'; p += p[3] == ' ' ? 4 : 3, num++) {
		char exe[2] = {p[0], '\0'};
		if (is_there((int64_t)num, p[1] == '-' ? exe : "x"))
			left[num_left++] = (char)('a' + num);
	}
	left[num_left] = '\0';
	if (r != row->r || strcmp(left, row->left) != 0)
		fail_msg("%s: %d, left %s", row->what, r, left);
	assert_int_equal(work.usage.num_files, num_left);
	assert_int_equal(work.num_evicted, num - num_left);
}

static void test_what_goes(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(begin(state), 0);
		run_row(&rows[i]);
		assert_int_equal(end(state), 0);
	}
}

static void test_what_is_counted(void **state)
{
	(void)state;
	struct snap_spool_usage usage;
	assert_int_equal(snap_spool_usage_read(dir_fd, &usage), 0);
	assert_int_equal(usage.num_files, 0);
	assert_int_equal(usage.num_foreign, 0);
	put(1, "a", NO_UID, NULL, 3);
	put(2, "b", NO_UID, NULL, 2);
	assert_int_equal(close(openat(dir_fd, "skipped", O_CREAT | O_WRONLY, 0600)), 0);
	assert_int_equal(close(openat(dir_fd, ".rate", O_CREAT | O_WRONLY, 0600)), 0);
	assert_int_equal(snap_spool_usage_read(dir_fd, &usage), 0);
	assert_int_equal(usage.num_files, 2);
	assert_int_equal(usage.bytes, 5 * BLOCK);
	assert_int_equal(usage.num_foreign, 0);
	assert_true(usage.free_bytes > 0);
	assert_true(usage.total_bytes > usage.free_bytes);
}

/* What others planted stays, whatever it is called, and is neither opened nor followed. */
static void test_foreign_files(void **state)
{
	(void)state;
	const char *victim = in_top("victim");
	struct stat st;
	int fd = open(victim, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(close(fd), 0);
	assert_int_equal(symlinkat(victim, dir_fd, name_of(1, "a")), 0);
	assert_int_equal(mkfifoat(dir_fd, name_of(2, "a"), 0600), 0);
	assert_int_equal(mkdirat(dir_fd, name_of(3, "a"), 0700), 0);
	assert_int_equal(close(openat(dir_fd, "notes.txt", O_CREAT | O_WRONLY, 0600)), 0);
	assert_int_equal(close(openat(dir_fd, ".hidden", O_CREAT | O_WRONLY, 0600)), 0);
	char name[SNAP_SPOOL_NAME_MAX + 8];
	(void)snprintf(name, sizeof(name), "%s.zst", name_of(4, "a"));
	assert_int_equal(close(openat(dir_fd, name, O_CREAT | O_WRONLY, 0600)), 0);
	put(5, "a", NO_UID, NULL, 1);
	put(6, "a", NO_UID, NULL, 1);

	const struct snap_spool_limits limits = max_files(0);
	assert_int_equal(snap_spool_make_room(dir_fd, &limits, 0, NULL, &work), -EDQUOT);
	assert_int_equal(work.num_evicted, 1);
	assert_false(is_there(5, "a"));
	assert_true(is_there(6, "a"));
	assert_int_equal(work.usage.num_foreign, 6);
	for (int64_t time_s = 1; time_s <= 3; time_s++)
		assert_true(is_there(time_s, "a"));
	assert_int_equal(stat(victim, &st), 0);
	assert_int_equal(st.st_size, 1);
}

static void test_free_space(void **state)
{
	(void)state;
	struct snap_spool_usage usage;
	assert_int_equal(snap_spool_usage_read(dir_fd, &usage), 0);
	struct snap_spool_limits limits = {
		.max_files = ANY,
		.max_bytes = ANY,
		.min_free_bytes = usage.total_bytes + 1,
	};
	put(1, "a", NO_UID, NULL, 1);
	put(2, "a", NO_UID, NULL, 1);
	assert_int_equal(snap_spool_check_free(dir_fd, &limits), -ENOSPC);
	assert_int_equal(snap_spool_make_room(dir_fd, &limits, 1, NULL, &work), -ENOSPC);
	assert_int_equal(work.num_evicted, 1);
	assert_true(is_there(2, "a"));
	limits.min_free_bytes = SNAP_CONFIG_AUTO;
	limits.min_free_inodes = SNAP_CONFIG_AUTO;
	assert_int_equal(snap_spool_check_free(dir_fd, &limits), 0);
	limits.min_free_bytes = 0;
	limits.min_free_inodes = usage.total_inodes + 1;
	assert_int_equal(snap_spool_check_free(dir_fd, &limits), usage.counts_inodes ? -ENOSPC : 0);
}

static void make_on_demand(int64_t time_s, uint32_t uid, const char *exe)
{
	struct snap_origin origin;
	snap_origin_init(&origin, uid, snap_bytes_str(exe));
	origin.on_demand = true;
	int fd = openat(dir_fd, name_of(time_s, "x"), O_RDWR);
	assert_int_equal(snap_origin_write(fd, &origin), 0);
	assert_int_equal(close(fd), 0);
}

static void test_snapshots_on_demand_by_user(void **state)
{
	(void)state;
	uint64_t num = 99, bytes = 99;
	put(1, "x", 7, "/a", 1);
	for (int64_t time_s = 2; time_s <= 4; time_s++) {
		put(time_s, "x", 7, "/a", 2);
		make_on_demand(time_s, time_s == 4 ? 8 : 7, "/a");
	}
	assert_int_equal(snap_spool_usage_on_demand(dir_fd, 7, &num, &bytes), 0);
	assert_int_equal(num, 2);
	assert_int_equal(bytes, 4 * BLOCK);
	assert_int_equal(snap_spool_usage_on_demand(dir_fd, 9, &num, &bytes), 0);
	assert_int_equal(num, 0);
}

static void test_snapshots_on_demand_displace_no_crash(void **state)
{
	(void)state;
	const struct snap_spool_limits limits = max_files(2);
	for (int64_t time_s = 1; time_s <= 4; time_s++)
		put(time_s, "x", 7, "/a", 1);
	for (int64_t time_s = 2; time_s <= 4; time_s++)
		make_on_demand(time_s, 7, "/a");
	assert_int_equal(snap_spool_make_room(dir_fd, &limits, 0, NULL, &work), 0);
	assert_true(is_there(1, "x"));
	assert_true(is_there(4, "x"));
}

/* The clock was set back: the new one has the oldest name. */
static void test_the_new_one_is_the_newest(void **state)
{
	(void)state;
	struct snap_spool_limits limits = max_files(3);
	put(1000, "a", NO_UID, NULL, 1);
	put(1001, "b", NO_UID, NULL, 1);
	put(1002, "a", NO_UID, NULL, 1);
	put(-900000000, "a", NO_UID, NULL, 1);
	assert_int_equal(
		snap_spool_keep_limits(dir_fd, &limits, name_of(-900000000, "a"), &work), 0);
	assert_false(is_there(1000, "a"));
	assert_true(is_there(-900000000, "a"));
	limits = max_files(2);
	assert_int_equal(
		snap_spool_keep_limits(dir_fd, &limits, name_of(-900000000, "a"), &work), 0);
	assert_true(is_there(1001, "b"));
	assert_true(is_there(-900000000, "a"));
	/* It does not go by itself. */
	limits = max_files(1);
	assert_int_equal(
		snap_spool_keep_limits(dir_fd, &limits, name_of(-900000000, "a"), &work), -EDQUOT);
	assert_true(is_there(-900000000, "a"));
}

/* More than are looked at together; the oldest are each the last of their kind. */
static void test_many(void **state)
{
	(void)state;
	enum { EACH_ITS_OWN = SNAP_SPOOL_EVICT_MAX + 100, LOOP = SNAP_SPOOL_EVICT_MAX + 500 };
	char comm[16];
	for (int i = 0; i < EACH_ITS_OWN; i++) {
		(void)snprintf(comm, sizeof(comm), "own%d", i);
		put(i, comm, NO_UID, NULL, 0);
	}
	for (int i = 0; i < LOOP; i++)
		put(100000 + i, "loop", NO_UID, NULL, 0);
	/* One of the oldest has a newer one of its kind, but far behind. */
	put(200000, "own7", NO_UID, NULL, 0);
	struct snap_spool_limits limits = max_files(EACH_ITS_OWN + LOOP);
	assert_int_equal(snap_spool_make_room(dir_fd, &limits, 0, NULL, &work), 0);
	assert_int_equal(work.num_evicted, 1);
	assert_false(is_there(7, "own7"));
	assert_true(is_there(200000, "own7"));

	limits = max_files(EACH_ITS_OWN + 5);
	assert_int_equal(snap_spool_make_room(dir_fd, &limits, 0, NULL, &work), 0);
	assert_int_equal(work.num_evicted, LOOP - 5);
	for (int i = 0; i < EACH_ITS_OWN; i++) {
		(void)snprintf(comm, sizeof(comm), "own%d", i);
		assert_true(i == 7 || is_there(i, comm));
	}
	assert_true(is_there(100000 + LOOP - 5, "loop"));
	assert_false(is_there(100000 + LOOP - 6, "loop"));
}

static void test_read_only(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	put(1, "a", NO_UID, NULL, 1);
	put(2, "a", NO_UID, NULL, 1);
	assert_int_equal(fchmod(dir_fd, 0755), 0);
	assert_int_equal(seteuid(65534), 0);
	const struct snap_spool_limits limits = max_bytes(0);
	int r = snap_spool_make_room(dir_fd, &limits, 0, NULL, &work);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(r, -EACCES);
	assert_int_equal(work.num_evicted, 0);
	assert_true(is_there(1, "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_goes),
		cmocka_unit_test_setup_teardown(test_what_is_counted, begin, end),
		cmocka_unit_test_setup_teardown(test_foreign_files, begin, end),
		cmocka_unit_test_setup_teardown(test_free_space, begin, end),
		cmocka_unit_test_setup_teardown(test_snapshots_on_demand_by_user, begin, end),
		cmocka_unit_test_setup_teardown(
			test_snapshots_on_demand_displace_no_crash, begin, end),
		cmocka_unit_test_setup_teardown(test_the_new_one_is_the_newest, begin, end),
		cmocka_unit_test_setup_teardown(test_many, begin, end),
		cmocka_unit_test_setup_teardown(test_read_only, begin, end),
	};
	return cmocka_run_group_tests(tests, make_top, remove_top);
}
