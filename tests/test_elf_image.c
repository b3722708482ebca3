/* common/elf_image: the images of this very process against what the loader and libelf say of
 * them, and made-up ones of both classes and byte orders, honest and lying. */
#include "common/elf_image.h"

#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

static struct snap_elf_image image;

/* ---------------------------------------------------------------- this process */

static ssize_t read_self(void *arg, uint64_t addr, void *buf, size_t len)
{
	ssize_t n = pread(*(int *)arg, buf, len, (off_t)addr);
	return n < 0 ? -errno : n;
}

/* The build ID of a file by way of its sections, which the process's memory does not have. */
static size_t libelf_build_id(Elf *elf, uint8_t ret[SNAP_MAX_BUILD_ID])
{
	Elf_Scn *scn = NULL;
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr shdr;
		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_NOTE)
			continue;
		Elf_Data *data = elf_getdata(scn, NULL);
		GElf_Nhdr nhdr;
		size_t name, desc, off = 0;
		while (data && (off = gelf_getnote(data, off, &nhdr, &name, &desc)) > 0) {
			const char *bytes = data->d_buf;
			if (nhdr.n_type != NT_GNU_BUILD_ID || nhdr.n_namesz != 4 ||
				memcmp(bytes + name, "GNU", 4) != 0)
				continue;
			assert_true(nhdr.n_descsz <= SNAP_MAX_BUILD_ID);
			memcpy(ret, bytes + desc, nhdr.n_descsz);
			return nhdr.n_descsz;
		}
	}
	return 0;
}

struct seen {
	int mem_fd;
	size_t num, num_with_id;
	bool vdso;
};

static int check_loaded(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	struct seen *seen = arg;
	uint64_t low = UINT64_MAX, high = 0;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		if (ph->p_type != PT_LOAD)
			continue;
		low = ph->p_vaddr < low ? ph->p_vaddr : low;
		high = ph->p_vaddr + ph->p_memsz > high ? ph->p_vaddr + ph->p_memsz : high;
	}
	uint64_t base = info->dlpi_addr + (low & ~4095ull);
	assert_int_equal(snap_elf_image_read(read_self, &seen->mem_fd, base, &image), 0);
	assert_true(image.load_bias == info->dlpi_addr);
	assert_true(image.start == base);
	assert_true(image.end == ((info->dlpi_addr + high + 4095) & ~4095ull));
	assert_int_equal(image.elf_class, sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32);
	assert_int_equal(image.elf_type, ET_DYN);

	bool is_vdso = base == getauxval(AT_SYSINFO_EHDR);
	Elf *elf;
	int fd = -1;
	if (is_vdso) {
		elf = elf_memory((char *)(uintptr_t)base, image.end - image.start);
		seen->vdso = true;
	} else {
		fd = open(info->dlpi_name[0] ? info->dlpi_name : "/proc/self/exe", O_RDONLY);
		assert_true(fd >= 0);
		elf = elf_begin(fd, ELF_C_READ, NULL);
	}
	assert_non_null(elf);
	GElf_Ehdr ehdr;
	assert_non_null(gelf_getehdr(elf, &ehdr));
	assert_int_equal(image.elf_machine, ehdr.e_machine);
	uint8_t expected[SNAP_MAX_BUILD_ID];
	size_t len = libelf_build_id(elf, expected);
	assert_int_equal(image.build_id_len, len);
	assert_memory_equal(image.build_id, expected, len);
	assert_int_equal(image.status, len > 0 ? SNAP_BUILD_ID_FOUND : SNAP_BUILD_ID_NO_NOTE);
	seen->num++;
	seen->num_with_id += len > 0;
	elf_end(elf);
	if (fd >= 0)
		close(fd);
	return 0;
}

static void test_elf_image_of_all_that_is_loaded_here(void **state)
{
	(void)state;
	struct seen seen = {.mem_fd = open("/proc/self/mem", O_RDONLY)};
	assert_true(seen.mem_fd >= 0);
	assert_true(elf_version(EV_CURRENT) != EV_NONE);
	dl_iterate_phdr(check_loaded, &seen);
	assert_true(seen.num >= 3); /* this program, libc, the loader */
	assert_true(seen.num_with_id >= 2);
	assert_int_equal(seen.vdso, getauxval(AT_SYSINFO_EHDR) != 0);
	close(seen.mem_fd);
}

static void test_elf_image_no_header_there(void **state)
{
	(void)state;
	int fd = open("/proc/self/mem", O_RDONLY);
	assert_true(fd >= 0);
	static const uint8_t no_elf[4096];
	assert_int_equal(snap_elf_image_read(read_self, &fd, (uintptr_t)no_elf, &image), -ENOEXEC);
	assert_true(snap_elf_image_read(read_self, &fd, 0, &image) < 0);
	close(fd);
}

/* ---------------------------------------------------------------- made up */

/* A target's memory: [base, base + len). */
struct memory {
	uint64_t base;
	size_t len;
	uint8_t bytes[16384];
	uint64_t hole; /* reads that touch this address fail */
	int error;
	size_t most; /* the most that was asked for in one read */
};

static struct memory memory;

static ssize_t read_made_up(void *arg, uint64_t addr, void *buf, size_t len)
{
	struct memory *m = arg;
	m->most = len > m->most ? len : m->most;
	if (m->hole && addr <= m->hole && m->hole - addr < len)
		return m->error;
	if (addr < m->base || addr - m->base >= m->len)
		return 0;
	size_t left = m->len - (size_t)(addr - m->base);
	if (len > left)
		len = left;
	memcpy(buf, m->bytes + (addr - m->base), len);
	return (ssize_t)len;
}

static void store(size_t off, uint64_t value, unsigned int size)
{
	bool little = memory.bytes[EI_DATA] == ELFDATA2LSB;
	for (unsigned int i = 0; i < size; i++)
		memory.bytes[off + i] = (uint8_t)(value >> 8 * (little ? i : size - 1 - i));
}

/* Members by name in either class. */
#define SET_EHDR(member, value)                                                                    \
	(is_wide() ? store(offsetof(Elf64_Ehdr, member), (value),                                  \
			     sizeof(((Elf64_Ehdr *)NULL)->member))                                 \
		   : store(offsetof(Elf32_Ehdr, member), (value),                                  \
			     sizeof(((Elf32_Ehdr *)NULL)->member)))
#define SET_PHDR(index, member, value)                                                             \
	(is_wide() ? store(sizeof(Elf64_Ehdr) + (index) * sizeof(Elf64_Phdr) +                     \
				     offsetof(Elf64_Phdr, member),                                 \
			     (value), sizeof(((Elf64_Phdr *)NULL)->member))                        \
		   : store(sizeof(Elf32_Ehdr) + (index) * sizeof(Elf32_Phdr) +                     \
				     offsetof(Elf32_Phdr, member),                                 \
			     (value), sizeof(((Elf32_Phdr *)NULL)->member)))

static bool is_wide(void)
{
	return memory.bytes[EI_CLASS] == ELFCLASS64;
}

/* Virtual addresses of the made-up file and where its notes stand. */
#define BASE	 0x7f0000400000ull
#define BASE_32	 0xf7c00000ull
#define VADDR	 0x10000u
#define NOTE_OFF 0xa00u /* not read along with the headers */

/* An image with two PT_LOADs, and a PT_NOTE with a note before the build ID (20 bytes: 0, 1, ...).
 * align: the notes' p_align. */
static void make_image(uint8_t elf_class, uint8_t elf_data, unsigned int align)
{
	memset(&memory, 0, sizeof(memory));
	memory.base = elf_class == ELFCLASS64 ? BASE : BASE_32;
	memory.len = 0x3000;
	memcpy(memory.bytes, ELFMAG, SELFMAG);
	memory.bytes[EI_CLASS] = elf_class;
	memory.bytes[EI_DATA] = elf_data;
	SET_EHDR(e_type, ET_DYN);
	SET_EHDR(e_machine, EM_AARCH64);
	SET_EHDR(e_phoff, is_wide() ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr));
	SET_EHDR(e_phentsize, is_wide() ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));
	SET_EHDR(e_phnum, 3);
	SET_PHDR(0, p_type, PT_LOAD);
	SET_PHDR(0, p_vaddr, VADDR);
	SET_PHDR(0, p_filesz, 0x1200);
	SET_PHDR(0, p_memsz, 0x1200);
	SET_PHDR(1, p_type, PT_LOAD);
	SET_PHDR(1, p_offset, 0x1200);
	SET_PHDR(1, p_vaddr, VADDR + 0x2200);
	SET_PHDR(1, p_filesz, 0x100);
	SET_PHDR(1, p_memsz, 0x1001);
	SET_PHDR(2, p_type, PT_NOTE);
	SET_PHDR(2, p_offset, NOTE_OFF);
	SET_PHDR(2, p_vaddr, VADDR + NOTE_OFF);
	SET_PHDR(2, p_align, align);

	size_t off = NOTE_OFF;
	store(off, 4, 4);
	store(off + 4, 12, 4);
	store(off + 8, NT_GNU_PROPERTY_TYPE_0, 4);
	memcpy(memory.bytes + off + 12, "GNU", 4);
	off += align == 8 ? 32 : 28;
	store(off, 4, 4);
	store(off + 4, 20, 4);
	store(off + 8, NT_GNU_BUILD_ID, 4);
	memcpy(memory.bytes + off + 12, "GNU", 4);
	for (uint8_t i = 0; i < 20; i++)
		memory.bytes[off + 16 + i] = i;
	SET_PHDR(2, p_filesz, off + 36 - NOTE_OFF);
}

static int read_image(void)
{
	memset(&image, 0x5a, sizeof(image));
	int r = snap_elf_image_read(read_made_up, &memory, memory.base, &image);
	if (r != 0)
		assert_int_equal(image.build_id_len, (size_t)0x5a5a5a5a5a5a5a5a); /* untouched */
	return r;
}

/* A build ID as the only note. */
static void put_build_id(uint32_t len)
{
	memset(memory.bytes + NOTE_OFF, 0, 256);
	store(NOTE_OFF, 4, 4);
	store(NOTE_OFF + 4, len, 4);
	store(NOTE_OFF + 8, NT_GNU_BUILD_ID, 4);
	memcpy(memory.bytes + NOTE_OFF + 12, "GNU", 4);
	memset(memory.bytes + NOTE_OFF + 16, 0xab, len < 128 ? len : 128);
	SET_PHDR(2, p_filesz, 16 + (len < 128 ? len : 128));
}

static void assert_found(void)
{
	assert_int_equal(image.status, SNAP_BUILD_ID_FOUND);
	assert_int_equal(image.build_id_len, 20);
	for (uint8_t i = 0; i < 20; i++)
		assert_int_equal(image.build_id[i], i);
}

static void assert_no_id(enum snap_build_id_status status)
{
	assert_int_equal(image.status, status);
	assert_int_equal(image.build_id_len, 0);
}

static void test_elf_image_both_classes_and_byte_orders(void **state)
{
	(void)state;
	for (uint8_t elf_class = ELFCLASS32; elf_class <= ELFCLASS64; elf_class++) {
		for (uint8_t elf_data = ELFDATA2LSB; elf_data <= ELFDATA2MSB; elf_data++) {
			for (unsigned int align = 4; align <= 8; align += 4) {
				make_image(elf_class, elf_data, align);
				assert_int_equal(read_image(), 0);
				assert_found();
				assert_int_equal(image.elf_class, elf_class);
				assert_int_equal(image.elf_data, elf_data);
				assert_int_equal(image.elf_machine, EM_AARCH64);
				assert_int_equal(image.elf_type, ET_DYN);
				assert_true(image.load_bias == memory.base - VADDR);
				assert_true(image.start == memory.base);
				assert_true(image.end == memory.base + 0x4000);
			}
		}
	}
}

static void test_elf_image_linked_above_where_it_is(void **state)
{
	(void)state;
	/* Prelinked: the bias is negative, modulo 2^64. */
	make_image(ELFCLASS32, ELFDATA2LSB, 4);
	SET_PHDR(0, p_vaddr, BASE_32 + 0x100000);
	SET_PHDR(1, p_vaddr, BASE_32 + 0x102200);
	SET_PHDR(2, p_vaddr, BASE_32 + 0x100000 + NOTE_OFF);
	assert_int_equal(read_image(), 0);
	assert_true(image.load_bias == (uint64_t)-0x100000);
	assert_true(image.start == BASE_32);
	assert_found();
}

static void test_elf_image_first_segment_does_not_begin_the_file(void **state)
{
	(void)state;
	make_image(ELFCLASS64, ELFDATA2LSB, 4);
	SET_PHDR(0, p_offset, 0x40);
	SET_PHDR(0, p_vaddr, VADDR + 0x40);
	assert_int_equal(read_image(), 0);
	assert_true(image.load_bias == BASE - VADDR);
	assert_true(image.start == BASE);
	assert_found();
}

static void test_elf_image_what_is_no_elf_header(void **state)
{
	(void)state;
	static const struct {
		size_t off;
		uint8_t value;
	} faults[] = {{EI_MAG0, 0}, {EI_MAG3, 'f'}, {EI_CLASS, 0}, {EI_CLASS, 3}, {EI_DATA, 0},
		{EI_DATA, 3}};
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		make_image(ELFCLASS64, ELFDATA2LSB, 4);
		memory.bytes[faults[i].off] = faults[i].value;
		assert_int_equal(read_image(), -ENOEXEC);
	}
}

static void test_elf_image_lying_program_headers(void **state)
{
	(void)state;
	static const uint16_t counts[] = {0, 129, 0x7fff, 0xfffe, 0xffff};
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		make_image(ELFCLASS64, ELFDATA2LSB, 4);
		SET_EHDR(e_phnum, counts[i]);
		assert_int_equal(read_image(), -ENOEXEC);
	}
	for (size_t size = 0; size < 128; size++) {
		make_image(ELFCLASS64, ELFDATA2LSB, 4);
		SET_EHDR(e_phentsize, size);
		assert_int_equal(read_image(), size == sizeof(Elf64_Phdr) ? 0 : -ENOEXEC);
	}
	static const uint64_t offsets[] = {
		0x2fff, 0x3000, 1ull << 40, INT64_MAX, UINT64_MAX - 63, (uint64_t)-BASE};
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		make_image(ELFCLASS64, ELFDATA2LSB, 4);
		SET_EHDR(e_phoff, offsets[i]);
		assert_int_equal(read_image(), -EFAULT);
	}
	/* The most that are believed. */
	make_image(ELFCLASS64, ELFDATA2LSB, 4);
	memset(memory.bytes + sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Phdr), 0,
		125 * sizeof(Elf64_Phdr));
	SET_EHDR(e_phnum, 128);
	SET_PHDR(2, p_type, PT_NULL);
	assert_int_equal(read_image(), 0);
	assert_no_id(SNAP_BUILD_ID_NO_NOTE);
}

static void test_elf_image_without_loadable_segments(void **state)
{
	(void)state;
	make_image(ELFCLASS64, ELFDATA2LSB, 4);
	SET_PHDR(0, p_type, PT_NULL);
	SET_PHDR(1, p_type, PT_NULL);
	assert_int_equal(read_image(), -ENOEXEC);
	/* None that begins the file. */
	make_image(ELFCLASS64, ELFDATA2LSB, 4);
	SET_PHDR(0, p_type, PT_NULL);
	SET_PHDR(1, p_offset, 0x1000);
	assert_int_equal(read_image(), -ENOEXEC);
	/* Empty ones. */
	make_image(ELFCLASS64, ELFDATA2LSB, 4);
	SET_PHDR(0, p_memsz, 0);
	SET_PHDR(1, p_type, PT_NULL);
	assert_int_equal(read_image(), -ENOEXEC);
}

static void test_elf_image_segments_round_the_address_space(void **state)
{
	(void)state;
	static const uint64_t vaddrs[] = {0, VADDR, 1ull << 63, UINT64_MAX - 0xfff, UINT64_MAX};
	static const uint64_t sizes[] = {1, 0x1000, 1ull << 63, UINT64_MAX - VADDR, UINT64_MAX};
	for (size_t i = 0; i < 5; i++) {
		for (size_t j = 0; j < 5; j++) {
			for (size_t index = 0; index < 2; index++) {
				make_image(ELFCLASS64, ELFDATA2LSB, 4);
				SET_PHDR(index, p_vaddr, vaddrs[i]);
				SET_PHDR(index, p_memsz, sizes[j]);
				int r = read_image();
				assert_true(r == 0 || r == -ENOEXEC);
				if (r == 0)
					assert_true(image.start < image.end);
			}
		}
	}
}

static void test_elf_image_build_id_lengths(void **state)
{
	(void)state;
	for (uint32_t len = 0; len < 100; len++) {
		make_image(ELFCLASS64, ELFDATA2LSB, 4);
		put_build_id(len);
		assert_int_equal(read_image(), 0);
		if (len >= 1 && len <= SNAP_MAX_BUILD_ID) {
			assert_int_equal(image.status, SNAP_BUILD_ID_FOUND);
			assert_int_equal(image.build_id_len, len);
			for (uint32_t i = 0; i < len; i++)
				assert_int_equal(image.build_id[i], 0xab);
		} else {
			assert_no_id(SNAP_BUILD_ID_MALFORMED);
		}
	}
}

static void test_elf_image_other_notes_are_no_build_id(void **state)
{
	(void)state;
	make_image(ELFCLASS64, ELFDATA2LSB, 4);
	put_build_id(20);
	memory.bytes[NOTE_OFF + 12] = 'X';
	assert_int_equal(read_image(), 0);
	assert_no_id(SNAP_BUILD_ID_NO_NOTE);
	put_build_id(20);
	store(NOTE_OFF + 8, NT_GNU_ABI_TAG, 4);
	assert_int_equal(read_image(), 0);
	assert_no_id(SNAP_BUILD_ID_NO_NOTE);
	/* No notes at all. */
	SET_PHDR(2, p_filesz, 0);
	assert_int_equal(read_image(), 0);
	assert_no_id(SNAP_BUILD_ID_NO_NOTE);
}

/* libsnapcrash's note at off; distance: as its descriptor says. Returns where the next one goes. */
static size_t put_area_note(size_t off, uint32_t desc_len, uint32_t type, int32_t distance)
{
	store(off, 10, 4);
	store(off + 4, desc_len, 4);
	store(off + 8, type, 4);
	memcpy(memory.bytes + off + 12, "Snapcrash\0\0", 12);
	store(off + 24, (uint32_t)distance, 4);
	return off + 24 + (desc_len + 3) / 4 * 4;
}

static void test_elf_image_area_note(void **state)
{
	(void)state;
	static const int32_t distances[] = {0x1000, -8, 4, INT32_MAX, INT32_MIN};
	for (uint8_t elf_data = ELFDATA2LSB; elf_data <= ELFDATA2MSB; elf_data++) {
		for (size_t i = 0; i < sizeof(distances) / sizeof(distances[0]); i++) {
			make_image(ELFCLASS64, elf_data, 4);
			put_build_id(20);
			/* Behind the build ID, which does not end the search. */
			size_t end = put_area_note(NOTE_OFF + 36, 4, 1, distances[i]);
			SET_PHDR(2, p_filesz, end - NOTE_OFF);
			assert_int_equal(read_image(), 0);
			assert_int_equal(image.status, SNAP_BUILD_ID_FOUND);
			assert_true(
				image.area_pointer_addr ==
				memory.base + NOTE_OFF + 36 + 24 + (uint64_t)(int64_t)distances[i]);
		}
	}
	/* Before it; of another type; of another length; none. */
	make_image(ELFCLASS32, ELFDATA2LSB, 4);
	size_t end = put_area_note(NOTE_OFF, 4, 1, 16);
	SET_PHDR(2, p_filesz, end - NOTE_OFF);
	assert_int_equal(read_image(), 0);
	assert_no_id(SNAP_BUILD_ID_NO_NOTE);
	assert_true(image.area_pointer_addr == memory.base + NOTE_OFF + 24 + 16);
	(void)put_area_note(NOTE_OFF, 4, 2, 16);
	assert_int_equal(read_image(), 0);
	assert_true(image.area_pointer_addr == 0);
	(void)put_area_note(NOTE_OFF, 3, 1, 16);
	assert_int_equal(read_image(), 0);
	assert_true(image.area_pointer_addr == 0);
	make_image(ELFCLASS64, ELFDATA2LSB, 4);
	assert_int_equal(read_image(), 0);
	assert_found();
	assert_true(image.area_pointer_addr == 0);
}

static void test_elf_image_lying_notes(void **state)
{
	(void)state;
	static const uint32_t lies[] = {21, 0x1000, 0x7fffffff, 0xfffffff0, 0xffffffff};
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		make_image(ELFCLASS64, ELFDATA2LSB, 4);
		put_build_id(20);
		store(NOTE_OFF + 4, lies[i], 4);
		assert_int_equal(read_image(), 0);
		assert_no_id(SNAP_BUILD_ID_MALFORMED);
		put_build_id(20);
		store(NOTE_OFF, lies[i], 4);
		assert_int_equal(read_image(), 0);
		assert_no_id(SNAP_BUILD_ID_MALFORMED);
	}
}

static void test_elf_image_long_notes_are_read_in_part(void **state)
{
	(void)state;
	static const uint64_t sizes[] = {0x1001, 1ull << 32, UINT64_MAX};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		make_image(ELFCLASS64, ELFDATA2LSB, 4);
		SET_PHDR(2, p_filesz, sizes[i]);
		assert_int_equal(read_image(), 0);
		assert_found();
		assert_true(memory.most <= 8192);
	}
}

static void test_elf_image_long_notes_that_end_in_part_of_one(void **state)
{
	(void)state;
	/* It goes on behind what is read: no fault of the file's. */
	make_image(ELFCLASS64, ELFDATA2LSB, 4);
	store(NOTE_OFF + 4, 0x1800, 4);
	SET_PHDR(2, p_filesz, 0x1900);
	assert_int_equal(read_image(), 0);
	assert_no_id(SNAP_BUILD_ID_NO_NOTE);
}

static void test_elf_image_unreadable_notes(void **state)
{
	(void)state;
	make_image(ELFCLASS64, ELFDATA2LSB, 4);
	memory.hole = BASE + NOTE_OFF + 30;
	memory.error = -EIO;
	assert_int_equal(read_image(), 0);
	assert_no_id(SNAP_BUILD_ID_UNREADABLE);
	/* Cut off, rather than failing. */
	memory.hole = 0;
	memory.len = NOTE_OFF + 30;
	assert_int_equal(read_image(), 0);
	assert_no_id(SNAP_BUILD_ID_UNREADABLE);
	/* Elsewhere altogether. */
	memory.len = 0x3000;
	SET_PHDR(2, p_vaddr, UINT64_MAX - 10);
	assert_int_equal(read_image(), 0);
	assert_no_id(SNAP_BUILD_ID_UNREADABLE);
	/* A second segment of notes makes up for it. */
	make_image(ELFCLASS64, ELFDATA2LSB, 4);
	uint8_t notes[sizeof(Elf64_Phdr)];
	size_t off = sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr);
	memcpy(notes, memory.bytes + off, sizeof(notes));
	SET_PHDR(2, p_vaddr, UINT64_MAX - 10);
	memcpy(memory.bytes + off + sizeof(notes), notes, sizeof(notes));
	SET_EHDR(e_phnum, 4);
	assert_int_equal(read_image(), 0);
	assert_found();
}

static void test_elf_image_reads_that_fail_give_their_error(void **state)
{
	(void)state;
	make_image(ELFCLASS64, ELFDATA2LSB, 4);
	memory.error = -EPERM;
	memory.hole = BASE + 10;
	assert_int_equal(read_image(), -EPERM);
	memory.hole = BASE + sizeof(Elf64_Ehdr) + 10;
	assert_int_equal(read_image(), -EPERM);
}

static void test_elf_image_cut_at_each_byte(void **state)
{
	(void)state;
	size_t headers = sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Phdr);
	for (size_t len = 0; len < NOTE_OFF + 64; len++) {
		make_image(ELFCLASS64, ELFDATA2LSB, 4);
		memory.len = len;
		if (len < headers) {
			assert_int_equal(read_image(), -EFAULT);
		} else {
			assert_int_equal(read_image(), 0);
			if (len < NOTE_OFF + 64)
				assert_no_id(SNAP_BUILD_ID_UNREADABLE);
		}
	}
}

static void test_elf_image_random_damage(void **state)
{
	(void)state;
	srandom(6);
	for (int round = 0; round < 100000; round++) {
		make_image(random() & 1 ? ELFCLASS64 : ELFCLASS32,
			random() & 1 ? ELFDATA2LSB : ELFDATA2MSB, random() & 1 ? 4 : 8);
		for (long i = random() % 4; i >= 0; i--) {
			size_t off = (size_t)random() % 300;
			if (random() & 1)
				off = NOTE_OFF + off % 80;
			memory.bytes[off] ^= (uint8_t)(1u << random() % 8);
		}
		if (read_image() == 0) {
			assert_true(image.start < image.end);
			assert_true(image.build_id_len <= SNAP_MAX_BUILD_ID);
			assert_int_equal(
				image.build_id_len > 0, image.status == SNAP_BUILD_ID_FOUND);
		}
		assert_true(memory.most <= 8192);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elf_image_of_all_that_is_loaded_here),
		cmocka_unit_test(test_elf_image_no_header_there),
		cmocka_unit_test(test_elf_image_both_classes_and_byte_orders),
		cmocka_unit_test(test_elf_image_linked_above_where_it_is),
		cmocka_unit_test(test_elf_image_first_segment_does_not_begin_the_file),
		cmocka_unit_test(test_elf_image_what_is_no_elf_header),
		cmocka_unit_test(test_elf_image_lying_program_headers),
		cmocka_unit_test(test_elf_image_without_loadable_segments),
		cmocka_unit_test(test_elf_image_segments_round_the_address_space),
		cmocka_unit_test(test_elf_image_build_id_lengths),
		cmocka_unit_test(test_elf_image_other_notes_are_no_build_id),
		cmocka_unit_test(test_elf_image_area_note),
		cmocka_unit_test(test_elf_image_lying_notes),
		cmocka_unit_test(test_elf_image_long_notes_are_read_in_part),
		cmocka_unit_test(test_elf_image_long_notes_that_end_in_part_of_one),
		cmocka_unit_test(test_elf_image_unreadable_notes),
		cmocka_unit_test(test_elf_image_reads_that_fail_give_their_error),
		cmocka_unit_test(test_elf_image_cut_at_each_byte),
		cmocka_unit_test(test_elf_image_random_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
