#include "analyze/report/backtrace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/report/columns.h"
#include "analyze/report/words.h"
#include "analyze/signature/name.h"

/* Functions longer than this are not aligned to. */
#define MAX_COLUMN 44

/* A name of more columns than this stands as in signatures: "std::sort<T>". JSON has it whole. */
#define MAX_NAME_COLUMNS 90

/* As signatures have it; to be freed. NULL without memory. */
static char *short_name(
	const char *function, const struct snap_crash_module *module, const struct snap_rules *rules)
{
	/* Which libraries the process has is not looked at: rules for one count in its modules. */
	const struct snap_rules_place place = snap_rules_place(
		rules, module ? snap_base_name(module->record.path) : snap_bytes(NULL, 0), UINT32_MAX);
	return snap_signature_name(function, rules, &place, NULL);
}

void snap_frame_name(const struct snap_crash_thread *thread, size_t index,
	const struct snap_rules *rules, char *out, size_t size)
{
	const struct snap_listed_frame *listed = &thread->listed[index];
	const struct snap_frame *frame = &thread->frames[listed->frame];
	const struct snap_crash_module *module = frame->module;
	char name[SNAP_PRINT_MAX + 4];
	if (frame->is_signal && !listed->is_inline) {
		(void)snprintf(out, size,
			frame->is_exception ? "<exception handler called>"
					    : "<signal handler called>");
	} else if (listed->function) {
		(void)snap_print_to(snap_bytes_str(listed->function), name);
		if (rules && snap_columns(name) > MAX_NAME_COLUMNS) {
			char *brief = short_name(listed->function, module, rules);
			if (brief)
				(void)snap_print_to(snap_bytes_str(brief), name);
			free(brief);
		}
		/* Without a line, the offset says where in the function. */
		if (listed->file || listed->is_inline || !listed->has_offset)
			(void)snprintf(out, size, "%s", name);
		else
			(void)snprintf(out, size, "%s+0x%" PRIx64, name, listed->offset);
	} else if (module && module->record.path.len > 0) {
		(void)snap_print_to(snap_base_name(module->record.path), name);
		if (module->record.has_load_bias)
			(void)snprintf(out, size, "%s+0x%" PRIx64, name,
				frame->pc - module->record.load_bias);
		else
			(void)snprintf(out, size, "0x%" PRIx64, frame->pc);
	} else {
		(void)snprintf(out, size, "0x%" PRIx64, frame->pc);
	}
}

/* What stands behind it: where that is. */
static void print_place(
	const struct snap_crash_thread *thread, const struct snap_listed_frame *listed, FILE *out)
{
	const struct snap_crash_module *module = thread->frames[listed->frame].module;
	if (listed->file) {
		snap_print_str(out, listed->file);
		if (listed->line)
			(void)fprintf(out, ":%" PRIu32, listed->line);
		if (listed->line && listed->column)
			(void)fprintf(out, ":%" PRIu32, listed->column);
	} else if (!module) {
		(void)fputs("in no module", out);
	} else if (module->record.path.len > 0) {
		(void)fputs("in ", out);
		snap_print(out, module->record.path);
	}
}

static const char *trust_words(const struct snap_frame *frame)
{
	switch (frame->trust) {
	case SNAP_TRUST_FP:
		return "[by frame pointer]";
	case SNAP_TRUST_SCAN:
		return frame->is_from_lr ? "[by the link register]" : "[guessed from the stack]";
	case SNAP_TRUST_PREWALKED:
		return "[walked by the device]";
	case SNAP_TRUST_CONTEXT:
	case SNAP_TRUST_CFI:
		break;
	}
	return NULL;
}

/* Of one value in a line of arguments, and of one below it. */
#define MAX_ARGUMENT 100
#define MAX_LOCAL    1000

/* The beginning of a value, with "..." in place of what is more. */
static void print_value(const char *value, size_t max, FILE *out)
{
	size_t len = strlen(value);
	if (len <= max) {
		snap_print_str(out, value);
		return;
	}
	snap_print(out, snap_bytes(value, max - 3));
	(void)fputs("...", out);
}

/* " (a=1, b=0x0)", if the function's arguments were read. */
static void print_arguments(
	const struct snap_listed_frame *listed, const struct snap_colors *colors, FILE *out)
{
	for (size_t i = 0; i < listed->num_arguments; i++) {
		const struct snap_variable *argument = &listed->arguments[i];
		bool is_known = argument->state <= SNAP_VARIABLE_PARTIAL;
		(void)fputs(i > 0 ? ", " : " (", out);
		snap_print_str(out, argument->name ? argument->name : "?");
		(void)fprintf(out, "=%s", is_known ? "" : colors->faint);
		print_value(argument->value, MAX_ARGUMENT, out);
		(void)fputs(is_known ? "" : colors->end, out);
	}
	if (listed->num_arguments > 0)
		(void)fputc(')', out);
}

static void print_locals(
	const struct snap_listed_frame *listed, const struct snap_colors *colors, FILE *out)
{
	for (size_t i = 0; i < listed->num_locals; i++) {
		const struct snap_variable *local = &listed->locals[i];
		bool is_known = local->state <= SNAP_VARIABLE_PARTIAL;
		(void)fputs("        ", out);
		snap_print_str(out, local->name ? local->name : "?");
		(void)fprintf(out, " = %s", is_known ? "" : colors->faint);
		print_value(local->value, MAX_LOCAL, out);
		(void)fprintf(out, "%s\n", is_known ? "" : colors->end);
	}
	if (listed->num_left_out > 0)
		(void)fprintf(out, "        %s... %zu more variables%s\n", colors->doubt,
			listed->num_left_out, colors->end);
}

/* What stands in front of a line, and of it at least and, where lines may have any length, at most.
 */
#define SOURCE_INDENT	   15
#define MIN_SOURCE_COLUMNS 20
#define MAX_SOURCE_COLUMNS 120

/* With tabs as spaces, as far as it fits on a line. */
static void print_source_line(struct snap_bytes line, size_t columns, FILE *out)
{
	enum { TAB = 4 };
	size_t room = columns == 0				     ? MAX_SOURCE_COLUMNS
		      : columns < SOURCE_INDENT + MIN_SOURCE_COLUMNS ? MIN_SOURCE_COLUMNS
								     : columns - SOURCE_INDENT;
	char text[SNAP_PRINT_MAX], shown[SNAP_PRINT_MAX + 4], cut[SNAP_PRINT_MAX + 4];
	size_t len = 0;
	for (size_t i = 0; i < line.len && len + TAB < sizeof(text); i++) {
		size_t num = line.data[i] == '\t' ? TAB - len % TAB : 1;
		memset(text + len, line.data[i] == '\t' ? ' ' : line.data[i], num);
		len += num;
	}
	(void)snap_print_to(snap_bytes(text, len), shown);
	snap_cut_end(shown, room, cut);
	(void)fputs(cut, out);
}

static void print_source(const struct snap_source_text *source, uint32_t line,
	const struct snap_backtrace_style *style, FILE *out)
{
	const struct snap_colors *colors = style->colors;
	for (size_t i = 0; i < source->num_lines; i++) {
		bool is_it = source->first + i == line;
		(void)fprintf(out, "      %s%c %5" PRIu32 "  ", is_it ? "" : colors->faint,
			is_it ? '>' : ' ', source->first + (uint32_t)i);
		print_source_line(source->lines[i], style->columns, out);
		(void)fprintf(out, "%s\n", is_it ? "" : colors->end);
	}
	if (!source->is_too_short && !source->is_newer)
		return;
	(void)fprintf(out, "      %s", colors->doubt);
	snap_print_str(out, source->path);
	(void)fprintf(out, "%s%s\n",
		source->is_too_short ? " has no such line: it is of another version"
				     : " is newer than the program: it may be of another version",
		colors->end);
}

static void print_line(const struct snap_crash_thread *thread, size_t index, int digits,
	size_t column, const struct snap_backtrace_style *style, FILE *out)
{
	const struct snap_colors *colors = style->colors;
	const struct snap_listed_frame *listed = &thread->listed[index];
	const struct snap_frame *frame = &thread->frames[listed->frame];
	char function[SNAP_FRAME_NAME_MAX];
	snap_frame_name(thread, index, style->rules, function, sizeof(function));
	size_t width = snap_columns(function);
	(void)fprintf(out, "  #%-*zu  %s%s%s", digits, index,
		listed->function ? colors->function : "", function,
		listed->function ? colors->end : "");
	if (!style->for_many)
		print_arguments(listed, colors, out);
	(void)fprintf(out, "%*s", width < column ? (int)(column - width) : 0, "");
	if (!frame->is_signal || listed->is_inline) {
		(void)fputs("  ", out);
		print_place(thread, listed, out);
	}
	if (listed->is_inline)
		(void)fprintf(out, "  %s[inlined]%s", colors->faint, colors->end);
	else if (frame->is_tail_call)
		(void)fprintf(out, "  %s[tail call]%s", colors->faint, colors->end);
	const char *trust = trust_words(frame);
	if (trust && !listed->is_inline)
		(void)fprintf(out, "  %s%s%s", colors->doubt, trust, colors->end);
	(void)fputc('\n', out);
	if (style->source && style->source[index].path)
		print_source(&style->source[index], listed->line, style, out);
	if (!style->for_many)
		print_locals(listed, colors, out);
}

static void print_repeat(
	const struct snap_repeat *repeat, const struct snap_colors *colors, FILE *out)
{
	(void)fprintf(out, "  %s... #%zu to #%zu: the same", colors->faint,
		repeat->first + repeat->length, repeat->first + repeat->length * repeat->count - 1);
	if (repeat->length > 1)
		(void)fprintf(out, " %zu lines", repeat->length);
	(void)fprintf(out, ", %zu times more%s\n", repeat->count - 1, colors->end);
}

/* Three digits are as much as an estimate is worth: "41,300". */
static const char *about(uint64_t number, char out[32])
{
	uint64_t unit = 1;
	while (number / unit >= 1000)
		unit *= 10;
	return snap_number_words((number + unit / 2) / unit * unit, out);
}

/* Frames of lines [first, first + num): several lines may be functions inlined into one. */
static size_t num_frames(const struct snap_crash_thread *thread, size_t first, size_t num)
{
	return thread->listed[first + num - 1].frame - thread->listed[first].frame + 1;
}

/* What follows line i but was not captured; cycle: so many lines before it are a recursion, or 0.
 */
static void print_gap(const struct snap_crash_thread *thread, size_t i, size_t cycle,
	const struct snap_colors *colors, FILE *out)
{
	char number[32];
	const struct snap_frame *frame = &thread->frames[thread->listed[i].frame];
	bool is_last = i + 1 == thread->num_listed ||
		       thread->listed[i + 1].frame != thread->listed[i].frame;
	if ((frame->gap_bytes == 0 && frame->gap_frames == 0) || !is_last)
		return;
	(void)fprintf(out, "  %s... ", colors->doubt);
	if (frame->is_gap_unlisted)
		(void)fprintf(out, "%s frames are not listed",
			snap_number_words(frame->gap_frames, number));
	else
		(void)fprintf(out, "%s bytes of the stack were not captured here",
			snap_number_words(frame->gap_bytes, number));
	size_t frames = cycle > 0 ? num_frames(thread, i + 1 - cycle, cycle) : 0;
	uint64_t times = frames > 0 ? frame->gap_frames / frames : 0;
	if (times > 1 && frames > 1)
		(void)fprintf(out, ": the last %zu frames repeated about %s times", frames,
			about(times, number));
	else if (times > 1)
		(void)fprintf(
			out, ": the last frame repeated about %s times", about(times, number));
	else if (frame->gap_frames > 0 && !frame->is_gap_unlisted)
		(void)fprintf(out, ": about %s frames", about(frame->gap_frames, number));
	(void)fprintf(out, "%s\n", colors->end);
}

static const char *end_words(enum snap_end end)
{
	switch (end) {
	case SNAP_END_COMPLETE:
		break;
	case SNAP_END_TRUNCATED:
		return "The stack goes on, but was not captured further";
	case SNAP_END_CORRUPT:
		return "The stack is damaged from here on";
	case SNAP_END_LIMIT:
		return "The stack goes on, but no more frames are wanted (--max-frames)";
	case SNAP_END_UNAVAILABLE:
		return "The stack can't be followed further";
	}
	return "";
}

void snap_backtrace_print(
	const struct snap_crash_thread *thread, const struct snap_backtrace_style *style, FILE *out)
{
	const struct snap_colors *colors = style->colors;
	size_t column = 0;
	int digits = 1;
	bool has_arguments = false;
	for (size_t i = 0; i < thread->num_listed; i++)
		has_arguments |= thread->listed[i].num_arguments > 0 && !style->for_many;
	/* Behind arguments, there is no column to align. */
	for (size_t i = 0; i < thread->num_listed && !has_arguments; i++) {
		char function[SNAP_FRAME_NAME_MAX];
		snap_frame_name(thread, i, style->rules, function, sizeof(function));
		size_t width = snap_columns(function);
		if (width > column && width <= MAX_COLUMN)
			column = width;
	}
	for (size_t n = thread->num_listed; n > 10; n /= 10)
		digits++;

	const struct snap_repeat *repeat = thread->repeats;
	const struct snap_repeat *repeats_end = repeat ? repeat + thread->num_repeats : NULL;
	size_t cycle = 0, cycle_end = 0;
	for (size_t i = 0; i < thread->num_listed;) {
		bool is_repeated = repeat < repeats_end && repeat->first == i;
		size_t shown = is_repeated ? repeat->length : 1;
		size_t num = is_repeated ? repeat->length * repeat->count : 1;
		for (size_t j = 0; j < shown; j++)
			print_line(thread, i + j, digits, column, style, out);
		if (is_repeated)
			print_repeat(repeat, colors, out);
		i += num;
		if (is_repeated) {
			cycle = repeat->length;
			cycle_end = i + cycle;
			repeat++;
		}
		/* The recursion may have been cut within its cycle. */
		print_gap(thread, i - 1, i < cycle_end ? cycle : 0, colors, out);
	}
	if (thread->num_listed == 0 && thread->end == SNAP_END_COMPLETE)
		(void)fprintf(out, "  %s(no frames)%s\n", colors->faint, colors->end);
	if (thread->end == SNAP_END_COMPLETE)
		return;
	(void)fprintf(out, "  %s%s", colors->doubt, end_words(thread->end));
	if (thread->end != SNAP_END_LIMIT && thread->end_reason && thread->end_reason[0] &&
		!(style->for_many && strstr(thread->end_reason, "0x"))) {
		(void)fputs(": ", out);
		snap_print_str(out, thread->end_reason);
	}
	(void)fprintf(out, ".%s\n", colors->end);
}

void snap_registers_print(const struct snap_crash *crash, const struct snap_crash_thread *thread,
	size_t columns, FILE *out)
{
	enum { PER_ROW = 4 };
	if (!crash->arch || !thread->pr_reg.data)
		return;
	int digits = 2 * (int)snap_arch_word(crash->arch), width[PER_ROW] = {0}, widest = 0,
	    num = 0;
	for (unsigned int i = 0; i < crash->arch->num_regs; i++) {
		int len = (int)strlen(crash->arch->regs[i].name);
		widest = len > widest ? len : widest;
	}
	/* Fewer in a row where all would not fit. */
	unsigned int per_row = PER_ROW;
	while (columns > 0 && per_row > 1 &&
		per_row * (unsigned int)(widest + digits + 3) > columns)
		per_row--;
	for (unsigned int i = 0, at = 0; i < crash->arch->num_regs; i++) {
		int len = (int)strlen(crash->arch->regs[i].name);
		uint64_t value;
		if (!snap_crash_register(crash, thread, i, &value))
			continue;
		if (len > width[at % per_row])
			width[at % per_row] = len;
		at++;
	}
	for (unsigned int i = 0; i < crash->arch->num_regs; i++) {
		uint64_t value;
		/* Some may be missing. */
		if (!snap_crash_register(crash, thread, i, &value))
			continue;
		(void)fprintf(out, "%s%*s %0*" PRIx64,
			num > 0 && num % (int)per_row == 0 ? "\n  " : "  ",
			width[(unsigned int)num % per_row], crash->arch->regs[i].name, digits,
			value);
		num++;
	}
	if (num > 0)
		(void)fputc('\n', out);
}
