/* Crashes in a signal handler that interrupted a function in the middle, on an alternate stack. */
#include "freestanding.h"

#define SIGUSR1	    10
#define SIGSEGV	    11
#define SA_ONSTACK  0x08000000ul
#define SA_RESTORER 0x04000000ul

struct kernel_sigaction {
	void (*handler)(int);
	unsigned long flags;
#if defined __i386__ || defined __x86_64__ || defined __arm__ || defined __aarch64__
	void (*restorer)(void);
#endif
	unsigned long mask[8 / sizeof(unsigned long)];
};

struct {
	void *sp;
	int flags;
	unsigned long size;
} alternate;
static char room[32768] __attribute__((aligned(16)));

static NOINLINE int handler_detail(int sig)
{
	return *nothing + sig;
}

static void on_segv(int sig)
{
	*nothing = handler_detail(sig) + 1;
}

static NOINLINE int handler_faults(int sig)
{
	return nothing[1] + sig;
}

static void on_usr1(int sig)
{
	*nothing = handler_faults(sig) + 1;
}

static NOINLINE int interrupted(int x)
{
	volatile int count = x;

	/* The signal comes when kill returns, in the middle of this function. */
	system_call(__NR_kill, system_call(__NR_getpid, 0, 0, 0, 0), SIGUSR1, 0, 0);
	return count + 1;
}

static NOINLINE void catch (int sig, void (*handler)(int), unsigned long flags)
{
	struct kernel_sigaction action = {.handler = handler, .flags = flags};

	system_call(__NR_rt_sigaction, sig, (long)&action, 0, 8);
}

/* First USR1's handler, on the stack; it faults: SEGV's handler, on the alternate one. */
int victim_main(int argc, char **argv)
{
	(void)argv;
	alternate.sp = room;
	alternate.size = sizeof(room);
	system_call(__NR_sigaltstack, (long)&alternate, 0, 0, 0);
	catch (SIGUSR1, on_usr1, 0);
	catch (SIGSEGV, on_segv, SA_ONSTACK);
	return interrupted(argc) + 1;
}
