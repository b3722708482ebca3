#include "analyze/explain/signal_frame.h"

#include <elf.h>
#include <string.h>

#include "analyze/explain/instruction.h"

#define FORMAT(e, ...) snap_crash_format((e)->crash, __VA_ARGS__)

/* The number of the system call that the thread has made, and is in or has just left: the kernel
 * sets it to -1 for whatever else led to it (arch/x86/include/asm/ptrace.h, orig_ax). */
static bool get_x86_system_call(const struct snap_evidence *e, uint64_t *ret)
{
	const struct snap_arch *arch = e->crash->arch;
	bool wide = arch->elf_class == ELFCLASS64;
	for (unsigned int i = 0; i < arch->num_regs; i++)
		if (strcmp(arch->regs[i].name, wide ? "orig_rax" : "orig_eax") == 0)
			return snap_arch_reg_get(arch, i, e->pr_reg.data, e->pr_reg.len, ret) &&
			       *ret >> 31 == 0;
	return false;
}

/* Whether the instruction before the program counter enters the kernel: syscall, int 0x80. The vDSO
 * has an int 0x80 behind its sysenter, too. */
static bool is_after_x86_system_call(const struct snap_evidence *e)
{
	struct snap_instruction before;
	if (e->pc < 2)
		return false;
	(void)snap_instruction_read(e->crash, e->thread, e->pc - 2, &before); /* its bytes do */
	return before.len >= 2 && ((before.bytes[0] == 0x0f && before.bytes[1] == 0x05) ||
					  (before.bytes[0] == 0xcd && before.bytes[1] == 0x80));
}

/* Which the processor may refuse for what stands in a register. */
static bool may_be_refused(const struct snap_instruction *instruction)
{
	static const char *const names[] = {"wrfsbase", "wrgsbase", "rdfsbase", "rdgsbase",
		"xgetbv", "rdpkru", "wrpkru", "rdtsc", "rdpru", "sgdt", "sidt", "sldt", "smsw",
		"str", "umonitor", "umwait", "tpause"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(instruction->text, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static enum snap_signal_frame find_on_x86(const struct snap_evidence *e)
{
	enum { SIGRETURN = 15, SIGRETURN_32 = 119, RT_SIGRETURN_32 = 173 };
	bool wide = e->crash->arch->elf_class == ELFCLASS64;
	uint64_t number;
	/* Its fault would have had an address, had a handler not been to be begun. */
	if (e->has_fault)
		return SNAP_SIGNAL_FRAME_WRITTEN;
	if (get_x86_system_call(e, &number) && is_after_x86_system_call(e))
		return number == (wide ? SIGRETURN : RT_SIGRETURN_32) ||
				       (!wide && number == SIGRETURN_32)
			       ? SNAP_SIGNAL_FRAME_READ
			       : SNAP_SIGNAL_FRAME_WRITTEN;
	/* The signal came between two instructions. Where a jump leads was looked at already. */
	return e->has_instruction && e->instruction.num_operands == 0 &&
			       (e->instruction.action == SNAP_ACTION_OTHER ||
				       e->instruction.action == SNAP_ACTION_JUMP) &&
			       !may_be_refused(&e->instruction)
		       ? SNAP_SIGNAL_FRAME_WRITTEN_LIKELY
		       : SNAP_SIGNAL_FRAME_NONE;
}

void snap_signal_frame_find(struct snap_evidence *e)
{
	bool is_x86 =
		e->crash->arch->elf_machine == EM_X86_64 || e->crash->arch->elf_machine == EM_386;
	/* Elsewhere no fault is told so: only what signal_setup_done() (kernel/signal.c) and the
	 * architectures' sigreturn raise. */
	e->signal_frame = is_x86	 ? find_on_x86(e)
			  : e->has_fault ? SNAP_SIGNAL_FRAME_WRITTEN
					 : SNAP_SIGNAL_FRAME_EITHER;
}

#define NOT_WRITTEN                                                                                \
	"the kernel could not write the frame of a signal's handler: the stack for it (the "       \
	"thread's, or that of sigaltstack()) is not there, may not be written, or is too small"

const char *snap_signal_frame_explain(const struct snap_evidence *e)
{
	switch (e->signal_frame) {
	case SNAP_SIGNAL_FRAME_READ:
		return "A signal's handler returned, but the frame that the kernel had left on the "
		       "stack was not there any more, or overwritten: nothing could be restored "
		       "from it.";
	case SNAP_SIGNAL_FRAME_WRITTEN:
		if (e->has_fault)
			return "; a handler was to be begun for that, but " NOT_WRITTEN;
		return "No instruction of the program failed: " NOT_WRITTEN ".";
	case SNAP_SIGNAL_FRAME_WRITTEN_LIKELY:
		return FORMAT(e,
			"The instruction (%s) accesses no memory: most likely " NOT_WRITTEN ".",
			e->instruction.text);
	case SNAP_SIGNAL_FRAME_EITHER:
		return "No instruction of the program failed: " NOT_WRITTEN
		       "; or it found that frame overwritten when the handler returned.";
	case SNAP_SIGNAL_FRAME_NONE:
		break;
	}
	return NULL;
}
