#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analyze/command.h"
#include "analyze/convert/import.h"
#include "analyze/explain/core_message.h"
#include "analyze/find/store.h"
#include "analyze/output_file.h"
#include "common/escape.h"

/* text about a file that the user named. */
static void complain_of(const char *before, const char *file, const char *middle, const char *text)
{
	char name[1024];
	(void)snap_escape(snap_bytes_str(file), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
	snap_complain("%s'%s'%s%s", before, name, middle, text);
}

/* Whoever has closed the pipe wants no words of it. */
static enum snap_exit fail_output(const char *path, const struct snap_error *err)
{
	if (strcmp(path, "-") != 0)
		complain_of("cannot write ", path, ": ", err->text);
	else if (err->errnum != EPIPE)
		snap_complain("cannot write to standard output: %s", err->text);
	return SNAP_EXIT_OUTPUT;
}

static enum snap_exit write_snapshot(
	struct snap_crash *crash, const struct snap_arguments *arguments)
{
	const struct snap_import_options options = {
		.full_stacks = arguments->full_stacks,
		.indirect = arguments->indirect,
	};
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_output_file output;
	if (snap_output_file_open(arguments->output, &output, &err) < 0) {
		snap_complain("%s", err.text);
		return err.code == SNAP_ERROR_USAGE ? SNAP_EXIT_USAGE : SNAP_EXIT_OUTPUT;
	}
	enum snap_exit status =
		snap_integrity_is_partial(crash->integrity) ? SNAP_EXIT_PARTIAL : SNAP_EXIT_DONE;
	if (snap_import(crash, &options, fileno(output.stream), &err) < 0) {
		status = SNAP_EXIT_FAILED;
		if (err.code == SNAP_ERROR_OUTPUT)
			status = fail_output(arguments->output, &err);
		else
			snap_complain("%s", err.text);
	} else if (snap_output_file_publish(&output, &err) < 0) {
		snap_complain("%s", err.text);
		status = SNAP_EXIT_OUTPUT;
	}
	snap_output_file_deinit(&output);
	return status;
}

static enum snap_exit import_file(
	const char *file, struct snap_store *store, const struct snap_arguments *arguments)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_crash crash;
	enum snap_exit status = SNAP_EXIT_FAILED;
	if (snap_analysis_load(file, &crash, &err) < 0) {
		snap_complain_of_input(arguments, file, &err);
		return SNAP_EXIT_FAILED;
	}
	/* Seen before anything is opened, so that nothing is created. */
	if (!crash.is_core)
		complain_of("", file, " is a snapshot already, not an ELF core", "");
	else if (snap_core_message_look(&crash, store, &err) < 0)
		snap_complain_of_input(arguments, file, &err);
	else
		status = snap_check_input(&crash, write_snapshot(&crash, arguments), false);
	snap_crash_deinit(&crash);
	return status;
}

static int import_one(size_t index, void *data)
{
	const struct snap_arguments *arguments = data;
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_store *store = NULL;
	if (snap_store_create(&arguments->options, &store, &err) < 0) {
		snap_complain("%s", err.text);
		return err.code == SNAP_ERROR_USAGE ? SNAP_EXIT_USAGE : SNAP_EXIT_FAILED;
	}
	enum snap_exit status = import_file(arguments->files[index], store, arguments);
	snap_store_keep(store);
	snap_store_destroy(store);
	return (int)status;
}

static const char *file_name(size_t index, void *data)
{
	const struct snap_arguments *arguments = data;
	return arguments->files[index];
}

/* Not as other verbs have their inputs: of the analysis, a core's message alone is wanted. */
static enum snap_exit run_import(const struct snap_arguments *arguments)
{
	const struct snap_work work = {
		.job = {.num_inputs = 1,
			.run = import_one,
			.name = file_name,
			.data = (void *)arguments},
		.files = arguments->files,
		.takes_symbols = true,
		.takes_inputs = true,
		.keeps_stdin = strcmp(arguments->files[0], "-") == 0,
		.num_workers = 1,
	};
	return snap_do_work(arguments, &work);
}

const struct snap_verb snap_verb_import = {
	.name = "import",
	.arguments = "CORE -o FILE",
	.summary = "Make a snapshot of an ELF core",
	.text = "\nTakes what the capturing programs would have taken: registers, both ends of "
		"long "
		"stacks,\n"
		"build IDs, and what the C library said before it aborted, which its own file "
		"tells where\n"
		"to find. What is left out is told by the snapshot. --full-stacks takes up to 64 "
		"MiB of\n"
		"each stack, and --memory=indirect 512 bytes round whatever registers and stacks "
		"point to,\n"
		"4 MiB for the crashing thread, 64 KiB for each other, 16 MiB in all.\n",
	.examples = "  snapanalyze import core.4711 -o crash.snap\n"
		    "  coredumpctl dump 4711 | snapanalyze import --full-stacks - -o crash.snap\n",
	.takes = SNAP_TAKES_SYMBOLS | SNAP_TAKES_OUTPUT | SNAP_TAKES_SELECTION | SNAP_TAKES_SANDBOX,
	.run = run_import,
};
