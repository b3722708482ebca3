/*
 * Makes a process, has it captured, and writes down how long that took.
 *
 *     capture_times crash THREADS HEAP_MIB STACK_KIB
 *     capture_times live THREADS HEAP_MIB STACK_KIB PROGRAM ARGUMENT...
 *
 * "crash" lets it read through a null pointer and prints one number: the nanoseconds from there
 * until its parent has reaped it. "live" runs PROGRAM with the process's id in place of an argument
 * "@PID@" and prints three: for how long the process did not go on at most, PROGRAM's time from
 * vfork() until it was reaped, and PROGRAM's exit status.
 *
 * The process has THREADS threads, all but the first one asleep with STACK_KIB of frames on their
 * stacks, and HEAP_MIB of memory that it wrote to. Alive, its first thread reads the clock over and
 * over and keeps the largest gap: that is the pause as the process sees it, whoever makes it. What
 * the kernel says of the time that the thread waited for a processor is no pause and taken off.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FRAME_BYTES	   1024
#define THREAD_STACK_BYTES (256u << 10)
/* Shorter gaps are not looked at. */
#define GAP_NS 20000
/* Until the process's threads sleep, and until the gaps of a start are over. */
#define SETTLE_NS 20000000

/* Shared by the process and its parent. */
struct shared {
	_Atomic uint64_t crash_ns, gap_ns;
	atomic_bool ready, go;
	atomic_uint num_asleep;
};

static struct shared *shared;
static unsigned int num_threads, heap_mib, stack_kib;

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void sleep_ns(long ns)
{
	nanosleep(&(struct timespec){0, ns}, NULL);
}

static void die(const char *what)
{
	fprintf(stderr, "capture_times: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* ---------------------------------------------------------------- the process */

static unsigned int sleep_below(unsigned int frames)
{
	volatile unsigned char frame[FRAME_BYTES];
	memset((void *)frame, (int)frames, sizeof(frame));
	if (frames > 0)
		return sleep_below(frames - 1) + frame[0];
	atomic_fetch_add(&shared->num_asleep, 1);
	for (;;)
		if (pause() == 0)
			return frame[0];
}

static void *thread_main(void *arg)
{
	(void)arg;
	return (void *)(uintptr_t)sleep_below(stack_kib * 1024 / FRAME_BYTES);
}

/* How long this thread has waited for a processor: the second number of its schedstat. */
static uint64_t waited_ns(int fd)
{
	char text[128];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	const char *second = strchr(text, ' ');
	return second ? strtoull(second, NULL, 10) : 0;
}

static void watch_the_clock(void)
{
	int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	uint64_t last = now_ns(), waited = waited_ns(fd);
	atomic_store(&shared->ready, true);
	for (;;) {
		uint64_t now = now_ns(), gap = now - last;
		if (gap > GAP_NS) {
			uint64_t total = waited_ns(fd), delay = total - waited;
			gap -= gap < delay ? gap : delay;
			if (gap > atomic_load(&shared->gap_ns))
				atomic_store(&shared->gap_ns, gap);
			waited = total;
			now = now_ns();
		}
		last = now;
	}
}

static void be_the_process(bool crashes)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (heap_mib > 0) {
		char *heap = mmap(NULL, (size_t)heap_mib << 20, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (heap == MAP_FAILED)
			die("mmap");
		memset(heap, 0x5a, (size_t)heap_mib << 20);
	}
	pthread_attr_t attr;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, THREAD_STACK_BYTES);
	for (unsigned int i = 1; i < num_threads; i++) {
		pthread_t thread;
		errno = pthread_create(&thread, &attr, thread_main, NULL);
		if (errno != 0)
			die("pthread_create");
	}
	while (atomic_load(&shared->num_asleep) + 1 < num_threads)
		sleep_ns(1000000);
	if (!crashes)
		watch_the_clock();
	atomic_store(&shared->ready, true);
	while (!atomic_load(&shared->go))
		sleep_ns(1000000);
	volatile int *nowhere = NULL;
	atomic_store(&shared->crash_ns, now_ns());
	exit(*nowhere);
}

/* ---------------------------------------------------------------- its parent */

static pid_t start_process(bool crashes)
{
	pid_t pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0)
		be_the_process(crashes);
	while (!atomic_load(&shared->ready)) {
		if (waitpid(pid, NULL, WNOHANG) != 0) {
			fputs("capture_times: the process ended too early\n", stderr);
			exit(2);
		}
		sleep_ns(1000000);
	}
	sleep_ns(SETTLE_NS);
	return pid;
}

static int measure_crash(void)
{
	int status;
	pid_t pid = start_process(true);
	atomic_store(&shared->go, true);
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	uint64_t reaped = now_ns();
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSEGV) {
		fprintf(stderr, "capture_times: the process ended with status %#x\n", status);
		return 2;
	}
	printf("%llu\n", (unsigned long long)(reaped - atomic_load(&shared->crash_ns)));
	return 0;
}

static int measure_live(char **argv)
{
	int status;
	char number[24];
	pid_t target = start_process(false);
	snprintf(number, sizeof(number), "%d", (int)target);
	for (char **arg = argv; *arg; arg++)
		if (strcmp(*arg, "@PID@") == 0)
			*arg = number;
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	atomic_store(&shared->gap_ns, 0);
	uint64_t start = now_ns();
	pid_t pid = vfork();
	if (pid == 0) {
		dup2(null, STDOUT_FILENO);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die("waitpid");
	uint64_t end = now_ns();
	sleep_ns(SETTLE_NS); /* until the process has told of its last gap, too */
	printf("%llu %llu %d\n", (unsigned long long)atomic_load(&shared->gap_ns),
		(unsigned long long)(end - start),
		WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	kill(target, SIGKILL);
	waitpid(target, NULL, 0);
	return 0;
}

int main(int argc, char **argv)
{
	bool live = argc > 5 && strcmp(argv[1], "live") == 0;
	if (!live && !(argc == 5 && strcmp(argv[1], "crash") == 0))
		return 64;
	num_threads = (unsigned int)atoi(argv[2]);
	heap_mib = (unsigned int)atoi(argv[3]);
	stack_kib = (unsigned int)atoi(argv[4]);
	shared = mmap(
		NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	return live ? measure_live(argv + 5) : measure_crash();
}
