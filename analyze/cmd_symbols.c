#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analyze/command.h"
#include "analyze/file_open.h"
#include "analyze/find/dir_index.h"
#include "analyze/find/symbol_dir.h"
#include "analyze/symbols/elf_file.h"
#include "common/escape.h"

/* All of it: it is to be used. */
static void print_path(const char *path)
{
	static char shown[1 << 14];
	(void)snap_escape(snap_bytes_str(path), SNAP_ESCAPE_TERMINAL, shown, sizeof(shown));
	printf("%s\n", shown);
}

/* ---------------------------------------------------------------- add */

struct addition_list;

struct adding {
	struct snap_symbol_dir *dir;
	const struct addition_list *list;
	struct snap_symbol_add_options options;
	struct snap_progress progress;
	bool is_tree; /* progress is told */
	size_t num_done, num_not_linked;
	enum snap_exit status;
};

static void complain_of(struct adding *adding, const char *path, const char *why)
{
	char name[1024];
	(void)snap_escape(snap_bytes_str(path), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
	snap_complain("cannot add '%s': %s", name, why);
	adding->status = SNAP_EXIT_FAILED;
}

static void add_file(struct adding *adding, const char *path)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_symbol_file file;
	if (snap_symbol_dir_add(adding->dir, path, &adding->options, &file, &err) < 0) {
		complain_of(adding, path, err.text);
		return;
	}
	printf("%s\t%s\t", file.build_id, snap_symbol_kind_name(file.kind));
	print_path(file.path);
	adding->num_not_linked += file.not_linked;
	char text[64];
	(void)snprintf(text, sizeof(text), "%zu files added", ++adding->num_done);
	if (adding->is_tree)
		snap_progress_tell(adding->progress, SNAP_PROGRESS_UPDATE, text);
}

static bool ends_with(const char *s, const char *suffix)
{
	size_t len = strlen(s), suffix_len = strlen(suffix);
	return len > suffix_len && strcmp(s + len - suffix_len, suffix) == 0;
}

/* Object files have gone into others, and .dwo files are no more than these without their .dwp. */
static bool is_wanted(const char *path)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_elf_file file;
	int fd = ends_with(path, ".dwo") ? -1 : snap_file_open(path, NULL, &err);
	if (fd < 0)
		return false;
	if (snap_elf_file_open(fd, path, &file, &err) < 0)
		return ends_with(path, ".dwp");
	snap_elf_file_deinit(&file);
	return true;
}

static void add_tree(struct adding *adding, const char *path)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_dir_index index = {0};
	if (snap_dir_index_add(&index, path, NULL, adding->progress, &err) < 0) {
		snap_complain("%s", err.text);
		adding->status = SNAP_EXIT_FAILED;
	}
	snap_dir_index_sort(&index);
	snap_progress_tell(adding->progress, SNAP_PROGRESS_BEGIN, NULL);
	adding->is_tree = true;
	for (size_t i = 0; i < index.num_entries && !ferror(stdout); i++)
		if (!ends_with(index.entries[i].path, ".dwp"))
			add_file(adding, index.entries[i].path);
	for (size_t i = 0; i < index.num_names && !ferror(stdout); i++)
		if (is_wanted(index.names[i].path))
			add_file(adding, index.names[i].path);
	adding->is_tree = false;
	snap_progress_tell(adding->progress, SNAP_PROGRESS_END, NULL);
	if (index.num_unreadable > 0) {
		char text[96];
		(void)snprintf(text, sizeof(text), "%zu files or directories in it can't be read",
			index.num_unreadable);
		complain_of(adding, path, text);
	}
	snap_dir_index_deinit(&index);
}

/* What is to be added: the FILEs, and the split DWARF that lies beside them. */
struct addition_list {
	char **paths; /* owned, as are the strings */
	bool *is_tree;
	size_t num;
};

static bool add_to_list(struct addition_list *list, char *path, bool is_tree)
{
	char **paths = reallocarray(list->paths, list->num + 1, sizeof(*paths));
	if (paths)
		list->paths = paths;
	bool *trees = paths ? reallocarray(list->is_tree, list->num + 1, sizeof(*trees)) : NULL;
	if (trees)
		list->is_tree = trees;
	if (!trees || !path) {
		free(path);
		return false;
	}
	paths[list->num] = path;
	trees[list->num++] = is_tree;
	return true;
}

static bool list_additions(const struct snap_arguments *arguments, struct addition_list *list)
{
	struct stat st;
	char *package;
	for (int i = 0; i < arguments->num_files; i++) {
		const char *path = arguments->files[i];
		bool is_tree = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
		if (!add_to_list(list, strdup(path), is_tree))
			return false;
		if (is_tree || ends_with(path, ".dwp"))
			continue;
		if (asprintf(&package, "%s.dwp", path) < 0)
			return false;
		if (stat(package, &st) < 0)
			free(package);
		else if (!add_to_list(list, package, false))
			return false;
	}
	return true;
}

static void list_deinit(struct addition_list *list)
{
	for (size_t i = 0; i < list->num; i++)
		free(list->paths[i]);
	free(list->paths);
	free(list->is_tree);
}

static int add_one(size_t index, void *data)
{
	struct adding *adding = data;
	adding->status = SNAP_EXIT_DONE;
	if (adding->list->is_tree[index])
		add_tree(adding, adding->list->paths[index]);
	else
		add_file(adding, adding->list->paths[index]);
	return (int)adding->status;
}

static void tell_not_linked(void *data)
{
	const struct adding *adding = data;
	if (adding->num_not_linked > 0)
		snap_complain("%zu %s copied, for no hard link could be made",
			adding->num_not_linked,
			adding->num_not_linked == 1 ? "file was" : "files were");
}

static const char *added_name(size_t index, void *data)
{
	const struct adding *adding = data;
	return adding->list->paths[index];
}

static enum snap_exit run_add(const struct snap_arguments *arguments)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct addition_list list = {0};
	struct adding adding = {
		.options = {.link = arguments->link, .force = arguments->force},
		.progress = arguments->options.progress,
		.list = &list,
	};
	if (!list_additions(arguments, &list)) {
		snap_complain("out of memory");
		list_deinit(&list);
		return SNAP_EXIT_FAILED;
	}
	if (snap_symbol_dir_open(arguments->store, true, &adding.dir, &err) < 0) {
		snap_complain("--store: %s", err.text);
		list_deinit(&list);
		return SNAP_EXIT_FAILED;
	}
	const struct snap_work work = {
		.job =
			{
				.num_inputs = list.num,
				.run = add_one,
				.finish = tell_not_linked,
				.data = &adding,
				.name = added_name,
			},
		.files = list.paths,
		.is_streaming = true,
		.num_workers = 1,
		.symbol_dir = adding.dir,
	};
	enum snap_exit status = snap_do_work(arguments, &work);
	snap_symbol_dir_close(adding.dir);
	list_deinit(&list);
	return status;
}

static const struct snap_verb verb_add = {
	.name = "symbols add",
	.arguments = "--store DIR ELF...",
	.summary = "Keep executables, libraries and debug files by build ID",
	.text = "\nOf directories, all of them below are taken, without following symbolic links; "
		"so "
		"is\n"
		"split DWARF that was packed: NAME.dwp beside NAME. Each is copied to\n"
		"DIR/.build-id/xx/yyyy (debug files to yyyy.debug, packages to yyyy.dwp), xxyyyy "
		"being\n"
		"its build ID. One that is there is not replaced.\n"
		"One line per file: build ID, executable, debug, alternate (of dwz) or package, "
		"and "
		"where\n"
		"it is, separated by tabs. Exit status 2 if one could not be added; the others "
		"are.\n"
		"DIR serves as --symbols and --debug-dir, and as gdb's debug-file-directory.\n",
	.examples = "  snapanalyze symbols add --store /srv/symbols build/release-1.4/\n"
		    "  snapanalyze report --symbols /srv/symbols crash.snap\n"
		    "  gdb -iex 'set debug-file-directory /srv/symbols' prog core\n",
	.takes = SNAP_TAKES_STORE | SNAP_TAKES_ADD | SNAP_TAKES_SANDBOX,
	.run = run_add,
};

/* ---------------------------------------------------------------- list */

/* Of all files that are there: "xx/name". */
struct kept_list {
	struct snap_symbol_dir *dir;
	char **names;
	size_t num, capacity;
};

static int add_kept(const char *xx, const char *name, void *data)
{
	struct kept_list *list = data;
	if (list->num == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 64;
		char **grown = reallocarray(list->names, capacity, sizeof(*grown));
		if (!grown)
			return -1;
		list->names = grown;
		list->capacity = capacity;
	}
	if (asprintf(&list->names[list->num], "%s/%s", xx, name) < 0)
		return -1;
	list->num++;
	return 0;
}

static int print_kept(size_t index, void *data)
{
	const struct kept_list *list = data;
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_symbol_file file;
	const char *wrong, *slash = strchr(list->names[index], '/');
	char xx[256], name[1024];
	(void)snprintf(xx, sizeof(xx), "%.*s", (int)(slash - list->names[index]), list->names[index]);
	if (snap_symbol_dir_look(list->dir, xx, slash + 1, &file, &wrong, &err) < 0) {
		snap_complain("--store: %s", err.text);
		return SNAP_EXIT_FAILED;
	}
	if (wrong) {
		(void)snap_escape(
			snap_bytes_str(file.path), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
		snap_complain("'%s': %s", name, wrong);
		return SNAP_EXIT_FAILED;
	}
	printf("%s\t%s\t%" PRIu64 "\t", file.build_id, snap_symbol_kind_name(file.kind), file.bytes);
	print_path(file.path);
	return SNAP_EXIT_DONE;
}

static const char *kept_name(size_t index, void *data)
{
	const struct kept_list *list = data;
	return list->names[index];
}

static enum snap_exit run_list(const struct snap_arguments *arguments)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct kept_list list = {0};
	enum snap_exit status = SNAP_EXIT_DONE;
	if (snap_symbol_dir_open(arguments->store, false, &list.dir, &err) < 0) {
		snap_complain("--store: %s", err.text);
		return SNAP_EXIT_FAILED;
	}
	bool failed = snap_symbol_dir_each(list.dir, add_kept, &list, &err) < 0;
	const struct snap_work work = {
		.job = {.num_inputs = list.num, .run = print_kept, .data = &list, .name = kept_name},
		.num_workers = 1,
		.symbol_dir = list.dir,
	};
	if (list.num > 0)
		status = snap_do_work(arguments, &work);
	if (failed) {
		snap_complain("--store: %s", err.code ? err.text : "out of memory");
		status = SNAP_EXIT_FAILED;
	}
	for (size_t i = 0; i < list.num; i++)
		free(list.names[i]);
	free(list.names);
	snap_symbol_dir_close(list.dir);
	return status;
}

static const struct snap_verb verb_list = {
	.name = "symbols list",
	.arguments = "--store DIR",
	.summary = "What is kept in such a directory, and whether it is what its name says",
	.text = "\nOne line per file, in order of build ID: build ID, kind, bytes, path, separated "
		"by "
		"tabs.\n"
		"A file whose build ID is not that of its name is complained of, and the exit "
		"status "
		"2.\n",
	.examples = "  snapanalyze symbols list --store /srv/symbols\n",
	.takes = SNAP_TAKES_STORE | SNAP_TAKES_NO_FILES | SNAP_TAKES_SANDBOX,
	.run = run_list,
};

/* ---------------------------------------------------------------- both */

static const struct snap_verb *const verbs[] = {&verb_add, &verb_list, NULL};

const struct snap_verb snap_verb_symbols = {
	.name = "symbols",
	.arguments = "",
	.summary = "Keep a release's executables and debug files: add, list",
	.text = "\nA crash is explained with the files of the very build that crashed: keep them "
		"when "
		"it is\n"
		"released.\n",
	.verbs = verbs,
};
