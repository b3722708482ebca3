/* analyze/unwind/saved_context: what kernels leave on the stack of a thread that does not run, in each
 * layout, and what only looks like it; and the device's own backtraces (prewalked). */
#include "analyze/unwind/saved_context.h"

#include "analyze/unwind/unwind.h"

#include "tests/lib/target.h"

#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* thread_main() called receive(), which called yield(), where the switch was. */
#define LEN	    0x80u
#define YIELD	    0x1100u
#define RECEIVE	    0x1200u
#define THREAD_MAIN 0x1300u
#define THREAD_END  0x1400u

#define IN_YIELD   AT(YIELD + 0x10)
#define IN_RECEIVE AT(RECEIVE + 0x20)
#define IN_MAIN	   AT(THREAD_MAIN + 0x20)
#define THUMB	   UINT32_C(0x01000000)

#define STACK_END   (TARGET_STACK + 0x2000) /* the lowest address */
#define SP	    (STACK_END + 0x100)
#define STACK_START (STACK_END + 0x400)

static const struct snap_crash_thread *thread = &target_thread;
static uint64_t at; /* where the next word goes */

static void begin(void)
{
	target_begin_device("cortex-m");
	target_function("receive", RECEIVE, LEN, 16);
	target_function("thread_main", THREAD_MAIN, LEN, 24);
	target_function("thread_end", THREAD_END, LEN, 16);
	/* yield() has no frame: its caller is in the link register. */
	static const uint8_t nothing[] = {0x0c, 13, 0}; /* DW_CFA_def_cfa sp, 0 */
	target_symbol("yield", YIELD, LEN);
	target_describe(YIELD, LEN, false, nothing, sizeof(nothing));
	target_call(RECEIVE + 0x20, YIELD);
	target_call(THREAD_MAIN + 0x20, RECEIVE);
	target_thread.crashed = false;
	target_thread.record = (struct snap_thread){
		.has_tid = true,
		.tid = 1,
		.has_state = true,
		.state = SNAP_THREAD_READY,
		.has_stack_pointer = true,
		.stack_pointer = SP,
		.has_stack_start = true,
		.stack_start = STACK_START,
		.has_stack_end = true,
		.stack_end = STACK_END,
	};
	at = SP;
}

static void put(uint32_t value)
{
	target_word(at, value);
	at += 4;
}

static void put_registers(void)
{
	for (uint32_t i = 4; i < 12; i++)
		put(0x200 + i);
}

static void put_floats(void)
{
	for (unsigned int i = 0; i < 16; i++)
		put(0x3f800000);
}

/* The frame, and above it the callers'. */
static void put_frame(bool is_basic, uint32_t pc, uint32_t lr, uint32_t xpsr)
{
	for (uint32_t i = 0; i < 4; i++)
		put(0x100 + i);
	put(0x10c);
	put(lr);
	put(pc);
	put(xpsr);
	if (!is_basic)
		put_floats(), put(0), put(0);
	target_word(at + 16 - 4, IN_MAIN | 1);
	target_word(at + 16 + 24 - 4, AT(THREAD_END) | 1);
}

static void put_good_frame(bool is_basic)
{
	if (at % 8 != 0)
		put(0xa5a5a5a5); /* for tests that end at an odd word */
	put_frame(is_basic, (uint32_t)IN_YIELD, (uint32_t)IN_RECEIVE | 1, THUMB);
}

static void unwind(void)
{
	struct snap_registers none = {0};
	target_ready();
	target_unwind(&none, 100); /* which sets registers */
}

/* Without any of the input's. */
static void unwind_saved(void)
{
	struct snap_error err = SNAP_ERROR_INIT;
	const struct snap_options options = {.max_frames = 100};
	target_ready();
	target_thread.pr_reg = snap_bytes(NULL, 0);
	assert_int_equal(snap_unwind(&target_crash, &options, &err), 0);
}

static void assert_thread(const char *saved_by)
{
	if (!saved_by) {
		assert_null(thread->saved_by);
		assert_null(thread->pr_reg.data);
		return;
	}
	assert_non_null(thread->saved_by);
	assert_string_equal(thread->saved_by, saved_by);
	assert_int_equal(thread->num_frames, 3);
	assert_int_equal(thread->frames[0].pc, IN_YIELD);
	assert_int_equal(thread->frames[0].trust, SNAP_TRUST_CONTEXT);
	assert_int_equal(thread->frames[1].pc, IN_RECEIVE);
	assert_int_equal(thread->frames[2].pc, IN_MAIN);
	assert_string_equal(thread->end_reason, "its thread's first function");
}

static void assert_register(const char *name, bool is_known, uint64_t value)
{
	const struct snap_arch *arch = target_crash.arch;
	uint64_t got = 0;
	unsigned int i = 0;
	while (strcmp(arch->regs[i].name, name) != 0)
		i++;
	assert_int_equal(snap_crash_register(&target_crash, thread, i, &got), is_known);
	if (is_known)
		assert_int_equal(got, value);
}

/* ---------------------------------------------------------------- layouts */

enum { BASIC = 0xfffffffd, EXTENDED = 0xffffffed, BASIC_V8M = 0xffffffbc, EXTENDED_V8M = 0xffffffac };

static void put_layout(unsigned int which, bool is_basic)
{
	uint32_t v7 = is_basic ? BASIC : EXTENDED, v8 = is_basic ? BASIC_V8M : EXTENDED_V8M;
	switch (which) {
	case 0: put((uint32_t)STACK_END), put(v8), put_registers(); break;
	case 1: put((uint32_t)STACK_END), put(3), put(v8), put_registers(); break;
	case 2: put(1), put((uint32_t)STACK_END), put(v8), put_registers(); break;
	case 3: put(1), put((uint32_t)STACK_END), put(2), put(v8), put_registers(); break;
	case 4: put_registers(), put(v7); break;
	case 5: put(2), put_registers(), put(v7); break;
	case 6: put(v7); break;
	case 7: put(v7), put(2), put_registers(); break;
	}
	if (!is_basic)
		put_floats();
	if (which == 6)
		put_registers();
}

static void test_saved_context_with_exc_return(void **state)
{
	(void)state;
	static const char *const words[] = {"FreeRTOS for Armv8-M", "FreeRTOS for Armv8-M with an MPU",
		"FreeRTOS for Armv8-M with TrustZone", "FreeRTOS for Armv8-M with TrustZone and an MPU",
		"FreeRTOS with an FPU", "FreeRTOS with an FPU and an MPU", "ThreadX",
		"a kernel that saves EXC_RETURN and CONTROL"};
	for (unsigned int which = 0; which < ARRAY_LEN(words); which++)
		for (unsigned int is_basic = 0; is_basic < 2; is_basic++) {
			begin();
			put_layout(which, is_basic);
			/* The frame is where it is: the stack pointer need not be aligned. */
			uint64_t sp = SP;
			if (at % 8 != 0) {
				target_end();
				begin();
				target_thread.record.stack_pointer = sp = at = SP + 4;
				put_layout(which, is_basic);
			}
			put_good_frame(is_basic);
			uint64_t end = at;
			unwind_saved();
			assert_thread(words[which]);
			assert_register("sp", true, end);
			assert_register("r4", true, 0x204);
			assert_register("r11", true, 0x20b);
			assert_register("r0", true, 0x100);
			assert_register("r12", true, 0x10c);
			assert_register("lr", true, IN_RECEIVE | 1);
			assert_register("xpsr", true, THUMB);
			assert_register("msp", false, 0);
			assert_register("psp", false, 0);
			target_end();
		}
}

static void test_saved_context_without_exc_return(void **state)
{
	(void)state;
	static const char *const words[] = {"FreeRTOS, CMSIS RTX or the like",
		"CMSIS RTX 5 with an FPU", "the exception's frame alone",
		"the exception's frame alone, with an FPU"};
	for (unsigned int which = 0; which < ARRAY_LEN(words); which++) {
		bool is_basic = which == 0 || which == 2;
		begin();
		if (which == 1)
			put_floats();
		if (which < 2)
			put_registers();
		put_good_frame(is_basic);
		unwind_saved();
		assert_thread(words[which]);
		assert_register("r4", which < 2, 0x204);
		assert_register("exc_return", false, 0);
		target_end();
	}
	begin();
	target_thread.record.stack_pointer = at = SP + 4;
	put(3);
	put_registers();
	put_good_frame(true);
	unwind_saved();
	assert_thread("FreeRTOS with an MPU");
	target_end();
}

/* A word above the frame was left out to align it. */
static void test_saved_context_aligned(void **state)
{
	(void)state;
	begin();
	put_registers();
	put_frame(true, (uint32_t)IN_YIELD, (uint32_t)IN_RECEIVE | 1, THUMB | 0x200);
	target_word(at + 16 - 4, 0);
	target_word(at + 4 + 16 - 4, IN_MAIN | 1);
	target_word(at + 4 + 16 + 24 - 4, AT(THREAD_END) | 1);
	unwind_saved();
	assert_thread("FreeRTOS, CMSIS RTX or the like");
	assert_register("sp", true, at + 4);
	target_end();
}

/* A thread that has not run yet: its first function, and what that returns to. */
static void test_saved_context_of_new_thread(void **state)
{
	(void)state;
	begin();
	put_registers();
	put_frame(true, (uint32_t)AT(THREAD_MAIN), (uint32_t)AT(THREAD_END) | 1, THUMB);
	unwind_saved();
	assert_non_null(thread->saved_by);
	assert_int_equal(thread->frames[0].pc, AT(THREAD_MAIN));
	target_end();
}

/* ---------------------------------------------------------------- what is none */

static void test_saved_context_implausible(void **state)
{
	(void)state;
	static const struct {
		uint32_t pc, lr, xpsr;
	} cases[] = {
		{(uint32_t)IN_YIELD, (uint32_t)IN_RECEIVE | 1, 0},	    /* not Thumb code */
		{(uint32_t)IN_YIELD, (uint32_t)IN_RECEIVE | 1, THUMB | 15}, /* a handler's */
		{(uint32_t)IN_YIELD, (uint32_t)IN_RECEIVE | 1, THUMB | 0x100000}, /* no such bit */
		{(uint32_t)IN_YIELD | 1, (uint32_t)IN_RECEIVE | 1, THUMB},
		{(uint32_t)TARGET_STACK, (uint32_t)IN_RECEIVE | 1, THUMB}, /* no code */
		{(uint32_t)AT(0x4800), (uint32_t)IN_RECEIVE | 1, THUMB},   /* in no function */
		{(uint32_t)IN_YIELD, 0x12345678, THUMB},		   /* nothing to return to */
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin();
		put_registers();
		put_frame(true, cases[i].pc, cases[i].lr, cases[i].xpsr);
		unwind_saved();
		assert_thread(NULL);
		/* What is on the stack is still guessed. */
		assert_true(thread->num_frames > 0);
		assert_int_equal(thread->frames[0].trust, SNAP_TRUST_SCAN);
		target_end();
	}
}

static void test_saved_context_outside(void **state)
{
	(void)state;
	/* Its frame would end above the stack. */
	begin();
	put_registers();
	put_good_frame(true);
	target_thread.record.stack_start = at - 4;
	unwind_saved();
	assert_thread(NULL);
	target_end();
	/* Not all of it was captured. */
	begin();
	put_registers();
	put_good_frame(true);
	target_capture(SP, at - 4);
	unwind_saved();
	assert_thread(NULL);
	target_end();
	/* PSPLIM is another stack's. */
	begin();
	put((uint32_t)STACK_END - 8), put(BASIC_V8M), put_registers();
	put_good_frame(true);
	unwind_saved();
	assert_thread(NULL);
	target_end();
	/* Stack pointers may be anything. */
	static const uint64_t pointers[] = {0, 1, UINT32_MAX, UINT64_MAX, UINT64_MAX - 3, SP + 1};
	for (size_t i = 0; i < ARRAY_LEN(pointers); i++) {
		begin();
		target_thread.record.stack_pointer = pointers[i];
		unwind_saved();
		assert_thread(NULL);
		assert_int_equal(thread->end, SNAP_END_UNAVAILABLE);
		target_end();
	}
}

static void test_saved_context_of_garbage(void **state)
{
	(void)state;
	uint32_t random = 1;
	for (unsigned int i = 0; i < 2000; i++) {
		begin();
		while (at < STACK_START) {
			random = random * 1664525 + 1013904223;
			/* Addresses and small numbers: what stacks are made of. */
			put(random >> 30 ? (uint32_t)AT(0x1000) + (random >> 8 & 0x7ff)
					 : random >> 20);
		}
		unwind_saved();
		assert_thread(NULL);
		target_end();
	}
}

/* What the input has stays. */
static void test_saved_context_of_running_thread(void **state)
{
	(void)state;
	begin();
	put_registers();
	put_good_frame(true);
	unwind();
	assert_null(thread->saved_by);
	assert_register("pc", true, 0);
	target_end();
	begin();
	put_registers();
	put_good_frame(true);
	target_crash.device.is_device = false;
	unwind_saved();
	assert_thread(NULL);
	assert_int_equal(thread->num_frames, 0);
	target_end();
}

static void test_saved_context_of_ended_thread(void **state)
{
	(void)state;
	begin();
	put_frame(true, 0, (uint32_t)IN_RECEIVE | 1, THUMB);
	target_thread.record.state = SNAP_THREAD_INACTIVE;
	unwind_saved();
	assert_int_equal(thread->num_frames, 0);
	assert_string_equal(thread->end_reason, "it had ended already");
	target_end();
}

/* ---------------------------------------------------------------- the device's own */

static void test_prewalked_alone(void **state)
{
	(void)state;
	static const uint64_t addresses[] = {IN_YIELD | 1, IN_RECEIVE | 1, IN_MAIN | 1};
	begin();
	target_thread.record.backtrace = addresses;
	target_thread.record.num_backtrace = ARRAY_LEN(addresses);
	target_thread.record.stack_pointer = STACK_START - 4; /* nothing is there */
	unwind_saved();
	assert_int_equal(thread->num_frames, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(thread->frames[i].pc, addresses[i] & ~UINT64_C(1));
		assert_int_equal(thread->frames[i].trust, SNAP_TRUST_PREWALKED);
		assert_false(thread->frames[i].exact_pc);
		assert_ptr_equal(thread->frames[i].module, target_crash.modules);
	}
	assert_int_equal(thread->end, SNAP_END_UNAVAILABLE);
	assert_string_equal(thread->end_reason, "the device's own backtrace ends here");
	target_end();
}

/* Behind where the walk ended, and not if that was the stack's end. */
static void test_prewalked_goes_on(void **state)
{
	(void)state;
	static const uint64_t addresses[] = {IN_YIELD, IN_RECEIVE | 1, IN_MAIN | 1, AT(THREAD_END) | 1};
	for (unsigned int is_cut = 0; is_cut < 2; is_cut++) {
		begin();
		put_registers();
		put_good_frame(true);
		target_thread.record.backtrace = addresses;
		target_thread.record.num_backtrace = ARRAY_LEN(addresses);
		if (is_cut) /* receive()'s return address is missing */
			target_capture(SP, at + 8);
		unwind_saved();
		assert_non_null(thread->saved_by);
		assert_int_equal(thread->num_frames, is_cut ? 4 : 3);
		assert_int_equal(thread->frames[2].trust,
			is_cut ? SNAP_TRUST_PREWALKED : SNAP_TRUST_CFI);
		target_end();
	}
}

/* ---------------------------------------------------------------- RISC-V */

static void put_riscv(uint32_t pc, uint32_t ra, uint32_t mstatus, bool is_new)
{
	put(pc);
	put(ra);
	for (uint32_t i = 5; i < 32; i++)
		put(0x300 + i);
	if (is_new)
		put(0);
	put(mstatus);
}

static void begin_riscv(void)
{
	begin();
	target_end();
	target_begin_device("riscv32");
	target_thread.record = (struct snap_thread){
		.has_stack_pointer = true,
		.stack_pointer = SP,
		.has_stack_start = true,
		.stack_start = STACK_START,
	};
	target_thread.crashed = false;
	target_symbol("yield", YIELD, LEN);
	target_symbol("receive", RECEIVE, LEN);
	target_call(RECEIVE + 0x20, YIELD);
	at = SP;
}

static void test_saved_context_of_riscv(void **state)
{
	(void)state;
	for (unsigned int is_new = 0; is_new < 2; is_new++) {
		begin_riscv();
		put_riscv((uint32_t)IN_YIELD, (uint32_t)IN_RECEIVE, 0x1880, is_new);
		unwind_saved();
		assert_non_null(thread->saved_by);
		assert_string_equal(thread->saved_by, "FreeRTOS for RISC-V");
		assert_register("pc", true, IN_YIELD);
		assert_register("ra", true, IN_RECEIVE);
		assert_register("sp", true, at);
		assert_register("s0", true, 0x308);
		assert_register("t6", true, 0x31f);
		assert_register("gp", false, 0);
		assert_int_equal(thread->frames[0].pc, IN_YIELD);
		assert_int_equal(thread->frames[0].trust, SNAP_TRUST_CONTEXT);
		assert_int_equal(thread->frames[1].pc, IN_RECEIVE);
		target_end();
	}
	static const struct {
		uint32_t pc, ra, mstatus;
	} bad[] = {{(uint32_t)TARGET_STACK, (uint32_t)IN_RECEIVE, 0x1880},
		{(uint32_t)IN_YIELD + 1, (uint32_t)IN_RECEIVE, 0x1880},
		{(uint32_t)IN_YIELD, (uint32_t)IN_RECEIVE + 4, 0x1880},
		{(uint32_t)IN_YIELD, (uint32_t)IN_RECEIVE, 0x80},
		{(uint32_t)IN_YIELD, (uint32_t)IN_RECEIVE, 0x12345880}};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		begin_riscv();
		put_riscv(bad[i].pc, bad[i].ra, bad[i].mstatus, true);
		unwind_saved();
		assert_thread(NULL);
		target_end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_saved_context_with_exc_return),
		cmocka_unit_test(test_saved_context_without_exc_return),
		cmocka_unit_test(test_saved_context_aligned),
		cmocka_unit_test(test_saved_context_of_new_thread),
		cmocka_unit_test(test_saved_context_implausible),
		cmocka_unit_test(test_saved_context_outside),
		cmocka_unit_test(test_saved_context_of_garbage),
		cmocka_unit_test(test_saved_context_of_running_thread),
		cmocka_unit_test(test_saved_context_of_ended_thread),
		cmocka_unit_test(test_prewalked_alone),
		cmocka_unit_test(test_prewalked_goes_on),
		cmocka_unit_test(test_saved_context_of_riscv),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
