/* Crashes inside libc: strlen of a null pointer. */
#include <string.h>

__attribute__((noinline)) int measure(const char *text)
{
	return (int)strlen(text) + 1;
}

int main(int argc, char **argv)
{
	return measure(argv[argc]) + 1;
}
