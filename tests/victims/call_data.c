/* Jumps into data: mapped, but not executable. */
__attribute__((noinline)) int call_it(int (*function)(int), int x)
{
	return function(x) + 1;
}

int main(int argc, char **argv)
{
	static char data[64] = {1};

	(void)argv;
	return call_it((int (*)(int))(void *)data, argc) + 1;
}
