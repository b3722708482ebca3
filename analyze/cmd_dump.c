#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyze/command.h"
#include "analyze/fields/unknown.h"
#include "analyze/input/input.h"
#include "analyze/report/hex.h"
#include "analyze/report/records.h"
#include "analyze/report/text_fields.h"
#include "analyze/report/words.h"
#include "analyze/tokens/apply.h"
#include "common/snapshot_read.h"

/* Of a record, what we do not know; its own bytes are shown already where nothing is decoded. */
static void dump_fields(struct snap_bytes record, bool is_foreign,
	struct snap_overlays *overlays, bool is_known)
{
	struct snap_arena arena;
	struct snap_fields fields;
	struct snap_error err = SNAP_ERROR_INIT;
	snap_arena_init(&arena, SIZE_MAX);
	if (snap_fields_find(record, is_foreign, overlays, &arena, &fields, &err) < 0)
		snap_complain("%s", err.text);
	else if (is_known || (fields.num > 0 && fields.list[0].declared))
		snap_text_field_list(&fields, "        ", stdout);
	snap_arena_deinit(&arena);
}

/* Below a record: what a text in it says that is tokenised. */
static int say(struct snap_detokeniser *detokeniser, struct snap_arena *arena, const char *name,
	struct snap_bytes field, struct snap_error *err)
{
	struct snap_detokenised text;
	if (snap_detokenise(detokeniser, field, arena, &text, err) < 0)
		return -1;
	if (text.kind != SNAP_TOKEN_WHOLE && text.kind != SNAP_TOKEN_NESTED)
		return 0;
	printf("        %s says: \"", name);
	snap_print(stdout, text.text);
	(void)fputs("\"\n", stdout);
	return 0;
}

static int say_all(struct snap_detokeniser *detokeniser, const struct snap_record *record,
	struct snap_error *err)
{
	struct snap_arena arena;
	int r = 0;
	snap_arena_init(&arena, SIZE_MAX);
	if (record->decoded && record->number == SNAP_RECORD_LOG) {
		const struct snap_log *log = &record->u.log;
		if (say(detokeniser, &arena, "message", log->message, err) < 0 ||
			say(detokeniser, &arena, "module", log->module, err) < 0 ||
			say(detokeniser, &arena, "file", log->file, err) < 0 ||
			say(detokeniser, &arena, "thread", log->thread, err) < 0)
			r = -1;
	} else if (record->decoded && record->number == SNAP_RECORD_METADATA) {
		const struct snap_metadata *metadata = &record->u.metadata;
		if (say(detokeniser, &arena, "reason", metadata->reason, err) < 0 ||
			say(detokeniser, &arena, "project_name", metadata->project_name, err) < 0 ||
			say(detokeniser, &arena, "device_name", metadata->device_name, err) < 0)
			r = -1;
	} else if (record->decoded && record->number == SNAP_RECORD_THREAD) {
		r = say(detokeniser, &arena, "name", record->u.thread.name, err);
	}
	snap_arena_deinit(&arena);
	return r;
}

/*
 * Straight from the file, so that whoever doubts the model sees what it was made of. detokeniser:
 * NULL without --tokens.
 */
static void dump_snapshot(const struct snap_crash *crash, struct snap_detokeniser *detokeniser,
	struct snap_overlays *overlays, bool full)
{
	struct snap_scan scan;
	struct snap_error err = SNAP_ERROR_INIT;
	if (snap_snapshot_scan(crash->input->data, &scan, &err) < 0) {
		snap_complain("%s", err.text);
		return;
	}
	struct snap_reader reader;
	struct snap_record record;
	int r;
	snap_reader_init(&reader, crash->input->data, scan.readable_len);
	while (!ferror(stdout) && (r = snap_reader_next(&reader, &record, &err)) != 0) {
		if (r > 0) {
			snap_record_print(stdout, &record, crash->device.family, full);
			dump_fields(
				snap_bytes(reader.file.data + record.off, record.end - record.off),
				scan.integrity == SNAP_INTEGRITY_UNMARKED, overlays,
				record.decoded);
		}
		if (r < 0 || (detokeniser && say_all(detokeniser, &record, &err) < 0))
			printf("            %s\n", err.text);
	}
	snap_reader_deinit(&reader);
	if (scan.integrity == SNAP_INTEGRITY_TRUNCATED || scan.integrity == SNAP_INTEGRITY_CORRUPT)
		printf("%10zu  %s: %s (at byte %zu); %zu bytes not shown\n", scan.readable_len,
			snap_integrity_name(scan.integrity), scan.why, scan.fault_off,
			crash->input->data.len - scan.readable_len);
}

static void dump_core(const struct snap_crash *crash, bool full)
{
	enum { FIRST_BYTES = 64 };
	for (size_t i = 0; i < crash->num_threads; i++) {
		const struct snap_thread *thread = &crash->threads[i].record;
		printf("thread %" PRIu64 "\n", thread->tid);
		for (size_t j = 0; j < thread->num_regsets; j++) {
			printf("    note type 0x%" PRIx32 ": %zu bytes\n", thread->regsets[j].type,
				thread->regsets[j].data.len);
			snap_hex_print(stdout, "      ", 0, thread->regsets[j].data,
				full ? SIZE_MAX : FIRST_BYTES);
		}
	}
	if (crash->signal.siginfo.data) {
		printf("siginfo: %zu bytes\n", crash->signal.siginfo.len);
		snap_hex_print(stdout, "    ", 0, crash->signal.siginfo, SIZE_MAX);
	}
	for (size_t i = 0; i < crash->num_mappings; i++) {
		const struct snap_mapping *mapping = &crash->mappings[i];
		printf("segment 0x%" PRIx64 "-0x%" PRIx64 " ", mapping->start, mapping->end);
		snap_print(stdout, mapping->path);
		(void)fputc('\n', stdout);
	}
	for (size_t i = 0; i < crash->memory.num_segments; i++) {
		const struct snap_memory_segment *segment = &crash->memory.segments[i];
		printf("memory 0x%" PRIx64 "-0x%" PRIx64 " at byte %" PRIu64 " of the file\n",
			segment->start, segment->start + segment->len, segment->file_off);
	}
}

static enum snap_exit dump_one(
	struct snap_crash *crash, const struct snap_arguments *arguments, void *data)
{
	size_t *num = data;
	if (arguments->num_files > 1) {
		(void)fputs(snap_head_begin(*num), stdout);
		snap_print_str(stdout, crash->file);
		(void)fputs(" <==\n", stdout);
	}
	(*num)++;
	if (arguments->has_memory) {
		int64_t r = snap_hex_print_memory(
			stdout, &crash->memory, arguments->memory_addr, arguments->memory_len);
		if (r < 0) {
			snap_complain("cannot read the input's memory: %s", strerror((int)-r));
			return SNAP_EXIT_FAILED;
		}
	} else if (crash->is_core) {
		dump_core(crash, arguments->full);
	} else {
		const struct snap_tokens *tokens = arguments->options.tokens;
		struct snap_detokeniser *detokeniser =
			tokens ? snap_detokeniser_create_for(crash, tokens) : NULL;
		if (tokens && !detokeniser) {
			snap_complain("out of memory");
			return SNAP_EXIT_FAILED;
		}
		dump_snapshot(crash, detokeniser, arguments->overlays, arguments->full);
		snap_detokeniser_destroy(detokeniser);
	}
	return snap_integrity_is_partial(crash->integrity) ? SNAP_EXIT_PARTIAL : SNAP_EXIT_DONE;
}

static enum snap_exit run_dump(const struct snap_arguments *arguments)
{
	size_t num = 0;
	return snap_for_each_input(
		arguments, SNAP_INPUT_SEPARATE | SNAP_INPUT_STREAM, dump_one, &num);
}

const struct snap_verb snap_verb_dump = {
	.name = "dump",
	.arguments = "FILE...",
	.summary = "Raw records and hex, for whoever doubts the rest",
	.text = "\nEvery record in the order of the file: its offset, length, field number and "
		"decoded\n"
		"content. Of an ELF core: registers, segments and where their bytes are.\n"
		"With --tokens, what tokenised texts say stands below a record.\n"
		"ADDR and LEN are decimal, or hexadecimal with 0x.\n",
	.examples = "  snapanalyze dump crash.snap | less\n"
		    "  snapanalyze dump --memory 0x7ffd3a4b1000,256 crash.snap\n",
	.takes = SNAP_TAKES_MEMORY | SNAP_TAKES_PROTO | SNAP_TAKES_SANDBOX,
	.run = run_dump,
};
