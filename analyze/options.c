/*
 * The verbs' options, parsed.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/cache/cache_dir.h"
#include "analyze/fields/overlay.h"
#include "analyze/option_parser.h"
#include "analyze/option_table.h"
#include "analyze/report/fold.h"
#include "analyze/report/sections.h"
#include "analyze/signature/rules.h"
#include "analyze/tokens/database_file.h"
#include "common/escape.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define MAX_MAX_FRAMES 1000000
#define MAX_JOBS       1024
/* A worker must at least be able to start; and no number overflows. */
#define MIN_WORKER_BYTES (UINT64_C(16) << 20)
#define MAX_WORKER_BYTES (UINT64_C(1) << 50)
#define MAX_WORKER_S	 1000000

void snap_option_complain(const struct snap_option_parser *p, const char *text, const char *what)
{
	char name[256];
	(void)snap_escape(snap_bytes_str(what), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
	snap_complain("%s%s%s%s (see 'snapanalyze %s --help')", text, what ? " '" : "",
		what ? name : "", what ? "'" : "", p->verb->name);
}

static bool check_directory(const struct snap_option_parser *p, const char *option, const char *path)
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

static bool add_word(const char *word, const char ***list, size_t *num, enum snap_exit *ret_status)
{
	const char **grown = reallocarray(*list, *num + 1, sizeof(*grown));
	if (!grown) {
		snap_complain("out of memory");
		*ret_status = SNAP_EXIT_FAILED;
		return false;
	}
	*list = grown;
	grown[(*num)++] = word;
	return true;
}

static bool add_directory(struct snap_option_parser *p, const char *option, const char *path,
	const char ***list, size_t *num, enum snap_exit *ret_status)
{
	if (check_directory(p, option, path))
		return add_word(path, list, num, ret_status);
	*ret_status = SNAP_EXIT_USAGE;
	return false;
}

static bool add_tokens(struct snap_option_parser *p, const char *path, enum snap_exit *ret_status)
{
	struct snap_error err = SNAP_ERROR_INIT;
	if (!p->arguments.tokens && !(p->arguments.tokens = snap_tokens_create(NULL)))
		(void)snap_error_no_memory(&err);
	p->arguments.options.tokens = p->arguments.tokens;
	if (p->arguments.tokens && snap_tokens_add_path(p->arguments.tokens, path, &err) == 0)
		return true;
	snap_complain("%s", err.text);
	*ret_status = err.code == SNAP_ERROR_NO_MEMORY ? SNAP_EXIT_FAILED : SNAP_EXIT_USAGE;
	return false;
}

static bool add_path_map(struct snap_option_parser *p, const char *text, enum snap_exit *ret_status)
{
	struct snap_path_map *map = &p->arguments.options.path_map;
	if (!snap_path_map_is_valid(text)) {
		snap_option_complain(p, "--path-map takes FROM=TO, not", text);
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

bool snap_option_number(const char *text, uint64_t *ret, const char **ret_end)
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

static bool parse_max_frames(struct snap_option_parser *p, const char *text)
{
	uint64_t value;
	const char *end;
	if (!snap_option_number(text, &value, &end) || *end || value == 0 || value > MAX_MAX_FRAMES) {
		snap_option_complain(p, "--max-frames takes a number from 1 to 1000000, not", text);
		return false;
	}
	p->arguments.options.max_frames = value;
	return true;
}

static bool parse_jobs(struct snap_option_parser *p, const char *text)
{
	uint64_t value;
	const char *end;
	if (!snap_option_number(text, &value, &end) || *end || value == 0 || value > MAX_JOBS) {
		snap_option_complain(p, "--jobs takes a number from 1 to 1024, not", text);
		return false;
	}
	p->arguments.options.num_jobs = value;
	p->arguments.has_jobs = true;
	return true;
}

/* A number from min to max. */
static bool parse_limit(
	struct snap_option_parser *p, const char *name, const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t value;
	const char *end;
	char words[128];
	if (snap_option_number(text, &value, &end) && !*end && value >= min && value <= max) {
		*ret = value;
		return true;
	}
	(void)snprintf(words, sizeof(words), "--%s takes a number from %llu to %llu, not", name,
		(unsigned long long)min, (unsigned long long)max);
	snap_option_complain(p, words, text);
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
	bool ok = snap_option_number(text, &value, &end);
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
	struct snap_option_parser *p, const char *name, const char *text, uint64_t min, uint64_t *ret)
{
	uint64_t value;
	char words[128];
	if (parse_bytes(text, &value) && value >= min && value <= MAX_WORKER_BYTES) {
		*ret = value;
		return true;
	}
	(void)snprintf(words, sizeof(words), "--%s takes a number of bytes, at least %lluM, not",
		name, (unsigned long long)(min >> 20));
	snap_option_complain(p, words, text);
	return false;
}

static bool parse_max_size(struct snap_option_parser *p, const char *text)
{
	uint64_t value;
	bool ok = parse_bytes(text, &value);
	if (!ok || p->arguments.has_max_size) {
		snap_option_complain(p,
			ok ? "one of --all and --max-size, once, not"
			   : "--max-size takes a number of bytes, as in 500M, not",
			text);
		return false;
	}
	p->arguments.has_max_size = true;
	p->arguments.max_size = value;
	return true;
}

static bool parse_memory(struct snap_option_parser *p, const char *text)
{
	struct snap_arguments *a = &p->arguments;
	const char *end;
	if (!snap_option_number(text, &a->memory_addr, &end) || *end != ',' ||
		!snap_option_number(end + 1, &a->memory_len, &end) || *end || a->memory_len == 0) {
		snap_option_complain(p, "--memory takes ADDR,LEN, as in 0x7ffd1000,256, not", text);
		return false;
	}
	a->has_memory = true;
	return true;
}

static bool parse_color(struct snap_option_parser *p, const char *text)
{
	static const char *const names[] = {"auto", "always", "never"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			p->arguments.color = (enum snap_color)i;
			return true;
		}
	}
	snap_option_complain(p, "--color takes auto, always or never, not", text);
	return false;
}

static bool parse_threads(struct snap_option_parser *p, const char *text)
{
	bool crashed = strcmp(text, "crashed") == 0;
	if (!crashed && strcmp(text, "all") != 0) {
		snap_option_complain(p, "--threads takes all or crashed, not", text);
		return false;
	}
	p->arguments.options.only_crashed_thread = crashed;
	return true;
}

static bool parse_variables(struct snap_option_parser *p, const char *text)
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
	snap_option_complain(p, "--variables takes none, args, crashed or all, not", text);
	return false;
}

static bool parse_sections(struct snap_option_parser *p, const char *text)
{
	const char *unknown;
	char words[256], name[64];
	size_t len;
	if (snap_sections_parse(text, &p->arguments.sections, &unknown, &len))
		return true;
	(void)snprintf(name, sizeof(name), "%.*s", (int)(len < 63 ? len : 63), unknown);
	(void)snprintf(words, sizeof(words), "--sections takes %s, with commas between, not",
		snap_section_names());
	snap_option_complain(p, words, name);
	return false;
}

static bool parse_width(struct snap_option_parser *p, const char *text)
{
	uint64_t value;
	const char *end;
	p->arguments.has_width = snap_option_number(text, &value, &end) && !*end &&
				 (value == 0 || (value >= SNAP_MIN_COLUMNS && value <= SNAP_MAX_COLUMNS));
	if (p->arguments.has_width)
		p->arguments.width = (size_t)value;
	else
		snap_option_complain(p, "--width takes 0 or a number from 20 to 10000, not", text);
	return p->arguments.has_width;
}

static bool parse_take(struct snap_option_parser *p, const char *text)
{
	p->arguments.indirect = strcmp(text, "indirect") == 0;
	if (p->arguments.indirect || strcmp(text, "stacks") == 0)
		return true;
	snap_option_complain(p, "--memory takes stacks or indirect, not", text);
	return false;
}

static bool has_servers(void)
{
	const char *urls = getenv("DEBUGINFOD_URLS");
	return urls && urls[strspn(urls, " ")];
}

static bool parse_from(struct snap_option_parser *p, const char *text)
{
	if (snap_text_format_find(text, &p->arguments.options.from))
		return true;
	snap_option_complain(p, "--from takes gdb, asan, json or plain, not", text);
	return false;
}

/* Returns false if the program is to exit with *ret_status. */
static bool take_option(struct snap_option_parser *p, int id, enum snap_exit *ret_status)
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
	case OPTION_ELF:
		return snap_option_add_elf(p, optarg, ret_status);
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
			snap_option_complain(p,
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
			snap_option_complain(p,
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
	case OPTION_PROTO:
		return add_word(optarg, &p->arguments.protos, &p->arguments.num_protos, ret_status);
	case OPTION_PROTO_PATH:
		return add_directory(p, "proto-path", optarg, &p->arguments.proto_dirs,
			&p->arguments.num_proto_dirs, ret_status);
	case OPTION_TOKENS:
		return add_tokens(p, optarg, ret_status);
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
	return snap_option_take_grouping(p, id, ret_status);
}

/* What getopt_long() did not take: an unknown option, or one with too much or too little. */
static void complain_option(const struct snap_option_parser *p, int r, char *const *argv)
{
	const struct snap_option_entry *entry = snap_option_find(optopt);
	if (entry && (optopt >= 256 || r == ':')) {
		char name[64];
		(void)snprintf(name, sizeof(name), "--%s", entry->name);
		snap_option_complain(
			p, r == ':' ? "no argument given to" : "no argument allowed for", name);
	} else if (optopt > 0 && optopt < 256 && optopt != OPTION_HELP) {
		char name[] = {'-', (char)optopt, '\0'};
		snap_option_complain(p, "unknown option", name);
	} else {
		snap_option_complain(p, "unknown option", argv[optind - 1]);
	}
}

/* Whether there are as many files as the verb needs, one of which it may write. */
static bool check_files(const struct snap_option_parser *p, int num_files)
{
	bool writes = p->verb->takes & SNAP_TAKES_OUTPUT;
	if (p->arguments.json_lines && p->arguments.addr2line)
		snap_option_complain(p, "--json and --addr2line exclude each other", NULL);
	else if (p->verb->takes & SNAP_TAKES_STORE && (!p->arguments.store || !*p->arguments.store))
		snap_option_complain(p, "no --store DIR given", NULL);
	else if (p->verb->takes & SNAP_TAKES_NO_FILES && num_files > 0)
		snap_option_complain(p, "no FILE is taken", NULL);
	else if (p->verb->takes & SNAP_TAKES_NO_FILES)
		return true;
	else if (num_files == 0 && !(p->verb->takes & SNAP_TAKES_GROUPS && p->arguments.grouping.index))
		snap_option_complain(p, "no FILE given", NULL);
	else if (writes && num_files > 1)
		snap_option_complain(p, "only one FILE at a time", NULL);
	else if (writes && (!p->arguments.output || !*p->arguments.output))
		snap_option_complain(p, "no -o FILE given", NULL);
	else
		return true;
	return false;
}

static bool read_rules(struct snap_option_parser *p, enum snap_exit *ret_status)
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
static bool prepare_cache(struct snap_option_parser *p, enum snap_exit *ret_status)
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
	struct option long_options[SNAP_MAX_OPTIONS + 1] = {0};
	size_t num = 0;
	for (size_t i = 0; i < snap_num_options; i++)
		if (snap_option_is_taken(verb->takes, &snap_option_entries[i]))
			long_options[num++] = (struct option){
				.name = snap_option_entries[i].name,
				.has_arg = snap_option_entries[i].argument ? required_argument : no_argument,
				.val = (int)snap_option_entries[i].id,
			};

	struct snap_option_parser p = {
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
	if (go_on && (!check_files(&p, argc - optind) || !snap_option_check_grouping(&p))) {
		*ret_status = SNAP_EXIT_USAGE;
		go_on = false;
	}
	if (go_on && verb->takes & SNAP_TAKES_RULES)
		go_on = read_rules(&p, ret_status);
	if (go_on && verb->takes & SNAP_TAKES_PROTO)
		go_on = snap_option_read_protos(&p, ret_status);
	if (p.arguments.tokens)
		snap_tokens_finish(p.arguments.tokens);
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
	snap_elf_options_deinit(arguments);
	free(arguments->options.source_dirs);
	free(arguments->options.path_map.maps);
	snap_filter_deinit(&arguments->grouping.filter);
	snap_pins_deinit(&arguments->grouping.pins);
	snap_rules_free(arguments->rules);
	free(arguments->protos);
	free(arguments->proto_dirs);
	snap_overlays_destroy(arguments->overlays);
	snap_tokens_destroy(arguments->tokens);
	snap_cache_destroy(arguments->options.cache);
}
