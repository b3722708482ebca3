/*
 * The program that the kernel is to start for each crash, and the command line to start it with.
 *
 * The kernel runs it as root, for crashes that anybody can cause: whoever can change the file or a
 * directory above it is root.
 */
#ifndef SNAP_CAPTURE_CTL_CLIENT_PROGRAM_H
#define SNAP_CAPTURE_CTL_CLIENT_PROGRAM_H

#include <limits.h>
#include <stdbool.h>

#include "capture/core_pattern.h"
#include "common/error.h"

/* The file's name where it is installed, and built. */
#define SNAP_CLIENT_NAME "snapcrash-client"

/* The specifiers behind its options. */
#define SNAP_CLIENT_WORDS "%P %I %s %t %d %u %g %c %F %e"

struct snap_client_program {
	char path[PATH_MAX];
	/* It lies beside snapcrashctl itself, as in a build directory and nowhere else. */
	bool in_build_tree;
};

/*
 * The client that belongs to this snapcrashctl: configured (the configuration's path; "": none),
 * else the one beside it, else the one that was installed with it. Returns 0 or -1.
 */
int snap_client_program_find(
	const char *configured, struct snap_client_program *ret, struct snap_error *err);

/*
 * Whether the kernel can run the file at an absolute path. Returns 0, or -1 with the reason.
 */
int snap_client_program_check(const char *path, struct snap_error *err);

/*
 * Whether root alone can change it: file and directories, of the path as it stands and as it is
 * resolved. Returns 0, or -1 with what is wrong. A sticky directory passes.
 */
int snap_client_program_check_owner(const char *path, struct snap_error *err);

/*
 * The core_pattern that starts it. config_file: NULL for the default one. Returns 0, or -1: a path
 * that has blanks or '%' in it, which the kernel would take apart, or a pattern too long for it.
 */
int snap_client_pattern(const char *path, bool chain, const char *config_file,
	char ret[static SNAP_CORE_PATTERN_SIZE], struct snap_error *err);

/* A core_pattern that starts a client, taken apart. */
struct snap_client_command {
	char program[SNAP_CORE_PATTERN_SIZE];
	char config_file[SNAP_CORE_PATTERN_SIZE]; /* "": none is named */
	bool chain;
	bool words_are_right; /* those behind the options are SNAP_CLIENT_WORDS */
};

/* False if it starts no snapcrash-client, not even through a symbolic link. */
bool snap_client_command_parse(const char *pattern, struct snap_client_command *ret);

/*
 * Whether a core_pattern is what `enable` makes with this configuration, perhaps with another
 * client: it starts one with the same file (NULL: the default one), or names the coredump socket
 * ("": there is none).
 */
bool snap_client_pattern_is_ours(
	const char *pattern, const char *config_file, const char *coredump_socket);

#endif
