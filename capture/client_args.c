#include "capture/client_args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/program.h"
#include "capture/config.h"
#include "common/standard_fds.h"

#define PROGRAM	   SNAP_CLIENT_PROGRAM
#define EXIT_USAGE 64

static void print_usage(FILE *to)
{
	fputs("usage: " PROGRAM " [--chain] [--config FILE] %P %I %s %t %d %u %g %c %F %e\n"
	      "\n"
	      "Write a snapshot of the process whose core the kernel sends on standard input.\n"
	      "Started by the kernel: /proc/sys/kernel/core_pattern holds this command line after\n"
	      "a '|', and core(5) says what each %-word becomes.\n"
	      "\n"
	      "  --chain        then hand the core on to the program that 'snapcrashctl enable\n"
	      "                 --chain' found in core_pattern\n"
	      "  --config FILE  read FILE instead of " SNAP_CONFIG_DEFAULT_FILE "\n"
	      "  --help         print this\n"
	      "  --version      print the version\n"
	      "\n"
	      "Exit status: 0 complete, 1 partial, 2 nothing captured, 64 usage.\n",
		to);
}

static int usage_error(const char *what)
{
	fprintf(snap_standard_error(), PROGRAM ": %s\n", what);
	print_usage(snap_standard_error());
	return EXIT_USAGE;
}

static bool parse_number(const char *s, uint64_t max, uint64_t *ret)
{
	if (*s < '0' || *s > '9')
		return false;
	char *end;
	errno = 0;
	unsigned long long value = strtoull(s, &end, 10);
	if (errno != 0 || *end != '\0' || value > max)
		return false;
	*ret = value;
	return true;
}

int snap_client_args_parse(int argc, char **argv, struct snap_client_args *args)
{
	int i = 1;
	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			print_usage(stdout);
			return snap_program_shown(PROGRAM);
		}
		if (strcmp(argv[i], "--version") == 0) {
			puts(PROGRAM " " SNAP_VERSION);
			return snap_program_shown(PROGRAM);
		}
		if (strncmp(argv[i], "--config=", 9) == 0) {
			args->config_file = argv[i] + 9;
		} else if (strcmp(argv[i], "--config") == 0) {
			if (++i == argc)
				return usage_error("--config needs a file");
			args->config_file = argv[i];
		} else if (strcmp(argv[i], "--chain") == 0) {
			args->chain = true;
		} else {
			return usage_error("unknown option");
		}
	}
	if (argc - i != 10)
		return usage_error("ten words of core_pattern are needed");
	char **word = argv + i;
	if (!parse_number(word[0], INT32_MAX, &args->facts.pid) || args->facts.pid == 0 ||
		!parse_number(word[1], INT32_MAX, &args->facts.tid) || args->facts.tid == 0 ||
		!parse_number(word[2], 128, &args->facts.signo) ||
		!parse_number(word[3], INT64_MAX, &args->facts.time_s) ||
		!parse_number(word[4], UINT32_MAX, &args->facts.dumpable) ||
		!parse_number(word[5], UINT32_MAX, &args->facts.uid) ||
		!parse_number(word[6], UINT32_MAX, &args->facts.gid) ||
		!parse_number(word[7], UINT64_MAX, &args->facts.rlimit_core))
		return usage_error("a word of core_pattern is no number");
	/* Kernels before 6.16 know no %F and leave it empty. */
	if (word[8][0] != '\0' && strcmp(word[8], "3") != 0)
		return usage_error("%F is neither 3 nor empty");
	args->facts.pidfd = word[8][0] != '\0' ? 3 : -1;
	args->facts.comm = word[9];
	args->facts.method = SNAP_CAPTURE_CORE_PATTERN;
	return -1;
}
