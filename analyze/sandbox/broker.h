/*
 * Opens for workers what they may have (policy.h) and passes descriptors. It parses nothing of what
 * it opens; what it is asked is bounded and checked, and a worker that asks nonsense is ended.
 *
 * It also fetches from debuginfod, writes what was asked for by -o or --store, and gives cache
 * entries their names.
 */
#ifndef SNAP_ANALYZE_SANDBOX_BROKER_H
#define SNAP_ANALYZE_SANDBOX_BROKER_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/analysis.h"
#include "analyze/cache/cache_dir.h"
#include "analyze/output_file.h"
#include "analyze/sandbox/policy.h"
#include "analyze/sandbox/protocol.h"
#include "common/error.h"

struct snap_symbol_dir; /* find/symbol_dir.h */
struct snap_debuginfod; /* find/debuginfod.h */

struct snap_broker_config {
	const struct snap_options *options;
	bool takes_symbols; /* files of modules are looked for */
	char *const *files; /* inputs, or ELF files, as the user named them */
	size_t num_files;
	bool takes_inputs;		    /* the files are inputs */
	const char *output;		    /* -o; NULL: nothing is written */
	struct snap_symbol_dir *symbol_dir; /* --store; NULL */
};

struct snap_broker {
	struct snap_broker_config config;
	struct snap_policy policy;
	int sysroot_fd; /* -1: none */
	struct snap_debuginfod *debuginfod;
	struct snap_output_file output;
	bool has_output;
};

/* Of descriptors that a worker was given, so many can be named to be kept in --store. */
#define SNAP_NUM_RECENT 4

/* What the broker knows of one worker; begins by snap_broker_peer_init(). */
struct snap_broker_peer {
	size_t input; /* index of the file that it works on */
	bool has_temporary; /* one for each input: the core that it was compressed to */
	bool is_writing;
	struct snap_cache_writing writing;
	int recent[SNAP_NUM_RECENT]; /* the last one first; -1: none */
};

/* config's things outlive the broker. -1 and *err: --sysroot can't be opened, no memory. */
int snap_broker_init(struct snap_broker *broker, const struct snap_broker_config *config,
	struct snap_error *err);
/* An output that was not published is removed. */
void snap_broker_deinit(struct snap_broker *broker);

void snap_broker_peer_init(struct snap_broker_peer *peer);
/* It works on another input. */
void snap_broker_peer_set_input(struct snap_broker_peer *peer, size_t input);
void snap_broker_peer_deinit(struct snap_broker_peer *peer);

/* The input itself, ahead of being asked for; -1: it is opened when it is asked for. */
int snap_broker_open_input(const struct snap_broker *broker, size_t input);

/*
 * Answer a request for a file. *ret_fd: a descriptor that goes with the reply, or -1; *ret_is_own:
 * it is to be closed afterwards. False: no such request makes sense here, the worker is to be ended.
 */
bool snap_broker_serve(struct snap_broker *broker, struct snap_broker_peer *peer,
	const struct snap_request_view *request, struct snap_reply *reply, int *ret_fd,
	bool *ret_is_own);

#endif
