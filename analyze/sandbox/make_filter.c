/*
 * Run when the analysis is built: prints the filters of system calls that jail.c installs, as
 * libseccomp makes them. At run time that takes 0.3 ms, a quarter of all that a sandbox costs.
 *
 * Whatever stands in none of the lists below fails with EPERM: most of it libraries try and do
 * without.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/filter.h>
#include <seccomp.h>

#include "analyze/sandbox/jail.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Without a condition. All that takes a descriptor takes those that the worker was given. */
static const int allowed[] = {
	SCMP_SYS(brk),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(close),
	SCMP_SYS(dup),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(fadvise64),
	SCMP_SYS(fdatasync),
	SCMP_SYS(fstat),
	SCMP_SYS(fsync),
	SCMP_SYS(ftruncate),
	SCMP_SYS(futex),
	SCMP_SYS(getpid),
	SCMP_SYS(getrandom),
	SCMP_SYS(gettid),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(lseek),
	SCMP_SYS(madvise),
	SCMP_SYS(mremap),
	SCMP_SYS(munmap),
	SCMP_SYS(nanosleep),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(pread64),
	SCMP_SYS(pwrite64),
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(recvmsg),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(write),
	SCMP_SYS(writev),
};

/* For work that is spread over processes. */
static const int allowed_forking[] = {
	SCMP_SYS(memfd_create),
	SCMP_SYS(pipe2),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(wait4),
};

/* No analysis tries these: who does has been taken over. */
static const int deadly[] = {
	SCMP_SYS(accept),
	SCMP_SYS(accept4),
	SCMP_SYS(add_key),
	SCMP_SYS(bind),
	SCMP_SYS(bpf),
	SCMP_SYS(chroot),
	SCMP_SYS(connect),
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(finit_module),
	SCMP_SYS(init_module),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(kcmp),
	SCMP_SYS(kexec_load),
	SCMP_SYS(keyctl),
	SCMP_SYS(kill),
	SCMP_SYS(listen),
	SCMP_SYS(mount),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(pidfd_send_signal),
	SCMP_SYS(pivot_root),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(ptrace),
	SCMP_SYS(request_key),
	SCMP_SYS(rt_sigqueueinfo),
	SCMP_SYS(rt_tgsigqueueinfo),
	SCMP_SYS(setns),
	SCMP_SYS(setuid),
	SCMP_SYS(setgid),
	SCMP_SYS(socket),
	SCMP_SYS(socketpair),
	SCMP_SYS(tkill),
	SCMP_SYS(umount2),
	SCMP_SYS(unshare),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(vfork),
};

static void check(int r, const char *what)
{
	if (r == 0)
		return;
	fprintf(stderr, "make_filter: %s: error %d\n", what, -r);
	exit(1);
}

static void add_list(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t num)
{
	for (size_t i = 0; i < num; i++) {
		/* Negative: this machine has no such system call. */
		if (calls[i] < 0)
			continue;
		check(seccomp_rule_add(filter, action, calls[i], 0), "a rule");
	}
}

static void add_conditions(scmp_filter_ctx filter)
{
	/* Memory of its own alone: shared memory would escape the limit. Nothing can be run. */
	check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
		      SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
		      SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_TYPE, MAP_PRIVATE)),
		"mmap");
	check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
		      SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)),
		"mprotect");
	/* Not those that take locks or leases, or send signals. */
	static const int commands[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL};
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
			      SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)commands[i])),
			"fcntl");
	/* abort(): signals to itself; jail.c puts its process ID there. */
	check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
		      SCMP_A0(SCMP_CMP_EQ, SNAP_FILTER_PID)),
		"tgkill");
}

static void add_forking(scmp_filter_ctx filter)
{
	/* As glibc's fork() does; no threads, no name spaces. */
	check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
		      SCMP_A0(SCMP_CMP_MASKED_EQ, ~(scmp_datum_t)(0x01000000 | 0x00200000), SIGCHLD)),
		"clone"); /* CLONE_CHILD_SETTID, CLONE_CHILD_CLEARTID */
	check(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0), "clone3");
	add_list(filter, SCMP_ACT_ALLOW, allowed_forking, ARRAY_LEN(allowed_forking));
}

static void print_filter(const char *name, int is_forking)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	check(filter ? 0 : -ENOMEM, "seccomp_init");
	/* Another machine's system calls are no way round. */
	check(seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), "arch");
	check(seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2), "optimize");
	add_list(filter, SCMP_ACT_ALLOW, allowed, ARRAY_LEN(allowed));
	add_list(filter, SCMP_ACT_KILL_PROCESS, deadly, ARRAY_LEN(deadly));
	add_conditions(filter);
	if (is_forking) {
		add_forking(filter);
	} else {
		check(seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(clone), 0), "clone");
		check(seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(clone3), 0),
			"clone3");
		if (SCMP_SYS(fork) >= 0)
			check(seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(fork), 0),
				"fork");
	}
	FILE *file = tmpfile();
	struct sock_filter step;
	check(file ? seccomp_export_bpf(filter, fileno(file)) : -errno, "export");
	rewind(file);
	printf("static const struct sock_filter %s[] = {\n", name);
	while (fread(&step, sizeof(step), 1, file) == 1)
		printf("\t{0x%02x, %u, %u, 0x%08x},\n", step.code, step.jt, step.jf, step.k);
	printf("};\n");
	(void)fclose(file);
	seccomp_release(filter);
}

int main(void)
{
	printf("/* Made by make_filter.c. */\n");
	print_filter("filter", 0);
	print_filter("filter_forking", 1);
	return fflush(stdout) == 0 ? 0 : 1;
}
