#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/command.h"
#include "analyze/signature/signature.h"
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

/* "built-in rules, line 39: skip @libc raise" */
static bool print_rule(const struct snap_rule *rule, const char *rules_file)
{
	bool ok = true;
	if (rule->is_builtin) {
		printf("built-in rules, line %zu: ", rule->line);
	} else {
		ok = print_whole(rules_file);
		printf(":%zu: ", rule->line);
	}
	printf("%s ", snap_rule_action_name(rule->action));
	ok = print_whole(rule->modules) && ok;
	(void)putchar(' ');
	ok = print_whole(rule->function) && ok;
	if (rule->to) {
		(void)fputs(" = ", stdout);
		ok = print_whole(rule->to) && ok;
	}
	if (rule->whole) {
		(void)putchar(' ');
		ok = print_whole(rule->whole) && ok;
	}
	return ok;
}

/* What the function is called in signatures, where that is not its name, and by which rules. */
static bool print_name(const char *function, const struct snap_signature_reason *reason,
	const char *rules_file)
{
	if (!function || !reason->name || strcmp(function, reason->name) == 0)
		return true;
	(void)fputs(", called ", stdout);
	bool ok = print_whole(reason->name);
	for (size_t i = 0; reason->used && i < reason->used->num; i++) {
		(void)fputs(i == 0 ? " (" : "; ", stdout);
		ok = print_rule(reason->used->rules[i], rules_file) && ok;
	}
	(void)fputs(reason->used ? ")" : "", stdout);
	return ok;
}

/* "  #3   -  raise              ends the program (built-in rules, line 39: skip @libc raise)" */
static bool print_reason(const struct snap_listed_frame *listed,
	const struct snap_signature_reason *reason, size_t index, const char *rules_file)
{
	printf("  #%-3zu %c  ", index, reason->is_kept ? '+' : '-');
	bool ok = print_whole(listed->function ? listed->function : "(no name)");
	printf("  %s", reason->words);
	if (reason->rule) {
		(void)fputs(" (", stdout);
		ok = print_rule(reason->rule, rules_file) && ok;
		(void)putchar(')');
	}
	ok = print_name(listed->function, reason, rules_file) && ok;
	(void)putchar('\n');
	return ok;
}

/* One line for each of the crashing thread's, "+" before those that are kept. False without memory.
 */
static bool explain(struct snap_crash *crash, const struct snap_arguments *arguments)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_signature_reason *reasons;
	size_t num;
	if (snap_signature_explain(crash, arguments->rules, &reasons, &num, &err) < 0)
		return false;
	const struct snap_crash_thread *thread = snap_crash_crashed_thread(crash);
	for (size_t i = 0; i < num; i++)
		if (!print_reason(&thread->listed[i], &reasons[i], i, arguments->rules_file))
			return false;
	if (thread && num < thread->num_listed)
		printf("  %zu more, whose places on the stack are guessed, or which are too many\n",
			thread->num_listed - num);
	return true;
}

static enum snap_exit signature_one(
	struct snap_crash *crash, const struct snap_arguments *arguments, void *data)
{
	(void)data;
	const struct snap_signature *signature = &crash->signature;
	bool ok = print_whole(signature->id ? signature->id : "-");
	(void)fputc('\t', stdout);
	ok = print_whole(signature->text ? signature->text : "-") && ok;
	(void)fputc('\t', stdout);
	ok = print_whole(crash->file) && ok;
	(void)fputc('\n', stdout);
	if (arguments->explain)
		ok = explain(crash, arguments) && ok;
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
		"without a frame that says anything, has - for both.\n",
	.examples = "  snapanalyze signature spool/*.snap | sort\n"
		    "  snapanalyze signature --explain crash.snap\n"
		    "  snapanalyze signature --from gdb ci/*.log\n",
	.takes = SNAP_TAKES_SYMBOLS | SNAP_TAKES_FRAMES | SNAP_TAKES_RULES | SNAP_TAKES_EXPLAIN |
		 SNAP_TAKES_FROM | SNAP_TAKES_BATCH | SNAP_TAKES_SANDBOX | SNAP_TAKES_FIRMWARE,
	.run = run_signature,
};
