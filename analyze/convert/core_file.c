#include "analyze/convert/core_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/convert/elf_build.h"

#define CHUNK_BYTES 65536u
#define NOTES_ALIGN 8u
/*
 * p_align of the memory: as good as none, since segments begin and end anywhere. With pages a
 * reader takes what precedes a segment in the file for what precedes it in memory, and libdwfl
 * (0.188, dwfl_report_segment()) rounds to pages unless some segment says more than 1.
 */
#define MEMORY_ALIGN 2u

/* A PT_LOAD. */
struct segment {
	uint32_t flags; /* p_flags */
	uint64_t start, len;
	uint64_t offset; /* into the core */
};

struct writer {
	const struct snap_core_contents *contents;
	struct snap_core_report report;
	struct segment *segments; /* heap */
	size_t num_segments, capacity;
	uint64_t memory_bytes;
	FILE *out;
	bool has_holes; /* out may get some */
	uint64_t pos;	/* bytes written */
};

static bool is_wide(const struct writer *w)
{
	return w->contents->arch->elf_class == ELFCLASS64;
}

/* ---------------------------------------------------------------- segments */

uint32_t snap_core_flags(const struct snap_mapping *mapping)
{
	if (!mapping || !mapping->has_permissions)
		return PF_R;
	return (mapping->permissions & SNAP_MAPPING_READ ? PF_R : 0u) |
	       (mapping->permissions & SNAP_MAPPING_WRITE ? PF_W : 0u) |
	       (mapping->permissions & SNAP_MAPPING_EXEC ? PF_X : 0u);
}

static int append(struct writer *w, const struct segment *segment, struct snap_error *err)
{
	/* One more for PT_NOTE. */
	if (w->num_segments + 1 >= SNAP_CORE_MAX_SEGMENTS) {
		w->report.memory_bytes_left_out += segment->len;
		return 0;
	}
	if (w->num_segments == w->capacity) {
		size_t capacity = w->capacity ? 2 * w->capacity : 256;
		struct segment *grown = reallocarray(w->segments, capacity, sizeof(*grown));
		if (!grown)
			return snap_error_no_memory(err);
		w->segments = grown;
		w->capacity = capacity;
	}
	w->segments[w->num_segments++] = *segment;
	return 0;
}

/* Bytes that are there, all of one mapping; they continue the last ones if they can. */
static int append_load(
	struct writer *w, uint64_t start, uint64_t len, uint32_t flags, struct snap_error *err)
{
	struct segment *last = w->num_segments > 0 ? &w->segments[w->num_segments - 1] : NULL;
	uint64_t room = w->contents->max_memory_bytes - w->memory_bytes;
	if ((!is_wide(w) && start + (len - 1) > UINT32_MAX) || len > room) {
		w->report.memory_bytes_left_out += len;
		return 0;
	}
	w->memory_bytes += len;
	if (last && last->start + last->len == start && last->flags == flags) {
		last->len += len;
		return 0;
	}
	const struct segment load = {.flags = flags, .start = start, .len = len};
	return append(w, &load, err);
}

/* One PT_LOAD for each run of captured bytes, cut where a mapping begins or ends. */
static int plan_loads(struct writer *w, struct snap_error *err)
{
	const struct snap_core_contents *c = w->contents;
	size_t m = 0;
	for (size_t i = 0; i < c->memory->num_segments; i++) {
		uint64_t at = c->memory->segments[i].start, left = c->memory->segments[i].len;
		while (left > 0) {
			while (m < c->num_mappings && c->mappings[m].end <= at)
				m++;
			const struct snap_mapping *mapping =
				m < c->num_mappings ? &c->mappings[m] : NULL;
			uint64_t len = left;
			if (mapping && mapping->start > at) {
				if (len > mapping->start - at)
					len = mapping->start - at;
				mapping = NULL;
			} else if (mapping && len > mapping->end - at) {
				len = mapping->end - at;
			}
			if (append_load(w, at, len, snap_core_flags(mapping), err) < 0)
				return -1;
			at += len;
			left -= len;
		}
	}
	return 0;
}

/* ---------------------------------------------------------------- headers */

static void build_ehdr(const struct writer *w, struct snap_elf_build *build, uint64_t shoff)
{
	const struct snap_arch *arch = w->contents->arch;
	bool wide = is_wide(w);
	size_t num = w->num_segments + 1;
	const uint8_t ident[EI_NIDENT] = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, arch->elf_class,
		arch->elf_data, EV_CURRENT, ELFOSABI_NONE};
	snap_elf_build_bytes(build, snap_bytes(ident, sizeof(ident)));
	snap_elf_build_number(build, ET_CORE, 2);
	snap_elf_build_number(build, arch->elf_machine, 2);
	snap_elf_build_number(build, EV_CURRENT, 4);
	snap_elf_build_word(build, 0); /* e_entry */
	snap_elf_build_word(build, wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr));
	snap_elf_build_word(build, shoff);
	snap_elf_build_number(build, w->contents->elf_flags, 4);
	snap_elf_build_number(build, wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr), 2);
	snap_elf_build_number(build, wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr), 2);
	snap_elf_build_number(build, num < PN_XNUM ? num : PN_XNUM, 2);
	snap_elf_build_number(build,
		shoff == 0 ? 0
		: wide	   ? sizeof(Elf64_Shdr)
			   : sizeof(Elf32_Shdr),
		2);
	snap_elf_build_number(build, shoff != 0, 2); /* e_shnum */
	snap_elf_build_number(build, SHN_UNDEF, 2);
}

static void build_phdr(struct snap_elf_build *build, uint32_t type, uint32_t flags, uint64_t offset,
	uint64_t vaddr, uint64_t filesz, uint64_t memsz, uint64_t align)
{
	bool wide = build->elf_class == ELFCLASS64;
	snap_elf_build_number(build, type, 4);
	if (wide)
		snap_elf_build_number(build, flags, 4);
	snap_elf_build_word(build, offset);
	snap_elf_build_word(build, vaddr);
	snap_elf_build_word(build, 0); /* p_paddr */
	snap_elf_build_word(build, filesz);
	snap_elf_build_word(build, memsz);
	if (!wide)
		snap_elf_build_number(build, flags, 4);
	snap_elf_build_word(build, align);
}

/* Section header 0, which has the number of segments when e_phnum can't (gABI, PN_XNUM). */
static void build_shdr(const struct writer *w, struct snap_elf_build *build)
{
	snap_elf_build_number(build, 0, 4); /* sh_name */
	snap_elf_build_number(build, SHT_NULL, 4);
	snap_elf_build_word(build, 0); /* sh_flags */
	snap_elf_build_word(build, 0); /* sh_addr */
	snap_elf_build_word(build, 0); /* sh_offset */
	snap_elf_build_word(build, 1); /* sh_size: e_shnum */
	snap_elf_build_number(build, SHN_UNDEF, 4);
	snap_elf_build_number(build, w->num_segments + 1, 4); /* sh_info */
	snap_elf_build_word(build, 0);			      /* sh_addralign */
	snap_elf_build_word(build, 0);			      /* sh_entsize */
}

static uint64_t align_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) / align * align;
}

/* Places for all that follows the program headers. */
static void build_headers(struct writer *w, struct snap_elf_build *build)
{
	bool wide = is_wide(w);
	uint64_t num = w->num_segments + 1;
	uint64_t at = (wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr)) +
		      num * (wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));
	uint64_t shoff = 0;
	if (num >= PN_XNUM) {
		shoff = at;
		at += wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
	}
	uint64_t notes_off = align_up(at, NOTES_ALIGN);
	at = notes_off + w->contents->notes.len;
	for (size_t i = 0; i < w->num_segments; i++) {
		struct segment *segment = &w->segments[i];
		at += (segment->start - at) % MEMORY_ALIGN;
		segment->offset = at;
		at += segment->len;
	}

	build_ehdr(w, build, shoff);
	build_phdr(build, PT_NOTE, 0, notes_off, 0, w->contents->notes.len, 0, 4);
	for (size_t i = 0; i < w->num_segments; i++) {
		const struct segment *segment = &w->segments[i];
		build_phdr(build, PT_LOAD, segment->flags, segment->offset, segment->start,
			segment->len, segment->len, MEMORY_ALIGN);
	}
	if (shoff != 0)
		build_shdr(w, build);
	snap_elf_build_align(build, NOTES_ALIGN);
}

/* ---------------------------------------------------------------- output */

static bool is_zero(const uint8_t *bytes, size_t len)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

static void put(struct writer *w, const uint8_t *bytes, size_t len)
{
	if (len == 0)
		return;
	/* A failure is remembered by the stream, but not why. */
	if (w->has_holes && len == CHUNK_BYTES && is_zero(bytes, len))
		(void)fseeko(w->out, (off_t)len, SEEK_CUR);
	else if (fwrite(bytes, 1, len, w->out) < len && w->report.output_errnum == 0)
		w->report.output_errnum = errno;
	w->pos += len;
}

static int put_memory(struct writer *w, const struct segment *segment, struct snap_error *err)
{
	static uint8_t chunk[CHUNK_BYTES];
	uint64_t done = 0;
	while (done < segment->len && !ferror(w->out)) {
		uint64_t left = segment->len - done;
		size_t len = left < sizeof(chunk) ? (size_t)left : sizeof(chunk);
		ssize_t n =
			snap_memory_read(w->contents->memory, segment->start + done, chunk, len);
		if (n < 0)
			return snap_error_errno(err, (int)-n, "cannot read the input's memory");
		/* The input was cut while it was being read: the rest stays zero. */
		if ((size_t)n < len)
			memset(chunk + n, 0, len - (size_t)n);
		put(w, chunk, len);
		done += len;
	}
	return 0;
}

static int write_core(struct writer *w, struct snap_error *err)
{
	static const uint8_t padding[MEMORY_ALIGN];
	struct snap_elf_build headers;
	snap_elf_build_init(&headers, w->contents->arch->elf_class, w->contents->arch->elf_data);
	build_headers(w, &headers);
	bool failed = headers.failed;
	if (!failed)
		put(w, headers.data, headers.len);
	snap_elf_build_deinit(&headers);
	if (failed)
		return snap_error_no_memory(err);
	put(w, w->contents->notes.data, w->contents->notes.len);
	for (size_t i = 0; i < w->num_segments && !ferror(w->out); i++) {
		const struct segment *segment = &w->segments[i];
		put(w, padding, segment->offset - w->pos);
		if (put_memory(w, segment, err) < 0)
			return -1;
	}
	/* A hole at the end would be none of the file. */
	if (w->has_holes && fflush(w->out) == 0 && ftruncate(fileno(w->out), (off_t)w->pos) < 0)
		w->report.output_errnum = errno;
	return 0;
}

/* An empty regular file; not one that everything is appended to, wherever it is written. */
static bool can_have_holes(FILE *out)
{
	struct stat st;
	int flags = fcntl(fileno(out), F_GETFL);
	return flags >= 0 && !(flags & O_APPEND) && fstat(fileno(out), &st) == 0 &&
	       S_ISREG(st.st_mode) && st.st_size == 0 && ftello(out) == 0;
}

int snap_core_file_write(FILE *out, const struct snap_core_contents *contents,
	struct snap_core_report *ret, struct snap_error *err)
{
	struct writer w = {.contents = contents, .out = out, .has_holes = can_have_holes(out)};
	int r = plan_loads(&w, err);
	if (r == 0)
		r = write_core(&w, err);
	free(w.segments);
	*ret = w.report;
	return r;
}
