#include "analyze/explain/call_code.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/explain/disassembler.h"
#include "analyze/explain/instruction.h"
#include "analyze/sandbox/remote.h"
#include "analyze/symbols/object.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* General registers, by their DWARF numbers: rax, rdx, rcx, rbx, rsi, rdi, rbp, rsp, r8 to r15. */
#define NUM_REGS 16u
#define RBX	 3u
#define RBP	 6u
#define RSP	 7u
#define R12	 12u

/* A function's code, its instructions on the way to the call, and what the stack is known to have. */
#define MAX_CODE  (64u << 10)
#define MAX_WAY	  512u
#define MAX_SLOTS 64u

static const uint8_t argument_regs[SNAP_CALL_ARGUMENTS] = {5, 4, 1, 2, 8, 9};

/* ---------------------------------------------------------------- values */

enum kind {
	SOMETHING, /* number says which: equal numbers are equal values */
	CONSTANT,
	STACK, /* what rsp was at the beginning of the way, and number on top of it */
};

struct value {
	enum kind kind;
	uint64_t number;
};

struct slot {
	int64_t off; /* from where rsp was */
	struct value value;
};

struct way {
	struct snap_crash *crash;
	struct value regs[NUM_REGS];
	struct slot slots[MAX_SLOTS];
	size_t num_slots;
	uint64_t num_somethings;
	bool is_lost; /* the stack pointer is not followed any more */
};

static struct value something(struct way *way)
{
	return (struct value){SOMETHING, way->num_somethings++};
}

static void begin(struct way *way, struct snap_crash *crash)
{
	*way = (struct way){.crash = crash};
	/* The first are what the registers have there. */
	for (unsigned int i = 0; i < NUM_REGS; i++)
		way->regs[i] = something(way);
	way->regs[RSP] = (struct value){STACK, 0};
}

static void set(struct way *way, unsigned int reg, struct value value)
{
	way->regs[reg] = value;
	if (reg == RSP && value.kind != STACK)
		way->is_lost = true;
}

static struct value add(struct way *way, struct value value, int64_t number)
{
	if (value.kind == SOMETHING)
		return number == 0 ? value : something(way);
	value.number += (uint64_t)number;
	return value;
}

/* What is in [off, off + len) of the stack changes. */
static void forget(struct way *way, int64_t off, int64_t len)
{
	size_t kept = 0;
	for (size_t i = 0; i < way->num_slots; i++)
		if (way->slots[i].off + 8 <= off || way->slots[i].off >= off + len)
			way->slots[kept++] = way->slots[i];
	way->num_slots = kept;
}

static void put(struct way *way, int64_t off, struct value value)
{
	forget(way, off, 8);
	if (way->num_slots < MAX_SLOTS)
		way->slots[way->num_slots++] = (struct slot){off, value};
}

static struct value get(struct way *way, int64_t off)
{
	for (size_t i = 0; i < way->num_slots; i++)
		if (way->slots[i].off == off)
			return way->slots[i].value;
	struct value value = something(way);
	put(way, off, value);
	return value;
}

/* A call, or what is not understood: no register is known, and the stack may be another. */
static void forget_all(struct way *way, bool is_call)
{
	for (unsigned int i = 0; i < NUM_REGS; i++) {
		bool is_preserved = is_call && (i == RBX || i == RBP || i >= R12);
		if (i != RSP && !is_preserved)
			way->regs[i] = something(way);
	}
	way->num_slots = 0;
}

/* ---------------------------------------------------------------- operands */

enum operand_kind {
	OP_NONE,
	OP_REG,	   /* a general one, or a part of it */
	OP_OTHER,  /* another register: of vectors, a segment's */
	OP_NUMBER, /* number */
	OP_PLACE,  /* memory at place */
};

struct op {
	enum operand_kind kind;
	unsigned int reg;
	unsigned int bits; /* of a register */
	uint64_t number;
	struct value place;
	unsigned int size; /* of memory; 0: not known */
};

static bool read_number(const char *text, uint64_t *ret)
{
	bool is_negative = text[0] == '-';
	char *end;
	if (is_negative)
		text++;
	if (text[0] < '0' || text[0] > '9')
		return false;
	*ret = strtoull(text, &end, 0);
	if (is_negative)
		*ret = -*ret;
	return *end == '\0';
}

static bool read_reg(const struct way *way, const char *name, unsigned int *ret, unsigned int *bits)
{
	const struct snap_arch *arch = way->crash->arch;
	struct snap_register reg;
	if (!snap_register_find(arch, name, &reg) || reg.index < 0 ||
		arch->regs[reg.index].dwarf >= NUM_REGS)
		return false;
	*ret = arch->regs[reg.index].dwarf;
	*bits = reg.shift == 0 ? reg.bits : 8;
	return true;
}

/* "rip + 0x2f0", "rsp + 8", "rax + rcx*4 - 8", "rbp - 0x10". */
static struct value read_place(struct way *way, char *text, uint64_t next)
{
	struct value sum = {CONSTANT, 0};
	char *save = NULL, sign = '+';
	for (char *part = strtok_r(text, " ", &save); part; part = strtok_r(NULL, " ", &save)) {
		unsigned int reg, bits;
		uint64_t number;
		if (strcmp(part, "+") == 0 || strcmp(part, "-") == 0) {
			sign = part[0];
		} else if (read_number(part, &number)) {
			sum = add(way, sum, (int64_t)(sign == '-' ? -number : number));
		} else if (sign == '+' && strcmp(part, "rip") == 0) {
			sum = add(way, sum, (int64_t)next);
		} else if (sign == '+' && read_reg(way, part, &reg, &bits) && bits == 64 &&
			   sum.kind == CONSTANT) {
			sum = add(way, way->regs[reg], (int64_t)sum.number);
		} else {
			return something(way);
		}
	}
	return sum;
}

static struct op read_op(struct way *way, char *text, uint64_t next)
{
	static const struct {
		const char *word;
		unsigned int size;
	} sizes[] = {{"byte", 1}, {"word", 2}, {"dword", 4}, {"qword", 8}, {"xmmword", 16},
		{"ymmword", 32}, {"zmmword", 64}};
	struct op op = {.kind = OP_OTHER};
	char *open = strchr(text, '['), *shut = strchr(text, ']');
	if (open && shut && open < shut) {
		op.kind = OP_PLACE;
		for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
			size_t len = strlen(sizes[i].word);
			if (strncmp(text, sizes[i].word, len) == 0 && text[len] == ' ')
				op.size = sizes[i].size;
		}
		*shut = '\0';
		/* Behind a segment's name: not where the stack is. */
		bool has_segment = open > text && open[-1] == ':';
		op.place = has_segment ? something(way) : read_place(way, open + 1, next);
	} else if (read_reg(way, text, &op.reg, &op.bits)) {
		op.kind = OP_REG;
	} else if (read_number(text, &op.number)) {
		op.kind = OP_NUMBER;
	}
	return op;
}

/* ---------------------------------------------------------------- instructions */

static struct value value_of(struct way *way, const struct op *op)
{
	if (op->kind == OP_NUMBER)
		return (struct value){CONSTANT, op->number};
	if (op->kind == OP_REG && op->bits == 64)
		return way->regs[op->reg];
	if (op->kind == OP_REG && op->bits == 32 && way->regs[op->reg].kind == CONSTANT)
		return (struct value){CONSTANT, (uint32_t)way->regs[op->reg].number};
	if (op->kind == OP_PLACE && op->size == 8 && op->place.kind == STACK)
		return get(way, (int64_t)op->place.number);
	return something(way);
}

/* value: what it has then; is_known: all of it. */
static void write_op(struct way *way, const struct op *op, struct value value, bool is_known)
{
	if (op->kind == OP_REG) {
		/* Halves are extended by zeros; smaller parts leave the rest. */
		if (op->bits == 32 && value.kind == CONSTANT)
			value.number = (uint32_t)value.number;
		else if (op->bits != 64)
			is_known = false;
		set(way, op->reg, is_known ? value : something(way));
	} else if (op->kind == OP_PLACE && op->place.kind == STACK) {
		int64_t off = (int64_t)op->place.number;
		if (is_known && op->size == 8)
			put(way, off, value);
		else
			forget(way, off, op->size > 0 ? op->size : 64);
	} else if (op->kind == OP_PLACE && op->place.kind != CONSTANT) {
		/* It may be anywhere. */
		way->num_slots = 0;
	}
}

static bool is_one_of(const char *word, const char *const *words, size_t num)
{
	for (size_t i = 0; i < num; i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

/* Whether all that it changes is its first operand, and flags. */
static bool writes_first(const char *name)
{
	static const char *const names[] = {"add", "sub", "and", "or", "xor", "not", "neg", "inc",
		"dec", "shl", "shr", "sar", "movzx", "movsx", "movsxd", "movabs", "bsf", "bsr",
		"tzcnt", "lzcnt", "adc", "sbb", "movups", "movaps", "movdqa", "movdqu", "movq",
		"movd", "pxor", "xorps", "movss", "movsd"};
	return is_one_of(name, names, ARRAY_LEN(names)) || strncmp(name, "set", 3) == 0 ||
	       strncmp(name, "cmov", 4) == 0;
}

static bool writes_nothing(const char *name)
{
	static const char *const names[] = {"cmp", "test", "nop", "endbr64", "ucomiss", "ucomisd",
		"comiss", "comisd"};
	return is_one_of(name, names, ARRAY_LEN(names)) || name[0] == 'j';
}

static void push(struct way *way, struct value value)
{
	if (way->regs[RSP].kind != STACK)
		return;
	way->regs[RSP].number -= 8;
	put(way, (int64_t)way->regs[RSP].number, value);
}

static void follow(struct way *way, const struct snap_instruction *instruction)
{
	char text[SNAP_INSTRUCTION_MAX_TEXT];
	struct op ops[2] = {{0}, {0}};
	uint64_t next = instruction->addr + instruction->size;
	memcpy(text, instruction->text, sizeof(text));
	char *name = text, *rest = strchr(text, ' ');
	size_t num = 0;
	if (rest)
		*rest++ = '\0';
	for (char *part = rest; part && num < 3; num++) {
		char *comma = strstr(part, ", ");
		if (comma)
			*comma = '\0';
		if (num < 2)
			ops[num] = read_op(way, part, next);
		part = comma ? comma + 2 : NULL;
	}
	if (instruction->action == SNAP_ACTION_CALL) {
		forget_all(way, true);
	} else if (writes_nothing(name)) {
		return;
	} else if (strcmp(name, "lea") == 0 && num == 2 && ops[1].kind == OP_PLACE) {
		write_op(way, &ops[0], ops[1].place, ops[0].kind == OP_REG && ops[0].bits == 64);
	} else if ((strcmp(name, "mov") == 0 || strcmp(name, "movabs") == 0) && num == 2) {
		/* A number that is narrower than its place is one of several. */
		bool is_known = ops[1].kind != OP_OTHER &&
				(ops[0].kind != OP_PLACE || ops[1].kind != OP_REG ||
					ops[1].bits == 64);
		write_op(way, &ops[0], value_of(way, &ops[1]), is_known);
	} else if (strcmp(name, "xor") == 0 && num == 2 && ops[0].kind == OP_REG &&
		   ops[1].kind == OP_REG && ops[0].reg == ops[1].reg && ops[0].bits >= 32 &&
		   ops[1].bits == ops[0].bits) {
		set(way, ops[0].reg, (struct value){CONSTANT, 0});
	} else if ((strcmp(name, "add") == 0 || strcmp(name, "sub") == 0) && num == 2 &&
		   ops[0].kind == OP_REG && ops[0].bits == 64 && ops[1].kind == OP_NUMBER) {
		int64_t by = (int64_t)(name[0] == 's' ? -ops[1].number : ops[1].number);
		set(way, ops[0].reg, add(way, way->regs[ops[0].reg], by));
	} else if (strcmp(name, "push") == 0 && num == 1) {
		push(way, value_of(way, &ops[0]));
	} else if (strcmp(name, "pop") == 0 && num == 1 && ops[0].kind == OP_REG &&
		   ops[0].bits == 64 && way->regs[RSP].kind == STACK) {
		struct value value = get(way, (int64_t)way->regs[RSP].number);
		way->regs[RSP].number += 8;
		set(way, ops[0].reg, value);
	} else if (writes_first(name) && num >= 1) {
		write_op(way, &ops[0], something(way), false);
	} else {
		forget_all(way, false);
	}
}

/* ---------------------------------------------------------------- the way to the call */

struct part {
	uint64_t start, end; /* in the target */
};

struct code {
	struct snap_crash *crash;
	const struct snap_crash_thread *thread;
	uint64_t call_end; /* where the call leaves its return address */
	/* Instructions before the call, the last at [num_way % MAX_WAY - 1], and whether one of
	 * them begins the function. */
	uint64_t *way;
	size_t num_way;
	/* The highest address below the call that something jumps to, or the code's beginning. */
	uint64_t joined;
	uint64_t entry; /* where the function begins */
	bool is_entered_again; /* by a jump */
	bool is_there;
};

static bool ends_way(const struct snap_instruction *instruction)
{
	return instruction->action == SNAP_ACTION_RETURN ||
	       (instruction->action == SNAP_ACTION_JUMP &&
		       strncmp(instruction->text, "jmp", 3) == 0) ||
	       strncmp(instruction->text, "ud2", 3) == 0 || strncmp(instruction->text, "hlt", 3) == 0;
}

/* What the jump does to the way. False: it may lead anywhere in the function. */
static bool take_jump(struct code *code, const struct snap_instruction *instruction)
{
	const char *text = instruction->text, *rest = strchr(text, ' ');
	uint64_t target;
	if (text[0] != 'j')
		return instruction->action != SNAP_ACTION_JUMP && strncmp(text, "loop", 4) != 0 &&
		       strncmp(text, "xbegin", 6) != 0;
	/* By way of a table of the linker's it leaves the function. */
	if (!rest || !read_number(rest + 1, &target))
		return strstr(text, "[rip") != NULL;
	if (target > code->joined && target < code->call_end)
		code->joined = target;
	code->is_entered_again |= target == code->entry;
	return true;
}

static bool read_at(const struct code *code, uint64_t addr, struct snap_instruction *ret)
{
	const struct snap_instruction_place place = {.addr = addr};
	return snap_instruction_find(code->crash, code->thread, &place, ret);
}

/* Decode one part of the function. False: it can't be told where its jumps lead to. */
static bool decode(struct code *code, struct part part, bool has_call)
{
	uint64_t at = part.start;
	if (part.end < part.start || part.end - part.start > MAX_CODE)
		return false;
	if (has_call)
		code->joined = part.start;
	while (at < part.end) {
		struct snap_instruction instruction;
		if (!read_at(code, at, &instruction) ||
			instruction.size == 0 || !take_jump(code, &instruction))
			return false;
		uint64_t next = at + instruction.size;
		if (has_call && at < code->call_end) {
			code->way[code->num_way++ % MAX_WAY] = at;
			if (next == code->call_end)
				code->is_there = instruction.action == SNAP_ACTION_CALL;
			else if (ends_way(&instruction) && next > code->joined)
				code->joined = next;
		}
		at = next;
	}
	return true;
}

/* A function that gcc may have split: "f" and "f.cold". */
struct function {
	struct part call, other; /* the part that has the call; and the other, if it is not empty */
	uint64_t entry;
};

static bool has_name(const struct snap_crash_module *module, const char *name, struct part *ret)
{
	uint64_t vaddr;
	return snap_object_find_name(module->object, name, &vaddr) &&
	       snap_object_function(module->object, vaddr, &ret->start, &ret->end) &&
	       ret->start == vaddr;
}

static struct part in_process(struct part part, uint64_t bias)
{
	return (struct part){part.start + bias, part.end + bias};
}

static bool find_function(const struct snap_crash_module *module, const char *raw, uint64_t vaddr,
	struct function *ret)
{
	static const char cold[] = ".cold";
	char name[1024];
	struct part call, whole, other = {0, 0};
	uint64_t bias = module->record.load_bias;
	const char *end = strstr(raw, cold);
	size_t len = end ? (size_t)(end - raw) : strlen(raw);
	if (len + sizeof(cold) > sizeof(name))
		return false;
	memcpy(name, raw, len);
	name[len] = '\0';
	if (!snap_object_function(module->object, vaddr, &call.start, &call.end) ||
		!has_name(module, name, &whole))
		return false;
	memcpy(name + len, cold, sizeof(cold));
	bool is_split = has_name(module, name, &other);
	if (call.start == other.start && is_split)
		other = whole;
	else if (call.start != whole.start)
		return false;
	ret->call = in_process(call, bias);
	ret->other = in_process(other, other.end > 0 ? bias : 0);
	ret->entry = whole.start + bias;
	return true;
}

static const char *raw_name(const struct snap_crash_thread *thread, size_t frame)
{
	const char *name = NULL;
	for (size_t i = 0; i < thread->num_listed; i++)
		if (thread->listed[i].frame == frame && !thread->listed[i].is_inline)
			name = thread->listed[i].raw_function;
	return name;
}

/* Follow the way to the call that the frame is in. False: nothing is known of it. *ret_whole: it
 * begins where the function does. */
static bool follow_to_call(struct code *code, size_t frame, struct way *ret, bool *ret_whole)
{
	const struct snap_frame *at = &code->thread->frames[frame];
	const struct snap_crash_module *module = at->module;
	const char *raw = raw_name(code->thread, frame);
	struct function function;
	if (!module || !module->object || !module->record.has_load_bias || !raw || at->pc == 0 ||
		!find_function(module, raw, at->pc - 1 - module->record.load_bias, &function))
		return false;
	code->call_end = at->pc; /* the call may be the last instruction */
	code->entry = function.entry;
	if (at->pc <= function.call.start || at->pc > function.call.end ||
		!decode(code, function.call, true) || !code->is_there ||
		!decode(code, function.other, false))
		return false;
	size_t num = code->num_way < MAX_WAY ? code->num_way : MAX_WAY, from = 0;
	size_t oldest = code->num_way - num;
	while (from < num && code->way[(oldest + from) % MAX_WAY] < code->joined)
		from++;
	if (from == num)
		return false;
	uint64_t start = code->way[(oldest + from) % MAX_WAY];
	/* A jump into the middle of an instruction: the code is not what it seems. */
	if (start != code->joined && code->num_way <= MAX_WAY)
		return false;
	*ret_whole = start == function.entry && !code->is_entered_again;
	begin(ret, code->crash);
	/* Not the call itself: what it is given is asked for. */
	for (; from + 1 < num; from++) {
		struct snap_instruction instruction;
		if (!read_at(code, code->way[(oldest + from) % MAX_WAY], &instruction))
			return false;
		follow(ret, &instruction);
		if (ret->is_lost)
			return false;
	}
	return true;
}

/* ---------------------------------------------------------------- numbers */

static bool known_reg(const struct snap_frame *frame, unsigned int reg, uint64_t *ret)
{
	if (!frame->regs || !(frame->known_regs >> reg & 1))
		return false;
	*ret = frame->regs[reg];
	return true;
}

/* What a value of the way is, at the time of the call that the frame is in. */
static bool number_of(const struct way *way, const struct snap_frame *frame, struct value value,
	uint64_t *ret)
{
	uint64_t sp;
	bool has_sp = known_reg(frame, RSP, &sp);
	/* The frame's stack pointer is that behind the call, which is that before it. */
	uint64_t base = has_sp ? sp - way->regs[RSP].number : 0;
	if (value.kind == CONSTANT) {
		*ret = value.number;
		return true;
	}
	if (value.kind == STACK) {
		*ret = base + value.number;
		return has_sp;
	}
	for (unsigned int i = 0; i < NUM_REGS; i++)
		if ((i == RBX || i == RBP || i >= R12) && way->regs[i].kind == SOMETHING &&
			way->regs[i].number == value.number && known_reg(frame, i, ret))
			return true;
	for (size_t i = 0; i < way->num_slots && has_sp; i++) {
		const struct slot *slot = &way->slots[i];
		uint8_t bytes[8];
		if (slot->value.kind != SOMETHING || slot->value.number != value.number ||
			!snap_memory_read_all(&way->crash->memory, base + (uint64_t)slot->off, bytes, 8))
			continue;
		*ret = snap_arch_load(way->crash->arch, bytes, 8);
		return true;
	}
	return false;
}

static bool is_sure(const struct snap_frame *frame)
{
	return !frame->is_tail_call && !frame->is_signal && !frame->exact_pc && frame->has_cfa &&
	       frame->trust <= SNAP_TRUST_CFI;
}

/* By the caller's code, or (is_callee) by the function's own. */
static void find(struct snap_crash *crash, const struct snap_crash_thread *thread, size_t frame,
	bool is_callee, struct snap_call_arguments *ret)
{
	struct code code = {.crash = crash, .thread = thread};
	struct way *way = malloc(sizeof(*way));
	bool is_whole;
	code.way = calloc(MAX_WAY, sizeof(*code.way));
	/* Without memory: nothing is known. */
	if (way && code.way && follow_to_call(&code, frame, way, &is_whole) &&
		(!is_callee || is_whole))
		for (unsigned int i = 0; i < SNAP_CALL_ARGUMENTS; i++) {
			unsigned int reg = argument_regs[i];
			struct value value =
				is_callee ? (struct value){SOMETHING, reg} : way->regs[reg];
			if (!(ret->known >> i & 1) &&
				number_of(way, &thread->frames[frame], value, &ret->value[i]))
				ret->known |= 1u << i;
		}
	free(code.way);
	free(way);
}

void snap_call_arguments_find(struct snap_crash *crash, const struct snap_crash_thread *thread,
	size_t frame, struct snap_call_arguments *ret)
{
	*ret = (struct snap_call_arguments){0};
	if (!crash->arch || crash->arch->elf_machine != EM_X86_64 ||
		crash->arch->elf_class != ELFCLASS64 || frame + 1 >= thread->num_frames ||
		thread->frames[frame].gap_bytes > 0 || thread->frames[frame].gap_frames > 0)
		return;
	if (snap_disassembler_state() == SNAP_DISASSEMBLER_UNTRIED)
		snap_remote_need_library(SNAP_LIBRARY_CAPSTONE);
	if (snap_disassembler_load() != SNAP_DISASSEMBLER_LOADED)
		return;
	if (is_sure(&thread->frames[frame + 1]))
		find(crash, thread, frame + 1, false, ret);
	/* It has kept what it was given. */
	if (is_sure(&thread->frames[frame]))
		find(crash, thread, frame, true, ret);
}
