/*
 * What the crashing thread's registers point to, and the memory round there, as words and as
 * characters.
 */
#include "analyze/report/text_parts.h"

#include <elf.h>
#include <inttypes.h>
#include <string.h>

#include "analyze/report/words.h"
#include "common/arch.h"
#include "common/words.h"

#define LINE SNAP_VICINITY_LINE
/* Names are padded to the longest, but to no more. */
#define NAME_COLUMNS 28

static void print_pointers(const struct snap_text *p)
{
	const struct snap_crash *crash = p->crash;
	int digits = 2 * (int)snap_arch_word(crash->arch), width = 0;
	for (size_t i = 0; i < crash->num_pointers; i++)
		if ((int)strlen(crash->pointers[i].reg) > width)
			width = (int)strlen(crash->pointers[i].reg);
	for (size_t i = 0; i < crash->num_pointers; i++) {
		const struct snap_pointer *pointer = &crash->pointers[i];
		(void)fprintf(p->out, "  %*s %0*" PRIx64 "  ", width, pointer->reg, digits,
			pointer->value);
		snap_print_str(p->out, pointer->words);
		(void)fputc('\n', p->out);
	}
}

/* A word as the machine reads it; '-' for what was not captured. */
static void print_words(const struct snap_text *p, const struct snap_memory_line *line)
{
	const struct snap_arch *arch = p->crash->arch;
	unsigned int word = snap_arch_word(arch);
	for (unsigned int i = 0; i < LINE; i += word) {
		unsigned int all = ((1u << word) - 1) << i;
		if ((line->known & all) == all) {
			(void)fprintf(p->out, " %0*" PRIx64, 2 * (int)word,
				snap_arch_load(arch, line->bytes + i, word));
			continue;
		}
		(void)fputc(' ', p->out);
		for (unsigned int j = 0; j < word; j++) {
			unsigned int at = arch->elf_data == ELFDATA2LSB ? i + word - 1 - j : i + j;
			if (line->known & 1u << at)
				(void)fprintf(p->out, "%02x", line->bytes[at]);
			else
				(void)fputs("--", p->out);
		}
	}
}

static void print_line(const struct snap_text *p, const struct snap_memory_line *line)
{
	const struct snap_crash *crash = p->crash;
	int digits = 2 * (int)snap_arch_word(crash->arch);
	/* Of 64 bits programs have 48 or so. */
	(void)fprintf(p->out, "  %0*" PRIx64, digits > 12 && line->addr >> 48 == 0 ? 12 : digits,
		line->addr);
	print_words(p, line);
	(void)fputs("  ", p->out);
	for (unsigned int i = 0; i < LINE; i++) {
		uint8_t byte = line->known & 1u << i ? line->bytes[i] : ' ';
		(void)fputc(byte >= 0x20 && byte < 0x7f ? byte : '.', p->out);
	}
	const char *separator = "  <- ";
	for (size_t i = 0; i < crash->num_pointers; i++)
		if (crash->pointers[i].value - line->addr < LINE) {
			(void)fprintf(p->out, "%s%s", separator, crash->pointers[i].reg);
			separator = " ";
		}
	(void)fputc('\n', p->out);
}

static bool is_pointed_at(const struct snap_crash *crash, const struct snap_memory_line *line)
{
	for (size_t i = 0; i < crash->num_pointers; i++)
		if (crash->pointers[i].value - line->addr < LINE)
			return true;
	return false;
}

/* How many lines from line i on are the same; those with a mark stand for themselves. */
static size_t count_same(const struct snap_crash *crash, size_t i)
{
	const struct snap_memory_line *first = &crash->vicinity[i];
	size_t num = 1;
	while (i + num < crash->num_vicinity && first[num].addr == first->addr + num * LINE &&
		first[num].known == first->known &&
		memcmp(first[num].bytes, first->bytes, LINE) == 0 &&
		!is_pointed_at(crash, &first[num]))
		num++;
	return num > 2 ? num : 1;
}

/* What the program has named; "dump --memory" has the bytes. */
static void print_regions(const struct snap_text *p)
{
	const struct snap_crash *crash = p->crash;
	size_t num = crash->num_regions < SNAP_TEXT_LISTED ? crash->num_regions : SNAP_TEXT_LISTED;
	char name[SNAP_PRINT_MAX + 4], number[32];
	int width = 0;
	if (num > 0)
		snap_text_heading(p, crash->device.is_device ? "Memory that the firmware named"
							     : "Memory that the program named");
	for (size_t i = 0; i < num; i++) {
		int len = (int)snap_print_to(crash->regions[i].name, name);
		if (len > width)
			width = len < NAME_COLUMNS ? len : NAME_COLUMNS;
	}
	for (size_t i = 0; i < num; i++) {
		const struct snap_memory_range *region = &crash->regions[i];
		(void)snap_print_to(region->name, name);
		(void)fprintf(p->out, "  %-*s  0x%08" PRIx64 ", %s byte%s\n", width, name,
			region->address, snap_number_words(region->data.len, number),
			region->data.len == 1 ? "" : "s");
	}
	if (crash->num_regions > num)
		(void)fprintf(p->out, "  ... and %zu more (snapanalyze json has all)\n",
			crash->num_regions - num);
}

void snap_text_memory(const struct snap_text *p)
{
	const struct snap_crash *crash = p->crash;
	print_regions(p);
	if (crash->num_pointers == 0)
		return;
	snap_text_heading(p, "What the registers point to");
	print_pointers(p);
	if (crash->num_vicinity > 0)
		snap_text_heading(p, "Memory there");
	for (size_t i = 0; i < crash->num_vicinity && !ferror(p->out);) {
		size_t num = count_same(crash, i);
		if (i > 0 && crash->vicinity[i].addr - crash->vicinity[i - 1].addr != LINE)
			(void)fputc('\n', p->out);
		print_line(p, &crash->vicinity[i]);
		if (num > 1)
			(void)fprintf(p->out, "  %s... the same, %zu times more%s\n",
				p->colors.faint, num - 1, p->colors.end);
		i += num;
	}
}
