#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analyze/command.h"
#include "analyze/convert/import.h"
#include "analyze/output_file.h"
#include "common/escape.h"

/* text about a file that the user named. */
static void complain_of(const char *before, const char *file, const char *text)
{
	char name[1024];
	(void)snap_escape(snap_bytes_str(file), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
	snap_complain("%s'%s'%s", before, name, text);
}

/* Whoever has closed the pipe wants no words of it. */
static enum snap_exit fail_output(const char *path, const struct snap_error *err)
{
	char text[600];
	(void)snprintf(text, sizeof(text), ": %s", err->text);
	if (strcmp(path, "-") != 0)
		complain_of("cannot write ", path, text);
	else if (err->errnum != EPIPE)
		snap_complain("cannot write to standard output%s", text);
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
	struct snap_crash *crash, const struct snap_arguments *arguments, void *data)
{
	(void)data;
	/* Seen before anything is opened, so that nothing is created. */
	if (!crash->is_core) {
		complain_of("", crash->file, " is a snapshot already, not an ELF core");
		return SNAP_EXIT_FAILED;
	}
	return write_snapshot(crash, arguments);
}

static enum snap_exit run_import(const struct snap_arguments *arguments)
{
	return snap_for_each_input(arguments, 0, import_file, NULL);
}

const struct snap_verb snap_verb_import = {
	.name = "import",
	.arguments = "CORE -o FILE",
	.summary = "Make a snapshot of an ELF core",
	.text = "\nTakes what the capturing programs would have taken: registers, both ends of "
		"long "
		"stacks,\n"
		"build IDs. What is left out is told by the snapshot. --full-stacks takes up to 64 "
		"MiB of\n"
		"each stack, and --memory=indirect 512 bytes round whatever registers and stacks "
		"point to,\n"
		"4 MiB for the crashing thread, 64 KiB for each other, 16 MiB in all.\n",
	.examples = "  snapanalyze import core.4711 -o crash.snap\n"
		    "  coredumpctl dump 4711 | snapanalyze import --full-stacks - -o crash.snap\n",
	.takes = SNAP_TAKES_OUTPUT | SNAP_TAKES_SELECTION | SNAP_TAKES_SANDBOX,
	.run = run_import,
};
