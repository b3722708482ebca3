/*
 * Starts a program again and again and kills it, each time somewhat later.
 *
 *     kill_often TIMES MICROSECONDS PROGRAM ARGUMENT...
 *
 * The n-th run is killed after n * MICROSECONDS / TIMES. Prints how many were killed before they
 * had ended by themselves.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc < 4)
		return 64;
	unsigned long times = strtoul(argv[1], NULL, 10), killed = 0;
	unsigned long microseconds = strtoul(argv[2], NULL, 10);
	int null = open("/dev/null", O_RDWR);
	for (unsigned long i = 0; i < times; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			dup2(null, 1);
			dup2(null, 2);
			execv(argv[3], argv + 3);
			_exit(127);
		}
		int status;
		usleep((useconds_t)(i * microseconds / times));
		kill(pid, SIGKILL);
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			return 1;
		killed += WIFSIGNALED(status);
	}
	printf("%lu\n", killed);
	return 0;
}
