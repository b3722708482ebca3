/*
 * Memory that is about to be used. The kernel maps a page of it when it is first touched, and
 * in a virtual machine such a fault can take ten microseconds; of many pages at once, each takes
 * one.
 *
 * Crash-time: no allocation.
 */
#ifndef SNAP_CAPTURE_PREFAULT_H
#define SNAP_CAPTURE_PREFAULT_H

#include <stddef.h>

/*
 * Have the pages of [start, start + len) mapped now; their contents stay. Before Linux 5.14, or
 * where there is no memory to be had, nothing happens.
 */
void snap_prefault(void *start, size_t len);
/* The same of all code and constants, of the program and its libraries, and of some stack. */
void snap_prefault_program(void);

#endif
