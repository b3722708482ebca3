#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "analyze/command.h"
#include "analyze/dedup/ingest.h"
#include "analyze/dedup/watch.h"

static void print_counts(const struct snap_input_list *list, const struct snap_ingested *counts)
{
	printf("files: %zu, new crashes: %zu", list->num, counts->num_new);
	if (counts->num_known > 0)
		printf(", read before: %zu", counts->num_known);
	if (counts->num_copies > 0)
		printf(", copies: %zu", counts->num_copies);
	if (counts->num_unsigned > 0)
		printf(", without a signature: %zu", counts->num_unsigned);
	if (list->num_passed_over > 0)
		printf(", no inputs: %zu", list->num_passed_over);
	(void)putchar('\n');
	(void)fflush(stdout); /* that it failed is found at the end */
}

static enum snap_exit ingest(const struct snap_arguments *arguments, struct snap_index *index,
	struct snap_input_list *list)
{
	struct snap_ingested counts = {0};
	snap_input_list_finish(list);
	enum snap_exit status = snap_ingest(arguments, index, true, list, &counts);
	print_counts(list, &counts);
	return list->num_unreadable > 0 ? SNAP_EXIT_FAILED : status;
}

static enum snap_exit worse(enum snap_exit a, enum snap_exit b)
{
	return a > b ? a : b;
}

static enum snap_exit fail(const struct snap_error *err)
{
	snap_complain("%s", err->text);
	return err->code == SNAP_ERROR_USAGE ? SNAP_EXIT_USAGE : SNAP_EXIT_FAILED;
}

/* What arrives, until it is told to stop. */
static enum snap_exit follow(const struct snap_arguments *arguments, struct snap_index *index,
	struct snap_watch *watch)
{
	struct snap_error err = SNAP_ERROR_INIT;
	enum snap_exit status = SNAP_EXIT_DONE;
	int r;
	do {
		struct snap_input_list list = {
			.is_absolute = true,
			.is_text = arguments->options.from != SNAP_TEXT_NONE,
		};
		r = snap_watch_wait(watch, &list, snap_complain, &err);
		if (r > 0)
			status = worse(status, ingest(arguments, index, &list));
		snap_input_list_deinit(&list);
	} while (r > 0 && !ferror(stdout));
	return r < 0 ? worse(status, fail(&err)) : status;
}

/* The directories among the files, by absolute paths; *ret is to be freed, as are they. */
static size_t find_directories(const struct snap_arguments *arguments, char **directories)
{
	size_t num = 0;
	for (int i = 0; i < arguments->num_files; i++) {
		struct stat st;
		char *path = stat(arguments->files[i], &st) == 0 && S_ISDIR(st.st_mode)
				     ? realpath(arguments->files[i], NULL)
				     : NULL;
		if (path)
			directories[num++] = path;
	}
	return num;
}

static enum snap_exit ingest_all(const struct snap_arguments *arguments, struct snap_index *index,
	char *const *directories, size_t num_directories)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_watch *watch = NULL;
	struct snap_input_list list = {
		.is_absolute = true, .is_text = arguments->options.from != SNAP_TEXT_NONE};
	int r = 0;
	/* Before what is there is listed, so that nothing comes in between. */
	if (arguments->grouping.watch && num_directories == 0)
		r = snap_error_set(&err, SNAP_ERROR_USAGE, "--watch needs a directory");
	else if (arguments->grouping.watch)
		r = snap_watch_create(directories, num_directories, snap_complain, &watch, &err);
	for (int i = 0; i < arguments->num_files && r == 0; i++)
		r = snap_input_list_add(&list, arguments->files[i], snap_complain, &err);
	enum snap_exit status = r < 0 ? fail(&err) : ingest(arguments, index, &list);
	snap_input_list_deinit(&list);
	if (r == 0 && watch)
		status = worse(status, follow(arguments, index, watch));
	snap_watch_destroy(watch);
	return status;
}

static enum snap_exit run_ingest(const struct snap_arguments *arguments)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_index *index;
	char **directories = calloc((size_t)arguments->num_files + 1, sizeof(directories[0]));
	if (!directories) {
		snap_complain("out of memory");
		return SNAP_EXIT_FAILED;
	}
	size_t num = find_directories(arguments, directories);
	enum snap_exit status;
	if (snap_index_open(arguments->grouping.index, &index, &err) < 0) {
		status = fail(&err);
	} else {
		status = ingest_all(arguments, index, directories, num);
		snap_index_close(index);
	}
	for (size_t i = 0; i < num; i++)
		free(directories[i]);
	free(directories);
	return status;
}

const struct snap_verb snap_verb_ingest = {
	.name = "ingest",
	.arguments = "FILE|DIR...",
	.summary = "Analyse what was not seen yet, into an index",
	.text = "\nOf directories, all snapshots and cores in them are taken. A file that was read before,\n"
		"and a snapshot that another file has, cost nothing. With --watch it goes on, with what\n"
		"arrives in the directories, until SIGINT or SIGTERM. Several may write to an index, and\n"
		"one that is killed leaves it whole.\n",
	.examples = "  snapanalyze ingest /var/lib/snapcrash --index crashes.db\n"
		    "  snapanalyze ingest spool --index crashes.db --symbols release-1.2 --watch\n",
	.takes = SNAP_TAKES_SYMBOLS | SNAP_TAKES_FRAMES | SNAP_TAKES_RULES | SNAP_TAKES_JOBS |
		 SNAP_TAKES_SANDBOX | SNAP_TAKES_INDEX | SNAP_TAKES_WATCH |
		 SNAP_TAKES_FROM | SNAP_TAKES_FIRMWARE,
	.run = run_ingest,
};
