#include "analyze/explain/abort_text.h"

#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* ---------------------------------------------------------------- text */

static bool begins_with(struct snap_bytes text, const char *start)
{
	size_t len = strlen(start);
	return text.len >= len && memcmp(text.data, start, len) == 0;
}

static bool ends_with(struct snap_bytes text, const char *end)
{
	size_t len = strlen(end);
	return text.len >= len && memcmp(text.data + text.len - len, end, len) == 0;
}

/* Where it first stands in the text from off on; text.len: nowhere. */
static size_t find(struct snap_bytes text, size_t off, const char *what)
{
	const uint8_t *at =
		off < text.len ? memmem(text.data + off, text.len - off, what, strlen(what)) : NULL;
	return at ? (size_t)(at - text.data) : text.len;
}

static bool contains(struct snap_bytes text, const char *what)
{
	return find(text, 0, what) < text.len;
}

/* [from, to) of it. */
static struct snap_bytes part(struct snap_bytes text, size_t from, size_t to)
{
	return snap_bytes(text.data + from, to - from);
}

/* ---------------------------------------------------------------- assertions */

/* ":88:" from off on, as *ret_line; *ret_off: its first colon, *ret_end: behind its last. */
static bool find_line(
	struct snap_bytes text, size_t off, uint32_t *ret_line, size_t *ret_off, size_t *ret_end)
{
	for (; off < text.len; off++) {
		uint64_t line = 0;
		size_t at = off + 1;
		if (text.data[off] != ':')
			continue;
		while (at < text.len && text.data[at] >= '0' && text.data[at] <= '9' &&
			line <= UINT32_MAX)
			line = line * 10 + (text.data[at++] - '0');
		if (at == off + 1 || line > UINT32_MAX || at >= text.len || text.data[at] != ':')
			continue;
		*ret_line = (uint32_t)line;
		*ret_off = off;
		*ret_end = at + 1;
		return true;
	}
	return false;
}

/* "program: " before a file's name. A name may have ": " in it, which is rare. */
static size_t skip_program(struct snap_bytes head, struct snap_bytes program)
{
	if (program.len > 0 && head.len > program.len + 2 &&
		memcmp(head.data, program.data, program.len) == 0 &&
		memcmp(head.data + program.len, ": ", 2) == 0)
		return program.len + 2;
	size_t from = 0;
	for (size_t at = 0; (at = find(head, at, ": ")) < head.len; at += 2)
		from = at + 2;
	return from;
}

/*
 * "player: decode.c:88: decode: Assertion `n > 0' failed." What stands before the quote is the
 * program's, the file's and the function's name; the first may be absent, the last, too.
 */
static bool read_assertion(
	struct snap_bytes text, struct snap_bytes program, struct snap_assert_text *ret)
{
	static const char quote[] = "Assertion `", behind[] = "' failed.";
	size_t off, end, at = find(text, 0, quote);
	if (at == text.len || !find_line(text, 0, &ret->line, &off, &end) || end > at)
		return false;
	ret->has_line = true;
	ret->file = part(text, skip_program(part(text, 0, off), program), off);
	struct snap_bytes function = part(text, end, at);
	if (begins_with(function, " "))
		function = part(function, 1, function.len);
	if (ends_with(function, ": "))
		ret->function = part(function, 0, function.len - 2);
	at += sizeof(quote) - 1;
	ret->is_cut = !ends_with(text, behind) || text.len - at < sizeof(behind) - 1;
	ret->expression = part(text, at, ret->is_cut ? text.len : text.len - sizeof(behind) + 1);
	return true;
}

/* "Fatal glibc error: malloc.c:2599 (sysmalloc): assertion failed: ...", since glibc 2.37. */
static bool read_internal_assertion(struct snap_bytes text, struct snap_assert_text *ret)
{
	static const char head[] = "Fatal glibc error: ", mark[] = "): assertion failed: ";
	size_t at = find(text, 0, mark), line = 0;
	if (!begins_with(text, head) || at == text.len)
		return false;
	size_t from = sizeof(head) - 1, open = find(text, from, " (");
	size_t colon = find(text, from, ":");
	if (open >= at || colon >= open)
		return false;
	for (size_t i = colon + 1; i < open; i++) {
		if (text.data[i] < '0' || text.data[i] > '9' || line > UINT32_MAX / 10)
			return false;
		line = line * 10 + (text.data[i] - '0');
	}
	ret->file = part(text, from, colon);
	ret->has_line = open > colon + 1;
	ret->line = (uint32_t)line;
	ret->function = part(text, open + 2, at);
	ret->expression = part(text, at + sizeof(mark) - 1, text.len);
	return true;
}

/* The allocator's own assertions fail when its books are damaged. */
static bool is_of_allocator(const struct snap_assert_text *assertion)
{
	static const char *const files[] = {"malloc.c", "arena.c", "hooks.c"};
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (snap_bytes_equal_str(assertion->file, files[i]) ||
			(ends_with(assertion->file, files[i]) &&
				begins_with(assertion->file, "malloc/")))
			return true;
	return false;
}

/* ---------------------------------------------------------------- messages */

static const char double_free[] = "a block of the heap was freed a second time";
static const char bad_pointer[] = "a pointer was freed that is none of the allocator's: it is not "
				  "where a block begins, was not "
				  "allocated, or the heap before it was overwritten";
static const char overwritten[] =
	"the allocator found its books damaged: the program wrote past the end of a block of the "
	"heap, before it, or into a freed one, some time before";
static const char freed_written[] =
	"the allocator found the list of freed blocks damaged: the program wrote into a block that "
	"it had freed, freed one twice, or wrote past the end of the one before";
static const char top_written[] = "the allocator found the size of the heap's free end damaged: "
				  "the program wrote past the end "
				  "of the last block of the heap";

/* The first that is in the text counts. */
static const struct {
	const char *text;
	enum snap_failure failure;
	const char *words;
} messages[] = {
	{"double free detected", SNAP_FAILURE_DOUBLE_FREE, double_free},
	{"double free or corruption (fasttop)", SNAP_FAILURE_DOUBLE_FREE, double_free},
	{"double free or corruption", SNAP_FAILURE_HEAP_CORRUPTION,
		"a block of the heap was freed a second time, or the program wrote past the end of "
		"a "
		"block, over what the allocator keeps there"},
	{"invalid fastbin entry (free)", SNAP_FAILURE_HEAP_CORRUPTION, freed_written},
	{"free(): invalid pointer", SNAP_FAILURE_INVALID_FREE, bad_pointer},
	{"free(): invalid size", SNAP_FAILURE_INVALID_FREE, bad_pointer},
	{"munmap_chunk(): invalid pointer", SNAP_FAILURE_INVALID_FREE, bad_pointer},
	{"mremap_chunk(): invalid pointer", SNAP_FAILURE_INVALID_FREE, bad_pointer},
	{"realloc(): invalid pointer", SNAP_FAILURE_INVALID_FREE, bad_pointer},
	{"corrupted top size", SNAP_FAILURE_HEAP_CORRUPTION, top_written},
	{"top chunk is corrupt", SNAP_FAILURE_HEAP_CORRUPTION, top_written},
	{"break adjusted to free malloc space", SNAP_FAILURE_HEAP_CORRUPTION, top_written},
	{"unaligned tcache chunk", SNAP_FAILURE_HEAP_CORRUPTION, freed_written},
	{"unaligned fastbin chunk", SNAP_FAILURE_HEAP_CORRUPTION, freed_written},
	{"unaligned chunk detected in tcache", SNAP_FAILURE_HEAP_CORRUPTION, freed_written},
	{"too many chunks detected in tcache", SNAP_FAILURE_HEAP_CORRUPTION, freed_written},
	{"corrupted unsorted chunks", SNAP_FAILURE_HEAP_CORRUPTION, freed_written},
	{"double linked list corrupted", SNAP_FAILURE_HEAP_CORRUPTION, freed_written},
	{"corrupted double-linked list", SNAP_FAILURE_HEAP_CORRUPTION, freed_written},
	{"corrupted size vs. prev_size", SNAP_FAILURE_HEAP_CORRUPTION, overwritten},
	{"malloc(): ", SNAP_FAILURE_HEAP_CORRUPTION, overwritten},
	{"calloc(): ", SNAP_FAILURE_HEAP_CORRUPTION, overwritten},
	{"realloc(): ", SNAP_FAILURE_HEAP_CORRUPTION, overwritten},
	{"free(): ", SNAP_FAILURE_HEAP_CORRUPTION, overwritten},
	{"malloc_consolidate(): ", SNAP_FAILURE_HEAP_CORRUPTION, overwritten},
	{"*** stack smashing detected ***", SNAP_FAILURE_STACK_SMASHING,
		"a function that was about to return found its stack frame overwritten: one of its "
		"local arrays overflowed (stack smashing)"},
	{"*** buffer overflow detected ***", SNAP_FAILURE_BUFFER_OVERFLOW,
		"a checked library function (_FORTIFY_SOURCE) was to write more than the buffer "
		"that "
		"it was given holds"},
	{"*** bit out of range", SNAP_FAILURE_BUFFER_OVERFLOW,
		"a file's descriptor of FD_SETSIZE (1024) or more, or below 0, was put into an "
		"fd_set"},
	{"*** %n in writable segment", SNAP_FAILURE_FORMAT_STRING,
		"a format that may be written to has %n in it: perhaps text from outside is used "
		"as "
		"a format"},
	{"*** invalid %N$ use", SNAP_FAILURE_FORMAT_STRING,
		"a format with numbered arguments leaves one out: perhaps text from outside is "
		"used "
		"as a format"},
	{"*** longjmp causes uninitialized stack frame ***", SNAP_FAILURE_BAD_LONGJMP,
		"longjmp() was to go to a function that had returned already"},
};

/* Of more than one line, all count; what is cut may lack its end. */
static void read_message(struct snap_bytes text, struct snap_abort_text *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(messages); i++)
		if (contains(text, messages[i].text)) {
			ret->failure = messages[i].failure;
			ret->words = messages[i].words;
			return;
		}
}

struct snap_abort_text snap_abort_text_read(struct snap_bytes text, struct snap_bytes program)
{
	struct snap_abort_text ret = {.failure = SNAP_FAILURE_NONE};
	while (text.len > 0 && text.data[text.len - 1] == '\n')
		text.len--;
	if (text.len == 0)
		return ret;
	if (read_assertion(text, program, &ret.assertion) ||
		read_internal_assertion(text, &ret.assertion)) {
		ret.has_assertion = true;
		bool is_heap = is_of_allocator(&ret.assertion);
		ret.failure = is_heap ? SNAP_FAILURE_HEAP_CORRUPTION : SNAP_FAILURE_ASSERTION;
		ret.words = is_heap ? overwritten : "an assertion failed";
		return ret;
	}
	read_message(text, &ret);
	return ret;
}
