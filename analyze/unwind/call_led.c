#include "analyze/unwind/call_led.h"

#include <elf.h>

#include "analyze/unwind/exception_frame.h"
#include "common/call_site.h"

/* The registers, and the code that ends at the return address. */
struct call {
	struct snap_walk *w;
	const struct snap_registers *registers;
	uint64_t after; /* the return address */
	const uint8_t *end;
	size_t len; /* bytes before end */
};

static bool value_of(const struct call *call, uint64_t dwarf, uint64_t *ret)
{
	int column = snap_arch_column(call->w->arch, dwarf);
	if (column < 0 || !snap_register_known(call->registers, (unsigned int)column))
		return false;
	*ret = call->registers->values[column];
	return true;
}

static uint32_t load(const uint8_t *at, unsigned int len)
{
	uint32_t value = 0;
	for (unsigned int i = len; i-- > 0;)
		value = value << 8 | at[i];
	return value;
}

static uint64_t sign_extend(uint64_t value, unsigned int bits)
{
	uint64_t sign = UINT64_C(1) << (bits - 1);
	return ((value & ((sign << 1) - 1)) ^ sign) - sign;
}

/* ---------------------------------------------------------------- x86 */

enum { X86_SP = 4, REX_B = 1, REX_X = 2 };

/* A register by its number in instructions; the stack pointer as it was before the call. */
static bool x86_value(const struct call *call, unsigned int number, uint64_t *ret)
{
	/* DWARF's numbers on x86-64; on i386 they are the machine's. */
	static const uint8_t dwarf[] = {0, 2, 1, 3, 7, 6, 4, 5};
	bool is_64 = call->w->arch->elf_machine == EM_X86_64;
	if (!value_of(call, is_64 && number < 8 ? dwarf[number] : number, ret))
		return false;
	if (number == X86_SP)
		*ret += snap_arch_word(call->w->arch);
	return true;
}

/* What the operand of `call *operand` has: code[0 .. len), 0xff first; rex: the prefix, or 0. */
static bool x86_operand(
	const struct call *call, const uint8_t *code, size_t len, uint8_t rex, uint64_t *ret)
{
	bool is_64 = call->w->arch->elf_machine == EM_X86_64;
	unsigned int mod = code[1] >> 6, rm = code[1] & 7, base = rm;
	uint64_t addr = 0, index;
	size_t used = 2;
	if (mod == 3)
		return len == used && x86_value(call, rm | (rex & REX_B ? 8u : 0), ret);
	if (rm == 4) {
		if (len <= used)
			return false;
		uint8_t sib = code[used++];
		unsigned int number = (sib >> 3 & 7) | (rex & REX_X ? 8u : 0);
		base = sib & 7;
		if (number != X86_SP) {
			if (!x86_value(call, number, &index))
				return false;
			addr += index << (sib >> 6);
		}
	}
	size_t disp = mod == 1 ? 1 : mod == 2 || base == 5 ? 4 : 0;
	if (len != used + disp)
		return false;
	if (disp > 0)
		addr += sign_extend(load(code + used, (unsigned int)disp), (unsigned int)disp * 8);
	if (mod == 0 && base == 5) {
		/* No base register; without SIB byte, the next instruction's address on x86-64. */
		if (is_64 && rm == 5)
			addr += call->after;
	} else {
		uint64_t value;
		if (!x86_value(call, base | (rex & REX_B ? 8u : 0), &value))
			return false;
		addr += value;
	}
	return snap_walk_read_word(call->w, addr & snap_word_mask(call->w->arch), ret);
}

static bool x86_led(const struct call *call)
{
	for (size_t len = 2; len <= 7 && len <= call->len; len++) {
		const uint8_t *code = call->end - len;
		uint64_t target;
		if (code[0] != 0xff || (code[1] >> 3 & 7) != 2)
			continue;
		/* What stands before may be its prefix, or the end of another instruction. */
		uint8_t before = len < call->len ? code[-1] : 0;
		bool has_rex = call->w->arch->elf_machine == EM_X86_64 && (before & 0xf0) == 0x40;
		if (x86_operand(call, code, len, has_rex ? before : 0, &target) &&
			target == call->registers->pc)
			return true;
	}
	return false;
}

/* ---------------------------------------------------------------- the others */

/*
 * The register that the call goes by, by its DWARF number, and what is added to it; false: it is no
 * such call. That of the return address has another value now.
 */
static bool find_register(
	const struct call *call, bool is_thumb, uint64_t *ret, uint64_t *ret_offset)
{
	uint32_t word = call->len >= 4 ? load(call->end - 4, 4) : 0;
	uint32_t half = call->len >= 2 ? load(call->end - 2, 2) : 0;
	*ret_offset = 0;
	switch (call->w->arch->elf_machine) {
	case EM_AARCH64: /* BLR; BLRAAZ, BLRABZ; BLRAA, BLRAB */
		*ret = word >> 5 & 31;
		return ((word & 0xfffffc1f) == 0xd63f0000 || (word & 0xfffff81f) == 0xd63f081f ||
			       (word & 0xfffff800) == 0xd73f0800) &&
		       *ret != 30 && *ret != 31;
	case EM_ARM: /* BLX */
		*ret = is_thumb ? half >> 3 & 15 : word & 15;
		return (is_thumb ? (half & 0xff87) == 0x4780
				 : (word & 0x0ffffff0) == 0x012fff30 && word >> 28 != 15) &&
		       *ret != 14 && *ret != 15;
	case EM_RISCV: /* C.JALR; JALR */
		if ((half & 0xf07f) == 0x9002 && (half >> 7 & 31) > 1) {
			*ret = half >> 7 & 31;
			return true;
		}
		*ret = word >> 15 & 31;
		*ret_offset = sign_extend(word >> 20, 12);
		return (word & 0x7fff) == 0x00e7 && *ret > 1;
	default:
		return false;
	}
}

static bool register_led(const struct call *call, bool is_thumb)
{
	const struct snap_arch *arch = call->w->arch;
	uint64_t number, offset, value;
	struct snap_registers target = {0};
	if (!find_register(call, is_thumb, &number, &offset) || !value_of(call, number, &value))
		return false;
	/* As an address, it has neither a signature nor the bit that tells Thumb code. */
	snap_set_return_address(call->w, &target, value + offset);
	uint64_t ignored = arch->has_thumb_bit || arch->elf_machine == EM_RISCV ? 1 : 0;
	return (target.pc & ~ignored) == (call->registers->pc & ~ignored);
}

bool snap_call_led_here(struct snap_walk *w, const struct snap_registers *registers,
	const struct snap_registers *caller)
{
	uint8_t code[SNAP_CALL_MAX_BYTES];
	uint64_t target;
	size_t len = sizeof(code);
	if (w->arch->support != SNAP_ARCH_SUPPORTED || snap_is_exc_return(w->arch, registers->pc))
		return false;
	if (snap_call_site_target(w, caller->pc, caller->is_thumb, &target) &&
		target == registers->pc)
		return true;
	while (len > 0 && (len > caller->pc || snap_walk_read_code(w, caller->pc - len,
						       code + sizeof(code) - len, len) != len))
		len--;
	const struct call call = {w, registers, caller->pc, code + sizeof(code), len};
	return w->arch->call_pushes_ra ? x86_led(&call) : register_led(&call, caller->is_thumb);
}
