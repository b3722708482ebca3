/* capture/access: who may read a snapshot. */
#include "capture/access.h"

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
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/temp_tree.h"

static void write_file(const char *path, const char *content)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(content, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void test_groups(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		int r;
		gid_t gid;
	} cases[] = {
		{"0", 0, 0},
		{"4294967294", 0, 4294967294},
		{"adm", 0, 4},
		{"wide", 0, 77},
		{"last", 0, 78},
		{"none", -ENOENT, 0},
		{"", -ENOENT, 0},
		{"ad", -ENOENT, 0},
		{"adm:x", -ENOENT, 0},
		/* (gid_t)-1 would leave a file with the group that it has. */
		{"4294967295", -ENOENT, 0},
		{"18446744073709551616", -ENOENT, 0},
		{"minus", -ENOENT, 0},
		{"wraps", -ENOENT, 0},
		{"short", -ENOENT, 0},
		{"words", -ENOENT, 0},
		{"-1", -ENOENT, 0},
	};
	const char *path = in_top("group");
	static char content[10000];
	int len = sprintf(content,
		"root:x:0:\nadm:x:4:syslog\nminus:x:-1:\nwraps:x:4294967296:\nshort:x:5\n"
		"words:x:five:\nwide:x:77:");
	memset(content + len, 'm', 8000);
	strcpy(content + len + 8000, "\nlast:x:78:");
	write_file(path, content);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		gid_t gid = 1234;
		int r = snap_access_group(cases[i].name, path, &gid);
		if (r != cases[i].r || gid != (r == 0 ? cases[i].gid : 1234))
			fail_msg("'%s': %d, gid %u", cases[i].name, r, (unsigned int)gid);
	}
	gid_t gid;
	assert_int_equal(snap_access_group("root", NULL, &gid), 0);
	assert_int_equal(gid, 0);
	assert_int_equal(snap_access_group("root", "/nonexistent", &gid), -ENOENT);
}

/* A row of the rule: an auxiliary vector by its words, and the rest. */
struct row {
	const char *what;
	bool allowed;
	uint64_t dumpable, uid, gid;
	bool unverified;
	uint64_t auxv[24];
	size_t num_words; /* 0: up to AT_NULL */
};

#define IDS(u, eu, g, eg) AT_UID, u, AT_EUID, eu, AT_GID, g, AT_EGID, eg

static const struct row rows[] = {
	{"its own", true, 1, 7, 8, false, {IDS(7, 7, 8, 8), AT_SECURE, 0}, 0},
	{"others between", true, 1, 7, 8, false,
		{AT_PAGESZ, 4096, IDS(7, 7, 8, 8), AT_BASE, 1, AT_SECURE, 0, AT_HWCAP, 1}, 0},
	{"root", true, 1, 0, 0, false, {IDS(0, 0, 0, 0), AT_SECURE, 0}, 0},
	{"not dumpable", false, 0, 7, 8, false, {IDS(7, 7, 8, 8), AT_SECURE, 0}, 0},
	{"dumpable for root", false, 2, 7, 8, false, {IDS(7, 7, 8, 8), AT_SECURE, 0}, 0},
	{"dumpable unknown", false, UINT64_MAX, 7, 8, false, {IDS(7, 7, 8, 8), AT_SECURE, 0}, 0},
	{"secure (file capabilities)", false, 1, 7, 8, false, {IDS(7, 7, 8, 8), AT_SECURE, 1}, 0},
	{"secure, a high bit", false, 1, 7, 8, false, {IDS(7, 7, 8, 8), AT_SECURE, 0x80000000u}, 0},
	{"setuid", false, 1, 7, 8, false, {IDS(7, 0, 8, 8), AT_SECURE, 1}, 0},
	{"setuid, not secure", false, 1, 7, 8, false, {IDS(7, 0, 8, 8), AT_SECURE, 0}, 0},
	{"setgid, not secure", false, 1, 7, 8, false, {IDS(7, 7, 8, 0), AT_SECURE, 0}, 0},
	{"has become another user", false, 1, 9, 8, false, {IDS(7, 7, 8, 8), AT_SECURE, 0}, 0},
	{"has become another group", false, 1, 7, 9, false, {IDS(7, 7, 8, 8), AT_SECURE, 0}, 0},
	{"was started by root", false, 1, 7, 8, false, {IDS(0, 0, 0, 0), AT_SECURE, 0}, 0},
	{"real id of another", false, 1, 7, 8, false, {IDS(9, 7, 8, 8), AT_SECURE, 0}, 0},
	{"perhaps another process", false, 1, 7, 8, true, {IDS(7, 7, 8, 8), AT_SECURE, 0}, 0},
	{"no AT_SECURE", false, 1, 7, 8, false, {IDS(7, 7, 8, 8)}, 0},
	{"no AT_EUID", false, 1, 7, 8, false, {AT_UID, 7, AT_GID, 8, AT_EGID, 8, AT_SECURE, 0}, 0},
	{"AT_SECURE behind the end", false, 1, 7, 8, false,
		{IDS(7, 7, 8, 8), AT_NULL, 0, AT_SECURE, 0}, 12},
	{"cut within AT_SECURE", false, 1, 7, 8, false, {IDS(7, 7, 8, 8), AT_SECURE, 0}, 9},
	{"no end", true, 1, 7, 8, false, {IDS(7, 7, 8, 8), AT_SECURE, 0}, 10},
	{"AT_SECURE twice", false, 1, 7, 8, false, {IDS(7, 7, 8, 8), AT_SECURE, 1, AT_SECURE, 0},
		0},
	{"AT_UID twice", false, 1, 7, 8, false, {IDS(7, 7, 8, 8), AT_SECURE, 0, AT_UID, 7}, 0},
	{"empty", false, 1, 0, 0, false, {AT_NULL}, 0},
};

static void put(uint8_t *to, uint64_t value, unsigned int size, bool big)
{
	for (unsigned int i = 0; i < size; i++)
		to[big ? size - 1 - i : i] = (uint8_t)(value >> (8 * i));
}

static void test_the_rule_for_owners(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		for (int form = 0; form < 4; form++) {
			unsigned int word = form & 1 ? 8 : 4;
			bool big = form & 2;
			uint8_t auxv[24 * 8 + 16] = {0};
			size_t num = row->num_words;
			for (size_t k = 0; k < 24; k += 2) {
				put(auxv + k * word, row->auxv[k], word, big);
				put(auxv + (k + 1) * word, row->auxv[k + 1], word, big);
				if (num == 0 && row->auxv[k] == AT_NULL)
					num = k + 2;
			}
			struct snap_access_facts facts = {
				.dumpable = row->dumpable,
				.uid = row->uid,
				.gid = row->gid,
				.identity_verified = !row->unverified,
				.auxv = snap_bytes(auxv, num * word),
				.elf_class = word == 8 ? ELFCLASS64 : ELFCLASS32,
				.elf_data = big ? ELFDATA2MSB : ELFDATA2LSB,
			};
			if (snap_access_owner_allowed(&facts) != row->allowed)
				fail_msg("%s (%u bytes, %s)", row->what, word,
					big ? "big" : "little");
			facts.elf_class = 0;
			assert_false(snap_access_owner_allowed(&facts));
			facts.elf_class = ELFCLASS64;
			facts.elf_data = 0;
			assert_false(snap_access_owner_allowed(&facts));
			facts.elf_data = ELFDATA2LSB;
			facts.auxv = snap_bytes(NULL, 160);
			assert_false(snap_access_owner_allowed(&facts));
		}
	}
}

/* Whether that user can open the path for reading. */
static bool can_read(uid_t uid, gid_t gid, const char *path)
{
	pid_t pid = fork();
	if (pid == 0) {
		if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
			_exit(2);
		_exit(open(path, O_RDONLY) >= 0 ? 0 : 1);
	}
	int status = -1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return WEXITSTATUS(status) == 0;
}

static void test_rights(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	static const struct {
		const char *what;
		struct snap_access access;
		mode_t directory, file;
		bool user_reads, group_reads;
	} cases[] = {
		{"nothing", {false, 0, false, false, 0}, 0700, 0600, false, false},
		{"group", {true, 50, false, false, 0}, 0750, 0640, false, true},
		{"owner", {false, 0, true, true, 1001}, 0701, 0640, true, false},
		{"owner denied", {false, 0, true, false, 1001}, 0701, 0600, false, false},
		{"owner not configured", {false, 0, false, true, 1001}, 0700, 0600, false, false},
		{"both", {true, 50, true, true, 1001}, 0751, 0640, true, true},
		{"root", {false, 0, true, true, 0}, 0701, 0600, false, false},
	};
	assert_int_equal(chmod(top, 0755), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *dir = in_top("spool%zu", i), *path = in_top("spool%zu/file", i);
		struct stat st;
		assert_int_equal(mkdir(dir, 0700), 0);
		int dir_fd = open(dir, O_RDONLY | O_DIRECTORY);
		int fd = open(path, O_CREAT | O_RDWR, 0600);
		int r = snap_access_set_file(fd, &cases[i].access);
		if (r == -EOPNOTSUPP)
			skip();
		assert_int_equal(r, 0);
		assert_int_equal(snap_access_set_directory(dir_fd, &cases[i].access), 0);
		assert_int_equal(fstat(dir_fd, &st), 0);
		if ((st.st_mode & 07777) != cases[i].directory || st.st_uid != 0)
			fail_msg("%s: directory %o", cases[i].what, st.st_mode);
		assert_int_equal(fstat(fd, &st), 0);
		/* With an access list, the group's bits show its mask. */
		if ((st.st_mode & 07777) != cases[i].file || st.st_uid != 0)
			fail_msg("%s: file %o", cases[i].what, st.st_mode);
		if (can_read(1001, 1001, path) != cases[i].user_reads)
			fail_msg("%s: the user", cases[i].what);
		if (can_read(1002, 50, path) != cases[i].group_reads)
			fail_msg("%s: the group", cases[i].what);
		assert_false(can_read(1002, 1001, path));
		assert_int_equal(close(fd), 0);
		assert_int_equal(close(dir_fd), 0);
	}
}

static void test_directories_keep_what_they_have(void **state)
{
	(void)state;
	struct stat st;
	struct snap_access access = {.owner_access = true};
	const char *dir = in_top("open");
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(chmod(dir, 01755), 0);
	int fd = open(dir, O_RDONLY | O_DIRECTORY);
	assert_int_equal(snap_access_set_directory(fd, &access), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 01755);
	assert_int_equal(close(fd), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_the_rule_for_owners),
		cmocka_unit_test(test_rights),
		cmocka_unit_test(test_directories_keep_what_they_have),
	};
	return cmocka_run_group_tests(tests, make_top, remove_top);
}
