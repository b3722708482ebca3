/* capture/adopt, capture/seal: what becomes of a file whose writer has gone. */
#include "capture/adopt.h"
#include "capture/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/spool_name.h"
#include "common/snapshot_read.h"
#include "common/snapshot_write.h"
#include "tests/lib/temp_tree.h"

#define PROGRAM "test 1.0"

static unsigned int num_spools;
static char spool[256];
static struct snap_spool_file file;

/* A new spool with one .part in it, which this test writes. */
static int begin(void **state)
{
	(void)state;
	(void)snprintf(spool, sizeof(spool), "%s/spool%u", top, num_spools++);
	return snap_spool_create(spool, &file);
}

static int end(void **state)
{
	(void)state;
	snap_spool_file_deinit(&file);
	return 0;
}

/* Where each record of the snapshot below ends. */
static size_t ends[16];
static size_t num_ends;
static uint8_t whole[64 << 10];
static size_t whole_len;

/* Write a snapshot to the file; late: all of it, or only what comes early. */
static void write_snapshot(int fd, uint32_t pid)
{
	static struct snap_writer w;
	static const uint8_t uuid[16] = {0xab, 0xcd, 0xef, 0x01};
	static uint8_t stack[9000];
	struct snap_metadata metadata = {
		.reason = snap_bytes_str("SIGSEGV"),
		.has_fatal = true,
		.fatal = true,
		.snapshot_uuid = snap_bytes(uuid, sizeof(uuid)),
	};
	struct snap_process process = {.has_pid = true, .pid = pid};
	struct snap_thread thread = {
		.has_tid = true, .tid = pid, .name = snap_bytes_str("a thread")};
	struct snap_memory_range range = {
		.address = 0x1000, .data = snap_bytes(stack, sizeof(stack))};
	struct snap_process late = {.comm = snap_bytes_str("sensor d")};
	struct snap_capture capture = {.has_time = true, .time_s = 1000000000};
	memset(stack, 0x5a, sizeof(stack));
	num_ends = 0;
	snap_writer_init(&w, fd);
#define WRITE(what)                                                                                \
	do {                                                                                       \
		assert_int_equal(what, 0);                                                         \
		ends[num_ends++] = (size_t)w.len;                                                  \
	} while (0)
	WRITE(snap_write_header(&w, PROGRAM));
	WRITE(snap_write_metadata(&w, &metadata));
	WRITE(snap_write_process(&w, &process));
	WRITE(snap_write_thread(&w, &thread));
	WRITE(snap_write_checkpoint(&w, false));
	WRITE(snap_write_memory(&w, &range));
	WRITE(snap_write_process(&w, &late));
	WRITE(snap_write_capture(&w, &capture));
	WRITE(snap_write_checkpoint(&w, true));
	whole_len = (size_t)w.len;
	assert_true(whole_len <= sizeof(whole));
	assert_int_equal(pread(fd, whole, sizeof(whole), 0), whole_len);
}

/* The file becomes these bytes, with its mtime a fixed time. */
static void put(int fd, const void *data, size_t len)
{
	static const struct timespec times[2] = {{1100000000, 0}, {1100000000, 0}};
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, data, len, 0), len);
	assert_int_equal(futimens(fd, times), 0);
}

static uint8_t found[128 << 10];
static struct snap_scan scan;
static char notes[1024];

/* Read a file of the spool into found; its integrity into scan, and its notes. */
static void look_at(int dir_fd, const char *name)
{
	struct snap_error err = SNAP_ERROR_INIT;
	int fd = openat(dir_fd, name, O_RDONLY);
	assert_true(fd >= 0);
	ssize_t n = read(fd, found, sizeof(found));
	assert_true(n >= 0);
	assert_int_equal(close(fd), 0);
	if (snap_snapshot_scan(snap_bytes(found, (size_t)n), &scan, &err) < 0)
		fail_msg("%s", err.text);
	notes[0] = '\0';
	struct snap_reader reader;
	struct snap_record record;
	snap_reader_init(&reader, snap_bytes(found, (size_t)n), scan.readable_len);
	while (snap_reader_next(&reader, &record, &err) > 0)
		if (record.number == SNAP_RECORD_NOTE)
			(void)snprintf(notes + strlen(notes), sizeof(notes) - strlen(notes),
				"%.*s\n", (int)record.u.note.len, (const char *)record.u.note.data);
	snap_reader_deinit(&reader);
}

static struct snap_adopt_counts counts;
static char published[SNAP_SPOOL_NAME_MAX];
static int published_error;

static void remember(void *context, const struct snap_adopted *adopted)
{
	(void)context;
	assert_true(snap_spool_is_part(adopted->part));
	(void)snprintf(published, sizeof(published), "%s", adopted->name ? adopted->name : "");
	published_error = adopted->error;
}

/* Let go of the file and adopt it. */
static void adopt(bool unconfined)
{
	const struct snap_adopt_options options = {
		.program = PROGRAM,
		.unconfined = unconfined,
		.report = remember,
	};
	memset(&counts, 0xa5, sizeof(counts));
	published[0] = '\0';
	assert_int_equal(close(file.fd), 0);
	file.fd = -1;
	assert_int_equal(snap_adopt_all(spool, &options, &counts), 0);
}

static void assert_counts(uint64_t complete, uint64_t truncated, uint64_t empty)
{
	if (counts.num_complete != complete || counts.num_truncated != truncated ||
		counts.num_empty != empty || counts.num_failed != 0)
		fail_msg("complete %llu, truncated %llu, empty %llu, failed %llu",
			(unsigned long long)counts.num_complete,
			(unsigned long long)counts.num_truncated,
			(unsigned long long)counts.num_empty,
			(unsigned long long)counts.num_failed);
}

static void test_a_whole_one_is_published_as_it_is(void **state)
{
	(void)state;
	write_snapshot(file.fd, 4711);
	adopt(false);
	assert_counts(1, 0, 0);
	assert_string_equal(published, "20010909T014640Z-sensor%20d-4711-abcdef01.snap");
	look_at(file.dir_fd, published);
	assert_int_equal(scan.integrity, SNAP_INTEGRITY_COMPLETE);
	assert_memory_equal(found, whole, whole_len);
	struct stat st;
	assert_int_equal(fstatat(file.dir_fd, published, &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, whole_len);
}

static void test_bytes_behind_the_end_are_cut_off(void **state)
{
	(void)state;
	write_snapshot(file.fd, 4711);
	memset(whole + whole_len, 'x', 1000);
	put(file.fd, whole, whole_len + 1000);
	adopt(false);
	assert_counts(1, 0, 0);
	look_at(file.dir_fd, published);
	assert_int_equal(scan.integrity, SNAP_INTEGRITY_COMPLETE);
	assert_int_equal(scan.readable_len, whole_len);
}

/* What this version does not know, in records of its own and within others, in every wire type, and with
 * numbers that take more bytes than they need: to the byte, and in its order. */
static void test_what_is_unknown_is_kept(void **state)
{
	static const uint8_t unknown[] = {
		0x80, 0x7d, 0x96, 0x80, 0x00,		 /* 2000: 22 */
		0x89, 0x7d, 1, 2, 3, 4, 5, 6, 7, 8,	 /* 2001 */
		0x95, 0x7d, 1, 2, 3, 4,			 /* 2002 */
		0x42, 0x03, 'a', 0x00, 0xff,		 /* 8 */
		0x92, 0x01, 0x88, 0x00,			 /* a thread of 8 bytes: */
		0x60, 0x08, 0x80, 0x41, 0x01, 0x0a, 0x01, 'x', /* its 12, 1040, 1 */
		0x42, 0x00,				 /* 8 again */
		0x82, 0x01, 0x05, 0x0a, 0x00, 0xb2, 0x41, 0x00, /* metadata: 1, 1046 */
		0x80, 0x7d, 0x01,			 /* 2000 again */
	};
	(void)state;
	write_snapshot(file.fd, 4711);
	size_t len = ends[num_ends - 2];
	memcpy(whole + len, unknown, sizeof(unknown));
	len += sizeof(unknown);
	put(file.fd, whole, len);
	adopt(false);
	assert_counts(0, 1, 0);
	look_at(file.dir_fd, published);
	assert_int_equal(scan.integrity, SNAP_INTEGRITY_TRUNCATED);
	assert_true(scan.checked_len > len);
	assert_memory_equal(found, whole, len);
}

/* Cut everywhere: all whole records are kept, and nothing but the end is added. */
static void test_cut_at_every_byte(void **state)
{
	(void)state;
	write_snapshot(file.fd, 4711);
	for (size_t len = 1; len<whole_len; len += len> ends[5] - 100 || len < 200 ? 1 : 97) {
		struct snap_seal seal;
		size_t kept = 0;
		for (size_t i = 0; i < num_ends && ends[i] <= len; i++)
			kept = ends[i];
		put(file.fd, whole, len);
		assert_int_equal(snap_seal(file.fd, PROGRAM, "it was cut", &seal), 0);
		assert_false(seal.complete);
		assert_int_equal(seal.file_len, len);
		if (seal.keep_len != kept)
			fail_msg("of %zu bytes %llu are kept", len,
				(unsigned long long)seal.keep_len);
		look_at(file.incoming_fd, file.part);
		assert_int_equal(scan.integrity, SNAP_INTEGRITY_TRUNCATED);
		assert_string_equal(scan.why, "no final checkpoint");
		/* The last checkpoint vouches for all of it. */
		assert_int_equal(scan.checked_len, scan.readable_len);
		assert_memory_equal(found, whole, kept);
		char note[128];
		(void)snprintf(note, sizeof(note), "it was cut: %zu of its %zu bytes are kept\n",
			kept, len);
		assert_string_equal(notes, note);
	}
}

static void test_names_of_truncated_ones(void **state)
{
	/* How many records are there, and the name that they give. */
	static const struct {
		size_t num_records;
		bool has_origin;
		const char *name;
	} cases[] = {
		{9, true, "20010909T014640Z-sensor%20d-4711-abcdef01.snap"},
		{7, true, "20041109T113320Z-sensor%20d-4711-abcdef01.snap"},
		{6, true, "20041109T113320Z-a%20thread-4711-abcdef01.snap"},
		{3, true, "20041109T113320Z-executable_with-4711-abcdef01.snap"},
		{3, false, "20041109T113320Z-%00-4711-abcdef01.snap"},
		{2, true, "20041109T113320Z-executable_with-0-abcdef01.snap"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(begin(state), 0);
		write_snapshot(file.fd, 4711);
		struct snap_origin origin;
		snap_origin_init(&origin, 0, snap_bytes_str("/usr/bin/executable_with_a_name"));
		if (cases[i].has_origin && snap_origin_write(file.fd, &origin) == -EOPNOTSUPP)
			skip();
		put(file.fd, whole, ends[cases[i].num_records - 1]);
		adopt(i % 2 == 0);
		assert_string_equal(published, cases[i].name);
		assert_int_equal(end(state), 0);
	}
}

static void test_zeros_at_the_end(void **state)
{
	(void)state;
	write_snapshot(file.fd, 4711);
	/* Lost from the middle of the memory record on. */
	memset(whole + ends[4] + 100, 0, sizeof(whole) - ends[4] - 100);
	put(file.fd, whole, sizeof(whole));
	adopt(false);
	assert_counts(0, 1, 0);
	look_at(file.dir_fd, published);
	assert_int_equal(scan.integrity, SNAP_INTEGRITY_TRUNCATED);
	assert_int_equal(scan.checked_len, scan.readable_len);
	assert_memory_equal(found, whole, ends[4]);
	assert_true(scan.readable_len < ends[4] + 200);
}

static void test_garbage(void **state)
{
	static uint8_t garbage[40000];
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(begin(state), 0);
		for (size_t k = 0; k < sizeof(garbage); k++)
			garbage[k] = i == 0   ? 0
				     : i == 1 ? 0xff
				     : i == 2 ? (uint8_t)(k * 2654435761u >> 11)
					      : (uint8_t) "\x7f"
							  "ELF"[k % 4];
		put(file.fd, garbage, sizeof(garbage));
		adopt(i % 2 == 0);
		assert_counts(0, 1, 0);
		look_at(file.dir_fd, published);
		assert_int_equal(scan.integrity, SNAP_INTEGRITY_TRUNCATED);
		assert_string_equal(notes, "its writer ended early, and it was adopted: 0 of its "
					   "40000 bytes are kept\n");
		assert_int_equal(end(state), 0);
	}
}

/* A changed byte: what the checkpoint before it vouches for is kept. */
static void test_damage(void **state)
{
	(void)state;
	write_snapshot(file.fd, 4711);
	whole[ends[4] + 500] ^= 1;
	put(file.fd, whole, whole_len);
	adopt(false);
	assert_counts(0, 1, 0);
	look_at(file.dir_fd, published);
	assert_int_equal(scan.integrity, SNAP_INTEGRITY_TRUNCATED);
	assert_memory_equal(found, whole, ends[4]);
	assert_true(scan.readable_len < ends[4] + 200);
}

static void test_newer_format_is_left_alone(void **state)
{
	(void)state;
	write_snapshot(file.fd, 4711);
	/* The version is the byte behind magic and its own tag. */
	uint8_t *version = memmem(whole, 64, "\x10\x01", 2);
	assert_non_null(version);
	version[1] = 2;
	put(file.fd, whole, whole_len - 5);
	adopt(false);
	assert_counts(0, 1, 0);
	struct stat st;
	assert_int_equal(fstatat(file.dir_fd, published, &st, 0), 0);
	assert_int_equal(st.st_size, whole_len - 5);
}

static void test_empty_ones_go_and_busy_and_foreign_ones_stay(void **state)
{
	(void)state;
	struct snap_spool_file busy;
	struct stat st;
	const char *target = in_top("target");
	int fd = open(target, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(close(fd), 0);
	assert_int_equal(snap_spool_create(spool, &busy), 0);
	write_snapshot(busy.fd, 1);
	assert_int_equal(symlinkat(target, file.incoming_fd, "link.part"), 0);
	assert_int_equal(mkfifoat(file.incoming_fd, "fifo.part", 0600), 0);
	assert_int_equal(mkdirat(file.incoming_fd, "dir.part", 0700), 0);
	fd = openat(file.incoming_fd, "notes.txt", O_CREAT | O_WRONLY, 0600);
	assert_int_equal(close(fd), 0);
	fd = openat(file.incoming_fd, "a\nb.part", O_CREAT | O_WRONLY, 0600);
	assert_int_equal(close(fd), 0);
	adopt(false);
	assert_counts(0, 0, 1);
	assert_string_equal(published, "");
	assert_int_equal(published_error, 0);
	assert_int_equal(counts.num_busy, 1);
	assert_int_equal(counts.num_foreign, 5);
	assert_int_equal(fstatat(file.incoming_fd, file.part, &st, 0), -1);
	assert_int_equal(fstatat(file.incoming_fd, busy.part, &st, 0), 0);
	assert_int_equal(stat(target, &st), 0);
	assert_int_equal(st.st_size, 1);
	snap_spool_file_deinit(&busy);
}

static void test_two_of_one_name(void **state)
{
	(void)state;
	struct snap_spool_file second;
	struct snap_spool_name a, b;
	char first[SNAP_SPOOL_NAME_MAX];
	assert_int_equal(snap_spool_create(spool, &second), 0);
	write_snapshot(second.fd, 4711);
	write_snapshot(file.fd, 4711);
	adopt(false);
	memcpy(first, published, sizeof(first));
	assert_int_equal(counts.num_busy, 1);
	assert_int_equal(close(second.fd), 0);
	second.fd = -1;
	file.fd = open("/dev/null", O_RDONLY);
	adopt(false);
	assert_counts(1, 0, 0);
	assert_true(snap_spool_name_parse(first, &a));
	assert_true(snap_spool_name_parse(published, &b));
	assert_int_equal(a.time_s, b.time_s);
	assert_int_equal(a.pid, b.pid);
	assert_string_not_equal(a.uuid, b.uuid);
	snap_spool_file_deinit(&second);
}

/* Larger than a snapshot may be: the records in front are kept. */
static void test_too_large(void **state)
{
	(void)state;
	write_snapshot(file.fd, 4711);
	put(file.fd, whole, ends[4]);
	assert_int_equal(ftruncate(file.fd, (off_t)SNAP_MAX_FILE_BYTES + 12345), 0);
	/* In a child it might take too long for a busy machine, sanitized. */
	adopt(true);
	assert_counts(0, 1, 0);
	look_at(file.dir_fd, published);
	assert_int_equal(scan.integrity, SNAP_INTEGRITY_TRUNCATED);
	assert_memory_equal(found, whole, ends[4]);
	assert_non_null(strstr(notes, " of its 268447801 bytes are kept"));
}

/* Of such a file, all that is within the limit counts, not only what is well below it. */
static void test_too_large_and_full(void **state)
{
	(void)state;
	enum { RECORD = 60 << 20, NUM = 4 };
	/* Field 2000 of wire type 2, and its length. */
	static const uint8_t head[] = {0x82, 0x7d, 0x80, 0x80, 0x80, 0x1e};
	struct snap_seal seal;
	write_snapshot(file.fd, 4711);
	put(file.fd, whole, ends[4]);
	for (off_t i = 0; i < NUM; i++)
		assert_int_equal(pwrite(file.fd, head, sizeof(head),
					 (off_t)ends[4] + i * (RECORD + (off_t)sizeof(head))),
			sizeof(head));
	assert_int_equal(ftruncate(file.fd, (off_t)SNAP_MAX_FILE_BYTES + 1), 0);
	assert_int_equal(snap_seal(file.fd, PROGRAM, "it was cut", &seal), 0);
	/* The last record may be zeros that were never written. */
	assert_int_equal(seal.keep_len, ends[4] + (NUM - 1) * (RECORD + sizeof(head)));
}

/* More records than a reader takes. */
static void test_too_many_records(void **state)
{
	(void)state;
	enum { NUM = 300000 };
	write_snapshot(file.fd, 4711);
	uint8_t *many = malloc(ends[4] + 2 * NUM);
	assert_non_null(many);
	memcpy(many, whole, ends[4]);
	/* Field 1 of wire type 0. */
	for (size_t i = 0; i < NUM; i++) {
		many[ends[4] + 2 * i] = 0x08;
		many[ends[4] + 2 * i + 1] = 1;
	}
	put(file.fd, many, ends[4] + 2 * NUM);
	struct snap_seal seal;
	assert_int_equal(snap_seal(file.fd, PROGRAM, "it was cut", &seal), 0);
	assert_true(seal.keep_len > ends[4] + 2 * 100000);
	void *data = mmap(NULL, seal.keep_len + 100, PROT_READ, MAP_PRIVATE, file.fd, 0);
	assert_ptr_not_equal(data, MAP_FAILED);
	struct stat st;
	struct snap_error err = SNAP_ERROR_INIT;
	assert_int_equal(fstat(file.fd, &st), 0);
	assert_int_equal(snap_snapshot_scan(snap_bytes(data, (size_t)st.st_size), &scan, &err), 0);
	assert_int_equal(scan.integrity, SNAP_INTEGRITY_TRUNCATED);
	assert_int_equal(scan.checked_len, st.st_size);
	assert_int_equal(munmap(data, seal.keep_len + 100), 0);
	free(many);
}

/* As on a full disk: not a byte more than there was. */
static void test_no_room_for_the_end(void **state)
{
	(void)state;
	struct rlimit old, limit;
	write_snapshot(file.fd, 4711);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	(void)signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < num_ends - 1; i++) {
		struct snap_seal seal;
		put(file.fd, whole, ends[i] + 1);
		limit = (struct rlimit){ends[i] + 1, old.rlim_max};
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		int r = snap_seal(file.fd, PROGRAM, "the disk was full", &seal);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
		/* Where not even the shortest file fits. */
		if (r == -EFBIG && ends[i] < 150)
			continue;
		assert_int_equal(r, 0);
		look_at(file.incoming_fd, file.part);
		assert_int_equal(scan.integrity, SNAP_INTEGRITY_TRUNCATED);
		assert_string_equal(scan.why, "no final checkpoint");
		assert_int_equal(scan.checked_len, scan.readable_len);
		assert_non_null(strstr(notes, "the disk was full: "));
		/* The memory record is the only one large enough to give more than need be. */
		if (i >= 6)
			assert_true(seal.keep_len >= ends[4]);
	}
	(void)signal(SIGXFSZ, SIG_DFL);
}

static void test_no_spool(void **state)
{
	(void)state;
	const struct snap_adopt_options options = {.program = PROGRAM};
	const char *path = in_top("none");
	assert_int_equal(snap_adopt_all(path, &options, &counts), -ENOENT);
	assert_int_equal(symlink(spool, path), 0);
	assert_int_equal(snap_adopt_all(path, &options, &counts), -ELOOP);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_a_whole_one_is_published_as_it_is),
		TEST(test_bytes_behind_the_end_are_cut_off),
		TEST(test_what_is_unknown_is_kept),
		TEST(test_cut_at_every_byte),
		cmocka_unit_test(test_names_of_truncated_ones),
		TEST(test_zeros_at_the_end),
		cmocka_unit_test(test_garbage),
		TEST(test_damage),
		TEST(test_newer_format_is_left_alone),
		TEST(test_empty_ones_go_and_busy_and_foreign_ones_stay),
		TEST(test_two_of_one_name),
		TEST(test_too_large),
		TEST(test_too_large_and_full),
		TEST(test_too_many_records),
		TEST(test_no_room_for_the_end),
		TEST(test_no_spool),
	};
	return cmocka_run_group_tests(tests, make_top, remove_top);
}
