/* The first call through the PLT is bound by ld.so, and crashes in there. */
int lazy_indirect(int x);

__attribute__((noinline)) int calls(int x)
{
	return lazy_indirect(x) + 1;
}

int main(int argc, char **argv)
{
	(void)argv;
	return calls(argc) + 1;
}
