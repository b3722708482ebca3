/*
 * Sources: Rust's library/core/src/panicking.rs, option.rs, result.rs, cell.rs, panic/location.rs,
 * fmt/mod.rs; library/std/src/panicking.rs; 1.60 to 1.95. Its functions take a text as its address
 * and its length, and, behind their arguments, a Location's address.
 */
#include "analyze/explain/rust_panic.h"

#include <inttypes.h>
#include <string.h>

#include "analyze/explain/call_code.h"
#include "analyze/symbols/static_memory.h"

#define ARRAY_LEN(a)   (sizeof(a) / sizeof((a)[0]))
#define FORMAT(e, ...) snap_crash_format((e)->crash, __VA_ARGS__)

/* The functions that begin a panic stand among the innermost frames. */
#define LOOK_AT	 32
#define MAX_TEXT 4096u
/* Of a text, so much is put into a sentence. */
#define MAX_QUOTED 400
/* A column is none beyond. */
#define MAX_COLUMN 1000000u

enum says {
	SAYS_UNKNOWN,
	SAYS_WORDS,	/* always the same */
	SAYS_TEXT,	/* arguments 0 and 1 */
	SAYS_TEXT_MORE, /* and an error's */
	SAYS_BOUNDS,	/* arguments 0 and 1: index and length */
	SAYS_FORMAT,	/* argument 0, and perhaps 1: fmt::Arguments */
};

/* location: the argument that is the Location's address. */
static const struct {
	const char *function;
	enum says says;
	unsigned int location;
	const char *words;
} starts[] = {
	{"core::panicking::panic_bounds_check", SAYS_BOUNDS, 2, NULL},
	{"core::option::unwrap_failed", SAYS_WORDS, 0,
		"called `Option::unwrap()` on a `None` value"},
	{"core::option::expect_failed", SAYS_TEXT, 2, NULL},
	{"core::result::unwrap_failed", SAYS_TEXT_MORE, 4, NULL},
	{"core::panicking::panic", SAYS_TEXT, 2, NULL},
	{"core::panicking::panic_str_2015", SAYS_TEXT, 2, NULL},
	{"std::panicking::begin_panic", SAYS_TEXT, 2, NULL},
	{"core::panicking::panic_fmt", SAYS_FORMAT, 2, NULL},
	{"core::cell::panic_already_borrowed", SAYS_UNKNOWN, 0, NULL},
	{"core::cell::panic_already_mutably_borrowed", SAYS_UNKNOWN, 0, NULL},
	{"core::panicking::panic_const::panic_const_add_overflow", SAYS_WORDS, 0,
		"attempt to add with overflow"},
	{"core::panicking::panic_const::panic_const_sub_overflow", SAYS_WORDS, 0,
		"attempt to subtract with overflow"},
	{"core::panicking::panic_const::panic_const_mul_overflow", SAYS_WORDS, 0,
		"attempt to multiply with overflow"},
	{"core::panicking::panic_const::panic_const_div_overflow", SAYS_WORDS, 0,
		"attempt to divide with overflow"},
	{"core::panicking::panic_const::panic_const_rem_overflow", SAYS_WORDS, 0,
		"attempt to calculate the remainder with overflow"},
	{"core::panicking::panic_const::panic_const_neg_overflow", SAYS_WORDS, 0,
		"attempt to negate with overflow"},
	{"core::panicking::panic_const::panic_const_shl_overflow", SAYS_WORDS, 0,
		"attempt to shift left with overflow"},
	{"core::panicking::panic_const::panic_const_shr_overflow", SAYS_WORDS, 0,
		"attempt to shift right with overflow"},
	{"core::panicking::panic_const::panic_const_div_by_zero", SAYS_WORDS, 0,
		"attempt to divide by zero"},
	{"core::panicking::panic_const::panic_const_rem_by_zero", SAYS_WORDS, 0,
		"attempt to calculate the remainder with a divisor of zero"},
};

/* A name with or without what its type parameters stand for: f, f::<&str>, f<&str>. */
static bool is_function(const char *name, const char *wanted)
{
	size_t len = strlen(wanted);
	return strncmp(name, wanted, len) == 0 &&
	       (name[len] == '\0' || name[len] == '<' || strncmp(name + len, "::<", 3) == 0);
}

static bool argument(
	const struct snap_call_arguments *arguments, unsigned int number, uint64_t *ret)
{
	*ret = arguments->value[number];
	return arguments->known >> number & 1;
}

/* A text of a length, which is no pointer, nor empty. */
static const char *text_of(struct snap_crash *crash, uint64_t addr, uint64_t len)
{
	return len > 0 && len <= MAX_TEXT ? snap_static_text_of(crash, addr, (size_t)len) : NULL;
}

static const char *text_in(struct snap_crash *crash, const struct snap_call_arguments *arguments)
{
	uint64_t addr, len;
	return argument(arguments, 0, &addr) && argument(arguments, 1, &len)
		       ? text_of(crash, addr, len)
		       : NULL;
}

/*
 * core::panic::Location: the file's name, its length, line and column. What is not all of it that is
 * none.
 */
static bool read_location(struct snap_crash *crash, const struct snap_call_arguments *arguments,
	unsigned int number, struct snap_panic *ret)
{
	struct snap_static_pointer name;
	uint8_t bytes[16];
	uint64_t addr;
	if (!argument(arguments, number, &addr) || addr % 8 != 0 ||
		!snap_static_pointer(crash, addr, &name) || !name.has_address ||
		!snap_static_protected(crash, addr + 8, bytes, sizeof(bytes)))
		return false;
	uint64_t line = snap_arch_load(crash->arch, bytes + 8, 4);
	uint64_t column = snap_arch_load(crash->arch, bytes + 12, 4);
	const char *file =
		text_of(crash, name.address, snap_arch_load(crash->arch, bytes, 8));
	if (!file || line == 0 || line > INT32_MAX || column == 0 || column > MAX_COLUMN)
		return false;
	ret->file = file;
	ret->line = (uint32_t)line;
	ret->column = (uint32_t)column;
	return true;
}

/*
 * fmt::Arguments that are one text: until 1.92 (by their address) a list of one piece, and no
 * arguments; since then the text's address, and twice its length and one.
 */
static const char *read_format(struct snap_crash *crash,
	const struct snap_call_arguments *arguments, struct snap_panic *panic)
{
	uint64_t first, second, words[4];
	if (!argument(arguments, 0, &first))
		return NULL;
	if (read_location(crash, arguments, 2, panic))
		return argument(arguments, 1, &second) && second & 1
			       ? text_of(crash, first, second >> 1)
			       : NULL;
	if (!read_location(crash, arguments, 1, panic))
		return NULL;
	for (unsigned int i = 0; i < ARRAY_LEN(words); i++)
		if (!snap_static_word(crash, first + 8 * (uint64_t)i, &words[i]))
			return NULL;
	uint8_t len[8];
	struct snap_static_pointer text;
	return words[1] == 1 && words[3] == 0 && snap_static_pointer(crash, words[0], &text) &&
			       text.has_address && snap_static_protected(crash, words[0] + 8, len, 8)
		       ? text_of(crash, text.address, snap_arch_load(crash->arch, len, 8))
		       : NULL;
}

/* What the line's function was called with; is_first: it is the one that says what is wrong. */
static void look_at(struct snap_evidence *e, size_t line, size_t start, bool is_first)
{
	struct snap_crash *crash = e->crash;
	struct snap_panic *panic = &crash->cause.panic;
	struct snap_call_arguments arguments;
	struct snap_panic place = {0};
	const char *message = starts[start].words;
	uint64_t index, len;
	snap_call_arguments_find(crash, e->thread, e->thread->listed[line].frame, &arguments);
	switch (starts[start].says) {
	case SAYS_TEXT:
	case SAYS_TEXT_MORE:
		message = text_in(crash, &arguments);
		break;
	case SAYS_BOUNDS:
		if (argument(&arguments, 0, &index) && argument(&arguments, 1, &len))
			message = FORMAT(e,
				"index out of bounds: the len is %" PRIu64
				" but the index is %" PRIu64,
				len, index);
		break;
	case SAYS_FORMAT:
		message = read_format(crash, &arguments, &place);
		break;
	case SAYS_UNKNOWN:
	case SAYS_WORDS:
		break;
	}
	if (is_first) {
		panic->message = message;
		panic->is_cut = starts[start].says == SAYS_TEXT_MORE;
	}
	if (!panic->file && (place.file || read_location(crash, &arguments, starts[start].location,
						   &place))) {
		panic->file = place.file;
		panic->line = place.line;
		panic->column = place.column;
	}
}

int snap_rust_panic_find(struct snap_evidence *e)
{
	struct snap_cause *cause = &e->crash->cause;
	const struct snap_crash_thread *thread = e->thread;
	bool is_first = true;
	size_t num = thread && thread->num_listed < LOOK_AT ? thread->num_listed
		     : thread				    ? LOOK_AT
							    : 0;
	/* The outermost tells most; those that it calls are given the same Location. */
	for (size_t i = num; i-- > 0 && !cause->panic.file;) {
		const char *name = thread->listed[i].function;
		for (size_t j = 0; name && j < ARRAY_LEN(starts); j++)
			if (!thread->listed[i].is_inline && is_function(name, starts[j].function)) {
				look_at(e, i, j, is_first);
				is_first = false;
				break;
			}
	}
	cause->has_panic = cause->panic.message || cause->panic.file;
	e->is_failure_passed = cause->has_panic;
	return 0;
}

const char *snap_rust_panic_words(const struct snap_evidence *e)
{
	const struct snap_panic *panic = &e->crash->cause.panic;
	const char *message = "", *place = "";
	if (panic->message)
		message = FORMAT(e, " (\"%.*s\"%s)", MAX_QUOTED, panic->message,
			panic->is_cut ? ", and what the error says" : "");
	if (panic->file)
		place = FORMAT(e, ", at %.*s:%" PRIu32 ":%" PRIu32, MAX_QUOTED, panic->file,
			panic->line, panic->column);
	return message && place ? FORMAT(e, "%s%s", message, place) : NULL;
}
