/*
 * Preloaded: lets system calls and allocations of a program fail or fall short, as the environment
 * says.
 *
 *   FAULT=short          reads and writes of regular files and pipes do 7 bytes at most
 *   FAULT=interrupted    every second one is interrupted (EINTR) before it did anything
 *   FAULT=eio:N          from the N-th read of a regular file on, all fail (EIO)
 *   FAULT=one_eio:N      the N-th alone
 *   FAULT=enospc:N       from the N-th write to one on, all fail (ENOSPC)
 *   FAULT=memory:N       the N-th allocation of each process fails, be it ours or a library's
 *   FAULT=no_memory:N    all from the N-th on
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static enum { NONE, SHORT, INTERRUPTED, EIO_FROM, ONE_EIO, ENOSPC_FROM, MEMORY, NO_MEMORY } fault;
static unsigned long from, num_reads, num_writes, num_allocations, num_calls;
static ssize_t (*real_read)(int, void *, size_t);
static ssize_t (*real_pread)(int, void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);

void *__libc_malloc(size_t len);
void *__libc_calloc(size_t num, size_t len);
void *__libc_realloc(void *old, size_t len);

static void __attribute__((constructor)) begin(void)
{
	static const char *const names[] = {
		"", "short", "interrupted", "eio:", "one_eio:", "enospc:", "memory:", "no_memory:"};
	const char *text = getenv("FAULT");
	*(void **)&real_read = dlsym(RTLD_NEXT, "read");
	*(void **)&real_pread = dlsym(RTLD_NEXT, "pread64");
	*(void **)&real_write = dlsym(RTLD_NEXT, "write");
	for (size_t i = 1; text && i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(text, names[i], strlen(names[i])) == 0) {
			from = strtoul(text + strlen(names[i]), NULL, 10);
			fault = i;
		}
}

/* Of a regular file or, where is_file is not asked for, a pipe. */
static bool counts(int fd, bool is_file)
{
	struct stat st;
	int saved = errno;
	bool yes =
		fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || (!is_file && S_ISFIFO(st.st_mode)));
	errno = saved;
	return yes;
}

/* Whether the call is to fail. *len: what it may do at most. */
static bool fails(int fd, size_t *len, bool is_write)
{
	if (fault == NONE || fault >= MEMORY)
		return false;
	if ((fault == SHORT || fault == INTERRUPTED) && counts(fd, false)) {
		if (fault == SHORT && *len > 7)
			*len = 7;
		errno = EINTR;
		return fault == INTERRUPTED && num_calls++ % 2 == 0;
	}
	bool is_read = (fault == EIO_FROM || fault == ONE_EIO) && !is_write && counts(fd, true);
	if (is_read && (++num_reads == from || (fault == EIO_FROM && num_reads > from))) {
		errno = EIO;
		return true;
	}
	if (fault == ENOSPC_FROM && is_write && counts(fd, true) && ++num_writes >= from) {
		errno = ENOSPC;
		return true;
	}
	return false;
}

ssize_t read(int fd, void *buf, size_t len)
{
	return fails(fd, &len, false) ? -1 : real_read(fd, buf, len);
}

ssize_t pread64(int fd, void *buf, size_t len, off_t off)
{
	return fails(fd, &len, false) ? -1 : real_pread(fd, buf, len, off);
}

ssize_t pread(int fd, void *buf, size_t len, off_t off)
{
	return pread64(fd, buf, len, off);
}

ssize_t write(int fd, const void *buf, size_t len)
{
	return fails(fd, &len, true) ? -1 : real_write(fd, buf, len);
}

static bool is_exhausted(void)
{
	if (fault < MEMORY)
		return false;
	num_allocations++;
	if (num_allocations != from && !(fault == NO_MEMORY && num_allocations > from))
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t len)
{
	return is_exhausted() ? NULL : __libc_malloc(len);
}

void *calloc(size_t num, size_t len)
{
	return is_exhausted() ? NULL : __libc_calloc(num, len);
}

void *realloc(void *old, size_t len)
{
	return is_exhausted() ? NULL : __libc_realloc(old, len);
}
