/*
 * The whole analysis of one input: load, resolve, unwind, symbolise, explain, sign.
 */
#ifndef SNAP_ANALYZE_ANALYSIS_H
#define SNAP_ANALYZE_ANALYSIS_H

#include "analyze/crash.h"
#include "analyze/input/text.h"
#include "analyze/path_map.h"
#include "analyze/progress.h"
#include "common/error.h"

struct snap_overlays; /* fields/overlay.h */
struct snap_cache; /* cache/cache_dir.h */
struct snap_fetch; /* find/debuginfod.h */
struct snap_rules; /* signature/rules.h */
struct snap_tokens; /* tokens/database.h */

/* Which variables are read. */
enum snap_variables_wanted {
	SNAP_VARIABLES_DEFAULT, /* what the verb wants */
	SNAP_VARIABLES_NONE,
	SNAP_VARIABLES_ARGS,	/* arguments of all frames */
	SNAP_VARIABLES_CRASHED, /* also the local variables of the crashing thread */
	SNAP_VARIABLES_ALL,	/* of all threads */
};

/* --elf: a microcontroller's firmware. */
struct snap_elf_option {
	struct snap_bytes device; /* whose; absent: of the file that is analysed */
	const char *path;
	unsigned char *mark; /* in elf_marks; set where a snapshot is such a device's; NULL: none */
};

/* Where symbols may be looked for, and how much is wanted: the common options. */
struct snap_options {
	const char **symbol_dirs; /* --symbols */
	size_t num_symbol_dirs;
	const char **debug_dirs; /* --debug-dir; none: /usr/lib/debug */
	size_t num_debug_dirs;
	const char **source_dirs; /* --source */
	size_t num_source_dirs;
	bool fetch_source;	       /* --fetch-source, where debuginfod is on */
	const char *sysroot;	       /* --sysroot; NULL: none */
	const struct snap_elf_option *elfs; /* --elf; owned by whoever parsed them */
	size_t num_elfs;
	unsigned char *elf_marks; /* shared with workers; the first: something was analysed; NULL: no elfs */
	bool no_local;		       /* --no-local */
	struct snap_path_map path_map; /* --path-map */
	bool trust_path;	       /* --trust-path */
	bool debuginfod;	       /* --debuginfod, or DEBUGINFOD_URLS is set */
	/* Told of whatever is fetched (find/debuginfod.h); NULL: nobody is. */
	void (*on_fetch)(const struct snap_fetch *fetch, void *data);
	void *on_fetch_data;
	const char *cache_dir;	  /* --cache; NULL: the default */
	bool no_cache;		  /* --no-cache */
	struct snap_cache *cache; /* what these two mean: opened on first use; NULL: none */
	size_t num_jobs;	  /* --jobs; > 0 */
	struct snap_progress progress;
	size_t max_frames;	  /* --max-frames; per thread, > 0 */
	bool only_crashed_thread; /* --threads=crashed */
	enum snap_variables_wanted variables; /* --variables */
	bool vicinity;		  /* what registers point to is wanted */
	const struct snap_rules *rules; /* for signatures; NULL: nobody asks for one */
	struct snap_overlays *overlays; /* of fields that we do not know; NULL: nobody asks */
	const struct snap_tokens *tokens; /* --tokens; NULL: none */
	enum snap_text_format from; /* --from: inputs are text of that format */
	bool no_instruction;	  /* nobody asks for the faulting one: it is not disassembled */
};

#define SNAP_DEFAULT_MAX_FRAMES 4096

struct snap_store; /* symbols/store.h: all symbol objects of this process */

/*
 * Load file ("-": standard input) and run the first stages only: what is in the file.
 * On success the caller ends the crash with snap_crash_deinit(); on failure there is nothing to
 * end.
 */
int snap_analysis_load(const char *file, struct snap_crash *ret, struct snap_error *err);

/* Load and then all the stages, filling the whole model. store outlives ret. */
int snap_analysis_run(const char *file, struct snap_store *store,
	const struct snap_options *options, struct snap_crash *ret, struct snap_error *err);

/*
 * The next backtrace of a text, with those stages that it can go through. Returns as snap_text_next()
 * does.
 */
int snap_analysis_text(struct snap_text *text, const struct snap_options *options,
	struct snap_crash *ret, struct snap_error *err);

#endif
