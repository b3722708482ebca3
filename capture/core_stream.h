/*
 * The notes of an ELF core as it streams in, without seeking and without keeping it.
 *
 * Crash-time and hostile: fixed buffers, no allocation, negative errno. Nothing behind the notes is
 * ever read: while the kernel writes a core into a pipe it would otherwise have to copy the
 * process's whole memory.
 *
 * Sources: gABI chapters 4 and 5; the kernel's fs/binfmt_elf.c (elf_core_dump, fill_note_info):
 * the only PT_NOTE is the first program header, and with more than 65534 segments (e_phnum
 * PN_XNUM) their number stands at the end of the stream, so that only that first one can be used.
 */
#ifndef SNAP_CAPTURE_CORE_STREAM_H
#define SNAP_CAPTURE_CORE_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"

/* Bytes of a note's descriptor that are kept. Longer ones (NT_FILE, SME's state) are cut. */
#define SNAP_CORE_MAX_DESC 16384

/* What was read of the core, for who wants to hand it on. */
struct snap_core_copy {
	int fd;	      /* borrowed: an empty file */
	int error;    /* negative errno of the first write that failed: nothing is kept since */
	uint64_t len; /* bytes in it */
};

struct snap_core_stream {
	uint16_t elf_machine; /* valid once _open() got as far as the ELF header, else 0 */
	uint8_t elf_class, elf_data;
	unsigned int note_align;
	int fd;
	struct snap_core_copy *copy; /* NULL: none */
	uint64_t offset;	     /* of the next byte to be taken */
	uint64_t end;		     /* nothing from here on is read */
	uint64_t next;		     /* where the next note begins */
	size_t buf_pos, buf_len;
	uint8_t buf[32768];
	uint8_t name[16];
	uint8_t desc[SNAP_CORE_MAX_DESC];
};

/* Its bytes are valid until the next call. */
struct snap_core_note {
	uint32_t type;
	struct snap_bytes name; /* without its NUL; absent if longer than any known one */
	struct snap_bytes desc; /* at most SNAP_CORE_MAX_DESC bytes of it */
	uint64_t desc_len;	/* bytes that it has */
};

/*
 * Read up to the first note. fd is borrowed and stands at the start of the core. copy: borrowed;
 * gets all that is read, now and later (NULL: nobody wants it). Returns 0;
 * -ENOEXEC if it is no ELF core with notes; -EBADMSG if its headers contradict each other;
 * -ENODATA if the stream ends before the notes; -EINTR if a signal handler ran; another negative
 * errno if reading failed.
 */
int snap_core_stream_open(struct snap_core_stream *s, int fd, struct snap_core_copy *copy);

/*
 * The next note. Returns 1 and fills *ret; 0 after the last one; -EBADMSG if a size lies;
 * otherwise as above. After an error the stream is of no further use.
 */
int snap_core_stream_next(struct snap_core_stream *s, struct snap_core_note *ret);

#endif
