#include "analyze/dedup/ingest.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analyze/dedup/entry.h"
#include "analyze/dedup/entry_stream.h"
#include "analyze/signature/levels.h"
#include "analyze/signature/rules.h"
#include "common/escape.h"

/* Entries are added so many at a time, or so many bytes of them: others wait meanwhile. */
#define MAX_WAITING	  256
#define MAX_WAITING_BYTES ((size_t)8 << 20)

/* Copies of one snapshot. */
#define MAX_TOLD 5

struct waiting {
	size_t index; /* of the file */
	uint8_t *bytes;
	size_t len;
};

struct ingest {
	const struct snap_arguments *arguments;
	struct snap_index *index;
	bool keeps;
	const struct snap_input_list *list;
	const size_t *files; /* those that are worked on, as indices into the list */
	bool *is_known;	     /* of each in the list: it needs no analysis */
	struct waiting waiting[MAX_WAITING];
	size_t num_waiting, waiting_bytes;
	struct snap_ingested *counts;
	size_t num_told; /* copies that were named */
	bool failed;	 /* the index can't be written: said once */
};

static void fail(struct ingest *ingest, const struct snap_error *err)
{
	if (!ingest->failed)
		snap_complain("%s", err->text);
	ingest->failed = true;
}

/* ---------------------------------------------------------------- adding */

static int64_t time_of(const struct snap_listed_input *input)
{
	struct timespec time = input->st.st_mtim;
	if (time.tv_sec == 0)
		(void)clock_gettime(CLOCK_REALTIME, &time); /* there is such a clock */
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void note_copy(struct ingest *ingest, const char *path, const struct snap_entry *entry)
{
	char other[1024] = "", name[1024], other_name[1024];
	uint64_t completeness;
	bool has;
	ingest->counts->num_copies++;
	if (ingest->num_told >= MAX_TOLD ||
		snap_index_find_uuid(ingest->index, entry->uuid, other, sizeof(other),
			&completeness, &has, NULL) < 0)
		return;
	(void)snap_escape(snap_bytes_str(path), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
	(void)snap_escape(snap_bytes_str(other), SNAP_ESCAPE_TERMINAL, other_name, sizeof(other_name));
	if (strcmp(other, path) == 0)
		return;
	snap_complain("'%s' is the same snapshot as '%s', and counts once", name, other_name);
	if (++ingest->num_told == MAX_TOLD)
		snap_complain("further ones are not told of");
}

static int add_entry(struct ingest *ingest, size_t at, struct snap_bytes packed, struct snap_error *err)
{
	const struct snap_listed_input *input = &ingest->list->inputs[at];
	struct snap_arena arena;
	struct snap_entry entry;
	bool is_new;
	snap_arena_init(&arena, 4 * (size_t)SNAP_ENTRY_MAX_BYTES);
	int r = snap_entry_unpack(packed, &arena, &entry, err);
	if (r < 0) {
		char name[1024];
		(void)snap_escape(
			snap_bytes_str(input->path), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
		snap_complain("'%s' is left out: %s", name, err->text);
		r = 0;
	} else {
		r = snap_index_add(
			ingest->index, input->path, &entry, time_of(input), &is_new, err);
		if (r == 0 && is_new) {
			ingest->counts->num_new++;
			ingest->counts->num_unsigned += !entry.id;
		} else if (r == 0) {
			note_copy(ingest, input->path, &entry);
		}
	}
	snap_arena_deinit(&arena);
	return r;
}

static int add_entries(struct ingest *ingest, const struct waiting *waiting, struct snap_error *err)
{
	const struct snap_listed_input *input = &ingest->list->inputs[waiting->index];
	bool is_known = false;
	/* Somebody else may have been quicker. */
	if (ingest->keeps && input->st.st_ino != 0 &&
		snap_index_has_file(ingest->index, input->path, &input->st, &is_known, err) < 0)
		return -1;
	if (is_known) {
		ingest->counts->num_known++;
		return 0;
	}
	if (input->st.st_ino != 0 &&
		snap_index_add_file(ingest->index, input->path, &input->st, err) < 0)
		return -1;
	struct snap_bytes stream = snap_bytes(waiting->bytes, waiting->len), packed;
	bool has_several = ingest->arguments->options.from != SNAP_TEXT_NONE;
	for (size_t i = 0; (i == 0 || has_several) && snap_entry_stream_next(&stream, &packed); i++)
		if (add_entry(ingest, waiting->index, packed, err) < 0)
			return -1;
	return 0;
}

static void flush_waiting(struct ingest *ingest)
{
	struct snap_error err = SNAP_ERROR_INIT;
	int r = ingest->num_waiting > 0 && !ingest->failed
			? snap_index_begin_by(ingest->index, SNAP_SIGNATURE_VERSION,
				  snap_rules_digest(ingest->arguments->rules), &err)
			: 0;
	for (size_t i = 0; i < ingest->num_waiting; i++) {
		if (r == 0 && !ingest->failed)
			r = add_entries(ingest, &ingest->waiting[i], &err);
		free(ingest->waiting[i].bytes);
	}
	if (ingest->num_waiting > 0 && !ingest->failed) {
		if (r == 0)
			r = snap_index_end(ingest->index, &err);
		else
			snap_index_undo(ingest->index);
		if (r < 0)
			fail(ingest, &err);
	}
	ingest->num_waiting = ingest->waiting_bytes = 0;
}

/* ---------------------------------------------------------------- analysing */

static void take(size_t index, struct snap_bytes bytes, void *data)
{
	struct ingest *ingest = data;
	uint8_t *copy = malloc(bytes.len > 0 ? bytes.len : 1);
	if (!copy) {
		struct snap_error err = SNAP_ERROR_INIT;
		(void)snap_error_no_memory(&err);
		fail(ingest, &err);
		return;
	}
	if (bytes.len > 0)
		memcpy(copy, bytes.data, bytes.len);
	ingest->waiting[ingest->num_waiting++] = (struct waiting){
		.index = ingest->files[index], .bytes = copy, .len = bytes.len};
	ingest->waiting_bytes += bytes.len;
	if (ingest->num_waiting == MAX_WAITING || ingest->waiting_bytes >= MAX_WAITING_BYTES)
		flush_waiting(ingest);
}

/* What is known of a snapshot without analysing it: its uuid, behind whether it is whole. */
static enum snap_exit give_uuid(
	struct snap_crash *crash, const struct snap_arguments *arguments, void *data)
{
	uint8_t bytes[1 + 64] = {crash->integrity == SNAP_INTEGRITY_COMPLETE};
	struct snap_bytes uuid = crash->metadata.snapshot_uuid;
	(void)arguments;
	if (uuid.len > 0 && uuid.len < sizeof(bytes)) {
		memcpy(bytes + 1, uuid.data, uuid.len);
		snap_collector_add(data, snap_bytes(bytes, 1 + uuid.len));
	}
	return SNAP_EXIT_DONE;
}

static int add_copy(struct ingest *ingest, const struct snap_listed_input *input,
	struct snap_bytes uuid, const char *file, struct snap_error *err)
{
	/* Of what is there twice, where it was seen first counts, as long as that is there. */
	bool moves = strcmp(file, input->path) == 0 || access(file, F_OK) < 0;
	if (snap_index_begin(ingest->index, err) < 0)
		return -1;
	if (snap_index_add_copy(ingest->index, input->path, &input->st, uuid, moves, err) == 0)
		return snap_index_end(ingest->index, err);
	snap_index_undo(ingest->index);
	return -1;
}

static void take_uuid(size_t index, struct snap_bytes bytes, void *data)
{
	struct ingest *ingest = data;
	size_t at = ingest->files[index];
	char file[PATH_MAX];
	struct snap_error err = SNAP_ERROR_INIT;
	uint64_t completeness = 0;
	bool has = false;
	if (bytes.len < 2 || ingest->failed)
		return;
	bool is_whole = bytes.data[0];
	struct snap_bytes uuid = snap_bytes(bytes.data + 1, bytes.len - 1);
	int r = snap_index_find_uuid(
		ingest->index, uuid, file, sizeof(file), &completeness, &has, &err);
	/* What was seen may have been a part of it. */
	has = has && (completeness & SNAP_ENTRY_WHOLE || !is_whole);
	if (r == 0 && has)
		r = add_copy(ingest, &ingest->list->inputs[at], uuid, file, &err);
	if (r < 0)
		fail(ingest, &err);
	ingest->counts->num_copies += has;
	ingest->is_known[at] = has;
}

/* ---------------------------------------------------------------- the whole */

typedef enum snap_exit run_fn(struct ingest *ingest, const struct snap_arguments *arguments);

static enum snap_exit run_uuids(struct ingest *ingest, const struct snap_arguments *arguments)
{
	struct snap_collector collector = {.take = take_uuid, .data = ingest, .is_quiet = true};
	return snap_collect_inputs(arguments, 0, give_uuid, &collector);
}

static enum snap_exit run_entries(struct ingest *ingest, const struct snap_arguments *arguments)
{
	struct snap_collector collector = {.take = take, .data = ingest};
	enum snap_exit status =
		snap_collect_inputs(arguments, SNAP_INPUT_FULL, snap_entry_stream_give, &collector);
	flush_waiting(ingest);
	return status;
}

/* With those of the list that are not known; of files alone, what can be read once only is left out. */
static enum snap_exit run_on_unknown(struct ingest *ingest, run_fn *run, bool files_alone)
{
	size_t num = 0;
	char **files = malloc((ingest->list->num + 1) * sizeof(files[0]));
	size_t *indices = malloc((ingest->list->num + 1) * sizeof(indices[0]));
	enum snap_exit status = SNAP_EXIT_FAILED;
	if (files && indices) {
		for (size_t i = 0; i < ingest->list->num; i++)
			if (!ingest->is_known[i] &&
				(!files_alone || ingest->list->inputs[i].st.st_ino != 0)) {
				files[num] = ingest->list->inputs[i].path;
				indices[num++] = i;
			}
		struct snap_arguments arguments = *ingest->arguments;
		arguments.files = files;
		arguments.num_files = (int)num;
		ingest->files = indices;
		status = num > 0 ? run(ingest, &arguments) : SNAP_EXIT_DONE;
	} else {
		snap_complain("out of memory");
	}
	free(files);
	free(indices);
	return status;
}

/* Those files that are as they were when they were read. */
static void find_known(struct ingest *ingest)
{
	struct snap_error err = SNAP_ERROR_INIT;
	for (size_t i = 0; i < ingest->list->num && !ingest->failed; i++) {
		const struct snap_listed_input *input = &ingest->list->inputs[i];
		if (input->st.st_ino != 0 &&
			snap_index_has_file(ingest->index, input->path, &input->st,
				&ingest->is_known[i], &err) < 0)
			fail(ingest, &err);
		ingest->counts->num_known += ingest->is_known[i];
	}
}

enum snap_exit snap_ingest(const struct snap_arguments *arguments, struct snap_index *index,
	bool keeps, const struct snap_input_list *list, struct snap_ingested *ret)
{
	struct snap_arguments crashed = snap_entry_stream_arguments(arguments);
	struct ingest *ingest = calloc(1, sizeof(*ingest));
	bool *is_known = calloc(list->num + 1, sizeof(is_known[0]));
	enum snap_exit status = SNAP_EXIT_FAILED;
	if (ingest && is_known) {
		*ingest = (struct ingest){.arguments = &crashed,
			.index = index,
			.keeps = keeps,
			.list = list,
			.is_known = is_known,
			.counts = ret};
		if (keeps) {
			find_known(ingest);
			/* Texts have several, or none. What is wrong the analysis tells. */
			if (arguments->options.from == SNAP_TEXT_NONE)
				(void)run_on_unknown(ingest, run_uuids, true);
		}
		status = ingest->failed ? SNAP_EXIT_FAILED : run_on_unknown(ingest, run_entries, false);
		if (ingest->failed)
			status = SNAP_EXIT_FAILED;
	} else {
		snap_complain("out of memory");
	}
	free(ingest);
	free(is_known);
	return status;
}
