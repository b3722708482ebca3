/* Alternate signal stacks: snapcrash_thread_init(). */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/lib/snapcrash.h"

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

/* For the handlers, and for what the kernel puts there before it calls them, which grows with the
 * machine's registers. */
#define STACK_BYTES  (64u << 10)
#define KERNEL_BYTES (16u << 10)

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static int key_error;

static size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t stack_bytes(void)
{
	size_t page = page_bytes();
	size_t frame = (size_t)getauxval(AT_MINSIGSTKSZ);
	size_t size = STACK_BYTES + (frame > KERNEL_BYTES ? frame : KERNEL_BYTES);
	return (size + page - 1) / page * page;
}

/* When a thread ends. memory: its stack's guard page. */
static void release(void *memory)
{
	uint8_t *start = (uint8_t *)memory + page_bytes();
	stack_t current;
	if (sigaltstack(NULL, &current) == 0 && current.ss_sp == start)
		(void)sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
	(void)munmap(memory, page_bytes() + stack_bytes());
}

static void make_key(void)
{
	key_error = pthread_key_create(&key, release);
}

int snapcrash_thread_init(void)
{
	(void)pthread_once(&key_once, make_key); /* can't fail */
	if (key_error != 0)
		return key_error;
	stack_t current;
	size_t size = stack_bytes(), guard = page_bytes();
	if (sigaltstack(NULL, &current) < 0)
		return errno;
	if (!(current.ss_flags & SS_DISABLE) && current.ss_size >= STACK_BYTES + KERNEL_BYTES)
		return 0;

	uint8_t *memory =
		mmap(NULL, guard + size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (memory == MAP_FAILED)
		return errno;
	int r = 0;
	stack_t ours = {.ss_sp = memory + guard, .ss_size = size};
	if (mprotect(memory + guard, size, PROT_READ | PROT_WRITE) < 0)
		r = errno;
	if (r == 0)
		r = pthread_setspecific(key, memory);
	if (r == 0 && sigaltstack(&ours, NULL) < 0) {
		r = errno;
		(void)pthread_setspecific(key, NULL); /* there is room for it already */
	}
	if (r != 0)
		(void)munmap(memory, guard + size);
	return r;
}
