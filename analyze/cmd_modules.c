#include <inttypes.h>
#include <stdio.h>

#include "analyze/command.h"
#include "analyze/report/words.h"
#include "common/escape.h"

static bool is_missing(const struct snap_crash_module *module)
{
	/* With names, but without all files, there is a reason why. */
	return module->symbols == SNAP_SYMBOLS_NONE || module->symbols == SNAP_SYMBOLS_MISMATCH ||
	       module->why;
}

static void print_module(const struct snap_crash_module *module)
{
	const struct snap_module *record = &module->record;
	char build_id[2 * SNAP_MAX_BUILD_ID + 1] = "";
	if (record->build_id.len > 0 && record->build_id.len <= SNAP_MAX_BUILD_ID) {
		snap_hex(record->build_id, build_id);
	} else {
		const char *why = snap_build_id_status_words(record->build_id_status);
		(void)snprintf(
			build_id, sizeof(build_id), "none: %s", why ? why : "unknown reason");
	}
	printf("%016" PRIx64 "-%016" PRIx64 "  %-40s  %-8s  ", record->start, record->end, build_id,
		snap_symbols_name(module->symbols));
	if (record->path.len > 0)
		snap_print(stdout, record->path);
	else
		(void)fputc('-', stdout);
	if (record->deleted)
		(void)fputs(" (deleted)", stdout);
	if (module->symbol_file) {
		(void)fputs("  <- ", stdout);
		snap_print_str(stdout, module->symbol_file);
	}
	if (module->why) {
		(void)fputs("  (", stdout);
		snap_print_str(stdout, module->why);
		(void)fputc(')', stdout);
	}
	(void)fputc('\n', stdout);
}

static enum snap_exit modules_one(
	struct snap_crash *crash, const struct snap_arguments *arguments, void *data)
{
	size_t *num = data;
	if (arguments->num_files > 1) {
		(void)fputs(*num > 0 ? "\n==> " : "==> ", stdout);
		snap_print_str(stdout, crash->file);
		(void)fputs(" <==\n", stdout);
	}
	(*num)++;
	for (size_t i = 0; i < crash->num_modules; i++)
		if (!arguments->missing || is_missing(&crash->modules[i]))
			print_module(&crash->modules[i]);
	return snap_crash_is_partial(crash) ? SNAP_EXIT_PARTIAL : SNAP_EXIT_DONE;
}

static enum snap_exit run_modules(const struct snap_arguments *arguments)
{
	/* Enough to know which modules the crashing thread needs. */
	struct snap_arguments crashed = *arguments;
	size_t num = 0;
	crashed.options.only_crashed_thread = true;
	return snap_for_each_input(&crashed, true, modules_one, &num);
}

const struct snap_verb snap_verb_modules = {
	.name = "modules",
	.arguments = "FILE...",
	.summary = "Every module, and where its symbols were found or why not",
	.text = "\nOne line per module: where it was, its build ID (or why there is none), the "
		"kind of\n"
		"symbols (dwarf, symtab, dynsym; none; mismatch: of another build), its path on "
		"the\n"
		"device, and <- the file here that the symbols come from, or (why not).\n",
	.examples = "  snapanalyze modules crash.snap\n"
		    "  snapanalyze modules --missing --symbols build/ crash.snap\n",
	.takes = SNAP_TAKES_SYMBOLS | SNAP_TAKES_MISSING,
	.run = run_modules,
};
