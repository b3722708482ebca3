/* analyze/cache/cache_dir: entries are whole or absent whoever else writes, killed writers and full
 * disks included; what is not ours is refused; the limit holds, the oldest go first. */
#include "analyze/cache/cache_dir.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/temp_tree.h"

static struct snap_error err;
static struct snap_cache_dir *cache;

static int setup(void **state)
{
	(void)umask(022);
	return make_top(state);
}

static void open_cache(void)
{
	err = (struct snap_error)SNAP_ERROR_INIT;
	if (snap_cache_dir_open(in_top("c"), &cache, &err) < 0)
		fail_msg("%s", err.text);
}

static int fresh(void **state)
{
	(void)state;
	remove_tree(in_top("c"));
	open_cache();
	return 0;
}

static int done(void **state)
{
	(void)state;
	snap_cache_dir_close(cache);
	cache = NULL;
	return 0;
}

static int write_bytes(const char *kind, const char *key, const void *data, size_t len)
{
	const struct iovec part = {.iov_base = (void *)data, .iov_len = len};
	return snap_cache_write(cache, kind, key, &part, 1, &err);
}

static int write_text(const char *kind, const char *key, const char *text)
{
	return write_bytes(kind, key, text, strlen(text));
}

static void assert_entry(const char *kind, const char *key, const char *text)
{
	struct snap_bytes bytes = snap_cache_map(cache, kind, key);
	if (!text) {
		assert_null(bytes.data);
		return;
	}
	assert_int_equal(bytes.len, strlen(text));
	assert_memory_equal(bytes.data, text, bytes.len);
	snap_cache_unmap(bytes);
}

static void set_age(const char *path, time_t seconds)
{
	const struct timespec times[2] = {
		{.tv_sec = time(NULL) - seconds}, {.tv_sec = time(NULL) - seconds}};
	assert_int_equal(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static time_t age_of(const char *path)
{
	struct stat st;
	assert_int_equal(lstat(path, &st), 0);
	return time(NULL) - st.st_mtime;
}

static bool exists(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0;
}

static mode_t mode_of(const char *path)
{
	struct stat st;
	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static size_t num_files(const char *path)
{
	size_t num = 0;
	DIR *list = opendir(path);
	assert_non_null(list);
	const struct dirent *entry;
	while ((entry = readdir(list)))
		num += entry->d_name[0] != '.';
	(void)closedir(list);
	return num;
}

/* ---------------------------------------------------------------- entries */

static void test_write_and_map(void **state)
{
	(void)state;
	assert_entry("symbols", "ab12", NULL);
	assert_int_equal(write_text("symbols", "ab12", "one"), 0);
	assert_entry("symbols", "ab12", "one");
	assert_entry("trees", "ab12", NULL);
	assert_entry("symbols", "ab1", NULL);
	assert_int_equal(mode_of(in_top("c")), 0700);
	assert_int_equal(mode_of(in_top("c/symbols")), 0700);
	assert_int_equal(mode_of(in_top("c/symbols/ab12")), 0600);
}

static void test_parts(void **state)
{
	(void)state;
	/* More than are written at once, empty ones among them. */
	struct iovec parts[1000];
	char wanted[1001] = "";
	size_t len = 0;
	for (size_t i = 0; i < 1000; i++) {
		static const char digits[] = "0123456789";
		parts[i] = (struct iovec){(char *)&digits[i % 10], i % 3 != 0};
		if (i % 3 != 0)
			wanted[len++] = digits[i % 10];
	}
	wanted[len] = '\0';
	assert_int_equal(snap_cache_write(cache, "symbols", "00", parts, 1000, &err), 0);
	assert_entry("symbols", "00", wanted);
	assert_int_equal(snap_cache_write(cache, "symbols", "01", parts, 1, &err), -1);
	assert_entry("symbols", "01", NULL);
}

static void test_replaced_while_mapped(void **state)
{
	(void)state;
	assert_int_equal(write_text("symbols", "aa", "old"), 0);
	struct snap_bytes old = snap_cache_map(cache, "symbols", "aa");
	assert_int_equal(write_text("symbols", "aa", "newer"), 0);
	assert_entry("symbols", "aa", "newer");
	size_t num;
	uint64_t bytes;
	assert_int_equal(snap_cache_prune(cache, 0, &num, &bytes, &err), 0);
	assert_entry("symbols", "aa", NULL);
	assert_memory_equal(old.data, "old", 3);
	snap_cache_unmap(old);
}

static void test_bad_names(void **state)
{
	(void)state;
	static const char *const keys[] = {"", "..", "../x", "a/b", "AB", "xyz", "tmp-00", "a "};
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		assert_int_equal(write_text("symbols", keys[i], "x"), -1);
		assert_null(snap_cache_map(cache, "symbols", keys[i]).data);
	}
	static const char *const kinds[] = {"", ".", "..", "a/b", "Symbols", "abcdefghijklmnopq"};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		assert_int_equal(write_text(kinds[i], "00", "x"), -1);
	char key[130];
	memset(key, 'a', 129);
	key[129] = '\0';
	assert_int_equal(write_text("symbols", key, "x"), -1);
	key[128] = '\0';
	assert_int_equal(write_text("symbols", key, "x"), 0);
}

static void test_no_links_followed(void **state)
{
	(void)state;
	assert_int_equal(write_text("symbols", "aa", "text"), 0);
	assert_int_equal(symlink("aa", in_top("c/symbols/bb")), 0);
	assert_int_equal(mkfifo(in_top("c/symbols/cc"), 0600), 0);
	assert_int_equal(symlink("symbols", in_top("c/trees")), 0);
	alarm(20);
	assert_entry("symbols", "bb", NULL);
	assert_entry("symbols", "cc", NULL);
	assert_entry("trees", "aa", NULL);
	alarm(0);
	assert_int_equal(write_text("trees", "dd", "x"), -1);
	assert_false(exists(in_top("c/symbols/dd")));
	/* Written to is what the name is, not what it leads to. */
	assert_int_equal(write_text("symbols", "bb", "other"), 0);
	assert_entry("symbols", "aa", "text");
	assert_entry("symbols", "bb", "other");
}

static void test_touched_once_an_hour(void **state)
{
	(void)state;
	const char *path = in_top("c/symbols/aa");
	assert_int_equal(write_text("symbols", "aa", "x"), 0);
	set_age(path, 1800);
	assert_entry("symbols", "aa", "x");
	assert_in_range(age_of(path), 1795, 1860);
	set_age(path, 4000);
	snap_cache_unmap(snap_cache_peek(cache, "symbols", "aa"));
	assert_in_range(age_of(path), 3995, 4060);
	assert_entry("symbols", "aa", "x");
	assert_in_range(age_of(path), 0, 60);
	set_age(path, -100000);
	assert_entry("symbols", "aa", "x");
	assert_in_range(age_of(path) + 100, 100, 160);
}

/* ---------------------------------------------------------------- opening */

static void assert_refused(const char *path, const char *text)
{
	struct snap_cache_dir *dir = NULL;
	err = (struct snap_error)SNAP_ERROR_INIT;
	assert_int_equal(snap_cache_dir_open(path, &dir, &err), -1);
	if (!strstr(err.text, text))
		fail_msg("'%s' instead of '%s'", err.text, text);
}

static void test_refused_directories(void **state)
{
	(void)state;
	assert_refused("", "No such file");
	assert_refused("/proc/no/such", "No such file");
	assert_int_equal(chmod(in_top("c"), 0770), 0);
	assert_refused(in_top("c"), "others may write");
	assert_int_equal(chmod(in_top("c"), 0702), 0);
	assert_refused(in_top("c"), "others may write");
	assert_int_equal(chmod(in_top("c"), 0755), 0);
	snap_cache_dir_close(cache);
	open_cache();
	/* Somebody's files. */
	assert_int_equal(mkdir(in_top("full"), 0700), 0);
	assert_int_equal(mkdir(in_top("full/symbols"), 0700), 0);
	assert_refused(in_top("full"), "not empty");
	assert_false(exists(in_top("full/CACHEDIR.TAG")));
	/* Somebody's cache. */
	FILE *file = fopen(in_top("full/CACHEDIR.TAG"), "w");
	assert_non_null(file);
	(void)fputs("Signature: 8a477f597d28d172789f06886806bc55\n# fontconfig\n", file);
	assert_int_equal(fclose(file), 0);
	assert_refused(in_top("full"), "no cache of Snapcrash");
	/* No directory. */
	assert_refused(in_top("full/CACHEDIR.TAG"), "Not a directory");
	if (geteuid() == 0) {
		assert_int_equal(chown(in_top("c"), 1, 1), 0);
		assert_refused(in_top("c"), "belongs to another user");
		assert_int_equal(chown(in_top("c"), 0, 0), 0);
		assert_int_equal(chown(in_top("c/CACHEDIR.TAG"), 0, 0), 0);
		assert_int_equal(write_text("symbols", "aa", "x"), 0);
		assert_int_equal(chown(in_top("c/symbols"), 1, 1), 0);
		assert_entry("symbols", "aa", NULL);
		assert_int_equal(write_text("symbols", "aa", "y"), -1);
		assert_int_equal(chown(in_top("c/symbols"), 0, 0), 0);
		assert_int_equal(chown(in_top("c/symbols/aa"), 1, 1), 0);
		assert_entry("symbols", "aa", NULL);
	}
}

static void test_default_directory(void **state)
{
	(void)state;
	struct snap_cache_dir *dir;
	assert_int_equal(setenv("XDG_CACHE_HOME", in_top("x/y"), 1), 0);
	assert_int_equal(setenv("HOME", in_top("home"), 1), 0);
	assert_int_equal(snap_cache_dir_open(NULL, &dir, &err), 0);
	assert_string_equal(snap_cache_dir_path(dir), in_top("x/y/snapcrash"));
	snap_cache_dir_close(dir);
	assert_int_equal(mode_of(in_top("x/y")), 0700);
	assert_int_equal(setenv("XDG_CACHE_HOME", "relative", 1), 0);
	assert_int_equal(snap_cache_dir_open(NULL, &dir, &err), 0);
	assert_string_equal(snap_cache_dir_path(dir), in_top("home/.cache/snapcrash"));
	snap_cache_dir_close(dir);
	assert_int_equal(unsetenv("XDG_CACHE_HOME"), 0);
	assert_int_equal(unsetenv("HOME"), 0);
	assert_refused(NULL, "neither XDG_CACHE_HOME nor HOME");
}

static void test_opened_on_first_use(void **state)
{
	(void)state;
	struct snap_cache *lazy;
	err = (struct snap_error)SNAP_ERROR_INIT;
	assert_null(snap_cache_get(NULL, &err));
	assert_int_not_equal(err.code, SNAP_ERROR_NONE);
	char path[512];
	(void)snprintf(path, sizeof(path), "%s", in_top("lazy"));
	assert_int_equal(snap_cache_create(path, &lazy, &err), 0);
	assert_false(exists(path));
	struct snap_cache_dir *dir = snap_cache_get(lazy, &err);
	assert_non_null(dir);
	assert_true(exists(path));
	assert_ptr_equal(snap_cache_get(lazy, NULL), dir);
	snap_cache_destroy(lazy);
	assert_int_equal(snap_cache_create("/proc/no", &lazy, &err), 0);
	for (int i = 0; i < 2; i++) {
		err = (struct snap_error)SNAP_ERROR_INIT;
		assert_null(snap_cache_get(lazy, &err));
		assert_non_null(strstr(err.text, "No such file"));
	}
	snap_cache_destroy(lazy);
}

/* ---------------------------------------------------------------- others */

/* Bytes that tell whether they belong together. */
static void fill(uint8_t *data, size_t len, unsigned int seed)
{
	memset(data, (int)(seed & 0xff), len);
	memcpy(data, &len, sizeof(len));
}

static bool is_whole(struct snap_bytes bytes)
{
	size_t len;
	if (bytes.len < sizeof(len))
		return false;
	memcpy(&len, bytes.data, sizeof(len));
	for (size_t i = sizeof(len); i < bytes.len; i++)
		if (bytes.data[i] != bytes.data[sizeof(len)])
			return false;
	return len == bytes.len;
}

/* Half of each entry in a write of its own. */
static int write_halves(const char *key, unsigned int seed)
{
	static uint8_t data[20000];
	size_t len = 5000 + seed * 7919 % 15000;
	fill(data, len, seed);
	const struct iovec parts[2] = {{data, len / 2}, {data + len / 2, len - len / 2}};
	return snap_cache_write(cache, "symbols", key, parts, 2, &err);
}

static int writer(unsigned int number)
{
	/* The one that makes the directory is one of them, too. */
	if (snap_cache_dir_open(in_top("many"), &cache, &err) < 0)
		return 1;
	for (unsigned int i = 0; i < 200; i++) {
		char key[8];
		(void)snprintf(key, sizeof(key), "%02x", i % 5);
		struct snap_bytes bytes = snap_cache_map(cache, "symbols", key);
		if (bytes.data && !is_whole(bytes))
			return 2;
		snap_cache_unmap(bytes);
		if (write_halves(key, 200 * number + i) < 0)
			return 3;
	}
	snap_cache_dir_close(cache);
	return 0;
}

static void test_eight_writers(void **state)
{
	(void)state;
	pid_t pids[8];
	snap_cache_dir_close(cache);
	for (unsigned int i = 0; i < 8; i++) {
		pids[i] = fork();
		assert_int_not_equal(pids[i], -1);
		if (pids[i] == 0)
			_exit(writer(i));
	}
	for (unsigned int i = 0; i < 8; i++) {
		int status;
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(snap_cache_dir_open(in_top("many"), &cache, &err), 0);
	for (unsigned int i = 0; i < 5; i++) {
		char key[8];
		(void)snprintf(key, sizeof(key), "%02x", i);
		struct snap_bytes bytes = snap_cache_map(cache, "symbols", key);
		assert_true(is_whole(bytes));
		snap_cache_unmap(bytes);
	}
	/* No temporary file is left. */
	assert_int_equal(num_files(in_top("many/symbols")), 5);
}

static void write_for_ever(void)
{
	static uint8_t data[1 << 20];
	for (unsigned int i = 0;; i++) {
		fill(data, sizeof(data), i);
		(void)write_bytes("symbols", "aa", data, sizeof(data));
	}
}

static void test_killed_writers(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();
		assert_int_not_equal(pid, -1);
		if (pid == 0)
			write_for_ever();
		(void)usleep(3000 + 700 * (unsigned int)i);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		struct snap_bytes bytes = snap_cache_map(cache, "symbols", "aa");
		assert_true(!bytes.data || is_whole(bytes));
		snap_cache_unmap(bytes);
	}
}

static void test_abandoned_files_are_pruned(void **state)
{
	(void)state;
	size_t num;
	uint64_t bytes;
	assert_int_equal(write_text("symbols", "aa", "x"), 0);
	static const char *const names[] = {"tmp-1", "tmp-2", "notes"};
	for (int i = 0; i < 3; i++)
		assert_int_equal(mknod(in_top("c/symbols/%s", names[i]), S_IFREG | 0600, 0), 0);
	set_age(in_top("c/symbols/tmp-1"), 3700);
	set_age(in_top("c/symbols/tmp-2"), 3500);
	set_age(in_top("c/symbols/notes"), 99999);
	assert_int_equal(snap_cache_prune(cache, 1000, &num, &bytes, &err), 0);
	assert_int_equal(num, 0);
	assert_false(exists(in_top("c/symbols/tmp-1")));
	assert_true(exists(in_top("c/symbols/tmp-2")));
	assert_true(exists(in_top("c/symbols/notes"))); /* not ours */
	assert_entry("symbols", "aa", "x");
}

static int count(const struct snap_cache_entry *entry, void *data)
{
	size_t *num = data;
	assert_true(strcmp(entry->kind, "symbols") == 0 || strcmp(entry->kind, "trees") == 0);
	assert_int_equal(entry->bytes, 1000);
	assert_in_range(time(NULL) - entry->used_s, 0, 100000);
	++*num;
	return *num == 3 ? 7 : 0;
}

static void test_least_recently_used_go_first(void **state)
{
	(void)state;
	char data[1000] = "";
	size_t num;
	uint64_t bytes;
	for (int i = 0; i < 6; i++) {
		const char *kind = i % 2 ? "trees" : "symbols";
		char key[] = {'a', (char)('0' + i), '\0'};
		assert_int_equal(write_bytes(kind, key, data, sizeof(data)), 0);
		set_age(in_top("c/%s/%s", kind, key), i == 0 ? 8000 : 9000 + 1000 * i);
	}
	num = 0;
	assert_int_equal(snap_cache_each(cache, count, &num, &err), 7);
	assert_int_equal(num, 3);
	/* The oldest but one is used. */
	snap_cache_unmap(snap_cache_map(cache, "symbols", "a4"));
	assert_int_equal(snap_cache_prune(cache, 6000, &num, &bytes, &err), 0);
	assert_int_equal(num, 0);
	assert_int_equal(snap_cache_prune(cache, 3999, &num, &bytes, &err), 0);
	assert_int_equal(num, 3);
	assert_int_equal(bytes, 3000);
	assert_true(exists(in_top("c/symbols/a0")));
	assert_true(exists(in_top("c/trees/a1")));
	assert_true(exists(in_top("c/symbols/a4")));
	assert_int_equal(snap_cache_prune(cache, 0, &num, &bytes, &err), 0);
	assert_int_equal(num, 3);
}

static uint64_t total;

static int sum(const struct snap_cache_entry *entry, void *data)
{
	(void)data;
	total += entry->bytes;
	return 0;
}

static void test_limit_is_kept(void **state)
{
	(void)state;
	static uint8_t data[1 << 20];
	snap_cache_dir_set_max_bytes(cache, 32 << 20);
	for (unsigned int i = 0; i < 100; i++) {
		char key[8];
		(void)snprintf(key, sizeof(key), "%02x", i);
		assert_int_equal(write_bytes("symbols", key, data, sizeof(data)), 0);
		/* Writes follow each other faster than clocks tick. */
		set_age(in_top("c/symbols/%s", key), 3000 - (time_t)i);
		total = 0;
		assert_int_equal(snap_cache_each(cache, sum, NULL, &err), 0);
		assert_true(total <= 36 << 20);
	}
	assert_true(total >= 24 << 20);
	struct snap_bytes newest = snap_cache_peek(cache, "symbols", "63");
	assert_int_equal(newest.len, sizeof(data));
	snap_cache_unmap(newest);
	assert_null(snap_cache_peek(cache, "symbols", "00").data);
}

/* ---------------------------------------------------------------- file systems */

/* In a process of its own, with a mount namespace of its own. 77: no mounts here. */
static int on_small_disk(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mkdir(in_top("disk"), 0700) < 0 ||
		mount("none", in_top("disk"), "tmpfs", 0, "size=256k,mode=700") < 0)
		return 77;
	static uint8_t data[200000];
	struct snap_cache_dir *dir;
	fill(data, sizeof(data), 1);
	if (snap_cache_dir_open(in_top("disk"), &dir, &err) < 0)
		return 1;
	cache = dir;
	if (write_bytes("symbols", "aa", data, sizeof(data)) < 0)
		return 2;
	if (write_bytes("symbols", "bb", data, sizeof(data)) == 0)
		return 3;
	if (err.errnum != ENOSPC || !strstr(err.text, "No space left"))
		return 4;
	if (num_files(in_top("disk/symbols")) != 1)
		return 5;
	/* The old entry stands until the new one is whole. */
	if (write_bytes("symbols", "aa", data, sizeof(data)) == 0)
		return 6;
	struct snap_bytes bytes = snap_cache_map(cache, "symbols", "aa");
	if (!is_whole(bytes))
		return 7;
	snap_cache_unmap(bytes);
	if (mount("none", in_top("disk"), NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
		return 8;
	snap_cache_dir_close(dir);
	/* To read from it is possible still. */
	if (snap_cache_dir_open(in_top("disk"), &dir, &err) < 0)
		return 9;
	cache = dir;
	bytes = snap_cache_map(cache, "symbols", "aa");
	if (!is_whole(bytes))
		return 10;
	snap_cache_unmap(bytes);
	if (write_bytes("symbols", "aa", "x", 1) == 0 || err.errnum != EROFS)
		return 11;
	if (write_bytes("trees", "aa", "x", 1) == 0 || err.errnum != EROFS)
		return 12;
	size_t num;
	uint64_t len;
	if (snap_cache_prune(cache, 0, &num, &len, &err) == 0 || num != 0 || err.errnum != EROFS)
		return 13;
	snap_cache_dir_close(dir);
	if (snap_cache_dir_open(in_top("disk/new"), &dir, &err) == 0 || err.errnum != EROFS)
		return 14;
	return 0;
}

static void test_small_and_read_only_disk(void **state)
{
	(void)state;
	int status;
	snap_cache_dir_close(cache);
	cache = NULL;
	pid_t pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0)
		_exit(on_small_disk());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fresh, done)
	const struct CMUnitTest tests[] = {
		CASE(test_write_and_map),
		CASE(test_parts),
		CASE(test_replaced_while_mapped),
		CASE(test_bad_names),
		CASE(test_no_links_followed),
		CASE(test_touched_once_an_hour),
		CASE(test_refused_directories),
		CASE(test_default_directory),
		CASE(test_opened_on_first_use),
		CASE(test_eight_writers),
		CASE(test_killed_writers),
		CASE(test_abandoned_files_are_pruned),
		CASE(test_least_recently_used_go_first),
		CASE(test_limit_is_kept),
		CASE(test_small_and_read_only_disk),
	};
	return cmocka_run_group_tests(tests, setup, remove_top);
}
