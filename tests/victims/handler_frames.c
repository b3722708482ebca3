/*
 * Signals whose handlers can't be begun, can't return, or pass the signal on: argv[1] says which.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define STACK_BYTES 65536

static void on_signal(int sig)
{
	(void)sig;
}

/* The signal is blocked, and so comes as this returns. */
static void pass_on(int sig)
{
	signal(sig, SIG_DFL);
	raise(sig);
}

static void give_up(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	if (info)
		abort();
}

static void give_up_at_once(int sig)
{
	if (sig)
		abort();
}

__attribute__((noinline)) int faults(volatile int *pointer)
{
	return *pointer + 1;
}

/* Its alternate stack may not be written. */
static void handle(int sig)
{
	stack_t stack = {.ss_size = STACK_BYTES};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};

	stack.ss_sp = mmap(NULL, STACK_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sigaltstack(&stack, NULL);
	sigaction(sig, &action, NULL);
}

__attribute__((noinline)) long sends(void)
{
	return syscall(SYS_kill, getpid(), SIGUSR1) + 1;
}

__attribute__((noinline)) void spins(void)
{
	for (;;)
		__asm__ volatile("" : : : "memory");
}

/* The frame is at the stack pointer: there is nothing. */
__attribute__((noinline)) int returns(void)
{
	__asm__ volatile("movl %0, %%eax\n\t"
			 "movq $0x1000, %%rsp\n\t"
			 "syscall"
			 :
			 : "i"(SYS_rt_sigreturn)
			 : "rax", "rcx", "r11", "memory");
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_flags = SA_SIGINFO};
	const struct itimerval soon = {.it_value = {.tv_usec = 20000}};

	if (argc < 2)
		return 1;
	if (!strcmp(argv[1], "return"))
		return returns() + 1;
	if (!strcmp(argv[1], "pass")) {
		signal(SIGSEGV, pass_on);
		return faults(NULL) + 1;
	}
	if (!strcmp(argv[1], "abort")) {
		action.sa_sigaction = give_up;
		sigaction(SIGSEGV, &action, NULL);
		return faults((volatile int *)8) + 1;
	}
	if (!strcmp(argv[1], "abort_at_once")) {
		signal(SIGSEGV, give_up_at_once);
		return faults((volatile int *)8) + 1;
	}
	if (!strcmp(argv[1], "fault")) {
		handle(SIGSEGV);
		return faults(NULL) + 1;
	}
	handle(SIGUSR1);
	handle(SIGALRM);
	if (!strcmp(argv[1], "send"))
		return (int)sends() + 1;
	setitimer(ITIMER_REAL, &soon, NULL);
	spins();
	return 1;
}
