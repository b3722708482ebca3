#include "capture/cgroup_memory.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "capture/proc_info.h"

/* Groups in groups. */
#define MAX_DEPTH 64
/* The old hierarchy's "no limit" is LONG_MAX in whole pages, of whatever size. */
#define V1_NO_LIMIT (UINT64_C(1) << 62)

#define SET(process, field, is_there, number)                                                      \
	do {                                                                                       \
		(process)->has_##field = (is_there);                                               \
		(process)->field = (number);                                                       \
	} while (0)

static bool read_number(int fd, const char *name, uint64_t *ret)
{
	char text[32];
	return snap_proc_read(fd, name, text, sizeof(text)) > 0 && snap_proc_number(text, ret);
}

/* False: it has none, or that is not known. */
static bool read_limit(int fd, bool is_v1, uint64_t *ret)
{
	/* "max" is no number. */
	return read_number(fd, is_v1 ? "memory.limit_in_bytes" : "memory.max", ret) &&
	       (!is_v1 || *ret < V1_NO_LIMIT);
}

struct events {
	bool has_oom, has_oom_kill;
	uint64_t oom, oom_kill;
};

static void take_event(void *arg, const char *line, size_t len)
{
	struct events *events = arg;
	(void)len;
	if (strncmp(line, "oom ", 4) == 0)
		events->has_oom = snap_proc_number(line + 4, &events->oom);
	else if (strncmp(line, "oom_kill ", 9) == 0)
		events->has_oom_kill = snap_proc_number(line + 9, &events->oom_kill);
}

static void read_group(int fd, bool is_v1, struct snap_process *process)
{
	uint64_t number = 0;
	bool is_there = read_limit(fd, is_v1, &number);
	SET(process, cgroup_memory_limit, is_there, number);
	is_there = read_number(fd, is_v1 ? "memory.usage_in_bytes" : "memory.current", &number);
	SET(process, cgroup_memory_current, is_there, number);
	is_there = read_number(fd, is_v1 ? "memory.max_usage_in_bytes" : "memory.peak", &number);
	SET(process, cgroup_memory_peak, is_there, number);
	struct events events = {0};
	(void)snap_proc_lines(fd, is_v1 ? "memory.oom_control" : "memory.events", take_event,
		&events); /* then none is known */
	SET(process, cgroup_oom, events.has_oom, events.oom);
	SET(process, cgroup_oom_kill, events.has_oom_kill, events.oom_kill);
}

void snap_cgroup_memory_read_at(
	int root_fd, struct snap_bytes path, bool is_v1, struct snap_process *process)
{
	char name[SNAP_MAX_CGROUP + 1];
	int fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint32_t depth = 0, limited = 0;
	uint64_t limit = 0;
	size_t at = 0;
	struct snap_process found = {0};
	while (fd >= 0 && depth < MAX_DEPTH) {
		while (at < path.len && path.data[at] == '/')
			at++;
		if (at == path.len)
			break;
		const uint8_t *slash = memchr(path.data + at, '/', path.len - at);
		size_t len = slash ? (size_t)(slash - path.data) - at : path.len - at;
		/* A group outside of our namespace of them: "/../other". */
		if (len >= sizeof(name) || (path.data[at] == '.' && len <= 2 &&
						   (len == 1 || path.data[at + 1] == '.')))
			break;
		memcpy(name, path.data + at, len);
		name[len] = '\0';
		int next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		(void)close(fd); /* nothing was written */
		fd = next;
		at += len;
		depth++;
		if (fd >= 0 && read_limit(fd, is_v1, &limit)) {
			limited = depth;
			read_group(fd, is_v1, &found);
		}
	}
	/* Only if the whole way was gone. */
	if (fd >= 0 && at == path.len && depth > 0) {
		if (limited == 0)
			read_group(fd, is_v1, &found);
		SET(process, cgroup_memory_limit, found.has_cgroup_memory_limit,
			found.cgroup_memory_limit);
		SET(process, cgroup_memory_current, found.has_cgroup_memory_current,
			found.cgroup_memory_current);
		SET(process, cgroup_memory_peak, found.has_cgroup_memory_peak,
			found.cgroup_memory_peak);
		SET(process, cgroup_oom, found.has_cgroup_oom, found.cgroup_oom);
		SET(process, cgroup_oom_kill, found.has_cgroup_oom_kill, found.cgroup_oom_kill);
		SET(process, cgroup_levels_up, limited > 0, limited > 0 ? depth - limited : 0);
	}
	if (fd >= 0)
		(void)close(fd);
}

void snap_cgroup_memory_read(struct snap_bytes path, bool is_v1, struct snap_process *process)
{
	/* Of the unified hierarchy alone, and where it is beside the old ones. */
	static const char *const roots[] = {
		"/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/memory"};
	for (size_t i = is_v1 ? 2 : 0; i < (is_v1 ? 3 : 2); i++) {
		struct statfs fs;
		int fd = open(roots[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			continue;
		bool is_it = fstatfs(fd, &fs) == 0 &&
			     fs.f_type == (is_v1 ? CGROUP_SUPER_MAGIC : CGROUP2_SUPER_MAGIC);
		if (is_it)
			snap_cgroup_memory_read_at(fd, path, is_v1, process);
		(void)close(fd); /* nothing was written */
		if (is_it)
			return;
	}
}
