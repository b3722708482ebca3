#include <stdio.h>

#include "analyze/command.h"
#include "analyze/input/input.h"
#include "analyze/report/words.h"
#include "common/snapshot_read.h"

static void print_count(size_t num, const char *what)
{
	printf(", %zu %s%s", num, what, num == 1 ? "" : "s");
}

static enum snap_exit check_one(
	struct snap_crash *crash, const struct snap_arguments *arguments, void *data)
{
	(void)arguments;
	(void)data;
	struct snap_scan scan;
	snap_print_str(stdout, crash->file);
	printf(": %s%s", crash->is_core ? "ELF core, " : "", snap_integrity_name(crash->integrity));
	if (crash->integrity_why[0]) {
		(void)fputs(": ", stdout);
		snap_print_str(stdout, crash->integrity_why);
	}
	/* What can be read of it. Loading has scanned it already, so that it can't fail now. */
	if (!crash->is_core && snap_snapshot_scan(crash->input->data, &scan, NULL) == 0)
		print_count(scan.num_records, "record");
	print_count(crash->num_threads, "thread");
	print_count(crash->num_modules, "module");
	print_count(crash->memory.num_segments, "memory range");
	if (crash->num_omissions > 0)
		print_count(crash->num_omissions, "omission");
	printf(", %llu bytes\n", (unsigned long long)crash->file_bytes);
	return snap_integrity_is_partial(crash->integrity) ? SNAP_EXIT_PARTIAL : SNAP_EXIT_DONE;
}

static enum snap_exit run_check(const struct snap_arguments *arguments)
{
	return snap_for_each_input(arguments, 0, check_one, NULL);
}

const struct snap_verb snap_verb_check = {
	.name = "check",
	.arguments = "FILE...",
	.summary = "Whether an input is all that was written: its integrity",
	.text = "\nOne line per input: complete; truncated (cut short; what is there is good); "
		"corrupt\n"
		"(changed since it was written, or not to be read somewhere); or unmarked (by\n"
		"another program, without checksums); then what can be read of it.\n"
		"Exit status 1 for truncated and corrupt.\n",
	.examples = "  snapanalyze check spool/*.snap\n"
		    "  ssh device cat /var/lib/snapcrash/x.snap | snapanalyze check -\n",
	.takes = SNAP_TAKES_BATCH | SNAP_TAKES_SANDBOX,
	.run = run_check,
};
