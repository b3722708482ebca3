#include "analyze/dedup/scores.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyze/dedup/entry.h"
#include "analyze/dedup/entry_stream.h"
#include "analyze/dedup/print.h"
#include "analyze/dedup/similar.h"

struct scoring {
	const struct snap_input_list *list;
	struct snap_similar *similar;
	struct snap_group_file *earlier; /* by number of the stack */
	size_t num, capacity;
	bool failed; /* no memory */
};

static bool remember(struct scoring *scoring, const struct snap_group_file *file,
	const struct snap_similar_stack *stack)
{
	uint32_t number;
	if (scoring->num == scoring->capacity) {
		size_t capacity = scoring->capacity ? 2 * scoring->capacity : 256;
		struct snap_group_file *grown =
			reallocarray(scoring->earlier, capacity, sizeof(*grown));
		if (!grown)
			return false;
		scoring->earlier = grown;
		scoring->capacity = capacity;
	}
	if (snap_similar_add(scoring->similar, stack, &number, NULL) < 0)
		return false;
	scoring->earlier[number] = *file;
	scoring->num = (size_t)number + 1;
	return true;
}

static void score(struct scoring *scoring, size_t index, const struct snap_entry *entry)
{
	struct snap_similar_hit hits[SNAP_SCORES_MAX];
	const struct snap_group_file file = {
		.path = scoring->list->inputs[index].path, .line = entry->line};
	const struct snap_similar_stack stack = {
		.kind = entry->kind,
		.functions = entry->evidence.functions,
		.num = entry->evidence.num_functions,
	};
	size_t num = snap_similar_query(scoring->similar, &stack, -1, hits, SNAP_SCORES_MAX);
	for (size_t i = 0; i < num; i++) {
		snap_group_file_print(&file, stdout);
		(void)putchar('\t');
		snap_group_file_print(&scoring->earlier[hits[i].number], stdout);
		printf("\t%.4f\n", hits[i].similarity);
	}
	scoring->failed = !remember(scoring, &file, &stack);
}

static void take(size_t index, struct snap_bytes bytes, void *data)
{
	struct scoring *scoring = data;
	struct snap_bytes packed;
	while (!scoring->failed && snap_entry_stream_next(&bytes, &packed)) {
		struct snap_arena arena;
		struct snap_entry entry;
		snap_arena_init(&arena, 4 * (size_t)SNAP_ENTRY_MAX_BYTES);
		if (snap_entry_unpack(packed, &arena, &entry, NULL) == 0 && entry.id)
			score(scoring, index, &entry);
		snap_arena_deinit(&arena);
	}
}

enum snap_exit snap_scores_print(
	const struct snap_arguments *arguments, const struct snap_input_list *list)
{
	static const struct snap_similar_weights weights = SNAP_SIMILAR_WEIGHTS;
	struct snap_arguments crashed = snap_entry_stream_arguments(arguments);
	struct scoring scoring = {
		.list = list, .similar = snap_similar_create(&weights, NULL)};
	struct snap_collector collector = {.take = take, .data = &scoring};
	char **files = malloc((list->num + 1) * sizeof(files[0]));
	enum snap_exit status = SNAP_EXIT_FAILED;
	scoring.failed = !scoring.similar || !files;
	if (!scoring.failed) {
		for (size_t i = 0; i < list->num; i++)
			files[i] = list->inputs[i].path;
		crashed.files = files;
		crashed.num_files = (int)list->num;
		/* What is before another is told by their order. */
		crashed.unordered = false;
		status = snap_collect_inputs(
			&crashed, SNAP_INPUT_FULL, snap_entry_stream_give, &collector);
	}
	if (scoring.failed) {
		snap_complain("out of memory");
		status = SNAP_EXIT_FAILED;
	}
	snap_similar_destroy(scoring.similar);
	free(scoring.earlier);
	free(files);
	return status;
}
