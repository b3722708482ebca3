/*
 * What the verbs of snapanalyze share: their description, options, exit status and messages.
 */
#ifndef SNAP_ANALYZE_COMMAND_H
#define SNAP_ANALYZE_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "analyze/analysis.h"
#include "analyze/crash.h"
#include "analyze/dedup/filter.h"
#include "analyze/dedup/joins.h"
#include "analyze/sandbox/limits.h"
#include "analyze/sandbox/worker.h"
#include "common/error.h"

/* Exit statuses. Of several inputs the worst counts: 0 to 3 in this order; SNAP_EXIT_OUTPUT wins.
 */
enum snap_exit {
	SNAP_EXIT_DONE = 0,
	SNAP_EXIT_PARTIAL = 1, /* shown, but not all there is: see snap_crash_is_partial() */
	SNAP_EXIT_FAILED = 2,  /* an input could not be analysed */
	SNAP_EXIT_ASKED = 3,   /* what was asked for is so: dedup --fail-on-new */
	SNAP_EXIT_USAGE = 64,
	SNAP_EXIT_OUTPUT = 74,
};

/* Which options a verb takes beside --help and --version. */
enum snap_option_set {
	SNAP_TAKES_SYMBOLS = 1, /* where files are looked for, and fetched from */
	SNAP_TAKES_FRAMES = 2,	/* --max-frames, --threads */
	SNAP_TAKES_COLOR = 4,
	SNAP_TAKES_PRETTY = 8,
	SNAP_TAKES_MISSING = 16,
	SNAP_TAKES_MEMORY = 32,	    /* --memory, --full */
	SNAP_TAKES_OUTPUT = 64,	    /* -o, --output, without which it is wrong usage; one input */
	SNAP_TAKES_SELECTION = 128, /* --full-stacks, --memory=stacks|indirect */
	SNAP_TAKES_LOOK_UP = 256,   /* --addr2line */
	SNAP_TAKES_FIRMWARE = 1 << 9, /* --elf: inputs may be microcontrollers' */
	SNAP_TAKES_JOBS = 1 << 16,  /* --jobs */
	SNAP_TAKES_NO_FILES = 1 << 17,
	SNAP_TAKES_CACHE = 1 << 18, /* --cache alone */
	SNAP_TAKES_LINES = 1 << 19, /* --json, an object on each line */
	SNAP_TAKES_SIZE = 1 << 20,  /* --max-size, --all */
	SNAP_TAKES_STORE = 1 << 21, /* --store, without which it is wrong usage; FILEs are ELF */
	SNAP_TAKES_ADD = 1 << 22,   /* --link, --force */
	SNAP_TAKES_ELF = 1 << 23,   /* FILEs are executables, libraries, debug files, build IDs */
	SNAP_TAKES_BATCH = 1 << 24, /* --unordered, --jobs */
	SNAP_TAKES_SANDBOX = 1 << 25, /* --no-sandbox, --worker-... */
	SNAP_TAKES_VARIABLES = 1 << 26, /* --variables */
	SNAP_TAKES_REPORT = 1 << 27, /* --brief, --sections, --source, --width */
	SNAP_TAKES_RULES = 1 << 28,  /* --rules: inputs are signed */
	SNAP_TAKES_EXPLAIN = 1 << 29, /* --explain */
	SNAP_TAKES_PROTO = 1 << 12, /* --proto, --proto-path: fields that we do not know are shown */
	SNAP_TAKES_INDEX = 1 << 13, /* --index */
	SNAP_TAKES_GROUPS = 1 << 14, /* what is grouped, how, and what becomes of it */
	SNAP_TAKES_WATCH = 1 << 15, /* --watch; without --index it is wrong usage */
	SNAP_TAKES_FROM = 1 << 30,    /* --from: inputs may be text */
};

enum snap_color {
	SNAP_COLOR_AUTO,
	SNAP_COLOR_ALWAYS,
	SNAP_COLOR_NEVER,
};

/* The options of dedup and ingest. */
struct snap_grouping {
	const char *index; /* NULL: none */
	bool watch, json, unique, has_keep, delete, fail_on_new, similar, scores;
	uint64_t keep;
	const char *known, *pins_file;
	struct snap_filter filter;
	struct snap_pins pins; /* of the command line; those of the file are added */
};

struct snap_arguments {
	struct snap_options options; /* its arrays are owned */
	struct snap_elf_option *elfs; /* options.elfs */
	struct snap_rules *rules;    /* what options.rules points to */
	struct snap_tokens *tokens;  /* what options.tokens points to */
	enum snap_color color;
	bool pretty, missing, full, brief;
	bool has_width;
	size_t width;	       /* columns; 0: any */
	unsigned int sections; /* bits (report/sections.h); all by default */
	bool addr2line;
	bool has_memory;
	uint64_t memory_addr, memory_len;
	const char *output; /* "-": standard output */
	bool full_stacks, indirect;
	bool explain;
	const char *rules_file;
	const char **protos, **proto_dirs;
	size_t num_protos, num_proto_dirs;
	struct snap_overlays *overlays; /* what options.overlays points to */
	bool json_lines;
	bool has_max_size;
	uint64_t max_size; /* bytes */
	const char *store;
	bool link, force;
	bool no_sandbox, unordered, has_jobs; /* --jobs was given */
	struct snap_limits limits;
	struct snap_grouping grouping;
	char **files;
	int num_files; /* > 0, but with SNAP_TAKES_NO_FILES */
};

struct snap_verb {
	const char *name;      /* in full: "cache list" */
	const char *arguments; /* behind the options in the usage line */
	const char *summary;   /* one line */
	const char *text;      /* some lines, each with its newline */
	const char *examples;  /* likewise, indented */
	unsigned int takes;    /* enum snap_option_set */
	enum snap_variables_wanted variables; /* what --variables is by default */
	/* Returns an enum snap_exit; output errors are found by main. */
	enum snap_exit (*run)(const struct snap_arguments *arguments);
	/* NULL, or it has verbs of its own, NULL after the last, and no run, options or examples.
	 */
	const struct snap_verb *const *verbs;
};

extern const struct snap_verb snap_verb_report, snap_verb_json, snap_verb_signature,
	snap_verb_check, snap_verb_modules, snap_verb_dump, snap_verb_export, snap_verb_import,
	snap_verb_symbolize, snap_verb_cache, snap_verb_symbols, snap_verb_dedup,
	snap_verb_ingest;

/* ---------------------------------------------------------------- for verbs */

/* "snapanalyze: text" on stderr, after what stands in stdout's buffer. */
void snap_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A listener of snap_options: says on stderr what is fetched, and how far it is on a terminal. */
void snap_show_fetch(const struct snap_fetch *fetch, void *data);

/* That an input can't be analysed. err may be all words and no file. */
void snap_complain_of_input(const struct snap_arguments *arguments, const char *file,
	const struct snap_error *err);

/*
 * The status of an input whose output was made: another, and complained of, if it could not be read to
 * its end while that was done. is_quiet: not complained of.
 */
enum snap_exit snap_check_input(struct snap_crash *crash, enum snap_exit status, bool is_quiet);

/* What a verb does with one analysed input. */
typedef enum snap_exit snap_input_fn(
	struct snap_crash *crash, const struct snap_arguments *arguments, void *data);

enum snap_input_how {
	SNAP_INPUT_FULL = 1,	 /* analysed wholly, not only loaded */
	SNAP_INPUT_SEPARATE = 2, /* of several, each has a head that names it */
	SNAP_INPUT_STREAM = 4,	 /* printed as it comes, however much it is; one after the other */
};

/*
 * Analyse each input wholly or only load it, and hand it to fn, each backtrace of a text (--from) as a
 * crash of its own: in workers of the sandbox, so that
 * nothing that fn leaves in data is seen by the caller. Inputs that can't be analysed are complained
 * of. Returns the worst status. Stops when stdout has failed. how: enum snap_input_how.
 */
enum snap_exit snap_for_each_input(const struct snap_arguments *arguments, unsigned int how,
	snap_input_fn *fn, void *data);

/* Who takes what was found out of inputs, instead of its being printed. */
struct snap_collector {
	/* What was added of the file with this index, in the order of the inputs; not of files that can't
	 * be analysed. Not to be trusted: it comes from where hostile files are read. */
	void (*take)(size_t index, struct snap_bytes bytes, void *data);
	void *data;
	bool is_quiet;	/* nothing is said of what is wrong with files */
	size_t current; /* index of the file that is worked on, without a sandbox */
};

/* Like snap_for_each_input(); fn's data is the collector, to which it adds. */
enum snap_exit snap_collect_inputs(const struct snap_arguments *arguments, unsigned int how,
	snap_input_fn *fn, struct snap_collector *collector);

/* For such a function: hand bytes to the collector. */
void snap_collector_add(struct snap_collector *collector, struct snap_bytes bytes);

struct snap_symbol_dir; /* find/symbol_dir.h */

struct snap_work {
	struct snap_job job;
	char *const *files; /* of which the job's inputs have the indices */
	bool takes_symbols;
	bool takes_inputs;  /* the files are inputs of the analysis, not ELF files */
	bool is_separate, is_streaming, is_interactive;
	bool keeps_stdin, may_fork;
	size_t num_workers;
	bool unpacks;			    /* debug sections that are compressed */
	struct snap_symbol_dir *symbol_dir; /* of --store */
	struct snap_collector *collector; /* NULL: what workers print is printed */
};

/* Do the job in workers, or, with --no-sandbox, here. Returns the worst status. */
enum snap_exit snap_do_work(
	const struct snap_arguments *arguments, const struct snap_work *work);

/*
 * What the head of one of several inputs begins with, so many having been printed before: who prints
 * what workers say separates them himself.
 */
const char *snap_head_begin(size_t num_before);

/* The one rule for exit status 1 of whatever was analysed wholly. */
bool snap_crash_is_partial(const struct snap_crash *crash);
/* The part of it that concerns the file alone. */
bool snap_integrity_is_partial(enum snap_integrity integrity);

/* A snap_progress_fn: a line on stderr, if that is a terminal. data: not used. */
void snap_show_progress(enum snap_progress_event event, const char *text, void *data);

bool snap_use_color(const struct snap_arguments *arguments);

/* To which lines of standard output are to be folded; 0: to none, they may have any length. */
size_t snap_output_columns(const struct snap_arguments *arguments);

/* ---------------------------------------------------------------- for main */

/*
 * Parse argv[1 ..], argv[0] being the verb. Returns true and fills *ret, to be ended by
 * snap_arguments_deinit(); false if the program is to exit with *ret_status: --help, --version
 * (both answered on stdout) and usage errors (complained of).
 */
bool snap_arguments_parse(const struct snap_verb *verb, int argc, char **argv,
	struct snap_arguments *ret, enum snap_exit *ret_status);
void snap_arguments_deinit(struct snap_arguments *arguments);

/* Once the verb has run: complain of each --elf that is for no input's device (options_elf.c). */
void snap_elf_options_tell_unused(const struct snap_arguments *arguments);

/* The verb's own of this name; NULL: none. */
const struct snap_verb *snap_verb_find(const struct snap_verb *verb, const char *name);

/* The options that verbs with these sets take, a line or two each. */
void snap_print_options(unsigned int takes);
void snap_print_verb_help(const struct snap_verb *verb);
void snap_print_version(void);

#endif
