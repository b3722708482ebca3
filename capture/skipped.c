#include "capture/skipped.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/lock.h"
#include "capture/utc.h"
#include "common/escape.h"

/* A line of the file: numbers, two times, reason and executable. */
#define LINE_MAX_BYTES (20 + 2 * 21 + 2 * 11 + 12 + 512 + 8)

static const char more_reason[] = "more";

const char *snap_skipped_reason_name(enum snap_skipped_reason reason)
{
	static const char *const names[] = {
		"rate", "ignored", "full", "disk", "busy", "failed", "library"};
	return names[reason];
}

/* ---------------------------------------------------------------- the table */

static bool same_kind(const struct snap_skipped_line *a, const struct snap_skipped_line *b)
{
	return a->has_uid == b->has_uid && a->uid == b->uid && strcmp(a->reason, b->reason) == 0 &&
	       strcmp(a->exe, b->exe) == 0;
}

static void add_counts(struct snap_skipped_line *to, const struct snap_skipped_line *from)
{
	to->count = from->count > UINT64_MAX - to->count ? UINT64_MAX : to->count + from->count;
	if (from->first_s < to->first_s)
		to->first_s = from->first_s;
	if (from->last_s >= to->last_s) {
		to->last_s = from->last_s;
		to->has_signo = from->has_signo;
		to->signo = from->signo;
	}
}

static void forget_kind(struct snap_skipped_line *line)
{
	line->has_uid = line->has_signo = false;
	line->uid = line->signo = 0;
	memcpy(line->reason, more_reason, sizeof(more_reason));
	memcpy(line->exe, "-", 2);
}

/* Make one line free: two of those that are over for longest become one. */
static void merge_oldest(struct snap_skipped *skipped)
{
	struct snap_skipped_line *more = NULL, *oldest = NULL;
	for (size_t i = 0; i < skipped->num; i++) {
		struct snap_skipped_line *line = &skipped->lines[i];
		if (strcmp(line->reason, more_reason) == 0)
			more = line;
		else if (!oldest || line->last_s < oldest->last_s)
			oldest = line;
	}
	if (!more) {
		/* There is none yet: the oldest becomes it, and then the next oldest goes. */
		forget_kind(oldest);
		merge_oldest(skipped);
		return;
	}
	forget_kind(oldest);
	add_counts(more, oldest);
	forget_kind(more);
	*oldest = skipped->lines[--skipped->num];
}

static void add_line(struct snap_skipped *skipped, const struct snap_skipped_line *line)
{
	for (size_t i = 0; i < skipped->num; i++) {
		if (same_kind(&skipped->lines[i], line)) {
			add_counts(&skipped->lines[i], line);
			return;
		}
	}
	if (skipped->num == SNAP_SKIPPED_MAX)
		merge_oldest(skipped);
	skipped->lines[skipped->num++] = *line;
}

void snap_skipped_add(struct snap_skipped *skipped, const struct snap_origin *origin,
	enum snap_skipped_reason reason, uint32_t signo, int64_t now_s)
{
	struct snap_skipped_line line = {
		.count = 1,
		.first_s = now_s,
		.last_s = now_s,
		.has_signo = true,
		.signo = signo,
		.has_uid = origin->has_uid,
		.uid = origin->has_uid ? origin->uid : 0,
	};
	(void)snprintf(line.reason, sizeof(line.reason), "%s",
		snap_skipped_reason_name(reason)); /* fits */
	(void)snap_escape(snap_bytes(origin->exe, origin->exe_len), SNAP_ESCAPE_TERMINAL, line.exe,
		sizeof(line.exe)); /* cut to fit */
	if (line.exe[0] == '\0')
		memcpy(line.exe, "-", 2);
	add_line(skipped, &line);
}

/* ---------------------------------------------------------------- the file */

/* The next field of a line; false if there is none. */
static bool take_field(struct snap_bytes *line, struct snap_bytes *ret)
{
	if (!line->data)
		return false;
	const uint8_t *tab = line->len > 0 ? memchr(line->data, '\t', line->len) : NULL;
	if (tab) {
		*ret = snap_bytes(line->data, (size_t)(tab - line->data));
		*line = snap_bytes(tab + 1, line->len - ret->len - 1);
	} else {
		*ret = *line;
		*line = snap_bytes(NULL, 0);
	}
	return true;
}

static bool parse_number(struct snap_bytes text, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;
	if (text.len == 0 || text.len > 20)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t digit = (uint8_t)(text.data[i] - '0');
		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*ret = value;
	return value <= max;
}

/* A number, or "-" for none. */
static bool parse_optional(struct snap_bytes text, bool *ret_has, uint32_t *ret)
{
	uint64_t value = 0;
	*ret_has = !snap_bytes_equal_str(text, "-");
	if (*ret_has && !parse_number(text, UINT32_MAX, &value))
		return false;
	*ret = (uint32_t)value;
	return true;
}

/* 2026-11-22T23:59:26Z */
static bool parse_time(struct snap_bytes text, int64_t *ret)
{
	static const char form[] = "0000-00-00T00:00:00Z";
	int fields[6] = {0};
	size_t field = 0;
	if (text.len != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t digit = (uint8_t)(text.data[i] - '0');
		if (form[i] != '0') {
			if (text.data[i] != (uint8_t)form[i])
				return false;
			field++;
		} else if (digit > 9) {
			return false;
		} else {
			fields[field] = fields[field] * 10 + digit;
		}
	}
	struct snap_utc utc = {fields[0], fields[1], fields[2], fields[3], fields[4], fields[5]};
	return snap_utc_to(&utc, ret);
}

/* Text that may stand in the file as it is. */
static bool parse_text(struct snap_bytes text, char *to, size_t size)
{
	if (text.len == 0 || text.len >= size || !snap_escape_unneeded(text, SNAP_ESCAPE_TERMINAL))
		return false;
	memcpy(to, text.data, text.len);
	to[text.len] = '\0';
	return true;
}

static bool parse_line(struct snap_bytes text, struct snap_skipped_line *ret)
{
	struct snap_bytes fields[7], more;
	for (size_t i = 0; i < 7; i++)
		if (!take_field(&text, &fields[i]))
			return false;
	memset(ret, 0, sizeof(*ret));
	return !take_field(&text, &more) && parse_number(fields[0], UINT64_MAX, &ret->count) &&
	       parse_time(fields[1], &ret->first_s) && parse_time(fields[2], &ret->last_s) &&
	       parse_optional(fields[3], &ret->has_signo, &ret->signo) &&
	       parse_optional(fields[4], &ret->has_uid, &ret->uid) &&
	       parse_text(fields[5], ret->reason, sizeof(ret->reason)) &&
	       parse_text(fields[6], ret->exe, sizeof(ret->exe));
}

static int read_lines(int fd, struct snap_skipped *ret)
{
	uint8_t buf[4096], line[LINE_MAX_BYTES];
	size_t line_len = 0, total = 0;
	ssize_t n = 0;
	/* What is longer than any file of ours is not read to its end. */
	while (total < 4 * SNAP_SKIPPED_MAX * sizeof(line) &&
		(n = read(fd, buf, sizeof(buf))) > 0) {
		total += (size_t)n;
		for (ssize_t i = 0; i < n; i++) {
			struct snap_skipped_line parsed;
			if (buf[i] != '\n') {
				/* Too long a line stays too long, and so is none. */
				if (line_len < sizeof(line))
					line[line_len++] = buf[i];
				continue;
			}
			if (line_len < sizeof(line) &&
				parse_line(snap_bytes(line, line_len), &parsed))
				add_line(ret, &parsed);
			line_len = 0;
		}
	}
	return n < 0 ? -errno : 0;
}

int snap_skipped_read(int dir_fd, struct snap_skipped *ret)
{
	ret->num = 0;
	struct stat st;
	int fd = openat(dir_fd, SNAP_SKIPPED_FILE,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	int r = fstat(fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
	if (r == 0)
		r = read_lines(fd, ret);
	(void)close(fd); /* nothing was written */
	return r;
}

static void format_time(char out[static 32], int64_t time_s)
{
	struct snap_utc t = snap_utc_from(time_s);
	(void)snprintf(out, 32, "%04d-%02d-%02dT%02d:%02d:%02dZ", t.year, t.month, t.day, t.hour,
		t.minute, t.second); /* fits */
}

static void format_optional(char out[static 12], bool has, uint32_t value)
{
	if (has)
		(void)snprintf(out, 12, "%" PRIu32, value); /* fits */
	else
		memcpy(out, "-", 2);
}

static int write_lines(int fd, const struct snap_skipped *skipped)
{
	char buf[16384];
	size_t len = 0;
	for (size_t i = 0; i <= skipped->num; i++) {
		if (i == skipped->num || sizeof(buf) - len < LINE_MAX_BYTES) {
			ssize_t n = write(fd, buf, len);
			if (n != (ssize_t)len)
				return n < 0 ? -errno : -ENOSPC;
			len = 0;
		}
		if (i == skipped->num)
			break;
		const struct snap_skipped_line *line = &skipped->lines[i];
		char first[32], last[32], signo[12], uid[12];
		format_time(first, line->first_s);
		format_time(last, line->last_s);
		format_optional(signo, line->has_signo, line->signo);
		format_optional(uid, line->has_uid, line->uid);
		len += (size_t)snprintf(buf + len, sizeof(buf) - len,
			"%" PRIu64 "\t%s\t%s\t%s\t%s\t%s\t%s\n", line->count, first, last, signo,
			uid, line->reason, line->exe);
	}
	return 0;
}

static int replace_file(
	int dir_fd, const struct snap_access *access, const struct snap_skipped *skipped)
{
	/* Left by who was killed here, or planted: it goes, but is not followed. */
	(void)unlinkat(dir_fd, SNAP_SKIPPED_NEW_FILE, 0);
	int fd = openat(dir_fd, SNAP_SKIPPED_NEW_FILE,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	struct snap_access for_group = {.has_group = access->has_group, .group = access->group};
	int r = write_lines(fd, skipped);
	if (r == 0)
		r = snap_access_set_file(fd, &for_group);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && renameat(dir_fd, SNAP_SKIPPED_NEW_FILE, dir_fd, SNAP_SKIPPED_FILE) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(dir_fd, SNAP_SKIPPED_NEW_FILE, 0); /* the next one tries again */
	return r;
}

int snap_skipped_flush(int dir_fd, const struct snap_access *access, struct snap_skipped *collected,
	struct snap_skipped *work)
{
	if (collected->num == 0)
		return 0;
	/* A description of our own: the lock is of the description, not of the directory. */
	int lock_fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock_fd < 0)
		return -errno;
	int r = snap_lock(lock_fd, SNAP_LOCK_PATIENT_MS);
	if (r == 0) {
		r = snap_skipped_read(dir_fd, work);
		/* What can't be read is replaced all the same. */
		if (r == -ELOOP || r == -EINVAL)
			r = 0;
	}
	if (r == 0) {
		for (size_t i = 0; i < collected->num; i++)
			add_line(work, &collected->lines[i]);
		r = replace_file(dir_fd, access, work);
	}
	(void)close(lock_fd); /* and so unlocked */
	if (r == 0)
		collected->num = 0;
	return r;
}
