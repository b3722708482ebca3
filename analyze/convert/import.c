#include "analyze/convert/import.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <sha2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/convert/start_stack.h"
#include "common/areas.h"
#include "common/crash_windows.h"
#include "common/indirect.h"
#include "common/memory_plan.h"
#include "common/snapshot_write.h"
#include "common/stack_budget.h"
#include "common/stack_chain.h"

/* Threads between two checkpoints. */
#define CHECKPOINT_THREADS 64
/* No range is longer: a longer one is written as several. */
#define MAX_RANGE (1u << 20)
/* Ranges and omissions; with all others they stay below what a reader takes (docs/format.rst). */
#define MAX_PIECES 180000u
/* Register sets beside the general ones, bytes of them all. */
#define MAX_MORE_REGSETS (64u << 20)
/* Bytes of a record beside what the core stretches. */
#define RECORD_BYTES 512u

/* Parts of stacks that a thread can have: two ends of each. */
#define SNAP_INDIRECT_PARTS (2 * SNAP_STACK_CHAIN_MAX)
/* More blocks than SNAP_INDIRECT_ALL has, and a power of 2. */
#define INDIRECT_SLOTS (1u << 20)

struct importer {
	struct snap_crash *crash;
	const struct snap_import_options *options;
	struct snap_writer writer;
	uint64_t start_stack;
	struct snap_stack_budget budget;
	struct snap_crash_windows windows; /* of the first thread */
	bool looking;			   /* it is its turn */
	uint64_t looking_sp;
	uint64_t room; /* bytes that stacks may take beyond their usual limits */
	uint64_t regset_room;
	uint64_t regsets_left_out;
	uint64_t num_pieces, pieces_left_out;
	/* The parts of each thread's stacks. */
	struct snap_extent (*stacks)[SNAP_INDIRECT_PARTS];
	struct snap_areas areas;
	uint8_t buf[MAX_RANGE];
};

static struct snap_bytes cut(struct snap_bytes bytes, size_t max)
{
	return snap_bytes(bytes.data, bytes.len < max ? bytes.len : max);
}

static void checkpoint(struct importer *im)
{
	(void)snap_write_checkpoint(&im->writer, false); /* its error sticks */
}

/* ---------------------------------------------------------------- omissions */

static void put_omission(struct importer *im, const struct snap_omission *omission)
{
	if (im->num_pieces == MAX_PIECES) {
		im->pieces_left_out++;
		return;
	}
	im->num_pieces++;
	(void)snap_write_omission(&im->writer, omission); /* its error sticks */
}

static void omit(struct importer *im, enum snap_omission_what what, enum snap_omission_why why,
	const struct snap_crash_thread *thread)
{
	const struct snap_omission omission = {
		.what = what,
		.why = why,
		.has_tid = thread && thread->record.has_tid,
		.tid = thread ? thread->record.tid : 0,
	};
	put_omission(im, &omission);
}

static void omit_count(struct importer *im, enum snap_omission_what what,
	enum snap_omission_why why, const struct snap_crash_thread *thread, uint64_t count)
{
	if (count == 0)
		return;
	const struct snap_omission omission = {
		.what = what,
		.why = why,
		.has_tid = thread && thread->record.has_tid,
		.tid = thread ? thread->record.tid : 0,
		.has_count = true,
		.count = count,
	};
	put_omission(im, &omission);
}

/* ---------------------------------------------------------------- memory */

/* Where captured memory goes on from addr, at which there is none; end if not before it. */
static uint64_t next_memory(const struct snap_memory *memory, uint64_t addr, uint64_t end)
{
	size_t low = 0, high = memory->num_segments;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (memory->segments[middle].start <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < memory->num_segments && memory->segments[low].start < end)
		return memory->segments[low].start;
	return end;
}

/* A part of the plan. chain, whose plan it then is, may be NULL. */
static void take_part(struct importer *im, const struct snap_memory_plan *plan,
	const struct snap_extent *part, struct snap_stack_chain *chain)
{
	struct snap_memory *memory = &im->crash->memory;
	uint64_t addr = part->addr, end = part->addr + part->len;
	while (addr < end) {
		size_t len = end - addr < sizeof(im->buf) ? (size_t)(end - addr) : sizeof(im->buf);
		ssize_t n = snap_memory_read(memory, addr, im->buf, len);
		if (n > 0 && chain) {
			snap_stack_chain_look(chain, addr, im->buf, (size_t)n);
			end = part->addr + part->len;
			if ((uint64_t)n > end - addr)
				n = (ssize_t)(end - addr);
		}
		if (n > 0) {
			const struct snap_memory_range range = {
				.address = addr,
				.data = snap_bytes(im->buf, (size_t)n),
				.reason = plan->reason,
				.has_tid = plan->has_tid,
				.tid = plan->tid,
			};
			if (im->num_pieces == MAX_PIECES) {
				im->pieces_left_out++;
				return;
			}
			if (im->looking && range.reason == SNAP_MEMORY_STACK)
				snap_crash_windows_look(
					&im->windows, im->looking_sp, addr, im->buf, (size_t)n);
			else if (im->looking)
				snap_crash_windows_taken(&im->windows, addr, (uint64_t)n);
			im->num_pieces++;
			(void)snap_write_memory(&im->writer, &range); /* its error sticks */
			addr += (uint64_t)n;
			continue;
		}
		struct snap_omission omission = snap_memory_plan_omission(plan);
		omission.why = SNAP_OMITTED_UNREADABLE;
		omission.has_error = n < 0;
		omission.error = n < 0 ? (uint32_t)-n : 0;
		omission.address = addr;
		addr = next_memory(memory, addr, end);
		omission.bytes = addr - omission.address;
		put_omission(im, &omission);
	}
}

static void take(
	struct importer *im, const struct snap_memory_plan *plan, struct snap_stack_chain *chain)
{
	take_part(im, plan, &plan->parts[0], chain);
	take_part(im, plan, &plan->parts[1], chain);
	struct snap_omission omission;
	for (size_t i = 0; snap_memory_plan_cut(plan, i, &omission); i++)
		put_omission(im, &omission);
}

/* usual: what it may give in any case. */
static void take_stack(
	struct importer *im, size_t index, uint64_t usual, const struct snap_memory_thread *thread)
{
	struct snap_stack_chain chain;
	uint64_t cap = usual, len = 0;
	if (im->options->full_stacks) {
		cap += im->room;
		if (cap > SNAP_IMPORT_MAX_STACK)
			cap = SNAP_IMPORT_MAX_STACK;
	}
	snap_stack_chain_init(&chain, &im->areas, im->crash->arch, thread, cap);
	for (size_t i = 0; snap_stack_chain_next(&chain); i++) {
		take(im, &chain.plan, &chain);
		len += snap_memory_plan_len(&chain.plan);
		memcpy(im->stacks[index] + 2 * i, chain.plan.parts, sizeof(chain.plan.parts));
	}
	snap_stack_budget_spend(&im->budget, len < usual ? len : usual);
	if (len > usual)
		im->room -= len - usual;
}

static ssize_t read_core(void *arg, uint64_t addr, void *buf, size_t len)
{
	return snap_memory_read(arg, addr, buf, len);
}

static bool is_in_core(void *arg, uint64_t addr)
{
	return snap_memory_find(arg, addr);
}

static void put_window(void *arg, const struct snap_memory_range *range)
{
	struct importer *im = arg;
	im->num_pieces++;			     /* they are few */
	(void)snap_write_memory(&im->writer, range); /* its error sticks */
}

static void put_window_omission(void *arg, const struct snap_omission *omission)
{
	put_omission(arg, omission);
}

/* What the first thread speaks of beside its stack. */
static void take_windows(struct importer *im, const struct snap_memory_thread *where)
{
	const struct snap_crash *crash = im->crash;
	const struct snap_memory_source source = {read_core, &im->crash->memory};
	const struct snap_memory_sink sink = {put_window, put_window_omission, im};
	snap_crash_windows_take(&im->windows, where, crash->threads[0].pr_reg,
		crash->has_signal && crash->signal.has_address, crash->signal.address, &source,
		&sink);
	snap_crash_windows_take_callers(&im->windows, where, &source, &sink);
}

static void take_thread_memory(struct importer *im, size_t index)
{
	const struct snap_crash_thread *thread = &im->crash->threads[index];
	struct snap_memory_plan plan;
	bool room; /* registers have room in any case */
	uint64_t usual = snap_stack_budget_next(&im->budget, &room);
	struct snap_memory_thread where = {
		.tid = thread->record.tid,
		.start_stack = im->start_stack,
		.is_main =
			im->crash->process.has_pid && thread->record.tid == im->crash->process.pid,
	};
	if (!snap_memory_thread_registers(
		    im->crash->arch, thread->record.regsets, thread->record.num_regsets, &where)) {
		omit(im, SNAP_OMITTED_REGISTERS, SNAP_OMITTED_UNREADABLE, thread);
		omit(im, SNAP_OMITTED_STACK, SNAP_OMITTED_UNREADABLE, thread);
		return;
	}
	im->looking = index == 0;
	im->looking_sp = where.sp;
	take_stack(im, index, usual, &where);
	if (snap_memory_wants_code(&im->areas, index, usual, where.pc)) {
		snap_memory_plan_code(&im->areas, &where, &plan);
		take(im, &plan, NULL);
	}
	im->looking = false;
	if (index == 0)
		take_windows(im, &where);
}

/* ---------------------------------------------------------------- records */

/*
 * A name-based UUID of our own making (RFC 9562, section 5.8): of what no two crashes have alike.
 */
static void make_uuid(const struct snap_crash *crash, uint8_t uuid[static 16])
{
	SHA2_CTX context;
	uint8_t digest[SHA256_DIGEST_LENGTH];
	SHA256Init(&context);
	SHA256Update(&context, crash->process.auxv.data, crash->process.auxv.len);
	SHA256Update(&context, crash->signal.siginfo.data, crash->signal.siginfo.len);
	for (size_t i = 0; i < crash->num_threads; i++) {
		const struct snap_crash_thread *thread = &crash->threads[i];
		SHA256Update(
			&context, (const uint8_t *)&thread->record.tid, sizeof(thread->record.tid));
		SHA256Update(&context, thread->pr_reg.data, thread->pr_reg.len);
	}
	for (size_t i = 0; i < crash->num_modules; i++)
		SHA256Update(&context, crash->modules[i].record.build_id.data,
			crash->modules[i].record.build_id.len);
	SHA256Final(digest, &context);
	memcpy(uuid, digest, 16);
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x80);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
}

static void write_start(struct importer *im)
{
	const struct snap_crash *crash = im->crash;
	struct snap_metadata metadata = crash->metadata;
	uint8_t uuid[16];
	char reason[32] = "live";
	if (crash->has_signal) {
		const char *name = sigabbrev_np(crash->signal.signo);
		if (name)
			(void)snprintf(reason, sizeof(reason), "SIG%s", name);
		else
			(void)snprintf(reason, sizeof(reason), "signal %d", crash->signal.signo);
	}
	make_uuid(crash, uuid);
	metadata.reason = snap_bytes_str(reason);
	metadata.snapshot_uuid = snap_bytes(uuid, sizeof(uuid));
	metadata.has_cpu_arch = true; /* 0, UNKNOWN: the ELF machine stands with the process */
	metadata.cpu_arch = 0;
	(void)snap_write_header(&im->writer, "snapanalyze " SNAP_VERSION); /* errors stick */
	(void)snap_write_metadata(&im->writer, &metadata);
}

/* What the loader had to say, which otherwise only the core would tell. */
static void write_notes(struct importer *im)
{
	const struct snap_crash *crash = im->crash;
	char text[1024];
	if (crash->integrity == SNAP_INTEGRITY_TRUNCATED ||
		crash->integrity == SNAP_INTEGRITY_CORRUPT) {
		(void)snprintf(text, sizeof(text), "the core was %s: %s",
			snap_integrity_name(crash->integrity), crash->integrity_why);
		(void)snap_write_note(&im->writer, text); /* its error sticks */
	}
	for (size_t i = 0; i < crash->num_notes; i++) {
		struct snap_bytes note = cut(crash->notes[i], sizeof(text) - 1);
		(void)snprintf(text, sizeof(text), "%.*s", (int)note.len, (const char *)note.data);
		(void)snap_write_note(&im->writer, text);
	}
}

static void write_process_early(struct importer *im)
{
	const struct snap_process *all = &im->crash->process;
	struct snap_process process = *all;
	/* What can be long, or was made up by the process, comes late. */
	process.comm = process.exe = process.cmdline = snap_bytes(NULL, 0);
	process.has_exe_deleted = process.has_uptime = false;
	process.auxv = cut(all->auxv, SNAP_AUXV_MAX);
	(void)snap_write_process(&im->writer, &process); /* its error sticks */
	if (all->auxv.len == 0)
		omit(im, SNAP_OMITTED_AUXV, SNAP_OMITTED_UNREADABLE, NULL);
	else if (all->auxv.len > SNAP_AUXV_MAX)
		omit(im, SNAP_OMITTED_AUXV, SNAP_OMITTED_CAP, NULL);
}

static void write_process_late(struct importer *im)
{
	const struct snap_process *all = &im->crash->process;
	const struct snap_process process = {
		.has_pid = all->has_pid,
		.pid = all->pid,
		.comm = cut(all->comm, PATH_MAX),
		.exe = cut(all->exe, PATH_MAX),
		.has_exe_deleted = all->has_exe_deleted,
		.exe_deleted = all->exe_deleted,
		.cmdline = cut(all->cmdline, SNAP_CMDLINE_MAX),
		.has_uptime = all->has_uptime,
		.uptime_ms = all->uptime_ms,
	};
	(void)snap_write_process(&im->writer, &process); /* its error sticks */
	if (all->cmdline.len > SNAP_CMDLINE_MAX)
		omit(im, SNAP_OMITTED_CMDLINE, SNAP_OMITTED_CAP, NULL);
}

static void write_thread(struct importer *im, size_t index)
{
	const struct snap_crash_thread *thread = &im->crash->threads[index];
	struct snap_regset regsets[SNAP_MAX_REGSETS];
	struct snap_thread record = thread->record;
	record.regsets = regsets;
	record.num_regsets = 0;
	for (size_t i = 0; i < thread->record.num_regsets; i++) {
		const struct snap_regset *set = &thread->record.regsets[i];
		if (set->type != NT_PRSTATUS || set->data.len > RECORD_BYTES * 2) {
			if (set->data.len > im->regset_room) {
				im->regsets_left_out++;
				continue;
			}
			im->regset_room -= set->data.len;
		}
		regsets[record.num_regsets++] = *set;
	}
	if (thread->crashed) {
		record.has_state = true;
		record.state = SNAP_THREAD_RUNNING;
	}
	(void)snap_write_thread(&im->writer, &record); /* its error sticks */
	take_thread_memory(im, index);
}

/* Where the crash was; the crashing thread is the first. */
static void want_mappings(struct importer *im, struct snap_mapping_quota *quota)
{
	const struct snap_crash *crash = im->crash;
	struct snap_memory_thread where;
	if (crash->num_threads > 0 &&
		snap_memory_thread_registers(crash->arch, crash->threads[0].record.regsets,
			crash->threads[0].record.num_regsets, &where)) {
		snap_mapping_quota_want(quota, &im->areas, where.sp);
		snap_mapping_quota_want(quota, &im->areas, where.pc);
	}
	if (crash->has_signal && crash->signal.has_address)
		snap_mapping_quota_want(quota, &im->areas, crash->signal.address);
}

static void write_layout(struct importer *im)
{
	const struct snap_crash *crash = im->crash;
	const struct snap_module *vdso = NULL;
	struct snap_mapping_quota quota;
	size_t num_modules = 0;
	snap_mapping_quota_init(&quota, im->areas.num_telling);
	want_mappings(im, &quota);
	for (size_t i = 0; i < crash->num_mappings; i++) {
		struct snap_mapping mapping = crash->mappings[i];
		if (!snap_mapping_quota_take(&quota, &mapping))
			continue;
		mapping.path = cut(mapping.path, PATH_MAX);
		(void)snap_write_mapping(&im->writer, &mapping); /* its error sticks */
	}
	for (size_t i = 0; i < crash->num_modules; i++) {
		struct snap_module module = crash->modules[i].record;
		if (snap_bytes_equal_str(module.path, "[vdso]"))
			vdso = &crash->modules[i].record;
		if (num_modules == SNAP_MAX_MODULES_TAKEN)
			continue;
		num_modules++;
		module.path = cut(module.path, PATH_MAX);
		module.build_id = cut(module.build_id, SNAP_MAX_BUILD_ID);
		(void)snap_write_module(&im->writer, &module);
	}
	omit_count(im, SNAP_OMITTED_MAPPING, SNAP_OMITTED_CAP, NULL, quota.num_left_out);
	omit_count(
		im, SNAP_OMITTED_MODULE, SNAP_OMITTED_CAP, NULL, crash->num_modules - num_modules);
	struct snap_memory_plan plan;
	if (vdso) {
		snap_memory_plan_vdso(vdso->start, vdso->end - vdso->start, &plan);
		take(im, &plan, NULL);
	}
	size_t position = 0;
	for (unsigned int i = 0; i < SNAP_NUM_TRAMPOLINES &&
				 snap_memory_plan_trampoline(&im->areas, &position, &plan);
		i++)
		take(im, &plan, NULL);
}

static int compare_extents(const void *a, const void *b)
{
	const struct snap_extent *x = a, *y = b;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* What is taken already, in order; threads may share a stack, or say so. */
static size_t list_taken(const struct importer *im, struct snap_extent *ret)
{
	size_t num = 0, kept = 0;
	for (size_t i = 0; i < im->crash->num_threads; i++)
		for (size_t j = 0; j < SNAP_INDIRECT_PARTS; j++)
			if (im->stacks[i][j].len > 0)
				ret[num++] = im->stacks[i][j];
	for (size_t i = im->windows.num_stacks; i < im->windows.num_taken; i++)
		ret[num++] = im->windows.taken[i];
	if (num > 0)
		qsort(ret, num, sizeof(*ret), compare_extents);
	for (size_t i = 0; i < num; i++) {
		struct snap_extent *last = kept > 0 ? &ret[kept - 1] : NULL;
		uint64_t end = ret[i].addr + ret[i].len;
		if (!last || ret[i].addr > last->addr + last->len)
			ret[kept++] = ret[i];
		else if (end > last->addr + last->len)
			last->len = end - last->addr;
	}
	return kept;
}

static int write_indirect(struct importer *im)
{
	struct snap_crash *crash = im->crash;
	size_t num = crash->num_threads;
	if (num > im->budget.limits.stack_threads && !im->options->full_stacks)
		num = im->budget.limits.stack_threads;
	struct snap_extent *taken = reallocarray(
		NULL, SNAP_INDIRECT_PARTS * crash->num_threads + SNAP_WINDOWS_MAX, sizeof(*taken));
	struct snap_indirect in = {
		.areas = &im->areas,
		.arch = crash->arch,
		.source = {read_core, &crash->memory},
		.is_there = is_in_core,
		.room = SNAP_INDIRECT_ALL,
		.taken = taken,
		.blocks = calloc(INDIRECT_SLOTS, sizeof(*in.blocks)),
		.num_slots = INDIRECT_SLOTS,
		.max_wanted = SNAP_INDIRECT_FIRST / SNAP_INDIRECT_BLOCK,
	};
	in.wanted = reallocarray(NULL, in.max_wanted, sizeof(*in.wanted));
	bool ok = taken && in.blocks && in.wanted;
	if (ok)
		in.num_taken = list_taken(im, taken);
	for (size_t i = 0; i < num && ok; i++) {
		const struct snap_crash_thread *thread = &crash->threads[i];
		struct snap_memory_plan plan = {
			.reason = SNAP_MEMORY_INDIRECT,
			.has_tid = thread->record.has_tid,
			.tid = thread->record.tid,
		};
		struct snap_extent extent;
		size_t position = 0;
		snap_indirect_find(&in, thread->pr_reg, im->stacks[i], SNAP_INDIRECT_PARTS,
			i == 0 ? SNAP_INDIRECT_FIRST : SNAP_INDIRECT_OTHER);
		while (snap_indirect_next(&in, &position, &extent))
			take_part(im, &plan, &extent, NULL);
		omit_count(im, SNAP_OMITTED_MEMORY, SNAP_OMITTED_UNREADABLE, thread,
			in.num_unreadable);
		omit_count(im, SNAP_OMITTED_MEMORY, SNAP_OMITTED_CAP, thread, in.num_cut);
	}
	free(in.blocks);
	free(in.wanted);
	free(taken);
	if (ok)
		checkpoint(im);
	return ok ? 0 : -1;
}

/* What the loader says of the system, the capture and of what is missing. */
static void write_rest(struct importer *im)
{
	const struct snap_crash *crash = im->crash;
	const struct snap_system *system = &crash->system;
	write_process_late(im);
	if (system->sysname.data || system->release.data || system->version.data ||
		system->machine.data || system->os.data)
		(void)snap_write_system(&im->writer, system); /* its error sticks */
	for (size_t i = 0; i < crash->num_omissions; i++)
		put_omission(im, &crash->omissions[i]);
	omit_count(im, SNAP_OMITTED_REGISTERS, SNAP_OMITTED_CAP, NULL, im->regsets_left_out);
	/* Beyond the others' count: without these two nobody would know. */
	im->num_pieces = 0;
	omit_count(im, SNAP_OMITTED_OTHER, SNAP_OMITTED_CAP, NULL, im->pieces_left_out);
	if (im->areas.num_left_out > 0) {
		char text[80];
		(void)snprintf(text, sizeof(text), "%llu mappings not looked up",
			(unsigned long long)im->areas.num_left_out);
		(void)snap_write_note(&im->writer, text);
	}
	struct snap_capture capture = crash->capture;
	capture.has_method = true;
	capture.method = SNAP_CAPTURE_CORE_FILE;
	(void)snap_write_capture(&im->writer, &capture);
}

/* ---------------------------------------------------------------- the whole */

static int compare_addresses(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

/* Where the threads' stacks and frames are: sorted addresses, to be freed; NULL without memory. */
static uint64_t *list_places(const struct importer *im, size_t *ret_num)
{
	const struct snap_crash *crash = im->crash;
	uint64_t *places = calloc(crash->num_threads + 1, 3 * sizeof(*places));
	*ret_num = 0;
	for (size_t i = 0; i < crash->num_threads && places; i++) {
		const struct snap_thread *record = &crash->threads[i].record;
		struct snap_memory_thread where = {0};
		if (!snap_memory_thread_registers(
			    crash->arch, record->regsets, record->num_regsets, &where))
			continue;
		places[(*ret_num)++] = where.sp;
		places[(*ret_num)++] = where.fp;
		places[(*ret_num)++] = where.tp;
	}
	if (places)
		qsort(places, *ret_num, sizeof(*places), compare_addresses);
	return places;
}

/* Whether one of the places is in the mapping, or so little below that its stack may be it. */
static bool has_place(const struct snap_mapping *mapping, const uint64_t *places, size_t num)
{
	uint64_t from = mapping->start > SNAP_STACK_GAP ? mapping->start - SNAP_STACK_GAP : 0;
	size_t low = 0, high = num;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (places[mid] < from)
			low = mid + 1;
		else
			high = mid;
	}
	return low < num && places[low] < mapping->end;
}

/* No process has more mappings than the table unless its kernel was told so: then data that no
 * thread's stack is in is not looked up. */
static int make_areas(struct importer *im, struct snap_error *err)
{
	const struct snap_crash *crash = im->crash;
	bool is_too_much = crash->num_mappings > SNAP_AREAS_MAX;
	size_t num = 0;
	uint64_t *places = is_too_much ? list_places(im, &num) : NULL;
	if (is_too_much && !places)
		return snap_error_no_memory(err);
	snap_areas_init(&im->areas);
	for (size_t i = 0; i < crash->num_mappings; i++) {
		struct snap_mapping mapping = crash->mappings[i];
		/* Not told: what is no file's is taken for data. */
		if (!mapping.has_permissions)
			mapping.permissions = snap_mapping_is_file(&mapping)
						      ? SNAP_MAPPING_READ
						      : SNAP_MAPPING_READ | SNAP_MAPPING_WRITE;
		if (is_too_much && !(snap_area_flags(&mapping) & SNAP_AREA_TELLING) &&
			!has_place(&mapping, places, num))
			im->areas.num_left_out++;
		else
			snap_areas_add(&im->areas, &mapping);
	}
	free(places);
	return 0;
}

/* What a file may have beyond all that is taken in any case, generously estimated. */
static uint64_t spare_room(const struct importer *im)
{
	const struct snap_crash *crash = im->crash;
	/* process, vDSO, checkpoints; pieces; stacks as usual */
	uint64_t used = (8u << 20) + MAX_PIECES * 64u + im->budget.limits.max_bytes;
	used += (uint64_t)crash->num_notes * 4 * 1024;
	for (size_t i = 0; i < crash->num_threads; i++) {
		used += RECORD_BYTES;
		for (size_t j = 0; j < crash->threads[i].record.num_regsets; j++)
			used += crash->threads[i].record.regsets[j].data.len + 16;
	}
	for (size_t i = 0; i < crash->num_mappings && i < SNAP_MAX_MAPPINGS_TAKEN; i++)
		used += RECORD_BYTES + cut(crash->mappings[i].path, PATH_MAX).len;
	for (size_t i = 0; i < crash->num_modules && i < SNAP_MAX_MODULES_TAKEN; i++)
		used += RECORD_BYTES + cut(crash->modules[i].record.path, PATH_MAX).len;
	if (im->options->indirect)
		used += SNAP_INDIRECT_ALL;
	return used < SNAP_MAX_FILE_BYTES ? SNAP_MAX_FILE_BYTES - used : 0;
}

static int write_all(struct importer *im)
{
	struct snap_crash *crash = im->crash;
	write_start(im);
	write_notes(im);
	if (crash->has_signal) {
		struct snap_signal signal = crash->signal;
		signal.siginfo = cut(signal.siginfo, 256);     /* sizeof(siginfo_t) is 128 */
		(void)snap_write_signal(&im->writer, &signal); /* its error sticks */
	}
	write_process_early(im);
	if (crash->num_threads > 0)
		write_thread(im, 0);
	checkpoint(im);
	write_layout(im);
	if (crash->abort_message.text.data) {
		struct snap_abort_message message = crash->abort_message;
		message.text = cut(message.text, SNAP_MAX_ABORT_MESSAGE);
		(void)snap_write_abort_message(&im->writer, &message); /* its error sticks */
	}
	checkpoint(im);
	for (size_t i = 1; i < crash->num_threads; i++) {
		write_thread(im, i);
		if ((i + 1) % CHECKPOINT_THREADS == 0)
			checkpoint(im);
	}
	checkpoint(im);
	if (im->options->indirect && write_indirect(im) < 0)
		return -1;
	write_rest(im);
	checkpoint(im);
	(void)snap_write_checkpoint(&im->writer, true);
	return 0;
}

int snap_import(struct snap_crash *crash, const struct snap_import_options *options, int fd,
	struct snap_error *err)
{
	if (!crash->is_core)
		return snap_error_set(err, SNAP_ERROR_UNSUPPORTED, "is a snapshot already");
	struct importer *im = malloc(sizeof(*im));
	if (!im)
		return snap_error_no_memory(err);
	memset(im, 0, offsetof(struct importer, areas));
	im->crash = crash;
	im->options = options;
	im->regset_room = MAX_MORE_REGSETS;
	const struct snap_memory_limits limits = SNAP_MEMORY_LIMITS_DEFAULT;
	snap_stack_budget_init(&im->budget, &limits, crash->num_threads, crash->arch, 0);
	im->stacks = calloc(crash->num_threads + 1, sizeof(*im->stacks));
	snap_writer_init(&im->writer, fd);
	if (make_areas(im, err) < 0) {
		free(im->stacks);
		free(im);
		return -1;
	}
	im->start_stack = snap_start_stack_find(crash);
	snap_crash_windows_init(&im->windows, &im->areas, crash->arch);
	im->room = options->full_stacks ? spare_room(im) : 0;
	int r = im->stacks ? write_all(im) : -1;
	int error = im->writer.error;
	free(im->stacks);
	free(im);
	if (r < 0)
		return snap_error_no_memory(err);
	if (error < 0) {
		(void)snap_error_set(err, SNAP_ERROR_OUTPUT, "%s", strerror(-error));
		err->errnum = -error;
		return -1;
	}
	return 0;
}
