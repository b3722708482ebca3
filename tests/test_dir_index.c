/* analyze/find/dir_index: what is found, by build ID and by name; with what is kept of it, the same
 * is found, less is opened, and nothing that changed is missed; a damaged file of it is not used.
 */
#include "analyze/find/dir_index.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyze/cache/cache_dir.h"
#include "analyze/find/tree_file.h"
#include "tests/lib/temp_tree.h"

static struct snap_error err;
static struct snap_cache_dir *cache;
static struct snap_dir_index found;

static void write_file(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, data, len), len);
	assert_int_equal(close(fd), 0);
}

/* The least that has a build ID: of four times the byte id, or of none for 0. */
static void write_elf(const char *path, uint16_t type, uint8_t id)
{
	struct {
		Elf64_Ehdr ehdr;
		Elf64_Phdr phdr;
		Elf64_Nhdr nhdr;
		char name[4];
		uint8_t id[4];
	} elf = {
		.ehdr = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				 EV_CURRENT},
			.e_type = type,
			.e_machine = EM_X86_64,
			.e_version = EV_CURRENT,
			.e_phoff = sizeof(Elf64_Ehdr),
			.e_ehsize = sizeof(Elf64_Ehdr),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 1},
		.phdr = {.p_type = id ? PT_NOTE : PT_NULL,
			.p_offset = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr),
			.p_filesz = sizeof(Elf64_Nhdr) + 8,
			.p_align = 4},
		.nhdr = {4, 4, NT_GNU_BUILD_ID},
		.name = "GNU",
		.id = {id, id, id, id},
	};
	write_file(path, &elf, sizeof(elf));
}

/* Looks at the tree name in top. */
static void look(const char *name, struct snap_cache_dir *used)
{
	static const struct snap_progress silent;
	snap_dir_index_deinit(&found);
	err = (struct snap_error)SNAP_ERROR_INIT;
	if (snap_dir_index_add(&found, in_top("%s", name), used, silent, &err) < 0)
		fail_msg("%s", err.text);
	snap_dir_index_sort(&found);
}

/* What was found, in order, as "11:a 22:d/b :x.dwo". */
static const char *shown(const char *name)
{
	static char text[4096];
	size_t skip = strlen(in_top("%s/", name)), len = 0;
	text[0] = '\0';
	for (size_t i = 0; i < found.num_entries; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%02x:%s", len ? " " : "",
			found.entries[i].build_id[0], found.entries[i].path + skip);
	for (size_t i = 0; i < found.num_names; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s:%s", len ? " " : "",
			found.names[i].path + skip);
	return text;
}

/* Twice: with what is known from before, and without. */
static void assert_found(const char *name, const char *wanted)
{
	assert_string_equal(shown(name), wanted);
	struct snap_dir_index with_cache = found;
	found = (struct snap_dir_index){0};
	look(name, NULL);
	assert_string_equal(shown(name), wanted);
	snap_dir_index_deinit(&found);
	found = with_cache;
}

#define FIRST "11:a 22:b/c 22:e/f"

static void make_tree(const char *name)
{
	assert_int_equal(mkdir(in_top("%s", name), 0755), 0);
	assert_int_equal(mkdir(in_top("%s/b", name), 0755), 0);
	assert_int_equal(mkdir(in_top("%s/e", name), 0755), 0);
	write_elf(in_top("%s/a", name), ET_DYN, 0x11);
	write_elf(in_top("%s/b/c", name), ET_EXEC, 0x22);
	write_elf(in_top("%s/e/f", name), ET_DYN, 0x22);
	write_file(in_top("%s/text", name), "no ELF file, though long enough to be one: 1234567890",
		53);
	write_file(in_top("%s/b/empty", name), "", 0);
}

static void make_named(void)
{
	assert_int_equal(mkdir(in_top("n"), 0755), 0);
	assert_int_equal(mkdir(in_top("n/d"), 0755), 0);
	write_elf(in_top("n/d/x.dwo"), ET_REL, 0);
	write_elf(in_top("n/x.dwo"), ET_DYN, 0x11); /* by its name, whatever it has */
	write_elf(in_top("n/prog.dwp"), ET_EXEC, 0);
	write_elf(in_top("n/part.o"), ET_REL, 0);
	write_elf(in_top("n/alternate"), ET_REL, 0x44); /* as dwz makes them */
	write_elf(in_top("n/none"), ET_DYN, 0);
	write_elf(in_top("n/core"), ET_CORE, 0x22);
	write_file(
		in_top("n/text.dwo"), "This is no ELF file, however long a text it may be..", 52);
	write_file(in_top("n/short.dwo"), ELFMAG, 4);
}

static void make_unreadable(void)
{
	assert_int_equal(mkdir(in_top("u"), 0755), 0);
	assert_int_equal(mkdir(in_top("u/shut"), 0755), 0);
	write_elf(in_top("u/shut/a"), ET_DYN, 0x11);
	write_elf(in_top("u/shut.elf"), ET_DYN, 0x22);
	write_elf(in_top("u/open"), ET_DYN, 0x33);
	assert_int_equal(chmod(in_top("u/shut"), 0), 0);
	assert_int_equal(chmod(in_top("u/shut.elf"), 0), 0);
	assert_int_equal(chmod(top, 0755), 0);
}

static void make_deep(void)
{
	char path[512];
	int n = snprintf(path, sizeof(path), "%s/deep", top);
	for (int i = 0; i < 40; i++) {
		assert_int_equal(mkdir(path, 0755), 0);
		n += snprintf(path + n, sizeof(path) - (size_t)n, "/d");
	}
}

static const char *const trees[] = {"same", "added", "removed", "renamed", "replaced", "rewritten",
	"restored", "doubted", "damaged", "retyped", "moved"};

static int setup(void **state)
{
	(void)state;
	(void)umask(022);
	if (!mkdtemp(top) || snap_cache_dir_open(in_top("cache"), &cache, &err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++)
		make_tree(trees[i]);
	make_named();
	make_unreadable();
	make_deep();
	/* What is younger is looked at again each time. */
	(void)usleep(3300000);
	for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++)
		look(trees[i], cache);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	snap_dir_index_deinit(&found);
	snap_cache_dir_close(cache);
	remove_tree(top);
	return 0;
}

/* ---------------------------------------------------------------- renewed */

static void test_same(void **state)
{
	(void)state;
	look("same", NULL);
	assert_int_equal(found.num_opened, 4);
	assert_int_equal(found.num_listed, 3);
	look("same", cache);
	assert_found("same", FIRST);
	assert_int_equal(found.num_files, 5);
	assert_int_equal(found.num_opened, 0);
	assert_int_equal(found.num_dirs, 3);
	assert_int_equal(found.num_listed, 0);
	/* By another way there. */
	assert_int_equal(symlink("same", in_top("link")), 0);
	look("link", cache);
	assert_found("link", FIRST);
	assert_int_equal(found.num_opened, 0);
}

static void test_added(void **state)
{
	(void)state;
	write_elf(in_top("added/b/d"), ET_DYN, 0x33);
	assert_int_equal(mkdir(in_top("added/c"), 0755), 0);
	write_elf(in_top("added/c/g"), ET_DYN, 0x11);
	look("added", cache);
	assert_found("added", "11:a 11:c/g 22:b/c 22:e/f 33:b/d");
	assert_int_equal(found.num_opened, 2);
	assert_int_equal(found.num_listed, 3); /* the root, b, c */
	/* They are too young to be believed. */
	look("added", cache);
	assert_found("added", "11:a 11:c/g 22:b/c 22:e/f 33:b/d");
	assert_int_equal(found.num_opened, 2);
	assert_int_equal(found.num_listed, 3);
}

static void test_removed(void **state)
{
	(void)state;
	assert_int_equal(unlink(in_top("removed/b/c")), 0);
	remove_tree(in_top("removed/e"));
	look("removed", cache);
	assert_found("removed", "11:a");
	assert_int_equal(found.num_opened, 0);
}

static void test_renamed(void **state)
{
	(void)state;
	assert_int_equal(rename(in_top("renamed/a"), in_top("renamed/b/c")), 0);
	assert_int_equal(rename(in_top("renamed/e"), in_top("renamed/z")), 0);
	look("renamed", cache);
	assert_found("renamed", "11:b/c 22:z/f");
}

static void test_replaced(void **state)
{
	(void)state;
	write_elf(in_top("new"), ET_DYN, 0x44);
	assert_int_equal(rename(in_top("new"), in_top("replaced/e/f")), 0);
	look("replaced", cache);
	assert_found("replaced", "11:a 22:b/c 44:e/f");
	assert_int_equal(found.num_opened, 1);
}

static void test_rewritten_in_place(void **state)
{
	(void)state;
	/* Neither size nor inode change, and no directory. */
	write_elf(in_top("rewritten/e/f"), ET_DYN, 0x44);
	write_elf(in_top("rewritten/text"), ET_DYN, 0x55);
	look("rewritten", cache);
	assert_found("rewritten", "11:a 22:b/c 44:e/f 55:text");
	assert_int_equal(found.num_opened, 2);
	assert_int_equal(found.num_listed, 0);
}

/* Only its ctime tells. */
static void rewrite_and_restore_time(const char *path, uint8_t id)
{
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	const struct timespec times[2] = {st.st_atim, st.st_mtim};
	write_elf(path, ET_DYN, id);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void test_rewritten_with_its_time_restored(void **state)
{
	(void)state;
	rewrite_and_restore_time(in_top("restored/a"), 0x44);
	rewrite_and_restore_time(in_top("doubted/a"), 0x44);
	for (int i = 0; i < 2; i++) {
		look("doubted", cache);
		assert_found("doubted", "22:b/c 22:e/f 44:a");
		assert_int_equal(found.num_opened, 1); /* it might be changed again */
	}
	(void)usleep(3300000);
	/* As long ago as if nothing had been. */
	look("restored", cache);
	assert_found("restored", "22:b/c 22:e/f 44:a");
	/* No doubt any more: what is kept is renewed. */
	look("doubted", cache);
	assert_int_equal(found.num_opened, 1);
	look("doubted", cache);
	assert_found("doubted", "22:b/c 22:e/f 44:a");
	assert_int_equal(found.num_opened, 0);
}

static void test_file_becomes_directory(void **state)
{
	(void)state;
	assert_int_equal(unlink(in_top("retyped/a")), 0);
	assert_int_equal(mkdir(in_top("retyped/a"), 0755), 0);
	write_elf(in_top("retyped/a/e"), ET_DYN, 0x66);
	remove_tree(in_top("retyped/e"));
	write_elf(in_top("retyped/e"), ET_DYN, 0x77);
	assert_int_equal(symlink("b", in_top("retyped/bb")), 0);
	look("retyped", cache);
	assert_found("retyped", "22:b/c 66:a/e 77:e");
}

static void test_another_tree_at_the_path(void **state)
{
	(void)state;
	assert_int_equal(rename(in_top("moved"), in_top("elsewhere")), 0);
	assert_int_equal(mkdir(in_top("moved"), 0755), 0);
	write_elf(in_top("moved/a"), ET_DYN, 0x12);
	look("moved", cache);
	assert_found("moved", "12:a");
	look("elsewhere", cache);
	assert_found("elsewhere", FIRST);
}

static void test_no_cache_that_works(void **state)
{
	(void)state;
	/* Nothing can be written there. */
	struct snap_cache_dir *other;
	assert_int_equal(snap_cache_dir_open(in_top("other"), &other, &err), 0);
	remove_tree(in_top("other"));
	look("same", other);
	assert_found("same", FIRST);
	assert_int_equal(found.num_opened, 4);
	snap_cache_dir_close(other);
}

/* ---------------------------------------------------------------- damaged */

struct kept {
	char key[64];
	uint8_t *data;
	size_t len;
};

static int remember(const struct snap_cache_entry *entry, void *data)
{
	struct kept *kept = data;
	assert_string_equal(entry->kind, SNAP_TREES_KIND);
	assert_int_equal(kept->len, 0); /* one */
	(void)snprintf(kept->key, sizeof(kept->key), "%s", entry->key);
	kept->len = entry->bytes;
	return 0;
}

static void keep(struct snap_cache_dir *dir, const char *key, const void *data, size_t len)
{
	const struct iovec part = {(void *)data, len};
	assert_int_equal(snap_cache_write(dir, SNAP_TREES_KIND, key, &part, 1, &err), 0);
}

static void test_damaged(void **state)
{
	(void)state;
	struct snap_cache_dir *dir;
	struct kept kept = {0};
	assert_int_equal(snap_cache_dir_open(in_top("damage"), &dir, &err), 0);
	look("damaged", dir);
	assert_int_equal(found.num_opened, 4);
	look("damaged", dir);
	assert_int_equal(found.num_opened, 0);
	assert_int_equal(snap_cache_each(dir, remember, &kept, &err), 0);
	struct snap_bytes bytes = snap_cache_map(dir, SNAP_TREES_KIND, kept.key);
	assert_int_equal(bytes.len, kept.len);
	kept.data = malloc(kept.len + 1);
	assert_non_null(kept.data);
	memcpy(kept.data, bytes.data, kept.len);
	kept.data[kept.len] = 0;
	snap_cache_unmap(bytes);
	for (size_t i = 0; i < kept.len; i++) {
		uint8_t change = (uint8_t)(1u << i % 8);
		kept.data[i] ^= change;
		keep(dir, kept.key, kept.data, kept.len);
		kept.data[i] ^= change;
		look("damaged", dir);
		if (found.num_opened != 4 || strcmp(shown("damaged"), FIRST) != 0)
			fail_msg("byte %zu", i);
		/* It is whole again. */
		look("damaged", dir);
		assert_int_equal(found.num_opened, 0);
	}
	for (size_t len = 1; len <= kept.len + 1; len++) {
		if (len == kept.len)
			continue;
		keep(dir, kept.key, kept.data, len);
		look("damaged", dir);
		if (found.num_opened != 4 || strcmp(shown("damaged"), FIRST) != 0)
			fail_msg("%zu bytes", len);
	}
	free(kept.data);
	snap_cache_dir_close(dir);
}

/* Trees whose checksum is right, but that no walk makes. */
static void write_tree(const struct snap_tree *tree, struct snap_bytes *ret)
{
	struct snap_tree_header header;
	struct iovec parts[SNAP_TREE_PARTS];
	assert_true(snap_tree_parts(tree, &header, parts));
	uint8_t *data = NULL;
	size_t len = 0;
	for (size_t i = 0; i < SNAP_TREE_PARTS; i++) {
		data = realloc(data, len + parts[i].iov_len + 1);
		assert_non_null(data);
		if (parts[i].iov_len > 0)
			memcpy(data + len, parts[i].iov_base, parts[i].iov_len);
		len += parts[i].iov_len;
	}
	/* So that a read beyond it is seen. */
	uint8_t *exact = malloc(len);
	assert_non_null(exact);
	memcpy(exact, data, len);
	free(data);
	*ret = snap_bytes(exact, len);
}

static bool is_read(const struct snap_tree *tree)
{
	struct snap_bytes bytes;
	struct snap_tree read;
	write_tree(tree, &bytes);
	bool ok = snap_tree_read(bytes, "/root", &read);
	if (ok)
		snap_tree_deinit(&read);
	free((void *)bytes.data);
	return ok;
}

static void test_hostile_trees(void **state)
{
	(void)state;
	static const uint8_t id[] = {1, 2, 3};
	struct snap_tree t = {0};
	assert_int_equal(snap_tree_add_dir(&t, "/root", &err), 0);
	assert_int_equal(
		snap_tree_add_file(&t, "one", 1, SNAP_TREE_NOTHING, snap_bytes(id, 3), &err), 0);
	assert_int_equal(snap_tree_add_dir(&t, "sub", &err), 0);
	assert_int_equal(
		snap_tree_add_file(&t, "two", 1, SNAP_TREE_BY_NAME, snap_bytes(NULL, 0), &err), 0);
	assert_false(is_read(&t)); /* the root has no directory in it */
	t.dirs[0].num_dirs = 1;
	assert_true(is_read(&t));
	uint32_t one = t.files[0].name;
	static const char *const names[] = {"../", "..", ".", "", "/", "a/b"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		memset(t.names + one, 0, 3);
		memcpy(t.names + one, names[i], strlen(names[i]));
		assert_false(is_read(&t));
	}
	memcpy(t.names + one, "one", 3);
	uint32_t *const numbers[] = {&t.files[0].name, &t.files[1].name, &t.dirs[0].name,
		&t.dirs[1].name, &t.dirs[0].num_dirs, &t.dirs[1].num_dirs, &t.dirs[0].num_files,
		&t.dirs[1].num_files, &t.files[0].info};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		uint32_t was = *numbers[i];
		static const uint32_t values[] = {UINT32_MAX, INT32_MAX, 1u << 20, 100};
		for (size_t j = 0; j < sizeof(values) / sizeof(values[0]); j++) {
			*numbers[i] = values[j];
			if (is_read(&t))
				fail_msg("number %zu, value %u", i, values[j]);
		}
		*numbers[i] = was;
	}
	for (unsigned int len = 0; len < 256; len++) {
		t.ids[0] = (uint8_t)len;
		assert_int_equal(is_read(&t), len >= 1 && len <= 3);
	}
	t.ids[0] = 3;
	t.names[t.names_len - 1] = 'x';
	assert_false(is_read(&t));
	t.names[t.names_len - 1] = '\0';
	memcpy(t.names, "/boot", 5);
	assert_false(is_read(&t)); /* of another tree */
	memcpy(t.names, "/root", 5);
	assert_true(is_read(&t));
	t.num_dirs = 0;
	assert_false(is_read(&t));
	t.num_dirs = 2;
	/* Deeper than any walk. */
	for (int i = 0; i < 100; i++) {
		t.dirs[t.num_dirs - 1].num_dirs = 1;
		assert_int_equal(snap_tree_add_dir(&t, "x", &err), 0);
	}
	assert_false(is_read(&t));
	snap_tree_deinit_made(&t);
}

/* ---------------------------------------------------------------- what is found */

static void test_by_name(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		look("n", cache);
		assert_found("n", "44:alternate :none :part.o :prog.dwp :d/x.dwo :x.dwo");
		const struct snap_dir_name *name = snap_dir_index_find_name(&found, "x.dwo");
		assert_ptr_equal(name, &found.names[3]);
		assert_true(snap_dir_name_is(&name[1], "x.dwo"));
		assert_ptr_equal(snap_dir_index_find_name(&found, "none"), &found.names[0]);
		assert_null(snap_dir_index_find_name(&found, "core"));
		assert_null(snap_dir_index_find_name(&found, "text.dwo"));
		assert_null(snap_dir_index_find_name(&found, ""));
		assert_null(snap_dir_index_find_name(&found, "zzz"));
	}
}

static void test_by_build_id(void **state)
{
	(void)state;
	static const uint8_t id[4] = {0x22, 0x22, 0x22, 0x22};
	look("same", cache);
	const struct snap_dir_entry *entry = snap_dir_index_find(&found, snap_bytes(id, 4));
	assert_ptr_equal(entry, &found.entries[1]);
	assert_null(snap_dir_index_find(&found, snap_bytes(id, 3)));
}

static void test_unreadable(void **state)
{
	(void)state;
	int status;
	pid_t pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
			_exit(1);
		struct snap_cache_dir *own;
		char name[64];
		(void)snprintf(name, sizeof(name), "/tmp/snap-test-index-%d", getpid());
		if (snap_cache_dir_open(name, &own, &err) < 0)
			_exit(2);
		int r = 0;
		for (int i = 0; i < 2 && r == 0; i++) {
			look("u", own);
			r = found.num_unreadable != 2		 ? 3
			    : strcmp(shown("u"), "33:open") != 0 ? 4
								 : 0;
		}
		remove_tree(name);
		_exit(r);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(chmod(in_top("u/shut"), 0755), 0);
	assert_int_equal(status, 0);
}

static void test_nothing_blocks_or_leads_away(void **state)
{
	(void)state;
	assert_int_equal(mkdir(in_top("l"), 0755), 0);
	assert_int_equal(mkfifo(in_top("l/fifo.dwo"), 0600), 0);
	assert_int_equal(symlink("../same", in_top("l/dir")), 0);
	assert_int_equal(symlink("../same/a", in_top("l/file")), 0);
	assert_int_equal(symlink(".", in_top("l/loop")), 0);
	alarm(20);
	look("l", cache);
	alarm(0);
	assert_found("l", "");
	assert_int_equal(found.num_unreadable, 0);
}

static void test_deep(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		look("deep", cache);
		assert_int_equal(found.num_unreadable, 1);
		assert_int_equal(found.num_dirs, 34);
	}
	look("deep", cache);
	assert_int_equal(found.num_listed, 0);
}

static void test_missing(void **state)
{
	(void)state;
	struct snap_dir_index index = {0};
	static const struct snap_progress silent;
	err = (struct snap_error)SNAP_ERROR_INIT;
	assert_int_equal(snap_dir_index_add(&index, "/no/such\033dir", cache, silent, &err), -1);
	assert_string_equal(
		err.text, "cannot read directory '/no/such\\x1bdir': No such file or directory");
}

struct told {
	int num_begun, num_ended;
	size_t num_updates;
};

static void tell(enum snap_progress_event event, const char *text, void *data)
{
	struct told *told = data;
	assert_int_equal(told->num_begun, event == SNAP_PROGRESS_BEGIN ? 0 : 1);
	assert_int_equal(told->num_ended, 0);
	told->num_begun += event == SNAP_PROGRESS_BEGIN;
	told->num_ended += event == SNAP_PROGRESS_END;
	if (event == SNAP_PROGRESS_UPDATE) {
		told->num_updates++;
		assert_non_null(strstr(text, "files"));
	}
}

static void test_progress(void **state)
{
	(void)state;
	assert_int_equal(mkdir(in_top("p"), 0755), 0);
	for (int i = 0; i < 300; i++)
		write_file(in_top("p/%d", i), "", 0);
	struct told told = {0};
	struct snap_dir_index index = {0};
	const struct snap_progress progress = {tell, &told};
	assert_int_equal(snap_dir_index_add(&index, in_top("p"), cache, progress, &err), 0);
	assert_int_equal(told.num_begun, 1);
	assert_int_equal(told.num_ended, 1);
	assert_in_range(told.num_updates, 2, 300);
	snap_dir_index_deinit(&index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_added),
		cmocka_unit_test(test_removed),
		cmocka_unit_test(test_renamed),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_rewritten_in_place),
		cmocka_unit_test(test_rewritten_with_its_time_restored),
		cmocka_unit_test(test_file_becomes_directory),
		cmocka_unit_test(test_another_tree_at_the_path),
		cmocka_unit_test(test_no_cache_that_works),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_hostile_trees),
		cmocka_unit_test(test_by_name),
		cmocka_unit_test(test_by_build_id),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_nothing_blocks_or_leads_away),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_progress),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
