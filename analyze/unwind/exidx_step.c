#include "analyze/unwind/exidx_step.h"

#include "analyze/symbols/object.h"
#include "analyze/unwind/exidx.h"

/* The column of arm's pc, which a table restores or takes from lr. */
#define ARM_PC 15

enum snap_step snap_step_by_exidx(struct snap_walk *w, struct snap_frame *frame,
	const struct snap_registers *registers, struct snap_registers *caller)
{
	const struct snap_crash_module *module = frame->module;
	const struct snap_exidx *table =
		module && module->object ? snap_object_exidx(module->object) : NULL;
	uint64_t addr = frame->exact_pc ? frame->pc : frame->pc - 1, cfa = 0, fault = 0;
	if (!table)
		return SNAP_STEP_UNKNOWN;
	*caller = *registers;
	caller->exact_pc = false;
	caller->trust = SNAP_TRUST_CFI;
	switch (snap_exidx_step(table, &w->crash->memory, addr - module->record.load_bias,
		caller->values, &caller->known, &cfa, &fault)) {
	case SNAP_EXIDX_STEPPED:
		break;
	case SNAP_EXIDX_CANT_UNWIND:
		/* The outermost functions, but also those that no exception passes. */
		(void)snap_step_is_outermost(w, "outermost frame");
		return SNAP_STEP_UNKNOWN;
	case SNAP_EXIDX_NONE:
		return SNAP_STEP_UNKNOWN;
	case SNAP_EXIDX_NO_MEMORY:
		return snap_step_lacks(w, fault);
	case SNAP_EXIDX_NO_REGISTER:
		return snap_step_lacks_register(
			w, "the unwind information needs a register that is not known");
	case SNAP_EXIDX_MALFORMED:
		return snap_step_fails(w, SNAP_END_CORRUPT, "the unwind information is malformed");
	}
	snap_set_return_address(w, caller, caller->values[ARM_PC]);
	if (frame->exact_pc && snap_is_call_site(w, caller->pc, caller->is_thumb) == SNAP_NO)
		return SNAP_STEP_UNKNOWN;
	frame->cfa = cfa;
	frame->has_cfa = true;
	return SNAP_STEP_DONE;
}
