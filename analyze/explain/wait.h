/*
 * In which system call a thread was.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_WAIT_H
#define SNAP_ANALYZE_EXPLAIN_WAIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/crash.h"

struct snap_wait {
	bool has_syscall;
	int64_t syscall;
	const char *syscall_name; /* static; NULL: none is known */
	uint64_t arguments[SNAP_SYSCALL_ARGUMENTS];
	size_t num_arguments;
	/* The first argument, if it is an open file's descriptor. */
	bool has_fd;
	uint32_t fd;
};

/*
 * By the registers, where the machine keeps the number there (x86), else by what the kernel told
 * just before the thread was stopped, if its stack pointer still was the same then. False if it was
 * in none, or nothing is known about it.
 */
bool snap_thread_wait(const struct snap_crash *crash, const struct snap_crash_thread *thread,
	struct snap_wait *ret);

/* The open file that the thread waits for; NULL: none, or not captured. */
const struct snap_open_file *snap_wait_file(
	const struct snap_crash *crash, const struct snap_wait *wait);

#endif
