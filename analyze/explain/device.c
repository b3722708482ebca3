#include "analyze/explain/device.h"

#include <inttypes.h>

#include "analyze/explain/address.h"
#include "analyze/explain/cortex_m_fault.h"
#include "analyze/explain/device_assert.h"
#include "analyze/explain/device_overflow.h"
#include "analyze/explain/device_place.h"
#include "analyze/explain/device_words.h"
#include "analyze/explain/evidence.h"
#include "analyze/explain/fault.h"
#include "analyze/explain/instruction.h"
#include "analyze/explain/operand_name.h"
#include "analyze/explain/riscv_trap.h"
#include "analyze/explain/severity.h"
#include "analyze/explain/trap.h"
#include "analyze/explain/vector_table.h"

/* Of xPSR (Armv7-M, B1.4.2) and CONTROL (B1.4.4). */
#define IPSR		     0x1ffu
#define CONTROL_UNPRIVILEGED 1u
/* What data has to be aligned to at most: Cortex-M's doublewords to words (Armv7-M, A3.2.1). */
#define CORTEX_M_ALIGN 4u
#define RISCV_ALIGN    8u

static unsigned int xlen_of(const struct snap_crash *crash)
{
	uint32_t cpu_arch = crash->metadata.cpu_arch;
	return cpu_arch == SNAP_CPU_RV64E || cpu_arch == SNAP_CPU_RV64I ||
			       cpu_arch == SNAP_CPU_RV128I
		       ? 64
		       : 32;
}

struct snap_device_fault snap_device_fault_find(const struct snap_crash *crash)
{
	const struct snap_device *device = &crash->device;
	if (!device->has_state)
		return (struct snap_device_fault){.kind = SNAP_KIND_NONE};
	switch (device->family) {
	case SNAP_CPU_CORTEX_M:
		return snap_cortex_m_fault(&device->state);
	case SNAP_CPU_RISCV:
		return snap_riscv_fault(&device->state, xlen_of(crash));
	case SNAP_CPU_NONE:
		break;
	}
	return (struct snap_device_fault){.kind = SNAP_KIND_NONE};
}

/* ---------------------------------------------------------------- the exception */

/* "SysTick", "IRQ 5". NULL without memory. */
static const char *exception_words(struct snap_crash *crash, unsigned int number)
{
	const char *name = snap_cortex_m_exception_name(number);
	if (name)
		return name;
	return number >= SNAP_CORTEX_M_FIRST_IRQ
		       ? snap_crash_format(crash, "IRQ %u", number - SNAP_CORTEX_M_FIRST_IRQ)
		       : snap_crash_format(crash, "exception %u (reserved)", number);
}

/* "Handler mode (IRQ 5)". NULL without memory. */
static const char *handler_mode_words(struct snap_crash *crash)
{
	const struct snap_cpu_state *state = &crash->device.state;
	unsigned int number = snap_cpu_state_has(state, SNAP_CORTEX_M_PSR)
				      ? (unsigned int)(state->values[SNAP_CORTEX_M_PSR] & IPSR)
				      : 0;
	if (number == 0)
		return "Handler mode";
	const char *exception = exception_words(crash, number);
	return exception ? snap_crash_format(crash, "Handler mode (%s)", exception) : NULL;
}

static int find_cortex_m_mode(struct snap_crash *crash)
{
	const struct snap_cpu_state *state = &crash->device.state;
	bool has_control = snap_cpu_state_has(state, SNAP_CORTEX_M_CONTROL);
	uint64_t control = has_control ? state->values[SNAP_CORTEX_M_CONTROL] : 0;
	const char *unprivileged = control & CONTROL_UNPRIVILEGED ? ", unprivileged" : "";
	const char **ret = &crash->device.mode;
	if (!snap_cpu_state_has(state, SNAP_CORTEX_M_EXC_RETURN)) {
		if (!snap_cpu_state_has(state, SNAP_CORTEX_M_PSR))
			return 0;
		bool is_thread = (state->values[SNAP_CORTEX_M_PSR] & IPSR) == 0;
		*ret = !is_thread ? handler_mode_words(crash)
				  : snap_crash_format(crash, "Thread mode%s%s",
					    !has_control  ? ""
					    : control & 2 ? ", process stack"
							  : ", main stack",
					    unprivileged);
		return *ret ? 0 : -1;
	}
	uint64_t value = state->values[SNAP_CORTEX_M_EXC_RETURN];
	struct snap_exc_return exc = snap_cortex_m_exc_return(value, crash->metadata.cpu_arch);
	const char *mode = exc.is_thread_mode ? "Thread mode" : handler_mode_words(crash);
	if (!exc.is_valid)
		*ret = snap_crash_format(
			crash, "not known: 0x%" PRIx64 " is no valid EXC_RETURN", value);
	else if (mode)
		*ret = snap_crash_format(crash, "%s, %s%s stack%s%s", mode,
			!exc.has_security     ? ""
			: exc.is_secure_stack ? "Secure "
					      : "Non-secure ",
			exc.is_process_stack ? "process" : "main",
			exc.is_thread_mode ? unprivileged : "",
			exc.has_float ? ", with floating-point registers" : "");
	return *ret ? 0 : -1;
}

static int find_handler(struct snap_crash *crash, unsigned int exception)
{
	struct snap_vectors vectors;
	struct snap_device *device = &crash->device;
	uint64_t handler;
	bool is_default;
	if (!snap_vectors_find(crash, &vectors) ||
		!snap_vectors_handler(&vectors, exception, &handler, &is_default))
		return 0;
	const char *name = snap_vectors_name(crash, handler, is_default);
	device->is_default_handler = is_default;
	device->handler = name ? snap_crash_format(crash, "%s", name)
			       : snap_crash_format(crash, "0x%" PRIx64, handler);
	return device->handler ? 0 : -1;
}

static int find_status(struct snap_crash *crash)
{
	struct snap_device *device = &crash->device;
	unsigned int exception;
	device->num_fault_bits = 0;
	device->exception = device->handler = device->mode = NULL;
	if (!device->has_state)
		return 0;
	if (device->family == SNAP_CPU_RISCV) {
		device->num_fault_bits =
			snap_riscv_bits(&device->state, xlen_of(crash), device->fault_bits);
		/* Without a trap mstatus tells of an earlier one. */
		if (!snap_cpu_state_has(&device->state, SNAP_RISCV_MCAUSE))
			return 0;
		device->mode = snap_riscv_mode(&device->state);
		device->exception =
			snap_riscv_cause(device->state.values[SNAP_RISCV_MCAUSE], xlen_of(crash))
				.name;
		return 0;
	}
	if (device->family != SNAP_CPU_CORTEX_M)
		return 0;
	device->num_fault_bits = snap_cortex_m_bits(&device->state, device->fault_bits);
	if (find_cortex_m_mode(crash) < 0)
		return -1;
	if (!snap_cortex_m_exception(&device->state, &exception))
		return 0;
	device->exception = exception_words(crash, exception);
	return device->exception && find_handler(crash, exception) == 0 ? 0 : -1;
}

/* ---------------------------------------------------------------- evidence */

static struct snap_evidence gather(struct snap_crash *crash)
{
	struct snap_evidence e = {
		.crash = crash,
		.thread = snap_crash_crashed_thread(crash),
		.raised = true,
		.instruction = {.value.index = -1},
	};
	if (e.thread && crash->arch && e.thread->pr_reg.data) {
		e.pr_reg = e.thread->pr_reg;
		e.has_pc = snap_crash_register(crash, e.thread, crash->arch->pc, &e.pc);
		e.has_sp = snap_crash_register(crash, e.thread, crash->arch->sp, &e.sp);
	}
	if (e.has_pc && crash->arch->has_thumb_bit)
		e.pc &= ~UINT64_C(1);
	return e;
}

/* Whether the instruction at pc has to do with it. */
static bool is_of_instruction(const struct snap_device_fault *fault)
{
	switch (fault->failed) {
	case SNAP_FAILED_ACCESS:
	case SNAP_FAILED_ALIGNMENT:
	case SNAP_FAILED_INSTRUCTION:
	case SNAP_FAILED_COPROCESSOR:
	case SNAP_FAILED_DIVISION:
	case SNAP_FAILED_LIMIT:
	case SNAP_FAILED_BREAKPOINT:
	case SNAP_FAILED_CALL:
	case SNAP_FAILED_UNKNOWN:
		return true;
	default:
		return false;
	}
}

static void set_fault(struct snap_evidence *e, enum snap_address_source source, uint64_t address)
{
	e->source = source;
	e->has_fault = true;
	e->fault = address;
}

/* The operand with the address; or, where none is told, the only one that there is. */
static void find_operand(struct snap_evidence *e, const struct snap_device_fault *fault)
{
	struct snap_instruction *instruction = &e->instruction;
	if (e->has_fault)
		e->operand = snap_fault_operand_at(e, e->fault);
	/* A hart that does not tell addresses gives 0. */
	bool is_told = fault->has_address && (fault->address != 0 || e->operand ||
						     e->crash->device.family == SNAP_CPU_CORTEX_M);
	if (is_told || instruction->num_operands != 1 || !instruction->operands[0].has_address)
		return;
	e->operand = &instruction->operands[0];
	set_fault(e, SNAP_ADDRESS_OPERAND, e->operand->address);
}

static void find_alignment(struct snap_evidence *e)
{
	bool is_cortex_m = e->crash->device.family == SNAP_CPU_CORTEX_M;
	uint32_t max = is_cortex_m ? CORTEX_M_ALIGN : RISCV_ALIGN;
	snap_fault_find_misaligned(e, max);
}

/* A HardFault of a processor that has no status for it: which memory the instruction accesses. */
static void find_candidate(struct snap_evidence *e)
{
	if (e->crash->device.family != SNAP_CPU_CORTEX_M ||
		snap_cpu_state_has(&e->crash->device.state, SNAP_CORTEX_M_CFSR))
		return;
	find_alignment(e);
	if (!e->operand && e->instruction.num_operands == 1 &&
		e->instruction.operands[0].has_address)
		e->operand = &e->instruction.operands[0];
}

static int find_instruction(
	struct snap_evidence *e, const struct snap_device_fault *fault, struct snap_error *err)
{
	struct snap_crash *crash = e->crash;
	/* Many harts have 0 in mtval whatever the address was: the instruction tells more. */
	bool is_nothing = crash->device.family == SNAP_CPU_RISCV && fault->address == 0 &&
			  fault->failed == SNAP_FAILED_ACCESS;
	if (fault->has_address && !is_nothing)
		set_fault(e, SNAP_ADDRESS_KERNEL, fault->address);
	if (!e->has_pc || !is_of_instruction(fault))
		return 0;
	e->has_instruction = snap_instruction_read(crash, e->thread, e->pc, &e->instruction);
	const char *missing = snap_instruction_why_missing(crash);
	if (!e->has_instruction)
		return missing && e->instruction.len > 0
			       ? snap_crash_note(crash, snap_bytes_str(missing), err)
			       : 0;
	if (fault->failed == SNAP_FAILED_ACCESS)
		find_operand(e, fault);
	else if (fault->failed == SNAP_FAILED_ALIGNMENT)
		find_alignment(e);
	else if (fault->failed == SNAP_FAILED_UNKNOWN)
		find_candidate(e);
	return 0;
}

static const char *find_access(const struct snap_evidence *e, const struct snap_device_fault *fault)
{
	if (fault->access)
		return fault->access;
	if (fault->failed == SNAP_FAILED_FETCH || fault->failed == SNAP_FAILED_STATE)
		return "exec";
	if (!e->operand || !e->has_fault)
		return NULL;
	return e->operand->is_written ? "write" : "read";
}

/* ---------------------------------------------------------------- what it was */

/* A trap instruction at pc is how software ends itself. */
static bool is_trap(const struct snap_evidence *e, const struct snap_device_fault *fault)
{
	struct snap_trap trap;
	if (fault->failed == SNAP_FAILED_BREAKPOINT || fault->failed == SNAP_FAILED_CALL)
		return true;
	return (fault->failed == SNAP_FAILED_INSTRUCTION || fault->failed == SNAP_FAILED_UNKNOWN) &&
	       e->instruction.len > 0 && e->crash->arch &&
	       snap_trap_find(e->crash->arch, &e->instruction, &trap);
}

/* Whether the registers tell of an exception that was taken: an assertion captures them without. */
static bool was_exception_taken(const struct snap_evidence *e)
{
	const struct snap_cpu_state *state = &e->crash->device.state;
	return e->crash->device.family != SNAP_CPU_CORTEX_M ||
	       snap_cpu_state_has(state, SNAP_CORTEX_M_ICSR) ||
	       snap_cpu_state_has(state, SNAP_CORTEX_M_EXC_RETURN);
}

/* Whether the assertion is what ended it, not the fault. */
static bool is_assert(const struct snap_evidence *e, const struct snap_device_fault *fault,
	const struct snap_device_assert *found)
{
	const struct snap_metadata *metadata = &e->crash->metadata;
	bool is_fatal = metadata->has_fatal && metadata->fatal;
	if (found->source == SNAP_ASSERT_NONE || (metadata->has_fatal && !metadata->fatal))
		return false;
	if (!is_fatal && found->source != SNAP_ASSERT_MESSAGE &&
		found->source != SNAP_ASSERT_REASON)
		return false;
	return fault->kind == SNAP_KIND_NONE || !fault->is_certain || !was_exception_taken(e) ||
	       is_trap(e, fault);
}

static const char *copy(struct snap_crash *crash, struct snap_bytes text, bool *failed)
{
	if (text.len == 0)
		return NULL;
	const char *ret = snap_arena_copy(&crash->arena, text);
	*failed |= !ret;
	return ret;
}

static int set_assert(const struct snap_evidence *e, const struct snap_device_assert *found)
{
	struct snap_crash *crash = e->crash;
	struct snap_cause *cause = &crash->cause;
	bool failed = false;
	cause->kind = found->failure == SNAP_FAILURE_ABORT ||
				      found->failure == SNAP_FAILURE_STACK_SMASHING
			      ? SNAP_KIND_ABORT
			      : SNAP_KIND_ASSERT;
	cause->failure = found->failure;
	if (found->source != SNAP_ASSERT_MESSAGE && found->text.len > 0) {
		crash->abort_message.text = found->text;
		crash->device.message_from = found->source == SNAP_ASSERT_LOG ? "log" : "reason";
	}
	const struct snap_assert_text *parts = &found->parts;
	cause->has_assertion = found->source != SNAP_ASSERT_STACK &&
			       (parts->expression.len > 0 || parts->file.len > 0);
	if (cause->has_assertion) {
		cause->assertion = (struct snap_assertion){
			.file = copy(crash, parts->file, &failed),
			.function = copy(crash, parts->function, &failed),
			.has_line = parts->has_line,
			.line = parts->line,
		};
		if (parts->expression.len > 0) {
			cause->assertion.expression =
				snap_device_assert_expression(parts->expression, &crash->arena);
			failed |= !cause->assertion.expression;
		}
	}
	cause->severity = (struct snap_severity){
		found->failure == SNAP_FAILURE_STACK_SMASHING ? "stack-smashing"
		: found->failure == SNAP_FAILURE_ABORT	      ? "abort"
							      : "assertion",
		found->source == SNAP_ASSERT_STACK ? "a function that stands on the stack"
						   : "what the program said",
	};
	cause->explanation = snap_device_assert_words(e, found);
	return failed || !cause->explanation ? -1 : 0;
}

static int set_overflow(const struct snap_evidence *e, const struct snap_device_fault *fault,
	const struct snap_device_overflow *overflow)
{
	struct snap_cause *cause = &e->crash->cause;
	cause->kind = SNAP_KIND_STACK_OVERFLOW;
	cause->severity = snap_severity_find(e);
	cause->explanation = snap_device_overflow_words(e, fault, overflow);
	return cause->explanation ? 0 : -1;
}

static int set_fault_cause(struct snap_evidence *e, const struct snap_device_fault *fault)
{
	struct snap_crash *crash = e->crash;
	struct snap_cause *cause = &crash->cause;
	struct snap_device_overflow overflow = snap_device_overflow_find(e, fault);
	cause->access = find_access(e, fault);
	if (fault->failed == SNAP_FAILED_FETCH || fault->failed == SNAP_FAILED_STATE) {
		if (!e->has_fault && e->has_pc)
			set_fault(e, SNAP_ADDRESS_OPERAND, e->pc);
	}
	cause->has_address = e->has_fault;
	cause->address = e->fault;
	if (e->has_instruction) {
		cause->instruction = snap_crash_format(crash, "%s", e->instruction.text);
		if (!cause->instruction)
			return -1;
	}
	if (overflow.sign != SNAP_OVERFLOW_NONE)
		return set_overflow(e, fault, &overflow);
	if (snap_operand_name_find(e) < 0)
		return -1;
	cause->kind = fault->kind;
	cause->severity = snap_severity_of_device(e, fault);
	cause->explanation = snap_device_fault_words(e, fault);
	return cause->explanation ? 0 : -1;
}

/* Neither a fault nor an assertion. */
static int set_unknown(struct snap_crash *crash)
{
	struct snap_cause *cause = &crash->cause;
	const struct snap_metadata *metadata = &crash->metadata;
	bool is_fatal = metadata->has_fatal && metadata->fatal;
	const char *exception = crash->device.exception
					? snap_crash_format(crash, "; %s was being handled",
						  crash->device.exception)
					: "";
	const char *reason = metadata->reason.len > 0
				     ? snap_crash_format(crash, "; the device says why: %.*s",
					       SNAP_NAME_ARGS(metadata->reason))
				     : "";
	cause->kind = is_fatal ? SNAP_KIND_UNKNOWN : SNAP_KIND_NONE;
	if (!exception || !reason)
		return -1;
	cause->explanation = snap_crash_format(crash, "%s%s%s.",
		is_fatal ? "It ended, but no fault, trap or assertion is recorded"
			 : "A snapshot of a device that went on: no fault is recorded",
		exception, reason);
	return cause->explanation ? 0 : -1;
}

/* It says itself that it was not ended: bits that no exception vouches for are of former times. */
static bool is_told_to_go_on(const struct snap_crash *crash)
{
	return crash->metadata.has_fatal && !crash->metadata.fatal;
}

int snap_explain_device(struct snap_crash *crash, struct snap_error *err)
{
	struct snap_device *device = &crash->device;
	struct snap_device_fault fault = snap_device_fault_find(crash);
	struct snap_device_assert found = snap_device_assert_find(crash);
	struct snap_evidence e = gather(crash);
	int r;
	if (find_status(crash) < 0)
		return snap_error_no_memory(err);
	if (fault.kind != SNAP_KIND_NONE && find_instruction(&e, &fault, err) < 0)
		return -1;
	struct snap_device_overflow overflow = snap_device_overflow_find(&e, &fault);
	bool is_assert_told = is_assert(&e, &fault, &found);
	if (is_assert_told && (found.is_stack_overflow || overflow.sign == SNAP_OVERFLOW_POINTER)) {
		if (found.is_stack_overflow)
			overflow.sign = SNAP_OVERFLOW_KERNEL;
		r = set_overflow(&e, &(struct snap_device_fault){.is_certain = true}, &overflow);
	} else if (is_assert_told) {
		r = set_assert(&e, &found);
	} else if (fault.kind != SNAP_KIND_NONE && (fault.is_certain || !is_told_to_go_on(crash))) {
		device->fault_name = fault.name;
		device->fault_title = fault.title;
		device->fault_bit = fault.bit;
		device->is_escalated = fault.is_escalated;
		r = set_fault_cause(&e, &fault);
	} else {
		r = set_unknown(crash);
	}
	return r < 0 ? snap_error_no_memory(err) : 0;
}
