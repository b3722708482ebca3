#include "analyze/report/json_stack.h"

#include "analyze/input/clock.h"
#include "analyze/report/json_values.h"
#include "analyze/report/words.h"

static void put_device_thread(struct snap_json *w, const struct snap_crash_thread *thread)
{
	const struct snap_thread *record = &thread->record;
	snap_json_maybe_bool(w, "active", record->active, true);
	snap_json_maybe_number(w, "cpu_usage_hundredths", record->has_cpu_usage, record->cpu_usage);
	snap_json_put_string(w, "saved_by", thread->saved_by);
	snap_json_begin_array(w, "backtrace");
	for (size_t i = 0; i < record->num_backtrace; i++)
		snap_json_put_hex(w, NULL, record->backtrace[i]);
	snap_json_end_array(w);
	snap_json_begin_array(w, "symbolized_backtrace");
	for (size_t i = 0; i < record->num_symbolized; i++)
		snap_json_put_text(w, NULL, record->symbolized[i]);
	snap_json_end_array(w);
}

void snap_json_put_stack(
	struct snap_json *w, const struct snap_crash *crash, const struct snap_crash_thread *thread)
{
	const struct snap_thread *record = &thread->record;
	const struct snap_stack_use *use = &thread->stack_use;
	if (crash->device.is_device)
		put_device_thread(w, thread);
	bool is_known = record->has_stack_start || record->has_stack_end ||
			record->has_stack_pointer || record->has_stack_peak;
	if (snap_json_maybe_object(w, "stack", is_known)) {
		snap_json_maybe_hex(w, "start", record->has_stack_start, record->stack_start);
		snap_json_maybe_hex(w, "end", record->has_stack_end, record->stack_end);
		snap_json_maybe_hex(w, "pointer", record->has_stack_pointer, record->stack_pointer);
		snap_json_maybe_hex(w, "peak_pointer", record->has_stack_peak, record->stack_peak);
		snap_json_maybe_number(w, "size", use->has_size, use->size);
		snap_json_maybe_number(w, "used", use->has_used, use->used);
		snap_json_maybe_number(w, "peak", use->has_peak, use->peak);
		snap_json_put_bool(w, "overflow", use->is_overflow || use->was_overflow);
		snap_json_end_object(w);
	}
}

static void put_clock(struct snap_json *w, const struct snap_time_point *point)
{
	char text[128], time[40] = "";
	struct snap_clock_time at;
	snap_json_begin_object(w, NULL);
	snap_json_maybe_signed(w, "ticks", point->has_ticks, point->ticks);
	snap_json_maybe_signed(w, "period_numerator", point->has_period, point->period_numerator);
	snap_json_maybe_signed(
		w, "period_denominator", point->has_period, point->period_denominator);
	snap_json_maybe_name(
		w, "epoch", point->epoch != 0, snap_epoch_name(point->epoch), point->epoch);
	if (snap_clock_unix(point, &at))
		snap_time_words(at.seconds, at.nanoseconds, time);
	snap_json_put_string(w, "time", time[0] ? time : NULL);
	snap_clock_words(point, text, sizeof(text));
	snap_json_put_string(w, "text", text);
	snap_json_end_object(w);
}

void snap_json_put_clocks(struct snap_json *w, const struct snap_crash *crash)
{
	const struct snap_device *device = &crash->device;
	if (!device->is_device)
		return;
	snap_json_begin_array(w, "timestamps");
	for (size_t i = 0; i < device->num_timestamps; i++)
		put_clock(w, &device->timestamps[i]);
	snap_json_end_array(w);
	snap_json_maybe_number(
		w, "trace_data_bytes", device->trace_data.data != NULL, device->trace_data.len);
}
