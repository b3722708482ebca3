#include "capture/facts.h"

#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "capture/cgroup_memory.h"
#include "capture/cgroup_names.h"
#include "capture/proc_files.h"
#include "capture/proc_info.h"
#include "capture/system_info.h"

/* How long the list of open files may take, in nanoseconds. */
#define FILES_HELD_NS 50000000u
#define FILES_LIVE_NS 1000000000u

/* Where the bytes of a process's facts stand until they are written. */
static struct {
	struct snap_proc_stat stat;
	struct snap_proc_link exe, cwd, root;
	struct snap_proc_cgroup cgroup;
	char cmdline[SNAP_CMDLINE_MAX + 2];
	char environment[SNAP_MAX_ENVIRON + 2];
} buffers;

/* The writer's own error is final and sticks; a record that it refuses is told here. */
static void wrote(struct snap_emit *e, int result)
{
	if (result < 0 && e->writer.error == 0)
		e->partial = true;
}

/* ---------------------------------------------------------------- process */

/* The main thread's comm is the process's. */
static void take_stat(const struct snap_facts_source *f, struct snap_process *process)
{
	const struct snap_proc_stat *stat = f->stat;
	struct timespec now;
	if (!stat) {
		char name[40];
		(void)snprintf(name, sizeof(name), "../%llu/stat", (unsigned long long)f->pid);
		if (snap_proc_stat_read(f->task_fd, name, &buffers.stat) < 0)
			return;
		stat = &buffers.stat;
	}
	process->comm = snap_bytes(stat->comm, stat->comm_len);
	process->has_start_time = true;
	process->start_time_ms = snap_proc_ticks_ms(stat->start_time);
	if (clock_gettime(CLOCK_BOOTTIME, &now) < 0)
		return;
	uint64_t now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	process->has_uptime = true;
	process->uptime_ms = now_ms > process->start_time_ms ? now_ms - process->start_time_ms : 0;
}

static void take_links(const struct snap_facts_source *f, struct snap_process *process)
{
	process->exe = snap_proc_link(f->task_fd, "exe", &buffers.exe, &process->exe_deleted);
	process->has_exe_deleted = process->exe.data != NULL;
	process->cwd = snap_proc_link(f->task_fd, "cwd", &buffers.cwd, NULL);
	process->root = snap_proc_link(f->task_fd, "root", &buffers.root, NULL);
	if (snap_bytes_equal_str(process->root, "/"))
		process->root = snap_bytes(NULL, 0);
}

static void take_cgroup(
	struct snap_emit *e, const struct snap_facts_source *f, struct snap_process *process)
{
	struct snap_proc_cgroup *cgroup = &buffers.cgroup;
	struct snap_cgroup_names names;
	snap_proc_cgroup_read(f->task_fd, cgroup);
	if (cgroup->error < 0 || cgroup->cut)
		snap_emit_omission(e, SNAP_OMITTED_CGROUP,
			cgroup->cut ? SNAP_OMITTED_CAP : SNAP_OMITTED_UNREADABLE, 0,
			-cgroup->error);
	if (cgroup->len == 0)
		return;
	process->cgroup = snap_bytes(cgroup->path, cgroup->len);
	snap_cgroup_names(process->cgroup, &names);
	process->unit = names.unit;
	process->container_id = names.container_id;
}

static void take_limits(const struct snap_facts_source *f, struct snap_process *process)
{
	struct rlimit limit;
	pid_t pid = (pid_t)f->pid;
	if (prlimit(pid, RLIMIT_STACK, NULL, &limit) == 0) {
		process->has_rlimit_stack = true;
		process->rlimit_stack = limit.rlim_cur;
	}
	if (prlimit(pid, RLIMIT_AS, NULL, &limit) == 0) {
		process->has_rlimit_as = true;
		process->rlimit_as = limit.rlim_cur;
	}
	if (prlimit(pid, RLIMIT_NOFILE, NULL, &limit) == 0) {
		process->has_rlimit_nofile = true;
		process->rlimit_nofile = limit.rlim_cur;
	}
}

static void take_oom_score_adj(const struct snap_facts_source *f, struct snap_process *process)
{
	char text[32];
	uint64_t value;
	if (snap_proc_read(f->task_fd, "oom_score_adj", text, sizeof(text)) <= 0 ||
		!snap_proc_number(text[0] == '-' ? text + 1 : text, &value) || value > 1000)
		return;
	process->has_oom_score_adj = true;
	process->oom_score_adj = text[0] == '-' ? -(int32_t)value : (int32_t)value;
}

static void take_user_namespace(const struct snap_facts_source *f, struct snap_process *process)
{
	if (!f->status || f->status->uid > UINT32_MAX || f->status->gid > UINT32_MAX)
		return;
	process->has_ns_uid = snap_user_namespace_id(
		f->task_fd, "uid_map", (uint32_t)f->status->uid, &process->ns_uid);
	process->has_ns_gid =
		process->has_ns_uid && snap_user_namespace_id(f->task_fd, "gid_map",
					       (uint32_t)f->status->gid, &process->ns_gid);
}

static void write_process(
	struct snap_emit *e, const struct snap_facts_source *f, struct snap_namespaces *namespaces)
{
	struct snap_process process = {.has_pid = true, .pid = (uint32_t)f->pid};
	if (f->status)
		snap_proc_status_facts(f->status, &process);
	if (f->task_fd >= 0) {
		take_stat(f, &process);
		take_links(f, &process);
		take_cgroup(e, f, &process);
		snap_namespaces_read(f->task_fd, namespaces);
		take_user_namespace(f, &process);
		take_limits(f, &process);
		take_oom_score_adj(f, &process);
	}
	if (!process.comm.data)
		process.comm = f->fallback_comm;
	wrote(e, snap_write_process(&e->writer, &process));
}

/* ---------------------------------------------------------------- open files */

static void put_file(void *arg, const struct snap_open_file *file)
{
	struct snap_emit *e = arg;
	wrote(e, snap_write_open_file(&e->writer, file));
}

static void write_files(struct snap_emit *e, const struct snap_facts_source *f)
{
	struct snap_proc_files files;
	const struct snap_proc_files_wish wish = {
		.max_files = f->config ? f->config->open_files : SNAP_MAX_OPEN_FILES,
		.max_ns = f->is_held ? FILES_HELD_NS : FILES_LIVE_NS,
		.only_named_flags = f->is_held,
		.timed_out = f->timed_out,
	};
	if (wish.max_files == 0 || f->task_fd < 0)
		return;
	snap_proc_files_read(f->task_fd, &wish, put_file, e, &files);
	const struct snap_process process = {
		.has_num_open_files = files.has_num_open,
		.num_open_files = files.num_open,
	};
	if (files.has_num_open)
		wrote(e, snap_write_process(&e->writer, &process));
	if (files.error < 0) {
		snap_emit_omission(
			e, SNAP_OMITTED_OPEN_FILE, SNAP_OMITTED_UNREADABLE, 0, -files.error);
	} else if (files.cut || files.late) {
		struct snap_omission omission = {
			.what = SNAP_OMITTED_OPEN_FILE,
			.why = files.late ? SNAP_OMITTED_DEADLINE : SNAP_OMITTED_CAP,
			.has_count = files.has_num_open && files.num_open > files.num_listed,
			.count = files.num_open - files.num_listed,
		};
		e->sink.omission(e, &omission);
	}
}

/* ---------------------------------------------------------------- what lies in its memory */

/*
 * Both lie in the target's own memory, which it can rewrite, and which may be slow to come. Up to
 * max bytes into buf, which has two more.
 */
static struct snap_bytes read_words(struct snap_emit *e, const struct snap_facts_source *f,
	const char *name, enum snap_omission_what what, char *buf, size_t max)
{
	ssize_t n = snap_proc_read(f->task_fd, name, buf, max + 2);
	if (n < 0)
		snap_emit_omission(e, what, SNAP_OMITTED_UNREADABLE, 0, (int)-n);
	else if ((size_t)n > max)
		snap_emit_omission(e, what, SNAP_OMITTED_CAP, 0, 0);
	if (n <= 0)
		return snap_bytes(NULL, 0);
	return snap_bytes(buf, (size_t)n > max ? max : (size_t)n);
}

static void write_words(struct snap_emit *e, const struct snap_facts_source *f)
{
	struct snap_process process = {0};
	if (f->task_fd < 0)
		return;
	process.cmdline = read_words(
		e, f, "cmdline", SNAP_OMITTED_CMDLINE, buffers.cmdline, SNAP_CMDLINE_MAX);
	if (f->config && f->config->environ)
		process.environment = read_words(e, f, "environ", SNAP_OMITTED_ENVIRON,
			buffers.environment, SNAP_MAX_ENVIRON);
	if (process.cmdline.data || process.environment.data)
		wrote(e, snap_write_process(&e->writer, &process));
}

void snap_facts_write_process(
	struct snap_emit *e, const struct snap_facts_source *source, struct snap_namespaces *ret)
{
	*ret = (struct snap_namespaces){0};
	buffers.cgroup.memory_len = 0;
	write_process(e, source, ret);
	if (source->timed_out && *source->timed_out) {
		snap_emit_omission(e, SNAP_OMITTED_PROCESS, SNAP_OMITTED_DEADLINE, 0, 0);
		return;
	}
	write_files(e, source);
	write_words(e, source);
}

/* ---------------------------------------------------------------- what needs no process */

void snap_facts_write_namespaces(struct snap_emit *e, const struct snap_namespaces *namespaces)
{
	struct snap_namespaces own;
	struct snap_process process = {0};
	snap_namespaces_read_own(&own);
	snap_namespaces_compare(namespaces, &own, &process);
	if (process.num_namespaces > 0)
		wrote(e, snap_write_process(&e->writer, &process));
	if (namespaces->error < 0)
		snap_emit_omission(
			e, SNAP_OMITTED_NAMESPACE, SNAP_OMITTED_UNREADABLE, 0, -namespaces->error);
}

void snap_facts_write_cgroup(struct snap_emit *e)
{
	const struct snap_proc_cgroup *cgroup = &buffers.cgroup;
	struct snap_process process = {0};
	if (cgroup->memory_len == 0)
		return;
	snap_cgroup_memory_read(snap_bytes(cgroup->memory_path, cgroup->memory_len),
		cgroup->is_memory_v1, &process);
	if (process.has_cgroup_memory_current || process.has_cgroup_memory_peak ||
		process.has_cgroup_memory_limit)
		wrote(e, snap_write_process(&e->writer, &process));
}

void snap_facts_write_system(struct snap_emit *e)
{
	struct snap_system_buf buf;
	struct snap_system sys;
	snap_system_read(&buf, &sys);
	wrote(e, snap_write_system(&e->writer, &sys));
}
