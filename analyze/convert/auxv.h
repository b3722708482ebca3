/*
 * The auxiliary vector that the kernel gave the process (getauxval(3)), as it was captured.
 */
#ifndef SNAP_ANALYZE_CONVERT_AUXV_H
#define SNAP_ANALYZE_CONVERT_AUXV_H

#include <stdbool.h>
#include <stdint.h>

#include "analyze/crash.h"

/* The value of the first entry of the type; false if there is none. crash->arch is known. */
bool snap_auxv_find(const struct snap_crash *crash, uint64_t type, uint64_t *ret);

#endif
