/* The whole analysis where memory ends: each allocation of ours fails once, and so, in other runs,
 * do all from it on. Then there is a result, or an error that says so; nothing is lost, nothing
 * crashes.
 *
 * Linked so that the functions below stand before the allocator (tests.mk). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analyze/analysis.h"
#include "analyze/cache/cache_dir.h"
#include "analyze/convert/export.h"
#include "analyze/convert/import.h"
#include "analyze/crash.h"
#include "analyze/fields/overlay.h"
#include "analyze/find/store.h"
#include "analyze/report/json.h"
#include "analyze/report/text.h"
#include "analyze/signature/rules.h"
#include "analyze/tokens/database_file.h"
#include "tests/lib/temp_tree.h"

/* ---------------------------------------------------------------- the allocator */

void *__real_malloc(size_t len);
void *__real_calloc(size_t num, size_t len);
void *__real_realloc(void *old, size_t len);
void __real_free(void *p);
void *__real_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off);

/* As the linker names them. */
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t num, size_t len);
void *__wrap_realloc(void *old, size_t len);
void *__wrap_reallocarray(void *old, size_t num, size_t len);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t len);
void __wrap_free(void *p);
void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off);

static unsigned long num_allocations, fail_at; /* from 1; 0: none fails */
static bool fail_all_behind;

/* What is allocated and not freed yet: a hash table with open addressing. */
enum { NUM_SLOTS = 1 << 16 };
static void *slots[NUM_SLOTS];
static size_t num_live;

static size_t slot_of(const void *p)
{
	size_t at = (size_t)((uintptr_t)p * UINT64_C(0x9e3779b97f4a7c15) >> 48) % NUM_SLOTS;
	while (slots[at] && slots[at] != p)
		at = (at + 1) % NUM_SLOTS;
	return at;
}

static void *remember(void *p)
{
	if (p) {
		assert_true(num_live < NUM_SLOTS / 2);
		slots[slot_of(p)] = p;
		num_live++;
	}
	return p;
}

static void forget(const void *p)
{
	size_t hole = slot_of(p);
	if (!p || !slots[hole])
		return; /* a library's */
	slots[hole] = NULL;
	num_live--;
	/* Those behind the hole that it would hide. */
	for (size_t at = (hole + 1) % NUM_SLOTS; slots[at]; at = (at + 1) % NUM_SLOTS) {
		void *moved = slots[at];
		slots[at] = NULL;
		slots[slot_of(moved)] = moved;
	}
}

static bool fails(void)
{
	num_allocations++;
	if (fail_at == 0 || num_allocations < fail_at ||
		(num_allocations > fail_at && !fail_all_behind))
		return false;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t len)
{
	return fails() ? NULL : remember(__real_malloc(len));
}

void *__wrap_calloc(size_t num, size_t len)
{
	return fails() ? NULL : remember(__real_calloc(num, len));
}

void *__wrap_realloc(void *old, size_t len)
{
	if (fails())
		return NULL;
	forget(old);
	return remember(__real_realloc(old, len));
}

void *__wrap_reallocarray(void *old, size_t num, size_t len)
{
	size_t bytes;
	return __builtin_mul_overflow(num, len, &bytes) ? NULL : __wrap_realloc(old, bytes);
}

char *__wrap_strndup(const char *s, size_t len)
{
	len = strnlen(s, len);
	char *copy = __wrap_malloc(len + 1);
	if (copy) {
		memcpy(copy, s, len);
		copy[len] = '\0';
	}
	return copy;
}

char *__wrap_strdup(const char *s)
{
	return __wrap_strndup(s, SIZE_MAX);
}

void __wrap_free(void *p)
{
	forget(p);
	__real_free(p);
}

void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	return fails() ? MAP_FAILED : __real_mmap(addr, len, prot, flags, fd, off);
}

/* ---------------------------------------------------------------- what is run */

#define FIXTURES "tests/fixtures/"

static char symbols_dir[512], cache_dir[512], snapshot[512], core[512], arm_core[512];
/* What files are, if they are text. */
static enum snap_text_format text_format;
/* --tokens; NULL: none. */
static const char *tokens_dir;

enum cache {
	NO_CACHE,
	KEPT_CACHE, /* all is in it, after the first time */
	NEW_CACHE,  /* nothing is */
};

static FILE *sink;
/* Run from anywhere: beside the sources, this one's path tells where. */
static char source[512] = __FILE__;

/* Each format's reader, after which comes what all texts go through. */
static int analyse_text(const char *file, enum snap_text_format format, struct snap_error *err)
{
	struct snap_options options = {.from = format};
	struct snap_rules *rules = snap_rules_load(NULL, err);
	struct snap_text *text;
	if (!rules)
		return -1;
	options.rules = rules;
	int r = snap_text_open(file, format, &text, err);
	if (r == 0) {
		struct snap_crash crash;
		while ((r = snap_analysis_text(text, &options, &crash, err)) > 0)
			snap_crash_deinit(&crash);
		snap_text_close(text);
	}
	snap_rules_free(rules);
	return r;
}

/* NULL if there is nothing to read. */
static int read_tokens(struct snap_tokens **ret, struct snap_error *err)
{
	if (!tokens_dir)
		return 0;
	*ret = snap_tokens_create(NULL);
	if (!*ret)
		return snap_error_no_memory(err);
	if (snap_tokens_add_path(*ret, tokens_dir, err) < 0)
		return -1;
	snap_tokens_finish(*ret);
	return 0;
}

/* The whole of it, as the verbs do it. */
static int analyse(const char *file, enum cache with_cache, struct snap_error *err)
{
	const char *dirs[] = {symbols_dir};
	struct snap_options options = {
		.symbol_dirs = dirs,
		.num_symbol_dirs = 1,
		.no_local = true,
		.num_jobs = 1,
		.max_frames = 100,
	};
	struct snap_store *store;
	struct snap_crash crash;
	struct snap_cache *cache = NULL;
	struct snap_tokens *tokens = NULL;
	if (text_format != SNAP_TEXT_NONE)
		return analyse_text(file, text_format, err);
	if (with_cache == NEW_CACHE)
		remove_tree(cache_dir);
	if (with_cache && snap_cache_create(cache_dir, &cache, err) < 0)
		return -1;
	struct snap_rules *rules = snap_rules_load(NULL, err);
	if (!rules) {
		snap_cache_destroy(cache);
		return -1;
	}
	struct snap_overlays *overlays = snap_overlays_create(err);
	options.rules = rules;
	options.overlays = overlays;
	options.cache = cache;
	if (!overlays || read_tokens(&tokens, err) < 0 ||
		snap_store_create(&options, &store, err) < 0) {
		snap_tokens_destroy(tokens);
		snap_overlays_destroy(overlays);
		snap_rules_free(rules);
		snap_cache_destroy(cache);
		return -1;
	}
	options.tokens = tokens;
	int r = snap_analysis_run(file, store, &options, &crash, err);
	if (r == 0) {
		struct snap_export_report report;
		(void)snap_report_text(&crash,
			&(struct snap_text_style){.rules = options.rules, .sections = SNAP_ALL_SECTIONS},
			sink);
		r = snap_report_json(&crash, &(struct snap_json_style){0}, sink, err);
		/* A microcontroller leaves no cores. */
		if (r == 0 && !tokens_dir)
			r = snap_export(&crash, sink, &report, err);
		if (r == 0 && crash.is_core)
			r = snap_import(&crash, &(struct snap_import_options){.indirect = true},
				fileno(sink), err);
		snap_crash_deinit(&crash);
		snap_store_keep(store);
	}
	snap_store_destroy(store);
	snap_cache_destroy(cache);
	snap_tokens_destroy(tokens);
	snap_overlays_destroy(overlays);
	snap_rules_free(rules);
	return r;
}

static unsigned int num_wrong;

static void wrong(unsigned long at, bool all, const struct snap_error *err, const char *what)
{
	if (num_wrong++ < 20)
		print_error("allocation %lu%s: %s (error %d, '%s')\n", at,
			all ? " and all behind" : "", what, err->code, err->text);
}

static void run_one(const char *file, enum cache with_cache, unsigned long at, bool all)
{
	struct snap_error err = SNAP_ERROR_INIT;
	size_t before = num_live;
	num_allocations = 0;
	fail_at = at;
	fail_all_behind = all;
	int r = analyse(file, with_cache, &err);
	fail_at = 0;
	if (r < 0 && err.code != SNAP_ERROR_NO_MEMORY && err.code != SNAP_ERROR_SYSTEM)
		wrong(at, all, &err, "another error");
	if (r < 0 && !err.text[0])
		wrong(at, all, &err, "not a word");
	if (num_live != before)
		wrong(at, all, &err, "not all was freed");
}

/* Each of the first ones, then one of some: they are mostly of the same kinds. */
static void sweep(const char *file, enum cache with_cache)
{
	struct snap_error err = SNAP_ERROR_INIT;
	const char *wanted = getenv("SNAP_TEST_ALLOCATION"); /* that one alone */
	num_wrong = 0;
	/* What is made once and for all, is made. */
	if (analyse(file, with_cache, &err) < 0)
		fail_msg("%s", err.text);
	num_allocations = 0;
	assert_int_equal(analyse(file, with_cache, &err), 0);
	unsigned long num = num_allocations;
	assert_true(num > 10);
	print_message("%lu allocations\n", num);
	if (wanted) {
		run_one(file, with_cache, strtoul(wanted, NULL, 10), getenv("SNAP_TEST_ALL"));
		return;
	}
	unsigned long step = num > 2000 ? num / 2000 + 1 : 1;
	for (unsigned long at = 1; at <= num; at += at < 400 ? 1 : step)
		run_one(file, with_cache, at, false);
	for (unsigned long at = 1; at <= num; at += at < 100 ? 1 : 4 * step)
		run_one(file, with_cache, at, true);
	assert_int_equal(num_wrong, 0);
}

static void test_no_memory_snapshot(void **state)
{
	(void)state;
	sweep(snapshot, NO_CACHE);
}

static void test_no_memory_core(void **state)
{
	(void)state;
	sweep(core, NO_CACHE);
}

static void test_no_memory_cache(void **state)
{
	(void)state;
	sweep(snapshot, NEW_CACHE);
	sweep(snapshot, KEPT_CACHE);
}

/* A machine that has other tables. */
static void test_no_memory_arm(void **state)
{
	(void)state;
	sweep(arm_core, NO_CACHE);
}

static void test_no_memory_text(void **state)
{
	(void)state;
	static const struct {
		enum snap_text_format format;
		const char *file;
	} texts[] = {
		{SNAP_TEXT_GDB, "traces/gdb-mail.txt"},
		{SNAP_TEXT_GDB, "traces/gdb-core.txt"},
		{SNAP_TEXT_ASAN, "traces/asan-others.txt"},
		{SNAP_TEXT_PLAIN, "traces/plain-all.txt"},
		{SNAP_TEXT_JSON, "fixtures/segv-null/report.json"},
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char path[1024];
		(void)snprintf(path, sizeof(path), "%stests/%s", source, texts[i].file);
		text_format = texts[i].format;
		sweep(path, NO_CACHE);
	}
	text_format = SNAP_TEXT_NONE;
}

/* A microcontroller's snapshot: metadata with a machine and a reason, and a log, of which one token has
 * two strings, one is in a text, one has fields, and one is not known. */
static void test_no_memory_tokens(void **state)
{
	(void)state;
	static const char device[] = "\x82\x01\x08\x0a\x04\x01\0\0\0\x40\x02"
				     "\x0a\x07\x0a\x05\x02\0\0\0\x02"
				     "\x0a\x0f\x0a\x0d" "a $AQAAAA== b"
				     "\x0a\x06\x0a\x04\x03\0\0\0"
				     "\x0a\x06\x0a\x04\x99\x99\x99\x99";
	static const char binary[] = "TOKENS\0\0\1\0\0\0\0\0\0\0"
				     "\1\0\0\0\xff\xff\xff\xff" "one";
	char path[512];
	(void)snprintf(path, sizeof(path), "%s", in_top("device"));
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(device, 1, sizeof(device) - 1, file), sizeof(device) - 1);
	assert_int_equal(fclose(file), 0);
	char command[1024];
	(void)snprintf(command, sizeof(command), "mkdir -p '%s'", in_top("tokens"));
	assert_int_equal(system(command), 0);
	put_file("tokens/a.csv", "2,,a %d\n2,,b %d\n3,,\xe2\x96\xa0msg\xe2\x99\xa6x\xe2\x96\xa0k\xe2\x99\xa6v\n");
	file = fopen(in_top("tokens/b.binary"), "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(binary, 1, sizeof(binary), file), sizeof(binary));
	assert_int_equal(fclose(file), 0);
	(void)snprintf(command, sizeof(command), "cp '%s' '%s'", in_top("symbols/arm-stripped"),
		in_top("tokens/c"));
	assert_int_equal(system(command), 0);
	char tokens[512];
	(void)snprintf(tokens, sizeof(tokens), "%s", in_top("tokens"));
	tokens_dir = tokens;
	sweep(path, NO_CACHE);
	tokens_dir = NULL;
}

/* ---------------------------------------------------------------- the files */

static void unpack(const char *from, const char *to)
{
	char command[2048];
	(void)snprintf(command, sizeof(command), "xz -dc '%s' >'%s'", from, to);
	if (system(command) != 0)
		fail_msg("can't unpack %s", from);
}

static int setup(void **state)
{
	(void)state;
	char *end = strstr(source, "tests/test_no_memory.c");
	if (end)
		*end = '\0';
	char from[1024];
	assert_non_null(mkdtemp(top));
	(void)snprintf(symbols_dir, sizeof(symbols_dir), "%s", in_top("symbols"));
	(void)snprintf(cache_dir, sizeof(cache_dir), "%s", in_top("cache"));
	(void)snprintf(snapshot, sizeof(snapshot), "%s", in_top("snapshot"));
	(void)snprintf(core, sizeof(core), "%s", in_top("core"));
	(void)snprintf(arm_core, sizeof(arm_core), "%s", in_top("arm_core"));
	char command[1024];
	(void)snprintf(command, sizeof(command), "mkdir -p '%s'", symbols_dir);
	assert_int_equal(system(command), 0);
	(void)snprintf(from, sizeof(from), "%s" FIXTURES "cxx-inline/cxx-inline.xz", source);
	unpack(from, in_top("symbols/cxx-inline"));
	(void)snprintf(from, sizeof(from), "%s" FIXTURES "cxx-inline/snapshot.snap.xz", source);
	unpack(from, snapshot);
	(void)snprintf(from, sizeof(from), "%s" FIXTURES "cxx-inline/core.xz", source);
	unpack(from, core);
	(void)snprintf(from, sizeof(from), "%s" FIXTURES "arm-stripped/arm-stripped.xz", source);
	unpack(from, in_top("symbols/arm-stripped"));
	(void)snprintf(from, sizeof(from), "%s" FIXTURES "arm-stripped/core.xz", source);
	unpack(from, arm_core);
	sink = fopen("/dev/null", "w");
	return sink ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	(void)fclose(sink);
	remove_tree(top);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_memory_snapshot),
		cmocka_unit_test(test_no_memory_core),
		cmocka_unit_test(test_no_memory_cache),
		cmocka_unit_test(test_no_memory_arm),
		cmocka_unit_test(test_no_memory_text),
		cmocka_unit_test(test_no_memory_tokens),
	};
	return cmocka_run_group_tests_name("no_memory", tests, setup, teardown);
}
