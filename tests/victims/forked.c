/* A child of fork() crashes; the parent lives. */
#include <sys/wait.h>
#include <unistd.h>

static volatile int *volatile nothing;

__attribute__((noinline)) int in_child(int x)
{
	return *nothing + x;
}

int main(int argc, char **argv)
{
	pid_t child = fork();

	(void)argv;
	if (child == 0)
		_exit(in_child(argc));
	return child > 0 && waitpid(child, NULL, 0) == child ? 0 : 1;
}
