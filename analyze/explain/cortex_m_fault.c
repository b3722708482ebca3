#include "analyze/explain/cortex_m_fault.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define BIT(n) (UINT32_C(1) << (n))

/* CFSR: its three parts, and in each what tells that an address register is valid. */
#define MMFSR	      UINT32_C(0x000000ff)
#define BFSR	      UINT32_C(0x0000ff00)
#define UFSR	      UINT32_C(0xffff0000)
#define MMARVALID     BIT(7)
#define BFARVALID     BIT(15)
#define HFSR_VECTTBL  BIT(1)
#define HFSR_FORCED   BIT(30)
#define HFSR_DEBUGEVT BIT(31)
/* SHCSR: those of faults; HARDFAULTACT is Armv8-M's. */
#define MEMFAULTACT    BIT(0)
#define BUSFAULTACT    BIT(1)
#define HARDFAULTACT   BIT(2)
#define USGFAULTACT    BIT(3)
#define SECUREFAULTACT BIT(4)
#define NMIACT	       BIT(5)
#define MEMFAULTENA    BIT(16)
#define BUSFAULTENA    BIT(17)
#define USGFAULTENA    BIT(18)
#define VECTACTIVE     UINT32_C(0x1ff) /* of ICSR */

enum exception {
	NMI = 2,
	HARD_FAULT = 3,
	MEM_MANAGE = 4,
	BUS_FAULT = 5,
	USAGE_FAULT = 6,
	SECURE_FAULT = 7,
};

/* ---------------------------------------------------------------- the bits */

/* title: in few words, of those that tell what happened; NULL: it adds to what others tell. */
struct bit {
	uint32_t mask;
	const char *name, *title, *words;
	enum snap_failed failed;
};

/* From the lowest. */
static const struct bit cfsr_bits[] = {
	{BIT(0), "IACCVIOL", "instruction access violation",
		"code was to be fetched from where the MPU or the memory map forbids execution",
		SNAP_FAILED_FETCH},
	{BIT(1), "DACCVIOL", "data access violation",
		"a read or write that the MPU or the memory map forbids", SNAP_FAILED_ACCESS},
	{BIT(3), "MUNSTKERR", "unstacking on exception return, MPU",
		"the MPU forbade to take the registers from the stack on return from an exception",
		SNAP_FAILED_UNSTACKING},
	{BIT(4), "MSTKERR", "stacking on exception entry, MPU",
		"the MPU forbade to save the registers on the stack as an exception was taken",
		SNAP_FAILED_STACKING},
	{BIT(5), "MLSPERR", "lazy saving of floating-point registers, MPU",
		"the MPU forbade to save the floating-point registers, which is done late",
		SNAP_FAILED_LAZY},
	{BIT(7), "MMARVALID", NULL, "MMFAR holds the address", SNAP_FAILED_UNKNOWN},
	{BIT(8), "IBUSERR", "instruction bus error",
		"code was to be fetched from where the bus answers with an error",
		SNAP_FAILED_FETCH},
	{BIT(9), "PRECISERR", "precise data bus error",
		"the bus answered a read or write with an error; it is that of the instruction at "
		"pc",
		SNAP_FAILED_ACCESS},
	{BIT(10), "IMPRECISERR", "imprecise data bus error",
		"the bus answered with an error after later instructions had begun: pc is not the "
		"culprit",
		SNAP_FAILED_LATE},
	{BIT(11), "UNSTKERR", "unstacking on exception return, bus error",
		"the bus answered with an error as the registers were taken from the stack on "
		"return "
		"from an exception",
		SNAP_FAILED_UNSTACKING},
	{BIT(12), "STKERR", "stacking on exception entry, bus error",
		"the bus answered with an error as the registers were saved on the stack, when an "
		"exception was taken",
		SNAP_FAILED_STACKING},
	{BIT(13), "LSPERR", "lazy saving of floating-point registers, bus error",
		"the bus answered with an error as the floating-point registers were saved, which "
		"is "
		"done late",
		SNAP_FAILED_LAZY},
	{BIT(15), "BFARVALID", NULL, "BFAR holds the address", SNAP_FAILED_UNKNOWN},
	{BIT(16), "UNDEFINSTR", "undefined instruction", "the instruction is undefined",
		SNAP_FAILED_INSTRUCTION},
	{BIT(17), "INVSTATE", "invalid state",
		"an instruction was to be executed without the Thumb bit, or amid an IT block that "
		"makes no sense",
		SNAP_FAILED_STATE},
	{BIT(18), "INVPC", "invalid exception return",
		"a return from an exception with an EXC_RETURN, or to a state, that is not valid",
		SNAP_FAILED_RETURN},
	{BIT(19), "NOCP", "no coprocessor",
		"the instruction is that of a coprocessor (the FPU is one) that is absent or "
		"disabled",
		SNAP_FAILED_COPROCESSOR},
	{BIT(20), "STKOF", "stack overflow",
		"the stack pointer would have gone below its limit (MSPLIM or PSPLIM)",
		SNAP_FAILED_LIMIT},
	{BIT(24), "UNALIGNED", "unaligned access",
		"a read or write at an address that is not aligned as the instruction, or "
		"CCR.UNALIGN_TRP, demands",
		SNAP_FAILED_ALIGNMENT},
	{BIT(25), "DIVBYZERO", "divide by zero", "an integer was divided by zero",
		SNAP_FAILED_DIVISION},
};

static const struct bit hfsr_bits[] = {
	{HFSR_VECTTBL, "VECTTBL", "vector table read error",
		"the vector table could not be read as an exception was taken", SNAP_FAILED_VECTOR},
	{HFSR_FORCED, "FORCED", NULL,
		"another fault became a HardFault: it is disabled, or its priority did not let it "
		"run",
		SNAP_FAILED_UNKNOWN},
	{HFSR_DEBUGEVT, "DEBUGEVT", "debug event",
		"a breakpoint or the like, with no debugger and no DebugMonitor to handle it",
		SNAP_FAILED_BREAKPOINT},
};

static const struct bit shcsr_bits[] = {
	{MEMFAULTACT, "MEMFAULTACT", NULL, "MemManage is being handled", 0},
	{BUSFAULTACT, "BUSFAULTACT", NULL, "BusFault is being handled", 0},
	{HARDFAULTACT, "HARDFAULTACT", NULL, "HardFault is being handled", 0},
	{USGFAULTACT, "USGFAULTACT", NULL, "UsageFault is being handled", 0},
	{SECUREFAULTACT, "SECUREFAULTACT", NULL, "SecureFault is being handled", 0},
	{NMIACT, "NMIACT", NULL, "NMI is being handled", 0},
	{BIT(7), "SVCALLACT", NULL, "SVCall is being handled", 0},
	{BIT(8), "MONITORACT", NULL, "DebugMonitor is being handled", 0},
	{BIT(10), "PENDSVACT", NULL, "PendSV is being handled", 0},
	{BIT(11), "SYSTICKACT", NULL, "SysTick is being handled", 0},
	{BIT(12), "USGFAULTPENDED", NULL, "UsageFault waits to be handled", 0},
	{BIT(13), "MEMFAULTPENDED", NULL, "MemManage waits to be handled", 0},
	{BIT(14), "BUSFAULTPENDED", NULL, "BusFault waits to be handled", 0},
	{BIT(15), "SVCALLPENDED", NULL, "SVCall waits to be handled", 0},
	{MEMFAULTENA, "MEMFAULTENA", NULL, "MemManage is enabled", 0},
	{BUSFAULTENA, "BUSFAULTENA", NULL, "BusFault is enabled", 0},
	{USGFAULTENA, "USGFAULTENA", NULL, "UsageFault is enabled", 0},
	{BIT(19), "SECUREFAULTENA", NULL, "SecureFault is enabled", 0},
	{BIT(20), "SECUREFAULTPENDED", NULL, "SecureFault waits to be handled", 0},
	{BIT(21), "HARDFAULTPENDED", NULL, "HardFault waits to be handled", 0},
};

_Static_assert(
	ARRAY_LEN(cfsr_bits) + ARRAY_LEN(hfsr_bits) + ARRAY_LEN(shcsr_bits) <= SNAP_MAX_FAULT_BITS,
	"all of them may be set");

/* A register's 32 bits; 0 if it was not captured. */
static uint32_t value_of(const struct snap_cpu_state *state, unsigned int field)
{
	return snap_cpu_state_has(state, field) ? (uint32_t)state->values[field] : 0;
}

static size_t add_bits(uint32_t value, const char *reg, const struct bit *bits, size_t num,
	struct snap_fault_bit *ret)
{
	size_t num_set = 0;
	for (size_t i = 0; i < num; i++)
		if (value & bits[i].mask)
			ret[num_set++] = (struct snap_fault_bit){reg, bits[i].name, bits[i].words};
	return num_set;
}

size_t snap_cortex_m_bits(const struct snap_cpu_state *state, struct snap_fault_bit *ret)
{
	size_t num = add_bits(
		value_of(state, SNAP_CORTEX_M_CFSR), "CFSR", cfsr_bits, ARRAY_LEN(cfsr_bits), ret);
	num += add_bits(value_of(state, SNAP_CORTEX_M_HFSR), "HFSR", hfsr_bits,
		ARRAY_LEN(hfsr_bits), ret + num);
	return num + add_bits(value_of(state, SNAP_CORTEX_M_SHCSR), "SHCSR", shcsr_bits,
			     ARRAY_LEN(shcsr_bits), ret + num);
}

/* ---------------------------------------------------------------- exceptions */

const char *snap_cortex_m_exception_name(unsigned int number)
{
	static const char *const names[SNAP_CORTEX_M_FIRST_IRQ] = {
		[1] = "Reset",
		[NMI] = "NMI",
		[HARD_FAULT] = "HardFault",
		[MEM_MANAGE] = "MemManage",
		[BUS_FAULT] = "BusFault",
		[USAGE_FAULT] = "UsageFault",
		[SECURE_FAULT] = "SecureFault",
		[11] = "SVCall",
		[12] = "DebugMonitor",
		[14] = "PendSV",
		[15] = "SysTick",
	};
	return number < ARRAY_LEN(names) ? names[number] : NULL;
}

/* By SHCSR; several are active if one interrupted the other: the first here has the higher
 * priority. */
static unsigned int active_by_shcsr(uint32_t shcsr)
{
	return shcsr & HARDFAULTACT	? HARD_FAULT
	       : shcsr & NMIACT		? NMI
	       : shcsr & USGFAULTACT	? USAGE_FAULT
	       : shcsr & MEMFAULTACT	? MEM_MANAGE
	       : shcsr & BUSFAULTACT	? BUS_FAULT
	       : shcsr & SECUREFAULTACT ? SECURE_FAULT
					: 0;
}

bool snap_cortex_m_exception(const struct snap_cpu_state *state, unsigned int *ret)
{
	unsigned int number = 0;
	if (snap_cpu_state_has(state, SNAP_CORTEX_M_ICSR))
		number = value_of(state, SNAP_CORTEX_M_ICSR) & VECTACTIVE;
	else
		number = active_by_shcsr(value_of(state, SNAP_CORTEX_M_SHCSR));
	/* On Armv7-M nothing else tells of a HardFault. */
	if (number == 0 && !snap_cpu_state_has(state, SNAP_CORTEX_M_ICSR) &&
		value_of(state, SNAP_CORTEX_M_HFSR) & (HFSR_VECTTBL | HFSR_FORCED | HFSR_DEBUGEVT))
		number = HARD_FAULT;
	if (number == 0)
		return false;
	*ret = number;
	return true;
}

struct snap_exc_return snap_cortex_m_exc_return(uint64_t value, uint32_t cpu_arch)
{
	struct snap_exc_return ret = {
		.is_thread_mode = value >> 3 & 1,
		.is_process_stack = value >> 2 & 1,
		.has_float = !(value >> 4 & 1),
	};
	if (value >> 32 != 0)
		return ret;
	uint64_t basic = value | 0x10;
	bool is_v7 = basic == 0xfffffff1 || basic == 0xfffffff9 || basic == 0xfffffffd;
	if (cpu_arch == SNAP_CPU_ARMV8M || (cpu_arch == SNAP_CPU_UNKNOWN && !is_v7)) {
		/* Bits 23 to 7 are ones, bit 1 is zero. */
		ret.is_valid = (value & 0xffffff82) == 0xffffff80;
		ret.has_security = true;
		ret.is_secure_stack = value >> 6 & 1;
		ret.is_secure_exception = value & 1;
	} else {
		ret.is_valid = is_v7;
	}
	return ret;
}

/* ---------------------------------------------------------------- what happened */

/* Of several kinds of faults in CFSR the first that is there: the most telling. */
static const struct part {
	uint32_t mask;	 /* of CFSR */
	uint32_t enable; /* its bit of SHCSR */
	unsigned int exception;
	enum snap_kind kind;
	/* Of its bits, which tells most: indices into cfsr_bits by their masks. */
	uint32_t order[7];
} parts[] = {
	{UFSR, USGFAULTENA, USAGE_FAULT, SNAP_KIND_USAGEFAULT,
		{BIT(20), BIT(25), BIT(24), BIT(19), BIT(16), BIT(17), BIT(18)}},
	{MMFSR, MEMFAULTENA, MEM_MANAGE, SNAP_KIND_MEMMANAGE,
		{BIT(1), BIT(0), BIT(4), BIT(3), BIT(5)}},
	{BFSR, BUSFAULTENA, BUS_FAULT, SNAP_KIND_BUSFAULT,
		{BIT(9), BIT(8), BIT(10), BIT(12), BIT(11), BIT(13)}},
};

static const struct bit *find_bit(const struct bit *bits, size_t num, uint32_t mask)
{
	for (size_t i = 0; i < num; i++)
		if (bits[i].mask == mask)
			return &bits[i];
	return NULL;
}

static void set_bit(struct snap_device_fault *fault, const struct bit *bit)
{
	fault->bit = bit->name;
	fault->title = bit->title;
	fault->failed = bit->failed;
}

static void set_part(const struct snap_cpu_state *state, const struct part *part, uint32_t cfsr,
	struct snap_device_fault *fault)
{
	fault->kind = part->kind;
	fault->name = snap_cortex_m_exception_name(part->exception);
	fault->is_protection = part->exception == MEM_MANAGE;
	for (size_t i = 0; i < ARRAY_LEN(part->order) && !fault->bit; i++)
		if (cfsr & part->order[i])
			set_bit(fault, find_bit(cfsr_bits, ARRAY_LEN(cfsr_bits), part->order[i]));
	if (part->exception == MEM_MANAGE)
		fault->has_address =
			cfsr & MMARVALID && snap_cpu_state_has(state, SNAP_CORTEX_M_MMFAR);
	else if (part->exception == BUS_FAULT)
		fault->has_address =
			cfsr & BFARVALID && snap_cpu_state_has(state, SNAP_CORTEX_M_BFAR);
	if (fault->has_address)
		fault->address = value_of(state,
			part->exception == MEM_MANAGE ? SNAP_CORTEX_M_MMFAR : SNAP_CORTEX_M_BFAR);
	fault->is_disabled = snap_cpu_state_has(state, SNAP_CORTEX_M_SHCSR) &&
			     !(value_of(state, SNAP_CORTEX_M_SHCSR) & part->enable);
}

/* A HardFault that is no other fault's. */
static void set_hard_fault(uint32_t hfsr, struct snap_device_fault *fault)
{
	fault->kind = SNAP_KIND_HARDFAULT;
	fault->name = snap_cortex_m_exception_name(HARD_FAULT);
	for (size_t i = 0; i < ARRAY_LEN(hfsr_bits) && !fault->bit; i++)
		if (hfsr & hfsr_bits[i].mask && hfsr_bits[i].title)
			set_bit(fault, &hfsr_bits[i]);
}

struct snap_device_fault snap_cortex_m_fault(const struct snap_cpu_state *state)
{
	struct snap_device_fault fault = {.kind = SNAP_KIND_NONE};
	uint32_t cfsr = value_of(state, SNAP_CORTEX_M_CFSR);
	uint32_t hfsr = value_of(state, SNAP_CORTEX_M_HFSR);
	unsigned int exception = 0;
	bool is_handled = snap_cortex_m_exception(state, &exception) && exception >= HARD_FAULT &&
			  exception <= SECURE_FAULT;
	/* The bits stay set until they are cleared: only ICSR tells that they are of now. */
	fault.is_certain = is_handled || !snap_cpu_state_has(state, SNAP_CORTEX_M_ICSR);
	if (exception == SECURE_FAULT) {
		fault.kind = SNAP_KIND_MEMMANAGE;
		fault.name = snap_cortex_m_exception_name(SECURE_FAULT);
		fault.title = "security violation";
		fault.failed = SNAP_FAILED_SECURITY;
		fault.is_protection = true;
		return fault;
	}
	/* What is being handled counts more than bits that others left. */
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (is_handled && exception == parts[i].exception) {
			set_part(state, &parts[i], cfsr, &fault);
			return fault;
		}
	/* Neither the vector table nor a breakpoint is a matter of CFSR's, unless FORCED says so.
	 */
	if (!(hfsr & HFSR_FORCED) && hfsr & (HFSR_VECTTBL | HFSR_DEBUGEVT)) {
		set_hard_fault(hfsr, &fault);
		return fault;
	}
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (cfsr & parts[i].mask) {
			set_part(state, &parts[i], cfsr, &fault);
			fault.is_escalated = hfsr & HFSR_FORCED || exception == HARD_FAULT;
			return fault;
		}
	if (is_handled || hfsr & HFSR_FORCED)
		set_hard_fault(hfsr, &fault);
	return fault;
}
