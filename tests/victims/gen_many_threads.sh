#!/bin/sh
# Prints a C program of 64 threads, each blocked at the end of its own chain of 20 functions
# (t07_f00 ... t07_f19), no two of which are the same; the last thread crashes at the end of its.
cat <<'END'
/* Made by gen_many_threads.sh. */
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

static atomic_int num_waiting;
static volatile int *volatile nothing;

__attribute__((noinline)) int block(int thread)
{
	if (thread != 63) {
		atomic_fetch_add(&num_waiting, 1);
		for (;;)
			pause();
	}
	while (atomic_load(&num_waiting) < 63)
		usleep(1000);
	/* Until the last one to count itself sleeps too. */
	usleep(20000);
	return *nothing;
}
END
t=0
while [ $t -lt 64 ]; do
	name=$(printf 't%02d' $t)
	f=19
	printf '\n__attribute__((noinline)) int %s_f19(int x)\n{\n\treturn block(%d) + x;\n}\n' "$name" $t
	while [ $f -gt 0 ]; do
		next=$(printf '%s_f%02d' "$name" $f)
		f=$((f - 1))
		printf '\n__attribute__((noinline)) int %s_f%02d(int x)\n{\n\treturn %s(x + %d) * 2 + x;\n}\n' \
			"$name" $f "$next" $((t + f))
	done
	t=$((t + 1))
done
cat <<'END'

static int (*const chains[64])(int) = {
END
t=0
while [ $t -lt 64 ]; do
	printf '\tt%02d_f00,\n' $t
	t=$((t + 1))
done
cat <<'END'
};

static void *worker(void *arg)
{
	int (*const *chain)(int) = arg;

	return (*chain)(1) == 12345 ? arg : NULL;
}

int main(void)
{
	pthread_t threads[64];
	pthread_attr_t attr;

	/* Full cores of this one are written, too: keep them small. */
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 128 << 10);
	for (int i = 0; i < 64; i++)
		pthread_create(&threads[i], &attr, worker, (void *)&chains[i]);
	for (int i = 0; i < 64; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
