/* analyze/symbols/cfi_row: every kind of rule, out of .eh_frame bytes, and what stepping by it
 * (analyze/unwind/cfi_step) makes of the registers. */
#include "analyze/symbols/cfi_row.h"

#include "tests/lib/target.h"

#include <dwarf.h>
#include <elf.h>
#include <string.h>

#include "analyze/unwind/cfi_step.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define FUNCTION 0x1100u
#define CALLER	 0x1200u
#define LEN	 0x80u
#define SP	 (TARGET_STACK + 0x1000)

/* Bytes of instructions (DWARF 5, section 7.24), for a target of its own. */
static const struct snap_cfi_row *row_of(
	uint16_t machine, bool is_signal, const char *program, size_t len)
{
	target_begin(machine);
	target_describe(FUNCTION, LEN, is_signal, program, len);
	target_ready();
	return snap_object_cfi_row(target_object, FUNCTION);
}

#define ROW(program) row_of(EM_X86_64, false, program, sizeof(program) - 1)
/* The CFA is rsp + 16, rip is 8 below. */
#define USUAL "\x0c\x07\x10\x90\x01"

/* ---------------------------------------------------------------- rules */

static void assert_rule(const struct snap_cfi_row *row, unsigned int column,
	enum snap_cfi_rule_kind kind, int64_t offset)
{
	assert_non_null(row);
	if (row->rules[column].kind != kind)
		fail_msg("column %u: %d", column, row->rules[column].kind);
	if (kind == SNAP_CFI_AT_CFA || kind == SNAP_CFI_CFA_PLUS)
		assert_int_equal(row->rules[column].u.offset, offset);
	if (kind == SNAP_CFI_REGISTER)
		assert_int_equal(row->rules[column].column, offset);
}

static void test_cfi_row_rules(void **state)
{
	(void)state;
	const struct snap_cfi_row *row =
		ROW(USUAL "\x08\x06"		 /* same_value rbp */
			  "\x07\x0c"		 /* undefined r12 */
			  "\x83\x02"		 /* offset rbx, 2 * -8 */
			  "\x05\x08\x00"	 /* offset_extended r8, 0 */
			  "\x11\x09\x7f"	 /* offset_extended_sf r9, -1 * -8 */
			  "\x14\x0d\x03"	 /* val_offset r13, 3 * -8 */
			  "\x15\x0a\x7e"	 /* val_offset_sf r10, -2 * -8 */
			  "\x09\x0e\x0f"	 /* register r14 in r15 */
			  "\x09\x0f\x31"	 /* register r15 in rflags, which is not carried */
			  "\x10\x00\x02\x77\x08" /* expression rax: rsp + 8 */
			  "\x16\x01\x02\x77\x10" /* val_expression rdx: rsp + 16 */
		);
	assert_non_null(row);
	assert_int_equal(row->start, FUNCTION);
	assert_int_equal(row->end, FUNCTION + LEN);
	assert_false(row->is_signal);
	assert_int_equal(row->ra_column, 16);
	assert_int_equal(row->cfa.kind, SNAP_CFI_REGISTER);
	assert_int_equal(row->cfa.column, 7);
	assert_int_equal(row->cfa.u.offset, 16);
	assert_rule(row, 16, SNAP_CFI_AT_CFA, -8);
	assert_rule(row, 6, SNAP_CFI_SAME, 0);
	assert_rule(row, 12, SNAP_CFI_UNDEFINED, 0);
	assert_rule(row, 3, SNAP_CFI_AT_CFA, -16);
	assert_rule(row, 8, SNAP_CFI_AT_CFA, 0);
	assert_rule(row, 9, SNAP_CFI_AT_CFA, 8);
	assert_rule(row, 13, SNAP_CFI_CFA_PLUS, -24);
	assert_rule(row, 10, SNAP_CFI_CFA_PLUS, 16);
	assert_rule(row, 14, SNAP_CFI_REGISTER, 15);
	assert_rule(row, 15, SNAP_CFI_UNDEFINED, 0);
	assert_rule(row, 0, SNAP_CFI_AT_EXPRESSION, 0);
	assert_rule(row, 1, SNAP_CFI_EXPRESSION_VALUE, 0);
	/* libdw puts the CFA on the expression's stack first. */
	const struct snap_cfi_rule *rule = &row->rules[0];
	assert_true(rule->num_ops >= 2);
	assert_int_equal(rule->u.ops[0].atom, DW_OP_call_frame_cfa);
	assert_int_equal(rule->u.ops[1].atom, DW_OP_breg7);
	assert_int_equal(rule->u.ops[1].number, 8);
	target_end();
}

static void test_cfi_row_cfa(void **state)
{
	(void)state;
	static const struct {
		const char *program;
		size_t len;
		enum snap_cfi_rule_kind kind;
		unsigned int column;
		int64_t offset;
	} cases[] = {
		{"\x0c\x07\x10", 3, SNAP_CFI_REGISTER, 7, 16},
		{"\x0c\x06\x00", 3, SNAP_CFI_REGISTER, 6, 0},
		{"\x12\x06\x02", 3, SNAP_CFI_REGISTER, 6, -16}, /* def_cfa_sf */
		{"\x0c\x07\x10\x0e\xa0\x01", 6, SNAP_CFI_REGISTER, 7, 160},
		{"\x0c\x07\x10\x0d\x0a", 5, SNAP_CFI_REGISTER, 10, 16},
		{"\x0f\x03\x76\x78\x06", 5, SNAP_CFI_EXPRESSION_VALUE, 0, 0},
		{"\x0c\x31\x10", 3, SNAP_CFI_UNDEFINED, 0, 0}, /* a register not carried */
		{"\x90\x01", 2, SNAP_CFI_UNDEFINED, 0, 0},     /* none */
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct snap_cfi_row *row =
			row_of(EM_X86_64, false, cases[i].program, cases[i].len);
		assert_non_null(row);
		if (row->cfa.kind != cases[i].kind)
			fail_msg("case %zu: %d", i, row->cfa.kind);
		if (cases[i].kind == SNAP_CFI_REGISTER) {
			assert_int_equal(row->cfa.column, cases[i].column);
			assert_int_equal(row->cfa.u.offset, cases[i].offset);
		}
		target_end();
	}
	const struct snap_cfi_row *row = ROW("\x0f\x03\x76\x78\x06");
	assert_int_equal(row->cfa.num_ops, 2);
	assert_int_equal(row->cfa.u.ops[0].atom, DW_OP_breg6);
	assert_int_equal(row->cfa.u.ops[1].atom, DW_OP_deref);
	target_end();
}

static void test_cfi_row_signal_frame(void **state)
{
	(void)state;
	const struct snap_cfi_row *row = row_of(EM_X86_64, true, USUAL, 5);
	assert_non_null(row);
	assert_true(row->is_signal);
	target_end();
}

/* What psABIs say of registers that an entry does not mention: preserved by calls, or not. */
static void test_cfi_row_registers_not_mentioned(void **state)
{
	(void)state;
	static const struct {
		uint16_t machine;
		uint64_t preserved, clobbered; /* bit n: DWARF register n */
	} machines[] = {
		{EM_X86_64, 0xf048, 0x0f37},
		{EM_386, 0x00e8, 0x0007},
		{EM_AARCH64, 0x3ff80000, 0x0000ffff},
		{EM_ARM, 0x0df0, 0x100f},
		{EM_RISCV, 0x0ffc0300, 0xf003fce0},
	};
	for (size_t i = 0; i < ARRAY_LEN(machines); i++) {
		const struct snap_cfi_row *row =
			row_of(machines[i].machine, false, "\x0c\x07\x10", 3);
		assert_non_null(row);
		for (unsigned int column = 0; column < 32; column++) {
			uint64_t bit = UINT64_C(1) << column;
			enum snap_cfi_rule_kind kind;
			if (machines[i].preserved & bit)
				kind = SNAP_CFI_SAME;
			else if (machines[i].clobbered & bit)
				kind = SNAP_CFI_UNDEFINED;
			else
				continue;
			if (row->rules[column].kind != kind)
				fail_msg("machine %u, register %u: %d", machines[i].machine, column,
					row->rules[column].kind);
		}
		target_end();
	}
	/* What is said counts. */
	const struct snap_cfi_row *row = ROW(USUAL "\x80\x02\x83\x03");
	assert_rule(row, 0, SNAP_CFI_AT_CFA, -16);
	assert_rule(row, 3, SNAP_CFI_AT_CFA, -24);
	target_end();
}

/* A return address numbered beyond the others has the last column. */
static void test_cfi_row_return_address_beyond(void **state)
{
	(void)state;
	target_begin(EM_PPC64);
	/* CFA = r1 + 32; the link register at CFA + 16. */
	target_describe(FUNCTION, LEN, false, "\x0c\x01\x20\x11\x41\x7e", 6);
	target_ready();
	const struct snap_cfi_row *row = snap_object_cfi_row(target_object, FUNCTION);
	assert_non_null(row);
	assert_int_equal(row->ra_column, 32);
	assert_rule(row, 32, SNAP_CFI_AT_CFA, 16);
	target_end();
}

/* ---------------------------------------------------------------- steps */

static void test_cfi_row_step_by_every_kind(void **state)
{
	(void)state;
	target_begin(EM_X86_64);
	static const char program[] = USUAL "\x83\x02"		       /* rbx at CFA - 16 */
					    "\x14\x0d\x03"	       /* r13 = CFA - 24 */
					    "\x09\x0e\x0f"	       /* r14 in r15 */
					    "\x07\x0f"		       /* r15 undefined */
					    "\x10\x06\x02\x77\x20"     /* rbp at rsp + 32 */
					    "\x16\x01\x03\x77\x20\x06" /* rdx: that itself */
					    "\x16\x02\x02\x70\0"       /* rcx = rax */
					    "\x10\x08\x03\x0a\0\0"     /* r8 at 0 */
					    "\x16\x09\x02\x7a\0"       /* r9 = r10, not known */
					    "\x16\x04\x01\xff";	       /* rsi: nonsense */
	target_describe(FUNCTION, LEN, false, program, sizeof(program) - 1);
	target_word(SP + 8, AT(CALLER));
	target_word(SP, 0x3333);
	target_word(SP + 32, 0x6666);
	target_ready();
	struct snap_registers registers = target_registers(AT(FUNCTION), SP), caller;
	snap_register_set(&registers, 0, 0xaaaa);
	snap_register_set(&registers, 12, 0xcccc);
	snap_register_set(&registers, 15, 0xffff);
	struct snap_walk w = target_walk();
	struct snap_frame frame = target_frame(&registers);
	assert_int_equal(snap_step_by_cfi(&w, &frame, &registers, &caller), SNAP_STEP_DONE);
	assert_true(frame.has_cfa);
	assert_int_equal(frame.cfa, SP + 16);
	static const struct {
		unsigned int column;
		uint64_t value;
	} expected[] = {{1, 0x6666}, {2, 0xaaaa}, {3, 0x3333}, {6, 0x6666}, {7, SP + 16},
		{12, 0xcccc}, {13, SP - 8}, {14, 0xffff}, {16, AT(CALLER)}};
	uint64_t known = 0;
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		known |= UINT64_C(1) << expected[i].column;
		if (caller.values[expected[i].column] != expected[i].value)
			fail_msg("register %u: 0x%jx", expected[i].column,
				(uintmax_t)caller.values[expected[i].column]);
	}
	assert_int_equal(caller.known, known);
	assert_int_equal(caller.pc, AT(CALLER));
	assert_int_equal(caller.trust, SNAP_TRUST_CFI);
	assert_false(caller.exact_pc);
	target_end();
}

static void test_cfi_row_steps_that_fail(void **state)
{
	(void)state;
	static const struct {
		const char *program;
		size_t len;
		bool is_exact;
		enum snap_step step;
		enum snap_end end;
		const char *reason;
		bool lacks_register;
	} cases[] = {
		{USUAL "\x07\x10", 7, true, SNAP_STEP_OUTERMOST, SNAP_END_COMPLETE,
			"outermost frame", false},
		/* Without a CFA, too. */
		{"\x0c\x06\x10\x07\x10", 5, true, SNAP_STEP_OUTERMOST, SNAP_END_COMPLETE,
			"outermost frame", false},
		{"\x0c\x06\x10\x90\x01", 5, true, SNAP_STEP_FAILED, SNAP_END_CORRUPT,
			"the CFA needs a register that is not known", true},
		{"\x0f\x02\x76\x00\x90\x01", 6, true, SNAP_STEP_FAILED, SNAP_END_CORRUPT,
			"the CFA needs a register that is not known", true},
		{"\x90\x01", 2, true, SNAP_STEP_UNKNOWN, SNAP_END_UNAVAILABLE,
			"the unwind information has no CFA here", false},
		{"\x0f\x01\x06\x90\x01", 5, true, SNAP_STEP_FAILED, SNAP_END_CORRUPT,
			"the unwind information's CFA is malformed", false},
		{"\x0c\x07\x10\x09\x10\x03", 6, true, SNAP_STEP_FAILED, SNAP_END_CORRUPT,
			"the return address is in a register that is not known", true},
		/* Where a call was made since, it can't be where the call would put it. */
		{"\x0c\x07\x10\x08\x10", 5, false, SNAP_STEP_FAILED, SNAP_END_CORRUPT,
			"the unwind information does not say where the return address is", true},
		{"\x0c\x07\x10\x16\x10\x02\x13\x13", 8, true, SNAP_STEP_FAILED, SNAP_END_CORRUPT,
			"the unwind information is malformed", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		target_begin(EM_X86_64);
		target_describe(FUNCTION, LEN, false, cases[i].program, cases[i].len);
		target_word(SP + 8, AT(CALLER));
		target_ready();
		struct snap_registers registers = target_registers(AT(FUNCTION + 1), SP), caller;
		registers.exact_pc = cases[i].is_exact;
		struct snap_walk w = target_walk();
		struct snap_frame frame = target_frame(&registers);
		enum snap_step step = snap_step_by_cfi(&w, &frame, &registers, &caller);
		if (step != cases[i].step || w.end != cases[i].end ||
			(step != SNAP_STEP_DONE && strcmp(w.end_reason, cases[i].reason) != 0) ||
			(step == SNAP_STEP_FAILED && w.lacks_register != cases[i].lacks_register))
			fail_msg("case %zu: %d, %d, %s", i, step, w.end, w.end_reason);
		target_end();
	}
}

/* Without the word that is needed, which one it is; a register's does not end the stack. */
static void test_cfi_row_steps_without_memory(void **state)
{
	(void)state;
	static const struct {
		const char *program;
		size_t len;
		uint64_t missing; /* 0: none */
	} cases[] = {
		{"\x0c\x07\x80\x04\x90\x01", 6, SP + 512 - 8},
		{"\x0f\x04\x77\x80\x04\x06\x90\x01", 8, SP + 512},     /* of the CFA */
		{"\x0c\x07\x10\x10\x10\x03\x77\x80\x04", 9, SP + 512}, /* by an expression */
		{USUAL "\x83\x40", 7, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		target_begin(EM_X86_64);
		target_describe(FUNCTION, LEN, false, cases[i].program, cases[i].len);
		target_word(SP + 8, AT(CALLER));
		target_capture(SP, SP + 0x100);
		target_ready();
		struct snap_registers registers = target_registers(AT(FUNCTION), SP), caller;
		struct snap_walk w = target_walk();
		struct snap_frame frame = target_frame(&registers);
		enum snap_step step = snap_step_by_cfi(&w, &frame, &registers, &caller);
		if (cases[i].missing) {
			assert_int_equal(step, SNAP_STEP_FAILED);
			assert_int_equal(w.end, SNAP_END_TRUNCATED);
			assert_true(w.has_missing);
			assert_int_equal(w.missing_addr, cases[i].missing);
		} else {
			assert_int_equal(step, SNAP_STEP_DONE);
			assert_false(snap_register_known(&caller, 3));
		}
		target_end();
	}
}

/* Calls that do not return end their function: the pc is where the next one begins. */
static void test_cfi_row_of_the_call_not_of_what_follows(void **state)
{
	(void)state;
	target_begin(EM_X86_64);
	target_describe(FUNCTION, LEN, false, "\x0c\x07\x20\x90\x01", 5);
	target_describe(FUNCTION + LEN, LEN, false, "\x0c\x07\x08\x90\x01", 5);
	target_word(SP + 24, AT(CALLER));
	target_word(SP, AT(CALLER + 4));
	target_ready();
	for (int is_exact = 0; is_exact < 2; is_exact++) {
		struct snap_registers registers = target_registers(AT(FUNCTION + LEN), SP), caller;
		registers.exact_pc = is_exact;
		struct snap_walk w = target_walk();
		struct snap_frame frame = target_frame(&registers);
		assert_int_equal(snap_step_by_cfi(&w, &frame, &registers, &caller), SNAP_STEP_DONE);
		assert_int_equal(caller.pc, AT(is_exact ? CALLER + 4 : CALLER));
	}
	target_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cfi_row_rules),
		cmocka_unit_test(test_cfi_row_cfa),
		cmocka_unit_test(test_cfi_row_signal_frame),
		cmocka_unit_test(test_cfi_row_registers_not_mentioned),
		cmocka_unit_test(test_cfi_row_return_address_beyond),
		cmocka_unit_test(test_cfi_row_step_by_every_kind),
		cmocka_unit_test(test_cfi_row_steps_that_fail),
		cmocka_unit_test(test_cfi_row_steps_without_memory),
		cmocka_unit_test(test_cfi_row_of_the_call_not_of_what_follows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
