#include "analyze/explain/x86_short.h"

#include <elf.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* ---------------------------------------------------------------- which there are */

enum map {
	ONE, /* byte of opcode */
	TWO, /* 0f and another one */
};

/* What stands in the text, and in which order. */
enum form {
	E_G, /* what ModRM addresses, and the register in it */
	G_E,
	E_IB, /* a byte that is extended */
	E_IZ, /* as wide as the operand, 4 bytes at most */
	E_UB, /* a byte as it is */
	E_1,
	E_CL,
	E,
	X_E, /* an SSE register */
	E_X,
	G_E_IB,
	G_E_IZ,
	NEAR,	/* a target, 4 bytes from here */
	NEAR_B, /* 1 byte */
	O,	/* the register in the opcode */
	O_IZ,
	O_IB,
	MOVS, /* [rdi], [rsi] */
	STOS, /* [rdi], the accumulator */
	NONE,
};

enum width {
	B = 1,
	W = 2,
	D = 4,
	Q = 8,
	X = 16,
	V, /* 4; 8 with REX.W, 2 with prefix 66 */
};

enum access {
	READ,
	WRITE,
	UPDATE,
	NO, /* lea */
};

enum prefix {
	ANY, /* none, or 66 where the width says what it does */
	P_66 = 0x66,
	P_F2 = 0xf2,
	P_F3 = 0xf3,
};

static const struct row {
	uint8_t map, first, last; /* opcodes */
	int8_t digit;		  /* of ModRM's reg; -1: it is a register */
	uint8_t prefix, form;
	uint8_t size;	/* of what ModRM addresses */
	uint8_t reg;	/* of the register */
	uint8_t access; /* if it is memory */
	uint8_t action;
	bool is_aligned; /* demands it */
	const char *name;
} rows[] = {
/* clang-format off */
#define BOTH_WAYS(opcode, name, access) \
	{ONE, opcode, opcode, -1, ANY, E_G, B, B, access, 0, false, name}, \
	{ONE, (opcode) + 1, (opcode) + 1, -1, ANY, E_G, V, V, access, 0, false, name}, \
	{ONE, (opcode) + 2, (opcode) + 2, -1, ANY, G_E, B, B, READ, 0, false, name}, \
	{ONE, (opcode) + 3, (opcode) + 3, -1, ANY, G_E, V, V, READ, 0, false, name}
#define BY_NUMBER(digit, name, access) \
	{ONE, 0x80, 0x80, digit, ANY, E_IB, B, 0, access, 0, false, name}, \
	{ONE, 0x81, 0x81, digit, ANY, E_IZ, V, 0, access, 0, false, name}, \
	{ONE, 0x83, 0x83, digit, ANY, E_IB, V, 0, access, 0, false, name}
#define SHIFT(digit, name) \
	{ONE, 0xc0, 0xc0, digit, ANY, E_UB, B, 0, UPDATE, 0, false, name}, \
	{ONE, 0xc1, 0xc1, digit, ANY, E_UB, V, 0, UPDATE, 0, false, name}, \
	{ONE, 0xd0, 0xd0, digit, ANY, E_1, B, 0, UPDATE, 0, false, name}, \
	{ONE, 0xd1, 0xd1, digit, ANY, E_1, V, 0, UPDATE, 0, false, name}, \
	{ONE, 0xd2, 0xd2, digit, ANY, E_CL, B, 0, UPDATE, 0, false, name}, \
	{ONE, 0xd3, 0xd3, digit, ANY, E_CL, V, 0, UPDATE, 0, false, name}
#define ONE_OPERAND(opcode, digit, name, access, action) \
	{ONE, opcode, opcode, digit, ANY, E, B, 0, access, action, false, name}, \
	{ONE, (opcode) + 1, (opcode) + 1, digit, ANY, E, V, 0, access, action, false, name}
	BOTH_WAYS(0x88, "mov", WRITE),
	BOTH_WAYS(0x00, "add", UPDATE),
	BOTH_WAYS(0x08, "or", UPDATE),
	BOTH_WAYS(0x10, "adc", UPDATE),
	BOTH_WAYS(0x18, "sbb", UPDATE),
	BOTH_WAYS(0x20, "and", UPDATE),
	BOTH_WAYS(0x28, "sub", UPDATE),
	BOTH_WAYS(0x30, "xor", UPDATE),
	BOTH_WAYS(0x38, "cmp", READ),
	BY_NUMBER(0, "add", UPDATE),
	BY_NUMBER(1, "or", UPDATE),
	BY_NUMBER(2, "adc", UPDATE),
	BY_NUMBER(3, "sbb", UPDATE),
	BY_NUMBER(4, "and", UPDATE),
	BY_NUMBER(5, "sub", UPDATE),
	BY_NUMBER(6, "xor", UPDATE),
	BY_NUMBER(7, "cmp", READ),
	SHIFT(0, "rol"),
	SHIFT(1, "ror"),
	SHIFT(4, "shl"),
	SHIFT(5, "shr"),
	SHIFT(7, "sar"),
	{ONE, 0xc6, 0xc6, 0, ANY, E_IB, B, 0, WRITE, 0, false, "mov"},
	{ONE, 0xc7, 0xc7, 0, ANY, E_IZ, V, 0, WRITE, 0, false, "mov"},
	{ONE, 0xb0, 0xb7, -1, ANY, O_IB, B, B, NO, 0, false, "mov"},
	{ONE, 0xb8, 0xbf, -1, ANY, O_IZ, V, V, NO, 0, false, "mov"},
	{ONE, 0x84, 0x84, -1, ANY, E_G, B, B, READ, 0, false, "test"},
	{ONE, 0x85, 0x85, -1, ANY, E_G, V, V, READ, 0, false, "test"},
	{ONE, 0xf6, 0xf6, 0, ANY, E_IB, B, 0, READ, 0, false, "test"},
	{ONE, 0xf7, 0xf7, 0, ANY, E_IZ, V, 0, READ, 0, false, "test"},
	{ONE, 0x86, 0x86, -1, ANY, E_G, B, B, UPDATE, 0, false, "xchg"},
	{ONE, 0x87, 0x87, -1, ANY, E_G, V, V, UPDATE, 0, false, "xchg"},
	{ONE, 0x8d, 0x8d, -1, ANY, G_E, V, V, NO, 0, false, "lea"},
	{ONE, 0x63, 0x63, -1, ANY, G_E, D, V, READ, 0, false, "movsxd"},
	{ONE, 0x69, 0x69, -1, ANY, G_E_IZ, V, V, READ, 0, false, "imul"},
	{ONE, 0x6b, 0x6b, -1, ANY, G_E_IB, V, V, READ, 0, false, "imul"},
	ONE_OPERAND(0xf6, 2, "not", UPDATE, 0),
	ONE_OPERAND(0xf6, 3, "neg", UPDATE, 0),
	ONE_OPERAND(0xf6, 4, "mul", READ, 0),
	ONE_OPERAND(0xf6, 5, "imul", READ, 0),
	ONE_OPERAND(0xf6, 6, "div", READ, SNAP_ACTION_DIVIDE),
	ONE_OPERAND(0xf6, 7, "idiv", READ, SNAP_ACTION_DIVIDE),
	ONE_OPERAND(0xfe, 0, "inc", UPDATE, 0),
	ONE_OPERAND(0xfe, 1, "dec", UPDATE, 0),
	{ONE, 0xff, 0xff, 2, ANY, E, Q, 0, READ, SNAP_ACTION_CALL, false, "call"},
	{ONE, 0xff, 0xff, 4, ANY, E, Q, 0, READ, SNAP_ACTION_JUMP, false, "jmp"},
	{ONE, 0xff, 0xff, 6, ANY, E, Q, 0, READ, 0, false, "push"},
	{ONE, 0x50, 0x57, -1, ANY, O, Q, Q, NO, 0, false, "push"},
	{ONE, 0x58, 0x5f, -1, ANY, O, Q, Q, NO, 0, false, "pop"},
	{ONE, 0xe8, 0xe8, -1, ANY, NEAR, Q, 0, NO, SNAP_ACTION_CALL, false, "call"},
	{ONE, 0xe9, 0xe9, -1, ANY, NEAR, Q, 0, NO, SNAP_ACTION_JUMP, false, "jmp"},
	{ONE, 0xeb, 0xeb, -1, ANY, NEAR_B, Q, 0, NO, SNAP_ACTION_JUMP, false, "jmp"},
	{ONE, 0xc3, 0xc3, -1, ANY, NONE, Q, 0, NO, SNAP_ACTION_RETURN, false, "ret"},
	{ONE, 0xc9, 0xc9, -1, ANY, NONE, Q, 0, NO, 0, false, "leave"},
	{ONE, 0xcc, 0xcc, -1, ANY, NONE, Q, 0, NO, 0, false, "int3"},
	{ONE, 0xf4, 0xf4, -1, ANY, NONE, Q, 0, NO, SNAP_ACTION_PRIVILEGED, false, "hlt"},
	{ONE, 0xa4, 0xa4, -1, ANY, MOVS, B, B, WRITE, 0, false, "movs"},
	{ONE, 0xa5, 0xa5, -1, ANY, MOVS, V, V, WRITE, 0, false, "movs"},
	{ONE, 0xa4, 0xa4, -1, P_F3, MOVS, B, B, WRITE, 0, false, "rep movs"},
	{ONE, 0xa5, 0xa5, -1, P_F3, MOVS, V, V, WRITE, 0, false, "rep movs"},
	{ONE, 0xaa, 0xaa, -1, ANY, STOS, B, B, WRITE, 0, false, "stos"},
	{ONE, 0xab, 0xab, -1, ANY, STOS, V, V, WRITE, 0, false, "stos"},
	{ONE, 0xaa, 0xaa, -1, P_F3, STOS, B, B, WRITE, 0, false, "rep stos"},
	{ONE, 0xab, 0xab, -1, P_F3, STOS, V, V, WRITE, 0, false, "rep stos"},
	{TWO, 0x0b, 0x0b, -1, ANY, NONE, Q, 0, NO, 0, false, "ud2"},
	{TWO, 0xb6, 0xb6, -1, ANY, G_E, B, V, READ, 0, false, "movzx"},
	{TWO, 0xb7, 0xb7, -1, ANY, G_E, W, V, READ, 0, false, "movzx"},
	{TWO, 0xbe, 0xbe, -1, ANY, G_E, B, V, READ, 0, false, "movsx"},
	{TWO, 0xbf, 0xbf, -1, ANY, G_E, W, V, READ, 0, false, "movsx"},
	{TWO, 0xaf, 0xaf, -1, ANY, G_E, V, V, READ, 0, false, "imul"},
	{TWO, 0x10, 0x10, -1, ANY, X_E, X, X, READ, 0, false, "movups"},
	{TWO, 0x11, 0x11, -1, ANY, E_X, X, X, WRITE, 0, false, "movups"},
	{TWO, 0x10, 0x10, -1, P_66, X_E, X, X, READ, 0, false, "movupd"},
	{TWO, 0x11, 0x11, -1, P_66, E_X, X, X, WRITE, 0, false, "movupd"},
	{TWO, 0x10, 0x10, -1, P_F3, X_E, D, X, READ, 0, false, "movss"},
	{TWO, 0x11, 0x11, -1, P_F3, E_X, D, X, WRITE, 0, false, "movss"},
	{TWO, 0x10, 0x10, -1, P_F2, X_E, Q, X, READ, 0, false, "movsd"},
	{TWO, 0x11, 0x11, -1, P_F2, E_X, Q, X, WRITE, 0, false, "movsd"},
	{TWO, 0x28, 0x28, -1, ANY, X_E, X, X, READ, 0, true, "movaps"},
	{TWO, 0x29, 0x29, -1, ANY, E_X, X, X, WRITE, 0, true, "movaps"},
	{TWO, 0x28, 0x28, -1, P_66, X_E, X, X, READ, 0, true, "movapd"},
	{TWO, 0x29, 0x29, -1, P_66, E_X, X, X, WRITE, 0, true, "movapd"},
	{TWO, 0x6f, 0x6f, -1, P_66, X_E, X, X, READ, 0, true, "movdqa"},
	{TWO, 0x7f, 0x7f, -1, P_66, E_X, X, X, WRITE, 0, true, "movdqa"},
	{TWO, 0x6f, 0x6f, -1, P_F3, X_E, X, X, READ, 0, false, "movdqu"},
	{TWO, 0x7f, 0x7f, -1, P_F3, E_X, X, X, WRITE, 0, false, "movdqu"},
	{TWO, 0x7e, 0x7e, -1, P_F3, X_E, Q, X, READ, 0, false, "movq"},
	{TWO, 0xd6, 0xd6, -1, P_66, E_X, Q, X, WRITE, 0, false, "movq"},
	{TWO, 0x58, 0x58, -1, P_F2, X_E, Q, X, READ, 0, false, "addsd"},
	{TWO, 0x59, 0x59, -1, P_F2, X_E, Q, X, READ, 0, false, "mulsd"},
	{TWO, 0x5c, 0x5c, -1, P_F2, X_E, Q, X, READ, 0, false, "subsd"},
	{TWO, 0x5e, 0x5e, -1, P_F2, X_E, Q, X, READ, 0, false, "divsd"},
	{TWO, 0x58, 0x58, -1, P_F3, X_E, D, X, READ, 0, false, "addss"},
	{TWO, 0x59, 0x59, -1, P_F3, X_E, D, X, READ, 0, false, "mulss"},
	{TWO, 0x5c, 0x5c, -1, P_F3, X_E, D, X, READ, 0, false, "subss"},
	{TWO, 0x5e, 0x5e, -1, P_F3, X_E, D, X, READ, 0, false, "divss"},
	{TWO, 0x74, 0x74, -1, P_66, X_E, X, X, READ, 0, true, "pcmpeqb"},
	/* clang-format on */
};

/* ---------------------------------------------------------------- reading */

struct reader {
	const struct snap_arch *arch;
	struct snap_instruction *out;
	const uint8_t *bytes;
	size_t len, off;
	bool failed;
	uint8_t rex, segment, mandatory; /* prefixes; 0: none */
	const struct row *row;
	uint8_t map, opcode, modrm;
	unsigned int size, reg_size; /* bytes, by the prefixes */
	bool has_memory, by_pc;
	struct snap_operand memory;
	int64_t number;
	char text[SNAP_INSTRUCTION_MAX_TEXT];
	size_t text_len;
};

static uint64_t take(struct reader *r, unsigned int num)
{
	uint64_t value = 0;
	if (num > r->len - r->off) {
		r->failed = true;
		return 0;
	}
	for (unsigned int i = 0; i < num; i++)
		value |= (uint64_t)r->bytes[r->off + i] << 8 * i;
	r->off += num;
	return value;
}

static int64_t take_signed(struct reader *r, unsigned int num)
{
	uint64_t value = take(r, num);
	unsigned int unused = 64 - 8 * num;
	return (int64_t)(value << unused) >> unused;
}

static void __attribute__((format(printf, 2, 3))) say(struct reader *r, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(r->text + r->text_len, sizeof(r->text) - r->text_len, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(r->text) - r->text_len)
		r->failed = true;
	else
		r->text_len += (size_t)n;
}

static void say_number(struct reader *r, const char *sign, uint64_t value)
{
	say(r, value > 9 ? "%s0x%" PRIx64 : "%s%" PRIu64, sign, value);
}

/* At most one of each kind: of several, the last counts, or none. */
static void read_prefixes(struct reader *r)
{
	for (; r->off < r->len; r->off++) {
		uint8_t byte = r->bytes[r->off];
		if ((byte == 0x64 || byte == 0x65) && !r->segment)
			r->segment = byte;
		else if ((byte == P_66 || byte == P_F2 || byte == P_F3) && !r->mandatory)
			r->mandatory = byte;
		else
			break;
	}
	if (r->off < r->len && (r->bytes[r->off] & 0xf0) == 0x40)
		r->rex = r->bytes[r->off++];
}

static unsigned int width_of(const struct reader *r, uint8_t width)
{
	if (width != V)
		return width;
	return r->rex & 8 ? 8 : r->mandatory == P_66 ? 2 : 4;
}

static bool find_row(struct reader *r)
{
	r->opcode = (uint8_t)take(r, 1);
	r->map = ONE;
	if (r->opcode == 0x0f) {
		r->opcode = (uint8_t)take(r, 1);
		r->map = TWO;
	}
	uint8_t digit = r->off < r->len ? r->bytes[r->off] >> 3 & 7 : 0;
	for (size_t i = 0; i < ARRAY_LEN(rows) && !r->failed; i++) {
		const struct row *row = &rows[i];
		/* What 66 does is said by the width; of SSE it is another instruction. */
		bool widens = row->prefix == ANY && (row->size == V || row->reg == V);
		if (row->map == r->map && r->opcode >= row->first && r->opcode <= row->last &&
			(row->digit < 0 || row->digit == digit) &&
			(row->prefix == r->mandatory || (widens && r->mandatory == P_66))) {
			r->row = row;
			r->size = width_of(r, row->size);
			r->reg_size = width_of(r, row->reg);
			return true;
		}
	}
	return false;
}

/* ---------------------------------------------------------------- registers */

static const char *const bytes_names[] = {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"};
static const char *const old_names[] = {"al", "cl", "dl", "bl", "ah", "ch", "dh", "bh"};
static const char *const short_names[] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};

static void name_of(
	const struct reader *r, unsigned int number, unsigned int size, char ret[static 8])
{
	static const char *const ends[] = {[1] = "b", [2] = "w", [4] = "d", [8] = ""};
	if (size == X)
		(void)snprintf(ret, 8, "xmm%u", number & 15);
	else if (number >= 8)
		(void)snprintf(ret, 8, "r%u%s", number & 15, ends[size]);
	else if (size == 1)
		(void)snprintf(ret, 8, "%s", r->rex ? bytes_names[number] : old_names[number]);
	else
		(void)snprintf(ret, 8, "%s%s",
			size == 8   ? "r"
			: size == 4 ? "e"
				    : "",
			short_names[number]);
}

static void find_register(struct reader *r, unsigned int number, struct snap_register *ret)
{
	char name[8];
	name_of(r, number, 8, name);
	if (!snap_register_find(r->arch, name, ret))
		r->failed = true;
}

/* ---------------------------------------------------------------- operands */

/* ModRM, SIB and displacement. */
static void read_address(struct reader *r)
{
	r->modrm = (uint8_t)take(r, 1);
	unsigned int mod = r->modrm >> 6, rm = r->modrm & 7;
	if (r->failed || mod == 3)
		return;
	struct snap_operand *o = &r->memory;
	bool has_base = true;
	r->has_memory = true;
	*o = (struct snap_operand){.segment.index = -1, .base.index = -1, .index.index = -1};
	unsigned int base = rm | (r->rex & 1) << 3;
	if (rm == 4) {
		unsigned int sib = (unsigned int)take(r, 1), index = (sib >> 3 & 7) | (r->rex & 2)
											      << 2;
		o->index_shift = (uint8_t)(sib >> 6);
		base = (sib & 7) | (r->rex & 1) << 3;
		has_base = !((sib & 7) == 5 && mod == 0);
		if (index != 4)
			find_register(r, index, &o->index);
		else if (has_base ? (sib & 7) != 4 || sib >> 6 : sib >> 6)
			r->failed = true; /* there are shorter ways to write it */
	} else if (rm == 5 && mod == 0) {
		r->by_pc = true;
		has_base = false;
	}
	if (has_base)
		find_register(r, base, &o->base);
	o->disp = mod == 1 ? take_signed(r, 1) : mod == 2 || !has_base ? take_signed(r, 4) : 0;
	if (!has_base && !r->by_pc && o->disp < 0)
		r->failed = true;
	if (r->segment && (!snap_register_find(r->arch, r->segment == 0x64 ? "fs_base" : "gs_base",
				   &o->segment) ||
				  r->by_pc))
		r->failed = true;
}

static void say_size(struct reader *r)
{
	say(r, "%s ptr ",
		r->size == 1   ? "byte"
		: r->size == 2 ? "word"
		: r->size == 4 ? "dword"
		: r->size == 8 ? "qword"
			       : "xmmword");
}

static void say_address(struct reader *r)
{
	const struct snap_operand *o = &r->memory;
	const char *sign = "";
	if (r->row->access != NO)
		say_size(r);
	say(r, "%s[", r->segment == 0x64 ? "fs:" : r->segment ? "gs:" : "");
	if (r->by_pc || o->base.index >= 0) {
		say(r, "%s", r->by_pc ? "rip" : o->base.name);
		sign = " + ";
	}
	if (o->index.index >= 0) {
		say(r, "%s%s", sign, o->index.name);
		if (o->index_shift)
			say(r, "*%u", 1u << o->index_shift);
		sign = " + ";
	}
	if (!*sign || o->disp > 0)
		say_number(r, sign, (uint64_t)o->disp);
	else if (o->disp < 0)
		say_number(r, " - ", -(uint64_t)o->disp);
	say(r, "]");
}

static void say_register(struct reader *r, unsigned int number, unsigned int size)
{
	char name[8];
	name_of(r, number, size, name);
	say(r, "%s", name);
}

static void say_e(struct reader *r)
{
	bool is_vector = r->row->form == X_E || r->row->form == E_X;
	if (r->has_memory)
		say_address(r);
	else
		say_register(r, (r->modrm & 7) | (r->rex & 1) << 3, is_vector ? X : r->size);
}

static void say_g(struct reader *r)
{
	say_register(r, (r->modrm >> 3 & 7) | (r->rex & 4) << 1, r->reg_size);
}

/* In bits, as capstone has it. */
static void say_immediate(struct reader *r)
{
	static const char *const logical[] = {"and", "or", "xor"};
	uint64_t mask = r->size < 8 ? (UINT64_C(1) << 8 * r->size) - 1 : UINT64_MAX;
	bool is_mask = false;
	for (size_t i = 0; i < ARRAY_LEN(logical); i++)
		is_mask |= strcmp(r->row->name, logical[i]) == 0;
	say(r, ", ");
	/* What was extended shows its sign, but to a byte's width. */
	bool is_extended = (r->row->form == E_IB || r->row->form == G_E_IB) && r->size > 1;
	if (r->number >= 0 || is_mask || r->row->form == O_IZ || (!is_extended && r->size < 8))
		say_number(r, "", (uint64_t)r->number & mask);
	else
		say_number(r, "-", -(uint64_t)r->number);
}

/* ---------------------------------------------------------------- all of it */

static bool has_modrm(const struct row *row)
{
	return row->form < NEAR;
}

static void read_rest(struct reader *r)
{
	unsigned int word = r->size < 4 ? r->size : 4;
	if (has_modrm(r->row))
		read_address(r);
	switch (r->row->form) {
	case E_IB:
	case G_E_IB:
	case NEAR_B:
	case O_IB:
		r->number = take_signed(r, 1);
		break;
	case E_UB:
		r->number = (int64_t)take(r, 1);
		break;
	case E_IZ:
	case G_E_IZ:
		r->number = take_signed(r, word);
		break;
	case NEAR:
		r->number = take_signed(r, 4);
		break;
	case O_IZ:
		r->number = take_signed(r, r->size);
		break;
	}
}

static void say_text(struct reader *r)
{
	say(r, "%s", r->row->form == O_IZ && r->size == 8 ? "movabs" : r->row->name);
	if (r->row->form == MOVS || r->row->form == STOS)
		say(r, "%s", r->size == 1 ? "b" : r->size == 2 ? "w" : r->size == 4 ? "d" : "q");
	if (r->row->form != NONE)
		say(r, " ");
	switch (r->row->form) {
	case E_G:
	case E_X:
		say_e(r);
		say(r, ", ");
		say_g(r);
		break;
	case G_E:
	case X_E:
	case G_E_IB:
	case G_E_IZ:
		say_g(r);
		say(r, ", ");
		say_e(r);
		if (r->row->form == G_E_IB || r->row->form == G_E_IZ)
			say_immediate(r);
		break;
	case E_IB:
	case E_IZ:
	case E_UB:
		say_e(r);
		say_immediate(r);
		break;
	case E_1:
		say_e(r);
		say(r, ", 1");
		break;
	case E_CL:
		say_e(r);
		say(r, ", cl");
		break;
	case E:
		say_e(r);
		break;
	case NEAR:
	case NEAR_B:
		say_number(r, "", r->out->addr + r->off + (uint64_t)r->number);
		break;
	case MOVS:
		say_size(r);
		say(r, "[rdi], ");
		say_size(r);
		say(r, "[rsi]");
		break;
	case STOS:
		say_size(r);
		say(r, "[rdi], ");
		say_register(r, 0, r->size);
		break;
	case O:
	case O_IB:
	case O_IZ:
		say_register(r, (r->opcode & 7) | (r->rex & 1) << 3, r->reg_size);
		if (r->row->form != O)
			say_immediate(r);
		break;
	}
}

static void add_at(
	struct reader *r, const char *reg, unsigned int size, bool is_written, bool is_stack)
{
	struct snap_operand *o = &r->out->operands[r->out->num_operands++];
	*o = (struct snap_operand){
		.is_implicit = is_stack,
		.is_read = !is_written,
		.is_written = is_written,
		.size = size,
		.disp = is_stack && is_written ? -8 : 0,
		.segment.index = -1,
		.index.index = -1,
	};
	if (!snap_register_find(r->arch, reg, &o->base))
		r->failed = true;
}

static void fill(struct reader *r)
{
	const struct row *row = r->row;
	struct snap_instruction *out = r->out;
	out->action = (enum snap_action)row->action;
	out->is_signed = strcmp(row->name, "idiv") == 0;
	if (row->form == E || row->form == O || row->form == NEAR || row->form == NEAR_B)
		out->width = (uint8_t)r->size;
	if (row->form == E && !r->has_memory && out->action != SNAP_ACTION_OTHER) {
		char name[8];
		name_of(r, (r->modrm & 7) | (r->rex & 1) << 3, r->size, name);
		if (!snap_register_find(r->arch, name, &out->value))
			r->failed = true;
	}
	if (r->has_memory && row->access != NO) {
		struct snap_operand *o = &out->operands[out->num_operands++];
		*o = r->memory;
		o->size = r->size;
		o->align = row->is_aligned ? 16 : 0;
		o->is_read = row->access != WRITE;
		o->is_written = row->access != READ;
		o->disp += r->by_pc ? (int64_t)(out->addr + r->off) : 0;
	}
	if (strcmp(row->name, "push") == 0 || strcmp(row->name, "call") == 0)
		add_at(r, "rsp", 8, true, true);
	else if (strcmp(row->name, "pop") == 0 || strcmp(row->name, "ret") == 0)
		add_at(r, "rsp", 8, false, true);
	else if (strcmp(row->name, "leave") == 0)
		add_at(r, "rbp", 8, false, true);
	if (row->form == MOVS || row->form == STOS)
		add_at(r, "rdi", r->size, true, false);
	if (row->form == MOVS)
		add_at(r, "rsi", r->size, false, false);
}

bool snap_x86_short_decode(
	const struct snap_arch *arch, size_t len, struct snap_instruction *instruction)
{
	struct snap_instruction made = *instruction;
	struct reader r = {.arch = arch, .out = &made, .bytes = made.bytes, .len = len};
	if (arch->elf_machine != EM_X86_64 || arch->elf_class != ELFCLASS64)
		return false;
	read_prefixes(&r);
	if (!find_row(&r))
		return false;
	read_rest(&r);
	/* What stands before none of those that have no use for it. */
	if (r.failed || (r.segment && !(r.has_memory && r.row->access != NO)) ||
		(r.row->form == E && r.size == Q && r.mandatory) ||
		(!r.has_memory && r.row->access == NO && has_modrm(r.row)) ||
		/* With REX.W these are others, and without it this one is. */
		(r.map == TWO && (r.opcode == 0x7e || r.opcode == 0xd6) && r.rex & 8) ||
		(r.map == ONE && r.opcode == 0x63 && !(r.rex & 8)) ||
		(r.rex && (r.row->form == NEAR || r.row->form == NEAR_B)))
		return false;
	say_text(&r);
	made.value.index = -1;
	fill(&r);
	if (r.failed)
		return false;
	made.size = (uint8_t)r.off;
	memcpy(made.text, r.text, r.text_len + 1);
	*instruction = made;
	return true;
}

/* ---------------------------------------------------------------- which it may be */

/* Prefixes passed over. False: there is nothing behind. */
static bool find_opcode(const uint8_t *bytes, size_t len, uint8_t *ret, uint8_t *ret_second)
{
	static const uint8_t prefixes[] = {
		0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, P_66, 0x67, 0xf0, P_F2, P_F3};
	size_t off = 0;
	while (off < len &&
		((bytes[off] & 0xf0) == 0x40 || memchr(prefixes, bytes[off], sizeof(prefixes))))
		off++;
	if (off == len)
		return false;
	*ret = bytes[off];
	*ret_second = off + 1 < len ? bytes[off + 1] : 0;
	return true;
}

bool snap_x86_may_move(const uint8_t *bytes, size_t len)
{
	uint8_t opcode, second;
	if (!find_opcode(bytes, len, &opcode, &second))
		return false;
	return (opcode >= 0x88 && opcode <= 0x8e) || (opcode >= 0xa0 && opcode <= 0xa3) ||
	       (opcode >= 0xb0 && opcode <= 0xbf) || opcode == 0xc6 || opcode == 0xc7 ||
	       (opcode == 0x0f && second >= 0x20 && second <= 0x26);
}

bool snap_x86_may_call(const uint8_t *bytes, size_t len)
{
	uint8_t opcode, second;
	if (!find_opcode(bytes, len, &opcode, &second))
		return false;
	return opcode == 0xe8 || opcode == 0x9a || (opcode == 0xff && (second & 0x30) == 0x10);
}
