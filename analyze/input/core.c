/*
 * Loads an ELF core: notes and segments as the kernel writes them (fs/binfmt_elf.c,
 * elf_core_dump(), and <linux/elfcore.h>) and as gdb's gcore does.
 */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/input/load.h"
#include "common/elf_image.h"
#include "common/elf_notes.h"

/* A core of more than this is not of this world; each of them costs memory. */
#define MAX_PHDRS      (1u << 20)
#define MAX_NOTE_BYTES (256u << 20)
#define MAX_FILES      65536u

struct loader {
	struct snap_crash *crash;
	Elf64_Ehdr ehdr;
	Elf64_Phdr *phdrs; /* heap */
	size_t num_phdrs;
	const struct snap_arch *arch;
	bool truncated;
	/* from the notes */
	int cursig; /* pr_cursig of the first thread */
	bool has_cursig;
	struct snap_bytes siginfo, auxv, file_note;
	struct snap_regset *regsets; /* of the thread being read */
	size_t num_regsets, regsets_capacity;
	size_t threads_capacity, mappings_capacity, modules_capacity;
};

static int read_at(const struct loader *l, uint64_t off, void *buf, size_t len)
{
	size_t done = 0;
	while (done < len) {
		ssize_t n = pread(
			l->crash->input->fd, (char *)buf + done, len - done, (off_t)(off + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENODATA;
		done += (size_t)n;
	}
	return 0;
}

static int read_headers(struct loader *l, struct snap_error *err)
{
	if (read_at(l, 0, &l->ehdr, sizeof(l->ehdr)) < 0)
		return snap_error_set(
			err, SNAP_ERROR_MALFORMED, "an ELF file cut within its header");
	const Elf64_Ehdr *ehdr = &l->ehdr;
	uint16_t type = ehdr->e_ident[EI_DATA] == ELFDATA2MSB ? __builtin_bswap16(ehdr->e_type)
							      : ehdr->e_type;
	if (type != ET_CORE)
		return snap_error_set(err, SNAP_ERROR_UNSUPPORTED, "is an ELF %s, not a core",
			type == ET_EXEC || type == ET_DYN ? "executable or library"
			: type == ET_REL		  ? "object file"
							  : "file of unknown type");
	l->arch = snap_arch_find(ehdr->e_machine, ehdr->e_ident[EI_CLASS], ehdr->e_ident[EI_DATA]);
	if (!l->arch)
		return snap_error_set(err, SNAP_ERROR_UNSUPPORTED,
			"is a core of a machine that is not supported (ELF machine %u, class %u)",
			ehdr->e_ident[EI_DATA] == ELFDATA2MSB ? __builtin_bswap16(ehdr->e_machine)
							      : ehdr->e_machine,
			ehdr->e_ident[EI_CLASS]);

	size_t num = ehdr->e_phnum;
	if (num == PN_XNUM) {
		Elf64_Shdr shdr;
		if (ehdr->e_shoff == 0 || read_at(l, ehdr->e_shoff, &shdr, sizeof(shdr)) < 0)
			return snap_error_set(err, SNAP_ERROR_MALFORMED,
				"a core whose number of segments can't be read");
		num = shdr.sh_info;
	}
	if (num == 0 || ehdr->e_phentsize != sizeof(Elf64_Phdr))
		return snap_error_set(err, SNAP_ERROR_MALFORMED, "a core without program headers");
	if (num > MAX_PHDRS)
		return snap_error_set(err, SNAP_ERROR_LIMIT,
			"a core with %zu segments, more than %u", num, MAX_PHDRS);
	/* Each must be in the file: no allocation beyond its size. */
	uint64_t size = l->crash->input->size;
	if (ehdr->e_phoff > size || num > (size - ehdr->e_phoff) / sizeof(Elf64_Phdr))
		return snap_error_set(
			err, SNAP_ERROR_MALFORMED, "a core cut within its program headers");
	l->phdrs = calloc(num, sizeof(*l->phdrs));
	if (!l->phdrs)
		return snap_error_no_memory(err);
	int r = read_at(l, ehdr->e_phoff, l->phdrs, num * sizeof(*l->phdrs));
	if (r < 0)
		return snap_error_errno(err, -r, "program headers");
	l->num_phdrs = num;
	return 0;
}

/* ---------------------------------------------------------------- notes */

static void end_thread(struct loader *l)
{
	struct snap_crash *crash = l->crash;
	if (l->num_regsets > 0) {
		struct snap_crash_thread *thread = &crash->threads[crash->num_threads - 1];
		thread->record.regsets = l->regsets;
		thread->record.num_regsets = l->num_regsets;
	}
	l->regsets = NULL;
	l->num_regsets = l->regsets_capacity = 0;
}

static int add_regset(
	struct loader *l, uint32_t type, struct snap_bytes data, struct snap_error *err)
{
	if (l->crash->num_threads == 0 || l->num_regsets == SNAP_MAX_REGSETS)
		return 0;
	struct snap_regset *regsets = snap_arena_grow(&l->crash->arena, l->regsets, l->num_regsets,
		&l->regsets_capacity, sizeof(*regsets));
	if (!regsets)
		return snap_error_no_memory(err);
	l->regsets = regsets;
	regsets[l->num_regsets++] = (struct snap_regset){type, data};
	return 0;
}

static int add_prstatus(struct loader *l, struct snap_bytes desc, struct snap_error *err)
{
	const struct snap_arch *arch = l->arch;
	struct snap_crash *crash = l->crash;
	if (desc.len < (size_t)arch->prstatus_reg_off + arch->prstatus_reg_size)
		return snap_crash_note(
			crash, snap_bytes_str("a thread's NT_PRSTATUS note is too short"), err);
	end_thread(l);
	if (crash->num_threads >= SNAP_MAX_THREADS)
		return snap_error_set(err, SNAP_ERROR_LIMIT, "a core with more than %d threads",
			SNAP_MAX_THREADS);
	struct snap_crash_thread *threads = snap_arena_grow(&crash->arena, crash->threads,
		crash->num_threads, &l->threads_capacity, sizeof(*threads));
	if (!threads)
		return snap_error_no_memory(err);
	crash->threads = threads;
	threads[crash->num_threads++] = (struct snap_crash_thread){
		.record =
			{
				.has_tid = true,
				.tid = snap_arch_load(arch, desc.data + arch->prstatus_pid_off, 4),
			},
	};
	if (crash->num_threads == 1) {
		l->has_cursig = true;
		l->cursig = (int)snap_arch_load(arch, desc.data + arch->prstatus_cursig_off, 2);
	}
	return add_regset(l, NT_PRSTATUS,
		snap_bytes(desc.data + arch->prstatus_reg_off, arch->prstatus_reg_size), err);
}

/* struct elf_prpsinfo of a 64-bit kernel: <linux/elfcore.h>. */
static void add_prpsinfo(struct loader *l, struct snap_bytes desc)
{
	enum { UID = 16, GID = 20, PID = 24, FNAME = 40, PSARGS = 56, SIZE = 136 };
	struct snap_process *process = &l->crash->process;
	if (desc.len < SIZE)
		return;
	process->has_uid = process->has_gid = process->has_pid = true;
	process->uid = (uint32_t)snap_arch_load(l->arch, desc.data + UID, 4);
	process->gid = (uint32_t)snap_arch_load(l->arch, desc.data + GID, 4);
	process->pid = (uint32_t)snap_arch_load(l->arch, desc.data + PID, 4);
	const char *fname = (const char *)desc.data + FNAME;
	process->comm = snap_bytes(fname, strnlen(fname, PSARGS - FNAME));
	const char *psargs = (const char *)desc.data + PSARGS;
	process->cmdline = snap_bytes(psargs, strnlen(psargs, SIZE - PSARGS));
}

static int add_note(struct loader *l, const struct snap_elf_note *note, struct snap_error *err)
{
	bool core = snap_bytes_equal_str(note->name, "CORE");
	if (!core && !snap_bytes_equal_str(note->name, "LINUX"))
		return 0;
	if (!core)
		return add_regset(l, note->type, note->desc, err);
	switch (note->type) {
	case NT_PRSTATUS:
		return add_prstatus(l, note->desc, err);
	case NT_PRPSINFO:
		add_prpsinfo(l, note->desc);
		return 0;
	case NT_SIGINFO:
		/* The first is the crashing thread's; gcore writes one for each. */
		if (!l->siginfo.data)
			l->siginfo = note->desc;
		return 0;
	case NT_AUXV:
		l->auxv = note->desc;
		return 0;
	case NT_FILE:
		l->file_note = note->desc;
		return 0;
	case NT_FPREGSET:
		return add_regset(l, note->type, note->desc, err);
	default:
		return 0;
	}
}

static int read_notes(struct loader *l, struct snap_error *err)
{
	uint64_t size = l->crash->input->size, total = 0;
	for (size_t i = 0; i < l->num_phdrs; i++) {
		const Elf64_Phdr *ph = &l->phdrs[i];
		if (ph->p_type != PT_NOTE || ph->p_filesz == 0)
			continue;
		uint64_t len = ph->p_filesz;
		if (ph->p_offset >= size) {
			l->truncated = true;
			continue;
		}
		if (len > size - ph->p_offset) {
			l->truncated = true;
			len = size - ph->p_offset;
		}
		/* Segments that overlap could name the same bytes any number of times. */
		total += len;
		if (total > MAX_NOTE_BYTES || total > size)
			return snap_error_set(err, SNAP_ERROR_LIMIT,
				"a core with more notes than %s",
				total > size ? "bytes" : "are read");
		uint8_t *bytes = snap_arena_alloc(&l->crash->arena, len);
		if (!bytes)
			return snap_error_no_memory(err);
		int r = read_at(l, ph->p_offset, bytes, len);
		if (r < 0)
			return snap_error_errno(err, -r, "notes");
		struct snap_elf_note note;
		size_t offset = 0;
		while ((r = snap_elf_note_next(
				snap_bytes(bytes, len), &offset, l->arch->elf_data, 4, &note)) > 0)
			if (add_note(l, &note, err) < 0)
				return -1;
		if (r < 0 && !l->truncated &&
			snap_crash_note(l->crash,
				snap_bytes_str("the core's notes end in a malformed one"), err) < 0)
			return -1;
	}
	end_thread(l);
	return 0;
}

/* ---------------------------------------------------------------- memory, mappings, modules */

static int add_segments(struct loader *l, struct snap_error *err)
{
	struct snap_crash *crash = l->crash;
	uint64_t size = crash->input->size;
	for (size_t i = 0; i < l->num_phdrs; i++) {
		const Elf64_Phdr *ph = &l->phdrs[i];
		if (ph->p_type != PT_LOAD || ph->p_filesz == 0)
			continue;
		uint64_t len = ph->p_filesz;
		if (ph->p_offset >= size || len > size - ph->p_offset) {
			l->truncated = true;
			if (ph->p_offset >= size)
				continue;
			len = size - ph->p_offset;
		}
		if (len > ph->p_memsz || len - 1 > UINT64_MAX - ph->p_vaddr)
			continue;
		struct snap_memory_segment segment = {
			.start = ph->p_vaddr,
			.len = len,
			.fd = crash->input->fd,
			.file_off = ph->p_offset,
		};
		if (snap_memory_add(&crash->memory, &segment, err) < 0)
			return -1;
	}
	return snap_memory_finish(&crash->memory, err);
}

static bool auxv_find(const struct loader *l, uint64_t type, uint64_t *ret)
{
	unsigned int word = snap_arch_word(l->arch);
	for (size_t off = 0; off + 2 * word <= l->auxv.len; off += 2 * word) {
		uint64_t key = snap_arch_load(l->arch, l->auxv.data + off, word);
		if (key == type) {
			*ret = snap_arch_load(l->arch, l->auxv.data + off + word, word);
			return true;
		}
		if (key == AT_NULL)
			break;
	}
	return false;
}

/* One entry of NT_FILE (fs/binfmt_elf.c, fill_files_note()). */
struct mapped_file {
	uint64_t start, end, offset; /* offset in bytes */
	struct snap_bytes path;
};

/* On success *ret is an array in the arena. */
static int read_files(
	struct loader *l, struct mapped_file **ret, size_t *ret_num, struct snap_error *err)
{
	struct snap_bytes note = l->file_note;
	unsigned int word = snap_arch_word(l->arch);
	*ret = NULL;
	*ret_num = 0;
	if (note.len < 2 * word)
		return 0;
	uint64_t num = snap_arch_load(l->arch, note.data, word);
	uint64_t page = snap_arch_load(l->arch, note.data + word, word);
	if (num > (note.len - 2 * word) / (3 * word) || num > MAX_FILES)
		return snap_crash_note(
			l->crash, snap_bytes_str("the core's NT_FILE note is malformed"), err);
	struct mapped_file *files = snap_arena_alloc(&l->crash->arena, num * sizeof(*files));
	if (!files)
		return snap_error_no_memory(err);
	const uint8_t *names = note.data + (2 + 3 * num) * word;
	const uint8_t *end = note.data + note.len;
	for (uint64_t i = 0; i < num; i++) {
		const uint8_t *entry = note.data + (2 + 3 * i) * word;
		const uint8_t *name_end =
			names < end ? memchr(names, '\0', (size_t)(end - names)) : NULL;
		if (!name_end)
			break;
		files[i] = (struct mapped_file){
			.start = snap_arch_load(l->arch, entry, word),
			.end = snap_arch_load(l->arch, entry + word, word),
			.offset = snap_arch_load(l->arch, entry + 2 * word, word) * page,
			.path = snap_bytes(names, (size_t)(name_end - names)),
		};
		names = name_end + 1;
		*ret_num = i + 1;
	}
	*ret = files;
	return 0;
}

static const struct mapped_file *file_at(
	const struct mapped_file *files, size_t num_files, uint64_t addr)
{
	size_t low = 0, high = num_files; /* the kernel writes them in order */
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (addr < files[mid].start)
			high = mid;
		else if (addr >= files[mid].end)
			low = mid + 1;
		else
			return &files[mid];
	}
	return NULL;
}

static int append_mapping(
	struct loader *l, const struct snap_mapping *mapping, struct snap_error *err)
{
	struct snap_crash *crash = l->crash;
	struct snap_mapping *mappings = snap_arena_grow(&crash->arena, crash->mappings,
		crash->num_mappings, &l->mappings_capacity, sizeof(*mappings));
	if (!mappings)
		return snap_error_no_memory(err);
	crash->mappings = mappings;
	mappings[crash->num_mappings++] = *mapping;
	return 0;
}

/* /proc/PID/maps marks a file that is gone so; the core has the same text. */
static void set_path(struct snap_mapping *mapping, struct snap_bytes path)
{
	static const char mark[] = " (deleted)";
	size_t len = sizeof(mark) - 1;
	mapping->path = path;
	if (path.len > len && memcmp(path.data + path.len - len, mark, len) == 0) {
		mapping->path.len -= len;
		mapping->deleted = true;
	}
}

static int add_mappings(
	struct loader *l, const struct mapped_file *files, size_t num_files, struct snap_error *err)
{
	uint64_t vdso = 0, random = 0;
	bool has_vdso = auxv_find(l, AT_SYSINFO_EHDR, &vdso) && vdso != 0;
	bool has_random = auxv_find(l, AT_RANDOM, &random) && random != 0;
	for (size_t i = 0; i < l->num_phdrs; i++) {
		const Elf64_Phdr *ph = &l->phdrs[i];
		if (ph->p_type != PT_LOAD || ph->p_memsz == 0 ||
			ph->p_memsz > UINT64_MAX - ph->p_vaddr)
			continue;
		struct snap_mapping mapping = {
			.start = ph->p_vaddr,
			.end = ph->p_vaddr + ph->p_memsz,
			.has_permissions = true,
			.permissions = (ph->p_flags & PF_R ? SNAP_MAPPING_READ : 0) |
				       (ph->p_flags & PF_W ? SNAP_MAPPING_WRITE : 0) |
				       (ph->p_flags & PF_X ? SNAP_MAPPING_EXEC : 0),
		};
		const struct mapped_file *file = file_at(files, num_files, mapping.start);
		if (file) {
			mapping.file_offset = file->offset + (mapping.start - file->start);
			set_path(&mapping, file->path);
		} else if (has_vdso && mapping.start == vdso) {
			mapping.path = snap_bytes_str("[vdso]");
		} else if (has_random && random >= mapping.start && random < mapping.end) {
			/* AT_RANDOM's bytes lie on the main thread's stack. */
			mapping.path = snap_bytes_str("[stack]");
		}
		if (append_mapping(l, &mapping, err) < 0)
			return -1;
	}
	return 0;
}

static ssize_t read_memory(void *arg, uint64_t addr, void *buf, size_t len)
{
	return snap_memory_read(arg, addr, buf, len);
}

static int append_module(struct loader *l, const struct snap_module *module, struct snap_error *err)
{
	struct snap_crash *crash = l->crash;
	struct snap_crash_module *modules = snap_arena_grow(&crash->arena, crash->modules,
		crash->num_modules, &l->modules_capacity, sizeof(*modules));
	if (!modules)
		return snap_error_no_memory(err);
	crash->modules = modules;
	modules[crash->num_modules++] = (struct snap_crash_module){.record = *module};
	return 0;
}

/* What the image in memory says of itself, into the module. */
static int describe(struct loader *l, const struct snap_elf_image *image,
	struct snap_module *module, struct snap_error *err)
{
	module->has_load_bias = true;
	module->load_bias = image->load_bias;
	module->build_id_status = image->status;
	if (image->build_id_len == 0)
		return 0;
	module->build_id = snap_bytes(
		snap_arena_copy(&l->crash->arena, snap_bytes(image->build_id, image->build_id_len)),
		image->build_id_len);
	return module->build_id.data ? 0 : snap_error_no_memory(err);
}

/* The end of the adjacent mappings of the same file from index i on, up to where it starts anew. */
static uint64_t end_of_file_mappings(const struct mapped_file *files, size_t num_files, size_t i)
{
	uint64_t end = files[i].end;
	for (size_t j = i + 1; j < num_files; j++) {
		if (files[j].offset == 0 || !snap_bytes_equal(files[j].path, files[i].path))
			break;
		end = files[j].end;
	}
	return end;
}

static int add_modules(
	struct loader *l, const struct mapped_file *files, size_t num_files, struct snap_error *err)
{
	struct snap_crash *crash = l->crash;
	uint64_t vdso;
	struct snap_elf_image image;

	for (size_t i = 0; i < num_files; i++) {
		if (files[i].offset != 0 || files[i].start >= files[i].end)
			continue;
		struct snap_mapping shown = {0};
		set_path(&shown, files[i].path);
		struct snap_module module = {
			.start = files[i].start,
			.path = shown.path,
			.deleted = shown.deleted,
		};
		int r = snap_elf_image_read(read_memory, &crash->memory, files[i].start, &image);
		if (r == 0) {
			module.end = image.end > files[i].start
					     ? image.end
					     : end_of_file_mappings(files, num_files, i);
			if (describe(l, &image, &module, err) < 0)
				return -1;
		} else if (r == -ENOEXEC) {
			continue; /* data: a locale archive, a font */
		} else {
			module.end = end_of_file_mappings(files, num_files, i);
			module.build_id_status = SNAP_BUILD_ID_UNREADABLE;
		}
		if (append_module(l, &module, err) < 0)
			return -1;
	}
	if (auxv_find(l, AT_SYSINFO_EHDR, &vdso) && vdso != 0 &&
		snap_elf_image_read(read_memory, &crash->memory, vdso, &image) == 0) {
		struct snap_module module = {
			.start = image.start,
			.end = image.end,
			.path = snap_bytes_str("[vdso]"),
		};
		if (describe(l, &image, &module, err) < 0)
			return -1;
		if (append_module(l, &module, err) < 0)
			return -1;
	}
	return 0;
}

/* ---------------------------------------------------------------- signal, process */

/* The signals whose default action is a core (signal(7)). */
static bool makes_core(int signo)
{
	static const int signals[] = {SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV,
		SIGXCPU, SIGXFSZ, SIGSYS};
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (signals[i] == signo)
			return true;
	return false;
}

static bool has_fault_address(int signo)
{
	return signo == SIGSEGV || signo == SIGBUS || signo == SIGILL || signo == SIGFPE ||
	       signo == SIGTRAP;
}

/* siginfo_t of a 64-bit kernel: include/uapi/asm-generic/siginfo.h. */
static void set_signal(struct loader *l)
{
	enum { CODE = 8, ADDR = 16, PID = 16, UID = 20, SIZE = 128 };
	struct snap_crash *crash = l->crash;
	/* gcore of a live process gives no signal, or the one that stopped it. */
	if (crash->num_threads == 0 || !makes_core(l->cursig))
		return;
	crash->has_signal = true;
	crash->signal = (struct snap_signal){
		.has_signo = true,
		.signo = l->cursig,
		.has_tid = true,
		.tid = crash->threads[0].record.tid,
		.siginfo = l->siginfo,
	};
	if (l->siginfo.len < SIZE ||
		(int32_t)snap_arch_load(l->arch, l->siginfo.data, 4) != l->cursig)
		return;
	const uint8_t *info = l->siginfo.data;
	crash->signal.has_code = true;
	crash->signal.code = (int32_t)snap_arch_load(l->arch, info + CODE, 4);
	if (crash->signal.code <= 0) {
		crash->signal.has_sender = true;
		crash->signal.sender_pid = (int32_t)snap_arch_load(l->arch, info + PID, 4);
		crash->signal.sender_uid = (uint32_t)snap_arch_load(l->arch, info + UID, 4);
	} else if (has_fault_address(l->cursig)) {
		crash->signal.has_address = true;
		crash->signal.address = snap_arch_load(l->arch, info + ADDR, 8);
	}
}

static void set_process(struct loader *l, const struct mapped_file *files, size_t num_files)
{
	struct snap_crash *crash = l->crash;
	struct snap_process *process = &crash->process;
	process->has_elf = true;
	process->elf_machine = l->arch->elf_machine;
	process->elf_class = l->arch->elf_class;
	process->elf_data = l->arch->elf_data;
	process->auxv = l->auxv;
	uint64_t entry;
	if (auxv_find(l, AT_ENTRY, &entry)) {
		const struct mapped_file *file = file_at(files, num_files, entry);
		if (file) {
			struct snap_mapping shown = {0};
			set_path(&shown, file->path);
			process->exe = shown.path;
			process->has_exe_deleted = true;
			process->exe_deleted = shown.deleted;
		}
	}
	crash->metadata.has_fatal = true;
	crash->metadata.fatal = crash->has_signal;
	crash->capture.has_method = true;
	crash->capture.method = SNAP_CAPTURE_CORE_FILE;
}

static int load(struct loader *l, struct snap_error *err)
{
	struct mapped_file *files;
	size_t num_files;
	if (read_headers(l, err) < 0 || read_notes(l, err) < 0 || add_segments(l, err) < 0 ||
		read_files(l, &files, &num_files, err) < 0 ||
		add_mappings(l, files, num_files, err) < 0 ||
		add_modules(l, files, num_files, err) < 0)
		return -1;
	set_signal(l);
	set_process(l, files, num_files);
	struct snap_crash *crash = l->crash;
	if (l->truncated) {
		crash->integrity = SNAP_INTEGRITY_TRUNCATED;
		crash->integrity_why = "the file ends before its last segment";
	}
	if (crash->num_threads == 0)
		return snap_error_set(err, SNAP_ERROR_MALFORMED, "a core without threads");
	return snap_load_finish(crash, err);
}

int snap_load_core(struct snap_crash *crash, struct snap_error *err)
{
	crash->is_core = true;
	struct loader l = {.crash = crash};
	int r = load(&l, err);
	free(l.phdrs);
	return r;
}
