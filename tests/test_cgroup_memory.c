/* capture/cgroup_memory: how a control group stands with its memory, by files as kernels write
 * them.
 */
#include "capture/cgroup_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/proc_container.h"
#include "tests/lib/temp_tree.h"

static int dir_fd;

static int setup(void **state)
{
	static const char *const dirs[] = {"app", "app/inner", "outer", "free", "old", "far"};
	if (make_top(state) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (mkdir(in_top("%s", dirs[i]), 0700) < 0)
			return -1;
	dir_fd = open(top, O_RDONLY | O_DIRECTORY);
	return dir_fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)remove_top(state); /* can't fail */
	return close(dir_fd);
}

static struct snap_process look(const char *path, bool is_v1)
{
	struct snap_process process = {0};
	snap_cgroup_memory_read_at(dir_fd, snap_bytes_str(path), is_v1, &process);
	return process;
}

/* As Linux's Documentation/admin-guide/cgroup-v2.rst says. */
static void test_unified(void **state)
{
	(void)state;
	put_file("app/memory.max", "67108864\n");
	put_file("app/memory.current", "66846720\n");
	put_file("app/memory.peak", "67108864\n");
	put_file("app/memory.events",
		"low 0\nhigh 0\nmax 312\noom 3\noom_kill 1\noom_group_kill 7\n");
	struct snap_process p = look("/app", false);
	assert_true(p.has_cgroup_memory_limit && p.has_cgroup_memory_current &&
		    p.has_cgroup_memory_peak && p.has_cgroup_oom && p.has_cgroup_oom_kill &&
		    p.has_cgroup_levels_up);
	assert_int_equal(p.cgroup_memory_limit, 67108864);
	assert_int_equal(p.cgroup_memory_current, 66846720);
	assert_int_equal(p.cgroup_memory_peak, 67108864);
	assert_int_equal(p.cgroup_oom, 3);
	assert_int_equal(p.cgroup_oom_kill, 1);
	assert_int_equal(p.cgroup_levels_up, 0);
	/* A group in it has no limit of its own. */
	put_file("app/inner/memory.max", "max\n");
	put_file("app/inner/memory.current", "4096\n");
	p = look("/app/inner", false);
	assert_int_equal(p.cgroup_memory_limit, 67108864);
	assert_int_equal(p.cgroup_memory_current, 66846720);
	assert_int_equal(p.cgroup_levels_up, 1);
	/* Unless it has. */
	put_file("app/inner/memory.max", "8192\n");
	p = look("/app/inner", false);
	assert_int_equal(p.cgroup_memory_limit, 8192);
	assert_int_equal(p.cgroup_levels_up, 0);
	assert_false(p.has_cgroup_memory_peak);
	assert_false(p.has_cgroup_oom_kill);
	/* Nobody has. */
	put_file("free/memory.max", "max\n");
	put_file("free/memory.current", "123\n");
	p = look("/free", false);
	assert_false(p.has_cgroup_memory_limit);
	assert_false(p.has_cgroup_levels_up);
	assert_int_equal(p.cgroup_memory_current, 123);
}

/* As Linux's Documentation/admin-guide/cgroup-v1/memory.rst says. */
static void test_old(void **state)
{
	(void)state;
	put_file("old/memory.limit_in_bytes", "9223372036854771712\n");
	put_file("old/memory.usage_in_bytes", "40960\n");
	put_file("old/memory.max_usage_in_bytes", "81920\n");
	put_file("old/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
	struct snap_process p = look("/old", true);
	assert_false(p.has_cgroup_memory_limit);
	assert_int_equal(p.cgroup_memory_current, 40960);
	assert_int_equal(p.cgroup_memory_peak, 81920);
	assert_int_equal(p.cgroup_oom_kill, 2);
	assert_false(p.has_cgroup_oom);
	put_file("old/memory.limit_in_bytes", "81920\n");
	p = look("/old", true);
	assert_int_equal(p.cgroup_memory_limit, 81920);
}

static void assert_nothing(const char *path)
{
	const struct snap_process none = {0};
	struct snap_process p = look(path, false);
	assert_memory_equal(&p, &none, sizeof(p));
}

/* Only downwards, and by no link; what is gone, or no number, is not known. */
static void test_hostile(void **state)
{
	char path[SNAP_MAX_CGROUP + 1];
	(void)state;
	put_file("outer/memory.max", "1\n");
	assert_int_equal(symlink("../outer", in_top("far/link")), 0);
	assert_nothing("/far/link");
	assert_nothing("/far/../outer");
	assert_nothing("/../outer");
	assert_nothing("/far/./../outer");
	assert_nothing("/");
	assert_nothing("");
	assert_nothing("/outer/gone");
	assert_nothing("/outer/memory.max");
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_nothing(path);
	for (size_t i = 0; i + 2 < sizeof(path); i += 2)
		memcpy(path + i, "/a", 2);
	assert_nothing(path);
	put_file("outer/memory.max", "99999999999999999999999999999999\n");
	put_file("outer/memory.current", "all\n");
	put_file("outer/memory.events", "oom_kill\noom -1\noom_kill x\n");
	assert_nothing("/outer");
}

static void assert_memory_path(const char *lines, const char *path, bool is_v1)
{
	struct snap_proc_cgroup cgroup;
	put_file("cgroup", lines);
	snap_proc_cgroup_read(dir_fd, &cgroup);
	assert_int_equal(cgroup.memory_len, strlen(path));
	assert_memory_equal(cgroup.memory_path, path, strlen(path));
	assert_true(cgroup.is_memory_v1 == is_v1);
}

static void test_paths(void **state)
{
	(void)state;
	assert_memory_path("0::/app\n", "/app", false);
	assert_memory_path("4:cpu,memory:/m\n1:name=systemd:/s\n0::/app\n", "/m", true);
	assert_memory_path("0::/app\n4:memory:/m\n", "/m", true);
	assert_memory_path("0::/app\n4:memory2,xmemory:/m\n", "/app", false);
	assert_memory_path("3:name=memory:/m\n", "", false);
	assert_memory_path("", "", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unified),
		cmocka_unit_test(test_old),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_paths),
	};
	return cmocka_run_group_tests_name("cgroup_memory", tests, setup, teardown);
}
