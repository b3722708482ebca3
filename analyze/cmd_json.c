#include <stdio.h>

#include "analyze/command.h"
#include "analyze/report/json.h"

static enum snap_exit json_one(
	struct snap_crash *crash, const struct snap_arguments *arguments, void *data)
{
	(void)data;
	struct snap_error err = SNAP_ERROR_INIT;
	const struct snap_json_style style = {
		.pretty = arguments->pretty,
		.only_crashed_thread = arguments->options.only_crashed_thread,
	};
	if (snap_report_json(crash, &style, stdout, &err) < 0) {
		snap_complain("%s", err.text);
		return SNAP_EXIT_FAILED;
	}
	return snap_crash_is_partial(crash) ? SNAP_EXIT_PARTIAL : SNAP_EXIT_DONE;
}

static enum snap_exit run_json(const struct snap_arguments *arguments)
{
	return snap_for_each_input(arguments, SNAP_INPUT_FULL, json_one, NULL);
}

const struct snap_verb snap_verb_json = {
	.name = "json",
	.arguments = "FILE...",
	.summary = "One JSON report per input, each on one line",
	.text = "\nThe same facts as in the report, for programs. docs/report.schema.json is the "
		"schema;\n"
		"members are added, never changed or removed. With --threads=crashed the other\n"
		"threads are left out.\n",
	.examples = "  snapanalyze json crash.snap | jq .crash.kind\n"
		    "  snapanalyze json --pretty crash.snap\n"
		    "  snapanalyze json spool/*.snap >reports.jsonl\n",
	.takes = SNAP_TAKES_SYMBOLS | SNAP_TAKES_FRAMES | SNAP_TAKES_PRETTY | SNAP_TAKES_RULES |
		 SNAP_TAKES_BATCH | SNAP_TAKES_SANDBOX | SNAP_TAKES_VARIABLES | SNAP_TAKES_PROTO | SNAP_TAKES_FIRMWARE,
	.variables = SNAP_VARIABLES_CRASHED,
	.run = run_json,
};
