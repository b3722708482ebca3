#include "analyze/report/backtrace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/report/words.h"
#include "analyze/signature/name.h"

/* Functions longer than this are not aligned to. */
#define MAX_COLUMN 44
/* Recursion: a group of up to so many lines that stands at least so often is shown once. */
#define MAX_PERIOD 12
#define MIN_REPEAT 4

/* Columns on a terminal, of escaped UTF-8 text: characters, as if none were wide. */
static size_t columns(const char *text)
{
	size_t num = 0;
	for (; *text; text++)
		num += ((unsigned char)*text & 0xc0) != 0x80;
	return num;
}

/* A name of more columns than this stands as in signatures: "std::sort<T>". JSON has it whole. */
#define MAX_NAME_COLUMNS 90

/* What stands in the column of functions. */
static void function_text(const struct snap_crash_thread *thread,
	const struct snap_listed_frame *listed, char *out, size_t size)
{
	const struct snap_frame *frame = &thread->frames[listed->frame];
	const struct snap_crash_module *module = frame->module;
	char name[SNAP_PRINT_MAX + 4];
	if (frame->is_signal && !listed->is_inline) {
		(void)snprintf(out, size, "<signal handler called>");
	} else if (listed->function) {
		(void)snap_print_to(snap_bytes_str(listed->function), name);
		if (columns(name) > MAX_NAME_COLUMNS) {
			char *brief = snap_signature_name(listed->function);
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

static const char *trust_words(enum snap_trust trust)
{
	switch (trust) {
	case SNAP_TRUST_FP:
		return "[by frame pointer]";
	case SNAP_TRUST_SCAN:
		return "[guessed from the stack]";
	case SNAP_TRUST_PREWALKED:
		return "[walked by the device]";
	case SNAP_TRUST_CONTEXT:
	case SNAP_TRUST_CFI:
		break;
	}
	return NULL;
}

static bool same_line(const struct snap_crash_thread *thread, size_t a, size_t b)
{
	const struct snap_listed_frame *x = &thread->listed[a], *y = &thread->listed[b];
	const struct snap_frame *f = &thread->frames[x->frame], *g = &thread->frames[y->frame];
	return f->pc == g->pc && f->trust == g->trust && x->is_inline == y->is_inline &&
	       x->function == y->function && x->line == y->line;
}

/* How many lines from i on repeat the *ret_period lines at i, these included; 0: no recursion. */
static size_t repeated_lines(const struct snap_crash_thread *thread, size_t i, size_t *ret_period)
{
	for (size_t period = 1; period <= MAX_PERIOD; period++) {
		size_t end = i + period;
		while (end < thread->num_listed && same_line(thread, end, end - period))
			end++;
		size_t times = (end - i) / period;
		if (times >= MIN_REPEAT) {
			*ret_period = period;
			return times * period;
		}
	}
	return 0;
}

static void print_line(const struct snap_crash_thread *thread, size_t index, int digits,
	size_t column, const struct snap_colors *colors, FILE *out)
{
	const struct snap_listed_frame *listed = &thread->listed[index];
	const struct snap_frame *frame = &thread->frames[listed->frame];
	char function[SNAP_PRINT_MAX + 40];
	function_text(thread, listed, function, sizeof(function));
	size_t width = columns(function);
	(void)fprintf(out, "  #%-*zu  %s%s%s%*s", digits, index,
		listed->function ? colors->function : "", function,
		listed->function ? colors->end : "", width < column ? (int)(column - width) : 0,
		"");
	if (!frame->is_signal || listed->is_inline) {
		(void)fputs("  ", out);
		print_place(thread, listed, out);
	}
	if (listed->is_inline)
		(void)fprintf(out, "  %s[inlined]%s", colors->faint, colors->end);
	else if (frame->is_tail_call)
		(void)fprintf(out, "  %s[tail call]%s", colors->faint, colors->end);
	const char *trust = trust_words(frame->trust);
	if (trust && !listed->is_inline)
		(void)fprintf(out, "  %s%s%s", colors->doubt, trust, colors->end);
	(void)fputc('\n', out);
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
	const struct snap_crash_thread *thread, const struct snap_colors *colors, FILE *out)
{
	size_t column = 0;
	int digits = 1;
	for (size_t i = 0; i < thread->num_listed; i++) {
		char function[SNAP_PRINT_MAX + 40];
		function_text(thread, &thread->listed[i], function, sizeof(function));
		size_t width = columns(function);
		if (width > column && width <= MAX_COLUMN)
			column = width;
	}
	for (size_t n = thread->num_listed; n > 10; n /= 10)
		digits++;

	for (size_t i = 0; i < thread->num_listed;) {
		size_t period, num = repeated_lines(thread, i, &period);
		size_t shown = num > 0 ? period : 1;
		for (size_t j = 0; j < shown; j++)
			print_line(thread, i + j, digits, column, colors, out);
		if (num > 0) {
			(void)fprintf(out, "  %s... #%zu to #%zu: the same", colors->faint,
				i + period, i + num - 1);
			if (period > 1)
				(void)fprintf(out, " %zu lines", period);
			(void)fprintf(out, ", %zu times more%s\n", num / period - 1, colors->end);
			i += num;
		} else {
			i++;
		}
	}
	if (thread->num_listed == 0 && thread->end == SNAP_END_COMPLETE)
		(void)fprintf(out, "  %s(no frames)%s\n", colors->faint, colors->end);
	if (thread->end == SNAP_END_COMPLETE)
		return;
	(void)fprintf(out, "  %s%s", colors->doubt, end_words(thread->end));
	if (thread->end != SNAP_END_LIMIT && thread->end_reason && thread->end_reason[0]) {
		(void)fputs(": ", out);
		snap_print_str(out, thread->end_reason);
	}
	(void)fprintf(out, ".%s\n", colors->end);
}

void snap_registers_print(
	const struct snap_crash *crash, const struct snap_crash_thread *thread, FILE *out)
{
	enum { PER_ROW = 4 };
	if (!crash->arch || !thread->pr_reg.data)
		return;
	int digits = 2 * (int)snap_arch_word(crash->arch), width[PER_ROW] = {0}, num = 0;
	for (unsigned int i = 0; i < crash->arch->num_regs; i++) {
		int len = (int)strlen(crash->arch->regs[i].name);
		if (len > width[i % PER_ROW])
			width[i % PER_ROW] = len;
	}
	for (unsigned int i = 0; i < crash->arch->num_regs; i++) {
		uint64_t value;
		/* Those at the end are missing, if any. */
		if (!snap_arch_reg_get(
			    crash->arch, i, thread->pr_reg.data, thread->pr_reg.len, &value))
			continue;
		(void)fprintf(out, "%s%*s %0*" PRIx64,
			num > 0 && num % PER_ROW == 0 ? "\n  " : "  ", width[i % PER_ROW],
			crash->arch->regs[i].name, digits, value);
		num++;
	}
	if (num > 0)
		(void)fputc('\n', out);
}
