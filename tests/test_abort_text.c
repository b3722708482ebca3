/*
 * The C library's last words, taken apart.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "analyze/explain/abort.h"
#include "analyze/explain/abort_text.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static struct snap_abort_text read_text(const char *text, const char *program)
{
	return snap_abort_text_read(
		snap_bytes_str(text), program ? snap_bytes_str(program) : snap_bytes(NULL, 0));
}

static void assert_part(const char *wanted, struct snap_bytes got)
{
	if (!wanted) {
		assert_null(got.data);
		return;
	}
	assert_int_equal(strlen(wanted), got.len);
	assert_memory_equal(wanted, got.data, got.len);
}

static void test_assertions(void **state)
{
	static const struct {
		const char *text, *program, *expression, *file, *function;
		uint32_t line;
		bool is_cut;
	} cases[] = {
		{"player: decode.c:88: decode: Assertion `n > 0' failed.\n", "player", "n > 0",
			"decode.c", "decode", 88, false},
		/* Another name than the one that it says. */
		{"player: decode.c:88: decode: Assertion `n > 0' failed.\n", "other", "n > 0",
			"decode.c", "decode", 88, false},
		/* No program, no function. */
		{"decode.c:1: Assertion `0' failed.", NULL, "0", "decode.c", NULL, 1, false},
		/* Without a newline; quotes, colons and the end's words within. */
		{"a: b.c:7: f: Assertion `x != '\\'' && \"it's: ' failed.\"' failed.", "a",
			"x != '\\'' && \"it's: ' failed.\"", "b.c", "f", 7, false},
		/* C++ */
		{"p: ../src/a b.cc:4294967295: virtual int ns::Foo::bar(int) const: Assertion "
		 "`size() == 3' failed.\n",
			NULL, "size() == 3", "../src/a b.cc", "virtual int ns::Foo::bar(int) const",
			UINT32_MAX, false},
		/* A program's name with a blank and a colon, and a file's. */
		{"a: b: /x: y/c.c:5: f: Assertion `z' failed.", "a: b", "z", "/x: y/c.c", "f", 5,
			false},
		/* Cut by the snapshot's limit. */
		{"p: f.c:12: g: Assertion `very long", "p", "very long", "f.c", "g", 12, true},
		{"p: f.c:12: g: Assertion `", "p", "", "f.c", "g", 12, true},
		/* The text's end and the quote's beginning are not one and the same. */
		{"p: f.c:12: g: Assertion `' failed.", "p", "", "f.c", "g", 12, false},
		{"Fatal glibc error: tpp.c:83 (__pthread_tpp_change_priority): assertion failed: "
		 "new_prio == -1\n",
			NULL, "new_prio == -1", "tpp.c", "__pthread_tpp_change_priority", 83,
			false},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct snap_abort_text text = read_text(cases[i].text, cases[i].program);
		assert_int_equal(SNAP_FAILURE_ASSERTION, text.failure);
		assert_true(text.has_assertion);
		assert_part(cases[i].expression, text.assertion.expression);
		assert_part(cases[i].file, text.assertion.file);
		assert_part(cases[i].function, text.assertion.function);
		assert_true(text.assertion.has_line);
		assert_int_equal(cases[i].line, text.assertion.line);
		assert_int_equal(cases[i].is_cut, text.assertion.is_cut);
	}
}

/* What looks like one, and is none. */
static void test_no_assertions(void **state)
{
	static const char *const texts[] = {
		"",
		"\n\n",
		"Assertion `n > 0' failed.",
		"f.c: Assertion `n > 0' failed.",
		"f.c:: Assertion `n > 0' failed.",
		"f.c:99999999999: Assertion `n > 0' failed.",
		"f.c:12",
		"Assertion `n' failed. f.c:12: ",
		"Fatal glibc error: tpp.c:83 (f: assertion failed: x",
		"Fatal glibc error: tpp.c:8x (f): assertion failed: x",
		"Fatal glibc error: tpp.c (f): assertion failed: x",
		"Fatal glibc error: : (): assertion failed",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct snap_abort_text text = read_text(texts[i], NULL);
		assert_false(text.has_assertion);
		assert_int_equal(SNAP_FAILURE_NONE, text.failure);
		assert_null(text.words);
	}
}

/* As glibc 2.31 to 2.41 have them. */
static void test_messages(void **state)
{
	static const struct {
		const char *text, *failure, *words;
	} cases[] = {
		{"free(): double free detected in tcache 2", "double-free", "second time"},
		{"double free or corruption (fasttop)", "double-free", "second time"},
		{"double free or corruption (out)", "heap-corruption", "second time, or"},
		{"double free or corruption (!prev)", "heap-corruption", "second time, or"},
		{"free(): invalid pointer", "invalid-free", "none of the allocator's"},
		{"free(): invalid size", "invalid-free", "none of the allocator's"},
		{"munmap_chunk(): invalid pointer", "invalid-free", "none of the allocator's"},
		{"realloc(): invalid pointer", "invalid-free", "none of the allocator's"},
		{"realloc(): invalid next size", "heap-corruption", "past the end"},
		{"free(): invalid next size (fast)", "heap-corruption", "past the end"},
		{"free(): invalid next size (normal)", "heap-corruption", "past the end"},
		{"free(): corrupted unsorted chunks", "heap-corruption", "freed blocks"},
		{"free(): unaligned chunk detected in tcache 2", "heap-corruption", "freed blocks"},
		{"free(): too many chunks detected in tcache", "heap-corruption", "freed blocks"},
		{"malloc(): corrupted top size", "heap-corruption", "free end"},
		{"malloc(): memory corruption", "heap-corruption", "past the end"},
		{"malloc(): invalid size (unsorted)", "heap-corruption", "past the end"},
		{"malloc(): mismatching next->prev_size (unsorted)", "heap-corruption",
			"past the end"},
		{"malloc(): unsorted double linked list corrupted", "heap-corruption",
			"freed blocks"},
		{"malloc(): smallbin double linked list corrupted", "heap-corruption",
			"freed blocks"},
		{"malloc(): unaligned tcache chunk detected", "heap-corruption", "freed blocks"},
		{"malloc(): unaligned fastbin chunk detected 3", "heap-corruption", "freed blocks"},
		{"malloc_consolidate(): invalid chunk size", "heap-corruption", "past the end"},
		{"malloc_consolidate(): unaligned fastbin chunk detected", "heap-corruption",
			"freed blocks"},
		{"corrupted size vs. prev_size", "heap-corruption", "past the end"},
		{"corrupted size vs. prev_size while consolidating", "heap-corruption",
			"past the end"},
		{"corrupted double-linked list (not small)", "heap-corruption", "freed blocks"},
		{"break adjusted to free malloc space", "heap-corruption", "free end"},
		{"invalid fastbin entry (free)", "heap-corruption", "freed blocks"},
		{"x: malloc.c:2379: sysmalloc: Assertion `(old_top == initial_top (av) && "
		 "old_size == 0)' failed.",
			"heap-corruption", "past the end"},
		{"Fatal glibc error: malloc.c:2599 (sysmalloc): assertion failed: (old_top == "
		 "initial_top (av))",
			"heap-corruption", "past the end"},
		{"*** stack smashing detected ***: terminated", "stack-smashing", "local arrays"},
		{"*** stack smashing detected ***: <unknown> terminated", "stack-smashing",
			"local arrays"},
		{"*** buffer overflow detected ***: terminated", "buffer-overflow",
			"_FORTIFY_SOURCE"},
		{"*** bit out of range 0 - FD_SETSIZE on fd_set ***: terminated", "buffer-overflow",
			"fd_set"},
		{"*** %n in writable segment detected ***", "format-string", "%n"},
		{"*** invalid %N$ use detected ***", "format-string", "numbered"},
		{"*** longjmp causes uninitialized stack frame ***: terminated", "bad-longjmp",
			"returned already"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct snap_abort_text text = read_text(cases[i].text, NULL);
		const char *name = snap_failure_name(text.failure);
		if (!name || strcmp(cases[i].failure, name) != 0)
			fail_msg("'%s': %s, not %s", cases[i].text, name ? name : "nothing",
				cases[i].failure);
		if (!strstr(text.words, cases[i].words))
			fail_msg("'%s': \"%s\" lacks \"%s\"", cases[i].text, text.words,
				cases[i].words);
	}
	/* Somebody else's words. */
	assert_int_equal(SNAP_FAILURE_NONE, read_text("no more coffee", NULL).failure);
}

/* Cut anywhere: nothing outside of the text is read (a sanitizer would tell), nor pointed to. */
static void test_cut_texts(void **state)
{
	static const char *const texts[] = {
		"player: decode.c:88: decode: Assertion `n > 0' failed.",
		"Fatal glibc error: malloc.c:2599 (sysmalloc): assertion failed: old_size == 0",
		"*** stack smashing detected ***: terminated",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		for (size_t len = 0; len <= strlen(texts[i]); len++) {
			uint8_t *copy = malloc(len + !len);
			assert_non_null(copy);
			memcpy(copy, texts[i], len);
			struct snap_abort_text text =
				snap_abort_text_read(snap_bytes(copy, len), snap_bytes(NULL, 0));
			const struct snap_bytes parts[] = {text.assertion.expression,
				text.assertion.file, text.assertion.function};
			for (size_t j = 0; text.has_assertion && j < ARRAY_LEN(parts); j++)
				if (parts[j].data)
					assert_true(parts[j].data >= copy &&
						    parts[j].data + parts[j].len <= copy + len);
			free(copy);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_assertions),
		cmocka_unit_test(test_no_assertions),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_cut_texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
