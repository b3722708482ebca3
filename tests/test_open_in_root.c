/* analyze/file_open: paths in a tree that is somebody's root: whatever they and the links in it
 * say, nothing outside is opened. Once by openat2(), once with a kernel that has none. */
#include "analyze/file_open.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static char dir[] = "/tmp/snap-test-root-XXXXXX";
static int root_fd = -1;

/* Of the tree: directories, then files with their own name as content, then links. */
static const char *const directories[] = {
	"outside", "root", "root/lib", "root/usr", "root/usr/lib", "root/a", "root/a/b"};
static const char *const files[] = {"outside/secret", "secret", "root/lib/libc.so",
	"root/usr/lib/libm.so", "root/a/b/file", "root/secret"};
static const char *const links[][2] = {
	{"/usr/lib/libm.so", "root/absolute"},
	{"usr/lib/libm.so", "root/relative"},
	{"../../lib/libc.so", "root/a/b/up"},
	{"../../../../secret", "root/a/b/out"},
	{"../secret", "root/out"},
	{"/../../secret", "root/absolute_out"},
	{"/usr/lib", "root/lib64"},
	{"lib64", "root/lib65"},
	{"loop", "root/loop"},
	{"/loop2/x", "root/loop2"},
	{"gone", "root/dangling"},
	{"/proc/self/root/etc/passwd", "root/kernel"},
	{"/", "root/top"},
	{".", "root/here"},
};

/* What is opened, and what its content is; NULL: refused with this errno. */
static const struct {
	const char *path, *content;
	int errnum;
} cases[] = {
	{"/lib/libc.so", "root/lib/libc.so", 0},
	{"lib/libc.so", "root/lib/libc.so", 0},
	{"//lib//./libc.so", "root/lib/libc.so", 0},
	{"/a/../lib/libc.so", "root/lib/libc.so", 0},
	{"/a/b/../../lib/libc.so", "root/lib/libc.so", 0},
	{"/absolute", "root/usr/lib/libm.so", 0},
	{"/relative", "root/usr/lib/libm.so", 0},
	{"/a/b/up", "root/lib/libc.so", 0},
	{"/lib64/libm.so", "root/usr/lib/libm.so", 0},
	{"/lib65/libm.so", "root/usr/lib/libm.so", 0},
	{"/lib65/../lib/libm.so", "root/usr/lib/libm.so", 0},
	{"/top/top/a/b/file", "root/a/b/file", 0},
	{"/here/here/a/b/file", "root/a/b/file", 0},
	/* The root's own: there is nothing above it. */
	{"/secret", "root/secret", 0},
	{"/../secret", "root/secret", 0},
	{"../../../../secret", "root/secret", 0},
	{"/out", "root/secret", 0},
	{"/absolute_out", "root/secret", 0},
	{"/a/b/out", "root/secret", 0},
	{"/a/b/../../../outside/secret", NULL, ENOENT},
	{"/etc/passwd", NULL, ENOENT},
	{"/kernel", NULL, ENOENT},
	{"/dangling", NULL, ENOENT},
	{"/none/../lib/libc.so", NULL, ENOENT},
	{"/lib/libc.so/x", NULL, ENOTDIR},
	{"/loop", NULL, ELOOP},
	{"/loop2", NULL, ELOOP},
	{"/loop2/y", NULL, ELOOP},
	/* Refused by us: no regular file. */
	{"/lib", NULL, 0},
	{"/top", NULL, 0},
	{"/", NULL, 0},
	{"/a/..", NULL, 0},
};

static const char *in_dir(const char *name)
{
	static char path[256];
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(directories); i++)
		if (mkdir(in_dir(directories[i]), 0700) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		int fd = open(in_dir(files[i]), O_WRONLY | O_CREAT, 0600);
		size_t len = strlen(files[i]);
		if (fd < 0 || write(fd, files[i], len) != (ssize_t)len || close(fd) < 0)
			return -1;
	}
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		if (symlink(links[i][0], in_dir(links[i][1])) < 0)
			return -1;
	root_fd = open(in_dir("root"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return root_fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	close(root_fd);
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		(void)unlink(in_dir(links[i][1]));
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		(void)unlink(in_dir(files[i]));
	for (size_t i = ARRAY_LEN(directories); i-- > 0;)
		(void)rmdir(in_dir(directories[i]));
	return rmdir(dir);
}

/* The number of cases that went wrong; each is told. */
static int count_wrong(void)
{
	int wrong = 0;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct snap_error err = SNAP_ERROR_INIT;
		char content[64] = "";
		int fd = snap_file_open_in_root(root_fd, cases[i].path, NULL, &err);
		bool right = cases[i].content ? fd >= 0 : fd < 0 && err.errnum == cases[i].errnum;
		if (fd >= 0) {
			if (read(fd, content, sizeof(content) - 1) < 0 || !cases[i].content ||
				strcmp(content, cases[i].content) != 0)
				right = false;
			close(fd);
		}
		if (right)
			continue;
		print_error("%s: '%s' errno %d\n", cases[i].path, content, err.errnum);
		wrong++;
	}
	return wrong;
}

static void test_open_in_root(void **state)
{
	(void)state;
	const struct open_how how = {.flags = O_PATH};
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how));
	if (fd < 0)
		skip();
	close(fd);
	assert_int_equal(count_wrong(), 0);
}

/* From here on openat2() is not there, as before Linux 5.6. */
static bool take_openat2_away(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {ARRAY_LEN(filter), filter};
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static int count_descriptors(void)
{
	int fd = dup(0);
	close(fd);
	return fd;
}

static void test_open_in_root_by_hand(void **state)
{
	(void)state;
	enum { NO_SECCOMP = 100, LEAK };
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (!take_openat2_away())
			_exit(NO_SECCOMP);
		int before = count_descriptors(), wrong = count_wrong();
		_exit(wrong == 0 && count_descriptors() != before ? LEAK : wrong);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_SECCOMP)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Longer and deeper than any real one. */
static void test_open_in_root_absurd_paths(void **state)
{
	(void)state;
	struct snap_error err = SNAP_ERROR_INIT;
	char *path = malloc(20001);
	assert_non_null(path);
	for (size_t i = 0; i < 20000; i += 2)
		memcpy(path + i, i % 4 ? "a/" : "./", 2);
	path[20000] = '\0';
	assert_int_equal(snap_file_open_in_root(root_fd, path, NULL, &err), -1);
	memset(path, 'x', 300);
	path[300] = '\0';
	assert_int_equal(snap_file_open_in_root(root_fd, path, NULL, &err), -1);
	assert_int_equal(err.errnum, ENAMETOOLONG);
	path[0] = '\0';
	assert_int_equal(snap_file_open_in_root(root_fd, path, NULL, &err), -1);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_in_root),
		cmocka_unit_test(test_open_in_root_by_hand),
		cmocka_unit_test(test_open_in_root_absurd_paths),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
