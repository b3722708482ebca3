/*
 * The signal that ended the process: pr_cursig of the first thread, and its siginfo_t.
 */
#include "analyze/input/core.h"

#include <elf.h>
#include <signal.h>

/*
 * Machines with numbers of their own (signal(7), "Signal numbering for standard signals"), in the
 * numbers of the others, which the later stages know. Only those whose default action is a core.
 */
static int usual_signo(const struct snap_core *core, int signo)
{
	enum { EMT = 7, BUS = 10, SYS = 12, MIPS_XCPU = 30, MIPS_XFSZ = 31 };
	bool mips = core->elf_machine == EM_MIPS;
	bool sparc = core->elf_machine == EM_SPARC || core->elf_machine == EM_SPARC32PLUS ||
		     core->elf_machine == EM_SPARCV9 || core->elf_machine == EM_ALPHA;
	bool parisc = core->elf_machine == EM_PARISC;
	if (!mips && !sparc && !parisc)
		return signo;
	switch (signo) {
	case EMT:
		return SIGTRAP; /* an emulator trap: the others have none */
	case BUS:
		return SIGBUS;
	case SYS:
		return parisc ? SIGXCPU : SIGSYS;
	case MIPS_XCPU:
		return mips ? SIGXCPU : parisc ? SIGXFSZ : signo;
	case MIPS_XFSZ:
		return mips ? SIGXFSZ : signo;
	default:
		return signo;
	}
}

/* The signals whose default action is a core (signal(7)). */
static bool makes_core(int signo)
{
	static const int signals[] = {SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV,
		SIGXCPU, SIGXFSZ, SIGSYS};
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (signals[i] == signo)
			return true;
	return false;
}

static bool has_fault_address(int signo)
{
	return signo == SIGSEGV || signo == SIGBUS || signo == SIGILL || signo == SIGFPE ||
	       signo == SIGTRAP;
}

/* siginfo_t: include/uapi/asm-generic/siginfo.h; arch/mips/include/uapi/asm/siginfo.h for order. */
static void add_siginfo(struct snap_core *core, int raw_signo)
{
	enum { SIZE = 128 };
	struct snap_signal *signal = &core->crash->signal;
	unsigned int word = snap_core_word(core);
	size_t code_off = core->elf_machine == EM_MIPS ? 4 : 8;
	/* What depends on the signal begins aligned for a pointer. */
	size_t fields_off = word == 8 ? 16 : 12;
	const uint8_t *info = core->siginfo.data;
	if (core->siginfo.len < SIZE || (int32_t)snap_core_load(core, info, 4) != raw_signo)
		return;
	signal->has_code = true;
	signal->code = (int32_t)snap_core_load(core, info + code_off, 4);
	if (signal->code <= 0) {
		/* These have a timer's number, or a band, there. */
		if (signal->code == SI_TIMER || signal->code == SI_SIGIO)
			return;
		signal->has_sender = true;
		signal->sender_pid = (int32_t)snap_core_load(core, info + fields_off, 4);
		signal->sender_uid = (uint32_t)snap_core_load(core, info + fields_off + 4, 4);
	} else if (has_fault_address(signal->signo)) {
		signal->has_address = true;
		signal->address = snap_core_load(core, info + fields_off, word);
	}
}

void snap_core_set_signal(struct snap_core *core)
{
	struct snap_crash *crash = core->crash;
	int signo = core->has_cursig ? usual_signo(core, core->cursig) : 0;
	/* gcore of a live process gives no signal, or the one that stopped it. */
	if (!makes_core(signo))
		return;
	crash->has_signal = true;
	crash->signal = (struct snap_signal){
		.has_signo = true,
		.signo = signo,
		.has_tid = true,
		.tid = crash->threads[0].record.tid,
		.siginfo = core->siginfo,
	};
	add_siginfo(core, core->cursig);
}
