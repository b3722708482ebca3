/*
 * A core's notes: threads with their registers, the process, and where the rest is told.
 */
#include "analyze/input/core.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "analyze/input/foreign.h"
#include "analyze/input/input.h"
#include "common/core_marks.h"
#include "common/elf_notes.h"

#define MAX_NOTE_BYTES (256u << 20)
#define COMM_BYTES     16u
#define PSARGS_BYTES   80u

/*
 * Where the members stand on machines that have no table: as on most of them. The registers are not
 * known then. Of struct elf_prpsinfo there are two for each width, told apart by their size.
 */
static const struct snap_arch usual_64 = {
	.prstatus_size = 112,
	.prstatus_cursig_off = 12,
	.prstatus_pid_off = 32,
	.prstatus_reg_off = 112,
	.prpsinfo_size = 136,
	.prpsinfo_uid_off = 16,
	.prpsinfo_gid_off = 20,
	.prpsinfo_uid_size = 4,
	.prpsinfo_pid_off = 24,
	.prpsinfo_fname_off = 40,
	.prpsinfo_psargs_off = 56,
};
/* As gdb writes it for some machines. */
static const struct snap_arch usual_64_short_uids = {
	.prpsinfo_size = 132,
	.prpsinfo_uid_off = 16,
	.prpsinfo_gid_off = 18,
	.prpsinfo_uid_size = 2,
	.prpsinfo_pid_off = 20,
	.prpsinfo_fname_off = 36,
	.prpsinfo_psargs_off = 52,
};
static const struct snap_arch usual_32 = {
	.prstatus_size = 72,
	.prstatus_cursig_off = 12,
	.prstatus_pid_off = 24,
	.prstatus_reg_off = 72,
	.prpsinfo_size = 128,
	.prpsinfo_uid_off = 8,
	.prpsinfo_gid_off = 12,
	.prpsinfo_uid_size = 4,
	.prpsinfo_pid_off = 16,
	.prpsinfo_fname_off = 32,
	.prpsinfo_psargs_off = 48,
};
static const struct snap_arch usual_32_short_uids = {
	.prpsinfo_size = 124,
	.prpsinfo_uid_off = 8,
	.prpsinfo_gid_off = 10,
	.prpsinfo_uid_size = 2,
	.prpsinfo_pid_off = 12,
	.prpsinfo_fname_off = 28,
	.prpsinfo_psargs_off = 44,
};

/* The notes as they are walked through. */
struct walk {
	struct snap_core *core;
	struct snap_regset *regsets; /* of the thread being read */
	size_t num_regsets, regsets_capacity;
	size_t threads_capacity;
	uint64_t num_short; /* threads whose note is too short */
	bool has_lost_regsets;
};

static void end_thread(struct walk *w)
{
	struct snap_crash *crash = w->core->crash;
	if (w->num_regsets > 0) {
		struct snap_crash_thread *thread = &crash->threads[crash->num_threads - 1];
		thread->record.regsets = w->regsets;
		thread->record.num_regsets = w->num_regsets;
	}
	w->regsets = NULL;
	w->num_regsets = w->regsets_capacity = 0;
}

static int add_regset(struct walk *w, uint32_t type, struct snap_bytes data, struct snap_error *err)
{
	struct snap_arena *arena = &w->core->crash->arena;
	if (w->core->crash->num_threads == 0)
		return 0;
	if (w->num_regsets == SNAP_MAX_REGSETS) {
		w->has_lost_regsets = true;
		return 0;
	}
	struct snap_regset *regsets = snap_arena_grow(
		arena, w->regsets, w->num_regsets, &w->regsets_capacity, sizeof(*regsets));
	if (!regsets)
		return snap_error_no_memory(err);
	w->regsets = regsets;
	regsets[w->num_regsets++] = (struct snap_regset){type, data};
	return 0;
}

static const struct snap_arch *prstatus_layout(const struct snap_core *core)
{
	if (core->arch)
		return core->arch;
	return core->elf_class == ELFCLASS64 ? &usual_64 : &usual_32;
}

static int add_prstatus(struct walk *w, struct snap_bytes desc, struct snap_error *err)
{
	struct snap_core *core = w->core;
	struct snap_crash *crash = core->crash;
	const struct snap_arch *layout = prstatus_layout(core);
	if (desc.len < (size_t)layout->prstatus_reg_off + layout->prstatus_reg_size) {
		w->num_short++;
		return 0;
	}
	end_thread(w);
	if (crash->num_threads >= SNAP_MAX_THREADS)
		return snap_error_set(err, SNAP_ERROR_LIMIT, "a core with more than %d threads",
			SNAP_MAX_THREADS);
	struct snap_crash_thread *threads = snap_arena_grow(&crash->arena, crash->threads,
		crash->num_threads, &w->threads_capacity, sizeof(*threads));
	if (!threads)
		return snap_error_no_memory(err);
	crash->threads = threads;
	threads[crash->num_threads++] = (struct snap_crash_thread){
		.record = {.has_tid = true,
			.tid = snap_core_load(core, desc.data + layout->prstatus_pid_off, 4)},
	};
	if (crash->num_threads == 1) {
		core->has_cursig = true;
		core->cursig =
			(int)snap_core_load(core, desc.data + layout->prstatus_cursig_off, 2);
	}
	if (layout->prstatus_reg_size == 0)
		return 0;
	return add_regset(w, NT_PRSTATUS,
		snap_bytes(desc.data + layout->prstatus_reg_off, layout->prstatus_reg_size), err);
}

/* By its size: some writers take another one than the machine's kernel. NULL: none of them. */
static const struct snap_arch *prpsinfo_layout(const struct snap_core *core, size_t len)
{
	static const struct snap_arch *const wide[] = {&usual_64, &usual_64_short_uids};
	static const struct snap_arch *const narrow[] = {&usual_32, &usual_32_short_uids};
	if (core->arch && core->arch->prpsinfo_size == len)
		return core->arch;
	for (size_t i = 0; i < 2; i++) {
		const struct snap_arch *layout =
			core->elf_class == ELFCLASS64 ? wide[i] : narrow[i];
		if (layout->prpsinfo_size == len)
			return layout;
	}
	return NULL;
}

static void add_prpsinfo(struct walk *w, struct snap_bytes desc)
{
	const struct snap_core *core = w->core;
	struct snap_process *process = &core->crash->process;
	const struct snap_arch *layout = prpsinfo_layout(core, desc.len);
	if (!layout)
		return;
	process->has_uid = process->has_gid = process->has_pid = true;
	process->uid = (uint32_t)snap_core_load(
		core, desc.data + layout->prpsinfo_uid_off, layout->prpsinfo_uid_size);
	process->gid = (uint32_t)snap_core_load(
		core, desc.data + layout->prpsinfo_gid_off, layout->prpsinfo_uid_size);
	/* pr_pid, pr_ppid, pr_pgrp, pr_sid: ints, in this order everywhere. */
	const uint8_t *ids = desc.data + layout->prpsinfo_pid_off;
	process->pid = (uint32_t)snap_core_load(core, ids, 4);
	process->has_ppid = process->has_pgid = process->has_sid = true;
	process->ppid = (uint32_t)snap_core_load(core, ids + 4, 4);
	process->pgid = (uint32_t)snap_core_load(core, ids + 8, 4);
	process->sid = (uint32_t)snap_core_load(core, ids + 12, 4);
	const char *fname = (const char *)desc.data + layout->prpsinfo_fname_off;
	process->comm = snap_bytes(fname, strnlen(fname, COMM_BYTES));
	const char *psargs = (const char *)desc.data + layout->prpsinfo_psargs_off;
	process->cmdline = snap_bytes(psargs, strnlen(psargs, PSARGS_BYTES));
}

static int add_note(struct walk *w, const struct snap_elf_note *note, struct snap_error *err)
{
	struct snap_core *core = w->core;
	if (!core->foreign)
		core->foreign = snap_foreign_note(note->name, note->type);
	/* The kernel's name of all regsets but the oldest. */
	if (snap_bytes_equal_str(note->name, "LINUX"))
		return add_regset(w, note->type, note->desc, err);
	if (snap_bytes_equal_str(note->name, SNAP_NOTE_NAME)) {
		if (note->type == SNAP_NOTE_MAPPINGS)
			core->mappings_note = note->desc;
		else if (note->type == SNAP_NOTE_FILES)
			core->file_note = note->desc; /* stands behind NT_FILE, which lacks some */
		return 0;
	}
	if (!snap_bytes_equal_str(note->name, "CORE"))
		return 0;
	switch (note->type) {
	case NT_PRSTATUS:
		return add_prstatus(w, note->desc, err);
	case NT_PRPSINFO:
		add_prpsinfo(w, note->desc);
		return 0;
	case NT_SIGINFO:
		/* The kernel writes the crashing thread's, gcore one for each behind its
		 * NT_PRSTATUS. */
		if (core->crash->num_threads <= 1 && !core->siginfo.data)
			core->siginfo = note->desc;
		return 0;
	case NT_AUXV:
		core->auxv = note->desc;
		return 0;
	case NT_FILE:
		core->file_note = note->desc;
		return 0;
	case NT_FPREGSET:
		return add_regset(w, note->type, note->desc, err);
	default:
		return 0;
	}
}

static int read_segment(struct walk *w, const struct snap_core_segment *segment, uint64_t *total,
	struct snap_error *err)
{
	struct snap_core *core = w->core;
	struct snap_crash *crash = core->crash;
	uint64_t size = crash->input->size;
	uint64_t len = snap_core_present(core, segment->offset, segment->filesz);
	bool is_cut = len < segment->filesz;
	if (is_cut && !core->cut)
		core->cut = "the file ends within its notes";
	if (len == 0)
		return 0;
	/* Segments that overlap could name the same bytes any number of times. */
	*total += len;
	if (*total > MAX_NOTE_BYTES || *total > size)
		return snap_error_set(err, SNAP_ERROR_LIMIT, "a core with more notes than %s",
			*total > size ? "bytes" : "are read");
	uint8_t *bytes = snap_arena_alloc(&crash->arena, len);
	if (!bytes)
		return snap_error_no_memory(err);
	int r = snap_core_read_at(core, segment->offset, bytes, len);
	if (r < 0)
		return snap_core_fail_read(r, "its notes", "a core cut within its notes", err);
	struct snap_elf_note note;
	size_t offset = 0;
	while ((r = snap_elf_note_next(snap_bytes(bytes, len), &offset, core->elf_data, 4, &note)) >
		0)
		if (add_note(w, &note, err) < 0)
			return -1;
	if (r < 0 && !is_cut)
		return snap_crash_note(
			crash, snap_bytes_str("the core's notes end in a malformed one"), err);
	return 0;
}

/* What could not be taken as it is. */
static int add_words(struct walk *w, struct snap_error *err)
{
	struct snap_core *core = w->core;
	struct snap_crash *crash = core->crash;
	const char *text = NULL;
	if (w->num_short > 0) {
		text = w->num_short == 1 ? "a thread's NT_PRSTATUS note is too short"
					 : snap_crash_format(crash,
						   "the NT_PRSTATUS notes of %llu threads are "
						   "too short",
						   (unsigned long long)w->num_short);
		if (!text || snap_crash_note(crash, snap_bytes_str(text), err) < 0)
			return text ? -1 : snap_error_no_memory(err);
	}
	if (w->has_lost_regsets &&
		snap_crash_note(crash,
			snap_bytes_str("a thread has more register sets than are read"), err) < 0)
		return -1;
	if (core->arch || crash->num_threads == 0)
		return 0;
	text = snap_crash_format(crash,
		"threads are listed without their registers: nothing is known about those of ELF "
		"machine %u, class %u, byte order %u",
		core->elf_machine, core->elf_class, core->elf_data);
	if (!text)
		return snap_error_no_memory(err);
	return snap_crash_note(crash, snap_bytes_str(text), err);
}

int snap_core_read_notes(struct snap_core *core, struct snap_error *err)
{
	struct walk w = {.core = core};
	uint64_t total = 0;
	for (size_t i = 0; i < core->num_segments; i++)
		if (core->segments[i].type == PT_NOTE &&
			read_segment(&w, &core->segments[i], &total, err) < 0)
			return -1;
	end_thread(&w);
	if (core->foreign)
		return snap_error_set(err, SNAP_ERROR_UNSUPPORTED, "%s", core->foreign);
	return add_words(&w, err);
}
