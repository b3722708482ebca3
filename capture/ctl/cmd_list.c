/*
 * snapcrashctl list: the snapshots in the spool.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/ctl/ctl.h"
#include "capture/ctl/json_out.h"
#include "capture/ctl/listing.h"
#include "capture/ctl/words.h"
#include "capture/skipped.h"

/* What stands in a row beside what the name tells. */
struct row {
	bool readable;
	struct snap_error why; /* not */
	struct snap_summary summary;
};

static void read_row(int dir_fd, const char *name, struct row *row)
{
	int fd = snap_listing_open_file(dir_fd, name, &row->why);
	row->readable = fd >= 0 && snap_summary_read(fd, &row->summary, &row->why) == 0;
	if (fd >= 0)
		(void)close(fd); /* nothing was written */
}

static const char *state_of(const struct row *row)
{
	return row->readable ? snap_integrity_name(row->summary.integrity) : "unreadable";
}

static const char *signal_of(const struct row *row, char buf[static SNAP_WORD_MAX])
{
	return row->readable && row->summary.has_signo ? snap_word_signal(row->summary.signo, buf)
						       : "-";
}

static struct snap_bytes exe_of(const struct row *row)
{
	return row->readable && row->summary.exe_len > 0
		       ? snap_bytes(row->summary.exe, row->summary.exe_len)
		       : snap_bytes_str("-");
}

static struct snap_bytes comm_of(const struct snap_listed *entry)
{
	return snap_bytes(entry->parts.comm, entry->parts.comm_len);
}

/* ---------------------------------------------------------------- a table */

/* The columns whose width depends on what is in them. */
struct widths {
	int comm, exe;
};

static int width_of(struct snap_bytes bytes)
{
	struct snap_ctl_shown shown;
	return (int)strlen(snap_ctl_show(bytes, &shown));
}

static void print_row(
	const struct snap_listed *entry, const struct row *row, const struct widths *widths)
{
	char time[SNAP_WORD_MAX], signal[SNAP_WORD_MAX], bytes[SNAP_WORD_MAX];
	struct snap_ctl_shown comm, exe;
	printf("%s  %7llu  %-9s  %7s  %-10s  %-*s  %-*s  %s\n",
		snap_word_time(entry->parts.time_s, ' ', time),
		(unsigned long long)entry->parts.pid, signal_of(row, signal),
		snap_word_bytes(entry->bytes, bytes), state_of(row), widths->comm,
		snap_ctl_show(comm_of(entry), &comm), widths->exe, snap_ctl_show(exe_of(row), &exe),
		entry->name);
}

/* Crashes of which there are no snapshots. */
static void print_skipped(const struct snap_skipped *skipped)
{
	char first[SNAP_WORD_MAX], last[SNAP_WORD_MAX], signal[SNAP_WORD_MAX], uid[SNAP_WORD_MAX];
	if (skipped->num == 0)
		return;
	printf("\nSkipped:\n%7s  %-19s  %-19s  %-9s  %7s  %-8s  %s\n", "COUNT", "FIRST (UTC)",
		"LAST", "SIGNAL", "UID", "REASON", "EXECUTABLE");
	for (size_t i = 0; i < skipped->num; i++) {
		const struct snap_skipped_line *line = &skipped->lines[i];
		(void)snprintf(uid, sizeof(uid), "%lu", (unsigned long)line->uid);
		printf("%7llu  %s  %s  %-9s  %7s  %-8s  %s\n", (unsigned long long)line->count,
			snap_word_time(line->first_s, ' ', first),
			snap_word_time(line->last_s, ' ', last),
			line->has_signo ? snap_word_signal((int32_t)line->signo, signal) : "-",
			line->has_uid ? uid : "-", line->reason, line->exe);
	}
}

static void print_table(const struct snap_listing *listing, const struct row *rows)
{
	struct widths widths = {4, 3};
	char bytes[SNAP_WORD_MAX];
	for (size_t i = 0; i < listing->num; i++) {
		int comm = width_of(comm_of(&listing->entries[i])),
		    exe = width_of(exe_of(&rows[i]));
		widths.comm = comm > widths.comm ? comm : widths.comm;
		widths.exe = exe > widths.exe ? exe : widths.exe;
	}
	if (listing->num > 0)
		printf("%-19s  %7s  %-9s  %7s  %-10s  %-*s  %-*s  %s\n", "TIME (UTC)", "PID",
			"SIGNAL", "BYTES", "STATE", widths.comm, "NAME", widths.exe, "EXECUTABLE",
			"SNAPSHOT");
	for (size_t i = 0; i < listing->num; i++)
		print_row(&listing->entries[i], &rows[i], &widths);
	printf("%zu snapshot%s, %s\n", listing->num, snap_word_plural(listing->num),
		snap_word_bytes(listing->bytes, bytes));
}

/* ---------------------------------------------------------------- JSON */

static void print_json_row(
	struct snap_json *json, const struct snap_listed *entry, const struct row *row)
{
	const struct snap_summary *summary = &row->summary;
	char time[SNAP_WORD_MAX], signal[SNAP_WORD_MAX];
	snap_json_object(json, NULL);
	snap_json_string(json, "name", entry->name);
	snap_json_string(json, "time", snap_word_time(entry->parts.time_s, 'T', time));
	snap_json_number(json, "pid", entry->parts.pid);
	snap_json_bytes(json, "comm", comm_of(entry));
	snap_json_number(json, "bytes", entry->bytes);
	snap_json_string(json, "state", state_of(row));
	if (row->readable && summary->exe_len > 0)
		snap_json_bytes(json, "exe", snap_bytes(summary->exe, summary->exe_len));
	else
		snap_json_null(json, "exe");
	if (row->readable && summary->has_signo) {
		snap_json_number(json, "signo", (uint64_t)(uint32_t)summary->signo);
		snap_json_string(json, "signal", snap_word_signal(summary->signo, signal));
	} else {
		snap_json_null(json, "signo");
		snap_json_null(json, "signal");
	}
	if (row->readable && summary->has_uid)
		snap_json_number(json, "uid", summary->uid);
	else
		snap_json_null(json, "uid");
	snap_json_end(json, '}');
}

static void print_json_skipped(struct snap_json *json, const struct snap_skipped_line *line)
{
	char time[SNAP_WORD_MAX];
	snap_json_object(json, NULL);
	snap_json_number(json, "count", line->count);
	snap_json_string(json, "first", snap_word_time(line->first_s, 'T', time));
	snap_json_string(json, "last", snap_word_time(line->last_s, 'T', time));
	if (line->has_signo)
		snap_json_number(json, "signo", line->signo);
	else
		snap_json_null(json, "signo");
	if (line->has_uid)
		snap_json_number(json, "uid", line->uid);
	else
		snap_json_null(json, "uid");
	snap_json_string(json, "reason", line->reason);
	snap_json_string(json, "exe", line->exe);
	snap_json_end(json, '}');
}

static void print_json(const char *spool, const struct snap_listing *listing,
	const struct row *rows, const struct snap_skipped *skipped)
{
	struct snap_json json = SNAP_JSON_INIT;
	snap_json_object(&json, NULL);
	snap_json_string(&json, "spool", spool);
	snap_json_number(&json, "bytes", listing->bytes);
	snap_json_array(&json, "snapshots");
	for (size_t i = 0; i < listing->num; i++)
		print_json_row(&json, &listing->entries[i], &rows[i]);
	snap_json_end(&json, ']');
	snap_json_array(&json, "skipped");
	for (size_t i = 0; i < skipped->num; i++)
		print_json_skipped(&json, &skipped->lines[i]);
	snap_json_end(&json, ']');
	snap_json_end(&json, '}');
	snap_json_finish(&json);
}

/* ---------------------------------------------------------------- the verb */

static int list(struct snap_ctl *ctl, int dir_fd, const struct snap_listing *listing)
{
	static struct snap_skipped skipped;
	int status = EXIT_COMPLETE;
	struct row *rows = calloc(listing->num + 1, sizeof(*rows));
	if (!rows) {
		struct snap_error err = SNAP_ERROR_INIT;
		(void)snap_error_no_memory(&err);
		return snap_ctl_fail(&err);
	}
	for (size_t i = 0; i < listing->num; i++)
		read_row(dir_fd, listing->entries[i].name, &rows[i]);
	/* What is no such record says nothing, and is not shown. */
	int r = snap_skipped_read(dir_fd, &skipped);
	if (r < 0) {
		snap_ctl_complain("cannot read the record of skipped crashes: %s", strerror(-r));
		status = EXIT_PARTIAL;
	}
	if (ctl->arguments.json) {
		print_json(ctl->config.spool, listing, rows, &skipped);
	} else {
		print_table(listing, rows);
		print_skipped(&skipped);
	}
	for (size_t i = 0; i < listing->num; i++) {
		if (rows[i].readable)
			continue;
		snap_ctl_complain("%s: %s", listing->entries[i].name, rows[i].why.text);
		status = EXIT_PARTIAL;
	}
	free(rows);
	return status;
}

static int run(struct snap_ctl *ctl)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_listing listing = SNAP_LISTING_INIT;
	int dir_fd = snap_listing_open(ctl->config.spool, &err);
	if (dir_fd < 0)
		return snap_ctl_fail(&err);
	int status = snap_listing_read(dir_fd, &listing, &err) < 0 ? snap_ctl_fail(&err)
								   : list(ctl, dir_fd, &listing);
	snap_listing_deinit(&listing);
	(void)close(dir_fd); /* nothing was written */
	return status;
}

const struct snap_ctl_verb snap_ctl_list = {
	.name = "list",
	.arguments = "[--json]",
	.summary = "the snapshots in the spool",
	.text = "List the snapshots in the spool, the oldest first, and the crashes that were "
		"skipped\n"
		"because of a limit or a filter.\n",
	.takes = SNAP_CTL_TAKES_JSON,
	.run = run,
};
