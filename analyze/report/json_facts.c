#include "analyze/report/json_facts.h"

#include "analyze/explain/log_clock.h"
#include "analyze/explain/wait.h"
#include "analyze/report/json_values.h"
#include "analyze/report/words.h"
#include "analyze/tokens/base64.h"

/* ---------------------------------------------------------------- machine */

void snap_json_put_device_facts(struct snap_json *w, const struct snap_system *sys)
{
	snap_json_put_text(w, "hostname", sys->hostname);
	snap_json_maybe_hex_bytes(w, "boot_id", sys->boot_id);
	snap_json_maybe_number(w, "uptime_ms", sys->has_uptime, sys->uptime_ms);
	snap_json_begin_array(w, "load_hundredths");
	for (size_t i = 0; i < sys->num_loads; i++)
		snap_json_put_number(w, NULL, sys->load_hundredths[i]);
	snap_json_end_array(w);
	snap_json_maybe_number(w, "memory_total", sys->has_memory_total, sys->memory_total);
	snap_json_maybe_number(w, "memory_free", sys->has_memory_free, sys->memory_free);
	snap_json_maybe_number(
		w, "memory_available", sys->has_memory_available, sys->memory_available);
	snap_json_maybe_number(w, "swap_total", sys->has_swap_total, sys->swap_total);
	snap_json_maybe_number(w, "swap_free", sys->has_swap_free, sys->swap_free);
	snap_json_maybe_number(w, "num_cpus", sys->has_num_cpus, sys->num_cpus);
}

/* ---------------------------------------------------------------- process */

/* RLIM_INFINITY is no number that a reader of JSON could hold. */
static void put_limit(struct snap_json *w, const char *key, bool known, uint64_t value)
{
	if (known && value == UINT64_MAX)
		snap_json_put_string(w, key, "unlimited");
	else
		snap_json_maybe_number(w, key, known, value);
}

static void put_namespaces(struct snap_json *w, const struct snap_process *process)
{
	snap_json_begin_array(w, "namespaces");
	for (size_t i = 0; i < process->num_namespaces; i++) {
		const struct snap_namespace *ns = &process->namespaces[i];
		snap_json_begin_object(w, NULL);
		snap_json_maybe_name(w, "kind", true, snap_namespace_name(ns->kind), ns->kind);
		snap_json_put_number(w, "inode", ns->inode);
		snap_json_maybe_bool(w, "differs", ns->has_differs, ns->differs);
		snap_json_end_object(w);
	}
	snap_json_end_array(w);
}

/* Null if it was not captured, which is what is configured as a rule. */
static void put_environ(struct snap_json *w, struct snap_bytes environment)
{
	if (!snap_json_maybe_array(w, "environ", environment.data != NULL))
		return;
	for (size_t i = 0; i < environment.len;) {
		const uint8_t *start = environment.data + i;
		const uint8_t *nul = memchr(start, '\0', environment.len - i);
		size_t len = nul ? (size_t)(nul - start) : environment.len - i;
		snap_json_put_text(w, NULL, snap_bytes(start, len));
		i += len + 1;
	}
	snap_json_end_array(w);
}

static void put_cgroup_memory(struct snap_json *w, const struct snap_process *p)
{
	snap_json_maybe_number(
		w, "cgroup_memory_limit", p->has_cgroup_memory_limit, p->cgroup_memory_limit);
	snap_json_maybe_number(
		w, "cgroup_memory_current", p->has_cgroup_memory_current, p->cgroup_memory_current);
	snap_json_maybe_number(
		w, "cgroup_memory_peak", p->has_cgroup_memory_peak, p->cgroup_memory_peak);
	snap_json_maybe_number(w, "cgroup_oom", p->has_cgroup_oom, p->cgroup_oom);
	snap_json_maybe_number(w, "cgroup_oom_kill", p->has_cgroup_oom_kill, p->cgroup_oom_kill);
	snap_json_maybe_number(w, "cgroup_levels_up", p->has_cgroup_levels_up, p->cgroup_levels_up);
}

void snap_json_put_process_facts(struct snap_json *w, const struct snap_process *p)
{
	snap_json_maybe_number(w, "ns_pid", p->has_ns_pid, p->ns_pid);
	snap_json_maybe_number(w, "ppid", p->has_ppid, p->ppid);
	snap_json_maybe_number(w, "pgid", p->has_pgid, p->pgid);
	snap_json_maybe_number(w, "sid", p->has_sid, p->sid);
	snap_json_maybe_number(w, "euid", p->has_euid, p->euid);
	snap_json_maybe_number(w, "suid", p->has_suid, p->suid);
	snap_json_maybe_number(w, "fsuid", p->has_fsuid, p->fsuid);
	snap_json_maybe_number(w, "egid", p->has_egid, p->egid);
	snap_json_maybe_number(w, "sgid", p->has_sgid, p->sgid);
	snap_json_maybe_number(w, "fsgid", p->has_fsgid, p->fsgid);
	snap_json_maybe_number(w, "ns_uid", p->has_ns_uid, p->ns_uid);
	snap_json_maybe_number(w, "ns_gid", p->has_ns_gid, p->ns_gid);
	snap_json_put_text(w, "cgroup", p->cgroup);
	snap_json_put_text(w, "unit", p->unit);
	snap_json_put_text(w, "container_id", p->container_id);
	put_namespaces(w, p);
	snap_json_maybe_number(w, "dumpable", p->has_dumpable, p->dumpable);
	snap_json_maybe_number(w, "seccomp", p->has_seccomp, p->seccomp);
	snap_json_maybe_bool(w, "no_new_privs", p->has_no_new_privs, p->no_new_privs);
	snap_json_maybe_hex(w, "capabilities", p->has_capabilities, p->capabilities);
	snap_json_maybe_number(w, "tracer_pid", p->has_tracer_pid, p->tracer_pid);
	snap_json_maybe_number(w, "start_time_ms", p->has_start_time, p->start_time_ms);
	snap_json_maybe_number(w, "vm_bytes", p->has_vm_bytes, p->vm_bytes);
	snap_json_maybe_number(w, "vm_peak_bytes", p->has_vm_peak_bytes, p->vm_peak_bytes);
	snap_json_maybe_number(w, "rss_bytes", p->has_rss_bytes, p->rss_bytes);
	snap_json_maybe_number(w, "rss_peak_bytes", p->has_rss_peak_bytes, p->rss_peak_bytes);
	snap_json_maybe_number(w, "swap_bytes", p->has_swap_bytes, p->swap_bytes);
	snap_json_maybe_signed(w, "oom_score_adj", p->has_oom_score_adj, p->oom_score_adj);
	put_limit(w, "rlimit_core", p->has_rlimit_core, p->rlimit_core);
	put_limit(w, "rlimit_stack", p->has_rlimit_stack, p->rlimit_stack);
	put_limit(w, "rlimit_as", p->has_rlimit_as, p->rlimit_as);
	put_limit(w, "rlimit_nofile", p->has_rlimit_nofile, p->rlimit_nofile);
	snap_json_put_text(w, "cwd", p->cwd);
	snap_json_put_text(w, "root", p->root);
	snap_json_maybe_number(w, "num_open_files", p->has_num_open_files, p->num_open_files);
	put_cgroup_memory(w, p);
	put_environ(w, p->environment);
}

/* ---------------------------------------------------------------- what a thread waits for */

static void put_lines(struct snap_json *w, const char *key, struct snap_bytes text)
{
	snap_json_begin_array(w, key);
	for (size_t i = 0; i < text.len;) {
		const uint8_t *nl = memchr(text.data + i, '\n', text.len - i);
		size_t len = nl ? (size_t)(nl - text.data) - i : text.len - i;
		snap_json_put_text(w, NULL, snap_bytes(text.data + i, len));
		i += len + 1;
	}
	snap_json_end_array(w);
}

static void put_syscall(struct snap_json *w, const struct snap_wait *wait)
{
	if (!snap_json_maybe_object(w, "syscall", wait->has_syscall))
		return;
	snap_json_put_signed(w, "number", wait->syscall);
	snap_json_put_string(w, "name", wait->syscall_name);
	snap_json_begin_array(w, "arguments");
	for (size_t i = 0; i < wait->num_arguments; i++)
		snap_json_put_hex(w, NULL, wait->arguments[i]);
	snap_json_end_array(w);
	snap_json_maybe_number(w, "fd", wait->has_fd, wait->fd);
	snap_json_end_object(w);
}

void snap_json_put_wait(
	struct snap_json *w, const struct snap_crash *crash, const struct snap_crash_thread *thread)
{
	struct snap_wait wait;
	const struct snap_thread_facts none = {0}, *facts = thread->facts ? thread->facts : &none;
	if (!snap_thread_wait(crash, thread, &wait) && !thread->facts) {
		snap_json_put_null(w, "wait");
		return;
	}
	char letter[] = {(char)facts->letter, '\0'};
	snap_json_begin_object(w, "wait");
	put_syscall(w, &wait);
	snap_json_put_string(w, "letter",
		facts->has_letter && facts->letter >= 'A' && facts->letter <= 'z' ? letter : NULL);
	snap_json_put_text(w, "wchan", facts->wchan);
	put_lines(w, "kernel_stack", facts->kernel_stack);
	snap_json_maybe_number(w, "cpu", facts->has_cpu, facts->cpu);
	snap_json_maybe_number(w, "user_ms", facts->has_user_ms, facts->user_ms);
	snap_json_maybe_number(w, "system_ms", facts->has_system_ms, facts->system_ms);
	snap_json_end_object(w);
}

/* ---------------------------------------------------------------- logs, open files */

static const char *token_kind_name(enum snap_token_kind kind)
{
	switch (kind) {
	case SNAP_TOKEN_WHOLE:
		return "whole";
	case SNAP_TOKEN_NESTED:
		return "nested";
	case SNAP_TOKEN_UNKNOWN:
		return "unknown";
	case SNAP_TOKEN_NONE:
		break;
	}
	return NULL;
}

static void put_base64(struct snap_json *w, const char *key, struct snap_bytes bytes)
{
	enum { PART = 48 };
	if (!bytes.data) {
		snap_json_put_null(w, key);
		return;
	}
	snap_json_begin_string(w, key);
	for (size_t off = 0; off < bytes.len; off += PART) {
		size_t len = bytes.len - off < PART ? bytes.len - off : PART;
		char text[PART / 3 * 4];
		snap_base64_encode(snap_bytes(bytes.data + off, len), text);
		snap_json_put_part(w, snap_bytes(text, snap_base64_encoded_len(len)));
	}
	snap_json_end_string(w);
}

/* How a log entry's message came about. */
static void put_tokens(struct snap_json *w, const struct snap_log_facts *facts)
{
	const struct snap_detokenised *message = &facts->message;
	put_base64(w, "raw", facts->raw);
	snap_json_put_string(w, "token_kind", token_kind_name(message->kind));
	snap_json_maybe_hex(w, "token", message->has_token, message->token);
	snap_json_put_bool(w, "ambiguous", message->is_ambiguous);
	snap_json_begin_array(w, "other_messages");
	for (size_t i = 0; i < message->num_others; i++)
		snap_json_put_text(w, NULL, message->others[i]);
	snap_json_end_array(w);
	snap_json_put_number(w, "argument_errors", message->num_errors);
	snap_json_put_number(w, "bytes_left_over", message->num_left_over);
	snap_json_begin_array(w, "fields");
	for (size_t i = 0; i < facts->num_fields; i++) {
		snap_json_begin_object(w, NULL);
		snap_json_put_text(w, "key", facts->fields[i].key);
		snap_json_put_text(w, "value", facts->fields[i].value);
		snap_json_end_object(w);
	}
	snap_json_end_array(w);
}

#define NS INT64_C(1000000000)

void snap_json_put_logs(struct snap_json *w, const struct snap_crash *crash)
{
	const struct snap_log_facts none = {0};
	snap_json_begin_array(w, "logs");
	for (size_t i = 0; i < crash->num_logs; i++) {
		const struct snap_log *log = &crash->logs[i];
		const struct snap_log_facts *facts = crash->log_facts ? &crash->log_facts[i] : &none;
		uint32_t level = snap_log_level(log), line = snap_log_line(log);
		int64_t ticks = 0;
		char time[40];
		bool has_ticks = snap_log_ticks(crash, i, &ticks);
		snap_json_begin_object(w, NULL);
		snap_json_put_string(w, "time", snap_log_time_words(crash, i, time) ? time : NULL);
		snap_json_maybe_signed(w, "timestamp", log->has_timestamp, log->timestamp);
		snap_json_maybe_signed(
			w, "time_since_last", log->has_time_since_last, log->time_since_last);
		snap_json_maybe_signed(w, "ticks", has_ticks, ticks);
		struct snap_clock_time since = {0};
		bool has_ns = snap_log_clock_elapsed(crash, i, &since) &&
			      since.seconds < INT64_MAX / NS;
		snap_json_maybe_signed(w, "elapsed_ns", has_ns,
			has_ns ? since.seconds * NS + since.nanoseconds : 0);
		snap_json_maybe_name(w, "level", log->has_line_level && level != 0,
			snap_log_level_name(level), level);
		snap_json_put_text(w, "module", log->module);
		snap_json_put_text(w, "file", log->file);
		snap_json_maybe_number(w, "line", log->has_line_level && line != 0, line);
		snap_json_put_text(w, "thread", log->thread);
		snap_json_maybe_number(w, "tid", log->has_tid, log->tid);
		snap_json_maybe_number(w, "flags", log->has_flags, log->flags);
		snap_json_maybe_number(w, "dropped", log->has_dropped, log->dropped);
		snap_json_put_text(w, "message", log->message);
		put_tokens(w, facts);
		snap_json_end_object(w);
	}
	snap_json_end_array(w);
}

void snap_json_put_open_files(struct snap_json *w, const struct snap_crash *crash)
{
	snap_json_begin_array(w, "open_files");
	for (size_t i = 0; i < crash->num_open_files; i++) {
		const struct snap_open_file *file = &crash->open_files[i];
		snap_json_begin_object(w, NULL);
		snap_json_maybe_number(w, "fd", file->has_fd, file->fd);
		snap_json_maybe_name(
			w, "kind", true, snap_open_file_kind_name(file->kind), file->kind);
		snap_json_put_text(w, "path", file->path);
		snap_json_put_bool(w, "deleted", file->deleted);
		snap_json_put_string(w, "access", snap_open_file_access(file));
		snap_json_maybe_number(w, "flags", file->has_flags, file->flags);
		snap_json_maybe_number(w, "position", file->has_position, file->position);
		snap_json_end_object(w);
	}
	snap_json_end_array(w);
}
