#include "analyze/convert/export.h"

#include <elf.h>

#include "analyze/convert/message_memory.h"
#include "analyze/convert/module_heads.h"
#include "common/core_marks.h"
#include "common/elf_load.h"

/* Captured memory first: where ranges overlap it keeps its bytes. */
static int collect(struct snap_crash *crash, struct snap_memory *memory,
	struct snap_module_list_report *ret, struct snap_error *err)
{
	for (size_t i = 0; i < crash->memory.num_segments; i++)
		if (snap_memory_add(memory, &crash->memory.segments[i], err) < 0)
			return -1;
	if (snap_message_memory_add(crash, memory, err) < 0 ||
		snap_module_heads_add(crash, memory, err) < 0 ||
		snap_module_list_add(crash, memory, ret, err) < 0)
		return -1;
	return snap_memory_finish(memory, err);
}

/* The note about ranges that were not captured. */
static void add_synthetic_note(
	struct snap_crash *crash, const struct snap_memory *memory, struct snap_elf_build *notes)
{
	struct snap_elf_build ranges;
	snap_elf_build_init(&ranges, notes->elf_class, notes->elf_data);
	for (size_t i = 0; i < memory->num_segments; i++) {
		const struct snap_memory_segment *segment = &memory->segments[i];
		if (snap_memory_find(&crash->memory, segment->start))
			continue;
		snap_elf_build_number(&ranges, segment->start, 8);
		snap_elf_build_number(&ranges, segment->start + segment->len, 8);
	}
	snap_core_note_add(
		notes, SNAP_NOTE_NAME, SNAP_NOTE_SYNTHETIC, snap_bytes(ranges.data, ranges.len));
	notes->failed |= ranges.failed;
	snap_elf_build_deinit(&ranges);
}

static void add_mappings_note(const struct snap_crash *crash, struct snap_elf_build *notes)
{
	struct snap_elf_build entries;
	snap_elf_build_init(&entries, notes->elf_class, notes->elf_data);
	for (size_t i = 0; i < crash->num_mappings; i++) {
		snap_elf_build_number(&entries, crash->mappings[i].start, 8);
		snap_elf_build_number(&entries, crash->mappings[i].end, 8);
		snap_elf_build_number(&entries, snap_core_flags(&crash->mappings[i]), 8);
	}
	snap_core_note_add(
		notes, SNAP_NOTE_NAME, SNAP_NOTE_MAPPINGS, snap_bytes(entries.data, entries.len));
	notes->failed |= entries.failed;
	snap_elf_build_deinit(&entries);
}

/* e_flags of the executable, which say which ABI of the machine it is. */
static uint32_t find_flags(struct snap_crash *crash, struct snap_memory *memory)
{
	uint8_t ehdr[sizeof(Elf64_Ehdr)];
	const struct snap_arch *arch = crash->arch;
	size_t len = arch->elf_class == ELFCLASS64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	for (size_t i = 0; i < crash->num_modules; i++)
		if (snap_memory_read_all(memory, crash->modules[i].record.start, ehdr, len) &&
			memcmp(ehdr, ELFMAG, SELFMAG) == 0 && ehdr[EI_CLASS] == arch->elf_class)
			return (uint32_t)SNAP_ELF_CLASS_MEMBER(
				ehdr, Ehdr, e_flags, arch->elf_class, arch->elf_data);
	return 0;
}

static int write_with(struct snap_crash *crash, struct snap_memory *memory,
	struct snap_elf_build *notes, FILE *out, struct snap_export_report *report,
	struct snap_error *err)
{
	if (collect(crash, memory, &report->module_list, err) < 0)
		return -1;
	snap_core_notes_build(crash, notes, &report->notes);
	add_mappings_note(crash, notes);
	add_synthetic_note(crash, memory, notes);
	if (notes->failed)
		return snap_error_no_memory(err);
	/* Segments of a core may all name the same bytes: no core from it is longer than that. */
	uint64_t synthetic = 0;
	for (size_t i = 0; i < memory->num_segments; i++)
		if (!snap_memory_find(&crash->memory, memory->segments[i].start))
			synthetic += memory->segments[i].len;
	const struct snap_core_contents contents = {
		.arch = crash->arch,
		.elf_flags = find_flags(crash, memory),
		.notes = snap_bytes(notes->data, notes->len),
		.memory = memory,
		.mappings = crash->mappings,
		.num_mappings = crash->num_mappings,
		.max_memory_bytes = crash->file_bytes + synthetic,
	};
	return snap_core_file_write(out, &contents, &report->core, err);
}

int snap_export(
	struct snap_crash *crash, FILE *out, struct snap_export_report *ret, struct snap_error *err)
{
	if (!crash->arch)
		return snap_error_set(err, SNAP_ERROR_UNSUPPORTED,
			"its machine is not known, or not one that leaves ELF cores");
	if (crash->device.is_device)
		return snap_error_set(err, SNAP_ERROR_UNSUPPORTED,
			"it is a microcontroller's, and these leave no ELF cores");
	struct snap_memory memory;
	struct snap_elf_build notes;
	struct snap_export_report report = {0};
	snap_memory_init(&memory);
	snap_elf_build_init(&notes, crash->arch->elf_class, crash->arch->elf_data);
	int r = write_with(crash, &memory, &notes, out, &report, err);
	snap_elf_build_deinit(&notes);
	snap_memory_deinit(&memory);
	if (r == 0)
		*ret = report;
	return r;
}
