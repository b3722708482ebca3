/* The library half of shared_main.c: calls back into the program. */
#include <stddef.h>

int lib_each(const int *items, size_t num, int (*callback)(const int *, void *), void *arg);

static inline int apply(const int *item, int (*callback)(const int *, void *), void *arg)
{
	return callback(item, arg) + 1;
}

int lib_each(const int *items, size_t num, int (*callback)(const int *, void *), void *arg)
{
	int sum = 0;

	for (size_t i = 0; i < num; i++)
		sum += apply(&items[i], callback, arg);
	return sum;
}
