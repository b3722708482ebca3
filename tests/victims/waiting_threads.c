/*
 * 180 threads, each named after what it does: "futex 3" waits in futex(2), and so on with poll,
 * read, nanosleep, epoll, select, sigwait and pause; "run 179" and one more run. Prints "ready".
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <linux/futex.h>

static int num_threads = 180;
static atomic_int num_ready;
static int nowhere[2], word;

static void wait_for(int kind)
{
	struct pollfd poll_fd = {.fd = nowhere[0], .events = POLLIN};
	struct timespec long_time = {.tv_sec = 1000};
	struct epoll_event event;
	fd_set none;
	sigset_t set;
	int signo;
	switch (kind) {
	case 0:
		syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
		break;
	case 1:
		poll(&poll_fd, 1, -1);
		break;
	case 2:
		(void)!read(nowhere[0], &word, 1);
		break;
	case 3:
		nanosleep(&long_time, NULL);
		break;
	case 4:
		epoll_wait(epoll_create1(0), &event, 1, -1);
		break;
	case 5:
		FD_ZERO(&none);
		select(1, &none, NULL, NULL, NULL);
		break;
	case 6:
		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		sigwait(&set, &signo);
		break;
	case 7:
		pause();
		break;
	}
}

static void *run(void *arg)
{
	static const char *const names[] = {
		"futex", "poll", "read", "nanosleep", "epoll", "select", "sigwait", "pause"};
	int index = (int)(long)arg;
	char name[16];
	snprintf(name, sizeof(name), "%s %d", index < num_threads - 2 ? names[index % 8] : "run", index);
	pthread_setname_np(pthread_self(), name);
	atomic_fetch_add(&num_ready, 1);
	if (index < num_threads - 2)
		for (;;)
			wait_for(index % 8);
	for (volatile unsigned long i = 0;; i++)
		;
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		num_threads = atoi(argv[1]);
	pthread_t thread;
	pthread_attr_t attr;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 128 << 10);
	if (pipe(nowhere) < 0)
		return 1;
	for (long i = 0; i < num_threads; i++)
		if (pthread_create(&thread, &attr, run, (void *)i))
			return 1;
	while (atomic_load(&num_ready) < num_threads)
		usleep(1000);
	usleep(100000);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
