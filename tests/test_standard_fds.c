/* Which of the standard descriptors there are is the choice of whoever starts a program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/standard_fds.h"

static char words[] = "/tmp/snapcrash-words.XXXXXX";

/* What the n-th check of a child is, as its exit status; 0: all is well. */
enum wrong {
	ALL_WELL,
	A_FILE_GOT_A_STANDARD_NUMBER,
	INPUT_CAN_BE_READ,
	OUTPUT_CAN_BE_WRITTEN,
	WORDS_BEFORE_THEIR_TIME,
	WORDS_CANNOT_BE_WRITTEN,
	ONE_WAS_REPLACED,
};

static enum wrong look(const bool *closed, const char *path)
{
	char byte;
	struct stat st;
	int fd = open("/etc/passwd", O_RDONLY);
	if (fd <= STDERR_FILENO)
		return A_FILE_GOT_A_STANDARD_NUMBER;
	if (closed[0] && (read(STDIN_FILENO, &byte, 1) >= 0 || errno != EBADF))
		return INPUT_CAN_BE_READ;
	if (closed[1] && (write(STDOUT_FILENO, "x", 1) >= 0 || errno != EBADF))
		return OUTPUT_CAN_BE_WRITTEN;
	/* Not before there is something to say. */
	if (path && stat(path, &st) == 0 && st.st_size != 0)
		return WORDS_BEFORE_THEIR_TIME;
	if (closed[2] && (fprintf(snap_standard_error(), "x") != 1 || fflush(stderr) != 0))
		return WORDS_CANNOT_BE_WRITTEN;
	/* Those that were there are pipes. */
	for (int i = 0; i <= STDERR_FILENO; i++) {
		if (!closed[i] && (fstat(i, &st) < 0 || !S_ISFIFO(st.st_mode)))
			return ONE_WAS_REPLACED;
	}
	return ALL_WELL;
}

static int in_child(const bool *closed, const char *path)
{
	int pipes[2], status;
	assert_int_equal(pipe(pipes), 0);
	pid_t pid = fork();
	if (pid == 0) {
		for (int i = 0; i <= STDERR_FILENO; i++)
			(void)(closed[i] ? close(i) : dup2(pipes[1], i));
		snap_standard_fds_bind(path);
		_exit((int)look(closed, path));
	}
	(void)close(pipes[0]);
	(void)close(pipes[1]);
	assert_true(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_standard_fds_each_may_be_closed(void **state)
{
	(void)state;
	for (unsigned int set = 0; set < 8; set++) {
		const bool closed[] = {set & 1, set & 2, set & 4};
		assert_int_equal(in_child(closed, NULL), ALL_WELL);
		assert_int_equal(in_child(closed, "/nowhere/at/all"), ALL_WELL);
	}
}

static void test_standard_fds_words_go_where_they_are_wanted(void **state)
{
	(void)state;
	const bool closed[] = {true, true, true};
	struct stat st;
	assert_int_equal(in_child(closed, words), ALL_WELL);
	assert_int_equal(stat(words, &st), 0);
	assert_int_equal(st.st_size, 1);
}

static int setup(void **state)
{
	(void)state;
	int fd = mkstemp(words);
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_standard_fds_each_may_be_closed),
		cmocka_unit_test(test_standard_fds_words_go_where_they_are_wanted),
	};
	return cmocka_run_group_tests_name("standard_fds", tests, setup, teardown);
}
