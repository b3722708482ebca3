#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/ctl/checks.h"
#include "capture/ctl/words.h"
#include "capture/skipped.h"
#include "capture/spool.h"
#include "capture/spool_usage.h"

static void check_rights(int dir_fd, struct snap_checks *checks)
{
	struct stat st;
	if (fstat(dir_fd, &st) < 0)
		return;
	if ((st.st_mode & 022) != 0)
		snap_checks_add(checks, SNAP_CHECK_WARN, "rights",
			"others than its owner can change what is in the spool (mode %04o)",
			(unsigned int)st.st_mode & 07777);
	else if ((st.st_mode & 04) != 0)
		snap_checks_add(checks, SNAP_CHECK_WARN, "rights",
			"everybody can list the spool (mode %04o)",
			(unsigned int)st.st_mode & 07777);
}

/* "3 snapshots, 71.2K (at most 1000, 512.0M)" */
static void check_usage(const struct snap_ctl *ctl, int dir_fd, struct snap_checks *checks)
{
	const struct snap_config *config = &ctl->config;
	struct snap_spool_limits limits = snap_spool_limits_of(config);
	struct snap_spool_usage usage;
	char bytes[SNAP_WORD_MAX], max_bytes[SNAP_WORD_MAX], free_bytes[SNAP_WORD_MAX];
	int r = snap_spool_usage_read(dir_fd, &usage);
	if (r < 0) {
		snap_checks_add(checks, SNAP_CHECK_WARN, "usage", "the spool can't be listed: %s",
			strerror(-r));
		return;
	}
	checks->has_usage = true;
	checks->num_files = usage.num_files;
	checks->bytes = usage.bytes;
	checks->free_bytes = usage.free_bytes;
	bool over = usage.num_files > limits.max_files || usage.bytes > limits.max_bytes;
	snap_checks_add(checks, over ? SNAP_CHECK_WARN : SNAP_CHECK_OK, "usage",
		"there are %llu snapshot%s, %s, of at most %llu, %s%s",
		(unsigned long long)usage.num_files, snap_word_plural(usage.num_files),
		snap_word_bytes(usage.bytes, bytes), (unsigned long long)limits.max_files,
		snap_word_bytes(limits.max_bytes, max_bytes),
		over ? ": that is too much, and the server would remove some" : "");

	r = snap_spool_check_free(dir_fd, &limits);
	(void)snap_word_bytes(usage.free_bytes, free_bytes);
	if (r == -ENOSPC)
		snap_checks_add(checks, SNAP_CHECK_BAD, "space",
			"there is too little free space: %s, and %llu inodes", free_bytes,
			(unsigned long long)usage.free_inodes);
	else if (r < 0)
		snap_checks_add(checks, SNAP_CHECK_WARN, "space",
			"how much is free can't be told: %s", strerror(-r));
	else
		snap_checks_add(checks, SNAP_CHECK_OK, "space", "%s are free", free_bytes);
}

/* What is being written, and what was abandoned: whoever writes holds the lock. */
static void check_incoming(int incoming_fd, struct snap_checks *checks)
{
	int fd = openat(incoming_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		if (fd >= 0)
			(void)close(fd); /* nothing was written */
		return;
	}
	for (const struct dirent *entry; (entry = readdir(dir));) {
		if (!snap_spool_is_part(entry->d_name))
			continue;
		int part = openat(incoming_fd, entry->d_name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (part < 0)
			continue; /* published in this moment, or no file */
		if (flock(part, LOCK_SH | LOCK_NB) == 0)
			checks->num_abandoned++;
		else
			checks->num_writing++;
		(void)close(part); /* nothing was written */
	}
	(void)closedir(dir);
	if (checks->num_writing > 0)
		snap_checks_add(checks, SNAP_CHECK_NOTE, "incoming",
			"%llu snapshot%s being written", (unsigned long long)checks->num_writing,
			checks->num_writing == 1 ? " is" : "s are");
	if (checks->num_abandoned > 0)
		snap_checks_add(checks, SNAP_CHECK_NOTE, "incoming",
			"%llu unfinished snapshot%s abandoned: the server adopts them when it "
			"starts, 'snapcrashctl adopt' now",
			(unsigned long long)checks->num_abandoned,
			checks->num_abandoned == 1 ? " was" : "s were");
}

static void check_skipped(int dir_fd, struct snap_checks *checks)
{
	static struct snap_skipped skipped;
	const struct snap_skipped_line *last = NULL;
	char when[SNAP_WORD_MAX];
	int r = snap_skipped_read(dir_fd, &skipped);
	if (r < 0) {
		snap_checks_add(checks, SNAP_CHECK_WARN, "skipped",
			"the record of skipped crashes can't be read: %s", strerror(-r));
		return;
	}
	for (size_t i = 0; i < skipped.num; i++) {
		checks->num_skipped += skipped.lines[i].count;
		if (!last || skipped.lines[i].last_s > last->last_s)
			last = &skipped.lines[i];
	}
	if (last)
		snap_checks_add(checks, SNAP_CHECK_NOTE, "skipped",
			"%llu crash%s skipped so far, the last at %s: %s ('%s'); 'list' has them",
			(unsigned long long)checks->num_skipped,
			checks->num_skipped == 1 ? " was" : "es were",
			snap_word_time(last->last_s, 'T', when), last->reason, last->exe);
}

void snap_check_spool(const struct snap_ctl *ctl, struct snap_checks *checks)
{
	struct snap_ctl_shown shown;
	const char *path = snap_ctl_show_str(ctl->config.spool, &shown);
	int dir_fd, incoming_fd;
	int r = snap_spool_open(ctl->config.spool, false, &dir_fd, &incoming_fd);
	if (r == -ENOENT) {
		snap_checks_add(checks, SNAP_CHECK_NOTE, "spool",
			"the spool '%s' is not there: the first crash makes it", path);
		return;
	}
	if (r < 0) {
		snap_checks_add(checks, SNAP_CHECK_BAD, "spool", "the spool '%s' can't be used: %s",
			path, snap_spool_strerror(r));
		return;
	}
	snap_checks_add(checks, SNAP_CHECK_OK, "spool", "snapshots go to '%s'", path);
	check_rights(dir_fd, checks);
	check_usage(ctl, dir_fd, checks);
	check_incoming(incoming_fd, checks);
	check_skipped(dir_fd, checks);
	(void)close(incoming_fd); /* nothing was written through them */
	(void)close(dir_fd);
}
