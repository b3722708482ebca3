#include "analyze/find/places.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analyze/cache/cache_dir.h"
#include "analyze/file_open.h"
#include "analyze/sandbox/remote.h"

int snap_places_init(
	struct snap_places *places, const struct snap_options *options, struct snap_error *err)
{
	*places = (struct snap_places){.options = options, .sysroot_fd = -1};
	/* A worker asks for what is below it by that. */
	if (!options->sysroot || snap_remote_is_on())
		return 0;
	struct snap_error why = SNAP_ERROR_INIT;
	places->sysroot_fd = snap_directory_open(AT_FDCWD, options->sysroot, true, &why);
	return places->sysroot_fd >= 0 ? 0
				       : snap_error_set(err, why.code, "--sysroot: %s", why.text);
}

void snap_places_deinit(struct snap_places *places)
{
	snap_dir_index_deinit(&places->trees);
	if (places->sysroot_fd >= 0)
		(void)close(places->sysroot_fd); /* a directory: nothing can be lost */
	places->sysroot_fd = -1;
}

const struct snap_dir_index *snap_places_trees(struct snap_places *places, struct snap_error *err)
{
	if (places->trees_read)
		return &places->trees;
	places->trees_read = true;
	for (size_t i = 0; i < places->options->num_symbol_dirs; i++)
		if (snap_dir_index_add(&places->trees, places->options->symbol_dirs[i],
			    snap_cache_get(places->options->cache, NULL), places->options->progress,
			    err) < 0)
			return NULL;
	snap_dir_index_sort(&places->trees);
	return &places->trees;
}

int snap_places_named(struct snap_places *places, const char *name, size_t nth, const char **ret,
	struct snap_error *err)
{
	*ret = NULL;
	const struct snap_dir_index *trees = snap_places_trees(places, err);
	if (!trees)
		return -1;
	const struct snap_dir_name *found = snap_dir_index_find_name(trees, name);
	const struct snap_dir_name *end = trees->names + trees->num_names;
	if (found && nth < (size_t)(end - found) &&
		strcmp(snap_path_base(found[nth].path), name) == 0)
		*ret = found[nth].path;
	return 0;
}

int snap_places_open(const struct snap_places *places, enum snap_root root, const char *path,
	struct snap_error *err)
{
	return root == SNAP_ROOT_SYSROOT
		       ? snap_file_open_in_root(places->sysroot_fd, path, NULL, err)
		       : snap_file_open(path, NULL, err);
}

void snap_places_name(const struct snap_places *places, enum snap_root root, const char *path,
	char out[2 * SNAP_MAX_PATH_BYTES])
{
	(void)snprintf(out, (size_t)2 * SNAP_MAX_PATH_BYTES, "%s%s",
		root == SNAP_ROOT_SYSROOT ? places->options->sysroot : "", path);
}

bool snap_places_target_root(const struct snap_places *places, enum snap_root *ret)
{
	*ret = places->options->sysroot ? SNAP_ROOT_SYSROOT : SNAP_ROOT_HERE;
	return places->options->sysroot || !places->options->no_local;
}

bool snap_places_is_path(struct snap_bytes path, char out[SNAP_MAX_PATH_BYTES])
{
	if (path.len == 0 || path.len >= SNAP_MAX_PATH_BYTES || path.data[0] != '/' ||
		memchr(path.data, '\0', path.len))
		return false;
	memcpy(out, path.data, path.len);
	out[path.len] = '\0';
	return strncmp(out, "/proc/", 6) != 0 && strncmp(out, "/dev/", 5) != 0 &&
	       strncmp(out, "/sys/", 5) != 0;
}

size_t snap_places_num_debug_dirs(const struct snap_places *places)
{
	const struct snap_options *options = places->options;
	if (options->num_debug_dirs > 0)
		return options->num_debug_dirs;
	return options->sysroot || options->no_local ? 0 : 1;
}

const char *snap_places_debug_dir(const struct snap_places *places, size_t i)
{
	const struct snap_options *options = places->options;
	return options->num_debug_dirs > 0 ? options->debug_dirs[i] : SNAP_DEFAULT_DEBUG_DIR;
}

bool snap_path_join(char out[SNAP_MAX_PATH_BYTES], const char *dir, const char *name)
{
	int n = snprintf(out, SNAP_MAX_PATH_BYTES, "%s/%s", dir, name);
	return n > 0 && n < SNAP_MAX_PATH_BYTES;
}

void snap_path_dir(const char *path, char out[SNAP_MAX_PATH_BYTES])
{
	const char *slash = strrchr(path, '/');
	(void)snprintf(out, SNAP_MAX_PATH_BYTES, "%.*s", slash ? (int)(slash - path) : 1,
		slash ? path : ".");
}

const char *snap_path_base(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}
