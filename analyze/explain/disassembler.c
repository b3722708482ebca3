#include "analyze/explain/disassembler.h"

#include <dlfcn.h>
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include <capstone/capstone.h>

#include "analyze/explain/disassembler_memory.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static struct {
	enum snap_disassembler_state state;
	cs_err (*open)(cs_arch arch, cs_mode mode, csh *handle);
	cs_err (*close)(csh *handle);
	cs_err (*option)(csh handle, cs_opt_type type, size_t value);
	size_t (*disasm)(csh handle, const uint8_t *code, size_t code_size, uint64_t address,
		size_t count, cs_insn **insn);
	void (*free)(cs_insn *insn, size_t count);
	const char *(*reg_name)(csh handle, unsigned int reg_id);
} library;

enum snap_disassembler_state snap_disassembler_state(void)
{
	return library.state;
}

enum snap_disassembler_state snap_disassembler_load(void)
{
	if (library.state != SNAP_DISASSEMBLER_UNTRIED)
		return library.state;
	library.state = SNAP_DISASSEMBLER_MISSING;
	void *handle = dlopen(SNAP_DISASSEMBLER_LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		return library.state;
	const struct {
		const char *name;
		void *place;
	} functions[] = {
		{"cs_open", &library.open},
		{"cs_close", &library.close},
		{"cs_option", &library.option},
		{"cs_disasm", &library.disasm},
		{"cs_free", &library.free},
		{"cs_reg_name", &library.reg_name},
	};
	for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
		void *function = dlsym(handle, functions[i].name);
		if (!function)
			return library.state;
		memcpy(functions[i].place, &function, sizeof(function));
	}
	if (library.option(0, CS_OPT_MEM, (size_t)&snap_disassembler_memory) == CS_ERR_OK)
		library.state = SNAP_DISASSEMBLER_LOADED;
	return library.state;
}

/* What is being made, of what. */
struct decoding {
	const struct snap_arch *arch;
	csh handle;
	const cs_insn *insn;
	struct snap_instruction *out;
};

static void set_register(const struct decoding *d, unsigned int id, struct snap_register *ret)
{
	*ret = (struct snap_register){.index = -1};
	if (id == 0)
		return;
	const char *name = library.reg_name(d->handle, id);
	if (!name || !snap_register_find(d->arch, name, ret)) {
		ret->is_unknown = true;
		ret->name = name; /* the library's own */
	}
}

static struct snap_operand *add_operand(const struct decoding *d)
{
	struct snap_instruction *out = d->out;
	if (out->num_operands >= SNAP_INSTRUCTION_MAX_OPERANDS)
		return NULL;
	struct snap_operand *operand = &out->operands[out->num_operands++];
	*operand = (struct snap_operand){.segment.index = -1, .base.index = -1, .index.index = -1};
	return operand;
}

/* The stack at sp + disp (or at another register, for x86's leave). */
static void add_stack(
	const struct decoding *d, uint16_t reg, int64_t disp, uint32_t size, bool is_written)
{
	struct snap_operand *operand = add_operand(d);
	if (!operand)
		return;
	operand->is_implicit = true;
	operand->is_read = !is_written;
	operand->is_written = is_written;
	operand->size = size;
	operand->disp = disp;
	(void)snap_register_find(d->arch, d->arch->regs[reg].name, &operand->base); /* its own */
}

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool has_prefix(const char *text, const char *const *prefixes, size_t num)
{
	for (size_t i = 0; i < num; i++)
		if (starts_with(text, prefixes[i]))
			return true;
	return false;
}

static bool is_in_group(const cs_insn *insn, unsigned int group)
{
	for (unsigned int i = 0; i < insn->detail->groups_count; i++)
		if (insn->detail->groups[i] == group)
			return true;
	return false;
}

/* ---------------------------------------------------------------- x86 */

/* Bytes of memory that the library gives another size of, or that vary: the most. */
static const struct {
	const char *name; /* begins so */
	uint32_t size;
} x86_sizes[] = {
	{"fxsave", 512},
	{"fxrstor", 512},
	{"xsave", 0},
	{"xrstor", 0},
	{"fnsave", 108},
	{"frstor", 108},
	{"cmpxchg16b", 16},
	{"sgdt", 10},
	{"sidt", 10},
};

/* Of these the first operand is where the result goes, whatever the library says. */
static const char *const x86_stores[] = {"mov", "vmov", "fst", "fist", "fnst", "fbstp", "fnsave",
	"fxsave", "xsave", "stmxcsr", "vstmxcsr", "pextr", "vpextr", "extractps", "vextract",
	"maskmov", "vmaskmov", "vpmaskmov", "set", "sgdt", "sidt", "vcvtps2ph", "vpscatter",
	"vscatter", "vcompress", "vpcompress", "stos", "ins"};
/* And of these it is both read and written. */
static const char *const x86_updates[] = {"cmpxchg", "xadd", "xchg", "inc", "dec", "neg", "not",
	"add", "adc", "sub", "sbb", "and", "or", "xor", "shl", "shr", "sar", "sal", "rol", "ror",
	"rcl", "rcr", "bts", "btr", "btc", "shld", "shrd"};
/* These only compare: whole names. */
static const char *const x86_reads[] = {"cmp", "test", "bt"};
/* Of these nothing is accessed. */
static const char *const x86_none[] = {"lea", "nop", "prefetch", "clflush", "clwb", "invlpg"};
/* Legacy SSE instructions whose 16 bytes may stand anywhere; all others' may not. */
static const char *const x86_unaligned[] = {
	"movups", "movupd", "movdqu", "lddqu", "pcmpestr", "pcmpistr"};
/* Of those with VEX or EVEX prefix, which may stand anywhere, the ones that must not. */
static const char *const x86_aligned[] = {
	"vmovaps", "vmovapd", "vmovdqa", "vmovntps", "vmovntpd", "vmovntdq"};
/* Refused outside of the kernel, as the library's group of them should have it. */
static const char *const x86_privileged[] = {"hlt", "cli", "sti", "in", "insb", "insd", "insw",
	"out", "outsb", "outsd", "outsw", "lgdt", "lidt", "lldt", "ltr", "lmsw", "clts", "invd",
	"wbinvd", "invlpg", "rdmsr", "wrmsr", "rdpmc", "swapgs", "sysexit", "sysret", "xsetbv",
	"monitor", "mwait",
	/* of vectors that programs may not raise */
	"int"};

/* Stack accesses that are not written out: where, in words from the register. */
static const struct {
	unsigned int id;
	bool by_fp;
	bool is_written; /* below the register; else read at it */
} x86_stack[] = {
	{X86_INS_PUSH, false, true},
	{X86_INS_PUSHFQ, false, true},
	{X86_INS_PUSHFD, false, true},
	{X86_INS_CALL, false, true},
	{X86_INS_POP, false, false},
	{X86_INS_POPFQ, false, false},
	{X86_INS_POPFD, false, false},
	{X86_INS_RET, false, false},
	{X86_INS_LEAVE, true, false},
};

/* mov, pop and the like into a segment register; far jumps are none of these. */
static bool x86_loads_segment(const cs_insn *insn)
{
	switch (insn->id) {
	case X86_INS_IRET:
	case X86_INS_IRETD:
	case X86_INS_IRETQ:
	case X86_INS_RETF:
	case X86_INS_RETFQ:
		return true;
	case X86_INS_MOV:
	case X86_INS_POP:
	case X86_INS_LFS:
	case X86_INS_LGS:
	case X86_INS_LSS:
	case X86_INS_LDS:
	case X86_INS_LES:
		break;
	default:
		return false;
	}
	if (insn->detail->x86.op_count == 0 || insn->detail->x86.operands[0].type != X86_OP_REG)
		return false;
	switch (insn->detail->x86.operands[0].reg) {
	case X86_REG_CS:
	case X86_REG_DS:
	case X86_REG_ES:
	case X86_REG_FS:
	case X86_REG_GS:
	case X86_REG_SS:
		return true;
	default:
		return false;
	}
}

static bool x86_is_privileged(const cs_insn *insn)
{
	if (is_in_group(insn, X86_GRP_PRIVILEGE))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(x86_privileged); i++)
		if (strcmp(insn->mnemonic, x86_privileged[i]) == 0)
			return true;
	if (insn->id != X86_INS_MOV)
		return false;
	/* Control and debug registers. */
	for (unsigned int i = 0; i < insn->detail->x86.op_count; i++) {
		const cs_x86_op *op = &insn->detail->x86.operands[i];
		if (op->type == X86_OP_REG &&
			((op->reg >= X86_REG_CR0 && op->reg <= X86_REG_CR15) ||
				(op->reg >= X86_REG_DR0 && op->reg <= X86_REG_DR15)))
			return true;
	}
	return false;
}

/* Without "lock ", "rep " and the like. */
static const char *x86_bare_name(const cs_insn *insn)
{
	const char *space = strrchr(insn->mnemonic, ' ');
	return space ? space + 1 : insn->mnemonic;
}

static uint32_t x86_align(const cs_insn *insn, const char *name, const struct snap_operand *operand)
{
	if (strcmp(name, "cmpxchg16b") == 0 || starts_with(name, "fxsave") ||
		starts_with(name, "fxrstor"))
		return 16;
	if (operand->size < 16)
		return 0;
	if (name[0] == 'v')
		return has_prefix(name, x86_aligned, ARRAY_LEN(x86_aligned)) ? operand->size : 0;
	bool has_vector = false;
	for (unsigned int i = 0; i < insn->detail->x86.op_count; i++) {
		const cs_x86_op *op = &insn->detail->x86.operands[i];
		has_vector |= op->type == X86_OP_REG && op->reg >= X86_REG_XMM0 &&
			      op->reg <= X86_REG_XMM31;
	}
	return has_vector && !has_prefix(name, x86_unaligned, ARRAY_LEN(x86_unaligned)) ? 16 : 0;
}

/* xlatb reads at rbx + al, and neither is written out. */
static void x86_translate(const struct decoding *d)
{
	struct snap_operand *operand = add_operand(d);
	if (!operand)
		return;
	operand->is_read = true;
	operand->size = 1;
	set_register(
		d, d->insn->detail->x86.addr_size == 8 ? X86_REG_RBX : X86_REG_EBX, &operand->base);
	set_register(d, X86_REG_AL, &operand->index);
}

static void x86_memory(const struct decoding *d, const char *name, unsigned int index)
{
	const cs_x86 *x86 = &d->insn->detail->x86;
	const cs_x86_op *op = &x86->operands[index];
	struct snap_operand *operand;
	if (has_prefix(name, x86_none, ARRAY_LEN(x86_none)) || !(operand = add_operand(d)))
		return;
	operand->size = op->size;
	for (size_t i = 0; i < ARRAY_LEN(x86_sizes); i++)
		if (starts_with(name, x86_sizes[i].name))
			operand->size = x86_sizes[i].size;
	operand->is_read = op->access & CS_AC_READ || !(op->access & CS_AC_WRITE);
	operand->is_written = op->access & CS_AC_WRITE;
	if (index == 0 && has_prefix(name, x86_stores, ARRAY_LEN(x86_stores))) {
		operand->is_written = true;
		operand->is_read = false;
	} else if (index == 0 && has_prefix(name, x86_updates, ARRAY_LEN(x86_updates))) {
		operand->is_read = operand->is_written = true;
	}
	for (size_t i = 0; i < ARRAY_LEN(x86_reads); i++)
		if (strcmp(name, x86_reads[i]) == 0) {
			operand->is_read = true;
			operand->is_written = false;
		}
	operand->align = x86_align(d->insn, name, operand);
	/* The other segments begin at 0. */
	if (op->mem.segment == X86_REG_FS || op->mem.segment == X86_REG_GS) {
		const char *base = op->mem.segment == X86_REG_FS ? "fs_base" : "gs_base";
		if (!snap_register_find(d->arch, base, &operand->segment))
			operand->segment.is_unknown = true;
	}
	operand->disp = op->mem.disp;
	if (op->mem.base == X86_REG_RIP || op->mem.base == X86_REG_EIP)
		operand->disp += (int64_t)(d->out->addr + d->insn->size);
	else
		set_register(d, op->mem.base, &operand->base);
	if (op->mem.index != X86_REG_RIZ && op->mem.index != X86_REG_EIZ)
		set_register(d, op->mem.index, &operand->index);
	for (int scale = op->mem.scale; scale > 1; scale >>= 1)
		operand->index_shift++;
}

/* ud1 has operands, which the library does not see: it calls it ud2b. */
static void put_ud1_right(struct snap_instruction *out)
{
	const uint8_t *last = out->bytes + out->size - 1; /* of the opcode */
	unsigned int left = out->len - out->size;
	if (left >= 2 && last[1] == 0x40) {
		(void)snprintf(
			out->text, sizeof(out->text), "ud1 eax, dword ptr [eax + 0x%x]", last[2]);
		out->size = (uint8_t)(out->size + 2);
	} else if (left >= 1 && last[1] == 0) {
		(void)snprintf(out->text, sizeof(out->text), "ud1 eax, dword ptr [eax]");
		out->size = (uint8_t)(out->size + 1);
	}
}

static void decode_x86(const struct decoding *d)
{
	const cs_insn *insn = d->insn;
	const cs_x86 *x86 = &insn->detail->x86;
	struct snap_instruction *out = d->out;
	const char *name = x86_bare_name(insn);
	unsigned int word = snap_arch_word(d->arch);
	if (insn->id == X86_INS_UD2B)
		put_ud1_right(out);
	if (is_in_group(insn, X86_GRP_CALL))
		out->action = SNAP_ACTION_CALL;
	else if (is_in_group(insn, X86_GRP_RET) && insn->id == X86_INS_RET)
		out->action = SNAP_ACTION_RETURN;
	else if (is_in_group(insn, X86_GRP_JUMP))
		out->action = SNAP_ACTION_JUMP;
	else if (insn->id == X86_INS_DIV || insn->id == X86_INS_IDIV)
		out->action = SNAP_ACTION_DIVIDE;
	else if (x86_loads_segment(insn))
		out->action = SNAP_ACTION_SEGMENT;
	else if (x86_is_privileged(insn))
		out->action = SNAP_ACTION_PRIVILEGED;
	for (unsigned int i = 0; i < x86->op_count && i < ARRAY_LEN(x86->operands); i++)
		if (x86->operands[i].type == X86_OP_MEM)
			x86_memory(d, name, i);
	if (insn->id == X86_INS_XLATB && out->num_operands == 0)
		x86_translate(d);
	out->is_signed = insn->id == X86_INS_IDIV;
	if (x86->op_count == 1) {
		out->width = x86->operands[0].size;
		if (x86->operands[0].type == X86_OP_REG && out->action != SNAP_ACTION_OTHER)
			set_register(d, x86->operands[0].reg, &out->value);
	}
	for (size_t i = 0; i < ARRAY_LEN(x86_stack); i++)
		if (x86_stack[i].id == insn->id)
			add_stack(d, x86_stack[i].by_fp ? d->arch->fp : d->arch->sp,
				x86_stack[i].is_written ? -(int64_t)word : 0, word,
				x86_stack[i].is_written);
}

/* ---------------------------------------------------------------- aarch64 */

/* Bytes of a register by the first letter of its name. */
static uint32_t arm_register_size(const char *name)
{
	static const struct {
		char letter;
		uint8_t size;
	} sizes[] = {{'b', 1}, {'h', 2}, {'s', 4}, {'w', 4}, {'d', 8}, {'x', 8}, {'q', 16}};
	for (size_t i = 0; name && i < ARRAY_LEN(sizes); i++)
		if (sizes[i].letter == name[0])
			return sizes[i].size;
	return 0;
}

/* Loads and stores name what is smaller than a register at their end. */
static uint32_t aarch64_size(const struct decoding *d)
{
	static const struct {
		const char *suffix;
		uint32_t size;
	} suffixes[] = {{"psw", 8}, {"sw", 4}, {"b", 1}, {"h", 2}};
	const char *name = d->insn->mnemonic;
	size_t len = strlen(name);
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		size_t n = strlen(suffixes[i].suffix);
		if (len > n && strcmp(name + len - n, suffixes[i].suffix) == 0)
			return suffixes[i].size;
	}
	const cs_arm64 *arm64 = &d->insn->detail->arm64;
	/* A store exclusive has its status first. */
	bool has_status = starts_with(name, "stx") || starts_with(name, "stlx");
	uint32_t size = 0;
	for (unsigned int i = has_status ? 1 : 0;
		i < arm64->op_count && arm64->operands[i].type == ARM64_OP_REG; i++) {
		const char *reg = library.reg_name(d->handle, arm64->operands[i].reg);
		if (reg && reg[0] == 'v')
			return 0;
		size += arm_register_size(reg);
	}
	return size;
}

static void aarch64_memory(const struct decoding *d, const cs_arm64_op *op)
{
	struct snap_operand *operand = add_operand(d);
	if (!operand)
		return;
	operand->is_read = d->insn->mnemonic[0] == 'l';
	operand->is_written = !operand->is_read;
	operand->size = aarch64_size(d);
	if (op->type == ARM64_OP_IMM) { /* relative to pc; the library has added that */
		operand->disp = op->imm;
		return;
	}
	set_register(d, op->mem.base, &operand->base);
	set_register(d, op->mem.index, &operand->index);
	operand->disp = op->mem.disp;
	operand->index_shift = op->shift.type == ARM64_SFT_LSL ? (uint8_t)op->shift.value : 0;
	operand->extend = op->ext == ARM64_EXT_SXTW ? SNAP_EXTEND_SIGN : SNAP_EXTEND_ZERO;
}

/* Refused in user mode: the kernel hides what these read and write, but for a few. */
static const char *const aarch64_privileged[] = {"msr", "mrs", "tlbi", "eret", "hvc", "smc", "at"};

static void decode_aarch64(const struct decoding *d)
{
	const cs_insn *insn = d->insn;
	const cs_arm64 *arm64 = &insn->detail->arm64;
	struct snap_instruction *out = d->out;
	bool accesses = starts_with(insn->mnemonic, "ld") || starts_with(insn->mnemonic, "st");
	bool is_literal = arm64->op_count == 2 && arm64->operands[1].type == ARM64_OP_IMM;
	for (unsigned int i = 0; accesses && i < arm64->op_count && i < ARRAY_LEN(arm64->operands);
		i++)
		if (arm64->operands[i].type == ARM64_OP_MEM || (i == 1 && is_literal))
			aarch64_memory(d, &arm64->operands[i]);
	switch (insn->id) {
	case ARM64_INS_BLR:
		out->action = SNAP_ACTION_CALL;
		break;
	case ARM64_INS_BR:
		out->action = SNAP_ACTION_JUMP;
		break;
	case ARM64_INS_RET:
		out->action = SNAP_ACTION_RETURN;
		break;
	default:
		for (size_t i = 0; i < ARRAY_LEN(aarch64_privileged); i++)
			if (strcmp(insn->mnemonic, aarch64_privileged[i]) == 0)
				out->action = SNAP_ACTION_PRIVILEGED;
	}
	if (out->action != SNAP_ACTION_OTHER && arm64->op_count == 1 &&
		arm64->operands[0].type == ARM64_OP_REG)
		set_register(d, arm64->operands[0].reg, &out->value);
}

/* ---------------------------------------------------------------- arm */

/* size 0: of the registers that are named. */
static const struct {
	uint16_t id;
	uint8_t size;
	bool is_written;
} arm_accesses[] = {
	{ARM_INS_LDR, 4, false},
	{ARM_INS_LDRT, 4, false},
	{ARM_INS_LDREX, 4, false},
	{ARM_INS_LDA, 4, false},
	{ARM_INS_LDAEX, 4, false},
	{ARM_INS_LDRB, 1, false},
	{ARM_INS_LDRBT, 1, false},
	{ARM_INS_LDRSB, 1, false},
	{ARM_INS_LDRSBT, 1, false},
	{ARM_INS_LDREXB, 1, false},
	{ARM_INS_LDAB, 1, false},
	{ARM_INS_LDAEXB, 1, false},
	{ARM_INS_LDRH, 2, false},
	{ARM_INS_LDRHT, 2, false},
	{ARM_INS_LDRSH, 2, false},
	{ARM_INS_LDRSHT, 2, false},
	{ARM_INS_LDREXH, 2, false},
	{ARM_INS_LDAH, 2, false},
	{ARM_INS_LDAEXH, 2, false},
	{ARM_INS_LDRD, 8, false},
	{ARM_INS_LDREXD, 8, false},
	{ARM_INS_LDAEXD, 8, false},
	{ARM_INS_VLDR, 0, false},
	{ARM_INS_STR, 4, true},
	{ARM_INS_STRT, 4, true},
	{ARM_INS_STREX, 4, true},
	{ARM_INS_STL, 4, true},
	{ARM_INS_STLEX, 4, true},
	{ARM_INS_STRB, 1, true},
	{ARM_INS_STRBT, 1, true},
	{ARM_INS_STREXB, 1, true},
	{ARM_INS_STLB, 1, true},
	{ARM_INS_STLEXB, 1, true},
	{ARM_INS_STRH, 2, true},
	{ARM_INS_STRHT, 2, true},
	{ARM_INS_STREXH, 2, true},
	{ARM_INS_STLH, 2, true},
	{ARM_INS_STLEXH, 2, true},
	{ARM_INS_STRD, 8, true},
	{ARM_INS_STREXD, 8, true},
	{ARM_INS_STLEXD, 8, true},
	{ARM_INS_VSTR, 0, true},
};

/* Several registers at once. Where they go: from the register that is named on (0), above it (+),
 * or before it (-); the last with the first of them or one below that (lowest_off, in words). */
static const struct {
	uint16_t id;
	bool is_written, is_push, is_below;
	int8_t lowest_off; /* bytes */
} arm_lists[] = {
	{ARM_INS_LDM, false, false, false, 0},
	{ARM_INS_LDMIB, false, false, false, 4},
	{ARM_INS_LDMDB, false, false, true, 0},
	{ARM_INS_LDMDA, false, false, true, 4},
	{ARM_INS_STM, true, false, false, 0},
	{ARM_INS_STMIB, true, false, false, 4},
	{ARM_INS_STMDB, true, false, true, 0},
	{ARM_INS_STMDA, true, false, true, 4},
	{ARM_INS_VLDMIA, false, false, false, 0},
	{ARM_INS_VLDMDB, false, false, true, 0},
	{ARM_INS_VSTMIA, true, false, false, 0},
	{ARM_INS_VSTMDB, true, false, true, 0},
	{ARM_INS_POP, false, true, false, 0},
	{ARM_INS_PUSH, true, true, true, 0},
	{ARM_INS_VPOP, false, true, false, 0},
	{ARM_INS_VPUSH, true, true, true, 0},
};

/* Bytes of the registers named from the n-th operand on. */
static uint32_t arm_list_size(const struct decoding *d, unsigned int n)
{
	const cs_arm *arm = &d->insn->detail->arm;
	uint32_t size = 0;
	for (; n < arm->op_count && n < ARRAY_LEN(arm->operands) &&
		arm->operands[n].type == ARM_OP_REG;
		n++) {
		const char *name = library.reg_name(d->handle, (unsigned int)arm->operands[n].reg);
		bool is_vector =
			name && (name[0] == 'd' || name[0] == 'q' ||
					(name[0] == 's' && name[1] >= '0' && name[1] <= '9'));
		size += is_vector ? arm_register_size(name) : 4;
	}
	return size;
}

static void arm_memory(
	const struct decoding *d, const cs_arm_op *op, uint32_t size, bool is_written)
{
	struct snap_operand *operand = add_operand(d);
	if (!operand)
		return;
	operand->is_read = !is_written;
	operand->is_written = is_written;
	operand->size = size ? size : arm_list_size(d, 0);
	operand->disp = op->mem.disp;
	if (op->mem.base == ARM_REG_PC)
		operand->disp +=
			(int64_t)((d->out->addr & ~UINT64_C(3)) + (d->out->is_thumb ? 4 : 8));
	else
		set_register(d, op->mem.base, &operand->base);
	set_register(d, op->mem.index, &operand->index);
	operand->is_subtracted = op->subtracted;
	if (op->shift.type == ARM_SFT_LSL)
		operand->index_shift = (uint8_t)op->shift.value;
	else if (op->shift.type != ARM_SFT_INVALID)
		operand->index.is_unknown = true;
	if (op->mem.lshift > 0)
		operand->index_shift = (uint8_t)op->mem.lshift;
}

static void decode_arm(const struct decoding *d)
{
	const cs_insn *insn = d->insn;
	const cs_arm *arm = &insn->detail->arm;
	struct snap_instruction *out = d->out;
	for (size_t i = 0; i < ARRAY_LEN(arm_accesses); i++)
		for (unsigned int j = 0; arm_accesses[i].id == insn->id && j < arm->op_count &&
					 j < ARRAY_LEN(arm->operands);
			j++)
			if (arm->operands[j].type == ARM_OP_MEM)
				arm_memory(d, &arm->operands[j], arm_accesses[i].size,
					arm_accesses[i].is_written);
	for (size_t i = 0; i < ARRAY_LEN(arm_lists); i++) {
		if (arm_lists[i].id != insn->id || arm->op_count == 0)
			continue;
		uint32_t size = arm_list_size(d, arm_lists[i].is_push ? 0 : 1);
		int64_t disp =
			arm_lists[i].lowest_off - (arm_lists[i].is_below ? (int64_t)size : 0);
		add_stack(d, d->arch->sp, disp, size, arm_lists[i].is_written);
		if (!arm_lists[i].is_push && out->num_operands > 0) {
			out->operands[out->num_operands - 1].is_implicit = false;
			set_register(d, (unsigned int)arm->operands[0].reg,
				&out->operands[out->num_operands - 1].base);
		}
	}
	if ((insn->id == ARM_INS_SDIV || insn->id == ARM_INS_UDIV) && arm->op_count >= 2) {
		const cs_arm_op *divisor = &arm->operands[arm->op_count - 1];
		out->action = SNAP_ACTION_DIVIDE;
		out->is_signed = insn->id == ARM_INS_SDIV;
		out->width = 4;
		if (divisor->type == ARM_OP_REG)
			set_register(d, (unsigned int)divisor->reg, &out->value);
	}
	if (insn->id == ARM_INS_BLX || insn->id == ARM_INS_BX) {
		out->action = insn->id == ARM_INS_BLX ? SNAP_ACTION_CALL : SNAP_ACTION_JUMP;
		if (arm->op_count == 1 && arm->operands[0].type == ARM_OP_REG)
			set_register(d, (unsigned int)arm->operands[0].reg, &out->value);
	}
}

/* ---------------------------------------------------------------- the machines */

static const struct machine {
	uint16_t elf_machine;
	uint8_t elf_class;
	cs_arch arch;
	cs_mode mode, thumb_mode;
	void (*decode)(const struct decoding *d);
} machines[] = {
	{EM_X86_64, ELFCLASS64, CS_ARCH_X86, CS_MODE_64, CS_MODE_64, decode_x86},
	{EM_X86_64, ELFCLASS32, CS_ARCH_X86, CS_MODE_64, CS_MODE_64, decode_x86},
	{EM_386, ELFCLASS32, CS_ARCH_X86, CS_MODE_32, CS_MODE_32, decode_x86},
	{EM_AARCH64, ELFCLASS64, CS_ARCH_ARM64, CS_MODE_ARM, CS_MODE_ARM, decode_aarch64},
	{EM_ARM, ELFCLASS32, CS_ARCH_ARM, CS_MODE_ARM, CS_MODE_THUMB, decode_arm},
};

static const struct machine *find_machine(const struct snap_arch *arch)
{
	for (size_t i = 0; arch && i < ARRAY_LEN(machines); i++)
		if (machines[i].elf_machine == arch->elf_machine &&
			machines[i].elf_class == arch->elf_class && arch->elf_data == ELFDATA2LSB)
			return &machines[i];
	return NULL;
}

bool snap_disassembler_knows(const struct snap_arch *arch)
{
	return find_machine(arch) != NULL;
}

bool snap_disassemble(
	const struct snap_arch *arch, size_t len, struct snap_instruction *instruction)
{
	const struct machine *machine = find_machine(arch);
	struct decoding d = {.arch = arch, .out = instruction};
	if (!machine || library.state != SNAP_DISASSEMBLER_LOADED ||
		library.open(machine->arch,
			instruction->is_thumb ? machine->thumb_mode : machine->mode,
			&d.handle) != CS_ERR_OK)
		return false;
	cs_insn *insn = NULL;
	size_t num = 0;
	if (library.option(d.handle, CS_OPT_DETAIL, CS_OPT_ON) == CS_ERR_OK)
		num = library.disasm(
			d.handle, instruction->bytes, len, instruction->addr, 1, &insn);
	bool is_known = num > 0 && insn->id != 0 && insn->size <= len;
	if (is_known) {
		d.insn = insn;
		instruction->size = (uint8_t)insn->size;
		instruction->value.index = -1;
		(void)snprintf(instruction->text, sizeof(instruction->text), "%s%s%s",
			insn->mnemonic, insn->op_str[0] ? " " : "", insn->op_str);
		machine->decode(&d);
	}
	if (num > 0)
		library.free(insn, num);
	(void)library.close(&d.handle); /* it was open */
	return is_known;
}
