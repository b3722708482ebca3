/* capture/memory_ahead: what is read of another process is what stands there, and only what is
 * certain. */
#include "capture/memory_ahead.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/memory.h"

#define PAGE  4096u
#define PAGES 40u

static uint8_t *area; /* at the same place here and there */
static pid_t child;
static struct snap_identity identity;
static struct snap_memory_ahead ahead;
static uint8_t buf[SNAP_MEMORY_MAX];
static struct snap_memory_ahead_reader reader = {&ahead, -1, buf};

/* Of the child; ours has another one. */
static uint8_t byte_at(const uint8_t *p)
{
	size_t off = (size_t)(p - area);
	return (uint8_t)(off * 7 + off / PAGE);
}

static int start(void **state)
{
	char path[32];
	(void)state;
	area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		return -1;
	int ready[2];
	if (pipe(ready) < 0 || (child = fork()) < 0)
		return -1;
	if (child == 0) {
		for (size_t i = 0; i < PAGES * PAGE; i++)
			area[i] = byte_at(area + i);
		/* The page before the last: nothing. */
		if (munmap(area + (PAGES - 2) * PAGE, PAGE) < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	char byte;
	if (read(ready[0], &byte, 1) != 1)
		return -1;
	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)child);
	reader.mem_fd = open(path, O_RDONLY | O_CLOEXEC);
	identity.task_fd = reader.mem_fd; /* any: it is there */
	identity.pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	return reader.mem_fd < 0 || identity.pidfd < 0 ? -1 : 0;
}

static int stop(void **state)
{
	(void)state;
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
	return 0;
}

static struct snap_memory_plan plan_of(size_t off, size_t len, size_t off2, size_t len2)
{
	return (struct snap_memory_plan){
		.parts = {{(uintptr_t)area + off, len}, {(uintptr_t)area + off2, len2}}};
}

/* The bytes there, as far as they are got in one go; from where is told by was_ahead. */
static size_t expect(size_t off, size_t len, bool was_ahead)
{
	const uint8_t *data;
	ssize_t n = snap_memory_ahead_get(&reader, (uintptr_t)area + off, len, &data);
	if (n <= 0)
		return 0;
	assert_int_equal(data != buf, was_ahead);
	for (ssize_t i = 0; i < n; i++)
		assert_int_equal(data[i], byte_at(area + off + i));
	return (size_t)n;
}

static void read_all(void)
{
	snap_memory_ahead_read(&ahead, child, &identity);
}

static void test_parts(void **state)
{
	(void)state;
	snap_memory_ahead_begin(&ahead);
	const struct snap_memory_plan plans[] = {
		plan_of(100, 5000, 9000, 96), plan_of(0, 64, 0, 0), plan_of(3 * PAGE, PAGE, 60, 1)};
	for (size_t i = 0; i < 3; i++)
		assert_true(snap_memory_ahead_add(&ahead, &plans[i]));
	read_all();
	assert_int_equal(expect(100, 5000, true), 5000);
	assert_int_equal(expect(9000, 96, true), 96);
	assert_int_equal(expect(0, 64, true), 64);
	/* Not in their order, not all, and what nobody planned. */
	assert_int_equal(expect(60, 1, true), 1);
	assert_int_equal(expect(3 * PAGE, 16, true), 16);
	assert_int_equal(expect(100, 5000, true), 5000);
	assert_int_equal(expect(101, 5000, false), 5000);
	assert_int_equal(expect(100, 5001, true), 5000);
	/* Forgotten. */
	snap_memory_ahead_begin(&ahead);
	assert_int_equal(expect(100, 5000, false), 5000);
}

static void test_hole(void **state)
{
	(void)state;
	size_t hole = (PAGES - 2) * PAGE;
	snap_memory_ahead_begin(&ahead);
	const struct snap_memory_plan plans[] = {plan_of(PAGE, 10, 2 * PAGE, 20),
		plan_of(hole - 2 * PAGE, 3 * PAGE, hole + PAGE, 30), plan_of(0, 40, 0, 0)};
	for (size_t i = 0; i < 3; i++)
		assert_true(snap_memory_ahead_add(&ahead, &plans[i]));
	read_all();
	assert_int_equal(expect(PAGE, 10, true), 10);
	assert_int_equal(expect(2 * PAGE, 20, true), 20);
	/* Up to it; what comes behind is read by itself. */
	size_t n = expect(hole - 2 * PAGE, 3 * PAGE, true);
	assert_true(n > 0 && n <= 2 * PAGE);
	assert_int_equal(expect(hole - 2 * PAGE + n, 2 * PAGE - n, false), 2 * PAGE - n);
	assert_int_equal(expect(hole, PAGE, false), 0);
	assert_int_equal(expect(hole + PAGE, 30, false), 30);
	assert_int_equal(expect(0, 40, false), 40);
	/* The first one of all. */
	snap_memory_ahead_begin(&ahead);
	const struct snap_memory_plan nothing = plan_of(hole, PAGE, 0, 8);
	assert_true(snap_memory_ahead_add(&ahead, &nothing));
	read_all();
	assert_false(ahead.refused);
	assert_int_equal(expect(0, 8, false), 8);
}

static void test_room(void **state)
{
	(void)state;
	snap_memory_ahead_begin(&ahead);
	const struct snap_memory_plan most = plan_of(0, 15 * PAGE, 16 * PAGE, PAGE - 1),
				      more = plan_of(0, 1, 1, 1), last = plan_of(7, 1, 0, 0),
				      top = {.parts = {{UINT64_MAX - 8, 10}}};
	assert_false(snap_memory_ahead_add(&ahead, &top));
	assert_true(snap_memory_ahead_add(&ahead, &most));
	assert_false(snap_memory_ahead_add(&ahead, &more));
	assert_true(snap_memory_ahead_add(&ahead, &last));
	assert_false(snap_memory_ahead_add(&ahead, &last));
	read_all();
	assert_int_equal(expect(16 * PAGE, PAGE - 1, true), PAGE - 1);
	assert_int_equal(expect(7, 1, true), 1);
	/* As many parts as there may be. */
	snap_memory_ahead_begin(&ahead);
	size_t num = 0;
	while (num < 100 && snap_memory_ahead_add(&ahead, &more))
		num++;
	assert_int_equal(num, SNAP_MEMORY_AHEAD_PARTS / 2);
}

/* Another process that got the number must not be taken for it. */
static void test_gone(void **state)
{
	(void)state;
	const struct snap_memory_plan plan = plan_of(0, 8, 0, 0);
	struct snap_identity other = identity;
	pid_t gone = fork();
	if (gone == 0)
		_exit(0);
	other.pidfd = (int)syscall(SYS_pidfd_open, gone, 0);
	assert_true(other.pidfd >= 0);
	assert_int_equal(waitpid(gone, NULL, 0), gone);
	snap_memory_ahead_begin(&ahead);
	assert_true(snap_memory_ahead_add(&ahead, &plan));
	snap_memory_ahead_read(&ahead, child, &other);
	assert_int_equal(expect(0, 8, false), 8);
	(void)close(other.pidfd);
	/* No such process: it is not asked again. */
	snap_memory_ahead_begin(&ahead);
	assert_true(snap_memory_ahead_add(&ahead, &plan));
	snap_memory_ahead_read(&ahead, gone, &identity);
	assert_true(ahead.refused);
	assert_int_equal(expect(0, 8, false), 8);
	snap_memory_ahead_begin(&ahead);
	assert_false(snap_memory_ahead_add(&ahead, &plan));
	ahead.refused = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_hole),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_gone),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
