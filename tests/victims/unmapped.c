/* Reads a canonical address far from null that is not mapped. */
__attribute__((noinline)) int read_unmapped(volatile int *pointer)
{
	return *pointer + 1;
}

int main(int argc, char **argv)
{
	(void)argv;
	return read_unmapped((volatile int *)(0x100000000000ul + argc * 4)) + argc;
}
