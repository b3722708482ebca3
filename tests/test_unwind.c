/* analyze/unwind/unwind: whole stacks. How they end and why, what is believed behind a guess, and
 * how much work they may make. */
#include "analyze/unwind/unwind.h"

#include "tests/lib/target.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* start() called main_() called caller() called callee(): frames of 32, 48 and 64 bytes. */
#define LEN    0x80u
#define CALLEE 0x1100u
#define CALLER 0x1200u
#define MAIN   0x1300u
#define START  0x1400u
#define OTHER  0x1500u

#define IN_CALLEE AT(CALLEE + 0x10)
#define IN_CALLER AT(CALLER + 0x20)
#define IN_MAIN	  AT(MAIN + 0x20)
#define IN_START  AT(START + 0x20)

#define SP	   (TARGET_STACK + 0x1000)
#define CALLEE_CFA (SP + 32)
#define CALLER_CFA (CALLEE_CFA + 48)
#define MAIN_CFA   (CALLER_CFA + 64)

static const struct snap_crash_thread *thread = &target_thread;

static void begin_machine(uint16_t machine)
{
	target_begin(machine);
	target_function("callee", CALLEE, LEN, 32);
	target_function("caller", CALLER, LEN, 48);
	target_function("main_", MAIN, LEN, 64);
	target_outermost("start", START, LEN);
	target_call(CALLER + 0x20, CALLEE);
	target_call(MAIN + 0x20, CALLER);
	target_call_any(START + 0x20);
}

static void put_return_addresses(uint64_t of_callee, uint64_t of_caller, uint64_t of_main)
{
	target_word(CALLEE_CFA - target_word_len(), of_callee);
	target_word(CALLER_CFA - target_word_len(), of_caller);
	target_word(MAIN_CFA - target_word_len(), of_main);
}

static void begin(void)
{
	begin_machine(EM_X86_64);
	put_return_addresses(IN_CALLER, IN_MAIN, IN_START);
}

static void unwind_from(uint64_t pc, uint64_t sp)
{
	struct snap_registers registers = target_registers(pc, sp);
	target_unwind(&registers, 1000);
}

static void unwind(void)
{
	unwind_from(IN_CALLEE, SP);
}

static void assert_frames_at(
	const char *file, int line, size_t num, const uint64_t *pcs, const char *trusts)
{
	static const char letters[] = "xcfs";
	bool same = thread->num_frames == num;
	for (size_t i = 0; same && i < num; i++)
		same = thread->frames[i].pc == pcs[i] &&
		       letters[thread->frames[i].trust] == trusts[i];
	if (same)
		return;
	for (size_t i = 0; i < thread->num_frames && i < 20; i++)
		print_error("#%zu 0x%jx %c\n", i, (uintmax_t)thread->frames[i].pc,
			letters[thread->frames[i].trust]);
	print_error("%s\n", thread->end_reason);
	_fail(file, line);
}

/* Frames by their pc, and a letter for the trust of each: conteXt, Cfi, Fp, Scan. */
#define assert_frames(trusts, ...)                                                                 \
	assert_frames_at(__FILE__, __LINE__, ARRAY_LEN(((uint64_t[]){__VA_ARGS__})),               \
		(uint64_t[]){__VA_ARGS__}, trusts)

static void assert_end(enum snap_end end, const char *reason)
{
	assert_string_equal(thread->end_reason, reason);
	assert_int_equal(thread->end, end);
}

/* ---------------------------------------------------------------- complete */

static void test_unwind_of_every_machine(void **state)
{
	(void)state;
	static const uint16_t machines[] = {EM_X86_64, EM_386, EM_AARCH64, EM_ARM, EM_RISCV};
	for (size_t i = 0; i < ARRAY_LEN(machines); i++) {
		begin_machine(machines[i]);
		put_return_addresses(IN_CALLER, IN_MAIN, IN_START);
		target_ready();
		unwind();
		assert_frames("xccc", IN_CALLEE, IN_CALLER, IN_MAIN, IN_START);
		assert_end(SNAP_END_COMPLETE, "outermost frame");
		static const uint64_t cfas[] = {CALLEE_CFA, CALLER_CFA, MAIN_CFA, MAIN_CFA + 16};
		for (size_t j = 0; j < 4; j++) {
			assert_true(thread->frames[j].has_cfa);
			assert_int_equal(thread->frames[j].cfa, cfas[j]);
			assert_int_equal(thread->frames[j].exact_pc, j == 0);
			assert_false(thread->frames[j].is_signal);
			assert_int_equal(thread->frames[j].gap_bytes, 0);
			assert_ptr_equal(thread->frames[j].module, target_crash.modules);
		}
		assert_true(target_crash.modules[0].has_frame);
		assert_true(target_crash.modules[0].has_crashed_frame);
		assert_int_equal(thread->missing_bytes, 0);
		target_end();
	}
}

static void test_unwind_return_address_0(void **state)
{
	(void)state;
	begin();
	put_return_addresses(IN_CALLER, 0, IN_START);
	target_ready();
	unwind();
	assert_frames("xc", IN_CALLEE, IN_CALLER);
	assert_end(SNAP_END_COMPLETE, "return address 0");
	target_end();
}

/* A program's own start may say in no other way that it is the first. */
static void test_unwind_entry_point(void **state)
{
	(void)state;
	static const struct {
		unsigned int entry; /* from the start of the function */
		bool has_symbol;
		const char *reason; /* NULL: not the entry point */
	} cases[] = {
		{0, true, "the program's entry point"},
		{0x40, true, "the program's entry point"}, /* within the symbol */
		{0x100, true, NULL},
		{0, false, "the program's entry point"},
		{0x22, false, NULL}, /* behind the pc */
		{(unsigned int)-0x40, false, NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin();
		put_return_addresses(IN_CALLER, IN_MAIN, AT(OTHER + 0x20));
		target_call(OTHER + 0x20, MAIN);
		target_entry = OTHER + cases[i].entry;
		if (cases[i].has_symbol)
			target_symbol("_start", OTHER, LEN);
		target_ready();
		unwind();
		assert_frames("xccc", IN_CALLEE, IN_CALLER, IN_MAIN, AT(OTHER + 0x20));
		if (cases[i].reason)
			assert_end(SNAP_END_COMPLETE, cases[i].reason);
		else
			assert_end(SNAP_END_UNAVAILABLE, "no unwind information covers the pc");
		target_end();
	}
}

/* Without a symbol it is a guess, and gives way to a caller that is found. */
static void test_unwind_entry_point_only_if_nothing_called_it(void **state)
{
	(void)state;
	begin();
	put_return_addresses(IN_CALLER, AT(OTHER + 0x20), 0);
	target_call(OTHER + 0x20, CALLER);
	target_entry = OTHER;
	target_word(MAIN_CFA + 8, IN_START);
	target_ready();
	unwind();
	assert_frames("xccs", IN_CALLEE, IN_CALLER, AT(OTHER + 0x20), IN_START);
	assert_end(SNAP_END_COMPLETE, "outermost frame");
	target_end();
}

/* makecontext(3) puts the start of a function where a return address belongs. */
static void test_unwind_return_to_a_functions_start(void **state)
{
	(void)state;
	for (int has_symbol = 0; has_symbol < 2; has_symbol++) {
		begin();
		target_describe(OTHER, LEN, false, "\x0c\7\x20\x90\1", 5);
		if (has_symbol)
			target_symbol("other", OTHER, LEN);
		put_return_addresses(IN_CALLER, AT(OTHER), 0x1234);
		target_word(CALLER_CFA + 32 - 8, 0x1234);
		target_ready();
		unwind();
		assert_frames("xcc", IN_CALLEE, IN_CALLER, AT(OTHER));
		assert_end(SNAP_END_COMPLETE, "outermost frame: nothing called it");
		assert_true(thread->frames[2].exact_pc);
		target_end();
	}
}

/* ---------------------------------------------------------------- damaged */

static void test_unwind_smashed_return_address(void **state)
{
	(void)state;
	/* Nothing else is on the stack. */
	begin();
	put_return_addresses(UINT64_C(0x4141414141414141), 0, 0);
	target_ready();
	unwind();
	assert_frames("x", IN_CALLEE);
	assert_end(SNAP_END_CORRUPT, "the return address 0x4141414141414141 is not in code");
	target_end();

	/* The callers are. */
	begin();
	put_return_addresses(IN_CALLER, UINT64_C(0x4141414141414141), IN_START);
	target_word(MAIN_CFA - 0x10, IN_MAIN);
	target_word(MAIN_CFA - 0x10 + 64, IN_START);
	target_ready();
	unwind();
	assert_frames("xcsc", IN_CALLEE, IN_CALLER, IN_MAIN, IN_START);
	assert_end(SNAP_END_COMPLETE, "outermost frame");
	target_end();

	/* Into the stack, into data, behind the last mapping. */
	static const uint64_t values[] = {SP, AT(TARGET_DATA + 8), UINT64_C(0xffffffffffffffff)};
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		begin();
		put_return_addresses(IN_CALLER, values[i], 0);
		target_ready();
		unwind();
		assert_frames("xc", IN_CALLEE, IN_CALLER);
		assert_int_equal(thread->end, SNAP_END_CORRUPT);
		assert_non_null(strstr(thread->end_reason, "is not in code"));
		target_end();
	}
}

/* Behind a guess, what call frame information leads to must be behind a call. */
static void test_unwind_behind_a_guess(void **state)
{
	(void)state;
	static const uint64_t wrong[] = {IN_MAIN + 2, AT(MAIN), AT(OTHER)};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		for (int has_more = 0; has_more < 2; has_more++) {
			begin();
			target_function("other", OTHER, LEN, 16);
			/* A jump to 0: caller() is a guess then. */
			target_word(SP, IN_CALLER);
			target_word(SP + 8 + 48 - 8, wrong[i]);
			memset(target_stack(SP + 64), 0, 0x100);
			if (has_more)
				target_word(SP + 80, IN_START);
			target_ready();
			unwind_from(0, SP);
			if (has_more) {
				assert_frames("xss", 0, IN_CALLER, IN_START);
				assert_end(SNAP_END_COMPLETE, "outermost frame");
			} else {
				char text[100];
				(void)snprintf(text, sizeof(text),
					"no call ends at 0x%jx, the return address",
					(uintmax_t)wrong[i]);
				assert_frames("xs", 0, IN_CALLER);
				assert_end(SNAP_END_CORRUPT, text);
			}
			target_end();
		}
	/* Where nothing was guessed it is followed, but a guess itself; once. */
	begin();
	put_return_addresses(IN_CALLER, IN_MAIN + 2, IN_START);
	target_ready();
	unwind();
	assert_frames("xcsc", IN_CALLEE, IN_CALLER, IN_MAIN + 2, IN_START);
	put_return_addresses(IN_CALLER + 2, IN_MAIN + 2, 0);
	unwind();
	assert_frames("xs", IN_CALLEE, IN_CALLER + 2);
	assert_int_equal(thread->end, SNAP_END_CORRUPT);
	target_end();
}

/* Of a module whose file is not at hand nothing can be proved; but what can is not its caller. */
static void test_unwind_through_a_module_without_a_file(void **state)
{
	(void)state;
	const uint64_t first = TARGET_ANON + 0x100, second = TARGET_ANON + 0x200;
	for (int i = 0; i < 4; i++) {
		begin_machine(EM_X86_64);
		target_word(SP + 8, TARGET_STACK);
		target_word(SP + 16, second);
		target_word(SP + 32, TARGET_ANON + 0x300);
		if (i != 1)
			target_word(SP + 48, IN_START);
		/* No call ends there. */
		static const uint8_t nops[16] = {0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90,
			0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90};
		if (i == 2)
			target_memory(second - sizeof(nops), nops, sizeof(nops));
		target_ready();
		struct snap_crash_module modules[] = {
			target_crash.modules[0],
			{.record = {.start = TARGET_ANON,
				 .end = TARGET_ANON + TARGET_ANON_LEN,
				 .has_load_bias = true,
				 .load_bias = TARGET_ANON}},
		};
		struct snap_crash_module *only = target_crash.modules;
		target_crash.modules = modules;
		target_crash.num_modules = i == 3 ? 1 : 2;
		unwind_from(first, SP);
		if (i == 0)
			assert_frames("xsss", first, second, TARGET_ANON + 0x300, IN_START);
		else if (i == 1)
			assert_frames("x", first);
		else if (i == 2)
			assert_frames("xss", first, TARGET_ANON + 0x300, IN_START);
		else
			assert_frames("xs", first, IN_START);
		target_crash.modules = only;
		target_crash.num_modules = 1;
		target_end();
	}
}

static void test_unwind_jump_to_nowhere(void **state)
{
	(void)state;
	static const uint64_t pcs[] = {0, 8, AT(TARGET_DATA), SP, UINT64_MAX, 0x4141414141};
	for (size_t i = 0; i < ARRAY_LEN(pcs); i++) {
		begin();
		target_word(SP, IN_CALLER);
		target_word(SP + 8 + 48 - 8, IN_MAIN);
		target_word(SP + 8 + 48 + 64 - 8, IN_START);
		target_ready();
		unwind_from(pcs[i], SP);
		assert_frames("xscc", pcs[i], IN_CALLER, IN_MAIN, IN_START);
		assert_end(SNAP_END_COMPLETE, "outermost frame");
		target_end();
	}
	static const uint16_t machines[] = {EM_AARCH64, EM_ARM, EM_RISCV};
	for (size_t i = 0; i < ARRAY_LEN(machines); i++) {
		begin_machine(machines[i]);
		unsigned int word = target_word_len();
		target_word(SP + 48 - word, IN_MAIN);
		target_word(SP + 48 + 64 - word, IN_START);
		target_ready();
		struct snap_registers registers = target_registers(0, SP);
		snap_register_set(&registers, target_lr(), IN_CALLER);
		target_unwind(&registers, 100);
		assert_frames("xscc", 0, IN_CALLER, IN_MAIN, IN_START);
		assert_end(SNAP_END_COMPLETE, "outermost frame");
		target_end();
	}
	/* Without the module's file the return address is all that there is; but it is in code. */
	begin();
	target_word(SP, IN_CALLER);
	target_ready();
	target_crash.modules[0].object = NULL;
	unwind_from(0, SP);
	assert_frames("xs", 0, IN_CALLER);
	assert_int_equal(thread->end, SNAP_END_UNAVAILABLE);
	target_end();
	begin();
	target_word(SP, AT(TARGET_DATA));
	target_ready();
	target_crash.modules[0].object = NULL;
	unwind_from(0, SP);
	assert_frames("x", 0);
	target_end();
	/* Nothing tells from where. */
	begin();
	put_return_addresses(0, 0, 0);
	target_ready();
	unwind_from(0, SP);
	assert_frames("x", 0);
	assert_end(SNAP_END_CORRUPT, "no code is there, and nothing tells who jumped there");
	target_end();
}

/* ---------------------------------------------------------------- progress */

static void test_unwind_cfa_must_grow(void **state)
{
	(void)state;
	static const uint64_t next_r3[] = {
		SP,	   /* the same again */
		SP - 0x40, /* down */
		SP + 0x40, /* up, to the end */
	};
	for (size_t i = 0; i < ARRAY_LEN(next_r3); i++) {
		target_begin(EM_X86_64);
		/* CFA = rbx + 16; rip at -8, rbx at -16. */
		target_describe(CALLEE, LEN, false, "\x0c\3\x10\x90\1\x83\2", 7);
		target_symbol("callee", CALLEE, LEN);
		target_call(CALLEE + 0x20, CALLEE);
		target_word(SP, next_r3[i]);
		target_word(SP + 8, AT(CALLEE + 0x20));
		target_word(SP - 0x40, SP - 0x80);
		target_word(SP - 0x40 + 8, AT(CALLEE + 0x20));
		target_ready();
		struct snap_registers registers = target_registers(IN_CALLEE, SP - 0x100);
		snap_register_set(&registers, 3, SP);
		target_unwind(&registers, 1000);
		assert_frames("xc", IN_CALLEE, AT(CALLEE + 0x20));
		if (next_r3[i] > SP)
			assert_end(SNAP_END_COMPLETE, "return address 0");
		else
			assert_end(SNAP_END_CORRUPT, "the stack does not go on towards its base");
		target_end();
	}
}

/* Where calls push nothing, the innermost function may have no frame; the others must have one. */
static void test_unwind_frameless_functions(void **state)
{
	(void)state;
	for (int depth = 1; depth <= 2; depth++) {
		target_begin(EM_AARCH64);
		/* CFA = sp, x30 as it is; then CFA = sp and x30 in x19. */
		target_describe(CALLEE, LEN, false, "\x0c\x1f\0", 3);
		target_symbol("callee", CALLEE, LEN);
		target_describe(CALLER, LEN, false, "\x0c\x1f\0\x09\x1e\x13", 6);
		target_symbol("caller", CALLER, LEN);
		target_outermost("start", START, LEN);
		target_call(CALLER + 0x20, CALLEE);
		target_call(START + 0x20, CALLER);
		target_call(CALLER + 0x30, CALLER);
		target_ready();
		struct snap_registers registers = target_registers(IN_CALLEE, SP);
		snap_register_set(&registers, 30, depth == 1 ? IN_START : IN_CALLER);
		snap_register_set(&registers, 19, AT(CALLER + 0x30));
		target_unwind(&registers, 1000);
		if (depth == 1) {
			assert_frames("xc", IN_CALLEE, IN_START);
			assert_end(SNAP_END_COMPLETE, "outermost frame");
		} else {
			assert_frames("xcc", IN_CALLEE, IN_CALLER, AT(CALLER + 0x30));
			assert_end(SNAP_END_CORRUPT, "the stack does not go on towards its base");
		}
		target_end();
	}
}

/* ---------------------------------------------------------------- signals */

/* On x86-64: mov $15, %rax; syscall. The frame that it finds has rsp and rip at these offsets. */
static const uint8_t trampoline[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
enum { SIGFRAME_RSP = 40 + 15 * 8, SIGFRAME_RIP = 40 + 16 * 8 };

static void test_unwind_signal_frame(void **state)
{
	(void)state;
	/* The handler's stack below the interrupted one, above it, and what was interrupted. */
	static const struct {
		int64_t off;
		uint64_t pc;
	} cases[] = {{-0x800, IN_CALLEE}, {0x8000, IN_CALLEE}, {-0x800, 0}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t handler_sp = SP + (uint64_t)cases[i].off;
		begin();
		target_function("handler", OTHER, LEN, 32);
		target_memory(TARGET_ANON, trampoline, sizeof(trampoline));
		target_word(handler_sp + 24, TARGET_ANON);
		target_word(handler_sp + 32 + SIGFRAME_RSP, cases[i].pc ? SP : CALLEE_CFA - 8);
		target_word(handler_sp + 32 + SIGFRAME_RIP, cases[i].pc);
		target_ready();
		unwind_from(AT(OTHER + 0x10), handler_sp);
		assert_frames(cases[i].pc ? "xccccc" : "xccscc", AT(OTHER + 0x10), TARGET_ANON,
			cases[i].pc, IN_CALLER, IN_MAIN, IN_START);
		assert_end(SNAP_END_COMPLETE, "outermost frame");
		assert_true(thread->frames[1].is_signal);
		assert_false(thread->frames[1].exact_pc);
		assert_true(thread->frames[2].exact_pc);
		assert_false(thread->frames[2].is_signal);
		target_end();
	}
}

/* A trampoline with a row of its own that begins where the handler returns to. */
static void test_unwind_signal_frame_by_cfi(void **state)
{
	(void)state;
	begin();
	/* CFA = rsp + 16; rip at -16, rsp at -8: of a frame made up. */
	target_describe(OTHER, 0x10, true, "\x0c\7\x10\x90\2\x87\1", 7);
	target_function("handler", OTHER + 0x80, LEN, 32);
	target_word(SP - 0x100 + 24, AT(OTHER));
	target_word(SP - 0x100 + 32, IN_CALLEE);
	target_word(SP - 0x100 + 40, SP);
	target_ready();
	unwind_from(AT(OTHER + 0x90), SP - 0x100);
	assert_frames(
		"xccccc", AT(OTHER + 0x90), AT(OTHER), IN_CALLEE, IN_CALLER, IN_MAIN, IN_START);
	assert_true(thread->frames[1].is_signal);
	assert_true(thread->frames[2].exact_pc);
	target_end();
}

/* ---------------------------------------------------------------- captured in parts */

static void test_unwind_truncated(void **state)
{
	(void)state;
	begin();
	target_capture(SP, CALLER_CFA - 8);
	target_ready();
	unwind();
	char text[100];
	(void)snprintf(text, sizeof(text),
		"the stack at 0x%jx, which is needed next, was not captured",
		(uintmax_t)(CALLER_CFA - 8));
	assert_frames("xc", IN_CALLEE, IN_CALLER);
	assert_end(SNAP_END_TRUNCATED, text);
	assert_int_equal(thread->missing_bytes, TARGET_STACK_END - (CALLER_CFA - 8));
	assert_int_equal(thread->frames[1].gap_bytes, 0);
	target_end();

	/* It was captured again, but nothing is there. */
	begin();
	target_capture(SP, CALLER_CFA - 8);
	target_capture(TARGET_STACK_END - 0x1000, TARGET_STACK_END);
	target_ready();
	unwind();
	assert_frames("xc", IN_CALLEE, IN_CALLER);
	assert_end(SNAP_END_TRUNCATED, text);
	assert_int_equal(thread->missing_bytes, TARGET_STACK_END - 0x1000 - (CALLER_CFA - 8));
	target_end();

	/* Not a word of it. */
	begin();
	target_capture(TARGET_STACK, TARGET_STACK + 8);
	target_ready();
	unwind();
	assert_frames("x", IN_CALLEE);
	assert_int_equal(thread->end, SNAP_END_TRUNCATED);
	assert_int_equal(thread->missing_bytes, TARGET_STACK_END - (CALLEE_CFA - 8));
	target_end();

	/* Where no stack is: that is no part that was left out. */
	begin();
	target_ready();
	unwind_from(IN_CALLEE, TARGET_STACK_END - 24);
	assert_frames("x", IN_CALLEE);
	assert_int_equal(thread->end, SNAP_END_CORRUPT);
	assert_non_null(strstr(thread->end_reason, "where no stack is"));
	assert_int_equal(thread->missing_bytes, 0);
	target_end();
}

/* Where mappings were left out, what is in none may be a stack all the same. */
static void test_unwind_without_all_mappings(void **state)
{
	(void)state;
	for (int lacks = 0; lacks < 2; lacks++) {
		struct snap_omission omission = {.what = SNAP_OMITTED_MAPPING};
		begin();
		target_crash.omissions = &omission;
		target_crash.num_omissions = (size_t)lacks;
		target_ready();
		unwind_from(IN_CALLEE, TARGET_STACK_END - 24);
		assert_frames("x", IN_CALLEE);
		assert_int_equal(thread->end, lacks ? SNAP_END_TRUNCATED : SNAP_END_CORRUPT);
		target_end();
	}
}

/* Both ends of a recursion of caller() and other(): 48 and 16 bytes of stack each time. */
static void test_unwind_over_a_gap(void **state)
{
	(void)state;
	enum { TOP = 10, CYCLE = 64, GAP = 0x8000 };
	begin();
	target_function("other", OTHER, LEN, 16);
	target_call(CALLER + 0x40, OTHER);
	target_call(OTHER + 0x40, CALLER);
	/* Of frames that are no part of it, size does not matter. */
	target_function("large", OTHER + 0x100, LEN, 0x800);
	target_call(OTHER + 0x120, CALLEE);
	target_call(CALLER + 0x60, OTHER + 0x100);
	uint64_t at = SP;
	target_word(at + 24, AT(OTHER + 0x120));
	target_word(at + 32 + 0x800 - 8, AT(CALLER + 0x60));
	at += 32 + 0x800;
	for (int i = 0; i < TOP; i++) {
		target_word(at + 48 - 8, AT(OTHER + 0x40));
		target_word(at + 48 + 16 - 8, AT(CALLER + 0x40));
		at += CYCLE;
	}
	/* The base begins within a frame of caller(), as the kernel's limits may have it. */
	uint64_t base = at + GAP;
	target_word(base, IN_START); /* left over: start() calls neither of them */
	target_word(base + 24, AT(CALLER + 0x40));
	target_word(base + 32 + 48 - 8, IN_MAIN);
	target_word(base + 32 + 48 + 64 - 8, IN_START);
	target_capture(SP, at);
	target_capture(base, base + 0x1000);
	target_crash.is_core = true;
	target_ready();
	unwind();
	assert_int_equal(thread->num_frames, 3 + 2 * TOP + 3);
	const struct snap_frame *last = &thread->frames[2 + 2 * TOP];
	assert_int_equal(last->pc, AT(CALLER + 0x40));
	/* Its own return address is the first word that is not there. */
	uint64_t missing = at + 48 - 8;
	assert_int_equal(last->gap_bytes, base - missing);
	assert_int_equal(last->gap_frames, (base - missing) / (CYCLE / 2));
	assert_int_equal(last[1].pc, AT(CALLER + 0x40));
	assert_int_equal(last[1].trust, SNAP_TRUST_SCAN);
	assert_int_equal(last[2].pc, IN_MAIN);
	assert_int_equal(last[2].trust, SNAP_TRUST_CFI);
	assert_int_equal(last[3].pc, IN_START);
	assert_end(SNAP_END_COMPLETE, "outermost frame");
	assert_int_equal(thread->missing_bytes, 0);
	for (size_t i = 0; i < thread->num_frames; i++)
		assert_int_equal(thread->frames[i].gap_bytes != 0, &thread->frames[i] == last);
	target_end();
}

/* Without a cycle, what the frames take on the average. */
static void test_unwind_over_a_gap_without_recursion(void **state)
{
	(void)state;
	begin();
	uint64_t base = SP + 0x4000;
	target_word(base + 8, IN_START);
	target_capture(SP, CALLER_CFA);
	target_capture(base, base + 0x100);
	target_crash.is_core = true;
	target_ready();
	unwind();
	assert_frames("xccs", IN_CALLEE, IN_CALLER, IN_MAIN, IN_START);
	uint64_t bytes = base - (MAIN_CFA - 8);
	assert_int_equal(thread->frames[2].gap_bytes, bytes);
	assert_int_equal(thread->frames[2].gap_frames, bytes / ((MAIN_CFA - CALLEE_CFA) / 2));
	target_end();
}

/* The first part above may be another thread's; there are not many such. */
static void test_unwind_over_a_gap_of_several_parts(void **state)
{
	(void)state;
	for (unsigned int parts = 1; parts < 12; parts++) {
		begin();
		target_capture(SP, CALLER_CFA);
		for (unsigned int i = 1; i < parts; i++)
			target_capture(SP + i * 0x1000, SP + i * 0x1000 + 0x100);
		target_word(SP + parts * 0x1000 + 16, IN_START);
		target_capture(SP + parts * 0x1000, SP + parts * 0x1000 + 0x100);
		target_crash.is_core = true;
		target_ready();
		unwind();
		assert_int_equal(thread->num_frames, parts <= 8 ? 4 : 3);
		if (parts <= 8)
			assert_int_equal(
				thread->frames[2].gap_bytes, SP + parts * 0x1000 - (MAIN_CFA - 8));
		else
			assert_int_equal(thread->missing_bytes, SP + 0x1000 - (MAIN_CFA - 8));
		target_end();
	}
}

/* What leads to the outermost frame is better than what is left over before it. */
static void test_unwind_over_a_gap_to_the_best_candidate(void **state)
{
	(void)state;
	begin();
	uint64_t base = SP + 0x4000;
	target_word(base + 8, IN_MAIN);
	target_word(base + 8 + 64, 0x1234);
	target_word(base + 0x100, IN_CALLER);
	target_word(base + 0x108 + 48 - 8, IN_MAIN);
	target_word(base + 0x108 + 48 + 64 - 8, 0x1234);
	target_word(base + 0x200, IN_MAIN);
	target_word(base + 0x208 + 64 - 8, IN_START);
	target_word(base + 0x300, IN_START);
	target_capture(SP, CALLER_CFA);
	target_capture(base, base + 0x400);
	target_crash.is_core = true;
	target_ready();
	unwind();
	assert_frames("xccsc", IN_CALLEE, IN_CALLER, IN_MAIN, IN_MAIN, IN_START);
	assert_int_equal(thread->frames[3].regs[7], base + 0x208);
	target_end();
}

/*
 * What is left over below a live frame leads to it as well. But that frame's call goes to another
 * function by now.
 */
static void test_unwind_over_a_gap_past_what_is_left_over(void **state)
{
	(void)state;
	const uint64_t base = SP + 0x4000, main_ra = base + 0x140;
	for (int i = 0; i < 4; i++) {
		begin();
		target_function("large", OTHER, LEN, 0x128);
		target_function("middle", OTHER + 0x100, LEN, 16);
		target_symbol("entry", OTHER + 0x200, LEN);
		target_call_any(OTHER + 0x40);
		target_call_any(OTHER + 0x140);
		target_call(START + 0x20, MAIN);
		target_call(OTHER + 0x220, MAIN);
		if (i == 1)
			target_call_any(MAIN + 0x20);
		target_word(base + 8, AT(OTHER + 0x40));
		if (i < 2)
			target_word(main_ra - 64, IN_MAIN);
		target_word(main_ra - 16, AT(OTHER + 0x140));
		target_word(main_ra, i < 3 ? IN_START : AT(OTHER + 0x220));
		target_entry = OTHER + 0x200;
		target_capture(SP, CALLEE_CFA);
		target_capture(base, base + 0x200);
		target_crash.is_core = true;
		target_ready();
		unwind();
		if (i < 2)
			assert_frames("xcsc", IN_CALLEE, IN_CALLER, IN_MAIN, IN_START);
		else if (i == 2)
			assert_frames("xcs", IN_CALLEE, IN_CALLER, IN_START);
		else
			assert_frames("xcsss", IN_CALLEE, IN_CALLER, AT(OTHER + 0x40),
				AT(OTHER + 0x140), AT(OTHER + 0x220));
		/* Nothing proves that the last one's frames are this stack's. */
		assert_int_equal(thread->end, i < 3 ? SNAP_END_COMPLETE : SNAP_END_TRUNCATED);
		target_end();
	}
}

/* A function that stands there again is a cycle, too, if no more was captured. */
static void test_unwind_over_a_gap_of_large_frames(void **state)
{
	(void)state;
	enum { FRAME = 16, CYCLE = 48 + FRAME, LARGE = 0x800 };
	const uint64_t base = SP + 0x4000;
	begin();
	target_function("other", OTHER, LEN, FRAME);
	target_call(CALLER + 0x40, OTHER);
	target_call(OTHER + 0x40, CALLER);
	target_call(MAIN + 0x20, OTHER);
	/* What it called is no part of it. */
	target_function("large", OTHER + 0x100, LEN, LARGE);
	target_call(CALLER + 0x60, OTHER + 0x100);
	target_word(SP + LARGE - 8, AT(CALLER + 0x60));
	target_word(SP + LARGE + 48 - 8, AT(OTHER + 0x40));
	target_word(SP + LARGE + CYCLE - 8, AT(CALLER + 0x40));
	/* That one leads to the end as well, and is there first. */
	target_word(base + 8, IN_START);
	target_word(base + 16, IN_MAIN);
	target_word(base + 24 + 64 - 8, IN_START);
	target_capture(SP, SP + LARGE + CYCLE);
	target_capture(base, base + 0x100);
	target_crash.is_core = true;
	target_ready();
	unwind_from(AT(OTHER + 0x110), SP);
	assert_frames("xcccsc", AT(OTHER + 0x110), AT(CALLER + 0x60), AT(OTHER + 0x40),
		AT(CALLER + 0x40), IN_MAIN, IN_START);
	uint64_t bytes = base - (SP + LARGE + CYCLE + 48 - 8);
	assert_int_equal(thread->frames[3].gap_bytes, bytes);
	assert_int_equal(thread->frames[3].gap_frames, bytes / (CYCLE / 2));
	target_end();
}

/* The handler ran on a stack of its own, which lies above the one that was interrupted. */
static void test_unwind_over_a_gap_not_back_to_where_it_was(void **state)
{
	(void)state;
	const uint64_t handler_sp = SP + 0x2000, base = SP + 0x4000;
	begin();
	target_function("handler", OTHER, LEN, 32);
	target_memory(TARGET_ANON, trampoline, sizeof(trampoline));
	target_word(handler_sp + 24, TARGET_ANON);
	target_word(handler_sp + 32 + SIGFRAME_RSP, SP);
	target_word(handler_sp + 32 + SIGFRAME_RIP, IN_CALLEE);
	target_word(handler_sp + 0x300, IN_START);
	target_word(base + 8, IN_START);
	target_capture(SP, CALLER_CFA);
	target_capture(handler_sp, handler_sp + 0x400);
	target_capture(base, base + 0x100);
	target_crash.is_core = true;
	target_ready();
	unwind_from(AT(OTHER + 0x10), handler_sp);
	assert_frames(
		"xccccs", AT(OTHER + 0x10), TARGET_ANON, IN_CALLEE, IN_CALLER, IN_MAIN, IN_START);
	assert_int_equal(thread->frames[4].gap_bytes, base - (MAIN_CFA - 8));
	target_end();
}

/* A snapshot says of each thread what was left out of its stack: nothing else is a gap. */
static void test_unwind_over_a_gap_only_if_it_is_one(void **state)
{
	(void)state;
	static const struct {
		struct snap_omission omission;
		bool is_gap;
	} cases[] = {
		{{.what = SNAP_OMITTED_STACK, .tid = 1, .address = CALLER_CFA, .bytes = 0x1000},
			true},
		{{.what = SNAP_OMITTED_STACK, .tid = 2, .address = CALLER_CFA, .bytes = 0x1000},
			false},
		{{.what = SNAP_OMITTED_STACK, .tid = 1, .address = CALLER_CFA, .bytes = 8}, false},
		{{.what = SNAP_OMITTED_STACK, .tid = 1, .address = MAIN_CFA, .bytes = 8}, false},
		{{.what = SNAP_OMITTED_STACK, .tid = 1, .address = UINT64_MAX, .bytes = 2}, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct snap_omission omission = cases[i].omission;
		omission.has_tid = omission.has_range = true;
		begin();
		target_word(SP + 0x1000, IN_START);
		target_capture(SP, CALLER_CFA);
		target_capture(SP + 0x1000, SP + 0x1100);
		target_crash.omissions = &omission;
		target_crash.num_omissions = 1;
		target_ready();
		unwind();
		if (thread->num_frames != (cases[i].is_gap ? 4 : 3))
			fail_msg("case %zu", i);
		assert_int_equal(
			thread->end, cases[i].is_gap ? SNAP_END_COMPLETE : SNAP_END_TRUNCATED);
		target_end();
	}
}

/* ---------------------------------------------------------------- registers */

static void test_unwind_registers_of_callers(void **state)
{
	(void)state;
	begin();
	/* CFA = rsp + 32; rip at -8, rbx at -16, r12 in memory that was not captured. */
	target_describe(OTHER, LEN, false, "\x0c\7\x20\x90\1\x83\2\x8c\x80\x80\4", 11);
	target_symbol("other", OTHER, LEN);
	target_call(CALLER + 0x40, OTHER);
	target_word(SP + 24, AT(CALLER + 0x40));
	target_word(SP + 16, 0x3333);
	target_word(SP + 32 + 48 - 8, IN_MAIN);
	target_word(SP + 32 + 48 + 64 - 8, IN_START);
	target_ready();
	struct snap_registers registers = target_registers(AT(OTHER + 0x10), SP);
	enum { RAX = 0, RBX = 3, RSP = 7, R12 = 12, R13 = 13, RIP = 16 };
	snap_register_set(&registers, RAX, 0xaaaa);
	snap_register_set(&registers, RBX, 0xbbbb);
	snap_register_set(&registers, R12, 0xcccc);
	snap_register_set(&registers, R13, 0xdddd);
	target_unwind(&registers, 1000);
	assert_frames("xccc", AT(OTHER + 0x10), AT(CALLER + 0x40), IN_MAIN, IN_START);
	const struct snap_frame *f = thread->frames;
	assert_int_equal(f[0].regs[RBX], 0xbbbb);
	assert_int_equal(f[0].known_regs, (1u << 17) - 1);
	for (int i = 1; i < 4; i++) {
		assert_false(f[i].known_regs >> RAX & 1); /* calls do not preserve it */
		assert_true(f[i].known_regs >> RBX & 1);
		assert_int_equal(f[i].regs[RBX], 0x3333);
		assert_false(f[i].known_regs >> R12 & 1);
		assert_true(f[i].known_regs >> R13 & 1);
		assert_int_equal(f[i].regs[R13], 0xdddd);
		assert_true(f[i].known_regs >> RSP & 1);
		assert_int_equal(f[i].regs[RSP], f[i - 1].cfa);
		assert_int_equal(f[i].regs[RIP], f[i].pc);
	}
	target_end();
}

/* Where aarch64's records are not at the top of their frames, the next frame finds itself by its
 * own record. */
static void test_unwind_cfa_by_the_frame_record(void **state)
{
	(void)state;
	const uint64_t record = SP + 0x40;
	begin_machine(EM_AARCH64);
	target_symbol("bare", OTHER, LEN);
	/* CFA = sp + 96; x29 at -96, x30 at -88: the record is at the bottom. */
	target_describe(OTHER + 0x100, LEN, false, "\x0c\x1f\xe0\0\x9d\x0c\x9e\x0b", 8);
	target_symbol("recorded", OTHER + 0x100, LEN);
	target_call(OTHER + 0x120, OTHER);
	target_call(MAIN + 0x40, OTHER + 0x100);
	target_word(SP, record);
	target_word(SP + 8, AT(OTHER + 0x120));
	target_word(record, record + 0x100);
	target_word(record + 8, AT(MAIN + 0x40));
	target_word(record + 96 + 64 - 8, IN_START);
	target_ready();
	struct snap_registers registers = target_registers(AT(OTHER + 0x10), SP - 0x20);
	snap_register_set(&registers, target_fp(), SP);
	target_unwind(&registers, 1000);
	assert_frames("xfcc", AT(OTHER + 0x10), AT(OTHER + 0x120), AT(MAIN + 0x40), IN_START);
	assert_false(thread->frames[0].has_cfa);
	assert_int_equal(thread->frames[1].cfa, record + 96);
	assert_end(SNAP_END_COMPLETE, "outermost frame");
	target_end();
}

static void test_unwind_pac_mask_of_the_thread(void **state)
{
	(void)state;
	static const uint8_t wide[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0x7f, 0};
	const struct snap_regset regsets[] = {
		{NT_ARM_PAC_MASK, {wide, 15}}, /* cut */
		{NT_ARM_PAC_MASK, {wide, sizeof(wide)}},
	};
	for (size_t first = 0; first < 2; first++) {
		begin_machine(EM_AARCH64);
		bool is_whole = first == 1;
		put_return_addresses(IN_CALLER | UINT64_C(0x2a5500000000) << 8,
			is_whole ? IN_MAIN : 0, is_whole ? IN_START : 0);
		target_thread.record.regsets = regsets + first;
		target_thread.record.num_regsets = 1;
		target_ready();
		unwind();
		if (!is_whole) {
			assert_frames("x", IN_CALLEE);
		} else {
			assert_frames("xccc", IN_CALLEE, IN_CALLER, IN_MAIN, IN_START);
			/* What the variable reader gets is the address, too. */
			assert_int_equal(thread->frames[1].regs[30], IN_CALLER);
		}
		target_end();
	}
}

/* An address of the kernel is no signed one of the process. */
static void test_unwind_kernel_addresses_are_not_stripped(void **state)
{
	(void)state;
	begin_machine(EM_AARCH64);
	put_return_addresses(UINT64_C(0xffff800008001220), 0, 0);
	target_ready();
	unwind();
	assert_frames("x", IN_CALLEE);
	assert_end(SNAP_END_CORRUPT, "the return address 0xffff800008001220 is not in code");
	target_end();
}

/* ---------------------------------------------------------------- nothing to go by */

static void test_unwind_reasons_without_unwind_information(void **state)
{
	(void)state;
	begin();
	target_ready();
	unwind_from(TARGET_ANON + 0x10, SP - 8 - 0x40000);
	assert_frames("x", TARGET_ANON + 0x10);
	assert_end(SNAP_END_UNAVAILABLE, "the pc is in memory that belongs to no module");
	target_crash.modules[0].object = NULL;
	target_crash.modules[0].why = "it is away";
	unwind();
	assert_frames("x", IN_CALLEE);
	assert_end(SNAP_END_UNAVAILABLE,
		"the unwind information of its module is not at hand (it is away)");
	target_crash.modules[0].object = target_object;
	put_return_addresses(0, 0, 0);
	unwind_from(AT(OTHER), SP);
	assert_frames("x", AT(OTHER));
	assert_end(SNAP_END_UNAVAILABLE, "no unwind information covers the pc");
	target_end();
}

static void test_unwind_threads_without_a_stack(void **state)
{
	(void)state;
	const struct snap_options all = {.max_frames = 100};
	const struct snap_options one = {.max_frames = 100, .only_crashed_thread = true};
	struct snap_crash_thread threads[2] = {{.crashed = true}, {.crashed = false}};
	begin();
	target_ready();
	target_crash.threads = threads;
	target_crash.num_threads = 2;
	threads[1].record.has_state = true;
	threads[1].record.state = SNAP_THREAD_INACTIVE;
	assert_int_equal(snap_unwind(&target_crash, &all, NULL), 0);
	assert_int_equal(threads[0].end, SNAP_END_UNAVAILABLE);
	assert_string_equal(threads[0].end_reason, "its registers were not captured");
	assert_string_equal(threads[1].end_reason, "it had ended already");
	assert_int_equal(snap_unwind(&target_crash, &one, NULL), 0);
	assert_string_equal(threads[1].end_reason, "not asked for");
	assert_int_equal(threads[1].end, SNAP_END_LIMIT);
	target_crash.arch = NULL;
	assert_int_equal(snap_unwind(&target_crash, &all, NULL), 0);
	assert_int_equal(threads[0].end, SNAP_END_UNAVAILABLE);
	assert_string_equal(threads[0].end_reason, "the machine's registers are not known");
	target_end();
}

/* ---------------------------------------------------------------- limits */

static void test_unwind_max_frames(void **state)
{
	(void)state;
	begin();
	target_ready();
	struct snap_registers registers = target_registers(IN_CALLEE, SP);
	for (size_t max = 1; max < 6; max++) {
		target_unwind(&registers, max);
		assert_int_equal(thread->num_frames, max < 4 ? max : 4);
		if (max < 4)
			assert_end(SNAP_END_LIMIT, "the limit on frames was reached");
		else if (max > 4)
			assert_end(SNAP_END_COMPLETE, "outermost frame");
	}
	target_end();
}

/* The first store of a prologue failed: the function has no frame yet, nor has its stack room. */
static void test_unwind_from_the_very_beginning_of_a_stack(void **state)
{
	(void)state;
	static const uint8_t no_frame[] = {0x0c, 31, 0}; /* DW_CFA_def_cfa sp 0 */
	begin_machine(EM_AARCH64);
	target_symbol("other", OTHER, LEN);
	target_describe(OTHER, LEN, false, no_frame, sizeof(no_frame));
	target_word(TARGET_STACK + 48 - 8, IN_MAIN);
	target_word(TARGET_STACK + 48 + 64 - 8, IN_START);
	target_ready();
	struct snap_registers registers = target_registers(AT(OTHER + 0x10), TARGET_STACK);
	snap_register_set(&registers, target_lr(), IN_CALLER);
	target_unwind(&registers, 100);
	assert_frames("xccc", AT(OTHER + 0x10), IN_CALLER, IN_MAIN, IN_START);
	assert_end(SNAP_END_COMPLETE, "outermost frame");
	target_end();
}

/* Unless asked for, the middle of a very deep stack is counted, but not listed. */
static void test_unwind_both_ends_of_a_deep_stack(void **state)
{
	(void)state;
	enum { FIRST = SNAP_DEFAULT_MAX_FRAMES };
	begin();
	target_function("other", OTHER, LEN, 8);
	target_call(OTHER + 0x20, OTHER);
	for (uint64_t addr = TARGET_STACK; addr < TARGET_STACK_END - 8; addr += 8)
		target_word(addr, AT(OTHER + 0x20));
	target_word(TARGET_STACK_END - 8, IN_START);
	target_ready();
	struct snap_registers registers = target_registers(AT(OTHER + 0x10), TARGET_STACK);
	size_t num = TARGET_STACK_LEN / 8 + 1;
	target_unwind(&registers, FIRST);
	assert_end(SNAP_END_COMPLETE, "outermost frame");
	assert_in_range(thread->num_frames, FIRST + SNAP_WALK_BASE_FRAMES,
		FIRST + 2 * SNAP_WALK_BASE_FRAMES);
	const struct snap_frame *last = &thread->frames[FIRST - 1];
	assert_true(last->is_gap_unlisted);
	assert_int_equal(last->gap_frames, num - thread->num_frames);
	assert_int_equal(last->gap_bytes, last[1].cfa - last->cfa);
	assert_int_equal(thread->frames[thread->num_frames - 1].pc, IN_START);
	for (size_t i = 0; i + 1 < thread->num_frames; i++) {
		uint64_t sp = thread->frames[i].regs[snap_sp_column(target_crash.arch)];
		assert_int_equal(thread->frames[i].cfa, sp + 8);
		assert_int_equal(thread->frames[i].gap_frames != 0, &thread->frames[i] == last);
	}
	/* Asked for, they all are, or so many. */
	target_unwind(&registers, num);
	assert_int_equal(thread->num_frames, num);
	target_unwind(&registers, FIRST + 1);
	assert_int_equal(thread->num_frames, FIRST + 1);
	assert_int_equal(thread->end, SNAP_END_LIMIT);
	target_end();
}

/* Any number of threads can have the same deep stack. */
static void test_unwind_frames_in_all(void **state)
{
	(void)state;
	enum { THREADS = 10, MAX = 262144 };
	struct snap_crash_thread threads[THREADS];
	begin();
	target_function("other", OTHER, LEN, 8);
	target_call(OTHER + 0x20, OTHER);
	for (uint64_t addr = TARGET_STACK; addr < TARGET_STACK_END; addr += 8)
		target_word(addr, AT(OTHER + 0x20));
	target_ready();
	unwind_from(AT(OTHER + 0x10), TARGET_STACK);
	size_t num = TARGET_STACK_LEN / 8 + 1, left = MAX;
	assert_int_equal(thread->num_frames, 1000);
	for (size_t i = 0; i < THREADS; i++)
		threads[i] = target_thread;
	target_crash.threads = threads;
	target_crash.num_threads = THREADS;
	const struct snap_options options = {.max_frames = SIZE_MAX};
	assert_int_equal(snap_unwind(&target_crash, &options, NULL), 0);
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(threads[i].num_frames, num < left ? num : left);
		if (left < num)
			assert_int_equal(threads[i].end, SNAP_END_LIMIT);
		left -= threads[i].num_frames;
	}
	assert_int_equal(left, 0);
	target_end();
}

/* A stack of nothing but gaps, each of which takes a look at all frames so far. */
static void test_unwind_gaps_in_all(void **state)
{
	(void)state;
	enum { THREADS = 20, STRIDE = 72 };
	static struct snap_crash_thread threads[THREADS];
	begin();
	target_function("other", OTHER, LEN, 64);
	target_call(OTHER + 0x20, OTHER);
	/* The next return address is 56 bytes behind each, and the next part behind that. */
	for (uint64_t addr = TARGET_STACK; addr + STRIDE <= TARGET_STACK_END; addr += STRIDE) {
		target_word(addr, AT(OTHER + 0x20));
		target_capture(addr, addr + 8);
	}
	target_crash.is_core = true;
	target_ready();
	struct snap_registers registers = target_registers(AT(OTHER + 0x10), TARGET_STACK);
	target_unwind(&registers, SIZE_MAX);
	assert_int_equal(thread->num_frames, TARGET_STACK_LEN / STRIDE);
	assert_int_equal(thread->frames[100].gap_bytes, STRIDE - 64);
	assert_int_equal(thread->frames[100].trust, SNAP_TRUST_SCAN);
	for (size_t i = 0; i < THREADS; i++)
		threads[i] = target_thread;
	target_crash.threads = threads;
	target_crash.num_threads = THREADS;
	const struct snap_options options = {.max_frames = SIZE_MAX};
	assert_int_equal(snap_unwind(&target_crash, &options, NULL), 0);
	assert_int_equal(threads[0].num_frames, TARGET_STACK_LEN / STRIDE);
	assert_int_equal(threads[THREADS - 1].num_frames, 1);
	assert_string_equal(
		threads[THREADS - 1].end_reason, "looking through stacks takes too much work");
	target_end();
}

static void test_unwind_expression_steps_in_all(void **state)
{
	(void)state;
	/* CFA = rsp + 8, rip at -8; 15 registers by an expression that runs in a circle. */
	uint8_t program[5 + 15 * 6] = {0x0c, 7, 8, 0x90, 1}, *p = program + 5;
	for (uint8_t reg = 0; reg < 16; reg++) {
		if (reg == 7)
			continue;
		const uint8_t rule[] = {0x16, reg, 3, 0x2f, 0xfd, 0xff};
		memcpy(p, rule, sizeof(rule));
		p += sizeof(rule);
	}
	begin();
	target_describe(OTHER, LEN, false, program, sizeof(program));
	target_symbol("other", OTHER, LEN);
	target_call(OTHER + 0x20, OTHER);
	for (uint64_t addr = TARGET_STACK; addr < TARGET_STACK_END; addr += 8)
		target_word(addr, AT(OTHER + 0x20));
	target_ready();
	unwind_from(AT(OTHER + 0x10), TARGET_STACK);
	assert_end(SNAP_END_UNAVAILABLE, "the unwind information takes too much work");
	assert_true(thread->num_frames > 500 && thread->num_frames < 600);
	target_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unwind_of_every_machine),
		cmocka_unit_test(test_unwind_return_address_0),
		cmocka_unit_test(test_unwind_entry_point),
		cmocka_unit_test(test_unwind_entry_point_only_if_nothing_called_it),
		cmocka_unit_test(test_unwind_return_to_a_functions_start),
		cmocka_unit_test(test_unwind_smashed_return_address),
		cmocka_unit_test(test_unwind_behind_a_guess),
		cmocka_unit_test(test_unwind_through_a_module_without_a_file),
		cmocka_unit_test(test_unwind_jump_to_nowhere),
		cmocka_unit_test(test_unwind_cfa_must_grow),
		cmocka_unit_test(test_unwind_frameless_functions),
		cmocka_unit_test(test_unwind_signal_frame),
		cmocka_unit_test(test_unwind_signal_frame_by_cfi),
		cmocka_unit_test(test_unwind_truncated),
		cmocka_unit_test(test_unwind_without_all_mappings),
		cmocka_unit_test(test_unwind_over_a_gap),
		cmocka_unit_test(test_unwind_over_a_gap_without_recursion),
		cmocka_unit_test(test_unwind_over_a_gap_of_several_parts),
		cmocka_unit_test(test_unwind_over_a_gap_to_the_best_candidate),
		cmocka_unit_test(test_unwind_over_a_gap_past_what_is_left_over),
		cmocka_unit_test(test_unwind_over_a_gap_of_large_frames),
		cmocka_unit_test(test_unwind_over_a_gap_not_back_to_where_it_was),
		cmocka_unit_test(test_unwind_over_a_gap_only_if_it_is_one),
		cmocka_unit_test(test_unwind_registers_of_callers),
		cmocka_unit_test(test_unwind_cfa_by_the_frame_record),
		cmocka_unit_test(test_unwind_pac_mask_of_the_thread),
		cmocka_unit_test(test_unwind_kernel_addresses_are_not_stripped),
		cmocka_unit_test(test_unwind_reasons_without_unwind_information),
		cmocka_unit_test(test_unwind_threads_without_a_stack),
		cmocka_unit_test(test_unwind_max_frames),
		cmocka_unit_test(test_unwind_from_the_very_beginning_of_a_stack),
		cmocka_unit_test(test_unwind_both_ends_of_a_deep_stack),
		cmocka_unit_test(test_unwind_frames_in_all),
		cmocka_unit_test(test_unwind_gaps_in_all),
		cmocka_unit_test(test_unwind_expression_steps_in_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
