/* analyze/symbols/demangle: names as debuggers show them, what is no mangled name, and names made
 * to cost much. */
#include "analyze/symbols/demangle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* tmpl<std::string, 3>(std::map<std::string, std::vector<int>> const &, int (*)(std::string)) */
#define LONG_NAME                                                                                  \
	"_Z4tmplINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEELi3EEiRKSt3mapIT_"            \
	"St6vectorIiSaIiEESt4lessIS7_ESaISt4pairIKS7_SA_EEEPFiS7_E"

static void assert_demangled(const char *raw, const char *expected)
{
	char *name = snap_demangle(raw);
	if (!expected) {
		if (name)
			fail_msg("%s: '%s', not a name", raw, name);
		return;
	}
	if (!name || strcmp(name, expected) != 0)
		fail_msg("%s: '%s', not '%s'", raw, name ? name : "(null)", expected);
	free(name);
}

#define ASSERT_ALL(cases)                                                                          \
	for (size_t i_ = 0; i_ < ARRAY_LEN(cases); i_++)                                           \
	assert_demangled((cases)[i_][0], (cases)[i_][1])

static void test_demangle_what_is_not_mangled(void **state)
{
	(void)state;
	static const char *const names[] = {"", "main", "_", "_start", "__libc_start_main", "_Z",
		"_ZN", "_Zfoo", "_Z1", "_Z3ab", "f(int)", "a\xff\x1b[0m", "_R", "_RNv", "@foo",
		"_Z1fv@plt", "_Z999999999999999999999v"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_demangled(names[i], NULL);
}

/* gfortran's, of modules. */
static void test_demangle_fortran(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"__m_MOD_work", "m::work"},
		{"__my_mod_2_MOD_do_it", "my_mod_2::do_it"},
		{"__m_MOD___copy_m_Point", "m::__copy_m_Point"},
		{"__m_MOD_work.constprop.0", "m::work.constprop.0"},
		{"__m_MOD_work@@V1", "m::work"},
		{"__m_MOD__MOD_x", "m::_MOD_x"},
	};
	ASSERT_ALL(cases);
	static const char *const others[] = {"__", "__m", "__m_MOD", "__m_MOD_", "__m_MOD_@V",
		"___MOD_x", "__MOD_x", "_m_MOD_x", "__M_MOD_x", "__2_MOD_x", "__m_mod_x",
		"__m__MODx", "__m.n_MOD_x"};
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		assert_demangled(others[i], NULL);
		assert_false(snap_demangle_is_fortran(others[i]));
	}
	assert_true(snap_demangle_is_fortran("__m_MOD_work"));
	assert_false(snap_demangle_is_fortran("_ZN1m4workEv"));
	/* c++filt does not know them. */
	assert_null(snap_demangle_whole("__m_MOD_work"));
	char *endless = malloc(100001);
	assert_non_null(endless);
	memset(endless, 'a', 100000);
	memcpy(endless, "__m_MOD_", 8);
	endless[100000] = '\0';
	assert_demangled(endless, NULL);
	free(endless);
}

static void test_demangle_functions_without_their_parameters(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"_Z3lami", "lam"},
		{"_Z1fv", "f"},
		{"_ZN2ns1A1fEPFvvE", "ns::A::f"},
		{"_ZN2ns12_GLOBAL__N_14anonENS0_1HE", "ns::(anonymous namespace)::anon"},
		{"_ZN2ns1AC2Ev", "ns::A::A"},
		{"_ZN2ns1AD1Ev", "ns::A::~A"},
		{"_Z1fM1AKFivE", "f"},
		{"_ZThn8_N2ns1A1mEi", "non-virtual thunk to ns::A::m"},
	};
	ASSERT_ALL(cases);
}

static void test_demangle_member_function_qualifiers(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"_ZNK2ns1A1mEi", "ns::A::m"},
		{"_ZNV2ns1A2vmEv", "ns::A::vm"},
		{"_ZNVK1A1fEv", "A::f"},
		{"_ZNKR2ns1A2lrEv", "ns::A::lr"},
		{"_ZNO2ns1A2rrEv", "ns::A::rr"},
	};
	ASSERT_ALL(cases);
}

static void test_demangle_operators(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"_ZNK2ns1AclEic", "ns::A::operator()"},
		{"_ZN1AclEv", "A::operator()"},
		{"_ZN1AclIiEEvT_", "A::operator()<int>"},
		{"_ZNKSt8functionIFivEEclEv", "std::function<int ()>::operator()"},
		{"_ZN2ns1AixEi", "ns::A::operator[]"},
		{"_ZNK2ns1AltERKS0_", "ns::A::operator<"},
		{"_ZN2ns1AlsEi", "ns::A::operator<<"},
		{"_ZN2ns1AptEv", "ns::A::operator->"},
		{"_Znwm", "operator new"},
		{"_ZnwmRKSt9nothrow_t", "operator new"},
	};
	ASSERT_ALL(cases);
}

static void test_demangle_conversion_operators(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"_ZNK2ns1AcviEv", "ns::A::operator int"},
		{"_ZNK2ns1AcvPFviEEv", "ns::A::operator void (*)(int)"},
		{"_ZN1AcvT_IiEEv", "A::operator int<int>"},
	};
	ASSERT_ALL(cases);
}

static void test_demangle_names_that_end_in_operator(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"_Z10myoperatori", "myoperator"},
		{"_ZN1A12cooloperatorEv", "A::cooloperator"},
		{"_Z9_operatorv", "_operator"},
	};
	ASSERT_ALL(cases);
}

static void test_demangle_templates(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"_ZN2ns1A2tmIiEET_S2_", "ns::A::tm<int>"},
		{"_Z3varIJicEEDTsZfp_EDpT_", "var<int, char>"},
		{"_Z6by_memIXadL_ZN2ns1AlsEiEEEiv", "by_mem<&ns::A::operator<<>"},
		{LONG_NAME, "tmpl<std::__cxx11::basic_string<char, std::char_traits<char>, "
			    "std::allocator<char> >, 3>"},
	};
	ASSERT_ALL(cases);
}

static void test_demangle_functions_that_return_function_pointers(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"_Z12plain_ret_fpi", "plain_ret_fp"},
		{"_Z6ret_fpIiEPFT_cES0_", "ret_fp<int>"},
		{"_Z1fIiEPFvcET_", "f<int>"},
	};
	ASSERT_ALL(cases);
}

static void test_demangle_lambdas(void **state)
{
	(void)state;
	/* The parameters of the function round it stay: they tell which one it is. */
	static const char *const cases[][2] = {
		{"_ZZ3lamiENKUliE_clEi", "lam(int)::{lambda(int)#1}::operator()"},
		{"_ZZN2ns1A1mEiENKUlvE_clEv", "ns::A::m(int)::{lambda()#1}::operator()"},
		{"_ZZZ3lamiENKUliE_clEiENKUlcE_clEc", "lam(int)::{lambda(int)#1}::operator()(int) "
						      "const::{lambda(char)#1}::operator()"},
	};
	ASSERT_ALL(cases);
}

static void test_demangle_clones_keep_their_mark(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"_ZN2ns1AC2Ev.cold", "ns::A::A [clone .cold]"},
		{"_ZNK2ns1A1mEi.constprop.0.isra.1",
			"ns::A::m [clone .constprop.0] [clone .isra.1]"},
		{"_ZN1AclEv.cold", "A::operator() [clone .cold]"},
		{"_Z3fooILi3EEvv.part.0.cold", "foo<3> [clone .part.0] [clone .cold]"},
	};
	ASSERT_ALL(cases);
}

static void test_demangle_rust_legacy(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE", "core::fmt::Write::write_fmt"},
		{"_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$3bar"
		 "17h930b740aa94f1d3aE",
			"<Test + 'static as foo::Bar<Test>>::bar"},
	};
	ASSERT_ALL(cases);
}

static void test_demangle_rust_v0(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"_RNvC6_123foo3bar", "123foo::bar"},
		{"_RNCNvC6_123foo3bar0B3_", "123foo::bar::{closure#0}"},
		{"_RNvMs_NtCs1234_7mycrate3modINtB4_3FooNtB4_3BarE3baz",
			"<mycrate::mod::Foo<mycrate::mod::Bar>>::baz"},
	};
	ASSERT_ALL(cases);
}

static void test_demangle_over_long(void **state)
{
	(void)state;
	/* A name of one identifier. libiberty gives up on C++ above some 1000 bytes, on Rust it
	 * does not. */
	static char raw[200100];
	for (size_t len = 100; len < 200000; len *= 3) {
		for (int rust = 0; rust < 2; rust++) {
			int n = snprintf(raw, sizeof(raw), rust ? "_ZN%zu" : "_Z%zu", len);
			memset(raw + n, 'a', len);
			strcpy(raw + n + len, rust ? "17h0123456789abcdefE" : "v");
			char *name = snap_demangle(raw);
			if (len < (rust ? 16000 : 1000))
				assert_non_null(name);
			if (len >= 16384)
				assert_null(name);
			if (name)
				assert_int_equal(strlen(name), len);
			free(name);
		}
	}
}

/* In a process that may not take long: whether the name was done with. */
static void assert_bounded(const char *raw)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		const struct rlimit seconds = {2, 2};
		setrlimit(RLIMIT_CPU, &seconds);
		free(snap_demangle(raw));
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_demangle_deeply_nested(void **state)
{
	(void)state;
	/* A pointer to a pointer to ...; a scope in a scope; a template in a template: as long as
	 * we look at, and longer. */
	static const size_t sizes[] = {16000, 4 << 20};
	char *raw = malloc(sizes[1]);
	assert_non_null(raw);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		size_t size = sizes[i], len = 3;
		raw[size - 1] = '\0';
		memset(raw, 'P', size - 1);
		memcpy(raw, "_Z1f", 4);
		raw[size - 2] = 'i';
		assert_bounded(raw);
		for (memcpy(raw, "_ZN", 3); len + 3 < size; len += 3)
			memcpy(raw + len, "1aI", 3);
		raw[len] = '\0';
		assert_bounded(raw);
		memset(raw, 'Z', size - 1);
		raw[0] = '_';
		assert_bounded(raw);
		memset(raw, 'N', size - 1);
		memcpy(raw, "_R", 2);
		assert_bounded(raw);
	}
	free(raw);
}

static void test_demangle_name_that_doubles_with_each_parameter(void **state)
{
	(void)state;
	/* f(A<int, int>, A<A<int, int>, A<int, int>>, ...): some 400 bytes, 2^40 of them shown. */
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char raw[1024];
	size_t len = (size_t)sprintf(raw, "_Z1f1AIiiE");
	for (size_t i = 0; i < ARRAY_LEN(digits) - 1; i++)
		len += (size_t)sprintf(raw + len, "S_IS%c_S%c_E", digits[i], digits[i]);
	assert_bounded(raw);
}

static void test_demangle_rust_name_that_doubles_with_each_parameter(void **state)
{
	(void)state;
	/* f::<((), ()), (T, T), ...>, each T (v0's "B", a back reference) the tuple before. */
	char raw[1024];
	size_t len = (size_t)sprintf(raw, "_RINvC1c1f"), before = len;
	len += (size_t)sprintf(raw + len, "TuuE");
	for (size_t i = 0; i < 40; i++) {
		static const char digits[] =
			"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
		char reference[8];
		size_t n = before - 2 - 1; /* from behind "_R", and "B0_" is 1 */
		if (n >= 62)
			(void)snprintf(reference, sizeof(reference), "B%c%c_", digits[n / 62],
				digits[n % 62]);
		else
			(void)snprintf(reference, sizeof(reference), "B%c_", digits[n]);
		before = len;
		len += (size_t)sprintf(raw + len, "T%s%sE", reference, reference);
	}
	strcpy(raw + len, "E");
	assert_bounded(raw);
}

static void test_demangle_damaged_names(void **state)
{
	(void)state;
	static const char *const names[] = {
		"_ZNK2ns1A1mEi.constprop.0.isra.1",
		"_ZZZ3lamiENKUliE_clEiENKUlcE_clEc",
		(LONG_NAME),
		"_RNvMs_NtCs1234_7mycrate3modINtB4_3FooNtB4_3BarE3baz",
		"_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE",
	};
	srandom(14);
	for (int round = 0; round < 50000; round++) {
		const char *name = names[(size_t)random() % ARRAY_LEN(names)];
		/* Of its exact size, so that a sanitizer sees a byte too far. */
		size_t len = strlen(name);
		char *raw = malloc(len + 1);
		assert_non_null(raw);
		strcpy(raw, name);
		if (random() % 4 == 0)
			raw[(size_t)random() % len] = '\0';
		for (long i = random() % 4; i > 0; i--)
			raw[(size_t)random() % len] = "_ZNKISTE0123456789()[] .\xff"[random() % 25];
		free(snap_demangle(raw));
		free(raw);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_demangle_what_is_not_mangled),
		cmocka_unit_test(test_demangle_fortran),
		cmocka_unit_test(test_demangle_functions_without_their_parameters),
		cmocka_unit_test(test_demangle_member_function_qualifiers),
		cmocka_unit_test(test_demangle_operators),
		cmocka_unit_test(test_demangle_conversion_operators),
		cmocka_unit_test(test_demangle_names_that_end_in_operator),
		cmocka_unit_test(test_demangle_templates),
		cmocka_unit_test(test_demangle_functions_that_return_function_pointers),
		cmocka_unit_test(test_demangle_lambdas),
		cmocka_unit_test(test_demangle_clones_keep_their_mark),
		cmocka_unit_test(test_demangle_rust_legacy),
		cmocka_unit_test(test_demangle_rust_v0),
		cmocka_unit_test(test_demangle_over_long),
		cmocka_unit_test(test_demangle_deeply_nested),
		cmocka_unit_test(test_demangle_name_that_doubles_with_each_parameter),
		cmocka_unit_test(test_demangle_rust_name_that_doubles_with_each_parameter),
		cmocka_unit_test(test_demangle_damaged_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
