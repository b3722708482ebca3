/* capture/proc_files and proc_thread: open files by the text of their links, and what a thread is
 * said to wait for. */
#include "capture/proc_files.h"

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
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/proc_info.h"
#include "capture/proc_thread.h"
#include "tests/lib/temp_tree.h"

/* ---------------------------------------------------------------- open files */

static void test_kinds_by_name(void **state)
{
	(void)state;
	static const struct {
		const char *link;
		enum snap_open_file_kind kind;
	} cases[] = {
		{"/dev/null", SNAP_OPEN_PATH},
		{"/", SNAP_OPEN_PATH},
		{"/pipe:[1]", SNAP_OPEN_PATH},
		{"(unreachable)/x", SNAP_OPEN_PATH},
		{"/memfd:x", SNAP_OPEN_MEMFD},
		{"pipe:[1]", SNAP_OPEN_PIPE},
		{"socket:[1]", SNAP_OPEN_SOCKET},
		{"anon_inode:[eventfd]", SNAP_OPEN_ANONYMOUS},
		{"anon_inode:inotify", SNAP_OPEN_ANONYMOUS},
		{"net:[4026531833]", SNAP_OPEN_OTHER},
		{"x", SNAP_OPEN_OTHER},
		{"", SNAP_OPEN_UNKNOWN},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(snap_open_file_kind(snap_bytes_str(cases[i].link)), cases[i].kind);
	assert_int_equal(snap_open_file_kind(snap_bytes(NULL, 0)), SNAP_OPEN_UNKNOWN);
}

struct found {
	uint64_t last;
	size_t num;
	uint32_t wanted;
	bool has;
	struct snap_open_file file;
	char path[SNAP_MAX_LINK + 1];
};

static void take(void *arg, const struct snap_open_file *file)
{
	struct found *found = arg;
	assert_true(file->has_fd);
	assert_true(found->num == 0 || file->fd > found->last);
	found->last = file->fd;
	found->num++;
	if (file->fd != found->wanted)
		return;
	found->has = true;
	found->file = *file;
	memcpy(found->path, file->path.data, file->path.len);
	found->file.path.data = (const void *)found->path;
}

static const struct snap_proc_files_wish all = {.max_files = 256, .max_ns = 10000000000};

static void find(int fd, const struct snap_proc_files_wish *wish, struct found *ret)
{
	struct snap_proc_files files;
	*ret = (struct found){.wanted = (uint32_t)fd};
	int self = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snap_proc_files_read(self, wish, take, ret, &files);
	assert_int_equal(close(self), 0);
	assert_int_equal(files.error, 0);
	assert_int_equal(files.num_listed, ret->num);
	assert_true(files.has_num_open || files.cut);
	assert_false(files.late);
}

static void assert_file(int fd, enum snap_open_file_kind kind, const char *path, bool deleted)
{
	struct found found;
	find(fd, &all, &found);
	assert_true(found.has);
	assert_int_equal(found.file.kind, kind);
	assert_int_equal(found.file.deleted, deleted);
	if (path && !snap_bytes_equal_str(found.file.path, path))
		fail_msg("'%.*s'", (int)found.file.path.len, (const char *)found.file.path.data);
	assert_true(found.file.has_flags && found.file.has_position);
	assert_int_equal(close(fd), 0);
}

static void test_open_files_of_this_process(void **state)
{
	(void)state;
	/* A name with all that a name can have. */
	const char *path = in_top("a\n\t \xff\x1b[31m (deleted)");
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND, 0600), ends[2];
	assert_int_equal(write(fd, "abc", 3), 3);
	struct found found;
	find(fd, &all, &found);
	assert_int_equal(found.file.position, 3);
	assert_int_equal(found.file.flags & (O_ACCMODE | O_APPEND), O_RDWR | O_APPEND);
	/* The mark can't be told from a name that has it. */
	assert_file(fd, SNAP_OPEN_PATH, in_top("a\n\t \xff\x1b[31m"), true);
	fd = open(in_top("b"), O_RDWR | O_CREAT, 0600);
	assert_int_equal(unlink(in_top("b")), 0);
	assert_file(fd, SNAP_OPEN_PATH, in_top("b"), true);
	assert_file(open(top, O_RDONLY), SNAP_OPEN_PATH, top, false);
	assert_int_equal(mkfifo(in_top("fifo"), 0600), 0);
	assert_file(open(in_top("fifo"), O_RDWR), SNAP_OPEN_PATH, in_top("fifo"), false);
	assert_int_equal(pipe(ends), 0);
	assert_file(ends[0], SNAP_OPEN_PIPE, NULL, false);
	close(ends[1]);
	assert_file(socket(AF_UNIX, SOCK_STREAM, 0), SNAP_OPEN_SOCKET, NULL, false);
	assert_file(eventfd(0, 0), SNAP_OPEN_ANONYMOUS, "anon_inode:[eventfd]", false);
	assert_file(memfd_create("m", 0), SNAP_OPEN_MEMFD, "/memfd:m", true);
}

static void test_open_files_flags_of_some(void **state)
{
	(void)state;
	struct snap_proc_files_wish wish = all;
	wish.only_named_flags = true;
	int null = open("/dev/null", O_RDONLY), dir = open(top, O_RDONLY), ends[2];
	assert_int_equal(pipe(ends), 0);
	struct found found;
	find(null, &wish, &found);
	assert_false(found.file.has_flags);
	find(ends[0], &wish, &found);
	assert_false(found.file.has_flags);
	find(dir, &wish, &found);
	assert_true(found.file.has_flags);
	close(null);
	close(dir);
	close(ends[0]);
	close(ends[1]);
}

static void test_open_files_more_than_wanted(void **state)
{
	(void)state;
	struct snap_proc_files_wish wish = all;
	struct snap_proc_files files;
	int fds[300];
	for (size_t i = 0; i < 300; i++)
		assert_true((fds[i] = dup(0)) >= 0);
	int self = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct found found = {0};
	snap_proc_files_read(self, &wish, take, &found, &files);
	assert_int_equal(files.num_listed, 256);
	assert_true(files.cut);
	assert_true(!files.has_num_open || files.num_open > 300);

	/* No time; somebody calls for the end. */
	wish.max_ns = 0;
	found.num = 0;
	snap_proc_files_read(self, &wish, take, &found, &files);
	assert_true(files.late && files.num_listed < 3);
	static volatile sig_atomic_t timed_out = 1;
	wish = all;
	wish.timed_out = &timed_out;
	found.num = 0;
	snap_proc_files_read(self, &wish, take, &found, &files);
	assert_true(files.late && files.num_listed == 0);
	for (size_t i = 0; i < 300; i++)
		close(fds[i]);
	close(self);
}

static void test_open_files_that_can_not_be_listed(void **state)
{
	(void)state;
	struct snap_proc_files files;
	int dir = open(top, O_RDONLY | O_DIRECTORY);
	snap_proc_files_read(dir, &all, take, NULL, &files);
	assert_int_equal(files.error, -ENOENT);
	close(dir);
}

/* ---------------------------------------------------------------- threads */

static struct snap_thread_facts parsed(const char *text)
{
	struct snap_thread_facts facts = {0};
	snap_proc_syscall_parse(text, &facts);
	return facts;
}

static void test_syscall_forms(void **state)
{
	(void)state;
	struct snap_thread_facts f = parsed("running\n");
	assert_true(f.has_running && f.running && !f.has_syscall_number && !f.has_stack_pointer);
	f = parsed("-1 0x7ffd 0x7f00\n");
	assert_true(f.has_running && !f.running && f.has_syscall_number);
	assert_int_equal(f.syscall_number, -1);
	assert_int_equal(f.num_syscall_arguments, 0);
	assert_int_equal(f.stack_pointer, 0x7ffd);
	assert_int_equal(f.program_counter, 0x7f00);
	f = parsed("202 0x1 0xffffffffffffffff 0x3 0x4 0x5 0x6 0x7 0x8\n");
	assert_int_equal(f.syscall_number, 202);
	assert_int_equal(f.num_syscall_arguments, 6);
	assert_true(f.syscall_arguments[1] == UINT64_MAX);
	assert_int_equal(f.syscall_arguments[5], 6);
	assert_int_equal(f.stack_pointer, 7);
	assert_int_equal(f.program_counter, 8);
}

static void test_syscall_forms_of_nobody(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "\n", "runnin", "running", "x", "-1", "-1 0x1",
		"-1 0x 0x1", "-1 1 2", "202 0x1 0x2 0x3 0x4 0x5 0x6 0x7", "202 0x1 0x2",
		"202  0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8", "-1 0xg 0x1"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct snap_thread_facts f = parsed(bad[i]);
		assert_false(f.has_running || f.has_syscall_number || f.has_stack_pointer);
	}
}

static void test_this_thread(void **state)
{
	(void)state;
	static struct snap_proc_thread thread;
	int tasks = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snap_proc_thread_read(tasks, (uint64_t)gettid(), true, &thread);
	assert_true(thread.facts.has_tid && thread.facts.tid == (uint64_t)gettid());
	assert_true(thread.facts.has_letter && thread.facts.letter == 'R');
	assert_true(thread.facts.has_cpu && thread.facts.has_user_ms);
	assert_null(thread.facts.wchan.data);
	/* It is asked for by the very system call that it tells of. */
	if (thread.syscall_error == 0) {
		assert_true(thread.facts.has_running && !thread.facts.running);
		assert_int_equal(thread.facts.syscall_number, SYS_read);
	}
	/* One that there is not. */
	snap_proc_thread_read(tasks, 4194305, true, &thread);
	assert_false(thread.facts.has_letter || thread.facts.has_running);
	assert_int_equal(thread.stack_error, -ENOENT);
	close(tasks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds_by_name),
		cmocka_unit_test(test_open_files_of_this_process),
		cmocka_unit_test(test_open_files_flags_of_some),
		cmocka_unit_test(test_open_files_more_than_wanted),
		cmocka_unit_test(test_open_files_that_can_not_be_listed),
		cmocka_unit_test(test_syscall_forms),
		cmocka_unit_test(test_syscall_forms_of_nobody),
		cmocka_unit_test(test_this_thread),
	};
	return cmocka_run_group_tests(tests, make_top, remove_top);
}
