#include "capture/prefault.h"

#include <link.h>
#include <stdint.h>
#include <sys/mman.h>

/* The smallest page of any Linux; the kernel wants the start to be a page's, of any size. */
#define PAGE_BYTES 4096u

/* Of stack, what a capture mostly takes. */
#define STACK_BYTES (32u << 10)

/* Of the kernel's include/uapi/asm-generic/mman-common.h; glibc has it since 2.35. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif

static void populate(uintptr_t start, size_t len, int advice)
{
	uintptr_t first = start & ~(uintptr_t)(PAGE_BYTES - 1);
	(void)madvise((void *)first, start + len - first, advice); /* else page by page */
}

void snap_prefault(void *start, size_t len)
{
	populate((uintptr_t)start, len, MADV_POPULATE_WRITE);
}

static int prefault_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		if (p->p_type == PT_LOAD && !(p->p_flags & PF_W))
			populate(info->dlpi_addr + p->p_vaddr, p->p_memsz, MADV_POPULATE_READ);
	}
	return 0;
}

/* Apart, so that the space is free again. */
__attribute__((noinline)) static void prefault_stack(void)
{
	uint8_t stack[STACK_BYTES];
	snap_prefault(stack, sizeof(stack));
}

void snap_prefault_program(void)
{
	(void)dl_iterate_phdr(prefault_object, NULL); /* returns what the function does */
	prefault_stack();
}
