#include "capture/core_stream.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "common/elf_load.h"
#include "common/elf_notes.h"

/* As many as e_phnum can tell of. */
#define PHDR_SEARCH_MAX 65535u

static void keep_copy(struct snap_core_copy *copy, const uint8_t *data, size_t len)
{
	while (len > 0 && copy->error == 0) {
		ssize_t n = write(copy->fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			copy->error = n < 0 ? -errno : -EIO;
			return;
		}
		copy->len += (uint64_t)n;
		data += n;
		len -= (size_t)n;
	}
}

/* Make buf non-empty. */
static int fill(struct snap_core_stream *s)
{
	if (s->buf_pos < s->buf_len)
		return 0;
	uint64_t want = s->end - s->offset;
	if (want == 0)
		return -EBADMSG;
	if (want > sizeof(s->buf))
		want = sizeof(s->buf);
	ssize_t n = read(s->fd, s->buf, (size_t)want);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ENODATA;
	s->buf_pos = 0;
	s->buf_len = (size_t)n;
	if (s->copy)
		keep_copy(s->copy, s->buf, (size_t)n);
	return 0;
}

/* Take len bytes, to out unless that is NULL. */
static int take(struct snap_core_stream *s, void *out, uint64_t len)
{
	uint8_t *to = out;
	if (len > s->end - s->offset)
		return -EBADMSG;
	while (len > 0) {
		int r = fill(s);
		if (r < 0)
			return r;
		size_t n = s->buf_len - s->buf_pos;
		if (n > len)
			n = (size_t)len;
		if (to) {
			memcpy(to, s->buf + s->buf_pos, n);
			to += n;
		}
		s->buf_pos += n;
		s->offset += n;
		len -= n;
	}
	return 0;
}

/* Pass over everything before offset; reading stays allowed up to end. */
static int skip_to(struct snap_core_stream *s, uint64_t offset, uint64_t end)
{
	if (offset < s->offset || end < offset)
		return -EBADMSG;
	s->end = end;
	return take(s, NULL, offset - s->offset);
}

/* The notes' place from the program headers. Returns 0, or -ENOEXEC if there are none. */
static int find_notes(
	struct snap_core_stream *s, uint32_t phnum, uint64_t *ret_offset, uint64_t *ret_size)
{
	bool wide = s->elf_class == ELFCLASS64;
	size_t phentsize = wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

	/* One at a time, for the notes may begin right behind the one that tells of them. */
	for (uint32_t i = 0; i < phnum && i < PHDR_SEARCH_MAX; i++) {
		uint8_t ph[sizeof(Elf64_Phdr)];
		if (s->offset > UINT64_MAX - phentsize)
			return -EBADMSG;
		s->end = s->offset + phentsize;
		int r = take(s, ph, phentsize);
		if (r < 0)
			return r;
		/* p_type is the first word in both classes. */
		if (snap_elf_load(ph, 4, s->elf_data) != PT_NOTE)
			continue;
		*ret_offset = SNAP_ELF_CLASS_MEMBER(ph, Phdr, p_offset, s->elf_class, s->elf_data);
		*ret_size = SNAP_ELF_CLASS_MEMBER(ph, Phdr, p_filesz, s->elf_class, s->elf_data);
		uint64_t align =
			SNAP_ELF_CLASS_MEMBER(ph, Phdr, p_align, s->elf_class, s->elf_data);
		s->note_align = align == 8 ? 8 : 4;
		return 0;
	}
	return -ENOEXEC;
}

int snap_core_stream_open(struct snap_core_stream *s, int fd, struct snap_core_copy *copy)
{
	s->elf_machine = 0;
	s->elf_class = s->elf_data = 0;
	s->fd = fd;
	s->copy = copy;
	s->offset = s->next = 0;
	s->buf_pos = s->buf_len = 0;

	uint8_t ehdr[sizeof(Elf64_Ehdr)];
	s->end = EI_NIDENT;
	int r = take(s, ehdr, EI_NIDENT);
	if (r < 0)
		return r;
	uint8_t class = ehdr[EI_CLASS], data = ehdr[EI_DATA];
	if (memcmp(ehdr, ELFMAG, SELFMAG) != 0 || (class != ELFCLASS32 && class != ELFCLASS64) ||
		(data != ELFDATA2LSB && data != ELFDATA2MSB))
		return -ENOEXEC;
	bool wide = class == ELFCLASS64;
	size_t ehdr_len = wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	s->end = ehdr_len;
	r = take(s, ehdr + EI_NIDENT, ehdr_len - EI_NIDENT);
	if (r < 0)
		return r;
	if (SNAP_ELF_MEMBER(ehdr, Elf64_Ehdr, e_type, data) != ET_CORE)
		return -ENOEXEC;
	s->elf_machine = (uint16_t)SNAP_ELF_MEMBER(ehdr, Elf64_Ehdr, e_machine, data);
	s->elf_class = class;
	s->elf_data = data;

	uint64_t phoff = SNAP_ELF_CLASS_MEMBER(ehdr, Ehdr, e_phoff, class, data);
	uint64_t phnum = SNAP_ELF_CLASS_MEMBER(ehdr, Ehdr, e_phnum, class, data);
	uint64_t phentsize = SNAP_ELF_CLASS_MEMBER(ehdr, Ehdr, e_phentsize, class, data);
	if (phentsize != (wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)))
		return -EBADMSG;
	r = skip_to(s, phoff, phoff);
	if (r < 0)
		return r;

	uint64_t notes_off, notes_size;
	r = find_notes(s, (uint32_t)phnum, &notes_off, &notes_size);
	if (r < 0)
		return r;
	if (notes_size > UINT64_MAX - notes_off)
		return -EBADMSG;
	r = skip_to(s, notes_off, notes_off + notes_size);
	s->next = s->offset;
	return r;
}

int snap_core_stream_next(struct snap_core_stream *s, struct snap_core_note *ret)
{
	int r = take(s, NULL, s->next - s->offset);
	if (r < 0)
		return r;
	uint64_t left = s->end - s->offset;
	if (left == 0)
		return 0;
	if (left < SNAP_NOTE_HEADER_BYTES)
		return -EBADMSG;

	uint8_t header[SNAP_NOTE_HEADER_BYTES];
	r = take(s, header, sizeof(header));
	if (r < 0)
		return r;
	uint64_t start = s->offset - SNAP_NOTE_HEADER_BYTES;
	uint64_t namesz = (uint32_t)snap_elf_load(header, 4, s->elf_data);
	uint64_t descsz = (uint32_t)snap_elf_load(header + 4, 4, s->elf_data);
	/* Sums of 32-bit sizes in 64 bits, and compared with what is left: they can't overflow. */
	uint64_t mask = s->note_align - 1;
	uint64_t desc_off = (SNAP_NOTE_HEADER_BYTES + namesz + mask) & ~mask;
	if (desc_off > left || descsz > left - desc_off)
		return -EBADMSG;
	uint64_t whole = (desc_off + descsz + mask) & ~mask;

	struct snap_core_note note = {
		.type = (uint32_t)snap_elf_load(header + 8, 4, s->elf_data),
		.desc_len = descsz,
	};
	if (namesz > 0 && namesz <= sizeof(s->name)) {
		r = take(s, s->name, namesz);
		if (r < 0)
			return r;
		size_t name_len = (size_t)namesz;
		if (s->name[name_len - 1] == '\0')
			name_len--;
		note.name = snap_bytes(s->name, name_len);
	}
	r = take(s, NULL, start + desc_off - s->offset);
	if (r < 0)
		return r;
	size_t desc_kept = descsz < sizeof(s->desc) ? (size_t)descsz : sizeof(s->desc);
	if (desc_kept <= s->buf_len - s->buf_pos) {
		/* Where it lies, until the next one is asked for. */
		note.desc = snap_bytes(s->buf + s->buf_pos, desc_kept);
		r = take(s, NULL, desc_kept);
	} else {
		note.desc = snap_bytes(s->desc, desc_kept);
		r = take(s, s->desc, desc_kept);
	}
	if (r < 0)
		return r;
	/* The last note may lack its padding. */
	s->next = whole < left ? start + whole : s->end;
	*ret = note;
	return 1;
}
