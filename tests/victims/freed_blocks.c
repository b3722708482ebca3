/* Follows what glibc's malloc keeps in blocks that were freed. */
#include <stdlib.h>
#include <string.h>

struct node {
	struct node *next;
	struct node *last;
	int value;
};

struct methods {
	int (*run)(int x);
	int (*stop)(int x);
};

struct device {
	const struct methods *methods;
	int (*hook)(int x);
	char buffer[2000];
};

__attribute__((noinline)) int follows(const struct node *node)
{
	return node->next->value + node->value;
}

__attribute__((noinline)) int follows_last(const struct node *node)
{
	return node->last->value + node->value;
}

__attribute__((noinline)) int runs(struct device *device, int x)
{
	int got = device->methods->stop(x);

	return device->buffer[0] + got;
}

__attribute__((noinline)) int hooks(struct device *device, int x)
{
	int got = device->hook(x);

	return device->buffer[0] + got;
}

/* A live block that has a wild pointer at its beginning. */
__attribute__((noinline)) int wild(struct node *node)
{
	return node->next->value + node->value;
}

static int add(int x)
{
	return x + 1;
}
static const struct methods methods = {add, add};

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	struct node *volatile one = calloc(1, sizeof(*one)), *volatile two = calloc(1, sizeof(*two));
	struct device *volatile device = calloc(1, sizeof(*device));
	void *volatile behind = malloc(24);

	one->next = two;
	one->last = two;
	device->methods = &methods;
	device->hook = add;
	if (!strcmp(what, "wild")) {
		one->next = (struct node *)0x0000567812345678;
		one->last = (struct node *)0x0000567812345678;
		return wild(one) + 1;
	}
	free(two);
	free(one);
	free(device);
	if (!strcmp(what, "alone"))
		return follows(two) + 1; /* the last of its list */
	if (!strcmp(what, "link"))
		return follows(one) + 1;
	if (!strcmp(what, "key"))
		return follows_last(one) + 1;
	if (!strcmp(what, "bin"))
		return runs(device, argc) + 1;
	if (!strcmp(what, "hook"))
		return hooks(device, argc) + 1;
	return behind != NULL;
}
