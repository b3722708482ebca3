#include "analyze/explain/x86_evex.h"

#include <elf.h>
#include <stdio.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define PREFIX_BYTES 5 /* 62, three bytes, the opcode */

enum result {
	RESULT_MASK, /* k0 to k7 */
	RESULT_VECTOR,
};

static const struct {
	uint8_t map, opcode, pp, w; /* w 2: either */
	const char *name;
	enum result result;
	bool has_number; /* a byte behind the operand */
} comparisons[] = {
	{1, 0x74, 1, 2, "vpcmpeqb", RESULT_MASK, false},
	{1, 0x75, 1, 2, "vpcmpeqw", RESULT_MASK, false},
	{1, 0x76, 1, 0, "vpcmpeqd", RESULT_MASK, false},
	{2, 0x29, 1, 1, "vpcmpeqq", RESULT_MASK, false},
	{1, 0x64, 1, 2, "vpcmpgtb", RESULT_MASK, false},
	{1, 0x65, 1, 2, "vpcmpgtw", RESULT_MASK, false},
	{1, 0x66, 1, 0, "vpcmpgtd", RESULT_MASK, false},
	{2, 0x37, 1, 1, "vpcmpgtq", RESULT_MASK, false},
	{2, 0x26, 1, 0, "vptestmb", RESULT_MASK, false},
	{2, 0x26, 1, 1, "vptestmw", RESULT_MASK, false},
	{2, 0x27, 1, 0, "vptestmd", RESULT_MASK, false},
	{2, 0x27, 1, 1, "vptestmq", RESULT_MASK, false},
	{2, 0x26, 2, 0, "vptestnmb", RESULT_MASK, false},
	{2, 0x26, 2, 1, "vptestnmw", RESULT_MASK, false},
	{2, 0x27, 2, 0, "vptestnmd", RESULT_MASK, false},
	{2, 0x27, 2, 1, "vptestnmq", RESULT_MASK, false},
	{3, 0x3f, 1, 0, "vpcmpb", RESULT_MASK, true},
	{3, 0x3e, 1, 0, "vpcmpub", RESULT_MASK, true},
	{3, 0x3f, 1, 1, "vpcmpw", RESULT_MASK, true},
	{3, 0x3e, 1, 1, "vpcmpuw", RESULT_MASK, true},
	{3, 0x1f, 1, 0, "vpcmpd", RESULT_MASK, true},
	{3, 0x1e, 1, 0, "vpcmpud", RESULT_MASK, true},
	{3, 0x1f, 1, 1, "vpcmpq", RESULT_MASK, true},
	{3, 0x1e, 1, 1, "vpcmpuq", RESULT_MASK, true},
	{3, 0x25, 1, 0, "vpternlogd", RESULT_VECTOR, true},
	{3, 0x25, 1, 1, "vpternlogq", RESULT_VECTOR, true},
};

static const char *const general[16] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
	"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"};

/* The address: ModRM, SIB, displacement at bytes[0 .. len). How many bytes that took; 0: there is
 * none. */
static size_t decode_address(const struct snap_arch *arch, const uint8_t *bytes, size_t len,
	const uint8_t *prefix, struct snap_operand *operand, bool *ret_by_pc)
{
	size_t used = 1;
	if (len < 1 || bytes[0] >> 6 == 3)
		return 0;
	unsigned int mod = bytes[0] >> 6, rm = bytes[0] & 7;
	unsigned int x = prefix[1] & 0x40 ? 0 : 8, b = prefix[1] & 0x20 ? 0 : 8;
	bool has_base = true;
	if (rm == 4) { /* SIB */
		if (len < 2)
			return 0;
		unsigned int index = (bytes[1] >> 3 & 7) | x;
		operand->index_shift = bytes[1] >> 6;
		if (index != 4)
			(void)snap_register_find(arch, general[index], &operand->index);
		rm = bytes[1] & 7;
		used = 2;
		has_base = !(rm == 5 && mod == 0);
	} else if (rm == 5 && mod == 0) {
		*ret_by_pc = true;
		has_base = false;
	}
	if (has_base)
		(void)snap_register_find(arch, general[rm | b], &operand->base);
	if (mod == 1) { /* in units of what is read */
		if (len < used + 1)
			return 0;
		operand->disp = (int8_t)bytes[used] * (int64_t)operand->size;
		used++;
	} else if (mod == 2 || !has_base) {
		if (len < used + 4)
			return 0;
		uint32_t value = (uint32_t)bytes[used] | (uint32_t)bytes[used + 1] << 8 |
				 (uint32_t)bytes[used + 2] << 16 | (uint32_t)bytes[used + 3] << 24;
		operand->disp = (int32_t)value;
		used += 4;
	}
	return used;
}

static void write_text(const struct snap_operand *operand, bool by_pc, int64_t pc_off,
	const char *begin, int number, struct snap_instruction *out)
{
	char address[80] = "", end[16] = "";
	int64_t disp = by_pc ? pc_off : operand->disp;
	bool has_base = by_pc || operand->base.index >= 0, has_index = operand->index.index >= 0;
	const char *base = by_pc ? "rip" : has_base ? operand->base.name : "";
	char scaled[24] = "", tail[32] = "";
	if (has_index && operand->index_shift > 0)
		(void)snprintf(scaled, sizeof(scaled), "%s%s*%u", has_base ? " + " : "",
			operand->index.name, 1u << operand->index_shift);
	else if (has_index)
		(void)snprintf(
			scaled, sizeof(scaled), "%s%s", has_base ? " + " : "", operand->index.name);
	if (disp != 0 || !(has_base || has_index))
		(void)snprintf(tail, sizeof(tail), "%s0x%llx",
			!(has_base || has_index) ? ""
			: disp < 0		 ? " - "
						 : " + ",
			(unsigned long long)(disp < 0 ? -(uint64_t)disp : (uint64_t)disp));
	(void)snprintf(address, sizeof(address), "%s%s%s", base, scaled, tail);
	if (number >= 0)
		(void)snprintf(end, sizeof(end), ", %d", number);
	(void)snprintf(out->text, sizeof(out->text), "%s%smmword ptr [%s]%s", begin,
		operand->size == 16   ? "x"
		: operand->size == 32 ? "y"
				      : "z",
		address, end);
}

bool snap_x86_evex_decode(
	const struct snap_arch *arch, size_t len, struct snap_instruction *instruction)
{
	const uint8_t *p = instruction->bytes;
	if (arch->elf_machine != EM_X86_64 || arch->elf_class != ELFCLASS64 ||
		len < PREFIX_BYTES + 1 || p[0] != 0x62 || (p[1] & 0x0c) != 0 || !(p[2] & 4))
		return false;
	unsigned int length = p[3] >> 5 & 3;
	if (length == 3 || p[3] & 0x10) /* none, or one element that is repeated */
		return false;
	for (size_t i = 0; i < ARRAY_LEN(comparisons); i++) {
		if (comparisons[i].map != (p[1] & 3) || comparisons[i].opcode != p[4] ||
			comparisons[i].pp != (p[2] & 3) ||
			(comparisons[i].w != 2 && comparisons[i].w != p[2] >> 7))
			continue;
		struct snap_operand *operand = &instruction->operands[0];
		*operand = (struct snap_operand){
			.is_read = true,
			.size = 16u << length,
			.segment.index = -1,
			.base.index = -1,
			.index.index = -1,
		};
		bool by_pc = false;
		size_t used = decode_address(
			arch, p + PREFIX_BYTES, len - PREFIX_BYTES, p, operand, &by_pc);
		size_t size = PREFIX_BYTES + used + (comparisons[i].has_number ? 1 : 0);
		if (used == 0 || size > len)
			return false;
		int64_t pc_off = operand->disp;
		if (by_pc)
			operand->disp += (int64_t)(instruction->addr + size);
		unsigned int reg = p[PREFIX_BYTES] >> 3 & 7;
		unsigned int other = (~p[2] >> 3 & 0xf) | (p[3] & 8 ? 0 : 16);
		bool is_mask = comparisons[i].result == RESULT_MASK;
		if (!is_mask)
			reg |= (p[1] & 0x80 ? 0 : 8) | (p[1] & 0x10 ? 0 : 16);
		char letter = length == 0 ? 'x' : length == 1 ? 'y' : 'z';
		char begin[64], result[16], only[8] = "";
		if (is_mask)
			(void)snprintf(result, sizeof(result), "k%u", reg);
		else
			(void)snprintf(result, sizeof(result), "%cmm%u", letter, reg);
		if (p[3] & 7)
			(void)snprintf(only, sizeof(only), " {k%d}", p[3] & 7);
		(void)snprintf(begin, sizeof(begin), "%s %s%s, %cmm%u, ", comparisons[i].name,
			result, only, letter, other);
		write_text(operand, by_pc, pc_off, begin,
			comparisons[i].has_number ? p[size - 1] : -1, instruction);
		instruction->num_operands = 1;
		instruction->size = (uint8_t)size;
		return true;
	}
	return false;
}
