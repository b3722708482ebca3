#include "analyze/explain/interrupted.h"

#include <elf.h>
#include <inttypes.h>
#include <signal.h>

#include "analyze/explain/signals.h"

#define FORMAT(e, ...) snap_crash_format((e)->crash, __VA_ARGS__)

/* The innermost frame of a handler's return; 0: none. */
static size_t signal_frame(const struct snap_crash_thread *thread)
{
	for (size_t i = 1; thread && i + 1 < thread->num_frames; i++)
		if (thread->frames[i].is_signal && !thread->frames[i].is_exception)
			return i;
	return 0;
}

static const char *function_of(const struct snap_crash_thread *thread, size_t frame)
{
	for (size_t i = 0; i < thread->num_listed; i++)
		if (thread->listed[i].frame == frame)
			return thread->listed[i].function;
	return NULL;
}

/* A fault, as the kernel tells the handler of it. */
struct fault {
	int32_t signo, code;
	bool has_address;
	uint64_t address;
};

/* The processor's exceptions (Intel SDM, volume 3, 6.3) that the kernel makes the signal of. */
static bool is_exception_of(const struct fault *fault, uint64_t trap, uint64_t cr2)
{
	enum { DIVIDE, DEBUG, BREAKPOINT = 3, OPCODE = 6, GENERAL = 13, PAGE, X87 = 16, SIMD = 19 };
	switch (fault->signo) {
	case SIGSEGV:
		return fault->code == SNAP_SI_KERNEL ? trap == GENERAL
						     : trap == PAGE && fault->address == cr2;
	case SIGBUS:
		return trap == PAGE && fault->address == cr2;
	case SIGFPE:
		return trap == DIVIDE || trap == X87 || trap == SIMD;
	case SIGILL:
		return trap == OPCODE;
	case SIGTRAP:
		return trap == DEBUG || trap == BREAKPOINT;
	default:
		return false;
	}
}

/*
 * x86-64: struct rt_sigframe of arch/x86/include/asm/sigframe.h. Its siginfo is written only for
 * handlers that want one (SA_SIGINFO); what stands there else is old. So it has to agree with
 * what is always written, the exception's number and address.
 */
static bool find_fault(const struct snap_evidence *e, uint64_t context, struct fault *ret)
{
	enum { TRAP_OFF = 200, CR2_OFF = 216, INFO_OFF = 304, ADDR_OFF = 16, LEN = INFO_OFF + 24 };
	const struct snap_arch *arch = e->crash->arch;
	uint8_t bytes[LEN];
	if (arch->elf_machine != EM_X86_64 || arch->elf_class != ELFCLASS64 ||
		!snap_memory_read_all(&e->crash->memory, context, bytes, sizeof(bytes)))
		return false;
	struct fault fault = {
		.signo = (int32_t)snap_arch_load(arch, bytes + INFO_OFF, 4),
		.code = (int32_t)snap_arch_load(arch, bytes + INFO_OFF + 8, 4),
		.address = snap_arch_load(arch, bytes + INFO_OFF + ADDR_OFF, 8),
	};
	fault.has_address =
		fault.code != SNAP_SI_KERNEL && (fault.signo == SIGSEGV || fault.signo == SIGBUS);
	*ret = fault;
	return fault.code > 0 && snap_signal_code_name(fault.signo, fault.code) &&
	       is_exception_of(&fault, snap_arch_load(arch, bytes + TRAP_OFF, 8),
		       snap_arch_load(arch, bytes + CR2_OFF, 8));
}

const char *snap_interrupted_words(const struct snap_evidence *e)
{
	size_t at = e->crash->arch ? signal_frame(e->thread) : 0;
	struct fault fault;
	if (at == 0)
		return "";
	const char *function = function_of(e->thread, at + 1);
	const char *what = function ? FORMAT(e, ", which interrupted %.200s", function) : "";
	/* The handler has popped where it returns to. */
	const struct snap_frame *handler = &e->thread->frames[at - 1];
	if (!what || !handler->has_cfa || !find_fault(e, handler->cfa, &fault))
		return what ? FORMAT(e, ", in a handler of a signal%s", what) : NULL;
	const char *address =
		fault.has_address ? FORMAT(e, " at address 0x%" PRIx64, fault.address) : "";
	return address ? FORMAT(e, ", in a handler of %s (%s)%s%s", snap_signal_name(fault.signo),
				 snap_signal_code_name(fault.signo, fault.code), address, what)
		       : NULL;
}
