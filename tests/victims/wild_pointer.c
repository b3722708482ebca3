/* Reads through a non-canonical address: the kernel reports SI_KERNEL and no address. */
__attribute__((noinline)) int read_wild(volatile int *wild)
{
	return *wild + 1;
}

int main(int argc, char **argv)
{
	(void)argv;
	return read_wild((volatile int *)(0xdead000000001234ul + argc)) + argc;
}
