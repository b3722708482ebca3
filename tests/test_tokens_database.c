/* analyze/tokens/database*: each form of database, what is wrong with one, directories of them, and
 * which strings a token has. */
#include "analyze/tokens/database.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/crash.h"
#include "analyze/file_open.h"
#include "analyze/symbols/object.h"
#include "analyze/tokens/apply.h"
#include "analyze/tokens/database_binary.h"
#include "analyze/tokens/database_csv.h"
#include "analyze/tokens/database_elf.h"
#include "analyze/tokens/database_file.h"
#include "tests/lib/temp_tree.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
/* A literal with its length, for it may hold NULs. */
#define BYTES(literal) snap_bytes(literal, sizeof(literal) - 1)

static struct snap_tokens *tokens;
static struct snap_error err;

static int setup(void **state)
{
	(void)state;
	err = (struct snap_error)SNAP_ERROR_INIT;
	tokens = snap_tokens_create(NULL);
	return tokens ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	snap_tokens_destroy(tokens);
	return 0;
}

/* A copy behind which a read is seen by sanitizers. */
static struct snap_bytes on_heap(struct snap_bytes bytes)
{
	uint8_t *copy = malloc(bytes.len ? bytes.len : 1);
	assert_non_null(copy);
	if (bytes.len > 0)
		memcpy(copy, bytes.data, bytes.len);
	return snap_bytes(copy, bytes.len);
}

static int add_csv(struct snap_bytes text)
{
	struct snap_bytes copy = on_heap(text);
	int r = snap_tokens_add_csv(tokens, copy, "db.csv", &err);
	free((uint8_t *)(uintptr_t)copy.data);
	snap_tokens_finish(tokens);
	return r;
}

static int add_binary(struct snap_bytes bytes)
{
	struct snap_bytes copy = on_heap(bytes);
	int r = snap_tokens_add_binary(tokens, copy, &err);
	free((uint8_t *)(uintptr_t)copy.data);
	snap_tokens_finish(tokens);
	return r;
}

static int add_elf(struct snap_bytes bytes)
{
	struct snap_bytes copy = on_heap(bytes);
	int r = snap_tokens_add_elf(tokens, copy, &err);
	free((uint8_t *)(uintptr_t)copy.data);
	snap_tokens_finish(tokens);
	return r;
}

/* "string|string" of the token, each with its domain and date if it has them. */
static const char *strings_of(uint32_t token)
{
	static char text[1024];
	const struct snap_token_entry *entry;
	size_t num = snap_tokens_find(tokens, token, &entry), len = 0;
	text[0] = '\0';
	for (size_t i = 0; i < num; i++, entry++) {
		assert_int_equal(entry->token, token);
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.*s", i > 0 ? "|" : "",
			(int)entry->string.len, (const char *)entry->string.data);
		if (entry->domain.data)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "{%.*s}",
				(int)entry->domain.len, (const char *)entry->domain.data);
		if (entry->removed != SNAP_TOKEN_PRESENT)
			len += (size_t)snprintf(
				text + len, sizeof(text) - len, "-%u", entry->removed);
	}
	return text;
}

/* ---------------------------------------------------------------- lookups */

static void test_tokens_database_find(void **state)
{
	(void)state;
	assert_string_equal(strings_of(0), "");
	for (uint32_t i = 0; i < 1000; i++) {
		const struct snap_token_entry entry = {
			.token = i * 2654435761u, .removed = SNAP_TOKEN_PRESENT, .string = BYTES("s")};
		assert_int_equal(snap_tokens_add(tokens, &entry, &err), 0);
	}
	snap_tokens_finish(tokens);
	assert_int_equal(snap_tokens_count(tokens), 1000);
	for (uint32_t i = 0; i < 1000; i++)
		assert_string_equal(strings_of(i * 2654435761u), "s");
	assert_string_equal(strings_of(1), "");
	assert_string_equal(strings_of(UINT32_MAX), "");
}

/* Those present first, then the last removed; the same string once, with its last day. */
static void test_tokens_database_order(void **state)
{
	(void)state;
	assert_int_equal(add_csv(BYTES("00000007,2020-01-02,\"old\"\n"
				       "00000007,2022-12-31,\"newer\"\n"
				       "00000007,          ,\"now\"\n"
				       "00000007,2021-06-07,\"newer\"\n"
				       "00000007,2019-01-01,\"now\"\n"
				       "00000007,          ,\"also now\"\n")),
		0);
	assert_string_equal(strings_of(7), "also now|now|newer-20221231|old-20200102");
	/* What is added later counts as well. */
	assert_int_equal(add_csv(BYTES("7,,old\n")), 0);
	assert_string_equal(strings_of(7), "also now|now|old|newer-20221231");
}

/* ---------------------------------------------------------------- CSV */

static void test_tokens_database_csv(void **state)
{
	(void)state;
	assert_int_equal(add_csv(BYTES("141c35d5,          ,\"The answer: \"\"%s\"\"\"\r\n"
				       "\r\n"
				       "2e668cd6,2019-12-25,\"Jello, world!\"\n"
				       "  \n"
				       "0000ABCD,,pw domain,\"of a\ndomain, \r\nwith lines\"\n"
				       "0x10, ,\"\",unquoted \"text\"\n"
				       "11,2024-02-29T10:11:12,\"\"\n"
				       "12,,last")),
		0);
	assert_int_equal(snap_tokens_count(tokens), 6);
	assert_string_equal(strings_of(0x141c35d5), "The answer: \"%s\"");
	assert_string_equal(strings_of(0x2e668cd6), "Jello, world!-20191225");
	assert_string_equal(strings_of(0xabcd), "of a\ndomain, \r\nwith lines{pwdomain}");
	assert_string_equal(strings_of(0x10), "unquoted \"text\"{}");
	assert_string_equal(strings_of(0x11), "-20240229");
	assert_string_equal(strings_of(0x12), "last");
}

static void test_tokens_database_csv_empty(void **state)
{
	(void)state;
	assert_int_equal(add_csv(BYTES("")), 0);
	assert_int_equal(add_csv(BYTES("\n\n")), 0);
	assert_int_equal(add_csv(BYTES("\xef\xbb\xbf" "1,,x\n")), 0);
	assert_string_equal(strings_of(1), "x");
}

static void test_tokens_database_csv_faults(void **state)
{
	(void)state;
	static const struct {
		const char *text, *words;
	} cases[] = {
		{"x,,y\n", "db.csv:1: it does not begin with a token, 8 hexadecimal digits"},
		{"1,,y\n\n123456789,,y\n",
			"db.csv:3: it does not begin with a token, 8 hexadecimal digits"},
		{"1,,\"a\nb\nc\"\n,,y\n",
			"db.csv:4: it does not begin with a token, 8 hexadecimal digits"},
		{"1,y\n", "db.csv:1: not a token, a date, perhaps a domain, and a string"},
		{"1\n", "db.csv:1: not a token, a date, perhaps a domain, and a string"},
		{"1,,a,b,c\n", "db.csv:1: not a token, a date, perhaps a domain, and a string"},
		{"1,,a,b,c,d,e,f\n",
			"db.csv:1: not a token, a date, perhaps a domain, and a string"},
		{"1,2020-13-01,y\n", "db.csv:1: no date of removal, YYYY-MM-DD or blanks"},
		{"1,2020-1-1,y\n", "db.csv:1: no date of removal, YYYY-MM-DD or blanks"},
		{"1,2020-01-00,y\n", "db.csv:1: no date of removal, YYYY-MM-DD or blanks"},
		{"1,2020-01-011,y\n", "db.csv:1: no date of removal, YYYY-MM-DD or blanks"},
		{"1,20-01-2020,y\n", "db.csv:1: no date of removal, YYYY-MM-DD or blanks"},
		{"1,,\"y", "db.csv:1: a quoted field has no end"},
		{"1,,y\n2,,\"y\"z\n",
			"db.csv:2: something stands between a quoted field and the comma behind it"},
		{"1,,\"y\"\"\n", "db.csv:1: a quoted field has no end"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(add_csv(snap_bytes_str(cases[i].text)), -1);
		assert_string_equal(err.text, cases[i].words);
		assert_int_equal(err.code, SNAP_ERROR_USAGE);
	}
	assert_int_equal(add_csv(BYTES("1,,a\0b\n")), -1);
	assert_string_equal(err.text, "db.csv:1: there is a NUL in the string");
}

/* ---------------------------------------------------------------- binary */

#define HEADER(num) "TOKENS\0\0" num "\0\0\0\0\0\0\0"

static void test_tokens_database_binary(void **state)
{
	(void)state;
	static const char db[] = HEADER("\x03")
		"\x01\0\0\0\xff\xff\xff\xff" "\x78\x56\x34\x12\x1f\x0c\xe6\x07"
		"\x01\0\0\0\x01\x01\xe4\x07"
		"first\0" "with date %d\0" "\0" "more than there should be";
	assert_true(snap_tokens_is_binary(snap_bytes(db, sizeof(db) - 1)));
	assert_int_equal(add_binary(snap_bytes(db, sizeof(db) - 1)), 0);
	assert_int_equal(snap_tokens_count(tokens), 3);
	assert_string_equal(strings_of(1), "first|-20200101");
	assert_string_equal(strings_of(0x12345678), "with date %d-20221231");
	assert_int_equal(add_binary(BYTES(HEADER("\0"))), 0);
	/* What is no day is none. */
	static const char odd[] = HEADER("\x04")
		"\x11\0\0\0\x01\x0d\xe4\x07" "\x12\0\0\0\x20\x01\xe4\x07"
		"\x13\0\0\0\x01\x01\x10\x27" "\x14\0\0\0\x01\x01\0\0" "a\0" "b\0" "c\0" "d";
	assert_int_equal(add_binary(snap_bytes(odd, sizeof(odd))), 0);
	assert_string_equal(strings_of(0x11), "a");
	assert_string_equal(strings_of(0x12), "b");
	assert_string_equal(strings_of(0x13), "c");
	assert_string_equal(strings_of(0x14), "d");
}

/* Cut short anywhere, it is an error, and nothing is read behind the end. */
static void test_tokens_database_binary_cut(void **state)
{
	(void)state;
	static const char db[] = HEADER("\x02") "\x01\0\0\0\xff\xff\xff\xff"
						"\x02\0\0\0\xff\xff\xff\xff" "a\0" "bc";
	for (size_t len = 0; len < sizeof(db); len++) {
		assert_int_equal(add_binary(snap_bytes(db, len)), -1);
		assert_int_equal(err.code, SNAP_ERROR_MALFORMED);
	}
	assert_int_equal(add_binary(snap_bytes(db, sizeof(db))), 0);
	assert_int_equal(add_binary(BYTES("TOKENS\0\1\0\0\0\0\0\0\0\0")), -1);
	assert_int_equal(add_binary(BYTES("TOKENS\0\0\xff\xff\xff\xff\0\0\0\0")), -1);
	assert_string_equal(
		err.text, "cut short: no room for the entries of 4294967295 tokens in 16 bytes");
}

/* ---------------------------------------------------------------- ELF */

/* A file with sections of that name, which begin behind its header. */
struct elf {
	uint8_t data[4096];
	size_t len;
};

static void put(struct elf *elf, uint64_t value, unsigned int len, bool is_big_endian)
{
	for (unsigned int i = 0; i < len; i++)
		elf->data[elf->len + (is_big_endian ? len - 1 - i : i)] = (uint8_t)(value >> (8 * i));
	elf->len += len;
}

static void put_entry(struct elf *elf, uint32_t token, const char *domain, const char *string,
	bool is_big_endian)
{
	put(elf, 0xBAA98DEE, 4, is_big_endian);
	put(elf, token, 4, is_big_endian);
	put(elf, strlen(domain) + 1, 4, is_big_endian);
	put(elf, strlen(string) + 1, 4, is_big_endian);
	memcpy(elf->data + elf->len, domain, strlen(domain) + 1);
	elf->len += strlen(domain) + 1;
	memcpy(elf->data + elf->len, string, strlen(string) + 1);
	elf->len += strlen(string) + 1;
}

#define NAMES "\0.pw_tokenizer.entries\0.pw_tokenizer.entries.12\0.shstrtab\0.pw_tokenizer.entries_no"

static void put_section(struct elf *elf, uint32_t name, uint32_t type, uint32_t flags, size_t off,
	size_t len, bool is_64bit, bool big)
{
	unsigned int word = is_64bit ? 8 : 4;
	put(elf, name, 4, big);
	put(elf, type, 4, big);
	put(elf, flags, word, big);
	put(elf, 0, word, big);
	put(elf, off, word, big);
	put(elf, len, word, big);
	put(elf, 0, 8, big);
	put(elf, 1, word, big);
	put(elf, 0, word, big);
}

/* The sections are the two halves of what stands in entries, split at byte half. */
static void make_elf(struct elf *elf, const struct elf *entries, size_t half, uint32_t type,
	uint32_t flags, bool is_64bit, bool big)
{
	size_t header = is_64bit ? 64 : 52;
	*elf = (struct elf){.len = header};
	memcpy(elf->data + elf->len, entries->data, entries->len);
	elf->len += entries->len;
	size_t names = elf->len;
	memcpy(elf->data + elf->len, NAMES, sizeof(NAMES));
	elf->len += sizeof(NAMES);
	elf->len = (elf->len + 7) / 8 * 8;
	size_t sections = elf->len;
	put_section(elf, 0, SHT_NULL, 0, 0, 0, is_64bit, big);
	put_section(elf, 1, type, flags, header, half, is_64bit, big);
	put_section(elf, 23, type, flags, header + half, entries->len - half, is_64bit, big);
	put_section(elf, 48, SHT_STRTAB, 0, names, sizeof(NAMES), is_64bit, big);
	put_section(elf, 58, SHT_PROGBITS, 0, header, 3, is_64bit, big);
	size_t len = elf->len;
	elf->len = 0;
	memcpy(elf->data, ELFMAG, SELFMAG);
	elf->data[EI_CLASS] = is_64bit ? ELFCLASS64 : ELFCLASS32;
	elf->data[EI_DATA] = big ? ELFDATA2MSB : ELFDATA2LSB;
	elf->data[EI_VERSION] = EV_CURRENT;
	elf->len = EI_NIDENT;
	put(elf, ET_EXEC, 2, big);
	put(elf, is_64bit ? EM_RISCV : EM_ARM, 2, big);
	put(elf, EV_CURRENT, 4, big);
	put(elf, 0, is_64bit ? 8 : 4, big); /* entry */
	put(elf, 0, is_64bit ? 8 : 4, big); /* program headers */
	put(elf, sections, is_64bit ? 8 : 4, big);
	put(elf, 0, 4, big);
	put(elf, header, 2, big);
	put(elf, 0, 4, big);
	put(elf, is_64bit ? 64 : 40, 2, big);
	put(elf, 5, 2, big);
	put(elf, 3, 2, big);
	assert_int_equal(elf->len, header);
	elf->len = len;
}

static struct snap_bytes bytes_of(const struct elf *elf)
{
	return snap_bytes(elf->data, elf->len);
}

static void test_tokens_database_elf(void **state)
{
	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		struct elf entries = {.len = 0}, elf;
		bool big = kind & 1;
		put_entry(&entries, 0x11111111, "", "first %d", big);
		put_entry(&entries, 0xfffffff0, "dom", "second", big);
		size_t half = entries.len;
		put_entry(&entries, 3, "", "", big);
		make_elf(&elf, &entries, half, SHT_PROGBITS, 0, kind & 2, big);
		(void)teardown(NULL);
		(void)setup(NULL);
		assert_int_equal(add_elf(bytes_of(&elf)), 3);
		assert_string_equal(strings_of(0x11111111), "first %d{}");
		assert_string_equal(strings_of(0xfffffff0), "second{dom}");
		assert_string_equal(strings_of(3), "{}");
		/* Cut short anywhere: fewer, or an error, and no read behind the end. */
		for (size_t len = 0; len < elf.len; len++)
			assert_true(add_elf(snap_bytes(elf.data, len)) < 3);
	}
}

static void test_tokens_database_elf_faults(void **state)
{
	(void)state;
	struct elf entries = {.len = 0}, elf;
	assert_int_equal(add_elf(BYTES("\177EL")), -1);
	assert_int_equal(add_elf(BYTES("no ELF file")), -1);
	put_entry(&entries, 1, "d", "s", false);
	/* Without contents, compressed, without the section. */
	make_elf(&elf, &entries, entries.len, SHT_NOBITS, 0, false, false);
	assert_int_equal(add_elf(bytes_of(&elf)), 0);
	make_elf(&elf, &entries, entries.len, SHT_PROGBITS, SHF_COMPRESSED, false, false);
	assert_int_equal(add_elf(bytes_of(&elf)), -1);
	assert_string_equal(err.text, ".pw_tokenizer.entries: the section is compressed");
	/* What is shorter than an entry's numbers is padding; an entry does not go on elsewhere. */
	make_elf(&elf, &entries, 15, SHT_PROGBITS, 0, false, false);
	assert_int_equal(add_elf(bytes_of(&elf)), 0);
	make_elf(&elf, &entries, entries.len - 1, SHT_PROGBITS, 0, false, false);
	assert_int_equal(add_elf(bytes_of(&elf)), -1);
	assert_string_equal(
		err.text, ".pw_tokenizer.entries: the entry at byte 0 ends behind the section");
}

static int add_section(const struct elf *entries)
{
	struct snap_bytes copy = on_heap(bytes_of(entries));
	int r = snap_tokens_add_section(tokens, copy, false, &err);
	free((uint8_t *)(uintptr_t)copy.data);
	snap_tokens_finish(tokens);
	return r;
}

static void test_tokens_database_section_faults(void **state)
{
	(void)state;
	struct elf entries = {.len = 0};
	assert_int_equal(add_section(&entries), 0);
	put_entry(&entries, 1, "d", "s", false);
	for (size_t len = 1; len < entries.len; len++) {
		struct elf cut = entries;
		cut.len = len;
		assert_int_equal(add_section(&cut), len < 16 ? 0 : -1);
	}
	assert_string_equal(err.text, ".pw_tokenizer.entries: the entry at byte 0 ends behind the section");
	assert_int_equal(add_section(&entries), 1);
	/* Lengths that wrap round. */
	for (size_t off = 8; off < 16; off += 4) {
		struct elf wrong = entries;
		memset(wrong.data + off, 0xff, 4);
		assert_int_equal(add_section(&wrong), -1);
	}
	/* Without the NULs that the lengths count: as long as they say. */
	struct elf bare = {.len = 0};
	put(&bare, 0xBAA98DEE, 4, false);
	put(&bare, 9, 4, false);
	put(&bare, 1, 4, false);
	put(&bare, 2, 4, false);
	memcpy(bare.data + bare.len, "Dst", 3);
	bare.len += 3;
	assert_int_equal(add_section(&bare), 1);
	assert_string_equal(strings_of(9), "st{D}");
	entries.data[0] ^= 1;
	assert_int_equal(add_section(&entries), -1);
	assert_string_equal(err.text, ".pw_tokenizer.entries: no entry at byte 0, but 0xbaa98def");
}

/* ---------------------------------------------------------------- files */

static void put_bytes(const char *name, struct snap_bytes bytes)
{
	FILE *file = fopen(in_top("%s", name), "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes.data, 1, bytes.len, file), bytes.len);
	assert_int_equal(fclose(file), 0);
}

static int add_path(const char *name)
{
	int r = snap_tokens_add_path(tokens, in_top("%s", name), &err);
	snap_tokens_finish(tokens);
	return r;
}

static void test_tokens_database_files(void **state)
{
	(void)state;
	struct elf entries = {.len = 0}, elf;
	put_entry(&entries, 3, "", "of ELF", false);
	make_elf(&elf, &entries, entries.len, SHT_PROGBITS, 0, false, false);
	put_bytes("firmware", bytes_of(&elf));
	put_bytes("binary", BYTES(HEADER("\x01") "\x02\0\0\0\xff\xff\xff\xff" "of binary\0"));
	put_bytes("csv", BYTES("1,,of CSV\n"));
	assert_int_equal(add_path("csv"), 0);
	assert_int_equal(add_path("binary"), 0);
	assert_int_equal(add_path("firmware"), 0);
	assert_string_equal(strings_of(1), "of CSV");
	assert_string_equal(strings_of(2), "of binary");
	assert_string_equal(strings_of(3), "of ELF{}");
}

/* Words that stand round its path. */
static void assert_refused(const char *before, const char *name, const char *behind)
{
	char expected[1024];
	assert_int_equal(add_path(name), -1);
	assert_int_equal(err.code, SNAP_ERROR_USAGE);
	(void)snprintf(expected, sizeof(expected), "%s%s%s", before, in_top("%s", name), behind);
	assert_string_equal(err.text, expected);
}

static void test_tokens_database_files_refused(void **state)
{
	(void)state;
	struct elf entries = {.len = 0}, elf;
	assert_int_equal(mkfifo(in_top("fifo"), 0600), 0);
	put_bytes("bad.db", BYTES("TOKENS\0\0"));
	make_elf(&elf, &entries, 0, SHT_PROGBITS, 0, false, false);
	put_bytes("empty.elf", bytes_of(&elf));
	put_bytes("bad.elf", BYTES("\177ELF and no more"));
	put_bytes("text", BYTES("\n\nnone\n"));
	assert_refused("cannot open '", "none", "': No such file or directory");
	assert_refused("cannot open '", "fifo", "': is a FIFO, not a regular file");
	assert_refused("no token database '", "bad.db",
		"': cut short: no room for the entries of 0 tokens in 8 bytes");
	assert_refused("no token database '", "empty.elf",
		"': it has no tokens, no section .pw_tokenizer.entries");
	assert_refused("", "text", ":3: it does not begin with a token, 8 hexadecimal digits");
	assert_int_equal(add_path("bad.elf"), -1);
}

static void test_tokens_database_directory(void **state)
{
	(void)state;
	struct elf entries = {.len = 0}, elf;
	put_entry(&entries, 0x23, "", "of ELF", false);
	assert_int_equal(mkdir(in_top("dir"), 0700), 0);
	assert_int_equal(mkdir(in_top("dir/sub.csv"), 0700), 0);
	put_bytes("dir/none.txt", BYTES("no database\n"));
	put_bytes("dir/.hidden.csv", BYTES("no database\n"));
	make_elf(&elf, &entries, 0, SHT_PROGBITS, 0, false, false);
	put_bytes("dir/empty.elf", bytes_of(&elf));
	assert_int_equal(rmdir(in_top("dir/sub.csv")), 0);
	put_bytes("dir/a.pw_tokenizer.csv", BYTES("21,,of CSV\n"));
	put_bytes("dir/b.binary", BYTES(HEADER("\x01") "\x22\0\0\0\xff\xff\xff\xff" "of binary\0"));
	make_elf(&elf, &entries, entries.len, SHT_PROGBITS, 0, false, false);
	put_bytes("dir/firmware", bytes_of(&elf));
	put_bytes("dir/bad.elf", BYTES("\177ELF and no more"));
	assert_int_equal(add_path("dir"), 0);
	assert_string_equal(strings_of(0x21), "of CSV");
	assert_string_equal(strings_of(0x22), "of binary");
	assert_string_equal(strings_of(0x23), "of ELF{}");
	/* Which file is wrong is said. */
	put_bytes("dir/c.csv", BYTES("nothing\n"));
	assert_int_equal(add_path("dir"), -1);
	assert_non_null(strstr(err.text, "/dir/c.csv:1: "));
	assert_int_equal(mkdir(in_top("empty"), 0700), 0);
	assert_int_equal(add_path("empty"), -1);
	assert_non_null(strstr(err.text, "it has no file *.csv, *.binary or *.db, and no ELF file"));
}

/* ---------------------------------------------------------------- the firmware of a snapshot */

static struct snap_elf_file *open_elf(const char *name)
{
	struct snap_elf_file *file = malloc(sizeof(*file));
	assert_non_null(file);
	int fd = snap_file_open(in_top("%s", name), NULL, &err);
	assert_true(fd >= 0);
	assert_int_equal(snap_elf_file_open(fd, name, file, &err), 0);
	return file;
}

static void run_stage(struct snap_object *object, struct snap_log *log, bool is_device,
	const char *message, const char *note)
{
	struct snap_crash crash;
	struct snap_crash_module module = {.object = object};
	*log = (struct snap_log){.message = BYTES("\x11\x11\x11\x11\x0a")};
	snap_crash_init(&crash, "file");
	crash.device.is_device = crash.metadata.has_cpu_arch = is_device;
	crash.metadata.cpu_arch = is_device ? 2 : 0;
	crash.process.has_pid = !is_device;
	crash.modules = &module;
	crash.num_modules = 1;
	crash.logs = log;
	crash.num_logs = 1;
	assert_int_equal(snap_detokenise_crash(&crash, NULL, &err), 0);
	assert_true(snap_bytes_equal_str(log->message, message));
	assert_int_equal(crash.num_notes, note ? 1 : 0);
	assert_true(!note || snap_bytes_equal_str(crash.notes[0], note));
	snap_crash_deinit(&crash);
}

static void test_tokens_database_of_the_firmware(void **state)
{
	(void)state;
	struct elf entries = {.len = 0}, elf;
	struct snap_log log;
	put_entry(&entries, 0x11111111, "", "of the firmware: %d", false);
	size_t half = entries.len;
	for (int is_broken = 0; is_broken < 2; is_broken++) {
		if (is_broken) {
			put_entry(&entries, 1, "", "x", false);
			entries.data[half] ^= 1;
		}
		make_elf(&elf, &entries, half, SHT_PROGBITS, 0, false, false);
		put_bytes("found", bytes_of(&elf));
		struct snap_object_files files = {.main = open_elf("found")};
		struct snap_object *object;
		assert_int_equal(snap_object_create(&files, &object, &err), 0);
		run_stage(object, &log, true, "of the firmware: 5",
			is_broken ? "the firmware's tokens were not all read: .pw_tokenizer.entries: "
				    "no entry at byte 0, but 0xbaa98def"
				  : NULL);
		/* A Linux process's programs are nobody's firmware. */
		run_stage(object, &log, false, "\x11\x11\x11\x11\x0a", NULL);
		snap_object_destroy(object);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tokens_database_find, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tokens_database_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tokens_database_csv, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tokens_database_csv_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tokens_database_csv_faults, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tokens_database_binary, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tokens_database_binary_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tokens_database_elf, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tokens_database_elf_faults, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tokens_database_section_faults, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tokens_database_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tokens_database_files_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tokens_database_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_tokens_database_of_the_firmware, setup, teardown),
	};
	return cmocka_run_group_tests(tests, make_top, remove_top);
}
