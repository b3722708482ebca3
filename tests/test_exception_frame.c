/* analyze/unwind/exception_frame: what a Cortex-M's exceptions leave on stacks, and what hostile ones
 * would. */
#include "analyze/unwind/exception_frame.h"

#include "tests/lib/target.h"

#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* thread_main() called work(); first_handler() called convert(); second_handler() called advance(). */
#define LEN	       0x80u
#define WORK	       0x1100u
#define THREAD_MAIN    0x1200u
#define THREAD_END     0x1300u
#define CONVERT	       0x1400u
#define FIRST_HANDLER  0x1500u
#define ADVANCE	       0x1600u
#define SECOND_HANDLER 0x1700u

#define IN_WORK	   AT(WORK + 0x10)
#define IN_MAIN	   AT(THREAD_MAIN + 0x20)
#define IN_CONVERT AT(CONVERT + 0x30)
#define IN_FIRST   AT(FIRST_HANDLER + 0x20)
#define IN_ADVANCE AT(ADVANCE + 0x30)
#define IN_SECOND  AT(SECOND_HANDLER + 0x20)

#define MSP   (TARGET_STACK + 0x1000)
#define PSP   (TARGET_STACK + 0x3000)
#define THUMB 0x01000000u

/* advance() has 16 bytes of the stack, its handler 24, and likewise the others. */
#define SMALL 16u
#define LARGE 24u

static const struct snap_crash_thread *thread = &target_thread;

static void begin(void)
{
	target_begin_device("cortex-m");
	target_function("work", WORK, LEN, SMALL);
	target_function("thread_main", THREAD_MAIN, LEN, LARGE);
	target_function("thread_end", THREAD_END, LEN, SMALL);
	target_function("convert", CONVERT, LEN, SMALL);
	target_function("first_handler", FIRST_HANDLER, LEN, LARGE);
	target_function("advance", ADVANCE, LEN, SMALL);
	target_function("second_handler", SECOND_HANDLER, LEN, LARGE);
	target_call(THREAD_MAIN + 0x20, WORK);
	target_call(FIRST_HANDLER + 0x20, CONVERT);
	target_call(SECOND_HANDLER + 0x20, ADVANCE);
	target_set_register("psp", PSP);
	target_set_register("xpsr", THUMB | 17);
}

/* The return addresses of a function and of its caller, from sp on. Returns where the latter's frame ends. */
static uint64_t put_calls(uint64_t sp, uint64_t of_function, uint64_t of_caller)
{
	target_word(sp + SMALL - 4, of_function | 1);
	target_word(sp + SMALL + LARGE - 4, of_caller);
	return sp + SMALL + LARGE;
}

/* A frame; returns its end. */
static uint64_t put_frame(uint64_t addr, uint64_t pc, uint64_t lr, uint32_t xpsr, bool is_basic)
{
	static const uint32_t numbers[] = {0x100, 0x101, 0x102, 0x103, 0x10c};
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		target_word(addr + 4 * i, numbers[i]);
	target_word(addr + 20, lr);
	target_word(addr + 24, pc);
	target_word(addr + 28, xpsr);
	return addr + (is_basic ? 32 : 104) + (xpsr & SNAP_XPSR_ALIGNED ? 4 : 0);
}

/* The thread as it was interrupted in work(). */
static void put_thread(uint32_t xpsr, bool is_basic)
{
	uint64_t sp = put_frame(PSP, IN_WORK, 0x10e, THUMB | xpsr, is_basic);
	(void)put_calls(sp, IN_MAIN, AT(THREAD_END) | 1);
}

static void unwind_from(uint64_t pc, uint64_t sp)
{
	struct snap_registers registers = target_registers(pc, sp);
	for (unsigned int i = 4; i < 12; i++)
		snap_register_set(&registers, i, 0x200 + i);
	target_unwind(&registers, 100);
}

static void assert_frames_at(const char *file, int line, size_t num, const uint64_t *pcs)
{
	bool same = thread->num_frames == num;
	for (size_t i = 0; same && i < num; i++)
		same = thread->frames[i].pc == pcs[i];
	if (same)
		return;
	for (size_t i = 0; i < thread->num_frames && i < 20; i++)
		print_error("#%zu 0x%jx\n", i, (uintmax_t)thread->frames[i].pc);
	print_error("%s\n", thread->end_reason);
	_fail(file, line);
}

#define assert_frames(...)                                                                         \
	assert_frames_at(__FILE__, __LINE__, ARRAY_LEN(((uint64_t[]){__VA_ARGS__})),               \
		(uint64_t[]){__VA_ARGS__})

static void assert_end(enum snap_end end, const char *reason)
{
	assert_string_equal(thread->end_reason, reason);
	assert_int_equal(thread->end, end);
}

static uint64_t value_of(size_t frame, unsigned int column)
{
	assert_true(thread->frames[frame].known_regs >> column & 1);
	return thread->frames[frame].regs[column];
}

/* ---------------------------------------------------------------- whole stacks */

/* Of all kinds of frames the thread's stack pointer is right, or its callers are not found. */
static void test_exception_frame_of_thread(void **state)
{
	(void)state;
	static const struct {
		uint32_t exc_return, xpsr;
		bool is_basic;
	} cases[] = {
		{0xfffffffd, 0, true},
		{0xfffffffd, SNAP_XPSR_ALIGNED, true},
		{0xffffffed, 0, false},
		{0xffffffed, SNAP_XPSR_ALIGNED, false},
		{0xffffffbc, 0, true}, /* Armv8-M's, without the Security Extension */
		{0xffffffac, 0, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin();
		(void)put_calls(MSP, IN_FIRST, cases[i].exc_return);
		put_thread(cases[i].xpsr, cases[i].is_basic);
		target_ready();
		unwind_from(IN_CONVERT, MSP);
		assert_frames(IN_CONVERT, IN_FIRST, cases[i].exc_return, IN_WORK, IN_MAIN);
		assert_end(SNAP_END_COMPLETE, "its thread's first function");
		const struct snap_frame *frames = thread->frames;
		assert_true(frames[2].is_signal && frames[2].is_exception);
		assert_null(frames[2].module);
		assert_int_equal(frames[2].cfa, PSP);
		assert_true(frames[3].exact_pc);
		assert_int_equal(frames[3].trust, SNAP_TRUST_CFI);
		assert_false(frames[4].exact_pc);
		target_end();
	}
}

static void test_exception_frame_registers(void **state)
{
	(void)state;
	begin();
	(void)put_calls(MSP, IN_FIRST, 0xfffffffd);
	put_thread(0, true);
	target_ready();
	unwind_from(IN_CONVERT, MSP);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(value_of(3, i), 0x100 + i);
	/* What handlers keep is what the thread had. */
	for (unsigned int i = 4; i < 12; i++)
		assert_int_equal(value_of(3, i), 0x200 + i);
	assert_int_equal(value_of(3, 12), 0x10c);
	assert_int_equal(value_of(3, 13), PSP + 32);
	assert_int_equal(value_of(3, 14), 0x10e);
	target_end();
}

static void test_exception_frame_nested(void **state)
{
	(void)state;
	begin();
	uint64_t sp = put_calls(MSP, IN_SECOND, 0xfffffff1);
	sp = put_frame(sp, IN_CONVERT, 0x10e, THUMB | 16, true);
	(void)put_calls(sp, IN_FIRST, 0xfffffffd);
	put_thread(0, true);
	target_ready();
	unwind_from(IN_ADVANCE, MSP);
	assert_frames(IN_ADVANCE, IN_SECOND, 0xfffffff1, IN_CONVERT, IN_FIRST, 0xfffffffd, IN_WORK,
		IN_MAIN);
	assert_end(SNAP_END_COMPLETE, "its thread's first function");
	target_end();
}

/* A thread that has the main stack, as before there are any others. */
static void test_exception_frame_of_main_stack(void **state)
{
	(void)state;
	begin();
	uint64_t sp = put_calls(MSP, IN_FIRST, 0xfffffff9);
	sp = put_frame(sp, IN_WORK, 0x10e, THUMB, true);
	(void)put_calls(sp, IN_MAIN, 0xffffffff);
	target_ready();
	unwind_from(IN_CONVERT, MSP);
	assert_frames(IN_CONVERT, IN_FIRST, 0xfffffff9, IN_WORK, IN_MAIN);
	assert_end(SNAP_END_COMPLETE, "the link register's value at reset");
	target_end();
}

/* A fault in a handler that had called no one yet: the link register has it. */
static void test_exception_frame_by_link_register(void **state)
{
	(void)state;
	begin();
	static const uint8_t nothing[] = {0x0c, 13, 0}; /* DW_CFA_def_cfa sp, 0 */
	target_symbol("leaf_handler", 0x1800, LEN);
	target_describe(0x1800, LEN, false, nothing, sizeof(nothing));
	put_thread(0, true);
	target_ready();
	struct snap_registers registers = target_registers(AT(0x1810), MSP);
	snap_register_set(&registers, 14, 0xfffffffd);
	target_unwind(&registers, 100);
	assert_frames(AT(0x1810), 0xfffffffd, IN_WORK, IN_MAIN);
	target_end();
}

/* ---------------------------------------------------------------- what is missing or damaged */

static void test_exception_frame_not_captured(void **state)
{
	(void)state;
	begin();
	uint64_t end = put_calls(MSP, IN_FIRST, 0xfffffffd);
	put_thread(0, true);
	target_capture(MSP, end);
	target_capture(PSP, PSP + 28); /* all but xPSR */
	target_ready();
	unwind_from(IN_CONVERT, MSP);
	assert_frames(IN_CONVERT, IN_FIRST, 0xfffffffd);
	assert_int_equal(thread->end, SNAP_END_TRUNCATED);
	target_end();
}

static void test_exception_frame_psp_not_known(void **state)
{
	(void)state;
	begin();
	(void)put_calls(MSP, IN_FIRST, 0xfffffffd);
	put_thread(0, true);
	target_ready();
	for (unsigned int i = 0; i < target_crash.arch->num_regs; i++)
		if (strcmp(target_crash.arch->regs[i].name, "psp") == 0)
			target_thread.absent_regs = UINT64_C(1) << i;
	unwind_from(IN_CONVERT, MSP);
	assert_frames(IN_CONVERT, IN_FIRST, 0xfffffffd);
	assert_end(SNAP_END_UNAVAILABLE,
		"an exception interrupted a thread, whose stack pointer (PSP) was not captured");
	target_end();
}

static void test_exception_frame_hostile(void **state)
{
	(void)state;
	static const struct {
		uint32_t exc_return, psp, xpsr;
		const char *reason;
	} cases[] = {
		/* A handler is no thread. */
		{0xfffffffd, (uint32_t)PSP, THUMB | 5,
			"what is at 0x7f003000 is not the exception's frame"},
		/* The other security state's stack. */
		{0xfffffffc, (uint32_t)PSP, THUMB,
			"an exception interrupted the other security state, whose stack is not known"},
		{0xffffffbd, (uint32_t)PSP, THUMB,
			"an exception interrupted the other security state, whose stack is not known"},
		{0xfffffffd, 0xfffffffc, THUMB,
			"the stack would go on at 0xfffffffc, where no stack is"},
		{0xfefffffe, (uint32_t)PSP, THUMB,
			"it was called from the other security state, whose stack is not known"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin();
		(void)put_calls(MSP, IN_FIRST, cases[i].exc_return);
		put_thread(0, true);
		target_word(PSP + 28, cases[i].xpsr);
		target_set_register("psp", cases[i].psp); /* the last one counts */
		target_ready();
		unwind_from(IN_CONVERT, MSP);
		assert_string_equal(thread->end_reason, cases[i].reason);
		assert_true(thread->num_frames == (i == 4 ? 2 : 3));
		target_end();
	}
}

/* A frame whose code returns to the same frame: it must end. */
static void test_exception_frame_in_circles(void **state)
{
	(void)state;
	begin();
	(void)put_calls(MSP, IN_FIRST, 0xfffffffd);
	uint64_t sp = put_frame(PSP, IN_CONVERT, 0x10e, THUMB, true);
	(void)put_calls(sp, IN_FIRST, 0xfffffffd);
	target_ready();
	unwind_from(IN_CONVERT, MSP);
	assert_frames(IN_CONVERT, IN_FIRST, 0xfffffffd, IN_CONVERT, IN_FIRST);
	assert_end(SNAP_END_COMPLETE, "a return from an exception began it");
	target_end();
}

/* ---------------------------------------------------------------- values */

static void test_exception_frame_values(void **state)
{
	(void)state;
	const struct snap_arch *arch = snap_arch_find_name("cortex-m");
	static const uint64_t good[] = {0xffffffe1, 0xffffffe9, 0xffffffed, 0xfffffff1, 0xfffffff9,
		0xfffffffd, 0xffffffbc, 0xffffffb8, 0xffffffb0};
	static const uint64_t bad[] = {0, 0xffffffff, 0xfffffffe, 0xfffffff5 /* a handler's PSP */,
		0xffffff7d, 0xfeffffff, 0x1fffffffd, 0xfffffffb, 0x08000101};
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(snap_is_exc_return(arch, good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(snap_is_exc_return(arch, bad[i]));
	assert_false(snap_is_exc_return(snap_arch_find_name("arm"), 0xfffffffd));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exception_frame_of_thread),
		cmocka_unit_test(test_exception_frame_registers),
		cmocka_unit_test(test_exception_frame_nested),
		cmocka_unit_test(test_exception_frame_of_main_stack),
		cmocka_unit_test(test_exception_frame_by_link_register),
		cmocka_unit_test(test_exception_frame_not_captured),
		cmocka_unit_test(test_exception_frame_psp_not_known),
		cmocka_unit_test(test_exception_frame_hostile),
		cmocka_unit_test(test_exception_frame_in_circles),
		cmocka_unit_test(test_exception_frame_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
