/* points [split]: registers point to memory with a known text, and a buffer is overrun into memory
 * that may not be read; first it prints where these are. With "split" the stack has been taken
 * apart before by mprotect(2) and madvise(2), and the main thread's strings hold what nobody asked
 * for. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096u

static char *block, *guard;

__attribute__((noinline)) int overrun(char *volatile to, char *text)
{
	for (size_t i = 0; i < 16; i++)
		to[i] = text[i % 8];
	/* Something that is alive, and so is in a register. */
	return text[9];
}

static void split(uintptr_t sp)
{
	uintptr_t page = sp & ~(uintptr_t)(PAGE - 1);
	(void)mprotect((void *)(page + PAGE), PAGE, PROT_READ);
	(void)madvise((void *)(page + 3 * PAGE), PAGE, MADV_DONTDUMP);
}

__attribute__((noinline)) int middle(int apart)
{
	char room[8 * PAGE];
	memset(room, apart, sizeof(room));
	if (apart)
		split((uintptr_t)room - 512);
	return overrun(guard - 8, block) + room[5 * PAGE];
}

static void *run(void *arg)
{
	return (void *)(intptr_t)middle(arg != NULL);
}

int main(int argc, char **argv)
{
	char *pages =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	block = malloc(4096);
	if (!block || pages == MAP_FAILED || mprotect(pages + PAGE, PAGE, PROT_NONE) != 0)
		return 1;
	guard = pages + PAGE;
	memset(block, 'b', 4096);
	memcpy(block, "pointed-to text", 16);
	memset(pages, 'g', PAGE);
	printf("block %p\nguard %p\n", (void *)block, (void *)guard);
	fflush(stdout);
	pthread_t thread;
	(void)argv;
	if (argc > 1 && pthread_create(&thread, NULL, run, block) == 0)
		pthread_join(thread, NULL);
	return middle(0);
}
