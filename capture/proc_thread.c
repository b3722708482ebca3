#include "capture/proc_thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/proc_info.h"

/* "0x7f12". Returns what follows, NULL if there is none. */
static const char *hex_field(const char *p, uint64_t *ret)
{
	char *end;
	if (p[0] != ' ' || p[1] != '0' || p[2] != 'x')
		return NULL;
	*ret = strtoull(p + 1, &end, 16);
	return end > p + 3 ? end : NULL;
}

void snap_proc_syscall_parse(const char *text, struct snap_thread_facts *facts)
{
	if (strcmp(text, "running\n") == 0) {
		facts->has_running = facts->running = true;
		return;
	}
	char *end;
	long long number = strtoll(text, &end, 10);
	if (end == text)
		return;
	uint64_t values[SNAP_SYSCALL_ARGUMENTS + 2];
	size_t num = 0, wanted = number == -1 ? 2 : SNAP_SYSCALL_ARGUMENTS + 2;
	for (const char *p = end; num < wanted && (p = hex_field(p, &values[num])); num++)
		;
	if (num < wanted)
		return;
	facts->has_running = true;
	facts->running = false;
	facts->has_syscall_number = true;
	facts->syscall_number = number;
	facts->num_syscall_arguments = num - 2;
	for (size_t i = 0; i + 2 < num; i++)
		facts->syscall_arguments[i] = values[i];
	facts->has_stack_pointer = facts->has_program_counter = true;
	facts->stack_pointer = values[num - 2];
	facts->program_counter = values[num - 1];
}

static ssize_t read_of(int tasks_fd, uint64_t tid, const char *what, char *buf, size_t size)
{
	char name[48];
	(void)snprintf(name, sizeof(name), "%llu/%s", (unsigned long long)tid, what);
	return snap_proc_read(tasks_fd, name, buf, size);
}

/*
 * The function of a kernel stack's first line, "[<0>] name+0xb5/0x130": what wchan would say, for
 * both leave out the scheduler's (the kernel's kernel/stacktrace.c and kernel/sched/core.c). Absent
 * if it is not such a line.
 */
static struct snap_bytes innermost(struct snap_bytes stack)
{
	const uint8_t *end = memchr(stack.data, '\n', stack.len);
	size_t len = end ? (size_t)(end - stack.data) : stack.len;
	const uint8_t *bracket = memchr(stack.data, ']', len), *plus = memchr(stack.data, '+', len);
	if (!bracket || !plus || plus - bracket < 3 || bracket[1] != ' ')
		return snap_bytes(NULL, 0);
	size_t name_len = (size_t)(plus - bracket) - 2;
	return name_len <= SNAP_MAX_WCHAN ? snap_bytes(bracket + 2, name_len) : snap_bytes(NULL, 0);
}

static void read_stat(int tasks_fd, uint64_t tid, struct snap_proc_thread *ret)
{
	struct snap_thread_facts *facts = &ret->facts;
	char name[48];
	struct snap_proc_stat stat;
	(void)snprintf(name, sizeof(name), "%llu/stat", (unsigned long long)tid);
	if (snap_proc_stat_read(tasks_fd, name, &stat) < 0)
		return;
	ret->has_stat = true;
	ret->comm_len = (uint8_t)stat.comm_len;
	memcpy(ret->comm, stat.comm, stat.comm_len);
	facts->has_letter = true;
	facts->letter = (unsigned char)stat.state;
	facts->has_user_ms = facts->has_system_ms = true;
	facts->user_ms = snap_proc_ticks_ms(stat.user_ticks);
	facts->system_ms = snap_proc_ticks_ms(stat.system_ticks);
	facts->has_cpu = stat.cpu <= UINT32_MAX;
	facts->cpu = (uint32_t)stat.cpu;
}

void snap_proc_thread_read_syscall(int tasks_fd, uint64_t tid, struct snap_proc_thread *ret)
{
	char text[256];
	ssize_t n = read_of(tasks_fd, tid, "syscall", text, sizeof(text));
	ret->syscall_error = n < 0 ? (int)n : 0;
	if (n > 0)
		snap_proc_syscall_parse(text, &ret->facts);
}

void snap_proc_thread_read(
	int tasks_fd, uint64_t tid, bool with_syscall, struct snap_proc_thread *ret)
{
	struct snap_thread_facts *facts = &ret->facts;
	*facts = (struct snap_thread_facts){.has_tid = true, .tid = tid};
	ret->stack_cut = ret->has_stat = false;
	ret->syscall_error = 0;

	/* In the order of how soon it may be no longer true. */
	if (with_syscall)
		snap_proc_thread_read_syscall(tasks_fd, tid, ret);
	ssize_t n = read_of(tasks_fd, tid, "stack", ret->stack, sizeof(ret->stack));
	ret->stack_error = n < 0 ? (int)n : 0;
	if (n == SNAP_MAX_KERNEL_STACK) {
		/* Whole lines. */
		const char *nl = memrchr(ret->stack, '\n', (size_t)n);
		ret->stack_cut = true;
		n = nl ? nl + 1 - ret->stack : n;
	}
	if (n > 0)
		facts->kernel_stack = snap_bytes(ret->stack, (size_t)n);
	read_stat(tasks_fd, tid, ret);
	/* One that runs waits nowhere, though it has a stack. */
	if (n > 0 && facts->letter != 'R')
		facts->wchan = innermost(facts->kernel_stack);
	if (!facts->wchan.data) {
		n = read_of(tasks_fd, tid, "wchan", ret->wchan, sizeof(ret->wchan));
		if (n > 0 && strcmp(ret->wchan, "0") != 0)
			facts->wchan = snap_bytes(ret->wchan, (size_t)n);
	}
}
