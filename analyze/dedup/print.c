#include "analyze/dedup/print.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/report/json_writer.h"
#include "common/escape.h"
#include "common/words.h"

#define NS_PER_S INT64_C(1000000000)

/* What is longer than this of a text that is not the table's last is cut. */
#define MAX_CELL 16

/* ---------------------------------------------------------------- text */

static void put_escaped(const char *text, FILE *out)
{
	char buffer[1024];
	struct snap_bytes rest = snap_bytes_str(text);
	/* Whole: in parts that end between characters. */
	while (rest.len > 0) {
		size_t len = rest.len < sizeof(buffer) / 8 ? rest.len : sizeof(buffer) / 8;
		while (len < rest.len && len > 1 && (rest.data[len] & 0xc0) == 0x80)
			len--;
		(void)snap_escape(snap_bytes(rest.data, len), SNAP_ESCAPE_TERMINAL, buffer,
			sizeof(buffer)); /* each byte takes four at most */
		(void)fputs(buffer, out); /* that it failed is found at the end */
		rest.data += len;
		rest.len -= len;
	}
}

void snap_group_file_print(const struct snap_group_file *file, FILE *out)
{
	put_escaped(file->path, out);
	if (file->line > 0)
		(void)fprintf(out, ":%" PRIu64, file->line);
}

/* "2026-11-27 10:30", in UTC. */
static void put_minute(int64_t time_ns, FILE *out)
{
	char words[40] = "";
	snap_time_words(time_ns / NS_PER_S, 0, words);
	if (strlen(words) >= 16) {
		words[10] = ' ';
		words[16] = '\0';
	}
	(void)fprintf(out, "  %-16s", words);
}

/* In width columns, as far as each character takes one. */
static void put_cell(const char *text, int width, FILE *out)
{
	char cell[4 * MAX_CELL + 1];
	(void)snap_escape(snap_bytes_str(text), SNAP_ESCAPE_TERMINAL, cell, (size_t)width + 1);
	(void)fprintf(out, "  %-*s", width, cell);
}

static int version_width(const struct snap_groups *groups)
{
	size_t width = strlen("NEW IN");
	for (size_t i = 0; i < groups->num; i++) {
		const char *version = groups->groups[i].new_in;
		if (version && strlen(version) > width)
			width = strlen(version);
	}
	return width < MAX_CELL ? (int)width : MAX_CELL;
}

void snap_groups_print(const struct snap_groups *groups, const struct snap_known *known, FILE *out)
{
	int width = version_width(groups);
	if (groups->num == 0)
		return;
	(void)fprintf(out, "%7s  %-16s  %-16s  %-7s  %-*s  %8s  %7s  %s\n", "COUNT", "FIRST SEEN",
		"LAST SEEN", "TREND", width, "NEW IN", "VERSIONS", "DEVICES", "SIGNATURE");
	for (size_t i = 0; i < groups->num; i++) {
		const struct snap_group *group = &groups->groups[i];
		(void)fprintf(out, "%7" PRIu64, group->count);
		put_minute(group->first_ns, out);
		put_minute(group->last_ns, out);
		put_cell(snap_trend_name(group->trend), 7, out);
		put_cell(group->new_in ? group->new_in : "-", width, out);
		(void)fprintf(out, "  %8zu  %7zu  ", group->num_versions, group->num_devices);
		put_escaped(group->text, out);
		(void)fprintf(out, "\n         %s", group->id);
		if (known)
			(void)fputs(snap_known_has(known, group) ? "  known" : "  NEW", out);
		if (group->example) {
			(void)fputs("  ", out);
			snap_group_file_print(group->example, out);
		}
		(void)fputc('\n', out);
	}
}

void snap_groups_print_examples(const struct snap_groups *groups, FILE *out)
{
	for (size_t i = 0; i < groups->num; i++)
		if (groups->groups[i].example) {
			snap_group_file_print(groups->groups[i].example, out);
			(void)fputc('\n', out);
		}
}

/* ---------------------------------------------------------------- JSON */

static void put_time(struct snap_json *w, const char *key, int64_t time_ns)
{
	char words[40] = "";
	snap_time_words(time_ns / NS_PER_S, (uint32_t)(time_ns % NS_PER_S), words);
	snap_json_put_string(w, key, words[0] ? words : NULL);
}

static void put_file(struct snap_json *w, const char *key, const struct snap_group_file *file)
{
	char line[32];
	if (!file) {
		snap_json_put_null(w, key);
		return;
	}
	if (file->line == 0) {
		snap_json_put_string(w, key, file->path);
		return;
	}
	(void)snprintf(line, sizeof(line), ":%" PRIu64, file->line);
	char *whole = malloc(strlen(file->path) + strlen(line) + 1);
	if (whole)
		(void)stpcpy(stpcpy(whole, file->path), line);
	snap_json_put_string(w, key, whole ? whole : file->path);
	free(whole);
}

static void put_files(
	struct snap_json *w, const char *key, const struct snap_group_file *files, size_t num)
{
	snap_json_begin_array(w, key);
	for (size_t i = 0; i < num; i++)
		put_file(w, NULL, &files[i]);
	snap_json_end_array(w);
}

static void put_counts(struct snap_json *w, const char *key, const struct snap_group_count *counts,
	size_t num)
{
	snap_json_begin_array(w, key);
	for (size_t i = 0; i < num; i++) {
		snap_json_begin_object(w, NULL);
		snap_json_put_string(w, "name", counts[i].name);
		snap_json_put_number(w, "count", counts[i].num);
		put_time(w, "first_seen", counts[i].first_ns);
		snap_json_end_object(w);
	}
	snap_json_end_array(w);
}

static void put_ids(struct snap_json *w, const struct snap_group *group)
{
	snap_json_begin_array(w, "signatures");
	for (size_t i = 0; i < group->num_ids; i++) {
		const struct snap_group_id *id = &group->ids[i];
		snap_json_begin_object(w, NULL);
		snap_json_put_string(w, "id", id->id);
		snap_json_put_number(w, "count", id->num);
		if (id->has_similarity)
			snap_json_put_real(w, "similarity", id->similarity);
		else
			snap_json_put_null(w, "similarity");
		snap_json_end_object(w);
	}
	snap_json_end_array(w);
}

static void put_group(
	struct snap_json *w, const struct snap_group *group, const struct snap_known *known)
{
	snap_json_begin_object(w, NULL);
	snap_json_put_string(w, "id", group->id);
	snap_json_put_string(w, "text", group->text);
	snap_json_put_string(w, "kind", group->kind);
	snap_json_put_number(w, "count", group->count);
	put_time(w, "first_seen", group->first_ns);
	put_time(w, "last_seen", group->last_ns);
	snap_json_put_string(w, "trend", snap_trend_name(group->trend));
	snap_json_put_number(w, "last_week", group->num_last_week);
	snap_json_put_number(w, "week_before", group->num_week_before);
	if (known)
		snap_json_put_bool(w, "known", snap_known_has(known, group));
	snap_json_put_string(w, "new_in", group->new_in);
	put_counts(w, "versions", group->versions, group->num_versions);
	put_counts(w, "devices", group->devices, group->num_devices);
	put_ids(w, group);
	put_file(w, "example", group->example);
	put_files(w, "files", group->files, group->num_files);
	snap_json_end_object(w);
}

void snap_groups_print_json(const struct snap_groups *groups, const struct snap_known *known,
	bool pretty, FILE *file)
{
	static struct snap_out out;
	struct snap_json json;
	snap_out_init(&out, file);
	snap_json_init(&json, &out, pretty);
	snap_json_begin_object(&json, NULL);
	snap_json_put_string(&json, "schema", "snapcrash-dedup/1");
	snap_json_begin_array(&json, "groups");
	for (size_t i = 0; i < groups->num; i++)
		put_group(&json, &groups->groups[i], known);
	snap_json_end_array(&json);
	snap_json_put_number(&json, "crashes", groups->num_crashes);
	snap_json_begin_object(&json, "without_signature");
	snap_json_put_number(&json, "count", groups->num_unsigned);
	put_files(&json, "files", groups->unsigned_files, groups->num_unsigned_files);
	snap_json_end_object(&json);
	snap_json_end_object(&json);
	snap_json_end_line(&json);
	snap_out_flush(&out);
}
