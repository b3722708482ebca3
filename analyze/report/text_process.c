/*
 * The process, its machine, how it was captured, what was left out, the signature.
 */
#include "analyze/report/text_parts.h"

#include <inttypes.h>
#include <string.h>

#include "analyze/report/text_facts.h"
#include "analyze/report/words.h"

static void field(const struct snap_text *p, const char *name, struct snap_bytes value)
{
	if (value.len == 0)
		return;
	(void)fprintf(p->out, "  %-10s ", name);
	snap_print(p->out, value);
	(void)fputc('\n', p->out);
}

/* Arguments with a space between; the NULs that end them would be shown as escapes. */
static void print_command(const struct snap_text *p, struct snap_bytes cmdline)
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

static void print_capture(const struct snap_text *p)
{
	const struct snap_crash *crash = p->crash;
	const struct snap_capture *capture = &crash->capture;
	static const char *const methods[] = {"by unknown means", "by the kernel's core_pattern",
		"from the live process (ptrace)", "from a core file",
		"by the kernel's coredump socket", "at its own wish (libsnapcrash)",
		"by a signal handler of its own (libsnapcrash)"};
	/* Few microcontrollers know. */
	if (crash->device.is_device && !capture->has_time && !capture->has_method) {
		field(p, "Writer", crash->header.writer);
		return;
	}
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

void snap_text_facts(const struct snap_text *p)
{
	const struct snap_crash *crash = p->crash;
	const struct snap_process *process = &crash->process;
	snap_text_heading(p, crash->device.is_device ? "Device" : "Process and device");
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
	/* A process's reason is its signal, or the caller's words. */
	if (crash->device.is_device)
		field(p, "Reason", crash->metadata.reason);
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
	snap_text_clocks(p);
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

/* So many open files are listed. */
#define MAX_FILES 64

void snap_text_files(const struct snap_text *p)
{
	const struct snap_crash *crash = p->crash;
	if (crash->num_open_files > 0)
		snap_text_heading(p, "Open files");
	for (size_t i = 0; i < crash->num_open_files && i < MAX_FILES; i++) {
		const struct snap_open_file *file = &crash->open_files[i];
		const char *access = snap_open_file_access(file);
		if (file->has_fd)
			(void)fprintf(p->out, "  %3" PRIu32 "  %-10s  ", file->fd,
				access ? access : "");
		else
			(void)fprintf(p->out, "    ?  %-10s  ", access ? access : "");
		if (file->path.len > 0)
			snap_print(p->out, file->path);
		else
			(void)fputs("(path not known)", p->out);
		if (file->deleted)
			(void)fputs(" (deleted)", p->out);
		if (file->has_position && file->position > 0)
			(void)fprintf(p->out, "  at %" PRIu64, file->position);
		(void)fputc('\n', p->out);
	}
	if (crash->num_open_files > MAX_FILES)
		(void)fprintf(p->out, "  ... and %zu more (snapanalyze json has all)\n",
			crash->num_open_files - MAX_FILES);
}

static bool same_sort(const struct snap_omission *a, const struct snap_omission *b)
{
	return a->what == b->what && a->why == b->why;
}

/* The same left out of many threads is one line. */
static void print_omissions(const struct snap_text *p)
{
	const struct snap_crash *crash = p->crash;
	const struct snap_omission *shown[SNAP_TEXT_LISTED];
	size_t num_shown = 0, num_left = 0;
	for (size_t i = 0; i < crash->num_omissions; i++) {
		const struct snap_omission *omission = &crash->omissions[i];
		bool seen = false;
		for (size_t j = 0; j < num_shown && !seen; j++)
			seen = same_sort(shown[j], omission);
		if (seen)
			continue;
		if (num_shown == SNAP_TEXT_LISTED) {
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

void snap_text_notes(const struct snap_text *p)
{
	const struct snap_crash *crash = p->crash;
	if (crash->num_notes > 0 || crash->num_omissions > 0)
		snap_text_heading(p, "Left out, and noted at capture");
	print_omissions(p);
	for (size_t i = 0; i < crash->num_notes && i < SNAP_TEXT_LISTED; i++) {
		(void)fputs("  - ", p->out);
		snap_print(p->out, crash->notes[i]);
		(void)fputc('\n', p->out);
	}
	if (crash->num_notes > SNAP_TEXT_LISTED)
		(void)fprintf(p->out, "  - %zu more notes (snapanalyze dump lists all)\n",
			crash->num_notes - SNAP_TEXT_LISTED);
}

void snap_text_signature(const struct snap_text *p)
{
	const struct snap_signature *signature = &p->crash->signature;
	if (!signature->id)
		return;
	snap_text_heading(p, "Signature");
	(void)fputs("  ", p->out);
	snap_print_str(p->out, signature->text);
	(void)fprintf(p->out, "\n  %s\n", signature->id);
}
