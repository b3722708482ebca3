/* Executes a breakpoint instruction that no debugger put there. */
__attribute__((noinline)) int run_breakpoint(int x)
{
#if defined(__x86_64__) || defined(__i386__)
	__asm__ volatile("int3");
#elif defined(__aarch64__)
	__asm__ volatile("brk #0");
#endif
	return x + 1;
}

int main(int argc, char **argv)
{
	(void)argv;
	return run_breakpoint(argc) + 1;
}
