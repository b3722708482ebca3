/*
 * Three threads "full" that wait in write(2) in a pipe that has taken a part already, 150 that
 * "wait", three more "full", and three "signals" that send themselves one that stops processes, but
 * is handled: what others may be taken for. Prints "ready".
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NUM_WAITING 150
#define NUM_OTHERS  3

static atomic_int num_ready;

static void handle(int signo)
{
	(void)signo;
}

static void *wait_long(void *arg)
{
	pthread_setname_np(pthread_self(), "waits");
	atomic_fetch_add(&num_ready, 1);
	for (;;)
		pause();
	return arg;
}

static void *fill(void *arg)
{
	static const char bytes[1 << 20];
	int ends[2];
	pthread_setname_np(pthread_self(), "full");
	if (pipe(ends) < 0)
		return arg;
	atomic_fetch_add(&num_ready, 1);
	for (;;)
		(void)!write(ends[1], bytes, sizeof(bytes));
	return arg;
}

static void *send_signals(void *arg)
{
	pthread_setname_np(pthread_self(), "signals");
	atomic_fetch_add(&num_ready, 1);
	const long pid = getpid(), tid = syscall(SYS_gettid);
	for (;;)
		syscall(SYS_tgkill, pid, tid, SIGTSTP);
	return arg;
}

int main(void)
{
	pthread_t thread;
	pthread_attr_t attr;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 128 << 10);
	signal(SIGTSTP, handle);
	static void *(*const kinds[])(void *) = {fill, wait_long, fill, send_signals};
	static const int nums[] = {NUM_OTHERS, NUM_WAITING, NUM_OTHERS, NUM_OTHERS};
	for (int kind = 0; kind < 4; kind++)
		for (int i = 0; i < nums[kind]; i++)
			if (pthread_create(&thread, &attr, kinds[kind], NULL))
				return 1;
	while (atomic_load(&num_ready) < NUM_WAITING + 3 * NUM_OTHERS)
		usleep(1000);
	usleep(100000);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
