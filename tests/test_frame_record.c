/* analyze/unwind/frame_record: the convention of every machine, functions on their way into their
 * frame and out of it, link registers, and records that are none. */
#include "analyze/unwind/frame_record.h"

#include "tests/lib/target.h"

#include <elf.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* outer() calls caller() calls callee(), which may call others. */
#define CALLEE	   0x1100u
#define CALLER	   0x1200u
#define OUTER	   0x1300u
#define LEN	   0x80u
#define IN_CALLEE  (CALLEE + 0x40) /* behind a call that callee() makes */
#define IN_CALLER  (CALLER + 0x20)
#define IN_CALLER2 (CALLER + 0x40) /* behind a call through a register */
#define IN_OUTER   (OUTER + 0x20)

/* The records of callee() and of caller(). */
#define RECORD	(TARGET_STACK + 0x1040)
#define RECORD2 (TARGET_STACK + 0x1100)
#define RECORD3 (TARGET_STACK + 0x1200)

static struct snap_walk w;
static struct snap_frame frame;
static struct snap_registers caller;

static void begin(uint16_t machine)
{
	target_begin(machine);
	target_set_cfi(TARGET_NO_CFI);
	target_symbol("callee", CALLEE, LEN);
	target_symbol("caller", CALLER, LEN);
	target_symbol("outer", OUTER, LEN);
	target_call_any(IN_CALLEE);
	target_call(IN_CALLER, CALLEE);
	target_call_any(IN_CALLER2);
	target_call(IN_OUTER, CALLER);
}

static void put_record(
	const struct snap_arch_frame_record *record, uint64_t fp, uint64_t saved_fp, uint64_t ra)
{
	target_word(fp + (uint64_t)(int64_t)record->fp_off, saved_fp);
	target_word(fp + (uint64_t)(int64_t)record->ra_off, ra);
}

/* The function's first instructions, where they matter. */
static void put_prologue(uint64_t vaddr)
{
	if (target_crash.arch->elf_machine == EM_X86_64)
		target_code(vaddr, "\x55\x48\x89\xe5", 4);
	else if (target_crash.arch->elf_machine == EM_386)
		target_code(vaddr, "\x55\x89\xe5", 3);
}

/* By the convention that is tried first. */
static void put(uint64_t fp, uint64_t saved_fp, uint64_t ra)
{
	put_record(&target_crash.arch->frame_records[0], fp, saved_fp, ra);
}

static enum snap_step step(const struct snap_registers *registers)
{
	w = target_walk();
	frame = target_frame(registers);
	return snap_step_by_frame_record(&w, &frame, registers, &caller);
}

static struct snap_registers registers_at(uint64_t pc, uint64_t sp, uint64_t fp)
{
	struct snap_registers registers = target_registers(pc, sp);
	snap_register_set(&registers, target_fp(), fp);
	return registers;
}

static enum snap_step step_at(uint64_t pc, uint64_t sp, uint64_t fp)
{
	struct snap_registers registers = registers_at(pc, sp, fp);
	return step(&registers);
}

static uint64_t caller_sp(void)
{
	unsigned int sp = snap_sp_column(target_crash.arch);
	assert_true(snap_register_known(&caller, sp));
	return caller.values[sp];
}

static uint64_t caller_fp(void)
{
	assert_true(snap_register_known(&caller, target_fp()));
	return caller.values[target_fp()];
}

/* ---------------------------------------------------------------- x86 */

struct point {
	int off;  /* of the pc in callee() */
	int sp;	  /* words that sp is below the return address */
	bool own; /* fp points to the function's own record */
};

static void check_points(uint16_t machine, const char *code, size_t code_len,
	const struct point *points, size_t num, bool has_symbols)
{
	for (size_t i = 0; i < num; i++) {
		target_begin(machine);
		unsigned int word = target_word_len();
		target_set_cfi(TARGET_NO_CFI);
		target_symbol("far", OUTER, LEN);
		if (has_symbols)
			target_symbol("callee", CALLEE, LEN);
		target_code(CALLEE, code, code_len);
		target_call(IN_CALLER, CALLEE);
		target_call(IN_OUTER, CALLER);
		put(RECORD, RECORD2, AT(IN_CALLER));
		put(RECORD2, RECORD3, AT(IN_OUTER));
		target_ready();
		uint64_t sp = RECORD + word - (uint64_t)points[i].sp * word;
		enum snap_step result = step_at(AT(CALLEE + (unsigned int)points[i].off), sp,
			points[i].own ? RECORD : RECORD2);
		if (result != SNAP_STEP_DONE || caller.pc != AT(IN_CALLER) ||
			caller_sp() != RECORD + 2 * word || caller_fp() != RECORD2)
			fail_msg("machine %u, point %zu: step %d, pc 0x%jx, sp 0x%jx, fp 0x%jx",
				machine, i, result, (uintmax_t)caller.pc, (uintmax_t)caller_sp(),
				(uintmax_t)caller_fp());
		assert_int_equal(caller.trust, SNAP_TRUST_FP);
		assert_false(caller.exact_pc);
		assert_true(frame.has_cfa);
		assert_int_equal(frame.cfa, RECORD + 2 * word);
		/* Nothing else is known of the caller. */
		assert_int_equal(__builtin_popcountll(caller.known), 2);
		target_end();
	}
}

static void test_frame_record_x86_64_in_and_out(void **state)
{
	(void)state;
	/* push %rbp; mov %rsp, %rbp; sub $16, %rsp; nop...; leave; ret */
	static const char code[] = "\x55\x48\x89\xe5\x48\x83\xec\x10\x90\x90\xc9\xc3";
	static const struct point points[] = {{0, 0, false}, {1, 1, false}, {4, 1, true},
		{8, 3, true}, {9, 3, true}, {11, 0, false}};
	check_points(EM_X86_64, code, 12, points, ARRAY_LEN(points), true);
	/* The same in the other encoding, behind endbr64. */
	static const char cet[] = "\xf3\x0f\x1e\xfa\x55\x48\x8b\xec\x48\x83\xec\x10\x5d\xc3";
	static const struct point cet_points[] = {{0, 0, false}, {4, 0, false}, {5, 1, false},
		{8, 1, true}, {12, 3, true}, {13, 0, false}};
	check_points(EM_X86_64, cet, 14, cet_points, ARRAY_LEN(cet_points), true);
}

static void test_frame_record_i386_in_and_out(void **state)
{
	(void)state;
	static const char code[] = "\x55\x89\xe5\x83\xec\x10\x90\xc9\xc3";
	static const struct point points[] = {
		{0, 0, false}, {1, 1, false}, {3, 1, true}, {6, 5, true}, {8, 0, false}};
	check_points(EM_386, code, 9, points, ARRAY_LEN(points), true);
	static const char cet[] = "\xf3\x0f\x1e\xfb\x55\x8b\xec\x5d\xc3";
	static const struct point cet_points[] = {
		{0, 0, false}, {4, 0, false}, {5, 1, false}, {7, 1, true}, {8, 0, false}};
	check_points(EM_386, cet, 9, cet_points, ARRAY_LEN(cet_points), true);
}

/* Where no symbol tells the function's beginning, its first instructions do. */
static void test_frame_record_without_symbols(void **state)
{
	(void)state;
	static const char code[] = "\x55\x48\x89\xe5\x48\x83\xec\x10\x90\x90\xc9\xc3";
	static const struct point points[] = {
		{0, 0, false}, {4, 1, true}, {9, 3, true}, {11, 0, false}};
	check_points(EM_X86_64, code, 12, points, ARRAY_LEN(points), false);
	static const char code_32[] = "\x55\x89\xe5\x83\xec\x10\x90\xc9\xc3";
	static const struct point points_32[] = {
		{0, 0, false}, {3, 1, true}, {7, 5, true}, {8, 0, false}};
	check_points(EM_386, code_32, 9, points_32, ARRAY_LEN(points_32), false);
}

/* A function that makes no record may have its caller's in fp: that leads past the caller. */
static void test_frame_record_function_without_prologue(void **state)
{
	(void)state;
	static const struct {
		uint64_t ra;
		bool has_prologue;
		enum snap_step expected;
	} cases[] = {
		{IN_CALLER, true, SNAP_STEP_DONE},
		{IN_CALLER2, true, SNAP_STEP_DONE},
		{IN_OUTER, true, SNAP_STEP_UNKNOWN}, /* it called another */
		{IN_CALLEE, true, SNAP_STEP_DONE},   /* through a register: a recursion */
		{IN_CALLER, false, SNAP_STEP_DONE},
		{IN_CALLER2, false, SNAP_STEP_UNKNOWN},
		{IN_OUTER, false, SNAP_STEP_UNKNOWN},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin(EM_X86_64);
		if (cases[i].has_prologue)
			put_prologue(CALLEE);
		else
			target_code(CALLEE, "\x48\x83\xec\x18", 4);
		put(RECORD, RECORD2, AT(cases[i].ra));
		target_ready();
		if (step_at(AT(CALLEE + 0x10), RECORD - 32, RECORD) != cases[i].expected)
			fail_msg("case %zu", i);
		/* What was found out about the frame must not stay. */
		assert_int_equal(frame.has_cfa, cases[i].expected == SNAP_STEP_DONE);
		target_end();
	}
	/* push %rbp alone saves a register like any other. */
	begin(EM_X86_64);
	target_code(CALLEE, "\x55\x48\x83\xec\x18", 5);
	put(RECORD, RECORD2, AT(IN_CALLER2));
	target_ready();
	assert_int_equal(step_at(AT(CALLEE + 0x10), RECORD - 32, RECORD), SNAP_STEP_UNKNOWN);
	target_end();
}

static void test_frame_record_return_address_not_captured(void **state)
{
	(void)state;
	begin(EM_X86_64);
	put_prologue(CALLEE);
	target_capture(RECORD, RECORD + 8);
	target_ready();
	assert_int_equal(step_at(AT(CALLEE), RECORD + 8, RECORD2), SNAP_STEP_FAILED);
	assert_int_equal(w.end, SNAP_END_TRUNCATED);
	assert_true(w.has_missing);
	assert_int_equal(w.missing_addr, RECORD + 8);
	assert_int_equal(step_at(AT(CALLEE + 1), RECORD, RECORD2), SNAP_STEP_FAILED);
	assert_int_equal(w.missing_addr, RECORD + 8);
	target_end();
}

/* ---------------------------------------------------------------- every machine */

static const struct {
	uint16_t machine;
	unsigned int record;
	int fp_off, ra_off; /* in words from the frame pointer */
	int cfa_off;	    /* likewise; -1: the record does not tell */
} conventions[] = {
	{EM_X86_64, 0, 0, 1, 2},
	{EM_386, 0, 0, 1, 2},
	{EM_AARCH64, 0, 0, 1, -1},
	{EM_ARM, 0, 0, 1, 2},
	{EM_ARM, 1, -1, 0, 1},
	{EM_RISCV, 0, -2, -1, 0},
};

static void test_frame_record_of_every_machine(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(conventions); i++) {
		const struct snap_arch_frame_record *kind;
		begin(conventions[i].machine);
		uint64_t word = target_word_len();
		put_prologue(CALLEE);
		target_word(RECORD + (uint64_t)conventions[i].fp_off * word, RECORD2);
		target_word(RECORD + (uint64_t)conventions[i].ra_off * word, AT(IN_CALLER));
		target_ready();
		if (step_at(AT(CALLEE + 0x10), RECORD - 64, RECORD) != SNAP_STEP_DONE)
			fail_msg("convention %zu", i);
		assert_int_equal(caller.pc, AT(IN_CALLER));
		assert_int_equal(caller_fp(), RECORD2);
		assert_int_equal(caller.trust, SNAP_TRUST_FP);
		if (conventions[i].cfa_off >= 0) {
			uint64_t cfa = RECORD + (uint64_t)conventions[i].cfa_off * word;
			assert_int_equal(caller_sp(), cfa);
			assert_int_equal(frame.cfa, cfa);
		} else {
			assert_false(
				snap_register_known(&caller, snap_sp_column(target_crash.arch)));
			assert_false(frame.has_cfa);
		}
		/* Nothing of it belongs to the next frame. */
		assert_true(w.has_floor && w.floor > RECORD - word);
		assert_true(snap_is_frame_record(&w, RECORD, RECORD - word, &kind));
		assert_ptr_equal(kind, &target_crash.arch->frame_records[conventions[i].record]);
		assert_false(snap_is_frame_record(&w, RECORD, RECORD, NULL));
		assert_false(snap_is_frame_record(&w, RECORD + 1, RECORD - word, NULL));
		assert_false(snap_is_frame_record(&w, RECORD2, RECORD, NULL));
		target_end();
	}
}

static void test_frame_record_no_records_no_answer(void **state)
{
	(void)state;
	begin(EM_X86_64);
	put_prologue(CALLEE);
	put(RECORD, RECORD2, AT(IN_CALLER));
	target_ready();
	struct snap_registers registers = target_registers(AT(CALLEE + 0x10), RECORD - 64);
	assert_int_equal(step(&registers), SNAP_STEP_UNKNOWN); /* fp is not known */
	target_end();
}

static void test_frame_record_none_at_all(void **state)
{
	(void)state;
	static const struct {
		uint64_t sp, fp, saved_fp, ra;
	} cases[] = {
		{RECORD - 32, RECORD + 4, RECORD2, AT(IN_CALLER)}, /* not aligned */
		{RECORD + 0x88, RECORD, RECORD2, AT(IN_CALLER)},   /* below the red zone */
		{RECORD - 32, RECORD, RECORD2, 0},
		{RECORD - 32, RECORD, RECORD2, 0x10},
		{RECORD - 32, RECORD, RECORD2, AT(IN_CALLER) - 1}, /* within the call */
		{RECORD - 32, RECORD, RECORD2, AT(IN_CALLER) + 1},
		{RECORD - 32, RECORD, RECORD2, AT(TARGET_DATA)},
		{RECORD - 32, RECORD, RECORD2, RECORD2},
		{RECORD - 32, RECORD, RECORD2, UINT64_MAX},
		/* No bytes of code there, and nothing else that speaks for it. */
		{RECORD - 32, RECORD, RECORD - 8, TARGET_ANON + 0x20},
		{RECORD - 32, RECORD, RECORD, TARGET_ANON + 0x20},
		{RECORD - 32, AT(TARGET_DATA), RECORD2, AT(IN_CALLER)}, /* not captured */
		{RECORD - 32, UINT64_MAX - 7, RECORD2, AT(IN_CALLER)},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin(EM_X86_64);
		put_prologue(CALLEE);
		put(cases[i].fp == RECORD + 4 ? RECORD + 4 : RECORD, cases[i].saved_fp,
			cases[i].ra);
		target_ready();
		if (step_at(AT(CALLEE + 0x10), cases[i].sp, cases[i].fp) != SNAP_STEP_UNKNOWN)
			fail_msg("case %zu: pc 0x%jx", i, (uintmax_t)caller.pc);
		assert_false(frame.has_cfa);
		target_end();
	}
	/* What makes the difference. */
	begin(EM_X86_64);
	put_prologue(CALLEE);
	put(RECORD, RECORD2, AT(IN_CALLER));
	put(RECORD2, RECORD3, TARGET_ANON + 0x20);
	target_ready();
	assert_int_equal(
		step_at(AT(CALLEE + 0x10), RECORD + 0x80, RECORD), SNAP_STEP_DONE); /* red zone */
	assert_int_equal(step_at(AT(CALLEE + 0x10), RECORD, RECORD2), SNAP_STEP_DONE);
	assert_int_equal(caller.pc, TARGET_ANON + 0x20);
	target_end();
}

/* Code made at run time may be returned to where no call ends; but not what is on the stack. */
static void test_frame_record_in_code_made_at_run_time(void **state)
{
	(void)state;
	uint8_t nops[64];
	memset(nops, 0x90, sizeof(nops));
	for (int on_stack = 0; on_stack < 2; on_stack++) {
		begin(EM_X86_64);
		put_prologue(CALLEE);
		put(RECORD, RECORD2, on_stack ? RECORD3 : TARGET_ANON + 0x20);
		target_memory(TARGET_ANON, nops, sizeof(nops));
		target_ready();
		struct snap_registers registers =
			registers_at(AT(CALLEE + 0x10), RECORD - 32, RECORD);
		/* An executable stack, as some machines and programs have it. */
		struct snap_mapping *mapping =
			(struct snap_mapping *)snap_crash_mapping_at(&target_crash, RECORD);
		mapping->permissions |= SNAP_MAPPING_EXEC;
		w = target_walk();
		w.stack = mapping;
		frame = target_frame(&registers);
		assert_int_equal(snap_step_by_frame_record(&w, &frame, &registers, &caller),
			on_stack ? SNAP_STEP_UNKNOWN : SNAP_STEP_DONE);
		if (!on_stack)
			assert_int_equal(caller.pc, TARGET_ANON + 0x20);
		target_end();
	}
}

/* Such code, without a prologue that is known: fp may be its own, or still its caller's. */
static void test_frame_record_is_it_the_callers(void **state)
{
	(void)state;
	uint8_t nops[64];
	memset(nops, 0x90, sizeof(nops));
	/* DW_CFA_def_cfa rbp 16; DW_CFA_offset rbp, cfa-16; ra, cfa-8 */
	static const uint8_t by_fp[] = {0x0c, 6, 16, 0x86, 2, 0x90, 1};
	/* The same by rsp: a function that leaves rbp alone. */
	static const uint8_t by_sp[] = {0x0c, 7, 64, 0x90, 1};
	for (int has_own = 0; has_own < 2; has_own++) {
		target_begin(EM_X86_64);
		target_symbol("caller", CALLER, LEN);
		target_symbol("outer", OUTER, LEN);
		if (has_own)
			target_describe(CALLER, LEN, false, by_sp, sizeof(by_sp));
		else
			target_describe(CALLER, LEN, false, by_fp, sizeof(by_fp));
		target_call_any(IN_CALLER);
		target_call_any(IN_OUTER);
		/* On top of the stack, an address in caller(); and fp's record beyond. */
		target_word(RECORD - 32, AT(IN_CALLER));
		target_word(RECORD - 32 + 64, AT(IN_OUTER));
		put(RECORD, RECORD2, AT(IN_OUTER));
		put(RECORD2, RECORD3, AT(IN_OUTER));
		target_memory(TARGET_ANON, nops, sizeof(nops));
		target_ready();
		assert_int_equal(step_at(TARGET_ANON + 0x10, RECORD - 40, RECORD),
			has_own ? SNAP_STEP_DONE : SNAP_STEP_UNKNOWN);
		target_end();
	}
}

/* Where only the record before says how far the stack was followed. */
static void test_frame_record_below_the_floor(void **state)
{
	(void)state;
	begin(EM_AARCH64);
	put(RECORD, RECORD2, AT(IN_CALLER));
	target_ready();
	struct snap_registers registers = {.pc = AT(CALLEE + 0x10), .trust = SNAP_TRUST_FP};
	snap_register_set(&registers, target_fp(), RECORD);
	frame = target_frame(&registers);
	for (int above = 0; above < 2; above++) {
		w = target_walk();
		w.has_floor = true;
		w.floor = RECORD + (above ? 8 : 0);
		assert_int_equal(snap_step_by_frame_record(&w, &frame, &registers, &caller),
			above ? SNAP_STEP_UNKNOWN : SNAP_STEP_DONE);
	}
	target_end();
}

/* ---------------------------------------------------------------- aarch64, arm, riscv64 */

static void test_frame_record_signed_return_addresses(void **state)
{
	(void)state;
	static const struct {
		uint64_t signature, mask; /* mask 0: not told */
		bool good;
	} cases[] = {
		{UINT64_C(0x007f000000000000), UINT64_C(0x007f000000000000), true},
		{UINT64_C(0x0015000000000000), UINT64_C(0x007f000000000000), true},
		{UINT64_C(0x0100000000000000), UINT64_C(0x007f000000000000), false},
		{UINT64_C(0xff7f000000000000), 0, true},
		{UINT64_C(0x002b000000000000), 0, true},
		/* Beyond the signature of processes with 48 bits. */
		{UINT64_C(0x0000800000000000), 0, false},
		{UINT64_C(0x007f800000000000), UINT64_C(0x007f800000000000), true},
		/* That would be an address of the kernel. */
		{UINT64_C(0x0080000000000000), 0, false},
		{UINT64_C(0xffff000000000000), 0, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (int in_register = 0; in_register < 2; in_register++) {
			begin(EM_AARCH64);
			uint64_t ra = AT(IN_CALLER) | cases[i].signature;
			put(RECORD, RECORD2, in_register ? AT(IN_OUTER) : ra);
			target_ready();
			struct snap_registers registers =
				registers_at(AT(CALLEE + 0x10), RECORD - 64, RECORD);
			if (in_register)
				snap_register_set(&registers, target_lr(), ra);
			w = target_walk();
			w.has_pac_mask = cases[i].mask != 0;
			w.pac_mask = cases[i].mask;
			frame = target_frame(&registers);
			enum snap_step result =
				snap_step_by_frame_record(&w, &frame, &registers, &caller);
			bool good = result == SNAP_STEP_DONE && caller.pc == AT(IN_CALLER);
			if (good != cases[i].good)
				fail_msg("case %zu, %d: step %d, pc 0x%jx", i, in_register, result,
					(uintmax_t)caller.pc);
			target_end();
		}
}

static void test_frame_record_link_registers(void **state)
{
	(void)state;
	static const uint16_t machines[] = {EM_AARCH64, EM_ARM, EM_RISCV};
	for (size_t i = 0; i < ARRAY_LEN(machines); i++) {
		/* Fresh: callee() has not saved it, and fp is still the caller's. */
		begin(machines[i]);
		put(RECORD, RECORD2, AT(IN_OUTER));
		put(RECORD2, RECORD3, AT(IN_CALLER));
		target_ready();
		struct snap_registers registers = registers_at(AT(CALLEE + 8), RECORD - 64, RECORD);
		snap_register_set(&registers, target_lr(), AT(IN_CALLER));
		snap_register_set(&registers, 0, 0x1234); /* which nobody preserves */
		assert_int_equal(step(&registers), SNAP_STEP_DONE);
		assert_int_equal(caller.pc, AT(IN_CALLER));
		assert_int_equal(caller.trust, SNAP_TRUST_SCAN);
		assert_false(caller.exact_pc);
		assert_int_equal(caller_fp(), RECORD);
		assert_int_equal(caller_sp(), RECORD - 64);
		assert_false(snap_register_known(&caller, target_lr()));
		assert_false(snap_register_known(&caller, 0));

		/* Saved already, in a record of its own: that is where fp points. */
		registers.values[target_fp()] = RECORD2;
		assert_int_equal(step(&registers), SNAP_STEP_DONE);
		assert_int_equal(caller.pc, AT(IN_CALLER));
		assert_int_equal(caller.trust, SNAP_TRUST_FP);
		assert_int_equal(caller_fp(), RECORD3);
		assert_int_equal(snap_register_known(&caller, snap_sp_column(target_crash.arch)),
			machines[i] != EM_AARCH64);
		if (machines[i] != EM_AARCH64)
			assert_int_equal(caller_sp(),
				RECORD2 + (uint64_t)(int64_t)target_crash.arch->frame_records[0]
						  .cfa_off);

		/* Stale: behind a call that callee() made itself. */
		snap_register_set(&registers, target_lr(), AT(IN_CALLEE));
		assert_int_equal(step(&registers), SNAP_STEP_DONE);
		assert_int_equal(caller.pc, AT(IN_CALLER));
		assert_int_equal(caller.trust, SNAP_TRUST_FP);

		/* Used for something else, or not known. */
		snap_register_set(&registers, target_lr(), 0x5555);
		assert_int_equal(step(&registers), SNAP_STEP_DONE);
		assert_int_equal(caller.pc, AT(IN_CALLER));
		registers.known &= ~(UINT64_C(1) << target_lr());
		assert_int_equal(step(&registers), SNAP_STEP_DONE);
		assert_int_equal(caller.pc, AT(IN_CALLER));

		/* Of a frame that has made a call it says nothing. */
		registers = registers_at(AT(IN_CALLEE), RECORD - 64, RECORD2);
		snap_register_set(&registers, target_lr(), AT(IN_OUTER));
		registers.exact_pc = false;
		assert_int_equal(step(&registers), SNAP_STEP_DONE);
		assert_int_equal(caller.pc, AT(IN_CALLER));
		target_end();
	}
}

/* Without symbols, only a call that goes to where the function may begin is one to it. */
static void test_frame_record_link_register_without_symbols(void **state)
{
	(void)state;
	target_begin(EM_AARCH64);
	target_set_cfi(TARGET_NO_CFI);
	target_call(IN_CALLER, CALLEE);
	target_call(IN_CALLEE, OUTER);
	target_call(CALLEE + 0x20, CALLER);
	target_call_any(IN_OUTER);
	target_ready();
	struct snap_registers registers = target_registers(AT(CALLEE + 0x44), RECORD);
	static const struct {
		uint64_t lr;
		enum snap_step expected;
	} cases[] = {
		{IN_CALLER, SNAP_STEP_DONE},
		{IN_CALLEE, SNAP_STEP_UNKNOWN},	    /* its own call of a function further up */
		{CALLEE + 0x20, SNAP_STEP_UNKNOWN}, /* likewise */
		{IN_OUTER, SNAP_STEP_UNKNOWN},	    /* may be anybody's */
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		snap_register_set(&registers, target_lr(), AT(cases[i].lr));
		if (step(&registers) != cases[i].expected)
			fail_msg("case %zu", i);
	}
	target_end();
}

static void test_frame_record_thumb(void **state)
{
	(void)state;
	begin(EM_ARM);
	target_code(CALLER + 0x5e, "\x98\x47", 2); /* blx r3 */
	put(RECORD, RECORD2, AT(CALLER + 0x60) | 1);
	target_ready();
	assert_int_equal(step_at(AT(CALLEE + 0x10), RECORD - 64, RECORD), SNAP_STEP_DONE);
	assert_int_equal(caller.pc, AT(CALLER + 0x60));
	assert_true(caller.is_thumb);
	target_word(RECORD + 4, AT(CALLER + 0x60)); /* no call of ARM code */
	assert_int_equal(step_at(AT(CALLEE + 0x10), RECORD - 64, RECORD), SNAP_STEP_UNKNOWN);
	target_end();
}

/* ---------------------------------------------------------------- whole stacks */

static void test_frame_record_chain_ends_with_0(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(conventions); i++) {
		begin(conventions[i].machine);
		const struct snap_arch_frame_record *record =
			&target_crash.arch->frame_records[conventions[i].record];
		put_prologue(CALLEE);
		put_prologue(CALLER);
		put_record(record, RECORD, RECORD2, AT(IN_CALLER));
		put_record(record, RECORD2, 0, AT(IN_OUTER));
		target_ready();
		struct snap_registers registers =
			registers_at(AT(CALLEE + 0x10), RECORD - 64, RECORD);
		target_unwind(&registers, 100);
		if (target_thread.num_frames != 3 || target_thread.end != SNAP_END_COMPLETE)
			fail_msg("convention %zu: %zu frames, %s", i, target_thread.num_frames,
				target_thread.end_reason);
		assert_string_equal(target_thread.end_reason, "frame pointer 0");
		static const uint64_t pcs[] = {AT(CALLEE + 0x10), AT(IN_CALLER), AT(IN_OUTER)};
		for (size_t j = 0; j < 3; j++) {
			assert_int_equal(target_thread.frames[j].pc, pcs[j]);
			assert_int_equal(target_thread.frames[j].trust,
				j == 0 ? SNAP_TRUST_CONTEXT : SNAP_TRUST_FP);
		}
		target_end();
	}
}

/* Records that lead to themselves, to each other, and down. */
static void test_frame_record_circles(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(conventions); i++)
		for (int circle = 0; circle < 3; circle++) {
			begin(conventions[i].machine);
			const struct snap_arch_frame_record *record =
				&target_crash.arch->frame_records[conventions[i].record];
			put_prologue(CALLEE);
			put_prologue(CALLER);
			put_prologue(OUTER);
			target_call(OUTER + 0x40, OUTER);
			put_record(record, RECORD, circle == 0 ? RECORD : RECORD2, AT(IN_CALLER));
			put_record(record, RECORD2, circle == 1 ? RECORD : RECORD - 0x200,
				AT(IN_OUTER));
			put_record(record, RECORD - 0x200, RECORD2, AT(OUTER + 0x40));
			target_ready();
			struct snap_registers registers =
				registers_at(AT(CALLEE + 0x10), RECORD - 64, RECORD);
			target_unwind(&registers, 1000);
			if (target_thread.num_frames > 4)
				fail_msg("convention %zu, circle %d: %zu frames", i, circle,
					target_thread.num_frames);
			assert_int_not_equal(target_thread.end, SNAP_END_COMPLETE);
			assert_int_not_equal(target_thread.end, SNAP_END_LIMIT);
			target_end();
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frame_record_x86_64_in_and_out),
		cmocka_unit_test(test_frame_record_i386_in_and_out),
		cmocka_unit_test(test_frame_record_without_symbols),
		cmocka_unit_test(test_frame_record_function_without_prologue),
		cmocka_unit_test(test_frame_record_return_address_not_captured),
		cmocka_unit_test(test_frame_record_of_every_machine),
		cmocka_unit_test(test_frame_record_no_records_no_answer),
		cmocka_unit_test(test_frame_record_none_at_all),
		cmocka_unit_test(test_frame_record_in_code_made_at_run_time),
		cmocka_unit_test(test_frame_record_is_it_the_callers),
		cmocka_unit_test(test_frame_record_below_the_floor),
		cmocka_unit_test(test_frame_record_signed_return_addresses),
		cmocka_unit_test(test_frame_record_link_registers),
		cmocka_unit_test(test_frame_record_link_register_without_symbols),
		cmocka_unit_test(test_frame_record_thumb),
		cmocka_unit_test(test_frame_record_chain_ends_with_0),
		cmocka_unit_test(test_frame_record_circles),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
