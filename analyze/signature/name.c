#include "analyze/signature/name.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/escape.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* "<A as B<C as D>>" can go on for ever in a hostile name, and so can brackets that none closes:
 * each of them is looked for once, to the end of the name. */
#define MAX_DEPTH    8
#define MAX_UNCLOSED 8

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static bool starts_with(const char *s, const char *end, const char *prefix)
{
	size_t len = strlen(prefix);
	return (size_t)(end - s) >= len && memcmp(s, prefix, len) == 0;
}

/* The length of "operator<<" and its like at s, whose brackets are no brackets; 0: none. */
static size_t operator_len(const char *start, const char *s, const char *end)
{
	/* The longer ones first. */
	static const char *const operators[] = {
		"<=>", "->*", "<<=", ">>=", "<<", ">>", "<=", ">=", "->", "<", ">", "()", "[]"};
	if (!starts_with(s, end, "operator") || (s > start && is_word(s[-1])))
		return 0;
	const char *p = s + strlen("operator");
	while (p < end && *p == ' ')
		p++;
	for (size_t i = 0; i < ARRAY_LEN(operators); i++)
		if (starts_with(p, end, operators[i]))
			return (size_t)(p - s) + strlen(operators[i]);
	return 0;
}

/* The bracket that closes the one at s, or NULL. */
static const char *closing(const char *s, const char *end, char open, char close)
{
	size_t depth = 0;
	for (const char *p = s; p < end; p++) {
		if (*p == open)
			depth++;
		else if (*p == close && !(close == '>' && p > s && p[-1] == '-') && --depth == 0)
			return p;
	}
	return NULL;
}

/* Rust's "<X as Trait>": " as " in the brackets themselves. */
static bool has_as(const char *s, const char *end)
{
	size_t depth = 0;
	for (const char *p = s; p < end; p++) {
		if (*p == '<')
			depth++;
		else if (*p == '>' && depth > 0 && p[-1] != '-')
			depth--;
		else if (depth == 0 && starts_with(p, end, " as "))
			return true;
	}
	return false;
}

/* Append [s, end) to out, which has room for it: the result is never longer. */
static char *simplify(const char *s, const char *end, unsigned int depth, char *out)
{
	const char *start = s;
	unsigned int unclosed = 0;
	while (s < end) {
		size_t len = operator_len(start, s, end);
		const char *close = NULL;
		bool angle = *s == '<', lambda = starts_with(s, end, "{lambda(");
		if (len == 0 && (angle || lambda) && unclosed < MAX_UNCLOSED) {
			close = closing(s, end, *s, angle ? '>' : '}');
			unclosed += close == NULL;
		}
		if (len > 0) {
			memcpy(out, s, len);
			out += len;
			s += len;
		} else if (close && angle) {
			*out++ = '<';
			if (depth < MAX_DEPTH && has_as(s + 1, close))
				out = simplify(s + 1, close, depth + 1, out);
			else if (close > s + 1)
				*out++ = 'T';
			*out++ = '>';
			s = close + 1;
		} else if (close) {
			memcpy(out, "{lambda}", 8);
			out += 8;
			s = close + 1;
		} else {
			*out++ = *s++;
		}
	}
	return out;
}

/* Where a compiler's clone suffix begins: ".constprop.0.isra.1", ".cold", ".123". */
static size_t without_suffixes(const char *name, size_t len)
{
	static const char *const suffixes[] = {
		"constprop", "isra", "part", "cold", "lto_priv", "llvm", "localalias", "__uniq"};
	for (;;) {
		size_t at = len;
		while (at > 0 && isxdigit((unsigned char)name[at - 1]))
			at--;
		bool digits = at < len && at > 0 && name[at - 1] == '.' &&
			      isdigit((unsigned char)name[at]);
		if (digits) {
			len = at - 1;
			continue;
		}
		bool cut = false;
		for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
			size_t n = strlen(suffixes[i]);
			if (len > n + 1 && name[len - n - 1] == '.' &&
				memcmp(name + len - n, suffixes[i], n) == 0) {
				len -= n + 1;
				cut = true;
				break;
			}
		}
		if (!cut)
			return len;
	}
}

/* glibc's names of its own calls ("__GI_raise") and of its allocator ("__libc_free"). */
static const char *without_prefixes(const char *name)
{
	static const char internal[] = "__GI_", libc[] = "__libc_";
	static const char *const allocator[] = {
		"malloc", "free", "calloc", "realloc", "memalign", "valloc", "pvalloc"};
	if (strncmp(name, internal, sizeof(internal) - 1) == 0)
		name += sizeof(internal) - 1;
	if (strncmp(name, libc, sizeof(libc) - 1) == 0)
		for (size_t i = 0; i < ARRAY_LEN(allocator); i++)
			if (strcmp(name + sizeof(libc) - 1, allocator[i]) == 0)
				return allocator[i];
	return name;
}

char *snap_signature_name(const char *name)
{
	name = without_prefixes(name);
	size_t len = strlen(name);
	const char *clone = strstr(name, " [clone ");
	if (clone)
		len = (size_t)(clone - name);
	/* A stub of the procedure linkage table is not the function: that was not reached. */
	const char *version = memchr(name, '@', len);
	if (version && version > name && strcmp(version, "@plt") != 0)
		len = (size_t)(version - name);
	size_t kept = without_suffixes(name, len);
	if (kept > 0)
		len = kept;

	char *simple = malloc(len + 1);
	if (!simple)
		return NULL;
	struct snap_bytes bytes =
		snap_bytes(simple, (size_t)(simplify(name, name + len, 0, simple) - simple));
	size_t size = snap_escape(bytes, SNAP_ESCAPE_INVALID, NULL, 0) + 1;
	char *ret = malloc(size);
	if (ret)
		(void)snap_escape(bytes, SNAP_ESCAPE_INVALID, ret, size); /* fits */
	free(simple);
	return ret;
}
