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

#ifdef OWN
#include <stdio.h>
#include <stdlib.h>

/* As musl's: what it says is kept nowhere. */
void __assert_fail(const char *expression, const char *file, unsigned int line, const char *function)
{
	fprintf(stderr, "Assertion failed: %s (%s: %s: %u)\n", expression, file, function, line);
	abort();
}
#endif
