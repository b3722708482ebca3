#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/ctl/checks.h"
#include "capture/ctl/client_program.h"
#include "capture/ctl/settings.h"
#include "capture/saved.h"

/* The former handler of a pattern with --chain. */
static void check_chain(const struct snap_ctl *ctl, struct snap_checks *checks)
{
	struct snap_saved saved;
	struct snap_ctl_shown shown;
	struct snap_error err = SNAP_ERROR_INIT;
	int dir_fd = snap_saved_open_dir(ctl->config.socket);
	int r = dir_fd < 0 ? dir_fd : snap_saved_read(dir_fd, &saved);
	if (dir_fd >= 0)
		(void)close(dir_fd); /* nothing was written through it */
	struct snap_bytes program =
		r < 0 ? snap_bytes(NULL, 0) : snap_core_pattern_program(saved.pattern);
	if (r < 0) {
		snap_checks_add(checks, SNAP_CHECK_WARN, "chain",
			"the core is not handed on: the former handler's command line can't be "
			"read: %s",
			strerror(-r));
	} else if (program.len == 0) {
		snap_checks_add(checks, SNAP_CHECK_WARN, "chain",
			"the core is not handed on: what was saved, '%s', is no program",
			snap_ctl_show_str(saved.pattern, &shown));
	} else {
		char path[SNAP_CORE_PATTERN_SIZE];
		memcpy(path, program.data, program.len);
		path[program.len] = '\0';
		if (snap_client_program_check(path, &err) < 0)
			snap_checks_add(checks, SNAP_CHECK_WARN, "chain",
				"the core is not handed on to the former handler: %s", err.text);
		else
			snap_checks_add(checks, SNAP_CHECK_OK, "chain",
				"then the core goes on to '%s'", snap_ctl_show(program, &shown));
	}
}

static void check_client(
	const struct snap_ctl *ctl, const char *pattern, struct snap_checks *checks)
{
	struct snap_client_command command;
	struct snap_ctl_shown shown;
	struct snap_error err = SNAP_ERROR_INIT;
	if (!snap_client_command_parse(pattern, &command)) {
		snap_checks_add(checks, SNAP_CHECK_BAD, "core_pattern",
			"crashes go to '%s': 'snapcrashctl enable' is what changes that",
			snap_ctl_show_str(pattern, &shown));
		return;
	}
	if (!command.words_are_right)
		snap_checks_add(checks, SNAP_CHECK_BAD, "core_pattern",
			"the client refuses the words that core_pattern gives it, '%s': they must "
			"end with '%s'",
			snap_ctl_show_str(pattern, &shown), SNAP_CLIENT_WORDS);
	else
		snap_checks_add(checks, SNAP_CHECK_OK, "core_pattern",
			"the kernel starts '%s' for each crash",
			snap_ctl_show_str(command.program, &shown));
	if (!snap_client_pattern_is_ours(pattern, ctl->config_file, ctl->config.coredump_socket)) {
		const char *file = command.config_file[0] != '\0' ? command.config_file
								  : SNAP_CONFIG_DEFAULT_FILE;
		snap_checks_add(checks, SNAP_CHECK_WARN, "configuration",
			"the client uses another configuration than this one: '%s'",
			snap_ctl_show_str(file, &shown));
	} else if (command.config_file[0] != '\0' && access(command.config_file, R_OK) < 0) {
		snap_checks_add(checks, SNAP_CHECK_WARN, "configuration",
			"the client can't read its configuration '%s' and so uses the defaults: %s",
			snap_ctl_show_str(command.config_file, &shown), strerror(errno));
	}

	if (snap_client_program_check(command.program, &err) < 0)
		snap_checks_add(checks, SNAP_CHECK_BAD, "client", "%s", err.text);
	else if (snap_client_program_check_owner(command.program, &err) < 0)
		snap_checks_add(checks, SNAP_CHECK_WARN, "client",
			"whoever can change the client is root: %s", err.text);
	else
		snap_checks_add(checks, SNAP_CHECK_OK, "client",
			"it is executable, and only root can change it");
	if (checks->settings.pipe_limit == 0)
		snap_checks_add(checks, SNAP_CHECK_BAD, "core_pipe_limit",
			"core_pipe_limit is 0: the kernel does not wait for the client, and the "
			"process is gone before it is read");
	else
		snap_checks_add(checks, SNAP_CHECK_OK, "core_pipe_limit",
			"it waits for up to %llu clients at a time",
			(unsigned long long)checks->settings.pipe_limit);
	if (command.chain)
		check_chain(ctl, checks);
}

static void check_socket(
	const struct snap_ctl *ctl, const char *pattern, struct snap_checks *checks)
{
	struct snap_ctl_shown shown;
	if (!snap_client_pattern_is_ours(pattern, ctl->config_file, ctl->config.coredump_socket)) {
		snap_checks_add(checks, SNAP_CHECK_BAD, "core_pattern",
			"crashes go to the socket '%s', which is not the coredump_socket of this "
			"configuration",
			snap_ctl_show_str(pattern, &shown));
		return;
	}
	checks->by_socket = true;
	snap_checks_add(checks, SNAP_CHECK_OK, "core_pattern",
		"the kernel connects to '%s' for each crash",
		snap_ctl_show_str(ctl->config.coredump_socket, &shown));
}

/* RLIMIT_CORE 1 is what the kernel takes for a handler that crashed itself. */
static void check_core_limit(struct snap_checks *checks)
{
	const struct {
		pid_t pid;
		const char *whose;
	} processes[] = {
		{getppid(), "what is started from here"},
		{1, "what init starts"},
	};
	for (size_t i = 0; i < sizeof(processes) / sizeof(processes[0]); i++) {
		struct rlimit limit;
		if (prlimit(processes[i].pid, RLIMIT_CORE, NULL, &limit) == 0 &&
			limit.rlim_cur == 1)
			snap_checks_add(checks, SNAP_CHECK_WARN, "rlimit",
				"the kernel skips crashes of processes whose RLIMIT_CORE is 1, as "
				"is that of %s",
				processes[i].whose);
	}
}

static void check_suid_dumpable(struct snap_checks *checks)
{
	char c = '\0';
	FILE *f = fopen("/proc/sys/fs/suid_dumpable", "re");
	if (f) {
		if (fread(&c, 1, 1, f) == 1 && c == '0')
			snap_checks_add(checks, SNAP_CHECK_NOTE, "suid_dumpable",
				"crashes of set-user-ID programs and the like are not handed "
				"over: fs.suid_dumpable is 0");
		(void)fclose(f); /* nothing was written */
	}
}

void snap_check_kernel(const struct snap_ctl *ctl, struct snap_checks *checks)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_ctl_shown shown;
	if (snap_settings_read(&checks->settings, &err) < 0) {
		snap_checks_add(checks, SNAP_CHECK_BAD, "core_pattern", "%s", err.text);
		return;
	}
	checks->has_settings = true;
	const char *pattern = checks->settings.pattern;
	switch (snap_core_pattern_kind(pattern)) {
	case SNAP_CORE_PATTERN_FILE:
		snap_checks_add(checks, SNAP_CHECK_BAD, "core_pattern",
			"core_pattern is '%s', a file's name: 'snapcrashctl enable' is what "
			"changes that",
			snap_ctl_show_str(pattern, &shown));
		break;
	case SNAP_CORE_PATTERN_PIPE:
		check_client(ctl, pattern, checks);
		break;
	case SNAP_CORE_PATTERN_SOCKET:
		check_socket(ctl, pattern, checks);
		break;
	}
	check_core_limit(checks);
	check_suid_dumpable(checks);
	if (!checks->by_socket && !snap_kernel_is(6, 16))
		snap_checks_add(checks, SNAP_CHECK_NOTE, "pidfd",
			"this kernel has no %%F: that nobody else got the process's number is "
			"checked in another way");
}
