/* capture/device/snapcrash_device: what a microcontroller writes is read back by the analysis's own
 * reader, byte by byte; failing sinks, short scratch and full flash never make a wrong file. */
#include "capture/device/snapcrash_device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/crc32c.h"
#include "common/escape.h"
#include "common/snapshot_read.h"
#include "common/wire.h"

#define ARRAY_LEN(a)   (sizeof(a) / sizeof((a)[0]))
#define TEXT(literal)  ((struct snapcrash_device_bytes){(literal), sizeof(literal) - 1})
#define BYTES(literal) snap_bytes(literal, sizeof(literal) - 1)

/* ---------------------------------------------------------------- a sink */

struct sink {
	uint8_t bytes[65536];
	size_t len;
	size_t num_calls;
	size_t fail_at; /* this call, counted from 1, after which there is none; 0: none */
};

static struct sink sink, other_sink;
static struct snapcrash_device_writer writer;
static uint8_t scratch[512];
static size_t fail_at; /* of the next sink */

static int take(void *context, const void *bytes, size_t len)
{
	struct sink *s = context;
	s->num_calls++;
	assert_true(len > 0);
	assert_true(s->len + len <= sizeof(s->bytes));
	if (s->fail_at != 0) {
		/* Nobody asks again after a failure. */
		assert_true(s->num_calls <= s->fail_at);
		if (s->num_calls == s->fail_at)
			return -5;
	}
	memcpy(s->bytes + s->len, bytes, len);
	s->len += len;
	return 0;
}

static void start(size_t scratch_size)
{
	memset(&sink, 0, sizeof(sink));
	sink.fail_at = fail_at;
	snapcrash_device_init(&writer, take, &sink, scratch_size ? scratch : NULL, scratch_size);
}

/* ---------------------------------------------------------------- all there is */

static uint8_t stack[3000];
static const uintptr_t backtrace[] = {0x1235, 0, 0xfffffff1};

static void write_related(struct snapcrash_device_writer *w, void *context)
{
	snapcrash_device_header(w, "does nothing here");
	snapcrash_device_metadata(
		w, &(struct snapcrash_device_metadata){
			   .reason = snapcrash_device_text(context), .cpu_arch = SNAP_CPU_RV32I});
	(void)snapcrash_device_checkpoint(w); /* nothing, either */
	struct snapcrash_device_riscv state = {0};
	for (uint32_t i = 0; i < SNAPCRASH_RISCV_REGISTERS; i++)
		snapcrash_device_riscv_set(&state, i, 0x100 + i);
	snapcrash_device_riscv(w, &state);
}

static void write_core_state(void)
{
	snapcrash_device_metadata(
		&writer, &(struct snapcrash_device_metadata){
				 .reason = TEXT("\x12\x34\x56\x78\x02"), /* tokenised */
				 .fatal = true,
				 .project_name = TEXT("thermostat"),
				 .software_version = TEXT("1.0\xff-gr\xc3\xbcn"),
				 .build_uuid = TEXT("\x00\x01\xfe\xff"),
				 .device_name = TEXT("unit 7"),
				 .snapshot_uuid = TEXT("0123456789abcdef"),
				 .cpu_arch = SNAP_CPU_ARMV7M,
			 });
	struct snapcrash_device_armv7m state = {0};
	for (uint32_t i = 0; i < SNAPCRASH_ARMV7M_REGISTERS; i++)
		if (i != SNAPCRASH_ARMV7M_MMFAR)
			snapcrash_device_armv7m_set(&state, i, i == 0 ? UINT32_MAX : i - 1);
	snapcrash_device_armv7m(&writer, &state);
	snapcrash_device_thread(&writer, &(struct snapcrash_device_thread){
						 .name = TEXT("sensor"),
						 .has_id = true,
						 .id = UINT64_MAX,
						 .state = SNAP_THREAD_RUNNING,
						 .backtrace = backtrace,
						 .num_backtrace = ARRAY_LEN(backtrace),
						 .raw_stack = {stack, sizeof(stack)},
						 .has_stack_start = true,
						 .stack_start = 0x20001000,
						 .has_stack_end = true,
						 .stack_end = 0,
						 .has_stack_pointer = true,
						 .stack_pointer = 0x20000100,
						 .has_est_peak = true,
						 .est_peak = 0x20000080,
						 .has_cpu_usage = true,
						 .cpu_usage_hundredths = 9999,
					 });
	int error = snapcrash_device_checkpoint(&writer);
	assert_int_equal(error, writer.error);
}

static void write_rest(void)
{
	snapcrash_device_thread(&writer, &(struct snapcrash_device_thread){0});
	snapcrash_device_tag(&writer, TEXT("key"), TEXT("value"));
	snapcrash_device_tag(&writer, TEXT("\xc0key"), TEXT("v\0lue\xed\xa0\x80"));
	snapcrash_device_log(&writer, &(struct snapcrash_device_log){.dropped = 12});
	snapcrash_device_log(&writer, &(struct snapcrash_device_log){
					      .message = TEXT("too hot"),
					      .level = 4,
					      .line = 77,
					      .flags = 5,
					      .has_timestamp = true,
					      .timestamp = -1,
					      .module = TEXT("heat"),
					      .file = TEXT("heat.c"),
					      .thread = TEXT("sensor"),
				      });
	snapcrash_device_log(
		&writer, &(struct snapcrash_device_log){.message = TEXT("\x01\x02\x03\x04"),
				 .has_time_since_last = true,
				 .time_since_last = 3});
	snapcrash_device_timestamp(&writer, &(struct snapcrash_device_timestamp){.ticks = -2,
						    .numerator = 1,
						    .denominator = 32768,
						    .epoch = SNAPCRASH_EPOCH_TAI});
	snapcrash_device_memory(&writer, &(struct snapcrash_device_memory){.address = 0x20000200,
						 .bytes = {stack, 600},
						 .reason = SNAP_MEMORY_ANNOTATED,
						 .has_thread_id = true,
						 .thread_id = 3,
						 .name = TEXT("queue")});
	snapcrash_device_abort_message(&writer, TEXT("heat.c:77: t < 90\xff"));
	snapcrash_device_note(&writer, "clock\xfe not set");
	snapcrash_device_omission(
		&writer, &(struct snapcrash_device_omission){.what = SNAP_OMITTED_LOG,
				 .why = SNAP_OMITTED_DEADLINE,
				 .has_thread_id = true,
				 .thread_id = 9,
				 .has_range = true,
				 .address = 0x1000,
				 .len = 0,
				 .count = 2});
	snapcrash_device_user_bytes(&writer, 8, TEXT("own"));
	snapcrash_device_user_number(&writer, SNAPCRASH_DEVICE_FIRST_USER_FIELD, UINT64_MAX);
	snapcrash_device_related(&writer, write_related, "other core");
	snapcrash_device_record_begin(&writer, SNAP_RECORD_RELATED, 4);
	snapcrash_device_record_put(&writer, "\x82\x01", 2);
	snapcrash_device_record_put(&writer, "\x01", 1);
	snapcrash_device_record_put(&writer, NULL, 0);
	snapcrash_device_record_put(&writer, "\x0a", 1);
	snapcrash_device_record_end(&writer);
}

static int write_all(size_t scratch_size, bool header)
{
	start(scratch_size);
	if (header)
		snapcrash_device_header(&writer, "thermostat 1.0");
	write_core_state();
	write_rest();
	int error = snapcrash_device_finish(&writer);
	assert_int_equal(writer.error, error);
	return error;
}

/* ---------------------------------------------------------------- reading it */

static struct snap_scan scan_sink(size_t len)
{
	struct snap_scan scan;
	struct snap_error err = SNAP_ERROR_INIT;
	assert_int_equal(snap_snapshot_scan(snap_bytes(sink.bytes, len), &scan, &err), 0);
	return scan;
}

static struct snap_reader reader;

static void open_reader(void)
{
	snap_reader_init(&reader, snap_bytes(sink.bytes, sink.len), sink.len);
}

static struct snap_record next(uint32_t number)
{
	struct snap_record record;
	struct snap_error err = SNAP_ERROR_INIT;
	assert_int_equal(snap_reader_next(&reader, &record, &err), 1);
	assert_int_equal(record.number, number);
	return record;
}

static void assert_bytes(struct snap_bytes wanted, struct snap_bytes got)
{
	assert_int_equal(wanted.len, got.len);
	assert_memory_equal(wanted.data, got.data, got.len);
}

/* The next field of a message; *off from 0. */
static struct snap_wire_field field(
	struct snap_bytes message, size_t *off, uint32_t number, enum snap_wire_type type)
{
	struct snap_wire_field f;
	assert_int_equal(snap_wire_next(message, off, &f), 1);
	assert_int_equal(f.number, number);
	assert_int_equal(f.type, type);
	return f;
}

static void number_field(struct snap_bytes message, size_t *off, uint32_t number, uint64_t value)
{
	assert_true(field(message, off, number, SNAP_WIRE_VARINT).value == value);
}

static void bytes_field(
	struct snap_bytes message, size_t *off, uint32_t number, struct snap_bytes wanted)
{
	assert_bytes(wanted, field(message, off, number, SNAP_WIRE_BYTES).payload);
}

static void check_metadata(void)
{
	struct snap_metadata m = next(SNAP_RECORD_METADATA).u.metadata;
	assert_bytes(BYTES("\x12\x34\x56\x78\x02"), m.reason);
	assert_true(m.has_fatal && m.fatal);
	assert_bytes(BYTES("thermostat"), m.project_name);
	assert_bytes(BYTES("1.0\\xff-gr\xc3\xbcn"), m.software_version);
	assert_bytes(BYTES("\x00\x01\xfe\xff"), m.software_build_uuid);
	assert_bytes(BYTES("unit 7"), m.device_name);
	assert_bytes(BYTES("0123456789abcdef"), m.snapshot_uuid);
	assert_int_equal(m.cpu_arch, SNAP_CPU_ARMV7M);
}

static void check_armv7m(void)
{
	struct snap_bytes state = next(SNAP_RECORD_CPU_STATE).payload;
	size_t off = 0;
	for (uint32_t i = 0; i < SNAPCRASH_ARMV7M_REGISTERS; i++)
		if (i != SNAPCRASH_ARMV7M_MMFAR)
			number_field(state, &off, i + 1, i == 0 ? UINT32_MAX : i - 1);
	assert_int_equal(off, state.len);
}

static void check_thread(void)
{
	struct snap_record record = next(SNAP_RECORD_THREAD);
	struct snap_bytes m = record.payload;
	size_t off = 0;
	bytes_field(m, &off, 1, BYTES("sensor"));
	number_field(m, &off, 3, SNAP_THREAD_RUNNING);
	bytes_field(m, &off, 4, BYTES("\xb5\x24\x00\xf1\xff\xff\xff\x0f"));
	number_field(m, &off, 7, 0x20001000);
	number_field(m, &off, 8, 0);
	number_field(m, &off, 9, 0x20000100);
	number_field(m, &off, 10, 9999);
	number_field(m, &off, 11, 0x20000080);
	number_field(m, &off, 12, UINT64_MAX);
	bytes_field(m, &off, 6, snap_bytes(stack, sizeof(stack)));
	assert_int_equal(off, m.len);
	assert_true(record.u.thread.has_tid && record.u.thread.tid == UINT64_MAX);
	assert_int_equal(record.u.thread.state, SNAP_THREAD_RUNNING);
}

static void check_tags_and_logs(bool header)
{
	struct snap_tag tag = next(SNAP_RECORD_TAG).u.tag;
	assert_bytes(BYTES("key"), tag.key);
	assert_bytes(BYTES("value"), tag.value);
	tag = next(SNAP_RECORD_TAG).u.tag;
	assert_bytes(BYTES("\\xc0key"), tag.key);
	assert_bytes(BYTES("v\\x00lue\\xed\\xa0\\x80"), tag.value);
	if (header) {
		tag = next(SNAP_RECORD_RAW_TAG).u.tag;
		assert_bytes(BYTES("\xc0key"), tag.key);
		assert_bytes(BYTES("v\0lue\xed\xa0\x80"), tag.value);
	}
	struct snap_log log = next(SNAP_RECORD_LOG).u.log;
	assert_true(log.has_dropped && log.dropped == 12 && !log.has_timestamp);
	log = next(SNAP_RECORD_LOG).u.log;
	assert_bytes(BYTES("too hot"), log.message);
	assert_int_equal(snap_log_level(&log), 4);
	assert_int_equal(snap_log_line(&log), 77);
	assert_int_equal(log.flags, 5);
	assert_true(log.has_timestamp && log.timestamp == -1);
	assert_bytes(BYTES("heat"), log.module);
	assert_bytes(BYTES("heat.c"), log.file);
	assert_bytes(BYTES("sensor"), log.thread);
	log = next(SNAP_RECORD_LOG).u.log;
	assert_bytes(BYTES("\x01\x02\x03\x04"), log.message);
	assert_true(log.has_time_since_last && log.time_since_last == 3 && !log.has_line_level);
}

static void check_small_ones(void)
{
	struct snap_bytes m = next(SNAP_RECORD_TIMESTAMP).payload;
	assert_bytes(BYTES("\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"
			   "\x12\x08\x08\x01\x10\x80\x80\x02\x18\x04"),
		m);
	struct snap_memory_range range = next(SNAP_RECORD_MEMORY).u.memory;
	assert_int_equal(range.address, 0x20000200);
	assert_bytes(snap_bytes(stack, 600), range.data);
	assert_int_equal(range.reason, SNAP_MEMORY_ANNOTATED);
	assert_true(range.has_tid && range.tid == 3);
	assert_bytes(BYTES("queue"), range.name);
	struct snap_abort_message message = next(SNAP_RECORD_ABORT_MESSAGE).u.abort_message;
	assert_bytes(BYTES("heat.c:77: t < 90\xff"), message.text);
	assert_int_equal(message.source, SNAP_ABORT_PROGRAM);
	assert_bytes(BYTES("clock\\xfe not set"), next(SNAP_RECORD_NOTE).u.note);
	struct snap_omission omission = next(SNAP_RECORD_OMISSION).u.omission;
	assert_int_equal(omission.what, SNAP_OMITTED_LOG);
	assert_int_equal(omission.why, SNAP_OMITTED_DEADLINE);
	assert_true(omission.has_tid && omission.tid == 9);
	assert_true(omission.has_range && omission.address == 0x1000 && omission.bytes == 0);
	assert_true(omission.has_count && omission.count == 2);
	assert_bytes(BYTES("own"), next(8).payload);
	assert_true(next(SNAPCRASH_DEVICE_FIRST_USER_FIELD).value == UINT64_MAX);
}

static void check_related(void)
{
	/* In Pigweed's message a7 is 29 and s11 is 39. */
	static const uint32_t numbers[SNAPCRASH_RISCV_REGISTERS] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
		11, 12, 13, 14, 15, 16, 17, 18, 29, 20, 21, 22, 23, 24, 25, 26, 27, 28, 39, 30, 31,
		32, 33};
	struct snap_bytes m = next(SNAP_RECORD_RELATED).payload;
	size_t off = 0;
	bytes_field(m, &off, SNAP_RECORD_METADATA, BYTES("\x0a\x0aother core\x10\x00\x40\x05"));
	struct snap_bytes state = field(m, &off, SNAP_RECORD_CPU_STATE, SNAP_WIRE_BYTES).payload;
	assert_int_equal(off, m.len);
	off = 0;
	for (uint32_t i = 0; i < SNAPCRASH_RISCV_REGISTERS; i++)
		number_field(state, &off, numbers[i], 0x100 + i);
	assert_int_equal(off, state.len);
	assert_bytes(BYTES("\x82\x01\x01\x0a"), next(SNAP_RECORD_RELATED).payload);
}

static void check_all(bool header)
{
	open_reader();
	if (header) {
		struct snap_header h = next(SNAP_RECORD_HEADER).u.header;
		assert_int_equal(h.format_version, SNAP_FORMAT_VERSION);
		assert_bytes(BYTES("thermostat 1.0"), h.writer);
	}
	check_metadata();
	check_armv7m();
	check_thread();
	if (header)
		(void)next(SNAP_RECORD_CHECKPOINT);
	assert_bytes(BYTES("\x18\x00"), next(SNAP_RECORD_THREAD).payload);
	check_tags_and_logs(header);
	check_small_ones();
	check_related();
	if (header)
		(void)next(SNAP_RECORD_CHECKPOINT);
	struct snap_record record;
	struct snap_error err = SNAP_ERROR_INIT;
	assert_int_equal(snap_reader_next(&reader, &record, &err), 0);
	snap_reader_deinit(&reader);
}

/* ---------------------------------------------------------------- the tests */

static void test_device_writer_all_is_read_back(void **unused)
{
	(void)unused;
	assert_int_equal(write_all(sizeof(scratch), true), 0);
	struct snap_scan scan = scan_sink(sink.len);
	assert_int_equal(scan.integrity, SNAP_INTEGRITY_COMPLETE);
	assert_int_equal(scan.num_checkpoints, 2);
	assert_int_equal(writer.len, sink.len);
	check_all(true);
}

static void test_device_writer_plain_pigweed(void **unused)
{
	(void)unused;
	assert_int_equal(write_all(sizeof(scratch), false), 0);
	struct snap_scan scan = scan_sink(sink.len);
	assert_int_equal(scan.integrity, SNAP_INTEGRITY_UNMARKED);
	assert_false(scan.has_header);
	check_all(false);
}

static void test_device_writer_any_scratch(void **unused)
{
	(void)unused;
	assert_int_equal(write_all(sizeof(scratch), true), 0);
	other_sink = sink;
	for (size_t size = 0; size < sizeof(scratch); size++) {
		assert_int_equal(write_all(size, true), 0);
		assert_int_equal(sink.len, other_sink.len);
		assert_memory_equal(sink.bytes, other_sink.bytes, sink.len);
	}
	/* With a scratch, there are few calls. */
	assert_int_equal(write_all(128, true), 0);
	assert_true(sink.num_calls < 30);
}

static void test_device_writer_sink_fails(void **unused)
{
	(void)unused;
	size_t header = 2 + 1 + 9 + 2 + 16;
	for (size_t size = 0; size < 300; size += 43) {
		assert_int_equal(write_all(size, true), 0);
		other_sink = sink;
		for (size_t n = 1; n <= other_sink.num_calls; n++) {
			fail_at = n;
			assert_int_equal(write_all(size, true), -5);
			fail_at = 0;
			assert_int_equal(sink.num_calls, n);
			assert_int_equal(snapcrash_device_checkpoint(&writer), -5);
			assert_int_equal(snapcrash_device_finish(&writer), -5);
			assert_int_equal(sink.num_calls, n);
			assert_true(sink.len < other_sink.len);
			assert_memory_equal(sink.bytes, other_sink.bytes, sink.len);
			if (sink.len >= header)
				assert_int_equal(
					scan_sink(sink.len).integrity, SNAP_INTEGRITY_TRUNCATED);
		}
	}
}

static void test_device_writer_cut_anywhere(void **unused)
{
	(void)unused;
	assert_int_equal(write_all(sizeof(scratch), true), 0);
	size_t header = 2 + 1 + 9 + 2 + 16;
	size_t checkpoint = 0;
	for (size_t len = header; len < sink.len; len++) {
		struct snap_scan scan = scan_sink(len);
		assert_int_equal(scan.integrity, SNAP_INTEGRITY_TRUNCATED);
		if (scan.num_checkpoints == 1 && checkpoint == 0)
			checkpoint = len;
		assert_int_equal(scan.checked_len, checkpoint);
	}
	assert_true(checkpoint > sizeof(stack));
	/* And damaged: told, wherever it is. */
	for (size_t i = header; i < sink.len; i++) {
		sink.bytes[i] ^= 0x10;
		assert_int_not_equal(scan_sink(sink.len).integrity, SNAP_INTEGRITY_COMPLETE);
		sink.bytes[i] ^= 0x10;
	}
}

static size_t count_records(void)
{
	struct snap_record record;
	struct snap_error err = SNAP_ERROR_INIT;
	size_t num = 0;
	open_reader();
	while (snap_reader_next(&reader, &record, &err) == 1)
		num += record.number != SNAP_RECORD_CHECKPOINT;
	snap_reader_deinit(&reader);
	return num;
}

static void test_device_writer_limit(void **unused)
{
	(void)unused;
	assert_int_equal(write_all(64, true), 0);
	size_t whole = sink.len, num_whole = count_records();
	for (size_t limit = 80; limit <= whole + 20; limit++) {
		start(64);
		writer.limit = limit;
		snapcrash_device_header(&writer, "thermostat 1.0");
		write_core_state();
		write_rest();
		assert_int_equal(snapcrash_device_finish(&writer), 0);
		assert_true(sink.len <= limit);
		assert_int_equal(scan_sink(sink.len).integrity, SNAP_INTEGRITY_COMPLETE);
		if (writer.num_left_out == 0) {
			assert_int_equal(sink.len, whole);
			continue;
		}
		assert_int_equal(count_records() - 1 + writer.num_left_out, num_whole);
		uint8_t tail[] = {0x8a, 0x41, 6, 0x08, 0, 0x10, SNAP_OMITTED_CAP, 0x30,
			(uint8_t)writer.num_left_out};
		assert_memory_equal(sink.bytes + sink.len - 19 - sizeof(tail), tail, sizeof(tail));
	}
	assert_int_equal(writer.num_left_out, 0);
}

static void differs(struct snapcrash_device_writer *w, void *context)
{
	int *calls = context;
	for (int i = 0; i <= *calls; i++)
		snapcrash_device_user_number(w, 8, 1);
	(*calls)++;
}

static void nest(struct snapcrash_device_writer *w, void *context)
{
	int *left = context;
	snapcrash_device_user_number(w, 9, (uint64_t)*left);
	if (--*left > 0)
		snapcrash_device_related(w, nest, context);
	++*left;
}

static void test_device_writer_related(void **unused)
{
	(void)unused;
	int calls = 0;
	start(16);
	snapcrash_device_header(&writer, "x");
	snapcrash_device_related(&writer, differs, &calls);
	assert_int_equal(snapcrash_device_finish(&writer), SNAPCRASH_DEVICE_MISUSE);

	int left = 3;
	start(16);
	snapcrash_device_related(&writer, nest, &left);
	assert_int_equal(snapcrash_device_finish(&writer), 0);
	assert_bytes(BYTES("\x9a\x01\x0c\x48\x03\x9a\x01\x07\x48\x02\x9a\x01\x02\x48\x01"),
		snap_bytes(sink.bytes, sink.len));

	/* Deeper than can be read: left out, and counted. */
	left = 6;
	start(16);
	snapcrash_device_header(&writer, "x");
	snapcrash_device_related(&writer, nest, &left);
	assert_true(writer.num_left_out > 0);
	assert_int_equal(snapcrash_device_finish(&writer), 0);
	assert_int_equal(scan_sink(sink.len).integrity, SNAP_INTEGRITY_COMPLETE);
	assert_int_equal(count_records(), 3);
}

static void test_device_writer_pieces(void **unused)
{
	(void)unused;
	/* Of what is too long nothing is written. */
	start(0);
	snapcrash_device_record_begin(&writer, 9, 3);
	snapcrash_device_record_put(&writer, "ab", 2);
	snapcrash_device_record_put(&writer, "cd", 2);
	snapcrash_device_record_end(&writer);
	assert_int_equal(snapcrash_device_finish(&writer), SNAPCRASH_DEVICE_MISUSE);
	assert_bytes(BYTES("\x4a\x03\x61\x62"), snap_bytes(sink.bytes, sink.len));
	start(16);
	snapcrash_device_record_begin(&writer, 9, 3);
	snapcrash_device_record_put(&writer, "ab", 2);
	snapcrash_device_record_end(&writer);
	assert_int_equal(snapcrash_device_finish(&writer), SNAPCRASH_DEVICE_MISUSE);
	/* Without room for it all of it is left out, and what follows is not. */
	start(16);
	writer.limit = 20;
	snapcrash_device_record_begin(&writer, 9, SIZE_MAX);
	snapcrash_device_record_put(&writer, "ab", 2);
	snapcrash_device_record_end(&writer);
	snapcrash_device_user_number(&writer, 8, 1);
	assert_int_equal(writer.num_left_out, 1);
	assert_int_equal(snapcrash_device_finish(&writer), 0);
	assert_bytes(BYTES("\x40\x01"), snap_bytes(sink.bytes, sink.len));
}

static void test_device_writer_nothing_after_the_end(void **unused)
{
	(void)unused;
	assert_int_equal(write_all(64, true), 0);
	size_t len = sink.len;
	write_core_state();
	write_rest();
	assert_int_equal(snapcrash_device_finish(&writer), 0);
	assert_int_equal(sink.len, len);
	/* And no Header but at the beginning. */
	start(64);
	snapcrash_device_user_number(&writer, 8, 1);
	snapcrash_device_header(&writer, "late");
	assert_int_equal(snapcrash_device_finish(&writer), 0);
	assert_int_equal(sink.len, 2);
}

/* A thread's stack between two pages that can't be read. */
static struct snapcrash_device_thread guarded_thread(size_t *ret_size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *memory = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(memory != MAP_FAILED);
	assert_int_equal(mprotect(memory + page, page, PROT_READ | PROT_WRITE), 0);
	for (size_t i = 0; i < page; i++)
		memory[page + i] = i < 100 ? 0xa5 : (uint8_t)(i * 7);
	*ret_size = page;
	return (struct snapcrash_device_thread){
		.has_id = true,
		.id = 5,
		.has_stack_start = true,
		.stack_start = (uintptr_t)(memory + 2 * page),
		.has_stack_end = true,
		.stack_end = (uintptr_t)(memory + page),
		.has_stack_pointer = true,
	};
}

static void free_guarded(const struct snapcrash_device_thread *thread, size_t page)
{
	assert_int_equal(munmap((void *)(thread->stack_end - page), 3 * page), 0);
}

static struct snap_bytes raw_stack(struct snap_bytes thread)
{
	struct snap_wire_field f;
	for (size_t off = 0; snap_wire_next(thread, &off, &f) == 1;)
		if (f.number == 6)
			return f.payload;
	return snap_bytes(NULL, 0);
}

static void write_guarded(const struct snapcrash_device_thread *thread, size_t max)
{
	start(100);
	snapcrash_device_header(&writer, "x");
	snapcrash_device_thread_with_stack(&writer, thread, max);
	assert_int_equal(snapcrash_device_finish(&writer), 0);
	open_reader();
	(void)next(SNAP_RECORD_HEADER);
}

static void test_device_writer_stack_is_clipped(void **unused)
{
	(void)unused;
	size_t page;
	struct snapcrash_device_thread thread = guarded_thread(&page);
	const uint8_t *bottom = (const uint8_t *)thread.stack_end;

	thread.stack_pointer = thread.stack_start - 200;
	write_guarded(&thread, 4096);
	assert_bytes(
		snap_bytes(bottom + page - 200, 200), raw_stack(next(SNAP_RECORD_THREAD).payload));
	(void)next(SNAP_RECORD_CHECKPOINT);
	snap_reader_deinit(&reader);

	thread.stack_pointer = thread.stack_start;
	write_guarded(&thread, 4096);
	assert_int_equal(raw_stack(next(SNAP_RECORD_THREAD).payload).len, 0);
	(void)next(SNAP_RECORD_CHECKPOINT);
	snap_reader_deinit(&reader);

	/* Cut: told. */
	thread.stack_pointer = thread.stack_start - 200;
	write_guarded(&thread, 60);
	assert_bytes(
		snap_bytes(bottom + page - 200, 60), raw_stack(next(SNAP_RECORD_THREAD).payload));
	struct snap_omission omission = next(SNAP_RECORD_OMISSION).u.omission;
	assert_int_equal(omission.what, SNAP_OMITTED_STACK);
	assert_int_equal(omission.why, SNAP_OMITTED_CAP);
	assert_int_equal(omission.tid, 5);
	assert_true(omission.address == thread.stack_start - 140 && omission.bytes == 140);
	snap_reader_deinit(&reader);

	/* Overflowed: what there is of the stack. */
	thread.stack_pointer = thread.stack_end - 300;
	write_guarded(&thread, 128);
	assert_null(raw_stack(next(SNAP_RECORD_THREAD).payload).data);
	struct snap_memory_range range = next(SNAP_RECORD_MEMORY).u.memory;
	assert_true(range.address == thread.stack_end && range.tid == 5);
	assert_int_equal(range.reason, SNAP_MEMORY_STACK);
	assert_bytes(snap_bytes(bottom, 128), range.data);
	assert_int_equal(next(SNAP_RECORD_OMISSION).u.omission.bytes, page - 128);
	snap_reader_deinit(&reader);

	/* Above, or not known: the upper end. */
	for (int i = 0; i < 2; i++) {
		struct snapcrash_device_thread lost = thread;
		lost.stack_pointer = i == 0 ? thread.stack_start + 1 : thread.stack_end + 8;
		lost.has_stack_pointer = i == 0;
		write_guarded(&lost, 128);
		assert_null(raw_stack(next(SNAP_RECORD_THREAD).payload).data);
		range = next(SNAP_RECORD_MEMORY).u.memory;
		assert_true(range.address == thread.stack_start - 128 && range.tid == 5);
		assert_bytes(snap_bytes(bottom + page - 128, 128), range.data);
		omission = next(SNAP_RECORD_OMISSION).u.omission;
		assert_true(omission.address == thread.stack_end && omission.bytes == page - 128);
		snap_reader_deinit(&reader);
		write_guarded(&lost, SIZE_MAX);
		(void)next(SNAP_RECORD_THREAD);
		assert_bytes(snap_bytes(bottom, page), next(SNAP_RECORD_MEMORY).u.memory.data);
		(void)next(SNAP_RECORD_CHECKPOINT);
		snap_reader_deinit(&reader);
	}

	/* Bounds that make no sense: nothing is read. */
	for (int i = 0; i < 3; i++) {
		struct snapcrash_device_thread bad = thread;
		bad.stack_pointer = thread.stack_end;
		if (i == 0)
			bad.stack_end = bad.stack_start + 4;
		bad.has_stack_start = i != 1;
		bad.has_stack_end = i != 2;
		write_guarded(&bad, 128);
		assert_null(raw_stack(next(SNAP_RECORD_THREAD).payload).data);
		omission = next(SNAP_RECORD_OMISSION).u.omission;
		assert_int_equal(omission.why, SNAP_OMITTED_UNREADABLE);
		assert_false(omission.has_range);
		snap_reader_deinit(&reader);
	}

	assert_true(snapcrash_device_stack_peak(thread.stack_end, thread.stack_start, 0xa5) ==
		    thread.stack_end + 100);
	memset((void *)thread.stack_end, 0xa5, page);
	assert_true(snapcrash_device_stack_peak(thread.stack_end, thread.stack_start, 0xa5) ==
		    thread.stack_start);
	free_guarded(&thread, page);
}

/* The project's other escaping is the reference. */
static void check_text(const uint8_t *text, size_t len)
{
	char wanted[64];
	size_t wanted_len =
		snap_escape(snap_bytes(text, len), SNAP_ESCAPE_INVALID, wanted, sizeof(wanted));
	start(64);
	snapcrash_device_tag(&writer, (struct snapcrash_device_bytes){text, len}, TEXT(""));
	assert_int_equal(snapcrash_device_finish(&writer), 0);
	size_t off = 0;
	struct snap_wire_field f =
		field(snap_bytes(sink.bytes, sink.len), &off, SNAP_RECORD_TAG, SNAP_WIRE_BYTES);
	off = 0;
	bytes_field(f.payload, &off, 1, snap_bytes(wanted, wanted_len));
}

static void test_device_writer_text_is_utf8(void **unused)
{
	(void)unused;
	static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1,
		0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff};
	uint8_t text[5];
	for (size_t a = 0; a < ARRAY_LEN(edges); a++)
		for (size_t b = 0; b < ARRAY_LEN(edges); b++)
			for (size_t c = 0; c < ARRAY_LEN(edges); c++)
				for (size_t d = 0; d < 4; d++) {
					text[0] = edges[a];
					text[1] = edges[b];
					text[2] = edges[c];
					text[3] = edges[d * 3 + 1];
					text[4] = 'x';
					for (size_t len = 0; len <= 5; len++)
						check_text(text, len);
				}
}

static void test_device_writer_crc32c(void **unused)
{
	(void)unused;
	for (size_t len = 0; len < 300; len++)
		assert_int_equal(
			snapcrash_device_crc32c(7, stack, len), snap_crc32c(7, stack, len));
	/* RFC 3720, B.4: 32 bytes of zeros. */
	static const uint8_t zeros[32];
	assert_int_equal(snapcrash_device_crc32c(0, zeros, sizeof(zeros)), 0x8a9136aa);
}

int main(void)
{
	srandom(11);
	for (size_t i = 0; i < sizeof(stack); i++)
		stack[i] = (uint8_t)random();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device_writer_all_is_read_back),
		cmocka_unit_test(test_device_writer_plain_pigweed),
		cmocka_unit_test(test_device_writer_any_scratch),
		cmocka_unit_test(test_device_writer_sink_fails),
		cmocka_unit_test(test_device_writer_cut_anywhere),
		cmocka_unit_test(test_device_writer_limit),
		cmocka_unit_test(test_device_writer_related),
		cmocka_unit_test(test_device_writer_pieces),
		cmocka_unit_test(test_device_writer_nothing_after_the_end),
		cmocka_unit_test(test_device_writer_stack_is_clipped),
		cmocka_unit_test(test_device_writer_text_is_utf8),
		cmocka_unit_test(test_device_writer_crc32c),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
