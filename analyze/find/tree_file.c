#include "analyze/find/tree_file.h"

#include <stdlib.h>
#include <string.h>

#include "common/crc32c.h"
#include "common/snapshot.h"

/* The last character is the format's version. */
static const char magic[8] = {'S', 'n', 'a', 'p', 'T', 'r', 'e', '1'};
#define BYTE_ORDER_MARK 0x01020304

/* ---------------------------------------------------------------- the file */

static struct iovec part_of(const void *data, size_t num, size_t size)
{
	return (struct iovec){.iov_base = (void *)data, .iov_len = num * size};
}

static void set_parts(const struct snap_tree *tree, const struct snap_tree_header *header,
	struct iovec parts[SNAP_TREE_PARTS])
{
	parts[0] = part_of(header, 1, sizeof(*header));
	parts[1] = part_of(tree->dirs, tree->num_dirs, sizeof(*tree->dirs));
	parts[2] = part_of(tree->files, tree->num_files, sizeof(*tree->files));
	parts[3] = part_of(tree->ids, tree->ids_len, 1);
	parts[4] = part_of(tree->names, tree->names_len, 1);
}

/* Of all but the header's beginning, the checksum included. */
static uint32_t checksum(const struct iovec parts[SNAP_TREE_PARTS])
{
	const struct snap_tree_header *header = parts[0].iov_base;
	uint32_t crc = snap_crc32c(0, &header->num_dirs,
		sizeof(*header) - offsetof(struct snap_tree_header, num_dirs));
	for (size_t i = 1; i < SNAP_TREE_PARTS; i++)
		crc = snap_crc32c(crc, parts[i].iov_base, parts[i].iov_len);
	return crc;
}

bool snap_tree_parts(const struct snap_tree *tree, struct snap_tree_header *header,
	struct iovec parts[SNAP_TREE_PARTS])
{
	if (tree->num_dirs > UINT32_MAX || tree->num_files > UINT32_MAX ||
		tree->ids_len > UINT32_MAX - SNAP_TREE_ID || tree->names_len > UINT32_MAX)
		return false;
	*header = (struct snap_tree_header){
		.byte_order = BYTE_ORDER_MARK,
		.num_dirs = (uint32_t)tree->num_dirs,
		.num_files = (uint32_t)tree->num_files,
		.ids_len = (uint32_t)tree->ids_len,
		.names_len = (uint32_t)tree->names_len,
	};
	memcpy(header->magic, magic, sizeof(magic));
	set_parts(tree, header, parts);
	header->crc = checksum(parts);
	return true;
}

bool snap_tree_equal(const struct snap_tree *a, const struct snap_tree *b)
{
	struct iovec x[SNAP_TREE_PARTS], y[SNAP_TREE_PARTS];
	set_parts(a, NULL, x);
	set_parts(b, NULL, y);
	for (size_t i = 1; i < SNAP_TREE_PARTS; i++)
		if (!snap_bytes_equal(snap_bytes(x[i].iov_base, x[i].iov_len),
			    snap_bytes(y[i].iov_base, y[i].iov_len)))
			return false;
	return true;
}

/* ---------------------------------------------------------------- reading */

/* A name in a directory, and nothing that leads elsewhere. */
static bool is_name(const struct snap_tree *tree, uint32_t name)
{
	if (name >= tree->names_len)
		return false;
	const char *s = tree->names + name;
	return *s && strcmp(s, ".") != 0 && strcmp(s, "..") != 0 && !strchr(s, '/');
}

static bool is_file(const struct snap_tree *tree, const struct snap_tree_file *file)
{
	if (!is_name(tree, file->name))
		return false;
	if (file->info < SNAP_TREE_ID)
		return true;
	size_t off = file->info - SNAP_TREE_ID;
	return off < tree->ids_len && tree->ids[off] > 0 && tree->ids[off] <= SNAP_MAX_BUILD_ID &&
	       tree->ids[off] < tree->ids_len - off;
}

/* Whether the directories are one tree that takes all files; finds where each ends. */
static bool find_ends(struct snap_tree *tree)
{
	struct {
		uint32_t dir, num_dirs; /* still to come in it */
	} open[SNAP_TREE_MAX_DEPTH + 2];
	size_t depth = 0, file = 0;
	for (uint32_t i = 0; i < tree->num_dirs; i++) {
		const struct snap_tree_dir *dir = &tree->dirs[i];
		if ((i > 0 && (depth == 0 || !is_name(tree, dir->name))) ||
			depth == sizeof(open) / sizeof(open[0]) ||
			dir->num_files > tree->num_files - file)
			return false;
		tree->first_file[i] = (uint32_t)file;
		file += dir->num_files;
		open[depth].dir = i;
		open[depth++].num_dirs = dir->num_dirs;
		while (depth > 0 && open[depth - 1].num_dirs == 0) {
			tree->end[open[--depth].dir] = i + 1;
			if (depth > 0)
				open[depth - 1].num_dirs--;
		}
	}
	return depth == 0 && file == tree->num_files;
}

static bool check(struct snap_tree *tree, const char *path)
{
	if (tree->num_dirs == 0 || tree->names_len == 0 ||
		tree->names[tree->names_len - 1] != '\0' || tree->dirs[0].name != 0 ||
		(path && strcmp(tree->names, path) != 0) || !find_ends(tree))
		return false;
	for (size_t i = 0; i < tree->num_files; i++)
		if (!is_file(tree, &tree->files[i]))
			return false;
	return true;
}

bool snap_tree_read(struct snap_bytes bytes, const char *path, struct snap_tree *ret)
{
	struct snap_tree_header header;
	struct iovec parts[SNAP_TREE_PARTS];
	if (bytes.len < sizeof(header))
		return false;
	memcpy(&header, bytes.data, sizeof(header));
	struct snap_tree tree = {
		.num_dirs = header.num_dirs,
		.num_files = header.num_files,
		.ids_len = header.ids_len,
		.names_len = header.names_len,
	};
	/* No sum of such products overflows. */
	uint64_t dirs_end = sizeof(header) + tree.num_dirs * sizeof(*tree.dirs);
	uint64_t files_end = dirs_end + tree.num_files * sizeof(*tree.files);
	if (memcmp(header.magic, magic, sizeof(magic)) != 0 ||
		header.byte_order != BYTE_ORDER_MARK ||
		files_end + tree.ids_len + tree.names_len != bytes.len)
		return false;
	/* Only to be read. */
	uint8_t *data = (uint8_t *)bytes.data;
	tree.dirs = (struct snap_tree_dir *)(data + sizeof(header));
	tree.files = (struct snap_tree_file *)(data + dirs_end);
	tree.ids = data + files_end;
	tree.names = (char *)(data + files_end + tree.ids_len);
	set_parts(&tree, &header, parts);
	if (checksum(parts) != header.crc)
		return false;
	tree.first_file = calloc(tree.num_dirs, sizeof(*tree.first_file));
	tree.end = calloc(tree.num_dirs, sizeof(*tree.end));
	if (!tree.first_file || !tree.end || !check(&tree, path)) {
		snap_tree_deinit(&tree);
		return false;
	}
	*ret = tree;
	return true;
}

struct snap_bytes snap_tree_id(const struct snap_tree *tree, const struct snap_tree_file *file)
{
	if (file->info < SNAP_TREE_ID)
		return snap_bytes(NULL, 0);
	const uint8_t *id = tree->ids + (file->info - SNAP_TREE_ID);
	return snap_bytes(id + 1, *id);
}

void snap_tree_deinit(struct snap_tree *tree)
{
	free(tree->first_file);
	free(tree->end);
	*tree = (struct snap_tree){0};
}

/* ---------------------------------------------------------------- making */

/* Room for more items. */
static int reserve(
	void *array, size_t num, size_t more, size_t *capacity, size_t size, struct snap_error *err)
{
	if (more <= *capacity - num)
		return 0;
	size_t wanted = 2 * *capacity + more + 64;
	void *old;
	memcpy(&old, array, sizeof(old)); /* whatever it points to */
	void *grown = reallocarray(old, wanted, size);
	if (!grown)
		return snap_error_no_memory(err);
	memcpy(array, &grown, sizeof(grown));
	*capacity = wanted;
	return 0;
}

static int add_name(struct snap_tree *tree, const char *name, uint32_t *ret, struct snap_error *err)
{
	size_t len = strlen(name) + 1;
	if (reserve(&tree->names, tree->names_len, len, &tree->names_capacity, 1, err) < 0)
		return -1;
	memcpy(tree->names + tree->names_len, name, len);
	*ret = (uint32_t)tree->names_len; /* too large a tree is not written */
	tree->names_len += len;
	return 0;
}

int snap_tree_add_dir(struct snap_tree *tree, const char *name, struct snap_error *err)
{
	struct snap_tree_dir dir = {0};
	if (add_name(tree, name, &dir.name, err) < 0 ||
		reserve(&tree->dirs, tree->num_dirs, 1, &tree->dirs_capacity, sizeof(dir), err) < 0)
		return -1;
	tree->dirs[tree->num_dirs++] = dir;
	return 0;
}

int snap_tree_add_file(struct snap_tree *tree, const char *name, uint64_t stamp, uint32_t info,
	struct snap_bytes build_id, struct snap_error *err)
{
	struct snap_tree_file file = {.stamp = stamp, .info = info};
	if (build_id.len > 0) {
		if (reserve(&tree->ids, tree->ids_len, 1 + build_id.len, &tree->ids_capacity, 1,
			    err) < 0)
			return -1;
		file.info = (uint32_t)(SNAP_TREE_ID + tree->ids_len);
		tree->ids[tree->ids_len] = (uint8_t)build_id.len;
		memcpy(tree->ids + tree->ids_len + 1, build_id.data, build_id.len);
		tree->ids_len += 1 + build_id.len;
	}
	if (add_name(tree, name, &file.name, err) < 0 ||
		reserve(&tree->files, tree->num_files, 1, &tree->files_capacity, sizeof(file),
			err) < 0)
		return -1;
	tree->files[tree->num_files++] = file;
	tree->dirs[tree->num_dirs - 1].num_files++;
	return 0;
}

void snap_tree_deinit_made(struct snap_tree *tree)
{
	free(tree->dirs);
	free(tree->files);
	free(tree->ids);
	free(tree->names);
	*tree = (struct snap_tree){0};
}
