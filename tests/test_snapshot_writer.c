/* common/snapshot_write: where the file may end, and in which pieces it is written. What stands in
 * it is test_snapshot_file.c's. */
#include "common/snapshot_write.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static struct snap_writer writer;

/* The largest of each, all numbers being as long as they get. */
static int write_largest(unsigned int kind)
{
	static uint8_t bytes[5000];
	memset(bytes, 0xff, sizeof(bytes));
	struct snap_regset regsets[SNAP_MAX_REGSETS];
	for (size_t i = 0; i < SNAP_MAX_REGSETS; i++)
		regsets[i] = (struct snap_regset){UINT32_MAX, snap_bytes(bytes, 700)};
	struct snap_thread thread = {
		.has_tid = true,
		.tid = UINT64_MAX,
		.name = snap_bytes(bytes, 1000),
		.has_state = true,
		.state = UINT32_MAX,
		.regsets = regsets,
		.num_regsets = SNAP_MAX_REGSETS,
		.has_ns_tid = true,
		.has_tls_base = true,
		.ns_tid = UINT32_MAX,
		.tls_base = UINT64_MAX,
		.has_stack_start = true,
		.has_stack_end = true,
		.has_stack_pointer = true,
		.stack_start = UINT64_MAX,
		.stack_end = UINT64_MAX,
		.stack_pointer = UINT64_MAX,
	};
	const struct snap_memory_range range = {UINT64_MAX, snap_bytes(bytes, sizeof(bytes)),
		UINT32_MAX, true, UINT64_MAX, snap_bytes(bytes, SNAP_MAX_RANGE_NAME)};
	const struct snap_mapping mapping = {
		.start = UINT64_MAX,
		.end = UINT64_MAX,
		.file_offset = UINT64_MAX,
		.has_permissions = true,
		.permissions = UINT32_MAX,
		.path = snap_bytes(bytes, 4096),
		.deleted = true,
		.has_device = true,
		.device_major = UINT32_MAX,
		.device_minor = UINT32_MAX,
		.inode = UINT64_MAX,
	};
	switch (kind) {
	case 0:
		return snap_write_thread(&writer, &thread);
	case 1:
		return snap_write_memory(&writer, &range);
	case 2:
		return snap_write_mapping(&writer, &mapping);
	case 3:
		thread.num_regsets = 0;
		return snap_write_thread(&writer, &thread);
	default:
		return snap_write_note(&writer, "one without a bound of its own");
	}
}

/* A record that does not fit is left out, to the byte. */
static void test_snapshot_writer_keeps_its_limit(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < 5; kind++) {
		int fd = memfd_create("snapshot", MFD_CLOEXEC);
		assert_true(fd >= 0);
		snap_writer_init(&writer, fd);
		assert_int_equal(0, snap_write_header(&writer, "test"));
		uint64_t before = writer.len;
		assert_int_equal(0, write_largest(kind));
		uint64_t len = writer.len - before;
		for (uint64_t more = 0; more < 4 * len; more += more < 2 ? 1 : len / 3) {
			before = writer.len;
			writer.num_refused = 0;
			writer.limit = before + len - 1 + more;
			assert_int_equal(more == 0 ? -ENOSPC : 0, write_largest(kind));
			assert_int_equal(more == 0, writer.num_refused);
			assert_int_equal(more == 0 ? 0 : len, writer.len - before);
		}
		writer.limit = writer.len - 1;
		assert_int_equal(-ENOSPC, write_largest(kind));
		close(fd);
	}
}

/* But for the last piece, and those before a checkpoint, they end where the file system's blocks
 * do. */
static void test_snapshot_is_written_in_whole_blocks(void **state)
{
	(void)state;
	enum { BLOCK = sizeof(writer.buf) };
	static uint8_t data[3 * BLOCK], piece[2 * BLOCK];
	int fds[2], room = 8 * BLOCK;
	assert_int_equal(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, fds));
	assert_int_equal(0, setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)));
	const struct snap_memory_range range = {
		.address = 0x1000,
		.data = snap_bytes(data, sizeof(data)),
		.reason = SNAP_MEMORY_STACK,
	};
	snap_writer_init(&writer, fds[0]);
	assert_int_equal(0, snap_write_header(&writer, "test"));
	assert_int_equal(0, snap_write_checkpoint(&writer, false));
	ssize_t first = recv(fds[1], piece, sizeof(piece), MSG_DONTWAIT);
	assert_in_range(first, 1, BLOCK - 1);
	assert_int_equal(0, snap_write_memory(&writer, &range));
	assert_int_equal(BLOCK - first, recv(fds[1], piece, sizeof(piece), MSG_DONTWAIT));
	assert_int_equal(BLOCK, recv(fds[1], piece, sizeof(piece), MSG_DONTWAIT));
	assert_int_equal(BLOCK, recv(fds[1], piece, sizeof(piece), MSG_DONTWAIT));
	assert_int_equal(-1, recv(fds[1], piece, sizeof(piece), MSG_DONTWAIT));
	close(fds[0]);
	close(fds[1]);
}

/* Wherever in a block the short fields of a record end: at its end, too. */
static void test_short_fields_at_the_end_of_a_block(void **state)
{
	(void)state;
	const struct snap_thread_facts facts = {.has_tid = true, .tid = 1};
	const size_t block = sizeof(writer.buf);
	char note[1001];
	for (size_t left = 0; left < 64; left++) {
		int fd = memfd_create("snapshot", MFD_CLOEXEC);
		assert_true(fd >= 0);
		snap_writer_init(&writer, fd);
		memset(note, 'a', sizeof(note));
		note[1000] = '\0';
		while (block - writer.len > 2000)
			assert_int_equal(0, snap_write_note(&writer, note));
		note[(block - writer.len) / 2 - left / 2] = '\0';
		assert_int_equal(0, snap_write_note(&writer, note));
		while (writer.len < block + 100) {
			assert_int_equal(0, snap_write_thread_facts(&writer, &facts));
			assert_true(writer.buf_len < block);
		}
		assert_int_equal(0, snap_write_checkpoint(&writer, true));
		assert_int_equal(writer.len, lseek(fd, 0, SEEK_END));
		(void)close(fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_snapshot_writer_keeps_its_limit),
		cmocka_unit_test(test_snapshot_is_written_in_whole_blocks),
		cmocka_unit_test(test_short_fields_at_the_end_of_a_block),
	};
	return cmocka_run_group_tests_name("snapshot_writer", tests, NULL, NULL);
}
