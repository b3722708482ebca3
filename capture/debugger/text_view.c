#include "capture/debugger/text_view.h"

#include <stdlib.h>
#include <string.h>

/* Of what the reader unpacks; the debugger's own snapshots take a few MiB. */
#define ARENA_LIMIT (64u << 20)
/* Ranges that begin later than one that contains an address: windows within windows. */
#define MAX_OVERLAP 8

static void *add(struct snap_text_view *v, void **items, size_t *num, size_t *capacity, size_t size)
{
	void *grown = snap_arena_grow(&v->arena, *items, *num, capacity, size);
	if (!grown)
		return NULL;
	*items = grown;
	return (uint8_t *)grown + size * (*num)++;
}

/* A copy of item at the list's end. Returns 0, or -1 where memory is exhausted. */
#define ADD(view, list, item)                                                                      \
	__extension__({                                                                            \
		void *items_ = (view)->list.items;                                                 \
		void *at_ = add(                                                                   \
			(view), &items_, &(view)->list.num, &(view)->list.capacity, sizeof(item)); \
		(view)->list.items = items_;                                                       \
		if (at_)                                                                           \
			memcpy(at_, &(item), sizeof(item));                                        \
		at_ ? 0 : -1;                                                                      \
	})

/* Later records complete the former ones. */
static void merge_process(struct snap_process *to, const struct snap_process *from)
{
#define NUMBER(name)                                                                               \
	if (from->has_##name) {                                                                    \
		to->has_##name = true;                                                             \
		to->name = from->name;                                                             \
	}
#define BYTES(name)                                                                                \
	if (from->name.data)                                                                       \
	to->name = from->name
	NUMBER(pid)
	NUMBER(ns_pid)
	NUMBER(ppid)
	NUMBER(uid)
	NUMBER(gid)
	NUMBER(euid)
	NUMBER(egid)
	NUMBER(num_threads)
	NUMBER(exe_deleted)
	NUMBER(rss_bytes)
	NUMBER(vm_bytes)
	NUMBER(seccomp)
	NUMBER(num_open_files)
	if (from->has_uptime) {
		to->has_uptime = true;
		to->uptime_ms = from->uptime_ms;
	}
	if (from->has_elf) {
		to->has_elf = true;
		to->elf_machine = from->elf_machine;
		to->elf_class = from->elf_class;
		to->elf_data = from->elf_data;
	}
	BYTES(comm);
	BYTES(exe);
	BYTES(cmdline);
	BYTES(cwd);
	BYTES(root);
	BYTES(cgroup);
	BYTES(unit);
	BYTES(container_id);
#undef NUMBER
#undef BYTES
}

static int take_memory(struct snap_text_view *v, const struct snap_memory_range *range)
{
	if (range->data.len == 0 || range->address + range->data.len < range->address)
		return 0;
	if (range->reason == SNAP_MEMORY_STACK && range->has_tid && ADD(v, stacks, *range) < 0)
		return -1;
	return ADD(v, memory, *range);
}

/* Returns 0, or -1 where memory is exhausted. */
static int take(struct snap_text_view *v, const struct snap_record *record)
{
	switch (record->number) {
	case SNAP_RECORD_METADATA:
		v->metadata = record->u.metadata;
		return 0;
	case SNAP_RECORD_PROCESS:
		merge_process(&v->process, &record->u.process);
		return 0;
	case SNAP_RECORD_SYSTEM:
		v->system = record->u.system;
		return 0;
	case SNAP_RECORD_CAPTURE:
		v->capture = record->u.capture;
		return 0;
	case SNAP_RECORD_THREAD:
		return ADD(v, threads, record->u.thread);
	case SNAP_RECORD_THREAD_FACTS:
		return ADD(v, facts, record->u.thread_facts);
	case SNAP_RECORD_MEMORY:
		return take_memory(v, &record->u.memory);
	case SNAP_RECORD_MAPPING:
		return ADD(v, mappings, record->u.mapping);
	case SNAP_RECORD_MODULE:
		return ADD(v, modules, record->u.module);
	case SNAP_RECORD_OPEN_FILE:
		return ADD(v, open_files, record->u.open_file);
	case SNAP_RECORD_OMISSION:
		return ADD(v, omissions, record->u.omission);
	case SNAP_RECORD_TAG:
		return ADD(v, tags, record->u.tag);
	case SNAP_RECORD_NOTE:
		return ADD(v, notes, record->u.note);
	}
	return 0;
}

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int by_tid(const void *a, const void *b)
{
	const struct snap_thread_facts *x = a, *y = b;
	return COMPARE(x->tid, y->tid);
}

static int by_address(const void *a, const void *b)
{
	const struct snap_memory_range *x = a, *y = b;
	return COMPARE(x->address, y->address);
}

static int by_tid_and_address(const void *a, const void *b)
{
	const struct snap_memory_range *x = a, *y = b;
	return x->tid == y->tid ? COMPARE(x->address, y->address) : COMPARE(x->tid, y->tid);
}

static int by_start(const void *a, const void *b)
{
	const struct snap_mapping *x = a, *y = b;
	return COMPARE(x->start, y->start);
}

static int module_by_start(const void *a, const void *b)
{
	const struct snap_module *x = a, *y = b;
	return COMPARE(x->start, y->start);
}

#define SORT(list, compare)                                                                        \
	do {                                                                                       \
		if ((list).num > 1)                                                                \
			qsort((list).items, (list).num, sizeof(*(list).items), compare);           \
	} while (0)

int snap_text_view_init(struct snap_text_view *v, struct snap_bytes file, struct snap_error *err)
{
	struct snap_scan scan;
	memset(v, 0, sizeof(*v));
	snap_arena_init(&v->arena, ARENA_LIMIT);
	snap_reader_init(&v->reader, file, 0);
	if (snap_snapshot_scan(file, &scan, err) < 0)
		return -1;
	snap_reader_deinit(&v->reader);
	snap_reader_init(&v->reader, file, scan.readable_len);
	for (;;) {
		struct snap_record record;
		struct snap_error fault = SNAP_ERROR_INIT;
		int r = snap_reader_next(&v->reader, &record, &fault);
		if (r == 0)
			break;
		if (r < 0) {
			char *text = snap_arena_copy(&v->arena, snap_bytes_str(fault.text));
			struct snap_bytes why = snap_bytes_str(text);
			r = text ? ADD(v, faults, why) : -1;
		} else if (record.decoded) {
			r = take(v, &record);
		}
		if (r < 0)
			return snap_error_no_memory(err);
	}
	if (v->process.has_elf)
		v->arch = snap_arch_find(
			v->process.elf_machine, v->process.elf_class, v->process.elf_data);
	SORT(v->facts, by_tid);
	SORT(v->memory, by_address);
	SORT(v->stacks, by_tid_and_address);
	SORT(v->mappings, by_start);
	SORT(v->modules, module_by_start);
	return 0;
}

void snap_text_view_deinit(struct snap_text_view *v)
{
	snap_reader_deinit(&v->reader);
	snap_arena_deinit(&v->arena);
}

/* The number of items, sorted by key, whose key is not above the one wanted. */
#define NOT_ABOVE(list, key, wanted)                                                               \
	__extension__({                                                                            \
		size_t low_ = 0, high_ = (list).num;                                               \
		while (low_ < high_) {                                                             \
			size_t middle_ = low_ + (high_ - low_) / 2;                                \
			if ((list).items[middle_].key <= (wanted))                                 \
				low_ = middle_ + 1;                                                \
			else                                                                       \
				high_ = middle_;                                                   \
		}                                                                                  \
		low_;                                                                              \
	})

struct snap_bytes snap_text_memory(const struct snap_text_view *v, uint64_t addr)
{
	size_t n = NOT_ABOVE(v->memory, address, addr);
	struct snap_bytes best = {NULL, 0};
	for (size_t i = 0; i < MAX_OVERLAP && i < n; i++) {
		const struct snap_memory_range *range = &v->memory.items[n - 1 - i];
		uint64_t skip = addr - range->address;
		if (skip < range->data.len && range->data.len - skip > best.len)
			best = snap_bytes(range->data.data + skip, range->data.len - skip);
	}
	return best;
}

const struct snap_mapping *snap_text_mapping(const struct snap_text_view *v, uint64_t addr)
{
	size_t n = NOT_ABOVE(v->mappings, start, addr);
	return n > 0 && addr < v->mappings.items[n - 1].end ? &v->mappings.items[n - 1] : NULL;
}

const struct snap_module *snap_text_module(const struct snap_text_view *v, uint64_t addr)
{
	size_t n = NOT_ABOVE(v->modules, start, addr);
	return n > 0 && addr < v->modules.items[n - 1].end ? &v->modules.items[n - 1] : NULL;
}

const struct snap_thread_facts *snap_text_facts(const struct snap_text_view *v, uint64_t tid)
{
	size_t n = NOT_ABOVE(v->facts, tid, tid);
	return n > 0 && v->facts.items[n - 1].tid == tid ? &v->facts.items[n - 1] : NULL;
}

const struct snap_memory_range *snap_text_stacks(
	const struct snap_text_view *v, uint64_t tid, size_t *ret_num)
{
	size_t end = NOT_ABOVE(v->stacks, tid, tid), first = end;
	while (first > 0 && v->stacks.items[first - 1].tid == tid)
		first--;
	*ret_num = end - first;
	return *ret_num > 0 ? &v->stacks.items[first] : NULL;
}
