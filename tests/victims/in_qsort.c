/* Crashes in a callback of libc's qsort: frames of ours on both sides of libc's. */
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	const int *const *left = a, *const *right = b;

	return **left - **right;
}

__attribute__((noinline)) int sort_all(const int **items, size_t num)
{
	qsort(items, num, sizeof(*items), compare);
	return *items[0] + 1;
}

int main(int argc, char **argv)
{
	static const int values[] = {3, 1, 2};
	const int *items[] = {&values[0], &values[1], &values[2], NULL, &values[0]};

	(void)argv;
	return sort_all(items, 4 + argc) + 1;
}
