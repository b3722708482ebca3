#include "analyze/explain/explain.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "analyze/explain/abort.h"
#include "analyze/explain/bad_pc.h"
#include "analyze/explain/core_message.h"
#include "analyze/explain/device.h"
#include "analyze/explain/evidence.h"
#include "analyze/explain/fault.h"
#include "analyze/explain/heap.h"
#include "analyze/explain/interrupted.h"
#include "analyze/explain/locks.h"
#include "analyze/explain/memory_hint.h"
#include "analyze/explain/operand_name.h"
#include "analyze/explain/severity.h"
#include "analyze/explain/signal_frame.h"
#include "analyze/explain/signals.h"
#include "analyze/explain/stack_overflow.h"
#include "analyze/explain/syscall_names.h"

/* BUS_ADRALN: address 0 is aligned. */
#define CODE_ADRALN 1

/* ---------------------------------------------------------------- evidence */

static bool are_maps_known(const struct snap_crash *crash)
{
	if (crash->num_mappings == 0 || crash->integrity == SNAP_INTEGRITY_TRUNCATED ||
		crash->integrity == SNAP_INTEGRITY_CORRUPT)
		return false;
	for (size_t i = 0; i < crash->num_omissions; i++)
		if (crash->omissions[i].what == SNAP_OMITTED_MAPPING)
			return false;
	for (size_t i = 0; i < crash->num_mappings; i++)
		if (!crash->mappings[i].has_permissions)
			return false;
	return true;
}

static struct snap_evidence gather(struct snap_crash *crash)
{
	const struct snap_signal *signal = &crash->signal;
	struct snap_evidence e = {
		.crash = crash,
		.thread = snap_crash_crashed_thread(crash),
		.signo = signal->signo,
		.has_code = signal->has_code,
		.code = signal->code,
		.raised = !signal->has_code || signal->code > 0,
		.maps_known = are_maps_known(crash),
	};
	/* Where the kernel raises a signal without an address, the member reads as 0. */
	bool told = !(signal->has_code && signal->address == 0 &&
		      (signal->code == SNAP_SI_KERNEL ||
			      (signal->signo == SIGBUS && signal->code == CODE_ADRALN)));
	if (e.raised && signal->has_address && told) {
		e.source = SNAP_ADDRESS_KERNEL;
		e.has_fault = true;
		e.fault = signal->address;
	}
	e.is_sent = signal->has_sender && !e.raised &&
		    !(crash->process.has_pid && signal->sender_pid >= 0 &&
			    (uint32_t)signal->sender_pid == crash->process.pid);
	if (e.thread && crash->arch && e.thread->pr_reg.data) {
		struct snap_bytes regs = e.pr_reg = e.thread->pr_reg;
		e.has_pc =
			snap_arch_reg_get(crash->arch, crash->arch->pc, regs.data, regs.len, &e.pc);
		e.has_sp =
			snap_arch_reg_get(crash->arch, crash->arch->sp, regs.data, regs.len, &e.sp);
	}
	return e;
}

static bool is_pc_bad(const struct snap_evidence *e)
{
	if (!e->has_pc)
		return false;
	if (e->maps_known) {
		const struct snap_mapping *mapping = snap_crash_mapping_at(e->crash, e->pc);
		return !mapping || !(mapping->permissions & SNAP_MAPPING_EXEC);
	}
	return e->has_fault && e->fault == e->pc;
}

static enum snap_kind find_kind(struct snap_evidence *e)
{
	if (e->signo == SIGABRT)
		return SNAP_KIND_ABORT;
	if (!e->raised)
		return SNAP_KIND_SIGNAL;
	switch (e->signo) {
	case SIGSEGV:
		if (e->has_sp &&
			snap_stack_overflowed(e->crash, e->sp, e->has_fault, e->fault, &e->stack))
			return SNAP_KIND_STACK_OVERFLOW;
		if (is_pc_bad(e))
			return SNAP_KIND_EXEC_BAD_PC;
		return e->has_fault && e->fault < SNAP_NULL_END ? SNAP_KIND_SEGV_NULL
								: SNAP_KIND_SEGV;
	case SIGILL:
		return SNAP_KIND_ILL;
	case SIGFPE:
		return SNAP_KIND_FPE;
	case SIGBUS:
		return SNAP_KIND_BUS;
	case SIGTRAP:
		return SNAP_KIND_TRAP;
	case SIGSYS:
		return SNAP_KIND_SYS;
	default:
		return SNAP_KIND_SIGNAL;
	}
}

/* ---------------------------------------------------------------- words */

/* How often a function must stand there to be called recursive. */
#define MANY 8

/* Of the lines before a part of the stack that was not captured, and that held many frames, how many
 * there are; 0: no such part is behind one of the first max. */
static size_t lines_before_gap(const struct snap_crash_thread *thread, size_t max)
{
	for (size_t i = 0; i < max; i++) {
		size_t at = thread->listed[i].frame;
		if (at >= thread->num_frames)
			break;
		const struct snap_frame *frame = &thread->frames[at];
		bool is_last = i + 1 == thread->num_listed || thread->listed[i + 1].frame != at;
		if (is_last && !frame->is_gap_unlisted && frame->gap_frames >= MANY)
			return i + 1;
	}
	return max == thread->num_listed && thread->end == SNAP_END_TRUNCATED ? max : 0;
}

/* A function that stands often among the innermost frames; NULL if there is none. */
static const char *repeated_function(const struct snap_crash_thread *thread)
{
	enum { LOOK_AT = 64, FIRST = LOOK_AT / MANY, FEW = 2 };
	if (!thread)
		return NULL;
	size_t num = thread->num_listed < LOOK_AT ? thread->num_listed : LOOK_AT;
	size_t before_gap = lines_before_gap(thread, num);
	for (size_t i = 0; i < num && i < FIRST; i++) {
		const char *name = thread->listed[i].function;
		size_t count = 0, count_before = 0;
		for (size_t j = 0; name && j < num; j++)
			if (thread->listed[j].function &&
				strcmp(thread->listed[j].function, name) == 0) {
				count++;
				count_before += j < before_gap;
			}
		/* Of large frames, few are captured. */
		if (count >= MANY || count_before >= FEW)
			return name;
	}
	return NULL;
}

static const char *explain_stack_overflow(const struct snap_evidence *e)
{
	struct snap_crash *crash = e->crash;
	const struct snap_crash_thread *thread = snap_crash_crashed_thread(crash);
	const char *repeated = repeated_function(thread);
	const char *why =
		repeated ? snap_crash_format(crash,
				   "%.200s calls itself, directly or through others, over and over",
				   repeated)
			 : "calls are nested too deeply, or local variables are too large";
	if (!why)
		return NULL;
	if (!e->has_fault || e->fault >= e->stack->start)
		return snap_crash_format(crash,
			"The stack overflowed: it begins at 0x%" PRIx64
			", the stack pointer is 0x%" PRIx64 "%s; %s.",
			e->stack->start, e->sp,
			e->has_code && e->code == SNAP_SI_KERNEL
				? ", and the kernel found no room for a signal handler's frame"
				: "",
			why);
	return snap_crash_format(crash,
		"The stack overflowed: the program used address 0x%" PRIx64 ", %" PRIu64
		" bytes below the lowest address of its stack (0x%" PRIx64 "); %s.",
		e->fault, e->stack->start - e->fault, e->stack->start, why);
}

/* "process 12 (uid 0)"; NULL if the sender is unknown or the process itself. */
static const char *sender_words(const struct snap_evidence *e, bool *ret_self)
{
	const struct snap_crash *crash = e->crash;
	const struct snap_signal *signal = &crash->signal;
	*ret_self = false;
	if (!signal->has_sender || e->raised)
		return NULL;
	if (crash->process.has_pid && signal->sender_pid >= 0 &&
		(uint32_t)signal->sender_pid == crash->process.pid) {
		*ret_self = true;
		return NULL;
	}
	/* A sender that the target's PID namespace doesn't know has number 0. */
	if (signal->sender_pid == 0)
		return snap_crash_format(e->crash, "a process outside its PID namespace (uid %u)",
			signal->sender_uid);
	return snap_crash_format(
		e->crash, "process %d (uid %u)", signal->sender_pid, signal->sender_uid);
}

/* The sentence, with more before its full stop; NULL if either is. */
static const char *with(struct snap_crash *crash, const char *sentence, const char *more)
{
	if (!sentence || !more || !more[0])
		return more ? sentence : NULL;
	return snap_crash_format(crash, "%.*s%s.", (int)strlen(sentence) - 1, sentence, more);
}

static const char *explain_abort(const struct snap_evidence *e)
{
	struct snap_crash *crash = e->crash;
	bool self;
	const char *sender = sender_words(e, &self);
	if (sender)
		return snap_crash_format(crash,
			"SIGABRT was sent by %s; the program did not abort by itself.", sender);
	const char *words = snap_abort_explain(e), *more = snap_interrupted_words(e);
	return words && more ? with(crash, words, more) : NULL;
}

/* Signals that the kernel raises for an instruction; some programs handle them, and raise them
 * again. */
static bool is_fault(int signo)
{
	return signo == SIGSEGV || signo == SIGBUS || signo == SIGFPE || signo == SIGILL;
}

static const char *explain_signal(const struct snap_evidence *e)
{
	struct snap_crash *crash = e->crash;
	char number[32];
	const char *name = crash->cause.signal;
	if (!name) {
		(void)snprintf(number, sizeof(number), "Signal %d", e->signo);
		name = number;
	}
	bool self;
	const char *sender = sender_words(e, &self);
	/* The kernel gives the writer as its sender (mm/filemap.c, generic_write_check_limits()).
	 */
	if (self && e->signo == SIGXFSZ && e->code == SNAP_SI_USER)
		return "SIGXFSZ ended the program: it would have written a file larger than it may "
		       "(RLIMIT_FSIZE), unless it sent the signal to itself.";
	if (self) {
		const char *fault = snap_fault_passed_on_words(e);
		if (fault && *fault == '\0' && is_fault(e->signo))
			fault = ", as a handler does that passes on a fault";
		return fault ? snap_crash_format(
				       crash, "The program sent %s to itself%s.", name, fault)
			     : NULL;
	}
	if (sender)
		return snap_crash_format(crash,
			"%s was sent by %s; it is not the fault of what the thread was doing.",
			name, sender);
	const char *reason = e->raised && e->has_code && e->code == SNAP_SI_KERNEL
				     ? snap_signal_kernel_words(e->signo)
				     : NULL;
	if (reason)
		return snap_crash_format(crash, "%s ended the program: %s.", name, reason);
	const char *words = crash->signal.has_code
				    ? snap_signal_code_words(e->signo, crash->signal.code)
				    : NULL;
	return snap_crash_format(crash, "%s ended the program%s%s%s.", name, words ? " (" : "",
		words ? words : "", words ? ")" : "");
}

/* si_syscall of a SIGSYS: include/uapi/asm-generic/siginfo.h, struct _sigsys. */
static bool get_system_call(const struct snap_crash *crash, uint64_t *ret)
{
	if (!crash->arch)
		return false;
	unsigned int word = snap_arch_word(crash->arch);
	size_t off = (word == 8 ? 16 : 12) + word;
	if (crash->signal.siginfo.len < off + 4)
		return false;
	*ret = snap_arch_load(crash->arch, crash->signal.siginfo.data + off, 4);
	return true;
}

static const char *explain_sys(const struct snap_evidence *e)
{
	struct snap_crash *crash = e->crash;
	const char *words = crash->signal.has_code
				    ? snap_signal_code_words(e->signo, crash->signal.code)
				    : NULL;
	uint64_t number;
	if (!words)
		words = "refused";
	if (get_system_call(crash, &number)) {
		const char *name = snap_syscall_name(crash->arch, (int64_t)number);
		return snap_crash_format(crash, "System call number %" PRIu64 "%s%s%s was %s.",
			number, name ? " (" : "", name ? name : "", name ? ")" : "", words);
	}
	return snap_crash_format(crash, "A system call was %s.", words);
}

static const char *explain(const struct snap_evidence *e)
{
	switch (e->crash->cause.kind) {
	case SNAP_KIND_STACK_OVERFLOW:
		return explain_stack_overflow(e);
	case SNAP_KIND_EXEC_BAD_PC:
		return with(e->crash, snap_bad_pc_explain(e), snap_heap_words(e));
	case SNAP_KIND_SEGV_NULL:
	case SNAP_KIND_SEGV:
		return with(e->crash,
			with(e->crash,
				with(e->crash, snap_fault_explain_segv(e),
					snap_operand_name_words(e)),
				snap_heap_words(e)),
			e->has_fault && e->signal_frame != SNAP_SIGNAL_FRAME_NONE
				? snap_signal_frame_explain(e)
				: "");
	case SNAP_KIND_ABORT:
		return explain_abort(e);
	case SNAP_KIND_BUS:
		return snap_fault_explain_bus(e);
	case SNAP_KIND_SYS:
		return explain_sys(e);
	case SNAP_KIND_FPE:
		return snap_fault_explain_fpe(e);
	case SNAP_KIND_ILL:
	case SNAP_KIND_TRAP:
		return snap_fault_explain_trap(e);
	case SNAP_KIND_NONE:
	case SNAP_KIND_SIGNAL:
	case SNAP_KIND_HARDFAULT:
	case SNAP_KIND_BUSFAULT:
	case SNAP_KIND_USAGEFAULT:
	case SNAP_KIND_MEMMANAGE:
	case SNAP_KIND_ASSERT:
	case SNAP_KIND_SANITIZER:
	case SNAP_KIND_UNKNOWN:
		break;
	}
	return explain_signal(e);
}

/* No signal: either there was none, or the record of it is not in the file. */
static const char *explain_no_signal(const struct snap_crash *crash)
{
	if (crash->metadata.has_fatal
			? crash->metadata.fatal
			: !crash->is_core && crash->capture.method != SNAP_CAPTURE_PTRACE)
		return "What happened is not recorded in this file.";
	return "A live process, looked at while it went on; nothing crashed.";
}

/* Say what would have been known of the instruction with more installed. */
static int note_missing(const struct snap_evidence *e, struct snap_error *err)
{
	const char *why = snap_instruction_why_missing(e->crash);
	return !e->has_instruction && e->instruction.len > 0 && why
		       ? snap_crash_note(e->crash, snap_bytes_str(why), err)
		       : 0;
}

int snap_explain(struct snap_crash *crash, struct snap_error *err)
{
	struct snap_cause *cause = &crash->cause;
	const struct snap_signal *signal = &crash->signal;
	*cause = (struct snap_cause){.kind = SNAP_KIND_NONE};
	if (crash->device.is_device)
		return snap_explain_device(crash, err);
	if (snap_locks_find(crash, err) < 0)
		return -1;
	if (snap_core_message_find(crash) < 0 || snap_memory_hint_find(crash) < 0)
		return snap_error_no_memory(err);
	if (!crash->has_signal || !signal->has_signo || signal->signo == 0) {
		cause->explanation =
			with(crash, explain_no_signal(crash), snap_deadlock_words(crash));
		cause->severity = snap_severity_of_live(crash);
		return cause->explanation ? 0 : snap_error_no_memory(err);
	}

	struct snap_evidence e = gather(crash);
	cause->signal = snap_signal_name(signal->signo);
	if (signal->has_code)
		cause->code = snap_signal_code_name(signal->signo, signal->code);
	cause->kind = find_kind(&e);
	if (cause->kind != SNAP_KIND_EXEC_BAD_PC && cause->kind != SNAP_KIND_SIGNAL &&
		cause->kind != SNAP_KIND_ABORT && cause->kind != SNAP_KIND_SYS) {
		snap_fault_find(&e);
		if (note_missing(&e, err) < 0)
			return -1;
	}
	if (cause->kind == SNAP_KIND_SEGV || cause->kind == SNAP_KIND_SEGV_NULL ||
		cause->kind == SNAP_KIND_EXEC_BAD_PC)
		snap_heap_find(&e);
	if ((cause->kind == SNAP_KIND_SEGV || cause->kind == SNAP_KIND_SEGV_NULL) &&
		snap_operand_name_find(&e) < 0)
		return snap_error_no_memory(err);
	if (e.has_instruction) {
		cause->instruction = snap_crash_format(crash, "%s", e.instruction.text);
		if (!cause->instruction)
			return snap_error_no_memory(err);
	}
	/* Of a core without siginfo: what can't be executed is where it stopped. */
	if (cause->kind == SNAP_KIND_EXEC_BAD_PC && !e.has_fault) {
		e.source = SNAP_ADDRESS_OPERAND;
		e.has_fault = true;
		e.fault = e.pc;
	}
	cause->has_address = e.has_fault;
	cause->address = e.fault;
	cause->access = snap_fault_access(&e);
	if (cause->kind == SNAP_KIND_ABORT && !e.is_sent && snap_abort_find(&e) < 0)
		return snap_error_no_memory(err);
	cause->severity = snap_severity_find(&e);
	cause->explanation = with(crash, explain(&e), snap_deadlock_words(crash));
	return cause->explanation ? 0 : snap_error_no_memory(err);
}
