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

/* What compilers write differently, or only some write. None is twice as long as what it replaces.
 */
static const struct {
	const char *in, *out;
} synonyms[] = {
	{"[abi:cxx11]", ""},
	{"_GLOBAL__N_1", "(anonymous namespace)"},
	{"{anonymous}", "(anonymous namespace)"},
};

/* The length of clang's "$_0" or "'lambda0'(int)" at s; 0: it is none. */
static size_t lambda_len(const char *start, const char *s, const char *end)
{
	static const char quoted[] = "'lambda";
	const char *p = s;
	if (starts_with(s, end, "$_") && (s == start || !is_word(s[-1]))) {
		p += 2;
		while (p < end && isdigit((unsigned char)*p))
			p++;
		/* Room for what it becomes. */
		return p > s + 2 && (p == end || !is_word(*p)) ? (size_t)(p - s) : 0;
	}
	if (!starts_with(s, end, quoted))
		return 0;
	p += sizeof(quoted) - 1;
	while (p < end && isdigit((unsigned char)*p))
		p++;
	if (p == end || *p != '\'')
		return 0;
	p++;
	const char *close = p < end && *p == '(' ? closing(p, end, '(', ')') : NULL;
	return (size_t)((close ? close + 1 : p) - s);
}

/* Append [s, end) to out, which has room for it thrice: "$_0" becomes "{lambda}". */
static char *simplify(const char *s, const char *end, unsigned int depth, char *out)
{
	const char *start = s;
	unsigned int unclosed = 0;
	while (s < end) {
		size_t len = operator_len(start, s, end);
		size_t clang = len == 0 ? lambda_len(start, s, end) : 0;
		size_t synonym = 0;
		while (synonym < ARRAY_LEN(synonyms) && !starts_with(s, end, synonyms[synonym].in))
			synonym++;
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
		} else if (clang > 0) {
			out = mempcpy(out, "{lambda}", 8);
			s += clang;
		} else if (synonym < ARRAY_LEN(synonyms)) {
			out = mempcpy(out, synonyms[synonym].out, strlen(synonyms[synonym].out));
			s += strlen(synonyms[synonym].in);
		} else if (close && angle) {
			*out++ = '<';
			if (depth < MAX_DEPTH && has_as(s + 1, close))
				out = simplify(s + 1, close, depth + 1, out);
			else if (close > s + 1)
				*out++ = 'T';
			*out++ = '>';
			s = close + 1;
		} else if (close) {
			out = mempcpy(out, "{lambda}", 8);
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

static bool is_one_of(const char *s, size_t len, const char *const words[], size_t num)
{
	for (size_t i = 0; i < num; i++)
		if (strlen(words[i]) == len && memcmp(words[i], s, len) == 0)
			return true;
	return false;
}

/*
 * glibc has its functions of strings once for each kind of processor: "__strlen_avx2_rtm". The
 * length of "strlen" in [s, s + len), *ret_skip being what stands before it; 0: it is none of them.
 */
static size_t without_processor(const char *s, size_t len, size_t *ret_skip)
{
	static const char *const families[] = {
		"mem", "str", "stp", "wcs", "wmem", "wcp", "rawmem", "bcmp", "bcopy"};
	static const char *const kinds[] = {"sse2", "sse3", "ssse3", "sse42", "sse4", "avx", "avx2",
		"avx512", "evex", "evex512", "neon", "sve", "asimd", "thunderx", "thunderx2",
		"falkor", "kryo", "emag", "a64fx", "mte", "mops", "oryon1", "ia32", "i586", "i686",
		"power7", "power8", "power9", "power10", "z13", "generic"};
	const char *end = s + len, *p = s;
	while (p < end && *p == '_')
		p++;
	bool is_family = false;
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		is_family |= starts_with(p, end, families[i]);
	if (p == s || !is_family)
		return 0;
	*ret_skip = (size_t)(p - s);
	for (const char *q = memchr(p, '_', (size_t)(end - p)); q;
		q = memchr(q + 1, '_', (size_t)(end - q - 1))) {
		const char *word = q + 1, *stop = word;
		while (stop < end && *stop != '_')
			stop++;
		if (is_one_of(word, (size_t)(stop - word), kinds, ARRAY_LEN(kinds)))
			return (size_t)(q - p);
	}
	return 0;
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

/* The length without Rust's "::h0123456789abcdef". */
static size_t without_hash(const char *name, size_t len)
{
	enum { HASH = 16 };
	if (len <= HASH + 3 || memcmp(name + len - HASH - 3, "::h", 3) != 0)
		return len;
	for (size_t i = len - HASH; i < len; i++)
		if (!isdigit((unsigned char)name[i]) && !(name[i] >= 'a' && name[i] <= 'f'))
			return len;
	return len - HASH - 3;
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
	size_t kept = without_hash(name, without_suffixes(name, len)), skip = 0;
	if (kept > 0)
		len = kept;
	kept = without_processor(name, len, &skip);
	if (kept > 0) {
		name += skip;
		len = kept;
	}

	char *simple = malloc(3 * len + 1);
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
