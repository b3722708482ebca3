/*
 * snapcrash-debugger: snapshots of a live process.
 *
 * What it does with them, however long that takes, it does when the process runs again.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "capture/access.h"
#include "capture/config.h"
#include "capture/debugger/options.h"
#include "capture/debugger/process_find.h"
#include "capture/debugger/report_run.h"
#include "capture/debugger/text.h"
#include "capture/limits.h"
#include "capture/live.h"
#include "capture/origin.h"
#include "capture/output.h"
#include "capture/prefault.h"
#include "capture/proc_info.h"
#include "capture/program.h"
#include "capture/spool.h"
#include "common/standard_fds.h"

#define PROGRAM SNAP_DEBUGGER_PROGRAM

static struct snap_debugger_options options;
static struct snap_config config;
static struct snap_live live;
static struct snap_report_program report_program;

static int complain(const struct snap_error *err)
{
	fprintf(stderr, PROGRAM ": %s\n", err->text);
	return err->code == SNAP_ERROR_USAGE ? EXIT_USAGE : EXIT_NOTHING;
}

/* ---------------------------------------------------------------- where a snapshot goes */

struct target_file {
	struct snap_output output;
	struct snap_spool_file spool_file;
	int memory_fd;
	bool published;	     /* to the spool */
	char name[PATH_MAX]; /* of the output, where there are several */
};
#define TARGET_FILE_INIT                                                                           \
	{                                                                                          \
		SNAP_OUTPUT_INIT, SNAP_SPOOL_FILE_INIT, -1, false, ""                              \
	}

/* index: of the snapshot. */
static int open_file(struct target_file *to, unsigned long index, struct snap_error *err)
{
	const char *name = options.file;
	int r;
	switch (options.output) {
	case SNAP_DEBUGGER_SPOOL:
		r = snap_spool_create(config.spool, &to->spool_file);
		if (r < 0)
			return snap_error_set(err, SNAP_ERROR_SYSTEM,
				"cannot create a file in the spool '%s': %s", config.spool,
				snap_spool_strerror(r));
		return 0;
	case SNAP_DEBUGGER_FILE:
		if (options.count > 1) {
			r = snprintf(to->name, sizeof(to->name), "%s.%lu", name, index + 1);
			if (r < 0 || (size_t)r >= sizeof(to->name))
				return snap_error_errno(
					err, ENAMETOOLONG, "cannot create '%s'", name);
			name = to->name;
		}
		return snap_output_create(name, &to->output, err);
	default:
		to->memory_fd = memfd_create("snapshot", MFD_CLOEXEC);
		if (to->memory_fd < 0)
			return snap_error_errno(err, errno, "cannot make a file in memory");
		return 0;
	}
}

static int file_fd(const struct target_file *to)
{
	switch (options.output) {
	case SNAP_DEBUGGER_SPOOL:
		return to->spool_file.fd;
	case SNAP_DEBUGGER_FILE:
		return to->output.fd;
	default:
		return to->memory_fd;
	}
}

/* For the spool's limits: whose it is, and that it is no crash. Some file systems can't keep it. */
static void write_origin(const struct target_file *to, struct snap_bytes comm)
{
	struct snap_proc_link link;
	struct snap_origin origin;
	bool deleted;
	struct snap_bytes exe = snap_proc_link(live.task_fd, "exe", &link, &deleted);
	snap_origin_init(&origin, (uint32_t)live.status.uid, exe.len > 0 ? exe : comm);
	origin.has_uid = live.status.uid != SNAP_PROC_UNKNOWN;
	origin.on_demand = true;
	if (origin.has_uid)
		(void)snap_origin_write(to->spool_file.fd, &origin);
}

static int publish_to_spool(struct target_file *to, struct snap_error *err)
{
	/* The main thread's name is the process's. */
	const struct snap_tracee_thread *leader = &live.tracee.threads[0];
	const struct snap_bytes comm = snap_bytes(leader->comm, leader->comm_len);
	const struct snap_access access = snap_limits_access(&config, UINT32_MAX);
	char name[SNAP_SPOOL_NAME_MAX];
	snap_spool_name(name, live.start.tv_sec, comm, (uint64_t)live.pid, live.uuid);
	write_origin(to, comm);
	int r = snap_access_set_file(to->spool_file.fd, &access);
	if (r == 0)
		r = snap_access_set_directory(to->spool_file.dir_fd, &access);
	if (r < 0)
		fprintf(stderr, PROGRAM ": only root can read the snapshot: %s\n", strerror(-r));
	r = snap_spool_publish(&to->spool_file, name);
	if (r < 0)
		return snap_error_errno(err, -r, "cannot publish '%s/%s'", config.spool, name);
	to->published = true;
	if (snap_limits_keep(&config, to->spool_file.dir_fd, name) == -EDQUOT &&
		unlinkat(to->spool_file.dir_fd, name, 0) == 0)
		return snap_error_set(
			err, SNAP_ERROR_OUTPUT, "the spool '%s' is full", config.spool);
	printf("%s/%s\n", config.spool, name);
	return 0;
}

static int publish_to_file(struct target_file *to, struct snap_error *err)
{
	if (snap_output_publish(&to->output, err) < 0)
		return -1;
	if (strcmp(to->output.path, "-") != 0)
		puts(to->output.path);
	return 0;
}

static int print_text(struct target_file *to, struct snap_error *err)
{
	off_t len = lseek(to->memory_fd, 0, SEEK_END);
	void *data = len <= 0 ? MAP_FAILED
			      : mmap(NULL, (size_t)len, PROT_READ, MAP_PRIVATE, to->memory_fd, 0);
	if (data == MAP_FAILED)
		return snap_error_errno(err, errno, "cannot read the snapshot");
	int r = snap_text_print(snap_bytes(data, (size_t)len), stdout, err);
	(void)munmap(data, (size_t)len);
	return r;
}

/* Returns 0 and the status to exit with, or -1. */
static int publish(struct target_file *to, int *ret_status, struct snap_error *err)
{
	*ret_status = EXIT_COMPLETE;
	switch (options.output) {
	case SNAP_DEBUGGER_SPOOL:
		return publish_to_spool(to, err);
	case SNAP_DEBUGGER_FILE:
		return publish_to_file(to, err);
	case SNAP_DEBUGGER_TEXT:
		return print_text(to, err);
	case SNAP_DEBUGGER_REPORT:
		return snap_report_program_run(&report_program, to->memory_fd, ret_status, err);
	}
	return -1;
}

static void close_file(struct target_file *to)
{
	snap_output_deinit(&to->output);
	if (to->spool_file.fd >= 0 && !to->published)
		snap_spool_discard(&to->spool_file);
	snap_spool_file_deinit(&to->spool_file);
	if (to->memory_fd >= 0)
		(void)close(to->memory_fd); /* in memory: nothing can get lost */
	to->memory_fd = -1;
}

/* ---------------------------------------------------------------- which process, and when */

/* The process that was asked for: whoever gets its number later is not meant. */
struct target {
	pid_t pid;
	int pidfd; /* -1: this kernel has none (before Linux 5.3) */
};

/* Wait so long, or until it has ended; whether it has. Without a pidfd this is a sleep. */
static bool wait_for_end(const struct target *target, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = target->pidfd, .events = POLLIN};
	return poll(&poll_fd, 1, timeout_ms) > 0;
}

static int find_target(struct target *ret, struct snap_error *err)
{
	if (options.exe && snap_process_find(options.exe, &options.pid, err) < 0)
		return -1;
	snap_live_init(&live);
	int r = snap_live_find(&live, options.pid, err);
	*ret = (struct target){live.pid, fcntl(live.pidfd, F_DUPFD_CLOEXEC, 0)};
	if (r == 0 && ret->pid != options.pid)
		fprintf(stderr, PROGRAM ": %d is a thread of process %d, which is captured\n",
			(int)options.pid, (int)ret->pid);
	return r;
}

static uint64_t now_ms(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* can't fail */
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Until then, or until the process has ended. */
static void wait_until(const struct target *target, uint64_t when_ms)
{
	for (uint64_t now = now_ms(); now < when_ms; now = now_ms()) {
		uint64_t left = when_ms - now;
		if (wait_for_end(target, left < 60000 ? (int)left : 60000))
			return;
	}
}

/* ---------------------------------------------------------------- the whole */

/* Returns 0, or -1; *ret_status is the status to exit with. */
static int write_and_publish(struct target_file *to, int *ret_status, struct snap_error *err)
{
	struct snap_live_words words = {
		.program = PROGRAM " " SNAP_VERSION,
		.reason = "live",
		.tags = options.tags,
		.num_tags = options.num_tags,
		.method = SNAP_CAPTURE_PTRACE,
		.storage = options.output ? SNAP_STORAGE_NAMED : SNAP_STORAGE_OWN,
	};
	int r = snap_live_write(&live, file_fd(to), &words);
	if (r < 0)
		return snap_error_errno(err, -r, "cannot write the snapshot");
	if (publish(to, ret_status, err) < 0)
		return -1;
	if (live.emit.partial && *ret_status == EXIT_COMPLETE)
		*ret_status = EXIT_PARTIAL;
	/* A C library that has written at the end of a line has nothing left to flush. */
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	/* With --text that was all there is of it, else only its name. */
	if (options.output == SNAP_DEBUGGER_TEXT)
		return snap_error_errno(err, errno, "cannot write standard output");
	fprintf(stderr, PROGRAM ": cannot write standard output: %s\n", strerror(errno));
	*ret_status = EXIT_PARTIAL;
	return 0;
}

enum taken { TAKEN, FAILED, ENDED };

/* The index-th snapshot. is_found: live is about the process as it is now. */
static enum taken take(const struct target *target, unsigned long index, bool is_found,
	int *ret_status, struct snap_error *err)
{
	struct target_file to = TARGET_FILE_INIT;
	if (!is_found) {
		snap_live_deinit(&live);
		snap_live_init(&live);
	}
	live.config = &config;
	bool opened = open_file(&to, index, err) == 0;
	bool captured = opened && (is_found || snap_live_find(&live, target->pid, err) == 0) &&
			snap_live_capture(&live, err) == 0;
	enum taken result = FAILED;
	if (captured && write_and_publish(&to, ret_status, err) == 0)
		result = TAKEN;
	else if (opened && !captured && wait_for_end(target, 0))
		result = ENDED;
	close_file(&to);
	return result;
}

static int say_ended(const struct target *target, unsigned long num_taken)
{
	fprintf(stderr, PROGRAM ": process %d ended", (int)target->pid);
	if (options.count > 1)
		fprintf(stderr, " after %lu of %lu snapshots\n", num_taken, options.count);
	else
		fputs(" before it was captured\n", stderr);
	return num_taken > 0 ? EXIT_PARTIAL : EXIT_NOTHING;
}

/* Returns the status to exit with. */
static int run(void)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct target target;
	uint64_t start_ms = now_ms() + options.after_ms;
	if (options.output == SNAP_DEBUGGER_REPORT &&
		snap_report_program_find(&report_program, &err) < 0)
		return complain(&err);
	if (find_target(&target, &err) < 0)
		return complain(&err);

	int worst = EXIT_COMPLETE;
	for (unsigned long i = 0; i < options.count; i++) {
		int status = EXIT_COMPLETE;
		wait_until(&target, start_ms + i * options.every_ms);
		bool is_found = i == 0 && options.after_ms == 0;
		enum taken result = wait_for_end(&target, 0)
					    ? ENDED
					    : take(&target, i, is_found, &status, &err);
		if (result == ENDED)
			status = say_ended(&target, i);
		else if (result == FAILED)
			status = complain(&err);
		if (status > worst)
			worst = status;
		if (result != TAKEN)
			break;
	}
	return worst;
}

int main(int argc, char **argv)
{
	struct snap_error err = SNAP_ERROR_INIT;
	snap_prefault_program();
	snap_program_begin();
	snap_standard_fds_bind(NULL);
	(void)signal(SIGPIPE, SIG_IGN); /* a write's error tells */
	(void)signal(SIGXFSZ, SIG_IGN);
	int status = snap_debugger_options_parse(argc, argv, &options);
	if (status >= 0)
		return status;
	if (snap_config_read(options.config_file, &config, &err) < 0) {
		fprintf(stderr, PROGRAM ": %s\n", err.text);
		return EXIT_USAGE;
	}
	return run();
}
