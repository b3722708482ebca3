/*
 * Loads an ELF core: as the kernel writes them (fs/binfmt_elf.c, elf_core_dump()), gdb's gcore, or
 * qemu's user emulation; of any machine, whole or cut.
 */
#include "analyze/input/core.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "analyze/file_read.h"
#include "analyze/input/load.h"

int snap_core_read_at(const struct snap_core *core, uint64_t off, void *buf, size_t len)
{
	if (off > INT64_MAX || len > INT64_MAX - off)
		return -ENODATA;
	for (size_t done = 0; done < len;) {
		ssize_t n = snap_file_read_at(
			core->crash->input->fd, (char *)buf + done, len - done, off + done);
		if (n < 0)
			snap_memory_fail(&core->crash->memory, (int)-n, off + done);
		if (n <= 0)
			return n < 0 ? (int)n : -ENODATA;
		/* Less than asked for: the next read tells why. */
		done += (size_t)n;
	}
	return 0;
}

int snap_core_fail_read(int r, const char *what, const char *cut, struct snap_error *err)
{
	if (r == -ENODATA)
		return snap_error_set(err, SNAP_ERROR_MALFORMED, "%s", cut);
	return snap_error_errno(err, -r, "%s can't be read", what);
}

uint64_t snap_core_present(const struct snap_core *core, uint64_t off, uint64_t len)
{
	uint64_t size = core->crash->input->size;
	if (off >= size)
		return 0;
	return len < size - off ? len : size - off;
}

bool snap_core_auxv_find(const struct snap_core *core, uint64_t type, uint64_t *ret)
{
	unsigned int word = snap_core_word(core);
	for (size_t off = 0; off + 2 * word <= core->auxv.len; off += 2 * word) {
		uint64_t key = snap_core_load(core, core->auxv.data + off, word);
		if (key == type) {
			*ret = snap_core_load(core, core->auxv.data + off + word, word);
			return true;
		}
		if (key == AT_NULL)
			break;
	}
	return false;
}

static int add_memory(
	struct snap_core *core, const struct snap_core_segment *ph, struct snap_error *err)
{
	uint64_t len = snap_core_present(core, ph->offset, ph->filesz);
	if (len < ph->filesz && !core->cut)
		core->cut = "the file ends before its last segment";
	if (len == 0 || len > ph->memsz || len - 1 > UINT64_MAX - ph->vaddr)
		return 0;
	struct snap_memory_segment segment = {
		.start = ph->vaddr,
		.len = len,
		.fd = core->crash->input->fd,
		.file_off = ph->offset,
	};
	return snap_memory_add(&core->crash->memory, &segment, err);
}

int snap_core_add_memory(struct snap_core *core, struct snap_error *err)
{
	for (size_t i = 0; i < core->num_segments; i++)
		if (core->segments[i].type == PT_LOAD &&
			add_memory(core, &core->segments[i], err) < 0)
			return -1;
	return snap_memory_finish(&core->crash->memory, err);
}

static void set_process(struct snap_core *core)
{
	struct snap_crash *crash = core->crash;
	struct snap_process *process = &crash->process;
	process->has_elf = true;
	process->elf_machine = core->elf_machine;
	process->elf_class = core->elf_class;
	process->elf_data = core->elf_data;
	process->auxv = core->auxv;
	uint64_t entry;
	const struct snap_core_file *file =
		snap_core_auxv_find(core, AT_ENTRY, &entry) ? snap_core_file_at(core, entry) : NULL;
	if (file) {
		process->exe = file->path;
		process->has_exe_deleted = true;
		process->exe_deleted = file->deleted;
	}
	crash->metadata.has_fatal = true;
	crash->metadata.fatal = crash->has_signal;
	crash->capture.has_method = true;
	crash->capture.method = SNAP_CAPTURE_CORE_FILE;
}

static int load(struct snap_core *core, struct snap_error *err)
{
	struct snap_crash *crash = core->crash;
	if (snap_core_read_headers(core, err) < 0 || snap_core_read_notes(core, err) < 0 ||
		snap_core_add_memory(core, err) < 0 || snap_core_add_mappings(core, err) < 0 ||
		snap_core_add_modules(core, err) < 0)
		return -1;
	snap_core_set_signal(core);
	set_process(core);
	if (core->cut) {
		crash->integrity = SNAP_INTEGRITY_TRUNCATED;
		crash->integrity_why = core->cut;
	}
	/* A cut one may have lost them; what else it tells is shown. */
	if (crash->num_threads == 0 && (!core->cut || crash->num_mappings == 0))
		return snap_error_set(err, SNAP_ERROR_MALFORMED, "a core without threads");
	return snap_load_finish(crash, err);
}

int snap_load_core(struct snap_crash *crash, struct snap_error *err)
{
	crash->is_core = true;
	struct snap_core core = {.crash = crash};
	int r = load(&core, err);
	free(core.segments);
	return r;
}
