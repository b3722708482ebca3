#include <stdio.h>

#include "analyze/command.h"
#include "analyze/report/brief.h"
#include "analyze/report/text.h"
#include "analyze/report/words.h"

struct report_run {
	struct snap_text_style style;
	struct snap_brief_style brief;
	size_t num; /* printed so far */
};

static enum snap_exit report_one(
	struct snap_crash *crash, const struct snap_arguments *arguments, void *data)
{
	struct report_run *run = data;
	if (arguments->num_files > 1) {
		(void)fputs(snap_head_begin(run->num), stdout);
		snap_print_str(stdout, crash->file);
		(void)fputs(" <==\n", stdout);
	}
	run->num++;
	struct snap_error err = SNAP_ERROR_INIT;
	if (!arguments->brief) {
		if (snap_report_text(crash, &run->style, stdout) < 0) {
			snap_complain("out of memory");
			return SNAP_EXIT_FAILED;
		}
	} else if (snap_report_brief(crash, &run->brief, stdout, &err) < 0) {
		snap_complain("%s", err.text);
		return SNAP_EXIT_FAILED;
	}
	return snap_crash_is_partial(crash) ? SNAP_EXIT_PARTIAL : SNAP_EXIT_DONE;
}

static enum snap_exit run_report(const struct snap_arguments *arguments)
{
	size_t columns = snap_output_columns(arguments);
	size_t brief = columns == 0 || columns > SNAP_BRIEF_COLUMNS ? SNAP_BRIEF_COLUMNS
		       : columns < SNAP_BRIEF_MIN_COLUMNS	    ? SNAP_BRIEF_MIN_COLUMNS
								    : columns;
	struct report_run run = {
		.style =
			{
				.rules = arguments->rules,
				.color = snap_use_color(arguments),
				.only_crashed_thread = arguments->options.only_crashed_thread,
				.sections = arguments->sections,
				.columns = columns,
			},
		.brief = {.rules = arguments->rules,
			.color = snap_use_color(arguments),
			.columns = brief},
	};
	return snap_for_each_input(arguments, SNAP_INPUT_FULL | SNAP_INPUT_SEPARATE, report_one, &run);
}

const struct snap_verb snap_verb_report = {
	.name = "report",
	.arguments = "FILE...",
	.summary = "The crash report that a person reads",
	.text = "\nWhat happened, the stacks with functions and source lines, registers, modules, "
		"what\n"
		"is missing and how to get it. Frames that were found by other means than call\n"
		"frame information say so.\n",
	.examples = "  snapanalyze report crash.snap\n"
		    "  snapanalyze report --brief crash.snap\n"
		    "  snapanalyze report --symbols build/ --threads=crashed crash.snap | less\n"
		    "  snapanalyze report core.1234\n",
	.takes = SNAP_TAKES_SYMBOLS | SNAP_TAKES_FRAMES | SNAP_TAKES_COLOR | SNAP_TAKES_RULES |
		 SNAP_TAKES_BATCH | SNAP_TAKES_SANDBOX | SNAP_TAKES_VARIABLES | SNAP_TAKES_REPORT |
		 SNAP_TAKES_PROTO | SNAP_TAKES_FIRMWARE,
	.variables = SNAP_VARIABLES_CRASHED,
	.run = run_report,
};
