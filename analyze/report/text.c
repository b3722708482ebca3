#include "analyze/report/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/report/backtrace.h"
#include "analyze/report/color.h"
#include "analyze/report/text_facts.h"
#include "analyze/report/words.h"
#include "common/escape.h"

/* Of a list (threads that stand alike, notes, omissions) so many are named. */
#define MAX_LISTED 16

struct printer {
	const struct snap_crash *crash;
	bool only_crashed_thread;
	struct snap_colors colors;
	FILE *out;
};

static void heading(const struct printer *p, const char *text)
{
	(void)fprintf(p->out, "\n%s%s%s\n", p->colors.heading, text, p->colors.end);
}

static void print_thread_id(const struct printer *p, const struct snap_crash_thread *thread)
{
	if (thread->record.has_tid)
		(void)fprintf(p->out, "%" PRIu64, thread->record.tid);
	else
		(void)fputs("(without an id)", p->out);
}

static void print_thread_name(const struct printer *p, const struct snap_crash_thread *thread)
{
	if (thread->record.name.len == 0)
		return;
	(void)fputs(" \"", p->out);
	snap_print(p->out, thread->record.name);
	(void)fputc('"', p->out);
}

/* ---------------------------------------------------------------- the first lines */

static void print_program(const struct printer *p)
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

static void print_headline(const struct printer *p)
{
	const struct snap_crash *crash = p->crash;
	const struct snap_cause *cause = &crash->cause;
	const struct snap_crash_thread *thread = snap_crash_crashed_thread(crash);
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
		print_thread_id(p, thread);
		print_thread_name(p, thread);
	} else if (crash->signal.has_tid) {
		(void)fprintf(p->out, ", thread %" PRIu64, crash->signal.tid);
	}
	(void)fprintf(p->out, "%s\n", p->colors.end);
}

static void print_integrity(const struct printer *p)
{
	const struct snap_crash *crash = p->crash;
	if (crash->integrity == SNAP_INTEGRITY_COMPLETE)
		return;
	(void)fprintf(p->out, "%sThe %s is %s", p->colors.doubt,
		crash->is_core ? "core" : "snapshot", snap_integrity_name(crash->integrity));
	if (crash->integrity_why[0]) {
		(void)fputs(": ", p->out);
		snap_print_str(p->out, crash->integrity_why);
	}
	(void)fprintf(p->out, ". What follows is what can be read of it.%s\n", p->colors.end);
}

/* ---------------------------------------------------------------- threads */

static void print_crashed_thread(const struct printer *p, const struct snap_crash_thread *thread)
{
	(void)fprintf(p->out, "\n%sCrashing thread ", p->colors.heading);
	print_thread_id(p, thread);
	print_thread_name(p, thread);
	(void)fprintf(p->out, "%s\n", p->colors.end);
	snap_backtrace_print(thread, &p->colors, p->out);
	if (p->crash->arch && thread->pr_reg.data) {
		heading(p, "Registers");
		snap_registers_print(p->crash, thread, p->out);
	} else if (thread->pr_reg.data) {
		heading(p, "Registers");
		(void)fprintf(p->out, "  captured, but of a machine that is not supported\n");
	}
}

/* A thread in the order of what its stack looks like. */
struct alike {
	uint64_t hash;
	size_t index;  /* into threads */
	size_t leader; /* the first thread that looks the same; its own index for a leader */
	uint64_t tid;
};

static uint64_t hash_stack(const struct snap_crash_thread *thread)
{
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a, by words */
	for (size_t i = 0; i < thread->num_frames; i++)
		hash = (hash ^ thread->frames[i].pc) * 0x100000001b3;
	return (hash ^ (uint64_t)thread->end) * 0x100000001b3;
}

static bool same_stack(const struct snap_crash_thread *a, const struct snap_crash_thread *b)
{
	if (a->num_frames != b->num_frames || a->end != b->end || a->num_listed != b->num_listed)
		return false;
	if ((a->end_reason == NULL) != (b->end_reason == NULL) ||
		(a->end != SNAP_END_COMPLETE && a->end_reason &&
			strcmp(a->end_reason, b->end_reason) != 0))
		return false;
	for (size_t i = 0; i < a->num_frames; i++)
		if (a->frames[i].pc != b->frames[i].pc || a->frames[i].trust != b->frames[i].trust)
			return false;
	return true;
}

static int compare_hashes(const void *a, const void *b)
{
	const struct alike *x = a, *y = b;
	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static int compare_groups(const void *a, const void *b)
{
	const struct alike *x = a, *y = b;
	if (x->leader != y->leader)
		return x->leader < y->leader ? -1 : 1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

/* Group threads whose stacks are the same: afterwards each group stands together, in the order of
 * thread ids, and groups in the order of their first threads in the file. */
static void group_threads(const struct snap_crash *crash, struct alike *list, size_t num)
{
	for (size_t i = 0; i < num; i++) {
		list[i].hash = hash_stack(&crash->threads[list[i].index]);
		list[i].tid = crash->threads[list[i].index].record.tid;
	}
	qsort(list, num, sizeof(*list), compare_hashes);
	for (size_t i = 0; i < num; i++) {
		/* With the one before only: different stacks of one hash are not met in practice,
		 * and cost no more than a group shown twice. */
		bool same = i > 0 && list[i].hash == list[i - 1].hash &&
			    same_stack(&crash->threads[list[i].index],
				    &crash->threads[list[i - 1].leader]);
		list[i].leader = same ? list[i - 1].leader : list[i].index;
	}
	qsort(list, num, sizeof(*list), compare_groups);
}

static bool same_names(const struct snap_crash *crash, const struct alike *group, size_t num)
{
	for (size_t i = 1; i < num; i++)
		if (!snap_bytes_equal(crash->threads[group[i].index].record.name,
			    crash->threads[group[0].index].record.name))
			return false;
	return true;
}

static void print_group(const struct printer *p, const struct alike *group, size_t num)
{
	const struct snap_crash *crash = p->crash;
	const struct snap_crash_thread *first = &crash->threads[group[0].index];
	bool one_name = num > 1 && same_names(crash, group, num);
	(void)fprintf(p->out, "\n%sThread%s ", p->colors.heading, num == 1 ? "" : "s");
	for (size_t i = 0; i < num && i < MAX_LISTED; i++) {
		const struct snap_crash_thread *thread = &crash->threads[group[i].index];
		if (i > 0)
			(void)fputs(", ", p->out);
		print_thread_id(p, thread);
		if (!one_name)
			print_thread_name(p, thread);
	}
	if (num > MAX_LISTED)
		(void)fprintf(p->out, " and %zu more", num - MAX_LISTED);
	if (one_name)
		print_thread_name(p, first);
	if (num > 1)
		(void)fprintf(p->out, " (%zu threads)", num);
	(void)fprintf(p->out, "%s\n", p->colors.end);
	snap_text_wait(crash, first, num > 1, p->out);
	snap_backtrace_print(first, &p->colors, p->out);
}

static void print_other_threads(const struct printer *p)
{
	const struct snap_crash *crash = p->crash;
	size_t num = 0;
	struct alike *list = calloc(crash->num_threads + 1, sizeof(*list));
	for (size_t i = 0; i < crash->num_threads; i++)
		if (!crash->threads[i].crashed) {
			if (list)
				list[num] = (struct alike){.index = i, .leader = i};
			num++;
		}
	if (num > 0 && p->only_crashed_thread) {
		(void)fprintf(p->out, "\n%s%zu %sthread%s not shown (--threads=all shows %s).%s\n",
			p->colors.faint, num, num < crash->num_threads ? "other " : "",
			num == 1 ? " is" : "s are", num == 1 ? "it" : "them", p->colors.end);
	} else if (list) {
		group_threads(crash, list, num);
		for (size_t i = 0; i < num;) {
			size_t end = i + 1;
			while (end < num && list[end].leader == list[i].leader)
				end++;
			print_group(p, &list[i], end - i);
			i = end;
		}
	} else {
		/* Without memory to sort them: one by one. */
		for (size_t i = 0; i < crash->num_threads; i++)
			if (!crash->threads[i].crashed)
				print_group(p, &(struct alike){.index = i}, 1);
	}
	free(list);
}

/* ---------------------------------------------------------------- modules */

static void print_build_id(const struct printer *p, const struct snap_module *record)
{
	char hex[2 * SNAP_MAX_BUILD_ID + 1];
	if (record->build_id.len > 0 && record->build_id.len <= SNAP_MAX_BUILD_ID) {
		snap_hex(record->build_id, hex);
		(void)fputs(hex, p->out);
		return;
	}
	const char *why = snap_build_id_status_words(record->build_id_status);
	(void)fprintf(p->out, "no build ID (%s)", why ? why : "unknown reason");
}

static void print_module_name(const struct printer *p, const struct snap_crash_module *module)
{
	if (module->record.path.len > 0)
		snap_print(p->out, module->record.path);
	else
		(void)fprintf(p->out, "(nameless, at 0x%" PRIx64 ")", module->record.start);
	if (module->record.deleted)
		(void)fputs(" (deleted)", p->out);
}

static void print_modules(const struct printer *p)
{
	const struct snap_crash *crash = p->crash;
	bool any = false;
	for (size_t i = 0; i < crash->num_modules; i++) {
		const struct snap_crash_module *module = &crash->modules[i];
		if (!module->has_frame)
			continue;
		if (!any)
			heading(p, "Modules on these stacks (snapanalyze modules lists all)");
		any = true;
		(void)fprintf(p->out, "  0x%012" PRIx64 "-0x%012" PRIx64 "  %-8s  ",
			module->record.start, module->record.end,
			snap_symbols_name(module->symbols));
		print_module_name(p, module);
		(void)fputs("  ", p->out);
		print_build_id(p, &module->record);
		(void)fputc('\n', p->out);
	}
}

static const char *missing_words(const struct snap_crash_module *module)
{
	switch (module->symbols) {
	case SNAP_SYMBOLS_NONE:
		return "no symbols were found";
	case SNAP_SYMBOLS_MISMATCH:
		return "symbols were found, but of another build";
	case SNAP_SYMBOLS_DYNSYM:
		return "only the names that it exports are known, no source lines";
	case SNAP_SYMBOLS_SYMTAB:
		return "only names are known, no source lines";
	case SNAP_SYMBOLS_DWARF:
		/* With everything at hand there is nothing to say why. */
		return module->why ? "not all of its files were found" : NULL;
	}
	return NULL;
}

static void print_missing(const struct printer *p)
{
	const struct snap_crash *crash = p->crash;
	bool any = false;
	for (size_t i = 0; i < crash->num_modules; i++) {
		const struct snap_crash_module *module = &crash->modules[i];
		const char *words = missing_words(module);
		bool shown =
			module->has_crashed_frame || (module->has_frame && !p->only_crashed_thread);
		/* The vDSO's source is the kernel's: nobody misses it. Code that was made at run
		 * time has none. */
		if (!shown || !words || snap_bytes_equal_str(module->record.path, "[jit]") ||
			(module->symbols != SNAP_SYMBOLS_NONE &&
				snap_bytes_equal_str(module->record.path, "[vdso]")))
			continue;
		if (!any)
			heading(p, "Missing");
		any = true;
		(void)fputs("  ", p->out);
		print_module_name(p, module);
		(void)fprintf(p->out, ": %s%s%s", p->colors.doubt, words, p->colors.end);
		if (module->why) {
			(void)fputs(" (", p->out);
			snap_print_str(p->out, module->why);
			(void)fputc(')', p->out);
		}
		(void)fputs(".\n    ", p->out);
		if (module->record.build_id.len > 0) {
			(void)fputs(
				"To have them: --symbols DIR, with the executable or library in "
				"DIR, and its\n    debug file if it has one. Build ID ",
				p->out);
			print_build_id(p, &module->record);
			(void)fputc('\n', p->out);
		} else {
			(void)fputs("It has no build ID, by which its files could be recognised: ",
				p->out);
			const char *why =
				snap_build_id_status_words(module->record.build_id_status);
			(void)fprintf(p->out, "%s.\n", why ? why : "unknown reason");
			if (module->record.build_id_status == SNAP_BUILD_ID_NO_NOTE)
				(void)fputs("    Link it with -Wl,--build-id to have symbols next "
					    "time.\n",
					p->out);
		}
	}
}

/* ---------------------------------------------------------------- the rest */

static void field(const struct printer *p, const char *name, struct snap_bytes value)
{
	if (value.len == 0)
		return;
	(void)fprintf(p->out, "  %-10s ", name);
	snap_print(p->out, value);
	(void)fputc('\n', p->out);
}

/* Arguments with a space between; the NULs that end them would be shown as escapes. */
static void print_command(const struct printer *p, struct snap_bytes cmdline)
{
	if (cmdline.len == 0)
		return;
	(void)fprintf(p->out, "  %-10s ", "Command");
	size_t shown = 0;
	while (cmdline.len > 0) {
		const uint8_t *nul = memchr(cmdline.data, '\0', cmdline.len);
		size_t len = nul ? (size_t)(nul - cmdline.data) : cmdline.len;
		if (shown > SNAP_PRINT_MAX) {
			(void)fputs(" ...", p->out);
			break;
		}
		if (shown > 0)
			(void)fputc(' ', p->out);
		snap_print(p->out, snap_bytes(cmdline.data, len));
		shown += len + 1;
		size_t skip = nul ? len + 1 : len;
		cmdline = snap_bytes(cmdline.data + skip, cmdline.len - skip);
	}
	(void)fputc('\n', p->out);
}

static void print_capture(const struct printer *p)
{
	const struct snap_crash *crash = p->crash;
	const struct snap_capture *capture = &crash->capture;
	static const char *const methods[] = {"by unknown means", "by the kernel's core_pattern",
		"from the live process (ptrace)", "from a core file",
		"by the kernel's coredump socket", "at its own wish (libsnapcrash)",
		"by a signal handler of its own (libsnapcrash)"};
	(void)fprintf(p->out, "  %-10s ", "Captured");
	char time[40] = "";
	if (capture->has_time)
		snap_time_words(capture->time_s, capture->time_ns, time);
	(void)fputs(time[0] ? time : "at unknown time", p->out);
	if (capture->has_method && capture->method < sizeof(methods) / sizeof(methods[0]))
		(void)fprintf(p->out, ", %s", methods[capture->method]);
	if (capture->has_hold_time)
		(void)fprintf(
			p->out, ", process held for %.1f ms", (double)capture->hold_time_ns / 1e6);
	if (capture->has_pause_time)
		(void)fprintf(p->out, ", threads paused for %.1f ms",
			(double)capture->pause_time_ns / 1e6);
	(void)fputc('\n', p->out);
	field(p, "Writer", crash->header.writer);
}

static void print_facts(const struct printer *p)
{
	const struct snap_crash *crash = p->crash;
	const struct snap_process *process = &crash->process;
	heading(p, "Process and device");
	field(p, "Program", process->exe);
	if (process->has_exe_deleted && process->exe_deleted)
		(void)fprintf(p->out, "  %-10s its file is no longer at that path\n", "");
	print_command(p, process->cmdline);
	if (process->has_uid || process->has_gid || process->has_uptime) {
		const char *separator = "";
		(void)fprintf(p->out, "  %-10s ", "Ran");
		if (process->has_uid) {
			(void)fprintf(p->out, "as uid %" PRIu32, process->uid);
			separator = ", ";
		}
		if (process->has_gid) {
			(void)fprintf(p->out, "%sgid %" PRIu32, separator, process->gid);
			separator = ", ";
		}
		if (process->has_uptime)
			(void)fprintf(p->out, "%sfor %.3f s", separator,
				(double)process->uptime_ms / 1e3);
		(void)fputc('\n', p->out);
	}
	snap_text_process_facts(crash, p->out);
	if (process->has_identity_unverified && process->identity_unverified)
		(void)fprintf(p->out,
			"  %-10s %sthe pid may have been reused: facts about the process may be "
			"another's%s\n",
			"Caution", p->colors.doubt, p->colors.end);
	field(p, "Project", crash->metadata.project_name);
	field(p, "Software", crash->metadata.software_version);
	field(p, "Device", crash->metadata.device_name);
	field(p, "System", crash->system.os);
	if (crash->system.release.len > 0) {
		(void)fprintf(p->out, "  %-10s ", "Kernel");
		snap_print(p->out, crash->system.sysname);
		(void)fputc(' ', p->out);
		snap_print(p->out, crash->system.release);
		(void)fputc(' ', p->out);
		snap_print(p->out, crash->system.machine);
		(void)fputc('\n', p->out);
	}
	snap_text_machine_facts(crash, p->out);
	for (size_t i = 0; i < crash->num_tags; i++) {
		(void)fprintf(p->out, "  %-10s ", "Tag");
		snap_print(p->out, crash->tags[i].key);
		(void)fputs(" = ", p->out);
		snap_print(p->out, crash->tags[i].value);
		(void)fputc('\n', p->out);
	}
	print_capture(p);
	(void)fprintf(p->out, "  %-10s ", "File");
	snap_print_str(p->out, crash->file);
	(void)fprintf(p->out, "\n  %-10s %s, %s, %" PRIu64 " bytes\n", "",
		crash->is_core ? "ELF core" : "snapshot", snap_integrity_name(crash->integrity),
		crash->file_bytes);
}

static bool same_sort(const struct snap_omission *a, const struct snap_omission *b)
{
	return a->what == b->what && a->why == b->why;
}

/* The same left out of many threads is one line. */
static void print_omissions(const struct printer *p)
{
	const struct snap_crash *crash = p->crash;
	const struct snap_omission *shown[MAX_LISTED];
	size_t num_shown = 0, num_left = 0;
	for (size_t i = 0; i < crash->num_omissions; i++) {
		const struct snap_omission *omission = &crash->omissions[i];
		bool seen = false;
		for (size_t j = 0; j < num_shown && !seen; j++)
			seen = same_sort(shown[j], omission);
		if (seen)
			continue;
		if (num_shown == MAX_LISTED) {
			num_left++;
			continue;
		}
		shown[num_shown++] = omission;
		size_t num = 0;
		uint64_t bytes = 0;
		for (size_t j = i; j < crash->num_omissions; j++) {
			if (!same_sort(&crash->omissions[j], omission))
				continue;
			num++;
			if (crash->omissions[j].has_range)
				bytes += crash->omissions[j].bytes;
		}
		char words[256];
		snap_omission_words(omission, words, sizeof(words));
		(void)fprintf(p->out, "  - left out: %s", words);
		if (num > 1)
			(void)fprintf(p->out, "; and %zu more like it", num - 1);
		if (num > 1 && bytes > 0)
			(void)fprintf(p->out, ", %" PRIu64 " bytes in all", bytes);
		(void)fputc('\n', p->out);
	}
	if (num_left > 0)
		(void)fprintf(
			p->out, "  - %zu more omissions (snapanalyze dump lists all)\n", num_left);
}

static void print_notes(const struct printer *p)
{
	const struct snap_crash *crash = p->crash;
	if (crash->num_notes > 0 || crash->num_omissions > 0 || crash->num_related > 0)
		heading(p, "Left out, and noted at capture");
	print_omissions(p);
	for (size_t i = 0; i < crash->num_notes && i < MAX_LISTED; i++) {
		(void)fputs("  - ", p->out);
		snap_print(p->out, crash->notes[i]);
		(void)fputc('\n', p->out);
	}
	if (crash->num_notes > MAX_LISTED)
		(void)fprintf(p->out, "  - %zu more notes (snapanalyze dump lists all)\n",
			crash->num_notes - MAX_LISTED);
	if (crash->num_related > 0)
		(void)fprintf(p->out, "  - %zu related snapshot%s inside, not shown\n",
			crash->num_related, crash->num_related == 1 ? " is" : "s are");
}

static void print_signature(const struct printer *p)
{
	const struct snap_signature *signature = &p->crash->signature;
	if (!signature->id)
		return;
	heading(p, "Signature");
	(void)fputs("  ", p->out);
	snap_print_str(p->out, signature->text);
	(void)fprintf(p->out, "\n  %s\n", signature->id);
}

void snap_report_text(
	const struct snap_crash *crash, const struct snap_text_style *style, FILE *out)
{
	struct printer p = {
		.crash = crash,
		.only_crashed_thread = style->only_crashed_thread,
		.colors = style->color ? SNAP_COLORS_ON : SNAP_COLORS_OFF,
		.out = out,
	};
	print_headline(&p);
	if (crash->cause.explanation) {
		snap_print_str(out, crash->cause.explanation);
		(void)fputc('\n', out);
	}
	if (crash->cause.instruction) {
		(void)fputs("Instruction: ", out);
		snap_print_str(out, crash->cause.instruction);
		(void)fputc('\n', out);
	}
	snap_text_abort_message(crash, out);
	print_integrity(&p);
	const struct snap_crash_thread *crashed = snap_crash_crashed_thread(crash);
	if (crashed)
		print_crashed_thread(&p, crashed);
	else if (crash->has_signal)
		(void)fprintf(out, "\n%sThe crashing thread is not in the %s.%s\n", p.colors.doubt,
			crash->is_core ? "core" : "snapshot", p.colors.end);
	print_other_threads(&p);
	print_modules(&p);
	print_missing(&p);
	if (crash->num_logs > 0)
		heading(&p, "Log");
	snap_text_logs(crash, out);
	print_facts(&p);
	print_notes(&p);
	print_signature(&p);
}
