#include "capture/proc_tids.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/proc_info.h"

/* struct linux_dirent64 of getdents64(2), which glibc's dirent64 is; opendir() would allocate. */
int snap_tid_map_read(struct snap_tid_map *map, int task_fd)
{
	map->num = 0;
	int fd = openat(task_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	_Alignas(struct dirent64) char buf[4096];
	long n;
	while ((n = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0) {
		for (long i = 0; i < n;) {
			const struct dirent64 *entry = (const void *)(buf + i);
			i += entry->d_reclen;
			uint64_t tid;
			char name[40];
			struct snap_proc_status status;
			if (map->num == SNAP_TID_MAP_MAX || !snap_proc_number(entry->d_name, &tid))
				continue;
			(void)snprintf(name, sizeof(name), "%llu/status", (unsigned long long)tid);
			if (snap_proc_status_read(fd, name, &status) < 0 ||
				status.num_pid_namespaces == 0)
				continue;
			map->entries[map->num].tid = (uint32_t)tid;
			map->entries[map->num++].ns_tid = (uint32_t)status.ns_pid;
		}
	}
	int error = n < 0 ? -errno : 0;
	(void)close(fd);
	return error;
}

bool snap_tid_map_find(const struct snap_tid_map *map, uint32_t ns_tid, uint64_t *ret)
{
	for (size_t i = 0; i < map->num; i++) {
		if (map->entries[i].ns_tid == ns_tid) {
			*ret = map->entries[i].tid;
			return true;
		}
	}
	return false;
}
