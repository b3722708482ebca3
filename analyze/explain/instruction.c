#include "analyze/explain/instruction.h"

#include <elf.h>
#include <string.h>

#include "analyze/crash.h"
#include "analyze/explain/arm64_lse.h"
#include "analyze/explain/disassembler.h"
#include "analyze/explain/riscv_code.h"
#include "analyze/explain/signals.h"
#include "analyze/explain/x86_evex.h"
#include "analyze/explain/x86_short.h"
#include "analyze/sandbox/remote.h"
#include "analyze/symbols/object.h"

#include <signal.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* ---------------------------------------------------------------- registers */

/* x86's first eight, whole and in parts. */
static const char *const x86_parts[][5] = {
	{"rax", "eax", "ax", "al", "ah"},
	{"rbx", "ebx", "bx", "bl", "bh"},
	{"rcx", "ecx", "cx", "cl", "ch"},
	{"rdx", "edx", "dx", "dl", "dh"},
	{"rsi", "esi", "si", "sil", NULL},
	{"rdi", "edi", "di", "dil", NULL},
	{"rbp", "ebp", "bp", "bpl", NULL},
	{"rsp", "esp", "sp", "spl", NULL},
};
static const struct {
	uint8_t shift, bits;
} x86_part_bits[] = {{0, 64}, {0, 32}, {0, 16}, {0, 8}, {8, 8}};

/* Other names that arm's registers have. */
static const char *const arm_aliases[][2] = {
	{"sb", "r9"}, {"sl", "r10"}, {"r11", "fp"}, {"r12", "ip"}, {"fp", "x29"}, {"lr", "x30"}};

static int find_index(const struct snap_arch *arch, const char *name, size_t len)
{
	for (unsigned int i = 0; i < arch->num_regs; i++)
		if (strlen(arch->regs[i].name) == len && memcmp(arch->regs[i].name, name, len) == 0)
			return (int)i;
	return -1;
}

static bool set_part(const struct snap_arch *arch, const char *whole, size_t len,
	unsigned int shift, unsigned int bits, struct snap_register *ret)
{
	int index = find_index(arch, whole, len);
	if (index < 0)
		return false;
	unsigned int all = arch->regs[index].size * 8u;
	*ret = (struct snap_register){
		.index = (int16_t)index,
		.shift = (uint8_t)shift,
		.bits = (uint8_t)(bits < all ? bits : all),
		.name = arch->regs[index].name,
	};
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool snap_register_find(const struct snap_arch *arch, const char *name, struct snap_register *ret)
{
	size_t len = strlen(name);
	if (set_part(arch, name, len, 0, 64, ret))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(arm_aliases); i++)
		if (strcmp(name, arm_aliases[i][0]) == 0 &&
			set_part(arch, arm_aliases[i][1], strlen(arm_aliases[i][1]), 0, 64, ret))
			return true;
	if (arch->elf_machine == EM_X86_64 || arch->elf_machine == EM_386) {
		for (size_t i = 0; i < ARRAY_LEN(x86_parts); i++)
			for (size_t j = 0; j < ARRAY_LEN(x86_part_bits); j++) {
				if (!x86_parts[i][j] || strcmp(name, x86_parts[i][j]) != 0)
					continue;
				if (!set_part(arch, x86_parts[i][0], 3, x86_part_bits[j].shift,
					    x86_part_bits[j].bits, ret) &&
					!set_part(arch, x86_parts[i][1], 3, x86_part_bits[j].shift,
						x86_part_bits[j].bits, ret))
					return false;
				ret->name = x86_parts[i][j];
				return true;
			}
		/* r8d, r15w, r9b. */
		static const struct {
			char letter;
			uint8_t bits;
		} ends[] = {{'d', 32}, {'w', 16}, {'b', 8}};
		for (size_t i = 0; i < ARRAY_LEN(ends) && len >= 3 && is_digit(name[1]); i++)
			if (name[len - 1] == ends[i].letter)
				return set_part(arch, name, len - 1, 0, ends[i].bits, ret);
	}
	/* aarch64's w3 is a half of x3. */
	if (arch->elf_machine == EM_AARCH64 && name[0] == 'w' && len >= 2 && len <= 3 &&
		is_digit(name[1])) {
		const char whole[] = {'x', name[1], len == 3 ? name[2] : '\0', '\0'};
		return set_part(arch, whole, len, 0, 32, ret);
	}
	return false;
}

bool snap_register_value(const struct snap_arch *arch, const struct snap_register *reg,
	struct snap_bytes pr_reg, uint64_t *ret)
{
	uint64_t value;
	if (reg->is_unknown || reg->index < 0 || !pr_reg.data ||
		!snap_arch_reg_get(arch, (unsigned int)reg->index, pr_reg.data, pr_reg.len, &value))
		return false;
	value >>= reg->shift;
	*ret = reg->bits < 64 ? value & ((UINT64_C(1) << reg->bits) - 1) : value;
	return true;
}

/* ---------------------------------------------------------------- addresses */

/* A register that takes part in an address: 0 if there is none, false if it is not known. */
static bool get_part(const struct snap_arch *arch, struct snap_bytes pr_reg,
	const struct snap_register *reg, uint64_t *ret)
{
	*ret = 0;
	if (reg->index < 0 && !reg->is_unknown)
		return true;
	return snap_register_value(arch, reg, pr_reg, ret);
}

static void resolve(
	const struct snap_arch *arch, struct snap_bytes pr_reg, struct snap_operand *operand)
{
	uint64_t segment, index;
	operand->has_address = get_part(arch, pr_reg, &operand->segment, &segment) &&
			       get_part(arch, pr_reg, &operand->base, &operand->base_value) &&
			       get_part(arch, pr_reg, &operand->index, &index);
	if (!operand->has_address)
		return;
	if (operand->extend == SNAP_EXTEND_SIGN && operand->index.bits == 32)
		index = (uint64_t)(int64_t)(int32_t)index;
	operand->index_value = index;
	index <<= operand->index_shift & 63;
	uint64_t address = operand->base_value + (operand->is_subtracted ? -index : index) +
			   (uint64_t)operand->disp;
	/* x86's addresses from halves of registers wrap there; what a segment begins with does not.
	 */
	bool is_short = operand->base.index >= 0 && operand->base.bits == 32;
	if (is_short || arch->elf_class == ELFCLASS32)
		address &= UINT32_MAX;
	address += segment;
	operand->address = arch->elf_class == ELFCLASS32 ? address & UINT32_MAX : address;
}

void snap_instruction_resolve(const struct snap_arch *arch, struct snap_bytes pr_reg,
	struct snap_instruction *instruction)
{
	for (unsigned int i = 0; i < instruction->num_operands; i++)
		resolve(arch, pr_reg, &instruction->operands[i]);
}

/* ---------------------------------------------------------------- reading */

/* Whose instructions are told of: those that the kernel raises because of one, or that the program
 * itself, which may pass such a one on, has sent. */
static bool is_of_instruction(const struct snap_crash *crash)
{
	const struct snap_signal *signal = &crash->signal;
	if (crash->device.is_device)
		return crash->device.has_state;
	if (!crash->has_signal || !signal->has_signo)
		return false;
	if (signal->has_code && signal->code <= 0)
		return (signal->signo == SIGSEGV || signal->signo == SIGBUS) &&
		       signal->has_sender && crash->process.has_pid && signal->sender_pid >= 0 &&
		       (uint32_t)signal->sender_pid == crash->process.pid;
	switch (signal->signo) {
	case SIGSEGV:
	case SIGBUS:
	case SIGILL:
	case SIGFPE:
	case SIGTRAP:
		return true;
	default:
		return false;
	}
}

const char *snap_instruction_why_missing(const struct snap_crash *crash)
{
	return snap_disassembler_knows(crash->arch) &&
			       snap_disassembler_state() == SNAP_DISASSEMBLER_MISSING
		       ? "the faulting instruction is not shown, and less is known of the "
			 "cause: " SNAP_DISASSEMBLER_LIBRARY
			 " (capstone), which disassembles, is not installed"
		       : NULL;
}

static size_t read_code(struct snap_crash *crash, uint64_t addr, uint8_t *buf, size_t len)
{
	/* What the process had there counts more than what its file has. */
	ssize_t n = snap_memory_read(&crash->memory, addr, buf, len);
	if (n == (ssize_t)len)
		return len;
	const struct snap_crash_module *module = snap_crash_module_at(crash, addr);
	size_t from_file = module && module->record.has_load_bias && module->object
				   ? snap_object_read(module->object,
					     addr - module->record.load_bias, buf, len)
				   : 0;
	if (from_file > (n > 0 ? (size_t)n : 0))
		return from_file;
	if (n <= 0)
		return 0;
	/* The file's bytes may stand there now. */
	n = snap_memory_read(&crash->memory, addr, buf, (size_t)n);
	return n > 0 ? (size_t)n : 0;
}

/* Whether anybody wants code of this input disassembled. */
static bool is_wanted;

static void load_disassembler(void)
{
	if (!is_wanted)
		return;
	if (snap_disassembler_state() == SNAP_DISASSEMBLER_UNTRIED)
		snap_remote_need_library(SNAP_LIBRARY_CAPSTONE);
	(void)snap_disassembler_load(); /* what became of it is asked for later */
}

static bool may_be(const struct snap_arch *arch, const struct snap_instruction *instruction,
	enum snap_instruction_kind kind)
{
	if (arch->elf_machine != EM_X86_64 || kind == SNAP_INSTRUCTION_ANY)
		return true;
	return kind == SNAP_INSTRUCTION_MOVE
		       ? snap_x86_may_move(instruction->bytes, instruction->len)
		       : snap_x86_may_call(instruction->bytes, instruction->len);
}

static void forget_one(const struct snap_crash_thread *thread, struct snap_register *reg)
{
	if (reg->index >= 0 && reg->index < 64 && thread->absent_regs >> reg->index & 1)
		reg->is_unknown = true;
}

/* Registers that were not captured have no value, though there are bytes for them. */
static void forget_absent(
	const struct snap_crash_thread *thread, struct snap_instruction *instruction)
{
	for (unsigned int i = 0; i < instruction->num_operands; i++) {
		forget_one(thread, &instruction->operands[i].segment);
		forget_one(thread, &instruction->operands[i].base);
		forget_one(thread, &instruction->operands[i].index);
	}
	forget_one(thread, &instruction->value);
}

bool snap_instruction_find(struct snap_crash *crash, const struct snap_crash_thread *thread,
	const struct snap_instruction_place *place, struct snap_instruction *ret)
{
	const struct snap_arch *arch = crash->arch;
	*ret = (struct snap_instruction){
		.addr = place->addr, .is_thumb = place->is_thumb, .value.index = -1};
	if (!arch)
		return false;
	uint8_t bytes[SNAP_INSTRUCTION_MAX_BYTES];
	size_t len = read_code(crash, place->addr, bytes, sizeof(bytes));
	memcpy(ret->bytes, bytes, len);
	ret->len = (uint8_t)len;
	if (len == 0 || !may_be(arch, ret, place->kind))
		return false;
	if (!snap_x86_short_decode(arch, len, ret)) {
		if (snap_disassembler_knows(arch))
			load_disassembler();
		if (!snap_disassemble(arch, len, ret) && !snap_x86_evex_decode(arch, len, ret) &&
			!snap_arm64_lse_decode(arch, len, ret) &&
			!snap_riscv_decode(arch, len, ret))
			return false;
	}
	forget_absent(thread, ret);
	snap_instruction_resolve(arch, thread->pr_reg, ret);
	return true;
}

/* CPSR, bit 5: T. A Cortex-M has no such register, nor another instruction set. */
static bool is_in_thumb(const struct snap_arch *arch, struct snap_bytes pr_reg)
{
	struct snap_register cpsr;
	uint64_t value;
	if (!arch || !arch->has_thumb_bit)
		return false;
	return !snap_register_find(arch, "cpsr", &cpsr) ||
	       (snap_register_value(arch, &cpsr, pr_reg, &value) && value & 0x20);
}

bool snap_instruction_read(struct snap_crash *crash, const struct snap_crash_thread *thread,
	uint64_t addr, struct snap_instruction *ret)
{
	const struct snap_instruction_place place = {
		.addr = addr, .is_thumb = is_in_thumb(crash->arch, thread->pr_reg)};
	return snap_instruction_find(crash, thread, &place, ret);
}

bool snap_instruction_prepare(struct snap_crash *crash)
{
	const struct snap_arch *arch = crash->arch;
	const struct snap_crash_thread *thread = snap_crash_crashed_thread(crash);
	struct snap_instruction first;
	uint64_t pc;
	is_wanted = is_of_instruction(crash) && snap_disassembler_knows(arch) && thread &&
		    thread->pr_reg.data;
	if (!is_wanted ||
		!snap_arch_reg_get(arch, arch->pc, thread->pr_reg.data, thread->pr_reg.len, &pc))
		return true;
	/* That it takes the disassembler is found by trying. */
	return snap_instruction_read(crash, thread, pc, &first) || first.len == sizeof(first.bytes);
}

bool snap_instruction_target(struct snap_crash *crash, const struct snap_crash_thread *thread,
	const struct snap_instruction *instruction, uint64_t *ret)
{
	const struct snap_arch *arch = crash->arch;
	unsigned int word = snap_arch_word(arch);
	uint8_t bytes[8];
	if (instruction->action != SNAP_ACTION_CALL && instruction->action != SNAP_ACTION_JUMP &&
		instruction->action != SNAP_ACTION_RETURN)
		return false;
	if (instruction->value.index >= 0)
		return snap_register_value(arch, &instruction->value, thread->pr_reg, ret);
	for (unsigned int i = 0; i < instruction->num_operands; i++) {
		const struct snap_operand *operand = &instruction->operands[i];
		if (!operand->is_read || !operand->has_address || operand->size != word ||
			!snap_memory_read_all(&crash->memory, operand->address, bytes, word))
			continue;
		*ret = snap_arch_load(arch, bytes, word);
		return true;
	}
	return false;
}
