#include "capture/device/example/kernel.h"

#include <stddef.h>

#include "capture/device/cortex_m.h"
#include "capture/device/example/board.h"

#define TICK_CYCLES 25000u /* of 25 MHz */
#define PSR_T	    (1u << 24)
#define RETURN_PSP  0xfffffffdu /* to a thread on its own stack, basic frame */

struct kernel_thread *kernel_threads;
struct kernel_thread *kernel_running;
volatile uint32_t kernel_ticks;

void kernel_choose(void);

static void thread_returned(void)
{
	snapcrash_device_assert(NULL, 0, "a thread returned");
}

void kernel_thread_create(struct kernel_thread *thread, const char *name, void (*entry)(void),
	void *stack, uint32_t size)
{
	static uint32_t num_threads;
	struct kernel_thread **last = &kernel_threads;
	while (*last)
		last = &(*last)->next;
	*last = thread;
	*thread = (struct kernel_thread){
		.name = name,
		.id = ++num_threads,
		.state = SNAP_THREAD_READY,
		.stack_end = (uint8_t *)stack + KERNEL_GUARD_BYTES,
		.stack_start = (uint8_t *)stack + size,
	};
	for (uint8_t *p = stack; p < thread->stack_start; p++)
		*p = KERNEL_PAINT;
	uint32_t *top = (uint32_t *)(void *)thread->stack_start;
	*--top = PSR_T;
	*--top = (uint32_t)entry & ~1u;
	*--top = (uint32_t)thread_returned;
	for (uint32_t i = 0; i < 5; i++)
		*--top = 0; /* r12, r3 to r0 */
#ifdef __ARM_FP
	*--top = RETURN_PSP;
#endif
	for (uint32_t i = 0; i < 8; i++)
		*--top = 0; /* r11 to r4 */
	thread->stack_pointer = top;

#ifndef __ARM_ARCH_6M__
	MPU_RNR = num_threads;
	MPU_RBAR = (uint32_t)stack;
	MPU_RASR = MPU_NO_ACCESS(5u);
#endif
}

/* The next one in the list that can run; called by the switch. */
__attribute__((used)) void kernel_choose(void)
{
	struct kernel_thread *next = kernel_running;
	if (next && next->state == SNAP_THREAD_RUNNING)
		next->state = SNAP_THREAD_READY;
	do
		next = next && next->next ? next->next : kernel_threads;
	while (next->state != SNAP_THREAD_READY);
	next->state = SNAP_THREAD_RUNNING;
	kernel_running = next;
}

#ifdef __ARM_ARCH_6M__
/* By way of the low registers; the layout is the same. */
#define PUSH_CONTEXT                                                                               \
	"	subs	r0, #32\n"                                                                          \
	"	str	r0, [r2]\n"                                                                          \
	"	stmia	r0!, {r4-r7}\n"                                                                    \
	"	mov	r4, r8\n"                                                                            \
	"	mov	r5, r9\n"                                                                            \
	"	mov	r6, r10\n"                                                                           \
	"	mov	r7, r11\n"                                                                           \
	"	stmia	r0!, {r4-r7}\n"
#define POP_CONTEXT                                                                                \
	"	adds	r0, #16\n"                                                                          \
	"	ldmia	r0!, {r4-r7}\n"                                                                    \
	"	mov	r8, r4\n"                                                                            \
	"	mov	r9, r5\n"                                                                            \
	"	mov	r10, r6\n"                                                                           \
	"	mov	r11, r7\n"                                                                           \
	"	msr	psp, r0\n"                                                                           \
	"	subs	r0, #32\n"                                                                          \
	"	ldmia	r0!, {r4-r7}\n"                                                                    \
	"	movs	r0, #2\n"                                                                           \
	"	mvns	r0, r0\n" /* RETURN_PSP */                                                 \
	"	bx	r0\n"
#elif defined(__ARM_FP)
#define PUSH_CONTEXT                                                                               \
	"	tst	lr, #16\n"                                                                           \
	"	it	eq\n"                                                                                 \
	"	vstmdbeq r0!, {s16-s31}\n"                                                               \
	"	stmdb	r0!, {r4-r11, lr}\n"                                                               \
	"	str	r0, [r2]\n"
#define POP_CONTEXT                                                                                \
	"	ldmia	r0!, {r4-r11, lr}\n"                                                               \
	"	tst	lr, #16\n"                                                                           \
	"	it	eq\n"                                                                                 \
	"	vldmiaeq r0!, {s16-s31}\n"                                                               \
	"	msr	psp, r0\n"                                                                           \
	"	bx	lr\n"
#else
#define PUSH_CONTEXT                                                                               \
	"	stmdb	r0!, {r4-r11}\n"                                                                   \
	"	str	r0, [r2]\n"
#define POP_CONTEXT                                                                                \
	"	ldmia	r0!, {r4-r11}\n"                                                                   \
	"	mvn	lr, #2\n" /* RETURN_PSP */                                                 \
	"	msr	psp, r0\n"                                                                           \
	"	bx	lr\n"
#endif

__attribute__((naked)) void kernel_switch_handler(void)
{
	__asm__ volatile("	.syntax unified\n"
			 "	ldr	r3, =kernel_running\n"
			 "	ldr	r2, [r3]\n"
			 "	cmp	r2, #0\n" /* the first switch saves nothing */
			 "	beq	1f\n"
			 "	mrs	r0, psp\n" PUSH_CONTEXT "1:	push	{r3, lr}\n"
			 "	bl	kernel_choose\n"
#ifdef __ARM_ARCH_6M__
			 "	pop	{r3, r4}\n" /* EXC_RETURN is known */
#else
			 "	pop	{r3, lr}\n"
#endif
			 "	ldr	r2, [r3]\n"
			 "	ldr	r0, [r2]\n" POP_CONTEXT "	.ltorg\n");
}

void kernel_tick_handler(void)
{
	kernel_ticks++;
	if (kernel_running)
		kernel_running->ticks++;
}

static void request_switch(void)
{
	SCB_ICSR = ICSR_PENDSVSET;
	__asm__ volatile("dsb\n\tisb" ::: "memory");
}

void kernel_start(void)
{
	SCB_SHPR3 = 0x40ff0000u; /* PendSV last, SysTick before it */
	SYST_RVR = TICK_CYCLES - 1;
	SYST_CVR = 0;
	SYST_CSR = 7;
	request_switch();
	for (;;)
		;
}

void kernel_yield(void)
{
	request_switch();
}

void kernel_block(void)
{
	kernel_running->state = SNAP_THREAD_BLOCKED;
	request_switch();
}
