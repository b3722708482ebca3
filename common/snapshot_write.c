#include "common/snapshot_write.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/crc32c.h"
#include "common/escape.h"
#include "common/snapshot_numbers.h"
#include "common/wire.h"
#include "proto/snapshot.pb-c.h"

/* Bytes of a name, tag or note before they are escaped; each may grow to four. */
#define MAX_TAG_BYTES  4096
#define MAX_NOTE_BYTES 1024
#define MAX_NAME_BYTES 256
/* A record's number and its length, as varints. */
#define RECORD_HEAD_BYTES 16

void snap_writer_init(struct snap_writer *w, int fd)
{
	snap_writer_resume(w, fd, 0, 0);
}

void snap_writer_resume(struct snap_writer *w, int fd, uint64_t len, uint32_t crc)
{
	w->fd = fd;
	w->error = 0;
	w->len = len;
	w->crc = crc;
	w->buf_len = 0;
	w->summed_len = 0;
	w->lazy = false;
	w->limit = UINT64_MAX;
	w->num_refused = 0;
}

/* Bring crc up to date. */
static void sum(struct snap_writer *w)
{
	w->crc = snap_crc32c(w->crc, w->buf + w->summed_len, w->buf_len - w->summed_len);
	w->summed_len = w->buf_len;
}

static void flush(struct snap_writer *w)
{
	sum(w);
	for (size_t done = 0; done < w->buf_len && w->error == 0;) {
		ssize_t n = write(w->fd, w->buf + done, w->buf_len - done);
		if (n > 0)
			done += (size_t)n;
		else if (n == 0)
			w->error = -EIO;
		else if (errno != EINTR)
			w->error = -errno;
	}
	w->buf_len = 0;
	w->summed_len = 0;
	w->lazy = false;
}

#define SHORT_BYTES 12

/* Where protobuf-c puts its output: straight into the writer, so that packing allocates nothing. */
struct sink {
	ProtobufCBuffer base;
	struct snap_writer *writer;
};

/* A record's numbers are many and short: a call for each would take longer than they. */
static void copy_short(uint8_t *to, const uint8_t *from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = from[i];
}

static void sink_append(ProtobufCBuffer *buffer, size_t len, const uint8_t *data)
{
	struct snap_writer *w = ((struct sink *)buffer)->writer;
	if (len < SHORT_BYTES && len < sizeof(w->buf) - (size_t)(w->len % sizeof(w->buf))) {
		copy_short(w->buf + w->buf_len, data, len);
		w->buf_len += len;
		w->len += len;
		return;
	}
	while (len > 0) {
		size_t n = sizeof(w->buf) - (size_t)(w->len % sizeof(w->buf));
		if (n > len)
			n = len;
		memcpy(w->buf + w->buf_len, data, n);
		w->buf_len += n;
		w->len += n;
		data += n;
		len -= n;
		if (w->len % sizeof(w->buf) == 0)
			flush(w);
	}
}

static size_t put_varint(uint8_t *to, uint64_t value)
{
	size_t len = 0;
	for (; value >= 0x80; value >>= 7)
		to[len++] = (uint8_t)(value | 0x80);
	to[len++] = (uint8_t)value;
	return len;
}

/*
 * What stands before a record's content: it is a field of the message that the whole file is, which
 * protobuf-c would go through for each of them.
 */
static size_t put_record_head(
	uint8_t to[static RECORD_HEAD_BYTES], enum snap_record_number number, size_t len)
{
	size_t at = put_varint(to, (uint64_t)number << 3 | SNAP_WIRE_BYTES);
	return at + put_varint(to + at, len);
}

/* Whatever the limit. content: a message, or bytes. */
static void write_any(struct snap_writer *w, enum snap_record_number number, size_t len,
	const ProtobufCMessage *message, const uint8_t *bytes)
{
	uint8_t head[RECORD_HEAD_BYTES];
	struct sink sink = {.base.append = sink_append, .writer = w};
	sink_append(&sink.base, put_record_head(head, number, len), head);
	if (message)
		(void)protobuf_c_message_pack_to_buffer(message, &sink.base);
	else
		sink_append(&sink.base, len, bytes);
}

/* Of an error nothing is written after it; and a record that would pass the limit is refused. */
static int may_write(struct snap_writer *w, enum snap_record_number number, size_t len)
{
	uint8_t head[RECORD_HEAD_BYTES];
	if (w->error)
		return w->error;
	if (w->limit == UINT64_MAX)
		return 0;
	size_t whole = put_record_head(head, number, len) + len;
	if (w->len <= w->limit && whole <= w->limit - w->len)
		return 0;
	w->num_refused++;
	return -ENOSPC;
}

static int write_record(
	struct snap_writer *w, enum snap_record_number number, const ProtobufCMessage *message)
{
	size_t len = protobuf_c_message_get_packed_size(message);
	int r = may_write(w, number, len);
	if (r < 0)
		return r;
	write_any(w, number, len, message, NULL);
	return w->error;
}

static ProtobufCBinaryData binary(struct snap_bytes bytes)
{
	/* protobuf-c does not write through it, it only lacks the const. */
	return (ProtobufCBinaryData){.len = bytes.len, .data = (uint8_t *)(uintptr_t)bytes.data};
}

#define SET_BYTES(message, field, bytes)                                                           \
	do {                                                                                       \
		(message).has_##field = (bytes).data != NULL;                                      \
		(message).field = binary(bytes);                                                   \
	} while (0)

#define SET(message, field, is_there, value)                                                       \
	do {                                                                                       \
		(message).has_##field = (is_there);                                                \
		(message).field = (value);                                                         \
	} while (0)

/* bytes as a NUL-terminated string of valid UTF-8 in storage; NULL if absent. */
static char *text(struct snap_bytes bytes, char *storage, size_t size)
{
	if (!bytes.data)
		return NULL;
	(void)snap_escape(bytes, SNAP_ESCAPE_INVALID, storage, size); /* cut to fit */
	return storage;
}

/* For Pigweed's `bytes` fields that a person reads. */
static struct snap_bytes text_bytes(struct snap_bytes bytes, char *storage, size_t size)
{
	return snap_bytes_str(text(bytes, storage, size));
}

int snap_write_header(struct snap_writer *w, const char *program)
{
	Snapcrash__Header header = SNAPCRASH__HEADER__INIT;
	char writer[MAX_NAME_BYTES];
	SET(header, magic, true, SNAP_FORMAT_MAGIC);
	SET(header, format_version, true, SNAP_FORMAT_VERSION);
	header.writer = text(snap_bytes_str(program), writer, sizeof(writer));
	return write_record(w, SNAP_RECORD_HEADER, &header.base);
}

int snap_write_checkpoint(struct snap_writer *w, bool final)
{
	if (w->error)
		return w->error;
	sum(w);
	Snapcrash__Checkpoint checkpoint = SNAPCRASH__CHECKPOINT__INIT;
	SET(checkpoint, offset, true, w->len);
	SET(checkpoint, crc32c, true, w->crc);
	SET(checkpoint, final, true, final);
	write_any(w, SNAP_RECORD_CHECKPOINT, protobuf_c_message_get_packed_size(&checkpoint.base),
		&checkpoint.base, NULL); /* its error sticks */
	if (final || !w->lazy)
		flush(w);
	return w->error;
}

int snap_write_metadata(struct snap_writer *w, const struct snap_metadata *metadata)
{
	Snapcrash__Metadata m = SNAPCRASH__METADATA__INIT;
	char reason[4 * MAX_NAME_BYTES], project[4 * MAX_NAME_BYTES], version[4 * MAX_NAME_BYTES],
		device[4 * MAX_NAME_BYTES];
	SET_BYTES(m, reason, text_bytes(metadata->reason, reason, sizeof(reason)));
	SET(m, fatal, metadata->has_fatal, metadata->fatal);
	SET_BYTES(m, project_name, text_bytes(metadata->project_name, project, sizeof(project)));
	m.software_version = text(metadata->software_version, version, sizeof(version));
	SET_BYTES(m, software_build_uuid, metadata->software_build_uuid);
	SET_BYTES(m, device_name, text_bytes(metadata->device_name, device, sizeof(device)));
	SET_BYTES(m, snapshot_uuid, metadata->snapshot_uuid);
	SET(m, cpu_arch, metadata->has_cpu_arch,
		(Snapcrash__CpuArchitecture__Enum)metadata->cpu_arch);
	return write_record(w, SNAP_RECORD_METADATA, &m.base);
}

int snap_write_tag(struct snap_writer *w, const struct snap_tag *tag)
{
	if (tag->key.len > MAX_TAG_BYTES || tag->value.len > MAX_TAG_BYTES)
		return -EMSGSIZE;
	char key[4 * MAX_TAG_BYTES + 1], value[4 * MAX_TAG_BYTES + 1];
	Snapcrash__Snapshot__TagsEntry entry = SNAPCRASH__SNAPSHOT__TAGS_ENTRY__INIT;
	entry.key = text(tag->key, key, sizeof(key));
	entry.value = text(tag->value, value, sizeof(value));
	int r = write_record(w, SNAP_RECORD_TAG, &entry.base);
	if (r < 0 || (snap_escape_unneeded(tag->key, SNAP_ESCAPE_INVALID) &&
			     snap_escape_unneeded(tag->value, SNAP_ESCAPE_INVALID)))
		return r;

	Snapcrash__RawTag raw = SNAPCRASH__RAW_TAG__INIT;
	SET_BYTES(raw, key, tag->key);
	SET_BYTES(raw, value, tag->value);
	return write_record(w, SNAP_RECORD_RAW_TAG, &raw.base);
}

int snap_write_thread(struct snap_writer *w, const struct snap_thread *thread)
{
	if (thread->num_regsets > SNAP_MAX_REGSETS)
		return -EMSGSIZE;
	Snapcrash__Regset regsets[SNAP_MAX_REGSETS];
	Snapcrash__Regset *pointers[SNAP_MAX_REGSETS];
	char name[4 * MAX_NAME_BYTES];
	for (size_t i = 0; i < thread->num_regsets; i++) {
		snapcrash__regset__init(&regsets[i]);
		SET(regsets[i], type, true, thread->regsets[i].type);
		SET_BYTES(regsets[i], data, thread->regsets[i].data);
		pointers[i] = &regsets[i];
	}
	Snapcrash__LinuxThread linux_thread = SNAPCRASH__LINUX_THREAD__INIT;
	linux_thread.n_regsets = thread->num_regsets;
	linux_thread.regsets = pointers;

	Snapcrash__Thread t;
	snapcrash__thread__init(&t);
	SET_BYTES(t, name, text_bytes(thread->name, name, sizeof(name)));
	SET(t, state, thread->has_state, (Snapcrash__ThreadState__Enum)thread->state);
	SET(t, id, thread->has_tid, thread->tid);
	SET(t, stack_start_pointer, thread->has_stack_start, thread->stack_start);
	SET(t, stack_end_pointer, thread->has_stack_end, thread->stack_end);
	SET(t, stack_pointer, thread->has_stack_pointer, thread->stack_pointer);
	if (thread->name.data && !snap_escape_unneeded(thread->name, SNAP_ESCAPE_INVALID))
		SET_BYTES(linux_thread, comm, thread->name);
	SET(linux_thread, ns_tid, thread->has_ns_tid, thread->ns_tid);
	SET(linux_thread, tls_base, thread->has_tls_base, thread->tls_base);
	if (thread->num_regsets > 0 || linux_thread.has_comm || linux_thread.has_ns_tid ||
		linux_thread.has_tls_base)
		t.linux_thread = &linux_thread;
	return write_record(w, SNAP_RECORD_THREAD, &t.base);
}

int snap_write_log(struct snap_writer *w, const struct snap_log *log)
{
	if (log->message.len > SNAP_MAX_LOG_MESSAGE)
		return -EMSGSIZE;
	char message[4 * SNAP_MAX_LOG_MESSAGE + 1], module[4 * MAX_NAME_BYTES],
		file[4 * MAX_NAME_BYTES], thread[4 * MAX_NAME_BYTES];
	Snapcrash__LogEntry entry = SNAPCRASH__LOG_ENTRY__INIT;
	SET_BYTES(entry, message, text_bytes(log->message, message, sizeof(message)));
	SET(entry, line_level, log->has_line_level, log->line_level);
	SET(entry, flags, log->has_flags, log->flags);
	SET(entry, timestamp, log->has_timestamp, log->timestamp);
	SET(entry, time_since_last_entry, log->has_time_since_last && !log->has_timestamp,
		log->time_since_last);
	SET(entry, dropped, log->has_dropped, log->dropped);
	SET_BYTES(entry, module, text_bytes(log->module, module, sizeof(module)));
	SET_BYTES(entry, file, text_bytes(log->file, file, sizeof(file)));
	SET_BYTES(entry, thread, text_bytes(log->thread, thread, sizeof(thread)));
	if (log->message.data && !snap_escape_unneeded(log->message, SNAP_ESCAPE_INVALID))
		SET_BYTES(entry, raw_message, log->message);
	SET(entry, tid, log->has_tid, log->tid);
	return write_record(w, SNAP_RECORD_LOG, &entry.base);
}

int snap_write_thread_facts(struct snap_writer *w, const struct snap_thread_facts *facts)
{
	if (facts->num_syscall_arguments > SNAP_SYSCALL_ARGUMENTS)
		return -EMSGSIZE;
	Snapcrash__ThreadFacts f = SNAPCRASH__THREAD_FACTS__INIT;
	uint64_t arguments[SNAP_SYSCALL_ARGUMENTS];
	memcpy(arguments, facts->syscall_arguments, sizeof(arguments));
	SET(f, tid, facts->has_tid, facts->tid);
	SET(f, letter, facts->has_letter, facts->letter);
	SET_BYTES(f, wchan, facts->wchan);
	SET(f, running, facts->has_running, facts->running);
	SET(f, syscall_number, facts->has_syscall_number, facts->syscall_number);
	f.n_syscall_arguments = facts->num_syscall_arguments;
	f.syscall_arguments = arguments;
	SET(f, stack_pointer, facts->has_stack_pointer, facts->stack_pointer);
	SET(f, program_counter, facts->has_program_counter, facts->program_counter);
	SET_BYTES(f, kernel_stack, facts->kernel_stack);
	SET(f, cpu, facts->has_cpu, facts->cpu);
	SET(f, user_ms, facts->has_user_ms, facts->user_ms);
	SET(f, system_ms, facts->has_system_ms, facts->system_ms);
	return write_record(w, SNAP_RECORD_THREAD_FACTS, &f.base);
}

static void set_process_ids(Snapcrash__Process *p, const struct snap_process *process)
{
	SET(*p, ns_pid, process->has_ns_pid, process->ns_pid);
	SET(*p, ppid, process->has_ppid, process->ppid);
	SET(*p, pgid, process->has_pgid, process->pgid);
	SET(*p, sid, process->has_sid, process->sid);
	SET(*p, euid, process->has_euid, process->euid);
	SET(*p, suid, process->has_suid, process->suid);
	SET(*p, fsuid, process->has_fsuid, process->fsuid);
	SET(*p, egid, process->has_egid, process->egid);
	SET(*p, sgid, process->has_sgid, process->sgid);
	SET(*p, fsgid, process->has_fsgid, process->fsgid);
	SET(*p, ns_uid, process->has_ns_uid, process->ns_uid);
	SET(*p, ns_gid, process->has_ns_gid, process->ns_gid);
	SET(*p, seccomp, process->has_seccomp, process->seccomp);
	SET(*p, no_new_privs, process->has_no_new_privs, process->no_new_privs);
	SET(*p, capabilities, process->has_capabilities, process->capabilities);
	SET(*p, tracer_pid, process->has_tracer_pid, process->tracer_pid);
}

static void set_process_late(Snapcrash__Process *p, const struct snap_process *process)
{
	SET_BYTES(*p, cgroup, process->cgroup);
	SET_BYTES(*p, unit, process->unit);
	SET_BYTES(*p, container_id, process->container_id);
	SET_BYTES(*p, environ, process->environment);
	SET_BYTES(*p, cwd, process->cwd);
	SET_BYTES(*p, root, process->root);
	SET(*p, vm_bytes, process->has_vm_bytes, process->vm_bytes);
	SET(*p, vm_peak_bytes, process->has_vm_peak_bytes, process->vm_peak_bytes);
	SET(*p, rss_bytes, process->has_rss_bytes, process->rss_bytes);
	SET(*p, rss_peak_bytes, process->has_rss_peak_bytes, process->rss_peak_bytes);
	SET(*p, swap_bytes, process->has_swap_bytes, process->swap_bytes);
	SET(*p, oom_score_adj, process->has_oom_score_adj, process->oom_score_adj);
	SET(*p, start_time_ms, process->has_start_time, process->start_time_ms);
	SET(*p, rlimit_stack, process->has_rlimit_stack, process->rlimit_stack);
	SET(*p, rlimit_as, process->has_rlimit_as, process->rlimit_as);
	SET(*p, rlimit_nofile, process->has_rlimit_nofile, process->rlimit_nofile);
	SET(*p, num_open_files, process->has_num_open_files, process->num_open_files);
}

static void set_process_cgroup(Snapcrash__Process *p, const struct snap_process *process)
{
	SET(*p, cgroup_memory_limit, process->has_cgroup_memory_limit,
		process->cgroup_memory_limit);
	SET(*p, cgroup_memory_current, process->has_cgroup_memory_current,
		process->cgroup_memory_current);
	SET(*p, cgroup_memory_peak, process->has_cgroup_memory_peak, process->cgroup_memory_peak);
	SET(*p, cgroup_oom, process->has_cgroup_oom, process->cgroup_oom);
	SET(*p, cgroup_oom_kill, process->has_cgroup_oom_kill, process->cgroup_oom_kill);
	SET(*p, cgroup_levels_up, process->has_cgroup_levels_up, process->cgroup_levels_up);
}

int snap_write_process(struct snap_writer *w, const struct snap_process *process)
{
	if (process->num_namespaces > SNAP_NAMESPACES)
		return -EMSGSIZE;
	Snapcrash__Process p = SNAPCRASH__PROCESS__INIT;
	Snapcrash__Namespace namespaces[SNAP_NAMESPACES];
	Snapcrash__Namespace *pointers[SNAP_NAMESPACES];
	for (size_t i = 0; i < process->num_namespaces; i++) {
		const struct snap_namespace *from = &process->namespaces[i];
		snapcrash__namespace__init(&namespaces[i]);
		SET(namespaces[i], kind, true, (Snapcrash__Namespace__Kind)from->kind);
		SET(namespaces[i], inode, true, from->inode);
		SET(namespaces[i], differs, from->has_differs, from->differs);
		pointers[i] = &namespaces[i];
	}
	p.n_namespaces = process->num_namespaces;
	p.namespaces = pointers;
	set_process_ids(&p, process);
	set_process_late(&p, process);
	set_process_cgroup(&p, process);
	SET(p, pid, process->has_pid, process->pid);
	SET(p, uid, process->has_uid, process->uid);
	SET(p, gid, process->has_gid, process->gid);
	SET_BYTES(p, comm, process->comm);
	SET_BYTES(p, exe, process->exe);
	SET(p, exe_deleted, process->has_exe_deleted, process->exe_deleted);
	SET_BYTES(p, cmdline, process->cmdline);
	SET(p, uptime_ms, process->has_uptime, process->uptime_ms);
	SET(p, dumpable, process->has_dumpable, process->dumpable);
	SET(p, rlimit_core, process->has_rlimit_core, process->rlimit_core);
	SET(p, elf_machine, process->has_elf, process->elf_machine);
	SET(p, elf_class, process->has_elf, process->elf_class);
	SET(p, elf_data, process->has_elf, process->elf_data);
	SET_BYTES(p, auxv, process->auxv);
	SET(p, identity_unverified, process->has_identity_unverified, process->identity_unverified);
	SET(p, num_threads, process->has_num_threads, process->num_threads);
	return write_record(w, SNAP_RECORD_PROCESS, &p.base);
}

int snap_write_open_file(struct snap_writer *w, const struct snap_open_file *file)
{
	Snapcrash__OpenFile f = SNAPCRASH__OPEN_FILE__INIT;
	SET(f, fd, file->has_fd, file->fd);
	SET_BYTES(f, path, file->path);
	SET(f, flags, file->has_flags, file->flags);
	SET(f, position, file->has_position, file->position);
	SET(f, kind, true, (Snapcrash__OpenFile__Kind)file->kind);
	SET(f, deleted, file->deleted, true);
	return write_record(w, SNAP_RECORD_OPEN_FILE, &f.base);
}

int snap_write_abort_message(struct snap_writer *w, const struct snap_abort_message *message)
{
	Snapcrash__AbortMessage m = SNAPCRASH__ABORT_MESSAGE__INIT;
	SET_BYTES(m, text, message->text);
	SET(m, source, true, (Snapcrash__AbortMessage__Source)message->source);
	SET(m, address, message->has_address, message->address);
	return write_record(w, SNAP_RECORD_ABORT_MESSAGE, &m.base);
}

int snap_write_signal(struct snap_writer *w, const struct snap_signal *signal)
{
	Snapcrash__Signal s = SNAPCRASH__SIGNAL__INIT;
	SET(s, signo, signal->has_signo, signal->signo);
	SET(s, code, signal->has_code, signal->code);
	SET(s, tid, signal->has_tid, signal->tid);
	SET(s, address, signal->has_address, signal->address);
	SET(s, sender_pid, signal->has_sender, signal->sender_pid);
	SET(s, sender_uid, signal->has_sender, signal->sender_uid);
	SET_BYTES(s, siginfo, signal->siginfo);
	return write_record(w, SNAP_RECORD_SIGNAL, &s.base);
}

int snap_write_memory(struct snap_writer *w, const struct snap_memory_range *range)
{
	/* The rest of the record takes less than 64 bytes, and its name. */
	if (range->name.len > SNAP_MAX_RANGE_NAME ||
		range->data.len > SNAP_MAX_RECORD_BYTES - 64 - range->name.len)
		return -EMSGSIZE;
	Snapcrash__MemoryRange r = SNAPCRASH__MEMORY_RANGE__INIT;
	SET(r, address, true, range->address);
	SET_BYTES(r, data, range->data);
	SET(r, reason, true, (Snapcrash__MemoryRange__Reason)range->reason);
	SET(r, tid, range->has_tid, range->tid);
	SET_BYTES(r, name, range->name);
	return write_record(w, SNAP_RECORD_MEMORY, &r.base);
}

int snap_write_mapping(struct snap_writer *w, const struct snap_mapping *mapping)
{
	Snapcrash__Mapping m = SNAPCRASH__MAPPING__INIT;
	SET(m, start, true, mapping->start);
	SET(m, end, true, mapping->end);
	SET(m, file_offset, true, mapping->file_offset);
	SET(m, permissions, mapping->has_permissions, mapping->permissions);
	SET_BYTES(m, path, mapping->path);
	SET(m, deleted, mapping->deleted, true);
	SET(m, device_major, mapping->has_device, mapping->device_major);
	SET(m, device_minor, mapping->has_device, mapping->device_minor);
	SET(m, inode, mapping->has_device, mapping->inode);
	return write_record(w, SNAP_RECORD_MAPPING, &m.base);
}

int snap_write_module(struct snap_writer *w, const struct snap_module *module)
{
	Snapcrash__Module m = SNAPCRASH__MODULE__INIT;
	SET(m, start, true, module->start);
	SET(m, end, true, module->end);
	SET_BYTES(m, build_id, module->build_id);
	SET(m, build_id_status, !module->build_id.data,
		(Snapcrash__Module__BuildIdStatus)module->build_id_status);
	SET(m, load_bias, module->has_load_bias, module->load_bias);
	SET_BYTES(m, path, module->path);
	SET(m, deleted, module->deleted, true);
	return write_record(w, SNAP_RECORD_MODULE, &m.base);
}

int snap_write_system(struct snap_writer *w, const struct snap_system *system)
{
	char sysname[4 * MAX_NAME_BYTES], release[4 * MAX_NAME_BYTES], version[4 * MAX_NAME_BYTES],
		machine[4 * MAX_NAME_BYTES], os[4 * MAX_NAME_BYTES], hostname[4 * MAX_NAME_BYTES];
	if (system->num_loads > SNAP_LOADS)
		return -EMSGSIZE;
	uint32_t loads[SNAP_LOADS];
	memcpy(loads, system->load_hundredths, sizeof(loads));
	Snapcrash__System s = SNAPCRASH__SYSTEM__INIT;
	s.sysname = text(system->sysname, sysname, sizeof(sysname));
	s.release = text(system->release, release, sizeof(release));
	s.version = text(system->version, version, sizeof(version));
	s.machine = text(system->machine, machine, sizeof(machine));
	s.os = text(system->os, os, sizeof(os));
	s.hostname = text(system->hostname, hostname, sizeof(hostname));
	SET(s, uptime_ms, system->has_uptime, system->uptime_ms);
	SET_BYTES(s, boot_id, system->boot_id);
	s.n_load_hundredths = system->num_loads;
	s.load_hundredths = loads;
	SET(s, memory_total, system->has_memory_total, system->memory_total);
	SET(s, memory_free, system->has_memory_free, system->memory_free);
	SET(s, memory_available, system->has_memory_available, system->memory_available);
	SET(s, swap_total, system->has_swap_total, system->swap_total);
	SET(s, swap_free, system->has_swap_free, system->swap_free);
	SET(s, num_cpus, system->has_num_cpus, system->num_cpus);
	return write_record(w, SNAP_RECORD_SYSTEM, &s.base);
}

int snap_write_capture(struct snap_writer *w, const struct snap_capture *capture)
{
	Snapcrash__Capture c = SNAPCRASH__CAPTURE__INIT;
	SET(c, method, capture->has_method, (Snapcrash__Capture__Method)capture->method);
	SET(c, time_s, capture->has_time, capture->time_s);
	SET(c, time_ns, capture->has_time, capture->time_ns);
	SET(c, hold_time_ns, capture->has_hold_time, capture->hold_time_ns);
	SET(c, pause_time_ns, capture->has_pause_time, capture->pause_time_ns);
	SET(c, storage, capture->has_storage, (Snapcrash__Capture__Storage)capture->storage);
	SET(c, queue_time_ns, capture->has_queue_time, capture->queue_time_ns);
	return write_record(w, SNAP_RECORD_CAPTURE, &c.base);
}

int snap_write_omission(struct snap_writer *w, const struct snap_omission *omission)
{
	Snapcrash__Omission o = SNAPCRASH__OMISSION__INIT;
	SET(o, what, true, (Snapcrash__Omission__What)omission->what);
	SET(o, why, true, (Snapcrash__Omission__Why)omission->why);
	SET(o, tid, omission->has_tid, omission->tid);
	SET(o, address, omission->has_range, omission->address);
	SET(o, bytes, omission->has_range, omission->bytes);
	SET(o, count, omission->has_count, omission->count);
	SET(o, error, omission->has_error, omission->error);
	return write_record(w, SNAP_RECORD_OMISSION, &o.base);
}

int snap_write_note(struct snap_writer *w, const char *note)
{
	char safe[MAX_NOTE_BYTES + 1];
	(void)snap_escape(
		snap_bytes_str(note), SNAP_ESCAPE_INVALID, safe, sizeof(safe)); /* cut to fit */
	size_t len = strlen(safe);
	int r = may_write(w, SNAP_RECORD_NOTE, len);
	if (r < 0)
		return r;
	write_any(w, SNAP_RECORD_NOTE, len, NULL, (const uint8_t *)safe);
	return w->error;
}
