/* Threads that wait for each other, or for what nobody gives back. Says "ready", then hangs; with a
 * second argument it aborts, as a watchdog has it. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define NUM 3

static pthread_mutex_t mutexes[NUM] = {
	PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static pthread_barrier_t barrier;
static int num = NUM, is_timed;

/* Takes its own, then that of the next. */
static void *circle(void *arg)
{
	long i = (long)arg;
	char name[16];

	snprintf(name, sizeof(name), "taker-%ld", i);
	prctl(PR_SET_NAME, name);
	pthread_mutex_lock(&mutexes[i]);
	pthread_barrier_wait(&barrier);
	if (is_timed) {
		struct timespec until = {.tv_sec = time(NULL) + 1000};

		pthread_mutex_timedlock(&mutexes[(i + 1) % num], &until);
		return NULL;
	}
	pthread_mutex_lock(&mutexes[(i + 1) % num]);
	return NULL;
}

/* Waits for a mutex of a thread that waits for this one's end. */
static void *joined(void *arg)
{
	pthread_mutex_lock(&mutexes[0]);
	return arg;
}

static void *joins(void *arg)
{
	pthread_t thread;

	pthread_mutex_lock(&mutexes[0]);
	pthread_create(&thread, NULL, joined, NULL);
	pthread_join(thread, NULL);
	return arg;
}

static void *once_more(void *arg)
{
	pthread_mutex_lock(arg);
	pthread_mutex_lock(arg);
	return NULL;
}

static void *leaves(void *arg)
{
	pthread_mutex_lock(arg);
	return NULL;
}

/* The next is held, but by one that goes on. */
static void *waits(void *arg)
{
	pthread_mutex_lock(arg);
	return NULL;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	pthread_mutexattr_t attr;
	pthread_mutex_t inheriting;
	pthread_t thread;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&inheriting, &attr);
	is_timed = !strcmp(what, "timed");
	if (!strcmp(what, "two") || !strcmp(what, "three") || is_timed) {
		num = what[1] == 'h' ? 3 : 2;
		pthread_barrier_init(&barrier, NULL, (unsigned int)num);
		for (long i = 0; i < num; i++)
			pthread_create(&thread, NULL, circle, (void *)i);
	} else if (!strcmp(what, "join")) {
		pthread_create(&thread, NULL, joins, NULL);
	} else if (!strcmp(what, "self")) {
		pthread_create(&thread, NULL, once_more, &mutexes[1]);
	} else if (!strcmp(what, "gone")) {
		pthread_create(&thread, NULL, leaves, &mutexes[1]);
		pthread_join(thread, NULL);
		pthread_create(&thread, NULL, waits, &mutexes[1]);
	} else if (!strcmp(what, "held")) {
		pthread_mutex_lock(&mutexes[2]);
		pthread_create(&thread, NULL, waits, &mutexes[2]);
	} else if (!strcmp(what, "inheriting")) {
		pthread_mutex_lock(&inheriting);
		pthread_create(&thread, NULL, waits, &inheriting);
	}
	usleep(200000); /* they have come to wait */
	if (argc > 2)
		abort();
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
