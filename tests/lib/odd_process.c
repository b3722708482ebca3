/*
 * A live process in an odd situation, for the debugger to look at.
 *
 *     odd_process KIND ARGUMENT...
 *
 * counting FILE N     N threads that each count in FILE, a map of 64-bit numbers; every other one
 *                     counts signals that it sends itself, one at a time, so that a lost one ends
 *                     its counting
 * vfork N             N threads sleep, and the main one waits uninterruptibly for a child of
 *                     vfork(2); prints the child's pid
 * storm               starts threads all the time, each of which ends at once
 * forks               likewise processes
 * strict              in seccomp's strict mode, blocked in a read
 * undumpable          whose dumpable flag is off
 * zombie              has a child that ended and is not waited for; prints its pid
 * tracer              traces a child, called "traced"; prints its pid
 * named NAME          calls itself NAME
 *
 * Each prints "ready" (after a number, if there is one) and goes on until it is killed.
 */
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

static _Atomic uint64_t *counters;
static __thread volatile sig_atomic_t handled;

static void ready(void)
{
	puts("ready");
	fflush(stdout);
}

static void ready_number(pid_t number)
{
	printf("%d\n", (int)number);
	ready();
}

static void sleep_for_ever(void)
{
	for (;;)
		pause();
}

static void start(void *(*run)(void *), uintptr_t arg)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, run, (void *)arg) != 0)
		abort();
}

static void on_signal(int signo)
{
	(void)signo;
	handled = 1;
}

static void *count(void *arg)
{
	uintptr_t index = (uintptr_t)arg;
	for (unsigned int round = 0;; round++) {
		if (index % 2) {
			handled = 0;
			syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1);
			while (!handled)
				usleep(1000);
		}
		atomic_fetch_add(&counters[index], 1);
		/* Some signals in a row, but not all the time: others want to run. */
		if (index % 2 == 0 || round % 10 == 0)
			usleep(1000);
	}
	return NULL;
}

static void counting(const char *file, const char *number)
{
	unsigned long num = strtoul(number, NULL, 10);
	int fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)(num * 8)) < 0)
		abort();
	counters = mmap(NULL, num * 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (counters == MAP_FAILED)
		abort();
	signal(SIGUSR1, on_signal);
	for (unsigned long i = 1; i < num; i++)
		start(count, i);
	ready();
	count(NULL);
}

static void *sleeper(void *arg)
{
	sleep_for_ever();
	return arg;
}

static void wait_for_vfork(const char *number)
{
	for (unsigned long i = strtoul(number, NULL, 10); i > 0; i--)
		start(sleeper, 0);
	if (vfork() == 0) {
		/* The parent's memory: only what does not touch its standard output. */
		char text[32];
		int len = snprintf(text, sizeof(text), "%d\nready\n", (int)getpid());
		if (write(1, text, (size_t)len) != len)
			_exit(1);
		for (;;)
			pause();
	}
	/* The child was killed. */
	puts("went on");
	fflush(stdout);
	sleep_for_ever();
}

static void *nothing(void *arg)
{
	return arg;
}

static void storm(void)
{
	pthread_attr_t detached;
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&detached, 65536);
	ready();
	for (;;) {
		pthread_t thread;
		if (pthread_create(&thread, &detached, nothing, NULL) != 0)
			usleep(1000);
	}
}

static void forks(void)
{
	ready();
	for (;;) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
}

static void strict(void)
{
	int fds[2];
	char byte;
	if (pipe(fds) < 0)
		abort();
	ready();
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) < 0)
		abort();
	while (read(fds[0], &byte, 1) >= 0)
		;
}

static void zombie(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	siginfo_t info;
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	ready_number(pid);
	sleep_for_ever();
}

static void tracer(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "traced");
		sleep_for_ever();
	}
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0)
		abort();
	ready_number(pid);
	sleep_for_ever();
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "";
	if (strcmp(kind, "counting") == 0 && argc == 4)
		counting(argv[2], argv[3]);
	else if (strcmp(kind, "vfork") == 0 && argc == 3)
		wait_for_vfork(argv[2]);
	else if (strcmp(kind, "storm") == 0)
		storm();
	else if (strcmp(kind, "forks") == 0)
		forks();
	else if (strcmp(kind, "strict") == 0)
		strict();
	else if (strcmp(kind, "zombie") == 0)
		zombie();
	else if (strcmp(kind, "tracer") == 0)
		tracer();
	else if (strcmp(kind, "undumpable") == 0)
		prctl(PR_SET_DUMPABLE, 0);
	else if (strcmp(kind, "named") == 0 && argc == 3)
		prctl(PR_SET_NAME, argv[2]);
	else
		return 64;
	ready();
	sleep_for_ever();
}
