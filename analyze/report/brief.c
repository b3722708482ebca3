#include "analyze/report/brief.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/report/backtrace.h"
#include "analyze/report/columns.h"
#include "analyze/report/text_facts.h"
#include "analyze/report/text_parts.h"
#include "analyze/report/words.h"

/* Lines of each part, at most; the stack has what the others leave, at least 4. */
#define HEADLINE_LINES	  2
#define EXPLANATION_LINES 4
#define MESSAGE_LINES	  2
#define HINT_LINES	  2
#define STEP_LINES	  4
#define ALL_STEPS_LINES	  6
#define MAX_FRAMES	  10
/* What "where" has at least, and what it has before related snapshots are told one by one. */
#define MIN_WHERE_LINES	 4
#define GOOD_WHERE_LINES 8
/* Columns of a function's name. */
#define NAME_COLUMNS 36

struct brief {
	const struct snap_crash *crash;
	const struct snap_brief_style *style;
	struct snap_colors colors;
	FILE *out;
	size_t num_lines;  /* written so far */
	size_t step_lines; /* what is to be done next has so many */
};

/* A text made by a function that prints; NULL without memory. */
static char *printed(const struct snap_crash *crash, void (*print)(const struct snap_text *p))
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	const struct snap_text p = {.crash = crash, .colors = SNAP_COLORS_OFF, .out = out};
	print(&p);
	bool failed = ferror(out);
	if (fclose(out) != 0 || failed) {
		free(text);
		return NULL;
	}
	return text;
}

static void put_paragraph(
	struct brief *b, const char *text, size_t indent, size_t max_lines, const char *color)
{
	const struct snap_wrap wrap = {.columns = b->style->columns,
		.indent = indent,
		.max_lines = max_lines,
		.before = color,
		.after = *color ? b->colors.end : ""};
	b->num_lines += snap_wrap_print(b->out, text, &wrap);
}

static void put_line(struct brief *b, const char *text, const char *color)
{
	put_paragraph(b, text, 0, 1, color);
}

/* Model text, escaped as others are; longer ones are cut. */
static void put_text(struct brief *b, const char *before, const char *text, size_t indent,
	size_t max_lines, const char *color)
{
	char escaped[SNAP_PRINT_MAX + 4], line[SNAP_PRINT_MAX + 64];
	(void)snap_print_to(snap_bytes_str(text), escaped);
	(void)snprintf(line, sizeof(line), "%.50s%s", before, escaped);
	put_paragraph(b, line, indent, max_lines, color);
}

/* ---------------------------------------------------------------- what */

static void print_message(const struct snap_text *p)
{
	snap_text_abort_message(p->crash, p->out);
}

/* Each line of text is a paragraph. */
static void put_lines(struct brief *b, char *text, size_t indent, size_t max_lines, size_t max_all,
	const char *color)
{
	size_t begin = b->num_lines;
	char *rest = text;
	for (const char *line; (line = strsep(&rest, "\n")) && b->num_lines < begin + max_all;)
		if (*line) {
			size_t left = begin + max_all - b->num_lines;
			put_paragraph(b, line, indent, left < max_lines ? left : max_lines, color);
		}
}

static int put_what(struct brief *b, struct snap_error *err)
{
	char *headline = printed(b->crash, snap_text_headline);
	char *message = printed(b->crash, print_message);
	if (!headline || !message) {
		free(headline);
		free(message);
		return snap_error_no_memory(err);
	}
	put_lines(b, headline, 2, HEADLINE_LINES, HEADLINE_LINES, b->colors.alarm);
	if (b->crash->cause.explanation)
		put_text(b, "", b->crash->cause.explanation, 0, EXPLANATION_LINES, "");
	if (b->crash->cause.memory_hint)
		put_text(b, "Hint: ", b->crash->cause.memory_hint, 6, HINT_LINES, "");
	put_lines(b, message, 9, MESSAGE_LINES, MESSAGE_LINES, "");
	free(headline);
	free(message);
	return 0;
}

/* ---------------------------------------------------------------- where */

/* ".../src/main.c:12" in so many columns. */
static void place_of(const struct snap_crash_thread *thread, size_t index, size_t columns, char *ret)
{
	const struct snap_listed_frame *listed = &thread->listed[index];
	const struct snap_frame *frame = &thread->frames[listed->frame];
	char place[SNAP_PRINT_MAX + 32] = "";
	char escaped[SNAP_PRINT_MAX + 4];
	if (frame->is_signal && !listed->is_inline) {
		;
	} else if (listed->file) {
		/* The end is what tells. */
		size_t len = strlen(listed->file);
		const char *tail = len > 400 ? listed->file + len - 400 : listed->file;
		(void)snap_print_to(snap_bytes_str(tail), escaped);
		(void)snprintf(place, sizeof(place), listed->line ? "%s:%" PRIu32 : "%s", escaped,
			listed->line);
	} else if (!frame->module) {
		(void)snprintf(place, sizeof(place), "in no module");
	} else if (frame->module->record.path.len > 0 && listed->function) {
		(void)snap_print_to(snap_base_name(frame->module->record.path), escaped);
		(void)snprintf(place, sizeof(place), "in %s", escaped);
	}
	snap_cut_begin(place, columns > 8 ? columns : 8, ret);
}

static size_t name_columns(const struct brief *b)
{
	size_t half = b->style->columns / 2;
	return half < NAME_COLUMNS ? half : NAME_COLUMNS;
}

/* column: what names are filled up to. */
static void put_frame(
	struct brief *b, const struct snap_crash_thread *thread, size_t index, size_t column)
{
	const struct snap_listed_frame *listed = &thread->listed[index];
	const struct snap_frame *frame = &thread->frames[listed->frame];
	char name[SNAP_FRAME_NAME_MAX], shown[SNAP_FRAME_NAME_MAX], place[SNAP_PRINT_MAX + 32];
	char line[2 * SNAP_PRINT_MAX + 200];
	const char *mark = listed->is_inline			  ? "  [inlined]"
			   : frame->is_from_lr			  ? "  [by lr]"
			   : frame->trust == SNAP_TRUST_SCAN	  ? "  [guessed]"
			   : frame->trust == SNAP_TRUST_PREWALKED ? "  [device's]"
								  : "";
	size_t columns = b->style->columns;
	snap_frame_name(thread, index, b->style->rules, name, sizeof(name));
	snap_cut_end(name, name_columns(b), shown);
	int len = snprintf(line, sizeof(line), "  #%-2zu ", index);
	size_t width = snap_columns(shown), fill = width < column ? column - width : 0;
	size_t used = (size_t)len + width + fill + 2 + strlen(mark);
	place_of(thread, index, columns > used ? columns - used : 0, place);
	(void)snprintf(line + len, sizeof(line) - (size_t)len, "%s%*s%s%s%s", shown,
		*place || *mark ? (int)fill : 0, "", *place ? "  " : "", place, mark);
	put_line(b, line, "");
}

/* Functions that only ended the program, from the top: not what one looks for. */
static void put_skipped(struct brief *b, const struct snap_crash_thread *thread, size_t num)
{
	char line[2 * SNAP_PRINT_MAX], name[SNAP_FRAME_NAME_MAX];
	int len = snprintf(line, sizeof(line), num == 1 ? "  #0 " : "  #0 to #%zu ", num - 1);
	/* The outermost of them is the one that was called. */
	snap_frame_name(thread, num - 1, b->style->rules, name, sizeof(name));
	(void)snprintf(line + len, sizeof(line) - (size_t)len, " how it ended, by %s", name);
	put_line(b, line, b->colors.faint);
}

static const char *end_words(enum snap_end end)
{
	switch (end) {
	case SNAP_END_COMPLETE:
		break;
	case SNAP_END_TRUNCATED:
		return "the stack goes on, but was not captured further";
	case SNAP_END_CORRUPT:
		return "the stack is damaged from here on";
	case SNAP_END_LIMIT:
		return "the stack goes on";
	case SNAP_END_UNAVAILABLE:
		return "the stack can't be followed further";
	}
	return NULL;
}

/* A line of the frames from first on, those of a recursion counted once; max: lines. */
static void put_frames(struct brief *b, const struct snap_crash_thread *thread, size_t first, size_t max)
{
	size_t end_line = b->num_lines + max, i = first, column = 0;
	char line[160], number[32];
	bool is_more = false;
	for (size_t j = first; j < thread->num_listed && j < first + max; j++) {
		char name[SNAP_FRAME_NAME_MAX];
		snap_frame_name(thread, j, b->style->rules, name, sizeof(name));
		size_t width = snap_columns(name);
		if (width > column)
			column = width;
	}
	if (column > name_columns(b))
		column = name_columns(b);
	/* The last line says what is left out, if anything is. */
	while (i < thread->num_listed) {
		const struct snap_repeat *repeat = NULL;
		for (size_t j = 0; j < thread->num_repeats && !repeat; j++)
			if (thread->repeats[j].first + thread->repeats[j].length == i)
				repeat = &thread->repeats[j];
		is_more = b->num_lines + 1 >= end_line &&
			  (i + 1 < thread->num_listed || thread->end != SNAP_END_COMPLETE);
		if (is_more)
			break;
		if (repeat) {
			(void)snprintf(line, sizeof(line), "  ... %zu times the same",
				repeat->count - 1);
			put_line(b, line, b->colors.faint);
			i += repeat->length * (repeat->count - 1);
		} else {
			put_frame(b, thread, i++, column);
		}
		const struct snap_frame *frame = &thread->frames[thread->listed[i - 1].frame];
		bool is_last = i == thread->num_listed ||
			       thread->listed[i].frame != thread->listed[i - 1].frame;
		if (is_last && frame->gap_bytes > 0 && b->num_lines + 1 < end_line) {
			(void)snprintf(line, sizeof(line), "  ... %s bytes of the stack were not captured",
				snap_number_words(frame->gap_bytes, number));
			put_line(b, line, b->colors.doubt);
		}
	}
	const char *words = end_words(thread->end);
	if (is_more && words)
		(void)snprintf(line, sizeof(line), "  ... %zu more; %s", thread->num_listed - i, words);
	else if (is_more)
		(void)snprintf(line, sizeof(line), "  ... %zu more", thread->num_listed - i);
	else if (words)
		(void)snprintf(line, sizeof(line), "  ... %s", words);
	else
		return;
	put_line(b, line, words ? b->colors.doubt : b->colors.faint);
}

/* Names of a group are told, at most so many. */
#define MAX_NAMES 3
/* What who_is() makes, with the NUL. */
#define WHO_MAX (MAX_NAMES * (SNAP_FRAME_NAME_MAX + 8) + 64)

/* "12 \"worker\"", "3 threads \"main\", \"idle\"", as much of it as is known. */
static void who_is(const struct snap_crash *crash, const struct snap_thread_group *group, char *ret)
{
	const struct snap_thread *first = &crash->threads[group->threads[0]].record;
	int len = group->num > 1   ? snprintf(ret, WHO_MAX, "%zu threads", group->num)
		  : first->has_tid ? snprintf(ret, WHO_MAX, "%" PRIu64, first->tid)
				   : snprintf(ret, WHO_MAX, "thread");
	const struct snap_thread *last = NULL;
	for (size_t i = 0, num = 0; i < group->num && num < MAX_NAMES; i++) {
		const struct snap_thread *record = &crash->threads[group->threads[i]].record;
		char name[SNAP_PRINT_MAX + 4], shown[SNAP_FRAME_NAME_MAX];
		if (record->name.len == 0 || (last && snap_bytes_equal(last->name, record->name)))
			continue;
		(void)snap_print_to(record->name, name);
		snap_cut_end(name, NAME_COLUMNS, shown);
		len += snprintf(ret + len, WHO_MAX - (size_t)len, "%s \"%s\"", num > 0 ? "," : "",
			shown);
		last = record;
		num++;
	}
}

/* One line for each group of threads. */
static void put_threads(struct brief *b, size_t max)
{
	const struct snap_crash *crash = b->crash;
	char line[WHO_MAX + 5 * (SNAP_FRAME_NAME_MAX + 4)];
	char name[SNAP_FRAME_NAME_MAX], shown[SNAP_FRAME_NAME_MAX];
	size_t shown_groups = crash->num_groups <= max ? crash->num_groups : max - 1;
	for (size_t i = 0; i < shown_groups; i++) {
		const struct snap_thread_group *group = &crash->groups[i];
		const struct snap_crash_thread *thread = &crash->threads[group->threads[0]];
		char who[WHO_MAX];
		who_is(crash, group, who);
		int len = snprintf(line, sizeof(line), "  %s: ", who);
		for (size_t j = 0; j < thread->num_listed && j < 4; j++) {
			snap_frame_name(thread, j, b->style->rules, name, sizeof(name));
			snap_cut_end(name, NAME_COLUMNS, shown);
			len += snprintf(line + len, sizeof(line) - (size_t)len, "%s%s",
				j > 0 ? " < " : "", shown);
		}
		if (thread->num_listed == 0)
			(void)snprintf(line + len, sizeof(line) - (size_t)len, "no frames");
		put_line(b, line, "");
	}
	size_t left = 0;
	for (size_t i = shown_groups; i < crash->num_groups; i++)
		left += crash->groups[i].num;
	if (left == 0)
		return;
	(void)snprintf(line, sizeof(line), "  ... and %zu more threads", left);
	put_line(b, line, b->colors.faint);
}

static void put_where(struct brief *b, size_t max)
{
	const struct snap_crash *crash = b->crash;
	const struct snap_crash_thread *thread = snap_crash_crashed_thread(crash);
	char line[SNAP_PRINT_MAX + 64], name[SNAP_PRINT_MAX + 4];
	if (!thread) {
		put_line(b, crash->num_threads > 0 ? "Where: its threads" : "Where: no thread is in it",
			b->colors.heading);
		put_threads(b, max - 1);
		return;
	}
	(void)snap_print_to(thread->record.name, name);
	int len = thread->record.has_tid ? snprintf(line, sizeof(line), "Where: thread %" PRIu64,
						   thread->record.tid)
					 : snprintf(line, sizeof(line), "Where: a thread");
	if (*name)
		len += snprintf(line + len, sizeof(line) - (size_t)len, " \"%s\"", name);
	if (crash->num_threads > 1)
		(void)snprintf(line + len, sizeof(line) - (size_t)len, ", of %zu",
			crash->num_threads);
	put_line(b, line, b->colors.heading);
	max--;
	size_t first = crash->signature.id ? crash->signature.first : 0;
	if (first > 0) {
		put_skipped(b, thread, first);
		max--;
	}
	if (thread->num_listed == 0)
		put_line(b, "  no frames are known", b->colors.doubt);
	put_frames(b, thread, first, max < MAX_FRAMES ? max : MAX_FRAMES);
}

/* ---------------------------------------------------------------- related snapshots */

/* How many lines they have, of so many that are left for them and for "where". */
static size_t related_lines(const struct brief *b, size_t room)
{
	size_t num = b->crash->num_related;
	if (num == 0)
		return 0;
	if (room < GOOD_WHERE_LINES + 2)
		return 1;
	return num < room - GOOD_WHERE_LINES ? num + 1 : room - GOOD_WHERE_LINES;
}

/* A line that there are some, and the first ones in a line each. max: > 0. */
static int put_related(struct brief *b, size_t max, struct snap_error *err)
{
	const struct snap_crash *crash = b->crash;
	char line[160], number[32];
	size_t shown = crash->num_related < max ? crash->num_related : max - 1;
	(void)snprintf(line, sizeof(line), "%zu related snapshot%s within it%s", crash->num_related,
		crash->num_related == 1 ? "" : "s",
		shown == 0		     ? ": read them without --brief"
		: shown < crash->num_related ? "; the first:"
					     : ":");
	put_line(b, line, b->colors.heading);
	for (size_t i = 0; i < shown; i++) {
		char *headline = printed(&crash->related[i], snap_text_headline);
		if (!headline)
			return snap_error_no_memory(err);
		headline[strcspn(headline, "\n")] = '\0';
		(void)snprintf(number, sizeof(number), "  %zu  ", i + 1);
		put_text(b, number, headline, 0, 1, "");
		free(headline);
	}
	return 0;
}

/* ---------------------------------------------------------------- next */

static void put_next(struct brief *b)
{
	const struct snap_crash *crash = b->crash;
	size_t begin = b->num_lines, shown = 0;
	put_line(b, "Next", b->colors.heading);
	for (; shown < crash->num_next_steps; shown++) {
		size_t left = b->step_lines - (b->num_lines - begin - 1);
		if (left < 2)
			break;
		put_text(b, "  - ", crash->next_steps[shown].text, 4,
			left - 1 < STEP_LINES ? left - 1 : STEP_LINES, "");
	}
	put_line(b, shown < crash->num_next_steps
			    ? "  - Read the whole report, without --brief: it has more to do."
			    : "  - The whole report is the same without --brief.",
		b->colors.faint);
}

/* ---------------------------------------------------------------- all of it */

/* How many lines a part would take. */
static int count_lines(const struct brief *b, int (*put)(struct brief *b, struct snap_error *err),
	size_t *ret, struct snap_error *err)
{
	char *text = NULL;
	size_t size;
	struct brief trial = *b;
	trial.out = open_memstream(&text, &size);
	trial.num_lines = 0;
	if (!trial.out)
		return snap_error_no_memory(err);
	int r = put(&trial, err);
	bool failed = fclose(trial.out) != 0;
	free(text);
	if (r == 0 && failed)
		r = snap_error_no_memory(err);
	if (r == 0)
		*ret = trial.num_lines;
	return r;
}

static int put_next_part(struct brief *b, struct snap_error *err)
{
	(void)err;
	put_next(b);
	return 0;
}

int snap_report_brief(const struct snap_crash *crash, const struct snap_brief_style *style,
	FILE *out, struct snap_error *err)
{
	struct brief b = {
		.crash = crash,
		.style = style,
		.colors = style->color ? SNAP_COLORS_ON : SNAP_COLORS_OFF,
		.out = out,
		.step_lines = ALL_STEPS_LINES,
	};
	const struct snap_signature *signature = &crash->signature;
	size_t what, next, related = crash->num_related > 0 ? 1 : 0;
	/* How long the others are, before "where" is written; where all are long, the steps are
	 * fewer. */
	if (count_lines(&b, put_what, &what, err) < 0 ||
		count_lines(&b, put_next_part, &next, err) < 0)
		return -1;
	/* Two empty lines, and the signature's. */
	size_t taken = what + 2 + next + (signature->id ? 1 : 0), over = 0;
	if (taken + MIN_WHERE_LINES + related > SNAP_BRIEF_LINES)
		over = taken + MIN_WHERE_LINES + related - SNAP_BRIEF_LINES;
	b.step_lines -= over < ALL_STEPS_LINES - 2 ? over : ALL_STEPS_LINES - 2;
	if (over > 0 && count_lines(&b, put_next_part, &next, err) < 0)
		return -1;
	taken = what + 2 + next + (signature->id ? 1 : 0);
	size_t room = taken + MIN_WHERE_LINES + related < SNAP_BRIEF_LINES
			      ? SNAP_BRIEF_LINES - taken
			      : MIN_WHERE_LINES + related;
	related = related_lines(&b, room);

	if (put_what(&b, err) < 0)
		return -1;
	(void)fputc('\n', out);
	b.num_lines++;
	size_t before = b.num_lines;
	put_where(&b, room - related);
	/* What a short stack leaves is theirs. */
	size_t used = b.num_lines - before;
	if (related > 0 && put_related(&b, used < room ? room - used : 1, err) < 0)
		return -1;
	(void)fputc('\n', out);
	b.num_lines++;
	put_next(&b);
	if (signature->id)
		put_text(&b, "Signature ", signature->id, 0, 1, "");
	return 0;
}
