/* capture/proc_container and cgroup_names: where a process lives, as kernels and engines tell it.
 */
#include "capture/proc_container.h"

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
#include <sys/stat.h>
#include <unistd.h>

#include "capture/cgroup_names.h"
#include "tests/lib/temp_tree.h"

#define HEX32 "0123456789abcdef0123456789abcdef"
#define HEX64 HEX32 HEX32

static int dir_fd;

static int setup(void **state)
{
	if (make_top(state) < 0 || mkdir(in_top("ns"), 0700) < 0)
		return -1;
	dir_fd = open(top, O_RDONLY | O_DIRECTORY);
	return dir_fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)remove_top(state); /* can't fail */
	return close(dir_fd);
}

static void put_link(const char *name, const char *text)
{
	(void)unlink(in_top("ns/%s", name));
	assert_int_equal(symlink(text, in_top("ns/%s", name)), 0);
}

/* ---------------------------------------------------------------- control group */

static void assert_cgroup(const char *file, const char *path)
{
	struct snap_proc_cgroup cgroup;
	put_file("cgroup", file);
	snap_proc_cgroup_read(dir_fd, &cgroup);
	assert_int_equal(cgroup.error, 0);
	assert_int_equal(cgroup.len, strlen(path));
	assert_memory_equal(cgroup.path, path, cgroup.len);
	assert_false(cgroup.cut);
}

static void test_cgroup_which_hierarchy(void **state)
{
	(void)state;
	assert_cgroup("0::/system.slice/cron.service\n", "/system.slice/cron.service");
	/* Both: the unified one, if the process is in a group of it. */
	assert_cgroup("1:name=systemd:/a\n0::/b\n", "/b");
	assert_cgroup("12:memory:/c\n1:name=systemd:/a\n0::/\n", "/a");
	assert_cgroup("12:memory:/docker/0123\n2:cpu,cpuacct:/x\n0::/\n", "/docker/0123");
	assert_cgroup("1:name=systemd:/\n0::/\n", "/");
	assert_cgroup("3:cpu:/\n", "/");
	/* Colons in a path; a group that is gone; several that are as good: the first. */
	assert_cgroup("0::/a:b:c\n", "/a:b:c");
	assert_cgroup("0::/gone (deleted)\n", "/gone");
	assert_cgroup("5:pids:/p\n4:cpu:/q\n", "/p");
	assert_cgroup("", "");
	assert_cgroup("nothing\n1:cpu\n0:\n:::\n0::relative\n", "");
}

static void test_cgroup_too_long_and_missing(void **state)
{
	(void)state;
	static char file[6000];
	struct snap_proc_cgroup cgroup;
	for (size_t len = SNAP_MAX_CGROUP; len < 5000; len += len < 1025 ? 1 : 3000) {
		(void)sprintf(file, "0::/");
		memset(file + 4, 'x', len - 1);
		strcpy(file + 3 + len, "\n");
		put_file("cgroup", file);
		snap_proc_cgroup_read(dir_fd, &cgroup);
		assert_int_equal(cgroup.len, SNAP_MAX_CGROUP);
		assert_int_equal(cgroup.cut, len > SNAP_MAX_CGROUP);
	}
	assert_int_equal(unlink(in_top("cgroup")), 0);
	snap_proc_cgroup_read(dir_fd, &cgroup);
	assert_int_equal(cgroup.error, -ENOENT);
	assert_int_equal(cgroup.len, 0);
}

static void assert_names(const char *path, const char *unit, const char *id)
{
	struct snap_cgroup_names names;
	snap_cgroup_names(snap_bytes_str(path), &names);
	if (!snap_bytes_equal(names.unit, snap_bytes_str(unit)) ||
		!snap_bytes_equal(names.container_id, snap_bytes_str(id)))
		fail_msg("'%s': unit '%.*s', container '%.*s'", path, (int)names.unit.len,
			(const char *)names.unit.data, (int)names.container_id.len,
			(const char *)names.container_id.data);
	assert_int_equal(names.unit.data != NULL, unit != NULL);
	assert_int_equal(names.container_id.data != NULL, id != NULL);
}

static void test_cgroup_names(void **state)
{
	(void)state;
	assert_names("/", NULL, NULL);
	assert_names("", NULL, NULL);
	assert_names("/init.scope", "init.scope", NULL);
	assert_names("/system.slice/cron.service", "cron.service", NULL);
	assert_names("/system.slice/system-getty.slice/getty@tty1.service/x", "getty@tty1.service",
		NULL);
	assert_names("/user.slice/user-1000.slice/user@1000.service/app.slice/a-b.service",
		"a-b.service", NULL);
	assert_names("/user.slice/user-1000.slice", NULL, NULL);
	assert_names("/system.slice/docker-" HEX64 ".scope", "docker-" HEX64 ".scope", HEX64);
	assert_names("/docker/" HEX64, NULL, HEX64);
	assert_names("/docker/" HEX64 "/system.slice/nginx.service", "nginx.service", HEX64);
	assert_names(
		"/machine.slice/libpod-" HEX64 ".scope/container", "libpod-" HEX64 ".scope", HEX64);
	assert_names(
		"/kubepods/burstable/podf1b2a3c4-0000-1111-2222-333344445555/" HEX64, NULL, HEX64);
	assert_names("/system.slice/containerd.service/kubepods-burstable-pod" HEX32
		     ".slice:cri-containerd:" HEX64,
		"containerd.service", HEX64);
	assert_names("/ecs/" HEX32 "/" HEX32 "-1234567890", NULL, HEX32);
	assert_names("/lxc/web", NULL, "web");
	assert_names("/lxc.payload.web/init.scope", "init.scope", "web");
	assert_names("/machine.slice/machine-deb.scope", "machine-deb.scope", "deb");
	assert_names("/machine.slice/systemd-nspawn@deb.service/payload",
		"systemd-nspawn@deb.service", "deb");
}

/* Neither longer nor shorter digits, nor what stands in a word. */
static void test_cgroup_names_of_nothing(void **state)
{
	(void)state;
	assert_names("/docker/" HEX64 "0", NULL, NULL);
	assert_names("/docker/" HEX32 "01", NULL, NULL);
	assert_names("/x" HEX64, NULL, NULL);
	assert_names("/" HEX64 "x", NULL, NULL);
	assert_names("/0123456789ab", NULL, NULL);
	assert_names("/.service/.scope/x.slice", NULL, NULL);
	assert_names("//lxc", NULL, NULL);
	assert_names("/machine-.scope/lxc.payload./systemd-nspawn@.service",
		"systemd-nspawn@.service", NULL);
}

/* ---------------------------------------------------------------- namespaces */

static void test_namespaces(void **state)
{
	(void)state;
	struct snap_namespaces namespaces, own = {.inodes = {0, 4026531841, 1, 4026531837}};
	struct snap_process p = {.num_namespaces = 3};
	put_link("mnt", "mnt:[4026531841]");
	put_link("pid", "pid:[4026532000]");
	put_link("user", "user:[x]");
	put_link("net", "mnt:[4026531841]");
	put_link("uts", "uts:[18446744073709551600]");
	put_link(
		"ipc", "a link that is longer than any of these can be, and even longer than that");
	snap_namespaces_read(dir_fd, &namespaces);
	/* Those that the kernel does not know are no error. */
	assert_int_equal(namespaces.error, 0);
	assert_true(namespaces.inodes[SNAP_NAMESPACE_PID] == 4026532000);
	snap_namespaces_compare(&namespaces, &own, &p);
	assert_int_equal(p.num_namespaces, 3);
	assert_int_equal(p.namespaces[0].kind, SNAP_NAMESPACE_MNT);
	assert_true(p.namespaces[0].has_differs && !p.namespaces[0].differs);
	assert_int_equal(p.namespaces[1].kind, SNAP_NAMESPACE_PID);
	assert_true(p.namespaces[1].has_differs && p.namespaces[1].differs);
	assert_int_equal(p.namespaces[2].kind, SNAP_NAMESPACE_UTS);
	assert_false(p.namespaces[2].has_differs);

	/* Not a link. */
	assert_int_equal(unlink(in_top("ns/pid")), 0);
	put_file("ns/pid", "pid:[1]");
	snap_namespaces_read(dir_fd, &namespaces);
	assert_int_equal(namespaces.error, -EINVAL);
	assert_int_equal(namespaces.inodes[SNAP_NAMESPACE_PID], 0);
}

static void test_namespaces_of_this_process(void **state)
{
	(void)state;
	struct snap_namespaces own;
	struct stat st;
	struct snap_process p = {0};
	snap_namespaces_read_own(&own);
	assert_int_equal(own.error, 0);
	assert_int_equal(stat("/proc/self/ns/mnt", &st), 0);
	assert_int_equal(own.inodes[SNAP_NAMESPACE_MNT], st.st_ino);
	snap_namespaces_compare(&own, &own, &p);
	assert_true(p.num_namespaces >= 6);
	for (size_t i = 0; i < p.num_namespaces; i++)
		assert_true(p.namespaces[i].has_differs && !p.namespaces[i].differs);
}

static void test_ids_of_a_user_namespace(void **state)
{
	(void)state;
	uint32_t id = 77;
	put_link("user", "user:[4026532222]");
	put_file("uid_map", "         0     100000      65536\n     65536       1000          1\n"
			    "4294967290 2000 100\n");
	assert_true(snap_user_namespace_id(dir_fd, "uid_map", 100000, &id));
	assert_int_equal(id, 0);
	assert_true(snap_user_namespace_id(dir_fd, "uid_map", 165535, &id));
	assert_int_equal(id, 65535);
	assert_true(snap_user_namespace_id(dir_fd, "uid_map", 1000, &id));
	assert_int_equal(id, 65536);
	/* Not mapped; mapped beyond what an id can be; no map. */
	assert_false(snap_user_namespace_id(dir_fd, "uid_map", 165536, &id));
	assert_false(snap_user_namespace_id(dir_fd, "uid_map", 99999, &id));
	assert_false(snap_user_namespace_id(dir_fd, "uid_map", 2050, &id));
	assert_false(snap_user_namespace_id(dir_fd, "gid_map", 1000, &id));
	put_file("uid_map", "x\n0\n0 1000\n-1 1000 1\n0 1000 0\n");
	assert_false(snap_user_namespace_id(dir_fd, "uid_map", 1000, &id));
	/* The initial one has no other ids than ours. */
	put_file("uid_map", "5 1000 1\n");
	put_link("user", "user:[4026531837]");
	assert_false(snap_user_namespace_id(dir_fd, "uid_map", 1000, &id));
	assert_int_equal(id, 65536);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cgroup_which_hierarchy),
		cmocka_unit_test(test_cgroup_too_long_and_missing),
		cmocka_unit_test(test_cgroup_names),
		cmocka_unit_test(test_cgroup_names_of_nothing),
		cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_namespaces_of_this_process),
		cmocka_unit_test(test_ids_of_a_user_namespace),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
