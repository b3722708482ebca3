#include "analyze/dedup/prune.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/escape.h"

/* The directory that the path's last component is in, open; *ret_name is in path. */
static int open_directory(const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	const int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
	*ret_name = slash ? slash + 1 : path;
	if (!slash)
		return open(".", flags);
	char *directory = slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
	if (!directory) {
		errno = ENOMEM;
		return -1;
	}
	int fd = open(directory, flags);
	free(directory);
	return fd;
}

/* Whether the file in the directory is the one that was analysed. */
static int check_file(struct snap_index *index, int directory, const char *name, const char *path,
	struct stat *st, bool *ret, struct snap_error *err)
{
	*ret = false;
	if (fstatat(directory, name, st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st->st_mode))
		return 0;
	return snap_index_has_file(index, path, st, ret, err);
}

/* 1: it went, or would; 0: it can't, which was told. */
static int prune_file(struct snap_index *index, const struct snap_group_file *file, bool removes,
	void (*complain)(const char *format, ...), uint64_t *bytes, struct snap_error *err)
{
	char shown[1024];
	const char *name;
	struct stat st;
	bool is_same = false;
	(void)snap_escape(snap_bytes_str(file->path), SNAP_ESCAPE_TERMINAL, shown, sizeof(shown));
	int directory = open_directory(file->path, &name);
	if (directory < 0) {
		complain("'%s' is kept: %s", shown, strerror(errno));
		return 0;
	}
	int r = check_file(index, directory, name, file->path, &st, &is_same, err);
	if (r == 0 && !is_same) {
		complain("'%s' is kept: it is not the file that was analysed any more", shown);
	} else if (r == 0 && removes && unlinkat(directory, name, 0) < 0) {
		complain("cannot remove '%s': %s", shown, strerror(errno));
	} else if (r == 0) {
		*bytes += (uint64_t)st.st_size;
		r = 1;
	}
	(void)close(directory); /* nothing was written through it */
	return r;
}

int snap_prune(struct snap_index *index, const struct snap_groups *groups, uint64_t keep,
	bool removes, void (*tell)(const struct snap_group_file *file),
	void (*complain)(const char *format, ...), struct snap_pruned *ret, struct snap_error *err)
{
	*ret = (struct snap_pruned){0};
	if (removes && snap_index_begin(index, err) < 0)
		return -1;
	int r = 0;
	for (size_t i = 0; i < groups->num && r >= 0; i++) {
		const struct snap_group *group = &groups->groups[i];
		uint64_t kept = group->example != NULL;
		for (size_t j = group->num_files; j > 0 && r >= 0; j--) {
			const struct snap_group_file *file = &group->files[j - 1];
			if (file == group->example)
				continue;
			/* A file of several backtraces is more than this one. */
			if (kept < keep || file->line > 0 || strcmp(file->path, "-") == 0) {
				kept++;
				continue;
			}
			r = prune_file(index, file, removes, complain, &ret->bytes, err);
			kept += r == 0;
			ret->num_failures += r == 0;
			if (r <= 0)
				continue;
			tell(file);
			ret->num_files++;
			if (removes)
				r = snap_index_remove_file(index, file->path, err);
		}
		ret->num_kept += kept;
	}
	if (removes && r >= 0)
		r = snap_index_end(index, err);
	else if (removes)
		snap_index_undo(index);
	return r < 0 ? -1 : 0;
}
