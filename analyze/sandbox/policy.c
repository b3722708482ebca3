#include "analyze/sandbox/policy.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/file_read.h"
#include "analyze/find/dir_index.h"
#include "analyze/find/places.h"
#include "analyze/sandbox/remote.h"
#include "analyze/symbols/symbol_image.h"

static int refuse(struct snap_error *err)
{
	snap_error_set(err, SNAP_ERROR_SYSTEM, "%s", strerror(EPERM));
	if (err)
		err->errnum = EPERM;
	return -1;
}

/* ---------------------------------------------------------------- the trees */

static int add_tree(struct snap_policy *policy, const char *path, struct snap_error *err)
{
	const char **grown =
		reallocarray(policy->trees, policy->num_trees + 1, sizeof(*policy->trees));
	if (!grown)
		return snap_error_no_memory(err);
	policy->trees = grown;
	grown[policy->num_trees++] = path;
	return 0;
}

/* The directory that path is in. */
static int add_directory_of(struct snap_policy *policy, const char *path, struct snap_error *err)
{
	const char *slash = strrchr(path, '/');
	char **grown = reallocarray(
		policy->own_trees, policy->num_own_trees + 1, sizeof(*policy->own_trees));
	if (!grown)
		return snap_error_no_memory(err);
	policy->own_trees = grown;
	char *dir = !slash	     ? strdup(".")
		    : slash == path ? strdup("/")
				     : strndup(path, (size_t)(slash - path));
	if (!dir)
		return snap_error_no_memory(err);
	grown[policy->num_own_trees++] = dir;
	return add_tree(policy, dir, err);
}

int snap_policy_init(struct snap_policy *policy, const struct snap_options *options,
	char *const *files, size_t num_files, bool beside, struct snap_error *err)
{
	*policy = (struct snap_policy){.files = files, .num_files = num_files};
	int r = 0;
	if (options) {
		const struct snap_places places = {.options = options};
		policy->elfs = options->elfs;
		policy->num_elfs = options->num_elfs;
		policy->any_path = !options->no_local && !options->sysroot;
		for (size_t i = 0; i < options->num_symbol_dirs && r == 0; i++)
			r = add_tree(policy, options->symbol_dirs[i], err);
		for (size_t i = 0; i < snap_places_num_debug_dirs(&places) && r == 0; i++)
			r = add_tree(policy, snap_places_debug_dir(&places, i), err);
	}
	for (size_t i = 0; beside && i < num_files && r == 0; i++) {
		r = add_tree(policy, files[i], err); /* if it is a directory */
		if (r == 0)
			r = add_directory_of(policy, files[i], err);
	}
	if (r < 0)
		snap_policy_deinit(policy);
	return r;
}

void snap_policy_deinit(struct snap_policy *policy)
{
	for (size_t i = 0; i < policy->num_own_trees; i++)
		free(policy->own_trees[i]);
	free(policy->own_trees);
	free(policy->trees);
	*policy = (struct snap_policy){0};
}

/* ---------------------------------------------------------------- paths */

/*
 * Append the components of rest to out, which has len bytes, without "." and ".."; false if one
 * leads above out, or it does not fit.
 */
static bool append_resolved(char *out, size_t len, const char *rest)
{
	const size_t root = len;
	for (const char *p = rest + strspn(rest, "/"); *p; p += strspn(p, "/")) {
		size_t n = strcspn(p, "/");
		if (n == 2 && p[0] == '.' && p[1] == '.') {
			if (len == root)
				return false;
			while (out[--len] != '/')
				;
		} else if (n != 1 || p[0] != '.') {
			if (len + 1 + n > SNAP_MAX_STRING)
				return false;
			out[len++] = '/';
			memcpy(out + len, p, n);
			len += n;
		}
		p += n;
	}
	out[len] = '\0';
	return len > root; /* the tree itself is no file */
}

static size_t tree_len(const char *tree)
{
	size_t len = strlen(tree);
	while (len > 0 && tree[len - 1] == '/')
		len--;
	return len;
}

static bool is_below(const char *tree, const char *path, char *ret)
{
	size_t len = tree_len(tree);
	/* What is named without a directory is in the current one. */
	if (strcmp(tree, ".") == 0 && path[0] != '/' && strncmp(path, "./", 2) != 0) {
		ret[0] = '.';
		return append_resolved(ret, 1, path);
	}
	if (!*tree || len >= SNAP_MAX_STRING || strncmp(path, tree, len) != 0 || path[len] != '/')
		return false;
	memcpy(ret, path, len);
	return append_resolved(ret, len, path + len);
}

static bool begins_with(const char *s, const char *start)
{
	return strncmp(s, start, strlen(start)) == 0;
}

static bool is_named(const struct snap_policy *policy, const char *path)
{
	for (size_t i = 0; i < policy->num_files; i++)
		if (strcmp(policy->files[i], path) == 0)
			return true;
	for (size_t i = 0; i < policy->num_elfs; i++)
		if (strcmp(policy->elfs[i].path, path) == 0)
			return true;
	return false;
}

int snap_policy_path(
	const struct snap_policy *policy, const char *path, char *ret, struct snap_error *err)
{
	size_t len = strlen(path);
	if (len == 0 || len > SNAP_MAX_STRING)
		return refuse(err);
	if (is_named(policy, path)) {
		memcpy(ret, path, len + 1);
		return 0;
	}
	for (size_t i = 0; i < policy->num_trees; i++)
		if (is_below(policy->trees[i], path, ret))
			return 0;
	/* What is to be opened is the path itself, so that ".." goes where the kernel takes it;
	 * reopening looks at the file system once more. */
	if (policy->any_path && path[0] == '/' && append_resolved(ret, 0, path) &&
		!begins_with(ret, "/proc/") && !begins_with(ret, "/sys/") &&
		!begins_with(ret, "/dev/")) {
		memcpy(ret, path, len + 1);
		return 0;
	}
	return refuse(err);
}

bool snap_policy_is_tree(const struct snap_policy *policy, const char *path)
{
	for (size_t i = 0; i < policy->num_trees; i++)
		if (strcmp(policy->trees[i], path) == 0)
			return true;
	return false;
}

int snap_policy_allow_beside(struct snap_policy *policy, const char *path, const char *real_path)
{
	return is_named(policy, path) ? add_directory_of(policy, real_path, NULL) : -1;
}

/* ---------------------------------------------------------------- contents */

static int not_elf(struct snap_error *err, enum snap_error_code code, const char *text)
{
	snap_error_set(err, code, "%s", text);
	if (err)
		err->errnum = SNAP_NOT_ELF;
	return -1;
}

int snap_policy_check_elf(int fd, struct snap_error *err)
{
	unsigned char head[EI_NIDENT + sizeof(Elf32_Half)]; /* e_type is the first after e_ident */
	ssize_t n = snap_file_read_at(fd, head, sizeof(head), 0);
	if (n != (ssize_t)sizeof(head) || memcmp(head, ELFMAG, SELFMAG) != 0)
		return not_elf(err, SNAP_ERROR_MALFORMED, "not an ELF file");
	unsigned int type = head[EI_DATA] == ELFDATA2MSB
				    ? (unsigned int)head[EI_NIDENT] << 8 | head[EI_NIDENT + 1]
				    : (unsigned int)head[EI_NIDENT + 1] << 8 | head[EI_NIDENT];
	if (type != ET_EXEC && type != ET_DYN && type != ET_REL)
		return not_elf(
			err, SNAP_ERROR_UNSUPPORTED, "neither an executable nor a library");
	return 0;
}

bool snap_policy_is_cache_kind(const char *kind)
{
	return strcmp(kind, SNAP_TREES_KIND) == 0 || strcmp(kind, SNAP_SYMBOLS_KIND) == 0;
}
