/* A decoder: bits, blocks, a chain of filters by function pointers, and an index that is sorted. */
#include "util.h"

#include <math.h>

BUGS_MAIN

#if VERSION >= 2
#define bits_get     bitreader_read
#define decode_block decode_macroblock
#define filter_blur  filter_smooth
#endif
#if VERSION >= 3
#define frame_new picture_alloc
#define run_chain graph_run
#define seek_to	  demux_seek
#endif

struct bits {
	const uint8_t *data;
	size_t len, at;
};

struct frame {
	int width, height, time;
	uint8_t *pixels;
	struct frame *reference;
};

struct filter {
	struct filter *next;
	void (*apply)(struct filter *, struct frame *);
	int strength, *table;
};

struct entry {
	int time;
	const char *name;
};

typedef struct frame *decoder(struct bits *, struct frame *);

struct stream {
	uint8_t *data;
	size_t len;
	decoder *decode;
	struct filter *filters;
	struct entry *entries;
	size_t num_entries;
	struct frame *last;
	struct map tags;
};

/* ---------------------------------------------------------------- bits */

static unsigned bits_get(struct bits *bits, unsigned num)
{
	unsigned value = 0;
	for (; num > 0; num--, bits->at++) {
		size_t byte = bits->at / 8 % bits->len;
		value = value << 1 | (bits->data[byte] >> bits->at % 8 & 1);
	}
	return value;
}

static unsigned bits_varying(struct bits *bits)
{
	unsigned zeros = 0;
	while (zeros < 6 && bits_get(bits, 1) == 0)
		zeros++;
	return (1u << zeros) - 1 + bits_get(bits, zeros);
}

/* ---------------------------------------------------------------- frames */

static struct frame *frame_new(int width, int height)
{
	struct frame *frame = xcalloc(1, sizeof(*frame));
	frame->width = BUG(frame_huge) ? 1 << 20 : width;
	frame->height = height;
	frame->pixels = BUG(frame_no_pixels)
				? NULL
				: xcalloc((size_t)frame->width, (size_t)height * 1024 / 1024);
	return frame;
}

static void frame_free(struct frame *frame)
{
	free(frame->pixels);
	if (BUG(frame_double_free))
		free(frame->pixels);
	free(frame);
}

static void frame_copy(struct frame *to, const struct frame *from, int x, int y, int len)
{
	memcpy(to->pixels + y * to->width + x, from->pixels + y * from->width + x, (size_t)len);
}

static int clip(int value, int limit)
{
	return value < 0 ? 0 : value >= limit ? limit - 1 : value;
}

/* ---------------------------------------------------------------- blocks */

static void transform(int *block, int divisor)
{
	for (int i = 0; i < 16; i += 4) {
		int a = block[i] + block[i + 2], b = block[i + 1] - block[i + 3];
		block[i] = (a + b) / divisor;
		block[i + 3] = (a - b) / divisor;
	}
}

static void read_block(struct bits *bits, int *block)
{
	for (int i = 0; i < 16; i++)
		block[i] = (int)bits_varying(bits) - 4;
	transform(block, BUG(transform_zero) ? 0 : 2);
}

static void put_block(struct frame *frame, const int *block, int x, int y)
{
	for (int i = 0; i < 16; i++) {
		int px = clip(x + i % 4, frame->width), py = clip(y + i / 4, frame->height);
		if (BUG(put_far_away))
			py = 100000000;
		frame->pixels[(long)py * frame->width + px] = (uint8_t)block[i];
	}
}

static void predict(struct frame *frame, const struct frame *reference, int x, int y)
{
	if (BUG(predict_bad_reference))
		reference = (const struct frame *)(uintptr_t)(rnd(2) ? 0x8 : 0x4545454545450000);
	if (x + 4 < frame->width && y < frame->height)
		frame_copy(frame, reference, x, y, 4);
}

static void decode_block(struct bits *bits, struct frame *frame, int x, int y)
{
	int block[16];
	if (BUG(block_lost_bits))
		bits->data = NULL;
	if (frame->reference && bits_get(bits, 1)) {
		predict(frame, frame->reference, x, y);
		return;
	}
	read_block(bits, block);
	put_block(frame, block, x, y);
}

static struct frame *decode_intra(struct bits *bits, struct frame *last)
{
	struct frame *frame = frame_new(16, 16);
	(void)last;
	for (int y = 0; y < 16; y += 4)
		for (int x = 0; x < 16; x += 4)
			decode_block(bits, frame, x, y);
	return frame;
}

static struct frame *decode_inter(struct bits *bits, struct frame *last)
{
	struct frame *frame = frame_new(16, 16);
	frame->reference = last;
	for (int i = 0; i < 16; i++) {
		int at = (int)bits_get(bits, 4);
		decode_block(bits, frame, at % 4 * 4, at / 4 * 4);
	}
	return frame;
}

/* A frame within one. */
static struct frame *decode_layered(struct bits *bits, struct frame *last)
{
	static int level;
	struct frame *frame;
	level++;
	if ((level < 4 && bits_get(bits, 1)) || BUG(layers_endless))
		frame = decode_layered(bits, last);
	else
		frame = last ? decode_inter(bits, last) : decode_intra(bits, NULL);
	level--;
	frame->time++;
	return frame;
}

static struct frame *decode_unknown(struct bits *bits, struct frame *last)
{
	if (BUG(decode_unsupported))
		die("unsupported codec %u\n", bits_get(bits, 3));
	return decode_intra(bits, last);
}

/* ---------------------------------------------------------------- filters */

static void filter_blur(struct filter *filter, struct frame *frame)
{
	int strength = BUG(blur_zero) ? 0 : filter->strength;
	for (int i = 1; i + 1 < frame->width * frame->height; i++)
		frame->pixels[i] =
			(uint8_t)((frame->pixels[i - 1] + frame->pixels[i + 1]) / strength);
}

static void filter_table(struct filter *filter, struct frame *frame)
{
	for (int i = 0; i < frame->width * frame->height; i++)
		frame->pixels[i] = (uint8_t)filter->table[frame->pixels[i]];
}

static void filter_flip(struct filter *filter, struct frame *frame)
{
	uint8_t line[64];
	(void)filter;
	for (int y = 0; y < frame->height; y++) {
		uint8_t *row = frame->pixels + y * frame->width;
		int width = BUG(flip_overflow) ? 4000 : frame->width;
		memcpy(line, row, (size_t)frame->width);
		for (int x = 0; x < width; x++)
			row[x] = line[width - 1 - x];
	}
}

static void run_chain(struct filter *filter, struct frame *frame)
{
	if (BUG(chain_lost_frame))
		frame = NULL;
	for (; filter; filter = filter->next)
		filter->apply(filter, frame);
}

static struct filter *chain_new(unsigned num)
{
	static void (*const all[])(struct filter *, struct frame *) = {
		filter_blur, filter_table, filter_flip};
	struct filter *chain = NULL;
	while (num-- > 0) {
		struct filter *filter = xcalloc(1, sizeof(*filter));
		filter->next = chain;
		filter->apply = BUG(chain_bad_filter) ? NULL : all[rnd(3)];
		filter->strength = 2;
		filter->table = BUG(table_missing) ? NULL : xcalloc(256, sizeof(int));
		chain = filter;
	}
	return chain;
}

/* ---------------------------------------------------------------- streams */

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	return x->time != y->time ? x->time - y->time : strcmp(x->name, y->name);
}

static void index_sort(struct stream *stream)
{
	if (BUG(index_null_name)) {
		for (size_t i = 0; i < stream->num_entries; i++)
			stream->entries[i] = (struct entry){1, NULL};
	}
	qsort(stream->entries, stream->num_entries, sizeof(struct entry), compare_entries);
}

static size_t seek_to(struct stream *stream, int time)
{
	struct entry key = {time, "key"};
	const struct entry *entry = bsearch(&key, stream->entries,
		BUG(seek_no_entries) ? (size_t)1 << 40 : stream->num_entries, sizeof(key),
		compare_entries);
	return entry ? (size_t)entry->time % stream->len : 0;
}

static void read_tags(struct stream *stream)
{
	static const char *names[] = {"title", "artist", "year"};
	for (int i = 0; i < 3; i++) {
		map_set(&stream->tags, names[i], (void *)names[i]);
		if (BUG(tags_bad_slot))
			stream->tags.slots[map_hash(names[i]) % 32] = (struct map_entry *)0x11;
		assert(map_find(&stream->tags, names[i]) && !BUG(tags_assert));
	}
}

static struct stream *stream_open(void)
{
	static decoder *const decoders[] = {
		decode_intra, decode_inter, decode_layered, decode_unknown};
	struct stream *stream = xcalloc(1, sizeof(*stream));
	stream->len = 40 + rnd(200);
	stream->data = xcalloc(stream->len, 1);
	for (size_t i = 0; i < stream->len; i++)
		stream->data[i] = (uint8_t)rnd(256);
	stream->decode = decoders[rnd(4)];
	stream->filters = chain_new(rnd(4));
	stream->num_entries = 4 + rnd(30);
	stream->entries = xcalloc(stream->num_entries, sizeof(struct entry));
	for (size_t i = 0; i < stream->num_entries; i++)
		stream->entries[i] = (struct entry){(int)rnd(10), "key"};
	index_sort(stream);
	if (rnd(2))
		read_tags(stream);
	return stream;
}

static void play(struct stream *stream, unsigned num)
{
	struct bits bits = {stream->data, stream->len, 8 * seek_to(stream, (int)rnd(10))};
	for (unsigned i = 0; i < num; i++) {
		struct frame *last = stream->last;
		decoder *decode =
			last || stream->decode != decode_inter ? stream->decode : decode_intra;
		struct frame *frame = decode(&bits, last);
		run_chain(stream->filters, frame);
		if (last)
			frame_free(last);
		frame->reference = NULL;
		stream->last = frame;
	}
}

static void make_thumbnail(struct stream *stream)
{
	struct bits bits = {stream->data, stream->len, 0};
	struct frame *small = frame_new(8, 8), *frame = decode_unknown(&bits, NULL);
	for (int y = 0; y < 8; y++)
		frame_copy(small, frame, 0, y, 8);
	run_chain(stream->filters, small);
	frame_free(small);
	frame_free(frame);
}

static void reindex(struct stream *stream)
{
	stream->entries[rnd((unsigned)stream->num_entries)].time = (int)rnd(20);
	index_sort(stream);
	read_tags(stream);
}

static void stream_close(struct stream *stream)
{
	if (stream->last)
		frame_free(stream->last);
	free(stream->data);
	free(stream->entries);
	free(stream);
}

#if VERSION >= 2
static void one_stream(void)
{
#else
int main(int argc, char **argv)
{
	bugs_begin(argc, argv);
	for (int i = 0; i < 60; i++) {
#endif
	struct stream *stream = stream_open();
	for (unsigned j = 1 + rnd(4); j > 0; j--)
		switch (rnd(3)) {
		case 0:
			play(stream, 1 + rnd(5));
			break;
		case 1:
			make_thumbnail(stream);
			break;
		default:
			reindex(stream);
		}
	stream_close(stream);
#if VERSION >= 2
}

int main(int argc, char **argv)
{
	bugs_begin(argc, argv);
	for (int i = 0; i < 60; i++) {
		one_stream();
#endif
	}
	return 0;
}
