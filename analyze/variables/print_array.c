#include "analyze/variables/printer.h"

#include <inttypes.h>
#include <string.h>

/* An array of one dimension or more, the outermost first. */
struct rows {
	unsigned int num_dimensions;
	uint64_t counts[SNAP_MAX_DIMENSIONS], lens[SNAP_MAX_DIMENSIONS];
	const struct snap_character
		*text; /* the innermost dimension is such, side by side; or NULL */
};

/* What stands one after the other: elements, or arrays that are elements of another. */
struct row {
	struct snap_die type;	 /* of the elements */
	const struct rows *rows; /* NULL: these are elements */
	unsigned int dimension;	 /* of rows; the last one's are elements */
	uint64_t count, len;	 /* len: bytes from one to the next */
	const struct snap_source *source;
	uint64_t off; /* of the first one */
	int depth;
};

static void print_row(struct snap_printer *p, const struct row *row);

/* Dimension number `dimension`, and those within it. */
static void print_dimension(
	struct snap_printer *p, const struct row *outer, unsigned int dimension, uint64_t off)
{
	const struct rows *rows = outer->rows;
	struct row row = *outer;
	if (dimension + 1 == rows->num_dimensions && rows->text) {
		snap_print_text(p, rows->text, row.source, off, rows->counts[dimension], false);
		return;
	}
	row.dimension = dimension;
	row.count = rows->counts[dimension];
	row.len = rows->lens[dimension];
	row.off = off;
	row.depth = outer->depth + (dimension > 0);
	print_row(p, &row);
}

static void print_one(struct snap_printer *p, const struct row *row, uint64_t i)
{
	uint64_t off = row->off + i * row->len;
	uint64_t *left = &p->view->views->left.entries;
	p->num_virtual_bases = 0;
	if (row->rows && row->dimension + 1 < row->rows->num_dimensions) {
		/* Those of arrays without elements take no other work. */
		*left -= *left > 0;
		print_dimension(p, row, row->dimension + 1, off);
	} else {
		snap_print_type(p, row->type, row->source, off, row->depth + 1);
	}
}

/* How many from number i on read as the text that stands at `first` does. */
static uint64_t count_same(
	struct snap_printer *p, const struct row *row, uint64_t i, size_t first, size_t len)
{
	uint64_t num = 0;
	for (; i < row->count && i < SNAP_PRINT_MAX_LOOKED_AT && p->view->views->left.entries > 0;
		i++, num++) {
		size_t at = p->text->len;
		struct snap_print_counts counts = p->counts;
		print_one(p, row, i);
		if (p->text->is_cut)
			break;
		bool is_same = p->text->len - at == len &&
			       memcmp(p->text->data + at, p->text->data + first, len) == 0;
		snap_text_rewind(p->text, at);
		if (!is_same) {
			p->counts = counts;
			break;
		}
	}
	return num;
}

static void print_row(struct snap_printer *p, const struct row *row)
{
	if (row->depth >= SNAP_PRINT_MAX_DEPTH) {
		snap_text_add(p->text, "{...}");
		return;
	}
	snap_text_add(p->text, "{");
	size_t last = 0, last_len = 0, repeats = 0, listed = 0;
	for (uint64_t i = 0; i < row->count && !p->text->is_cut; i++) {
		size_t begun = p->text->len;
		if (i == SNAP_PRINT_MAX_LOOKED_AT || row->len == 0 ||
			listed >= SNAP_PRINT_MAX_ELEMENTS || p->view->views->left.entries == 0) {
			snap_text_add(p->text, "...");
			break;
		}
		if (i > 0)
			snap_text_add(p->text, ", ");
		size_t here = p->text->len;
		struct snap_print_counts counts = p->counts;
		print_one(p, row, i);
		size_t here_len = p->text->len - here;
		bool is_same = i > 0 && !p->text->is_cut && here_len == last_len &&
			       memcmp(p->text->data + here, p->text->data + last, here_len) == 0;
		/* Where the captured part ends, is said once. */
		if (row->source->in_memory &&
			counts.num[SNAP_BITS_NOT_CAPTURED] <
				p->counts.num[SNAP_BITS_NOT_CAPTURED] &&
			counts.num[SNAP_BITS_KNOWN] == p->counts.num[SNAP_BITS_KNOWN]) {
			if (i + 1 < row->count)
				snap_text_add(p->text, "...");
			break;
		}
		if (!is_same) {
			repeats = 0;
			last = here;
			last_len = here_len;
			listed++;
			continue;
		}
		/* The last one's text stands there once, and perhaps how often. */
		repeats++;
		listed += repeats < SNAP_PRINT_REPEATS;
		if (repeats < SNAP_PRINT_REPEATS)
			continue;
		/* Back to behind the first of the run. */
		snap_text_rewind(p->text, begun);
		uint64_t more = count_same(p, row, i + 1, last, last_len);
		uint64_t run = repeats + 1 + more;
		i += more;
		snap_text_rewind(p->text, last + last_len);
		snap_text_addf(p->text, " <repeats %" PRIu64 " times>", run);
		repeats = 0;
		last_len = SIZE_MAX; /* what follows is another */
	}
	snap_text_add(p->text, "}");
}

void snap_print_elements(struct snap_printer *p, const struct snap_print_elements *elements,
	const struct snap_source *source, uint64_t off, int depth)
{
	const struct row row = {
		.type = elements->type,
		.count = elements->count,
		.len = elements->len,
		.source = source,
		.off = off,
		.depth = depth,
	};
	print_row(p, &row);
}

/* ---------------------------------------------------------------- arrays and strings */

bool snap_printer_shape(struct snap_printer *p, const struct snap_type *type,
	const struct snap_source *source, uint64_t off, struct snap_shape *ret,
	struct snap_source *ret_source, uint64_t *ret_off)
{
	struct snap_subject subject = {.addr = source->addr + off};
	struct snap_source lack = {0};
	if (!source->in_memory) {
		uint64_t from = off < source->len ? off : source->len;
		subject = (struct snap_subject){.addr = snap_subject_nowhere(p->view),
			.bytes = source->bytes + from,
			.states = source->states + from,
			.len = source->len - from};
	}
	snap_shape_read(p->view, type, &subject, ret);
	*ret_source = *source;
	*ret_off = off;
	switch (ret->state) {
	case SNAP_SHAPE_KNOWN:
		break;
	case SNAP_SHAPE_NOT_ALLOCATED:
	case SNAP_SHAPE_NOT_ASSOCIATED:
		p->counts.num[SNAP_BITS_KNOWN]++;
		snap_text_add(p->text, ret->state == SNAP_SHAPE_NOT_ALLOCATED ? "<not allocated>"
									      : "<not associated>");
		return false;
	case SNAP_SHAPE_LACKS:
		lack.in_memory = ret->lack.has_address;
		lack.addr = ret->lack.address;
		lack.why = ret->lack.why ? ret->lack.why : source->why;
		snap_printer_lack(p, ret->lack.bits, &lack, 0);
		return false;
	}
	for (unsigned int i = 0; i < ret->num_dimensions; i++)
		if (!ret->dimensions[i].has_count) {
			snap_text_add(p->text, "<of unknown length>");
			p->counts.num[SNAP_BITS_KNOWN]++;
			return false;
		}
	if (ret->is_elsewhere) {
		*ret_source = (struct snap_source){.in_memory = true, .addr = ret->addr};
		*ret_off = 0;
	}
	return true;
}

void snap_print_array(struct snap_printer *p, const struct snap_type *type,
	const struct snap_source *source, uint64_t off, int depth)
{
	struct snap_shape shape;
	struct snap_source elements;
	struct snap_type element;
	if (!snap_printer_shape(p, type, source, off, &shape, &elements, &off))
		return;
	snap_type_read(p->view, type->target, &element);
	struct rows rows = {.num_dimensions = shape.num_dimensions};
	uint64_t len = snap_type_size(p->view, &element);
	for (unsigned int i = shape.num_dimensions; i-- > 0;) {
		const struct snap_dimension *dimension = &shape.dimensions[i];
		rows.counts[i] = dimension->count;
		rows.lens[i] = dimension->stride ? (uint64_t)dimension->stride : len;
		if (__builtin_mul_overflow(rows.lens[i], dimension->count, &len))
			len = 0;
	}
	const struct row row = {
		.type = type->target, .rows = &rows, .source = &elements, .depth = depth};
	if (shape.num_dimensions == 0 && depth >= SNAP_PRINT_MAX_DEPTH) {
		snap_text_add(p->text, "{...}");
		return;
	}
	if (shape.num_dimensions == 0) {
		snap_print_type(p, type->target, &elements, off, depth + 1);
		return;
	}
	if (rows.lens[shape.num_dimensions - 1] == element.size)
		rows.text = snap_type_character(&element);
	print_dimension(p, &row, 0, off);
}

void snap_print_string(struct snap_printer *p, const struct snap_type *type,
	const struct snap_source *source, uint64_t off)
{
	struct snap_shape shape;
	struct snap_source bytes;
	if (snap_printer_shape(p, type, source, off, &shape, &bytes, &off))
		snap_print_text(
			p, &snap_character_fortran, &bytes, off, shape.dimensions[0].count, true);
}
