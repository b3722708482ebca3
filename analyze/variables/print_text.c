#include "analyze/variables/printer.h"

#include <string.h>

#include "common/escape.h"

/* Of text: so many take as long to be looked at as an entry of debug information. */
#define BYTES_PER_ENTRY 256

/* Characters that Unicode has set aside (23.7): they stand for nothing. */
static bool is_noncharacter(uint32_t c)
{
	return (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef);
}

bool snap_print_character(
	struct snap_printer *p, const struct snap_character *of, uint32_t c, char quote)
{
	static const char from[] = "\a\b\t\n\v\f\r", to[] = "abtnvfr";
	const char *found = c > 0 && c < 128 ? strchr(from, (int)c) : NULL;
	char utf8[5] = "";
	if (c == (unsigned char)quote || c == '\\') {
		snap_text_addf(p->text, "\\%c", (char)c);
	} else if (found) {
		snap_text_addf(p->text, "\\%c", to[found - from]);
	} else if (c >= 0x20 && c < 0x7f) {
		snap_text_addf(p->text, "%c", (char)c);
	} else if (of->size > 1 && !snap_character_is_unsafe(c) && !is_noncharacter(c) &&
		   snap_utf8_encode(c, (uint8_t *)utf8) > 0) {
		snap_text_add(p->text, utf8);
	} else {
		snap_text_addf(p->text, c > 255 ? "\\x%x" : "\\%03o", c);
		return c > 255;
	}
	return false;
}

/* ---------------------------------------------------------------- strings */

/* What was captured of a text. */
struct letters {
	const struct snap_arch *arch;
	const struct snap_character *of;
	const uint8_t *bytes;
	size_t num; /* of units: what is as large as a character */
};

static uint32_t unit_at(const struct letters *letters, size_t i)
{
	unsigned int size = letters->of->size;
	return size == 1 ? letters->bytes[i]
			 : (uint32_t)snap_arch_load(letters->arch, letters->bytes + i * size, size);
}

/* Whether unit number i is the first half of a character, and the next one the other (UTF-16). */
static bool is_pair(const struct letters *letters, size_t i)
{
	return letters->of->size == 2 && i + 1 < letters->num &&
	       (unit_at(letters, i) & 0xfc00) == 0xd800 &&
	       (unit_at(letters, i + 1) & 0xfc00) == 0xdc00;
}

/* How often the character at unit number i stands there. */
static size_t count_run(
	const struct letters *letters, size_t i, uint32_t *ret_code, size_t *ret_num_units)
{
	uint32_t first = unit_at(letters, i), second = 0;
	size_t num = is_pair(letters, i) ? 2 : 1, run = 1;
	if (num == 2)
		second = unit_at(letters, i + 1);
	for (size_t at = i + num;
		at + num <= letters->num && unit_at(letters, at) == first &&
		(num == 1 ? !is_pair(letters, at) : unit_at(letters, at + 1) == second);
		at += num)
		run++;
	*ret_code = num == 2 ? 0x10000 + ((first & 0x3ff) << 10 | (second & 0x3ff)) : first;
	*ret_num_units = num;
	return run;
}

/* Whether the last unit is the first half of a character. */
static bool ends_with_half(const struct letters *letters)
{
	return letters->of->size == 2 && letters->num > 0 &&
	       (unit_at(letters, letters->num - 1) & 0xfc00) == 0xd800;
}

static bool is_hex_digit(uint32_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/*
 * What gdb makes of runs: "ab", 'c' <repeats 20 times>, "d". goes_on: what is there is only the
 * beginning.
 */
static void print_letters(struct snap_printer *p, const struct letters *letters, bool goes_on)
{
	bool in_quotes = false, any = false, is_open = false;
	snap_text_add(p->text, letters->of->prefix);
	for (size_t i = 0; i < letters->num && !p->text->is_cut;) {
		uint32_t c;
		size_t num_units, run = count_run(letters, i, &c, &num_units);
		if (run > SNAP_PRINT_REPEATS) {
			snap_text_add(p->text, in_quotes ? "\", '" : any ? ", '" : "'");
			(void)snap_print_character(p, letters->of, c, '\'');
			snap_text_addf(p->text, "' <repeats %zu times>", run);
			in_quotes = is_open = false;
			i += run * num_units;
		} else {
			if (!in_quotes)
				snap_text_add(p->text, any ? ", \"" : "\"");
			in_quotes = true;
			/* A digit behind an octal number is no part of it: that has three. */
			if (is_open && is_hex_digit(c)) {
				snap_text_addf(p->text, "\\%03o", c);
				is_open = false;
			} else {
				is_open = snap_print_character(p, letters->of, c, '"');
			}
			i += num_units;
		}
		any = true;
	}
	snap_text_add(p->text, in_quotes ? "\"" : any ? "" : "\"\"");
	if (goes_on)
		snap_text_add(p->text, "...");
}

void snap_print_string_at(struct snap_printer *p, const struct snap_character *of, uint64_t addr)
{
	uint8_t bytes[(SNAP_PRINT_MAX_ELEMENTS + 1) * 4];
	size_t len = snap_view_read(
		p->view, addr, bytes, (SNAP_PRINT_MAX_ELEMENTS + 1) * (size_t)of->size);
	struct letters letters = {p->view->arch, of, bytes, len / of->size};
	size_t nul = 0;
	while (nul < letters.num && unit_at(&letters, nul) != 0)
		nul++;
	bool has_nul = nul < letters.num;
	bool is_long = letters.num > SNAP_PRINT_MAX_ELEMENTS;
	if (!has_nul && !is_long)
		p->counts.num[SNAP_BITS_NOT_CAPTURED]++;
	if (letters.num == 0) {
		snap_text_add(p->text, " <not captured>");
		return;
	}
	snap_text_add(p->text, " ");
	if (has_nul)
		letters.num = nul;
	else if (is_long)
		letters.num =
			SNAP_PRINT_MAX_ELEMENTS - is_pair(&letters, SNAP_PRINT_MAX_ELEMENTS - 1);
	print_letters(p, &letters, !has_nul);
	if (!has_nul && !is_long)
		snap_text_add(p->text, " <not captured further>");
}

/* How many units are shown: what repeats itself counts less. */
static size_t count_shown(const struct letters *letters)
{
	size_t shown = 0, listed = 0;
	while (shown < letters->num) {
		uint32_t c;
		size_t num_units, run = count_run(letters, shown, &c, &num_units);
		size_t counts = run > SNAP_PRINT_REPEATS ? SNAP_PRINT_REPEATS : run;
		if (listed + counts > SNAP_PRINT_MAX_ELEMENTS)
			return shown + (SNAP_PRINT_MAX_ELEMENTS - listed) * num_units;
		listed += counts;
		shown += run * num_units;
	}
	return shown;
}

void snap_print_text(struct snap_printer *p, const struct snap_character *of,
	const struct snap_source *source, uint64_t off, uint64_t count, bool is_counted)
{
	uint8_t bytes[SNAP_PRINT_MAX_LOOKED_AT];
	size_t size = of->size, max = sizeof(bytes) / size;
	struct letters letters = {p->view->arch, of, bytes, count > max ? max : (size_t)count};
	uint64_t *left = &p->view->views->left.entries, cost = letters.num * size / BYTES_PER_ENTRY;
	*left -= cost < *left ? cost : *left;
	enum snap_bits bits = snap_printer_peek(p, source, off, bytes, letters.num * size);
	bool goes_on = letters.num < count;
	if (bits != SNAP_BITS_KNOWN && letters.num > SNAP_PRINT_MAX_ELEMENTS) {
		letters.num = SNAP_PRINT_MAX_ELEMENTS;
		goes_on = true;
		bits = snap_printer_peek(p, source, off, bytes, letters.num * size);
	}
	if (bits != SNAP_BITS_KNOWN && source->in_memory) {
		/* What there is at its beginning. */
		letters.num =
			snap_view_read(p->view, source->addr + off, bytes, letters.num * size) /
			size;
		if (letters.num > 0) {
			p->counts.num[SNAP_BITS_KNOWN]++;
			print_letters(p, &letters, true);
			snap_text_add(p->text, " ");
			off += letters.num * size;
		}
	}
	if (bits != SNAP_BITS_KNOWN) {
		snap_printer_lack(p, bits, source, off);
		return;
	}
	p->counts.num[SNAP_BITS_KNOWN]++;
	if (goes_on && ends_with_half(&letters))
		letters.num--;
	/* The NUL at the end is no news. */
	if (!is_counted && letters.num == count && count > 0 &&
		unit_at(&letters, letters.num - 1) == 0)
		letters.num--;
	size_t shown = count_shown(&letters);
	goes_on |= shown < letters.num;
	letters.num = shown;
	print_letters(p, &letters, goes_on);
}
