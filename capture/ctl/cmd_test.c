/*
 * snapcrashctl test: crashes a child of its own and sees what becomes of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture/ctl/client_program.h"
#include "capture/ctl/ctl.h"
#include "capture/ctl/kernel_log.h"
#include "capture/ctl/listing.h"
#include "capture/ctl/settings.h"
#include "capture/ctl/words.h"
#include "capture/filter.h"
#include "capture/skipped.h"

/* What the child calls itself. */
#define CHILD_COMM "snapcrash-test"

/* For the child to end, and from then on for its snapshot. */
#define WAIT_S	30
#define STEP_MS 10

struct test {
	struct snap_ctl *ctl;
	int log_fd; /* the kernel's, or -1 */
	int dir_fd; /* the spool, or -1: it may not be there before the crash */
	bool failed;
	uint64_t wait_s;
	void *trap; /* where the child writes to */
	pid_t child;
	char name[SNAP_SPOOL_NAME_MAX];
	uint64_t num_skipped; /* before */
	char reason[sizeof(((struct snap_skipped_line *)0)->reason)];
	size_t exe_len;
	char exe[SNAP_ORIGIN_EXE_MAX]; /* ours, and so the child's */
};

static int64_t now_ms(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* can't fail */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_ms(long ms)
{
	struct timespec step = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	(void)nanosleep(&step, NULL); /* shorter is as good */
}

/* One step of the chain, and whether it worked. Returns that. */
static bool step(struct test *test, bool good, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool step(struct test *test, bool good, const char *format, ...)
{
	char text[1200];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* cut to fit */
	va_end(args);
	printf("%-4s  %s\n", good ? "ok" : "BAD", text);
	(void)fflush(stdout); /* main finds out */
	test->failed |= !good;
	return good;
}

/* ---------------------------------------------------------------- the crash */

static bool check_pattern(struct test *test)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_settings settings;
	struct snap_ctl_shown shown;
	const struct snap_ctl *ctl = test->ctl;
	if (snap_settings_read(&settings, &err) < 0)
		return step(test, false, "%s", err.text);
	const char *pattern = snap_ctl_show_str(settings.pattern, &shown);
	if (!snap_client_pattern_is_ours(
		    settings.pattern, ctl->config_file, ctl->config.coredump_socket))
		return step(test, false,
			"core_pattern is '%s': crashes do not go to us; 'snapcrashctl enable' is "
			"what changes that",
			pattern);
	return step(test, true, "core_pattern is '%s'", pattern);
}

/* Whether the configuration wants crashes of this program, which the child is one of. */
static bool check_filters(struct test *test)
{
	const struct snap_config *config = &test->ctl->config;
	ssize_t len = readlink("/proc/self/exe", test->exe, sizeof(test->exe));
	test->exe_len = len > 0 ? (size_t)len : 0;
	if (snap_filter_wants(
		    &config->ignore, &config->only, snap_bytes(test->exe, test->exe_len), getuid()))
		return true;
	return step(test, false,
		"the configuration wants no crashes of this program ('ignore', 'only'), and so "
		"they can't be tried by it");
}

/* The child: ends by a real access to memory that it may not touch. */
_Noreturn static void crash(const struct test *test)
{
	/* Without a core file where somebody has set another core_pattern meanwhile; that a limit
	 * of 0 keeps no pipe and no socket from getting the core is what makes it harmless. */
	const struct rlimit none = {0, 0};
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	(void)prctl(PR_SET_NAME, CHILD_COMM, 0, 0, 0);
	(void)signal(SIGSEGV, SIG_DFL); /* a sanitizer's handler would catch it */
	sigset_t none_blocked;
	(void)sigemptyset(&none_blocked);
	(void)sigprocmask(SIG_SETMASK, &none_blocked, NULL);
	*(volatile char *)test->trap = 1;
	_exit(0); /* it did not crash, which the parent will see */
}

static bool wait_for_death(struct test *test, int *ret_status)
{
	int64_t until = now_ms() + (int64_t)test->wait_s * 1000;
	for (;;) {
		pid_t pid = waitpid(test->child, ret_status, WNOHANG);
		if (pid == test->child)
			return true;
		if ((pid < 0 && errno != EINTR) || now_ms() > until)
			return false;
		pause_ms(1);
	}
}

static bool crash_child(struct test *test)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	test->trap = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (test->trap == MAP_FAILED)
		return step(test, false, "no memory: %s", strerror(errno));
	struct timespec before, after;
	(void)clock_gettime(CLOCK_MONOTONIC, &before); /* can't fail */
	test->child = fork();
	if (test->child < 0)
		return step(test, false, "cannot start a child: %s", strerror(errno));
	if (test->child == 0)
		crash(test);
	int status;
	if (!wait_for_death(test, &status)) {
		(void)kill(test->child, SIGKILL);
		(void)waitpid(test->child, &status, 0);
		return step(test, false,
			"the child (pid %d) crashed, but did not end within %llu seconds: it was "
			"held, and is killed now",
			(int)test->child, (unsigned long long)test->wait_s);
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &after);
	double ms = (double)(after.tv_sec - before.tv_sec) * 1e3 +
		    (double)(after.tv_nsec - before.tv_nsec) / 1e6;
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSEGV)
		return step(test, false, "the child (pid %d) did not end by SIGSEGV (status %#x)",
			(int)test->child, (unsigned int)status);
	return step(test, true, "a child (pid %d) crashed on purpose and was gone after %.1f ms",
		(int)test->child, ms);
}

/* ---------------------------------------------------------------- the snapshot */

/* It may not be there before the first crash. */
static bool open_spool(struct test *test)
{
	if (test->dir_fd < 0)
		test->dir_fd = snap_listing_open(test->ctl->config.spool, NULL);
	return test->dir_fd >= 0;
}

/* Whether there is a snapshot of our child, whose name then stands in test->name. */
static bool find_snapshot(struct test *test, int64_t since_s)
{
	struct snap_listing listing = SNAP_LISTING_INIT;
	bool found = false;
	if (!open_spool(test))
		return false;
	if (snap_listing_read(test->dir_fd, &listing, NULL) == 0) {
		for (size_t i = 0; i < listing.num && !found; i++) {
			const struct snap_listed *entry = &listing.entries[i];
			/* An older one's pid may have been the same. */
			found = entry->parts.pid == (uint64_t)test->child &&
				entry->parts.time_s >= since_s &&
				snap_bytes_equal_str(
					snap_bytes(entry->parts.comm, entry->parts.comm_len),
					CHILD_COMM);
			if (found)
				memcpy(test->name, entry->name, sizeof(test->name));
		}
	}
	snap_listing_deinit(&listing);
	return found;
}

/* How many crashes of this program were skipped so far; test->reason is why the last one was. */
static uint64_t count_skipped(struct test *test)
{
	static struct snap_skipped skipped;
	struct snap_ctl_shown shown;
	const char *exe = snap_ctl_show(snap_bytes(test->exe, test->exe_len), &shown);
	int64_t last_s = INT64_MIN;
	uint64_t count = 0;
	if (!open_spool(test) || snap_skipped_read(test->dir_fd, &skipped) < 0)
		return 0;
	for (size_t i = 0; i < skipped.num; i++) {
		const struct snap_skipped_line *line = &skipped.lines[i];
		if (strcmp(line->exe, exe) != 0)
			continue;
		count += line->count;
		if (line->last_s > last_s) {
			last_s = line->last_s;
			memcpy(test->reason, line->reason, sizeof(test->reason));
		}
	}
	return count;
}

static bool wait_for_snapshot(struct test *test, int64_t since_s)
{
	struct snap_ctl_shown shown;
	int64_t begun = now_ms();
	while (!find_snapshot(test, since_s)) {
		if (count_skipped(test) != test->num_skipped)
			return step(test, false,
				"its crash was skipped because of a limit ('%s' in the file "
				"'skipped' of the spool)",
				test->reason);
		if (now_ms() - begun > (int64_t)test->wait_s * 1000)
			return step(test, false,
				"no snapshot of it came into the spool '%s' within %llu seconds",
				snap_ctl_show_str(test->ctl->config.spool, &shown),
				(unsigned long long)test->wait_s);
		pause_ms(STEP_MS);
	}
	return step(test, true, "'%s' came into the spool", test->name);
}

static void check_content(struct test *test, const struct snap_summary *summary)
{
	step(test, summary->integrity == SNAP_INTEGRITY_COMPLETE, "it is %s",
		snap_integrity_name(summary->integrity));
	step(test,
		summary->has_pid && summary->pid == (uint64_t)test->child && summary->has_tid &&
			summary->tid == (uint64_t)test->child,
		"it tells of process %llu, thread %llu", (unsigned long long)summary->pid,
		(unsigned long long)summary->tid);
	step(test,
		summary->signo == SIGSEGV && summary->has_address &&
			summary->address == (uint64_t)(uintptr_t)test->trap,
		"of signal %d at address %#llx", (int)summary->signo,
		(unsigned long long)summary->address);
	step(test, summary->has_registers && summary->has_stack, "the thread has %s and %s",
		summary->has_registers ? "registers" : "no registers",
		summary->has_stack ? "a stack" : "no stack");
}

static void check_snapshot(struct test *test)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_summary summary;
	int fd = snap_listing_open_file(test->dir_fd, test->name, &err);
	if (fd >= 0 && snap_summary_read(fd, &summary, &err) == 0)
		check_content(test, &summary);
	else
		step(test, false, "it can't be read: %s", err.text);
	if (fd >= 0)
		(void)close(fd); /* nothing was written */

	struct snap_ctl_shown shown;
	if (test->ctl->arguments.keep)
		printf("      it stays: '%s/%s'\n",
			snap_ctl_show_str(test->ctl->config.spool, &shown), test->name);
	else if (unlinkat(test->dir_fd, test->name, 0) < 0)
		step(test, false, "it can't be removed: %s", strerror(errno));
}

static int run(struct snap_ctl *ctl)
{
	struct test test = {.ctl = ctl, .dir_fd = -1, .wait_s = WAIT_S};
	if (ctl->arguments.has_wait)
		test.wait_s = ctl->arguments.wait_s;
	/* The kernel's clock for the time in the name may be a tick behind. */
	int64_t since_s = (int64_t)time(NULL) - 2;
	test.log_fd = snap_kernel_log_open();
	if (check_pattern(&test) && check_filters(&test)) {
		test.num_skipped = count_skipped(&test);
		if (crash_child(&test) && wait_for_snapshot(&test, since_s))
			check_snapshot(&test);
	}
	if (test.failed) {
		(void)fflush(stdout); /* main finds out */
		if (test.log_fd >= 0)
			snap_kernel_log_show(test.log_fd, "      the kernel's log: ");
		puts("Crashes are not captured as they should be. 'snapcrashctl status' may tell "
		     "why.");
	} else {
		puts("Crashes are captured.");
	}
	if (test.log_fd >= 0)
		(void)close(test.log_fd); /* nothing was written */
	if (test.dir_fd >= 0)
		(void)close(test.dir_fd);
	return !test.failed ? EXIT_COMPLETE : test.name[0] != '\0' ? EXIT_PARTIAL : EXIT_NOTHING;
}

const struct snap_ctl_verb snap_ctl_test = {
	.name = "test",
	.arguments = "[--keep] [--wait TIME]",
	.summary = "crash a child and see whether it is captured",
	.text = "Let a child process crash, wait for its snapshot, and look whether that tells "
		"what it\n"
		"should. Says step by step what works. The snapshot is removed.\n"
		"\n"
		"The child is a process like others: the configuration's limits and filters hold "
		"for\n"
		"it, too.\n",
	.takes = SNAP_CTL_TAKES_KEEP,
	.run = run,
};
