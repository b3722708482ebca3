#include "capture/debugger/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/config.h"
#include "capture/program.h"
#include "common/escape.h"

#define PROGRAM SNAP_DEBUGGER_PROGRAM

#define YEAR_MS (365ull * 24 * 3600 * 1000)

static void print_usage(FILE *to)
{
	fputs("usage: " PROGRAM " [OPTION]... PID\n"
	      "       " PROGRAM " [OPTION]... --exe NAME\n"
	      "\n"
	      "Write a snapshot of a live process, which stands still for some milliseconds and "
	      "then\n"
	      "goes on as it was. Prints the path of the snapshot.\n"
	      "\n"
	      "Which process:\n"
	      "  --exe NAME         the one whose executable's path, or the path's last part, is "
	      "NAME\n"
	      "\n"
	      "When:\n"
	      "  --after TIME       wait so long before (30s, 500ms, 2m, 1h)\n"
	      "  --count N          take N snapshots, one after the other\n"
	      "  --every TIME       so long after the former began; 1s if not given\n"
	      "\n"
	      "What becomes of it:\n"
	      "  -o, --output FILE  write FILE, or standard output with '-', instead of a file in\n"
	      "                     the spool; with --count FILE.1, FILE.2 and so on\n"
	      "  --text             print registers, stacks, mappings and open files, without\n"
	      "                     symbols, and keep nothing\n"
	      "  --report           print what 'snapanalyze report' makes of it, and keep nothing\n"
	      "  --tag KEY=VALUE    attach a tag\n"
	      "\n"
	      "  --config FILE      read FILE instead of " SNAP_CONFIG_DEFAULT_FILE "\n"
	      "  --help             print this\n"
	      "  --version          print the version\n"
	      "\n"
	      "Exit status: 0 complete, 1 partial, 2 nothing captured, 64 usage; with --report\n"
	      "that of snapanalyze.\n",
		to);
}

static int usage_error(const struct snap_error *err)
{
	fprintf(stderr, PROGRAM ": %s\n", err->text);
	return EXIT_USAGE;
}

/* Returns -1. */
static int bad_value(struct snap_error *err, const char *what, const char *value)
{
	char shown[64];
	(void)snap_escape(snap_bytes_str(value), SNAP_ESCAPE_TERMINAL, shown, sizeof(shown));
	return snap_error_set(err, SNAP_ERROR_USAGE, "bad %s '%s'", what, shown);
}

/* A whole number of [1, max] and nothing behind it. */
static int parse_number(const char *s, unsigned long max, unsigned long *ret)
{
	char *end;
	errno = 0;
	unsigned long value = *s >= '0' && *s <= '9' ? strtoul(s, &end, 10) : 0;
	if (value == 0 || errno != 0 || *end != '\0' || value > max)
		return -1;
	*ret = value;
	return 0;
}

int snap_debugger_parse_time(const char *s, uint64_t *ret_ms)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = {{"", 1000}, {"s", 1000}, {"ms", 1}, {"m", 60000}, {"h", 3600000}};
	uint64_t value = 0, divisor = 1;
	const char *p = s;
	for (; *p >= '0' && *p <= '9'; p++)
		if ((value = value * 10 + (uint64_t)(*p - '0')) > YEAR_MS)
			return -1;
	if (p == s)
		return -1;
	if (*p == '.') {
		const char *fraction = ++p;
		for (; *p >= '0' && *p <= '9'; p++) {
			if (p - fraction >= 6)
				continue; /* beyond the resolution of any unit */
			value = value * 10 + (uint64_t)(*p - '0');
			divisor *= 10;
		}
		if (p == fraction)
			return -1;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(p, units[i].name) != 0)
			continue;
		if (value / divisor > YEAR_MS / units[i].ms)
			return -1;
		*ret_ms = value * units[i].ms / divisor;
		return 0;
	}
	return -1;
}

static int add_tag(struct snap_debugger_options *options, const char *s, struct snap_error *err)
{
	const char *equals = strchr(s, '=');
	if (!equals || equals == s)
		return snap_error_set(err, SNAP_ERROR_USAGE, "--tag needs KEY=VALUE");
	if (options->num_tags == SNAP_DEBUGGER_MAX_TAGS)
		return snap_error_set(
			err, SNAP_ERROR_USAGE, "more than %d tags", SNAP_DEBUGGER_MAX_TAGS);
	options->tags[options->num_tags++] = (struct snap_tag){
		.key = snap_bytes(s, (size_t)(equals - s)),
		.value = snap_bytes_str(equals + 1),
	};
	return 0;
}

static int set_output(struct snap_debugger_options *options, enum snap_debugger_output output,
	struct snap_error *err)
{
	if (options->output != SNAP_DEBUGGER_SPOOL && options->output != output)
		return snap_error_set(
			err, SNAP_ERROR_USAGE, "--output, --text and --report exclude one another");
	options->output = output;
	return 0;
}

/* Options of which the meaning depends on others, and what is left of the command line. */
static int check(struct snap_debugger_options *options, int argc, char **argv, bool every_given,
	struct snap_error *err)
{
	if (options->exe && argc > 0)
		return snap_error_set(
			err, SNAP_ERROR_USAGE, "either a PID or --exe NAME is needed, not both");
	if (!options->exe && argc != 1)
		return snap_error_set(err, SNAP_ERROR_USAGE, "one PID, or --exe NAME, is needed");
	if (options->exe && *options->exe == '\0')
		return snap_error_set(err, SNAP_ERROR_USAGE, "--exe needs a NAME");
	if (every_given && options->count == 1)
		return snap_error_set(err, SNAP_ERROR_USAGE, "--every needs --count");
	if (options->count > 1 && options->output == SNAP_DEBUGGER_FILE &&
		strcmp(options->file, "-") == 0)
		return snap_error_set(err, SNAP_ERROR_USAGE,
			"standard output takes one snapshot, not several: use -o FILE, or no -o");
	unsigned long pid;
	if (options->exe)
		return 0;
	if (parse_number(argv[0], INT32_MAX, &pid) < 0)
		return bad_value(err, "pid", argv[0]);
	options->pid = (pid_t)pid;
	return 0;
}

int snap_debugger_options_parse(int argc, char **argv, struct snap_debugger_options *ret)
{
	static const struct option longs[] = {
		{"output", required_argument, NULL, 'o'},
		{"config", required_argument, NULL, 'c'},
		{"tag", required_argument, NULL, 't'},
		{"exe", required_argument, NULL, 'e'},
		{"after", required_argument, NULL, 'a'},
		{"count", required_argument, NULL, 'n'},
		{"every", required_argument, NULL, 'y'},
		{"text", no_argument, NULL, 'T'},
		{"report", no_argument, NULL, 'R'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	struct snap_error err = SNAP_ERROR_INIT;
	bool every_given = false;
	int option, r = 0;
	*ret = (struct snap_debugger_options){.count = 1, .every_ms = 1000};
	opterr = 0; /* its messages begin with argv[0] */
	while (r == 0 && (option = getopt_long(argc, argv, "o:", longs, NULL)) != -1) {
		switch (option) {
		case 'o':
			ret->file = optarg;
			r = set_output(ret, SNAP_DEBUGGER_FILE, &err);
			break;
		case 'T':
			r = set_output(ret, SNAP_DEBUGGER_TEXT, &err);
			break;
		case 'R':
			r = set_output(ret, SNAP_DEBUGGER_REPORT, &err);
			break;
		case 'c':
			ret->config_file = optarg;
			break;
		case 't':
			r = add_tag(ret, optarg, &err);
			break;
		case 'e':
			ret->exe = optarg;
			break;
		case 'a':
			if (snap_debugger_parse_time(optarg, &ret->after_ms) < 0)
				r = bad_value(&err, "time", optarg);
			break;
		case 'y':
			every_given = true;
			if (snap_debugger_parse_time(optarg, &ret->every_ms) < 0)
				r = bad_value(&err, "time", optarg);
			break;
		case 'n':
			if (parse_number(optarg, SNAP_DEBUGGER_MAX_COUNT, &ret->count) < 0)
				r = bad_value(&err, "count", optarg);
			break;
		case 'h':
			print_usage(stdout);
			return snap_program_shown(PROGRAM);
		case 'V':
			puts(PROGRAM " " SNAP_VERSION);
			return snap_program_shown(PROGRAM);
		default:
			fputs(PROGRAM ": unknown option, or one without its value\n", stderr);
			print_usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (r == 0)
		r = check(ret, argc - optind, argv + optind, every_given, &err);
	return r < 0 ? usage_error(&err) : -1;
}
