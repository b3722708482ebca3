/*
 * What only the caller knows: DW_OP_entry_value and DW_OP_GNU_parameter_ref, by the parameters of
 * its call site (DWARF 5, section 3.4).
 */
#include "analyze/variables/machine.h"

#include <dwarf.h>

#include "analyze/dwarf/children.h"
#include "analyze/symbols/object.h"

/* Nesting of blocks and inlined functions in which a call site is looked for. */
#define MAX_CALL_DEPTH 64

/* Whether the call site, to whose end the view's function returns, went to that function, not to
 * one that jumped to it. */
static bool called_us(const struct snap_view *view, const struct snap_view *caller,
	struct snap_die call_site, unsigned int nesting)
{
	static const uint16_t names[] = {DW_AT_call_origin, DW_AT_abstract_origin,
		DW_AT_call_target, DW_AT_GNU_call_site_target};
	struct snap_code_index *index = snap_object_code_index(caller->object);
	const struct snap_crash_module *module = view->frame->module;
	uint64_t start = view->function_start + view->load_bias;
	uint64_t return_vaddr = caller->frame->pc - caller->frame->module->record.load_bias;
	struct snap_call_site site;
	struct snap_attr attrs[4];
	struct snap_dwarf_value value;
	struct snap_piece unused;
	uint64_t target;
	if (!snap_view_attrs(caller, call_site, names, attrs, 4))
		return false;
	/* A call through a pointer may say which. */
	const struct snap_attr *through = attrs[2].block.data ? &attrs[2] : &attrs[3];
	if (!snap_attr_is_there(&attrs[0]) && !snap_attr_is_there(&attrs[1]))
		return through->block.data &&
		       snap_machine_value(caller, call_site.unit, through->block, nesting + 1,
			       &value, &unused) &&
		       value.bits == start;
	if (!index || !snap_code_index_site(index, return_vaddr, &site) || site.is_tail_call)
		return false;
	if (site.target_start != 0)
		return site.target_start + caller->frame->module->record.load_bias == start;
	return site.target_name && snap_object_find_name(view->object, site.target_name, &target) &&
	       target + module->record.load_bias == start;
}

/* The call site with the return address of the caller's frame, somewhere below parent. */
static bool find_call_site(const struct snap_view *caller, struct snap_die parent,
	unsigned int depth, struct snap_die *ret)
{
	static const uint16_t names[] = {DW_AT_call_return_pc, DW_AT_low_pc};
	struct snap_children children;
	struct snap_child child;
	snap_children_begin(&children, parent, &caller->views->left.entries);
	while (snap_children_next(&children, &child)) {
		struct snap_attr attrs[2];
		uint64_t addr;
		switch (child.abbrev->tag) {
		case DW_TAG_call_site:
		case DW_TAG_GNU_call_site:
			if (snap_view_attrs(caller, child.die, names, attrs, 2) &&
				snap_attr_address(child.die.unit,
					&attrs[child.abbrev->tag == DW_TAG_GNU_call_site], &addr) &&
				addr == caller->vaddr + 1) {
				*ret = child.die;
				return true;
			}
			break;
		case DW_TAG_inlined_subroutine:
		case DW_TAG_lexical_block:
			if (child.abbrev->has_children && depth < MAX_CALL_DEPTH &&
				find_call_site(caller, child.die, depth + 1, ret))
				return true;
			break;
		}
	}
	return false;
}

static bool is_register(struct snap_bytes block, uint64_t number)
{
	struct snap_cursor c = snap_cursor(block, 0, false);
	uint8_t op = snap_cursor_u8(&c);
	uint64_t found = op == DW_OP_regx ? snap_cursor_uleb(&c) : (uint64_t)op - DW_OP_reg0;
	bool is_reg = op == DW_OP_regx || (op >= DW_OP_reg0 && op <= DW_OP_reg31);
	return is_reg && !c.failed && c.p == c.end && found == number;
}

/*
 * What the caller passed: in the register (parameter NULL), or as that formal parameter. is_target:
 * what the register pointed to.
 */
void snap_machine_push_passed(
	struct snap_machine *m, uint64_t number, const struct snap_die *parameter)
{
	static const uint16_t names[] = {DW_AT_location, DW_AT_call_value,
		DW_AT_GNU_call_site_value, DW_AT_call_parameter, DW_AT_abstract_origin};
	struct snap_view caller;
	struct snap_die site;
	const char *const lost = "what the caller passed is not known";
	if (m->nesting >= SNAP_MACHINE_MAX_NESTING || !snap_view_caller(m->view, &caller) ||
		!find_call_site(&caller, caller.function, 0, &site) ||
		!called_us(m->view, &caller, site, m->nesting)) {
		snap_machine_fail(m, SNAP_BITS_OPTIMIZED_OUT, lost);
		return;
	}
	struct snap_children children;
	struct snap_child child;
	snap_children_begin(&children, site, &m->view->views->left.entries);
	while (snap_children_next(&children, &child)) {
		struct snap_attr attrs[5];
		struct snap_die origin;
		if ((child.abbrev->tag != DW_TAG_call_site_parameter &&
			    child.abbrev->tag != DW_TAG_GNU_call_site_parameter) ||
			!snap_view_attrs(m->view, child.die, names, attrs, 5))
			continue;
		bool fits = parameter
				    ? ((snap_attr_die(child.die.unit, &attrs[3], &origin) ||
					       snap_attr_die(child.die.unit, &attrs[4], &origin)) &&
					      origin.unit == parameter->unit &&
					      origin.off == parameter->off)
				    : is_register(attrs[0].block, number);
		const struct snap_attr *given =
			snap_attr_is_there(&attrs[1]) ? &attrs[1] : &attrs[2];
		if (!fits || !given->block.data)
			continue;
		struct snap_dwarf_value value;
		struct snap_piece failure;
		if (snap_machine_value(&caller, child.die.unit, given->block, m->nesting + 1,
			    &value, &failure)) {
			snap_machine_push_value(m, value);
		} else if (!m->failed) {
			m->failed = true;
			m->failure = failure;
		}
		return;
	}
	snap_machine_fail(m, SNAP_BITS_OPTIMIZED_OUT, lost);
}

/* The block is a register, or an expression of what it was at the function's beginning. */
void snap_machine_push_entry_value(struct snap_machine *m, struct snap_bytes block)
{
	struct snap_cursor c = snap_cursor(block, 0, false);
	uint8_t op = snap_cursor_u8(&c);
	if (op >= DW_OP_reg0 && op <= DW_OP_reg31 && c.p == c.end) {
		snap_machine_push_passed(m, (uint64_t)op - DW_OP_reg0, NULL);
	} else if (op == DW_OP_regx) {
		snap_machine_push_passed(m, snap_cursor_uleb(&c), NULL);
	} else {
		/* Of memory it is in general lost what it was. */
		snap_machine_fail(m, SNAP_BITS_OPTIMIZED_OUT,
			"what it was when the function was entered is lost");
	}
}
