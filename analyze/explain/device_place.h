/*
 * What is at an address of a microcontroller, in words: its threads' stacks, the firmware's symbols,
 * and the processor's own address map.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_DEVICE_PLACE_H
#define SNAP_ANALYZE_EXPLAIN_DEVICE_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "analyze/crash.h"

/* Below this an address is most likely a null pointer plus the offset of a member. Real memory may be
 * there, which is why this is less than a process has. */
#define SNAP_DEVICE_NULL_END 4096u

/*
 * ", in the peripheral region (0x40000000 to 0x5fffffff)", ", 8 bytes below the stack of thread 'main'
 * (0x... to 0x...)", ", in led_state of the firmware": "" if nothing is known of it. NULL if memory is
 * exhausted.
 */
const char *snap_device_place_words(struct snap_crash *crash, uint64_t addr);

/* The name of the region of the Cortex-M's address map that has it; NULL for other machines. Static. */
const char *snap_device_region(const struct snap_crash *crash, uint64_t addr);

/* "blink+0x12" of code, "address 0x8001234" where no function is known. NULL likewise. */
const char *snap_device_code_words(struct snap_crash *crash, uint64_t addr);

/* "thread 'main'", "thread 12", "a thread without a name". NULL likewise. */
const char *snap_device_thread_words(
	struct snap_crash *crash, const struct snap_crash_thread *thread);

/* The stack's lowest and highest address; false if they are not known, or it goes up. */
bool snap_device_stack(
	const struct snap_crash_thread *thread, uint64_t *ret_low, uint64_t *ret_high);

#endif
