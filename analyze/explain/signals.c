#include "analyze/explain/signals.h"

#include <signal.h>
#include <stddef.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

struct code {
	int32_t signo; /* 0: of all signals */
	int32_t code;
	const char *name;
	const char *words;
};

/* The numbers are written out: they are the target's, not those of this machine's headers. */
static const struct code codes[] = {
	{0, SNAP_SI_USER, "SI_USER", "sent by kill(2)"},
	{0, SNAP_SI_KERNEL, "SI_KERNEL", "raised by the kernel"},
	{0, SNAP_SI_QUEUE, "SI_QUEUE", "sent by sigqueue(3)"},
	{0, -2, "SI_TIMER", "a POSIX timer expired"},
	{0, -3, "SI_MESGQ", "a message arrived in a POSIX queue"},
	{0, -4, "SI_ASYNCIO", "asynchronous I/O ended"},
	{0, -5, "SI_SIGIO", "queued SIGIO"},
	{0, SNAP_SI_TKILL, "SI_TKILL", "sent by tkill(2) or tgkill(2)"},
	{0, -7, "SI_DETHREAD", "another thread called execve(2)"},
	{0, -60, "SI_ASYNCNL", "an asynchronous name look-up ended"},
	{SIGILL, 1, "ILL_ILLOPC", "illegal opcode"},
	{SIGILL, 2, "ILL_ILLOPN", "illegal operand"},
	{SIGILL, 3, "ILL_ILLADR", "illegal addressing mode"},
	{SIGILL, 4, "ILL_ILLTRP", "illegal trap"},
	{SIGILL, 5, "ILL_PRVOPC", "privileged opcode"},
	{SIGILL, 6, "ILL_PRVREG", "privileged register"},
	{SIGILL, 7, "ILL_COPROC", "coprocessor error"},
	{SIGILL, 8, "ILL_BADSTK", "internal stack error"},
	{SIGILL, 9, "ILL_BADIADDR", "unimplemented instruction address"},
	{SIGFPE, 1, "FPE_INTDIV", "integer division by zero"},
	{SIGFPE, 2, "FPE_INTOVF", "integer overflow"},
	{SIGFPE, 3, "FPE_FLTDIV", "floating-point division by zero"},
	{SIGFPE, 4, "FPE_FLTOVF", "floating-point overflow"},
	{SIGFPE, 5, "FPE_FLTUND", "floating-point underflow"},
	{SIGFPE, 6, "FPE_FLTRES", "inexact floating-point result"},
	{SIGFPE, 7, "FPE_FLTINV", "invalid floating-point operation"},
	{SIGFPE, 8, "FPE_FLTSUB", "subscript out of range"},
	{SIGFPE, 14, "FPE_FLTUNK", "undiagnosed floating-point exception"},
	{SIGFPE, 15, "FPE_CONDTRAP", "trap on condition"},
	{SIGSEGV, 1, "SEGV_MAPERR", "address not mapped"},
	{SIGSEGV, 2, "SEGV_ACCERR", "access not permitted"},
	{SIGSEGV, 3, "SEGV_BNDERR", "failed bounds check"},
	{SIGSEGV, 4, "SEGV_PKUERR", "access denied by a memory protection key"},
	{SIGSEGV, 5, "SEGV_ACCADI", "ADI not enabled"},
	{SIGSEGV, 6, "SEGV_ADIDERR", "disrupting MCD error"},
	{SIGSEGV, 7, "SEGV_ADIPERR", "precise MCD exception"},
	{SIGSEGV, 8, "SEGV_MTEAERR", "asynchronous memory tag mismatch"},
	{SIGSEGV, 9, "SEGV_MTESERR", "memory tag mismatch"},
	{SIGSEGV, 10, "SEGV_CPERR", "control protection fault"},
	{SIGBUS, 1, "BUS_ADRALN", "misaligned address"},
	{SIGBUS, 2, "BUS_ADRERR", "nonexistent physical address"},
	{SIGBUS, 3, "BUS_OBJERR", "object-specific hardware error"},
	{SIGBUS, 4, "BUS_MCEERR_AR", "hardware memory error, consumed"},
	{SIGBUS, 5, "BUS_MCEERR_AO", "hardware memory error, not consumed"},
	{SIGTRAP, 1, "TRAP_BRKPT", "breakpoint"},
	{SIGTRAP, 2, "TRAP_TRACE", "single step"},
	{SIGTRAP, 3, "TRAP_BRANCH", "taken branch"},
	{SIGTRAP, 4, "TRAP_HWBKPT", "hardware breakpoint or watchpoint"},
	{SIGTRAP, 5, "TRAP_UNK", "undiagnosed trap"},
	{SIGTRAP, 6, "TRAP_PERF", "performance event"},
	{SIGCHLD, 1, "CLD_EXITED", "a child exited"},
	{SIGCHLD, 2, "CLD_KILLED", "a child was killed"},
	{SIGCHLD, 3, "CLD_DUMPED", "a child crashed"},
	{SIGCHLD, 4, "CLD_TRAPPED", "a traced child trapped"},
	{SIGCHLD, 5, "CLD_STOPPED", "a child stopped"},
	{SIGCHLD, 6, "CLD_CONTINUED", "a stopped child continued"},
	{SIGIO, 1, "POLL_IN", "input available"},
	{SIGIO, 2, "POLL_OUT", "output possible"},
	{SIGIO, 3, "POLL_MSG", "message available"},
	{SIGIO, 4, "POLL_ERR", "I/O error"},
	{SIGIO, 5, "POLL_PRI", "high-priority input available"},
	{SIGIO, 6, "POLL_HUP", "device disconnected"},
	{SIGSYS, 1, "SYS_SECCOMP", "refused by a seccomp filter"},
	{SIGSYS, 2, "SYS_USER_DISPATCH", "handed to the program's own dispatcher"},
};

static const struct code *find_code(int32_t signo, int32_t code)
{
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if ((codes[i].signo == signo || codes[i].signo == 0) && codes[i].code == code)
			return &codes[i];
	return NULL;
}

const char *snap_signal_code_name(int32_t signo, int32_t code)
{
	const struct code *found = find_code(signo, code);
	return found ? found->name : NULL;
}

const char *snap_signal_code_words(int32_t signo, int32_t code)
{
	const struct code *found = find_code(signo, code);
	return found ? found->words : NULL;
}

const char *snap_signal_kernel_words(int32_t signo)
{
	static const struct {
		int32_t signo;
		const char *words;
	} reasons[] = {
		{SIGHUP, "its terminal was closed"},
		{SIGINT, "the interrupt character (^C) was typed at its terminal"},
		{SIGQUIT, "the quit character (^\\) was typed at its terminal"},
		{SIGALRM, "its timer (alarm(2) or setitimer(2)) expired, and nothing handles that"},
		{SIGVTALRM,
			"its timer of CPU time (setitimer(2)) expired, and nothing handles that"},
		{SIGPROF, "its profiling timer (setitimer(2)) expired, and nothing handles that"},
		{SIGXCPU, "it has used up the CPU time that it may have (RLIMIT_CPU)"},
	};
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i].signo == signo)
			return reasons[i].words;
	return NULL;
}
