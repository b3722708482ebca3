/* analyze/file_open: of all that a path can be, only a regular file is opened, and nothing blocks.
 */
#include "analyze/file_open.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char dir[] = "/tmp/snap-test-open-XXXXXX";
static char path[128];
static struct snap_error err;
static struct stat st;

static const char *in_dir(const char *name)
{
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	int fd = open(in_dir("regular"), O_WRONLY | O_CREAT, 0600);
	if (fd < 0 || write(fd, "content", 7) != 7 || close(fd) < 0)
		return -1;
	if (mkfifo(in_dir("fifo"), 0600) < 0 || mkdir(in_dir("directory"), 0700) < 0 ||
		symlink("regular", in_dir("link")) < 0 || symlink("fifo", in_dir("fifolink")) < 0 ||
		symlink("gone", in_dir("dangling")) < 0 || symlink("loop", in_dir("loop")) < 0 ||
		symlink("directory", in_dir("dirlink")) < 0)
		return -1;
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/socket", dir);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -1;
	return close(fd);
}

static int teardown(void **state)
{
	(void)state;
	static const char *const names[] = {
		"regular", "fifo", "link", "fifolink", "dangling", "loop", "dirlink", "socket"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlink(in_dir(names[i]));
	(void)rmdir(in_dir("directory"));
	return rmdir(dir);
}

static int open_path(const char *name)
{
	err = (struct snap_error)SNAP_ERROR_INIT;
	memset(&st, 0x5a, sizeof(st));
	/* Whatever blocks ends the test. */
	alarm(20);
	int fd = snap_file_open(name, &st, &err);
	alarm(0);
	return fd;
}

static void assert_refused(
	const char *name, enum snap_error_code code, int errnum, const char *text)
{
	assert_int_equal(open_path(name), -1);
	assert_int_equal(err.code, code);
	assert_int_equal(err.errnum, errnum);
	assert_string_equal(err.text, text);
}

static void assert_opened(int fd)
{
	struct stat own;
	char content[8] = "";
	assert_true(fd >= 0);
	assert_int_equal(read(fd, content, sizeof(content)), 7);
	assert_string_equal(content, "content");
	assert_int_equal(write(fd, "x", 1), -1);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fstat(fd, &own), 0);
	assert_true(own.st_ino == st.st_ino && own.st_dev == st.st_dev && st.st_size == 7);
	close(fd);
}

static void test_file_open_regular(void **state)
{
	(void)state;
	assert_opened(open_path(in_dir("regular")));
	int fd = snap_file_open(in_dir("regular"), NULL, NULL);
	assert_true(fd >= 0);
	close(fd);
}

static void test_file_open_symbolic_link(void **state)
{
	(void)state;
	assert_opened(open_path(in_dir("link")));
}

static void test_file_open_missing(void **state)
{
	(void)state;
	const char *text = "No such file or directory";
	assert_refused(in_dir("none"), SNAP_ERROR_SYSTEM, ENOENT, text);
	assert_refused(in_dir("dangling"), SNAP_ERROR_SYSTEM, ENOENT, text);
	assert_refused("", SNAP_ERROR_SYSTEM, ENOENT, text);
	assert_refused(in_dir("regular/below"), SNAP_ERROR_SYSTEM, ENOTDIR, "Not a directory");
	assert_refused(
		in_dir("loop"), SNAP_ERROR_SYSTEM, ELOOP, "Too many levels of symbolic links");
}

static void test_file_open_directory(void **state)
{
	(void)state;
	const char *text = "is a directory, not a regular file";
	assert_refused(in_dir("directory"), SNAP_ERROR_UNSUPPORTED, 0, text);
	assert_refused(in_dir("dirlink"), SNAP_ERROR_UNSUPPORTED, 0, text);
	assert_refused("/", SNAP_ERROR_UNSUPPORTED, 0, text);
}

static void test_file_open_fifo_does_not_block(void **state)
{
	(void)state;
	const char *text = "is a FIFO, not a regular file";
	assert_refused(in_dir("fifo"), SNAP_ERROR_UNSUPPORTED, 0, text);
	assert_refused(in_dir("fifolink"), SNAP_ERROR_UNSUPPORTED, 0, text);
	/* Nor was it opened and closed again: a writer would have seen a reader come. */
	int fd = open(in_dir("fifo"), O_WRONLY | O_NONBLOCK);
	assert_int_equal(fd, -1);
	assert_int_equal(errno, ENXIO);
}

static void test_file_open_socket(void **state)
{
	(void)state;
	assert_refused(
		in_dir("socket"), SNAP_ERROR_UNSUPPORTED, 0, "is a socket, not a regular file");
}

static void test_file_open_device(void **state)
{
	(void)state;
	assert_refused("/dev/null", SNAP_ERROR_UNSUPPORTED, 0, "is a device, not a regular file");
	assert_refused("/dev/tty", SNAP_ERROR_UNSUPPORTED, 0, "is a device, not a regular file");
}

static void test_file_open_pseudo_file_systems(void **state)
{
	(void)state;
	const char *text = "is in a pseudo file system";
	assert_refused("/proc/self/mem", SNAP_ERROR_UNSUPPORTED, 0, text);
	assert_refused("/proc/self/maps", SNAP_ERROR_UNSUPPORTED, 0, text);
	assert_refused("/proc/kmsg", SNAP_ERROR_UNSUPPORTED, 0, text);
	if (access("/sys/kernel", F_OK) == 0)
		assert_refused("/sys/kernel/uevent_seqnum", SNAP_ERROR_UNSUPPORTED, 0, text);
}

static void test_file_open_link_in_proc_to_a_regular_file(void **state)
{
	(void)state;
	/* It is the file that counts, not the way to it. */
	int fd = open_path("/proc/self/exe");
	assert_true(fd >= 0);
	close(fd);
}

static void test_file_open_unreadable(void **state)
{
	(void)state;
	assert_int_equal(chmod(in_dir("regular"), 0), 0);
	/* Root reads everything: be somebody else for a moment. */
	uid_t uid = geteuid();
	assert_int_equal(chmod(dir, 0755), 0);
	if (uid == 0)
		assert_int_equal(seteuid(65534), 0);
	int fd = open_path(in_dir("regular"));
	struct snap_error why = err;
	if (uid == 0)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(in_dir("regular"), 0600), 0);
	assert_int_equal(fd, -1);
	assert_int_equal(why.code, SNAP_ERROR_SYSTEM);
	assert_int_equal(why.errnum, EACCES);
	assert_string_equal(why.text, "Permission denied");
}

static void test_file_open_leaves_no_descriptor(void **state)
{
	(void)state;
	static const char *const names[] = {
		"none", "directory", "fifo", "socket", "dangling", "fifolink"};
	int before = dup(0);
	close(before);
	for (int i = 0; i < 100; i++)
		for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++)
			assert_int_equal(open_path(in_dir(names[j])), -1);
	assert_int_equal(open_path("/proc/self/maps"), -1);
	int after = dup(0);
	close(after);
	assert_int_equal(after, before);
}

static void test_file_open_in_a_directory_follows_no_links(void **state)
{
	(void)state;
	int dir_fd = open(dir, O_RDONLY | O_DIRECTORY);
	assert_true(dir_fd >= 0);
	assert_opened(snap_file_open_in(dir_fd, "regular", &st, &err));
	static const char *const refused[][2] = {
		{"link", "is a symbolic link, not a regular file"},
		{"dangling", "is a symbolic link, not a regular file"},
		{"fifo", "is a FIFO, not a regular file"},
		{"directory", "is a directory, not a regular file"},
		{"none", "No such file or directory"},
	};
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		alarm(20);
		assert_int_equal(snap_file_open_in(dir_fd, refused[i][0], &st, &err), -1);
		alarm(0);
		assert_string_equal(err.text, refused[i][1]);
	}
	close(dir_fd);
}

static void test_directory_open(void **state)
{
	(void)state;
	int fd = snap_directory_open(AT_FDCWD, in_dir("directory"), false, &err);
	assert_true(fd >= 0);
	close(fd);
	fd = snap_directory_open(AT_FDCWD, in_dir("dirlink"), true, &err);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(snap_directory_open(AT_FDCWD, in_dir("dirlink"), false, &err), -1);
	assert_int_equal(err.code, SNAP_ERROR_SYSTEM);
	alarm(20);
	assert_int_equal(snap_directory_open(AT_FDCWD, in_dir("fifo"), true, &err), -1);
	alarm(0);
	assert_int_equal(err.errnum, ENOTDIR);
	assert_int_equal(snap_directory_open(AT_FDCWD, in_dir("none"), true, &err), -1);
	assert_int_equal(err.errnum, ENOENT);
}

static void test_file_temporary(void **state)
{
	(void)state;
	char content[4] = "";
	assert_int_equal(setenv("TMPDIR", dir, 1), 0);
	int fd = snap_file_temporary(&err);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "abc", 3, 0), 3);
	assert_int_equal(pread(fd, content, 3, 0), 3);
	assert_string_equal(content, "abc");
	struct stat dir_st;
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(stat(dir, &dir_st), 0);
	assert_int_equal(st.st_nlink, 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(st.st_dev == dir_st.st_dev);
	close(fd);
	assert_int_equal(setenv("TMPDIR", in_dir("none"), 1), 0);
	assert_int_equal(snap_file_temporary(&err), -1);
	assert_int_equal(err.code, SNAP_ERROR_SYSTEM);
	assert_int_equal(err.errnum, ENOENT);
	assert_int_equal(setenv("TMPDIR", "", 1), 0);
	fd = snap_file_temporary(&err);
	assert_true(fd >= 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file_open_regular),
		cmocka_unit_test(test_file_open_symbolic_link),
		cmocka_unit_test(test_file_open_missing),
		cmocka_unit_test(test_file_open_directory),
		cmocka_unit_test(test_file_open_fifo_does_not_block),
		cmocka_unit_test(test_file_open_socket),
		cmocka_unit_test(test_file_open_device),
		cmocka_unit_test(test_file_open_pseudo_file_systems),
		cmocka_unit_test(test_file_open_link_in_proc_to_a_regular_file),
		cmocka_unit_test(test_file_open_unreadable),
		cmocka_unit_test(test_file_open_leaves_no_descriptor),
		cmocka_unit_test(test_file_open_in_a_directory_follows_no_links),
		cmocka_unit_test(test_directory_open),
		cmocka_unit_test(test_file_temporary),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
