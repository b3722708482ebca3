/*
 * common/arch: the tables against each other and against this machine's headers. What other
 * machines' headers say is cli_cross_arch.sh's.
 */
#include "common/arch.h"

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/user.h>
#include <cmocka.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *name;
	uint32_t machine, class, data;
	bool supported;
} machines[] = {
	{"x86_64", EM_X86_64, ELFCLASS64, ELFDATA2LSB, true},
	{"aarch64", EM_AARCH64, ELFCLASS64, ELFDATA2LSB, true},
	{"i386", EM_386, ELFCLASS32, ELFDATA2LSB, true},
	{"arm", EM_ARM, ELFCLASS32, ELFDATA2LSB, true},
	{"riscv64", EM_RISCV, ELFCLASS64, ELFDATA2LSB, true},
	{"riscv32", EM_RISCV, ELFCLASS32, ELFDATA2LSB, true},
	{"x32", EM_X86_64, ELFCLASS32, ELFDATA2LSB, false},
	{"mips64", EM_MIPS, ELFCLASS64, ELFDATA2MSB, false},
	{"mips64", EM_MIPS, ELFCLASS64, ELFDATA2LSB, false},
	{"mips", EM_MIPS, ELFCLASS32, ELFDATA2MSB, false},
	{"mips", EM_MIPS, ELFCLASS32, ELFDATA2LSB, false},
	{"ppc64", EM_PPC64, ELFCLASS64, ELFDATA2MSB, false},
	{"ppc64le", EM_PPC64, ELFCLASS64, ELFDATA2LSB, false},
	{"s390x", EM_S390, ELFCLASS64, ELFDATA2MSB, false},
	{"sparc64", EM_SPARCV9, ELFCLASS64, ELFDATA2MSB, false},
	{"m68k", EM_68K, ELFCLASS32, ELFDATA2MSB, false},
};

static const struct snap_arch *machine(size_t i)
{
	return snap_arch_find(machines[i].machine, machines[i].class, machines[i].data);
}

static void test_arch_other_abi(void **state)
{
	(void)state;
	/* Indices of machines[]. */
	enum { X86_64, AARCH64, I386, ARM, RISCV64 };
	assert_ptr_equal(snap_arch_other_abi(machine(X86_64)), machine(I386));
	assert_ptr_equal(snap_arch_other_abi(machine(I386)), machine(X86_64));
	assert_ptr_equal(snap_arch_other_abi(machine(AARCH64)), machine(ARM));
	assert_ptr_equal(snap_arch_other_abi(machine(ARM)), machine(AARCH64));
	assert_null(snap_arch_other_abi(machine(RISCV64)));
	assert_null(snap_arch_other_abi(NULL));
	/* The debugger tells them by the length of their registers. */
	for (size_t i = 0; i < ARRAY_LEN(machines); i++) {
		const struct snap_arch *other = snap_arch_other_abi(machine(i));
		if (other)
			assert_int_not_equal(
				other->prstatus_reg_size, machine(i)->prstatus_reg_size);
	}
}

static void test_arch_every_machine_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(machines); i++) {
		const struct snap_arch *arch = machine(i);
		assert_non_null(arch);
		assert_string_equal(arch->name, machines[i].name);
		assert_int_equal(arch->elf_machine, machines[i].machine);
		assert_int_equal(arch->elf_class, machines[i].class);
		assert_int_equal(arch->elf_data, machines[i].data);
		assert_int_equal(arch->support == SNAP_ARCH_SUPPORTED, machines[i].supported);
		assert_int_equal(snap_arch_word(arch), machines[i].class == ELFCLASS64 ? 8 : 4);
	}
}

static void test_arch_unknown_machines_are_not_found(void **state)
{
	(void)state;
	assert_null(snap_arch_find(EM_NONE, ELFCLASS64, ELFDATA2LSB));
	assert_null(snap_arch_find(EM_ALPHA, ELFCLASS64, ELFDATA2LSB));
	assert_null(snap_arch_find(EM_X86_64, ELFCLASS64, ELFDATA2MSB));
	assert_null(snap_arch_find(EM_X86_64, ELFCLASSNONE, ELFDATA2LSB));
	assert_null(snap_arch_find(EM_RISCV, ELFCLASS32, ELFDATA2MSB));
	assert_null(snap_arch_find(EM_AARCH64 | 0x10000, ELFCLASS64, ELFDATA2LSB));
}

/* Its ELF files are arm's: only who asks for it by its name gets it. */
static void test_arch_cortex_m_is_found_by_its_name_alone(void **state)
{
	(void)state;
	const struct snap_arch *arch = snap_arch_find_name("cortex-m");
	assert_non_null(arch);
	assert_string_equal(snap_arch_find(EM_ARM, ELFCLASS32, ELFDATA2LSB)->name, "arm");
	assert_string_equal(arch->regs[arch->pc].name, "pc");
	assert_string_equal(arch->regs[arch->sp].name, "sp");
	assert_string_equal(arch->regs[arch->lr].name, "lr");
	for (uint16_t i = 0; i < arch->num_regs; i++)
		assert_int_equal(arch->regs[i].offset, 4 * i);
}

static void test_arch_registers_lie_in_pr_reg_and_apart(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(machines); m++) {
		const struct snap_arch *arch = machine(m);
		uint8_t used[512] = {0};
		assert_true(arch->prstatus_reg_size <= sizeof(used));
		assert_true(
			arch->prstatus_reg_off + arch->prstatus_reg_size <= arch->prstatus_size);
		assert_true(arch->prpsinfo_psargs_off + 80 <= arch->prpsinfo_size);
		for (uint16_t i = 0; i < arch->num_regs; i++) {
			const struct snap_arch_reg *reg = &arch->regs[i];
			assert_true(reg->size == 2 || reg->size == 4 || reg->size == 8);
			assert_true(reg->offset + reg->size <= arch->prstatus_reg_size);
			for (int b = reg->offset; b < reg->offset + reg->size; b++)
				assert_int_equal(used[b]++, 0);
			for (uint16_t j = 0; j < i; j++) {
				assert_string_not_equal(arch->regs[j].name, reg->name);
				if (reg->dwarf != SNAP_DWARF_NONE)
					assert_int_not_equal(arch->regs[j].dwarf, reg->dwarf);
			}
		}
	}
}

static void test_arch_roles_and_columns_agree(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(machines); m++) {
		const struct snap_arch *arch = machine(m);
		assert_true(arch->pc < arch->num_regs);
		assert_true(arch->sp < arch->num_regs);
		assert_true(arch->fp < arch->num_regs);
		assert_true(arch->regs[arch->sp].dwarf == arch->dwarf_sp);
		assert_true(arch->dwarf_sp < arch->num_dwarf_regs);
		/* Either the call pushes, and nothing but the pc's column has the return address,
		 * or lr's column has it. */
		assert_int_equal(arch->call_pushes_ra, arch->lr == SNAP_ARCH_NO_REG);
		const uint16_t ra = arch->call_pushes_ra ? arch->pc : arch->lr;
		assert_true(ra < arch->num_regs);
		assert_int_equal(arch->regs[ra].dwarf, arch->dwarf_ra);
		assert_true(snap_arch_num_columns(arch) <= SNAP_ARCH_MAX_DWARF_REGS);
		int column = snap_arch_column(arch, arch->dwarf_ra);
		assert_in_range(column, 0, snap_arch_num_columns(arch) - 1);
		assert_int_equal(snap_arch_column(arch, UINT64_MAX), -1);
		if (arch->support == SNAP_ARCH_SUPPORTED)
			assert_true(arch->num_frame_records > 0);
	}
}

static void test_arch_return_address_beyond_the_others_has_a_column(void **state)
{
	(void)state;
	const struct snap_arch *arch = snap_arch_find(EM_PPC64, ELFCLASS64, ELFDATA2LSB);
	assert_int_equal(snap_arch_num_columns(arch), 33);
	assert_int_equal(snap_arch_column(arch, 65), 32);
	assert_int_equal(snap_arch_column(arch, 64), -1);
	assert_int_equal(snap_arch_column(arch, 31), 31);
	assert_int_equal(snap_arch_column(arch, 32), -1);
}

static void test_arch_registers_are_read_in_the_machines_order(void **state)
{
	(void)state;
	const struct snap_arch *arch = snap_arch_find(EM_68K, ELFCLASS32, ELFDATA2MSB);
	uint8_t bytes[80];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	uint64_t value = 0;
	assert_true(snap_arch_reg_get(arch, arch->pc, bytes, sizeof(bytes), &value));
	assert_int_equal(value, 0x48494a4b);
	/* sr, of 16 bits */
	assert_true(snap_arch_reg_get(arch, 16, bytes, sizeof(bytes), &value));
	assert_int_equal(value, 0x4647);
	arch = snap_arch_find(EM_ARM, ELFCLASS32, ELFDATA2LSB);
	assert_true(snap_arch_reg_get(arch, arch->pc, bytes, sizeof(bytes), &value));
	assert_int_equal(value, 0x3f3e3d3c);
}

static void test_arch_registers_beyond_the_bytes_are_not_read(void **state)
{
	(void)state;
	const struct snap_arch *arch = snap_arch_find(EM_RISCV, ELFCLASS64, ELFDATA2LSB);
	const uint8_t bytes[216] = {1};
	uint64_t value = 77;
	/* As gdb cuts it, where it takes the notes of the machine it was built for. */
	assert_true(snap_arch_reg_get(arch, 26, bytes, sizeof(bytes), &value));
	assert_int_equal(value, 0);
	value = 77;
	assert_false(snap_arch_reg_get(arch, 27, bytes, sizeof(bytes), &value));
	assert_false(snap_arch_reg_get(arch, 0, bytes, 7, &value));
	assert_false(snap_arch_reg_get(arch, arch->num_regs, bytes, sizeof(bytes), &value));
	assert_false(snap_arch_reg_get(arch, SNAP_ARCH_NO_REG, bytes, sizeof(bytes), &value));
	assert_int_equal(value, 77);
}

#ifdef __x86_64__
static void test_arch_this_machine_is_as_its_headers_say(void **state)
{
	(void)state;
	const struct snap_arch *arch = snap_arch_find(EM_X86_64, ELFCLASS64, ELFDATA2LSB);
	assert_int_equal(arch->prstatus_size, sizeof(struct elf_prstatus));
	assert_int_equal(arch->prstatus_reg_off, offsetof(struct elf_prstatus, pr_reg));
	assert_int_equal(arch->prstatus_reg_size, sizeof(struct user_regs_struct));
	assert_int_equal(arch->prstatus_pid_off, offsetof(struct elf_prstatus, pr_pid));
	assert_int_equal(arch->prpsinfo_size, sizeof(struct elf_prpsinfo));
	assert_int_equal(arch->prpsinfo_fname_off, offsetof(struct elf_prpsinfo, pr_fname));
	assert_int_equal(arch->regs[arch->pc].offset, offsetof(struct user_regs_struct, rip));
	assert_int_equal(arch->regs[arch->sp].offset, offsetof(struct user_regs_struct, rsp));
	assert_int_equal(arch->regs[arch->fp].offset, offsetof(struct user_regs_struct, rbp));
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arch_every_machine_is_found),
		cmocka_unit_test(test_arch_other_abi),
		cmocka_unit_test(test_arch_unknown_machines_are_not_found),
		cmocka_unit_test(test_arch_cortex_m_is_found_by_its_name_alone),
		cmocka_unit_test(test_arch_registers_lie_in_pr_reg_and_apart),
		cmocka_unit_test(test_arch_roles_and_columns_agree),
		cmocka_unit_test(test_arch_return_address_beyond_the_others_has_a_column),
		cmocka_unit_test(test_arch_registers_are_read_in_the_machines_order),
		cmocka_unit_test(test_arch_registers_beyond_the_bytes_are_not_read),
#ifdef __x86_64__
		cmocka_unit_test(test_arch_this_machine_is_as_its_headers_say),
#endif
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
