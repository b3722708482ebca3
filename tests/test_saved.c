/* capture/saved: what was saved is read back, and nothing else is taken for a save. */
#include "capture/saved.h"

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
#include <unistd.h>

static char dir[] = "/tmp/snap-test-saved-XXXXXX";
static int dir_fd;

static void put(const char *text, size_t len)
{
	(void)snap_saved_remove(dir_fd);
	int fd = openat(dir_fd, SNAP_SAVED_NAME, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	assert_int_equal(close(fd), 0);
}

static struct snap_saved example(void)
{
	return (struct snap_saved){
		.pattern = "|/usr/lib/systemd/systemd-coredump %P %u %g %s %t %c %h",
		.pipe_limit = 16,
		.ours = "|/usr/libexec/snapcrash/snapcrash-client %P",
	};
}

static void test_read_back(void **state)
{
	(void)state;
	struct snap_saved saved = example(), got;
	struct stat st;
	assert_int_equal(snap_saved_write(dir_fd, &saved), 0);
	assert_int_equal(fstatat(dir_fd, SNAP_SAVED_NAME, &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(snap_saved_read(dir_fd, &got), 0);
	assert_string_equal(got.pattern, saved.pattern);
	assert_string_equal(got.ours, saved.ours);
	assert_int_equal(got.pipe_limit, 16);

	/* An empty pattern and one with blanks at its ends are patterns, too. */
	strcpy(saved.pattern, "");
	assert_int_equal(snap_saved_write(dir_fd, &saved), 0);
	assert_int_equal(snap_saved_read(dir_fd, &got), 0);
	assert_string_equal(got.pattern, "");
	strcpy(saved.pattern, " a  ");
	saved.pipe_limit = UINT32_MAX;
	memset(saved.ours, '%', sizeof(saved.ours) - 1);
	saved.ours[sizeof(saved.ours) - 1] = '\0';
	assert_int_equal(snap_saved_write(dir_fd, &saved), 0);
	assert_int_equal(snap_saved_read(dir_fd, &got), 0);
	assert_string_equal(got.pattern, " a  ");
	assert_int_equal(got.pipe_limit, UINT32_MAX);
	assert_string_equal(got.ours, saved.ours);
}

static void test_removed(void **state)
{
	(void)state;
	struct snap_saved saved = example();
	assert_int_equal(snap_saved_write(dir_fd, &saved), 0);
	assert_int_equal(snap_saved_remove(dir_fd), 0);
	assert_int_equal(snap_saved_read(dir_fd, &saved), -ENOENT);
	assert_int_equal(snap_saved_remove(dir_fd), 0);
}

static void test_line_breaks_are_refused(void **state)
{
	(void)state;
	struct snap_saved saved = example();
	strcpy(saved.pattern, "a\nours b");
	assert_int_equal(snap_saved_write(dir_fd, &saved), -EINVAL);
}

static void test_files_of_others_are_refused(void **state)
{
	(void)state;
	struct snap_saved saved = example();
	assert_int_equal(snap_saved_write(dir_fd, &saved), 0);
	assert_int_equal(fchmodat(dir_fd, SNAP_SAVED_NAME, 0620, 0), 0);
	assert_int_equal(snap_saved_read(dir_fd, &saved), -EPERM);
	assert_int_equal(fchmodat(dir_fd, SNAP_SAVED_NAME, 0602, 0), 0);
	assert_int_equal(snap_saved_read(dir_fd, &saved), -EPERM);
	assert_int_equal(fchmodat(dir_fd, SNAP_SAVED_NAME, 0600, 0), 0);
	if (fchownat(dir_fd, SNAP_SAVED_NAME, 65534, (gid_t)-1, 0) == 0) {
		assert_int_equal(snap_saved_read(dir_fd, &saved), -EPERM);
		assert_int_equal(snap_saved_write(dir_fd, &saved), 0);
		assert_int_equal(snap_saved_read(dir_fd, &saved), 0);
	}

	assert_int_equal(renameat(dir_fd, SNAP_SAVED_NAME, dir_fd, "other"), 0);
	assert_int_equal(symlinkat("other", dir_fd, SNAP_SAVED_NAME), 0);
	assert_int_equal(snap_saved_read(dir_fd, &saved), -EPERM);
	assert_int_equal(snap_saved_remove(dir_fd), 0);
	assert_int_equal(unlinkat(dir_fd, "other", 0), 0);
	assert_int_equal(mkfifoat(dir_fd, SNAP_SAVED_NAME, 0600), 0);
	assert_int_equal(snap_saved_read(dir_fd, &saved), -EPERM);
	assert_int_equal(snap_saved_remove(dir_fd), 0);
}

static void test_other_texts_are_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"",
		"core\n",
		"snapcrash saved 1\n",
		"snapcrash saved 2\ncore_pattern x\ncore_pipe_limit 1\nours y\n",
		"snapcrash saved 1\ncore_pattern x\ncore_pipe_limit 1\nours y",
		"snapcrash saved 1\ncore_pattern x\ncore_pipe_limit 1\n",
		"snapcrash saved 1\ncore_pattern x\ncore_pipe_limit \nours y\n",
		"snapcrash saved 1\ncore_pattern x\ncore_pipe_limit -1\nours y\n",
		"snapcrash saved 1\ncore_pattern x\ncore_pipe_limit 99999999999\nours y\n",
		"snapcrash saved 1\ncore_patternx\ncore_pipe_limit 1\nours y\n",
	};
	char text[1024] = "snapcrash saved 1\ncore_pipe_limit 1\nours y\ncore_pattern ";
	struct snap_saved saved;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put(texts[i], strlen(texts[i]));
		if (snap_saved_read(dir_fd, &saved) != -EBADMSG)
			fail_msg("taken for a save: '%s'", texts[i]);
	}
	/* A pattern that is one byte too long, and one that is not. */
	size_t len = strlen(text);
	memset(text + len, 'x', 128);
	text[len + 128] = '\n';
	put(text, len + 129);
	assert_int_equal(snap_saved_read(dir_fd, &saved), -EBADMSG);
	text[len + 127] = '\n';
	put(text, len + 128);
	assert_int_equal(snap_saved_read(dir_fd, &saved), 0);
	put("snapcrash saved 1\ncore_pattern x\0y\ncore_pipe_limit 1\nours y\n", 60);
	assert_int_equal(snap_saved_read(dir_fd, &saved), -EBADMSG);
}

static void test_directory_of_a_socket(void **state)
{
	(void)state;
	char path[64];
	struct stat a, b;
	(void)snprintf(path, sizeof(path), "%s/server.sock", dir);
	int fd = snap_saved_open_dir(path);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &a), 0);
	assert_int_equal(fstat(dir_fd, &b), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	(void)close(fd);
	fd = snap_saved_open_dir("/server.sock");
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(snap_saved_open_dir("server.sock"), -EINVAL);
	assert_int_equal(snap_saved_open_dir("/nonexistent/server.sock"), -ENOENT);
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir_fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)snap_saved_remove(dir_fd);
	(void)close(dir_fd);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_back),
		cmocka_unit_test(test_removed),
		cmocka_unit_test(test_line_breaks_are_refused),
		cmocka_unit_test(test_files_of_others_are_refused),
		cmocka_unit_test(test_other_texts_are_refused),
		cmocka_unit_test(test_directory_of_a_socket),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
