/*
 * This process's own annotation area (area.h).
 *
 * Usable in signal handlers, but for the lock.
 */
#ifndef SNAP_CAPTURE_LIB_OWN_AREA_H
#define SNAP_CAPTURE_LIB_OWN_AREA_H

#include <stdbool.h>

#include "capture/lib/area.h"

/* Its address, for the ELF note; 0 while there is none. */
extern uint64_t snap_own_area_addr;

/* NULL while there is none. */
struct snap_lib_area *snap_own_area(void);
/* Made by the first call; NULL: no memory. */
struct snap_lib_area *snap_own_area_make(void);

/* Whoever changes tags and ranges holds it. Returns 0, or EBUSY after a tenth of a second. */
int snap_own_area_lock(void);
void snap_own_area_unlock(void);

/* A slot's state, before and after it is changed under the lock. */
void snap_own_area_begin(uint32_t *state);
void snap_own_area_end(uint32_t *state);

/* In the child after fork(): what its parent's other threads were at will not be ended. */
void snap_own_area_forked(void);

/* Say, or take back, that this crash's snapshot is there. */
void snap_own_area_captured(uint32_t tid, int signo, const uint8_t uuid[static 16]);
void snap_own_area_not_captured(void);

#endif
