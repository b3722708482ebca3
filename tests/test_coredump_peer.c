#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/server/coredump_peer.h"

/* The kernel's words, as it would send them (include/uapi/linux/coredump.h). */
struct words {
	uint32_t size, size_ack;
	uint64_t mask;
	uint64_t more;
};

/* What comes of a request of len bytes and, after it, a mark; the answer into *ret_ack if any. */
static int agree(const struct words *words, size_t len, const uint32_t *mark, uint64_t ret_ack[2])
{
	int ends[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(send(ends[0], words, len, 0), (ssize_t)len);
	if (mark)
		assert_int_equal(send(ends[0], mark, sizeof(*mark), 0), sizeof(*mark));
	assert_int_equal(shutdown(ends[0], SHUT_WR), 0);
	int r = snap_coredump_peer_agree(ends[1]);
	ssize_t n = recv(ends[0], ret_ack, 16, MSG_DONTWAIT);
	if (n != 16)
		ret_ack[0] = ret_ack[1] = 0;
	(void)close(ends[0]);
	(void)close(ends[1]);
	return r;
}

static const uint32_t taken = 0, unsupported = 3;

static void test_agree(void **state)
{
	(void)state;
	uint64_t ack[2];
	struct words words = {16, 16, 15, 0};
	assert_int_equal(agree(&words, 16, &taken, ack), 0);
	/* Its size, nothing; the core by the kernel, who waits. */
	assert_int_equal(ack[0], 16);
	assert_int_equal(ack[1], 1 | 8);
	/* A later kernel, which can do more and says more. */
	words = (struct words){24, 32, 0xff, 42};
	assert_int_equal(agree(&words, 24, &taken, ack), 0);
	assert_int_equal(ack[0], 16);
	assert_int_equal(ack[1], 1 | 8);
}

static void test_agree_not(void **state)
{
	(void)state;
	uint64_t ack[2];
	struct words words = {16, 16, 15, 0};
	assert_int_equal(agree(&words, 16, &unsupported, ack), -ECONNABORTED);
	assert_int_equal(agree(&words, 16, NULL, ack), -EPROTO);
	assert_int_equal(agree(&words, 9, NULL, ack), -EPROTO);
	assert_int_equal(ack[0], 0);

	static const struct {
		struct words words;
		int error;
	} cases[] = {
		{{8, 16, 15, 0}, -EPROTO}, {{0, 16, 15, 0}, -EPROTO},
		{{UINT32_MAX, 16, 15, 0}, -EPROTO},
		{{24, 16, 15, 0}, -EPROTO}, /* which does not come */
		{{16, 8, 15, 0}, -EOPNOTSUPP},
		{{16, 16, 1 | 2 | 4, 0}, -EOPNOTSUPP}, /* it would not wait */
		{{16, 16, 2 | 4 | 8, 0}, -EOPNOTSUPP}, /* it would not write */
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(agree(&cases[i].words, 16, NULL, ack), cases[i].error);
		assert_int_equal(ack[0], 0);
	}
}

static void test_find_who_does_not_dump(void **state)
{
	(void)state;
	int ends[2];
	struct snap_coredump_peer peer = {.pidfd = -2};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	int r = snap_coredump_peer_find(ends[0], &peer);
	/* Before Linux 6.16 no process does. */
	assert_true(r == -EPERM || r == -EOPNOTSUPP);
	assert_int_equal(peer.pidfd, -2);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agree),
		cmocka_unit_test(test_agree_not),
		cmocka_unit_test(test_find_who_does_not_dump),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
