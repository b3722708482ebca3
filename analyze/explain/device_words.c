#include "analyze/explain/device_words.h"

#include <inttypes.h>
#include <stdio.h>

#include "analyze/explain/address.h"
#include "analyze/explain/device_place.h"
#include "analyze/explain/fault.h"
#include "analyze/explain/operand_name.h"
#include "analyze/explain/trap.h"

#define FORMAT(e, ...) snap_crash_format((e)->crash, __VA_ARGS__)

/* Of an expression, a file's and a function's name so much is in the sentence. */
#define MAX_QUOTED 200

static bool is_cortex_m(const struct snap_evidence *e)
{
	return e->crash->device.family == SNAP_CPU_CORTEX_M;
}

/* ---------------------------------------------------------------- accesses */

/* ": r3 is null, ..." and the variable, as far as known. */
static const char *pointer_words(const struct snap_evidence *e)
{
	const struct snap_operand *operand = e->operand;
	bool is_null = e->has_fault && e->fault < SNAP_DEVICE_NULL_END;
	if (is_null && operand && operand->base.index >= 0 &&
		operand->base_value >= SNAP_DEVICE_NULL_END)
		is_null = false;
	const char *of = is_null ? snap_fault_null_words(e) : snap_fault_operand_words(e);
	const char *variable = snap_operand_name_words(e);
	return of && variable ? FORMAT(e, "%s%s", of, variable) : NULL;
}

/* What refused an access. */
static const char *refusal_words(
	const struct snap_evidence *e, const struct snap_device_fault *fault)
{
	if (fault->is_protection)
		return is_cortex_m(e) ? "which the MPU, or the processor's memory map, forbids"
				      : "which the page tables forbid";
	return is_cortex_m(e) ? "and the bus answered with an error"
			      : "and the bus, or the physical memory protection, refused it";
}

static const char *explain_access(
	const struct snap_evidence *e, const struct snap_device_fault *fault)
{
	const char *refusal = refusal_words(e, fault);
	const char *deed = snap_fault_deed_words(e, e->crash->cause.access);
	if (deed && !e->has_fault)
		return FORMAT(e, "The program %s, %s; the address is not told%s.", deed, refusal,
			!is_cortex_m(e)	       ? ""
			: fault->is_protection ? " (MMFAR is not valid)"
					       : " (BFAR is not valid)");
	const char *place = snap_device_place_words(e->crash, e->fault);
	const char *pointer = pointer_words(e);
	return deed && place && pointer ? FORMAT(e, "The program %s at address 0x%" PRIx64 "%s, %s%s.",
						  deed, e->fault, place, refusal, pointer)
					: NULL;
}

static const char *explain_alignment(const struct snap_evidence *e)
{
	const char *deed = snap_fault_deed_words(e, e->crash->cause.access);
	if (deed && !e->has_fault)
		return FORMAT(e,
			"The program %s at an address that is not aligned as it has to be; which "
			"address is not known.",
			deed);
	const char *place = snap_device_place_words(e->crash, e->fault);
	const char *pointer = pointer_words(e);
	if (!deed || !place || !pointer)
		return NULL;
	if (!e->operand)
		return FORMAT(e, "The program %s at address 0x%" PRIx64 "%s, which is not aligned.",
			deed, e->fault, place);
	return FORMAT(e,
		"The program %s at address 0x%" PRIx64 "%s, which is not a multiple of %" PRIu32
		", as the instruction (%s) demands%s.",
		deed, e->fault, place, e->operand->align, e->instruction.text, pointer);
}

/* ---------------------------------------------------------------- jumps */

/* "; lr says that it came from main+0x12": where the bad address was called from. */
static const char *caller_words(const struct snap_evidence *e)
{
	const struct snap_arch *arch = e->crash->arch;
	uint64_t lr;
	if (!e->thread || !arch || arch->lr == SNAP_ARCH_NO_REG ||
		!snap_crash_register(e->crash, e->thread, arch->lr, &lr))
		return "";
	/* EXC_RETURN: it was the return of a handler. */
	if (is_cortex_m(e) && lr >= 0xff000000)
		return "";
	if (arch->has_thumb_bit)
		lr &= ~UINT64_C(1);
	const char *words = snap_device_code_words(e->crash, lr);
	const char *name = arch->regs[arch->lr].name;
	return words ? FORMAT(e, "; %s, if a call led there, returns to %s", name, words) : NULL;
}

static const char *explain_fetch(
	const struct snap_evidence *e, const struct snap_device_fault *fault)
{
	uint64_t addr = e->has_fault ? e->fault : e->pc;
	const char *place = snap_device_place_words(e->crash, addr);
	const char *caller = caller_words(e);
	const char *refusal =
		fault->is_protection
			? "where the MPU, or the processor's memory map, forbids to execute"
			: "where the bus answers with an error";
	if (!is_cortex_m(e))
		refusal = fault->is_protection
				  ? "where the page tables forbid to execute"
				  : "where the bus, or the physical memory protection, lets nothing "
				    "be executed";
	if (!e->has_fault && !e->has_pc)
		return FORMAT(e, "The program jumped to an address %s; which is not known.",
			refusal);
	return place && caller ? FORMAT(e,
					 "The program jumped to address 0x%" PRIx64 "%s, %s: a %s "
					 "pointer to a function, or a return address that was "
					 "overwritten%s.",
					 addr, place, refusal,
					 addr < SNAP_DEVICE_NULL_END ? "null" : "bad", caller)
			       : NULL;
}

static const char *explain_state(
	const struct snap_evidence *e, const struct snap_device_fault *fault)
{
	if (!is_cortex_m(e)) {
		if (!e->has_fault)
			return FORMAT(e, "The processor refused a jump: %s.",
				fault->title ? fault->title : "its target is bad");
		const char *place = snap_device_place_words(e->crash, e->fault);
		return place ? FORMAT(e,
				       "The program jumped to address 0x%" PRIx64
				       "%s, which is not aligned as code is: a bad pointer to a "
				       "function, or a return address that was overwritten.",
				       e->fault, place)
			     : NULL;
	}
	uint64_t psr;
	unsigned int index = 0;
	while (index < e->crash->arch->num_regs &&
		e->crash->arch->regs[index].name[0] != 'x') /* xpsr */
		index++;
	bool has_psr = e->thread && snap_crash_register(e->crash, e->thread, index, &psr);
	if (!e->has_pc)
		return "The program jumped to an address without the Thumb bit; which is not known.";
	if (has_psr && psr >> 24 & 1)
		return FORMAT(e,
			"The processor is in a state in which the instruction at 0x%" PRIx64
			" can't be executed: the bits for IT blocks and interrupted instructions "
			"(xPSR 0x%" PRIx64 ") make no sense there.",
			e->pc, psr);
	const char *place = snap_device_place_words(e->crash, e->pc);
	const char *caller = caller_words(e);
	return place && caller
		       ? FORMAT(e,
				 "The program jumped to address 0x%" PRIx64
				 "%s, without the Thumb bit (bit 0 is 0, and a Cortex-M executes "
				 "nothing but Thumb code): a %s pointer to a function, or a "
				 "return address that was overwritten%s.",
				 e->pc, place, e->pc < SNAP_DEVICE_NULL_END ? "null" : "bad",
				 caller)
		       : NULL;
}

/* ---------------------------------------------------------------- instructions */

/* " (de ad be ef)": its bytes in memory; "" if they are not known. */
static void code_bytes(const struct snap_evidence *e, char ret[32])
{
	unsigned int num = e->instruction.size ? e->instruction.size
			   : is_cortex_m(e) && e->instruction.len >= 2 &&
					   e->instruction.bytes[1] < 0xe8
				   ? 2u
				   : 4u;
	const struct snap_cpu_state *state = &e->crash->device.state;
	int len = 0;
	ret[0] = '\0';
	/* Of an illegal instruction a hart may tell the code itself. */
	if (!is_cortex_m(e) && e->instruction.len == 0 &&
		snap_cpu_state_has(state, SNAP_RISCV_MTVAL) && state->values[SNAP_RISCV_MTVAL] != 0)
		(void)snprintf(ret, 32, " (0x%" PRIx64 ")", state->values[SNAP_RISCV_MTVAL]);
	for (unsigned int i = 0; i < num && i < e->instruction.len && len < 20; i++)
		len += snprintf(ret + len, 32u - (size_t)len, "%s%02x", i == 0 ? " (" : " ",
			e->instruction.bytes[i]);
	if (len > 0)
		(void)snprintf(ret + len, 32u - (size_t)len, ")");
}

/* The trap or breakpoint instruction that it stopped at; NULL: it is none. "" without memory. */
static const char *trap_words(const struct snap_evidence *e)
{
	struct snap_trap trap;
	if (e->instruction.len == 0 || !e->crash->arch ||
		!snap_trap_find(e->crash->arch, &e->instruction, &trap) || trap.has_check)
		return NULL;
	const char *name = e->has_instruction ? e->instruction.text : trap.name;
	const char *words = FORMAT(e, "The program ran into a %s instruction (%s) at 0x%" PRIx64 ": %s.",
		trap.is_breakpoint ? "breakpoint" : "trap", name, e->instruction.addr, trap.meaning);
	return words ? words : "";
}

static const char *explain_instruction(const struct snap_evidence *e)
{
	char bytes[32];
	const char *trap = trap_words(e);
	if (trap)
		return trap[0] ? trap : NULL;
	if (!e->has_pc)
		return "The processor does not know an instruction; its address is not known.";
	const char *place = snap_device_place_words(e->crash, e->pc);
	code_bytes(e, bytes);
	return place ? FORMAT(e,
			       "The processor refused the instruction%s at 0x%" PRIx64
			       "%s%s%s%s: damaged code, a jump into data or amid an instruction, or "
			       "one that this processor does not have, or not in this mode.",
			       bytes, e->pc, place, e->has_instruction ? ", `" : "",
			       e->has_instruction ? e->instruction.text : "",
			       e->has_instruction ? "'" : "")
		     : NULL;
}

static const char *explain_coprocessor(const struct snap_evidence *e)
{
	return FORMAT(e,
		"The program used a coprocessor that is absent or switched off%s%s%s: most often "
		"the FPU, which CPACR has to enable, also anew after each reset.",
		e->has_instruction ? " (" : "", e->has_instruction ? e->instruction.text : "",
		e->has_instruction ? ")" : "");
}

static const char *explain_division(const struct snap_evidence *e)
{
	uint64_t value;
	const struct snap_instruction *instruction = &e->instruction;
	if (e->has_instruction && instruction->action == SNAP_ACTION_DIVIDE &&
		snap_register_value(e->crash->arch, &instruction->value, e->pr_reg, &value) &&
		value == 0)
		return FORMAT(e, "An integer was divided by zero: %s is 0 (%s).",
			instruction->value.name, instruction->text);
	return e->has_pc ? FORMAT(e, "An integer was divided by zero, at 0x%" PRIx64 ".", e->pc)
			 : "An integer was divided by zero.";
}

static const char *explain_breakpoint(const struct snap_evidence *e)
{
	const char *trap = trap_words(e);
	if (trap)
		return trap[0] ? FORMAT(e, "%.*s, and no debugger took it.",
				       (int)(snprintf(NULL, 0, "%s", trap) - 1), trap)
			       : NULL;
	return e->has_pc ? FORMAT(e,
				    "A breakpoint, or another event for a debugger, came at 0x%" PRIx64
				    ", and no debugger took it.",
				    e->pc)
			 : "A breakpoint, or another event for a debugger, came, and none took it.";
}

/* ---------------------------------------------------------------- exceptions */

static const char *explain_stack_access(const struct snap_evidence *e, const char *what)
{
	const char *place = e->has_sp ? snap_device_place_words(e->crash, e->sp) : "";
	char sp[48] = "the stack pointer";
	if (e->has_sp)
		(void)snprintf(sp, sizeof(sp), "the stack pointer, 0x%" PRIx64, e->sp);
	return place ? FORMAT(e,
			       "%s: %s%s%s is bad, or the stack overflowed. What is shown of "
			       "registers and stack need not be what the program had.",
			       what, sp, place, e->has_sp ? "," : "")
		     : NULL;
}

/* A HardFault, and no register says why: what the instruction tells of it. */
static const char *explain_unknown(
	const struct snap_evidence *e, const struct snap_device_fault *fault)
{
	char pc[48] = "";
	if (e->has_pc)
		(void)snprintf(pc, sizeof(pc), " at 0x%" PRIx64, e->pc);
	const char *name = fault->title ? fault->title : fault->name;
	if (!is_cortex_m(e))
		return FORMAT(e, "The hart took an exception (%s)%s.",
			fault->title ? fault->title : "of a reserved number", pc);
	bool has_cfsr = snap_cpu_state_has(&e->crash->device.state, SNAP_CORTEX_M_CFSR);
	const char *trap = trap_words(e);
	if (trap)
		return trap[0] ? trap : NULL;
	if (has_cfsr)
		return FORMAT(e,
			"The processor took a %s%s, and CFSR tells no reason: a supervisor call "
			"(svc) where its handler must not run, a fault in the fault's handler, or "
			"bits that were cleared before they were captured.",
			name, pc);
	const char *pointer = e->operand ? snap_fault_operand_words(e) : "";
	const char *deed = e->operand ? snap_fault_deed_words(e, NULL) : "";
	const char *place = e->operand ? snap_device_place_words(e->crash, e->operand->address) : "";
	if (!pointer || !deed || !place)
		return NULL;
	if (e->is_misaligned)
		return FORMAT(e,
			"The program %s at address 0x%" PRIx64
			", which is not a multiple of %" PRIu32
			", as this processor demands (the registers do not tell why it took a "
			"%s)%s.",
			deed, e->fault, e->operand->align, name, pointer);
	if (e->operand)
		return FORMAT(e,
			"The processor took a %s%s, and has no register that tells why; the "
			"instruction there (%s) %s at address 0x%" PRIx64 "%s%s.",
			name, pc, e->instruction.text, deed, e->operand->address, place, pointer);
	return FORMAT(e,
		"The processor took a %s%s%s%s%s, and no register that was captured tells why.",
		name, pc, e->has_instruction ? " (" : "",
		e->has_instruction ? e->instruction.text : "", e->has_instruction ? ")" : "");
}

static const char *explain(const struct snap_evidence *e, const struct snap_device_fault *fault)
{
	switch (fault->failed) {
	case SNAP_FAILED_FETCH:
		return explain_fetch(e, fault);
	case SNAP_FAILED_STATE:
		return explain_state(e, fault);
	case SNAP_FAILED_ACCESS:
		return explain_access(e, fault);
	case SNAP_FAILED_LATE:
		return "The bus answered a write (most likely: they are buffered) with an error, "
		       "but only when later instructions ran already: its address is not known, "
		       "and the instruction at pc is not the one that did it, but one of those "
		       "before.";
	case SNAP_FAILED_ALIGNMENT:
		return explain_alignment(e);
	case SNAP_FAILED_INSTRUCTION:
		return explain_instruction(e);
	case SNAP_FAILED_COPROCESSOR:
		return explain_coprocessor(e);
	case SNAP_FAILED_DIVISION:
		return explain_division(e);
	case SNAP_FAILED_STACKING:
		return explain_stack_access(
			e, "The registers could not be saved on the stack as an exception was taken");
	case SNAP_FAILED_UNSTACKING:
		return explain_stack_access(e,
			"The registers could not be taken from the stack as an exception returned");
	case SNAP_FAILED_LAZY:
		return "The floating-point registers could not be saved where room was left for "
		       "them on the stack of what was interrupted: the stack pointer was bad as "
		       "the exception was taken, or memory is protected otherwise since.";
	case SNAP_FAILED_RETURN:
		return "A return from an exception was refused: EXC_RETURN is not a value that "
		       "fits, or what the stack has of pc and xPSR is not: the stack was "
		       "overwritten, or a handler has changed lr.";
	case SNAP_FAILED_LIMIT:
		return "The stack overflowed: the stack pointer would have gone below its limit.";
	case SNAP_FAILED_VECTOR:
		return "The processor could not read where an exception's handler is: the vector "
		       "table, or VTOR, which tells where it is, is bad.";
	case SNAP_FAILED_BREAKPOINT:
		return explain_breakpoint(e);
	case SNAP_FAILED_CALL:
		return e->has_pc ? FORMAT(e,
					    "The program called its environment (ecall) at 0x%" PRIx64
					    ", and nobody handled that.",
					    e->pc)
				 : "The program called its environment (ecall), and nobody handled "
				   "that.";
	case SNAP_FAILED_SECURITY:
		return "A transition or an access that the Security Extension forbids: Non-secure "
		       "code reached for Secure memory, or entered it not by a gateway.";
	case SNAP_FAILED_HARDWARE:
		return "The hardware found corrupted data.";
	case SNAP_FAILED_UNKNOWN:
		break;
	}
	return explain_unknown(e, fault);
}

/* What is said of the status registers themselves, before the full stop. */
static const char *status_words(
	const struct snap_evidence *e, const struct snap_device_fault *fault)
{
	if (!fault->is_certain && is_cortex_m(e))
		return "; that is what the status registers say, though no fault was being handled "
		       "as they were captured: they may have it from before";
	if (!fault->is_escalated)
		return "";
	return FORMAT(e, "; the %s was escalated to a HardFault%s", fault->name,
		fault->is_disabled ? ", as it is not enabled (SHCSR)" : "");
}

/* text without its full stop, more, and the full stop. */
static const char *with(const struct snap_evidence *e, const char *text, const char *more)
{
	if (!text || !more || !more[0])
		return more ? text : NULL;
	int len = snprintf(NULL, 0, "%s", text);
	return FORMAT(e, "%.*s%s.", len - 1, text, more);
}

const char *snap_device_fault_words(
	const struct snap_evidence *e, const struct snap_device_fault *fault)
{
	return with(e, explain(e, fault), status_words(e, fault));
}

/* ---------------------------------------------------------------- overflows */

const char *snap_device_overflow_words(const struct snap_evidence *e,
	const struct snap_device_fault *fault, const struct snap_device_overflow *overflow)
{
	const char *whose = overflow->thread
				    ? snap_device_thread_words(e->crash, overflow->thread)
				    : "the program";
	const char *size = overflow->has_bounds
				   ? FORMAT(e, " (%" PRIu64 " bytes, 0x%" PRIx64 " to 0x%" PRIx64 ")",
					     overflow->high - overflow->low, overflow->low,
					     overflow->high - 1)
				   : "";
	char sp[64] = "";
	if (e->has_sp)
		(void)snprintf(sp, sizeof(sp), "; the stack pointer is 0x%" PRIx64, e->sp);
	const char *text = NULL;
	if (!whose || !size)
		return NULL;
	switch (overflow->sign) {
	case SNAP_OVERFLOW_LIMIT:
		text = FORMAT(e,
			"The stack of %s%s overflowed: the stack pointer would have gone below its "
			"limit%s.",
			whose, size, sp);
		break;
	case SNAP_OVERFLOW_POINTER:
		text = FORMAT(e,
			"The stack of %s%s overflowed: the stack pointer, 0x%" PRIx64 ", is %" PRIu64
			" bytes below its end.",
			whose, size, e->sp, overflow->low - e->sp);
		break;
	case SNAP_OVERFLOW_ADDRESS:
		text = e->fault < overflow->low
			       ? FORMAT(e,
					 "The stack of %s%s overflowed: the program used address "
					 "0x%" PRIx64 ", %" PRIu64 " bytes below its end%s.",
					 whose, size, e->fault, overflow->low - e->fault, sp)
			       : FORMAT(e,
					 "The stack of %s%s overflowed: the program used address "
					 "0x%" PRIx64 ", %" PRIu64
					 " bytes above its end, where a guard region refused it%s.",
					 whose, size, e->fault, e->fault - overflow->low, sp);
		break;
	case SNAP_OVERFLOW_STACKING:
		text = FORMAT(e,
			"The stack of %s%s overflowed: the registers could not be saved there as "
			"an exception was taken%s.",
			whose, size, sp);
		break;
	case SNAP_OVERFLOW_KERNEL:
		return FORMAT(e, "The stack of %s%s overflowed: the kernel found that out%s.", whose,
			size, sp);
	case SNAP_OVERFLOW_NONE:
		return NULL;
	}
	text = with(e, text, status_words(e, fault));
	if (!text || !overflow->victim)
		return text;
	whose = snap_device_thread_words(e->crash, overflow->victim);
	return whose ? FORMAT(e, "%s Below it is the stack of %s, of which %" PRIu64
				 " bytes may have been overwritten.",
			       text, whose, overflow->victim_bytes)
		     : NULL;
}

/* ---------------------------------------------------------------- assertions */

/* What a function's name on the stack says; a sentence without its end. */
static const char *failure_words(enum snap_failure failure)
{
	switch (failure) {
	case SNAP_FAILURE_STACK_SMASHING:
		return "A function found its stack frame overwritten as it was about to return";
	case SNAP_FAILURE_PURE_VIRTUAL_CALL:
		return "A pure virtual function was called";
	case SNAP_FAILURE_PANIC:
		return "The program panicked";
	case SNAP_FAILURE_TERMINATE:
		return "A C++ exception was not caught, or may not be thrown there";
	case SNAP_FAILURE_ABORT:
		return "The program aborted itself";
	default:
		return "An assertion failed";
	}
}

const char *snap_device_assert_words(
	const struct snap_evidence *e, const struct snap_device_assert *found)
{
	const struct snap_assertion *parts = &e->crash->cause.assertion;
	const char *expression = "", *place = "";
	char line[16] = "";
	if (found->source == SNAP_ASSERT_STACK)
		return FORMAT(e, "%s: it called %.*s.", failure_words(found->failure), MAX_QUOTED,
			found->function);
	if (parts->has_line)
		(void)snprintf(line, sizeof(line), ":%" PRIu32, parts->line);
	if (parts->expression)
		expression = FORMAT(e, ": `%.*s'", MAX_QUOTED, parts->expression);
	if (parts->file && parts->function)
		place = FORMAT(e, " in %.*s (%.*s%s)", MAX_QUOTED, parts->function, MAX_QUOTED,
			parts->file, line);
	else if (parts->file)
		place = FORMAT(e, " in %.*s%s", MAX_QUOTED, parts->file, line);
	if (!expression || !place)
		return NULL;
	/* What could not be taken apart is shown as it is, beside this. */
	return FORMAT(e, "An assertion failed%s%s.", place, expression);
}
