#include "common/snapshot_read.h"

#include "common/wire.h"
#include "proto/snapshot.pb-c.h"

/* Bytes that unpacking the records of one file may take beyond the file's own size (their bytes are
 * copied): SNAP_MAX_THREADS threads with registers and stacks fit, and a hostile file of a few MiB
 * can't take more. */
#define MAX_UNPACK_BYTES (48u << 20)

void snap_reader_init(struct snap_reader *reader, struct snap_bytes file, size_t len)
{
	reader->file = snap_bytes(file.data, len);
	reader->off = 0;
	snap_arena_init(&reader->arena, MAX_UNPACK_BYTES + len);
}

void snap_reader_deinit(struct snap_reader *reader)
{
	snap_arena_deinit(&reader->arena);
}

/* protobuf-c unpacks nested messages by recursion without a limit: look before it does. */
static bool nesting_allowed(
	struct snap_bytes message, const ProtobufCMessageDescriptor *descriptor, unsigned int depth)
{
	struct snap_wire_field field;
	size_t off = 0;
	while (snap_wire_next(message, &off, &field) > 0) {
		const ProtobufCFieldDescriptor *known =
			protobuf_c_message_descriptor_get_field(descriptor, field.number);
		if (!known || known->type != PROTOBUF_C_TYPE_MESSAGE ||
			field.type != SNAP_WIRE_BYTES)
			continue;
		if (depth + 1 > SNAP_MAX_NESTING ||
			!nesting_allowed(field.payload, known->descriptor, depth + 1))
			return false;
	}
	return true;
}

static void *arena_alloc(void *arena, size_t len)
{
	return snap_arena_alloc(arena, len);
}

static void arena_free(void *arena, void *pointer)
{
	/* It all ends with the arena. */
	(void)arena;
	(void)pointer;
}

static struct snap_bytes from_string(const char *s)
{
	return snap_bytes_str(s);
}

#define FROM_BYTES(m, field)                                                                       \
	((m)->has_##field ? snap_bytes((m)->field.data ? (const void *)(m)->field.data : "",       \
				    (m)->field.len)                                                \
			  : snap_bytes(NULL, 0))

#define GET(out, field, m, source)                                                                 \
	do {                                                                                       \
		(out)->has_##field = (m)->has_##source;                                            \
		(out)->field = (m)->source;                                                        \
	} while (0)

static void from_header(const Snapcrash__Header *m, struct snap_header *out)
{
	out->format_version = m->format_version;
	out->writer = from_string(m->writer);
}

static void from_metadata(const Snapcrash__Metadata *m, struct snap_metadata *out)
{
	out->reason = FROM_BYTES(m, reason);
	GET(out, fatal, m, fatal);
	out->project_name = FROM_BYTES(m, project_name);
	out->software_version = from_string(m->software_version);
	out->software_build_uuid = FROM_BYTES(m, software_build_uuid);
	out->device_name = FROM_BYTES(m, device_name);
	out->snapshot_uuid = FROM_BYTES(m, snapshot_uuid);
	out->has_cpu_arch = m->has_cpu_arch;
	out->cpu_arch = (uint32_t)m->cpu_arch;
}

static void from_tag(const Snapcrash__Snapshot__TagsEntry *m, struct snap_tag *out)
{
	out->key = from_string(m->key ? m->key : "");
	out->value = from_string(m->value ? m->value : "");
}

static void from_raw_tag(const Snapcrash__RawTag *m, struct snap_tag *out)
{
	out->key = FROM_BYTES(m, key);
	out->value = FROM_BYTES(m, value);
}

/* What microcontrollers tell of a thread. The numbers live as long as the arena. */
static bool from_device_thread(
	const Snapcrash__Thread *m, struct snap_arena *arena, struct snap_thread *out)
{
	out->active = m->active;
	out->backtrace = m->raw_backtrace;
	out->num_backtrace = m->n_raw_backtrace;
	struct snap_bytes *symbolized =
		snap_arena_alloc(arena, m->n_symbolized_backtrace * sizeof(*symbolized));
	if (!symbolized)
		return false;
	for (size_t i = 0; i < m->n_symbolized_backtrace; i++)
		symbolized[i] = from_string(m->symbolized_backtrace[i]);
	out->symbolized = symbolized;
	out->num_symbolized = m->n_symbolized_backtrace;
	out->raw_stack = FROM_BYTES(m, raw_stack);
	out->has_stack_start = m->has_stack_start_pointer;
	out->stack_start = m->stack_start_pointer;
	out->has_stack_end = m->has_stack_end_pointer;
	out->stack_end = m->stack_end_pointer;
	GET(out, stack_pointer, m, stack_pointer);
	out->has_stack_peak = m->has_stack_pointer_est_peak;
	out->stack_peak = m->stack_pointer_est_peak;
	out->has_cpu_usage = m->has_cpu_usage_hundredths;
	out->cpu_usage = m->cpu_usage_hundredths;
	return true;
}

static bool from_thread(
	const Snapcrash__Thread *m, struct snap_arena *arena, struct snap_thread *out)
{
	out->has_tid = m->has_id;
	out->tid = m->id;
	out->name = FROM_BYTES(m, name);
	out->has_state = m->has_state;
	out->state = (uint32_t)m->state;
	if (!from_device_thread(m, arena, out))
		return false;
	const Snapcrash__LinuxThread *l = m->linux_thread;
	if (!l)
		return true;
	if (l->has_comm)
		out->name = FROM_BYTES(l, comm);
	GET(out, ns_tid, l, ns_tid);
	GET(out, tls_base, l, tls_base);
	struct snap_regset *regsets = snap_arena_alloc(arena, l->n_regsets * sizeof(*regsets));
	if (!regsets)
		return false;
	for (size_t i = 0; i < l->n_regsets; i++) {
		regsets[i].type = l->regsets[i]->type;
		regsets[i].data = FROM_BYTES(l->regsets[i], data);
	}
	out->regsets = regsets;
	out->num_regsets = l->n_regsets;
	return true;
}

static void from_log(const Snapcrash__LogEntry *m, struct snap_log *out)
{
	out->message = m->has_raw_message ? FROM_BYTES(m, raw_message) : FROM_BYTES(m, message);
	GET(out, line_level, m, line_level);
	GET(out, flags, m, flags);
	GET(out, timestamp, m, timestamp);
	out->has_time_since_last = m->has_time_since_last_entry;
	out->time_since_last = m->time_since_last_entry;
	GET(out, dropped, m, dropped);
	out->module = FROM_BYTES(m, module);
	out->file = FROM_BYTES(m, file);
	out->thread = FROM_BYTES(m, thread);
	GET(out, tid, m, tid);
}

static void from_thread_facts(const Snapcrash__ThreadFacts *m, struct snap_thread_facts *out)
{
	GET(out, tid, m, tid);
	GET(out, letter, m, letter);
	out->wchan = FROM_BYTES(m, wchan);
	GET(out, running, m, running);
	GET(out, syscall_number, m, syscall_number);
	/* More than the kernel knows are another program's mistake: the first ones will do. */
	for (size_t i = 0; i < m->n_syscall_arguments && i < SNAP_SYSCALL_ARGUMENTS; i++)
		out->syscall_arguments[out->num_syscall_arguments++] = m->syscall_arguments[i];
	GET(out, stack_pointer, m, stack_pointer);
	GET(out, program_counter, m, program_counter);
	out->kernel_stack = FROM_BYTES(m, kernel_stack);
	GET(out, cpu, m, cpu);
	GET(out, user_ms, m, user_ms);
	GET(out, system_ms, m, system_ms);
}

static void from_process_ids(const Snapcrash__Process *m, struct snap_process *out)
{
	GET(out, ns_pid, m, ns_pid);
	GET(out, ppid, m, ppid);
	GET(out, pgid, m, pgid);
	GET(out, sid, m, sid);
	GET(out, euid, m, euid);
	GET(out, suid, m, suid);
	GET(out, fsuid, m, fsuid);
	GET(out, egid, m, egid);
	GET(out, sgid, m, sgid);
	GET(out, fsgid, m, fsgid);
	GET(out, ns_uid, m, ns_uid);
	GET(out, ns_gid, m, ns_gid);
	GET(out, seccomp, m, seccomp);
	GET(out, no_new_privs, m, no_new_privs);
	GET(out, capabilities, m, capabilities);
	GET(out, tracer_pid, m, tracer_pid);
	/* There are no more kinds: what exceeds them is left out. */
	for (size_t i = 0; i < m->n_namespaces && i < SNAP_NAMESPACES; i++) {
		const Snapcrash__Namespace *from = m->namespaces[i];
		out->namespaces[out->num_namespaces++] = (struct snap_namespace){
			.kind = (uint32_t)from->kind,
			.inode = from->inode,
			.has_differs = from->has_differs,
			.differs = from->differs,
		};
	}
}

static void from_process_late(const Snapcrash__Process *m, struct snap_process *out)
{
	out->cgroup = FROM_BYTES(m, cgroup);
	out->unit = FROM_BYTES(m, unit);
	out->container_id = FROM_BYTES(m, container_id);
	out->environment = FROM_BYTES(m, environ);
	out->cwd = FROM_BYTES(m, cwd);
	out->root = FROM_BYTES(m, root);
	GET(out, vm_bytes, m, vm_bytes);
	GET(out, vm_peak_bytes, m, vm_peak_bytes);
	GET(out, rss_bytes, m, rss_bytes);
	GET(out, rss_peak_bytes, m, rss_peak_bytes);
	GET(out, swap_bytes, m, swap_bytes);
	GET(out, oom_score_adj, m, oom_score_adj);
	out->has_start_time = m->has_start_time_ms;
	out->start_time_ms = m->start_time_ms;
	GET(out, rlimit_stack, m, rlimit_stack);
	GET(out, rlimit_as, m, rlimit_as);
	GET(out, rlimit_nofile, m, rlimit_nofile);
	GET(out, num_open_files, m, num_open_files);
	GET(out, cgroup_memory_limit, m, cgroup_memory_limit);
	GET(out, cgroup_memory_current, m, cgroup_memory_current);
	GET(out, cgroup_memory_peak, m, cgroup_memory_peak);
	GET(out, cgroup_oom, m, cgroup_oom);
	GET(out, cgroup_oom_kill, m, cgroup_oom_kill);
	GET(out, cgroup_levels_up, m, cgroup_levels_up);
}

static void from_process(const Snapcrash__Process *m, struct snap_process *out)
{
	GET(out, pid, m, pid);
	GET(out, uid, m, uid);
	GET(out, gid, m, gid);
	out->comm = FROM_BYTES(m, comm);
	out->exe = FROM_BYTES(m, exe);
	GET(out, exe_deleted, m, exe_deleted);
	out->cmdline = FROM_BYTES(m, cmdline);
	out->has_uptime = m->has_uptime_ms;
	out->uptime_ms = m->uptime_ms;
	GET(out, dumpable, m, dumpable);
	GET(out, rlimit_core, m, rlimit_core);
	out->has_elf = m->has_elf_machine && m->has_elf_class && m->has_elf_data;
	out->elf_machine = m->elf_machine;
	out->elf_class = m->elf_class;
	out->elf_data = m->elf_data;
	out->auxv = FROM_BYTES(m, auxv);
	GET(out, identity_unverified, m, identity_unverified);
	GET(out, num_threads, m, num_threads);
	from_process_ids(m, out);
	from_process_late(m, out);
}

static void from_open_file(const Snapcrash__OpenFile *m, struct snap_open_file *out)
{
	GET(out, fd, m, fd);
	out->path = FROM_BYTES(m, path);
	GET(out, flags, m, flags);
	GET(out, position, m, position);
	out->kind = (uint32_t)m->kind;
	out->deleted = m->deleted;
}

static void from_abort_message(const Snapcrash__AbortMessage *m, struct snap_abort_message *out)
{
	out->text = FROM_BYTES(m, text);
	out->source = (uint32_t)m->source;
	GET(out, address, m, address);
}

static void from_time_point(const Snapcrash__TimePoint *m, struct snap_time_point *out)
{
	const Snapcrash__ClockParameters *clock = m->clock_parameters;
	out->has_ticks = m->has_timestamp;
	out->ticks = m->timestamp;
	if (!clock)
		return;
	out->has_period = clock->has_tick_period_seconds_numerator &&
			  clock->has_tick_period_seconds_denominator;
	out->period_numerator = clock->tick_period_seconds_numerator;
	out->period_denominator = clock->tick_period_seconds_denominator;
	out->epoch = (uint32_t)clock->epoch_type;
}

static void from_signal(const Snapcrash__Signal *m, struct snap_signal *out)
{
	GET(out, signo, m, signo);
	GET(out, code, m, code);
	GET(out, tid, m, tid);
	GET(out, address, m, address);
	out->has_sender = m->has_sender_pid && m->has_sender_uid;
	out->sender_pid = m->sender_pid;
	out->sender_uid = m->sender_uid;
	out->siginfo = FROM_BYTES(m, siginfo);
}

static void from_mapping(const Snapcrash__Mapping *m, struct snap_mapping *out)
{
	out->start = m->start;
	out->end = m->end;
	out->file_offset = m->file_offset;
	GET(out, permissions, m, permissions);
	out->path = FROM_BYTES(m, path);
	out->deleted = m->deleted;
	out->has_device = m->has_device_major && m->has_device_minor && m->has_inode;
	out->device_major = m->device_major;
	out->device_minor = m->device_minor;
	out->inode = m->inode;
}

static void from_module(const Snapcrash__Module *m, struct snap_module *out)
{
	out->start = m->start;
	out->end = m->end;
	if (m->has_build_id && m->build_id.len > 0 && m->build_id.len <= SNAP_MAX_BUILD_ID)
		out->build_id = FROM_BYTES(m, build_id);
	else if (m->has_build_id)
		out->build_id_status = SNAP_BUILD_ID_MALFORMED;
	else
		out->build_id_status = m->has_build_id_status ? (uint32_t)m->build_id_status
							      : SNAP_BUILD_ID_NO_NOTE;
	GET(out, load_bias, m, load_bias);
	out->path = FROM_BYTES(m, path);
	out->deleted = m->deleted;
}

static void from_system(const Snapcrash__System *m, struct snap_system *out)
{
	out->sysname = from_string(m->sysname);
	out->release = from_string(m->release);
	out->version = from_string(m->version);
	out->machine = from_string(m->machine);
	out->os = from_string(m->os);
	out->hostname = from_string(m->hostname);
	out->has_uptime = m->has_uptime_ms;
	out->uptime_ms = m->uptime_ms;
	out->boot_id = FROM_BYTES(m, boot_id);
	for (size_t i = 0; i < m->n_load_hundredths && i < SNAP_LOADS; i++)
		out->load_hundredths[out->num_loads++] = m->load_hundredths[i];
	GET(out, memory_total, m, memory_total);
	GET(out, memory_free, m, memory_free);
	GET(out, memory_available, m, memory_available);
	GET(out, swap_total, m, swap_total);
	GET(out, swap_free, m, swap_free);
	GET(out, num_cpus, m, num_cpus);
}

static void from_capture(const Snapcrash__Capture *m, struct snap_capture *out)
{
	out->has_method = m->has_method;
	out->method = (uint32_t)m->method;
	out->has_time = m->has_time_s;
	out->time_s = m->time_s;
	out->time_ns = m->time_ns;
	out->has_hold_time = m->has_hold_time_ns;
	out->hold_time_ns = m->hold_time_ns;
	out->has_pause_time = m->has_pause_time_ns;
	out->pause_time_ns = m->pause_time_ns;
	out->has_storage = m->has_storage;
	out->storage = (uint32_t)m->storage;
	out->has_queue_time = m->has_queue_time_ns;
	out->queue_time_ns = m->queue_time_ns;
}

static void from_omission(const Snapcrash__Omission *m, struct snap_omission *out)
{
	out->what = (uint32_t)m->what;
	out->why = (uint32_t)m->why;
	GET(out, tid, m, tid);
	out->has_range = m->has_address && m->has_bytes;
	out->address = m->address;
	out->bytes = m->bytes;
	GET(out, count, m, count);
	GET(out, error, m, error);
}

/* By hand, because unpacking would copy the bytes: they are most of the file. */
static bool decode_memory(struct snap_bytes payload, struct snap_memory_range *out)
{
	struct snap_wire_field field;
	size_t off = 0;
	int r;
	while ((r = snap_wire_next(payload, &off, &field)) > 0) {
		if (field.number == 2 && field.type == SNAP_WIRE_BYTES)
			out->data = field.payload;
		if (field.number == 5 && field.type == SNAP_WIRE_BYTES)
			out->name = field.payload;
		if (field.type != SNAP_WIRE_VARINT)
			continue;
		if (field.number == 1)
			out->address = field.value;
		else if (field.number == 3)
			out->reason = (uint32_t)field.value;
		else if (field.number == 4) {
			out->has_tid = true;
			out->tid = field.value;
		}
	}
	/* A range may end at the very top of the address space, but not go round it. */
	return r == 0 && (out->data.len == 0 || out->data.len - 1 <= UINT64_MAX - out->address);
}

/* The message type of the records that are unpacked. */
static const ProtobufCMessageDescriptor *record_descriptor(uint32_t number)
{
	switch (number) {
	case SNAP_RECORD_METADATA:
		return &snapcrash__metadata__descriptor;
	case SNAP_RECORD_TAG:
		return &snapcrash__snapshot__tags_entry__descriptor;
	case SNAP_RECORD_THREAD:
		return &snapcrash__thread__descriptor;
	case SNAP_RECORD_HEADER:
		return &snapcrash__header__descriptor;
	case SNAP_RECORD_PROCESS:
		return &snapcrash__process__descriptor;
	case SNAP_RECORD_SIGNAL:
		return &snapcrash__signal__descriptor;
	case SNAP_RECORD_MAPPING:
		return &snapcrash__mapping__descriptor;
	case SNAP_RECORD_MODULE:
		return &snapcrash__module__descriptor;
	case SNAP_RECORD_SYSTEM:
		return &snapcrash__system__descriptor;
	case SNAP_RECORD_CAPTURE:
		return &snapcrash__capture__descriptor;
	case SNAP_RECORD_OMISSION:
		return &snapcrash__omission__descriptor;
	case SNAP_RECORD_RAW_TAG:
		return &snapcrash__raw_tag__descriptor;
	case SNAP_RECORD_LOG:
		return &snapcrash__log_entry__descriptor;
	case SNAP_RECORD_OPEN_FILE:
		return &snapcrash__open_file__descriptor;
	case SNAP_RECORD_THREAD_FACTS:
		return &snapcrash__thread_facts__descriptor;
	case SNAP_RECORD_ABORT_MESSAGE:
		return &snapcrash__abort_message__descriptor;
	case SNAP_RECORD_TIMESTAMP:
		return &snapcrash__time_point__descriptor;
	default:
		return NULL;
	}
}

static bool convert(const ProtobufCMessage *m, struct snap_arena *arena, struct snap_record *record)
{
	switch (record->number) {
	case SNAP_RECORD_METADATA:
		from_metadata((const Snapcrash__Metadata *)m, &record->u.metadata);
		break;
	case SNAP_RECORD_TAG:
		from_tag((const Snapcrash__Snapshot__TagsEntry *)m, &record->u.tag);
		break;
	case SNAP_RECORD_THREAD:
		return from_thread((const Snapcrash__Thread *)m, arena, &record->u.thread);
	case SNAP_RECORD_HEADER:
		from_header((const Snapcrash__Header *)m, &record->u.header);
		break;
	case SNAP_RECORD_PROCESS:
		from_process((const Snapcrash__Process *)m, &record->u.process);
		break;
	case SNAP_RECORD_SIGNAL:
		from_signal((const Snapcrash__Signal *)m, &record->u.signal);
		break;
	case SNAP_RECORD_MAPPING:
		from_mapping((const Snapcrash__Mapping *)m, &record->u.mapping);
		break;
	case SNAP_RECORD_MODULE:
		from_module((const Snapcrash__Module *)m, &record->u.module);
		break;
	case SNAP_RECORD_SYSTEM:
		from_system((const Snapcrash__System *)m, &record->u.system);
		break;
	case SNAP_RECORD_CAPTURE:
		from_capture((const Snapcrash__Capture *)m, &record->u.capture);
		break;
	case SNAP_RECORD_OMISSION:
		from_omission((const Snapcrash__Omission *)m, &record->u.omission);
		break;
	case SNAP_RECORD_RAW_TAG:
		from_raw_tag((const Snapcrash__RawTag *)m, &record->u.tag);
		break;
	case SNAP_RECORD_LOG:
		from_log((const Snapcrash__LogEntry *)m, &record->u.log);
		break;
	case SNAP_RECORD_OPEN_FILE:
		from_open_file((const Snapcrash__OpenFile *)m, &record->u.open_file);
		break;
	case SNAP_RECORD_THREAD_FACTS:
		from_thread_facts((const Snapcrash__ThreadFacts *)m, &record->u.thread_facts);
		break;
	case SNAP_RECORD_ABORT_MESSAGE:
		from_abort_message((const Snapcrash__AbortMessage *)m, &record->u.abort_message);
		break;
	case SNAP_RECORD_TIMESTAMP:
		from_time_point((const Snapcrash__TimePoint *)m, &record->u.timestamp);
		break;
	}
	return true;
}

static int decode_record(
	struct snap_reader *reader, struct snap_record *record, struct snap_error *err)
{
	const ProtobufCMessageDescriptor *descriptor = record_descriptor(record->number);
	bool by_hand = record->number == SNAP_RECORD_MEMORY || record->number == SNAP_RECORD_NOTE ||
		       record->number == SNAP_RECORD_RELATED ||
		       record->number == SNAP_RECORD_TRACE;
	bool ok = record->is_bytes;
	if (!ok && by_hand) {
		/* Said below. */
	} else if (record->number == SNAP_RECORD_MEMORY) {
		ok = decode_memory(record->payload, &record->u.memory);
	} else if (record->number == SNAP_RECORD_NOTE) {
		record->u.note = record->payload;
	} else if (record->number == SNAP_RECORD_TRACE) {
		record->u.trace_data = record->payload;
	} else if (record->number == SNAP_RECORD_RELATED) {
		/* Kept whole, but not deeper than anyone would unpack it. */
		if (!nesting_allowed(record->payload, &snapcrash__snapshot__descriptor, 1))
			return snap_error_set(err, SNAP_ERROR_LIMIT,
				"related snapshots nested deeper than %d at offset %zu",
				SNAP_MAX_NESTING, record->off);
		return 0;
	} else if (descriptor) {
		if (!ok || !nesting_allowed(record->payload, descriptor, 1))
			return snap_error_set(err, SNAP_ERROR_MALFORMED,
				"record %u at offset %zu is not of its type or nested too deep",
				record->number, record->off);
		ProtobufCAllocator allocator = {arena_alloc, arena_free, &reader->arena};
		const ProtobufCMessage *m = protobuf_c_message_unpack(
			descriptor, &allocator, record->payload.len, record->payload.data);
		ok = m && convert(m, &reader->arena, record);
		if (!ok && reader->arena.exhausted)
			return snap_error_set(err, SNAP_ERROR_LIMIT,
				"unpacking takes more than %zu bytes", reader->arena.limit);
	} else {
		return 0;
	}
	if (!ok)
		return snap_error_set(err, SNAP_ERROR_MALFORMED,
			"record %u at offset %zu does not decode", record->number, record->off);
	record->decoded = true;
	return 0;
}

int snap_reader_next(struct snap_reader *reader, struct snap_record *ret, struct snap_error *err)
{
	struct snap_wire_field field;
	int r = snap_wire_next(reader->file, &reader->off, &field);
	if (r <= 0) {
		/* The scan went over the same bytes: they can only end here. */
		return 0;
	}
	struct snap_record record = {
		.number = field.number,
		.off = field.off,
		.end = field.end,
		.is_bytes = field.type == SNAP_WIRE_BYTES,
		.payload = field.payload,
		.value = field.value,
	};
	if (decode_record(reader, &record, err) < 0)
		return -1;
	*ret = record;
	return 1;
}
