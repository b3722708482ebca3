#include "analyze/unwind/walk.h"

#include <elf.h>
#include <inttypes.h>
#include <string.h>

#include "analyze/symbols/object.h"
#include "common/call_site.h"
#include "analyze/symbols/firmware.h"
#include "analyze/unwind/exception_frame.h"
#include "analyze/unwind/exidx.h"
#include "analyze/unwind/sigreturn.h"

/* The kernel maps nothing below (vm.mmap_min_addr). */
#define MIN_ADDR 4096u
/* User addresses of aarch64 have 48 bits unless a process asks for 52, and a signature never
 * touches bit 55, which tells user from kernel addresses (Arm ARM, D8.8). */
#define PAC_BIT_55	 (UINT64_C(1) << 55)
#define PAC_DEFAULT_MASK (~UINT64_C(0) << 48 & ~PAC_BIT_55)

/* ---------------------------------------------------------------- registers */

unsigned int snap_sp_column(const struct snap_arch *arch)
{
	return (unsigned int)snap_arch_column(arch, arch->dwarf_sp);
}

int snap_fp_column(const struct snap_arch *arch)
{
	return arch->fp < arch->num_regs ? snap_arch_column(arch, arch->regs[arch->fp].dwarf) : -1;
}

int snap_lr_column(const struct snap_arch *arch)
{
	return arch->lr < arch->num_regs ? snap_arch_column(arch, arch->regs[arch->lr].dwarf) : -1;
}

uint64_t snap_word_mask(const struct snap_arch *arch)
{
	return arch->elf_class == ELFCLASS32 ? UINT32_MAX : UINT64_MAX;
}

void snap_set_return_address(const struct snap_walk *w, struct snap_registers *r, uint64_t value)
{
	const struct snap_arch *arch = w->arch;
	value &= snap_word_mask(arch);
	if (arch->elf_machine == EM_AARCH64 && !(value & PAC_BIT_55))
		value &= ~(w->has_pac_mask ? w->pac_mask : PAC_DEFAULT_MASK);
	r->is_thumb = arch->has_thumb_bit && (value & 1);
	if (snap_is_exc_return(arch, value)) {
		r->is_thumb = true;
		r->pc = value;
		return;
	}
	r->pc = arch->has_thumb_bit ? value & ~UINT64_C(1) : value;
}

/* ---------------------------------------------------------------- ends */

enum snap_step snap_step_fails(struct snap_walk *w, enum snap_end end, const char *reason)
{
	w->end = end;
	w->end_reason = reason ? reason : "";
	w->has_missing = false;
	w->lacks_register = false;
	return SNAP_STEP_FAILED;
}

enum snap_step snap_step_lacks_register(struct snap_walk *w, const char *reason)
{
	(void)snap_step_fails(w, SNAP_END_CORRUPT, reason);
	w->lacks_register = true;
	return SNAP_STEP_FAILED;
}

enum snap_step snap_step_is_outermost(struct snap_walk *w, const char *reason)
{
	w->end = SNAP_END_COMPLETE;
	w->end_reason = reason;
	w->has_missing = false;
	return SNAP_STEP_OUTERMOST;
}

void snap_walk_note_module(const struct snap_walk *w, struct snap_crash_module *module)
{
	if (!module)
		return;
	module->has_frame = true;
	module->has_crashed_frame |= w->thread->crashed;
}

/* Whether the walk is where a microcontroller's stack begins, or a frame beyond it. */
static bool is_at_stack_start(const struct snap_walk *w, uint64_t addr)
{
	enum { FRAME = 64 };
	const struct snap_thread *thread = &w->thread->record;
	return w->crash->device.is_device && thread->has_stack_start && thread->has_stack_end &&
	       thread->stack_end < thread->stack_start && addr >= thread->stack_start &&
	       addr - thread->stack_start < FRAME;
}

enum snap_step snap_step_lacks(struct snap_walk *w, uint64_t addr)
{
	if (is_at_stack_start(w, addr))
		return snap_step_is_outermost(w, "its stack begins here");
	if (!snap_may_be_stack(w, addr))
		return snap_step_fails(w, SNAP_END_CORRUPT,
			snap_crash_format(w->crash,
				"the stack would go on at 0x%" PRIx64 ", where no stack is", addr));
	/* What is there, and could not be had, can't be read from the file. */
	bool is_there = snap_memory_find(&w->crash->memory, addr);
	(void)snap_step_fails(w, SNAP_END_TRUNCATED,
		snap_crash_format(w->crash, "the stack at 0x%" PRIx64 ", which is needed next, %s",
			addr,
			is_there && w->crash->memory.failed_errnum != 0 ? "can't be read"
									: "was not captured"));
	w->has_missing = true;
	w->missing_addr = addr;
	return SNAP_STEP_FAILED;
}

/* ---------------------------------------------------------------- memory and code */

bool snap_walk_read_word(struct snap_walk *w, uint64_t addr, uint64_t *ret)
{
	uint8_t bytes[8];
	unsigned int word = snap_arch_word(w->arch);
	if (!snap_memory_read_all(&w->crash->memory, addr, bytes, word))
		return false;
	*ret = snap_arch_load(w->arch, bytes, word);
	return true;
}

bool snap_may_be_stack(const struct snap_walk *w, uint64_t addr)
{
	const struct snap_mapping *mapping = snap_crash_mapping_at(w->crash, addr);
	if (!mapping)
		return w->crash->num_mappings == 0 || w->lacks_mappings ||
		       (w->crash->device.is_device && !w->crash->device.is_laid_out);
	bool is_file = mapping->path.len > 0 && mapping->path.data[0] == '/';
	/* A device has no memory but what is there from the start. */
	bool is_anonymous = !is_file && !w->crash->device.is_device;
	return !mapping->has_permissions || (mapping->permissions & SNAP_MAPPING_WRITE) ||
	       is_anonymous;
}

bool snap_is_code(const struct snap_walk *w, uint64_t pc, bool is_exact)
{
	uint64_t addr = is_exact ? pc : pc - 1;
	const struct snap_mapping *mapping = snap_crash_mapping_at(w->crash, addr);
	if (mapping && mapping->has_permissions)
		return mapping->permissions & SNAP_MAPPING_EXEC;
	if (!mapping && w->crash->device.is_device)
		return is_exact ? snap_firmware_can_execute(w->crash, addr)
				: snap_firmware_may_be_code(w->crash, addr);
	return mapping || snap_crash_module_at(w->crash, addr);
}

static struct snap_object *object_at(
	const struct snap_walk *w, uint64_t addr, const struct snap_crash_module **ret)
{
	*ret = snap_crash_module_at(w->crash, addr);
	return *ret && (*ret)->record.has_load_bias ? (*ret)->object : NULL;
}

size_t snap_walk_read_code(struct snap_walk *w, uint64_t addr, void *buf, size_t len)
{
	/* What the process had there counts more than what its file has. */
	ssize_t n = snap_memory_read(&w->crash->memory, addr, buf, len);
	if (n == (ssize_t)len)
		return len;
	const struct snap_crash_module *module;
	const struct snap_object *object = object_at(w, addr, &module);
	size_t from_file =
		object ? snap_object_read(object, addr - module->record.load_bias, buf, len) : 0;
	if (from_file > 0 || n <= 0)
		return from_file;
	/* A failed read of the file leaves buf as it was. */
	return (size_t)n;
}

/* The bytes before pc, as many as there are; they end at buf + SNAP_CALL_MAX_BYTES. */
static size_t read_before(struct snap_walk *w, uint64_t pc, uint8_t buf[SNAP_CALL_MAX_BYTES])
{
	size_t len = pc < SNAP_CALL_MAX_BYTES ? (size_t)pc : SNAP_CALL_MAX_BYTES;
	for (; len > 0; len--)
		if (snap_walk_read_code(w, pc - len, buf + SNAP_CALL_MAX_BYTES - len, len) == len)
			return len;
	return 0;
}

enum snap_answer snap_is_call_site(struct snap_walk *w, uint64_t pc, bool is_thumb)
{
	uint8_t code[SNAP_CALL_MAX_BYTES];
	size_t len = read_before(w, pc, code);
	if (len == 0 || w->arch->support != SNAP_ARCH_SUPPORTED)
		return SNAP_NOT_KNOWN;
	return snap_is_after_call(w->arch, code + SNAP_CALL_MAX_BYTES - len, len, pc | is_thumb)
		       ? SNAP_YES
		       : SNAP_NO;
}

enum snap_answer snap_is_return_address(struct snap_walk *w, uint64_t pc, bool is_thumb)
{
	if (pc < MIN_ADDR && !w->crash->device.is_laid_out)
		return SNAP_NO;
	if (snap_is_exc_return(w->arch, pc))
		return w->mode == SNAP_MODE_THREAD ? SNAP_NO : SNAP_YES;
	const struct snap_cfi_row *row = snap_walk_row(w, pc);
	if ((row && row->is_signal) || snap_is_sigreturn(w, pc))
		return SNAP_YES;
	if (!snap_is_code(w, pc, false))
		return SNAP_NO;
	enum snap_answer answer = snap_is_call_site(w, pc, is_thumb);
	if (answer != SNAP_NO || snap_crash_module_at(w->crash, pc - 1))
		return answer;
	/* A stack may be executable, but words that point to it are mostly no code. */
	const struct snap_mapping *mapping = snap_crash_mapping_at(w->crash, pc - 1);
	return mapping == w->stack || (mapping && snap_bytes_equal_str(mapping->path, "[stack]"))
		       ? SNAP_NO
		       : SNAP_NOT_KNOWN;
}

bool snap_call_site_target(struct snap_walk *w, uint64_t pc, bool is_thumb, uint64_t *ret)
{
	uint8_t code[SNAP_CALL_MAX_BYTES];
	size_t len = read_before(w, pc, code);
	if (!snap_call_target(w->arch, code + SNAP_CALL_MAX_BYTES - len, len, pc | is_thumb, ret))
		return false;
	*ret &= snap_word_mask(w->arch);
	if (w->arch->has_thumb_bit)
		*ret &= ~UINT64_C(1);
	return true;
}

struct snap_function snap_function_at(struct snap_walk *w, uint64_t addr)
{
	const struct snap_crash_module *module;
	struct snap_object *object = object_at(w, addr, &module);
	struct snap_function extent = {0};
	if (object && snap_object_function(object, addr - module->record.load_bias, &extent.start,
			      &extent.end)) {
		extent.start += module->record.load_bias;
		extent.end += module->record.load_bias;
	}
	return extent;
}

struct snap_function snap_callee_of(struct snap_walk *w, const struct snap_frame *frame)
{
	uint64_t addr = frame->exact_pc ? frame->pc : frame->pc - 1;
	struct snap_function function = snap_function_at(w, addr);
	const struct snap_mapping *mapping = snap_crash_mapping_at(w->crash, addr);
	if (!snap_function_is_known(&function) && mapping &&
		!snap_crash_module_at(w->crash, addr) && snap_is_code(w, addr, true))
		function = (struct snap_function){mapping->start, mapping->end};
	return function;
}

enum snap_call_fit snap_call_fit(
	struct snap_walk *w, const struct snap_function *callee, uint64_t pc, bool is_thumb)
{
	uint64_t target;
	if (!snap_function_is_known(callee) || !snap_call_site_target(w, pc, is_thumb, &target))
		return SNAP_CALL_TO_ANY;
	if (snap_function_has(callee, target))
		return SNAP_CALL_TO_CALLEE;
	if (snap_function_has(callee, pc - 1))
		return SNAP_CALL_MISFIT;
	/* A stub of the procedure linkage table has no symbol. */
	struct snap_function other = snap_function_at(w, target);
	return snap_function_is_known(&other) ? SNAP_CALL_TO_OTHER : SNAP_CALL_TO_ANY;
}

bool snap_is_called_by(struct snap_walk *w, const struct snap_frame *frame,
	const struct snap_registers *caller)
{
	/* What a signal or a jump interrupted called nothing. */
	if (frame->is_signal || frame->exact_pc || caller->exact_pc)
		return true;
	struct snap_function callee = snap_callee_of(w, frame);
	return snap_call_fit(w, &callee, caller->pc, caller->is_thumb) > SNAP_CALL_TO_OTHER;
}

const struct snap_cfi_row *snap_walk_row(struct snap_walk *w, uint64_t addr)
{
	const struct snap_crash_module *module;
	struct snap_object *object = object_at(w, addr, &module);
	return object ? snap_object_cfi_row(object, addr - module->record.load_bias) : NULL;
}

bool snap_is_known_function(struct snap_walk *w, uint64_t addr)
{
	uint64_t start, end;
	struct snap_function function = snap_function_at(w, addr);
	if (snap_function_is_known(&function) || snap_walk_row(w, addr))
		return true;
	const struct snap_crash_module *module;
	struct snap_object *object = object_at(w, addr, &module);
	/* Of stripped firmware, nothing is known of any function. */
	if (w->crash->device.is_laid_out && object &&
		snap_object_symbols(object) == SNAP_SYMBOLS_NONE && !snap_object_exidx(object))
		return true;
	const struct snap_exidx *table = object ? snap_object_exidx(object) : NULL;
	return table && snap_exidx_function(table, addr - module->record.load_bias, &start, &end);
}
