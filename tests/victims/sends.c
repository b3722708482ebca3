/* Sends itself a signal: raise(), sigqueue(), pthread_kill() to another thread. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

__attribute__((noinline)) int waits(int x)
{
	for (;;)
		pause();
	return x;
}

/* The signal comes when its sender waits again. */
__attribute__((noinline)) int unblocks(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	usleep(800000);
	return pthread_sigmask(SIG_UNBLOCK, &set, NULL) + 1;
}

static void *worker(void *arg)
{
	return unblocks(SIGSYS) ? arg : NULL;
}

/* The kernel sends SIGXCPU, SIGXFSZ. */
__attribute__((noinline)) int uses_up(int resource)
{
	struct rlimit limit = {1, 10};
	FILE *file = tmpfile();

	if (!file || setrlimit(resource, &limit))
		return 1;
	while (resource == RLIMIT_CPU)
		__asm__ volatile("");
	return write(fileno(file), "long", 4) < 0 || write(fileno(file), "er", 2) < 0;
}

__attribute__((noinline)) int sends(const char *what)
{
	pthread_t thread;

	if (!strcmp(what, "raise"))
		return raise(SIGQUIT) + 1;
	if (!strcmp(what, "cpu"))
		return uses_up(RLIMIT_CPU);
	if (!strcmp(what, "file"))
		return uses_up(RLIMIT_FSIZE);
	if (!strcmp(what, "queue"))
		return sigqueue(getpid(), SIGXCPU, (union sigval){.sival_int = 7}) + 1;
	if (pthread_create(&thread, NULL, worker, NULL))
		return 1;
	usleep(300000); /* until it has blocked the signal, on a busy machine, too */
	pthread_kill(thread, SIGSYS);
	return waits(2);
}

int main(int argc, char **argv)
{
	return argc < 2 || sends(argv[1]) + 1;
}
