/* capture/spool, capture/origin: what is refused as a spool, the life of a .part. */
#include "capture/origin.h"
#include "capture/spool.h"

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
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/lib/temp_tree.h"

static void test_names_of_parts(void **state)
{
	(void)state;
	assert_true(snap_spool_is_part("0123456789abcdef.part"));
	assert_false(snap_spool_is_part(".part"));
	assert_false(snap_spool_is_part("..part.part"));
	assert_false(snap_spool_is_part("a/b.part"));
	assert_false(snap_spool_is_part("0123456789abcdef0123456789abcdef.part"));
}

static void test_directories_are_made_for_root_alone(void **state)
{
	(void)state;
	struct snap_spool_file file;
	struct stat st;
	const char *spool = in_top("made/deep/spool");
	assert_int_equal(snap_spool_create(spool, &file), 0);
	assert_int_equal(fstat(file.dir_fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(fstat(file.incoming_fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(fstat(file.fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(snap_spool_is_part(file.part));
	snap_spool_discard(&file);
	assert_int_equal(faccessat(file.incoming_fd, file.part, F_OK, 0), -1);
	snap_spool_file_deinit(&file);
}

static void test_links_in_place_of_directories(void **state)
{
	(void)state;
	struct snap_spool_file file = SNAP_SPOOL_FILE_INIT;
	const char *real = in_top("real");
	const char *link = in_top("link");
	const char *incoming = in_top("holds/incoming");
	const char *holds = in_top("holds");
	assert_int_equal(mkdir(real, 0700), 0);
	assert_int_equal(mkdir(holds, 0700), 0);
	assert_int_equal(symlink(real, link), 0);
	assert_int_equal(symlink(real, incoming), 0);
	assert_int_equal(snap_spool_create(link, &file), -ELOOP);
	assert_int_equal(snap_spool_create(holds, &file), -ELOOP);
	assert_int_equal(file.fd, -1);
	assert_string_equal(
		snap_spool_strerror(-ELOOP), "the spool or its incoming is a symbolic link");
	/* Nothing was made where the links point to. */
	assert_int_equal(rmdir(real), 0);

	const char *is_file = in_top("file");
	assert_int_equal(close(open(is_file, O_CREAT | O_WRONLY, 0600)), 0);
	assert_int_equal(snap_spool_create(is_file, &file), -ENOTDIR);
}

static void test_directories_of_others(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	struct snap_spool_file file;
	const char *spool = in_top("others");
	const char *incoming = in_top("others/incoming");
	assert_int_equal(mkdir(spool, 0700), 0);
	assert_int_equal(mkdir(incoming, 0700), 0);
	assert_int_equal(chown(incoming, 65534, 65534), 0);
	assert_int_equal(snap_spool_create(spool, &file), -EPERM);
	assert_int_equal(chown(incoming, 0, 0), 0);
	assert_int_equal(chown(spool, 65534, 0), 0);
	assert_int_equal(snap_spool_create(spool, &file), -EPERM);
}

static void test_a_part_is_locked_until_the_last_descriptor_is_closed(void **state)
{
	(void)state;
	struct snap_spool_file file;
	const char *spool = in_top("locks");
	assert_int_equal(snap_spool_create(spool, &file), 0);
	int other = openat(file.incoming_fd, file.part, O_RDONLY);
	assert_true(other >= 0);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	int passed_on = dup(file.fd);
	snap_spool_file_deinit(&file);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
	assert_int_equal(close(passed_on), 0);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(close(other), 0);
}

static void test_publishing(void **state)
{
	(void)state;
	struct snap_spool_file file, second;
	struct stat st;
	const char *spool = in_top("publishes");
	assert_int_equal(snap_spool_create(spool, &file), 0);
	assert_int_equal(snap_spool_create(spool, &second), 0);
	/* A link of that name is neither followed nor replaced. */
	assert_int_equal(symlinkat("/nonexistent", file.dir_fd, "x.snap"), 0);
	assert_int_equal(snap_spool_publish(&file, "x.snap"), -EEXIST);
	assert_int_equal(fstatat(file.incoming_fd, file.part, &st, 0), 0);
	assert_int_equal(snap_spool_publish(&file, "y.snap"), 0);
	assert_int_equal(fstatat(file.dir_fd, "y.snap", &st, 0), 0);
	assert_int_equal(fstatat(file.incoming_fd, file.part, &st, 0), -1);
	assert_int_equal(snap_spool_publish(&second, "y.snap"), -EEXIST);
	snap_spool_file_deinit(&file);
	snap_spool_file_deinit(&second);
}

static void test_attaching(void **state)
{
	(void)state;
	struct snap_spool_file file, other, attached;
	const char *spool = in_top("attaches");
	assert_int_equal(snap_spool_create(spool, &file), 0);
	assert_int_equal(snap_spool_create(spool, &other), 0);
	assert_int_equal(snap_spool_attach(spool, other.part, file.fd, &attached), -ESTALE);
	assert_int_equal(snap_spool_attach(spool, "../x.part", file.fd, &attached), -EINVAL);
	assert_int_equal(snap_spool_attach(spool, "0.part", file.fd, &attached), -ENOENT);
	int fd = dup(file.fd);
	assert_int_equal(snap_spool_attach(spool, file.part, fd, &attached), 0);
	assert_int_equal(attached.fd, fd);
	assert_int_equal(snap_spool_publish(&attached, "z.snap"), 0);
	snap_spool_file_deinit(&attached);
	snap_spool_file_deinit(&file);
	snap_spool_file_deinit(&other);
}

static void test_origins(void **state)
{
	(void)state;
	const char *path = in_top("origin");
	int fd = open(path, O_CREAT | O_RDWR, 0600);
	assert_true(fd >= 0);
	struct snap_origin origin, back;
	assert_int_equal(snap_origin_read(fd, &back), -ENODATA);

	char exe[300];
	memset(exe, 'e', sizeof(exe));
	memcpy(exe + sizeof(exe) - 255, "/x\n \xff", 5);
	for (int on_demand = 0; on_demand <= 1; on_demand++)
		for (size_t len = 0; len <= sizeof(exe); len += len < 255 ? 51 : 45) {
			snap_origin_init(
				&origin, UINT32_MAX, snap_bytes(exe + sizeof(exe) - len, len));
			origin.on_demand = on_demand != 0;
			int r = snap_origin_write(fd, &origin);
			if (r == -EOPNOTSUPP)
				skip();
			assert_int_equal(r, 0);
			memset(&back, 0xa5, sizeof(back));
			assert_int_equal(snap_origin_read(fd, &back), 0);
			assert_true(snap_origin_equal(&origin, &back));
			assert_int_equal(back.exe_len, len < 255 ? len : 255);
		}
	assert_memory_equal(back.exe, "/x\n \xff", 5);

	static const char *const bad[] = {"", "1", " x", "x 1", "-1 x", "4294967296 x",
		"11111111111 x", "1:app", "1:ap x", "1:appx y"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(fsetxattr(fd, "user.snapcrash", bad[i], strlen(bad[i]), 0), 0);
		if (snap_origin_read(fd, &back) != -ENODATA)
			fail_msg("understood: '%s'", bad[i]);
	}
	memcpy(exe, "1 ", 2);
	assert_int_equal(fsetxattr(fd, "user.snapcrash", exe, 258, 0), 0);
	assert_int_equal(snap_origin_read(fd, &back), -ENODATA);
	assert_int_equal(fsetxattr(fd, "user.snapcrash", exe, 300, 0), 0);
	assert_int_equal(snap_origin_read(fd, &back), -ENODATA);
	assert_int_equal(fsetxattr(fd, "user.snapcrash", "7 /a", 4, 0), 0);
	assert_int_equal(snap_origin_read(fd, &back), 0);
	assert_int_equal(back.uid, 7);
	assert_false(back.on_demand);
	assert_int_equal(close(fd), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_of_parts),
		cmocka_unit_test(test_directories_are_made_for_root_alone),
		cmocka_unit_test(test_links_in_place_of_directories),
		cmocka_unit_test(test_directories_of_others),
		cmocka_unit_test(test_a_part_is_locked_until_the_last_descriptor_is_closed),
		cmocka_unit_test(test_publishing),
		cmocka_unit_test(test_attaching),
		cmocka_unit_test(test_origins),
	};
	return cmocka_run_group_tests(tests, make_top, remove_top);
}
