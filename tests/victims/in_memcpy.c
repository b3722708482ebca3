/* Crashes inside libc: memcpy to an unmapped address. */
#include <string.h>

__attribute__((noinline)) int copy_block(char *to, const char *from, size_t len)
{
	memcpy(to, from, len);
	return to[0] + 1;
}

int main(int argc, char **argv)
{
	static char from[4096];

	(void)argv;
	return copy_block((char *)0x200000000000ul, from, sizeof(from) - argc) + 1;
}
