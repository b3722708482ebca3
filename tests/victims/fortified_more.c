/* What the C library's checked functions (_FORTIFY_SOURCE) find besides buffers that are too small. */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>

static jmp_buf behind;
static char format[32];

__attribute__((noinline)) int prints(int *count)
{
	int len = printf(format, count);

	return len + 1;
}

__attribute__((noinline)) int watches(int fd)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	return FD_ISSET(fd - 1, &set);
}

__attribute__((noinline)) int leaves(int x)
{
	char deep[4096];

	__asm__ volatile("" : : "r"(deep) : "memory");
	if (setjmp(behind))
		return 1;
	return x;
}

__attribute__((noinline)) int returns(int x)
{
	if (x)
		longjmp(behind, x);
	return x;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int count = 0;

	if (!strcmp(what, "percent_n")) {
		strcpy(format, "%n");
		return prints(&count) + 1;
	}
	if (!strcmp(what, "fd_set"))
		return watches(argc + 2000) + 1;
	if (!strcmp(what, "longjmp")) {
		volatile int frames = leaves(0);

		return returns(argc) + frames + 1;
	}
	return 1;
}
