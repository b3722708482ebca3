#include "analyze/find/dir_index.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <sha2.h>

#include "analyze/cache/cache_dir.h"
#include "analyze/file_open.h"
#include "analyze/find/tree_file.h"
#include "analyze/find/tree_scan.h"
#include "analyze/find/tree_walk.h"
#include "analyze/sandbox/remote.h"
#include "common/escape.h"

static int compare_entries(const void *a, const void *b)
{
	const struct snap_dir_entry *x = a, *y = b;
	if (x->build_id_len != y->build_id_len)
		return x->build_id_len < y->build_id_len ? -1 : 1;
	int r = memcmp(x->build_id, y->build_id, x->build_id_len);
	return r != 0 || !x->path || !y->path ? r : strcmp(x->path, y->path);
}

static int append(struct snap_dir_index *index, struct snap_bytes build_id, const char *path,
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

static int add_found(
	const char *path, struct snap_bytes build_id, void *data, struct snap_error *err)
{
	return build_id.len > 0 ? append(data, build_id, path, err) : append_name(data, path, err);
}

/* ---------------------------------------------------------------- what is kept */

/* The key of the tree at an absolute path, so that another that is mounted there has its own. */
static void make_key(const char *path, uint64_t dev, uint64_t ino, char *ret)
{
	SHA2_CTX sha;
	uint8_t hash[SHA256_DIGEST_LENGTH];
	const uint64_t ids[2] = {dev, ino};
	SHA256Init(&sha);
	SHA256Update(&sha, (const uint8_t *)path, strlen(path) + 1);
	SHA256Update(&sha, (const uint8_t *)ids, sizeof(ids));
	SHA256Final(hash, &sha);
	snap_hex(snap_bytes(hash, 16), ret);
}

static void keep(struct snap_cache_dir *cache, const char *key, const struct snap_tree *made)
{
	struct snap_tree_header header;
	struct iovec parts[SNAP_TREE_PARTS];
	if (snap_tree_parts(made, &header, parts))
		/* What can't be kept is found again. */
		(void)snap_cache_write(cache, SNAP_TREES_KIND, key, parts, SNAP_TREE_PARTS, NULL);
}

/* Where a tree is, and how it is seen: by its open root, or by a scan (fd is -1 then). */
struct place {
	int fd;
	struct snap_scan_reader scan;
	uint64_t dev, ino;
	char *absolute_path; /* on the heap; NULL: not known */
};

static int walk_place(struct snap_tree_walk *walk, struct place *place, struct snap_error *err)
{
	return place->fd >= 0 ? snap_tree_walk(walk, place->fd, err)
			      : snap_tree_walk_scanned(walk, &place->scan, err);
}

/* The walk, with what is kept of the tree. */
static int walk_kept(struct snap_tree_walk *walk, struct place *place,
	struct snap_cache_dir *cache, struct snap_error *err)
{
	char key[33];
	struct snap_tree known;
	make_key(place->absolute_path, place->dev, place->ino, key);
	struct snap_bytes bytes = snap_cache_map(cache, SNAP_TREES_KIND, key);
	bool is_known = snap_tree_read(bytes, walk->absolute_path, &known);
	if (is_known)
		walk->known = &known;
	int r = walk_place(walk, place, err);
	if (r == 0 && (!is_known || !snap_tree_equal(&known, &walk->made)))
		keep(cache, key, &walk->made);
	if (is_known)
		snap_tree_deinit(&known);
	snap_cache_unmap(bytes);
	return r;
}

/* The broker's word for it. */
static int scan_place(const char *path, struct place *ret, struct snap_error *err)
{
	struct snap_scan_head head;
	struct stat st;
	int fd = snap_remote_scan(path, err);
	if (fd < 0)
		return -1;
	void *data = fstat(fd, &st) == 0 && st.st_size > 0
			     ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)
			     : MAP_FAILED;
	(void)close(fd); /* only read from */
	if (data == MAP_FAILED)
		return snap_error_no_memory(err);
	*ret = (struct place){.fd = -1, .scan = {.data = data, .len = (size_t)st.st_size}};
	if (!snap_scan_read(&ret->scan, &head, sizeof(head)) ||
		head.path_len > ret->scan.len - ret->scan.off)
		return snap_error_no_memory(err); /* it is never so */
	ret->dev = head.dev;
	ret->ino = head.ino;
	if (head.path_len > 0)
		ret->absolute_path = strndup(
			(const char *)ret->scan.data + ret->scan.off, head.path_len);
	ret->scan.off += head.path_len;
	return 0;
}

static int open_place(
	const char *path, bool wants_name, struct place *ret, struct snap_error *err)
{
	struct stat st;
	if (snap_remote_is_on())
		return scan_place(path, ret, err);
	*ret = (struct place){.fd = snap_directory_open(AT_FDCWD, path, true, err)};
	if (ret->fd < 0)
		return -1;
	if (wants_name && fstat(ret->fd, &st) == 0) {
		ret->dev = st.st_dev;
		ret->ino = st.st_ino;
		ret->absolute_path = realpath(path, NULL);
	}
	return 0;
}

int snap_dir_index_add(struct snap_dir_index *index, const char *path, struct snap_cache_dir *cache,
	struct snap_progress progress, struct snap_error *err)
{
	struct snap_error why = SNAP_ERROR_INIT;
	struct place place;
	if (open_place(path, cache != NULL, &place, &why) < 0) {
		char name[256];
		(void)snap_escape(snap_bytes_str(path), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
		return snap_error_set(
			err, why.code, "cannot read directory '%s': %s", name, why.text);
	}
	struct snap_tree_walk walk = {
		.path = path,
		.absolute_path = cache && place.absolute_path ? place.absolute_path : "",
		.progress = progress,
		.found = add_found,
		.data = index,
	};
	int r = cache && place.absolute_path ? walk_kept(&walk, &place, cache, err)
					     : walk_place(&walk, &place, err);
	index->num_unreadable += walk.num_unreadable;
	index->num_files += walk.made.num_files;
	index->num_opened += walk.num_opened;
	index->num_dirs += walk.made.num_dirs;
	index->num_listed += walk.num_listed;
	snap_tree_deinit_made(&walk.made);
	if (place.scan.data)
		(void)munmap((void *)place.scan.data, place.scan.len); /* as it was mapped */
	free(place.absolute_path);
	return r;
}

/* ---------------------------------------------------------------- the index */

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
	free(index->entries);
	free(index->names);
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

const struct snap_dir_entry *snap_dir_index_find_prefix(
	const struct snap_dir_index *index, struct snap_bytes prefix)
{
	const struct snap_dir_entry *found = NULL;
	for (size_t i = 0; i < index->num_entries; i++) {
		const struct snap_dir_entry *entry = &index->entries[i];
		if (entry->build_id_len < prefix.len ||
			memcmp(entry->build_id, prefix.data, prefix.len) != 0)
			continue;
		if (!found)
			found = entry;
		else if (!snap_bytes_equal(snap_bytes(found->build_id, found->build_id_len),
				 snap_bytes(entry->build_id, entry->build_id_len)))
			return NULL;
	}
	return found;
}

bool snap_dir_name_is(const struct snap_dir_name *name, const char *base_name)
{
	return strcmp(base_of(name->path), base_name) == 0;
}

const struct snap_dir_name *snap_dir_index_find_name(
	const struct snap_dir_index *index, const char *base_name)
{
	size_t low = 0, high = index->num_names;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (strcmp(base_of(index->names[mid].path), base_name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < index->num_names && snap_dir_name_is(&index->names[low], base_name)
		       ? &index->names[low]
		       : NULL;
}
