/*
 * Whether a call led to where a thread is: its target is in a register or in memory, and nothing
 * was executed since that could have changed either.
 *
 * Sources: those of common/call_site.h.
 */
#ifndef SNAP_ANALYZE_UNWIND_CALL_LED_H
#define SNAP_ANALYZE_UNWIND_CALL_LED_H

#include "analyze/unwind/walk.h"

/*
 * registers: as they are at registers->pc, the first address after the call. caller: its pc is the
 * return address. False if the instruction before that is no call, or one that leads elsewhere, or
 * if what it went by is not known (any more: its own return address may have overwritten it).
 */
bool snap_call_led_here(struct snap_walk *w, const struct snap_registers *registers,
	const struct snap_registers *caller);

#endif
