/*
 * snapcrash-debugger: a snapshot of a live process.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/config.h"
#include "capture/live.h"
#include "capture/output.h"
#include "capture/program.h"
#include "capture/spool.h"
#include "common/escape.h"

#define PROGRAM "snapcrash-debugger"

#define MAX_TAGS 64

struct options {
	const char *output, *config_file;
	pid_t pid;
	size_t num_tags;
	struct snap_tag tags[MAX_TAGS];
};

static struct options options;
static struct snap_config config;
static struct snap_live live;

static void print_usage(FILE *to)
{
	fputs("usage: " PROGRAM " [-o FILE] [--config FILE] [--tag KEY=VALUE]... PID\n"
	      "\n"
	      "Write a snapshot of a live process, which stands still for some milliseconds and "
	      "then\n"
	      "goes on as it was. Prints the path of the snapshot.\n"
	      "\n"
	      "  -o, --output FILE  write FILE, or standard output with '-', instead of a file in\n"
	      "                     the spool\n"
	      "  --config FILE      read FILE instead of " SNAP_CONFIG_DEFAULT_FILE "\n"
	      "  --tag KEY=VALUE    attach a tag\n"
	      "  --help             print this\n"
	      "  --version          print the version\n"
	      "\n"
	      "Exit status: 0 complete, 1 partial, 2 nothing captured, 64 usage.\n",
		to);
}

static int report(const struct snap_error *err)
{
	fprintf(stderr, PROGRAM ": %s\n", err->text);
	return err->code == SNAP_ERROR_USAGE ? EXIT_USAGE : EXIT_NOTHING;
}

static int parse_pid(const char *s, pid_t *ret, struct snap_error *err)
{
	char *end;
	errno = 0;
	long pid = *s >= '0' && *s <= '9' ? strtol(s, &end, 10) : 0;
	if (pid <= 0 || errno != 0 || *end != '\0' || pid > INT32_MAX) {
		char shown[64];
		(void)snap_escape(snap_bytes_str(s), SNAP_ESCAPE_TERMINAL, shown, sizeof(shown));
		return snap_error_set(err, SNAP_ERROR_USAGE, "bad pid '%s'", shown);
	}
	*ret = (pid_t)pid;
	return 0;
}

static int add_tag(const char *s, struct snap_error *err)
{
	const char *equals = strchr(s, '=');
	if (!equals || equals == s)
		return snap_error_set(err, SNAP_ERROR_USAGE, "--tag needs KEY=VALUE");
	if (options.num_tags == MAX_TAGS)
		return snap_error_set(err, SNAP_ERROR_USAGE, "more than %d tags", MAX_TAGS);
	options.tags[options.num_tags++] = (struct snap_tag){
		.key = snap_bytes(s, (size_t)(equals - s)),
		.value = snap_bytes_str(equals + 1),
	};
	return 0;
}

/* Returns -1 to go on, else the exit status. */
static int parse_options(int argc, char **argv)
{
	static const struct option longs[] = {
		{"output", required_argument, NULL, 'o'},
		{"config", required_argument, NULL, 'c'},
		{"tag", required_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	struct snap_error err = SNAP_ERROR_INIT;
	int option;
	opterr = 0; /* its messages begin with argv[0] */
	while ((option = getopt_long(argc, argv, "o:", longs, NULL)) != -1) {
		switch (option) {
		case 'o':
			options.output = optarg;
			break;
		case 'c':
			options.config_file = optarg;
			break;
		case 't':
			if (add_tag(optarg, &err) < 0)
				return report(&err);
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
	if (argc - optind != 1) {
		fputs(PROGRAM ": one PID is needed\n", stderr);
		print_usage(stderr);
		return EXIT_USAGE;
	}
	return parse_pid(argv[optind], &options.pid, &err) < 0 ? report(&err) : -1;
}

/* Where the snapshot goes: a file of the user's choice, or one in the spool. */
struct target_file {
	struct snap_output output;
	struct snap_spool_file file;
};

static int open_file(struct target_file *to, struct snap_error *err)
{
	if (options.output)
		return snap_output_create(options.output, &to->output, err);
	int r = snap_spool_create(config.spool, &to->file);
	if (r < 0)
		return snap_error_errno(
			err, -r, "cannot create a file in the spool '%s'", config.spool);
	return 0;
}

static int publish(struct target_file *to, struct snap_error *err)
{
	if (options.output) {
		if (snap_output_publish(&to->output, err) < 0)
			return -1;
		if (strcmp(options.output, "-") != 0)
			puts(options.output);
		return 0;
	}
	/* The main thread's name is the process's. */
	const struct snap_tracee_thread *leader = &live.tracee.threads[0];
	char name[SNAP_SPOOL_NAME_MAX];
	snap_spool_name(name, live.start.tv_sec, snap_bytes(leader->comm, leader->comm_len),
		(uint64_t)live.pid, live.uuid);
	int r = snap_spool_publish(&to->file, name);
	if (r < 0)
		return snap_error_errno(err, -r, "cannot publish '%s/%s'", config.spool, name);
	printf("%s/%s\n", config.spool, name);
	return 0;
}

static int run(struct target_file *to, struct snap_error *err)
{
	if (snap_live_find(&live, options.pid, err) < 0)
		return -1;
	if (live.pid != options.pid)
		fprintf(stderr, PROGRAM ": %d is a thread of process %d, which is captured\n",
			(int)options.pid, (int)live.pid);
	if (open_file(to, err) < 0 || snap_live_capture(&live, err) < 0)
		return -1;

	struct snap_live_words words = {
		.program = PROGRAM " " SNAP_VERSION,
		.reason = "live",
		.tags = options.tags,
		.num_tags = options.num_tags,
		.method = SNAP_CAPTURE_PTRACE,
	};
	int r = snap_live_write(&live, options.output ? to->output.fd : to->file.fd, &words);
	if (r < 0)
		return snap_error_errno(err, -r, "cannot write the snapshot");
	return publish(to, err);
}

int main(int argc, char **argv)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct target_file to = {SNAP_OUTPUT_INIT, SNAP_SPOOL_FILE_INIT};
	int status = parse_options(argc, argv);
	if (status >= 0)
		return status;
	if (snap_config_read(options.config_file, &config, &err) < 0) {
		fprintf(stderr, PROGRAM ": %s\n", err.text);
		return EXIT_USAGE;
	}
	(void)signal(SIGPIPE, SIG_IGN); /* a write's error tells */
	snap_live_init(&live);
	live.config = &config;

	if (run(&to, &err) < 0) {
		status = report(&err);
		if (to.file.fd >= 0)
			snap_spool_discard(&to.file);
	} else if (fflush(stdout) != 0) {
		fprintf(stderr, PROGRAM ": cannot write standard output: %s\n", strerror(errno));
		status = EXIT_PARTIAL;
	} else {
		status = live.emit.partial ? EXIT_PARTIAL : EXIT_COMPLETE;
	}
	snap_output_deinit(&to.output);
	snap_spool_file_deinit(&to.file);
	return status;
}
