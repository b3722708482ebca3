/*
 * snapanalyze: finds the verb and runs it.
 */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analyze/command.h"
#include "common/escape.h"
#include "common/standard_fds.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *title;
	const struct snap_verb *verbs[4]; /* NULL after the last */
} groups[] = {
	{"Say what happened", {&snap_verb_report, &snap_verb_json, &snap_verb_signature}},
	{"Group crashes", {&snap_verb_dedup, &snap_verb_ingest}},
	{"Look at the input itself", {&snap_verb_check, &snap_verb_modules, &snap_verb_dump}},
	{"Convert", {&snap_verb_import, &snap_verb_export}},
	{"Symbols", {&snap_verb_symbolize, &snap_verb_symbols, &snap_verb_cache}},
};

static const struct snap_verb *find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		for (size_t j = 0; groups[i].verbs[j]; j++)
			if (strcmp(groups[i].verbs[j]->name, name) == 0)
				return groups[i].verbs[j];
	return NULL;
}

static void print_help(void)
{
	printf("Usage: snapanalyze VERB [OPTION...] FILE...\n\n"
	       "Analyses what was captured of a crash or of a live process: snapshots and ELF "
	       "cores,\n"
	       "told apart by content; - is standard input.\n");
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		printf("\n%s:\n", groups[i].title);
		for (size_t j = 0; groups[i].verbs[j]; j++)
			printf("  %-12s%s\n", groups[i].verbs[j]->name,
				groups[i].verbs[j]->summary);
	}
	printf("  %-12s%s\n", "help VERB", "The options and examples of a verb");
	printf("\nCommon options:\n");
	snap_print_options(SNAP_TAKES_SYMBOLS | SNAP_TAKES_FIRMWARE | SNAP_TAKES_FRAMES |
			   SNAP_TAKES_COLOR);
	printf("\nExit status (of several inputs the worst):\n"
	       "   0  done\n"
	       "   1  partial: an input is truncated or corrupt, the crashing thread's stack "
	       "could\n"
	       "      not be followed to its end, or a module on it has no symbols or those of\n"
	       "      another build\n"
	       "   2  an input could not be analysed\n"
	       "   3  what was asked for is so: dedup --fail-on-new found a new group\n"
	       "  64  wrong usage\n"
	       "  74  the output could not be written\n");
}

static enum snap_exit complain_verb(const char *text, const char *name)
{
	char escaped[256];
	(void)snap_escape(snap_bytes_str(name), SNAP_ESCAPE_TERMINAL, escaped, sizeof(escaped));
	snap_complain("%s '%s' (see 'snapanalyze --help')", text, escaped);
	return SNAP_EXIT_USAGE;
}

static enum snap_exit run_help(int argc, char **argv)
{
	if (argc == 2) {
		print_help();
		return SNAP_EXIT_DONE;
	}
	const struct snap_verb *verb = find_verb(argv[2]);
	for (int i = 3; i < argc && verb && verb->verbs; i++)
		verb = snap_verb_find(verb, argv[i]);
	if (!verb)
		return complain_verb("unknown verb", argv[argc - 1]);
	snap_print_verb_help(verb);
	return SNAP_EXIT_DONE;
}

/*
 * For a verb that has verbs: the one that argv[2] names. NULL if the program is to exit with
 * *ret_status.
 */
static const struct snap_verb *find_own_verb(
	const struct snap_verb *verb, int argc, char **argv, enum snap_exit *ret_status)
{
	const char *name = argc > 2 ? argv[2] : NULL;
	const struct snap_verb *own = name ? snap_verb_find(verb, name) : NULL;
	*ret_status = SNAP_EXIT_DONE;
	if (own)
		return own;
	if (name && (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)) {
		snap_print_verb_help(verb);
	} else if (name && strcmp(name, "--version") == 0) {
		snap_print_version();
	} else {
		char escaped[256];
		(void)snap_escape(snap_bytes_str(name ? name : ""), SNAP_ESCAPE_TERMINAL, escaped,
			sizeof(escaped));
		snap_complain("%s '%s%s%s' (see 'snapanalyze %s --help')",
			name ? "unknown verb" : "no verb given to", verb->name, name ? " " : "",
			escaped, verb->name);
		*ret_status = SNAP_EXIT_USAGE;
	}
	return NULL;
}

static enum snap_exit run(int argc, char **argv)
{
	if (argc < 2) {
		snap_complain("no VERB given (see 'snapanalyze --help')");
		return SNAP_EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_help();
		return SNAP_EXIT_DONE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		snap_print_version();
		return SNAP_EXIT_DONE;
	}
	if (strcmp(argv[1], "help") == 0)
		return run_help(argc, argv);
	const struct snap_verb *verb = find_verb(argv[1]);
	if (!verb)
		return complain_verb(
			argv[1][0] == '-' ? "a verb comes first, not the option" : "unknown verb",
			argv[1]);

	struct snap_arguments arguments;
	enum snap_exit status;
	if (verb->verbs) {
		verb = find_own_verb(verb, argc, argv, &status);
		if (!verb)
			return status;
		argc--;
		argv++;
	}
	if (!snap_arguments_parse(verb, argc - 1, argv + 1, &arguments, &status))
		return status;
	status = verb->run(&arguments);
	snap_elf_options_tell_unused(&arguments);
	snap_arguments_deinit(&arguments);
	return status;
}

/* Whether stdout is a pipe that nobody reads any more: whoever closed it wants no words of it. */
static bool is_reader_gone(void)
{
	struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
	return poll(&out, 1, 0) == 1 && out.revents & POLLERR;
}

/* stdio remembers that a write failed, but not why: the last flush may tell. */
static bool is_output_written(void)
{
	errno = 0;
	int r = fflush(stdout);
	int error = r < 0 ? errno : 0;
	if (r == 0 && !ferror(stdout))
		return true;
	if (error != EPIPE && !is_reader_gone())
		snap_complain("cannot write to standard output%s%s", error ? ": " : "",
			error ? strerror(error) : "");
	return false;
}

int main(int argc, char **argv)
{
	static char buffer[1 << 16];
	snap_standard_fds_bind(NULL);
	/* A closed pipe is a failed write, seen at the end like any other; so is a file that may
	 * not grow (RLIMIT_FSIZE). */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	/* What one unit of debug information takes serves the next: not mapped anew each time. */
	(void)mallopt(M_MMAP_THRESHOLD, 32 << 20);
	(void)mallopt(M_TRIM_THRESHOLD, 64 << 20);
	(void)setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	enum snap_exit status = run(argc, argv);
	return is_output_written() ? (int)status : SNAP_EXIT_OUTPUT;
}
