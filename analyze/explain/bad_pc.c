#include "analyze/explain/bad_pc.h"

#include <inttypes.h>
#include <string.h>

#include "analyze/explain/address.h"
#include "analyze/explain/fault.h"
#include "analyze/explain/instruction.h"
#include "analyze/explain/pointer.h"

#define FORMAT(e, ...) snap_crash_format((e)->crash, __VA_ARGS__)
/* The longest instruction that calls by a register or through memory. */
#define MAX_CALL 9u

/* Whether the thread has just called: the return address is where a call leaves it. */
static bool is_called(const struct snap_evidence *e)
{
	const struct snap_arch *arch = e->crash->arch;
	const struct snap_crash_thread *thread = e->thread;
	uint64_t address;
	if (!thread || thread->num_frames < 2 || thread->frames[1].exact_pc ||
		thread->frames[1].is_signal || !e->has_sp)
		return false;
	if (arch->call_pushes_ra) {
		unsigned int word = snap_arch_word(arch);
		uint8_t bytes[8];
		if (!snap_memory_read_all(&e->crash->memory, e->sp, bytes, word))
			return false;
		address = snap_arch_load(arch, bytes, word);
	} else if (arch->lr == SNAP_ARCH_NO_REG ||
		   !snap_arch_reg_get(arch, arch->lr, e->pr_reg.data, e->pr_reg.len, &address)) {
		return false;
	}
	if (arch->has_thumb_bit)
		address &= ~UINT64_C(1);
	return address == thread->frames[1].pc;
}

/*
 * Whether a return has just taken the program counter off the stack: it still stands right below
 * the stack pointer. A call may have found the same there, but then the call is known to lead here.
 */
static bool is_returned(const struct snap_evidence *e)
{
	const struct snap_arch *arch = e->crash->arch;
	unsigned int word = snap_arch_word(arch);
	uint8_t bytes[8];
	return arch->call_pushes_ra && e->has_sp && e->pc >= SNAP_NULL_END && e->sp >= word &&
	       !(e->thread && e->thread->num_frames > 1 &&
		       e->thread->frames[1].trust == SNAP_TRUST_CFI) &&
	       snap_memory_read_all(&e->crash->memory, e->sp - word, bytes, word) &&
	       snap_arch_load(arch, bytes, word) == e->pc;
}

/* The function that has the return address; NULL: its name is not known. */
static const char *caller_name(const struct snap_evidence *e)
{
	for (size_t i = 1; i < e->thread->num_listed; i++)
		if (e->thread->listed[i].frame == 1)
			return e->thread->listed[i].function;
	return NULL;
}

/*
 * The instruction before the return address, if it is a call that led here with the values that
 * registers and memory still have: nothing was executed since.
 */
static bool find_call(const struct snap_evidence *e, struct snap_instruction *ret)
{
	const struct snap_arch *arch = e->crash->arch;
	uint64_t after = e->thread->frames[1].pc, target, lr = 0;
	/* The caller's instruction set, not that of where it led. */
	bool is_thumb = arch->has_thumb_bit &&
			snap_arch_reg_get(arch, arch->lr, e->pr_reg.data, e->pr_reg.len, &lr) &&
			lr & 1;
	for (unsigned int len = 2; len <= MAX_CALL && len <= after; len++) {
		const struct snap_instruction_place place = {
			after - len, is_thumb, SNAP_INSTRUCTION_CALL};
		if (!snap_instruction_find(e->crash, e->thread, &place, ret) || ret->size != len ||
			ret->action != SNAP_ACTION_CALL)
			continue;
		/* The call has moved the stack pointer. */
		if (ret->num_operands > 0 && !ret->operands[0].is_implicit &&
			ret->operands[0].base.index == (int)arch->sp)
			continue;
		if (snap_instruction_target(e->crash, e->thread, ret, &target) &&
			(target & ~(uint64_t)arch->has_thumb_bit) == e->pc)
			return true;
	}
	return false;
}

/* " (call rax)", " (call qword ptr [rbx + 0x10]: the pointer is at 0x...)"; "" if it is not known.
 */
static const char *call_words(const struct snap_evidence *e)
{
	struct snap_instruction call;
	if (!find_call(e, &call))
		return "";
	if (call.value.index >= 0)
		return FORMAT(e, " (%s)", call.text);
	return FORMAT(
		e, " (%s: the pointer is at 0x%" PRIx64 ")", call.text, call.operands[0].address);
}

/*
 * Where a module's own code was: unmapped, or not to be executed any more. Nobody followed a bad
 * pointer then. "": it is not known to be code; NULL: memory is exhausted.
 */
static const char *lost_code_words(const struct snap_evidence *e)
{
	static const char *const sections[] = {".text", ".plt", ".init", ".fini"};
	const struct snap_crash_module *module = snap_crash_module_at(e->crash, e->pc);
	const char *section = snap_address_section(e->crash, e->pc);
	bool is_code = false;
	for (size_t i = 0; section && i < sizeof(sections) / sizeof(sections[0]); i++)
		is_code |= strncmp(section, sections[i], strlen(sections[i])) == 0 &&
			   strncmp(section, ".init_array", 11) != 0 &&
			   strncmp(section, ".fini_array", 11) != 0;
	if (!is_code)
		return "";
	struct snap_bytes name = snap_path_name(module->record.path);
	bool is_mapped = snap_crash_mapping_at(e->crash, e->pc);
	return FORMAT(e,
		"The program was to execute code of %.*s at address 0x%" PRIx64
		", section %.60s, %s.",
		SNAP_NAME_ARGS(name), e->pc, section,
		is_mapped
			? "which may not be executed any more: the protection of that memory was "
			  "changed (mprotect())"
			: "which is not mapped any more: something was unmapped, or mapped, there");
}

const char *snap_bad_pc_explain(const struct snap_evidence *e)
{
	const char *lost = lost_code_words(e);
	if (!lost || *lost)
		return lost;
	bool returned = is_returned(e), called = !returned && is_called(e);
	const char *caller = called ? caller_name(e) : NULL;
	const char *by = caller ? FORMAT(e, " in %.200s", caller) : "";
	const char *call = called ? call_words(e) : "";
	const char *value = snap_pointer_words(e->crash, e->pc);
	if (!by || !value || !call)
		return NULL;
	if (e->pc == 0)
		return FORMAT(e,
			"The program jumped to address 0x0: a call through a null function "
			"pointer%s%s.",
			by, call);
	const char *place = e->has_fault && e->fault == e->pc
				    ? snap_fault_place_words(e)
				    : snap_address_words(e->crash, e->pc, e->maps_known);
	if (!place)
		return NULL;
	const char *data = e->pc >= SNAP_NULL_END && snap_crash_mapping_at(e->crash, e->pc)
				   ? "data was executed, after "
				   : "";
	/* An address that small is a number, a null pointer with something added, or one that
	 * nobody relocated. */
	const char *how = e->pc < SNAP_NULL_END
				  ? "a call through a function pointer that holds a small number"
			  : called ? "a call through a bad function pointer"
			  : returned
				  ? "most likely a return to an overwritten address, as it still "
				    "stands right below the stack pointer"
				  : "a call through a bad function pointer, or a return to an "
				    "overwritten address";
	return FORMAT(e, "The program jumped to address 0x%" PRIx64 ", %s: %s%s%s%s%s.", e->pc,
		place, data, how, by, call, value);
}
