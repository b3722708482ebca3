#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "analyze/command.h"
#include "analyze/convert/export.h"
#include "analyze/output_file.h"
#include "common/escape.h"

/* What debuggers will miss; true if the core lacks any of what the input has. */
static bool complain_left_out(const struct snap_export_report *report)
{
	if (report->module_list.status == SNAP_MODULE_LIST_IMPOSSIBLE)
		snap_complain("no file of the executable's build ID was found: debuggers will not "
			      "see the libraries (see --symbols)");
	else if (report->module_list.num_left_out > 0)
		snap_complain(
			"no files of the build IDs of %zu libraries were found: debuggers will "
			"not see these (see --symbols)",
			report->module_list.num_left_out);
	if (report->notes.num_threads_left_out > 0)
		snap_complain("%zu threads were left out: they have no registers",
			report->notes.num_threads_left_out);
	if (report->notes.num_files_left_out > 0)
		snap_complain("%zu mapped files were left out: more than a core can name",
			report->notes.num_files_left_out);
	if (report->core.memory_bytes_left_out > 0)
		snap_complain("%" PRIu64 " bytes of memory were left out: beyond the machine's "
			      "addresses, in too many pieces, or the same bytes again and again",
			report->core.memory_bytes_left_out);
	return report->notes.num_threads_left_out > 0 || report->notes.num_files_left_out > 0 ||
	       report->core.memory_bytes_left_out > 0;
}

static enum snap_exit export_one(
	struct snap_crash *crash, const struct snap_arguments *arguments, void *data)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_output_file output;
	struct snap_export_report report;
	(void)data;
	if (snap_output_file_open(arguments->output, &output, &err) < 0) {
		snap_complain("%s", err.text);
		return err.code == SNAP_ERROR_USAGE ? SNAP_EXIT_USAGE : SNAP_EXIT_OUTPUT;
	}
	enum snap_exit status = SNAP_EXIT_DONE;
	struct snap_error why = SNAP_ERROR_INIT;
	if (snap_export(crash, output.stream, &report, &why) < 0) {
		char name[1024];
		(void)snap_escape(snap_bytes_str(crash->file), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
		(void)snap_error_set(&err, why.code, "cannot export '%s': %s", name, why.text);
		status = SNAP_EXIT_FAILED;
	} else {
		output.errnum = report.core.output_errnum;
		if (snap_output_file_publish(&output, &err) < 0)
			status = SNAP_EXIT_OUTPUT;
	}
	snap_output_file_deinit(&output);
	/* Whoever has closed the pipe wants no words of it. */
	if (status == SNAP_EXIT_OUTPUT && err.errnum == EPIPE)
		return status;
	if (status != SNAP_EXIT_DONE)
		snap_complain("%s", err.text);
	else if (complain_left_out(&report) || snap_crash_is_partial(crash))
		status = SNAP_EXIT_PARTIAL;
	return status;
}

static enum snap_exit run_export(const struct snap_arguments *arguments)
{
	/* Unwound only as far as the exit status needs it. */
	struct snap_arguments crashed = *arguments;
	crashed.options.only_crashed_thread = true;
	crashed.options.no_instruction = true;
	return snap_for_each_input(&crashed, SNAP_INPUT_FULL, export_one, NULL);
}

const struct snap_verb snap_verb_export = {
	.name = "export",
	.arguments = "FILE -o CORE",
	.summary = "Write an ELF core that gdb, lldb and eu-stack open",
	.text = "\nThe core has the threads with all their registers, the signal, the mapped files "
		"and the\n"
		"captured memory; what was not captured can't be read. Debuggers find the "
		"libraries "
		"by a\n"
		"list in memory that snapshots lack: it is made up, for those whose files are "
		"found "
		"here\n"
		"by build ID. A note in the core says which of its memory was not captured.\n",
	.examples = "  snapanalyze export crash.snap -o core && gdb prog core\n"
		    "  snapanalyze export --symbols release-1.4/ crash.snap -o core\n"
		    "  lldb prog --core core\n",
	.takes = SNAP_TAKES_SYMBOLS | SNAP_TAKES_OUTPUT | SNAP_TAKES_SANDBOX,
	.run = run_export,
};
