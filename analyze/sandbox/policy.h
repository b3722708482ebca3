/*
 * What the broker may open for a worker: a worker may have been taken over by the file that it
 * reads, so nothing here relies on its asking for what the analysis would ask for.
 *
 *   - files below the trees that the user named (--symbols, --debug-dir, directories as FILE) or
 *     /usr/lib/debug, by paths that don't leave the tree;
 *   - files that the user named, and those beside them;
 *   - below --sysroot, whatever path, seen from there;
 *   - any absolute path, if this machine's own files may be looked at (neither --no-local nor
 *     --sysroot), but nothing in /proc, /sys and /dev.
 *
 * Of all these only regular files, and only ELF files that are an executable, a library or an object
 * file: no cores.
 */
#ifndef SNAP_ANALYZE_SANDBOX_POLICY_H
#define SNAP_ANALYZE_SANDBOX_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/analysis.h"
#include "analyze/sandbox/protocol.h"
#include "common/error.h"

struct snap_policy {
	bool any_path;	   /* this machine's own files */
	const char **trees; /* owned array */
	size_t num_trees;
	char **own_trees; /* owned strings that are in trees, too */
	size_t num_own_trees;
	char *const *files; /* what the user named */
	size_t num_files;
	const struct snap_elf_option *elfs; /* likewise, by --elf */
	size_t num_elfs;
};

/*
 * options: NULL of verbs that look for no files but those named. beside: what lies beside the files
 * is allowed, too.
 */
int snap_policy_init(struct snap_policy *policy, const struct snap_options *options,
	char *const *files, size_t num_files, bool beside, struct snap_error *err);
void snap_policy_deinit(struct snap_policy *policy);

/*
 * The path to open for a path that was asked for, into ret[SNAP_MAX_STRING + 1]: ".." is resolved
 * where it must not lead out of a tree. 0, or -1 and *err.
 */
int snap_policy_path(const struct snap_policy *policy, const char *path, char *ret,
	struct snap_error *err);
/* Whether it is a tree that may be scanned. */
bool snap_policy_is_tree(const struct snap_policy *policy, const char *path);
/* Whether the user named it; what lies beside real_path is allowed from then on. -1: not. */
int snap_policy_allow_beside(
	struct snap_policy *policy, const char *path, const char *real_path);

/* Whether an open file is one that a worker may have: 0, or -1 and *err, errnum SNAP_NOT_ELF. */
int snap_policy_check_elf(int fd, struct snap_error *err);

/* Whether it is a kind of cache entry that workers read and write. */
bool snap_policy_is_cache_kind(const char *kind);

#endif
