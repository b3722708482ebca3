/*
 * As core_pattern's program: starts another and notes what it took.
 *
 *     |PEAK_RSS FILE PROGRAM ARGUMENT...
 *
 * Writes the peak of its resident memory in KiB and its exit status into FILE. Stays small itself
 * and keeps no end of the core's pipe, whose readers the kernel counts.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char part[4096];
	struct rusage usage;
	int status;
	pid_t pid;
	FILE *file;

	if (argc < 3 || (size_t)snprintf(part, sizeof(part), "%s.part", argv[1]) >= sizeof(part))
		return 64;
	/* vfork, so that the child's peak does not begin with a copy of ours. */
	pid = vfork();
	if (pid == 0) {
		execv(argv[2], argv + 2);
		_exit(127);
	}
	close(0);
	close(3);
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
		return 1;
	file = fopen(part, "we");
	if (!file)
		return 1;
	fprintf(file, "%ld %d\n", usage.ru_maxrss,
		WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return fclose(file) || rename(part, argv[1]);
}
