/*
 * A microcontroller's faults: every bit of the status registers, and what is made of them, on models
 * made by hand.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "analyze/explain/cortex_m_fault.h"
#include "analyze/explain/device_assert.h"
#include "analyze/explain/device_place.h"
#include "analyze/explain/explain.h"
#include "analyze/explain/instruction.h"
#include "analyze/explain/riscv_trap.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define STACK_LOW  0x20001c00u
#define STACK_HIGH 0x20002100u
#define CODE	   0x08001234u

/* ---------------------------------------------------------------- the status registers */

static void set(struct snap_cpu_state *state, unsigned int field, uint64_t value)
{
	state->values[field] = value;
	state->present |= UINT64_C(1) << field;
}

static struct snap_cpu_state state_of(unsigned int field, uint64_t value)
{
	struct snap_cpu_state state = {0};
	set(&state, field, value);
	return state;
}

/* As the manuals name them. */
static const struct {
	unsigned int field;
	const char *reg;
	struct {
		unsigned int bit;
		const char *name;
	} bits[24];
} registers[] = {
	{SNAP_CORTEX_M_CFSR, "CFSR",
		{{0, "IACCVIOL"}, {1, "DACCVIOL"}, {3, "MUNSTKERR"}, {4, "MSTKERR"}, {5, "MLSPERR"},
			{7, "MMARVALID"}, {8, "IBUSERR"}, {9, "PRECISERR"}, {10, "IMPRECISERR"},
			{11, "UNSTKERR"}, {12, "STKERR"}, {13, "LSPERR"}, {15, "BFARVALID"},
			{16, "UNDEFINSTR"}, {17, "INVSTATE"}, {18, "INVPC"}, {19, "NOCP"},
			{20, "STKOF"}, {24, "UNALIGNED"}, {25, "DIVBYZERO"}}},
	{SNAP_CORTEX_M_HFSR, "HFSR", {{1, "VECTTBL"}, {30, "FORCED"}, {31, "DEBUGEVT"}}},
	{SNAP_CORTEX_M_SHCSR, "SHCSR",
		{{0, "MEMFAULTACT"}, {1, "BUSFAULTACT"}, {2, "HARDFAULTACT"}, {3, "USGFAULTACT"},
			{4, "SECUREFAULTACT"}, {5, "NMIACT"}, {7, "SVCALLACT"}, {8, "MONITORACT"},
			{10, "PENDSVACT"}, {11, "SYSTICKACT"}, {12, "USGFAULTPENDED"},
			{13, "MEMFAULTPENDED"}, {14, "BUSFAULTPENDED"}, {15, "SVCALLPENDED"},
			{16, "MEMFAULTENA"}, {17, "BUSFAULTENA"}, {18, "USGFAULTENA"},
			{19, "SECUREFAULTENA"}, {20, "SECUREFAULTPENDED"},
			{21, "HARDFAULTPENDED"}}},
};

static void test_every_bit_has_its_name(void **unused)
{
	struct snap_fault_bit bits[SNAP_MAX_FAULT_BITS];
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(registers); i++)
		for (unsigned int bit = 0; bit < 32; bit++) {
			struct snap_cpu_state state =
				state_of(registers[i].field, UINT64_C(1) << bit);
			const char *name = NULL;
			for (size_t j = 0; j < ARRAY_LEN(registers[i].bits); j++)
				if (registers[i].bits[j].name && registers[i].bits[j].bit == bit)
					name = registers[i].bits[j].name;
			size_t num = snap_cortex_m_bits(&state, bits);
			assert_int_equal(name ? 1 : 0, num);
			if (!name)
				continue;
			assert_string_equal(name, bits[0].name);
			assert_string_equal(registers[i].reg, bits[0].reg);
			assert_true(strlen(bits[0].words) > 10);
		}
}

static void test_all_bits_at_once_fit(void **unused)
{
	struct snap_fault_bit bits[SNAP_MAX_FAULT_BITS];
	struct snap_cpu_state state = {0};
	(void)unused;
	for (unsigned int i = 0; i < SNAP_CPU_STATE_FIELDS; i++)
		set(&state, i, UINT64_MAX);
	assert_int_equal(43, snap_cortex_m_bits(&state, bits));
	assert_true(snap_riscv_bits(&state, 32, bits) <= SNAP_MAX_FAULT_BITS);
	assert_int_equal(SNAP_KIND_USAGEFAULT, snap_cortex_m_fault(&state).kind);
	memset(&state, 0, sizeof(state));
	assert_int_equal(0, snap_cortex_m_bits(&state, bits));
	assert_int_equal(0, snap_riscv_bits(&state, 32, bits));
}

static void test_each_cfsr_bit_is_a_kind(void **unused)
{
	static const struct {
		const char *name;
		enum snap_kind kind;
		enum snap_failed failed;
	} bits[32] = {
		[0] = {"IACCVIOL", SNAP_KIND_MEMMANAGE, SNAP_FAILED_FETCH},
		[1] = {"DACCVIOL", SNAP_KIND_MEMMANAGE, SNAP_FAILED_ACCESS},
		[3] = {"MUNSTKERR", SNAP_KIND_MEMMANAGE, SNAP_FAILED_UNSTACKING},
		[4] = {"MSTKERR", SNAP_KIND_MEMMANAGE, SNAP_FAILED_STACKING},
		[5] = {"MLSPERR", SNAP_KIND_MEMMANAGE, SNAP_FAILED_LAZY},
		[8] = {"IBUSERR", SNAP_KIND_BUSFAULT, SNAP_FAILED_FETCH},
		[9] = {"PRECISERR", SNAP_KIND_BUSFAULT, SNAP_FAILED_ACCESS},
		[10] = {"IMPRECISERR", SNAP_KIND_BUSFAULT, SNAP_FAILED_LATE},
		[11] = {"UNSTKERR", SNAP_KIND_BUSFAULT, SNAP_FAILED_UNSTACKING},
		[12] = {"STKERR", SNAP_KIND_BUSFAULT, SNAP_FAILED_STACKING},
		[13] = {"LSPERR", SNAP_KIND_BUSFAULT, SNAP_FAILED_LAZY},
		[16] = {"UNDEFINSTR", SNAP_KIND_USAGEFAULT, SNAP_FAILED_INSTRUCTION},
		[17] = {"INVSTATE", SNAP_KIND_USAGEFAULT, SNAP_FAILED_STATE},
		[18] = {"INVPC", SNAP_KIND_USAGEFAULT, SNAP_FAILED_RETURN},
		[19] = {"NOCP", SNAP_KIND_USAGEFAULT, SNAP_FAILED_COPROCESSOR},
		[20] = {"STKOF", SNAP_KIND_USAGEFAULT, SNAP_FAILED_LIMIT},
		[24] = {"UNALIGNED", SNAP_KIND_USAGEFAULT, SNAP_FAILED_ALIGNMENT},
		[25] = {"DIVBYZERO", SNAP_KIND_USAGEFAULT, SNAP_FAILED_DIVISION},
	};
	(void)unused;
	for (unsigned int i = 0; i < 32; i++) {
		struct snap_cpu_state state = state_of(SNAP_CORTEX_M_CFSR, UINT64_C(1) << i);
		struct snap_device_fault fault = snap_cortex_m_fault(&state);
		if (!bits[i].name)
			continue;
		assert_int_equal(bits[i].kind, fault.kind);
		assert_int_equal(bits[i].failed, fault.failed);
		assert_string_equal(bits[i].name, fault.bit);
		assert_non_null(fault.title);
		assert_true(fault.is_certain);
		assert_false(fault.is_escalated);
		assert_false(fault.has_address);
	}
}

static void test_precedence(void **unused)
{
	(void)unused;
	/* Usage, memory, bus. */
	struct snap_cpu_state state = state_of(SNAP_CORTEX_M_CFSR, 0x02008282);
	assert_int_equal(SNAP_KIND_USAGEFAULT, snap_cortex_m_fault(&state).kind);
	set(&state, SNAP_CORTEX_M_CFSR, 0x00008282);
	assert_int_equal(SNAP_KIND_MEMMANAGE, snap_cortex_m_fault(&state).kind);
	set(&state, SNAP_CORTEX_M_CFSR, 0x00008200);
	assert_int_equal(SNAP_KIND_BUSFAULT, snap_cortex_m_fault(&state).kind);
	/* What is being handled counts more. */
	set(&state, SNAP_CORTEX_M_CFSR, 0x02008282);
	set(&state, SNAP_CORTEX_M_ICSR, 5);
	assert_int_equal(SNAP_KIND_BUSFAULT, snap_cortex_m_fault(&state).kind);
	assert_string_equal("PRECISERR", snap_cortex_m_fault(&state).bit);
	set(&state, SNAP_CORTEX_M_ICSR, 4);
	assert_int_equal(SNAP_KIND_MEMMANAGE, snap_cortex_m_fault(&state).kind);
	set(&state, SNAP_CORTEX_M_ICSR, 3);
	assert_int_equal(SNAP_KIND_USAGEFAULT, snap_cortex_m_fault(&state).kind);
	assert_true(snap_cortex_m_fault(&state).is_escalated);
	set(&state, SNAP_CORTEX_M_ICSR, 7);
	assert_int_equal(SNAP_FAILED_SECURITY, snap_cortex_m_fault(&state).failed);
	/* Handled without a bit. */
	state = state_of(SNAP_CORTEX_M_ICSR, 6);
	assert_int_equal(SNAP_KIND_USAGEFAULT, snap_cortex_m_fault(&state).kind);
	assert_null(snap_cortex_m_fault(&state).bit);
	/* SHCSR tells where ICSR was not captured. */
	state = state_of(SNAP_CORTEX_M_CFSR, 0x02000082);
	set(&state, SNAP_CORTEX_M_SHCSR, 1);
	assert_int_equal(SNAP_KIND_MEMMANAGE, snap_cortex_m_fault(&state).kind);
}

static void test_hard_faults(void **unused)
{
	(void)unused;
	struct snap_cpu_state state = state_of(SNAP_CORTEX_M_HFSR, UINT32_C(1) << 1);
	struct snap_device_fault fault = snap_cortex_m_fault(&state);
	assert_int_equal(SNAP_KIND_HARDFAULT, fault.kind);
	assert_string_equal("VECTTBL", fault.bit);
	set(&state, SNAP_CORTEX_M_HFSR, UINT32_C(1) << 31);
	assert_string_equal("DEBUGEVT", snap_cortex_m_fault(&state).bit);
	/* Bits that others left in CFSR have nothing to do with it. */
	set(&state, SNAP_CORTEX_M_CFSR, 0x02000000);
	assert_int_equal(SNAP_KIND_HARDFAULT, snap_cortex_m_fault(&state).kind);
	/* Forced, and by what. */
	set(&state, SNAP_CORTEX_M_HFSR, UINT32_C(1) << 30);
	fault = snap_cortex_m_fault(&state);
	assert_int_equal(SNAP_KIND_USAGEFAULT, fault.kind);
	assert_true(fault.is_escalated);
	assert_false(fault.is_disabled); /* SHCSR was not captured */
	set(&state, SNAP_CORTEX_M_SHCSR, 0);
	assert_true(snap_cortex_m_fault(&state).is_disabled);
	set(&state, SNAP_CORTEX_M_SHCSR, UINT32_C(1) << 18);
	assert_false(snap_cortex_m_fault(&state).is_disabled);
	/* Forced, and nothing tells. */
	set(&state, SNAP_CORTEX_M_CFSR, 0);
	fault = snap_cortex_m_fault(&state);
	assert_int_equal(SNAP_KIND_HARDFAULT, fault.kind);
	assert_null(fault.bit);
	/* Armv6-M has ICSR alone. */
	state = state_of(SNAP_CORTEX_M_ICSR, 3);
	assert_int_equal(SNAP_KIND_HARDFAULT, snap_cortex_m_fault(&state).kind);
	assert_true(snap_cortex_m_fault(&state).is_certain);
	/* Reserved bits are none. */
	state = state_of(SNAP_CORTEX_M_HFSR, 0x1000);
	assert_int_equal(SNAP_KIND_NONE, snap_cortex_m_fault(&state).kind);
	state = state_of(SNAP_CORTEX_M_CFSR, 0);
	assert_int_equal(SNAP_KIND_NONE, snap_cortex_m_fault(&state).kind);
}

static void test_old_bits_are_not_certain(void **unused)
{
	(void)unused;
	static const unsigned int others[] = {0, 2, 11, 14, 15, 16, 200, 511};
	struct snap_cpu_state state = state_of(SNAP_CORTEX_M_CFSR, 0x02000000);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		set(&state, SNAP_CORTEX_M_ICSR, others[i]);
		assert_int_equal(SNAP_KIND_USAGEFAULT, snap_cortex_m_fault(&state).kind);
		assert_false(snap_cortex_m_fault(&state).is_certain);
	}
}

static void test_addresses_count_if_valid(void **unused)
{
	(void)unused;
	struct snap_cpu_state state = state_of(SNAP_CORTEX_M_CFSR, 0x82);
	assert_false(snap_cortex_m_fault(&state).has_address); /* MMFAR was not captured */
	set(&state, SNAP_CORTEX_M_MMFAR, UINT64_C(0x120000010));
	assert_true(snap_cortex_m_fault(&state).has_address);
	assert_int_equal(0x20000010, snap_cortex_m_fault(&state).address); /* 32 bits */
	set(&state, SNAP_CORTEX_M_CFSR, 0x02);
	assert_false(snap_cortex_m_fault(&state).has_address);
	/* The other one's is not taken. */
	set(&state, SNAP_CORTEX_M_CFSR, 0x0282);
	set(&state, SNAP_CORTEX_M_ICSR, 5);
	assert_false(snap_cortex_m_fault(&state).has_address);
	set(&state, SNAP_CORTEX_M_BFAR, 0x40021018);
	set(&state, SNAP_CORTEX_M_CFSR, 0x8282);
	assert_int_equal(0x40021018, snap_cortex_m_fault(&state).address);
}

static void test_exceptions(void **unused)
{
	static const char *const names[] = {NULL, "Reset", "NMI", "HardFault", "MemManage",
		"BusFault", "UsageFault", "SecureFault", NULL, NULL, NULL, "SVCall", "DebugMonitor",
		NULL, "PendSV", "SysTick", NULL};
	(void)unused;
	for (unsigned int i = 0; i < ARRAY_LEN(names); i++) {
		struct snap_cpu_state state = state_of(SNAP_CORTEX_M_ICSR, 0xfffffe00 | i);
		unsigned int number = 1000;
		assert_int_equal(i > 0, snap_cortex_m_exception(&state, &number));
		assert_int_equal(i > 0 ? i : 1000, number);
		if (names[i])
			assert_string_equal(names[i], snap_cortex_m_exception_name(i));
		else
			assert_null(snap_cortex_m_exception_name(i));
	}
	assert_null(snap_cortex_m_exception_name(UINT32_MAX));
}

static void test_every_exc_return(void **unused)
{
	static const struct {
		uint32_t value;
		bool is_thread, is_process, has_float;
	} values[] = {
		{0xfffffff1, false, false, false},
		{0xfffffff9, true, false, false},
		{0xfffffffd, true, true, false},
		{0xffffffe1, false, false, true},
		{0xffffffe9, true, false, true},
		{0xffffffed, true, true, true},
	};
	(void)unused;
	unsigned int num = 0;
	/* All others are none. */
	for (uint64_t value = 0xffffff00; value <= 0x100000010; value++) {
		struct snap_exc_return got = snap_cortex_m_exc_return(value, SNAP_CPU_ARMV7M);
		for (size_t i = 0; i < ARRAY_LEN(values); i++) {
			if (values[i].value != value)
				continue;
			assert_true(got.is_valid);
			assert_int_equal(values[i].is_thread, got.is_thread_mode);
			assert_int_equal(values[i].is_process, got.is_process_stack);
			assert_int_equal(values[i].has_float, got.has_float);
			assert_false(got.has_security);
		}
		num += got.is_valid;
	}
	assert_int_equal(ARRAY_LEN(values), num);
	/* Armv8-M: Non-secure thread with a process stack, and a Secure one. */
	struct snap_exc_return got = snap_cortex_m_exc_return(0xffffffbc, SNAP_CPU_ARMV8M);
	assert_true(got.is_valid && got.has_security && got.is_process_stack && got.is_thread_mode);
	assert_false(got.is_secure_stack || got.is_secure_exception || got.has_float);
	got = snap_cortex_m_exc_return(0xfffffffd, SNAP_CPU_ARMV8M);
	assert_true(got.is_valid && got.is_secure_stack && got.is_secure_exception);
	got = snap_cortex_m_exc_return(0xffffffb0, SNAP_CPU_ARMV8M);
	assert_true(got.is_valid && !got.is_thread_mode && !got.is_secure_stack);
	assert_false(snap_cortex_m_exc_return(0xfffffffe, SNAP_CPU_ARMV8M).is_valid);
	assert_false(snap_cortex_m_exc_return(0xfffffe7c, SNAP_CPU_ARMV8M).is_valid);
}

static void test_every_mcause(void **unused)
{
	static const struct {
		uint64_t code;
		const char *name;
		enum snap_kind kind;
		const char *access;
	} causes[] = {
		{0, "instruction address misaligned", SNAP_KIND_USAGEFAULT, "exec"},
		{1, "instruction access fault", SNAP_KIND_BUSFAULT, "exec"},
		{2, "illegal instruction", SNAP_KIND_USAGEFAULT, NULL},
		{3, "breakpoint", SNAP_KIND_TRAP, NULL},
		{4, "load address misaligned", SNAP_KIND_USAGEFAULT, "read"},
		{5, "load access fault", SNAP_KIND_BUSFAULT, "read"},
		{6, "store/AMO address misaligned", SNAP_KIND_USAGEFAULT, "write"},
		{7, "store/AMO access fault", SNAP_KIND_BUSFAULT, "write"},
		{8, "environment call from U-mode", SNAP_KIND_TRAP, NULL},
		{9, "environment call from S-mode", SNAP_KIND_TRAP, NULL},
		{10, NULL, SNAP_KIND_HARDFAULT, NULL},
		{11, "environment call from M-mode", SNAP_KIND_TRAP, NULL},
		{12, "instruction page fault", SNAP_KIND_MEMMANAGE, "exec"},
		{13, "load page fault", SNAP_KIND_MEMMANAGE, "read"},
		{14, NULL, SNAP_KIND_HARDFAULT, NULL},
		{15, "store/AMO page fault", SNAP_KIND_MEMMANAGE, "write"},
		{16, "double trap", SNAP_KIND_HARDFAULT, NULL},
		{17, NULL, SNAP_KIND_HARDFAULT, NULL},
		{18, "software check", SNAP_KIND_USAGEFAULT, NULL},
		{19, "hardware error", SNAP_KIND_HARDFAULT, NULL},
		{20, NULL, SNAP_KIND_HARDFAULT, NULL},
		{24, "custom exception", SNAP_KIND_HARDFAULT, NULL},
		{31, "custom exception", SNAP_KIND_HARDFAULT, NULL},
		{32, NULL, SNAP_KIND_HARDFAULT, NULL},
		{48, "custom exception", SNAP_KIND_HARDFAULT, NULL},
		{63, "custom exception", SNAP_KIND_HARDFAULT, NULL},
		{64, NULL, SNAP_KIND_HARDFAULT, NULL},
		{0x7fffffff, NULL, SNAP_KIND_HARDFAULT, NULL},
	};
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(causes); i++)
		for (unsigned int xlen = 32; xlen <= 64; xlen += 32) {
			struct snap_cpu_state state = state_of(SNAP_RISCV_MCAUSE, causes[i].code);
			set(&state, SNAP_RISCV_MTVAL, 0x1234);
			struct snap_device_fault fault = snap_riscv_fault(&state, xlen);
			struct snap_riscv_cause cause = snap_riscv_cause(causes[i].code, xlen);
			assert_int_equal(causes[i].kind, fault.kind);
			assert_false(cause.is_interrupt);
			assert_int_equal(causes[i].code, cause.code);
			assert_non_null(cause.words);
			if (causes[i].name)
				assert_string_equal(causes[i].name, cause.name);
			else
				assert_null(cause.name);
			if (causes[i].access)
				assert_string_equal(causes[i].access, fault.access);
			else
				assert_null(fault.access);
			/* mtval is an address only where it is one. */
			assert_int_equal(causes[i].access || causes[i].code == 19,
				fault.has_address);
		}
}

static void test_every_interrupt(void **unused)
{
	static const char *const names[16] = {
		[1] = "supervisor software interrupt",
		[3] = "machine software interrupt",
		[5] = "supervisor timer interrupt",
		[7] = "machine timer interrupt",
		[9] = "supervisor external interrupt",
		[11] = "machine external interrupt",
		[13] = "counter overflow interrupt",
	};
	(void)unused;
	for (unsigned int xlen = 32; xlen <= 64; xlen += 32)
		for (unsigned int i = 0; i < 20; i++) {
			uint64_t mcause = UINT64_C(1) << (xlen - 1) | i;
			struct snap_riscv_cause cause = snap_riscv_cause(mcause, xlen);
			struct snap_cpu_state state = state_of(SNAP_RISCV_MCAUSE, mcause);
			assert_true(cause.is_interrupt);
			assert_int_equal(SNAP_KIND_NONE, snap_riscv_fault(&state, xlen).kind);
			if (i >= 16)
				assert_string_equal("platform interrupt", cause.name);
			else if (names[i])
				assert_string_equal(names[i], cause.name);
			else
				assert_null(cause.name);
		}
	/* Of 64 bits, bit 31 is a part of the number. */
	assert_false(snap_riscv_cause(UINT32_C(1) << 31, 64).is_interrupt);
}

static void test_riscv_modes(void **unused)
{
	static const char *const modes[] = {"user mode", "supervisor mode", NULL, "machine mode"};
	(void)unused;
	for (unsigned int i = 0; i < 4; i++) {
		struct snap_cpu_state state = state_of(SNAP_RISCV_MSTATUS, (uint64_t)i << 11);
		if (modes[i])
			assert_string_equal(modes[i], snap_riscv_mode(&state));
		else
			assert_null(snap_riscv_mode(&state));
	}
	struct snap_cpu_state none = {0};
	assert_null(snap_riscv_mode(&none));
}

/* ---------------------------------------------------------------- whole crashes */

struct model {
	struct snap_crash crash;
	struct snap_crash_thread thread;
	uint8_t pr_reg[256];
	uint8_t code[16];
};

static int setup(void **state)
{
	static struct model model;
	struct model *m = &model;
	memset(m, 0, sizeof(*m));
	snap_crash_init(&m->crash, "test.snap");
	m->crash.arch = snap_arch_find_name("cortex-m");
	m->crash.metadata.has_cpu_arch = true;
	m->crash.metadata.cpu_arch = SNAP_CPU_ARMV7M;
	m->crash.metadata.has_fatal = m->crash.metadata.fatal = true;
	m->crash.device.is_device = m->crash.device.has_state = true;
	m->crash.device.family = SNAP_CPU_CORTEX_M;
	m->thread = (struct snap_crash_thread){
		.crashed = true,
		.pr_reg = snap_bytes(m->pr_reg, sizeof(m->pr_reg)),
		.record = {.name = snap_bytes_str("main"),
			.has_stack_start = true,
			.stack_start = STACK_HIGH,
			.has_stack_end = true,
			.stack_end = STACK_LOW,
			.has_stack_pointer = true,
			.stack_pointer = STACK_LOW + 0x200},
	};
	m->crash.threads = &m->thread;
	m->crash.num_threads = 1;
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	struct model *m = *state;
	snap_crash_deinit(&m->crash);
	return 0;
}

static unsigned int index_of(const struct model *m, const char *name)
{
	unsigned int i = 0;
	while (strcmp(m->crash.arch->regs[i].name, name) != 0)
		i++;
	return i;
}

static void reg(struct model *m, const char *name, uint32_t value)
{
	assert_true(snap_arch_reg_set(
		m->crash.arch, index_of(m, name), m->pr_reg, sizeof(m->pr_reg), value));
}

/* What is executed at CODE. */
static void code(struct model *m, const void *bytes, size_t len)
{
	const struct snap_memory_segment segment = {
		.start = CODE, .len = sizeof(m->code), .data = m->code, .fd = -1};
	memset(m->code, 0xbf, sizeof(m->code));
	memcpy(m->code, bytes, len);
	assert_int_equal(0, snap_memory_add(&m->crash.memory, &segment, NULL));
	reg(m, "pc", CODE);
}

static void field(struct model *m, unsigned int number, uint64_t value)
{
	set(&m->crash.device.state, number, value);
}

static void explained(struct model *m, enum snap_kind kind, const char *words)
{
	if (m->thread.record.has_stack_pointer)
		reg(m, "sp", (uint32_t)m->thread.record.stack_pointer);
	(void)snap_instruction_prepare(&m->crash); /* the disassembler may be missing */
	assert_int_equal(0, snap_explain(&m->crash, NULL));
	const char *text = m->crash.cause.explanation;
	assert_int_equal(kind, m->crash.cause.kind);
	assert_non_null(text);
	assert_int_equal('.', text[strlen(text) - 1]);
	if (!strstr(text, words))
		fail_msg("'%s' is not in '%s'", words, text);
	assert_null(m->crash.cause.signal);
}

static void test_divide_by_zero(void **state)
{
	struct model *m = *state;
	static const uint8_t sdiv[] = {0x91, 0xfb, 0xf2, 0xf3}; /* sdiv r3, r1, r2 */
	code(m, sdiv, sizeof(sdiv));
	field(m, SNAP_CORTEX_M_CFSR, 0x02000000);
	explained(m, SNAP_KIND_USAGEFAULT, "divided by zero: r2 is 0 (sdiv r3, r1, r2)");
	assert_string_equal("integer-division", m->crash.cause.severity.name);
	assert_string_equal("DIVBYZERO", m->crash.device.fault_bit);
	assert_string_equal("UsageFault", m->crash.device.fault_name);
	/* Where r2 is not what it was, it is not blamed. */
	reg(m, "r2", 7);
	explained(m, SNAP_KIND_USAGEFAULT, "divided by zero, at 0x8001234");
	/* Nor is a register that was not captured. */
	reg(m, "r2", 0);
	m->thread.absent_regs = UINT64_C(1) << index_of(m, "r2");
	explained(m, SNAP_KIND_USAGEFAULT, "divided by zero, at 0x8001234");
}

static void test_escalated(void **state)
{
	struct model *m = *state;
	field(m, SNAP_CORTEX_M_CFSR, 0x02000000);
	field(m, SNAP_CORTEX_M_HFSR, 0x40000000);
	field(m, SNAP_CORTEX_M_SHCSR, 0);
	field(m, SNAP_CORTEX_M_ICSR, 0x803);
	field(m, SNAP_CORTEX_M_EXC_RETURN, 0xfffffffd);
	explained(m, SNAP_KIND_USAGEFAULT,
		"the UsageFault was escalated to a HardFault, as it is not enabled (SHCSR).");
	assert_string_equal("HardFault", m->crash.device.exception);
	assert_string_equal("Thread mode, process stack", m->crash.device.mode);
	assert_true(m->crash.device.is_escalated);
	field(m, SNAP_CORTEX_M_SHCSR, 0x40000);
	explained(m, SNAP_KIND_USAGEFAULT, "was escalated to a HardFault.");
}

static void test_access_through_null(void **state)
{
	struct model *m = *state;
	static const uint8_t ldr[] = {0x9a, 0x68}; /* ldr r2, [r3, #8] */
	code(m, ldr, sizeof(ldr));
	field(m, SNAP_CORTEX_M_CFSR, 0x82);
	field(m, SNAP_CORTEX_M_MMFAR, 8);
	explained(m, SNAP_KIND_MEMMANAGE, "read 4 bytes at address 0x8, in the code region");
	assert_non_null(strstr(m->crash.cause.explanation, "r3 is null, offset 8"));
	assert_string_equal("null-read", m->crash.cause.severity.name);
	assert_string_equal("read", m->crash.cause.access);
	assert_true(m->crash.cause.has_address);
	assert_int_equal(8, m->crash.cause.address);
}

static void test_peripheral(void **state)
{
	struct model *m = *state;
	static const uint8_t str[] = {0x9a, 0x61}; /* str r2, [r3, #24] */
	code(m, str, sizeof(str));
	reg(m, "r3", 0x40021000);
	field(m, SNAP_CORTEX_M_CFSR, 0x8200);
	field(m, SNAP_CORTEX_M_BFAR, 0x40021018);
	explained(m, SNAP_KIND_BUSFAULT,
		"wrote 4 bytes at address 0x40021018, in the peripheral region (0x40000000 to "
		"0x5fffffff), and the bus answered with an error: r3 is 0x40021000.");
	assert_string_equal("wild-write", m->crash.cause.severity.name);
	/* The firmware has a name for it. */
	struct snap_memory_range region = {.address = 0x40021000,
		.data = snap_bytes(m->code, 0x19),
		.name = snap_bytes_str("rcc")};
	m->crash.regions = &region;
	m->crash.num_regions = 1;
	explained(m, SNAP_KIND_BUSFAULT, "0x40021018, at +0x18 in what the firmware calls 'rcc', and the");
	region.address = 0x40021018;
	explained(m, SNAP_KIND_BUSFAULT, "0x40021018, where what the firmware calls 'rcc' begins, and");
	region.address = 0x40020fff;
	explained(m, SNAP_KIND_BUSFAULT, "0x40021018, in the peripheral region");
	m->crash.num_regions = 0;
	/* BFAR is not valid: the instruction tells. */
	field(m, SNAP_CORTEX_M_CFSR, 0x0200);
	field(m, SNAP_CORTEX_M_BFAR, 0x1111);
	explained(m, SNAP_KIND_BUSFAULT, "wrote 4 bytes at address 0x40021018");
	/* Nothing does. */
	m->thread.absent_regs = UINT64_C(1) << index_of(m, "r3");
	explained(m, SNAP_KIND_BUSFAULT, "the address is not told (BFAR is not valid)");
	assert_false(m->crash.cause.has_address);
}

static void test_imprecise(void **state)
{
	struct model *m = *state;
	static const uint8_t str[] = {0x9a, 0x61};
	code(m, str, sizeof(str));
	field(m, SNAP_CORTEX_M_CFSR, 0x0400);
	explained(m, SNAP_KIND_BUSFAULT, "the instruction at pc is not the one");
	assert_null(m->crash.cause.instruction);
	assert_false(m->crash.cause.has_address);
}

static void test_unaligned(void **state)
{
	struct model *m = *state;
	static const uint8_t ldrd[] = {0xd3, 0xe9, 0x00, 0x01}; /* ldrd r0, r1, [r3] */
	code(m, ldrd, sizeof(ldrd));
	reg(m, "r3", 0x20000002);
	field(m, SNAP_CORTEX_M_CFSR, 0x01000000);
	explained(m, SNAP_KIND_USAGEFAULT,
		"read 8 bytes at address 0x20000002, in the SRAM region (0x20000000 to "
		"0x3fffffff), which is not a multiple of 4");
	assert_string_equal("misaligned-access", m->crash.cause.severity.name);
}

static void test_jumps(void **state)
{
	struct model *m = *state;
	reg(m, "pc", 0x20000100);
	reg(m, "lr", 0x08001001);
	field(m, SNAP_CORTEX_M_CFSR, 0x00020000);
	explained(m, SNAP_KIND_USAGEFAULT, "jumped to address 0x20000100, in the SRAM region");
	assert_non_null(strstr(m->crash.cause.explanation, "without the Thumb bit"));
	assert_non_null(strstr(m->crash.cause.explanation, "returns to address 0x8001000"));
	assert_string_equal("exec", m->crash.cause.access);
	reg(m, "pc", 0);
	explained(m, SNAP_KIND_USAGEFAULT, "a null pointer to a function");
	assert_string_equal("jump-to-null", m->crash.cause.severity.name);
	/* The Thumb bit is there: it is another state that is bad. */
	reg(m, "xpsr", 0x0100fc00);
	explained(m, SNAP_KIND_USAGEFAULT, "IT blocks");
	field(m, SNAP_CORTEX_M_CFSR, 0x100);
	reg(m, "pc", 0x60000000);
	explained(m, SNAP_KIND_BUSFAULT, "jumped to address 0x60000000, in the region of external RAM");
	field(m, SNAP_CORTEX_M_CFSR, 1);
	explained(m, SNAP_KIND_MEMMANAGE, "forbids to execute");
	assert_string_equal("exec-of-data", m->crash.cause.severity.name);
}

static void test_undefined_instructions(void **state)
{
	struct model *m = *state;
	static const uint8_t udf[] = {0xff, 0xde}, bad[] = {0xff, 0xff, 0xff, 0xff};
	code(m, udf, sizeof(udf));
	field(m, SNAP_CORTEX_M_CFSR, 0x00010000);
	explained(m, SNAP_KIND_USAGEFAULT, "__builtin_trap()");
	assert_string_equal("trap", m->crash.cause.severity.name);
	m->code[0] = 42;
	explained(m, SNAP_KIND_USAGEFAULT, "a trap instruction (udf #");
	memcpy(m->code, bad, sizeof(bad));
	explained(m, SNAP_KIND_USAGEFAULT, "refused the instruction (ff ff ff ff) at 0x8001234");
	assert_string_equal("illegal-instruction", m->crash.cause.severity.name);
}

static void test_breakpoints(void **state)
{
	struct model *m = *state;
	static const uint8_t bkpt[] = {0xab, 0xbe};
	code(m, bkpt, sizeof(bkpt));
	field(m, SNAP_CORTEX_M_HFSR, 0x80000000);
	explained(m, SNAP_KIND_HARDFAULT, "semihosting");
	m->code[0] = 1;
	explained(m, SNAP_KIND_HARDFAULT, "and no debugger took it");
	assert_string_equal("breakpoint", m->crash.cause.severity.name);
}

static void test_other_faults_have_words(void **state)
{
	struct model *m = *state;
	static const struct {
		uint32_t cfsr;
		const char *words, *severity;
		enum snap_kind kind;
	} faults[] = {
		{0x00000008, "taken from the stack", "bad-stack-pointer", SNAP_KIND_MEMMANAGE},
		{0x00000010, "saved on the stack", "bad-stack-pointer", SNAP_KIND_MEMMANAGE},
		{0x00000020, "floating-point", "bad-stack-pointer", SNAP_KIND_MEMMANAGE},
		{0x00000800, "taken from the stack", "bad-stack-pointer", SNAP_KIND_BUSFAULT},
		{0x00001000, "saved on the stack", "bad-stack-pointer", SNAP_KIND_BUSFAULT},
		{0x00002000, "floating-point", "bad-stack-pointer", SNAP_KIND_BUSFAULT},
		{0x00040000, "return from an exception", "return-to-garbage", SNAP_KIND_USAGEFAULT},
		{0x00080000, "coprocessor", "illegal-instruction", SNAP_KIND_USAGEFAULT},
	};
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		field(m, SNAP_CORTEX_M_CFSR, faults[i].cfsr);
		explained(m, faults[i].kind, faults[i].words);
		assert_string_equal(faults[i].severity, m->crash.cause.severity.name);
	}
	field(m, SNAP_CORTEX_M_CFSR, 0);
	field(m, SNAP_CORTEX_M_HFSR, 2);
	explained(m, SNAP_KIND_HARDFAULT, "vector table");
	field(m, SNAP_CORTEX_M_HFSR, 0x40000000);
	explained(m, SNAP_KIND_HARDFAULT, "CFSR tells no reason");
	field(m, SNAP_CORTEX_M_ICSR, 7);
	explained(m, SNAP_KIND_MEMMANAGE, "Security Extension");
}

static void test_armv6_tells_by_the_instruction(void **state)
{
	struct model *m = *state;
	static const uint8_t ldr[] = {0x1a, 0x68}; /* ldr r2, [r3] */
	code(m, ldr, sizeof(ldr));
	reg(m, "r3", 0x20000001);
	m->crash.metadata.cpu_arch = SNAP_CPU_ARMV6M;
	field(m, SNAP_CORTEX_M_ICSR, 3);
	explained(m, SNAP_KIND_HARDFAULT, "0x20000001, which is not a multiple of 4");
	reg(m, "r3", 0x70000000);
	explained(m, SNAP_KIND_HARDFAULT, "read 4 bytes at address 0x70000000, in the region of");
	assert_false(m->crash.cause.has_address); /* it is likely, no more */
	m->code[0] = 0xff;
	m->code[1] = 0xde;
	explained(m, SNAP_KIND_HARDFAULT, "a trap instruction");
}

static void test_stack_overflows(void **state)
{
	struct model *m = *state;
	field(m, SNAP_CORTEX_M_EXC_RETURN, 0xfffffffd);
	field(m, SNAP_CORTEX_M_CFSR, 0x00100000);
	explained(m, SNAP_KIND_STACK_OVERFLOW,
		"The stack of thread 'main' (1280 bytes, 0x20001c00 to 0x200020ff) overflowed");
	assert_string_equal("stack-overflow", m->crash.cause.severity.name);
	/* Below it. */
	field(m, SNAP_CORTEX_M_CFSR, 0x8200);
	field(m, SNAP_CORTEX_M_BFAR, STACK_LOW - 0x30);
	m->thread.record.stack_pointer = STACK_LOW - 0x40;
	explained(m, SNAP_KIND_STACK_OVERFLOW, "0x20001bc0, is 64 bytes below its end");
	/* A push that went below. */
	m->thread.record.stack_pointer = STACK_LOW + 8;
	explained(m, SNAP_KIND_STACK_OVERFLOW, "used address 0x20001bd0, 48 bytes below its end");
	/* A guard region at its end. */
	field(m, SNAP_CORTEX_M_CFSR, 0x82);
	field(m, SNAP_CORTEX_M_MMFAR, STACK_LOW + 4);
	explained(m, SNAP_KIND_STACK_OVERFLOW, "4 bytes above its end, where a guard region");
	/* No room for the registers. */
	field(m, SNAP_CORTEX_M_CFSR, 0x10);
	explained(m, SNAP_KIND_STACK_OVERFLOW, "the registers could not be saved there");
}

/* The main thread with the radio's stack so far below. */
static void add_radio(struct model *m, struct snap_crash_thread threads[2], uint32_t distance)
{
	threads[0] = m->thread;
	threads[1] = (struct snap_crash_thread){
		.record = {.name = snap_bytes_str("radio"),
			.has_stack_start = true,
			.stack_start = STACK_LOW - distance,
			.has_stack_end = true,
			.stack_end = STACK_LOW - distance - 0x100},
	};
	m->crash.threads = threads;
	m->crash.num_threads = 2;
}

static void test_stack_overflow_into_another_stack(void **state)
{
	struct model *m = *state;
	struct snap_crash_thread threads[2];
	field(m, SNAP_CORTEX_M_EXC_RETURN, 0xfffffffd);
	field(m, SNAP_CORTEX_M_CFSR, 0x8200);
	field(m, SNAP_CORTEX_M_BFAR, STACK_LOW - 0x30);
	/* The stack pointer is 16 bytes in it, and the processor has saved 32 below. */
	m->thread.record.stack_pointer = STACK_LOW - 0x40;
	add_radio(m, threads, 0x30);
	explained(m, SNAP_KIND_STACK_OVERFLOW,
		" Below it is the stack of thread 'radio', of which 48 bytes may have been "
		"overwritten.");
	/* That alone, beyond a guard. */
	add_radio(m, threads, 0x50);
	explained(m, SNAP_KIND_STACK_OVERFLOW, "of which 16 bytes may have been overwritten.");
	/* Not so far; and where the stack pointer's limit kept the processor from it. */
	add_radio(m, threads, 0x60);
	explained(m, SNAP_KIND_STACK_OVERFLOW, "64 bytes below its end");
	assert_null(strstr(m->crash.cause.explanation, "radio"));
	add_radio(m, threads, 0x30);
	field(m, SNAP_CORTEX_M_CFSR, 0x00100000);
	explained(m, SNAP_KIND_STACK_OVERFLOW, "limit");
	assert_null(strstr(m->crash.cause.explanation, "radio"));
}

static void test_no_stack_overflow(void **state)
{
	struct model *m = *state;
	field(m, SNAP_CORTEX_M_EXC_RETURN, 0xfffffffd);
	/* Far from the stack pointer. */
	field(m, SNAP_CORTEX_M_CFSR, 0x8200);
	field(m, SNAP_CORTEX_M_BFAR, STACK_LOW - 0x30);
	explained(m, SNAP_KIND_BUSFAULT, "48 bytes below the stack of thread 'main'");
	/* No stack pointer at all. */
	m->thread.record.stack_pointer = 0x10;
	field(m, SNAP_CORTEX_M_CFSR, 0x1000);
	explained(m, SNAP_KIND_BUSFAULT, "saved on the stack");
	/* The handlers' stack pointer is not the thread's. */
	m->thread.record.has_stack_pointer = false;
	reg(m, "sp", STACK_LOW - 0x40);
	field(m, SNAP_CORTEX_M_EXC_RETURN, 0xfffffff1);
	field(m, SNAP_CORTEX_M_CFSR, 0x02000000);
	explained(m, SNAP_KIND_USAGEFAULT, "divided by zero");
	field(m, SNAP_CORTEX_M_CFSR, 0x00100000);
	explained(m, SNAP_KIND_STACK_OVERFLOW, "The stack of the program overflowed");
}

static void test_modes(void **state)
{
	struct model *m = *state;
	field(m, SNAP_CORTEX_M_CFSR, 0x02000000);
	field(m, SNAP_CORTEX_M_PSR, 0x61000015);
	field(m, SNAP_CORTEX_M_EXC_RETURN, 0xffffffe1);
	explained(m, SNAP_KIND_USAGEFAULT, "zero");
	assert_string_equal(
		"Handler mode (IRQ 5), main stack, with floating-point registers",
		m->crash.device.mode);
	field(m, SNAP_CORTEX_M_PSR, 0x6100000f);
	explained(m, SNAP_KIND_USAGEFAULT, "zero");
	assert_non_null(strstr(m->crash.device.mode, "Handler mode (SysTick)"));
	field(m, SNAP_CORTEX_M_EXC_RETURN, 0xfffffff9);
	field(m, SNAP_CORTEX_M_CONTROL, 1);
	explained(m, SNAP_KIND_USAGEFAULT, "zero");
	assert_string_equal("Thread mode, main stack, unprivileged", m->crash.device.mode);
	field(m, SNAP_CORTEX_M_EXC_RETURN, UINT64_MAX);
	explained(m, SNAP_KIND_USAGEFAULT, "zero");
	assert_non_null(strstr(m->crash.device.mode, "no valid EXC_RETURN"));
	m->crash.metadata.cpu_arch = SNAP_CPU_ARMV8M;
	field(m, SNAP_CORTEX_M_EXC_RETURN, 0xffffffbc);
	field(m, SNAP_CORTEX_M_CONTROL, 0);
	explained(m, SNAP_KIND_USAGEFAULT, "zero");
	assert_string_equal("Thread mode, Non-secure process stack", m->crash.device.mode);
}

static void test_assertion_or_fault(void **state)
{
	struct model *m = *state;
	static const uint8_t udf[] = {0xff, 0xde};
	m->crash.metadata.reason = snap_bytes_str("Check failed: n (=3) < size (=2). Too many.");
	explained(m, SNAP_KIND_ASSERT, "An assertion failed: `n < size'.");
	assert_string_equal("n < size", m->crash.cause.assertion.expression);
	assert_string_equal("reason", m->crash.device.message_from);
	assert_int_equal(SNAP_FAILURE_ASSERTION, m->crash.cause.failure);
	/* Bits that are left from before. */
	m->crash.abort_message.text = snap_bytes(NULL, 0);
	field(m, SNAP_CORTEX_M_ICSR, 0x800);
	field(m, SNAP_CORTEX_M_CFSR, 0x02000000);
	explained(m, SNAP_KIND_ASSERT, "An assertion failed");
	/* A fault that is being handled counts more, */
	m->crash.abort_message.text = snap_bytes(NULL, 0);
	field(m, SNAP_CORTEX_M_ICSR, 0x806);
	explained(m, SNAP_KIND_USAGEFAULT, "divided by zero");
	/* unless it is a trap, which is how assertions end. */
	code(m, udf, sizeof(udf));
	field(m, SNAP_CORTEX_M_CFSR, 0x00010000);
	explained(m, SNAP_KIND_ASSERT, "An assertion failed");
	/* One that went on. */
	m->crash.abort_message.text = snap_bytes(NULL, 0);
	m->crash.metadata.fatal = false;
	explained(m, SNAP_KIND_USAGEFAULT, "trap instruction");
}

static void test_assertion_in_the_log(void **state)
{
	struct model *m = *state;
	struct snap_log logs[] = {
		{.message = snap_bytes_str("assert failed: g f.c:12 (x)"),
			.has_line_level = true,
			.line_level = 2},
		{.message = snap_bytes_str("Assert: the pump stands still"),
			.has_line_level = true,
			.line_level = 77 << 3 | 7,
			.file = snap_bytes_str("pump.c")},
	};
	m->crash.logs = logs;
	m->crash.num_logs = 1;
	explained(m, SNAP_KIND_UNKNOWN, "no fault, trap or assertion is recorded"); /* not fatal */
	m->crash.num_logs = 2;
	explained(m, SNAP_KIND_ASSERT, "An assertion failed in pump.c:77.");
	assert_string_equal("log", m->crash.device.message_from);
	assert_true(snap_bytes_equal_str(
		m->crash.abort_message.text, "Assert: the pump stands still"));
}

static void test_assertion_on_the_stack(void **state)
{
	struct model *m = *state;
	struct snap_frame frames[2] = {{.trust = SNAP_TRUST_CONTEXT}, {.trust = SNAP_TRUST_CFI}};
	struct snap_listed_frame listed[2] = {{.frame = 0, .function = "abort"},
		{.frame = 1, .function = "__assert_func"}};
	m->thread.frames = frames;
	m->thread.listed = listed;
	m->thread.num_frames = m->thread.num_listed = 2;
	explained(m, SNAP_KIND_ASSERT, "An assertion failed: it called __assert_func.");
	assert_false(m->crash.cause.has_assertion);
	frames[1].trust = SNAP_TRUST_SCAN; /* it may be from before */
	explained(m, SNAP_KIND_ABORT, "aborted itself");
	listed[0].function = "vApplicationStackOverflowHook";
	explained(m, SNAP_KIND_STACK_OVERFLOW, "the kernel found that out");
	listed[0].function = "run";
	explained(m, SNAP_KIND_UNKNOWN, "no fault");
}

static void test_nothing_is_known(void **state)
{
	struct model *m = *state;
	m->crash.device.has_state = false;
	m->crash.metadata.reason = snap_bytes_str("watchdog");
	explained(m, SNAP_KIND_UNKNOWN, "the device says why: watchdog");
	m->crash.metadata.fatal = false;
	explained(m, SNAP_KIND_NONE, "went on");
	assert_null(m->crash.cause.severity.name);
	/* A kind of processor that is not known. */
	m->crash.device.has_state = true;
	m->crash.device.family = SNAP_CPU_NONE;
	m->crash.arch = NULL;
	m->thread.pr_reg = snap_bytes(NULL, 0);
	m->thread.record.has_stack_pointer = false;
	explained(m, SNAP_KIND_NONE, "went on");
}

static void test_riscv_crash(void **state)
{
	struct model *m = *state;
	static const uint8_t lw[] = {0x83, 0xa7, 0x87, 0x00}; /* lw a5, 8(a5) */
	m->crash.arch = snap_arch_find_name("riscv32");
	m->crash.metadata.cpu_arch = SNAP_CPU_RV32I;
	m->crash.device.family = SNAP_CPU_RISCV;
	m->thread.record.stack_pointer = STACK_LOW + 0x200;
	code(m, lw, sizeof(lw));
	reg(m, "a5", 0x20);
	field(m, SNAP_RISCV_MCAUSE, 5);
	field(m, SNAP_RISCV_MTVAL, 0x28);
	field(m, SNAP_RISCV_MSTATUS, 0x1800);
	explained(m, SNAP_KIND_BUSFAULT, "read 4 bytes at address 0x28");
	assert_string_equal("machine mode", m->crash.device.mode);
	assert_string_equal("null-read", m->crash.cause.severity.name);
	/* A hart that tells no address. */
	field(m, SNAP_RISCV_MTVAL, 0);
	explained(m, SNAP_KIND_BUSFAULT, "read 4 bytes at address 0x28");
	reg(m, "pc", 0x90000000); /* the code there is not known, but to the hart */
	field(m, SNAP_RISCV_MCAUSE, 2);
	field(m, SNAP_RISCV_MTVAL, 0xffff1234);
	explained(m, SNAP_KIND_USAGEFAULT, "refused the instruction (0xffff1234) at 0x90000000");
	reg(m, "pc", CODE);
	field(m, SNAP_RISCV_MCAUSE, 3);
	explained(m, SNAP_KIND_TRAP, "breakpoint");
	field(m, SNAP_RISCV_MCAUSE, 11);
	explained(m, SNAP_KIND_TRAP, "ecall");
	field(m, SNAP_RISCV_MCAUSE, 7);
	field(m, SNAP_RISCV_MTVAL, STACK_LOW - 16);
	m->thread.record.stack_pointer = STACK_LOW - 32;
	explained(m, SNAP_KIND_STACK_OVERFLOW, "is 32 bytes below its end");
	m->thread.record.stack_pointer = STACK_LOW + 0x200;
	field(m, SNAP_RISCV_MCAUSE, 0x80000007);
	explained(m, SNAP_KIND_UNKNOWN, "machine timer interrupt was being handled");
	/* After reset. */
	m->crash.metadata.reason = snap_bytes_str("ASSERTION FAIL [x > 0] @ a.c:7");
	field(m, SNAP_RISCV_MCAUSE, 0);
	field(m, SNAP_RISCV_MTVAL, 0);
	explained(m, SNAP_KIND_ASSERT, "An assertion failed in a.c:7: `x > 0'.");
}

/* ---------------------------------------------------------------- texts */

static void is(struct snap_bytes got, const char *expected)
{
	if (!snap_bytes_equal_str(got, expected))
		fail_msg("'%.*s' instead of '%s'", (int)got.len, (const char *)got.data, expected);
}

static void test_assertion_texts(void **unused)
{
	static const struct {
		const char *text, *expression, *file, *function;
		uint32_t line;
	} texts[] = {
		{"Check failed: a (=1) < b (=0). More text.", "a (=1) < b (=0)", "", "", 0},
		{"Check failed: x == 1.5. ", "x == 1.5", "", "", 0},
		{"Check failed: f(a. b)", "f(a. b)", "", "", 0},
		{"assertion \"x > 0\" failed: file \"a.c\", line 12, function: f\n", "x > 0", "a.c",
			"f", 12},
		{"assertion \"x\" failed: file \"a.c\", line 12", "x", "a.c", "", 12},
		{"prog: a.c:12: f: Assertion `x' failed.", "x", "a.c", "f", 12},
		{"Assertion failed: x, file a.c, line 12", "x", "a.c", "", 12},
		{"Assertion failed: (x), function f, file a.c, line 12.", "(x)", "a.c", "f", 12},
		{"a.c:12: assertion failed: x", "x", "a.c", "", 12},
		{"a.c:12: f: assertion failed: x", "x", "a.c", "f", 12},
		{"ASSERTION FAIL [x] @ dir/a.c:12", "x", "dir/a.c", "", 12},
		{"assert failed: f a.c:12 (x)", "x", "a.c", "f", 12},
		/* Cut anywhere. */
		{"assertion \"x > ", "x >", "", "", 0},
		{"assertion \"x\" failed: file \"a.c\", line 99999999999", "x", "a.c", "", 0},
	};
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct snap_assert_text got;
		assert_true(snap_device_assert_is_told(snap_bytes_str(texts[i].text)));
		assert_true(snap_device_assert_read(snap_bytes_str(texts[i].text), &got));
		is(got.expression, texts[i].expression);
		is(got.file, texts[i].file);
		is(got.function, texts[i].function);
		assert_int_equal(texts[i].line != 0, got.has_line);
		if (got.has_line)
			assert_int_equal(texts[i].line, got.line);
		/* No end of the text is read beyond. */
		for (size_t len = 0; len < strlen(texts[i].text); len++)
			(void)snap_device_assert_read(snap_bytes(texts[i].text, len), &got);
	}
}

static void test_texts_without_assertion(void **unused)
{
	static const char *const texts[] = {"", "HardFault", "watchdog", "reassert the line",
		"unasserted", "checked failed", "check fails", "the lassert"};
	struct snap_assert_text got;
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_false(snap_device_assert_is_told(snap_bytes_str(texts[i])));
		assert_false(snap_device_assert_read(snap_bytes_str(texts[i]), &got));
	}
	assert_false(snap_device_assert_is_told(snap_bytes(NULL, 0)));
	assert_false(snap_device_assert_read(snap_bytes(NULL, 0), &got));
	assert_true(snap_device_assert_is_told(snap_bytes_str("PW_ASSERT() or PW_DASSERT() failure")));
	assert_true(snap_device_assert_is_told(snap_bytes_str("__assert_func")));
}

static void test_regions(void **state)
{
	struct model *m = *state;
	static const struct {
		uint32_t addr;
		const char *name;
	} regions[] = {
		{0, "the code region"},
		{0x1fffffff, "the code region"},
		{0x20000000, "the SRAM region"},
		{0x3fffffff, "the SRAM region"},
		{0x40000000, "the peripheral region"},
		{0x60000000, "the region of external RAM"},
		{0x9fffffff, "the region of external RAM"},
		{0xa0000000, "the region of external devices"},
		{0xdfffffff, "the region of external devices"},
		{0xe0000000, "the private peripheral bus"},
		{0xe000ed28, "the System Control Space"},
		{0xe00fffff, "the private peripheral bus"},
		{0xe0100000, "the vendor's system region"},
		{0xffffffff, "the vendor's system region"},
	};
	for (size_t i = 0; i < ARRAY_LEN(regions); i++)
		assert_string_equal(regions[i].name, snap_device_region(&m->crash, regions[i].addr));
	assert_null(snap_device_region(&m->crash, UINT64_C(0x100000000)));
	m->crash.device.family = SNAP_CPU_RISCV;
	assert_null(snap_device_region(&m->crash, 0));
}

#define WITH_MODEL(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_bit_has_its_name),
		cmocka_unit_test(test_all_bits_at_once_fit),
		cmocka_unit_test(test_each_cfsr_bit_is_a_kind),
		cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_hard_faults),
		cmocka_unit_test(test_old_bits_are_not_certain),
		cmocka_unit_test(test_addresses_count_if_valid),
		cmocka_unit_test(test_exceptions),
		cmocka_unit_test(test_every_exc_return),
		cmocka_unit_test(test_every_mcause),
		cmocka_unit_test(test_every_interrupt),
		cmocka_unit_test(test_riscv_modes),
		WITH_MODEL(test_divide_by_zero),
		WITH_MODEL(test_escalated),
		WITH_MODEL(test_access_through_null),
		WITH_MODEL(test_peripheral),
		WITH_MODEL(test_imprecise),
		WITH_MODEL(test_unaligned),
		WITH_MODEL(test_jumps),
		WITH_MODEL(test_undefined_instructions),
		WITH_MODEL(test_breakpoints),
		WITH_MODEL(test_other_faults_have_words),
		WITH_MODEL(test_armv6_tells_by_the_instruction),
		WITH_MODEL(test_stack_overflows),
		WITH_MODEL(test_stack_overflow_into_another_stack),
		WITH_MODEL(test_no_stack_overflow),
		WITH_MODEL(test_modes),
		WITH_MODEL(test_assertion_or_fault),
		WITH_MODEL(test_assertion_in_the_log),
		WITH_MODEL(test_assertion_on_the_stack),
		WITH_MODEL(test_nothing_is_known),
		WITH_MODEL(test_riscv_crash),
		cmocka_unit_test(test_assertion_texts),
		cmocka_unit_test(test_texts_without_assertion),
		WITH_MODEL(test_regions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
