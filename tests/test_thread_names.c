/* capture/thread_names: the kernel's answers are those of /proc/PID/task/TID/comm. */
#include "capture/thread_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* More than one question holds. */
#define NUM_THREADS 40
/* PID_MAX_LIMIT of the kernel's include/linux/threads.h, which no thread has. */
#define NO_TID 4194304

static struct thread {
	pthread_t pthread;
	char name[SNAP_THREAD_NAME_SIZE];
	uint64_t tid;
} threads[NUM_THREADS];
static pthread_barrier_t ready, done;
static struct snap_thread_names names;

static void *run(void *arg)
{
	struct thread *thread = arg;
	thread->tid = (uint64_t)syscall(SYS_gettid);
	(void)prctl(PR_SET_NAME, thread->name);
	(void)pthread_barrier_wait(&ready);
	(void)pthread_barrier_wait(&done);
	return NULL;
}

static int start(void **state)
{
	(void)state;
	(void)pthread_barrier_init(&ready, NULL, NUM_THREADS + 1);
	(void)pthread_barrier_init(&done, NULL, NUM_THREADS + 1);
	for (size_t i = 0; i < NUM_THREADS; i++)
		(void)snprintf(threads[i].name, sizeof(threads[i].name), "thread %zu", i);
	/* The longest, none, and what no text has. */
	strcpy(threads[3].name, "fifteen letters");
	strcpy(threads[4].name, "");
	strcpy(threads[5].name, "a\n\xff\x1b[1m");
	for (size_t i = 0; i < NUM_THREADS; i++)
		if (pthread_create(&threads[i].pthread, NULL, run, &threads[i]) != 0)
			return -1;
	(void)pthread_barrier_wait(&ready);
	snap_thread_names_open(&names);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	snap_thread_names_close(&names);
	(void)pthread_barrier_wait(&done);
	for (size_t i = 0; i < NUM_THREADS; i++)
		(void)pthread_join(threads[i].pthread, NULL);
	return 0;
}

/* Not everywhere may one ask. */
static void need_kernel(void)
{
	if (names.fd >= 0)
		return;
	print_message("skipped: this kernel has no task statistics, or they are not for us\n");
	skip();
}

static void check_name(size_t index, const struct thread *thread)
{
	struct snap_bytes name;
	assert_true(snap_thread_names_get(&names, index, &name));
	assert_int_equal(name.len, strlen(thread->name));
	assert_memory_equal(name.data, thread->name, name.len);
}

static void test_names(void **state)
{
	(void)state;
	need_kernel();
	uint64_t tids[SNAP_THREAD_NAMES_MAX];
	for (size_t first = 0; first < NUM_THREADS; first += SNAP_THREAD_NAMES_MAX) {
		size_t num = NUM_THREADS - first;
		if (num > SNAP_THREAD_NAMES_MAX)
			num = SNAP_THREAD_NAMES_MAX;
		for (size_t i = 0; i < num; i++)
			tids[i] = threads[first + i].tid;
		snap_thread_names_ask(&names, tids, num);
		for (size_t i = 0; i < num; i++)
			check_name(i, &threads[first + i]);
		struct snap_bytes name;
		assert_false(snap_thread_names_get(&names, num, &name));
	}
}

/* One that is gone does not take the others' names from them. */
static void test_gone(void **state)
{
	(void)state;
	need_kernel();
	const uint64_t tids[] = {threads[7].tid, NO_TID, threads[8].tid};
	struct snap_bytes name;
	snap_thread_names_ask(&names, tids, 3);
	check_name(0, &threads[7]);
	assert_false(snap_thread_names_get(&names, 1, &name));
	check_name(2, &threads[8]);
	/* And again, that nothing was left over. */
	snap_thread_names_ask(&names, tids + 2, 1);
	check_name(0, &threads[8]);
	assert_false(snap_thread_names_get(&names, 1, &name));
}

/* That no number of a question is a thread's is no reason to ask no more. */
static void test_all_gone(void **state)
{
	(void)state;
	need_kernel();
	const uint64_t tids[] = {NO_TID, NO_TID - 1};
	snap_thread_names_ask(&names, tids, 2);
	struct snap_bytes name;
	assert_false(snap_thread_names_get(&names, 0, &name));
	snap_thread_names_ask(&names, &threads[9].tid, 1);
	check_name(0, &threads[9]);
}

static void test_guessed(void **state)
{
	(void)state;
	need_kernel();
	static struct snap_guessed_names guessed;
	struct snap_bytes name;
	uint64_t first = threads[0].tid, last = first;
	for (size_t i = 1; i < NUM_THREADS; i++) {
		first = threads[i].tid < first ? threads[i].tid : first;
		last = threads[i].tid > last ? threads[i].tid : last;
	}
	if (last - first > SNAP_THREAD_NAMES_GUESSED / 2)
		skip(); /* others were started in between */
	snap_guessed_names_begin(&guessed, first);
	assert_false(snap_guessed_names_get(&guessed, first, &name));
	while (guessed.first + guessed.num <= last)
		(void)snap_guessed_names_ask(&guessed, &names);
	for (size_t i = 0; i < NUM_THREADS; i++) {
		assert_true(snap_guessed_names_get(&guessed, threads[i].tid, &name));
		assert_int_equal(name.len, strlen(threads[i].name));
		assert_memory_equal(name.data, threads[i].name, name.len);
	}
	assert_false(snap_guessed_names_get(&guessed, first - 1, &name));
	assert_false(snap_guessed_names_get(&guessed, first + guessed.num, &name));
	/* Numbers that no thread has, and no more than there is room for. */
	snap_guessed_names_begin(&guessed, NO_TID);
	assert_false(snap_guessed_names_ask(&guessed, &names));
	assert_false(snap_guessed_names_get(&guessed, NO_TID, &name));
	assert_true(names.fd >= 0);
	for (size_t i = 0; i < 2 * SNAP_THREAD_NAMES_GUESSED / SNAP_THREAD_NAMES_MAX; i++)
		(void)snap_guessed_names_ask(&guessed, &names);
	assert_int_equal(guessed.num, SNAP_THREAD_NAMES_GUESSED);
	assert_false(snap_guessed_names_ask(&guessed, &names));
}

/* Without the right to it, nothing is known, and nothing is waited for. */
static void test_no_right(void **state)
{
	(void)state;
	struct snap_thread_names others = {.fd = -1};
	struct snap_bytes name;
	snap_thread_names_ask(&others, &threads[0].tid, 1);
	assert_false(snap_thread_names_get(&others, 0, &name));
	if (geteuid() != 0)
		return;
	pid_t child = fork();
	if (child == 0) {
		if (setuid(65534) != 0)
			_exit(2);
		snap_thread_names_open(&others);
		snap_thread_names_ask(&others, &threads[0].tid, 1);
		_exit(snap_thread_names_get(&others, 0, &name) || others.fd >= 0);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_all_gone),
		cmocka_unit_test(test_guessed),
		cmocka_unit_test(test_no_right),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
