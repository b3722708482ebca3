/*
 * Rules for parts of functions' names: what each does, how a file of one's own overrides the built-in
 * ones, and what is refused.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/signature/name.h"
#include "analyze/signature/rules.h"
#include "tests/lib/temp_tree.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static struct snap_rules *load(const char *text)
{
	struct snap_error err = SNAP_ERROR_INIT;
	put_file("own.rules", text);
	struct snap_rules *rules = snap_rules_load(in_top("own.rules"), &err);
	if (!rules)
		fail_msg("%s", err.text);
	return rules;
}

/* What a function in that module is called. */
static void called(const struct snap_rules *rules, const char *module, uint32_t present,
	const char *function, const char *wanted)
{
	const struct snap_rules_place place =
		snap_rules_place(rules, snap_bytes_str(module), present);
	char *name = snap_signature_name(function, rules, &place, NULL);
	assert_non_null(name);
	assert_string_equal(name, wanted);
	free(name);
}

struct name {
	const char *function, *wanted;
};

/* In no module, by these rules before the built-in ones. */
static void check(const char *text, const struct name *names, size_t num)
{
	struct snap_rules *rules = load(text);
	for (size_t i = 0; i < num; i++)
		called(rules, "", 0, names[i].function, names[i].wanted);
	snap_rules_free(rules);
}

static void test_strip(void **state)
{
	(void)state;
	static const struct name names[] = {
		{"my_f", "f"},
		{"my_our_f", "f"},     /* again and again */
		{"my_own_f", "f"},     /* the longest */
		{"f_my_", "f_my_"},    /* at the beginning */
		{"my_", "my_"},	       /* never all of it */
		{"__GI_my_f", "f"},    /* with the built-in ones */
		{"impl_open", "open"}, /* of some names alone */
		{"impl_close", "close"},
		{"impl_opened", "impl_opened"},
		{"impl_open.part.0", "impl_open"},
		{"our_impl_open", "open"},
	};
	check("strip * my_\nstrip * our_\nstrip * my_own_\nstrip * impl_ open close\n", names,
		ARRAY_LEN(names));
}

static void test_suffix(void **state)
{
	(void)state;
	static const struct name names[] = {
		{"f$clone", "f"},
		{"f$clone.cold$clone", "f"}, /* again and again, with the built-in ones */
		{"$clone", "$clone"},	     /* never all of it */
		{"f$clones", "f$clones"},
		{"f~v12", "f"},
		{"f~v1fe", "f"},
		{"f~v", "f~v"},
		{"f~vfe", "f~vfe"}, /* begins with no decimal digit */
		{"f#0123456789abcdef", "f"},
		{"f#0123456789ABCDEF", "f#0123456789ABCDEF"},
		{"f#123456789abcdef", "f#123456789abcdef"},
		{"f##0123456789abcdef", "f#"},
	};
	check("suffix * $clone ~v%n #%h\n", names, ARRAY_LEN(names));
}

static void test_synonym(void **state)
{
	(void)state;
	static const struct name names[] = {
		{"ns::v2::f", "ns::f"},
		{"<ns::v2::a as ns::v2::b>::f", "<ns::a as ns::b>::f"}, /* anywhere */
		{"f [now]", "f "},
		{"aab", "Xb"}, /* the longest; what it becomes is not looked at again */
		{"ba", "bz"},
		{"X", "Y"},
		{"i = j", "k"}, /* the last sign counts */
		{"S::operator<<", "S::operator<<"},
		{"! !", "0123456789012345678901234567890123456789 "
			"0123456789012345678901234567890123456789"},
	};
	check("synonym * ns::v2:: = ns::\n"
	      "synonym * [now] =\n"
	      "synonym * X = Y\n"
	      "synonym * aa = X\n"
	      "synonym ba* a = w\n"
	      "synonym * ba = bz\n"
	      "synonym * i = j = k\n"
	      "synonym * << = lt\n"
	      "synonym * ! = 0123456789012345678901234567890123456789\n",
		names, ARRAY_LEN(names));
}

static void test_family_and_variant(void **state)
{
	(void)state;
	static const struct name names[] = {
		{"__crypt_block_vliw", "crypt_block"},
		{"_crypt_block_vliw_fast", "crypt_block"},
		{"crypt_block_vliw", "crypt_block_vliw"}, /* without the underscores */
		{"__crypt_avx2", "crypt"},		  /* a built-in variant */
		{"__strlen_vliw", "strlen"},		  /* a built-in family */
		{"__crypt_vliws", "__crypt_vliws"},
		{"__cryp_vliw", "__cryp_vliw"},
		{"__crypt_vliw.part.0", "crypt"},
		{"__crypt_tensor", "crypt"},
	};
	check("family * crypt\nvariant * vliw tensor\n", names, ARRAY_LEN(names));
}

static void test_rules_are_for_modules(void **state)
{
	(void)state;
	struct snap_rules *rules = load("library ours libours*.so*\n"
					"strip liba.so* a_\nstrip lib*.so* ab_\nstrip @ours o_\n"
					"suffix liba.so* !x\nsynonym liba.so* Q = R\n"
					"family liba.so* f\nvariant libb.so* v\n");
	uint32_t ours = snap_rules_libraries(rules, snap_bytes_str("libours.so.1"));
	assert_int_not_equal(ours, 0);
	called(rules, "liba.so.1", 0, "a_Qf!x", "Rf");
	called(rules, "libb.so.1", 0, "a_Qf!x", "a_Qf!x");
	called(rules, "", 0, "a_Qf!x", "a_Qf!x");
	called(rules, "libb.so.1", 0, "ab_f", "f");
	called(rules, "prog", 0, "ab_f", "ab_f");
	/* A library's: there, or anywhere if the process has no such module. */
	called(rules, "libours.so.1", ours, "o_f", "f");
	called(rules, "prog", 0, "o_f", "f");
	called(rules, "prog", ours, "o_f", "o_f");
	/* The longest one counts elsewhere: the shorter one still does here. */
	called(rules, "liba.so.1", 0, "__f_v", "__f_v");
	called(rules, "libb.so.1", 0, "__f_v", "__f_v");
	called(rules, "libb.so.1", 0, "__str_v", "str");
	snap_rules_free(rules);
}

static void test_not_takes_back(void **state)
{
	(void)state;
	static const struct name names[] = {
		{"__GI_f", "__GI_f"},
		{"f.cold", "f.cold"},
		{"f.part.0", "f.part"},
		{"f.isra.0", "f"},
		{"f.1", "f"},
		{"a::h0123456789abcdef", "a::h0123456789abcdef"},
		{"f[abi:cxx11]", "f[abi:cxx11]"},
		{"{anonymous}::f", "(anonymous namespace)::f"},
		{"__strlen_avx2", "__strlen_avx2"},
		{"__memcpy_avx2", "memcpy"},
		{"__memcpy_sse2", "__memcpy_sse2"},
		{"__libc_malloc", "__libc_malloc"},
		{"__libc_free", "free"},
		{"IA__f", "f"},
		{"IA__special", "IA__special"}, /* a longer one before the built-in one */
	};
	check("not strip * __GI_\nnot suffix * .cold .part ::h%h\nnot synonym * [abi:cxx11]\n"
	      "not family * str\nnot variant * sse2\nnot strip * __libc_ malloc\n"
	      "not strip * IA__special\n",
		names, ARRAY_LEN(names));
	/* Where it is for one module, others' names go on as before. */
	struct snap_rules *rules = load("not suffix libk.so* .cold\nstrip libk.so* __GI_ abort\n");
	called(rules, "libk.so", 0, "f.cold", "f.cold");
	called(rules, "libj.so", 0, "f.cold", "f");
	called(rules, "libk.so", 0, "__GI_abort", "abort");
	snap_rules_free(rules);
	/* One's own meaning of what has one already. */
	static const struct name other[] = {{"{anonymous}::f", "anon::f"}};
	check("synonym * {anonymous} = anon\n", other, 1);
}

static void test_reset(void **state)
{
	(void)state;
	static const struct name names[] = {
		{"__GI_f", "__GI_f"},
		{"f.cold", "f.cold"},
		{"f.1", "f.1"},
		{"__strlen_avx2", "__strlen_avx2"},
		{"{anonymous}::f", "{anonymous}::f"},
		{"my_f", "f"},
		{"old_f", "old_f"}, /* stands above it */
		/* The grammar stays. */
		{"a<b>::f", "a<T>::f"},
		{"main::$_0::operator()", "main::{lambda}::operator()"},
		{"memcpy@@GLIBC_2.14", "memcpy"},
	};
	check("strip * old_\nreset names\nstrip * my_\n", names, ARRAY_LEN(names));
	/* Rules for frames and renames are others: either stays without the other. */
	struct snap_rules *rules = load("reset names\n");
	struct snap_rules_place libc = snap_rules_place(rules, snap_bytes_str("libc.so.6"), 0);
	assert_non_null(snap_rules_find(rules, "abort", &libc));
	snap_rules_free(rules);
	static const struct name other[] = {{"__GI_f.cold", "f"}};
	check("reset\n", other, 1);
}

static void test_rules_that_were_used(void **state)
{
	(void)state;
	struct snap_rules *rules = load("strip * my_\nvariant * vliw\n");
	struct snap_rules_place place = snap_rules_place(rules, snap_bytes(NULL, 0), 0);
	struct snap_rules_used used = {.num = 0};
	free(snap_signature_name("my___strlen_vliw.part.0", rules, &place, &used));
	assert_int_equal(used.num, 5);
	assert_int_equal(used.rules[0]->action, SNAP_RULE_STRIP);
	assert_int_equal(used.rules[0]->line, 1);
	assert_false(used.rules[0]->is_builtin);
	assert_string_equal(used.rules[1]->function, ".%n");
	assert_true(used.rules[1]->is_builtin);
	assert_string_equal(used.rules[2]->function, ".part");
	assert_string_equal(used.rules[3]->function, "str");
	assert_string_equal(used.rules[4]->function, "vliw");
	/* None where nothing was taken off; no more than there is room for. */
	used.num = 0;
	free(snap_signature_name("strlen", rules, &place, &used));
	assert_int_equal(used.num, 0);
	free(snap_signature_name("f.1.1.1.1.1.1.1.1.1.1.1.1", rules, &place, &used));
	assert_int_equal(used.num, ARRAY_LEN(used.rules));
	snap_rules_free(rules);
}

static void refused(const char *text, const char *wanted)
{
	struct snap_error err = SNAP_ERROR_INIT;
	put_file("bad.rules", text);
	assert_null(snap_rules_load(in_top("bad.rules"), &err));
	const char *at = strstr(err.text, "bad.rules:");
	assert_non_null(at);
	assert_string_equal(at + strlen("bad.rules:"), wanted);
	assert_int_equal(err.code, SNAP_ERROR_USAGE);
}

#define T63 "123456789012345678901234567890123456789012345678901234567890123"

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{"strip * f\nstripp * f\n", "2: unknown action 'stripp'"},
		{"strip *\n", "1: a rule takes modules and parts of names"},
		{"suffix\n", "1: a rule takes modules and parts of names"},
		{"variant @nobody x\n", "1: no library is called 'nobody'"},
		{"\n\nsuffix * a*\n", "3: parts of names have no *: 'a*'"},
		{"strip * a_ b*\n", "1: parts of names have no *: 'a_'"},
		{"suffix * .%d\n", "1: a suffix may end with %n or %h, and has no other %: '.%d'"},
		{"suffix * .%n.x\n", "1: a suffix may end with %n or %h, and has no other %: '.%n.x'"},
		{"suffix * .a%n\n", "1: before %n and %h stands what is no hexadecimal digit: '.a%n'"},
		{"suffix * %h\n", "1: before %n and %h stands what is no hexadecimal digit: '%h'"},
		{"variant * a_b\n", "1: a variant has no _: 'a_b'"},
		{"family * _f\n", "1: a family begins behind the _ of its functions: '_f'"},
		{"synonym * a b\n", "1: a part of names and what it means are told as in 'synonym MODULES PART = "
				    "PART'"},
		{"synonym * = b\n", "1: a part of names and what it means are told as in 'synonym MODULES PART = "
				    "PART'"},
		{"strip * " T63 "4\n", "1: more than 63 bytes: '" T63 "4'"},
		{"strip * " T63 " 4\n", "1: more than 63 bytes: '" T63 "'"},
		{"synonym * a = " T63 "4\n", "1: more than 63 bytes: '" T63 "4'"},
		{"strip * a_\n\nstrip * b_\nstrip * a_\n", "4: stands in line 1 already: 'a_'"},
		{"suffix * .x%n .x%n\n", "1: stands in line 1 already: '.x%n'"},
		{"family * f\nnot family * f\n", "2: stands in line 1 already: 'f'"},
		{"synonym * a = b\nsynonym * a = c\n", "2: stands in line 1 already: 'a'"},
		{"not skip * f\n", "1: 'not' is for rules for parts of names: 'skip'"},
		{"not\n", "1: 'not' is for rules for parts of names"},
		{"reset all\n", "1: only 'names' can be reset alone, not 'all'"},
		{"rename * f =\n", "1: a name and another are told as in 'rename MODULES NAME = NAME'"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		refused(cases[i].text, cases[i].wanted);
}

static void test_limits(void **state)
{
	(void)state;
	static const struct name longest[] = {{T63 "f", "f"}};
	check("strip * " T63 "\n", longest, 1);
	/* The same part for other modules, and of another kind, is another rule. */
	static const struct name same[] = {{"a_f", "f"}};
	check("strip libx.so a_\nstrip * a_\nfamily * a_\n", same, 1);

	/* What grows has room to. */
	enum { LEN = 100000 };
	char *marks = malloc(LEN + 1);
	assert_non_null(marks);
	memset(marks, '!', LEN);
	marks[LEN] = '\0';
	struct snap_rules *grows = load("synonym * ! = " T63 "\n");
	struct snap_rules_place place = snap_rules_place(grows, snap_bytes(NULL, 0), 0);
	char *grown = snap_signature_name(marks, grows, &place, NULL);
	assert_non_null(grown);
	assert_int_equal(strlen(grown), LEN * strlen(T63));
	free(grown);
	free(marks);
	snap_rules_free(grows);

	/* As many as may be are found; one more is refused. Those built in stand behind. */
	size_t max = SNAP_RULES_MAX_PARTS;
	char *text = malloc(max * 20 + 40), *p = text;
	assert_non_null(text);
	p += sprintf(p, "reset names\n");
	for (size_t i = 0; i < max; i++)
		p += sprintf(p, "strip * p%05zu_\n", i);
	struct snap_rules *rules = load(text);
	for (size_t i = 0; i < max; i++) {
		char name[32];
		(void)snprintf(name, sizeof(name), "p%05zu_f", i);
		called(rules, "", 0, name, "f");
	}
	called(rules, "", 0, "p04096_f", "p04096_f");
	snap_rules_free(rules);
	(void)sprintf(p, "suffix * .one_more\n");
	refused(text, "4098: too many rules for parts of names, of which there may be 4096: '.one_more'");
	free(text);
}

/* As large as a hostile symbol table allows, by rules that begin and end everywhere. */
static void test_hostile_name(void **state)
{
	enum { LEN = 1 << 20 };
	(void)state;
	char text[8192], *p = text, *in = malloc(LEN + 1);
	assert_non_null(in);
	for (int i = 1; i < 60; i++)
		p += sprintf(p, "synonym * a%.*s! = c\nsuffix * !%.*s\n", i, T63, i, "a" T63);
	struct snap_rules *rules = load(text);
	for (int how = 0; how < 3; how++) {
		for (size_t i = 0; i < LEN; i++)
			in[i] = how == 0 ? 'a' : how == 1 ? ("a" T63)[i % 64] : "!a"[i % 2];
		in[LEN] = '\0';
		struct snap_rules_place place = snap_rules_place(rules, snap_bytes(NULL, 0), 0);
		char *name = snap_signature_name(in, rules, &place, NULL);
		assert_non_null(name);
		assert_int_equal(strlen(name), how == 2 ? 2 : LEN);
		free(name);
	}
	free(in);
	snap_rules_free(rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strip),
		cmocka_unit_test(test_suffix),
		cmocka_unit_test(test_synonym),
		cmocka_unit_test(test_family_and_variant),
		cmocka_unit_test(test_rules_are_for_modules),
		cmocka_unit_test(test_not_takes_back),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_rules_that_were_used),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_hostile_name),
	};
	return cmocka_run_group_tests(tests, make_top, remove_top);
}
