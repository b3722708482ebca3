/*
 * analyze/sandbox: what the broker opens for a worker, and what not, however that asks.
 */
#include "analyze/sandbox/broker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/find/symbol_dir.h"
#include "analyze/sandbox/remote.h"
#include "tests/lib/temp_tree.h"

static void make_file(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	(void)close(fd);
}

static void make_elf(const char *path, unsigned int type)
{
	Elf64_Ehdr head = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = (Elf64_Half)type};
	make_file(path, &head, sizeof(head));
}

/*
 * TOP/tree/prog, tree/sub/prog, tree/core, tree/text, tree/link -> ../other/prog, tree/fifo,
 * tree/empty; TOP/other/prog; TOP/root/bin/prog, root/bin/abs -> /bin/prog, root/bin/out ->
 * /../../other/prog.
 */
static int set_up(void **state)
{
	(void)state;
	static const char *const dirs[] = {"tree", "tree/sub", "other", "root", "root/bin"};
	if (!mkdtemp(top))
		return -1;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (mkdir(in_top("%s", dirs[i]), 0700) < 0)
			return -1;
	make_elf(in_top("tree/prog"), ET_DYN);
	make_elf(in_top("tree/sub/prog"), ET_EXEC);
	make_elf(in_top("tree/object"), ET_REL);
	make_elf(in_top("tree/core"), ET_CORE);
	make_elf(in_top("other/prog"), ET_DYN);
	make_elf(in_top("root/bin/prog"), ET_DYN);
	make_file(in_top("tree/text"), "this is some text and no program", 32);
	make_file(in_top("tree/empty"), "", 0);
	if (symlink("../other/prog", in_top("tree/link")) < 0 ||
		symlink("/bin/prog", in_top("root/bin/abs")) < 0 ||
		symlink("/../../other/prog", in_top("root/bin/out")) < 0 ||
		mkfifo(in_top("tree/fifo"), 0600) < 0)
		return -1;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	remove_tree(top);
	return 0;
}

/* ---------------------------------------------------------------- asking */

static char tree_path[512], root_path[512], named_path[512];
static const char *tree_list[1];
static char *named_files[1];
static struct snap_options options;
static struct snap_broker broker;
static struct snap_broker_peer peer;
static struct snap_reply reply;

static void begin(bool no_local, bool has_root)
{
	struct snap_error err = SNAP_ERROR_INIT;
	(void)snprintf(tree_path, sizeof(tree_path), "%s", in_top("tree"));
	(void)snprintf(root_path, sizeof(root_path), "%s", in_top("root"));
	(void)snprintf(named_path, sizeof(named_path), "%s", in_top("other/prog"));
	tree_list[0] = tree_path;
	named_files[0] = named_path;
	options = (struct snap_options){
		.symbol_dirs = tree_list,
		.num_symbol_dirs = 1,
		.no_local = no_local,
		.sysroot = has_root ? root_path : NULL,
	};
	const struct snap_broker_config config = {
		.options = &options,
		.takes_symbols = true,
		.files = named_files,
		.num_files = 1,
	};
	assert_int_equal(snap_broker_init(&broker, &config, &err), 0);
	snap_broker_peer_init(&peer);
}

static void end(void)
{
	snap_broker_peer_deinit(&peer);
	snap_broker_deinit(&broker);
}

/* As it comes through the socket. Returns 0 if it was opened, else an errno, or -1: nonsense. */
static int ask(enum snap_request_op op, uint32_t number, const char *a, const char *b)
{
	static struct snap_request request;
	static struct snap_request_view view;
	int fd = -1;
	bool is_own = true;
	size_t a_len = a ? strlen(a) : 0, b_len = b ? strlen(b) : 0;
	request = (struct snap_request){
		.op = op, .number = number, .len = {(uint32_t)a_len, (uint32_t)b_len}};
	memcpy(request.bytes, a ? a : "", a_len);
	memcpy(request.bytes + a_len, b ? b : "", b_len);
	if (!snap_request_read(&request, SNAP_REQUEST_HEAD + a_len + b_len, &view) ||
		!snap_broker_serve(&broker, &peer, &view, &reply, &fd, &is_own))
		return -1;
	if (fd >= 0 && is_own)
		(void)close(fd);
	if (reply.result == 0)
		return 0;
	assert_int_equal(fd, -1);
	return reply.errnum ? reply.errnum : EINVAL;
}

static int ask_open(const char *path)
{
	return ask(SNAP_REQUEST_OPEN, SNAP_REMOTE_HERE, path, NULL);
}

/* ---------------------------------------------------------------- paths */

static void test_sandbox_policy_trees(void **state)
{
	(void)state;
	begin(true, false);
	assert_int_equal(ask_open(in_top("tree/prog")), 0);
	assert_int_equal(ask_open(in_top("tree/object")), 0);
	assert_int_equal(ask_open(in_top("tree//sub/./prog")), 0);
	assert_int_equal(ask_open(in_top("tree/sub/../prog")), 0);
	/* What the tree's owner has put there leads where he wants. */
	assert_int_equal(ask_open(in_top("tree/link")), 0);
	/* What leads out of it is nobody's wish but the worker's. */
	assert_int_equal(ask_open(in_top("tree/../root/bin/prog")), EPERM);
	assert_int_equal(ask_open(in_top("tree/sub/../../root/bin/prog")), EPERM);
	assert_int_equal(ask_open(in_top("tree/sub/../../tree/prog")), EPERM);
	assert_int_equal(ask_open(in_top("treetop/prog")), EPERM);
	assert_int_equal(ask_open(in_top("tree")), EPERM);
	assert_int_equal(ask_open(in_top("root/bin/prog")), EPERM);
	assert_int_equal(ask_open("/bin/true"), EPERM);
	assert_int_equal(ask_open("tree/prog"), EPERM);
	assert_int_equal(ask_open("/"), EPERM);
	assert_int_equal(ask_open("../../../../bin/true"), EPERM);
	assert_int_equal(ask_open(""), EPERM);
	end();
}

static void test_sandbox_policy_kinds_of_files(void **state)
{
	(void)state;
	begin(false, false);
	assert_int_equal(ask_open(in_top("tree/prog")), 0);
	assert_int_equal(ask_open(in_top("tree/core")), SNAP_NOT_ELF);
	assert_int_equal(ask_open(in_top("tree/text")), SNAP_NOT_ELF);
	assert_int_equal(ask_open(in_top("tree/empty")), SNAP_NOT_ELF);
	assert_int_equal(ask_open(in_top("tree/fifo")), EINVAL);
	assert_string_equal(reply.bytes, "is a FIFO, not a regular file");
	assert_int_equal(ask_open(in_top("tree/sub")), EINVAL);
	assert_int_equal(ask_open(in_top("tree/none")), ENOENT);
	end();
}

static void test_sandbox_policy_own_files(void **state)
{
	(void)state;
	begin(false, false);
	assert_int_equal(ask_open("/bin/true"), 0);
	assert_int_equal(ask_open(in_top("root/bin/prog")), 0);
	assert_int_equal(ask_open("/etc/passwd"), SNAP_NOT_ELF);
	assert_int_equal(ask_open("bin/true"), EPERM);
	/* Neither by name nor round about. */
	assert_int_equal(ask_open("/proc/self/exe"), EPERM);
	assert_int_equal(ask_open("//proc/self/exe"), EPERM);
	assert_int_equal(ask_open("/bin/../proc/self/exe"), EPERM);
	assert_int_equal(ask_open("/dev/null"), EPERM);
	assert_int_equal(ask_open("/tmp/./../dev/zero"), EPERM);
	assert_int_equal(ask_open("/sys/kernel/notes"), EPERM);
	assert_int_equal(symlink("/proc/self/maps", in_top("tree/maps")), 0);
	assert_int_equal(ask_open(in_top("tree/maps")), EINVAL);
	assert_string_equal(reply.bytes, "is in a pseudo file system");
	end();
}

static void test_sandbox_policy_sysroot(void **state)
{
	(void)state;
	begin(false, true);
	assert_int_equal(ask(SNAP_REQUEST_OPEN, SNAP_REMOTE_SYSROOT, "/bin/prog", NULL), 0);
	assert_int_equal(ask(SNAP_REQUEST_OPEN, SNAP_REMOTE_SYSROOT, "/bin/abs", NULL), 0);
	assert_int_equal(ask(SNAP_REQUEST_OPEN, SNAP_REMOTE_SYSROOT, "/bin/out", NULL), ENOENT);
	assert_int_equal(
		ask(SNAP_REQUEST_OPEN, SNAP_REMOTE_SYSROOT, "/../other/prog", NULL), ENOENT);
	/* This machine's own files are not looked at then. */
	assert_int_equal(ask_open("/bin/true"), EPERM);
	end();
	/* Without one, the number means nothing. */
	begin(true, false);
	assert_int_equal(ask(SNAP_REQUEST_OPEN, SNAP_REMOTE_SYSROOT, "/bin/true", NULL), EPERM);
	end();
}

static void test_sandbox_policy_named_files(void **state)
{
	(void)state;
	begin(true, false);
	make_elf(in_top("other/prog.debug"), ET_DYN);
	assert_int_equal(ask_open(in_top("other/prog")), 0);
	assert_int_equal(ask_open(in_top("other/prog.debug")), EPERM);
	/* Where it really is, others may lie beside it; of no other file. */
	assert_int_equal(ask(SNAP_REQUEST_REAL_PATH, 0, in_top("root/bin/prog"), NULL), EINVAL);
	assert_int_equal(ask(SNAP_REQUEST_REAL_PATH, 0, in_top("other/prog"), NULL), 0);
	assert_int_equal(ask_open(in_top("other/prog.debug")), 0);
	assert_int_equal(ask_open(in_top("other/../root/bin/prog")), EPERM);
	end();
}

static void test_sandbox_policy_scans(void **state)
{
	(void)state;
	begin(false, false);
	assert_int_equal(ask(SNAP_REQUEST_SCAN, 0, tree_path, NULL), 0);
	assert_int_not_equal(ask(SNAP_REQUEST_SCAN, 0, "/etc", NULL), 0);
	assert_int_not_equal(ask(SNAP_REQUEST_SCAN, 0, in_top("tree/sub"), NULL), 0);
	assert_int_not_equal(ask(SNAP_REQUEST_SCAN, 0, in_top("tree/../other"), NULL), 0);
	end();
}

static void test_sandbox_policy_source(void **state)
{
	(void)state;
	begin(true, false);
	assert_int_not_equal(ask(SNAP_REQUEST_SOURCE, 0, "empty", NULL), 0);
	options.source_dirs = tree_list;
	options.num_source_dirs = 1;
	assert_int_equal(ask(SNAP_REQUEST_SOURCE, 0, "empty", NULL), 0); /* whatever is in it */
	assert_int_equal(ask(SNAP_REQUEST_SOURCE, 0, "/empty", NULL), 0);
	assert_int_not_equal(ask(SNAP_REQUEST_SOURCE, 1, "empty", NULL), 0);
	assert_int_not_equal(ask(SNAP_REQUEST_SOURCE, UINT32_MAX, "empty", NULL), 0);
	/* Nothing leads out, and nothing but a file is opened. */
	assert_int_equal(ask(SNAP_REQUEST_SOURCE, 0, "../other/prog", NULL), ENOENT);
	assert_int_equal(ask(SNAP_REQUEST_SOURCE, 0, "link", NULL), ENOENT);
	assert_int_equal(ask(SNAP_REQUEST_SOURCE, 0, "/etc/passwd", NULL), ENOENT);
	assert_int_not_equal(ask(SNAP_REQUEST_SOURCE, 0, "fifo", NULL), 0);
	assert_int_not_equal(ask(SNAP_REQUEST_SOURCE, 0, "sub", NULL), 0);
	assert_int_not_equal(ask(SNAP_REQUEST_SOURCE, 0, "", NULL), 0);
	end();
}

/* ---------------------------------------------------------------- the cache */

/* The descriptor that comes with the answer. */
static int ask_fd(enum snap_request_op op, const char *a, const char *b)
{
	static struct snap_request_view view;
	int fd = -1;
	bool is_own;
	view = (struct snap_request_view){.op = op};
	(void)snprintf(view.text[0], sizeof(view.text[0]), "%s", a);
	(void)snprintf(view.text[1], sizeof(view.text[1]), "%s", b);
	view.len[0] = strlen(a);
	view.len[1] = strlen(b);
	assert_true(snap_broker_serve(&broker, &peer, &view, &reply, &fd, &is_own));
	return fd;
}

static size_t num_files_in(const char *dir)
{
	char command[600];
	(void)snprintf(command, sizeof(command), "ls -A '%s' 2>/dev/null | wc -l", dir);
	FILE *pipe = popen(command, "r");
	unsigned int num = 0;
	assert_non_null(pipe);
	assert_int_equal(fscanf(pipe, "%u", &num), 1);
	(void)pclose(pipe);
	return num;
}

static void test_sandbox_policy_cache(void **state)
{
	(void)state;
	struct snap_error err = SNAP_ERROR_INIT;
	char dir[512];
	begin(true, false);
	(void)snprintf(dir, sizeof(dir), "%s", in_top("cache"));
	assert_int_equal(snap_cache_create(dir, &options.cache, &err), 0);
	/* An entry, as it should be. */
	int fd = ask_fd(SNAP_REQUEST_CACHE_BEGIN, "symbols", "");
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "entry", 5), 5);
	/* While it can still be written to, it gets no name. */
	assert_int_not_equal(ask(SNAP_REQUEST_CACHE_PUBLISH, 0, "abcd", NULL), 0);
	(void)close(fd);
	assert_int_equal(num_files_in(in_top("cache/symbols")), 0);
	fd = ask_fd(SNAP_REQUEST_CACHE_BEGIN, "symbols", "");
	assert_int_equal(write(fd, "entry", 5), 5);
	(void)close(fd);
	assert_int_equal(ask(SNAP_REQUEST_CACHE_PUBLISH, 0, "abcd", NULL), 0);
	assert_int_equal(ask(SNAP_REQUEST_CACHE_OPEN, 1, "symbols", "abcd"), 0);
	/* Once. */
	assert_int_not_equal(ask(SNAP_REQUEST_CACHE_PUBLISH, 0, "abce", NULL), 0);
	/* No other names, no other places. */
	assert_int_not_equal(ask(SNAP_REQUEST_CACHE_OPEN, 0, "symbols", "../symbols/abcd"), 0);
	assert_int_not_equal(ask(SNAP_REQUEST_CACHE_OPEN, 0, ".", "abcd"), 0);
	assert_int_not_equal(ask(SNAP_REQUEST_CACHE_OPEN, 0, "", "CACHEDIR.TAG"), 0);
	assert_int_not_equal(ask(SNAP_REQUEST_CACHE_BEGIN, 0, "..", NULL), 0);
	assert_int_not_equal(ask(SNAP_REQUEST_CACHE_BEGIN, 0, "other", NULL), 0);
	fd = ask_fd(SNAP_REQUEST_CACHE_BEGIN, "trees", "");
	assert_int_equal(write(fd, "entry", 5), 5);
	(void)close(fd);
	assert_int_not_equal(ask(SNAP_REQUEST_CACHE_PUBLISH, 0, "../../evil", NULL), 0);
	assert_int_equal(access(in_top("evil"), F_OK), -1);
	/* What was begun and not finished is gone. */
	fd = ask_fd(SNAP_REQUEST_CACHE_BEGIN, "trees", "");
	(void)close(fd);
	end();
	assert_int_equal(num_files_in(in_top("cache/trees")), 0);
	snap_cache_destroy(options.cache);
}

static void test_sandbox_policy_nothing_else(void **state)
{
	(void)state;
	begin(false, false);
	/* Neither -o, --store, --debuginfod nor a cache was given. */
	assert_int_not_equal(ask(SNAP_REQUEST_OUTPUT_OPEN, 0, NULL, NULL), 0);
	assert_int_not_equal(ask(SNAP_REQUEST_OUTPUT_PUBLISH, 0, NULL, NULL), 0);
	assert_int_not_equal(ask(SNAP_REQUEST_STORE_OPEN, 0, "ab", "cdef"), 0);
	assert_int_not_equal(ask(SNAP_REQUEST_STORE_PLACE, 0, "ab", "cdef"), 0);
	assert_int_not_equal(ask(SNAP_REQUEST_FETCH, 0, "abcd", "name"), 0);
	assert_int_not_equal(ask(SNAP_REQUEST_CACHE_OPEN, 0, "symbols", "abcd"), 0);
	assert_int_not_equal(ask(SNAP_REQUEST_CACHE_BEGIN, 0, "symbols", NULL), 0);
	assert_int_equal(ask(SNAP_REQUEST_DONE, 0, NULL, NULL), -1);
	assert_int_equal(ask(SNAP_REQUEST_TEMPORARY, 0, NULL, NULL), 0);
	assert_int_equal(ask(SNAP_REQUEST_TEMPORARY, 0, NULL, NULL), -1);
	end();
}

static void test_sandbox_policy_store(void **state)
{
	(void)state;
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_symbol_dir *dir;
	char store[512];
	(void)snprintf(store, sizeof(store), "%s", in_top("store"));
	assert_int_equal(snap_symbol_dir_open(store, true, &dir, &err), 0);
	begin(true, false);
	broker.config.symbol_dir = dir;
	/* Nothing was opened yet that could be kept. */
	assert_int_not_equal(ask(SNAP_REQUEST_STORE_PLACE, 0, "ab", "cdef"), 0);
	assert_int_equal(ask_open(in_top("tree/prog")), 0);
	assert_int_equal(ask(SNAP_REQUEST_STORE_PLACE, 0, "ab", "cdef"), 0);
	assert_int_equal(access(in_top("store/.build-id/ab/cdef"), R_OK), 0);
	assert_int_equal(ask(SNAP_REQUEST_STORE_PLACE, 0, "ab", "cdef"), EEXIST);
	assert_int_equal(ask(SNAP_REQUEST_STORE_OPEN, 0, "ab", "cdef"), 0);
	/* Nowhere else, under no other name. */
	static const char *const names[][2] = {{"..", "cdef"}, {"ab", "../evil"}, {"ab", "cdef.exe"},
		{"ab", ""}, {"abc", "cdef"}, {"", "cdef"}, {"ab", "cd/ef"}, {"AB", "cdef"}};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_not_equal(
			ask(SNAP_REQUEST_STORE_PLACE, 0, names[i][0], names[i][1]), 0);
		assert_int_not_equal(
			ask(SNAP_REQUEST_STORE_OPEN, 0, names[i][0], names[i][1]), 0);
	}
	assert_int_not_equal(ask(SNAP_REQUEST_STORE_PLACE, 200, "ab", "cde0"), 0);
	end();
	snap_symbol_dir_close(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sandbox_policy_trees),
		cmocka_unit_test(test_sandbox_policy_kinds_of_files),
		cmocka_unit_test(test_sandbox_policy_own_files),
		cmocka_unit_test(test_sandbox_policy_sysroot),
		cmocka_unit_test(test_sandbox_policy_named_files),
		cmocka_unit_test(test_sandbox_policy_scans),
		cmocka_unit_test(test_sandbox_policy_source),
		cmocka_unit_test(test_sandbox_policy_cache),
		cmocka_unit_test(test_sandbox_policy_nothing_else),
		cmocka_unit_test(test_sandbox_policy_store),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
