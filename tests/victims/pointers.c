/*
 * Accesses that fail for reasons that the pointer, or where it points to, tells of: which one is
 * the argument.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct node {
	struct node *next;
	int value;
};

/* Not folded, and each access as it stands here. */
static volatile uintptr_t zero;

__attribute__((noinline)) int reads_value(const struct node *node)
{
	return *(const volatile int *)&node->value;
}

__attribute__((noinline)) void writes_byte(volatile char *to)
{
	*to = 1;
}

__attribute__((noinline)) int counts(volatile int *counter)
{
	return __sync_add_and_fetch(counter, 1) + *counter;
}

static void *filled(int byte)
{
	struct node *node = malloc(sizeof(*node));
	memset(node, byte, sizeof(*node));
	return node;
}

static int poison(void)
{
	return reads_value(((struct node *)filled(0x5a))->next);
}

static int evenly(void)
{
	return reads_value(((struct node *)filled(0x93))->next);
}

static int deadbeef(void)
{
	return reads_value((struct node *)(0xdeadbeefdeadbeef + zero));
}

static int text(void)
{
	return reads_value(((struct node *)filled('A'))->next);
}

static int flipped(void)
{
	return reads_value((struct node *)((uintptr_t)filled(0) ^ UINT64_C(1) << 45));
}

static int tagged(void)
{
	return reads_value((struct node *)((uintptr_t)filled(0) | UINT64_C(1) << 62));
}

static int past_heap(void)
{
	void *volatile block = filled(0); /* there is one then */

	free(block);
	writes_byte((char *)sbrk(0) + 68);
	return 1;
}

static int updates_null(void)
{
	return counts((int *)(zero + 24));
}

static int null_index(void)
{
	int *volatile array = (int *)zero;
	volatile long index = 1000;
	return *(volatile int *)&array[index];
}

static int null_write(void)
{
	writes_byte((char *)zero);
	return 1;
}

static void *worker(void *arg)
{
	pthread_attr_t attributes;
	void *stack;
	size_t size;

	pthread_setname_np(pthread_self(), "worker");
	if (pthread_getattr_np(pthread_self(), &attributes) ||
		pthread_attr_getstack(&attributes, &stack, &size))
		return NULL;
	*(void *volatile *)arg = stack;
	for (;;)
		pause();
}

static int guard(void)
{
	static void *volatile stack;
	pthread_t thread;

	if (pthread_create(&thread, NULL, worker, (void *)&stack))
		return 1;
	while (!stack)
		usleep(1000);
	writes_byte((char *)stack - 16);
	return 1;
}

static int no_access(void)
{
	char *page = mmap(NULL, 3 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return page == MAP_FAILED || reads_value((struct node *)(page + 4096));
}

static int truncated(void)
{
	FILE *file = tmpfile();
	char *map;

	if (!file || ftruncate(fileno(file), 16384))
		return 1;
	map = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
	if (map == MAP_FAILED || ftruncate(fileno(file), 4096))
		return 1;
	writes_byte(map + 8192 + 5);
	return 1;
}

static int writes_code(void)
{
	writes_byte((char *)(uintptr_t)reads_value);
	return 1;
}

static int kernel(void)
{
	return reads_value((struct node *)(0xffffffff81000000 + zero));
}

static int copies(void)
{
	static char from[64];
	volatile size_t size = sizeof(from);
	memcpy((char *)(zero + 0x200000000000), from, size);
	return 1;
}

static int near_null(void)
{
	return reads_value((struct node *)(zero + 0x14));
}

static int below_null(void)
{
	const char *volatile member = (const char *)zero;
	return *(const volatile int *)(member - 16);
}

static const struct {
	const char *name;
	int (*run)(void);
} table[] = {
	{"poison", poison},
	{"filled", evenly},
	{"deadbeef", deadbeef},
	{"text", text},
	{"flipped", flipped},
	{"tagged", tagged},
	{"past_heap", past_heap},
	{"updates_null", updates_null},
	{"null_index", null_index},
	{"null_write", null_write},
	{"near_null", near_null},
	{"guard", guard},
	{"no_access", no_access},
	{"truncated", truncated},
	{"writes_code", writes_code},
	{"kernel", kernel},
	{"copies", copies},
	{"below_null", below_null},
};

int main(int argc, char **argv)
{
	for (unsigned int i = 0; argc > 1 && i < sizeof(table) / sizeof(table[0]); i++)
		if (!strcmp(argv[1], table[i].name))
			return table[i].run() + 1;
	return 1;
}
