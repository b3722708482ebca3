#include "analyze/report/text.h"

#include <inttypes.h>

#include "analyze/report/fold.h"
#include "analyze/report/text_device.h"
#include "analyze/report/text_facts.h"
#include "analyze/report/text_parts.h"
#include "analyze/report/words.h"
#include "common/escape.h"

void snap_text_gap(const struct snap_text *p)
{
	if (*p->begun)
		(void)fputc('\n', p->out);
	*p->begun = true;
}

void snap_text_heading(const struct snap_text *p, const char *text)
{
	snap_text_gap(p);
	(void)fprintf(p->out, "%s%s%s\n", p->colors.heading, text, p->colors.end);
}

/* A microcontroller's threads mostly have a name alone, which stands for an id. */
static bool has_name_for_id(const struct snap_text *p, const struct snap_crash_thread *thread)
{
	return p->crash->device.is_device && !thread->record.has_tid && thread->record.name.len > 0;
}

void snap_text_quoted(const struct snap_text *p, struct snap_bytes text)
{
	(void)fputc('"', p->out);
	snap_print(p->out, text);
	(void)fputc('"', p->out);
}

void snap_text_thread_id(const struct snap_text *p, const struct snap_crash_thread *thread)
{
	if (thread->record.has_tid)
		(void)fprintf(p->out, "%" PRIu64, thread->record.tid);
	else if (has_name_for_id(p, thread))
		snap_text_quoted(p, thread->record.name);
	else
		(void)fputs("(without an id)", p->out);
}

void snap_text_thread_name(const struct snap_text *p, const struct snap_crash_thread *thread)
{
	if (thread->record.name.len == 0 || has_name_for_id(p, thread))
		return;
	(void)fputc(' ', p->out);
	snap_text_quoted(p, thread->record.name);
}

/* ---------------------------------------------------------------- the first lines */

static void print_program(const struct snap_text *p)
{
	const struct snap_process *process = &p->crash->process;
	if (process->comm.len > 0)
		snap_print(p->out, process->comm);
	else if (process->exe.len > 0)
		snap_print(p->out, snap_base_name(process->exe));
	else
		(void)fputs("a program of unknown name", p->out);
	if (process->has_pid)
		(void)fprintf(p->out, ", pid %" PRIu32, process->pid);
}

void snap_text_headline(const struct snap_text *p)
{
	const struct snap_crash *crash = p->crash;
	const struct snap_cause *cause = &crash->cause;
	const struct snap_crash_thread *thread = snap_crash_crashed_thread(crash);
	if (crash->device.is_device) {
		snap_text_device_headline(p);
		return;
	}
	(void)fputs(p->colors.alarm, p->out);
	if (!crash->has_signal || !crash->signal.has_signo || crash->signal.signo == 0) {
		bool live = crash->metadata.has_fatal
				    ? !crash->metadata.fatal
				    : crash->capture.method == SNAP_CAPTURE_PTRACE;
		(void)fputs(
			live || crash->is_core ? "Live process: " : "Unknown event in ", p->out);
		print_program(p);
		(void)fprintf(p->out, ", %zu thread%s%s\n", crash->num_threads,
			crash->num_threads == 1 ? "" : "s", p->colors.end);
		return;
	}
	if (cause->signal)
		(void)fputs(cause->signal, p->out);
	else
		(void)fprintf(p->out, "signal %" PRId32, crash->signal.signo);
	if (cause->code)
		(void)fprintf(p->out, " (%s)", cause->code);
	else if (crash->signal.has_code)
		(void)fprintf(p->out, " (code %" PRId32 ")", crash->signal.code);
	if (cause->has_address)
		(void)fprintf(p->out, " at address 0x%" PRIx64, cause->address);
	(void)fputs(" in ", p->out);
	print_program(p);
	if (thread) {
		(void)fputs(", thread ", p->out);
		snap_text_thread_id(p, thread);
		snap_text_thread_name(p, thread);
	} else if (crash->signal.has_tid) {
		(void)fprintf(p->out, ", thread %" PRIu64, crash->signal.tid);
	}
	(void)fprintf(p->out, "%s\n", p->colors.end);
}

static void print_integrity(const struct snap_text *p)
{
	const struct snap_crash *crash = p->crash;
	if (crash->integrity == SNAP_INTEGRITY_COMPLETE)
		return;
	/* Pigweed's devices write such files: no reason to doubt what is in them. */
	if (crash->integrity == SNAP_INTEGRITY_UNMARKED) {
		(void)fputs("The snapshot has no checksums (another program wrote it): nothing "
			    "tells whether it is whole.\n",
			p->out);
		return;
	}
	(void)fprintf(p->out, "%sThe %s is %s", p->colors.doubt,
		crash->is_core ? "core" : "snapshot", snap_integrity_name(crash->integrity));
	if (crash->integrity_why[0]) {
		(void)fputs(": ", p->out);
		snap_print_str(p->out, crash->integrity_why);
	}
	(void)fprintf(p->out, ". What follows is what can be read of it.%s\n", p->colors.end);
}

static void print_locks(const struct snap_text *p)
{
	size_t num = 0;
	for (size_t i = 0; i < p->crash->num_threads && num < SNAP_TEXT_LISTED; i++) {
		const char *words = p->crash->threads[i].lock.words;
		if (!words)
			continue;
		if (num++ == 0)
			snap_text_heading(p, "Threads that wait for others");
		(void)fputs("  ", p->out);
		snap_print_str(p->out, words);
		(void)fputc('\n', p->out);
	}
	if (num == SNAP_TEXT_LISTED)
		(void)fputs("  (these are the first)\n", p->out);
}

/* ---------------------------------------------------------------- all of it */

static void print_cause(const struct snap_text *p)
{
	const struct snap_crash *crash = p->crash;
	*p->begun = true;
	snap_text_headline(p);
	if (crash->cause.explanation) {
		snap_print_str(p->out, crash->cause.explanation);
		(void)fputc('\n', p->out);
	}
	if (crash->cause.instruction) {
		(void)fputs("Instruction: ", p->out);
		snap_print_str(p->out, crash->cause.instruction);
		(void)fputc('\n', p->out);
	}
	if (crash->cause.severity.name)
		(void)fprintf(p->out, "Severity: %s (%s)\n", crash->cause.severity.name,
			crash->cause.severity.rule);
	if (crash->cause.memory_hint)
		(void)fprintf(p->out, "Hint: %s\n", crash->cause.memory_hint);
	snap_text_abort_message(crash, p->out);
	print_integrity(p);
	snap_text_fault(p);
}

static void print_stack(const struct snap_text *p)
{
	const struct snap_crash *crash = p->crash;
	const struct snap_crash_thread *crashed = snap_crash_crashed_thread(crash);
	if (crashed) {
		snap_text_crashed_thread(p, crashed);
	} else if (crash->has_signal) {
		snap_text_gap(p);
		(void)fprintf(p->out, "%sThe crashing thread is not in the %s.%s\n", p->colors.doubt,
			crash->is_core ? "core" : "snapshot", p->colors.end);
	}
}

static void print_registers(const struct snap_text *p)
{
	const struct snap_crash_thread *crashed = snap_crash_crashed_thread(p->crash);
	if (crashed)
		snap_text_registers(p, crashed);
}

static void print_threads(const struct snap_text *p)
{
	print_locks(p);
	snap_text_stacks(p);
	snap_text_other_threads(p);
}

static void print_log(const struct snap_text *p)
{
	if (p->crash->num_logs > 0)
		snap_text_heading(p, "Log");
	snap_text_logs(p->crash, p->out);
}

/* path: "" of an input, "2." of what is within its second related snapshot. */
static void print_report(const struct snap_crash *crash, const struct snap_text_style *style,
	const char *path, FILE *out)
{
	static void (*const printers[])(const struct snap_text *p) = {
		[SNAP_SECTION_CAUSE] = print_cause,
		[SNAP_SECTION_STACK] = print_stack,
		[SNAP_SECTION_REGISTERS] = print_registers,
		[SNAP_SECTION_THREADS] = print_threads,
		[SNAP_SECTION_MODULES] = snap_text_modules,
		[SNAP_SECTION_MISSING] = snap_text_missing,
		[SNAP_SECTION_LOG] = print_log,
		[SNAP_SECTION_PROCESS] = snap_text_facts,
		[SNAP_SECTION_FILES] = snap_text_files,
		[SNAP_SECTION_FIELDS] = snap_text_fields,
		[SNAP_SECTION_NOTES] = snap_text_notes,
		[SNAP_SECTION_SIGNATURE] = snap_text_signature,
		[SNAP_SECTION_MEMORY] = snap_text_memory,
	};
	bool begun = false;
	const struct snap_text p = {
		.crash = crash,
		.rules = style->rules,
		.only_crashed_thread = style->only_crashed_thread,
		.colors = style->color ? SNAP_COLORS_ON : SNAP_COLORS_OFF,
		.out = out,
		.columns = style->columns,
		.begun = &begun,
	};
	for (size_t i = 0; i < SNAP_NUM_SECTIONS; i++)
		if (style->sections & 1u << i)
			printers[i](&p);
	for (size_t i = 0; i < crash->num_related; i++) {
		char inner[16 * SNAP_MAX_RELATED_DEPTH];
		(void)snprintf(inner, sizeof(inner), "%s%zu", path, i + 1);
		(void)fprintf(out, "\n%sRelated snapshot %s%s\n\n", p.colors.heading, inner,
			p.colors.end);
		(void)snprintf(inner, sizeof(inner), "%s%zu.", path, i + 1);
		print_report(&crash->related[i], style, inner, out);
	}
}

int snap_report_text(
	const struct snap_crash *crash, const struct snap_text_style *style, FILE *out)
{
	FILE *folded = style->columns ? snap_fold_open(out, style->columns) : NULL;
	if (style->columns && !folded)
		return -1;
	print_report(crash, style, "", folded ? folded : out);
	if (folded)
		(void)fclose(folded); /* what failed is found at the end */
	return 0;
}
