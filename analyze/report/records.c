#include "analyze/report/records.h"

#include <elf.h>
#include <inttypes.h>

#include "analyze/input/clock.h"
#include "analyze/report/hex.h"
#include "analyze/report/words.h"
#include "common/escape.h"
#include "common/wire.h"

#define INDENT	    "        "
#define FIRST_BYTES 64

static const char *record_name(uint32_t number)
{
	switch (number) {
	case SNAP_RECORD_LOG:
		return "log";
	case SNAP_RECORD_METADATA:
		return "metadata";
	case SNAP_RECORD_TAG:
		return "tag";
	case SNAP_RECORD_THREAD:
		return "thread";
	case SNAP_RECORD_RELATED:
		return "related snapshot";
	case SNAP_RECORD_CPU_STATE:
		return "cpu state";
	case SNAP_RECORD_TRACE:
		return "trace data";
	case SNAP_RECORD_TIMESTAMP:
		return "timestamp";
	case SNAP_RECORD_HEADER:
		return "header";
	case SNAP_RECORD_CHECKPOINT:
		return "checkpoint";
	case SNAP_RECORD_PROCESS:
		return "process";
	case SNAP_RECORD_SIGNAL:
		return "signal";
	case SNAP_RECORD_MEMORY:
		return "memory";
	case SNAP_RECORD_MAPPING:
		return "mapping";
	case SNAP_RECORD_MODULE:
		return "module";
	case SNAP_RECORD_SYSTEM:
		return "system";
	case SNAP_RECORD_CAPTURE:
		return "capture";
	case SNAP_RECORD_OMISSION:
		return "omission";
	case SNAP_RECORD_NOTE:
		return "note";
	case SNAP_RECORD_RAW_TAG:
		return "raw tag";
	case SNAP_RECORD_OPEN_FILE:
		return "open file";
	case SNAP_RECORD_THREAD_FACTS:
		return "thread facts";
	case SNAP_RECORD_ABORT_MESSAGE:
		return "abort message";
	default:
		return "unknown";
	}
}

/* ---------------------------------------------------------------- values */

static void put_text(FILE *out, const char *name, struct snap_bytes value)
{
	if (!value.data)
		return;
	(void)fprintf(out, INDENT "%s: \"", name);
	snap_print(out, value);
	(void)fputs("\"\n", out);
}

static void put_bytes(FILE *out, const char *name, struct snap_bytes value, bool full)
{
	if (!value.data)
		return;
	(void)fprintf(out, INDENT "%s: %zu bytes\n", name, value.len);
	snap_hex_print(out, INDENT "  ", 0, value, full ? SIZE_MAX : FIRST_BYTES);
}

static void put_hex(FILE *out, const char *name, struct snap_bytes value)
{
	char hex[2 * SNAP_MAX_BUILD_ID + 1];
	if (!value.data)
		return;
	if (value.len > SNAP_MAX_BUILD_ID) {
		put_bytes(out, name, value, false);
		return;
	}
	snap_hex(value, hex);
	(void)fprintf(out, INDENT "%s: %s\n", name, hex);
}

/* Text of several lines, as such. */
static void put_lines(FILE *out, const char *name, struct snap_bytes value)
{
	if (!value.data)
		return;
	(void)fprintf(out, INDENT "%s:\n", name);
	for (size_t i = 0; i < value.len;) {
		const uint8_t *nl = memchr(value.data + i, '\n', value.len - i);
		size_t len = nl ? (size_t)(nl - value.data) - i : value.len - i;
		(void)fputs(INDENT "  ", out);
		snap_print(out, snap_bytes(value.data + i, len));
		(void)fputc('\n', out);
		i += len + 1;
	}
}

static void put_number(FILE *out, const char *name, bool known, uint64_t value)
{
	if (known)
		(void)fprintf(out, INDENT "%s: %" PRIu64 "\n", name, value);
}

static void put_signed(FILE *out, const char *name, bool known, int64_t value)
{
	if (known)
		(void)fprintf(out, INDENT "%s: %" PRId64 "\n", name, value);
}

static void put_addr(FILE *out, const char *name, bool known, uint64_t value)
{
	if (known)
		(void)fprintf(out, INDENT "%s: 0x%" PRIx64 "\n", name, value);
}

static void put_bool(FILE *out, const char *name, bool known, bool value)
{
	if (known)
		(void)fprintf(out, INDENT "%s: %s\n", name, value ? "true" : "false");
}

static void put_enum(FILE *out, const char *name, bool known, const char *word, uint32_t value)
{
	if (!known)
		return;
	(void)fprintf(out, INDENT "%s: %" PRIu32, name, value);
	if (word)
		(void)fprintf(out, " (%s)", word);
	(void)fputc('\n', out);
}

/* ---------------------------------------------------------------- records */

static const char *regset_name(uint32_t type)
{
	switch (type) {
	case NT_PRSTATUS:
		return "NT_PRSTATUS, pr_reg";
	case NT_FPREGSET:
		return "NT_FPREGSET";
	case NT_X86_XSTATE:
		return "NT_X86_XSTATE";
	case NT_ARM_PAC_MASK:
		return "NT_ARM_PAC_MASK";
	case NT_ARM_TLS:
		return "NT_ARM_TLS";
	default:
		return NULL;
	}
}

static void put_thread(FILE *out, const struct snap_thread *thread, bool full)
{
	put_number(out, "id", thread->has_tid, thread->tid);
	put_text(out, "name", thread->name);
	put_enum(out, "state", thread->has_state, snap_thread_state_name(thread->state),
		thread->state);
	for (size_t i = 0; i < thread->num_regsets; i++) {
		const struct snap_regset *regset = &thread->regsets[i];
		put_enum(out, "regset type", true, regset_name(regset->type), regset->type);
		put_bytes(out, "regset", regset->data, full);
	}
	put_number(out, "ns_tid", thread->has_ns_tid, thread->ns_tid);
	put_addr(out, "tls_base", thread->has_tls_base, thread->tls_base);
	put_bool(out, "active", thread->active, true);
	for (size_t i = 0; i < thread->num_backtrace; i++)
		put_addr(out, "raw_backtrace", true, thread->backtrace[i]);
	for (size_t i = 0; i < thread->num_symbolized; i++)
		put_text(out, "symbolized_backtrace", thread->symbolized[i]);
	put_addr(out, "stack_start_pointer", thread->has_stack_start, thread->stack_start);
	put_addr(out, "stack_end_pointer", thread->has_stack_end, thread->stack_end);
	put_addr(out, "stack_pointer", thread->has_stack_pointer, thread->stack_pointer);
	put_addr(out, "stack_pointer_est_peak", thread->has_stack_peak, thread->stack_peak);
	put_number(out, "cpu_usage_hundredths", thread->has_cpu_usage, thread->cpu_usage);
	put_bytes(out, "raw_stack", thread->raw_stack, full);
}

static void put_cpu_state(FILE *out, struct snap_bytes message, enum snap_cpu_family family)
{
	struct snap_cpu_state state = {0};
	bool is_whole = snap_cpu_state_add(&state, message);
	for (unsigned int i = 0; i < SNAP_CPU_STATE_FIELDS; i++) {
		const char *name = snap_cpu_state_name(family, i);
		if (name)
			put_addr(out, name, snap_cpu_state_has(&state, i), state.values[i]);
	}
	if (!is_whole)
		(void)fputs(INDENT "the rest does not decode\n", out);
}

static void put_timestamp(FILE *out, const struct snap_time_point *point)
{
	put_signed(out, "timestamp", point->has_ticks, point->ticks);
	put_signed(
		out, "tick_period_seconds_numerator", point->has_period, point->period_numerator);
	put_signed(out, "tick_period_seconds_denominator", point->has_period,
		point->period_denominator);
	put_enum(out, "epoch_type", point->epoch != SNAP_EPOCH_UNKNOWN,
		snap_epoch_name(point->epoch), point->epoch);
}

static void put_thread_facts(FILE *out, const struct snap_thread_facts *facts)
{
	const char letter[] = {
		facts->letter > ' ' && facts->letter < 0x7f ? (char)facts->letter : '?', '\0'};
	put_number(out, "tid", facts->has_tid, facts->tid);
	put_enum(out, "letter", facts->has_letter, letter, facts->letter);
	put_text(out, "wchan", facts->wchan);
	put_bool(out, "running", facts->has_running, facts->running);
	put_signed(out, "syscall_number", facts->has_syscall_number, facts->syscall_number);
	for (size_t i = 0; i < facts->num_syscall_arguments; i++)
		put_addr(out, "syscall_argument", true, facts->syscall_arguments[i]);
	put_addr(out, "stack_pointer", facts->has_stack_pointer, facts->stack_pointer);
	put_addr(out, "program_counter", facts->has_program_counter, facts->program_counter);
	put_lines(out, "kernel_stack", facts->kernel_stack);
	put_number(out, "cpu", facts->has_cpu, facts->cpu);
	put_number(out, "user_ms", facts->has_user_ms, facts->user_ms);
	put_number(out, "system_ms", facts->has_system_ms, facts->system_ms);
}

static void put_log(FILE *out, const struct snap_log *log)
{
	put_text(out, "message", log->message);
	put_enum(out, "level", log->has_line_level, snap_log_level_name(snap_log_level(log)),
		snap_log_level(log));
	put_number(out, "line", log->has_line_level, snap_log_line(log));
	put_number(out, "flags", log->has_flags, log->flags);
	put_signed(out, "timestamp", log->has_timestamp, log->timestamp);
	put_signed(out, "time_since_last_entry", log->has_time_since_last, log->time_since_last);
	put_number(out, "dropped", log->has_dropped, log->dropped);
	put_text(out, "module", log->module);
	put_text(out, "file", log->file);
	put_text(out, "thread", log->thread);
	put_number(out, "tid", log->has_tid, log->tid);
}

static void put_open_file(FILE *out, const struct snap_open_file *file)
{
	put_number(out, "fd", file->has_fd, file->fd);
	put_text(out, "path", file->path);
	put_enum(out, "kind", true, snap_open_file_kind_name(file->kind), file->kind);
	if (file->has_flags)
		(void)fprintf(out, INDENT "flags: 0%" PRIo32 "\n", file->flags);
	put_number(out, "position", file->has_position, file->position);
	put_bool(out, "deleted", file->deleted, true);
}

static void put_abort_message(FILE *out, const struct snap_abort_message *message)
{
	put_text(out, "text", message->text);
	put_enum(out, "source", true, snap_abort_source_name(message->source), message->source);
	put_addr(out, "address", message->has_address, message->address);
}

static void put_metadata(FILE *out, const struct snap_metadata *metadata)
{
	put_text(out, "reason", metadata->reason);
	put_bool(out, "fatal", metadata->has_fatal, metadata->fatal);
	put_text(out, "project_name", metadata->project_name);
	put_text(out, "software_version", metadata->software_version);
	put_hex(out, "software_build_uuid", metadata->software_build_uuid);
	put_text(out, "device_name", metadata->device_name);
	put_hex(out, "snapshot_uuid", metadata->snapshot_uuid);
	put_enum(out, "cpu_arch", metadata->has_cpu_arch, snap_cpu_arch_name(metadata->cpu_arch),
		metadata->cpu_arch);
}

static void put_process_ids(FILE *out, const struct snap_process *process)
{
	put_number(out, "ns_pid", process->has_ns_pid, process->ns_pid);
	put_number(out, "ppid", process->has_ppid, process->ppid);
	put_number(out, "pgid", process->has_pgid, process->pgid);
	put_number(out, "sid", process->has_sid, process->sid);
	put_number(out, "euid", process->has_euid, process->euid);
	put_number(out, "suid", process->has_suid, process->suid);
	put_number(out, "fsuid", process->has_fsuid, process->fsuid);
	put_number(out, "egid", process->has_egid, process->egid);
	put_number(out, "sgid", process->has_sgid, process->sgid);
	put_number(out, "fsgid", process->has_fsgid, process->fsgid);
	put_number(out, "ns_uid", process->has_ns_uid, process->ns_uid);
	put_number(out, "ns_gid", process->has_ns_gid, process->ns_gid);
	put_number(out, "seccomp", process->has_seccomp, process->seccomp);
	put_bool(out, "no_new_privs", process->has_no_new_privs, process->no_new_privs);
	put_addr(out, "capabilities", process->has_capabilities, process->capabilities);
	put_number(out, "tracer_pid", process->has_tracer_pid, process->tracer_pid);
	for (size_t i = 0; i < process->num_namespaces; i++) {
		const struct snap_namespace *ns = &process->namespaces[i];
		const char *name = snap_namespace_name(ns->kind);
		(void)fprintf(out, INDENT "namespace: %s:[%" PRIu64 "]%s\n", name ? name : "?",
			ns->inode,
			!ns->has_differs ? ""
			: ns->differs	 ? " (differs)"
					 : " (the same)");
	}
}

static void put_process_late(FILE *out, const struct snap_process *process, bool full)
{
	put_text(out, "cgroup", process->cgroup);
	put_text(out, "unit", process->unit);
	put_text(out, "container_id", process->container_id);
	put_bytes(out, "environ", process->environment, full);
	put_text(out, "cwd", process->cwd);
	put_text(out, "root", process->root);
	put_number(out, "vm_bytes", process->has_vm_bytes, process->vm_bytes);
	put_number(out, "vm_peak_bytes", process->has_vm_peak_bytes, process->vm_peak_bytes);
	put_number(out, "rss_bytes", process->has_rss_bytes, process->rss_bytes);
	put_number(out, "rss_peak_bytes", process->has_rss_peak_bytes, process->rss_peak_bytes);
	put_number(out, "swap_bytes", process->has_swap_bytes, process->swap_bytes);
	put_signed(out, "oom_score_adj", process->has_oom_score_adj, process->oom_score_adj);
	put_number(out, "start_time_ms", process->has_start_time, process->start_time_ms);
	put_number(out, "rlimit_stack", process->has_rlimit_stack, process->rlimit_stack);
	put_number(out, "rlimit_as", process->has_rlimit_as, process->rlimit_as);
	put_number(out, "rlimit_nofile", process->has_rlimit_nofile, process->rlimit_nofile);
	put_number(out, "num_open_files", process->has_num_open_files, process->num_open_files);
	put_number(out, "cgroup_memory_limit", process->has_cgroup_memory_limit,
		process->cgroup_memory_limit);
	put_number(out, "cgroup_memory_current", process->has_cgroup_memory_current,
		process->cgroup_memory_current);
	put_number(out, "cgroup_memory_peak", process->has_cgroup_memory_peak,
		process->cgroup_memory_peak);
	put_number(out, "cgroup_oom", process->has_cgroup_oom, process->cgroup_oom);
	put_number(out, "cgroup_oom_kill", process->has_cgroup_oom_kill, process->cgroup_oom_kill);
	put_number(
		out, "cgroup_levels_up", process->has_cgroup_levels_up, process->cgroup_levels_up);
}

static void put_process(FILE *out, const struct snap_process *process, bool full)
{
	put_number(out, "pid", process->has_pid, process->pid);
	put_number(out, "uid", process->has_uid, process->uid);
	put_number(out, "gid", process->has_gid, process->gid);
	put_text(out, "comm", process->comm);
	put_text(out, "exe", process->exe);
	put_bool(out, "exe_deleted", process->has_exe_deleted, process->exe_deleted);
	put_bytes(out, "cmdline", process->cmdline, full);
	put_number(out, "uptime_ms", process->has_uptime, process->uptime_ms);
	put_number(out, "dumpable", process->has_dumpable, process->dumpable);
	put_number(out, "rlimit_core", process->has_rlimit_core, process->rlimit_core);
	put_number(out, "elf_machine", process->has_elf, process->elf_machine);
	put_number(out, "elf_class", process->has_elf, process->elf_class);
	put_number(out, "elf_data", process->has_elf, process->elf_data);
	put_bytes(out, "auxv", process->auxv, full);
	put_bool(out, "identity_unverified", process->has_identity_unverified,
		process->identity_unverified);
	put_number(out, "num_threads", process->has_num_threads, process->num_threads);
	put_process_ids(out, process);
	put_process_late(out, process, full);
}

static void put_signal(FILE *out, const struct snap_signal *signal, bool full)
{
	put_signed(out, "signo", signal->has_signo, signal->signo);
	put_signed(out, "code", signal->has_code, signal->code);
	put_number(out, "tid", signal->has_tid, signal->tid);
	put_addr(out, "address", signal->has_address, signal->address);
	put_signed(out, "sender_pid", signal->has_sender, signal->sender_pid);
	put_number(out, "sender_uid", signal->has_sender, signal->sender_uid);
	put_bytes(out, "siginfo", signal->siginfo, full);
}

static void put_memory(FILE *out, const struct snap_memory_range *range, bool full)
{
	put_addr(out, "address", true, range->address);
	put_enum(out, "reason", true, snap_memory_reason_name(range->reason), range->reason);
	put_number(out, "tid", range->has_tid, range->tid);
	put_text(out, "name", range->name);
	(void)fprintf(out, INDENT "data: %zu bytes\n", range->data.len);
	snap_hex_print(
		out, INDENT "  ", range->address, range->data, full ? SIZE_MAX : FIRST_BYTES);
}

static void put_mapping(FILE *out, const struct snap_mapping *mapping)
{
	(void)fprintf(out, INDENT "0x%" PRIx64 "-0x%" PRIx64 " ", mapping->start, mapping->end);
	if (mapping->has_permissions)
		(void)fprintf(out, "%c%c%c%c", mapping->permissions & SNAP_MAPPING_READ ? 'r' : '-',
			mapping->permissions & SNAP_MAPPING_WRITE ? 'w' : '-',
			mapping->permissions & SNAP_MAPPING_EXEC ? 'x' : '-',
			mapping->permissions & SNAP_MAPPING_SHARED ? 's' : 'p');
	else
		(void)fputs("????", out);
	(void)fprintf(out, " offset 0x%" PRIx64, mapping->file_offset);
	if (mapping->has_device)
		(void)fprintf(out, " device %" PRIx32 ":%" PRIx32 " inode %" PRIu64,
			mapping->device_major, mapping->device_minor, mapping->inode);
	(void)fputc(' ', out);
	snap_print(out, mapping->path);
	(void)fputs(mapping->deleted ? " (deleted)\n" : "\n", out);
}

static void put_module(FILE *out, const struct snap_module *module)
{
	(void)fprintf(out, INDENT "0x%" PRIx64 "-0x%" PRIx64 " ", module->start, module->end);
	snap_print(out, module->path);
	(void)fputs(module->deleted ? " (deleted)\n" : "\n", out);
	if (module->build_id.len > 0)
		put_hex(out, "build_id", module->build_id);
	else
		put_enum(out, "build_id_status", true,
			snap_build_id_status_words(module->build_id_status),
			module->build_id_status);
	put_addr(out, "load_bias", module->has_load_bias, module->load_bias);
}

static void put_system(FILE *out, const struct snap_system *system)
{
	put_text(out, "sysname", system->sysname);
	put_text(out, "release", system->release);
	put_text(out, "version", system->version);
	put_text(out, "machine", system->machine);
	put_text(out, "os", system->os);
	put_text(out, "hostname", system->hostname);
	put_number(out, "uptime_ms", system->has_uptime, system->uptime_ms);
	put_hex(out, "boot_id", system->boot_id);
	for (size_t i = 0; i < system->num_loads; i++)
		put_number(out, "load_hundredths", true, system->load_hundredths[i]);
	put_number(out, "memory_total", system->has_memory_total, system->memory_total);
	put_number(out, "memory_free", system->has_memory_free, system->memory_free);
	put_number(out, "memory_available", system->has_memory_available, system->memory_available);
	put_number(out, "swap_total", system->has_swap_total, system->swap_total);
	put_number(out, "swap_free", system->has_swap_free, system->swap_free);
	put_number(out, "num_cpus", system->has_num_cpus, system->num_cpus);
}

static void put_capture(FILE *out, const struct snap_capture *capture)
{
	char time[40] = "";
	put_enum(out, "method", capture->has_method, snap_capture_method_name(capture->method),
		capture->method);
	if (capture->has_time) {
		snap_time_words(capture->time_s, capture->time_ns, time);
		(void)fprintf(out, INDENT "time: %" PRId64 " s %" PRIu32 " ns%s%s%s\n",
			capture->time_s, capture->time_ns, time[0] ? " (" : "", time,
			time[0] ? ")" : "");
	}
	put_number(out, "hold_time_ns", capture->has_hold_time, capture->hold_time_ns);
	put_number(out, "pause_time_ns", capture->has_pause_time, capture->pause_time_ns);
	put_enum(out, "storage", capture->has_storage, snap_capture_storage_name(capture->storage),
		capture->storage);
	put_number(out, "queue_time_ns", capture->has_queue_time, capture->queue_time_ns);
}

static void put_omission(FILE *out, const struct snap_omission *omission)
{
	char words[256];
	snap_omission_words(omission, words, sizeof(words));
	(void)fprintf(out, INDENT "%s\n", words);
}

/* The reader keeps checkpoints to itself: decoded here, as they stand. */
static void put_checkpoint(FILE *out, const struct snap_record *record)
{
	struct snap_wire_field field;
	size_t off = 0;
	while (record->is_bytes && snap_wire_next(record->payload, &off, &field) > 0) {
		if (field.number == 1)
			put_number(out, "offset", true, field.value);
		else if (field.number == 2)
			put_addr(out, "crc32c", true, field.value);
		else if (field.number == 3)
			put_bool(out, "final", true, field.value != 0);
	}
}

static void put_decoded(FILE *out, const struct snap_record *record, bool full)
{
	switch (record->number) {
	case SNAP_RECORD_HEADER:
		put_number(out, "format_version", true, record->u.header.format_version);
		put_text(out, "writer", record->u.header.writer);
		break;
	case SNAP_RECORD_METADATA:
		put_metadata(out, &record->u.metadata);
		break;
	case SNAP_RECORD_TAG:
	case SNAP_RECORD_RAW_TAG:
		put_text(out, "key", record->u.tag.key);
		put_text(out, "value", record->u.tag.value);
		break;
	case SNAP_RECORD_THREAD:
		put_thread(out, &record->u.thread, full);
		break;
	case SNAP_RECORD_PROCESS:
		put_process(out, &record->u.process, full);
		break;
	case SNAP_RECORD_SIGNAL:
		put_signal(out, &record->u.signal, full);
		break;
	case SNAP_RECORD_MEMORY:
		put_memory(out, &record->u.memory, full);
		break;
	case SNAP_RECORD_MAPPING:
		put_mapping(out, &record->u.mapping);
		break;
	case SNAP_RECORD_MODULE:
		put_module(out, &record->u.module);
		break;
	case SNAP_RECORD_SYSTEM:
		put_system(out, &record->u.system);
		break;
	case SNAP_RECORD_CAPTURE:
		put_capture(out, &record->u.capture);
		break;
	case SNAP_RECORD_OMISSION:
		put_omission(out, &record->u.omission);
		break;
	case SNAP_RECORD_NOTE:
		put_text(out, "text", record->u.note);
		break;
	case SNAP_RECORD_LOG:
		put_log(out, &record->u.log);
		break;
	case SNAP_RECORD_OPEN_FILE:
		put_open_file(out, &record->u.open_file);
		break;
	case SNAP_RECORD_THREAD_FACTS:
		put_thread_facts(out, &record->u.thread_facts);
		break;
	case SNAP_RECORD_ABORT_MESSAGE:
		put_abort_message(out, &record->u.abort_message);
		break;
	case SNAP_RECORD_TIMESTAMP:
		put_timestamp(out, &record->u.timestamp);
		break;
	case SNAP_RECORD_TRACE:
		put_bytes(out, "trace_data", record->u.trace_data, full);
		break;
	}
}

void snap_record_print(
	FILE *out, const struct snap_record *record, enum snap_cpu_family family, bool full)
{
	(void)fprintf(out, "%10zu  %zu bytes  field %" PRIu32 "  %s\n", record->off,
		record->end - record->off, record->number, record_name(record->number));
	if (record->decoded)
		put_decoded(out, record, full);
	else if (record->number == SNAP_RECORD_CPU_STATE && record->is_bytes &&
		 family != SNAP_CPU_NONE)
		put_cpu_state(out, record->payload, family);
	else if (record->number == SNAP_RECORD_CHECKPOINT)
		put_checkpoint(out, record);
	else if (record->payload.data)
		snap_hex_print(out, INDENT, 0, record->payload, full ? SIZE_MAX : FIRST_BYTES);
	else
		put_number(out, "value", true, record->value);
}
