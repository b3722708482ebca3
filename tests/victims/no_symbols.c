/* Built stripped: the unwinding must not need symbols. */
#include <stddef.h>

__attribute__((noinline)) static int inner(volatile int *nothing)
{
	return *nothing + 1;
}

__attribute__((noinline)) static int outer(volatile int *volatile nothing)
{
	return inner(nothing) + 1;
}

int main(void)
{
	return outer(NULL) + 1;
}
