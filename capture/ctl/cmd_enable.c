/*
 * snapcrashctl enable, disable: whether the kernel hands crashes to us.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/access.h"
#include "capture/ctl/checks.h"
#include "capture/ctl/client_program.h"
#include "capture/ctl/ctl.h"
#include "capture/ctl/settings.h"
#include "capture/saved.h"
#include "capture/spool.h"

/* What both verbs look at first. */
struct state {
	int lock_fd;
	int dir_fd; /* where the save is, or -1 */
	struct snap_settings now;
	bool ours; /* the pattern */
	bool has_saved;
	struct snap_saved saved;
};

static void state_deinit(struct state *state)
{
	if (state->dir_fd >= 0)
		(void)close(state->dir_fd); /* nothing is written through it */
	if (state->lock_fd >= 0)
		(void)close(state->lock_fd);
}

/* Ends with the scope. */
#define STATE_INIT                                                                                 \
	{                                                                                          \
		.lock_fd = -1, .dir_fd = -1                                                        \
	}

/* mkdir -p of the directory that the path is in. */
static int make_directory_of(const char *path, struct snap_error *err)
{
	char dir[SNAP_CONFIG_SOCKET_MAX];
	(void)snprintf(dir, sizeof(dir), "%s", path); /* same size */
	for (char *p = dir + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(dir, 0755) < 0 && errno != EEXIST)
			return snap_error_errno(err, errno, "cannot create '%s'", dir);
		*p = '/';
	}
	return 0;
}

static int state_read(
	const struct snap_ctl *ctl, bool create, struct state *state, struct snap_error *err)
{
	const struct snap_config *config = &ctl->config;
	state->lock_fd = snap_settings_lock(err);
	if (state->lock_fd < 0 || snap_settings_read(&state->now, err) < 0)
		return -1;
	if (create && make_directory_of(config->socket, err) < 0)
		return -1;
	int r = snap_saved_open_dir(config->socket);
	if (r >= 0) {
		state->dir_fd = r;
		r = snap_saved_read(state->dir_fd, &state->saved);
	}
	state->has_saved = r == 0;
	if (r < 0 && r != -ENOENT)
		return snap_error_errno(err, -r,
			"cannot use the save in the directory of the socket '%s'%s", config->socket,
			r == -EPERM	? ", which is not root's alone"
			: r == -EBADMSG ? ", which is none"
					: "");
	state->ours = snap_client_pattern_is_ours(
			      state->now.pattern, ctl->config_file, config->coredump_socket) ||
		      (state->has_saved && strcmp(state->now.pattern, state->saved.ours) == 0);
	return 0;
}

/* ---------------------------------------------------------------- enable */

/* The client's file, found and looked at, and the pattern for it. */
static int make_client_pattern(
	const struct snap_ctl *ctl, char ret[static SNAP_CORE_PATTERN_SIZE], struct snap_error *err)
{
	struct snap_client_program client;
	if (snap_client_program_find(ctl->config.client, &client, err) < 0 ||
		snap_client_program_check(client.path, err) < 0)
		return -1;
	if (snap_client_program_check_owner(client.path, err) < 0) {
		if (!client.in_build_tree)
			return -1;
		snap_ctl_complain("warning: whoever can change the client is root: %s", err->text);
	}
	bool is_default =
		!ctl->config_file || strcmp(ctl->config_file, SNAP_CONFIG_DEFAULT_FILE) == 0;
	return snap_client_pattern(
		client.path, ctl->arguments.chain, is_default ? NULL : ctl->config_file, ret, err);
}

/* Whether the directory of the path is reached through a symbolic link. */
static bool has_link_above(const char *path)
{
	char dir[SNAP_CONFIG_SOCKET_MAX], resolved[PATH_MAX];
	(void)snprintf(dir, sizeof(dir), "%s", path); /* same size */
	char *slash = strrchr(dir, '/');
	if (!slash || slash == dir)
		return false;
	*slash = '\0';
	return realpath(dir, resolved) && strcmp(dir, resolved) != 0;
}

static int make_socket_pattern(
	const struct snap_ctl *ctl, char ret[static SNAP_CORE_PATTERN_SIZE], struct snap_error *err)
{
	const char *socket = ctl->config.coredump_socket;
	if (*socket == '\0')
		return snap_error_set(err, SNAP_ERROR_USAGE,
			"--socket needs a coredump_socket in the configuration");
	if (!snap_kernel_is(6, 17))
		return snap_error_set(err, SNAP_ERROR_UNSUPPORTED,
			"this kernel has no such sockets: that takes Linux 6.17 or newer");
	if (strpbrk(socket, " \t%") || strstr(socket, "..") || has_link_above(socket))
		return snap_error_set(err, SNAP_ERROR_UNSUPPORTED,
			"the kernel takes no coredump_socket with blanks, '%%', '..' or symbolic "
			"links in its path");
	(void)snprintf(ret, SNAP_CORE_PATTERN_SIZE, "@@%s", socket); /* sun_path is shorter */
	return 0;
}

/* The former handler, which --chain is about; NULL and an error if there is none of that kind. */
static const char *find_former(const struct state *state, struct snap_error *err)
{
	const char *former = state->ours ? state->saved.pattern : state->now.pattern;
	struct snap_ctl_shown shown;
	if (state->ours && !state->has_saved)
		(void)snap_error_set(err, SNAP_ERROR_UNSUPPORTED,
			"--chain: crashes go to us already, and what was there before is not "
			"known");
	else if (snap_core_pattern_kind(former) != SNAP_CORE_PATTERN_PIPE)
		(void)snap_error_set(err, SNAP_ERROR_UNSUPPORTED,
			"--chain: '%s' is no program that a core could be handed on to",
			snap_ctl_show_str(former, &shown));
	else
		return former;
	return NULL;
}

/* Both directories of the spool, with the rights that the configuration gives to others. */
static int make_spool(const struct snap_config *config, struct snap_error *err)
{
	struct snap_access access = SNAP_ACCESS_INIT;
	struct snap_ctl_shown shown;
	int dir_fd, incoming_fd;
	if (config->group[0] != '\0') {
		int r = snap_access_group(config->group, NULL, &access.group);
		if (r < 0)
			return snap_error_set(err, SNAP_ERROR_USAGE, "there is no group '%s'",
				snap_ctl_show_str(config->group, &shown));
		access.has_group = true;
	}
	access.owner_access = config->owner_access;
	int r = snap_spool_open(config->spool, true, &dir_fd, &incoming_fd);
	if (r < 0)
		return snap_error_set(err, SNAP_ERROR_SYSTEM, "cannot use the spool '%s': %s",
			snap_ctl_show_str(config->spool, &shown), snap_spool_strerror(r));
	r = snap_access_set_directory(dir_fd, &access);
	(void)close(incoming_fd); /* nothing was written through them */
	(void)close(dir_fd);
	if (r < 0)
		return snap_error_errno(err, -r, "cannot set the rights of the spool '%s'",
			snap_ctl_show_str(config->spool, &shown));
	return 0;
}

/* Both settings, or none. The limit comes first: with 0 the kernel would not wait for a client. */
static int write_both(
	const struct snap_settings *was, const struct snap_settings *to, struct snap_error *err)
{
	struct snap_error ignored;
	if (snap_settings_write_pipe_limit(to->pipe_limit, err) < 0) {
		(void)snap_settings_write_pipe_limit(was->pipe_limit, &ignored); /* as it was */
		return -1;
	}
	if (snap_settings_write_pattern(to->pattern, err) == 0)
		return 0;
	(void)snap_settings_write_pattern(was->pattern, &ignored); /* it may have been cut */
	if (snap_settings_write_pipe_limit(was->pipe_limit, &ignored) < 0)
		snap_ctl_complain("core_pipe_limit stays at %llu: %s",
			(unsigned long long)to->pipe_limit, ignored.text);
	return -1;
}

static int save_former(struct state *state, const struct snap_settings *to, struct snap_error *err)
{
	struct snap_saved saved = state->saved;
	if (!state->ours) {
		memcpy(saved.pattern, state->now.pattern, sizeof(saved.pattern));
		saved.pipe_limit = state->now.pipe_limit;
	} else if (!state->has_saved) {
		return 0; /* there is nothing that would be worth it */
	}
	memcpy(saved.ours, to->pattern, sizeof(saved.ours));
	int r = snap_saved_write(state->dir_fd, &saved);
	return r < 0 ? snap_error_errno(err, -r, "cannot save what is set now") : 0;
}

static void undo_save(const struct state *state)
{
	int r = state->has_saved ? snap_saved_write(state->dir_fd, &state->saved)
				 : snap_saved_remove(state->dir_fd);
	if (r < 0)
		snap_ctl_complain("a save stays that means nothing: %s", strerror(-r));
}

static void say_enabled(
	const struct state *state, const struct snap_settings *to, const char *former)
{
	struct snap_ctl_shown shown;
	if (snap_core_pattern_kind(to->pattern) == SNAP_CORE_PATTERN_SOCKET)
		printf("crashes go to the server at '%s', which has to run\n",
			snap_ctl_show_str(to->pattern + 2, &shown));
	else
		printf("crashes go to '%s'\n",
			snap_ctl_show(snap_core_pattern_program(to->pattern), &shown));
	if (former)
		printf("and then on to '%s'\n",
			snap_ctl_show(snap_core_pattern_program(former), &shown));
	if (!state->ours)
		printf("core_pattern was '%s', core_pipe_limit %llu: 'disable' sets that again\n",
			snap_ctl_show_str(state->now.pattern, &shown),
			(unsigned long long)state->now.pipe_limit);
}

static int enable_locked(struct snap_ctl *ctl, struct state *state, struct snap_error *err)
{
	const struct snap_config *config = &ctl->config;
	struct snap_settings to = {.pipe_limit = config->core_pipe_limit};
	const char *former = NULL;
	bool socket = ctl->arguments.socket;
	if ((socket ? make_socket_pattern : make_client_pattern)(ctl, to.pattern, err) < 0 ||
		state_read(ctl, true, state, err) < 0)
		return -1;
	if (ctl->arguments.chain && !(former = find_former(state, err)))
		return -1;
	if (make_spool(config, err) < 0)
		return -1;
	if (save_former(state, &to, err) < 0)
		return -1;
	if (write_both(&state->now, &to, err) < 0) {
		undo_save(state);
		return -1;
	}
	say_enabled(state, &to, former);
	return 0;
}

static int run_enable(struct snap_ctl *ctl)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct state state = STATE_INIT;
	if (ctl->arguments.chain && ctl->arguments.socket) {
		snap_ctl_complain(
			"--chain and --socket exclude each other: from a socket nothing is "
			"handed on");
		return EXIT_USAGE;
	}
	int r = enable_locked(ctl, &state, &err);
	state_deinit(&state);
	if (r < 0)
		return snap_ctl_fail(&err);
	if (ctl->arguments.socket && !snap_socket_is_listening(ctl->config.coredump_socket)) {
		snap_ctl_complain("no server listens there: crashes are lost until one does");
		return EXIT_PARTIAL;
	}
	return EXIT_COMPLETE;
}

const struct snap_ctl_verb snap_ctl_enable = {
	.name = "enable",
	.arguments = "[--chain | --socket]",
	.summary = "let the kernel hand crashes to snapcrash",
	.text = "Set core_pattern and core_pipe_limit so that the kernel starts snapcrash-client "
		"for\n"
		"each crash. What was set before is saved for 'disable'. Nothing is changed "
		"unless\n"
		"everything can be.\n"
		"\n"
		"This lasts until the next boot: docs/capture.rst tells how to make it "
		"permanent.\n",
	.takes = SNAP_CTL_TAKES_CHAIN | SNAP_CTL_TAKES_SOCKET,
	.run = run_enable,
};

/* ---------------------------------------------------------------- disable */

/* What the kernel itself begins with. */
static const struct snap_settings kernel_default = {.pattern = "core", .pipe_limit = 0};

/* Nothing of ours stands there. */
static int disable_foreign(const struct state *state)
{
	struct snap_ctl_shown shown;
	if (!state->has_saved) {
		printf("crashes do not go to snapcrash: core_pattern is '%s'\n",
			snap_ctl_show_str(state->now.pattern, &shown));
		return EXIT_COMPLETE;
	}
	snap_ctl_complain("somebody else has set core_pattern to '%s', which stays",
		snap_ctl_show_str(state->now.pattern, &shown));
	snap_ctl_complain("what was there before us, '%s' and core_pipe_limit %llu, is forgotten",
		snap_ctl_show_str(state->saved.pattern, &shown),
		(unsigned long long)state->saved.pipe_limit);
	int r = snap_saved_remove(state->dir_fd);
	if (r < 0)
		snap_ctl_complain("cannot remove the save: %s", strerror(-r));
	return EXIT_PARTIAL;
}

static int disable_ours(const struct state *state, struct snap_error *err)
{
	struct snap_ctl_shown shown;
	struct snap_settings to = kernel_default;
	int status = EXIT_COMPLETE;
	if (state->has_saved) {
		memcpy(to.pattern, state->saved.pattern, sizeof(to.pattern));
		to.pipe_limit = state->saved.pipe_limit;
	} else {
		snap_ctl_complain(
			"what was set before us was not saved: the kernel's own default is "
			"set");
		status = EXIT_PARTIAL;
	}
	/* As long as the pattern is ours, so is the limit. */
	if (snap_settings_write_pattern(to.pattern, err) < 0)
		return snap_ctl_fail(err);
	if (snap_settings_write_pipe_limit(to.pipe_limit, err) < 0) {
		snap_ctl_complain("%s", err->text);
		status = EXIT_PARTIAL;
	}
	int r = state->has_saved ? snap_saved_remove(state->dir_fd) : 0;
	if (r < 0) {
		snap_ctl_complain("cannot remove the save: %s", strerror(-r));
		status = EXIT_PARTIAL;
	}
	printf("crashes no longer go to snapcrash: core_pattern is '%s'\n",
		snap_ctl_show_str(to.pattern, &shown));
	return status;
}

static int run_disable(struct snap_ctl *ctl)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct state state = STATE_INIT;
	if (ctl->config_error.text[0] != '\0')
		snap_ctl_complain("%s", ctl->config_error.text);
	int status = state_read(ctl, false, &state, &err) < 0 ? snap_ctl_fail(&err)
		     : state.ours			      ? disable_ours(&state, &err)
							      : disable_foreign(&state);
	state_deinit(&state);
	return status;
}

const struct snap_ctl_verb snap_ctl_disable = {
	.name = "disable",
	.arguments = "",
	.summary = "set again what was set before 'enable'",
	.text = "Set core_pattern and core_pipe_limit to what 'enable' found there. If meanwhile\n"
		"somebody else has set core_pattern, it stays as it is.\n",
	.takes = SNAP_CTL_TAKES_ANY_CONFIG,
	.run = run_disable,
};
