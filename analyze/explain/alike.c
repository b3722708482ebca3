#include "analyze/explain/alike.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/explain/wait.h"

struct item {
	uint64_t hash;
	size_t index;  /* into threads */
	size_t leader; /* of its group: the first of them in the file */
	uint64_t tid;
};

static uint64_t mix(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * 0x100000001b3; /* FNV-1a, by words */
}

/* What is compared cheaply: names are left to same_line(). */
static uint64_t hash_thread(const struct snap_crash_thread *thread)
{
	uint64_t hash = mix(0xcbf29ce484222325, (uint64_t)thread->end);
	for (size_t i = 0; i < thread->num_listed; i++) {
		const struct snap_listed_frame *listed = &thread->listed[i];
		hash = mix(hash, listed->file ? (uint64_t)listed->line << 32 | listed->column
					      : thread->frames[listed->frame].pc);
	}
	return hash;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* "the stack at 0x7f12, which is needed next, was not captured": whatever the number. */
static bool same_but_numbers(const char *a, const char *b)
{
	static const char digits[] = "0123456789abcdef";
	if (!a || !b)
		return a == b;
	while (*a && *a == *b) {
		bool is_number = a[0] == '0' && a[1] == 'x' && b[1] == 'x';
		a += is_number ? 2 + strspn(a + 2, digits) : 1;
		b += is_number ? 2 + strspn(b + 2, digits) : 1;
	}
	return *a == *b;
}

static bool same_line(const struct snap_crash_thread *a, const struct snap_crash_thread *b, size_t i)
{
	const struct snap_listed_frame *x = &a->listed[i], *y = &b->listed[i];
	const struct snap_frame *f = &a->frames[x->frame], *g = &b->frames[y->frame];
	if (x->is_inline != y->is_inline || f->trust != g->trust ||
		f->is_signal != g->is_signal || f->is_tail_call != g->is_tail_call ||
		f->gap_bytes != g->gap_bytes || f->gap_frames != g->gap_frames ||
		f->is_gap_unlisted != g->is_gap_unlisted)
		return false;
	return f->pc == g->pc ||
	       (x->file && y->file && x->line == y->line && x->column == y->column &&
		       same_text(x->function, y->function) && same_text(x->file, y->file));
}

static bool same_wait(const struct snap_crash *crash, const struct snap_crash_thread *a,
	const struct snap_crash_thread *b)
{
	struct snap_wait x, y;
	bool waits = snap_thread_wait(crash, a, &x);
	if (waits != snap_thread_wait(crash, b, &y) || !a->facts != !b->facts)
		return false;
	if (waits && (x.has_syscall != y.has_syscall || x.syscall != y.syscall))
		return false;
	const struct snap_thread_facts *f = a->facts, *g = b->facts;
	return !f || (f->has_letter == g->has_letter && f->letter == g->letter &&
			     snap_bytes_equal(f->wchan, g->wchan) &&
			     snap_bytes_equal(f->kernel_stack, g->kernel_stack));
}

static bool same(const struct snap_crash *crash, const struct snap_crash_thread *a,
	const struct snap_crash_thread *b)
{
	if (a->crashed || b->crashed || a->num_listed != b->num_listed || a->end != b->end ||
		(a->end != SNAP_END_COMPLETE && !same_but_numbers(a->end_reason, b->end_reason)))
		return false;
	for (size_t i = 0; i < a->num_listed; i++)
		if (!same_line(a, b, i))
			return false;
	return same_wait(crash, a, b);
}

static int compare_hashes(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static int compare_groups(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	if (x->leader != y->leader)
		return x->leader < y->leader ? -1 : 1;
	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* Different stacks of one hash are few, but somebody may make many: with these it is compared. */
#define MAX_LEADERS 8

static void find_leaders(const struct snap_crash *crash, struct item *items, size_t num)
{
	size_t leaders[MAX_LEADERS], num_leaders = 0;
	qsort(items, num, sizeof(*items), compare_hashes);
	for (size_t i = 0; i < num; i++) {
		size_t j = 0;
		if (i == 0 || items[i].hash != items[i - 1].hash)
			num_leaders = 0;
		while (j < num_leaders && !same(crash, &crash->threads[items[i].index],
						  &crash->threads[leaders[j]]))
			j++;
		if (j == num_leaders) {
			j = num_leaders < MAX_LEADERS ? num_leaders++ : MAX_LEADERS - 1;
			leaders[j] = items[i].index;
		}
		items[i].leader = leaders[j];
	}
	qsort(items, num, sizeof(*items), compare_groups);
}

int snap_find_alike(struct snap_crash *crash, struct snap_error *err)
{
	size_t num = crash->num_threads;
	crash->groups = NULL;
	crash->num_groups = 0;
	if (num == 0)
		return 0;
	struct snap_thread_group *groups =
		snap_arena_alloc(&crash->arena, num * sizeof(*groups));
	size_t *indices = snap_arena_alloc(&crash->arena, num * sizeof(*indices));
	struct item *items = malloc(num * sizeof(*items));
	if (!groups || !indices || !items) {
		free(items);
		return snap_error_no_memory(err);
	}
	for (size_t i = 0; i < num; i++)
		items[i] = (struct item){.hash = hash_thread(&crash->threads[i]),
			.index = i,
			.tid = crash->threads[i].record.tid};
	find_leaders(crash, items, num);
	for (size_t i = 0; i < num; i++) {
		if (i == 0 || items[i].leader != items[i - 1].leader)
			groups[crash->num_groups++] =
				(struct snap_thread_group){.threads = &indices[i]};
		indices[i] = items[i].index;
		groups[crash->num_groups - 1].num++;
		crash->threads[indices[i]].group = crash->num_groups - 1;
	}
	free(items);
	crash->groups = groups;
	return 0;
}
