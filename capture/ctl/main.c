/*
 * snapcrashctl: switches capturing on and off, tells and shows whether it works, and looks after
 * what is in the spool. Finds the verb and runs it.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "capture/ctl/ctl.h"
#include "common/standard_fds.h"

#define PROGRAM	     SNAP_CTL_PROGRAM
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static const struct snap_ctl_verb *const verbs[] = {
	&snap_ctl_enable,
	&snap_ctl_disable,
	&snap_ctl_status,
	&snap_ctl_test,
	&snap_ctl_list,
	&snap_ctl_get,
	&snap_ctl_rm,
	&snap_ctl_adopt,
};

/* ---------------------------------------------------------------- help */

/* One option: for the parser and for --help alike. */
struct option_row {
	const char *name, *value; /* value: NULL if it takes none */
	char letter;		  /* that stands for it, too; '\0': none */
	unsigned int takes;	  /* enum snap_ctl_takes; 0: every verb */
	const char *help[3];	  /* lines */
};

enum option_id {
	OPTION_CHAIN,
	OPTION_SOCKET,
	OPTION_JSON,
	OPTION_KEEP,
	OPTION_WAIT,
	OPTION_LAST,
	OPTION_OUTPUT,
	OPTION_ALL,
	OPTION_OLDER_THAN,
	OPTION_CONFIG,
	OPTION_HELP,
	OPTION_VERSION,
	NUM_OPTIONS,
};

static const struct option_row options[NUM_OPTIONS] = {
	[OPTION_CHAIN] = {"chain", NULL, 0, SNAP_CTL_TAKES_CHAIN,
		{"hand each core on to the program that got it before"}},
	[OPTION_SOCKET] = {"socket", NULL, 0, SNAP_CTL_TAKES_SOCKET,
		{"let the kernel connect to the server instead of starting a",
			"client (coredump_socket in the configuration; Linux 6.17)"}},
	[OPTION_JSON] = {"json", NULL, 0, SNAP_CTL_TAKES_JSON, {"print JSON"}},
	[OPTION_KEEP] = {"keep", NULL, 0, SNAP_CTL_TAKES_KEEP, {"do not remove the snapshot"}},
	[OPTION_WAIT] = {"wait", "TIME", 0, SNAP_CTL_TAKES_KEEP,
		{"how long, instead of 30s: a number with s, m, h or d"}},
	[OPTION_LAST] = {"last", NULL, 0, SNAP_CTL_TAKES_LAST, {"the newest snapshot"}},
	[OPTION_OUTPUT] = {"output", "FILE", 'o', SNAP_CTL_TAKES_OUTPUT,
		{"write FILE, or standard output with '-', instead of a file",
			"of the snapshot's name in the current directory"}},
	[OPTION_ALL] = {"all", NULL, 0, SNAP_CTL_TAKES_ALL, {"all snapshots"}},
	[OPTION_OLDER_THAN] = {"older-than", "AGE", 0, SNAP_CTL_TAKES_ALL,
		{"all that are older than AGE: a number with s, m, h or d"}},
	[OPTION_CONFIG] = {"config", "FILE", 0, 0,
		{"read FILE instead of " SNAP_CONFIG_DEFAULT_FILE}},
	[OPTION_HELP] = {"help", NULL, 0, 0, {"print this"}},
	[OPTION_VERSION] = {"version", NULL, 0, 0, {"print the version"}},
};

static bool takes(const struct snap_ctl_verb *verb, const struct option_row *option)
{
	return option->takes == 0 || (verb && (verb->takes & option->takes) != 0);
}

/* verb: NULL for those that all take. */
static void print_options(const struct snap_ctl_verb *verb, FILE *to)
{
	for (size_t i = 0; i < NUM_OPTIONS; i++) {
		const struct option_row *option = &options[i];
		char name[32];
		if (!takes(verb, option))
			continue;
		(void)snprintf(name, sizeof(name), "%.2s%s--%s%s%s",
			option->letter == 'o' ? "-o" : "", option->letter ? ", " : "", option->name,
			option->value ? " " : "", option->value ? option->value : "");
		fprintf(to, "  %-19s  %s\n", name, option->help[0]);
		for (size_t line = 1; line < ARRAY_LEN(option->help) && option->help[line]; line++)
			fprintf(to, "  %-19s  %s\n", "", option->help[line]);
	}
}

static const char exit_statuses[] =
	"\n"
	"Exit status: 0 done, 1 partly done or not as wished, 2 nothing done, 64 usage.\n";

static void print_usage(FILE *to)
{
	fputs("usage: " PROGRAM " [--config FILE] VERB [OPTION]... [NAME]...\n"
	      "\n"
	      "Switch the capture of crashes on and off, and look after the snapshots.\n"
	      "\n",
		to);
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		fprintf(to, "  %-9s  %s\n", verbs[i]->name, verbs[i]->summary);
	fputs("\n", to);
	print_options(NULL, to);
	fputs("\n'" PROGRAM " VERB --help' tells more of a verb.\n", to);
	fputs(exit_statuses, to);
}

static void print_verb_usage(const struct snap_ctl_verb *verb, FILE *to)
{
	fprintf(to, "usage: " PROGRAM " [--config FILE] %s%s%s\n\n%s\n", verb->name,
		*verb->arguments ? " " : "", verb->arguments, verb->text);
	print_options(verb, to);
	fputs(exit_statuses, to);
}

/* ---------------------------------------------------------------- the command line */

static int usage_error(const struct snap_ctl_verb *verb, const char *what, const char *about)
{
	struct snap_ctl_shown shown;
	if (about)
		snap_ctl_complain("%s '%s'", what, snap_ctl_show_str(about, &shown));
	else
		snap_ctl_complain("%s", what);
	if (verb)
		print_verb_usage(verb, stderr);
	else
		print_usage(stderr);
	return EXIT_USAGE;
}

static bool parse_time(const char *s, uint64_t *ret)
{
	static const struct {
		char letter;
		uint64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	uint64_t number = 0;
	const char *p = s;
	for (; *p >= '0' && *p <= '9'; p++) {
		number = number * 10 + (uint64_t)(*p - '0');
		if (number > 1000000000)
			return false;
	}
	if (p == s || p[0] == '\0' || p[1] != '\0')
		return false;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (*p == units[i].letter) {
			*ret = number * units[i].seconds;
			return true;
		}
	}
	return false;
}

/* Take one option. Returns -1 to go on, else the exit status. */
static int take_option(
	const struct snap_ctl_verb *verb, size_t id, const char *value, struct snap_ctl *ctl)
{
	struct snap_ctl_arguments *arguments = &ctl->arguments;
	switch (id) {
	case OPTION_CHAIN:
		arguments->chain = true;
		break;
	case OPTION_SOCKET:
		arguments->socket = true;
		break;
	case OPTION_JSON:
		arguments->json = true;
		break;
	case OPTION_KEEP:
		arguments->keep = true;
		break;
	case OPTION_WAIT:
		arguments->has_wait = true;
		if (!parse_time(value, &arguments->wait_s))
			return usage_error(verb, "no time such as 10s or 2m:", value);
		break;
	case OPTION_LAST:
		arguments->last = true;
		break;
	case OPTION_OUTPUT:
		arguments->output = value;
		break;
	case OPTION_ALL:
		arguments->all = true;
		break;
	case OPTION_OLDER_THAN:
		arguments->has_older_than = true;
		if (!parse_time(value, &arguments->older_than_s))
			return usage_error(verb, "no time such as 90s, 10m, 12h or 7d:", value);
		break;
	case OPTION_CONFIG:
		ctl->config_file = value;
		break;
	case OPTION_HELP:
		if (verb)
			print_verb_usage(verb, stdout);
		else
			print_usage(stdout);
		return snap_program_shown(PROGRAM);
	case OPTION_VERSION:
		puts(PROGRAM " " SNAP_VERSION);
		return snap_program_shown(PROGRAM);
	}
	return -1;
}

/*
 * The options before a verb (verb NULL: stops at the first that is none), or behind it. argv[0] is
 * not looked at. Returns -1 to go on, else the exit status.
 */
static int parse_options(const struct snap_ctl_verb *verb, int argc, char **argv,
	struct snap_ctl *ctl, int *ret_index)
{
	struct option longs[NUM_OPTIONS + 1] = {0};
	char shorts[8] = ":";
	int ids[NUM_OPTIONS], num = 0, found, index = 0;
	if (!verb)
		(void)strcpy(shorts, "+:");
	for (int i = 0; i < NUM_OPTIONS; i++) {
		if (!takes(verb, &options[i]))
			continue;
		ids[num] = i;
		longs[num++] = (struct option){
			.name = options[i].name,
			.has_arg = options[i].value ? required_argument : no_argument,
		};
		if (options[i].letter == 'o')
			(void)strcat(shorts, "o:");
	}
	opterr = 0; /* its messages begin with argv[0] */
	optind = 0;
	while ((found = getopt_long(argc, argv, shorts, longs, &index)) != -1) {
		if (found == '?' || found == ':') {
			/* A cluster of short ones leaves optind where it stands. */
			const char *about = argv[optind > 1 ? optind - 1 : 1];
			return usage_error(verb,
				found == ':' ? "no value for" : "unknown or ambiguous option",
				about);
		}
		size_t id = found == 'o' ? OPTION_OUTPUT : (size_t)ids[index];
		int status = take_option(verb, id, optarg, ctl);
		if (status >= 0)
			return status;
	}
	*ret_index = optind;
	return -1;
}

static const struct snap_ctl_verb *find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (strcmp(name, verbs[i]->name) == 0)
			return verbs[i];
	return NULL;
}

static int parse_arguments(
	int argc, char **argv, struct snap_ctl *ctl, const struct snap_ctl_verb **ret_verb)
{
	int first, status = parse_options(NULL, argc, argv, ctl, &first);
	if (status >= 0)
		return status;
	if (first == argc)
		return usage_error(NULL, "a verb is needed", NULL);
	const struct snap_ctl_verb *verb = find_verb(argv[first]);
	if (!verb)
		return usage_error(NULL, "unknown verb", argv[first]);
	argc -= first;
	argv += first;
	status = parse_options(verb, argc, argv, ctl, &first);
	if (status >= 0)
		return status;
	ctl->arguments.names = argv + first;
	ctl->arguments.num_names = argc - first;
	if (ctl->arguments.num_names > 0 && !(verb->takes & SNAP_CTL_TAKES_NAMES))
		return usage_error(verb, "one argument too many:", argv[first]);
	*ret_verb = verb;
	return -1;
}

int main(int argc, char **argv)
{
	static struct snap_ctl ctl;
	const struct snap_ctl_verb *verb = NULL;
	snap_standard_fds_bind(NULL);
	/* A reader of our output that goes away is told of by fflush(). */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* the same of a file that may not grow */
	int status = parse_arguments(argc, argv, &ctl, &verb);
	if (!verb)
		return status;
	if (snap_config_read(ctl.config_file, &ctl.config, &ctl.config_error) < 0 &&
		!(verb->takes & SNAP_CTL_TAKES_ANY_CONFIG))
		return snap_ctl_fail(&ctl.config_error);

	status = verb->run(&ctl);
	int shown = snap_program_shown(PROGRAM);
	return shown != EXIT_COMPLETE ? shown : status;
}
