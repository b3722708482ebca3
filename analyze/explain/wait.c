#include "analyze/explain/wait.h"

#include <elf.h>
#include <string.h>

#include "analyze/explain/syscall_names.h"

/*
 * Machines that keep the number of the system call apart from all registers that it may change, and
 * have -1 there outside of one. Arguments: syscall(2).
 */
static const struct {
	uint16_t elf_machine;
	uint8_t elf_class;
	const char *number;
	const char *arguments[SNAP_SYSCALL_ARGUMENTS];
} machines[] = {
	{EM_X86_64, ELFCLASS64, "orig_rax", {"rdi", "rsi", "rdx", "r10", "r8", "r9"}},
	{EM_386, ELFCLASS32, "orig_eax", {"ebx", "ecx", "edx", "esi", "edi", "ebp"}},
};

/* System calls that begin with a file's descriptor, and may wait for it. */
static const char *const of_files[] = {"accept", "accept4", "close", "connect", "epoll_pwait",
	"epoll_pwait2", "epoll_wait", "fallocate", "fcntl", "fcntl64", "fdatasync", "flock",
	"fsync", "ftruncate", "getdents64", "io_uring_enter", "ioctl", "pread64", "preadv",
	"preadv2", "pwrite64", "pwritev", "pwritev2", "read", "readv", "recvfrom", "recvmmsg",
	"recvmsg", "sendfile", "sendmmsg", "sendmsg", "sendto", "splice", "sync_file_range",
	"vmsplice", "write", "writev"};

static bool register_by_name(const struct snap_arch *arch, const struct snap_crash_thread *thread,
	const char *name, uint64_t *ret)
{
	for (unsigned int i = 0; i < arch->num_regs; i++)
		if (strcmp(arch->regs[i].name, name) == 0)
			return snap_arch_reg_get(
				arch, i, thread->pr_reg.data, thread->pr_reg.len, ret);
	return false;
}

/* Returns whether the registers tell; then ret->has_syscall is what they tell. */
static bool by_registers(const struct snap_crash *crash, const struct snap_crash_thread *thread,
	struct snap_wait *ret)
{
	const struct snap_arch *arch = crash->arch;
	uint64_t number;
	if (!arch || !thread->pr_reg.data)
		return false;
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		if (machines[i].elf_machine != arch->elf_machine ||
			machines[i].elf_class != arch->elf_class ||
			!register_by_name(arch, thread, machines[i].number, &number))
			continue;
		ret->syscall = arch->elf_class == ELFCLASS32 ? (int32_t)number : (int64_t)number;
		ret->has_syscall = ret->syscall >= 0;
		while (ret->num_arguments < SNAP_SYSCALL_ARGUMENTS &&
			register_by_name(arch, thread, machines[i].arguments[ret->num_arguments],
				&ret->arguments[ret->num_arguments]))
			ret->num_arguments++;
		return true;
	}
	return false;
}

static void by_facts(const struct snap_crash *crash, const struct snap_crash_thread *thread,
	struct snap_wait *ret)
{
	const struct snap_thread_facts *facts = thread->facts;
	uint64_t sp;
	if (!facts || !facts->has_syscall_number || facts->syscall_number < 0)
		return;
	if (crash->arch && thread->pr_reg.data && facts->has_stack_pointer &&
		snap_arch_reg_get(crash->arch, crash->arch->sp, thread->pr_reg.data,
			thread->pr_reg.len, &sp) &&
		sp != facts->stack_pointer)
		return;
	ret->has_syscall = true;
	ret->syscall = facts->syscall_number;
	ret->num_arguments = facts->num_syscall_arguments;
	memcpy(ret->arguments, facts->syscall_arguments, sizeof(ret->arguments));
}

bool snap_thread_wait(const struct snap_crash *crash, const struct snap_crash_thread *thread,
	struct snap_wait *ret)
{
	*ret = (struct snap_wait){0};
	if (!by_registers(crash, thread, ret))
		by_facts(crash, thread, ret);
	if (!ret->has_syscall)
		return false;
	ret->syscall_name = snap_syscall_name(crash->arch, ret->syscall);
	for (size_t i = 0; ret->syscall_name && i < sizeof(of_files) / sizeof(of_files[0]); i++)
		if (strcmp(of_files[i], ret->syscall_name) == 0 && ret->num_arguments > 0 &&
			ret->arguments[0] <= INT32_MAX) {
			ret->has_fd = true;
			ret->fd = (uint32_t)ret->arguments[0];
		}
	return true;
}

const struct snap_open_file *snap_wait_file(
	const struct snap_crash *crash, const struct snap_wait *wait)
{
	for (size_t i = 0; wait->has_fd && i < crash->num_open_files; i++)
		if (crash->open_files[i].has_fd && crash->open_files[i].fd == wait->fd)
			return &crash->open_files[i];
	return NULL;
}
