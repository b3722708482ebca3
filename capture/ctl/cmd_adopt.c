/*
 * snapcrashctl adopt: what writers left unfinished in the spool becomes snapshots.
 */
#include <stdio.h>
#include <string.h>

#include "capture/adopt.h"
#include "capture/ctl/ctl.h"
#include "capture/ctl/words.h"

static void report(void *context, const struct snap_adopted *adopted)
{
	(void)context;
	if (adopted->name)
		printf("%s: is '%s' now, %s\n", adopted->part, adopted->name,
			adopted->complete ? "complete" : "truncated");
	else if (adopted->error < 0)
		snap_ctl_complain(
			"%s: cannot adopt it: %s", adopted->part, strerror(-adopted->error));
	else
		printf("%s: was empty, and is removed\n", adopted->part);
}

static int run(struct snap_ctl *ctl)
{
	const struct snap_config *config = &ctl->config;
	struct snap_access access = SNAP_ACCESS_INIT;
	struct snap_adopt_counts counts;
	struct snap_ctl_shown shown;
	if (config->group[0] != '\0') {
		access.has_group = snap_access_group(config->group, NULL, &access.group) == 0;
		if (!access.has_group)
			snap_ctl_complain(
				"there is no group '%s': only root can read what is adopted",
				snap_ctl_show_str(config->group, &shown));
	}
	access.owner_access = config->owner_access;
	struct snap_adopt_options options = {
		.program = SNAP_CTL_PROGRAM " " SNAP_VERSION,
		.access = &access,
		.report = report,
	};
	int r = snap_adopt_all(config->spool, &options, &counts);
	if (r < 0) {
		snap_ctl_complain("cannot use the spool '%s': %s",
			snap_ctl_show_str(config->spool, &shown), snap_spool_strerror(r));
		return EXIT_NOTHING;
	}
	uint64_t num = counts.num_complete + counts.num_truncated;
	printf("%llu snapshot%s adopted, %llu of them truncated\n", (unsigned long long)num,
		snap_word_plural(num), (unsigned long long)counts.num_truncated);
	if (counts.num_busy > 0)
		printf("%llu %s still being written\n", (unsigned long long)counts.num_busy,
			counts.num_busy == 1 ? "is" : "are");
	if (counts.num_failed == 0)
		return EXIT_COMPLETE;
	return num > 0 ? EXIT_PARTIAL : EXIT_NOTHING;
}

const struct snap_ctl_verb snap_ctl_adopt = {
	.name = "adopt",
	.arguments = "",
	.summary = "make snapshots of what was left unfinished",
	.text = "Publish what writers that ended early have left in the spool: whole snapshots as\n"
		"they are, others up to where they can be read, marked as truncated. What is "
		"still\n"
		"being written is left alone. The server does the same when it starts.\n",
	.takes = 0,
	.run = run,
};
