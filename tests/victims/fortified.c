/* strcpy() into a buffer that is too small: the C library's check aborts. */
#include <string.h>

static char small[8];

__attribute__((noinline)) int copies(const char *from)
{
	strcpy(small, from);
	return small[0];
}

int main(int argc, char **argv)
{
	(void)argc;
	return copies(argv[0]) + 1;
}
