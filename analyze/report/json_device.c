#include "analyze/report/json_device.h"

#include "analyze/report/json_values.h"

void snap_json_fault(struct snap_json *w, const struct snap_crash *crash)
{
	const struct snap_device *device = &crash->device;
	if (!snap_json_maybe_object(w, "fault",
		    device->is_device && device->has_state && device->family != SNAP_CPU_NONE))
		return;
	snap_json_put_string(w, "name", device->fault_name);
	snap_json_put_string(w, "bit", device->fault_bit);
	snap_json_maybe_bool(w, "escalated", device->fault_name != NULL, device->is_escalated);
	snap_json_put_string(w, "exception", device->exception);
	snap_json_put_string(w, "handler", device->handler);
	snap_json_maybe_bool(
		w, "handler_is_default", device->handler != NULL, device->is_default_handler);
	snap_json_put_string(w, "mode", device->mode);
	snap_json_begin_array(w, "status");
	for (size_t i = 0; i < device->num_fault_bits; i++) {
		const struct snap_fault_bit *bit = &device->fault_bits[i];
		snap_json_begin_object(w, NULL);
		snap_json_put_string(w, "register", bit->reg);
		snap_json_put_string(w, "bit", bit->name);
		snap_json_put_string(w, "meaning", bit->words);
		snap_json_end_object(w);
	}
	snap_json_end_array(w);
	snap_json_begin_object(w, "registers");
	for (unsigned int i = 0; i < SNAP_CPU_STATE_FIELDS; i++) {
		const char *name = snap_cpu_state_name(device->family, i);
		if (name && snap_cpu_state_is_status(device->family, i) &&
			snap_cpu_state_has(&device->state, i))
			snap_json_put_hex(w, name, device->state.values[i]);
	}
	snap_json_end_object(w);
	snap_json_end_object(w);
}
