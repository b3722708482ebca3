/* capture/proc_info and proc_status: lines, status and stat as kernels make them, and as nobody
 * should. */
#include "capture/proc_status.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/proc_info.h"
#include "tests/lib/temp_tree.h"

static void put_bytes(const char *name, const void *data, size_t len)
{
	FILE *f = fopen(in_top("%s", name), "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void put(const char *name, const char *text)
{
	put_bytes(name, text, strlen(text));
}

/* ---------------------------------------------------------------- lines */

struct lines {
	size_t num;
	size_t lens[8];
	char first[8][64];
};

static void take(void *arg, const char *line, size_t len)
{
	struct lines *lines = arg;
	assert_int_equal(line[len], '\0');
	assert_true(lines->num < 8);
	lines->lens[lines->num] = len;
	(void)snprintf(lines->first[lines->num++], 64, "%s", line);
}

static struct lines lines_of(const void *data, size_t len)
{
	struct lines lines = {0};
	put_bytes("lines", data, len);
	assert_int_equal(snap_proc_lines(AT_FDCWD, in_top("lines"), take, &lines), 0);
	return lines;
}

static void test_proc_lines(void **state)
{
	(void)state;
	struct lines lines = lines_of("a\n\nbc\nd", 7);
	assert_int_equal(lines.num, 4);
	assert_string_equal(lines.first[0], "a");
	assert_int_equal(lines.lens[1], 0);
	assert_string_equal(lines.first[2], "bc");
	assert_string_equal(lines.first[3], "d");
	assert_int_equal(lines_of("", 0).num, 0);
	assert_int_equal(lines_of("\n", 1).num, 1);
	assert_int_equal(snap_proc_lines(AT_FDCWD, in_top("none"), take, &lines), -ENOENT);
}

/* Cut, and what is behind the cut is no line of its own; one of just the limit is whole. */
static void test_proc_lines_too_long(void **state)
{
	(void)state;
	static char data[3 * SNAP_PROC_LINE_MAX + 64];
	for (size_t len = SNAP_PROC_LINE_MAX - 1; len <= 2 * SNAP_PROC_LINE_MAX + 2;
		len += len < SNAP_PROC_LINE_MAX + 2 ? 1 : SNAP_PROC_LINE_MAX - 2) {
		memset(data, 'x', len);
		memcpy(data + len, "\nend\n", 5);
		struct lines lines = lines_of(data, len + 5);
		assert_int_equal(lines.num, 2);
		assert_int_equal(
			lines.lens[0], len < SNAP_PROC_LINE_MAX ? len : SNAP_PROC_LINE_MAX);
		assert_string_equal(lines.first[1], "end");
		/* Without a newline, too. */
		lines = lines_of(data, len);
		assert_int_equal(lines.num, 1);
	}
}

static void test_proc_number(void **state)
{
	(void)state;
	uint64_t n = 7;
	assert_false(snap_proc_number("", &n));
	assert_false(snap_proc_number("-1", &n));
	assert_false(snap_proc_number(" \t x", &n));
	assert_false(snap_proc_number("99999999999999999999", &n));
	assert_int_equal(n, 7);
	assert_true(snap_proc_number(" \t18446744073709551600z", &n));
	assert_true(n == 18446744073709551600u);
}

/* ---------------------------------------------------------------- status */

/* Of a dumping process in a container, by Linux 6.18, shortened. */
static const char container[] = "Name:\tx\\nUid:\\t77\n"
				"Umask:\t0022\n"
				"State:\tD (disk sleep)\n"
				"Tgid:\t4711\n"
				"Ngid:\t0\n"
				"Pid:\t4712\n"
				"PPid:\t4000\n"
				"TracerPid:\t0\n"
				"Uid:\t1000\t0\t1001\t4294967295\n"
				"Gid:\t100\t101\t102\t103\n"
				"FDSize:\t64\n"
				"Groups:\t1 2 3 \n"
				"NStgid:\t4711\t12\t3\n"
				"NSpid:\t4712\t13\t4\n"
				"NSpgid:\t4600\t1\t1\n"
				"NSsid:\t4500\t1\t1\n"
				"Kthread:\t0\n"
				"VmPeak:\t    2504 kB\n"
				"VmSize:\t    2503 kB\n"
				"VmHWM:\t    1802 kB\n"
				"VmRSS:\t    1801 kB\n"
				"VmSwap:\t       4 kB\n"
				"CoreDumping:\t1\n"
				"Threads:\t2\n"
				"CapEff:\t000001ffffffffff\n"
				"NoNewPrivs:\t1\n"
				"Seccomp:\t2\n"
				"Seccomp_filters:\t3\n";

static struct snap_proc_status status_of(const char *text)
{
	struct snap_proc_status status;
	put("status", text);
	assert_int_equal(snap_proc_status_read(AT_FDCWD, in_top("status"), &status), 0);
	return status;
}

static void test_status_of_a_container(void **state)
{
	(void)state;
	const struct snap_proc_status status = status_of(container);
	assert_int_equal(status.state, 'D');
	assert_int_equal(status.tgid, 4711);
	assert_int_equal(status.pid, 4712);
	assert_int_equal(status.uid, 1000);
	assert_int_equal(status.gid, 100);
	assert_int_equal(status.num_threads, 2);
	assert_int_equal(status.core_dumping, 1);
	assert_int_equal(status.num_pid_namespaces, 3);
	assert_int_equal(status.ns_pid, 4);

	struct snap_process p = {.has_uid = true, .uid = 5};
	snap_proc_status_facts(&status, &p);
	assert_int_equal(p.uid, 5);
	assert_true(p.has_ppid && p.ppid == 4000);
	assert_true(p.has_pgid && p.pgid == 4600);
	assert_true(p.has_sid && p.sid == 4500);
	assert_true(p.has_ns_pid && p.ns_pid == 3);
	assert_true(p.has_euid && p.euid == 0);
	assert_true(p.has_suid && p.suid == 1001);
	assert_true(p.has_fsuid && p.fsuid == UINT32_MAX);
	assert_true(p.has_egid && p.egid == 101);
	assert_true(p.has_sgid && p.sgid == 102);
	assert_true(p.has_fsgid && p.fsgid == 103);
	assert_true(p.has_tracer_pid && p.tracer_pid == 0);
	assert_true(p.has_vm_bytes && p.vm_bytes == 2503 * 1024);
	assert_true(p.has_vm_peak_bytes && p.vm_peak_bytes == 2504 * 1024);
	assert_true(p.has_rss_bytes && p.rss_bytes == 1801 * 1024);
	assert_true(p.has_rss_peak_bytes && p.rss_peak_bytes == 1802 * 1024);
	assert_true(p.has_swap_bytes && p.swap_bytes == 4096);
	assert_true(p.has_seccomp && p.seccomp == 2);
	assert_true(p.has_no_new_privs && p.no_new_privs);
	assert_true(p.has_capabilities && p.capabilities == 0x1ffffffffff);
}

/* Outside of namespaces there is no inner id; an old or small kernel tells less; nothing is 0. */
static void test_status_absent(void **state)
{
	(void)state;
	struct snap_process p = {0};
	struct snap_proc_status status = status_of("Tgid:\t1\nNStgid:\t1\nNSpid:\t1\n");
	snap_proc_status_facts(&status, &p);
	assert_int_equal(status.num_pid_namespaces, 1);
	assert_false(p.has_ns_pid || p.has_ppid || p.has_euid || p.has_vm_bytes || p.has_seccomp ||
		     p.has_no_new_privs || p.has_capabilities || p.has_tracer_pid);
	status = status_of("");
	snap_proc_status_facts(&status, &p);
	assert_int_equal(status.state, 0);
	assert_true(status.tgid == SNAP_PROC_UNKNOWN && status.uid == SNAP_PROC_UNKNOWN);
	assert_false(p.has_ns_pid || p.has_ppid || p.has_sid);
}

static void test_status_hostile(void **state)
{
	(void)state;
	struct snap_process p = {0};
	struct snap_proc_status status = status_of(
		"Uid:\t1\t-2\t3\t4\nPPid:\t4294967296\nVmSize:\t18446744073709551600 kB\n"
		"CapEff:\t00000000000000001\nSeccomp:\t\nNSpid:\t\nState:\nTgid: \nNoNewPrivs:\t7\n"
		"Threads:\tx\nXTgid:\t5\nTgid\t6\n");
	snap_proc_status_facts(&status, &p);
	assert_int_equal(status.uid, 1);
	assert_true(status.tgid == SNAP_PROC_UNKNOWN);
	assert_true(status.num_threads == SNAP_PROC_UNKNOWN);
	assert_false(p.has_euid || p.has_suid || p.has_ppid || p.has_vm_bytes ||
		     p.has_capabilities || p.has_seccomp || p.has_ns_pid);
	assert_true(p.has_no_new_privs && !p.no_new_privs);

	/* The line of groups may be as long as it likes. */
	static char large[200000];
	size_t len = (size_t)sprintf(large, "Tgid:\t9\nGroups:\t");
	memset(large + len, '1', sizeof(large) - 64 - len);
	strcpy(large + sizeof(large) - 64, "\nThreads:\t3\n");
	status = status_of(large);
	assert_int_equal(status.tgid, 9);
	assert_int_equal(status.num_threads, 3);
}

/* ---------------------------------------------------------------- stat */

static int stat_of(const void *data, size_t len, struct snap_proc_stat *ret)
{
	put_bytes("stat", data, len);
	return snap_proc_stat_read(AT_FDCWD, in_top("stat"), ret);
}

#define FIELDS                                                                                     \
	"S 1 2 3 0 -1 4194560 118 0 0 0 16 15 0 0 20 0 1 0 241992 2990080 441 "                    \
	"18446744073709551615 "                                                                    \
	"94 95 140721 28 29 0 0 4096 0 1 0 0 17 6 0 0 0 0 0 94 95 96 97 98 99 0\n"

static void test_stat(void **state)
{
	(void)state;
	struct snap_proc_stat stat;
	static const char text[] = "11206 (a) b (c)) " FIELDS;
	assert_int_equal(stat_of(text, sizeof(text) - 1, &stat), 0);
	assert_int_equal(stat.comm_len, 8);
	assert_memory_equal(stat.comm, "a) b (c)", 8);
	assert_int_equal(stat.state, 'S');
	assert_int_equal(stat.flags, 4194560);
	assert_int_equal(stat.user_ticks, 16);
	assert_int_equal(stat.system_ticks, 15);
	assert_int_equal(stat.start_time, 241992);
	assert_int_equal(stat.start_stack, 140721);
	assert_int_equal(stat.sp, 28);
	assert_int_equal(stat.pc, 29);
	assert_int_equal(stat.cpu, 6);
	assert_int_equal(snap_proc_ticks_ms(241992), 241992 * 1000 / sysconf(_SC_CLK_TCK));
}

static void test_stat_hostile(void **state)
{
	(void)state;
	struct snap_proc_stat stat;
	static const char *const bad[] = {
		"", "1", "1 (", "1 (a", "1 a)", "1 (a)", "1 (a) ", ") (", "1 )a( S 1"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(stat_of(bad[i], strlen(bad[i]), &stat), -EBADMSG);
	/* A name full of newlines and of what looks like the fields; a longer one than there can
	 * be. */
	static const char forged[] = "1 (\n) R 9 9 9\n) " FIELDS;
	assert_int_equal(stat_of(forged, sizeof(forged) - 1, &stat), 0);
	assert_int_equal(stat.state, 'S');
	assert_memory_equal(stat.comm, "\n) R 9 9 9\n", stat.comm_len);
	char large[400];
	int len = snprintf(large, sizeof(large), "1 (%0200d) %s", 0, "T");
	assert_int_equal(stat_of(large, (size_t)len, &stat), 0);
	assert_int_equal(stat.comm_len, SNAP_COMM_MAX);
	assert_int_equal(stat.state, 'T');
	assert_int_equal(stat.start_time, 0);
}

/* What the kernel makes for this very process. */
static void test_status_and_stat_of_this_process(void **state)
{
	(void)state;
	struct snap_proc_status status;
	struct snap_proc_stat stat;
	struct snap_process p = {0};
	assert_int_equal(snap_proc_status_read(AT_FDCWD, "/proc/self/status", &status), 0);
	snap_proc_status_facts(&status, &p);
	assert_int_equal(status.tgid, getpid());
	assert_int_equal(p.ppid, getppid());
	assert_int_equal(p.pgid, getpgrp());
	assert_int_equal(p.sid, getsid(0));
	assert_int_equal(p.euid, geteuid());
	assert_int_equal(p.fsgid, getegid());
	assert_true(p.has_rss_bytes && p.rss_bytes > 0 && p.rss_bytes <= p.rss_peak_bytes);
	assert_int_equal(snap_proc_stat_read(AT_FDCWD, "/proc/self/stat", &stat), 0);
	assert_memory_equal(stat.comm, "test_proc_statu", stat.comm_len);
	assert_true(stat.start_time > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proc_lines),
		cmocka_unit_test(test_proc_lines_too_long),
		cmocka_unit_test(test_proc_number),
		cmocka_unit_test(test_status_of_a_container),
		cmocka_unit_test(test_status_absent),
		cmocka_unit_test(test_status_hostile),
		cmocka_unit_test(test_stat),
		cmocka_unit_test(test_stat_hostile),
		cmocka_unit_test(test_status_and_stat_of_this_process),
	};
	return cmocka_run_group_tests(tests, make_top, remove_top);
}
