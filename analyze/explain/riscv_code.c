#include "analyze/explain/riscv_code.h"

#include <elf.h>
#include <stdio.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static const char *const int_names[32] = {"zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0",
	"s1", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7",
	"s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
static const char *const float_names[32] = {"ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7",
	"fs0", "fs1", "fa0", "fa1", "fa2", "fa3", "fa4", "fa5", "fa6", "fa7", "fs2", "fs3", "fs4",
	"fs5", "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11"};

/* Where an instruction keeps its offset: as so many pieces of its bits. */
struct piece {
	uint8_t from, bits, to; /* bits [from, from + bits) are the offset's from bit `to` on */
};
struct layout {
	uint8_t num_pieces;
	bool is_signed; /* of 12 bits */
	struct piece pieces[3];
	/* Registers: of the data, and of the address; 3-bit fields are x8 and following. */
	uint8_t data_from, data_bits, base_from, base_bits; /* base_bits 0: sp */
};

/* clang-format off */
static const struct layout load = {1, true, {{20, 12, 0}}, 7, 5, 15, 5};
static const struct layout store = {2, true, {{25, 7, 5}, {7, 5, 0}}, 20, 5, 15, 5};
static const struct layout small_word = {3, false, {{6, 1, 2}, {10, 3, 3}, {5, 1, 6}}, 2, 3, 7, 3};
static const struct layout small_double = {2, false, {{10, 3, 3}, {5, 2, 6}}, 2, 3, 7, 3};
static const struct layout stack_word = {3, false, {{4, 3, 2}, {12, 1, 5}, {2, 2, 6}}, 7, 5, 0, 0};
static const struct layout stack_double = {3, false, {{5, 2, 3}, {12, 1, 5}, {2, 3, 6}}, 7, 5, 0, 0};
static const struct layout to_stack_word = {2, false, {{9, 4, 2}, {7, 2, 6}}, 2, 5, 0, 0};
static const struct layout to_stack_double = {2, false, {{10, 3, 3}, {7, 3, 6}}, 2, 5, 0, 0};

struct access {
	uint32_t mask, value;
	const char *name;
	uint8_t size;
	bool is_written, is_float;
	const struct layout *layout;
};

static const struct access accesses[] = {
	{0x707f, 0x0003, "lb", 1, false, false, &load},
	{0x707f, 0x1003, "lh", 2, false, false, &load},
	{0x707f, 0x2003, "lw", 4, false, false, &load},
	{0x707f, 0x3003, "ld", 8, false, false, &load},
	{0x707f, 0x4003, "lbu", 1, false, false, &load},
	{0x707f, 0x5003, "lhu", 2, false, false, &load},
	{0x707f, 0x6003, "lwu", 4, false, false, &load},
	{0x707f, 0x2007, "flw", 4, false, true, &load},
	{0x707f, 0x3007, "fld", 8, false, true, &load},
	{0x707f, 0x0023, "sb", 1, true, false, &store},
	{0x707f, 0x1023, "sh", 2, true, false, &store},
	{0x707f, 0x2023, "sw", 4, true, false, &store},
	{0x707f, 0x3023, "sd", 8, true, false, &store},
	{0x707f, 0x2027, "fsw", 4, true, true, &store},
	{0x707f, 0x3027, "fsd", 8, true, true, &store},
	{0xe003, 0x2000, "fld", 8, false, true, &small_double},
	{0xe003, 0x4000, "lw", 4, false, false, &small_word},
	{0xe003, 0x6000, "ld", 8, false, false, &small_double},
	{0xe003, 0xa000, "fsd", 8, true, true, &small_double},
	{0xe003, 0xc000, "sw", 4, true, false, &small_word},
	{0xe003, 0xe000, "sd", 8, true, false, &small_double},
	{0xe003, 0x2002, "fld", 8, false, true, &stack_double},
	{0xe003, 0x4002, "lw", 4, false, false, &stack_word},
	{0xe003, 0x6002, "ld", 8, false, false, &stack_double},
	{0xe003, 0xa002, "fsd", 8, true, true, &to_stack_double},
	{0xe003, 0xc002, "sw", 4, true, false, &to_stack_word},
	{0xe003, 0xe002, "sd", 8, true, false, &to_stack_double},
};

/* What RV32 has where RV64 has ld and sd in 16 bits. */
static const struct access short_floats[] = {
	{0xe003, 0x6000, "flw", 4, false, true, &small_word},
	{0xe003, 0xe000, "fsw", 4, true, true, &small_word},
	{0xe003, 0x6002, "flw", 4, false, true, &stack_word},
	{0xe003, 0xe002, "fsw", 4, true, true, &to_stack_word},
};
#define LWU 0x6003

/* Atomic: bits 31 to 27 and 14 to 12 say which. */
static const struct {
	uint8_t funct5;
	const char *name;
	bool is_read, is_written;
} atomics[] = {
	{0x00, "amoadd", true, true},
	{0x01, "amoswap", true, true},
	{0x02, "lr", true, false},
	{0x03, "sc", false, true},
	{0x04, "amoxor", true, true},
	{0x08, "amoor", true, true},
	{0x0c, "amoand", true, true},
	{0x10, "amomin", true, true},
	{0x14, "amomax", true, true},
	{0x18, "amominu", true, true},
	{0x1c, "amomaxu", true, true},
};

static const struct {
	uint32_t mask, value;
	const char *name;
} others[] = {
	{0xffffffff, 0x00100073, "ebreak"},
	{0xffffffff, 0x00000073, "ecall"},
	{0xffffffff, 0xc0001073, "unimp"},
	{0xffff, 0x9002, "ebreak"},
	{0xffff, 0x0000, "unimp"},
};
/* clang-format on */

static uint32_t field(uint32_t code, unsigned int from, unsigned int bits)
{
	return code >> from & ((UINT32_C(1) << bits) - 1);
}

static struct snap_operand *add_operand(
	const struct snap_arch *arch, struct snap_instruction *out, uint32_t base)
{
	struct snap_operand *operand = &out->operands[out->num_operands++];
	*operand = (struct snap_operand){.segment.index = -1, .base.index = -1, .index.index = -1};
	if (base != 0) /* zero is no register, but always 0 */
		(void)snap_register_find(arch, int_names[base], &operand->base);
	return operand;
}

/* NULL: it is none of them. */
static const struct access *find_access(const struct snap_arch *arch, uint32_t code)
{
	bool is_32 = arch->elf_class == ELFCLASS32;
	for (size_t i = 0; is_32 && i < ARRAY_LEN(short_floats); i++)
		if ((code & short_floats[i].mask) == short_floats[i].value)
			return &short_floats[i];
	for (size_t i = 0; i < ARRAY_LEN(accesses); i++) {
		const struct access *access = &accesses[i];
		bool is_64 = (access->size == 8 && !access->is_float) || access->value == LWU;
		if ((code & access->mask) == access->value)
			return is_32 && is_64 ? NULL : access;
	}
	return NULL;
}

static bool decode_access(const struct snap_arch *arch, uint32_t code, struct snap_instruction *out)
{
	const struct access *access = find_access(arch, code);
	if (!access)
		return false;
	const struct layout *l = access->layout;
	uint32_t disp = 0;
	for (unsigned int j = 0; j < l->num_pieces; j++)
		disp |= field(code, l->pieces[j].from, l->pieces[j].bits) << l->pieces[j].to;
	int32_t off = l->is_signed && disp & 0x800 ? (int32_t)disp - 0x1000 : (int32_t)disp;
	uint32_t data = field(code, l->data_from, l->data_bits) + (l->data_bits == 3 ? 8 : 0);
	uint32_t base =
		l->base_bits == 0
			? 2
			: field(code, l->base_from, l->base_bits) + (l->base_bits == 3 ? 8 : 0);
	/* lwsp and ldsp into no register are reserved. */
	if ((l == &stack_word || l == &stack_double) && !access->is_float && data == 0)
		return false;
	struct snap_operand *operand = add_operand(arch, out, base);
	operand->size = access->size;
	operand->is_written = access->is_written;
	operand->is_read = !access->is_written;
	operand->disp = off;
	(void)snprintf(out->text, sizeof(out->text), "%s %s, %d(%s)", access->name,
		(access->is_float ? float_names : int_names)[data], (int)off, int_names[base]);
	return true;
}

static bool decode_atomic(const struct snap_arch *arch, uint32_t code, struct snap_instruction *out)
{
	uint32_t width = field(code, 12, 3);
	if ((code & 0x7f) != 0x2f || (width != 2 && width != 3) ||
		(width == 3 && arch->elf_class == ELFCLASS32))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(atomics); i++) {
		if (field(code, 27, 5) != atomics[i].funct5)
			continue;
		static const char *const orders[] = {"", ".rl", ".aq", ".aqrl"};
		uint32_t base = field(code, 15, 5);
		struct snap_operand *operand = add_operand(arch, out, base);
		operand->size = operand->align = 1u << width;
		operand->is_read = atomics[i].is_read;
		operand->is_written = atomics[i].is_written;
		bool is_lr = operand->is_read && !operand->is_written;
		(void)snprintf(out->text, sizeof(out->text), "%s.%c%s %s, %s%s(%s)",
			atomics[i].name, width == 2 ? 'w' : 'd', orders[field(code, 25, 2)],
			int_names[field(code, 7, 5)], is_lr ? "" : int_names[field(code, 20, 5)],
			is_lr ? "" : ", ", int_names[base]);
		return true;
	}
	return false;
}

/* Calls and jumps by a register: jalr, c.jalr, c.jr. */
static bool decode_jump(
	const struct snap_arch *arch, uint32_t code, bool is_long, struct snap_instruction *out)
{
	bool is_call;
	uint32_t base;
	int32_t off = 0;
	if (is_long) {
		uint32_t link = field(code, 7, 5);
		if ((code & 0x707f) != 0x67 || link > 1)
			return false;
		is_call = link == 1;
		base = field(code, 15, 5);
		off = (int32_t)field(code, 20, 12);
		off -= off & 0x800 ? 0x1000 : 0;
	} else {
		base = field(code, 7, 5);
		if ((code & 0xe07f) != 0x8002 || base == 0)
			return false;
		is_call = code & 0x1000;
	}
	if (off == 0) /* else the target is not the register's value */
		(void)snap_register_find(arch, int_names[base], &out->value);
	out->action = is_call	  ? SNAP_ACTION_CALL
		      : base == 1 ? SNAP_ACTION_RETURN
				  : SNAP_ACTION_JUMP;
	if (!is_call && base == 1 && off == 0)
		(void)snprintf(out->text, sizeof(out->text), "ret");
	else if (off == 0)
		(void)snprintf(out->text, sizeof(out->text), "%s %s", is_call ? "jalr" : "jr",
			int_names[base]);
	else
		(void)snprintf(out->text, sizeof(out->text), "%s %d(%s)", is_call ? "jalr" : "jr",
			(int)off, int_names[base]);
	return true;
}

bool snap_riscv_decode(
	const struct snap_arch *arch, size_t len, struct snap_instruction *instruction)
{
	if (arch->elf_machine != EM_RISCV || len < 2)
		return false;
	const uint8_t *bytes = instruction->bytes;
	bool is_long = (bytes[0] & 3) == 3;
	if (is_long && len < 4)
		return false;
	uint32_t code = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
	if (is_long)
		code |= (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
	bool is_known = decode_access(arch, code, instruction) ||
			(is_long && decode_atomic(arch, code, instruction)) ||
			decode_jump(arch, code, is_long, instruction);
	for (size_t i = 0; i < ARRAY_LEN(others) && !is_known; i++)
		if ((code & others[i].mask) == others[i].value &&
			is_long == (others[i].mask == UINT32_MAX)) {
			(void)snprintf(
				instruction->text, sizeof(instruction->text), "%s", others[i].name);
			is_known = true;
		}
	if (is_known)
		instruction->size = is_long ? 4 : 2;
	return is_known;
}
