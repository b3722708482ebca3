#include "analyze/variables/printer.h"

#include <string.h>

/* Of text: so many take as long to be looked at as an entry of debug information. */
#define BYTES_PER_ENTRY 256

void snap_print_escaped(struct snap_printer *p, uint32_t c, char quote)
{
	static const char from[] = "\a\b\t\n\v\f\r", to[] = "abtnvfr";
	const char *found = c > 0 && c < 128 ? strchr(from, (int)c) : NULL;
	if (c == (unsigned char)quote || c == '\\')
		snap_text_addf(p->text, "\\%c", (char)c);
	else if (found)
		snap_text_addf(p->text, "\\%c", to[found - from]);
	else if (c >= 0x20 && c < 0x7f)
		snap_text_addf(p->text, "%c", (char)c);
	else
		snap_text_addf(p->text, c > 255 ? "\\x%x" : "\\%03o", c);
}

/* What gdb makes of runs: "ab", 'c' <repeats 20 times>, "d". */
void snap_print_characters(struct snap_printer *p, const uint8_t *bytes, size_t len, bool goes_on)
{
	bool in_quotes = false, any = false;
	for (size_t i = 0; i < len && !p->text->is_cut;) {
		size_t run = 1;
		while (i + run < len && bytes[i + run] == bytes[i])
			run++;
		if (run > SNAP_PRINT_REPEATS) {
			snap_text_add(p->text, in_quotes ? "\", '" : any ? ", '" : "'");
			snap_print_escaped(p, bytes[i], '\'');
			snap_text_addf(p->text, "' <repeats %zu times>", run);
			in_quotes = false;
			i += run;
		} else {
			if (!in_quotes)
				snap_text_add(p->text, any ? ", \"" : "\"");
			in_quotes = true;
			/* A digit behind an octal number is no part of it: that has three. */
			snap_print_escaped(p, bytes[i++], '"');
		}
		any = true;
	}
	snap_text_add(p->text, in_quotes ? "\"" : any ? "" : "\"\"");
	if (goes_on)
		snap_text_add(p->text, "...");
}

void snap_print_string_at(struct snap_printer *p, uint64_t addr)
{
	uint8_t bytes[SNAP_PRINT_MAX_ELEMENTS + 1];
	size_t len = snap_view_read(p->view, addr, bytes, sizeof(bytes));
	const uint8_t *nul = len > 0 ? memchr(bytes, '\0', len) : NULL;
	if (!nul && len <= SNAP_PRINT_MAX_ELEMENTS)
		p->counts.num[SNAP_BITS_NOT_CAPTURED]++;
	if (len == 0) {
		snap_text_add(p->text, " <not captured>");
		return;
	}
	snap_text_add(p->text, " ");
	if (nul)
		snap_print_characters(p, bytes, (size_t)(nul - bytes), false);
	else
		snap_print_characters(p, bytes,
			len > SNAP_PRINT_MAX_ELEMENTS ? SNAP_PRINT_MAX_ELEMENTS : len, true);
	if (!nul && len <= SNAP_PRINT_MAX_ELEMENTS)
		snap_text_add(p->text, " <not captured further>");
}

void snap_print_text(struct snap_printer *p, const struct snap_source *source, uint64_t off,
	uint64_t count, bool is_counted)
{
	uint8_t bytes[SNAP_PRINT_MAX_LOOKED_AT];
	size_t len = count > sizeof(bytes) ? sizeof(bytes) : (size_t)count;
	uint64_t *left = &p->view->views->left.entries, cost = len / BYTES_PER_ENTRY;
	*left -= cost < *left ? cost : *left;
	enum snap_bits bits = snap_printer_peek(p, source, off, bytes, len);
	bool goes_on = false;
	if (bits != SNAP_BITS_KNOWN && len > SNAP_PRINT_MAX_ELEMENTS) {
		len = SNAP_PRINT_MAX_ELEMENTS;
		goes_on = true;
		bits = snap_printer_peek(p, source, off, bytes, len);
	}
	if (bits != SNAP_BITS_KNOWN && source->in_memory) {
		/* What there is at its beginning. */
		size_t have = snap_view_read(p->view, source->addr + off, bytes, len);
		if (have > 0) {
			p->counts.num[SNAP_BITS_KNOWN]++;
			snap_print_characters(p, bytes, have, true);
			snap_text_add(p->text, " ");
			off += have;
		}
	}
	if (bits != SNAP_BITS_KNOWN) {
		snap_printer_lack(p, bits, source, off);
		return;
	}
	p->counts.num[SNAP_BITS_KNOWN]++;
	/* The NUL at the end is no news. What repeats itself counts less. */
	bool has_nul = !is_counted && len > 0 && bytes[len - 1] == '\0';
	if (len == count && has_nul)
		len--;
	size_t shown = 0, listed = 0;
	while (shown < len && listed < SNAP_PRINT_MAX_ELEMENTS) {
		size_t run = 1;
		while (shown + run < len && bytes[shown + run] == bytes[shown])
			run++;
		listed += run > SNAP_PRINT_REPEATS ? SNAP_PRINT_REPEATS : run;
		shown += run;
	}
	if (listed > SNAP_PRINT_MAX_ELEMENTS && shown > listed - SNAP_PRINT_MAX_ELEMENTS)
		shown -= listed - SNAP_PRINT_MAX_ELEMENTS;
	snap_print_characters(p, bytes, shown, goes_on || shown < len || len + 1 < count);
}
