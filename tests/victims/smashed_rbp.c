/* An overflow has overwritten the saved frame pointer, but not the return address. */
#include <stddef.h>

static volatile int *volatile nothing;

__attribute__((noinline)) int smashes(int x)
{
	/* Of this function, which keeps one for its sake: its caller's rbp. */
	volatile size_t *saved = __builtin_frame_address(0);

	*saved = 0x4141414141414141;
	return x;
}

__attribute__((noinline)) int crashes(int x)
{
	return *nothing + x;
}

__attribute__((noinline)) int middle(int x)
{
	int y = smashes(x);

	return crashes(y) + 1;
}

int main(int argc, char **argv)
{
	(void)argv;
	return middle(argc) + 1;
}
