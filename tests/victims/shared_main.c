/* Crashes in a callback from a shared library. */
#include <stddef.h>

int lib_each(const int *items, size_t num, int (*callback)(const int *, void *), void *arg);

struct totals {
	int *total;
};

static int add(const int *item, void *arg)
{
	struct totals *totals = arg;

	*totals->total += *item;
	return *totals->total;
}

int main(void)
{
	static const int items[] = {1, 2, 3};
	struct totals totals = {NULL};

	return lib_each(items, 3, add, &totals) + 1;
}
