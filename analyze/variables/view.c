#include "analyze/variables/view.h"

#include <dwarf.h>
#include <elf.h>
#include <string.h>

#include "analyze/sandbox/note.h"
#include "analyze/symbols/object.h"
#include "analyze/symbols/static_memory.h"

/* Of one input. A thousand deep stacks of large programs take a tenth of each. */
#define MAX_ENTRIES    (UINT64_C(16) << 20)
#define MAX_LIST_BYTES (UINT64_C(256) << 20)
#define MAX_STEPS      (UINT64_C(4) << 20)
#define MAX_TEXT       (UINT64_C(16) << 20)
#define MAX_VARIABLES  65536

void snap_views_init(struct snap_views *views, struct snap_crash *crash)
{
	*views = (struct snap_views){
		.crash = crash,
		.left =
			{
				.entries = MAX_ENTRIES,
				.list_bytes = MAX_LIST_BYTES,
				.steps = MAX_STEPS,
				.text = MAX_TEXT,
				.variables = MAX_VARIABLES,
			},
	};
}

/* ---------------------------------------------------------------- frames */

bool snap_view_init(struct snap_views *views, const struct snap_crash_thread *thread, size_t index,
	struct snap_view *ret)
{
	const struct snap_frame *frame = &thread->frames[index];
	const struct snap_crash_module *module = frame->module;
	if (!module || !module->object || !module->record.has_load_bias || !views->crash->arch)
		return false;
	struct snap_code_index *code = snap_object_code_index(module->object);
	if (!code)
		return false;
	SNAP_READING_SLOT(snap_object_note(module->object));
	uint64_t vaddr = frame->pc - module->record.load_bias;
	struct snap_code_entry entry;
	/* A return address may already belong to what follows the call. */
	if (!frame->exact_pc && !frame->is_signal)
		vaddr--;
	if (!snap_code_index_entry(code, vaddr, &entry) ||
		entry.unit->encoding.address_size != snap_arch_word(views->crash->arch))
		return false;
	*ret = (struct snap_view){
		.views = views,
		.arch = views->crash->arch,
		.thread = thread,
		.index = index,
		.frame = frame,
		.object = module->object,
		.unit = entry.unit,
		.load_bias = module->record.load_bias - entry.bias,
		.vaddr = vaddr + entry.bias,
		.function = {entry.unit, entry.off},
		.function_start = entry.start,
	};
	/* What a guess found may be no frame at all: nothing is told by its registers. */
	if (frame->regs && frame->trust <= SNAP_TRUST_FP)
		ret->known_regs = frame->known_regs;
	const struct snap_abbrev *abbrev = snap_view_attrs(ret, ret->function, NULL, NULL, 0);
	return abbrev && abbrev->tag == DW_TAG_subprogram;
}

bool snap_view_caller(const struct snap_view *view, struct snap_view *ret)
{
	const struct snap_frame *frame = view->frame;
	if (view->index + 1 >= view->thread->num_frames || frame->gap_bytes > 0 ||
		frame->gap_frames > 0 || frame->is_signal)
		return false;
	const struct snap_frame *caller = frame + 1;
	return !caller->is_tail_call && !caller->exact_pc && caller->trust <= SNAP_TRUST_CFI &&
	       snap_view_init(view->views, view->thread, view->index + 1, ret);
}

/* ---------------------------------------------------------------- memory and registers */

size_t snap_view_read(const struct snap_view *view, uint64_t addr, void *buf, size_t len)
{
	if (view->arch->elf_class == ELFCLASS32)
		addr &= UINT32_MAX;
	return snap_static_read(view->views->crash, addr, buf, len);
}

/* Of the innermost frame: the registers of vectors and floating point numbers. */
static size_t vector_register(const struct snap_view *view, uint64_t number, uint8_t *ret)
{
	enum { LEN = 16 };
	uint64_t first, last, off;
	if (view->arch->elf_machine == EM_X86_64) {
		/* struct user_fpregs_struct of <sys/user.h>: xmm0 to xmm15. */
		first = 17;
		last = 32;
		off = 160;
	} else if (view->arch->elf_machine == EM_AARCH64) {
		/* struct user_fpsimd_state of <asm/ptrace.h>: v0 to v31. */
		first = 64;
		last = 95;
		off = 0;
	} else {
		return 0;
	}
	/* A caller's were used by others since. */
	if (view->index != 0 || view->frame->trust != SNAP_TRUST_CONTEXT || number < first ||
		number > last)
		return 0;
	off += (number - first) * LEN;
	for (size_t i = 0; i < view->thread->record.num_regsets; i++) {
		const struct snap_regset *regset = &view->thread->record.regsets[i];
		if (regset->type == NT_FPREGSET && regset->data.data &&
			regset->data.len >= off + LEN) {
			memcpy(ret, regset->data.data + off, LEN);
			return LEN;
		}
	}
	return 0;
}

size_t snap_view_register(
	const struct snap_view *view, uint64_t number, uint8_t ret[SNAP_VIEW_MAX_REGISTER])
{
	int column = snap_arch_column(view->arch, number);
	if (column < 0)
		return vector_register(view, number, ret);
	if (!(view->known_regs >> column & 1))
		return 0;
	unsigned int len = snap_arch_word(view->arch);
	uint64_t value = view->frame->regs[column];
	for (unsigned int i = 0; i < len; i++) {
		unsigned int at = view->arch->elf_data == ELFDATA2MSB ? len - 1 - i : i;
		ret[at] = (uint8_t)(value >> (8 * i));
	}
	return len;
}

/* ---------------------------------------------------------------- entries */

const struct snap_abbrev *snap_view_attrs(const struct snap_view *view, struct snap_die die,
	const uint16_t *names, struct snap_attr *attrs, size_t num)
{
	struct snap_variables_budget *left = &view->views->left;
	for (size_t i = 0; i < num; i++)
		attrs[i] = (struct snap_attr){0};
	if (left->entries == 0 || !die.unit)
		return NULL;
	left->entries--;
	return snap_die_attrs(die, names, attrs, num);
}

bool snap_view_reference(const struct snap_view *view, const struct snap_dwarf_unit *unit,
	const struct snap_attr *attr, struct snap_die *ret)
{
	struct snap_variables_budget *left = &view->views->left;
	if (attr->form != DW_FORM_ref_sig8)
		return snap_attr_die(unit, attr, ret);
	/* All units may have to be gone through. */
	struct snap_dwarf_file *file = unit->file;
	size_t num = file->info.num + file->types.num;
	left->entries -= num < left->entries ? num : left->entries;
	return left->entries > 0 && snap_dwarf_file_type(file, attr->value, ret);
}
