/* A child of vfork(), on its parent's stack, crashes; the parent lives. */
#include <sys/wait.h>
#include <unistd.h>

static volatile int *volatile nothing;

__attribute__((noinline)) int in_child(int x)
{
	return *nothing + x;
}

__attribute__((noinline)) int spawn(int x)
{
	pid_t child = vfork();

	if (child == 0)
		_exit(in_child(x));
	return child > 0 && waitpid(child, NULL, 0) == child ? 0 : 1;
}

int main(int argc, char **argv)
{
	(void)argv;
	return spawn(argc) + 1;
}
