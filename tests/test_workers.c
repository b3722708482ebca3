/* capture/server/workers and loop: children run, are bounded, queued, killed, and leave reports. */
#include "capture/server/workers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_RUNS 16

static struct snap_loop loop;
static struct snap_workers workers;
static struct snap_worker_pool pool;
static struct snap_watch children;

/* One job each. */
static struct run {
	int number;
	int num_ended;
	struct snap_worker_result result;
} runs[MAX_RUNS];
static unsigned int num_ended, num_wanted;

static void child_ended(void *arg, uint32_t events)
{
	struct signalfd_siginfo info;
	(void)arg;
	(void)events;
	assert_int_equal(read(children.fd, &info, sizeof(info)), sizeof(info));
	snap_workers_reap(&workers);
}

static void ended(void *arg, const struct snap_worker_result *result)
{
	struct run *run = arg;
	run->num_ended++;
	run->result = *result;
	if (++num_ended == num_wanted)
		snap_loop_stop(&loop);
}

static void too_late(void *arg)
{
	(void)arg;
	fail_msg("only %u of %u jobs ended", num_ended, num_wanted);
}

/* Run the loop until so many jobs have ended. */
static void wait_for(unsigned int num)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_timer limit = {.due = too_late};
	num_wanted = num;
	loop.stopped = num_ended >= num;
	snap_loop_arm(&loop, &limit, 20000);
	assert_int_equal(snap_loop_run(&loop, &err), 0);
	snap_loop_disarm(&loop, &limit);
}

static int start(int i, int (*run)(void *arg, int report_fd), int64_t time_ms)
{
	struct snap_worker_job job = {
		.run = run,
		.ended = ended,
		.arg = &runs[i],
		.time_ms = time_ms,
	};
	runs[i].number = i;
	return snap_workers_start(&workers, &pool, &job);
}

static int say_number(void *arg, int report_fd)
{
	const struct run *run = arg;
	return write(report_fd, &run->number, sizeof(run->number)) == sizeof(run->number)
		       ? 10 + run->number
		       : 1;
}

static int sleep_long(void *arg, int report_fd)
{
	(void)arg;
	(void)report_fd;
	sleep(100);
	return 0;
}

static int die(void *arg, int report_fd)
{
	(void)arg;
	(void)report_fd;
	(void)raise(SIGKILL);
	return 0;
}

/* More than a report may have. */
static int say_too_much(void *arg, int report_fd)
{
	char much[2 * SNAP_WORKER_REPORT_MAX] = {0};
	(void)arg;
	return write(report_fd, much, sizeof(much)) == (ssize_t)sizeof(much) ? 0 : 1;
}

static int look_around(void *arg, int report_fd)
{
	sigset_t blocked;
	const struct run *run = arg;
	(void)report_fd;
	if (fcntl(children.fd, F_GETFD) >= 0 || fcntl(loop.epoll_fd, F_GETFD) >= 0)
		return 1;
	if (sigprocmask(SIG_SETMASK, NULL, &blocked) < 0 || sigismember(&blocked, SIGCHLD))
		return 2;
	/* What it was told to keep. */
	return fcntl(100 + run->number, F_GETFD) >= 0 ? 0 : 3;
}

static int set_up(void **state)
{
	sigset_t set;
	(void)state;
	memset(runs, 0, sizeof(runs));
	num_ended = 0;
	pool = (struct snap_worker_pool){.max_running = 2, .max_queued = 3};
	if (snap_loop_init(&loop, NULL) < 0)
		return -1;
	snap_workers_init(&workers, &loop);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	children = (struct snap_watch){
		signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), child_ended, NULL};
	return snap_loop_add(&loop, &children, EPOLLIN);
}

static int tear_down(void **state)
{
	(void)state;
	snap_loop_remove(&loop, &children);
	(void)close(children.fd);
	snap_loop_deinit(&loop);
	return 0;
}

static void test_reports_and_statuses(void **state)
{
	(void)state;
	assert_int_equal(start(0, say_number, 10000), 0);
	assert_int_equal(start(1, die, 10000), 0);
	/* Not within the call. */
	assert_int_equal(num_ended, 0);
	wait_for(2);
	assert_int_equal(runs[0].result.report_len, sizeof(int));
	assert_int_equal(WEXITSTATUS(runs[0].result.status), 10);
	assert_true(WIFSIGNALED(runs[1].result.status));
	assert_false(runs[1].result.timed_out);
	assert_true(snap_worker_pool_is_idle(&pool));
}

static void test_queue_is_bounded_and_in_order(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(start(i, say_number, 10000), 0);
	assert_int_equal(pool.num_running, 2);
	assert_int_equal(pool.num_queued, 3);
	assert_int_equal(start(5, say_number, 10000), -EAGAIN);
	wait_for(5);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(runs[i].num_ended, 1);
		assert_memory_equal(runs[i].result.report, &i, sizeof(i));
	}
	assert_int_equal(runs[5].num_ended, 0);
	assert_true(snap_worker_pool_is_idle(&pool));
}

static void test_deadline_kills(void **state)
{
	(void)state;
	assert_int_equal(start(0, sleep_long, 50), 0);
	wait_for(1);
	assert_true(runs[0].result.timed_out);
	assert_true(WIFSIGNALED(runs[0].result.status));
	char text[64];
	assert_string_equal(snap_worker_result_text(&runs[0].result, text, sizeof(text)),
		"it took too long and was killed");
}

static void test_too_long_a_report_is_cut(void **state)
{
	(void)state;
	assert_int_equal(start(0, say_too_much, 10000), 0);
	wait_for(1);
	assert_int_equal(runs[0].result.report_len, SNAP_WORKER_REPORT_MAX);
}

static void test_child_has_only_what_it_keeps(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(dup2(STDIN_FILENO, 100 + i), 100 + i);
		struct snap_worker_job job = {
			.run = look_around,
			.ended = ended,
			.arg = &runs[i],
			.keep_fds = {100},
			.num_keep = 1,
			.time_ms = 10000,
		};
		runs[i].number = i;
		assert_int_equal(snap_workers_start(&workers, &pool, &job), 0);
	}
	wait_for(2);
	(void)close(100);
	(void)close(101);
	assert_int_equal(WEXITSTATUS(runs[0].result.status), 0);
	/* Of the other one's descriptor nothing was said. */
	assert_int_equal(WEXITSTATUS(runs[1].result.status), 3);
}

static void test_kill_ends_all_at_once(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(start(i, sleep_long, 0), 0);
	snap_workers_kill(&workers, &pool);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(runs[i].num_ended, 1);
		assert_int_equal(runs[i].result.error, -ECANCELED);
	}
	assert_true(snap_worker_pool_is_idle(&pool));
	/* Those that ran are reaped, and nobody hears of them again. */
	assert_int_equal(start(4, say_number, 10000), 0);
	wait_for(5);
	assert_int_equal(runs[4].num_ended, 1);
}

static int timer_order[3], num_due;

static void is_due(void *arg)
{
	timer_order[num_due++] = *(int *)arg;
	if (num_due == 2)
		snap_loop_stop(&loop);
}

static void test_timers_come_in_order_and_can_be_disarmed(void **state)
{
	(void)state;
	static int names[] = {1, 2, 3};
	struct snap_timer timers[3];
	for (int i = 0; i < 3; i++)
		timers[i] = (struct snap_timer){.due = is_due, .arg = &names[i]};
	num_due = 0;
	snap_loop_arm(&loop, &timers[0], 30);
	snap_loop_arm(&loop, &timers[1], 10000);
	snap_loop_arm(&loop, &timers[2], 20);
	snap_loop_arm(&loop, &timers[1], 10); /* anew */
	snap_loop_disarm(&loop, &timers[0]);
	snap_loop_disarm(&loop, &timers[0]);
	struct snap_error err = SNAP_ERROR_INIT;
	loop.stopped = false;
	assert_int_equal(snap_loop_run(&loop, &err), 0);
	assert_int_equal(num_due, 2);
	assert_int_equal(timer_order[0], 2);
	assert_int_equal(timer_order[1], 3);
	assert_null(loop.timers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reports_and_statuses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_queue_is_bounded_and_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_deadline_kills, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_too_long_a_report_is_cut, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_child_has_only_what_it_keeps, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_kill_ends_all_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_timers_come_in_order_and_can_be_disarmed, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
