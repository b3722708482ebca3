/*
 * The options of dedup and ingest.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "analyze/option_parser.h"
#include "analyze/option_table.h"

static bool complain_memory(enum snap_exit *ret_status)
{
	snap_complain("out of memory");
	*ret_status = SNAP_EXIT_FAILED;
	return false;
}

static bool parse_time(struct snap_option_parser *p, const char *name, bool *ret_has, int64_t *ret)
{
	struct timespec now;
	char words[128];
	(void)clock_gettime(CLOCK_REALTIME, &now); /* there is such a clock */
	*ret_has = snap_filter_parse_time(
		optarg, (int64_t)now.tv_sec * 1000000000 + now.tv_nsec, ret);
	if (*ret_has)
		return true;
	(void)snprintf(words, sizeof(words),
		"--%s takes a time, as in 2026-11-27, 2026-11-27T10:30, 7d or 12h, not", name);
	snap_option_complain(p, words, optarg);
	return false;
}

static bool parse_keep(struct snap_option_parser *p)
{
	const char *end;
	struct snap_grouping *grouping = &p->arguments.grouping;
	grouping->has_keep = snap_option_number(optarg, &grouping->keep, &end) && !*end &&
			     grouping->keep > 0;
	if (!grouping->has_keep)
		snap_option_complain(p, "--keep takes a number, at least 1, not", optarg);
	return grouping->has_keep;
}

static bool parse_kind(struct snap_option_parser *p)
{
	enum snap_kind kind;
	if (snap_kind_find(snap_bytes_str(optarg), &kind))
		return true;
	snap_option_complain(p, "--kind takes segv, segv-null, abort and so on (docs/causes.rst), not", optarg);
	return false;
}

static bool parse_tag(struct snap_option_parser *p)
{
	if (strchr(optarg, '='))
		return true;
	snap_option_complain(p, "--tag takes KEY=VALUE, not", optarg);
	return false;
}

/* Words of a library, as wrong usage. */
static bool take_pin(struct snap_option_parser *p, int r, const struct snap_error *err, enum snap_exit *ret_status)
{
	if (r == 0)
		return true;
	if (err->code == SNAP_ERROR_NO_MEMORY)
		return complain_memory(ret_status);
	snap_option_complain(p, err->text, NULL);
	return false;
}

static bool add_filter(
	struct snap_option_parser *p, enum snap_filter_column column, enum snap_exit *ret_status)
{
	return snap_filter_add(&p->arguments.grouping.filter, column, optarg) ||
	       complain_memory(ret_status);
}

bool snap_option_take_grouping(struct snap_option_parser *p, int id, enum snap_exit *ret_status)
{
	struct snap_grouping *grouping = &p->arguments.grouping;
	struct snap_error err = SNAP_ERROR_INIT;
	switch (id) {
	case OPTION_INDEX:
		grouping->index = optarg;
		return true;
	case OPTION_WATCH:
		return grouping->watch = true;
	case OPTION_GROUPS_JSON:
		return grouping->json = true;
	case OPTION_UNIQUE:
		return grouping->unique = true;
	case OPTION_SIMILAR:
		return grouping->similar = true;
	case OPTION_SCORES:
		return grouping->scores = true;
	case OPTION_FAIL_ON_NEW:
		return grouping->fail_on_new = true;
	case OPTION_DELETE:
		return grouping->delete = true;
	case OPTION_SINCE:
		return parse_time(
			p, "since", &grouping->filter.has_since, &grouping->filter.since_ns);
	case OPTION_UNTIL:
		return parse_time(
			p, "until", &grouping->filter.has_until, &grouping->filter.until_ns);
	case OPTION_OF_VERSION:
		return add_filter(p, SNAP_FILTER_VERSION, ret_status);
	case OPTION_OF_DEVICE:
		return add_filter(p, SNAP_FILTER_DEVICE, ret_status);
	case OPTION_OF_PROJECT:
		return add_filter(p, SNAP_FILTER_PROJECT, ret_status);
	case OPTION_OF_KIND:
		return parse_kind(p) && add_filter(p, SNAP_FILTER_KIND, ret_status);
	case OPTION_OF_TAG:
		return parse_tag(p) && add_filter(p, SNAP_FILTER_TAG, ret_status);
	case OPTION_KNOWN:
		grouping->known = optarg;
		return true;
	case OPTION_PINS:
		grouping->pins_file = optarg;
		return true;
	case OPTION_MERGE:
		return take_pin(p, snap_pins_merge(&grouping->pins, optarg, &err), &err, ret_status);
	case OPTION_SPLIT:
		return take_pin(p, snap_pins_split(&grouping->pins, optarg, &err), &err, ret_status);
	case OPTION_KEEP:
		return parse_keep(p);
	}
	return false;
}

/* What excludes and needs what. */
bool snap_option_check_grouping(const struct snap_option_parser *p)
{
	const struct snap_grouping *grouping = &p->arguments.grouping;
	if (p->verb->takes & SNAP_TAKES_WATCH && !grouping->index)
		snap_option_complain(p, "no --index DB given", NULL);
	else if (grouping->json + grouping->unique + grouping->has_keep + grouping->scores > 1)
		snap_option_complain(p, "--json, --unique, --keep and --scores exclude each other", NULL);
	else if (grouping->delete && !grouping->has_keep)
		snap_option_complain(p, "--delete needs --keep", NULL);
	else if (grouping->has_keep && grouping->similar)
		snap_option_complain(p, "--keep goes by exact groups, and excludes --similar", NULL);
	else if (grouping->has_keep && (grouping->pins.num > 0 || grouping->pins_file))
		snap_option_complain(
			p, "--keep goes by exact groups, and excludes --merge, --split and --pins", NULL);
	else if (grouping->has_keep && p->arguments.options.from != SNAP_TEXT_NONE)
		snap_option_complain(p, "--keep is of snapshots and cores, and excludes --from", NULL);
	else if (grouping->scores && (grouping->fail_on_new || grouping->known || grouping->similar ||
					     grouping->pins.num > 0 || grouping->pins_file ||
					     grouping->filter.num_values > 0 ||
					     grouping->filter.has_since || grouping->filter.has_until))
		snap_option_complain(p, "--scores is of all inputs, and goes with none of the options of groups",
			NULL);
	else if (grouping->fail_on_new && !grouping->known)
		snap_option_complain(p, "--fail-on-new needs --known", NULL);
	else if (grouping->scores && grouping->index)
		snap_option_complain(p, "--scores is of the inputs, and excludes --index", NULL);
	else
		return true;
	return false;
}
