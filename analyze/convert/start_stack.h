/*
 * Where the kernel put argc when the process started, above which its stack has no frames: what
 * /proc/PID/stat tells of a living process as startstack, found in a core's memory.
 *
 * From there upwards stand argc, the pointers of argv, NULL, those of envp, NULL, and the auxiliary
 * vector; right above it the random bytes of AT_RANDOM. Source: the kernel's fs/binfmt_elf.c,
 * create_elf_tables().
 */
#ifndef SNAP_ANALYZE_CONVERT_START_STACK_H
#define SNAP_ANALYZE_CONVERT_START_STACK_H

#include <stdint.h>

#include "analyze/crash.h"

/* 0 if it is not found. */
uint64_t snap_start_stack_find(struct snap_crash *crash);

#endif
