#include "analyze/explain/severity.h"

#include <signal.h>

#include "analyze/explain/abort.h"
#include "analyze/explain/device_place.h"
#include "analyze/explain/fault.h"
#include "analyze/explain/pointer.h"
#include "analyze/explain/signals.h"
#include "analyze/explain/trap.h"
#include "common/abort_message.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Of BUS_ADRERR and FPE_INTDIV: include/uapi/asm-generic/siginfo.h. */
#define CODE_ADRERR 2
#define CODE_INTDIV 1

static struct snap_severity severity(const char *name, const char *rule)
{
	return (struct snap_severity){name, rule};
}

/* ---------------------------------------------------------------- memory */

/* One class for each access. */
struct by_access {
	const char *read, *write, *unknown;
};

static struct snap_severity by_access(
	const struct snap_evidence *e, const struct by_access *names, const char *rule)
{
	const char *access = e->crash->cause.access;
	return severity(!access		   ? names->unknown
			: access[0] == 'w' ? names->write
			: access[0] == 'r' ? names->read
					   : names->unknown,
		rule);
}

static struct snap_severity by_pointer(const struct snap_evidence *e, uint64_t value)
{
	switch (snap_pointer_origin(e->crash->arch, value)) {
	case SNAP_POINTER_FREED:
		return severity("use-after-free-likely",
			"the pointer is of the bytes that freed memory is filled with");
	case SNAP_POINTER_UNINITIALISED:
		return severity("uninitialised-likely",
			"the pointer is of the bytes that new memory is filled with");
	case SNAP_POINTER_UNUSABLE:
		return severity("use-after-free-or-uninitialised-likely",
			"the pointer is of the bytes that freed or new memory is filled with");
	case SNAP_POINTER_TEXT:
		return severity("overwritten-pointer-likely", "the pointer is of eight letters");
	case SNAP_POINTER_FILLED:
		return severity(
			"overwritten-pointer-likely", "the pointer is of eight equal bytes");
	case SNAP_POINTER_PLAIN:
		break;
	}
	return severity(NULL, NULL);
}

static struct snap_severity of_target(const struct snap_evidence *e)
{
	return e->instruction.action == SNAP_ACTION_RETURN
		       ? severity("return-to-garbage",
				 "a return led to an address that is not canonical")
		       : severity("jump-to-garbage",
				 "a call or jump led to an address that is not canonical");
}

static struct snap_severity of_freed(void)
{
	return severity("use-after-free-likely",
		"the pointer is what the allocator keeps in a freed block");
}

static struct snap_severity of_access(const struct snap_evidence *e)
{
	static const struct by_access null = {"null-read", "null-write", "null-access"};
	static const struct by_access wild = {"wild-read", "wild-write", "wild-access"};
	static const struct by_access forbidden = {
		"protected-read", "protected-write", "protected-access"};
	if (e->has_instruction && e->instruction.action == SNAP_ACTION_PRIVILEGED && !e->has_fault)
		return severity("privileged-instruction",
			"the instruction is one that only the kernel may execute");
	if (e->signal_frame != SNAP_SIGNAL_FRAME_NONE && !e->has_fault)
		return severity("bad-stack-pointer",
			"the kernel could not write, or read, the frame of a signal's handler");
	if (!e->has_fault && e->heap == SNAP_HEAP_PLAIN)
		return severity(
			"wild-access", "an access was refused, and its address is not known");
	if (e->heap == SNAP_HEAP_FREED)
		return of_freed();
	if (e->is_refused_target)
		return of_target(e);
	if (e->is_misaligned)
		return severity("misaligned-access",
			"the address is not a multiple of what the instruction demands");
	if (e->heap == SNAP_HEAP_BOOKS)
		return severity("heap-corruption-likely", "the access is the allocator's own");
	if (e->heap == SNAP_HEAP_BAD_FREE)
		return severity("invalid-free-likely",
			"the access is that of a function that frees what it is given");
	if (snap_fault_is_null(e))
		return by_access(e, &null, "the address is less than 64 KiB from null");
	if (e->operand && e->operand->base.index >= 0) {
		struct snap_severity found = by_pointer(e, e->operand->base_value);
		if (found.name)
			return found;
	}
	if (snap_crash_mapping_at(e->crash, e->fault) || snap_fault_is_known_mapped(e))
		return by_access(e, &forbidden,
			"the address is mapped, but the access is not permitted there");
	return by_access(e, &wild, "the address is not mapped, and far from null");
}

static struct snap_severity of_bad_pc(const struct snap_evidence *e)
{
	if (e->heap == SNAP_HEAP_FREED)
		return of_freed();
	if (e->pc < SNAP_NULL_END)
		return severity(
			"jump-to-null", "the program counter is less than 64 KiB from null");
	if (snap_crash_mapping_at(e->crash, e->pc) ||
		(e->has_fault && e->fault == e->pc && snap_fault_is_known_mapped(e)))
		return severity("exec-of-data",
			"the program counter is in memory that is mapped, but not executable");
	return severity("jump-to-garbage", "the program counter is where nothing is mapped");
}

static struct snap_severity of_bus(const struct snap_evidence *e)
{
	if (e->is_misaligned || (e->has_code && e->code == 1))
		return severity("misaligned-access",
			"the address is not a multiple of what the instruction demands");
	if (e->is_refused)
		return of_access(e);
	const struct snap_mapping *mapping =
		e->has_fault ? snap_crash_mapping_at(e->crash, e->fault) : NULL;
	if (e->has_code && e->code == CODE_ADRERR && mapping && mapping->path.len > 0 &&
		mapping->path.data[0] == '/')
		return severity(
			"beyond-file", "the address is mapped from a file that has no bytes there");
	return severity("bus-error", "the signal is SIGBUS");
}

/* ---------------------------------------------------------------- the others */

static struct snap_severity of_trap(const struct snap_evidence *e)
{
	struct snap_trap trap;
	if (e->instruction.len > 0 && e->crash->arch &&
		snap_trap_find(e->crash->arch, &e->instruction, &trap)) {
		if (trap.has_check)
			return severity("failed-check",
				"the instruction is that of a check of the compiler's");
		return trap.is_breakpoint
			       ? severity("breakpoint", "the instruction is a breakpoint")
			       : severity("trap", "the instruction is there to end the program");
	}
	if (e->signo == SIGTRAP)
		return severity("breakpoint", "the signal is SIGTRAP");
	if (e->has_instruction && e->instruction.action == SNAP_ACTION_PRIVILEGED)
		return severity("privileged-instruction",
			"the instruction is one that only the kernel may execute");
	return severity("illegal-instruction", "the signal is SIGILL");
}

static struct snap_severity of_abort(const struct snap_evidence *e)
{
	static const char said[] = "what the C library said";
	static const char stands[] = "a function that stands on the stack";
	static const char read[] =
		"what the C library said, where its " SNAP_ABORT_VARIABLE " points";
	static const char passed[] =
		"a function that stands on the stack, and what it was called with";
	const struct snap_cause *cause = &e->crash->cause;
	if (cause->failure == SNAP_FAILURE_NONE)
		return severity("abort", "the signal is SIGABRT");
	return severity(snap_failure_name(cause->failure),
		e->is_failure_passed		? passed
		: !e->is_failure_said		? stands
		: e->crash->abort_message_module ? read
						 : said);
}

static struct snap_severity of_signal(const struct snap_evidence *e)
{
	/* Of a file that is too large the kernel gives the writer as the sender. */
	bool is_own_size =
		e->signo == SIGXFSZ && !e->is_sent && e->has_code && e->code == SNAP_SI_USER;
	if (!e->raised && !is_own_size)
		return severity("sent-signal", "a process sent the signal");
	if (e->signo == SIGXCPU || e->signo == SIGXFSZ)
		return severity("resource-limit", "the kernel raises the signal for a limit");
	return severity("signal", "the kernel raised the signal for no fault of the thread's");
}

struct snap_severity snap_severity_find(const struct snap_evidence *e)
{
	switch (e->crash->cause.kind) {
	case SNAP_KIND_NONE:
	case SNAP_KIND_HARDFAULT:
	case SNAP_KIND_BUSFAULT:
	case SNAP_KIND_USAGEFAULT:
	case SNAP_KIND_MEMMANAGE:
	case SNAP_KIND_ASSERT:
	case SNAP_KIND_SANITIZER:
	case SNAP_KIND_UNKNOWN:
		break;
	case SNAP_KIND_STACK_OVERFLOW:
		return severity("stack-overflow", "the address or the stack pointer is below the "
						  "stack");
	case SNAP_KIND_EXEC_BAD_PC:
		return of_bad_pc(e);
	case SNAP_KIND_SEGV_NULL:
	case SNAP_KIND_SEGV:
		return of_access(e);
	case SNAP_KIND_BUS:
		return of_bus(e);
	case SNAP_KIND_FPE:
		return e->has_code && e->code == CODE_INTDIV
			       ? severity("integer-division", "the code is FPE_INTDIV")
			       : severity("arithmetic", "the signal is SIGFPE");
	case SNAP_KIND_ILL:
	case SNAP_KIND_TRAP:
		return of_trap(e);
	case SNAP_KIND_SYS:
		return severity("refused-system-call", "the signal is SIGSYS");
	case SNAP_KIND_ABORT:
		return e->is_sent ? severity("sent-signal", "a process sent the signal")
				  : of_abort(e);
	case SNAP_KIND_SIGNAL:
		return of_signal(e);
	}
	return severity(NULL, NULL);
}

/* ---------------------------------------------------------------- microcontrollers */

static struct snap_severity of_device_access(const struct snap_evidence *e, bool is_protection)
{
	static const struct by_access null = {"null-read", "null-write", "null-access"};
	static const struct by_access wild = {"wild-read", "wild-write", "wild-access"};
	static const struct by_access forbidden = {
		"protected-read", "protected-write", "protected-access"};
	bool has_base = e->operand && e->operand->base.index >= 0;
	if (!e->has_fault)
		return severity(
			"wild-access", "an access was refused, and its address is not known");
	if (e->fault < SNAP_DEVICE_NULL_END &&
		(!has_base || e->operand->base_value < SNAP_DEVICE_NULL_END))
		return by_access(e, &null, "the address is less than 4 KiB from null");
	if (has_base) {
		struct snap_severity found = by_pointer(e, e->operand->base_value);
		if (found.name)
			return found;
	}
	return is_protection ? by_access(e, &forbidden, "memory protection refused the access")
			     : by_access(e, &wild, "the bus refused the access");
}

struct snap_severity snap_severity_of_device(
	const struct snap_evidence *e, const struct snap_device_fault *fault)
{
	struct snap_trap trap;
	bool is_trap = e->instruction.len > 0 && e->crash->arch &&
		       snap_trap_find(e->crash->arch, &e->instruction, &trap);
	switch (fault->failed) {
	case SNAP_FAILED_FETCH:
	case SNAP_FAILED_STATE:
		if (e->has_fault && e->fault < SNAP_DEVICE_NULL_END)
			return severity("jump-to-null", "code was to be executed near null");
		return fault->failed == SNAP_FAILED_FETCH && fault->is_protection
			       ? severity("exec-of-data", "the code may not be executed")
			       : severity("jump-to-garbage",
					 "the code is where there is none, or can be none");
	case SNAP_FAILED_ACCESS:
		return of_device_access(e, fault->is_protection);
	case SNAP_FAILED_LATE:
		return severity("wild-access", "the bus refused an access, and does not tell which");
	case SNAP_FAILED_ALIGNMENT:
		return severity("misaligned-access",
			"the address is not a multiple of what the instruction demands");
	case SNAP_FAILED_INSTRUCTION:
	case SNAP_FAILED_UNKNOWN:
		if (is_trap)
			return severity("trap", "the instruction is there to end the program");
		return fault->failed == SNAP_FAILED_UNKNOWN
			       ? severity("fault", "the processor does not tell why")
			       : severity("illegal-instruction", "the instruction is undefined");
	case SNAP_FAILED_COPROCESSOR:
		return severity("illegal-instruction",
			"the instruction is one of a coprocessor that is not there or off");
	case SNAP_FAILED_DIVISION:
		return severity("integer-division", "the status says so");
	case SNAP_FAILED_STACKING:
	case SNAP_FAILED_UNSTACKING:
	case SNAP_FAILED_LAZY:
		return severity("bad-stack-pointer", "the stack could not be accessed");
	case SNAP_FAILED_RETURN:
		return severity("return-to-garbage", "a return from an exception made no sense");
	case SNAP_FAILED_LIMIT:
		return severity("stack-overflow", "the stack pointer's limit was reached");
	case SNAP_FAILED_VECTOR:
		return severity("bad-vector-table", "the vector table could not be read");
	case SNAP_FAILED_BREAKPOINT:
		return severity("breakpoint", "the instruction is a breakpoint");
	case SNAP_FAILED_CALL:
		return severity("trap", "nobody handled a call of the environment");
	case SNAP_FAILED_SECURITY:
		return severity("protected-access", "the Security Extension refused it");
	case SNAP_FAILED_HARDWARE:
		return severity("hardware-error", "the hardware says so");
	}
	return severity(NULL, NULL);
}

struct snap_severity snap_severity_of_live(const struct snap_crash *crash)
{
	return crash->num_deadlocks > 0
		       ? severity("deadlock",
				 "threads wait in a circle for what others of them hold")
		       : severity(NULL, NULL);
}
