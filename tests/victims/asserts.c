/* Fails an assertion. */
#include <assert.h>

__attribute__((noinline)) int check_range(int value)
{
	assert(value > 100 && "value out of range");
	return value;
}

int main(int argc, char **argv)
{
	(void)argv;
	return check_range(argc) + 1;
}
