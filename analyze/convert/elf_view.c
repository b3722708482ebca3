#include "analyze/convert/elf_view.h"

#include "analyze/symbols/object.h"
#include "common/elf_load.h"

/* More than any linker makes. */
#define MAX_PHDRS 128u
/* Linkers put the program headers right behind the header. */
#define MAX_PHOFF (64u << 10)

static bool is_wide(const struct snap_elf_view *view)
{
	return view->crash->arch->elf_class == ELFCLASS64;
}

#define EHDR(view, member)                                                                         \
	SNAP_ELF_CLASS_MEMBER((view)->ehdr, Ehdr, member, (view)->crash->arch->elf_class,          \
		(view)->crash->arch->elf_data)
#define PHDR(view, bytes, member)                                                                  \
	SNAP_ELF_CLASS_MEMBER(bytes, Phdr, member, (view)->crash->arch->elf_class,                 \
		(view)->crash->arch->elf_data)

bool snap_elf_view_read(const struct snap_elf_view *view, uint64_t addr, void *buf, size_t len)
{
	const struct snap_crash_module *module = view->module;
	if (snap_memory_read_all(&view->crash->memory, addr, buf, len))
		return true;
	return module->object && module->record.has_load_bias &&
	       snap_object_read(module->object, addr - module->record.load_bias, buf, len) == len;
}

bool snap_elf_view_open(
	struct snap_crash *crash, const struct snap_crash_module *module, struct snap_elf_view *ret)
{
	struct snap_elf_view view = {.crash = crash, .module = module};
	view.ehdr_len = is_wide(&view) ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	if (!snap_elf_view_read(&view, module->record.start, view.ehdr, view.ehdr_len) ||
		memcmp(view.ehdr, ELFMAG, SELFMAG) != 0 ||
		view.ehdr[EI_CLASS] != crash->arch->elf_class ||
		view.ehdr[EI_DATA] != crash->arch->elf_data)
		return false;
	view.phoff = EHDR(&view, e_phoff);
	view.phdr_len = is_wide(&view) ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	view.num_phdrs = EHDR(&view, e_phnum);
	if (EHDR(&view, e_phentsize) != view.phdr_len || view.num_phdrs > MAX_PHDRS ||
		view.phoff > MAX_PHOFF)
		return false;
	*ret = view;
	return true;
}

bool snap_elf_view_segment(const struct snap_elf_view *view, size_t i, struct snap_elf_segment *ret)
{
	uint8_t bytes[sizeof(Elf64_Phdr)];
	uint64_t addr = view->module->record.start + view->phoff + i * view->phdr_len;
	if (i >= view->num_phdrs || !snap_elf_view_read(view, addr, bytes, view->phdr_len))
		return false;
	*ret = (struct snap_elf_segment){
		.type = (uint32_t)PHDR(view, bytes, p_type),
		.flags = (uint32_t)PHDR(view, bytes, p_flags),
		.offset = PHDR(view, bytes, p_offset),
		.vaddr = PHDR(view, bytes, p_vaddr),
		.filesz = PHDR(view, bytes, p_filesz),
		.memsz = PHDR(view, bytes, p_memsz),
	};
	return true;
}

bool snap_elf_view_find(
	const struct snap_elf_view *view, uint32_t type, struct snap_elf_segment *ret)
{
	struct snap_elf_segment segment;
	for (size_t i = 0; snap_elf_view_segment(view, i, &segment); i++)
		if (segment.type == type) {
			*ret = segment;
			return true;
		}
	return false;
}
