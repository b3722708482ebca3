#include "analyze/symbols/tail_call.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/symbols/hash_seed.h"
#include "analyze/symbols/object.h"

/* Bounds of the search through one function's call sites and through the graph of tail calls. */
#define MAX_SITES  256
#define MAX_VISITS 512
/* Of one input: visits, pairs of call and callee, and frames put in. A deep stack has few of each
 * that differ; a hostile one has as many as it has frames. */
#define MAX_VISITS_IN_ALL 65536
#define MAX_KNOWN	  16384
#define MAX_INSERTED	  65536

/* A chain found before: for a caller's return address and the function below. */
struct known {
	struct snap_object *caller, *callee;
	uint64_t return_vaddr, callee_start;
	const char *callee_name;	     /* the linker's; NULL */
	uint64_t chain[SNAP_MAX_TAIL_CALLS]; /* return addresses in callee, innermost first */
	size_t num;
};

struct search {
	struct snap_object *callee;
	uint64_t goal; /* start of the function found below */
	uint64_t path[SNAP_MAX_TAIL_CALLS];
	uint64_t functions[SNAP_MAX_TAIL_CALLS]; /* starts of those on the path */
	size_t depth;
	uint64_t found[SNAP_MAX_TAIL_CALLS];
	size_t found_len, num_found;
	unsigned int visits;
};

/*
 * Where the target of a site starts in the object that has the function below. same: the site is
 * in that object too, so that an address that it gives is one of the object.
 */
static bool target_start(
	struct snap_object *object, const struct snap_call_site *site, bool same, uint64_t *ret)
{
	if (same && site->target_start != 0) {
		*ret = site->target_start;
		return true;
	}
	return site->target_name && snap_object_find_name(object, site->target_name, ret);
}

static void visit(struct search *s, uint64_t start)
{
	if (s->depth == SNAP_MAX_TAIL_CALLS || s->num_found > 1 || ++s->visits > MAX_VISITS)
		return;
	for (size_t i = 0; i < s->depth; i++)
		if (s->functions[i] == start)
			return;
	struct snap_code_index *index = snap_object_code_index(s->callee);
	struct snap_call_site *sites = index ? calloc(MAX_SITES, sizeof(*sites)) : NULL;
	size_t num = sites ? snap_code_index_tail_calls(index, start, sites, MAX_SITES) : 0;
	s->functions[s->depth] = start;
	for (size_t i = 0; i < num; i++) {
		uint64_t next;
		if (!target_start(s->callee, &sites[i], true, &next))
			continue;
		s->path[s->depth] = sites[i].return_vaddr;
		if (next == s->goal) {
			s->num_found++;
			s->found_len = s->depth + 1;
			memcpy(s->found, s->path, sizeof(s->found));
		} else {
			s->depth++;
			visit(s, next);
			s->depth--;
		}
	}
	free(sites);
}

/*
 * Fill known->chain: leave it empty unless exactly one way leads from the call to the callee.
 * Returns how many functions were visited.
 */
static unsigned int find_chain(struct known *known)
{
	struct snap_code_index *caller_index = snap_object_code_index(known->caller);
	struct snap_call_site call;
	struct search s = {.callee = known->callee, .goal = known->callee_start};
	uint64_t start;
	if (!caller_index || !snap_object_code_index(known->callee) ||
		!snap_code_index_site(caller_index, known->return_vaddr, &call) ||
		call.is_tail_call ||
		/* Nearly all: what was called is what was found. */
		(call.target_name && known->callee_name &&
			strcmp(call.target_name, known->callee_name) == 0) ||
		!target_start(known->callee, &call, known->caller == known->callee, &start) ||
		start == s.goal)
		return 1;
	visit(&s, start);
	if (s.num_found == 1) {
		known->num = s.found_len;
		for (size_t i = 0; i < s.found_len; i++)
			known->chain[i] = s.found[s.found_len - 1 - i];
	}
	return 1 + s.visits;
}

/* ---------------------------------------------------------------- insertion */

struct memo {
	struct known *items;
	size_t num, capacity;
	uint32_t *slots; /* a hash table with open addressing: index into items plus one, 0: free */
	size_t num_slots; /* a power of 2 */
	unsigned int visits;
	size_t num_inserted;
	bool limited; /* something was not looked for */
};

static bool is_same(const struct known *a, const struct known *b)
{
	return a->return_vaddr == b->return_vaddr && a->callee_start == b->callee_start &&
	       a->caller == b->caller && a->callee == b->callee;
}

/* Where the key stands, or would. */
static uint32_t *find_slot(const struct memo *memo, const struct known *key)
{
	uint64_t hash = snap_hash_number(snap_hash_seed(), key->return_vaddr);
	hash = snap_hash_number(hash, key->callee_start);
	hash = snap_hash_number(hash, (uintptr_t)key->caller ^ (uintptr_t)key->callee << 1);
	size_t i = (size_t)hash & (memo->num_slots - 1);
	while (memo->slots[i] && !is_same(&memo->items[memo->slots[i] - 1], key))
		i = (i + 1) & (memo->num_slots - 1);
	return &memo->slots[i];
}

static bool grow(struct memo *memo)
{
	size_t capacity = memo->capacity ? 2 * memo->capacity : 64;
	struct known *items = reallocarray(memo->items, capacity, sizeof(*items));
	if (!items)
		return false;
	memo->items = items;
	uint32_t *slots = calloc(2 * capacity, sizeof(*slots));
	if (!slots)
		return false;
	free(memo->slots);
	memo->slots = slots;
	memo->num_slots = 2 * capacity;
	memo->capacity = capacity;
	for (size_t i = 0; i < memo->num; i++)
		*find_slot(memo, &items[i]) = (uint32_t)i + 1;
	return true;
}

/* NULL without memory, or beyond the limits. */
static const struct known *look_up(struct memo *memo, const struct known *key)
{
	uint32_t *slot = memo->num_slots > 0 ? find_slot(memo, key) : NULL;
	if (slot && *slot)
		return &memo->items[*slot - 1];
	if (memo->num == MAX_KNOWN || memo->visits >= MAX_VISITS_IN_ALL) {
		memo->limited = true;
		return NULL;
	}
	if (memo->num == memo->capacity && !grow(memo))
		return NULL;
	struct known *known = &memo->items[memo->num++];
	*known = *key;
	*find_slot(memo, key) = (uint32_t)memo->num;
	memo->visits += find_chain(known);
	return known;
}

static bool has_debug(struct snap_object *object)
{
	struct snap_code_index *index = snap_object_code_index(object);
	return index && snap_code_index_has_debug(index);
}

/* The chain between a frame and the one that called it; NULL or empty if there is none. */
static const struct known *chain_between(
	struct memo *memo, const struct snap_frame *callee, const struct snap_frame *caller)
{
	if (caller->exact_pc || callee->is_signal || caller->is_signal ||
		caller->trust != SNAP_TRUST_CFI || !callee->module || !caller->module ||
		!callee->module->object || !caller->module->object)
		return NULL;
	uint64_t callee_vaddr = callee->pc - callee->module->record.load_bias;
	size_t num;
	const struct snap_source_frame *sources = snap_object_find(
		callee->module->object, callee->exact_pc ? callee_vaddr : callee_vaddr - 1, &num);
	if (num == 0 || sources[num - 1].start == 0)
		return NULL;
	const struct known key = {
		.caller = caller->module->object,
		.callee = callee->module->object,
		.return_vaddr = caller->pc - caller->module->record.load_bias,
		.callee_start = sources[num - 1].start,
		.callee_name = sources[num - 1].raw_function,
	};
	/* Without call sites there is nothing to look for, and nothing that a limit cuts. */
	if (!has_debug(key.caller) || !has_debug(key.callee))
		return NULL;
	return look_up(memo, &key);
}

/* Frames as the model is to have them: those of a thread until something was put in between. */
struct frame_list {
	struct snap_frame *items; /* NULL: nothing is put in yet */
	size_t num, capacity;
};

static bool append(
	struct snap_arena *arena, struct frame_list *list, const struct snap_frame *frame)
{
	struct snap_frame *items =
		snap_arena_grow(arena, list->items, list->num, &list->capacity, sizeof(*items));
	if (!items)
		return false;
	items[list->num++] = *frame;
	list->items = items;
	return true;
}

/* Behind the thread's frame number i, which calls by way of the chain, and what stands before it.
 */
static bool append_chain(struct snap_arena *arena, struct frame_list *list,
	const struct snap_crash_thread *thread, size_t i, const struct known *chain)
{
	const struct snap_crash_module *module = thread->frames[i].module;
	bool ok = true;
	for (size_t j = list->items ? i : 0; j <= i && ok; j++)
		ok = append(arena, list, &thread->frames[j]);
	for (size_t j = 0; j < chain->num && ok; j++) {
		const struct snap_frame frame = {
			.pc = chain->chain[j] + module->record.load_bias,
			.is_tail_call = true,
			.trust = SNAP_TRUST_CFI,
			.module = module,
		};
		ok = append(arena, list, &frame);
	}
	return ok;
}

static int insert(struct snap_crash *crash, struct snap_crash_thread *thread, struct memo *memo,
	struct snap_error *err)
{
	struct frame_list list = {0};
	for (size_t i = 0; i < thread->num_frames; i++) {
		const struct snap_frame *frame = &thread->frames[i];
		const struct known *chain =
			i + 1 < thread->num_frames
				? chain_between(memo, frame, &thread->frames[i + 1])
				: NULL;
		if (chain && chain->num > MAX_INSERTED - memo->num_inserted) {
			chain = NULL;
			memo->limited = true;
		}
		bool ok = true;
		if (chain && chain->num > 0) {
			memo->num_inserted += chain->num;
			ok = append_chain(&crash->arena, &list, thread, i, chain);
		} else if (list.items) {
			ok = append(&crash->arena, &list, frame);
		}
		if (!ok)
			return snap_error_no_memory(err);
	}
	if (list.items) {
		thread->frames = list.items;
		thread->num_frames = list.num;
	}
	return 0;
}

int snap_tail_calls_insert(struct snap_crash *crash, struct snap_error *err)
{
	struct memo memo = {0};
	int r = 0;
	for (size_t i = 0; i < crash->num_threads && r == 0; i++)
		r = insert(crash, &crash->threads[i], &memo, err);
	free(memo.items);
	free(memo.slots);
	if (r == 0 && memo.limited)
		r = snap_crash_note(crash,
			snap_bytes_str(
				"tail calls were not looked for everywhere: too many different "
				"calls on the stacks"),
			err);
	return r;
}
