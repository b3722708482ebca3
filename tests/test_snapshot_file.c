/* common/snapshot_write and snapshot_read together: what is written is read back whole; a file cut
 * or damaged anywhere is never taken for a complete one and yields only what was written; hostile
 * files are refused within bounds. */
#include "common/snapshot_read.h"
#include "common/snapshot_write.h"

#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "common/crc32c.h"

#define ARRAY_LEN(a)   (sizeof(a) / sizeof((a)[0]))
#define BYTES(literal) snap_bytes(literal, sizeof(literal) - 1)
#define ABSENT	       snap_bytes(NULL, 0)

/* ---------------------------------------------------------------- a realistic snapshot */

/* What was written, as the reader has to deliver it. */
static struct snap_record expected[128];
static size_t num_expected;

static struct snap_writer writer;
static uint8_t noise[4096]; /* every byte value, no pattern */

static struct snap_record *expect(uint32_t number)
{
	assert_true(num_expected < ARRAY_LEN(expected));
	expected[num_expected] = (struct snap_record){
		.number = number, .is_bytes = true, .decoded = number != SNAP_RECORD_CHECKPOINT};
	return &expected[num_expected++];
}

#define WRITE(kind, member, number, ...)                                                           \
	do {                                                                                       \
		struct snap_record *r_ = expect(number);                                           \
		r_->u.member = (struct snap_##kind)__VA_ARGS__;                                    \
		assert_int_equal(snap_write_##member(&writer, &r_->u.member), 0);                  \
	} while (0)

static void write_checkpoint(bool final)
{
	(void)expect(SNAP_RECORD_CHECKPOINT);
	assert_int_equal(snap_write_checkpoint(&writer, final), 0);
}

static void write_note(const char *text, const char *as_read)
{
	expect(SNAP_RECORD_NOTE)->u.note = snap_bytes_str(as_read);
	assert_int_equal(snap_write_note(&writer, text), 0);
}

/* One that is not valid UTF-8 makes two records. */
static void write_hostile_tag(struct snap_tag tag, const char *key, const char *value)
{
	expect(SNAP_RECORD_TAG)->u.tag =
		(struct snap_tag){snap_bytes_str(key), snap_bytes_str(value)};
	expect(SNAP_RECORD_RAW_TAG)->u.tag = tag;
	assert_int_equal(snap_write_tag(&writer, &tag), 0);
}

/* A crash of three threads: four groups, each with its checkpoint. */
static void write_realistic(int fd)
{
	srandom(7);
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)random();
	static struct snap_regset regsets[3][2];
	for (size_t i = 0; i < 3; i++) {
		regsets[i][0] = (struct snap_regset){NT_PRSTATUS, {noise + i, 216}};
		regsets[i][1] = (struct snap_regset){NT_FPREGSET, {noise + 300 * i, 512}};
	}

	num_expected = 0;
	snap_writer_init(&writer, fd);
	expect(SNAP_RECORD_HEADER)->u.header =
		(struct snap_header){SNAP_FORMAT_VERSION, snap_bytes_str("snapcrash-client 0.1.0")};
	assert_int_equal(snap_write_header(&writer, "snapcrash-client 0.1.0"), 0);
	WRITE(metadata, metadata, SNAP_RECORD_METADATA,
		{.reason = BYTES("SIGSEGV"),
			.has_fatal = true,
			.fatal = true,
			.project_name = BYTES("gr\xc3\xbcn"),
			.software_version = BYTES("1.2-3"),
			.software_build_uuid = BYTES("\x00\xff\x00\xfe"),
			.device_name = BYTES("device 7"),
			.snapshot_uuid = snap_bytes(noise, 16),
			.has_cpu_arch = true,
			.cpu_arch = 0});
	/* The fault address 0 is a fact. */
	WRITE(signal, signal, SNAP_RECORD_SIGNAL,
		{.has_signo = true,
			.signo = 11,
			.has_code = true,
			.code = 1,
			.has_tid = true,
			.tid = 4242,
			.has_address = true,
			.address = 0,
			.siginfo = snap_bytes(noise + 50, 128)});
	WRITE(process, process, SNAP_RECORD_PROCESS,
		{.has_pid = true,
			.pid = 4240,
			.has_uid = true,
			.uid = 0,
			.has_gid = true,
			.gid = UINT32_MAX,
			.comm = BYTES("a\n\x1b[31m\xff\xc0\0x"),
			.exe = BYTES("/tmp/\xe2\x80\xae/x"),
			.has_exe_deleted = true,
			.exe_deleted = true,
			.has_elf = true,
			.elf_machine = EM_X86_64,
			.elf_class = ELFCLASS64,
			.elf_data = ELFDATA2LSB,
			.has_identity_unverified = true,
			.has_num_threads = true,
			.num_threads = 3});
	WRITE(thread, thread, SNAP_RECORD_THREAD,
		{.has_tid = true,
			.tid = 4242,
			.name = BYTES("bad\xff\0name\xed\xa0\x80"),
			.has_state = true,
			.state = SNAP_THREAD_RUNNING,
			.regsets = regsets[0],
			.num_regsets = 2});
	WRITE(memory_range, memory, SNAP_RECORD_MEMORY,
		{.address = 0x7ffc12345678,
			.data = snap_bytes(noise + 1000, 700),
			.reason = SNAP_MEMORY_STACK,
			.has_tid = true,
			.tid = 4242});
	WRITE(memory_range, memory, SNAP_RECORD_MEMORY,
		{.address = 0x55d0c0001139,
			.data = snap_bytes(noise + 3000, 64),
			.reason = SNAP_MEMORY_CODE,
			.has_tid = true,
			.tid = 0});
	WRITE(memory_range, memory, SNAP_RECORD_MEMORY,
		{.address = 0x55d0c0005000,
			.data = snap_bytes(noise + 3000, 5),
			.reason = SNAP_MEMORY_ANNOTATED,
			.name = BYTES("the queueÿ")});
	write_checkpoint(false);

	WRITE(mapping, mapping, SNAP_RECORD_MAPPING,
		{.start = 0x55d0c0000000,
			.end = 0x55d0c0002000,
			.file_offset = 0,
			.has_permissions = true,
			.permissions = SNAP_MAPPING_READ | SNAP_MAPPING_EXEC,
			.path = BYTES("/usr/bin/a b\n"),
			.deleted = true,
			.has_device = true,
			.device_major = 8,
			.device_minor = 0,
			.inode = 1ull << 40});
	WRITE(mapping, mapping, SNAP_RECORD_MAPPING,
		{.start = 0xffffffffff600000,
			.end = UINT64_MAX,
			.file_offset = UINT64_MAX,
			.path = ABSENT});
	WRITE(mapping, mapping, SNAP_RECORD_MAPPING, {.path = BYTES("")});
	WRITE(module, module, SNAP_RECORD_MODULE,
		{.start = 0x55d0c0000000,
			.end = 0x55d0c0005000,
			.build_id = snap_bytes(noise, 20),
			.has_load_bias = true,
			.load_bias = 0,
			.path = BYTES("/usr/bin/a b\n"),
			.deleted = true});
	WRITE(module, module, SNAP_RECORD_MODULE,
		{.start = 0x7f0000000000,
			.end = 0x7f0000001000,
			.build_id = ABSENT,
			.build_id_status = SNAP_BUILD_ID_UNREADABLE,
			.path = BYTES("[vdso]")});
	WRITE(module, module, SNAP_RECORD_MODULE,
		{.start = 1,
			.end = 2,
			.build_id = snap_bytes(noise + 9, SNAP_MAX_BUILD_ID),
			.has_load_bias = true,
			.load_bias = UINT64_MAX});
	write_checkpoint(false);

	WRITE(thread, thread, SNAP_RECORD_THREAD,
		{.has_tid = true,
			.tid = 4240,
			.name = BYTES("worker"),
			.regsets = regsets[1],
			.num_regsets = 1});
	WRITE(memory_range, memory, SNAP_RECORD_MEMORY,
		{.address = UINT64_MAX - 31,
			.data = snap_bytes(noise, 32),
			.reason = SNAP_MEMORY_OTHER});
	WRITE(thread, thread, SNAP_RECORD_THREAD, {.has_tid = true, .tid = UINT64_MAX});
	write_checkpoint(false);

	WRITE(process, process, SNAP_RECORD_PROCESS,
		{.cmdline = BYTES("a\0\xff\0"),
			.has_uptime = true,
			.uptime_ms = UINT64_MAX,
			.has_dumpable = true,
			.dumpable = 2,
			.has_rlimit_core = true,
			.rlimit_core = UINT64_MAX,
			.auxv = snap_bytes(noise + 2000, 64)});
	WRITE(system, system, SNAP_RECORD_SYSTEM,
		{.sysname = BYTES("Linux"),
			.release = BYTES("6.1.0"),
			.version = BYTES("#1"),
			.machine = BYTES("x86_64"),
			.os = BYTES("Debian GNU/Linux 12")});
	WRITE(tag, tag, SNAP_RECORD_TAG, {BYTES("key"), BYTES("v\xc3\xa4lue\n")});
	write_hostile_tag((struct snap_tag){BYTES("k\xff"), BYTES("v\0v")}, "k\\xff", "v\\x00v");
	write_hostile_tag((struct snap_tag){BYTES(""), BYTES("\x80")}, "", "\\x80");
	WRITE(omission, omission, SNAP_RECORD_OMISSION,
		{.what = SNAP_OMITTED_STACK,
			.why = SNAP_OMITTED_CAP,
			.has_tid = true,
			.tid = 4242,
			.has_range = true,
			.address = 0,
			.bytes = 1ull << 33});
	WRITE(omission, omission, SNAP_RECORD_OMISSION,
		{.what = SNAP_OMITTED_THREAD,
			.why = SNAP_OMITTED_UNREADABLE,
			.has_count = true,
			.count = 12,
			.has_error = true,
			.error = EPERM});
	write_note("a plain note", "a plain note");
	write_note("a \x1b note\xff", "a \x1b note\\xff");
	WRITE(capture, capture, SNAP_RECORD_CAPTURE,
		{.has_method = true,
			.method = SNAP_CAPTURE_CORE_PATTERN,
			.has_time = true,
			.time_s = -1,
			.time_ns = 999999999,
			.has_hold_time = true,
			.hold_time_ns = 123456789,
			.has_pause_time = true,
			.pause_time_ns = 0});
	write_checkpoint(true);
}

static int memory_file(void)
{
	int fd = memfd_create("snapshot", MFD_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* All that was written to fd, on the heap; closes fd. */
static struct snap_bytes contents(int fd)
{
	struct stat st;
	assert_int_equal(fstat(fd, &st), 0);
	uint8_t *data = malloc((size_t)st.st_size + 1);
	assert_non_null(data);
	assert_int_equal(pread(fd, data, (size_t)st.st_size, 0), st.st_size);
	close(fd);
	return snap_bytes(data, (size_t)st.st_size);
}

static void release(struct snap_bytes file)
{
	free((void *)(uintptr_t)file.data);
}

static struct snap_bytes realistic(void)
{
	int fd = memory_file();
	write_realistic(fd);
	return contents(fd);
}

/* ---------------------------------------------------------------- reading */

struct place {
	uint32_t number;
	size_t off, end;
};

struct reading {
	int scanned; /* what snap_snapshot_scan() returned */
	struct snap_scan scan;
	struct snap_error err; /* of the scan, else of the last record that was refused */
	struct place places[256];
	size_t num;	    /* records delivered; more than 256 are only counted */
	size_t num_refused; /* records that were not */
};

static struct reading reading;

/* Scans and reads all of file. */
static void read_file(struct snap_bytes file)
{
	reading.num = reading.num_refused = 0;
	reading.err = (struct snap_error)SNAP_ERROR_INIT;
	memset(&reading.scan, 0x5a, sizeof(reading.scan));
	reading.scanned = snap_snapshot_scan(file, &reading.scan, &reading.err);
	if (reading.scanned < 0) {
		assert_int_not_equal(reading.err.code, SNAP_ERROR_NONE);
		assert_int_not_equal(reading.err.text[0], '\0');
		return;
	}
	const struct snap_scan *scan = &reading.scan;
	assert_true(scan->checked_len <= scan->readable_len && scan->readable_len <= file.len);
	assert_int_equal(scan->why[0] == '\0', scan->integrity == SNAP_INTEGRITY_COMPLETE);

	struct snap_reader reader;
	struct snap_record record;
	int r;
	snap_reader_init(&reader, file, scan->readable_len);
	while ((r = snap_reader_next(&reader, &record, &reading.err)) != 0) {
		if (r < 0) {
			reading.num_refused++;
			continue;
		}
		if (reading.num < ARRAY_LEN(reading.places))
			reading.places[reading.num] =
				(struct place){record.number, record.off, record.end};
		reading.num++;
	}
	assert_int_equal(reading.num + reading.num_refused, scan->num_records);
	snap_reader_deinit(&reader);
}

static void assert_refused(enum snap_error_code code, const char *text)
{
	assert_int_equal(reading.scanned, -1);
	assert_int_equal(reading.err.code, code);
	if (!strstr(reading.err.text, text))
		fail_msg("'%s' does not say '%s'", reading.err.text, text);
}

static void assert_integrity(enum snap_integrity integrity, size_t num)
{
	assert_int_equal(reading.scanned, 0);
	if (reading.scan.integrity != integrity)
		fail_msg("%s (%s), not %s", snap_integrity_name(reading.scan.integrity),
			reading.scan.why, snap_integrity_name(integrity));
	assert_int_equal(reading.num, num);
	assert_int_equal(reading.num_refused, 0);
}

/* The places of the true records, and how many of them end by off. */
static struct place truth[256];
static size_t num_truth;

static void learn_truth(struct snap_bytes file)
{
	read_file(file);
	assert_integrity(SNAP_INTEGRITY_COMPLETE, num_expected);
	memcpy(truth, reading.places, sizeof(truth));
	num_truth = reading.num;
}

static size_t num_whole(size_t off)
{
	size_t num = 0;
	while (num < num_truth && truth[num].end <= off)
		num++;
	return num;
}

/* Whether what was read of damaged is a prefix of the true records of file, byte for byte. A
 * checkpoint's flag may have changed, for that is no record's content. */
static bool is_prefix_of_truth(struct snap_bytes damaged, struct snap_bytes file)
{
	if (reading.num > num_truth || reading.num_refused > 0)
		return false;
	for (size_t i = 0; i < reading.num; i++) {
		const struct place *place = &reading.places[i];
		if (memcmp(place, &truth[i], sizeof(*place)) != 0)
			return false;
		if (place->number != SNAP_RECORD_CHECKPOINT &&
			memcmp(damaged.data + place->off, file.data + place->off,
				place->end - place->off) != 0)
			return false;
	}
	return true;
}

/* ---------------------------------------------------------------- whole files */

/* Absent and empty are not the same. */
static void assert_bytes(struct snap_bytes actual, struct snap_bytes wanted)
{
	assert_int_equal(actual.data != NULL, wanted.data != NULL);
	assert_int_equal(actual.len, wanted.len);
	if (wanted.len > 0)
		assert_memory_equal(actual.data, wanted.data, wanted.len);
}

#define SAME(member)	   assert_true(a->member == b->member)
#define SAME_BYTES(member) assert_bytes(a->member, b->member)
#define SAME_IF(flag, member)                                                                      \
	do {                                                                                       \
		SAME(flag);                                                                        \
		if (b->flag)                                                                       \
			SAME(member);                                                              \
	} while (0)

static void assert_same_metadata(const struct snap_metadata *a, const struct snap_metadata *b)
{
	SAME_BYTES(reason);
	SAME_IF(has_fatal, fatal);
	SAME_BYTES(project_name);
	SAME_BYTES(software_version);
	SAME_BYTES(software_build_uuid);
	SAME_BYTES(device_name);
	SAME_BYTES(snapshot_uuid);
	SAME_IF(has_cpu_arch, cpu_arch);
}

static void assert_same_thread(const struct snap_thread *a, const struct snap_thread *b)
{
	SAME_IF(has_tid, tid);
	SAME_BYTES(name);
	SAME_IF(has_state, state);
	SAME(num_regsets);
	for (size_t i = 0; i < b->num_regsets; i++) {
		SAME(regsets[i].type);
		SAME_BYTES(regsets[i].data);
	}
}

static void assert_same_process(const struct snap_process *a, const struct snap_process *b)
{
	SAME_IF(has_pid, pid);
	SAME_IF(has_uid, uid);
	SAME_IF(has_gid, gid);
	SAME_BYTES(comm);
	SAME_BYTES(exe);
	SAME_IF(has_exe_deleted, exe_deleted);
	SAME_BYTES(cmdline);
	SAME_IF(has_uptime, uptime_ms);
	SAME_IF(has_dumpable, dumpable);
	SAME_IF(has_rlimit_core, rlimit_core);
	SAME_IF(has_elf, elf_machine);
	SAME_IF(has_elf, elf_class);
	SAME_IF(has_elf, elf_data);
	SAME_BYTES(auxv);
	SAME_IF(has_identity_unverified, identity_unverified);
	SAME_IF(has_num_threads, num_threads);
}

static void assert_same_signal(const struct snap_signal *a, const struct snap_signal *b)
{
	SAME_IF(has_signo, signo);
	SAME_IF(has_code, code);
	SAME_IF(has_tid, tid);
	SAME_IF(has_address, address);
	SAME_IF(has_sender, sender_pid);
	SAME_IF(has_sender, sender_uid);
	SAME_BYTES(siginfo);
}

static void assert_same_memory(const struct snap_memory_range *a, const struct snap_memory_range *b)
{
	SAME(address);
	SAME_BYTES(data);
	SAME(reason);
	SAME_IF(has_tid, tid);
	SAME_BYTES(name);
}

static void assert_same_mapping(const struct snap_mapping *a, const struct snap_mapping *b)
{
	SAME(start);
	SAME(end);
	SAME(file_offset);
	SAME_IF(has_permissions, permissions);
	SAME_BYTES(path);
	SAME(deleted);
	SAME_IF(has_device, device_major);
	SAME_IF(has_device, device_minor);
	SAME_IF(has_device, inode);
}

static void assert_same_module(const struct snap_module *a, const struct snap_module *b)
{
	SAME(start);
	SAME(end);
	SAME_BYTES(build_id);
	SAME(build_id_status);
	SAME_IF(has_load_bias, load_bias);
	SAME_BYTES(path);
	SAME(deleted);
}

static void assert_same_rest(const struct snap_record *x, const struct snap_record *y)
{
	switch (y->number) {
	case SNAP_RECORD_HEADER: {
		const struct snap_header *a = &x->u.header, *b = &y->u.header;
		SAME(format_version);
		SAME_BYTES(writer);
		break;
	}
	case SNAP_RECORD_TAG:
	case SNAP_RECORD_RAW_TAG: {
		const struct snap_tag *a = &x->u.tag, *b = &y->u.tag;
		SAME_BYTES(key);
		SAME_BYTES(value);
		break;
	}
	case SNAP_RECORD_SYSTEM: {
		const struct snap_system *a = &x->u.system, *b = &y->u.system;
		SAME_BYTES(sysname);
		SAME_BYTES(release);
		SAME_BYTES(version);
		SAME_BYTES(machine);
		SAME_BYTES(os);
		break;
	}
	case SNAP_RECORD_CAPTURE: {
		const struct snap_capture *a = &x->u.capture, *b = &y->u.capture;
		SAME_IF(has_method, method);
		SAME_IF(has_time, time_s);
		SAME_IF(has_time, time_ns);
		SAME_IF(has_hold_time, hold_time_ns);
		SAME_IF(has_pause_time, pause_time_ns);
		break;
	}
	case SNAP_RECORD_OMISSION: {
		const struct snap_omission *a = &x->u.omission, *b = &y->u.omission;
		SAME(what);
		SAME(why);
		SAME_IF(has_tid, tid);
		SAME_IF(has_range, address);
		SAME_IF(has_range, bytes);
		SAME_IF(has_count, count);
		SAME_IF(has_error, error);
		break;
	}
	case SNAP_RECORD_NOTE:
		assert_bytes(x->u.note, y->u.note);
		break;
	default:
		assert_int_equal(y->number, SNAP_RECORD_CHECKPOINT);
	}
}

static void assert_same_record(const struct snap_record *actual, const struct snap_record *wanted)
{
	assert_int_equal(actual->number, wanted->number);
	assert_int_equal(actual->decoded, wanted->decoded);
	assert_true(actual->is_bytes);
	switch (wanted->number) {
	case SNAP_RECORD_METADATA:
		assert_same_metadata(&actual->u.metadata, &wanted->u.metadata);
		break;
	case SNAP_RECORD_THREAD:
		assert_same_thread(&actual->u.thread, &wanted->u.thread);
		break;
	case SNAP_RECORD_PROCESS:
		assert_same_process(&actual->u.process, &wanted->u.process);
		break;
	case SNAP_RECORD_SIGNAL:
		assert_same_signal(&actual->u.signal, &wanted->u.signal);
		break;
	case SNAP_RECORD_MEMORY:
		assert_same_memory(&actual->u.memory, &wanted->u.memory);
		break;
	case SNAP_RECORD_MAPPING:
		assert_same_mapping(&actual->u.mapping, &wanted->u.mapping);
		break;
	case SNAP_RECORD_MODULE:
		assert_same_module(&actual->u.module, &wanted->u.module);
		break;
	default:
		assert_same_rest(actual, wanted);
	}
}

static void test_snapshot_every_field_is_read_as_written(void **state)
{
	(void)state;
	struct snap_bytes file = realistic();
	struct snap_scan scan;
	struct snap_error err = SNAP_ERROR_INIT;
	assert_int_equal(snap_snapshot_scan(file, &scan, &err), 0);
	assert_int_equal(scan.integrity, SNAP_INTEGRITY_COMPLETE);
	assert_true(scan.has_header);
	assert_int_equal(scan.readable_len, file.len);
	assert_int_equal(scan.checked_len, file.len);
	assert_int_equal(scan.num_checkpoints, 4);
	assert_int_equal(scan.num_records, num_expected);
	assert_string_equal(scan.why, "");

	/* All at once, so that a record that does not live long enough shows. */
	static struct snap_record records[ARRAY_LEN(expected)];
	struct snap_reader reader;
	snap_reader_init(&reader, file, scan.readable_len);
	size_t end = 0;
	for (size_t i = 0; i < num_expected; i++) {
		assert_int_equal(snap_reader_next(&reader, &records[i], &err), 1);
		assert_int_equal(records[i].off, end);
		end = records[i].end;
	}
	struct snap_record record;
	assert_int_equal(snap_reader_next(&reader, &record, &err), 0);
	assert_int_equal(snap_reader_next(&reader, &record, &err), 0);
	assert_int_equal(end, file.len);
	for (size_t i = 0; i < num_expected; i++)
		assert_same_record(&records[i], &expected[i]);
	snap_reader_deinit(&reader);
	release(file);
}

static void test_snapshot_writing_through_a_pipe_makes_the_same_file(void **state)
{
	(void)state;
	int fds[2];
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_true(fcntl(fds[1], F_SETPIPE_SZ, 65536) >= 65536);
	write_realistic(fds[1]);
	close(fds[1]);
	struct snap_bytes file = realistic();
	uint8_t buf[65536];
	assert_int_equal(read(fds[0], buf, sizeof(buf)), file.len);
	assert_memory_equal(buf, file.data, file.len);
	close(fds[0]);
	release(file);
}

static void test_snapshot_writer_is_small_and_takes_large_ranges(void **state)
{
	(void)state;
	/* It lives on the stack of a program that may have little. */
	assert_true(sizeof(struct snap_writer) < 36 * 1024);
	size_t len = 16 << 20;
	uint8_t *data = malloc(len);
	assert_non_null(data);
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(i * 2654435761u >> 13);
	int fd = memory_file();
	const struct snap_memory_range range = {.address = 0x1000, .data = {data, len}};
	snap_writer_init(&writer, fd);
	assert_int_equal(snap_write_header(&writer, "test"), 0);
	assert_int_equal(snap_write_memory(&writer, &range), 0);
	assert_int_equal(snap_write_checkpoint(&writer, true), 0);
	struct snap_bytes file = contents(fd);
	assert_int_equal(writer.len, file.len);
	read_file(file);
	assert_integrity(SNAP_INTEGRITY_COMPLETE, 3);

	struct snap_reader reader;
	struct snap_record record;
	snap_reader_init(&reader, file, file.len);
	assert_int_equal(snap_reader_next(&reader, &record, NULL), 1);
	assert_int_equal(snap_reader_next(&reader, &record, NULL), 1);
	assert_int_equal(record.u.memory.data.len, len);
	assert_memory_equal(record.u.memory.data.data, data, len);
	/* The bytes of memory are not copied. */
	assert_true(record.u.memory.data.data > file.data &&
		    record.u.memory.data.data < file.data + file.len);
	snap_reader_deinit(&reader);
	release(file);
	free(data);
}

/* As many as the capture half writes at most, with the registers that it takes. */
static void test_snapshot_of_65536_threads_is_read(void **state)
{
	(void)state;
	uint8_t regs[512] = {1};
	const struct snap_regset regsets[] = {
		{NT_PRSTATUS, {regs, 216}}, {NT_FPREGSET, {regs, 512}}};
	int fd = memory_file();
	snap_writer_init(&writer, fd);
	assert_int_equal(snap_write_header(&writer, "test"), 0);
	for (uint64_t i = 0; i < SNAP_MAX_THREADS; i++) {
		const struct snap_thread thread = {.has_tid = true,
			.tid = 4000000 + i,
			.name = BYTES("a thread's name"),
			.regsets = regsets,
			.num_regsets = 2};
		assert_int_equal(snap_write_thread(&writer, &thread), 0);
	}
	assert_int_equal(snap_write_checkpoint(&writer, true), 0);
	struct snap_bytes file = contents(fd);
	read_file(file);
	assert_string_equal(reading.err.text, "");
	assert_integrity(SNAP_INTEGRITY_COMPLETE, SNAP_MAX_THREADS + 2);
	release(file);
}

/* ---------------------------------------------------------------- cut and damaged files */

static void test_snapshot_cut_at_each_byte(void **state)
{
	(void)state;
	struct snap_bytes file = realistic();
	learn_truth(file);
	for (size_t len = 0; len < file.len; len++) {
		/* Of its exact size, so that a sanitizer sees a byte too far. */
		uint8_t *copy = malloc(len ? len : 1);
		assert_non_null(copy);
		memcpy(copy, file.data, len);
		struct snap_bytes cut = snap_bytes(copy, len);
		read_file(cut);
		if (len == 0) {
			assert_refused(SNAP_ERROR_MALFORMED, "neither a snapshot nor an ELF core");
		} else {
			assert_integrity(SNAP_INTEGRITY_TRUNCATED, num_whole(len));
			assert_true(is_prefix_of_truth(cut, file));
			assert_true(reading.scan.fault_off <= len);
		}
		free(copy);
	}
	release(file);
}

static void test_snapshot_each_byte_damaged(void **state)
{
	(void)state;
	struct snap_bytes file = realistic();
	learn_truth(file);
	uint8_t *copy = malloc(file.len);
	assert_non_null(copy);
	memcpy(copy, file.data, file.len);
	struct snap_bytes damaged = snap_bytes(copy, file.len);
	for (size_t i = 0; i < file.len; i++) {
		/* Each bit, and all of them. */
		for (unsigned int bit = 0; bit <= 8; bit++) {
			uint8_t mask = bit < 8 ? (uint8_t)(1u << bit) : 0xff;
			copy[i] ^= mask;
			read_file(damaged);
			if (reading.scanned == 0) {
				if (reading.scan.integrity == SNAP_INTEGRITY_COMPLETE)
					fail_msg("byte %zu ^ 0x%02x: complete", i, mask);
				if (!is_prefix_of_truth(damaged, file))
					fail_msg("byte %zu ^ 0x%02x: %s (%s), what was not written",
						i, mask,
						snap_integrity_name(reading.scan.integrity),
						reading.scan.why);
				/* Whole groups before the damage are not lost. */
				size_t group = 0;
				for (size_t j = 0; j < num_truth && truth[j].end <= i; j++)
					if (truth[j].number == SNAP_RECORD_CHECKPOINT)
						group = j + 1;
				if (reading.num < group)
					fail_msg("byte %zu ^ 0x%02x: lost a group", i, mask);
			} else if (i >= truth[0].end) {
				fail_msg("byte %zu ^ 0x%02x: refused", i, mask);
			}
			copy[i] ^= mask;
		}
	}
	free(copy);
	release(file);
}

static void test_snapshot_tail_of_zeros(void **state)
{
	(void)state;
	static const size_t tails[] = {1, 2, 9, 64, 512, 4096};
	struct snap_bytes file = realistic();
	learn_truth(file);
	for (size_t t = 0; t < ARRAY_LEN(tails); t++) {
		uint8_t *copy = malloc(file.len + tails[t]);
		assert_non_null(copy);
		/* With less than the Header's tag it is no snapshot. */
		for (size_t len = 2; len < file.len; len++) {
			struct snap_bytes zeroed = snap_bytes(copy, len + tails[t]);
			memcpy(copy, file.data, len);
			memset(copy + len, 0, tails[t]);
			/* Zeros that fill the last record to its end can't be told from it. */
			size_t whole = num_whole(len);
			if (whole < num_truth && truth[whole].end == zeroed.len)
				continue;
			/* Nor are they a tail where they were written. */
			if (zeroed.len <= file.len &&
				memcmp(copy + len, file.data + len, tails[t]) == 0)
				continue;
			read_file(zeroed);
			assert_int_equal(reading.scanned, 0);
			if (reading.scan.integrity != SNAP_INTEGRITY_TRUNCATED)
				fail_msg("%zu bytes and %zu zeros: %s (%s)", len, tails[t],
					snap_integrity_name(reading.scan.integrity),
					reading.scan.why);
			/* Few zeros can be the whole of a short record. */
			if (tails[t] >= 64 && !is_prefix_of_truth(zeroed, file))
				fail_msg("%zu bytes and %zu zeros: what was not written", len,
					tails[t]);
			/* The last record before the zeros may be doubted, no other. */
			assert_true(reading.num + 1 >= whole);
		}
		free(copy);
	}
	release(file);
}

static void test_snapshot_data_after_the_end(void **state)
{
	(void)state;
	struct snap_bytes file = realistic();
	learn_truth(file);
	size_t final_len = file.len - truth[num_truth - 1].off;
	uint8_t *copy = malloc(file.len + 4096);
	assert_non_null(copy);
	memcpy(copy, file.data, file.len);
	for (size_t tail = 1; tail <= 4096; tail = 2 * tail + 1) {
		struct snap_bytes longer = snap_bytes(copy, file.len + tail);
		for (int kind = 0; kind < 3; kind++) {
			if (kind == 0)
				memset(copy + file.len, 0, tail);
			else if (kind == 1)
				memcpy(copy + file.len, noise, tail);
			else /* a second end, which is of another place */
				memcpy(copy + file.len, file.data + truth[num_truth - 1].off,
					tail < final_len ? tail : final_len);
			read_file(longer);
			assert_integrity(SNAP_INTEGRITY_CORRUPT, num_truth);
			assert_true(is_prefix_of_truth(longer, file));
			assert_int_equal(reading.scan.fault_off, file.len);
		}
	}
	free(copy);
	release(file);
}

static void test_snapshot_records_exchanged_or_repeated(void **state)
{
	(void)state;
	struct snap_bytes file = realistic();
	learn_truth(file);
	uint8_t *copy = malloc(2 * file.len);
	assert_non_null(copy);
	for (size_t i = 1; i + 1 < num_truth; i++) {
		size_t off = truth[i].off, len = truth[i].end - off, next = truth[i + 1].end;
		/* with the next one */
		memcpy(copy, file.data, file.len);
		memcpy(copy + off, file.data + truth[i].end, next - truth[i].end);
		memcpy(copy + off + (next - truth[i].end), file.data + off, len);
		read_file(snap_bytes(copy, file.len));
		assert_int_equal(reading.scanned, 0);
		assert_int_equal(reading.scan.integrity, SNAP_INTEGRITY_CORRUPT);
		assert_true(is_prefix_of_truth(snap_bytes(copy, file.len), file));
		/* twice */
		memcpy(copy, file.data, truth[i].end);
		memcpy(copy + truth[i].end, file.data + off, file.len - off);
		read_file(snap_bytes(copy, file.len + len));
		assert_int_equal(reading.scanned, 0);
		assert_int_equal(reading.scan.integrity, SNAP_INTEGRITY_CORRUPT);
		assert_true(is_prefix_of_truth(snap_bytes(copy, file.len + len), file));
		/* not at all */
		memcpy(copy, file.data, off);
		memcpy(copy + off, file.data + truth[i].end, file.len - truth[i].end);
		read_file(snap_bytes(copy, file.len - len));
		assert_int_equal(reading.scanned, 0);
		assert_int_equal(reading.scan.integrity, SNAP_INTEGRITY_CORRUPT);
		assert_true(is_prefix_of_truth(snap_bytes(copy, file.len - len), file));
	}
	free(copy);
	release(file);
}

/* ---------------------------------------------------------------- made by a stranger */

/* A message under construction. */
static uint8_t *made;
static size_t made_len, made_capacity;

static void put(const void *data, size_t len)
{
	if (made_len + len > made_capacity) {
		made_capacity = 2 * (made_len + len);
		made = realloc(made, made_capacity);
		assert_non_null(made);
	}
	memcpy(made + made_len, data, len);
	made_len += len;
}

static void put_varint(uint64_t value)
{
	uint8_t bytes[10];
	size_t len = 0;
	for (; value > 0x7f; value >>= 7)
		bytes[len++] = (uint8_t)(value | 0x80);
	bytes[len++] = (uint8_t)value;
	put(bytes, len);
}

static void put_bytes(uint32_t number, const void *data, size_t len)
{
	put_varint((uint64_t)number << 3 | 2);
	put_varint(len);
	put(data, len);
}

static void put_number(uint32_t number, uint64_t value)
{
	put_varint((uint64_t)number << 3);
	put_varint(value);
}

/* Headers of other kinds than ours. */
static void put_header(uint64_t magic, uint64_t version)
{
	uint8_t header[32] = {0x09};
	memcpy(header + 1, &magic, 8);
	size_t len = 9;
	header[len++] = 0x10;
	for (; version > 0x7f; version >>= 7)
		header[len++] = (uint8_t)(version | 0x80);
	header[len++] = (uint8_t)version;
	put_bytes(SNAP_RECORD_HEADER, header, len);
}

static void put_checkpoint(bool final)
{
	uint64_t off = made_len;
	uint32_t crc = snap_crc32c(0, made, made_len);
	uint8_t checkpoint[16] = {[0] = 0x09, [9] = 0x15, [14] = 0x18, [15] = final};
	memcpy(checkpoint + 1, &off, 8);
	memcpy(checkpoint + 10, &crc, 4);
	put_bytes(SNAP_RECORD_CHECKPOINT, checkpoint, sizeof(checkpoint));
}

static void begin(void)
{
	made_len = 0;
	put_header(SNAP_FORMAT_MAGIC, 1);
}

static void read_made(void)
{
	/* Of its exact size, so that a sanitizer sees a byte too far. */
	uint8_t *copy = malloc(made_len ? made_len : 1);
	assert_non_null(copy);
	memcpy(copy, made, made_len);
	read_file(snap_bytes(copy, made_len));
	free(copy);
}

static void finish(void)
{
	put_checkpoint(true);
	read_made();
}

static void test_snapshot_made_by_hand(void **state)
{
	(void)state;
	/* The tests below would show nothing if their files were wrong for another reason. */
	begin();
	put_bytes(SNAP_RECORD_NOTE, "hello", 5);
	put_checkpoint(false);
	put_bytes(SNAP_RECORD_NOTE, "again", 5);
	finish();
	assert_integrity(SNAP_INTEGRITY_COMPLETE, 5);
}

static void test_snapshot_what_is_none(void **state)
{
	(void)state;
	static const struct snap_bytes files[] = {{(const uint8_t *)"", 0},
		{(const uint8_t *)"hello, world\n", 13}, {(const uint8_t *)"\0\0\0\0", 4},
		{(const uint8_t *)"\x7f"
				  "ELF",
			4},
		{(const uint8_t *)"\xc2", 0}, {(const uint8_t *)"\x10\x01\x18\x02", 4},
		{(const uint8_t *)"\x1a\x00", 2},
		{(const uint8_t *)"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", 10}};
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		read_file(files[i]);
		assert_refused(SNAP_ERROR_MALFORMED, "neither a snapshot nor an ELF core");
	}
}

static void test_snapshot_header_versions(void **state)
{
	(void)state;
	static const uint64_t newer[] = {2, 3, 1000, UINT32_MAX};
	for (size_t i = 0; i < ARRAY_LEN(newer); i++) {
		made_len = 0;
		put_header(SNAP_FORMAT_MAGIC, newer[i]);
		finish();
		assert_refused(SNAP_ERROR_UNSUPPORTED, "newer");
	}
	static const struct {
		uint64_t magic, version;
	} broken[] = {{SNAP_FORMAT_MAGIC, 0}, {SNAP_FORMAT_MAGIC ^ 1, 1}, {0, 1}, {0, 2},
		{SNAP_FORMAT_MAGIC, 1ull << 32}, {SNAP_FORMAT_MAGIC, UINT64_MAX}};
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		made_len = 0;
		put_header(broken[i].magic, broken[i].version);
		put_bytes(SNAP_RECORD_NOTE, "x", 1);
		finish();
		assert_integrity(SNAP_INTEGRITY_CORRUPT, 0);
	}
}

static void test_snapshot_header_in_the_middle(void **state)
{
	(void)state;
	begin();
	put_bytes(SNAP_RECORD_NOTE, "vouched for", 11);
	put_checkpoint(false);
	put_bytes(SNAP_RECORD_NOTE, "not", 3);
	put_header(SNAP_FORMAT_MAGIC, 1);
	finish();
	assert_integrity(SNAP_INTEGRITY_CORRUPT, 3);
	/* Two files, one after the other. */
	begin();
	put_bytes(SNAP_RECORD_NOTE, "first", 5);
	put_checkpoint(true);
	put_header(SNAP_FORMAT_MAGIC, 1);
	finish();
	assert_integrity(SNAP_INTEGRITY_CORRUPT, 3);
	/* Behind what would be an unmarked file. */
	made_len = 0;
	put_bytes(SNAP_RECORD_METADATA, "\x10\x01", 2);
	put_header(SNAP_FORMAT_MAGIC, 1);
	finish();
	assert_int_equal(reading.scanned, 0);
	assert_int_equal(reading.scan.integrity, SNAP_INTEGRITY_CORRUPT);
}

static void test_snapshot_checkpoint_without_header(void **state)
{
	(void)state;
	made_len = 0;
	put_bytes(SNAP_RECORD_METADATA, "\x10\x01", 2);
	put_bytes(SNAP_RECORD_THREAD, "\x60\x01", 2);
	finish();
	assert_integrity(SNAP_INTEGRITY_CORRUPT, 0);
	made_len = 0;
	finish();
	assert_integrity(SNAP_INTEGRITY_CORRUPT, 0);
}

static void test_snapshot_broken_checkpoints(void **state)
{
	(void)state;
	/* no offset; no CRC; a flag that is neither; wrong types; not a message */
	static const struct snap_bytes broken[] = {{(const uint8_t *)"\x15\0\0\0\0\x18\x01", 7},
		{(const uint8_t *)"\x09\x00\0\0\0\0\0\0\0\x18\x01", 11}, {(const uint8_t *)"", 0},
		{(const uint8_t *)"\x08\x00\x10\x00\x18\x01", 6}, {(const uint8_t *)"\xff", 1},
		{(const uint8_t *)"\x09\0\0", 3}};
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		begin();
		put_bytes(SNAP_RECORD_CHECKPOINT, broken[i].data, broken[i].len);
		put_bytes(SNAP_RECORD_NOTE, "x", 1); /* else its zeros could be a lost tail */
		read_made();
		assert_integrity(SNAP_INTEGRITY_CORRUPT, 0);
	}
	begin();
	put_number(SNAP_RECORD_CHECKPOINT, 1);
	read_made();
	assert_integrity(SNAP_INTEGRITY_CORRUPT, 0);
	/* "final" is 0 or 1. */
	begin();
	put_checkpoint(true);
	made[made_len - 1] = 2;
	read_made();
	assert_integrity(SNAP_INTEGRITY_CORRUPT, 0);
}

static void test_snapshot_unmarked(void **state)
{
	(void)state;
	/* As a microcontroller of Pigweed's makes it: metadata, a tag, threads with their stacks.
	 */
	made_len = 0;
	put_bytes(SNAP_RECORD_METADATA, "\x0a\x05panic\x10\x01\x40\x01", 11);
	put_bytes(SNAP_RECORD_TAG, "\x0a\x01k\x12\x01v", 6);
	put_bytes(SNAP_RECORD_THREAD, "\x0a\x04idle\x18\x04\x22\x03\x01\x02\x03\x32\x02zz\x60\x07",
		19);
	put_bytes(SNAP_RECORD_THREAD, "\x0a\x04main\x18\x02\x60\x08", 10);
	put_bytes(SNAP_RECORD_LOG, "\x0a\x03log", 5);
	put_bytes(SNAP_RECORD_CPU_STATE, "\x08\x01", 2);
	put_bytes(22, "", 0);
	read_made();
	assert_integrity(SNAP_INTEGRITY_UNMARKED, 7);
	assert_false(reading.scan.has_header);
	assert_int_equal(reading.scan.checked_len, 0);

	struct snap_reader reader;
	struct snap_record record;
	snap_reader_init(&reader, snap_bytes(made, made_len), made_len);
	assert_int_equal(snap_reader_next(&reader, &record, NULL), 1);
	assert_true(record.decoded && record.u.metadata.has_fatal && record.u.metadata.fatal);
	assert_bytes(record.u.metadata.reason, BYTES("panic"));
	assert_int_equal(record.u.metadata.cpu_arch, 1);
	assert_int_equal(snap_reader_next(&reader, &record, NULL), 1);
	assert_bytes(record.u.tag.value, BYTES("v"));
	assert_int_equal(snap_reader_next(&reader, &record, NULL), 1);
	assert_bytes(record.u.thread.name, BYTES("idle"));
	assert_int_equal(record.u.thread.state, 4);
	assert_int_equal(record.u.thread.tid, 7);
	assert_int_equal(record.u.thread.num_regsets, 0);
	snap_reader_deinit(&reader);

	/* Cut within another one. */
	put_bytes(SNAP_RECORD_METADATA, "\x10\x01", 2);
	made_len--;
	read_made();
	assert_integrity(SNAP_INTEGRITY_TRUNCATED, 7);
}

static void test_snapshot_unknown_records_are_given_raw(void **state)
{
	(void)state;
	begin();
	put_bytes(2000, "new", 3);
	put_number(2001, 77);
	put_bytes(1u << 28, "", 0);
	put_bytes(SNAP_RECORD_CPU_STATE, "\xff\xff", 2);
	finish();
	assert_integrity(SNAP_INTEGRITY_COMPLETE, 6);
	struct snap_reader reader;
	struct snap_record record;
	snap_reader_init(&reader, snap_bytes(made, made_len), made_len);
	assert_int_equal(snap_reader_next(&reader, &record, NULL), 1);
	assert_int_equal(snap_reader_next(&reader, &record, NULL), 1);
	assert_int_equal(record.number, 2000);
	assert_false(record.decoded);
	assert_bytes(record.payload, BYTES("new"));
	assert_int_equal(snap_reader_next(&reader, &record, NULL), 1);
	assert_false(record.is_bytes);
	assert_int_equal(record.value, 77);
	snap_reader_deinit(&reader);
}

/* The only record behind the header. The reader is the caller's to end. */
static int read_only_record(struct snap_reader *reader, struct snap_record *record)
{
	reading.err = (struct snap_error)SNAP_ERROR_INIT;
	snap_reader_init(reader, snap_bytes(made, made_len), made_len);
	assert_int_equal(snap_reader_next(reader, record, &reading.err), 1);
	return snap_reader_next(reader, record, &reading.err);
}

static void test_snapshot_empty_messages_have_nothing(void **state)
{
	(void)state;
	struct snap_reader reader;
	struct snap_record record;
	static const uint32_t numbers[] = {SNAP_RECORD_METADATA, SNAP_RECORD_TAG,
		SNAP_RECORD_THREAD, SNAP_RECORD_PROCESS, SNAP_RECORD_SIGNAL, SNAP_RECORD_MEMORY,
		SNAP_RECORD_MAPPING, SNAP_RECORD_MODULE, SNAP_RECORD_SYSTEM, SNAP_RECORD_CAPTURE,
		SNAP_RECORD_OMISSION, SNAP_RECORD_RAW_TAG};
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		struct snap_record nothing = {.number = numbers[i], .decoded = true};
		if (numbers[i] == SNAP_RECORD_TAG) /* a map's entry: absent is empty */
			nothing.u.tag = (struct snap_tag){BYTES(""), BYTES("")};
		if (numbers[i] == SNAP_RECORD_MODULE)
			nothing.u.module.build_id_status = SNAP_BUILD_ID_NO_NOTE;
		begin();
		put_bytes(numbers[i], "", 0);
		assert_int_equal(read_only_record(&reader, &record), 1);
		assert_same_record(&record, &nothing);
		snap_reader_deinit(&reader);
	}
}

static void test_snapshot_zero_is_not_absent(void **state)
{
	(void)state;
	struct snap_reader reader;
	struct snap_record record;
	begin();
	put_bytes(SNAP_RECORD_SIGNAL, "\x20\x00", 2);
	assert_int_equal(read_only_record(&reader, &record), 1);
	assert_true(record.u.signal.has_address);
	assert_int_equal(record.u.signal.address, 0);
	assert_false(record.u.signal.has_signo || record.u.signal.has_code ||
		     record.u.signal.has_tid || record.u.signal.has_sender);
	assert_null(record.u.signal.siginfo.data);
	snap_reader_deinit(&reader);
	/* Half of a pair is none. */
	begin();
	put_bytes(SNAP_RECORD_SIGNAL, "\x28\x05", 2);
	assert_int_equal(read_only_record(&reader, &record), 1);
	assert_false(record.u.signal.has_sender);
	snap_reader_deinit(&reader);
}

static void test_snapshot_numbers_beyond_the_known_ones(void **state)
{
	(void)state;
	struct snap_reader reader;
	struct snap_record record;
	begin();
	put_bytes(SNAP_RECORD_THREAD, "\x18\x63", 2);
	assert_int_equal(read_only_record(&reader, &record), 1);
	assert_int_equal(record.u.thread.state, 99);
	snap_reader_deinit(&reader);
	begin();
	put_bytes(SNAP_RECORD_MEMORY, "\x08\x01\x12\x01x\x18\x63\x98\x3f\x05", 10);
	assert_int_equal(read_only_record(&reader, &record), 1);
	assert_int_equal(record.u.memory.reason, 99);
	assert_bytes(record.u.memory.data, BYTES("x"));
	snap_reader_deinit(&reader);
}

static void test_snapshot_build_ids_of_wrong_length(void **state)
{
	(void)state;
	struct snap_reader reader;
	struct snap_record record;
	for (uint8_t len = 0; len < 80; len++) {
		uint8_t module[2 + 80] = {0x1a, len};
		begin();
		put_bytes(SNAP_RECORD_MODULE, module, 2u + len);
		assert_int_equal(read_only_record(&reader, &record), 1);
		bool right = len >= 1 && len <= SNAP_MAX_BUILD_ID;
		assert_int_equal(record.u.module.build_id.data != NULL, right);
		assert_int_equal(record.u.module.build_id_status,
			right ? SNAP_BUILD_ID_FOUND : SNAP_BUILD_ID_MALFORMED);
		snap_reader_deinit(&reader);
	}
}

static void test_snapshot_memory_ranges_at_the_top_and_over_each_other(void **state)
{
	(void)state;
	struct snap_reader reader;
	struct snap_record record;
	static const struct {
		const char *payload;
		size_t len;
		int r;
	} cases[] = {
		{"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x12\x01x", 14, 1},
		{"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x12\x02xx", 15, -1},
		{"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x12\x00", 13, 1},
		{"\x12\x02xx", 4, 1},
		{"\x08\x01\x12\x05xx", 6, -1},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin();
		put_bytes(SNAP_RECORD_MEMORY, cases[i].payload, cases[i].len);
		assert_int_equal(read_only_record(&reader, &record), cases[i].r);
		if (cases[i].r < 0)
			assert_int_equal(reading.err.code, SNAP_ERROR_MALFORMED);
		snap_reader_deinit(&reader);
	}
	/* The reader gives them as they are, in their order: which one wins is not its matter. */
	begin();
	for (int i = 0; i < 3; i++)
		put_bytes(SNAP_RECORD_MEMORY,
			"\x08\x05\x12\x04"
			"abcd",
			8);
	finish();
	assert_integrity(SNAP_INTEGRITY_COMPLETE, 5);
}

static void test_snapshot_records_of_the_wrong_type(void **state)
{
	(void)state;
	struct snap_reader reader;
	struct snap_record record;
	for (uint32_t number = SNAP_RECORD_PROCESS; number <= SNAP_RECORD_RAW_TAG; number++) {
		begin();
		put_number(number, 1);
		assert_int_equal(read_only_record(&reader, &record), -1);
		assert_int_equal(reading.err.code, SNAP_ERROR_MALFORMED);
		/* The one after it can be read. */
		put_bytes(SNAP_RECORD_NOTE, "x", 1);
		reader.file = snap_bytes(made, made_len);
		assert_int_equal(snap_reader_next(&reader, &record, NULL), 1);
		assert_bytes(record.u.note, BYTES("x"));
		snap_reader_deinit(&reader);
	}
}

static void test_snapshot_payloads_that_do_not_decode(void **state)
{
	(void)state;
	struct snap_reader reader;
	struct snap_record record;
	srandom(8);
	for (int round = 0; round < 100000; round++) {
		static const uint32_t numbers[] = {SNAP_RECORD_METADATA, SNAP_RECORD_TAG,
			SNAP_RECORD_THREAD, SNAP_RECORD_RELATED, SNAP_RECORD_PROCESS,
			SNAP_RECORD_SIGNAL, SNAP_RECORD_MEMORY, SNAP_RECORD_MAPPING,
			SNAP_RECORD_MODULE, SNAP_RECORD_SYSTEM, SNAP_RECORD_CAPTURE,
			SNAP_RECORD_OMISSION, SNAP_RECORD_NOTE, SNAP_RECORD_RAW_TAG};
		uint8_t payload[40];
		size_t len = (size_t)random() % sizeof(payload);
		for (size_t i = 0; i < len; i++)
			payload[i] = (uint8_t)(random() & 3 ? random() % 0x70 : random());
		if (len > 6 && random() & 1)
			memcpy(payload, "\xc2\x40\x04\x12\x02", 5); /* a thread's regset */
		begin();
		put_bytes(numbers[(size_t)random() % ARRAY_LEN(numbers)], payload, len);
		int r = read_only_record(&reader, &record);
		assert_true(r == 1 || (r == -1 && reading.err.text[0] != '\0'));
		snap_reader_deinit(&reader);
	}
}

/* ---------------------------------------------------------------- bombs */

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Related snapshots, num of them, each in the one before. */
static void put_nested(size_t num)
{
	size_t capacity = 8 * num + 8;
	uint8_t *bytes = malloc(capacity), *start = bytes + capacity;
	assert_non_null(bytes);
	for (size_t i = 0; i < num; i++) {
		uint8_t head[12] = {0x9a, 0x01}; /* field 19 */
		size_t head_len = 2;
		for (size_t len = (size_t)(bytes + capacity - start);; len >>= 7) {
			head[head_len++] = (uint8_t)(len > 0x7f ? len | 0x80 : len);
			if (len <= 0x7f)
				break;
		}
		start -= head_len;
		assert_true(start >= bytes);
		memcpy(start, head, head_len);
	}
	put(start, (size_t)(bytes + capacity - start));
	free(bytes);
}

static void test_snapshot_nesting(void **state)
{
	(void)state;
	begin();
	put_nested(8);
	finish();
	assert_integrity(SNAP_INTEGRITY_COMPLETE, 3);
	for (size_t depth = 9; depth < 12; depth++) {
		begin();
		put_nested(depth);
		finish();
		assert_int_equal(reading.scan.integrity, SNAP_INTEGRITY_COMPLETE);
		assert_int_equal(reading.num_refused, 1);
		assert_int_equal(reading.err.code, SNAP_ERROR_LIMIT);
		assert_non_null(strstr(reading.err.text, "nested"));
	}
}

static void test_snapshot_nested_200_kb_deep(void **state)
{
	(void)state;
	begin();
	put_nested(45000);
	assert_true(made_len > 200000);
	double start = seconds();
	finish();
	assert_true(seconds() - start < 1);
	assert_int_equal(reading.num_refused, 1);
	assert_int_equal(reading.err.code, SNAP_ERROR_LIMIT);
}

static void test_snapshot_more_than_65536_threads(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < SNAP_MAX_THREADS; i++)
		put_bytes(SNAP_RECORD_THREAD, "", 0);
	size_t len = made_len;
	finish();
	assert_integrity(SNAP_INTEGRITY_COMPLETE, SNAP_MAX_THREADS + 2);
	made_len = len;
	put_bytes(SNAP_RECORD_THREAD, "", 0);
	finish();
	assert_refused(SNAP_ERROR_LIMIT, "65536 threads");
}

static void test_snapshot_more_than_262144_records(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < 262144 - 2; i++)
		put_bytes(SNAP_RECORD_NOTE, "", 0);
	size_t len = made_len;
	finish();
	assert_integrity(SNAP_INTEGRITY_COMPLETE, 262144);
	made_len = len;
	put_bytes(SNAP_RECORD_NOTE, "", 0);
	finish();
	assert_refused(SNAP_ERROR_LIMIT, "262144 records");
}

static void test_snapshot_bomb_of_empty_register_sets(void **state)
{
	(void)state;
	/* Two bytes each on disk, dozens unpacked. */
	size_t num = 2 << 20;
	uint8_t *regsets = malloc(2 * num);
	assert_non_null(regsets);
	for (size_t i = 0; i < num; i++)
		memcpy(regsets + 2 * i, "\x12\x00", 2);
	made_len = 0;
	put_bytes(SNAP_RECORD_HEADER, regsets, 2 * num); /* LinuxThread has the same number */
	uint8_t *linux_thread = malloc(made_len);
	assert_non_null(linux_thread);
	size_t len = made_len;
	memcpy(linux_thread, made, len);
	begin();
	put_bytes(SNAP_RECORD_THREAD, linux_thread, len);
	double start = seconds();
	struct snap_reader reader;
	struct snap_record record;
	assert_int_equal(read_only_record(&reader, &record), -1);
	assert_true(seconds() - start < 2);
	assert_int_equal(reading.err.code, SNAP_ERROR_LIMIT);
	assert_true(reader.arena.total <= (48 << 20) + made_len);
	snap_reader_deinit(&reader);

	/* The limit is one for the whole file, so that many records can't do what one can't. */
	begin();
	made_len = 0;
	put_bytes(SNAP_RECORD_HEADER, regsets, 2 * 1000);
	len = made_len;
	memcpy(linux_thread, made, len);
	begin();
	for (int i = 0; i < 4000; i++)
		put_bytes(SNAP_RECORD_THREAD, linux_thread, len);
	finish();
	assert_true(reading.num_refused > 0);
	assert_int_equal(reading.err.code, SNAP_ERROR_LIMIT);
	free(linux_thread);
	free(regsets);
}

static void test_snapshot_record_of_more_than_64_mib(void **state)
{
	(void)state;
	/* One whose tag and length count: exactly the limit, and one byte more. */
	for (size_t more = 0; more < 2; more++) {
		size_t len = SNAP_MAX_RECORD_BYTES - 6 + more;
		uint8_t *data = calloc(1, len);
		assert_non_null(data);
		begin();
		put_bytes(SNAP_RECORD_NOTE, data, len);
		free(data);
		finish();
		if (more == 0)
			assert_integrity(SNAP_INTEGRITY_COMPLETE, 3);
		else
			assert_refused(SNAP_ERROR_LIMIT, "record at offset");
	}
}

static void test_snapshot_file_of_more_than_256_mib(void **state)
{
	(void)state;
	/* Its bytes are not looked at. */
	size_t len = (size_t)SNAP_MAX_FILE_BYTES + 1;
	void *data = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_ptr_not_equal(data, MAP_FAILED);
	read_file(snap_bytes(data, len));
	assert_refused(SNAP_ERROR_LIMIT, "268435457 bytes");
	munmap(data, len);
}

/* ---------------------------------------------------------------- writing that fails */

/* Writes until fd fails with error, and then some more. */
static void assert_error_sticks(int fd, int error)
{
	const struct snap_memory_range range = {.data = {noise, sizeof(noise)}};
	const struct snap_thread thread = {.has_tid = true};
	const struct snap_tag tag = {BYTES("key"), BYTES("value")};
	int r = 0;
	snap_writer_init(&writer, fd);
	for (int i = 0; i < 1000 && r == 0; i++)
		r = snap_write_memory(&writer, &range);
	assert_int_equal(r, error);
	uint64_t len = writer.len;
	assert_int_equal(snap_write_memory(&writer, &range), error);
	assert_int_equal(snap_write_thread(&writer, &thread), error);
	assert_int_equal(snap_write_tag(&writer, &tag), error);
	assert_int_equal(snap_write_note(&writer, "note"), error);
	assert_int_equal(snap_write_checkpoint(&writer, false), error);
	assert_int_equal(snap_write_checkpoint(&writer, true), error);
	assert_int_equal(writer.error, error);
	assert_true(writer.len == len);
}

static void test_snapshot_pipe_without_a_reader(void **state)
{
	(void)state;
	int fds[2];
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	close(fds[0]);
	void (*before)(int) = signal(SIGPIPE, SIG_IGN);
	assert_error_sticks(fds[1], -EPIPE);
	signal(SIGPIPE, before);
	close(fds[1]);
}

static void test_snapshot_full_device(void **state)
{
	(void)state;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_error_sticks(fd, -ENOSPC);
	close(fd);
	/* A file that fits into the buffer fails no later than at its end. */
	fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	snap_writer_init(&writer, fd);
	assert_int_equal(snap_write_header(&writer, "test"), 0);
	assert_int_equal(snap_write_checkpoint(&writer, true), -ENOSPC);
	close(fd);
}

static void test_snapshot_descriptor_not_for_writing(void **state)
{
	(void)state;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_error_sticks(fd, -EBADF);
	close(fd);
}

static void test_snapshot_file_size_limit(void **state)
{
	(void)state;
	struct snap_bytes file = realistic();
	learn_truth(file);
	char path[] = "/tmp/snap-test-file-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	unlink(path);
	struct rlimit before, limit;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
	limit = (struct rlimit){file.len / 2, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);

	/* The first write is a short one: the rest of it fails. */
	size_t step = 1000;
	int r = 0;
	snap_writer_init(&writer, fd);
	for (size_t off = 0; off < file.len && r == 0; off += step) {
		const struct snap_memory_range range = {.address = off,
			.data = {file.data + off, file.len - off < step ? file.len - off : step}};
		r = snap_write_memory(&writer, &range);
		if (r == 0)
			r = snap_write_checkpoint(&writer, false);
	}
	assert_int_equal(r, -EFBIG);
	assert_int_equal(snap_write_checkpoint(&writer, true), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, handler);
	struct stat st;
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, file.len / 2);
	close(fd);
	release(file);
}

struct drain {
	int fd;
	uint8_t *data;
	size_t len, size;
};

static void *drain_slowly(void *arg)
{
	struct drain *drain = arg;
	ssize_t n;
	while ((n = read(drain->fd, drain->data + drain->len,
			drain->size - drain->len < 1500 ? drain->size - drain->len : 1500)) > 0) {
		drain->len += (size_t)n;
		nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
	}
	return NULL;
}

static volatile sig_atomic_t interruptions;

static void interrupt(int signo)
{
	(void)signo;
	interruptions = interruptions + 1;
}

static void test_snapshot_interrupted_and_partial_writes(void **state)
{
	(void)state;
	uint8_t data[100000];
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 2654435761u >> 11);
	const struct snap_memory_range range = {.address = 1, .data = {data, sizeof(data)}};
	int fds[2];
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_true(fcntl(fds[1], F_SETPIPE_SZ, 4096) > 0);
	struct drain drain = {.fd = fds[0], .size = 2 * sizeof(data)};
	drain.data = malloc(drain.size);
	assert_non_null(drain.data);

	/* The signals are this thread's alone, and they end its write(2). */
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, drain_slowly, &drain), 0);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	const struct sigaction action = {.sa_handler = interrupt};
	struct sigaction before;
	sigaction(SIGALRM, &action, &before);
	const struct itimerval every = {{0, 300}, {0, 300}}, never = {{0, 0}, {0, 0}};
	setitimer(ITIMER_REAL, &every, NULL);

	snap_writer_init(&writer, fds[1]);
	assert_int_equal(snap_write_header(&writer, "test"), 0);
	assert_int_equal(snap_write_memory(&writer, &range), 0);
	assert_int_equal(snap_write_checkpoint(&writer, true), 0);

	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &before, NULL);
	close(fds[1]);
	pthread_join(thread, NULL);
	close(fds[0]);
	assert_true(interruptions > 0);
	assert_int_equal(drain.len, writer.len);
	read_file(snap_bytes(drain.data, drain.len));
	assert_integrity(SNAP_INTEGRITY_COMPLETE, 3);
	free(drain.data);
}

static void test_snapshot_too_long_records_are_left_out(void **state)
{
	(void)state;
	static char text[4097];
	memset(text, 0xff, sizeof(text));
	static struct snap_regset regsets[SNAP_MAX_REGSETS + 1];
	int fd = memory_file();
	snap_writer_init(&writer, fd);
	assert_int_equal(snap_write_header(&writer, "test"), 0);
	const struct snap_tag long_key = {{(uint8_t *)text, 4097}, BYTES("v")};
	const struct snap_tag long_value = {BYTES("k"), {(uint8_t *)text, 4097}};
	const struct snap_tag longest = {{(uint8_t *)text, 4096}, {(uint8_t *)text, 4096}};
	assert_int_equal(snap_write_tag(&writer, &long_key), -EMSGSIZE);
	assert_int_equal(snap_write_tag(&writer, &long_value), -EMSGSIZE);
	assert_int_equal(snap_write_tag(&writer, &longest), 0);
	const struct snap_thread too_many = {
		.regsets = regsets, .num_regsets = SNAP_MAX_REGSETS + 1};
	const struct snap_thread many = {.regsets = regsets, .num_regsets = SNAP_MAX_REGSETS};
	assert_int_equal(snap_write_thread(&writer, &too_many), -EMSGSIZE);
	assert_int_equal(snap_write_thread(&writer, &many), 0);
	/* A range that no reader would take: its bytes are not touched. */
	const struct snap_memory_range huge = {
		.data = {(const uint8_t *)text, SNAP_MAX_RECORD_BYTES}};
	assert_int_equal(snap_write_memory(&writer, &huge), -EMSGSIZE);
	assert_int_equal(writer.error, 0);
	assert_int_equal(snap_write_checkpoint(&writer, true), 0);

	struct snap_bytes file = contents(fd);
	read_file(file);
	assert_integrity(SNAP_INTEGRITY_COMPLETE, 5);
	struct snap_reader reader;
	struct snap_record record;
	snap_reader_init(&reader, file, file.len);
	assert_int_equal(snap_reader_next(&reader, &record, NULL), 1);
	assert_int_equal(snap_reader_next(&reader, &record, NULL), 1);
	assert_int_equal(record.number, SNAP_RECORD_TAG);
	assert_int_equal(record.u.tag.key.len, 4 * 4096);
	assert_int_equal(snap_reader_next(&reader, &record, NULL), 1);
	assert_int_equal(record.number, SNAP_RECORD_RAW_TAG);
	assert_bytes(record.u.tag.value, longest.value);
	assert_int_equal(snap_reader_next(&reader, &record, NULL), 1);
	assert_int_equal(record.u.thread.num_regsets, SNAP_MAX_REGSETS);
	snap_reader_deinit(&reader);
	release(file);
}

static void test_snapshot_long_notes_are_cut(void **state)
{
	(void)state;
	char note[3000];
	memset(note, 'n', sizeof(note));
	note[sizeof(note) - 1] = '\0';
	int fd = memory_file();
	snap_writer_init(&writer, fd);
	assert_int_equal(snap_write_header(&writer, "test"), 0);
	assert_int_equal(snap_write_note(&writer, note), 0);
	memset(note, 0xff, sizeof(note) - 1);
	assert_int_equal(snap_write_note(&writer, note), 0);
	assert_int_equal(snap_write_checkpoint(&writer, true), 0);
	struct snap_bytes file = contents(fd);
	read_file(file);
	assert_integrity(SNAP_INTEGRITY_COMPLETE, 4);
	struct snap_reader reader;
	struct snap_record record;
	snap_reader_init(&reader, file, file.len);
	assert_int_equal(snap_reader_next(&reader, &record, NULL), 1);
	assert_int_equal(snap_reader_next(&reader, &record, NULL), 1);
	assert_int_equal(record.u.note.len, 1024);
	assert_int_equal(snap_reader_next(&reader, &record, NULL), 1);
	assert_int_equal(record.u.note.len, 1024);
	assert_memory_equal(record.u.note.data + 1020, "\\xff", 4);
	snap_reader_deinit(&reader);
	release(file);
}

static void test_snapshot_integrity_names(void **state)
{
	(void)state;
	assert_string_equal(snap_integrity_name(SNAP_INTEGRITY_COMPLETE), "complete");
	assert_string_equal(snap_integrity_name(SNAP_INTEGRITY_TRUNCATED), "truncated");
	assert_string_equal(snap_integrity_name(SNAP_INTEGRITY_CORRUPT), "corrupt");
	assert_string_equal(snap_integrity_name(SNAP_INTEGRITY_UNMARKED), "unmarked");
}

static int free_made(void **state)
{
	(void)state;
	free(made);
	made = NULL;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_snapshot_every_field_is_read_as_written),
		cmocka_unit_test(test_snapshot_writing_through_a_pipe_makes_the_same_file),
		cmocka_unit_test(test_snapshot_writer_is_small_and_takes_large_ranges),
		cmocka_unit_test(test_snapshot_of_65536_threads_is_read),
		cmocka_unit_test(test_snapshot_cut_at_each_byte),
		cmocka_unit_test(test_snapshot_each_byte_damaged),
		cmocka_unit_test(test_snapshot_tail_of_zeros),
		cmocka_unit_test(test_snapshot_data_after_the_end),
		cmocka_unit_test(test_snapshot_records_exchanged_or_repeated),
		cmocka_unit_test(test_snapshot_made_by_hand),
		cmocka_unit_test(test_snapshot_what_is_none),
		cmocka_unit_test(test_snapshot_header_versions),
		cmocka_unit_test(test_snapshot_header_in_the_middle),
		cmocka_unit_test(test_snapshot_checkpoint_without_header),
		cmocka_unit_test(test_snapshot_broken_checkpoints),
		cmocka_unit_test(test_snapshot_unmarked),
		cmocka_unit_test(test_snapshot_unknown_records_are_given_raw),
		cmocka_unit_test(test_snapshot_empty_messages_have_nothing),
		cmocka_unit_test(test_snapshot_zero_is_not_absent),
		cmocka_unit_test(test_snapshot_numbers_beyond_the_known_ones),
		cmocka_unit_test(test_snapshot_build_ids_of_wrong_length),
		cmocka_unit_test(test_snapshot_memory_ranges_at_the_top_and_over_each_other),
		cmocka_unit_test(test_snapshot_records_of_the_wrong_type),
		cmocka_unit_test(test_snapshot_payloads_that_do_not_decode),
		cmocka_unit_test(test_snapshot_nesting),
		cmocka_unit_test(test_snapshot_nested_200_kb_deep),
		cmocka_unit_test(test_snapshot_more_than_65536_threads),
		cmocka_unit_test(test_snapshot_more_than_262144_records),
		cmocka_unit_test(test_snapshot_bomb_of_empty_register_sets),
		cmocka_unit_test(test_snapshot_record_of_more_than_64_mib),
		cmocka_unit_test(test_snapshot_file_of_more_than_256_mib),
		cmocka_unit_test(test_snapshot_pipe_without_a_reader),
		cmocka_unit_test(test_snapshot_full_device),
		cmocka_unit_test(test_snapshot_descriptor_not_for_writing),
		cmocka_unit_test(test_snapshot_file_size_limit),
		cmocka_unit_test(test_snapshot_interrupted_and_partial_writes),
		cmocka_unit_test(test_snapshot_too_long_records_are_left_out),
		cmocka_unit_test(test_snapshot_long_notes_are_cut),
		cmocka_unit_test(test_snapshot_integrity_names),
	};
	return cmocka_run_group_tests(tests, NULL, free_made);
}
