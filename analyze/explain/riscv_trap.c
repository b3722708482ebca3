#include "analyze/explain/riscv_trap.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define MSTATUS_MPP_SHIFT 11

/* What mtval holds. */
enum value {
	VALUE_NONE,
	VALUE_ADDRESS, /* of the access or the code */
	VALUE_CODE,    /* the instruction's bits, or 0 */
};

/* By number; those without a name are reserved. */
static const struct exception {
	const char *name, *words;
	enum snap_kind kind;
	enum snap_failed failed;
	enum value value;
	const char *access;
	bool is_protection;
} exceptions[] = {
	[0] = {"instruction address misaligned",
		"a jump led to an address that is not aligned as code is",
		SNAP_KIND_USAGEFAULT, SNAP_FAILED_STATE, VALUE_ADDRESS, "exec", false},
	[1] = {"instruction access fault",
		"code was to be fetched from where the bus or the PMP refuses it",
		SNAP_KIND_BUSFAULT, SNAP_FAILED_FETCH, VALUE_ADDRESS, "exec", false},
	[2] = {"illegal instruction", "the instruction is illegal", SNAP_KIND_USAGEFAULT,
		SNAP_FAILED_INSTRUCTION, VALUE_CODE, NULL, false},
	[3] = {"breakpoint", "a breakpoint, or ebreak, that no debugger took", SNAP_KIND_TRAP,
		SNAP_FAILED_BREAKPOINT, VALUE_NONE, NULL, false},
	[4] = {"load address misaligned", "a read at an address that is not aligned",
		SNAP_KIND_USAGEFAULT, SNAP_FAILED_ALIGNMENT, VALUE_ADDRESS, "read", false},
	[5] = {"load access fault", "a read that the bus or the PMP refused", SNAP_KIND_BUSFAULT,
		SNAP_FAILED_ACCESS, VALUE_ADDRESS, "read", false},
	[6] = {"store/AMO address misaligned", "a write at an address that is not aligned",
		SNAP_KIND_USAGEFAULT, SNAP_FAILED_ALIGNMENT, VALUE_ADDRESS, "write", false},
	[7] = {"store/AMO access fault", "a write that the bus or the PMP refused",
		SNAP_KIND_BUSFAULT, SNAP_FAILED_ACCESS, VALUE_ADDRESS, "write", false},
	[8] = {"environment call from U-mode", "ecall in user mode", SNAP_KIND_TRAP,
		SNAP_FAILED_CALL, VALUE_NONE, NULL, false},
	[9] = {"environment call from S-mode", "ecall in supervisor mode", SNAP_KIND_TRAP,
		SNAP_FAILED_CALL, VALUE_NONE, NULL, false},
	[11] = {"environment call from M-mode", "ecall in machine mode", SNAP_KIND_TRAP,
		SNAP_FAILED_CALL, VALUE_NONE, NULL, false},
	[12] = {"instruction page fault",
		"code was to be fetched from where the page tables forbid it", SNAP_KIND_MEMMANAGE,
		SNAP_FAILED_FETCH, VALUE_ADDRESS, "exec", true},
	[13] = {"load page fault", "a read that the page tables forbid", SNAP_KIND_MEMMANAGE,
		SNAP_FAILED_ACCESS, VALUE_ADDRESS, "read", true},
	[15] = {"store/AMO page fault", "a write that the page tables forbid",
		SNAP_KIND_MEMMANAGE, SNAP_FAILED_ACCESS, VALUE_ADDRESS, "write", true},
	[16] = {"double trap", "a trap while another was being handled", SNAP_KIND_HARDFAULT,
		SNAP_FAILED_UNKNOWN, VALUE_NONE, NULL, false},
	[18] = {"software check", "a check of the program's own flow failed (Zicfilp, Zicfiss)",
		SNAP_KIND_USAGEFAULT, SNAP_FAILED_STATE, VALUE_NONE, NULL, false},
	[19] = {"hardware error", "the hardware found corrupted data", SNAP_KIND_HARDFAULT,
		SNAP_FAILED_HARDWARE, VALUE_ADDRESS, NULL, false},
};

static const struct {
	const char *name, *words;
} interrupts[] = {
	[1] = {"supervisor software interrupt", "software asked for supervisor mode's attention"},
	[3] = {"machine software interrupt", "software, or another hart, asked for attention"},
	[5] = {"supervisor timer interrupt", "supervisor mode's timer expired"},
	[7] = {"machine timer interrupt", "the timer expired"},
	[9] = {"supervisor external interrupt", "a device asked for supervisor mode's attention"},
	[11] = {"machine external interrupt", "a device asked for attention"},
	[13] = {"counter overflow interrupt", "a performance counter overflowed"},
};

static bool is_custom(uint64_t code)
{
	return (code >= 24 && code <= 31) || (code >= 48 && code <= 63);
}

struct snap_riscv_cause snap_riscv_cause(uint64_t mcause, unsigned int xlen)
{
	uint64_t top = UINT64_C(1) << (xlen - 1);
	struct snap_riscv_cause ret = {
		.is_interrupt = mcause & top,
		.code = mcause & (top - 1),
		.words = "a cause whose number is reserved",
	};
	if (ret.is_interrupt && ret.code >= 16) {
		ret.name = "platform interrupt";
		ret.words = "an interrupt that the chip's maker defines";
	} else if (ret.is_interrupt) {
		if (ret.code < ARRAY_LEN(interrupts) && interrupts[ret.code].name) {
			ret.name = interrupts[ret.code].name;
			ret.words = interrupts[ret.code].words;
		}
	} else if (ret.code < ARRAY_LEN(exceptions) && exceptions[ret.code].name) {
		ret.name = exceptions[ret.code].name;
		ret.words = exceptions[ret.code].words;
	} else if (is_custom(ret.code)) {
		ret.name = "custom exception";
		ret.words = "an exception that the chip's maker defines";
	}
	return ret;
}

/* Bits of mstatus that tell of the state before the trap. */
static const struct {
	uint64_t mask;
	const char *name, *words;
} status_bits[] = {
	{UINT64_C(1) << 1, "SIE", "interrupts are enabled in supervisor mode"},
	{UINT64_C(1) << 3, "MIE", "interrupts are enabled in machine mode"},
	{UINT64_C(1) << 5, "SPIE", "interrupts were enabled before the last trap to supervisor "
				   "mode"},
	{UINT64_C(1) << 7, "MPIE", "interrupts were enabled before the trap"},
	{UINT64_C(1) << 8, "SPP", "the last trap to supervisor mode came from supervisor mode"},
	{UINT64_C(1) << 17, "MPRV", "loads and stores are checked as those of the mode before"},
	{UINT64_C(1) << 18, "SUM", "supervisor mode may access user memory"},
	{UINT64_C(1) << 19, "MXR", "executable memory may be read"},
	{UINT64_C(1) << 20, "TVM", "supervisor mode may not change the page tables in use"},
	{UINT64_C(1) << 21, "TW", "wfi is limited in lower modes"},
	{UINT64_C(1) << 22, "TSR", "supervisor mode may not return from traps"},
};

const char *snap_riscv_mode(const struct snap_cpu_state *state)
{
	static const char *const modes[4] = {"user mode", "supervisor mode", NULL, "machine mode"};
	return snap_cpu_state_has(state, SNAP_RISCV_MSTATUS)
		       ? modes[state->values[SNAP_RISCV_MSTATUS] >> MSTATUS_MPP_SHIFT & 3]
		       : NULL;
}

size_t snap_riscv_bits(
	const struct snap_cpu_state *state, unsigned int xlen, struct snap_fault_bit *ret)
{
	size_t num = 0;
	if (snap_cpu_state_has(state, SNAP_RISCV_MCAUSE)) {
		struct snap_riscv_cause cause =
			snap_riscv_cause(state->values[SNAP_RISCV_MCAUSE], xlen);
		ret[num++] = (struct snap_fault_bit){
			"mcause", cause.name ? cause.name : "reserved", cause.words};
	}
	if (!snap_cpu_state_has(state, SNAP_RISCV_MSTATUS))
		return num;
	static const char *const before[4] = {"the trap came from user mode",
		"the trap came from supervisor mode", "the mode before the trap is reserved",
		"the trap came from machine mode"};
	uint64_t mstatus = state->values[SNAP_RISCV_MSTATUS];
	ret[num++] = (struct snap_fault_bit){
		"mstatus", "MPP", before[mstatus >> MSTATUS_MPP_SHIFT & 3]};
	for (size_t i = 0; i < ARRAY_LEN(status_bits); i++)
		if (mstatus & status_bits[i].mask)
			ret[num++] = (struct snap_fault_bit){
				"mstatus", status_bits[i].name, status_bits[i].words};
	return num;
}

struct snap_device_fault snap_riscv_fault(const struct snap_cpu_state *state, unsigned int xlen)
{
	struct snap_device_fault fault = {.kind = SNAP_KIND_NONE};
	if (!snap_cpu_state_has(state, SNAP_RISCV_MCAUSE))
		return fault;
	struct snap_riscv_cause cause =
		snap_riscv_cause(state->values[SNAP_RISCV_MCAUSE], xlen);
	bool has_value = snap_cpu_state_has(state, SNAP_RISCV_MTVAL);
	uint64_t value = has_value ? state->values[SNAP_RISCV_MTVAL] : 0;
	if (cause.is_interrupt)
		return fault;
	fault.name = "Exception";
	fault.title = cause.name;
	fault.bit = cause.name;
	/* After reset it is 0, too: only mtval tells that this is a misaligned jump. */
	fault.is_certain = cause.code != 0 || value != 0;
	fault.kind = SNAP_KIND_HARDFAULT;
	if (cause.code >= ARRAY_LEN(exceptions) || !exceptions[cause.code].name)
		return fault;
	const struct exception *exception = &exceptions[cause.code];
	fault.kind = exception->kind;
	fault.failed = exception->failed;
	fault.is_protection = exception->is_protection;
	fault.access = exception->access;
	/* Where a hart does not tell, it is 0. */
	fault.has_address = exception->value == VALUE_ADDRESS && has_value;
	fault.address = fault.has_address ? value : 0;
	return fault;
}
