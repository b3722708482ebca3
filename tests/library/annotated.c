/*
 * A program that uses libsnapcrash, for cli_library.sh: annotated HOW, where HOW is one of those in
 * main(). Tags, log lines and registered memory are the same each time.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <snapcrash.h>

static char registered[100] = "registered bytes";
static char *large;
#define LARGE_BYTES (80u << 10)

#define MUST(call)                                                                                 \
	do {                                                                                       \
		int result = (call);                                                               \
		if (result != 0) {                                                                 \
			fprintf(stderr, "%s: %s\n", #call, strerror(result));                      \
			exit(9);                                                                   \
		}                                                                                  \
	} while (0)

static void annotate(void)
{
	MUST(snapcrash_tag_set("release", "1.2.3"));
	MUST(snapcrash_tag_set("release", "1.2.4"));
	MUST(snapcrash_tag_set("gone", "x"));
	MUST(snapcrash_tag_unset("gone"));
	MUST(snapcrash_tag_set("hostile", "a\033[31m\xff z"));
	MUST(snapcrash_tag_set("empty", ""));
	for (int i = 0; i < 300; i++)
		snapcrash_log(SNAPCRASH_INFO, "line %d\n", i);
	snapcrash_log(SNAPCRASH_ERROR, "bad\xff line");
	MUST(snapcrash_range_add(registered, sizeof(registered), "registered"));
	large = mmap(NULL, LARGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(large, 0x5a, LARGE_BYTES);
	MUST(snapcrash_range_add(large, LARGE_BYTES, "large"));
	MUST(snapcrash_range_add((void *)(uintptr_t)0x10, 16, "unreadable"));
}

__attribute__((noinline)) static void crash(void)
{
	*(volatile int *)(uintptr_t)16 = 1;
}

/* ---------------------------------------------------------------- ways to go */

static void wait_forever(void)
{
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}

/* The child has what its parent set, and its own. */
static void crash_in_child(void)
{
	pid_t child = fork();
	if (child == 0) {
		MUST(snapcrash_tag_set("child", "yes"));
		crash();
	}
	int status;
	waitpid(child, &status, 0);
	exit(WIFSIGNALED(status) ? 0 : 1);
}

static void *log_on(void *arg)
{
	for (unsigned int i = 0;; i++) {
		snapcrash_log(
			SNAPCRASH_DEBUG, "thread %d says %u and a tail", (int)(intptr_t)arg, i);
		if (i % 64 == 0)
			(void)snapcrash_tag_set((intptr_t)arg % 2 ? "odd" : "even",
				i % 128 ? "first value" : "second value");
	}
	return NULL;
}

static void start_logging(void)
{
	pthread_t thread;
	for (intptr_t i = 0; i < 4; i++)
		pthread_create(&thread, NULL, log_on, (void *)i);
	usleep(100000);
}

/* ---------------------------------------------------------------- a hostile process */

/* The area's address is no secret: the mapping that holds the text of a tag. */
static unsigned char *find_area(void)
{
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long start, end;
	while (maps && fgets(line, sizeof(line), maps)) {
		uint64_t magic;
		if (sscanf(line, "%lx-%lx rw-p", &start, &end) != 2 || !strstr(line, " rw-p "))
			continue;
		for (unsigned long at = start; at + 8 <= end; at += 4096) {
			memcpy(&magic, (void *)at, sizeof(magic));
			if (magic == 0x4145524150414e53ull) {
				fclose(maps);
				return (unsigned char *)at;
			}
		}
	}
	fputs("there is no area\n", stderr);
	exit(9);
}

/* Everything but the head, so that it still counts as an area. */
static void scribble(unsigned int seed)
{
	unsigned char *area = find_area();
	srand(seed);
	for (size_t i = 16; i < 126 * 1024; i++)
		area[i] = (unsigned char)rand();
}

static void fill(int byte)
{
	unsigned char *area = find_area();
	memset(area + 16, byte, 126 * 1024);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	annotate();
	if (strcmp(how, "crash") == 0) {
		crash();
	} else if (strcmp(how, "wait") == 0) {
		wait_forever();
	} else if (strcmp(how, "fork") == 0) {
		crash_in_child();
	} else if (strcmp(how, "threads") == 0) {
		start_logging();
		crash();
	} else if (strcmp(how, "threads-wait") == 0) {
		start_logging();
		wait_forever();
	} else if (strcmp(how, "scribble") == 0) {
		scribble((unsigned int)atoi(argv[2]));
		crash();
	} else if (strcmp(how, "ones") == 0) {
		fill(0xff);
		crash();
	} else if (strcmp(how, "unmapped") == 0) {
		/* The kernel joins neighbouring mappings: no more than the area's own. */
		munmap(find_area() + 4096, 196 << 10);
		crash();
	} else if (strcmp(how, "snapshot") == 0) {
		int result = snapcrash_snapshot(argc > 2 ? argv[2] : NULL);
		printf("%d %s\n", result, strerror(result));
		return result == 0 ? 0 : 1;
	}
	return 64;
}
