/* Writes to its own constants: mapped, but not writable. */
static const int table[4] = {1, 2, 3, 4};

__attribute__((noinline)) int write_table(volatile int *entry)
{
	*entry = 5;
	return table[0];
}

int main(int argc, char **argv)
{
	(void)argv;
	return write_table((volatile int *)&table[argc]) + argc;
}
