#include "analyze/explain/assert_call.h"

#include <string.h>

#include "analyze/explain/call_code.h"
#include "analyze/symbols/static_memory.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* No function's signature, in full, is longer. */
#define MAX_TEXT 4096u

/* Which argument is which: musl's src/exit/assert.c and glibc's assert/assert.c; gcc's
 * libstdc++-v3/src/c++11/assert_fail.cc. */
static const struct {
	const char *function;
	uint8_t expression, file, line, in;
} reporters[] = {
	{"__assert_fail", 0, 1, 2, 3},
	{"std::__glibcxx_assert_fail", 3, 0, 1, 2},
};

static const char *text_at(
	struct snap_crash *crash, const struct snap_call_arguments *arguments, unsigned int number)
{
	if (!(arguments->known >> number & 1))
		return NULL;
	const char *text = snap_static_text(crash, arguments->value[number], MAX_TEXT);
	return text && text[0] ? text : NULL;
}

void snap_assert_call_find(struct snap_evidence *e, const char *function, size_t line)
{
	struct snap_crash *crash = e->crash;
	struct snap_cause *cause = &crash->cause;
	struct snap_assertion *assertion = &cause->assertion;
	struct snap_call_arguments arguments;
	size_t i = 0;
	while (i < ARRAY_LEN(reporters) && strcmp(reporters[i].function, function) != 0)
		i++;
	if (i == ARRAY_LEN(reporters) || e->thread->listed[line].is_inline)
		return;
	snap_call_arguments_find(crash, e->thread, e->thread->listed[line].frame, &arguments);
	struct snap_assertion found = {
		.expression = text_at(crash, &arguments, reporters[i].expression),
		.file = text_at(crash, &arguments, reporters[i].file),
		.function = text_at(crash, &arguments, reporters[i].in),
	};
	uint32_t number = (uint32_t)arguments.value[reporters[i].line];
	found.has_line = arguments.known >> reporters[i].line & 1 && (int32_t)number > 0;
	found.line = found.has_line ? number : 0;
	/* Without either it says nothing. */
	if (!found.expression && !found.file)
		return;
	*assertion = found;
	cause->has_assertion = true;
	e->is_failure_passed = true;
}
