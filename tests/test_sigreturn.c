/* analyze/unwind/sigreturn: every kind of trampoline with the frame that the kernel would have laid
 * out, that of this very machine for real, and memory that ends too early. */
#include "analyze/unwind/sigreturn.h"

#include "tests/lib/target.h"

#include <elf.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define SP (TARGET_STACK + 0x1000)
/* What is saved at an offset into the frame: its own place. */
#define SAVED(off) (0x10000u + (unsigned int)(off))

/*
 * What the stack pointer points to when the handler has returned: struct rt_sigframe and struct
 * sigframe of the kernel's arch/ARCH/kernel/signal*.c, with the types that each machine gives them.
 */
struct x86_64_frame {
	uint64_t uc_flags, uc_link, ss_sp, ss_flags, ss_size;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip;
};

struct i386_sigcontext {
	uint32_t gs, fs, es, ds, edi, esi, ebp, esp, ebx, edx, ecx, eax, trapno, err, eip;
};

struct i386_rt_frame {
	uint32_t sig, pinfo, puc;
	uint8_t info[128];
	uint32_t uc_flags, uc_link, ss_sp, ss_flags, ss_size;
	struct i386_sigcontext context;
};

struct i386_frame {
	uint32_t sig;
	struct i386_sigcontext context;
};

struct aarch64_frame {
	uint8_t info[128];
	uint64_t uc_flags, uc_link, ss_sp, ss_flags, ss_size;
	uint8_t sigmask[128];
	_Alignas(16) uint64_t fault_address;
	uint64_t regs[31], sp, pc;
};

struct arm_frame {
	uint32_t uc_flags, uc_link, ss_sp, ss_flags, ss_size;
	uint32_t trap_no, error_code, oldmask, regs[16];
};

struct arm_rt_frame {
	uint8_t info[128];
	struct arm_frame uc;
};

struct riscv64_frame {
	uint8_t info[128];
	uint64_t uc_flags, uc_link, ss_sp, ss_flags, ss_size;
	uint8_t sigmask[128];
	_Alignas(16) uint64_t pc;
	uint64_t regs[31]; /* from x1 on */
};

struct saved {
	uint8_t column;
	uint16_t off;
};

#define X86_64(number, member)                                                                     \
	{                                                                                          \
		number, offsetof(struct x86_64_frame, member)                                      \
	}
#define I386(frame, number, member)                                                                \
	{                                                                                          \
		number, offsetof(struct frame, context.member)                                     \
	}

static const struct saved x86_64[] = {X86_64(0, rax), X86_64(1, rdx), X86_64(2, rcx),
	X86_64(3, rbx), X86_64(4, rsi), X86_64(5, rdi), X86_64(6, rbp), X86_64(7, rsp),
	X86_64(8, r8), X86_64(9, r9), X86_64(10, r10), X86_64(11, r11), X86_64(12, r12),
	X86_64(13, r13), X86_64(14, r14), X86_64(15, r15)};
#define I386_REGISTERS(frame)                                                                      \
	I386(frame, 0, eax), I386(frame, 1, ecx), I386(frame, 2, edx), I386(frame, 3, ebx),        \
		I386(frame, 4, esp), I386(frame, 5, ebp), I386(frame, 6, esi), I386(frame, 7, edi)
static const struct saved i386_rt[] = {I386_REGISTERS(i386_rt_frame)};
static const struct saved i386[] = {I386_REGISTERS(i386_frame)};

struct kind {
	const char *name;
	uint16_t elf_machine;
	const char *code;
	size_t code_len;
	uint16_t pc_off;
	const struct saved *saved; /* NULL: words of num columns from first on at regs_off */
	size_t num, first;
	uint16_t regs_off;
};

#define CODE(bytes)   bytes, sizeof(bytes) - 1
#define LISTED(table) table, ARRAY_LEN(table), 0, 0
#define ARM_RT_OFFSETS                                                                             \
	offsetof(struct arm_rt_frame, uc.regs[15]), NULL, 15, 0,                                   \
		offsetof(struct arm_rt_frame, uc.regs)
#define ARM_OFFSETS                                                                                \
	offsetof(struct arm_frame, regs[15]), NULL, 15, 0, offsetof(struct arm_frame, regs)

/* The code as C libraries, the kernel's vDSO or sigpage, and emulators have it. */
static const struct kind kinds[] = {
	{"x86-64", EM_X86_64, CODE("\x48\xc7\xc0\x0f\0\0\0\x0f\x05"),
		offsetof(struct x86_64_frame, rip), LISTED(x86_64)},
	{"x86-64, short", EM_X86_64, CODE("\xb8\x0f\0\0\0\x0f\x05"),
		offsetof(struct x86_64_frame, rip), LISTED(x86_64)},
	{"i386, rt", EM_386, CODE("\xb8\xad\0\0\0\xcd\x80"),
		offsetof(struct i386_rt_frame, context.eip), LISTED(i386_rt)},
	{"i386", EM_386, CODE("\x58\xb8\x77\0\0\0\xcd\x80"),
		offsetof(struct i386_frame, context.eip), LISTED(i386)},
	{"aarch64", EM_AARCH64, CODE("\x68\x11\x80\xd2\x01\0\0\xd4"),
		offsetof(struct aarch64_frame, pc), NULL, 32, 0,
		offsetof(struct aarch64_frame, regs)},
	{"arm, rt", EM_ARM, CODE("\xad\x70\xa0\xe3\0\0\0\xef"), ARM_RT_OFFSETS},
	{"arm, rt, OABI", EM_ARM, CODE("\xad\x70\xa0\xe3\xad\0\x90\xef"), ARM_RT_OFFSETS},
	{"arm, rt, Thumb", EM_ARM, CODE("\xad\x27\0\xdf"), ARM_RT_OFFSETS},
	{"arm", EM_ARM, CODE("\x77\x70\xa0\xe3\0\0\0\xef"), ARM_OFFSETS},
	{"arm, OABI", EM_ARM, CODE("\x77\x70\xa0\xe3\x77\0\x90\xef"), ARM_OFFSETS},
	{"arm, Thumb", EM_ARM, CODE("\x77\x27\0\xdf"), ARM_OFFSETS},
	{"riscv64", EM_RISCV, CODE("\x93\x08\xb0\x08\x73\0\0\0"),
		offsetof(struct riscv64_frame, pc), NULL, 31, 1,
		offsetof(struct riscv64_frame, regs)},
};

/* Ends the target's code right behind the trampoline. */
#define PC(kind) (TARGET_ANON + TARGET_ANON_LEN - (kind)->code_len)

static void put_frame(void)
{
	for (unsigned int off = 0; off < 0x400; off += target_word_len())
		target_word(SP + off, SAVED(off));
}

static uint64_t expected_registers(const struct kind *kind, uint64_t values[64])
{
	uint64_t known = 0;
	for (size_t i = 0; i < kind->num; i++) {
		size_t column = kind->saved ? kind->saved[i].column : kind->first + i;
		values[column] = SAVED(
			kind->saved ? kind->saved[i].off : kind->regs_off + i * target_word_len());
		known |= UINT64_C(1) << column;
	}
	return known;
}

static void test_sigreturn_of_every_machine(void **state)
{
	(void)state;
	for (const struct kind *kind = kinds; kind < kinds + ARRAY_LEN(kinds); kind++) {
		target_begin(kind->elf_machine);
		target_memory(PC(kind), kind->code, kind->code_len);
		put_frame();
		target_ready();
		struct snap_walk w = target_walk();
		struct snap_registers registers = target_registers(PC(kind), SP), caller;
		registers.exact_pc = false;
		struct snap_frame frame = target_frame(&registers);
		uint64_t expected[64] = {0}, known = expected_registers(kind, expected);
		enum snap_step step = snap_step_by_sigreturn(&w, &frame, &registers, &caller);
		if (step != SNAP_STEP_DONE || caller.pc != SAVED(kind->pc_off))
			fail_msg("%s: %d, pc 0x%jx", kind->name, step, (uintmax_t)caller.pc);
		assert_true(frame.is_signal && frame.has_cfa && frame.cfa == SP);
		assert_true(caller.exact_pc);
		assert_int_equal(caller.trust, SNAP_TRUST_CFI);
		assert_int_equal(caller.known, known);
		for (unsigned int i = 0; i < 64; i++)
			if ((known >> i & 1) && caller.values[i] != expected[i])
				fail_msg("%s: register %u is 0x%jx", kind->name, i,
					(uintmax_t)caller.values[i]);
		assert_true(snap_is_sigreturn(&w, PC(kind)));
		target_end();
	}
}

static enum snap_step step_at(
	const struct kind *kind, uint64_t pc, struct snap_walk *w, bool has_sp)
{
	*w = target_walk();
	struct snap_registers registers = target_registers(pc, SP), caller;
	if (!has_sp)
		registers.known = 0;
	struct snap_frame frame = target_frame(&registers);
	enum snap_step step = snap_step_by_sigreturn(w, &frame, &registers, &caller);
	if (step == SNAP_STEP_DONE)
		return step;
	if (frame.is_signal || frame.has_cfa)
		fail_msg("%s: the frame was changed", kind->name);
	return step;
}

static void test_sigreturn_elsewhere_is_unknown(void **state)
{
	(void)state;
	struct snap_walk w;
	for (const struct kind *kind = kinds; kind < kinds + ARRAY_LEN(kinds); kind++) {
		target_begin(kind->elf_machine);
		target_memory(TARGET_ANON + 0x100, kind->code, kind->code_len);
		/* Not executable: data, even if it is the same. */
		memcpy(target_stack(SP), kind->code, kind->code_len);
		target_ready();
		assert_int_equal(step_at(kind, TARGET_ANON + 0x100, &w, true), SNAP_STEP_DONE);
		assert_int_equal(step_at(kind, TARGET_ANON + 0x100, &w, false), SNAP_STEP_UNKNOWN);
		for (uint64_t pc = TARGET_ANON + 0xf0; pc < TARGET_ANON + 0x110; pc++)
			if (pc != TARGET_ANON + 0x100 &&
				step_at(kind, pc, &w, true) != SNAP_STEP_UNKNOWN)
				fail_msg("%s: at %d", kind->name, (int)(pc - TARGET_ANON - 0x100));
		assert_false(snap_is_sigreturn(&w, TARGET_ANON + 0x101));
		assert_false(snap_is_sigreturn(&w, SP));
		target_end();
	}
}

/* A kind is that of its machine alone. */
static void test_sigreturn_of_another_machine_is_unknown(void **state)
{
	(void)state;
	for (const struct kind *kind = kinds; kind < kinds + ARRAY_LEN(kinds); kind++) {
		static const uint16_t machines[] = {
			EM_X86_64, EM_386, EM_AARCH64, EM_ARM, EM_RISCV};
		for (size_t i = 0; i < ARRAY_LEN(machines); i++) {
			struct snap_walk w;
			target_begin(machines[i]);
			target_memory(PC(kind), kind->code, kind->code_len);
			target_ready();
			assert_int_equal(step_at(kind, PC(kind), &w, true),
				machines[i] == kind->elf_machine ? SNAP_STEP_DONE
								 : SNAP_STEP_UNKNOWN);
			target_end();
		}
	}
}

static void test_sigreturn_frame_cut_short(void **state)
{
	(void)state;
	for (const struct kind *kind = kinds; kind < kinds + ARRAY_LEN(kinds); kind++) {
		target_begin(kind->elf_machine);
		unsigned int word = target_word_len();
		/* The pc is the last thing needed on all but riscv64, where it comes first. */
		uint64_t last = SP + kind->pc_off;
		if (kind->elf_machine == EM_RISCV)
			last = SP + kind->regs_off + (kind->num - 1) * word;
		target_memory(PC(kind), kind->code, kind->code_len);
		target_capture(SP, last + word - 1);
		target_ready();
		struct snap_walk w;
		assert_int_equal(step_at(kind, PC(kind), &w, true), SNAP_STEP_FAILED);
		assert_int_equal(w.end, SNAP_END_TRUNCATED);
		assert_true(w.has_missing);
		if (w.missing_addr != last)
			fail_msg("%s: 0x%jx", kind->name, (uintmax_t)w.missing_addr);
		assert_non_null(strstr(w.end_reason, "was not captured"));
		target_end();
	}
}

/* Where no stack can be, the frame is not cut but wrong. */
static void test_sigreturn_frame_outside_of_stacks(void **state)
{
	(void)state;
	const struct kind *kind = &kinds[0];
	target_begin(EM_X86_64);
	target_memory(PC(kind), kind->code, kind->code_len);
	target_ready();
	struct snap_walk w = target_walk();
	struct snap_registers registers = target_registers(PC(kind), 0x5000), caller;
	struct snap_frame frame = target_frame(&registers);
	assert_int_equal(snap_step_by_sigreturn(&w, &frame, &registers, &caller), SNAP_STEP_FAILED);
	assert_int_equal(w.end, SNAP_END_CORRUPT);
	assert_false(w.has_missing);
	target_end();
}

static void test_sigreturn_code_cut_short(void **state)
{
	(void)state;
	for (const struct kind *kind = kinds; kind < kinds + ARRAY_LEN(kinds); kind++)
		for (size_t len = 0; len <= kind->code_len; len++) {
			struct snap_walk w;
			target_begin(kind->elf_machine);
			target_memory(TARGET_ANON, kind->code, len);
			target_ready();
			enum snap_step expected =
				len == kind->code_len ? SNAP_STEP_DONE : SNAP_STEP_UNKNOWN;
			if (step_at(kind, TARGET_ANON, &w, true) != expected)
				fail_msg("%s: %zu bytes", kind->name, len);
			assert_int_equal(
				snap_is_sigreturn(&w, TARGET_ANON), expected == SNAP_STEP_DONE);
			target_end();
		}
}

/* From the module's file, where the input has none of it. */
static void test_sigreturn_code_of_a_file(void **state)
{
	(void)state;
	for (const struct kind *kind = kinds; kind < kinds + ARRAY_LEN(kinds); kind++) {
		struct snap_walk w;
		target_begin(kind->elf_machine);
		target_code(TARGET_TEXT + 0x100, kind->code, kind->code_len);
		target_ready();
		assert_int_equal(step_at(kind, AT(TARGET_TEXT + 0x100), &w, true), SNAP_STEP_DONE);
		assert_int_equal(
			step_at(kind, AT(TARGET_TEXT + 0x104), &w, true), SNAP_STEP_UNKNOWN);
		target_end();
	}
}

#ifdef __x86_64__

/* What this machine's kernel and C library make of it. */
static uint8_t real_code[16], real_frame[sizeof(struct x86_64_frame)];
static greg_t real_registers[NGREG];

__attribute__((noinline)) static void handle(int signo, siginfo_t *info, void *arg)
{
	(void)signo;
	(void)info;
	const ucontext_t *context = arg;
	memcpy(real_code, __builtin_return_address(0), sizeof(real_code));
	memcpy(real_frame, context, sizeof(real_frame));
	memcpy(real_registers, context->uc_mcontext.gregs, sizeof(real_registers));
}

static void test_sigreturn_of_this_machine(void **state)
{
	(void)state;
	static const struct {
		unsigned int column;
		int number;
	} registers_of_libc[] = {{0, REG_RAX}, {1, REG_RDX}, {2, REG_RCX}, {3, REG_RBX},
		{4, REG_RSI}, {5, REG_RDI}, {6, REG_RBP}, {7, REG_RSP}, {8, REG_R8}, {9, REG_R9},
		{10, REG_R10}, {11, REG_R11}, {12, REG_R12}, {13, REG_R13}, {14, REG_R14},
		{15, REG_R15}};
	const struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
	struct sigaction before;
	assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
	assert_int_equal(raise(SIGUSR1), 0);
	assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);

	target_begin(EM_X86_64);
	target_memory(TARGET_ANON, real_code, sizeof(real_code));
	memcpy(target_stack(SP), real_frame, sizeof(real_frame));
	target_ready();
	struct snap_walk w = target_walk();
	struct snap_registers registers = target_registers(TARGET_ANON, SP), caller;
	struct snap_frame frame = target_frame(&registers);
	assert_int_equal(snap_step_by_sigreturn(&w, &frame, &registers, &caller), SNAP_STEP_DONE);
	assert_int_equal(caller.pc, real_registers[REG_RIP]);
	for (size_t i = 0; i < ARRAY_LEN(registers_of_libc); i++)
		assert_int_equal(caller.values[registers_of_libc[i].column],
			real_registers[registers_of_libc[i].number]);
	target_end();
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sigreturn_of_every_machine),
		cmocka_unit_test(test_sigreturn_elsewhere_is_unknown),
		cmocka_unit_test(test_sigreturn_of_another_machine_is_unknown),
		cmocka_unit_test(test_sigreturn_frame_cut_short),
		cmocka_unit_test(test_sigreturn_frame_outside_of_stacks),
		cmocka_unit_test(test_sigreturn_code_cut_short),
		cmocka_unit_test(test_sigreturn_code_of_a_file),
#ifdef __x86_64__
		cmocka_unit_test(test_sigreturn_of_this_machine),
#endif
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
