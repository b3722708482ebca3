/*
 * The client's command line: what the kernel makes of core_pattern.
 *
 * The words are the kernel's and can be trusted, but for the last one: comm is the target's.
 */
#ifndef SNAP_CAPTURE_CLIENT_ARGS_H
#define SNAP_CAPTURE_CLIENT_ARGS_H

#include <stdbool.h>

#include "capture/crash.h"

#define SNAP_CLIENT_PROGRAM "snapcrash-client"

struct snap_client_args {
	const char *config_file;       /* NULL: the default one */
	bool chain;		       /* hand the core on to the former handler */
	struct snap_crash_facts facts; /* of comm, '/' stands as '!', as in a core's file name */
};

/*
 * Returns -1 to go on, or the status to exit with, after printing help, version, or what is wrong.
 * The strings are argv's.
 */
int snap_client_args_parse(int argc, char **argv, struct snap_client_args *ret);

#endif
