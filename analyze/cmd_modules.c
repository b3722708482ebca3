#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyze/command.h"
#include "analyze/find/candidate.h"
#include "analyze/find/package_note.h"
#include "analyze/report/words.h"
#include "analyze/symbols/object.h"
#include "common/escape.h"

/* Whether something of it was not found that there might be. */
static bool is_missing(const struct snap_crash_module *module)
{
	/* Nobody has the kernel's debug information of the vDSO, nor any of what was made at run
	 * time. */
	bool has_no_file = snap_bytes_equal_str(module->record.path, "[vdso]") ||
			   snap_bytes_equal_str(module->record.path, "[jit]");
	enum snap_symbols wanted = has_no_file ? SNAP_SYMBOLS_DYNSYM : SNAP_SYMBOLS_DWARF;
	/* With names, but without all files, there is a reason why. */
	return module->symbols < wanted || module->why || snap_candidates_split(module->candidates);
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

static void print_package(const struct snap_package *package)
{
	const char *parts[] = {
		package->type, package->name, package->version, package->architecture};
	(void)fputs("    package:", stdout);
	for (size_t i = 0; i < 4; i++) {
		if (parts[i]) {
			(void)fputc(' ', stdout);
			snap_print_str(stdout, parts[i]);
		}
	}
	(void)fputc('\n', stdout);
}

static void print_candidates(const struct snap_candidates *candidates)
{
	for (size_t i = 0; i < candidates->num; i++) {
		const struct snap_candidate *candidate = &candidates->list[i];
		printf("    tried: %s, %s: ", snap_candidate_where_name(candidate->where),
			snap_candidate_role_name(candidate->role));
		snap_print_str(stdout, candidate->path);
		printf(": %s", snap_candidate_fate_words(candidate->fate));
		if (candidate->detail) {
			(void)fputs(" (", stdout);
			snap_print_str(stdout, candidate->detail);
			(void)fputc(')', stdout);
		}
		(void)fputc('\n', stdout);
	}
	if (candidates->num_untold > 0)
		printf("    tried: %zu more\n", candidates->num_untold);
}

/* ---------------------------------------------------------------- how to get what is missing */

static bool was_asked_for(const struct snap_crash_module *module, enum snap_candidate_role role)
{
	for (size_t i = 0; module->candidates && i < module->candidates->num; i++) {
		const struct snap_candidate *candidate = &module->candidates->list[i];
		if (candidate->where == SNAP_WHERE_DEBUGINFOD && candidate->role == role &&
			candidate->fate != SNAP_FATE_FETCH_FAILED)
			return true;
	}
	return false;
}

/* Fit to be copied into a shell: the note is the module's word. */
static bool is_plain(const char *s)
{
	return s && isalnum((unsigned char)*s) &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+~:_-") ==
		       strlen(s);
}

static void print_package_to_get(const struct snap_package *package)
{
	if (!is_plain(package->name) || !is_plain(package->version) || !package->type)
		return;
	if (strcmp(package->type, "deb") == 0)
		printf("    get: apt-get install %s-dbgsym=%s\n", package->name, package->version);
	else if (strcmp(package->type, "rpm") == 0)
		printf("    get: dnf debuginfo-install %s-%s\n", package->name, package->version);
}

static void print_ways_to_get(
	const struct snap_crash_module *module, const struct snap_options *options)
{
	const struct snap_bytes id = module->record.build_id;
	char hex[2 * SNAP_MAX_BUILD_ID + 1] = "";
	if (id.len == 0 || id.len > SNAP_MAX_BUILD_ID) {
		if (!options->trust_path && module->record.path.len > 0 &&
			module->record.path.data[0] == '/')
			(void)fputs("    get: --trust-path, if the file at its path is known to be "
				    "the right one\n",
				stdout);
		return;
	}
	snap_hex(id, hex);
	bool has_code = module->object && snap_object_has_code(module->object);
	bool has_dwarf = module->symbols == SNAP_SYMBOLS_DWARF;
	if (module->package && !has_dwarf)
		print_package_to_get(module->package);
	if (!has_code && !was_asked_for(module, SNAP_ROLE_EXECUTABLE))
		printf("    get: debuginfod-find executable %s\n", hex);
	if (!has_dwarf && !was_asked_for(module, SNAP_ROLE_DEBUG))
		printf("    get: debuginfod-find debuginfo %s\n", hex);
	if (snap_candidates_split(module->candidates))
		(void)fputs("    get: --symbols DIR here, with its .dwo files, or its .dwp, in DIR\n",
			stdout);
	if (!has_code || !has_dwarf)
		printf("    get: snapanalyze symbols add FILE --store DIR, and --symbols DIR here, "
		       "FILE being the %s\n",
			has_code ? "debug file" : "executable or library");
}

static void print_details(
	const struct snap_crash_module *module, const struct snap_options *options)
{
	bool has_no_file = module->record.path.len > 0 && module->record.path.data[0] == '[';
	if (module->package)
		print_package(module->package);
	if (!is_missing(module))
		return;
	if (module->candidates)
		print_candidates(module->candidates);
	if (options->debuginfod && !module->has_frame && !has_no_file)
		(void)fputs("    not asked for: debuginfod, since no frame is in it\n", stdout);
	if (!has_no_file)
		print_ways_to_get(module, options);
}

/* ---------------------------------------------------------------- the verb */

static enum snap_exit modules_one(
	struct snap_crash *crash, const struct snap_arguments *arguments, void *data)
{
	size_t *num = data;
	if (arguments->num_files > 1) {
		(void)fputs(snap_head_begin(*num), stdout);
		snap_print_str(stdout, crash->file);
		(void)fputs(" <==\n", stdout);
	}
	(*num)++;
	for (size_t i = 0; i < crash->num_modules; i++) {
		const struct snap_crash_module *module = &crash->modules[i];
		if (arguments->missing && !is_missing(module))
			continue;
		print_module(module);
		print_details(module, &arguments->options);
	}
	return snap_crash_is_partial(crash) ? SNAP_EXIT_PARTIAL : SNAP_EXIT_DONE;
}

static enum snap_exit run_modules(const struct snap_arguments *arguments)
{
	/* Enough to know which modules the crashing thread needs. */
	struct snap_arguments crashed = *arguments;
	size_t num = 0;
	crashed.options.only_crashed_thread = true;
	crashed.options.no_instruction = true;
	return snap_for_each_input(&crashed, SNAP_INPUT_FULL | SNAP_INPUT_SEPARATE, modules_one, &num);
}

const struct snap_verb snap_verb_modules = {
	.name = "modules",
	.arguments = "FILE...",
	.summary = "Every module, and where its symbols were found or why not",
	.text = "\nOne line per module: where it was, its build ID (or why there is none), the "
		"kind of\n"
		"symbols (dwarf, symtab, dynsym; none; mismatch: of another build), its path on "
		"the\n"
		"device, and <- the file here that the symbols come from, or (why not). Indented "
		"below:\n"
		"the package that it is a part of; where something is missing, each file that was\n"
		"tried for it and what became of that, and how to get what is missing.\n",
	.examples = "  snapanalyze modules crash.snap\n"
		    "  snapanalyze modules --missing --symbols build/ crash.snap\n",
	.takes = SNAP_TAKES_SYMBOLS | SNAP_TAKES_MISSING |
		 SNAP_TAKES_BATCH | SNAP_TAKES_SANDBOX | SNAP_TAKES_FIRMWARE,
	.run = run_modules,
};
