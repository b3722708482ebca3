/* analyze/tokens/detokenise, nested, candidates, fields, apply: what fields and logs say. */
#include "analyze/tokens/detokenise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/tokens/apply.h"
#include "analyze/tokens/base64.h"
#include "analyze/tokens/database_csv.h"
#include "analyze/tokens/fields.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
/* A literal with its length, for it may hold NULs. */
#define BYTES(literal) snap_bytes(literal, sizeof(literal) - 1)

static struct snap_error err;

/* Pigweed's hash of a whole string: what its compiler-time functions and tools compute. */
static uint32_t hash(const char *s)
{
	uint32_t value = (uint32_t)strlen(s), coefficient = 65599;
	for (; *s; s++, coefficient *= 65599)
		value += coefficient * (uint8_t)*s;
	return value;
}

static const char database[] = /* some of Pigweed's own examples */
	"141c35d5,          ,\"The answer: \"\"%s\"\"\"\n"
	"2e668cd6,2019-12-25,\"Jello, world!\"\n"
	"7b940e2a,          ,\"Hello %s! %hd %e\"\n"
	"851beeb6,          ,\"%u %d\"\n"
	"881436a0,          ,\"The answer is: %s\"\n"
	"e13b0f94,          ,\"%llu\"\n"
	/* Several strings each. */
	"0000baad,          ,\"%s\"\n"
	"0000baad,          ,\"%d %u\"\n"
	"0000baad,          ,\"%u\"\n"
	"00c0ffee,          ,\"now %d\"\n"
	"00c0ffee,2020-02-02,\"then %d\"\n"
	"00c0ffee,2024-02-02,\"later %s\"\n"
	"00000030,,\"a %d %d\"\n"
	"00000030,,\"b %d\"\n"
	"00000031,,\"a %d %d %d\"\n"
	"00000031,,\"b %d\"\n"
	"00000033,,\"present %d\"\n"
	"00000033,2020-01-01,\"removed\"\n"
	"00000032,,x,\"same %d\"\n"
	"00000032,2020-01-01,y,\"same %d\"\n"
	"00000032,2021-01-01,y,\"another %d\"\n"
	/* Nested. */
	"00000001,,\"one\"\n"
	"00000002,,\"two and $AQAAAA==\"\n"
	"00000003,,\"three and $AgAAAA==\"\n"
	"00000004,,\"[%s]\"\n"
	"0000000a,,\"$CgAAAA== $CgAAAA==\"\n"
	/* Domains. */
	"00000020,,dom,\"of a domain\"\n"
	"00000020,,other,\"of another\"\n"
	"00000021,,,\"of the default one\"\n"
	"00abcdef,,dom,\"small, of a domain\"\n"
	"74636574,,\"%d bottles\"\n" /* "tect" */;

static struct snap_tokens *tokens;
static struct snap_arena arena;
static struct snap_detokenised result;

static int setup(void **state)
{
	(void)state;
	err = (struct snap_error)SNAP_ERROR_INIT;
	tokens = snap_tokens_create(NULL);
	assert_non_null(tokens);
	assert_int_equal(
		snap_tokens_add_csv(tokens, snap_bytes_str(database), "database", &err), 0);
	snap_tokens_finish(tokens);
	snap_arena_init(&arena, SIZE_MAX);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	snap_arena_deinit(&arena);
	snap_tokens_destroy(tokens);
	return 0;
}

static const char *detokenise_by(
	const struct snap_tokens *by, bool only_known, struct snap_bytes field)
{
	struct snap_detokeniser *detokeniser = snap_detokeniser_create(by, 32, only_known);
	uint8_t *copy = malloc(field.len ? field.len : 1);
	assert_non_null(detokeniser);
	assert_non_null(copy);
	if (field.len > 0)
		memcpy(copy, field.data, field.len);
	assert_int_equal(snap_detokenise(detokeniser, snap_bytes(copy, field.len), &arena, &result,
				 &err),
		0);
	char *text = snap_arena_copy(&arena, result.text);
	assert_non_null(text);
	free(copy);
	snap_detokeniser_destroy(detokeniser);
	return text;
}

static const char *detokenise(struct snap_bytes field)
{
	return detokenise_by(tokens, false, field);
}

static void assert_kind(enum snap_token_kind kind)
{
	assert_int_equal(result.kind, kind);
}

/* ---------------------------------------------------------------- one token */

static void test_tokens_hash_is_pigweeds(void **state)
{
	(void)state;
	assert_int_equal(hash("The answer: \"%s\""), 0x141c35d5);
	assert_int_equal(hash("Jello, world!"), 0x2e668cd6);
	assert_int_equal(hash("Hello %s! %hd %e"), 0x7b940e2a);
	assert_int_equal(hash("%llu"), 0xe13b0f94);
}

/* The message of Pigweed's design document, and others. */
static void test_tokens_binary(void **state)
{
	(void)state;
	assert_string_equal(detokenise(BYTES("\xd5\x35\x1c\x14\x05The A")), "The answer: \"The A\"");
	assert_kind(SNAP_TOKEN_WHOLE);
	assert_true(result.has_token);
	assert_int_equal(result.token, 0x141c35d5);
	assert_false(result.is_ambiguous);
	assert_int_equal(result.num_errors + result.num_left_over, 0);
	assert_string_equal(detokenise(BYTES("\x2a\x0e\x94\x7b\x05World\x05\x00\x00\x80\x3f")),
		"Hello World! -3 1.000000e+00");
	assert_string_equal(detokenise(BYTES("\xd6\x8c\x66\x2e")), "Jello, world!");
	assert_string_equal(detokenise(BYTES("\xb6\xee\x1b\x85\x01\x01")), "4294967295 -1");
	assert_string_equal(detokenise(BYTES("\x94\x0f\x3b\xe1"
					     "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")),
		"9223372036854775808");
}

static void test_tokens_binary_faults(void **state)
{
	(void)state;
	assert_string_equal(detokenise(BYTES("\xb6\xee\x1b\x85\x01")), "4294967295 <[%d MISSING]>");
	assert_kind(SNAP_TOKEN_WHOLE);
	assert_int_equal(result.num_errors, 1);
	assert_string_equal(detokenise(BYTES("\xb6\xee\x1b\x85\x01\x01\x02\x03")), "4294967295 -1");
	assert_int_equal(result.num_errors, 0);
	assert_int_equal(result.num_left_over, 2);
	assert_string_equal(detokenise(BYTES("\xd5\x35\x1c\x14\x85The A")),
		"The answer: \"The A[...]\"");
	assert_int_equal(result.num_errors, 0);
}

static void test_tokens_unknown(void **state)
{
	(void)state;
	assert_string_equal(detokenise(BYTES("\x01\x02\x03\x04\x05")), "$AQIDBAU=");
	assert_kind(SNAP_TOKEN_UNKNOWN);
	assert_true(result.has_token);
	assert_int_equal(result.token, 0x04030201);
	/* Too short for a token. */
	assert_string_equal(detokenise(BYTES("\xff")), "$/w==");
	assert_kind(SNAP_TOKEN_UNKNOWN);
	assert_false(result.has_token);
	assert_string_equal(detokenise(BYTES("\x01\x00\x00")), "$AQAA");
	/* Without a database, too. */
	assert_string_equal(
		detokenise_by(NULL, false, BYTES("\xb6\xee\x1b\x85")), "$tu4bhQ==");
	assert_kind(SNAP_TOKEN_UNKNOWN);
	/* In base64 that stands for a token, which nobody knows, the text is as it was. */
	assert_string_equal(detokenise(BYTES("$AQIDBAU=")), "$AQIDBAU=");
	assert_kind(SNAP_TOKEN_UNKNOWN);
	assert_int_equal(result.token, 0x04030201);
}

/* ---------------------------------------------------------------- plain text */

static void test_tokens_plain_text(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "a", "main", "Main Stack (Handler Mode)", "gr\xc3\xbc\xc3\x9f",
		"tabs\tand\nlines\r\n", "$", "$$$", "costs $5", "$HOME", "$12 of $20", "$#", "$10#",
		"${", "${}", "${dom}", "$x==", "$#123", "a $#0000000g b", "$64#", "100%"};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_string_equal(detokenise(snap_bytes_str(texts[i])), texts[i]);
		assert_kind(SNAP_TOKEN_NONE);
		assert_string_equal(detokenise_by(NULL, false, snap_bytes_str(texts[i])), texts[i]);
		assert_kind(SNAP_TOKEN_NONE);
	}
	/* A text that happens to begin with a token is one, unless all of it is right. */
	assert_string_equal(detokenise(BYTES("tectonic")), "tectonic");
	assert_kind(SNAP_TOKEN_NONE);
	assert_string_equal(detokenise(BYTES("tect\x02")), "1 bottles");
	assert_string_equal(detokenise(BYTES("tect\x80")), "<[%d ERROR]> bottles");
}

/* Of a program that may not know tokens, nothing is touched that is none. */
static void test_tokens_only_known(void **state)
{
	(void)state;
	static const char *const texts[] = {"$AQIDBAU=", "invalid \xff bytes", "\x01\x02\x03\x04\x05",
		"\x1b[31mred", "$5.00"};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_string_equal(detokenise_by(tokens, true, snap_bytes_str(texts[i])), texts[i]);
		assert_kind(SNAP_TOKEN_NONE);
	}
	assert_string_equal(detokenise_by(tokens, true, BYTES("\xd6\x8c\x66\x2e")), "Jello, world!");
	assert_string_equal(detokenise_by(tokens, true, BYTES("$1oxmLg==")), "Jello, world!");
}

/* ---------------------------------------------------------------- several strings */

static void test_tokens_candidates(void **state)
{
	(void)state;
	/* One argument that is a number, and no string's length. */
	assert_string_equal(detokenise(BYTES("\xad\xba\0\0\x0a")), "5");
	assert_false(result.is_ambiguous);
	assert_int_equal(result.num_others, 0);
	assert_string_equal(detokenise(BYTES("\xad\xba\0\0\x02hi")), "hi");
	assert_false(result.is_ambiguous);
	/* "\x01" and a byte: a string of one byte, two numbers. */
	assert_string_equal(detokenise(BYTES("\xad\xba\0\0\x01\x42")), "-1 33");
	assert_false(result.is_ambiguous); /* the more arguments */
	/* An empty string, or 0. */
	assert_string_equal(detokenise(BYTES("\xad\xba\0\0\0")), "");
	assert_true(result.is_ambiguous);
	assert_int_equal(result.num_others, 1);
	assert_int_equal(result.others[0].len, 1);
	assert_memory_equal(result.others[0].data, "0", 1);
	/* That one was removed is a hint, no proof. */
	assert_string_equal(detokenise(BYTES("\xee\xff\xc0\0\x0a")), "now 5");
	assert_true(result.is_ambiguous);
	assert_int_equal(result.num_others, 1);
	assert_memory_equal(result.others[0].data, "then 5", 6);
	/* Better one that was removed than one that goes wrong. */
	assert_string_equal(detokenise(BYTES("\xee\xff\xc0\0\x02hi")), "later hi");
	assert_false(result.is_ambiguous);
	/* All go wrong: nothing left over, the fewest errors, the present one. */
	assert_string_equal(detokenise(BYTES("\xee\xff\xc0\0")), "now <[%d MISSING]>");
	assert_true(result.is_ambiguous);
}

/* Of those that go wrong. */
static void test_tokens_candidates_that_are_wrong(void **state)
{
	(void)state;
	assert_string_equal(detokenise(BYTES("\x30\0\0\0")), "b <[%d MISSING]>");
	assert_false(result.is_ambiguous);
	assert_string_equal(detokenise(BYTES("\x31\0\0\0\2\4")), "a 1 2 <[%d MISSING]>");
	assert_false(result.is_ambiguous);
	/* The same string is one, in whatever domain, and present if it is in one. */
	assert_string_equal(detokenise(BYTES("\x32\0\0\0\2")), "same 1");
	assert_int_equal(result.num_others, 1);
	assert_memory_equal(result.others[0].data, "another 1", 9);
}

/* A database behind another. */
static void test_tokens_next(void **state)
{
	(void)state;
	struct snap_tokens *first = snap_tokens_create(tokens);
	assert_non_null(first);
	assert_int_equal(snap_tokens_add_csv(first,
				 BYTES("2e668cd6,,\"Jello, world!\"\n55,,\"first\"\n"
				       "00000001,,eins\n0000baad,,%s %s\n"),
				 "first", &err),
		0);
	snap_tokens_finish(first);
	assert_string_equal(detokenise_by(first, false, BYTES("\x55\0\0\0")), "first");
	assert_string_equal(detokenise_by(first, false, BYTES("\xd6\x8c\x66\x2e")), "Jello, world!");
	assert_false(result.is_ambiguous);
	assert_string_equal(detokenise_by(first, false, BYTES("\xd5\x35\x1c\x14\0")), "The answer: \"\"");
	/* What it has counts before; but not if it is wrong. */
	assert_string_equal(detokenise_by(first, false, BYTES("\x01\0\0\0")), "eins");
	assert_false(result.is_ambiguous);
	assert_string_equal(detokenise_by(first, false, BYTES("\xad\xba\0\0\1x\1y")), "x y");
	assert_string_equal(detokenise_by(first, false, BYTES("\xad\xba\0\0\2hi")), "hi");
	snap_tokens_destroy(first);
}

/* ---------------------------------------------------------------- nested */

static void test_tokens_nested(void **state)
{
	(void)state;
	static const struct {
		const char *text, *expected;
		enum snap_token_kind kind;
	} cases[] = {
		{"$1oxmLg==", "Jello, world!", SNAP_TOKEN_WHOLE},
		{"$1TUcFAVUaGUgQQ==", "The answer: \"The A\"", SNAP_TOKEN_WHOLE},
		{"say: $1oxmLg== and $1oxmLg==!", "say: Jello, world! and Jello, world!!",
			SNAP_TOKEN_NESTED},
		{"$64#1oxmLg==.", "Jello, world!.", SNAP_TOKEN_NESTED},
		{"$#2e668cd6", "Jello, world!", SNAP_TOKEN_NESTED},
		{"$16#2E668CD6", "Jello, world!", SNAP_TOKEN_NESTED},
		{"$10#0778472662", "Jello, world!", SNAP_TOKEN_NESTED},
		{"$8#05631506326", "Jello, world!", SNAP_TOKEN_NESTED},
		{"$10#9999999999", "$10#9999999999", SNAP_TOKEN_NONE},
		{"$10#4294967297", "$10#4294967297", SNAP_TOKEN_NONE}, /* 2^32 + 1 */
		{"$#00000033", "present %d", SNAP_TOKEN_NESTED},
		{"$10#077847266", "$10#077847266", SNAP_TOKEN_NONE},
		{"$7#05631506326", "$7#05631506326", SNAP_TOKEN_NONE},
		/* A number has no arguments. */
		{"$#141c35d5", "The answer: \"%s\"", SNAP_TOKEN_NESTED},
		/* In turn. */
		{"$AwAAAA==", "three and two and one", SNAP_TOKEN_WHOLE},
		{"<$AwAAAA==>", "<three and two and one>", SNAP_TOKEN_NESTED},
		/* An argument that is a token. */
		{"$BAAAAAkkQVFBQUFBPT0=", "[one]", SNAP_TOKEN_WHOLE},
		/* Fewer than four bytes are a small token. */
		{"$AQ== $AQA= $AQAA", "one one one", SNAP_TOKEN_NESTED},
		/* Domains. */
		{"${dom}#00000020", "of a domain", SNAP_TOKEN_NESTED},
		{"${ d om }#00000020", "of a domain", SNAP_TOKEN_NESTED},
		{"${other}IAAAAA==", "of another", SNAP_TOKEN_NESTED},
		{"${none}#00000020", "${none}#00000020", SNAP_TOKEN_NONE},
		{"${1dom}#00000020", "${1dom}#00000020", SNAP_TOKEN_NONE},
		{"${}#00000021", "of the default one", SNAP_TOKEN_NESTED},
		{"$#00000021", "of the default one", SNAP_TOKEN_NESTED},
		{"${dom}#00000021", "${dom}#00000021", SNAP_TOKEN_NONE},
		/* A database without domains has what it has in all. */
		{"${dom}#2e668cd6", "Jello, world!", SNAP_TOKEN_NESTED},
		/* Without one, whole tokens may be of any. */
		{"a $#00abcdef", "a small, of a domain", SNAP_TOKEN_NESTED},
		{"a $782rAA==", "a small, of a domain", SNAP_TOKEN_NESTED},
		{"a $782r", "a $782r", SNAP_TOKEN_NONE},
		/* The alphabet of URLs. */
		{"x$7v_AAAo=", "xnow 5", SNAP_TOKEN_NESTED},
		{"x$7v/AAAo=", "xnow 5", SNAP_TOKEN_NESTED},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_string_equal(
			detokenise(snap_bytes_str(cases[i].text)), cases[i].expected);
		assert_kind(cases[i].kind);
	}
	assert_string_equal(detokenise(BYTES("$#00000020")), "of a domain");
	assert_true(result.is_ambiguous);
	assert_string_equal(detokenise(BYTES("a $rboAAAA= b")), "a  b");
	assert_true(result.is_ambiguous);
	/* A domain that is longer than any. */
	char text[5000] = "${";
	memset(text + 2, 'd', sizeof(text) - 20);
	strcat(text, "}#00000020");
	assert_string_equal(detokenise(snap_bytes_str(text)), text);
	assert_kind(SNAP_TOKEN_NONE);
	assert_string_equal(detokenise(BYTES("a $tu4bhQEBAg== b")), "a 4294967295 -1 b");
	assert_int_equal(result.num_left_over, 1);
	assert_string_equal(detokenise(BYTES("a $tu4bhQE= b")), "a 4294967295 <[%d MISSING]> b");
	assert_int_equal(result.num_errors, 1);
}

/* A token that holds itself, twice: no deeper and no longer than is said. */
static void test_tokens_nested_in_itself(void **state)
{
	(void)state;
	(void)detokenise(BYTES("\x0a\0\0\0"));
	assert_kind(SNAP_TOKEN_WHOLE);
	assert_int_equal(result.text.len, ((1 << (SNAP_TOKENS_MAX_PASSES + 1)) * 10) - 1);
	assert_false(result.is_cut);

	struct snap_tokens *bomb = snap_tokens_create(NULL);
	assert_non_null(bomb);
	char string[4096] = "1,,\"\xc3\xa4";
	for (int i = 0; i < 300; i++)
		strcat(string, "$#00000001");
	strcat(string, "\"\n");
	assert_int_equal(snap_tokens_add_csv(bomb, snap_bytes_str(string), "bomb", &err), 0);
	snap_tokens_finish(bomb);
	(void)detokenise_by(bomb, false, BYTES("\x01\0\0\0"));
	assert_true(result.is_cut);
	assert_true(result.text.len <= SNAP_TOKENS_MAX_TEXT + 5);
	assert_true(result.text.len > SNAP_TOKENS_MAX_TEXT);
	assert_memory_equal(result.text.data + result.text.len - 5, "[...]", 5);
	snap_tokens_destroy(bomb);
}

/* Many long strings of one token, asked for again and again: at some time it is enough. */
static void test_tokens_work_is_bounded(void **state)
{
	(void)state;
	enum { NUM = 2000, LEN = 4000 };
	struct snap_tokens *many = snap_tokens_create(NULL);
	assert_non_null(many);
	for (int i = 0; i < NUM; i++) {
		uint8_t *string = snap_tokens_alloc(many, LEN, &err);
		assert_non_null(string);
		memset(string, '%', LEN);
		(void)snprintf((char *)string, LEN, "%05d", i);
		string[5] = 'x';
		const struct snap_token_entry entry = {
			.token = 1, .removed = SNAP_TOKEN_PRESENT, .string = snap_bytes(string, LEN)};
		assert_int_equal(snap_tokens_add(many, &entry, &err), 0);
	}
	snap_tokens_finish(many);
	struct snap_detokeniser *d = snap_detokeniser_create(many, 32, false);
	assert_non_null(d);
	int i = 0;
	do {
		assert_int_equal(
			snap_detokenise(d, BYTES("\x01\0\0\0"), &arena, &result, &err), 0);
	} while (!result.is_left && ++i < 100000);
	assert_true(result.is_left);
	assert_kind(SNAP_TOKEN_NONE);
	assert_true(i > 100 && i < 20000);
	assert_true(arena.total < 2 * (size_t)SNAP_TOKENS_MAX_KEPT);
	snap_detokeniser_destroy(d);
	snap_tokens_destroy(many);
}

/* ---------------------------------------------------------------- base64 */

static void test_tokens_base64(void **state)
{
	(void)state;
	for (size_t len = 0; len < 70; len++) {
		uint8_t bytes[70], back[70];
		char text[100];
		for (size_t i = 0; i < len; i++)
			bytes[i] = (uint8_t)(i * 37 + len);
		size_t text_len = snap_base64_encoded_len(len);
		snap_base64_encode(snap_bytes(bytes, len), text);
		text[text_len] = '!';
		assert_int_equal(snap_base64_span(snap_bytes(text, text_len + 1)), text_len);
		assert_int_equal(snap_base64_decoded_len(snap_bytes(text, text_len)), len);
		snap_base64_decode(snap_bytes(text, text_len), back);
		assert_memory_equal(back, bytes, len);
	}
	assert_int_equal(snap_base64_span(BYTES("")), 0);
	assert_int_equal(snap_base64_span(BYTES("abc")), 0);
	assert_int_equal(snap_base64_span(BYTES("abcde")), 4);
	assert_int_equal(snap_base64_span(BYTES("ab==cdef")), 4);
	assert_int_equal(snap_base64_span(BYTES("a===")), 0);
	assert_int_equal(snap_base64_span(BYTES("====")), 0);
	assert_int_equal(snap_base64_span(BYTES("ab=c")), 0);
	assert_int_equal(snap_base64_span(BYTES("abc d")), 0);
}

/* ---------------------------------------------------------------- fields of pw_log_tokenized */

static void test_tokens_fields(void **state)
{
	(void)state;
	const struct snap_bytes text = BYTES("\xe2\x96\xa0msg\xe2\x99\xa6It is \xe2\x96\xa0 5\xe2\x99\xa6"
					     "\xe2\x96\xa0m_2\xe2\x99\xa6\xe2\x96\xa0x\xe2\x99\xa6last\xe2\x96");
	struct snap_bytes key, value;
	size_t off = 0;
	assert_true(snap_log_field_next(text, &off, &key, &value));
	assert_true(snap_bytes_equal_str(key, "msg"));
	assert_true(snap_bytes_equal_str(value, "It is \xe2\x96\xa0 5\xe2\x99\xa6"));
	assert_true(snap_log_field_next(text, &off, &key, &value));
	assert_true(snap_bytes_equal_str(key, "m_2"));
	assert_int_equal(value.len, 0);
	assert_true(snap_log_field_next(text, &off, &key, &value));
	assert_true(snap_bytes_equal_str(key, "x"));
	assert_true(snap_bytes_equal_str(value, "last\xe2\x96"));
	assert_false(snap_log_field_next(text, &off, &key, &value));
	static const char *const none[] = {"", "msg", "\xe2\x96\xa0", "\xe2\x96\xa0msg", "\xe2\x96\xa0\xe2\x99\xa6x",
		"\xe2\x96\xa0\x31\xe2\x99\xa6x", " \xe2\x96\xa0msg\xe2\x99\xa6x"};
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		off = 0;
		assert_false(snap_log_field_next(snap_bytes_str(none[i]), &off, &key, &value));
		assert_int_equal(off, 0);
	}
}

/* ---------------------------------------------------------------- the stage */

static struct snap_crash crash;

/* Of a device. */
static void begin_crash(struct snap_log *logs, size_t num)
{
	snap_crash_init(&crash, "file");
	crash.metadata.has_cpu_arch = true;
	crash.metadata.cpu_arch = 2;
	crash.device.is_device = true;
	crash.logs = logs;
	crash.num_logs = num;
}

static void assert_bytes(struct snap_bytes bytes, const char *expected)
{
	char *text = snap_arena_copy(&arena, bytes);
	assert_non_null(text);
	assert_string_equal(text, expected);
}

static void assert_ticks(size_t index, bool is_known, int64_t expected)
{
	int64_t ticks = 77;
	assert_int_equal(snap_log_ticks(&crash, index, &ticks), is_known);
	assert_int_equal(ticks, is_known ? expected : 77);
}

static void test_tokens_stage_times(void **state)
{
	(void)state;
	struct snap_log logs[] = {
		{.message = BYTES("a"), .has_time_since_last = true, .time_since_last = 5},
		{.message = BYTES("b"), .has_timestamp = true, .timestamp = 100},
		{.message = BYTES("c"), .has_time_since_last = true, .time_since_last = 5},
		{.has_dropped = true, .dropped = 3},
		{.message = BYTES("d"), .has_time_since_last = true, .time_since_last = -2},
		{.message = BYTES("e")},
		{.message = BYTES("f"), .has_time_since_last = true, .time_since_last = 1},
		{.message = BYTES("g"), .has_timestamp = true, .timestamp = INT64_MAX},
		{.message = BYTES("h"), .has_time_since_last = true, .time_since_last = 1},
		{.message = BYTES("i"), .has_time_since_last = true, .time_since_last = 1},
	};
	/* Of ours, too. */
	for (int is_ours = 0; is_ours < 2; is_ours++) {
		begin_crash(logs, ARRAY_LEN(logs));
		crash.header.format_version = is_ours ? 1 : 0;
		crash.device.is_device = crash.metadata.has_cpu_arch = !is_ours;
		assert_int_equal(snap_detokenise_crash(&crash, NULL, &err), 0);
		assert_ticks(0, false, 0);
		assert_ticks(1, true, 100);
		assert_ticks(2, true, 105);
		assert_ticks(3, false, 0);
		assert_ticks(4, true, 103);
		assert_ticks(5, false, 0);
		assert_ticks(6, false, 0);
		assert_ticks(7, true, INT64_MAX);
		assert_ticks(8, false, 0);
		assert_ticks(9, false, 0);
		snap_crash_deinit(&crash);
	}
}

#define KEY(key) "\xe2\x96\xa0" key "\xe2\x99\xa6"

static void test_tokens_stage_logs(void **state)
{
	(void)state;
	struct snap_log logs[] = {
		{.message = BYTES("\xd6\x8c\x66\x2e"), .module = BYTES("\x01\0\0\0"),
			.file = BYTES("$AQAAAA=="), .thread = BYTES("\x99\x99\x99\x99")},
		{.message = BYTES(KEY("msg") "hi" KEY("module") "MOD" KEY("file") "f.cc" KEY("x") "1"),
			.module = BYTES("\xaa\xaa\0\0")},
		{.message = BYTES(KEY("msg") "hi" KEY("module") "MOD" KEY("file") "f.cc"),
			.module = BYTES("own"), .file = BYTES("own.cc")},
		{.message = BYTES("plain")},
	};
	begin_crash(logs, ARRAY_LEN(logs));
	assert_int_equal(snap_detokenise_crash(&crash, tokens, &err), 0);
	assert_bytes(logs[0].message, "Jello, world!");
	assert_bytes(logs[0].module, "one");
	assert_bytes(logs[0].file, "one");
	assert_bytes(logs[0].thread, "$mZmZmQ==");
	assert_int_equal(crash.log_facts[0].message.kind, SNAP_TOKEN_WHOLE);
	assert_bytes(crash.log_facts[0].raw, "\xd6\x8c\x66\x2e");
	assert_bytes(logs[1].message, "hi");
	assert_bytes(logs[1].module, "MOD");
	assert_bytes(logs[1].file, "f.cc");
	assert_int_equal(crash.log_facts[1].num_fields, 1);
	assert_bytes(crash.log_facts[1].fields[0].key, "x");
	assert_bytes(crash.log_facts[1].fields[0].value, "1");
	/* The entry's own count. */
	assert_bytes(logs[2].module, "own");
	assert_bytes(logs[2].file, "own.cc");
	assert_int_equal(crash.log_facts[2].num_fields, 2);
	assert_bytes(logs[3].message, "plain");
	assert_null(crash.log_facts[3].raw.data);
	/* Only the thread's token is not known; the module has a name. */
	assert_int_equal(crash.num_notes, 1);
	assert_bytes(crash.notes[0],
		"1 text is of no token that is known: shown as base64: 0x99999999");
	snap_crash_deinit(&crash);
}

static void test_tokens_stage_names(void **state)
{
	(void)state;
	struct snap_crash_thread threads[] = {
		{.record.name = BYTES("\x03\0\0\0")}, {.record.name = BYTES("idle")}, {.crashed = true}};
	begin_crash(NULL, 0);
	crash.threads = threads;
	crash.num_threads = ARRAY_LEN(threads);
	crash.metadata.reason = BYTES("\x04\0\0\0\x03why");
	crash.metadata.project_name = BYTES("$AQAAAA==");
	crash.metadata.device_name = BYTES("board");
	assert_int_equal(snap_detokenise_crash(&crash, tokens, &err), 0);
	assert_bytes(crash.metadata.reason, "[why]");
	assert_bytes(crash.metadata.project_name, "one");
	assert_bytes(crash.metadata.device_name, "board");
	assert_bytes(threads[0].record.name, "three and two and one");
	assert_bytes(threads[1].record.name, "idle");
	assert_null(threads[2].record.name.data);
	assert_int_equal(crash.num_notes, 0);
	snap_crash_deinit(&crash);
}

/* On RV64 a long has 64 bits. */
static void test_tokens_stage_word(void **state)
{
	(void)state;
	struct snap_tokens *longs = snap_tokens_create(NULL);
	assert_non_null(longs);
	assert_int_equal(snap_tokens_add_csv(longs, BYTES("1,,%lx\n"), "longs", &err), 0);
	snap_tokens_finish(longs);
	for (uint32_t arch = 1; arch <= 8; arch++) {
		struct snap_log log = {.message = BYTES("\x01\0\0\0\x01")};
		begin_crash(&log, 1);
		crash.metadata.cpu_arch = arch;
		assert_int_equal(snap_detokenise_crash(&crash, longs, &err), 0);
		assert_bytes(log.message, arch >= 6 ? "ffffffffffffffff" : "ffffffff");
		snap_crash_deinit(&crash);
	}
	snap_tokens_destroy(longs);
}

/* A Linux process's own words stay; known tokens in its log do not, if there is a database. */
static void test_tokens_stage_linux(void **state)
{
	(void)state;
	for (int how = 0; how < 8; how++) {
		const struct snap_tokens *by = how & 1 ? tokens : NULL;
		struct snap_log logs[] = {{.message = BYTES("$1oxmLg==")}, {.message = BYTES("\xff\x01\x02\x03")},
			{.message = BYTES(KEY("msg") "x")}};
		struct snap_crash_thread thread = {.record.name = BYTES("$1oxmLg==")};
		begin_crash(logs, ARRAY_LEN(logs));
		crash.metadata.has_cpu_arch = how & 2;
		crash.metadata.cpu_arch = 0;
		crash.device.is_device = false;
		/* By its header, or by its process. */
		crash.header.format_version = how & 4 ? 1 : 0;
		crash.process.has_pid = !(how & 4);
		crash.threads = &thread;
		crash.num_threads = 1;
		crash.metadata.reason = BYTES("$1oxmLg==");
		assert_int_equal(snap_detokenise_crash(&crash, by, &err), 0);
		assert_bytes(crash.metadata.reason, "$1oxmLg==");
		assert_bytes(thread.record.name, "$1oxmLg==");
		assert_bytes(logs[0].message, by ? "Jello, world!" : "$1oxmLg==");
		assert_bytes(logs[1].message, "\xff\x01\x02\x03");
		assert_bytes(logs[2].message, KEY("msg") "x");
		assert_int_equal(crash.num_notes, 0);
		snap_crash_deinit(&crash);
	}
}

static void test_tokens_stage_notes(void **state)
{
	(void)state;
	struct snap_log logs[12];
	uint8_t unknown[12][4];
	for (uint8_t i = 0; i < 12; i++) {
		memcpy(unknown[i], (uint8_t[]){(uint8_t)(i % 10), 0xee, 0xee, 0xee}, 4);
		logs[i] = (struct snap_log){.message = snap_bytes(unknown[i], 4)};
	}
	begin_crash(logs, ARRAY_LEN(logs));
	assert_int_equal(snap_detokenise_crash(&crash, tokens, &err), 0);
	assert_int_equal(crash.num_notes, 1);
	assert_bytes(crash.notes[0],
		"12 texts are of no token that is known: shown as base64: 0xeeeeee00, 0xeeeeee01, "
		"0xeeeeee02, 0xeeeeee03, 0xeeeeee04, 0xeeeeee05, 0xeeeeee06, 0xeeeeee07, ...");
	snap_crash_deinit(&crash);

	struct snap_log two[] = {{.message = BYTES("\xee\xff\xc0\0\x0a")},
		{.message = BYTES("\xb6\xee\x1b\x85\x01")}};
	begin_crash(two, ARRAY_LEN(two));
	assert_int_equal(snap_detokenise_crash(&crash, tokens, &err), 0);
	assert_int_equal(crash.num_notes, 2);
	assert_bytes(crash.notes[0],
		"1 text can mean something else: a token has several strings that fit");
	assert_bytes(crash.notes[1], "1 text can't be put together wholly: arguments of tokens are "
				     "missing, broken or too many");
	snap_crash_deinit(&crash);

	struct snap_log one = {.message = BYTES("\xb6\xee\x1b\x85")};
	begin_crash(&one, 1);
	assert_int_equal(snap_detokenise_crash(&crash, NULL, &err), 0);
	assert_int_equal(crash.num_notes, 1);
	assert_bytes(crash.notes[0],
		"1 text is tokenised, shown as base64 without a database (--tokens): 0x851beeb6");
	snap_crash_deinit(&crash);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_tokens_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hash_is_pigweeds),
		TEST(binary),
		TEST(binary_faults),
		TEST(unknown),
		TEST(plain_text),
		TEST(only_known),
		TEST(candidates),
		TEST(candidates_that_are_wrong),
		TEST(next),
		TEST(nested),
		TEST(nested_in_itself),
		TEST(work_is_bounded),
		TEST(base64),
		TEST(fields),
		TEST(stage_times),
		TEST(stage_logs),
		TEST(stage_names),
		TEST(stage_word),
		TEST(stage_linux),
		TEST(stage_notes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
