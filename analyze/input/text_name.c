/*
 * Functions' names as gdb and sanitizers print them: with arguments or parameters, some with their
 * return type.
 */
#include <ctype.h>
#include <string.h>

#include "analyze/input/text_trace.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static bool is_word(uint8_t c)
{
	return isalnum(c) || c == '_' || c == '$' || c >= 0x80;
}

/* The length of "operator<<" at off, brackets of its own included; 0: there is none. */
static size_t operator_len(struct snap_bytes name, size_t off)
{
	static const char word[] = "operator";
	/* The longer ones first. */
	static const char *const signs[] = {
		"<=>", "->*", "<<=", ">>=", "<<", ">>", "<=", ">=", "->", "<", ">", "()", "[]"};
	struct snap_bytes at = snap_text_from(name, off);
	if (!snap_text_begins(at, word) || (off > 0 && is_word(name.data[off - 1])))
		return 0;
	size_t len = sizeof(word) - 1;
	if (len < at.len && is_word(at.data[len]))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(signs); i++)
		if (snap_text_begins(snap_text_from(at, len), signs[i]))
			return len + strlen(signs[i]);
	return len;
}

/* How deep in brackets what follows name.data[off] is. */
static size_t deepen(struct snap_bytes name, size_t off, size_t depth)
{
	switch (name.data[off]) {
	case '<':
	case '(':
	case '[':
	case '{':
		return depth + 1;
	case '>':
		if (off > 0 && name.data[off - 1] == '-')
			return depth;
		/* fall through */
	case ')':
	case ']':
	case '}':
		return depth > 0 ? depth - 1 : 0;
	default:
		return depth;
	}
}

/* " (" that is part of a name: "void (anonymous namespace)::f". */
static bool begins_namespace(struct snap_bytes at)
{
	return snap_text_begins(at, " (anonymous");
}

size_t snap_text_name_len(struct snap_bytes bytes, bool stops_at_path)
{
	size_t depth = 0, first = bytes.len;
	for (size_t i = 0; i < bytes.len;) {
		size_t len = operator_len(bytes, i);
		if (len > 0) {
			i += len;
			continue;
		}
		struct snap_bytes at = snap_text_from(bytes, i);
		if (i > 0 && at.data[0] == ' ' && at.len > 1) {
			bool is_end = stops_at_path ? at.data[1] == '/'
						    : at.data[1] == '(' && !begins_namespace(at);
			if (is_end && depth == 0)
				return i;
			if (is_end && first == bytes.len)
				first = i;
		}
		/* A character that a template was given. */
		if (at.data[0] == '\'' && at.len > 2 && at.data[2] == '\'') {
			i += 3;
			continue;
		}
		depth = deepen(bytes, i, depth);
		i++;
	}
	/* Brackets that none closes. */
	return first;
}

/* The length without what stands behind the parameters of a member function. */
static size_t without_qualifiers(struct snap_bytes name)
{
	static const char *const qualifiers[] = {" const", " volatile", " &&", " &", " noexcept"};
	bool again = true;
	while (again) {
		again = false;
		for (size_t i = 0; i < ARRAY_LEN(qualifiers); i++)
			if (snap_text_ends(name, qualifiers[i])) {
				name.len -= strlen(qualifiers[i]);
				again = true;
			}
	}
	return name.len;
}

/* Where the parenthesis that the name ends with is opened; name.len: nowhere, or it ends otherwise. */
static size_t opening(struct snap_bytes name)
{
	size_t depth = 0;
	if (!snap_text_ends(name, ")"))
		return name.len;
	for (size_t i = name.len; i-- > 0;) {
		if (name.data[i] == ')')
			depth++;
		else if (name.data[i] == '(' && --depth == 0)
			return i;
	}
	return name.len;
}

/* Behind the last space in no brackets, but for what follows "operator" and thunks' words. */
static size_t skip_return_type(struct snap_bytes name)
{
	size_t depth = 0, ret = 0;
	if (snap_text_begins(name, "non-virtual thunk to ") ||
		snap_text_begins(name, "virtual thunk to ") ||
		snap_text_begins(name, "covariant return thunk to "))
		return 0;
	for (size_t i = 0; i < name.len; i++) {
		if (depth == 0 && operator_len(name, i) > 0)
			break;
		depth = deepen(name, i, depth);
		if (depth == 0 && name.data[i] == ' ')
			ret = i + 1;
	}
	return ret < name.len ? ret : 0;
}

/* gcc's "<lambda(int)>" in gdb's words as demanglers have it: "{lambda(int)}". */
static struct snap_bytes rename_lambdas(struct snap_text *text, struct snap_bytes name)
{
	static const char mark[] = "<lambda(";
	if (snap_text_find(name, mark) == name.len)
		return name;
	char *out = snap_text_alloc(text, name.len);
	if (out)
		memcpy(out, name.data, name.len);
	size_t depth = 0, lambda_depth = 0;
	bool in_lambda = false;
	for (size_t i = 0; out && i < name.len; i++) {
		if (!in_lambda && snap_text_begins(snap_text_from(name, i), mark)) {
			out[i] = '{';
			in_lambda = true;
			lambda_depth = depth;
		}
		depth = deepen(name, i, depth);
		if (in_lambda && name.data[i] == '>' && depth == lambda_depth) {
			out[i] = '}';
			in_lambda = false;
		}
	}
	return snap_bytes(out, out ? name.len : 0);
}

struct snap_bytes snap_text_name_clean(struct snap_text *text, struct snap_bytes name)
{
	name = snap_text_trim(name);
	/* What a clone is called says nothing that is kept. */
	name.len = snap_text_find(name, " [clone ");
	struct snap_bytes base = snap_text_first(name, without_qualifiers(name));
	size_t open = opening(base);
	if (open < base.len && open > 0 && operator_len(base, open < 8 ? base.len : open - 8) == 0) {
		name = snap_text_trim(snap_text_first(base, open));
		name = snap_text_from(name, skip_return_type(name));
	}
	return rename_lambdas(text, name);
}

bool snap_text_split_line(
	struct snap_bytes place, struct snap_bytes *ret_file, uint32_t *ret_line, uint32_t *ret_column)
{
	uint64_t numbers[2] = {0, 0};
	size_t num = 0, end = place.len;
	while (num < 2) {
		size_t at = end;
		while (at > 0 && isdigit(place.data[at - 1]))
			at--;
		struct snap_bytes digits = snap_bytes(place.data + at, end - at);
		if (at < 2 || place.data[at - 1] != ':' ||
			!snap_text_number(&digits, &numbers[num]) || digits.len > 0 ||
			numbers[num] > UINT32_MAX)
			break;
		num++;
		end = at - 1;
	}
	if (num == 0)
		return false;
	*ret_file = snap_text_first(place, end);
	*ret_line = (uint32_t)numbers[num - 1];
	*ret_column = num == 2 ? (uint32_t)numbers[0] : 0;
	return true;
}

/* ---------------------------------------------------------------- libraries */

static bool begins_with_any(struct snap_bytes path, const char *const names[], size_t num)
{
	for (size_t i = 0; i < num; i++)
		if (snap_text_begins(path, names[i]))
			return true;
	return false;
}

/*
 * glibc is built in its own tree, its files' paths relative to that, or below "/usr/src/debug"; some
 * distributors have had them without directories. What other programs might have in directories that
 * are called alike counts if the function's name is the library's own.
 */
static bool is_of_glibc(struct snap_bytes path, struct snap_bytes function)
{
	static const char *const own[] = {"csu/", "libio/", "malloc/", "nptl/", "setjmp/",
		"stdio-common/", "stdlib/", "sysdeps/", "wcsmbs/"};
	static const char *const shared[] = {"assert/", "debug/", "dlfcn/", "io/", "locale/", "math/",
		"misc/", "posix/", "signal/", "socket/", "string/", "termios/", "time/"};
	static const char *const files[] = {"abort.c", "assert.c", "fortify_fail.c", "libc_fatal.c",
		"malloc.c", "pthread_create.c", "raise.c", "stack_chk_fail.c"};
	static const char *const functions[] = {"_", "abort", "malloc_printerr", "munmap_chunk",
		"raise", "start_thread", "sysmalloc", "unlink_chunk"};
	bool is_internal = begins_with_any(function, functions, ARRAY_LEN(functions));
	/* LLVM's symboliser puts the directory before it: "csu/../sysdeps/", "nptl/./nptl/". */
	size_t dots = snap_text_find(path, "/../"), dot = snap_text_find(path, "/./");
	size_t begin = dot < dots ? dot : dots;
	if (begin < path.len && path.data[0] != '/' && path.data[0] != '.')
		path = snap_text_from(path, begin + 1);
	size_t at = snap_text_find(path, "/glibc-");
	if (at < path.len) {
		path = snap_text_from(path, at + 1);
		path = snap_text_from(path, snap_text_find(path, "/") + 1);
		return path.len > 0;
	}
	if (snap_text_begins(path, "./"))
		path = snap_text_from(path, 2);
	else if (snap_text_begins(path, "../sysdeps/") || snap_text_begins(path, "../nptl/") ||
		 snap_text_begins(path, "../csu/"))
		path = snap_text_from(path, 3);
	else
		return is_internal && snap_text_find(path, "/") == path.len &&
		       begins_with_any(path, files, ARRAY_LEN(files));
	return begins_with_any(path, own, ARRAY_LEN(own)) ||
	       (is_internal && begins_with_any(path, shared, ARRAY_LEN(shared)));
}

struct snap_bytes snap_text_library_of(struct snap_bytes source, struct snap_bytes function)
{
	static const struct {
		const char *part, *module;
	} others[] = {
		{"libstdc++-v3/", "libstdc++.so.6"},
		{"/libgcc/", "libgcc_s.so.1"},
		{"/libsanitizer/", "libasan.so"},
		{"compiler-rt/lib/", "libasan.so"},
	};
	if (source.len == 0)
		return snap_bytes(NULL, 0);
	if (snap_text_begins(source, "./elf/") && snap_text_begins(function, "_"))
		return snap_bytes_str("ld-linux.so");
	if (is_of_glibc(source, function))
		return snap_bytes_str("libc.so.6");
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (snap_text_find(source, others[i].part) < source.len)
			return snap_bytes_str(others[i].module);
	return snap_bytes(NULL, 0);
}
