#include "analyze/explain/arm64_lse.h"

#include <elf.h>
#include <stdint.h>
#include <stdio.h>

#define BYTES 4u
#define NONE  31u /* the register zr; of an address: sp */

struct fields {
	unsigned int rs, rn, rt;
	unsigned int size; /* bytes: 1 << size */
	bool is_acquire, is_release;
	bool is_pair;
	bool is_short; /* stadd: what was there goes nowhere */
	const char *name;
};

static bool read_fields(uint32_t code, struct fields *ret)
{
	static const char *const names[] = {
		"add", "clr", "eor", "set", "smax", "smin", "umax", "umin"};
	*ret = (struct fields){
		.rs = code >> 16 & 31,
		.rn = code >> 5 & 31,
		.rt = code & 31,
		.size = code >> 30,
		.is_acquire = code >> 22 & 1,
		.is_release = code >> 15 & 1,
	};
	if ((code & 0x3fa07c00) == 0x08a07c00) {
		ret->name = "cas";
		return true;
	}
	if ((code & 0xbfa07c00) == 0x08207c00) {
		ret->name = "casp";
		ret->is_pair = true;
		ret->size = 2 + (code >> 30 & 1);
		return ret->rs % 2 == 0 && ret->rt % 2 == 0;
	}
	if ((code & 0x3f200c00) != 0x38200000)
		return false;
	unsigned int opc = code >> 12 & 7;
	bool is_swap = code >> 15 & 1;
	ret->is_acquire = code >> 23 & 1;
	ret->is_release = code >> 22 & 1;
	ret->is_short = !is_swap && ret->rt == NONE && !ret->is_acquire;
	ret->name = is_swap ? "swp" : names[opc];
	return !is_swap || opc == 0;
}

static void put_reg(char *out, size_t size, const struct fields *f, unsigned int number)
{
	char letter = f->size == 3 ? 'x' : 'w';
	if (number == NONE)
		(void)snprintf(out, size, "%czr", letter);
	else
		(void)snprintf(out, size, "%c%u", letter, number);
}

bool snap_arm64_lse_decode(
	const struct snap_arch *arch, size_t len, struct snap_instruction *instruction)
{
	const uint8_t *p = instruction->bytes;
	struct fields f;
	char rs[8], rs2[8], rt[8], rt2[8], rn[8] = "sp", regs[48];
	if (arch->elf_machine != EM_AARCH64 || len < BYTES)
		return false;
	uint32_t code = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
			(uint32_t)p[3] << 24;
	if (!read_fields(code, &f))
		return false;
	if (f.rn != NONE)
		(void)snprintf(rn, sizeof(rn), "x%u", f.rn);
	put_reg(rs, sizeof(rs), &f, f.rs);
	put_reg(rt, sizeof(rt), &f, f.rt);
	put_reg(rs2, sizeof(rs2), &f, f.rs + 1);
	put_reg(rt2, sizeof(rt2), &f, f.rt + 1);
	if (f.is_pair)
		(void)snprintf(regs, sizeof(regs), "%s, %s, %s, %s", rs, rs2, rt, rt2);
	else if (f.is_short)
		(void)snprintf(regs, sizeof(regs), "%s", rs);
	else
		(void)snprintf(regs, sizeof(regs), "%s, %s", rs, rt);
	bool is_named = f.name[0] == 'c' && f.name[1] == 'a'; /* whole names: cas, casp; swp */
	is_named |= f.name[0] == 's' && f.name[1] == 'w';
	(void)snprintf(instruction->text, sizeof(instruction->text), "%s%s%s%s%s %s, [%s]",
		is_named     ? ""
		: f.is_short ? "st"
			     : "ld",
		f.name, f.is_acquire ? "a" : "", f.is_release ? "l" : "",
		f.is_pair || f.size > 1 ? ""
		: f.size == 0		? "b"
					: "h",
		regs, rn);
	struct snap_operand *operand = &instruction->operands[0];
	*operand = (struct snap_operand){
		.is_read = true,
		.is_written = true,
		.size = (1u << f.size) * (f.is_pair ? 2 : 1),
		.segment.index = -1,
		.base.index = -1,
		.index.index = -1,
	};
	(void)snap_register_find(arch, rn, &operand->base);
	instruction->num_operands = 1;
	instruction->size = BYTES;
	return true;
}
