#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "analyze/cache/cache_dir.h"
#include "analyze/command.h"
#include "analyze/find/dir_index.h"
#include "analyze/find/store.h"
#include "analyze/find/tree_file.h"
#include "analyze/report/words.h"
#include "analyze/sandbox/remote.h"
#include "analyze/symbols/object.h"
#include "analyze/symbols/symbol_image.h"
#include "common/escape.h"

/* ---------------------------------------------------------------- list */

struct line {
	char kind[32], key[160];
	uint64_t bytes;
	int64_t used_s;
};

struct listing {
	const struct snap_arguments *arguments;
	struct line *lines;
	size_t num, capacity;
};

static int add_line(const struct snap_cache_entry *entry, void *data)
{
	struct listing *listing = data;
	if (listing->num == listing->capacity) {
		size_t capacity = listing->capacity ? 2 * listing->capacity : 64;
		struct line *grown = reallocarray(listing->lines, capacity, sizeof(*grown));
		if (!grown)
			return -1;
		listing->lines = grown;
		listing->capacity = capacity;
	}
	struct line *line = &listing->lines[listing->num++];
	(void)snprintf(line->kind, sizeof(line->kind), "%s", entry->kind);
	(void)snprintf(line->key, sizeof(line->key), "%s", entry->key);
	line->bytes = entry->bytes;
	line->used_s = entry->used_s;
	return 0;
}

/* By kind, and then the last used first. */
static int compare_lines(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int r = strcmp(x->kind, y->kind);
	if (r == 0 && x->used_s != y->used_s)
		r = x->used_s > y->used_s ? -1 : 1;
	return r != 0 ? r : strcmp(x->key, y->key);
}

static void describe_tree(struct snap_bytes bytes, char *ret, size_t size)
{
	struct snap_tree tree;
	if (!snap_tree_read(bytes, NULL, &tree))
		return;
	size_t num_found = 0;
	for (size_t i = 0; i < tree.num_files; i++)
		num_found += tree.files[i].info != SNAP_TREE_NOTHING;
	(void)snprintf(ret, size, "%s: %zu of %zu files", tree.names, num_found, tree.num_files);
	snap_tree_deinit(&tree);
}

static void describe_symbols(struct snap_bytes bytes, char *ret, size_t size)
{
	struct snap_image_info info;
	char units[80] = "no debug information";
	if (!snap_symbol_image_peek(bytes, &info))
		return;
	if (info.has_map)
		(void)snprintf(units, sizeof(units), "%u of %u units", info.num_units_kept,
			info.num_units);
	(void)snprintf(
		ret, size, "%s, %u names, %u symbols", units, info.num_names, info.num_symbols);
}

/* What an entry holds, in words; "" if that can't be told. */
static void describe(struct snap_cache_dir *dir, const struct line *line, char *ret, size_t size)
{
	struct snap_bytes bytes = snap_cache_peek(dir, line->kind, line->key);
	ret[0] = '\0';
	if (strcmp(line->kind, SNAP_TREES_KIND) == 0)
		describe_tree(bytes, ret, size);
	else if (strcmp(line->kind, SNAP_SYMBOLS_KIND) == 0)
		describe_symbols(bytes, ret, size);
	snap_cache_unmap(bytes);
}

static void print_json(const struct line *line, const char *used, const char *holds)
{
	char shown[2048];
	(void)snap_escape(snap_bytes_str(holds), SNAP_ESCAPE_INVALID, shown, sizeof(shown));
	json_t *object = json_pack("{s:s, s:s, s:I, s:s, s:s}", "kind", line->kind, "key",
		line->key, "bytes", (json_int_t)line->bytes, "used_at", used, "holds", shown);
	/* A failed write is seen by main. */
	if (object && json_dumpf(object, stdout, JSON_COMPACT) == 0)
		putchar('\n');
	json_decref(object);
}

/* Of what others may have written: in a worker. */
static int print_line(size_t index, void *data)
{
	const struct listing *listing = data;
	const struct line *line = &listing->lines[index];
	struct snap_cache_dir *dir = snap_cache_get(listing->arguments->options.cache, NULL);
	char holds[1024] = "", used[40];
	snap_time_words(line->used_s, 0, used);
	if (dir)
		describe(dir, line, holds, sizeof(holds));
	if (listing->arguments->json_lines) {
		print_json(line, used, holds);
		return SNAP_EXIT_DONE;
	}
	char shown[2048];
	(void)snap_escape(snap_bytes_str(holds), SNAP_ESCAPE_TERMINAL, shown, sizeof(shown));
	printf("%-8s  %-40s  %10" PRIu64 "  %s  %s\n", line->kind, line->key, line->bytes, used,
		shown);
	return SNAP_EXIT_DONE;
}

static const char *line_name(size_t index, void *data)
{
	const struct listing *listing = data;
	return listing->lines[index].key;
}

/* NULL, complained of, if there is no cache that can be used. */
static struct snap_cache_dir *open_cache(const struct snap_arguments *arguments)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_cache_dir *dir = snap_cache_get(arguments->options.cache, &err);
	if (!dir)
		snap_complain("%s", err.text);
	return dir;
}

static enum snap_exit run_list(const struct snap_arguments *arguments)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct listing listing = {.arguments = arguments};
	enum snap_exit status = SNAP_EXIT_DONE;
	struct snap_cache_dir *dir = open_cache(arguments);
	if (!dir)
		return SNAP_EXIT_FAILED;
	int r = snap_cache_each(dir, add_line, &listing, &err);
	if (r < 0)
		snap_complain("%s", err.code ? err.text : "out of memory");
	if (listing.num > 0)
		qsort(listing.lines, listing.num, sizeof(*listing.lines), compare_lines);
	if (listing.num > 0 && !arguments->json_lines)
		printf("%-8s  %-40s  %10s  %-20s  %s\n", "KIND", "KEY", "BYTES", "LAST USED",
			"HOLDS");
	const struct snap_work work = {
		.job = {.num_inputs = listing.num,
			.run = print_line,
			.data = &listing,
			.name = line_name},
		.num_workers = 1,
	};
	if (listing.num > 0)
		status = snap_do_work(arguments, &work);
	free(listing.lines);
	return r < 0 ? SNAP_EXIT_FAILED : status;
}

static const struct snap_verb verb_list = {
	.name = "cache list",
	.arguments = "",
	.summary = "What is kept, how large it is and when it was last used",
	.text = "\nOne line per entry, by kind, the last used first. The key of symbols is a build "
		"ID.\n"
		"When an entry was last used is written down once an hour.\n",
	.examples = "  snapanalyze cache list\n"
		    "  snapanalyze cache list --json | jq -s 'map(.bytes) | add'\n",
	.takes = SNAP_TAKES_CACHE | SNAP_TAKES_LINES | SNAP_TAKES_NO_FILES | SNAP_TAKES_SANDBOX,
	.run = run_list,
};

/* ---------------------------------------------------------------- prune */

static enum snap_exit run_prune(const struct snap_arguments *arguments)
{
	struct snap_error err = SNAP_ERROR_INIT;
	size_t num = 0;
	uint64_t bytes = 0;
	struct snap_cache_dir *dir = open_cache(arguments);
	if (!dir)
		return SNAP_EXIT_FAILED;
	int r = snap_cache_prune(dir,
		arguments->has_max_size ? arguments->max_size : SNAP_CACHE_MAX_BYTES, &num, &bytes,
		&err);
	if (r < 0)
		snap_complain("%s", err.text);
	printf("%zu %s removed, %" PRIu64 " bytes\n", num, num == 1 ? "entry" : "entries", bytes);
	return r < 0 ? SNAP_EXIT_FAILED : SNAP_EXIT_DONE;
}

static const struct snap_verb verb_prune = {
	.name = "cache prune",
	.arguments = "",
	.summary = "Remove what was not used for longest, or everything",
	.text = "\nAlso removes what interrupted runs left more than an hour ago. Other processes "
		"that\n"
		"use the cache meanwhile are not disturbed.\n",
	.examples = "  snapanalyze cache prune --max-size 500M\n"
		    "  snapanalyze cache prune --all\n",
	.takes = SNAP_TAKES_CACHE | SNAP_TAKES_SIZE | SNAP_TAKES_NO_FILES,
	.run = run_prune,
};

/* ---------------------------------------------------------------- build */

/* What is being built, for the progress line. */
struct building {
	const struct snap_arguments *arguments;
	struct snap_store *store;
	const char *name;
	enum snap_exit worst;
};

static void show_progress(size_t done, size_t all, void *data)
{
	const struct building *b = data;
	char text[512];
	(void)snprintf(text, sizeof(text), "%zu of %zu units of ", done, all);
	size_t len = strlen(text);
	(void)snap_escape(
		snap_bytes_str(b->name), SNAP_ESCAPE_TERMINAL, text + len, sizeof(text) - len);
	snap_progress_tell(b->arguments->options.progress, SNAP_PROGRESS_UPDATE, text);
}

static void fail(struct building *b, enum snap_exit status)
{
	if (status > b->worst)
		b->worst = status;
}

static void build_object(struct building *b, struct snap_object *object, const char *name)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_progress progress = b->arguments->options.progress;
	char build_id[2 * SNAP_MAX_BUILD_ID + 1] = "-", shown[1024];
	struct snap_bytes id = snap_object_build_id(object);
	uint64_t bytes = 0;
	if (id.len > 0 && id.len <= SNAP_MAX_BUILD_ID)
		snap_hex(id, build_id);
	b->name = name;
	snap_progress_tell(progress, SNAP_PROGRESS_BEGIN, NULL);
	int r = snap_object_keep_all(
		object, b->arguments->options.num_jobs, show_progress, b, &bytes, &err);
	snap_progress_tell(progress, SNAP_PROGRESS_END, NULL);
	(void)snap_escape(snap_bytes_str(name), SNAP_ESCAPE_TERMINAL, shown, sizeof(shown));
	if (r < 0) {
		snap_complain("cannot keep the symbols of '%s': %s", shown, err.text);
		fail(b, SNAP_EXIT_FAILED);
		return;
	}
	printf("%s  %10" PRIu64 "  %s\n", build_id, bytes, shown);
}

/* All modules of a snapshot or core whose files are found. */
static void build_input(struct building *b, const char *file)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_crash crash;
	if (snap_analysis_load(file, &crash, &err) < 0) {
		snap_complain("%s", err.text);
		fail(b, SNAP_EXIT_FAILED);
		return;
	}
	if (snap_store_resolve(b->store, &crash, &err) < 0) {
		snap_complain("%s", err.text);
		fail(b, SNAP_EXIT_FAILED);
	}
	for (size_t i = 0; i < crash.num_modules; i++) {
		const struct snap_crash_module *module = &crash.modules[i];
		bool is_first =
			module->object && !snap_bytes_equal_str(module->record.path, "[vdso]");
		for (size_t j = 0; j < i && is_first; j++)
			is_first = crash.modules[j].object != module->object;
		if (is_first)
			build_object(b, module->object, module->symbol_file);
		else if (!module->object)
			fail(b, SNAP_EXIT_PARTIAL);
	}
	snap_crash_deinit(&crash);
}

static int start_build(void *data)
{
	struct building *b = data;
	struct snap_error err = SNAP_ERROR_INIT;
	if (snap_store_create(&b->arguments->options, &b->store, &err) == 0)
		return SNAP_EXIT_DONE;
	snap_complain("%s", err.text);
	return err.code == SNAP_ERROR_USAGE ? SNAP_EXIT_USAGE : SNAP_EXIT_FAILED;
}

static int build_file(size_t index, void *data)
{
	struct building *b = data;
	struct snap_object *object;
	struct snap_error why = SNAP_ERROR_INIT;
	const char *file = b->arguments->files[index];
	b->worst = SNAP_EXIT_DONE;
	if (snap_store_open(b->store, file, &object, &why) == 0) {
		build_object(b, object, file);
	} else if (why.code == SNAP_ERROR_UNSUPPORTED || why.code == SNAP_ERROR_MALFORMED) {
		build_input(b, file); /* no executable, library or debug file */
	} else {
		snap_complain("%s", why.text);
		fail(b, SNAP_EXIT_FAILED);
	}
	return (int)b->worst;
}

static void finish_build(void *data)
{
	struct building *b = data;
	if (!snap_remote_is_on()) /* a worker ends anyway */
		snap_store_destroy(b->store);
}

static const char *build_name(size_t index, void *data)
{
	const struct building *b = data;
	return b->arguments->files[index];
}

/* Of large files all is read that debug information says. */
#define MORE_TIME 10

static enum snap_exit run_build(const struct snap_arguments *arguments)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct building b = {.arguments = arguments};
	struct snap_arguments with_time = *arguments;
	if (!arguments->options.cache || !snap_cache_get(arguments->options.cache, &err)) {
		snap_complain("%s", err.code ? err.text : "--no-cache leaves nothing to build");
		return SNAP_EXIT_FAILED;
	}
	with_time.limits.time_s *= MORE_TIME;
	const struct snap_work work = {
		.job =
			{
				.num_inputs = (size_t)arguments->num_files,
				.start = start_build,
				.run = build_file,
				.finish = finish_build,
				.data = &b,
				.name = build_name,
			},
		.files = arguments->files,
		.takes_symbols = true,
		.is_streaming = true,
		.may_fork = true,
		.num_workers = 1,
		.unpacks = true,
	};
	return snap_do_work(&with_time, &work);
}

static const struct snap_verb verb_build = {
	.name = "cache build",
	.arguments = "FILE...",
	.summary = "Read symbols beforehand, so that later runs are fast from the start",
	.text = "\nFILEs are executables, libraries, debug files or build IDs; or snapshots and "
		"cores, which\n"
		"stand for all their modules. One line for each build: build ID, bytes, file. "
		"Without this,\n"
		"runs keep what they needed themselves.\n",
	.examples = "  snapanalyze cache build release-1.4/bin/*\n"
		    "  snapanalyze cache build --symbols release-1.4/ crash.snap\n",
	.takes = SNAP_TAKES_SYMBOLS | SNAP_TAKES_JOBS | SNAP_TAKES_ELF | SNAP_TAKES_SANDBOX,
	.run = run_build,
};

/* ---------------------------------------------------------------- all of them */

static const struct snap_verb *const verbs[] = {&verb_list, &verb_prune, &verb_build, NULL};

const struct snap_verb snap_verb_cache = {
	.name = "cache",
	.arguments = "",
	.summary = "What is kept between runs: list, prune, build",
	.text = "\nIt is in $XDG_CACHE_HOME/snapcrash or ~/.cache/snapcrash, unless --cache says "
		"otherwise,\n"
		"and never grows far beyond 2 GiB. Nothing is lost with it but time.\n",
	.verbs = verbs,
};
