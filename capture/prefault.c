#include "capture/prefault.h"

#include <stdint.h>
#include <sys/mman.h>

/* The smallest page of any Linux; the kernel wants the start to be a page's, of any size. */
#define PAGE_BYTES 4096u

/* Of the kernel's include/uapi/asm-generic/mman-common.h; glibc has it since 2.35. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

void snap_prefault(void *start, size_t len)
{
	uintptr_t first = (uintptr_t)start & ~(uintptr_t)(PAGE_BYTES - 1);
	uintptr_t end = (uintptr_t)start + len;
	(void)madvise((void *)first, end - first, MADV_POPULATE_WRITE); /* else page by page */
}
