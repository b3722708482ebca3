/*
 * snapcrashctl rm: removes snapshots from the spool.
 *
 * Nothing but snapshots, by their names, through the spool's descriptor: a name can lead nowhere
 * else.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "capture/ctl/ctl.h"
#include "capture/ctl/listing.h"
#include "capture/ctl/words.h"

struct removal {
	int dir_fd;
	uint64_t num, bytes, num_failed;
};

/* name: a snapshot's. */
static void remove_one(struct removal *removal, const char *name)
{
	struct stat st;
	if (fstatat(removal->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		unlinkat(removal->dir_fd, name, 0) < 0) {
		snap_ctl_complain("cannot remove '%s': %s", name, strerror(errno));
		removal->num_failed++;
		return;
	}
	removal->num++;
	removal->bytes += S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
}

static void remove_named(struct removal *removal, char **names, int num)
{
	for (int i = 0; i < num; i++) {
		struct snap_spool_name parts;
		struct snap_ctl_shown shown;
		if (snap_spool_name_parse(names[i], &parts)) {
			remove_one(removal, names[i]);
			continue;
		}
		snap_ctl_complain(
			"'%s' is no snapshot's name", snap_ctl_show_str(names[i], &shown));
		removal->num_failed++;
	}
}

/* Those that crashed before before_s. */
static int remove_listed(struct removal *removal, int64_t before_s, struct snap_error *err)
{
	struct snap_listing listing = SNAP_LISTING_INIT;
	int r = snap_listing_read(removal->dir_fd, &listing, err);
	for (size_t i = 0; r == 0 && i < listing.num; i++)
		if (listing.entries[i].parts.time_s < before_s)
			remove_one(removal, listing.entries[i].name);
	snap_listing_deinit(&listing);
	return r;
}

static int run(struct snap_ctl *ctl)
{
	const struct snap_ctl_arguments *arguments = &ctl->arguments;
	struct snap_error err = SNAP_ERROR_INIT;
	struct removal removal = {0};
	char bytes[SNAP_WORD_MAX];
	if ((arguments->num_names > 0) + arguments->all + arguments->has_older_than != 1) {
		snap_ctl_complain("rm: either NAMEs, --all or --older-than is needed");
		return EXIT_USAGE;
	}
	removal.dir_fd = snap_listing_open(ctl->config.spool, &err);
	if (removal.dir_fd < 0)
		return snap_ctl_fail(&err);
	int r = 0;
	if (arguments->num_names > 0)
		remove_named(&removal, arguments->names, arguments->num_names);
	else
		r = remove_listed(&removal,
			arguments->all ? INT64_MAX
				       : (int64_t)time(NULL) - (int64_t)arguments->older_than_s,
			&err);
	(void)close(removal.dir_fd); /* nothing was written through it */
	if (r < 0)
		return snap_ctl_fail(&err);
	printf("%llu snapshot%s removed, %s\n", (unsigned long long)removal.num,
		snap_word_plural(removal.num), snap_word_bytes(removal.bytes, bytes));
	if (removal.num_failed == 0)
		return EXIT_COMPLETE;
	return removal.num > 0 ? EXIT_PARTIAL : EXIT_NOTHING;
}

const struct snap_ctl_verb snap_ctl_rm = {
	.name = "rm",
	.arguments = "NAME... | --all | --older-than AGE",
	.summary = "remove snapshots from the spool",
	.text = "Remove snapshots from the spool, and nothing else that may be there.\n",
	.takes = SNAP_CTL_TAKES_ALL | SNAP_CTL_TAKES_NAMES,
	.run = run,
};
