/*
 * The verbs' options: one table gives getopt_long() its own and --help its lines.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "analyze/cache/cache_dir.h"
#include "analyze/command.h"
#include "analyze/report/fold.h"
#include "analyze/report/sections.h"
#include "analyze/signature/rules.h"
#include "common/escape.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define MAX_MAX_FRAMES 1000000
#define MAX_JOBS       1024
/* A worker must at least be able to start; and no number overflows. */
#define MIN_WORKER_BYTES (UINT64_C(16) << 20)
#define MAX_WORKER_BYTES (UINT64_C(1) << 50)
#define MAX_WORKER_S	 1000000

enum option_id {
	/* Above any character, so that they are no short options. */
	OPTION_SYMBOLS = 256,
	OPTION_DEBUG_DIR,
	OPTION_SYSROOT,
	OPTION_NO_LOCAL,
	OPTION_PATH_MAP,
	OPTION_TRUST_PATH,
	OPTION_DEBUGINFOD,
	OPTION_NO_DEBUGINFOD,
	OPTION_CACHE,
	OPTION_NO_CACHE,
	OPTION_JOBS,
	OPTION_UNORDERED,
	OPTION_NO_SANDBOX,
	OPTION_WORKER_MEMORY,
	OPTION_WORKER_TIME,
	OPTION_WORKER_OUTPUT,
	OPTION_WORKER_REQUESTS,
	OPTION_WORKER_INPUTS,
	OPTION_MAX_FRAMES,
	OPTION_THREADS,
	OPTION_VARIABLES,
	OPTION_COLOR,
	OPTION_BRIEF,
	OPTION_SECTIONS,
	OPTION_SOURCE,
	OPTION_FETCH_SOURCE,
	OPTION_WIDTH,
	OPTION_EXPLAIN,
	OPTION_INDEX,
	OPTION_WATCH,
	OPTION_GROUPS_JSON,
	OPTION_UNIQUE,
	OPTION_SIMILAR,
	OPTION_SCORES,
	OPTION_SINCE,
	OPTION_UNTIL,
	OPTION_OF_VERSION,
	OPTION_OF_DEVICE,
	OPTION_OF_PROJECT,
	OPTION_OF_KIND,
	OPTION_OF_TAG,
	OPTION_KNOWN,
	OPTION_FAIL_ON_NEW,
	OPTION_MERGE,
	OPTION_SPLIT,
	OPTION_PINS,
	OPTION_KEEP,
	OPTION_DELETE,
	OPTION_RULES,
	OPTION_FROM,
	OPTION_PRETTY,
	OPTION_MISSING,
	OPTION_MEMORY,
	OPTION_FULL,
	OPTION_FULL_STACKS,
	OPTION_JSON_LINES,
	OPTION_MAX_SIZE,
	OPTION_ALL,
	OPTION_STORE,
	OPTION_LINK,
	OPTION_FORCE,
	OPTION_TAKE,
	OPTION_ADDR2LINE,
	OPTION_VERSION,
	/* Those that have a letter, too. */
	OPTION_HELP = 'h',
	OPTION_OUTPUT = 'o',
};

struct option_entry {
	enum option_id id;
	unsigned int takes; /* verbs of these sets have it; 0: all */
	const char *name;
	const char *argument; /* its placeholder; NULL: none */
	const char *help;
};

static const struct option_entry entries[] = {
	{OPTION_OUTPUT, SNAP_TAKES_OUTPUT, "output", "FILE",
		"what to write; - is standard output (-o FILE, too)"},
	{OPTION_FULL_STACKS, SNAP_TAKES_SELECTION, "full-stacks", NULL,
		"whole stacks, not only both ends of long ones"},
	{OPTION_TAKE, SNAP_TAKES_SELECTION, "memory", "WHAT",
		"stacks (the default), or indirect: also what registers\nand stacks point to"},
	{OPTION_ADDR2LINE, SNAP_TAKES_LOOK_UP, "addr2line", NULL,
		"print what addr2line -f -i -C does"},
	{OPTION_BRIEF, SNAP_TAKES_REPORT, "brief", NULL,
		"what, where and what to do next, on a screen of 80 columns\nand 24 lines"},
	{OPTION_SECTIONS, SNAP_TAKES_REPORT, "sections", "LIST",
		"only these of"},
	{OPTION_SOURCE, SNAP_TAKES_REPORT, "source", "DIR",
		"show lines of source files, looked for in this tree, below\nthe crashing thread's "
		"frames; may be repeated"},
	{OPTION_FETCH_SOURCE, SNAP_TAKES_REPORT, "fetch-source", NULL,
		"the same of what no tree of --source has, from the servers\nin DEBUGINFOD_URLS"},
	{OPTION_WIDTH, SNAP_TAKES_REPORT, "width", "COLUMNS",
		"fold lines to so many columns, 0: not at all (default the\nterminal's, and not at all "
		"elsewhere)"},
	{OPTION_EXPLAIN, SNAP_TAKES_EXPLAIN, "explain", NULL,
		"say of each frame why it is part of the signature, or not"},
	{OPTION_INDEX, SNAP_TAKES_INDEX, "index", "DB",
		"keep what is found in this database, and analyse nothing\nthat it has"},
	{OPTION_WATCH, SNAP_TAKES_WATCH, "watch", NULL,
		"go on with what arrives in the directories"},
	{OPTION_GROUPS_JSON, SNAP_TAKES_GROUPS, "json", NULL,
		"one JSON object with all files of each group"},
	{OPTION_UNIQUE, SNAP_TAKES_GROUPS, "unique", NULL,
		"only the file of one example of each group, on a line each"},
	{OPTION_SIMILAR, SNAP_TAKES_GROUPS, "similar", NULL,
		"join groups whose stacks are similar"},
	{OPTION_SCORES, SNAP_TAKES_GROUPS, "scores", NULL,
		"instead of groups: of each input, the ones before it that\nare similar, and how much"},
	{OPTION_SINCE, SNAP_TAKES_GROUPS, "since", "TIME",
		"only what was captured then or later: 2026-11-27,\n2026-11-27T10:30 (UTC), 7d, 12h"},
	{OPTION_UNTIL, SNAP_TAKES_GROUPS, "until", "TIME", "only what was captured before"},
	{OPTION_OF_VERSION, SNAP_TAKES_GROUPS, "version", "VERSION",
		"only of this software version; this one and the next four may\nbe repeated"},
	{OPTION_OF_DEVICE, SNAP_TAKES_GROUPS, "device", "NAME", "only of this device"},
	{OPTION_OF_PROJECT, SNAP_TAKES_GROUPS, "project", "NAME", "only of this project"},
	{OPTION_OF_KIND, SNAP_TAKES_GROUPS, "kind", "KIND", "only of this kind: segv, abort, ..."},
	{OPTION_OF_TAG, SNAP_TAKES_GROUPS, "tag", "KEY=VALUE", "only with this tag"},
	{OPTION_KNOWN, SNAP_TAKES_GROUPS, "known", "FILE",
		"ids that are known: a list, or what --json printed"},
	{OPTION_FAIL_ON_NEW, SNAP_TAKES_GROUPS, "fail-on-new", NULL,
		"exit with status 3 if a group is not known"},
	{OPTION_MERGE, SNAP_TAKES_GROUPS, "merge", "ID=ID",
		"show the first group as part of the second; may be repeated"},
	{OPTION_SPLIT, SNAP_TAKES_GROUPS, "split", "ID",
		"this signature is a group of its own; may be repeated"},
	{OPTION_PINS, SNAP_TAKES_GROUPS, "pins", "FILE",
		"lines 'merge ID ID' and 'split ID' that say the same"},
	{OPTION_KEEP, SNAP_TAKES_GROUPS, "keep", "N",
		"list files that may go if N of each group stay: the most\ncomplete one, and the newest"},
	{OPTION_DELETE, SNAP_TAKES_GROUPS, "delete", NULL, "with --keep: remove them"},
	{OPTION_RULES, SNAP_TAKES_RULES, "rules", "FILE",
		"rules for signatures, before the built-in ones"},
	{OPTION_FROM, SNAP_TAKES_FROM, "from", "FORMAT",
		"inputs are text with backtraces, one or more each: of gdb,\nof asan (and other "
		"sanitizers), json (reports of\nsnapanalyze json), or plain (a frame on each line)"},
	{OPTION_PRETTY, SNAP_TAKES_PRETTY, "pretty", NULL,
		"spread the JSON over indented lines, for people"},
	{OPTION_MISSING, SNAP_TAKES_MISSING, "missing", NULL,
		"only the modules of which something was not found"},
	{OPTION_MEMORY, SNAP_TAKES_MEMORY, "memory", "ADDR,LEN",
		"the captured memory from ADDR on, LEN bytes, instead of records"},
	{OPTION_FULL, SNAP_TAKES_MEMORY, "full", NULL,
		"all bytes of every record, not only the first ones"},
	{OPTION_STORE, SNAP_TAKES_STORE, "store", "DIR",
		"the directory that keeps the files, by build ID"},
	{OPTION_LINK, SNAP_TAKES_ADD, "link", NULL,
		"hard links instead of copies, where that is possible"},
	{OPTION_FORCE, SNAP_TAKES_ADD, "force", NULL,
		"replace what is there with the same build ID and other contents"},
	{OPTION_JSON_LINES, SNAP_TAKES_LINES, "json", NULL, "print a JSON object on each line"},
	{OPTION_MAX_SIZE, SNAP_TAKES_SIZE, "max-size", "BYTES[K|M|G]",
		"remove what was not used for longest until the rest\ntakes no more (default 2G)"},
	{OPTION_ALL, SNAP_TAKES_SIZE, "all", NULL, "remove everything"},
	{OPTION_SYMBOLS, SNAP_TAKES_SYMBOLS, "symbols", "DIR",
		"look for ELF and debug files, by build ID, in this tree;\nmay be repeated"},
	{OPTION_DEBUG_DIR, SNAP_TAKES_SYMBOLS, "debug-dir", "DIR",
		"a directory that has a .build-id tree, instead of\n/usr/lib/debug; may be "
		"repeated"},
	{OPTION_SYSROOT, SNAP_TAKES_SYMBOLS, "sysroot", "DIR",
		"the system that was captured is in this tree: look there,\nby path and build ID, "
		"instead of in this machine's own files"},
	{OPTION_NO_LOCAL, SNAP_TAKES_SYMBOLS, "no-local", NULL,
		"do not look at this machine's own files"},
	{OPTION_PATH_MAP, SNAP_TAKES_SYMBOLS, "path-map", "FROM=TO",
		"show source files below FROM as below TO; may be repeated,\nthe last that fits "
		"counts"},
	{OPTION_TRUST_PATH, SNAP_TAKES_SYMBOLS, "trust-path", NULL,
		"use the file at a module's path, or of its name in a tree,\nalso where no build "
		"ID "
		"says that it is the right one"},
	{OPTION_DEBUGINFOD, SNAP_TAKES_SYMBOLS, "debuginfod", NULL,
		"fetch what is missing of modules on a stack from the\nservers in DEBUGINFOD_URLS; "
		"the default if that is set"},
	{OPTION_NO_DEBUGINFOD, SNAP_TAKES_SYMBOLS, "no-debuginfod", NULL, "fetch nothing"},
	{OPTION_CACHE, SNAP_TAKES_SYMBOLS | SNAP_TAKES_CACHE, "cache", "DIR",
		"keep there what the next run can use, instead of in\n"
		"$XDG_CACHE_HOME/snapcrash or ~/.cache/snapcrash"},
	{OPTION_NO_CACHE, SNAP_TAKES_SYMBOLS, "no-cache", NULL,
		"keep nothing between runs, and use nothing kept"},
	{OPTION_JOBS, SNAP_TAKES_JOBS | SNAP_TAKES_BATCH, "jobs", "N",
		"do N things at once (default: as many as there are CPUs)"},
	{OPTION_UNORDERED, SNAP_TAKES_BATCH, "unordered", NULL,
		"print of several inputs first what is ready first"},
	{OPTION_MAX_FRAMES, SNAP_TAKES_FRAMES, "max-frames", "N",
		"list at most N frames of each thread (default 4096, and\nthose at the base)"},
	{OPTION_THREADS, SNAP_TAKES_FRAMES, "threads", "all|crashed",
		"which threads to unwind and show (default all)"},
	{OPTION_VARIABLES, SNAP_TAKES_VARIABLES, "variables", "WHICH",
		"none, args (arguments of all frames), crashed (these, and the\n"
		"local variables of the crashing thread: the default), all"},
	{OPTION_COLOR, SNAP_TAKES_COLOR, "color", "WHEN",
		"colours: auto (on terminals, unless NO_COLOR is set),\nalways, never"},
	{OPTION_NO_SANDBOX, SNAP_TAKES_SANDBOX, "no-sandbox", NULL,
		"read files in this process: a malicious one may take it over"},
	{OPTION_WORKER_MEMORY, SNAP_TAKES_SANDBOX, "worker-memory", "BYTES[K|M|G]",
		"what a worker of the sandbox may allocate (default 2G)"},
	{OPTION_WORKER_TIME, SNAP_TAKES_SANDBOX, "worker-time", "SECONDS",
		"of CPU for one input, and ten times that by the clock\n(default 60)"},
	{OPTION_WORKER_OUTPUT, SNAP_TAKES_SANDBOX, "worker-output", "BYTES[K|M|G]",
		"what may be printed of one input (default 1G)"},
	{OPTION_WORKER_REQUESTS, SNAP_TAKES_SANDBOX, "worker-requests", "N",
		"how often a worker may ask for a file, for one input\n(default 1000000)"},
	{OPTION_WORKER_INPUTS, SNAP_TAKES_SANDBOX, "worker-inputs", "N",
		"a worker reads N inputs and is replaced (default 250); with 1,\n"
		"none can touch what is said of another"},
	{OPTION_VERSION, 0, "version", NULL, "print the version and exit"},
	{OPTION_HELP, 0, "help", NULL, "print this and exit (-h, too)"},
};

static bool has_option(unsigned int takes, const struct option_entry *entry)
{
	/* Where versions of what crashed are chosen, it is of them. */
	if (entry->id == OPTION_VERSION && takes & SNAP_TAKES_GROUPS)
		return false;
	return !entry->takes || entry->takes & takes;
}

static const struct option_entry *find_entry(int id)
{
	for (size_t i = 0; i < ARRAY_LEN(entries); i++)
		if ((int)entries[i].id == id)
			return &entries[i];
	return NULL;
}

/* ---------------------------------------------------------------- help */

static void print_lines(const char *text, int column)
{
	for (const char *p = text; *p; p++) {
		putchar(*p);
		if (*p == '\n')
			printf("%*s", column, "");
	}
	putchar('\n');
}

/* What an option does, in lines that begin in that column. */
static void print_words(const struct option_entry *entry, int column)
{
	if (entry->id == OPTION_SECTIONS) {
		enum { LINE = 62 };
		char words[512];
		(void)snprintf(words, sizeof(words), "%s %s, with commas between (default all)",
			entry->help, snap_section_names());
		for (char *p = words, *begin = words; (p = strchr(p, ' ')); p++)
			if (p + strcspn(p + 1, " ") - begin > LINE - 4) {
				*p = '\n';
				begin = p;
			}
		print_lines(words, column);
	} else {
		print_lines(entry->help, column);
	}
}

void snap_print_options(unsigned int takes)
{
	enum { COLUMN = 26 };
	for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
		const struct option_entry *entry = &entries[i];
		if (!has_option(takes, entry))
			continue;
		int len = printf("  --%s%s%s", entry->name, entry->argument ? "=" : "",
			entry->argument ? entry->argument : "");
		printf("%*s", len < COLUMN ? COLUMN - len : 1, "");
		print_words(entry, COLUMN);
	}
}

void snap_print_version(void)
{
	printf("snapanalyze %s\n", SNAP_VERSION);
}

/* The last word of a verb's name. */
static const char *last_name(const struct snap_verb *verb)
{
	const char *space = strrchr(verb->name, ' ');
	return space ? space + 1 : verb->name;
}

const struct snap_verb *snap_verb_find(const struct snap_verb *verb, const char *name)
{
	for (const struct snap_verb *const *v = verb->verbs; v && *v; v++)
		if (strcmp(last_name(*v), name) == 0)
			return *v;
	return NULL;
}

static void print_verbs(const struct snap_verb *verb)
{
	printf("Usage: snapanalyze %s VERB [OPTION...] [FILE...]\n\n%s.\n%s\n", verb->name,
		verb->summary, verb->text);
	for (const struct snap_verb *const *v = verb->verbs; *v; v++)
		printf("  %-12s%s\n", last_name(*v), (*v)->summary);
	printf("\n'snapanalyze %s VERB --help' has the options and examples of each.\n",
		verb->name);
}

void snap_print_verb_help(const struct snap_verb *verb)
{
	if (verb->verbs) {
		print_verbs(verb);
		return;
	}
	printf("Usage: snapanalyze %s [OPTION...] %s\n\n%s.\n%s\nOptions:\n", verb->name,
		verb->arguments, verb->summary, verb->text);
	snap_print_options(verb->takes);
	printf("\nExamples:\n%s\n", verb->examples);
	if (verb->takes & SNAP_TAKES_FROM)
		printf("Inputs are snapshots and ELF cores, told apart by content, or with --from "
		       "text; - is\nstandard input.\n");
	else if (!(verb->takes & (SNAP_TAKES_NO_FILES | SNAP_TAKES_STORE | SNAP_TAKES_ELF)))
		printf("Inputs are snapshots and ELF cores, told apart by content; - is standard "
		       "input.\n");
	printf("Exit status: see snapanalyze --help.\n");
}

/* ---------------------------------------------------------------- parsing */

struct parser {
	const struct snap_verb *verb;
	struct snap_arguments arguments;
};

static void complain_usage(const struct parser *p, const char *text, const char *what)
{
	char name[256];
	(void)snap_escape(snap_bytes_str(what), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
	snap_complain("%s%s%s%s (see 'snapanalyze %s --help')", text, what ? " '" : "",
		what ? name : "", what ? "'" : "", p->verb->name);
}

static bool check_directory(const struct parser *p, const char *option, const char *path)
{
	struct stat st;
	int error = stat(path, &st) < 0 ? errno : S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
	if (!error)
		return true;
	char name[1024];
	(void)snap_escape(snap_bytes_str(path), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
	snap_complain("--%s '%s': %s (see 'snapanalyze %s --help')", option, name, strerror(error),
		p->verb->name);
	return false;
}

static bool add_directory(struct parser *p, const char *option, const char *path,
	const char ***list, size_t *num, enum snap_exit *ret_status)
{
	if (!check_directory(p, option, path)) {
		*ret_status = SNAP_EXIT_USAGE;
		return false;
	}
	const char **grown = reallocarray(*list, *num + 1, sizeof(*grown));
	if (!grown) {
		snap_complain("out of memory");
		*ret_status = SNAP_EXIT_FAILED;
		return false;
	}
	*list = grown;
	grown[(*num)++] = path;
	return true;
}

static bool add_path_map(struct parser *p, const char *text, enum snap_exit *ret_status)
{
	struct snap_path_map *map = &p->arguments.options.path_map;
	if (!snap_path_map_is_valid(text)) {
		complain_usage(p, "--path-map takes FROM=TO, not", text);
		return false;
	}
	const char **grown = reallocarray(map->maps, map->num + 1, sizeof(*grown));
	if (!grown) {
		snap_complain("out of memory");
		*ret_status = SNAP_EXIT_FAILED;
		return false;
	}
	map->maps = grown;
	grown[map->num++] = text;
	return true;
}

static bool parse_number(const char *text, uint64_t *ret, const char **ret_end)
{
	char *end;
	/* strtoull() would take spaces and a sign. */
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	unsigned long long value = strtoull(text, &end, text[0] == '0' ? 0 : 10);
	if (errno || end == text)
		return false;
	*ret = value;
	*ret_end = end;
	return true;
}

static bool parse_max_frames(struct parser *p, const char *text)
{
	uint64_t value;
	const char *end;
	if (!parse_number(text, &value, &end) || *end || value == 0 || value > MAX_MAX_FRAMES) {
		complain_usage(p, "--max-frames takes a number from 1 to 1000000, not", text);
		return false;
	}
	p->arguments.options.max_frames = value;
	return true;
}

static bool parse_jobs(struct parser *p, const char *text)
{
	uint64_t value;
	const char *end;
	if (!parse_number(text, &value, &end) || *end || value == 0 || value > MAX_JOBS) {
		complain_usage(p, "--jobs takes a number from 1 to 1024, not", text);
		return false;
	}
	p->arguments.options.num_jobs = value;
	p->arguments.has_jobs = true;
	return true;
}

/* A number from min to max. */
static bool parse_limit(
	struct parser *p, const char *name, const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t value;
	const char *end;
	char words[128];
	if (parse_number(text, &value, &end) && !*end && value >= min && value <= max) {
		*ret = value;
		return true;
	}
	(void)snprintf(words, sizeof(words), "--%s takes a number from %llu to %llu, not", name,
		(unsigned long long)min, (unsigned long long)max);
	complain_usage(p, words, text);
	return false;
}

static size_t num_cpus(void)
{
	long num = sysconf(_SC_NPROCESSORS_ONLN);
	return num < 1 ? 1 : num > MAX_JOBS ? MAX_JOBS : (size_t)num;
}

/* BYTES, or so many K, M or G of 1024. */
static bool parse_bytes(const char *text, uint64_t *ret)
{
	static const char units[] = "KMG";
	uint64_t value;
	const char *end, *unit;
	bool ok = parse_number(text, &value, &end);
	if (ok && *end && (unit = strchr(units, *end)) && end[1] == '\0') {
		unsigned int shift = 10 * (unsigned int)(unit - units + 1);
		ok = value <= UINT64_MAX >> shift;
		value <<= shift;
	} else if (ok) {
		ok = *end == '\0';
	}
	*ret = ok ? value : 0;
	return ok;
}

static bool parse_worker_bytes(
	struct parser *p, const char *name, const char *text, uint64_t min, uint64_t *ret)
{
	uint64_t value;
	char words[128];
	if (parse_bytes(text, &value) && value >= min && value <= MAX_WORKER_BYTES) {
		*ret = value;
		return true;
	}
	(void)snprintf(words, sizeof(words), "--%s takes a number of bytes, at least %lluM, not",
		name, (unsigned long long)(min >> 20));
	complain_usage(p, words, text);
	return false;
}

static bool parse_max_size(struct parser *p, const char *text)
{
	uint64_t value;
	bool ok = parse_bytes(text, &value);
	if (!ok || p->arguments.has_max_size) {
		complain_usage(p,
			ok ? "one of --all and --max-size, once, not"
			   : "--max-size takes a number of bytes, as in 500M, not",
			text);
		return false;
	}
	p->arguments.has_max_size = true;
	p->arguments.max_size = value;
	return true;
}

static bool parse_memory(struct parser *p, const char *text)
{
	struct snap_arguments *a = &p->arguments;
	const char *end;
	if (!parse_number(text, &a->memory_addr, &end) || *end != ',' ||
		!parse_number(end + 1, &a->memory_len, &end) || *end || a->memory_len == 0) {
		complain_usage(p, "--memory takes ADDR,LEN, as in 0x7ffd1000,256, not", text);
		return false;
	}
	a->has_memory = true;
	return true;
}

static bool parse_color(struct parser *p, const char *text)
{
	static const char *const names[] = {"auto", "always", "never"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			p->arguments.color = (enum snap_color)i;
			return true;
		}
	}
	complain_usage(p, "--color takes auto, always or never, not", text);
	return false;
}

static bool parse_threads(struct parser *p, const char *text)
{
	bool crashed = strcmp(text, "crashed") == 0;
	if (!crashed && strcmp(text, "all") != 0) {
		complain_usage(p, "--threads takes all or crashed, not", text);
		return false;
	}
	p->arguments.options.only_crashed_thread = crashed;
	return true;
}

static bool parse_variables(struct parser *p, const char *text)
{
	static const char *const names[] = {
		[SNAP_VARIABLES_NONE] = "none",
		[SNAP_VARIABLES_ARGS] = "args",
		[SNAP_VARIABLES_CRASHED] = "crashed",
		[SNAP_VARIABLES_ALL] = "all",
	};
	for (size_t i = SNAP_VARIABLES_NONE; i < ARRAY_LEN(names); i++)
		if (strcmp(text, names[i]) == 0) {
			p->arguments.options.variables = (enum snap_variables_wanted)i;
			return true;
		}
	complain_usage(p, "--variables takes none, args, crashed or all, not", text);
	return false;
}

static bool parse_sections(struct parser *p, const char *text)
{
	const char *unknown;
	char words[256], name[64];
	size_t len;
	if (snap_sections_parse(text, &p->arguments.sections, &unknown, &len))
		return true;
	(void)snprintf(name, sizeof(name), "%.*s", (int)(len < 63 ? len : 63), unknown);
	(void)snprintf(words, sizeof(words), "--sections takes %s, with commas between, not",
		snap_section_names());
	complain_usage(p, words, name);
	return false;
}

static bool parse_width(struct parser *p, const char *text)
{
	uint64_t value;
	const char *end;
	p->arguments.has_width = parse_number(text, &value, &end) && !*end &&
				 (value == 0 || (value >= SNAP_MIN_COLUMNS && value <= SNAP_MAX_COLUMNS));
	if (p->arguments.has_width)
		p->arguments.width = (size_t)value;
	else
		complain_usage(p, "--width takes 0 or a number from 20 to 10000, not", text);
	return p->arguments.has_width;
}

static bool parse_take(struct parser *p, const char *text)
{
	p->arguments.indirect = strcmp(text, "indirect") == 0;
	if (p->arguments.indirect || strcmp(text, "stacks") == 0)
		return true;
	complain_usage(p, "--memory takes stacks or indirect, not", text);
	return false;
}

/* ---------------------------------------------------------------- options of groups */

static bool complain_memory(enum snap_exit *ret_status)
{
	snap_complain("out of memory");
	*ret_status = SNAP_EXIT_FAILED;
	return false;
}

static bool parse_time(struct parser *p, const char *name, bool *ret_has, int64_t *ret)
{
	struct timespec now;
	char words[128];
	(void)clock_gettime(CLOCK_REALTIME, &now); /* there is such a clock */
	*ret_has = snap_filter_parse_time(
		optarg, (int64_t)now.tv_sec * 1000000000 + now.tv_nsec, ret);
	if (*ret_has)
		return true;
	(void)snprintf(words, sizeof(words),
		"--%s takes a time, as in 2026-11-27, 2026-11-27T10:30, 7d or 12h, not", name);
	complain_usage(p, words, optarg);
	return false;
}

static bool parse_keep(struct parser *p)
{
	const char *end;
	struct snap_grouping *grouping = &p->arguments.grouping;
	grouping->has_keep = parse_number(optarg, &grouping->keep, &end) && !*end &&
			     grouping->keep > 0;
	if (!grouping->has_keep)
		complain_usage(p, "--keep takes a number, at least 1, not", optarg);
	return grouping->has_keep;
}

static bool parse_tag(struct parser *p)
{
	if (strchr(optarg, '='))
		return true;
	complain_usage(p, "--tag takes KEY=VALUE, not", optarg);
	return false;
}

/* Words of a library, as wrong usage. */
static bool take_pin(struct parser *p, int r, const struct snap_error *err, enum snap_exit *ret_status)
{
	if (r == 0)
		return true;
	if (err->code == SNAP_ERROR_NO_MEMORY)
		return complain_memory(ret_status);
	complain_usage(p, err->text, NULL);
	return false;
}

static bool add_filter(
	struct parser *p, enum snap_filter_column column, enum snap_exit *ret_status)
{
	return snap_filter_add(&p->arguments.grouping.filter, column, optarg) ||
	       complain_memory(ret_status);
}

static bool take_grouping_option(struct parser *p, int id, enum snap_exit *ret_status)
{
	struct snap_grouping *grouping = &p->arguments.grouping;
	struct snap_error err = SNAP_ERROR_INIT;
	switch (id) {
	case OPTION_INDEX:
		grouping->index = optarg;
		return true;
	case OPTION_WATCH:
		return grouping->watch = true;
	case OPTION_GROUPS_JSON:
		return grouping->json = true;
	case OPTION_UNIQUE:
		return grouping->unique = true;
	case OPTION_SIMILAR:
		return grouping->similar = true;
	case OPTION_SCORES:
		return grouping->scores = true;
	case OPTION_FAIL_ON_NEW:
		return grouping->fail_on_new = true;
	case OPTION_DELETE:
		return grouping->delete = true;
	case OPTION_SINCE:
		return parse_time(
			p, "since", &grouping->filter.has_since, &grouping->filter.since_ns);
	case OPTION_UNTIL:
		return parse_time(
			p, "until", &grouping->filter.has_until, &grouping->filter.until_ns);
	case OPTION_OF_VERSION:
		return add_filter(p, SNAP_FILTER_VERSION, ret_status);
	case OPTION_OF_DEVICE:
		return add_filter(p, SNAP_FILTER_DEVICE, ret_status);
	case OPTION_OF_PROJECT:
		return add_filter(p, SNAP_FILTER_PROJECT, ret_status);
	case OPTION_OF_KIND:
		return add_filter(p, SNAP_FILTER_KIND, ret_status);
	case OPTION_OF_TAG:
		return parse_tag(p) && add_filter(p, SNAP_FILTER_TAG, ret_status);
	case OPTION_KNOWN:
		grouping->known = optarg;
		return true;
	case OPTION_PINS:
		grouping->pins_file = optarg;
		return true;
	case OPTION_MERGE:
		return take_pin(p, snap_pins_merge(&grouping->pins, optarg, &err), &err, ret_status);
	case OPTION_SPLIT:
		return take_pin(p, snap_pins_split(&grouping->pins, optarg, &err), &err, ret_status);
	case OPTION_KEEP:
		return parse_keep(p);
	}
	return false;
}

/* What excludes and needs what. */
static bool check_grouping(const struct parser *p)
{
	const struct snap_grouping *grouping = &p->arguments.grouping;
	if (p->verb->takes & SNAP_TAKES_WATCH && !grouping->index)
		complain_usage(p, "no --index DB given", NULL);
	else if (grouping->json + grouping->unique + grouping->has_keep + grouping->scores > 1)
		complain_usage(p, "--json, --unique, --keep and --scores exclude each other", NULL);
	else if (grouping->delete && !grouping->has_keep)
		complain_usage(p, "--delete needs --keep", NULL);
	else if (grouping->has_keep && grouping->similar)
		complain_usage(p, "--keep goes by exact groups, and excludes --similar", NULL);
	else if (grouping->fail_on_new && !grouping->known)
		complain_usage(p, "--fail-on-new needs --known", NULL);
	else if (grouping->scores && grouping->index)
		complain_usage(p, "--scores is of the inputs, and excludes --index", NULL);
	else
		return true;
	return false;
}

static bool has_servers(void)
{
	const char *urls = getenv("DEBUGINFOD_URLS");
	return urls && urls[strspn(urls, " ")];
}

static bool parse_from(struct parser *p, const char *text)
{
	if (snap_text_format_find(text, &p->arguments.options.from))
		return true;
	complain_usage(p, "--from takes gdb, asan, json or plain, not", text);
	return false;
}

/* Returns false if the program is to exit with *ret_status. */
static bool take_option(struct parser *p, int id, enum snap_exit *ret_status)
{
	struct snap_options *options = &p->arguments.options;
	*ret_status = SNAP_EXIT_USAGE;
	switch (id) {
	case OPTION_HELP:
		snap_print_verb_help(p->verb);
		*ret_status = SNAP_EXIT_DONE;
		return false;
	case OPTION_VERSION:
		snap_print_version();
		*ret_status = SNAP_EXIT_DONE;
		return false;
	case OPTION_SYMBOLS:
		return add_directory(p, "symbols", optarg, &options->symbol_dirs,
			&options->num_symbol_dirs, ret_status);
	case OPTION_DEBUG_DIR:
		return add_directory(p, "debug-dir", optarg, &options->debug_dirs,
			&options->num_debug_dirs, ret_status);
	case OPTION_SYSROOT:
		options->sysroot = optarg;
		return check_directory(p, "sysroot", optarg);
	case OPTION_NO_LOCAL:
		options->no_local = true;
		return true;
	case OPTION_PATH_MAP:
		return add_path_map(p, optarg, ret_status);
	case OPTION_ADDR2LINE:
		p->arguments.addr2line = true;
		return true;
	case OPTION_TRUST_PATH:
		options->trust_path = true;
		return true;
	case OPTION_DEBUGINFOD:
		options->debuginfod = has_servers();
		if (!options->debuginfod)
			complain_usage(p,
				"--debuginfod asks the servers in DEBUGINFOD_URLS: not set", NULL);
		return options->debuginfod;
	case OPTION_NO_DEBUGINFOD:
		options->debuginfod = false;
		return true; /* so that scripts which want it so can say it from the start */
	case OPTION_CACHE:
		options->cache_dir = optarg;
		return true;
	case OPTION_NO_CACHE:
		options->no_cache = true;
		return true;
	case OPTION_JOBS:
		return parse_jobs(p, optarg);
	case OPTION_UNORDERED:
		p->arguments.unordered = true;
		return true;
	case OPTION_NO_SANDBOX:
		p->arguments.no_sandbox = true;
		return true;
	case OPTION_WORKER_MEMORY:
		return parse_worker_bytes(p, "worker-memory", optarg, MIN_WORKER_BYTES,
			&p->arguments.limits.memory_bytes);
	case OPTION_WORKER_OUTPUT:
		return parse_worker_bytes(p, "worker-output", optarg, UINT64_C(1) << 20,
			&p->arguments.limits.output_bytes);
	case OPTION_WORKER_TIME:
		return parse_limit(p, "worker-time", optarg, 1, MAX_WORKER_S,
			&p->arguments.limits.time_s);
	case OPTION_WORKER_REQUESTS:
		return parse_limit(p, "worker-requests", optarg, 1, UINT32_MAX,
			&p->arguments.limits.num_requests);
	case OPTION_WORKER_INPUTS:
		return parse_limit(p, "worker-inputs", optarg, 1, UINT32_MAX,
			&p->arguments.limits.num_inputs);
	case OPTION_MAX_FRAMES:
		return parse_max_frames(p, optarg);
	case OPTION_THREADS:
		return parse_threads(p, optarg);
	case OPTION_COLOR:
		return parse_color(p, optarg);
	case OPTION_VARIABLES:
		return parse_variables(p, optarg);
	case OPTION_STORE:
		p->arguments.store = optarg;
		return true;
	case OPTION_LINK:
		p->arguments.link = true;
		return true;
	case OPTION_FORCE:
		p->arguments.force = true;
		return true;
	case OPTION_JSON_LINES:
		p->arguments.json_lines = true;
		return true;
	case OPTION_MAX_SIZE:
		return parse_max_size(p, optarg);
	case OPTION_ALL:
		return parse_max_size(p, "0");
	case OPTION_FULL_STACKS:
		p->arguments.full_stacks = true;
		return true;
	case OPTION_TAKE:
		return parse_take(p, optarg);
	case OPTION_OUTPUT:
		p->arguments.output = optarg;
		return true;
	case OPTION_BRIEF:
		p->arguments.brief = true;
		return true;
	case OPTION_SOURCE:
		return add_directory(p, "source", optarg, &options->source_dirs,
			&options->num_source_dirs, ret_status);
	case OPTION_SECTIONS:
		return parse_sections(p, optarg);
	case OPTION_FETCH_SOURCE:
		options->fetch_source = has_servers();
		if (!options->fetch_source)
			complain_usage(p,
				"--fetch-source asks the servers in DEBUGINFOD_URLS: not set", NULL);
		return options->fetch_source;
	case OPTION_WIDTH:
		return parse_width(p, optarg);
	case OPTION_EXPLAIN:
		p->arguments.explain = true;
		return true;
	case OPTION_RULES:
		p->arguments.rules_file = optarg;
		return true;
	case OPTION_FROM:
		return parse_from(p, optarg);
	case OPTION_PRETTY:
		p->arguments.pretty = true;
		return true;
	case OPTION_MISSING:
		p->arguments.missing = true;
		return true;
	case OPTION_MEMORY:
		return parse_memory(p, optarg);
	case OPTION_FULL:
		p->arguments.full = true;
		return true;
	}
	return take_grouping_option(p, id, ret_status);
}

/* What getopt_long() did not take: an unknown option, or one with too much or too little. */
static void complain_option(const struct parser *p, int r, char *const *argv)
{
	const struct option_entry *entry = find_entry(optopt);
	if (entry && (optopt >= 256 || r == ':')) {
		char name[64];
		(void)snprintf(name, sizeof(name), "--%s", entry->name);
		complain_usage(
			p, r == ':' ? "no argument given to" : "no argument allowed for", name);
	} else if (optopt > 0 && optopt < 256 && optopt != OPTION_HELP) {
		char name[] = {'-', (char)optopt, '\0'};
		complain_usage(p, "unknown option", name);
	} else {
		complain_usage(p, "unknown option", argv[optind - 1]);
	}
}

/* Whether there are as many files as the verb needs, one of which it may write. */
static bool check_files(const struct parser *p, int num_files)
{
	bool writes = p->verb->takes & SNAP_TAKES_OUTPUT;
	if (p->arguments.json_lines && p->arguments.addr2line)
		complain_usage(p, "--json and --addr2line exclude each other", NULL);
	else if (p->verb->takes & SNAP_TAKES_STORE && (!p->arguments.store || !*p->arguments.store))
		complain_usage(p, "no --store DIR given", NULL);
	else if (p->verb->takes & SNAP_TAKES_NO_FILES && num_files > 0)
		complain_usage(p, "no FILE is taken", NULL);
	else if (p->verb->takes & SNAP_TAKES_NO_FILES)
		return true;
	else if (num_files == 0 && !(p->verb->takes & SNAP_TAKES_GROUPS && p->arguments.grouping.index))
		complain_usage(p, "no FILE given", NULL);
	else if (writes && num_files > 1)
		complain_usage(p, "only one FILE at a time", NULL);
	else if (writes && (!p->arguments.output || !*p->arguments.output))
		complain_usage(p, "no -o FILE given", NULL);
	else
		return true;
	return false;
}

static bool read_rules(struct parser *p, enum snap_exit *ret_status)
{
	struct snap_error err = SNAP_ERROR_INIT;
	p->arguments.rules = snap_rules_load(p->arguments.rules_file, &err);
	p->arguments.options.rules = p->arguments.rules;
	if (p->arguments.rules)
		return true;
	snap_complain("%s", err.text);
	*ret_status = err.code == SNAP_ERROR_NO_MEMORY ? SNAP_EXIT_FAILED : SNAP_EXIT_USAGE;
	return false;
}

/*
 * The default cache is opened by who needs it first, and if that can't be, done without. One that
 * was asked for is there, or the request is wrong.
 */
static bool prepare_cache(struct parser *p, enum snap_exit *ret_status)
{
	struct snap_options *options = &p->arguments.options;
	struct snap_error err = SNAP_ERROR_INIT;
	if (options->no_cache || !(p->verb->takes & (SNAP_TAKES_SYMBOLS | SNAP_TAKES_CACHE)))
		return true;
	*ret_status = SNAP_EXIT_FAILED;
	if (snap_cache_create(options->cache_dir, &options->cache, &err) < 0) {
		snap_complain("%s", err.text);
		return false;
	}
	if (!options->cache_dir || snap_cache_get(options->cache, &err))
		return true;
	*ret_status = SNAP_EXIT_USAGE;
	snap_complain("%s (see 'snapanalyze %s --help')", err.text, p->verb->name);
	return false;
}

bool snap_arguments_parse(const struct snap_verb *verb, int argc, char **argv,
	struct snap_arguments *ret, enum snap_exit *ret_status)
{
	struct option long_options[ARRAY_LEN(entries) + 1] = {0};
	size_t num = 0;
	for (size_t i = 0; i < ARRAY_LEN(entries); i++)
		if (has_option(verb->takes, &entries[i]))
			long_options[num++] = (struct option){
				.name = entries[i].name,
				.has_arg = entries[i].argument ? required_argument : no_argument,
				.val = (int)entries[i].id,
			};

	struct parser p = {
		.verb = verb,
		.arguments =
			{
				.limits = SNAP_DEFAULT_LIMITS,
				.sections = SNAP_ALL_SECTIONS,
				.options =
					{
						.max_frames = SNAP_DEFAULT_MAX_FRAMES,
						.num_jobs = num_cpus(),
						.progress = {.fn = snap_show_progress},
						.variables = verb->variables,
						.debuginfod = has_servers(),
						.on_fetch = snap_show_fetch,
					},
			},
	};
	bool go_on = true;
	int r;
	opterr = 0;
	const char *letters = verb->takes & SNAP_TAKES_OUTPUT ? ":ho:" : ":h";
	while (go_on && (r = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
		if (r == ':' && optopt == OPTION_OF_VERSION) {
			snap_print_version();
			*ret_status = SNAP_EXIT_DONE;
			go_on = false;
		} else if (r == '?' || r == ':') {
			complain_option(&p, r, argv);
			*ret_status = SNAP_EXIT_USAGE;
			go_on = false;
		} else {
			go_on = take_option(&p, r, ret_status);
		}
	}
	if (go_on && (!check_files(&p, argc - optind) || !check_grouping(&p))) {
		*ret_status = SNAP_EXIT_USAGE;
		go_on = false;
	}
	if (go_on && verb->takes & SNAP_TAKES_RULES)
		go_on = read_rules(&p, ret_status);
	if (go_on)
		go_on = prepare_cache(&p, ret_status);
	if (!go_on) {
		snap_arguments_deinit(&p.arguments);
		return false;
	}
	/* Who fetches nothing fetches no source, in whatever order that was said. */
	p.arguments.options.fetch_source &= p.arguments.options.debuginfod;
	p.arguments.options.vicinity = verb->takes & SNAP_TAKES_REPORT && !p.arguments.brief &&
				       p.arguments.sections & 1u << SNAP_SECTION_MEMORY;
	p.arguments.files = argv + optind;
	p.arguments.num_files = argc - optind;
	*ret = p.arguments;
	return true;
}

void snap_arguments_deinit(struct snap_arguments *arguments)
{
	free(arguments->options.symbol_dirs);
	free(arguments->options.debug_dirs);
	free(arguments->options.source_dirs);
	free(arguments->options.path_map.maps);
	snap_filter_deinit(&arguments->grouping.filter);
	snap_pins_deinit(&arguments->grouping.pins);
	snap_rules_free(arguments->rules);
	snap_cache_destroy(arguments->options.cache);
}
