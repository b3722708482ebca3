/*
 * A 32-bit process that needs no C library: calls itself some levels deep and waits, with numbers
 * in its registers and on its stack that tests know. x86 only.
 */
static int system_call(int number, int a, int b, int c)
{
	int result;
	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "0"(number), "b"(a), "c"(b), "d"(c)
			 : "memory");
	return result;
}

__attribute__((noinline)) int wait_deep(int x)
{
	volatile unsigned int mark[2] = {0x12345678, 0x9abcdef0};
	system_call(4, 1, (int)"ready\n", 6); /* write */
	for (;;)
		__asm__ volatile("int $0x80"
				 :
				 : "a"(29), "S"(0x600df00d), "D"(0xfeedc0de) /* pause */
				 : "memory", "cc");
	return x + (int)mark[0];
}

__attribute__((noinline)) int wait_middle(int x)
{
	return wait_deep(x + 1) + 1;
}

void _start(void)
{
	wait_middle(1);
}
