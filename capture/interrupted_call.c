#include "capture/interrupted_call.h"

#include <errno.h>

/* No program ever sees these. */
#define ERESTARTSYS	      512
#define ERESTARTNOINTR	      513
#define ERESTARTNOHAND	      514
#define ERESTART_RESTARTBLOCK 516

_Static_assert(SNAP_ARCH_SYSCALL_ARGUMENTS == SNAP_SYSCALL_ARGUMENTS, "as many");

bool snap_interrupted_call_known(const struct snap_arch *arch)
{
	return arch && arch->syscall != 0;
}

static uint64_t reg(
	const struct snap_arch *arch, const uint8_t *regs, size_t len, unsigned int index)
{
	uint64_t value = 0;
	(void)snap_arch_reg_get(arch, index, regs, len, &value); /* else 0 */
	return value;
}

static int64_t signed_reg(
	const struct snap_arch *arch, const uint8_t *regs, size_t len, unsigned int index)
{
	uint64_t value = reg(arch, regs, len, index);
	return snap_arch_word(arch) == 4 ? (int32_t)value : (int64_t)value;
}

static enum snap_interrupted_call what_became(int64_t result)
{
	switch (result) {
	case -EINTR:
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
		return SNAP_CALL_BROKEN_OFF;
	}
	return result > 0 ? SNAP_CALL_DONE : SNAP_CALL_NONE;
}

static void tell_call(const struct snap_arch *arch, const uint8_t *regs, size_t len, int64_t number,
	struct snap_thread_facts *facts)
{
	facts->has_syscall_number = true;
	facts->syscall_number = number;
	facts->num_syscall_arguments = SNAP_SYSCALL_ARGUMENTS;
	for (size_t i = 0; i < SNAP_SYSCALL_ARGUMENTS; i++)
		facts->syscall_arguments[i] = reg(arch, regs, len, arch->syscall_args[i]);
	facts->has_stack_pointer = facts->has_program_counter = true;
	facts->stack_pointer = reg(arch, regs, len, arch->sp);
	facts->program_counter = reg(arch, regs, len, arch->pc);
}

enum snap_interrupted_call snap_interrupted_call(const struct snap_arch *arch, const uint8_t *regs,
	size_t len, struct snap_thread_facts *facts)
{
	int64_t number = signed_reg(arch, regs, len, arch->syscall);
	enum snap_interrupted_call call = SNAP_CALL_NONE;
	if (number >= 0)
		call = what_became(signed_reg(arch, regs, len, arch->syscall_ret));
	if (!facts)
		return call;
	bool waited = facts->has_letter && (facts->letter == 'S' || facts->letter == 'D');
	if (call == SNAP_CALL_BROKEN_OFF || (call == SNAP_CALL_DONE && waited))
		tell_call(arch, regs, len, number, facts);
	facts->has_running = call != SNAP_CALL_DONE || facts->has_letter;
	facts->running = !facts->has_syscall_number;
	return call;
}
