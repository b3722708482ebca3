/*
 * snapcrashctl get: a copy of a snapshot out of the spool.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture/ctl/ctl.h"
#include "capture/ctl/listing.h"
#include "capture/output.h"

static int copy(int from, int to, struct snap_error *err)
{
	char buf[65536];
	ssize_t n;
	while ((n = read(from, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return snap_error_errno(err, errno, "cannot read the snapshot");
		for (ssize_t done = 0; done < n;) {
			ssize_t w = write(to, buf + done, (size_t)(n - done));
			if (w < 0 && errno == EINTR)
				continue;
			if (w < 0)
				return snap_error_errno(err, errno, "cannot write the copy");
			done += w;
		}
	}
	return 0;
}

/* The newest one's name. Returns 0 or -1. */
static int find_last(int dir_fd, char name[static SNAP_SPOOL_NAME_MAX], struct snap_error *err)
{
	struct snap_listing listing = SNAP_LISTING_INIT;
	int r = snap_listing_read(dir_fd, &listing, err);
	if (r == 0 && listing.num == 0)
		r = snap_error_set(err, SNAP_ERROR_SYSTEM, "there is no snapshot in the spool");
	if (r == 0)
		memcpy(name, listing.entries[listing.num - 1].name, SNAP_SPOOL_NAME_MAX);
	snap_listing_deinit(&listing);
	return r;
}

static int get(const struct snap_ctl *ctl, int dir_fd, struct snap_error *err)
{
	const struct snap_ctl_arguments *arguments = &ctl->arguments;
	char name[SNAP_SPOOL_NAME_MAX];
	struct snap_output output = SNAP_OUTPUT_INIT;
	if (arguments->last) {
		if (find_last(dir_fd, name, err) < 0)
			return -1;
	} else {
		(void)snprintf(name, sizeof(name), "%s", arguments->names[0]); /* is valid */
	}
	int fd = snap_listing_open_file(dir_fd, name, err);
	if (fd < 0)
		return -1;
	int r = snap_output_create(arguments->output ? arguments->output : name, &output, err);
	if (r == 0) {
		output.keep_existing = true;
		r = copy(fd, output.fd, err);
		if (r == 0)
			r = snap_output_publish(&output, err);
		snap_output_deinit(&output);
	}
	(void)close(fd); /* nothing was written */
	if (r == 0 && strcmp(arguments->output ? arguments->output : name, "-") != 0) {
		struct snap_ctl_shown shown;
		puts(snap_ctl_show_str(arguments->output ? arguments->output : name, &shown));
	}
	return r;
}

static int run(struct snap_ctl *ctl)
{
	const struct snap_ctl_arguments *arguments = &ctl->arguments;
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_spool_name parts;
	struct snap_ctl_shown shown;
	if (arguments->num_names != (arguments->last ? 0 : 1)) {
		snap_ctl_complain("get: either one NAME or --last is needed");
		return EXIT_USAGE;
	}
	if (!arguments->last && !snap_spool_name_parse(arguments->names[0], &parts)) {
		snap_ctl_complain("'%s' is no snapshot's name: 'list' has those that there are",
			snap_ctl_show_str(arguments->names[0], &shown));
		return EXIT_NOTHING;
	}
	int dir_fd = snap_listing_open(ctl->config.spool, &err);
	int r = dir_fd < 0 ? -1 : get(ctl, dir_fd, &err);
	if (dir_fd >= 0)
		(void)close(dir_fd); /* nothing was written through it */
	return r < 0 ? snap_ctl_fail(&err) : EXIT_COMPLETE;
}

const struct snap_ctl_verb snap_ctl_get = {
	.name = "get",
	.arguments = "[-o FILE] NAME | --last",
	.summary = "copy a snapshot out of the spool",
	.text = "Copy a snapshot out of the spool and print where it is. A file that exists is "
		"not\n"
		"overwritten.\n",
	.takes = SNAP_CTL_TAKES_LAST | SNAP_CTL_TAKES_OUTPUT | SNAP_CTL_TAKES_NAMES,
	.run = run,
};
