/*
 * What Linux's system calls are called.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_SYSCALL_NAMES_H
#define SNAP_ANALYZE_EXPLAIN_SYSCALL_NAMES_H

#include <stdint.h>

#include "common/arch.h"

/* Static; NULL for numbers without a name, and for machines that have no table here. */
const char *snap_syscall_name(const struct snap_arch *arch, int64_t number);

#endif
