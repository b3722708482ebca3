/* deep_threads THREADS BYTES: as many threads, each with so many bytes of its stack in use, wait;
 * then the main thread crashes, or, with a third argument, says so and waits, too. */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static sem_t ready;
static size_t num_bytes;

static void *wait_deep(void *arg)
{
	volatile char *room = __builtin_alloca(num_bytes);
	memset((char *)room, 0x5a, num_bytes);
	sem_post(&ready);
	pause();
	return arg;
}

int main(int argc, char **argv)
{
	long num = argc > 1 ? strtol(argv[1], NULL, 10) : 8;
	num_bytes = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 4096;
	pthread_attr_t attr;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, num_bytes + (64u << 10));
	sem_init(&ready, 0, 0);
	for (long i = 0; i < num; i++) {
		pthread_t thread;
		if (pthread_create(&thread, &attr, wait_deep, NULL) != 0)
			return 1;
	}
	for (long i = 0; i < num; i++)
		sem_wait(&ready);
	if (argc > 3) {
		puts("ready");
		fflush(stdout);
		pause();
	}
	*(volatile int *)0 = 1;
	return 0;
}
