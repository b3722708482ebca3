/*
 * What is known of the modules on the stacks, and what is missing of them.
 */
#include "analyze/report/text_parts.h"

#include <inttypes.h>

#include "analyze/explain/next_steps.h"
#include "analyze/find/candidate.h"
#include "analyze/report/words.h"
#include "common/escape.h"

void snap_text_build_id(const struct snap_text *p, const struct snap_module *record)
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

void snap_text_module_name(const struct snap_text *p, const struct snap_crash_module *module)
{
	if (module->record.path.len > 0)
		snap_print(p->out, module->record.path);
	else
		(void)fprintf(p->out, "(nameless, at 0x%" PRIx64 ")", module->record.start);
	if (module->record.deleted)
		(void)fputs(" (deleted)", p->out);
}

void snap_text_modules(const struct snap_text *p)
{
	const struct snap_crash *crash = p->crash;
	bool any = false;
	/* Processes have addresses of 48 bits. */
	int digits =
		crash->device.is_device && crash->arch && snap_arch_word(crash->arch) == 4 ? 8 : 12;
	for (size_t i = 0; i < crash->num_modules; i++) {
		const struct snap_crash_module *module = &crash->modules[i];
		if (!module->has_frame)
			continue;
		if (!any)
			snap_text_heading(
				p, "Modules on these stacks (snapanalyze modules lists all)");
		any = true;
		(void)fprintf(p->out, "  0x%0*" PRIx64 "-0x%0*" PRIx64 "  %-8s  ", digits,
			module->record.start, digits, module->record.end,
			snap_symbols_name(module->symbols));
		snap_text_module_name(p, module);
		(void)fputs("  ", p->out);
		snap_text_build_id(p, &module->record);
		(void)fputc('\n', p->out);
	}
}

/* A firmware has no path, and may have no build ID that the device knows. */
static void print_firmware_advice(const struct snap_text *p, const struct snap_crash_module *module)
{
	if (module->record.build_id.len == 0) {
		(void)fputs(
			"The snapshot has no software_build_uuid: the firmware's ELF file has to "
			"be named,\n    --elf FILE. To have it found by itself, let the device "
			"write its GNU build ID there.\n",
			p->out);
		return;
	}
	(void)fputs("To have them: --symbols DIR, with the firmware's ELF file in DIR, or --elf "
		    "FILE.\n    Build ID ",
		p->out);
	snap_text_build_id(p, &module->record);
	(void)fputc('\n', p->out);
}

/* Which files of split debug information were looked for, and why they are not used. */
static void print_split(const struct snap_text *p, const struct snap_candidates *candidates)
{
	enum { MAX_SHOWN = 4 };
	size_t num = 0;
	for (size_t i = 0; i < candidates->num; i++) {
		const struct snap_candidate *candidate = &candidates->list[i];
		if (candidate->where != SNAP_WHERE_SPLIT || num++ >= MAX_SHOWN)
			continue;
		(void)fputs(num > 1 ? "\n    " : "", p->out);
		snap_print_str(p->out, candidate->path);
		(void)fprintf(p->out, ": %s", snap_candidate_fate_words(candidate->fate));
		if (candidate->detail) {
			(void)fputs(" (", p->out);
			snap_print_str(p->out, candidate->detail);
			(void)fputc(')', p->out);
		}
	}
	num += candidates->num_untold;
	if (num > MAX_SHOWN)
		(void)fprintf(p->out, "\n    and %zu more (snapanalyze modules lists them)",
			num - MAX_SHOWN);
	(void)fputs("\n    To have them: --symbols DIR, with the .dwo files or the .dwp in DIR.\n",
		p->out);
}

void snap_text_missing(const struct snap_text *p)
{
	const struct snap_crash *crash = p->crash;
	bool any = false;
	for (size_t i = 0; i < crash->num_modules; i++) {
		const struct snap_crash_module *module = &crash->modules[i];
		const char *words = snap_missing_words(module);
		bool shown =
			module->has_crashed_frame || (module->has_frame && !p->only_crashed_thread);
		if (!shown || !words)
			continue;
		if (!any)
			snap_text_heading(p, "Missing");
		any = true;
		(void)fputs("  ", p->out);
		snap_text_module_name(p, module);
		(void)fprintf(p->out, ": %s%s%s", p->colors.doubt, words, p->colors.end);
		if (module->why) {
			(void)fputs(" (", p->out);
			snap_print_str(p->out, module->why);
			(void)fputc(')', p->out);
		}
		(void)fputs(".\n    ", p->out);
		if (module->symbols == SNAP_SYMBOLS_DWARF && !module->why) {
			print_split(p, module->candidates);
		} else if (p->crash->device.is_device) {
			print_firmware_advice(p, module);
		} else if (module->record.build_id.len > 0) {
			(void)fputs(
				"To have them: --symbols DIR, with the executable or library in "
				"DIR, and its\n    debug file if it has one. Build ID ",
				p->out);
			snap_text_build_id(p, &module->record);
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
