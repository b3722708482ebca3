#include "analyze/dedup/similar.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/symbols/hash_seed.h"
#include "common/arena.h"

/* A turn of recursion has so many functions at most. */
#define MAX_TURN 10

/* What a name that is not known, or in no stack yet, has instead of a number. */
#define NO_NAME UINT32_MAX

/* So many stacks before one is needed, its frames are asked for. */
#define AHEAD 8

/* Similarities that differ by less are equal: their sums were only made in another order. */
#define STEP 1e-9

/* In one stack: a function, and where its first place is. */
struct posting {
	uint32_t stack, kind, position;
};

/* A function of any stack; kinds are names here, too. */
struct name {
	const char *text;
	uint64_t hash;
	struct posting *postings; /* by the number of the stack */
	uint32_t num, capacity;	  /* of postings */
	/* Valid if stamp is that of the query. */
	uint64_t stamp;
	double rarity;
	uint32_t query_first, query_num; /* which of the query's frames have it */
};

struct frame {
	uint32_t name, position; /* from 1 */
};

struct stack {
	size_t first; /* of frames */
	uint32_t num;
	uint64_t stamp; /* of the query that has looked at it */
};

struct snap_similar {
	struct snap_similar_weights weights;
	double place[SNAP_SIMILAR_FRAMES + 1]; /* what a position weighs */
	double apart[SNAP_SIMILAR_FRAMES + 1]; /* what is left at that distance */
	struct snap_arena strings;
	struct name *names;
	size_t num_names, names_capacity;
	uint32_t *slots;      /* a hash table with open addressing: number plus one, 0: free */
	size_t num_slots;     /* a power of 2 */
	struct frame *frames; /* of all stacks; of each sorted by name, then position */
	size_t num_frames, frames_capacity;
	struct stack *stacks;
	size_t num_stacks, stacks_capacity;
	uint64_t stamp;	       /* of the last query */
	double unknown_rarity; /* in that one */
};

/* ---------------------------------------------------------------- create and destroy */

/* Within the limits, no sum of weights is 0 or beyond what a double holds. */
static bool is_valid(const struct snap_similar_weights *weights)
{
	return weights->alpha >= 0 && weights->alpha <= 10 && weights->beta >= 0 &&
	       weights->beta <= 5 && weights->gamma >= 0 && weights->gamma <= 100;
}

struct snap_similar *snap_similar_create(
	const struct snap_similar_weights *weights, struct snap_error *err)
{
	if (!is_valid(weights)) {
		(void)snap_error_set(
			err, SNAP_ERROR_USAGE, "weights of similarity are out of range");
		return NULL;
	}
	struct snap_similar *similar = calloc(1, sizeof(*similar));
	if (!similar) {
		(void)snap_error_no_memory(err);
		return NULL;
	}
	similar->weights = *weights;
	for (size_t i = 0; i <= SNAP_SIMILAR_FRAMES; i++) {
		similar->place[i] = pow(i ? (double)i : 1, -weights->alpha);
		similar->apart[i] = exp(-weights->gamma * (double)i);
	}
	snap_arena_init(&similar->strings, SIZE_MAX);
	return similar;
}

void snap_similar_destroy(struct snap_similar *similar)
{
	if (!similar)
		return;
	for (size_t i = 0; i < similar->num_names; i++)
		free(similar->names[i].postings);
	free(similar->names);
	free(similar->slots);
	free(similar->frames);
	free(similar->stacks);
	snap_arena_deinit(&similar->strings);
	free(similar);
}

uint32_t snap_similar_num(const struct snap_similar *similar)
{
	return (uint32_t)similar->num_stacks;
}

/* Make room for more behind num items. The array, perhaps moved, or NULL without memory. */
static void *grow(void *array, size_t num, size_t more, size_t *capacity, size_t item_len)
{
	if (array && more <= *capacity - num)
		return array;
	size_t wanted = *capacity ? *capacity : 64;
	while (wanted - num < more)
		if (__builtin_mul_overflow(wanted, 2, &wanted))
			return NULL;
	void *grown = reallocarray(array, wanted, item_len);
	if (grown)
		*capacity = wanted;
	return grown;
}

/* ---------------------------------------------------------------- names */

/* The slot of a name, or the free one where it belongs. There is a free one. */
static size_t find_slot(const struct snap_similar *similar, const char *text, uint64_t hash)
{
	size_t mask = similar->num_slots - 1, at = hash & mask;
	for (; similar->slots[at]; at = (at + 1) & mask) {
		const struct name *name = &similar->names[similar->slots[at] - 1];
		if (name->hash == hash && strcmp(name->text, text) == 0)
			break;
	}
	return at;
}

static uint32_t find_name(const struct snap_similar *similar, const char *text, uint64_t hash)
{
	if (similar->num_slots == 0)
		return NO_NAME;
	/* A free slot holds 0, which is number NO_NAME plus one. */
	return similar->slots[find_slot(similar, text, hash)] - 1;
}

/* Half of the slots stay free. */
static int grow_slots(struct snap_similar *similar)
{
	if (2 * (similar->num_names + 1) <= similar->num_slots)
		return 0;
	size_t num_slots = similar->num_slots ? 2 * similar->num_slots : 256;
	uint32_t *slots = calloc(num_slots, sizeof(slots[0]));
	if (!slots)
		return -1;
	for (size_t i = 0; i < similar->num_names; i++) {
		size_t at = similar->names[i].hash & (num_slots - 1);
		while (slots[at])
			at = (at + 1) & (num_slots - 1);
		slots[at] = (uint32_t)i + 1;
	}
	free(similar->slots);
	similar->slots = slots;
	similar->num_slots = num_slots;
	return 0;
}

/* -1 without memory. */
static int add_name(struct snap_similar *similar, const char *text, uint64_t hash, uint32_t *ret)
{
	*ret = find_name(similar, text, hash);
	if (*ret != NO_NAME)
		return 0;
	struct name *names = grow(
		similar->names, similar->num_names, 1, &similar->names_capacity, sizeof(names[0]));
	if (!names)
		return -1;
	similar->names = names;
	if (similar->num_names >= NO_NAME - 1 || grow_slots(similar) < 0)
		return -1;
	const char *copy = snap_arena_copy(&similar->strings, snap_bytes_str(text));
	if (!copy)
		return -1;
	*ret = (uint32_t)similar->num_names++;
	names[*ret] = (struct name){.text = copy, .hash = hash};
	similar->slots[find_slot(similar, text, hash)] = *ret + 1;
	return 0;
}

/* ---------------------------------------------------------------- what of a stack counts */

struct entry {
	const char *text; /* NULL: not known */
	uint64_t hash;
};

static bool same_turn(const struct entry *a, const struct entry *b, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!a[i].text || !b[i].text || a[i].hash != b[i].hash ||
			strcmp(a[i].text, b[i].text) != 0)
			return false;
	return true;
}

/*
 * The functions without recursion: what stands there twice in a row stays once, single functions
 * and turns of them alike. entries: SNAP_SIMILAR_FRAMES; how many of them were filled is returned.
 */
static size_t fold(const struct snap_similar_stack *stack, struct entry *entries)
{
	size_t num = 0;
	for (size_t i = 0; i < stack->num && num < SNAP_SIMILAR_FRAMES; i++) {
		const char *text = stack->functions[i];
		entries[num++] = (struct entry){text, text ? snap_hash_string(0, text) : 0};
		for (size_t length = 1; length <= MAX_TURN && 2 * length <= num; length++)
			if (same_turn(&entries[num - length], &entries[num - 2 * length], length)) {
				num -= length;
				break;
			}
	}
	return num;
}

static int compare_frames(const void *a, const void *b)
{
	const struct frame *x = a, *y = b;
	if (x->name != y->name)
		return x->name < y->name ? -1 : 1;
	return (x->position > y->position) - (x->position < y->position);
}

/* ---------------------------------------------------------------- add */

static int reserve(struct snap_similar *similar, const struct frame *frames, size_t num)
{
	void *grown = grow(similar->stacks, similar->num_stacks, 1, &similar->stacks_capacity,
		sizeof(similar->stacks[0]));
	if (!grown)
		return -1;
	similar->stacks = grown;
	grown = grow(similar->frames, similar->num_frames, num, &similar->frames_capacity,
		sizeof(similar->frames[0]));
	if (!grown)
		return -1;
	similar->frames = grown;
	for (size_t i = 0; i < num && frames[i].name != NO_NAME; i++) {
		struct name *name = &similar->names[frames[i].name];
		/* Most functions are in few stacks: they begin with little. */
		if (name->num < name->capacity)
			continue;
		size_t capacity = name->capacity ? 2 * (size_t)name->capacity : 2;
		if (capacity > UINT32_MAX)
			capacity = UINT32_MAX;
		grown = reallocarray(name->postings, capacity, sizeof(name->postings[0]));
		if (!grown)
			return -1;
		name->postings = grown;
		name->capacity = (uint32_t)capacity;
	}
	return 0;
}

int snap_similar_add(struct snap_similar *similar, const struct snap_similar_stack *stack,
	uint32_t *ret_number, struct snap_error *err)
{
	struct entry entries[SNAP_SIMILAR_FRAMES];
	struct frame frames[SNAP_SIMILAR_FRAMES];
	uint32_t kind;
	size_t num = fold(stack, entries);
	if (similar->num_stacks >= UINT32_MAX)
		return snap_error_set(err, SNAP_ERROR_LIMIT, "too many stacks");
	/* What was made where memory ends is in no stack, and does no harm. */
	if (add_name(similar, stack->kind, snap_hash_string(0, stack->kind), &kind) < 0)
		return snap_error_no_memory(err);
	for (size_t i = 0; i < num; i++) {
		frames[i] = (struct frame){NO_NAME, (uint32_t)i + 1};
		if (entries[i].text &&
			add_name(similar, entries[i].text, entries[i].hash, &frames[i].name) < 0)
			return snap_error_no_memory(err);
	}
	qsort(frames, num, sizeof(frames[0]), compare_frames);
	if (reserve(similar, frames, num) < 0)
		return snap_error_no_memory(err);

	uint32_t number = (uint32_t)similar->num_stacks++;
	similar->stacks[number] =
		(struct stack){.first = similar->num_frames, .num = (uint32_t)num};
	for (size_t i = 0; i < num; i++) {
		similar->frames[similar->num_frames++] = frames[i];
		if (frames[i].name == NO_NAME || (i > 0 && frames[i].name == frames[i - 1].name))
			continue;
		struct name *name = &similar->names[frames[i].name];
		name->postings[name->num++] = (struct posting){number, kind, frames[i].position};
	}
	*ret_number = number;
	return 0;
}

/* ---------------------------------------------------------------- weights */

/* What the number of stacks that a function is in, the query's included, leaves of its weight. */
static double rarity(const struct snap_similar *similar, double num_stacks)
{
	return exp(-similar->weights.beta * 100 * num_stacks / ((double)similar->num_stacks + 1));
}

/* With what is valid for this query. */
static const struct name *name_now(struct snap_similar *similar, uint32_t number)
{
	struct name *name = &similar->names[number];
	if (name->stamp != similar->stamp) {
		name->stamp = similar->stamp;
		name->rarity = rarity(similar, name->num);
		name->query_num = 0;
	}
	return name;
}

static double rarity_of(struct snap_similar *similar, uint32_t number)
{
	return number == NO_NAME ? similar->unknown_rarity : name_now(similar, number)->rarity;
}

/*
 * A function that two stacks share adds so much to similarity plus 1, before that is divided by the
 * weight of all: matched counts for it, and no longer against it. rarity apart.
 */
static double gain(const struct snap_similar *similar, uint32_t a, uint32_t b)
{
	return (similar->place[a] + similar->place[b]) *
	       (1 + similar->apart[a > b ? a - b : b - a]);
}

/* ---------------------------------------------------------------- query */

/* A function of the query. */
struct group {
	uint32_t name;
	size_t first, num; /* of the query's frames */
	double num_stacks; /* that it is in */
	double reach;	   /* no more than that can it add, see reach_of() */
	double more;	   /* that without its first frame */
	double rest;	   /* reach of this one and all behind it */
};

struct query {
	struct snap_similar *similar;
	struct frame frames[SNAP_SIMILAR_FRAMES]; /* by name, then position */
	size_t num;
	double weight;				  /* of all frames */
	struct group groups[SNAP_SIMILAR_FRAMES]; /* in the order of compare_groups() */
	size_t num_groups;
	struct snap_similar_hit *hits; /* a heap: the worst first */
	size_t num_hits, max;
	double min;
	double reach_bar; /* what reach was computed for */
};

static bool is_worse(const struct snap_similar_hit *a, const struct snap_similar_hit *b)
{
	return a->similarity != b->similarity ? a->similarity < b->similarity
					      : a->number > b->number;
}

static int compare_hits(const void *a, const void *b)
{
	return is_worse(a, b) ? 1 : is_worse(b, a) ? -1 : 0;
}

static void swap_hits(struct snap_similar_hit *a, struct snap_similar_hit *b)
{
	struct snap_similar_hit other = *a;
	*a = *b;
	*b = other;
}

static void offer(struct query *query, struct snap_similar_hit hit)
{
	struct snap_similar_hit *hits = query->hits;
	if (hit.similarity < query->min)
		return;
	if (query->num_hits < query->max) {
		size_t at = query->num_hits++;
		hits[at] = hit;
		for (; at > 0 && is_worse(&hits[at], &hits[(at - 1) / 2]); at = (at - 1) / 2)
			swap_hits(&hits[at], &hits[(at - 1) / 2]);
		return;
	}
	if (!is_worse(&hits[0], &hit))
		return;
	hits[0] = hit;
	for (size_t at = 0, child; (child = 2 * at + 1) < query->num_hits; at = child) {
		if (child + 1 < query->num_hits && is_worse(&hits[child + 1], &hits[child]))
			child++;
		if (is_worse(&hits[at], &hits[child]))
			break;
		swap_hits(&hits[at], &hits[child]);
	}
}

/* What similarity plus 1 must be for a hit, or a little less: sums are not exact. */
static double bar(const struct query *query)
{
	double worst = query->num_hits == query->max ? query->hits[0].similarity : query->min;
	return worst + 1 - 10 * STEP;
}

/*
 * One pass: the query's frames are found by the name, and the j-th place of a function in one stack
 * goes with the j-th in the other.
 */
static double compare(const struct query *query, const struct stack *stack)
{
	struct snap_similar *similar = query->similar;
	const struct frame *frames = &similar->frames[stack->first];
	double sum = 0, weight = 0;
	for (uint32_t i = 0, nth = 0; i < stack->num; i++) {
		double place = similar->place[frames[i].position];
		if (frames[i].name == NO_NAME) {
			weight += place * similar->unknown_rarity;
			continue;
		}
		const struct name *name = name_now(similar, frames[i].name);
		nth = i > 0 && frames[i].name == frames[i - 1].name ? nth + 1 : 0;
		weight += place * name->rarity;
		if (nth < name->query_num)
			sum += gain(similar, query->frames[name->query_first + nth].position,
				       frames[i].position) *
			       name->rarity;
	}
	return round((sum / (query->weight + weight) - 1) / STEP) * STEP;
}

/*
 * What a stack gains by sharing a frame at position of the query, at most, over what its own frame
 * adds to the weight of all that it needs bar times: with the stack's own frame at the best place.
 * That is not behind position: both what is shared there and what must be made up for are less.
 */
static double reach_of(const struct snap_similar *similar, uint32_t position, double bar_now)
{
	double best = 0;
	for (uint32_t other = 1; other <= position; other++) {
		double value = gain(similar, position, other) - bar_now * similar->place[other];
		if (value > best)
			best = value;
	}
	return best;
}

static void find_reach(struct query *query)
{
	double rest = 0;
	query->reach_bar = bar(query);
	for (size_t i = query->num_groups; i-- > 0;) {
		struct group *group = &query->groups[i];
		const struct frame *frames = &query->frames[group->first];
		double rare = rarity_of(query->similar, group->name), first = 0;
		group->more = 0;
		for (size_t j = 0; j < group->num; j++) {
			double reach = rare * reach_of(query->similar, frames[j].position,
						      query->reach_bar);
			if (j == 0)
				first = reach;
			else
				group->more += reach;
		}
		group->reach = first + group->more;
		group->rest = rest += group->reach;
	}
}

/* What rules out most of what is left for the fewest stacks to look at comes first. */
static int compare_groups(const void *a, const void *b)
{
	const struct group *x = a, *y = b;
	double x_price = x->num_stacks * y->reach, y_price = y->num_stacks * x->reach;
	if (x_price != y_price)
		return x_price < y_price ? -1 : 1;
	return (x->name > y->name) - (x->name < y->name);
}

/* Of the functions that are in any stack. */
static void make_groups(struct query *query)
{
	for (size_t i = 0; i < query->num && query->frames[i].name != NO_NAME; i++) {
		if (i > 0 && query->frames[i].name == query->frames[i - 1].name)
			query->groups[query->num_groups - 1].num++;
		else
			query->groups[query->num_groups++] = (struct group){
				.name = query->frames[i].name,
				.first = i,
				.num = 1,
				.num_stacks = query->similar->names[query->frames[i].name].num};
	}
	find_reach(query);
	qsort(query->groups, query->num_groups, sizeof(query->groups[0]), compare_groups);
	find_reach(query);
}

/* The stack's frames by name, each with what it weighs in this query. */
static void read_query(struct query *query, const struct snap_similar_stack *stack)
{
	struct snap_similar *similar = query->similar;
	struct entry entries[SNAP_SIMILAR_FRAMES];
	query->num = fold(stack, entries);
	similar->stamp++;
	similar->unknown_rarity = rarity(similar, 1);
	for (size_t i = 0; i < query->num; i++) {
		struct frame *frame = &query->frames[i];
		*frame = (struct frame){NO_NAME, (uint32_t)i + 1};
		if (!entries[i].text)
			continue;
		frame->name = find_name(similar, entries[i].text, entries[i].hash);
		if (frame->name == NO_NAME)
			continue;
		struct name *name = &similar->names[frame->name];
		name->stamp = similar->stamp;
		name->rarity = rarity(similar, (double)name->num + 1);
		name->query_num = 0;
	}
	qsort(query->frames, query->num, sizeof(query->frames[0]), compare_frames);
	for (size_t i = 0; i < query->num; i++) {
		const struct frame *frame = &query->frames[i];
		query->weight += similar->place[frame->position] * rarity_of(similar, frame->name);
		if (frame->name == NO_NAME)
			continue;
		struct name *name = &similar->names[frame->name];
		if (name->query_num++ == 0)
			name->query_first = (uint32_t)i;
	}
}

/*
 * All stacks with a function that were not looked at through one before. They share only this and
 * those behind it; where even all of these would not make a hit, the stack is not compared.
 */
static void look_through(struct query *query, const struct group *group, uint32_t kind)
{
	struct snap_similar *similar = query->similar;
	const struct name *name = &similar->names[group->name];
	uint32_t position = query->frames[group->first].position;
	double others = group->more + group->rest - group->reach;
	double bar_now = bar(query);
	for (uint32_t i = 0; i < name->num; i++) {
		const struct posting *posting = &name->postings[i];
		struct stack *stack = &similar->stacks[posting->stack];
		/* They are anywhere in memory, and waiting for that is most of the time. */
		if (i + 2 * AHEAD < name->num)
			__builtin_prefetch(&similar->stacks[posting[2 * AHEAD].stack]);
		if (i + AHEAD < name->num)
			__builtin_prefetch(
				&similar->frames[similar->stacks[posting[AHEAD].stack].first]);
		if (posting->kind != kind || stack->stamp == similar->stamp)
			continue;
		stack->stamp = similar->stamp;
		double first = gain(similar, position, posting->position) -
			       bar_now * similar->place[posting->position];
		if (name->rarity * first + others < bar_now * query->weight)
			continue;
		offer(query, (struct snap_similar_hit){posting->stack, compare(query, stack)});
		bar_now = bar(query);
	}
}

size_t snap_similar_query(struct snap_similar *similar, const struct snap_similar_stack *stack,
	double min, struct snap_similar_hit *hits, size_t max)
{
	struct query query = {.similar = similar, .hits = hits, .max = max, .min = min};
	uint32_t kind = find_name(similar, stack->kind, snap_hash_string(0, stack->kind));
	if (kind == NO_NAME || max == 0)
		return 0;
	read_query(&query, stack);
	make_groups(&query);
	for (size_t i = 0; i < query.num_groups; i++) {
		/* Not for every little change: it takes the square of the stack's length. */
		if (bar(&query) > query.reach_bar + 0.02)
			find_reach(&query);
		if (query.groups[i].rest < bar(&query) * query.weight)
			break;
		look_through(&query, &query.groups[i], kind);
	}
	qsort(hits, query.num_hits, sizeof(hits[0]), compare_hits);
	return query.num_hits;
}
