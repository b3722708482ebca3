/*
 * A cooperative scheduler, no larger than an example needs: threads with stacks of their own (PSP),
 * switched in PendSV. A thread that does not run has its registers on its stack as FreeRTOS's ports
 * ARM_CM3 and ARM_CM4F save them: r4-r11 (with an FPU: r4-r11, EXC_RETURN and, if it used the FPU,
 * above them s16-s31), then the hardware's frame.
 */
#ifndef SNAPCRASH_EXAMPLE_KERNEL_H
#define SNAPCRASH_EXAMPLE_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/snapshot_numbers.h"

#define KERNEL_PAINT 0xa5

struct kernel_thread {
	uint32_t *stack_pointer; /* first: the switch knows; of the last switch, if it runs */
	const char *name;
	uint32_t id;
	enum snap_thread_state state;
	uint8_t *stack_end;   /* lowest address, above the guard */
	uint8_t *stack_start; /* highest */
	uint32_t ticks;	      /* for which it ran */
	struct kernel_thread *next;
};

/* All threads, in the order in which they were made. */
extern struct kernel_thread *kernel_threads;
/* NULL before kernel_start(). */
extern struct kernel_thread *kernel_running;
extern volatile uint32_t kernel_ticks; /* milliseconds */

/*
 * stack: size bytes, both multiples of KERNEL_GUARD_BYTES; the lowest of them are the guard, which
 * the MPU protects. At most 7 threads.
 */
#define KERNEL_GUARD_BYTES 32
void kernel_thread_create(struct kernel_thread *thread, const char *name, void (*entry)(void),
	void *stack, uint32_t size);

/* Runs the threads; does not return. */
void kernel_start(void);
void kernel_yield(void);
/* Until nobody wakes it: there is nothing that would. */
void kernel_block(void);

void kernel_switch_handler(void);
void kernel_tick_handler(void);

#endif
