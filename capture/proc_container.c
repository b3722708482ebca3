#include "capture/proc_container.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture/proc_info.h"

/* ---------------------------------------------------------------- namespaces */

/* By enum snap_namespace_kind; how the links of /proc/PID/ns begin, too. */
static const char *const names[SNAP_NAMESPACES + 1] = {
	NULL,
	"mnt",
	"pid",
	"user",
	"net",
	"uts",
	"ipc",
	"cgroup",
	"time",
};

/* "mnt:[4026531841]". Returns 0 if it is not of that form. */
static uint64_t parse_link(const char *text, const char *name)
{
	size_t len = strlen(name);
	uint64_t inode;
	if (strncmp(text, name, len) != 0 || text[len] != ':' || text[len + 1] != '[' ||
		!snap_proc_number(text + len + 2, &inode))
		return 0;
	return inode;
}

void snap_namespaces_read(int task_fd, struct snap_namespaces *ret)
{
	*ret = (struct snap_namespaces){0};
	for (size_t kind = 1; kind <= SNAP_NAMESPACES; kind++) {
		char name[16], text[64];
		(void)snprintf(name, sizeof(name), "ns/%s", names[kind]);
		ssize_t n = readlinkat(task_fd, name, text, sizeof(text) - 1);
		if (n < 0) {
			/* ENOENT: older than the kind. */
			if (errno != ENOENT)
				ret->error = -errno;
			continue;
		}
		text[n] = '\0';
		ret->inodes[kind] = parse_link(text, names[kind]);
	}
}

void snap_namespaces_read_own(struct snap_namespaces *ret)
{
	int fd = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		*ret = (struct snap_namespaces){.error = -errno};
		return;
	}
	snap_namespaces_read(fd, ret);
	(void)close(fd);
}

void snap_namespaces_compare(const struct snap_namespaces *namespaces,
	const struct snap_namespaces *own, struct snap_process *process)
{
	process->num_namespaces = 0;
	for (uint32_t kind = 1; kind <= SNAP_NAMESPACES; kind++) {
		if (namespaces->inodes[kind] == 0)
			continue;
		process->namespaces[process->num_namespaces++] = (struct snap_namespace){
			.kind = kind,
			.inode = namespaces->inodes[kind],
			.has_differs = own->inodes[kind] != 0,
			.differs = own->inodes[kind] != namespaces->inodes[kind],
		};
	}
}

/* ---------------------------------------------------------------- ids of a user namespace */

struct id_search {
	uint64_t wanted;
	bool found;
	uint64_t inner;
};

/* "         0       1000          1": inner id, outer id, how many. */
static void look_up_id(void *arg, const char *line, size_t len)
{
	struct id_search *search = arg;
	uint64_t fields[3];
	(void)len;
	for (size_t i = 0; i < 3; i++) {
		if (!snap_proc_number(line, &fields[i]))
			return;
		line += strspn(line, " \t");
		line += strspn(line, "0123456789");
	}
	if (!search->found && search->wanted >= fields[1] &&
		search->wanted - fields[1] < fields[2]) {
		search->found = true;
		search->inner = fields[0] + (search->wanted - fields[1]);
	}
}

static uint64_t user_namespace(int dir_fd, const char *name)
{
	char text[64];
	ssize_t n = readlinkat(dir_fd, name, text, sizeof(text) - 1);
	if (n < 0)
		return 0;
	text[n] = '\0';
	return parse_link(text, "user");
}

bool snap_user_namespace_id(int task_fd, const char *map, uint32_t id, uint32_t *ret)
{
	/* PROC_USER_INIT_INO of the kernel's include/linux/proc_ns.h: no need to look for ours. */
	const uint64_t initial = 0xEFFFFFFD;
	uint64_t inode = user_namespace(task_fd, "ns/user");
	if (inode == 0 || inode == initial ||
		inode == user_namespace(AT_FDCWD, "/proc/self/ns/user"))
		return false;
	struct id_search search = {.wanted = id};
	if (snap_proc_lines(task_fd, map, look_up_id, &search) < 0 || !search.found ||
		search.inner > UINT32_MAX)
		return false;
	*ret = (uint32_t)search.inner;
	return true;
}

/* ---------------------------------------------------------------- control group */

struct cgroup_search {
	struct snap_proc_cgroup *ret;
	int rank; /* of what was found: the greater wins */
};

/* How good the path is, by the line that it stands in. */
static int rank_of(const char *line, const char *controllers, const char *path)
{
	bool at_root = strcmp(path, "/") == 0;
	if (strncmp(line, "0::", 3) == 0)
		return at_root ? 2 : 5;
	if (strncmp(controllers, "name=systemd:", 13) == 0)
		return at_root ? 1 : 4;
	return at_root ? 0 : 3;
}

/* Whether "memory" is one of "cpu,memory:/...". */
static bool counts_memory(const char *controllers)
{
	static const char name[] = "memory";
	const size_t len = sizeof(name) - 1;
	for (const char *at = controllers; at && *at != ':'; at++) {
		if (strncmp(at, name, len) == 0 && (at[len] == ',' || at[len] == ':'))
			return true;
		at = strpbrk(at, ",:");
		if (!at || *at == ':')
			break;
	}
	return false;
}

/* The old hierarchy counts it where there is one. */
static void take_memory_path(struct snap_proc_cgroup *ret, const char *line,
	const char *controllers, const char *path, size_t len)
{
	bool is_v1 = counts_memory(controllers);
	if ((!is_v1 && (strncmp(line, "0::", 3) != 0 || ret->is_memory_v1)) ||
		len > SNAP_MAX_CGROUP)
		return;
	ret->is_memory_v1 = is_v1;
	ret->memory_len = len;
	memcpy(ret->memory_path, path, len);
}

/* "0::/init.scope", "4:memory:/docker/0123", "1:name=systemd:/". */
static void take_cgroup(void *arg, const char *line, size_t len)
{
	static const char deleted[] = " (deleted)";
	const size_t mark = sizeof(deleted) - 1;
	struct cgroup_search *search = arg;
	const char *controllers = strchr(line, ':');
	/* No controller's name has a colon, but a path may. */
	const char *path = controllers ? strchr(controllers + 1, ':') : NULL;
	if (!path || path[1] != '/')
		return;
	path++;
	take_memory_path(search->ret, line, controllers + 1, path, len - (size_t)(path - line));
	int rank = rank_of(line, controllers + 1, path);
	if (rank <= search->rank)
		return;
	size_t path_len = len - (size_t)(path - line);
	/* It was removed, though the process is still in it. */
	if (path_len > mark && memcmp(path + path_len - mark, deleted, mark) == 0)
		path_len -= mark;
	struct snap_proc_cgroup *ret = search->ret;
	search->rank = rank;
	ret->cut = path_len > SNAP_MAX_CGROUP;
	ret->len = ret->cut ? SNAP_MAX_CGROUP : path_len;
	memcpy(ret->path, path, ret->len);
}

void snap_proc_cgroup_read(int task_fd, struct snap_proc_cgroup *ret)
{
	struct cgroup_search search = {ret, -1};
	ret->len = 0;
	ret->cut = false;
	ret->memory_len = 0;
	ret->is_memory_v1 = false;
	ret->error = snap_proc_lines(task_fd, "cgroup", take_cgroup, &search);
}
