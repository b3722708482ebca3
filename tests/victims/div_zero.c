/* Divides by zero. */
__attribute__((noinline)) int average(int sum, volatile int *count)
{
	return sum / *count;
}

int main(int argc, char **argv)
{
	volatile int count = 0;

	(void)argv;
	return average(argc * 100, &count) + 1;
}
