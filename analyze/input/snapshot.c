/*
 * Loads a snapshot file: docs/format.rst.
 */
#include <stdio.h>
#include <stdlib.h>

#include "analyze/input/device.h"
#include "analyze/input/load.h"
#include "common/escape.h"

/* What was told of a thread after it, until all threads are there. */
struct told {
	struct snap_thread_facts facts;
	size_t order; /* in the file */
};

/* Capacities, and what the model gets at the end only. */
struct arrays {
	size_t tags, logs, open_files, omissions, mappings, modules, threads, related_records,
		timestamps, regions;
	struct told *told;
	size_t num_told, told_capacity;
};

#define APPEND_TO(owner, arena, arrays, list, value)                                               \
	__extension__({                                                                            \
		void *grown_ = snap_arena_grow((arena), (owner)->list, (owner)->num_##list,        \
			&(arrays)->list, sizeof(*(owner)->list));                                  \
		if (grown_) {                                                                      \
			(owner)->list = grown_;                                                    \
			(owner)->list[(owner)->num_##list++] = (value);                            \
		}                                                                                  \
		grown_ != NULL;                                                                    \
	})
#define APPEND(crash, arrays, list, value) APPEND_TO(crash, &(crash)->arena, arrays, list, value)

/* Later occurrences of a message complete the earlier ones, field by field. */
#define MERGE_BYTES(to, from, field)                                                               \
	do {                                                                                       \
		if ((from)->field.data)                                                            \
			(to)->field = (from)->field;                                               \
	} while (0)
#define MERGE(to, from, field)                                                                     \
	do {                                                                                       \
		if ((from)->has_##field) {                                                         \
			(to)->has_##field = true;                                                  \
			(to)->field = (from)->field;                                               \
		}                                                                                  \
	} while (0)

static void merge_process_ids(struct snap_process *to, const struct snap_process *from)
{
	MERGE(to, from, ns_pid);
	MERGE(to, from, ppid);
	MERGE(to, from, pgid);
	MERGE(to, from, sid);
	MERGE(to, from, euid);
	MERGE(to, from, suid);
	MERGE(to, from, fsuid);
	MERGE(to, from, egid);
	MERGE(to, from, sgid);
	MERGE(to, from, fsgid);
	MERGE(to, from, ns_uid);
	MERGE(to, from, ns_gid);
	MERGE(to, from, seccomp);
	MERGE(to, from, no_new_privs);
	MERGE(to, from, capabilities);
	MERGE(to, from, tracer_pid);
	for (size_t i = 0; i < from->num_namespaces && to->num_namespaces < SNAP_NAMESPACES; i++)
		to->namespaces[to->num_namespaces++] = from->namespaces[i];
}

static void merge_process_late(struct snap_process *to, const struct snap_process *from)
{
	MERGE_BYTES(to, from, cgroup);
	MERGE_BYTES(to, from, unit);
	MERGE_BYTES(to, from, container_id);
	MERGE_BYTES(to, from, environment);
	MERGE_BYTES(to, from, cwd);
	MERGE_BYTES(to, from, root);
	MERGE(to, from, vm_bytes);
	MERGE(to, from, vm_peak_bytes);
	MERGE(to, from, rss_bytes);
	MERGE(to, from, rss_peak_bytes);
	MERGE(to, from, swap_bytes);
	MERGE(to, from, oom_score_adj);
	if (from->has_start_time) {
		to->has_start_time = true;
		to->start_time_ms = from->start_time_ms;
	}
	MERGE(to, from, rlimit_stack);
	MERGE(to, from, rlimit_as);
	MERGE(to, from, rlimit_nofile);
	MERGE(to, from, num_open_files);
	MERGE(to, from, cgroup_memory_limit);
	MERGE(to, from, cgroup_memory_current);
	MERGE(to, from, cgroup_memory_peak);
	MERGE(to, from, cgroup_oom);
	MERGE(to, from, cgroup_oom_kill);
	MERGE(to, from, cgroup_levels_up);
}

static void merge_process(struct snap_process *to, const struct snap_process *from)
{
	MERGE(to, from, pid);
	MERGE(to, from, uid);
	MERGE(to, from, gid);
	MERGE_BYTES(to, from, comm);
	MERGE_BYTES(to, from, exe);
	MERGE(to, from, exe_deleted);
	MERGE_BYTES(to, from, cmdline);
	if (from->has_uptime) {
		to->has_uptime = true;
		to->uptime_ms = from->uptime_ms;
	}
	MERGE(to, from, dumpable);
	MERGE(to, from, rlimit_core);
	if (from->has_elf) {
		to->has_elf = true;
		to->elf_machine = from->elf_machine;
		to->elf_class = from->elf_class;
		to->elf_data = from->elf_data;
	}
	MERGE_BYTES(to, from, auxv);
	MERGE(to, from, identity_unverified);
	MERGE(to, from, num_threads);
	merge_process_ids(to, from);
	merge_process_late(to, from);
}

static void merge_facts(struct snap_thread_facts *to, const struct snap_thread_facts *from)
{
	MERGE(to, from, tid);
	MERGE(to, from, letter);
	MERGE_BYTES(to, from, wchan);
	MERGE(to, from, running);
	MERGE(to, from, syscall_number);
	if (from->num_syscall_arguments > 0) {
		to->num_syscall_arguments = from->num_syscall_arguments;
		memcpy(to->syscall_arguments, from->syscall_arguments,
			sizeof(to->syscall_arguments));
	}
	MERGE(to, from, stack_pointer);
	MERGE(to, from, program_counter);
	MERGE_BYTES(to, from, kernel_stack);
	MERGE(to, from, cpu);
	MERGE(to, from, user_ms);
	MERGE(to, from, system_ms);
}

static void merge_capture(struct snap_capture *to, const struct snap_capture *from)
{
	MERGE(to, from, method);
	if (from->has_time) {
		to->has_time = true;
		to->time_s = from->time_s;
		to->time_ns = from->time_ns;
	}
	if (from->has_hold_time) {
		to->has_hold_time = true;
		to->hold_time_ns = from->hold_time_ns;
	}
	if (from->has_pause_time) {
		to->has_pause_time = true;
		to->pause_time_ns = from->pause_time_ns;
	}
	MERGE(to, from, storage);
	if (from->has_queue_time) {
		to->has_queue_time = true;
		to->queue_time_ns = from->queue_time_ns;
	}
}

/* A raw tag stands behind the escaped form of itself, which it replaces. */
static bool add_raw_tag(struct snap_crash *crash, struct arrays *arrays, struct snap_tag tag)
{
	char escaped[16400];
	if (crash->num_tags > 0) {
		struct snap_tag *last = &crash->tags[crash->num_tags - 1];
		size_t len = snap_escape(tag.key, SNAP_ESCAPE_INVALID, escaped, sizeof(escaped));
		if (len < sizeof(escaped) &&
			snap_bytes_equal(last->key, snap_bytes(escaped, len))) {
			*last = tag;
			return true;
		}
	}
	return APPEND(crash, arrays, tags, tag);
}

static bool add_facts(
	struct snap_crash *crash, struct arrays *arrays, const struct snap_thread_facts *facts)
{
	if (!facts->has_tid)
		return true;
	struct told *grown = snap_arena_grow(&crash->arena, arrays->told, arrays->num_told,
		&arrays->told_capacity, sizeof(*grown));
	if (!grown)
		return false;
	arrays->told = grown;
	grown[arrays->num_told] = (struct told){*facts, arrays->num_told};
	arrays->num_told++;
	return true;
}

static int compare_told(const void *a, const void *b)
{
	const struct told *x = a, *y = b;
	if (x->facts.tid != y->facts.tid)
		return x->facts.tid < y->facts.tid ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* To its thread, once all threads are there; what is told of no thread tells nothing. */
static void attach_facts(struct snap_crash *crash, struct arrays *arrays)
{
	struct told *told = arrays->told;
	size_t num = 0;
	if (arrays->num_told == 0)
		return;
	qsort(told, arrays->num_told, sizeof(*told), compare_told);
	for (size_t i = 0; i < arrays->num_told; i++) {
		if (num > 0 && told[num - 1].facts.tid == told[i].facts.tid)
			merge_facts(&told[num - 1].facts, &told[i].facts);
		else
			told[num++] = told[i];
	}
	for (size_t i = 0; i < crash->num_threads; i++) {
		struct snap_crash_thread *thread = &crash->threads[i];
		size_t low = 0, high = num;
		while (low < high) {
			size_t middle = low + (high - low) / 2;
			if (told[middle].facts.tid < thread->record.tid)
				low = middle + 1;
			else
				high = middle;
		}
		if (thread->record.has_tid && low < num &&
			told[low].facts.tid == thread->record.tid)
			thread->facts = &told[low].facts;
	}
}

static int add_memory(
	struct snap_crash *crash, const struct snap_memory_range *range, struct snap_error *err)
{
	const struct snap_memory_segment segment = {
		.start = range->address,
		.len = range->data.len,
		.data = range->data.data,
		.fd = -1,
	};
	return snap_memory_add(&crash->memory, &segment, err);
}

/* What does not decode is said, and what precedes it counts. */
static void add_cpu_state(struct snap_crash *crash, const struct snap_record *record)
{
	crash->device.has_state = true;
	if (snap_cpu_state_add(&crash->device.state, record->payload))
		return;
	crash->integrity = SNAP_INTEGRITY_CORRUPT;
	crash->integrity_why = "the registers do not decode";
}

static int add_record(struct snap_crash *crash, struct arrays *arrays,
	const struct snap_record *record, struct snap_error *err)
{
	bool ok = true;
	if (record->number == SNAP_RECORD_RELATED && record->is_bytes &&
		!APPEND(crash, arrays, related_records, record->payload))
		return snap_error_no_memory(err);
	if (record->number == SNAP_RECORD_CPU_STATE && record->is_bytes)
		add_cpu_state(crash, record);
	if (!record->decoded)
		return 0;
	switch (record->number) {
	case SNAP_RECORD_HEADER:
		crash->header = record->u.header;
		break;
	case SNAP_RECORD_METADATA:
		crash->metadata = record->u.metadata;
		break;
	case SNAP_RECORD_TAG:
		ok = APPEND(crash, arrays, tags, record->u.tag);
		break;
	case SNAP_RECORD_RAW_TAG:
		ok = add_raw_tag(crash, arrays, record->u.tag);
		break;
	case SNAP_RECORD_THREAD: {
		struct snap_crash_thread thread = {.record = record->u.thread};
		ok = APPEND(crash, arrays, threads, thread);
		break;
	}
	case SNAP_RECORD_PROCESS:
		merge_process(&crash->process, &record->u.process);
		break;
	case SNAP_RECORD_SIGNAL:
		crash->has_signal = true;
		crash->signal = record->u.signal;
		break;
	case SNAP_RECORD_MEMORY:
		ok = record->u.memory.name.len == 0 || record->u.memory.data.len == 0 ||
		     APPEND(crash, arrays, regions, record->u.memory);
		if (ok && add_memory(crash, &record->u.memory, err) < 0)
			return -1;
		break;
	case SNAP_RECORD_MAPPING:
		ok = APPEND(crash, arrays, mappings, record->u.mapping);
		break;
	case SNAP_RECORD_MODULE: {
		struct snap_crash_module module = {.record = record->u.module};
		ok = APPEND(crash, arrays, modules, module);
		break;
	}
	case SNAP_RECORD_SYSTEM:
		crash->system = record->u.system;
		break;
	case SNAP_RECORD_CAPTURE:
		merge_capture(&crash->capture, &record->u.capture);
		break;
	case SNAP_RECORD_OMISSION:
		ok = APPEND(crash, arrays, omissions, record->u.omission);
		break;
	case SNAP_RECORD_NOTE:
		return snap_crash_note(crash, record->u.note, err);
	case SNAP_RECORD_LOG:
		ok = APPEND(crash, arrays, logs, record->u.log);
		break;
	case SNAP_RECORD_OPEN_FILE:
		ok = APPEND(crash, arrays, open_files, record->u.open_file);
		break;
	case SNAP_RECORD_THREAD_FACTS:
		ok = add_facts(crash, arrays, &record->u.thread_facts);
		break;
	case SNAP_RECORD_ABORT_MESSAGE:
		crash->abort_message = record->u.abort_message;
		break;
	case SNAP_RECORD_TRACE:
		crash->device.trace_data = record->u.trace_data;
		break;
	case SNAP_RECORD_TIMESTAMP:
		ok = APPEND_TO(
			&crash->device, &crash->arena, arrays, timestamps, record->u.timestamp);
		break;
	}
	return ok ? 0 : snap_error_no_memory(err);
}

int snap_load_snapshot(struct snap_crash *crash, struct snap_error *err)
{
	struct snap_bytes file = crash->input->data;
	struct snap_scan scan;
	if (snap_snapshot_scan(file, &scan, err) < 0)
		return -1;
	crash->integrity = scan.integrity;
	/* What is unmarked has no place where it is so. */
	crash->integrity_why =
		scan.why[0] == '\0' ? ""
		: scan.integrity == SNAP_INTEGRITY_UNMARKED
			? snap_crash_format(crash, "%s", scan.why)
			: snap_crash_format(crash, "%s (at byte %zu)", scan.why, scan.fault_off);
	if (!crash->integrity_why)
		return snap_error_no_memory(err);
	if (scan.num_records <= (scan.has_header ? 1 : 0))
		return snap_error_set(err, SNAP_ERROR_MALFORMED,
			"%s snapshot without a whole record: %s",
			snap_integrity_name(scan.integrity), scan.why);

	struct arrays arrays = {0};
	struct snap_record record;
	struct snap_error why = SNAP_ERROR_INIT;
	size_t num_undecoded = 0;
	int r;
	snap_reader_init(&crash->reader, file, scan.readable_len);
	while ((r = snap_reader_next(&crash->reader, &record, &why)) != 0) {
		if (r > 0) {
			if (add_record(crash, &arrays, &record, err) < 0)
				return -1;
			continue;
		}
		/* Beyond the limits is refused; what does not decode is left out and said. */
		if (why.code == SNAP_ERROR_LIMIT) {
			*err = why;
			return -1;
		}
		if (num_undecoded++ == 0) {
			crash->integrity = SNAP_INTEGRITY_CORRUPT;
			crash->integrity_why =
				snap_arena_copy(&crash->arena, snap_bytes_str(why.text));
			if (!crash->integrity_why)
				return snap_error_no_memory(err);
		}
	}
	if (num_undecoded > 1) {
		const char *text = snap_crash_format(
			crash, "%zu records do not decode and were left out", num_undecoded);
		if (!text || snap_crash_note(crash, snap_bytes_str(text), err) < 0)
			return snap_error_no_memory(err);
	}
	attach_facts(crash, &arrays);
	return snap_load_device(crash, err) < 0 ? -1 : snap_load_finish(crash, err);
}
