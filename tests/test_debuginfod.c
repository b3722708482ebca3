/* analyze/find/debuginfod: the bound on a request, and what the listener is told. (What real
 * servers send is tried by cli_debuginfod.sh.) */
#include "analyze/find/debuginfod.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char dir[] = "/tmp/snap-test-debuginfod-XXXXXX";
static const uint8_t build_id[] = {1, 2, 3, 4, 5, 6, 7, 8};

/* Counts of the events. */
static unsigned int told[4];

static void listen_to(const struct snap_fetch *fetch, void *data)
{
	assert_ptr_equal(data, told);
	assert_string_equal(fetch->build_id, "0102030405060708");
	assert_string_equal(fetch->name, "lib\\xff.so");
	told[fetch->event]++;
}

/* A server that takes connections and says nothing. */
static int mute_server(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	socklen_t len = sizeof(addr);
	char url[64];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	assert_true(listen(fd, 16) == 0 && getsockname(fd, (struct sockaddr *)&addr, &len) == 0);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/", ntohs(addr.sin_port));
	assert_int_equal(setenv("DEBUGINFOD_URLS", url, 1), 0);
	return fd;
}

static void test_request_is_bounded_and_told(void **state)
{
	(void)state;
	struct snap_debuginfod *client;
	struct snap_debuginfod_answer answer;
	struct snap_error err = SNAP_ERROR_INIT;
	const struct snap_debuginfod_request request = {
		.build_id = snap_bytes(build_id, sizeof(build_id)),
		.role = SNAP_ROLE_DEBUG,
		.name = snap_bytes_str("lib\xff.so"),
	};
	int server = mute_server();
	assert_int_equal(setenv("DEBUGINFOD_TIMEOUT", "100", 1), 0);
	assert_int_equal(setenv("DEBUGINFOD_CACHE_PATH", dir, 1), 0);
	assert_int_equal(snap_debuginfod_create(listen_to, told, &client, &err), 0);
	snap_debuginfod_set_max_s(client, 1);
	time_t begun = time(NULL);
	assert_true(snap_debuginfod_fetch(client, &request, &answer));
	assert_true(time(NULL) - begun <= 20);
	assert_int_equal(answer.fd, -1);
	assert_int_equal(answer.fate, SNAP_FATE_FETCH_FAILED);
	assert_string_equal(answer.detail, "Connection timed out");
	assert_non_null(strstr(answer.url, "/buildid/0102030405060708/debuginfo"));
	assert_null(strstr(answer.url, "//buildid"));
	assert_int_equal(told[SNAP_FETCH_BEGIN], 1);
	assert_int_equal(told[SNAP_FETCH_END], 1);
	assert_int_equal(told[SNAP_FETCH_GIVE_UP], 1);
	/* Given up: nothing is asked, nor told. */
	assert_false(snap_debuginfod_fetch(client, &request, &answer));
	assert_non_null(strstr(answer.detail, "Connection timed out"));
	assert_int_equal(told[SNAP_FETCH_BEGIN], 1);
	assert_int_equal(told[SNAP_FETCH_GIVE_UP], 1);
	snap_debuginfod_destroy(client);
	(void)close(server);
}

static int setup(void **state)
{
	(void)state;
	static const char *const proxies[] = {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"};
	for (size_t i = 0; i < 4; i++)
		(void)unsetenv(proxies[i]); /* not for this machine */
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	char command[64];
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_is_bounded_and_told),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
