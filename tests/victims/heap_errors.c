/* Ways to damage the heap, or to free what is none of it, that glibc's malloc finds. */
#include <stdlib.h>
#include <string.h>

__attribute__((noinline)) void overwrites(char *at, size_t len)
{
	memset(at, 0x7f, len);
}

__attribute__((noinline)) void releases(char *block)
{
	free(block);
	__asm__ volatile(""); /* no tail call */
}

__attribute__((noinline)) void *allocates(size_t len)
{
	void *block = malloc(len);

	__asm__ volatile("" : "+r"(block));
	return block;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	char *volatile block = malloc(24);
	char *volatile others[8];

	if (!strcmp(what, "inside")) {
		releases(block + 8); /* free(): invalid pointer */
	} else if (!strcmp(what, "top")) {
		overwrites(block + 24, 16); /* the size of what is not given out yet */
		return allocates(1 << 16) != NULL;
	} else if (!strcmp(what, "tcache")) {
		/* A freed block's link to the next: whatever it is disguised with, no block is there. */
		others[0] = malloc(24);
		releases(others[0]);
		releases(block);
		*(volatile char *)block ^= 1;
		return allocates(24) && allocates(24);
	} else if (!strcmp(what, "fastbin")) {
		/* One of them was freed before; the last one freed was another. */
		for (int i = 0; i < 8; i++)
			others[i] = malloc(24);
		for (int i = 0; i < 7; i++)
			releases(others[i]);
		releases(others[7]);
		releases(others[7]);
	} else if (!strcmp(what, "prev_size") || !strcmp(what, "in_free")) {
		/* The size that the block behind a free one has for it: a part of it, which free()
		 * notices, or all, which leads it astray. */
		others[0] = malloc(2000);
		others[1] = malloc(2000);
		others[2] = malloc(24);
		releases(others[0]);
		overwrites(others[1] - 16, !strcmp(what, "prev_size") ? 1 : 8);
		releases(others[1]);
	} else if (!strcmp(what, "stray")) {
		releases((char *)0x100000001000);
	}
	return 1;
}
