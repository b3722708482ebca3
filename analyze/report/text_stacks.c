#include <inttypes.h>
#include <string.h>

#include "analyze/input/clock.h"
#include "analyze/report/text_parts.h"
#include "analyze/report/words.h"
#include "common/escape.h"

/* So many threads are listed. */
#define MAX_THREADS 64
/* Names are padded to the longest, but to no more. */
#define NAME_COLUMNS 28

static void name_of(const struct snap_crash_thread *thread, char *buf, size_t size)
{
	if (thread->record.name.len > 0)
		(void)snap_escape(thread->record.name, SNAP_ESCAPE_TERMINAL, buf, size);
	else
		(void)snprintf(buf, size, "(no name)");
}

/* "256 of 1,280 bytes (20.0 %)", with what is not known left out. */
static void print_bytes(const struct snap_text *p, const char *word, uint64_t bytes,
	const struct snap_stack_use *use)
{
	char number[32], size[32];
	(void)fprintf(p->out, ", %s %s", word, snap_number_words(bytes, number));
	if (!use->has_size)
		(void)fputs(" bytes", p->out);
	else if (use->size == 0)
		(void)fputs(" of 0 bytes", p->out);
	else
		(void)fprintf(p->out, " of %s bytes (%.1f %%)", snap_number_words(use->size, size),
			100.0 * (double)bytes / (double)use->size);
}

static void print_overflow(const struct snap_text *p, const struct snap_stack_use *use)
{
	uint64_t over = use->is_overflow ? use->used - use->size : use->peak - use->size;
	char number[32];
	if (!use->is_overflow && !use->was_overflow)
		return;
	(void)fprintf(p->out, " %s%s by %s bytes%s", p->colors.doubt,
		use->is_overflow ? "OVERFLOW" : "OVERFLOWED once", snap_number_words(over, number),
		p->colors.end);
}

/* Where it is: "; 0x20000de0 down to 0x20000a00, now at 0x20000da8". */
static void print_addresses(const struct snap_text *p, const struct snap_thread *record)
{
	if (!record->has_stack_start)
		return;
	(void)fprintf(p->out, "; %s0x%08" PRIx64, record->has_stack_end ? "" : "from ",
		record->stack_start);
	if (record->has_stack_end)
		(void)fprintf(p->out, " %s to 0x%08" PRIx64,
			record->stack_end <= record->stack_start ? "down" : "up",
			record->stack_end);
	if (record->has_stack_pointer)
		(void)fprintf(p->out, ", now at 0x%08" PRIx64, record->stack_pointer);
}

static void print_thread(
	const struct snap_text *p, const struct snap_crash_thread *thread, int name_columns)
{
	const struct snap_thread *record = &thread->record;
	const struct snap_stack_use *use = &thread->stack_use;
	char name[256];
	name_of(thread, name, sizeof(name));
	const char *state = record->has_state ? snap_thread_state_name(record->state) : "unknown";
	(void)fprintf(p->out, "  %-*s  ", name_columns, name);
	if (state)
		(void)fputs(state, p->out);
	else
		(void)fprintf(p->out, "state %" PRIu32, record->state);
	if (record->active)
		(void)fputs(", active", p->out);
	if (record->has_cpu_usage)
		(void)fprintf(p->out, ", CPU %" PRIu32 ".%02" PRIu32 " %%", record->cpu_usage / 100,
			record->cpu_usage % 100);
	if (use->has_used)
		print_bytes(p, "stack", use->used, use);
	else if (use->has_size)
		(void)fprintf(p->out, ", stack of %" PRIu64 " bytes", use->size);
	if (use->is_elsewhere)
		(void)fprintf(p->out, ", %sstack pointer 0x%" PRIx64 " is not in its stack%s",
			p->colors.doubt, record->stack_pointer, p->colors.end);
	if (use->has_peak)
		print_bytes(p, "peak", use->peak, use);
	print_overflow(p, use);
	print_addresses(p, record);
	(void)fputc('\n', p->out);
}

void snap_text_stacks(const struct snap_text *p)
{
	const struct snap_crash *crash = p->crash;
	int name_columns = 0;
	if (!crash->device.is_device || crash->num_threads == 0)
		return;
	snap_text_heading(p, "Threads and how much of their stacks is used");
	for (size_t i = 0; i < crash->num_threads && i < MAX_THREADS; i++) {
		char name[256];
		name_of(&crash->threads[i], name, sizeof(name));
		int len = (int)strlen(name);
		if (len > name_columns)
			name_columns = len < NAME_COLUMNS ? len : NAME_COLUMNS;
	}
	for (size_t i = 0; i < crash->num_threads && i < MAX_THREADS; i++)
		print_thread(p, &crash->threads[i], name_columns);
	if (crash->num_threads > MAX_THREADS)
		(void)fprintf(p->out, "  ... and %zu more (snapanalyze json has all)\n",
			crash->num_threads - MAX_THREADS);
}

void snap_text_clocks(const struct snap_text *p)
{
	const struct snap_device *device = &p->crash->device;
	for (size_t i = 0; i < device->num_timestamps && i < SNAP_TEXT_LISTED; i++) {
		char words[128];
		snap_clock_words(&device->timestamps[i], words, sizeof(words));
		(void)fprintf(p->out, "  %-10s %s\n", i == 0 ? "Clock" : "", words);
	}
	if (device->num_timestamps > SNAP_TEXT_LISTED)
		(void)fprintf(p->out, "  %-10s ... and %zu more (snapanalyze json has all)\n", "",
			device->num_timestamps - SNAP_TEXT_LISTED);
	if (device->trace_data.data)
		(void)fprintf(p->out, "  %-10s %zu bytes\n", "Trace", device->trace_data.len);
}
