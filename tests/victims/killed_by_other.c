/* Is sent the signal of argv[1] (default SIGSEGV) by its child: another process. */
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

__attribute__((noinline)) int wait_forever(int x)
{
	for (;;)
		pause();
	return x;
}

int main(int argc, char **argv)
{
	int sig = argc > 1 ? atoi(argv[1]) : SIGSEGV;
	pid_t parent = getpid();

	/* A shell's background jobs start with SIGINT and SIGQUIT ignored. */
	signal(sig, SIG_DFL);
	pid_t child = fork();
	if (child == 0) {
		/* Long enough for the parent to sit in pause(). */
		usleep(50000);
		kill(parent, sig);
		_exit(0);
	}
	return wait_forever(argc) + 1;
}
