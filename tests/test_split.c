/* analyze/find/split: where .dwo and .dwp files are found, one after another, and where not. */
#include "analyze/find/split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/snap-test-split-XXXXXX";

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void shell(const char *format, ...)
{
	char command[2048];
	int n = snprintf(command, sizeof(command), "cd %s && ", dir);
	va_list args;
	va_start(args, format);
	(void)vsnprintf(command + n, sizeof(command) - (size_t)n, format, args);
	va_end(args);
	assert_int_equal(system(command), 0);
}

static int group_setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	shell("echo 'int main(void) { return 0; }' >a.c && "
	      "gcc -g -gsplit-dwarf -c a.c -o a.o && gcc a.o -o exe && test -e a.dwo");
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	shell("rm -rf %s", dir);
	return 0;
}

struct fixture {
	struct snap_options options;
	const char *symbol_dirs[1];
	struct snap_places places;
	struct snap_arena arena;
	struct snap_search search;
	struct snap_split split;
	struct snap_elf_file main;
	char tree[64], root[64], exe[64];
};

/* An executable dir/exe that was found, and a --symbols tree that is empty. */
static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	(void)snprintf(f->tree, sizeof(f->tree), "%s/tree", dir);
	(void)snprintf(f->root, sizeof(f->root), "%s/root", dir);
	(void)snprintf(f->exe, sizeof(f->exe), "%s/exe", dir);
	shell("rm -rf tree root b && mkdir tree root b && rm -f exe.dwp");
	f->symbol_dirs[0] = f->tree;
	f->options = (struct snap_options){.symbol_dirs = f->symbol_dirs, .num_symbol_dirs = 1};
	*state = f;
	return 0;
}

static void begin(struct fixture *f)
{
	struct snap_error err = SNAP_ERROR_INIT;
	assert_int_equal(snap_places_init(&f->places, &f->options, &err), 0);
	snap_arena_init(&f->arena, SIZE_MAX);
	f->search = (struct snap_search){
		.places = &f->places,
		.arena = &f->arena,
		.path = snap_bytes_str("/opt/exe"),
		.files = {.main = &f->main},
		.main_at = {.has_path = true, .path = f->exe},
	};
	f->split.search = &f->search;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	snap_arena_deinit(&f->arena);
	snap_places_deinit(&f->places);
	free(f);
	return 0;
}

/* The paths that come, with what stands for dir left out, joined by spaces. */
static const char *all(struct fixture *f, bool dwp, const char *comp_dir, const char *name)
{
	static char out[1024];
	struct snap_split_source source = snap_split_source(&f->split);
	struct snap_elf_file *file;
	size_t place = 0;
	int r;
	*out = '\0';
	while ((r = dwp ? source.open_dwp(source.context, &place, &file)
			: source.open_dwo(source.context, comp_dir, name, &place, &file)) > 0) {
		assert_memory_equal(file->path, dir, strlen(dir));
		assert_true(file->has_debug_info);
		assert_true(strlen(out) + strlen(file->path) < sizeof(out));
		(void)sprintf(
			out + strlen(out), "%s%s", *out ? " " : "", file->path + strlen(dir) + 1);
		snap_elf_file_destroy(file);
	}
	assert_int_equal(r, 0);
	/* As who reads debug information does, if none is the one. */
	if (!dwp && *out == '\0')
		source.miss(source.context, comp_dir, name, false);
	return out;
}

static void test_dwo_places_in_order(void **state)
{
	struct fixture *f = *state;
	shell("cp a.dwo b/ && mkdir -p tree/sub tree/z && cp a.dwo tree/sub/ && cp a.dwo tree/z/");
	begin(f);
	char comp_dir[64];
	(void)snprintf(comp_dir, sizeof(comp_dir), "%s/b", dir);
	assert_string_equal(
		all(f, false, comp_dir, "a.dwo"), "b/a.dwo a.dwo tree/sub/a.dwo tree/z/a.dwo");
	assert_string_equal(all(f, false, "/nowhere", "sub/a.dwo"),
		"a.dwo tree/sub/a.dwo tree/sub/a.dwo tree/z/a.dwo");
	char absolute[64];
	(void)snprintf(absolute, sizeof(absolute), "%s/b/a.dwo", dir);
	assert_string_equal(
		all(f, false, NULL, absolute), "b/a.dwo a.dwo tree/sub/a.dwo tree/z/a.dwo");
	assert_int_equal(f->search.candidates.num, 0);
}

static void test_dwo_with_no_local_not_at_its_path(void **state)
{
	struct fixture *f = *state;
	shell("cp a.dwo b/");
	f->options.no_local = true;
	begin(f);
	char absolute[64];
	(void)snprintf(absolute, sizeof(absolute), "%s/b/a.dwo", dir);
	assert_string_equal(all(f, false, NULL, absolute), "a.dwo");
}

static void test_dwo_below_sysroot(void **state)
{
	struct fixture *f = *state;
	shell("mkdir root/b && cp a.dwo root/b/ && cp a.dwo b/c.dwo && "
	      "ln -s %s/b/c.dwo root/b/c.dwo",
		dir);
	f->options.sysroot = f->root;
	begin(f);
	f->search.main_at.has_path = false;
	assert_string_equal(all(f, false, "/b", "a.dwo"), "root/b/a.dwo");
	/* A link does not lead out of it. */
	assert_string_equal(all(f, false, "/b", "c.dwo"), "");
}

static void test_dwo_missing_is_told(void **state)
{
	struct fixture *f = *state;
	begin(f);
	for (int i = 0; i < 100; i++)
		assert_string_equal(all(f, false, "/nowhere", "none.dwo"), "");
	assert_int_equal(f->search.candidates.num, 8);
	assert_int_equal(f->search.candidates.num_untold, 92);
	assert_string_equal(f->search.candidates.list[0].path, "/nowhere/none.dwo");
	assert_int_equal(f->search.candidates.list[0].fate, SNAP_FATE_NOT_FOUND);
}

static void test_dwo_hostile(void **state)
{
	struct fixture *f = *state;
	shell("cp a.dwo tree/x.dwo && mkfifo b/a.dwo && mkdir b/d.dwo && echo text >b/t.dwo");
	begin(f);
	char comp_dir[64];
	(void)snprintf(comp_dir, sizeof(comp_dir), "%s/b", dir);
	f->search.main_at.has_path = false;
	assert_string_equal(all(f, false, comp_dir, "a.dwo"), "");
	assert_string_equal(all(f, false, comp_dir, "d.dwo"), "");
	assert_string_equal(all(f, false, comp_dir, "t.dwo"), "");
	assert_string_equal(all(f, false, comp_dir, ""), "");
	assert_string_equal(all(f, false, comp_dir, "/"), "");
	assert_string_equal(all(f, false, "/proc/self", "cwd/a.dwo"), "");
	/* A relative name does not lead out of a tree; its base name is found there. */
	shell("cp a.dwo a2.dwo");
	assert_string_equal(all(f, false, "/nowhere", "../a2.dwo"), "");
	assert_string_equal(all(f, false, "/nowhere", "../x.dwo"), "tree/x.dwo");
	/* A name that does not fit into any path. */
	char *longest = malloc(100001);
	memset(longest, 'x', 100000);
	longest[100000] = '\0';
	assert_string_equal(all(f, false, "/nowhere", longest), "");
	free(longest);
}

static void test_dwp_places_in_order(void **state)
{
	struct fixture *f = *state;
	shell("cp a.dwo exe.dwp && mkdir tree/1 tree/2 && cp a.dwo tree/1/exe.dwp && "
	      "cp a.dwo tree/2/exe.dwp && cp a.dwo tree/other.dwp");
	begin(f);
	/* Once as the file that was found is called, once as the module is. */
	assert_string_equal(all(f, true, NULL, NULL),
		"exe.dwp tree/1/exe.dwp tree/2/exe.dwp tree/1/exe.dwp tree/2/exe.dwp");
	f->search.main_at.has_path = false;
	f->search.path = snap_bytes_str("/opt/other");
	assert_string_equal(all(f, true, NULL, NULL), "tree/other.dwp");
	f->search.path = snap_bytes_str("[vdso]");
	assert_string_equal(all(f, true, NULL, NULL), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_dwo_places_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_dwo_with_no_local_not_at_its_path, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dwo_below_sysroot, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dwo_missing_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dwo_hostile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dwp_places_in_order, setup, teardown),
	};
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
