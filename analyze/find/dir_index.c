#include "analyze/find/dir_index.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/file_open.h"
#include "analyze/symbols/elf_file.h"

#define MAX_DEPTH 32

static int compare_entries(const void *a, const void *b)
{
	const struct snap_dir_entry *x = a, *y = b;
	if (x->build_id_len != y->build_id_len)
		return x->build_id_len < y->build_id_len ? -1 : 1;
	int r = memcmp(x->build_id, y->build_id, x->build_id_len);
	return r != 0 || !x->path || !y->path ? r : strcmp(x->path, y->path);
}

static int append(struct snap_dir_index *index, struct snap_bytes build_id, char *path,
	struct snap_error *err)
{
	if (index->num_entries == index->capacity) {
		size_t capacity = index->capacity ? 2 * index->capacity : 32;
		struct snap_dir_entry *grown =
			reallocarray(index->entries, capacity, sizeof(*grown));
		if (!grown)
			return snap_error_no_memory(err);
		index->entries = grown;
		index->capacity = capacity;
	}
	struct snap_dir_entry *entry = &index->entries[index->num_entries];
	memcpy(entry->build_id, build_id.data, build_id.len);
	entry->build_id_len = build_id.len;
	entry->path = strdup(path);
	if (!entry->path)
		return snap_error_no_memory(err);
	index->num_entries++;
	return 0;
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static int compare_names(const void *a, const void *b)
{
	const struct snap_dir_name *x = a, *y = b;
	int r = strcmp(base_of(x->path), base_of(y->path));
	return r != 0 ? r : strcmp(x->path, y->path);
}

static int append_name(struct snap_dir_index *index, const char *path, struct snap_error *err)
{
	if (index->num_names == index->names_capacity) {
		size_t capacity = index->names_capacity ? 2 * index->names_capacity : 32;
		struct snap_dir_name *grown = reallocarray(index->names, capacity, sizeof(*grown));
		if (!grown)
			return snap_error_no_memory(err);
		index->names = grown;
		index->names_capacity = capacity;
	}
	char *copy = strdup(path);
	if (!copy)
		return snap_error_no_memory(err);
	index->names[index->num_names++].path = copy;
	return 0;
}

static bool is_split_name(const char *path)
{
	size_t len = strlen(path);
	return len > 4 &&
	       (strcmp(path + len - 4, ".dwo") == 0 || strcmp(path + len - 4, ".dwp") == 0);
}

static int add_file(struct snap_dir_index *index, int fd, char *path, struct snap_error *err)
{
	char magic[SELFMAG];
	if (pread(fd, magic, SELFMAG, 0) != SELFMAG || memcmp(magic, ELFMAG, SELFMAG) != 0) {
		(void)close(fd); /* only read from */
		return 0;
	}
	if (is_split_name(path)) {
		(void)close(fd); /* only read from */
		return append_name(index, path, err);
	}
	struct snap_elf_file file;
	if (snap_elf_file_open_part(fd, path, &file, NULL) < 0)
		return 0; /* a core, a broken one: nothing to look up */
	int r = 0;
	if (file.build_id.len > 0 && file.build_id.len <= SNAP_MAX_BUILD_ID)
		r = append(index, file.build_id, path, err);
	else if (file.build_id.len == 0 && file.elf_type != ET_REL)
		r = append_name(index, path, err);
	snap_elf_file_deinit(&file);
	return r;
}

static int walk(struct snap_dir_index *index, int dir_fd, const char *path, unsigned int depth,
	struct snap_error *err);

static int add_name(struct snap_dir_index *index, int dir_fd, const char *path, const char *name,
	unsigned int depth, struct snap_error *err)
{
	struct stat st;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		(!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
		return 0;
	char *full;
	if (asprintf(&full, "%s/%s", path, name) < 0)
		return snap_error_no_memory(err);
	int r = 0;
	int fd = S_ISDIR(st.st_mode) ? snap_directory_open(dir_fd, name, false, NULL)
				     : snap_file_open_in(dir_fd, name, NULL, NULL);
	if (fd < 0)
		index->num_unreadable++;
	else if (S_ISDIR(st.st_mode))
		r = walk(index, fd, full, depth + 1, err);
	else
		r = add_file(index, fd, full, err);
	free(full);
	return r;
}

/* Closes dir_fd. */
static int walk(struct snap_dir_index *index, int dir_fd, const char *path, unsigned int depth,
	struct snap_error *err)
{
	DIR *dir = depth <= MAX_DEPTH ? fdopendir(dir_fd) : NULL;
	if (!dir) {
		(void)close(dir_fd);
		index->num_unreadable++;
		return 0;
	}
	int r = 0;
	const struct dirent *entry;
	while (r == 0 && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = add_name(index, dirfd(dir), path, entry->d_name, depth, err);
	(void)closedir(dir);
	return r;
}

int snap_dir_index_add(struct snap_dir_index *index, const char *path, struct snap_error *err)
{
	struct snap_error why = SNAP_ERROR_INIT;
	int fd = snap_directory_open(AT_FDCWD, path, true, &why);
	if (fd < 0)
		return snap_error_set(
			err, why.code, "cannot read directory '%s': %s", path, why.text);
	return walk(index, fd, path, 0, err);
}

void snap_dir_index_sort(struct snap_dir_index *index)
{
	if (index->num_entries > 0)
		qsort(index->entries, index->num_entries, sizeof(*index->entries), compare_entries);
	if (index->num_names > 0)
		qsort(index->names, index->num_names, sizeof(*index->names), compare_names);
}

void snap_dir_index_deinit(struct snap_dir_index *index)
{
	for (size_t i = 0; i < index->num_entries; i++)
		free(index->entries[i].path);
	for (size_t i = 0; i < index->num_names; i++)
		free(index->names[i].path);
	free(index->names);
	free(index->entries);
	*index = (struct snap_dir_index){0};
}

const struct snap_dir_entry *snap_dir_index_find(
	const struct snap_dir_index *index, struct snap_bytes build_id)
{
	if (build_id.len > SNAP_MAX_BUILD_ID)
		return NULL;
	struct snap_dir_entry key = {.build_id_len = build_id.len};
	memcpy(key.build_id, build_id.data, build_id.len);
	size_t low = 0, high = index->num_entries;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (compare_entries(&index->entries[mid], &key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < index->num_entries && compare_entries(&index->entries[low], &key) == 0)
		return &index->entries[low];
	return NULL;
}

const struct snap_dir_name *snap_dir_index_find_name(
	const struct snap_dir_index *index, const char *name)
{
	size_t low = 0, high = index->num_names;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (strcmp(base_of(index->names[mid].path), name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < index->num_names && strcmp(base_of(index->names[low].path), name) == 0
		       ? &index->names[low]
		       : NULL;
}
