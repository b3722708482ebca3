#include "analyze/explain/operand_name.h"

#include <inttypes.h>
#include <string.h>

#include "analyze/symbols/object.h"
#include "analyze/variables/operand.h"

/* What an instruction that loads a pointer has at most, and how many instructions before the
 * faulting one are looked at: code that was not optimised loads it just before. */
#define MAX_LOAD   9u
#define MAX_BEFORE 3u

/* Whether the instruction is a load of the register, "mov rax, ..." or "ldr x0, ...". */
static bool is_load_of(const struct snap_instruction *instruction, const char *name)
{
	static const char *const loads[] = {"mov ", "ldr ", "ldur "};
	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		size_t len = strlen(loads[i]), name_len = strlen(name);
		if (strncmp(instruction->text, loads[i], len) == 0 &&
			strncmp(instruction->text + len, name, name_len) == 0 &&
			instruction->text[len + name_len] == ',')
			return true;
	}
	return false;
}

/* A plain copy into another register, or out of memory. */
static bool is_plain_move(const struct snap_instruction *instruction)
{
	return (strncmp(instruction->text, "mov ", 4) == 0 ||
		       strncmp(instruction->text, "ldr ", 4) == 0) &&
	       (instruction->num_operands == 0 || !instruction->operands[0].is_written);
}

/* Where the pointer was loaded from, by one of the instructions before; false: that is not known.
 */
static bool find_slot(const struct snap_evidence *e, uint64_t *ret)
{
	const char *base = e->operand->base.name;
	unsigned int word = snap_arch_word(e->crash->arch);
	uint64_t at = e->instruction.addr;
	for (unsigned int i = 0; i < MAX_BEFORE; i++) {
		struct snap_instruction before;
		bool found = false;
		/* The longest that ends here: a shorter one is its end, without the prefix. */
		for (unsigned int len = MAX_LOAD; len >= 2 && !found; len--) {
			const struct snap_instruction_place place = {
				at - len, e->instruction.is_thumb, SNAP_INSTRUCTION_MOVE};
			found = snap_instruction_find(e->crash, e->thread, &place, &before) &&
				before.size == len &&
				(is_load_of(&before, base) || is_plain_move(&before));
		}
		if (!found)
			return false;
		if (is_load_of(&before, base)) {
			const struct snap_operand *operand = &before.operands[0];
			if (before.num_operands != 1 || !operand->has_address ||
				!operand->is_read || operand->size != word ||
				operand->base.index == e->operand->base.index)
				return false;
			*ret = operand->address;
			return true;
		}
		at = before.addr;
	}
	return false;
}

int snap_operand_name_find(struct snap_evidence *e)
{
	struct snap_crash *crash = e->crash;
	const struct snap_operand *operand = e->operand;
	struct snap_operand_variable found;
	if (!operand || !operand->has_address || operand->base.index < 0 ||
		operand->base.bits != 8 * snap_arch_word(crash->arch) ||
		operand->segment.index >= 0 || operand->base.index == (int)crash->arch->sp ||
		e->is_refused_target)
		return 0;
	struct snap_operand_place place = {
		.number = crash->arch->regs[operand->base.index].dwarf,
		.off = operand->address - operand->base_value,
	};
	place.has_slot = find_slot(e, &place.slot);
	if (!snap_operand_variable_find(crash, e->thread, &place, &found))
		return 0;
	struct snap_bad_variable *variable = &crash->cause.variable;
	variable->name = snap_crash_format(crash, "%s", found.name);
	variable->type = snap_crash_format(crash, "%s", found.type);
	variable->expression = snap_crash_format(crash, "%s", found.expression);
	variable->value = operand->base_value;
	return variable->name && variable->type && variable->expression ? 0 : -1;
}

const char *snap_operand_name_words(const struct snap_evidence *e)
{
	const struct snap_bad_variable *variable = &e->crash->cause.variable;
	return variable->name ? snap_crash_format(e->crash,
					"; in the source that is `%s', %s being 0x%" PRIx64,
					variable->expression, variable->name, variable->value)
			      : "";
}
