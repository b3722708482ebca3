/*
 * Runs a program and writes down what it took.
 *
 *     measure FILE PROGRAM ARGUMENT...
 *
 * FILE gets wall time in microseconds, peak of resident memory in KiB (of the largest of the
 * program and the children it waited for) and the exit status. A program of its own because both
 * figures would be too high if python started the program: the kernel counts the memory of whoever
 * calls execve as the new program's, and an interpreter takes its time between fork and wait.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct timespec start, end;
	struct rusage usage;
	int status;
	pid_t pid;
	FILE *file;

	if (argc < 3)
		return 64;
	clock_gettime(CLOCK_MONOTONIC, &start);
	pid = vfork();
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
		return 1;
	clock_gettime(CLOCK_MONOTONIC, &end);
	file = fopen(argv[1], "we");
	if (!file)
		return 1;
	fprintf(file, "%lld %ld %d\n",
		(long long)(end.tv_sec - start.tv_sec) * 1000000 +
			(end.tv_nsec - start.tv_nsec) / 1000,
		usage.ru_maxrss, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return fclose(file) != 0;
}
