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

/* A file that stays: nothing that is the same one may go. */
struct kept {
	dev_t device;
	ino_t inode;
};

struct pruning {
	struct snap_index *index;
	bool removes;
	void (*complain)(const char *format, ...);
	struct snap_pruned *ret;
	struct kept *kept; /* of the group */
	size_t num_kept;
};

static bool is_kept(const struct pruning *p, const struct stat *st)
{
	for (size_t i = 0; i < p->num_kept; i++)
		if (p->kept[i].device == st->st_dev && p->kept[i].inode == st->st_ino)
			return true;
	return false;
}

/* What becomes of a file: it stays, or goes if enough others do. */
enum fate {
	FATE_ERROR = -1,
	FATE_GONE,  /* it is not there */
	FATE_STAYS, /* it is another by now, or can't be removed: told of */
	FATE_KEPT,  /* one of those that are to stay */
	FATE_GOES,
};

/* may_go: enough others stay. */
static enum fate decide(struct pruning *p, const struct snap_group_file *file, bool may_go,
	struct snap_error *err)
{
	char shown[1024];
	const char *name;
	struct stat st = {0};
	bool is_same = false;
	enum fate fate;
	(void)snap_escape(snap_bytes_str(file->path), SNAP_ESCAPE_TERMINAL, shown, sizeof(shown));
	int directory = open_directory(file->path, &name);
	if (directory < 0)
		return FATE_GONE;
	if (check_file(p->index, directory, name, file->path, &st, &is_same, err) < 0) {
		fate = FATE_ERROR;
	} else if (st.st_ino == 0) {
		fate = FATE_GONE;
	} else if (!is_same) {
		p->complain("'%s' stays: it is not the file that was analysed any more", shown);
		fate = FATE_STAYS;
	} else if (!may_go || is_kept(p, &st)) {
		p->kept[p->num_kept++] = (struct kept){.device = st.st_dev, .inode = st.st_ino};
		fate = FATE_KEPT;
	} else if (p->removes && unlinkat(directory, name, 0) < 0) {
		p->complain("cannot remove '%s': %s", shown, strerror(errno));
		p->ret->num_failures++;
		fate = FATE_STAYS;
	} else {
		p->ret->bytes += (uint64_t)st.st_size;
		p->ret->num_files++;
		fate = FATE_GOES;
	}
	(void)close(directory); /* nothing was written through it */
	return fate;
}

/* The example, and then the newest first. */
static const struct snap_group_file *nth_file(const struct snap_group *group, size_t n)
{
	size_t example = (size_t)(group->example - group->files);
	if (n == 0)
		return group->example;
	size_t at = group->num_files - n;
	return &group->files[at > example ? at : at - 1];
}

static int prune_group(struct pruning *p, const struct snap_group *group, uint64_t keep,
	enum fate *fates, struct snap_error *err)
{
	uint64_t num_kept = 0;
	p->num_kept = 0;
	if (p->removes && snap_index_begin(p->index, err) < 0)
		return -1;
	int r = 0;
	for (size_t i = 0; i < group->num_files && r == 0; i++) {
		const struct snap_group_file *file = nth_file(group, i);
		/* A file of several backtraces is more than this one. */
		bool is_whole = file->line == 0 && strcmp(file->path, "-") != 0;
		fates[i] = is_whole ? decide(p, file, num_kept >= keep, err) : FATE_STAYS;
		num_kept += fates[i] == FATE_KEPT;
		p->ret->num_kept += fates[i] == FATE_KEPT || fates[i] == FATE_STAYS;
		if (fates[i] == FATE_ERROR)
			r = -1;
		else if (p->removes && (fates[i] == FATE_GOES || fates[i] == FATE_GONE))
			r = snap_index_remove_file(p->index, file->path, err);
	}
	if (p->removes && r == 0)
		r = snap_index_end(p->index, err);
	else if (p->removes)
		snap_index_undo(p->index);
	return r;
}

int snap_prune(struct snap_index *index, const struct snap_groups *groups, uint64_t keep,
	bool removes, void (*tell)(const struct snap_group_file *file),
	void (*complain)(const char *format, ...), struct snap_pruned *ret, struct snap_error *err)
{
	struct pruning p = {.index = index, .removes = removes, .complain = complain, .ret = ret};
	size_t most = 0;
	*ret = (struct snap_pruned){0};
	for (size_t i = 0; i < groups->num; i++)
		if (groups->groups[i].num_files > most)
			most = groups->groups[i].num_files;
	enum fate *fates = malloc((most + 1) * sizeof(fates[0]));
	p.kept = malloc((most + 1) * sizeof(p.kept[0]));
	int r = fates && p.kept ? 0 : snap_error_no_memory(err);
	for (size_t i = 0; i < groups->num && r == 0; i++) {
		const struct snap_group *group = &groups->groups[i];
		r = prune_group(&p, group, keep, fates, err);
		/* When nobody waits for it: who reads this may be slow. */
		for (size_t j = 0; j < group->num_files && r == 0; j++)
			if (fates[j] == FATE_GOES)
				tell(nth_file(group, j));
	}
	free(fates);
	free(p.kept);
	return r;
}
