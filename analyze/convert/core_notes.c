#include "analyze/convert/core_notes.h"

#include <elf.h>
#include <stdlib.h>

#include "analyze/convert/auxv.h"
#include "analyze/convert/elf_view.h"
#include "common/core_marks.h"

/* The kernel's own limit of NT_FILE (sysctl core_file_note_size_limit). */
#define MAX_FILE_NOTE_BYTES (4u << 20)
/* How the kernel marks the path of a file that is gone. */
#define DELETED		   " (deleted)"
#define DEFAULT_PAGE_BYTES 4096u

enum { FNAME_BYTES = 16, PSARGS_BYTES = 80 };

/* The name and what stands before it; the descriptor follows. */
static void begin_note(
	struct snap_elf_build *build, const char *name, uint32_t type, size_t desc_len)
{
	size_t name_len = strlen(name) + 1;
	snap_elf_build_number(build, name_len, 4);
	snap_elf_build_number(build, desc_len, 4);
	snap_elf_build_number(build, type, 4);
	snap_elf_build_field(build, snap_bytes_str(name), name_len);
	snap_elf_build_align(build, 4);
}

void snap_core_note_add(
	struct snap_elf_build *build, const char *name, uint32_t type, struct snap_bytes desc)
{
	begin_note(build, name, type, desc.len);
	snap_elf_build_bytes(build, desc);
	snap_elf_build_align(build, 4);
}

/* ---------------------------------------------------------------- threads */

static bool has_registers(const struct snap_arch *arch, const struct snap_crash_thread *thread)
{
	return thread->record.has_tid && thread->pr_reg.len >= arch->prstatus_reg_size;
}

static bool has_regset(const struct snap_crash_thread *thread, uint32_t type)
{
	for (size_t i = 0; i < thread->record.num_regsets; i++)
		if (thread->record.regsets[i].type == type)
			return true;
	return false;
}

static void add_prstatus(const struct snap_crash *crash, const struct snap_crash_thread *thread,
	struct snap_elf_build *build)
{
	const struct snap_arch *arch = crash->arch;
	uint32_t signo =
		thread->crashed && crash->signal.has_signo ? (uint32_t)crash->signal.signo : 0;
	begin_note(build, "CORE", NT_PRSTATUS, arch->prstatus_size);
	size_t start = build->len;
	snap_elf_build_field(build, snap_bytes(NULL, 0), arch->prstatus_size);
	snap_elf_build_align(build, 4);
	if (build->failed)
		return;
	snap_elf_build_set(build, start, signo, 4); /* pr_info.si_signo */
	snap_elf_build_set(build, start + arch->prstatus_cursig_off, signo, 2);
	snap_elf_build_set(build, start + arch->prstatus_pid_off, thread->record.tid, 4);
	memcpy(build->data + start + arch->prstatus_reg_off, thread->pr_reg.data,
		arch->prstatus_reg_size);
	/* pr_fpvalid follows the registers. */
	snap_elf_build_set(build, start + arch->prstatus_reg_off + arch->prstatus_reg_size,
		has_regset(thread, NT_FPREGSET), 4);
}

static void add_other_regsets(const struct snap_crash_thread *thread, struct snap_elf_build *build)
{
	for (size_t i = 0; i < thread->record.num_regsets; i++) {
		const struct snap_regset *regset = &thread->record.regsets[i];
		if (regset->type != NT_PRSTATUS)
			snap_core_note_add(build, regset->type == NT_FPREGSET ? "CORE" : "LINUX",
				regset->type, regset->data);
	}
}

/* ---------------------------------------------------------------- process */

static void add_prpsinfo(const struct snap_crash *crash, struct snap_elf_build *build)
{
	const struct snap_arch *arch = crash->arch;
	const struct snap_process *process = &crash->process;
	begin_note(build, "CORE", NT_PRPSINFO, arch->prpsinfo_size);
	size_t start = build->len;
	snap_elf_build_field(build, snap_bytes(NULL, 0), arch->prpsinfo_size);
	snap_elf_build_align(build, 4);
	if (build->failed)
		return;
	snap_elf_build_set(build, start + 1, 'R', 1); /* pr_sname */
	snap_elf_build_set(
		build, start + arch->prpsinfo_uid_off, process->uid, arch->prpsinfo_uid_size);
	snap_elf_build_set(
		build, start + arch->prpsinfo_gid_off, process->gid, arch->prpsinfo_uid_size);
	/* pr_pid, pr_ppid, pr_pgrp, pr_sid: what is not known is 0. */
	const uint32_t ids[] = {process->pid, process->ppid, process->pgid, process->sid};
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		snap_elf_build_set(build, start + arch->prpsinfo_pid_off + 4 * i, ids[i], 4);

	/* Both end in a NUL. */
	char *fname = (char *)build->data + start + arch->prpsinfo_fname_off;
	for (size_t i = 0; i < FNAME_BYTES - 1 && i < process->comm.len; i++)
		fname[i] = (char)process->comm.data[i];
	char *psargs = (char *)build->data + start + arch->prpsinfo_psargs_off;
	size_t len = process->cmdline.len;
	if (!crash->is_core && len > 0 && process->cmdline.data[len - 1] == '\0')
		len--;
	for (size_t i = 0; i < PSARGS_BYTES - 1 && i < len; i++) {
		char c = (char)process->cmdline.data[i];
		psargs[i] = c == '\0' ? ' ' : c;
	}
}

static uint64_t page_bytes(const struct snap_crash *crash)
{
	uint64_t page;
	bool known = snap_auxv_find(crash, AT_PAGESZ, &page);
	return known && page >= 1024 && page <= (1u << 20) && (page & (page - 1)) == 0
		       ? page
		       : DEFAULT_PAGE_BYTES;
}

/* Whether the kernel would list it: a mapping of a file, not "[heap]" and its like. */
static bool is_of_file(const struct snap_mapping *mapping)
{
	return mapping->path.len > 0 && mapping->path.data[0] != '[' &&
	       !memchr(mapping->path.data, '\0', mapping->path.len);
}

/* Whether all of the mapping's memory was captured. */
static bool is_captured(struct snap_crash *crash, const struct snap_mapping *mapping)
{
	uint64_t at = mapping->start;
	while (at < mapping->end) {
		const struct snap_memory_segment *segment = snap_memory_find(&crash->memory, at);
		if (!segment)
			return false;
		/* The last one may end where the address space does. */
		if (segment->len >= mapping->end - segment->start)
			return true;
		at = segment->start + segment->len;
	}
	return true;
}

/* Whether the process could write there once: data that was made read-only after relocation. */
static bool was_writable(struct snap_crash *crash, const struct snap_mapping *mapping)
{
	const struct snap_crash_module *module = snap_crash_module_at(crash, mapping->start);
	struct snap_elf_view view;
	struct snap_elf_segment segment;
	if (!module || !module->record.has_load_bias || !snap_elf_view_open(crash, module, &view))
		return false;
	for (size_t i = 0; snap_elf_view_segment(&view, i, &segment); i++) {
		uint64_t start = segment.vaddr + module->record.load_bias;
		if (segment.type == PT_LOAD && segment.flags & PF_W && start < mapping->end &&
			(start >= mapping->start || segment.memsz > mapping->start - start))
			return true;
	}
	return false;
}

/*
 * gdb reads what a core has not from the files that NT_FILE names. That is wrong of memory that the
 * process could write to, and most wrong behind the end of the file's data (.bss).
 */
static bool is_as_in_file(struct snap_crash *crash, const struct snap_mapping *mapping)
{
	bool writable = mapping->has_permissions && mapping->permissions & SNAP_MAPPING_WRITE;
	return !(writable || was_writable(crash, mapping)) || is_captured(crash, mapping);
}

/* The mappings that a note about files lists, in their order. */
struct file_list {
	const struct snap_mapping **mappings; /* heap */
	size_t num;
	size_t len; /* bytes of the note */
	uint64_t page;
	size_t num_left_out;	/* beyond the limit */
	size_t num_not_as_file; /* not listed, since they are not as they are in the file */
};

/* all: also those that are not as they are in the file. */
static bool list_files(struct snap_crash *crash, bool all, struct file_list *ret)
{
	unsigned int word = snap_arch_word(crash->arch);
	struct file_list list = {.len = 2 * word, .page = page_bytes(crash)};
	list.mappings = calloc(crash->num_mappings + 1, sizeof(const struct snap_mapping *));
	if (!list.mappings)
		return false;
	for (size_t i = 0; i < crash->num_mappings; i++) {
		const struct snap_mapping *mapping = &crash->mappings[i];
		size_t need =
			3 * word + mapping->path.len + 1 + (mapping->deleted ? strlen(DELETED) : 0);
		if (!is_of_file(mapping))
			continue;
		if (!all && !is_as_in_file(crash, mapping)) {
			list.num_not_as_file++;
			continue;
		}
		if (list.num_left_out > 0 || need > MAX_FILE_NOTE_BYTES - list.len) {
			list.num_left_out++;
			continue;
		}
		list.len += need;
		list.mappings[list.num++] = mapping;
		if (mapping->file_offset % list.page != 0)
			list.page = 1;
	}
	*ret = list;
	return true;
}

/* fill_files_note() */
static void add_file_note(
	const struct file_list *list, const char *name, uint32_t type, struct snap_elf_build *build)
{
	if (list->num == 0)
		return;
	begin_note(build, name, type, list->len);
	snap_elf_build_word(build, list->num);
	snap_elf_build_word(build, list->page);
	for (size_t i = 0; i < list->num; i++) {
		const struct snap_mapping *mapping = list->mappings[i];
		snap_elf_build_word(build, mapping->start);
		snap_elf_build_word(build, mapping->end);
		snap_elf_build_word(build, mapping->file_offset / list->page);
	}
	for (size_t i = 0; i < list->num; i++) {
		snap_elf_build_bytes(build, list->mappings[i]->path);
		if (list->mappings[i]->deleted)
			snap_elf_build_bytes(build, snap_bytes_str(DELETED));
		snap_elf_build_number(build, 0, 1);
	}
	snap_elf_build_align(build, 4);
}

static void add_files(struct snap_crash *crash, struct snap_elf_build *build, size_t *ret_left_out)
{
	struct file_list safe = {0}, all = {0};
	if (!list_files(crash, false, &safe) ||
		(safe.num_not_as_file > 0 && !list_files(crash, true, &all)))
		build->failed = true;
	add_file_note(&safe, "CORE", NT_FILE, build);
	add_file_note(&all, SNAP_NOTE_NAME, SNAP_NOTE_FILES, build);
	*ret_left_out = all.num > 0 ? all.num_left_out : safe.num_left_out;
	free(safe.mappings);
	free(all.mappings);
}

void snap_core_notes_build(
	struct snap_crash *crash, struct snap_elf_build *build, struct snap_core_notes_report *ret)
{
	size_t num = 0;
	*ret = (struct snap_core_notes_report){0};
	for (size_t i = 0; i < crash->num_threads; i++) {
		const struct snap_crash_thread *thread = &crash->threads[i];
		if (!has_registers(crash->arch, thread)) {
			ret->num_threads_left_out++;
			continue;
		}
		add_prstatus(crash, thread, build);
		if (num++ == 0) {
			add_prpsinfo(crash, build);
			if (crash->signal.siginfo.len > 0)
				snap_core_note_add(
					build, "CORE", NT_SIGINFO, crash->signal.siginfo);
			if (crash->process.auxv.len > 0)
				snap_core_note_add(build, "CORE", NT_AUXV, crash->process.auxv);
			add_files(crash, build, &ret->num_files_left_out);
		}
		add_other_regsets(thread, build);
	}
}
