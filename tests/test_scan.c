/* analyze/unwind/scan: what on a stack is taken for a return address, and which of several. */
#include "analyze/unwind/scan.h"

#include "tests/lib/target.h"

#include <elf.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define LEN    0x80u
#define CALLEE 0x1100u
#define CALLER 0x1200u
#define OTHER  0x1300u
#define OUTER  0x1400u
/* Nobody describes what is here, but there is a call. */
#define NOBODY 0x4000u
/* A function that is known by its frame alone, of FRAME_LEN bytes. */
#define FRAMED	  0x1600u
#define FRAME_LEN 32u

/* Return addresses in caller(): of a call to callee(), through a register, to other(). */
#define DIRECT	 AT(CALLER + 0x20)
#define INDIRECT AT(CALLER + 0x30)
#define TO_OTHER AT(CALLER + 0x40)
/* In callee(), of a call to other(). */
#define MISFIT AT(CALLEE + 0x40)

#define SP TARGET_STACK

static struct snap_walk w;
static struct snap_frame frame;
static struct snap_registers registers, caller;

static void begin_machine(uint16_t machine)
{
	target_begin(machine);
	target_symbol("callee", CALLEE, LEN);
	target_symbol("caller", CALLER, LEN);
	target_symbol("other", OTHER, LEN);
	target_symbol("outer", OUTER, LEN);
	target_call(CALLER + 0x20, CALLEE);
	target_call_any(CALLER + 0x30);
	target_call(CALLER + 0x40, OTHER);
	target_call(CALLEE + 0x40, OTHER);
	target_call_any(OUTER + 0x20);
	target_call(NOBODY, CALLEE);
}

static void begin(void)
{
	begin_machine(EM_X86_64);
}

/* From the frame at pc. */
static enum snap_step scan_from(uint64_t pc, uint64_t addr)
{
	w = target_walk();
	registers = target_registers(pc, SP);
	frame = target_frame(&registers);
	return snap_step_by_scan(&w, &frame, &registers, addr, &caller);
}

static enum snap_step scan(void)
{
	return scan_from(AT(CALLEE + 0x10), SP);
}

/* ---------------------------------------------------------------- what is one */

static void test_scan_accepts_only_behind_calls_in_known_functions(void **state)
{
	(void)state;
	static const struct {
		uint64_t value;
		bool good;
	} cases[] = {
		{DIRECT, true},
		{INDIRECT, true},
		{TO_OTHER, true},
		{AT(FRAMED + 0x10), true}, /* no symbol, but call frame information */
		{DIRECT - 1, false},
		{DIRECT + 1, false},
		{AT(CALLER), false}, /* a function pointer */
		{AT(CALLER + 0x60), false},
		{AT(NOBODY), false},
		{MISFIT, false}, /* callee() does not call itself there */
		{0, false},
		{1, false},
		{4096, false},
		{SP, false},
		{AT(TARGET_DATA + 8), false},
		{TARGET_ANON + 0x10, false}, /* code, but in no known function */
		{UINT64_MAX, false},
		{DIRECT | UINT64_C(1) << 63, false},
	};
	static const uint8_t call[] = {0xff, 0xd0};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin();
		target_call_any(FRAMED + 0x10);
		target_describe(FRAMED, LEN, false, "\x0c\7\x20\x90\1", 5);
		target_memory(TARGET_ANON + 0xe, call, sizeof(call));
		target_word(SP + 24, cases[i].value);
		target_ready();
		if (scan() != (cases[i].good ? SNAP_STEP_DONE : SNAP_STEP_UNKNOWN))
			fail_msg("case %zu", i);
		if (cases[i].good) {
			assert_int_equal(caller.pc, cases[i].value);
			assert_int_equal(caller.trust, SNAP_TRUST_SCAN);
			assert_false(caller.exact_pc);
			assert_int_equal(caller.values[7], SP + 32);
			assert_int_equal(caller.known, 1u << 7);
			assert_true(frame.has_cfa);
			assert_int_equal(frame.cfa, SP + 32);
			assert_true(w.has_floor);
			assert_int_equal(w.floor, SP + 32);
		} else {
			assert_false(frame.has_cfa);
		}
		target_end();
	}
}

static void test_scan_of_every_machine(void **state)
{
	(void)state;
	static const struct {
		uint16_t machine;
		bool has_sp; /* the place of a return address tells where the frame ends */
	} machines[] = {{EM_X86_64, true}, {EM_386, true}, {EM_AARCH64, false}, {EM_ARM, true},
		{EM_RISCV, true}};
	for (size_t i = 0; i < ARRAY_LEN(machines); i++) {
		begin_machine(machines[i].machine);
		unsigned int word = target_word_len();
		/* Signed, where that is done. */
		target_word(SP + 3 * word,
			DIRECT | (machines[i].machine == EM_AARCH64 ? UINT64_C(0x002a000000000000)
								    : 0));
		target_ready();
		assert_int_equal(scan_from(AT(CALLEE + 0x10), SP + 1), SNAP_STEP_DONE);
		assert_int_equal(caller.pc, DIRECT);
		assert_int_equal(snap_register_known(&caller, snap_sp_column(target_crash.arch)),
			machines[i].has_sp);
		assert_int_equal(frame.has_cfa, machines[i].has_sp);
		if (machines[i].has_sp)
			assert_int_equal(frame.cfa, SP + 4 * word);
		assert_int_equal(scan_from(AT(CALLEE + 0x10), SP + 4 * word), SNAP_STEP_UNKNOWN);
		target_end();
	}
}

static void test_scan_thumb(void **state)
{
	(void)state;
	begin_machine(EM_ARM);
	target_code(OUTER + 0x3e, "\x98\x47", 2); /* blx r3 */
	target_word(SP + 4, AT(OUTER + 0x40));	  /* of ARM code it would be none */
	target_word(SP + 8, AT(OUTER + 0x40) | 1);
	target_ready();
	assert_int_equal(scan(), SNAP_STEP_DONE);
	assert_int_equal(caller.pc, AT(OUTER + 0x40));
	assert_true(caller.is_thumb);
	assert_int_equal(frame.cfa, SP + 12);
	target_end();
}

/* ---------------------------------------------------------------- which one */

static void test_scan_order(void **state)
{
	(void)state;
	static const struct {
		uint64_t first, second;
		unsigned int between; /* bytes from the first to the second */
		bool takes_second;
	} cases[] = {
		/* A call to the callee is better than one to anybody, if it is near. */
		{INDIRECT, DIRECT, 8, true},
		{INDIRECT, DIRECT, 512, true},
		{INDIRECT, DIRECT, 520, false},
		{DIRECT, INDIRECT, 8, false},
		{DIRECT, AT(CALLER + 0x60), 8, false}, /* also to the callee */
		/* A call to another function is the last choice, however far the others are. */
		{TO_OTHER, INDIRECT, 8, true},
		{TO_OTHER, INDIRECT, 4096, true},
		{TO_OTHER, DIRECT, 0xf000, true},
		{INDIRECT, TO_OTHER, 8, false},
		{DIRECT, TO_OTHER, 8, false},
		{INDIRECT, AT(OUTER + 0x20), 8, false}, /* equals: the first */
		{TO_OTHER, AT(CALLER + 0x50), 8, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin();
		target_call(CALLER + 0x50, OTHER);
		target_call(CALLER + 0x60, CALLEE);
		target_word(SP + 64, cases[i].first);
		target_word(SP + 64 + cases[i].between, cases[i].second);
		target_ready();
		assert_int_equal(scan(), SNAP_STEP_DONE);
		uint64_t expected = cases[i].takes_second ? cases[i].second : cases[i].first;
		if (caller.pc != expected)
			fail_msg("case %zu: 0x%jx", i, (uintmax_t)caller.pc);
		assert_int_equal(
			frame.cfa, SP + 72 + (cases[i].takes_second ? cases[i].between : 0));
		target_end();
	}
}

/* Behind the second of two calls, the first one's address is left over further down. */
static void test_scan_skips_stale_addresses(void **state)
{
	(void)state;
	begin();
	target_word(SP + 0x10, TO_OTHER); /* callee() and other() had the same place */
	target_word(SP + 0x18, MISFIT);
	target_word(SP + 0x30, DIRECT);
	target_word(SP + 0x38, AT(OUTER + 0x20));
	target_ready();
	assert_int_equal(scan(), SNAP_STEP_DONE);
	assert_int_equal(caller.pc, DIRECT);
	assert_int_equal(frame.cfa, SP + 0x38);
	/* Below the start of the search nothing counts. */
	assert_int_equal(scan_from(AT(CALLEE + 0x10), SP + 0x31), SNAP_STEP_DONE);
	assert_int_equal(caller.pc, AT(OUTER + 0x20));
	target_end();
}

/* What the callee is may not be known: then every call will do. */
static void test_scan_without_a_callee(void **state)
{
	(void)state;
	begin();
	target_word(SP + 0x10, TO_OTHER);
	target_word(SP + 0x18, DIRECT);
	target_ready();
	w = target_walk();
	assert_int_equal(snap_step_by_scan(&w, NULL, NULL, SP, &caller), SNAP_STEP_DONE);
	assert_int_equal(caller.pc, TO_OTHER);
	assert_int_equal(scan_from(AT(NOBODY + 0x10), SP), SNAP_STEP_DONE);
	assert_int_equal(caller.pc, TO_OTHER);
	target_end();
}

/* A return address's frame must itself end with one, where it is known how long it is. */
static void test_scan_rejects_what_leads_to_garbage(void **state)
{
	(void)state;
	static const struct {
		uint64_t next;
		bool good;
	} cases[] = {
		{0, true}, /* may be the outermost */
		{AT(OUTER + 0x20), true}, {AT(OUTER + 0x21), false}, {AT(TARGET_DATA), false},
		{0x1234, false}, {SP, false},
		{TARGET_ANON + 0x80, true}, /* code that can't be looked at */
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (int has_another = 0; has_another < 2; has_another++) {
			begin();
			target_call(FRAMED + 0x10, CALLEE);
			target_function("framed", FRAMED, LEN, FRAME_LEN);
			target_word(SP + 8, AT(FRAMED + 0x10));
			target_word(SP + 16 + FRAME_LEN - 8, cases[i].next);
			if (has_another)
				target_word(SP + 0x800, INDIRECT);
			target_ready();
			enum snap_step step = scan();
			uint64_t expected = cases[i].good ? AT(FRAMED + 0x10)
					    : has_another ? INDIRECT
							  : 0;
			if (expected ? step != SNAP_STEP_DONE || caller.pc != expected
				     : step != SNAP_STEP_UNKNOWN)
				fail_msg("case %zu: step %d, 0x%jx", i, step, (uintmax_t)caller.pc);
			target_end();
		}
	/* Outermost by its call frame information, whatever stands there. */
	begin();
	target_call(FRAMED + 0x10, CALLEE);
	target_outermost("framed", FRAMED, LEN);
	target_word(SP + 8, AT(FRAMED + 0x10));
	target_word(SP + 24, 0x1234);
	target_ready();
	assert_int_equal(scan(), SNAP_STEP_DONE);
	target_end();
	/* Where the next one would be was not captured. */
	begin();
	target_call(FRAMED + 0x10, CALLEE);
	target_function("framed", FRAMED, LEN, FRAME_LEN);
	target_word(SP + 8, AT(FRAMED + 0x10));
	target_capture(SP, SP + 16);
	target_ready();
	assert_int_equal(scan(), SNAP_STEP_DONE);
	target_end();
}

/* ---------------------------------------------------------------- how far */

static void test_scan_window(void **state)
{
	(void)state;
	static const struct {
		uint64_t at;
		bool found;
	} cases[] = {{0, true}, {(64 << 10) - 8, true}, {64 << 10, false}, {65 << 10, false}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin();
		target_word(SP + 0x1000 + cases[i].at, DIRECT);
		target_ready();
		target_words_left = 1u << 20;
		enum snap_step step = scan_from(AT(CALLEE + 0x10), SP + 0x1000);
		if (step != (cases[i].found ? SNAP_STEP_DONE : SNAP_STEP_UNKNOWN))
			fail_msg("case %zu", i);
		/* What points to code takes more work. */
		uint64_t words = cases[i].found ? cases[i].at / 8 + 1 + 16 : (64 << 10) / 8;
		assert_int_equal(target_words_left, (1u << 20) - words);
		target_end();
	}
}

static void test_scan_ends_with_the_captured_part(void **state)
{
	(void)state;
	begin();
	target_word(SP + 0x40, DIRECT);
	target_word(SP + 0x80, DIRECT);
	target_capture(SP, SP + 0x44);
	target_capture(SP + 0x60, SP + 0x100);
	target_ready();
	assert_int_equal(scan(), SNAP_STEP_UNKNOWN);
	assert_int_equal(scan_from(AT(CALLEE + 0x10), SP + 0x60), SNAP_STEP_DONE);
	/* No memory there at all, and the end of the address space. */
	assert_int_equal(scan_from(AT(CALLEE + 0x10), SP + 0x44), SNAP_STEP_UNKNOWN);
	assert_int_equal(scan_from(AT(CALLEE + 0x10), UINT64_MAX), SNAP_STEP_UNKNOWN);
	assert_int_equal(scan_from(AT(CALLEE + 0x10), UINT64_MAX - 0x100), SNAP_STEP_UNKNOWN);
	target_end();
}

static void test_scan_words_budget(void **state)
{
	(void)state;
	for (uint64_t budget = 0; budget < 30; budget++) {
		begin();
		target_word(SP + 0x40, DIRECT);
		target_ready();
		target_words_left = budget;
		/* The word itself is the ninth, and takes the work of 16 others besides. */
		assert_int_equal(scan(), budget < 9 ? SNAP_STEP_UNKNOWN : SNAP_STEP_DONE);
		assert_int_equal(target_words_left, budget < 25 ? 0 : budget - 25);
		target_end();
	}
}

static void test_scan_not_on_machines_that_are_only_listed(void **state)
{
	(void)state;
	begin();
	target_word(SP, DIRECT);
	target_ready();
	struct snap_arch listed = *target_crash.arch;
	listed.support = SNAP_ARCH_LISTED;
	w = target_walk();
	w.arch = &listed;
	registers = target_registers(AT(CALLEE + 0x10), SP);
	frame = target_frame(&registers);
	assert_int_equal(snap_step_by_scan(&w, &frame, &registers, SP, &caller), SNAP_STEP_UNKNOWN);
	assert_int_equal(target_words_left, 1u << 20); /* no use to look */
	target_end();
}

/* ---------------------------------------------------------------- registers */

static void test_scan_frame_pointer_only_if_a_record_proves_it(void **state)
{
	(void)state;
	enum { FP = 6 };
	const uint64_t record = SP + 0x200;
	static const struct {
		uint64_t beside, in_register;
		uint64_t expected; /* 0: not known */
	} cases[] = {
		{SP + 0x200, 0, SP + 0x200},	      /* saved beside the return address */
		{0, SP + 0x200, SP + 0x200},	      /* not touched */
		{SP + 0x200, SP + 0x300, SP + 0x200}, /* both: the saved one */
		{SP + 0x300, SP + 0x200, SP + 0x300},
		{SP + 0x400, SP + 0x400, 0}, /* a record with no return address */
		{SP + 0x204, SP + 0x204, 0}, /* not aligned */
		{SP + 0x10, SP + 0x10, 0},   /* below */
		{0, 0, 0},
		{AT(CALLER), UINT64_MAX, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin();
		target_word(SP + 0x10, record);
		target_word(SP + 0x18, INDIRECT);
		target_word(record, record + 0x100);
		target_word(record + 8, AT(OUTER + 0x20));
		target_word(record + 0x100, 0);
		target_word(record + 0x108, AT(OUTER + 0x20));
		target_word(SP + 0x400, record);
		target_word(SP + 0x408, AT(OUTER + 0x21));
		target_word(SP + 0x90, cases[i].beside);
		target_word(SP + 0x98, DIRECT);
		target_ready();
		w = target_walk();
		registers = target_registers(AT(CALLEE + 0x10), SP + 0x20);
		if (cases[i].in_register)
			snap_register_set(&registers, FP, cases[i].in_register);
		snap_register_set(&registers, 3, 0x3333);
		frame = target_frame(&registers);
		assert_int_equal(snap_step_by_scan(&w, &frame, &registers, SP + 0x20, &caller),
			SNAP_STEP_DONE);
		assert_int_equal(caller.pc, DIRECT);
		bool is_known = snap_register_known(&caller, FP);
		if (is_known != (cases[i].expected != 0) ||
			(is_known && caller.values[FP] != cases[i].expected))
			fail_msg("case %zu", i);
		assert_false(snap_register_known(&caller, 3));
		target_end();
	}
}

/* ---------------------------------------------------------------- a jump to nowhere */

static enum snap_step jump(uint64_t pc, uint64_t lr)
{
	w = target_walk();
	registers = target_registers(pc, SP + 0x40);
	if (snap_lr_column(target_crash.arch) >= 0 && lr)
		snap_register_set(&registers, target_lr(), lr);
	snap_register_set(&registers, target_fp(), 0x7777);
	frame = target_frame(&registers);
	return snap_step_from_bad_pc(&w, &frame, &registers, &caller);
}

static void test_scan_bad_pc_return_address_on_the_stack(void **state)
{
	(void)state;
	static const uint16_t machines[] = {EM_X86_64, EM_386};
	for (size_t i = 0; i < ARRAY_LEN(machines); i++) {
		begin_machine(machines[i]);
		unsigned int word = target_word_len();
		target_word(SP + 0x40, INDIRECT);
		target_ready();
		unsigned int sp = snap_sp_column(target_crash.arch);
		assert_int_equal(jump(0, 0), SNAP_STEP_DONE);
		assert_int_equal(caller.pc, INDIRECT);
		assert_int_equal(caller.trust, SNAP_TRUST_SCAN);
		assert_false(caller.exact_pc);
		assert_int_equal(caller.values[sp], SP + 0x40 + word);
		assert_int_equal(frame.cfa, SP + 0x40 + word);
		/* Nothing has run since the call: the rest is the caller's. */
		assert_true(snap_register_known(&caller, target_fp()));
		assert_int_equal(caller.values[target_fp()], 0x7777);
		target_word(SP + 0x40, INDIRECT + 1);
		assert_int_equal(jump(0, 0), SNAP_STEP_UNKNOWN);
		target_word(SP + 0x40, AT(NOBODY));
		assert_int_equal(jump(0, 0), SNAP_STEP_UNKNOWN);
		target_word(SP + 0x40, 0);
		assert_int_equal(jump(0, 0), SNAP_STEP_UNKNOWN);
		assert_false(frame.has_cfa);
		target_end();
	}
	begin();
	target_capture(SP, SP + 0x47);
	target_ready();
	assert_int_equal(jump(0, 0), SNAP_STEP_UNKNOWN);
	target_end();
}

static void test_scan_bad_pc_return_address_in_the_link_register(void **state)
{
	(void)state;
	static const uint16_t machines[] = {EM_AARCH64, EM_ARM, EM_RISCV};
	for (size_t i = 0; i < ARRAY_LEN(machines); i++) {
		begin_machine(machines[i]);
		target_word(SP + 0x40, DIRECT);
		target_ready();
		assert_int_equal(jump(0, INDIRECT), SNAP_STEP_DONE);
		assert_int_equal(caller.pc, INDIRECT);
		assert_int_equal(caller.trust, SNAP_TRUST_SCAN);
		assert_int_equal(caller.values[snap_sp_column(target_crash.arch)], SP + 0x40);
		assert_int_equal(frame.cfa, SP + 0x40);
		assert_int_equal(jump(0, INDIRECT + 4), SNAP_STEP_UNKNOWN);
		assert_int_equal(jump(0, 0), SNAP_STEP_UNKNOWN);
		target_end();
	}
}

/* Calls whose target is in a register or in memory: the caller is no guess where that led here. */
static void test_scan_bad_pc_by_a_call_that_led_there(void **state)
{
	(void)state;
	enum { PC = 0x12340, SLOT = SP + 0x100 };
	static const struct {
		uint16_t machine;
		bool is_thumb;
		const char *bytes;
		size_t len;
		uint64_t reg, value; /* DWARF's number; what the call goes by has */
		uint64_t other;	     /* the same with another value */
	} cases[] = {
		{EM_X86_64, false, "\xff\xd0", 2, 0, PC, PC + 1},
		{EM_X86_64, false, "\xff\xd1", 2, 2, PC, 0},		/* rcx */
		{EM_X86_64, false, "\xff\xd7", 2, 5, PC, 0},		/* rdi */
		{EM_X86_64, false, "\x41\xff\xd4", 3, 12, PC, 0},	/* r12 */
		{EM_X86_64, false, "\xff\x13", 2, 3, SLOT, SLOT + 8}, /* [rbx] */
		{EM_X86_64, false, "\xff\x53\xf8", 3, 3, SLOT + 8, SLOT},
		{EM_X86_64, false, "\x41\xff\x55\x00", 4, 13, SLOT, SLOT - 8},
		{EM_X86_64, false, "\xff\x93\x00\x01\x00\x00", 6, 3, SLOT - 0x100, SLOT},
		{EM_X86_64, false, "\xff\x14\xc3", 3, 3, SLOT, SLOT + 8}, /* [rbx + rax * 8] */
		{EM_X86_64, false, "\x42\xff\x14\xfb", 4, 3, SLOT, SLOT + 8},
		{EM_386, false, "\xff\xd1", 2, 1, PC, 0},
		{EM_386, false, "\xff\x53\x04", 3, 3, SLOT - 4, SLOT},
		{EM_AARCH64, false, "\xa0\x02\x3f\xd6", 4, 21, PC, PC + 4},
		{EM_AARCH64, false, "\xbf\x0a\x3f\xd6", 4, 21, PC, PC + 4}, /* blraaz */
		{EM_ARM, false, "\x33\xff\x2f\xe1", 4, 3, PC, PC + 4},
		{EM_ARM, true, "\x98\x47", 2, 3, PC + 1, PC + 5},
		{EM_RISCV, false, "\x82\x97", 2, 15, PC, PC + 4},
		{EM_RISCV, false, "\xe7\x80\x47\x00", 4, 15, PC - 4, PC},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin_machine(cases[i].machine);
		uint64_t after = CALLER + 0x60;
		target_code(after - cases[i].len, cases[i].bytes, cases[i].len);
		target_word(SP + 0x40, AT(after));
		target_word(SLOT, PC);
		target_ready();
		for (unsigned int k = 0; k < 2; k++) {
			w = target_walk();
			registers = target_registers(PC, SP + 0x40);
			if (snap_lr_column(target_crash.arch) >= 0)
				snap_register_set(&registers, target_lr(),
					AT(after) | cases[i].is_thumb);
			/* An index of others' is 0. */
			snap_register_set(&registers, 0, 0);
			snap_register_set(&registers, 15, 0);
			snap_register_set(&registers, (unsigned int)cases[i].reg,
				k == 0 ? cases[i].value : cases[i].other);
			frame = target_frame(&registers);
			assert_int_equal(snap_step_from_bad_pc(&w, &frame, &registers, &caller),
				SNAP_STEP_DONE);
			if (caller.trust != (k == 0 ? SNAP_TRUST_CFI : SNAP_TRUST_SCAN))
				fail_msg("case %zu, %u", i, k);
			assert_int_equal(caller.pc, AT(after));
			assert_true(frame.has_cfa);
		}
		target_end();
	}
}

/* What the call went by is on the stack, which the return address is on, too; and code that is not
 * there. */
static void test_scan_bad_pc_by_a_call_through_the_stack(void **state)
{
	(void)state;
	begin();
	target_code(CALLER + 0x5c, "\xff\x54\x24\x10", 4); /* call [rsp + 0x10], rsp before it */
	target_word(SP + 0x40, AT(CALLER + 0x60));
	target_word(SP + 0x48 + 0x10, 0x12340);
	target_ready();
	assert_int_equal(jump(0x12340, 0), SNAP_STEP_DONE);
	assert_int_equal(caller.trust, SNAP_TRUST_CFI);
	assert_int_equal(jump(0x12348, 0), SNAP_STEP_DONE);
	assert_int_equal(caller.trust, SNAP_TRUST_SCAN);
	target_end();
	/* A call that has its target in itself. */
	begin();
	target_word(SP + 0x40, DIRECT);
	target_ready();
	assert_int_equal(jump(AT(CALLEE), 0), SNAP_STEP_DONE);
	assert_int_equal(caller.trust, SNAP_TRUST_CFI);
	assert_int_equal(jump(AT(CALLEE) + 1, 0), SNAP_STEP_DONE);
	assert_int_equal(caller.trust, SNAP_TRUST_SCAN);
	target_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scan_accepts_only_behind_calls_in_known_functions),
		cmocka_unit_test(test_scan_of_every_machine),
		cmocka_unit_test(test_scan_thumb),
		cmocka_unit_test(test_scan_order),
		cmocka_unit_test(test_scan_skips_stale_addresses),
		cmocka_unit_test(test_scan_without_a_callee),
		cmocka_unit_test(test_scan_rejects_what_leads_to_garbage),
		cmocka_unit_test(test_scan_window),
		cmocka_unit_test(test_scan_ends_with_the_captured_part),
		cmocka_unit_test(test_scan_words_budget),
		cmocka_unit_test(test_scan_not_on_machines_that_are_only_listed),
		cmocka_unit_test(test_scan_frame_pointer_only_if_a_record_proves_it),
		cmocka_unit_test(test_scan_bad_pc_return_address_on_the_stack),
		cmocka_unit_test(test_scan_bad_pc_return_address_in_the_link_register),
		cmocka_unit_test(test_scan_bad_pc_by_a_call_that_led_there),
		cmocka_unit_test(test_scan_bad_pc_by_a_call_through_the_stack),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
