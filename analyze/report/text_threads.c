/*
 * Threads: the crashing one, and the others, those that stand alike together.
 */
#include "analyze/report/text_parts.h"

#include <inttypes.h>

#include "analyze/report/backtrace.h"
#include "analyze/report/text_facts.h"
#include "analyze/report/words.h"

void snap_text_crashed_thread(const struct snap_text *p, const struct snap_crash_thread *thread)
{
	snap_text_gap(p);
	(void)fprintf(p->out, "%sCrashing thread ", p->colors.heading);
	snap_text_thread_id(p, thread);
	snap_text_thread_name(p, thread);
	(void)fprintf(p->out, "%s\n", p->colors.end);
	snap_backtrace_print(
		thread,
		&(struct snap_backtrace_style){.rules = p->rules,
			.colors = &p->colors,
			.source = p->crash->source,
			.columns = p->columns},
		p->out);
}

void snap_text_registers(const struct snap_text *p, const struct snap_crash_thread *thread)
{
	if (p->crash->arch && thread->pr_reg.data) {
		snap_text_heading(p, "Registers");
		snap_registers_print(p->crash, thread, p->columns, p->out);
	} else if (thread->pr_reg.data) {
		snap_text_heading(p, "Registers");
		(void)fprintf(p->out, "  captured, but of a machine that is not supported\n");
	}
}

/* Groups whose stacks are shown, and those of which a line is. */
#define MAX_STACKS 24
#define MAX_LINES  32
/* Functions in that line. */
#define MAX_FUNCTIONS 3

static const struct snap_crash_thread *member(
	const struct snap_text *p, const struct snap_thread_group *group, size_t i)
{
	return &p->crash->threads[group->threads[i]];
}

static bool have_one_name(const struct snap_text *p, const struct snap_thread_group *group)
{
	for (size_t i = 1; i < group->num; i++)
		if (!snap_bytes_equal(
			    member(p, group, i)->record.name, member(p, group, 0)->record.name))
			return false;
	return true;
}

/* How many threads from i on have ids one after the other. */
static size_t count_consecutive(
	const struct snap_text *p, const struct snap_thread_group *group, size_t i)
{
	size_t num = 1;
	while (i + num < group->num && member(p, group, i + num)->record.has_tid &&
		member(p, group, i)->record.has_tid &&
		member(p, group, i + num)->record.tid == member(p, group, i)->record.tid + num)
		num++;
	return num;
}

/* "12, 14-90 and 3 more"; with_names: each with its name. */
static void print_ids(
	const struct snap_text *p, const struct snap_thread_group *group, bool with_names)
{
	size_t i = 0;
	for (size_t shown = 0; i < group->num && shown < SNAP_TEXT_LISTED; shown++) {
		size_t num = with_names ? 1 : count_consecutive(p, group, i);
		if (i > 0)
			(void)fputs(", ", p->out);
		snap_text_thread_id(p, member(p, group, i));
		if (with_names)
			snap_text_thread_name(p, member(p, group, i));
		if (num > 2) {
			(void)fputc('-', p->out);
			snap_text_thread_id(p, member(p, group, i + num - 1));
		} else {
			num = 1;
		}
		i += num;
	}
	if (i < group->num)
		(void)fprintf(p->out, " and %zu more", group->num - i);
}

/* "Thread 12 "name"", "14 threads like this: 12-25 "name"". */
static void print_group_name(
	const struct snap_text *p, const struct snap_thread_group *group, const char *like_this)
{
	bool one_name = group->num > 1 && have_one_name(p, group);
	if (group->num > 1)
		(void)fprintf(p->out, "%zu threads%s: ", group->num, like_this);
	else
		(void)fputs("Thread ", p->out);
	print_ids(p, group, !one_name);
	if (one_name)
		snap_text_thread_name(p, member(p, group, 0));
}

static void print_group(const struct snap_text *p, const struct snap_thread_group *group)
{
	const struct snap_crash_thread *first = member(p, group, 0);
	snap_text_gap(p);
	(void)fputs(p->colors.heading, p->out);
	print_group_name(p, group, " like this");
	(void)fprintf(p->out, "%s\n", p->colors.end);
	snap_text_wait(p->crash, first, group->num > 1, p->out);
	snap_backtrace_print(first,
		&(struct snap_backtrace_style){.rules = p->rules,
			.colors = &p->colors,
			.for_many = group->num > 1,
			.columns = p->columns},
		p->out);
}

static void print_group_line(const struct snap_text *p, const struct snap_thread_group *group)
{
	const struct snap_crash_thread *first = member(p, group, 0);
	(void)fputs("  ", p->out);
	print_group_name(p, group, "");
	for (size_t i = 0; i < first->num_listed && i < MAX_FUNCTIONS; i++) {
		char name[SNAP_FRAME_NAME_MAX];
		snap_frame_name(first, i, p->rules, name, sizeof(name));
		(void)fprintf(p->out, "%s%s", i == 0 ? ": " : " < ", name);
	}
	(void)fputs(first->num_listed == 0		? ": no frames\n"
		    : first->num_listed > MAX_FUNCTIONS ? " < ...\n"
							: "\n",
		p->out);
}

void snap_text_other_threads(const struct snap_text *p)
{
	const struct snap_crash *crash = p->crash;
	size_t num = 0, num_groups = 0, num_left = 0;
	for (size_t i = 0; i < crash->num_threads; i++)
		num += !crash->threads[i].crashed;
	if (num > 0 && p->only_crashed_thread) {
		snap_text_gap(p);
		(void)fprintf(p->out, "%s%zu %sthread%s not shown (--threads=all shows %s).%s\n",
			p->colors.faint, num, num < crash->num_threads ? "other " : "",
			num == 1 ? " is" : "s are", num == 1 ? "it" : "them", p->colors.end);
		return;
	}
	for (size_t i = 0; i < crash->num_groups; i++) {
		const struct snap_thread_group *group = &crash->groups[i];
		if (member(p, group, 0)->crashed)
			continue;
		if (num_groups == MAX_STACKS)
			snap_text_heading(p, "Other threads, by their innermost functions");
		if (num_groups < MAX_STACKS)
			print_group(p, group);
		else if (num_groups < MAX_STACKS + MAX_LINES)
			print_group_line(p, group);
		else
			num_left += group->num;
		num_groups++;
	}
	if (num_left > 0)
		(void)fprintf(p->out, "  ... and %zu more threads with %zu other stacks\n", num_left,
			num_groups - MAX_STACKS - MAX_LINES);
	if (num_groups > MAX_STACKS)
		(void)fprintf(p->out, "  %s(snapanalyze json has all stacks)%s\n",
			p->colors.faint, p->colors.end);
}
