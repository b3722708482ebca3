#include "analyze/variables/printer.h"

#include <inttypes.h>
#include <string.h>

/* What stands one after the other: elements, or arrays that are elements of another. */
struct row {
	struct snap_die type; /* of the elements */
	const struct snap_type *array;
	unsigned int dimension, num_dimensions; /* of array; the last one's are elements */
	uint64_t count, len;			/* len: bytes of one */
	const struct snap_source *source;
	uint64_t off; /* of the first one */
	int depth;
};

static void print_one(struct snap_printer *p, const struct row *row, uint64_t i)
{
	uint64_t off = row->off + i * row->len;
	p->num_virtual_bases = 0;
	if (row->dimension + 1 < row->num_dimensions)
		snap_print_dimension(p, row->array, row->dimension + 1, row->num_dimensions,
			row->source, off, row->len, row->depth + 1);
	else
		snap_print_type(p, row->type, row->source, off, row->depth + 1);
}

/* How many from number i on read as the text that stands at `first` does. */
static uint64_t count_same(
	struct snap_printer *p, const struct row *row, uint64_t i, size_t first, size_t len)
{
	uint64_t num = 0;
	for (; i < row->count && i < SNAP_PRINT_MAX_LOOKED_AT; i++, num++) {
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
			listed >= SNAP_PRINT_MAX_ELEMENTS) {
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

void snap_print_dimension(struct snap_printer *p, const struct snap_type *array,
	unsigned int dimension, unsigned int num_dimensions, const struct snap_source *source,
	uint64_t off, uint64_t len, int depth)
{
	uint64_t count;
	struct snap_type element;
	snap_type_read(p->view, array->target, &element);
	if (!snap_type_count(p->view, array, dimension, &count)) {
		snap_text_add(p->text, "<of unknown length>");
		p->counts.num[SNAP_BITS_KNOWN]++;
		return;
	}
	const struct snap_character *character = snap_type_character(&element);
	if (dimension + 1 == num_dimensions && character) {
		snap_print_text(p, character, source, off, count, false);
		return;
	}
	const struct row row = {
		.type = array->target,
		.array = array,
		.dimension = dimension,
		.num_dimensions = num_dimensions,
		.count = count,
		.len = dimension + 1 == num_dimensions ? snap_type_size(p->view, &element)
		       : count > 0		       ? len / count
						       : 0,
		.source = source,
		.off = off,
		.depth = depth,
	};
	print_row(p, &row);
}
