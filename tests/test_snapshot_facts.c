/* common/snapshot_write and snapshot_read: the records about the process and its machine besides
 * registers and memory. Each field is read back as it was written, also its absence; what a
 * stranger puts into their places is bounded. */
#include "common/snapshot_read.h"
#include "common/snapshot_write.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARRAY_LEN(a)   (sizeof(a) / sizeof((a)[0]))
#define BYTES(literal) snap_bytes(literal, sizeof(literal) - 1)

/* ---------------------------------------------------------------- one file, one record */

static struct snap_writer writer;
static struct snap_reader reader;
static uint8_t *file;
static size_t file_len;

static int setup(void **state)
{
	(void)state;
	int fd = memfd_create("snapshot", MFD_CLOEXEC);
	snap_writer_init(&writer, fd);
	return fd < 0 || snap_write_header(&writer, "test") < 0;
}

static int teardown(void **state)
{
	(void)state;
	snap_reader_deinit(&reader);
	free(file);
	file = NULL;
	return close(writer.fd);
}

static void finish(void)
{
	struct stat st;
	assert_int_equal(snap_write_checkpoint(&writer, true), 0);
	assert_int_equal(fstat(writer.fd, &st), 0);
	file_len = (size_t)st.st_size;
	file = malloc(file_len);
	assert_non_null(file);
	assert_int_equal(pread(writer.fd, file, file_len, 0), st.st_size);
	snap_reader_init(&reader, snap_bytes(file, file_len), file_len);
}

/* The next record, which must be of this number. */
static struct snap_record next(uint32_t number)
{
	struct snap_record record;
	struct snap_error err = SNAP_ERROR_INIT;
	assert_int_equal(snap_reader_next(&reader, &record, &err), 1);
	assert_int_equal(record.number, number);
	return record;
}

/* The file that holds one record: that record. */
static struct snap_record only(uint32_t number)
{
	finish();
	(void)next(SNAP_RECORD_HEADER);
	struct snap_record record = next(number);
	(void)next(SNAP_RECORD_CHECKPOINT);
	return record;
}

static void assert_bytes(struct snap_bytes actual, struct snap_bytes wanted)
{
	assert_int_equal(actual.data != NULL, wanted.data != NULL);
	assert_int_equal(actual.len, wanted.len);
	if (wanted.len > 0)
		assert_memory_equal(actual.data, wanted.data, wanted.len);
}

#define SAME(member)	   assert_true(a->member == b->member)
#define SAME_BYTES(member) assert_bytes(a->member, b->member)
#define SAME_IF(member)                                                                            \
	do {                                                                                       \
		SAME(has_##member);                                                                \
		SAME(member);                                                                      \
	} while (0)

/* ---------------------------------------------------------------- process */

static void assert_same_process(const struct snap_process *a, const struct snap_process *b)
{
	SAME_IF(ns_pid);
	SAME_IF(ppid);
	SAME_IF(pgid);
	SAME_IF(sid);
	SAME_IF(euid);
	SAME_IF(suid);
	SAME_IF(fsuid);
	SAME_IF(egid);
	SAME_IF(sgid);
	SAME_IF(fsgid);
	SAME_IF(ns_uid);
	SAME_IF(ns_gid);
	SAME_BYTES(cgroup);
	SAME_BYTES(unit);
	SAME_BYTES(container_id);
	SAME(num_namespaces);
	for (size_t i = 0; i < b->num_namespaces; i++) {
		SAME(namespaces[i].kind);
		SAME(namespaces[i].inode);
		SAME(namespaces[i].has_differs);
		SAME(namespaces[i].differs);
	}
	SAME_BYTES(environment);
	SAME_IF(vm_bytes);
	SAME_IF(vm_peak_bytes);
	SAME_IF(rss_bytes);
	SAME_IF(rss_peak_bytes);
	SAME_IF(swap_bytes);
	SAME_IF(oom_score_adj);
	SAME_IF(seccomp);
	SAME_IF(no_new_privs);
	SAME_IF(tracer_pid);
	SAME(has_start_time);
	SAME(start_time_ms);
	SAME_IF(capabilities);
	SAME_IF(rlimit_stack);
	SAME_IF(rlimit_as);
	SAME_IF(rlimit_nofile);
	SAME_BYTES(cwd);
	SAME_BYTES(root);
	SAME_IF(num_open_files);
}

static void test_process_every_fact(void **state)
{
	(void)state;
	const struct snap_process process = {
		.has_ns_pid = true,
		.ns_pid = 1,
		.has_ppid = true,
		.ppid = 2,
		.has_pgid = true,
		.pgid = 3,
		.has_sid = true,
		.sid = 4,
		.has_euid = true,
		.euid = 5,
		.has_suid = true,
		.suid = 6,
		.has_fsuid = true,
		.fsuid = 7,
		.has_egid = true,
		.egid = 8,
		.has_sgid = true,
		.sgid = 9,
		.has_fsgid = true,
		.fsgid = UINT32_MAX,
		.has_ns_uid = true,
		.ns_uid = 11,
		.has_ns_gid = true,
		.ns_gid = 12,
		.cgroup = BYTES("/system.slice/a\xff\n\0.service"),
		.unit = BYTES("a\xff\n\0.service"),
		.container_id = BYTES("0123456789abcdef"),
		.namespaces =
			{
				{SNAP_NAMESPACE_MNT, 4026531841, true, true},
				{SNAP_NAMESPACE_PID, UINT64_MAX, true, false},
				{SNAP_NAMESPACE_USER, 0, false, false},
				{SNAP_NAMESPACE_NET, 3, true, true},
				{SNAP_NAMESPACE_UTS, 4, true, true},
				{SNAP_NAMESPACE_IPC, 5, true, true},
				{SNAP_NAMESPACE_CGROUP, 6, true, true},
				{SNAP_NAMESPACE_TIME, 7, true, true},
			},
		.num_namespaces = SNAP_NAMESPACES,
		.environment = BYTES("A=b\0\xff=\0"),
		.has_vm_bytes = true,
		.vm_bytes = 13,
		.has_vm_peak_bytes = true,
		.vm_peak_bytes = UINT64_MAX,
		.has_rss_bytes = true,
		.rss_bytes = 15,
		.has_rss_peak_bytes = true,
		.rss_peak_bytes = 16,
		.has_swap_bytes = true,
		.swap_bytes = 17,
		.has_oom_score_adj = true,
		.oom_score_adj = -1000,
		.has_seccomp = true,
		.seccomp = 2,
		.has_no_new_privs = true,
		.no_new_privs = true,
		.has_tracer_pid = true,
		.tracer_pid = 18,
		.has_start_time = true,
		.start_time_ms = 19,
		.has_capabilities = true,
		.capabilities = UINT64_MAX,
		.has_rlimit_stack = true,
		.rlimit_stack = 20,
		.has_rlimit_as = true,
		.rlimit_as = UINT64_MAX,
		.has_rlimit_nofile = true,
		.rlimit_nofile = 21,
		.cwd = BYTES("/tmp/\xe2\x80\xae\n"),
		.root = BYTES("/jail"),
		.has_num_open_files = true,
		.num_open_files = 22,
	};
	assert_int_equal(snap_write_process(&writer, &process), 0);
	const struct snap_record record = only(SNAP_RECORD_PROCESS);
	assert_same_process(&record.u.process, &process);
}

static void test_process_zero_is_a_fact_and_absence_stays(void **state)
{
	(void)state;
	const struct snap_process absent = {0};
	const struct snap_process zero = {
		.has_ns_pid = true,
		.has_ppid = true,
		.has_ns_uid = true,
		.has_oom_score_adj = true,
		.has_seccomp = true,
		.has_no_new_privs = true,
		.has_tracer_pid = true,
		.has_capabilities = true,
		.has_num_open_files = true,
		.cgroup = BYTES(""),
	};
	assert_int_equal(snap_write_process(&writer, &absent), 0);
	assert_int_equal(snap_write_process(&writer, &zero), 0);
	finish();
	(void)next(SNAP_RECORD_HEADER);
	struct snap_record record = next(SNAP_RECORD_PROCESS);
	assert_same_process(&record.u.process, &absent);
	record = next(SNAP_RECORD_PROCESS);
	assert_same_process(&record.u.process, &zero);
}

static void test_process_too_many_namespaces_are_refused(void **state)
{
	(void)state;
	struct snap_process process = {.num_namespaces = SNAP_NAMESPACES + 1};
	assert_int_equal(snap_write_process(&writer, &process), -EMSGSIZE);
	assert_int_equal(writer.error, 0);
}

/* ---------------------------------------------------------------- open files */

static void assert_same_file(const struct snap_open_file *a, const struct snap_open_file *b)
{
	SAME_IF(fd);
	SAME_BYTES(path);
	SAME_IF(flags);
	SAME_IF(position);
	SAME(kind);
	SAME(deleted);
}

static void test_open_files(void **state)
{
	(void)state;
	const struct snap_open_file files[] = {
		{.has_fd = true,
			.path = BYTES("/dev/null"),
			.has_flags = true,
			.flags = 0100002,
			.has_position = true,
			.kind = SNAP_OPEN_PATH},
		{.has_fd = true, .fd = 1, .path = BYTES("pipe:[1]"), .kind = SNAP_OPEN_PIPE},
		{.has_fd = true,
			.fd = UINT32_MAX,
			.path = BYTES("/tmp/a\nb\xff\x1b[m (deleted)"),
			.has_position = true,
			.position = UINT64_MAX,
			.kind = 99,
			.deleted = true},
		{.kind = SNAP_OPEN_UNKNOWN},
	};
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		assert_int_equal(snap_write_open_file(&writer, &files[i]), 0);
	finish();
	(void)next(SNAP_RECORD_HEADER);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		const struct snap_record record = next(SNAP_RECORD_OPEN_FILE);
		assert_same_file(&record.u.open_file, &files[i]);
	}
}

/* ---------------------------------------------------------------- threads */

static void assert_same_facts(const struct snap_thread_facts *a, const struct snap_thread_facts *b)
{
	SAME_IF(tid);
	SAME_IF(letter);
	SAME_BYTES(wchan);
	SAME_IF(running);
	SAME_IF(syscall_number);
	SAME(num_syscall_arguments);
	for (size_t i = 0; i < b->num_syscall_arguments; i++)
		SAME(syscall_arguments[i]);
	SAME_IF(stack_pointer);
	SAME_IF(program_counter);
	SAME_BYTES(kernel_stack);
	SAME_IF(cpu);
	SAME_IF(user_ms);
	SAME_IF(system_ms);
}

static void test_thread_facts(void **state)
{
	(void)state;
	const struct snap_thread_facts facts[] = {
		{.has_tid = true,
			.tid = 4711,
			.has_letter = true,
			.letter = 'S',
			.wchan = BYTES("futex_wait_queue"),
			.has_running = true,
			.running = false,
			.has_syscall_number = true,
			.syscall_number = 202,
			.syscall_arguments = {0, UINT64_MAX, 2, 3, 4, 5},
			.num_syscall_arguments = 6,
			.has_stack_pointer = true,
			.stack_pointer = 0x7ffc00000000,
			.has_program_counter = true,
			.program_counter = 0x7f0000000000,
			.kernel_stack = BYTES("[<0>] a+0x1/0x2\n[<0>] b\n"),
			.has_cpu = true,
			.has_user_ms = true,
			.user_ms = UINT64_MAX,
			.has_system_ms = true},
		{.has_tid = true, .has_syscall_number = true, .syscall_number = -1},
		{.has_tid = true, .tid = 2, .has_running = true, .running = true},
		{0},
	};
	for (size_t i = 0; i < ARRAY_LEN(facts); i++)
		assert_int_equal(snap_write_thread_facts(&writer, &facts[i]), 0);
	finish();
	(void)next(SNAP_RECORD_HEADER);
	for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
		const struct snap_record record = next(SNAP_RECORD_THREAD_FACTS);
		assert_same_facts(&record.u.thread_facts, &facts[i]);
	}
	const struct snap_thread_facts too_many = {.num_syscall_arguments = 7};
	assert_int_equal(snap_write_thread_facts(&writer, &too_many), -EMSGSIZE);
}

static void test_thread_inner_id_and_thread_pointer(void **state)
{
	(void)state;
	struct snap_thread thread = {
		.has_tid = true,
		.tid = 1000,
		.has_ns_tid = true,
		.ns_tid = 1,
	};
	assert_int_equal(snap_write_thread(&writer, &thread), 0);
	thread.has_ns_tid = false;
	assert_int_equal(snap_write_thread(&writer, &thread), 0);
	thread.has_tls_base = true;
	thread.tls_base = 0;
	assert_int_equal(snap_write_thread(&writer, &thread), 0);
	finish();
	(void)next(SNAP_RECORD_HEADER);
	struct snap_record record = next(SNAP_RECORD_THREAD);
	assert_true(record.u.thread.has_ns_tid);
	assert_int_equal(record.u.thread.ns_tid, 1);
	assert_false(record.u.thread.has_tls_base);
	record = next(SNAP_RECORD_THREAD);
	assert_false(record.u.thread.has_ns_tid || record.u.thread.has_tls_base);
	record = next(SNAP_RECORD_THREAD);
	assert_true(record.u.thread.has_tls_base);
	assert_int_equal(record.u.thread.tls_base, 0);
}

/* ---------------------------------------------------------------- machine and capture */

static void test_system_every_fact(void **state)
{
	(void)state;
	const struct snap_system sys = {
		.sysname = BYTES("Linux"),
		.hostname = BYTES("b\xc3\xb6rd"),
		.has_uptime = true,
		.uptime_ms = UINT64_MAX,
		.boot_id = BYTES("0123456789\0abcde"),
		.load_hundredths = {1, 0, UINT32_MAX},
		.num_loads = 3,
		.has_memory_total = true,
		.memory_total = 1,
		.has_memory_free = true,
		.memory_free = 0,
		.has_memory_available = true,
		.memory_available = 3,
		.has_swap_total = true,
		.swap_total = 4,
		.has_swap_free = true,
		.swap_free = 5,
		.has_num_cpus = true,
		.num_cpus = 6,
	};
	assert_int_equal(snap_write_system(&writer, &sys), 0);
	const struct snap_record record = only(SNAP_RECORD_SYSTEM);
	const struct snap_system *a = &record.u.system, *b = &sys;
	SAME_BYTES(sysname);
	SAME_BYTES(release);
	SAME_BYTES(hostname);
	SAME(has_uptime);
	SAME(uptime_ms);
	SAME_BYTES(boot_id);
	SAME(num_loads);
	for (size_t i = 0; i < 3; i++)
		SAME(load_hundredths[i]);
	SAME_IF(memory_total);
	SAME_IF(memory_free);
	SAME_IF(memory_available);
	SAME_IF(swap_total);
	SAME_IF(swap_free);
	SAME_IF(num_cpus);
}

static void test_capture_storage_and_queue(void **state)
{
	(void)state;
	const struct snap_capture capture = {
		.has_method = true,
		.method = SNAP_CAPTURE_LIBRARY,
		.has_storage = true,
		.storage = SNAP_STORAGE_SERVER,
		.has_queue_time = true,
		.queue_time_ns = 0,
	};
	assert_int_equal(snap_write_capture(&writer, &capture), 0);
	const struct snap_record record = only(SNAP_RECORD_CAPTURE);
	const struct snap_capture *a = &record.u.capture, *b = &capture;
	SAME_IF(method);
	SAME_IF(storage);
	SAME(has_queue_time);
	SAME(queue_time_ns);
}

static void test_abort_message(void **state)
{
	(void)state;
	const struct snap_abort_message message = {
		.text = BYTES("x: main: Assertion `\xff\0' failed.\n"),
		.source = SNAP_ABORT_C_LIBRARY,
		.has_address = true,
		.address = 0x7f0000000010,
	};
	assert_int_equal(snap_write_abort_message(&writer, &message), 0);
	const struct snap_record record = only(SNAP_RECORD_ABORT_MESSAGE);
	const struct snap_abort_message *a = &record.u.abort_message, *b = &message;
	SAME_BYTES(text);
	SAME(source);
	SAME_IF(address);
}

static void test_reasons_and_omissions_of_the_new_kinds(void **state)
{
	(void)state;
	for (uint32_t reason = SNAP_MEMORY_POINTER; reason <= SNAP_MEMORY_TLS; reason++) {
		const struct snap_memory_range range = {.data = BYTES("x"), .reason = reason};
		assert_int_equal(snap_write_memory(&writer, &range), 0);
	}
	for (uint32_t what = SNAP_OMITTED_OPEN_FILE; what <= SNAP_OMITTED_SYSTEM; what++) {
		const struct snap_omission omission = {.what = what, .why = SNAP_OMITTED_CAP};
		assert_int_equal(snap_write_omission(&writer, &omission), 0);
	}
	finish();
	(void)next(SNAP_RECORD_HEADER);
	for (uint32_t reason = SNAP_MEMORY_POINTER; reason <= SNAP_MEMORY_TLS; reason++)
		assert_int_equal(next(SNAP_RECORD_MEMORY).u.memory.reason, reason);
	for (uint32_t what = SNAP_OMITTED_OPEN_FILE; what <= SNAP_OMITTED_SYSTEM; what++)
		assert_int_equal(next(SNAP_RECORD_OMISSION).u.omission.what, what);
}

/* ---------------------------------------------------------------- logs */

static void assert_same_log(const struct snap_log *a, const struct snap_log *b)
{
	SAME_BYTES(message);
	SAME_IF(line_level);
	SAME_IF(flags);
	SAME_IF(timestamp);
	SAME(has_time_since_last);
	SAME(time_since_last);
	SAME_IF(dropped);
	SAME_BYTES(module);
	SAME_BYTES(file);
	SAME_BYTES(thread);
	SAME_IF(tid);
}

static void test_log_every_field(void **state)
{
	(void)state;
	const struct snap_log logs[] = {
		{.message = BYTES("gr\xc3\xbc\xc3\x9f\x65\n"),
			.has_line_level = true,
			.line_level = 1234 << 3 | 4,
			.has_flags = true,
			.flags = UINT32_MAX,
			.has_timestamp = true,
			.timestamp = -1,
			.module = BYTES("net"),
			.file = BYTES("src/net.c"),
			.thread = BYTES("worker"),
			.has_tid = true,
			.tid = 4711},
		{.has_time_since_last = true,
			.time_since_last = 5,
			.has_dropped = true,
			.dropped = 7},
		/* Not valid UTF-8: comes back as it was. */
		{.message = BYTES("a\xff\0b\xc0")},
		{.message = BYTES("")},
		{.has_tid = false},
	};
	assert_int_equal(snap_log_level(&logs[0]), 4);
	assert_int_equal(snap_log_line(&logs[0]), 1234);
	for (size_t i = 0; i < ARRAY_LEN(logs); i++)
		assert_int_equal(snap_write_log(&writer, &logs[i]), 0);
	finish();
	(void)next(SNAP_RECORD_HEADER);
	for (size_t i = 0; i < ARRAY_LEN(logs); i++) {
		const struct snap_record record = next(SNAP_RECORD_LOG);
		assert_same_log(&record.u.log, &logs[i]);
	}
}

/* What Pigweed's tools take for text is valid UTF-8. */
static void test_log_is_text_for_pigweed(void **state)
{
	(void)state;
	const struct snap_log log = {
		.message = BYTES("m\xff"),
		.module = BYTES("o\xfe"),
		.file = BYTES("f\xfd"),
		.thread = BYTES("t\xfc"),
	};
	assert_int_equal(snap_write_log(&writer, &log), 0);
	const struct snap_record record = only(SNAP_RECORD_LOG);
	assert_bytes(record.u.log.message, log.message);
	assert_bytes(record.u.log.module, BYTES("o\\xfe"));
	assert_bytes(record.u.log.file, BYTES("f\\xfd"));
	assert_bytes(record.u.log.thread, BYTES("t\\xfc"));
	assert_non_null(memmem(file, file_len, "\x0a\x05m\\xff", 7));
}

static void test_log_too_long_is_left_out_and_names_are_cut(void **state)
{
	(void)state;
	static char large[SNAP_MAX_LOG_MESSAGE + 1];
	memset(large, 'x', sizeof(large));
	struct snap_log log = {.message = snap_bytes(large, sizeof(large))};
	assert_int_equal(snap_write_log(&writer, &log), -EMSGSIZE);
	assert_int_equal(writer.error, 0);
	log.message.len--;
	log.module = snap_bytes(large, sizeof(large));
	assert_int_equal(snap_write_log(&writer, &log), 0);
	const struct snap_record record = only(SNAP_RECORD_LOG);
	assert_int_equal(record.u.log.message.len, SNAP_MAX_LOG_MESSAGE);
	assert_int_equal(record.u.log.module.len, 1023);
}

/* ---------------------------------------------------------------- what a stranger writes */

static uint8_t made[4096];
static size_t made_len;

static void put_varint(uint64_t value)
{
	for (; value > 0x7f; value >>= 7)
		made[made_len++] = (uint8_t)(value | 0x80);
	made[made_len++] = (uint8_t)value;
}

/* A record of this number: the bytes that follow, len of them. */
static void put_record(uint32_t number, const void *data, size_t len)
{
	put_varint((uint64_t)number << 3 | 2);
	put_varint(len);
	memcpy(made + made_len, data, len);
	made_len += len;
}

static void test_hostile_more_than_there_can_be(void **state)
{
	(void)state;
	/* Ten namespaces, ten arguments, ten loads. */
	uint8_t namespaces[70], arguments[12] = {0x32, 10, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
	const uint8_t loads[12] = {0x4a, 10, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
	for (size_t i = 0; i < 10; i++)
		memcpy(namespaces + 7 * i, "\x82\x02\x04\x08\x01\x10\x02", 7);
	made_len = 0;
	put_record(SNAP_RECORD_PROCESS, namespaces, sizeof(namespaces));
	put_record(SNAP_RECORD_THREAD_FACTS, arguments, sizeof(arguments));
	put_record(SNAP_RECORD_SYSTEM, loads, sizeof(loads));
	snap_reader_init(&reader, snap_bytes(made, made_len), made_len);
	struct snap_record record = next(SNAP_RECORD_PROCESS);
	assert_int_equal(record.u.process.num_namespaces, SNAP_NAMESPACES);
	assert_int_equal(record.u.process.namespaces[7].inode, 2);
	record = next(SNAP_RECORD_THREAD_FACTS);
	assert_int_equal(record.u.thread_facts.num_syscall_arguments, SNAP_SYSCALL_ARGUMENTS);
	assert_int_equal(record.u.thread_facts.syscall_arguments[5], 5);
	record = next(SNAP_RECORD_SYSTEM);
	assert_int_equal(record.u.system.num_loads, SNAP_LOADS);
	assert_int_equal(record.u.system.load_hundredths[2], 2);
}

/* Empty, of another type, cut short, not of the bytes' form: nothing, or refused, and no crash. */
static void test_hostile_payloads(void **state)
{
	(void)state;
	static const uint32_t numbers[] = {SNAP_RECORD_LOG, SNAP_RECORD_PROCESS, SNAP_RECORD_SYSTEM,
		SNAP_RECORD_OPEN_FILE, SNAP_RECORD_THREAD_FACTS, SNAP_RECORD_ABORT_MESSAGE,
		SNAP_RECORD_CAPTURE};
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		struct snap_record record;
		struct snap_error err = SNAP_ERROR_INIT;
		made_len = 0;
		put_record(numbers[i], "", 0);
		put_record(numbers[i], "\x0a\x7f", 2); /* ends within its first field */
		put_record(numbers[i], "\xff\xff\xff", 3);
		snap_reader_init(&reader, snap_bytes(made, made_len), made_len);
		assert_int_equal(snap_reader_next(&reader, &record, &err), 1);
		assert_true(record.decoded);
		assert_int_equal(snap_reader_next(&reader, &record, &err), -1);
		assert_int_equal(err.code, SNAP_ERROR_MALFORMED);
		assert_int_equal(snap_reader_next(&reader, &record, &err), -1);
		assert_int_equal(snap_reader_next(&reader, &record, &err), 0);
		snap_reader_deinit(&reader);

		/* A number where the record's bytes should be. */
		made_len = 0;
		put_varint((uint64_t)numbers[i] << 3);
		put_varint(7);
		snap_reader_init(&reader, snap_bytes(made, made_len), made_len);
		assert_int_equal(snap_reader_next(&reader, &record, &err), -1);
		snap_reader_deinit(&reader);
	}
	snap_reader_init(&reader, snap_bytes(made, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_process_every_fact, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_process_zero_is_a_fact_and_absence_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_process_too_many_namespaces_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_open_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_thread_facts, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_thread_inner_id_and_thread_pointer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_system_every_fact, setup, teardown),
		cmocka_unit_test_setup_teardown(test_capture_storage_and_queue, setup, teardown),
		cmocka_unit_test_setup_teardown(test_abort_message, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_reasons_and_omissions_of_the_new_kinds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_log_every_field, setup, teardown),
		cmocka_unit_test_setup_teardown(test_log_is_text_for_pigweed, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_log_too_long_is_left_out_and_names_are_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_hostile_more_than_there_can_be, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile_payloads, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
