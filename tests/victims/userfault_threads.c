/*
 * 40 threads that wait; on the stack of the twentieth there are pages that would have to be served
 * (userfaultfd(2)), by nobody. Prints "ready"; "ready, but none" if the kernel or our rights do not
 * allow it.
 */
#define _GNU_SOURCE
#include <alloca.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/userfaultfd.h>

#define NUM_THREADS 40
#define PAGE	    4096ul

static int fd;
static atomic_int num_ready;

static void *wait_long(void *arg)
{
	char *untouched = alloca(10 * PAGE);
	struct uffdio_register pages = {
		.range = {((uintptr_t)untouched + 2 * PAGE) & ~(PAGE - 1), 4 * PAGE},
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	if (arg && ioctl(fd, UFFDIO_REGISTER, &pages) < 0)
		_exit(1);
	atomic_fetch_add(&num_ready, 1);
	for (;;)
		pause();
	return untouched;
}

int main(void)
{
	pthread_t thread;
	struct uffdio_api api = {.api = UFFD_API};
	fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) < 0) {
		puts("ready, but none");
		fflush(stdout);
		pause();
	}
	for (int i = 0; i < NUM_THREADS; i++)
		if (pthread_create(&thread, NULL, wait_long, i == NUM_THREADS / 2 ? &fd : NULL))
			return 1;
	while (atomic_load(&num_ready) < NUM_THREADS)
		usleep(1000);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
