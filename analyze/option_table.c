#include "analyze/option_table.h"

#include <stdio.h>
#include <string.h>

#include "analyze/command.h"
#include "analyze/report/sections.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

const struct snap_option_entry snap_option_entries[] = {
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
	{OPTION_TOKENS, SNAP_TAKES_RULES | SNAP_TAKES_MEMORY, "tokens", "FILE",
		"what tokens of a Pigweed device stand for: a database (CSV or\nbinary), an ELF file, or a "
		"directory of these; may be repeated"},
	{OPTION_FROM, SNAP_TAKES_FROM, "from", "FORMAT",
		"inputs are text with backtraces, one or more each: of gdb,\nof asan (and other "
		"sanitizers), json (reports of\nsnapanalyze json), or plain (a frame on each line)"},
	{OPTION_PROTO, SNAP_TAKES_PROTO, "proto", "FILE:MESSAGE",
		"decode fields that are not Snapcrash's by this message of a\n.proto or a descriptor "
		"set; may be repeated"},
	{OPTION_PROTO_PATH, SNAP_TAKES_PROTO, "proto-path", "DIR",
		"where a .proto's imports are looked for, besides its own\ndirectory; may be "
		"repeated"},
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
	{OPTION_ELF, SNAP_TAKES_FIRMWARE, "elf", "[DEVICE=]FILE",
		"a microcontroller's firmware: of the input, or of snapshots\nin it that are of "
		"this device; may be repeated"},
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
		"a worker reads N inputs and is replaced (default 1000); with 1,\n"
		"none can touch what is said of another"},
	{OPTION_VERSION, 0, "version", NULL, "print the version and exit"},
	{OPTION_HELP, 0, "help", NULL, "print this and exit (-h, too)"},
};

_Static_assert(ARRAY_LEN(snap_option_entries) <= SNAP_MAX_OPTIONS, "more options than there is room for");
const size_t snap_num_options = ARRAY_LEN(snap_option_entries);

bool snap_option_is_taken(unsigned int takes, const struct snap_option_entry *entry)
{
	/* Where versions of what crashed are chosen, it is of them. */
	if (entry->id == OPTION_VERSION && takes & SNAP_TAKES_GROUPS)
		return false;
	return !entry->takes || entry->takes & takes;
}

const struct snap_option_entry *snap_option_find(int id)
{
	for (size_t i = 0; i < snap_num_options; i++)
		if ((int)snap_option_entries[i].id == id)
			return &snap_option_entries[i];
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
static void print_words(const struct snap_option_entry *entry, int column)
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
	for (size_t i = 0; i < snap_num_options; i++) {
		const struct snap_option_entry *entry = &snap_option_entries[i];
		if (!snap_option_is_taken(takes, entry))
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
