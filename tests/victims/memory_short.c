/* Crashes where memory is short: a child of its takes more than its control group may have, and is
 * killed for it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((noinline)) static int reads(const volatile int *from)
{
	return *from;
}

int main(int argc, char **argv)
{
	size_t mib = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	pid_t child = fork();
	if (child == 0) {
		FILE *file = fopen("/proc/self/oom_score_adj", "w");
		if (file) {
			fputs("1000", file);
			fclose(file);
		}
		for (size_t i = 0; i < mib; i++) {
			char *block = malloc(1 << 20);
			if (block)
				memset(block, 1, 1 << 20);
			__asm__ volatile("" : : "r"(block) : "memory");
		}
		_exit(0);
	}
	waitpid(child, NULL, 0);
	return reads(NULL);
}
