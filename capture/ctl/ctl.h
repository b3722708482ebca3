/*
 * What the verbs of snapcrashctl share: their description, their arguments, and how they speak.
 *
 * Run by root on the device. What lies in the spool, and every name in it, is hostile.
 */
#ifndef SNAP_CAPTURE_CTL_CTL_H
#define SNAP_CAPTURE_CTL_CTL_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/config.h"
#include "capture/program.h"
#include "common/bytes.h"
#include "common/error.h"

#define SNAP_CTL_PROGRAM "snapcrashctl"

/* Which options a verb takes beside --config, --help and --version. */
enum snap_ctl_takes {
	SNAP_CTL_TAKES_CHAIN = 1,
	SNAP_CTL_TAKES_SOCKET = 2,
	SNAP_CTL_TAKES_JSON = 4,
	SNAP_CTL_TAKES_KEEP = 8, /* --keep, --wait */
	SNAP_CTL_TAKES_LAST = 16,
	SNAP_CTL_TAKES_OUTPUT = 32,
	SNAP_CTL_TAKES_ALL = 64, /* --all, --older-than */
	SNAP_CTL_TAKES_NAMES = 128,
	/* Goes on with what can be understood of a configuration that has a fault. */
	SNAP_CTL_TAKES_ANY_CONFIG = 256,
};

struct snap_ctl_arguments {
	bool chain, socket, json, keep, last, all;
	bool has_older_than;
	uint64_t older_than_s;
	bool has_wait;
	uint64_t wait_s;
	const char *output; /* NULL: not given */
	char **names;
	int num_names;
};

struct snap_ctl {
	const char *config_file; /* as given; NULL: the default one */
	struct snap_config config;
	/* What is wrong with it; its text is "" if nothing is. */
	struct snap_error config_error;
	struct snap_ctl_arguments arguments;
};

struct snap_ctl_verb {
	const char *name;
	const char *arguments; /* behind the options in the usage line */
	const char *summary;   /* one line */
	const char *text;      /* some lines, each with its newline */
	unsigned int takes;    /* enum snap_ctl_takes */
	/* Returns the exit status; what goes wrong with standard output is found by main. */
	int (*run)(struct snap_ctl *ctl);
};

extern const struct snap_ctl_verb snap_ctl_enable, snap_ctl_disable, snap_ctl_status, snap_ctl_test,
	snap_ctl_list, snap_ctl_get, snap_ctl_rm, snap_ctl_adopt;

/* "snapcrashctl: text" on stderr. Text that came from outside must be escaped by the caller. */
void snap_ctl_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The text of err, on stderr. Returns EXIT_NOTHING, or EXIT_USAGE for an error of that kind. */
int snap_ctl_fail(const struct snap_error *err);

/* Bytes for a terminal. */
struct snap_ctl_shown {
	char text[4 * 256 + 1];
};
/* The bytes escaped, and cut to fit, in *shown; returns its text. */
const char *snap_ctl_show(struct snap_bytes bytes, struct snap_ctl_shown *shown);
const char *snap_ctl_show_str(const char *s, struct snap_ctl_shown *shown);

#endif
