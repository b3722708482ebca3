#include "common/call_site.h"

#include <elf.h>

/* The ways in which the bytes before an address can be read as a call. */
struct call {
	bool direct, indirect;
	uint64_t target; /* of a direct one */
};

/* The bytes from some place on up to the address, as one of them counts from the end. */
struct code {
	const uint8_t *end;
	size_t len;
};

/* Instructions are little-endian on all these machines, whatever data are. */
static uint32_t half_before(const struct code *code, size_t back)
{
	return code->end[-(ptrdiff_t)back] | (uint32_t)code->end[1 - (ptrdiff_t)back] << 8;
}

static uint32_t word_before(const struct code *code, size_t back)
{
	return half_before(code, back) | half_before(code, back - 2) << 16;
}

/* The low bits of value as a two's complement number. */
static uint64_t sign_extend(uint64_t value, unsigned int bits)
{
	uint64_t sign = UINT64_C(1) << (bits - 1);
	return ((value & ((sign << 1) - 1)) ^ sign) - sign;
}

/* Bytes from the opcode on of an instruction with this ModRM and, if it has one, SIB byte. */
static size_t x86_length(uint8_t modrm, uint8_t sib)
{
	unsigned int mod = modrm >> 6, rm = modrm & 7;
	size_t len = 2;
	if (mod == 3)
		return len;
	if (rm == 4)
		len++;
	if (mod == 1)
		return len + 1;
	/* Without a base register the displacement is there even if mod says that there is none. */
	bool no_base = rm == 5 || (rm == 4 && (sib & 7) == 5);
	return mod == 2 || no_base ? len + 4 : len;
}

/*
 * Prefixes need no look: none of those that calls are made with (REX, 66 as padding, segments, 3E
 * as notrack, F2 as bnd) changes what follows the opcode.
 */
static struct call x86_call(const struct code *code, uint64_t pc)
{
	struct call call = {0};
	if (code->len >= 5 && code->end[-5] == 0xe8) {
		call.direct = true;
		call.target = pc + sign_extend(word_before(code, 4), 32);
	}
	for (size_t len = 2; len <= 7 && len <= code->len; len++) {
		const uint8_t *at = code->end - len;
		unsigned int operation = at[1] >> 3 & 7;
		/* /2 is a near call, /3 a far one, whose operand is always in memory. */
		if (at[0] == 0xff && (operation == 2 || (operation == 3 && at[1] >> 6 != 3)) &&
			x86_length(at[1], len > 2 ? at[2] : 0) == len)
			call.indirect = true;
	}
	return call;
}

static struct call aarch64_call(const struct code *code, uint64_t pc)
{
	struct call call = {0};
	if (pc % 4 != 0 || code->len < 4)
		return call;
	uint32_t word = word_before(code, 4);
	if ((word & 0xfc000000) == 0x94000000) { /* BL */
		call.direct = true;
		call.target = pc - 4 + (sign_extend(word, 26) << 2);
	}
	call.indirect = (word & 0xfffffc1f) == 0xd63f0000 || /* BLR */
			(word & 0xfffff81f) == 0xd63f081f || /* BLRAAZ, BLRABZ */
			(word & 0xfffff800) == 0xd73f0800;   /* BLRAA, BLRAB */
	return call;
}

#define ARM_PC 15

/* BX, MOV pc and LDR pc: what follows "mov lr, pc" on machines that have no BLX. */
static bool is_arm_jump(uint32_t word)
{
	if ((word & 0x0ffffff0) == 0x012fff10 || (word & 0x0ffffff0) == 0x01a0f000)
		return true;
	/* With a register offset bit 4 is clear: else it is a media instruction. */
	return (word & 0x0c50f000) == 0x0410f000 && (word & 0x02000010) != 0x02000010;
}

static struct call arm_call(const struct code *code, uint64_t pc)
{
	struct call call = {0};
	if (pc % 4 != 0 || code->len < 4)
		return call;
	uint32_t word = word_before(code, 4);
	/* The pc that an instruction reads is that of the instruction and 8. */
	uint64_t target = pc + 4 + (sign_extend(word, 24) << 2);
	if (word >> 28 == 0xf) {
		call.direct = (word & 0xfe000000) == 0xfa000000; /* BLX, to Thumb code */
		call.target = (target + (word >> 23 & 2)) | 1;
		return call;
	}
	call.direct = (word & 0x0f000000) == 0x0b000000; /* BL */
	call.target = target;
	call.indirect = (word & 0x0ffffff0) == 0x012fff30 && (word & 0xf) != ARM_PC; /* BLX */
	if (code->len >= 8 && (word_before(code, 8) & 0x0fffffff) == 0x01a0e00f) /* MOV lr, pc */
		call.indirect |= is_arm_jump(word);
	return call;
}

static struct call thumb_call(const struct code *code, uint64_t pc)
{
	struct call call = {0};
	if (code->len < 2)
		return call;
	uint32_t second = half_before(code, 2);
	call.indirect = (second & 0xff87) == 0x4780 && (second >> 3 & 0xf) != ARM_PC; /* BLX */
	if (code->len < 4)
		return call;
	uint32_t first = half_before(code, 4);
	bool is_bl = (second & 0xd000) == 0xd000;
	if ((first & 0xf800) != 0xf000 || (!is_bl && (second & 0xd001) != 0xc000))
		return call;
	uint32_t sign = first >> 10 & 1;
	uint32_t i1 = (second >> 13 & 1) ^ sign ^ 1, i2 = (second >> 11 & 1) ^ sign ^ 1;
	uint64_t offset = sign_extend(
		sign << 24 | i1 << 23 | i2 << 22 | (first & 0x3ff) << 12 | (second & 0x7ff) << 1,
		25);
	call.direct = true;
	call.target = is_bl ? (pc + offset) | 1 : (pc & ~UINT64_C(3)) + offset;
	return call;
}

/* x1 and x5: the registers that are, by convention, where calls leave their return address. */
static bool is_riscv_link(uint32_t reg)
{
	return reg == 1 || reg == 5;
}

/* C.JAL, which only RV32 has: on RV64 it is C.ADDIW. */
static bool is_c_jal(uint32_t half, uint64_t pc, uint64_t *ret_target)
{
	uint32_t offset = (half >> 12 & 1) << 11 | (half >> 8 & 1) << 10 | (half >> 9 & 3) << 8 |
			  (half >> 6 & 1) << 7 | (half >> 7 & 1) << 6 | (half >> 2 & 1) << 5 |
			  (half >> 11 & 1) << 4 | (half >> 3 & 7) << 1;
	*ret_target = pc - 2 + sign_extend(offset, 12);
	return (half & 0xe003) == 0x2001;
}

static struct call riscv_call(const struct code *code, uint64_t pc, bool is_32)
{
	struct call call = {0};
	if (pc % 2 != 0 || code->len < 2)
		return call;
	uint32_t half = half_before(code, 2);
	bool is_c_jalr = (half & 0xf07f) == 0x9002 && (half & 0x0f80) != 0;
	call.indirect = is_c_jalr;
	if (is_32 && is_c_jal(half, pc, &call.target)) {
		call.direct = true;
		/* It may be the end of a longer call. */
		call.indirect |= code->len >= 4 && (half_before(code, 4) & 0x77) == 0x67;
		return call;
	}
	if (code->len < 4)
		return call;
	uint32_t word = word_before(code, 4);
	if (!is_riscv_link(word >> 7 & 31))
		return call;
	if ((word & 0x7f) == 0x6f) { /* JAL */
		uint32_t offset = (word >> 31) << 20 | (word >> 12 & 0xff) << 12 |
				  (word >> 20 & 1) << 11 | (word >> 21 & 0x3ff) << 1;
		call.direct = true;
		call.target = pc - 4 + sign_extend(offset, 21);
	} else if ((word & 0x707f) == 0x67) { /* JALR */
		uint32_t before = code->len >= 8 ? word_before(code, 8) : 0;
		bool is_pair = (before & 0x7f) == 0x17 && (before >> 7 & 31) == (word >> 15 & 31);
		call.direct = is_pair; /* AUIPC and JALR */
		call.target =
			pc - 8 + sign_extend(before & 0xfffff000, 32) + sign_extend(word >> 20, 12);
		call.target &= ~UINT64_C(1);
		call.indirect |= !is_pair;
	}
	return call;
}

static struct call find_call(
	const struct snap_arch *arch, const uint8_t *bytes, size_t len, uint64_t pc)
{
	struct call call = {0};
	if (arch->support != SNAP_ARCH_SUPPORTED)
		return call;
	const struct code code = {bytes + len, len};
	switch (arch->elf_machine) {
	case EM_X86_64:
	case EM_386:
		call = x86_call(&code, pc);
		break;
	case EM_AARCH64:
		call = aarch64_call(&code, pc);
		break;
	case EM_ARM:
		if (pc & 1)
			call = thumb_call(&code, pc & ~UINT64_C(1));
		else if (!arch->is_m_profile)
			call = arm_call(&code, pc);
		break;
	case EM_RISCV:
		call = riscv_call(&code, pc, arch->elf_class == ELFCLASS32);
		break;
	}
	if (arch->elf_class == ELFCLASS32)
		call.target &= UINT32_MAX;
	return call;
}

bool snap_is_after_call(const struct snap_arch *arch, const uint8_t *code, size_t len, uint64_t pc)
{
	struct call call = find_call(arch, code, len, pc);
	return call.direct || call.indirect;
}

bool snap_call_target(
	const struct snap_arch *arch, const uint8_t *code, size_t len, uint64_t pc, uint64_t *ret)
{
	struct call call = find_call(arch, code, len, pc);
	if (!call.direct || call.indirect)
		return false;
	*ret = call.target;
	return true;
}
