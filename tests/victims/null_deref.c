/* Writes through a null structure pointer, three inlined and two real calls deep. */
#include <stddef.h>

struct node {
	struct node *next;
	int value;
};

static inline __attribute__((always_inline)) void node_set(struct node *node, int value)
{
	node->value = value; /* the fault */
}

static inline __attribute__((always_inline)) void node_advance(struct node *node, int value)
{
	node_set(node->next, value + 1);
}

__attribute__((noinline)) int list_update(struct node *list, int value)
{
	node_advance(list, value);
	return list->value + 1;
}

__attribute__((noinline)) int list_process(struct node *list, int value)
{
	return list_update(list, value * 2) + value;
}

int main(int argc, char **argv)
{
	struct node last = {NULL, 3};

	(void)argv;
	return list_process(&last, argc) == 7;
}
