/* capture/server/user: which lines of a passwd file are a user, and what a child is that became
 * one. */
#include "capture/server/user.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[] = "/tmp/snap-test-user-XXXXXX";

static int find_in(const char *content, const char *name, struct snap_user *ret)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(content, 1, strlen(content), f), strlen(content));
	assert_int_equal(fclose(f), 0);
	return snap_user_find(name, path, ret);
}

static void test_by_name_and_by_number(void **state)
{
	(void)state;
	static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\nuploader:x:7:70::/:/bin/sh\n"
				     "other:x:8:80::/:\n";
	struct snap_user user;
	assert_int_equal(find_in(passwd, "uploader", &user), 0);
	assert_int_equal(user.uid, 7);
	assert_int_equal(user.gid, 70);
	assert_int_equal(find_in(passwd, "8", &user), 0);
	assert_int_equal(user.uid, 8);
	assert_int_equal(user.gid, 80);
	/* Without an entry a number is its own group. */
	assert_int_equal(find_in(passwd, "4711", &user), 0);
	assert_int_equal(user.uid, 4711);
	assert_int_equal(user.gid, 4711);
}

static void test_no_such_user(void **state)
{
	(void)state;
	static const char *const names[] = {"", "upload", "uploader2", "x", "-1", "4294967295",
		"4294967296", "7x", "uploader:x:7:70"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct snap_user user = {1, 2};
		assert_int_equal(find_in("uploader:x:7:70::/:/bin/sh\n", names[i], &user), -ENOENT);
		assert_int_equal(user.uid, 1);
	}
	assert_int_equal(
		snap_user_find("root", "/nonexistent/passwd", &(struct snap_user){0}), -ENOENT);
}

static void test_malformed_lines_are_none(void **state)
{
	(void)state;
	static const char *const lines[] = {"", "\n", "u\n", "u:x\n", "u:x:7\n", "u:x:7:70",
		"u:x::70::/:\n", "u:x:7:::/:\n", "u:x:-7:70::/:\n", "u:x:7:70x::/:\n",
		"u:x:4294967295:70::/:\n", "u:x:99999999999:70::/:\n", ":u:7:70::/:\n"};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct snap_user user;
		assert_int_equal(find_in(lines[i], "u", &user), -ENOENT);
	}
}

static int become_and_look(const struct snap_user *user)
{
	const gid_t other = 1;
	if (setgroups(1, &other) < 0 || snap_user_become(user) < 0)
		return 1;
	if (getuid() != user->uid || geteuid() != user->uid || getgid() != user->gid ||
		getgroups(0, NULL) != 0)
		return 2;
	if (setuid(0) == 0 || setgid(0) == 0)
		return 3;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 4;
}

static void test_become_is_for_good(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	pid_t pid = fork();
	if (pid == 0)
		_exit(become_and_look(&(struct snap_user){65534, 65533}));
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int make_file(void **state)
{
	(void)state;
	int fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_name_and_by_number),
		cmocka_unit_test(test_no_such_user),
		cmocka_unit_test(test_malformed_lines_are_none),
		cmocka_unit_test(test_become_is_for_good),
	};
	return cmocka_run_group_tests(tests, make_file, remove_file);
}
