/* Crashes while other threads wait: for a mutex, a semaphore, a pipe, a signal, a time, a thread.
 */
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static sem_t semaphore;
static int ends[2];
static pthread_t sleeper;
static volatile int *volatile nothing;

static void *locks(void *arg)
{
	return pthread_mutex_lock(&mutex) ? arg : NULL;
}

static void *waits(void *arg)
{
	pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&own);
	return pthread_cond_wait(&condition, &own) ? arg : NULL;
}

static void *takes(void *arg)
{
	return sem_wait(&semaphore) ? arg : NULL;
}

static void *reads(void *arg)
{
	char byte;

	return read(ends[0], &byte, 1) ? arg : NULL;
}

static void *polls(void *arg)
{
	struct pollfd poll_fd = {.fd = ends[0], .events = POLLIN};

	return poll(&poll_fd, 1, -1) ? arg : NULL;
}

static void *sleeps(void *arg)
{
	struct timespec time = {.tv_sec = 1000};

	return nanosleep(&time, NULL) ? arg : NULL;
}

static void *wants_signal(void *arg)
{
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return sigwait(&set, &sig) ? arg : NULL;
}

static void *joins(void *arg)
{
	return pthread_join(sleeper, NULL) ? arg : NULL;
}

__attribute__((noinline)) int crashes(int x)
{
	return *nothing + x;
}

int main(int argc, char **argv)
{
	static void *(*const bodies[])(void *) = {
		locks, waits, takes, reads, polls, wants_signal, joins};
	pthread_t thread;

	(void)argv;
	if (pipe(ends))
		return 1;
	sem_init(&semaphore, 0, 0);
	pthread_mutex_lock(&mutex);
	pthread_create(&sleeper, NULL, sleeps, NULL);
	for (unsigned int i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		pthread_create(&thread, NULL, bodies[i], NULL);
	usleep(200000);
	return crashes(argc) + 1;
}
