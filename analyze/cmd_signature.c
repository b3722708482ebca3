#include <stdio.h>
#include <stdlib.h>

#include "analyze/command.h"
#include "common/escape.h"

/* Whole: what is cut could not be compared. False without memory. */
static bool print_whole(const char *text)
{
	struct snap_bytes bytes = snap_bytes_str(text);
	size_t size = snap_escape(bytes, SNAP_ESCAPE_TERMINAL, NULL, 0) + 1;
	char *escaped = malloc(size);
	if (!escaped)
		return false;
	(void)snap_escape(bytes, SNAP_ESCAPE_TERMINAL, escaped, size); /* fits */
	(void)fputs(escaped, stdout);
	free(escaped);
	return true;
}

static enum snap_exit signature_one(
	struct snap_crash *crash, const struct snap_arguments *arguments, void *data)
{
	(void)arguments;
	(void)data;
	const struct snap_signature *signature = &crash->signature;
	bool ok = print_whole(signature->id ? signature->id : "-");
	(void)fputc('\t', stdout);
	ok = print_whole(signature->text ? signature->text : "-") && ok;
	(void)fputc('\t', stdout);
	ok = print_whole(crash->file) && ok;
	(void)fputc('\n', stdout);
	if (!ok) {
		snap_complain("out of memory");
		return SNAP_EXIT_FAILED;
	}
	return snap_crash_is_partial(crash) ? SNAP_EXIT_PARTIAL : SNAP_EXIT_DONE;
}

static enum snap_exit run_signature(const struct snap_arguments *arguments)
{
	/* Only the crashing thread is looked at. */
	struct snap_arguments crashed = *arguments;
	crashed.options.only_crashed_thread = true;
	crashed.options.no_instruction = true;
	return snap_for_each_input(&crashed, SNAP_INPUT_FULL, signature_one, NULL);
}

const struct snap_verb snap_verb_signature = {
	.name = "signature",
	.arguments = "FILE...",
	.summary = "One line per input that is the same for the same bug",
	.text = "\nPrints ID, signature and file name, separated by tabs. An input without a "
		"crash, or\n"
		"without a frame that says anything, has - for both. Ids that begin with s0: are\n"
		"provisional: a later version will replace them.\n",
	.examples = "  snapanalyze signature spool/*.snap | sort\n",
	.takes = SNAP_TAKES_SYMBOLS | SNAP_TAKES_FRAMES |
		 SNAP_TAKES_BATCH | SNAP_TAKES_SANDBOX,
	.run = run_signature,
};
