/* explain/wait and syscall_names: in which system call a thread was, by its registers or by what
 * the kernel told before the stop. */
#include "analyze/explain/wait.h"

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "analyze/explain/syscall_names.h"

static uint8_t regs[1024];
static struct snap_crash crash;
static struct snap_crash_thread thread;
static struct snap_thread_facts facts;
static struct snap_wait wait;

static void of_machine(uint32_t machine, uint32_t elf_class)
{
	crash = (struct snap_crash){.arch = snap_arch_find(machine, elf_class, ELFDATA2LSB)};
	assert_non_null(crash.arch);
	memset(regs, 0, sizeof(regs));
	thread = (struct snap_crash_thread){
		.pr_reg = snap_bytes(regs, crash.arch->prstatus_reg_size)};
	facts = (struct snap_thread_facts){0};
}

static void set(const char *name, uint64_t value)
{
	for (size_t i = 0; i < crash.arch->num_regs; i++)
		if (strcmp(crash.arch->regs[i].name, name) == 0) {
			memcpy(regs + crash.arch->regs[i].offset, &value, crash.arch->regs[i].size);
			return;
		}
	fail_msg("no register %s", name);
}

static void test_names(void **state)
{
	(void)state;
	const struct snap_arch *x86 = snap_arch_find(EM_X86_64, ELFCLASS64, ELFDATA2LSB);
	const struct snap_arch *i386 = snap_arch_find(EM_386, ELFCLASS32, ELFDATA2LSB);
	const struct snap_arch *aarch64 = snap_arch_find(EM_AARCH64, ELFCLASS64, ELFDATA2LSB);
	const struct snap_arch *arm = snap_arch_find(EM_ARM, ELFCLASS32, ELFDATA2LSB);
	assert_string_equal(snap_syscall_name(x86, 0), "read");
	assert_string_equal(snap_syscall_name(x86, 202), "futex");
	assert_string_equal(snap_syscall_name(x86, 234), "tgkill");
	assert_string_equal(snap_syscall_name(x86, 435), "clone3");
	assert_string_equal(snap_syscall_name(i386, 240), "futex");
	assert_string_equal(snap_syscall_name(i386, 3), "read");
	assert_string_equal(snap_syscall_name(aarch64, 98), "futex");
	assert_string_equal(snap_syscall_name(aarch64, 63), "read");
	assert_null(snap_syscall_name(x86, -1));
	assert_null(snap_syscall_name(x86, 100000));
	assert_null(snap_syscall_name(x86, 400)); /* a gap */
	assert_null(snap_syscall_name(arm, 3));
	assert_null(snap_syscall_name(NULL, 0));
}

static void test_by_registers(void **state)
{
	(void)state;
	of_machine(EM_X86_64, ELFCLASS64);
	set("orig_rax", UINT64_MAX);
	assert_false(snap_thread_wait(&crash, &thread, &wait));
	assert_false(wait.has_syscall);
	set("orig_rax", 0);
	set("rdi", 5);
	set("rsi", 0x7f0000001000);
	set("rdx", 3);
	set("r10", 4);
	set("r8", 6);
	set("r9", 7);
	assert_true(snap_thread_wait(&crash, &thread, &wait));
	assert_int_equal(wait.syscall, 0);
	assert_string_equal(wait.syscall_name, "read");
	assert_int_equal(wait.num_arguments, 6);
	const uint64_t wanted[] = {5, 0x7f0000001000, 3, 4, 6, 7};
	assert_memory_equal(wait.arguments, wanted, sizeof(wanted));
	assert_true(wait.has_fd);
	assert_int_equal(wait.fd, 5);
	/* A descriptor that can be none; a call that has none. */
	set("rdi", UINT64_MAX);
	assert_true(snap_thread_wait(&crash, &thread, &wait));
	assert_false(wait.has_fd);
	set("rdi", 5);
	set("orig_rax", 202);
	assert_true(snap_thread_wait(&crash, &thread, &wait));
	assert_false(wait.has_fd);
	/* A number that nobody knows. */
	set("orig_rax", 100000);
	assert_true(snap_thread_wait(&crash, &thread, &wait));
	assert_null(wait.syscall_name);
	assert_false(wait.has_fd);
	/* Registers that end before it. */
	thread.pr_reg.len = 100;
	assert_false(snap_thread_wait(&crash, &thread, &wait));

	of_machine(EM_386, ELFCLASS32);
	set("orig_eax", UINT32_MAX);
	assert_false(snap_thread_wait(&crash, &thread, &wait));
	set("orig_eax", 3);
	set("ebx", 1);
	set("ebp", 9);
	assert_true(snap_thread_wait(&crash, &thread, &wait));
	assert_string_equal(wait.syscall_name, "read");
	assert_int_equal(wait.arguments[5], 9);
	assert_int_equal(wait.fd, 1);
}

/* What the kernel said before the stop holds as long as the thread has not moved. */
static void test_by_facts(void **state)
{
	(void)state;
	of_machine(EM_AARCH64, ELFCLASS64);
	assert_false(snap_thread_wait(&crash, &thread, &wait));
	facts = (struct snap_thread_facts){
		.has_syscall_number = true,
		.syscall_number = 63,
		.syscall_arguments = {8, 1},
		.num_syscall_arguments = 2,
		.has_stack_pointer = true,
		.stack_pointer = 0x7ff0,
	};
	thread.facts = &facts;
	set("sp", 0x7ff0);
	assert_true(snap_thread_wait(&crash, &thread, &wait));
	assert_string_equal(wait.syscall_name, "read");
	assert_int_equal(wait.num_arguments, 2);
	assert_true(wait.has_fd && wait.fd == 8);
	set("sp", 0x7fe0);
	assert_false(snap_thread_wait(&crash, &thread, &wait));
	/* Without registers (it could not be stopped) there is nothing against it. */
	thread.pr_reg = snap_bytes(NULL, 0);
	assert_true(snap_thread_wait(&crash, &thread, &wait));
	facts.syscall_number = -1;
	assert_false(snap_thread_wait(&crash, &thread, &wait));
	/* The registers know better. */
	of_machine(EM_X86_64, ELFCLASS64);
	facts.has_syscall_number = true;
	facts.syscall_number = 1;
	thread.facts = &facts;
	set("orig_rax", UINT64_MAX);
	assert_false(snap_thread_wait(&crash, &thread, &wait));
}

static void test_file(void **state)
{
	(void)state;
	struct snap_open_file files[] = {
		{.has_fd = false}, {.has_fd = true, .fd = 3}, {.has_fd = true, .fd = 4}};
	of_machine(EM_X86_64, ELFCLASS64);
	crash.open_files = files;
	crash.num_open_files = 3;
	set("rdi", 4);
	assert_true(snap_thread_wait(&crash, &thread, &wait));
	assert_ptr_equal(snap_wait_file(&crash, &wait), &files[2]);
	set("rdi", 0);
	assert_true(snap_thread_wait(&crash, &thread, &wait));
	assert_null(snap_wait_file(&crash, &wait));
	set("rdi", 4);
	set("orig_rax", 202);
	assert_true(snap_thread_wait(&crash, &thread, &wait));
	assert_null(snap_wait_file(&crash, &wait));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_by_registers),
		cmocka_unit_test(test_by_facts),
		cmocka_unit_test(test_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
