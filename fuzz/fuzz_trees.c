/*
 * What the cache has of a --symbols tree: the entry that a real tree made, changed. An input is a list of
 * changes: offset (2 bytes), how many bytes (1), the bytes; what is left over cuts the entry (2 bytes). The
 * checksum is put right.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/cache/cache_dir.h"
#include "analyze/find/dir_index.h"
#include "analyze/find/tree_file.h"
#include "common/crc32c.h"
#include "fuzz/fuzz.h"

static char top[256], tree_path[300], cache_path[300], entry_path[700];
static uint8_t *genuine;
static size_t genuine_len;
static struct snap_cache_dir *cache;

static void make_file(const char *name, const char *bytes, size_t len)
{
	char path[600];
	(void)snprintf(path, sizeof(path), "%s/%s", tree_path, name);
	FILE *file = fopen(path, "we");
	FUZZ_REQUIRE(file && fwrite(bytes, 1, len, file) == len && fclose(file) == 0);
}

static void make_dir(const char *name)
{
	char path[600];
	(void)snprintf(path, sizeof(path), "%s/%s", tree_path, name);
	FUZZ_REQUIRE(mkdir(path, 0700) == 0);
}

/* A library that is nothing but a build ID. */
static void make_library(const char *name, uint8_t id)
{
	uint8_t note[] = {4, 0, 0, 0, 8, 0, 0, 0, 3, 0, 0, 0, 'G', 'N', 'U', 0, 1, 2, 3, 4, 5, 6, 7, id};
	const struct fuzz_elf elf = {.machine = 62,
		.elf_class = 2,
		.segment = 4,
		.num_sections = 1,
		.sections = {{".note.gnu.build-id", 7, 0x1000, snap_bytes(note, sizeof(note))}}};
	size_t len;
	uint8_t *image = fuzz_elf_image(&elf, &len);
	make_file(name, (const char *)image, len);
	free(image);
}

static void index_tree(void)
{
	struct snap_dir_index index = {0};
	struct snap_error err = SNAP_ERROR_INIT;
	int r = snap_dir_index_add(&index, tree_path, cache, (struct snap_progress){0}, &err);
	FUZZ_REQUIRE(r == 0);
	snap_dir_index_sort(&index);
	size_t len = strlen(tree_path);
	for (size_t i = 0; i < index.num_entries; i++) {
		const struct snap_dir_entry *entry = &index.entries[i];
		FUZZ_REQUIRE(entry->build_id_len >= 1 && entry->build_id_len <= SNAP_MAX_BUILD_ID);
		/* Nothing leads out of the tree. */
		FUZZ_REQUIRE(strncmp(entry->path, tree_path, len) == 0 && entry->path[len] == '/');
		FUZZ_REQUIRE(!strstr(entry->path, "/../"));
		FUZZ_REQUIRE(snap_dir_index_find(
			&index, snap_bytes(entry->build_id, entry->build_id_len)));
	}
	for (size_t i = 0; i < index.num_names; i++) {
		FUZZ_REQUIRE(strncmp(index.names[i].path, tree_path, len) == 0);
		FUZZ_REQUIRE(!strstr(index.names[i].path, "/../"));
		(void)snap_dir_index_find_name(&index, strrchr(index.names[i].path, '/') + 1);
	}
	snap_dir_index_deinit(&index);
}

/* The one entry of the cache. */
static void find_entry(void)
{
	char dir[600];
	struct dirent *found;
	(void)snprintf(dir, sizeof(dir), "%s/%s", cache_path, SNAP_TREES_KIND);
	DIR *entries = opendir(dir);
	FUZZ_REQUIRE(entries);
	while ((found = readdir(entries)))
		if (found->d_name[0] != '.' && strlen(found->d_name) == 32)
			(void)snprintf(entry_path, sizeof(entry_path), "%s/%.32s", dir, found->d_name);
	(void)closedir(entries);
	FUZZ_REQUIRE(entry_path[0]);
}

static void begin(void)
{
	struct snap_error err = SNAP_ERROR_INIT;
	const char *tmp = getenv("TMPDIR");
	(void)snprintf(top, sizeof(top), "%s/snapcrash-trees.XXXXXX", tmp ? tmp : "/dev/shm");
	FUZZ_REQUIRE(strlen(top) < 100 && mkdtemp(top));
	(void)snprintf(tree_path, sizeof(tree_path), "%s/tree", top);
	(void)snprintf(cache_path, sizeof(cache_path), "%s/cache", top);
	make_dir("");
	make_dir("lib");
	make_dir("lib/deep");
	make_dir("other");
	make_library("a.so", 1);
	make_library("lib/b.so", 2);
	make_library("lib/deep/c.so", 3);
	make_file("lib/text", "text", 4);
	make_file("other/unit.dwo", "\177ELF", 4);
	/* What was changed just now would be looked at again in any case. */
	(void)sleep(3);
	FUZZ_REQUIRE(snap_cache_dir_open(cache_path, &cache, &err) == 0);
	index_tree();
	find_entry();
	FILE *file = fopen(entry_path, "re");
	FUZZ_REQUIRE(file);
	genuine = malloc(1 << 16);
	FUZZ_REQUIRE(genuine);
	genuine_len = fread(genuine, 1, 1 << 16, file);
	(void)fclose(file);
	struct snap_tree tree;
	FUZZ_REQUIRE(snap_tree_read(snap_bytes(genuine, genuine_len), tree_path, &tree));
	snap_tree_deinit(&tree);
}

static void seal(uint8_t *data, size_t len)
{
	struct snap_tree_header header;
	if (len < sizeof(header))
		return;
	memcpy(&header, data, sizeof(header));
	size_t off = offsetof(struct snap_tree_header, num_dirs);
	header.crc = snap_crc32c(0, data + off, len - off);
	memcpy(data, &header, sizeof(header));
}

/* What is said of a tree is used without a look at the tree itself, too. */
static void read_alone(const uint8_t *data, size_t len)
{
	struct snap_tree tree;
	uint8_t *copy = fuzz_copy(snap_bytes(data, len));
	if (snap_tree_read(snap_bytes(copy, len), NULL, &tree)) {
		for (size_t i = 0; i < tree.num_dirs; i++)
			FUZZ_REQUIRE(tree.end[i] > i && tree.end[i] <= tree.num_dirs &&
				     tree.first_file[i] <= tree.num_files);
		for (size_t i = 0; i < tree.num_files; i++)
			FUZZ_REQUIRE(snap_tree_id(&tree, &tree.files[i]).len <= SNAP_MAX_BUILD_ID);
		snap_tree_deinit(&tree);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input input = {data, len};
	if (!cache)
		begin();
	uint8_t *changed = fuzz_copy(snap_bytes(genuine, genuine_len));
	size_t changed_len = genuine_len;
	while (input.len > 3) {
		size_t off = fuzz_number(&input, 2) % genuine_len;
		struct snap_bytes bytes = fuzz_bytes(&input, fuzz_number(&input, 1));
		if (bytes.len > genuine_len - off)
			bytes.len = genuine_len - off;
		memcpy(changed + off, bytes.data, bytes.len);
	}
	if (input.len >= 2)
		changed_len = fuzz_number(&input, 2) % (genuine_len + 1);
	seal(changed, changed_len);
	read_alone(changed, changed_len);
	/* As one that is replaced: what was mapped is never written to. */
	(void)unlink(entry_path);
	FILE *file = fopen(entry_path, "wxe");
	FUZZ_REQUIRE(file && fwrite(changed, 1, changed_len, file) == changed_len && fclose(file) == 0);
	free(changed);
	index_tree();
	return 0;
}
