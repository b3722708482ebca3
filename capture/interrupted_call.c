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

static bool was_broken_off(int64_t result)
{
	switch (result) {
	case -EINTR:
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
		return true;
	}
	return false;
}

bool snap_interrupted_call(const struct snap_arch *arch, const uint8_t *regs, size_t len,
	struct snap_thread_facts *facts)
{
	int64_t number = signed_reg(arch, regs, len, arch->syscall);
	bool waited = number >= 0 && was_broken_off(signed_reg(arch, regs, len, arch->syscall_ret));
	if (!facts)
		return waited;
	facts->has_running = true;
	facts->running = !waited;
	if (!waited)
		return false;
	facts->has_syscall_number = true;
	facts->syscall_number = number;
	facts->num_syscall_arguments = SNAP_SYSCALL_ARGUMENTS;
	for (size_t i = 0; i < SNAP_SYSCALL_ARGUMENTS; i++)
		facts->syscall_arguments[i] = reg(arch, regs, len, arch->syscall_args[i]);
	facts->has_stack_pointer = facts->has_program_counter = true;
	facts->stack_pointer = reg(arch, regs, len, arch->sp);
	facts->program_counter = reg(arch, regs, len, arch->pc);
	return true;
}
