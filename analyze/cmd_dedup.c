#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/command.h"
#include "analyze/dedup/groups.h"
#include "analyze/dedup/ingest.h"
#include "analyze/dedup/known.h"
#include "analyze/dedup/leaders.h"
#include "analyze/dedup/print.h"
#include "analyze/dedup/prune.h"
#include "analyze/dedup/scores.h"
#include "common/escape.h"

static enum snap_exit fail(const struct snap_error *err)
{
	snap_complain("%s", err->text);
	return err->code == SNAP_ERROR_USAGE ? SNAP_EXIT_USAGE : SNAP_EXIT_FAILED;
}

static enum snap_exit worse(enum snap_exit a, enum snap_exit b)
{
	return a > b ? a : b;
}

/* What the run has, beside its options. */
struct dedup {
	const struct snap_arguments *arguments;
	struct snap_index *index;
	struct snap_known known;
	struct snap_pins pins; /* those of the file; they and those of the command line count */
};

/* ---------------------------------------------------------------- inputs */

static int list_inputs(const struct snap_arguments *arguments, struct snap_input_list *list,
	struct snap_error *err)
{
	for (int i = 0; i < arguments->num_files; i++)
		if (snap_input_list_add(list, arguments->files[i], snap_complain, err) < 0)
			return -1;
	snap_input_list_finish(list);
	if (list->num_passed_over > 0 && list->is_text)
		snap_complain("files that are no text are passed over: %zu", list->num_passed_over);
	else if (list->num_passed_over > 0)
		snap_complain("files that are neither snapshots nor cores are passed over: %zu",
			list->num_passed_over);
	return 0;
}

/* Into the index, in the order of the list. */
static enum snap_exit take_inputs(const struct dedup *dedup, const struct snap_input_list *list)
{
	struct snap_ingested counts = {0};
	struct snap_arguments arguments = *dedup->arguments;
	arguments.unordered = false;
	enum snap_exit status = snap_ingest(
		&arguments, dedup->index, dedup->arguments->grouping.index != NULL, list, &counts);
	return list->num_unreadable > 0 ? SNAP_EXIT_FAILED : status;
}

/* ---------------------------------------------------------------- groups */

static void tell_pruned(const struct snap_group_file *file)
{
	snap_group_file_print(file, stdout);
	(void)putchar('\n');
}

static enum snap_exit prune(const struct dedup *dedup, const struct snap_groups *groups)
{
	const struct snap_grouping *grouping = &dedup->arguments->grouping;
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_pruned pruned;
	if (snap_prune(dedup->index, groups, grouping->keep, grouping->delete, tell_pruned,
		    snap_complain, &pruned, &err) < 0)
		return fail(&err);
	snap_complain("%zu files%s, %.1f MB in all; %zu stay%s", pruned.num_files,
		grouping->delete ? " are removed" : " would go", (double)pruned.bytes / 1e6,
		pruned.num_kept, grouping->delete ? "" : " (--delete removes them)");
	return pruned.num_failures > 0 ? SNAP_EXIT_FAILED : SNAP_EXIT_DONE;
}

static enum snap_exit show(const struct dedup *dedup, const struct snap_groups *groups)
{
	const struct snap_grouping *grouping = &dedup->arguments->grouping;
	const struct snap_known *known = grouping->known ? &dedup->known : NULL;
	if (grouping->has_keep)
		return prune(dedup, groups);
	if (grouping->unique)
		snap_groups_print_examples(groups, stdout);
	else if (grouping->json)
		snap_groups_print_json(groups, known, dedup->arguments->pretty, stdout);
	else
		snap_groups_print(groups, known, stdout);
	if (!grouping->json && groups->num_unsigned > 0)
		snap_complain("%" PRIu64 " inputs have no signature, and are in no group",
			groups->num_unsigned);
	return SNAP_EXIT_DONE;
}

static enum snap_exit look_for_new(const struct dedup *dedup, const struct snap_groups *groups)
{
	size_t num = 0;
	for (size_t i = 0; i < groups->num; i++)
		num += !snap_known_has(&dedup->known, &groups->groups[i]);
	if (num == 0)
		return SNAP_EXIT_DONE;
	snap_complain("%zu of %zu groups are not known", num, groups->num);
	return SNAP_EXIT_ASKED;
}

static void complain_of_pins(size_t num_unknown)
{
	if (num_unknown > 0)
		snap_complain("pins that name a signature that no crash has: %zu", num_unknown);
}

/* One that is to be read alone has to be there. */
static int find_index(const struct snap_arguments *arguments, struct snap_error *err)
{
	char name[256];
	const char *path = arguments->grouping.index;
	if (!path || arguments->num_files > 0 || access(path, F_OK) == 0)
		return 0;
	(void)snap_escape(snap_bytes_str(path), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
	return snap_error_errno(err, errno, "cannot open the index '%s'", name);
}

static enum snap_exit group(const struct dedup *dedup)
{
	const struct snap_grouping *grouping = &dedup->arguments->grouping;
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_joins joins = {0};
	struct snap_groups groups = {0};
	enum snap_exit status = SNAP_EXIT_DONE;
	int r = grouping->similar
			? snap_leaders_assign(
				  dedup->index, dedup->arguments->options.progress, &err)
			: 0;
	if (r == 0)
		r = snap_joins_read(dedup->index, grouping->similar, &dedup->pins, &joins, &err);
	if (r == 0)
		complain_of_pins(joins.num_unknown);
	if (r == 0)
		r = snap_groups_read(dedup->index, &grouping->filter, &joins,
			grouping->json || grouping->has_keep, &groups, &err);
	if (r == 0)
		r = snap_db_check_unchanged(snap_index_db(dedup->index), &err);
	if (r == 0)
		status = show(dedup, &groups);
	if (r == 0 && grouping->fail_on_new)
		status = worse(status, look_for_new(dedup, &groups));
	snap_groups_deinit(&groups);
	snap_joins_deinit(&joins);
	return r < 0 ? fail(&err) : status;
}

/* ---------------------------------------------------------------- the whole */

static int read_pins(struct dedup *dedup, struct snap_error *err)
{
	const struct snap_grouping *grouping = &dedup->arguments->grouping;
	const struct snap_pins *own = &grouping->pins;
	int r = grouping->pins_file ? snap_pins_read(&dedup->pins, grouping->pins_file, err) : 0;
	for (size_t i = 0; i < own->num && r == 0; i++)
		r = snap_pins_add(&dedup->pins, own->pins[i].id, own->pins[i].into, err);
	return r;
}

static int open_index(struct dedup *dedup, struct snap_error *err)
{
	const struct snap_grouping *grouping = &dedup->arguments->grouping;
	bool writes = dedup->arguments->num_files > 0 || grouping->similar || grouping->delete;
	return grouping->index && !writes
		       ? snap_index_open_to_read(grouping->index, &dedup->index, err)
		       : snap_index_open(grouping->index, &dedup->index, err);
}

static enum snap_exit run(struct dedup *dedup)
{
	const struct snap_arguments *arguments = dedup->arguments;
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_input_list list = {
		.is_absolute = arguments->grouping.index != NULL,
		.is_text = arguments->options.from != SNAP_TEXT_NONE,
	};
	enum snap_exit status = SNAP_EXIT_DONE;
	int r = read_pins(dedup, &err);
	if (r == 0 && arguments->grouping.known)
		r = snap_known_read(arguments->grouping.known, &dedup->known, &err);
	if (r == 0)
		r = list_inputs(arguments, &list, &err);
	if (r == 0 && arguments->grouping.scores) {
		status = snap_scores_print(arguments, &list);
	} else if (r == 0) {
		r = find_index(arguments, &err);
		if (r == 0)
			r = open_index(dedup, &err);
		if (r == 0)
			status = take_inputs(dedup, &list);
		if (r == 0)
			status = worse(status, group(dedup));
	}
	snap_input_list_deinit(&list);
	return r < 0 ? fail(&err) : status;
}

static enum snap_exit run_dedup(const struct snap_arguments *arguments)
{
	struct dedup dedup = {.arguments = arguments};
	enum snap_exit status = run(&dedup);
	snap_index_close(dedup.index);
	snap_known_deinit(&dedup.known);
	snap_pins_deinit(&dedup.pins);
	return status;
}

const struct snap_verb snap_verb_dedup = {
	.name = "dedup",
	.arguments = "FILE|DIR...",
	.summary = "Groups of the same bug: how many, since when, where, an example",
	.text = "\nOf directories, all snapshots and cores in them are taken. With --index, what the index\n"
		"has counts, too, and FILEs may be left out. A crash of which less is known belongs to the\n"
		"group of its like of which more is: see docs/grouping.rst.\n",
	.examples = "  snapanalyze dedup spool\n"
		    "  snapanalyze dedup --json --since 7d --version 1.2 --index crashes.db\n"
		    "  snapanalyze dedup --known known.txt --fail-on-new results; [ $? -ne 3 ] || echo new\n"
		    "  snapanalyze dedup --keep 5 --delete spool\n",
	.takes = SNAP_TAKES_SYMBOLS | SNAP_TAKES_FRAMES | SNAP_TAKES_PRETTY | SNAP_TAKES_RULES |
		 SNAP_TAKES_JOBS | SNAP_TAKES_SANDBOX | SNAP_TAKES_INDEX | SNAP_TAKES_GROUPS |
		 SNAP_TAKES_FROM | SNAP_TAKES_FIRMWARE,
	.run = run_dedup,
};
