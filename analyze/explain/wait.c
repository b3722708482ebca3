#include "analyze/explain/wait.h"

#include <elf.h>
#include <string.h>

#include "analyze/explain/syscall_names.h"

/* System calls that begin with a file's descriptor, and may wait for it. */
static const char *const of_files[] = {"accept", "accept4", "close", "connect", "epoll_pwait",
	"epoll_pwait2", "epoll_wait", "fallocate", "fcntl", "fcntl64", "fdatasync", "flock",
	"fsync", "ftruncate", "getdents64", "io_uring_enter", "ioctl", "pread64", "preadv",
	"preadv2", "pwrite64", "pwritev", "pwritev2", "read", "readv", "recvfrom", "recvmmsg",
	"recvmsg", "sendfile", "sendmmsg", "sendmsg", "sendto", "splice", "sync_file_range",
	"vmsplice", "write", "writev"};

/* Returns whether the registers tell; then ret->has_syscall is what they tell. */
static bool by_registers(const struct snap_crash *crash, const struct snap_crash_thread *thread,
	struct snap_wait *ret)
{
	const struct snap_arch *arch = crash->arch;
	struct snap_bytes regs = thread->pr_reg;
	uint64_t number;
	if (!arch || arch->syscall == 0 || !regs.data ||
		!snap_arch_reg_get(arch, arch->syscall, regs.data, regs.len, &number))
		return false;
	ret->syscall = arch->elf_class == ELFCLASS32 ? (int32_t)number : (int64_t)number;
	ret->has_syscall = ret->syscall >= 0;
	while (ret->num_arguments < SNAP_SYSCALL_ARGUMENTS &&
		snap_arch_reg_get(arch, arch->syscall_args[ret->num_arguments], regs.data, regs.len,
			&ret->arguments[ret->num_arguments]))
		ret->num_arguments++;
	return true;
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
