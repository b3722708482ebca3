/*
 * Threads: the crashing one, and the others, those that stand alike together.
 */
#include "analyze/report/text_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/report/backtrace.h"
#include "analyze/report/text_facts.h"
#include "analyze/report/words.h"

void snap_text_crashed_thread(const struct snap_text *p, const struct snap_crash_thread *thread)
{
	(void)fprintf(p->out, "\n%sCrashing thread ", p->colors.heading);
	snap_text_thread_id(p, thread);
	snap_text_thread_name(p, thread);
	(void)fprintf(p->out, "%s\n", p->colors.end);
	snap_backtrace_print(thread, &p->colors, p->out);
	if (p->crash->arch && thread->pr_reg.data) {
		snap_text_heading(p, "Registers");
		snap_registers_print(p->crash, thread, p->out);
	} else if (thread->pr_reg.data) {
		snap_text_heading(p, "Registers");
		(void)fprintf(p->out, "  captured, but of a machine that is not supported\n");
	}
}

/* A thread in the order of what its stack looks like. */
struct alike {
	uint64_t hash;
	size_t index;  /* into threads */
	size_t leader; /* the first thread that looks the same; its own index for a leader */
	uint64_t tid;
};

static uint64_t hash_stack(const struct snap_crash_thread *thread)
{
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a, by words */
	for (size_t i = 0; i < thread->num_frames; i++)
		hash = (hash ^ thread->frames[i].pc) * 0x100000001b3;
	return (hash ^ (uint64_t)thread->end) * 0x100000001b3;
}

static bool same_stack(const struct snap_crash_thread *a, const struct snap_crash_thread *b)
{
	if (a->num_frames != b->num_frames || a->end != b->end || a->num_listed != b->num_listed)
		return false;
	if ((a->end_reason == NULL) != (b->end_reason == NULL) ||
		(a->end != SNAP_END_COMPLETE && a->end_reason &&
			strcmp(a->end_reason, b->end_reason) != 0))
		return false;
	for (size_t i = 0; i < a->num_frames; i++)
		if (a->frames[i].pc != b->frames[i].pc || a->frames[i].trust != b->frames[i].trust)
			return false;
	return true;
}

static int compare_hashes(const void *a, const void *b)
{
	const struct alike *x = a, *y = b;
	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static int compare_groups(const void *a, const void *b)
{
	const struct alike *x = a, *y = b;
	if (x->leader != y->leader)
		return x->leader < y->leader ? -1 : 1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

/* Group threads whose stacks are the same: afterwards each group stands together, in the order of
 * thread ids, and groups in the order of their first threads in the file. */
static void group_threads(const struct snap_crash *crash, struct alike *list, size_t num)
{
	for (size_t i = 0; i < num; i++) {
		list[i].hash = hash_stack(&crash->threads[list[i].index]);
		list[i].tid = crash->threads[list[i].index].record.tid;
	}
	qsort(list, num, sizeof(*list), compare_hashes);
	for (size_t i = 0; i < num; i++) {
		/* With the one before only: different stacks of one hash are not met in practice,
		 * and cost no more than a group shown twice. */
		bool same = i > 0 && list[i].hash == list[i - 1].hash &&
			    same_stack(&crash->threads[list[i].index],
				    &crash->threads[list[i - 1].leader]);
		list[i].leader = same ? list[i - 1].leader : list[i].index;
	}
	qsort(list, num, sizeof(*list), compare_groups);
}

static bool same_names(const struct snap_crash *crash, const struct alike *group, size_t num)
{
	for (size_t i = 1; i < num; i++)
		if (!snap_bytes_equal(crash->threads[group[i].index].record.name,
			    crash->threads[group[0].index].record.name))
			return false;
	return true;
}

static void print_group(const struct snap_text *p, const struct alike *group, size_t num)
{
	const struct snap_crash *crash = p->crash;
	const struct snap_crash_thread *first = &crash->threads[group[0].index];
	bool one_name = num > 1 && same_names(crash, group, num);
	(void)fprintf(p->out, "\n%sThread%s ", p->colors.heading, num == 1 ? "" : "s");
	for (size_t i = 0; i < num && i < SNAP_TEXT_LISTED; i++) {
		const struct snap_crash_thread *thread = &crash->threads[group[i].index];
		if (i > 0)
			(void)fputs(", ", p->out);
		snap_text_thread_id(p, thread);
		if (!one_name)
			snap_text_thread_name(p, thread);
	}
	if (num > SNAP_TEXT_LISTED)
		(void)fprintf(p->out, " and %zu more", num - SNAP_TEXT_LISTED);
	if (one_name)
		snap_text_thread_name(p, first);
	if (num > 1)
		(void)fprintf(p->out, " (%zu threads)", num);
	(void)fprintf(p->out, "%s\n", p->colors.end);
	snap_text_wait(crash, first, num > 1, p->out);
	snap_backtrace_print(first, &p->colors, p->out);
}

void snap_text_other_threads(const struct snap_text *p)
{
	const struct snap_crash *crash = p->crash;
	size_t num = 0;
	struct alike *list = calloc(crash->num_threads + 1, sizeof(*list));
	for (size_t i = 0; i < crash->num_threads; i++)
		if (!crash->threads[i].crashed) {
			if (list)
				list[num] = (struct alike){.index = i, .leader = i};
			num++;
		}
	if (num > 0 && p->only_crashed_thread) {
		(void)fprintf(p->out, "\n%s%zu %sthread%s not shown (--threads=all shows %s).%s\n",
			p->colors.faint, num, num < crash->num_threads ? "other " : "",
			num == 1 ? " is" : "s are", num == 1 ? "it" : "them", p->colors.end);
	} else if (list) {
		group_threads(crash, list, num);
		for (size_t i = 0; i < num;) {
			size_t end = i + 1;
			while (end < num && list[end].leader == list[i].leader)
				end++;
			print_group(p, &list[i], end - i);
			i = end;
		}
	} else {
		/* Without memory to sort them: one by one. */
		for (size_t i = 0; i < crash->num_threads; i++)
			if (!crash->threads[i].crashed)
				print_group(p, &(struct alike){.index = i}, 1);
	}
	free(list);
}
