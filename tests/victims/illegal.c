/* Executes an undefined instruction. */
__attribute__((noinline)) int run_illegal(int x)
{
#if defined(__x86_64__) || defined(__i386__)
	__asm__ volatile("ud2");
#elif defined(__aarch64__)
	__asm__ volatile("udf #0");
#else
	__builtin_trap();
#endif
	return x;
}

int main(int argc, char **argv)
{
	(void)argv;
	return run_illegal(argc) + 1;
}
